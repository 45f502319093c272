/* Integer arithmetic: mul_div with named roundings, checked sums, square root, and fixed-point
 * exp and log after the usual range reduction by ln 2 (Muller, "Elementary Functions", 3rd ed.,
 * ch. 11) with Taylor series in 64-bit fixed point.
 *
 * Error bounds, in units in the last place (ulp) of Q32.32, 2^-32; tests/unit/test_num.c measures
 * them against long double:
 *   fl_log_q32  at most 1/2 + 2^-26 ulp, that is, rounded to nearest but for near ties;
 *   fl_exp_q32  at most 1/2 ulp + 2^-58 relative on [-22, 21]; below -22, where e^x < 1.2 ulp, 0.
 * Both are non-decreasing.
 *
 * Signed >> is used as floor division by a power of two; gcc and clang define it so. */
#include "sim/num.h"

/* ln 2 = 0.B17217F7 D1CF79AB C9E3B398... (hexadecimal; OEIS A002162), rounded up in Q64: the
 * direction fl_log_q32 needs to be monotone. */
#define LN2_Q64 ((fl_i128)UINT64_C(0xB17217F7D1CF79AC))
/* 1 / ln 2 in Q26, rounded; only chooses the multiple of ln 2, so its error is harmless. */
#define INV_LN2_Q26 INT64_C(96817114)
#define INV_LN2_BITS 26
#define Q32_BITS 32

#define EXP_ARG_MAX (21 * FL_Q32_ONE)
#define EXP_ARG_MIN (-22 * FL_Q32_ONE)

static int64_t to_int64(fl_i128 v)
{
    FL_ASSERT(v >= INT64_MIN && v <= INT64_MAX);
    return (int64_t)v;
}

int64_t fl_mul_div_trunc(int64_t a, int64_t b, int64_t c)
{
    FL_ASSERT(c != 0);
    return to_int64((fl_i128)a * b / c);
}

int64_t fl_mul_div_floor(int64_t a, int64_t b, int64_t c)
{
    FL_ASSERT(c != 0);
    const fl_i128 product = (fl_i128)a * b;
    const fl_i128 quotient = product / c, rest = product % c;
    return to_int64(rest != 0 && (rest < 0) != (c < 0) ? quotient - 1 : quotient);
}

int64_t fl_mul_div_ceil(int64_t a, int64_t b, int64_t c)
{
    FL_ASSERT(c != 0);
    const fl_i128 product = (fl_i128)a * b;
    const fl_i128 quotient = product / c, rest = product % c;
    return to_int64(rest != 0 && (rest < 0) == (c < 0) ? quotient + 1 : quotient);
}

/* Newton's iteration from above decreases strictly until it reaches the floor, then stops. */
uint64_t fl_isqrt(uint64_t a)
{
    if (a < 2) return a;
    const int bits = 64 - __builtin_clzll(a);
    uint64_t root = UINT64_C(1) << ((bits + 1) / 2); /* >= sqrt(a) */
    for (;;) {
        const uint64_t next = (root + a / root) / 2;
        if (next >= root) return root;
        root = next;
    }
}

/* The Taylor series of e^r for |r| <= 0.35, in Q62. r^16 / 16! < 2^-68, so degree 15 suffices.
 * Even and odd powers are two independent chains of multiplications, for speed. */
#define Q62_BITS 62
#define Q62_ONE (INT64_C(1) << Q62_BITS)
#define TAYLOR_PAIRS 8

/* 1/(2i)! and 1/(2i+1)!. */
static const int64_t inverse_factorial[TAYLOR_PAIRS][2] = {
    {Q62_ONE, Q62_ONE},
    {Q62_ONE / 2, Q62_ONE / 6},
    {Q62_ONE / 24, Q62_ONE / 120},
    {Q62_ONE / 720, Q62_ONE / 5040},
    {Q62_ONE / 40320, Q62_ONE / 362880},
    {Q62_ONE / 3628800, Q62_ONE / 39916800},
    {Q62_ONE / 479001600, Q62_ONE / INT64_C(6227020800)},
    {Q62_ONE / INT64_C(87178291200), Q62_ONE / INT64_C(1307674368000)},
};

static int64_t mul_q62(int64_t a, int64_t b)
{
    return (int64_t)(((fl_i128)a * b) >> Q62_BITS);
}

static int64_t exp_taylor_q62(int64_t r)
{
    const int64_t square = mul_q62(r, r);
    int64_t even = inverse_factorial[TAYLOR_PAIRS - 1][0];
    int64_t odd = inverse_factorial[TAYLOR_PAIRS - 1][1];
    for (int i = TAYLOR_PAIRS - 2; i >= 0; i--) {
        even = inverse_factorial[i][0] + mul_q62(even, square);
        odd = inverse_factorial[i][1] + mul_q62(odd, square);
    }
    return even + mul_q62(odd, r);
}

/* x = k ln 2 + r. The argument's step is 2^-32 and the relative error below 2^-58, so that
 * consecutive unrounded values are in order: monotone. */
int64_t fl_exp_q32(int64_t x)
{
    FL_ASSERT(x <= EXP_ARG_MAX);
    if (x < EXP_ARG_MIN) return 0;
    const int shift = Q32_BITS + INV_LN2_BITS;
    const int64_t k = (x * INV_LN2_Q26 + (INT64_C(1) << (shift - 1))) >> shift;
    const fl_i128 r_q64 = (fl_i128)x * FL_Q32_ONE - k * LN2_Q64;
    const int64_t mantissa = exp_taylor_q62((int64_t)(r_q64 >> (64 - Q62_BITS)));

    const int64_t drop = Q62_BITS - Q32_BITS - k; /* e^x in Q32 is mantissa / 2^drop */
    FL_ASSERT(drop >= 0 && drop <= Q62_BITS);
    const int64_t half = drop == 0 ? 0 : INT64_C(1) << (drop - 1);
    return (mantissa + half) >> drop;
}

/* 2 atanh(t) = 2 (t + t^3/3 + t^5/5 + ...) for 0 <= t <= 0.1716 in Q64; t^25 / 25 < 2^-68. Only
 * sums and products of non-negative numbers, each rounded down: non-decreasing in t, and never
 * above the truth. */
#define ATANH_TERMS 11 /* 1/3 .. 1/23 */
#define ODD_RECIPROCAL(n) (UINT64_MAX / (n))

static const uint64_t odd_reciprocal[ATANH_TERMS] = {
    ODD_RECIPROCAL(3),  ODD_RECIPROCAL(5),  ODD_RECIPROCAL(7),  ODD_RECIPROCAL(9),
    ODD_RECIPROCAL(11), ODD_RECIPROCAL(13), ODD_RECIPROCAL(15), ODD_RECIPROCAL(17),
    ODD_RECIPROCAL(19), ODD_RECIPROCAL(21), ODD_RECIPROCAL(23),
};

static uint64_t mul_q64(uint64_t a, uint64_t b)
{
    return (uint64_t)(((fl_u128)a * b) >> 64);
}

static fl_i128 twice_atanh_q64(uint64_t t)
{
    const uint64_t square = mul_q64(t, t);
    uint64_t sum = odd_reciprocal[ATANH_TERMS - 1];
    for (int i = ATANH_TERMS - 2; i >= 0; i--) sum = odd_reciprocal[i] + mul_q64(sum, square);
    return 2 * ((fl_i128)t + mul_q64(t, mul_q64(sum, square)));
}

/* x = m 2^k with m in [1/sqrt 2, sqrt 2), and ln m = 2 atanh((m - 1) / (m + 1)). The series errs
 * toward zero and ln 2 is rounded up, so where k steps up at sqrt 2 the value cannot step down. */
int64_t fl_log_q32(int64_t x)
{
    FL_ASSERT(x > 0);
    const uint64_t sqrt2_q62 = UINT64_C(0x5A827999FCEF3242); /* OEIS A002193 */
    const int up = __builtin_clzll((uint64_t)x) - 1;
    const uint64_t m = (uint64_t)x << up; /* [1, 2) in Q62 */
    const bool above = m >= sqrt2_q62;    /* read m as Q63, [1/sqrt 2, 1), and k one higher */
    const uint64_t one = UINT64_C(1) << (above ? Q62_BITS + 1 : Q62_BITS);
    const uint64_t distance = above ? one - m : m - one;
    const uint64_t t = (uint64_t)(((fl_u128)distance << 64) / (m + one));

    const int k = Q62_BITS - up - Q32_BITS + (above ? 1 : 0);
    const fl_i128 series = twice_atanh_q64(t);
    const fl_i128 log_q64 = k * LN2_Q64 + (above ? -series : series);
    const fl_i128 half = (fl_i128)1 << (Q32_BITS - 1);
    return (int64_t)((log_q64 + half) >> Q32_BITS);
}
