/* The statistics of a sweep: shared by analysis/stats*.c and by nobody else. */
#ifndef FL_STATS_H
#define FL_STATS_H
#include "analysis/paired.h"
#include "analysis/rows.h"
#include "analysis/threshold.h"

#include <cjson/cJSON.h>

enum { FL_STATS_LEVELS = 2 };
struct fl_stats_level {
    double share;
    const char *text;
};
extern const struct fl_stats_level fl_stats_level[FL_STATS_LEVELS]; /* of the tails */
enum { FL_STATS_SHARES = 3 };
extern const double fl_stats_share[FL_STATS_SHARES]; /* of the curve */

/* Of the runs of one point that ended well. */
struct fl_stats_point {
    size_t count, hits; /* hits: the metric is above 0 */
    struct fl_estimate mean, median, at_risk[FL_STATS_LEVELS], shortfall[FL_STATS_LEVELS];
    struct fl_estimate wilson, exact; /* of hits */
    size_t pairs;                     /* with a run of the first point that has the same seed */
    struct fl_estimate difference;    /* of pairs */
};

struct fl_stats_metric {
    const struct fl_rows *rows;
    const char *name, *unit;
    double
        alpha; /* of each interval: what was asked for, divided by the looks of the plan (Bonferroni) */
    struct fl_stats_point *point;
    /* Where half of the seeds begin to be above 0: of a sweep over one axis of numbers. */
    size_t onset_seeds; /* that ended well at every point; 0: there is no such place */
    struct fl_estimate onset;
    bool down; /* above 0 at the onset and below it, not above */
    bool fits; /* the share that is above 0 along the axis, by seed, a logistic curve */
    struct fl_logistic curve;
};

/* stats_print.c */
void fl_stats_print(const struct fl_stats_metric *metric);
cJSON *fl_stats_json(const struct fl_stats_metric *metric);

#endif
