/* Everyone on the other side in proportion to size, in whole lots; what roundings and refusals leave goes to the
 * largest positions. */
#include "models/ledger/deleveraging.h"

static fl_u128 rank(const struct fl_candidate *candidate)
{
    return (fl_u128)(candidate->size < 0 ? -candidate->size : candidate->size);
}

static const struct fl_deleveraging policy = {.shared = true, .rank = rank};

const struct fl_model fl_model_pro_rata = {
    .name = "pro_rata",
    .family = FL_DELEVERAGING,
    .doc = "everyone on the other side in proportion to size",
    .deleveraging = &policy};
