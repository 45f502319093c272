/* What of a system can be lost at one blow. */
#include "sim/components.h"

#include "sim/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listing {
    const struct fl_config *config;
    struct fl_components *list;
    uint32_t room, most;
    uint32_t *endpoint; /* of the component at hand */
    uint32_t count;
};

/* What was written, in the arena. */
static const char *close_text(struct listing *l, FILE *out, char **text)
{
    fl_text_close(out);
    const char *copy = fl_arena_text(&l->list->arena, *text);
    free(*text);
    return copy;
}

/* ------------------------------------------------------------------------------------------------
 * One component
 * --------------------------------------------------------------------------------------------- */

static const char *members_text(struct listing *l)
{
    char *text;
    size_t bytes;
    FILE *out = fl_text_open(&text, &bytes);
    const char *comma = "";
    for (uint32_t g = 0; g < l->config->group_count; g++) {
        const struct fl_group *group = &l->config->group[g];
        uint32_t count = 0;
        for (uint32_t i = 0; i < l->count; i++) {
            count += l->endpoint[i] - group->first < group->count;
        }
        if (count == 0) {
            continue;
        }
        fputs(comma, out);
        comma = ", ";
        fputs(group->name, out);
        if (group->count > 1) {
            fprintf(out, " %" PRIu32 " of %" PRIu32, count, group->count);
        }
    }
    return close_text(l, out, &text);
}

static bool is_same(const struct listing *l, const struct fl_component *other)
{
    return other->count == l->count &&
           memcmp(other->endpoint, l->endpoint, l->count * sizeof *l->endpoint) == 0;
}

/* Another name for what is there already. */
static void add_name(struct listing *l, struct fl_component *component, const char *noun,
                     const char *name)
{
    char *text;
    size_t bytes;
    FILE *out = fl_text_open(&text, &bytes);
    fprintf(out, "%s%s%s %s", component->also, *component->also ? ", " : "", noun, name);
    component->also = close_text(l, out, &text);
}

static bool is_full(const struct listing *l)
{
    return l->list->count > l->most;
}

/* The nodes at hand; `who` is a fault's keys as a JSON object, taken. */
static void add(struct listing *l, enum fl_component_kind kind, const char *noun, const char *name,
                cJSON *who)
{
    struct fl_components *list = l->list;
    uint32_t same = 0;
    while (same < list->count && !is_same(l, &list->at[same])) {
        same++;
    }
    if (l->count > 0 && same < list->count) {
        add_name(l, &list->at[same], noun, name);
    } else if (l->count > 0 && !is_full(l)) {
        list->at = fl_grow(list->at, list->count, &l->room, sizeof *list->at);
        uint32_t *endpoint = fl_arena_alloc(&list->arena, l->count, sizeof *endpoint);
        memcpy(endpoint, l->endpoint, l->count * sizeof *endpoint);
        char *keys = cJSON_PrintUnformatted(who);
        if (!keys) {
            fl_out_of_memory();
        }
        keys[strlen(keys) - 1] = '\0';
        list->at[list->count++] = (struct fl_component){
            .kind = kind,
            .noun = fl_arena_text(&list->arena, noun),
            .name = fl_arena_text(&list->arena, name),
            .also = "",
            .members = members_text(l),
            .who = fl_arena_text(&list->arena, keys + 1), /* between the braces */
            .count = l->count,
            .endpoint = endpoint,
        };
        cJSON_free(keys);
    }
    cJSON_Delete(who);
    l->count = 0;
}

/* ------------------------------------------------------------------------------------------------
 * All of a kind
 * --------------------------------------------------------------------------------------------- */

static void list_regions(struct listing *l)
{
    const struct fl_config *config = l->config;
    for (uint32_t r = 0; r < config->network.region_count && !is_full(l); r++) {
        for (uint32_t g = 0; g < config->group_count; g++) {
            const struct fl_group *group = &config->group[g];
            for (uint32_t i = 0; group->region_count > 0 && i < group->count; i++) {
                if (group->region[i % group->region_count] == r) {
                    l->endpoint[l->count++] = group->first + i;
                }
            }
        }
        cJSON *who = fl_json_made(cJSON_CreateObject());
        fl_json_put(who, "region", cJSON_CreateString(config->network.region[r]));
        add(l, FL_COMPONENT_REGION, "region", config->network.region[r], who);
    }
}

/* NULL if the group has none of that key. */
static const struct fl_label *label_of(const struct fl_group *group, const char *key)
{
    for (uint32_t i = 0; i < group->label_count; i++) {
        if (group->label[i].count > 0 && strcmp(group->label[i].key, key) == 0) {
            return &group->label[i];
        }
    }
    return NULL;
}

/* Did the pair of key and value come up before value `v` of this label of group `g`? */
static bool is_listed(const struct fl_config *config, uint32_t g, const struct fl_label *label,
                      uint32_t v)
{
    for (uint32_t h = 0; h <= g; h++) {
        const struct fl_label *other = label_of(&config->group[h], label->key);
        const uint32_t count = !other ? 0 : h == g ? v : other->count;
        for (uint32_t i = 0; i < count; i++) {
            if (strcmp(other->value[i], label->value[v]) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void list_label(struct listing *l, const char *key, const char *value)
{
    for (uint32_t g = 0; g < l->config->group_count; g++) {
        const struct fl_group *group = &l->config->group[g];
        const struct fl_label *label = label_of(group, key);
        for (uint32_t i = 0; label && i < group->count; i++) {
            if (strcmp(label->value[i % label->count], value) == 0) {
                l->endpoint[l->count++] = group->first + i;
            }
        }
    }
    cJSON *who = fl_json_made(cJSON_CreateObject()), *labels = fl_json_made(cJSON_CreateObject());
    fl_json_put(labels, key, cJSON_CreateString(value));
    fl_json_put(who, "labels", labels);
    add(l, FL_COMPONENT_LABEL, key, value, who);
}

static void list_labels(struct listing *l)
{
    for (uint32_t g = 0; g < l->config->group_count; g++) {
        const struct fl_group *group = &l->config->group[g];
        for (uint32_t k = 0; k < group->label_count; k++) {
            const struct fl_label *label = &group->label[k];
            for (uint32_t v = 0; v < label->count && !is_full(l); v++) {
                if (!is_listed(l->config, g, label, v)) {
                    list_label(l, label->key, label->value[v]);
                }
            }
        }
    }
}

static cJSON *number(uint32_t value)
{
    char text[16];
    snprintf(text, sizeof text, "%" PRIu32, value);
    return cJSON_CreateRaw(text);
}

static void list_groups(struct listing *l)
{
    for (uint32_t g = 0; g < l->config->group_count && !is_full(l); g++) {
        const struct fl_group *group = &l->config->group[g];
        for (uint32_t i = 0; i < group->count; i++) {
            l->endpoint[l->count++] = group->first + i;
        }
        cJSON *who = fl_json_made(cJSON_CreateObject());
        fl_json_put(who, "group", cJSON_CreateString(group->name));
        fl_json_put(who, "count", number(group->count));
        add(l, FL_COMPONENT_GROUP, "group", group->name, who);
    }
}

static void list_nodes(struct listing *l)
{
    for (uint32_t g = 0; g < l->config->group_count; g++) {
        const struct fl_group *group = &l->config->group[g];
        for (uint32_t i = 0; i < group->count && !is_full(l); i++) {
            char name[FL_NAME_MAX + 16];
            snprintf(name, sizeof name, "%s[%" PRIu32 "]", group->name, i);
            cJSON *who = fl_json_made(cJSON_CreateObject());
            cJSON *members = fl_json_made(cJSON_CreateArray());
            fl_json_push(members, number(i));
            fl_json_put(who, "group", cJSON_CreateString(group->name));
            fl_json_put(who, "members", members);
            l->endpoint[l->count++] = group->first + i;
            add(l, FL_COMPONENT_NODE, "node", name, who);
        }
    }
}

/* ------------------------------------------------------------------------------------------------
 * The whole
 * --------------------------------------------------------------------------------------------- */

struct fl_components fl_components_list(const struct fl_config *config, uint32_t kinds,
                                        uint32_t most)
{
    static void (*const of_kind[])(struct listing *) = {
        [FL_COMPONENT_REGION] = list_regions,
        [FL_COMPONENT_LABEL] = list_labels,
        [FL_COMPONENT_GROUP] = list_groups,
        [FL_COMPONENT_NODE] = list_nodes,
    };
    struct fl_components list = {0};
    struct listing l = {.config = config, .list = &list, .most = most};
    l.endpoint = fl_alloc(config->facts.endpoints, sizeof *l.endpoint);
    for (uint32_t kind = FL_COMPONENT_REGION; kind <= FL_COMPONENT_KINDS; kind++) {
        if (kinds & FL_COMPONENT_BIT(kind)) {
            of_kind[kind](&l);
        }
    }
    free(l.endpoint);
    return list;
}

void fl_components_free(struct fl_components *components)
{
    fl_arena_free(&components->arena);
    free(components->at);
}

const char *fl_component_plural(enum fl_component_kind kind)
{
    switch (kind) {
    case FL_COMPONENT_REGION:
        return "regions";
    case FL_COMPONENT_LABEL:
        return "labels";
    case FL_COMPONENT_GROUP:
        return "groups";
    case FL_COMPONENT_NODE:
        return "nodes";
    }
    FL_UNREACHABLE("kind of a component");
}

bool fl_component_within(const struct fl_component *inner, const struct fl_component *outer)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < outer->count && found < inner->count; i++) {
        found += outer->endpoint[i] == inner->endpoint[found];
    }
    return found == inner->count;
}
