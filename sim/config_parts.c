/* Groups of nodes, contracts and checks, from JSON to the arrays of a configuration. */
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

const cJSON *fl_named(const cJSON *item)
{
    while (item && strcmp(item->string, "$comment") == 0) {
        item = item->next;
    }
    return item;
}

uint32_t fl_count_named(const cJSON *object)
{
    uint32_t count = 0;
    const cJSON *first = object ? object->child : NULL;
    for (const cJSON *item = fl_named(first); item; item = fl_named(item->next)) {
        count++;
    }
    return count;
}

const cJSON *fl_section(struct fl_reading *reading, const cJSON *scenario, const char *key)
{
    const cJSON *object = fl_member(scenario, key);
    return object && fl_is_object(reading, object) ? object : NULL;
}

cJSON *fl_add_object(cJSON *out, const char *key)
{
    cJSON *object = fl_json_made(cJSON_CreateObject());
    fl_json_put(out, key, object);
    return object;
}

void fl_copy_name(struct fl_reading *reading, const cJSON *item, char name[FL_NAME_MAX])
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
    fl_copy_name(reading, item, group->name);
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
    const cJSON *nodes = fl_section(reading, scenario, "nodes");
    const uint32_t count = fl_count_named(nodes);
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
    for (const cJSON *item = nodes ? fl_named(nodes->child) : NULL; item;
         item = fl_named(item->next)) {
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

/* {"client": ["geth", "reth"]}: a word stands for a list of one. */
static void read_label(struct fl_reading *reading, const cJSON *item, struct fl_label *label,
                       cJSON *out)
{
    label->key = fl_arena_text(reading->arena, item->string);
    const bool list = cJSON_IsArray(item);
    const int count = list ? cJSON_GetArraySize(item) : 1;
    if (count == 0) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "expected a word, or a list of words");
        return;
    }
    label->value = fl_arena_alloc(reading->arena, (size_t)count, sizeof *label->value);
    cJSON *words = fl_json_made(cJSON_CreateArray());
    fl_json_put(out, item->string, words);
    for (const cJSON *word = list ? item->child : item; word; word = list ? word->next : NULL) {
        const char *text = fl_read_word(reading, word);
        if (text) {
            label->value[label->count++] = fl_arena_text(reading->arena, text);
            fl_json_push(words, cJSON_CreateString(text));
        }
    }
}

static void read_labels(struct fl_reading *reading, const cJSON *object, struct fl_group *group,
                        cJSON *out)
{
    const cJSON *labels = fl_member(object, "labels");
    if (!labels || !fl_is_object(reading, labels)) {
        return;
    }
    group->label = fl_arena_alloc(reading->arena, fl_count_named(labels), sizeof *group->label);
    cJSON *read = fl_add_object(out, "labels");
    for (const cJSON *item = fl_named(labels->child); item; item = fl_named(item->next)) {
        read_label(reading, item, &group->label[group->label_count++], read);
    }
}

/* Both the parameters and the size of the group have been read without a mistake. */
static void check_fit(struct fl_reading *reading, const cJSON *item, const struct fl_group *group,
                      const struct fl_layer *layer)
{
    const struct fl_group_size size = {group->count, group->faulty_max};
    const char *key = NULL;
    const char *wrong = layer->model->fits ? layer->model->fits(layer->params, &size, &key) : NULL;
    if (wrong) {
        const cJSON *value = fl_member(item, key);
        fl_mistake(&reading->json, value ? value : item, FL_AT_VALUE, "%s", wrong);
    }
}

static void read_layers(struct fl_reading *reading, const cJSON *object, struct fl_group *group,
                        bool sized, cJSON *out)
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
            cJSON *model = fl_add_object(out, key);
            fl_json_put(model, "model", cJSON_CreateString(layer->model->name));
            const uint32_t mistakes = reading->json.mistake_count;
            layer->params = fl_read_params(reading, layer->model, item, NULL, model);
            if (sized && reading->json.mistake_count == mistakes) {
                check_fit(reading, item, group, layer);
            }
        }
    }
    if (found == 0) {
        fl_mistake(
            &reading->json, object, FL_AT_VALUE,
            "a group needs a layer: consensus, chain, source, market, oracle, agent or defence");
    }
}

static void read_failover(struct fl_reading *reading, const cJSON *object, struct fl_group *group,
                          bool client, cJSON *out)
{
    const cJSON *item = fl_member(object, "failover_s");
    if (!item) {
        return;
    }
    const struct fl_range range = FL_SECONDS(FL_MILLISECOND);
    group->failover = fl_read_number_key(reading, object, "failover_s", range, 0, out);
    if (!client) {
        fl_mistake(&reading->json, item, FL_AT_KEY,
                   "needs \"clients_of\": the group whose members the node turns to");
    }
}

/* What the members bid for block space: by default whatever the base fee is, and no tip. */
static void read_fees(struct fl_reading *reading, const cJSON *object, struct fl_group *group,
                      cJSON *out)
{
    static const char *const keys[] = {"fee_cap_usd", "tip_usd"};
    int64_t *const fee[] = {&group->fee_cap, &group->tip};
    group->fee_cap = FL_FEE_MAX;
    for (int i = 0; i < 2; i++) {
        if (fl_member(object, keys[i])) {
            *fee[i] = fl_read_number_key(reading, object, keys[i],
                                         (struct fl_range){6, 0, FL_FEE_MAX}, 0, out);
        }
    }
    if (group->tip > group->fee_cap) {
        fl_mistake(&reading->json, fl_member(object, keys[1]), FL_AT_VALUE,
                   "the tip is part of what fee_cap_usd bounds, and may not be larger");
    }
}

static void read_group(struct fl_reading *reading, const cJSON *object, uint32_t index, cJSON *out)
{
    static const char *const keys[] = {
        "count",   "accounts",   "clients_of", "failover_s", "fee_cap_usd",
        "tip_usd", "faulty_max", "power",      "labels",     FL_NETWORK_KEYS_OF_GROUPS,
        NULL};
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
    read_failover(reading, object, group, clients_of != NULL, out);
    read_fees(reading, object, group, out);
    const int64_t most = sized ? group->count : ENDPOINTS_MAX;
    const struct fl_range faulty = {0, 0, most};
    group->faulty_max = (uint32_t)fl_read_number_key(reading, object, "faulty_max", faulty, 0, out);
    read_powers(reading, object, group, sized, out);
    read_labels(reading, object, group, out);
    fl_read_group_network(reading, object, group, out);
    read_layers(reading, object, group, sized, out);
}

void fl_read_groups(struct fl_reading *reading, const cJSON *scenario, cJSON *out)
{
    cJSON *nodes = fl_add_object(out, "nodes");
    const cJSON *object = fl_member(scenario, "nodes");
    if (reading->config->group_count == 0) {
        return; /* reported by the first pass */
    }
    uint32_t index = 0;
    for (const cJSON *item = fl_named(object->child); item; item = fl_named(item->next), index++) {
        if (fl_is_object(reading, item)) {
            read_group(reading, item, index, fl_add_object(nodes, item->string));
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
    for (const cJSON *item = object ? fl_named(object->child) : NULL; item;
         item = fl_named(item->next)) {
        fl_copy_name(reading, item, part[index++].name);
    }
    return part;
}

static void read_parts(struct fl_reading *reading, const cJSON *object, enum fl_family family,
                       struct fl_part *part, cJSON *out)
{
    for (const cJSON *item = object ? fl_named(object->child) : NULL; item;
         item = fl_named(item->next)) {
        part->model = fl_read_model(reading, family, item);
        if (part->model) {
            cJSON *model = fl_add_object(out, item->string);
            fl_json_put(model, "model", cJSON_CreateString(part->model->name));
            part->params = fl_read_params(reading, part->model, item, NULL, model);
        }
        part++;
    }
}

void fl_name_contracts(struct fl_reading *reading, const cJSON *scenario)
{
    struct fl_config *config = reading->config;
    const cJSON *object = fl_section(reading, scenario, "contracts");
    const uint32_t count = fl_count_named(object);
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
               reading->config->contract, fl_add_object(out, "contracts"));
}

void fl_read_checks(struct fl_reading *reading, const cJSON *scenario, cJSON *out)
{
    struct fl_config *config = reading->config;
    const cJSON *object = fl_section(reading, scenario, "checks");
    config->check_count = fl_count_named(object);
    config->check = name_parts(reading, object, config->check_count);
    read_parts(reading, object, FL_CHECK, config->check, fl_add_object(out, "checks"));
}
