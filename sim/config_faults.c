/* Faults, from JSON to who is struck, and when: see struct fl_fault_spec. */
#include "sim/config_network.h"
#include "sim/config_parts.h"
#include "sim/unit_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PPM 1000000u
#define LOOK_LEAST FL_MILLISECOND
#define LOOK_MOST (1000000 * FL_SECOND)
#define LOOK_USUAL (100 * FL_MILLISECOND)
enum { SPLIT_MAX = 64, SEES_MAX = 16 };

static const struct fl_range share = {6, 1, 1000000};

/* ------------------------------------------------------------------------------------------------
 * Who: the pool
 * --------------------------------------------------------------------------------------------- */

/* What a member of the pool must be. */
struct filter {
    uint32_t group;      /* UINT32_MAX: of any */
    uint32_t region;     /* UINT32_MAX: anywhere */
    enum fl_family role; /* 0: any */
    const cJSON *labels; /* NULL: none asked for */
};

static bool has_label(const struct fl_group *group, uint32_t index, const cJSON *wanted)
{
    for (uint32_t i = 0; i < group->label_count; i++) {
        const struct fl_label *label = &group->label[i];
        if (label->count > 0 && strcmp(label->key, wanted->string) == 0) {
            return strcmp(label->value[index % label->count], wanted->valuestring) == 0;
        }
    }
    return false;
}

static bool passes(const struct fl_config *config, const struct filter *filter, uint32_t g,
                   uint32_t index)
{
    const struct fl_group *group = &config->group[g];
    if ((filter->group != UINT32_MAX && filter->group != g) ||
        (filter->role && !group->layer[filter->role].model)) {
        return false;
    }
    if (filter->region != UINT32_MAX &&
        (group->region_count == 0 ||
         group->region[index % group->region_count] != filter->region)) {
        return false;
    }
    const cJSON *first = filter->labels ? filter->labels->child : NULL;
    for (const cJSON *wanted = fl_named(first); wanted; wanted = fl_named(wanted->next)) {
        if (!has_label(group, index, wanted)) {
            return false;
        }
    }
    return true;
}

static void fill_pool(struct fl_reading *reading, const struct filter *filter,
                      struct fl_fault_spec *fault)
{
    const struct fl_config *config = reading->config;
    uint32_t *pool = fl_arena_alloc(reading->arena, config->facts.endpoints, sizeof *pool);
    for (uint32_t g = 0; g < config->group_count; g++) {
        for (uint32_t i = 0; i < config->group[g].count; i++) {
            if (passes(config, filter, g, i)) {
                pool[fault->pool_count++] = config->group[g].first + i;
            }
        }
    }
    fault->pool = pool;
}

static bool read_role(struct fl_reading *reading, const cJSON *item, struct filter *filter,
                      cJSON *out)
{
    const char *words[FL_LAYERS] = {NULL};
    for (int family = FL_CONSENSUS; family < FL_LAYERS; family++) {
        words[family - FL_CONSENSUS] = fl_family_name((enum fl_family)family);
    }
    const uint32_t choice = fl_read_choice(reading, item, words);
    if (choice == UINT32_MAX) {
        return false;
    }
    filter->role = (enum fl_family)(FL_CONSENSUS + choice);
    fl_json_put(out, "role", cJSON_CreateString(words[choice]));
    return true;
}

static bool read_wanted_labels(struct fl_reading *reading, const cJSON *object,
                               struct filter *filter, cJSON *out)
{
    if (!fl_is_object(reading, object)) {
        return false;
    }
    cJSON *labels = fl_add_object(out, "labels");
    bool good = true;
    for (const cJSON *item = fl_named(object->child); item; item = fl_named(item->next)) {
        const char *word = fl_read_word(reading, item);
        good &= word != NULL;
        if (word) {
            fl_json_put(labels, item->string, cJSON_CreateString(word));
        }
    }
    filter->labels = object;
    return good;
}

/* False, after a report, if it cannot be said who is in it. */
static bool read_pool(struct fl_reading *reading, const cJSON *object, struct fl_fault_spec *fault,
                      cJSON *out)
{
    const cJSON *group = fl_member(object, "group"), *role = fl_member(object, "role");
    const cJSON *region = fl_member(object, "region"), *labels = fl_member(object, "labels");
    struct filter filter = {.group = UINT32_MAX, .region = UINT32_MAX};
    bool good = true;
    if (!group && !role && !region && !labels) {
        fl_missing(reading, object, "group");
        return false;
    }
    if (group) {
        cJSON *name = fl_read_group(reading, group, &filter.group);
        good = name && reading->sized[filter.group];
        if (name) {
            fl_json_put(out, "group", name);
        }
    }
    good &= !role || read_role(reading, role, &filter, out);
    if (region) {
        cJSON *name = fl_read_region(reading, region, &filter.region);
        good &= name != NULL;
        if (name) {
            fl_json_put(out, "region", name);
        }
    }
    good &= !labels || read_wanted_labels(reading, labels, &filter, out);
    if (!good || reading->crowded) {
        return false;
    }
    fault->group = filter.group;
    fill_pool(reading, &filter, fault);
    if (fault->pool_count == 0) {
        fl_mistake(&reading->json,
                   labels   ? labels
                   : region ? region
                            : role,
                   FL_AT_VALUE, "no node is all of this, so the fault strikes nobody");
    }
    return fault->pool_count > 0;
}

/* ------------------------------------------------------------------------------------------------
 * Who of the pool
 * --------------------------------------------------------------------------------------------- */

static int ascending(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* As written, then sorted. */
static cJSON *read_members(struct fl_reading *reading, const cJSON *list,
                           struct fl_fault_spec *fault)
{
    if (!cJSON_IsArray(list) || !list->child) {
        fl_mistake(&reading->json, list, FL_AT_VALUE,
                   "expected a list of indices within the group");
        return NULL;
    }
    const struct fl_group *group = &reading->config->group[fault->group];
    const size_t count = (size_t)cJSON_GetArraySize(list);
    uint32_t *member = fl_arena_alloc(reading->arena, count, sizeof *member);
    bool *seen = fl_alloc(group->count, sizeof *seen);
    for (const cJSON *item = list->child; item; item = item->next) {
        int64_t index = 0;
        const struct fl_range range = {0, 0, (int64_t)group->count - 1};
        cJSON *read = fl_read_number(reading, item, range, &index);
        if (read && seen[index]) {
            fl_mistake(&reading->json, item, FL_AT_VALUE, "member %" PRId64 " is named twice",
                       index);
        } else if (read) {
            seen[index] = true;
            member[fault->count++] = group->first + (uint32_t)index;
        }
        cJSON_Delete(read);
    }
    free(seen);
    qsort(member, fault->count, sizeof *member, ascending);
    fault->member = member;
    cJSON *read = fl_json_made(cJSON_CreateArray());
    for (uint32_t i = 0; i < fault->count; i++) {
        fl_json_push(read, fl_number_item(fault->member[i] - group->first, 0));
    }
    return read;
}

static uint64_t power_of(const struct fl_config *config, uint32_t endpoint)
{
    uint32_t g = 0;
    while (endpoint - config->group[g].first >= config->group[g].count) {
        g++;
    }
    return config->group[g].power[endpoint - config->group[g].first];
}

/* The pool in an order drawn without replacement under the fault's own name, as far as is asked for:
 * `count` of it, or until they hold their share of the power. */
static void draw_members(struct fl_reading *reading, struct fl_fault_spec *fault, int64_t stake)
{
    const struct fl_config *config = reading->config;
    uint32_t *member = fl_arena_alloc(reading->arena, fault->pool_count, sizeof *member);
    fl_u128 total = 0, held = 0;
    for (uint32_t i = 0; i < fault->pool_count; i++) {
        member[i] = fault->pool[i];
        total += power_of(config, member[i]);
    }
    uint32_t drawn = 0;
    const fl_u128 wanted = total * (uint64_t)stake;
    while (stake ? held * PPM < wanted : drawn < fault->count) {
        const uint32_t pick = drawn + (uint32_t)fl_draw_below(config->seed, FL_RNG_PLACEMENT,
                                                              fl_name_key(fault->name), drawn, 1,
                                                              fault->pool_count - drawn);
        const uint32_t chosen = member[pick];
        member[pick] = member[drawn];
        member[drawn++] = chosen;
        held += power_of(config, chosen);
    }
    qsort(member, drawn, sizeof *member, ascending);
    fault->member = member;
    fault->count = drawn;
    fault->drawn = stake == 0;
}

/* Those who hold the most of an observable, at each look. */
static void read_largest(struct fl_reading *reading, const cJSON *object, const cJSON *item,
                         struct fl_fault_spec *fault, cJSON *out)
{
    cJSON *name = fl_known_observable(reading, item, &fault->largest);
    if (name) {
        fl_json_put(out, "largest", name);
    }
    const cJSON *keep = fl_member(object, "keep");
    cJSON *read = keep ? fl_read_bool(reading, keep, &fault->keep) : NULL;
    fl_json_put(out, "keep", read ? read : cJSON_CreateBool(fault->keep));
    if (fault->model && (fault->model->fault->twins || fault->model->fault->carries)) {
        fl_mistake(&reading->json, item, FL_AT_KEY, "\"largest\" cannot choose whom \"%s\" strikes",
                   fault->model->name);
    }
}

/* How many; false, after a report, if that is not said in one way. */
static bool said_once(struct fl_reading *reading, const cJSON *object, bool optional)
{
    static const char *const ways[] = {"members", "count", "stake", NULL};
    const cJSON *first = NULL;
    for (uint32_t i = 0; ways[i]; i++) {
        const cJSON *way = fl_member(object, ways[i]);
        if (way && first) {
            fl_mistake(&reading->json, way, FL_AT_KEY,
                       "expected \"members\", \"count\" or \"stake\", and only one of them");
            return false;
        }
        first = first ? first : way;
    }
    if (!first && !optional) {
        fl_mistake(&reading->json, object, FL_AT_VALUE,
                   "expected \"members\", \"count\" or \"stake\"");
    }
    return first || optional;
}

static void read_number(struct fl_reading *reading, const cJSON *item, struct fl_range range,
                        int64_t *into, cJSON *out)
{
    cJSON *read = fl_read_number(reading, item, range, into);
    if (read) {
        fl_json_put(out, item->string, read);
    }
}

static void read_victims(struct fl_reading *reading, const cJSON *object,
                         struct fl_fault_spec *fault, cJSON *out)
{
    const cJSON *members = fl_member(object, "members"), *count = fl_member(object, "count");
    const cJSON *stake = fl_member(object, "stake"), *largest = fl_member(object, "largest");
    const bool all = fl_member(object, "role") || fl_member(object, "region") ||
                     fl_member(object, "labels") || fault->split;
    const bool pooled = read_pool(reading, object, fault, out);
    if (!said_once(reading, object, all || largest) || !pooled) {
        return;
    }
    int64_t wanted = largest ? 1 : fault->pool_count, part = 0;
    if (members) {
        cJSON *read = NULL;
        if (fault->group == UINT32_MAX || largest) {
            fl_mistake(&reading->json, members, FL_AT_KEY, "%s",
                       largest ? "\"largest\" chooses the members"
                               : "members are numbered within a \"group\"");
        } else {
            read = read_members(reading, members, fault);
        }
        if (read) {
            fl_json_put(out, "members", read);
        }
        return;
    }
    if (stake) {
        read_number(reading, stake, share, &part, out);
    } else if (count) {
        read_number(reading, count, (struct fl_range){0, 0, fault->pool_count}, &wanted, out);
    }
    fault->count = (uint32_t)wanted;
    if (largest && stake) {
        fl_mistake(&reading->json, stake, FL_AT_KEY, "with \"largest\" say a \"count\"");
    } else if (largest) {
        read_largest(reading, object, largest, fault, out);
    } else if (!stake && fault->count == fault->pool_count) {
        fault->member = fault->pool;
    } else {
        draw_members(reading, fault, part);
    }
}

/* ------------------------------------------------------------------------------------------------
 * Twins
 * --------------------------------------------------------------------------------------------- */

static void add_twins(struct fl_reading *reading, const cJSON *object, struct fl_fault_spec *fault)
{
    struct fl_config *config = reading->config;
    uint32_t *twin_of =
        fl_arena_alloc(reading->arena, config->twin_count + fault->count, sizeof *twin_of);
    for (uint32_t i = 0; i < config->twin_count; i++) {
        twin_of[i] = config->twin_of[i];
        for (uint32_t k = 0; k < fault->count; k++) {
            if (twin_of[i] == fault->member[k]) {
                fl_mistake(&reading->json, object, FL_AT_VALUE,
                           "a member has a twin already, from another fault");
                return;
            }
        }
    }
    memcpy(twin_of + config->twin_count, fault->member, fault->count * sizeof *twin_of);
    fault->twin_first = config->facts.endpoints;
    config->twin_of = twin_of;
    config->twin_count += fault->count;
    config->facts.endpoints += fault->count;
}

/* ------------------------------------------------------------------------------------------------
 * When
 * --------------------------------------------------------------------------------------------- */

static void read_window(struct fl_reading *reading, const cJSON *object,
                        struct fl_fault_spec *fault, cJSON *out)
{
    const uint32_t mistakes = reading->json.mistake_count;
    const fl_time end = reading->config->end;
    fault->from = fl_read_number_key(reading, object, "from_s", FL_SECONDS(0), 0, out);
    fault->to = fl_read_number_key(reading, object, "to_s", FL_SECONDS(0), end, out);
    const cJSON *stagger = fl_member(object, "stagger_s");
    if (stagger) {
        read_number(reading, stagger, FL_SECONDS(1), &fault->stagger, out);
    }
    if (fault->from < fault->to || reading->json.mistake_count > mistakes || end == 0) {
        return;
    }
    const cJSON *to = fl_member(object, "to_s");
    fl_mistake(&reading->json, to ? to : fl_member(object, "from_s"), FL_AT_VALUE,
               "from_s must be less than to_s%s", to ? "" : " (by default the end of the run)");
}

static void read_threshold(struct fl_reading *reading, const cJSON *object,
                           struct fl_trigger *trigger, cJSON *out)
{
    static const char *const ops[] = {"<", "<=", "==", "!=", ">=", ">", NULL};
    const cJSON *op = fl_member(object, "op"), *value = fl_member(object, "value");
    if (!op || !value) {
        fl_missing(reading, object, op ? "value" : "op");
        return;
    }
    const uint32_t choice = fl_read_choice(reading, op, ops);
    if (choice != UINT32_MAX) {
        trigger->kind = FL_TRIGGER_VALUE;
        trigger->op = (enum fl_op)(FL_OP_LT + choice);
        fl_json_put(out, "op", cJSON_CreateString(ops[choice]));
    }
    const uint32_t handle =
        fl_config_observable(reading->config, fl_member(object, "observable")->valuestring);
    if (handle != UINT32_MAX) { /* else it has been said */
        const struct fl_observable_ref *ref = &reading->config->observable[handle];
        const uint32_t digits = fl_unit_digits(ref->model->observables[ref->index].unit);
        read_number(reading, value, (struct fl_range){digits, INT64_MIN, INT64_MAX},
                    &trigger->value, out);
    }
}

static void read_trigger(struct fl_reading *reading, const cJSON *object,
                         struct fl_fault_spec *fault, cJSON *out)
{
    static const char *const keys[] = {"observable", "op", "value", "falls", "rises", NULL};
    if (!fl_is_object(reading, object)) {
        return;
    }
    fl_check_keys(reading, object, keys, NULL, NULL);
    cJSON *when = fl_add_object(out, "when");
    const cJSON *observable = fl_member(object, "observable");
    const cJSON *falls = fl_member(object, "falls"), *rises = fl_member(object, "rises");
    const cJSON *moves = falls ? falls : rises;
    if (!observable) {
        fl_missing(reading, object, "observable");
        return;
    }
    cJSON *name = fl_known_observable(reading, observable, &fault->when.observable);
    if (!name) {
        return;
    }
    fl_json_put(when, "observable", name);
    if (!moves) {
        read_threshold(reading, object, &fault->when, when);
        return;
    }
    if ((falls && rises) || fl_member(object, "op") || fl_member(object, "value")) {
        fl_mistake(&reading->json, moves, FL_AT_KEY,
                   "expected one of \"op\" with \"value\", \"falls\", \"rises\"");
        return;
    }
    fault->when.kind = falls ? FL_TRIGGER_FALLS : FL_TRIGGER_RISES;
    read_number(reading, moves, (struct fl_range){6, 1, falls ? PPM : (int64_t)1000 * PPM},
                &fault->when.value, when);
}

static void read_sees(struct fl_reading *reading, const cJSON *list, struct fl_fault_spec *fault,
                      cJSON *out)
{
    if (!fl_is_list(reading, list, "names of observables")) {
        return;
    }
    if (cJSON_GetArraySize(list) > SEES_MAX) {
        fl_mistake(&reading->json, list, FL_AT_VALUE, "more than %d observables", (int)SEES_MAX);
        return;
    }
    uint32_t *sees = fl_arena_alloc(reading->arena, SEES_MAX, sizeof *sees);
    cJSON *names = fl_json_made(cJSON_CreateArray());
    fl_json_put(out, "sees", names);
    for (const cJSON *item = list->child; item; item = item->next) {
        cJSON *name = fl_known_observable(reading, item, &sees[fault->see_count]);
        if (name) {
            fl_json_push(names, name);
            fault->see_count++;
        }
    }
    fault->sees = sees;
}

/* What it learns, and how late. */
static void read_looks(struct fl_reading *reading, const cJSON *object, struct fl_fault_spec *fault,
                       cJSON *out)
{
    const cJSON *when = fl_member(object, "when"), *sees = fl_member(object, "sees");
    const cJSON *lasts = fl_member(object, "for_s"), *look = fl_member(object, "look_ms");
    const cJSON *latency = fl_member(object, "latency_ms");
    fault->when = (struct fl_trigger){.observable = UINT32_MAX, .lasts = FL_FOREVER};
    if (when) {
        read_trigger(reading, when, fault, out);
    }
    if (sees) {
        read_sees(reading, sees, fault, out);
    }
    if (lasts && !when) {
        fl_mistake(&reading->json, lasts, FL_AT_KEY, "for_s says how long a \"when\" lasts");
    } else if (lasts) {
        read_number(reading, lasts, FL_SECONDS(1), &fault->when.lasts, out);
    }
    if (when && fault->well.kind) {
        fl_mistake(&reading->json, when, FL_AT_KEY,
                   "a fault comes and goes by \"when\" or by \"mtbf_s\", not both");
    }
    const bool looks = when || sees || fl_member(object, "largest");
    if (!looks && (look || latency)) {
        fl_mistake(&reading->json, look ? look : latency, FL_AT_KEY,
                   "nothing is looked at: there is no \"when\", \"largest\" or \"sees\"");
    }
    if (!looks) {
        return;
    }
    const struct fl_range often = {6, LOOK_LEAST, LOOK_MOST}, late = {6, 0, LOOK_MOST};
    fault->look = fl_read_number_key(reading, object, "look_ms", often, LOOK_USUAL, out);
    fault->latency = fl_read_number_key(reading, object, "latency_ms", late, 0, out);
}

/* ------------------------------------------------------------------------------------------------
 * One fault
 * --------------------------------------------------------------------------------------------- */

static bool cuts_links(const struct fl_fault_spec *fault)
{
    return fault->model && fault->model->fault->carries;
}

static void read_split(struct fl_reading *reading, const cJSON *item, struct fl_fault_spec *fault,
                       cJSON *out)
{
    int64_t split = 2;
    read_number(reading, item, (struct fl_range){0, 2, SPLIT_MAX}, &split, out);
    fault->split = (uint32_t)split;
}

/* True if the fault is in force: a count of 0 strikes nobody. */
static bool read_fault(struct fl_reading *reading, const cJSON *object, struct fl_fault_spec *fault,
                       cJSON *out)
{
    static const char *const keys[] = {FL_FAULT_KEYS, NULL};
    static const char *const keys_of_links[] = {FL_FAULT_KEYS, "sides", "split", NULL};
    fault->model = fl_read_model(reading, FL_FAULT, object);
    fault->group = fault->largest = UINT32_MAX;
    fl_json_put(out, "model", cJSON_CreateString(fault->model ? fault->model->name : ""));
    const cJSON *sides = cuts_links(fault) ? fl_member(object, "sides") : NULL;
    const cJSON *split = cuts_links(fault) ? fl_member(object, "split") : NULL;
    if (split && sides) {
        fl_mistake(&reading->json, split, FL_AT_KEY, "expected \"sides\" or \"split\", not both");
    } else if (split) {
        read_split(reading, split, fault, out);
    }
    bool enabled = true;
    const cJSON *item = fl_member(object, "enabled");
    cJSON *read = item ? fl_read_bool(reading, item, &enabled) : NULL;
    if (sides) {
        fl_read_sides(reading, sides, fault, out);
    } else {
        read_victims(reading, object, fault, out);
    }
    read_window(reading, object, fault, out);
    fl_read_spells(reading, object, fault, out);
    read_looks(reading, object, fault, out);
    fl_json_put(out, "enabled", read ? read : cJSON_CreateBool(enabled));
    if (fault->model) {
        fault->params = fl_read_params(reading, fault->model, object,
                                       cuts_links(fault) ? keys_of_links : keys, out);
    }
    const bool nobody = fl_member(object, "count") && fault->count == 0;
    if (enabled && !nobody && fault->model && fault->model->fault->twins && fault->member) {
        add_twins(reading, object, fault);
    }
    return enabled && !nobody;
}

static bool doubles(const cJSON *object)
{
    const cJSON *name = cJSON_IsObject(object) ? fl_member(object, "model") : NULL;
    const struct fl_model *model = cJSON_IsString(name) ? fl_model_find(FL_FAULT, name->valuestring)
                                                        : NULL;
    return model && model->fault->twins;
}

/* Twins first, so that all endpoints are known when sides are read; in the file's order they stay. */
void fl_read_faults(struct fl_reading *reading, const cJSON *scenario, cJSON *faults)
{
    struct fl_config *config = reading->config;
    const cJSON *object = fl_section(reading, scenario, "faults");
    const uint32_t count = fl_count_named(object);
    bool *enabled = fl_alloc(count, sizeof *enabled);
    config->fault = fl_arena_alloc(reading->arena, count, sizeof *config->fault);
    for (const cJSON *item = fl_named(object ? object->child : NULL); item;
         item = fl_named(item->next)) {
        if (cJSON_IsObject(item)) {
            fl_add_object(faults, item->string);
        }
    }
    for (int pass = 0; pass < 2; pass++) {
        uint32_t i = 0;
        for (const cJSON *item = fl_named(object ? object->child : NULL); item;
             item = fl_named(item->next), i++) {
            if (doubles(item) != (pass == 0)) {
                continue;
            }
            struct fl_fault_spec *fault = &config->fault[i];
            fl_copy_name(reading, item, fault->name);
            if (fl_is_object(reading, item)) {
                cJSON *out = cJSON_GetObjectItemCaseSensitive(faults, item->string);
                enabled[i] = read_fault(reading, item, fault, out);
            }
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (enabled[i]) {
            config->fault[config->fault_count++] = config->fault[i];
        }
    }
    free(enabled);
}
