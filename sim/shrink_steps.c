/* Steps from a failing scenario to smaller ones: see shrink_steps.h. Each makes a copy of the best so far,
 * cuts it, and keeps it if it still fails. None of them grows what another has made smaller, except that
 * a narrower or earlier window may need a key. */
#include "sim/shrink_steps.h"
#include "sim/shrink_tree.h"
#include "sim/values.h"

#include <stdlib.h>
#include <string.h>

bool fl_shrink_try(struct fl_shrinking *s, cJSON *smaller)
{
    if (!smaller || cJSON_Compare(s->best, smaller, true)) {
        cJSON_Delete(smaller);
        return false;
    }
    const bool fails = fl_trials_ask(s->trials, smaller, NULL) == FL_FAILS;
    if (fails) {
        cJSON_Delete(s->best);
        s->best = smaller;
        s->changed = true;
    } else {
        cJSON_Delete(smaller);
    }
    s->progress(s);
    return fails;
}

static bool is_valid(const struct fl_shrinking *s, const cJSON *tree)
{
    struct fl_config *config = fl_trials_config(s->trials, tree);
    fl_config_free(config);
    return config != NULL;
}

/* ------------------------------------------------------------------------------------------------
 * Lists of things that may go
 * --------------------------------------------------------------------------------------------- */

/* Which items of the best may be left out, ascending. `argument` is the collector's own. */
typedef struct fl_tree_places collect_fn(const struct fl_shrinking *s,
                                         const struct fl_tree_items *items, uint32_t argument);

static struct fl_tree_places collect(const struct fl_shrinking *s, collect_fn *of,
                                     uint32_t argument)
{
    struct fl_tree_items items = fl_tree_items(s->best);
    const struct fl_tree_places places = of(s, &items, argument);
    free(items.at);
    return places;
}

/* One pass with parts of `size` items. True if something went. */
static bool cut_parts(struct fl_shrinking *s, collect_fn *of, uint32_t argument, uint32_t size)
{
    bool any = false;
    struct fl_tree_places places = collect(s, of, argument);
    for (uint32_t from = 0; from < places.count;) {
        const uint32_t left = places.count - from, count = size < left ? size : left;
        if (fl_shrink_try(s, fl_tree_without(s->best, &places.at[from], count))) {
            any = true;
            free(places.at); /* what is left has new numbers */
            places = collect(s, of, argument);
        } else {
            from += count;
        }
    }
    free(places.at);
    return any;
}

static uint32_t count_of(const struct fl_shrinking *s, collect_fn *of, uint32_t argument)
{
    const struct fl_tree_places places = collect(s, of, argument);
    free(places.at);
    return places.count;
}

/* ddmin, section 3.2: all, halves, quarters, ... single ones until none of them can go. */
static void cut_list(struct fl_shrinking *s, collect_fn *of, uint32_t argument)
{
    uint32_t size = count_of(s, of, argument);
    while (size > 1) {
        cut_parts(s, of, argument, size);
        size = (size + 1) / 2;
    }
    while (size == 1 && cut_parts(s, of, argument, 1)) {
    }
}

static bool in_section(const struct fl_tree_item *item, const char *section)
{
    return item->section && strcmp(item->section, section) == 0;
}

static struct fl_tree_places collect_faults(const struct fl_shrinking *s,
                                            const struct fl_tree_items *items, uint32_t unused)
{
    struct fl_tree_places places = {0};
    (void)s;
    (void)unused;
    for (uint32_t i = 0; i < items->count; i++) {
        if (items->at[i].depth == 2 && in_section(&items->at[i], "faults")) {
            fl_tree_places_add(&places, i);
        }
    }
    return places;
}

/* Elements of the list at one place. */
static struct fl_tree_places collect_elements(const struct fl_shrinking *s,
                                              const struct fl_tree_items *items, uint32_t list)
{
    struct fl_tree_places places = {0};
    (void)s;
    for (uint32_t i = list + 1; i < items->count && items->at[i].depth > items->at[list].depth;
         i++) {
        if (items->at[i].parent == list) {
            fl_tree_places_add(&places, i);
        }
    }
    return places;
}

/* Lists of a section, or of all but the faults. Those within others come later: their places are those
 * of what is left. */
static void cut_elements(struct fl_shrinking *s, bool of_faults)
{
    for (uint32_t place = 0;; place++) {
        struct fl_tree_items items = fl_tree_items(s->best);
        const bool end = place >= items.count;
        const bool is_list = !end && cJSON_IsArray(items.at[place].item) &&
                             in_section(&items.at[place], "faults") == of_faults &&
                             !in_section(&items.at[place], "expect");
        free(items.at);
        if (end) {
            return;
        }
        if (is_list) {
            cut_list(s, collect_elements, place);
        }
    }
}

/* ------------------------------------------------------------------------------------------------
 * Parts
 * --------------------------------------------------------------------------------------------- */

static bool cut_part(struct fl_shrinking *s, const char *section, const char *name)
{
    return fl_shrink_try(s, fl_tree_without_part(s->best, section, name, false)) ||
           (fl_tree_at(s->best, section, name) &&
            fl_shrink_try(s, fl_tree_without_part(s->best, section, name, true)));
}

/* From the last to the first: what comes later refers to what comes before more than the reverse. */
static void cut_section(struct fl_shrinking *s, const char *section)
{
    const cJSON *parts = fl_tree_member(s->best, section);
    for (int i = cJSON_GetArraySize(parts); i-- > 0;) {
        const cJSON *part = cJSON_GetArrayItem(fl_tree_member(s->best, section), i);
        if (part) { /* others went with one before */
            char *name = fl_strdup(part->string);
            cut_part(s, section, name);
            free(name);
        }
    }
}

/* ------------------------------------------------------------------------------------------------
 * Keys
 * --------------------------------------------------------------------------------------------- */

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(*words, word) != 0) {
        words++;
    }
    return *words != NULL;
}

/* What names the scenario, what others of these steps change, and what may only grow without its key. */
static bool may_go(const struct fl_tree_items *items, uint32_t place)
{
    static const char *const of_root[] = {"name",      "why",    "seed",   "duration_s", "nodes",
                                          "contracts", "faults", "checks", "expect",     NULL};
    static const char *const of_groups[] = {"count", "accounts", "faulty_max", NULL};
    static const char *const of_faults[] = {"members", "from_s", "to_s", NULL};
    static const char *const parts[] = {"nodes", "contracts", "faults", "checks", "expect", NULL};
    const struct fl_tree_item *item = &items->at[place];
    if (place == 0 || !cJSON_IsObject(items->at[item->parent].item) ||
        strcmp(item->item->string, "model") == 0) {
        return false;
    }
    const char *key = item->item->string;
    if (item->depth == 1) {
        return !is_one_of(key, of_root);
    }
    if (item->depth == 2) {
        return !is_one_of(item->section, parts);
    }
    return !in_section(item, "expect") &&
           !(item->depth == 3 && in_section(item, "nodes") && is_one_of(key, of_groups)) &&
           !(item->depth == 3 && in_section(item, "faults") && is_one_of(key, of_faults));
}

/* Those without which the scenario is one still. The others would spoil every part they are in. */
static struct fl_tree_places collect_keys(const struct fl_shrinking *s,
                                          const struct fl_tree_items *items, uint32_t valid)
{
    struct fl_tree_places places = {0};
    for (uint32_t i = 0; i < items->count; i++) {
        if (!may_go(items, i)) {
            continue;
        }
        cJSON *without = fl_tree_without(s->best, &i, 1);
        if (is_valid(s, without) == (valid != 0)) {
            fl_tree_places_add(&places, i);
        }
        cJSON_Delete(without);
    }
    return places;
}

static bool cut_one_pair(struct fl_shrinking *s)
{
    const struct fl_tree_places places = collect(s, collect_keys, false);
    struct fl_tree_items items = fl_tree_items(s->best);
    bool cut = false;
    for (uint32_t i = 0; i < places.count && !cut; i++) {
        for (uint32_t j = i + 1; j < places.count && !cut; j++) {
            const uint32_t pair[] = {places.at[i], places.at[j]};
            cut = items.at[pair[0]].parent == items.at[pair[1]].parent &&
                  fl_shrink_try(s, fl_tree_without(s->best, pair, 2));
        }
    }
    free(items.at);
    free(places.at);
    return cut;
}

/* ------------------------------------------------------------------------------------------------
 * Laws
 * --------------------------------------------------------------------------------------------- */

/* The first number of a law: its value, mean, median or least. NULL if it has none, or the item is none. */
static const cJSON *first_of_law(const cJSON *item)
{
    const char *name = cJSON_GetStringValue(fl_tree_member(item, "law"));
    for (const struct fl_law_form *form = fl_law_forms; name && form->name; form++) {
        if (strcmp(form->name, name) == 0) {
            return fl_tree_member(item, form->a);
        }
    }
    return NULL;
}

/* A copy with a constant in the place of a law; NULL if there is none. */
static cJSON *with_constant(const cJSON *tree, uint32_t place)
{
    cJSON *copy = fl_json_made(cJSON_Duplicate(tree, true));
    struct fl_tree_items items = fl_tree_items(copy);
    cJSON *law = items.at[place].item, *parent = items.at[items.at[place].parent].item;
    const cJSON *first = place > 0 ? first_of_law(law) : NULL;
    free(items.at);
    if (!first) {
        cJSON_Delete(copy);
        return NULL;
    }
    fl_tree_replace(parent, law, fl_json_made(cJSON_Duplicate(first, true)));
    return copy;
}

static uint32_t size_of(const cJSON *tree)
{
    uint32_t count = 1;
    for (const cJSON *child = tree->child; child; child = child->next) {
        count += size_of(child);
    }
    return count;
}

static void cut_laws(struct fl_shrinking *s)
{
    for (uint32_t place = 0; place < size_of(s->best); place++) {
        fl_shrink_try(s, with_constant(s->best, place));
    }
}

/* ------------------------------------------------------------------------------------------------
 * The whole
 * --------------------------------------------------------------------------------------------- */

void fl_shrink_steps(struct fl_shrinking *s)
{
    s->round = 0;
    do {
        s->changed = false;
        cut_list(s, collect_faults, 0);
        cut_elements(s, true);
        fl_lower_duration(s);
        cut_section(s, "checks");
        cut_section(s, "nodes");
        cut_section(s, "contracts");
        fl_lower_groups(s);
        fl_lower_windows(s);
        fl_lower_duration(s);
        cut_list(s, collect_keys, true);
        while (cut_one_pair(s)) {
        }
        cut_laws(s);
        cut_elements(s, false);
        s->round++;
    } while (s->changed && s->trials->runs < s->trials->runs_most && !s->trials->problem);
}
