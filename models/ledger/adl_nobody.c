/* Nobody is deleveraged: what the insurance fund does not pay is socialised at once, as on Drift v2. */
#include "models/ledger/deleveraging.h"

static const struct fl_deleveraging policy = {.nobody = true};

const struct fl_model fl_model_nobody = {
    .name = "nobody",
    .family = FL_DELEVERAGING,
    .doc = "nobody takes positions over: losses beyond the fund are socialised at once (Drift v2)",
    .deleveraging = &policy};
