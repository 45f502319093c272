/* One perpetual-futures market: cross-checked margin in integers, full liquidation against a
 * liquidity account, an insurance fund, and socialised losses.
 *
 * Margin is dYdX v4's (v4-chain 84d4664b; mechanisms 2.1) with one position per account and one
 * market: signed notional N = trunc(size * price), requirement ceil(|N| * ratio), net collateral
 * NC = quote + N, liquidatable iff MMR > 0 and NC < MMR. Losses that the insurance fund cannot bear
 * are shared by all open positions in proportion to their size, as on Drift v2 (protocol-v2
 * 0ae3e3b1; mechanisms 2.3), through an index that each account settles when it is next touched.
 *
 * Every fill has two accounts: the taker's, and the liquidity account's, which quotes a mid price, a
 * half spread and a depth. So money is conserved here alone. Roundings: fills go against the taker,
 * fees and socialised charges up, so that what is left over is the exchange's.
 *
 * No funding payments, one collateral, one market. Price comes from an oracle contract only. */
#include "models/wire.h"

#include <string.h>

/* Bounds of what a transaction may ask for, and of any balance it may lead to. Products of three
 * such numbers fit 128 bits; a transaction that would leave the bounds is refused, so that no input
 * can overflow. */
#define SIZE_MAX_ASKED ((int64_t)1000000000000000) /* 10^9 units of the base asset */
#define AMOUNT_MAX ((int64_t)1000000000000000)     /* 10^9 USD */
#define MID_MAX ((int64_t)10000000000000)          /* 10^7 USD */
#define PRICE_MAX ((int64_t)1000000000000000)      /* 10^9 USD: an oracle may lie */
#define MONEY_MAX ((int64_t)1000000000000000000)   /* 10^12 USD */
#define UNIT ((int64_t)1000000)            /* 10^-6 base units in a unit of the base asset */
#define IMPACT_PER_DEPTH 10000             /* ppm of price for each `depth` taken: 1 % */
#define IMPACT_MAX 500000                  /* ppm; beyond that there is nothing on offer */
#define INDEX_ONE ((int64_t)1000000000000) /* scale of the loss index */

struct params {
    uint32_t oracle;    /* contract */
    uint32_t liquidity; /* first endpoint of the group that owns the liquidity account */
    int64_t initial_ppm, maintenance_ppm;
    int64_t trading_fee_ppm, liquidation_fee_ppm, liquidator_share_ppm;
    int64_t insurance_fund;
    int64_t quote_max_age; /* nanoseconds */
};

enum { MARKET, ACCOUNTS, TABLES };

/* Loss per 10^-6 base units of open position, in 10^-6 USD, times INDEX_ONE; 128 bits in two words,
 * because a big loss may fall on a tiny open interest. */
struct index {
    uint64_t low, high;
};
struct market {
    int64_t mid, half_spread, depth; /* the liquidity account's quote; mid 0: none yet */
    int64_t quoted_at;
    int64_t taken_buy, taken_sell; /* depth taken from each side since */
    struct index loss;
    int64_t liquidity_account; /* UINT32_MAX if its group has none: nobody can quote */
    int64_t open_accounts, trades;
    struct fl_totals totals;
};
struct account {
    int64_t quote, size;
    struct index settled; /* the loss index up to which `quote` is charged */
};

/* A transaction at work: what its steps share. */
struct deal {
    struct fl_exec *exec;
    const struct params *p;
    struct market *market;
    int64_t price; /* the oracle's; 0 if there is no valid one */
    fl_time now;
};

/* ------------------------------------------------------------------------------------------------
 * Arithmetic
 * --------------------------------------------------------------------------------------------- */

static fl_i128 magnitude(fl_i128 a)
{
    return a < 0 ? -a : a;
}

/* a / b rounded up, for a >= 0 and b > 0. */
static fl_i128 divide_up(fl_i128 a, fl_i128 b)
{
    return a / b + (a % b != 0);
}

/* Adds to a balance or a sum. False, and no change, if it would leave the bounds. */
static bool move(int64_t *balance, fl_i128 amount)
{
    const fl_i128 sum = *balance + amount;
    if (magnitude(sum) > MONEY_MAX) {
        return false;
    }
    *balance = (int64_t)sum;
    return true;
}

/* dYdX v4: notional = trunc(quantums * price), signed (perpetuals: GetNetNotionalInQuoteQuantums). */
static fl_i128 notional(int64_t size, int64_t price)
{
    return (fl_i128)size * price / UNIT;
}

/* dYdX v4: margin requirement = ceil(|notional| * ratio). Its maintenance margin is a fraction of
 * the initial one and rounds twice; ours is a ratio of its own and rounds once. */
static fl_i128 requirement(fl_i128 value, int64_t ratio_ppm)
{
    return divide_up(magnitude(value) * ratio_ppm, FL_PPM_ONE);
}

static fl_i128 index_value(struct index index)
{
    return (fl_i128)((fl_u128)index.high << 64 | index.low);
}

static struct index index_of(fl_i128 value)
{
    return (struct index){(uint64_t)value, (uint64_t)((fl_u128)value >> 64)};
}

/* Socialised loss not booked yet: ceil(index rise * |size| / scale). The product fits, because each
 * rise is a loss over an open interest of which this size is a part. */
static int64_t pending(const struct account *account, const struct market *market)
{
    if (account->size == 0 ||
        (account->settled.low == market->loss.low && account->settled.high == market->loss.high)) {
        return 0;
    }
    const fl_i128 rise = index_value(market->loss) - index_value(account->settled);
    return (int64_t)divide_up(rise * fl_abs(account->size), INDEX_ONE);
}

/* NC of a settled account. */
static fl_i128 net_collateral(const struct account *account, int64_t price)
{
    return account->quote + notional(account->size, price);
}

/* dYdX v4: liquidatable iff MMR > 0 and MMR > NC, strictly (IsLiquidatable). */
static bool below_maintenance(const struct params *p, const struct account *account, int64_t charge,
                              int64_t price)
{
    const fl_i128 value = notional(account->size, price);
    const fl_i128 needed = requirement(value, p->maintenance_ppm);
    return needed > 0 && account->quote - charge + value < needed;
}

/* Whether the account is surely above maintenance, without dividing: the same inequality times
 * 10^12, with 3 for the three roundings. Spares a scan over many accounts three 128-bit divisions
 * each; what it cannot tell is computed exactly. */
static bool surely_above(const struct params *p, const struct account *account,
                         const struct market *market, int64_t price)
{
    const fl_i128 value = (fl_i128)account->size * price;
    const fl_i128 rise = index_value(market->loss) - index_value(account->settled);
    return ((fl_i128)account->quote - 3) * INDEX_ONE - rise * fl_abs(account->size) + value * UNIT -
               magnitude(value) * p->maintenance_ppm >=
           0;
}

static bool liquidatable(const struct params *p, const struct market *market, uint32_t number,
                         const struct account *account, int64_t price)
{
    if (account->size == 0 || number == market->liquidity_account ||
        surely_above(p, account, market, price)) {
        return false;
    }
    return below_maintenance(p, account, pending(account, market), price);
}

/* ------------------------------------------------------------------------------------------------
 * Accounts
 * --------------------------------------------------------------------------------------------- */

/* The row for writing, socialised losses booked. A charge comes off what is receivable; when all of
 * that is in, what the roundings up bring on top is dust. NULL if a balance would leave its
 * bounds. */
static struct account *open_account(struct deal *deal, uint32_t number)
{
    struct account *account = fl_row_edit(deal->exec, ACCOUNTS, number);
    struct fl_totals *totals = &deal->market->totals;
    const int64_t charge = pending(account, deal->market);
    const int64_t due = fl_min(charge, totals->receivable);
    totals->receivable -= due;
    account->settled = deal->market->loss;
    return move(&account->quote, -(fl_i128)charge) && move(&totals->dust, charge - due) ? account
                                                                                        : NULL;
}

/* Changes a position, and the sums over positions with it. False if one would leave its bounds. */
static bool set_size(struct market *market, struct account *account, int64_t size)
{
    const int64_t longer = fl_max(size, 0) - fl_max(account->size, 0);
    market->open_accounts += (size != 0) - (account->size != 0);
    account->size = size;
    return fl_abs(size) <= SIZE_MAX_ASKED && move(&market->totals.open_interest, longer);
}

/* dYdX v4's rule for accepting an update: NC >= IMR; and its escape for an account that is not,
 * narrowed to the case that certainly lessens risk: the position shrinks without changing sides and
 * the account stays solvent. `before` is the size before. */
static bool margin_suffices(const struct deal *deal, const struct account *account, int64_t before)
{
    const fl_i128 value = notional(account->size, deal->price);
    const fl_i128 collateral = net_collateral(account, deal->price);
    if (collateral >= requirement(value, deal->p->initial_ppm)) {
        return true;
    }
    const bool same_side = account->size == 0 || (account->size > 0) == (before > 0);
    return same_side && fl_abs(account->size) < fl_abs(before) && collateral >= 0;
}

/* ------------------------------------------------------------------------------------------------
 * Fills
 * --------------------------------------------------------------------------------------------- */

struct fill {
    int64_t size;  /* signed, of the taker */
    int64_t price; /* average */
    int64_t quote; /* received by the taker, signed */
};

static bool quote_lives(const struct deal *deal)
{
    const struct market *market = deal->market;
    return market->mid > 0 && fl_sub(deal->now, market->quoted_at) <= deal->p->quote_max_age;
}

/* Average price of taking |size| from one side of the quote. Impact is linear in the depth taken, so
 * that the average is the impact at the middle of the fill:
 *     mid * (1 +- (half_spread + (taken + |size| / 2) * 1 % / depth)),
 * one exact fraction, rounded up for a buy and down for a sell. 0 if that much is not on offer. */
static int64_t average_price(const struct market *market, int64_t size)
{
    const bool buy = size > 0;
    const fl_i128 taken = buy ? market->taken_buy : market->taken_sell;
    const fl_i128 impact = (2 * taken + fl_abs(size)) * IMPACT_PER_DEPTH; /* ppm * 2 depth */
    const fl_i128 scale = 2 * (fl_i128)market->depth;
    if (impact > IMPACT_MAX * scale) {
        return 0;
    }
    const fl_i128 away = market->half_spread * scale + impact;
    const fl_i128 one = FL_PPM_ONE * scale;
    return (int64_t)(buy ? divide_up(market->mid * (one + away), one)
                         : market->mid * (one - away) / one);
}

/* What the taker receives: -ceil(size * price) for a buy, +floor(size * price) for a sell. */
static fl_i128 quote_flow(int64_t size, int64_t price)
{
    return size > 0 ? -divide_up((fl_i128)size * price, UNIT) : -(fl_i128)size * price / UNIT;
}

/* Fills `size` for the taker against the liquidity account's living quote; 0, or why not. The
 * liquidity account is held to its margin like everyone: an offer it cannot back is none. */
static uint32_t fill(struct deal *deal, struct account *taker, struct account *maker, int64_t size,
                     int64_t limit, struct fill *out)
{
    struct market *market = deal->market;
    const int64_t price = average_price(market, size);
    if (price <= 0 || (limit > 0 && (size > 0 ? price > limit : price < limit))) {
        return FL_REFUSED_LIMIT;
    }
    const fl_i128 flow = quote_flow(size, price);
    const int64_t maker_before = maker->size;
    if (!move(&taker->quote, flow) || !move(&maker->quote, -flow) ||
        !set_size(market, taker, taker->size + size) ||
        !set_size(market, maker, maker->size - size)) {
        return FL_REFUSED_ARGUMENT;
    }
    if (!margin_suffices(deal, maker, maker_before)) {
        return FL_REFUSED_NO_QUOTE;
    }
    int64_t *taken = size > 0 ? &market->taken_buy : &market->taken_sell;
    *taken = fl_add(*taken, fl_abs(size));
    *out = (struct fill){.size = size, .price = price, .quote = (int64_t)flow};
    return 0;
}

/* ------------------------------------------------------------------------------------------------
 * Transactions: 0, or why not. A refusal may leave rows half changed; the ledger undoes them.
 * --------------------------------------------------------------------------------------------- */

static uint32_t deposit(struct deal *deal, const struct fl_tx *tx)
{
    const int64_t amount = tx->arg[0];
    if (amount <= 0 || amount > AMOUNT_MAX) {
        return FL_REFUSED_ARGUMENT;
    }
    struct account *account = open_account(deal, tx->account);
    if (!account || !move(&account->quote, amount) ||
        !move(&deal->market->totals.deposits, amount)) {
        return FL_REFUSED_ARGUMENT;
    }
    fl_exec_note(deal->exec, FL_RECORD_DEPOSIT, tx->account, (int64_t)tx->nonce)[2] = amount;
    return 0;
}

/* Without a position no price is needed; with one, what stays must cover the initial margin. */
static uint32_t withdraw(struct deal *deal, const struct fl_tx *tx)
{
    const int64_t amount = tx->arg[0];
    if (amount <= 0 || amount > AMOUNT_MAX) {
        return FL_REFUSED_ARGUMENT;
    }
    struct account *account = open_account(deal, tx->account);
    if (!account || !move(&account->quote, -amount) ||
        !move(&deal->market->totals.withdrawals, amount)) {
        return FL_REFUSED_ARGUMENT;
    }
    if (account->size != 0 && deal->price == 0) {
        return FL_REFUSED_NO_PRICE;
    }
    if (!margin_suffices(deal, account, account->size)) {
        return FL_REFUSED_MARGIN;
    }
    fl_exec_note(deal->exec, FL_RECORD_WITHDRAWAL, tx->account, (int64_t)tx->nonce)[2] = amount;
    return 0;
}

/* The taker pays the fee, ceil(|quote| * rate), into the pot. */
static uint32_t trade(struct deal *deal, const struct fl_tx *tx)
{
    const int64_t size = tx->arg[0], limit = tx->arg[1];
    if (size == 0 || size < -SIZE_MAX_ASKED || size > SIZE_MAX_ASKED || limit < 0) {
        return FL_REFUSED_ARGUMENT;
    }
    if (tx->account == deal->market->liquidity_account) {
        return FL_REFUSED_SENDER; /* it would trade with itself */
    }
    if (deal->price == 0) {
        return FL_REFUSED_NO_PRICE;
    }
    if (!quote_lives(deal)) {
        return FL_REFUSED_NO_QUOTE;
    }
    const uint32_t maker_number = (uint32_t)deal->market->liquidity_account;
    struct account *taker = open_account(deal, tx->account);
    struct account *maker = open_account(deal, maker_number);
    if (!taker || !maker) {
        return FL_REFUSED_ARGUMENT;
    }
    const int64_t before = taker->size;
    struct fill done;
    const uint32_t refused = fill(deal, taker, maker, size, limit, &done);
    if (refused) {
        return refused;
    }
    const fl_i128 fee = requirement(done.quote, deal->p->trading_fee_ppm);
    if (!move(&taker->quote, -fee) || !move(&deal->market->totals.fees, fee)) {
        return FL_REFUSED_ARGUMENT;
    }
    if (!margin_suffices(deal, taker, before)) {
        return FL_REFUSED_MARGIN;
    }
    deal->market->trades++;
    int64_t *note = fl_exec_note(deal->exec, FL_RECORD_FILL, tx->account, maker_number);
    note[2] = done.size;
    note[3] = done.quote;
    note[4] = (int64_t)fee;
    note[5] = 0;
    return 0;
}

/* A new quote replaces the old one, and what was taken from it is forgotten. */
static uint32_t quote(struct deal *deal, const struct fl_tx *tx)
{
    struct market *market = deal->market;
    const int64_t mid = tx->arg[0], half_spread = tx->arg[1], depth = tx->arg[2];
    if (tx->account != market->liquidity_account) {
        return FL_REFUSED_SENDER;
    }
    if (mid <= 0 || mid > MID_MAX || half_spread < 0 || half_spread >= FL_PPM_ONE - IMPACT_MAX ||
        depth <= 0 || depth > SIZE_MAX_ASKED) {
        return FL_REFUSED_ARGUMENT;
    }
    market->mid = mid;
    market->half_spread = half_spread;
    market->depth = depth;
    market->quoted_at = deal->now;
    market->taken_buy = market->taken_sell = 0;
    return 0;
}

/* The fee comes out of what the account has left, so that it never makes a loss of its own (Drift
 * caps its insurance fee for the same reason). The sender gets a share, rounded down; the insurance
 * fund the rest. */
static bool pay_liquidation_fee(struct deal *deal, struct account *account, struct account *sender,
                                int64_t flow, int64_t *fee)
{
    *fee = (int64_t)requirement(flow, deal->p->liquidation_fee_ppm);
    *fee = fl_min(*fee, fl_max(account->quote, 0));
    const int64_t share = fl_mul_div_floor(*fee, deal->p->liquidator_share_ppm, FL_PPM_ONE);
    account->quote -= *fee;
    return move(&sender->quote, share) && move(&deal->market->totals.fund, *fee - share);
}

/* What is missing in a closed account: first the insurance fund pays; the rest falls on all open
 * positions, long and short, in proportion to their size: index rise = ceil(loss / (long + short))
 * (Drift v2: resolve_perp_bankruptcy, calculate_funding_rate_deltas_to_resolve_bankruptcy). With no
 * position left to bear it, the rest stays where it is as a negative quote, outstanding. */
static bool cover_deficit(struct deal *deal, struct account *account, uint32_t number)
{
    struct market *market = deal->market;
    struct fl_totals *totals = &market->totals;
    const int64_t deficit = -account->quote;
    const int64_t paid = fl_min(totals->fund, deficit);
    const int64_t rest = deficit - paid;
    const int64_t open = 2 * totals->open_interest; /* longs and shorts are equal */
    const int64_t socialised = open > 0 ? rest : 0;
    totals->fund -= paid;
    account->quote = socialised - rest;
    if (socialised > 0) {
        const fl_i128 rise = divide_up((fl_i128)rest * INDEX_ONE, open);
        market->loss = index_of(index_value(market->loss) + rise);
    }
    int64_t *note = fl_exec_note(deal->exec, FL_RECORD_DEFICIT, number, totals->liquidations);
    note[2] = paid;
    note[3] = 0;
    note[4] = socialised;
    note[5] = rest - socialised;
    return move(&totals->receivable, socialised) && move(&totals->deficit, deficit) &&
           move(&totals->fund_paid, paid) && move(&totals->socialised, socialised) &&
           move(&totals->outstanding, rest - socialised);
}

/* Anyone may close an account that is below its maintenance margin: the whole position, at whatever
 * the quote gives. */
static uint32_t liquidate(struct deal *deal, const struct fl_tx *tx)
{
    struct market *market = deal->market;
    const struct fl_rows *rows = (const struct fl_rows *)deal->exec;
    if (tx->arg[0] < 0 || tx->arg[0] >= fl_row_count(rows, ACCOUNTS)) {
        return FL_REFUSED_ARGUMENT;
    }
    const uint32_t number = (uint32_t)tx->arg[0];
    if (number == market->liquidity_account) {
        return FL_REFUSED_SENDER; /* there is nobody to take its position */
    }
    if (deal->price == 0) {
        return FL_REFUSED_NO_PRICE;
    }
    if (!liquidatable(deal->p, market, number, fl_row(rows, ACCOUNTS, number), deal->price)) {
        return FL_REFUSED_HEALTHY;
    }
    if (!quote_lives(deal)) {
        return FL_REFUSED_NO_QUOTE;
    }
    /* The sender may be the account itself or the liquidity account: two pointers to one row. */
    struct account *account = open_account(deal, number);
    struct account *maker = open_account(deal, (uint32_t)market->liquidity_account);
    struct account *sender = open_account(deal, tx->account);
    if (!account || !maker || !sender) {
        return FL_REFUSED_ARGUMENT;
    }
    const int64_t closed = account->size;
    struct fill done;
    const uint32_t refused = fill(deal, account, maker, -closed, 0, &done);
    if (refused) {
        return refused;
    }
    int64_t fee;
    if (!pay_liquidation_fee(deal, account, sender, done.quote, &fee)) {
        return FL_REFUSED_ARGUMENT;
    }
    const fl_i128 value = magnitude(notional(closed, deal->price));
    market->totals.liquidations++;
    market->totals.liquidated_usd = /* a statistic: stops at its bound */
        (int64_t)(value > MONEY_MAX - market->totals.liquidated_usd
                      ? MONEY_MAX
                      : market->totals.liquidated_usd + value);
    int64_t *note =
        fl_exec_note(deal->exec, FL_RECORD_LIQUIDATION, number, market->totals.liquidations);
    note[2] = 0;
    note[3] = closed;
    note[4] = done.quote;
    note[5] = fee + fl_min(account->quote, 0);
    if (account->quote < 0 && !cover_deficit(deal, account, number)) {
        return FL_REFUSED_ARGUMENT;
    }
    return 0;
}

/* The oracle's price, if it is valid; else 0. */
static int64_t oracle_price(const struct fl_rows *rows)
{
    const struct params *p = fl_contract_params(rows);
    const struct fl_query ask = {.contract = (uint16_t)p->oracle, .kind = FL_ASK_PRICE};
    struct fl_price price;
    if (fl_ask(rows, &ask, &price, sizeof price) != FL_READ_OK || !price.valid ||
        price.price <= 0 || price.price > PRICE_MAX) {
        return 0;
    }
    return price.price;
}

static uint32_t run(struct deal *deal, const struct fl_tx *tx)
{
    switch ((enum fl_exchange_tx)tx->kind) {
    case FL_TX_DEPOSIT:
        return deposit(deal, tx);
    case FL_TX_WITHDRAW:
        return withdraw(deal, tx);
    case FL_TX_TRADE:
        return trade(deal, tx);
    case FL_TX_QUOTE:
        return quote(deal, tx);
    case FL_TX_LIQUIDATE:
        return liquidate(deal, tx);
    case FL_TX_DELEVERAGE:
        return FL_REFUSED_ARGUMENT;
    }
    return FL_REFUSED_ARGUMENT; /* kinds come from clients */
}

static enum fl_tx_status execute(struct fl_exec *exec, const struct fl_tx *tx, uint32_t *code)
{
    const struct fl_rows *rows = (const struct fl_rows *)exec;
    struct deal deal = {
        .exec = exec,
        .p = fl_contract_params(rows),
        .market = fl_row_edit(exec, MARKET, 0),
        .price = oracle_price(rows),
        .now = fl_rows_time(rows),
    };
    *code = run(&deal, tx);
    return *code ? FL_TX_REVERTED : FL_TX_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Layout and genesis
 * --------------------------------------------------------------------------------------------- */

static void tables(const void *params, const struct fl_facts *facts, struct fl_table *out)
{
    (void)params;
    out[MARKET] = (struct fl_table){"market", sizeof(struct market), 1};
    out[ACCOUNTS] = (struct fl_table){"accounts", sizeof(struct account), facts->accounts};
}

/* The insurance fund counts as a deposit, so that the books balance from the start. */
static void genesis(struct fl_exec *exec)
{
    const struct fl_rows *rows = (const struct fl_rows *)exec;
    const struct params *p = fl_contract_params(rows);
    const uint32_t accounts = fl_row_count(rows, ACCOUNTS);
    struct market *market = fl_row_edit(exec, MARKET, 0);
    market->totals.fund = market->totals.deposits = p->insurance_fund;
    market->liquidity_account = UINT32_MAX;
    for (uint32_t i = 0; i < accounts; i++) {
        if (fl_account_group(rows, i) == p->liquidity) {
            market->liquidity_account = i;
            break;
        }
    }
}

/* ------------------------------------------------------------------------------------------------
 * Questions
 * --------------------------------------------------------------------------------------------- */

static struct fl_account account_now(const struct fl_rows *rows, uint32_t number)
{
    const struct params *p = fl_contract_params(rows);
    const struct account *account = fl_row(rows, ACCOUNTS, number);
    const int64_t charge = pending(account, fl_row(rows, MARKET, 0));
    const int64_t price = oracle_price(rows);
    const fl_i128 value = notional(account->size, price);
    return (struct fl_account){.quote = fl_sub(account->quote, charge),
                               .size = account->size,
                               .unsettled = charge,
                               .equity = (int64_t)(account->quote - charge + value),
                               .initial = (int64_t)requirement(value, p->initial_ppm),
                               .maintenance = (int64_t)requirement(value, p->maintenance_ppm),
                               .positions = account->size != 0,
                               .priced = price != 0 || account->size == 0};
}

static struct fl_market_terms terms(const struct fl_rows *rows)
{
    const struct params *p = fl_contract_params(rows);
    const struct market *market = fl_row(rows, MARKET, 0);
    return (struct fl_market_terms){.initial_ppm = p->initial_ppm,
                                    .maintenance_ppm = p->maintenance_ppm,
                                    .liquidation_fee_ppm = p->liquidation_fee_ppm,
                                    .liquidity_account = (uint32_t)market->liquidity_account,
                                    .accounts = fl_row_count(rows, ACCOUNTS),
                                    .oracle = (uint16_t)p->oracle,
                                    .markets = 1,
                                    .mark = oracle_price(rows),
                                    .tick = 1,
                                    .lot = 1,
                                    .open_interest = market->totals.open_interest};
}

static struct fl_positions positions(const struct fl_rows *rows, uint32_t number)
{
    const struct account *account = fl_row(rows, ACCOUNTS, number);
    struct fl_positions out = {.count = account->size != 0};
    out.at[0].size = account->size;
    return out;
}

/* Accounts that may be liquidated now, after the first `skip`; none without a valid price. Not the liquidity
 * account, which nobody can liquidate. */
static void list_liquidatable(const struct fl_rows *rows, uint32_t skip,
                              struct fl_liquidatable *out)
{
    const struct params *p = fl_contract_params(rows);
    const struct market *market = fl_row(rows, MARKET, 0);
    const uint32_t accounts = fl_row_count(rows, ACCOUNTS);
    const int64_t price = oracle_price(rows);
    memset(out, 0, sizeof *out);
    if (price == 0) {
        return;
    }
    for (uint32_t i = 0; i < accounts; i++) {
        if (!liquidatable(p, market, i, fl_row(rows, ACCOUNTS, i), price)) {
            continue;
        }
        if (out->total++ < skip || out->count == FL_LIQUIDATABLE_MAX) {
            continue;
        }
        const struct fl_account now = account_now(rows, i);
        out->at[out->count++] = (struct fl_below){.account = i,
                                                  .equity = now.equity,
                                                  .maintenance = now.maintenance,
                                                  .notional = fl_abs(now.equity - now.quote)};
    }
}

/* Bytes of the answer to a question. */
static size_t answer_bytes(uint16_t kind)
{
    switch (kind) {
    case FL_ASK_ACCOUNT:
        return sizeof(struct fl_account);
    case FL_ASK_MARKET:
        return sizeof(struct fl_market_terms);
    case FL_ASK_TOTALS:
        return sizeof(struct fl_totals);
    case FL_ASK_LIQUIDATABLE:
        return sizeof(struct fl_liquidatable);
    case FL_ASK_POSITIONS:
        return sizeof(struct fl_positions);
    default: /* questions come from clients */
        return 0;
    }
}

static enum fl_read_status query(const struct fl_rows *rows, const struct fl_query *query,
                                 void *out, size_t bytes)
{
    const int64_t arg = query->arg[0];
    const bool named = query->kind == FL_ASK_ACCOUNT || query->kind == FL_ASK_POSITIONS;
    if (bytes == 0 || bytes != answer_bytes(query->kind) || arg < 0 ||
        (named && arg >= fl_row_count(rows, ACCOUNTS))) {
        return FL_READ_UNKNOWN;
    }
    if (query->kind == FL_ASK_ACCOUNT) {
        const struct fl_account account = account_now(rows, (uint32_t)arg);
        memcpy(out, &account, sizeof account);
    } else if (query->kind == FL_ASK_POSITIONS) {
        const struct fl_positions answer = positions(rows, (uint32_t)arg);
        memcpy(out, &answer, sizeof answer);
    } else if (query->kind == FL_ASK_MARKET) {
        const struct fl_market_terms answer = terms(rows);
        memcpy(out, &answer, sizeof answer);
    } else if (query->kind == FL_ASK_TOTALS) {
        const struct market *market = fl_row(rows, MARKET, 0);
        memcpy(out, &market->totals, sizeof market->totals);
    } else {
        list_liquidatable(rows, (uint32_t)arg, out);
    }
    return FL_READ_OK;
}

static const struct fl_observable observables[] = {
    {"ledger.insurance_fund", "what is in the insurance fund", FL_USD, FL_SUM},
    {"ledger.fees", "trading fees collected", FL_USD, FL_SUM},
    {"ledger.dust", "what roundings of socialised losses left over", FL_USD, FL_SUM},
    {"ledger.receivable", "socialised losses not booked yet", FL_USD, FL_SUM},
    {"ledger.deposits", "deposits so far, the insurance fund's included", FL_USD, FL_SUM},
    {"ledger.withdrawals", "withdrawals so far", FL_USD, FL_SUM},
    {"ledger.deficit", "losses beyond the collateral of liquidated accounts, so far", FL_USD,
     FL_SUM},
    {"ledger.fund_paid", "part of the deficit that the insurance fund paid", FL_USD, FL_SUM},
    {"ledger.socialised", "part of the deficit charged to open positions", FL_USD, FL_SUM},
    {"ledger.outstanding", "part of the deficit that nobody bore", FL_USD, FL_SUM},
    {"ledger.bad_debt", "deficit less what the insurance fund paid", FL_USD, FL_SUM},
    {"ledger.liquidations", "liquidations so far", FL_COUNT, FL_SUM},
    {"ledger.liquidated", "notional liquidated so far, at the oracle price", FL_USD, FL_SUM},
    {"ledger.open_interest", "sum of long positions", FL_SIZE, FL_SUM},
    {"ledger.open_accounts", "accounts with a position", FL_COUNT, FL_SUM},
    {"ledger.trades", "trades so far, liquidations not counted", FL_COUNT, FL_SUM},
    {0},
};

static void observe(const struct fl_rows *rows, int64_t *out)
{
    const struct market *market = fl_row(rows, MARKET, 0);
    const struct fl_totals *totals = &market->totals;
    *out++ = totals->fund;
    *out++ = totals->fees;
    *out++ = totals->dust;
    *out++ = totals->receivable;
    *out++ = totals->deposits;
    *out++ = totals->withdrawals;
    *out++ = totals->deficit;
    *out++ = totals->fund_paid;
    *out++ = totals->socialised;
    *out++ = totals->outstanding;
    *out++ = totals->deficit - totals->fund_paid;
    *out++ = totals->liquidations;
    *out++ = totals->liquidated_usd;
    *out++ = totals->open_interest;
    *out++ = market->open_accounts;
    *out++ = market->trades;
}

/* ------------------------------------------------------------------------------------------------
 * Parameters
 * --------------------------------------------------------------------------------------------- */

static const struct fl_param keys[] = {
    {.key = "oracle",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct params, oracle),
     .doc = "contract that gives the price for margin and liquidation"},
    {.key = "liquidity",
     .type = FL_GROUP_NAME,
     .offset = offsetof(struct params, liquidity),
     .doc = "group whose first account quotes and takes the other side of every fill"},
    {.key = "initial_margin",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, initial_ppm),
     .min = 1,
     .max = FL_PPM_ONE,
     .fallback = "0.05",
     .doc = "collateral needed to open or withdraw, as a ratio of notional; its inverse is the "
            "greatest leverage (dYdX v4, mid and isolated tiers: 5 %)"},
    {.key = "maintenance_margin",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, maintenance_ppm),
     .min = 1,
     .max = FL_PPM_ONE,
     .fallback = "0.03",
     .doc = "below this ratio an account may be liquidated (dYdX v4, mid tier: 60 % of 5 %)"},
    {.key = "trading_fee",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, trading_fee_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0.0005",
     .doc = "taker's fee as a ratio of the quote that changes hands"},
    {.key = "liquidation_fee",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, liquidation_fee_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0.01",
     .doc = "fee on a liquidation as a ratio of the quote that changes hands, at most what the "
            "account has left (dYdX v4: 0.5 % by default, 1.5 % as shipped)"},
    {.key = "liquidator_share",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, liquidator_share_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0.5",
     .doc = "part of the liquidation fee that goes to the sender of the liquidation; the insurance "
            "fund gets the rest"},
    {.key = "insurance_fund",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, insurance_fund),
     .min = 0,
     .max = AMOUNT_MAX,
     .fallback = "0",
     .doc = "USD in the insurance fund at the start"},
    {.key = "quote_max_age_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, quote_max_age),
     .min = 0,
     .max = 1000000 * FL_SECOND,
     .fallback = "60",
     .doc = "seconds of block time for which a quote of the liquidity account is good"},
    {0},
};

static const char *check(const void *params)
{
    const struct params *p = params;
    return p->maintenance_ppm > p->initial_ppm
               ? "maintenance_margin must not be above initial_margin"
               : NULL;
}

static const struct fl_contract contract = {
    .table_count = TABLES,
    .tables = tables,
    .genesis = genesis,
    .execute = execute,
    .query = query,
    .observe = observe,
};

const struct fl_model fl_model_perpetual = {
    .name = "perpetual",
    .family = FL_CONTRACT,
    .doc = "Perpetual-futures market: margin requirements and liquidation test of dYdX v4 "
           "(v4-chain 84d4664b), full liquidation against a quoting liquidity account, insurance "
           "fund, losses beyond it socialised over open positions as on Drift v2 (protocol-v2 "
           "0ae3e3b1). No funding payments.",
    .params = keys,
    .params_bytes = sizeof(struct params),
    .check = check,
    .observables = observables,
    .contract = &contract,
};
