/* What a timeline draws: the curves in the units of their panels, the samples that a picture can show,
 * and where the two arrows stand. */
#include "analysis/timeline_figure.h"

#include "sim/alloc.h"

#include <stdlib.h>
#include <string.h>

/* A backlog above this share of the panel is marked by an arrow. */
static const double BACKLOG_WORTH_AN_ARROW = 0.08, GAP_WORTH_AN_ARROW = 0.005;
/* Rows kept for drawing: the extremes of every pixel column are enough. */
enum { BINS = 1400, ROWS_UNTHINNED = 5000 };

/* ------------------------------------------------------------------------------------------------
 * Values
 * --------------------------------------------------------------------------------------------- */

double fl_figure_value(const struct fl_figure *figure, enum fl_line line, size_t i)
{
    const int64_t *series = figure->run->line[line];
    const bool is_price = line == FL_LINE_FUNDAMENTAL || line == FL_LINE_ORACLE;
    return !series || (is_price && series[i] <= 0) ? NAN : (double)series[i] * 1e-6;
}

bool fl_figure_has(const struct fl_figure *figure, enum fl_line line)
{
    return figure->run->line[line] != NULL;
}

double fl_figure_x(const struct fl_figure *figure, fl_time at)
{
    return (double)at / (double)FL_SECOND / figure->x_unit;
}

bool fl_figure_in_fault(const struct fl_figure *figure, size_t i)
{
    const fl_time at = figure->run->at[i];
    for (uint32_t k = 0; k < figure->run->headline.fault_count; k++) {
        if (at >= figure->run->fault[k].from && at <= figure->run->fault[k].to) {
            return true;
        }
    }
    return false;
}

int fl_curve_panel(enum fl_curve curve)
{
    return curve <= FL_CURVE_ORACLE ? 0 : curve <= FL_CURVE_DUE ? 1 : 2;
}

bool fl_figure_has_curve(const struct fl_figure *figure, enum fl_curve curve)
{
    static const enum fl_line line[FL_CURVES] = {
        FL_LINE_FUNDAMENTAL, FL_LINE_ORACLE,   FL_LINE_LIQUIDATED, FL_LINE_DUE,
        FL_LINE_FUND,        FL_LINE_BAD_DEBT, FL_LINE_LATENT,
    };
    return fl_figure_has(figure, line[curve]);
}

double fl_figure_curve(const struct fl_figure *figure, enum fl_curve curve, size_t i)
{
    const double unit = figure->panel[fl_curve_panel(curve)].unit;
    const double liquidated = fl_or_zero(fl_figure_value(figure, FL_LINE_LIQUIDATED, i)) -
                              figure->liquidated_before;
    switch (curve) {
    case FL_CURVE_FUNDAMENTAL:
        return fl_figure_value(figure, FL_LINE_FUNDAMENTAL, i);
    case FL_CURVE_ORACLE:
        return fl_figure_value(figure, FL_LINE_ORACLE, i);
    case FL_CURVE_LIQUIDATED:
        return liquidated / unit;
    case FL_CURVE_DUE:
        return (liquidated + fl_figure_value(figure, FL_LINE_DUE, i)) / unit;
    case FL_CURVE_FUND:
        return fl_figure_value(figure, FL_LINE_FUND, i) / unit;
    case FL_CURVE_DEBT:
        return fl_figure_value(figure, FL_LINE_BAD_DEBT, i) / unit;
    case FL_CURVE_LATENT:
        return (fl_or_zero(fl_figure_value(figure, FL_LINE_BAD_DEBT, i)) +
                fl_figure_value(figure, FL_LINE_LATENT, i)) /
               unit;
    case FL_CURVES:
        break;
    }
    return NAN;
}

size_t fl_figure_sample(const struct fl_figure *figure, fl_time at)
{
    size_t low = 0, high = figure->run->samples - 1;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (figure->run->at[middle] < at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* ------------------------------------------------------------------------------------------------
 * Samples that are drawn
 * --------------------------------------------------------------------------------------------- */

/* Marks the samples of a bin at which some series is at its lowest or highest. */
static void keep_extremes(const struct fl_figure *figure, size_t first, size_t end, bool *keep)
{
    keep[first] = keep[end - 1] = true;
    for (int line = 0; line < FL_LINES; line++) {
        const int64_t *series = figure->run->line[line];
        if (!series) {
            continue;
        }
        size_t low = first, high = first;
        for (size_t i = first; i < end; i++) {
            low = series[i] < series[low] ? i : low;
            high = series[i] > series[high] ? i : high;
        }
        keep[low] = keep[high] = true;
    }
}

static void thin(const struct fl_figure *figure, size_t first, size_t end, bool *keep)
{
    const size_t count = end - first;
    if (count <= ROWS_UNTHINNED) {
        memset(keep + first, true, count);
        return;
    }
    for (size_t bin = 0; bin < BINS; bin++) {
        const size_t from = first + count * bin / BINS, to = first + count * (bin + 1) / BINS;
        keep_extremes(figure, from, to, keep);
    }
}

void fl_figure_choose_rows(struct fl_figure *figure)
{
    const size_t samples = figure->run->samples;
    bool *keep = fl_alloc(samples, sizeof *keep);
    thin(figure, 0, samples, keep);
    thin(figure, figure->first, figure->last + 1, keep);
    figure->row = fl_alloc(samples, sizeof *figure->row);
    for (size_t i = 0; i < samples; i++) {
        if (keep[i]) {
            figure->row[figure->rows++] = i;
        }
    }
    free(keep);
}

/* ------------------------------------------------------------------------------------------------
 * Arrows
 * --------------------------------------------------------------------------------------------- */

/* The largest gap while a fault is at work; where the oracle is above the fundamental if it ever is. */
static void find_gap(struct fl_figure *figure)
{
    double widest[2] = {0, 0}; /* in either direction, above */
    size_t where[2] = {0, 0};
    for (size_t i = figure->first; i <= figure->last; i++) {
        const double gap = fl_figure_curve(figure, FL_CURVE_ORACLE, i) -
                           fl_figure_curve(figure, FL_CURVE_FUNDAMENTAL, i);
        if (isnan(gap) || !fl_figure_in_fault(figure, i)) {
            continue;
        }
        if (fabs(gap) > widest[0]) {
            widest[0] = fabs(gap);
            where[0] = i;
        }
        if (gap > widest[1]) {
            widest[1] = gap;
            where[1] = i;
        }
    }
    const double worth = GAP_WORTH_AN_ARROW *
                         fl_figure_curve(figure, FL_CURVE_FUNDAMENTAL, where[0]);
    /* Noise above does not outweigh a real gap below. */
    const int which = widest[1] > worth && widest[1] > 0.2 * widest[0];
    if (widest[which] > worth) {
        const size_t i = where[which];
        const double a = fl_figure_curve(figure, FL_CURVE_FUNDAMENTAL, i),
                     b = fl_figure_curve(figure, FL_CURVE_ORACLE, i);
        figure->gap = (struct fl_arrow){true, fl_figure_x(figure, figure->run->at[i]), fmin(a, b),
                                        fmax(a, b), i};
    }
}

static void find_backlog(struct fl_figure *figure)
{
    size_t peak = figure->first;
    for (size_t i = figure->first; fl_figure_has(figure, FL_LINE_DUE) && i <= figure->last; i++) {
        peak = fl_figure_value(figure, FL_LINE_DUE, i) > fl_figure_value(figure, FL_LINE_DUE, peak)
                   ? i
                   : peak;
    }
    const double low = fl_figure_curve(figure, FL_CURVE_LIQUIDATED, peak);
    const double high = fl_figure_curve(figure, FL_CURVE_DUE, peak);
    figure->backlog =
        (struct fl_arrow){false, fl_figure_x(figure, figure->run->at[peak]), low, high, peak};
    figure->backlog.drawn = fl_figure_has(figure, FL_LINE_DUE) &&
                            high - low > BACKLOG_WORTH_AN_ARROW * figure->panel[1].high;
}

void fl_figure_find_arrows(struct fl_figure *figure)
{
    find_gap(figure);
    find_backlog(figure);
}
