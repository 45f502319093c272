/* The timeline: prices, liquidations, and who bears the loss, over one axis of time.
 *
 * Panel 2 stacks what is due on what has been done, as a cumulative flow: the lower edge of the red
 * band is every dollar liquidated so far, its upper edge every dollar that ought to have been. The
 * band's height is the backlog, its length to the right how long a dollar waits; it swells while
 * liquidations are held up and is eaten from below as they are worked off. A stock and a flow drawn
 * side by side do not show that they are two ends of one queue.
 *
 * C decides what depends on the numbers (ranges, the sentence on top, where labels have room), and
 * writes it as variables at the head of timeline.gp; how it looks is in analysis/timeline.gp. */
#include "analysis/analysis.h"
#include "analysis/gnuplot.h"
#include "analysis/outline.h"
#include "analysis/place.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const unsigned char script[] = {
#include "analysis/timeline.gp.inc"
};

enum { FAILED = 3, PATH_BYTES = 4096, LABELS = 32, TEXT = FL_HEADLINE_TEXT, PANELS = 3 };

/* The page in pixels; fractions of it are what gnuplot calls screen coordinates. */
static const double PAGE_WIDTH = 1600, PAGE_HEIGHT = 1500;
static const double LEFT = 0.085, RIGHT = 0.975, BOTTOM = 0.072, TOP = 0.973;
static const double TITLE_POINTS = 27, TITLE_LEAST = 24, TITLE_LINE = 0.026;
static const double SUBTITLE_POINTS = 19, SUBTITLE_LEAST = 14, SUBTITLE_LINE = 0.029;
static const double LABEL_POINTS = 18;
static const double PANEL_GAP = 0.030, STRIP_HEIGHT = 0.048, STRIP_GAP = 0.040;
static const double panel_share[PANELS] = {0.42, 0.29, 0.29};

/* The figure zooms in on the faults if they and what follows take less than this share of the run. */
static const double ZOOM_BELOW = 0.30;
/* How far what follows a fault is looked for, in lengths of the fault; the air around it all. */
static const double AFTERMATH = 4, ZOOM_AIR = 0.4;
/* A backlog above this share of the panel is marked by an arrow. */
static const double BACKLOG_WORTH_AN_ARROW = 0.08, GAP_WORTH_AN_ARROW = 0.005;
/* Rows kept for drawing: the extremes of every pixel column are enough. */
enum { BINS = 1400, ROWS_UNTHINNED = 5000 };

enum label_style { STYLE_BLUE = 1, STYLE_RED, STYLE_GREEN, STYLE_INK, STYLE_FAULT };
struct label {
    int panel;              /* 1 .. PANELS */
    enum label_style style; /* STYLE_FAULT + i % 4 for fault i */
    double x, y;            /* left edge and middle, in the panel's own coordinates */
    char text[TEXT];
};

struct panel {
    double bottom, top;     /* fractions of the page */
    double low, high, tics; /* of the y axis */
    double unit;            /* USD to one on the y axis */
    const char *axis;
    bool drawn; /* it has a curve */
    struct fl_canvas *canvas;
};

struct arrow {
    bool drawn;
    double x, low, high; /* in the panel's coordinates */
    size_t sample;
};

struct figure {
    const struct fl_outline *run;
    double x_unit; /* seconds to one on the x axis */
    const char *x_unit_name;
    double run_from, run_to, from, to; /* on the x axis */
    bool zoomed;
    size_t first, last;       /* samples within the panels */
    double liquidated_before; /* USD, at the left edge */
    char title[2][TEXT], subtitle[2 * TEXT];
    double title_points, subtitle_points, title_y[2], subtitle_y;
    double strip_top, strip_bottom, strip_low, strip_high;
    struct panel panel[PANELS];
    struct arrow gap, backlog;
    bool fund_emptied;
    size_t *row; /* samples that are drawn */
    size_t rows;
    struct label label[LABELS];
    int label_count;
};

/* --- values ----------------------------------------------------------------------------------------- */

/* USD; NAN where there is no value: a missing series, a price before the first one. */
static double value(const struct figure *figure, enum fl_line line, size_t i)
{
    const int64_t *series = figure->run->line[line];
    const bool is_price = line == FL_LINE_FUNDAMENTAL || line == FL_LINE_ORACLE;
    return !series || (is_price && series[i] <= 0) ? NAN : (double)series[i] * 1e-6;
}

static bool has(const struct figure *figure, enum fl_line line)
{
    return figure->run->line[line] != NULL;
}

static double or_zero(double v)
{
    return isnan(v) ? 0 : v;
}

static double x_of(const struct figure *figure, fl_time at)
{
    return (double)at / (double)FL_SECOND / figure->x_unit;
}

static bool fault_active(const struct figure *figure, size_t i)
{
    const fl_time at = figure->run->at[i];
    for (uint32_t k = 0; k < figure->run->headline.fault_count; k++) {
        if (at >= figure->run->fault[k].from && at <= figure->run->fault[k].to) {
            return true;
        }
    }
    return false;
}

/* What a panel's curves are, in the units of its y axis. */
enum curve {
    CURVE_FUNDAMENTAL,
    CURVE_ORACLE,
    CURVE_LIQUIDATED,
    CURVE_DUE,
    CURVE_FUND,
    CURVE_DEBT,
    CURVE_LATENT,
    CURVES
};
static int panel_of(enum curve curve)
{
    return curve <= CURVE_ORACLE ? 0 : curve <= CURVE_DUE ? 1 : 2;
}

static bool has_curve(const struct figure *figure, enum curve curve)
{
    static const enum fl_line line[CURVES] = {
        FL_LINE_FUNDAMENTAL, FL_LINE_ORACLE,   FL_LINE_LIQUIDATED, FL_LINE_DUE,
        FL_LINE_FUND,        FL_LINE_BAD_DEBT, FL_LINE_LATENT,
    };
    return has(figure, line[curve]);
}

static double curve_at(const struct figure *figure, enum curve curve, size_t i)
{
    const double unit = figure->panel[panel_of(curve)].unit;
    const double liquidated = or_zero(value(figure, FL_LINE_LIQUIDATED, i)) -
                              figure->liquidated_before;
    switch (curve) {
    case CURVE_FUNDAMENTAL:
        return value(figure, FL_LINE_FUNDAMENTAL, i);
    case CURVE_ORACLE:
        return value(figure, FL_LINE_ORACLE, i);
    case CURVE_LIQUIDATED:
        return liquidated / unit;
    case CURVE_DUE:
        return (liquidated + value(figure, FL_LINE_DUE, i)) / unit;
    case CURVE_FUND:
        return value(figure, FL_LINE_FUND, i) / unit;
    case CURVE_DEBT:
        return value(figure, FL_LINE_BAD_DEBT, i) / unit;
    case CURVE_LATENT:
        return (or_zero(value(figure, FL_LINE_BAD_DEBT, i)) + value(figure, FL_LINE_LATENT, i)) /
               unit;
    case CURVES:
        break;
    }
    return NAN;
}

/* --- ranges ------------------------------------------------------------------------------------------- */

/* 1, 2 or 5 times a power of ten, so that a span has about `parts` of them. */
static double nice_step(double span, double parts)
{
    const double rough = span / parts, power = pow(10, floor(log10(rough)));
    const double digit = rough / power;
    return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
}

static double time_step(const struct figure *figure, double span)
{
    static const double hours[] = {0.25, 0.5, 1, 2, 3, 6, 12, 24, 48};
    static const double sixties[] = {1, 2, 5, 10, 15, 20, 30, 60};
    const bool is_hours = figure->x_unit > 60;
    const double *step = is_hours ? hours : sixties;
    const size_t count = is_hours ? sizeof hours / sizeof *hours : sizeof sixties / sizeof *sixties;
    for (size_t i = 0; i < count; i++) {
        if (span / step[i] <= 9 && span / step[i] >= 3) {
            return step[i];
        }
    }
    return nice_step(span, 7);
}

/* The first sample at or after a time. */
static size_t sample_at(const struct figure *figure, fl_time at)
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

/* The first sample after which nothing due remains and losses no longer grow, or `limit`. */
static size_t aftermath(const struct figure *figure, size_t from, size_t limit)
{
    double peak = 0;
    for (size_t i = from; i <= limit; i++) {
        peak = fmax(peak, or_zero(value(figure, FL_LINE_DUE, i)));
    }
    const double end_debt = or_zero(value(figure, FL_LINE_BAD_DEBT, limit));
    size_t last = from;
    for (size_t i = from; i <= limit; i++) {
        const bool due = peak > 0 && or_zero(value(figure, FL_LINE_DUE, i)) > 0.05 * peak;
        const bool growing = or_zero(value(figure, FL_LINE_BAD_DEBT, i)) < 0.98 * end_debt;
        last = (due || growing) && i < limit ? i + 1 : last;
    }
    return last;
}

/* Zooms in if the story is short, and if the window holds most of the bad debt: a figure must not
 * hide where the money went. */
static void choose_window(struct figure *figure)
{
    const struct fl_outline *run = figure->run;
    figure->run_from = x_of(figure, run->at[0]);
    figure->run_to = x_of(figure, fl_outline_end(run));
    figure->from = figure->run_from;
    figure->to = figure->run_to;
    if (run->headline.fault_count == 0 || !has(figure, FL_LINE_FUNDAMENTAL)) {
        return;
    }
    fl_time from = INT64_MAX, to = 0;
    for (uint32_t i = 0; i < run->headline.fault_count; i++) {
        from = run->fault[i].from < from ? run->fault[i].from : from;
        to = run->fault[i].to > to ? run->fault[i].to : to;
    }
    const double beyond = (double)to + AFTERMATH * (double)(to - from);
    const fl_time limit = beyond < (double)fl_outline_end(run) ? (fl_time)beyond
                                                               : fl_outline_end(run);
    const size_t first = sample_at(figure, from);
    const size_t last = aftermath(figure, first, sample_at(figure, limit));
    const double start = x_of(figure, from);
    const double stop = fmax(x_of(figure, to), x_of(figure, run->at[last]));
    const double before = or_zero(value(figure, FL_LINE_BAD_DEBT, first));
    const double within = or_zero(value(figure, FL_LINE_BAD_DEBT, last)) - before;
    const double final = or_zero(value(figure, FL_LINE_BAD_DEBT, run->samples - 1));
    if (stop - start < ZOOM_BELOW * (figure->run_to - figure->run_from) && within >= 0.75 * final) {
        figure->zoomed = true;
        const double air = ZOOM_AIR * (stop - start);
        figure->from = fmax(figure->run_from, start - air);
        figure->to = fmin(figure->run_to, stop + air);
    }
}

static void choose_time(struct figure *figure)
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{3600, "h"}, {60, "min"}, {1, "s"}};
    const double end = (double)fl_outline_end(figure->run) / (double)FL_SECOND;
    size_t unit = 0;
    while (unit < 2 && end < 3 * units[unit].seconds) {
        unit++;
    }
    figure->x_unit = units[unit].seconds;
    figure->x_unit_name = units[unit].name;
    choose_window(figure);
    const double ns = figure->x_unit * (double)FL_SECOND;
    figure->first = sample_at(figure, (fl_time)(figure->from * ns));
    figure->last = sample_at(figure, (fl_time)(figure->to * ns));
    if (figure->zoomed) {
        figure->liquidated_before = or_zero(value(figure, FL_LINE_LIQUIDATED, figure->first));
    }
}

static void price_range(struct figure *figure, size_t first, size_t last, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t i = first; i <= last; i++) {
        for (enum curve curve = CURVE_FUNDAMENTAL; curve <= CURVE_ORACLE; curve++) {
            const double v = curve_at(figure, curve, i);
            *low = fmin(*low, v);
            *high = fmax(*high, v);
        }
    }
    if (!(*low < *high)) { /* one price, or none at all */
        *low = *low == *high ? *low * 0.95 : 0;
        *high = isfinite(*high) ? *high * 1.05 : 1;
    }
}

static void choose_price_axis(struct figure *figure)
{
    struct panel *panel = &figure->panel[0];
    panel->unit = 1;
    price_range(figure, 0, figure->run->samples - 1, &figure->strip_low, &figure->strip_high);
    const double air = 0.08 * (figure->strip_high - figure->strip_low);
    figure->strip_low -= air;
    figure->strip_high += air;
    double low, high;
    price_range(figure, figure->first, figure->last, &low, &high);
    panel->tics = nice_step(high - low, 5);
    panel->low = floor((low - 0.03 * (high - low)) / panel->tics) * panel->tics;
    panel->high = ceil((high + 0.10 * (high - low)) / panel->tics) * panel->tics;
}

/* The unit of dollars on an axis, and a range from zero with air for labels on top. */
static void choose_money_axis(struct figure *figure, int which)
{
    static const struct {
        double unit;
        const char *flow, *stock;
    } units[] = {{1e9, "liquidations [$ billion]", "USD billion"},
                 {1e6, "liquidations [$ million]", "USD million"},
                 {1e3, "liquidations [$ thousand]", "USD thousand"},
                 {1, "liquidations [USD]", "USD"}};
    struct panel *panel = &figure->panel[which];
    panel->unit = 1;
    double high = 0, low = 0;
    for (int curve = 0; curve < CURVES; curve++) {
        if (panel_of((enum curve)curve) != which || !has_curve(figure, (enum curve)curve)) {
            continue;
        }
        for (size_t i = figure->first; i <= figure->last; i++) {
            high = fmax(high, curve_at(figure, (enum curve)curve, i));
            low = fmin(low, curve_at(figure, (enum curve)curve, i));
        }
    }
    if (high <= 0) {
        high = 1;
    }
    size_t unit = 0;
    while (unit < 3 && high < units[unit].unit) {
        unit++;
    }
    panel->unit = units[unit].unit;
    panel->axis = which == 1 ? units[unit].flow : units[unit].stock;
    high /= panel->unit;
    low /= panel->unit;
    panel->tics = nice_step(high - low, 4);
    panel->high = high * 1.15;
    panel->low = floor(low / panel->tics) * panel->tics;
}

/* --- page ----------------------------------------------------------------------------------------------- */

/* Breaks a title that would become too small at its semicolon, or at the space nearest the middle. */
static void set_title(struct figure *figure)
{
    char sentence[FL_HEADLINE_TEXT];
    fl_headline_text(&figure->run->headline, sentence);
    const double room = (RIGHT - LEFT) * PAGE_WIDTH;
    const double points = TITLE_POINTS * room / fl_text_width(sentence, TITLE_POINTS, true);
    figure->title_points = fmin(TITLE_POINTS, points);
    fl_say(figure->title[0], TEXT, "%s", sentence);
    if (points >= TITLE_LEAST) {
        return;
    }
    char *cut = strstr(sentence, "; ");
    if (cut) {
        fl_say(figure->title[1], TEXT, "%s", cut + 2);
        cut[1] = '\0';
    } else {
        cut = sentence + strlen(sentence) / 2;
        while (*cut && *cut != ' ') {
            cut++;
        }
        fl_say(figure->title[1], TEXT, "%s", *cut ? cut + 1 : "");
        *cut = '\0';
    }
    fl_say(figure->title[0], TEXT, "%s", sentence);
    const double longest = fmax(fl_text_width(figure->title[0], TITLE_POINTS, true),
                                fl_text_width(figure->title[1], TITLE_POINTS, true));
    figure->title_points = fmin(TITLE_POINTS - 1, TITLE_POINTS * room / longest);
}

static void append_sizes(const struct figure *figure, char *out, size_t bytes, uint32_t least)
{
    for (size_t i = 0; i < figure->run->group_count; i++) {
        const struct fl_outline_group *group = &figure->run->group[i];
        char many[FL_WORDING], number[FL_WORDING];
        fl_plural(group->name, many, sizeof many);
        fl_thousands(group->size, number);
        if (group->size >= least) {
            fl_say(out + strlen(out), bytes - strlen(out), " · %s %s", number,
                   group->size == 1 ? group->name : many);
        }
    }
}

/* Scenario, seed, sizes and digest; groups of one are left out if there is no room. */
static void set_subtitle(struct figure *figure)
{
    const struct fl_outline *run = figure->run;
    const double room = (RIGHT - LEFT) * PAGE_WIDTH;
    int64_t open = 0;
    for (size_t i = 0; run->line[FL_LINE_OPEN_ACCOUNTS] && i < run->samples; i++) {
        const int64_t now = run->line[FL_LINE_OPEN_ACCOUNTS][i];
        open = now > open ? now : open;
    }
    for (uint32_t least = 1; least <= 3; least++) {
        char *out = figure->subtitle;
        const size_t bytes = sizeof figure->subtitle;
        fl_say(out, bytes, "%s · seed %s", run->name, run->seed);
        append_sizes(figure, out, bytes, least);
        if (open > 0) {
            char number[FL_WORDING];
            fl_thousands(open, number);
            fl_say(out + strlen(out), bytes - strlen(out), " · %s open positions", number);
        }
        fl_say(out + strlen(out), bytes - strlen(out), " · digest %.8s", run->digest);
        const double points = SUBTITLE_POINTS * room / fl_text_width(out, SUBTITLE_POINTS, false);
        figure->subtitle_points = fmin(SUBTITLE_POINTS, points);
        if (points >= SUBTITLE_LEAST) {
            return;
        }
    }
}

/* From top to bottom: title, subtitle, the strip of the whole run if zoomed, the panels that have
 * something to show. */
static void lay_out(struct figure *figure)
{
    figure->title_y[0] = TOP;
    figure->title_y[1] = TOP - TITLE_LINE;
    figure->subtitle_y = TOP - (figure->title[1][0] ? TITLE_LINE : 0) - SUBTITLE_LINE;
    double top = figure->subtitle_y - SUBTITLE_LINE;
    figure->strip_top = top;
    figure->strip_bottom = top - STRIP_HEIGHT;
    if (figure->zoomed) {
        top = figure->strip_bottom - STRIP_GAP;
    }
    double shares = 0;
    int drawn = 0;
    for (int i = 0; i < PANELS; i++) {
        shares += figure->panel[i].drawn ? panel_share[i] : 0;
        drawn += figure->panel[i].drawn;
    }
    const double room = top - BOTTOM - (drawn - 1) * PANEL_GAP;
    for (int i = 0; i < PANELS; i++) {
        struct panel *panel = &figure->panel[i];
        panel->top = top;
        panel->bottom = top - panel_share[i] / shares * room;
        top = panel->drawn ? panel->bottom - PANEL_GAP : top;
        panel->canvas =
            fl_canvas_new((RIGHT - LEFT) * PAGE_WIDTH, (panel->top - panel->bottom) * PAGE_HEIGHT);
    }
}

static int first_panel(const struct figure *figure)
{
    int i = 0;
    while (i < PANELS - 1 && !figure->panel[i].drawn) {
        i++;
    }
    return i;
}

static int last_panel(const struct figure *figure)
{
    int i = PANELS - 1;
    while (i > 0 && !figure->panel[i].drawn) {
        i--;
    }
    return i;
}

/* --- from values to pixels and back ----------------------------------------------------------------------- */

static double pixel_x(const struct figure *figure, double x)
{
    return (x - figure->from) / (figure->to - figure->from) * (RIGHT - LEFT) * PAGE_WIDTH;
}

static double pixel_y(const struct panel *panel, double y)
{
    return (y - panel->low) / (panel->high - panel->low) * (panel->top - panel->bottom) *
           PAGE_HEIGHT;
}

static double x_of_pixel(const struct figure *figure, double pixel)
{
    return figure->from + pixel / ((RIGHT - LEFT) * PAGE_WIDTH) * (figure->to - figure->from);
}

static double y_of_pixel(const struct panel *panel, double pixel)
{
    return panel->low +
           pixel / ((panel->top - panel->bottom) * PAGE_HEIGHT) * (panel->high - panel->low);
}

static double panel_height(const struct panel *panel)
{
    return (panel->top - panel->bottom) * PAGE_HEIGHT;
}

/* Layer 1 is for labels; each curve of a panel has its own. */
static uint8_t layer_of(enum curve curve)
{
    return (uint8_t)(2u << curve);
}

static void draw_on_canvas(struct figure *figure, enum curve curve)
{
    struct panel *panel = &figure->panel[panel_of(curve)];
    double before_x = NAN, before_y = NAN;
    for (size_t r = 0; r < figure->rows; r++) {
        const size_t i = figure->row[r];
        if (i < figure->first || i > figure->last) {
            continue;
        }
        const double x = pixel_x(figure, x_of(figure, figure->run->at[i]));
        const double y = pixel_y(panel, curve_at(figure, curve, i));
        fl_canvas_line(panel->canvas, (uint8_t)layer_of(curve), before_x, before_y, x, y);
        before_x = x;
        before_y = y;
    }
}

/* --- rows that are drawn -------------------------------------------------------------------------------------- */

/* Marks the samples of a bin at which some series is at its lowest or highest. */
static void keep_extremes(const struct figure *figure, size_t first, size_t end, bool *keep)
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

static void thin(const struct figure *figure, size_t first, size_t end, bool *keep)
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

static void choose_rows(struct figure *figure)
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

/* --- arrows ------------------------------------------------------------------------------------------------ */

/* The largest gap while a fault is at work; where the oracle is above the fundamental if it ever is. */
static void find_gap(struct figure *figure)
{
    double widest[2] = {0, 0}; /* in either direction, above */
    size_t where[2] = {0, 0};
    for (size_t i = figure->first; i <= figure->last; i++) {
        const double gap = curve_at(figure, CURVE_ORACLE, i) -
                           curve_at(figure, CURVE_FUNDAMENTAL, i);
        if (isnan(gap) || !fault_active(figure, i)) {
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
    const double worth = GAP_WORTH_AN_ARROW * curve_at(figure, CURVE_FUNDAMENTAL, where[0]);
    /* Noise above does not outweigh a real gap below. */
    const int which = widest[1] > worth && widest[1] > 0.2 * widest[0];
    if (widest[which] > worth) {
        const size_t i = where[which];
        const double a = curve_at(figure, CURVE_FUNDAMENTAL, i),
                     b = curve_at(figure, CURVE_ORACLE, i);
        figure->gap =
            (struct arrow){true, x_of(figure, figure->run->at[i]), fmin(a, b), fmax(a, b), i};
    }
}

static void find_backlog(struct figure *figure)
{
    size_t peak = figure->first;
    for (size_t i = figure->first; has(figure, FL_LINE_DUE) && i <= figure->last; i++) {
        peak = value(figure, FL_LINE_DUE, i) > value(figure, FL_LINE_DUE, peak) ? i : peak;
    }
    const double low = curve_at(figure, CURVE_LIQUIDATED, peak);
    const double high = curve_at(figure, CURVE_DUE, peak);
    figure->backlog = (struct arrow){false, x_of(figure, figure->run->at[peak]), low, high, peak};
    figure->backlog.drawn = has(figure, FL_LINE_DUE) &&
                            high - low > BACKLOG_WORTH_AN_ARROW * figure->panel[1].high;
}

static void draw_arrow(struct figure *figure, int which, const struct arrow *arrow)
{
    struct panel *panel = &figure->panel[which];
    if (arrow->drawn) {
        const double x = pixel_x(figure, arrow->x);
        fl_canvas_box(panel->canvas, FL_LAYER_LABELS, x - 6, pixel_y(panel, arrow->low), x + 6,
                      pixel_y(panel, arrow->high));
    }
}

/* --- labels ------------------------------------------------------------------------------------------------ */

enum { SPOTS = 512 };
struct spots {
    struct fl_spot at[SPOTS];
    size_t count;
};

static void spot(struct spots *spots, double x, double y, double bias)
{
    if (spots->count < SPOTS && isfinite(x) && isfinite(y)) {
        spots->at[spots->count++] = (struct fl_spot){x, y, bias};
    }
}

/* With a little air on both sides: the font may be another one than was measured. */
static double label_width(const char *text)
{
    return 1.03 * fl_text_width(text, LABEL_POINTS, true) + 4;
}

static size_t sample_at_pixel(const struct figure *figure, double pixel)
{
    return sample_at(figure,
                     (fl_time)(x_of_pixel(figure, pixel) * figure->x_unit * (double)FL_SECOND));
}

static void put(struct figure *figure, int which, enum label_style style, uint8_t own,
                const char *text, const struct spots *spots)
{
    if (figure->label_count == LABELS || spots->count == 0) {
        return;
    }
    struct panel *panel = &figure->panel[which];
    const double width = label_width(text);
    const struct fl_spot best = fl_canvas_place(panel->canvas, width, fl_text_height(LABEL_POINTS),
                                                own, spots->at, spots->count);
    struct label *label = &figure->label[figure->label_count++];
    label->panel = which + 1;
    label->style = style;
    label->x = x_of_pixel(figure, best.x - width / 2);
    label->y = y_of_pixel(panel, best.y);
    fl_say(label->text, sizeof label->text, "%s", text);
}

/* Spots above and below a curve, all along it. `from_end` is how much nearer the right end is better;
 * a negative one prefers the left. */
static void along(struct figure *figure, enum curve curve, const char *text, double above,
                  double below, double from_end, struct spots *spots)
{
    enum { PLACES = 80 };
    const struct panel *panel = &figure->panel[panel_of(curve)];
    const double height = fl_text_height(LABEL_POINTS);
    const double half = label_width(text) / 2 + 10;
    const double room = (RIGHT - LEFT) * PAGE_WIDTH - 2 * half;
    for (int k = 0; k <= PLACES; k++) {
        /* Labels stay inside the panel, so that their places are those where all of one fits. */
        const double x = half + room * k / PLACES;
        const size_t i = sample_at_pixel(figure, x);
        const double y = pixel_y(panel, curve_at(figure, curve, i));
        const double bias = from_end * (from_end > 0 ? PLACES - k : -k);
        spot(spots, x, y + 0.9 * height, bias + above);
        spot(spots, x, y - 0.9 * height, bias + below);
        /* Farther away, for steep places. */
        spot(spots, x, y + 1.6 * height, bias + above + 12);
        spot(spots, x, y - 1.6 * height, bias + below + 12);
        spot(spots, x + half, y, bias + fmin(above, below) + 6);
        spot(spots, x - half, y, bias + fmin(above, below) + 6);
    }
}

static void label_curve(struct figure *figure, enum curve curve, enum label_style style,
                        const char *text, double above, double below, double from_end)
{
    struct spots spots = {.count = 0};
    along(figure, curve, text, above, below, from_end, &spots);
    put(figure, panel_of(curve), style, layer_of(curve), text, &spots);
}

/* Beside the highest point of a curve that is flat elsewhere. */
static void label_peak(struct figure *figure, enum curve curve, size_t peak, enum label_style style,
                       const char *text)
{
    const struct panel *panel = &figure->panel[panel_of(curve)];
    struct spots spots = {.count = 0};
    const double x = pixel_x(figure, x_of(figure, figure->run->at[peak]));
    const double y = pixel_y(panel, curve_at(figure, curve, peak));
    for (int side = -1; side <= 1; side += 2) {
        for (int k = 0; k < 12; k++) {
            for (int far = 0; far < 6; far++) {
                const double away = label_width(text) / 2 + 10 + 20 * far;
                spot(&spots, x + side * away, y + 12 - 0.06 * k * y, 8 * far + 4 * k + (side < 0));
            }
        }
    }
    put(figure, panel_of(curve), style, layer_of(curve), text, &spots);
}

/* `right` is how much worse the right side is. */
static void label_arrow(struct figure *figure, int which, const struct arrow *arrow, double right,
                        enum label_style style, uint8_t own, const char *text)
{
    const struct panel *panel = &figure->panel[which];
    struct spots spots = {.count = 0};
    const double width = label_width(text);
    const double x = pixel_x(figure, arrow->x);
    for (int k = 1; k < 20; k++) {
        const double y = pixel_y(panel, arrow->low + (arrow->high - arrow->low) * k / 20);
        const double off_middle = fabs(k - 10.0) * 2;
        spot(&spots, x + width / 2 + 14, y, off_middle + right);
        spot(&spots, x - width / 2 - 14, y, off_middle);
    }
    spot(&spots, x, pixel_y(panel, arrow->high) + 26, 60);
    put(figure, which, style, own, text, &spots);
}

/* Inside its window at the top if it fits, else beside it, else lower down. */
static void label_faults(struct figure *figure)
{
    const int which = first_panel(figure);
    const struct panel *panel = &figure->panel[which];
    for (uint32_t k = 0; k < figure->run->headline.fault_count && k < LABELS / 2; k++) {
        char text[FL_FAULT_TEXT];
        fl_fault_label(&figure->run->fault[k], text);
        const double width = label_width(text);
        const double from =
            pixel_x(figure, fmax(figure->from, x_of(figure, figure->run->fault[k].from)));
        const double to = pixel_x(figure, fmin(figure->to, x_of(figure, figure->run->fault[k].to)));
        struct spots spots = {.count = 0};
        for (int line = 0; line < 24; line++) {
            const double y = panel_height(panel) - 16 - 14 * line;
            if (width + 16 < to - from) {
                spot(&spots, from + 8 + width / 2, y, 3 * line);
                spot(&spots, (from + to) / 2, y, 3 * line + 2);
                spot(&spots, to - 8 - width / 2, y, 3 * line + 4);
            }
            spot(&spots, to + 8 + width / 2, y, 3 * line + 12);
            spot(&spots, from - 8 - width / 2, y, 3 * line + 16);
        }
        put(figure, which, (enum label_style)(STYLE_FAULT + k % 4), 0, text, &spots);
    }
}

static void label_prices(struct figure *figure)
{
    if (figure->gap.drawn) {
        char text[TEXT], dollars[FL_WORDING], percent[FL_WORDING];
        const double gap = figure->gap.high - figure->gap.low;
        fl_price_short((int64_t)(gap * 1e6), dollars);
        fl_percent(gap / curve_at(figure, CURVE_FUNDAMENTAL, figure->gap.sample), percent);
        fl_say(text, sizeof text, "gap %s (%s)", dollars, percent);
        label_arrow(figure, 0, &figure->gap, -4, STYLE_INK, 0, text);
    }
    label_faults(figure);
    if (has(figure, FL_LINE_ORACLE)) {
        label_curve(figure, CURVE_ORACLE, STYLE_RED, "oracle", 0, 30, 0);
    }
    if (has(figure, FL_LINE_FUNDAMENTAL)) {
        label_curve(figure, CURVE_FUNDAMENTAL, STYLE_BLUE, "fundamental", 30, 0, 0);
    }
}

static void label_liquidations(struct figure *figure)
{
    char text[TEXT], dollars[FL_WORDING];
    if (has(figure, FL_LINE_DUE)) {
        const int64_t due = figure->run->line[FL_LINE_DUE][figure->backlog.sample];
        fl_money_short(due, dollars);
        if (figure->backlog.drawn) {
            fl_say(text, sizeof text, "due for liquidation: %s", dollars);
            /* On the left it stands in the band that it names. */
            label_arrow(figure, 1, &figure->backlog, 60, STYLE_RED,
                        layer_of(CURVE_DUE) | layer_of(CURVE_LIQUIDATED), text);
        } else {
            fl_say(text, sizeof text,
                   due > 0 ? "due for liquidation: at most %s"
                           : "nothing was due for liquidation%.0s",
                   dollars);
            label_curve(figure, CURVE_DUE, STYLE_RED, text, 0, 60, 0);
        }
    }
    if (has(figure, FL_LINE_LIQUIDATED)) {
        const int64_t *done = figure->run->line[FL_LINE_LIQUIDATED];
        const int64_t total = done[figure->last] - (figure->zoomed ? done[figure->first] : 0);
        fl_money_short(total, dollars);
        fl_say(text, sizeof text, total > 0 ? "liquidated: %s" : "none liquidated%.0s", dollars);
        label_curve(figure, CURVE_LIQUIDATED, STYLE_GREEN, text, total > 0 ? 40 : 0, 0, 0.5);
    }
}

static void label_losses(struct figure *figure)
{
    const struct fl_headline *headline = &figure->run->headline;
    char text[TEXT], dollars[FL_WORDING];
    if (figure->fund_emptied) {
        struct spots spots = {.count = 0};
        const char *words = "fund empty";
        const double width = label_width(words);
        const double x = pixel_x(figure, x_of(figure, headline->fund_empty));
        for (int k = 0; k < 8; k++) {
            spot(&spots, x - width / 2 - 12, 18 + 14 * k, 8 * k);
            spot(&spots, x + width / 2 + 12, 18 + 14 * k, 8 * k + 4);
        }
        put(figure, 2, STYLE_BLUE, layer_of(CURVE_FUND), words, &spots);
    }
    if (has(figure, FL_LINE_FUND)) {
        /* At the left edge; a fund that is paid in after the start counts from then. */
        const int64_t fund = figure->zoomed ? figure->run->line[FL_LINE_FUND][figure->first]
                                            : headline->fund_start;
        fl_money_short(fund, dollars);
        fl_say(text, sizeof text, fund > 0 ? "insurance fund: %s" : "insurance fund: empty%.0s",
               dollars);
        label_curve(figure, CURVE_FUND, STYLE_BLUE, text, 0, 2, -0.6);
    }
    if (has(figure, FL_LINE_BAD_DEBT)) {
        const int64_t debt = figure->run->line[FL_LINE_BAD_DEBT][figure->last];
        fl_money_short(debt, dollars);
        fl_say(text, sizeof text, debt > 0 ? "bad debt: %s" : "no bad debt%.0s", dollars);
        label_curve(figure, CURVE_DEBT, STYLE_RED, text, debt > 0 ? 12 : 0, 0, 0.8);
    }
    if (has(figure, FL_LINE_LATENT)) {
        size_t peak = figure->first;
        for (size_t i = figure->first; i <= figure->last; i++) {
            peak = value(figure, FL_LINE_LATENT, i) > value(figure, FL_LINE_LATENT, peak) ? i
                                                                                          : peak;
        }
        if (value(figure, FL_LINE_LATENT, peak) / figure->panel[2].unit >
            0.03 * figure->panel[2].high) {
            label_peak(figure, CURVE_LATENT, peak, STYLE_RED, "latent bad debt");
        }
    }
}

static void place_labels(struct figure *figure)
{
    for (int curve = 0; curve < CURVES; curve++) {
        if (has_curve(figure, (enum curve)curve)) {
            draw_on_canvas(figure, (enum curve)curve);
        }
    }
    draw_arrow(figure, 0, &figure->gap);
    draw_arrow(figure, 1, &figure->backlog);
    label_prices(figure);
    label_liquidations(figure);
    label_losses(figure);
}

/* --- files --------------------------------------------------------------------------------------------------- */

static void print_value(FILE *file, const struct figure *figure, enum fl_line line, size_t i)
{
    const double v = value(figure, line, i);
    /* What others are stacked on counts as none if it is missing. */
    if (!has(figure, line) && (line == FL_LINE_LIQUIDATED || line == FL_LINE_BAD_DEBT)) {
        fputs("\t0", file);
    } else if (isnan(v)) {
        fputs("\tNaN", file);
    } else {
        fprintf(file, "\t%.6f", v);
    }
}

static void write_data(FILE *file, const struct figure *figure)
{
    fputs(
        "# t_s\tfundamental\toracle\toracle_valid\tdue\tliquidated\tinsurance_fund\tbad_debt\t"
        "latent_bad_debt\tfault_active\n# money and prices in USD; samples that a picture of this "
        "width cannot show are left out, trace.h5 has them all\n",
        file);
    for (size_t r = 0; r < figure->rows; r++) {
        const size_t i = figure->row[r];
        const int64_t *valid = figure->run->line[FL_LINE_ORACLE_VALID];
        fprintf(file, "%.9g", (double)figure->run->at[i] / (double)FL_SECOND);
        print_value(file, figure, FL_LINE_FUNDAMENTAL, i);
        print_value(file, figure, FL_LINE_ORACLE, i);
        fprintf(file, "\t%d", valid ? valid[i] != 0 : 1);
        print_value(file, figure, FL_LINE_DUE, i);
        print_value(file, figure, FL_LINE_LIQUIDATED, i);
        print_value(file, figure, FL_LINE_FUND, i);
        print_value(file, figure, FL_LINE_BAD_DEBT, i);
        print_value(file, figure, FL_LINE_LATENT, i);
        fprintf(file, "\t%d\n", fault_active(figure, i));
    }
}

/* In single quotes gnuplot takes everything as it stands, but a quote is written twice. */
static void print_quoted(FILE *file, const char *text)
{
    fputc('\'', file);
    for (; *text; text++) {
        if (*text == '\'') {
            fputc('\'', file);
        }
        fputc((unsigned char)*text < ' ' ? ' ' : *text, file);
    }
    fputc('\'', file);
}

static void set_text(FILE *file, const char *name, const char *text)
{
    fprintf(file, "%s = ", name);
    print_quoted(file, text);
    fputc('\n', file);
}

static void set_number(FILE *file, const char *name, double number)
{
    /* A curve that is missing has no place; nothing is drawn there. */
    fprintf(file, "%s = %.10g\n", name, isfinite(number) ? number : 0);
}

static void set_flag(FILE *file, const char *name, bool flag)
{
    fprintf(file, "%s = %d\n", name, flag);
}

/* Arrays of gnuplot have at least one element. */
static void begin_array(FILE *file, const char *name, int count)
{
    fprintf(file, "array %s[%d] = [", name, count > 0 ? count : 1);
}

static void set_panel_array(FILE *file, const struct figure *figure, const char *name,
                            size_t offset)
{
    begin_array(file, name, PANELS);
    for (int i = 0; i < PANELS; i++) {
        double number;
        memcpy(&number, (const char *)&figure->panel[i] + offset, sizeof number);
        fprintf(file, "%s%.10g", i > 0 ? ", " : "", number);
    }
    fputs("]\n", file);
}

static void write_faults(FILE *file, const struct figure *figure)
{
    const int count = (int)figure->run->headline.fault_count;
    fprintf(file, "fault_count = %d\n", count);
    for (int end = 0; end < 2; end++) {
        begin_array(file, end ? "fault_to" : "fault_from", count);
        for (int i = 0; i < count; i++) {
            const fl_time at = end ? figure->run->fault[i].to : figure->run->fault[i].from;
            const double inside = fmin(figure->to, fmax(figure->from, x_of(figure, at)));
            fprintf(file, "%s%.10g", i > 0 ? ", " : "", inside);
        }
        fputs(count > 0 ? "]\n" : "0]\n", file);
    }
}

static void write_labels(FILE *file, const struct figure *figure)
{
    const int count = figure->label_count;
    fprintf(file, "label_count = %d\n", count);
    begin_array(file, "label_panel", count);
    for (int i = 0; i < count; i++) {
        fprintf(file, "%s%d", i > 0 ? ", " : "", figure->label[i].panel);
    }
    fputs(count > 0 ? "]\n" : "0]\n", file);
    begin_array(file, "label_style", count);
    for (int i = 0; i < count; i++) {
        fprintf(file, "%s%d", i > 0 ? ", " : "", (int)figure->label[i].style);
    }
    fputs(count > 0 ? "]\n" : "0]\n", file);
    begin_array(file, "label_x", count);
    for (int i = 0; i < count; i++) {
        fprintf(file, "%s%.10g", i > 0 ? ", " : "", figure->label[i].x);
    }
    fputs(count > 0 ? "]\n" : "0]\n", file);
    begin_array(file, "label_y", count);
    for (int i = 0; i < count; i++) {
        fprintf(file, "%s%.10g", i > 0 ? ", " : "", figure->label[i].y);
    }
    fputs(count > 0 ? "]\n" : "0]\n", file);
    begin_array(file, "label_text", count);
    for (int i = 0; i < count; i++) {
        fputs(i > 0 ? ", " : "", file);
        print_quoted(file, figure->label[i].text);
    }
    fputs(count > 0 ? "]\n" : "0]\n", file);
}

static void write_page(FILE *file, const struct figure *figure)
{
    set_text(file, "data", "timeline.tsv");
    set_text(file, "title_1", figure->title[0]);
    set_text(file, "title_2", figure->title[1]);
    set_number(file, "title_points", figure->title_points);
    set_number(file, "title_y_1", figure->title_y[0]);
    set_number(file, "title_y_2", figure->title_y[1]);
    set_text(file, "subtitle", figure->subtitle);
    set_number(file, "subtitle_points", figure->subtitle_points);
    set_number(file, "subtitle_y", figure->subtitle_y);
    set_number(file, "left_edge", LEFT);
    set_number(file, "right_edge", RIGHT);
    set_panel_array(file, figure, "panel_top", offsetof(struct panel, top));
    set_panel_array(file, figure, "panel_bottom", offsetof(struct panel, bottom));
    set_panel_array(file, figure, "panel_low", offsetof(struct panel, low));
    set_panel_array(file, figure, "panel_high", offsetof(struct panel, high));
    set_panel_array(file, figure, "panel_tics", offsetof(struct panel, tics));
    set_panel_array(file, figure, "panel_unit", offsetof(struct panel, unit));
    begin_array(file, "panel_drawn", PANELS);
    for (int i = 0; i < PANELS; i++) {
        fprintf(file, "%s%d", i > 0 ? ", " : "", figure->panel[i].drawn);
    }
    fputs("]\n", file);
    set_number(file, "panel_first", first_panel(figure) + 1);
    set_number(file, "panel_last", last_panel(figure) + 1);
    set_flag(file, "zoomed", figure->zoomed);
    set_number(file, "strip_top", figure->strip_top);
    set_number(file, "strip_bottom", figure->strip_bottom);
    set_number(file, "strip_low", figure->strip_low);
    set_number(file, "strip_high", figure->strip_high);
}

/* Parts of an hour are read as minutes: 10:15, not 10.25. */
static bool has_clock(const struct figure *figure)
{
    return figure->x_unit > 60 && time_step(figure, figure->to - figure->from) < 1;
}

/* A list for `set xtics`: "'10:15' 10.25, '10:30' 10.5", or with empty names. */
static void write_time_tics(FILE *file, const struct figure *figure, bool named)
{
    const double step = time_step(figure, figure->to - figure->from);
    fprintf(file, "%s = \"", named ? "x_tics_named" : "x_tics");
    const double last = floor(figure->to / step + 1e-9);
    for (double k = ceil(figure->from / step - 1e-9), first = k; k <= last; k++) {
        const double at = fabs(k) < 0.5 ? 0 : k * step; /* not -0 */
        const long minutes = lround(at * 60);
        fputs(k > first ? ", " : "", file);
        if (!named) {
            fprintf(file, "'' %.10g", at);
        } else if (has_clock(figure)) {
            fprintf(file, "'%ld:%02ld' %.10g", minutes / 60, minutes % 60, at);
        } else {
            fprintf(file, "'%g' %.10g", at, at);
        }
    }
    fputs("\"\n", file);
}

static void write_axes(FILE *file, const struct figure *figure)
{
    char label[FL_WORDING];
    fl_say(label, sizeof label, "simulated time [%s]",
           has_clock(figure) ? "h:mm" : figure->x_unit_name);
    set_text(file, "x_label", label);
    set_text(file, "liquidation_axis", figure->panel[1].axis);
    set_text(file, "money_axis", figure->panel[2].axis);
    set_number(file, "x_unit", figure->x_unit);
    set_number(file, "x_from", figure->from);
    set_number(file, "x_to", figure->to);
    write_time_tics(file, figure, false);
    write_time_tics(file, figure, true);
    set_number(file, "run_from", figure->run_from);
    set_number(file, "run_to", figure->run_to);
    set_number(file, "run_tics", time_step(figure, figure->run_to - figure->run_from));
    set_number(file, "liquidated_before", figure->liquidated_before);
}

static void write_curves(FILE *file, const struct figure *figure)
{
    set_flag(file, "has_fundamental", has(figure, FL_LINE_FUNDAMENTAL));
    set_flag(file, "has_oracle", has(figure, FL_LINE_ORACLE));
    set_flag(file, "has_due", has(figure, FL_LINE_DUE));
    set_flag(file, "has_liquidated", has(figure, FL_LINE_LIQUIDATED));
    set_flag(file, "has_fund", has(figure, FL_LINE_FUND));
    set_flag(file, "has_debt", has(figure, FL_LINE_BAD_DEBT));
    set_flag(file, "has_latent", has(figure, FL_LINE_LATENT));
    set_flag(file, "has_gap", figure->gap.drawn);
    set_number(file, "gap_x", figure->gap.x);
    set_number(file, "gap_low", figure->gap.low);
    set_number(file, "gap_high", figure->gap.high);
    set_flag(file, "has_backlog", figure->backlog.drawn);
    set_number(file, "backlog_x", figure->backlog.x);
    set_number(file, "backlog_low", figure->backlog.low);
    set_number(file, "backlog_high", figure->backlog.high);
    set_flag(file, "has_empty", figure->fund_emptied);
    set_number(file, "empty_x",
               figure->fund_emptied ? x_of(figure, figure->run->headline.fund_empty) : 0);
}

static void write_script(FILE *file, const struct figure *figure)
{
    fputs("# Written by `faultline plot`.\n", file);
    write_page(file, figure);
    write_axes(file, figure);
    write_curves(file, figure);
    write_faults(file, figure);
    write_labels(file, figure);
    fputc('\n', file);
    fwrite(script, 1, sizeof script, file);
}

static bool write_file(const char *directory, const char *name, const struct figure *figure,
                       void (*content)(FILE *, const struct figure *))
{
    char path[PATH_BYTES], tmp[PATH_BYTES];
    fl_say(path, sizeof path, "%s/%s", directory, name);
    fl_say(tmp, sizeof tmp, "%s/%s.tmp", directory, name);
    FILE *file = fopen(tmp, "w");
    if (!file) {
        fprintf(stderr, "faultline: cannot write %s: %s\n", tmp, strerror(errno));
        return false;
    }
    content(file, figure);
    const bool failed = fflush(file) != 0 || ferror(file);
    const int reason = errno;
    if ((fclose(file) != 0) | failed || rename(tmp, path) != 0) {
        fprintf(stderr, "faultline: cannot write %s: %s\n", path,
                strerror(failed ? reason : errno));
        unlink(tmp);
        return false;
    }
    return true;
}

/* --- the figure ----------------------------------------------------------------------------------------------- */

static void compose(struct figure *figure)
{
    for (int curve = 0; curve < CURVES; curve++) {
        figure->panel[panel_of((enum curve)curve)].drawn |= has_curve(figure, (enum curve)curve);
    }
    choose_time(figure);
    choose_price_axis(figure);
    choose_money_axis(figure, 1);
    choose_money_axis(figure, 2);
    set_title(figure);
    set_subtitle(figure);
    lay_out(figure);
    choose_rows(figure);
    find_gap(figure);
    find_backlog(figure);
    const fl_time empty = figure->run->headline.fund_empty;
    figure->fund_emptied = empty != FL_NEVER && x_of(figure, empty) >= figure->from &&
                           x_of(figure, empty) <= figure->to;
    place_labels(figure);
}

static bool draw(const struct fl_outline *run, const char *directory, const char *format)
{
    struct figure *figure = fl_alloc(1, sizeof *figure);
    figure->run = run;
    compose(figure);
    const bool ok = write_file(directory, "timeline.tsv", figure, write_data) &&
                    write_file(directory, "timeline.gp", figure, write_script) &&
                    fl_gnuplot(directory, "timeline", format);
    for (int i = 0; i < PANELS; i++) {
        fl_canvas_free(figure->panel[i].canvas);
    }
    free(figure->row);
    free(figure);
    return ok;
}

static bool is_drawable(const struct fl_outline *run)
{
    bool any = false;
    for (int i = 0; i < FL_LINES; i++) {
        any = any || (run->line[i] && i != FL_LINE_ORACLE_VALID && i != FL_LINE_OPEN_ACCOUNTS);
    }
    return any && run->samples >= 2;
}

int fl_plot_timeline(const char *directory, const char *format, char *path_out, size_t bytes)
{
    char error[PATH_BYTES];
    if (strcmp(format, "png") != 0 && strcmp(format, "svg") != 0 && strcmp(format, "pdf") != 0) {
        fprintf(stderr, "faultline: no such picture format: %s (png, svg or pdf)\n", format);
        return FAILED;
    }
    struct fl_trace *trace = fl_trace_open(directory, error, sizeof error);
    if (!trace) {
        fprintf(stderr, "faultline: %s\n", error);
        return FAILED;
    }
    bool ok = false;
    struct fl_outline *run = fl_outline_new(trace);
    if (!run) {
        fprintf(stderr, "faultline: %s\n", fl_trace_error(trace));
    } else if (!is_drawable(run)) {
        fprintf(stderr,
                "faultline: %s/trace.h5: nothing to draw (none of the series "
                "market.fundamental, oracle.price, ledger.* over two samples)\n",
                directory);
    } else {
        ok = draw(run, directory, format);
        snprintf(path_out, bytes, "%s/timeline.%s", directory, format);
    }
    if (run) {
        fl_outline_free(run);
    }
    fl_trace_close(trace);
    return ok ? 0 : FAILED;
}
