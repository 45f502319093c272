/* Cases of dYdX v4's own suites (v4-chain 84d4664b): margin, liquidation, deleveraging, funding. */
#include "models/ledger/funding.h"
#include "models/ledger/margin.h"
#include "sim/num.h"
#include "tests/vectors/vectors.h"

#include <stdlib.h>
#include <string.h>

enum { ACCOUNTS_MAX = 64, VALUES_MAX = 1024 };

/* --- markets and accounts ------------------------------------------------------------------------ */

/* Perpetuals of a case; a market's number is its place in the list. */
struct markets {
    struct fl_margin_market at[FL_MARKETS_MAX];
    int64_t id[FL_MARKETS_MAX];
    uint32_t count;
};

static struct fl_margin_market market_of(struct vector_case *c, const cJSON *in)
{
    return (struct fl_margin_market){
        .terms = {.initial_ppm = vector_i64(c, in, "initial_margin_ppm"),
                  .maintenance_fraction_ppm = vector_i64(c, in, "maintenance_fraction_ppm"),
                  .oi_lower = vector_i64(c, in, "oi_lower_cap"),
                  .oi_upper = vector_i64(c, in, "oi_upper_cap"),
                  .exponent = fl_market_exponent(vector_i32(c, in, "price_exponent"),
                                                 vector_i32(c, in, "atomic_resolution"))},
        .price = vector_i64(c, in, "price"),
        .open_interest = vector_has(in, "open_interest") ? vector_i64(c, in, "open_interest") : 0,
    };
}

static struct markets markets_of(struct vector_case *c)
{
    struct markets markets = {0};
    const cJSON *in;
    cJSON_ArrayForEach(in, vector_list(c, c->at, "perpetuals"))
    {
        if (markets.count == FL_MARKETS_MAX) {
            vector_fail(c, "too many perpetuals");
            break;
        }
        markets.id[markets.count] = vector_i64(c, in, "perpetual_id");
        markets.at[markets.count++] = market_of(c, in);
    }
    return markets;
}

/* One that does not exist is `count`. */
static uint32_t market_at(struct vector_case *c, const struct markets *markets, const cJSON *in)
{
    const int64_t id = vector_i64(c, in, "perpetual_id");
    uint32_t i = 0;
    while (i < markets->count && markets->id[i] != id) i++;
    return i;
}

static struct fl_margin_account account_of(struct vector_case *c, const struct markets *markets,
                                           const cJSON *in)
{
    struct fl_margin_account account = {.quote = vector_i64(c, in, "quote_balance")};
    const cJSON *at;
    cJSON_ArrayForEach(at, vector_list(c, in, "positions"))
    {
        if (account.count == FL_MARKETS_MAX) {
            vector_fail(c, "too many positions");
            break;
        }
        account.at[account.count++] =
            (struct fl_position){.market = market_at(c, markets, at),
                                 .size = vector_i64(c, at, "quantums"),
                                 .funding = vector_i64(c, at, "funding_index")};
    }
    return account;
}

static void check_valid(struct vector_case *c, const struct markets *markets,
                        const struct fl_margin_account *account)
{
    if (!fl_account_valid(account, markets->count))
        vector_fail(c, "an account is not valid: perpetuals out of order, or unknown");
}

/* What most cases are about: one account, and a market of it. */
struct setting {
    struct markets markets;
    struct fl_margin_account account;
    uint32_t market;
};

static struct setting setting_of(struct vector_case *c)
{
    struct setting s = {.markets = markets_of(c)};
    s.account = account_of(c, &s.markets, c->at);
    if (vector_has(c->at, "perpetual_id")) s.market = market_at(c, &s.markets, c->at);
    check_valid(c, &s.markets, &s.account);
    return s;
}

/* Whether to go on. What the protocol refuses with an error must not be possible, and nothing else. */
static bool possible(struct vector_case *c, bool found)
{
    const bool expected = !vector_has(c->at, "expected_error");
    if (expected != found)
        vector_fail(c, "expected_error: expected %s, found %s",
                    expected ? "none" : vector_text(c, c->at, "expected_error"),
                    found ? "none" : "a refusal");
    return found && !c->failed;
}

static void expect_account(struct vector_case *c, const struct markets *markets,
                           const cJSON *expected, const struct fl_margin_account *found)
{
    vector_expect_i128(c, expected, "quote_balance", found->quote);
    uint32_t i = 0;
    const cJSON *at;
    cJSON_ArrayForEach(at, vector_list(c, expected, "positions"))
    {
        if (i == found->count || market_at(c, markets, at) != found->at[i].market) {
            vector_fail(c, "positions: expected other markets than found");
            return;
        }
        vector_expect_i128(c, at, "quantums", found->at[i].size);
        vector_expect_i128(c, at, "funding_index", found->at[i].funding);
        i++;
    }
    if (i != found->count) vector_fail(c, "positions: expected %u, found %u", i, found->count);
}

static struct fl_liquidation_terms liquidation_terms_of(struct vector_case *c)
{
    const cJSON *const in = vector_object(c, c->at, "config");
    return (struct fl_liquidation_terms){
        .max_fee_ppm = vector_i64(c, in, "max_liquidation_fee_ppm"),
        .bankruptcy_adjustment_ppm = vector_i64(c, in, "bankruptcy_adjustment_ppm"),
        .spread_to_maintenance_ppm = vector_i64(c, in, "spread_to_mmr_ratio_ppm"),
        .min_notional = vector_i64(c, in, "min_position_notional_liquidated"),
        .portion_ppm = vector_i64(c, in, "max_position_portion_liquidated_ppm"),
        .account_notional = vector_i128(c, in, "max_notional_liquidated"),
        .account_insurance = vector_i128(c, in, "max_quantums_insurance_lost"),
    };
}

/* --- margin -------------------------------------------------------------------------------------- */

static void net_notional(struct vector_case *c)
{
    const int32_t exponent = fl_market_exponent(vector_i32(c, c->at, "price_exponent"),
                                                vector_i32(c, c->at, "atomic_resolution"));
    const fl_i128 size = vector_i128(c, c->at, "quantums"), price = vector_i128(c, c->at, "price");
    if (!c->failed) vector_expect_i128(c, c->at, "expected", fl_notional(size, price, exponent));
}

static void margin_requirements(struct vector_case *c)
{
    const struct fl_margin_market market = market_of(c, c->at);
    const int64_t size = vector_i64(c, c->at, "quantums");
    if (c->failed) return;
    const struct fl_margin_terms *const terms = &market.terms;
    const fl_i128 notional = fl_notional(size, market.price, terms->exponent);
    const fl_i128 open = fl_notional(market.open_interest, market.price, terms->exponent);
    vector_expect_i128(c, c->at, "expected_imr", fl_initial_margin(terms, notional, open));
    vector_expect_i128(c, c->at, "expected_mmr", fl_maintenance_margin(terms, notional));

    /* The same by way of an account that holds nothing else. */
    struct fl_margin_account account = {0};
    if (!fl_account_fill(&account, &market, 0, size, 0)) vector_fail(c, "the position is refused");
    const struct fl_risk risk = fl_account_risk(&account, &market);
    vector_expect_i128(c, c->at, "expected_imr", risk.initial);
    vector_expect_i128(c, c->at, "expected_mmr", risk.maintenance);
}

static void update(struct vector_case *c, struct setting *s, uint32_t market, int64_t size,
                   fl_i128 quote)
{
    if (size != 0 && market == s->markets.count)
        vector_fail(c, "an update of an unknown perpetual");
    else if (!fl_account_fill(&s->account, s->markets.at, market, size, quote))
        vector_fail(c, "an update is refused");
}

static void account_risk(struct vector_case *c)
{
    struct setting s = {.markets = markets_of(c)};
    if (!vector_bool(c, c->at, "empty_subaccount")) s.account = account_of(c, &s.markets, c->at);
    const int64_t index = vector_i64(c, c->at, "market_funding_index");
    for (uint32_t i = 0; i < s.markets.count; i++) s.markets.at[i].funding = index;
    if (!possible(c, fl_account_valid(&s.account, s.markets.count))) return;

    const cJSON *in;
    const cJSON *const perpetuals = vector_list(c, c->at, "perpetual_updates");
    if (perpetuals && perpetuals->child && !fl_account_settle(&s.account, s.markets.at))
        vector_fail(c, "the account cannot be settled");
    cJSON_ArrayForEach(in, vector_list(c, c->at, "asset_updates"))
        update(c, &s, 0, 0, vector_integer(c, in));
    cJSON_ArrayForEach(in, perpetuals)
        update(c, &s, market_at(c, &s.markets, in), vector_i64(c, in, "delta"), 0);
    if (c->failed) return;
    const struct fl_risk risk = fl_account_risk(&s.account, s.markets.at);
    vector_expect_i128(c, c->at, "expected_nc", risk.collateral);
    if (vector_has(c->at, "expected_imr"))
        vector_expect_i128(c, c->at, "expected_imr", risk.initial);
    if (vector_has(c->at, "expected_mmr"))
        vector_expect_i128(c, c->at, "expected_mmr", risk.maintenance);
}

static void undercollateralised_transition(struct vector_case *c)
{
    const struct fl_risk before = {.collateral = vector_i128(c, c->at, "oldNC"),
                                   .initial = vector_i128(c, c->at, "oldIMR"),
                                   .maintenance = vector_i128(c, c->at, "oldMMR")};
    const struct fl_risk after = {.collateral = vector_i128(c, c->at, "newNC"),
                                  .maintenance = vector_i128(c, c->at, "newMMR")};
    if (c->failed) return;
    const char *found = NULL;
    switch (fl_transition_under(&before, &after)) {
    case FL_TRANSITION_OK:
        found = "types.Success";
        break;
    case FL_TRANSITION_NEWLY_UNDER:
        found = "types.NewlyUndercollateralized";
        break;
    case FL_TRANSITION_STILL_UNDER:
        found = "types.StillUndercollateralized";
        break;
    }
    vector_expect_text(c, c->at, "expectedResult", found);
}

/* --- liquidation --------------------------------------------------------------------------------- */

static void is_liquidatable(struct vector_case *c)
{
    const struct setting s = setting_of(c);
    if (c->failed) return;
    const struct fl_risk risk = fl_account_risk(&s.account, s.markets.at);
    vector_expect_bool(c, c->at, "expected_is_liquidatable", fl_liquidatable(&risk));
}

static void bankruptcy_price(struct vector_case *c)
{
    const struct setting s = setting_of(c);
    const int64_t delta = vector_i64(c, c->at, "delta_quantums");
    if (!possible(c, fl_can_close(&s.account, s.market, delta))) return;
    vector_expect_i128(c, c->at, "expected_bankruptcy_price_quote_quantums",
                       fl_bankruptcy_quote(&s.account, s.markets.at, s.market, delta));
}

static struct fl_fraction fraction_of(struct vector_case *c, const char *key)
{
    const cJSON *const in = vector_object(c, c->at, key);
    const fl_i128 over = vector_i128(c, in, "num"), under = vector_i128(c, in, "den");
    if (under == 0) vector_fail(c, "%s has denominator 0", key);
    return fl_fraction(over, under == 0 ? 1 : under);
}

static void fillable_price(struct vector_case *c)
{
    const struct setting s = setting_of(c);
    const struct fl_liquidation_terms terms = liquidation_terms_of(c);
    const int64_t delta = vector_i64(c, c->at, "delta_quantums");
    if (!possible(c, fl_can_close(&s.account, s.market, delta))) return;
    const struct fl_fraction expected = fraction_of(c, "expected_fillable_price");
    const struct fl_fraction found = fl_fillable_price(&s.account, s.markets.at, s.market, &terms);
    if (!fl_fraction_equal(expected, found))
        vector_fail(
            c, "expected_fillable_price: expected %s/%s, found another: about %s%s",
            vector_decimal(
                vector_i128(c, vector_object(c, c->at, "expected_fillable_price"), "num"))
                .text,
            vector_decimal(
                vector_i128(c, vector_object(c, c->at, "expected_fillable_price"), "den"))
                .text,
            found.negative ? "-" : "",
            vector_decimal((fl_i128)fl_wide_div_floor(found.numerator, found.denominator)).text);
}

static void insurance_fund_delta(struct vector_case *c)
{
    const struct setting s = setting_of(c);
    const struct fl_liquidation_terms terms = liquidation_terms_of(c);
    const int64_t filled = vector_i64(c, c->at, "fill_amount");
    const int64_t delta = vector_bool(c, c->at, "is_buy") ? filled : -filled;
    const int64_t price = vector_i64(c, c->at, "subticks");
    const int32_t exponent = vector_i32(c, c->at, "quantum_conversion_exponent");
    if (!possible(c, fl_can_close(&s.account, s.market, delta))) return;
    const fl_i128 bankruptcy = fl_bankruptcy_quote(&s.account, s.markets.at, s.market, delta);
    vector_expect_i128(
        c, c->at, "expected_insurance_fund_delta",
        fl_insurance_delta(fl_fill_quote(delta, price, exponent), bankruptcy, terms.max_fee_ppm));
}

static void fillable_price_to_subticks(struct vector_case *c)
{
    const struct fl_fraction price = fraction_of(c, "fillable_price");
    const bool closes_long = vector_bool(c, c->at, "is_liquidating_long");
    const uint64_t tick = vector_u64(c, c->at, "subticks_per_tick");
    const int32_t exponent = vector_i32(c, c->at, "quantum_conversion_exponent");
    if (c->failed) return;
    vector_expect_i128(
        c, c->at, "expected_subticks",
        (fl_i128)fl_fillable_on_grid(price, closes_long, -exponent, tick, UINT64_MAX));
}

static void position_block_limits(struct vector_case *c)
{
    const struct markets markets = markets_of(c);
    const struct fl_liquidation_terms terms = liquidation_terms_of(c);
    const int64_t size = vector_i64(c, c->at, "position_quantums");
    if (c->failed) return;
    const struct fl_margin_market *const market = &markets.at[0];
    const struct fl_notional_limits limits =
        fl_position_limits(&terms, fl_notional(size, market->price, market->terms.exponent));
    vector_expect_i128(c, c->at, "expected_min", limits.least);
    vector_expect_i128(c, c->at, "expected_max", limits.greatest);
}

/* Where the protocol panics, more has been than the limit allows. */
static void expect_left(struct vector_case *c, const char *key, const char *panic, fl_i128 left)
{
    const bool expected = vector_has(c->at, panic), found = left < 0;
    if (expected != found)
        vector_fail(c, "%s: expected %s, found %s", panic, expected ? "true" : "false",
                    found ? "true" : "false");
    else if (!expected)
        vector_expect_i128(c, c->at, key, left);
}

static void subaccount_block_limits(struct vector_case *c)
{
    const struct fl_liquidation_terms terms = liquidation_terms_of(c);
    const uint32_t before = (uint32_t)vector_i32(c, c->at, "previously_liquidated_perpetual_id");
    const uint32_t market = (uint32_t)vector_i32(c, c->at, "perpetual_id");
    if (!possible(c, !fl_liquidated_in(&before, 1, market))) return;
    const fl_i128 notional = vector_i128(c, c->at, "previous_notional_liquidated");
    const fl_i128 lost = fl_insurance_lost(vector_i128(c, c->at, "previous_insurance_fund_delta"));
    expect_left(c, "expected_max_notional_liquidatable", "expected_notional_panic",
                fl_block_notional_left(&terms, notional));
    expect_left(c, "expected_max_insurance_lost", "expected_insurance_panic",
                fl_block_insurance_left(&terms, lost));
}

static void insurance_fund_delta_valid(struct vector_case *c)
{
    const fl_i128 fund = vector_i128(c, c->at, "fund_balance");
    const fl_i128 delta = vector_i128(c, c->at, "delta");
    vector_expect_bool(c, c->at, "expected_valid", fl_insurance_bears(fund, delta));
}

/* --- deleveraging -------------------------------------------------------------------------------- */

static void can_deleverage(struct vector_case *c)
{
    const struct setting s = setting_of(c);
    const bool final = vector_bool(c, c->at, "final_settlement");
    if (c->failed) return;
    const struct fl_risk risk = fl_account_risk(&s.account, s.markets.at);
    const enum fl_deleverage_at at = fl_can_deleverage(risk.collateral, final);
    vector_expect_bool(c, c->at, "expected_at_bankruptcy_price", at == FL_DELEVERAGE_AT_BANKRUPTCY);
    vector_expect_bool(c, c->at, "expected_at_oracle_price", at == FL_DELEVERAGE_AT_ORACLE);
}

static void process_deleveraging(struct vector_case *c, enum fl_deleverage_at at)
{
    const struct markets markets = markets_of(c);
    struct fl_margin_account liquidated =
        account_of(c, &markets, vector_object(c, c->at, "liquidated"));
    struct fl_margin_account offsetting =
        account_of(c, &markets, vector_object(c, c->at, "offsetting"));
    check_valid(c, &markets, &liquidated);
    check_valid(c, &markets, &offsetting);
    const struct fl_margin_account before[] = {liquidated, offsetting};
    const uint32_t market = market_at(c, &markets, c->at);
    const int64_t delta = vector_i64(c, c->at, "delta_quantums");
    if (c->failed) return;
    fl_i128 quote;
    if (possible(c,
                 fl_deleverage(&liquidated, &offsetting, markets.at, market, delta, at, &quote))) {
        expect_account(c, &markets, vector_object(c, c->at, "expected_liquidated"), &liquidated);
        expect_account(c, &markets, vector_object(c, c->at, "expected_offsetting"), &offsetting);
    } else if (memcmp(&before[0], &liquidated, sizeof liquidated) != 0 ||
               memcmp(&before[1], &offsetting, sizeof offsetting) != 0) {
        vector_fail(c, "refused, and yet an account has changed");
    }
}

static void process_deleveraging_at_bankruptcy_price(struct vector_case *c)
{
    process_deleveraging(c, FL_DELEVERAGE_AT_BANKRUPTCY);
}

static void process_deleveraging_at_oracle_price(struct vector_case *c)
{
    process_deleveraging(c, FL_DELEVERAGE_AT_ORACLE);
}

/* All accounts of a case, of which one is liquidated against the others, in their order. */
struct offsets {
    struct markets markets;
    struct fl_margin_account account[ACCOUNTS_MAX];
    uint32_t count, liquidated, market;
    int64_t remaining, open;
    int64_t filled[ACCOUNTS_MAX];
    uint32_t fills;
};

static void read_accounts(struct vector_case *c, struct offsets *o)
{
    const cJSON *in;
    cJSON_ArrayForEach(in, vector_list(c, c->at, "subaccounts"))
    {
        if (o->count == ACCOUNTS_MAX) {
            vector_fail(c, "too many subaccounts");
            break;
        }
        o->account[o->count] = account_of(c, &o->markets, in);
        check_valid(c, &o->markets, &o->account[o->count++]);
    }
    o->liquidated = (uint32_t)vector_i32(c, c->at, "liquidated_index");
    if (o->liquidated >= o->count) vector_fail(c, "liquidated_index is not one of them");
}

static void offset_against(struct offsets *o, uint32_t candidate)
{
    struct fl_margin_account *const one = &o->account[o->liquidated];
    struct fl_margin_account *const other = &o->account[candidate];
    const int64_t from[] = {fl_account_size(one, o->market), fl_account_size(other, o->market)};
    fl_i128 quote;
    const int64_t moved = fl_deleverage_against(one, other, o->markets.at, o->market, o->remaining,
                                                FL_DELEVERAGE_AT_BANKRUPTCY, &quote);
    if (moved == 0) return;
    o->remaining -= moved;
    o->filled[o->fills++] = fl_abs(moved);
    o->open += fl_open_interest_gain(from[0], fl_account_size(one, o->market)) +
               fl_open_interest_gain(from[1], fl_account_size(other, o->market));
}

static void offset_position_deleveraging(struct vector_case *c)
{
    struct offsets o = {.markets = markets_of(c)};
    read_accounts(c, &o);
    o.market = market_at(c, &o.markets, c->at);
    o.remaining = vector_i64(c, c->at, "delta_quantums");
    o.open = vector_i64(c, c->at, "open_interest_before");
    if (c->failed) return;
    for (uint32_t i = 0; i < o.count; i++)
        if (i != o.liquidated) offset_against(&o, i);

    vector_expect_i128(c, c->at, "expected_quantums_remaining", o.remaining);
    vector_expect_i128(c, c->at, "expected_open_interest_after", o.open);
    const cJSON *const amounts = vector_list(c, c->at, "expected_fill_amounts");
    if (cJSON_GetArraySize(amounts) != (int)o.fills)
        vector_fail(c, "expected_fill_amounts: expected %d fills, found %u",
                    cJSON_GetArraySize(amounts), o.fills);
    uint32_t i = 0;
    const cJSON *at;
    cJSON_ArrayForEach(at, amounts)
    {
        if (i == o.fills) break;
        if (vector_integer(c, at) != o.filled[i])
            vector_fail(c, "expected_fill_amounts: number %u: expected %s, found %s", i,
                        vector_decimal(vector_integer(c, at)).text,
                        vector_decimal(o.filled[i]).text);
        i++;
    }
    if (!vector_has(c->at, "expected_subaccounts")) return;
    i = 0;
    cJSON_ArrayForEach(at, vector_list(c, c->at, "expected_subaccounts"))
    {
        if (i < o.count) expect_account(c, &o.markets, at, &o.account[i]);
        i++;
    }
    if (i != o.count) vector_fail(c, "expected_subaccounts: expected %u, found %u", i, o.count);
}

/* --- funding ------------------------------------------------------------------------------------- */

static void settlement_ppm(struct vector_case *c)
{
    const int64_t index = vector_i64(c, c->at, "market_funding_index");
    const int64_t settled = vector_i64(c, c->at, "position_funding_index");
    const int64_t size = vector_i64(c, c->at, "quantums");
    vector_expect_i128(c, c->at, "expected_settlement_ppm", fl_funding_ppm(index, settled, size));
}

struct values {
    int64_t at[VALUES_MAX];
    uint32_t count;
};

static struct values values_of(struct vector_case *c, const char *key)
{
    struct values values = {0};
    const cJSON *in;
    cJSON_ArrayForEach(in, vector_list(c, c->at, key))
    {
        const fl_i128 value = vector_integer(c, in);
        if (values.count == VALUES_MAX || value != (int64_t)value) {
            vector_fail(c, "%s: too many, or too great", key);
            break;
        }
        values.at[values.count++] = (int64_t)value;
    }
    return values;
}

static void trim_tails(struct vector_case *c)
{
    struct values samples = values_of(c, "input");
    const struct values expected = values_of(c, "expected");
    const int64_t rate = vector_i64(c, c->at, "removal_rate_ppm");
    if (c->failed) return;
    uint32_t first;
    const uint32_t left = fl_trim_tails(samples.at, samples.count, rate, &first);
    if (left != expected.count)
        vector_fail(c, "expected: expected %u samples, found %u", expected.count, left);
    for (uint32_t i = 0; i < left && i < expected.count; i++)
        if (samples.at[first + i] != expected.at[i])
            vector_fail(c, "expected: sample %u: expected %s, found %s", i,
                        vector_decimal(expected.at[i]).text,
                        vector_decimal(samples.at[first + i]).text);
}

static void funding_tick(struct vector_case *c)
{
    const struct values samples = values_of(c, "samples_ppm");
    const cJSON *const perpetual = vector_object(c, c->at, "perpetual");
    const struct fl_margin_market market = market_of(c, perpetual);
    const int64_t usual = vector_i64(c, perpetual, "default_funding_ppm");
    const int64_t tick = vector_i64(c, c->at, "tick_duration_s");
    const int64_t sample = vector_i64(c, c->at, "sample_duration_s");
    const int64_t clamp = vector_i64(c, c->at, "clamp_factor_ppm");
    if (c->failed) return;
    const int64_t rate =
        fl_funding_rate(samples.at, samples.count, fl_samples_expected(tick, sample), usual, clamp,
                        market.terms.initial_ppm, market.terms.maintenance_fraction_ppm);
    if (vector_has(c->at, "expected_funding_rate_ppm"))
        vector_expect_i128(c, c->at, "expected_funding_rate_ppm", rate);
    if (vector_has(c->at, "expected_funding_index_delta"))
        vector_expect_i128(c, c->at, "expected_funding_index_delta",
                           fl_funding_rise(tick, rate, market.price, market.terms.exponent));
}

static void vote_median(struct vector_case *c)
{
    struct values votes = values_of(c, "votes_ppm"); /* those that are not 0, of all premiums */
    const int64_t premiums = vector_i64(c, c->at, "num_premiums");
    const int64_t least = vector_i64(c, c->at, "min_votes");
    if (premiums < votes.count || premiums > VALUES_MAX || least < 0 || least > VALUES_MAX)
        vector_fail(c, "num_premiums or min_votes is out of range");
    if (c->failed) return;
    while (votes.count < premiums) votes.at[votes.count++] = 0;
    vector_expect_i128(c, c->at, "expected_sample_ppm",
                       fl_premium_sample(votes.at, votes.count, (uint32_t)least));
}

/* Orders by price, cheapest first or last. */
static int by_price(const void *a, const void *b)
{
    const struct fl_level *const one = a, *const other = b;
    return (one->price > other->price) - (one->price < other->price);
}

static int by_price_down(const void *a, const void *b)
{
    return by_price(b, a);
}

static uint32_t read_side(struct vector_case *c, const char *side, struct fl_level *levels)
{
    uint32_t count = 0;
    const cJSON *in;
    cJSON_ArrayForEach(in, vector_list(c, c->at, "orders"))
    {
        if (strcmp(vector_text(c, in, "side"), side) != 0) continue;
        if (count == VALUES_MAX) {
            vector_fail(c, "too many orders");
            break;
        }
        levels[count++] = (struct fl_level){.price = vector_i64(c, in, "subticks"),
                                            .size = vector_i64(c, in, "quantums")};
    }
    return count;
}

static void impact_price_premium(struct vector_case *c)
{
    static struct fl_level bids[VALUES_MAX], asks[VALUES_MAX];
    const struct fl_book book = {
        .bids = bids,
        .asks = asks,
        .bid_count = read_side(c, "buy", bids),
        .ask_count = read_side(c, "sell", asks),
        .exponent = vector_i32(c, c->at, "quantum_conversion_exponent"),
    };
    qsort(bids, book.bid_count, sizeof *bids, by_price_down);
    qsort(asks, book.ask_count, sizeof *asks, by_price);
    const fl_i128 notional = vector_i128(c, c->at, "impact_notional");
    const int64_t index = vector_i64(c, c->at, "index_price");
    const int32_t exponent = fl_market_exponent(vector_i32(c, c->at, "index_price_exponent"),
                                                vector_i32(c, c->at, "atomic_resolution"));
    const int64_t limit = vector_i64(c, c->at, "max_abs_premium_ppm");
    if (c->failed) return;
    vector_expect_i128(c, c->at, "expected_premium_ppm",
                       fl_book_premium_ppm(&book, notional, index, exponent, limit));
}

const struct vector_kind vectors_dydx_v4[] = {
    {"account_risk", account_risk},
    {"bankruptcy_price", bankruptcy_price},
    {"can_deleverage", can_deleverage},
    {"fillable_price", fillable_price},
    {"fillable_price_to_subticks", fillable_price_to_subticks},
    {"funding_tick", funding_tick},
    {"impact_price_premium", impact_price_premium},
    {"insurance_fund_delta", insurance_fund_delta},
    {"insurance_fund_delta_valid", insurance_fund_delta_valid},
    {"is_liquidatable", is_liquidatable},
    {"margin_requirements", margin_requirements},
    {"net_notional", net_notional},
    {"offset_position_deleveraging", offset_position_deleveraging},
    {"position_block_limits", position_block_limits},
    {"process_deleveraging_at_bankruptcy_price", process_deleveraging_at_bankruptcy_price},
    {"process_deleveraging_at_oracle_price", process_deleveraging_at_oracle_price},
    {"settlement_ppm", settlement_ppm},
    {"subaccount_block_limits", subaccount_block_limits},
    {"trim_tails", trim_tails},
    {"undercollateralised_transition", undercollateralised_transition},
    {"vote_median", vote_median},
    {NULL, NULL},
};
