/* The rows of a finished sweep, from sweep.h5 (sim/table.h). Who finds something wrong says so in a line
 * on stderr. */
#ifndef FL_ROWS_H
#define FL_ROWS_H
#include "analysis/trace.h"

/* Row point * replicates + replicate: every point with every replicate, whose seed is the same at all
 * points. */
struct fl_rows {
    size_t points, replicates;
    size_t axes, metrics;
    char **axis;   /* paths, ascending by strcmp */
    char ***value; /* [axis][row], as text */
    char **metric;
};

/* False if a column is missing, or if the rows are not in this order. Freed even then. */
bool fl_rows_read(struct fl_trace *trace, const char *directory, struct fl_rows *rows);
void fl_rows_free(struct fl_rows *rows);

/* A column of text, or of integers as text; NULL without a line, as fl_trace_text. */
char **fl_rows_words(struct fl_trace *trace, const char *path, size_t *count);
/* A column of so many integers; NULL after a line. */
int64_t *fl_rows_integers(struct fl_trace *trace, const char *directory, const char *path,
                          size_t count);

/* A metric in the unit that people use, NAN where a run did not end well: USD, base units, seconds,
 * fractions; `unit` is lent for ever. NULL after a line. */
double *fl_rows_metric(struct fl_trace *trace, const char *directory, const struct fl_rows *rows,
                       const char *metric, const char **unit);
/* Whether it has numbers. Words, such as a verdict, have no mean. */
bool fl_rows_is_number(struct fl_trace *trace, const char *metric);

#endif
