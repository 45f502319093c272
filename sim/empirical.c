/* Measured values, from a list or a file, to a quantile table: see empirical.h. */
#include "sim/empirical.h"
#include "sim/beside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Values as they are read, on the heap until all are there. */
struct table {
    int64_t *value;
    uint32_t count, room;
};

static void add(struct table *table, int64_t value)
{
    table->value = fl_grow(table->value, table->count, &table->room, sizeof value);
    table->value[table->count++] = value;
}

/* ------------------------------------------------------------------------------------------------
 * A list in the scenario
 * --------------------------------------------------------------------------------------------- */

static bool read_list(struct fl_reading *reading, const cJSON *list, struct fl_range range,
                      struct table *table)
{
    if (!fl_is_list(reading, list, "numbers")) {
        return false;
    }
    const int count = cJSON_GetArraySize(list);
    if (count < 1 || count > FL_EMPIRICAL_VALUES) {
        fl_mistake(&reading->json, list, FL_AT_VALUE, "expected 1 to %d values, found %d",
                   (int)FL_EMPIRICAL_VALUES, count);
        return false;
    }
    bool ok = true;
    for (const cJSON *item = list->child; item; item = item->next) {
        int64_t value = 0;
        cJSON *read = fl_read_number(reading, item, range, &value);
        ok &= read != NULL;
        cJSON_Delete(read);
        add(table, value);
    }
    return ok;
}

/* ------------------------------------------------------------------------------------------------
 * A file
 * --------------------------------------------------------------------------------------------- */

/* One line, without its end; false after a report. */
static bool read_line(struct fl_reading *reading, uint32_t text, size_t from, size_t bytes,
                      struct fl_range range, struct table *table)
{
    const char *line = reading->json.text[text].content + from;
    int64_t value;
    if (!fl_decimal(line, bytes, range.digits, &value)) {
        fl_mistake_in(&reading->json, text, from, bytes,
                      "expected a decimal number, with at most %" PRIu32 " decimals", range.digits);
        return false;
    }
    if (value < range.min || value > range.max) {
        fl_mistake_in(&reading->json, text, from, bytes, "out of range");
        return false;
    }
    if (table->count == FL_EMPIRICAL_VALUES) {
        fl_mistake_in(&reading->json, text, from, bytes, "more than %d values",
                      (int)FL_EMPIRICAL_VALUES);
        return false;
    }
    add(table, value);
    return true;
}

/* A heading names the column; empty lines count for nothing. The first mistake is enough: the others
 * are often the same. */
static bool read_file(struct fl_reading *reading, const cJSON *item, struct fl_range range,
                      struct table *table)
{
    const uint32_t text = fl_read_beside(reading, item);
    if (text == UINT32_MAX) {
        return false;
    }
    struct fl_line line;
    for (size_t at = 0; fl_next_line(&reading->json.text[text], &at, &line);) {
        const bool named = line.from == 0 && fl_is_heading(&reading->json.text[text], line);
        if (line.bytes > 0 && !named &&
            !read_line(reading, text, line.from, line.bytes, range, table)) {
            return false;
        }
    }
    if (table->count == 0) {
        fl_mistake_in(&reading->json, text, 0, 0, "the file has no values");
    }
    return table->count > 0;
}

/* ------------------------------------------------------------------------------------------------
 * The law
 * --------------------------------------------------------------------------------------------- */

bool fl_is_empirical(const cJSON *law)
{
    const cJSON *name = fl_member(law, "law");
    return cJSON_IsString(name) && strcmp(name->valuestring, "empirical") == 0;
}

static int ascending(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* The table in its order, as law and as JSON. */
static cJSON *law_of(struct fl_reading *reading, const struct table *table, struct fl_range range,
                     struct fl_law *out)
{
    int64_t *values = fl_arena_alloc(reading->arena, table->count, sizeof *values);
    memcpy(values, table->value, table->count * sizeof *values);
    qsort(values, table->count, sizeof *values, ascending);
    *out = (struct fl_law){.kind = FL_EMPIRICAL,
                           .a = table->count,
                           .min = range.min,
                           .max = range.max,
                           .values = values};
    cJSON *law = fl_json_made(cJSON_CreateObject()), *list = fl_json_made(cJSON_CreateArray());
    fl_json_put(law, "law", cJSON_CreateString("empirical"));
    fl_json_put(law, "values", list);
    for (uint32_t i = 0; i < table->count; i++) {
        fl_json_push(list, fl_number_item(values[i], range.digits));
    }
    return law;
}

cJSON *fl_read_empirical(struct fl_reading *reading, const cJSON *item, struct fl_range range,
                         struct fl_law *out)
{
    static const char *const keys[] = {"law", "values", "csv", NULL};
    fl_check_keys(reading, item, keys, NULL, NULL);
    const cJSON *values = fl_member(item, "values"), *csv = fl_member(item, "csv");
    if (!values == !csv) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "expected either \"values\" or \"csv\"%s",
                   csv ? ", not both" : "");
        return NULL;
    }
    struct table table = {0};
    const bool ok = values ? read_list(reading, values, range, &table)
                           : read_file(reading, csv, range, &table);
    cJSON *law = ok ? law_of(reading, &table, range, out) : NULL;
    free(table.value);
    return law;
}
