/* The perpetual market: values of dYdX's tests, examples worked out by hand to the last unit, and a
 * slow twin of all its arithmetic on random transactions. Money below is in 10^-6 USD, sizes in
 * 10^-6 units. */
#include "tests/lib/ledger_fixture.h"

extern const struct fl_model fl_model_feed, fl_model_median, fl_model_perpetual;

/* Laid out as the parameters of the two contracts. */
struct feed_params {
    struct fl_submodel aggregator;
    struct fl_groups reporters;
    int64_t quorum, max_age;
};
struct perp_params {
    uint32_t oracle, liquidity;
    int64_t initial_ppm, maintenance_ppm;
    int64_t trading_fee_ppm, liquidation_fee_ppm, liquidator_share_ppm;
    int64_t insurance_fund;
    int64_t quote_max_age;
};

enum { REPORTER, LP, FIRST, FEED = 0, PERP = 1 };
#define USD ((int64_t)1000000)
#define SECOND FL_SECOND

struct market {
    struct lab lab;
    struct feed_params feed;
    struct perp_params perp;
    int64_t round;
    fl_time now;
};

static struct perp_params usual(void)
{
    return (struct perp_params){.oracle = FEED,
                                .liquidity = 1,
                                .initial_ppm = 50000,
                                .maintenance_ppm = 30000,
                                .trading_fee_ppm = 0,
                                .liquidation_fee_ppm = 10000,
                                .liquidator_share_ppm = 500000,
                                .quote_max_age = 60 * SECOND};
}

/* Account 0 reports, 1 is the liquidity account, `others` more. */
static struct market *open_market(struct perp_params perp, uint32_t others)
{
    static const uint32_t reporters[1] = {0};
    struct market *m = calloc(1, sizeof *m);
    lab_group(&m->lab, 1);
    lab_group(&m->lab, 1);
    lab_group(&m->lab, others);
    m->feed = (struct feed_params){
        .aggregator = {&fl_model_median, NULL}, {.count = 1, .first = reporters}, 1, 100 * SECOND};
    m->perp = perp;
    lab_contract(&m->lab, &fl_model_feed, &m->feed);
    lab_contract(&m->lab, &fl_model_perpetual, &m->perp);
    lab_open(&m->lab);
    m->now = SECOND;
    return m;
}

static void close_market(struct market *m)
{
    lab_close(&m->lab);
    free(m);
}

static uint32_t act(struct market *m, uint32_t account, uint16_t kind, int64_t a, int64_t b,
                    int64_t c)
{
    return lab_do(&m->lab, m->now, account, PERP, kind, a, b, c);
}

static void oracle(struct market *m, int64_t price)
{
    cr_assert_eq(lab_do(&m->lab, m->now, REPORTER, FEED, FL_TX_REPORT, price, m->now, ++m->round),
                 0);
}

/* A quote so deep that impact is below one unit of price, as long as size * mid stays below 2 * 10^17:
 * buys fill at mid + 1, sells at mid - 1. */
static void quote_at(struct market *m, int64_t mid)
{
    cr_assert_eq(act(m, LP, FL_TX_QUOTE, mid, 0, 1000000000000000), 0);
}

static void give(struct market *m, uint32_t account, int64_t amount)
{
    cr_assert_eq(act(m, account, FL_TX_DEPOSIT, amount, 0, 0), 0);
}

static struct fl_account account_of(const struct market *m, uint32_t account)
{
    struct fl_account out;
    lab_ask(&m->lab, PERP, FL_ASK_ACCOUNT, account, &out, sizeof out);
    return out;
}

static struct fl_totals totals_of(const struct market *m)
{
    struct fl_totals out;
    lab_ask(&m->lab, PERP, FL_ASK_TOTALS, 0, &out, sizeof out);
    return out;
}

static bool listed(const struct market *m, uint32_t account)
{
    struct fl_liquidatable out;
    lab_ask(&m->lab, PERP, FL_ASK_LIQUIDATABLE, account, &out, sizeof out);
    return out.count > 0 && out.account[0] == account;
}

/* Full recount: money is conserved, positions cancel, nothing is negative that may not be. */
static void recount(const struct market *m)
{
    const uint32_t accounts = m->lab.config.facts.accounts;
    fl_i128 money = 0, size = 0, longs = 0;
    for (uint32_t i = 0; i < accounts; i++) {
        const struct fl_account a = account_of(m, i);
        money += (fl_i128)a.quote + a.unsettled;
        size += a.size;
        longs += a.size > 0 ? a.size : 0;
        cr_assert_geq(a.unsettled, 0);
    }
    const struct fl_totals t = totals_of(m);
    cr_assert(money + t.fund + t.fees + t.dust - t.receivable ==
              (fl_i128)t.deposits - t.withdrawals);
    cr_assert(size == 0 && longs == t.open_interest);
    cr_assert(t.fund >= 0 && t.fees >= 0 && t.dust >= 0 && t.receivable >= 0);
    cr_assert_eq(t.deficit, t.fund_paid + t.socialised + t.outstanding);
}

/* ------------------------------------------------------------------------------------------------
 * By hand
 * --------------------------------------------------------------------------------------------- */

/* mid 2000, half spread 385 ppm, depth 50 units per 1 % (10^4 ppm): impact 200 ppm for each unit of
 * (taken before + half of the fill); fee 5 bp. */
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
    struct perp_params p = usual();
    p.trading_fee_ppm = 500;
    struct market *m = open_market(p, 3);
    oracle(m, 2000 * USD);
    give(m, LP, 1000000 * USD);
    give(m, FIRST, 50000 * USD);
    cr_assert_eq(act(m, LP, FL_TX_QUOTE, 2000 * USD, 385, 50000000), 0);
    int64_t quote = 50000 * USD, size = 0, fees = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        /* one unit better than the fill is refused, and leaves no trace: the fill is as it was */
        const int64_t better = cases[i].price + (cases[i].size > 0 ? -1 : 1);
        cr_assert_eq(act(m, FIRST, FL_TX_TRADE, cases[i].size, better, 0), FL_REFUSED_LIMIT);
        cr_assert_eq(act(m, FIRST, FL_TX_TRADE, cases[i].size, cases[i].price, 0), 0, "%zu", i);
        quote += cases[i].quote - cases[i].fee;
        size += cases[i].size;
        fees += cases[i].fee;
        const struct fl_account taker = account_of(m, FIRST), maker = account_of(m, LP);
        cr_assert_eq(taker.quote, quote, "%zu", i);
        cr_assert_eq(taker.size, size);
        cr_assert_eq(maker.quote, 1050000 * USD - quote - fees);
        cr_assert_eq(maker.size, -size);
        cr_assert_eq(totals_of(m).fees, fees);
        const uint32_t id = fl_records_find(m->lab.records, FL_RECORD_FILL, FIRST, LP);
        const struct fl_record *note = fl_records_get(m->lab.records, id);
        cr_assert(note->v[2] == cases[i].size && note->v[3] == cases[i].quote &&
                  note->v[4] == cases[i].fee);
        recount(m);
    }
    /* A new quote forgets what was taken: the first fill again. */
    cr_assert_eq(act(m, LP, FL_TX_QUOTE, 2000 * USD, 385, 50000000), 0);
    cr_assert_eq(act(m, FIRST, FL_TX_TRADE, 12500000, 2003269999, 0), FL_REFUSED_LIMIT);
    cr_assert_eq(act(m, FIRST, FL_TX_TRADE, 12500000, 2003270000, 0), 0);

    /* Impact of the average ends at 50 %: half of the fill = 50 depths. Depth 0.05: 5 units. */
    cr_assert_eq(act(m, LP, FL_TX_QUOTE, 2000 * USD, 0, 50000), 0);
    cr_assert_eq(act(m, FIRST, FL_TX_TRADE, -5000001, 0, 0), FL_REFUSED_LIMIT);
    cr_assert_eq(act(m, FIRST, FL_TX_TRADE, -5000000, 1000 * USD, 0), 0, "at half the price");
    cr_assert_eq(act(m, FIRST, FL_TX_TRADE, -1, 0, 0), FL_REFUSED_LIMIT);

    /* The quote's age: 60 s are good, one nanosecond more is not. */
    m->now += 60 * SECOND;
    cr_assert_eq(act(m, FIRST, FL_TX_TRADE, 1, 0, 0), 0);
    m->now += 1;
    cr_assert_eq(act(m, FIRST, FL_TX_TRADE, 1, 0, 0), FL_REFUSED_NO_QUOTE);
    recount(m);
    close_market(m);
}

/* dYdX v4-chain 84d4664b, liquidations_test.go, TestIsLiquidatable: 0.1 BTC at 50,000, maintenance
 * 10 % (20 % * 50 %): not liquidatable with a quote balance of -4500 USDC, which is exactly the
 * requirement; liquidatable with -4501; and one unit below the requirement. */
Test(perpetual, liquidatable_as_on_dydx)
{
    static const struct {
        int64_t quote;
        bool expected;
    } cases[] = {
        {-4500000000, false}, {-4501000000, true}, {-4500000001, true}, {-4499999999, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int64_t side = -1; side <= 1; side += 2) {
            struct perp_params p = usual();
            p.initial_ppm = p.maintenance_ppm = 100000;
            struct market *m = open_market(p, 2);
            give(m, LP, 100000 * USD);
            /* Bought at 50000.000001: -ceil(0.1 * that) = -5000.000001. Opened while the oracle
             * favours it. Short: sold at 49999.999999, +floor = 4999.999999; mirrored about N. */
            oracle(m, 50000 * USD + side * 100 * USD);
            quote_at(m, 50000 * USD);
            give(m, FIRST, cases[i].quote + 5000000001);
            cr_assert_eq(act(m, FIRST, FL_TX_TRADE, side * 100000, 0, 0), 0);
            cr_assert_eq(account_of(m, FIRST).quote,
                         side > 0 ? cases[i].quote : 10000000000 + cases[i].quote);
            oracle(m, 50000 * USD);
            cr_assert_eq(listed(m, FIRST), cases[i].expected, "%zu", i);
            cr_assert_eq(act(m, FIRST + 1, FL_TX_LIQUIDATE, FIRST, 0, 0),
                         cases[i].expected ? 0 : FL_REFUSED_HEALTHY, "%zu", i);
            cr_assert_eq(account_of(m, FIRST).size, cases[i].expected ? 0 : side * 100000);
            cr_assert_not(listed(m, FIRST));
            recount(m);
            close_market(m);
        }
    }
}

/* Requirements round up once: size 1.000001 at 100.5 is N = 100.5001005 -> 100.500100 (toward 0),
 * 3 % of it 3.015003 exactly; at 100.533333: N = 100.533433533 -> 100.533433, 3.01600299 -> 3.016003.
 * A quote of MMR - N is just enough, one unit less is not. */
Test(perpetual, requirements_round_up_and_notionals_toward_zero)
{
    static const struct {
        int64_t price, value, mmr;
    } cases[] = {{100500000, 100500100, 3015003}, {100533333, 100533433, 3016003}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int64_t side = -1; side <= 1; side += 2) {
            for (int64_t less = 0; less <= 1; less++) {
                struct market *m = open_market(usual(), 2);
                give(m, LP, 1000 * USD);
                oracle(m, 100 * USD);
                quote_at(m, 100 * USD);
                give(m, FIRST, 100 * USD);
                cr_assert_eq(act(m, FIRST, FL_TX_TRADE, side * 1000001, 0, 0), 0);
                const int64_t wanted = cases[i].mmr - side * cases[i].value - less;
                const int64_t surplus = account_of(m, FIRST).quote - wanted;
                /* withdraw down to it while the oracle favours the position */
                oracle(m, side > 0 ? 110 * USD : 90 * USD);
                cr_assert_eq(act(m, FIRST, FL_TX_WITHDRAW, surplus, 0, 0), 0);
                oracle(m, cases[i].price);
                cr_assert_eq(listed(m, FIRST), less == 1, "%zu %d", i, (int)side);
                close_market(m);
            }
        }
    }
}

/* A account is left with (deposit - 1000.00001 + 800) after its long of 10 units, bought at
 * 100.000001, was closed at 80: -1,000,000,010 and +800,000,000. Others: A long 3, B short 1, so that
 * afterwards A 3, B -1, LP -2 are open: 6 units. */
struct ending {
    int64_t deposit, fund; /* before */
    int64_t left, keeper, fund_after, paid, socialised, outstanding;
    int64_t charge[3], dust; /* A, B, LP, all settled */
};

static void end_it(const struct ending *e, bool others)
{
    enum { A = FIRST, B, C, KEEPER };
    struct perp_params p = usual();
    p.insurance_fund = e->fund;
    struct market *m = open_market(p, 4);
    oracle(m, 100 * USD);
    quote_at(m, 100 * USD);
    give(m, LP, 100000 * USD);
    give(m, A, 1000 * USD);
    give(m, B, 1000 * USD);
    if (others) {
        cr_assert_eq(act(m, A, FL_TX_TRADE, 3000000, 0, 0), 0);
        cr_assert_eq(act(m, B, FL_TX_TRADE, -1000000, 0, 0), 0);
    }
    give(m, C, e->deposit);
    cr_assert_eq(act(m, C, FL_TX_TRADE, 10000000, 0, 0), 0);
    cr_assert_eq(account_of(m, C).quote, e->deposit - 1000000010);
    oracle(m, 80 * USD);
    quote_at(m, 80 * USD + 1); /* sells fill at 80 */
    const uint32_t three[3] = {A, B, LP};
    int64_t before[3];
    for (int i = 0; i < 3; i++) {
        before[i] = account_of(m, three[i]).quote;
    }
    cr_assert_eq(act(m, KEEPER, FL_TX_LIQUIDATE, C, 0, 0), 0);
    const struct fl_totals t = totals_of(m);
    cr_assert_eq(account_of(m, C).quote, e->left);
    cr_assert_eq(account_of(m, C).size, 0);
    cr_assert_eq(account_of(m, KEEPER).quote, e->keeper);
    cr_assert_eq(t.fund, e->fund_after);
    cr_assert_eq(t.deficit, e->paid + e->socialised + e->outstanding);
    cr_assert_eq(t.fund_paid, e->paid);
    cr_assert_eq(t.socialised, e->socialised);
    cr_assert_eq(t.outstanding, e->outstanding);
    cr_assert_eq(t.receivable, e->socialised);
    cr_assert(t.liquidations == 1 && t.liquidated_usd == 800 * USD);
    recount(m);
    for (int i = 0; i < 3; i++) { /* charged at once, booked when touched */
        const struct fl_account a = account_of(m, three[i]);
        const int64_t sold = i == 2 ? -800 * USD : 0; /* LP paid for the position */
        cr_assert_eq(a.quote, before[i] + sold - e->charge[i], "%d", i);
        cr_assert_eq(a.unsettled, e->charge[i]);
    }
    for (int i = 0; i < 3; i++) {
        give(m, three[i], 1);
        cr_assert_eq(account_of(m, three[i]).unsettled, 0);
        recount(m);
    }
    cr_assert(totals_of(m).receivable == 0 && totals_of(m).dust == e->dust);

    /* The story: liquidation, and its deficit as its child. */
    struct fl_records *r = m->lab.records;
    const uint32_t id = fl_records_find(r, FL_RECORD_LIQUIDATION, C, 1);
    const struct fl_record *note = fl_records_get(r, id);
    cr_assert(note->v[2] == 10000000 && note->v[3] == e->deposit - 1000000010 &&
              note->v[4] == 800 * USD);
    cr_assert_eq(note->v[5], e->keeper + e->fund_after - e->fund + e->paid);
    const uint32_t deficit = fl_records_find(r, FL_RECORD_DEFICIT, C, 1);
    cr_assert_eq(deficit != FL_NO_RECORD, t.deficit > 0);
    if (deficit) {
        note = fl_records_get(r, deficit);
        cr_assert_eq(note->parent, id);
        cr_assert(note->v[2] == t.deficit && note->v[3] == e->paid && note->v[4] == e->socialised &&
                  note->v[5] == e->outstanding);
    }
    close_market(m);
}

Test(perpetual, bankruptcies_by_hand)
{
    /* with others in the market: deposit, fund | left, keeper, fund after, paid, socialised,
     * outstanding, charges, dust */
    static const struct ending shared[] = {
        /* 10 USD over: the fee is 1 % of 800, half of it for the keeper */
        {210000010, 7, 2 * USD, 4 * USD, 4 * USD + 7, 0, 0, 0, {0, 0, 0}, 0},
        /* 8 USD over: exactly the fee; 7.999999: all of it, keeper floor(7999999 / 2) */
        {208000010, 0, 0, 4 * USD, 4 * USD, 0, 0, 0, {0, 0, 0}, 0},
        {208000009, 0, 0, 3999999, 4 * USD, 0, 0, 0, {0, 0, 0}, 0},
        {200000011, 0, 0, 0, 1, 0, 0, 0, {0, 0, 0}, 0},
        /* exactly nothing left */
        {200000010, 0, 0, 0, 0, 0, 0, 0, {0, 0, 0}, 0},
        /* one unit short, no fund: rise ceil(10^12 / 6,000,000) = 166,667; charges ceil(0.500001),
         * ceil(0.166667), ceil(0.333334): 3 collected for 1 */
        {200000009, 0, 0, 0, 0, 0, 1, 0, {1, 1, 1}, 2},
        {200000009, 1, 0, 0, 0, 1, 0, 0, {0, 0, 0}, 0},
        /* 100.000001 short. No fund: rise ceil(100000001 * 10^12 / 6 * 10^6) = 16666666833334;
         * charges ceil(50000000.500002), ceil(16666666.833334), ceil(33333333.666668) */
        {100000009, 0, 0, 0, 0, 0, 100000001, 0, {50000001, 16666667, 33333334}, 1},
        /* the fund exactly enough; one unit more than enough; one unit short */
        {100000009, 100000001, 0, 0, 0, 100000001, 0, 0, {0, 0, 0}, 0},
        {100000009, 100000002, 0, 0, 1, 100000001, 0, 0, {0, 0, 0}, 0},
        {100000009, 100000000, 0, 0, 0, 100000000, 1, 0, {1, 1, 1}, 2},
        /* 99.99999 short, 40 in the fund: rise 59999990 * 10^12 / 6 * 10^6 = 9999998333333.3 up;
         * charges ceil(29999995.000002), ceil(9999998.333334), ceil(19999996.666668) */
        {100000020, 40 * USD, 0, 0, 0, 40 * USD, 59999990, 0, {29999996, 9999999, 19999997}, 2},
    };
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
        end_it(&shared[i], true);
    }
    /* nobody else has a position: the account keeps what the fund cannot pay */
    static const struct ending alone[] = {
        {100000009, 0, -100000001, 0, 0, 0, 0, 100000001, {0, 0, 0}, 0},
        {100000009, 100000000, -1, 0, 0, 100000000, 0, 1, {0, 0, 0}, 0},
    };
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++) {
        end_it(&alone[i], false);
    }
}

/* A loss of 10,000 USD on an open interest of one unit of 10^-6 each way: the index leaves 64 bits,
 * the two charges are half of it each. */
Test(perpetual, a_big_loss_on_a_tiny_open_interest)
{
    enum { A = FIRST, C };
    struct market *m = open_market(usual(), 3);
    oracle(m, 100000 * USD);
    quote_at(m, 100000 * USD);
    give(m, LP, 900000000 * USD);
    give(m, A, 20000 * USD);
    give(m, C, 10000 * USD);
    cr_assert_eq(act(m, A, FL_TX_TRADE, 1, 0, 0), 0);
    cr_assert_eq(act(m, C, FL_TX_TRADE, 1000000, 0, 0), 0); /* 100,000.000001 */
    oracle(m, 80000 * USD);
    quote_at(m, 80000 * USD + 1);
    cr_assert_eq(act(m, A, FL_TX_LIQUIDATE, C, 0, 0), 0);
    cr_assert_eq(totals_of(m).socialised, 10000000001);
    cr_assert_eq(account_of(m, A).unsettled, 5000000001); /* 5000.0000005 up */
    cr_assert_eq(account_of(m, LP).unsettled, 5000000001);
    cr_assert_not(listed(m, A));
    recount(m);
    give(m, A, 1);
    give(m, LP, 1);
    cr_assert(totals_of(m).receivable == 0 && totals_of(m).dust == 1);
    recount(m);
    close_market(m);
}

Test(perpetual, refusals)
{
    enum { A = FIRST, B, EMPTY, ACCOUNTS };
    const int64_t e15 = 1000000000000000, e13 = 10000000000000;
    struct market *m = open_market(usual(), 3);
    const struct {
        uint32_t account;
        uint16_t kind;
        int64_t a, b, c;
        uint32_t expected;
    } early[] = {
        /* before there is a price or a quote */
        {A, FL_TX_DEPOSIT, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {A, FL_TX_DEPOSIT, -1, 0, 0, FL_REFUSED_ARGUMENT},
        {A, FL_TX_DEPOSIT, e15 + 1, 0, 0, FL_REFUSED_ARGUMENT},
        {A, FL_TX_DEPOSIT, INT64_MAX, 0, 0, FL_REFUSED_ARGUMENT},
        {A, FL_TX_DEPOSIT, 100 * USD, 0, 0, 0},
        {A, FL_TX_WITHDRAW, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {A, FL_TX_WITHDRAW, -1, 0, 0, FL_REFUSED_ARGUMENT},
        {A, FL_TX_WITHDRAW, INT64_MIN, 0, 0, FL_REFUSED_ARGUMENT},
        {A, FL_TX_WITHDRAW, 100 * USD + 1, 0, 0, FL_REFUSED_MARGIN},
        {A, FL_TX_WITHDRAW, 1, 0, 0, 0}, /* no position: no price needed */
        {A, FL_TX_TRADE, 1, 0, 0, FL_REFUSED_NO_PRICE},
        {B, FL_TX_LIQUIDATE, A, 0, 0, FL_REFUSED_NO_PRICE},
        {A, FL_TX_QUOTE, 100 * USD, 0, 1, FL_REFUSED_SENDER},
        {LP, FL_TX_QUOTE, 0, 0, 1, FL_REFUSED_ARGUMENT},
        {LP, FL_TX_QUOTE, e13 + 1, 0, 1, FL_REFUSED_ARGUMENT},
        {LP, FL_TX_QUOTE, 1, -1, 1, FL_REFUSED_ARGUMENT},
        {LP, FL_TX_QUOTE, 1, 500000, 1, FL_REFUSED_ARGUMENT},
        {LP, FL_TX_QUOTE, 1, 0, 0, FL_REFUSED_ARGUMENT},
        {LP, FL_TX_QUOTE, 1, 0, e15 + 1, FL_REFUSED_ARGUMENT},
        {A, 0, 1, 1, 1, FL_REFUSED_ARGUMENT},
        {A, 999, 1, 1, 1, FL_REFUSED_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof early / sizeof early[0]; i++) {
        cr_assert_eq(act(m, early[i].account, early[i].kind, early[i].a, early[i].b, early[i].c),
                     early[i].expected, "early %zu", i);
    }
    oracle(m, 100 * USD);
    cr_assert_eq(act(m, A, FL_TX_TRADE, 1, 0, 0), FL_REFUSED_NO_QUOTE);
    quote_at(m, 100 * USD);
    cr_assert_eq(act(m, A, FL_TX_TRADE, 1, 0, 0), FL_REFUSED_NO_QUOTE, "LP cannot back it");
    give(m, LP, 10000 * USD);
    /* A has 99.999999. n units at 100.000001 leave NC = 99.999999 - n * 0.000001, the loss rounded
     * up, against IMR 5 n: 19.999995 units leave 99.999979 and need 99.999975; 19.999996 leave as
     * much and need 99.99998. */
    const struct {
        uint32_t account;
        uint16_t kind;
        int64_t a, b, c;
        uint32_t expected;
    } late[] = {
        {A, FL_TX_TRADE, 0, 0, 0, FL_REFUSED_ARGUMENT},
        {A, FL_TX_TRADE, e15 + 1, 0, 0, FL_REFUSED_ARGUMENT},
        {A, FL_TX_TRADE, INT64_MIN, 0, 0, FL_REFUSED_ARGUMENT},
        {A, FL_TX_TRADE, 1, -1, 0, FL_REFUSED_ARGUMENT},
        {LP, FL_TX_TRADE, 1, 0, 0, FL_REFUSED_SENDER},
        {A, FL_TX_TRADE, 19999996, 0, 0, FL_REFUSED_MARGIN},
        {A, FL_TX_TRADE, 19999995, 100 * USD, 0, FL_REFUSED_LIMIT},
        {A, FL_TX_TRADE, 19999995, 100 * USD + 1, 0, 0},
        {A, FL_TX_TRADE, 1, 0, 0, FL_REFUSED_MARGIN},
        {A, FL_TX_WITHDRAW, 5, 0, 0, FL_REFUSED_MARGIN},
        {A, FL_TX_WITHDRAW, 4, 0, 0, 0}, /* 99.999979 - 99.999975 */
        {B, FL_TX_LIQUIDATE, A, 0, 0, FL_REFUSED_HEALTHY},
        {B, FL_TX_LIQUIDATE, EMPTY, 0, 0, FL_REFUSED_HEALTHY},
        {B, FL_TX_LIQUIDATE, LP, 0, 0, FL_REFUSED_SENDER},
        {B, FL_TX_LIQUIDATE, -1, 0, 0, FL_REFUSED_ARGUMENT},
        {B, FL_TX_LIQUIDATE, ACCOUNTS, 0, 0, FL_REFUSED_ARGUMENT},
        {B, FL_TX_LIQUIDATE, INT64_MAX, 0, 0, FL_REFUSED_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof late / sizeof late[0]; i++) {
        cr_assert_eq(act(m, late[i].account, late[i].kind, late[i].a, late[i].b, late[i].c),
                     late[i].expected, "late %zu", i);
    }
    /* Below the initial margin at 98: NC 60, IMR 98, MMR 58.8. Reducing is allowed, flipping or
     * growing is not, nor reducing into insolvency. */
    oracle(m, 98 * USD);
    quote_at(m, 98 * USD);
    cr_assert_eq(act(m, A, FL_TX_TRADE, 1, 0, 0), FL_REFUSED_MARGIN);
    cr_assert_eq(act(m, A, FL_TX_WITHDRAW, 1, 0, 0), FL_REFUSED_MARGIN);
    cr_assert_eq(act(m, A, FL_TX_TRADE, -39000000, 0, 0), FL_REFUSED_MARGIN, "flips");
    cr_assert_eq(act(m, A, FL_TX_TRADE, -1000000, 0, 0), 0);
    quote_at(m, 90 * USD); /* the market is far below the oracle */
    cr_assert_eq(act(m, A, FL_TX_TRADE, -18999995, 0, 0), FL_REFUSED_MARGIN, "insolvent");
    cr_assert_eq(act(m, A, FL_TX_TRADE, -1000000, 0, 0), 0, "52 left of 88.2: not below 0");
    /* The oracle falls silent: no trade, no liquidation, no list; deposits still work. */
    m->now += 50 * SECOND;
    oracle(m, 90 * USD);
    cr_assert(listed(m, A));
    m->now += 100 * SECOND;
    quote_at(m, 90 * USD);
    cr_assert(listed(m, A));
    m->now += 1;
    quote_at(m, 90 * USD);
    cr_assert_not(listed(m, A));
    cr_assert_eq(act(m, B, FL_TX_LIQUIDATE, A, 0, 0), FL_REFUSED_NO_PRICE);
    cr_assert_eq(act(m, A, FL_TX_WITHDRAW, 1, 0, 0), FL_REFUSED_NO_PRICE);
    give(m, A, 1);
    m->now += 60 * SECOND;
    oracle(m, 90 * USD);
    m->now += 1;
    cr_assert_eq(act(m, B, FL_TX_LIQUIDATE, A, 0, 0), FL_REFUSED_NO_QUOTE);
    quote_at(m, 90 * USD);
    cr_assert_eq(act(m, A, FL_TX_LIQUIDATE, A, 0, 0), 0, "anyone: itself, too");
    recount(m);
    close_market(m);
}

/* What may just be: a position of 10^9 units, 10^12 USD on an account and in all, and a position
 * reduced with exactly nothing left. */
Test(perpetual, bounds)
{
    enum { A = FIRST, B };
    const int64_t e15 = 1000000000000000;
    struct market *m = open_market(usual(), 2);
    oracle(m, 1000); /* 0.001 USD */
    cr_assert_eq(act(m, LP, FL_TX_QUOTE, 1000, 0, e15), 0);
    give(m, LP, 200000 * USD);
    give(m, A, 200000 * USD);
    give(m, B, 200000 * USD);
    cr_assert_eq(act(m, A, FL_TX_TRADE, e15, 0, 0), 0);
    cr_assert_eq(act(m, A, FL_TX_TRADE, 1, 0, 0), FL_REFUSED_ARGUMENT);
    cr_assert_eq(act(m, B, FL_TX_TRADE, 1, 0, 0), FL_REFUSED_ARGUMENT, "nor may LP sell more");
    cr_assert_eq(act(m, B, FL_TX_TRADE, -1, 0, 0), 0);
    recount(m);
    close_market(m);

    m = open_market(usual(), 2);
    lab_begin(&m->lab, m->now);
    for (int i = 0; i < 999; i++) {
        lab_tx(&m->lab, A, PERP, FL_TX_DEPOSIT, e15, 0, 0);
    }
    lab_run(&m->lab);
    cr_assert_eq(act(m, A, FL_TX_DEPOSIT, e15 - 1, 0, 0), 0);
    cr_assert_eq(act(m, A, FL_TX_DEPOSIT, 2, 0, 0), FL_REFUSED_ARGUMENT);
    cr_assert_eq(act(m, A, FL_TX_DEPOSIT, 1, 0, 0), 0);
    cr_assert_eq(account_of(m, A).quote, 1000 * e15);
    cr_assert_eq(act(m, B, FL_TX_DEPOSIT, 1, 0, 0), FL_REFUSED_ARGUMENT, "the sum of deposits");
    recount(m);
    close_market(m);

    /* 10 units bought at 100.000001, 9 of them sold at 90, the last is worth 92:
     * 98.00001 - 1000.00001 + 810 + 92 = 0, below the initial margin of 4.6. */
    for (int64_t less = 0; less <= 1; less++) {
        m = open_market(usual(), 2);
        oracle(m, 100 * USD);
        quote_at(m, 100 * USD);
        give(m, LP, 10000 * USD);
        give(m, A, 98000010 - less);
        cr_assert_eq(act(m, A, FL_TX_TRADE, 10000000, 0, 0), 0);
        oracle(m, 92 * USD);
        quote_at(m, 90 * USD + 1);
        cr_assert_eq(act(m, A, FL_TX_TRADE, -9000000, 0, 0), less ? FL_REFUSED_MARGIN : 0);
        cr_assert_eq(account_of(m, A).quote, less ? -902000001 : -92 * USD);
        close_market(m);
    }
}

Test(perpetual, questions_and_observables)
{
    enum { TRADERS = 600 };
    struct perp_params p = usual();
    p.insurance_fund = 1234;
    struct market *m = open_market(p, TRADERS);
    oracle(m, 100 * USD);
    give(m, LP, 100000 * USD);
    quote_at(m, 100 * USD);
    lab_begin(&m->lab, m->now);
    for (uint32_t i = 0; i < TRADERS; i++) {
        lab_tx(&m->lab, FIRST + i, PERP, FL_TX_DEPOSIT, 6 * USD, 0, 0);
    }
    lab_run(&m->lab);
    lab_begin(&m->lab, m->now);
    for (uint32_t i = 0; i < TRADERS; i++) { /* every 100th stays out */
        lab_tx(&m->lab, FIRST + i, PERP, FL_TX_TRADE, i % 100 ? 1000000 : 0, 0, 0);
    }
    lab_run(&m->lab);
    recount(m);
    oracle(m, 95 * USD); /* NC 1, MMR 2.85 */
    uint32_t pages[3] = {0}, seen = 0, at = 0, page = 0;
    struct fl_liquidatable list;
    while (at < TRADERS + FIRST) {
        lab_ask(&m->lab, PERP, FL_ASK_LIQUIDATABLE, at, &list, sizeof list);
        cr_assert(list.next > at && page < 3);
        for (uint32_t i = 0; i < list.count; i++) {
            const uint32_t who = list.account[i] - FIRST;
            cr_assert(who % 100 != 0 && list.account[i] >= at && list.account[i] < list.next);
            cr_assert(i == 0 || list.account[i] > list.account[i - 1]);
            seen++;
        }
        pages[page++] = list.count;
        at = list.next;
    }
    cr_assert(pages[0] == 256 && pages[1] == 256 && pages[2] == 594 - 512 && seen == 594);

    struct fl_market_terms terms;
    lab_ask(&m->lab, PERP, FL_ASK_MARKET, 0, &terms, sizeof terms);
    cr_assert(terms.initial_ppm == 50000 && terms.maintenance_ppm == 30000 &&
              terms.liquidation_fee_ppm == 10000 && terms.liquidity_account == LP &&
              terms.accounts == TRADERS + 2 && terms.oracle == FEED);
    const struct fl_query wrong[] = {
        {PERP, FL_ASK_ACCOUNT, {-1}},
        {PERP, FL_ASK_ACCOUNT, {TRADERS + 2}},
        {PERP, FL_ASK_ACCOUNT, {INT64_MAX}},
        {PERP, FL_ASK_PRICE, {0}},
        {PERP, 99, {0}},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_assert_eq(fl_ledger_query(m->lab.ledger, m->lab.head, &wrong[i], &list,
                                     sizeof(struct fl_account)),
                     FL_READ_UNKNOWN);
    }

    /* In the order of the observables; 594 trades of one unit at 100.000001. */
    int64_t seen_values[16];
    fl_ledger_observe(m->lab.ledger, m->lab.head, PERP, seen_values);
    const int64_t expected[16] = {
        1234, 0,         0,   0,  1234 + 100000 * USD + TRADERS * 6 * USD, 0, 0, 0, 0, 0, 0, 0,
        0,    594000000, 595, 594};
    for (int i = 0; i < 16; i++) {
        cr_assert_eq(seen_values[i], expected[i], "%s", fl_model_perpetual.observables[i].name);
    }
    cr_assert_null(fl_model_perpetual.observables[16].name);
    close_market(m);
}

/* ------------------------------------------------------------------------------------------------
 * The twin: whole transactions on a copy of the whole state, plain divisions, every socialised loss
 * kept in a list.
 * --------------------------------------------------------------------------------------------- */

enum { TWIN_ACCOUNTS = 24, TWIN_RISES = 20000 };
struct twin_account {
    fl_i128 quote, size;
    uint32_t rises_paid;
};
struct twin {
    struct twin_account account[TWIN_ACCOUNTS];
    struct fl_totals t;
    fl_i128 mid, half_spread, depth, taken[2]; /* by [is a buy] */
    fl_time quoted_at;
    int64_t trades;
    uint32_t rises;
    int64_t report;
    fl_time reported_at;
};
static fl_i128 twin_rise[TWIN_RISES];

static fl_i128 floor_div(fl_i128 a, fl_i128 b)
{
    fl_i128 q = a / b;
    return q * b > a ? q - 1 : q;
}

static fl_i128 ceil_div(fl_i128 a, fl_i128 b)
{
    return -floor_div(-a, b);
}

static fl_i128 absolute(fl_i128 a)
{
    return a < 0 ? -a : a;
}

static fl_i128 twin_value(fl_i128 size, fl_i128 price)
{
    const fl_i128 whole = floor_div(absolute(size) * price, 1000000);
    return size < 0 ? -whole : whole;
}

static fl_i128 twin_owed(const struct twin *t, uint32_t i)
{
    fl_i128 rise = 0;
    for (uint32_t k = t->account[i].rises_paid; k < t->rises; k++) {
        rise += twin_rise[k];
    }
    return ceil_div(rise * absolute(t->account[i].size), 1000000000000);
}

static void twin_settle(struct twin *t, uint32_t i)
{
    const fl_i128 owed = twin_owed(t, i);
    t->account[i].quote -= owed;
    t->account[i].rises_paid = t->rises;
    const int64_t left = (int64_t)(t->t.receivable - owed);
    t->t.receivable = left > 0 ? left : 0;
    t->t.dust += left > 0 ? 0 : -left;
}

static bool twin_liquidatable(const struct twin *t, uint32_t i, int64_t price,
                              const struct perp_params *p)
{
    const fl_i128 n = twin_value(t->account[i].size, price);
    const fl_i128 mmr = ceil_div(absolute(n) * p->maintenance_ppm, 1000000);
    return i != LP && mmr > 0 && t->account[i].quote - twin_owed(t, i) + n < mmr;
}

static bool twin_enough(const struct twin_account *a, fl_i128 before, int64_t price,
                        const struct perp_params *p)
{
    const fl_i128 n = twin_value(a->size, price), nc = a->quote + n;
    const bool smaller = before > 0 ? a->size >= 0 && a->size < before
                                    : a->size <= 0 && a->size > before;
    return nc >= ceil_div(absolute(n) * p->initial_ppm, 1000000) || (smaller && nc >= 0);
}

/* 0 or the refusal. */
static uint32_t twin_fill(struct twin *t, uint32_t who, fl_i128 size, fl_i128 limit, int64_t price,
                          const struct perp_params *p, fl_i128 *flow)
{
    const int side = size > 0;
    const fl_i128 middle2 = 2 * t->taken[side] + absolute(size); /* twice the middle of the fill */
    /* impact = middle2 / 2 * 10^4 / depth <= 5 * 10^5 ppm */
    if (middle2 * 10000 > 2 * 500000 * t->depth) {
        return FL_REFUSED_LIMIT;
    }
    /* mid * (10^6 +- (half_spread + impact)) / 10^6 over the common denominator 2 depth 10^6 */
    const fl_i128 plus = 2 * t->depth * t->half_spread + middle2 * 10000;
    const fl_i128 below = 2 * t->depth * 1000000;
    const fl_i128 at = side ? ceil_div(t->mid * (below + plus), below)
                            : floor_div(t->mid * (below - plus), below);
    if (at <= 0 || (limit && side && at > limit) || (limit && !side && at < limit)) {
        return FL_REFUSED_LIMIT;
    }
    *flow = floor_div(-size * at, 1000000); /* down is against the taker, whichever the sign */
    const fl_i128 lp_before = t->account[LP].size;
    t->account[who].quote += *flow;
    t->account[who].size += size;
    t->account[LP].quote -= *flow;
    t->account[LP].size -= size;
    t->taken[side] += absolute(size);
    const fl_i128 most = 1000000000000000;
    if (absolute(t->account[who].size) > most || absolute(t->account[LP].size) > most ||
        absolute(t->account[who].quote) > most * 1000 ||
        absolute(t->account[LP].quote) > most * 1000) {
        return FL_REFUSED_ARGUMENT;
    }
    return twin_enough(&t->account[LP], lp_before, price, p) ? 0 : FL_REFUSED_NO_QUOTE;
}

static uint32_t twin_trade(struct twin *t, const struct fl_tx *tx, int64_t price, bool quoted,
                           const struct perp_params *p)
{
    const fl_i128 size = tx->arg[0], before = t->account[tx->account].size;
    if (size == 0 || absolute(size) > 1000000000000000 || tx->arg[1] < 0) {
        return FL_REFUSED_ARGUMENT;
    }
    if (tx->account == LP || !price || !quoted) {
        return tx->account == LP ? FL_REFUSED_SENDER
               : !price          ? FL_REFUSED_NO_PRICE
                                 : FL_REFUSED_NO_QUOTE;
    }
    twin_settle(t, tx->account);
    twin_settle(t, LP);
    fl_i128 flow = 0;
    const uint32_t refused = twin_fill(t, tx->account, size, tx->arg[1], price, p, &flow);
    if (refused) {
        return refused;
    }
    const fl_i128 fee = ceil_div(absolute(flow) * p->trading_fee_ppm, 1000000);
    t->account[tx->account].quote -= fee;
    t->t.fees += (int64_t)fee;
    t->trades++;
    if (absolute(t->account[tx->account].quote) > 1000000000000000000) {
        return FL_REFUSED_ARGUMENT;
    }
    return twin_enough(&t->account[tx->account], before, price, p) ? 0 : FL_REFUSED_MARGIN;
}

static uint32_t twin_liquidate(struct twin *t, const struct fl_tx *tx, int64_t price, bool quoted,
                               const struct perp_params *p, uint32_t accounts)
{
    if (tx->arg[0] < 0 || tx->arg[0] >= accounts) {
        return FL_REFUSED_ARGUMENT;
    }
    const uint32_t who = (uint32_t)tx->arg[0];
    if (who == LP || !price) {
        return who == LP ? FL_REFUSED_SENDER : FL_REFUSED_NO_PRICE;
    }
    if (!twin_liquidatable(t, who, price, p) || !quoted) {
        return quoted || !twin_liquidatable(t, who, price, p) ? FL_REFUSED_HEALTHY
                                                              : FL_REFUSED_NO_QUOTE;
    }
    twin_settle(t, who);
    twin_settle(t, LP);
    twin_settle(t, tx->account);
    const fl_i128 closed = t->account[who].size;
    fl_i128 flow = 0;
    const uint32_t refused = twin_fill(t, who, -closed, 0, price, p, &flow);
    if (refused) {
        return refused;
    }
    fl_i128 fee = ceil_div(absolute(flow) * p->liquidation_fee_ppm, 1000000);
    fl_i128 *quote = &t->account[who].quote;
    fee = *quote < 0 ? 0 : fee > *quote ? *quote : fee;
    const fl_i128 share = floor_div(fee * p->liquidator_share_ppm, 1000000);
    *quote -= fee;
    t->account[tx->account].quote += share;
    t->t.fund += (int64_t)(fee - share);
    t->t.liquidations++;
    const fl_i128 liquidated = t->t.liquidated_usd + absolute(twin_value(closed, price));
    t->t.liquidated_usd =
        (int64_t)(liquidated < 1000000000000000000 ? liquidated : 1000000000000000000);
    if (*quote < 0) {
        const int64_t missing = (int64_t) - *quote;
        const int64_t paid = missing < t->t.fund ? missing : t->t.fund, rest = missing - paid;
        fl_i128 open = 0;
        for (uint32_t i = 0; i < accounts; i++) {
            open += absolute(t->account[i].size);
        }
        t->t.fund -= paid;
        t->t.fund_paid += paid;
        t->t.deficit += missing;
        *quote = 0;
        if (open == 0) {
            *quote = -rest;
            t->t.outstanding += rest;
        } else if (rest > 0) {
            cr_assert(t->rises < TWIN_RISES);
            twin_rise[t->rises++] = ceil_div((fl_i128)rest * 1000000000000, open);
            t->t.socialised += rest;
            t->t.receivable += rest;
        }
    }
    return 0;
}

static uint32_t twin_money(struct twin *t, const struct fl_tx *tx, int64_t price,
                           const struct perp_params *p)
{
    struct twin_account *a = &t->account[tx->account];
    const int64_t amount = tx->arg[0];
    if (amount <= 0 || amount > 1000000000000000) {
        return FL_REFUSED_ARGUMENT;
    }
    twin_settle(t, tx->account);
    if (tx->kind == FL_TX_DEPOSIT) {
        a->quote += amount;
        t->t.deposits += amount;
        return 0;
    }
    a->quote -= amount;
    t->t.withdrawals += amount;
    if (a->size != 0 && !price) {
        return FL_REFUSED_NO_PRICE;
    }
    const fl_i128 n = twin_value(a->size, price);
    return a->quote + n >= ceil_div(absolute(n) * p->initial_ppm, 1000000) ? 0 : FL_REFUSED_MARGIN;
}

static uint32_t twin_quote(struct twin *t, const struct fl_tx *tx, fl_time now)
{
    if (tx->account != LP) {
        return FL_REFUSED_SENDER;
    }
    if (tx->arg[0] < 1 || tx->arg[0] > 10000000000000 || tx->arg[1] < 0 || tx->arg[1] > 499999 ||
        tx->arg[2] < 1 || tx->arg[2] > 1000000000000000) {
        return FL_REFUSED_ARGUMENT;
    }
    t->mid = tx->arg[0];
    t->half_spread = tx->arg[1];
    t->depth = tx->arg[2];
    t->quoted_at = now;
    t->taken[0] = t->taken[1] = 0;
    return 0;
}

static int64_t twin_price(const struct twin *t, fl_time now)
{
    return now - t->reported_at <= 100 * SECOND ? t->report : 0;
}

/* No balance and no sum beyond 10^12 USD. */
static bool twin_in_bounds(const struct twin *t, uint32_t accounts)
{
    bool good = true;
    for (uint32_t i = 0; i < accounts; i++) {
        good = good && absolute(t->account[i].quote) <= 1000000000000000000;
    }
    int64_t totals[sizeof t->t / sizeof(int64_t)];
    memcpy(totals, &t->t, sizeof totals);
    for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++) {
        good = good && totals[i] <= 1000000000000000000;
    }
    return good;
}

/* Runs on a copy and keeps it if nothing was refused. */
static uint32_t twin_run(struct twin *t, const struct fl_tx *tx, fl_time now,
                         const struct perp_params *p, uint32_t accounts)
{
    struct twin next = *t;
    uint32_t code = FL_REFUSED_ARGUMENT;
    const int64_t price = twin_price(t, now);
    const bool quoted = t->mid > 0 && now - t->quoted_at <= p->quote_max_age;
    if (tx->contract == FEED) {
        next.report = tx->arg[0];
        next.reported_at = tx->arg[1];
        code = 0;
    } else if (tx->kind == FL_TX_DEPOSIT || tx->kind == FL_TX_WITHDRAW) {
        code = twin_money(&next, tx, price, p);
    } else if (tx->kind == FL_TX_TRADE) {
        code = twin_trade(&next, tx, price, quoted, p);
    } else if (tx->kind == FL_TX_QUOTE) {
        code = twin_quote(&next, tx, now);
    } else if (tx->kind == FL_TX_LIQUIDATE) {
        code = twin_liquidate(&next, tx, price, quoted, p, accounts);
    }
    fl_i128 open = 0;
    for (uint32_t i = 0; i < accounts; i++) {
        open += next.account[i].size > 0 ? next.account[i].size : 0;
    }
    next.t.open_interest = (int64_t)open;
    if (code || !twin_in_bounds(&next, accounts)) {
        return code ? code : FL_REFUSED_ARGUMENT;
    }
    *t = next;
    return 0;
}

/* --- random markets ---------------------------------------------------------------------------- */

struct play {
    struct market *m;
    struct twin twin;
    uint64_t random;
    uint32_t accounts;
    int64_t price; /* what reports are about */
    bool wild;     /* amounts up to their bounds: only whether, not why, is compared */
    uint64_t refused[FL_REFUSED_ARGUMENT + 1];
};

static int64_t chance(struct play *play, int64_t one_in)
{
    return lab_between(&play->random, 1, one_in) == 1;
}

/* A number of any magnitude up to `most`, of either sign now and then. */
static int64_t wild_number(struct play *play, int64_t most)
{
    const int64_t shift = lab_between(&play->random, 0, 49);
    const int64_t value = lab_between(&play->random, 0, most) >> shift;
    return chance(play, 9) ? -value : value;
}

/* Size worth so many dollars. */
static int64_t dollars(const struct play *play, int64_t usd)
{
    return fl_clamp(fl_mul_div_floor(usd * USD, USD, play->price), 1, 1000000000000000);
}

/* Near what the account's margin allows, either way. */
static int64_t bold_size(struct play *play, uint32_t who)
{
    const int64_t quote = (int64_t)play->twin.account[who].quote;
    const int64_t most = fl_clamp(quote, USD, 500 * USD) / USD * 1000000 /
                         play->m->perp.initial_ppm;
    const int64_t size = dollars(play, lab_between(&play->random, 1, most + 1));
    return chance(play, 2) ? size : -size;
}

/* Whom to liquidate: the first one due from somewhere on, or just anyone. */
static int64_t victim(struct play *play)
{
    const uint32_t from = (uint32_t)lab_between(&play->random, 0, play->accounts - 1);
    const int64_t price = twin_price(&play->twin, play->m->now);
    for (uint32_t i = from; price && i < play->accounts; i++) {
        if (twin_liquidatable(&play->twin, i, price, &play->m->perp)) {
            return i;
        }
    }
    return from;
}

static void add_report(struct play *play)
{
    const int64_t spread = chance(play, 25) ? 300000 : 30000;
    const int64_t ppm = 1000000 + lab_between(&play->random, -spread, spread);
    play->price = fl_clamp(fl_mul_div_floor(play->price, ppm, 1000000), 3, 9000000000000);
    if (play->wild && chance(play, 20)) {
        play->price = 3 + fl_abs(wild_number(play, 8999999999990));
    }
    lab_tx(&play->m->lab, REPORTER, FEED, FL_TX_REPORT, play->price, play->m->now,
           ++play->m->round);
}

static void add_quote(struct play *play)
{
    const int64_t off = chance(play, 15) ? 200000 : 5000;
    const int64_t ppm = 1000000 + lab_between(&play->random, -off, off);
    const int64_t mid = fl_mul_div_floor(play->price, ppm, 1000000);
    const int64_t depth = play->wild ? wild_number(play, 1100000000000000)
                                     : dollars(play, lab_between(&play->random, 50, 3000));
    const int64_t half_spread = lab_between(&play->random, -1, 1200);
    lab_tx(&play->m->lab, chance(play, 40) ? FIRST : LP, PERP, FL_TX_QUOTE, mid, half_spread,
           depth);
}

static void add_random_tx(struct play *play)
{
    uint64_t *random = &play->random;
    struct lab *lab = &play->m->lab;
    const uint32_t who = (uint32_t)lab_between(random, 0, play->accounts - 1);
    const int64_t roll = lab_between(random, 0, 99);
    const int64_t amount = play->wild ? wild_number(play, 1100000000000000)
                                      : lab_between(random, -1, 200 * USD);
    if (roll < 12) {
        add_report(play);
    } else if (roll < 24) {
        add_quote(play);
    } else if (roll < 34) {
        lab_tx(lab, who, PERP, FL_TX_DEPOSIT, amount, 0, 0);
    } else if (roll < 42) {
        lab_tx(lab, who, PERP, FL_TX_WITHDRAW, amount / 2, 0, 0);
    } else if (roll < 74) {
        const int64_t size = play->wild ? wild_number(play, 1100000000000000)
                                        : bold_size(play, who);
        const int64_t limit = chance(play, 3) ? play->price : 0;
        lab_tx(lab, who, PERP, FL_TX_TRADE, size, limit, 0);
    } else if (roll < 76) { /* closes exactly */
        lab_tx(lab, who, PERP, FL_TX_TRADE, (int64_t)-play->twin.account[who].size, 0, 0);
    } else if (roll < 99) {
        lab_tx(lab, who, PERP, FL_TX_LIQUIDATE, victim(play), 0, 0);
    } else {
        lab_tx(lab, who, PERP, (uint16_t)lab_between(random, 0, 7), INT64_MIN + 1, INT64_MAX, 0);
    }
}

static void compare_with_twin(const struct play *play)
{
    const struct market *m = play->m;
    struct fl_liquidatable list;
    lab_ask(&m->lab, PERP, FL_ASK_LIQUIDATABLE, 0, &list, sizeof list);
    uint32_t expected = 0;
    for (uint32_t i = 0; i < play->accounts; i++) {
        const struct fl_account got = account_of(m, i);
        const struct twin_account *want = &play->twin.account[i];
        const fl_i128 owed = twin_owed(&play->twin, i);
        cr_assert(got.size == want->size && got.unsettled == owed &&
                  got.quote == want->quote - owed);
        const int64_t price = twin_price(&play->twin, m->now);
        if (price && twin_liquidatable(&play->twin, i, price, &m->perp)) {
            cr_assert(expected < list.count && list.account[expected] == i);
            expected++;
        }
    }
    cr_assert_eq(list.count, expected);
    const struct fl_totals totals = totals_of(m), twin = play->twin.t;
    cr_assert_eq(memcmp(&totals, &twin, sizeof totals), 0);
    int64_t seen[16];
    fl_ledger_observe(m->lab.ledger, m->lab.head, PERP, seen);
    cr_assert_eq(seen[15], play->twin.trades);
    cr_assert_eq(seen[10], twin.socialised + twin.outstanding);
}

static void play_batch(struct play *play, int64_t txs)
{
    struct market *m = play->m;
    m->now += lab_between(&play->random, 0, 12) * SECOND;
    m->now += chance(play, 60) * 95 * SECOND;
    lab_begin(&m->lab, m->now);
    for (int64_t i = 0; i < txs; i++) {
        add_random_tx(play);
    }
    lab_run(&m->lab);
    for (uint32_t i = 0; i < txs; i++) {
        const struct fl_tx *tx = &m->lab.batch.tx[i];
        const uint32_t want = twin_run(&play->twin, tx, m->now, &m->perp, play->accounts);
        const uint32_t got = m->lab.done.receipts[i].code;
        cr_assert_eq(got == 0, want == 0, "kind %d: %u, twin %u", tx->kind, got, want);
        cr_assert(play->wild || got == want, "kind %d: %u, twin %u", tx->kind, got, want);
        play->refused[got]++;
    }
    recount(m);
    compare_with_twin(play);
}

static void draw_market(struct play *play, uint64_t seed)
{
    uint64_t *random = &play->random;
    struct perp_params p = usual();
    *play = (struct play){.random = seed, .price = 20 * USD, .wild = seed % 5 == 4};
    p.initial_ppm = lab_between(random, 10000, 150000);
    p.maintenance_ppm = lab_between(random, 1000, p.initial_ppm);
    p.trading_fee_ppm = lab_between(random, 0, 2000);
    p.liquidation_fee_ppm = lab_between(random, 0, 30000);
    p.liquidator_share_ppm = lab_between(random, 0, 1000000);
    p.insurance_fund = chance(play, 2) ? 0 : lab_between(random, 1, 500 * USD);
    play->accounts = seed % 3 == 0 ? 4 : TWIN_ACCOUNTS; /* with two traders, positions vanish */
    play->m = open_market(p, play->accounts - 2);
    play->twin.t.fund = play->twin.t.deposits = p.insurance_fund;
}

Test(perpetual, random_transactions_agree_with_the_twin, .timeout = 60)
{
    enum { MARKETS = 40, BATCHES = 250, TXS = 20 };
    uint64_t refused[FL_REFUSED_ARGUMENT + 1] = {0};
    struct fl_totals sum = {0};
    for (uint64_t seed = 100; seed < 100 + MARKETS; seed++) {
        cr_log_info("seed %llu", (unsigned long long)seed);
        struct play *play = calloc(1, sizeof *play);
        draw_market(play, seed);
        lab_begin(&play->m->lab, play->m->now);
        lab_tx(&play->m->lab, LP, PERP, FL_TX_DEPOSIT, (seed % 2 ? 300 : 20000) * USD, 0, 0);
        twin_run(&play->twin, &play->m->lab.batch.tx[0], play->m->now, &play->m->perp,
                 play->accounts);
        lab_run(&play->m->lab);
        for (int i = 0; i < BATCHES; i++) {
            const fl_version before = play->m->lab.head;
            play_batch(play, TXS);
            if (i % 10 == 9) { /* the base lags a block behind the head */
                fl_ledger_advance(play->m->lab.ledger, before);
            }
            if (i % 50 == 49) {
                cr_assert(
                    fl_digest_equal(fl_ledger_state(play->m->lab.ledger, play->m->lab.head),
                                    fl_ledger_rehash(play->m->lab.ledger, play->m->lab.head)));
            }
        }
        for (int i = 0; i <= FL_REFUSED_ARGUMENT; i++) {
            refused[i] += play->refused[i];
        }
        const struct fl_totals t = totals_of(play->m);
        if (!play->wild) {
            sum.liquidations += t.liquidations;
            sum.fund_paid += t.fund_paid;
            sum.socialised += t.socialised;
            sum.outstanding += t.outstanding;
            sum.dust += t.dust;
        }
        close_market(play->m);
        free(play);
    }
    for (int i = 0; i <= FL_REFUSED_ARGUMENT; i++) {
        cr_log_info("code %d: %llu", i, (unsigned long long)refused[i]);
        cr_expect(refused[i] > 200, "code %d came up %llu times only", i,
                  (unsigned long long)refused[i]);
    }
    cr_log_info("liquidations %lld, fund paid %lld, socialised %lld, outstanding %lld, dust %lld",
                (long long)sum.liquidations, (long long)sum.fund_paid, (long long)sum.socialised,
                (long long)sum.outstanding, (long long)sum.dust);
    cr_expect(sum.liquidations > 1000 && sum.fund_paid > 0 && sum.socialised > 0 &&
              sum.outstanding > 0 && sum.dust > 0);
}
