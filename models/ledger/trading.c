/* Marks, quotes and fills on the perpetual exchange. */
#include "models/ledger/exchange.h"

/* --- marks ---------------------------------------------------------------------------------------- */

int64_t fl_exchange_oracle(const struct fl_desk *desk, uint32_t market)
{
    const struct fl_query ask = {.contract = (uint16_t)fl_market_terms(desk, market)->oracle,
                                 .kind = FL_ASK_PRICE};
    struct fl_price price;
    if (fl_ask(desk->rows, &ask, &price, sizeof price) != FL_READ_OK || !price.valid ||
        price.price <= 0 || price.price > FL_ORACLE_PRICE_MAX)
        return 0;
    return price.price;
}

static int64_t find_mark(const struct fl_desk *desk, uint32_t market)
{
    const int64_t oracle = fl_exchange_oracle(desk, market);
    if (oracle == 0) return 0;
    const struct fl_market_row *row = fl_row(desk->rows, FL_EXCHANGE_MARKETS, market);
    const struct fl_submodel *rule = &desk->p->mark;
    return fl_clamp(rule->model->mark->price(rule->params, row->mark_state, oracle), 1,
                    FL_ORACLE_PRICE_MAX);
}

/* Found once for a version, of which there may be many readers. */
int64_t fl_exchange_mark(const struct fl_desk *desk, uint32_t market)
{
    struct fl_marks *marks = desk->marks;
    if (!marks) return find_mark(desk, market);
    if (!(marks->known >> market & 1)) {
        marks->price[market] = find_mark(desk, market);
        marks->known |= UINT32_C(1) << market;
    }
    return marks->price[market];
}

void fl_mark_block(struct fl_desk *desk)
{
    const struct fl_submodel *rule = &desk->p->mark;
    if (!rule->model->mark->update) return;
    for (uint32_t market = 0; market < desk->p->markets.count; market++) {
        const int64_t oracle = fl_exchange_oracle(desk, market);
        if (oracle == 0) continue;
        struct fl_market_row *row = fl_desk_market_edit(desk, market);
        const struct fl_mark_sight sight = {.oracle = oracle,
                                            .bid = fl_best_price(desk, market, false),
                                            .ask = fl_best_price(desk, market, true),
                                            .last = row->last,
                                            .now = desk->now};
        rule->model->mark->update(rule->params, row->mark_state, &sight);
    }
}

/* --- the book ------------------------------------------------------------------------------------- */

static uint32_t maker_place(uint32_t market, uint32_t place)
{
    return market * FL_MAKERS_MAX + place;
}

static const struct fl_maker_row *maker_at(const struct fl_desk *desk, uint32_t market,
                                           uint32_t place)
{
    return fl_row(desk->rows, FL_EXCHANGE_MAKERS, maker_place(market, place));
}

void fl_read_offers(const struct fl_desk *desk, uint32_t market, bool buy,
                    struct fl_offer offers[FL_MAKERS_MAX])
{
    for (uint32_t i = 0; i < FL_MAKERS_MAX; i++) {
        const struct fl_maker_row *row = maker_at(desk, market, i);
        const bool lives = row->account != 0 && row->depth > 0 &&
                           fl_sub(desk->now, row->quoted_at) <= desk->p->quote_max_age;
        offers[i] = (struct fl_offer){.mid = lives ? row->mid : 0,
                                      .half_spread = row->half_spread,
                                      .depth = row->depth,
                                      .taken = buy ? row->taken_buy : row->taken_sell};
    }
}

static struct fl_grid grid_of(const struct fl_desk *desk, uint32_t market, int64_t whole)
{
    const struct fl_exchange_market *terms = fl_market_terms(desk, market);
    return fl_order_grid(terms->tick, terms->lot, fl_abs(whole));
}

int64_t fl_best_price(const struct fl_desk *desk, uint32_t market, bool buy)
{
    struct fl_offer offers[FL_MAKERS_MAX];
    const struct fl_grid grid = grid_of(desk, market, 0);
    fl_read_offers(desk, market, buy, offers);
    return fl_book_best(offers, FL_MAKERS_MAX, buy, &grid);
}

fl_i128 fl_quote_flow(int64_t size, int64_t price)
{
    const fl_i128 exact = (fl_i128)size * price;
    return exact > 0 ? -((exact + FL_PPM_ONE - 1) / FL_PPM_ONE) : -exact / FL_PPM_ONE;
}

struct fl_match fl_book_look(const struct fl_desk *desk, uint32_t market, int64_t whole,
                             int64_t size, int64_t limit, uint32_t skip)
{
    struct fl_offer offers[FL_MAKERS_MAX];
    const struct fl_grid grid = grid_of(desk, market, whole);
    const bool buy = size > 0;
    fl_read_offers(desk, market, buy, offers);
    for (uint32_t i = 0; i < FL_MAKERS_MAX; i++)
        if (skip >> i & 1) offers[i].mid = 0;
    const struct fl_slice slice =
        fl_book_slice(offers, FL_MAKERS_MAX, buy, fl_abs(size), limit, &grid);
    struct fl_match part = {.place = slice.maker};
    if (slice.maker == UINT32_MAX) return part;
    part.maker = maker_at(desk, market, slice.maker)->account - 1;
    part.size = buy ? slice.size : -slice.size;
    part.price = slice.price;
    part.quote = fl_quote_flow(part.size, part.price);
    return part;
}

/* Initial margins go by the open interest that there will be once both sides are stored, as on dYdX v4
 * (subaccounts/keeper, internalCanUpdateSubaccounts). */
static struct fl_risk risk_with(struct fl_desk *desk, const struct fl_opened *account,
                                uint32_t market, int64_t more_open)
{
    int64_t *open = &desk->market[market].open_interest;
    const int64_t now = *open;
    *open = fl_add(now, more_open);
    const struct fl_risk risk = fl_opened_risk(desk, account);
    *open = now;
    return risk;
}

bool fl_book_take(struct fl_desk *desk, uint32_t market, const struct fl_match *part,
                  int64_t taker_open)
{
    struct fl_opened maker;
    fl_account_open(desk, part->maker, &maker);
    fl_desk_market(desk, market);
    if (!maker.priced || !fl_opened_settle(desk, &maker)) return false;
    const struct fl_risk before = fl_opened_risk(desk, &maker);
    const int64_t size = fl_account_size(&maker.value, market);
    if (!fl_account_trade(desk, &maker, market, -part->size, -part->quote)) return false;
    const int64_t own_open = fl_open_interest_gain(size, fl_sub(size, part->size));
    const struct fl_risk after = risk_with(desk, &maker, market, fl_add(own_open, taker_open));
    if (fl_transition(&before, &after) != FL_TRANSITION_OK) return false;
    struct fl_maker_row *row =
        fl_row_edit(desk->exec, FL_EXCHANGE_MAKERS, maker_place(market, part->place));
    int64_t *taken = part->size > 0 ? &row->taken_buy : &row->taken_sell;
    const int64_t sum = fl_add(*taken, fl_abs(part->size));
    if (!fl_account_store(desk, &maker)) return false;
    *taken = sum;
    fl_desk_market_edit(desk, market)->last = part->price;
    return true;
}

/* --- transactions --------------------------------------------------------------------------------- */

/* The taker pays the fee, ceil(|quote| * rate), into the pot. */
static bool pay_fee(struct fl_desk *desk, struct fl_opened *taker, fl_i128 quote, int64_t *fee)
{
    const fl_i128 due = (fl_magnitude(quote) * desk->p->trading_fee_ppm + FL_PPM_ONE - 1) /
                        FL_PPM_ONE;
    *fee = (int64_t)due;
    return fl_move(&taker->value.quote, -due) && fl_move(&fl_desk_exchange(desk)->totals.fees, due);
}

/* Fills the whole order, part by part; a refusal undoes all of it. */
static uint32_t fill_all(struct fl_desk *desk, struct fl_opened *taker, uint32_t market,
                         int64_t size, int64_t limit)
{
    uint32_t skip = 0;
    for (int64_t rest = size; rest != 0;) {
        const struct fl_match part = fl_book_look(desk, market, size, rest, limit, skip);
        if (part.size == 0) {
            const bool none = rest == size && fl_best_price(desk, market, size > 0) == 0;
            return skip != 0 || none ? FL_REFUSED_NO_QUOTE : FL_REFUSED_LIMIT;
        }
        if (part.maker == taker->number) return FL_REFUSED_SENDER; /* it would trade with itself */
        const int64_t held = fl_account_size(&taker->value, market);
        if (!fl_book_take(desk, market, &part,
                          fl_open_interest_gain(held, fl_add(held, part.size)))) {
            skip |= UINT32_C(1) << part.place;
            continue;
        }
        int64_t fee;
        if (!fl_account_trade(desk, taker, market, part.size, part.quote) ||
            !pay_fee(desk, taker, part.quote, &fee))
            return FL_REFUSED_ARGUMENT;
        int64_t *note = fl_exec_note(desk->exec, FL_RECORD_FILL, taker->number, part.maker);
        note[2] = part.size;
        note[3] = (int64_t)part.quote;
        note[4] = fee;
        note[5] = market;
        rest -= part.size;
    }
    return 0;
}

uint32_t fl_trade(struct fl_desk *desk, const struct fl_tx *tx)
{
    const int64_t size = tx->arg[0], limit = tx->arg[1];
    if (size == 0 || size < -FL_SIZE_ASKED_MAX || size > FL_SIZE_ASKED_MAX || limit < 0 ||
        tx->arg[2] < 0 || tx->arg[2] >= desk->p->markets.count)
        return FL_REFUSED_ARGUMENT;
    const uint32_t market = (uint32_t)tx->arg[2];
    if (size % fl_market_terms(desk, market)->lot != 0) return FL_REFUSED_ARGUMENT;
    struct fl_opened taker;
    fl_account_open(desk, tx->account, &taker);
    if (fl_desk_market(desk, market)->price == 0 || !taker.priced) return FL_REFUSED_NO_PRICE;
    const struct fl_risk before = fl_opened_risk(desk, &taker);
    const int64_t held = fl_account_size(&taker.value, market);
    const uint32_t refused = fill_all(desk, &taker, market, size, limit);
    if (refused) return refused;
    const int64_t open = fl_open_interest_gain(held, fl_add(held, size));
    const struct fl_risk after = risk_with(desk, &taker, market, open);
    if (fl_transition(&before, &after) != FL_TRANSITION_OK) return FL_REFUSED_MARGIN;
    if (!fl_account_store(desk, &taker)) return FL_REFUSED_ARGUMENT;
    fl_desk_exchange(desk)->trades++;
    fl_desk_market_edit(desk, market)->trades++;
    return 0;
}

/* The maker's place in the market, or a free one; FL_MAKERS_MAX if there is none. */
static uint32_t own_place(const struct fl_desk *desk, uint32_t market, uint32_t account)
{
    uint32_t free = FL_MAKERS_MAX;
    for (uint32_t i = 0; i < FL_MAKERS_MAX; i++) {
        const uint32_t there = maker_at(desk, market, i)->account;
        if (there == account + 1) return i;
        if (there == 0 && free == FL_MAKERS_MAX) free = i;
    }
    return free;
}

/* A new quote replaces the old one, and what was taken from it is forgotten. Depth 0 withdraws it. */
uint32_t fl_quote_tx(struct fl_desk *desk, const struct fl_tx *tx)
{
    const int64_t mid = tx->arg[0], half_spread = tx->arg[1], depth = tx->arg[2];
    if (!fl_is_maker(desk, tx->account)) return FL_REFUSED_SENDER;
    if (mid <= 0 || mid > FL_QUOTE_MID_MAX || half_spread < 0 || half_spread >= FL_PPM_ONE / 2 ||
        depth < 0 || depth > FL_SIZE_ASKED_MAX || tx->arg[3] < 0 ||
        tx->arg[3] >= desk->p->markets.count)
        return FL_REFUSED_ARGUMENT;
    const uint32_t market = (uint32_t)tx->arg[3];
    const uint32_t place = own_place(desk, market, tx->account);
    if (place == FL_MAKERS_MAX) return FL_REFUSED_SENDER;
    struct fl_maker_row *row =
        fl_row_edit(desk->exec, FL_EXCHANGE_MAKERS, maker_place(market, place));
    *row = (struct fl_maker_row){.mid = mid,
                                 .half_spread = half_spread,
                                 .depth = depth,
                                 .quoted_at = desk->now,
                                 .account = tx->account + 1};
    return 0;
}
