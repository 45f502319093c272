/* A sweep as jobs: scripts for Slurm and for GNU parallel, written beside where its results will be.
 * They run what anybody can type: `faultline sweep --shard I/N --resume` for each part, then
 * `faultline merge`. */
#ifndef FL_JOB_ARRAY_H
#define FL_JOB_ARRAY_H
#include "sim/base.h"

struct fl_job_array {
    const char *plan;      /* path */
    const char *directory; /* NULL: results/NAME */
    uint32_t tasks;        /* parts of the sweep; at most as many as the plan has points */
    uint32_t jobs;         /* processes, and cores, of each; 0: one */
    bool quiet;
};

/* Writes array.sh, merge.sh, parallel.sh and submit.sh into the folder and says how to use them. The
 * program, the plan and the folder are in there by their full paths; nothing is run. Exit status: 0 ok;
 * 2 the plan is at fault, or there are too many tasks for it; 3 input or output failed. */
int fl_job_array_write(const struct fl_job_array *array);

#endif
