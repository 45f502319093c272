/* The sweep of a phase diagram: a full grid over two axes of numbers, with the same seeds in every cell. */
#include "analysis/estimate.h"
#include "analysis/phase_figure.h"
#include "analysis/rows.h"
#include "analysis/threshold.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USAGE = 2, FAILED = 3 };
static const double ALPHA = 0.05; /* what an interval may miss: of all looks of a plan together */
/* From this ratio of its greatest to its least value on an axis is logarithmic. */
static const double WIDE = 20;

__attribute__((format(printf, 2, 3))) static int refuse(const char *directory, const char *format,
                                                        ...)
{
    char sentence[4 * FL_PHASE_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    fprintf(stderr, "faultline: %s/sweep.h5: %s\n", directory, sentence);
    return USAGE;
}

/* --- an axis --------------------------------------------------------------------------------------- */

/* What a value is multiplied with to be in seconds; 0: it is no time. The suffixes of scenario keys. */
static double seconds_of(const char *path)
{
    static const struct {
        const char *suffix;
        double seconds;
    } unit[] = {{"_ns", 1e-9}, {"_us", 1e-6}, {"_ms", 1e-3}, {"_s", 1}};
    const size_t length = strlen(path);
    for (size_t i = 0; i < sizeof unit / sizeof *unit; i++) {
        const size_t suffix = strlen(unit[i].suffix);
        if (length > suffix && strcmp(path + length - suffix, unit[i].suffix) == 0) {
            return unit[i].seconds;
        }
    }
    return 0;
}

static int ascending(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static bool is_number(const char *text, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*number);
}

static double half_way(const struct fl_phase_axis *axis, double a, double b)
{
    return axis->logarithmic ? sqrt(a * b) : (a + b) / 2;
}

/* As far as half of the way to the neighbour, on the other side. */
static double outer(const struct fl_phase_axis *axis, double value, double inner)
{
    return axis->logarithmic ? value * value / inner : 2 * value - inner;
}

static void find_edges(struct fl_phase_axis *axis)
{
    const size_t last = axis->count - 1;
    const double *v = axis->value;
    axis->logarithmic = v[0] > 0 && v[last] >= WIDE * v[0];
    axis->edge = fl_alloc(axis->count + 1, sizeof *axis->edge);
    for (size_t i = 1; i <= last; i++) {
        axis->edge[i] = half_way(axis, v[i - 1], v[i]);
    }
    axis->edge[0] = outer(axis, v[0], axis->edge[1]);
    axis->edge[last + 1] = outer(axis, v[last], axis->edge[last]);
}

/* The distinct numbers of axis `a`; [row] of each row's own go to `of_row`. */
static int read_axis(const char *directory, const struct fl_rows *rows, size_t a, double *of_row,
                     struct fl_phase_axis *axis)
{
    const size_t count = rows->points * rows->replicates;
    const double seconds = seconds_of(rows->axis[a]);
    axis->time = seconds > 0;
    axis->integers = true;
    axis->value = fl_alloc(count, sizeof *axis->value);
    for (size_t row = 0; row < count; row++) {
        if (!is_number(rows->value[a][row], &of_row[row])) {
            return refuse(directory, "a phase diagram needs numbers on both axes: %s is %.64s",
                          rows->axis[a], rows->value[a][row]);
        }
        of_row[row] *= axis->time ? seconds : 1;
        axis->integers = axis->integers && of_row[row] == floor(of_row[row]);
        axis->value[row] = of_row[row];
    }
    qsort(axis->value, count, sizeof *axis->value, ascending);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || axis->value[i] != axis->value[axis->count - 1]) {
            axis->value[axis->count++] = axis->value[i];
        }
    }
    if (axis->count < 2) {
        return refuse(directory, "%s has one value only", rows->axis[a]);
    }
    find_edges(axis);
    return 0;
}

static size_t index_of(const struct fl_phase_axis *axis, double value)
{
    size_t i = 0;
    while (axis->value[i] != value) {
        i++;
    }
    return i;
}

double fl_phase_edge(const struct fl_phase_axis *axis, double value, bool down)
{
    const size_t shift = down;
    size_t i = 0;
    if (isinf(value)) {
        return axis->edge[value > 0 ? axis->count : 0];
    }
    while (i + 1 < axis->count && axis->value[i + 1] <= value) {
        i++;
    }
    if (i + 1 == axis->count || value <= axis->value[i]) {
        return axis->edge[i + shift];
    }
    const double a = axis->value[i], b = axis->value[i + 1];
    const double low = axis->edge[i + shift], high = axis->edge[i + 1 + shift];
    return axis->logarithmic ? low * pow(high / low, log(value / a) / log(b / a))
                             : low + (high - low) * (value - a) / (b - a);
}

/* --- what an axis is called ------------------------------------------------------------------------ */

/* A part of a path in words, without its unit. */
static void words_of(const char *part, size_t length, bool is_time, char out[FL_PHASE_TEXT])
{
    fl_say(out, FL_PHASE_TEXT, "%.*s", (int)length, part);
    char *unit = is_time ? strrchr(out, '_') : NULL;
    if (unit) {
        *unit = '\0';
    }
    for (char *c = out; *c; c++) {
        *c = *c == '_' || *c == '-' ? ' ' : *c;
    }
}

/* "faults.NAME.KEY": the length of NAME; 0: it is not of this kind. */
static size_t fault_of(const char *path, const char **name, const char **key)
{
    static const char before[] = "faults.";
    const char *dot;
    if (strncmp(path, before, sizeof before - 1) != 0) {
        return 0;
    }
    *name = path + sizeof before - 1;
    dot = strchr(*name, '.');
    *key = dot ? dot + 1 : NULL;
    return dot ? (size_t)(dot - *name) : 0;
}

/* A fault's name says what it is, and "by" is how much of it; else the last two parts of the path. */
static void name_axis(const char *path, struct fl_phase_axis *axis)
{
    const char *name, *key, *last = strrchr(path, '.'), *before;
    char words[2][FL_PHASE_TEXT];
    const size_t fault = fault_of(path, &name, &key);
    if (fault > 0 && strncmp(key, "by_", 3) == 0) {
        words_of(name, fault, false, axis->label);
        axis->amount = axis->time;
        return;
    }
    if (!last) {
        words_of(path, strlen(path), axis->time, axis->label);
        return;
    }
    for (before = last; before > path && before[-1] != '.'; before--) {
    }
    words_of(before, (size_t)(last - before), false, words[0]);
    words_of(last + 1, strlen(last + 1), axis->time, words[1]);
    fl_say(axis->label, FL_PHASE_TEXT, "%s, %s", words[0], words[1]);
}

/* --- the theory ------------------------------------------------------------------------------------ */

static const char *string_in(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* n, if a path is the number of those members of a group that a fault strikes and the group runs a
 * protocol that needs n >= 3f + 1; else 0. One sequencer (`ordered`) does not, and where votes weigh
 * differently their number is not what counts. */
static size_t members_of(const cJSON *scenario, const char *path, char label[FL_PHASE_TEXT])
{
    const char *name, *key;
    char fault[FL_PHASE_TEXT], group[FL_PHASE_TEXT], plural[FL_PHASE_TEXT], words[FL_PHASE_TEXT];
    const size_t length = fault_of(path, &name, &key);
    if (length == 0 || strcmp(key, "count") != 0) {
        return 0;
    }
    fl_say(fault, sizeof fault, "%.*s", (int)length, name);
    const cJSON *faults = cJSON_GetObjectItemCaseSensitive(scenario, "faults");
    const char *struck = string_in(cJSON_GetObjectItemCaseSensitive(faults, fault), "group");
    const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(scenario, "nodes");
    const cJSON *node = struck ? cJSON_GetObjectItemCaseSensitive(nodes, struck) : NULL;
    const char *model = string_in(cJSON_GetObjectItemCaseSensitive(node, "consensus"), "model");
    const cJSON *count = cJSON_GetObjectItemCaseSensitive(node, "count");
    if (!model || strcmp(model, "ordered") == 0 || !cJSON_IsNumber(count) ||
        cJSON_GetObjectItemCaseSensitive(node, "power")) {
        return 0;
    }
    words_of(struck, strlen(struck), false, group);
    fl_plural(group, plural, sizeof plural);
    words_of(name, length, false, words);
    words[0] = (char)(words[0] >= 'a' && words[0] <= 'z' ? words[0] - 'a' + 'A' : words[0]);
    fl_say(label, FL_PHASE_TEXT, "%s %s", words, plural);
    return (size_t)count->valuedouble;
}

/* --- the cells ------------------------------------------------------------------------------------- */

/* The values of each cell, [x][y][replicate]. */
static double *gather(const struct fl_phase *phase, const struct fl_rows *rows, const double *x,
                      const double *y, const double *metric)
{
    const size_t replicates = rows->replicates, count = phase->x.count * phase->y.count;
    double *cells = fl_alloc(count * replicates, sizeof *cells);
    bool *seen = fl_alloc(count, sizeof *seen), whole = rows->points == count;
    for (size_t point = 0; point < rows->points && whole; point++) {
        const size_t row = point * replicates;
        const size_t at = index_of(&phase->x, x[row]) * phase->y.count +
                          index_of(&phase->y, y[row]);
        whole = !seen[at];
        seen[at] = true;
        memcpy(cells + at * replicates, metric + row, replicates * sizeof *cells);
    }
    free(seen);
    if (!whole) {
        free(cells);
        cells = NULL;
    }
    return cells;
}

static struct fl_phase_cell estimate(const double *values, const struct fl_phase *phase)
{
    double *good = fl_alloc(phase->seeds, sizeof *good);
    struct fl_phase_cell cell = {.mean = {NAN, NAN, NAN}};
    for (size_t r = 0; r < phase->seeds; r++) {
        if (!isnan(values[r])) {
            cell.hits += values[r] > 0;
            good[cell.runs++] = values[r] / phase->scale;
        }
    }
    if (cell.runs > 0) {
        cell.mean = fl_mean_at(good, cell.runs, phase->alpha);
    }
    free(good);
    return cell;
}

/* The y at which half of the seeds of a column begin, or end, to be above 0. */
static struct fl_estimate onset_of(const struct fl_phase *phase, const double *column)
{
    const size_t count = phase->y.count, replicates = phase->seeds;
    bool *happens = fl_alloc(count * replicates, sizeof *happens);
    size_t *good = fl_alloc(replicates, sizeof *good), seeds = 0;
    for (size_t r = 0; r < replicates; r++) {
        bool whole = true;
        for (size_t i = 0; i < count; i++) {
            whole = whole && !isnan(column[i * replicates + r]);
        }
        good[seeds] = r;
        seeds += whole;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t s = 0; s < seeds; s++) {
            happens[i * seeds + s] = column[i * replicates + good[s]] > 0;
        }
    }
    const struct fl_onsets onsets = {phase->y.value, count, seeds, happens, phase->down};
    const struct fl_estimate onset = seeds > 0 ? fl_onset(&onsets, phase->alpha)
                                               : (struct fl_estimate){NAN, NAN, NAN};
    free(happens);
    free(good);
    return onset;
}

/* "$ million": the largest of them is between 1 and 1,000. */
static void find_unit(struct fl_phase *phase, const char *unit, const double *values, size_t count)
{
    static const struct {
        double size;
        const char *name;
    } usd[] = {{1e9, "$ billion"}, {1e6, "$ million"}, {1e3, "$ thousand"}};
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, fabs(values[i])); /* passes over NAN */
    }
    phase->scale = 1;
    fl_say(phase->unit, FL_PHASE_TEXT, "%s", strcmp(unit, "USD") == 0 ? "$" : unit);
    for (size_t i = 0; i < sizeof usd / sizeof *usd && strcmp(unit, "USD") == 0; i++) {
        if (most >= usd[i].size) {
            phase->scale = usd[i].size;
            fl_say(phase->unit, FL_PHASE_TEXT, "%s", usd[i].name);
            return;
        }
    }
}

static void fill(struct fl_phase *phase, const double *cells, const char *unit)
{
    const size_t rows = phase->y.count, count = phase->x.count * rows;
    size_t first = 0, last = 0, above = 0;
    find_unit(phase, unit, cells, count * phase->seeds);
    phase->cell = fl_alloc(count, sizeof *phase->cell);
    for (size_t i = 0; i < count; i++) {
        phase->cell[i] = estimate(cells + i * phase->seeds, phase);
        phase->missing -= phase->cell[i].runs;
        above += 2 * phase->cell[i].hits >= phase->cell[i].runs;
        first += i % rows == 0 ? phase->cell[i].hits : 0;
        last += i % rows == rows - 1 ? phase->cell[i].hits : 0;
    }
    phase->down = first > last;
    phase->bordered = above > 0 && above < count;
    phase->onset = fl_alloc(phase->x.count, sizeof *phase->onset);
    for (size_t i = 0; i < phase->x.count; i++) {
        phase->onset[i] = onset_of(phase, cells + i * rows * phase->seeds);
    }
}

/* --- the whole ------------------------------------------------------------------------------------- */

static int read_cells(struct fl_trace *trace, const char *directory, const struct fl_rows *rows,
                      const char *metric, const double *x, const double *y, struct fl_phase *phase)
{
    const char *unit, *word = strrchr(metric, '.');
    double *values = fl_rows_metric(trace, directory, rows, metric, &unit);
    if (!values) {
        return FAILED;
    }
    double *cells = gather(phase, rows, x, y, values);
    free(values);
    if (!cells) {
        return refuse(directory, "its points are no full grid over %s and %s", rows->axis[0],
                      rows->axis[1]);
    }
    word = word ? word + 1 : metric;
    words_of(word, strlen(word), false, phase->metric);
    fill(phase, cells, unit);
    free(cells);
    return 0;
}

/* How many members are faulty goes along the page; else a time goes up, or what comes last by name. */
static int read_grid(struct fl_trace *trace, const char *directory, const struct fl_rows *rows,
                     const cJSON *scenario, const char *metric, struct fl_phase *phase)
{
    const size_t count = rows->points * rows->replicates;
    char label[2][FL_PHASE_TEXT];
    const size_t members[2] = {members_of(scenario, rows->axis[0], label[0]),
                               members_of(scenario, rows->axis[1], label[1])};
    const bool time_first = seconds_of(rows->axis[0]) > 0 && seconds_of(rows->axis[1]) == 0;
    const size_t along = members[0] > 0 ? 0 : members[1] > 0 || time_first ? 1 : 0;
    double *x = fl_alloc(count, sizeof *x), *y = fl_alloc(count, sizeof *y);
    int status = read_axis(directory, rows, along, x, &phase->x);
    status = status ? status : read_axis(directory, rows, 1 - along, y, &phase->y);
    if (status == 0) {
        name_axis(rows->axis[along], &phase->x);
        name_axis(rows->axis[1 - along], &phase->y);
        phase->members = members[along];
        phase->third = (double)phase->members / 3;
        if (phase->members > 0) {
            fl_say(phase->x.label, FL_PHASE_TEXT, "%s", label[along]);
        }
        status = read_cells(trace, directory, rows, metric, x, y, phase);
    }
    free(x);
    free(y);
    return status;
}

static void read_name(struct fl_trace *trace, const char *attribute, char out[FL_PHASE_TEXT])
{
    char *text = fl_trace_attribute(trace, "/", attribute);
    fl_say(out, FL_PHASE_TEXT, "%s", text ? text : "");
    free(text);
}

static int read_rows(struct fl_trace *trace, const char *directory, const char *metric,
                     struct fl_phase *phase)
{
    struct fl_rows rows;
    const char *wanted = metric ? metric : "ledger.bad_debt";
    int status = fl_rows_read(trace, directory, &rows) ? 0 : FAILED;
    if (status == 0 && rows.axes != 2) {
        status = refuse(directory, "a phase diagram needs two axes, not %zu", rows.axes);
    } else if (status == 0 && rows.replicates < 2) {
        status = refuse(directory, "a phase diagram needs at least two replicates");
    }
    status = status ? status : fl_rows_offer(trace, &rows, wanted) ? 0 : USAGE;
    if (status == 0) {
        char *text = fl_trace_attribute(trace, "/", "scenario_resolved_json");
        cJSON *scenario = text ? cJSON_Parse(text) : NULL;
        const char *name = string_in(scenario, "name");
        phase->seeds = rows.replicates;
        phase->runs = phase->missing = rows.count;
        phase->alpha = ALPHA / (double)rows.looks;
        fl_say(phase->scenario, FL_PHASE_TEXT, "%s", name ? name : "");
        status = read_grid(trace, directory, &rows, scenario, wanted, phase);
        cJSON_Delete(scenario);
        free(text);
    }
    fl_rows_free(&rows);
    return status;
}

int fl_phase_read(const char *directory, const char *metric, struct fl_phase *phase)
{
    char error[8192];
    *phase = (struct fl_phase){0};
    struct fl_trace *trace = fl_trace_open_sweep(directory, error, sizeof error);
    if (!trace) {
        fprintf(stderr, "faultline: %s\n", error);
        return FAILED;
    }
    read_name(trace, "name", phase->name);
    read_name(trace, "seed", phase->seed);
    const int status = read_rows(trace, directory, metric, phase);
    fl_trace_close(trace);
    return status;
}

void fl_phase_free(struct fl_phase *phase)
{
    free(phase->x.value);
    free(phase->x.edge);
    free(phase->y.value);
    free(phase->y.edge);
    free(phase->cell);
    free(phase->onset);
}
