/* What does it cost to lose a part? A scenario is run again with each of its components (sim/components.h)
 * down for a while, and with each two of them, on top of the scenario's own faults: the N-1 and N-2
 * contingencies of power systems (Wood, Wollenberg and Sheble, Power Generation, Operation, and
 * Control, 3rd ed. 2013, chapter 7), in dollars.
 *
 * The runs are a sweep (sim/sweep.h) whose plan is written here: point 0 is the scenario as it is, then
 * come the components one by one, then, if they are wanted, the pairs. Every point has the same seeds.
 * Of a pair of which one lies within the other nothing is to be learnt: it is left out. A venue that is
 * down stops the true price as well, which is its layer: nothing is missed meanwhile.
 *
 * Left in the folder, beside what the sweep leaves: scenario.json, the scenario with all keys and
 * arguments, which the plan names; plan.json; and contingencies.json, which says what the points are:
 *
 *     {"scenario": NAME, "metric": PATH, "order": 2, "from_s": 8700, "to_s": 12300 or null,
 *      "kinds": ["regions", ...], "nested": 3,
 *      "components": [{"kind": "region", "noun": "region", "name": "frankfurt", "also": "",
 *                      "members": "validator 4 of 31", "fault": {...}}, ...],
 *      "points": [[], [0], [1], ..., [0, 1], ...]} */
#ifndef FL_RANK_H
#define FL_RANK_H
#include "sim/base.h"

struct fl_rank {
    const char *path;
    const char *const *override; /* --set arguments */
    size_t override_count;
    const uint64_t *seed; /* of the plan; NULL: the scenario's */
    const char *metric;   /* path in the summary of what is lost: more is worse */
    const char *of;       /* "regions,labels,groups,nodes", or some of these; NULL: all */
    /* Seconds between which the component is down. NULL: from the first opening to the last closing
     * of the scenario's own faults; without any, from second 1 to the end of the run. */
    const char *from, *to;
    uint32_t order, replicates; /* 1 or 2; at least 2 */
    uint32_t jobs;              /* 0: as many as there are cores */
    const char *directory;      /* NULL: results/NAME-rank */
    bool resume, dry_run, quiet;
};
enum {
    FL_RANK_REPLICATES = 10,
    FL_RANK_MOST = 1000, /* contingencies */
    FL_RANK_PATH = 4096
};

/* `quiet`: no progress on a terminal. The status of fl_sweep, or 2 if the scenario or what is asked of it is at fault. The folder's name
 * goes to `directory`. A dry run lists the components on stdout and leaves nothing. */
int fl_rank(const struct fl_rank *rank, char directory[FL_RANK_PATH]);

#endif
