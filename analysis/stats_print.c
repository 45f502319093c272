/* The statistics of a sweep: a table for people, JSON for programs. */
#include "analysis/stats.h"

#include "analysis/wording.h"
#include "sim/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 96 };

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
    for (size_t k = 0; k < FL_STATS_LEVELS; k++) {
        fl_say(cell(sheet, 0, &c), CELL, "%s %s", at_risk, fl_stats_level[k].text);
        fl_say(cell(sheet, 0, &c), CELL, "ES %s", fl_stats_level[k].text);
    }
    fl_say(cell(sheet, 0, &c), CELL, "above 0, %%");
    fl_say(cell(sheet, 0, &c), CELL, "more than point 0");
}

static void fill_row(struct sheet *sheet, const struct fl_rows *rows, size_t number,
                     const struct fl_stats_point *p)
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
    for (size_t k = 0; k < FL_STATS_LEVELS; k++) {
        number_text(p->at_risk[k].value, cell(sheet, number + 1, &c));
        number_text(p->shortfall[k].value, cell(sheet, number + 1, &c));
    }
    fl_say(cell(sheet, number + 1, &c), CELL, "%.1f [%.1f, %.1f]", 100 * p->wilson.value,
           100 * p->wilson.low, 100 * p->wilson.high);
    if (p->pairs > 0 && number > 0) {
        interval_text(p->difference, cell(sheet, number + 1, &c));
    }
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
    enum { FIXED = 10 }; /* columns beside those of the axes */
    const struct fl_rows *rows = metric->rows;
    struct sheet sheet = {.rows = rows->points + 1, .columns = rows->axes + FIXED};
    sheet.cell = fl_alloc(sheet.rows * sheet.columns, sizeof *sheet.cell);
    char share[CELL];
    number_text(100 * (1 - metric->alpha), share);
    printf("%s%s%s%s; [intervals] at %s %%", metric->name, *metric->unit ? " (" : "", metric->unit,
           *metric->unit ? ")" : "", share);
    if (rows->looks > 1) {
        number_text(100 * (1 - metric->alpha * (double)rows->looks), share);
        printf(", for %s %% over %zu looks", share, rows->looks);
    }
    putchar('\n');
    /* What is liquidated is at risk of it: the same quantile has another name. */
    fill_head(&sheet, rows, strcmp(metric->name, "ledger.liquidated") == 0 ? "LaR" : "VaR");
    for (size_t i = 0; i < rows->points; i++) {
        fill_row(&sheet, rows, i, &metric->point[i]);
    }
    print_sheet(&sheet);
    free(sheet.cell);
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
