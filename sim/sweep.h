/* Many runs of a plan (sim/plan.h), in as many processes as there are cores.
 *
 * Each row runs in a process of its own: what crashes there costs that row and says how to see it
 * again. Finished rows go into the journal at once; `resume` goes on from there after any kind of end,
 * and runs again what did not end well. The tables (sim/table.h) are written when every row is done;
 * their bytes depend neither on the number of processes nor on interruptions. */
#ifndef FL_SWEEP_H
#define FL_SWEEP_H
#include "sim/base.h"

struct fl_sweep {
    const char *plan;      /* path */
    const char *directory; /* NULL: results/NAME */
    uint32_t jobs;         /* 0: as many as there are cores */
    bool resume, dry_run, quiet;
};
enum { FL_JOBS_MAX = 1024 };

/* Exit status: 0 all rows ended well; 1 some did not; 2 the plan is at fault, or the folder has another
 * sweep; 3 input or output failed. */
int fl_sweep(const struct fl_sweep *sweep);

#endif
