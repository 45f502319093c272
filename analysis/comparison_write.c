/* The files of a comparison of two runs: its data, and the variables at the head of its script. */
#include "analysis/comparison.h"
#include "analysis/place.h"
#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/disk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char script[] = {
#include "analysis/comparison.gp.inc"
};

/* Columns of pixels of a panel: the extremes of each are all that a picture can show. */
enum { BINS = 1100, SHOWN = 6, TEXT_BYTES = 96, VALUE_BYTES = 120 };
static const double MICRO = 1e-6, SMALL_POINTS = 16, SMALL_ROOM = 530;

/* --- what figures write ---------------------------------------------------------------------------- */

/* In single quotes gnuplot takes everything as it stands, but a quote is written twice. */
void fl_gnuplot_text(FILE *file, const char *name, const char *text)
{
    fprintf(file, "%s = '", name);
    for (; *text; text++) {
        fputs(*text == '\'' ? "''" : (char[]){(unsigned char)*text < ' ' ? ' ' : *text, '\0'},
              file);
    }
    fputs("'\n", file);
}

void fl_gnuplot_number(FILE *file, const char *name, double value)
{
    if (isfinite(value)) {
        fprintf(file, "%s = %.10g\n", name, value);
    } else {
        fprintf(file, "%s = NaN\n", name);
    }
}

bool fl_figure_files_publish(const char *directory, struct fl_figure_files *files)
{
    const struct fl_file file[] = {{files->data_name, files->data, files->data_bytes},
                                   {files->script_name, files->script, files->script_bytes}};
    const char *problem = fl_folder_make(directory);
    problem = problem ? problem : fl_files_publish(directory, file, sizeof file / sizeof *file);
    free(files->data);
    free(files->script);
    if (problem) {
        fprintf(stderr, "faultline: %s\n", problem);
    }
    return !problem;
}

/* --- data ------------------------------------------------------------------------------------------ */

static size_t sample_at(const struct fl_outline *run, fl_time at)
{
    size_t low = 0, high = run->samples;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (run->at[middle] < at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void keep_extremes(const struct fl_comparison_run *run, size_t first, size_t end, bool *keep)
{
    keep[first] = keep[end - 1] = true;
    for (int line = 0; line < FL_DRAWN_LINES; line++) {
        const int64_t *values = run->line[line];
        size_t low = first, high = first;
        for (size_t i = first; values && i < end; i++) {
            low = values[i] < values[low] ? i : low;
            high = values[i] > values[high] ? i : high;
        }
        keep[low] = keep[high] = true;
    }
}

static void write_block(FILE *file, const struct fl_comparison *comparison, int side)
{
    const struct fl_comparison_run *run = &comparison->run[side];
    const struct fl_outline *outline = run->outline;
    bool *keep = fl_alloc(outline->samples, sizeof *keep);
    /* One beyond each edge, so that curves reach it. */
    size_t first = sample_at(outline, comparison->from), end = sample_at(outline, comparison->to);
    first -= first > 0;
    end += end < outline->samples;
    end += end < outline->samples;
    const size_t count = end - first;
    for (size_t bin = 0; bin < BINS; bin++) {
        const size_t from = first + count * bin / BINS, to = first + count * (bin + 1) / BINS;
        if (from < to) {
            keep_extremes(run, from, to, keep);
        }
    }
    fprintf(file, "# %c: %s\n", 'A' + side, outline->name);
    for (size_t i = first; i < end; i++) {
        if (!keep[i]) {
            continue;
        }
        fprintf(file, "%.9g", (double)outline->at[i] / (double)FL_SECOND);
        for (int line = 0; line < FL_DRAWN_LINES; line++) {
            const double value =
                fl_comparison_value(comparison, side, (enum fl_comparison_line)line, i);
            fprintf(file, isnan(value) ? "\tNaN" : "\t%.10g", value);
        }
        fputc('\n', file);
    }
    fputs("\n\n", file);
    free(keep);
}

static void write_data(FILE *file, const struct fl_comparison *comparison)
{
    fputs("# t_s\tfundamental\toracle\tliquidated\tdue\tdeficit\tlatent_bad_debt\tseries\n"
          "# USD; samples that a picture of this width cannot show are left out, trace.h5 has them "
          "all\n",
          file);
    write_block(file, comparison, 0);
    write_block(file, comparison, 1);
}

/* --- the axis of time ------------------------------------------------------------------------------ */

/* Between tics, in seconds: five to nine of them. */
static double step_of(double span)
{
    static const double steps[] = {1,   2,   5,    10,   15,   30,    60,    120,   300,
                                   600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (span / steps[i] <= 9) {
            return steps[i];
        }
    }
    return 86400 * ceil(span / (9 * 86400));
}

static void write_time(FILE *file, const struct fl_comparison *comparison)
{
    const double from = (double)comparison->from / (double)FL_SECOND;
    const double to = (double)comparison->to / (double)FL_SECOND;
    const double step = step_of(to - from);
    fl_gnuplot_number(file, "x_from", from);
    fl_gnuplot_number(file, "x_to", to);
    fputs("x_tics = \"", file);
    for (double k = ceil(from / step); k * step <= to; k++) {
        const long at = lround(k * step);
        fprintf(file, "%s'%ld:%02ld", k > ceil(from / step) ? ", " : "", at / 3600, at / 60 % 60);
        if (step < 60) {
            fprintf(file, ":%02ld", at % 60);
        }
        fprintf(file, "' %ld", at);
    }
    fputs("\"\n", file);
    fl_gnuplot_text(file, "x_label",
                    step < 60 ? "simulated time [h:mm:ss]" : "simulated time [h:mm]");
    const fl_time parts = comparison->parts;
    const bool inside = parts >= comparison->from && parts <= comparison->to;
    fl_gnuplot_number(file, "parts_at", inside ? (double)parts / (double)FL_SECOND : NAN);
    const fl_time apart = comparison->apart == parts ? FL_NEVER : comparison->apart;
    fl_gnuplot_number(file, "apart_at",
                      apart >= comparison->from && apart <= comparison->to
                          ? (double)apart / (double)FL_SECOND
                          : NAN);
}

/* --- curves ---------------------------------------------------------------------------------------- */

/* The window's least and greatest value of a line of both runs; `on_top` is added to it. */
struct range {
    double low, high;
};
static struct range range_of(const struct fl_comparison *comparison, enum fl_comparison_line line,
                             int on_top)
{
    struct range range = {INFINITY, -INFINITY};
    for (int s = 0; s < FL_SIDES; s++) {
        const struct fl_outline *run = comparison->run[s].outline;
        for (size_t i = sample_at(run, comparison->from);
             i < run->samples && run->at[i] <= comparison->to; i++) {
            const double top =
                on_top >= 0 ? fl_comparison_value(comparison, s, (enum fl_comparison_line)on_top, i)
                            : 0;
            const double value = fl_comparison_value(comparison, s, line, i) +
                                 (isnan(top) ? 0 : top);
            range.low = fmin(range.low, value);
            range.high = fmax(range.high, value);
        }
    }
    return range;
}

static const struct fl_panel_words {
    enum fl_comparison_line line;
    int on_top; /* -1: nothing */
    const char *heading;
} panel_of[] = {
    [FL_PANEL_PRICES] = {FL_DRAWN_ORACLE, -1, "price on the exchange [USD]; thin, the true one"},
    [FL_PANEL_LIQUIDATED] = {FL_DRAWN_LIQUIDATED, FL_DRAWN_DUE,
                             "liquidated so far, and on top what is due"},
    [FL_PANEL_LOST] = {FL_DRAWN_DEFICIT, FL_DRAWN_LATENT,
                       "lost beyond the collateral so far, and on top what is latent"},
    [FL_PANEL_SERIES] = {FL_DRAWN_SERIES, -1, ""},
};

static double money_unit(double high, const char **name)
{
    *name = high < 1e3 ? "USD" : high < 1e6 ? "$ thousand" : high < 1e9 ? "$ million" : "$ billion";
    return high < 1e3 ? 1 : high < 1e6 ? 1e3 : high < 1e9 ? 1e6 : 1e9;
}

/* The last value inside the window. */
static double end_value(const struct fl_comparison *comparison, int side,
                        enum fl_comparison_line line)
{
    const struct fl_outline *run = comparison->run[side].outline;
    size_t i = sample_at(run, comparison->to);
    i -= i == run->samples || run->at[i] > comparison->to;
    return fl_comparison_value(comparison, side, line, i);
}

static void end_label(const struct fl_comparison *comparison, int side, int panel, double value,
                      char out[TEXT_BYTES])
{
    char text[FL_WORDING];
    switch (comparison->panel[panel]) {
    case FL_PANEL_PRICES:
        fl_price_short(isnan(value) ? 0 : llround(value / MICRO), text);
        break;
    case FL_PANEL_LIQUIDATED:
    case FL_PANEL_LOST:
        fl_money_short(isnan(value) ? 0 : llround(value / MICRO), text);
        break;
    case FL_PANEL_SERIES: {
        char amount[FL_SIDE_TEXT];
        fl_number_short(value, false, amount);
        fl_say(text, sizeof text, "%.40s %s", amount, comparison->series_unit);
        break;
    }
    }
    fl_say(out, TEXT_BYTES, "%c  %s", 'A' + side, text);
}

/* Labels at the right end of the curves, pushed apart where the curves end together. */
static void write_end_labels(FILE *file, const struct fl_comparison *comparison, int panel,
                             struct range range, double unit)
{
    static const double APART = 0.135; /* of the panel's height */
    const enum fl_comparison_line line = panel_of[comparison->panel[panel]].line;
    double value[FL_SIDES], y[FL_SIDES];
    for (int s = 0; s < FL_SIDES; s++) {
        value[s] = end_value(comparison, s, line);
        y[s] = isnan(value[s]) ? 0 : (value[s] / unit - range.low) / (range.high - range.low);
    }
    const double middle = (y[0] + y[1]) / 2;
    if (fabs(y[0] - y[1]) < APART) {
        const double side = y[0] >= y[1] ? 1 : -1;
        y[0] = middle + side * APART / 2;
        y[1] = middle - side * APART / 2;
    }
    const double below = fmin(0, fmin(y[0], y[1]) - APART / 3);
    for (int s = 0; s < FL_SIDES; s++) {
        char name[TEXT_BYTES], text[TEXT_BYTES];
        end_label(comparison, s, panel, value[s], text);
        snprintf(name, sizeof name, "end_%c[%d]", 'a' + s, panel + 1);
        fl_gnuplot_text(file, name, text);
        snprintf(name, sizeof name, "end_%c_y[%d]", 'a' + s, panel + 1);
        fl_gnuplot_number(file, name, y[s] - below);
    }
}

static void write_panel(FILE *file, const struct fl_comparison *comparison, int panel)
{
    const enum fl_comparison_panel kind = comparison->panel[panel];
    struct range range = range_of(comparison, panel_of[kind].line, panel_of[kind].on_top);
    const char *unit_name = "";
    double unit = 1;
    char heading[FL_COMPARISON_TEXT], name[TEXT_BYTES];
    if (kind == FL_PANEL_PRICES) {
        const struct range truth = range_of(comparison, FL_DRAWN_TRUTH, -1);
        range = (struct range){fmin(range.low, truth.low), fmax(range.high, truth.high)};
    } else if (kind != FL_PANEL_SERIES || strcmp(comparison->series_unit, "USD") == 0) {
        unit = money_unit(range.high, &unit_name);
    } else {
        unit_name = comparison->series_unit;
    }
    range.low = kind == FL_PANEL_LIQUIDATED || kind == FL_PANEL_LOST ? 0 : range.low;
    if (!(range.low < range.high)) { /* one value, or none */
        range = (struct range){isfinite(range.low) && range.low < 0 ? range.low : 0,
                               isfinite(range.high) && range.high > 0 ? range.high : unit};
    }
    const double air = 0.06 * (range.high - range.low);
    range.low = (range.low - (range.low > 0 || range.low < 0 ? air : 0)) / unit;
    range.high = (range.high + air) / unit;
    fl_say(heading, sizeof heading, "%s%s%s%s",
           kind == FL_PANEL_SERIES ? comparison->series : panel_of[kind].heading,
           *unit_name ? " [" : "", unit_name, *unit_name ? "]" : "");
    snprintf(name, sizeof name, "panel_heading[%d]", panel + 1);
    fl_gnuplot_text(file, name, heading);
    const struct {
        const char *array;
        double value;
    } numbers[] = {{"panel_kind", kind},
                   {"panel_unit", unit},
                   {"panel_low", range.low},
                   {"panel_high", range.high},
                   {"panel_line", panel_of[kind].line + 2},
                   {"panel_on_top", panel_of[kind].on_top < 0 ? 0 : panel_of[kind].on_top + 2}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        snprintf(name, sizeof name, "%s[%d]", numbers[i].array, panel + 1);
        fl_gnuplot_number(file, name, numbers[i].value);
    }
    write_end_labels(file, comparison, panel, range, unit);
}

static void write_panels(FILE *file, const struct fl_comparison *comparison)
{
    static const char *const arrays[] = {"panel_heading", "panel_kind", "panel_unit",   "panel_low",
                                         "panel_high",    "panel_line", "panel_on_top", "end_a",
                                         "end_b",         "end_a_y",    "end_b_y"};
    fprintf(file, "panels = %d\n", comparison->panels);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        fprintf(file, "array %s[%d]\n", arrays[i], comparison->panels);
    }
    for (int panel = 0; panel < comparison->panels; panel++) {
        write_panel(file, comparison, panel);
    }
}

/* --- faults, losses, differences -------------------------------------------------------------------- */

static void write_faults(FILE *file, const struct fl_comparison *comparison)
{
    for (int s = 0; s < FL_SIDES; s++) {
        const struct fl_outline *run = comparison->run[s].outline;
        const uint32_t count = run->headline.fault_count;
        fprintf(file, "%c_faults = %u\narray %c_from[%u]\narray %c_to[%u]\n", 'a' + s, count,
                'a' + s, count + 1, 'a' + s, count + 1);
        for (uint32_t i = 0; i < count; i++) {
            fprintf(file, "%c_from[%u] = %.10g\n%c_to[%u] = %.10g\n", 'a' + s, i + 1,
                    (double)run->fault[i].from / (double)FL_SECOND, 'a' + s, i + 1,
                    (double)run->fault[i].to / (double)FL_SECOND);
        }
    }
}

static void write_losses(FILE *file, const struct fl_comparison *comparison)
{
    int64_t most = 0;
    for (int s = 0; s < FL_SIDES; s++) {
        for (int i = 0; i < FL_COMPARISON_BEARERS; i++) {
            const int64_t loss = comparison->run[s].loss[i];
            most = loss > most ? loss : most;
        }
    }
    const char *unit_name;
    const double unit = money_unit((double)most * MICRO, &unit_name);
    fprintf(
        file, "array a_loss[%d]\narray b_loss[%d]\narray a_loss_text[%d]\narray b_loss_text[%d]\n",
        FL_COMPARISON_BEARERS, FL_COMPARISON_BEARERS, FL_COMPARISON_BEARERS, FL_COMPARISON_BEARERS);
    fl_gnuplot_text(file, "loss_unit", unit_name);
    fl_gnuplot_number(file, "loss_most", most > 0 ? (double)most * MICRO / unit : 1);
    fprintf(file, "has_losses = %d\n",
            comparison->run[0].line[FL_DRAWN_DEFICIT] && comparison->run[1].line[FL_DRAWN_DEFICIT]);
    for (int s = 0; s < FL_SIDES; s++) {
        for (int i = 0; i < FL_COMPARISON_BEARERS; i++) {
            char name[TEXT_BYTES], money[FL_WORDING];
            const int64_t loss = comparison->run[s].loss[i];
            snprintf(name, sizeof name, "%c_loss[%d]", 'a' + s, i + 1);
            fl_gnuplot_number(file, name, (double)loss * MICRO / unit);
            fl_money_short(loss, money);
            snprintf(name, sizeof name, "%c_loss_text[%d]", 'a' + s, i + 1);
            fl_gnuplot_text(file, name, money);
        }
    }
}

static void cut_to(char *text, double points, double room)
{
    size_t end = strlen(text);
    while (end > 4 && fl_text_width(text, points, false) > room) {
        end--;
        strcpy(text + end - 3, "...");
    }
}

/* Those that matter, checks aside: they look on. */
static void write_differences(FILE *file, const struct fl_comparison *comparison)
{
    const struct fl_differences *all = &comparison->inputs.scenario;
    size_t shown = 0, more = 0;
    fprintf(file, "array change_path[%d]\narray change_value[%d]\n", SHOWN + 2, SHOWN + 2);
    for (size_t i = 0; i < all->count; i++) {
        const struct fl_difference *difference = &all->at[i];
        if (!fl_difference_matters(difference) || difference->of_model ||
            strncmp(difference->path, "checks.", 7) == 0) {
            continue;
        }
        if (shown == SHOWN) {
            more++;
            continue;
        }
        char name[TEXT_BYTES], path[FL_DIFFERENCE_TEXT], value[FL_DIFFERENCE_TEXT];
        shown++;
        fl_say(path, sizeof path, "%s", difference->path);
        fl_difference_text(difference, value);
        cut_to(path, SMALL_POINTS, SMALL_ROOM);
        cut_to(value, SMALL_POINTS, SMALL_ROOM);
        snprintf(name, sizeof name, "change_path[%zu]", shown);
        fl_gnuplot_text(file, name, path);
        snprintf(name, sizeof name, "change_value[%zu]", shown);
        fl_gnuplot_text(file, name, value);
    }
    if (!comparison->inputs.same_seed) {
        char name[TEXT_BYTES], value[VALUE_BYTES];
        shown++;
        snprintf(name, sizeof name, "change_path[%zu]", shown);
        fl_gnuplot_text(file, name, "seed");
        fl_say(value, sizeof value, "%.40s -> %.40s", comparison->inputs.side[0].seed,
               comparison->inputs.side[1].seed);
        snprintf(name, sizeof name, "change_value[%zu]", shown);
        fl_gnuplot_text(file, name, value);
    }
    fprintf(file, "changes = %zu\nmore_changes = %zu\n", shown, more);
}

/* --- the script ------------------------------------------------------------------------------------ */

static void write_script(FILE *file, const struct fl_comparison *comparison)
{
    fputs("# Written by `faultline plot --as comparison`.\n", file);
    fl_gnuplot_text(file, "title_1", comparison->title[0]);
    fl_gnuplot_text(file, "title_2", comparison->title[1]);
    fl_gnuplot_text(file, "legend_a", comparison->legend[0]);
    fl_gnuplot_text(file, "legend_b", comparison->legend[1]);
    fl_gnuplot_text(file, "note_1", comparison->note[0]);
    fl_gnuplot_text(file, "note_2", comparison->note[1]);
    write_time(file, comparison);
    write_panels(file, comparison);
    write_faults(file, comparison);
    write_losses(file, comparison);
    write_differences(file, comparison);
    fputc('\n', file);
    fwrite(script, 1, sizeof script, file);
}

bool fl_comparison_write(const struct fl_comparison *comparison, const char *directory)
{
    struct fl_figure_files files = {.data_name = "comparison.tsv", .script_name = "comparison.gp"};
    FILE *data = fl_text_open(&files.data, &files.data_bytes);
    FILE *text = fl_text_open(&files.script, &files.script_bytes);
    write_data(data, comparison);
    write_script(text, comparison);
    fl_text_close(data);
    fl_text_close(text);
    return fl_figure_files_publish(directory, &files);
}
