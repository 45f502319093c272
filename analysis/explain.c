/* Causal chains over the records of a trace. A parent is older than its child and has a smaller id,
 * so that every walk ends. */
#include "analysis/explain.h"

#include "analysis/wording.h"
#include "sim/alloc.h"

#include <stdlib.h>
#include <string.h>

enum { VALUES = 6, NAME_BYTES = 128 };

struct value_column {
    char name[NAME_BYTES];
    char *units;
    int64_t *values; /* read when first asked for */
};
struct kind {
    char name[NAME_BYTES];
    char *story;
    size_t rows;
    int64_t *id, *time, *parent, *endpoint;
    struct value_column column[VALUES]; /* by place in the story; without a name if unused */
};
struct place {
    uint16_t kind; /* 1 + index; 0: no such record */
    uint32_t row;
};
struct fl_history {
    struct fl_trace *trace;
    struct kind *kind;
    size_t kind_count;
    struct place *at; /* by id */
    uint32_t count;
    char **fault_name, **node_name;
    size_t fault_count, node_count;
};

/* --- loading --------------------------------------------------------------------------------------- */

/* A record's own columns say their place in the story: long_name is "{2} price". */
static void load_column(struct fl_trace *trace, struct kind *kind, const char *group,
                        const char *name)
{
    char path[2 * NAME_BYTES];
    fl_say(path, sizeof path, "%s/%s", group, name);
    char *long_name = fl_trace_attribute(trace, path, "long_name");
    if (long_name && long_name[0] == '{' && long_name[1] >= '0' && long_name[1] < '0' + VALUES) {
        struct value_column *column = &kind->column[long_name[1] - '0'];
        fl_say(column->name, sizeof column->name, "%s", name);
        free(column->units);
        column->units = fl_trace_attribute(trace, path, "units");
    }
    free(long_name);
}

static int64_t *load_common(struct fl_trace *trace, const char *group, const char *name,
                            size_t rows)
{
    char path[2 * NAME_BYTES];
    fl_say(path, sizeof path, "%s/%s", group, name);
    size_t count;
    int64_t *values = fl_trace_int64(trace, path, &count);
    if (values && count != rows) {
        free(values);
        return NULL;
    }
    return values;
}

static bool load_kind(struct fl_trace *trace, struct kind *kind, const char *name)
{
    char group[NAME_BYTES + 16], path[NAME_BYTES + 32];
    fl_say(kind->name, sizeof kind->name, "%s", name);
    fl_say(group, sizeof group, "/events/%s", kind->name);
    fl_say(path, sizeof path, "%s/id", group);
    kind->story = fl_trace_attribute(trace, group, "story");
    kind->id = fl_trace_int64(trace, path, &kind->rows);
    kind->time = load_common(trace, group, "time", kind->rows);
    kind->parent = load_common(trace, group, "parent", kind->rows);
    kind->endpoint = load_common(trace, group, "endpoint", kind->rows);
    size_t count;
    char **columns = fl_trace_children(trace, group, &count);
    for (size_t i = 0; i < count; i++) {
        load_column(trace, kind, group, columns[i]);
    }
    free(columns);
    return kind->id && kind->time && kind->parent && kind->endpoint;
}

static uint32_t newest_id(const struct fl_history *history)
{
    uint32_t newest = 0;
    for (size_t k = 0; k < history->kind_count; k++) {
        const struct kind *kind = &history->kind[k];
        for (size_t row = 0; row < kind->rows; row++) {
            if (kind->id[row] > newest && kind->id[row] < UINT32_MAX) {
                newest = (uint32_t)kind->id[row];
            }
        }
    }
    return newest;
}

static void index_records(struct fl_history *history)
{
    history->count = newest_id(history);
    history->at = fl_alloc((size_t)history->count + 1, sizeof *history->at);
    for (size_t k = 0; k < history->kind_count; k++) {
        const struct kind *kind = &history->kind[k];
        for (size_t row = 0; row < kind->rows; row++) {
            if (kind->id[row] > 0 && kind->id[row] <= history->count) {
                history->at[kind->id[row]] =
                    (struct place){.kind = (uint16_t)(k + 1), .row = (uint32_t)row};
            }
        }
    }
}

struct fl_history *fl_history_new(struct fl_trace *trace)
{
    struct fl_history *history = fl_alloc(1, sizeof *history);
    history->trace = trace;
    char **names = fl_trace_children(trace, "/events", &history->kind_count);
    history->kind = fl_alloc(history->kind_count, sizeof *history->kind);
    bool ok = history->kind_count < UINT16_MAX;
    for (size_t k = 0; ok && k < history->kind_count; k++) {
        ok = load_kind(trace, &history->kind[k], names[k]);
    }
    free(names);
    if (!ok) {
        fl_history_free(history);
        return NULL;
    }
    index_records(history);
    history->fault_name = fl_trace_text(trace, "/faults/name", &history->fault_count);
    history->node_name = fl_trace_text(trace, "/nodes/name", &history->node_count);
    return history;
}

void fl_history_free(struct fl_history *history)
{
    for (size_t k = 0; k < history->kind_count; k++) {
        struct kind *kind = &history->kind[k];
        free(kind->story);
        free(kind->id);
        free(kind->time);
        free(kind->parent);
        free(kind->endpoint);
        for (size_t i = 0; i < VALUES; i++) {
            free(kind->column[i].units);
            free(kind->column[i].values);
        }
    }
    free(history->kind);
    free(history->at);
    free(history->fault_name);
    free(history->node_name);
    free(history);
}

/* --- one record -------------------------------------------------------------------------------------- */

uint32_t fl_history_count(const struct fl_history *history)
{
    return history->count;
}

static struct kind *kind_of(const struct fl_history *history, uint32_t id)
{
    if (id == FL_NO_RECORD_ID || id > history->count || history->at[id].kind == 0) {
        return NULL;
    }
    return &history->kind[history->at[id].kind - 1];
}

const char *fl_history_kind(const struct fl_history *history, uint32_t id)
{
    const struct kind *kind = kind_of(history, id);
    return kind ? kind->name : "";
}

fl_time fl_history_time(const struct fl_history *history, uint32_t id)
{
    const struct kind *kind = kind_of(history, id);
    return kind ? kind->time[history->at[id].row] : 0;
}

const char *fl_history_node(const struct fl_history *history, uint32_t id)
{
    const struct kind *kind = kind_of(history, id);
    const int64_t node = kind ? kind->endpoint[history->at[id].row] : -1;
    return node >= 0 && (uint64_t)node < history->node_count ? history->node_name[node] : "";
}

uint32_t fl_history_parent(const struct fl_history *history, uint32_t id)
{
    const struct kind *kind = kind_of(history, id);
    if (!kind) {
        return FL_NO_RECORD_ID;
    }
    const int64_t parent = kind->parent[history->at[id].row];
    return parent > 0 && parent < id ? (uint32_t)parent : FL_NO_RECORD_ID;
}

static bool value_at(struct fl_history *history, struct kind *kind, size_t which, uint32_t row,
                     int64_t *out)
{
    struct value_column *column = &kind->column[which];
    if (column->name[0] == '\0') {
        return false;
    }
    if (!column->values) {
        char path[2 * NAME_BYTES + 16];
        fl_say(path, sizeof path, "/events/%s/%s", kind->name, column->name);
        size_t count;
        column->values = fl_trace_int64(history->trace, path, &count);
        if (!column->values || count != kind->rows) {
            free(column->values);
            column->values = NULL;
            return false;
        }
    }
    *out = column->values[row];
    return true;
}

bool fl_history_value(struct fl_history *history, uint32_t id, const char *column, int64_t *out)
{
    struct kind *kind = kind_of(history, id);
    for (size_t i = 0; kind && i < VALUES; i++) {
        if (strcmp(kind->column[i].name, column) == 0) {
            return value_at(history, kind, i, history->at[id].row, out);
        }
    }
    return false;
}

/* Columns that hold the key of the record's maker, which nobody could read. */
static bool is_maker(const char *column)
{
    return strcmp(column, "reporter") == 0 || strcmp(column, "proposer") == 0 ||
           strcmp(column, "replica") == 0;
}

static bool is_about_node(const char *column)
{
    return strcmp(column, "of_endpoint") == 0 || strcmp(column, "endpoint") == 0;
}

/* Faults and nodes have names; other values are written by their unit. */
static void value_words(const struct fl_history *history, const struct kind *kind, size_t which,
                        uint32_t row, char out[FL_WORDING])
{
    const struct value_column *column = &kind->column[which];
    const int64_t value = column->values[row];
    const int64_t node = is_maker(column->name)        ? kind->endpoint[row]
                         : is_about_node(column->name) ? value
                                                       : -1;
    if (node >= 0 && (uint64_t)node < history->node_count) {
        fl_say(out, FL_WORDING, "%s", history->node_name[node]);
    } else if (strcmp(column->name, "fault") == 0 && value >= 0 &&
               (uint64_t)value < history->fault_count) {
        fl_say(out, FL_WORDING, "%s", history->fault_name[value]);
    } else {
        fl_value_text(value, column->units ? column->units : "1", out);
    }
}

/* How much of a value the clause has said already: the dollar sign, or the group of a node in
 * "reporter reporter[2]". */
static size_t said_already(const char *so_far, size_t used, const char *words)
{
    if (words[0] == '$') {
        return used > 0 && so_far[used - 1] == '$';
    }
    const char *bracket = strchr(words, '[');
    const size_t group = bracket ? (size_t)(bracket - words) : 0;
    const bool repeats = group > 0 && used > group && so_far[used - 1] == ' ' &&
                         memcmp(so_far + used - group - 1, words, group) == 0;
    return repeats ? group : 0;
}

static void append(char out[FL_STORY_TEXT], size_t *used, const char *text)
{
    const size_t length = strlen(text);
    const size_t room = FL_STORY_TEXT - 1 - *used;
    const size_t taken = length < room ? length : room;
    memcpy(out + *used, text, taken);
    *used += taken;
    out[*used] = '\0';
}

void fl_history_story(struct fl_history *history, uint32_t id, char out[FL_STORY_TEXT])
{
    struct kind *kind = kind_of(history, id);
    size_t used = 0;
    out[0] = '\0';
    if (!kind) {
        append(out, &used, "a record that is not in the trace");
        return;
    }
    for (const char *at = kind->story ? kind->story : kind->name; *at; at++) {
        int64_t value;
        const bool hole = at[0] == '{' && at[1] >= '0' && at[1] < '0' + VALUES && at[2] == '}';
        if (hole && value_at(history, kind, (size_t)(at[1] - '0'), history->at[id].row, &value)) {
            char words[FL_WORDING];
            value_words(history, kind, (size_t)(at[1] - '0'), history->at[id].row, words);
            const size_t skip = said_already(out, used, words);
            used -= skip > 1; /* "reporter[2]": the space goes as well */
            append(out, &used, words + skip);
            at += 2;
        } else {
            append(out, &used, (char[]){*at, '\0'});
        }
    }
}

/* --- chains ------------------------------------------------------------------------------------------ */

uint32_t *fl_chain_new(const struct fl_history *history, uint32_t id, size_t *count)
{
    size_t length = 0;
    for (uint32_t at = id; kind_of(history, at); at = fl_history_parent(history, at)) {
        length++;
    }
    uint32_t *chain = fl_alloc(length, sizeof *chain);
    size_t place = length;
    for (uint32_t at = id; place > 0; at = fl_history_parent(history, at)) {
        chain[--place] = at;
    }
    *count = length;
    return chain;
}

int64_t fl_chain_fault(struct fl_history *history, uint32_t id)
{
    for (uint32_t at = id; kind_of(history, at); at = fl_history_parent(history, at)) {
        struct kind *kind = kind_of(history, at);
        int64_t fault;
        if (strcmp(kind->name, "fault") == 0 &&
            value_at(history, kind, 0, history->at[at].row, &fault)) {
            return fault;
        }
    }
    return FL_NO_FAULT;
}
