/* Twin runs with faults removed: a plan over sets of a scenario's faults, and its sweep.
 *
 * The players are the enabled faults. Of up to eight every set is run; of more, the sets that come up
 * when they are added in orders drawn from the seed, and each fault alone and all without it. Which
 * seeds the runs have, see sim/plan.h: the same for every set. */
#ifndef FL_ATTRIBUTE_H
#define FL_ATTRIBUTE_H
#include "sim/plan.h"

struct fl_attribute {
    const char *scenario; /* path */
    const char *const *override;
    size_t override_count;
    const uint64_t *seed; /* of the plan; NULL: the scenario's */
    const char *metric;   /* a number of the summary */
    const char *output;   /* folder; NULL: results/NAME-attribute */
    uint32_t replicates, jobs;
    uint32_t
        orders; /* even; 0: every set of up to FL_FAULTS_EXACT faults, FL_ORDERS_USUAL of more */
    bool resume;
};
/* More orders tell more, and cost up to `players` runs each. */
enum { FL_FAULTS_EXACT = 8, FL_FAULTS_MOST = 63, FL_ORDERS_USUAL = 32 };

struct fl_attributed {
    char name[FL_NAME_MAX]; /* of the scenario */
    char *directory;
    uint32_t players;
    char **player;   /* faults, in the order of the scenario */
    uint32_t orders; /* 0: every set was run */
    uint8_t *order;  /* [orders][players]; each odd one is the one before backwards */
};

/* Writes FOLDER/plan.json and runs it. Status as of fl_sweep; problems are told on stderr. What is
 * found is freed with fl_attributed_free, whatever the status. */
int fl_attribute(const struct fl_attribute *job, struct fl_attributed *found);
void fl_attributed_free(struct fl_attributed *found);

#endif
