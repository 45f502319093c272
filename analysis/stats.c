/* The statistics of a sweep, point by point. */
#include "analysis/stats.h"

#include "analysis/analysis.h"
#include "analysis/estimate.h"
#include "sim/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, EXIT_IO = 3 };

const struct fl_stats_level fl_stats_level[FL_STATS_LEVELS] = {{0.95, "95 %"}, {0.99, "99 %"}};
const double fl_stats_share[FL_STATS_SHARES] = {0.5, 0.1, 0.9};

/* --- estimates --------------------------------------------------------------------------------------- */

static void pair(const double *first, const double *now, size_t replicates, double alpha,
                 struct fl_stats_point *out)
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

static struct fl_stats_point estimate(const double *metric, size_t replicates, size_t number,
                                      double alpha)
{
    const double *now = metric + number * replicates;
    double *values = fl_alloc(replicates, sizeof *values);
    struct fl_stats_point p = {0};
    for (size_t r = 0; r < replicates; r++) {
        if (!isnan(now[r])) {
            values[p.count++] = now[r];
            p.hits += now[r] > 0;
        }
    }
    if (p.count > 0) {
        p.mean = fl_mean_at(values, p.count, alpha);
        p.median = fl_quantile_at(values, p.count, 0.5, alpha);
        for (size_t k = 0; k < FL_STATS_LEVELS; k++) {
            p.at_risk[k] = fl_value_at_risk(values, p.count, fl_stats_level[k].share, alpha);
            p.shortfall[k] = fl_expected_shortfall(values, p.count, fl_stats_level[k].share, alpha);
        }
        p.wilson = fl_wilson(p.hits, p.count, alpha);
        p.exact = fl_clopper_pearson(p.hits, p.count, alpha);
        pair(metric, now, replicates, alpha, &p);
    }
    free(values);
    return p;
}

/* --- the onset --------------------------------------------------------------------------------------- */

/* Whether more seeds are above 0 at the least x than at the greatest, or as many: 1, -1, 0. Only seeds that
 * both have. */
static int direction(const struct fl_rows *rows, const double *values, const double *x)
{
    size_t least = 0, greatest = 0, below = 0, above = 0;
    for (size_t i = 1; i < rows->points; i++) {
        least = x[i] < x[least] ? i : least;
        greatest = x[i] > x[greatest] ? i : greatest;
    }
    for (size_t r = 0; r < rows->replicates; r++) {
        const double at_least = values[least * rows->replicates + r];
        const double at_greatest = values[greatest * rows->replicates + r];
        const bool both = !isnan(at_least) && !isnan(at_greatest);
        below += both && at_least > 0;
        above += both && at_greatest > 0;
    }
    return (below > above) - (below < above);
}

static bool ended_well(const double *values, const struct fl_rows *rows, size_t replicate)
{
    for (size_t i = 0; i < rows->points; i++) {
        if (isnan(values[i * rows->replicates + replicate])) {
            return false;
        }
    }
    return true;
}

static void find_onset(struct fl_stats_metric *metric, const double *values, const double *x)
{
    const struct fl_rows *rows = metric->rows;
    size_t *seed = fl_alloc(rows->replicates, sizeof *seed), seeds = 0;
    for (size_t r = 0; r < rows->replicates; r++) {
        seed[seeds] = r;
        seeds += ended_well(values, rows, r);
    }
    bool *happens = fl_alloc(rows->points * seeds, sizeof *happens);
    for (size_t i = 0; i < rows->points; i++) {
        for (size_t s = 0; s < seeds; s++) {
            happens[i * seeds + s] = values[i * rows->replicates + seed[s]] > 0;
        }
    }
    const struct fl_onsets onsets = {x, rows->points, seeds, happens, metric->down};
    metric->onset_seeds = seeds;
    if (seeds > 0) {
        metric->onset = fl_onset(&onsets, metric->alpha);
        metric->fits = fl_logistic_fit_seeds(&onsets, &metric->curve);
    }
    free(happens);
    free(seed);
}

/* --- the whole --------------------------------------------------------------------------------------- */

/* Everything about one metric; returns how many of its runs did not end well. */
static size_t estimate_all(struct fl_stats_metric *metric, const double *values)
{
    const struct fl_rows *rows = metric->rows;
    size_t missing = 0;
    for (size_t i = 0; i < rows->points; i++) {
        metric->point[i] = estimate(values, rows->replicates, i, metric->alpha);
        missing += rows->runs[i] - metric->point[i].count;
    }
    double *x = fl_rows_axis_numbers(rows);
    const int way = x ? direction(rows, values, x) : 0;
    if (way != 0) {
        metric->down = way > 0;
        find_onset(metric, values, x);
    }
    free(x);
    return missing;
}

/* One metric, to stdout or to the end of `json`. */
static bool tell_metric(struct fl_trace *trace, const struct fl_stats *stats,
                        const struct fl_rows *rows, const char *name, cJSON *json)
{
    struct fl_stats_metric metric = {
        .rows = rows, .name = name, .alpha = stats->alpha / (double)rows->looks};
    double *values = fl_rows_metric(trace, stats->directory, rows, name, &metric.unit);
    if (!values) {
        return false;
    }
    metric.point = fl_alloc(rows->points, sizeof *metric.point);
    const size_t missing = estimate_all(&metric, values);
    if (json) {
        cJSON_AddItemToArray(json, fl_stats_json(&metric));
    } else {
        fl_stats_print(&metric);
    }
    if (missing > 0) {
        fprintf(stderr, "faultline: %s: %zu of %zu runs did not end well and are left out\n", name,
                missing, rows->count);
    }
    free(metric.point);
    free(values);
    return true;
}

/* 0, or the status after a line on stderr. */
static int check_metric(struct fl_trace *trace, const struct fl_stats *stats,
                        const struct fl_rows *rows)
{
    bool any = false;
    if (stats->metric) {
        return fl_rows_offer(trace, rows, stats->metric) ? 0 : EXIT_USAGE;
    }
    for (size_t i = 0; i < rows->metrics; i++) {
        any |= fl_rows_is_number(trace, rows->metric[i]);
    }
    if (any) {
        return 0;
    }
    fprintf(stderr, "faultline: %s: none of its metrics is a number\n", stats->directory);
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
        cJSON_AddNumberToObject(json, "looks", (double)rows->looks);
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
