/* Integer arithmetic a run computes with: 128-bit intermediates, roundings named, fixed-point
 * exp and log. No libm: its last bits differ between CPUs (DESIGN 5). */
#ifndef FL_NUM_H
#define FL_NUM_H
#include "sim/base.h"

/* a * b / c exactly, then rounded as named. c != 0; the result must fit (asserted). */
int64_t fl_mul_div_floor(int64_t a, int64_t b, int64_t c); /* toward -infinity */
int64_t fl_mul_div_ceil(int64_t a, int64_t b, int64_t c);  /* toward +infinity */
int64_t fl_mul_div_trunc(int64_t a, int64_t b, int64_t c); /* toward zero */

/* a + b, a - b; overflow is a broken invariant (asserted). */
static inline int64_t fl_add(int64_t a, int64_t b)
{
    int64_t sum;
    const bool overflow = __builtin_add_overflow(a, b, &sum);
    FL_ASSERT(!overflow);
    return sum;
}
static inline int64_t fl_sub(int64_t a, int64_t b)
{
    int64_t difference;
    const bool overflow = __builtin_sub_overflow(a, b, &difference);
    FL_ASSERT(!overflow);
    return difference;
}

static inline int64_t fl_abs(int64_t a)
{
    return a < 0 ? -a : a;
}
static inline int64_t fl_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
static inline int64_t fl_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
static inline int64_t fl_clamp(int64_t a, int64_t lo, int64_t hi)
{
    return a < lo ? lo : a > hi ? hi : a;
}

/* floor(sqrt(a)). */
uint64_t fl_isqrt(uint64_t a);

/* Q32.32 fixed point: value * 2^32 in an int64. */
#define FL_Q32_ONE ((int64_t)1 << 32)
/* round(ln 2 * 2^32); OEIS A002162. */
#define FL_LN2_Q32 INT64_C(2977044472)

/* e^x for x in Q32.32, -22 <= x/2^32 <= 21 (asserted below 21; returns 0 below -22), rounded to
 * nearest; the stated absolute and relative error bounds are in num.c and tested against GSL. */
int64_t fl_exp_q32(int64_t x);

/* ln x for x > 0 in Q32.32. */
int64_t fl_log_q32(int64_t x);

#endif
