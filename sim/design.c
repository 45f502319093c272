/* Numbers spread over a range. */
#include "sim/design.h"

#include "sim/alloc.h"
#include "sim/rng.h"

#include <gmp.h>
#include <gsl/gsl_qrng.h>
#include <string.h>

/* Fixed point: so many bits behind the point, and as many of an exponent's. Each of SHARE_BITS square
 * roots and products errs by at most 2^-FRACTION_BITS of itself, the exponent by 2^-SHARE_BITS, which
 * ln(to / from) < 44 multiplies: together below 2^-122 of the value. */
enum { FRACTION_BITS = 192, SHARE_BITS = 128 };

/* --- logarithmic --------------------------------------------------------------------------------- */

_Static_assert(sizeof(unsigned long) == sizeof(uint64_t), "GMP takes values as unsigned long");

/* from * (to / from)^share, in halves, rounded down. The power is a product of the square roots of
 * square roots that the bits of the share name. */
static uint64_t power_in_halves(uint64_t from, uint64_t to, fl_u128 share)
{
    mpz_t root, power, factor;
    mpz_inits(root, power, factor, NULL);
    mpz_set_ui(root, to);
    mpz_set_ui(factor, from);
    mpz_mul_2exp(root, root, FRACTION_BITS);
    mpz_fdiv_q(root, root, factor);
    mpz_set_ui(power, 1);
    mpz_mul_2exp(power, power, FRACTION_BITS);
    for (int bit = SHARE_BITS - 1; bit >= 0; bit--) {
        mpz_mul_2exp(root, root, FRACTION_BITS);
        mpz_sqrt(root, root);
        if (share >> bit & 1) {
            mpz_mul(power, power, root);
            mpz_fdiv_q_2exp(power, power, FRACTION_BITS);
        }
    }
    mpz_mul(power, power, factor);
    mpz_fdiv_q_2exp(power, power, FRACTION_BITS - 1);
    FL_ASSERT(mpz_sizeinbase(power, 2) <= 64);
    const uint64_t halves = mpz_get_ui(power);
    mpz_clears(root, power, factor, NULL);
    return halves;
}

/* --- values -------------------------------------------------------------------------------------- */

static uint64_t distance(struct fl_stretch s)
{
    return s.from < s.to ? (uint64_t)s.to - (uint64_t)s.from : (uint64_t)s.from - (uint64_t)s.to;
}

static int64_t go(struct fl_stretch s, uint64_t way)
{
    return (int64_t)(s.from < s.to ? (uint64_t)s.from + way : (uint64_t)s.from - way);
}

/* index / parts in 2^-128, index < parts */
static fl_u128 share_of(uint32_t index, uint32_t parts)
{
    const fl_u128 one = (fl_u128)1 << 64, high = index * one / parts;
    return high * one + index * one % parts * one / parts;
}

int64_t fl_even_value(struct fl_stretch stretch, uint32_t index, uint32_t count)
{
    FL_ASSERT(count >= 2 && index < count);
    const uint32_t parts = count - 1;
    if (index == 0 || index == parts) {
        return index == 0 ? stretch.from : stretch.to;
    }
    if (!stretch.log) {
        const fl_u128 twice = (fl_u128)2 * distance(stretch) * index + parts;
        return go(stretch, (uint64_t)(twice / parts / 2));
    }
    FL_ASSERT(stretch.from > 0 && stretch.to > 0);
    const bool down = stretch.from > stretch.to;
    const uint64_t low = (uint64_t)(down ? stretch.to : stretch.from);
    const uint64_t high = (uint64_t)(down ? stretch.from : stretch.to);
    const fl_u128 share = share_of(down ? parts - index : index, parts);
    return (int64_t)((power_in_halves(low, high, share) + 1) / 2);
}

int64_t fl_value_at(struct fl_stretch stretch, uint64_t share)
{
    FL_ASSERT(stretch.from <= stretch.to);
    if (!stretch.log) {
        const fl_u128 values = (fl_u128)distance(stretch) + 1;
        return go(stretch, (uint64_t)(share * values >> 64));
    }
    FL_ASSERT(stretch.from > 0);
    const uint64_t from = (uint64_t)stretch.from, to = (uint64_t)stretch.to;
    const uint64_t value = power_in_halves(from, to + 1, (fl_u128)share << 64) / 2;
    return (int64_t)(value > to ? to : value);
}

/* --- designs ------------------------------------------------------------------------------------- */

/* Draws of one coordinate that must differ. */
enum { LANE_SHARE, LANE_ORDER };

void fl_random_shares(uint64_t seed, uint64_t owner, uint32_t count, uint64_t *out)
{
    for (uint32_t i = 0; i < count; i++) {
        out[i] = fl_draw(seed, FL_RNG_PLAN, owner, i, LANE_SHARE);
    }
}

/* Point i has part[i]: a random order (Durstenfeld, Algorithm 235, CACM 7, 1964), and within it a random
 * share. */
void fl_latin_shares(uint64_t seed, uint64_t owner, uint32_t count, uint64_t *out)
{
    for (uint32_t i = 0; i < count; i++) {
        out[i] = i;
    }
    for (uint32_t i = count; i > 1; i--) {
        const uint64_t other = fl_draw_below(seed, FL_RNG_PLAN, owner, i, LANE_ORDER, i);
        const uint64_t part = out[other];
        out[other] = out[i - 1];
        out[i - 1] = part;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t within = fl_draw(seed, FL_RNG_PLAN, owner, i, LANE_SHARE);
        out[i] = (uint64_t)((((fl_u128)out[i] << 64) + within) / count);
    }
}

/* GSL's points are multiples of 2^-30 below 1, which a double holds exactly: its parts say which, and no
 * floating point is computed with. */
static uint64_t dyadic(double share)
{
    enum { MANTISSA_BITS = 52, ONE_EXPONENT = 1023 };
    uint64_t bits;
    memcpy(&bits, &share, sizeof bits);
    if (bits == 0) {
        return 0;
    }
    const int exponent = (int)(bits >> MANTISSA_BITS) - ONE_EXPONENT;
    FL_ASSERT(exponent >= -30 && exponent < 0);
    const uint64_t hidden = (uint64_t)1 << MANTISSA_BITS;
    const uint64_t mantissa = hidden | (bits & (hidden - 1));
    const int shift = 64 - MANTISSA_BITS + exponent;
    return shift < 0 ? mantissa >> -shift : mantissa << shift;
}

void fl_sobol_shares(uint32_t dimensions, uint32_t count, uint64_t *out)
{
    FL_ASSERT(dimensions >= 1 && dimensions <= FL_SOBOL_DIMENSIONS);
    gsl_qrng *sequence = gsl_qrng_alloc(gsl_qrng_sobol, dimensions);
    if (!sequence) {
        fl_out_of_memory();
    }
    for (uint32_t i = 1; i < count; i++) {
        double point[FL_SOBOL_DIMENSIONS];
        gsl_qrng_get(sequence, point);
        for (uint32_t d = 0; d < dimensions; d++) {
            out[(size_t)i * dimensions + d] = dyadic(point[d]);
        }
    }
    for (uint32_t d = 0; d < dimensions && count > 0; d++) {
        out[d] = 0;
    }
    gsl_qrng_free(sequence);
}
