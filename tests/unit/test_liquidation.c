/* The waterfall of a liquidation, stage by stage, to the last unit. Money below is in 10^-6 USD, sizes in
 * 10^-6 units; margins are 5 % and 3 %, the fee at most 1.5 %, half of it the keeper's.
 *
 * The account in trouble, C, has bought 10 units at 100.000001, for 1000.00001, with 60 USD: its quote is
 * -940.00001. At 96 its collateral is 19.99999, its maintenance margin 28.8; at 93 they are -10.00001 and
 * 27.9. */
#include "tests/lib/exchange_lab.h"

enum { A = 2, B, C, D, KEEPER, SPARE, TRADERS = 6 };
#define UNIT ((int64_t)1000000)

static struct xlab *lab_with(const struct fl_model *policy, int64_t fund)
{
    struct xlab *x = xlab_new();
    x->exchange.deleveraging.model = policy;
    x->exchange.insurance_fund = fund;
    return x;
}

static void open_at(struct xlab *x, uint32_t markets)
{
    xlab_open(x, markets, 1, TRADERS);
    for (uint32_t i = 0; i < markets; i++) xlab_price(x, i, 100 * USD);
    xlab_give(x, XLAB_MAKER, 1000000 * USD);
}

static void buy_c(struct xlab *x)
{
    xlab_give(x, C, 60 * USD);
    xlab_trade(x, C, 0, 10 * UNIT, 100000001);
    cr_assert_eq(xlab_account(x, C).quote, -940000010);
}

/* Sells fill at `price`, which is the mark too. */
static void fall_to(struct xlab *x, int64_t price)
{
    xlab_price(x, 0, price);
    xlab_quote(x, 0, price + 1);
}

static uint32_t liquidate(struct xlab *x, uint32_t market_plus_one)
{
    return xlab_do(x, KEEPER, FL_TX_LIQUIDATE, C, market_plus_one, 0, 0);
}

static void expect_liquidation(const struct xlab *x, int64_t size, int64_t quote, int64_t delta)
{
    const struct fl_record *r = xlab_record(x, FL_RECORD_LIQUIDATION, 0);
    cr_assert_not_null(r);
    cr_assert(r->v[0] == C && r->v[1] == xlab_totals(x).liquidations);
    cr_assert_eq(r->v[3], size);
    cr_assert_eq(r->v[4], quote);
    cr_assert_eq(r->v[5], delta);
}

static void expect_deficit(const struct xlab *x, int64_t paid, int64_t adl, int64_t socialised,
                           int64_t outstanding)
{
    const struct fl_record *r = xlab_record(x, FL_RECORD_DEFICIT, 0);
    const struct fl_totals t = xlab_totals(x);
    if (paid + adl + socialised + outstanding == 0) {
        cr_assert_null(r);
    } else {
        cr_assert_not_null(r);
        cr_assert(r->v[2] == paid && r->v[3] == adl && r->v[4] == socialised &&
                  r->v[5] == outstanding);
        cr_assert_eq(r->parent,
                     fl_records_find(x->lab.records, FL_RECORD_LIQUIDATION, r->v[0], r->v[1]));
    }
    cr_assert_eq(t.fund_paid, paid);
    cr_assert_eq(t.adl, adl);
    cr_assert_eq(t.socialised, socialised);
    cr_assert_eq(t.outstanding, outstanding);
    cr_assert_eq(t.deficit, paid + adl + socialised + outstanding);
}

/* --- 1: the book ------------------------------------------------------------------------------------- */

/* At 96: sold for 960. Bankruptcy quote 960 - 19.99999 = 940.00001: 19.99999 over, of which 1.5 % of 960 =
 * 14.4 go to the fund and the keeper, 5.59999 stay. */
Test(liquidation, fee_of_the_solvent)
{
    struct xlab *x = lab_with(&fl_model_nobody, 7);
    open_at(x, 1);
    buy_c(x);
    fall_to(x, 96 * USD);
    cr_assert_eq(liquidate(x, 0), 0);
    expect_liquidation(x, 10 * UNIT, 960 * USD, 14400000);
    expect_deficit(x, 0, 0, 0, 0);
    cr_assert_eq(xlab_account(x, C).quote, 5599990);
    cr_assert_eq(xlab_account(x, C).positions, 0);
    cr_assert_eq(xlab_account(x, KEEPER).quote, 7200000);
    cr_assert_eq(xlab_totals(x).fund, 7200007);
    cr_assert_eq(xlab_totals(x).liquidated_usd, 960 * USD);
    xlab_recount(x);
    xlab_free(x);
}

/* The mark is 94.5. Sold at 94.5, for 945: 4.99999 beyond the bankruptcy quote, less than 1.5 % of 945, all go, the
 * keeper's 33.3333 % of them rounded down; at 94.4 3.99999; and so on, to the price that leaves nothing over. */
Test(liquidation, fee_of_the_nearly_bankrupt)
{
    static const struct {
        int64_t fill, delta, keeper;
    } cases[] = {{94500000, 4999990, 1666661}, /* 1666661.66.. */
                 {94400000, 3999990, 1333328}, /* 1333328.66.. */
                 {94000002, 10, 3},
                 {94000001, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct xlab *x = lab_with(&fl_model_nobody, 0);
        x->exchange.liquidator_share_ppm = 333333;
        open_at(x, 1);
        buy_c(x);
        xlab_price(x, 0, 94500000);
        xlab_quote(x, 0, cases[i].fill + 1);
        cr_assert_eq(liquidate(x, 1), 0);
        expect_liquidation(x, 10 * UNIT, 10 * cases[i].fill, cases[i].delta);
        expect_deficit(x, 0, 0, 0, 0);
        cr_assert_eq(xlab_account(x, C).quote, 0);
        cr_assert_eq(xlab_account(x, KEEPER).quote, cases[i].keeper);
        cr_assert_eq(xlab_totals(x).fund, cases[i].delta - cases[i].keeper);
        xlab_recount(x);
        xlab_free(x);
    }
}

/* Fillable price at 96: (960 - (1 - 19.99999 / 28.8) * 1.5 * 28.8) / 10 = (960 - 13.200015) / 10 = 94.6799985,
 * rounded up for a sale. One unit below it the book is not taken; the account waits. */
Test(liquidation, fillable_price_is_the_limit)
{
    struct xlab *x = lab_with(&fl_model_nobody, 0);
    open_at(x, 1);
    buy_c(x);
    xlab_price(x, 0, 96 * USD);
    xlab_quote(x, 0, 94679998 + 1);
    cr_assert_eq(liquidate(x, 0), FL_REFUSED_NO_QUOTE);
    xlab_quote(x, 0, 94679999 + 1);
    cr_assert_eq(liquidate(x, 0), 0);
    expect_liquidation(x, 10 * UNIT, 946799990, 6799980);
    xlab_free(x);
}

/* The mirror: 10 sold at 99.999999 with 60 USD. At 104 its collateral is 1059.99999 - 1040 = 19.99999, its
 * maintenance margin 31.2; bought back at 104 for 1040: bankruptcy quote -1059.99999, 1.5 % of 1040 is 15.6. */
Test(liquidation, of_a_short)
{
    struct xlab *x = lab_with(&fl_model_nobody, 0);
    open_at(x, 1);
    xlab_give(x, C, 60 * USD);
    xlab_trade(x, C, 0, -10 * UNIT, 99999999);
    xlab_price(x, 0, 104 * USD);
    xlab_quote(x, 0, 104 * USD - 1);
    cr_assert_eq(liquidate(x, 0), 0);
    expect_liquidation(x, -10 * UNIT, -1040 * USD, 15600000);
    cr_assert_eq(xlab_account(x, C).quote, 1059999990 - 1040000000 - 15600000);
    cr_assert_eq(xlab_account(x, KEEPER).quote, 7800000);
    xlab_recount(x);
    xlab_free(x);
}

/* --- 1: the fund ------------------------------------------------------------------------------------- */

/* At 93: sold for 930, the bankruptcy quote is 940.00001: the fund pays 10.00001, if it may. With keepers to choose
 * nothing else happens to the account. */
Test(liquidation, the_fund_pays)
{
    static const struct {
        int64_t fund, account_limit, block_limit;
        uint32_t expected;
    } cases[] = {
        {50 * USD, FL_MONEY_MAX, FL_MONEY_MAX, 0},
        {10000010, 10000010, 10000010, 0},
        {10000009, FL_MONEY_MAX, FL_MONEY_MAX, FL_REFUSED_FUND},
        {50 * USD, 10000009, FL_MONEY_MAX, FL_REFUSED_FUND},
        {50 * USD, FL_MONEY_MAX, 10000009, FL_REFUSED_FUND},
        {0, FL_MONEY_MAX, FL_MONEY_MAX, FL_REFUSED_FUND},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct xlab *x = lab_with(&fl_model_keeper_chosen, cases[i].fund);
        x->exchange.account_insurance = cases[i].account_limit;
        x->exchange.insurance_per_block = cases[i].block_limit;
        open_at(x, 1);
        buy_c(x);
        fall_to(x, 93 * USD);
        cr_assert_eq(liquidate(x, 0), cases[i].expected, "%zu", i);
        if (!cases[i].expected) {
            expect_liquidation(x, 10 * UNIT, 930 * USD, -10000010);
            expect_deficit(x, 10000010, 0, 0, 0);
            cr_assert_eq(xlab_account(x, C).quote, 0);
        }
        cr_assert_eq(xlab_totals(x).fund, cases[i].fund - (cases[i].expected ? 0 : 10000010));
        cr_assert_eq(xlab_account(x, KEEPER).quote, 0);
        xlab_recount(x);
        xlab_free(x);
    }
}

/* Two accounts alike in one block, a fund that would bear both: the block's limit bears one; the next block the
 * other. */
Test(liquidation, the_blocks_limit_of_the_fund)
{
    struct xlab *x = lab_with(&fl_model_keeper_chosen, 50 * USD);
    x->exchange.insurance_per_block = 20000019;
    open_at(x, 1);
    buy_c(x);
    xlab_give(x, D, 60 * USD);
    xlab_trade(x, D, 0, 10 * UNIT, 100000001);
    fall_to(x, 93 * USD);
    for (int block = 0; block < 2; block++) {
        lab_begin(&x->lab, x->now);
        if (block == 0) xlab_tx(x, KEEPER, FL_TX_LIQUIDATE, C, 0, 0, 0);
        xlab_tx(x, KEEPER, FL_TX_LIQUIDATE, D, 0, 0, 0);
        lab_run(&x->lab);
        cr_assert_eq(x->lab.done.receipts[0].code, 0);
        if (block == 0) cr_assert_eq(x->lab.done.receipts[1].code, FL_REFUSED_FUND);
    }
    cr_assert_eq(xlab_totals(x).fund, 50 * USD - 20000020);
    xlab_recount(x);
    xlab_free(x);
}

/* Two makers bid: one 93.1, falling by 1 % in 50 units, so that it takes what is left to 93, the other's price; 93 *
 * 10^-6 below. 0.1 / 93.1 of 5000 units: 5.370569 units for 93.05 each, of which the fund pays 0.950001; then
 * 4.629431 units for 93, at 1.000001. A limit of 7 USD, of the block or of the account, bears the first part alone. */
Test(liquidation, limits_of_the_fund_hold_over_all_parts)
{
    for (int which = 0; which < 3; which++) {
        struct xlab *x = lab_with(&fl_model_keeper_chosen, 50 * USD);
        if (which == 1) x->exchange.insurance_per_block = 7 * USD;
        if (which == 2) x->exchange.account_insurance = 7 * USD;
        xlab_open(x, 1, 2, 2);
        const uint32_t who = x->first;
        xlab_price(x, 0, 100 * USD);
        xlab_give(x, XLAB_MAKER, 1000000 * USD);
        xlab_give(x, XLAB_MAKER + 1, 1000000 * USD);
        xlab_give(x, who, 60 * USD);
        xlab_trade(x, who, 0, 10 * UNIT, 100000001);
        fall_to(x, 93 * USD);
        cr_assert_eq(xlab_do(x, XLAB_MAKER + 1, FL_TX_QUOTE, 93100000, 0, 50 * UNIT, 0), 0);
        cr_assert_eq(xlab_do(x, who + 1, FL_TX_LIQUIDATE, who, 0, 0, 0), 0);
        const int64_t first = xlab_size(x, XLAB_MAKER + 1, 0);
        cr_assert_eq(first, 5370569);
        cr_assert_eq(xlab_size(x, who, 0), which ? 10 * UNIT - first : 0);
        const int64_t paid = xlab_totals(x).fund_paid;
        cr_assert(which ? paid > 5 * USD && paid < 7 * USD : paid > 9 * USD, "%ld", (long)paid);
        xlab_recount(x);
        xlab_free(x);
    }
}

/* --- limits of a block --------------------------------------------------------------------------------- */

/* A third of the position a block, lots of 0.001, at 96. 960 * 0.333333 = 319.99968: 3.33333 units, 3.333 in whole
 * lots, for 319.968. Maintenance margin falls from 28.8 to 19.20096: bankruptcy quote 319.968 - floor(19.99999 * 9.59904 /
 * 28.8) = 319.968 - 6.665996; 1.5 % of 319.968 is 4.79952. Then 6.667 are left, 640.032 * 0.333333 =
 * 213.343786: 2.222 units. */
Test(liquidation, a_portion_once_a_block)
{
    struct xlab *x = lab_with(&fl_model_nobody, 0);
    x->market[0].lot = 1000;
    x->exchange.liquidation.portion_ppm = 333333;
    x->exchange.liquidation.min_notional = 100 * USD;
    open_at(x, 1);
    buy_c(x);
    fall_to(x, 96 * USD);
    lab_begin(&x->lab, x->now);
    xlab_tx(x, KEEPER, FL_TX_LIQUIDATE, C, 0, 0, 0);
    xlab_tx(x, KEEPER, FL_TX_LIQUIDATE, C, 1, 0, 0);
    lab_run(&x->lab);
    cr_assert_eq(x->lab.done.receipts[0].code, 0);
    cr_assert_eq(x->lab.done.receipts[1].code, FL_REFUSED_BLOCK_LIMIT);
    expect_liquidation(x, 3333000, 319968000, 4799520);
    cr_assert_eq(xlab_account(x, C).quote, -940000010 + 319968000 - 4799520);
    cr_assert_eq(xlab_account(x, KEEPER).quote, 2399760);
    cr_assert_eq(liquidate(x, 0), 0);
    cr_assert_eq(xlab_record(x, FL_RECORD_LIQUIDATION, 0)->v[3], 2222000);
    cr_assert_eq(xlab_size(x, C, 0), 10000000 - 3333000 - 2222000);
    cr_assert_eq(xlab_totals(x).liquidations, 2);
    xlab_recount(x);
    xlab_free(x);
}

/* A tenth of the position a block, or the least notional, or all of it if that is less: 96 USD a unit. */
Test(liquidation, a_small_position_at_once)
{
    static const struct {
        int64_t least, closed;
    } cases[] = {
        {960 * USD, 10000000}, {960 * USD - 1, 9999999}, {480 * USD, 5000000}, {0, 1000000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct xlab *x = lab_with(&fl_model_nobody, 0);
        x->exchange.liquidation.portion_ppm = 100000;
        x->exchange.liquidation.min_notional = cases[i].least;
        open_at(x, 1);
        buy_c(x);
        fall_to(x, 96 * USD);
        cr_assert_eq(liquidate(x, 0), 0);
        cr_assert_eq(xlab_record(x, FL_RECORD_LIQUIDATION, 0)->v[3], cases[i].closed, "%zu", i);
        xlab_free(x);
    }
}

/* 100 USD of one account a block. Market 0 at 96: 1.041666 units, 1.041 in lots, 99.936. Market 1, 1 unit at 100: 0.064
 * USD are left, less than a lot, which is closed all the same: 0.1 USD. Then nothing is left: less than nothing,
 * which must not stop anything. */
Test(liquidation, an_accounts_limit_in_a_block)
{
    struct xlab *x = lab_with(&fl_model_nobody, 0);
    for (int i = 0; i < 3; i++) x->market[i].lot = 1000;
    x->exchange.account_notional = 100 * USD;
    open_at(x, 3);
    xlab_give(x, C, 80 * USD);
    xlab_trade(x, C, 0, 10 * UNIT, 100000001);
    xlab_trade(x, C, 1, UNIT, 100000001);
    xlab_trade(x, C, 2, UNIT, 100000001);
    fall_to(x, 94 * USD); /* 20 - 0.000012 of collateral; 28.2 + 3 + 3 of maintenance */
    xlab_quote(x, 1, 100 * USD);
    xlab_quote(x, 2, 100 * USD);
    lab_begin(&x->lab, x->now);
    for (int i = 1; i <= 3; i++) xlab_tx(x, KEEPER, FL_TX_LIQUIDATE, C, i, 0, 0);
    lab_run(&x->lab);
    cr_assert_eq(x->lab.done.receipts[0].code, 0);
    cr_assert_eq(x->lab.done.receipts[1].code, 0);
    cr_assert_eq(x->lab.done.receipts[2].code, FL_REFUSED_BLOCK_LIMIT);
    /* 100 / 94 = 1.063829 units */
    cr_assert_eq(xlab_record(x, FL_RECORD_LIQUIDATION, 0)->v[3], 1063000);
    cr_assert_eq(xlab_record(x, FL_RECORD_LIQUIDATION, 1)->v[3], 1000);
    xlab_recount(x);
    xlab_free(x);
}

/* The exchange chooses the position with the greatest maintenance margin, the first of equals. */
Test(liquidation, the_worst_market_first)
{
    struct xlab *x = lab_with(&fl_model_nobody, 0);
    x->market[1].initial_ppm = 200000;
    open_at(x, 3);
    xlab_give(x, C, 100 * USD);
    xlab_trade(x, C, 0, 4 * UNIT, 100000001); /* 400: 12 of margin */
    xlab_trade(x, C, 1, -UNIT, 99999999);     /* 100: 12, too */
    xlab_trade(x, C, 2, 2 * UNIT, 100000001); /* 200: 6 */
    xlab_price(x, 2, 60 * USD);               /* collateral 20 */
    for (uint32_t i = 0; i < 3; i++) xlab_quote(x, i, i == 2 ? 60 * USD : 100 * USD);
    struct fl_liquidatable list;
    lab_ask(&x->lab, XLAB_EXCHANGE, FL_ASK_LIQUIDATABLE, 0, &list, sizeof list);
    cr_assert(list.total == 1 && list.at[0].account == C && list.at[0].market == 0 &&
              list.at[0].notional == 400 * USD);
    cr_assert_eq(liquidate(x, 0), 0);
    cr_assert_eq(xlab_record(x, FL_RECORD_LIQUIDATION, 0)->v[2], 0);
    cr_assert_eq(liquidate(x, 4), FL_REFUSED_ARGUMENT);
    cr_assert_eq(liquidate(x, 1), xlab_account(x, C).equity >= xlab_account(x, C).maintenance
                                      ? FL_REFUSED_HEALTHY
                                      : FL_REFUSED_ARGUMENT);
    xlab_free(x);
}

/* --- 3 to 5: any price, everybody, nobody ----------------------------------------------------------------- */

/* A is 3 long, B 1 short; with C's 10 the maker is 12 short, and 2 after it has bought them back: 6 units bear
 * what the fund does not. */
Test(liquidation, what_the_fund_does_not_bear_is_socialised)
{
    static const struct {
        int64_t fund, paid, socialised, charge[3];
    } cases[] = {
        {50 * USD, 10000010, 0, {0, 0, 0}},
        {10000010, 10000010, 0, {0, 0, 0}},
        /* one unit short: the index rises by ceil(10^6 / 6 * 10^6) = 1, a unit for each unit of size */
        {10000009, 10000009, 1, {3, 1, 2}},
        /* ceil(10.00001 / 6) = 1.666669 a unit */
        {0, 0, 10000010, {5000007, 1666669, 3333338}},
        /* ceil(6.00001 / 6) = 1.000002 */
        {4 * USD, 4 * USD, 6000010, {3000006, 1000002, 2000004}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct xlab *x = lab_with(&fl_model_nobody, cases[i].fund);
        open_at(x, 1);
        xlab_give(x, A, 1000 * USD);
        xlab_give(x, B, 1000 * USD);
        xlab_trade(x, A, 0, 3 * UNIT, 100000001);
        xlab_trade(x, B, 0, -UNIT, 99999999);
        buy_c(x);
        fall_to(x, 93 * USD);
        const uint32_t three[3] = {A, B, XLAB_MAKER};
        int64_t before[3];
        for (int k = 0; k < 3; k++) before[k] = xlab_account(x, three[k]).quote;
        before[2] -= 930 * USD;
        cr_assert_eq(liquidate(x, 0), 0);
        expect_liquidation(x, 10 * UNIT, 930 * USD, -cases[i].paid);
        expect_deficit(x, cases[i].paid, 0, cases[i].socialised, 0);
        cr_assert_eq(xlab_account(x, C).quote, 0);
        cr_assert_eq(xlab_totals(x).fund, cases[i].fund - cases[i].paid);
        cr_assert_eq(xlab_totals(x).funding, -cases[i].socialised);
        int64_t charged = 0;
        for (int k = 0; k < 3; k++) { /* charged at once, booked when touched */
            const struct fl_account a = xlab_account(x, three[k]);
            cr_assert_eq(a.quote, before[k] - cases[i].charge[k], "%zu %d", i, k);
            cr_assert_eq(a.unsettled, cases[i].charge[k]);
            charged += cases[i].charge[k];
        }
        xlab_recount(x);
        for (int k = 0; k < 3; k++) {
            xlab_give(x, three[k], 1);
            cr_assert_eq(xlab_account(x, three[k]).unsettled, 0);
            cr_assert_eq(xlab_account(x, three[k]).quote, before[k] - cases[i].charge[k] + 1);
        }
        cr_assert_eq(xlab_totals(x).funding, charged - cases[i].socialised);
        xlab_recount(x);
        xlab_free(x);
    }
}

/* Nobody else in the market, or the fund alone: what is left stays with the account. */
Test(liquidation, what_nobody_bears_is_outstanding)
{
    static const int64_t funds[] = {0, 4000000, 10000009, 10000010};
    for (size_t i = 0; i < sizeof funds / sizeof *funds; i++) {
        struct xlab *x = lab_with(&fl_model_nobody, funds[i]);
        open_at(x, 1);
        buy_c(x);
        fall_to(x, 93 * USD);
        cr_assert_eq(liquidate(x, 0), 0);
        expect_deficit(x, funds[i], 0, 0, 10000010 - funds[i]);
        cr_assert_eq(xlab_account(x, C).quote, funds[i] - 10000010);
        cr_assert_eq(xlab_totals(x).fund, 0);
        cr_assert_eq(xlab_totals(x).funding, 0);
        xlab_recount(x);
        xlab_free(x);
    }
}

/* A part of the position: 4 of 10 units in this block. What C keeps, 6, is not charged for its own loss. At 93 its
 * bankruptcy quote for 4 is 372 + ceil(10.00001 * 11.16 / 27.9) = 376.000004: 4.000004 socialised over A's 3,
 * B's 1 and the maker's 8: 333334 a unit. Then C stands at -6.000006. */
Test(liquidation, the_account_does_not_bear_its_own_loss)
{
    struct xlab *x = lab_with(&fl_model_nobody, 0);
    x->exchange.liquidation.portion_ppm = 400000;
    x->exchange.liquidation.min_notional = 0;
    open_at(x, 1);
    xlab_give(x, A, 1000 * USD);
    xlab_give(x, B, 1000 * USD);
    xlab_trade(x, A, 0, 3 * UNIT, 100000001);
    xlab_trade(x, B, 0, -UNIT, 99999999);
    buy_c(x);
    fall_to(x, 93 * USD);
    cr_assert_eq(liquidate(x, 0), 0);
    expect_liquidation(x, 4 * UNIT, 372 * USD, 0);
    expect_deficit(x, 0, 0, 4000004, 0);
    cr_assert_eq(xlab_account(x, A).unsettled, 3 * 333334);
    cr_assert_eq(xlab_account(x, B).unsettled, 333334);
    cr_assert_eq(xlab_account(x, XLAB_MAKER).unsettled, 8 * 333334);
    cr_assert_eq(xlab_account(x, C).unsettled, 0);
    cr_assert_eq(xlab_account(x, C).equity, -6000006);
    xlab_recount(x);
    xlab_free(x);
}

/* --- 2: deleveraging ------------------------------------------------------------------------------------- */

/* What the formulas of dYdX v4 say of a long in one market with margins of 5 % and 60 % of that: twins of the
 * bankruptcy quote, for the steps of a deleveraging. */
struct loser {
    int64_t size, quote, mark;
};

static int64_t worth(int64_t size, int64_t mark)
{
    return size * mark / 1000000; /* both positive and small here */
}

static int64_t margin(int64_t size, int64_t mark)
{
    const int64_t initial = (worth(size, mark) * 50000 + 999999) / 1000000;
    return (initial * 600000 + 999999) / 1000000;
}

/* Closes `size` of it: what it receives. */
static int64_t close_bankrupt(struct loser *l, int64_t size)
{
    const fl_i128 equity = l->quote + worth(l->size, l->mark); /* < 0 */
    const fl_i128 all = margin(l->size, l->mark);
    const fl_i128 freed = all - margin(l->size - size, l->mark);
    const int64_t part = worth(l->size, l->mark) - worth(l->size - size, l->mark);
    const int64_t quote = part + (int64_t)((-equity * freed + all - 1) / all);
    l->size -= size;
    l->quote += quote;
    return quote;
}

/* Shorts: A 4, B 3, D 2 (at 120), and 1 of the maker's, who has sold 10 and bought 9. The book is withdrawn. */
static struct xlab *shorts_against_c(const struct fl_model *policy)
{
    struct xlab *x = lab_with(policy, 0);
    open_at(x, 1);
    xlab_give(x, A, 100 * USD);
    xlab_give(x, B, 50 * USD);
    xlab_give(x, D, 20 * USD);
    xlab_price(x, 0, 120 * USD);
    xlab_trade(x, D, 0, -2 * UNIT, 119999999);
    xlab_price(x, 0, 100 * USD);
    xlab_trade(x, A, 0, -4 * UNIT, 99999999);
    xlab_trade(x, B, 0, -3 * UNIT, 99999999);
    buy_c(x);
    xlab_price(x, 0, 93 * USD);
    xlab_unquote(x, 0);
    cr_assert_eq(xlab_size(x, XLAB_MAKER, 0), -UNIT);
    return x;
}

struct take {
    uint32_t account;
    int64_t size;
};

/* After a liquidation: the records tell of these, in this order, at the bankruptcy price of each step. */
static void expect_taken(struct xlab *x, const struct take *takes, uint32_t count)
{
    struct loser loser = {.size = 10 * UNIT, .quote = -940000010, .mark = 93 * USD};
    int64_t adl = 0, closed = 0, quotes = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct fl_record *r = xlab_record(x, FL_RECORD_DELEVERAGED, i);
        cr_assert_not_null(r, "%u", i);
        const int64_t part = worth(loser.size, loser.mark) -
                             worth(loser.size - takes[i].size, loser.mark);
        const int64_t quote = close_bankrupt(&loser, takes[i].size);
        cr_assert_eq(r->v[0], C);
        cr_assert_eq(r->v[2], takes[i].account, "%u: %ld", i, (long)r->v[2]);
        cr_assert_eq(r->v[3], takes[i].size, "%u", i);
        cr_assert_eq(r->v[4], quote, "%u", i);
        cr_assert_eq(r->v[5], quote - part, "%u", i);
        adl += quote - part;
        closed += takes[i].size;
        quotes += quote;
    }
    cr_assert_null(xlab_record(x, FL_RECORD_DELEVERAGED, count));
    expect_liquidation(x, closed, quotes, 0);
    expect_deficit(x, 0, adl, 0, 0);
    cr_assert_eq(xlab_account(x, C).quote, loser.quote);
    cr_assert_eq(xlab_totals(x).deleveragings, count);
    xlab_recount(x);
}

/* Rank = (entry / mark) * (notional / equity) of a short, at 93:
 *   A  (399.999996 / 372) * (372 / 127.999996) = 3.125
 *   B  (299.999997 / 279) * (279 / 70.999997)  = 4.225
 *   D  (239.999998 / 186) * (186 / 73.999998)  = 3.243: less leverage than A, more profit
 *   the maker's leverage is next to nothing. */
Test(liquidation, deleverages_by_profit_and_leverage)
{
    struct xlab *x = shorts_against_c(&fl_model_ranked);
    const int64_t b = xlab_account(x, B).quote;
    cr_assert_eq(liquidate(x, 0), 0);
    expect_taken(
        x, (struct take[]){{B, 3 * UNIT}, {D, 2 * UNIT}, {A, 4 * UNIT}, {XLAB_MAKER, UNIT}}, 4);
    /* B closes 3 at ceil(94.000001): 279 + 3.000003 */
    cr_assert_eq(xlab_account(x, B).quote, b - 282000003);
    cr_assert_eq(xlab_account(x, C).quote, 0);
    xlab_free(x);
}

/* Accounts in their order, from a start that the height, the account and the market give. */
Test(liquidation, deleverages_in_pseudo_random_order)
{
    uint32_t starts = 0;
    for (int wait = 0; wait < 12; wait++) {
        static const struct take all[] = {
            {XLAB_MAKER, UNIT}, {A, 4 * UNIT}, {B, 3 * UNIT}, {D, 2 * UNIT}};
        struct xlab *x = shorts_against_c(&fl_model_pseudo_random);
        for (int i = 0; i < wait; i++) xlab_unquote(x, 0);
        const uint64_t key[3] = {fl_ledger_height(x->lab.ledger, x->lab.head) + 1, C, 0};
        const uint64_t start = fl_digest_of(key, sizeof key).lo % x->accounts;
        struct take order[4];
        uint32_t count = 0;
        for (uint32_t i = 0; i < x->accounts; i++)
            for (int k = 0; k < 4; k++)
                if (all[k].account == (start + i) % x->accounts) order[count++] = all[k];
        starts |= UINT32_C(1) << order[0].account;
        cr_assert_eq(liquidate(x, 0), 0);
        expect_taken(x, order, 4);
        xlab_free(x);
    }
    cr_assert_gt(__builtin_popcount(starts), 2, "not always the same");
}

/* 5 of 10 units in lots of 1, shorts 4, 3, 2, 1: shares of 2, 1.5, 1 and 0.5, in whole lots 2, 1, 1 and 0; the 1 left
 * goes to the largest: A. */
Test(liquidation, deleverages_in_proportion)
{
    struct xlab *x = shorts_against_c(&fl_model_pro_rata);
    x->market[0].lot = UNIT;
    x->exchange.liquidation.portion_ppm = 500000;
    x->exchange.liquidation.min_notional = 0;
    cr_assert_eq(liquidate(x, 0), 0);
    struct take takes[4]; /* the order of shares is not promised */
    for (uint32_t i = 0; i < 3; i++) {
        const uint32_t who = (uint32_t)xlab_record(x, FL_RECORD_DELEVERAGED, i)->v[2];
        takes[i] = (struct take){who, who == A ? 2 * UNIT : UNIT};
        cr_assert(who == A || who == B || who == D);
        for (uint32_t k = 0; k < i; k++) cr_assert_neq(takes[k].account, who);
    }
    takes[3] = (struct take){A, UNIT};
    expect_taken(x, takes, 4);
    xlab_free(x);
}

/* The most that a block may take over: two, then the next block the rest. */
Test(liquidation, deleveragings_of_a_block)
{
    struct xlab *x = shorts_against_c(&fl_model_ranked);
    x->exchange.deleveragings_per_block = 2;
    cr_assert_eq(liquidate(x, 0), 0);
    expect_taken(x, (struct take[]){{B, 3 * UNIT}, {D, 2 * UNIT}}, 2);
    cr_assert_eq(xlab_size(x, C, 0), 5 * UNIT);
    cr_assert_eq(liquidate(x, 0), 0);
    cr_assert_eq(xlab_totals(x).deleveragings, 4);
    cr_assert_eq(xlab_size(x, C, 0), 0);
    xlab_recount(x);
    xlab_free(x);
}

/* Keepers choose: nobody is taken but who is named, up to its size, as often as it is asked. */
Test(liquidation, keepers_choose)
{
    struct xlab *x = shorts_against_c(&fl_model_keeper_chosen);
    cr_assert_eq(liquidate(x, 0), FL_REFUSED_NO_QUOTE);
    const struct {
        int64_t account, market, counter;
        uint32_t expected;
    } refused[] = {{C, 0, KEEPER, FL_REFUSED_NO_QUOTE},  {C, 0, -1, FL_REFUSED_ARGUMENT},
                   {C, 0, 99, FL_REFUSED_ARGUMENT},      {C, 2, A, FL_REFUSED_ARGUMENT},
                   {A, 0, C, FL_REFUSED_HEALTHY},        {-1, 0, A, FL_REFUSED_ARGUMENT},
                   {XLAB_MAKER, 0, A, FL_REFUSED_SENDER}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_assert_eq(xlab_do(x, KEEPER, FL_TX_DELEVERAGE, refused[i].account, refused[i].market,
                             refused[i].counter, 0),
                     refused[i].expected, "%zu", i);
    cr_assert_eq(xlab_do(x, SPARE, FL_TX_DELEVERAGE, C, 0, D, 0), 0);
    expect_taken(x, (struct take[]){{D, 2 * UNIT}}, 1);
    cr_assert_eq(xlab_do(x, SPARE, FL_TX_DELEVERAGE, C, 1, D, 0), FL_REFUSED_NO_QUOTE);
    cr_assert_eq(xlab_do(x, SPARE, FL_TX_DELEVERAGE, C, 1, A, 0), 0);
    cr_assert_eq(xlab_size(x, C, 0), 4 * UNIT);
    /* itself: it says that nobody is left, but A and D are out, B's 3 and the maker's 1 are not, and take all of it */
    xlab_quote(x, 0, 93 * USD + 1);
    const int64_t missing = -xlab_account(x, C).equity;
    cr_assert_eq(xlab_do(x, KEEPER, FL_TX_DELEVERAGE, C, 1, C, 0), 0);
    cr_assert_eq(xlab_record(x, FL_RECORD_DEFICIT, 0)->v[3], missing);
    cr_assert_eq(xlab_record(x, FL_RECORD_DEFICIT, 0)->v[4], 0);
    cr_assert_eq(xlab_size(x, C, 0), 0);
    cr_assert_eq(xlab_account(x, C).quote, 0);
    xlab_recount(x);
    xlab_free(x);
    x = shorts_against_c(&fl_model_ranked);
    cr_assert_eq(xlab_do(x, KEEPER, FL_TX_DELEVERAGE, C, 0, A, 0), FL_REFUSED_SENDER);
    xlab_free(x);
}

/* What a block has done to positions fits a table of 4096: 600 accounts, 100 dollars each, bought a unit at 100 in each
 * of eight markets, and all prices halve. */
Test(liquidation, the_table_of_a_block_is_full)
{
    enum { STRUCK = 4096, ACCOUNTS = 600, MARKETS = 8, TXS = ACCOUNTS * MARKETS };
    struct xlab *x = xlab_new();
    struct big {
        struct fl_batch header;
        struct fl_tx tx[TXS];
    } *big = calloc(1, sizeof *big);
    xlab_open(x, MARKETS, 1, ACCOUNTS);
    xlab_give(x, XLAB_MAKER, 100000000 * USD);
    for (uint32_t m = 0; m < MARKETS; m++) {
        xlab_price(x, m, 100 * USD);
        xlab_quote(x, m, 100 * USD);
    }
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        xlab_give(x, x->first + i, 100 * USD);
        for (uint32_t m = 0; m < MARKETS; m++)
            cr_assert_eq(xlab_do(x, x->first + i, FL_TX_TRADE, UNIT, 0, m, 0), 0);
    }
    for (uint32_t m = 0; m < MARKETS; m++) {
        xlab_price(x, m, 50 * USD);
        xlab_quote(x, m, 50 * USD);
    }
    big->header = (struct fl_batch){.height = fl_ledger_height(x->lab.ledger, x->lab.head) + 1,
                                    .time = x->now,
                                    .tx_count = TXS};
    for (uint32_t i = 0; i < TXS; i++) {
        big->tx[i] = (struct fl_tx){.account = XLAB_MAKER,
                                    .kind = FL_TX_LIQUIDATE,
                                    .nonce = ++x->lab.nonce[XLAB_MAKER],
                                    .arg = {x->first + i / MARKETS, 1 + i % MARKETS}};
        lab_sign(&x->lab, &big->tx[i]);
    }
    cr_assert_eq(fl_ledger_execute(x->lab.ledger, x->lab.head, big, sizeof *big,
                                   (struct fl_digest){++x->lab.names, 5}, x->now, FL_NO_RECORD,
                                   &x->lab.done),
                 FL_EXECUTE_OK);
    for (uint32_t i = 0; i < TXS; i++)
        cr_assert_eq(x->lab.done.receipts[i].code, i < STRUCK ? 0 : FL_REFUSED_BLOCK_LIMIT, "%u",
                     i);
    x->lab.head = x->lab.done.version;
    xlab_recount(x);
    free(big);
    xlab_free(x);
}

/* B has sold 3 at 88.499999 with 13.4 USD: at 93 it has -0.100003 and can give up nothing, though it ranks by nothing
 * at all; D's bankruptcy price overlaps. B is passed over, D's 2 are taken, then the maker's. */
Test(liquidation, counterparties_with_nothing_to_give_are_passed_over)
{
    struct xlab *x = lab_with(&fl_model_ranked, 0);
    open_at(x, 1);
    buy_c(x);
    xlab_give(x, B, 13400000);
    xlab_give(x, D, 50 * USD);
    xlab_trade(x, D, 0, -2 * UNIT, 99999999);
    xlab_price(x, 0, 88500000);
    xlab_trade(x, B, 0, -3 * UNIT, 88499999);
    xlab_price(x, 0, 93 * USD);
    xlab_unquote(x, 0);
    cr_assert_lt(xlab_account(x, B).equity, 0);
    cr_assert_eq(liquidate(x, 0), 0);
    expect_taken(x, (struct take[]){{D, 2 * UNIT}, {XLAB_MAKER, 5 * UNIT}}, 2);
    cr_assert_eq(xlab_size(x, C, 0), 3 * UNIT);
    cr_assert_eq(xlab_size(x, B, 0), -3 * UNIT);
    /* and with keepers to choose, in so many words */
    x->exchange.deleveraging.model = &fl_model_keeper_chosen;
    cr_assert_eq(xlab_do(x, KEEPER, FL_TX_DELEVERAGE, C, 0, B, 0), FL_REFUSED_NO_QUOTE);
    xlab_free(x);
}

/* All stages in one liquidation, at a mark of 93 with a depth of 1 unit for 1 %. Fillable: (930 - 41.85) / 10 = 88.815,
 * 4.5 % below: the average of 9 units. The fund cannot pay for so many: the book is refused whole. B takes
 * over 3; the other 7 go at 3.5 % less, 89.745, the fund pays its 3, and the rest is socialised. */
Test(liquidation, stage_by_stage)
{
    struct xlab *x = lab_with(&fl_model_ranked, 3 * USD);
    x->exchange.deleveragings_per_block = 1;
    open_at(x, 1);
    xlab_give(x, B, 50 * USD);
    xlab_give(x, A, 100 * USD);
    xlab_trade(x, A, 0, 2 * UNIT, 100000001);
    xlab_trade(x, B, 0, -3 * UNIT, 99999999);
    buy_c(x);
    xlab_price(x, 0, 93 * USD);
    cr_assert_eq(xlab_do(x, XLAB_MAKER, FL_TX_QUOTE, 93 * USD, 0, UNIT, 0), 0);
    struct loser loser = {.size = 10 * UNIT, .quote = -940000010, .mark = 93 * USD};
    const int64_t taken = close_bankrupt(&loser, 3 * UNIT);
    const int64_t sold = 7 * 89745000, wanted = -loser.quote; /* its bankruptcy quote for all */
    cr_assert_eq(liquidate(x, 0), 0);
    expect_liquidation(x, 10 * UNIT, taken + sold, -3 * USD);
    expect_deficit(x, 3 * USD, taken - 279 * USD, wanted - sold - 3 * USD, 0);
    cr_assert_eq(xlab_account(x, C).quote, 0);
    cr_assert_eq(xlab_totals(x).fund, 0);
    /* A's 2 and the maker's 2 bear it */
    const int64_t rise = (wanted - sold - 3 * USD + 3) / 4;
    cr_assert_eq(xlab_account(x, A).unsettled, 2 * rise);
    cr_assert_eq(xlab_account(x, XLAB_MAKER).unsettled, 2 * rise);
    cr_assert_eq(xlab_account(x, B).unsettled, 0);
    xlab_recount(x);
    xlab_free(x);
}

/* C and D have sold so many units at 1 USD, and the oracle, which may lie, says `price` then; the book agrees if it can.
 * All deficits together may be 10^12 USD: what would go beyond is not closed, nor the run stopped, be it for
 * deleveraging, the fund or any price. */
Test(liquidation, deficits_have_a_bound)
{
    static const struct {
        const struct fl_model *policy;
        int64_t fund, price, units[2];
        bool done[2];
    } cases[] = {
        /* 9 * 10^11 and 2 * 10^12 USD to be given up; then each less than the bound, but not both */
        {&fl_model_ranked, 0, FL_ORACLE_PRICE_MAX, {900, 2000}, {true, false}},
        {&fl_model_ranked, 0, FL_ORACLE_PRICE_MAX, {600, 600}, {true, false}},
        {&fl_model_ranked, 0, FL_ORACLE_PRICE_MAX, {400, 500}, {true, true}},
        /* sold at any price, at the highest that a maker may quote: 5 * 10^11 each, and C's loss on D */
        {&fl_model_nobody, 0, FL_QUOTE_MID_MAX, {50000, 50000}, {true, false}},
        {&fl_model_nobody, 0, FL_QUOTE_MID_MAX, {50000, 1000}, {true, true}},
        /* 9 * 10^11 given up, as it is more than a block's share of the fund; then 2 * 10^11 for the fund */
        {&fl_model_ranked, FL_MONEY_MAX / 2, FL_QUOTE_MID_MAX, {90000, 20000}, {true, false}},
        {&fl_model_ranked, FL_MONEY_MAX / 2, FL_QUOTE_MID_MAX, {70000, 20000}, {true, true}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bool quoted = cases[i].price <= FL_QUOTE_MID_MAX;
        struct xlab *x = lab_with(cases[i].policy, cases[i].fund);
        x->exchange.insurance_per_block = FL_MONEY_MAX / 10 * 3;
        xlab_open(x, 1, 1, TRADERS);
        xlab_price(x, 0, USD);
        xlab_give(x, XLAB_MAKER, 1000000 * USD);
        for (uint32_t k = 0; k < 2; k++) {
            xlab_give(x, C + k, 10000 * USD);
            xlab_trade(x, C + k, 0, -cases[i].units[k] * UNIT, 999999);
        }
        xlab_price(x, 0, cases[i].price);
        if (quoted) xlab_quote(x, 0, cases[i].price);
        if (!quoted) xlab_unquote(x, 0);
        for (uint32_t k = 0; k < 2; k++) {
            const struct fl_totals before = xlab_totals(x);
            const uint32_t code = xlab_do(x, KEEPER, FL_TX_LIQUIDATE, C + k, 0, 0, 0);
            const struct fl_totals after = xlab_totals(x);
            cr_assert_eq(code == 0, cases[i].done[k], "%zu %u: %u", i, k, code);
            cr_assert_eq(xlab_size(x, C + k, 0), code ? -cases[i].units[k] * UNIT : 0);
            cr_assert_eq(after.deficit > before.deficit, code == 0, "%zu %u: %u, %ld", i, k, code,
                         (long)(after.deficit - before.deficit));
            xlab_recount(x);
        }
        /* the exchange itself fares no better */
        const struct fl_totals before = xlab_totals(x);
        x->exchange.liquidations_per_block = 3;
        lab_begin(&x->lab, x->now);
        lab_run(&x->lab);
        const struct fl_totals after = xlab_totals(x);
        cr_assert_eq(after.deficit, before.deficit, "%zu", i);
        cr_assert_eq(after.liquidations, before.liquidations);
        xlab_recount(x);
        xlab_free(x);
    }
}

/* --- the exchange's own, and its order ------------------------------------------------------------------- */

enum { CROWD = 36, CROWD_MARKETS = 3, CROWD_MOST = 24 };

static struct xlab *crowd(uint64_t *random, const struct fl_model *policy)
{
    struct xlab *x = lab_with(policy, lab_between(random, 0, 1) ? 0 : 30 * USD);
    x->exchange.liquidator_share_ppm = 0;
    x->exchange.liquidation.portion_ppm = lab_between(random, 0, 2) ? 1000000 : 250000;
    x->exchange.liquidation.min_notional = 50 * USD;
    xlab_open(x, CROWD_MARKETS, 1, CROWD);
    for (uint32_t i = 0; i < CROWD_MARKETS; i++) xlab_price(x, i, 100 * USD);
    xlab_give(x, XLAB_MAKER, 1000000 * USD);
    for (uint32_t i = 0; i < CROWD_MARKETS; i++) xlab_quote(x, i, 100 * USD);
    for (uint32_t i = x->first; i < x->accounts; i++) {
        xlab_give(x, i, lab_between(random, 20, 60) * USD);
        for (int64_t n = lab_between(random, 1, 3); n > 0; n--)
            xlab_do(x, i, FL_TX_TRADE, lab_between(random, -4, 6) * 700001, 0,
                    lab_between(random, 0, CROWD_MARKETS - 1), 0);
    }
    for (uint32_t i = 0; i < CROWD_MARKETS; i++) {
        const int64_t price = lab_between(random, 88, 104) * USD + lab_between(random, 0, 99);
        xlab_price(x, i, price);
        /* not enough for all, or nothing */
        const int64_t depth = lab_between(random, 0, 3) ? lab_between(random, 1, 60) * 10000 : 0;
        cr_assert_eq(xlab_do(x, XLAB_MAKER, FL_TX_QUOTE, price, 200, depth, i), 0);
    }
    return x;
}

/* The account with the lowest collateral over maintenance that is below maintenance and not yet tried in vain, by a
 * look at all of them. UINT32_MAX: none. */
static uint32_t slow_first(const struct xlab *x, const bool *vain)
{
    uint32_t first = UINT32_MAX;
    struct fl_account best = {0};
    for (uint32_t i = 0; i < x->accounts; i++) {
        const struct fl_account a = xlab_account(x, i);
        if (a.maker || vain[i] || a.maintenance == 0 || a.equity >= a.maintenance) continue;
        if (first != UINT32_MAX &&
            (fl_i128)a.equity * best.maintenance >= (fl_i128)best.equity * a.maintenance)
            continue;
        first = i;
        best = a;
    }
    return first;
}

struct order {
    uint32_t account[CROWD_MOST], count;
    bool made[CROWD_MOST]; /* or in vain */
};

/* One keeper's transaction for each attempt, the next one chosen at the state that those before it lead to: the block
 * is executed anew, on a fork, with one transaction more. Leaves the head at the last. */
static struct order slow_order(struct xlab *x, uint32_t most)
{
    const fl_version parent = x->lab.head;
    struct order order = {.count = 0};
    bool vain[1 + 1 + CROWD] = {false};
    for (;;) {
        x->lab.head = parent;
        lab_begin(&x->lab, x->now);
        for (uint32_t i = 0; i < order.count; i++)
            xlab_tx(x, XLAB_REPORTER, FL_TX_LIQUIDATE, order.account[i], 0, 0, 0);
        lab_run(&x->lab);
        for (uint32_t i = 0; i < order.count; i++)
            order.made[i] = x->lab.done.receipts[i].code == 0;
        if (order.count > 0 && !order.made[order.count - 1])
            vain[order.account[order.count - 1]] = true;
        const uint32_t next = slow_first(x, vain);
        if (order.count == most || next == UINT32_MAX) return order;
        order.account[order.count++] = next;
    }
}

/* The exchange's own liquidations are those a slow look at everybody after each fill would make: same accounts, same
 * order, and the same accounts after them. */
Test(liquidation, own_liquidations_take_the_lowest_ratio_first)
{
    static const struct fl_model *const policies[] = {&fl_model_nobody, &fl_model_ranked,
                                                      &fl_model_pseudo_random, &fl_model_pro_rata};
    uint64_t random = 7, several = 0, made = 0, vain = 0;
    for (int round = 0; round < 240; round++) {
        struct xlab *x = crowd(&random, policies[round % 4]);
        const uint32_t most = (uint32_t)lab_between(&random, 1, CROWD_MOST);
        const fl_version parent = x->lab.head;
        const struct order want = slow_order(x, most);
        const fl_version slow = x->lab.head;
        x->exchange.liquidations_per_block = most;
        x->lab.head = parent;
        lab_begin(&x->lab, x->now);
        lab_run(&x->lab);
        const struct fl_record *r;
        uint32_t got = 0, next = 0;
        for (; next < want.count; next++) {
            if (!want.made[next]) {
                vain++;
                continue;
            }
            r = xlab_record(x, FL_RECORD_LIQUIDATION, got++);
            cr_assert(r != NULL && r->v[0] == want.account[next], "round %d", round);
        }
        cr_assert_null(xlab_record(x, FL_RECORD_LIQUIDATION, got));
        made += got;
        several += got > 3;
        const fl_version own = x->lab.head;
        for (uint32_t i = 0; i < x->accounts; i++) {
            x->lab.head = slow;
            const struct fl_account a = xlab_account(x, i);
            x->lab.head = own;
            const struct fl_account b = xlab_account(x, i);
            /* An attempt in vain has booked what is due, which a refused transaction does not: one
             * settlement more, one rounding more. */
            const int64_t more = a.unsettled != b.unsettled;
            cr_assert(a.quote - b.quote >= 0 && a.quote - b.quote <= more, "round %d, account %u",
                      round, i);
            cr_assert_eq(a.equity - a.quote, b.equity - b.quote);
            cr_assert_eq(a.maintenance, b.maintenance);
        }
        xlab_recount(x);
        xlab_free(x);
    }
    cr_assert(several > 60 && made > 500, "%lu %lu", several, made);
    cr_assert_gt(vain, 0);
}

/* Of equals the lower account; 10^-6 USD less makes the difference. */
Test(liquidation, of_equal_ratios_the_lower_account)
{
    for (int less = 0; less <= 1; less++) {
        struct xlab *x = lab_with(&fl_model_nobody, 0);
        x->exchange.liquidations_per_block = 1;
        open_at(x, 1);
        xlab_give(x, D, 60 * USD - less);
        xlab_trade(x, D, 0, 10 * UNIT, 100000001);
        buy_c(x);
        xlab_quote(x, 0, 96 * USD + 1);
        xlab_price(x, 0, 96 * USD);
        cr_assert_eq(xlab_record(x, FL_RECORD_LIQUIDATION, 0)->v[0], less ? D : C);
        cr_assert_null(xlab_record(x, FL_RECORD_LIQUIDATION, 1));
        struct fl_liquidatable list;
        lab_ask(&x->lab, XLAB_EXCHANGE, FL_ASK_LIQUIDATABLE, 0, &list, sizeof list);
        cr_assert(list.total == 1 && list.at[0].account == (less ? C : D));
        xlab_free(x);
    }
}

/* B, short of 3 in C's market, is below maintenance, 3.499997 to 8.37, until C's deleveraging takes it out of it; D, in
 * another market, 24.99999 to 28.95, is next: of two attempts none goes to B. */
Test(liquidation, who_is_cured_by_a_deleveraging_is_not_tried)
{
    struct xlab *x = lab_with(&fl_model_ranked, 0);
    open_at(x, 2);
    buy_c(x);
    xlab_give(x, D, 60 * USD);
    xlab_trade(x, D, 1, 10 * UNIT, 100000001);
    xlab_give(x, B, 17 * USD);
    xlab_price(x, 0, 88500000);
    xlab_trade(x, B, 0, -3 * UNIT, 88499999);
    xlab_unquote(x, 0);
    xlab_quote(x, 1, 96500001);
    x->exchange.liquidations_per_block = 2;
    lab_begin(&x->lab, x->now);
    xlab_report(x, 0, 93 * USD);
    xlab_report(x, 1, 96500000);
    lab_run(&x->lab);
    cr_assert_eq(xlab_record(x, FL_RECORD_DELEVERAGED, 0)->v[2], B);
    cr_assert_eq(xlab_record(x, FL_RECORD_LIQUIDATION, 0)->v[0], C);
    cr_assert_not_null(xlab_record(x, FL_RECORD_LIQUIDATION, 1));
    cr_assert_eq(xlab_record(x, FL_RECORD_LIQUIDATION, 1)->v[0], D);
    xlab_recount(x);
    xlab_free(x);
}

/* D is sound by 0.134995 USD. C's loss, socialised, takes it below maintenance: the same block goes on with it. */
Test(liquidation, who_falls_by_a_socialised_loss_is_next)
{
    struct xlab *x = lab_with(&fl_model_nobody, 0);
    open_at(x, 1);
    buy_c(x);
    xlab_price(x, 0, 93 * USD);
    xlab_give(x, D, 30 * USD);
    xlab_trade(x, D, 0, 5 * UNIT, 93000001); /* 25 are the margin to open; 13.95 that to keep */
    cr_assert_eq(xlab_do(x, D, FL_TX_WITHDRAW, 6700000, 0, 0, 0), 0);
    xlab_price(x, 0, 91100000); /* 23.3 - 9.500005 - 13.665 */
    xlab_quote(x, 0, 91100001);
    cr_assert_geq(xlab_account(x, D).equity, xlab_account(x, D).maintenance);
    x->exchange.liquidations_per_block = 5;
    lab_begin(&x->lab, x->now);
    lab_run(&x->lab);
    cr_assert_eq(xlab_record(x, FL_RECORD_LIQUIDATION, 0)->v[0], C);
    cr_assert_gt(xlab_totals(x).socialised, 0);
    cr_assert_not_null(xlab_record(x, FL_RECORD_LIQUIDATION, 1));
    cr_assert_eq(xlab_record(x, FL_RECORD_LIQUIDATION, 1)->v[0], D);
    xlab_recount(x);
    xlab_free(x);
}
