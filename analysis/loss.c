/* The distribution of losses over the seeds of a sweep, point by point: where most seeds end, how far the
 * tail reaches, and how much of that the seeds can tell.
 *
 * On the left a histogram of the seeds that lose something, and below it the mean, the value at risk and
 * the expected shortfall with their intervals; on the right the share of seeds that lose as much or more,
 * on a logarithmic scale, where a value at risk is read off at 5 and at 1 %. */
#include "analysis/estimate.h"
#include "analysis/place.h"
#include "analysis/quantity.h"
#include "analysis/rows.h"
#include "analysis/sketch.h"
#include "sim/alloc.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char style[] = {
#include "analysis/loss.gp.inc"
};

enum {
    EXIT_USAGE = 2,
    EXIT_IO = 3,
    POINTS_MOST = 8,
    BINS = 48,
    TEXT = 512,
    STATISTICS = 4,
    SEEDS_LEAST = 20
};
static const double PAGE_WIDTH = 1800, TITLE_POINTS = 27, ALPHA = 0.05;
/* Of the panel on the right in pixels, as in the script; up to the page's edge; of its labels. */
static const double PANEL_WIDTH = 499, PANEL_ROOM = 525, LABEL_POINTS = 16, LABEL_AIR = 10;
/* Shares whose ratio is less than that are as high as a label. */
static const double LABEL_RATIO = 1.2;

enum statistic { MEAN, VAR_95, ES_95, VAR_99 };
static const char *const statistic_name[STATISTICS] = {"mean", "VaR 95 %", "ES 95 %", "VaR 99 %"};

struct point {
    size_t number; /* in the sweep */
    double *loss;  /* ascending */
    size_t count, losing;
    struct fl_estimate statistic[STATISTICS];
    char name[TEXT], words[TEXT], line[STATISTICS][TEXT];
};

struct page {
    const struct fl_rows *rows;
    const char *metric, *unit;
    char sweep[TEXT];
    struct point point[POINTS_MOST];
    size_t points, failed; /* failed: runs that did not end well, of these points */
    double most, least;    /* the largest loss; the smallest, if it is a gain, else 0 */
    double alpha;          /* what an interval may miss: of all looks of a plan together */
};

/* --- points ---------------------------------------------------------------------------------------- */

/* "stuck.to_s" of a fault, else the last word. */
static const char *short_path(const char *path)
{
    const char *last = strrchr(path, '.');
    if (!last) {
        return path;
    }
    if (strncmp(path, "faults.", 7) == 0) {
        return path + 7;
    }
    return last + 1;
}

/* The values of all axes, for a curve's end: "8". */
static void write_value(const struct fl_rows *rows, const struct point *point, char out[TEXT])
{
    out[0] = '\0';
    for (size_t a = 0; a < rows->axes; a++) {
        const size_t used = strlen(out);
        fl_say(out + used, TEXT - used, "%s%s", a > 0 ? ", " : "",
               rows->value[a][point->number * rows->replicates]);
    }
}

static void name_point(const struct fl_rows *rows, struct point *point)
{
    point->name[0] = '\0';
    for (size_t a = 0; a < rows->axes; a++) {
        char word[TEXT];
        fl_say(word, sizeof word, "%s", short_path(rows->axis[a]));
        for (char *c = word; *c; c++) {
            *c = *c == '_' ? ' ' : *c;
        }
        const size_t used = strlen(point->name);
        fl_say(point->name + used, TEXT - used, "%s%s = %s", a > 0 ? ", " : "", word,
               rows->value[a][point->number * rows->replicates]);
    }
    if (rows->axes == 0) {
        fl_say(point->name, TEXT, "all seeds");
    }
}

static void estimate(struct point *point, double alpha)
{
    static const double level[STATISTICS] = {[VAR_95] = 0.95, [ES_95] = 0.95, [VAR_99] = 0.99};
    for (int s = 0; s < STATISTICS; s++) {
        point->statistic[s] =
            s == MEAN    ? fl_mean_at(point->loss, point->count, alpha)
            : s == ES_95 ? fl_expected_shortfall(point->loss, point->count, level[s], alpha)
                         : fl_value_at_risk(point->loss, point->count, level[s], alpha);
    }
}

/* "200 seeds, no loss in 47 of them: 24 % [18, 30]" */
static void say_point(const struct page *page, struct point *point)
{
    const size_t none = point->count - point->losing;
    const struct fl_estimate share = fl_wilson(none, point->count, page->alpha);
    if (none == 0) {
        fl_say(point->words, TEXT, "%zu seeds, all lose", point->count);
    } else {
        fl_say(point->words, TEXT, "%zu of %zu seeds lose nothing: %.0f %% [%.0f, %.0f]", none,
               point->count, 100 * share.value, 100 * share.low, 100 * share.high);
    }
    for (int s = 0; s < STATISTICS; s++) {
        char amount[FL_QUANTITY_TEXT];
        fl_quantity_estimate(point->statistic[s], page->unit, amount);
        fl_say(point->line[s], TEXT, "%s  %s", statistic_name[s], amount);
    }
}

/* One point of the sweep; dropped if none of its runs ended well. */
static void add_point(struct page *page, const double *values, size_t number)
{
    const size_t replicates = page->rows->replicates;
    struct point *point = &page->point[page->points];
    *point = (struct point){.number = number, .loss = fl_alloc(replicates, sizeof(double))};
    for (size_t r = 0; r < replicates; r++) {
        const double loss = values[number * replicates + r];
        if (!isnan(loss)) {
            point->loss[point->count++] = loss;
            point->losing += loss > 0;
        }
    }
    page->failed += page->rows->runs[number] - point->count;
    if (point->count == 0) {
        free(point->loss);
        return;
    }
    gsl_sort(point->loss, 1, point->count);
    page->most = fmax(page->most, point->loss[point->count - 1]);
    page->least = fmin(page->least, point->loss[0]);
    estimate(point, page->alpha);
    name_point(page->rows, point);
    say_point(page, point);
    page->points++;
}

/* All points, or eight of them as evenly spread as they can be. */
static void add_points(struct page *page, const double *values)
{
    const size_t all = page->rows->points, shown = all < POINTS_MOST ? all : POINTS_MOST;
    for (size_t i = 0; i < shown; i++) {
        add_point(page, values,
                  shown > 1 ? (2 * i * (all - 1) + shown - 1) / (2 * (shown - 1)) : 0);
    }
}

/* --- words ----------------------------------------------------------------------------------------- */

/* The point with the worst tail. */
static const struct point *worst(const struct page *page)
{
    const struct point *found = &page->point[0];
    for (size_t i = 1; i < page->points; i++) {
        const struct point *point = &page->point[i];
        found = point->statistic[ES_95].value > found->statistic[ES_95].value ? point : found;
    }
    return found;
}

/* What the worst seeds have: of fewer than twenty a twentieth is less than one, and where fewer than that lose
 * anything their value at risk is nothing. However many have just as much, a twentieth has that or more. */
static void say_tail(const struct page *page, const struct point *point, char out[TEXT])
{
    char at_risk[FL_QUANTITY_TEXT], shortfall[FL_QUANTITY_TEXT], most[FL_WORDING];
    fl_quantity_text(point->loss[point->count - 1], page->unit, most);
    fl_quantity_estimate(point->statistic[VAR_95], page->unit, at_risk);
    fl_quantity_estimate(point->statistic[ES_95], page->unit, shortfall);
    if (point->count < SEEDS_LEAST) {
        fl_say(out, TEXT, "the worst of %zu seed%s has %s", point->count,
               point->count == 1 ? "" : "s", most);
    } else if (point->statistic[VAR_95].value <= 0) {
        fl_say(out, TEXT, "%zu of %zu seeds have any, up to %s", point->losing, point->count, most);
    } else {
        fl_say(out, TEXT, "the worst twentieth of the seeds have %s or more, %s on average",
               at_risk, shortfall);
    }
}

static void say_title(const struct page *page, char out[3 * TEXT])
{
    const struct point *point = worst(page);
    char mean[FL_QUANTITY_TEXT], name[FL_WORDING], tail[TEXT];
    fl_quantity_name(page->metric, name);
    if (page->most <= 0) {
        fl_say(out, 3 * TEXT, "No seed has any %s at any of these points", name);
        return;
    }
    fl_quantity_estimate(point->statistic[MEAN], page->unit, mean);
    say_tail(page, point, tail);
    fl_say(out, 3 * TEXT, "With %s the %s is %s in the mean; %s", point->name, name, mean, tail);
}

static bool lacks_interval(const struct page *page)
{
    for (size_t i = 0; i < page->points; i++) {
        if (!isfinite(page->point[i].statistic[ES_95].low)) {
            return true;
        }
    }
    return false;
}

static void say_subtitle(const struct page *page, char out[2 * TEXT])
{
    fl_say(out, 2 * TEXT, "sweep %s · %s · ", page->sweep, page->metric);
    if (page->points < page->rows->points) {
        fl_say(out + strlen(out), 2 * TEXT - strlen(out), "%zu of %zu points · ", page->points,
               page->rows->points);
    }
    if (page->failed > 0) {
        fl_say(out + strlen(out), 2 * TEXT - strlen(out),
               "%zu runs that did not end well are left out · ", page->failed);
    }
    fl_say(out + strlen(out), 2 * TEXT - strlen(out),
           "[95 %% intervals] · bars: seeds with a loss, each row to its own height");
    if (lacks_interval(page)) {
        fl_say(out + strlen(out), 2 * TEXT - strlen(out),
               " · no interval of ES with fewer than %d seeds beyond VaR", FL_TAIL_LEAST);
    }
}

/* --- files ----------------------------------------------------------------------------------------- */

/* Block 0: bars, their heights as shares of the row's highest. */
static void write_bars(struct fl_sketch *sketch, const struct page *page, double unit)
{
    const double width = (page->most > 0 ? page->most : unit) / BINS;
    fputs("# row\tfrom\tto\theight\tseeds\n", sketch->data);
    for (size_t p = 0; p < page->points; p++) {
        const struct point *point = &page->point[p];
        size_t bin[BINS] = {0}, highest = 1;
        for (size_t i = 0; i < point->count; i++) {
            if (point->loss[i] > 0) {
                const size_t b = (size_t)(point->loss[i] / width);
                const size_t at = b < BINS ? b : BINS - 1;
                bin[at]++;
                highest = bin[at] > highest ? bin[at] : highest;
            }
        }
        for (size_t b = 0; b < BINS; b++) {
            fprintf(sketch->data, "%zu\t%.9g\t%.9g\t%.9g\t%zu\n", p + 1, (double)b * width / unit,
                    (double)(b + 1) * width / unit, (double)bin[b] / (double)highest, bin[b]);
        }
    }
    fputs("\n\n", sketch->data);
}

/* Block 1: the statistics; an end that is not finite is that of the loss's own axis. */
static void write_statistics(struct fl_sketch *sketch, const struct page *page, double unit)
{
    fputs("# row\tstatistic\tvalue\tlow\thigh\n", sketch->data);
    for (size_t p = 0; p < page->points; p++) {
        for (int s = 0; s < STATISTICS; s++) {
            const struct fl_estimate e = page->point[p].statistic[s];
            const bool ends = isfinite(e.low) && isfinite(e.high);
            fprintf(sketch->data, "%zu\t%d\t%.9g\t%.9g\t%.9g\n", p + 1, s + 1, e.value / unit,
                    (ends ? e.low : e.value) / unit, (ends ? e.high : e.value) / unit);
        }
    }
    fputs("\n\n", sketch->data);
}

static void write_share(struct fl_sketch *sketch, double loss, struct fl_estimate share)
{
    fprintf(sketch->data, "%.9g\t%.9g\t%.9g\t%.9g\n", loss, share.value, share.low, share.high);
}

/* A block for each point: steps of the share of seeds that lose as much or more, and of its interval. Between
 * two losses it is that of the larger; all lose as much as nothing, or as the smallest if that is a gain. */
static void write_exceedance(struct fl_sketch *sketch, const struct page *page, double unit)
{
    for (size_t p = 0; p < page->points; p++) {
        const struct point *point = &page->point[p];
        double from = fmin(0, page->least);
        fprintf(sketch->data, "# %zu: loss\tshare\tlow\thigh\n", p + 1);
        for (size_t i = 0; i < point->count; i++) {
            if (i > 0 && point->loss[i] == point->loss[i - 1]) {
                continue;
            }
            const struct fl_estimate share = fl_wilson(point->count - i, point->count, page->alpha);
            if (point->loss[i] > from) {
                write_share(sketch, from / unit, share);
            }
            write_share(sketch, point->loss[i] / unit, share);
            from = point->loss[i];
        }
        fputs("\n\n", sketch->data);
    }
}

/* Where the label of a curve's end stands: from, to in pixels of the panel, and its share. */
struct end {
    double from, to, share;
    bool left; /* of the end, as there is no room on its right */
};

static double x_to(const struct page *page)
{
    return page->most > 0 ? page->most : page->least < 0 ? 0.1 * -page->least : 1;
}

static struct end end_of(const struct page *page, const char *label, double loss, double share)
{
    const double range = 1.06 * x_to(page) - page->least;
    const double x = (loss - page->least) / range * PANEL_WIDTH;
    const double width = fl_text_width(label, LABEL_POINTS, true) + LABEL_AIR;
    const bool left = x + width > PANEL_ROOM;
    return (struct end){left ? x - width : x, left ? x : x + width, share, left};
}

static bool hides(const struct end *one, const struct end *other)
{
    return one->from < other->to && other->from < one->to &&
           fmax(one->share, other->share) < LABEL_RATIO * fmin(one->share, other->share);
}

static void write_points(struct fl_sketch *sketch, const struct page *page, double unit)
{
    const char *name[POINTS_MOST], *words[POINTS_MOST], *line[POINTS_MOST];
    const char *end_name[POINTS_MOST];
    struct end ends[POINTS_MOST];
    char value[POINTS_MOST][TEXT];
    double end[POINTS_MOST], share[POINTS_MOST], left[POINTS_MOST], least = 1;
    for (size_t p = 0; p < page->points; p++) {
        const struct point *point = &page->point[p];
        size_t same = 1; /* seeds with the largest loss */
        while (same < point->count &&
               point->loss[point->count - 1 - same] == point->loss[point->count - 1]) {
            same++;
        }
        name[p] = point->name;
        words[p] = point->words;
        end[p] = point->loss[point->count - 1] / unit;
        share[p] = (double)same / (double)point->count;
        least = fmin(least, 1 / (double)point->count);
        write_value(page->rows, point, value[p]);
        ends[p] = end_of(page, value[p], point->loss[point->count - 1], share[p]);
        left[p] = ends[p].left;
        end_name[p] = value[p];
        for (size_t other = 0; other < p; other++) {
            end_name[p] = *end_name[other] && hides(&ends[other], &ends[p]) ? "" : end_name[p];
        }
    }
    fl_sketch_texts(sketch, "name", name, page->points);
    fl_sketch_texts(sketch, "words", words, page->points);
    fl_sketch_texts(sketch, "end_name", end_name, page->points);
    fl_sketch_numbers(sketch, "end", end, page->points);
    fl_sketch_numbers(sketch, "end_share", share, page->points);
    fl_sketch_numbers(sketch, "end_left", left, page->points);
    fl_sketch_number(sketch, "share_least", least);
    for (int s = 0; s < STATISTICS; s++) {
        static const char *const variable[STATISTICS] = {"mean", "var95", "es95", "var99"};
        for (size_t p = 0; p < page->points; p++) {
            line[p] = page->point[p].line[s];
        }
        fl_sketch_texts(sketch, variable[s], line, page->points);
    }
}

static void write_page(struct fl_sketch *sketch, const struct page *page)
{
    char title[3 * TEXT], subtitle[2 * TEXT], axis[FL_WORDING], label[3 * FL_WORDING],
        name[FL_WORDING];
    const double unit = fl_quantity_axis(fmax(page->most, -page->least), page->unit, axis);
    say_title(page, title);
    say_subtitle(page, subtitle);
    fl_quantity_name(page->metric, name);
    fl_say(label, sizeof label, *axis ? "%s [%s]" : "%s", name, axis);
    fl_sketch_title(sketch, title, TITLE_POINTS, 0.975 * PAGE_WIDTH);
    fl_sketch_text(sketch, "subtitle", subtitle);
    fl_sketch_text(sketch, "x_label", label);
    fl_sketch_number(sketch, "x_from", page->least / unit);
    fl_sketch_number(sketch, "x_to", x_to(page) / unit);
    write_points(sketch, page, unit);
    write_bars(sketch, page, unit);
    write_statistics(sketch, page, unit);
    write_exceedance(sketch, page, unit);
}

/* --- the whole ------------------------------------------------------------------------------------- */

static int draw(struct page *page, const double *values, const struct fl_plot *plot, char *path_out,
                size_t bytes)
{
    int status = EXIT_USAGE;
    add_points(page, values);
    if (page->points > 0) {
        struct fl_sketch sketch;
        fl_sketch_begin(&sketch, "loss");
        write_page(&sketch, page);
        status = fl_sketch_draw(&sketch, style, sizeof style, plot, path_out, bytes);
    } else {
        fprintf(stderr, "faultline: %s: none of its runs ended well\n", plot->folder[0]);
    }
    for (size_t p = 0; p < page->points; p++) {
        free(page->point[p].loss);
    }
    return status;
}

static int draw_rows(struct fl_trace *trace, const struct fl_rows *rows, const struct fl_plot *plot,
                     char *path_out, size_t bytes)
{
    struct page page = {.rows = rows, .alpha = ALPHA / (double)rows->looks};
    page.metric = fl_rows_choose(trace, plot->folder[0], rows, plot->metric);
    if (!page.metric) {
        return EXIT_USAGE;
    }
    double *values = fl_rows_metric(trace, plot->folder[0], rows, page.metric, &page.unit);
    if (!values) {
        return EXIT_IO;
    }
    char *name = fl_trace_attribute(trace, "/", "name");
    fl_say(page.sweep, sizeof page.sweep, "%s", name ? name : "");
    free(name);
    const int status = draw(&page, values, plot, path_out, bytes);
    free(values);
    return status;
}

static int draw_loss(const struct fl_plot *plot, char *path_out, size_t bytes)
{
    char error[8192];
    struct fl_trace *trace = fl_trace_open_sweep(plot->folder[0], error, sizeof error);
    if (!trace) {
        fprintf(stderr, "faultline: %s\n", error);
        return EXIT_IO;
    }
    struct fl_rows rows;
    const int status = fl_rows_read(trace, plot->folder[0], &rows)
                           ? draw_rows(trace, &rows, plot, path_out, bytes)
                           : EXIT_IO;
    fl_rows_free(&rows);
    fl_trace_close(trace);
    return status;
}

const struct fl_figure_kind fl_figure_loss = {
    .name = "loss",
    .doc = "the distribution of losses at the points of a sweep, with its tail, VaR and ES",
    .least = 1,
    .most = 1,
    .takes = FL_TAKES_METRIC,
    .draw = draw_loss};
