/* The index over cross-margin accounts (DESIGN 10): which may have fallen below maintenance, without
 * looking at all of them.
 *
 * No single price line exists when a move touches every account, so each leg (position) gets an adverse
 * edge. A market is two coordinates, one for its longs and one for its shorts, that fold price, maintenance
 * ratio, funding and socialised loss into one number each, so that an account's slack (net collateral less
 * maintenance margin) is linear in them:
 *     slack = constant + sum over longs of size * long_at - sum over shorts of |size| * short_at.
 * The account's slack is split over its legs; as long as no coordinate has crossed the edge of any of its
 * legs, its slack is not below 0. Two heaps per market, one for each side. A crossing is a hint, never a
 * verdict: the caller computes the account exactly and puts it back with new edges, or liquidates it.
 * Over-reports, never omits.
 *
 * Coordinates are in 10^-6 USD per unit, sizes in 10^-6 units, slack in 10^-6 USD. */
#ifndef FL_LEDGER_EDGES_H
#define FL_LEDGER_EDGES_H
#include "sim/num.h"

struct fl_edge_market {
    /* Each sum is rounded once: two roundings could deceive by more than edges allow for. */
    int64_t long_at;  /* falls against longs:  price * (1 - MMF) - funding - loss, rounded down */
    int64_t short_at; /* rises against shorts: price * (1 + MMF) - funding + loss, rounded up */
};
struct fl_edge_leg {
    uint32_t market, zero;
    int64_t size; /* signed, not 0 */
};

/* Flat and pointer-free; zeroed memory of this size, aligned to 8, then fl_edges_init once. Memory of
 * heaps that never fill is never touched: of this size, 32 bytes an account with one leg are. */
size_t fl_edges_bytes(uint32_t accounts, uint32_t legs_max, uint32_t markets);
void fl_edges_init(void *edges, uint32_t accounts, uint32_t legs_max, uint32_t markets);

/* The account's legs are these, and its slack, rounded down by as much as roundings may deceive, is `slack` where the
 * markets stand at `at`. Replaces what was there; cheapest if the legs come in the same order. Each market at most
 * once. No legs: the account is never reported.
 *
 * Slack below 0: it is reported until it is put again. Else each leg may lose its share of the slack, and a
 * leg with no room for any move is reported as long as its coordinate stands there or worse.
 * What roundings of coordinates may deceive, less than a unit when put and when asked, is covered here: an
 * edge that is reached counts as crossed. What those of the exact account may is the caller's. On dYdX v4 an exact
 * slack, a whole number, changes by more than the linear one less 4 for each leg (trunc(N) and MMF of it, 2; two
 * ceils, 2) less 1 (the floor of funding): 4 for each leg suffice. */
void fl_edges_put(void *edges, uint32_t account, const struct fl_edge_leg *legs, uint32_t count,
                  fl_i128 slack, const struct fl_edge_market *at);

/* Accounts of which some leg's edge is crossed where the markets stand at `at`: each once, in no order that
 * means anything (but the same for the same history). Lent until the next call of this; putting leaves it alone.
 * Changes nothing that can be seen. Edges stay true as long as the account's legs and its constant do: who is
 * reported may be put again, which spares reports to come, or left as it is. */
const uint32_t *fl_edges_crossed(void *edges, const struct fl_edge_market *at, uint32_t *count);

/* Recounts everything: heaps in order, every leg where it says, none lost. NULL, or what is wrong. */
const char *fl_edges_unsound(const void *edges);

#endif
