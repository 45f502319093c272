/* The waterfall of a liquidation, and the exchange's own liquidations.
 *
 * An account below maintenance loses one position at a time, or the part of it that the limits of a block
 * allow. Each dollar of loss beyond its collateral falls on the first of these that can bear it:
 *   1. the book, at the fillable price or better (dYdX v4): the difference to the bankruptcy price goes to the
 *      insurance fund as a fee, or comes out of it, part by part, as long as it lasts and the limits allow;
 *   2. what the book does not take of a bankrupt account goes to accounts on the other side, at the bankruptcy
 *      price: they give up what it is worse than the mark (auto-deleveraging, by the policy of the exchange);
 *   3. what nobody can take over at that price is sold to the book at any price: the fund pays what it has;
 *   4. the rest is charged to the market's open positions in proportion to their size (Drift v2);
 *   5. with no position left to bear it, it stays outstanding as a negative balance.
 * An account that is below maintenance but not bankrupt waits for a better book after step 1.
 *
 * Order, where the exchange liquidates by itself: lowest collateral over maintenance first, by
 * cross-multiplication, then the lower account; looked at again after each fill. A position is liquidated at
 * most once in a block. */
#include "models/ledger/fall.h"

/* --- limits of a block ---------------------------------------------------------------------------- */

struct fl_exchange_row *fl_fall_block(struct fl_desk *desk)
{
    struct fl_exchange_row *exchange = fl_desk_exchange(desk);
    const uint64_t height = fl_exec_batch(desk->exec)->height;
    if (exchange->struck_height != height) {
        exchange->struck_height = height;
        exchange->struck = 0;
        exchange->struck_insurance = exchange->struck_deleveragings = 0;
    }
    return exchange;
}

/* What this block has done to the account so far. True if this position was its. */
static bool struck_before(struct fl_desk *desk, uint32_t account, uint32_t market,
                          fl_i128 *notional, fl_i128 *lost)
{
    const uint32_t count = fl_fall_block(desk)->struck;
    uint32_t markets[FL_MARKETS_MAX], known = 0;
    *notional = *lost = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct fl_struck_row *row = fl_row(desk->rows, FL_EXCHANGE_STRUCK, i);
        if (row->account != account) continue;
        *notional += row->notional;
        *lost += row->lost;
        if (!fl_liquidated_in(markets, known, row->market)) markets[known++] = row->market;
    }
    return fl_liquidated_in(markets, known, market);
}

static bool table_full(const struct fl_fall *f)
{
    return fl_fall_block(f->desk)->struck == fl_row_count(f->desk->rows, FL_EXCHANGE_STRUCK);
}

static int64_t clipped(fl_i128 a)
{
    return a > FL_MONEY_MAX ? FL_MONEY_MAX : (int64_t)a;
}

static void strike(struct fl_fall *f)
{
    struct fl_exchange_row *exchange = fl_fall_block(f->desk);
    struct fl_struck_row *row = fl_row_edit(f->desk->exec, FL_EXCHANGE_STRUCK, exchange->struck++);
    *row = (struct fl_struck_row){.account = f->account.number,
                                  .market = f->market,
                                  .notional = clipped(f->closed_notional),
                                  .lost = clipped(f->lost)};
    exchange->struck_insurance += row->lost;
}

/* --- parts that close ----------------------------------------------------------------------------- */

static const struct fl_margin_market *at_market(const struct fl_fall *f)
{
    return &f->desk->market[f->market];
}

fl_i128 fl_fall_notional(const struct fl_fall *f, int64_t size)
{
    return fl_notional(size, at_market(f)->price, FL_EXCHANGE_EXPONENT);
}

static void because_of_price(const struct fl_fall *f)
{
    const uint32_t oracle = fl_market_terms(f->desk, f->market)->oracle;
    const struct fl_query ask = {.contract = (uint16_t)oracle, .kind = FL_ASK_PRICE};
    struct fl_price price;
    if (fl_ask(f->desk->rows, &ask, &price, sizeof price) == FL_READ_OK)
        fl_exec_because(f->desk->exec, FL_RECORD_PRICE, oracle, price.round);
}

/* The record stands before those of what follows from it, and is filled in at the end. */
static void begin(struct fl_fall *f)
{
    if (f->note) return;
    if (f->own) because_of_price(f);
    struct fl_totals *totals = &fl_desk_exchange(f->desk)->totals;
    f->number = ++totals->liquidations;
    f->note = fl_exec_note(f->desk->exec, FL_RECORD_LIQUIDATION, f->account.number, f->number);
    f->note[2] = f->market;
}

/* A part of `size` (signed, of the account) has been closed for `quote`, with `delta` to or from the fund. */
void fl_fall_count(struct fl_fall *f, int64_t size, int64_t before, fl_i128 quote, fl_i128 delta)
{
    const fl_i128 value =
        fl_magnitude(fl_fall_notional(f, before) - fl_fall_notional(f, before + size));
    f->rest -= size;
    f->closed_notional += value;
    f->note[3] -= size;
    f->note[4] += (int64_t)quote;
    f->note[5] += (int64_t)delta;
    struct fl_totals *totals = &fl_desk_exchange(f->desk)->totals;
    if (!fl_move(&totals->liquidated_usd, value)) totals->liquidated_usd = FL_MONEY_MAX;
}

/* Stores the account after a part has closed. Nothing is due (find_fallen saw to that) and the position has
 * shrunk: so that neither a bound nor the room for positions can be in the way. */
void fl_fall_keep(struct fl_fall *f, const struct fl_opened *after)
{
    f->account = *after;
    const bool stored = fl_account_store(f->desk, &f->account);
    FL_ASSERT(stored);
    begin(f);
}

static int64_t open_gain(int64_t before, const struct fl_match *part)
{
    return fl_open_interest_gain(before, fl_add(before, part->size));
}

/* Moves a gain to the fund, but for the sender's share. */
static void pay_in(struct fl_fall *f, fl_i128 delta)
{
    const fl_i128 share = f->rewarded ? delta * f->desk->p->liquidator_share_ppm / FL_PPM_ONE : 0;
    f->reward += share;
    struct fl_totals *totals = &fl_desk_exchange(f->desk)->totals;
    totals->fund = fl_add(totals->fund, (int64_t)(delta - share));
}

static fl_i128 deficit_of(const struct fl_fall *f)
{
    return f->fund_paid + f->adl + f->socialised + f->outstanding;
}

/* Whether all deficits so far still fit with `loss` more: what does not is not done at all, so that at the end of a
 * block, too, every loss is counted. */
bool fl_fall_can_count(struct fl_fall *f, fl_i128 loss)
{
    const struct fl_totals *totals = &fl_desk_exchange(f->desk)->totals;
    return totals->deficit + deficit_of(f) + loss <= FL_MONEY_MAX;
}

/* --- 1: the book, within the fillable price and the fund ------------------------------------------- */

static bool fund_bears(struct fl_fall *f, fl_i128 delta)
{
    const struct fl_exchange_row *exchange = fl_fall_block(f->desk);
    const fl_i128 loss = fl_insurance_lost(delta);
    if (loss == 0) return exchange->totals.fund + delta <= FL_MONEY_MAX;
    return (fl_insurance_bears(exchange->totals.fund, delta) && fl_fall_can_count(f, loss) &&
            f->lost + loss <= f->loss_left &&
            exchange->struck_insurance + f->lost + loss <= f->desk->p->insurance_per_block);
}

/* One part; false if the fund does not bear it, or a bound would be passed: then nothing has changed. */
static bool take_part(struct fl_fall *f, const struct fl_match *part, bool *backed)
{
    struct fl_desk *desk = f->desk;
    const int64_t before = fl_account_size(&f->account.value, f->market);
    const fl_i128 bankrupt =
        fl_bankruptcy_quote(&f->account.value, desk->market, f->market, part->size);
    const fl_i128 delta =
        fl_insurance_delta(part->quote, bankrupt, desk->p->liquidation.max_fee_ppm);
    struct fl_opened after = f->account;
    *backed = true;
    if (!fund_bears(f, delta) ||
        !fl_account_trade(desk, &after, f->market, part->size, part->quote - delta))
        return false;
    *backed = fl_book_take(desk, f->market, part, open_gain(before, part));
    if (!*backed) return false;
    fl_fall_keep(f, &after);
    fl_fall_count(f, part->size, before, part->quote, delta);
    if (delta > 0) {
        pay_in(f, delta);
        return true;
    }
    fl_desk_exchange(desk)->totals.fund -= (int64_t)-delta;
    f->lost -= delta;
    f->fund_paid -= delta;
    return true;
}

static int64_t fillable_limit(const struct fl_fall *f)
{
    const struct fl_fraction price =
        fl_fillable_price(&f->account.value, f->desk->market, f->market, &f->desk->p->liquidation);
    const struct fl_exchange_market *terms = fl_market_terms(f->desk, f->market);
    const fl_u128 on_grid = fl_fillable_on_grid(price, f->rest < 0, -FL_EXCHANGE_EXPONENT,
                                                (uint64_t)terms->tick, INT64_MAX);
    return (int64_t)on_grid;
}

static uint32_t close_on_book(struct fl_fall *f)
{
    const int64_t limit = fillable_limit(f), wanted = f->rest;
    uint32_t skip = 0;
    while (f->rest != 0) {
        const struct fl_match part = fl_book_look(f->desk, f->market, wanted, f->rest, limit, skip);
        bool backed;
        if (part.size == 0) break;
        if (part.maker != f->account.number && take_part(f, &part, &backed)) continue;
        if (part.maker != f->account.number && backed) return FL_REFUSED_FUND;
        skip |= UINT32_C(1) << part.place;
    }
    return f->rest != wanted ? 0 : FL_REFUSED_NO_QUOTE;
}

/* --- 3 to 5: any price, the fund's last, everybody, nobody ------------------------------------------ */

/* Charges `loss` to both sides of the market's open interest, but for the account itself: index rise =
 * ceil(loss / (long + short)), Drift v2's resolve_perp_bankruptcy. What was charged: all of it, or nothing. */
static fl_i128 socialise(struct fl_fall *f, fl_i128 loss)
{
    struct fl_desk *desk = f->desk;
    struct fl_market_row *row = fl_desk_market_edit(desk, f->market);
    const fl_i128 open = 2 * (fl_i128)row->open_interest -
                         fl_abs(fl_account_size(&f->account.value, f->market));
    if (loss == 0 || open == 0) return 0;
    const fl_i128 rise = (loss * FL_PPM_ONE + open - 1) / open;
    if (row->funding_long + rise > FL_INDEX_MAX || row->funding_short - rise < -FL_INDEX_MAX ||
        !fl_move(&fl_desk_exchange(desk)->totals.funding, -loss))
        return 0;
    row->funding_long += (int64_t)rise;
    row->funding_short -= (int64_t)rise;
    fl_desk_forget(desk, f->market);
    fl_account_absolve(desk, &f->account, f->market);
    return loss;
}

/* One part of what is left goes to the book at any price; the account gets its bankruptcy price, as far as
 * anybody pays for it. */
static bool dump_part(struct fl_fall *f, const struct fl_match *part)
{
    struct fl_desk *desk = f->desk;
    const int64_t before = fl_account_size(&f->account.value, f->market);
    const fl_i128 bankrupt =
        fl_bankruptcy_quote(&f->account.value, desk->market, f->market, part->size);
    const fl_i128 loss = bankrupt > part->quote ? bankrupt - part->quote : 0;
    struct fl_opened after = f->account;
    if (!fl_account_trade(desk, &after, f->market, part->size, part->quote) ||
        fl_magnitude(after.value.quote + loss) > FL_MONEY_MAX || !fl_fall_can_count(f, loss) ||
        !fl_book_take(desk, f->market, part, open_gain(before, part)))
        return false;
    fl_fall_keep(f, &after);
    struct fl_totals *totals = &fl_desk_exchange(desk)->totals;
    const fl_i128 paid = loss < totals->fund ? loss : totals->fund;
    fl_fall_count(f, part->size, before, part->quote, -paid);
    totals->fund -= (int64_t)paid;
    const fl_i128 shared = socialise(f, loss - paid);
    f->account.value.quote += (int64_t)(paid + shared);
    const struct fl_opened covered = f->account;
    fl_fall_keep(f, &covered);
    f->lost += paid;
    f->fund_paid += paid;
    f->socialised += shared;
    f->outstanding += loss - paid - shared;
    return true;
}

static void dump(struct fl_fall *f)
{
    const int64_t wanted = f->rest;
    uint32_t skip = 0;
    while (f->rest != 0) {
        const struct fl_match part = fl_book_look(f->desk, f->market, wanted, f->rest, 0, skip);
        if (part.size == 0) return;
        if (part.maker == f->account.number || !dump_part(f, &part))
            skip |= UINT32_C(1) << part.place;
    }
}

/* --- the whole ------------------------------------------------------------------------------------- */

static bool bankrupt(const struct fl_fall *f)
{
    const struct fl_risk risk = fl_opened_risk(f->desk, &f->account);
    return fl_can_deleverage(risk.collateral, false) == FL_DELEVERAGE_AT_BANKRUPTCY;
}

uint32_t fl_worst_market(const struct fl_desk *desk, const struct fl_opened *account)
{
    const struct fl_margin_account *value = &account->value;
    uint32_t worst = 0;
    fl_i128 greatest = -1;
    for (uint32_t i = 0; i < value->count; i++) {
        const struct fl_margin_market *market = &desk->market[value->at[i].market];
        const fl_i128 margin = fl_maintenance_margin(
            &market->terms, fl_notional(value->at[i].size, market->price, FL_EXCHANGE_EXPONENT));
        if (margin > greatest) {
            greatest = margin;
            worst = value->at[i].market;
        }
    }
    return worst;
}

/* The account, if it may be liquidated now: 0, or why not. */
static uint32_t find_fallen(struct fl_fall *f, uint32_t number)
{
    if (fl_is_maker(f->desk, number)) return FL_REFUSED_SENDER; /* nobody can take its position */
    fl_account_open(f->desk, number, &f->account);
    if (!f->account.priced) return FL_REFUSED_NO_PRICE;
    const struct fl_risk risk = fl_opened_risk(f->desk, &f->account);
    if (!fl_liquidatable(&risk)) return FL_REFUSED_HEALTHY;
    return fl_opened_settle(f->desk, &f->account) ? 0 : FL_REFUSED_ARGUMENT;
}

/* How much of the position this block may close: within the limits of a position and of an account, in whole lots, at
 * least one, unless the block has none left. */
static uint32_t limit_size(struct fl_fall *f)
{
    const struct fl_exchange *p = f->desk->p;
    struct fl_liquidation_terms terms = p->liquidation;
    fl_i128 notional, lost;
    terms.account_notional = p->account_notional;
    terms.account_insurance = p->account_insurance;
    if (struck_before(f->desk, f->account.number, f->market, &notional, &lost) || table_full(f))
        return FL_REFUSED_BLOCK_LIMIT;
    /* Negative if a whole lot, or a loss that no limit stops, has passed them. */
    const fl_i128 notional_left = fl_block_notional_left(&terms, notional);
    const int64_t size = fl_account_size(&f->account.value, f->market);
    const int64_t lot = fl_market_terms(f->desk, f->market)->lot;
    const fl_i128 value = fl_magnitude(fl_fall_notional(f, size));
    const struct fl_notional_limits limits = fl_position_limits(&terms, value);
    fl_i128 most = limits.greatest < notional_left ? limits.greatest : notional_left;
    if (notional_left <= 0) return FL_REFUSED_BLOCK_LIMIT;
    f->loss_left = fl_block_insurance_left(&terms, lost);
    f->rest = -size;
    if (most < value) {
        const fl_i128 lots = fl_abs(size) * most / value / lot;
        const int64_t part = (int64_t)(lots < 1 ? 1 : lots) * lot;
        if (part < fl_abs(size)) f->rest = size > 0 ? -part : part;
    }
    return 0;
}

static void settle_up(struct fl_fall *f)
{
    struct fl_desk *desk = f->desk;
    struct fl_totals *totals = &fl_desk_exchange(desk)->totals;
    const fl_i128 deficit = deficit_of(f);
    strike(f);
    if (deficit == 0) return;
    fl_exec_because(desk->exec, FL_RECORD_LIQUIDATION, f->account.number, f->number);
    int64_t *note = fl_exec_note(desk->exec, FL_RECORD_DEFICIT, f->account.number, f->number);
    note[2] = (int64_t)f->fund_paid;
    note[3] = (int64_t)f->adl;
    note[4] = (int64_t)f->socialised;
    note[5] = (int64_t)f->outstanding;
    const bool counted = fl_move(&totals->deficit, deficit) &&
                         fl_move(&totals->fund_paid, f->fund_paid) &&
                         fl_move(&totals->adl, f->adl) &&
                         fl_move(&totals->socialised, f->socialised) &&
                         fl_move(&totals->outstanding, f->outstanding);
    FL_ASSERT(counted); /* can_count, part by part */
}

/* Stages 2 to 5 for what is left. */
static void resolve(struct fl_fall *f)
{
    fl_fall_deleverage(f);
    if (f->rest != 0) dump(f);
}

uint32_t fl_fall_liquidate(struct fl_fall *f, uint32_t number, uint32_t market_plus_one)
{
    const uint32_t refused = find_fallen(f, number);
    if (refused) return refused;
    f->market = market_plus_one == 0 ? fl_worst_market(f->desk, &f->account) : market_plus_one - 1;
    if (fl_account_size(&f->account.value, f->market) == 0) return FL_REFUSED_ARGUMENT;
    const uint32_t limited = limit_size(f);
    if (limited) return limited;
    const uint32_t unfilled = close_on_book(f);
    if (f->rest != 0 && bankrupt(f) && !f->desk->p->deleveraging.model->deleveraging->named)
        resolve(f);
    if (!f->note) return unfilled;
    settle_up(f);
    return 0;
}

static bool named_account(const struct fl_desk *desk, int64_t arg)
{
    return arg >= 0 && arg < fl_row_count(desk->rows, FL_EXCHANGE_ACCOUNTS);
}

static bool named_market(const struct fl_desk *desk, int64_t arg)
{
    return arg >= 0 && arg <= desk->p->markets.count;
}

/* The sender may be any account, the liquidated one too, and is paid when all else is stored. */
static uint32_t pay_sender(struct fl_fall *f, uint32_t sender)
{
    struct fl_opened account;
    if (f->reward == 0) return 0;
    fl_account_open(f->desk, sender, &account);
    return fl_move(&account.value.quote, f->reward) && fl_account_store(f->desk, &account)
               ? 0
               : FL_REFUSED_ARGUMENT;
}

/* Anyone may close a position of an account that is below its maintenance margin. */
uint32_t fl_liquidate_tx(struct fl_desk *desk, const struct fl_tx *tx)
{
    if (!named_account(desk, tx->arg[0]) || !named_market(desk, tx->arg[1]))
        return FL_REFUSED_ARGUMENT;
    struct fl_fall f = {.desk = desk, .rewarded = true};
    const uint32_t refused = fl_fall_liquidate(&f, (uint32_t)tx->arg[0], (uint32_t)tx->arg[1]);
    return refused ? refused : pay_sender(&f, tx->account);
}

/* Where keepers choose: anyone may name who takes over a bankrupt account's position. Who names the account
 * itself says that nobody is left: then the exchange goes through the other side, the largest first, and sells what
 * they cannot take to the book at any price. */
uint32_t fl_deleverage_tx(struct fl_desk *desk, const struct fl_tx *tx)
{
    if (!named_account(desk, tx->arg[0]) || !named_market(desk, tx->arg[1]) ||
        !named_account(desk, tx->arg[2]))
        return FL_REFUSED_ARGUMENT;
    if (!desk->p->deleveraging.model->deleveraging->named) return FL_REFUSED_SENDER;
    struct fl_fall f = {.desk = desk};
    const uint32_t number = (uint32_t)tx->arg[0], refused = find_fallen(&f, number);
    if (refused) return refused;
    f.market = tx->arg[1] == 0 ? fl_worst_market(desk, &f.account) : (uint32_t)tx->arg[1] - 1;
    const int64_t size = fl_account_size(&f.account.value, f.market);
    if (size == 0 || !bankrupt(&f)) return size == 0 ? FL_REFUSED_ARGUMENT : FL_REFUSED_HEALTHY;
    f.rest = -size;
    if (!fl_fall_may_deleverage(&f) || table_full(&f)) return FL_REFUSED_BLOCK_LIMIT;
    if (tx->arg[2] == number)
        resolve(&f);
    else
        fl_fall_take_over(&f, (uint32_t)tx->arg[2], f.rest);
    if (!f.note) return FL_REFUSED_NO_QUOTE;
    settle_up(&f);
    return 0;
}
