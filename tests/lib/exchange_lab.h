/* An exchange over several markets in a few lines, for tests: one price feed and one reporter for all
 * markets, one maker in each, accounts that trade. Include it once in a test. */
#ifndef EXCHANGE_LAB_H
#define EXCHANGE_LAB_H
#include "models/ledger/exchange.h"
#include "tests/lib/ledger_fixture.h"

extern const struct fl_model fl_model_feed, fl_model_median, fl_model_perpetual;
extern const struct fl_model fl_model_oracle_price, fl_model_book_median;
extern const struct fl_model fl_model_nobody, fl_model_pseudo_random, fl_model_ranked,
    fl_model_pro_rata, fl_model_keeper_chosen;

#define USD ((int64_t)1000000)

/* Laid out as the feed's parameters. */
struct feed_params {
    struct fl_submodel aggregator;
    struct fl_groups reporters;
    int64_t quorum, max_age;
};

/* Account 0 reports to every feed, accounts 1 .. makers quote, the others trade. The exchange is contract 0, the
 * feed of market i contract 1 + i. */
enum { XLAB_REPORTER = 0, XLAB_MAKER = 1, XLAB_EXCHANGE = 0 };
struct xlab {
    struct lab lab;
    struct fl_exchange exchange;
    struct fl_exchange_market market[FL_MARKETS_MAX];
    const char *name[FL_MARKETS_MAX];
    struct feed_params feed[FL_MARKETS_MAX];
    uint32_t makers, first, accounts; /* first: account of the first trader */
    int64_t round;
    fl_time now;
};

/* Margins of 5 % and 3 %, no fees, no funding, nobody deleveraged, no limits. */
static inline struct fl_exchange xlab_usual(void)
{
    return (struct fl_exchange){
        .mark = {&fl_model_oracle_price, NULL},
        .deleveraging = {&fl_model_nobody, NULL},
        .liquidator_share_ppm = 500000,
        .quote_max_age = 60 * FL_SECOND,
        .positions_per_account = FL_MARKETS_MAX,
        .liquidation = {.max_fee_ppm = 15000,
                        .bankruptcy_adjustment_ppm = 1000000,
                        .spread_to_maintenance_ppm = 1500000,
                        .min_notional = 1000 * USD,
                        .portion_ppm = 1000000},
        .account_notional = FL_MONEY_MAX,
        .account_insurance = FL_MONEY_MAX,
        .insurance_per_block = FL_MONEY_MAX,
        .deleveragings_per_block = 1000,
        .funding_sample = 60 * FL_SECOND,
        .funding_votes = 1,
        .funding_clamp_ppm = 6000000,
        .premium_limit_ppm = 60000000,
    };
}

static inline struct fl_exchange_market xlab_market(void)
{
    return (struct fl_exchange_market){.initial_ppm = 50000,
                                       .maintenance_fraction_ppm = 600000,
                                       .tick = 1,
                                       .lot = 1,
                                       .impact_notional = 10000 * USD};
}

/* `markets` alike; the caller may have changed `exchange` and `market` before. */
static inline void xlab_open(struct xlab *x, uint32_t markets, uint32_t makers, uint32_t traders)
{
    static const uint32_t reporters[1] = {0}, quoting[1] = {1};
    x->makers = makers;
    x->first = 1 + makers;
    x->accounts = 1 + makers + traders;
    lab_group(&x->lab, 1);
    lab_group(&x->lab, makers);
    lab_group(&x->lab, traders);
    x->exchange.markets = (struct fl_list){.count = markets, .at = x->market, .name = x->name};
    x->exchange.makers = (struct fl_groups){.count = 1, .first = quoting};
    lab_contract(&x->lab, &fl_model_perpetual, &x->exchange);
    for (uint32_t i = 0; i < markets; i++) {
        x->name[i] = "market";
        x->feed[i] = (struct feed_params){.aggregator = {&fl_model_median, NULL},
                                          .reporters = {.count = 1, .first = reporters},
                                          .quorum = 1,
                                          .max_age = 1000 * FL_SECOND};
        x->market[i].oracle = lab_contract(&x->lab, &fl_model_feed, &x->feed[i]);
    }
    lab_open(&x->lab);
    x->now = FL_SECOND;
}

static inline struct xlab *xlab_new(void)
{
    struct xlab *x = calloc(1, sizeof *x);
    cr_assert(x != NULL);
    x->exchange = xlab_usual();
    for (uint32_t i = 0; i < FL_MARKETS_MAX; i++) x->market[i] = xlab_market();
    return x;
}

static inline void xlab_free(struct xlab *x)
{
    lab_close(&x->lab);
    free(x);
}

/* Into the batch that lab_begin has started. */
static inline struct fl_tx *xlab_tx(struct xlab *x, uint32_t account, uint16_t kind, int64_t a,
                                    int64_t b, int64_t c, int64_t d)
{
    struct fl_tx *tx = lab_tx(&x->lab, account, XLAB_EXCHANGE, kind, a, b, c);
    tx->arg[3] = d;
    lab_sign(&x->lab, tx);
    return tx;
}

static inline void xlab_report(struct xlab *x, uint32_t market, int64_t price)
{
    lab_tx(&x->lab, XLAB_REPORTER, (uint16_t)(1 + market), FL_TX_REPORT, price, x->now, ++x->round);
}

/* One transaction in a batch of its own: its refusal, or 0. */
static inline uint32_t xlab_do(struct xlab *x, uint32_t account, uint16_t kind, int64_t a,
                               int64_t b, int64_t c, int64_t d)
{
    lab_begin(&x->lab, x->now);
    xlab_tx(x, account, kind, a, b, c, d);
    lab_run(&x->lab);
    return x->lab.done.receipts[0].code;
}

static inline void xlab_price(struct xlab *x, uint32_t market, int64_t price)
{
    lab_begin(&x->lab, x->now);
    xlab_report(x, market, price);
    lab_run(&x->lab);
    cr_assert_eq(x->lab.done.receipts[0].code, 0);
}

static inline void xlab_give(struct xlab *x, uint32_t account, int64_t amount)
{
    cr_assert_eq(xlab_do(x, account, FL_TX_DEPOSIT, amount, 0, 0, 0), 0);
}

/* The first maker quotes so deep that its impact is below one unit of price, as long as size * mid stays
 * below 2 * 10^17: buys fill at mid + 1, sells at mid - 1. */
static inline void xlab_quote(struct xlab *x, uint32_t market, int64_t mid)
{
    cr_assert_eq(xlab_do(x, XLAB_MAKER, FL_TX_QUOTE, mid, 0, FL_SIZE_ASKED_MAX, market), 0);
}

static inline void xlab_unquote(struct xlab *x, uint32_t market)
{
    cr_assert_eq(xlab_do(x, XLAB_MAKER, FL_TX_QUOTE, USD, 0, 0, market), 0);
}

/* An order that fills at `price`. */
static inline void xlab_trade(struct xlab *x, uint32_t account, uint32_t market, int64_t size,
                              int64_t price)
{
    xlab_quote(x, market, price + (size > 0 ? -1 : 1));
    cr_assert_eq(xlab_do(x, account, FL_TX_TRADE, size, price, market, 0), 0);
}

/* Record number `n` (0, 1, ...) of a kind that the last batch made; NULL if it made fewer. */
static inline const struct fl_record *xlab_record(const struct xlab *x, uint16_t kind, uint32_t n)
{
    for (uint32_t i = 0; i < x->lab.done.record_count; i++) {
        const struct fl_record *r = fl_records_get(x->lab.records, x->lab.done.first_record + i);
        if (r->kind == kind && n-- == 0) return r;
    }
    return NULL;
}

static inline struct fl_account xlab_account(const struct xlab *x, uint32_t account)
{
    struct fl_account out;
    lab_ask(&x->lab, XLAB_EXCHANGE, FL_ASK_ACCOUNT, account, &out, sizeof out);
    return out;
}

static inline struct fl_positions xlab_positions(const struct xlab *x, uint32_t account)
{
    struct fl_positions out;
    lab_ask(&x->lab, XLAB_EXCHANGE, FL_ASK_POSITIONS, account, &out, sizeof out);
    return out;
}

static inline int64_t xlab_size(const struct xlab *x, uint32_t account, uint32_t market)
{
    const struct fl_positions held = xlab_positions(x, account);
    for (uint32_t i = 0; i < held.count; i++)
        if (held.at[i].market == market) return held.at[i].size;
    return 0;
}

static inline struct fl_totals xlab_totals(const struct xlab *x)
{
    struct fl_totals out;
    lab_ask(&x->lab, XLAB_EXCHANGE, FL_ASK_TOTALS, 0, &out, sizeof out);
    return out;
}

static inline struct fl_market_terms xlab_terms(const struct xlab *x, uint32_t market)
{
    struct fl_market_terms out;
    lab_ask(&x->lab, XLAB_EXCHANGE, FL_ASK_MARKET, market, &out, sizeof out);
    return out;
}

/* Full recount: money is conserved, positions of each market cancel, nothing is negative that may not be. */
static inline void xlab_recount(const struct xlab *x)
{
    fl_i128 money = 0, size[FL_MARKETS_MAX] = {0}, longs[FL_MARKETS_MAX] = {0};
    for (uint32_t i = 0; i < x->accounts; i++) {
        const struct fl_account a = xlab_account(x, i);
        const struct fl_positions held = xlab_positions(x, i);
        money += (fl_i128)a.quote + a.unsettled;
        for (uint32_t k = 0; k < held.count; k++) {
            size[held.at[k].market] += held.at[k].size;
            longs[held.at[k].market] += fl_max(held.at[k].size, 0);
        }
    }
    const struct fl_totals t = xlab_totals(x);
    cr_assert(money + t.fund + t.fees + t.funding == (fl_i128)t.deposits - t.withdrawals);
    cr_assert(t.fund >= 0 && t.fees >= 0);
    cr_assert_eq(t.deficit, t.fund_paid + t.adl + t.socialised + t.outstanding);
    for (uint32_t i = 0; i < x->exchange.markets.count; i++) {
        cr_assert(size[i] == 0);
        cr_assert(longs[i] == xlab_terms(x, i).open_interest);
    }
}

#endif
