/* sweep.h5 as columns of a full grid, whether or not it has all rows. */
#include "analysis/rows.h"

#include "analysis/quantity.h"
#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/mistake.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_PATH = 1024 };

__attribute__((format(printf, 2, 3))) static bool refuse(const char *directory, const char *format,
                                                         ...)
{
    char sentence[2 * ROWS_PATH];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    fprintf(stderr, "faultline: %s/sweep.h5: %s\n", directory, sentence);
    return false;
}

/* --- columns --------------------------------------------------------------------------------------- */

char **fl_rows_words(struct fl_trace *trace, const char *path, size_t *count)
{
    char **text = fl_trace_text(trace, path, count);
    int64_t *numbers = text ? NULL : fl_trace_int64(trace, path, count);
    if (!numbers) {
        return text;
    }
    enum { CELL = 32 };
    text = fl_alloc(*count, sizeof *text + CELL);
    for (size_t i = 0; i < *count; i++) {
        text[i] = (char *)(text + *count) + i * CELL;
        snprintf(text[i], CELL, "%" PRId64, numbers[i]);
    }
    free(numbers);
    return text;
}

int64_t *fl_rows_integers(struct fl_trace *trace, const char *directory, const char *path,
                          size_t count)
{
    size_t rows;
    int64_t *values = fl_trace_int64(trace, path, &rows);
    if (!values) {
        fprintf(stderr, "faultline: %s\n", fl_trace_error(trace));
    } else if (rows != count) {
        refuse(directory, "%s has %zu rows of %zu", path, rows, count);
        free(values);
        values = NULL;
    }
    return values;
}

/* --- the grid -------------------------------------------------------------------------------------- */

/* The words of the rows that are there, and of an absent one the first of its point. */
static char **spread_words(const struct fl_rows *rows, char **words, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        length += strlen(words[i]) + 1;
    }
    char **grid = fl_alloc(1, rows->points * rows->replicates * sizeof *grid + length);
    char *room = (char *)(grid + rows->points * rows->replicates);
    for (size_t point = 0, row = 0; point < rows->points; point++) {
        char **place = grid + point * rows->replicates;
        for (size_t r = 0; r < rows->replicates; r++) {
            place[r] = place[0];
            if (r < rows->runs[point]) {
                place[r] = strcpy(room, words[row++]);
                room += strlen(room) + 1;
            }
        }
    }
    return grid;
}

static bool read_axes(struct fl_trace *trace, const char *directory, struct fl_rows *rows)
{
    rows->axis = fl_trace_children(trace, "/axes", &rows->axes);
    rows->value = fl_alloc(rows->axes, sizeof *rows->value);
    for (size_t i = 0; i < rows->axes; i++) {
        char path[ROWS_PATH];
        size_t found;
        fl_say(path, sizeof path, "/axes/%s", rows->axis[i]);
        char **words = fl_rows_words(trace, path, &found);
        if (!words) {
            fprintf(stderr, "faultline: %s\n", fl_trace_error(trace));
            return false;
        }
        const bool whole = found == rows->count;
        if (whole) {
            rows->value[i] = spread_words(rows, words, found);
        }
        free(words);
        if (!whole) {
            return refuse(directory, "%s has %zu rows of %zu", path, found, rows->count);
        }
    }
    return true;
}

/* Each point has replicates 0, 1, 2, ..., at least one. */
static bool read_order(const int64_t *point, const int64_t *replicate, size_t count,
                       struct fl_rows *rows)
{
    rows->count = count;
    rows->runs = fl_alloc(count, sizeof *rows->runs);
    for (size_t row = 0; row < count; row++) {
        const bool next = row == 0 || point[row] != point[row - 1];
        rows->points += next;
        if ((uint64_t)point[row] != rows->points - 1 ||
            (uint64_t)replicate[row] != rows->runs[rows->points - 1]) {
            return false;
        }
        const size_t runs = ++rows->runs[rows->points - 1];
        rows->replicates = runs > rows->replicates ? runs : rows->replicates;
    }
    return count > 0;
}

/* How often the plan looked at a point; 1 if it did not say. */
static size_t read_looks(struct fl_trace *trace)
{
    char *text = fl_trace_attribute(trace, "/", "plan_json");
    cJSON *plan = text ? cJSON_Parse(text) : NULL;
    const int looks = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(plan, "looks"));
    cJSON_Delete(plan);
    free(text);
    return looks > 0 ? (size_t)looks : 1;
}

bool fl_rows_read(struct fl_trace *trace, const char *directory, struct fl_rows *rows)
{
    *rows = (struct fl_rows){0};
    size_t count;
    int64_t *point = fl_trace_int64(trace, "/rows/point", &count);
    if (!point) {
        fprintf(stderr, "faultline: %s\n", fl_trace_error(trace));
        return false;
    }
    int64_t *replicate = fl_rows_integers(trace, directory, "/rows/replicate", count);
    bool ok = replicate != NULL;
    if (ok && !read_order(point, replicate, count, rows)) {
        ok = refuse(directory, "expected points 0, 1, 2, ... and at each replicates 0, 1, 2, ...");
    }
    free(point);
    free(replicate);
    ok = ok && read_axes(trace, directory, rows);
    rows->looks = read_looks(trace);
    rows->metric = fl_trace_children(trace, "/metrics", &rows->metrics);
    return ok;
}

void fl_rows_free(struct fl_rows *rows)
{
    for (size_t i = 0; i < rows->axes && rows->value; i++) {
        free(rows->value[i]);
    }
    free(rows->value);
    free(rows->runs);
    free(rows->axis);
    free(rows->metric);
}

/* --- metrics --------------------------------------------------------------------------------------- */

bool fl_rows_is_number(struct fl_trace *trace, const char *metric)
{
    char path[ROWS_PATH];
    fl_say(path, sizeof path, "/metrics/%s", metric);
    char *stored = fl_trace_attribute(trace, path, "units");
    const bool number = stored && strcmp(stored, "text") != 0;
    free(stored);
    return number;
}

bool fl_rows_offer(struct fl_trace *trace, const struct fl_rows *rows, const char *metric)
{
    struct fl_guess guess = {.wanted = metric};
    bool known = false;
    for (size_t i = 0; i < rows->metrics; i++) {
        known |= strcmp(rows->metric[i], metric) == 0;
        fl_guess_offer(&guess, rows->metric[i]);
    }
    if (!known) {
        fprintf(stderr, "faultline: --metric %s: not in this sweep%s\n", metric,
                fl_guess_hint(&guess).text);
    } else if (!fl_rows_is_number(trace, metric)) {
        fprintf(stderr, "faultline: --metric %s: words, not numbers\n", metric);
        known = false;
    }
    return known;
}

/* The grid of a column's values. */
static double *spread_numbers(const struct fl_rows *rows, const int64_t *stored, double scale)
{
    double *values = fl_alloc(rows->points * rows->replicates, sizeof *values);
    for (size_t point = 0, row = 0; point < rows->points; point++) {
        double *place = values + point * rows->replicates;
        for (size_t r = 0; r < rows->replicates; r++) {
            place[r] = NAN;
            if (r < rows->runs[point]) {
                place[r] = stored[row] == INT64_MIN ? NAN : (double)stored[row] * scale;
                row++;
            }
        }
    }
    return values;
}

double fl_rows_scale(struct fl_trace *trace, const char *directory, const char *metric,
                     const char **unit)
{
    char path[ROWS_PATH];
    fl_say(path, sizeof path, "/metrics/%s", metric);
    char *name = fl_trace_attribute(trace, path, "units");
    double scale = 0;
    if (!name || !fl_quantity_unit(name, unit, &scale)) {
        refuse(directory, "%s has a unit that this program does not know", path);
        scale = 0;
    }
    free(name);
    return scale;
}

double *fl_rows_metric(struct fl_trace *trace, const char *directory, const struct fl_rows *rows,
                       const char *metric, const char **unit)
{
    char path[ROWS_PATH];
    fl_say(path, sizeof path, "/metrics/%s", metric);
    int64_t *stored = fl_rows_integers(trace, directory, path, rows->count);
    const double scale = stored ? fl_rows_scale(trace, directory, metric, unit) : 0;
    double *values = scale > 0 ? spread_numbers(rows, stored, scale) : NULL;
    free(stored);
    return values;
}
