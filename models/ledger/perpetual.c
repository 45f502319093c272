/* A perpetual-futures exchange: cross-margin over several markets in integers, liquidation through a waterfall of
 * losses, auto-deleveraging, funding.
 *
 * Margin, liquidation and funding are dYdX v4's (v4-chain 84d4664b; mechanisms 2.1; models/ledger/margin.h and
 * funding.h), marks and one deleveraging policy Hyperliquid's (mechanisms 2.2), socialised losses Drift v2's
 * (protocol-v2 0ae3e3b1; mechanisms 2.3). exchange.h says which file does what.
 *
 * Every fill has two accounts: the taker's, and a maker's, which quotes a mid price, a half spread and a depth. So money
 * is conserved here alone. Roundings: fills go against the taker, fees and socialised charges up, funding against
 * the account, so that what is left over is the exchange's. Funding and socialised losses are charged through indices
 * and booked when an account is next touched.
 *
 * Assumptions: one collateral; an account of a maker is held to its margin when it fills, but nobody liquidates it.
 * Prices come from oracle contracts only. */
#include "models/ledger/exchange.h"

#include <string.h>

/* --- transactions --------------------------------------------------------------------------------- */

static uint32_t deposit(struct fl_desk *desk, const struct fl_tx *tx)
{
    const int64_t amount = tx->arg[0];
    if (amount <= 0 || amount > FL_AMOUNT_MAX) return FL_REFUSED_ARGUMENT;
    struct fl_opened account;
    fl_account_open(desk, tx->account, &account);
    if (!fl_move(&account.value.quote, amount) || !fl_account_store(desk, &account) ||
        !fl_move(&fl_desk_exchange(desk)->totals.deposits, amount))
        return FL_REFUSED_ARGUMENT;
    fl_exec_note(desk->exec, FL_RECORD_DEPOSIT, tx->account, (int64_t)tx->nonce)[2] = amount;
    return 0;
}

/* Without a position no price is needed; with one, what stays must cover the initial margin. */
static uint32_t withdraw(struct fl_desk *desk, const struct fl_tx *tx)
{
    const int64_t amount = tx->arg[0];
    if (amount <= 0 || amount > FL_AMOUNT_MAX) return FL_REFUSED_ARGUMENT;
    struct fl_opened account;
    fl_account_open(desk, tx->account, &account);
    if (!account.priced) return FL_REFUSED_NO_PRICE;
    if (!fl_move(&account.value.quote, -(fl_i128)amount)) return FL_REFUSED_ARGUMENT;
    const struct fl_risk risk = fl_opened_risk(desk, &account);
    if (risk.collateral < risk.initial) return FL_REFUSED_MARGIN;
    if (!fl_account_store(desk, &account) ||
        !fl_move(&fl_desk_exchange(desk)->totals.withdrawals, amount))
        return FL_REFUSED_ARGUMENT;
    fl_exec_note(desk->exec, FL_RECORD_WITHDRAWAL, tx->account, (int64_t)tx->nonce)[2] = amount;
    return 0;
}

/* 0, or why not. A refusal may leave rows half changed; the ledger undoes them. */
static uint32_t run(struct fl_desk *desk, const struct fl_tx *tx)
{
    switch ((enum fl_exchange_tx)tx->kind) {
    case FL_TX_DEPOSIT:
        return deposit(desk, tx);
    case FL_TX_WITHDRAW:
        return withdraw(desk, tx);
    case FL_TX_TRADE:
        return fl_trade(desk, tx);
    case FL_TX_QUOTE:
        return fl_quote_tx(desk, tx);
    case FL_TX_LIQUIDATE:
        return fl_liquidate_tx(desk, tx);
    case FL_TX_DELEVERAGE:
        return fl_deleverage_tx(desk, tx);
    }
    return FL_REFUSED_ARGUMENT; /* kinds come from clients */
}

static enum fl_tx_status execute(struct fl_exec *exec, const struct fl_tx *tx, uint32_t *code)
{
    struct fl_desk desk;
    fl_desk_open(&desk, exec, NULL);
    *code = run(&desk, tx);
    return *code ? FL_TX_REVERTED : FL_TX_OK;
}

/* Liquidations at this block's prices; then funding and the mark move. */
static void end_batch(struct fl_exec *exec)
{
    struct fl_desk desk;
    fl_desk_open(&desk, exec, NULL);
    fl_liquidate_block(&desk);
    fl_desk_open(&desk, exec, NULL);
    fl_funding_block(&desk);
    fl_mark_block(&desk);
}

/* --- layout and genesis --------------------------------------------------------------------------- */

enum { STRUCK_MAX = 4096 }; /* positions liquidated in one block */

static void tables(const void *params, const struct fl_facts *facts, struct fl_table *out)
{
    const struct fl_exchange *p = params;
    const uint32_t markets = p->markets.count;
    out[FL_EXCHANGE_ROW] = (struct fl_table){"exchange", sizeof(struct fl_exchange_row), 1};
    out[FL_EXCHANGE_MARKETS] = (struct fl_table){"markets", sizeof(struct fl_market_row), markets};
    out[FL_EXCHANGE_MAKERS] =
        (struct fl_table){"makers", sizeof(struct fl_maker_row), markets * FL_MAKERS_MAX};
    out[FL_EXCHANGE_ACCOUNTS] =
        (struct fl_table){"accounts", sizeof(struct fl_account_row), facts->accounts};
    out[FL_EXCHANGE_POSITIONS] = (struct fl_table){"positions", sizeof(struct fl_position_row),
                                                   fl_positions_room(p, facts->accounts)};
    out[FL_EXCHANGE_STRUCK] = (struct fl_table){"struck", sizeof(struct fl_struck_row), STRUCK_MAX};
    out[FL_EXCHANGE_FUNDING] = (struct fl_table){"funding", sizeof(struct fl_funding_row), markets};
}

/* The insurance fund counts as a deposit, so that the books balance from the start. */
static void genesis(struct fl_exec *exec)
{
    struct fl_desk desk;
    fl_desk_open(&desk, exec, NULL);
    struct fl_exchange_row *exchange = fl_desk_exchange(&desk);
    const uint32_t accounts = fl_row_count(desk.rows, FL_EXCHANGE_ACCOUNTS);
    exchange->totals.fund = exchange->totals.deposits = desk.p->insurance_fund;
    exchange->maker = UINT32_MAX;
    for (uint32_t i = 0; i < accounts && exchange->maker == UINT32_MAX; i++)
        if (fl_is_maker(&desk, i)) exchange->maker = i;
}

/* --- questions ------------------------------------------------------------------------------------ */

static int64_t clipped(fl_i128 a)
{
    return a > INT64_MAX ? INT64_MAX : a < INT64_MIN ? INT64_MIN : (int64_t)a;
}

static void answer_account(struct fl_desk *desk, uint32_t number, void *out)
{
    struct fl_opened account;
    fl_account_open(desk, number, &account);
    const struct fl_account_row *row = fl_row(desk->rows, FL_EXCHANGE_ACCOUNTS, number);
    struct fl_account answer = {.quote = account.value.quote,
                                .unsettled = row->quote - account.value.quote,
                                .positions = account.value.count,
                                .priced = account.priced,
                                .maker = fl_is_maker(desk, number)};
    if (account.priced) {
        const struct fl_risk risk = fl_opened_risk(desk, &account);
        answer.equity = clipped(risk.collateral);
        answer.initial = clipped(risk.initial);
        answer.maintenance = clipped(risk.maintenance);
    }
    memcpy(out, &answer, sizeof answer);
}

static void answer_positions(struct fl_desk *desk, uint32_t number, void *out)
{
    struct fl_opened account;
    fl_account_open(desk, number, &account);
    struct fl_positions answer = {.count = account.value.count};
    for (uint32_t i = 0; i < answer.count; i++)
        answer.at[i] = (struct fl_holding){.market = account.value.at[i].market,
                                           .size = account.value.at[i].size,
                                           .entry = account.entry[i]};
    memcpy(out, &answer, sizeof answer);
}

static void answer_market(struct fl_desk *desk, uint32_t number, void *out)
{
    const struct fl_exchange_market *terms = fl_market_terms(desk, number);
    const struct fl_margin_market *market = fl_desk_market(desk, number);
    const struct fl_market_row *row = fl_row(desk->rows, FL_EXCHANGE_MARKETS, number);
    const struct fl_exchange_row *exchange = fl_row(desk->rows, FL_EXCHANGE_ROW, 0);
    const fl_i128 open = fl_notional(row->open_interest, market->price, FL_EXCHANGE_EXPONENT);
    const int64_t square = terms->initial_ppm * terms->maintenance_fraction_ppm;
    const struct fl_market_terms answer = {
        .initial_ppm = fl_initial_ppm(&market->terms, open),
        .maintenance_ppm = (square + FL_PPM_ONE - 1) / FL_PPM_ONE,
        .unscaled_ppm = terms->initial_ppm,
        .maintenance_fraction_ppm = terms->maintenance_fraction_ppm,
        .liquidation_fee_ppm = desk->p->liquidation.max_fee_ppm,
        .liquidator_share_ppm = desk->p->liquidator_share_ppm,
        .liquidity_account = exchange->maker,
        .accounts = fl_row_count(desk->rows, FL_EXCHANGE_ACCOUNTS),
        .oracle = (uint16_t)terms->oracle,
        .markets = (uint16_t)desk->p->markets.count,
        .mark = market->price,
        .tick = terms->tick,
        .lot = terms->lot,
        .bid = fl_best_price(desk, number, false),
        .ask = fl_best_price(desk, number, true),
        .open_interest = row->open_interest,
        .funding_ppm = row->funding_ppm};
    memcpy(out, &answer, sizeof answer);
}

/* One page of the accounts below maintenance, in the order in which they would be liquidated. */
static void answer_liquidatable(struct fl_desk *desk, uint32_t skip, void *out)
{
    struct fl_liquidatable *answer = out;
    memset(answer, 0, sizeof *answer);
    struct fl_fallen *all = fl_watchlist_fallen(desk, &answer->total);
    fl_fallen_sort(all, answer->total);
    for (uint32_t i = skip; i < answer->total && answer->count < FL_LIQUIDATABLE_MAX; i++) {
        struct fl_opened account;
        fl_account_open(desk, all[i].account, &account);
        const uint32_t market = fl_worst_market(desk, &account);
        const fl_i128 notional = fl_notional(fl_account_size(&account.value, market),
                                             desk->market[market].price, FL_EXCHANGE_EXPONENT);
        answer->at[answer->count++] =
            (struct fl_below){.account = all[i].account,
                              .market = market,
                              .equity = clipped(all[i].collateral),
                              .maintenance = clipped(all[i].maintenance),
                              .notional = clipped(fl_magnitude(notional))};
    }
}

struct question {
    uint16_t kind;
    size_t bytes;
    uint32_t (*limit)(const struct fl_desk *desk); /* of arg[0] */
    void (*answer)(struct fl_desk *desk, uint32_t arg, void *out);
};

static void answer_totals(struct fl_desk *desk, uint32_t arg, void *out)
{
    (void)arg;
    const struct fl_exchange_row *exchange = fl_row(desk->rows, FL_EXCHANGE_ROW, 0);
    memcpy(out, &exchange->totals, sizeof exchange->totals);
}

static uint32_t limit_accounts(const struct fl_desk *desk)
{
    return fl_row_count(desk->rows, FL_EXCHANGE_ACCOUNTS);
}

static uint32_t limit_markets(const struct fl_desk *desk)
{
    return desk->p->markets.count;
}

static uint32_t limit_none(const struct fl_desk *desk)
{
    (void)desk;
    return UINT32_MAX;
}

static const struct question questions[] = {
    {FL_ASK_ACCOUNT, sizeof(struct fl_account), limit_accounts, answer_account},
    {FL_ASK_MARKET, sizeof(struct fl_market_terms), limit_markets, answer_market},
    {FL_ASK_TOTALS, sizeof(struct fl_totals), limit_none, answer_totals},
    {FL_ASK_LIQUIDATABLE, sizeof(struct fl_liquidatable), limit_none, answer_liquidatable},
    {FL_ASK_POSITIONS, sizeof(struct fl_positions), limit_accounts, answer_positions},
};

static enum fl_read_status query(const struct fl_rows *rows, const struct fl_query *query,
                                 void *out, size_t bytes)
{
    struct fl_desk desk;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        const struct question *q = &questions[i];
        if (q->kind != query->kind) continue;
        fl_desk_open(&desk, NULL, rows);
        if (bytes != q->bytes || query->arg[0] < 0 || query->arg[0] >= q->limit(&desk)) break;
        q->answer(&desk, (uint32_t)query->arg[0], out);
        return FL_READ_OK;
    }
    return FL_READ_UNKNOWN;
}

/* --- what it publishes ----------------------------------------------------------------------------- */

static const struct fl_observable observables[] = {
    {"ledger.insurance_fund", "what is in the insurance fund", FL_USD, FL_SUM},
    {"ledger.fees", "trading fees collected", FL_USD, FL_SUM},
    {"ledger.funding_pool",
     "funding and socialised losses taken in and not yet given out; negative: charged and not yet "
     "booked",
     FL_USD, FL_SUM},
    {"ledger.deposits", "deposits so far, the insurance fund's included", FL_USD, FL_SUM},
    {"ledger.withdrawals", "withdrawals so far", FL_USD, FL_SUM},
    {"ledger.deficit", "losses beyond the collateral of liquidated accounts, so far", FL_USD,
     FL_SUM},
    {"ledger.fund_paid", "part of the deficit that the insurance fund paid", FL_USD, FL_SUM},
    {"ledger.adl", "part of the deficit that deleveraged accounts gave up", FL_USD, FL_SUM},
    {"ledger.socialised", "part of the deficit charged to open positions", FL_USD, FL_SUM},
    {"ledger.outstanding", "part of the deficit that nobody bore", FL_USD, FL_SUM},
    {"ledger.bad_debt", "deficit less what the insurance fund paid", FL_USD, FL_SUM},
    {"ledger.liquidations", "liquidations so far", FL_COUNT, FL_SUM},
    {"ledger.liquidated", "notional liquidated so far, at the mark", FL_USD, FL_SUM},
    {"ledger.deleveragings", "positions, or parts of them, taken over so far", FL_COUNT, FL_SUM},
    {"ledger.open_interest", "sum of long positions, over all markets", FL_SIZE, FL_SUM},
    {"ledger.open_accounts", "accounts with a position", FL_COUNT, FL_SUM},
    {"ledger.trades", "trades so far, liquidations not counted", FL_COUNT, FL_SUM},
    {"ledger.mark", "price that margin goes by in the first market; 0: none is valid", FL_USD,
     FL_FIRST},
    {"ledger.funding_rate", "newest funding rate of the first market, for eight hours", FL_PPM,
     FL_FIRST},
    {0},
};

static void observe(const struct fl_rows *rows, int64_t *out)
{
    const struct fl_exchange_row *exchange = fl_row(rows, FL_EXCHANGE_ROW, 0);
    const struct fl_market_row *first = fl_row(rows, FL_EXCHANGE_MARKETS, 0);
    const struct fl_totals *totals = &exchange->totals;
    struct fl_desk desk;
    fl_desk_open(&desk, NULL, rows);
    *out++ = totals->fund;
    *out++ = totals->fees;
    *out++ = totals->funding;
    *out++ = totals->deposits;
    *out++ = totals->withdrawals;
    *out++ = totals->deficit;
    *out++ = totals->fund_paid;
    *out++ = totals->adl;
    *out++ = totals->socialised;
    *out++ = totals->outstanding;
    *out++ = totals->deficit - totals->fund_paid;
    *out++ = totals->liquidations;
    *out++ = totals->liquidated_usd;
    *out++ = totals->deleveragings;
    *out++ = totals->open_interest;
    *out++ = exchange->open_accounts;
    *out++ = exchange->trades;
    *out++ = fl_exchange_mark(&desk, 0);
    *out++ = first->funding_ppm;
}

/* --- parameters ------------------------------------------------------------------------------------ */

#define USD(KEY, FIELD, LEAST, FALLBACK, DOC)                                               \
    {                                                                                       \
        .key = KEY, .type = FL_DECIMAL, .digits = 6,                                        \
        .offset = offsetof(struct fl_exchange, FIELD), .min = (LEAST), .max = FL_MONEY_MAX, \
        .fallback = FALLBACK, .doc = DOC                                                    \
    }
#define RATIO(KEY, FIELD, MOST, FALLBACK, DOC)                                  \
    {                                                                           \
        .key = KEY, .type = FL_DECIMAL, .digits = 6,                            \
        .offset = offsetof(struct fl_exchange, FIELD), .min = 0, .max = (MOST), \
        .fallback = FALLBACK, .doc = DOC                                        \
    }
#define OF_MARKET(KEY, FIELD, LEAST, MOST, FALLBACK, DOC)                                    \
    {                                                                                        \
        .key = KEY, .type = FL_DECIMAL, .digits = 6,                                         \
        .offset = offsetof(struct fl_exchange_market, FIELD), .min = (LEAST), .max = (MOST), \
        .fallback = FALLBACK, .doc = DOC                                                     \
    }

static const struct fl_param market_keys[] = {
    {.key = "oracle",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct fl_exchange_market, oracle),
     .doc = "contract that gives the market's price"},
    OF_MARKET("initial_margin", initial_ppm, 1, FL_PPM_ONE, "0.05",
              "collateral needed to open or withdraw, as a ratio of notional; its inverse is the "
              "greatest "
              "leverage (dYdX v4, mid and isolated tiers: 5 %)"),
    OF_MARKET("maintenance_fraction", maintenance_fraction_ppm, 1, FL_PPM_ONE, "0.6",
              "maintenance margin as a share of the initial one (dYdX v4, mid tier: 60 %)"),
    OF_MARKET("oi_lower_cap_usd", oi_lower, 0, FL_MONEY_MAX, "0",
              "open notional from which the initial margin grows (dYdX v4, mid tier: 40 million; "
              "0, with the "
              "upper cap 0: it does not)"),
    OF_MARKET(
        "oi_upper_cap_usd", oi_upper, 0, FL_MONEY_MAX, "0",
        "open notional at which the initial margin is 100 % (dYdX v4, mid tier: 100 million)"),
    OF_MARKET("tick_usd", tick, 1, FL_PPM_ONE *FL_PPM_ONE, "0.000001",
              "prices are multiples of it; fills are put on it against the taker"),
    OF_MARKET("lot", lot, 1, FL_PPM_ONE *FL_PPM_ONE, "0.000001",
              "sizes are multiples of it, in units of the base asset"),
    OF_MARKET(
        "impact_notional_usd", impact_notional, 1, FL_AMOUNT_MAX, "10000",
        "order whose average price makes the premium (dYdX v4: 500 USDC over the initial margin)"),
    OF_MARKET("default_funding", default_funding_ppm, -FL_PPM_ONE, FL_PPM_ONE, "0",
              "part of the funding rate that is always there, for eight hours"),
    {0},
};

static const char *check_market(const void *entry)
{
    const struct fl_exchange_market *market = entry;
    const bool scaled = market->oi_lower != 0 || market->oi_upper != 0;
    return scaled && market->oi_upper <= market->oi_lower
               ? "oi_upper_cap_usd must be above oi_lower_cap_usd"
               : NULL;
}

static const struct fl_param keys[] = {
    {.key = "markets",
     .type = FL_ROWS,
     .offset = offsetof(struct fl_exchange, markets),
     .min = 1,
     .max = FL_MARKETS_MAX,
     .of = market_keys,
     .of_bytes = sizeof(struct fl_exchange_market),
     .of_check = check_market,
     .doc = "its markets by name; accounts hold positions in any of them against one collateral"},
    {.key = "liquidity",
     .type = FL_GROUP_NAMES,
     .offset = offsetof(struct fl_exchange, makers),
     .doc =
         "groups whose accounts may quote, at most 8 accounts in a market; nobody liquidates them"},
    {.key = "mark",
     .type = FL_SUBMODEL,
     .family = FL_MARK,
     .offset = offsetof(struct fl_exchange, mark),
     .fallback = "\"oracle_price\"",
     .doc = "price that margin and liquidation go by"},
    {.key = "deleveraging",
     .type = FL_SUBMODEL,
     .family = FL_DELEVERAGING,
     .offset = offsetof(struct fl_exchange, deleveraging),
     .fallback = "\"pseudo_random\"",
     .doc = "who takes over a bankrupt account's position when the fund does not bear its loss"},
    RATIO("trading_fee", trading_fee_ppm, FL_PPM_ONE, "0.0005",
          "taker's fee as a ratio of the quote that changes hands"),
    RATIO("liquidation_fee", liquidation.max_fee_ppm, FL_PPM_ONE, "0.015",
          "most of a liquidation's quote that goes to the fund and the keeper, out of what the "
          "fill brings beyond "
          "the bankruptcy price (dYdX v4: 0.5 % by default, 1.5 % as shipped)"),
    RATIO("liquidator_share", liquidator_share_ppm, FL_PPM_ONE, "0.5",
          "part of that which goes to the sender of the liquidation"),
    RATIO("bankruptcy_adjustment", liquidation.bankruptcy_adjustment_ppm, 1000 * FL_PPM_ONE, "1",
          "how fast the fillable price moves from the mark as an account sinks (dYdX v4: 1)"),
    RATIO("spread_to_maintenance", liquidation.spread_to_maintenance_ppm, 1000 * FL_PPM_ONE, "1.5",
          "how far it moves at most, as a ratio of the position's maintenance margin (dYdX v4: 0.1 "
          "by default, 1.5 as "
          "shipped)"),
    RATIO("liquidation_portion", liquidation.portion_ppm, FL_PPM_ONE, "1",
          "part of a position that one block may liquidate (dYdX v4: 10 % as shipped)"),
    USD("min_liquidation_usd", liquidation.min_notional, 0, "1000",
        "notional that one block may liquidate whatever the portion (dYdX v4 as shipped: 1000)"),
    USD("account_liquidation_usd", account_notional, 0, "1000000000000",
        "notional of one account that one block may liquidate (dYdX v4 as shipped: 100000)"),
    USD("account_insurance_usd", account_insurance, 0, "1000000000000",
        "loss that one account may bring the fund in one block"),
    USD("insurance_per_block_usd", insurance_per_block, 0, "1000000000000",
        "loss that the fund bears in one block (dYdX v4 as shipped: 1 million)"),
    USD("insurance_fund", insurance_fund, 0, "0", "USD in the insurance fund at the start"),
    {.key = "liquidations_per_block",
     .type = FL_INTEGER,
     .offset = offsetof(struct fl_exchange, liquidations_per_block),
     .min = 0,
     .max = FL_ATTEMPTS_MAX,
     .fallback = "0",
     .doc = "attempts that the exchange itself makes at the end of a block, the lowest ratio of "
            "collateral to "
            "maintenance first (dYdX v4: 50; 0: only keepers liquidate)"},
    {.key = "deleveragings_per_block",
     .type = FL_INTEGER,
     .offset = offsetof(struct fl_exchange, deleveragings_per_block),
     .min = 0,
     .max = 1000,
     .fallback = "1000",
     .doc =
         "positions taken over in one block at most; beyond them what the book gives at any price "
         "has to do"},
    {.key = "positions_per_account",
     .type = FL_INTEGER,
     .offset = offsetof(struct fl_exchange, positions_per_account),
     .min = 1,
     .max = FL_MARKETS_MAX,
     .fallback = "4",
     .doc = "room for positions, as an average over all accounts; a trade beyond it is refused"},
    {.key = "quote_max_age_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct fl_exchange, quote_max_age),
     .min = 0,
     .max = 1000000 * FL_SECOND,
     .fallback = "60",
     .doc = "seconds of block time for which a maker's quote is good"},
    {.key = "funding_tick_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct fl_exchange, funding_tick),
     .min = 0,
     .max = 86400 * FL_SECOND,
     .fallback = "3600",
     .doc = "seconds between two payments of funding (dYdX v4: 3600; 0: none)"},
    {.key = "funding_sample_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct fl_exchange, funding_sample),
     .min = FL_SECOND,
     .max = 86400 * FL_SECOND,
     .fallback = "60",
     .doc = "seconds between two samples of the premium (dYdX v4: 60); the first 64 blocks of each "
            "vote"},
    {.key = "funding_votes",
     .type = FL_INTEGER,
     .offset = offsetof(struct fl_exchange, funding_votes),
     .min = 1,
     .max = FL_FUNDING_SLOTS,
     .fallback = "1",
     .doc = "votes of a sample at least: those missing count as zero (dYdX v4: 15, at about 60 "
            "blocks a minute)"},
    RATIO("funding_clamp", funding_clamp_ppm, 1000 * FL_PPM_ONE, "6",
          "greatest funding rate, as a ratio of initial less maintenance margin (dYdX v4: 6)"),
    RATIO(
        "premium_limit", premium_limit_ppm, 1000 * FL_PPM_ONE, "60",
        "greatest premium that is counted, as a ratio of the price (dYdX v4: 60 times initial less "
        "maintenance margin)"),
    {0},
};

static const char *check(const void *params)
{
    const struct fl_exchange *p = params;
    if (p->funding_tick % FL_SECOND != 0) return "funding_tick_s must be whole seconds";
    return p->funding_tick / p->funding_sample > FL_FUNDING_SLOTS
               ? "funding_tick_s must not be more than 64 times funding_sample_s"
               : NULL;
}

static const struct fl_contract contract = {
    .table_count = FL_EXCHANGE_TABLES,
    .tables = tables,
    .genesis = genesis,
    .execute = execute,
    .end_batch = end_batch,
    .query = query,
    .observe = observe,
    .index_bytes = fl_watchlist_bytes,
    .index_update = fl_watchlist_update,
};

const struct fl_model fl_model_perpetual = {
    .name = "perpetual",
    .family = FL_CONTRACT,
    .doc = "Perpetual-futures exchange: cross-margin over several markets, liquidation, insurance "
           "fund and "
           "funding of dYdX v4 (v4-chain 84d4664b), auto-deleveraging by a policy, losses beyond "
           "that socialised over open positions as on Drift v2 (protocol-v2 0ae3e3b1).",
    .params = keys,
    .params_bytes = sizeof(struct fl_exchange),
    .check = check,
    .observables = observables,
    .contract = &contract,
};
