/* A reader of trace.h5 and sweep.h5. Columns come as whole arrays, freed by the caller with one free(). */
#ifndef FL_TRACE_H
#define FL_TRACE_H
#include "sim/base.h"

struct fl_trace;

/* Opens DIRECTORY/trace.h5; NULL and a sentence in `error` if it is not there, is no faultline
 * trace, or is from a newer program. */
struct fl_trace *fl_trace_open(const char *directory, char *error, size_t bytes);
/* The same of DIRECTORY/sweep.h5, which has other columns. */
struct fl_trace *fl_trace_open_sweep(const char *directory, char *error, size_t bytes);
void fl_trace_close(struct fl_trace *trace);

bool fl_trace_has(const struct fl_trace *trace, const char *path);

/* What a column holds; 0 if it is not there, or is a group. */
enum fl_trace_type { FL_TRACE_SIGNED = 1, FL_TRACE_UNSIGNED, FL_TRACE_FLOAT, FL_TRACE_TEXT };
enum fl_trace_type fl_trace_type(struct fl_trace *trace, const char *path);

/* NULL if the column is not there or does not fit the type, and a sentence in fl_trace_error. An
 * unsigned 64-bit column keeps its bits in int64. Never NULL for an empty column. */
int64_t *fl_trace_int64(struct fl_trace *trace, const char *path, size_t *count);
double *fl_trace_float64(struct fl_trace *trace, const char *path, size_t *count);
char **fl_trace_text(struct fl_trace *trace, const char *path, size_t *count);

/* Text attribute of a group or column ("/" for the file's); NULL if it is not there. */
char *fl_trace_attribute(struct fl_trace *trace, const char *object, const char *name);

/* Names of what a group holds, in the order of strcmp; none if there is no such group. */
char **fl_trace_children(struct fl_trace *trace, const char *group, size_t *count);

/* The last problem: "results/x/trace.h5: there is no /series/oracle.price". */
const char *fl_trace_error(const struct fl_trace *trace);

#endif
