/* Scenario files to checked configurations: the top level, and what others ask of the result. */
#include "sim/config.h"
#include "sim/config_network.h"
#include "sim/config_parts.h"
#include "sim/extends.h"
#include "sim/params.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* A configuration and the memory it owns: what users see is the first member. */
struct owner {
    struct fl_config config;
    struct fl_arena arena;
};

/* ------------------------------------------------------------------------------------------------
 * Names
 * --------------------------------------------------------------------------------------------- */

const char *fl_family_name(enum fl_family family)
{
    switch (family) {
    case FL_CONSENSUS:
        return "consensus";
    case FL_CHAIN:
        return "chain";
    case FL_SOURCE:
        return "source";
    case FL_MARKET:
        return "market";
    case FL_ORACLE:
        return "oracle";
    case FL_AGENT:
        return "agent";
    case FL_DEFENCE:
        return "defence";
    case FL_CONTRACT:
        return "contract";
    case FL_AGGREGATOR:
        return "aggregator";
    case FL_MARK:
        return "mark";
    case FL_DELEVERAGING:
        return "deleveraging";
    case FL_FAULT:
        return "fault";
    case FL_CHECK:
        return "check";
    case FL_FAMILIES:
        break;
    }
    FL_UNREACHABLE("family without a name");
}

uint64_t fl_name_key(const char *name)
{
    return XXH3_64bits(name, strlen(name));
}

const struct fl_model *fl_model_find(enum fl_family family, const char *name)
{
    for (const struct fl_model *const *model = fl_models; *model; model++) {
        if ((*model)->family == family && strcmp((*model)->name, name) == 0) {
            return *model;
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------------------
 * The top level
 * --------------------------------------------------------------------------------------------- */

static char *arena_text(struct fl_reading *reading, const char *text, size_t bytes)
{
    char *copy = fl_arena_alloc(reading->arena, bytes + 1, 1);
    memcpy(copy, text, bytes);
    return copy;
}

static void read_name(struct fl_reading *reading, const cJSON *scenario, cJSON *out)
{
    const cJSON *item = fl_member(scenario, "name");
    if (!item) {
        fl_missing(reading, scenario, "name");
        return;
    }
    const char *name = fl_read_word(reading, item);
    if (name && fl_check_name(reading, item, FL_AT_VALUE, name, true)) {
        memcpy(reading->config->name, name, strlen(name) + 1);
        fl_json_put(out, "name", cJSON_CreateString(name));
    }
}

static void read_why(struct fl_reading *reading, const cJSON *scenario, cJSON *out)
{
    const cJSON *item = fl_member(scenario, "why");
    const char *why = item ? fl_read_word(reading, item) : NULL;
    why = why ? why : "";
    reading->config->why = arena_text(reading, why, strlen(why));
    fl_json_put(out, "why", cJSON_CreateString(why));
}

static void read_seed(struct fl_reading *reading, const cJSON *scenario,
                      const uint64_t *replacement, cJSON *out)
{
    uint64_t *seed = &reading->config->seed;
    *seed = 1;
    const cJSON *item = fl_member(scenario, "seed");
    if (item) {
        fl_read_seed(reading, item, seed);
    }
    *seed = replacement ? *replacement : *seed;
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, *seed);
    fl_json_put(out, "seed",
                *seed <= FL_SEED_NUMBER_MAX ? cJSON_CreateRaw(text) : cJSON_CreateString(text));
}

/* A member that holds one of some words; `fallback` if it is absent or wrong. */
static uint32_t read_choice_key(struct fl_reading *reading, const cJSON *object, const char *key,
                                const char *const *words, uint32_t fallback, cJSON *out)
{
    const cJSON *item = fl_member(object, key);
    uint32_t choice = item ? fl_read_choice(reading, item, words) : fallback;
    choice = choice == UINT32_MAX ? fallback : choice;
    fl_json_put(out, key, cJSON_CreateString(words[choice]));
    return choice;
}

static void read_run(struct fl_reading *reading, const cJSON *scenario, cJSON *out)
{
    static const char *const ties[] = {"sequence", "random", NULL};
    struct fl_config *config = reading->config;
    if (!fl_member(scenario, "duration_s")) {
        fl_missing(reading, scenario, "duration_s");
    }
    config->end = fl_read_number_key(reading, scenario, "duration_s", FL_SECONDS(1), 0, out);
    config->random_ties = read_choice_key(reading, scenario, "ties", ties, 0, out) == 1;
}

static void read_trace(struct fl_reading *reading, const cJSON *scenario, cJSON *out)
{
    static const char *const details[] = {"summary", "events", "messages", NULL};
    static const char *const keys[] = {"sample_s", "detail", NULL};
    struct fl_config *config = reading->config;
    const cJSON *trace = fl_member(scenario, "trace");
    if (trace && !fl_is_object(reading, trace)) {
        trace = NULL;
    }
    if (trace) {
        fl_check_keys(reading, trace, keys, NULL, NULL);
    }
    cJSON *object = fl_json_made(cJSON_CreateObject());
    fl_json_put(out, "trace", object);
    const uint32_t detail = read_choice_key(reading, trace, "detail", details,
                                            FL_DETAIL_EVENTS - FL_DETAIL_SUMMARY, object);
    config->detail = (enum fl_detail)(FL_DETAIL_SUMMARY + detail);
    config->sample = fl_read_number_key(reading, trace, "sample_s", FL_SECONDS(FL_MILLISECOND),
                                        10 * FL_SECOND, object);
}

/* ------------------------------------------------------------------------------------------------
 * Expectations
 * --------------------------------------------------------------------------------------------- */

static cJSON *read_expect_path(struct fl_reading *reading, const cJSON *item,
                               char path[2 * FL_NAME_MAX])
{
    const char *word = fl_read_word(reading, item);
    if (!word) {
        return NULL;
    }
    const size_t length = strlen(word);
    if (length == 0 || length >= 2 * FL_NAME_MAX) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "expected 1 to %d characters",
                   2 * FL_NAME_MAX - 1);
        return NULL;
    }
    memcpy(path, word, length + 1);
    if (strchr(word, '/')) { /* the observable of one part: there because it is named here */
        uint32_t *handle = fl_arena_alloc(reading->arena, 1, sizeof *handle);
        fl_add_pending(reading, (struct fl_pending){.item = item, .observable = handle});
    }
    return fl_json_made(cJSON_CreateString(word));
}

/* A plain decimal of any number of digits that fits, so that whoever compares can scale it. */
static cJSON *read_expect_number(struct fl_reading *reading, const cJSON *item,
                                 char value[FL_NAME_MAX])
{
    size_t bytes;
    const char *text = fl_json_slice(&reading->json, item, &bytes);
    struct fl_range range = {0, INT64_MIN, INT64_MAX};
    int64_t number;
    while (range.digits <= 9 && !fl_decimal(text, bytes, range.digits, &number)) {
        range.digits++;
    }
    if (range.digits > 9) {
        fl_mistake(&reading->json, item, FL_AT_VALUE,
                   "expected a decimal number without exponent, with at most 9 decimals");
        return NULL;
    }
    cJSON *read = fl_read_number(reading, item, range, &number);
    if (read) {
        snprintf(value, FL_NAME_MAX, "%s", read->valuestring);
    }
    return read;
}

static cJSON *read_expect_value(struct fl_reading *reading, const cJSON *item,
                                char value[FL_NAME_MAX])
{
    if (cJSON_IsNumber(item)) {
        return read_expect_number(reading, item, value);
    }
    const char *word = cJSON_IsTrue(item)    ? "true"
                       : cJSON_IsFalse(item) ? "false"
                                             : item->valuestring;
    const size_t length = word ? strlen(word) : 0;
    if ((!cJSON_IsBool(item) && !cJSON_IsString(item)) || length == 0 || length >= FL_NAME_MAX) {
        fl_mistake(&reading->json, item, FL_AT_VALUE,
                   "expected a number, or a word of 1 to %d characters", FL_NAME_MAX - 1);
        return NULL;
    }
    memcpy(value, word, length + 1);
    return fl_json_made(cJSON_IsBool(item) ? cJSON_CreateBool(cJSON_IsTrue(item))
                                           : cJSON_CreateString(word));
}

static cJSON *read_expect_op(struct fl_reading *reading, const cJSON *item, enum fl_op *op)
{
    static const char *const ops[] = {"<", "<=", "==", "!=", ">=", ">", NULL};
    const uint32_t choice = fl_read_choice(reading, item, ops);
    if (choice == UINT32_MAX) {
        return NULL;
    }
    *op = (enum fl_op)(FL_OP_LT + choice);
    return fl_json_made(cJSON_CreateString(ops[choice]));
}

static void read_expectation(struct fl_reading *reading, const cJSON *item,
                             struct fl_expect *expect, cJSON *out)
{
    static const char *const keys[] = {"path", "op", "value", NULL};
    if (!fl_is_object(reading, item)) {
        return;
    }
    fl_check_keys(reading, item, keys, NULL, NULL);
    for (uint32_t i = 0; keys[i]; i++) {
        const cJSON *member = fl_member(item, keys[i]);
        if (!member) {
            fl_missing(reading, item, keys[i]);
            continue;
        }
        cJSON *read = i == 0   ? read_expect_path(reading, member, expect->path)
                      : i == 1 ? read_expect_op(reading, member, &expect->op)
                               : read_expect_value(reading, member, expect->value);
        if (read) {
            fl_json_put(out, keys[i], read);
        }
    }
}

static void read_expectations(struct fl_reading *reading, const cJSON *scenario, cJSON *out)
{
    struct fl_config *config = reading->config;
    const cJSON *expect = fl_member(scenario, "expect");
    cJSON *list = fl_json_made(cJSON_CreateArray());
    fl_json_put(out, "expect", list);
    if (expect && !cJSON_IsArray(expect)) {
        fl_mistake(&reading->json, expect, FL_AT_VALUE, "expected a list of expectations, found %s",
                   fl_json_type(expect));
        return;
    }
    const int count = expect ? cJSON_GetArraySize(expect) : 0;
    config->expect = fl_arena_alloc(reading->arena, (size_t)count, sizeof *config->expect);
    for (const cJSON *item = expect ? expect->child : NULL; item; item = item->next) {
        cJSON *object = fl_json_made(cJSON_CreateObject());
        fl_json_push(list, object);
        read_expectation(reading, item, &config->expect[config->expect_count++], object);
    }
}

/* ------------------------------------------------------------------------------------------------
 * The whole
 * --------------------------------------------------------------------------------------------- */

/* "extends" is here for its spelling only: by now it is gone from the tree. */
static const char *const scenario_keys[] = {
    "$schema", "extends",   "name",   "why",    "seed",  "duration_s", "ties", "network",
    "nodes",   "contracts", "faults", "checks", "trace", "expect",     NULL,
};

/* What is in force is returned as JSON. Groups and contracts are named before anything refers to
 * them; mistakes are put into the order of the text when they are printed. */
static cJSON *read_scenario(struct fl_reading *reading, const cJSON *scenario, const uint64_t *seed)
{
    cJSON *out = fl_json_made(cJSON_CreateObject());
    fl_check_keys(reading, scenario, scenario_keys, NULL, NULL);
    const cJSON *schema = fl_member(scenario, "$schema");
    if (schema) {
        (void)fl_read_word(reading, schema);
    }
    fl_name_groups(reading, scenario);
    fl_name_contracts(reading, scenario);
    read_name(reading, scenario, out);
    read_why(reading, scenario, out);
    read_seed(reading, scenario, seed, out);
    read_run(reading, scenario, out);
    fl_read_network(reading, scenario, out);
    fl_read_contracts(reading, scenario, out);
    fl_read_groups(reading, scenario, out);
    cJSON *faults = fl_add_object(out, "faults");
    fl_read_checks(reading, scenario, out);
    read_trace(reading, scenario, out);
    read_expectations(reading, scenario, out);
    fl_collect_observables(reading, scenario);
    fl_read_faults(reading, scenario, faults);
    fl_settle_pending(reading);
    fl_keep_observables(reading);
    return out;
}

/* The --set arguments, one a line. */
static char *join_overrides(struct fl_reading *reading, const char *const *overrides, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += strlen(overrides[i]) + 1;
    }
    char *joined = fl_arena_alloc(reading->arena, bytes + 1, 1), *at = joined;
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(overrides[i]);
        memcpy(at, overrides[i], length);
        at[length] = '\n';
        at += length + 1;
    }
    return joined;
}

static void keep_text(struct fl_reading *reading, const cJSON *resolved)
{
    char *text = fl_json_pretty(resolved);
    reading->config->resolved = arena_text(reading, text, strlen(text));
    free(text);
}

struct fl_config *fl_config_parse(const char *text, size_t bytes, const char *path,
                                  const char *const *overrides, size_t override_count,
                                  const uint64_t *seed, struct fl_problems *problems)
{
    struct owner *owner = fl_alloc(1, sizeof *owner);
    struct fl_reading reading = {.arena = &owner->arena, .config = &owner->config};
    cJSON *tree = fl_scenario_tree(&reading.json, text, bytes, path, overrides, override_count);
    if (tree) {
        owner->config.raw = arena_text(&reading, text, bytes);
        owner->config.overrides = join_overrides(&reading, overrides, override_count);
        cJSON *resolved = read_scenario(&reading, tree, seed);
        if (reading.json.mistake_count == 0) {
            keep_text(&reading, resolved);
        }
        cJSON_Delete(resolved);
    }
    const uint32_t mistakes = reading.json.mistake_count;
    problems->count += mistakes;
    if (problems->to) {
        fl_mistake_print(&reading.json, problems->to);
    }
    cJSON_Delete(tree);
    fl_json_free(&reading.json);
    free(reading.pending);
    free(reading.sized);
    if (mistakes > 0) {
        fl_config_free(&owner->config);
        return NULL;
    }
    return &owner->config;
}

struct fl_config *fl_config_load(const char *path, const char *const *overrides,
                                 size_t override_count, const uint64_t *seed,
                                 struct fl_problems *problems)
{
    size_t bytes;
    char *text = fl_file_read(path, &bytes);
    if (!text) {
        /* The outside world, not a mistake of the scenario: the count stays as it is. */
        if (problems->to) {
            fprintf(problems->to, "%s: error: cannot read it: %s\n", path, strerror(errno));
        }
        return NULL;
    }
    struct fl_config *config =
        fl_config_parse(text, bytes, path, overrides, override_count, seed, problems);
    free(text);
    return config;
}

void fl_config_free(struct fl_config *config)
{
    if (config) {
        struct owner *owner = (struct owner *)config; /* its first member */
        fl_arena_free(&owner->arena);
        free(owner);
    }
}
