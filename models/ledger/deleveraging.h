/* Auto-deleveraging: who takes over what is left of a bankrupt account's position. */
#ifndef FL_LEDGER_DELEVERAGING_H
#define FL_LEDGER_DELEVERAGING_H
#include "sim/model.h"

/* An account with a position on the other side. */
struct fl_candidate {
    uint32_t account, zero;
    int64_t size, entry; /* entry: what opening it cost, 10^-6 USD, positive */
    int64_t mark;
    fl_i128 notional; /* at the mark, magnitude */
    fl_i128 equity;   /* net collateral of the account */
    fl_u128 rank;     /* the policy's */
    uint64_t draw;    /* the account's place after this block's random start: 0 comes first */
};
struct fl_deleveraging {
    /* Nobody is made to take it over: losses beyond the fund are socialised at once. */
    bool nobody;
    /* Whoever a transaction names (FL_TX_DELEVERAGE). */
    bool named;
    /* All at once, in proportion to their sizes; what that leaves goes by rank. */
    bool shared;
    /* The rank looks at the equity of the account, which takes long to find; else it is 0. */
    bool by_equity;
    /* The highest comes first; of equals the lower account. */
    fl_u128 (*rank)(const struct fl_candidate *candidate);
};

#endif
