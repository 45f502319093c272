/* Natural numbers of up to 512 bits, for contracts whose products pass 128 (DESIGN 5), and what 128-bit
 * callers want of them: products divided with a named rounding, and products compared. Slow (GMP's mpn
 * functions, tens of nanoseconds): sizes that fit take a short way here or at the caller. */
#ifndef FL_WIDE_H
#define FL_WIDE_H
#include "sim/base.h"

#define FL_I128_MAX ((fl_i128)(~(fl_u128)0 >> 1))
#define FL_U128_MAX (~(fl_u128)0)

/* a * b / c exactly, then rounded as named. c != 0; the result must fit (asserted). With c > 0 the floor is
 * Euclid's quotient. */
fl_i128 fl_i128_mul_div_floor(fl_i128 a, fl_i128 b, fl_i128 c);
fl_i128 fl_i128_mul_div_ceil(fl_i128 a, fl_i128 b, fl_i128 c);
fl_i128 fl_i128_mul_div_trunc(fl_i128 a, fl_i128 b, fl_i128 c);
/* -1, 0 or 1: how a * b compares with c * d. */
int fl_i128_compare_products(fl_i128 a, fl_i128 b, fl_i128 c, fl_i128 d);

static inline fl_u128 fl_u128_abs(fl_i128 a)
{
    return a < 0 ? -(fl_u128)a : (fl_u128)a;
}

/* 10^power; power <= 38 (asserted). */
fl_u128 fl_u128_pow10(uint32_t power);

/* floor(a / 10^6) and ceil(a / 10^6), the quotient of ratios in ppm. Below 2^107 by multiplications alone:
 * with 2^64 = Q 10^6 + R, a = high 2^64 + low = high Q 10^6 + (high R + low), and high R stays below 2^63. */
static inline fl_u128 fl_u128_div_million(fl_u128 a, uint64_t *rest)
{
    const uint64_t million = 1000000, high = (uint64_t)(a >> 64), low = (uint64_t)a;
    *rest = low % million;
    if (high == 0) return low / million;
    if (high >> 43 != 0) {
        *rest = (uint64_t)(a % million);
        return a / million;
    }
    const uint64_t q = UINT64_MAX / million, r = UINT64_MAX % million + 1; /* R < 10^6 */
    const uint64_t part = high * r, sum = part % million + *rest;
    const bool carry = sum >= million;
    *rest = carry ? sum - million : sum;
    return (fl_u128)high * q + part / million + low / million + carry;
}
static inline fl_u128 fl_u128_million_floor(fl_u128 a)
{
    uint64_t rest;
    return fl_u128_div_million(a, &rest);
}
static inline fl_u128 fl_u128_million_ceil(fl_u128 a)
{
    uint64_t rest;
    const fl_u128 quotient = fl_u128_div_million(a, &rest);
    return quotient + (rest != 0);
}

enum { FL_WIDE_LIMBS = 8 };
struct fl_wide {
    uint64_t limb[FL_WIDE_LIMBS]; /* the lowest first */
};

struct fl_wide fl_wide(fl_u128 a);
/* Results must fit, differences must not be negative (asserted). */
struct fl_wide fl_wide_times(struct fl_wide a, fl_u128 b);
struct fl_wide fl_wide_plus(struct fl_wide a, struct fl_wide b);
struct fl_wide fl_wide_minus(struct fl_wide a, struct fl_wide b);
/* -1, 0 or 1. */
int fl_wide_compare(struct fl_wide a, struct fl_wide b);
/* Whether a / b = c / d; b and d not 0. */
bool fl_wide_ratios_equal(struct fl_wide a, struct fl_wide b, struct fl_wide c, struct fl_wide d);
/* a / b, b != 0 (asserted); FL_U128_MAX instead of anything greater. */
fl_u128 fl_wide_div_floor(struct fl_wide a, struct fl_wide b);
fl_u128 fl_wide_div_ceil(struct fl_wide a, struct fl_wide b);

#endif
