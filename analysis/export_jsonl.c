/* Records in the order of time, and one JSON object a line of each:
 *
 *   {"id":5,"kind":"price","time":2402,"endpoint":null,"node":null,"parent":4,
 *    "values":{"contract":0,"round":8,"price":"131.250000","previous":"168.000000"}}
 *
 * Time is in seconds, exactly; endpoint and node are null of contracts, checks and the engine, the
 * parent of a root. */
#include "analysis/export.h"

#include "sim/alloc.h"
#include "sim/disk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- records ---------------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
    const struct fl_export_event *one = a, *other = b;
    if (one->time != other->time) {
        return one->time < other->time ? -1 : 1;
    }
    return (one->id > other->id) - (one->id < other->id);
}

static const char *damaged(const char *kind, const char *column)
{
    return fl_disk_failure(
        "/events/%s/%s does not hold what it should: the archive is damaged, run "
        "its scenario again",
        kind, column);
}

static const char *check_kind(const struct fl_sheet *sheet)
{
    static const char *const common[] = {"id", "time", "endpoint", "parent"};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        const struct fl_sheet_column *column = fl_sheet_find(sheet, common[i]);
        if (!column || column->is_text) {
            return damaged(sheet->name, common[i]);
        }
    }
    const int64_t *id = fl_sheet_find(sheet, "id")->number;
    for (size_t row = 0; row < sheet->rows; row++) {
        if (id[row] < 1 || id[row] >= UINT32_MAX) {
            return damaged(sheet->name, "id");
        }
    }
    return NULL;
}

static const char *load_kind(struct fl_export_events *events, const struct fl_exporting *export,
                             const char *name)
{
    struct fl_sheet *sheet = fl_sheet_new(export->trace, name);
    if (!sheet) {
        return fl_trace_error(export->trace);
    }
    events->wanted[events->kinds] = fl_export_wants(export, name);
    events->kind[events->kinds++] = sheet;
    const char *problem = fl_sheet_load(sheet, export->trace);
    events->count += sheet->rows;
    return problem ? problem : check_kind(sheet);
}

static void sort_events(struct fl_export_events *events)
{
    events->at = fl_alloc(events->count, sizeof *events->at);
    size_t place = 0;
    for (size_t k = 0; k < events->kinds; k++) {
        const struct fl_sheet *sheet = events->kind[k];
        const int64_t *time = fl_sheet_find(sheet, "time")->number;
        const int64_t *id = fl_sheet_find(sheet, "id")->number;
        for (size_t row = 0; row < sheet->rows; row++) {
            events->at[place++] = (struct fl_export_event){
                .time = time[row], .id = id[row], .kind = (uint32_t)k, .row = (uint32_t)row};
        }
    }
    qsort(events->at, events->count, sizeof *events->at, by_time);
}

struct fl_export_events *fl_export_events_new(const struct fl_exporting *export,
                                              const char **problem)
{
    struct fl_export_events *events = fl_alloc(1, sizeof *events);
    size_t kinds;
    char **name = fl_trace_children(export->trace, "/events", &kinds);
    events->kind = fl_alloc(kinds, sizeof *events->kind);
    events->wanted = fl_alloc(kinds, sizeof *events->wanted);
    *problem = NULL;
    for (size_t k = 0; !*problem && k < kinds; k++) {
        *problem = load_kind(events, export, name[k]);
    }
    free(name);
    events->node = *problem ? NULL : fl_trace_text(export->trace, "/nodes/name", &events->nodes);
    if (!*problem && !events->node) {
        *problem = fl_trace_error(export->trace);
    }
    if (*problem) {
        fl_export_events_free(events);
        return NULL;
    }
    sort_events(events);
    return events;
}

void fl_export_events_free(struct fl_export_events *events)
{
    for (size_t k = 0; k < events->kinds; k++) {
        fl_sheet_free(events->kind[k]);
    }
    free(events->kind);
    free(events->wanted);
    free(events->at);
    free(events->node);
    free(events);
}

int64_t fl_export_value(const struct fl_export_events *events, const struct fl_export_event *event,
                        const char *column)
{
    const struct fl_sheet_column *found = fl_sheet_find(events->kind[event->kind], column);
    return found && !found->is_text ? found->number[event->row] : 0;
}

/* --- JSON -------------------------------------------------------------------------------------------- */

void fl_export_string(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text; text++) {
        const unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') {
            fprintf(file, "\\%c", byte);
        } else if (byte < ' ') {
            fprintf(file, "\\u%04x", byte);
        } else {
            fputc(byte, file);
        }
    }
    fputc('"', file);
}

/* Beyond, a reader's double is another number. */
static bool is_exact_in_double(const struct fl_sheet_column *column, int64_t value)
{
    const int64_t most = (int64_t)1 << 53;
    return value <= most && (column->is_unsigned ? value >= 0 : value >= -most);
}

void fl_export_cell(FILE *file, const struct fl_sheet_column *column, size_t row)
{
    if (column->is_text) {
        fl_export_string(file, column->text[row]);
        return;
    }
    const int64_t value = column->number[row];
    const bool is_amount = column->unit == FL_USD || column->unit == FL_SIZE;
    char text[FL_CELL_TEXT];
    fl_cell_text(column, row, text);
    if (column->unit == FL_BOOL && (value == 0 || value == 1)) {
        fputs(value ? "true" : "false", file);
    } else if (is_amount || !is_exact_in_double(column, value)) {
        fprintf(file, "\"%s\"", text);
    } else {
        fputs(text, file);
    }
}

void fl_export_values(FILE *file, const struct fl_sheet *sheet, size_t row)
{
    const char *between = "{";
    for (size_t i = 0; i < sheet->columns; i++) {
        if (sheet->column[i].own) {
            fputs(between, file);
            fl_export_string(file, sheet->column[i].name);
            fputc(':', file);
            fl_export_cell(file, &sheet->column[i], row);
            between = ",";
        }
    }
    fputs(*between == '{' ? "{}" : "}", file);
}

/* --- lines ------------------------------------------------------------------------------------------- */

static void write_line(FILE *file, const struct fl_export_events *events,
                       const struct fl_export_event *event)
{
    const struct fl_sheet *sheet = events->kind[event->kind];
    const int64_t endpoint = fl_export_value(events, event, "endpoint");
    const int64_t parent = fl_export_value(events, event, "parent");
    fprintf(file, "{\"id\":%" PRId64 ",\"kind\":", event->id);
    fl_export_string(file, sheet->name);
    fputs(",\"time\":", file);
    fl_export_cell(file, fl_sheet_find(sheet, "time"), event->row);
    if (endpoint >= 0 && (size_t)endpoint < events->nodes) {
        fprintf(file, ",\"endpoint\":%" PRId64 ",\"node\":", endpoint);
        fl_export_string(file, events->node[endpoint]);
    } else {
        fputs(",\"endpoint\":null,\"node\":null", file);
    }
    if (parent > 0) {
        fprintf(file, ",\"parent\":%" PRId64, parent);
    } else {
        fputs(",\"parent\":null", file);
    }
    fputs(",\"values\":", file);
    fl_export_values(file, sheet, event->row);
    fputs("}\n", file);
}

const char *fl_export_jsonl(struct fl_exporting *export)
{
    const char *problem;
    struct fl_export_events *events = fl_export_events_new(export, &problem);
    if (!events) {
        return problem;
    }
    FILE *file = fl_outputs_open(export->outputs, export->output);
    for (size_t i = 0; file && i < events->count; i++) {
        if (events->wanted[events->at[i].kind]) {
            write_line(file, events, &events->at[i]);
        }
    }
    fl_export_events_free(events);
    return NULL;
}
