/* Margin arithmetic of dYdX v4: notional and margins, account risk, liquidation, deleveraging. The header
 * says what each formula is; here is how it stays exact and, for one account's risk, fast: products of two
 * int64 stay in 128 bits and are divided by 10^6 without a division instruction. */
#include "models/ledger/margin.h"
#include "sim/num.h"

#include <string.h>

enum { MILLION = 1000000 };
#define EXPONENT_MICRO (-6) /* of every market on our exchange */

static fl_i128 plus(fl_i128 a, fl_i128 b)
{
    fl_i128 sum;
    const bool overflow = __builtin_add_overflow(a, b, &sum);
    FL_ASSERT(!overflow);
    return sum;
}

static fl_i128 with_sign(fl_u128 magnitude, bool minus)
{
    return minus ? -(fl_i128)magnitude : (fl_i128)magnitude;
}

static bool is_int64(fl_i128 a)
{
    return a == (int64_t)a;
}

/* --- one market ---------------------------------------------------------------------------------- */

int32_t fl_market_exponent(int32_t price_exponent, int32_t resolution)
{
    const int32_t quote_per_usd = 6; /* quote quantums are 10^-6 USD */
    return price_exponent + resolution + quote_per_usd;
}

/* 10^exponent by parts, one of which is 1. */
static fl_i128 notional_scaled(fl_i128 size, fl_i128 price, int32_t exponent)
{
    const fl_i128 up = (fl_i128)fl_u128_pow10(exponent > 0 ? (uint32_t)exponent : 0);
    const fl_i128 down = (fl_i128)fl_u128_pow10(exponent < 0 ? (uint32_t)-exponent : 0);
    if (exponent <= 0) return fl_i128_mul_div_trunc(size, price, down);
    return fl_i128_mul_div_trunc(fl_i128_mul_div_trunc(size, price, 1), up, 1);
}

fl_i128 fl_notional(fl_i128 size, fl_i128 price, int32_t exponent)
{
    if (exponent != EXPONENT_MICRO || !is_int64(size) || !is_int64(price))
        return notional_scaled(size, price, exponent);
    const fl_i128 product = (fl_i128)(int64_t)size * (int64_t)price;
    return with_sign(fl_u128_million_floor(fl_u128_abs(product)), product < 0);
}

int64_t fl_initial_ppm(const struct fl_margin_terms *terms, fl_i128 open_notional)
{
    const int64_t base = terms->initial_ppm;
    if (terms->oi_upper == 0 || open_notional <= terms->oi_lower) return base;
    if (open_notional >= terms->oi_upper) return fl_max(base, MILLION);
    const int64_t above = (int64_t)open_notional - terms->oi_lower;
    return base +
           fl_mul_div_floor(fl_max(MILLION - base, 0), above, terms->oi_upper - terms->oi_lower);
}

static fl_i128 share_up(fl_u128 amount, int64_t ppm)
{
    if (amount >> 64 == 0 && ppm >= 0)
        return (fl_i128)fl_u128_million_ceil((fl_u128)(uint64_t)amount * (uint64_t)ppm);
    return fl_i128_mul_div_ceil((fl_i128)amount, ppm, MILLION);
}

fl_i128 fl_initial_margin(const struct fl_margin_terms *terms, fl_i128 notional,
                          fl_i128 open_notional)
{
    return share_up(fl_u128_abs(notional), fl_initial_ppm(terms, open_notional));
}

fl_i128 fl_maintenance_margin(const struct fl_margin_terms *terms, fl_i128 notional)
{
    const fl_i128 base = share_up(fl_u128_abs(notional), terms->initial_ppm);
    return share_up((fl_u128)base, terms->maintenance_fraction_ppm);
}

/* --- an account ---------------------------------------------------------------------------------- */

fl_i128 fl_funding_ppm(int64_t index, int64_t settled, int64_t size)
{
    return -(fl_i128)fl_sub(index, settled) * size;
}

static fl_i128 floor_million(fl_i128 ppm)
{
    if (ppm >= 0) return (fl_i128)fl_u128_million_floor((fl_u128)ppm);
    return -(fl_i128)fl_u128_million_ceil(fl_u128_abs(ppm));
}

fl_i128 fl_funding_due(const struct fl_margin_account *account,
                       const struct fl_margin_market *markets)
{
    fl_i128 ppm = 0;
    for (uint32_t i = 0; i < account->count; i++) {
        const struct fl_position *const p = &account->at[i];
        const int64_t index = markets[p->market].funding;
        if (index != p->funding) ppm = plus(ppm, fl_funding_ppm(index, p->funding, p->size));
    }
    return ppm == 0 ? 0 : floor_million(ppm);
}

static void add_position(struct fl_risk *risk, int64_t size, const struct fl_margin_market *market)
{
    const struct fl_margin_terms *const terms = &market->terms;
    const fl_i128 notional = fl_notional(size, market->price, terms->exponent);
    const fl_i128 base = share_up(fl_u128_abs(notional), terms->initial_ppm);
    fl_i128 initial = base;
    if (terms->oi_upper != 0) {
        const fl_i128 open = fl_notional(market->open_interest, market->price, terms->exponent);
        initial = fl_initial_margin(terms, notional, open);
    }
    risk->collateral = plus(risk->collateral, notional);
    risk->initial = plus(risk->initial, initial);
    risk->maintenance =
        plus(risk->maintenance, share_up((fl_u128)base, terms->maintenance_fraction_ppm));
}

struct fl_risk fl_account_risk(const struct fl_margin_account *account,
                               const struct fl_margin_market *markets)
{
    struct fl_risk risk = {.collateral = plus(account->quote, fl_funding_due(account, markets))};
    for (uint32_t i = 0; i < account->count; i++)
        add_position(&risk, account->at[i].size, &markets[account->at[i].market]);
    return risk;
}

bool fl_account_settle(struct fl_margin_account *account, const struct fl_margin_market *markets)
{
    const fl_i128 quote = plus(account->quote, fl_funding_due(account, markets));
    if (!is_int64(quote)) return false;
    account->quote = (int64_t)quote;
    for (uint32_t i = 0; i < account->count; i++)
        account->at[i].funding = markets[account->at[i].market].funding;
    return true;
}

bool fl_account_valid(const struct fl_margin_account *account, uint32_t count)
{
    if (account->count > FL_MARKETS_MAX) return false;
    for (uint32_t i = 0; i < account->count; i++) {
        const struct fl_position *const p = &account->at[i];
        if (p->market >= count || p->size == 0) return false;
        if (i > 0 && account->at[i - 1].market >= p->market) return false;
    }
    return true;
}

/* Where the market's position is, or would be. */
static uint32_t place_of(const struct fl_margin_account *account, uint32_t market)
{
    uint32_t i = 0;
    while (i < account->count && account->at[i].market < market) i++;
    return i;
}

static bool holds(const struct fl_margin_account *account, uint32_t market, uint32_t place)
{
    return place < account->count && account->at[place].market == market;
}

int64_t fl_account_size(const struct fl_margin_account *account, uint32_t market)
{
    const uint32_t i = place_of(account, market);
    return holds(account, market, i) ? account->at[i].size : 0;
}

int64_t fl_open_interest_gain(int64_t from, int64_t to)
{
    return fl_max(to, 0) - fl_max(from, 0);
}

static void insert(struct fl_margin_account *account, uint32_t i, struct fl_position position)
{
    memmove(&account->at[i + 1], &account->at[i], (account->count - i) * sizeof account->at[0]);
    account->at[i] = position;
    account->count++;
}

/* The place left behind is zeroed, so that equal accounts have equal bytes. */
static void erase(struct fl_margin_account *account, uint32_t i)
{
    account->count--;
    memmove(&account->at[i], &account->at[i + 1], (account->count - i) * sizeof account->at[0]);
    account->at[account->count] = (struct fl_position){0};
}

bool fl_account_fill(struct fl_margin_account *account, const struct fl_margin_market *markets,
                     uint32_t market, int64_t size, fl_i128 quote)
{
    const uint32_t i = place_of(account, market);
    const bool held = holds(account, market, i);
    int64_t balance, after;
    if (__builtin_add_overflow(account->quote, quote, &balance)) return false;
    if (__builtin_add_overflow(held ? account->at[i].size : 0, size, &after)) return false;
    if (balance == INT64_MIN || after == INT64_MIN) return false;
    if (size != 0) {
        const int64_t funding = markets[market].funding;
        if (!held && account->count == FL_MARKETS_MAX) return false;
        FL_ASSERT(!held || account->at[i].funding == funding);
        if (!held) insert(account, i, (struct fl_position){.market = market, .funding = funding});
        account->at[i].size = after;
        if (after == 0) erase(account, i);
    }
    account->quote = balance;
    return true;
}

bool fl_liquidatable(const struct fl_risk *risk)
{
    return risk->maintenance > 0 && risk->maintenance > risk->collateral;
}

enum fl_transition fl_transition_under(const struct fl_risk *before, const struct fl_risk *after)
{
    const enum fl_transition refused = before->collateral >= before->initial
                                           ? FL_TRANSITION_NEWLY_UNDER
                                           : FL_TRANSITION_STILL_UNDER;
    if (after->maintenance > before->maintenance) return refused;
    bool no_worse;
    if (after->maintenance == 0 || before->maintenance == 0)
        no_worse = after->maintenance == 0 && before->maintenance == 0 &&
                   after->collateral > before->collateral;
    else
        no_worse = fl_i128_compare_products(after->collateral, before->maintenance,
                                            before->collateral, after->maintenance) >= 0;
    return no_worse ? FL_TRANSITION_OK : refused;
}

enum fl_transition fl_transition(const struct fl_risk *before, const struct fl_risk *after)
{
    if (after->collateral >= after->initial) return FL_TRANSITION_OK;
    return fl_transition_under(before, after);
}

/* --- liquidation --------------------------------------------------------------------------------- */

bool fl_can_close(const struct fl_margin_account *account, uint32_t market, int64_t delta)
{
    const int64_t size = fl_account_size(account, market);
    if (size > 0) return delta < 0 && delta >= -size;
    return delta > 0 && size < 0 && delta <= -size;
}

fl_i128 fl_fill_quote(int64_t size, fl_i128 price, int32_t exponent)
{
    return -fl_notional(size, price, exponent);
}

fl_i128 fl_bankruptcy_quote(const struct fl_margin_account *account,
                            const struct fl_margin_market *markets, uint32_t market, int64_t delta)
{
    FL_ASSERT(fl_can_close(account, market, delta));
    struct fl_risk before = {0}, after = {0}; /* of this position alone */
    const int64_t size = fl_account_size(account, market);
    add_position(&before, size, &markets[market]);
    add_position(&after, size + delta, &markets[market]);
    const fl_i128 worth = after.collateral - before.collateral;
    const struct fl_risk all = fl_account_risk(account, markets);
    if (all.maintenance == 0) return -worth;
    const fl_i128 freed = before.maintenance - after.maintenance; /* >= 0: the size has shrunk */
    return -worth - fl_i128_mul_div_floor(all.collateral, freed, all.maintenance);
}

struct fl_fraction fl_fraction(fl_i128 numerator, fl_i128 denominator)
{
    FL_ASSERT(denominator != 0);
    return (struct fl_fraction){.negative = numerator != 0 && (numerator < 0) != (denominator < 0),
                                .numerator = fl_wide(fl_u128_abs(numerator)),
                                .denominator = fl_wide(fl_u128_abs(denominator))};
}

/* a - b of naturals. */
static struct fl_wide difference(struct fl_wide a, struct fl_wide b, bool *negative)
{
    *negative = fl_wide_compare(a, b) < 0;
    return *negative ? fl_wide_minus(b, a) : fl_wide_minus(a, b);
}

bool fl_fraction_equal(struct fl_fraction a, struct fl_fraction b)
{
    return a.negative == b.negative &&
           fl_wide_ratios_equal(a.numerator, a.denominator, b.numerator, b.denominator);
}

/* clamp(BA * (1 - TNC/TMMR), 0, 1) as *over / *under. */
static void bankruptcy_rating(const struct fl_risk *risk, int64_t adjustment_ppm,
                              struct fl_wide *over, struct fl_wide *under)
{
    const fl_i128 missing = plus(risk->maintenance, -risk->collateral);
    *over = missing <= 0 ? fl_wide(0)
                         : fl_wide_times(fl_wide((fl_u128)missing), (fl_u128)adjustment_ppm);
    *under = fl_wide_times(fl_wide((fl_u128)risk->maintenance), MILLION);
    if (fl_wide_compare(*over, *under) > 0) *over = *under;
}

struct fl_fraction fl_fillable_price(const struct fl_margin_account *account,
                                     const struct fl_margin_market *markets, uint32_t market,
                                     const struct fl_liquidation_terms *terms)
{
    const int64_t size = fl_account_size(account, market);
    const struct fl_risk all = fl_account_risk(account, markets);
    FL_ASSERT(size != 0 && all.maintenance > 0);
    struct fl_risk own = {0};
    add_position(&own, size, &markets[market]);

    /* Over |size|, both signs of the position: |N| - spread for a long, |N| + spread for a short. */
    struct fl_wide over, under;
    bankruptcy_rating(&all, terms->bankruptcy_adjustment_ppm, &over, &under);
    under = fl_wide_times(under, MILLION);
    const struct fl_wide worth = fl_wide_times(under, fl_u128_abs(own.collateral));
    const struct fl_wide spread = fl_wide_times(
        fl_wide_times(over, (fl_u128)terms->spread_to_maintenance_ppm), (fl_u128)own.maintenance);
    struct fl_fraction price = {.denominator = fl_wide_times(under, fl_u128_abs(size))};
    price.numerator = size > 0 ? difference(worth, spread, &price.negative)
                               : fl_wide_plus(worth, spread);
    return price;
}

fl_u128 fl_fillable_on_grid(struct fl_fraction fillable, bool closes_long, int32_t scale,
                            uint64_t tick, uint64_t highest)
{
    FL_ASSERT(tick > 0 && tick <= highest);
    const fl_u128 up = fl_u128_pow10(scale > 0 ? (uint32_t)scale : 0);
    const fl_u128 down = fl_u128_pow10(scale < 0 ? (uint32_t)-scale : 0);
    const struct fl_wide over = fl_wide_times(fillable.numerator, up);
    const struct fl_wide under = fl_wide_times(fl_wide_times(fillable.denominator, down), tick);
    const fl_u128 most = highest / tick;
    fl_u128 ticks = 1;
    if (!fillable.negative)
        ticks = closes_long ? fl_wide_div_ceil(over, under) : fl_wide_div_floor(over, under);
    if (ticks < 1) ticks = 1;
    if (ticks > most) ticks = most;
    return ticks * tick;
}

fl_i128 fl_insurance_delta(fl_i128 fill_quote, fl_i128 bankruptcy_quote, int64_t max_fee_ppm)
{
    const fl_i128 delta = plus(fill_quote, -bankruptcy_quote);
    if (delta <= 0) return delta;
    const fl_i128 most =
        fl_i128_mul_div_floor((fl_i128)fl_u128_abs(fill_quote), max_fee_ppm, MILLION);
    return delta < most ? delta : most;
}

bool fl_insurance_bears(fl_i128 fund, fl_i128 delta)
{
    return delta >= 0 || plus(fund, delta) >= 0;
}

fl_i128 fl_insurance_lost(fl_i128 delta)
{
    return delta < 0 ? -delta : 0;
}

struct fl_notional_limits fl_position_limits(const struct fl_liquidation_terms *terms,
                                             fl_i128 notional)
{
    const fl_i128 whole = (fl_i128)fl_u128_abs(notional);
    const fl_i128 least = terms->min_notional < whole ? terms->min_notional : whole;
    const fl_i128 portion = fl_i128_mul_div_floor(whole, terms->portion_ppm, MILLION);
    return (struct fl_notional_limits){.least = least,
                                       .greatest = portion > least ? portion : least};
}

bool fl_liquidated_in(const uint32_t *markets, uint32_t count, uint32_t market)
{
    for (uint32_t i = 0; i < count; i++)
        if (markets[i] == market) return true;
    return false;
}

fl_i128 fl_block_notional_left(const struct fl_liquidation_terms *terms, fl_i128 notional_so_far)
{
    return plus(terms->account_notional, -notional_so_far);
}

fl_i128 fl_block_insurance_left(const struct fl_liquidation_terms *terms, fl_i128 lost_so_far)
{
    return plus(terms->account_insurance, -lost_so_far);
}

struct fl_account_limits fl_account_limits(const struct fl_liquidation_terms *terms,
                                           fl_i128 notional_so_far, fl_i128 lost_so_far)
{
    const struct fl_account_limits left = {
        .notional = fl_block_notional_left(terms, notional_so_far),
        .insurance = fl_block_insurance_left(terms, lost_so_far),
    };
    FL_ASSERT(left.notional >= 0);
    FL_ASSERT(left.insurance >= 0);
    return left;
}

/* --- deleveraging -------------------------------------------------------------------------------- */

enum fl_deleverage_at fl_can_deleverage(fl_i128 collateral, bool final_settlement)
{
    if (collateral < 0) return FL_DELEVERAGE_AT_BANKRUPTCY;
    return final_settlement ? FL_DELEVERAGE_AT_ORACLE : FL_DELEVERAGE_NONE;
}

/* The account after the fill, if it may be made. */
static bool try_fill(struct fl_margin_account *account, const struct fl_margin_market *markets,
                     uint32_t market, int64_t size, fl_i128 quote)
{
    const struct fl_risk before = fl_account_risk(account, markets);
    if (!fl_account_fill(account, markets, market, size, quote)) return false;
    const struct fl_risk after = fl_account_risk(account, markets);
    return fl_transition(&before, &after) == FL_TRANSITION_OK;
}

bool fl_deleverage(struct fl_margin_account *liquidated, struct fl_margin_account *offsetting,
                   const struct fl_margin_market *markets, uint32_t market, int64_t delta,
                   enum fl_deleverage_at at, fl_i128 *quote)
{
    FL_ASSERT(at == FL_DELEVERAGE_AT_BANKRUPTCY || at == FL_DELEVERAGE_AT_ORACLE);
    if (!fl_can_close(liquidated, market, delta) || !fl_can_close(offsetting, market, -delta))
        return false;
    const struct fl_margin_market *const m = &markets[market];
    const fl_i128 price = at == FL_DELEVERAGE_AT_BANKRUPTCY
                              ? fl_bankruptcy_quote(liquidated, markets, market, delta)
                              : fl_fill_quote(delta, m->price, m->terms.exponent);
    struct fl_margin_account one = *liquidated, other = *offsetting;
    if (!try_fill(&one, markets, market, delta, price)) return false;
    if (!try_fill(&other, markets, market, -delta, -price)) return false;
    *liquidated = one;
    *offsetting = other;
    *quote = price;
    return true;
}

int64_t fl_deleverage_against(struct fl_margin_account *liquidated,
                              struct fl_margin_account *candidate,
                              const struct fl_margin_market *markets, uint32_t market,
                              int64_t delta, enum fl_deleverage_at at, fl_i128 *quote)
{
    const int64_t size = fl_account_size(candidate, market);
    if (size == 0 || delta == 0 || (size < 0) != (delta < 0)) return 0; /* no counterpart */
    const int64_t moved = delta > 0 ? fl_min(delta, size) : fl_max(delta, size);
    return fl_deleverage(liquidated, candidate, markets, market, moved, at, quote) ? moved : 0;
}
