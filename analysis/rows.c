/* sweep.h5 as columns of a full grid. */
#include "analysis/rows.h"

#include "analysis/wording.h"
#include "sim/alloc.h"

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

static bool read_axes(struct fl_trace *trace, const char *directory, struct fl_rows *rows)
{
    const size_t count = rows->points * rows->replicates;
    rows->axis = fl_trace_children(trace, "/axes", &rows->axes);
    rows->value = fl_alloc(rows->axes, sizeof *rows->value);
    for (size_t i = 0; i < rows->axes; i++) {
        char path[ROWS_PATH];
        size_t found;
        fl_say(path, sizeof path, "/axes/%s", rows->axis[i]);
        rows->value[i] = fl_rows_words(trace, path, &found);
        if (!rows->value[i]) {
            fprintf(stderr, "faultline: %s\n", fl_trace_error(trace));
            return false;
        }
        if (found != count) {
            return refuse(directory, "%s has %zu rows of %zu", path, found, count);
        }
    }
    return true;
}

/* Point and replicate of each row follow from its number. */
static bool is_grid(const int64_t *point, const int64_t *replicate, size_t count,
                    struct fl_rows *rows)
{
    rows->points = count > 0 && point[count - 1] >= 0 ? (size_t)point[count - 1] + 1 : 0;
    if (rows->points == 0 || rows->points > count || count % rows->points != 0) {
        return false;
    }
    rows->replicates = count / rows->points;
    for (size_t row = 0; row < count; row++) {
        if ((uint64_t)point[row] != row / rows->replicates ||
            (uint64_t)replicate[row] != row % rows->replicates) {
            return false;
        }
    }
    return true;
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
    if (ok && !is_grid(point, replicate, count, rows)) {
        ok = refuse(directory, "expected the same replicates at every point, in order");
    }
    free(point);
    free(replicate);
    ok = ok && read_axes(trace, directory, rows);
    rows->metric = fl_trace_children(trace, "/metrics", &rows->metrics);
    return ok;
}

void fl_rows_free(struct fl_rows *rows)
{
    for (size_t i = 0; i < rows->axes && rows->value; i++) {
        free(rows->value[i]);
    }
    free(rows->value);
    free(rows->axis);
    free(rows->metric);
}

/* --- metrics --------------------------------------------------------------------------------------- */

/* The units of sim/unit_text.h, as they are stored and as people write them. */
static const struct {
    const char *stored, *shown;
    double scale;
} units[] = {{"1", "", 1},
             {"1e-6 USD", "USD", 1e-6},
             {"ns", "s", 1e-9},
             {"1e-6", "fraction", 1e-6},
             {"1e-6 base units", "base units", 1e-6},
             {"id", "id", 1},
             {"0 or 1", "0 or 1", 1}};

bool fl_rows_is_number(struct fl_trace *trace, const char *metric)
{
    char path[ROWS_PATH];
    fl_say(path, sizeof path, "/metrics/%s", metric);
    char *stored = fl_trace_attribute(trace, path, "units");
    const bool number = stored && strcmp(stored, "text") != 0;
    free(stored);
    return number;
}

double *fl_rows_metric(struct fl_trace *trace, const char *directory, const struct fl_rows *rows,
                       const char *metric, const char **unit)
{
    const size_t count = rows->points * rows->replicates;
    char path[ROWS_PATH];
    fl_say(path, sizeof path, "/metrics/%s", metric);
    int64_t *stored = fl_rows_integers(trace, directory, path, count);
    char *name = stored ? fl_trace_attribute(trace, path, "units") : NULL;
    size_t u = 0;
    while (name && u < sizeof units / sizeof *units && strcmp(units[u].stored, name) != 0) {
        u++;
    }
    double *values = NULL;
    if (stored && (!name || u == sizeof units / sizeof *units)) {
        refuse(directory, "%s has a unit that this program does not know", path);
    } else if (stored) {
        values = fl_alloc(count, sizeof *values);
        *unit = units[u].shown;
        for (size_t i = 0; i < count; i++) {
            values[i] = stored[i] == INT64_MIN ? NAN : (double)stored[i] * units[u].scale;
        }
    }
    free(name);
    free(stored);
    return values;
}
