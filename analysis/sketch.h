/* A figure on its way to the disk: variables at the head of its gnuplot script, and a table of data. */
#ifndef FL_SKETCH_H
#define FL_SKETCH_H
#include "analysis/figure.h"

#include <stdbool.h>
#include <stdio.h>

struct fl_sketch {
    const char *name;    /* "fan": leaves fan.gp, fan.tsv and fan.png */
    FILE *script, *data; /* what is written becomes the files, when it is drawn */
    char *text[2];
    size_t bytes[2];
};
void fl_sketch_begin(struct fl_sketch *sketch, const char *name);

/* Variables of gnuplot; NAN is gnuplot's, of which nothing is drawn. */
void fl_sketch_text(struct fl_sketch *sketch, const char *name, const char *text);
void fl_sketch_number(struct fl_sketch *sketch, const char *name, double value);
/* The array of that name and its size, name_count. */
void fl_sketch_texts(struct fl_sketch *sketch, const char *name, const char *const *text,
                     size_t count);
void fl_sketch_numbers(struct fl_sketch *sketch, const char *name, const double *value,
                       size_t count);
/* title_1, title_2 and title_points: a sentence in one or two lines of so many pixels, smaller if it
 * must be. */
void fl_sketch_title(struct fl_sketch *sketch, const char *sentence, double points, double room);

/* Writes both files, draws, and frees; `style` is the rest of the script. 0, or 3 after a line on
 * stderr, as fl_draw_figure. */
int fl_sketch_draw(struct fl_sketch *sketch, const void *style, size_t style_bytes,
                   const struct fl_plot *plot, char *path_out, size_t bytes);

#endif
