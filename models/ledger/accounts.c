/* Rows of accounts to values that margin.h computes with, and back. */
#include "models/ledger/exchange.h"

#include <string.h>

bool fl_move(int64_t *balance, fl_i128 amount)
{
    const fl_i128 sum = *balance + amount;
    if (fl_magnitude(sum) > FL_MONEY_MAX) return false;
    *balance = (int64_t)sum;
    return true;
}

/* --- the desk ------------------------------------------------------------------------------------- */

void fl_desk_open(struct fl_desk *desk, struct fl_exec *exec, const struct fl_rows *rows)
{
    desk->exec = exec;
    desk->rows = exec ? (const struct fl_rows *)exec : rows;
    desk->p = fl_contract_params(desk->rows);
    desk->now = fl_rows_time(desk->rows);
    desk->known = 0;
    desk->marks = fl_watchlist_marks(desk);
}

const struct fl_exchange_market *fl_market_terms(const struct fl_desk *desk, uint32_t market)
{
    const struct fl_exchange_market *all = desk->p->markets.at;
    return &all[market];
}

const struct fl_margin_market *fl_desk_market(struct fl_desk *desk, uint32_t market)
{
    struct fl_margin_market *out = &desk->market[market];
    if (desk->known >> market & 1) return out;
    const struct fl_exchange_market *terms = fl_market_terms(desk, market);
    const struct fl_market_row *row = fl_row(desk->rows, FL_EXCHANGE_MARKETS, market);
    *out = (struct fl_margin_market){
        .terms = {.initial_ppm = terms->initial_ppm,
                  .maintenance_fraction_ppm = terms->maintenance_fraction_ppm,
                  .oi_lower = terms->oi_lower,
                  .oi_upper = terms->oi_upper,
                  .exponent = FL_EXCHANGE_EXPONENT},
        .price = fl_exchange_mark(desk, market),
        .open_interest = row->open_interest,
        .funding = row->funding_long,
    };
    desk->known |= UINT32_C(1) << market;
    return out;
}

void fl_desk_forget(struct fl_desk *desk, uint32_t market)
{
    desk->known &= ~(UINT32_C(1) << market);
}

struct fl_exchange_row *fl_desk_exchange(struct fl_desk *desk)
{
    return fl_row_edit(desk->exec, FL_EXCHANGE_ROW, 0);
}

struct fl_market_row *fl_desk_market_edit(struct fl_desk *desk, uint32_t market)
{
    return fl_row_edit(desk->exec, FL_EXCHANGE_MARKETS, market);
}

bool fl_is_maker(const struct fl_desk *desk, uint32_t account)
{
    const uint32_t group = fl_account_group(desk->rows, account);
    for (uint32_t i = 0; i < desk->p->makers.count; i++)
        if (desk->p->makers.first[i] == group) return true;
    return false;
}

/* --- opening -------------------------------------------------------------------------------------- */

/* What a position has not been charged yet, as an index that margin.h can subtract from the market's: both sides
 * of a market have indices of their own, because socialised losses are charged to both. */
static int64_t settled_index(const struct fl_market_row *row,
                             const struct fl_position_row *position)
{
    const int64_t side = position->size > 0 ? row->funding_long : row->funding_short;
    return row->funding_long - (side - position->funding);
}

static void open_positions(struct fl_desk *desk, uint32_t first, struct fl_opened *account)
{
    struct fl_margin_account *value = &account->value;
    for (uint32_t slot = first; slot != 0;) {
        const struct fl_position_row *row = fl_row(desk->rows, FL_EXCHANGE_POSITIONS, slot - 1);
        FL_ASSERT(row->account == account->number && value->count < desk->p->markets.count);
        const uint32_t i = value->count++, market = row->market;
        account->priced = fl_desk_market(desk, market)->price != 0 && account->priced;
        value->at[i] = (struct fl_position){
            .market = market,
            .size = row->size,
            .funding = settled_index(fl_row(desk->rows, FL_EXCHANGE_MARKETS, market), row)};
        account->entry[i] = row->entry;
        account->slot[i] = slot;
        account->stored_market[i] = market;
        account->stored_size[i] = row->size;
        slot = row->next;
    }
}

/* Indices and sizes are bounded, so that `due` is below 2^95. What leaves the bounds of a balance stops there, and
 * the account can no longer be stored. */
static void settle(const struct fl_desk *desk, struct fl_opened *account)
{
    struct fl_margin_account *value = &account->value;
    account->due = fl_funding_due(value, desk->market);
    account->bounded = fl_move(&value->quote, account->due);
    if (!account->bounded) value->quote = account->due < 0 ? -FL_MONEY_MAX : FL_MONEY_MAX;
    for (uint32_t i = 0; i < value->count; i++)
        value->at[i].funding = desk->market[value->at[i].market].funding;
}

void fl_account_open(struct fl_desk *desk, uint32_t number, struct fl_opened *account)
{
    const struct fl_account_row *row = fl_row(desk->rows, FL_EXCHANGE_ACCOUNTS, number);
    account->number = number;
    account->priced = account->bounded = true;
    account->due = 0;
    account->value.quote = row->quote;
    account->value.count = 0;
    open_positions(desk, row->first, account);
    account->stored = account->value.count;
    if (account->stored > 0) settle(desk, account);
}

struct fl_risk fl_opened_risk(const struct fl_desk *desk, const struct fl_opened *account)
{
    return fl_account_risk(&account->value, desk->market);
}

/* --- fills ---------------------------------------------------------------------------------------- */

static uint32_t place_of(const struct fl_margin_account *value, uint32_t market)
{
    uint32_t i = 0;
    while (i < value->count && value->at[i].market < market) i++;
    return i;
}

/* What an account's open position cost, after it went from `before` to `after` by a flow of `quote`. */
static fl_i128 entry_after(fl_i128 entry, int64_t before, int64_t after, fl_i128 quote)
{
    const fl_i128 flow = fl_magnitude(quote);
    if (after == 0) return 0;
    if (before == 0 || (before > 0) != (after > 0))
        return flow * fl_abs(after) / fl_abs(fl_sub(after, before));
    if (fl_abs(after) > fl_abs(before)) return entry + flow;
    return entry * fl_abs(after) / fl_abs(before);
}

void fl_account_follow(struct fl_opened *account, uint32_t market, int64_t before, fl_i128 quote)
{
    const struct fl_margin_account *value = &account->value;
    const uint32_t i = place_of(value, market);
    const bool there = i < value->count && value->at[i].market == market;
    const int64_t after = there ? value->at[i].size : 0;
    const uint32_t behind = value->count - i - (there ? 1 : 0);
    if (before == 0 && there) {
        memmove(&account->entry[i + 1], &account->entry[i], behind * sizeof account->entry[0]);
        memmove(&account->slot[i + 1], &account->slot[i], behind * sizeof account->slot[0]);
        account->entry[i] = 0;
        account->slot[i] = 0;
    } else if (before != 0 && !there) {
        memmove(&account->entry[i], &account->entry[i + 1], behind * sizeof account->entry[0]);
        memmove(&account->slot[i], &account->slot[i + 1], behind * sizeof account->slot[0]);
    }
    if (there) {
        const fl_i128 entry = entry_after(account->entry[i], before, after, quote);
        account->entry[i] = (int64_t)(entry > FL_MONEY_MAX ? FL_MONEY_MAX : entry);
    }
}

bool fl_account_trade(struct fl_desk *desk, struct fl_opened *account, uint32_t market,
                      int64_t size, fl_i128 quote)
{
    fl_desk_market(desk, market);
    const int64_t before = fl_account_size(&account->value, market);
    const fl_i128 after = (fl_i128)before + size, balance = account->value.quote + quote;
    if (!account->bounded || fl_magnitude(after) > FL_SIZE_ASKED_MAX ||
        fl_magnitude(balance) > FL_MONEY_MAX ||
        !fl_account_fill(&account->value, desk->market, market, size, quote))
        return false;
    fl_account_follow(account, market, before, quote);
    return true;
}

/* --- storing -------------------------------------------------------------------------------------- */

static bool has_room(const struct fl_desk *desk, const struct fl_opened *account)
{
    const struct fl_exchange_row *exchange = fl_row(desk->rows, FL_EXCHANGE_ROW, 0);
    uint32_t wanted = 0;
    uint32_t free = fl_row_count(desk->rows, FL_EXCHANGE_POSITIONS) - exchange->position_high;
    for (uint32_t i = 0; i < account->value.count; i++) wanted += account->slot[i] == 0;
    for (uint32_t slot = exchange->free_position; slot != 0 && free < wanted; free++) {
        const struct fl_position_row *row = fl_row(desk->rows, FL_EXCHANGE_POSITIONS, slot - 1);
        slot = row->next;
    }
    return free >= wanted;
}

static int64_t stored_size(const struct fl_opened *account, uint32_t market)
{
    for (uint32_t i = 0; i < account->stored; i++)
        if (account->stored_market[i] == market) return account->stored_size[i];
    return 0;
}

static bool interest_bounded(const struct fl_desk *desk, const struct fl_opened *account)
{
    for (uint32_t i = 0; i < account->value.count; i++) {
        const struct fl_position *position = &account->value.at[i];
        const struct fl_market_row *row = fl_row(desk->rows, FL_EXCHANGE_MARKETS, position->market);
        const int64_t more =
            fl_open_interest_gain(stored_size(account, position->market), position->size);
        if (row->open_interest + more > FL_INTEREST_MAX) return false;
    }
    return true;
}

/* Slot + 1. */
static uint32_t take_slot(struct fl_desk *desk)
{
    struct fl_exchange_row *exchange = fl_desk_exchange(desk);
    if (exchange->free_position == 0) return ++exchange->position_high;
    const uint32_t slot = exchange->free_position;
    const struct fl_position_row *row = fl_row(desk->rows, FL_EXCHANGE_POSITIONS, slot - 1);
    exchange->free_position = row->next;
    return slot;
}

static void free_slot(struct fl_desk *desk, uint32_t slot)
{
    struct fl_exchange_row *exchange = fl_desk_exchange(desk);
    struct fl_position_row *row = fl_row_edit(desk->exec, FL_EXCHANGE_POSITIONS, slot - 1);
    memset(row, 0, sizeof *row);
    row->next = exchange->free_position;
    exchange->free_position = slot;
}

static void count_market(struct fl_desk *desk, uint32_t market, int64_t more)
{
    if (more == 0) return;
    struct fl_market_row *row = fl_desk_market_edit(desk, market);
    row->open_interest = fl_add(row->open_interest, more);
    desk->market[market].open_interest = row->open_interest;
    struct fl_totals *totals = &fl_desk_exchange(desk)->totals;
    totals->open_interest = fl_add(totals->open_interest, more);
}

/* Positions that are gone; then those that are there, in order, linked. */
static uint32_t store_positions(struct fl_desk *desk, struct fl_opened *account, uint32_t first)
{
    const struct fl_margin_account *value = &account->value;
    for (uint32_t slot = first; slot != 0;) {
        const struct fl_position_row *row = fl_row(desk->rows, FL_EXCHANGE_POSITIONS, slot - 1);
        const uint32_t next = row->next, market = row->market;
        if (fl_account_size(&account->value, market) == 0) {
            count_market(desk, market, fl_open_interest_gain(row->size, 0));
            free_slot(desk, slot);
        }
        slot = next;
    }
    uint32_t next = 0;
    for (uint32_t i = value->count; i-- > 0;) {
        const struct fl_position *position = &value->at[i];
        if (account->slot[i] == 0) account->slot[i] = take_slot(desk);
        const struct fl_market_row *market =
            fl_row(desk->rows, FL_EXCHANGE_MARKETS, position->market);
        struct fl_position_row *row =
            fl_row_edit(desk->exec, FL_EXCHANGE_POSITIONS, account->slot[i] - 1);
        *row = (struct fl_position_row){.size = position->size,
                                        .entry = account->entry[i],
                                        .funding = position->size > 0 ? market->funding_long
                                                                      : market->funding_short,
                                        .account = account->number,
                                        .market = position->market,
                                        .next = next};
        next = account->slot[i];
        count_market(desk, position->market,
                     fl_open_interest_gain(stored_size(account, position->market), position->size));
    }
    return next;
}

bool fl_account_store(struct fl_desk *desk, struct fl_opened *account)
{
    if (!account->bounded || !has_room(desk, account) || !interest_bounded(desk, account))
        return false;
    const struct fl_margin_account *value = &account->value;
    struct fl_exchange_row *exchange = fl_desk_exchange(desk);
    struct fl_account_row *row = fl_row_edit(desk->exec, FL_EXCHANGE_ACCOUNTS, account->number);
    if (!fl_move(&exchange->totals.funding, -account->due)) return false;
    account->due = 0;
    row->quote = value->quote;
    row->changes++;
    exchange->open_accounts += (value->count != 0) - (account->stored != 0);
    row->first = store_positions(desk, account, row->first);
    account->stored = value->count;
    for (uint32_t i = 0; i < value->count; i++) {
        account->stored_market[i] = value->at[i].market;
        account->stored_size[i] = value->at[i].size;
    }
    return true;
}

/* A settlement alone is sound, whatever becomes of what it was made for. */
bool fl_opened_settle(struct fl_desk *desk, struct fl_opened *account)
{
    return account->due == 0 ? account->bounded : fl_account_store(desk, account);
}

void fl_account_absolve(struct fl_desk *desk, struct fl_opened *account, uint32_t market)
{
    const int64_t index = fl_desk_market(desk, market)->funding;
    for (uint32_t i = 0; i < account->value.count; i++)
        if (account->value.at[i].market == market) account->value.at[i].funding = index;
}
