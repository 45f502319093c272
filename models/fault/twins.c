/* Two copies of a node under one name (Bano et al. 2020, "Twins: BFT Systems Made Robust"). Both run
 * the honest protocol and sign with the same key, and neither hears of the other; what is sent to one
 * reaches both. Alone they disagree about nothing. With a partition that has them on different sides
 * (its "split" draws such sides), or with messages that come late, they equivocate, vote twice and
 * forget: the attacks of the honest code itself. The second copy runs within the window; when the
 * window opens again, it goes on with the state it had. */
#include "models/wire.h"

static const struct fl_fault_model fault = {.twins = true};

const struct fl_model fl_model_twins = {
    .name = "twins",
    .family = FL_FAULT,
    .doc = "each member runs twice, as two nodes with one identity",
    .fault = &fault,
};
