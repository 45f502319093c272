/* The sweep of the cost figure: a grid over the end of one fault, and perhaps over one other value,
 * the mitigation, with the same seeds at every point. */
#include "analysis/cost_figure.h"
#include "analysis/rows.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const double MICRO = 1e-6;

enum metric { DEFICIT, FUND_PAID, LATENT, LIQUIDATED, METRICS };
static const char *const metric_path[METRICS] = {
    "/metrics/ledger.deficit", "/metrics/ledger.fund_paid", "/metrics/ledger.latent_bad_debt",
    "/metrics/ledger.liquidated"};

/* sweep.h5 as columns. */
struct table {
    size_t rows;
    double *ends; /* the fault's end, s */
    char **other; /* the other axis; NULL without one */
    int64_t *replicate;
    int64_t *metric[METRICS];
    const char *directory;
};

/* A cell of the grid: one number for each seed. */
struct cells {
    size_t points, seeds;
    double *at[METRICS]; /* [point * seeds + seed] of one arm */
};

__attribute__((format(printf, 2, 3))) static bool refuse(const struct table *table,
                                                         const char *format, ...)
{
    char sentence[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    fprintf(stderr, "faultline: %s/sweep.h5: %s\n", table->directory, sentence);
    return false;
}

static bool complain(const struct fl_trace *trace)
{
    fprintf(stderr, "faultline: %s\n", fl_trace_error(trace));
    return false;
}

/* --- columns --------------------------------------------------------------------------------------- */

static void free_table(struct table *table)
{
    free(table->ends);
    free(table->other);
    free(table->replicate);
    for (int i = 0; i < METRICS; i++) {
        free(table->metric[i]);
    }
}

/* Axes of integers are stored as such, others as text. */
static double *read_numbers(struct fl_trace *trace, const char *path, size_t *rows)
{
    char **text = fl_trace_text(trace, path, rows);
    if (!text) {
        return fl_trace_float64(trace, path, rows);
    }
    double *numbers = fl_alloc(*rows, sizeof *numbers);
    for (size_t i = 0; i < *rows; i++) {
        numbers[i] = strtod(text[i], NULL);
    }
    free(text);
    return numbers;
}

/* "faults.NAME.to_s": the name goes to `out`. */
static bool is_end_of_fault(const char *axis, char out[FL_COST_TEXT])
{
    static const char before[] = "faults.", after[] = ".to_s";
    const size_t length = strlen(axis), least = sizeof before + sizeof after - 2;
    if (length <= least || strncmp(axis, before, sizeof before - 1) != 0 ||
        strcmp(axis + length - (sizeof after - 1), after) != 0) {
        return false;
    }
    fl_say(out, FL_COST_TEXT, "%.*s", (int)(length - least), axis + sizeof before - 1);
    return true;
}

/* "contracts.exchange.maintenance_margin": "maintenance margin". */
static void name_axis(const char *path, char out[FL_COST_TEXT])
{
    const char *dot = strrchr(path, '.');
    fl_say(out, FL_COST_TEXT, "%s", dot ? dot + 1 : path);
    for (char *c = out; *c; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
}

static bool read_axes(struct fl_trace *trace, struct table *table, struct fl_cost_sweep *sweep)
{
    size_t axes, others = 0;
    char **axis = fl_trace_children(trace, "/axes", &axes), path[2 * FL_COST_TEXT];
    bool ok = true;
    for (size_t i = 0; i < axes && ok; i++) {
        fl_say(path, sizeof path, "/axes/%s", axis[i]);
        if (!table->ends && is_end_of_fault(axis[i], sweep->fault)) {
            table->ends = read_numbers(trace, path, &table->rows);
            ok = table->ends || complain(trace);
        } else if (!table->other) {
            table->other = fl_rows_words(trace, path, &others);
            ok = table->other || complain(trace);
            name_axis(axis[i], sweep->axis);
        } else {
            ok = refuse(table, "expected one axis faults.NAME.to_s and at most one other");
        }
    }
    if (ok && !table->ends) {
        ok = refuse(table, "none of its axes is the end of a fault, faults.NAME.to_s");
    }
    if (ok && table->other && others != table->rows) {
        ok = refuse(table, "its axes have %zu and %zu rows", table->rows, others);
    }
    free(axis);
    return ok;
}

static bool read_metrics(struct fl_trace *trace, struct table *table)
{
    table->replicate = fl_rows_integers(trace, table->directory, "/rows/replicate", table->rows);
    bool ok = table->replicate != NULL;
    for (int i = 0; i < METRICS && ok; i++) {
        table->metric[i] = fl_rows_integers(trace, table->directory, metric_path[i], table->rows);
        ok = table->metric[i] != NULL;
    }
    if (!ok) {
        return false;
    }
    for (size_t row = 0; row < table->rows; row++) {
        if (table->replicate[row] < 0 || (uint64_t)table->replicate[row] >= table->rows) {
            return refuse(table, "row %zu has replicate %" PRId64 " of %zu rows", row,
                          table->replicate[row], table->rows);
        }
        for (int i = 0; i < METRICS; i++) {
            if (table->metric[i][row] == INT64_MIN) {
                return refuse(table, "row %zu did not end well: run the sweep again with --resume",
                              row);
            }
        }
    }
    return true;
}

/* --- the grid -------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The distinct ends of the fault, and the distinct values of the other axis. */
static bool find_grid(const struct table *table, struct fl_cost_sweep *sweep, double *ends)
{
    for (size_t row = 0; row < table->rows; row++) {
        size_t point = 0, arm = 0;
        while (point < sweep->points && ends[point] != table->ends[row]) {
            point++;
        }
        ends[point] = table->ends[row];
        sweep->points += point == sweep->points;
        const char *value = table->other ? table->other[row] : "";
        while (arm < sweep->arms && strcmp(sweep->arm[arm].value, value) != 0) {
            arm++;
        }
        if (arm == FL_COST_ARMS) {
            return refuse(table, "more than %d values of %s", FL_COST_ARMS, sweep->axis);
        }
        fl_say(sweep->arm[arm].value, FL_COST_TEXT, "%s", value);
        sweep->arms += arm == sweep->arms;
        const size_t seed = (size_t)table->replicate[row];
        sweep->seeds = seed + 1 > sweep->seeds ? seed + 1 : sweep->seeds;
    }
    if (sweep->points < 2 || sweep->seeds < 2 ||
        sweep->points * sweep->arms * sweep->seeds != table->rows) {
        return refuse(table, "expected a full grid of at least two lengths and two replicates");
    }
    qsort(ends, sweep->points, sizeof *ends, ascending);
    return true;
}

static size_t point_of(const double *ends, double end)
{
    size_t point = 0;
    while (ends[point] != end) {
        point++;
    }
    return point;
}

/* False if a cell has two rows: then another has none. */
static bool gather(const struct table *table, const struct fl_cost_sweep *sweep, const double *ends,
                   size_t arm, struct cells *cells)
{
    *cells = (struct cells){.points = sweep->points, .seeds = sweep->seeds};
    for (int i = 0; i < METRICS; i++) {
        cells->at[i] = fl_alloc(cells->points * cells->seeds, sizeof(double));
    }
    bool *seen = fl_alloc(cells->points * cells->seeds, sizeof *seen), ok = true;
    for (size_t row = 0; row < table->rows && ok; row++) {
        if (table->other && strcmp(table->other[row], sweep->arm[arm].value) != 0) {
            continue;
        }
        const size_t cell = point_of(ends, table->ends[row]) * cells->seeds +
                            (size_t)table->replicate[row];
        ok = !seen[cell] || refuse(table, "row %zu is of the point and replicate of another", row);
        seen[cell] = true;
        for (int i = 0; i < METRICS; i++) {
            cells->at[i][cell] = (double)table->metric[i][row] * MICRO;
        }
    }
    free(seen);
    return ok;
}

static void free_cells(struct cells *cells)
{
    for (int i = 0; i < METRICS; i++) {
        free(cells->at[i]);
    }
}

/* --- what the seeds say ---------------------------------------------------------------------------- */

static double loss_at(const struct cells *cells, size_t point, size_t seed)
{
    const size_t cell = point * cells->seeds + seed;
    return cells->at[DEFICIT][cell] + cells->at[LATENT][cell];
}

/* The fund of one seed is used up when the loss, interpolated between two lengths, reaches all that
 * the fund paid at the first length at which it could not pay everything. */
static double used_up_at(const struct cells *cells, const double *minutes, size_t seed,
                         double *paid)
{
    for (size_t point = 0; point < cells->points; point++) {
        const size_t cell = point * cells->seeds + seed;
        *paid = cells->at[FUND_PAID][cell];
        if (cells->at[DEFICIT][cell] <= *paid) {
            continue;
        }
        if (point == 0) {
            return minutes[0];
        }
        const double x[2] = {minutes[point - 1], minutes[point]};
        const double y[2] = {loss_at(cells, point - 1, seed), loss_at(cells, point, seed)};
        return fl_first_reach(x, y, 2, *paid);
    }
    *paid = NAN;
    return INFINITY;
}

static void survive(const struct cells *cells, const double *minutes, struct fl_cost_arm *arm)
{
    double *at = fl_alloc(cells->seeds, sizeof *at), *fund = fl_alloc(cells->seeds, sizeof *fund);
    size_t used_up = 0;
    for (size_t seed = 0; seed < cells->seeds; seed++) {
        double paid;
        at[seed] = used_up_at(cells, minutes, seed, &paid);
        if (!isnan(paid)) {
            fund[used_up++] = paid;
        }
    }
    arm->survives = fl_median_estimate(at, cells->seeds);
    arm->fund = used_up > 0 ? fl_quantile(fund, used_up, 0.5) : NAN;
    free(at);
    free(fund);
}

static void estimate_arm(const struct cells *cells, const struct fl_cost_sweep *sweep,
                         struct fl_cost_arm *arm)
{
    double *first = fl_alloc(cells->seeds, sizeof *first),
           *now = fl_alloc(cells->seeds, sizeof *now);
    arm->loss = fl_alloc(cells->points, sizeof *arm->loss);
    arm->least = fl_alloc(cells->points, sizeof *arm->least);
    arm->most = fl_alloc(cells->points, sizeof *arm->most);
    for (size_t point = 0; point < cells->points; point++) {
        for (size_t seed = 0; seed < cells->seeds; seed++) {
            now[seed] = loss_at(cells, point, seed);
            first[seed] = loss_at(cells, 0, seed);
        }
        arm->loss[point] = fl_mean_estimate(now, cells->seeds);
        arm->least[point] = fl_quantile(now, cells->seeds, 0.05);
        arm->most[point] = fl_quantile(now, cells->seeds, 0.95);
        if (point == sweep->headline) {
            arm->headline = fl_paired_estimate(now, first, cells->seeds);
        }
    }
    arm->without = arm->loss[0].value;
    survive(cells, sweep->minutes, arm);
    free(first);
    free(now);
}

static bool estimate(const struct table *table, const double *ends, struct fl_cost_sweep *sweep)
{
    struct cells cells[FL_COST_ARMS] = {0};
    bool ok = true;
    for (size_t arm = 0; arm < sweep->arms && ok; arm++) {
        ok = gather(table, sweep, ends, arm, &cells[arm]);
        if (ok) {
            estimate_arm(&cells[arm], sweep, &sweep->arm[arm]);
        }
    }
    if (ok && sweep->arms == 2) { /* the first length comes first */
        sweep->extra =
            fl_paired_estimate(cells[1].at[LIQUIDATED], cells[0].at[LIQUIDATED], sweep->seeds);
    }
    for (size_t arm = 0; arm < sweep->arms; arm++) {
        free_cells(&cells[arm]);
    }
    return ok;
}

/* --- the whole ------------------------------------------------------------------------------------- */

/* The lengths in minutes, and which of them the plan's own scenario has; else the longest. */
static bool find_minutes(const struct table *table, const double *ends, struct fl_cost_sweep *sweep)
{
    const cJSON *faults = cJSON_GetObjectItemCaseSensitive(sweep->scenario, "faults");
    const cJSON *fault = cJSON_GetObjectItemCaseSensitive(faults, sweep->fault);
    const cJSON *from = cJSON_GetObjectItemCaseSensitive(fault, "from_s");
    const cJSON *to = cJSON_GetObjectItemCaseSensitive(fault, "to_s");
    if (!cJSON_IsNumber(from)) {
        return refuse(table, "its scenario does not say when the fault \"%s\" begins",
                      sweep->fault);
    }
    sweep->minutes = fl_alloc(sweep->points, sizeof *sweep->minutes);
    sweep->headline = sweep->points - 1;
    for (size_t i = 0; i < sweep->points; i++) {
        sweep->minutes[i] = (ends[i] - from->valuedouble) / 60;
        if (cJSON_IsNumber(to) && to->valuedouble == ends[i]) {
            sweep->headline = i;
        }
    }
    return true;
}

static bool read_scenario(struct fl_trace *trace, struct fl_cost_sweep *sweep)
{
    char *text = fl_trace_attribute(trace, "/", "scenario_resolved_json");
    char *name = fl_trace_attribute(trace, "/", "name");
    sweep->scenario = text ? cJSON_Parse(text) : NULL;
    fl_say(sweep->name, sizeof sweep->name, "%s", name ? name : "");
    if (!sweep->scenario) {
        complain(trace);
    }
    free(text);
    free(name);
    return sweep->scenario != NULL;
}

bool fl_cost_read_sweep(const char *directory, struct fl_cost_sweep *sweep)
{
    char error[FL_COST_TEXT + 4096];
    *sweep = (struct fl_cost_sweep){0};
    struct fl_trace *trace = fl_trace_open_sweep(directory, error, sizeof error);
    if (!trace) {
        fprintf(stderr, "faultline: %s\n", error);
        return false;
    }
    struct table table = {.directory = directory};
    double *ends = NULL;
    bool ok = read_scenario(trace, sweep) && read_axes(trace, &table, sweep) &&
              read_metrics(trace, &table);
    if (ok) {
        ends = fl_alloc(table.rows, sizeof *ends);
        ok = find_grid(&table, sweep, ends) && find_minutes(&table, ends, sweep) &&
             estimate(&table, ends, sweep);
    }
    free(ends);
    free_table(&table);
    fl_trace_close(trace);
    return ok;
}

void fl_cost_free_sweep(struct fl_cost_sweep *sweep)
{
    cJSON_Delete(sweep->scenario);
    free(sweep->minutes);
    for (size_t arm = 0; arm < sweep->arms; arm++) {
        free(sweep->arm[arm].loss);
        free(sweep->arm[arm].least);
        free(sweep->arm[arm].most);
    }
}
