/* From a scenario to the plan of its twins. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "sim/attribute.h"

#include "sim/archive.h"
#include "sim/disk.h"
#include "sim/extends.h"
#include "sim/plan.h"
#include "sim/rng.h"
#include "sim/sweep.h"
#include "sim/values.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_ROWS = 1, EXIT_USAGE = 2, EXIT_IO = 3, PATH_BYTES = 4096 };
enum { FAULT_PATH = FL_NAME_MAX + 32 };

#define SUFFIX "-attribute"

/* ------------------------------------------------------------------------------------------------
 * Players and orders
 * --------------------------------------------------------------------------------------------- */

static void take_players(const struct fl_config *config, struct fl_attributed *found)
{
    memcpy(found->name, config->name, sizeof found->name);
    found->players = config->fault_count;
    found->player = fl_alloc(found->players, sizeof *found->player);
    for (uint32_t i = 0; i < found->players; i++) {
        found->player[i] = fl_strdup(config->fault[i].name);
    }
}

/* Every order is as likely as any other (Fisher and Yates), and its reverse comes with it: what a
 * fault adds early in one it adds late in the other. */
static void draw_orders(uint64_t seed, struct fl_attributed *found)
{
    const uint32_t players = found->players;
    found->order = fl_alloc((size_t)found->orders * players, 1);
    for (uint32_t n = 0; n < found->orders; n += 2) {
        uint8_t *order = found->order + (size_t)n * players, *backwards = order + players;
        for (uint32_t i = 0; i < players; i++) {
            order[i] = (uint8_t)i;
        }
        for (uint32_t i = 0; i + 1 < players; i++) {
            const uint64_t other = i +
                                   fl_draw_below(seed, FL_RNG_ANALYSIS, n / 2, i, 0, players - i);
            const uint8_t moved = order[i];
            order[i] = order[other];
            order[other] = moved;
        }
        for (uint32_t i = 0; i < players; i++) {
            backwards[i] = order[players - 1 - i];
        }
    }
}

static int ascending(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The sets that come up in the orders, the single faults and what is left without each; freed by the
 * caller. */
static uint64_t *sets_of(const struct fl_attributed *found, uint32_t *count)
{
    const uint32_t players = found->players;
    const uint64_t everybody = (UINT64_C(1) << players) - 1;
    uint64_t *set = fl_alloc((size_t)found->orders * players + 2 * players + 1, sizeof *set);
    size_t all = 1; /* nobody is in the first */
    for (uint32_t n = 0; n < found->orders; n++) {
        uint64_t before = 0;
        for (uint32_t i = 0; i < players; i++) {
            before |= UINT64_C(1) << found->order[(size_t)n * players + i];
            set[all++] = before;
        }
    }
    for (uint32_t i = 0; i < players; i++) {
        set[all++] = UINT64_C(1) << i;
        set[all++] = everybody & ~(UINT64_C(1) << i);
    }
    qsort(set, all, sizeof *set, ascending);
    *count = 0;
    for (size_t i = 0; i < all; i++) {
        if (*count == 0 || set[*count - 1] != set[i]) {
            set[(*count)++] = set[i];
        }
    }
    return set;
}

/* ------------------------------------------------------------------------------------------------
 * The plan
 * --------------------------------------------------------------------------------------------- */

static void player_path(const struct fl_attributed *found, uint32_t i, char out[FAULT_PATH])
{
    snprintf(out, FAULT_PATH, "faults.%s.enabled", found->player[i]);
}

/* An axis for each fault: the sets are the points of their grid. */
static void add_grid(const struct fl_attributed *found, cJSON *axes)
{
    for (uint32_t i = 0; i < found->players; i++) {
        char path[FAULT_PATH];
        player_path(found, i, path);
        cJSON *axis = fl_json_made(cJSON_CreateObject());
        cJSON *values = fl_json_made(cJSON_CreateArray());
        fl_json_put(axis, "path", cJSON_CreateString(path));
        fl_json_push(values, cJSON_CreateFalse());
        fl_json_push(values, cJSON_CreateTrue());
        fl_json_put(axis, "values", values);
        fl_json_push(axes, axis);
    }
}

static void add_list(const struct fl_attributed *found, cJSON *axes)
{
    uint32_t count;
    uint64_t *set = sets_of(found, &count);
    cJSON *axis = fl_json_made(cJSON_CreateObject()), *list = fl_json_made(cJSON_CreateArray());
    for (uint32_t n = 0; n < count; n++) {
        cJSON *point = fl_json_made(cJSON_CreateObject());
        for (uint32_t i = 0; i < found->players; i++) {
            char path[FAULT_PATH];
            player_path(found, i, path);
            fl_json_put(point, path, cJSON_CreateBool(set[n] >> i & 1));
        }
        fl_json_push(list, point);
    }
    fl_json_put(axis, "list", list);
    fl_json_push(axes, axis);
    free(set);
}

/* As the reader of --set takes it: JSON if it is JSON, else a word. */
static cJSON *value_of(const char *text)
{
    struct fl_json json = {0};
    const uint32_t index = fl_json_add(&json, FL_TEXT_OVERRIDE, "", text, strlen(text), "");
    cJSON *tree = fl_json_parse(&json, index, true);
    cJSON *value = tree ? cJSON_CreateRaw(text) : cJSON_CreateString(text);
    cJSON_Delete(tree);
    fl_json_free(&json);
    return fl_json_made(value);
}

static bool same_path(const char *a, const char *b)
{
    const size_t bytes = strcspn(a, "=");
    return strcspn(b, "=") == bytes && memcmp(a, b, bytes) == 0;
}

/* Replaced by a later one, or what the axes of the faults say themselves. */
static bool is_overridden(const struct fl_attribute *job, const struct fl_attributed *found,
                          size_t which)
{
    for (size_t i = which + 1; i < job->override_count; i++) {
        if (same_path(job->override[which], job->override[i])) {
            return true;
        }
    }
    for (uint32_t i = 0; i < found->players; i++) {
        char path[FAULT_PATH];
        player_path(found, i, path);
        if (same_path(job->override[which], path)) {
            return true;
        }
    }
    return false;
}

/* Each --set is an axis with one value, before those of the faults. */
static void add_overrides(const struct fl_attribute *job, const struct fl_attributed *found,
                          cJSON *axes)
{
    for (size_t i = 0; i < job->override_count; i++) {
        if (is_overridden(job, found, i)) {
            continue;
        }
        const char *text = job->override[i];
        const size_t bytes = strcspn(text, "=");
        char *path = fl_strndup(text, bytes);
        cJSON *axis = fl_json_made(cJSON_CreateObject());
        cJSON *values = fl_json_made(cJSON_CreateArray());
        fl_json_put(axis, "path", cJSON_CreateString(path));
        fl_json_push(values, value_of(text + bytes + 1));
        fl_json_put(axis, "values", values);
        fl_json_push(axes, axis);
        free(path);
    }
}

/* The way from one folder to a file, both absolute: the same wherever the two lie together. */
static void relative(const char *folder, const char *file, char out[PATH_BYTES])
{
    size_t common = 0, used = 0;
    for (size_t i = 0; folder[i] == file[i] && folder[i] != '\0'; i++) {
        common = file[i] == '/' ? i + 1 : common;
    }
    const size_t length = strlen(folder);
    if (length < strlen(file) && strncmp(folder, file, length) == 0 && file[length] == '/') {
        common = length + 1;
    }
    out[0] = '\0';
    for (const char *at = folder + (common < length ? common : length); *at;
         at += strcspn(at, "/"), at += *at == '/') {
        used += (size_t)snprintf(out + used, PATH_BYTES - used, "../");
        FL_ASSERT(used < PATH_BYTES);
    }
    FL_ASSERT(used + strlen(file + common) < PATH_BYTES);
    strcpy(out + used, file + common);
}

/* NULL after a line on stderr; freed by the caller. */
static char *plan_text(const struct fl_attribute *job, const struct fl_config *config,
                       const struct fl_attributed *found)
{
    char folder[PATH_BYTES], scenario[PATH_BYTES], path[PATH_BYTES];
    char name[FL_NAME_MAX], why[FL_NAME_MAX + 128], seed[32];
    if (!realpath(found->directory, folder) || !realpath(job->scenario, scenario)) {
        fprintf(stderr, "faultline: cannot find the way from %s to %s: %s\n", found->directory,
                job->scenario, strerror(errno));
        return NULL;
    }
    relative(folder, scenario, path);
    snprintf(name, sizeof name, "%.*s" SUFFIX, (int)(sizeof name - sizeof SUFFIX), config->name);
    snprintf(why, sizeof why,
             "What each fault of %s is answerable for: twins that differ in "
             "which of its faults are enabled.",
             config->name);
    snprintf(seed, sizeof seed, "%" PRIu64, config->seed);
    cJSON *plan = fl_json_made(cJSON_CreateObject()), *axes = fl_json_made(cJSON_CreateArray());
    cJSON *metrics = fl_json_made(cJSON_CreateArray());
    fl_json_put(plan, "name", cJSON_CreateString(name));
    fl_json_put(plan, "why", cJSON_CreateString(why));
    fl_json_put(plan, "scenario", cJSON_CreateString(path));
    add_overrides(job, found, axes);
    if (found->orders > 0) {
        add_list(found, axes);
    } else {
        add_grid(found, axes);
    }
    fl_json_put(plan, "axes", axes);
    fl_json_put(plan, "replicates", fl_number_item(job->replicates, 0));
    fl_json_put(plan, "seed", cJSON_CreateString(seed));
    fl_json_push(metrics, cJSON_CreateString(job->metric));
    fl_json_put(plan, "metrics", metrics);
    char *printed = cJSON_Print(plan);
    cJSON_Delete(plan);
    if (!printed) {
        fl_out_of_memory();
    }
    char *text = fl_alloc(strlen(printed) + sizeof "\n", 1);
    strcat(strcpy(text, printed), "\n");
    free(printed);
    return text;
}

/* A plan that lies there already must be this one: its rows would be taken for ours. */
static bool publish(const char *directory, const char *text)
{
    char path[PATH_BYTES + 16];
    size_t bytes = 0;
    snprintf(path, sizeof path, "%s/plan.json", directory);
    char *old = fl_file_read(path, &bytes);
    const bool same = old && bytes == strlen(text) && memcmp(old, text, bytes) == 0;
    const bool other = old && !same;
    free(old);
    if (other) {
        fprintf(stderr,
                "faultline: %s is of other runs; say --output for another folder, or remove %s\n",
                path, directory);
        return false;
    }
    const struct fl_file file = {"plan.json", text, strlen(text)};
    const char *problem = same ? NULL : fl_files_publish(directory, &file, 1);
    if (problem) {
        fprintf(stderr, "faultline: %s\n", problem);
    }
    return !problem;
}

/* ------------------------------------------------------------------------------------------------
 * The whole
 * --------------------------------------------------------------------------------------------- */

/* NULL, or what cannot be asked of this scenario (lent until the next call). */
static const char *refusal(const struct fl_attribute *job, const struct fl_config *config,
                           const struct fl_attributed *found)
{
    struct fl_metric metric;
    struct fl_hint hint = {""};
    size_t axes = found->players;
    for (size_t i = 0; i < job->override_count; i++) {
        axes += !is_overridden(job, found, i);
        if (strncmp(job->override[i], "seed=", 5) == 0) {
            return "--set seed: say --seed; the seeds of the runs are drawn from it";
        }
    }
    const bool known = fl_summary_has(config, job->metric, &metric, &hint);
    if (!known || metric.unit == 0 || metric.unit == FL_BOOL) {
        return fl_disk_failure("--metric %s: %s%s", job->metric,
                               known ? "not a number" : "the summary has no such number",
                               hint.text);
    }
    if (found->players == 0) {
        return "it has no fault that is enabled, so that there is nobody to answer";
    }
    if (found->players > FL_FAULTS_MOST) {
        return "it has more than 63 faults that are enabled";
    }
    return axes > FL_AXES_MAX ? "too many --set; put them into a scenario that extends this one"
                              : NULL;
}

/* Whether the scenario is one without each of the faults: another may need it, as a partition of twins
 * needs the twins. What is wrong then is told. */
static bool is_free_to_go(const struct fl_attribute *job, const struct fl_attributed *found,
                          uint32_t player)
{
    char off[FAULT_PATH + 8];
    player_path(found, player, off);
    strcat(off, "=false");
    const char **override = fl_alloc(job->override_count + 1, sizeof *override);
    memcpy(override, job->override, job->override_count * sizeof *override);
    override[job->override_count] = off;
    struct fl_problems problems = {.to = stderr};
    struct fl_config *config =
        fl_config_load(job->scenario, override, job->override_count + 1, job->seed, &problems);
    free(override);
    fl_config_free(config);
    if (!config) {
        fprintf(
            stderr,
            "faultline: %s: another fault needs %s, which cannot answer for itself; leave one of "
            "them out by --set faults.NAME.enabled=false\n",
            job->scenario, found->player[player]);
    }
    return config != NULL;
}

static int sweep_of(const struct fl_attribute *job, const struct fl_attributed *found)
{
    char plan[PATH_BYTES + 16];
    snprintf(plan, sizeof plan, "%s/plan.json", found->directory);
    const struct fl_sweep sweep = {.plan = plan,
                                   .directory = found->directory,
                                   .jobs = job->jobs,
                                   .resume = job->resume,
                                   .within = true};
    const int status = fl_sweep(&sweep);
    if (status == EXIT_ROWS) {
        fputs("faultline: without these runs nothing can be attributed; --resume runs them again\n",
              stderr);
    }
    return status;
}

static int run(const struct fl_attribute *job, const struct fl_config *config,
               struct fl_attributed *found)
{
    const char *problem = refusal(job, config, found);
    if (problem) {
        fprintf(stderr, "faultline: %s: %s\n", job->scenario, problem);
        return EXIT_USAGE;
    }
    for (uint32_t i = 0; i < found->players; i++) {
        if (!is_free_to_go(job, found, i)) {
            return EXIT_USAGE;
        }
    }
    draw_orders(config->seed, found);
    problem = strlen(found->directory) < PATH_BYTES ? fl_folder_make(found->directory)
                                                    : "the name of the results folder is too long";
    if (problem) {
        fprintf(stderr, "faultline: %s\n", problem);
        return EXIT_IO;
    }
    char *text = plan_text(job, config, found);
    if (!text) {
        return EXIT_IO;
    }
    const int status = publish(found->directory, text) ? sweep_of(job, found) : EXIT_USAGE;
    free(text);
    return status;
}

int fl_attribute(const struct fl_attribute *job, struct fl_attributed *found)
{
    struct fl_problems problems = {.to = stderr};
    *found = (struct fl_attributed){.players = 0};
    struct fl_config *config =
        fl_config_load(job->scenario, job->override, job->override_count, job->seed, &problems);
    if (!config) {
        return problems.count > 0 ? EXIT_USAGE : EXIT_IO;
    }
    char standard[sizeof "results/" SUFFIX + FL_NAME_MAX];
    snprintf(standard, sizeof standard, "results/%s" SUFFIX, config->name);
    found->directory = fl_strdup(job->output ? job->output : standard);
    take_players(config, found);
    found->orders = job->orders > 0                    ? job->orders
                    : found->players > FL_FAULTS_EXACT ? FL_ORDERS_USUAL
                                                       : 0;
    const int status = run(job, config, found);
    fl_config_free(config);
    return status;
}

void fl_attributed_free(struct fl_attributed *found)
{
    for (uint32_t i = 0; i < found->players; i++) {
        free(found->player[i]);
    }
    free(found->player);
    free(found->order);
    free(found->directory);
}
