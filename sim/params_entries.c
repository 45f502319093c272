/* Names of entries in a contract's list (FL_ENTRY_NAME): "market": "eth" beside "exchange": "perp". */
#include "sim/params.h"

#include <string.h>

struct fl_entry_name {
    const cJSON *object;        /* that the name stands in */
    const struct fl_param *row; /* of the name */
    const struct fl_param *by;  /* of the contract's name beside it */
    const uint32_t *contract;   /* what that row filled: an index, or UINT32_MAX */
    uint32_t *place;            /* to be set */
    const void *params;         /* what it is in */
    cJSON *shown;               /* in the resolved scenario; NULL if it must be said anyway */
};

static const struct fl_param *row_of(const struct fl_param *rows, const char *key,
                                     enum fl_param_type type)
{
    while (rows && rows->key && (rows->type != type || strcmp(rows->key, key) != 0)) {
        rows++;
    }
    return rows && rows->key ? rows : NULL;
}

/* Does no name, where that is allowed, stand for the first entry? */
static bool is_first(const struct fl_param *row, const char *name)
{
    return *name == '\0' && row->type == FL_ENTRY_NAME && row->fallback &&
           strcmp(row->fallback, "\"\"") == 0;
}

static void wait_for(struct fl_reading *reading, const cJSON *item, struct fl_entry_name name,
                     const struct fl_filling *filling)
{
    name.object = filling->object;
    name.params = filling->params;
    name.by = row_of(filling->rows, name.row->within, FL_CONTRACT_NAME);
    FL_ASSERT(name.by); /* `within` is the key of no row beside */
    name.contract = (const uint32_t *)(const void *)(filling->params + name.by->offset);
    *name.place = UINT32_MAX;
    struct fl_entry_name *kept = fl_arena_alloc(reading->arena, 1, sizeof *kept);
    *kept = name;
    fl_add_pending(reading, (struct fl_pending){.item = item, .name = kept});
}

cJSON *fl_read_entry(struct fl_reading *reading, const struct fl_param *row, const cJSON *item,
                     const struct fl_filling *filling, uint32_t *place)
{
    const char *word = fl_read_word(reading, item);
    if (!word) {
        return NULL;
    }
    cJSON *out = fl_json_made(cJSON_CreateString(word));
    wait_for(reading, item, (struct fl_entry_name){.row = row, .place = place, .shown = out},
             filling);
    return out;
}

static bool said_before(const cJSON *list, const char *word)
{
    const cJSON *before;
    cJSON_ArrayForEach(before, list)
    {
        if (strcmp(before->valuestring, word) == 0) {
            return true;
        }
    }
    return false;
}

cJSON *fl_read_entries(struct fl_reading *reading, const struct fl_param *row, const cJSON *item,
                       const struct fl_filling *filling, struct fl_places *out)
{
    if (!fl_is_list(reading, item, "names")) {
        return NULL;
    }
    uint32_t *at = fl_arena_alloc(reading->arena, (size_t)cJSON_GetArraySize(item), sizeof *at);
    *out = (struct fl_places){.at = at};
    cJSON *list = fl_json_made(cJSON_CreateArray());
    for (const cJSON *element = item->child; element; element = element->next) {
        const char *word = fl_read_word(reading, element);
        if (word && said_before(list, word)) {
            fl_mistake(&reading->json, element, FL_AT_VALUE, "\"%.*s\" is there twice",
                       FL_QUOTED_BYTES, word);
        } else if (word) {
            fl_json_push(list, cJSON_CreateString(word));
            wait_for(reading, element,
                     (struct fl_entry_name){.row = row, .place = &at[out->count++]}, filling);
        }
    }
    return list;
}

/* --- when all contracts have been read ------------------------------------------------------------ */

/* Without a contract there are no entries. A name is a mistake then, unless that of the contract
 * was wrong, which has been said. */
static const void *settle_nowhere(struct fl_reading *reading, const cJSON *item,
                                  const struct fl_entry_name *name)
{
    const cJSON *contract = fl_member(name->object, name->by->key);
    const bool none = contract ? cJSON_IsNull(contract)
                               : name->by->fallback && strcmp(name->by->fallback, "null") == 0;
    if (none && is_first(name->row, item->valuestring)) {
        return NULL;
    }
    if (none) {
        fl_mistake(&reading->json, item, FL_AT_VALUE,
                   "needs \"%s\": the contract whose %s are meant", name->by->key, name->row->list);
    }
    return name->params;
}

static void report_unknown(struct fl_reading *reading, const cJSON *item,
                           const struct fl_entry_name *name, const struct fl_list *list)
{
    struct fl_guess guess = {.wanted = item->valuestring};
    for (uint32_t i = 0; i < list->count; i++) {
        fl_guess_offer(&guess, list->name[i]);
    }
    fl_mistake(&reading->json, item, FL_AT_VALUE, "contract \"%s\" has no \"%.*s\" in its %s%s",
               reading->config->contract[*name->contract].name, FL_QUOTED_BYTES, guess.wanted,
               name->row->list, fl_guess_hint(&guess).text);
}

static uint32_t find(const struct fl_list *list, const char *wanted)
{
    uint32_t i = 0;
    while (i < list->count && strcmp(list->name[i], wanted) != 0) {
        i++;
    }
    return i;
}

const void *fl_settle_entry(struct fl_reading *reading, const cJSON *item,
                            const struct fl_entry_name *name)
{
    if (*name->contract == UINT32_MAX) {
        return settle_nowhere(reading, item, name);
    }
    const struct fl_part *contract = &reading->config->contract[*name->contract];
    if (!contract->params) {
        return name->params; /* of a model that could not be read */
    }
    const struct fl_param *row = row_of(contract->model->params, name->row->list, FL_ROWS);
    if (!row) {
        const cJSON *named = fl_member(name->object, name->by->key);
        fl_mistake(&reading->json, named ? named : item, FL_AT_VALUE,
                   "contract \"%s\" (%s) has no %s", contract->name, contract->model->name,
                   name->row->list);
        return name->params;
    }
    const void *field = (const unsigned char *)contract->params + row->offset;
    const struct fl_list *list = field;
    const bool first = is_first(name->row, item->valuestring);
    const uint32_t place = first ? 0 : find(list, item->valuestring);
    if (place < list->count) {
        *name->place = place;
        if (first && !cJSON_SetValuestring(name->shown, list->name[0])) {
            fl_out_of_memory();
        }
        return NULL;
    }
    if (list->name && list->count >= row->min) { /* else the list is wrong, which has been said */
        report_unknown(reading, item, name, list);
    }
    return name->params;
}
