/* Plans from JSON, by the reader of scenarios: the same strictness, the same messages. */
#include "sim/plan.h"

#include "sim/config_parts.h"
#include "sim/extends.h"
#include "sim/plan_reading.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static char *arena_text(struct fl_plan *plan, const char *text, size_t bytes)
{
    char *copy = fl_arena_alloc(&plan->arena, bytes + 1, 1);
    memcpy(copy, text, bytes);
    return copy;
}

/* ------------------------------------------------------------------------------------------------
 * The other keys
 * --------------------------------------------------------------------------------------------- */

static void read_names(struct fl_planning *p, const cJSON *tree)
{
    const cJSON *name = fl_member(tree, "name"), *why = fl_member(tree, "why");
    const char *text = name ? fl_read_word(&p->reading, name) : NULL;
    if (!name) {
        fl_missing(&p->reading, tree, "name");
    } else if (text && fl_check_name(&p->reading, name, FL_AT_VALUE, text, true)) {
        memcpy(p->plan->name, text, strlen(text) + 1);
    }
    text = why ? fl_read_word(&p->reading, why) : NULL;
    p->plan->why = fl_arena_text(&p->plan->arena, text ? text : "");
}

static void read_numbers(struct fl_planning *p, const cJSON *tree)
{
    struct fl_plan *plan = p->plan;
    const cJSON *seed = fl_member(tree, "seed"), *replicates = fl_member(tree, "replicates");
    const cJSON *looks = fl_member(tree, "looks");
    plan->seed = 1;
    if (seed) {
        fl_read_seed(&p->reading, seed, &plan->seed);
    }
    int64_t count = 1;
    if (replicates) {
        const struct fl_range range = {0, 1, FL_REPLICATES_MAX};
        cJSON_Delete(fl_read_number(&p->reading, replicates, range, &count));
    }
    plan->replicates = (uint32_t)count;
    if (looks && replicates) {
        fl_mistake(&p->reading.json, replicates, FL_AT_KEY,
                   "the last of the \"looks\" says how many: leave this out");
    }
    if (looks) {
        fl_plan_read_looks(p, looks);
    }
}

/* Unknown ones are found with the points: a scenario may have them at some points only. */
static void read_metrics(struct fl_planning *p, const cJSON *tree)
{
    struct fl_plan *plan = p->plan;
    const cJSON *metrics = fl_member(tree, "metrics");
    if (!metrics) {
        fl_missing(&p->reading, tree, "metrics");
        return;
    }
    const int count = cJSON_GetArraySize(metrics);
    if (!cJSON_IsArray(metrics) || count == 0 || count > FL_METRICS_MAX) {
        fl_mistake(&p->reading.json, metrics, FL_AT_VALUE,
                   "expected a list of 1 to %d paths in summary.json, such as ledger.bad_debt",
                   (int)FL_METRICS_MAX);
        return;
    }
    p->metrics = metrics;
    plan->metric = fl_arena_alloc(&plan->arena, (size_t)count, sizeof *plan->metric);
    plan->unit = fl_arena_alloc(&plan->arena, (size_t)count, sizeof *plan->unit);
    for (const cJSON *item = metrics->child; item; item = item->next) {
        const char *path = fl_read_word(&p->reading, item);
        for (uint32_t i = 0; path && i < plan->metric_count; i++) {
            if (strcmp(plan->metric[i], path) == 0) {
                fl_mistake(&p->reading.json, item, FL_AT_VALUE, "this metric is there twice");
            }
        }
        plan->metric[plan->metric_count++] = fl_arena_text(&plan->arena, path ? path : "");
    }
}

/* Reads the scenario that the plan names, relative to the plan. */
static void read_scenario(struct fl_planning *p, const cJSON *tree, const char *plan_path)
{
    struct fl_plan *plan = p->plan;
    const cJSON *item = fl_member(tree, "scenario");
    if (!item) {
        fl_missing(&p->reading, tree, "scenario");
        return;
    }
    const char *written = fl_read_word(&p->reading, item);
    if (!written) {
        return;
    }
    const char *slash = *written == '/' ? NULL : strrchr(plan_path, '/');
    const size_t folder = slash ? (size_t)(slash + 1 - plan_path) : 0;
    plan->scenario = fl_arena_alloc(&plan->arena, folder + strlen(written) + 1, 1);
    memcpy(plan->scenario, plan_path, folder);
    strcpy(plan->scenario + folder, written);
    plan->scenario_written = fl_arena_text(&plan->arena, written);
    char *text = fl_file_read(plan->scenario, &plan->text_bytes);
    if (!text) {
        fl_mistake(&p->reading.json, item, FL_AT_VALUE, "cannot read %s: %s", plan->scenario,
                   strerror(errno));
        return;
    }
    plan->text = arena_text(plan, text, plan->text_bytes);
    free(text);
}

static void read_plan(struct fl_planning *p, const cJSON *tree, const char *path)
{
    static const char *const keys[] = {"$schema", "name", "why",  "scenario", "axes", "replicates",
                                       "looks",   "stop", "seed", "metrics",  NULL};
    fl_check_keys(&p->reading, tree, keys, NULL, NULL);
    read_names(p, tree);
    read_numbers(p, tree);
    fl_plan_read_axes(p, tree);
    read_metrics(p, tree);
    fl_plan_read_stop(p, tree);
    read_scenario(p, tree, path);
}

/* ------------------------------------------------------------------------------------------------
 * Points
 * --------------------------------------------------------------------------------------------- */

uint64_t fl_plan_seed(const struct fl_plan *plan, uint32_t replicate)
{
    unsigned char key[16] = {0};
    for (int i = 0; i < 8; i++) {
        key[i] = (unsigned char)(plan->seed >> (8 * i));
        key[8 + i] = (unsigned char)((uint64_t)replicate >> (8 * i));
    }
    return XXH3_64bits(key, sizeof key) >> 11; /* below 2^53: a JSON number for every reader */
}

uint32_t fl_plan_value(const struct fl_plan *plan, uint32_t point, uint32_t axis)
{
    FL_ASSERT(point < plan->points && axis < plan->axis_count);
    const uint32_t dimension = plan->axis[axis].dimension;
    for (uint32_t i = plan->dimension_count - 1; i > dimension; i--) {
        point /= plan->dimension[i].count;
    }
    return point % plan->dimension[dimension].count;
}

void fl_plan_overrides(const struct fl_plan *plan, uint32_t point,
                       const char *overrides[FL_AXES_MAX])
{
    for (uint32_t i = 0; i < plan->axis_count; i++) {
        overrides[i] = plan->axis[i].override[fl_plan_value(plan, point, i)];
    }
}

struct fl_config *fl_plan_config_at(const struct fl_plan *plan, uint32_t point,
                                    const uint64_t *seed, struct fl_problems *problems)
{
    const char *overrides[FL_AXES_MAX];
    fl_plan_overrides(plan, point, overrides);
    return fl_config_parse(plan->text, plan->text_bytes, plan->scenario, overrides,
                           plan->axis_count, seed, problems);
}

struct fl_config *fl_plan_config(const struct fl_plan *plan, uint32_t point, uint32_t replicate,
                                 struct fl_problems *problems)
{
    const uint64_t seed = fl_plan_seed(plan, replicate);
    return fl_plan_config_at(plan, point, &seed, problems);
}

uint64_t fl_plan_digest(const struct fl_config *config)
{
    const char *text = config->resolved, *seed = strstr(text, "\n  \"seed\": ");
    FL_ASSERT(seed);
    const char *after = seed + 1 + strcspn(seed + 1, "\n");
    return XXH3_64bits_withSeed(after, strlen(after), XXH3_64bits(text, (size_t)(seed - text)));
}

void fl_shell_word(FILE *out, const char *word)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=+:,";
    if (*word && strspn(word, plain) == strlen(word)) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word; word++) {
        fputs(*word == '\'' ? "'\\'" : "", out);
        fputc(*word, out);
    }
    fputc('\'', out);
}

char *fl_plan_replay(const struct fl_plan *plan, const char *scenario, uint32_t point,
                     uint32_t replicate)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = fl_text_open(&text, &bytes);
    fputs("faultline run ", out);
    fl_shell_word(out, scenario);
    const char *overrides[FL_AXES_MAX];
    fl_plan_overrides(plan, point, overrides);
    for (uint32_t i = 0; i < plan->axis_count; i++) {
        fputs(" --set ", out);
        fl_shell_word(out, overrides[i]);
    }
    fprintf(out, " --seed %" PRIu64, fl_plan_seed(plan, replicate));
    fl_text_close(out);
    return text;
}

/* ------------------------------------------------------------------------------------------------
 * The whole
 * --------------------------------------------------------------------------------------------- */

static void read_text(struct fl_planning *p, const char *path, const char *text, size_t bytes,
                      struct fl_problems *problems)
{
    struct fl_json *json = &p->reading.json;
    const bool large = bytes > FL_JSON_FILE_BYTES;
    const uint32_t index = fl_json_add(json, FL_TEXT_FILE, path, text, large ? 0 : bytes, "");
    if (large) {
        fl_mistake_in(json, index, 0, 1, "the file is larger than %d MiB",
                      FL_JSON_FILE_BYTES >> 20);
        return;
    }
    cJSON *tree = fl_json_parse(json, index, false);
    if (tree && fl_is_object(&p->reading, tree)) {
        p->plan->raw = arena_text(p->plan, text, bytes);
        read_plan(p, tree, path);
        if (json->mistake_count == 0 && fl_plan_check(p, tree, problems)) {
            fl_plan_read_half_width(p, tree);
        }
    }
    cJSON_Delete(tree);
}

struct fl_plan *fl_plan_load(const char *path, struct fl_problems *problems)
{
    size_t bytes;
    char *text = fl_file_read(path, &bytes);
    if (!text) {
        if (problems->to) {
            fprintf(problems->to, "%s: error: cannot read it: %s\n", path, strerror(errno));
        }
        return NULL;
    }
    struct fl_planning p = {.plan = fl_alloc(1, sizeof *p.plan)};
    p.reading.arena = &p.plan->arena;
    read_text(&p, path, text, bytes, problems);
    free(text);
    const uint32_t mistakes = p.reading.json.mistake_count;
    problems->count += mistakes;
    if (problems->to) {
        fl_mistake_print(&p.reading.json, problems->to);
    }
    fl_json_free(&p.reading.json);
    if (mistakes > 0) {
        fl_plan_free(p.plan);
        return NULL;
    }
    return p.plan;
}

void fl_plan_free(struct fl_plan *plan)
{
    if (plan) {
        fl_arena_free(&plan->arena);
        free(plan);
    }
}
