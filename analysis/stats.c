/* The statistics of a sweep: a table for people, JSON for programs. */
#include "analysis/analysis.h"
#include "analysis/estimate.h"
#include "analysis/rows.h"
#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/mistake.h"

#include <cjson/cJSON.h>
#include <gsl/gsl_math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, EXIT_IO = 3, LEVELS = 2, CELL = 96 };
static const double level[LEVELS] = {0.95, 0.99};
static const char *const level_text[LEVELS] = {"95 %", "99 %"};

/* Of the runs of one point that ended well. */
struct point {
    size_t count, hits; /* hits: the metric is above 0 */
    struct fl_estimate mean, median, at_risk[LEVELS], shortfall[LEVELS], wilson, exact;
    size_t pairs; /* with a run of the first point that has the same seed */
    struct fl_estimate difference;
};

/* --- estimates --------------------------------------------------------------------------------------- */

static void pair(const double *first, const double *now, size_t replicates, double alpha,
                 struct point *out)
{
    double *a = fl_alloc(replicates, sizeof *a), *b = fl_alloc(replicates, sizeof *b);
    for (size_t r = 0; r < replicates; r++) {
        if (!isnan(first[r]) && !isnan(now[r])) {
            a[out->pairs] = now[r];
            b[out->pairs++] = first[r];
        }
    }
    if (out->pairs > 0) {
        out->difference = fl_paired_at(a, b, out->pairs, alpha);
    }
    free(a);
    free(b);
}

static struct point estimate(const double *metric, size_t replicates, size_t number, double alpha)
{
    const double *now = metric + number * replicates;
    double *values = fl_alloc(replicates, sizeof *values);
    struct point p = {0};
    for (size_t r = 0; r < replicates; r++) {
        if (!isnan(now[r])) {
            values[p.count++] = now[r];
            p.hits += now[r] > 0;
        }
    }
    if (p.count > 0) {
        p.mean = fl_mean_at(values, p.count, alpha);
        p.median = fl_quantile_at(values, p.count, 0.5, alpha);
        for (size_t k = 0; k < LEVELS; k++) {
            p.at_risk[k] = fl_value_at_risk(values, p.count, level[k], alpha);
            p.shortfall[k] = fl_expected_shortfall(values, p.count, level[k], alpha);
        }
        p.wilson = fl_wilson(p.hits, p.count, alpha);
        p.exact = fl_clopper_pearson(p.hits, p.count, alpha);
        pair(metric, now, replicates, alpha, &p);
    }
    free(values);
    return p;
}

/* --- for people -------------------------------------------------------------------------------------- */

/* Cells of equal width in each column; numbers to the right. */
struct sheet {
    size_t rows, columns;
    char (*cell)[CELL]; /* [row * columns + column] */
};

static char *cell(struct sheet *sheet, size_t row, size_t *column)
{
    FL_ASSERT(row < sheet->rows && *column < sheet->columns);
    return sheet->cell[row * sheet->columns + (*column)++];
}

static size_t width_of(const struct sheet *sheet, size_t column)
{
    size_t width = 0;
    for (size_t row = 0; row < sheet->rows; row++) {
        const size_t length = strlen(sheet->cell[row * sheet->columns + column]);
        width = length > width ? length : width;
    }
    return width;
}

/* No spaces at the end of a line. */
static void print_sheet(const struct sheet *sheet)
{
    for (size_t row = 0; row < sheet->rows; row++) {
        int gap = 0;
        for (size_t column = 0; column < sheet->columns; column++) {
            const char *text = sheet->cell[row * sheet->columns + column];
            const int width = (int)width_of(sheet, column);
            if (*text) {
                printf("%*s%*s", gap, "", width, text);
            }
            gap = (*text ? 0 : gap + width) + 2;
        }
        putchar('\n');
    }
}

/* Six significant digits, whole numbers in full, no exponents: "1234567", "12.3457", "0". */
static void number_text(double value, char out[CELL])
{
    if (!isfinite(value)) {
        fl_say(out, CELL, "%s", isnan(value) ? "-" : value < 0 ? "-inf" : "inf");
        return;
    }
    const double size = fabs(value);
    const int whole = size >= 1 ? (int)floor(log10(size)) + 1 : 1;
    fl_say(out, CELL, "%.*f", whole < 6 ? 6 - whole : 0, value);
    if (strchr(out, '.')) {
        char *end = out + strlen(out);
        while (end[-1] == '0') {
            *--end = '\0';
        }
        end[-1] = end[-1] == '.' ? '\0' : end[-1];
    }
    if (strcmp(out, "-0") == 0) {
        fl_say(out, CELL, "0");
    }
}

static void interval_text(struct fl_estimate e, char out[CELL])
{
    char value[CELL], low[CELL], high[CELL];
    number_text(e.value, value);
    number_text(e.low, low);
    number_text(e.high, high);
    fl_say(out, CELL, "%.30s [%.30s, %.30s]", value, low, high);
}

/* The last word of a path, or all of it if two axes end alike. */
static const char *axis_name(const struct fl_rows *rows, size_t axis)
{
    const char *dot = strrchr(rows->axis[axis], '.');
    for (size_t i = 0; dot && i < rows->axes; i++) {
        const char *other = strrchr(rows->axis[i], '.');
        if (i != axis && other && strcmp(dot, other) == 0) {
            return rows->axis[axis];
        }
    }
    return dot ? dot + 1 : rows->axis[axis];
}

static void fill_head(struct sheet *sheet, const struct fl_rows *rows, const char *at_risk)
{
    size_t c = 0;
    fl_say(cell(sheet, 0, &c), CELL, "point");
    for (size_t i = 0; i < rows->axes; i++) {
        fl_say(cell(sheet, 0, &c), CELL, "%s", axis_name(rows, i));
    }
    fl_say(cell(sheet, 0, &c), CELL, "n");
    fl_say(cell(sheet, 0, &c), CELL, "mean");
    fl_say(cell(sheet, 0, &c), CELL, "median");
    for (size_t k = 0; k < LEVELS; k++) {
        fl_say(cell(sheet, 0, &c), CELL, "%s %s", at_risk, level_text[k]);
        fl_say(cell(sheet, 0, &c), CELL, "ES %s", level_text[k]);
    }
    fl_say(cell(sheet, 0, &c), CELL, "above 0, %%");
    fl_say(cell(sheet, 0, &c), CELL, "more than point 0");
}

static void fill_row(struct sheet *sheet, const struct fl_rows *rows, size_t number,
                     const struct point *p)
{
    size_t c = 0;
    fl_say(cell(sheet, number + 1, &c), CELL, "%zu", number);
    for (size_t i = 0; i < rows->axes; i++) {
        fl_say(cell(sheet, number + 1, &c), CELL, "%s", rows->value[i][number * rows->replicates]);
    }
    fl_say(cell(sheet, number + 1, &c), CELL, "%zu", p->count);
    if (p->count == 0) {
        return;
    }
    interval_text(p->mean, cell(sheet, number + 1, &c));
    number_text(p->median.value, cell(sheet, number + 1, &c));
    for (size_t k = 0; k < LEVELS; k++) {
        number_text(p->at_risk[k].value, cell(sheet, number + 1, &c));
        number_text(p->shortfall[k].value, cell(sheet, number + 1, &c));
    }
    fl_say(cell(sheet, number + 1, &c), CELL, "%.1f [%.1f, %.1f]", 100 * p->wilson.value,
           100 * p->wilson.low, 100 * p->wilson.high);
    if (p->pairs > 0 && number > 0) {
        interval_text(p->difference, cell(sheet, number + 1, &c));
    }
}

static void print_table(const struct fl_rows *rows, const char *metric, const char *unit,
                        double alpha, const struct point *points)
{
    enum { FIXED = 10 }; /* columns beside those of the axes */
    struct sheet sheet = {.rows = rows->points + 1, .columns = rows->axes + FIXED};
    sheet.cell = fl_alloc(sheet.rows * sheet.columns, sizeof *sheet.cell);
    char share[CELL];
    number_text(100 * (1 - alpha), share);
    printf("%s%s%s%s; [intervals] at %s %%\n", metric, *unit ? " (" : "", unit, *unit ? ")" : "",
           share);
    /* What is liquidated is at risk of it: the same quantile has another name. */
    fill_head(&sheet, rows, strcmp(metric, "ledger.liquidated") == 0 ? "LaR" : "VaR");
    for (size_t i = 0; i < rows->points; i++) {
        fill_row(&sheet, rows, i, &points[i]);
    }
    print_sheet(&sheet);
    free(sheet.cell);
}

/* --- for programs ------------------------------------------------------------------------------------ */

/* null where there is no number, or none that is finite */
static void add_number(cJSON *object, const char *name, double value)
{
    if (isfinite(value)) {
        cJSON_AddNumberToObject(object, name, value);
    } else {
        cJSON_AddNullToObject(object, name);
    }
}

static cJSON *add_estimate(cJSON *object, const char *name, struct fl_estimate e)
{
    cJSON *item = cJSON_AddObjectToObject(object, name);
    add_number(item, "value", e.value);
    add_number(item, "low", e.low);
    add_number(item, "high", e.high);
    return item;
}

static cJSON *point_json(const struct fl_rows *rows, size_t number, const struct point *p)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddNumberToObject(item, "point", (double)number);
    cJSON *axes = cJSON_AddObjectToObject(item, "axes");
    for (size_t i = 0; i < rows->axes; i++) {
        cJSON_AddStringToObject(axes, rows->axis[i], rows->value[i][number * rows->replicates]);
    }
    cJSON_AddNumberToObject(item, "n", (double)p->count);
    cJSON_AddNumberToObject(item, "not_ended_well", (double)(rows->replicates - p->count));
    if (p->count == 0) {
        return item;
    }
    add_estimate(item, "mean", p->mean);
    add_estimate(item, "median", p->median);
    cJSON *tails = cJSON_AddArrayToObject(item, "tails");
    for (size_t k = 0; k < LEVELS; k++) {
        cJSON *tail = cJSON_CreateObject();
        cJSON_AddItemToArray(tails, tail);
        cJSON_AddNumberToObject(tail, "level", level[k]);
        add_estimate(tail, "value_at_risk", p->at_risk[k]);
        add_estimate(tail, "expected_shortfall", p->shortfall[k]);
    }
    cJSON *above = cJSON_AddObjectToObject(item, "above_zero");
    cJSON_AddNumberToObject(above, "count", (double)p->hits);
    add_estimate(above, "wilson", p->wilson);
    add_estimate(above, "clopper_pearson", p->exact);
    if (p->pairs > 0) {
        cJSON *difference = add_estimate(item, "difference_to_point_0", p->difference);
        cJSON_AddNumberToObject(difference, "pairs", (double)p->pairs);
    }
    return item;
}

static cJSON *metric_json(const struct fl_rows *rows, const char *metric, const char *unit,
                          const struct point *points)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "metric", metric);
    cJSON_AddStringToObject(object, "unit", unit);
    cJSON *list = cJSON_AddArrayToObject(object, "points");
    for (size_t i = 0; i < rows->points; i++) {
        cJSON_AddItemToArray(list, point_json(rows, i, &points[i]));
    }
    return object;
}

/* --- the whole --------------------------------------------------------------------------------------- */

/* One metric, to stdout or to the end of `json`. */
static bool tell_metric(struct fl_trace *trace, const struct fl_stats *stats,
                        const struct fl_rows *rows, const char *metric, cJSON *json)
{
    const char *unit;
    double *values = fl_rows_metric(trace, stats->directory, rows, metric, &unit);
    if (!values) {
        return false;
    }
    struct point *points = fl_alloc(rows->points, sizeof *points);
    size_t missing = 0;
    for (size_t i = 0; i < rows->points; i++) {
        points[i] = estimate(values, rows->replicates, i, stats->alpha);
        missing += rows->replicates - points[i].count;
    }
    if (json) {
        cJSON_AddItemToArray(json, metric_json(rows, metric, unit, points));
    } else {
        print_table(rows, metric, unit, stats->alpha, points);
    }
    if (missing > 0) {
        fprintf(stderr, "faultline: %s: %zu of %zu runs did not end well and are left out\n",
                metric, missing, rows->points * rows->replicates);
    }
    free(points);
    free(values);
    return true;
}

/* 0, or the status after a line on stderr. */
static int check_metric(struct fl_trace *trace, const struct fl_stats *stats,
                        const struct fl_rows *rows)
{
    struct fl_guess guess = {.wanted = stats->metric};
    bool known = false, any = false;
    for (size_t i = 0; i < rows->metrics; i++) {
        any |= fl_rows_is_number(trace, rows->metric[i]);
        known |= stats->metric && strcmp(rows->metric[i], stats->metric) == 0;
        if (stats->metric) {
            fl_guess_offer(&guess, rows->metric[i]);
        }
    }
    if (!stats->metric && any) {
        return 0;
    }
    if (!stats->metric) {
        fprintf(stderr, "faultline: %s: none of its metrics is a number\n", stats->directory);
    } else if (!known) {
        fprintf(stderr, "faultline: --metric %s: not in this sweep%s\n", stats->metric,
                fl_guess_hint(&guess).text);
    } else if (!fl_rows_is_number(trace, stats->metric)) {
        fprintf(stderr, "faultline: --metric %s: words, not numbers\n", stats->metric);
    } else {
        return 0;
    }
    return EXIT_USAGE;
}

static int tell(struct fl_trace *trace, const struct fl_stats *stats, const struct fl_rows *rows)
{
    const int status = check_metric(trace, stats, rows);
    if (status != 0) {
        return status;
    }
    cJSON *json = stats->json ? cJSON_CreateObject() : NULL, *metrics = NULL;
    if (json) {
        cJSON_AddNumberToObject(json, "alpha", stats->alpha);
        metrics = cJSON_AddArrayToObject(json, "metrics");
    }
    bool ok = true;
    size_t told = 0;
    for (size_t i = 0; i < rows->metrics && ok; i++) {
        const char *metric = rows->metric[i];
        if (stats->metric ? strcmp(metric, stats->metric) == 0 : fl_rows_is_number(trace, metric)) {
            fputs(told++ > 0 && !json ? "\n" : "", stdout);
            ok = tell_metric(trace, stats, rows, metric, metrics);
        }
    }
    if (json && ok) {
        char *text = cJSON_Print(json);
        puts(text);
        free(text);
    }
    cJSON_Delete(json);
    return ok ? 0 : EXIT_IO;
}

int fl_stats(const struct fl_stats *stats)
{
    char error[8192];
    struct fl_rows rows;
    struct fl_trace *trace = fl_trace_open_sweep(stats->directory, error, sizeof error);
    if (!trace) {
        fprintf(stderr, "faultline: %s\n", error);
        return EXIT_IO;
    }
    const int status = fl_rows_read(trace, stats->directory, &rows) ? tell(trace, stats, &rows)
                                                                    : EXIT_IO;
    fl_rows_free(&rows);
    fl_trace_close(trace);
    return status;
}
