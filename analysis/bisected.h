/* What a bisection over runs (sim/bisect.h) found: read from its steps, and told. */
#ifndef FL_BISECTED_H
#define FL_BISECTED_H
#include "sim/bisect.h"

fl_bisect_read fl_bisect_rows;

/* To stdout: the border, every value that was tried with the share of its runs and Wilson's interval
 * (analysis/estimate.h) at 1 - alpha, and how to see it again. */
void fl_bisected_print(const struct fl_bisect_job *job, const struct fl_bisected *found,
                       double alpha, bool json);

#endif
