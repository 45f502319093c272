/* A timeline being drawn, shared by analysis/timeline*.c and by nobody else.
 *
 * It is composed in this order, each step from what those before it found: the axes, the words and
 * places on the page, the samples and arrows that are drawn, the labels. Then it is written. */
#ifndef FL_TIMELINE_FIGURE_H
#define FL_TIMELINE_FIGURE_H
#include "analysis/outline.h"
#include "analysis/place.h"

#include <math.h>

enum { FL_PANELS = 3, FL_LABELS_MAX = 32 };

/* Edges of the panels, as fractions of the page. */
static const double FL_PAGE_LEFT = 0.085, FL_PAGE_RIGHT = 0.975;

/* What a panel's curves are, in the units of its y axis. */
enum fl_curve {
    FL_CURVE_FUNDAMENTAL,
    FL_CURVE_ORACLE,
    FL_CURVE_LIQUIDATED,
    FL_CURVE_DUE,
    FL_CURVE_FUND,
    FL_CURVE_DEBT,
    FL_CURVE_LATENT,
    FL_CURVES
};
enum fl_label_style {
    FL_STYLE_BLUE = 1,
    FL_STYLE_RED,
    FL_STYLE_GREEN,
    FL_STYLE_INK,
    FL_STYLE_FAULT
};
struct fl_label {
    int panel;                 /* 1 .. FL_PANELS */
    enum fl_label_style style; /* FL_STYLE_FAULT + i % 4 for fault i */
    double x, y;               /* left edge and middle, in the panel's own coordinates */
    char text[FL_HEADLINE_TEXT];
};

struct fl_panel {
    double bottom, top;     /* fractions of the page */
    double low, high, tics; /* of the y axis */
    double unit;            /* USD to one on the y axis */
    const char *axis;
    bool drawn; /* it has a curve */
    struct fl_canvas *canvas;
};

struct fl_arrow {
    bool drawn;
    double x, low, high; /* in the panel's coordinates */
    size_t sample;
};

struct fl_figure {
    const struct fl_outline *run;
    double x_unit; /* seconds to one on the x axis */
    const char *x_unit_name;
    double run_from, run_to, from, to; /* on the x axis */
    bool zoomed;
    size_t first, last;       /* samples within the panels */
    double liquidated_before; /* USD, at the left edge */
    char title[2][FL_HEADLINE_TEXT], subtitle[2 * FL_HEADLINE_TEXT];
    double title_points, subtitle_points, title_y[2], subtitle_y;
    double strip_top, strip_bottom, strip_low, strip_high;
    struct fl_panel panel[FL_PANELS];
    struct fl_arrow gap, backlog;
    bool fund_emptied;
    size_t *row; /* samples that are drawn */
    size_t rows;
    struct fl_label label[FL_LABELS_MAX];
    int label_count;
};

static inline double fl_or_zero(double v)
{
    return isnan(v) ? 0 : v;
}

/* timeline_curves.c: what is drawn.
 * USD; NAN where there is no value: a missing series, a price before the first one. */
double fl_figure_value(const struct fl_figure *figure, enum fl_line line, size_t i);
/* Whether the scenario has the series. */
bool fl_figure_has(const struct fl_figure *figure, enum fl_line line);
/* A time on the x axis. */
double fl_figure_x(const struct fl_figure *figure, fl_time at);
/* Whether a fault is at work at the sample. */
bool fl_figure_in_fault(const struct fl_figure *figure, size_t i);
/* The first sample at or after a time. */
size_t fl_figure_sample(const struct fl_figure *figure, fl_time at);
/* A curve's panel, whether it is there, and its values in units of the panel's y axis. */
int fl_curve_panel(enum fl_curve curve);
bool fl_figure_has_curve(const struct fl_figure *figure, enum fl_curve curve);
double fl_figure_curve(const struct fl_figure *figure, enum fl_curve curve, size_t i);
/* Fills `row`: the samples that a picture of this width can show. */
void fl_figure_choose_rows(struct fl_figure *figure);
/* Where the widest gap of prices and the largest backlog are. */
void fl_figure_find_arrows(struct fl_figure *figure);

/* timeline_axes.c: the window of time, ranges and units. */
void fl_figure_choose_axes(struct fl_figure *figure);
/* Between the tics of a span of time. */
double fl_figure_time_step(const struct fl_figure *figure, double span);

/* timeline_page.c: title, subtitle, places of the panels; their canvases are made here. */
void fl_figure_lay_out(struct fl_figure *figure);
/* The topmost and the lowest panel that is drawn. */
int fl_figure_first_panel(const struct fl_figure *figure);
int fl_figure_last_panel(const struct fl_figure *figure);
/* Pixels from the lower left corner of a panel. */
double fl_panel_width(void);
double fl_panel_height(const struct fl_panel *panel);
double fl_figure_pixel_x(const struct fl_figure *figure, double x);
double fl_figure_x_of_pixel(const struct fl_figure *figure, double pixel);
double fl_panel_pixel_y(const struct fl_panel *panel, double y);
double fl_panel_y_of_pixel(const struct fl_panel *panel, double pixel);

/* timeline_labels.c: what the labels say, and where they are. */
void fl_figure_place_labels(struct fl_figure *figure);

/* timeline_write.c: DIRECTORY/timeline.tsv and timeline.gp; false after a line on stderr. */
bool fl_figure_write(const struct fl_figure *figure, const char *directory);

#endif
