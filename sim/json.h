/* A strict JSON reader that remembers where every value stands.
 *
 * cJSON builds the tree, but accepts what is not JSON (007, duplicate keys, invalid UTF-8) and
 * knows neither positions nor the text of a number. So one pass of our own goes first: it rejects
 * what is not RFC 8259 and records, in the order of the text, a span for every value.
 *
 * The span of an item is its `valueint`, in every tree made here: cJSON's own use of that field
 * (the number clipped at 2^31) and its `valuedouble` must never be read. Items may be moved
 * from tree to tree, so that a value still knows the file it came from. */
#ifndef FL_JSON_H
#define FL_JSON_H
#include "sim/base.h"

#include <cjson/cJSON.h>

enum {
    FL_JSON_DEPTH = 64,        /* levels of nesting */
    FL_JSON_NUMBER_BYTES = 63, /* cJSON 1.7.15 copies numbers into 64 bytes */
    FL_JSON_FILE_BYTES = 16 << 20,
    FL_JSON_NO_SPAN = -1
};

/* Where a value stands. A member of an object has a key, an element of an array an index. */
struct fl_span {
    uint32_t text;
    uint32_t offset, bytes;         /* of the value */
    uint32_t key_offset, key_bytes; /* with its quotes; 0, 0 if it has none */
    uint32_t parent;                /* span of the container; UINT32_MAX for a root */
    uint32_t index;
};

enum fl_text_kind {
    FL_TEXT_FILE = 1,
    FL_TEXT_OVERRIDE, /* the value of a --set argument */
    FL_TEXT_DEFAULT   /* the fallback of a parameter; mistakes in it point at the model's object */
};

/* One piece of JSON. */
struct fl_text {
    enum fl_text_kind kind;
    char *name;    /* what messages call it: a path, or "--set path=value" */
    char *content; /* ends with a zero byte that is not counted in `bytes` */
    uint32_t bytes;
    char *prefix;    /* JSON pointer of its root within the scenario */
    uint32_t anchor; /* FL_TEXT_DEFAULT: span of the object or name that lacks the key */
    uint32_t *line;  /* offsets of the lines and of the end, made when first needed */
    uint32_t line_count;
    uint32_t seen_line, seen_offset, seen_column; /* the last place a column was counted for */
};

struct fl_mistake;

/* All the JSON one scenario is made of, and the mistakes found in it (sim/mistake.h). */
struct fl_json {
    struct fl_text *text;
    struct fl_span *span;
    struct fl_mistake *mistake;
    cJSON **kept;
    uint32_t text_count, span_count, mistake_count, kept_count;
    uint32_t text_room, span_room, mistake_room, kept_room;
};

/* Start with a zeroed struct. */
void fl_json_free(struct fl_json *json);

/* Adds a text, copying everything, and returns its index. `bytes` is at most FL_JSON_FILE_BYTES. */
uint32_t fl_json_add(struct fl_json *json, enum fl_text_kind kind, const char *name,
                     const char *content, size_t bytes, const char *prefix);

/* Checks a text and builds its tree; NULL after the first syntax error, which is reported unless
 * `quiet`. Duplicate keys are reported, the first one stays. cJSON_Delete frees the tree. */
cJSON *fl_json_parse(struct fl_json *json, uint32_t text, bool quiet);

/* The whole text as one string value. NULL, after a report, if it is not UTF-8. */
cJSON *fl_json_word(struct fl_json *json, uint32_t text);

/* Keeps a tree until fl_json_free. */
void fl_json_keep(struct fl_json *json, cJSON *tree);

const struct fl_span *fl_json_span(const struct fl_json *json, const cJSON *item);

/* The source text of a value: how numbers are read. */
const char *fl_json_slice(const struct fl_json *json, const cJSON *item, size_t *bytes);

/* JSON pointer of a value within the scenario; the caller frees it. */
char *fl_json_pointer(const struct fl_json *json, const cJSON *item);

/* "a number", "an object", ... */
const char *fl_json_type(const cJSON *item);

/* Building trees of cJSON items: NULL means that memory ran out, which ends the program. */
cJSON *fl_json_made(cJSON *item);
void fl_json_put(cJSON *object, const char *key, cJSON *item);
void fl_json_push(cJSON *list, cJSON *item);

/* Indented text, with a newline at the end; the caller frees it. Numbers must be raw items. */
char *fl_json_pretty(const cJSON *tree);

/* Bytes of the UTF-8 character that starts here, 0 if there is none: overlong forms, surrogates
 * and values above U+10FFFF are not UTF-8. */
size_t fl_utf8_bytes(const char *at, size_t left);

#endif
