/* Whoever a keeper's transaction names, as on GMX v2, where keepers choose the positions to reduce. The exchange
 * deleverages nobody by itself and socialises nothing until such a transaction says that nobody is left. */
#include "models/ledger/deleveraging.h"

static const struct fl_deleveraging policy = {.named = true};

const struct fl_model fl_model_keeper_chosen = {
    .name = "keeper_chosen",
    .family = FL_DELEVERAGING,
    .doc = "whoever a keeper's transaction names (GMX v2)",
    .deleveraging = &policy};
