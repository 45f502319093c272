/* Funding of dYdX v4 (v4-chain 84d4664b; mechanisms 2.1): premium, sample, rate, index. Pure functions. */
#ifndef FL_LEDGER_FUNDING_H
#define FL_LEDGER_FUNDING_H
#include "sim/wide.h"

#define FL_FUNDING_PERIOD_S 28800 /* rates are for eight hours */

/* Premium of the book over the index price, ppm: impact bid / index - 1 if the impact bid is above the index, impact
 * ask / index - 1 if the impact ask is below it, else 0; toward zero; within +-limit. Prices as exact fractions of
 * equal units; a side that cannot fill the impact notional has denominator 0 and counts as if it were at the index. */
struct fl_impact {
    fl_i128 bid_numerator, bid_denominator;
    fl_i128 ask_numerator, ask_denominator;
};
int64_t fl_premium_ppm(const struct fl_impact *impact, fl_i128 index_numerator,
                       fl_i128 index_denominator, int64_t limit_ppm);

/* A book, the best level of each side first. Notional of a level = price * size * 10^exponent quote quantums;
 * exponent <= 0 (asserted). */
struct fl_level {
    int64_t price, size; /* both > 0 */
};
struct fl_book {
    const struct fl_level *bids, *asks;
    uint32_t bid_count, ask_count;
    int32_t exponent;
};
/* Average prices at which `notional` quote quantums fill, in the unit of the book's prices: levels are taken
 * whole, the last one in part. Notional 0: the best price. notional * 10^-exponent * price must stay below
 * 2^127 (asserted). */
struct fl_impact fl_book_impact(const struct fl_book *book, fl_i128 notional);
/* fl_premium_ppm of the book; an index of `index_price` is index_price * 10^index_exponent quote quantums per
 * base quantum. */
int64_t fl_book_premium_ppm(const struct fl_book *book, fl_i128 notional, int64_t index_price,
                            int32_t index_exponent, int64_t limit_ppm);

/* Samples that a tick should have: ceil(tick / sample). */
uint32_t fl_samples_expected(int64_t tick_s, int64_t sample_s);

/* Median of the votes (any order; they are sorted in place), padded with zeros to at least `least` of
 * them: votes[] has room for max(count, least). Even: the mean of the middle two, away from zero. */
int64_t fl_premium_sample(int64_t *votes, uint32_t count, uint32_t least);

/* Removes the outer samples: floor(count * 2 * rate) in all, half of that (floor) at the bottom, the rest at the
 * top. Sorts in place; *first is where the rest begins; returns how many are left. A rate above 50 % removes
 * nothing, and nothing is sorted. */
uint32_t fl_trim_tails(int64_t *samples, uint32_t count, int64_t rate_ppm, uint32_t *first);

/* Mean of the samples, padded with zeros to `expected`, toward zero; plus the market's default; within
 * +-floor(clamp_ppm * (IMF - MMF)), MMF = floor(IMF * fraction). ppm for eight hours. */
int64_t fl_funding_rate(const int64_t *samples, uint32_t count, uint32_t expected,
                        int64_t default_ppm, int64_t clamp_ppm, int64_t initial_ppm,
                        int64_t maintenance_fraction_ppm);

/* trunc(trunc(tick * rate * price * 10^exponent) / 28800): rise of the funding index, quote quantums per base quantum
 * times 10^6. */
fl_i128 fl_funding_rise(int64_t tick_s, int64_t rate_ppm, int64_t price, int32_t exponent);

#endif
