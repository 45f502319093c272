/* models/ledger/funding.c: against the formulas of mechanisms 2.1 in unbounded integers and rationals, and
 * roundings by hand. The protocol's own cases are in tests/vectors. */
#include "models/ledger/funding.h"
#include "sim/num.h"
#include "tests/lib/exact.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED UINT64_C(0xf00d1)
#define PRICE_MOST INT64_C(1000000000000000) /* 10^9 USD */
#define SIZE_MOST INT64_C(1000000000000000)  /* 10^9 units */
enum { DRAWS = 20000, LEVELS = 12, SAMPLES = 90, MILLION = 1000000 };

/* --- premium ------------------------------------------------------------------------------------- */

static void set_ratio(mpq_t to, fl_i128 over, fl_i128 under)
{
    fl_exact_set(mpq_numref(to), over);
    fl_exact_set(mpq_denref(to), under);
    mpq_canonicalize(to);
}

/* Average price at which `notional` fills, walking the levels in rationals; false if they do not suffice. */
static bool twin_impact(mpq_t price, const struct fl_level *levels, uint32_t count,
                        int64_t notional, int64_t scale)
{
    mpq_t rest, worth, size, taken;
    mpq_inits(rest, worth, size, taken, NULL);
    set_ratio(rest, (fl_i128)notional * scale, 1);
    bool filled = false;
    for (uint32_t i = 0; i < count && !filled; i++) {
        set_ratio(price, levels[i].price, 1);
        set_ratio(size, levels[i].size, 1);
        mpq_mul(worth, price, size);
        filled = notional == 0 || mpq_cmp(worth, rest) >= 0;
        if (filled) mpq_div(size, rest, price);
        mpq_add(taken, taken, size);
        mpq_sub(rest, rest, worth);
    }
    if (filled && notional != 0) {
        set_ratio(price, (fl_i128)notional * scale, 1);
        mpq_div(price, price, taken);
    }
    mpq_clears(rest, worth, size, taken, NULL);
    return filled;
}

/* Into ppm of the index less one, toward zero, limited. */
static int64_t twin_ppm(const mpq_t price, const mpq_t index, int64_t limit)
{
    mpq_t ratio, million;
    mpq_inits(ratio, million, NULL);
    mpq_sub(ratio, price, index);
    mpq_div(ratio, ratio, index);
    mpq_set_ui(million, MILLION, 1);
    mpq_mul(ratio, ratio, million);
    mpz_tdiv_q(mpq_numref(million), mpq_numref(ratio), mpq_denref(ratio));
    const fl_i128 ppm = fl_exact_get(mpq_numref(million));
    mpq_clears(ratio, million, NULL);
    return (int64_t)(ppm > limit ? limit : ppm < -limit ? -limit : ppm);
}

static int64_t twin_premium(const struct fl_book *book, int64_t notional, int64_t scale,
                            int64_t index_price, int64_t limit)
{
    mpq_t price, index;
    mpq_inits(price, index, NULL);
    set_ratio(index, index_price, 1);
    int64_t ppm = 0;
    if (twin_impact(price, book->bids, book->bid_count, notional, scale) &&
        mpq_cmp(price, index) > 0)
        ppm = twin_ppm(price, index, limit);
    else if (twin_impact(price, book->asks, book->ask_count, notional, scale) &&
             mpq_cmp(price, index) < 0)
        ppm = twin_ppm(price, index, limit);
    mpq_clears(price, index, NULL);
    return ppm;
}

static int64_t near(uint64_t *state, int64_t price)
{
    return fl_max(1, price + fl_exact_random_signed(state, price / 4));
}

static int ascending(const void *a, const void *b)
{
    const int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

Test(funding, premium_equals_the_twin)
{
    uint64_t state = SEED;
    fprintf(stderr, "funding: seed %#llx\n", (unsigned long long)SEED);
    int up = 0, down = 0;
    for (int i = 0; i < DRAWS; i++) {
        const int64_t index = 1 + fl_exact_random_up_to(&state, PRICE_MOST);
        const int64_t middle = near(&state, index);
        int64_t prices[2 * LEVELS];
        for (int k = 0; k < 2 * LEVELS; k++) prices[k] = near(&state, middle);
        qsort(prices, 2 * LEVELS, sizeof *prices, ascending);
        struct fl_level bids[LEVELS], asks[LEVELS];
        for (int k = 0; k < LEVELS; k++) {
            const int64_t size = 1 + fl_exact_random_up_to(&state, SIZE_MOST);
            bids[k] = (struct fl_level){.price = prices[LEVELS - 1 - k], .size = size};
            asks[k] = (struct fl_level){.price = prices[LEVELS + k], .size = size};
        }
        const struct fl_book book = {
            .bids = bids,
            .asks = asks,
            .bid_count = (uint32_t)(fl_exact_random(&state) % (LEVELS + 1)),
            .ask_count = (uint32_t)(fl_exact_random(&state) % (LEVELS + 1)),
            .exponent = -6,
        };
        const int64_t notional = fl_exact_random_up_to(&state, PRICE_MOST);
        const int64_t limit = fl_exact_random_up_to(&state, MILLION);
        const int64_t found = fl_book_premium_ppm(&book, notional, index, -6, limit);
        cr_assert_eq(found, twin_premium(&book, notional, MILLION, index, limit));
        up += found > 0;
        down += found < 0;
    }
    fprintf(stderr, "premiums: %d above, %d below, %d none\n", up, down, DRAWS - up - down);
    cr_assert(up > DRAWS / 20 && down > DRAWS / 20 && up + down < DRAWS - DRAWS / 20);
}

Test(funding, premium_goes_toward_zero)
{
    const struct fl_impact above = {
        .bid_numerator = 2385, .bid_denominator = 7, .ask_numerator = 2386, .ask_denominator = 7};
    cr_assert_eq(fl_premium_ppm(&above, 340, 1, MILLION), 2100); /* 2100.84 */
    cr_assert_eq(fl_premium_ppm(&above, 341, 1, MILLION), -418); /* -418.93 */
    cr_assert_eq(fl_premium_ppm(&above, 2385, 7, MILLION), 0);   /* the bid is at the index */
    cr_assert_eq(fl_premium_ppm(&above, 4771, 14, MILLION), 0);  /* between */
    cr_assert_eq(fl_premium_ppm(&above, 2386, 7, MILLION), 0);   /* the ask is */
    cr_assert_eq(fl_premium_ppm(&above, 340, 1, 2099), 2099);
    cr_assert_eq(fl_premium_ppm(&above, 341, 1, 417), -417);
    const struct fl_impact none = {.bid_numerator = 0};
    cr_assert_eq(fl_premium_ppm(&none, 340, 1, MILLION), 0);
    const struct fl_impact great = {.bid_numerator = FL_I128_MAX, .bid_denominator = 1};
    cr_assert_eq(fl_premium_ppm(&great, 1, FL_I128_MAX, INT64_MAX), INT64_MAX);
}

/* 7 at 10 and 9 at 9: 106 fills as 7 + 36/9 = 11, at 106 * 9 / (7 * 9 + 36). */
Test(funding, impact_price_walks_the_book)
{
    const struct fl_level side[] = {{.price = 10, .size = 7}, {.price = 9, .size = 9}};
    const struct fl_book book = {.bids = side, .bid_count = 2};
    struct fl_impact impact = fl_book_impact(&book, 106);
    cr_assert(impact.bid_numerator == 106 * 9 && impact.bid_denominator == 7 * 9 + 36);
    cr_assert(impact.ask_denominator == 0);
    impact = fl_book_impact(&book, 70); /* the first level whole */
    cr_assert(impact.bid_numerator == 10 * impact.bid_denominator && impact.bid_denominator > 0);
    impact = fl_book_impact(&book, 151); /* all of it */
    cr_assert(impact.bid_numerator == 151 * 9 && impact.bid_denominator == 7 * 9 + 81);
    impact = fl_book_impact(&book, 152);
    cr_assert(impact.bid_denominator == 0);
    impact = fl_book_impact(&book, 0); /* the best */
    cr_assert(impact.bid_numerator == 10 && impact.bid_denominator == 1);
}

Test(funding, index_and_book_may_differ_in_unit)
{
    const struct fl_level bid = {.price = 2385, .size = 1000};
    struct fl_book book = {.bids = &bid, .bid_count = 1, .exponent = -2};
    cr_assert_eq(fl_book_premium_ppm(&book, 100, 23, 0, MILLION), 36956); /* 23.85 / 23 */
    cr_assert_eq(fl_book_premium_ppm(&book, 100, 23000, -3, MILLION), 36956);
}

Test(funding, a_book_of_positive_exponent_panics, .signal = SIGABRT)
{
    const struct fl_book book = {.exponent = 1};
    fl_book_impact(&book, 1);
}

/* --- samples ------------------------------------------------------------------------------------- */

Test(funding, samples_expected_are_rounded_up)
{
    cr_assert_eq(fl_samples_expected(3600, 60), 60);
    cr_assert_eq(fl_samples_expected(3601, 60), 61);
    cr_assert_eq(fl_samples_expected(59, 60), 1);
    cr_assert_eq(fl_samples_expected(0, 60), 0);
}

Test(funding, even_medians_go_away_from_zero)
{
    const struct {
        int64_t votes[4];
        uint32_t count, least;
        int64_t expected;
    } cases[] = {
        {{7, 2}, 2, 0, 5},     /* 4.5 */
        {{-7, -2}, 2, 0, -5},  /* -4.5 */
        {{3, -4}, 2, 0, -1},   /* -0.5 */
        {{4, -3}, 2, 0, 1},    /* 0.5 */
        {{6, 2}, 2, 0, 4},     /* exact */
        {{9, -1, 4}, 3, 0, 4}, /* odd */
        {{9}, 1, 2, 5},        /* with a zero: 4.5 */
        {{9}, 1, 3, 0},        /* with two */
        {{9, 8, 7}, 3, 4, 8},  /* 7, 8 : 7.5 */
        {{0}, 0, 0, 0},        /* nobody voted */
        {{INT64_MIN, INT64_MIN}, 2, 0, INT64_MIN},
        {{INT64_MAX, INT64_MAX}, 2, 0, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t votes[4];
        memcpy(votes, cases[i].votes, sizeof votes);
        cr_expect_eq(fl_premium_sample(votes, cases[i].count, cases[i].least), cases[i].expected,
                     "case %zu", i);
    }
}

/* By counting instead of sorting: how many are below and above the sample, votes and zeros alike. */
Test(funding, medians_split_the_votes)
{
    uint64_t state = SEED;
    for (int i = 0; i < DRAWS; i++) {
        int64_t votes[2 * SAMPLES], sorted[2 * SAMPLES] = {0};
        const uint32_t count = (uint32_t)(fl_exact_random(&state) % SAMPLES);
        const uint32_t least = (uint32_t)(fl_exact_random(&state) % SAMPLES);
        for (uint32_t k = 0; k < count; k++) votes[k] = fl_exact_random_signed(&state, 99);
        memcpy(sorted, votes, count * sizeof *votes);
        const uint32_t all = count > least ? count : least;
        qsort(sorted, all, sizeof *sorted, ascending);
        int64_t expected = 0;
        if (all % 2 == 1) {
            expected = sorted[all / 2];
        } else if (all > 0) {
            const int64_t sum = sorted[all / 2 - 1] + sorted[all / 2];
            expected = sum >= 0 ? (sum + 1) / 2 : -((1 - sum) / 2);
        }
        cr_assert_eq(fl_premium_sample(votes, count, least), expected);
    }
}

Test(funding, tails)
{
    /* 2 * 25 % of 7 = 3.5: 3, of which 1 at the bottom and 2 at the top. */
    int64_t samples[] = {5, -3, 9, 1, 7, -8, 2};
    uint32_t first;
    cr_assert_eq(fl_trim_tails(samples, 7, 250000, &first), 4);
    cr_assert_eq(first, 1);
    const int64_t left[] = {-3, 1, 2, 5};
    cr_assert_arr_eq(samples + first, left, sizeof left);
    cr_assert_eq(fl_trim_tails(samples, 7, 500000, &first), 0);
    int64_t unsorted[] = {5, -3, 9};
    cr_assert_eq(fl_trim_tails(unsorted, 3, 700000, &first), 3); /* 4.2 of 3: none */
    cr_assert_eq(first, 0);
    cr_assert_eq(unsorted[0], 5);
    cr_assert_eq(fl_trim_tails(unsorted, 3, 0, &first), 3);
}

/* --- rate and index ------------------------------------------------------------------------------ */

Test(funding, rate_equals_the_twin)
{
    uint64_t state = SEED;
    for (int i = 0; i < DRAWS; i++) {
        int64_t samples[SAMPLES];
        fl_i128 sum = 0;
        const uint32_t count = (uint32_t)(fl_exact_random(&state) % SAMPLES);
        const uint32_t expected = (uint32_t)(fl_exact_random(&state) % SAMPLES);
        for (uint32_t k = 0; k < count; k++) {
            samples[k] = fl_exact_random_signed(&state, MILLION);
            sum += samples[k];
        }
        const int64_t usual = fl_exact_random_signed(&state, 1000);
        const int64_t clamp = fl_exact_random_up_to(&state, 6 * MILLION);
        const int64_t initial = fl_exact_random_up_to(&state, MILLION);
        const int64_t fraction = fl_exact_random_up_to(&state, MILLION);
        const uint32_t all = count > expected ? count : expected;
        fl_i128 rate = (all == 0 ? 0 : fl_exact(FL_EXACT_TRUNC, sum, 1, 1, all)) + usual;
        const fl_i128 spread = initial - fl_exact(FL_EXACT_FLOOR, initial, fraction, 1, MILLION);
        const fl_i128 limit = fl_exact(FL_EXACT_FLOOR, clamp, spread, 1, MILLION);
        rate = rate > limit ? limit : rate < -limit ? -limit : rate;
        cr_assert(fl_funding_rate(samples, count, expected, usual, clamp, initial, fraction) ==
                  rate);
    }
}

Test(funding, rate_by_hand)
{
    const int64_t samples[] = {1000, -300, 85}; /* 785 / 4 = 196.25 */
    cr_assert_eq(fl_funding_rate(samples, 3, 4, 100, 6000000, 50000, 600000), 296);
    const int64_t down[] = {-1000, 300, -85}; /* -196.25 */
    cr_assert_eq(fl_funding_rate(down, 3, 4, 100, 6000000, 50000, 600000), -96);
    /* Limit: 0.6 of (16 - floor(16 * 0.31) = 16 - 4) = 7.2: 7. */
    cr_assert_eq(fl_funding_rate(samples, 3, 3, 0, 600000, 16, 310000), 7);
    cr_assert_eq(fl_funding_rate(down, 3, 3, 0, 600000, 16, 310000), -7);
}

Test(funding, rise_goes_toward_zero_twice)
{
    /* 3600 * 1000 * 2385000001 * 10^-6 = 8586000003.6; / 28800 = 298125.0001. Then 0.298 and 29.81. */
    cr_assert(fl_funding_rise(3600, 1000, INT64_C(2385000001), -6) == 298125);
    cr_assert(fl_funding_rise(3600, 1000, 2385, -6) == 0);
    cr_assert(fl_funding_rise(3600, -1000, 238500, -6) == -29);
    cr_assert(fl_funding_rise(3600, 1000, 238500, -6) == 29);
    uint64_t state = SEED;
    for (int i = 0; i < DRAWS; i++) {
        const int64_t tick = fl_exact_random_up_to(&state, 86400);
        const int64_t rate = fl_exact_random_signed(&state, 6 * MILLION);
        const int64_t price = fl_exact_random_up_to(&state, PRICE_MOST);
        const fl_i128 inner = fl_exact(FL_EXACT_TRUNC, (fl_i128)tick * rate, price, 1, MILLION);
        cr_assert(fl_funding_rise(tick, rate, price, -6) ==
                  fl_exact(FL_EXACT_TRUNC, inner, 1, 1, FL_FUNDING_PERIOD_S));
    }
}
