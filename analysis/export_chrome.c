/* The timeline as Chrome trace-event JSON ("Trace Event Format", the JSON object form), which
 * chrome://tracing and Perfetto open.
 *
 *   rows      a group of nodes is a process, a node a thread; faults, and what contracts, checks and
 *             the engine record, are two more processes
 *   X spans   blocks, on each replica from their proposal to their execution; each opening of a fault
 *   i         records; messages that were lost or still on their way
 *   s, f      causes, from a record to those it caused; messages, from sender to receiver
 *
 * Both viewers fasten an arrow to the span around its end, and drop it if there is none. So what an
 * arrow touches is not an instant but a span of one nanosecond, the least time there is: it cannot lie
 * across the border of another. Spans of a thread must nest; blocks that a replica has under way
 * together go to threads of their own below it.
 *
 * Times are microseconds with three decimals, exactly. */
#include "analysis/export.h"

#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/disk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FAULTS = 1, LEDGER, FIRST_GROUP, /* pids */ NEAR = 64 };
enum fate { DELIVERED = 1, DROPPED, PENDING };

enum what { A_FAULT = 1, A_BLOCK, A_RECORD, A_SENT, AN_ARRIVAL };
/* Something to draw; in the order of (from, longest first, what, which). */
struct mark {
    int64_t from, length;
    enum what what;
    uint32_t which; /* fault opening, span, event, message */
};
struct span { /* a block on a replica */
    int64_t from, to;
    const struct fl_export_event *proposed, *applied;
    uint32_t node, lane;
};
struct opening { /* of a fault */
    int64_t from, to;
    uint32_t fault;
};
struct chrome {
    FILE *file;
    const struct fl_exporting *export;
    struct fl_export_events *events;
    uint32_t *place; /* [id] 1 + index in events->at */
    uint32_t *child,
        *next; /* [id] first of its children by id, and the next with the same parent */
    size_t ids;
    char **group;                       /* [node] */
    uint32_t *pid;                      /* [node] */
    struct fl_sheet *faults, *messages; /* NULL if not wanted */
    struct mark *mark;
    size_t marks, room;
    struct span *span;
    size_t spans;
    struct opening *opening;
    size_t openings;
    uint32_t *lanes; /* [node] threads beside its own */
    int64_t end;
    bool begun;
};

/* --- lines -------------------------------------------------------------------------------------------- */

static void put_time(FILE *file, const char *key, int64_t ns)
{
    fprintf(file, ",\"%s\":%" PRId64 ".%03" PRId64, key, ns / 1000, ns % 1000);
}

struct row {
    uint32_t pid, tid;
};

static void begin(struct chrome *c, const char *phase, struct row row)
{
    fprintf(c->file, "%s\n{\"ph\":\"%s\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32, c->begun ? "," : "",
            phase, row.pid, row.tid);
    c->begun = true;
}

static void put_words(FILE *file, const char *key, const char *text)
{
    fprintf(file, ",\"%s\":", key);
    fl_export_string(file, text);
}

/* A span, or an instant if `length` is 0; `args` and the end of the line are the caller's. */
static void begin_mark(struct chrome *c, struct row row, int64_t from, int64_t length)
{
    begin(c, length > 0 ? "X" : "i", row);
    put_time(c->file, "ts", from);
    if (length > 0) {
        put_time(c->file, "dur", length);
    } else {
        fputs(",\"s\":\"t\"", c->file);
    }
}

static void put_arrow(struct chrome *c, const char *phase, struct row row, int64_t at,
                      const char *category, int64_t id)
{
    begin(c, phase, row);
    put_time(c->file, "ts", at);
    put_words(c->file, "cat", category);
    put_words(c->file, "name", category);
    fprintf(c->file, ",\"id\":%" PRId64 "%s}", id, *phase == 'f' ? ",\"bp\":\"e\"" : "");
}

static void put_name(struct chrome *c, const char *what, struct row row, const char *name)
{
    begin(c, "M", row);
    fprintf(c->file, ",\"name\":\"%s_name\",\"args\":{\"name\":", what);
    fl_export_string(c->file, name);
    fputs("}}", c->file);
}

static void put_place(struct chrome *c, const char *what, struct row row, uint64_t place)
{
    begin(c, "M", row);
    fprintf(c->file, ",\"name\":\"%s_sort_index\",\"args\":{\"sort_index\":%" PRIu64 "}}", what,
            place);
}

/* --- rows --------------------------------------------------------------------------------------------- */

static struct row row_of_node(const struct chrome *c, uint32_t node, uint32_t lane)
{
    const uint32_t stride = (uint32_t)c->events->nodes + 1;
    return (struct row){c->pid[node], 1 + node + lane * stride};
}

static bool is_node(const struct chrome *c, int64_t endpoint)
{
    return endpoint >= 0 && (uint64_t)endpoint < c->events->nodes;
}

static struct row row_of_record(const struct chrome *c, const struct fl_export_event *event)
{
    const int64_t endpoint = fl_export_value(c->events, event, "endpoint");
    if (is_node(c, endpoint)) {
        return row_of_node(c, (uint32_t)endpoint, 0);
    }
    if (strcmp(c->events->kind[event->kind]->name, "fault") == 0) {
        return (struct row){FAULTS, 1 + (uint32_t)fl_export_value(c->events, event, "fault")};
    }
    return (struct row){LEDGER, 1 + event->kind};
}

/* --- causes ------------------------------------------------------------------------------------------- */

static const struct fl_export_event *event_of(const struct chrome *c, int64_t id)
{
    return id > 0 && (size_t)id < c->ids && c->place[id] ? &c->events->at[c->place[id] - 1] : NULL;
}

static bool is_drawn(const struct chrome *c, const struct fl_export_event *event)
{
    return event && c->events->wanted[event->kind];
}

/* NULL if the record is a root, or its parent is not drawn. */
static const struct fl_export_event *parent_of(const struct chrome *c,
                                               const struct fl_export_event *event)
{
    const int64_t parent = fl_export_value(c->events, event, "parent");
    return parent < event->id ? event_of(c, parent) : NULL;
}

static void link_causes(struct chrome *c)
{
    int64_t newest = 0;
    for (size_t i = 0; i < c->events->count; i++) {
        newest = c->events->at[i].id > newest ? c->events->at[i].id : newest;
    }
    c->ids = (size_t)newest + 1;
    c->place = fl_alloc(c->ids, sizeof *c->place);
    c->child = fl_alloc(c->ids, sizeof *c->child);
    c->next = fl_alloc(c->ids, sizeof *c->next);
    for (size_t i = 0; i < c->events->count; i++) {
        c->place[c->events->at[i].id] = (uint32_t)(i + 1);
    }
    for (size_t id = c->ids; id-- > 1;) {
        const struct fl_export_event *event = event_of(c, (int64_t)id);
        const struct fl_export_event *parent = is_drawn(c, event) ? parent_of(c, event) : NULL;
        if (is_drawn(c, parent)) {
            c->next[id] = c->child[parent->id];
            c->child[parent->id] = (uint32_t)id;
        }
    }
}

static bool is_touched(const struct chrome *c, const struct fl_export_event *event)
{
    return c->child[event->id] != 0 || is_drawn(c, parent_of(c, event));
}

/* --- names of rows ------------------------------------------------------------------------------------ */

/* Groups in the order of their first node. */
static void number_groups(struct chrome *c)
{
    uint32_t next = FIRST_GROUP;
    for (size_t i = 0; i < c->events->nodes; i++) {
        c->pid[i] = i > 0 && strcmp(c->group[i], c->group[i - 1]) == 0 ? c->pid[i - 1] : next++;
    }
}

static void write_process(struct chrome *c, uint32_t pid, const char *name)
{
    const struct row row = {pid, 0};
    put_name(c, "process", row, name);
    put_place(c, "process", row, pid);
}

static void write_node_rows(struct chrome *c)
{
    for (uint32_t i = 0; i < c->events->nodes; i++) {
        if (i == 0 || c->pid[i] != c->pid[i - 1]) {
            write_process(c, c->pid[i], c->group[i]);
        }
        uint64_t most = 1;
        for (uint32_t j = 0; j < c->events->nodes; j++) {
            most = c->lanes[j] + 1 > most ? c->lanes[j] + 1 : most;
        }
        for (uint32_t lane = 0; lane <= c->lanes[i]; lane++) {
            char name[256];
            fl_say(name, sizeof name, lane ? "%s (%" PRIu32 ")" : "%s", c->events->node[i],
                   lane + 1);
            put_name(c, "thread", row_of_node(c, i, lane), name);
            put_place(c, "thread", row_of_node(c, i, lane), i * most + lane);
        }
    }
}

static const char *fault_name(const struct chrome *c, uint32_t fault)
{
    const struct fl_sheet_column *name = fl_sheet_find(c->faults, "name");
    return name && name->is_text ? name->text[fault] : "fault";
}

static void write_rows(struct chrome *c)
{
    if (c->faults && c->faults->rows > 0) {
        write_process(c, FAULTS, "faults");
        for (uint32_t i = 0; i < c->faults->rows; i++) {
            put_name(c, "thread", (struct row){FAULTS, 1 + i}, fault_name(c, i));
        }
    }
    write_process(c, LEDGER, "contracts, checks, engine");
    bool *used = fl_alloc(c->events->kinds, sizeof *used);
    for (size_t i = 0; i < c->events->count; i++) {
        const struct fl_export_event *event = &c->events->at[i];
        used[event->kind] |= is_drawn(c, event) && row_of_record(c, event).pid == LEDGER;
    }
    for (size_t k = 0; k < c->events->kinds; k++) {
        if (used[k]) {
            put_name(c, "thread", (struct row){LEDGER, 1 + (uint32_t)k}, c->events->kind[k]->name);
        }
    }
    free(used);
    write_node_rows(c);
}

/* --- what there is to draw ---------------------------------------------------------------------------- */

static void add_mark(struct chrome *c, enum what what, size_t which, int64_t from, int64_t length)
{
    if (c->marks == c->room) {
        c->room = c->room ? 2 * c->room : 1024;
        c->mark = fl_realloc(c->mark, c->room, sizeof *c->mark);
    }
    c->mark[c->marks++] =
        (struct mark){.from = from, .length = length, .what = what, .which = (uint32_t)which};
}

/* The proposal that a replica's execution goes back to: the nearest among what caused it. */
static const struct fl_export_event *proposal_of(const struct chrome *c,
                                                 const struct fl_export_event *applied)
{
    const int64_t height = fl_export_value(c->events, applied, "height");
    const struct fl_export_event *at = parent_of(c, applied);
    for (int steps = 0; at && steps < NEAR; steps++, at = parent_of(c, at)) {
        if (strcmp(c->events->kind[at->kind]->name, "block") == 0 &&
            fl_export_value(c->events, at, "height") == height) {
            return at;
        }
    }
    return NULL;
}

static int by_node_and_start(const void *a, const void *b)
{
    const struct span *one = a, *other = b;
    if (one->node != other->node) {
        return one->node < other->node ? -1 : 1;
    }
    if (one->from != other->from) {
        return one->from < other->from ? -1 : 1;
    }
    return (one->applied->id > other->applied->id) - (one->applied->id < other->applied->id);
}

/* The first lane that is free again. */
static void place_spans(struct chrome *c)
{
    if (c->spans > 0) {
        qsort(c->span, c->spans, sizeof *c->span, by_node_and_start);
    }
    int64_t *busy_to = fl_alloc(c->spans, sizeof *busy_to);
    uint32_t used = 0;
    for (size_t i = 0; i < c->spans; i++) {
        struct span *span = &c->span[i];
        used = i > 0 && span->node == span[-1].node ? used : 0;
        uint32_t lane = 0;
        while (lane < used && busy_to[lane] > span->from) {
            lane++;
        }
        used = lane == used ? used + 1 : used;
        busy_to[lane] = span->to;
        span->lane = lane;
        c->lanes[span->node] = lane > c->lanes[span->node] ? lane : c->lanes[span->node];
        add_mark(c, A_BLOCK, i, span->from, span->to - span->from);
    }
    free(busy_to);
}

static void find_blocks(struct chrome *c)
{
    for (size_t i = 0; i < c->events->count; i++) {
        const struct fl_export_event *event = &c->events->at[i];
        const int64_t node = fl_export_value(c->events, event, "endpoint");
        if (!is_drawn(c, event) || !is_node(c, node) ||
            strcmp(c->events->kind[event->kind]->name, "applied") != 0) {
            continue;
        }
        const struct fl_export_event *proposed = proposal_of(c, event);
        if (proposed) {
            c->span = fl_realloc(c->span, c->spans + 1, sizeof *c->span);
            c->span[c->spans++] =
                (struct span){.from = proposed->time,
                              .to = event->time > proposed->time ? event->time : proposed->time + 1,
                              .proposed = proposed,
                              .applied = event,
                              .node = (uint32_t)node};
        }
    }
    place_spans(c);
}

static int64_t fault_number(const struct chrome *c, const char *column, size_t fault)
{
    const struct fl_sheet_column *found = fl_sheet_find(c->faults, column);
    return found && !found->is_text ? found->number[fault] : 0;
}

static void add_opening(struct chrome *c, uint32_t fault, int64_t from)
{
    c->opening = fl_realloc(c->opening, c->openings + 1, sizeof *c->opening);
    c->opening[c->openings++] = (struct opening){.from = from, .to = from, .fault = fault};
}

/* Of each opening, by its record: the latest recovery from it; 0 if there is none. */
static int64_t *find_recoveries(const struct chrome *c)
{
    int64_t *latest = fl_alloc(c->ids, sizeof *latest);
    for (size_t i = 0; i < c->events->count; i++) {
        const struct fl_export_event *event = &c->events->at[i];
        if (strcmp(c->events->kind[event->kind]->name, "recovery") == 0) {
            const struct fl_export_event *opening = parent_of(c, event);
            latest[opening ? opening->id : 0] = event->time;
        }
    }
    return latest;
}

/* All openings of one fault: they follow each other, and the last one ends with the fault. */
static void find_openings(struct chrome *c, uint32_t fault, const int64_t *latest)
{
    const size_t first = c->openings;
    for (size_t i = 0; i < c->events->count; i++) {
        const struct fl_export_event *event = &c->events->at[i];
        if (strcmp(c->events->kind[event->kind]->name, "fault") == 0 &&
            fl_export_value(c->events, event, "fault") == fault) {
            if (c->openings > first && c->opening[c->openings - 1].to == 0) {
                c->opening[c->openings - 1].to = event->time; /* nobody recovered in between */
            }
            add_opening(c, fault, event->time);
            c->opening[c->openings - 1].to = latest[event->id];
        }
    }
    if (c->openings == first && c->events->kinds == 0 && fault_number(c, "from", fault) < c->end) {
        add_opening(c, fault, fault_number(c, "from", fault)); /* detail "summary" */
    }
    if (c->openings > first) {
        const int64_t to = fault_number(c, "to", fault);
        c->opening[c->openings - 1].to = to < c->end ? to : c->end;
    }
}

static void find_faults(struct chrome *c)
{
    int64_t *latest = find_recoveries(c);
    for (uint32_t fault = 0; c->faults && fault < c->faults->rows; fault++) {
        find_openings(c, fault, latest);
    }
    free(latest);
    for (size_t i = 0; i < c->openings; i++) {
        const int64_t length = c->opening[i].to - c->opening[i].from;
        add_mark(c, A_FAULT, i, c->opening[i].from, length > 0 ? length : 1);
    }
}

static int64_t of_message(const struct chrome *c, const char *column, size_t row)
{
    const struct fl_sheet_column *found = fl_sheet_find(c->messages, column);
    return found && !found->is_text ? found->number[row] : 0;
}

static void find_messages(struct chrome *c)
{
    for (size_t i = 0; c->messages && i < c->messages->rows; i++) {
        const bool delivered = of_message(c, "fate", i) == DELIVERED &&
                               is_node(c, of_message(c, "to", i));
        if (is_node(c, of_message(c, "from", i))) {
            add_mark(c, A_SENT, i, of_message(c, "sent", i), delivered);
        }
        if (delivered && is_node(c, of_message(c, "from", i))) {
            add_mark(c, AN_ARRIVAL, i, of_message(c, "arrives", i), 1);
        }
    }
}

static int by_time(const void *a, const void *b)
{
    const struct mark *one = a, *other = b;
    if (one->from != other->from) {
        return one->from < other->from ? -1 : 1;
    }
    if (one->length != other->length) {
        return one->length > other->length ? -1 : 1;
    }
    if (one->what != other->what) {
        return one->what < other->what ? -1 : 1;
    }
    return (one->which > other->which) - (one->which < other->which);
}

static void find_marks(struct chrome *c)
{
    find_blocks(c);
    find_faults(c);
    for (size_t i = 0; i < c->events->count; i++) {
        const struct fl_export_event *event = &c->events->at[i];
        if (is_drawn(c, event)) {
            add_mark(c, A_RECORD, i, event->time, is_touched(c, event));
        }
    }
    find_messages(c);
    if (c->marks > 0) {
        qsort(c->mark, c->marks, sizeof *c->mark, by_time);
    }
}

/* --- drawing ------------------------------------------------------------------------------------------- */

static void write_block(struct chrome *c, const struct mark *mark)
{
    const struct span *span = &c->span[mark->which];
    const struct fl_sheet *sheet = c->events->kind[span->proposed->kind];
    char name[64];
    fl_say(name, sizeof name, "block %" PRId64,
           fl_export_value(c->events, span->applied, "height"));
    begin_mark(c, row_of_node(c, span->node, span->lane), mark->from, mark->length);
    put_words(c->file, "cat", "block");
    put_words(c->file, "name", name);
    fprintf(c->file, ",\"args\":{\"proposed\":%" PRId64 ",\"applied\":%" PRId64 ",\"block\":",
            span->proposed->id, span->applied->id);
    fl_export_values(c->file, sheet, span->proposed->row);
    fputs("}}", c->file);
}

static void write_fault(struct chrome *c, const struct mark *mark)
{
    const uint32_t fault = c->opening[mark->which].fault;
    begin_mark(c, (struct row){FAULTS, 1 + fault}, mark->from, mark->length);
    put_words(c->file, "cat", "fault");
    const char *between = ",\"args\":{";
    put_words(c->file, "name", fault_name(c, fault));
    for (size_t i = 0; i < c->faults->columns; i++) {
        fputs(between, c->file);
        fl_export_string(c->file, c->faults->column[i].name);
        fputc(':', c->file);
        fl_export_cell(c->file, &c->faults->column[i], fault);
        between = ",";
    }
    fputs("}}", c->file);
}

static void write_record(struct chrome *c, const struct mark *mark)
{
    const struct fl_export_event *event = &c->events->at[mark->which];
    const struct fl_sheet *sheet = c->events->kind[event->kind];
    const struct row row = row_of_record(c, event);
    begin_mark(c, row, mark->from, mark->length);
    put_words(c->file, "cat", "record");
    put_words(c->file, "name", sheet->name);
    fprintf(c->file, ",\"args\":{\"id\":%" PRId64 ",\"parent\":%" PRId64 ",\"values\":", event->id,
            fl_export_value(c->events, event, "parent"));
    fl_export_values(c->file, sheet, event->row);
    fputs("}}", c->file);
    if (is_drawn(c, parent_of(c, event))) {
        put_arrow(c, "f", row, mark->from, "cause", event->id);
    }
    for (uint32_t child = c->child[event->id]; child; child = c->next[child]) {
        put_arrow(c, "s", row, mark->from, "cause", child);
    }
}

static const char *family_word(int64_t family)
{
    static const char *const word[] = {"",       "consensus", "chain", "source",
                                       "market", "oracle",    "agent", "defence"};
    return family >= 0 && family < (int64_t)(sizeof word / sizeof *word) ? word[family] : "family";
}

static void write_message(struct chrome *c, const struct mark *mark)
{
    static const char *const fate[] = {"", "", " lost", " on its way"};
    const size_t row = mark->which;
    const bool sent = mark->what == A_SENT;
    const int64_t end = of_message(c, "fate", row);
    char name[64];
    fl_say(name, sizeof name, "%s %s %" PRId64 "%s", sent ? "send" : "get",
           family_word(of_message(c, "family", row)), of_message(c, "kind", row),
           end >= DELIVERED && end <= PENDING ? fate[end] : "");
    const struct row at = row_of_node(c, (uint32_t)of_message(c, sent ? "from" : "to", row), 0);
    begin_mark(c, at, mark->from, mark->length);
    put_words(c->file, "cat", "message");
    put_words(c->file, "name", name);
    const char *between = ",\"args\":{";
    for (size_t i = 0; i < c->messages->columns; i++) {
        fputs(between, c->file);
        fl_export_string(c->file, c->messages->column[i].name);
        fputc(':', c->file);
        fl_export_cell(c->file, &c->messages->column[i], row);
        between = ",";
    }
    fputs("}}", c->file);
    if (mark->length > 0) {
        put_arrow(c, sent ? "s" : "f", at, mark->from, "message", (int64_t)row + 1);
    }
}

static void write_marks(struct chrome *c)
{
    for (size_t i = 0; i < c->marks; i++) {
        const struct mark *mark = &c->mark[i];
        switch (mark->what) {
        case A_FAULT:
            write_fault(c, mark);
            break;
        case A_BLOCK:
            write_block(c, mark);
            break;
        case A_RECORD:
            write_record(c, mark);
            break;
        case A_SENT:
        case AN_ARRIVAL:
            write_message(c, mark);
            break;
        }
    }
}

static void write_facts(struct chrome *c)
{
    static const char *const fact[] = {"name", "seed", "digest", "faultline_version"};
    fputs("{\"displayTimeUnit\":\"ms\",\"otherData\":{", c->file);
    for (size_t i = 0; i < sizeof fact / sizeof *fact; i++) {
        char *text = fl_trace_attribute(c->export->trace, "/", fact[i]);
        fprintf(c->file, "%s\"%s\":", i ? "," : "", fact[i]);
        fl_export_string(c->file, text ? text : "");
        free(text);
    }
    fputs("},\n\"traceEvents\":[", c->file);
}

/* --- the whole ----------------------------------------------------------------------------------------- */

/* NULL without a problem if the dataset is not wanted. */
static struct fl_sheet *load_wanted(const struct fl_exporting *export, const char *name,
                                    const char **problem)
{
    if (*problem || !fl_export_wants(export, name)) {
        return NULL;
    }
    struct fl_sheet *sheet = fl_sheet_new(export->trace, name);
    *problem = sheet ? fl_sheet_load(sheet, export->trace) : fl_trace_error(export->trace);
    return sheet;
}

static const char *load(struct chrome *c)
{
    const char *problem;
    c->events = fl_export_events_new(c->export, &problem);
    c->faults = load_wanted(c->export, "faults", &problem);
    c->messages = load_wanted(c->export, "messages", &problem);
    if (problem) {
        return problem;
    }
    size_t count;
    c->group = fl_trace_text(c->export->trace, "/nodes/group", &count);
    if (c->group && count != c->events->nodes) {
        return fl_disk_failure("/nodes/group and /nodes/name differ in length: the archive is "
                               "damaged, run its scenario again");
    }
    int64_t *time = c->group ? fl_trace_int64(c->export->trace, "/series/time", &count) : NULL;
    if (!time) {
        return fl_trace_error(c->export->trace);
    }
    c->end = count > 0 ? time[count - 1] : 0;
    if (c->events->count > 0 && c->events->at[c->events->count - 1].time > c->end) {
        c->end = c->events->at[c->events->count - 1].time;
    }
    free(time);
    c->pid = fl_alloc(c->events->nodes, sizeof *c->pid);
    c->lanes = fl_alloc(c->events->nodes, sizeof *c->lanes);
    number_groups(c);
    return NULL;
}

static void unload(struct chrome *c)
{
    if (c->events) {
        fl_export_events_free(c->events);
    }
    if (c->faults) {
        fl_sheet_free(c->faults);
    }
    if (c->messages) {
        fl_sheet_free(c->messages);
    }
    free(c->place);
    free(c->child);
    free(c->next);
    free(c->group);
    free(c->pid);
    free(c->mark);
    free(c->span);
    free(c->opening);
    free(c->lanes);
}

const char *fl_export_chrome(struct fl_exporting *export)
{
    struct chrome c = {.export = export};
    const char *problem = load(&c);
    c.file = problem ? NULL : fl_outputs_open(export->outputs, export->output);
    if (c.file) {
        link_causes(&c);
        find_marks(&c);
        write_facts(&c);
        write_rows(&c);
        write_marks(&c);
        fputs("\n]}\n", c.file);
    }
    unload(&c);
    return problem;
}
