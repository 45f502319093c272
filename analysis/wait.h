/* Since when a liquidation that left a deficit had been due, by the fundamental price.
 *
 * Of the position that was closed, with what its account had beside it: the last time, before the
 * liquidation, that the fundamental price of its market moved it below maintenance. Margin terms are
 * those of the resolved scenario, prices those of the ticks. Positions of the account in other markets
 * count as what they were worth when this one was closed. */
#ifndef FL_WAIT_H
#define FL_WAIT_H
#include "analysis/waterfall.h"

struct fl_waits;

/* `resolved`: the scenario with every key. The history must outlive it. Never NULL. */
struct fl_waits *fl_waits_new(struct fl_history *history, const cJSON *resolved);
void fl_waits_free(struct fl_waits *waits);

/* When it fell due; the time of the deficit if it was not due at the fundamental price then. False if
 * the trace does not tell: no solvency check names the fundamental prices, or it has no ticks. */
bool fl_wait_from(const struct fl_waits *waits, const struct fl_deficit *deficit, fl_time *from);

#endif
