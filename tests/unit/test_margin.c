/* models/ledger/margin.c: against the formulas of mechanisms 2.1 in unbounded integers, on accounts of
 * every size up to the limits of the exchange; roundings, edges and refusals by hand. The protocol's own
 * cases are in tests/vectors. */
#include "models/ledger/margin.h"
#include "sim/num.h"
#include "tests/lib/exact.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define SEED UINT64_C(0xd1d4)
#define GREATEST INT64_C(1000000000000000) /* size, 10^9 units; price, 10^9 USD; and of an index */
#define USUAL_MOST INT64_C(10000000000)    /* of the same, so that a quote can balance it */
#define QUOTE_MOST INT64_C(1000000000000000000) /* 10^12 USD */
enum { DRAWS = 20000, MARKETS = 6, MILLION = 1000000 };

/* --- the twin ------------------------------------------------------------------------------------ */

static fl_i128 absolute(fl_i128 a)
{
    return a < 0 ? -a : a;
}

static fl_i128 ten(int32_t power)
{
    fl_i128 product = 1;
    for (; power > 0; power--) product *= 10;
    return product;
}

static fl_i128 twin_notional(fl_i128 size, fl_i128 price, int32_t exponent)
{
    return fl_exact(FL_EXACT_TRUNC, size, price, ten(exponent), ten(-exponent));
}

static fl_i128 twin_maintenance(const struct fl_margin_terms *t, fl_i128 notional)
{
    const fl_i128 base = fl_exact(FL_EXACT_CEIL, absolute(notional), t->initial_ppm, 1, MILLION);
    return fl_exact(FL_EXACT_CEIL, base, t->maintenance_fraction_ppm, 1, MILLION);
}

static fl_i128 twin_initial(const struct fl_margin_terms *t, fl_i128 notional, fl_i128 open)
{
    fl_i128 ppm = t->initial_ppm;
    if (t->oi_upper > 0 && open >= t->oi_upper) {
        ppm = ppm > MILLION ? ppm : MILLION;
    } else if (t->oi_upper > 0 && open > t->oi_lower && ppm < MILLION) {
        ppm += fl_exact(FL_EXACT_FLOOR, MILLION - ppm, open - t->oi_lower, 1,
                        t->oi_upper - t->oi_lower);
    }
    return fl_exact(FL_EXACT_CEIL, absolute(notional), ppm, 1, MILLION);
}

static struct fl_risk twin_risk(const struct fl_margin_account *account,
                                const struct fl_margin_market *markets)
{
    fl_i128 ppm = 0;
    struct fl_risk risk = {.collateral = account->quote};
    for (uint32_t i = 0; i < account->count; i++) {
        const struct fl_position *const p = &account->at[i];
        const struct fl_margin_market *const m = &markets[p->market];
        const int32_t exponent = m->terms.exponent;
        const fl_i128 notional = twin_notional(p->size, m->price, exponent);
        const fl_i128 open = twin_notional(m->open_interest, m->price, exponent);
        ppm -= (fl_i128)(m->funding - p->funding) * p->size;
        risk.collateral += notional;
        risk.initial += twin_initial(&m->terms, notional, open);
        risk.maintenance += twin_maintenance(&m->terms, notional);
    }
    risk.collateral += fl_exact(FL_EXACT_FLOOR, ppm, 1, 1, MILLION);
    return risk;
}

static fl_i128 twin_bankruptcy(const struct fl_margin_account *account,
                               const struct fl_margin_market *markets, uint32_t market,
                               int64_t delta)
{
    const struct fl_margin_market *const m = &markets[market];
    const int64_t size = fl_account_size(account, market);
    const fl_i128 before = twin_notional(size, m->price, m->terms.exponent);
    const fl_i128 after = twin_notional(size + delta, m->price, m->terms.exponent);
    const fl_i128 freed =
        absolute(twin_maintenance(&m->terms, before) - twin_maintenance(&m->terms, after));
    const struct fl_risk all = twin_risk(account, markets);
    const fl_i128 share = all.maintenance == 0
                              ? 0
                              : fl_exact(FL_EXACT_FLOOR, all.collateral, freed, 1, all.maintenance);
    return -(after - before) - share;
}

static void set_ratio(mpq_t to, fl_i128 over, fl_i128 under)
{
    fl_exact_set(mpq_numref(to), over);
    fl_exact_set(mpq_denref(to), under);
    mpq_canonicalize(to);
}

static void twin_fillable(mpq_t price, const struct fl_margin_account *account,
                          const struct fl_margin_market *markets, uint32_t market,
                          const struct fl_liquidation_terms *terms)
{
    const struct fl_margin_market *const m = &markets[market];
    const int64_t size = fl_account_size(account, market);
    const fl_i128 notional = twin_notional(size, m->price, m->terms.exponent);
    const struct fl_risk all = twin_risk(account, markets);
    mpq_t rating, factor;
    mpq_inits(rating, factor, NULL);
    set_ratio(rating, all.maintenance - all.collateral, all.maintenance);
    set_ratio(factor, terms->bankruptcy_adjustment_ppm, MILLION);
    mpq_mul(rating, rating, factor);
    if (mpq_sgn(rating) < 0) mpq_set_ui(rating, 0, 1);
    if (mpq_cmp_ui(rating, 1, 1) > 0) mpq_set_ui(rating, 1, 1);
    set_ratio(factor, terms->spread_to_maintenance_ppm, MILLION);
    mpq_mul(rating, rating, factor);
    set_ratio(factor, twin_maintenance(&m->terms, notional), 1);
    mpq_mul(rating, rating, factor);
    set_ratio(price, notional, 1);
    mpq_sub(price, price, rating);
    set_ratio(factor, size, 1);
    mpq_div(price, price, factor);
    mpq_clears(rating, factor, NULL);
}

static void set_fraction(mpq_t to, const struct fl_fraction *from)
{
    fl_exact_set_wide(mpq_numref(to), &from->numerator);
    fl_exact_set_wide(mpq_denref(to), &from->denominator);
    if (from->negative) mpz_neg(mpq_numref(to), mpq_numref(to));
    mpq_canonicalize(to);
}

/* --- drawn accounts ------------------------------------------------------------------------------ */

static struct fl_margin_market drawn_market(uint64_t *state, int64_t most)
{
    static const int32_t exponents[] = {-6, -6, -6, -6, -9, -15, -1, 0, 3};
    const uint64_t kinds = sizeof exponents / sizeof *exponents;
    const int64_t lower = fl_exact_random_up_to(state, QUOTE_MOST);
    return (struct fl_margin_market){
        .terms = {.initial_ppm = fl_exact_random_up_to(state, MILLION),
                  .maintenance_fraction_ppm = fl_exact_random_up_to(state, MILLION),
                  .oi_lower = lower,
                  .oi_upper = fl_exact_random(state) % 2 == 0
                                  ? 0
                                  : lower + fl_exact_random_up_to(state, QUOTE_MOST),
                  .exponent = exponents[fl_exact_random(state) % kinds]},
        .price = fl_exact_random_up_to(state, most),
        .open_interest = fl_exact_random_up_to(state, most),
        .funding = fl_exact_random_signed(state, most),
    };
}

static struct fl_margin_account drawn_account(uint64_t *state, int64_t most)
{
    struct fl_margin_account account = {.quote = fl_exact_random_signed(state, QUOTE_MOST)};
    for (uint32_t market = 0; market < MARKETS; market++) {
        const int64_t size = fl_exact_random_signed(state, most);
        if (size == 0 || fl_exact_random(state) % 3 == 0) continue;
        account.at[account.count++] = (struct fl_position){
            .market = market, .size = size, .funding = fl_exact_random_signed(state, most)};
    }
    return account;
}

struct draw {
    struct fl_margin_market markets[MARKETS];
    struct fl_margin_account account;
};

/* Collateral about the maintenance margin, where the formulas bend, if the quote can make it so. */
static void bring_near(struct draw *d, uint64_t *state)
{
    const struct fl_risk risk = twin_risk(&d->account, d->markets);
    const int64_t share = (int64_t)(fl_exact_random(state) % (3 * MILLION)) - MILLION;
    const fl_i128 wanted = fl_exact(FL_EXACT_FLOOR, risk.maintenance, share, 1, MILLION);
    const fl_i128 quote = d->account.quote + wanted - risk.collateral;
    if (absolute(quote) <= QUOTE_MOST) d->account.quote = (int64_t)quote;
}

static struct draw drawn(uint64_t *state)
{
    const int64_t most = fl_exact_random(state) % 2 == 0 ? GREATEST : USUAL_MOST;
    struct draw d;
    for (int i = 0; i < MARKETS; i++) d.markets[i] = drawn_market(state, most);
    d.account = drawn_account(state, most);
    if (most == USUAL_MOST) bring_near(&d, state);
    return d;
}

Test(margin, risk_equals_the_twin)
{
    uint64_t state = SEED;
    fprintf(stderr, "margin: seed %#llx\n", (unsigned long long)SEED);
    for (int i = 0; i < DRAWS; i++) {
        const struct draw d = drawn(&state);
        const struct fl_risk found = fl_account_risk(&d.account, d.markets);
        const struct fl_risk expected = twin_risk(&d.account, d.markets);
        cr_assert(found.collateral == expected.collateral);
        cr_assert(found.initial == expected.initial);
        cr_assert(found.maintenance == expected.maintenance);
        cr_assert_eq(fl_liquidatable(&found),
                     found.maintenance != 0 && found.collateral < found.maintenance);
    }
}

/* What settles is what was due, and risk does not notice. */
Test(margin, settlement_leaves_risk_as_it_is)
{
    uint64_t state = SEED;
    for (int i = 0; i < DRAWS; i++) {
        struct draw d = drawn(&state);
        const struct fl_risk before = fl_account_risk(&d.account, d.markets);
        if (!fl_account_settle(&d.account, d.markets)) continue;
        const struct fl_risk after = fl_account_risk(&d.account, d.markets);
        cr_assert(fl_funding_due(&d.account, d.markets) == 0);
        cr_assert(memcmp(&before, &after, sizeof before) == 0);
    }
}

Test(margin, settlement_past_int64_is_refused)
{
    const struct fl_margin_market market = {.funding = -2 * MILLION};
    const struct fl_margin_account long_one = {
        .quote = INT64_MAX - 1, .count = 1, .at = {{.size = 1}}};
    struct fl_margin_account account = long_one;
    cr_assert_not(fl_account_settle(&account, &market));
    cr_assert_eq(memcmp(&account, &long_one, sizeof account), 0);
    account.quote--;
    cr_assert(fl_account_settle(&account, &market));
    cr_assert_eq(account.quote, INT64_MAX);
}

Test(margin, bankruptcy_price_equals_the_twin)
{
    uint64_t state = SEED;
    for (int i = 0; i < DRAWS; i++) {
        const struct draw d = drawn(&state);
        if (d.account.count == 0) continue;
        const struct fl_position *const p =
            &d.account.at[fl_exact_random(&state) % d.account.count];
        const int64_t part = 1 + fl_exact_random_up_to(&state, fl_abs(p->size) - 1);
        const int64_t delta = p->size > 0 ? -part : part;
        cr_assert(fl_can_close(&d.account, p->market, delta));
        cr_assert(fl_bankruptcy_quote(&d.account, d.markets, p->market, delta) ==
                  twin_bankruptcy(&d.account, d.markets, p->market, delta));
    }
}

/* ceil or floor of price * 10^scale / tick, times tick, within the grid. */
static fl_u128 twin_grid(const mpq_t price, bool up, int32_t scale, uint64_t tick, uint64_t highest)
{
    mpq_t ticks, factor;
    mpz_t whole, most;
    mpq_inits(ticks, factor, NULL);
    mpz_inits(whole, most, NULL);
    set_ratio(factor, ten(scale), ten(-scale) * tick);
    mpq_mul(ticks, price, factor);
    if (up)
        mpz_cdiv_q(whole, mpq_numref(ticks), mpq_denref(ticks));
    else
        mpz_fdiv_q(whole, mpq_numref(ticks), mpq_denref(ticks));
    fl_exact_set(most, highest / tick);
    if (mpz_cmp_ui(whole, 1) < 0) mpz_set_ui(whole, 1);
    if (mpz_cmp(whole, most) > 0) mpz_set(whole, most);
    const fl_u128 found = (fl_u128)fl_exact_get(whole) * tick;
    mpq_clears(ticks, factor, NULL);
    mpz_clears(whole, most, NULL);
    return found;
}

Test(margin, fillable_price_equals_the_twin)
{
    uint64_t state = SEED;
    mpq_t expected, found;
    mpq_inits(expected, found, NULL);
    int compared = 0, inside = 0;
    for (int i = 0; i < DRAWS; i++) {
        const struct draw d = drawn(&state);
        if (d.account.count == 0 || twin_risk(&d.account, d.markets).maintenance == 0) continue;
        const struct fl_position *const p =
            &d.account.at[fl_exact_random(&state) % d.account.count];
        const struct fl_liquidation_terms terms = {
            .bankruptcy_adjustment_ppm = fl_exact_random_up_to(&state, 10 * MILLION),
            .spread_to_maintenance_ppm = fl_exact_random_up_to(&state, 10 * MILLION)};
        const struct fl_fraction price =
            fl_fillable_price(&d.account, d.markets, p->market, &terms);
        twin_fillable(expected, &d.account, d.markets, p->market, &terms);
        set_fraction(found, &price);
        cr_assert(mpq_equal(expected, found));

        const int32_t scale = (int32_t)(fl_exact_random(&state) % 13) - 3;
        const uint64_t tick = 1 + (uint64_t)fl_exact_random_up_to(&state, MILLION);
        const uint64_t highest = tick + fl_exact_random(&state) / 2;
        const bool up = p->size > 0;
        cr_assert(fl_fillable_on_grid(price, up, scale, tick, highest) ==
                  twin_grid(expected, up, scale, tick, highest));
        const struct fl_risk risk = fl_account_risk(&d.account, d.markets);
        compared++;
        inside += risk.collateral < risk.maintenance && risk.collateral > 0;
    }
    mpq_clears(expected, found, NULL);
    fprintf(stderr, "fillable price: %d compared, %d between 0 and MMR\n", compared, inside);
    cr_assert_gt(compared, DRAWS / 4);
    cr_assert_gt(inside, DRAWS / 20);
}

/* --- roundings, by hand -------------------------------------------------------------------------- */

Test(margin, notional_goes_toward_zero)
{
    /* 2.385001 units at 17.000003 USD = 40.545024155003 USD. */
    cr_assert(fl_notional(2385001, 17000003, -6) == 40545024);
    cr_assert(fl_notional(-2385001, 17000003, -6) == -40545024);
    cr_assert(fl_notional(-2385001, 17000003, -7) == -4054502);
    cr_assert(fl_notional(-7, 3, 2) == -2100);
    cr_assert(fl_notional(-1, 999999, -6) == 0);
    cr_assert(fl_notional(INT64_MIN, INT64_MAX, -6) == twin_notional(INT64_MIN, INT64_MAX, -6));
}

Test(margin, maintenance_margin_is_two_ceils)
{
    /* 5 % of 1001 = 50.05: 51; 60 % of 51 = 30.6: 31, and not ceil(30.03) of one step, or 30. */
    const struct fl_margin_terms terms = {.initial_ppm = 50000, .maintenance_fraction_ppm = 600000};
    cr_assert(fl_maintenance_margin(&terms, -1001) == 31);
    cr_assert(fl_initial_margin(&terms, -1001, 0) == 51);
    /* 33.4 % of 3: 1.002: 2; 50 % of 2: 1. The two ceils of 5 %, 50 % of 1001: 51, 26; one: 26. */
    const struct fl_margin_terms odd = {.initial_ppm = 10000, .maintenance_fraction_ppm = 500000};
    cr_assert(fl_maintenance_margin(&odd, 201) == 2); /* 2.01: 3; 1.5: 2 */
    cr_assert(fl_maintenance_margin(&odd, 401) == 3); /* 4.01: 5; 2.5: 3; one ceil of 2.005: 3 */
    cr_assert(fl_maintenance_margin(&odd, 301) == 2); /* 3.01: 4; 2; one ceil of 1.505: 2 */
    /* Beyond 64 bits: 10^25 + 1 at 5 %. */
    const fl_i128 great = ten(25) + 1;
    cr_assert(fl_initial_margin(&terms, great, 0) == 5 * ten(23) + 1);
}

Test(margin, initial_margin_grows_with_open_interest)
{
    const struct fl_margin_terms terms = {
        .initial_ppm = 200000, .oi_lower = 1000, .oi_upper = 4000};
    cr_assert_eq(fl_initial_ppm(&terms, 999), 200000);
    cr_assert_eq(fl_initial_ppm(&terms, 1000), 200000);
    cr_assert_eq(fl_initial_ppm(&terms, 1001), 200266); /* 800000 / 3000 = 266.67 */
    cr_assert_eq(fl_initial_ppm(&terms, 3999), 999733); /* 800000 * 2999 / 3000 = 799733.33 */
    cr_assert_eq(fl_initial_ppm(&terms, 4000), MILLION);
    cr_assert_eq(fl_initial_ppm(&terms, 4001), MILLION);
    const struct fl_margin_terms off = {.initial_ppm = 200000};
    cr_assert_eq(fl_initial_ppm(&off, QUOTE_MOST), 200000);
}

/* One floor for the account: two dusts of -0.6 are -2 together (-1.2 rounded down), and 1.2 is 1. */
Test(margin, funding_is_floored_once)
{
    struct fl_margin_market markets[2] = {{.funding = 600000}, {.funding = 600000}};
    const struct fl_margin_account account = {
        .count = 2, .at = {{.market = 0, .size = 1}, {.market = 1, .size = 1}}};
    cr_assert(fl_funding_due(&account, markets) == -2);
    markets[0].funding = markets[1].funding = -600000;
    cr_assert(fl_funding_due(&account, markets) == 1);
    markets[0].funding = 600000;
    cr_assert(fl_funding_due(&account, markets) == 0);
    markets[1].funding = -599999;
    cr_assert(fl_funding_due(&account, markets) == -1);
    cr_assert(fl_funding_ppm(7, 10, -5) == -15);
}

Test(margin, bankruptcy_price_is_rounded_for_the_fund)
{
    /* Long 3 at 10 (10^-6 each way: exponent 0), IMF 100 %: N = M = 30. NC = -29 + 30 = 1, closing 1 of 3: 10 -
     * floor(1 * 10 / 30) = 10; NC = -1: 10 - floor(-1/3) = 11. */
    const struct fl_margin_market market = {
        .terms = {.initial_ppm = MILLION, .maintenance_fraction_ppm = MILLION}, .price = 10};
    struct fl_margin_account account = {.quote = -29, .count = 1, .at = {{.size = 3}}};
    cr_assert(fl_bankruptcy_quote(&account, &market, 0, -1) == 10);
    account.quote = -31;
    cr_assert(fl_bankruptcy_quote(&account, &market, 0, -1) == 11);
    account = (struct fl_margin_account){.quote = 31, .count = 1, .at = {{.size = -3}}};
    cr_assert(fl_bankruptcy_quote(&account, &market, 0, 1) == -10); /* -10 - floor(1/3) */
    account.quote = 29;
    cr_assert(fl_bankruptcy_quote(&account, &market, 0, 1) == -9); /* -10 - floor(-1/3) */
}

Test(margin, without_maintenance_margin_the_bankruptcy_price_is_the_oracle_s)
{
    const struct fl_margin_market market = {.price = 10};
    const struct fl_margin_account account = {.quote = -1000, .count = 1, .at = {{.size = 3}}};
    cr_assert(fl_bankruptcy_quote(&account, &market, 0, -2) == 20);
}

Test(margin, closing_what_is_not_there_panics, .signal = SIGABRT)
{
    const struct fl_margin_market market = {.price = 10};
    const struct fl_margin_account account = {.count = 1, .at = {{.size = 3}}};
    fl_bankruptcy_quote(&account, &market, 0, -4);
}

Test(margin, what_closes)
{
    struct fl_margin_account account = {.count = 1, .at = {{.market = 1, .size = 3}}};
    const struct {
        int64_t size, delta;
        bool closes;
    } cases[] = {{3, -1, true},  {3, -3, true},   {3, -4, false},        {3, 0, false},
                 {3, 1, false},  {-3, 1, true},   {-3, 3, true},         {-3, 4, false},
                 {-3, 0, false}, {-3, -1, false}, {3, INT64_MIN, false}, {-3, INT64_MAX, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        account.at[0].size = cases[i].size;
        cr_assert_eq(fl_can_close(&account, 1, cases[i].delta), cases[i].closes);
    }
    cr_assert_not(fl_can_close(&account, 0, -1));
    cr_assert_not(fl_can_close(&account, 2, -1));
}

/* NC = MMR - 1 and NC = MMR: the adjusted price leaves the oracle's one unit below maintenance. */
Test(margin, fillable_price_begins_to_move_at_maintenance)
{
    const struct fl_margin_market market = {
        .terms = {.initial_ppm = MILLION, .maintenance_fraction_ppm = MILLION}, .price = 10};
    const struct fl_liquidation_terms terms = {.bankruptcy_adjustment_ppm = MILLION,
                                               .spread_to_maintenance_ppm = MILLION};
    struct fl_margin_account account = {.quote = 0, .count = 1, .at = {{.size = 3}}};
    cr_assert(
        fl_fraction_equal(fl_fillable_price(&account, &market, 0, &terms), fl_fraction(10, 1)));
    account.quote = -1; /* rating 1/30, spread 30 * 1/30 = 1: (30 - 1) / 3 */
    cr_assert(
        fl_fraction_equal(fl_fillable_price(&account, &market, 0, &terms), fl_fraction(29, 3)));
    account.quote = -1000; /* rating 1 */
    cr_assert(
        fl_fraction_equal(fl_fillable_price(&account, &market, 0, &terms), fl_fraction(0, -7)));
    account = (struct fl_margin_account){.quote = 59, .count = 1, .at = {{.size = -3}}};
    cr_assert(
        fl_fraction_equal(fl_fillable_price(&account, &market, 0, &terms), fl_fraction(-31, -3)));
}

Test(margin, fractions_are_equal_whatever_their_terms)
{
    cr_assert(fl_fraction_equal(fl_fraction(-2385, 17), fl_fraction(4770, -34)));
    cr_assert_not(fl_fraction_equal(fl_fraction(2385, 17), fl_fraction(-2385, 17)));
    cr_assert_not(fl_fraction_equal(fl_fraction(2385, 17), fl_fraction(2386, 17)));
    cr_assert(fl_fraction_equal(fl_fraction(0, -17), fl_fraction(0, 1)));
}

Test(margin, grid_rounds_against_the_liquidated)
{
    const struct fl_fraction price = fl_fraction(2385, 17); /* 140.29 */
    cr_assert(fl_fillable_on_grid(price, true, 0, 5, UINT64_MAX) == 145);
    cr_assert(fl_fillable_on_grid(price, false, 0, 5, UINT64_MAX) == 140);
    cr_assert(fl_fillable_on_grid(price, true, 2, 1, UINT64_MAX) == 14030);
    cr_assert(fl_fillable_on_grid(price, false, 2, 1, UINT64_MAX) == 14029);
    cr_assert(fl_fillable_on_grid(price, false, -1, 1, UINT64_MAX) == 14);
    cr_assert(fl_fillable_on_grid(fl_fraction(140, 1), true, 0, 5, UINT64_MAX) == 140);
    cr_assert(fl_fillable_on_grid(fl_fraction(-140, 1), true, 0, 5, UINT64_MAX) == 5);
    cr_assert(fl_fillable_on_grid(price, true, 0, 5, 144) == 140);
    cr_assert(fl_fillable_on_grid(price, true, 0, 5, 5) == 5);
}

/* --- decisions ----------------------------------------------------------------------------------- */

Test(margin, liquidatable_strictly)
{
    const struct {
        fl_i128 collateral, maintenance;
        bool expected;
    } cases[] = {{10, 10, false}, {9, 10, true}, {-1, 0, false}, {0, 1, true}, {-5, 1, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fl_risk risk = {.collateral = cases[i].collateral,
                                     .maintenance = cases[i].maintenance};
        cr_assert_eq(fl_liquidatable(&risk), cases[i].expected);
    }
}

Test(margin, transitions)
{
    const struct {
        struct fl_risk before, after;
        enum fl_transition expected;
    } cases[] = {
        {{100, 90, 50}, {100, 100, 60}, FL_TRANSITION_OK}, /* NC = IMR */
        {{100, 90, 50}, {99, 100, 60}, FL_TRANSITION_NEWLY_UNDER},
        {{90, 90, 50}, {90, 100, 51}, FL_TRANSITION_NEWLY_UNDER}, /* NC = IMR before */
        {{89, 90, 50}, {89, 100, 51}, FL_TRANSITION_STILL_UNDER},
        {{60, 90, 50}, {30, 45, 25}, FL_TRANSITION_OK}, /* 60/50 = 30/25 */
        {{60, 90, 50}, {29, 45, 25}, FL_TRANSITION_STILL_UNDER},
        {{60, 90, 50}, {31, 45, 25}, FL_TRANSITION_OK},
        {{-60, 90, 50}, {-30, 45, 25}, FL_TRANSITION_OK},
        {{-60, 90, 50}, {-31, 45, 25}, FL_TRANSITION_STILL_UNDER},
        {{-60, 90, 50}, {-60, 90, 50}, FL_TRANSITION_OK},        /* nothing moved */
        {{60, 90, 50}, {80, 91, 51}, FL_TRANSITION_STILL_UNDER}, /* MMR grows */
        {{-2, 0, 0}, {-1, 0, 0}, FL_TRANSITION_OK},
        {{-1, 0, 0}, {-1, 0, 0}, FL_TRANSITION_STILL_UNDER},
        {{-9, 1, 1}, {-1, 0, 0}, FL_TRANSITION_STILL_UNDER},
        {{-9, 1, 1}, {0, 0, 0}, FL_TRANSITION_OK}, /* collateralised */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(fl_transition(&cases[i].before, &cases[i].after), cases[i].expected,
                     "case %zu", i);
}

Test(margin, insurance)
{
    cr_assert(fl_insurance_delta(100, 130, 5000) == -30); /* the fund pays */
    cr_assert(fl_insurance_delta(130, 130, 5000) == 0);
    cr_assert(fl_insurance_delta(1999, 1900, 5000) == 9); /* 9.995 */
    cr_assert(fl_insurance_delta(-1999, -2100, 5000) == 9);
    cr_assert(fl_insurance_delta(1999, 1991, 5000) == 8);
    cr_assert(fl_insurance_bears(10, -10));
    cr_assert_not(fl_insurance_bears(10, -11));
    cr_assert(fl_insurance_bears(0, 0));
    cr_assert(fl_insurance_lost(-7) == 7);
    cr_assert(fl_insurance_lost(7) == 0);
}

Test(margin, limits_of_a_block)
{
    const struct fl_liquidation_terms terms = {.min_notional = 100,
                                               .portion_ppm = 333333,
                                               .account_notional = 1000,
                                               .account_insurance = 50};
    struct fl_notional_limits position = fl_position_limits(&terms, -2385);
    cr_assert(position.least == 100 && position.greatest == 794); /* 794.999 */
    position = fl_position_limits(&terms, 150);                   /* 49.99 */
    cr_assert(position.least == 100 && position.greatest == 100);
    position = fl_position_limits(&terms, -99);
    cr_assert(position.least == 99 && position.greatest == 99);

    const struct fl_account_limits account = fl_account_limits(&terms, 1000, 49);
    cr_assert(account.notional == 0 && account.insurance == 1);
    cr_assert(fl_block_notional_left(&terms, 1001) == -1);
    cr_assert(fl_block_insurance_left(&terms, 51) == -1);
    const uint32_t before[] = {4, 2};
    cr_assert(fl_liquidated_in(before, 2, 2));
    cr_assert_not(fl_liquidated_in(before, 1, 2));
}

Test(margin, more_than_a_block_allows_panics, .signal = SIGABRT)
{
    const struct fl_liquidation_terms terms = {.account_notional = 1000, .account_insurance = 50};
    fl_account_limits(&terms, 1000, 51);
}

Test(margin, deleveraging_when)
{
    cr_assert_eq(fl_can_deleverage(-1, false), FL_DELEVERAGE_AT_BANKRUPTCY);
    cr_assert_eq(fl_can_deleverage(-1, true), FL_DELEVERAGE_AT_BANKRUPTCY);
    cr_assert_eq(fl_can_deleverage(0, true), FL_DELEVERAGE_AT_ORACLE);
    cr_assert_eq(fl_can_deleverage(0, false), FL_DELEVERAGE_NONE);
}

/* --- accounts ------------------------------------------------------------------------------------ */

Test(margin, fills_keep_positions_in_order)
{
    uint64_t state = SEED;
    struct fl_margin_market markets[FL_MARKETS_MAX + 1] = {{.funding = 0}};
    for (int i = 0; i <= FL_MARKETS_MAX; i++) markets[i].funding = i;
    struct fl_margin_account account = {0};
    int64_t size[FL_MARKETS_MAX] = {0}, quote = 0;
    for (int i = 0; i < DRAWS; i++) {
        const uint32_t market = (uint32_t)(fl_exact_random(&state) % FL_MARKETS_MAX);
        const int64_t fill = (int64_t)(fl_exact_random(&state) % 5) - 2;
        cr_assert(fl_account_fill(&account, markets, market, fill, -3 * fill));
        size[market] += fill;
        quote -= 3 * fill;
        uint32_t held = 0;
        for (uint32_t m = 0; m < FL_MARKETS_MAX; m++) {
            cr_assert_eq(fl_account_size(&account, m), size[m]);
            held += size[m] != 0;
        }
        cr_assert_eq(account.count, held);
        cr_assert_eq(account.quote, quote);
        cr_assert(fl_account_valid(&account, FL_MARKETS_MAX));
        for (uint32_t k = 0; k < FL_MARKETS_MAX; k++)
            cr_assert_eq(account.at[k].funding, k < held ? account.at[k].market : 0);
    }
}

static void check_refused(const struct fl_margin_account *account,
                          const struct fl_margin_market *markets, uint32_t market, int64_t size,
                          fl_i128 quote)
{
    struct fl_margin_account tried = *account;
    cr_expect_not(fl_account_fill(&tried, markets, market, size, quote));
    cr_expect_eq(memcmp(&tried, account, sizeof tried), 0);
}

Test(margin, fills_past_a_bound_are_refused)
{
    static const struct fl_margin_market markets[FL_MARKETS_MAX + 1];
    struct fl_margin_account account = {
        .quote = INT64_MAX - 1, .count = 1, .at = {{.market = 3, .size = INT64_MAX - 1}}};
    check_refused(&account, markets, 3, 1, 2);
    check_refused(&account, markets, 3, 2, 1);
    check_refused(&account, markets, 4, 1, ten(30));
    cr_assert(fl_account_fill(&account, markets, 3, 1, 1));
    account = (struct fl_margin_account){
        .quote = -INT64_MAX, .count = 1, .at = {{.market = 3, .size = -INT64_MAX}}};
    check_refused(&account, markets, 3, -1, 0); /* |INT64_MIN| is no int64 */
    check_refused(&account, markets, 3, 0, -1);
    account = (struct fl_margin_account){.count = FL_MARKETS_MAX};
    for (uint32_t i = 0; i < FL_MARKETS_MAX; i++)
        account.at[i] = (struct fl_position){.market = i + 1, .size = 1};
    check_refused(&account, markets, 0, 1, 0);
    cr_assert(fl_account_fill(&account, markets, 5, 1, 0));
}

Test(margin, a_fill_of_an_unsettled_position_panics, .signal = SIGABRT)
{
    const struct fl_margin_market market = {.funding = 1};
    struct fl_margin_account account = {.count = 1, .at = {{.size = 1}}};
    fl_account_fill(&account, &market, 0, 1, 0);
}

Test(margin, validity)
{
    struct fl_margin_account account = {
        .count = 2, .at = {{.market = 1, .size = 1}, {.market = 3, .size = -1}}};
    cr_assert(fl_account_valid(&account, 4));
    cr_assert_not(fl_account_valid(&account, 3));
    account.at[1].market = 1;
    cr_assert_not(fl_account_valid(&account, 4));
    account.at[1].market = 0;
    cr_assert_not(fl_account_valid(&account, 4));
    account.at[1] = (struct fl_position){.market = 3};
    cr_assert_not(fl_account_valid(&account, 4));
    account.count = FL_MARKETS_MAX + 1;
    cr_assert_not(fl_account_valid(&account, 4));
}

/* Whatever is moved, both accounts' money and sizes together stay as they were; what is refused leaves both. */
Test(margin, deleveraging_conserves)
{
    uint64_t state = SEED;
    int moved_at[2] = {0}, refused = 0;
    for (int i = 0; i < DRAWS; i++) {
        struct draw d = drawn(&state);
        struct fl_margin_account other = drawn_account(&state, GREATEST);
        for (int m = 0; m < MARKETS; m++) d.markets[m].terms.exponent = -6;
        if (!fl_account_settle(&d.account, d.markets) || !fl_account_settle(&other, d.markets))
            continue;
        if (d.account.count == 0) continue;
        const struct fl_margin_account before[] = {d.account, other};
        const uint32_t market = d.account.at[fl_exact_random(&state) % d.account.count].market;
        const int64_t delta = -fl_account_size(&d.account, market);
        const bool at_oracle = fl_exact_random(&state) % 2 == 0;
        fl_i128 quote = 0;
        const int64_t moved = fl_deleverage_against(
            &d.account, &other, d.markets, market, delta,
            at_oracle ? FL_DELEVERAGE_AT_ORACLE : FL_DELEVERAGE_AT_BANKRUPTCY, &quote);
        if (moved == 0) {
            cr_assert_eq(memcmp(&before[0], &d.account, sizeof other), 0);
            cr_assert_eq(memcmp(&before[1], &other, sizeof other), 0);
            refused++;
            continue;
        }
        const int64_t most = fl_abs(fl_account_size(&before[1], market));
        cr_assert_eq(fl_abs(moved), fl_min(fl_abs(delta), most));
        cr_assert(d.account.quote == before[0].quote + quote);
        cr_assert(other.quote == before[1].quote - quote);
        cr_assert_eq(fl_account_size(&d.account, market), moved - delta);
        cr_assert_eq(fl_account_size(&other, market), fl_account_size(&before[1], market) - moved);
        cr_assert(quote == (at_oracle ? -twin_notional(moved, d.markets[market].price, -6)
                                      : twin_bankruptcy(&before[0], d.markets, market, moved)));
        moved_at[at_oracle]++;
    }
    fprintf(stderr, "deleveraging: %d at bankruptcy, %d at the oracle's, %d refused\n", moved_at[0],
            moved_at[1], refused);
    cr_assert(moved_at[0] > 100 && moved_at[1] > 100 && refused > 100);
}
