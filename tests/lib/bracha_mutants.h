/* Bracha's broadcast with one rule broken each, and checks that only tests need. */
#ifndef TESTS_BRACHA_MUTANTS_H
#define TESTS_BRACHA_MUTANTS_H
#include "models/consensus/bracha.h"

struct bracha_mutant {
    const char *model, *what; /* NULL ends the list */
    struct fl_bracha_rules rules;
};
extern const struct bracha_mutant bracha_mutants[];

/* Beside the mutants the registry of a program that uses these has three checks. "witness" never
 * breaks, and remembers what each honest member decided: what it can come to see is the set of
 * decisions that can be reached. "onlooker" is the same without a last word. "honest_sender", {"low": D, "high": E}: no honest member decides anything but the
 * payload of that digest. */

#endif
