/* Broken models, each of which a check must catch, and a client for them to fail. tests/lib/pbft_twins.h
 * has the registry that holds them. */
#ifndef TESTS_CHECK_TWINS_H
#define TESTS_CHECK_TWINS_H
#include "sim/model.h"

/* pbft_forgetful    comes back from a crash with an empty log
 * pbft_self_willed  decides a block of its own in place of every seventh that was agreed upon
 * replica_forgetful comes back from a crash at genesis
 * replica_astray    member 2 computes another state from height 5 on
 * teller            hands in a transaction every 200 ms; "silent": without a note; "stubborn": each once
 *                   more, eight transactions later */
extern struct fl_model fl_model_pbft_forgetful, fl_model_pbft_self_willed,
    fl_model_replica_forgetful, fl_model_replica_astray;
extern const struct fl_model fl_model_teller;

#endif
