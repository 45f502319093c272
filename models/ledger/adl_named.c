/* Whoever a keeper's transaction names, as on GMX v2, where keepers choose the positions to reduce. The exchange
 * deleverages nobody by itself, and socialises nothing, until such a transaction says that nobody is left: then it goes
 * through the other side itself, the largest first. */
#include "models/ledger/deleveraging.h"

static fl_u128 rank(const struct fl_candidate *candidate)
{
    return (fl_u128)(candidate->size < 0 ? -candidate->size : candidate->size);
}

static const struct fl_deleveraging policy = {.named = true, .rank = rank};

const struct fl_model fl_model_keeper_chosen = {
    .name = "keeper_chosen",
    .family = FL_DELEVERAGING,
    .doc = "whoever a keeper's transaction names (GMX v2)",
    .deleveraging = &policy};
