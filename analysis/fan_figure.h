/* A fan chart being made: shared by analysis/fan*.c and by nobody else. */
#ifndef FL_FAN_FIGURE_H
#define FL_FAN_FIGURE_H
#include "analysis/quantity.h"

enum { FL_FAN_TEXT = 512, FL_FAN_FAULTS = 8 };

/* The same quantity of several seeds along one axis. */
struct fl_fan {
    size_t rows, paths;
    size_t failed; /* runs of a sweep that did not end well */
    double alpha;  /* what an interval may miss: of all looks of a plan together */
    double *x;     /* [row] ascending */
    double *value; /* [path * rows + row]; NAN where there is none */
    char **seed;   /* [path]; of a sweep the number of the replicate */
    char *seeds;   /* owner of the texts */
    const char *unit;
    char metric[FL_FAN_TEXT], name[FL_FAN_TEXT]; /* "ledger.bad_debt"; of the scenario or sweep */
    char x_label[FL_FAN_TEXT];
    bool over_time; /* x is in seconds; of a sweep it is the axis */
    /* Windows that all runs share, in units of x. */
    size_t faults, other_faults; /* other: with windows that differ from run to run */
    double fault_from[FL_FAN_FAULTS], fault_to[FL_FAN_FAULTS];
    char fault[FL_FAN_FAULTS][FL_FAN_TEXT];
};

/* fan_read.c. 0, or 2 or 3 after a line on stderr. Freed even then. */
int fl_fan_read_runs(const char *const *folder, size_t count, const char *metric,
                     struct fl_fan *fan);
int fl_fan_read_sweep(const char *folder, const char *metric, struct fl_fan *fan);
void fl_fan_free(struct fl_fan *fan);

#endif
