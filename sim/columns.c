/* The columns of an archive. Numbers are gathered from the result one column at a time, when they
 * are asked for: a trace of messages is never held twice. */
#include "sim/columns.h"

#include "sim/alloc.h"
#include "sim/unit_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t width_of(enum fl_column_type type)
{
    switch (type) {
    case FL_COLUMN_INT64:
    case FL_COLUMN_UINT64:
    case FL_COLUMN_FLOAT64:
        return 8;
    case FL_COLUMN_UINT32:
        return 4;
    case FL_COLUMN_UINT16:
        return 2;
    case FL_COLUMN_UINT8:
    case FL_COLUMN_TEXT:
        return 1;
    }
    FL_UNREACHABLE("type of a column");
}

/* --- building the list -------------------------------------------------------------------------- */

static struct fl_archive_column *add(struct fl_columns *all, const char *group, const char *name,
                                     enum fl_column_type type, uint64_t count)
{
    if (all->count == all->room) {
        all->room = all->room ? 2 * all->room : 64;
        all->at = fl_realloc(all->at, all->room, sizeof *all->at);
    }
    struct fl_archive_column *column = &all->at[all->count++];
    memset(column, 0, sizeof *column);
    const int length = snprintf(column->path, sizeof column->path, "%s/%s", group, name);
    FL_ASSERT(length > 0 && (size_t)length < sizeof column->path);
    column->type = type;
    column->width = width_of(type);
    column->count = count;
    column->units = "1";
    return column;
}

static void describe(struct fl_archive_column *column, const char *units, const char *long_name)
{
    column->units = units;
    snprintf(column->long_name, sizeof column->long_name, "%s", long_name);
}

/* A text column takes the strings: they are copied into fixed-length cells and freed. */
static void add_text_take(struct fl_columns *all, const char *group, const char *name,
                          const char *long_name, char **text, uint32_t count)
{
    size_t width = 1;
    for (uint32_t i = 0; i < count; i++) {
        const size_t length = strlen(text[i]);
        width = length > width ? length : width;
    }
    struct fl_archive_column *column = add(all, group, name, FL_COLUMN_TEXT, count);
    describe(column, "text", long_name);
    FL_ASSERT(width <= UINT32_MAX);
    column->width = (uint32_t)width;
    column->text = fl_alloc(count, width);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(column->text + i * width, text[i], strlen(text[i]));
        free(text[i]);
    }
    free(text);
}

static char **strings_new(uint32_t count)
{
    return fl_alloc(count, sizeof(char *));
}

/* --- series ------------------------------------------------------------------------------------- */

static void fill_sample_time(const struct fl_columns *all, const struct fl_archive_column *column,
                             unsigned char *out)
{
    memcpy(out, all->result->sample_at, column->count * sizeof(fl_time));
}

/* The one float of an archive, for plots: an int64 and a division that IEEE 754 rounds correctly,
 * hence the same bits everywhere. */
static void fill_sample_seconds(const struct fl_columns *all,
                                const struct fl_archive_column *column, unsigned char *out)
{
    for (uint64_t i = 0; i < column->count; i++) {
        const double seconds = (double)all->result->sample_at[i] / (double)FL_SECOND;
        memcpy(out + i * sizeof seconds, &seconds, sizeof seconds);
    }
}

static void fill_sample(const struct fl_columns *all, const struct fl_archive_column *column,
                        unsigned char *out)
{
    memcpy(out, all->result->sample[column->which], column->count * sizeof(int64_t));
}

static void add_series(struct fl_columns *all)
{
    const uint32_t count = all->result->sample_count;
    struct fl_archive_column *column = add(all, "/series", "time", FL_COLUMN_INT64, count);
    describe(column, "ns", "time since the start of the run");
    column->fill = fill_sample_time;
    column = add(all, "/series", "t_s", FL_COLUMN_FLOAT64, count);
    describe(column, "s", "time since the start of the run");
    column->fill = fill_sample_seconds;
    for (uint32_t i = 0; i < all->config->observable_count; i++) {
        const struct fl_observable_ref *ref = &all->config->observable[i];
        const struct fl_observable *seen = &ref->model->observables[ref->index];
        column = add(all, "/series", ref->name, FL_COLUMN_INT64, count);
        describe(column, fl_unit_symbol(seen->unit), seen->doc ? seen->doc : seen->name);
        column->fill = fill_sample;
        column->which = i;
    }
}

/* --- events: one group for each kind of record that happened -------------------------------------- */

enum { AHEAD = 16 }; /* records */

/* Where in struct fl_record a column that every kind has is found. */
static void fill_record_field(const struct fl_columns *all, const struct fl_archive_column *column,
                              unsigned char *out)
{
    const uint32_t *id = all->record_of_kind + all->kind_first[column->value];
    for (uint64_t i = 0; i < column->count; i++) {
        const unsigned char *record =
            (const unsigned char *)fl_records_get(all->result->records, id[i]);
        /* Records of one kind lie apart, and each is wanted once for every column. */
        if (i + AHEAD < column->count)
            __builtin_prefetch(fl_records_get(all->result->records, id[i + AHEAD]));
        /* Not one call for each value: there are millions. */
        if (column->width == sizeof(int64_t))
            memcpy(out + i * sizeof(int64_t), record + column->which, sizeof(int64_t));
        else
            memcpy(out + i * column->width, record + column->which, column->width);
    }
}

static void fill_record_id(const struct fl_columns *all, const struct fl_archive_column *column,
                           unsigned char *out)
{
    memcpy(out, all->record_of_kind + all->kind_first[column->value],
           column->count * sizeof(uint32_t));
}

static void add_record_column(struct fl_columns *all, uint16_t kind, const char *group,
                              const char *name, enum fl_column_type type, size_t offset,
                              const char *units, const char *long_name)
{
    const uint32_t count = all->kind_first[kind + 1] - all->kind_first[kind];
    struct fl_archive_column *column = add(all, group, name, type, count);
    describe(column, units, long_name);
    column->fill = fill_record_field;
    column->which = offset;
    column->value = kind;
}

static void add_kind(struct fl_columns *all, const struct fl_record_kind *kind)
{
    char group[FL_PATH_MAX];
    snprintf(group, sizeof group, "/events/%s", kind->name);
    add_record_column(all, kind->kind, group, "id", FL_COLUMN_UINT32, 0, "id", "record");
    all->at[all->count - 1].fill = fill_record_id;
    add_record_column(all, kind->kind, group, "time", FL_COLUMN_INT64,
                      offsetof(struct fl_record, at), "ns", "time since the start of the run");
    add_record_column(
        all, kind->kind, group, "endpoint", FL_COLUMN_UINT32, offsetof(struct fl_record, endpoint),
        "id", "who made it, a row of /nodes; 4294967295 for the engine, contracts and checks");
    add_record_column(all, kind->kind, group, "parent", FL_COLUMN_UINT32,
                      offsetof(struct fl_record, parent), "id",
                      "record that caused it; 0 for a root");
    for (size_t i = 0; i < FL_RECORD_VALUES; i++) {
        const struct fl_column *value = &kind->column[i];
        if (!value->name) {
            continue;
        }
        /* A record's own column may share a name with one that all have, as "endpoint" does in a
         * recovery: the record's then says who it is about. */
        const bool clash = strcmp(value->name, "id") == 0 || strcmp(value->name, "time") == 0 ||
                           strcmp(value->name, "endpoint") == 0 ||
                           strcmp(value->name, "parent") == 0;
        char name[FL_NAME_MAX];
        snprintf(name, sizeof name, "%s%s", clash ? "of_" : "", value->name);
        char long_name[FL_LONG_NAME_MAX];
        snprintf(long_name, sizeof long_name, "{%zu} %s", i, value->name);
        add_record_column(all, kind->kind, group, name, FL_COLUMN_INT64,
                          offsetof(struct fl_record, v) + i * sizeof(int64_t),
                          fl_unit_symbol(value->unit), long_name);
    }
}

static uint32_t kinds_known(void)
{
    uint32_t end = 0;
    for (const struct fl_record_kind *kind = fl_record_kinds; kind->kind; kind++) {
        end = kind->kind >= end ? kind->kind + 1u : end;
    }
    return end;
}

/* Counting sort of the record ids by kind. */
static void group_records(struct fl_columns *all)
{
    const struct fl_records *records = all->result->records;
    const uint32_t count = fl_records_count(records);
    all->kind_count = kinds_known();
    all->kind_first = fl_alloc(all->kind_count + 1, sizeof *all->kind_first);
    all->record_of_kind = fl_alloc(count, sizeof *all->record_of_kind);
    for (uint32_t id = 1; id <= count; id++) {
        const uint16_t kind = fl_records_get(records, id)->kind;
        FL_ASSERT(kind < all->kind_count);
        all->kind_first[kind + 1]++;
    }
    for (uint32_t kind = 0; kind < all->kind_count; kind++) {
        all->kind_first[kind + 1] += all->kind_first[kind];
    }
    uint32_t *next = fl_alloc(all->kind_count, sizeof *next);
    memcpy(next, all->kind_first, all->kind_count * sizeof *next);
    for (uint32_t id = 1; id <= count; id++) {
        all->record_of_kind[next[fl_records_get(records, id)->kind]++] = id;
    }
    free(next);
}

static void add_events(struct fl_columns *all)
{
    uint32_t placed = 0;
    for (const struct fl_record_kind *kind = fl_record_kinds; kind->kind; kind++) {
        const uint32_t rows = all->kind_first[kind->kind + 1] - all->kind_first[kind->kind];
        if (rows > 0) {
            add_kind(all, kind);
            placed += rows;
        }
    }
    FL_ASSERT(placed == fl_records_count(all->result->records)); /* no record of an unknown kind */
}

/* --- faults, checks, nodes ------------------------------------------------------------------------ */

static char *endpoint_name(const struct fl_config *config, uint32_t endpoint)
{
    char name[2 * FL_NAME_MAX];
    fl_endpoint_name(config, endpoint, name, sizeof name);
    return fl_strdup(name);
}

static char *member_names(const struct fl_config *config, const struct fl_fault_result *fault)
{
    char *all = fl_alloc(fault->count + 1, 2 * FL_NAME_MAX + 1);
    char *at = all;
    for (uint32_t i = 0; i < fault->count; i++) {
        if (i > 0) {
            *at++ = ' ';
        }
        fl_endpoint_name(config, fault->member[i], at, 2 * FL_NAME_MAX);
        at += strlen(at);
    }
    return all;
}

enum fault_number {
    FAULT_INDEX = 1,
    FAULT_FROM,
    FAULT_TO,
    FAULT_RECORD,
    FAULT_SUPPRESSED,
    FAULT_INJECTED,
    FAULT_OPENED
};

static int64_t fault_number(const struct fl_result *result, uint64_t i, enum fault_number which)
{
    const struct fl_fault_result *fault = &result->fault[i];
    switch (which) {
    case FAULT_INDEX:
        return (int64_t)i;
    case FAULT_FROM:
        return fault->from;
    case FAULT_TO:
        return fault->to;
    case FAULT_RECORD:
        return fault->record;
    case FAULT_SUPPRESSED:
        return (int64_t)fault->suppressed;
    case FAULT_INJECTED:
        return (int64_t)fault->injected;
    case FAULT_OPENED:
        return (int64_t)fault->opened;
    }
    FL_UNREACHABLE("number of a fault");
}

static void fill_fault(const struct fl_columns *all, const struct fl_archive_column *column,
                       unsigned char *out)
{
    for (uint64_t i = 0; i < column->count; i++) {
        const int64_t value = fault_number(all->result, i, (enum fault_number)column->which);
        memcpy(out + i * sizeof value, &value, sizeof value);
    }
}

static void add_fault_number(struct fl_columns *all, const char *name, enum fault_number which,
                             const char *units, const char *long_name)
{
    struct fl_archive_column *column =
        add(all, "/faults", name, FL_COLUMN_INT64, all->result->fault_count);
    describe(column, units, long_name);
    column->fill = fill_fault;
    column->which = which;
}

static void add_faults(struct fl_columns *all)
{
    const struct fl_config *config = all->config;
    const uint32_t count = all->result->fault_count;
    char **name = strings_new(count), **model = strings_new(count);
    char **group = strings_new(count), **members = strings_new(count);
    for (uint32_t i = 0; i < count; i++) {
        const struct fl_fault_result *fault = &all->result->fault[i];
        name[i] = fl_strdup(fault->spec->name);
        model[i] = fl_strdup(fault->spec->model->name);
        const uint32_t g = fault->spec->group;
        group[i] = fl_strdup(g == UINT32_MAX ? "" : config->group[g].name);
        members[i] = member_names(config, fault);
    }
    add_text_take(all, "/faults", "name", "name in the scenario", name, count);
    add_text_take(all, "/faults", "model", "how it acts", model, count);
    add_text_take(all, "/faults", "group", "group of nodes it strikes, empty if there are several",
                  group, count);
    add_text_take(all, "/faults", "members", "nodes it strikes", members, count);
    add_fault_number(all, "fault", FAULT_INDEX, "id", "number in records");
    add_fault_number(all, "from", FAULT_FROM, "ns", "start of its window, or first time it opened");
    add_fault_number(all, "to", FAULT_TO, "ns", "end of its window, or last time it closed");
    add_fault_number(all, "record", FAULT_RECORD, "id", "its record in /events/fault, 0 if none");
    add_fault_number(all, "suppressed", FAULT_SUPPRESSED, "1", "events and effects it dropped");
    add_fault_number(all, "injected", FAULT_INJECTED, "1",
                     "effects it added or changed, events it prolonged, memories it took");
    add_fault_number(all, "opened", FAULT_OPENED, "1", "times that its window opened");
}

static void fill_check_time(const struct fl_columns *all, const struct fl_archive_column *column,
                            unsigned char *out)
{
    for (uint64_t i = 0; i < column->count; i++) {
        memcpy(out + i * sizeof(fl_time), &all->result->verdict[i].at, sizeof(fl_time));
    }
}

static void fill_check_record(const struct fl_columns *all, const struct fl_archive_column *column,
                              unsigned char *out)
{
    for (uint64_t i = 0; i < column->count; i++) {
        const int64_t record = all->result->verdict[i].record;
        memcpy(out + i * sizeof record, &record, sizeof record);
    }
}

static void add_checks(struct fl_columns *all)
{
    const uint32_t count = all->config->check_count;
    char **name = strings_new(count), **verdict = strings_new(count);
    char **evidence = strings_new(count);
    for (uint32_t i = 0; i < count; i++) {
        const struct fl_verdict *found = &all->result->verdict[i];
        char text[FL_EVIDENCE_TEXT];
        fl_evidence_text(found, text);
        name[i] = fl_strdup(all->config->check[i].name);
        verdict[i] = fl_strdup(fl_verdict_word(found->kind));
        evidence[i] = fl_strdup(text);
    }
    add_text_take(all, "/checks", "name", "name in the scenario", name, count);
    add_text_take(all, "/checks", "verdict", "holds, broken or not applicable", verdict, count);
    add_text_take(all, "/checks", "evidence", "what shows it", evidence, count);
    struct fl_archive_column *column = add(all, "/checks", "time", FL_COLUMN_INT64, count);
    describe(column, "ns", "when it was first seen");
    column->fill = fill_check_time;
    column = add(all, "/checks", "record", FL_COLUMN_INT64, count);
    describe(column, "id", "the first record that shows it, 0 if none");
    column->fill = fill_check_record;
}

static void add_nodes(struct fl_columns *all)
{
    const struct fl_config *config = all->config;
    uint32_t count = 0;
    for (uint32_t i = 0; i < config->group_count; i++) {
        FL_ASSERT(config->group[i].first == count);
        count += config->group[i].count;
    }
    char **name = strings_new(count), **group = strings_new(count);
    for (uint32_t i = 0; i < config->group_count; i++) {
        for (uint32_t j = 0; j < config->group[i].count; j++) {
            const uint32_t endpoint = config->group[i].first + j;
            name[endpoint] = endpoint_name(config, endpoint);
            group[endpoint] = fl_strdup(config->group[i].name);
        }
    }
    add_text_take(all, "/nodes", "name", "name of the node", name, count);
    add_text_take(all, "/nodes", "group", "its group in the scenario", group, count);
}

/* --- messages ------------------------------------------------------------------------------------- */

static void fill_message(const struct fl_columns *all, const struct fl_archive_column *column,
                         unsigned char *out)
{
    const unsigned char *row = (const unsigned char *)all->result->message + column->which;
    for (uint64_t i = 0; i < column->count; i++) {
        memcpy(out + i * column->width, row, column->width);
        row += sizeof(struct fl_message_row);
    }
}

static void add_messages(struct fl_columns *all)
{
    static const struct {
        const char *name, *units, *long_name;
        enum fl_column_type type;
        size_t offset;
    } fields[] = {
#define FIELD(name, type, units, long_name) \
    {#name, units, long_name, type, offsetof(struct fl_message_row, name)}
        FIELD(sent, FL_COLUMN_INT64, "ns", "when it was sent"),
        FIELD(arrives, FL_COLUMN_INT64, "ns", "when it arrives"),
        {"word0", "1", "semantic word 0", FL_COLUMN_UINT64, offsetof(struct fl_message_row, word)},
        {"word1", "1", "semantic word 1", FL_COLUMN_UINT64,
         offsetof(struct fl_message_row, word) + sizeof(uint64_t)},
        {"word2", "1", "semantic word 2", FL_COLUMN_UINT64,
         offsetof(struct fl_message_row, word) + 2 * sizeof(uint64_t)},
        FIELD(from, FL_COLUMN_UINT32, "id", "sender, a row of /nodes"),
        FIELD(to, FL_COLUMN_UINT32, "id", "receiver, a row of /nodes"),
        FIELD(parent, FL_COLUMN_UINT32, "id", "record that caused it, 0 if none"),
        FIELD(raw_parent, FL_COLUMN_UINT32, "id",
              "1 + row of the message whose delivery led to this one, 0 if none"),
        FIELD(blob_bytes, FL_COLUMN_UINT32, "byte", "size of the content it carries"),
        FIELD(kind, FL_COLUMN_UINT16, "id", "kind of message within its family"),
        FIELD(copy, FL_COLUMN_UINT16, "1", "number of the retransmission"),
        FIELD(family, FL_COLUMN_UINT8, "id", "layer of the receiver it is for"),
        FIELD(fate, FL_COLUMN_UINT8, "id", "1 delivered, 2 dropped, 3 pending at the end"),
#undef FIELD
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct fl_archive_column *column =
            add(all, "/messages", fields[i].name, fields[i].type, all->result->message_count);
        describe(column, fields[i].units, fields[i].long_name);
        column->fill = fill_message;
        column->which = fields[i].offset;
    }
}

/* --- the list ------------------------------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct fl_archive_column *)a)->path,
                  ((const struct fl_archive_column *)b)->path);
}

struct fl_columns *fl_columns_new(const struct fl_config *config, const struct fl_result *result)
{
    struct fl_columns *all = fl_alloc(1, sizeof *all);
    all->config = config;
    all->result = result;
    add_series(all);
    add_faults(all);
    add_checks(all);
    add_nodes(all);
    if (config->detail >= FL_DETAIL_EVENTS) {
        group_records(all);
        add_events(all);
    }
    if (config->detail >= FL_DETAIL_MESSAGES) {
        add_messages(all);
    }
    qsort(all->at, all->count, sizeof *all->at, by_path);
    for (uint32_t i = 1; i < all->count; i++) {
        FL_ASSERT(strcmp(all->at[i - 1].path, all->at[i].path) < 0);
    }
    return all;
}

void fl_columns_free(struct fl_columns *all)
{
    for (uint32_t i = 0; i < all->count; i++) {
        free(all->at[i].text);
    }
    free(all->at);
    free(all->record_of_kind);
    free(all->kind_first);
    free(all);
}

static void to_little_endian(unsigned char *values, uint64_t count, uint32_t width)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (uint64_t i = 0; i < count; i++) {
        for (uint32_t low = 0, high = width - 1; low < high; low++, high--) {
            const unsigned char byte = values[i * width + low];
            values[i * width + low] = values[i * width + high];
            values[i * width + high] = byte;
        }
    }
#else
    (void)values;
    (void)count;
    (void)width;
#endif
}

unsigned char *fl_column_values(const struct fl_columns *all, uint32_t index)
{
    FL_ASSERT(index < all->count);
    const struct fl_archive_column *column = &all->at[index];
    unsigned char *values = fl_alloc(column->count, column->width);
    if (column->count == 0) {
        return values;
    }
    if (column->type == FL_COLUMN_TEXT) {
        memcpy(values, column->text, column->count * column->width);
    } else {
        column->fill(all, column, values);
        to_little_endian(values, column->count, column->width);
    }
    return values;
}
