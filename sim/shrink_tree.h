/* Scenarios as trees that can be copied and cut: what the search for the smallest one works on.
 *
 * Nothing here knows a model. An item is named by its place in the order of the text (a container
 * before what is in it), which it has in every copy of the same tree. */
#ifndef FL_SHRINK_TREE_H
#define FL_SHRINK_TREE_H
#include "sim/json.h"

/* JSON text that this program wrote, as a tree whose numbers are raw items: exact, and as
 * fl_json_pretty takes them. */
cJSON *fl_tree_parse(const char *text);

struct fl_tree_item {
    cJSON *item;
    uint32_t parent, depth;
    const char *section; /* key of its ancestor, or its own, in the root; NULL for the root */
};
/* All items of a tree. `at` is the caller's to free. */
struct fl_tree_items {
    struct fl_tree_item *at;
    uint32_t count, room;
};
struct fl_tree_items fl_tree_items(cJSON *tree);

/* Numbers of items, ascending. */
struct fl_tree_places {
    uint32_t *at;
    uint32_t count, room;
};
void fl_tree_places_add(struct fl_tree_places *places, uint32_t place);

/* A copy without these items. */
cJSON *fl_tree_without(const cJSON *tree, const uint32_t *place, uint32_t count);

/* A copy without the part `name` of a section (nodes, contracts, checks), and without what refers to
 * it: elements of lists, links, faults. A key that holds the name is left out, or, if `hard`, the part
 * that has the key goes too, and so on. */
cJSON *fl_tree_without_part(const cJSON *tree, const char *section, const char *name, bool hard);

/* A group with fewer members, numbered anew. What it tolerates (faulty_max) is in the proportion to n - 1
 * that it has in `start`: a smaller n that kept it would ask for the impossible, and one that rounded it
 * down each time would soon tolerate nothing. A group that faults strike goes on tolerating one. */
struct fl_tree_group {
    const cJSON *start; /* the tree that the search began with */
    const char *name;
};
/* A copy with this many of them, at least 1: those that faults name, then the first ones. NULL if
 * there is no such group: more are named, or it would tolerate none. */
cJSON *fl_tree_with_count(const cJSON *tree, struct fl_tree_group group, uint32_t count);
/* A copy without this one of at least two, whom faults do not name any more either; or NULL. */
cJSON *fl_tree_without_node(const cJSON *tree, struct fl_tree_group group, uint32_t index);

/* The same keys in the order they have in `like`; others come last, as they are. */
void fl_tree_order(cJSON *tree, const cJSON *like);

/* Members that may be absent. */
cJSON *fl_tree_member(const cJSON *object, const char *key);
const cJSON *fl_tree_at(const cJSON *tree, const char *section, const char *name);
/* Seconds, exactly; `fallback` if there is no such number. */
fl_time fl_tree_seconds(const cJSON *object, const char *key, fl_time fallback);
int64_t fl_tree_integer(const cJSON *object, const char *key, int64_t fallback);
/* Adds or replaces in place, so that keys keep their order. */
void fl_tree_put(cJSON *object, const char *key, cJSON *item);
/* Deletes an item of a container and puts another in its place, under its key if it has one. */
void fl_tree_replace(cJSON *container, cJSON *old, cJSON *item);

#endif
