/* The comparison of two sweeps: one metric's difference at each point that both have. */
#include "analysis/comparison.h"
#include "analysis/gnuplot.h"
#include "analysis/place.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char script[] = {
#include "analysis/comparison_sweeps.gp.inc"
};

enum { EXIT_IO = 3, ROWS = 40, LABEL_BYTES = 2 * FL_SIDE_TEXT + FL_POINT_TEXT };
static const double TITLE_POINTS = 27, TITLE_ROOM = 1540, LABEL_POINTS = 18;

struct forest {
    struct fl_inputs inputs;
    struct fl_matched points;
    const char *metric, *unit;
    const struct fl_move *row[ROWS]; /* in the order of the points */
    size_t rows, all;                /* all: of this metric */
    double scale;                    /* to the unit of the axis */
    const char *axis_unit;
};

/* --- what is drawn --------------------------------------------------------------------------------- */

static int by_match(const void *a, const void *b)
{
    const struct fl_move *one = *(const struct fl_move *const *)a,
                         *other = *(const struct fl_move *const *)b;
    return (one->match > other->match) - (one->match < other->match);
}

/* Of many points the most significant, which come first. */
static void choose_rows(struct forest *forest)
{
    for (size_t i = 0; i < forest->points.moves; i++) {
        const struct fl_move *move = &forest->points.move[i];
        if (strcmp(move->metric, forest->metric) == 0) {
            forest->all++;
            if (forest->rows < ROWS) {
                forest->row[forest->rows++] = move;
            }
        }
    }
    qsort(forest->row, forest->rows, sizeof *forest->row, by_match);
}

static void choose_unit(struct forest *forest)
{
    double most = 0;
    for (size_t i = 0; i < forest->rows; i++) {
        const struct fl_estimate e = forest->row[i]->shift.difference;
        most = fmax(most, fmax(fabs(e.value), fmax(fabs(e.low), fabs(e.high))));
    }
    const bool is_money = strcmp(forest->unit, "USD") == 0;
    forest->scale = !is_money || most < 1e4 ? 1 : most < 1e6 ? 1e-3 : most < 1e9 ? 1e-6 : 1e-9;
    forest->axis_unit = !is_money              ? forest->unit
                        : forest->scale > 1e-3 ? "USD"
                        : forest->scale > 1e-6 ? "$ thousand"
                        : forest->scale > 1e-9 ? "$ million"
                                               : "$ billion";
}

/* --- words ----------------------------------------------------------------------------------------- */

/* The last word of a path: "ledger.bad_debt" is "bad debt". */
static void metric_words(const char *metric, char out[FL_SIDE_TEXT])
{
    const char *dot = strrchr(metric, '.');
    fl_say(out, FL_SIDE_TEXT, "%s", dot ? dot + 1 : metric);
    for (char *c = out; *c; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
}

/* "$12.3 k", "4.5". */
static void amount_words(const struct forest *forest, double value, char out[FL_SIDE_TEXT])
{
    if (strcmp(forest->unit, "USD") == 0 && (value == 0 || fabs(value) >= 0.005) &&
        fabs(value) < 1e12) {
        char money[FL_WORDING];
        fl_money_short(llround(value * 1e6), money);
        fl_say(out, FL_SIDE_TEXT, "%.60s", money);
    } else {
        fl_say(out, FL_SIDE_TEXT, "%.4g", value);
    }
}

static void say_title(const struct forest *forest, char out[FL_COMPARISON_TEXT])
{
    size_t higher = 0, lower = 0;
    const struct fl_move *most = NULL;
    for (size_t i = 0; i < forest->points.moves; i++) {
        const struct fl_move *move = &forest->points.move[i];
        if (!move->moved || strcmp(move->metric, forest->metric) != 0) {
            continue;
        }
        higher += move->shift.difference.value > 0;
        lower += move->shift.difference.value < 0;
        most = !most || fabs(move->shift.difference.value) > fabs(most->shift.difference.value)
                   ? move
                   : most;
    }
    char words[FL_SIDE_TEXT], point[FL_POINT_TEXT], amount[FL_SIDE_TEXT];
    metric_words(forest->metric, words);
    if (!most) {
        fl_say(out, FL_COMPARISON_TEXT,
               "%s: no difference between A and B is beyond noise at any of %zu points", words,
               forest->all);
        return;
    }
    char counts[FL_SIDE_TEXT];
    if (higher > 0 && lower > 0) {
        fl_say(counts, sizeof counts, "higher at %zu and lower at %zu", higher, lower);
    } else {
        fl_say(counts, sizeof counts, "%s at %zu", higher > 0 ? "higher" : "lower", higher + lower);
    }
    fl_point_text(&forest->points.grid[0].rows, forest->points.match[most->match].point[0], point);
    amount_words(forest, fabs(most->shift.difference.value), amount);
    fl_say(out, FL_COMPARISON_TEXT, "%s is %s of %zu points in B, by up to %s at %s", words, counts,
           forest->all, amount, point);
}

static void write_words(FILE *file, const struct forest *forest)
{
    char title[FL_COMPARISON_TEXT], lines[2][FL_COMPARISON_TEXT], text[FL_COMPARISON_TEXT],
        share[FL_SIDE_TEXT];
    const struct fl_matched *points = &forest->points;
    say_title(forest, title);
    fl_title_break(title, TITLE_POINTS, TITLE_ROOM, lines);
    fl_gnuplot_text(file, "title_1", lines[0]);
    fl_gnuplot_text(file, "title_2", lines[1]);
    fl_number_short(100 * points->alpha, false, share);
    fl_say(text, sizeof text,
           "A  %s · B  %s · %s · full: beyond noise among %zu comparisons (Holm, %s %%)%s",
           forest->inputs.side[0].name, forest->inputs.side[1].name,
           points->paired ? "paired by seed" : "not paired", points->moves - points->cannot_tell,
           share, forest->all > forest->rows ? " · the most significant points" : "");
    fl_gnuplot_text(file, "subtitle", text);
    fl_number_short(100 * (1 - points->alpha), false, share);
    fl_say(text, sizeof text, "B - A: %s%s%s%s, with intervals at %s %% of each", forest->metric,
           *forest->axis_unit ? " [" : "", forest->axis_unit, *forest->axis_unit ? "]" : "", share);
    fl_gnuplot_text(file, "axis", text);
}

/* --- rows ------------------------------------------------------------------------------------------ */

/* 1 higher, 2 lower, both beyond noise; 3 not; 4 cannot be told. */
static int style_of(const struct fl_move *move)
{
    return isnan(move->shift.p) ? 4 : !move->moved ? 3 : move->shift.difference.value > 0 ? 1 : 2;
}

static void write_row(FILE *file, const struct forest *forest, size_t i, double *widest)
{
    const struct fl_move *move = forest->row[i];
    char name[FL_SIDE_TEXT], point[FL_POINT_TEXT], a[FL_SIDE_TEXT], b[FL_SIDE_TEXT];
    fl_point_text(&forest->points.grid[0].rows, forest->points.match[move->match].point[0], point);
    *widest = fmax(*widest, fl_text_width(point, LABEL_POINTS, false));
    amount_words(forest, move->mean[0], a);
    amount_words(forest, move->mean[1], b);
    snprintf(name, sizeof name, "place[%zu]", i + 1);
    fl_gnuplot_text(file, name, point);
    snprintf(name, sizeof name, "mean_a[%zu]", i + 1);
    fl_gnuplot_text(file, name, a);
    snprintf(name, sizeof name, "mean_b[%zu]", i + 1);
    fl_gnuplot_text(file, name, b);
}

static void write_data(FILE *file, const struct forest *forest)
{
    fputs("# row\tdifference\tlow\thigh\tstyle\tp\tp_holm\n", file);
    for (size_t i = 0; i < forest->rows; i++) {
        const struct fl_move *move = forest->row[i];
        const struct fl_estimate e = move->shift.difference;
        const double value[] = {e.value * forest->scale, e.low * forest->scale,
                                e.high * forest->scale};
        fprintf(file, "%zu", i + 1);
        for (size_t k = 0; k < sizeof value / sizeof *value; k++) {
            /* Where nothing varies the interval is the dot. */
            const double shown = isnan(value[k]) ? value[0] : value[k];
            fprintf(file, isnan(shown) ? "\tNaN" : "\t%.10g", shown);
        }
        fprintf(file, "\t%d\t%.4g\t%.4g\n", style_of(move), move->shift.p, move->adjusted);
    }
}

static void write_script(FILE *file, const struct forest *forest)
{
    fputs("# Written by `faultline plot --as comparison`.\n", file);
    write_words(file, forest);
    fprintf(file, "rows = %zu\narray place[%zu]\narray mean_a[%zu]\narray mean_b[%zu]\n",
            forest->rows, forest->rows, forest->rows, forest->rows);
    double widest = fl_text_width("mean of", LABEL_POINTS, false);
    for (size_t i = 0; i < forest->rows; i++) {
        write_row(file, forest, i, &widest);
    }
    fl_gnuplot_number(file, "label_pixels", widest);
    fputc('\n', file);
    fwrite(script, 1, sizeof script, file);
}

/* --- the whole ------------------------------------------------------------------------------------- */

static bool write_files(const struct forest *forest, const char *directory)
{
    struct fl_figure_files files = {.data_name = "comparison.tsv", .script_name = "comparison.gp"};
    FILE *data = fl_text_open(&files.data, &files.data_bytes);
    FILE *text = fl_text_open(&files.script, &files.script_bytes);
    write_data(data, forest);
    write_script(text, forest);
    fl_text_close(data);
    fl_text_close(text);
    return fl_figure_files_publish(directory, &files);
}

static int draw(struct forest *forest, const struct fl_plot *plot)
{
    if (forest->points.moves == 0) {
        fprintf(stderr, "faultline: %s: words, not numbers: there is nothing to draw\n",
                plot->metric ? plot->metric : plot->folder[0]);
        return 2;
    }
    forest->metric = plot->metric ? plot->metric : forest->points.move[0].metric;
    forest->unit = forest->points.move[0].unit;
    choose_rows(forest);
    choose_unit(forest);
    return write_files(forest, plot->directory) &&
                   fl_gnuplot(plot->directory, "comparison", plot->format)
               ? 0
               : EXIT_IO;
}

int fl_comparison_of_sweeps(const struct fl_plot *plot)
{
    static const double ALPHA = 0.05;
    const char *const directory[FL_SIDES] = {plot->folder[0], plot->folder[1]};
    struct forest forest = {0};
    int status = EXIT_IO;
    if (fl_inputs_read(directory, FL_FOLDER_SWEEP, &forest.inputs)) {
        status = fl_matched_compare(&forest.inputs, plot->metric, ALPHA, &forest.points);
    }
    if (status == 0) {
        status = draw(&forest, plot);
    }
    fl_matched_free(&forest.points);
    fl_inputs_free(&forest.inputs);
    return status;
}
