/* "extends" and --set: trees merged into one whose values still know where they were written. */
#include "sim/extends.h"
#include "sim/alloc.h"
#include "sim/mistake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ------------------------------------------------------------------------------------------------
 * Files
 * --------------------------------------------------------------------------------------------- */

/* Reads up to `limit` bytes; false on a read error. */
static bool read_stream(FILE *in, size_t limit, char **content, size_t *bytes)
{
    size_t room = 1 << 16;
    *content = fl_alloc(room, 1);
    *bytes = 0;
    while (*bytes < limit && !feof(in) && !ferror(in)) {
        if (*bytes == room) {
            room *= 2;
            *content = fl_realloc(*content, room, 1);
        }
        const size_t left = room < limit ? room - *bytes : limit - *bytes;
        *bytes += fread(*content + *bytes, 1, left, in);
    }
    return !ferror(in);
}

char *fl_file_read(const char *path, size_t *bytes)
{
    FILE *in = fopen(path, "rb");
    if (!in) {
        return NULL;
    }
    char *content;
    const bool ok = read_stream(in, FL_JSON_FILE_BYTES + 1, &content, bytes);
    const int why = errno;
    fclose(in);
    if (!ok) {
        free(content);
        errno = why;
        return NULL;
    }
    return content;
}

/* ------------------------------------------------------------------------------------------------
 * Extends
 * --------------------------------------------------------------------------------------------- */

/* The files from the first to the one being read, to notice a cycle. */
struct chain {
    struct fl_json *json;
    struct {
        bool known; /* false for a text that is no file */
        dev_t device;
        ino_t number;
    } file[FL_EXTENDS_MAX + 1];
    uint32_t depth;
};

/* False if the file is in the chain already. */
static bool enter_file(struct chain *chain, const char *path)
{
    struct stat status;
    const bool known = stat(path, &status) == 0;
    for (uint32_t i = 0; known && i < chain->depth; i++) {
        if (chain->file[i].known && chain->file[i].device == status.st_dev &&
            chain->file[i].number == status.st_ino) {
            return false;
        }
    }
    chain->file[chain->depth].known = known;
    if (known) {
        chain->file[chain->depth].device = status.st_dev;
        chain->file[chain->depth].number = status.st_ino;
    }
    chain->depth++;
    return true;
}

/* `relative` as seen from the folder of `path`. */
static char *join(const char *path, const char *relative)
{
    const char *slash = strrchr(path, '/');
    const size_t folder = slash ? (size_t)(slash + 1 - path) : 0;
    char *joined = fl_alloc(folder + strlen(relative) + 1, 1);
    memcpy(joined, path, folder);
    strcpy(joined + folder, relative);
    return joined;
}

/* Adds a file's text; a report and UINT32_MAX if it is too large. */
static uint32_t add_file(struct fl_json *json, const char *path, const char *content, size_t bytes)
{
    const bool large = bytes > FL_JSON_FILE_BYTES;
    const uint32_t text = fl_json_add(json, FL_TEXT_FILE, path, content, large ? 0 : bytes, "");
    if (large) {
        fl_mistake_in(json, text, 0, 1, "the file is larger than %d MiB", FL_JSON_FILE_BYTES >> 20);
    }
    return large ? UINT32_MAX : text;
}

/* Members of `over` go into `base`: in the place of the old ones, new ones at the end. */
static void merge(cJSON *base, cJSON *over)
{
    base->valueint = over->valueint;
    while (over->child) {
        cJSON *item = cJSON_DetachItemViaPointer(over, over->child);
        cJSON *old = cJSON_GetObjectItemCaseSensitive(base, item->string);
        if (cJSON_IsObject(old) && cJSON_IsObject(item)) {
            merge(old, item);
            cJSON_Delete(item);
        } else if (old) {
            cJSON_ReplaceItemViaPointer(base, old, item);
        } else {
            cJSON_AddItemToArray(base, item); /* keeps the key it has */
        }
    }
}

static cJSON *read_tree(struct chain *chain, uint32_t text);

/* The tree that "extends" names; NULL after a report. */
static cJSON *read_base(struct chain *chain, uint32_t text, const cJSON *extends)
{
    struct fl_json *json = chain->json;
    if (!cJSON_IsString(extends) || !*extends->valuestring || *extends->valuestring == '/') {
        fl_mistake(json, extends, FL_AT_VALUE, "expected the path of a file, relative to this one");
        return NULL;
    }
    if (chain->depth > FL_EXTENDS_MAX) {
        fl_mistake(json, extends, FL_AT_VALUE, "more than %d files extend one another",
                   (int)FL_EXTENDS_MAX);
        return NULL;
    }
    char *path = join(json->text[text].name, extends->valuestring);
    size_t bytes;
    char *content = fl_file_read(path, &bytes);
    cJSON *base = NULL;
    if (!content) {
        fl_mistake(json, extends, FL_AT_VALUE, "cannot read %s: %s", path, strerror(errno));
    } else if (!enter_file(chain, path)) {
        fl_mistake(json, extends, FL_AT_VALUE, "%s extends itself", path);
    } else {
        const uint32_t added = add_file(json, path, content, bytes);
        base = added == UINT32_MAX ? NULL : read_tree(chain, added);
    }
    free(content);
    free(path);
    return base;
}

/* A text's tree on top of what it extends. */
static cJSON *read_tree(struct chain *chain, uint32_t text)
{
    cJSON *tree = fl_json_parse(chain->json, text, false);
    if (!tree) {
        return NULL;
    }
    if (!cJSON_IsObject(tree)) {
        fl_mistake(chain->json, tree, FL_AT_VALUE, "expected an object, found %s",
                   fl_json_type(tree));
        cJSON_Delete(tree);
        return NULL;
    }
    cJSON *extends = cJSON_DetachItemFromObjectCaseSensitive(tree, "extends");
    if (!extends) {
        return tree;
    }
    cJSON *base = read_base(chain, text, extends);
    if (base) {
        merge(base, tree);
    }
    cJSON_Delete(extends);
    cJSON_Delete(tree);
    return base;
}

/* ------------------------------------------------------------------------------------------------
 * Overrides
 * --------------------------------------------------------------------------------------------- */

/* One step of a path such as nodes.validator.power[2]. */
struct step {
    char *key; /* freed by the walker; NULL for an index */
    uint32_t index;
};

/* Reads a step and moves behind it; false if the path is malformed. */
static bool next_step(const char **at, bool first, struct step *step)
{
    *step = (struct step){NULL, 0};
    if (**at == '[') {
        char *end;
        const size_t digits = strspn(*at + 1, "0123456789");
        step->index = (uint32_t)strtoul(*at + 1, &end, 10);
        *at = end + 1;
        return !first && digits > 0 && digits < 9 && *end == ']';
    }
    *at += !first && **at == '.';
    const size_t bytes = strcspn(*at, ".[]");
    step->key = fl_strndup(*at, bytes);
    *at += bytes;
    return bytes > 0 && **at != ']';
}

/* The value a step leads to, NULL if there is none. */
static cJSON *at_step(const cJSON *in, const struct step *step)
{
    if (step->key) {
        return cJSON_IsObject(in) ? cJSON_GetObjectItemCaseSensitive(in, step->key) : NULL;
    }
    return cJSON_IsArray(in) ? cJSON_GetArrayItem(in, (int)step->index) : NULL;
}

static void report_step(struct fl_json *json, uint32_t text, const cJSON *in,
                        const struct step *step)
{
    if (!step->key) {
        fl_mistake_in(json, text, 0, 0, "there is no element [%u] in %s", step->index,
                      fl_json_type(in));
        return;
    }
    struct fl_guess guess = {.wanted = step->key};
    for (const cJSON *item = cJSON_IsObject(in) ? in->child : NULL; item; item = item->next) {
        fl_guess_offer(&guess, item->string);
    }
    fl_mistake_in(json, text, 0, 0, "there is no \"%s\" in %s%s", step->key, fl_json_type(in),
                  fl_guess_hint(&guess).text);
}

/* Puts the value where the last step leads; true if it was taken. */
static bool put_at(struct fl_json *json, uint32_t text, cJSON *in, const struct step *step,
                   cJSON *value)
{
    cJSON *old = at_step(in, step);
    if (old && old->string) {
        return cJSON_ReplaceItemInObjectCaseSensitive(in, step->key, value);
    }
    if (old) {
        return cJSON_ReplaceItemViaPointer(in, old, value);
    }
    if (step->key && cJSON_IsObject(in)) {
        fl_json_put(in, step->key, value);
        return true;
    }
    report_step(json, text, in, step);
    return false;
}

/* Walks `path` and sets what it leads to; true if the value was taken. */
static bool put_along(struct fl_json *json, uint32_t text, cJSON *tree, const char *path,
                      cJSON *value)
{
    bool taken = false;
    cJSON *in = tree;
    for (const char *at = path; in;) {
        struct step step;
        if (!next_step(&at, at == path, &step)) {
            fl_mistake_in(json, text, 0, 0, "expected a path such as nodes.validator.power[2]");
            in = NULL;
        } else if (*at == '\0') {
            taken = put_at(json, text, in, &step, value);
            in = NULL;
        } else {
            cJSON *inner = at_step(in, &step);
            if (!inner) {
                report_step(json, text, in, &step);
            }
            in = inner;
        }
        free(step.key);
    }
    return taken;
}

/* The JSON pointer of a path: a.b[2] is /a/b/2. */
static char *pointer_of(const char *path)
{
    char *pointer = fl_alloc(2 * strlen(path) + 2, 1), *to = pointer;
    *to++ = '/';
    for (; *path; path++) {
        if (*path == '.' || *path == '[') {
            *to++ = '/';
        } else if (*path == '~' || *path == '/') {
            *to++ = '~';
            *to++ = *path == '~' ? '0' : '1';
        } else if (*path != ']') {
            *to++ = *path;
        }
    }
    return pointer;
}

/* The value of an override: JSON if it is JSON, else a word. */
static void apply_value(struct fl_json *json, cJSON *tree, const char *name, const char *path,
                        const char *value)
{
    char *pointer = pointer_of(path);
    const size_t bytes = strlen(value);
    const bool large = bytes > FL_JSON_FILE_BYTES;
    const uint32_t text =
        fl_json_add(json, FL_TEXT_OVERRIDE, name, value, large ? 0 : bytes, pointer);
    free(pointer);
    if (large || strcmp(path, "extends") == 0) {
        fl_mistake_in(json, text, 0, 0, large ? "the value is too long" : "this cannot be set");
        return;
    }
    cJSON *item = fl_json_parse(json, text, true);
    item = item ? item : fl_json_word(json, text);
    if (item && !put_along(json, text, tree, path, item)) {
        cJSON_Delete(item);
    }
}

static void apply(struct fl_json *json, cJSON *tree, const char *argument)
{
    char *name = fl_alloc(strlen(argument) + sizeof "--set ", 1);
    strcat(strcpy(name, "--set "), argument);
    const char *equals = strchr(argument, '=');
    if (equals) {
        char *path = fl_strndup(argument, (size_t)(equals - argument));
        apply_value(json, tree, name, path, equals + 1);
        free(path);
    } else {
        const uint32_t text = fl_json_add(json, FL_TEXT_OVERRIDE, name, "", 0, "");
        fl_mistake_in(json, text, 0, 0, "expected path=value");
    }
    free(name);
}

cJSON *fl_scenario_tree(struct fl_json *json, const char *content, size_t bytes, const char *path,
                        const char *const *overrides, size_t override_count)
{
    struct chain chain = {.json = json};
    enter_file(&chain, path);
    const uint32_t text = add_file(json, path, content, bytes);
    cJSON *tree = text == UINT32_MAX ? NULL : read_tree(&chain, text);
    for (size_t i = 0; tree && i < override_count; i++) {
        apply(json, tree, overrides[i]);
    }
    return tree;
}
