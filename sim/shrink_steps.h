/* The search for the smallest scenario that still fails in the same way.
 *
 * Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input" (IEEE TSE 28:2,
 * section 3): lists are cut by ddmin, in the form that tries complements only, from all of the list down
 * to single elements, which are tried again until none can go. Numbers go down to the least that fails
 * while the next lower one does not, searched from below, because small scenarios are fast. All of it is
 * repeated until nothing changes: the result is 1-minimal, that is, no single step below makes it smaller.
 *
 *   faults: one left out; elements of its lists (members, sides); its window, narrower or earlier
 *   parts: a group, contract or check left out, with what refers to it
 *   numbers: the duration; members and accounts of groups
 *   keys: left out, so that their default is in force; two of one object that only go together
 *   laws: a constant in their place; lists: an element left out */
#ifndef FL_SHRINK_STEPS_H
#define FL_SHRINK_STEPS_H
#include "sim/trials.h"

struct fl_shrinking {
    struct fl_trials *trials;
    cJSON *best;        /* fails; smaller than all that came before */
    const cJSON *start; /* what the search begins with */
    fl_time grid;       /* times of the result are multiples of it */
    uint32_t round;
    bool changed;                                           /* in this round */
    void (*progress)(const struct fl_shrinking *shrinking); /* after each step that was tried */
};

/* Until no step is left, or no run. */
void fl_shrink_steps(struct fl_shrinking *shrinking);

/* For the steps: takes the tree, which may be NULL. True if it fails, and is now the best. */
bool fl_shrink_try(struct fl_shrinking *shrinking, cJSON *smaller);
/* Steps of sim/shrink_numbers.c. */
void fl_lower_duration(struct fl_shrinking *shrinking);
void fl_lower_groups(struct fl_shrinking *shrinking);
void fl_lower_windows(struct fl_shrinking *shrinking);

/* Leaves out keys that hold their default, and writes models without keys as bare names: what is in force
 * stays the same to the byte. Keys come in the order of resolved scenarios. */
void fl_shrink_spell(struct fl_shrinking *shrinking);

#endif
