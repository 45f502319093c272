/* The rows of a finished sweep, from sweep.h5 (sim/table.h). Who finds something wrong says so in a line
 * on stderr. */
#ifndef FL_ROWS_H
#define FL_ROWS_H
#include "analysis/trace.h"

/* Row `point * replicates + replicate` of a full grid. Of a plan with looks (sim/plan.h) some points have
 * fewer replicates than others: the rest of their rows is absent. Replicate r has the same seed at all
 * points. */
struct fl_rows {
    size_t points, replicates; /* replicates: of the point that has most */
    size_t count;              /* rows that are there */
    size_t *runs;              /* [point]: of its rows, the first that are there */
    size_t looks;              /* of the plan; 1 if it has none */
    size_t axes, metrics;
    char **axis;   /* paths, ascending by strcmp */
    char ***value; /* [axis][row], as text; an absent row has its point's */
    char **metric;
};

/* False if a column is missing, or if the rows are not in order. Freed even then. */
bool fl_rows_read(struct fl_trace *trace, const char *directory, struct fl_rows *rows);
void fl_rows_free(struct fl_rows *rows);

/* A column of text, or of integers as text; NULL without a line, as fl_trace_text. */
char **fl_rows_words(struct fl_trace *trace, const char *path, size_t *count);
/* A column of so many integers; NULL after a line. */
int64_t *fl_rows_integers(struct fl_trace *trace, const char *directory, const char *path,
                          size_t count);

/* A metric in the unit that people use, NAN where a run is absent or did not end well: USD, base units,
 * seconds, fractions; `unit` is lent for ever. NULL after a line. */
double *fl_rows_metric(struct fl_trace *trace, const char *directory, const struct fl_rows *rows,
                       const char *metric, const char **unit);
/* What a stored integer of the metric is in that unit: 1e-6 for USD. 0 after a line. */
double fl_rows_scale(struct fl_trace *trace, const char *directory, const char *metric,
                     const char **unit);
/* Whether it has numbers. Words, such as a verdict, have no mean. */
bool fl_rows_is_number(struct fl_trace *trace, const char *metric);
/* The one that is asked for, or the first that is a number; NULL after a line. */
const char *fl_rows_choose(struct fl_trace *trace, const char *directory,
                           const struct fl_rows *rows, const char *wanted);
/* Of the only axis, [point]; NULL without a line if there are others, or if it has words. */
double *fl_rows_axis_numbers(const struct fl_rows *rows);
/* Whether there is a metric of this name, and has numbers; false after a line about --metric. */
bool fl_rows_offer(struct fl_trace *trace, const struct fl_rows *rows, const char *metric);

#endif
