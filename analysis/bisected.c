/* A bisection's rows, and its answer: a few lines for people, JSON for programs. */
#include "analysis/bisected.h"

#include "analysis/estimate.h"
#include "analysis/rows.h"
#include "sim/alloc.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- rows -------------------------------------------------------------------------------------------- */

bool fl_bisect_rows(const char *directory, const char *metric, int64_t above, uint32_t rows,
                    bool *happens)
{
    char text[8192];
    struct fl_trace *trace = fl_trace_open_sweep(directory, text, sizeof text);
    if (!trace) {
        fprintf(stderr, "faultline: %s\n", text);
        return false;
    }
    snprintf(text, sizeof text, "/metrics/%s", metric);
    int64_t *values = fl_rows_integers(trace, directory, text, rows);
    for (uint32_t i = 0; values && i < rows; i++) {
        happens[i] = values[i] > above;
    }
    const bool ok = values != NULL;
    free(values);
    fl_trace_close(trace);
    return ok;
}

/* --- the border -------------------------------------------------------------------------------------- */

/* Between which values tried it begins for one seed, going up; downwards, ends. */
static void own_border(const struct fl_bisected *found, uint32_t seed, double *low, double *high)
{
    const bool up = found->happens > found->not ;
    uint32_t below = 0; /* steps below the border */
    for (uint32_t i = 0; i < found->steps; i++) {
        if (found->step[i].happens[seed] && !up) {
            below = i + 1;
        }
        below = up && below == i && !found->step[i].happens[seed] ? i + 1 : below;
    }
    *low = below == 0 ? -INFINITY : strtod(found->step[below - 1].value, NULL);
    *high = below == found->steps ? INFINITY : strtod(found->step[below].value, NULL);
}

/* Of all seeds there could be, the value at which their share is the one asked for: between two order
 * statistics of the seeds' own borders, each at its outer end. */
static struct fl_estimate border(const struct fl_bisect_job *job, const struct fl_bisected *found,
                                 double alpha)
{
    const bool up = found->happens > found->not ;
    const double share = strtod(job->share, NULL);
    const struct fl_bisect_step *step = &found->step[found->happens];
    struct fl_estimate e = {strtod(step->value, NULL), -INFINITY, INFINITY};
    if (!(share < 1)) {
        return e; /* that of the last seed of all: no sample has it */
    }
    double *low = fl_alloc(found->replicates, sizeof *low);
    double *high = fl_alloc(found->replicates, sizeof *high);
    for (uint32_t i = 0; i < found->replicates; i++) {
        own_border(found, i, &low[i], &high[i]);
    }
    const double quantile = up ? share : 1 - share;
    e.low = fl_quantile_at(low, found->replicates, quantile, alpha).low;
    e.high = fl_quantile_at(high, found->replicates, quantile, alpha).high;
    free(low);
    free(high);
    return e;
}

/* --- for people -------------------------------------------------------------------------------------- */

static struct fl_estimate share_at(const struct fl_bisected *found, uint32_t step, double alpha)
{
    return fl_wilson(found->step[step].hits, found->replicates, alpha);
}

static void print_step(const struct fl_bisected *found, uint32_t step, int width, double alpha)
{
    const struct fl_estimate share = share_at(found, step, alpha);
    const char *mark = step == found->happens ? "  yes" : step == found->not ? "  no" : "";
    const int digits = snprintf(NULL, 0, "%" PRIu32, found->replicates);
    printf("  %*s  %*" PRIu32 " of %" PRIu32 "  %5.1f %% [%.1f, %.1f]%s\n", width,
           found->step[step].value, digits, found->step[step].hits, found->replicates,
           100 * share.value, 100 * share.low, 100 * share.high, mark);
}

/* The value tried that is this number. */
static const char *step_text(const struct fl_bisected *found, double value)
{
    uint32_t i = 0;
    while (strtod(found->step[i].value, NULL) != value) {
        i++;
        FL_ASSERT(i < found->steps);
    }
    return found->step[i].value;
}

/* Without an end where so few seeds do not say. */
static void print_border(const struct fl_bisected *found, struct fl_estimate border)
{
    static const char begin[] = "  for that share of all seeds, not of these alone, the border is";
    const bool low = isfinite(border.low), high = isfinite(border.high);
    if (low && high) {
        printf("%s between %s and %s\n", begin, step_text(found, border.low),
               step_text(found, border.high));
    } else if (low || high) {
        printf("%s %s %s\n", begin, low ? "not below" : "not above",
               step_text(found, low ? border.low : border.high));
    } else {
        puts("  where the border of all seeds is, not of these alone, so few runs do not say");
    }
}

static void print_text(const struct fl_bisect_job *job, const struct fl_bisected *found,
                       double alpha)
{
    const bool up = found->happens > found->not ;
    const struct fl_bisect_step *yes = &found->step[found->happens];
    int width = 0;
    for (uint32_t i = 0; i < found->steps; i++) {
        const int length = (int)strlen(found->step[i].value);
        width = length > width ? length : width;
    }
    const struct fl_estimate of_all = border(job, found, alpha);
    printf("%s > %s %s %s = %s, in %" PRIu32 " of %" PRIu32 " seeds; at %s not\n", job->metric,
           job->above, up ? "from" : "up to", job->path, yes->value, yes->hits, found->replicates,
           found->step[found->not ].value);
    for (uint32_t i = 0; i < found->steps; i++) {
        print_step(found, i, width, alpha);
    }
    printf("  [intervals] of the share, by Wilson, at %g %%; yes is %s or more; in steps of %s\n",
           100 * (1 - alpha), job->share, found->tolerance);
    print_border(found, of_all);
    if (found->contrary > 0) {
        printf("  for %" PRIu32 " of %" PRIu32
               " seeds it comes and goes over these values: they have "
               "other borders, too\n",
               found->contrary, found->replicates);
    } else {
        puts("  for no seed it comes and goes over these values");
    }
    printf("  to see it: %s\n", found->replay);
}

/* --- for programs ------------------------------------------------------------------------------------ */

static cJSON *step_json(const struct fl_bisected *found, uint32_t index, double alpha)
{
    const struct fl_bisect_step *step = &found->step[index];
    const struct fl_estimate share = share_at(found, index, alpha);
    cJSON *item = cJSON_CreateObject();
    cJSON_AddRawToObject(item, "value", step->value);
    cJSON_AddNumberToObject(item, "count", step->hits);
    cJSON *wilson = cJSON_AddObjectToObject(item, "share");
    cJSON_AddNumberToObject(wilson, "value", share.value);
    cJSON_AddNumberToObject(wilson, "low", share.low);
    cJSON_AddNumberToObject(wilson, "high", share.high);
    return item;
}

/* null: beyond what was tried */
static void add_end(cJSON *object, const char *name, double value)
{
    if (isfinite(value)) {
        cJSON_AddNumberToObject(object, name, value);
    } else {
        cJSON_AddNullToObject(object, name);
    }
}

static void print_json(const struct fl_bisect_job *job, const struct fl_bisected *found,
                       double alpha)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "path", job->path);
    cJSON_AddStringToObject(object, "metric", job->metric);
    cJSON_AddRawToObject(object, "above", job->above);
    cJSON_AddRawToObject(object, "at_least", job->share);
    cJSON_AddNumberToObject(object, "alpha", alpha);
    cJSON_AddNumberToObject(object, "n", found->replicates);
    cJSON_AddBoolToObject(object, "down", found->happens < found->not );
    cJSON_AddRawToObject(object, "happens", found->step[found->happens].value);
    cJSON_AddRawToObject(object, "happens_not", found->step[found->not ].value);
    cJSON_AddRawToObject(object, "tolerance", found->tolerance);
    const struct fl_estimate of_all = border(job, found, alpha);
    cJSON *all = cJSON_AddObjectToObject(object, "border_of_all_seeds");
    add_end(all, "low", of_all.low);
    add_end(all, "high", of_all.high);
    cJSON *steps = cJSON_AddArrayToObject(object, "tried");
    for (uint32_t i = 0; i < found->steps; i++) {
        cJSON_AddItemToArray(steps, step_json(found, i, alpha));
    }
    cJSON_AddNumberToObject(object, "seeds_that_come_and_go", found->contrary);
    cJSON_AddStringToObject(object, "replay", found->replay);
    char *text = cJSON_Print(object);
    if (!text) {
        fl_out_of_memory();
    }
    puts(text);
    free(text);
    cJSON_Delete(object);
}

void fl_bisected_print(const struct fl_bisect_job *job, const struct fl_bisected *found,
                       double alpha, bool json)
{
    if (json) {
        print_json(job, found, alpha);
    } else {
        print_text(job, found, alpha);
    }
}
