/* sim/wide.c against GMP's unbounded integers, and at its edges. */
#include "sim/wide.h"
#include "tests/lib/exact.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

#define SEED UINT64_C(0x51de)
enum { DRAWS = 100000, MILLION = 1000000 };

static bool fits(fl_i128 a, fl_i128 b, fl_i128 c)
{
    mpz_t x, y;
    mpz_inits(x, y, NULL);
    fl_exact_set(x, a);
    fl_exact_set(y, b);
    mpz_mul(x, x, y);
    fl_exact_set(y, c);
    mpz_tdiv_q(x, x, y);
    const bool fit = mpz_sizeinbase(x, 2) <= 126;
    mpz_clears(x, y, NULL);
    return fit;
}

static void check_mul_div(fl_i128 a, fl_i128 b, fl_i128 c)
{
    if (c == 0 || !fits(a, b, c)) return; /* those that do not fit have tests of their own */
    cr_assert(fl_i128_mul_div_floor(a, b, c) == fl_exact(FL_EXACT_FLOOR, a, b, 1, c));
    cr_assert(fl_i128_mul_div_ceil(a, b, c) == fl_exact(FL_EXACT_CEIL, a, b, 1, c));
    cr_assert(fl_i128_mul_div_trunc(a, b, c) == fl_exact(FL_EXACT_TRUNC, a, b, 1, c));
}

Test(wide, mul_div_rounds_as_named)
{
    /* -2385 * 17 / 100 = -405.45, by hand; Euclid's quotient is the floor. */
    cr_assert(fl_i128_mul_div_floor(-2385, 17, 100) == -406);
    cr_assert(fl_i128_mul_div_ceil(-2385, 17, 100) == -405);
    cr_assert(fl_i128_mul_div_trunc(-2385, 17, 100) == -405);
    cr_assert(fl_i128_mul_div_floor(FL_I128_MAX, FL_I128_MAX, FL_I128_MAX) == FL_I128_MAX);
    cr_assert(fl_i128_mul_div_trunc(-FL_I128_MAX, FL_I128_MAX, FL_I128_MAX) == -FL_I128_MAX);
    for (int a = -7; a <= 7; a++)
        for (int b = -7; b <= 7; b++)
            for (int c = -7; c <= 7; c++) check_mul_div(a, b, c);
    uint64_t state = SEED;
    fprintf(stderr, "wide: seed %#llx\n", (unsigned long long)SEED);
    for (int i = 0; i < DRAWS; i++)
        check_mul_div(fl_exact_random_i128(&state), fl_exact_random_i128(&state),
                      fl_exact_random_i128(&state));
}

Test(wide, mul_div_by_zero_panics, .signal = SIGABRT)
{
    fl_i128_mul_div_floor(2385, 17, 0);
}

Test(wide, mul_div_past_the_end_panics, .signal = SIGABRT)
{
    fl_i128_mul_div_trunc(FL_I128_MAX, 2, 1);
}

Test(wide, mul_div_ceil_past_the_end_panics, .signal = SIGABRT)
{
    fl_i128_mul_div_ceil(FL_I128_MAX, 3, 2);
}

static int exact_order(fl_i128 a, fl_i128 b, fl_i128 c, fl_i128 d)
{
    mpz_t left, right, factor;
    mpz_inits(left, right, factor, NULL);
    fl_exact_set(left, a);
    fl_exact_set(factor, b);
    mpz_mul(left, left, factor);
    fl_exact_set(right, c);
    fl_exact_set(factor, d);
    mpz_mul(right, right, factor);
    const int order = mpz_cmp(left, right);
    mpz_clears(left, right, factor, NULL);
    return (order > 0) - (order < 0);
}

Test(wide, products_compare)
{
    for (int a = -3; a <= 3; a++)
        for (int b = -3; b <= 3; b++)
            for (int c = -3; c <= 3; c++)
                for (int d = -3; d <= 3; d++)
                    cr_assert_eq(fl_i128_compare_products(a, b, c, d), exact_order(a, b, c, d));
    uint64_t state = SEED;
    for (int i = 0; i < DRAWS; i++) {
        const fl_i128 a = fl_exact_random_i128(&state), b = fl_exact_random_i128(&state);
        const fl_i128 c = fl_exact_random_i128(&state), d = fl_exact_random_i128(&state);
        cr_assert_eq(fl_i128_compare_products(a, b, c, d), exact_order(a, b, c, d));
        cr_assert_eq(fl_i128_compare_products(a, b, b, a), 0);
    }
}

Test(wide, millionths_divide_exactly)
{
    uint64_t state = SEED;
    for (int i = 0; i < 10 * DRAWS; i++) {
        const fl_u128 a = fl_u128_abs(fl_exact_random_i128(&state));
        uint64_t rest;
        const fl_u128 quotient = fl_u128_div_million(a, &rest);
        cr_assert(rest < MILLION && quotient * MILLION + rest == a);
        cr_assert(fl_u128_million_floor(a) == quotient);
        cr_assert(fl_u128_million_ceil(a) == quotient + (rest != 0));
    }
    /* Around a multiple, and where the short ways end. */
    const fl_u128 edges[] = {(fl_u128)1 << 64, (fl_u128)1 << 107, FL_U128_MAX / 2,
                             (fl_u128)MILLION << 64, (fl_u128)MILLION * MILLION};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        for (uint64_t off = 0; off < 5; off++) {
            const fl_u128 a = edges[i] - 2 + off;
            cr_assert(fl_u128_million_floor(a) == a / MILLION);
            cr_assert(fl_u128_million_ceil(a) == a / MILLION + (a % MILLION != 0));
        }
}

Test(wide, powers_of_ten)
{
    for (uint32_t power = 0; power < 38; power++)
        cr_assert(fl_u128_pow10(power + 1) == 10 * fl_u128_pow10(power));
    cr_assert(fl_u128_pow10(0) == 1);
    cr_assert(FL_U128_MAX / fl_u128_pow10(38) == 3);
}

Test(wide, power_of_ten_past_the_end_panics, .signal = SIGABRT)
{
    fl_u128_pow10(39);
}

/* (a b + c) / d by both. */
Test(wide, naturals_divide_exactly)
{
    uint64_t state = SEED;
    mpz_t x, y;
    mpz_inits(x, y, NULL);
    for (int i = 0; i < DRAWS; i++) {
        const fl_u128 a = fl_u128_abs(fl_exact_random_i128(&state));
        const fl_u128 b = fl_u128_abs(fl_exact_random_i128(&state));
        const fl_u128 c = fl_u128_abs(fl_exact_random_i128(&state));
        const fl_u128 d = fl_u128_abs(fl_exact_random_i128(&state)) | 1;
        const struct fl_wide ab = fl_wide_times(fl_wide(a), b);
        const struct fl_wide sum = fl_wide_plus(ab, fl_wide(c));
        fl_exact_set_wide(x, &sum);
        fl_exact_set(y, (fl_i128)d);
        const bool exact = mpz_divisible_p(x, y);
        mpz_tdiv_q(x, x, y);
        const bool great = mpz_sizeinbase(x, 2) > 127;
        const fl_u128 floor = great ? 0 : (fl_u128)fl_exact_get(x);
        if (!great) {
            cr_assert(fl_wide_div_floor(sum, fl_wide(d)) == floor);
            cr_assert(fl_wide_div_ceil(sum, fl_wide(d)) == floor + !exact);
        }
        cr_assert_eq(fl_wide_compare(sum, ab), c != 0);
        cr_assert_eq(fl_wide_compare(fl_wide_minus(sum, fl_wide(c)), ab), 0);
        cr_assert_eq(fl_wide_compare(ab, fl_wide_plus(sum, fl_wide(1))), -1);
        cr_assert(fl_wide_ratios_equal(fl_wide_times(ab, 2385), fl_wide_times(fl_wide(d), 2385), ab,
                                       fl_wide(d)));
        cr_assert_not(
            fl_wide_ratios_equal(fl_wide_plus(ab, fl_wide(1)), fl_wide(d), ab, fl_wide(d)));
    }
    mpz_clears(x, y, NULL);
}

Test(wide, quotients_past_128_bits_saturate)
{
    const struct fl_wide great = fl_wide_times(fl_wide(FL_U128_MAX), 2);
    cr_assert(fl_wide_div_floor(great, fl_wide(1)) == FL_U128_MAX);
    cr_assert(fl_wide_div_ceil(great, fl_wide(1)) == FL_U128_MAX);
    cr_assert(fl_wide_div_ceil(great, fl_wide(2)) == FL_U128_MAX);
    cr_assert(fl_wide_div_floor(great, fl_wide(3)) == FL_U128_MAX / 3 * 2);
}

Test(wide, difference_below_zero_panics, .signal = SIGABRT)
{
    fl_wide_minus(fl_wide(2385), fl_wide(2386));
}

Test(wide, product_past_512_bits_panics, .signal = SIGABRT)
{
    struct fl_wide a = fl_wide(FL_U128_MAX);
    for (int i = 0; i < 4; i++) a = fl_wide_times(a, FL_U128_MAX);
}

Test(wide, division_by_zero_panics, .signal = SIGABRT)
{
    fl_wide_div_floor(fl_wide(1), fl_wide(0));
}
