/* What figures and reports both need from a trace: who took part, the main series, the faults, and
 * the headline's numbers. */
#ifndef FL_OUTLINE_H
#define FL_OUTLINE_H
#include "analysis/headline.h"
#include "analysis/trace.h"

/* The series of the timeline; any of them may be missing from a scenario. */
enum fl_line {
    FL_LINE_FUNDAMENTAL,
    FL_LINE_ORACLE,
    FL_LINE_ORACLE_VALID,
    FL_LINE_DUE,
    FL_LINE_LIQUIDATED,
    FL_LINE_FUND,
    FL_LINE_BAD_DEBT,
    FL_LINE_LATENT,
    FL_LINE_OPEN_ACCOUNTS,
    FL_LINES
};

struct fl_outline_group {
    const char *name; /* lent from the outline */
    uint32_t size;
};

struct fl_outline {
    char *name, *seed, *digest, *why;
    size_t samples;
    int64_t *at;             /* [sample] ns */
    int64_t *line[FL_LINES]; /* [sample]; NULL if missing. Before the first price, prices are 0 */
    size_t group_count;
    struct fl_outline_group *group;  /* in the order of the scenario */
    struct fl_headline_fault *fault; /* those that began before the end */
    struct fl_headline headline;
    /* Owners of the text above. */
    char **node_group, **fault_name, **fault_model, **fault_group;
};

/* NULL and a sentence in fl_trace_error if the trace lacks what every trace has. */
struct fl_outline *fl_outline_new(struct fl_trace *trace);
void fl_outline_free(struct fl_outline *outline);

/* End of the run as far as the series show; 0 without samples. */
fl_time fl_outline_end(const struct fl_outline *outline);

#endif
