/* The phase diagram, being drawn: shared by analysis/phase*.c and by nobody else. */
#ifndef FL_PHASE_FIGURE_H
#define FL_PHASE_FIGURE_H
#include "analysis/paired.h"

#include <stdbool.h>
#include <stddef.h>

enum { FL_PHASE_TEXT = 512, FL_PHASE_CUTS = 3 };

/* One of the two axes, its values ascending; times are in seconds. */
struct fl_phase_axis {
    char label[FL_PHASE_TEXT]; /* "oracle staleness" */
    bool time, integers, logarithmic;
    bool amount; /* values are so much of what the label says: 5 seconds of oracle staleness */
    size_t count;
    double *value;
    double *edge; /* [count + 1]: a cell reaches half of the way to its neighbours */
};

/* The runs of a cell that ended well. */
struct fl_phase_cell {
    size_t runs, hits; /* hits: the metric is above 0 */
    struct fl_estimate mean;
};

/* A side panel's curve: one column of the cells, or one row, and where its label goes. */
struct fl_phase_cut {
    size_t index;
    char label[FL_PHASE_TEXT];
    double label_x, label_y; /* of the label's centre, as fractions of its panel */
};

struct fl_phase {
    char name[FL_PHASE_TEXT], scenario[FL_PHASE_TEXT], seed[FL_PHASE_TEXT];
    char metric[FL_PHASE_TEXT]; /* "bad debt" */
    char unit[FL_PHASE_TEXT];   /* "$ million" */
    double scale;               /* of one such unit, in that of the archive */
    struct fl_phase_axis x, y;
    size_t seeds, runs, missing; /* seeds of the cell that has most; runs that did not end well */
    double alpha;                /* what an interval may miss */
    struct fl_phase_cell *cell;  /* [x * y.count + y] */
    /* At each x the y from which on the metric is above 0 for half of the seeds, infinite if it never
     * is; down: up to which. Of seeds that ended well at each y; NAN without any. */
    struct fl_estimate *onset;
    bool down;
    bool bordered; /* half of the runs are above 0 in some cells, and not in others */
    /* If x counts the faulty members of a consensus: how many it has, and n/3; else 0. */
    size_t members;
    double third;
    double least, most; /* what the side panels span, in `unit`: 0 and every interval's ends */
    size_t columns, rows;
    struct fl_phase_cut column[FL_PHASE_CUTS], row[FL_PHASE_CUTS];
    /* What is said of the largest rectangle of cells without a hit, and its middle as fractions of the map;
     * empty if it would not fit there. */
    char calm[FL_PHASE_TEXT];
    double calm_x, calm_y;
    char title[2][FL_PHASE_TEXT], subtitle[FL_PHASE_TEXT];
};

/* phase_read.c. 0, or the status after a line on stderr; freed even then. `metric`: NULL for bad debt. */
int fl_phase_read(const char *directory, const char *metric, struct fl_phase *phase);
void fl_phase_free(struct fl_phase *phase);
/* Where a number of an axis lies among its cells' edges: a value's own cell begins there, one between two
 * values between where theirs begin. Infinite: the last edge, or with `down` the first. */
double fl_phase_edge(const struct fl_phase_axis *axis, double value, bool down);

/* phase_cuts.c: which columns and rows the side panels show, and where their labels go. Page and panels in
 * pixels, from the lower left corner. */
enum { FL_PHASE_PAGE_WIDTH = 2000, FL_PHASE_PAGE_HEIGHT = 1500 };
struct fl_phase_panel {
    int left, bottom, width, height;
};
extern const struct fl_phase_panel fl_phase_map, fl_phase_beside, fl_phase_below;
/* How far, in widths of a cell, the rows' marks stand apart, so that no interval hides another. */
extern const double fl_phase_apart;
void fl_phase_cut(struct fl_phase *phase);

/* phase_words.c: title and subtitle; after fl_phase_cut. */
void fl_phase_say(struct fl_phase *phase);
/* "5", "30 min": a value of an axis, as labels say it. */
void fl_phase_value(const struct fl_phase_axis *axis, double value, char out[FL_PHASE_TEXT]);

/* phase_write.c: DIRECTORY/phase.gp and its data; false after a line on stderr. */
bool fl_phase_write(const struct fl_phase *phase, const char *directory);

#endif
