/* The axes of a plan. Whatever a dimension is written as, it ends as a table: a text for each of its
 * paths and values. */
#include "sim/config_parts.h"
#include "sim/design.h"
#include "sim/plan_reading.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DECIMALS_MAX = 12, DRAWN_DECIMALS = 6, COUNT_MAX = FL_ROWS_MAX };

/* --- the table ----------------------------------------------------------------------------------- */

static bool is_integer(const char *json, int64_t *value)
{
    return strpbrk(json, ".eE") == NULL && fl_decimal(json, strlen(json), 0, value);
}

/* One more path. NULL after a report; `item` says it, by its key or by its value. */
static struct fl_axis *add_axis(struct fl_planning *p, const cJSON *item, enum fl_mistake_part part,
                                const char *path)
{
    struct fl_plan *plan = p->plan;
    const char *wrong = NULL;
    if (plan->axis_count == FL_AXES_MAX) {
        fl_mistake(&p->reading.json, item, part, "more than %d paths", (int)FL_AXES_MAX);
        return NULL;
    }
    if (strpbrk(path, "=/\n") || !*path) {
        wrong = "expected a path such as faults.oracle-stuck.to_s";
    } else if (strcmp(path, "seed") == 0) {
        wrong = "the seed of a row follows from the plan's seed and the replicate";
    }
    for (uint32_t i = 0; i < plan->axis_count && !wrong; i++) {
        wrong = strcmp(plan->axis[i].path, path) == 0 ? "two axes have this path" : NULL;
    }
    if (wrong) {
        fl_mistake(&p->reading.json, item, part, "%s", wrong);
    }
    struct fl_axis *axis = &plan->axis[plan->axis_count++];
    axis->path = fl_arena_text(&plan->arena, path);
    axis->dimension = plan->dimension_count;
    return axis;
}

static void make_room(struct fl_planning *p, struct fl_axis *axis, uint32_t count, bool generated)
{
    struct fl_arena *arena = &p->plan->arena;
    struct fl_axis_reading *reading = &p->axis[axis - p->plan->axis];
    axis->count = count;
    axis->override = fl_arena_alloc(arena, count, sizeof *axis->override);
    axis->shown = fl_arena_alloc(arena, count, sizeof *axis->shown);
    axis->integer = fl_arena_alloc(arena, count, sizeof *axis->integer);
    reading->item = fl_arena_alloc(arena, count, sizeof *reading->item);
    reading->refused = fl_arena_alloc(arena, count, sizeof *reading->refused);
    reading->taken = fl_arena_alloc(arena, count, sizeof *reading->taken);
    reading->generated = generated;
}

/* `json` is the value as the scenario would have it, `word` what it says if it is a string. */
static void set(struct fl_planning *p, struct fl_axis *axis, uint32_t index, const cJSON *item,
                const char *json, const char *word)
{
    struct fl_arena *arena = &p->plan->arena;
    char *override = fl_arena_alloc(arena, strlen(axis->path) + strlen(json) + 2, 1);
    strcat(strcat(strcpy(override, axis->path), "="), json);
    axis->override[index] = override;
    axis->shown[index] = word ? fl_arena_text(arena, word) : strchr(override, '=') + 1;
    if (axis->integer && !is_integer(json, &axis->integer[index])) {
        axis->integer = NULL;
    }
    p->axis[axis - p->plan->axis].item[index] = item;
}

/* A value that is written, on one line: outside of strings line ends are blanks, inside there are none. */
static void set_written(struct fl_planning *p, struct fl_axis *axis, uint32_t index,
                        const cJSON *item)
{
    size_t bytes;
    const char *slice = fl_json_slice(&p->reading.json, item, &bytes);
    char *json = fl_strndup(slice, bytes);
    for (char *at = json; *at; at++) {
        *at = *at == '\n' || *at == '\r' || *at == '\t' ? ' ' : *at;
    }
    set(p, axis, index, item, json, cJSON_IsString(item) ? item->valuestring : NULL);
    free(json);
}

/* A number with its shortest decimal, a string if other readers of JSON would round it. */
static void set_number(struct fl_planning *p, struct fl_axis *axis, uint32_t index,
                       const cJSON *item, int64_t value, uint32_t decimals)
{
    cJSON *number = fl_number_item(value, decimals);
    const char *text = number->valuestring;
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", text);
    set(p, axis, index, item, cJSON_IsString(number) ? quoted : text, text);
    cJSON_Delete(number);
}

/* --- twice the same ------------------------------------------------------------------------------ */

struct place {
    const struct fl_plan *plan;
    const struct fl_dimension *dimension;
    uint32_t index;
};

static int compare_values(const struct place *a, const struct place *b)
{
    int order = 0;
    for (uint32_t i = 0; i < a->dimension->axes && order == 0; i++) {
        const struct fl_axis *axis = &a->plan->axis[a->dimension->first + i];
        order = strcmp(axis->override[a->index], axis->override[b->index]);
    }
    return order;
}

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    const int order = compare_values(x, y);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static void tell_twice(struct fl_planning *p, const struct fl_dimension *d, uint32_t one,
                       uint32_t other)
{
    const struct fl_axis_reading *axis = &p->axis[d->first];
    if (axis->generated) {
        fl_mistake(&p->reading.json, axis->item[other], FL_AT_VALUE,
                   "numbers %" PRIu32 " and %" PRIu32 " are the same after rounding (%s): give "
                   "more \"decimals\" or a smaller \"count\"",
                   one, other, p->plan->axis[d->first].shown[other]);
    } else if (d->axes == 1) {
        fl_mistake(&p->reading.json, axis->item[other], FL_AT_VALUE, "this value is there twice");
    } else {
        fl_mistake(&p->reading.json, axis->item[other], FL_AT_VALUE,
                   "number %" PRIu32 " of these has the same values as number %" PRIu32, other,
                   one);
    }
}

static void check_twice(struct fl_planning *p, const struct fl_dimension *d)
{
    struct place *place = fl_alloc(d->count, sizeof *place);
    for (uint32_t i = 0; i < d->count; i++) {
        place[i] = (struct place){p->plan, d, i};
    }
    qsort(place, d->count, sizeof *place, compare_places);
    bool told = false;
    for (uint32_t i = 1; i < d->count && !told; i++) {
        if (compare_values(&place[i - 1], &place[i]) == 0) {
            tell_twice(p, d, place[i - 1].index, place[i].index);
            told = p->axis[d->first].generated; /* once is enough: they come in hundreds */
        }
    }
    free(place);
}

/* --- ranges -------------------------------------------------------------------------------------- */

/* What a grid and a range of a design have in common. */
struct range {
    struct fl_stretch stretch;
    uint32_t decimals;
};

static uint32_t decimals_written(const struct fl_planning *p, const cJSON *item)
{
    size_t bytes;
    const char *slice = fl_json_slice(&p->reading.json, item, &bytes);
    char *text = fl_strndup(slice, bytes);
    const char *point = strchr(text, '.'), *exponent = strpbrk(text, "eE");
    long count = point ? (long)strspn(point + 1, "0123456789") : 0;
    const long raised = exponent ? strtol(exponent + 1, NULL, 10) : 0;
    free(text);
    if (raised > count) {
        return 0;
    }
    return raised < count - DECIMALS_MAX ? DECIMALS_MAX : (uint32_t)(count - raised);
}

static bool read_integer(struct fl_planning *p, const cJSON *item, int64_t min, int64_t max,
                         uint32_t *out)
{
    int64_t value = 0;
    cJSON *read = fl_read_number(&p->reading, item, (struct fl_range){0, min, max}, &value);
    const bool ok = read != NULL;
    cJSON_Delete(read);
    *out = (uint32_t)value;
    return ok;
}

static bool read_decimals(struct fl_planning *p, const cJSON *object, bool drawn, uint32_t *out)
{
    const cJSON *decimals = fl_member(object, "decimals");
    if (decimals) {
        return read_integer(p, decimals, 0, DECIMALS_MAX, out);
    }
    const uint32_t from = decimals_written(p, fl_member(object, "from"));
    const uint32_t to = decimals_written(p, fl_member(object, "to"));
    *out = from > to ? from : to;
    *out = drawn && *out > 0 && *out < DRAWN_DECIMALS ? DRAWN_DECIMALS : *out;
    return true;
}

static bool read_end(struct fl_planning *p, const cJSON *item, const struct range *range,
                     int64_t *out)
{
    const struct fl_range any = {range->decimals, INT64_MIN, INT64_MAX};
    cJSON *read = fl_read_number(&p->reading, item, any, out);
    const bool ok = read != NULL;
    cJSON_Delete(read);
    if (ok && range->stretch.log && *out <= 0) {
        fl_mistake(&p->reading.json, item, FL_AT_VALUE,
                   "expected a number above 0, as the scale is \"log\"");
        return false;
    }
    return ok;
}

/* `drawn`: a range of a design, which ascends. */
static bool read_range(struct fl_planning *p, const cJSON *object, bool drawn, struct range *out)
{
    static const char *const scales[] = {"linear", "log", NULL};
    const cJSON *from = fl_member(object, "from"), *to = fl_member(object, "to");
    const cJSON *scale = fl_member(object, "scale");
    if (!from || !to) {
        fl_missing(&p->reading, object, from ? "to" : "from");
        return false;
    }
    const uint32_t chosen = scale ? fl_read_choice(&p->reading, scale, scales) : 0;
    *out = (struct range){.stretch.log = chosen == 1};
    if (chosen == UINT32_MAX || !read_decimals(p, object, drawn, &out->decimals) ||
        !read_end(p, from, out, &out->stretch.from) || !read_end(p, to, out, &out->stretch.to)) {
        return false;
    }
    if (drawn ? out->stretch.from >= out->stretch.to : out->stretch.from == out->stretch.to) {
        fl_mistake(&p->reading.json, to, FL_AT_VALUE, "expected %s \"from\"",
                   drawn ? "more than" : "something else than");
        return false;
    }
    return true;
}

/* --- one path ------------------------------------------------------------------------------------ */

static bool fill_values(struct fl_planning *p, struct fl_axis *axis, const cJSON *values)
{
    if (!cJSON_IsArray(values) || !values->child) {
        fl_mistake(&p->reading.json, values, FL_AT_VALUE, "expected a list of values");
        return false;
    }
    make_room(p, axis, (uint32_t)cJSON_GetArraySize(values), false);
    uint32_t index = 0;
    for (const cJSON *item = values->child; item; item = item->next) {
        set_written(p, axis, index++, item);
    }
    return true;
}

static bool fill_grid(struct fl_planning *p, struct fl_axis *axis, const cJSON *grid)
{
    static const char *const keys[] = {"from", "to", "count", "scale", "decimals", NULL};
    struct range range;
    uint32_t count;
    if (!fl_is_object(&p->reading, grid)) {
        return false;
    }
    fl_check_keys(&p->reading, grid, keys, NULL, NULL);
    const cJSON *counted = fl_member(grid, "count");
    if (!counted) {
        fl_missing(&p->reading, grid, "count");
        return false;
    }
    if (!read_integer(p, counted, 2, COUNT_MAX, &count) || !read_range(p, grid, false, &range)) {
        return false;
    }
    make_room(p, axis, count, true);
    for (uint32_t i = 0; i < count; i++) {
        set_number(p, axis, i, grid, fl_even_value(range.stretch, i, count), range.decimals);
    }
    return true;
}

/* {"path": P, "values": [...]} or {"path": P, "grid": {...}}; `also`: what it might have been. */
static bool read_path(struct fl_planning *p, const cJSON *object, const char *const *also)
{
    static const char *const keys[] = {"path", "values", "grid", NULL};
    if (!fl_is_object(&p->reading, object)) {
        return false;
    }
    fl_check_keys(&p->reading, object, keys, also, NULL);
    const cJSON *path = fl_member(object, "path"), *values = fl_member(object, "values");
    const cJSON *grid = fl_member(object, "grid");
    if (!path && also) {
        fl_mistake(&p->reading.json, object, FL_AT_VALUE,
                   "expected \"path\", \"zip\", \"list\", \"random\", \"latin_hypercube\" or "
                   "\"sobol\"");
        return false;
    }
    if (!path) {
        fl_missing(&p->reading, object, "path");
        return false;
    }
    if (!values == !grid) {
        fl_mistake(&p->reading.json, object, FL_AT_VALUE, "expected \"values\" or \"grid\"%s",
                   values ? ", and only one of them" : "");
        return false;
    }
    const char *word = fl_read_word(&p->reading, path);
    struct fl_axis *axis = word ? add_axis(p, path, FL_AT_VALUE, word) : NULL;
    return axis && (values ? fill_values(p, axis, values) : fill_grid(p, axis, grid));
}

/* --- several paths ------------------------------------------------------------------------------- */

static bool read_zip(struct fl_planning *p, const cJSON *zip)
{
    if (!cJSON_IsArray(zip) || !zip->child) {
        fl_mistake(&p->reading.json, zip, FL_AT_VALUE,
                   "expected a list of paths with their values, found %s",
                   cJSON_IsArray(zip) ? "none" : fl_json_type(zip));
        return false;
    }
    const uint32_t first = p->plan->axis_count;
    bool ok = true;
    for (const cJSON *item = zip->child; item; item = item->next) {
        ok = read_path(p, item, NULL) && ok;
    }
    const cJSON *item = zip->child;
    for (uint32_t i = first; i < p->plan->axis_count && ok; i++, item = item->next) {
        const uint32_t expected = p->plan->axis[first].count, found = p->plan->axis[i].count;
        if (found != expected) {
            fl_mistake(&p->reading.json, item, FL_AT_VALUE,
                       "expected %" PRIu32 " values as in the first path, found %" PRIu32, expected,
                       found);
            ok = false;
        }
    }
    return ok;
}

/* One point of a list, whose paths are those of the first. */
static bool read_point(struct fl_planning *p, const cJSON *point, uint32_t first, uint32_t index)
{
    const struct fl_plan *plan = p->plan;
    bool ok = true;
    for (const cJSON *item = fl_named(point->child); item; item = fl_named(item->next)) {
        uint32_t i = first;
        while (i < plan->axis_count && strcmp(plan->axis[i].path, item->string) != 0) {
            i++;
        }
        if (i < plan->axis_count) {
            set_written(p, &plan->axis[i], index, item);
        } else {
            fl_mistake(&p->reading.json, item, FL_AT_KEY, "the first point has no such path");
            ok = false;
        }
    }
    for (uint32_t i = first; i < plan->axis_count && ok; i++) {
        if (!plan->axis[i].override[index]) {
            fl_mistake(&p->reading.json, point, FL_AT_VALUE,
                       "the first point says %s, and this one does not", plan->axis[i].path);
            ok = false;
        }
    }
    return ok;
}

static bool read_list(struct fl_planning *p, const cJSON *list)
{
    if (!cJSON_IsArray(list) || !list->child || fl_count_named(list->child) == 0) {
        fl_mistake(&p->reading.json, list, FL_AT_VALUE,
                   "expected a list of points, such as {\"faults.oracle-stuck.to_s\": 36300}");
        return false;
    }
    const uint32_t first = p->plan->axis_count;
    const uint32_t count = (uint32_t)cJSON_GetArraySize(list);
    bool ok = true;
    for (const cJSON *item = fl_named(list->child->child); item && ok;
         item = fl_named(item->next)) {
        struct fl_axis *axis = add_axis(p, item, FL_AT_KEY, item->string);
        ok = axis != NULL;
        if (ok) {
            make_room(p, axis, count, false);
        }
    }
    uint32_t index = 0;
    for (const cJSON *item = list->child; item && ok; item = item->next) {
        ok = fl_is_object(&p->reading, item) && read_point(p, item, first, index++);
    }
    return ok;
}

/* --- designs ------------------------------------------------------------------------------------- */

enum design { DESIGN_RANDOM = 1, DESIGN_LATIN, DESIGN_SOBOL };

/* Shares of one range, of the `ranges` of its design. */
static void draw(const struct fl_planning *p, enum design design, const struct fl_axis *axis,
                 uint32_t which, uint32_t ranges, const uint64_t *sobol, uint64_t *share)
{
    const uint64_t owner = fl_name_key(axis->path);
    switch (design) {
    case DESIGN_RANDOM:
        fl_random_shares(p->plan->seed, owner, axis->count, share);
        return;
    case DESIGN_LATIN:
        fl_latin_shares(p->plan->seed, owner, axis->count, share);
        return;
    case DESIGN_SOBOL:
        for (uint32_t i = 0; i < axis->count; i++) {
            share[i] = sobol[(size_t)i * ranges + which];
        }
        return;
    }
    FL_UNREACHABLE("kind of a design");
}

static bool read_drawn(struct fl_planning *p, const cJSON *object, uint32_t count,
                       struct range *range)
{
    static const char *const keys[] = {"path", "from", "to", "scale", "decimals", NULL};
    if (!fl_is_object(&p->reading, object)) {
        return false;
    }
    fl_check_keys(&p->reading, object, keys, NULL, NULL);
    const cJSON *path = fl_member(object, "path");
    if (!path) {
        fl_missing(&p->reading, object, "path");
        return false;
    }
    const char *word = fl_read_word(&p->reading, path);
    struct fl_axis *axis = word ? add_axis(p, path, FL_AT_VALUE, word) : NULL;
    if (!axis || !read_range(p, object, true, range)) {
        return false;
    }
    make_room(p, axis, count, true);
    return true;
}

static void fill_design(struct fl_planning *p, enum design design, uint32_t first,
                        const struct range *range, const cJSON *ranges)
{
    struct fl_plan *plan = p->plan;
    const uint32_t count = plan->axis[first].count, width = plan->axis_count - first;
    uint64_t *share = fl_alloc(count, sizeof *share);
    uint64_t *sobol = fl_alloc(design == DESIGN_SOBOL ? count : 0, width * sizeof *sobol);
    if (design == DESIGN_SOBOL) {
        fl_sobol_shares(width, count, sobol);
    }
    const cJSON *item = ranges->child;
    for (uint32_t k = 0; k < width; k++, item = item->next) {
        struct fl_axis *axis = &plan->axis[first + k];
        draw(p, design, axis, k, width, sobol, share);
        for (uint32_t i = 0; i < count; i++) {
            set_number(p, axis, i, item, fl_value_at(range[k].stretch, share[i]),
                       range[k].decimals);
        }
    }
    free(sobol);
    free(share);
}

static bool read_ranges(struct fl_planning *p, enum design design, const cJSON *ranges,
                        uint32_t count)
{
    const int width = cJSON_GetArraySize(ranges);
    const int most = design == DESIGN_SOBOL ? FL_SOBOL_DIMENSIONS : FL_AXES_MAX;
    if (!cJSON_IsArray(ranges) || width == 0 || width > most) {
        fl_mistake(&p->reading.json, ranges, FL_AT_VALUE,
                   "expected a list of 1 to %d ranges, such as {\"path\": "
                   "\"faults.oracle-stuck.to_s\", \"from\": 36300, \"to\": 43200}",
                   most);
        return false;
    }
    const uint32_t first = p->plan->axis_count;
    struct range range[FL_AXES_MAX];
    bool ok = true;
    uint32_t k = 0;
    for (const cJSON *item = ranges->child; item; item = item->next) {
        ok = read_drawn(p, item, count, &range[k++]) && ok;
    }
    if (ok) {
        fill_design(p, design, first, range, ranges);
    }
    return ok;
}

static bool read_design(struct fl_planning *p, enum design design, const cJSON *object)
{
    static const char *const keys[] = {"count", "ranges", NULL};
    uint32_t count;
    if (!fl_is_object(&p->reading, object)) {
        return false;
    }
    fl_check_keys(&p->reading, object, keys, NULL, NULL);
    const cJSON *counted = fl_member(object, "count"), *ranges = fl_member(object, "ranges");
    if (!counted || !ranges) {
        fl_missing(&p->reading, object, counted ? "ranges" : "count");
        return false;
    }
    return read_integer(p, counted, 1, COUNT_MAX, &count) && read_ranges(p, design, ranges, count);
}

static bool read_random(struct fl_planning *p, const cJSON *item)
{
    return read_design(p, DESIGN_RANDOM, item);
}

static bool read_latin(struct fl_planning *p, const cJSON *item)
{
    return read_design(p, DESIGN_LATIN, item);
}

static bool read_sobol(struct fl_planning *p, const cJSON *item)
{
    return read_design(p, DESIGN_SOBOL, item);
}

/* --- dimensions ---------------------------------------------------------------------------------- */

/* Keys that stand in the place of "path". */
enum { KINDS = 5 };
static const char *const kinds[KINDS + 1] = {"zip", "list", "random", "latin_hypercube", "sobol"};
static bool (*const read_kind[KINDS])(struct fl_planning *, const cJSON *) = {
    read_zip, read_list, read_random, read_latin, read_sobol};

static bool read_values_of(struct fl_planning *p, const cJSON *object, struct fl_dimension *d)
{
    for (uint32_t i = 0; i < KINDS; i++) {
        const cJSON *item = fl_member(object, kinds[i]);
        if (item) {
            d->kind = kinds[i];
            fl_check_keys(&p->reading, object, (const char *const[]){kinds[i], NULL}, NULL, NULL);
            return read_kind[i](p, item);
        }
    }
    d->kind = fl_member(object, "grid") ? "grid" : "values";
    return read_path(p, object, kinds);
}

static void read_dimension(struct fl_planning *p, const cJSON *object)
{
    struct fl_plan *plan = p->plan;
    struct fl_dimension *d = &plan->dimension[plan->dimension_count];
    d->first = plan->axis_count;
    const bool ok = fl_is_object(&p->reading, object) && read_values_of(p, object, d);
    d->axes = plan->axis_count - d->first;
    d->count = ok ? plan->axis[d->first].count : 0;
    plan->dimension_count++;
    if (ok) {
        check_twice(p, d);
    }
}

void fl_plan_read_axes(struct fl_planning *p, const cJSON *tree)
{
    struct fl_plan *plan = p->plan;
    plan->points = 1;
    const cJSON *axes = fl_member(tree, "axes");
    if (!axes || !fl_is_list(&p->reading, axes, "axes")) {
        return;
    }
    const int count = cJSON_GetArraySize(axes);
    if (count > FL_AXES_MAX) {
        fl_mistake(&p->reading.json, axes, FL_AT_VALUE, "more than %d axes", (int)FL_AXES_MAX);
        return;
    }
    plan->dimension = fl_arena_alloc(&plan->arena, (size_t)count, sizeof *plan->dimension);
    plan->axis = fl_arena_alloc(&plan->arena, FL_AXES_MAX, sizeof *plan->axis);
    uint64_t points = 1;
    for (const cJSON *item = axes->child; item; item = item->next) {
        read_dimension(p, item);
        const uint64_t values = plan->dimension[plan->dimension_count - 1].count;
        points = points > FL_ROWS_MAX ? points : points * values;
    }
    if (points > FL_ROWS_MAX / plan->replicates) {
        fl_mistake(&p->reading.json, axes, FL_AT_VALUE, "more than %" PRIu64 " rows", FL_ROWS_MAX);
        return;
    }
    plan->points = (uint32_t)points;
}
