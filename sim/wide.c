/* 512-bit naturals over GMP's low-level functions (GMP manual, "Low-level Functions"): no allocation, no
 * state. */
#include "sim/wide.h"

#include <gmp.h>
#include <string.h>

_Static_assert(GMP_NUMB_BITS == 64 && sizeof(mp_limb_t) == sizeof(uint64_t), "limbs are uint64_t");

fl_u128 fl_u128_pow10(uint32_t power)
{
    FL_ASSERT(power <= 38); /* the greatest below 2^128 */
    fl_u128 product = 1;
    for (; power > 0; power--) product *= 10;
    return product;
}

/* --- naturals ------------------------------------------------------------------------------------ */

struct fl_wide fl_wide(fl_u128 a)
{
    return (struct fl_wide){.limb = {(uint64_t)a, (uint64_t)(a >> 64)}};
}

struct fl_wide fl_wide_times(struct fl_wide a, fl_u128 b)
{
    const mp_limb_t factor[2] = {(uint64_t)b, (uint64_t)(b >> 64)};
    mp_limb_t product[FL_WIDE_LIMBS + 2];
    mpn_mul(product, a.limb, FL_WIDE_LIMBS, factor, 2);
    FL_ASSERT((product[FL_WIDE_LIMBS] | product[FL_WIDE_LIMBS + 1]) == 0);
    memcpy(a.limb, product, sizeof a.limb);
    return a;
}

struct fl_wide fl_wide_plus(struct fl_wide a, struct fl_wide b)
{
    const mp_limb_t carry = mpn_add_n(a.limb, a.limb, b.limb, FL_WIDE_LIMBS);
    FL_ASSERT(carry == 0);
    return a;
}

struct fl_wide fl_wide_minus(struct fl_wide a, struct fl_wide b)
{
    const mp_limb_t borrow = mpn_sub_n(a.limb, a.limb, b.limb, FL_WIDE_LIMBS);
    FL_ASSERT(borrow == 0);
    return a;
}

int fl_wide_compare(struct fl_wide a, struct fl_wide b)
{
    const int order = mpn_cmp(a.limb, b.limb, FL_WIDE_LIMBS);
    return (order > 0) - (order < 0);
}

bool fl_wide_ratios_equal(struct fl_wide a, struct fl_wide b, struct fl_wide c, struct fl_wide d)
{
    mp_limb_t left[2 * FL_WIDE_LIMBS], right[2 * FL_WIDE_LIMBS];
    mpn_mul_n(left, a.limb, d.limb, FL_WIDE_LIMBS);
    mpn_mul_n(right, c.limb, b.limb, FL_WIDE_LIMBS);
    return mpn_cmp(left, right, 2 * FL_WIDE_LIMBS) == 0;
}

static fl_u128 divide(struct fl_wide a, struct fl_wide b, bool *exact)
{
    mp_size_t size = FL_WIDE_LIMBS;
    while (size > 0 && b.limb[size - 1] == 0) size--;
    FL_ASSERT(size > 0);
    mp_limb_t quotient[FL_WIDE_LIMBS] = {0}, rest[FL_WIDE_LIMBS];
    mpn_tdiv_qr(quotient, rest, 0, a.limb, FL_WIDE_LIMBS, b.limb, size);
    *exact = mpn_zero_p(rest, size);
    for (int i = 2; i < FL_WIDE_LIMBS; i++)
        if (quotient[i] != 0) return FL_U128_MAX;
    return (fl_u128)quotient[1] << 64 | quotient[0];
}

fl_u128 fl_wide_div_floor(struct fl_wide a, struct fl_wide b)
{
    bool exact;
    return divide(a, b, &exact);
}

fl_u128 fl_wide_div_ceil(struct fl_wide a, struct fl_wide b)
{
    bool exact;
    const fl_u128 floor = divide(a, b, &exact);
    return exact || floor == FL_U128_MAX ? floor : floor + 1;
}

/* --- 128 bits ------------------------------------------------------------------------------------ */

/* |a * b / c|, away from zero if `up`. */
static fl_u128 magnitude(fl_i128 a, fl_i128 b, fl_i128 c, bool up)
{
    FL_ASSERT(c != 0);
    const fl_u128 x = fl_u128_abs(a), y = fl_u128_abs(b), z = fl_u128_abs(c);
    if ((x | y) >> 64 == 0) {
        const fl_u128 product = x * y;
        if ((product | z) >> 64 == 0) {
            const uint64_t p = (uint64_t)product, by = (uint64_t)z;
            return p / by + (up && p % by != 0);
        }
        const fl_u128 quotient = product / z;
        return quotient + (up && quotient * z != product);
    }
    const struct fl_wide product = fl_wide_times(fl_wide(x), y), by = fl_wide(z);
    return up ? fl_wide_div_ceil(product, by) : fl_wide_div_floor(product, by);
}

static bool negative(fl_i128 a, fl_i128 b, fl_i128 c)
{
    return (a < 0) != (b < 0) ? c > 0 : c < 0;
}

static fl_i128 with_sign(fl_u128 magnitude, bool minus)
{
    FL_ASSERT(magnitude <= (fl_u128)FL_I128_MAX);
    return minus ? -(fl_i128)magnitude : (fl_i128)magnitude;
}

fl_i128 fl_i128_mul_div_floor(fl_i128 a, fl_i128 b, fl_i128 c)
{
    const bool minus = negative(a, b, c);
    return with_sign(magnitude(a, b, c, minus), minus);
}

fl_i128 fl_i128_mul_div_ceil(fl_i128 a, fl_i128 b, fl_i128 c)
{
    const bool minus = negative(a, b, c);
    return with_sign(magnitude(a, b, c, !minus), minus);
}

fl_i128 fl_i128_mul_div_trunc(fl_i128 a, fl_i128 b, fl_i128 c)
{
    return with_sign(magnitude(a, b, c, false), negative(a, b, c));
}

static bool fits_64(fl_i128 a)
{
    return a == (int64_t)a;
}

int fl_i128_compare_products(fl_i128 a, fl_i128 b, fl_i128 c, fl_i128 d)
{
    if (fits_64(a) && fits_64(b) && fits_64(c) && fits_64(d))
        return a * b < c * d ? -1 : a * b > c * d;
    const int left = a == 0 || b == 0 ? 0 : (a < 0) != (b < 0) ? -1 : 1;
    const int right = c == 0 || d == 0 ? 0 : (c < 0) != (d < 0) ? -1 : 1;
    if (left != right) return left < right ? -1 : 1;
    const int order = fl_wide_compare(fl_wide_times(fl_wide(fl_u128_abs(a)), fl_u128_abs(b)),
                                      fl_wide_times(fl_wide(fl_u128_abs(c)), fl_u128_abs(d)));
    return left < 0 ? -order : order;
}
