/* What a fan chart is made of: a series of several runs, or a metric of a sweep along its axis. */
#include "analysis/fan_figure.h"
#include "analysis/outline.h"
#include "analysis/rows.h"
#include "sim/alloc.h"
#include "sim/mistake.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, EXIT_IO = 3, SEED_BYTES = 24 };
static const double ALPHA = 0.05;
static const char *const usual_metric = "ledger.bad_debt";

static int complain(const struct fl_trace *trace)
{
    fprintf(stderr, "faultline: %s\n", fl_trace_error(trace));
    return EXIT_IO;
}

static void make_room(struct fl_fan *fan, size_t paths)
{
    fan->value = fl_alloc(paths * fan->rows, sizeof *fan->value);
    fan->seed = fl_alloc(paths, sizeof *fan->seed);
    fan->seeds = fl_alloc(paths, SEED_BYTES);
    for (size_t i = 0; i < paths; i++) {
        fan->seed[i] = fan->seeds + i * SEED_BYTES;
    }
}

/* --- runs: what they may differ in ---------------------------------------------------------------- */

struct first {
    const char *folder;
    cJSON *scenario;
    int64_t *time;
    struct fl_headline_fault fault[FL_FAN_FAULTS]; /* names not kept */
    char name[FL_FAN_FAULTS][FL_FAN_TEXT];
    bool shared[FL_FAN_FAULTS];
    size_t faults;
};

/* The first key in which they differ, seeds aside; NULL if there is none. */
static const char *difference(const cJSON *a, const cJSON *b)
{
    const cJSON *part;
    cJSON_ArrayForEach(part, a)
    {
        const cJSON *other = cJSON_GetObjectItemCaseSensitive(b, part->string);
        if (strcmp(part->string, "seed") != 0 && !cJSON_Compare(part, other, true)) {
            return part->string;
        }
    }
    cJSON_ArrayForEach(part, b)
    {
        if (!cJSON_GetObjectItemCaseSensitive(a, part->string)) {
            return part->string;
        }
    }
    return NULL;
}

static cJSON *read_scenario(struct fl_trace *trace)
{
    char *text = fl_trace_attribute(trace, "/", "scenario_resolved_json");
    cJSON *scenario = text ? cJSON_Parse(text) : NULL;
    free(text);
    return scenario;
}

static int check_same(const struct first *first, const char *folder, struct fl_trace *trace)
{
    cJSON *scenario = read_scenario(trace);
    if (!scenario) {
        return complain(trace);
    }
    const char *part = difference(first->scenario, scenario);
    if (part) {
        fprintf(stderr,
                "faultline: %s and %s differ in \"%s\"; a fan chart is of runs that differ in "
                "nothing but the seed\n",
                first->folder, folder, part);
    }
    cJSON_Delete(scenario);
    return part ? EXIT_USAGE : 0;
}

/* --- runs: their series ---------------------------------------------------------------------------- */

static int no_such_series(struct fl_trace *trace, const char *folder, const char *metric)
{
    size_t count;
    struct fl_guess guess = {.wanted = metric};
    char **names = fl_trace_children(trace, "/series", &count);
    for (size_t i = 0; i < count; i++) {
        fl_guess_offer(&guess, names[i]);
    }
    fprintf(stderr, "faultline: --metric %s: %s has no such series%s\n", metric, folder,
            fl_guess_hint(&guess).text);
    free(names);
    return EXIT_USAGE;
}

static bool is_own_column(const char *metric)
{
    return strcmp(metric, "time") == 0 || strcmp(metric, "t_s") == 0;
}

/* One path; the first one makes the axis. */
static int read_path(struct fl_trace *trace, const char *folder, struct first *first, size_t runs,
                     struct fl_fan *fan)
{
    char path[2 * FL_FAN_TEXT];
    size_t samples, rows;
    fl_say(path, sizeof path, "/series/%s", fan->metric);
    if (!fl_trace_has(trace, path) || is_own_column(fan->metric)) {
        return no_such_series(trace, folder, fan->metric);
    }
    int64_t *time = fl_trace_int64(trace, "/series/time", &samples);
    int64_t *stored = time ? fl_trace_int64(trace, path, &rows) : NULL;
    char *unit = stored ? fl_trace_attribute(trace, path, "units") : NULL;
    double *values = NULL;
    int status = 0;
    if (!unit) {
        status = complain(trace);
    } else if (rows != samples ||
               (first->time &&
                (samples != fan->rows || memcmp(time, first->time, samples * sizeof *time) != 0))) {
        fprintf(stderr, "faultline: %s/trace.h5 has its samples at other times than %s\n", folder,
                first->folder);
        status = EXIT_IO;
    } else if (!fl_quantity_values(stored, rows, unit, &values, &fan->unit)) {
        fprintf(stderr, "faultline: %s/trace.h5: %s has a unit that this program does not know\n",
                folder, path);
        status = EXIT_IO;
    } else if (!first->time) {
        fan->rows = rows;
        make_room(fan, runs);
        fan->x = fl_alloc(rows, sizeof *fan->x);
        for (size_t i = 0; i < rows; i++) {
            fan->x[i] = (double)time[i] / (double)FL_SECOND;
        }
        first->time = time;
        time = NULL;
    }
    if (status == 0) {
        memcpy(fan->value + fan->paths * fan->rows, values, rows * sizeof *values);
    }
    free(values);
    free(unit);
    free(stored);
    free(time);
    return status;
}

static int read_seed(struct fl_trace *trace, const char *const *folder, struct fl_fan *fan)
{
    char *seed = fl_trace_attribute(trace, "/", "seed");
    if (!seed) {
        return complain(trace);
    }
    fl_say(fan->seed[fan->paths], SEED_BYTES, "%s", seed);
    free(seed);
    for (size_t i = 0; i < fan->paths; i++) {
        if (strcmp(fan->seed[i], fan->seed[fan->paths]) == 0) {
            fprintf(stderr, "faultline: %s and %s are the same run: seed %s\n", folder[i],
                    folder[fan->paths], fan->seed[i]);
            return EXIT_USAGE;
        }
    }
    return 0;
}

/* --- runs: their faults ---------------------------------------------------------------------------- */

/* The windows of the first run; of those that follow, whether they have the same. */
static int read_faults(struct fl_trace *trace, struct first *first, struct fl_fan *fan)
{
    struct fl_outline *run = fl_outline_new(trace);
    if (!run) {
        return complain(trace);
    }
    const size_t faults = run->headline.fault_count < FL_FAN_FAULTS ? run->headline.fault_count
                                                                    : FL_FAN_FAULTS;
    if (fan->paths == 0) {
        char *name = fl_trace_attribute(trace, "/", "name");
        fl_say(fan->name, sizeof fan->name, "%s", name ? name : "");
        free(name);
        first->faults = faults;
        for (size_t i = 0; i < faults; i++) {
            first->fault[i] = run->fault[i];
            fl_fault_label(&run->fault[i], fan->fault[i]);
            fl_say(first->name[i], FL_FAN_TEXT, "%s", run->fault[i].name);
            first->shared[i] = true;
        }
    }
    for (size_t i = 0; i < first->faults; i++) {
        first->shared[i] = first->shared[i] && i < faults &&
                           strcmp(run->fault[i].name, first->name[i]) == 0 &&
                           run->fault[i].from == first->fault[i].from &&
                           run->fault[i].to == first->fault[i].to;
    }
    fl_outline_free(run);
    return 0;
}

static void keep_shared(const struct first *first, struct fl_fan *fan)
{
    for (size_t i = 0; i < first->faults; i++) {
        if (!first->shared[i]) {
            fan->other_faults++;
            continue;
        }
        memmove(fan->fault[fan->faults], fan->fault[i], FL_FAN_TEXT);
        fan->fault_from[fan->faults] = (double)first->fault[i].from / (double)FL_SECOND;
        fan->fault_to[fan->faults++] = (double)first->fault[i].to / (double)FL_SECOND;
    }
}

/* --- runs ------------------------------------------------------------------------------------------ */

static int read_run(const char *const *folder, size_t runs, struct first *first, struct fl_fan *fan)
{
    char error[8192];
    const char *const now = folder[fan->paths];
    struct fl_trace *trace = fl_trace_open(now, error, sizeof error);
    if (!trace) {
        fprintf(stderr, "faultline: %s\n", error);
        return EXIT_IO;
    }
    int status = 0;
    if (!first->scenario) {
        first->scenario = read_scenario(trace);
        status = first->scenario ? 0 : complain(trace);
    } else {
        status = check_same(first, now, trace);
    }
    status = status ? status : read_path(trace, now, first, runs, fan);
    status = status ? status : read_seed(trace, folder, fan);
    status = status ? status : read_faults(trace, first, fan);
    fan->paths += status == 0;
    fl_trace_close(trace);
    return status;
}

int fl_fan_read_runs(const char *const *folder, size_t count, const char *metric,
                     struct fl_fan *fan)
{
    struct first first = {.folder = folder[0]};
    *fan = (struct fl_fan){.over_time = true, .alpha = ALPHA};
    fl_say(fan->metric, sizeof fan->metric, "%s", metric ? metric : usual_metric);
    int status = 0;
    while (fan->paths < count && status == 0) {
        status = read_run(folder, count, &first, fan);
    }
    keep_shared(&first, fan);
    cJSON_Delete(first.scenario);
    free(first.time);
    return status;
}

/* --- a sweep --------------------------------------------------------------------------------------- */

struct point {
    double x;
    size_t number;
};

static int by_x(const void *a, const void *b)
{
    const struct point *one = a, *other = b;
    return (one->x > other->x) - (one->x < other->x);
}

/* Points in the order of the axis, seeds as paths. */
static void fill(const struct fl_rows *rows, const double *x, const double *values,
                 struct fl_fan *fan)
{
    struct point *point = fl_alloc(rows->points, sizeof *point);
    for (size_t i = 0; i < rows->points; i++) {
        point[i] = (struct point){x[i], i};
    }
    qsort(point, rows->points, sizeof *point, by_x);
    fan->alpha = ALPHA / (double)rows->looks;
    fan->rows = rows->points;
    fan->x = fl_alloc(fan->rows, sizeof *fan->x);
    make_room(fan, rows->replicates);
    fan->paths = rows->replicates;
    for (size_t i = 0; i < fan->rows; i++) {
        fan->x[i] = point[i].x;
        for (size_t r = 0; r < fan->paths; r++) {
            const double value = values[point[i].number * fan->paths + r];
            fan->value[r * fan->rows + i] = value;
            fan->failed += r < rows->runs[point[i].number] && isnan(value);
        }
    }
    for (size_t r = 0; r < fan->paths; r++) {
        fl_say(fan->seed[r], SEED_BYTES, "%zu", r);
    }
    free(point);
}

static int read_rows(struct fl_trace *trace, const char *folder, const char *wanted,
                     const struct fl_rows *rows, struct fl_fan *fan)
{
    const char *metric = fl_rows_choose(trace, folder, rows, wanted);
    if (!metric) {
        return EXIT_USAGE;
    }
    double *x = fl_rows_axis_numbers(rows);
    if (!x || rows->points < 2) {
        fprintf(stderr,
                "faultline: %s/sweep.h5: a fan chart is of a sweep over one axis of numbers, with "
                "two points or more\n",
                folder);
        free(x);
        return EXIT_USAGE;
    }
    double *values = fl_rows_metric(trace, folder, rows, metric, &fan->unit);
    if (values) {
        char *name = fl_trace_attribute(trace, "/", "name");
        fl_say(fan->name, sizeof fan->name, "%s", name ? name : "");
        free(name);
        fl_say(fan->metric, sizeof fan->metric, "%s", metric);
        fl_say(fan->x_label, sizeof fan->x_label, "%s", rows->axis[0]);
        fill(rows, x, values, fan);
    }
    const int status = values ? 0 : EXIT_IO;
    free(values);
    free(x);
    return status;
}

int fl_fan_read_sweep(const char *folder, const char *metric, struct fl_fan *fan)
{
    char error[8192];
    *fan = (struct fl_fan){0};
    struct fl_trace *trace = fl_trace_open_sweep(folder, error, sizeof error);
    if (!trace) {
        fprintf(stderr, "faultline: %s\n", error);
        return EXIT_IO;
    }
    struct fl_rows rows;
    const int status =
        fl_rows_read(trace, folder, &rows) ? read_rows(trace, folder, metric, &rows, fan) : EXIT_IO;
    fl_rows_free(&rows);
    fl_trace_close(trace);
    return status;
}

void fl_fan_free(struct fl_fan *fan)
{
    free(fan->x);
    free(fan->value);
    free(fan->seed);
    free(fan->seeds);
}
