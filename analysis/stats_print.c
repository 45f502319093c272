/* The statistics of a sweep: a table for people, JSON for programs. */
#include "analysis/stats.h"

#include "analysis/aligned.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 96, ESTIMATES = 4 + 2 * FL_STATS_LEVELS };

/* --- for people -------------------------------------------------------------------------------------- */

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

static void add_head(struct fl_aligned *table, const struct fl_rows *rows, const char *at_risk)
{
    fl_aligned_add(table, "point");
    for (size_t i = 0; i < rows->axes; i++) {
        fl_aligned_add(table, "%s", axis_name(rows, i));
    }
    fl_aligned_add(table, "n");
    fl_aligned_add(table, "mean");
    fl_aligned_add(table, "median");
    for (size_t k = 0; k < FL_STATS_LEVELS; k++) {
        fl_aligned_add(table, "%s %s", at_risk, fl_stats_level[k].text);
        fl_aligned_add(table, "ES %s", fl_stats_level[k].text);
    }
    fl_aligned_add(table, "above 0, %%");
    fl_aligned_add(table, "more than point 0");
}

static void add_number_text(struct fl_aligned *table, double value)
{
    char text[CELL];
    number_text(value, text);
    fl_aligned_add(table, "%s", text);
}

static void add_interval(struct fl_aligned *table, struct fl_estimate e)
{
    char text[CELL];
    interval_text(e, text);
    fl_aligned_add(table, "%s", text);
}

static void add_row(struct fl_aligned *table, const struct fl_rows *rows, size_t number,
                    const struct fl_stats_point *p)
{
    fl_aligned_add(table, "%zu", number);
    for (size_t i = 0; i < rows->axes; i++) {
        fl_aligned_add(table, "%s", rows->value[i][number * rows->replicates]);
    }
    fl_aligned_add(table, "%zu", p->count);
    if (p->count == 0) {
        for (int i = 0; i < ESTIMATES; i++) {
            fl_aligned_add(table, "%s", "");
        }
        return;
    }
    add_interval(table, p->mean);
    add_number_text(table, p->median.value);
    for (size_t k = 0; k < FL_STATS_LEVELS; k++) {
        add_number_text(table, p->at_risk[k].value);
        add_number_text(table, p->shortfall[k].value);
    }
    fl_aligned_add(table, "%.1f [%.1f, %.1f]", 100 * p->wilson.value, 100 * p->wilson.low,
                   100 * p->wilson.high);
    if (p->pairs > 0 && number > 0) {
        add_interval(table, p->difference);
    } else {
        fl_aligned_add(table, "%s", "");
    }
}

static void print_table(const struct fl_stats_metric *metric)
{
    const struct fl_rows *rows = metric->rows;
    const size_t columns = 1 + rows->axes + 1 + ESTIMATES; /* point, axes, n */
    char *sides = fl_alloc(columns + 1, sizeof *sides);
    memset(sides, 'r', columns);
    struct fl_aligned *table = fl_aligned_new(sides);
    /* What is liquidated is at risk of it: the same quantile has another name. */
    add_head(table, rows, strcmp(metric->name, "ledger.liquidated") == 0 ? "LaR" : "VaR");
    for (size_t i = 0; i < rows->points; i++) {
        add_row(table, rows, i, &metric->point[i]);
    }
    fl_aligned_print(table, stdout);
    free(sides);
}

static void print_onset(const struct fl_stats_metric *metric)
{
    char at[CELL];
    interval_text(metric->onset, at);
    printf("half of the seeds are above 0 at %s %s %s\n", metric->rows->axis[0],
           metric->down ? "<=" : ">=", at);
}

/* Beside the onset, which holds for any shape, to the spacing of the values. */
static void print_curve(const struct fl_stats_metric *metric)
{
    if (!metric->fits) {
        puts("no logistic curve: too few values, or seeds, at which some are above 0 and some not");
        return;
    }
    printf("along a logistic curve");
    for (size_t k = 0; k < FL_STATS_SHARES; k++) {
        char at[CELL];
        interval_text(fl_logistic_threshold(&metric->curve, fl_stats_share[k], metric->alpha), at);
        printf("%s %g %% are at %s", k > 0 ? "," : "", 100 * fl_stats_share[k], at);
    }
    puts("\n  (if that is its shape; the line above holds for any, to the spacing of the values;\n"
         "  runs of one seed are one observation in both)");
}

void fl_stats_print(const struct fl_stats_metric *metric)
{
    const struct fl_rows *rows = metric->rows;
    char share[CELL];
    number_text(100 * (1 - metric->alpha), share);
    printf("%s%s%s%s; [intervals] at %s %%", metric->name, *metric->unit ? " (" : "", metric->unit,
           *metric->unit ? ")" : "", share);
    if (rows->looks > 1) {
        number_text(100 * (1 - metric->alpha * (double)rows->looks), share);
        printf(", for %s %% over %zu looks", share, rows->looks);
    }
    putchar('\n');
    print_table(metric);
    if (metric->onset_seeds > 0) {
        print_onset(metric);
        print_curve(metric);
    }
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

/* null if there is none */
static void add_curve(cJSON *object, const struct fl_stats_metric *metric)
{
    if (!metric->fits) {
        cJSON_AddNullToObject(object, "logistic");
        return;
    }
    cJSON *curve = cJSON_AddObjectToObject(object, "logistic");
    add_number(curve, "intercept", metric->curve.intercept);
    add_number(curve, "slope", metric->curve.slope);
    cJSON *list = cJSON_AddArrayToObject(curve, "thresholds");
    for (size_t k = 0; k < FL_STATS_SHARES; k++) {
        cJSON *at = cJSON_CreateObject();
        cJSON_AddItemToArray(list, at);
        add_number(at, "share", fl_stats_share[k]);
        add_estimate(at, "at",
                     fl_logistic_threshold(&metric->curve, fl_stats_share[k], metric->alpha));
    }
}

static cJSON *point_json(const struct fl_rows *rows, size_t number, const struct fl_stats_point *p)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddNumberToObject(item, "point", (double)number);
    cJSON *axes = cJSON_AddObjectToObject(item, "axes");
    for (size_t i = 0; i < rows->axes; i++) {
        cJSON_AddStringToObject(axes, rows->axis[i], rows->value[i][number * rows->replicates]);
    }
    cJSON_AddNumberToObject(item, "n", (double)p->count);
    cJSON_AddNumberToObject(item, "not_ended_well", (double)(rows->runs[number] - p->count));
    if (p->count == 0) {
        return item;
    }
    add_estimate(item, "mean", p->mean);
    add_estimate(item, "median", p->median);
    cJSON *tails = cJSON_AddArrayToObject(item, "tails");
    for (size_t k = 0; k < FL_STATS_LEVELS; k++) {
        cJSON *tail = cJSON_CreateObject();
        cJSON_AddItemToArray(tails, tail);
        cJSON_AddNumberToObject(tail, "level", fl_stats_level[k].share);
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

cJSON *fl_stats_json(const struct fl_stats_metric *metric)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "metric", metric->name);
    cJSON_AddStringToObject(object, "unit", metric->unit);
    cJSON *list = cJSON_AddArrayToObject(object, "points");
    for (size_t i = 0; i < metric->rows->points; i++) {
        cJSON_AddItemToArray(list, point_json(metric->rows, i, &metric->point[i]));
    }
    if (metric->onset_seeds > 0) {
        cJSON *onset = add_estimate(object, "onset", metric->onset);
        cJSON_AddStringToObject(onset, "axis", metric->rows->axis[0]);
        cJSON_AddBoolToObject(onset, "down", metric->down);
        cJSON_AddNumberToObject(onset, "seeds", (double)metric->onset_seeds);
        add_curve(object, metric);
    }
    return object;
}
