/* Funding of dYdX v4: from a book to a premium, from premiums to a rate, from a rate to an index. */
#include "models/ledger/funding.h"
#include "models/ledger/margin.h"
#include "sim/num.h"

enum { MILLION = 1000000 };

/* Insertion sort: samples of an hour, votes of some hundred validators. */
static void sort(int64_t *values, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const int64_t value = values[i];
        uint32_t j = i;
        for (; j > 0 && values[j - 1] > value; j--) values[j] = values[j - 1];
        values[j] = value;
    }
}

/* --- premium ------------------------------------------------------------------------------------- */

/* Ratio of prices in ppm less 1: `up` rounds up. Ratios too great for 128 bits are beyond any limit. */
static fl_i128 premium(fl_i128 price, fl_i128 unit, fl_i128 index, fl_i128 index_unit, bool up)
{
    const struct fl_wide over =
        fl_wide_times(fl_wide_times(fl_wide((fl_u128)price), (fl_u128)index_unit), MILLION);
    const struct fl_wide under = fl_wide_times(fl_wide((fl_u128)unit), (fl_u128)index);
    const fl_u128 ratio = up ? fl_wide_div_ceil(over, under) : fl_wide_div_floor(over, under);
    return ratio > (fl_u128)FL_I128_MAX ? FL_I128_MAX : (fl_i128)ratio - MILLION;
}

int64_t fl_premium_ppm(const struct fl_impact *impact, fl_i128 index_numerator,
                       fl_i128 index_denominator, int64_t limit_ppm)
{
    FL_ASSERT(index_numerator > 0 && index_denominator > 0 && limit_ppm >= 0);
    const fl_i128 bid = impact->bid_numerator, bid_unit = impact->bid_denominator;
    const fl_i128 ask = impact->ask_numerator, ask_unit = impact->ask_denominator;
    fl_i128 ppm = 0;
    /* Toward zero: a positive premium down, a negative one up. */
    if (bid_unit != 0 &&
        fl_i128_compare_products(bid, index_denominator, index_numerator, bid_unit) > 0)
        ppm = premium(bid, bid_unit, index_numerator, index_denominator, false);
    else if (ask_unit != 0 &&
             fl_i128_compare_products(ask, index_denominator, index_numerator, ask_unit) < 0)
        ppm = premium(ask, ask_unit, index_numerator, index_denominator, true);
    return ppm > limit_ppm ? limit_ppm : ppm < -limit_ppm ? -limit_ppm : (int64_t)ppm;
}

/* `worth` in units of price times size. The level that fills the rest of it, at price p, gives rest / p of
 * size, so that the average is worth / (taken + rest / p). */
static void impact_price(const struct fl_level *levels, uint32_t count, fl_i128 worth,
                         fl_i128 *numerator, fl_i128 *denominator)
{
    fl_i128 rest = worth, taken = 0;
    *numerator = *denominator = 0;
    for (uint32_t i = 0; i < count; i++) {
        const int64_t price = levels[i].price, size = levels[i].size;
        FL_ASSERT(price > 0 && size > 0);
        if (worth == 0) {
            *numerator = price;
            *denominator = 1;
            return;
        }
        const fl_i128 whole = (fl_i128)price * size;
        if (whole >= rest) {
            *numerator = fl_i128_mul_div_trunc(worth, price, 1);
            *denominator = fl_i128_mul_div_trunc(taken, price, 1) + rest;
            return;
        }
        rest -= whole;
        taken += size;
    }
}

struct fl_impact fl_book_impact(const struct fl_book *book, fl_i128 notional)
{
    FL_ASSERT(book->exponent <= 0 && notional >= 0);
    const fl_i128 worth =
        fl_i128_mul_div_trunc(notional, (fl_i128)fl_u128_pow10((uint32_t)-book->exponent), 1);
    struct fl_impact impact;
    impact_price(book->bids, book->bid_count, worth, &impact.bid_numerator,
                 &impact.bid_denominator);
    impact_price(book->asks, book->ask_count, worth, &impact.ask_numerator,
                 &impact.ask_denominator);
    return impact;
}

int64_t fl_book_premium_ppm(const struct fl_book *book, fl_i128 notional, int64_t index_price,
                            int32_t index_exponent, int64_t limit_ppm)
{
    const struct fl_impact impact = fl_book_impact(book, notional);
    const int32_t shift = index_exponent - book->exponent; /* into the unit of the book's prices */
    const fl_i128 up = (fl_i128)fl_u128_pow10(shift > 0 ? (uint32_t)shift : 0);
    const fl_i128 down = (fl_i128)fl_u128_pow10(shift < 0 ? (uint32_t)-shift : 0);
    return fl_premium_ppm(&impact, fl_i128_mul_div_trunc(index_price, up, 1), down, limit_ppm);
}

/* --- samples ------------------------------------------------------------------------------------- */

uint32_t fl_samples_expected(int64_t tick_s, int64_t sample_s)
{
    FL_ASSERT(tick_s >= 0 && sample_s > 0);
    const int64_t count = fl_mul_div_ceil(tick_s, 1, sample_s);
    FL_ASSERT(count <= UINT32_MAX);
    return (uint32_t)count;
}

int64_t fl_premium_sample(int64_t *votes, uint32_t count, uint32_t least)
{
    for (; count < least; count++) votes[count] = 0;
    if (count == 0) return 0;
    sort(votes, count);
    if (count % 2 == 1) return votes[count / 2];
    const fl_i128 sum = (fl_i128)votes[count / 2 - 1] + votes[count / 2];
    return (int64_t)((sum + (sum > 0) - (sum < 0)) / 2);
}

uint32_t fl_trim_tails(int64_t *samples, uint32_t count, int64_t rate_ppm, uint32_t *first)
{
    FL_ASSERT(rate_ppm >= 0);
    *first = 0;
    const fl_i128 removed = (fl_i128)count * 2 * rate_ppm / MILLION;
    if (removed > count) return count;
    sort(samples, count);
    *first = (uint32_t)removed / 2;
    return count - (uint32_t)removed;
}

/* --- rate and index ------------------------------------------------------------------------------ */

int64_t fl_funding_rate(const int64_t *samples, uint32_t count, uint32_t expected,
                        int64_t default_ppm, int64_t clamp_ppm, int64_t initial_ppm,
                        int64_t maintenance_fraction_ppm)
{
    fl_i128 sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += samples[i];
    const uint32_t padded = count > expected ? count : expected;
    const int64_t mean = padded == 0 ? 0 : (int64_t)(sum / padded);
    const int64_t maintenance_ppm =
        fl_mul_div_floor(initial_ppm, maintenance_fraction_ppm, MILLION);
    const int64_t limit =
        fl_mul_div_floor(clamp_ppm, fl_sub(initial_ppm, maintenance_ppm), MILLION);
    FL_ASSERT(limit >= 0);
    return fl_clamp(fl_add(mean, default_ppm), -limit, limit);
}

fl_i128 fl_funding_rise(int64_t tick_s, int64_t rate_ppm, int64_t price, int32_t exponent)
{
    return fl_notional((fl_i128)tick_s * rate_ppm, price, exponent) / FL_FUNDING_PERIOD_S;
}
