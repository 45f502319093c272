/* Cutting scenarios: see shrink_tree.h. */
#include "sim/shrink_tree.h"
#include "sim/alloc.h"
#include "sim/values.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------
 * Trees
 * --------------------------------------------------------------------------------------------- */

static void make_raw(const struct fl_json *json, cJSON *item)
{
    for (cJSON *child = item->child; child; child = child->next) {
        make_raw(json, child);
    }
    if (cJSON_IsNumber(item)) {
        size_t bytes;
        const char *text = fl_json_slice(json, item, &bytes);
        char *copy = fl_strndup(text, bytes);
        cJSON *raw = fl_json_made(cJSON_CreateRaw(copy));
        free(copy);
        item->type = raw->type; /* keeps its key and its neighbours */
        item->valuestring = raw->valuestring;
        raw->valuestring = NULL;
        cJSON_Delete(raw);
    }
}

cJSON *fl_tree_parse(const char *text)
{
    struct fl_json json = {0};
    const uint32_t index = fl_json_add(&json, FL_TEXT_FILE, "", text, strlen(text), "");
    cJSON *tree = fl_json_parse(&json, index, true);
    FL_ASSERT(tree);
    make_raw(&json, tree);
    fl_json_free(&json);
    return tree;
}

static void add_item(struct fl_tree_items *items, cJSON *item, uint32_t parent)
{
    items->at = fl_grow(items->at, items->count, &items->room, sizeof *items->at);
    const uint32_t place = items->count++;
    struct fl_tree_item *added = &items->at[place];
    *added = (struct fl_tree_item){.item = item, .parent = parent};
    if (place > 0) {
        const struct fl_tree_item *above = &items->at[parent];
        added->depth = above->depth + 1;
        added->section = above->section ? above->section : item->string;
    }
    for (cJSON *child = item->child; child; child = child->next) {
        add_item(items, child, place);
    }
}

struct fl_tree_items fl_tree_items(cJSON *tree)
{
    struct fl_tree_items items = {0};
    add_item(&items, tree, 0);
    return items;
}

void fl_tree_places_add(struct fl_tree_places *places, uint32_t place)
{
    places->at = fl_grow(places->at, places->count, &places->room, sizeof *places->at);
    places->at[places->count++] = place;
}

static cJSON *copy_of(const cJSON *tree)
{
    return fl_json_made(cJSON_Duplicate(tree, true));
}

cJSON *fl_tree_without(const cJSON *tree, const uint32_t *place, uint32_t count)
{
    cJSON *copy = copy_of(tree);
    struct fl_tree_items items = fl_tree_items(copy);
    for (uint32_t i = count; i-- > 0;) { /* what is within another goes before it */
        const struct fl_tree_item *gone = &items.at[place[i]];
        FL_ASSERT(place[i] > 0 && place[i] < items.count);
        cJSON_Delete(cJSON_DetachItemViaPointer(items.at[gone->parent].item, gone->item));
    }
    free(items.at);
    return copy;
}

cJSON *fl_tree_member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

const cJSON *fl_tree_at(const cJSON *tree, const char *section, const char *name)
{
    return fl_tree_member(fl_tree_member(tree, section), name);
}

/* False if it is no number: those that doubles do not hold are strings. */
static bool number_of(const cJSON *item, uint32_t digits, int64_t *value)
{
    const char *text = item && (cJSON_IsRaw(item) || cJSON_IsString(item)) ? item->valuestring : "";
    return fl_decimal(text, strlen(text), digits, value);
}

fl_time fl_tree_seconds(const cJSON *object, const char *key, fl_time fallback)
{
    int64_t value;
    return number_of(fl_tree_member(object, key), 9, &value) ? value : fallback;
}

int64_t fl_tree_integer(const cJSON *object, const char *key, int64_t fallback)
{
    int64_t value;
    return number_of(fl_tree_member(object, key), 0, &value) ? value : fallback;
}

void fl_tree_put(cJSON *object, const char *key, cJSON *item)
{
    if (!fl_tree_member(object, key)) {
        fl_json_put(object, key, item);
    } else if (!cJSON_ReplaceItemInObjectCaseSensitive(object, key, fl_json_made(item))) {
        fl_out_of_memory();
    }
}

void fl_tree_replace(cJSON *container, cJSON *old, cJSON *item)
{
    const bool put = old->string
                         ? cJSON_ReplaceItemInObjectCaseSensitive(container, old->string, item)
                         : cJSON_ReplaceItemViaPointer(container, old, item);
    if (!put) {
        fl_out_of_memory();
    }
}

/* ------------------------------------------------------------------------------------------------
 * Parts and what refers to them
 * --------------------------------------------------------------------------------------------- */

/* Keys whose words are never names of parts. */
static bool may_refer(const cJSON *item)
{
    static const char *const others[] = {"model",   "law",  "ties", "detail", "region", "cloud",
                                         "regions", "path", "op",   "value",  "overlay"};
    for (size_t i = 0; item->string && i < sizeof others / sizeof *others; i++) {
        if (strcmp(item->string, others[i]) == 0) {
            return false;
        }
    }
    return true;
}

/* "name", or "name[3]", whose index is then in *index, or "name/observable". */
static bool refers(const cJSON *item, const char *name, int64_t *index)
{
    const size_t length = strlen(name);
    if (!cJSON_IsString(item) || !may_refer(item) || strncmp(item->valuestring, name, length)) {
        return false;
    }
    const char *rest = item->valuestring + length;
    *index = -1;
    return *rest == '\0' || *rest == '/' ||
           (*rest == '[' && fl_decimal(rest + 1, strcspn(rest + 1, "]"), 0, index));
}

struct drop {
    cJSON *tree;
    bool hard;
};
static void drop_part(const struct drop *drop, const char *section, const char *name);

/* Elements that name it go, then lists that are left with nothing. True if `item` itself is to go. */
static bool forget(cJSON *item, const char *name)
{
    int64_t index;
    if (!cJSON_IsArray(item) || !may_refer(item)) {
        return refers(item, name, &index);
    }
    bool any = false;
    for (cJSON *child = item->child, *next; child; child = next) {
        next = child->next;
        if (forget(child, name)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(item, child));
            any = true;
        }
    }
    return any && !item->child;
}

/* The same for all that is in an object. True if one of its keys held the name, and not a list. */
static bool forget_within(cJSON *object, const char *name)
{
    bool held = false;
    for (cJSON *child = object->child, *next; child; child = next) {
        next = child->next;
        if (cJSON_IsObject(child)) {
            held |= forget_within(child, name);
        } else if (forget(child, name)) {
            held |= cJSON_IsString(child);
            cJSON_Delete(cJSON_DetachItemViaPointer(object, child));
        }
    }
    return held;
}

static void forget_in_section(const struct drop *drop, const char *section, const char *name)
{
    const bool whole = drop->hard || strcmp(section, "faults") == 0;
    cJSON *parts = fl_tree_member(drop->tree, section);
    for (cJSON *part = parts ? parts->child : NULL; part;) {
        if (cJSON_IsObject(part) && forget_within(part, name) && whole) {
            char *gone = fl_strdup(part->string);
            drop_part(drop, section, gone); /* may take others with it: look from the start */
            free(gone);
            part = parts->child;
        } else {
            part = part->next;
        }
    }
}

static void drop_part(const struct drop *drop, const char *section, const char *name)
{
    static const char *const sections[] = {"faults", "nodes", "contracts", "checks"};
    cJSON *parts = fl_tree_member(drop->tree, section);
    cJSON_Delete(cJSON_DetachItemFromObjectCaseSensitive(parts, name));
    if (strcmp(section, "nodes") != 0 && strcmp(section, "contracts") != 0) {
        return; /* nothing refers to faults and checks */
    }
    cJSON *links = fl_tree_member(fl_tree_member(drop->tree, "network"), "links");
    for (cJSON *link = links ? links->child : NULL, *next; link; link = next) {
        next = link->next;
        if (forget_within(link, name)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(links, link));
        }
    }
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        forget_in_section(drop, sections[i], name);
    }
}

cJSON *fl_tree_without_part(const cJSON *tree, const char *section, const char *name, bool hard)
{
    const struct drop drop = {copy_of(tree), hard};
    drop_part(&drop, section, name);
    return drop.tree;
}

/* ------------------------------------------------------------------------------------------------
 * Groups with fewer members
 * --------------------------------------------------------------------------------------------- */

struct members {
    const char *group;
    uint32_t count;
    bool *named;
    uint32_t *number; /* the new one; UINT32_MAX: left out */
};

enum pass { PASS_LOOK = 1, PASS_RENUMBER };

static bool is_member(const struct members *members, int64_t index)
{
    return index >= 0 && index < members->count;
}

/* Notes that a member is named, or names it anew. True if it is no longer there. */
static bool visit_member(const struct members *members, cJSON *item, int64_t index, enum pass pass)
{
    char text[2 * FL_NAME_MAX];
    const uint32_t number = members->number[index];
    members->named[index] = true;
    if (pass == PASS_LOOK || number == UINT32_MAX) {
        return pass == PASS_RENUMBER;
    }
    if (cJSON_IsString(item)) {
        snprintf(text, sizeof text, "%s[%" PRIu32 "]", members->group, number);
    } else {
        snprintf(text, sizeof text, "%" PRIu32, number);
    }
    free(item->valuestring);
    item->valuestring = fl_strdup(text);
    return false;
}

/* "group[3]" anywhere below an item. */
static void visit_names(const struct members *members, cJSON *item, enum pass pass)
{
    for (cJSON *child = item->child, *next; child; child = next) {
        int64_t index;
        next = child->next;
        visit_names(members, child, pass);
        if (refers(child, members->group, &index) && is_member(members, index) &&
            visit_member(members, child, index, pass)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(item, child));
        }
    }
}

/* "members" of the faults that strike the group. */
static void visit_faults(const struct members *members, cJSON *tree, enum pass pass)
{
    const cJSON *faults = fl_tree_member(tree, "faults");
    for (const cJSON *fault = faults ? faults->child : NULL; fault; fault = fault->next) {
        const char *group = cJSON_GetStringValue(fl_tree_member(fault, "group"));
        cJSON *list = fl_tree_member(fault, "members");
        const bool ours = group && strcmp(group, members->group) == 0;
        for (cJSON *item = ours && list ? list->child : NULL, *next; item; item = next) {
            int64_t index;
            next = item->next;
            if (cJSON_IsRaw(item) && number_of(item, 0, &index) && is_member(members, index) &&
                visit_member(members, item, index, pass)) {
                cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
            }
        }
    }
}

static void number_kept(struct members *members, const bool *kept)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < members->count; i++) {
        members->number[i] = kept[i] ? next++ : UINT32_MAX;
    }
}

/* The named ones and the first of the others. False if there are more named ones than that. */
static bool choose(const struct members *members, uint32_t count, bool *kept)
{
    uint32_t left = count;
    for (uint32_t i = 0; i < members->count; i++) {
        if (members->named[i] && left-- == 0) {
            return false;
        }
    }
    for (uint32_t i = 0; i < members->count; i++) {
        kept[i] = members->named[i] || left > 0;
        left -= kept[i] && !members->named[i];
    }
    return true;
}

/* Does any fault that is left name the group or a member? */
static bool is_struck(const cJSON *item, const char *group)
{
    int64_t index;
    bool struck = item && refers(item, group, &index);
    for (const cJSON *child = item ? item->child : NULL; child; child = child->next) {
        struck |= is_struck(child, group);
    }
    return struck;
}

/* False if faults strike a group that then tolerates none, which did before: what any member can do
 * alone shows nothing. */
static bool cut_group(const struct members *members, const cJSON *start, cJSON *tree,
                      uint32_t count)
{
    cJSON *group = fl_tree_member(fl_tree_member(tree, "nodes"), members->group);
    const cJSON *was = fl_tree_at(start, "nodes", members->group);
    const int64_t before = fl_tree_integer(was, "faulty_max", 0);
    if (before > 0) {
        const int64_t others = fl_tree_integer(was, "count", 1) - 1;
        const int64_t tolerated = before * (count - 1) / others;
        if (tolerated == 0 && is_struck(fl_tree_member(tree, "faults"), members->group)) {
            return false;
        }
        fl_tree_put(group, "faulty_max", fl_number_item(tolerated, 0));
    }
    fl_tree_put(group, "count", fl_number_item(count, 0));
    cJSON *power = fl_tree_member(group, "power");
    uint32_t i = 0;
    for (cJSON *item = power ? power->child : NULL, *next; item; item = next, i++) {
        next = item->next;
        if (i < members->count && members->number[i] == UINT32_MAX) {
            cJSON_Delete(cJSON_DetachItemViaPointer(power, item));
        }
    }
    return true;
}

static cJSON *cut_nodes(const cJSON *tree, struct fl_tree_group group, uint32_t count,
                        uint32_t without)
{
    cJSON *copy = copy_of(tree);
    const cJSON *object = fl_tree_at(tree, "nodes", group.name);
    struct members members = {group.name, (uint32_t)fl_tree_integer(object, "count", 1), NULL,
                              NULL};
    FL_ASSERT(count >= 1 && count < members.count);
    members.named = fl_alloc(members.count, sizeof *members.named);
    members.number = fl_alloc(members.count, sizeof *members.number);
    bool *kept = fl_alloc(members.count, sizeof *kept);
    visit_names(&members, copy, PASS_LOOK);
    visit_faults(&members, copy, PASS_LOOK);
    for (uint32_t i = 0; i < members.count; i++) {
        kept[i] = i != without;
    }
    bool fits = without < members.count || choose(&members, count, kept);
    if (fits) {
        number_kept(&members, kept);
        visit_names(&members, copy, PASS_RENUMBER);
        visit_faults(&members, copy, PASS_RENUMBER);
        fits = cut_group(&members, group.start, copy, count);
    }
    if (!fits) {
        cJSON_Delete(copy);
    }
    free(kept);
    free(members.named);
    free(members.number);
    return fits ? copy : NULL;
}

cJSON *fl_tree_with_count(const cJSON *tree, struct fl_tree_group group, uint32_t count)
{
    return cut_nodes(tree, group, count, UINT32_MAX);
}

cJSON *fl_tree_without_node(const cJSON *tree, struct fl_tree_group group, uint32_t index)
{
    const cJSON *object = fl_tree_at(tree, "nodes", group.name);
    const uint32_t count = (uint32_t)fl_tree_integer(object, "count", 1);
    FL_ASSERT(index < count);
    return cut_nodes(tree, group, count - 1, index);
}

/* ------------------------------------------------------------------------------------------------
 * Order
 * --------------------------------------------------------------------------------------------- */

static void move_key(cJSON *from, cJSON *item, cJSON *to)
{
    if (item) {
        cJSON_DetachItemViaPointer(from, item);
        char *key = fl_strdup(item->string);
        fl_json_put(to, key, item);
        free(key);
    }
}

void fl_tree_order(cJSON *tree, const cJSON *like)
{
    if (cJSON_IsObject(tree) && cJSON_IsObject(like)) {
        cJSON *rest = fl_json_made(cJSON_CreateObject());
        rest->child = tree->child;
        tree->child = NULL;
        for (const cJSON *model = like->child; model; model = model->next) {
            move_key(rest, fl_tree_member(rest, model->string), tree);
        }
        while (rest->child) {
            move_key(rest, rest->child, tree);
        }
        cJSON_Delete(rest);
    }
    const cJSON *model = like->child;
    for (cJSON *child = tree->child; child; child = child->next) {
        const cJSON *same = cJSON_IsObject(tree) ? fl_tree_member(like, child->string) : model;
        if (same) {
            fl_tree_order(child, same);
        }
        model = model ? model->next : NULL;
    }
}
