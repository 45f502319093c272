/* Many runs of a plan (sim/plan.h), in as many processes as there are cores, or a shard of them.
 *
 * Each row runs in a process of its own: what crashes there costs that row and says how to see it
 * again. Finished rows go into a journal at once; `resume` goes on from there after any kind of end,
 * and runs again what did not end well. The tables (sim/table.h) are written when every row is done;
 * their bytes depend neither on the number of processes nor on shards or interruptions.
 *
 * Shard i of N has the points from points * (i - 1) / N to points * i / N, with all their replicates, and a
 * journal of its own in the same folder. It writes no tables: sim/merge.h does when all shards are done. */
#ifndef FL_SWEEP_H
#define FL_SWEEP_H
#include "sim/plan.h"

struct fl_sweep {
    const char *plan;       /* path */
    const char *directory;  /* NULL: results/NAME */
    uint32_t jobs;          /* 0: as many as there are cores */
    uint32_t shard, shards; /* from 1; 0: all of it */
    bool resume, dry_run, quiet;
    bool within; /* another command, that goes on with the rows: nothing on stdout */
};
enum { FL_JOBS_MAX = 1024 };

/* Exit status: 0 all rows ended well; 1 some did not; 2 the plan is at fault, or the folder has another
 * sweep; 3 input or output failed. */
int fl_sweep(const struct fl_sweep *sweep);

/* The results folder of a plan: `given`, or results/NAME. NULL after a line on stderr if it is too long. */
enum { FL_SWEEP_PATH = 4096 };
const char *fl_sweep_directory(const struct fl_plan *plan, const char *given,
                               char room[FL_SWEEP_PATH]);

#endif
