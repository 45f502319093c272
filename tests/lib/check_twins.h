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
 *                   more, eight transactions later
 * clearing          an exchange of two markets in which each transaction, of whatever kind, is the next
 *                   step of one story; "wrong": which of its books it keeps wrong, 0 for none */
extern struct fl_model fl_model_pbft_forgetful, fl_model_pbft_self_willed,
    fl_model_replica_forgetful, fl_model_replica_astray;
extern const struct fl_model fl_model_teller, fl_model_clearing;

enum clearing_wrong {
    CLEARING_RIGHT,
    CLEARING_MINTS,            /* a deposit is worth a little more */
    CLEARING_HIDES_DEPOSIT,    /* no record of it */
    CLEARING_HIDES_WITHDRAWAL, /* no record of it */
    CLEARING_MIXES_MARKETS,    /* a fill's two sides are in two markets */
    CLEARING_OVERDRAWS_FUND,   /* pays what is not in it */
    CLEARING_FORGETS_ADL,      /* it is missing from the deficit */
    CLEARING_HIDES_ADL,        /* it is missing from the record of the deficit */
    CLEARING_FREE_FUNDING,     /* given out, taken in by nobody */
    CLEARING_STALE_INTEREST,   /* open interest does not follow deleveraging */
    CLEARING_CREEPS,           /* quotes change while no row does */
    CLEARING_WRONGS
};

#endif
