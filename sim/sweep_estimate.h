/* What a plan amounts to, before it is run. */
#ifndef FL_SWEEP_ESTIMATE_H
#define FL_SWEEP_ESTIMATE_H
#include "sim/plan.h"

/* Prints points, replicates, rows and dimensions, and how long so many processes may take: from pilot runs,
 * the first replicate of the first, the middle and the last point, one after another. A pilot that takes
 * longer than half a minute is ended there. Exit status as fl_sweep (sim/sweep.h). */
int fl_sweep_estimate(const struct fl_plan *plan, uint32_t jobs);

#endif
