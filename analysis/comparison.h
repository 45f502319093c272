/* Two runs, or two sweeps, in one figure: shared by analysis/comparison*.c and by nobody else. */
#ifndef FL_COMPARISON_H
#define FL_COMPARISON_H
#include "analysis/compare.h"
#include "analysis/figure.h"
#include "analysis/outline.h"

#include <stdio.h>

enum { FL_COMPARISON_TEXT = 512, FL_COMPARISON_BEARERS = 5, FL_COMPARISON_PANELS = 3 };

/* What is drawn of each run, a column of the data each; NULL: the scenario has no such thing. */
enum fl_comparison_line {
    FL_DRAWN_TRUTH,
    FL_DRAWN_ORACLE,
    FL_DRAWN_LIQUIDATED,
    FL_DRAWN_DUE,
    FL_DRAWN_DEFICIT,
    FL_DRAWN_LATENT,
    FL_DRAWN_SERIES, /* the one that was asked for */
    FL_DRAWN_LINES
};
enum fl_comparison_panel {
    FL_PANEL_PRICES = 1,
    FL_PANEL_LIQUIDATED,
    FL_PANEL_LOST,
    FL_PANEL_SERIES
};

struct fl_comparison_run {
    struct fl_outline *outline;
    int64_t *line[FL_DRAWN_LINES];       /* [sample] */
    double scale[FL_DRAWN_LINES];        /* of a stored integer */
    int64_t loss[FL_COMPARISON_BEARERS]; /* fund, deleveraged, socialised, outstanding, latent */
    int64_t lost;                        /* their sum, 10^-6 USD */
};

struct fl_comparison {
    struct fl_inputs inputs;
    struct fl_partings partings;
    struct fl_comparison_run run[FL_SIDES];
    const char *metric;        /* NULL: prices, liquidations, losses */
    char series[FL_SIDE_TEXT]; /* drawn for lack of those, or asked for */
    const char *series_unit;
    enum fl_comparison_panel panel[FL_COMPARISON_PANELS];
    int panels;
    fl_time from, to;     /* what is shown */
    fl_time parts, apart; /* the first difference; the first that can be seen; FL_NEVER */
    char title[2][FL_COMPARISON_TEXT], legend[FL_SIDES][FL_COMPARISON_TEXT];
    char note[2][FL_COMPARISON_TEXT]; /* where they part */
};

/* comparison_runs.c. 0, or the exit status after a line. Freed even then. */
int fl_comparison_read(const struct fl_plot *plot, struct fl_comparison *out);
void fl_comparison_free(struct fl_comparison *comparison);
/* A value in the unit of its column; NAN if there is none: a price before the first one. */
double fl_comparison_value(const struct fl_comparison *comparison, int side,
                           enum fl_comparison_line line, size_t sample);

/* comparison_words.c: title, legend, note. */
void fl_comparison_say(struct fl_comparison *comparison);
/* A sentence over two lines, if it is too long for one of so many pixels. */
void fl_title_break(const char *sentence, double points, double room,
                    char lines[2][FL_COMPARISON_TEXT]);

/* comparison_write.c: DIRECTORY/comparison.tsv and comparison.gp; false after a line. */
bool fl_comparison_write(const struct fl_comparison *comparison, const char *directory);
/* Variables at the head of a gnuplot script. */
void fl_gnuplot_text(FILE *file, const char *name, const char *text);
void fl_gnuplot_number(FILE *file, const char *name, double value); /* not finite: NaN */
/* Writes data, then script and body; false after a line. The texts are freed. */
struct fl_figure_files {
    const char *data_name, *script_name;
    char *data, *script;
    size_t data_bytes, script_bytes;
};
bool fl_figure_files_publish(const char *directory, struct fl_figure_files *files);

/* comparison_sweeps.c: the same of two sweeps. Exit status. */
int fl_comparison_of_sweeps(const struct fl_plot *plot);

#endif
