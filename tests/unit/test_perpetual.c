/* The exchange's accounts, fills, margins and questions: values of dYdX's tests and examples worked out by
 * hand to the last unit. Money below is in 10^-6 USD, sizes in 10^-6 units. Liquidations are in
 * test_liquidation.c, funding and marks in test_marks.c. */
#include "tests/lib/exchange_lab.h"

enum { MAKER = XLAB_MAKER };
#define UNIT ((int64_t)1000000)

static struct xlab *open_plain(uint32_t markets, uint32_t makers, uint32_t traders)
{
    struct xlab *x = xlab_new();
    xlab_open(x, markets, makers, traders);
    return x;
}

static uint32_t trade(struct xlab *x, uint32_t account, int64_t size, int64_t limit)
{
    return xlab_do(x, account, FL_TX_TRADE, size, limit, 0, 0);
}

static bool listed(const struct xlab *x, uint32_t account)
{
    struct fl_liquidatable list;
    lab_ask(&x->lab, XLAB_EXCHANGE, FL_ASK_LIQUIDATABLE, 0, &list, sizeof list);
    for (uint32_t i = 0; i < list.count; i++)
        if (list.at[i].account == account) return true;
    return false;
}

/* --- fills -------------------------------------------------------------------------------------------- */

/* Mid 2000, half spread 385 ppm, depth 50 units per 1 % (10^4 ppm): impact 200 ppm for each unit of (taken before +
 * half of the fill); fee 5 bp. */
Test(perpetual, fills_by_hand)
{
    static const struct {
        int64_t size, price, quote, fee;
    } cases[] = {
        /* 6.25 * 200 + 385 = 1635 ppm: 2003.27; 12.5 of it 25040.875; fee 12.5204375 up */
        {12500000, 2003270000, -25040875000, 12520438},
        /* 12.5 were taken: (12.5 + 3.65) * 200 + 385 = 3615 ppm: 2007.23; fee 7.3263895 up */
        {7300000, 2007230000, -14652779000, 7326390},
        /* the other side is whole: 1.55 * 200 + 385 = 695 ppm below: 1998.61 */
        {-3100000, 1998610000, 6195691000, 3097846},
        /* (19.8 + 0.6172835) * 200 + 385 = 4468.4567 ppm: 2008.9369134 up to ...914;
         * 1.234567 * 2008.936914 = 2480.1672194... up; fee 1.24008361 up */
        {1234567, 2008936914, -2480167220, 1240084},
        /* (3.1 + 0.6172835) * 200 + 385 = 1128.4567 ppm: 1997.7430866 down to ...086;
         * 1.234567 * 1997.743086 = 2466.3476885... down; fee 1.233173844 up */
        {-1234567, 1997743086, 2466347688, 1233174},
    };
    struct xlab *x = xlab_new();
    x->exchange.trading_fee_ppm = 500;
    xlab_open(x, 1, 1, 1);
    const uint32_t who = x->first;
    xlab_price(x, 0, 2000 * USD);
    xlab_give(x, MAKER, 1000000 * USD);
    xlab_give(x, who, 50000 * USD);
    cr_assert_eq(xlab_do(x, MAKER, FL_TX_QUOTE, 2000 * USD, 385, 50 * UNIT, 0), 0);
    int64_t quote = 50000 * USD, size = 0, fees = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* one unit better than the fill is refused, and leaves no trace: the fill is as it was */
        const int64_t better = cases[i].price + (cases[i].size > 0 ? -1 : 1);
        cr_assert_eq(trade(x, who, cases[i].size, better), FL_REFUSED_LIMIT);
        cr_assert_eq(trade(x, who, cases[i].size, cases[i].price), 0, "%zu", i);
        quote += cases[i].quote - cases[i].fee;
        size += cases[i].size;
        fees += cases[i].fee;
        cr_assert_eq(xlab_account(x, who).quote, quote, "%zu", i);
        cr_assert_eq(xlab_size(x, who, 0), size);
        cr_assert_eq(xlab_account(x, MAKER).quote, 1050000 * USD - quote - fees);
        cr_assert_eq(xlab_size(x, MAKER, 0), -size);
        cr_assert_eq(xlab_totals(x).fees, fees);
        const struct fl_record *note = xlab_record(x, FL_RECORD_FILL, 0);
        cr_assert(note->v[0] == who && note->v[1] == MAKER && note->v[2] == cases[i].size &&
                  note->v[3] == cases[i].quote && note->v[4] == cases[i].fee && note->v[5] == 0);
        xlab_recount(x);
    }
    /* A new quote forgets what was taken: the first fill again. */
    cr_assert_eq(xlab_do(x, MAKER, FL_TX_QUOTE, 2000 * USD, 385, 50 * UNIT, 0), 0);
    cr_assert_eq(trade(x, who, 12500000, 2003269999), FL_REFUSED_LIMIT);
    cr_assert_eq(trade(x, who, 12500000, 2003270000), 0);

    /* The offer ends 50 % away: 50 depths of 0.05 are 2.5 units, 25 % away on average. */
    cr_assert_eq(xlab_do(x, MAKER, FL_TX_QUOTE, 2000 * USD, 0, 50000, 0), 0);
    cr_assert_eq(trade(x, who, -2500001, 0), FL_REFUSED_LIMIT);
    cr_assert_eq(trade(x, who, -2500000, 1500 * USD), 0);
    cr_assert_eq(trade(x, who, -1, 0), FL_REFUSED_NO_QUOTE);

    /* The quote's age: 60 s are good, one nanosecond more is not. */
    x->now += 60 * FL_SECOND;
    cr_assert_eq(trade(x, who, 1, 0), 0);
    x->now += 1;
    cr_assert_eq(trade(x, who, 1, 0), FL_REFUSED_NO_QUOTE);
    xlab_recount(x);
    xlab_free(x);
}

/* Two makers 10^-2 USD apart, a lot of 0.001 moves either by 10 ppm: the order takes ten lots of the first, for 50 ppm
 * on average, then one more, whose next costs 100.0105, then the second's first, 100.01050005. */
Test(perpetual, an_order_over_two_makers)
{
    struct xlab *x = xlab_new();
    x->exchange.trading_fee_ppm = 500;
    x->market[0].lot = 1000;
    xlab_open(x, 1, 2, 1);
    const uint32_t who = x->first;
    static const struct {
        int64_t size, quote, fee;
        uint32_t maker;
    } fills[] = {{10000, -1000050, 501, MAKER + 1}, /* 0.01 * 100.005; fee 500.025 up */
                 {1000, -100011, 51, MAKER + 1},    /* 0.1000105 up; fee 50.0055 up */
                 {1000, -100011, 51, MAKER}};       /* 0.100010501 up */
    xlab_price(x, 0, 100 * USD);
    xlab_give(x, who, 10 * USD);
    xlab_give(x, MAKER, 100 * USD);
    xlab_give(x, MAKER + 1, 100 * USD);
    cr_assert_eq(xlab_do(x, MAKER, FL_TX_QUOTE, 100010000, 0, 1000000, 0), 0);
    cr_assert_eq(xlab_do(x, MAKER + 1, FL_TX_QUOTE, 100000000, 0, 1000000, 0), 0);
    cr_assert_eq(xlab_terms(x, 0).ask, 100000500);
    cr_assert_eq(xlab_terms(x, 0).bid, 100009499);
    cr_assert_eq(trade(x, who, 12500, 0), FL_REFUSED_ARGUMENT, "not in whole lots");
    cr_assert_eq(trade(x, who, 12000, 100010500), FL_REFUSED_LIMIT);
    cr_assert_eq(trade(x, who, 12000, 100010501), 0);
    int64_t quote = 10 * USD;
    for (uint32_t i = 0; i < 3; i++) {
        const struct fl_record *note = xlab_record(x, FL_RECORD_FILL, i);
        cr_assert(note->v[1] == fills[i].maker && note->v[2] == fills[i].size &&
                      note->v[3] == fills[i].quote && note->v[4] == fills[i].fee,
                  "%u", i);
        quote += fills[i].quote - fills[i].fee;
    }
    cr_assert_null(xlab_record(x, FL_RECORD_FILL, 3));
    cr_assert_eq(xlab_account(x, who).quote, quote);
    cr_assert_eq(xlab_size(x, MAKER, 0), -1000);
    cr_assert_eq(xlab_size(x, MAKER + 1, 0), -11000);
    /* entry: what opening cost, without fees; its share goes as it shrinks: 1.200072 * 9 / 12 */
    cr_assert_eq(xlab_positions(x, who).at[0].entry, 1200072);
    cr_assert_eq(xlab_do(x, MAKER, FL_TX_QUOTE, 100 * USD, 0, FL_SIZE_ASKED_MAX, 0), 0);
    cr_assert_eq(trade(x, who, -3000, 0), 0);
    cr_assert_eq(xlab_positions(x, who).at[0].entry, 900054);
    /* sold 14 at 99.999999 (1.399999986 down): the 5 that are short are worth 5 / 14 of it */
    cr_assert_eq(trade(x, who, -14000, 0), 0);
    cr_assert_eq(xlab_positions(x, who).at[0].size, -5000);
    cr_assert_eq(xlab_positions(x, who).at[0].entry, 499999);
    xlab_recount(x);
    xlab_free(x);
}

/* On a tick of 0.25 USD: bought at 100.25, sold at 99.75, as 100 +- a little is put on it against the taker. */
Test(perpetual, prices_are_put_on_the_tick)
{
    struct xlab *x = xlab_new();
    x->market[0].tick = 250000;
    xlab_open(x, 1, 1, 1);
    xlab_price(x, 0, 100 * USD);
    xlab_give(x, x->first, 10 * USD);
    xlab_give(x, MAKER, 100 * USD);
    xlab_quote(x, 0, 100 * USD);
    cr_assert_eq(trade(x, x->first, UNIT / 10, 100249999), FL_REFUSED_LIMIT);
    cr_assert_eq(trade(x, x->first, UNIT / 10, 100250000), 0);
    cr_assert_eq(xlab_account(x, x->first).quote, 10 * USD - 10025000);
    cr_assert_eq(trade(x, x->first, -UNIT / 10, 0), 0);
    cr_assert_eq(xlab_account(x, x->first).quote, 10 * USD - 10025000 + 9975000);
    xlab_free(x);
}

/* The first maker has the better price and 4.9 USD: one unit at 100 needs 5. The second sells it, at 101; an
 * order of which the first can back the beginning is filled by both. */
Test(perpetual, a_maker_that_cannot_back_its_quote_is_passed_over)
{
    struct xlab *x = open_plain(1, 2, 1);
    xlab_price(x, 0, 100 * USD);
    xlab_give(x, x->first, 1000 * USD);
    xlab_give(x, MAKER, 4900000);
    cr_assert_eq(xlab_do(x, MAKER, FL_TX_QUOTE, 100 * USD, 0, FL_SIZE_ASKED_MAX, 0), 0);
    cr_assert_eq(trade(x, x->first, UNIT, 0), FL_REFUSED_NO_QUOTE);
    xlab_give(x, MAKER + 1, 1000 * USD);
    cr_assert_eq(xlab_do(x, MAKER + 1, FL_TX_QUOTE, 101 * USD, 0, FL_SIZE_ASKED_MAX, 0), 0);
    cr_assert_eq(trade(x, x->first, UNIT, 101 * USD), FL_REFUSED_NO_QUOTE);
    cr_assert_eq(trade(x, x->first, UNIT, 101 * USD + 1), 0);
    cr_assert_eq(xlab_size(x, MAKER, 0), 0);
    cr_assert_eq(xlab_size(x, MAKER + 1, 0), -UNIT);
    cr_assert_eq(trade(x, x->first, UNIT * 97 / 100, 0), 0);
    cr_assert_eq(xlab_size(x, MAKER, 0), -UNIT * 97 / 100);
    cr_assert_eq(xlab_do(x, MAKER, FL_TX_TRADE, 1, 0, 0, 0), FL_REFUSED_SENDER, "with itself");
    cr_assert_eq(xlab_do(x, MAKER + 1, FL_TX_TRADE, UNIT, 0, 0, 0), FL_REFUSED_SENDER,
                 "too much for the other, and next is itself");
    cr_assert_eq(xlab_do(x, MAKER + 1, FL_TX_TRADE, UNIT / 100, 0, 0, 0), 0, "with the other");
    xlab_recount(x);
    xlab_free(x);
}

/* --- margin ------------------------------------------------------------------------------------------- */

/* dYdX v4-chain 84d4664b, liquidations_test.go, TestIsLiquidatable: 0.1 BTC at 50,000, maintenance 10 % (20 % * 50 %):
 * not liquidatable with a quote balance of -4500 USDC, which is exactly the requirement; liquidatable with
 * -4501; and one unit below the requirement. */
Test(perpetual, liquidatable_as_on_dydx)
{
    static const struct {
        int64_t quote;
        bool expected;
    } cases[] = {
        {-4500000000, false}, {-4501000000, true}, {-4500000001, true}, {-4499999999, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int64_t side = -1; side <= 1; side += 2) {
            struct xlab *x = xlab_new();
            x->market[0].initial_ppm = 200000;
            x->market[0].maintenance_fraction_ppm = 500000;
            xlab_open(x, 1, 1, 2);
            const uint32_t who = x->first;
            xlab_give(x, MAKER, 100000 * USD);
            /* Bought at 50000.000001: -ceil(0.1 * that) = -5000.000001. Withdrawn while the oracle favours it.
             * Short: sold at 49999.999999, +floor = 4999.999999; mirrored about N. */
            xlab_give(x, who, 6000 * USD);
            xlab_price(x, 0, 50000 * USD);
            xlab_quote(x, 0, 50000 * USD);
            cr_assert_eq(trade(x, who, side * 100000, 0), 0);
            xlab_price(x, 0, 50000 * USD + side * 10000 * USD);
            const int64_t wanted = side > 0 ? cases[i].quote : 10000000000 + cases[i].quote;
            const int64_t surplus = xlab_account(x, who).quote - wanted;
            cr_assert_eq(xlab_do(x, who, FL_TX_WITHDRAW, surplus, 0, 0, 0), 0);
            xlab_price(x, 0, 50000 * USD);
            cr_assert_eq(xlab_account(x, who).quote, wanted);
            cr_assert_eq(xlab_account(x, who).maintenance, 500 * USD);
            cr_assert_eq(listed(x, who), cases[i].expected, "%zu", i);
            xlab_quote(x, 0, 50000 * USD);
            cr_assert_eq(xlab_do(x, who + 1, FL_TX_LIQUIDATE, who, 0, 0, 0),
                         cases[i].expected ? 0 : FL_REFUSED_HEALTHY, "%zu", i);
            cr_assert_eq(xlab_size(x, who, 0), cases[i].expected ? 0 : side * 100000);
            cr_assert_not(listed(x, who));
            xlab_recount(x);
            xlab_free(x);
        }
    }
}

/* Size 1.000001 at 100.5 is N = 100.5001005 -> 100.5001 (toward 0), 5 % of it 5.025005, 60 % of that 3.015003 exactly; at
 * 100.533333: N = 100.533433533 -> 100.533433; 5.02667165 up to ...672, 3.0160032 up to 3.016004: two
 * ceils, where one of 3 % would be 3.016003. A quote of MMR - N is just enough, one unit less is not. */
Test(perpetual, requirements_round_up_twice_and_notionals_toward_zero)
{
    static const struct {
        int64_t price, value, mmr;
    } cases[] = {{100500000, 100500100, 3015003}, {100533333, 100533433, 3016004}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int64_t side = -1; side <= 1; side += 2) {
            for (int64_t less = 0; less <= 1; less++) {
                struct xlab *x = open_plain(1, 1, 1);
                xlab_give(x, MAKER, 1000 * USD);
                xlab_price(x, 0, 100 * USD);
                xlab_quote(x, 0, 100 * USD);
                xlab_give(x, x->first, 100 * USD);
                cr_assert_eq(trade(x, x->first, side * 1000001, 0), 0);
                const int64_t wanted = cases[i].mmr - side * cases[i].value - less;
                const int64_t surplus = xlab_account(x, x->first).quote - wanted;
                xlab_price(x, 0, side > 0 ? 110 * USD : 90 * USD);
                cr_assert_eq(xlab_do(x, x->first, FL_TX_WITHDRAW, surplus, 0, 0, 0), 0);
                xlab_price(x, 0, cases[i].price);
                const struct fl_account a = xlab_account(x, x->first);
                cr_assert_eq(a.equity, cases[i].mmr - less);
                cr_assert_eq(a.maintenance, cases[i].mmr);
                cr_assert_eq(listed(x, x->first), less == 1, "%zu %d", i, (int)side);
                xlab_free(x);
            }
        }
    }
}

/* 10 long in market 0 and 10 short in market 1, at 100, with 110 USD for an initial margin of 100. Both markets at 92:
 * a loss of 80 and a gain of 80: 109.99998 against a maintenance margin of 27.6 + 27.6. In market 1 alone the
 * gain stays, in market 0 alone the account falls: 29.99998 against 57.6. */
Test(perpetual, a_gain_in_one_market_backs_a_loss_in_another)
{
    struct xlab *x = open_plain(2, 1, 1);
    const uint32_t who = x->first;
    for (uint32_t i = 0; i < 2; i++) {
        xlab_price(x, i, 100 * USD);
        xlab_quote(x, i, 100 * USD);
    }
    xlab_give(x, MAKER, 10000 * USD);
    xlab_give(x, who, 110 * USD);
    cr_assert_eq(xlab_do(x, who, FL_TX_TRADE, 10 * UNIT, 0, 0, 0), 0);
    cr_assert_eq(xlab_do(x, who, FL_TX_TRADE, -10 * UNIT, 0, 1, 0), 0);
    cr_assert_eq(xlab_account(x, who).initial, 100 * USD);
    xlab_price(x, 0, 92 * USD);
    cr_assert_eq(xlab_account(x, who).equity, 29999980);
    cr_assert_eq(xlab_account(x, who).maintenance, 57600000);
    cr_assert(listed(x, who));
    xlab_price(x, 1, 92 * USD);
    cr_assert_eq(xlab_account(x, who).equity, 109999980);
    cr_assert_eq(xlab_account(x, who).maintenance, 55200000);
    cr_assert_not(listed(x, who));
    cr_assert_eq(xlab_do(x, who, FL_TX_WITHDRAW, 109999980 - 92000000 + 1, 0, 0, 0),
                 FL_REFUSED_MARGIN);
    cr_assert_eq(xlab_do(x, who, FL_TX_WITHDRAW, 109999980 - 92000000, 0, 0, 0), 0);
    cr_assert_eq(xlab_do(x, who, FL_TX_TRADE, 1000, 0, 0, 0), FL_REFUSED_MARGIN);
    xlab_quote(x, 1, 92 * USD);
    cr_assert_eq(xlab_do(x, who, FL_TX_TRADE, 10 * UNIT, 0, 1, 0), 0, "closing is no more risk");
    cr_assert_eq(xlab_account(x, who).positions, 1);
    xlab_recount(x);
    xlab_free(x);
}

/* Open interest from 1000 to 3000 USD takes the initial margin from 5 % to 100 %: 20 units at 100 make 2000 of it, 5 +
 * 95 / 2 = 52.5 %, or 1050 USD, for both sides, whichever is the taker's. Maintenance stays 60 USD. */
Test(perpetual, initial_margin_grows_with_the_open_interest_of_the_fill)
{
    for (int64_t side = -1; side <= 1; side += 2) {
        for (int poor = 0; poor < 3; poor++) { /* nobody; the taker; the maker: by one unit */
            struct xlab *x = xlab_new();
            x->market[0].oi_lower = 1000 * USD;
            x->market[0].oi_upper = 3000 * USD;
            xlab_open(x, 1, 1, 1);
            xlab_price(x, 0, 100 * USD);
            xlab_quote(x, 0, 100 * USD);
            /* a fill one unit beyond the mid costs the taker 0.00002, which is the maker's */
            xlab_give(x, x->first, 1050 * USD + 20 - (poor == 1));
            xlab_give(x, MAKER, 1050 * USD - 20 - (poor == 2));
            cr_assert_eq(trade(x, x->first, side * 20 * UNIT, 0),
                         poor == 1   ? FL_REFUSED_MARGIN
                         : poor == 2 ? FL_REFUSED_NO_QUOTE
                                     : 0,
                         "side %d, poor %d", (int)side, poor);
            if (poor == 0) {
                cr_assert_eq(xlab_account(x, x->first).initial, 1050 * USD);
                cr_assert_eq(xlab_account(x, MAKER).initial, 1050 * USD);
                cr_assert_eq(xlab_account(x, x->first).maintenance, 60 * USD);
                cr_assert_eq(xlab_terms(x, 0).initial_ppm, 525000);
                cr_assert_eq(xlab_terms(x, 0).unscaled_ppm, 50000);
            }
            xlab_free(x);
        }
    }
}

/* --- refusals and bounds -------------------------------------------------------------------------------- */

struct attempt {
    uint32_t account;
    uint16_t kind;
    int64_t a, b, c, d;
    uint32_t expected;
};

static void attempt_all(struct xlab *x, const struct attempt *all, size_t count, const char *when)
{
    for (size_t i = 0; i < count; i++) {
        const struct fl_digest before = fl_ledger_state(x->lab.ledger, x->lab.head);
        cr_assert_eq(
            xlab_do(x, all[i].account, all[i].kind, all[i].a, all[i].b, all[i].c, all[i].d),
            all[i].expected, "%s %zu", when, i);
        cr_assert_not(fl_digest_equal(before, fl_ledger_state(x->lab.ledger, x->lab.head)));
        bool touched = false; /* a refusal leaves nothing but a nonce */
        for (uint32_t k = 0; k < x->lab.done.change_count; k++)
            touched = touched || x->lab.done.changes[k].contract == XLAB_EXCHANGE;
        cr_assert_eq(touched, all[i].expected == 0, "%s %zu", when, i);
    }
}

Test(perpetual, refusals)
{
    struct xlab *x = open_plain(2, 1, 3);
    const uint32_t a = x->first, b = a + 1, empty = a + 2, accounts = x->accounts;
    const int64_t e15 = FL_SIZE_ASKED_MAX, e13 = FL_QUOTE_MID_MAX;
    const struct attempt early[] = {
        {a, FL_TX_DEPOSIT, 0, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {a, FL_TX_DEPOSIT, -1, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {a, FL_TX_DEPOSIT, e15 + 1, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {a, FL_TX_DEPOSIT, INT64_MAX, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {a, FL_TX_DEPOSIT, 100 * USD, 0, 0, 0, 0},
        {a, FL_TX_WITHDRAW, 0, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {a, FL_TX_WITHDRAW, -1, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {a, FL_TX_WITHDRAW, INT64_MIN, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {a, FL_TX_WITHDRAW, 100 * USD + 1, 0, 0, 0, FL_REFUSED_MARGIN},
        {a, FL_TX_WITHDRAW, 1, 0, 0, 0, 0}, /* no position: no price needed */
        {a, FL_TX_TRADE, 1, 0, 0, 0, FL_REFUSED_NO_PRICE},
        {b, FL_TX_LIQUIDATE, a, 0, 0, 0, FL_REFUSED_HEALTHY}, /* nor here */
        {a, FL_TX_QUOTE, 100 * USD, 0, 1, 0, FL_REFUSED_SENDER},
        {MAKER, FL_TX_QUOTE, 0, 0, 1, 0, FL_REFUSED_ARGUMENT},
        {MAKER, FL_TX_QUOTE, e13 + 1, 0, 1, 0, FL_REFUSED_ARGUMENT},
        {MAKER, FL_TX_QUOTE, 1, -1, 1, 0, FL_REFUSED_ARGUMENT},
        {MAKER, FL_TX_QUOTE, 1, 500000, 1, 0, FL_REFUSED_ARGUMENT},
        {MAKER, FL_TX_QUOTE, 1, 0, -1, 0, FL_REFUSED_ARGUMENT},
        {MAKER, FL_TX_QUOTE, 1, 0, e15 + 1, 0, FL_REFUSED_ARGUMENT},
        {MAKER, FL_TX_QUOTE, 1, 0, 1, 2, FL_REFUSED_ARGUMENT},
        {MAKER, FL_TX_QUOTE, 1, 0, 1, -1, FL_REFUSED_ARGUMENT},
        {MAKER, FL_TX_QUOTE, 1, 499999, 0, 1, 0},
        {a, 0, 1, 1, 1, 0, FL_REFUSED_ARGUMENT},
        {a, 999, 1, 1, 1, 0, FL_REFUSED_ARGUMENT},
    };
    attempt_all(x, early, sizeof early / sizeof *early, "early");
    xlab_price(x, 0, 100 * USD);
    cr_assert_eq(trade(x, a, 1, 0), FL_REFUSED_NO_QUOTE);
    xlab_quote(x, 0, 100 * USD);
    cr_assert_eq(trade(x, a, 1, 0), FL_REFUSED_NO_QUOTE, "the maker cannot back it");
    xlab_give(x, MAKER, 10000 * USD);
    /* A has 99.999999. n units at 100.000001 leave NC = 99.999999 - n * 0.000001, the loss rounded up, against
     * IMR 5 n: 19.999995 units leave 99.999979 and need 99.999975; 19.999996 leave as much and need 99.99998. */
    const struct attempt late[] = {
        {a, FL_TX_TRADE, 0, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {a, FL_TX_TRADE, e15 + 1, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {a, FL_TX_TRADE, -e15 - 1, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {a, FL_TX_TRADE, INT64_MIN, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {a, FL_TX_TRADE, 1, -1, 0, 0, FL_REFUSED_ARGUMENT},
        {a, FL_TX_TRADE, 1, 0, 2, 0, FL_REFUSED_ARGUMENT},
        {a, FL_TX_TRADE, 1, 0, -1, 0, FL_REFUSED_ARGUMENT},
        {a, FL_TX_TRADE, 1, 0, 1, 0, FL_REFUSED_NO_PRICE},
        {MAKER, FL_TX_TRADE, 1, 0, 0, 0, FL_REFUSED_SENDER},
        {a, FL_TX_TRADE, 19999996, 0, 0, 0, FL_REFUSED_MARGIN},
        {a, FL_TX_TRADE, 19999995, 100 * USD, 0, 0, FL_REFUSED_LIMIT},
        {a, FL_TX_TRADE, 19999995, 100 * USD + 1, 0, 0, 0},
        {a, FL_TX_TRADE, 1, 0, 0, 0, FL_REFUSED_MARGIN},
        {a, FL_TX_WITHDRAW, 5, 0, 0, 0, FL_REFUSED_MARGIN},
        {a, FL_TX_WITHDRAW, 4, 0, 0, 0, 0}, /* 99.999979 - 99.999975 */
        {b, FL_TX_LIQUIDATE, a, 0, 0, 0, FL_REFUSED_HEALTHY},
        {b, FL_TX_LIQUIDATE, empty, 0, 0, 0, FL_REFUSED_HEALTHY},
        {b, FL_TX_LIQUIDATE, MAKER, 0, 0, 0, FL_REFUSED_SENDER},
        {b, FL_TX_LIQUIDATE, -1, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {b, FL_TX_LIQUIDATE, accounts, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {b, FL_TX_LIQUIDATE, INT64_MAX, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {b, FL_TX_LIQUIDATE, a, 3, 0, 0, FL_REFUSED_ARGUMENT},
        {b, FL_TX_LIQUIDATE, a, -1, 0, 0, FL_REFUSED_ARGUMENT},
    };
    attempt_all(x, late, sizeof late / sizeof *late, "late");
    /* Below the initial margin at 98: NC 60, IMR 98, MMR 58.8. Reducing is allowed where it does not worsen
     * NC / MMR; flipping or growing is not. */
    xlab_price(x, 0, 98 * USD);
    xlab_quote(x, 0, 98 * USD);
    cr_assert_eq(trade(x, a, 1, 0), FL_REFUSED_MARGIN);
    cr_assert_eq(xlab_do(x, a, FL_TX_WITHDRAW, 1, 0, 0, 0), FL_REFUSED_MARGIN);
    cr_assert_eq(trade(x, a, -49000000, 0), FL_REFUSED_MARGIN, "flips to more");
    cr_assert_eq(trade(x, a, -1000000, 0), 0);
    xlab_quote(x, 0,
               90 * USD); /* the book is far below the mark: selling there costs 8 of margin 2.94 */
    cr_assert_eq(trade(x, a, -1000000, 0), FL_REFUSED_MARGIN, "worse than before");
    xlab_give(x, a, 1);
    /* The oracle falls silent: no trade, no liquidation, no list; deposits still work. */
    x->now += 500 * FL_SECOND;
    xlab_price(x, 0, 90 * USD);
    cr_assert(listed(x, a));
    x->now += 1000 * FL_SECOND;
    xlab_quote(x, 0, 90 * USD);
    cr_assert(listed(x, a));
    x->now += 1;
    xlab_quote(x, 0, 90 * USD);
    cr_assert_not(listed(x, a));
    cr_assert_eq(xlab_account(x, a).priced, 0);
    cr_assert_eq(xlab_do(x, b, FL_TX_LIQUIDATE, a, 0, 0, 0), FL_REFUSED_NO_PRICE);
    cr_assert_eq(xlab_do(x, a, FL_TX_WITHDRAW, 1, 0, 0, 0), FL_REFUSED_NO_PRICE);
    xlab_give(x, a, 1);
    x->now += 60 * FL_SECOND;
    xlab_price(x, 0, 90 * USD);
    x->now += 1;
    cr_assert_eq(xlab_do(x, b, FL_TX_LIQUIDATE, a, 0, 0, 0), FL_REFUSED_NO_QUOTE);
    xlab_quote(x, 0, 90 * USD);
    cr_assert_eq(xlab_do(x, a, FL_TX_LIQUIDATE, a, 0, 0, 0), 0, "anyone: itself, too");
    xlab_recount(x);
    xlab_free(x);
}

/* Falling below maintenance and out of it again, by a top-up to the unit. At 97: 20.00001 less 0.00001 is the
 * collateral of 10 units bought with 50; 29.1 their maintenance margin. */
Test(perpetual, top_ups)
{
    struct xlab *x = open_plain(1, 1, 1);
    xlab_price(x, 0, 100 * USD);
    xlab_quote(x, 0, 100 * USD);
    xlab_give(x, MAKER, 10000 * USD);
    xlab_give(x, x->first, 50000010);
    cr_assert_eq(trade(x, x->first, 10 * UNIT, 0), 0);
    xlab_price(x, 0, 97 * USD);
    cr_assert_eq(xlab_account(x, x->first).equity, 20 * USD);
    cr_assert(listed(x, x->first));
    xlab_give(x, x->first, 9099999);
    cr_assert(listed(x, x->first));
    xlab_give(x, x->first, 1);
    cr_assert_not(listed(x, x->first));
    xlab_free(x);
}

/* What may just be: a position of 10^9 units, 10^12 USD on an account and in all. */
Test(perpetual, bounds)
{
    const int64_t e15 = FL_SIZE_ASKED_MAX;
    struct xlab *x = open_plain(1, 1, 2);
    xlab_price(x, 0, 1000); /* 0.001 USD */
    xlab_quote(x, 0, 1000);
    xlab_give(x, MAKER, 200000 * USD);
    xlab_give(x, x->first, 200000 * USD);
    xlab_give(x, x->first + 1, 200000 * USD);
    cr_assert_eq(trade(x, x->first, e15, 0), 0);
    cr_assert_eq(trade(x, x->first, 1, 0), FL_REFUSED_NO_QUOTE, "nor may the maker sell more");
    cr_assert_eq(trade(x, x->first + 1, -1, 0), 0);
    cr_assert_eq(trade(x, x->first, 1, 0), FL_REFUSED_ARGUMENT);
    xlab_recount(x);
    xlab_free(x);

    x = open_plain(1, 1, 2);
    lab_begin(&x->lab, x->now);
    for (int i = 0; i < 999; i++) xlab_tx(x, x->first, FL_TX_DEPOSIT, e15, 0, 0, 0);
    lab_run(&x->lab);
    xlab_give(x, x->first, e15 - 1);
    cr_assert_eq(xlab_do(x, x->first, FL_TX_DEPOSIT, 2, 0, 0, 0), FL_REFUSED_ARGUMENT);
    xlab_give(x, x->first, 1);
    cr_assert_eq(xlab_account(x, x->first).quote, FL_MONEY_MAX);
    cr_assert_eq(xlab_do(x, x->first + 1, FL_TX_DEPOSIT, 1, 0, 0, 0), FL_REFUSED_ARGUMENT,
                 "the sum of deposits");
    xlab_recount(x);
    xlab_free(x);
}

/* Room for one position each on average: a reporter, a maker and a trader have three slots. */
Test(perpetual, room_for_positions)
{
    struct xlab *x = xlab_new();
    x->exchange.positions_per_account = 1;
    xlab_open(x, 3, 1, 1);
    xlab_give(x, MAKER, 10000 * USD);
    xlab_give(x, x->first, 1000 * USD);
    for (uint32_t i = 0; i < 3; i++) {
        xlab_price(x, i, 100 * USD);
        xlab_quote(x, i, 100 * USD);
    }
    /* 3 slots: two for a first fill's sides, and one that the second fill's taker lacks */
    cr_assert_eq(xlab_do(x, x->first, FL_TX_TRADE, UNIT, 0, 0, 0), 0);
    cr_assert_eq(xlab_do(x, x->first, FL_TX_TRADE, UNIT, 0, 2, 0), FL_REFUSED_ARGUMENT);
    cr_assert_eq(xlab_do(x, x->first, FL_TX_TRADE, -UNIT, 0, 0, 0), 0, "both are free again");
    cr_assert_eq(xlab_do(x, x->first, FL_TX_TRADE, UNIT, 0, 2, 0), 0);
    cr_assert_eq(xlab_positions(x, x->first).count, 1);
    cr_assert_eq(xlab_positions(x, x->first).at[0].market, 2);
    /* all three taken: the one that is given back is there for another */
    xlab_give(x, XLAB_REPORTER, 100 * USD);
    cr_assert_eq(xlab_do(x, XLAB_REPORTER, FL_TX_TRADE, UNIT, 0, 2, 0), 0);
    cr_assert_eq(xlab_do(x, x->first, FL_TX_TRADE, UNIT, 0, 0, 0), FL_REFUSED_NO_QUOTE,
                 "not even the maker's side has room");
    cr_assert_eq(xlab_do(x, x->first, FL_TX_TRADE, -UNIT, 0, 2, 0), 0);
    cr_assert_eq(xlab_do(x, x->first, FL_TX_TRADE, UNIT, 0, 2, 0), 0);
    xlab_recount(x);
    xlab_free(x);
}

/* --- questions ------------------------------------------------------------------------------------------- */

Test(perpetual, questions_and_observables)
{
    enum { TRADERS = 600 };
    struct xlab *x = xlab_new();
    x->exchange.insurance_fund = 1234;
    x->exchange.quote_max_age = 1000 * FL_SECOND;
    xlab_open(x, 2, 1, TRADERS);
    xlab_price(x, 0, 100 * USD);
    xlab_give(x, MAKER, 100000 * USD);
    xlab_quote(x, 0, 100 * USD);
    for (int step = 0; step < 2; step++) {
        lab_begin(&x->lab, x->now);
        for (uint32_t i = 0; i < TRADERS; i++) { /* every 100th stays out */
            if (step == 0)
                xlab_tx(x, x->first + i, FL_TX_DEPOSIT, 6 * USD + i, 0, 0, 0);
            else
                xlab_tx(x, x->first + i, FL_TX_TRADE, i % 100 ? 1000000 : 0, 0, 0, 0);
        }
        lab_run(&x->lab);
    }
    xlab_recount(x);
    xlab_price(x, 0, 95 * USD); /* NC 0.999999 + i, MMR 2.85: the order is that of the accounts */
    uint32_t seen = 0, pages[3] = {0}, page = 0;
    struct fl_liquidatable list;
    int64_t last = 0;
    do {
        lab_ask(&x->lab, XLAB_EXCHANGE, FL_ASK_LIQUIDATABLE, seen, &list, sizeof list);
        cr_assert(list.total == 594 && page < 3);
        for (uint32_t i = 0; i < list.count; i++) {
            const struct fl_below *below = &list.at[i];
            cr_assert(below->account > last && (below->account - x->first) % 100 != 0);
            cr_assert(below->equity == 999999 + below->account - x->first &&
                      below->maintenance == 2850000 && below->notional == 95 * USD &&
                      below->market == 0);
            last = below->account;
        }
        pages[page++] = list.count;
        seen += list.count;
    } while (seen < list.total);
    cr_assert(pages[0] == 256 && pages[1] == 256 && pages[2] == 594 - 512);
    lab_ask(&x->lab, XLAB_EXCHANGE, FL_ASK_LIQUIDATABLE, 594, &list, sizeof list);
    cr_assert(list.count == 0 && list.total == 594);

    const struct fl_market_terms terms = xlab_terms(x, 0);
    cr_assert(terms.initial_ppm == 50000 && terms.maintenance_ppm == 30000 &&
              terms.maintenance_fraction_ppm == 600000 && terms.liquidation_fee_ppm == 15000 &&
              terms.liquidator_share_ppm == 500000 && terms.liquidity_account == MAKER &&
              terms.accounts == TRADERS + 2 && terms.oracle == 1 && terms.markets == 2 &&
              terms.mark == 95 * USD && terms.open_interest == 594 * UNIT && terms.lot == 1);
    cr_assert(xlab_terms(x, 1).oracle == 2 && xlab_terms(x, 1).mark == 0 &&
              xlab_terms(x, 1).bid == 0);
    static const struct fl_query wrong[] = {
        {XLAB_EXCHANGE, FL_ASK_ACCOUNT, {-1}},
        {XLAB_EXCHANGE, FL_ASK_ACCOUNT, {TRADERS + 2}},
        {XLAB_EXCHANGE, FL_ASK_ACCOUNT, {INT64_MAX}},
        {XLAB_EXCHANGE, FL_ASK_MARKET, {2}},
        {XLAB_EXCHANGE, FL_ASK_PRICE, {0}},
        {XLAB_EXCHANGE, 99, {0}},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert_eq(fl_ledger_query(x->lab.ledger, x->lab.head, &wrong[i], &list,
                                     wrong[i].kind == FL_ASK_MARKET ? sizeof terms
                                                                    : sizeof(struct fl_account)),
                     FL_READ_UNKNOWN);

    /* 594 trades of one unit at 100.000001; deposits 6 each and 0 + 1 + ... + 599 on top. */
    static const struct {
        const char *name;
        int64_t value;
    } expected[] = {{"ledger.insurance_fund", 1234},
                    {"ledger.deposits", 1234 + 100000 * USD + 600 * 6 * USD + 599 * 300},
                    {"ledger.withdrawals", 0},
                    {"ledger.deficit", 0},
                    {"ledger.liquidations", 0},
                    {"ledger.open_interest", 594 * UNIT},
                    {"ledger.open_accounts", 595},
                    {"ledger.trades", 594},
                    {"ledger.mark", 95 * USD}};
    int64_t values[32];
    uint32_t found = 0;
    fl_ledger_observe(x->lab.ledger, x->lab.head, XLAB_EXCHANGE, values);
    for (uint32_t i = 0; fl_model_perpetual.observables[i].name; i++)
        for (size_t k = 0; k < sizeof expected / sizeof *expected; k++)
            if (strcmp(fl_model_perpetual.observables[i].name, expected[k].name) == 0) {
                cr_assert_eq(values[i], expected[k].value, "%s", expected[k].name);
                found++;
            }
    cr_assert_eq(found, sizeof expected / sizeof *expected);
    xlab_free(x);
}
