/* Who bore the losses of a run: the waterfall of its liquidations, in sums and one by one. */
#ifndef FL_WATERFALL_H
#define FL_WATERFALL_H
#include "analysis/explain.h"

#include <cjson/cJSON.h>
#include <stdio.h>

/* In the order in which they bear, 10^-6 USD. */
struct fl_bearers {
    int64_t fund;           /* the insurance fund */
    int64_t counterparties; /* whose positions were deleveraged */
    int64_t traders;        /* all with an open position: socialised */
    int64_t nobody;         /* outstanding */
};
/* What the summary says of the whole run; 0 each if it knows of no exchange. */
struct fl_bearers fl_bearers_of(const cJSON *summary);
/* The deficit. */
int64_t fl_bearers_sum(const struct fl_bearers *bearers);

/* One deficit: a liquidation that cost more than the account had. */
struct fl_deficit {
    uint32_t id; /* of its record */
    int64_t account, number;
    struct fl_bearers by;
};
/* All of them, the largest first, of equals the earlier; freed by the caller. Never NULL. */
struct fl_deficit *fl_deficits_new(struct fl_history *history, size_t *count);

/* The table "who bore the loss"; nothing if the summary knows of no exchange. Collateral and latent bad
 * debt stand in it if accounts were `judged` by true prices. Its rows add up to the last unit, and so do
 * the deficits given (NULL: the trace has no events): a run of ours whose sums differ is a broken
 * invariant. */
void fl_waterfall_write(const cJSON *summary, bool judged, const struct fl_deficit *all,
                        size_t count, FILE *file);

/* Id of the liquidation of a deficit; the deficit's own if the trace has none. */
uint32_t fl_first_stage(struct fl_history *history, const struct fl_deficit *deficit);
/* The stages of one liquidation, a line each: what was closed, who was made to take over the rest, who
 * bore what was missing. `deficit` is one of the history's. */
void fl_stages_write(struct fl_history *history, const struct fl_deficit *deficit, FILE *file);
/* What led to it, one line for each link, of a long chain the middle left out; then its stages. */
void fl_deficit_write(struct fl_history *history, const struct fl_deficit *deficit, FILE *file);

#endif
