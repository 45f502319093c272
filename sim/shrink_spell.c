/* The same scenario in fewer words: see fl_shrink_spell. */
#include "sim/shrink_steps.h"
#include "sim/shrink_tree.h"

#include <stdlib.h>
#include <string.h>

/* Takes the copy; it becomes the best if what is in force is the same. */
static bool respell(struct fl_shrinking *s, cJSON *copy, const char *resolved)
{
    struct fl_config *config = fl_trials_config(s->trials, copy);
    const bool same = config && strcmp(config->resolved, resolved) == 0;
    fl_config_free(config);
    if (same) {
        cJSON_Delete(s->best);
        s->best = copy;
    } else {
        cJSON_Delete(copy);
    }
    return same;
}

/* Its default is 1, but without it nobody would know that there is one. */
static bool stays(const char *key)
{
    return strcmp(key, "name") == 0 || strcmp(key, "seed") == 0;
}

static bool only_a_model(const cJSON *item)
{
    return cJSON_IsObject(item) && item->child && !item->child->next &&
           strcmp(item->child->string, "model") == 0;
}

static cJSON *with_bare_name(const cJSON *tree, uint32_t place)
{
    cJSON *copy = fl_json_made(cJSON_Duplicate(tree, true));
    struct fl_tree_items items = fl_tree_items(copy);
    cJSON *item = items.at[place].item, *parent = items.at[items.at[place].parent].item;
    fl_tree_replace(parent, item, fl_json_made(cJSON_CreateString(item->child->valuestring)));
    free(items.at);
    return copy;
}

void fl_shrink_spell(struct fl_shrinking *s)
{
    struct fl_config *config = fl_trials_config(s->trials, s->best);
    FL_ASSERT(config);
    for (uint32_t place = 1;;) {
        struct fl_tree_items items = fl_tree_items(s->best);
        const bool end = place >= items.count;
        const struct fl_tree_item item = end ? (struct fl_tree_item){0} : items.at[place];
        const bool key = !end && cJSON_IsObject(items.at[item.parent].item) &&
                         !(item.depth == 1 && stays(item.item->string));
        const bool model = key && only_a_model(item.item);
        free(items.at);
        if (end) {
            break;
        }
        if (!(key && respell(s, fl_tree_without(s->best, &place, 1), config->resolved))) {
            if (model) {
                respell(s, with_bare_name(s->best, place), config->resolved);
            }
            place++;
        }
    }
    cJSON *resolved = fl_tree_parse(config->resolved);
    fl_tree_order(s->best, resolved);
    cJSON_Delete(resolved);
    fl_config_free(config);
}
