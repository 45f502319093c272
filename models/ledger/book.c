/* Order matching against makers' depth (book.h says what it is). */
#include "models/ledger/book.h"

#define IMPACT_PER_DEPTH 10000 /* ppm of price for each `depth` taken: 1 % */
#define IMPACT_MAX 500000      /* ppm; beyond that there is nothing on offer */

/* a / b rounded up, for a >= 0 and b > 0. */
static fl_i128 divide_up(fl_i128 a, fl_i128 b)
{
    return a / b + (a % b != 0);
}

/* Marginal price at the middle of the next `size`: mid * (1 +- (half_spread + (taken + size / 2) * 1 % / depth)),
 * as a fraction of *scale. Negative if so much is not on offer. */
static fl_i128 scaled_price(const struct fl_offer *offer, int64_t size, bool buy, fl_i128 *scale)
{
    const fl_i128 half = 2 * (fl_i128)offer->depth;
    const fl_i128 impact = (2 * (fl_i128)offer->taken + size) * IMPACT_PER_DEPTH;
    const fl_i128 furthest = ((fl_i128)offer->taken + size) * IMPACT_PER_DEPTH;
    *scale = FL_PPM_ONE * half;
    if (offer->mid <= 0 || furthest > (fl_i128)IMPACT_MAX * offer->depth) return -1;
    const fl_i128 away = offer->half_spread * half + impact;
    return offer->mid * (buy ? *scale + away : *scale - away);
}

struct fl_grid fl_order_grid(int64_t tick, int64_t lot, int64_t size)
{
    const int64_t lots = size / FL_PARTS_MAX / lot;
    return (struct fl_grid){.tick = tick, .lot = lot, .least = fl_max(lots, 1) * lot};
}

int64_t fl_offer_price(const struct fl_offer *offer, int64_t size, bool buy, int64_t tick)
{
    fl_i128 scale;
    const fl_i128 price = scaled_price(offer, size, buy, &scale);
    if (price <= 0) return 0;
    const fl_i128 on_tick = buy ? divide_up(price, scale * tick) : price / (scale * tick);
    return (int64_t)(on_tick * tick);
}

static bool better(int64_t a, int64_t b, bool buy)
{
    if (a == 0 || b == 0) return a != 0 && b == 0;
    return buy ? a < b : a > b;
}

/* The maker with the best price for a lot, and the next best price; 0 if there is no other. */
static uint32_t best_maker(const struct fl_offer *offers, uint32_t count, bool buy,
                           const struct fl_grid *grid, int64_t *next)
{
    uint32_t best = UINT32_MAX;
    int64_t price = 0;
    *next = 0;
    for (uint32_t i = 0; i < count; i++) {
        const int64_t here = fl_offer_price(&offers[i], grid->lot, buy, grid->tick);
        if (better(here, price, buy)) {
            *next = price;
            price = here;
            best = i;
        } else if (better(here, *next, buy)) {
            *next = here;
        }
    }
    return best;
}

/* How much may be taken before the maker's marginal price passes `price`, at least 0. */
static int64_t until_price(const struct fl_offer *offer, int64_t price, bool buy)
{
    const fl_i128 mid = offer->mid;
    const fl_i128 away = (buy ? price - mid : mid - price) * FL_PPM_ONE - offer->half_spread * mid;
    const fl_i128 size = away * offer->depth / (mid * IMPACT_PER_DEPTH) - offer->taken;
    return size <= 0 ? 0 : size > INT64_MAX ? INT64_MAX : (int64_t)size;
}

static bool within(const struct fl_offer *offer, int64_t size, bool buy, int64_t limit,
                   const struct fl_grid *grid)
{
    const int64_t price = fl_offer_price(offer, size, buy, grid->tick);
    return price > 0 && (limit == 0 || (buy ? price <= limit : price >= limit));
}

/* The greatest number of lots, at most `lots`, that fits the limit: the average price only worsens. */
static int64_t most_lots(const struct fl_offer *offer, int64_t lots, bool buy, int64_t limit,
                         const struct fl_grid *grid)
{
    int64_t low = 0, high = lots + 1; /* low fits, high does not */
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        *(within(offer, middle * grid->lot, buy, limit, grid) ? &low : &high) = middle;
    }
    return low;
}

struct fl_slice fl_book_slice(const struct fl_offer *offers, uint32_t count, bool buy, int64_t size,
                              int64_t limit, const struct fl_grid *grid)
{
    struct fl_slice slice = {.maker = UINT32_MAX};
    int64_t next;
    const uint32_t best = best_maker(offers, count, buy, grid, &next);
    if (best == UINT32_MAX) return slice;
    int64_t part = size;
    if (next != 0) {
        const int64_t lots = until_price(&offers[best], next, buy) / grid->lot;
        part = fl_min(size, fl_max(lots * grid->lot, grid->least));
    }
    if (!within(&offers[best], part, buy, limit, grid)) {
        part = most_lots(&offers[best], part / grid->lot, buy, limit, grid) * grid->lot;
    }
    if (part == 0) return slice;
    slice.maker = best;
    slice.size = part;
    slice.price = fl_offer_price(&offers[best], part, buy, grid->tick);
    return slice;
}

int64_t fl_book_best(const struct fl_offer *offers, uint32_t count, bool buy,
                     const struct fl_grid *grid)
{
    int64_t next;
    const uint32_t best = best_maker(offers, count, buy, grid, &next);
    return best == UINT32_MAX ? 0 : fl_offer_price(&offers[best], grid->lot, buy, grid->tick);
}
