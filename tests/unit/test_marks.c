/* Marks and funding of the exchange: both rules of marks, book_median against a twin in double precision; the clock
 * of funding by hand, to the last unit. */
#include "tests/lib/exchange_lab.h"

#include <math.h>

#define UNIT ((int64_t)1000000)

/* Laid out as the parameters of book_median. */
struct windows {
    fl_time basis, mid;
};
static const struct windows usual = {150 * FL_SECOND, 30 * FL_SECOND};

/* --- marks -------------------------------------------------------------------------------------------- */

Test(marks, the_oracles_price_and_nothing_else)
{
    const struct fl_mark_rule *rule = fl_model_oracle_price.mark;
    cr_assert_null(rule->update);
    for (int64_t p = 1; p < 1000000000000000; p = 3 * p + 1)
        cr_assert_eq(rule->price(NULL, NULL, p), p);
}

/* Hyperliquid's rule in floating point: sums and weights kept apart, in seconds. */
struct twin {
    double basis, basis_weight, mid, mid_weight, book;
    fl_time at;
    bool begun;
};

static double middle(double a, double b, double c)
{
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

static void twin_update(struct twin *t, const struct windows *w, const struct fl_mark_sight *s)
{
    const double dt = t->begun ? (double)(s->now - t->at) * 1e-9 : 1;
    t->at = s->now;
    t->begun = true;
    t->book = 0;
    if (s->bid == 0 || s->ask == 0) return;
    const double mid = ((double)s->bid + (double)s->ask) / 2;
    const double fade = exp(-dt / ((double)w->basis * 1e-9)),
                 fade_mid = exp(-dt / ((double)w->mid * 1e-9));
    t->basis = t->basis * fade + (mid - (double)s->oracle) * dt;
    t->basis_weight = t->basis_weight * fade + dt;
    t->mid = t->mid * fade_mid + mid * dt;
    t->mid_weight = t->mid_weight * fade_mid + dt;
    t->book = s->last > 0 ? middle((double)s->bid, (double)s->ask, (double)s->last) : mid;
}

static double twin_price(const struct twin *t, double oracle)
{
    const double fair = oracle + (t->basis_weight > 0 ? t->basis / t->basis_weight : 0);
    return t->book == 0 ? fair : middle(fair, t->book, t->mid / t->mid_weight);
}

/* Weights are whole milliseconds: a block of half a second at least puts at most 0.2 % of the newest sample's
 * distance to the average in doubt, and prices here stay within 3 %: 100 ppm would be sure, 20 hold. */
Test(marks, book_median_agrees_with_floating_point)
{
    const struct fl_mark_rule *rule = fl_model_book_median.mark;
    uint64_t random = 31;
    double worst = 0;
    for (int walk = 0; walk < 60; walk++) {
        int64_t state[FL_MARK_STATE] = {0};
        struct twin twin = {0};
        fl_time now = FL_SECOND * lab_between(&random, 1, 1000);
        int64_t oracle = 2385 * USD;
        for (int i = 0; i < 500; i++) {
            now += FL_MILLISECOND * lab_between(&random, 500, i % 50 == 49 ? 900000 : 12000);
            oracle = fl_clamp(oracle + lab_between(&random, -USD, USD), 2360 * USD, 2410 * USD);
            const int64_t mid = oracle + lab_between(&random, -5 * USD, 9 * USD);
            const struct fl_mark_sight sight = {
                .oracle = oracle,
                .bid = lab_between(&random, 0, 9) ? mid - lab_between(&random, 0, 2 * USD) : 0,
                .ask = mid + lab_between(&random, 0, 2 * USD),
                .last = lab_between(&random, 0, 5) ? mid + lab_between(&random, -USD, USD) : 0,
                .now = now};
            rule->update(&usual, state, &sight);
            twin_update(&twin, &usual, &sight);
            const int64_t asked = oracle + lab_between(&random, -9 * USD, 9 * USD);
            const double want = twin_price(&twin, (double)asked),
                         got = (double)rule->price(&usual, state, asked);
            worst = fmax(worst, fabs(got - want) / want);
            cr_assert_leq(fabs(got - want), 20e-6 * want, "walk %d, block %d: %f, %f", walk, i, got,
                          want);
        }
    }
    cr_assert_gt(worst, 0, "they are not the same program");
    cr_log_info("worst %g", worst);
}

Test(marks, a_first_block_without_time_counts)
{
    const struct fl_mark_rule *rule = fl_model_book_median.mark;
    int64_t state[FL_MARK_STATE] = {0};
    struct fl_mark_sight sight = {.oracle = 100 * USD, .now = FL_SECOND};
    rule->update(&usual, state, &sight);
    sight.bid = sight.ask = 101 * USD;
    rule->update(&usual, state,
                 &sight); /* no time has passed: averages of one sample without weight */
    cr_assert_eq(rule->price(&usual, state, 90 * USD), 101 * USD);
    sight.bid = sight.ask = 103 * USD;
    sight.now += FL_SECOND;
    rule->update(&usual, state, &sight); /* which counts for nothing then */
    cr_assert_eq(rule->price(&usual, state, 90 * USD), 103 * USD);
}

/* Oracle 100, book 101: the mark is 101, all three parts agreeing. The oracle jumps to 110: 111 by it, 101 by book and
 * average: 101. The book goes: the oracle's 110 and the average distance alone. */
Test(marks, a_book_holds_the_mark)
{
    struct xlab *x = xlab_new();
    x->exchange.mark = (struct fl_submodel){&fl_model_book_median, &usual};
    xlab_open(x, 1, 1, 1);
    xlab_price(x, 0, 100 * USD);
    cr_assert_eq(xlab_terms(x, 0).mark, 100 * USD);
    x->now += FL_SECOND;
    xlab_quote(x, 0, 101 * USD);
    cr_assert_eq(xlab_terms(x, 0).mark, 101 * USD);
    x->now += FL_SECOND;
    xlab_price(x, 0, 110 * USD);
    cr_assert_eq(xlab_terms(x, 0).mark, 101 * USD);
    x->now += FL_SECOND;
    xlab_unquote(x, 0);
    /* distances of 1 for a second, then -9 for another: e^(-1/150) = 0.993356, (0.993356 * 1 - 9) / 1.993356 =
     * -4.016665; the weight of 993.356 ms counts as 993 */
    cr_assert_lt(llabs(xlab_terms(x, 0).mark - (110 * USD - 4016665)), 3000, "%ld",
                 (long)xlab_terms(x, 0).mark);
    xlab_free(x);
}

/* --- funding ------------------------------------------------------------------------------------------ */

/* Ticks of 240 s, samples of 60 s; the book bids 100.999999 where the oracle says 100: a premium of 9999.99 ppm,
 * 9999. */
static struct xlab *premium_of_one_percent(const struct fl_model *mark)
{
    struct xlab *x = xlab_new();
    x->exchange.mark = (struct fl_submodel){mark, mark == &fl_model_book_median ? &usual : NULL};
    x->exchange.quote_max_age = 100000 * FL_SECOND;
    x->exchange.funding_tick = 240 * FL_SECOND;
    x->market[0].default_funding_ppm = 100;
    x->market[1].default_funding_ppm = 100;
    xlab_open(x, 2, 1, 2);
    for (uint32_t i = 0; i < 2; i++) x->feed[i].max_age = 100000 * FL_SECOND;
    xlab_give(x, XLAB_MAKER, 1000000 * USD);
    xlab_give(x, x->first, 10000 * USD);
    lab_begin(&x->lab, x->now); /* the clocks of both begin with this block, at 1 s */
    for (uint32_t i = 0; i < 2; i++) {
        xlab_report(x, i, 100 * USD);
        xlab_tx(x, XLAB_MAKER, FL_TX_QUOTE, 101 * USD, 0, FL_SIZE_ASKED_MAX, i);
    }
    lab_run(&x->lab);
    return x;
}

static void block_at(struct xlab *x, int64_t s)
{
    x->now = s * FL_SECOND;
    lab_begin(&x->lab, x->now);
    lab_run(&x->lab);
}

static void expect_tick(const struct xlab *x, int64_t tick, int64_t rate, int64_t rise)
{
    const struct fl_record *r = xlab_record(x, FL_RECORD_FUNDING, 0);
    cr_assert_not_null(r);
    cr_assert_eq(r->v[0], 0);
    cr_assert_eq(r->v[1], tick);
    cr_assert_eq(r->v[2], rate, "%ld", (long)r->v[2]);
    cr_assert_eq(r->v[3], rise);
    cr_assert_eq(r->v[4], 100 * USD);
    cr_assert_eq(xlab_terms(x, 0).funding_ppm, rate);
}

/* Four samples of 9999, their mean, and 100 on top: 10099. Rise: trunc(240 * 10099 * 100 / 28800) = 8415. 10.000001
 * long pay 8415 * 10.000001 = 84150.008415, up; the short gets it rounded down; the exchange keeps 1. */
Test(funding_clock, a_tick_by_hand)
{
    static const struct fl_model *const marks[] = {&fl_model_oracle_price, &fl_model_book_median};
    for (int i = 0; i < 2; i++) { /* by the oracle's price, whatever the mark */
        struct xlab *x = premium_of_one_percent(marks[i]);
        cr_assert_eq(xlab_do(x, x->first, FL_TX_TRADE, 10000001, 0, 0, 0), 0);
        const int64_t quote = xlab_account(x, x->first).quote,
                      maker = xlab_account(x, XLAB_MAKER).quote;
        for (int64_t t = 31; t < 241; t += 30) block_at(x, t);
        cr_assert_null(xlab_record(x, FL_RECORD_FUNDING, 0));
        block_at(x, 240);
        cr_assert_null(xlab_record(x, FL_RECORD_FUNDING, 0));
        block_at(x, 241);
        expect_tick(x, 1, 10099, 8415);
        cr_assert_eq(xlab_account(x, x->first).quote, quote - 84151);
        cr_assert_eq(xlab_account(x, x->first).unsettled, 84151);
        cr_assert_eq(xlab_account(x, XLAB_MAKER).quote, maker + 84150);
        xlab_recount(x);
        xlab_give(x, x->first, 1);
        xlab_give(x, XLAB_MAKER, 1);
        cr_assert_eq(xlab_account(x, x->first).quote, quote - 84151 + 1);
        cr_assert_eq(xlab_totals(x).funding, 1);
        xlab_recount(x);
        xlab_free(x);
    }
}

/* A chain that stood still makes up one sample and one tick a block: 9999 and three zeroes, 2499 on average; trunc(240 *
 * 2599 * 100 / 28800) = 2165. By 1241 s the ticks of 481, 721, 961 and 1201 s are due. */
Test(funding_clock, catches_up_tick_by_tick)
{
    struct xlab *x = premium_of_one_percent(&fl_model_oracle_price);
    for (int64_t t = 31; t <= 241; t += 30) block_at(x, t);
    for (int64_t tick = 2; tick <= 5; tick++) {
        block_at(x, 1241);
        expect_tick(x, tick, 2599, 2165);
    }
    block_at(x, 1241);
    cr_assert_null(xlab_record(x, FL_RECORD_FUNDING, 0));
    xlab_free(x);
}

/* Without a price the clock waits; without a book the premium is 0. Three samples of 9999, and one of the votes 9999 and
 * 0, 5000: 8749 on average. trunc(240 * 8849 * 100 / 28800) = 7374. */
Test(funding_clock, waits_for_a_price)
{
    struct xlab *x = premium_of_one_percent(&fl_model_oracle_price);
    for (int64_t t = 31; t < 241; t += 30) block_at(x, t);
    block_at(x, 100002); /* the report is of 1 s */
    cr_assert_null(xlab_record(x, FL_RECORD_FUNDING, 0));
    xlab_price(x, 0, 100 * USD); /* the quote, too, is of 1 s */
    expect_tick(x, 1, 8849, 7374);
    xlab_free(x);
}

/* Votes of a sample by median, with zeros up to funding_votes: 9999 twice of 5 is 0; three times of 5 is 9999; twice
 * of 4 is the mean away from zero, 5000. Ticks of 100 s and samples of 60 s: two samples to a tick, the second
 * missing. Rate 9999 / 2 + 100 = 5099. */
Test(funding_clock, votes_and_samples)
{
    static const struct {
        int64_t votes, rate;
    } cases[] = {{5, 100 + 0}, {3, 100 + 4999}, {4, 100 + 2500}, {1, 100 + 4999}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct xlab *x = xlab_new();
        x->exchange.funding_tick = 100 * FL_SECOND;
        x->exchange.funding_votes = cases[i].votes;
        x->exchange.quote_max_age = 100000 * FL_SECOND;
        x->market[0].default_funding_ppm = 100;
        xlab_open(x, 1, 1, 1);
        lab_begin(&x->lab, x->now);
        xlab_report(x, 0, 100 * USD);
        xlab_tx(x, XLAB_MAKER, FL_TX_QUOTE, 101 * USD, 0, FL_SIZE_ASKED_MAX, 0);
        lab_run(&x->lab);
        block_at(x, 61);
        block_at(x, 101);
        const struct fl_record *r = xlab_record(x, FL_RECORD_FUNDING, 0);
        cr_assert_not_null(r);
        cr_assert_eq(r->v[2], cases[i].rate, "%zu: %ld", i, (long)r->v[2]);
        xlab_free(x);
    }
}

/* One floor for an account: 10^-6 units in each of two markets owe 0.008415 of a unit each, and pay 1 together. */
Test(funding_clock, one_floor_per_account)
{
    struct xlab *x = premium_of_one_percent(&fl_model_oracle_price);
    cr_assert_eq(xlab_do(x, x->first, FL_TX_TRADE, 1, 0, 0, 0), 0);
    cr_assert_eq(xlab_do(x, x->first, FL_TX_TRADE, 1, 0, 1, 0), 0);
    const int64_t quote = xlab_account(x, x->first).quote;
    for (int64_t t = 31; t <= 241; t += 30) block_at(x, t);
    expect_tick(x, 1, 10099, 8415);
    cr_assert_eq(xlab_account(x, x->first).quote, quote - 1);
    xlab_recount(x);
    xlab_free(x);
}

/* 6 times (5 % - 3 %) is the most: a premium of 20 % is cut to 12 %, below the oracle, too; at most 10 % of a premium
 * is counted if so limited. */
Test(funding_clock, bounds_of_rate_and_premium)
{
    static const struct {
        int64_t mid, limit, rate;
    } cases[] = {{120 * USD, 60000000, 120000}, {80 * USD, 60000000, -120000},
                 {120 * USD, 100000, 100000},   {80 * USD, 100000, -100000},
                 {105 * USD, 100000, 49999},    {95 * USD, 100000, -49999}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct xlab *x = xlab_new();
        x->exchange.funding_tick = 60 * FL_SECOND;
        x->exchange.premium_limit_ppm = cases[i].limit;
        xlab_open(x, 1, 1, 1);
        lab_begin(&x->lab, x->now);
        xlab_report(x, 0, 100 * USD);
        xlab_tx(x, XLAB_MAKER, FL_TX_QUOTE, cases[i].mid, 0, FL_SIZE_ASKED_MAX, 0);
        lab_run(&x->lab);
        block_at(x, 61);
        const struct fl_record *r = xlab_record(x, FL_RECORD_FUNDING, 0);
        cr_assert_not_null(r);
        cr_assert_eq(r->v[2], cases[i].rate, "%zu: %ld", i, (long)r->v[2]);
        xlab_free(x);
    }
}
