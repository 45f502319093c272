/* What faults cost, being drawn: shared by analysis/cost*.c and by nobody else. Money is in USD. */
#ifndef FL_COST_FIGURE_H
#define FL_COST_FIGURE_H
#include "analysis/outline.h"
#include "analysis/paired.h"

#include <cjson/cJSON.h>
#include <stdio.h>

enum { FL_COST_RUNS = 4, FL_COST_ARMS = 2, FL_COST_TEXT = 256 };

/* Who bears a loss, in the order of the waterfall; latent: not realised when the run ended. */
enum fl_bearer {
    FL_BEARER_FUND,
    FL_BEARER_DELEVERAGED,
    FL_BEARER_SOCIALISED,
    FL_BEARER_OUTSTANDING,
    FL_BEARER_LATENT,
    FL_BEARERS
};

struct fl_cost_run {
    struct fl_outline *outline;
    cJSON *scenario;
    char label[FL_COST_TEXT]; /* who failed: "4 of 31 validators (f < n/3), 7 of 9 reporters" */
    double loss[FL_BEARERS];
    double latent_most; /* at any time of the run */
};

/* One curve of the sweep: the same seeds at every length of the fault. */
struct fl_cost_arm {
    char value[FL_COST_TEXT]; /* of the axis in which the two curves differ; empty with one */
    struct fl_estimate *loss; /* [point], mean */
    double *least, *most;     /* [point], 5 % and 95 % of the seeds */
    struct fl_estimate
        headline;   /* paired: the loss at the headline's length, less that at the first */
    double without; /* mean loss at the first length */
    struct fl_estimate survives; /* minutes until the fund is used up; infinite: it is not */
    double fund;                 /* median of what it could pay; NAN if it was never used up */
};

struct fl_cost_sweep {
    cJSON *scenario;
    char name[FL_COST_TEXT], fault[FL_COST_TEXT],
        axis[FL_COST_TEXT]; /* axis: "maintenance margin" */
    size_t points, seeds, arms;
    double *minutes;          /* [point], ascending */
    size_t headline;          /* the point whose length the plan's scenario has */
    struct fl_estimate extra; /* paired: liquidated by the second arm more than by the first, at the
                                 first length */
    struct fl_cost_arm arm[FL_COST_ARMS];
};

struct fl_cost {
    struct fl_cost_run run[FL_COST_RUNS];
    size_t runs;
    struct fl_cost_sweep sweep;
    char title[2][FL_COST_TEXT], subtitle[2 * FL_COST_TEXT];
    char note[4 * FL_COST_TEXT]; /* on the mitigation; empty without one */
};

/* cost_run.c. False after a line on stderr; what was read is in the struct all the same. */
bool fl_cost_read_run(const char *directory, struct fl_cost_run *run);
void fl_cost_free_run(struct fl_cost_run *run);
/* The first part in which two resolved scenarios differ though only faults may: "contracts",
 * "nodes.trader"; NULL if there is none. A sweep may be shorter, have seeds of its own, and another
 * number of those who agree. */
const char *fl_cost_difference(const cJSON *a, const cJSON *b, bool sweep, char out[FL_COST_TEXT]);

/* cost_sweep.c. Likewise. */
bool fl_cost_read_sweep(const char *directory, struct fl_cost_sweep *sweep);
void fl_cost_free_sweep(struct fl_cost_sweep *sweep);

/* cost_words.c: title, subtitle and note. */
void fl_cost_say(struct fl_cost *cost);
/* "$3.31 M [3.20, 3.42]"; without brackets if the interval is not finite. */
void fl_estimate_money(struct fl_estimate estimate, char out[FL_COST_TEXT]);

/* cost_write.c: DIRECTORY/cost.gp and its data; false after a line on stderr. */
bool fl_cost_write(const struct fl_cost *cost, const char *directory);

#endif
