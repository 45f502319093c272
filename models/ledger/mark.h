/* A mark: the price that an exchange's margin, liquidations and deleveraging go by. A rule sees the oracle
 * and the exchange's own book and keeps a few numbers from block to block. */
#ifndef FL_LEDGER_MARK_H
#define FL_LEDGER_MARK_H
#include "sim/model.h"

enum { FL_MARK_STATE = 6 };

/* What the end of a block shows; prices in 10^-6 USD, 0 where there is none. */
struct fl_mark_sight {
    int64_t oracle; /* never 0 */
    int64_t bid, ask, last;
    fl_time now; /* block time */
};
struct fl_mark_rule {
    /* The mark while the oracle says `oracle` > 0; above 0. `state` is as the newest update left it, all
     * zero before the first. */
    int64_t (*price)(const void *params, const int64_t *state, int64_t oracle);
    /* Once at the end of each block with an oracle price; NULL if the rule remembers nothing. */
    void (*update)(const void *params, int64_t *state, const struct fl_mark_sight *sight);
};

#endif
