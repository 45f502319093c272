/* Groups of nodes, contracts, faults and checks, from JSON to the arrays of a configuration. */
#include "sim/config_parts.h"
#include "sim/config_network.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    ENDPOINTS_MAX = 1000000,
    GROUPS_MAX = 1024,       /* the delays of links are a matrix over groups */
    CONTRACTS_MAX = 1024,    /* a transaction names its contract in 16 bits */
    ACCOUNTS_MAX = 100000000 /* of all groups together */
};
/* Voting power: quorums triple the total. */
#define POWER_MAX ((int64_t)1000000000000000000)

/* ------------------------------------------------------------------------------------------------
 * Named members
 * --------------------------------------------------------------------------------------------- */

bool fl_check_name(struct fl_reading *reading, const cJSON *item, enum fl_mistake_part part,
                   const char *name, bool dots)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    const size_t length = strlen(name);
    const bool spelt = strspn(name, allowed) == length && (dots || !strchr(name, '.'));
    if (length == 0 || length >= FL_NAME_MAX || !spelt || *name == '.') {
        fl_mistake(&reading->json, item, part, "a name is 1 to %d letters, digits, '-' and '_'%s",
                   FL_NAME_MAX - 1, dots ? ", with '.' inside" : "");
        return false;
    }
    return true;
}

/* The first of `item` and its successors that is not a comment. */
static const cJSON *named(const cJSON *item)
{
    while (item && strcmp(item->string, "$comment") == 0) {
        item = item->next;
    }
    return item;
}

static uint32_t count_named(const cJSON *object)
{
    uint32_t count = 0;
    const cJSON *first = object ? object->child : NULL;
    for (const cJSON *item = named(first); item; item = named(item->next)) {
        count++;
    }
    return count;
}

/* A section of the scenario: NULL, perhaps after a report, if there is nothing to read. */
static const cJSON *section(struct fl_reading *reading, const cJSON *scenario, const char *key)
{
    const cJSON *object = fl_member(scenario, key);
    return object && fl_is_object(reading, object) ? object : NULL;
}

static cJSON *add_object(cJSON *out, const char *key)
{
    cJSON *object = fl_json_made(cJSON_CreateObject());
    fl_json_put(out, key, object);
    return object;
}

static void copy_name(struct fl_reading *reading, const cJSON *item, char name[FL_NAME_MAX])
{
    if (fl_check_name(reading, item, FL_AT_KEY, item->string, false)) {
        memcpy(name, item->string, strlen(item->string) + 1);
    }
}

/* ------------------------------------------------------------------------------------------------
 * Groups of nodes
 * --------------------------------------------------------------------------------------------- */

/* A count that is wrong is taken for 1, and what depends on it is not looked at. */
static uint32_t read_count(struct fl_reading *reading, const cJSON *group, bool *sized)
{
    const cJSON *item = fl_member(group, "count");
    int64_t count = 1;
    cJSON *read =
        item ? fl_read_number(reading, item, (struct fl_range){0, 1, ENDPOINTS_MAX}, &count) : NULL;
    *sized = !item || read;
    cJSON_Delete(read);
    return (uint32_t)count;
}

static void name_group(struct fl_reading *reading, const cJSON *item, uint32_t index)
{
    struct fl_group *group = &reading->config->group[index];
    struct fl_facts *facts = &reading->config->facts;
    copy_name(reading, item, group->name);
    group->first = facts->endpoints;
    group->count = read_count(reading, item, &reading->sized[index]);
    facts->endpoints += group->count;
    if (facts->endpoints > ENDPOINTS_MAX && !reading->crowded) {
        const cJSON *count = fl_member(item, "count");
        fl_mistake(&reading->json, count ? count : item, FL_AT_VALUE,
                   "more than %d nodes in all groups together", (int)ENDPOINTS_MAX);
        reading->crowded = true;
    }
}

void fl_name_groups(struct fl_reading *reading, const cJSON *scenario)
{
    if (!fl_member(scenario, "nodes")) {
        fl_missing(reading, scenario, "nodes");
    }
    const cJSON *nodes = section(reading, scenario, "nodes");
    const uint32_t count = count_named(nodes);
    if (nodes && (count == 0 || count > GROUPS_MAX)) {
        fl_mistake(&reading->json, nodes, FL_AT_VALUE,
                   "expected 1 to %d groups of nodes, found %" PRIu32, (int)GROUPS_MAX, count);
        return;
    }
    struct fl_config *config = reading->config;
    config->group = fl_arena_alloc(reading->arena, count, sizeof *config->group);
    reading->sized = fl_alloc(count, sizeof *reading->sized);
    config->group_count = count;
    uint32_t index = 0;
    for (const cJSON *item = nodes ? named(nodes->child) : NULL; item; item = named(item->next)) {
        name_group(reading, item, index++);
    }
}

static void read_power(struct fl_reading *reading, const cJSON *item, struct fl_group *group,
                       cJSON *out)
{
    if (!cJSON_IsArray(item) || (uint32_t)cJSON_GetArraySize(item) != group->count) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "expected a list of %" PRIu32 " integers",
                   group->count);
        return;
    }
    cJSON *list = fl_json_made(cJSON_CreateArray());
    uint32_t i = 0;
    int64_t total = 0;
    for (const cJSON *element = item->child; element; element = element->next) {
        int64_t power = 1;
        const struct fl_range range = {0, 1, POWER_MAX};
        cJSON *read = fl_read_number(reading, element, range, &power);
        fl_json_push(list, read ? read : fl_number_item(power, 0));
        group->power[i++] = (uint64_t)power;
        total += total <= POWER_MAX ? power : 0;
    }
    if (total > POWER_MAX) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "the sum is greater than 10^18");
    }
    fl_json_put(out, "power", list);
}

static void read_powers(struct fl_reading *reading, const cJSON *object, struct fl_group *group,
                        bool sized, cJSON *out)
{
    if (reading->crowded) {
        return;
    }
    group->power = fl_arena_alloc(reading->arena, group->count, sizeof *group->power);
    for (uint32_t i = 0; i < group->count; i++) {
        group->power[i] = 1;
    }
    const cJSON *power = fl_member(object, "power");
    if (power && sized) {
        read_power(reading, power, group, out);
    }
}

static void read_accounts(struct fl_reading *reading, const cJSON *object, struct fl_group *group,
                          bool client, cJSON *out)
{
    struct fl_facts *facts = &reading->config->facts;
    const struct fl_range range = {0, 0, ACCOUNTS_MAX};
    group->accounts = (uint32_t)fl_read_number_key(reading, object, "accounts", range, client, out);
    group->account_first = facts->accounts;
    const uint64_t total = (uint64_t)group->accounts * group->count + facts->accounts;
    if (total > ACCOUNTS_MAX) {
        const cJSON *item = fl_member(object, "accounts");
        fl_mistake(&reading->json, item ? item : object, FL_AT_VALUE,
                   "more than %d accounts in all groups together", (int)ACCOUNTS_MAX);
        return;
    }
    facts->accounts = (uint32_t)total;
}

static void read_layers(struct fl_reading *reading, const cJSON *object, struct fl_group *group,
                        cJSON *out)
{
    uint32_t found = 0;
    for (int family = FL_CONSENSUS; family < FL_LAYERS; family++) {
        const char *key = fl_family_name((enum fl_family)family);
        const cJSON *item = fl_member(object, key);
        if (!item) {
            continue;
        }
        found++;
        struct fl_layer *layer = &group->layer[family];
        layer->model = fl_read_model(reading, (enum fl_family)family, item);
        if (layer->model) {
            cJSON *model = add_object(out, key);
            fl_json_put(model, "model", cJSON_CreateString(layer->model->name));
            layer->params = fl_read_params(reading, layer->model, item, NULL, model);
        }
    }
    if (found == 0) {
        fl_mistake(
            &reading->json, object, FL_AT_VALUE,
            "a group needs a layer: consensus, chain, source, market, oracle, agent or defence");
    }
}

static void read_group(struct fl_reading *reading, const cJSON *object, uint32_t index, cJSON *out)
{
    static const char *const keys[] = {
        "count", "accounts", "clients_of", "faulty_max", "power", FL_NETWORK_KEYS_OF_GROUPS, NULL};
    const char *layers[FL_LAYERS] = {NULL};
    for (int family = FL_CONSENSUS; family < FL_LAYERS; family++) {
        layers[family - FL_CONSENSUS] = fl_family_name((enum fl_family)family);
    }
    struct fl_group *group = &reading->config->group[index];
    const bool sized = reading->sized[index];
    fl_check_keys(reading, object, keys, layers, NULL);
    fl_json_put(out, "count", fl_number_item(group->count, 0));
    const cJSON *clients_of = fl_member(object, "clients_of");
    read_accounts(reading, object, group, clients_of != NULL, out);
    group->replicas = UINT32_MAX;
    cJSON *name = clients_of ? fl_read_group(reading, clients_of, &group->replicas) : NULL;
    if (name) {
        fl_json_put(out, "clients_of", name);
    }
    const int64_t most = sized ? group->count : ENDPOINTS_MAX;
    const struct fl_range faulty = {0, 0, most};
    group->faulty_max = (uint32_t)fl_read_number_key(reading, object, "faulty_max", faulty, 0, out);
    read_powers(reading, object, group, sized, out);
    fl_read_group_network(reading, object, group, out);
    read_layers(reading, object, group, out);
}

void fl_read_groups(struct fl_reading *reading, const cJSON *scenario, cJSON *out)
{
    cJSON *nodes = add_object(out, "nodes");
    const cJSON *object = fl_member(scenario, "nodes");
    if (reading->config->group_count == 0) {
        return; /* reported by the first pass */
    }
    uint32_t index = 0;
    for (const cJSON *item = named(object->child); item; item = named(item->next), index++) {
        if (fl_is_object(reading, item)) {
            read_group(reading, item, index, add_object(nodes, item->string));
        }
    }
}

/* ------------------------------------------------------------------------------------------------
 * Contracts and checks
 * --------------------------------------------------------------------------------------------- */

/* Names first: models refer to contracts by them. */
static struct fl_part *name_parts(struct fl_reading *reading, const cJSON *object, uint32_t count)
{
    struct fl_part *part = fl_arena_alloc(reading->arena, count, sizeof *part);
    uint32_t index = 0;
    for (const cJSON *item = object ? named(object->child) : NULL; item; item = named(item->next)) {
        copy_name(reading, item, part[index++].name);
    }
    return part;
}

static void read_parts(struct fl_reading *reading, const cJSON *object, enum fl_family family,
                       struct fl_part *part, cJSON *out)
{
    for (const cJSON *item = object ? named(object->child) : NULL; item; item = named(item->next)) {
        part->model = fl_read_model(reading, family, item);
        if (part->model) {
            cJSON *model = add_object(out, item->string);
            fl_json_put(model, "model", cJSON_CreateString(part->model->name));
            part->params = fl_read_params(reading, part->model, item, NULL, model);
        }
        part++;
    }
}

void fl_name_contracts(struct fl_reading *reading, const cJSON *scenario)
{
    struct fl_config *config = reading->config;
    const cJSON *object = section(reading, scenario, "contracts");
    const uint32_t count = count_named(object);
    if (count > CONTRACTS_MAX) {
        fl_mistake(&reading->json, object, FL_AT_VALUE, "more than %d contracts",
                   (int)CONTRACTS_MAX);
    }
    config->contract = name_parts(reading, object, count);
    config->contract_count = count;
    config->facts.contracts = count;
}

void fl_read_contracts(struct fl_reading *reading, const cJSON *scenario, cJSON *out)
{
    const cJSON *object = fl_member(scenario, "contracts");
    read_parts(reading, cJSON_IsObject(object) ? object : NULL, FL_CONTRACT,
               reading->config->contract, add_object(out, "contracts"));
}

void fl_read_checks(struct fl_reading *reading, const cJSON *scenario, cJSON *out)
{
    struct fl_config *config = reading->config;
    const cJSON *object = section(reading, scenario, "checks");
    config->check_count = count_named(object);
    config->check = name_parts(reading, object, config->check_count);
    read_parts(reading, object, FL_CHECK, config->check, add_object(out, "checks"));
}

/* ------------------------------------------------------------------------------------------------
 * Faults
 * --------------------------------------------------------------------------------------------- */

static int by_index(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* Members as written, then sorted; `size` is that of their group. */
static void read_members(struct fl_reading *reading, const cJSON *list, uint32_t size,
                         struct fl_fault_spec *fault)
{
    if (!cJSON_IsArray(list) || !list->child) {
        fl_mistake(&reading->json, list, FL_AT_VALUE,
                   "expected a list of indices within the group");
        return;
    }
    const size_t count = (size_t)cJSON_GetArraySize(list);
    fault->member = fl_arena_alloc(reading->arena, count, sizeof *fault->member);
    bool *seen = fl_alloc(size, sizeof *seen);
    for (const cJSON *item = list->child; item; item = item->next) {
        int64_t index = 0;
        cJSON *read =
            fl_read_number(reading, item, (struct fl_range){0, 0, (int64_t)size - 1}, &index);
        if (read && seen[index]) {
            fl_mistake(&reading->json, item, FL_AT_VALUE, "member %" PRId64 " is named twice",
                       index);
        } else if (read) {
            seen[index] = true;
            fault->member[fault->count++] = (uint32_t)index;
        }
        cJSON_Delete(read);
    }
    free(seen);
    qsort(fault->member, fault->count, sizeof *fault->member, by_index);
}

/* Which members, or how many. */
static void read_victims(struct fl_reading *reading, const cJSON *object, bool known,
                         struct fl_fault_spec *fault, cJSON *out)
{
    const cJSON *members = fl_member(object, "members"), *count = fl_member(object, "count");
    if (!members == !count) {
        fl_mistake(&reading->json, count ? count : object, count ? FL_AT_KEY : FL_AT_VALUE,
                   "expected either \"members\" or \"count\"%s", count ? ", not both" : "");
        return;
    }
    if (!known) {
        return; /* the group is not known, so nothing can be said about its members */
    }
    const uint32_t size = reading->config->group[fault->group].count;
    if (count) {
        const struct fl_range range = {0, 1, size};
        fault->count = (uint32_t)fl_read_number_key(reading, object, "count", range, 1, out);
        return;
    }
    read_members(reading, members, size, fault);
    cJSON *list = fl_json_made(cJSON_CreateArray());
    for (uint32_t i = 0; i < fault->count; i++) {
        fl_json_push(list, fl_number_item(fault->member[i], 0));
    }
    fl_json_put(out, "members", list);
}

static void read_window(struct fl_reading *reading, const cJSON *object,
                        struct fl_fault_spec *fault, cJSON *out)
{
    const uint32_t mistakes = reading->json.mistake_count;
    const fl_time end = reading->config->end;
    fault->from = fl_read_number_key(reading, object, "from_s", FL_SECONDS(0), 0, out);
    fault->to = fl_read_number_key(reading, object, "to_s", FL_SECONDS(0), end, out);
    if (fault->from < fault->to || reading->json.mistake_count > mistakes || end == 0) {
        return;
    }
    const cJSON *to = fl_member(object, "to_s");
    fl_mistake(&reading->json, to ? to : fl_member(object, "from_s"), FL_AT_VALUE,
               "from_s must be less than to_s%s", to ? "" : " (by default the end of the run)");
}

static void read_victims_of_group(struct fl_reading *reading, const cJSON *object,
                                  struct fl_fault_spec *fault, cJSON *out)
{
    const cJSON *group = fl_member(object, "group");
    if (!group) {
        fl_missing(reading, object, "group");
    }
    cJSON *name = group ? fl_read_group(reading, group, &fault->group) : NULL;
    const bool known = name && reading->sized[fault->group];
    if (name) {
        fl_json_put(out, "group", name);
    }
    read_victims(reading, object, known, fault, out);
}

static bool cuts_links(const struct fl_fault_spec *fault)
{
    return fault->model && fault->model->fault && fault->model->fault->carries;
}

/* True if the fault is enabled. */
static bool read_fault(struct fl_reading *reading, const cJSON *object, struct fl_fault_spec *fault,
                       cJSON *out)
{
    static const char *const keys[] = {"group", "members", "count",       "from_s",
                                       "to_s",  "enabled", FL_SPELL_KEYS, NULL};
    static const char *const keys_of_links[] = {"group",   "members",     "count", "from_s", "to_s",
                                                "enabled", FL_SPELL_KEYS, "sides", NULL};
    fault->model = fl_read_model(reading, FL_FAULT, object);
    fl_json_put(out, "model", cJSON_CreateString(fault->model ? fault->model->name : ""));
    const cJSON *sides = cuts_links(fault) ? fl_member(object, "sides") : NULL;
    if (sides) {
        fl_read_sides(reading, sides, fault, out);
    } else {
        read_victims_of_group(reading, object, fault, out);
    }
    read_window(reading, object, fault, out);
    fl_read_spells(reading, object, fault, out);
    bool enabled = true;
    const cJSON *item = fl_member(object, "enabled");
    cJSON *read = item ? fl_read_bool(reading, item, &enabled) : NULL;
    fl_json_put(out, "enabled", read ? read : cJSON_CreateBool(enabled));
    if (fault->model) {
        fault->params = fl_read_params(reading, fault->model, object,
                                       cuts_links(fault) ? keys_of_links : keys, out);
    }
    return enabled;
}

void fl_read_faults(struct fl_reading *reading, const cJSON *scenario, cJSON *out)
{
    struct fl_config *config = reading->config;
    cJSON *faults = add_object(out, "faults");
    const cJSON *object = section(reading, scenario, "faults");
    config->fault = fl_arena_alloc(reading->arena, count_named(object), sizeof *config->fault);
    for (const cJSON *item = object ? named(object->child) : NULL; item; item = named(item->next)) {
        struct fl_fault_spec fault = {.name = ""};
        copy_name(reading, item, fault.name);
        if (fl_is_object(reading, item) &&
            read_fault(reading, item, &fault, add_object(faults, item->string))) {
            config->fault[config->fault_count++] = fault;
        }
    }
}
