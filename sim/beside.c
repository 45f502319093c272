/* Files of data that a scenario names: see beside.h. */
#include "sim/beside.h"
#include "sim/extends.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *path_beside(const struct fl_json *json, const cJSON *item)
{
    const struct fl_text *text = &json->text[fl_json_span(json, item)->text];
    const char *scenario = text->kind == FL_TEXT_FILE ? text->name : json->text[0].name;
    const char *slash = strrchr(scenario, '/');
    const size_t folder = slash ? (size_t)(slash + 1 - scenario) : 0;
    char *path = fl_alloc(folder + strlen(item->valuestring) + 1, 1);
    memcpy(path, scenario, folder);
    strcpy(path + folder, item->valuestring);
    return path;
}

uint32_t fl_read_beside(struct fl_reading *reading, const cJSON *item)
{
    const char *name = fl_read_word(reading, item);
    if (!name) {
        return UINT32_MAX;
    }
    if (!*name || *name == '/') {
        fl_mistake(&reading->json, item, FL_AT_VALUE,
                   "expected the path of a file, relative to this one");
        return UINT32_MAX;
    }
    char *path = path_beside(&reading->json, item);
    size_t bytes = 0;
    char *content = fl_file_read(path, &bytes);
    uint32_t text = UINT32_MAX;
    if (!content) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "cannot read %s: %s", path, strerror(errno));
    } else if (bytes > FL_JSON_FILE_BYTES) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "%s is larger than %d MiB", path,
                   FL_JSON_FILE_BYTES >> 20);
    } else {
        text = fl_json_add(&reading->json, FL_TEXT_FILE, path, content, bytes, "");
    }
    free(content);
    free(path);
    return text;
}

bool fl_next_line(const struct fl_text *text, size_t *at, struct fl_line *line)
{
    const size_t end = text->bytes, from = *at;
    if (from >= end) {
        return false;
    }
    const char *newline = memchr(text->content + from, '\n', end - from);
    const size_t next = newline ? (size_t)(newline - text->content) + 1 : end;
    size_t bytes = (newline ? next - 1 : next) - from;
    while (bytes > 0 && strchr(" \t\r", text->content[from + bytes - 1])) bytes--;
    *line = (struct fl_line){from, bytes};
    *at = next;
    return true;
}

bool fl_is_heading(const struct fl_text *text, struct fl_line line)
{
    const char first = line.bytes > 0 ? text->content[line.from] : '\0';
    return isalpha((unsigned char)first) || first == '"';
}
