/* sim/num.c against 128-bit and long double arithmetic, and by enumeration of small cases. */
#include "sim/num.h"
#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>

#define SEED UINT64_C(0x2385)

/* SplitMix64 (Steele, Lea, Flood 2014): independent of the generator under test elsewhere. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* A signed number of random magnitude, so that small and huge ones both occur. */
static int64_t random_int64(uint64_t *state)
{
    const uint64_t bits = next_random(state);
    return (int64_t)bits >> (next_random(state) % 63);
}

static void check_mul_div(int64_t a, int64_t b, int64_t c)
{
    const fl_i128 exact = (fl_i128)a * b, bound = (fl_i128)1 << 62;
    if (exact / c > bound || exact / c < -bound)
        return; /* might not fit; the panic has its own test */
    const int64_t down = fl_mul_div_floor(a, b, c), up = fl_mul_div_ceil(a, b, c);
    const int64_t sign = c < 0 ? -1 : 1;
    /* floor: c down <= a b < c (down + 1), after making c positive. */
    cr_assert((exact - (fl_i128)down * c) * sign >= 0);
    cr_assert((exact - ((fl_i128)down + 1) * c) * sign < 0);
    cr_assert((exact - (fl_i128)up * c) * sign <= 0);
    cr_assert((exact - ((fl_i128)up - 1) * c) * sign > 0);
    cr_assert_eq(fl_mul_div_trunc(a, b, c), exact * sign < 0 ? up : down);
}

Test(num, mul_div_rounds_as_named)
{
    /* 2385 * 17 / 100 = 405.45, by hand. */
    cr_assert_eq(fl_mul_div_floor(2385, 17, 100), 405);
    cr_assert_eq(fl_mul_div_ceil(2385, 17, 100), 406);
    cr_assert_eq(fl_mul_div_trunc(-2385, 17, 100), -405);
    cr_assert_eq(fl_mul_div_floor(-2385, 17, 100), -406);
    cr_assert_eq(fl_mul_div_ceil(2385, 17, -100), -405);
    cr_assert_eq(fl_mul_div_floor(INT64_MAX, INT64_MAX, INT64_MAX), INT64_MAX);
    cr_assert_eq(fl_mul_div_trunc(INT64_MIN, INT64_MIN, INT64_MIN), INT64_MIN);
    cr_assert_eq(fl_mul_div_ceil(INT64_MIN, INT64_MAX, INT64_MAX), INT64_MIN);

    for (int64_t a = -7; a <= 7; a++)
        for (int64_t b = -7; b <= 7; b++)
            for (int64_t c = -7; c <= 7; c++)
                if (c != 0) check_mul_div(a, b, c);

    uint64_t state = SEED;
    fprintf(stderr, "mul_div: seed %#llx\n", (unsigned long long)SEED);
    for (int i = 0; i < 100000; i++) {
        const int64_t c = random_int64(&state);
        check_mul_div(random_int64(&state), random_int64(&state), c == 0 ? 1 : c);
    }
}

Test(num, mul_div_by_zero_panics, .signal = SIGABRT)
{
    fl_mul_div_floor(2385, 17, 0);
}

Test(num, mul_div_overflow_panics, .signal = SIGABRT)
{
    fl_mul_div_trunc(INT64_MIN, 1, -1);
}

Test(num, mul_div_ceil_past_the_end_panics, .signal = SIGABRT)
{
    fl_mul_div_ceil(INT64_MAX, 3, 3 - 1); /* 1.5 INT64_MAX */
}

Test(num, add_and_sub_reach_the_ends)
{
    cr_assert_eq(fl_add(INT64_MAX - 2385, 2385), INT64_MAX);
    cr_assert_eq(fl_add(INT64_MIN, INT64_MAX), -1);
    cr_assert_eq(fl_sub(INT64_MIN + 2385, 2385), INT64_MIN);
    cr_assert_eq(fl_sub(-1, INT64_MIN), INT64_MAX);
    cr_assert_eq(fl_clamp(2385, -3, 17), 17);
    cr_assert_eq(fl_clamp(-2385, -3, 17), -3);
    cr_assert_eq(fl_min(-5, 3), -5);
    cr_assert_eq(fl_max(-5, 3), 3);
    cr_assert_eq(fl_abs(-2385), 2385);
}

Test(num, add_overflow_panics, .signal = SIGABRT)
{
    fl_add(INT64_MAX, 1);
}

Test(num, sub_overflow_panics, .signal = SIGABRT)
{
    fl_sub(-2, INT64_MAX);
}

static void check_isqrt(uint64_t a)
{
    const uint64_t root = fl_isqrt(a);
    cr_assert((fl_u128)root * root <= a, "isqrt(%llu)", (unsigned long long)a);
    cr_assert((fl_u128)(root + 1) * (root + 1) > a, "isqrt(%llu)", (unsigned long long)a);
}

Test(num, isqrt_is_the_floor)
{
    for (uint64_t a = 0; a < 70000; a++) check_isqrt(a);
    /* Around every power of two and the squares next to it, up to the end of the range. */
    for (int bit = 0; bit < 64; bit++) {
        const uint64_t power = UINT64_C(1) << bit;
        check_isqrt(power - 1);
        check_isqrt(power);
        check_isqrt(power + 1);
    }
    uint64_t state = SEED;
    fprintf(stderr, "isqrt: seed %#llx\n", (unsigned long long)SEED);
    for (int i = 0; i < 50000; i++) {
        const uint64_t root = next_random(&state) >> 32;
        check_isqrt(root * root);
        check_isqrt(root * root - 1);
        check_isqrt(next_random(&state) >> (i % 64));
    }
    check_isqrt(UINT64_MAX);
}

/* The bounds that num.c states, in Q32 ulps; 2^-60 relative is the reference's own error. */
static long double exp_excess_ulp(int64_t x)
{
    const long double exact = ldexpl(expl(ldexpl(x, -32)), 32);
    const long double error = fabsl((long double)fl_exp_q32(x) - exact);
    return error - exact * (0x1p-58L + 0x1p-60L);
}

static long double log_error_ulp(int64_t x)
{
    return fabsl((long double)fl_log_q32(x) - ldexpl(logl(ldexpl(x, -32)), 32));
}

Test(num, exp_keeps_its_error_bound)
{
    cr_assert_eq(fl_exp_q32(0), FL_Q32_ONE);
    cr_assert_eq(fl_exp_q32(-22 * FL_Q32_ONE - 1), 0);
    cr_assert_eq(fl_exp_q32(INT64_MIN), 0);
    /* e 2^32 = 11674931554.52..., from OEIS A001113. */
    cr_assert_eq(fl_exp_q32(FL_Q32_ONE), INT64_C(11674931555));

    long double worst = 0, worst_relative = 0;
    uint64_t state = SEED;
    fprintf(stderr, "exp: seed %#llx\n", (unsigned long long)SEED);
    const int64_t low = -22 * FL_Q32_ONE, high = 21 * FL_Q32_ONE, points = 100000;
    for (int64_t i = 0; i <= points; i++) {
        const int64_t grid = low + (high - low) / points * i;
        const int64_t random = low + (int64_t)(next_random(&state) % (uint64_t)(high - low));
        worst = fmaxl(worst, fmaxl(exp_excess_ulp(grid), exp_excess_ulp(random)));
        const int64_t top = high - (int64_t)(next_random(&state) % (1 << 30));
        const long double exact = ldexpl(expl(ldexpl(top, -32)), 32);
        worst_relative = fmaxl(worst_relative, fabsl(fl_exp_q32(top) / exact - 1));
    }
    worst = fmaxl(worst, exp_excess_ulp(high));
    fprintf(stderr, "exp: worst %.9Lf ulp beyond 2^-58 relative; at the top 2^%.1Lf relative\n",
            worst, log2l(worst_relative));
    cr_assert_leq(worst, 0.5L);
    cr_assert_leq(worst_relative, 0x1p-58L);
}

Test(num, exp_above_its_range_panics, .signal = SIGABRT)
{
    fl_exp_q32(21 * FL_Q32_ONE + 1);
}

Test(num, log_keeps_its_error_bound)
{
    cr_assert_eq(fl_log_q32(FL_Q32_ONE), 0);
    /* ln 2 2^32 = 2977044471.82 (OEIS A002162); 32 times it is 95265423098.2. */
    cr_assert_eq(fl_log_q32(2 * FL_Q32_ONE), INT64_C(2977044472));
    cr_assert_eq(fl_log_q32(1), -INT64_C(95265423098));

    long double worst = 0;
    for (int64_t x = 1; x < 100000; x++) worst = fmaxl(worst, log_error_ulp(x));
    uint64_t state = SEED;
    fprintf(stderr, "log: seed %#llx\n", (unsigned long long)SEED);
    for (int i = 0; i < 200000; i++) {
        const int64_t x = (int64_t)(next_random(&state) >> 1 >> (i % 63));
        if (x > 0) worst = fmaxl(worst, log_error_ulp(x));
        const int64_t near_one = FL_Q32_ONE - 100000 + i;
        worst = fmaxl(worst, log_error_ulp(near_one));
    }
    worst = fmaxl(worst, log_error_ulp(INT64_MAX));
    fprintf(stderr, "log: worst %.9Lf ulp\n", worst);
    cr_assert_leq(worst, 0.5L + 0x1p-26L);
}

Test(num, log_of_zero_panics, .signal = SIGABRT)
{
    fl_log_q32(0);
}

/* Steps of one around `centre`, where a seam of the range reduction may lie. */
static void check_steps(int64_t centre, int64_t low, int64_t high, int64_t (*f)(int64_t))
{
    const int64_t from = fl_max(low, centre - 40), to = centre > high - 40 ? high : centre + 40;
    int64_t before = f(from);
    for (int64_t x = from; x < to; x++) {
        const int64_t here = f(x + 1);
        cr_assert(before <= here, "falls after %lld", (long long)x);
        before = here;
    }
}

Test(num, exp_and_log_never_fall)
{
    const int64_t low = -23 * FL_Q32_ONE, high = 21 * FL_Q32_ONE;
    /* exp's seams lie at (k + 1/2) ln 2; multiples of ln 2 / 2 cover them. */
    for (int k = -66; k <= 60; k++)
        check_steps((int64_t)llroundl(k * logl(2) / 2 * 0x1p32L), low, high, fl_exp_q32);
    check_steps(-22 * FL_Q32_ONE, low, high, fl_exp_q32);
    check_steps(high, low, high, fl_exp_q32);
    /* log's seams lie at 2^k and sqrt 2 2^k. */
    for (int k = 0; k < 126; k++)
        check_steps((int64_t)fminl(0x1.fffffffffffffp62L, powl(2, k / 2.0L)), 1, INT64_MAX,
                    fl_log_q32);
    check_steps(INT64_MAX, 1, INT64_MAX, fl_log_q32);

    uint64_t state = SEED;
    fprintf(stderr, "monotone: seed %#llx\n", (unsigned long long)SEED);
    for (int i = 0; i < 3000; i++) {
        const uint64_t bits = next_random(&state);
        check_steps(low + (int64_t)(bits % (uint64_t)(high - low)), low, high, fl_exp_q32);
        check_steps((int64_t)(bits >> 1 >> (i % 62)) + 1, 1, INT64_MAX, fl_log_q32);
    }
}
