/* Bisection over runs: see bisect.h. */
#include "sim/bisect.h"

#include "sim/disk.h"
#include "sim/extends.h"
#include "sim/json.h"
#include "sim/plan.h"
#include "sim/sweep.h"
#include "sim/unit_text.h"
#include "sim/values.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_RUNS = 1, EXIT_USAGE = 2, EXIT_IO = 3, DIGITS_MOST = 18, SHARE_DIGITS = 6 };
static const int64_t SHARE_ONE = 1000000;

struct search {
    const struct fl_bisect_job *job;
    struct fl_bisected *found;
    struct fl_config *config;
    int64_t low, high, tolerance, above, share; /* share: in SHARE_ONE */
    uint64_t places;                            /* values are place 0 to this one */
    uint32_t digits;
    uint64_t place[FL_BISECT_STEPS]; /* of found->step */
};

__attribute__((format(printf, 1, 2))) static int refuse(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("faultline bisect: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_USAGE;
}

/* ------------------------------------------------------------------------------------------------
 * What is asked for
 * --------------------------------------------------------------------------------------------- */

static uint32_t digits_of(const char *text)
{
    const char *dot = strchr(text, '.');
    const size_t digits = dot ? strlen(dot + 1) : 0;
    return digits < DIGITS_MOST ? (uint32_t)digits : DIGITS_MOST;
}

static int read_decimal(const char *option, const char *text, uint32_t digits, int64_t *value)
{
    return fl_decimal(text, strlen(text), digits, value)
               ? 0
               : refuse("--%s %s: expected a number such as 0.25", option, text);
}

static int read_range(struct search *s)
{
    const struct fl_bisect_job *job = s->job;
    const uint32_t low = digits_of(job->low), high = digits_of(job->high);
    const uint32_t step = job->tolerance ? digits_of(job->tolerance) : 0;
    s->digits = low > high ? low : high;
    s->digits = step > s->digits ? step : s->digits;
    s->tolerance = 1;
    int status = read_decimal("low", job->low, s->digits, &s->low);
    status = status ? status : read_decimal("high", job->high, s->digits, &s->high);
    if (status == 0 && job->tolerance) {
        status = read_decimal("tolerance", job->tolerance, s->digits, &s->tolerance);
    }
    if (status != 0) {
        return status;
    }
    if (s->low >= s->high) {
        return refuse("--low %s is not below --high %s", job->low, job->high);
    }
    if (s->tolerance < 1) {
        return refuse("--tolerance %s: expected a number above 0", job->tolerance);
    }
    const uint64_t span = (uint64_t)s->high - (uint64_t)s->low, step_size = (uint64_t)s->tolerance;
    s->places = span / step_size + (span % step_size != 0);
    return 0;
}

static int read_limits(struct search *s)
{
    const struct fl_bisect_job *job = s->job;
    struct fl_metric metric;
    struct fl_hint hint = {""};
    if (!fl_summary_has(s->config, job->metric, &metric, &hint)) {
        return refuse("--metric %s: the summary of %s has no such number%s", job->metric,
                      s->config->name, hint.text);
    }
    if (metric.unit == 0) {
        return refuse("--metric %s: words, not numbers", job->metric);
    }
    const uint32_t digits = fl_unit_digits(metric.unit);
    if (!fl_decimal(job->above, strlen(job->above), digits, &s->above)) {
        return refuse("--above %s: expected a number with at most %" PRIu32 " decimals, as %s has",
                      job->above, digits, job->metric);
    }
    if (!fl_decimal(job->share, strlen(job->share), SHARE_DIGITS, &s->share) || s->share <= 0 ||
        s->share > SHARE_ONE) {
        return refuse("--share %s: expected a number above 0 and at most 1", job->share);
    }
    if (job->replicates < 1 || job->replicates > FL_BISECT_REPLICATES_MAX) {
        return refuse("--replicates %" PRIu32 ": expected 1 to %d", job->replicates,
                      FL_BISECT_REPLICATES_MAX);
    }
    return 0;
}

/* The item that is typed after --set; the caller deletes it. */
static cJSON *value_item(const struct search *s, uint64_t place)
{
    const uint64_t value = (uint64_t)s->low + place * (uint64_t)s->tolerance;
    return fl_number_item(place == s->places ? s->high : (int64_t)value, s->digits);
}

static void value_text(const struct search *s, uint64_t place, char out[FL_BISECT_TEXT])
{
    cJSON *item = value_item(s, place);
    FL_ASSERT(strlen(item->valuestring) < FL_BISECT_TEXT);
    strcpy(out, item->valuestring);
    cJSON_Delete(item);
}

/* The scenario, with this value of the number unless it is NULL; NULL after a report. */
static struct fl_config *load_with(const struct search *s, const char *value, int *status)
{
    const struct fl_bisect_job *job = s->job;
    const char **override = fl_alloc(job->override_count + 1, sizeof *override);
    char *last = fl_alloc(strlen(job->path) + FL_BISECT_TEXT + 2, 1);
    for (size_t i = 0; i < job->override_count; i++) {
        override[i] = job->override[i];
    }
    if (value) {
        override[job->override_count] = strcat(strcat(strcpy(last, job->path), "="), value);
    }
    struct fl_problems problems = {.to = stderr};
    struct fl_config *config = fl_config_load(
        job->scenario, override, job->override_count + (value != NULL), job->seed, &problems);
    if (!config) {
        *status = problems.count > 0 ? EXIT_USAGE : EXIT_IO;
    }
    free(last);
    free(override);
    return config;
}

/* As it is, which is kept, and with the number at both ends. */
static int load(struct search *s)
{
    if (strcmp(s->job->path, "seed") == 0) {
        return refuse("seed: the seeds of the runs are made of --seed; say another number");
    }
    int status = 0;
    s->config = load_with(s, NULL, &status);
    for (int end = 0; end < 2 && status == 0; end++) {
        char value[FL_BISECT_TEXT];
        value_text(s, end == 0 ? 0 : s->places, value);
        fl_config_free(load_with(s, value, &status));
    }
    return status;
}

/* ------------------------------------------------------------------------------------------------
 * One step
 * --------------------------------------------------------------------------------------------- */

/* A plan of one point; the caller frees it. */
static char *plan_text(const struct search *s, uint64_t place)
{
    const struct fl_bisect_job *job = s->job;
    char seed[FL_BISECT_TEXT];
    snprintf(seed, sizeof seed, "%" PRIu64, s->config->seed);
    cJSON *plan = fl_json_made(cJSON_CreateObject()), *axes = fl_json_made(cJSON_CreateArray());
    cJSON *axis = fl_json_made(cJSON_CreateObject()), *values = fl_json_made(cJSON_CreateArray());
    cJSON *metrics = fl_json_made(cJSON_CreateArray());
    fl_json_push(values, value_item(s, place));
    fl_json_put(axis, "path", cJSON_CreateString(job->path));
    fl_json_put(axis, "values", values);
    fl_json_push(axes, axis);
    fl_json_push(metrics, cJSON_CreateString(job->metric));
    fl_json_put(plan, "name", cJSON_CreateString(s->config->name));
    fl_json_put(plan, "why", cJSON_CreateString("A step of a bisection."));
    fl_json_put(plan, "scenario", cJSON_CreateString("../scenario.json"));
    fl_json_put(plan, "axes", axes);
    fl_json_put(plan, "replicates", fl_number_item(job->replicates, 0));
    fl_json_put(plan, "seed", cJSON_CreateString(seed));
    fl_json_put(plan, "metrics", metrics);
    char *text = fl_json_pretty(plan);
    cJSON_Delete(plan);
    return text;
}

static void step_folder(const struct search *s, uint64_t place, char out[FL_BISECT_PATH])
{
    char value[FL_BISECT_TEXT];
    value_text(s, place, value);
    const int length = snprintf(out, FL_BISECT_PATH, "%s/at-%s", s->found->directory, value);
    FL_ASSERT(length < FL_BISECT_PATH);
}

/* Published only if it is not there already. */
static int write_file(const char *directory, const char *name, const char *text)
{
    char path[FL_BISECT_PATH + 32];
    size_t bytes = 0;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    const struct fl_file file = {name, text, strlen(text)};
    const char *problem = fl_folder_make(directory);
    char *old = problem ? NULL : fl_file_read(path, &bytes);
    if (old && (bytes != file.count || memcmp(old, text, bytes) != 0)) {
        free(old);
        return refuse("%s is of another bisection; say another folder by -o, or remove %s", path,
                      directory);
    }
    problem = problem || old ? problem : fl_files_publish(directory, &file, 1);
    free(old);
    if (problem) {
        fprintf(stderr, "faultline: %s\n", problem);
    }
    return problem ? EXIT_IO : 0;
}

static void keep_step(struct search *s, uint64_t place, const bool *happens)
{
    struct fl_bisected *found = s->found;
    FL_ASSERT(found->steps < FL_BISECT_STEPS);
    uint32_t at = found->steps++;
    for (; at > 0 && s->place[at - 1] > place; at--) {
        found->step[at] = found->step[at - 1];
        s->place[at] = s->place[at - 1];
    }
    struct fl_bisect_step *step = &found->step[at];
    *step = (struct fl_bisect_step){.happens = fl_alloc(found->replicates, sizeof(bool))};
    s->place[at] = place;
    value_text(s, place, step->value);
    memcpy(step->happens, happens, found->replicates * sizeof(bool));
    for (uint32_t r = 0; r < found->replicates; r++) {
        step->hits += happens[r];
    }
    if (!s->job->quiet && isatty(STDERR_FILENO)) {
        fprintf(stderr, "%s = %s: %" PRIu32 " of %" PRIu32 "\n", s->job->path, step->value,
                step->hits, found->replicates);
    }
}

static int run_sweep(const struct search *s, const char *directory)
{
    char plan[FL_BISECT_PATH + 32];
    snprintf(plan, sizeof plan, "%s/plan.json", directory);
    const struct fl_sweep sweep = {
        .plan = plan, .directory = directory, .jobs = s->job->jobs, .resume = true, .quiet = true};
    const int status = fl_sweep(&sweep);
    if (status == EXIT_RUNS) {
        refuse("without these runs the others tell nothing");
    }
    return status;
}

/* Runs this value with all seeds, and keeps what they say. */
static int try(struct search *s, uint64_t place)
{
    char directory[FL_BISECT_PATH];
    step_folder(s, place, directory);
    char *plan = plan_text(s, place);
    int status = write_file(directory, "plan.json", plan);
    free(plan);
    status = status ? status : run_sweep(s, directory);
    if (status != 0) {
        return status;
    }
    const uint32_t replicates = s->found->replicates;
    bool *happens = fl_alloc(replicates, sizeof *happens);
    if (s->job->read(directory, s->job->metric, s->above, replicates, happens)) {
        keep_step(s, place, happens);
    } else {
        status = EXIT_IO;
    }
    free(happens);
    return status;
}

/* ------------------------------------------------------------------------------------------------
 * The search
 * --------------------------------------------------------------------------------------------- */

static uint32_t step_at(const struct search *s, uint64_t place)
{
    uint32_t at = 0;
    while (at < s->found->steps && s->place[at] != place) {
        at++;
    }
    FL_ASSERT(at < s->found->steps);
    return at;
}

static bool says_yes(const struct search *s, uint64_t place)
{
    return (int64_t)s->found->step[step_at(s, place)].hits * SHARE_ONE >=
           s->share * (int64_t)s->found->replicates;
}

/* Of one seed: over the values tried it changes once, as the whole does, or not at all. */
static bool is_contrary(const struct fl_bisected *found, uint32_t seed, bool first)
{
    bool changed = false;
    for (uint32_t i = 0; i < found->steps; i++) {
        const bool now = found->step[i].happens[seed];
        if (now == first && changed) {
            return true;
        }
        changed = changed || now != first;
    }
    return false;
}

static int search(struct search *s)
{
    struct fl_bisected *found = s->found;
    uint64_t low = 0, high = s->places;
    int status = try(s, low);
    status = status ? status : try(s, high);
    if (status != 0) {
        return status;
    }
    const bool first = says_yes(s, low);
    if (first == says_yes(s, high)) {
        refuse("%s > %s in %" PRIu32 " of %" PRIu32 " runs at %s = %s, and in %" PRIu32
               " at %s: no border between them that a share of %s makes",
               s->job->metric, s->job->above, found->step[0].hits, found->replicates, s->job->path,
               found->step[0].value, found->step[1].hits, found->step[1].value, s->job->share);
        return EXIT_RUNS;
    }
    while (high - low > 1 && status == 0) {
        const uint64_t middle = low + (high - low) / 2;
        status = try(s, middle);
        if (status == 0) {
            *(says_yes(s, middle) == first ? &low : &high) = middle;
        }
    }
    found->happens = step_at(s, first ? low : high);
    found->not = step_at(s, first ? high : low);
    for (uint32_t r = 0; r < found->replicates; r++) {
        found->contrary += is_contrary(found, r, first);
    }
    return status;
}

/* ------------------------------------------------------------------------------------------------
 * The whole
 * --------------------------------------------------------------------------------------------- */

/* Of the first seed with which it happens at the border; NULL after a report, which would be about a
 * file of ours that somebody changed. */
static char *replay_of(const struct search *s)
{
    const struct fl_bisected *found = s->found;
    char path[FL_BISECT_PATH + 32];
    uint32_t replicate = 0;
    while (!found->step[found->happens].happens[replicate]) {
        replicate++;
    }
    step_folder(s, s->place[found->happens], path);
    strcat(path, "/plan.json");
    struct fl_problems problems = {.to = stderr};
    struct fl_plan *plan = fl_plan_load(path, &problems);
    snprintf(path, sizeof path, "%s/scenario.json", found->directory);
    char *replay = plan ? fl_plan_replay(plan, path, 0, replicate) : NULL;
    fl_plan_free(plan);
    return replay;
}

static int name_folder(struct search *s)
{
    const char *given = s->job->directory;
    const int length = snprintf(s->found->directory, FL_BISECT_PATH, "%s%s%s",
                                given ? given : "results/", given ? "" : s->config->name,
                                given ? "" : "-bisect");
    return length + FL_BISECT_TEXT + 8 < FL_BISECT_PATH
               ? 0
               : refuse("the name of the results folder is too long");
}

int fl_bisect_scenario(const struct fl_bisect_job *job, struct fl_bisected *found)
{
    *found = (struct fl_bisected){.replicates = job->replicates};
    struct search s = {.job = job, .found = found};
    int status = read_range(&s);
    status = status ? status : load(&s);
    status = status ? status : read_limits(&s);
    status = status ? status : name_folder(&s);
    fl_signals_end_run();
    status = status ? status : write_file(found->directory, "scenario.json", s.config->resolved);
    status = status ? status : search(&s);
    if (status == 0) {
        cJSON *tolerance = fl_number_item(s.tolerance, s.digits);
        strcpy(found->tolerance, tolerance->valuestring);
        cJSON_Delete(tolerance);
        found->replay = replay_of(&s);
        status = found->replay ? 0 : EXIT_IO;
    }
    fl_config_free(s.config);
    return status;
}

void fl_bisected_free(struct fl_bisected *found)
{
    for (uint32_t i = 0; i < found->steps; i++) {
        free(found->step[i].happens);
    }
    free(found->replay);
}
