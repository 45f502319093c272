/* The price feed and its aggregators: values of Pyth's own tests, stories by hand, and a naive twin
 * on random reports. */
#include "tests/lib/ledger_fixture.h"

extern const struct fl_model fl_model_feed, fl_model_median, fl_model_trimmed_mean;

/* Laid out as the feed's parameters. */
struct feed_params {
    struct fl_submodel aggregator;
    struct fl_groups reporters;
    int64_t quorum, max_age;
};

/* ------------------------------------------------------------------------------------------------
 * Aggregators
 * --------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Pyth's aggregate is the median of the votes p - c, p, p + c of all publishers. Cases from
 * pyth-client 25dd347e, program/rust/test_data/aggregation, by number: (price, conf) and the price
 * expected. */
Test(feed, median_agrees_with_pyth)
{
    static const struct {
        uint32_t count;
        int64_t quote[8][2];
        int64_t expected;
    } cases[] = {
        {3, {{20000, 1000}, {10000, 1000}, {15000, 1000}}, 15000},                       /* 6 */
        {3, {{100000, 10}, {100000, 10}, {1000000, 10}}, 100010},                        /* 7 */
        {4, {{10000, 10}, {10020, 10}, {11000, 10}, {11020, 10}}, 10510},                /* 9 */
        {4, {{10010000, 10}, {10010020, 10}, {10011000, 10}, {10011020, 10}}, 10010510}, /* 12 */
        {7,
         {{10000, 1100},
          {11030, 900},
          {12030, 1123},
          {13200, 940},
          {14020, 1070},
          {15200, 1123},
          {16320, 1213}},
         13153},                                                               /* 16 */
        {4, {{10000, 1000}, {11000, 200}, {11100, 350}, {8000, 5000}}, 10900}, /* 19 */
        {5, {{10000, 1000}, {11000, 200}, {11100, 350}, {8000, 5000}, {12000, 4000}}, 11000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t votes[24];
        for (uint32_t k = 0; k < cases[i].count; k++) {
            for (int64_t side = -1; side <= 1; side++) {
                votes[3 * k + (uint32_t)(side + 1)] = cases[i].quote[k][0] +
                                                      side * cases[i].quote[k][1];
            }
        }
        qsort(votes, 3 * cases[i].count, sizeof votes[0], compare);
        cr_assert_eq(fl_model_median.aggregate(NULL, votes, 3 * cases[i].count), cases[i].expected,
                     "%zu", i);
    }
    const int64_t odd_gap[2] = {7, 10}, top[2] = {INT64_MAX - 1, INT64_MAX}, one[1] = {23850};
    cr_assert_eq(fl_model_median.aggregate(NULL, odd_gap, 2), 8); /* 8.5 down */
    cr_assert_eq(fl_model_median.aggregate(NULL, top, 2), INT64_MAX - 1);
    cr_assert_eq(fl_model_median.aggregate(NULL, one, 1), 23850);
}

Test(feed, trimmed_mean_by_hand)
{
    static const struct {
        int64_t trim_ppm;
        uint32_t count;
        int64_t sorted[10];
        int64_t expected;
    } cases[] = {
        {200000, 5, {1, 2, 3, 4, 100}, 3},                 /* 1 off each end: (2 + 3 + 4) / 3 */
        {200000, 4, {1, 2, 3, 100}, 26},                   /* floor(0.8) = 0 off: 106 / 4 = 26.5 */
        {199999, 5, {1, 2, 3, 4, 100}, 22},                /* floor(0.999995) = 0 off: 110 / 5 */
        {250000, 9, {1, 2, 3, 5, 8, 13, 21, 34, 999}, 10}, /* 2 off: 50 / 5 */
        {499999, 10, {0, 0, 0, 0, 10, 13, 99, 99, 99, 99}, 11}, /* 4 off: 23 / 2 */
        {499999, 3, {5, 70, 900}, 70},                          /* 1 off: the median */
        {0, 3, {1, 1, 3}, 1},                                   /* 5 / 3 */
        {200000, 1, {77}, 77},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert_eq(
            fl_model_trimmed_mean.aggregate(&cases[i].trim_ppm, cases[i].sorted, cases[i].count),
            cases[i].expected, "%zu", i);
    }
    int64_t many[64];
    for (int i = 0; i < 64; i++) {
        many[i] = 1000000000000000;
    }
    const int64_t none = 0;
    cr_assert_eq(fl_model_trimmed_mean.aggregate(&none, many, 64), 1000000000000000);
}

/* ------------------------------------------------------------------------------------------------
 * The contract
 * --------------------------------------------------------------------------------------------- */

/* Accounts 0..1 and 2..`last` may report, the next two may not. */
static struct lab *open_lab(struct feed_params *p, const struct fl_model *aggregator,
                            const void *aggregator_params, uint32_t last)
{
    static const uint32_t groups[2] = {1, 0};
    struct lab *lab = calloc(1, sizeof *lab);
    lab_group(lab, 2);
    lab_group(lab, last - 1);
    lab_group(lab, 2);
    *p = (struct feed_params){.aggregator = {aggregator, aggregator_params},
                              .reporters = {.count = 2, .first = groups},
                              .quorum = 3,
                              .max_age = 100 * FL_SECOND};
    lab_contract(lab, &fl_model_feed, p);
    lab_open(lab);
    return lab;
}

static void close_lab(struct lab *lab)
{
    lab_close(lab);
    free(lab);
}

static void expect_price(const struct lab *lab, int64_t price, int64_t round, fl_time at,
                         int64_t valid, int64_t fresh)
{
    struct fl_price got;
    lab_ask(lab, 0, FL_ASK_PRICE, 0, &got, sizeof got);
    cr_assert_eq(got.price, price);
    cr_assert_eq(got.round, round);
    cr_assert_eq(got.at, at);
    cr_assert_eq(got.valid, valid);
    int64_t seen[4];
    fl_ledger_observe(lab->ledger, lab->head, 0, seen);
    cr_assert(seen[0] == price && seen[1] == round && seen[2] == fresh && seen[3] == valid);
}

/* A report observed at `at` and included at the same time. */
static uint32_t report(struct lab *lab, uint32_t account, int64_t price, fl_time at, int64_t round)
{
    return lab_do(lab, at, account, 0, FL_TX_REPORT, price, at, round);
}

Test(feed, a_quorum_of_fresh_reports_makes_a_price)
{
    const fl_time s = FL_SECOND;
    struct feed_params p;
    struct lab *lab = open_lab(&p, &fl_model_median, NULL, 6);
    expect_price(lab, 0, 0, 0, 0, 0);
    cr_assert_eq(report(lab, 0, 2007, 1 * s, 1), 0);
    cr_assert_eq(report(lab, 3, 1999, 2 * s, 1), 0);
    expect_price(lab, 0, 0, 0, 0, 2);
    cr_assert_eq(report(lab, 6, 2003, 3 * s, 1), 0);
    expect_price(lab, 2003, 1, 3 * s, 1, 3); /* middle of 1999 2003 2007 */
    cr_assert_eq(report(lab, 1, 2001, 4 * s, 7), 0);
    expect_price(lab, 2002, 2, 4 * s, 1, 4); /* between 2001 and 2003 */
    cr_assert_eq(report(lab, 1, 2000, 5 * s, 8), 0);
    expect_price(lab, 2001, 3, 5 * s, 1, 4); /* 2001.5 down */
    cr_assert_eq(report(lab, 3, 1000, 6 * s, 2), 0);
    expect_price(lab, 2001, 3, 5 * s, 1, 4); /* the low end moved: no change, no new round */

    /* The note: contract 0, rounds; price and the one before; child of the transaction's cause. */
    const uint32_t id = fl_records_find(lab->records, FL_RECORD_PRICE, 0, 2);
    cr_assert_neq(id, FL_NO_RECORD);
    const struct fl_record *note = fl_records_get(lab->records, id);
    cr_assert(note->v[2] == 2002 && note->v[3] == 2003);
    cr_assert_eq(fl_records_count(lab->records), 3);

    const struct {
        uint32_t account;
        int64_t price, at, round;
        uint32_t expected;
    } bad[] = {
        {1, 0, 9 * s, 9, FL_REFUSED_ARGUMENT},
        {1, -5, 9 * s, 9, FL_REFUSED_ARGUMENT},
        {1, 1000000000000001, 9 * s, 9, FL_REFUSED_ARGUMENT},
        {1, 3000, 9 * s + 1, 9, FL_REFUSED_ARGUMENT}, /* from the future */
        {1, 3000, -1, 9, FL_REFUSED_ARGUMENT},
        {1, 3000, 9 * s, 8, FL_REFUSED_ARGUMENT}, /* replayed */
        {1, 3000, 9 * s, 7, FL_REFUSED_ARGUMENT}, /* overtaken */
        {4, 3000, 9 * s, -1, FL_REFUSED_ARGUMENT},
        {7, 3000, 9 * s, 9, FL_REFUSED_SENDER},
        {8, 3000, 9 * s, 9, FL_REFUSED_SENDER},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_assert_eq(lab_do(lab, 9 * s, bad[i].account, 0, FL_TX_REPORT, bad[i].price, bad[i].at,
                            bad[i].round),
                     bad[i].expected, "%zu", i);
        expect_price(lab, 2001, 3, 5 * s, 1, 4);
    }
    cr_assert_eq(lab_do(lab, 9 * s, 1, 0, FL_TX_REPORT + 1, 3000, 9 * s, 9), FL_REFUSED_ARGUMENT);
    cr_assert_eq(lab_do(lab, 9 * s, 1, 0, FL_TX_REPORT, 1000000000000000, 9 * s, 9), 0);
    expect_price(lab, 2005, 4, 9 * s, 1, 4); /* 1000 2003 2007 10^15 */
    cr_assert_eq(report(lab, 4, 3000, 9 * s, 0), 0, "a first round may be 0");
    int64_t out[8];
    const struct fl_query odd = {.contract = 0, .kind = FL_ASK_ACCOUNT};
    cr_assert_eq(fl_ledger_query(lab->ledger, lab->head, &odd, out, sizeof(struct fl_price)),
                 FL_READ_UNKNOWN);
    close_lab(lab);
}

Test(feed, a_price_becomes_invalid_by_age_alone)
{
    const fl_time s = FL_SECOND;
    struct feed_params p;
    struct lab *lab = open_lab(&p, &fl_model_median, NULL, 6);
    report(lab, 0, 2000, 10 * s, 1);
    report(lab, 1, 2002, 20 * s, 1);
    report(lab, 2, 2004, 30 * s, 1);
    report(lab, 3, 2010, 40 * s, 1);
    expect_price(lab, 2003, 2, 40 * s, 1, 4); /* 2002 at three reports, 2003 at four */
    static const struct {
        fl_time now;
        int64_t valid, fresh;
    } silence[] = {
        {110 * FL_SECOND, 1, 4},     {110 * FL_SECOND + 1, 1, 3}, {120 * FL_SECOND, 1, 3},
        {120 * FL_SECOND + 1, 0, 2}, {500 * FL_SECOND, 0, 0},
    };
    for (size_t i = 0; i < sizeof silence / sizeof silence[0]; i++) {
        lab_begin(lab, silence[i].now);
        lab_run(lab); /* an empty batch */
        expect_price(lab, 2003, 2, 40 * s, silence[i].valid, silence[i].fresh);
    }
    /* Aged reports are no part of the next price: 3 are fresh again at the third report. */
    report(lab, 4, 100, 501 * s, 1);
    report(lab, 5, 300, 501 * s, 1);
    expect_price(lab, 2003, 2, 40 * s, 0, 2);
    report(lab, 0, 200, 501 * s, 2);
    expect_price(lab, 200, 3, 501 * s, 1, 3);
    /* A report that is old already when it arrives does not count. */
    cr_assert_eq(lab_do(lab, 502 * s, 1, 0, FL_TX_REPORT, 999, 401 * s, 2), 0);
    expect_price(lab, 200, 3, 501 * s, 1, 3);
    close_lab(lab);
}

/* Twin: newest report of each reporter in an array, sorted by the C library. */
Test(feed, random_reports_agree_with_a_naive_twin)
{
    enum { REPORTERS = 70, HEARD = 64, BATCHES = 1500 };
    uint64_t random = 71;
    cr_log_info("seed %llu", (unsigned long long)random);
    struct feed_params p;
    struct lab *lab = open_lab(&p, &fl_model_median, NULL, REPORTERS - 1);
    int64_t price[REPORTERS] = {0}, at[REPORTERS] = {0}, known[REPORTERS] = {0};
    int64_t current = 0, round = 0, changed = 0, deaf = 0;
    uint32_t heard = 0;
    fl_time now = FL_SECOND;
    for (int64_t i = 1; i <= BATCHES; i++) {
        now += lab_between(&random, 0, 3) * FL_SECOND;
        const uint32_t who = (uint32_t)lab_between(&random, 0, REPORTERS - 1);
        const int64_t value = lab_between(&random, 1, 50);
        const fl_time seen = fl_max(0, now - lab_between(&random, 0, 120) * FL_SECOND);
        const uint32_t code = lab_do(lab, now, who, 0, FL_TX_REPORT, value, seen, i);
        if (!known[who] && heard == HEARD) {
            cr_assert_eq(code, FL_REFUSED_SENDER);
            deaf++;
            continue;
        }
        cr_assert_eq(code, 0);
        heard += !known[who];
        known[who] = 1;
        price[who] = value;
        at[who] = seen;
        int64_t fresh[REPORTERS];
        uint32_t count = 0;
        for (uint32_t k = 0; k < REPORTERS; k++) {
            if (known[k] && now - at[k] <= 100 * FL_SECOND) {
                fresh[count++] = price[k];
            }
        }
        qsort(fresh, count, sizeof fresh[0], compare);
        if (count >= 3) {
            const int64_t median = count % 2 ? fresh[count / 2]
                                             : (fresh[count / 2 - 1] + fresh[count / 2]) / 2;
            round += median != current;
            changed = median != current ? now : changed;
            current = median;
        }
        expect_price(lab, current, round, changed, current > 0 && count >= 3, count);
    }
    cr_assert(deaf > 0 && round > 100);
    close_lab(lab);
}

Test(feed, the_aggregator_is_a_parameter)
{
    struct feed_params p;
    const int64_t trim = 200000;
    struct lab *lab = open_lab(&p, &fl_model_trimmed_mean, &trim, 6);
    static const int64_t prices[5] = {2000, 9999, 2001, 2003, 1};
    for (uint32_t i = 0; i < 5; i++) {
        report(lab, i, prices[i], FL_SECOND, 1);
    }
    expect_price(lab, 2001, 3, FL_SECOND, 1, 5); /* 14000/3, 16003/4, then (2000+2001+2003)/3 */
    close_lab(lab);
}
