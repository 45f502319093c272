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
#include "analysis/figure.h"
#include "analysis/gnuplot.h"
#include "analysis/timeline_figure.h"
#include "sim/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAILED = 3, PATH_BYTES = 4096 };

static void compose(struct fl_figure *figure)
{
    for (int curve = 0; curve < FL_CURVES; curve++) {
        figure->panel[fl_curve_panel((enum fl_curve)curve)].drawn |=
            fl_figure_has_curve(figure, (enum fl_curve)curve);
    }
    fl_figure_choose_axes(figure);
    fl_figure_lay_out(figure);
    fl_figure_choose_rows(figure);
    fl_figure_find_arrows(figure);
    const fl_time empty = figure->run->headline.fund_empty;
    figure->fund_emptied = empty != FL_NEVER && fl_figure_x(figure, empty) >= figure->from &&
                           fl_figure_x(figure, empty) <= figure->to;
    fl_figure_place_labels(figure);
}

static bool draw(const struct fl_outline *run, const char *directory, const char *format)
{
    struct fl_figure *figure = fl_alloc(1, sizeof *figure);
    figure->run = run;
    compose(figure);
    const bool ok = fl_figure_write(figure, directory) && fl_gnuplot(directory, "timeline", format);
    for (int i = 0; i < FL_PANELS; i++) {
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

static int draw_timeline(const struct fl_plot *plot, char *path_out, size_t bytes)
{
    char error[PATH_BYTES];
    const char *folder = plot->folder[0];
    struct fl_trace *trace = fl_trace_open(folder, error, sizeof error);
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
                folder);
    } else {
        ok = draw(run, plot->directory, plot->format);
        snprintf(path_out, bytes, "%s/timeline.%s", plot->directory, plot->format);
    }
    if (run) {
        fl_outline_free(run);
    }
    fl_trace_close(trace);
    return ok ? 0 : FAILED;
}

const struct fl_figure_kind fl_figure_timeline = {
    .name = "timeline",
    .doc = "prices, liquidations and who bears the loss, over the time of one run",
    .least = 1,
    .most = 1,
    .draw = draw_timeline};
