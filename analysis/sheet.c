/* The datasets of an archive as tables. */
#include "analysis/sheet.h"

#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/disk.h"
#include "sim/unit_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 512, KINDS_AT = 4 };
/* Groups that are one dataset each; kinds of records go before the last. */
static const char *const fixed[] = {"series", "faults", "checks", "nodes", "messages"};
enum { FIXED = sizeof fixed / sizeof *fixed };

static bool is_fixed(const char *name)
{
    for (size_t i = 0; i < FIXED; i++) {
        if (strcmp(name, fixed[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void group_of(const char *name, char out[PATH_BYTES])
{
    fl_say(out, PATH_BYTES, "%s/%s", is_fixed(name) ? "" : "/events", name);
}

/* --- names --------------------------------------------------------------------------------------- */

char **fl_sheet_names(struct fl_trace *trace, size_t *count)
{
    size_t kinds;
    char **kind = fl_trace_children(trace, "/events", &kinds);
    const char **all = fl_alloc(kinds + FIXED, sizeof *all);
    *count = 0;
    for (size_t i = 0; i < FIXED; i++) {
        for (size_t k = 0; i == KINDS_AT && k < kinds; k++) {
            all[(*count)++] = kind[k];
        }
        char group[PATH_BYTES];
        group_of(fixed[i], group);
        if (fl_trace_has(trace, group)) {
            all[(*count)++] = fixed[i];
        }
    }
    size_t bytes = *count * sizeof(char *);
    for (size_t i = 0; i < *count; i++) {
        bytes += strlen(all[i]) + 1;
    }
    char **names = fl_alloc(bytes, 1);
    char *at = (char *)(names + *count);
    for (size_t i = 0; i < *count; i++) {
        names[i] = strcpy(at, all[i]);
        at += strlen(at) + 1;
    }
    free(all);
    free(kind);
    return names;
}

/* --- columns ------------------------------------------------------------------------------------- */

static enum fl_unit unit_named(const char *units)
{
    static const enum fl_unit decimal[] = {FL_USD, FL_SIZE, FL_NANOSECOND, FL_PPM, FL_ID, FL_BOOL};
    for (size_t i = 0; i < sizeof decimal / sizeof *decimal; i++) {
        if (strcmp(units, fl_unit_symbol(decimal[i])) == 0) {
            return decimal[i];
        }
    }
    return FL_COUNT;
}

static char *attribute_or(struct fl_trace *trace, const char *path, const char *name,
                          const char *otherwise)
{
    char *text = fl_trace_attribute(trace, path, name);
    return text ? text : fl_strdup(otherwise);
}

/* A record's own columns say their place in the story: long_name is "{2} price". */
static bool has_place(const char *long_name)
{
    return long_name[0] == '{' && long_name[1] >= '0' && long_name[1] <= '9' && long_name[2] == '}';
}

static void add_column(struct fl_sheet *sheet, struct fl_trace *trace, const char *path,
                       const char *name, enum fl_trace_type type)
{
    sheet->column = fl_realloc(sheet->column, sheet->columns + 1, sizeof *sheet->column);
    struct fl_sheet_column *column = &sheet->column[sheet->columns++];
    *column = (struct fl_sheet_column){
        .name = fl_strdup(name),
        .units = attribute_or(trace, path, "units", "1"),
        .long_name = attribute_or(trace, path, "long_name", ""),
        .is_text = type == FL_TRACE_TEXT,
        .is_unsigned = type == FL_TRACE_UNSIGNED,
    };
    column->unit = unit_named(column->units);
    column->own = sheet->is_event && has_place(column->long_name);
}

/* The columns of a group, and of the groups in it: `prefix` is "" or "eth/". */
static void add_columns(struct fl_sheet *sheet, struct fl_trace *trace, const char *prefix)
{
    char top[PATH_BYTES], group[2 * PATH_BYTES];
    group_of(sheet->name, top);
    fl_say(group, sizeof group, "%s%s%s", top, *prefix ? "/" : "", prefix);
    if (*prefix) {
        group[strlen(group) - 1] = '\0';
    }
    size_t count;
    char **names = fl_trace_children(trace, group, &count);
    for (size_t i = 0; i < count; i++) {
        char name[PATH_BYTES], path[2 * PATH_BYTES + 1];
        fl_say(name, sizeof name, "%s%s", prefix, names[i]);
        fl_say(path, sizeof path, "%s/%s", top, name);
        const enum fl_trace_type type = fl_trace_type(trace, path);
        if (type == 0) {
            fl_say(name, sizeof name, "%s%s/", prefix, names[i]);
            add_columns(sheet, trace, name);
        } else if (type != FL_TRACE_FLOAT) {
            add_column(sheet, trace, path, name, type);
        }
    }
    free(names);
}

/* Who and when, then values in the order of the story, then the rest. */
static int rank(const struct fl_sheet_column *column)
{
    static const char *const first[] = {"id",   "time", "sent", "arrives",  "fault", "name",
                                        "from", "to",   "kind", "endpoint", "parent"};
    enum { FIRST = sizeof first / sizeof *first };
    if (column->own) {
        return FIRST + column->long_name[1] - '0';
    }
    for (int i = 0; i < FIRST; i++) {
        if (strcmp(column->name, first[i]) == 0) {
            return i;
        }
    }
    return FIRST + 10;
}

static int by_rank(const void *a, const void *b)
{
    const struct fl_sheet_column *one = a, *other = b;
    const int difference = rank(one) - rank(other);
    return difference ? difference : strcmp(one->name, other->name);
}

struct fl_sheet *fl_sheet_new(struct fl_trace *trace, const char *name)
{
    struct fl_sheet *sheet = fl_alloc(1, sizeof *sheet);
    sheet->name = fl_strdup(name);
    sheet->is_event = !is_fixed(name);
    add_columns(sheet, trace, "");
    if (sheet->columns == 0) {
        size_t none;
        char path[PATH_BYTES];
        group_of(name, path);
        free(fl_trace_int64(trace, path, &none)); /* for its complaint */
        fl_sheet_free(sheet);
        return NULL;
    }
    qsort(sheet->column, sheet->columns, sizeof *sheet->column, by_rank);
    return sheet;
}

static size_t load_column(struct fl_sheet_column *column, struct fl_trace *trace, const char *path)
{
    size_t rows = 0;
    if (column->is_text) {
        column->text = fl_trace_text(trace, path, &rows);
    } else {
        column->number = fl_trace_int64(trace, path, &rows);
    }
    return rows;
}

const char *fl_sheet_load(struct fl_sheet *sheet, struct fl_trace *trace)
{
    char group[PATH_BYTES], path[2 * PATH_BYTES];
    group_of(sheet->name, group);
    for (size_t i = 0; i < sheet->columns; i++) {
        struct fl_sheet_column *column = &sheet->column[i];
        fl_say(path, sizeof path, "%s/%s", group, column->name);
        const size_t rows = load_column(column, trace, path);
        if (!column->text && !column->number) {
            return fl_trace_error(trace);
        }
        if (i > 0 && rows != sheet->rows) {
            return fl_disk_failure("%s has %zu rows, columns beside it have %zu: the archive is "
                                   "damaged, run its scenario again",
                                   path, rows, sheet->rows);
        }
        sheet->rows = rows;
    }
    return NULL;
}

void fl_sheet_free(struct fl_sheet *sheet)
{
    for (size_t i = 0; i < sheet->columns; i++) {
        free(sheet->column[i].name);
        free(sheet->column[i].units);
        free(sheet->column[i].long_name);
        free(sheet->column[i].number);
        free(sheet->column[i].text);
    }
    free(sheet->column);
    free(sheet->name);
    free(sheet);
}

const struct fl_sheet_column *fl_sheet_find(const struct fl_sheet *sheet, const char *column)
{
    for (size_t i = 0; i < sheet->columns; i++) {
        if (strcmp(sheet->column[i].name, column) == 0) {
            return &sheet->column[i];
        }
    }
    return NULL;
}

/* --- cells --------------------------------------------------------------------------------------- */

void fl_cell_text(const struct fl_sheet_column *column, size_t row, char out[FL_CELL_TEXT])
{
    const int64_t value = column->number[row];
    if (column->is_unsigned) {
        snprintf(out, FL_CELL_TEXT, "%" PRIu64, (uint64_t)value);
    } else {
        /* A boolean is an integer here: an observable may hold another to say "not measured". */
        fl_unit_text(value, column->unit == FL_BOOL ? FL_ID : column->unit, out);
    }
}

const char *fl_cell_unit(const struct fl_sheet_column *column)
{
    switch (column->unit) {
    case FL_USD:
        return "USD";
    case FL_SIZE:
        return "base units";
    case FL_NANOSECOND:
        return "s";
    case FL_PPM:
    case FL_ID:
    case FL_BOOL:
        return "";
    case FL_COUNT:
        return column->is_text || strcmp(column->units, "1") == 0 ? "" : column->units;
    }
    FL_UNREACHABLE("unit of a column");
}
