/* Parameter rows to plain structs: points, names of other parts, models within models, named objects
 * with rows of their own. */
#include "sim/config_parts.h"
#include "sim/params.h"
#include "sim/klines.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------
 * Points
 * --------------------------------------------------------------------------------------------- */

/* One [x, y] of a list of points. */
static cJSON *read_point(struct fl_reading *reading, const struct fl_param *row, const cJSON *item,
                         int64_t *at)
{
    if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != 2) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "expected a point [x, y]");
        return NULL;
    }
    cJSON *x = fl_read_number(reading, item->child,
                              (struct fl_range){row->digits, INT64_MIN, INT64_MAX}, &at[0]);
    cJSON *y = fl_read_number(reading, item->child->next,
                              (struct fl_range){row->digits_y, row->min, row->max}, &at[1]);
    if (!x || !y) {
        cJSON_Delete(x);
        cJSON_Delete(y);
        return NULL;
    }
    cJSON *point = fl_json_made(cJSON_CreateArray());
    fl_json_push(point, x);
    fl_json_push(point, y);
    return point;
}

static cJSON *read_points(struct fl_reading *reading, const struct fl_param *row, const cJSON *item,
                          struct fl_points *out)
{
    if (row->candles && cJSON_IsObject(item)) {
        return fl_read_klines(reading, row, item, out);
    }
    if (!fl_is_list(reading, item, row->candles ? "points [x, y], or candles" : "points [x, y]")) {
        return NULL;
    }
    const size_t count = (size_t)cJSON_GetArraySize(item);
    int64_t(*at)[2] = fl_arena_alloc(reading->arena, count, sizeof *at);
    cJSON *list = fl_json_made(cJSON_CreateArray());
    size_t filled = 0;
    for (const cJSON *element = item->child; element; element = element->next) {
        cJSON *point = read_point(reading, row, element, at[filled]);
        if (!point) {
            continue;
        }
        fl_json_push(list, point);
        if (filled > 0 && at[filled][0] <= at[filled - 1][0]) {
            fl_mistake(&reading->json, element->child, FL_AT_VALUE,
                       "x must be greater than that of the point before");
            continue;
        }
        filled++;
    }
    *out = (struct fl_points){.count = (uint32_t)filled, .at = (const int64_t(*)[2])at};
    if (filled < count) {
        cJSON_Delete(list);
        return NULL;
    }
    return list;
}

/* ------------------------------------------------------------------------------------------------
 * Names
 * --------------------------------------------------------------------------------------------- */

cJSON *fl_read_group(struct fl_reading *reading, const cJSON *item, uint32_t *index)
{
    struct fl_guess guess = {.wanted = fl_read_word(reading, item)};
    const struct fl_config *config = reading->config;
    for (uint32_t i = 0; guess.wanted && i < config->group_count; i++) {
        if (strcmp(guess.wanted, config->group[i].name) == 0) {
            *index = i;
            return fl_json_made(cJSON_CreateString(guess.wanted));
        }
        fl_guess_offer(&guess, config->group[i].name);
    }
    if (guess.wanted) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "no group of nodes is called \"%.*s\"%s",
                   FL_QUOTED_BYTES, guess.wanted, fl_guess_hint(&guess).text);
    }
    return NULL;
}

/* Parameters hold the first endpoint of a group, not its index. */
static cJSON *read_first(struct fl_reading *reading, const cJSON *item, uint32_t *first)
{
    uint32_t index;
    cJSON *out = fl_read_group(reading, item, &index);
    if (out) {
        *first = reading->config->group[index].first;
    }
    return out;
}

/* A list whose elements `one` reads into uint32_t each; *at is the arena's. NULL after a report. */
static cJSON *read_list(struct fl_reading *reading, const cJSON *item, const char *what,
                        cJSON *one(struct fl_reading *, const cJSON *, uint32_t *), uint32_t *count,
                        const uint32_t **at)
{
    if (!fl_is_list(reading, item, what)) {
        return NULL;
    }
    const size_t length = (size_t)cJSON_GetArraySize(item);
    uint32_t *value = fl_arena_alloc(reading->arena, length, sizeof *value);
    cJSON *list = fl_json_made(cJSON_CreateArray());
    *at = value;
    *count = 0;
    for (const cJSON *element = item->child; element; element = element->next) {
        cJSON *name = one(reading, element, &value[*count]);
        if (name) {
            fl_json_push(list, name);
            ++*count;
        }
    }
    if (*count < length) {
        cJSON_Delete(list);
        return NULL;
    }
    return list;
}

static cJSON *read_groups(struct fl_reading *reading, const cJSON *item, struct fl_groups *out)
{
    return read_list(reading, item, "names of groups", read_first, &out->count, &out->first);
}

static cJSON *read_contract(struct fl_reading *reading, const cJSON *item, uint32_t *index)
{
    struct fl_guess guess = {.wanted = fl_read_word(reading, item)};
    const struct fl_config *config = reading->config;
    *index = UINT32_MAX;
    for (uint32_t i = 0; guess.wanted && i < config->contract_count; i++) {
        if (strcmp(guess.wanted, config->contract[i].name) == 0) {
            *index = i;
            return fl_json_made(cJSON_CreateString(guess.wanted));
        }
        fl_guess_offer(&guess, config->contract[i].name);
    }
    if (guess.wanted) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "no contract is called \"%.*s\"%s",
                   FL_QUOTED_BYTES, guess.wanted, fl_guess_hint(&guess).text);
    }
    return NULL;
}

void fl_add_pending(struct fl_reading *reading, struct fl_pending pending)
{
    reading->pending =
        fl_grow(reading->pending, reading->pending_count, &reading->pending_room, sizeof pending);
    reading->pending[reading->pending_count++] = pending;
}

/* Any model in use may be meant, so the handle is settled when all are known. */
static cJSON *read_observable(struct fl_reading *reading, const cJSON *item, uint32_t *handle)
{
    const char *name = fl_read_word(reading, item);
    *handle = UINT32_MAX;
    if (!name) {
        return NULL;
    }
    fl_add_pending(reading, (struct fl_pending){.item = item, .observable = handle});
    return fl_json_made(cJSON_CreateString(name));
}

static cJSON *read_observables(struct fl_reading *reading, const cJSON *item,
                               struct fl_observables *out)
{
    return read_list(reading, item, "names of observables", read_observable, &out->count,
                     &out->handle);
}

/* ------------------------------------------------------------------------------------------------
 * Models
 * --------------------------------------------------------------------------------------------- */

static void report_model(struct fl_reading *reading, enum fl_family family, const cJSON *item,
                         const struct fl_guess *guess)
{
    char *known = NULL;
    size_t bytes = 0;
    FILE *out = fl_text_open(&known, &bytes);
    const char *before = "; known: ";
    for (const struct fl_model *const *model = fl_models; *model; model++) {
        if ((*model)->family == family) {
            fprintf(out, "%s%s", before, (*model)->name);
            before = ", ";
        }
    }
    fl_text_close(out);
    fl_mistake(&reading->json, item, FL_AT_VALUE, "unknown %s model \"%.*s\"%s%s",
               fl_family_name(family), FL_QUOTED_BYTES, guess->wanted, fl_guess_hint(guess).text,
               bytes > 0 ? known : "; there are none");
    free(known);
}

const struct fl_model *fl_read_model(struct fl_reading *reading, enum fl_family family,
                                     const cJSON *item)
{
    const cJSON *name = item;
    if (cJSON_IsObject(item)) {
        name = fl_member(item, "model");
        if (!name) {
            fl_missing(reading, item, "model");
            return NULL;
        }
    } else if (!cJSON_IsString(item)) {
        fl_mistake(&reading->json, item, FL_AT_VALUE,
                   "expected the name of a %s model or an object, found %s", fl_family_name(family),
                   fl_json_type(item));
        return NULL;
    }
    struct fl_guess guess = {.wanted = fl_read_word(reading, name)};
    const struct fl_model *found = guess.wanted ? fl_model_find(family, guess.wanted) : NULL;
    if (found || !guess.wanted) {
        return found;
    }
    for (const struct fl_model *const *model = fl_models; *model; model++) {
        if ((*model)->family == family) {
            fl_guess_offer(&guess, (*model)->name);
        }
    }
    report_model(reading, family, name, &guess);
    return NULL;
}

static cJSON *read_submodel(struct fl_reading *reading, const struct fl_param *row,
                            const cJSON *item, struct fl_submodel *out)
{
    out->model = fl_read_model(reading, row->family, item);
    if (!out->model) {
        return NULL;
    }
    cJSON *object = fl_json_made(cJSON_CreateObject());
    fl_json_put(object, "model", cJSON_CreateString(out->model->name));
    out->params = fl_read_params(reading, out->model, item, NULL, object);
    return object;
}

/* A name that may be absent: its default is null, which reads as UINT32_MAX. */
static cJSON *read_null(const struct fl_param *row, void *field)
{
    if (row->type != FL_SUBMODEL) {
        *(uint32_t *)field = UINT32_MAX;
    }
    return fl_json_made(cJSON_CreateNull());
}

static bool may_be_null(const struct fl_param *row)
{
    return row->fallback && strcmp(row->fallback, "null") == 0 &&
           (row->type == FL_GROUP_NAME || row->type == FL_CONTRACT_NAME ||
            row->type == FL_OBSERVABLE_NAME || row->type == FL_ENTRY_NAME ||
            row->type == FL_SUBMODEL);
}

static void fill(struct fl_reading *reading, const struct fl_filling *filling, size_t bytes,
                 cJSON *out);

/* A bad one leaves zeros in its place: those that come after keep theirs. */
static void read_entry_of_rows(struct fl_reading *reading, const struct fl_param *row,
                               const cJSON *item, void *params, cJSON *out)
{
    const uint32_t mistakes = reading->json.mistake_count;
    fl_check_name(reading, item, FL_AT_KEY, item->string, false);
    if (!fl_is_object(reading, item)) {
        return;
    }
    fl_check_keys(reading, item, NULL, NULL, row->of);
    fill(reading, &(struct fl_filling){item, row->of, params}, row->of_bytes, out);
    if (row->of_check && reading->json.mistake_count == mistakes) {
        fl_add_pending(reading,
                       (struct fl_pending){item, .check = row->of_check, .params = params});
    }
}

static cJSON *read_rows(struct fl_reading *reading, const struct fl_param *row, const cJSON *item,
                        struct fl_list *out)
{
    if (!fl_is_object(reading, item)) {
        return NULL;
    }
    const uint32_t count = fl_count_named(item);
    if (count < row->min || count > row->max) {
        fl_mistake(&reading->json, item, FL_AT_VALUE,
                   "expected %" PRId64 " to %" PRId64 " entries, found %" PRIu32, row->min,
                   row->max, count);
    }
    unsigned char *at = fl_arena_alloc(reading->arena, count, row->of_bytes);
    const char **name = fl_arena_alloc(reading->arena, count, sizeof *name);
    *out = (struct fl_list){.count = count, .at = at, .name = name};
    cJSON *object = fl_json_made(cJSON_CreateObject());
    for (const cJSON *entry = fl_named(item->child); entry; entry = fl_named(entry->next)) {
        *name++ = fl_arena_text(reading->arena, entry->string);
        read_entry_of_rows(reading, row, entry, at, fl_add_object(object, entry->string));
        at += row->of_bytes;
    }
    return object;
}

static cJSON *read_row(struct fl_reading *reading, const struct fl_param *row, const cJSON *item,
                       const struct fl_filling *filling)
{
    void *field = filling->params + row->offset;
    const struct fl_range range = {row->type == FL_INTEGER ? 0 : row->digits, row->min, row->max};
    if (cJSON_IsNull(item) && may_be_null(row)) {
        return read_null(row, field);
    }
    switch (row->type) {
    case FL_INTEGER:
    case FL_DECIMAL:
        return fl_read_number(reading, item, range, field);
    case FL_BOOLEAN: {
        bool value = false;
        cJSON *out = fl_read_bool(reading, item, &value);
        *(int64_t *)field = value;
        return out;
    }
    case FL_LAW:
        return fl_read_law(reading, item, range, field);
    case FL_POINTS:
        return read_points(reading, row, item, field);
    case FL_GROUP_NAME:
        return read_first(reading, item, field);
    case FL_GROUP_NAMES:
        return read_groups(reading, item, field);
    case FL_CONTRACT_NAME:
        return read_contract(reading, item, field);
    case FL_OBSERVABLE_NAME:
        return read_observable(reading, item, field);
    case FL_OBSERVABLE_NAMES:
        return read_observables(reading, item, field);
    case FL_SUBMODEL:
        return read_submodel(reading, row, item, field);
    case FL_ROWS:
        return read_rows(reading, row, item, field);
    case FL_ENTRY_NAME:
        return fl_read_entry(reading, row, item, filling, field);
    case FL_ENTRY_NAMES:
        return fl_read_entries(reading, row, item, filling, field);
    }
    FL_UNREACHABLE("parameter row without a type");
}

static size_t field_bytes(enum fl_param_type type)
{
    switch (type) {
    case FL_INTEGER:
    case FL_DECIMAL:
    case FL_BOOLEAN:
        return sizeof(int64_t);
    case FL_LAW:
        return sizeof(struct fl_law);
    case FL_POINTS:
        return sizeof(struct fl_points);
    case FL_GROUP_NAME:
    case FL_CONTRACT_NAME:
    case FL_OBSERVABLE_NAME:
    case FL_ENTRY_NAME:
        return sizeof(uint32_t);
    case FL_GROUP_NAMES:
        return sizeof(struct fl_groups);
    case FL_OBSERVABLE_NAMES:
        return sizeof(struct fl_observables);
    case FL_SUBMODEL:
        return sizeof(struct fl_submodel);
    case FL_ROWS:
        return sizeof(struct fl_list);
    case FL_ENTRY_NAMES:
        return sizeof(struct fl_places);
    }
    FL_UNREACHABLE("parameter row without a type");
}

/* The fallback of a row, parsed like anything a user writes. It lives as long as the reading. */
static const cJSON *default_of(struct fl_reading *reading, const struct fl_param *row,
                               const cJSON *object)
{
    struct fl_json *json = &reading->json;
    char *pointer = fl_json_pointer(json, object);
    char *prefix = fl_alloc(strlen(pointer) + strlen(row->key) + 2, 1);
    strcat(strcat(strcat(prefix, pointer), "/"), row->key);
    const uint32_t text =
        fl_json_add(json, FL_TEXT_DEFAULT, row->key, row->fallback, strlen(row->fallback), prefix);
    json->text[text].anchor = (uint32_t)object->valueint;
    free(prefix);
    free(pointer);
    cJSON *tree = fl_json_parse(json, text, true);
    FL_ASSERT(tree); /* the fallback of a row is not JSON */
    fl_json_keep(json, tree);
    return tree;
}

/* A default that contains itself is a fault of the rows; no honest nesting goes this deep. */
enum { NESTING = 2 * FL_JSON_DEPTH };

/* Every row's field, from the object or from its default. */
static void fill(struct fl_reading *reading, const struct fl_filling *filling, size_t bytes,
                 cJSON *out)
{
    FL_ASSERT(reading->depth < NESTING);
    reading->depth++;
    for (const struct fl_param *row = filling->rows; row && row->key; row++) {
        FL_ASSERT(row->offset + field_bytes(row->type) <= bytes);
        const cJSON *value = fl_member(filling->object, row->key);
        if (!value && !row->fallback) {
            fl_missing(reading, filling->object, row->key);
            continue;
        }
        value = value ? value : default_of(reading, row, filling->object);
        cJSON *read = read_row(reading, row, value, filling);
        if (read) {
            fl_json_put(out, row->key, read);
        }
    }
    reading->depth--;
}

const void *fl_read_params(struct fl_reading *reading, const struct fl_model *model,
                           const cJSON *item, const char *const *also, cJSON *out)
{
    static const char *const known[] = {"model", NULL};
    const uint32_t mistakes = reading->json.mistake_count;
    if (cJSON_IsObject(item)) {
        fl_check_keys(reading, item, known, also, model->params);
    }
    unsigned char *params = fl_arena_alloc(reading->arena, 1, model->params_bytes);
    fill(reading, &(struct fl_filling){item, model->params, params}, model->params_bytes, out);
    if (model->check && reading->json.mistake_count == mistakes) {
        fl_add_pending(reading, (struct fl_pending){item, .check = model->check, .params = params});
    }
    return params;
}

cJSON *fl_known_observable(struct fl_reading *reading, const cJSON *item, uint32_t *handle)
{
    *handle = UINT32_MAX;
    const char *name = fl_read_word(reading, item);
    if (!name) {
        return NULL;
    }
    *handle = fl_name_observable(reading, item);
    return fl_json_made(cJSON_CreateString(name));
}

/* What lacks a name cannot be asked whether it agrees with itself. */
static void drop_check(struct fl_reading *reading, const void *params)
{
    for (uint32_t i = 0; params && i < reading->pending_count; i++) {
        struct fl_pending *pending = &reading->pending[i];
        pending->check = pending->params == params ? NULL : pending->check;
    }
}

void fl_settle_pending(struct fl_reading *reading)
{
    for (uint32_t i = 0; i < reading->pending_count; i++) {
        const struct fl_pending *pending = &reading->pending[i];
        if (pending->observable) {
            *pending->observable = fl_name_observable(reading, pending->item);
        } else if (pending->name) {
            drop_check(reading, fl_settle_entry(reading, pending->item, pending->name));
        }
    }
    for (uint32_t i = 0; i < reading->pending_count; i++) {
        const struct fl_pending *pending = &reading->pending[i];
        const char *wrong = pending->check ? pending->check(pending->params) : NULL;
        if (wrong) {
            fl_mistake(&reading->json, pending->item, FL_AT_VALUE, "%s", wrong);
        }
    }
}
