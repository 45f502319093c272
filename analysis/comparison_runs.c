/* The two runs of a comparison: their curves, their losses, and the window of time that holds the
 * story. */
#include "analysis/comparison.h"
#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/mistake.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, EXIT_IO = 3, PATH_BYTES = 1024 };

static const double MICRO = 1e-6;
/* Prices are seen to differ from here on; an event is over when less than this is left of it. */
static const double SEEN = 0.005, LEFT = 0.03;
/* A story shorter than this share of the run fills the figure, with so much air around it. */
static const double ZOOM_BELOW = 0.6, AIR = 0.12;

static const char *const series_name[FL_DRAWN_LINES] = {
    [FL_DRAWN_TRUTH] = "market.fundamental",     [FL_DRAWN_ORACLE] = "oracle.price",
    [FL_DRAWN_LIQUIDATED] = "ledger.liquidated", [FL_DRAWN_DUE] = "ledger.due",
    [FL_DRAWN_DEFICIT] = "ledger.deficit",       [FL_DRAWN_LATENT] = "ledger.latent_bad_debt",
};

/* --- reading --------------------------------------------------------------------------------------- */

static bool complain(struct fl_trace *trace)
{
    fprintf(stderr, "faultline: %s\n", fl_trace_error(trace));
    return false;
}

/* Series that a run has; a column of another length than the others is damage. */
static bool read_line(const struct fl_side *side, const char *series, struct fl_comparison_run *run,
                      enum fl_comparison_line line)
{
    char path[PATH_BYTES];
    size_t count;
    fl_say(path, sizeof path, "/series/%s", series);
    run->scale[line] = MICRO;
    if (!fl_trace_has(side->trace, path)) {
        return true;
    }
    run->line[line] = fl_trace_int64(side->trace, path, &count);
    if (!run->line[line]) {
        return complain(side->trace);
    }
    if (count != run->outline->samples) {
        fprintf(stderr, "faultline: %s/trace.h5: %s has %zu rows of %zu\n", side->directory, path,
                count, run->outline->samples);
        return false;
    }
    return true;
}

/* Who bore it, by the last sample. */
static bool read_losses(const struct fl_side *side, struct fl_comparison_run *run)
{
    static const char *const name[FL_COMPARISON_BEARERS] = {
        "ledger.fund_paid", "ledger.adl", "ledger.socialised", "ledger.outstanding",
        "ledger.latent_bad_debt"};
    for (int i = 0; i < FL_COMPARISON_BEARERS; i++) {
        char path[PATH_BYTES];
        size_t count;
        fl_say(path, sizeof path, "/series/%s", name[i]);
        if (!fl_trace_has(side->trace, path)) {
            continue;
        }
        int64_t *values = fl_trace_int64(side->trace, path, &count);
        if (!values) {
            return complain(side->trace);
        }
        run->loss[i] = count > 0 ? values[count - 1] : 0;
        run->lost += run->loss[i];
        free(values);
    }
    return true;
}

static bool read_run(const struct fl_side *side, struct fl_comparison_run *run)
{
    run->outline = fl_outline_new(side->trace);
    if (!run->outline) {
        return complain(side->trace);
    }
    if (run->outline->samples < 2) {
        fprintf(stderr, "faultline: %s/trace.h5: fewer than two samples\n", side->directory);
        return false;
    }
    for (int line = 0; line < FL_DRAWN_SERIES; line++) {
        if (!read_line(side, series_name[line], run, (enum fl_comparison_line)line)) {
            return false;
        }
    }
    return read_losses(side, run);
}

double fl_comparison_value(const struct fl_comparison *comparison, int side,
                           enum fl_comparison_line line, size_t sample)
{
    const struct fl_comparison_run *run = &comparison->run[side];
    const bool is_price = line == FL_DRAWN_TRUTH || line == FL_DRAWN_ORACLE;
    if (!run->line[line] || (is_price && run->line[line][sample] <= 0)) {
        return NAN;
    }
    return (double)run->line[line][sample] * run->scale[line];
}

/* The first sample at which prices differ so that one sees it. The runs need not have the same
 * samples. */
static fl_time first_seen(const struct fl_comparison *comparison)
{
    const struct fl_outline *a = comparison->run[0].outline, *b = comparison->run[1].outline;
    for (size_t i = 0, k = 0; i < a->samples && k < b->samples;) {
        const double one = fl_comparison_value(comparison, 0, FL_DRAWN_ORACLE, i);
        const double other = fl_comparison_value(comparison, 1, FL_DRAWN_ORACLE, k);
        if (a->at[i] == b->at[k] && fabs(one - other) > SEEN * one) {
            return a->at[i];
        }
        const fl_time at = a->at[i], other_at = b->at[k];
        i += at <= other_at;
        k += other_at <= at;
    }
    return FL_NEVER;
}

/* --- panels ---------------------------------------------------------------------------------------- */

static bool both_have(const struct fl_comparison *comparison, enum fl_comparison_line line)
{
    return comparison->run[0].line[line] && comparison->run[1].line[line];
}

static void add_panel(struct fl_comparison *comparison, enum fl_comparison_line line,
                      enum fl_comparison_panel panel)
{
    if (both_have(comparison, line)) {
        comparison->panel[comparison->panels++] = panel;
    }
}

/* One series alone: the one asked for or, in scenarios without prices and money, the first that
 * differs. */
static int add_series(struct fl_comparison *comparison)
{
    const struct fl_partings *partings = &comparison->partings;
    fl_say(comparison->series, sizeof comparison->series, "%s",
           comparison->metric    ? comparison->metric
           : partings->count > 0 ? partings->at[0].series
                                 : "consensus.height");
    char path[PATH_BYTES];
    fl_say(path, sizeof path, "/series/%s", comparison->series);
    for (int s = 0; s < FL_SIDES; s++) {
        const struct fl_side *side = &comparison->inputs.side[s];
        if (fl_trace_type(side->trace, path) != FL_TRACE_SIGNED) {
            fprintf(stderr, "faultline: %s/trace.h5: there is no series %s to draw\n",
                    side->directory, comparison->series);
            return EXIT_USAGE;
        }
        if (!read_line(side, comparison->series, &comparison->run[s], FL_DRAWN_SERIES)) {
            return EXIT_IO;
        }
        char *units = fl_trace_attribute(side->trace, path, "units");
        const bool is_time = units && strcmp(units, "ns") == 0;
        const bool is_decimal = units && strncmp(units, "1e-6", 4) == 0;
        comparison->run[s].scale[FL_DRAWN_SERIES] = is_time ? 1e-9 : is_decimal ? MICRO : 1;
        comparison->series_unit = is_time                                   ? "s"
                                  : units && strcmp(units, "1e-6 USD") == 0 ? "USD"
                                                                            : "";
        free(units);
    }
    comparison->panel[comparison->panels++] = FL_PANEL_SERIES;
    return 0;
}

/* Without an exchange prices are worth a panel only if they differ. */
static int choose_panels(struct fl_comparison *comparison)
{
    const bool has_money = both_have(comparison, FL_DRAWN_LIQUIDATED) ||
                           both_have(comparison, FL_DRAWN_DEFICIT);
    if (!comparison->metric && (has_money || comparison->apart != FL_NEVER)) {
        add_panel(comparison, FL_DRAWN_ORACLE, FL_PANEL_PRICES);
        add_panel(comparison, FL_DRAWN_LIQUIDATED, FL_PANEL_LIQUIDATED);
        add_panel(comparison, FL_DRAWN_DEFICIT, FL_PANEL_LOST);
    }
    return comparison->panels > 0 ? 0 : add_series(comparison);
}

/* --- the window ------------------------------------------------------------------------------------ */

struct span {
    fl_time from, to;
};

static void widen(struct span *span, fl_time at)
{
    span->from = at < span->from ? at : span->from;
    span->to = at > span->to ? at : span->to;
}

/* Of a sum that grows: where it grew, but for a little at both ends. */
static void widen_by_growth(const struct fl_comparison *comparison, int side,
                            enum fl_comparison_line line, struct span *span)
{
    const struct fl_outline *run = comparison->run[side].outline;
    const double last = fl_comparison_value(comparison, side, line, run->samples - 1);
    for (size_t i = 0; last > 0 && i < run->samples; i++) {
        const double now = fl_comparison_value(comparison, side, line, i);
        if (now > LEFT * last && now < (1 - LEFT) * last) {
            widen(span, run->at[i]);
        }
    }
}

/* Of what comes and goes: while there is some of it. */
static void widen_by_presence(const struct fl_comparison *comparison, int side,
                              enum fl_comparison_line line, struct span *span)
{
    const struct fl_outline *run = comparison->run[side].outline;
    double most = 0;
    for (size_t i = 0; i < run->samples; i++) {
        most = fmax(most, fl_comparison_value(comparison, side, line, i));
    }
    for (size_t i = 0; most > 0 && i < run->samples; i++) {
        if (fl_comparison_value(comparison, side, line, i) > LEFT * most) {
            widen(span, run->at[i]);
        }
    }
}

/* Faults and losses of both, and the time in which more is due than usual. Without any of them, or if
 * they take most of the run, all of it. */
static void choose_window(struct fl_comparison *comparison)
{
    struct span span = {INT64_MAX, INT64_MIN};
    fl_time end = 0;
    for (int s = 0; s < FL_SIDES; s++) {
        const struct fl_outline *run = comparison->run[s].outline;
        end = fl_outline_end(run) > end ? fl_outline_end(run) : end;
        for (uint32_t i = 0; i < run->headline.fault_count; i++) {
            widen(&span, run->fault[i].from);
            widen(&span, run->fault[i].to);
        }
        if (both_have(comparison, FL_DRAWN_DEFICIT)) {
            widen_by_growth(comparison, s, FL_DRAWN_DEFICIT, &span);
            widen_by_presence(comparison, s, FL_DRAWN_LATENT, &span);
        }
    }
    comparison->from = 0;
    comparison->to = end;
    const double length = (double)span.to - (double)span.from;
    if (span.from <= span.to && length < ZOOM_BELOW * (double)end && length > 0) {
        const fl_time air = (fl_time)(AIR * length);
        comparison->from = span.from > air ? span.from - air : 0;
        comparison->to = span.to + air < end ? span.to + air : end;
    }
}

/* --- the whole ------------------------------------------------------------------------------------- */

int fl_comparison_read(const struct fl_plot *plot, struct fl_comparison *out)
{
    const char *const directory[FL_SIDES] = {plot->folder[0], plot->folder[1]};
    out->metric = plot->metric;
    if (!fl_inputs_read(directory, FL_FOLDER_RUN, &out->inputs) ||
        !fl_partings_find(&out->inputs, &out->partings) ||
        !read_run(&out->inputs.side[0], &out->run[0]) ||
        !read_run(&out->inputs.side[1], &out->run[1])) {
        return EXIT_IO;
    }
    out->parts = out->partings.count > 0 ? out->partings.at[0].at : FL_NEVER;
    out->apart = first_seen(out);
    const int status = choose_panels(out);
    if (status == 0) {
        choose_window(out);
    }
    return status;
}

void fl_comparison_free(struct fl_comparison *comparison)
{
    for (int s = 0; s < FL_SIDES; s++) {
        if (comparison->run[s].outline) {
            fl_outline_free(comparison->run[s].outline);
        }
        for (int line = 0; line < FL_DRAWN_LINES; line++) {
            free(comparison->run[s].line[line]);
        }
    }
    fl_partings_free(&comparison->partings);
    fl_inputs_free(&comparison->inputs);
}
