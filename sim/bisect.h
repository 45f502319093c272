/* From which value of one number on does something happen, in a share of all runs? By bisection: the
 * delay, margin or size of a fund at which an exchange stops being solvent.
 *
 * Each value that is tried is a sweep (sim/sweep.h) in a folder of its own; all have the same seeds. A value
 * says yes if the metric is above the limit in the share of its runs. What happens at one end only has a
 * border between the two, and one is found; where it comes and goes there are others, of which
 * bisection knows nothing. Values are exact decimals, `low` plus multiples of the tolerance, and `high`:
 * what is printed may be typed after --set.
 *
 * Left in the folder: scenario.json, the scenario with all keys and arguments, and at-VALUE for each value.
 * What was run there is not run again: not by the same call after a kill, nor by one with another
 * limit, share, tolerance or range. */
#ifndef FL_BISECT_H
#define FL_BISECT_H
#include "sim/base.h"

/* Whether METRIC is above `above` (in stored units) in each of so many rows of DIRECTORY/sweep.h5, all of
 * which ended well. False after a line on stderr. */
typedef bool fl_bisect_read(const char *directory, const char *metric, int64_t above, uint32_t rows,
                            bool *happens);

enum { FL_BISECT_REPLICATES = 30, FL_BISECT_REPLICATES_MAX = 1000000 };

struct fl_bisect_job {
    const char *scenario, *path; /* file; of the number, as --set takes it */
    const char *low, *high;      /* decimal text */
    const char *tolerance;       /* NULL: one unit of the last digit of the ends */
    const char *metric, *above;  /* path in the summary; decimal text in its unit */
    const char *share;           /* above 0 and at most 1 */
    const char *const *override; /* --set arguments */
    size_t override_count;
    const uint64_t *seed; /* that the seeds are made of; NULL: the scenario's */
    uint32_t replicates;
    uint32_t jobs;         /* 0: as many as there are cores */
    const char *directory; /* NULL: results/NAME-bisect */
    bool quiet;
    fl_bisect_read *read;
};

/* One value that was tried. */
enum { FL_BISECT_TEXT = 32, FL_BISECT_STEPS = 2 + 64, FL_BISECT_PATH = 4096 };
struct fl_bisect_step {
    char value[FL_BISECT_TEXT];
    uint32_t hits;
    bool *happens; /* [replicates] */
};

struct fl_bisected {
    struct fl_bisect_step step[FL_BISECT_STEPS]; /* by value, ascending */
    uint32_t steps, replicates;
    uint32_t happens, not ; /* steps: the last value before the border, the first beyond it */
    uint32_t contrary; /* seeds for which it does not come once and stay, over what was tried */
    char tolerance[FL_BISECT_TEXT];
    char *replay; /* a run at the border in which it happens */
    char directory[FL_BISECT_PATH];
};

/* 0 and the border; 1 if some runs did not end well, or if it happens at both ends or at neither; 2, 3
 * as fl_sweep. What went wrong is told on stderr. Freed whatever the status. */
int fl_bisect_scenario(const struct fl_bisect_job *job, struct fl_bisected *found);
void fl_bisected_free(struct fl_bisected *found);

#endif
