/* dYdX v4: accounts on the other side in their order, from a pseudo-random start that is the same for every
 * replica. No ranking by profit or leverage (v4-chain 84d4664b, clob/keeper/deleveraging.go; mechanisms 2.1). */
#include "models/ledger/deleveraging.h"

static fl_u128 rank(const struct fl_candidate *candidate)
{
    return UINT64_MAX - candidate->draw;
}

static const struct fl_deleveraging policy = {.rank = rank};

const struct fl_model fl_model_pseudo_random = {
    .name = "pseudo_random",
    .family = FL_DELEVERAGING,
    .doc = "accounts on the other side in their order, from a pseudo-random start (dYdX v4)",
    .deleveraging = &policy};
