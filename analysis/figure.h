/* Kinds of figures: one file that ends in a `const struct fl_figure_kind`, its gnuplot script, and a line
 * in analysis/figures.def. */
#ifndef FL_FIGURE_H
#define FL_FIGURE_H
#include <stddef.h>

enum { FL_FIGURE_FOLDERS = 256 };

struct fl_plot {
    const char *const *folder; /* results folders: of runs or of sweeps, as the kind wants them */
    size_t count;              /* at least 1 */
    const char *sweep;         /* results folder of a sweep beside them; NULL: not given */
    const char *metric;        /* NULL: the kind's own choice */
    const char *directory;     /* where the picture, its script and its data go; NULL: folder[0] */
    const char *format;        /* png, svg or pdf */
    /* Seconds: the moment that is drawn, and how much from shortly before it on; NULL: not given. */
    const double *at, *span;
};

/* The picture's path goes to path_out. 0; 2: what was asked for cannot be drawn; 3: input or output
 * failed. Problems are one line on stderr, and leave no picture of this call. */
typedef int fl_draw_figure(const struct fl_plot *plot, char *path_out, size_t bytes);

/* What may be said of a figure beside its folders; what a kind does not take is refused for it. */
enum {
    FL_TAKES_SWEEP = 1, /* and it must be there */
    FL_TAKES_METRIC = 2,
    FL_TAKES_MOMENT = 4 /* at, span */
};
struct fl_figure_kind {
    const char *name;   /* of --as */
    const char *doc;    /* one line: what is drawn, from what */
    size_t least, most; /* folders */
    unsigned takes;
    fl_draw_figure *draw; /* gets a `directory`, and a `format` that there is */
};
extern const struct fl_figure_kind *const fl_figure_kinds[]; /* ends with NULL */

/* Draws a kind of figure; NULL: a timeline. */
int fl_plot(const struct fl_plot *plot, const char *kind, char *path_out, size_t bytes);

#endif
