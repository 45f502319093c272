/* Texts, the trees made of them, and the printer of resolved scenarios. */
#include "sim/json.h"
#include "sim/alloc.h"
#include "sim/mistake.h"
#include "sim/scan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------
 * Texts and spans
 * --------------------------------------------------------------------------------------------- */

void fl_json_free(struct fl_json *json)
{
    for (uint32_t i = 0; i < json->text_count; i++) {
        free(json->text[i].name);
        free(json->text[i].content);
        free(json->text[i].prefix);
        free(json->text[i].line);
    }
    for (uint32_t i = 0; i < json->mistake_count; i++) {
        free(json->mistake[i].message);
    }
    for (uint32_t i = 0; i < json->kept_count; i++) {
        cJSON_Delete(json->kept[i]);
    }
    free(json->text);
    free(json->span);
    free(json->mistake);
    free(json->kept);
    *json = (struct fl_json){0};
}

uint32_t fl_json_add(struct fl_json *json, enum fl_text_kind kind, const char *name,
                     const char *content, size_t bytes, const char *prefix)
{
    FL_ASSERT(bytes <= FL_JSON_FILE_BYTES);
    json->text = fl_grow(json->text, json->text_count, &json->text_room, sizeof *json->text);
    json->text[json->text_count] = (struct fl_text){
        .kind = kind,
        .name = fl_strdup(name),
        .content = fl_strndup(content, bytes),
        .bytes = (uint32_t)bytes,
        .prefix = fl_strdup(prefix),
        .anchor = UINT32_MAX,
    };
    return json->text_count++;
}

void fl_json_keep(struct fl_json *json, cJSON *tree)
{
    json->kept = fl_grow(json->kept, json->kept_count, &json->kept_room, sizeof(cJSON *));
    json->kept[json->kept_count++] = tree;
}

uint32_t fl_json_add_span(struct fl_json *json, struct fl_span span)
{
    json->span = fl_grow(json->span, json->span_count, &json->span_room, sizeof *json->span);
    json->span[json->span_count] = span;
    return json->span_count++;
}

const struct fl_span *fl_json_span(const struct fl_json *json, const cJSON *item)
{
    FL_ASSERT(item->valueint >= 0 && (uint32_t)item->valueint < json->span_count);
    return &json->span[item->valueint];
}

const char *fl_json_slice(const struct fl_json *json, const cJSON *item, size_t *bytes)
{
    const struct fl_span *span = fl_json_span(json, item);
    *bytes = span->bytes;
    return json->text[span->text].content + span->offset;
}

const char *fl_json_type(const cJSON *item)
{
    return cJSON_IsObject(item)   ? "an object"
           : cJSON_IsArray(item)  ? "a list"
           : cJSON_IsString(item) ? "a string"
           : cJSON_IsNumber(item) ? "a number"
           : cJSON_IsBool(item)   ? "true or false"
                                  : "null";
}

/* One step of a JSON pointer (RFC 6901). */
static void print_step(FILE *out, const char *key, size_t bytes)
{
    fputc('/', out);
    for (size_t i = 0; i < bytes; i++) {
        if (key[i] == '~' || key[i] == '/') {
            fputs(key[i] == '~' ? "~0" : "~1", out);
        } else {
            fputc(key[i], out);
        }
    }
}

char *fl_json_pointer(const struct fl_json *json, const cJSON *item)
{
    const struct fl_span *span = fl_json_span(json, item);
    const struct fl_text *text = &json->text[span->text];
    const struct fl_span *path[FL_JSON_DEPTH + 1];
    uint32_t depth = 0;
    for (; span->parent != UINT32_MAX; span = &json->span[span->parent]) {
        FL_ASSERT(depth < FL_JSON_DEPTH + 1);
        path[depth++] = span;
    }
    char *pointer = NULL;
    size_t bytes = 0;
    FILE *out = fl_text_open(&pointer, &bytes);
    fputs(text->prefix, out);
    while (depth-- > 0) {
        if (path[depth]->key_bytes > 0) {
            print_step(out, text->content + path[depth]->key_offset + 1,
                       path[depth]->key_bytes - 2);
        } else {
            fprintf(out, "/%" PRIu32, path[depth]->index);
        }
    }
    fl_text_close(out);
    return pointer;
}

/* ------------------------------------------------------------------------------------------------
 * The tree
 * --------------------------------------------------------------------------------------------- */

/* Both the scanner and cJSON keep the order of the text, so the n-th item has the n-th span. */
static void link_spans(cJSON *first, uint32_t *next)
{
    for (cJSON *item = first; item; item = item->next) {
        FL_ASSERT(*next <= INT32_MAX);
        item->valueint = (int)(*next)++;
        link_spans(item->child, next);
    }
}

static int by_key(const void *left, const void *right)
{
    const cJSON *a = *(cJSON *const *)left, *b = *(cJSON *const *)right;
    const int order = strcmp(a->string, b->string);
    return order ? order : (a->valueint > b->valueint) - (a->valueint < b->valueint);
}

/* Sorted rather than compared in pairs: an object may have a million keys. */
static void drop_duplicates(struct fl_json *json, cJSON *object, size_t count)
{
    cJSON **member = fl_alloc(count, sizeof *member);
    size_t filled = 0;
    for (cJSON *item = object->child; item; item = item->next) {
        member[filled++] = item;
    }
    qsort(member, count, sizeof *member, by_key);
    for (size_t i = 1, first = 0; i < count; i++) {
        if (strcmp(member[i]->string, member[first]->string) != 0) {
            first = i;
            continue;
        }
        fl_mistake(json, member[i], FL_AT_KEY, "duplicate key");
        cJSON_Delete(cJSON_DetachItemViaPointer(object, member[i]));
    }
    free(member);
}

static void check_keys(struct fl_json *json, cJSON *item)
{
    size_t count = 0;
    for (cJSON *child = item->child; child; child = child->next) {
        check_keys(json, child);
        count++;
    }
    if (cJSON_IsObject(item) && count > 1) {
        drop_duplicates(json, item, count);
    }
}

cJSON *fl_json_parse(struct fl_json *json, uint32_t text, bool quiet)
{
    const char *content = json->text[text].content;
    const uint32_t bytes = json->text[text].bytes;
    uint32_t next = json->span_count;
    if (!fl_json_scan(json, text, quiet)) {
        return NULL;
    }
    cJSON *tree = cJSON_ParseWithLengthOpts(content, (size_t)bytes + 1, NULL, 0);
    if (!tree) {
        fl_out_of_memory(); /* what the scanner accepts, cJSON accepts */
    }
    link_spans(tree, &next);
    FL_ASSERT(next == json->span_count);
    check_keys(json, tree);
    return tree;
}

cJSON *fl_json_word(struct fl_json *json, uint32_t text)
{
    const struct fl_text *word = &json->text[text];
    for (size_t at = 0; at < word->bytes;) {
        const size_t bytes = fl_utf8_bytes(word->content + at, word->bytes - at);
        if (bytes == 0) {
            fl_mistake_in(json, text, at, 1, "invalid UTF-8");
            return NULL;
        }
        at += bytes;
    }
    cJSON *item = fl_json_made(cJSON_CreateString(word->content));
    const struct fl_span span = {.text = text, .bytes = word->bytes, .parent = UINT32_MAX};
    item->valueint = (int)fl_json_add_span(json, span);
    return item;
}

cJSON *fl_json_made(cJSON *item)
{
    if (!item) {
        fl_out_of_memory();
    }
    return item;
}

void fl_json_put(cJSON *object, const char *key, cJSON *item)
{
    if (!cJSON_AddItemToObject(object, key, fl_json_made(item))) {
        fl_out_of_memory();
    }
}

void fl_json_push(cJSON *list, cJSON *item)
{
    if (!cJSON_AddItemToArray(list, fl_json_made(item))) {
        fl_out_of_memory();
    }
}

/* ------------------------------------------------------------------------------------------------
 * Printing
 * --------------------------------------------------------------------------------------------- */

static void print_string(FILE *out, const char *text)
{
    static const char special[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
    fputc('"', out);
    for (; *text; text++) {
        const char *found = strchr(special, *text);
        if (found) {
            fprintf(out, "\\%c", letter[found - special]);
        } else if ((unsigned char)*text < 0x20) {
            fprintf(out, "\\u%04x", (unsigned)(unsigned char)*text);
        } else {
            fputc(*text, out);
        }
    }
    fputc('"', out);
}

static bool has_objects(const cJSON *list)
{
    for (const cJSON *item = list->child; item; item = item->next) {
        if (cJSON_IsObject(item) || has_objects(item)) {
            return true;
        }
    }
    return false;
}

static void print_item(FILE *out, const cJSON *item, int indent);

/* Objects and lists of objects have a line for each member; other lists stay on one line. */
static void print_container(FILE *out, const cJSON *item, int indent)
{
    const bool object = cJSON_IsObject(item);
    const bool lines = object || has_objects(item);
    fputc(object ? '{' : '[', out);
    for (const cJSON *child = item->child; child; child = child->next) {
        if (lines) {
            fprintf(out, "\n%*s", indent + 2, "");
        }
        if (object) {
            print_string(out, child->string);
            fputs(": ", out);
        }
        print_item(out, child, indent + 2);
        fputs(!child->next ? "" : lines ? "," : ", ", out);
    }
    if (lines && item->child) {
        fprintf(out, "\n%*s", indent, "");
    }
    fputc(object ? '}' : ']', out);
}

static void print_item(FILE *out, const cJSON *item, int indent)
{
    if (cJSON_IsObject(item) || cJSON_IsArray(item)) {
        print_container(out, item, indent);
    } else if (cJSON_IsString(item)) {
        print_string(out, item->valuestring);
    } else if (cJSON_IsRaw(item)) {
        fputs(item->valuestring, out);
    } else {
        FL_ASSERT(cJSON_IsBool(item) || cJSON_IsNull(item));
        fputs(cJSON_IsNull(item) ? "null" : cJSON_IsTrue(item) ? "true" : "false", out);
    }
}

char *fl_json_pretty(const cJSON *tree)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = fl_text_open(&text, &bytes);
    print_item(out, tree, 0);
    fputc('\n', out);
    fl_text_close(out);
    return text;
}
