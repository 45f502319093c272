/* The axes of a timeline: the window of time that holds the story, ranges, units and tics. */
#include "analysis/timeline_figure.h"

/* The figure zooms in on the faults if they and what follows take less than this share of the run. */
static const double ZOOM_BELOW = 0.30;
/* How far what follows a fault is looked for, in lengths of the fault; the air around it all. */
static const double AFTERMATH = 4, ZOOM_AIR = 0.4;

/* 1, 2 or 5 times a power of ten, so that a span has about `parts` of them. */
static double nice_step(double span, double parts)
{
    const double rough = span / parts, power = pow(10, floor(log10(rough)));
    const double digit = rough / power;
    return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
}

double fl_figure_time_step(const struct fl_figure *figure, double span)
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

/* The first sample after which nothing due remains and losses no longer grow, or `limit`. */
static size_t aftermath(const struct fl_figure *figure, size_t from, size_t limit)
{
    double peak = 0;
    for (size_t i = from; i <= limit; i++) {
        peak = fmax(peak, fl_or_zero(fl_figure_value(figure, FL_LINE_DUE, i)));
    }
    const double end_debt = fl_or_zero(fl_figure_value(figure, FL_LINE_BAD_DEBT, limit));
    size_t last = from;
    for (size_t i = from; i <= limit; i++) {
        const bool due = peak > 0 &&
                         fl_or_zero(fl_figure_value(figure, FL_LINE_DUE, i)) > 0.05 * peak;
        const bool growing = fl_or_zero(fl_figure_value(figure, FL_LINE_BAD_DEBT, i)) <
                             0.98 * end_debt;
        last = (due || growing) && i < limit ? i + 1 : last;
    }
    return last;
}

/* Zooms in if the story is short, and if the window holds most of the bad debt: a figure must not
 * hide where the money went. */
static void choose_window(struct fl_figure *figure)
{
    const struct fl_outline *run = figure->run;
    figure->run_from = fl_figure_x(figure, run->at[0]);
    figure->run_to = fl_figure_x(figure, fl_outline_end(run));
    figure->from = figure->run_from;
    figure->to = figure->run_to;
    if (run->headline.fault_count == 0 || !fl_figure_has(figure, FL_LINE_FUNDAMENTAL)) {
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
    const size_t first = fl_figure_sample(figure, from);
    const size_t last = aftermath(figure, first, fl_figure_sample(figure, limit));
    const double start = fl_figure_x(figure, from);
    const double stop = fmax(fl_figure_x(figure, to), fl_figure_x(figure, run->at[last]));
    const double before = fl_or_zero(fl_figure_value(figure, FL_LINE_BAD_DEBT, first));
    const double within = fl_or_zero(fl_figure_value(figure, FL_LINE_BAD_DEBT, last)) - before;
    const double final = fl_or_zero(fl_figure_value(figure, FL_LINE_BAD_DEBT, run->samples - 1));
    if (stop - start < ZOOM_BELOW * (figure->run_to - figure->run_from) && within >= 0.75 * final) {
        figure->zoomed = true;
        const double air = ZOOM_AIR * (stop - start);
        figure->from = fmax(figure->run_from, start - air);
        figure->to = fmin(figure->run_to, stop + air);
    }
}

static void choose_time(struct fl_figure *figure)
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
    figure->first = fl_figure_sample(figure, (fl_time)(figure->from * ns));
    figure->last = fl_figure_sample(figure, (fl_time)(figure->to * ns));
    if (figure->zoomed) {
        figure->liquidated_before =
            fl_or_zero(fl_figure_value(figure, FL_LINE_LIQUIDATED, figure->first));
    }
}

static void price_range(struct fl_figure *figure, size_t first, size_t last, double *low,
                        double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (size_t i = first; i <= last; i++) {
        for (enum fl_curve curve = FL_CURVE_FUNDAMENTAL; curve <= FL_CURVE_ORACLE; curve++) {
            const double v = fl_figure_curve(figure, curve, i);
            *low = fmin(*low, v);
            *high = fmax(*high, v);
        }
    }
    if (!(*low < *high)) { /* one price, or none at all */
        *low = *low == *high ? *low * 0.95 : 0;
        *high = isfinite(*high) ? *high * 1.05 : 1;
    }
}

static void choose_price_axis(struct fl_figure *figure)
{
    struct fl_panel *panel = &figure->panel[0];
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
static void choose_money_axis(struct fl_figure *figure, int which)
{
    static const struct {
        double unit;
        const char *flow, *stock;
    } units[] = {{1e9, "liquidations [$ billion]", "USD billion"},
                 {1e6, "liquidations [$ million]", "USD million"},
                 {1e3, "liquidations [$ thousand]", "USD thousand"},
                 {1, "liquidations [USD]", "USD"}};
    struct fl_panel *panel = &figure->panel[which];
    panel->unit = 1;
    double high = 0, low = 0;
    for (int curve = 0; curve < FL_CURVES; curve++) {
        if (fl_curve_panel((enum fl_curve)curve) != which ||
            !fl_figure_has_curve(figure, (enum fl_curve)curve)) {
            continue;
        }
        for (size_t i = figure->first; i <= figure->last; i++) {
            high = fmax(high, fl_figure_curve(figure, (enum fl_curve)curve, i));
            low = fmin(low, fl_figure_curve(figure, (enum fl_curve)curve, i));
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

void fl_figure_choose_axes(struct fl_figure *figure)
{
    choose_time(figure);
    choose_price_axis(figure);
    choose_money_axis(figure, 1);
    choose_money_axis(figure, 2);
}
