/* Margin arithmetic of dYdX v4 (v4-chain 84d4664b; mechanisms 2.1): pure functions over values, without
 * rows and without the engine, so that the protocol's own test cases run on what the exchange runs.
 *
 * Units. Quote quantums are 10^-6 USD. A market's `exponent` joins its units: notional in quote
 * quantums = size * price * 10^exponent; on our exchange sizes are 10^-6 base units and prices 10^-6
 * USD, so that it is -6. Ratios are in ppm.
 *
 * Signs. Sizes are positive for long. A quote amount is what the account receives.
 *
 * Prices, ratios and open interest are not negative. Results that pass 127 bits are a broken invariant
 * (asserted); nothing in between is rounded or cut short. */
#ifndef FL_LEDGER_MARGIN_H
#define FL_LEDGER_MARGIN_H
#include "sim/wide.h"

enum { FL_MARKETS_MAX = 32 }; /* positions of one account */

/* --- one market ---------------------------------------------------------------------------------- */

struct fl_margin_terms {
    int64_t initial_ppm;              /* IMF: initial margin as a share of notional */
    int64_t maintenance_fraction_ppm; /* of the unscaled initial margin */
    int64_t oi_lower, oi_upper;       /* open notional, quote quantums; upper 0: no scaling */
    int32_t exponent;                 /* -38 to 38 */
};
struct fl_margin_market {
    struct fl_margin_terms terms;
    int64_t price;         /* for margin: the oracle's on dYdX v4, else the mark */
    int64_t open_interest; /* base quantums, sum of long sizes */
    int64_t funding;       /* index: quote quantums per base quantum, times 10^6 */
};

/* A market's exponent where the price is p * 10^price_exponent USD per unit and sizes are in 10^resolution
 * units. */
int32_t fl_market_exponent(int32_t price_exponent, int32_t resolution);
/* N = trunc(size * price * 10^exponent), signed (GetNetNotionalInQuoteQuantums). */
fl_i128 fl_notional(fl_i128 size, fl_i128 price, int32_t exponent);
/* IMF in ppm under open-interest scaling: linear from IMF at the lower cap to 100 % at the upper, floor. */
int64_t fl_initial_ppm(const struct fl_margin_terms *terms, fl_i128 open_notional);
/* IMR = ceil(|N| * scaled IMF). */
fl_i128 fl_initial_margin(const struct fl_margin_terms *terms, fl_i128 notional,
                          fl_i128 open_notional);
/* MMR = ceil(ceil(|N| * IMF) * fraction): two ceils, and no open-interest scaling. */
fl_i128 fl_maintenance_margin(const struct fl_margin_terms *terms, fl_i128 notional);

/* --- an account ---------------------------------------------------------------------------------- */

struct fl_position {
    uint32_t market; /* index into the markets; ascending within an account, each once */
    uint32_t zero;
    int64_t size;    /* never 0 */
    int64_t funding; /* index up to which it is settled */
};
struct fl_margin_account {
    int64_t quote; /* settled collateral; may be negative */
    uint32_t count;
    struct fl_position at[FL_MARKETS_MAX];
};
struct fl_risk {
    fl_i128 collateral;  /* NC = quote + sum of N + funding not settled yet */
    fl_i128 initial;     /* IMR */
    fl_i128 maintenance; /* MMR */
};

/* Funding due: sum over positions of -(index - settled index) * size, in ppm, then ONE floor: the account
 * pays the rounding (GetSettlementPpm). `markets` is indexed by position.market, here and below. */
fl_i128 fl_funding_due(const struct fl_margin_account *account,
                       const struct fl_margin_market *markets);
struct fl_risk fl_account_risk(const struct fl_margin_account *account,
                               const struct fl_margin_market *markets);
/* Funding of one position, ppm of a quote quantum, exact: positive is received. */
fl_i128 fl_funding_ppm(int64_t index, int64_t settled, int64_t size);
/* Takes the funding due into the quote and settles every position at its market's index. False, and no
 * change, if a bound of int64 would be passed. */
bool fl_account_settle(struct fl_margin_account *account, const struct fl_margin_market *markets);

/* Whether the account is what the functions here take: positions ascending, none of size 0, each in one of
 * `count` markets. */
bool fl_account_valid(const struct fl_margin_account *account, uint32_t count);
/* Size held in a market, 0 if none. */
int64_t fl_account_size(const struct fl_margin_account *account, uint32_t market);
/* What the market's open interest gains when an account's size goes from one to another: its long part. */
int64_t fl_open_interest_gain(int64_t from, int64_t to);
/* Adds to size and quote; the position appears, grows, shrinks, or goes. A new or changed position is
 * settled at the market's index by the caller before (asserted: fl_account_settle). False, and no change, if
 * +-INT64_MAX or the number of positions would be passed. */
bool fl_account_fill(struct fl_margin_account *account, const struct fl_margin_market *markets,
                     uint32_t market, int64_t size, fl_i128 quote);

/* MMR > 0 and MMR > NC, strictly (IsLiquidatable). */
bool fl_liquidatable(const struct fl_risk *risk);

/* Whether an update may be made: NC >= IMR after it, or else risk does not worsen: MMR' <= MMR and
 * NC'/MMR' >= NC/MMR (cross-multiplied; zero-MMR cases as dYdX has them). */
enum fl_transition {
    FL_TRANSITION_OK = 1,
    FL_TRANSITION_NEWLY_UNDER, /* collateralised before, not after */
    FL_TRANSITION_STILL_UNDER  /* not collateralised before, and not better after */
};
enum fl_transition fl_transition(const struct fl_risk *before, const struct fl_risk *after);
/* The same where NC < IMR after it is known (IsValidStateTransitionForUndercollateralizedSubaccount):
 * after->initial is not looked at. */
enum fl_transition fl_transition_under(const struct fl_risk *before, const struct fl_risk *after);

/* --- liquidation --------------------------------------------------------------------------------- */

struct fl_liquidation_terms {
    int64_t max_fee_ppm;               /* of the quote filled, to the insurance fund */
    int64_t bankruptcy_adjustment_ppm; /* BA */
    int64_t spread_to_maintenance_ppm; /* SMMR */
    int64_t min_notional;              /* quote quantums, of one position */
    int64_t portion_ppm;               /* of one position */
    fl_i128 account_notional;          /* per block, of one account */
    fl_i128 account_insurance;         /* per block, loss that one account may bring the fund */
};

/* Whether `delta` closes the account's position or a part of it: opposite sign, at most its size, not 0. */
bool fl_can_close(const struct fl_margin_account *account, uint32_t market, int64_t delta);
/* Quote that `size` bought (sold if negative) at `price` brings: -trunc(size * price * 10^exponent). */
fl_i128 fl_fill_quote(int64_t size, fl_i128 price, int32_t exponent);

/* BP: quote for closing `delta` (fl_can_close, asserted) at which NC ends where it
 * would be if the account's whole loss were shared by maintenance margin:
 * -dN - floor(TNC * |dMMR| / TMMR), N and MMR of the whole position before and after, Euclidean floor. Long > 0,
 * short < 0 as a rule. An account without maintenance margin, which is never liquidatable, has nothing
 * to share by: -dN. */
fl_i128 fl_bankruptcy_quote(const struct fl_margin_account *account,
                            const struct fl_margin_market *markets, uint32_t market, int64_t delta);

/* An exact fraction, not reduced: at the bounds of int64 neither part fits 128 bits, even in lowest terms. */
struct fl_fraction {
    bool negative;
    struct fl_wide numerator, denominator; /* denominator not 0 */
};
struct fl_fraction fl_fraction(fl_i128 numerator, fl_i128 denominator);
/* Whether they are the same number. */
bool fl_fraction_equal(struct fl_fraction a, struct fl_fraction b);

/* (N - clamp(BA * (1 - TNC/TMMR), 0, 1) * SMMR * MMR of the position) / size, exact: quote quantums per base
 * quantum. The account holds the market and has maintenance margin (both asserted). */
struct fl_fraction fl_fillable_price(const struct fl_margin_account *account,
                                     const struct fl_margin_market *markets, uint32_t market,
                                     const struct fl_liquidation_terms *terms);
/* The price in units of 10^-scale quote quantums per base quantum, on a grid of `tick`: up when a long is
 * closed (a sell), down when a short is (a buy); within [tick, greatest multiple of tick <= highest]; tick <=
 * highest (asserted). */
fl_u128 fl_fillable_on_grid(struct fl_fraction fillable, bool closes_long, int32_t scale,
                            uint64_t tick, uint64_t highest);

/* fillQuote - BP, a gain limited to floor(|fillQuote| * fee): positive goes to the fund, negative the fund
 * pays. */
fl_i128 fl_insurance_delta(fl_i128 fill_quote, fl_i128 bankruptcy_quote, int64_t max_fee_ppm);
/* The fund may not fall below 0. A fund that is below already takes only what does not lower it. */
bool fl_insurance_bears(fl_i128 fund, fl_i128 delta);

/* What the delta takes from the fund: its loss, or 0. */
fl_i128 fl_insurance_lost(fl_i128 delta);

/* Least and greatest notional of a position that may be liquidated in one block. */
struct fl_notional_limits {
    fl_i128 least, greatest;
};
struct fl_notional_limits fl_position_limits(const struct fl_liquidation_terms *terms,
                                             fl_i128 notional);
/* An account is liquidated at most once per block in one market: whether it was in `market` already, given
 * those where it was. */
bool fl_liquidated_in(const uint32_t *markets, uint32_t count, uint32_t market);
/* What an account has left in this block, given what was liquidated of it and lost on it (both >= 0); more than
 * the terms allow cannot have been (asserted). */
struct fl_account_limits {
    fl_i128 notional, insurance;
};
struct fl_account_limits fl_account_limits(const struct fl_liquidation_terms *terms,
                                           fl_i128 notional_so_far, fl_i128 lost_so_far);
/* Each alone; negative if more has been than the terms allow. */
fl_i128 fl_block_notional_left(const struct fl_liquidation_terms *terms, fl_i128 notional_so_far);
fl_i128 fl_block_insurance_left(const struct fl_liquidation_terms *terms, fl_i128 lost_so_far);

/* --- deleveraging -------------------------------------------------------------------------------- */

/* At the bankruptcy price iff NC < 0; at the oracle's iff the market is in final settlement and NC >= 0. */
enum fl_deleverage_at {
    FL_DELEVERAGE_NONE = 1,
    FL_DELEVERAGE_AT_BANKRUPTCY,
    FL_DELEVERAGE_AT_ORACLE
};
enum fl_deleverage_at fl_can_deleverage(fl_i128 collateral, bool final_settlement);

/* Moves `delta` of the liquidated account's position (opposite sign of it) to the offsetting account, at `at`. False,
 * and no change, if the liquidated account has not that much on this side or the offsetting one on the other,
 * if either account's transition is refused (their bankruptcy prices do not overlap), or if a bound of int64
 * would be passed. *quote is what the liquidated one receives. Both accounts are settled (fl_account_settle). */
bool fl_deleverage(struct fl_margin_account *liquidated, struct fl_margin_account *offsetting,
                   const struct fl_margin_market *markets, uint32_t market, int64_t delta,
                   enum fl_deleverage_at at, fl_i128 *quote);
/* The same for as much of `delta` as the candidate's position allows; the part that moved, 0 if none did. */
int64_t fl_deleverage_against(struct fl_margin_account *liquidated,
                              struct fl_margin_account *candidate,
                              const struct fl_margin_market *markets, uint32_t market,
                              int64_t delta, enum fl_deleverage_at at, fl_i128 *quote);

#endif
