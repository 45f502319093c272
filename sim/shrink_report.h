/* What a search for the smallest failing scenario found, in words. */
#ifndef FL_SHRINK_REPORT_H
#define FL_SHRINK_REPORT_H
#include "sim/trials.h"

/* Of one fault that is left: what happens without it. */
struct fl_needed {
    const char *fault;
    enum fl_answer without;
    char actual[FL_METRIC_TEXT];
};

struct fl_shrunk {
    const struct fl_config *config; /* it began with */
    const cJSON *before, *after;    /* without faults that are disabled */
    const struct fl_failure *failure;
    char actual[FL_METRIC_TEXT]; /* of the failure, in what is left */
    const struct fl_trials *trials;
    struct fl_needed *needed;
    uint32_t needed_count;
    bool minimal;                      /* no step was left untried */
    const char *output, *crash_output; /* the latter NULL if no run crashed on the way */
};

/* The `why` of the result; the caller frees it. */
char *fl_shrunk_why(const struct fl_shrunk *shrunk);
/* For people, and for programs. */
void fl_shrunk_print(FILE *to, const struct fl_shrunk *shrunk);
void fl_shrunk_print_json(FILE *to, const struct fl_shrunk *shrunk);
/* "ledger.bad_debt = 150.259930, expected < 1", "it ended by signal 6, ...". */
void fl_failure_text(const struct fl_failure *failure, const char *actual, char *out, size_t bytes);

#endif
