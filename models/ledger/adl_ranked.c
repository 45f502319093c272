/* Hyperliquid: the most profitable and most leveraged first, by
 *     (mark / entry) * (notional / account value)
 * (its documentation, "Auto-deleveraging"; mechanisms 2.2). For a short, whose profit grows as the mark falls, the first
 * factor is entry / mark: an assumption, as the documentation gives the long's. An account without value
 * comes last: it has no profit to give. */
#include "models/ledger/deleveraging.h"

#define SCALE ((fl_u128)1 << 24)

static fl_u128 rank(const struct fl_candidate *candidate)
{
    if (candidate->equity <= 0 || candidate->entry <= 0 || candidate->notional <= 0) return 0;
    /* Notional over entry cost is mark over entry price. Both below 2^84: what is scaled fits. */
    const fl_u128 worth = (fl_u128)candidate->notional, cost = (fl_u128)candidate->entry;
    const fl_u128 profit = candidate->size > 0 ? worth * SCALE / cost : cost * SCALE / worth;
    const fl_u128 leverage = worth * SCALE / (fl_u128)candidate->equity;
    const fl_u128 most = ~(fl_u128)0 >> 64; /* each below 2^64, so that the product fits */
    return (profit < most ? profit : most) * (leverage < most ? leverage : most);
}

static const struct fl_deleveraging policy = {.by_equity = true, .rank = rank};

const struct fl_model fl_model_ranked = {
    .name = "ranked",
    .family = FL_DELEVERAGING,
    .doc = "the most profitable and most leveraged accounts first (Hyperliquid)",
    .deleveraging = &policy};
