/* Probability laws by inverse distribution function, in integers: 64 uniform bits in, a value out
 * (Devroye, "Non-Uniform Random Variate Generation", 1986, II.2).
 *
 * The normal quantile interpolates a committed table: the lower half of the probabilities is cut
 * in 64 octaves, (2^-65, 2^-64] to (1/4, 1/2], each octave in 32 cells, each cell holding the cubic
 * that matches z and dz/dp at both ends (Hermite). The error is at most 7e-9 in z, everywhere.
 *
 * Errors of the others, before rounding to the nearest integer, tested against GSL:
 *   uniform      none
 *   exponential  4e-10 of the mean
 *   normal       7e-9 standard deviations
 *   lognormal    1e-8 sigma + 4e-10, relative
 *   Pareto       (4e-10 / tail index) + 4e-10, relative
 *   empirical    2^-64 of the step between two values
 *
 * Signed >> is used as floor division by a power of two; gcc and clang define it so. */
#include "sim/law.h"
#include "sim/num.h"

#include <assert.h>

#define OCTAVES 64
#define CELL_BITS 5
#define CELLS (1 << CELL_BITS)
#define NODES_PER_OCTAVE (CELLS + 1)

#define PPM INT64_C(1000000)
#define Q32_BITS 32

/* round(n ln 2 2^32) for n = 30, 31, 33; ln 2 is OEIS A002162. */
#define LN2_X30_Q32 INT64_C(89311334155)
#define LN2_X31_Q32 INT64_C(92288378626)
#define LN2_X33_Q32 INT64_C(98242467570)
/* The same as FL_LN2_Q32 with 32 more bits. */
#define LN2_Q64 ((fl_i128)UINT64_C(0xB17217F7D1CF79AC))

/* e^4 is a factor of 55 per standard deviation; nothing in a market or a network needs more, and
 * sigma * z stays far inside int64. */
#define LOGNORMAL_SIGMA_MAX (4 * PPM)

struct node {
    int64_t z;     /* quantile, Q40 */
    int64_t slope; /* dz per cell of this octave, Q40 */
};

static const struct node quantile_table[OCTAVES * NODES_PER_OCTAVE] = {
#include "sim/law_table.inc"
};

#define TABLE_BITS 40
#define T_BITS 28
#define T_ONE (INT64_C(1) << T_BITS)

/* The cubic through both nodes at t / 2^28 of the cell:
 *
 *     z + (slope t + floor((c3 t + c2 2^28) t^2 / 2^56)) / 2^28
 *
 * rounded down once: the first floor does not move the second, for slope t is whole. The integer
 * coefficients are exact, so it is non-decreasing because the cubic is (tested: slopes below three
 * times the chord, Fritsch and Carlson 1980). In the whole table |slope| < 2^35, |c2| < 2^28 and |c3|
 * < 2^23, which keeps all but the product with t^2 in 63 bits. */
static inline int64_t cell_at(const struct node *left, int64_t t)
{
    const struct node *right = left + 1;
    const int64_t rise = right->z - left->z;
    const int64_t c2 = 3 * rise - 2 * left->slope - right->slope;
    const int64_t c3 = left->slope + right->slope - 2 * rise;
    const fl_i128 bend = (fl_i128)(c3 * t + c2 * T_ONE) * (t * t);
    return left->z + ((left->slope * t + (int64_t)(bend >> (2 * T_BITS))) >> T_BITS);
}

/* The quantile, Q32 and <= 0, of the probability odd / 2^65: octave by the leading bit, then five
 * bits of cell, then 28 of position. */
static inline int64_t lower_quantile_q32(uint64_t odd)
{
    const int zeros = __builtin_clzll(odd);
    const uint64_t fraction = odd << zeros << 1; /* leading bit dropped */
    const uint64_t cell = fraction >> (64 - CELL_BITS);
    const uint64_t t = fraction << CELL_BITS >> (64 - T_BITS);
    const uint64_t row = (uint64_t)(OCTAVES - 1 - zeros) * NODES_PER_OCTAVE + cell;
    const int64_t z = cell_at(&quantile_table[row], (int64_t)t);
    const int drop = TABLE_BITS - Q32_BITS;
    return (z + (INT64_C(1) << (drop - 1))) >> drop;
}

static inline int64_t normal_q32(uint64_t u)
{
    const bool lower = u >> 63 == 0;
    const int64_t z = lower_quantile_q32(2 * (lower ? u : ~u) + 1);
    return lower ? z : -z;
}

int64_t fl_normal_q32(uint64_t u)
{
    return normal_q32(u);
}

/* -ln(1 - p) in Q32 for p = (u + 1/2) / 2^64, that is 65 ln 2 - ln(2 w + 1) with w = ~u. Near
 * p = 0, 2 w + 1 does not fit fl_log_q32 and loses two bits of 62. */
static int64_t exponential_q32(uint64_t u)
{
    const uint64_t w = ~u;
    if (w >> 62 == 0) return LN2_X33_Q32 - fl_log_q32((int64_t)(2 * w + 1));
    return fl_max(0, LN2_X31_Q32 - fl_log_q32((int64_t)(w >> 1)));
}

static int64_t saturate(fl_i128 v)
{
    return v > INT64_MAX ? INT64_MAX : v < INT64_MIN ? INT64_MIN : (int64_t)v;
}

/* a * b / 2^32, to nearest. */
static fl_i128 scale_q32(int64_t a, int64_t b)
{
    return ((fl_i128)a * b + FL_Q32_ONE / 2) >> Q32_BITS;
}

/* e^(LN2_X30_Q32 / 2^32 - i / 64) / 2^30 in Q63. */
static const uint64_t power_table[] = {
    0x8000000034D7DEEF, 0x7E03FAB02FC4B64B, 0x7C0FD5AA560F07BE, 0x7A2371AC2DAB6138,
    0x783EAFEF4DAED16C, 0x7661722771E5C89E, 0x748B9A80960D4F0B, 0x72BD0B9D18904462,
    0x70F5A893E4AAD3F8, 0x6F3554EEA3D6BFCC, 0x6D7BF4A7F66398E7, 0x6BC96C29B31E6E98,
    0x6A1DA04B2DECEEB5, 0x6878764F85406098, 0x66D9D3E3F64551C7, 0x65419F1E37B5372D,
    0x63AFBE7ADB2FAFD5, 0x622418DBB5017E96, 0x609E95864A3FB70A, 0x5F1F1C22451DFF53,
    0x5DA594B7EF672BF2, 0x5C31E7AEB2FFDD2C, 0x5AC3FDCBA05B25EE, 0x595BC02FFAC9A366,
    0x57F91857CA8BCA2D, 0x569BF018749089F2, 0x5544319F57C9C38B, 0x53F1C77070006683,
    0x52A49C64FE126350, 0x515C9BAA3584F5FA, 0x5019B0BFEF562230, 0x4EDBC77761F88DD0,
    0x4DA2CBF1DE65397E, 0x4C6EAA9F922EE851, 0x4B3F503E4E8357AB, 0x4A14A9D85406B73D,
    0x48EEA4C323761ECD, 0x47CD2E9E52FE0BD2, 0x46B0355268323C2F, 0x4597A70FB6948581,
    0x4483724D4298913A, 0x437385C7A912ADCA, 0x4267D0800B002B9C, 0x416041BAFD980253,
    0x405CC8FF7E92BF4B,
};
enum { POWER_BITS = 26, POWERS = sizeof power_table / sizeof *power_table };
static_assert(POWERS == (FL_LN2_Q32 >> POWER_BITS) + 1, "a power for each f up to ln 2");

static uint64_t mul_high(uint64_t a, uint64_t b)
{
    return (uint64_t)((fl_u128)a * b >> 64);
}

/* fl_exp_q32(LN2_X30_Q32 - f) for 0 <= f <= ln 2, within POWER_ERROR, at a third of its cost: a power
 * from the table times e^-g = 1 - g (1 - g (1/2 - g (1/6 - ... 1/720))) for g < 1/64. The series is
 * cut at g^7 / 5040 < 2^-54, and ten roundings are below 2^-60 each; 2^-54 of 2^62 is 2^8. */
enum { POWER_ERROR = 1 << 12 };
static inline uint64_t quick_power(uint64_t f)
{
    const uint64_t one = UINT64_MAX; /* in Q64 */
    const uint64_t g = f << (64 - POWER_BITS) >> (32 - POWER_BITS);
    uint64_t series = one / 120 - mul_high(one / 720, g);
    series = one / 24 - mul_high(series, g);
    series = one / 6 - mul_high(series, g);
    series = one / 2 - mul_high(series, g);
    const uint64_t fall = g - mul_high(g, mul_high(series, g)); /* 1 - e^-g */
    const uint64_t power = power_table[f >> POWER_BITS];
    return (power - mul_high(power, fall)) >> 1;
}

/* a times the power of f, over 2^drop and to nearest: false where the quick power's error could reach
 * the rounding, or its bound does not fit 64 bits. */
static inline bool quick_scale(int64_t a, uint64_t f, int64_t drop, int64_t *out)
{
    if (f >> POWER_BITS >= POWERS || drop < 1 || drop > 63 || a > INT64_MAX / POWER_ERROR)
        return false;
    const uint64_t error = (uint64_t)a * POWER_ERROR, unit = (uint64_t)1 << drop;
    const fl_u128 product = (fl_u128)a * quick_power(f) + unit / 2;
    const uint64_t fraction = (uint64_t)product & (unit - 1);
    const fl_u128 value = product >> drop;
    *out = (int64_t)value;
    return fraction >= error && unit - fraction > error && value <= INT64_MAX;
}

/* a * e^y to nearest for a > 0 and y in Q32, saturated.
 *
 * y = k ln 2 + r with -ln 2 <= r < 0, and e^r is taken as e^(r + 30 ln 2) / 2^30, where fl_exp_q32
 * has 61 significant bits. Monotone: within one k because fl_exp_q32 is; and where k steps, the
 * rounding of k ln 2 to Q32 moves by at most 0.82 ulp (the fraction of ln 2 * 2^32), less than the
 * one ulp that y has moved.
 *
 * The quick power does as well wherever its error cannot reach the rounding at the end. */
static inline int64_t scale_exp(int64_t a, int64_t y)
{
    FL_ASSERT(a > 0);
    if (y >= 44 * FL_Q32_ONE) /* e^44 > 2^63, and k <= 64 below */
        return INT64_MAX;
    if (y < -45 * FL_Q32_ONE) /* e^-45 < 2^-64 */
        return 0;
    const int64_t steps = fl_abs(y) / FL_LN2_Q32;
    const int64_t k = y >= 0 ? steps + 1 : -steps;
    const int64_t k_ln2 = (int64_t)((k * LN2_Q64 + FL_Q32_ONE / 2) >> Q32_BITS);
    const int64_t drop = 30 + Q32_BITS - k;
    FL_ASSERT(drop >= -2 && drop <= 127);

    int64_t quick;
    if (quick_scale(a, (uint64_t)(k_ln2 - y), drop, &quick)) return quick;
    const int64_t power = fl_exp_q32(y - k_ln2 + LN2_X30_Q32);
    const fl_u128 product = (fl_u128)a * (fl_u128)power; /* < 2^63 * 2^62.01 */
    const fl_u128 value = drop > 0 ? (product + ((fl_u128)1 << (drop - 1))) >> drop
                                   : product << -drop;
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

int64_t fl_scale_exp(int64_t a, int64_t y)
{
    return scale_exp(a, y);
}

/* floor((u + 1/2) (b - a + 1) / 2^64), from a; exact even when the range is all of int64. */
static int64_t uniform_at(int64_t a, int64_t b, uint64_t u)
{
    const fl_u128 count = (fl_u128)((fl_i128)b - a) + 1;
    const fl_u128 offset = (u * count + count / 2) >> 64;
    return (int64_t)((fl_i128)a + (fl_i128)offset);
}

/* Linear between the order statistics, the first at probability 0 and the last at 1: definition 7 of
 * Hyndman and Fan, "Sample quantiles in statistical packages", The American Statistician 50, 1996.
 * Rounded to nearest. */
static int64_t empirical_at(const int64_t *values, int64_t count, uint64_t u)
{
    const fl_u128 steps = (fl_u128)count - 1;
    const fl_u128 place = u * steps + steps / 2; /* (u + 1/2) (count - 1), Q64 */
    const size_t i = (size_t)(place >> 64);
    if ((fl_u128)i == steps) return values[i]; /* there is but one */
    const uint64_t rise = (uint64_t)values[i + 1] - (uint64_t)values[i];
    const fl_u128 part = (fl_u128)rise * (uint64_t)place + ((fl_u128)1 << 63);
    return (int64_t)((uint64_t)values[i] + (uint64_t)(part >> 64));
}

static inline int64_t unclipped_at(const struct fl_law *law, uint64_t u)
{
    switch (law->kind) {
    case FL_CONSTANT:
        return law->a;
    case FL_UNIFORM:
        return uniform_at(law->a, law->b, u);
    case FL_EXPONENTIAL:
        return saturate(scale_q32(law->a, exponential_q32(u)));
    case FL_NORMAL:
        return saturate(law->a + scale_q32(law->b, normal_q32(u)));
    case FL_LOGNORMAL:
        return scale_exp(law->a, law->b * normal_q32(u) / PPM);
    case FL_PARETO:
        return scale_exp(law->a, exponential_q32(u) * PPM / law->b);
    case FL_EMPIRICAL:
        return empirical_at(law->values, law->a, u);
    }
    FL_UNREACHABLE("a law passed fl_law_check with an unknown kind");
}

int64_t fl_law_at(const struct fl_law *law, uint64_t u)
{
    FL_ASSERT(law->min <= law->max);
    return fl_clamp(unclipped_at(law, u), law->min, law->max);
}

static const char *check_lognormal(const struct fl_law *law)
{
    if (law->a <= 0) return "a, the median of a lognormal law, must be above 0";
    if (law->b < 0) return "b, the sigma of a lognormal law, must not be negative";
    if (law->b > LOGNORMAL_SIGMA_MAX)
        return "b, the sigma of a lognormal law, must be at most 4000000 (4.0)";
    return NULL;
}

static const char *check_pareto(const struct fl_law *law)
{
    if (law->a <= 0) return "a, the minimum of a Pareto law, must be above 0";
    if (law->b <= 0) return "b, the tail index of a Pareto law, must be above 0";
    return NULL;
}

static const char *check_empirical(const struct fl_law *law)
{
    if (law->a < 1 || !law->values) return "an empirical law needs at least one value";
    for (int64_t i = 1; i < law->a; i++)
        if (law->values[i - 1] > law->values[i])
            return "the values of an empirical law must be in ascending order";
    return NULL;
}

const char *fl_law_check(const struct fl_law *law)
{
    if (law->min > law->max) return "min must not be above max";
    switch (law->kind) {
    case FL_CONSTANT:
        return NULL;
    case FL_UNIFORM:
        return law->a > law->b ? "a, the low end of a uniform law, must not be above b" : NULL;
    case FL_EXPONENTIAL:
        return law->a <= 0 ? "a, the mean of an exponential law, must be above 0" : NULL;
    case FL_NORMAL:
        return law->b < 0 ? "b, the deviation of a normal law, must not be negative" : NULL;
    case FL_LOGNORMAL:
        return check_lognormal(law);
    case FL_PARETO:
        return check_pareto(law);
    case FL_EMPIRICAL:
        return check_empirical(law);
    }
    return "kind is not a known law";
}
