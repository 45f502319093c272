/* PBFT and what tests it: broken twins, an adversary that knows the protocol, a chain layer that works
 * ahead; and the broken models of tests/lib/check_twins.h. Whoever uses anything of this gets its
 * registry: the real models and these. */
#ifndef TESTS_PBFT_TWINS_H
#define TESTS_PBFT_TWINS_H
#include "models/consensus/pbft.h"

/* Each differs from the protocol in one rule. */
struct pbft_twin {
    const char *model, *fault; /* name of the model; what is wrong with it */
};
extern const struct pbft_twin pbft_twins[]; /* ends with a NULL name */

#endif
