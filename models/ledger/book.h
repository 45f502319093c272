/* Order matching against depth: makers quote a mid price, a half spread and a depth, and every order takes
 * from the best of them.
 *
 * A maker's price moves linearly in what has been taken from it: the marginal price after taking x is
 *     mid * (1 +- (half spread + x * 1 % / depth)),
 * until 50 % away, where its offer ends. A fill costs the average over what it takes, which is the marginal price
 * at its middle, one exact fraction, put on the tick against the taker. Priority is by what the next lot costs, then
 * by the maker's place: an order is cut where the maker's marginal price passes the next best one's, to whole lots. Makers who quote
 * alike would share an order lot by lot: no part is smaller than a 256th of the order, unless the maker
 * or the limit ends it. */
#ifndef FL_LEDGER_BOOK_H
#define FL_LEDGER_BOOK_H
#include "models/wire.h"

enum { FL_MAKERS_MAX = 8 /* of one market */, FL_PARTS_MAX = 256 /* of one order, about */ };

/* One side of a maker's quote. */
struct fl_offer {
    int64_t mid;         /* 0: no offer */
    int64_t half_spread; /* ppm */
    int64_t depth;       /* 10^-6 base units for 1 % */
    int64_t taken;       /* from this side so far */
};
struct fl_grid {
    int64_t tick, lot; /* of prices, of sizes; at least 1 */
    int64_t least;     /* whole lots: an order is not cut into smaller parts where makers change */
};
/* What the taker pays, or gets, for the next part of its order. */
struct fl_slice {
    uint32_t maker; /* UINT32_MAX: no more on offer at the limit */
    int64_t size;   /* > 0, whole lots, but for what is left of an order that is none */
    int64_t price;
};

/* For parts of an order of `size` > 0. */
struct fl_grid fl_order_grid(int64_t tick, int64_t lot, int64_t size);
/* Average price of taking `size` > 0, on the tick; 0 if that much is not on offer. */
int64_t fl_offer_price(const struct fl_offer *offer, int64_t size, bool buy, int64_t tick);
/* The next slice of an order of `size` > 0; its price is `limit` or better (0: any). */
struct fl_slice fl_book_slice(const struct fl_offer *offers, uint32_t count, bool buy, int64_t size,
                              int64_t limit, const struct fl_grid *grid);
/* Best price for one lot; 0 if there is none. */
int64_t fl_book_best(const struct fl_offer *offers, uint32_t count, bool buy,
                     const struct fl_grid *grid);

#endif
