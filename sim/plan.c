/* Plans from JSON, by the reader of scenarios: the same strictness, the same messages. */
#include "sim/plan.h"

#include "sim/config_parts.h"
#include "sim/extends.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* While a plan is being read. */
struct planning {
    struct fl_reading reading;
    struct fl_plan *plan;
    const cJSON *value[FL_AXES_MAX]; /* first value of each axis */
    const cJSON *metrics;
    bool *refused[FL_AXES_MAX]; /* by value: reported already */
    bool *taken[FL_AXES_MAX];   /* by value: good at some point */
    uint32_t together;          /* points reported whose values do not go together */
    bool *unknown;              /* by metric: likewise */
};

static char *arena_text(struct fl_plan *plan, const char *text, size_t bytes)
{
    char *copy = fl_arena_alloc(&plan->arena, bytes + 1, 1);
    memcpy(copy, text, bytes);
    return copy;
}

static char *arena_word(struct fl_plan *plan, const char *text)
{
    return arena_text(plan, text, strlen(text));
}

/* ------------------------------------------------------------------------------------------------
 * Axes
 * --------------------------------------------------------------------------------------------- */

/* The text of a value on one line. Outside of strings line ends are blanks, inside there are none. */
static char *value_text(struct planning *p, const cJSON *item)
{
    size_t bytes;
    const char *slice = fl_json_slice(&p->reading.json, item, &bytes);
    char *text = arena_text(p->plan, slice, bytes);
    for (char *at = text; *at; at++) {
        *at = *at == '\n' || *at == '\r' || *at == '\t' ? ' ' : *at;
    }
    return text;
}

static bool is_integer(const char *text, int64_t *value)
{
    return strpbrk(text, ".eE") == NULL && fl_decimal(text, strlen(text), 0, value);
}

static void read_value(struct planning *p, struct fl_axis *axis, uint32_t index, const cJSON *item)
{
    const char *text = value_text(p, item);
    char *override = fl_arena_alloc(&p->plan->arena, strlen(axis->path) + strlen(text) + 2, 1);
    strcat(strcat(strcpy(override, axis->path), "="), text);
    axis->override[index] = override;
    axis->shown[index] = arena_word(p->plan, cJSON_IsString(item) ? item->valuestring : text);
    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(axis->override[i], override) == 0) {
            fl_mistake(&p->reading.json, item, FL_AT_VALUE, "this value is there twice");
            return;
        }
    }
    if (axis->integer && (!cJSON_IsNumber(item) || !is_integer(text, &axis->integer[index]))) {
        axis->integer = NULL;
    }
}

static void read_values(struct planning *p, struct fl_axis *axis, const cJSON *values)
{
    if (!cJSON_IsArray(values) || !values->child) {
        fl_mistake(&p->reading.json, values, FL_AT_VALUE, "expected a list of values");
        return;
    }
    struct fl_arena *arena = &p->plan->arena;
    axis->count = (uint32_t)cJSON_GetArraySize(values);
    axis->override = fl_arena_alloc(arena, axis->count, sizeof *axis->override);
    axis->shown = fl_arena_alloc(arena, axis->count, sizeof *axis->shown);
    axis->integer = fl_arena_alloc(arena, axis->count, sizeof *axis->integer);
    uint32_t index = 0;
    for (const cJSON *item = values->child; item; item = item->next) {
        read_value(p, axis, index++, item);
    }
}

static void read_path(struct planning *p, struct fl_axis *axis, const cJSON *item)
{
    const char *path = fl_read_word(&p->reading, item);
    if (!path) {
        return;
    }
    if (strpbrk(path, "=/\n") || !*path) {
        fl_mistake(&p->reading.json, item, FL_AT_VALUE,
                   "expected a path such as faults.oracle-stuck.to_s");
    } else if (strcmp(path, "seed") == 0) {
        fl_mistake(&p->reading.json, item, FL_AT_VALUE,
                   "the seed of a row follows from the plan's seed and the replicate");
    } else {
        for (const struct fl_axis *other = p->plan->axis; other < axis; other++) {
            if (strcmp(other->path, path) == 0) {
                fl_mistake(&p->reading.json, item, FL_AT_VALUE, "two axes have this path");
            }
        }
    }
    axis->path = arena_word(p->plan, path);
}

static void read_axis(struct planning *p, uint32_t index, const cJSON *object)
{
    static const char *const keys[] = {"path", "values", NULL};
    struct fl_axis *axis = &p->plan->axis[index];
    axis->path = arena_word(p->plan, "");
    if (!fl_is_object(&p->reading, object)) {
        return;
    }
    fl_check_keys(&p->reading, object, keys, NULL, NULL);
    const cJSON *path = fl_member(object, "path"), *values = fl_member(object, "values");
    if (!path || !values) {
        fl_missing(&p->reading, object, path ? "values" : "path");
        return;
    }
    read_path(p, axis, path);
    read_values(p, axis, values);
    p->value[index] = values->child;
}

static void read_axes(struct planning *p, const cJSON *tree)
{
    struct fl_plan *plan = p->plan;
    plan->points = 1;
    const cJSON *axes = fl_member(tree, "axes");
    if (!axes || !fl_is_list(&p->reading, axes, "axes")) {
        return;
    }
    const int count = cJSON_GetArraySize(axes);
    if (count > FL_AXES_MAX) {
        fl_mistake(&p->reading.json, axes, FL_AT_VALUE, "more than %d axes", (int)FL_AXES_MAX);
        return;
    }
    plan->axis = fl_arena_alloc(&plan->arena, (size_t)count, sizeof *plan->axis);
    plan->axis_count = (uint32_t)count;
    uint64_t points = 1;
    uint32_t index = 0;
    for (const cJSON *item = axes->child; item; item = item->next, index++) {
        read_axis(p, index, item);
        points = points > FL_ROWS_MAX ? points : points * plan->axis[index].count;
    }
    if (points > FL_ROWS_MAX / plan->replicates) {
        fl_mistake(&p->reading.json, axes, FL_AT_VALUE, "more than %" PRIu64 " rows", FL_ROWS_MAX);
        return;
    }
    plan->points = (uint32_t)points;
}

/* ------------------------------------------------------------------------------------------------
 * The other keys
 * --------------------------------------------------------------------------------------------- */

static void read_names(struct planning *p, const cJSON *tree)
{
    const cJSON *name = fl_member(tree, "name"), *why = fl_member(tree, "why");
    const char *text = name ? fl_read_word(&p->reading, name) : NULL;
    if (!name) {
        fl_missing(&p->reading, tree, "name");
    } else if (text && fl_check_name(&p->reading, name, FL_AT_VALUE, text, true)) {
        memcpy(p->plan->name, text, strlen(text) + 1);
    }
    text = why ? fl_read_word(&p->reading, why) : NULL;
    p->plan->why = arena_word(p->plan, text ? text : "");
}

static void read_numbers(struct planning *p, const cJSON *tree)
{
    struct fl_plan *plan = p->plan;
    const cJSON *seed = fl_member(tree, "seed"), *replicates = fl_member(tree, "replicates");
    plan->seed = 1;
    if (seed) {
        fl_read_seed(&p->reading, seed, &plan->seed);
    }
    int64_t count = 1;
    if (replicates) {
        const struct fl_range range = {0, 1, 1000000};
        cJSON_Delete(fl_read_number(&p->reading, replicates, range, &count));
    }
    plan->replicates = (uint32_t)count;
}

/* Unknown ones are found with the points: a scenario may have them at some points only. */
static void read_metrics(struct planning *p, const cJSON *tree)
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
        plan->metric[plan->metric_count++] = arena_word(plan, path ? path : "");
    }
}

/* Reads the scenario that the plan names, relative to the plan. */
static void read_scenario(struct planning *p, const cJSON *tree, const char *plan_path)
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
    plan->scenario_written = arena_word(plan, written);
    char *text = fl_file_read(plan->scenario, &plan->text_bytes);
    if (!text) {
        fl_mistake(&p->reading.json, item, FL_AT_VALUE, "cannot read %s: %s", plan->scenario,
                   strerror(errno));
        return;
    }
    plan->text = arena_text(plan, text, plan->text_bytes);
    free(text);
}

static void read_plan(struct planning *p, const cJSON *tree, const char *path)
{
    static const char *const keys[] = {"$schema",    "name", "why",     "scenario", "axes",
                                       "replicates", "seed", "metrics", NULL};
    fl_check_keys(&p->reading, tree, keys, NULL, NULL);
    read_names(p, tree);
    read_numbers(p, tree);
    read_axes(p, tree);
    read_metrics(p, tree);
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
    for (uint32_t i = plan->axis_count - 1; i > axis; i--) {
        point /= plan->axis[i].count;
    }
    return point % plan->axis[axis].count;
}

void fl_plan_overrides(const struct fl_plan *plan, uint32_t point,
                       const char *overrides[FL_AXES_MAX])
{
    for (uint32_t i = 0; i < plan->axis_count; i++) {
        overrides[i] = plan->axis[i].override[fl_plan_value(plan, point, i)];
    }
}

static struct fl_config *config_at(const struct fl_plan *plan, uint32_t point, const uint64_t *seed,
                                   struct fl_problems *problems)
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
    return config_at(plan, point, &seed, problems);
}

/* For a shell: in single quotes unless nothing needs them. */
static void print_word(FILE *out, const char *word)
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
    FILE *out = open_memstream(&text, &bytes);
    if (!out) {
        fl_out_of_memory();
    }
    fputs("faultline run ", out);
    print_word(out, scenario);
    const char *overrides[FL_AXES_MAX];
    fl_plan_overrides(plan, point, overrides);
    for (uint32_t i = 0; i < plan->axis_count; i++) {
        fputs(" --set ", out);
        print_word(out, overrides[i]);
    }
    fprintf(out, " --seed %" PRIu64, fl_plan_seed(plan, replicate));
    if (fclose(out) != 0) {
        fl_out_of_memory();
    }
    return text;
}

/* ------------------------------------------------------------------------------------------------
 * Checking every point
 * --------------------------------------------------------------------------------------------- */

static const cJSON *value_item(const struct planning *p, uint32_t axis, uint32_t index)
{
    const cJSON *item = p->value[axis];
    while (index-- > 0) {
        item = item->next;
    }
    return item;
}

/* What the reader said first, without the place in the scenario or the name of the override. */
static const char *sentence_of(char *said)
{
    said[strcspn(said, "\n")] = '\0';
    const char *at = strstr(said, ": error: ");
    return at ? at + strlen(": error: ") : said;
}

/* The axis whose override the message is about: it begins with its name. UINT32_MAX if there is
 * none, or if the value was good at another point. */
static uint32_t axis_at_fault(const struct planning *p, uint32_t point, const char *said)
{
    const char *overrides[FL_AXES_MAX];
    fl_plan_overrides(p->plan, point, overrides);
    for (uint32_t i = 0; i < p->plan->axis_count; i++) {
        const size_t length = strlen(overrides[i]);
        if (strncmp(said, "--set ", 6) == 0 && strncmp(said + 6, overrides[i], length) == 0 &&
            strncmp(said + 6 + length, ": error: ", 9) == 0) {
            return p->taken[i][fl_plan_value(p->plan, point, i)] ? UINT32_MAX : i;
        }
    }
    return UINT32_MAX;
}

/* One value is at fault, or the values of the point do not go together: then the last axis' stands
 * for all. */
static void blame(struct planning *p, uint32_t point, char *said)
{
    const struct fl_plan *plan = p->plan;
    FL_ASSERT(plan->axis_count > 0); /* else the point is the scenario itself, which was taken */
    uint32_t axis = axis_at_fault(p, point, said);
    const bool together = axis == UINT32_MAX;
    axis = together ? plan->axis_count - 1 : axis;
    const uint32_t value = fl_plan_value(plan, point, axis);
    if (together && plan->axis_count > 1) {
        fl_mistake(&p->reading.json, value_item(p, axis, value), FL_AT_VALUE,
                   "with the other values of point %" PRIu32 ": %s", point, sentence_of(said));
        p->together++;
    } else {
        fl_mistake(&p->reading.json, value_item(p, axis, value), FL_AT_VALUE, "%s",
                   sentence_of(said));
        p->refused[axis][value] = true;
    }
}

static void check_metrics(struct planning *p, uint32_t point, const struct fl_config *config)
{
    struct fl_plan *plan = p->plan;
    const cJSON *item = p->metrics->child;
    for (uint32_t i = 0; i < plan->metric_count; i++, item = item->next) {
        struct fl_metric metric;
        struct fl_hint hint;
        const bool known = fl_summary_has(config, plan->metric[i], &metric, &hint);
        if (!known && !p->unknown[i]) {
            p->unknown[i] = true;
            fl_mistake(&p->reading.json, item, FL_AT_VALUE,
                       "the summary of point %" PRIu32 " has no such number%s", point, hint.text);
        }
        if (known) {
            plan->unit[i] = metric.unit;
        }
    }
}

static bool is_refused(const struct planning *p, uint32_t point)
{
    for (uint32_t i = 0; i < p->plan->axis_count; i++) {
        if (p->refused[i][fl_plan_value(p->plan, point, i)]) {
            return true;
        }
    }
    return false;
}

static void check_point(struct planning *p, uint32_t point)
{
    char *said = NULL;
    size_t bytes = 0;
    struct fl_problems problems = {.to = open_memstream(&said, &bytes)};
    if (!problems.to) {
        fl_out_of_memory();
    }
    struct fl_config *config = config_at(p->plan, point, NULL, &problems);
    if (fclose(problems.to) != 0) {
        fl_out_of_memory();
    }
    if (config) {
        check_metrics(p, point, config);
        for (uint32_t i = 0; i < p->plan->axis_count; i++) {
            p->taken[i][fl_plan_value(p->plan, point, i)] = true;
        }
    } else {
        blame(p, point, said);
    }
    fl_config_free(config);
    free(said);
}

/* The scenario as it is first, so that its own mistakes are told in its own words. */
static void check_points(struct planning *p, const cJSON *tree, struct fl_problems *problems)
{
    struct fl_plan *plan = p->plan;
    struct fl_config *base =
        fl_config_parse(plan->text, plan->text_bytes, plan->scenario, NULL, 0, NULL, problems);
    if (!base) {
        fl_mistake(&p->reading.json, fl_member(tree, "scenario"), FL_AT_VALUE,
                   "this scenario has mistakes of its own");
        return;
    }
    plan->resolved = arena_word(plan, base->resolved);
    fl_config_free(base);
    for (uint32_t i = 0; i < plan->axis_count; i++) {
        p->refused[i] = fl_arena_alloc(&plan->arena, plan->axis[i].count, sizeof(bool));
        p->taken[i] = fl_arena_alloc(&plan->arena, plan->axis[i].count, sizeof(bool));
    }
    p->unknown = fl_arena_alloc(&plan->arena, plan->metric_count, sizeof(bool));
    enum { TOGETHER_SHOWN = 10 };
    for (uint32_t point = 0; point < plan->points && p->together < TOGETHER_SHOWN; point++) {
        if (!is_refused(p, point)) {
            check_point(p, point);
        }
    }
}

/* ------------------------------------------------------------------------------------------------
 * The whole
 * --------------------------------------------------------------------------------------------- */

static void read_text(struct planning *p, const char *path, const char *text, size_t bytes,
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
        if (json->mistake_count == 0) {
            check_points(p, tree, problems);
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
    struct planning p = {.plan = fl_alloc(1, sizeof *p.plan)};
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
