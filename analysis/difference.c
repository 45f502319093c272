/* In what two JSON trees differ, by path. */
#include "analysis/difference.h"

#include "analysis/wording.h"
#include "sim/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Characters of one value before it is cut. */
enum { PATH_BYTES = 1024, SHOWN = 96, NUMBER = 64 };

static void add(struct fl_differences *out, const char *path, const cJSON *a, const cJSON *b,
                bool of_model)
{
    out->at = fl_grow(out->at, (uint32_t)out->count, &out->room, sizeof *out->at);
    out->at[out->count++] = (struct fl_difference){fl_strdup(path), {a, b}, of_model};
}

static void compare(struct fl_differences *out, const char *path, const cJSON *a, const cJSON *b);

/* --- objects --------------------------------------------------------------------------------------- */

static const cJSON *entry(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static bool same_model(const cJSON *a, const cJSON *b)
{
    const cJSON *one = entry(a, "model"), *other = entry(b, "model");
    return !cJSON_IsString(one) || !cJSON_IsString(other) ||
           strcmp(one->valuestring, other->valuestring) == 0;
}

static void join(char out[PATH_BYTES], const char *path, const char *key)
{
    fl_say(out, PATH_BYTES, "%s%s%s", path, *path ? "." : "", key);
}

static void compare_objects(struct fl_differences *out, const char *path, const cJSON *a,
                            const cJSON *b)
{
    const bool of_model = !same_model(a, b);
    char inner[PATH_BYTES];
    const cJSON *item;
    cJSON_ArrayForEach(item, a)
    {
        const cJSON *other = entry(b, item->string);
        join(inner, path, item->string);
        if (other) {
            compare(out, inner, item, other);
        } else {
            add(out, inner, item, NULL, of_model);
        }
    }
    cJSON_ArrayForEach(item, b)
    {
        if (!entry(a, item->string)) {
            join(inner, path, item->string);
            add(out, inner, NULL, item, of_model);
        }
    }
}

/* --- lists of objects ------------------------------------------------------------------------------ */

static bool holds_objects(const cJSON *list)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsObject(item)) {
            return false;
        }
    }
    return true;
}

/* Entries that have no equal in the other list, of which each stands for one. */
struct rest {
    const cJSON **item;
    size_t *index, count;
};

static struct rest without_equals(const cJSON *list, const cJSON *other)
{
    const size_t size = (size_t)cJSON_GetArraySize(list),
                 others = (size_t)cJSON_GetArraySize(other);
    struct rest rest = {fl_alloc(size, sizeof(cJSON *)), fl_alloc(size, sizeof(size_t)), 0};
    bool *taken = fl_alloc(others, sizeof *taken);
    size_t index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        size_t k = 0;
        const cJSON *twin = other->child;
        while (twin && (taken[k] || !cJSON_Compare(item, twin, true))) {
            twin = twin->next;
            k++;
        }
        if (twin) {
            taken[k] = true;
        } else {
            rest.item[rest.count] = item;
            rest.index[rest.count++] = index;
        }
        index++;
    }
    free(taken);
    return rest;
}

static bool same_entry(const cJSON *a, const cJSON *b, const char *key)
{
    const cJSON *one = entry(a, key), *other = entry(b, key);
    return one ? other && cJSON_Compare(one, other, true) : !other;
}

/* Two entries are the same one, changed, if they go by the same name, as expectations go by path and
 * comparison, and the axes of a plan by path; else if most of their keys agree. */
static bool is_changed(const cJSON *a, const cJSON *b)
{
    if (entry(a, "name") || entry(a, "path")) {
        return same_entry(a, b, "name") && same_entry(a, b, "path") && same_entry(a, b, "op");
    }
    int agree = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, a)
    {
        agree += same_entry(a, b, item->string);
    }
    return 2 * agree > cJSON_GetArraySize(a) && 2 * agree > cJSON_GetArraySize(b);
}

static void compare_lists(struct fl_differences *out, const char *path, const cJSON *a,
                          const cJSON *b)
{
    struct rest one = without_equals(a, b), other = without_equals(b, a);
    const size_t before = out->count;
    for (size_t i = 0; i < one.count; i++) {
        char inner[PATH_BYTES];
        size_t k = 0;
        while (k < other.count && !(other.item[k] && is_changed(one.item[i], other.item[k]))) {
            k++;
        }
        fl_say(inner, sizeof inner, "%s[%zu]", path, one.index[i]);
        if (k < other.count) {
            compare(out, inner, one.item[i], other.item[k]);
            other.item[k] = NULL;
        } else {
            add(out, inner, one.item[i], NULL, false);
        }
    }
    for (size_t k = 0; k < other.count; k++) {
        char inner[PATH_BYTES];
        fl_say(inner, sizeof inner, "%s[%zu]", path, other.index[k]);
        if (other.item[k]) {
            add(out, inner, NULL, other.item[k], false);
        }
    }
    if (out->count == before) { /* the same entries in another order */
        add(out, path, a, b, false);
    }
    free(one.item);
    free(one.index);
    free(other.item);
    free(other.index);
}

/* --- values ---------------------------------------------------------------------------------------- */

static void compare(struct fl_differences *out, const char *path, const cJSON *a, const cJSON *b)
{
    if (cJSON_Compare(a, b, true)) {
        return;
    }
    if (cJSON_IsObject(a) && cJSON_IsObject(b)) {
        compare_objects(out, path, a, b);
    } else if (cJSON_IsArray(a) && cJSON_IsArray(b) && holds_objects(a) && holds_objects(b)) {
        compare_lists(out, path, a, b);
    } else {
        add(out, path, a, b, false);
    }
}

static bool is_words(const struct fl_difference *difference)
{
    return strcmp(difference->path, "name") == 0 || strcmp(difference->path, "why") == 0;
}

void fl_differences_find(const cJSON *a, const cJSON *b, struct fl_differences *out)
{
    struct fl_differences all = {0};
    compare(&all, "", a, b);
    *out = (struct fl_differences){.at = fl_alloc(all.count, sizeof *all.at)};
    for (int words = 0; words < 2; words++) {
        for (size_t i = 0; i < all.count; i++) {
            if (is_words(&all.at[i]) == (words == 1)) {
                out->at[out->count++] = all.at[i];
            }
        }
    }
    free(all.at);
}

void fl_differences_free(struct fl_differences *differences)
{
    for (size_t i = 0; i < differences->count; i++) {
        free(differences->at[i].path);
    }
    free(differences->at);
}

/* "trace.detail" is in "trace", "expect[2]" in "expect". */
static bool is_in(const char *path, const char *part)
{
    const size_t length = strlen(part);
    return strncmp(path, part, length) == 0 &&
           (path[length] == '\0' || path[length] == '.' || path[length] == '[');
}

bool fl_difference_matters(const struct fl_difference *difference)
{
    return !is_words(difference) && !is_in(difference->path, "trace") &&
           !is_in(difference->path, "expect");
}

/* --- words ----------------------------------------------------------------------------------------- */

/* Scenarios have no more than nine decimals: 0.000001 rather than 1e-06. */
static void number_text(double number, char out[NUMBER])
{
    fl_say(out, NUMBER, "%.9f", number);
    if (!(fabs(number) < 1e15) || strtod(out, NULL) != number) {
        fl_say(out, NUMBER, "%.17g", number);
        return;
    }
    size_t end = strlen(out);
    while (out[end - 1] == '0') {
        out[--end] = '\0';
    }
    if (out[end - 1] == '.') {
        out[--end] = '\0';
    }
}

/* UTF-8 is cut between characters. */
static void cut(char *text, size_t most)
{
    if (strlen(text) <= most) {
        return;
    }
    size_t end = most - 3;
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80) {
        end--;
    }
    strcpy(text + end, "...");
}

static void value_text(const cJSON *value, char out[SHOWN + 1])
{
    if (cJSON_IsNumber(value)) {
        char number[NUMBER];
        number_text(value->valuedouble, number);
        fl_say(out, SHOWN + 1, "%s", number);
        return;
    }
    char *text = cJSON_PrintUnformatted(value);
    if (!text) {
        fl_out_of_memory();
    }
    cut(text, SHOWN);
    fl_say(out, SHOWN + 1, "%s", text);
    free(text);
}

static bool is_long(const cJSON *list)
{
    char *text = cJSON_PrintUnformatted(list);
    if (!text) {
        fl_out_of_memory();
    }
    const bool result = strlen(text) > SHOWN / 2;
    free(text);
    return result;
}

static void long_lists_text(const cJSON *a, const cJSON *b, char out[FL_DIFFERENCE_TEXT])
{
    char old[SHOWN + 1] = "nothing", new[SHOWN + 1] = "nothing";
    const cJSON *one = a->child, *other = b->child;
    size_t index = 0;
    while (one && other && cJSON_Compare(one, other, true)) {
        one = one->next;
        other = other->next;
        index++;
    }
    if (one) {
        value_text(one, old);
    }
    if (other) {
        value_text(other, new);
    }
    fl_say(out, FL_DIFFERENCE_TEXT, "%d entries -> %d, the first other one [%zu]: %s -> %s",
           cJSON_GetArraySize(a), cJSON_GetArraySize(b), index, old, new);
}

void fl_difference_text(const struct fl_difference *difference, char out[FL_DIFFERENCE_TEXT])
{
    const cJSON *a = difference->value[0], *b = difference->value[1];
    char old[SHOWN + 1], new[SHOWN + 1];
    if (a && b && cJSON_IsArray(a) && cJSON_IsArray(b) && (is_long(a) || is_long(b))) {
        long_lists_text(a, b, out);
        return;
    }
    if (a) {
        value_text(a, old);
    }
    if (b) {
        value_text(b, new);
    }
    if (a && b) {
        fl_say(out, FL_DIFFERENCE_TEXT, "%s -> %s", old, new);
    } else {
        fl_say(out, FL_DIFFERENCE_TEXT, "%s %s", a ? "removed" : "added", a ? old : new);
    }
}
