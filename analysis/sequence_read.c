/* What a message sequence chart needs of an archive. */
#include "analysis/sequence_figure.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, EXIT_IO = 3, PATH_BYTES = 256 };

static bool complain(const struct fl_trace *trace)
{
    fprintf(stderr, "faultline: %s\n", fl_trace_error(trace));
    return false;
}

static bool damaged(const char *directory, const char *what)
{
    fprintf(stderr, "faultline: %s/trace.h5: %s; run its scenario again\n", directory, what);
    return false;
}

/* --- messages -------------------------------------------------------------------------------------- */

struct place {
    int64_t sent;
    size_t row;
};

static int by_sending(const void *a, const void *b)
{
    const struct place *one = a, *other = b;
    if (one->sent != other->sent) {
        return one->sent < other->sent ? -1 : 1;
    }
    return (one->row > other->row) - (one->row < other->row);
}

static void permute(int64_t *column, const struct place *place, size_t count, int64_t *scratch)
{
    for (size_t i = 0; i < count; i++) {
        scratch[i] = column[place[i].row];
    }
    memcpy(column, scratch, count * sizeof *column);
}

/* What a busy node says leaves it later than it is stored. */
static void sort_messages(struct fl_sequence_messages *m)
{
    struct place *place = fl_alloc(m->count, sizeof *place);
    int64_t *scratch = fl_alloc(m->count, sizeof *scratch);
    for (size_t i = 0; i < m->count; i++) {
        place[i] = (struct place){m->sent[i], i};
    }
    if (m->count > 0) {
        qsort(place, m->count, sizeof *place, by_sending);
    }
    int64_t *const column[] = {m->sent, m->arrives, m->from, m->to, m->family, m->kind, m->fate};
    for (size_t i = 0; i < sizeof column / sizeof *column; i++) {
        permute(column[i], place, m->count, scratch);
    }
    free(place);
    free(scratch);
}

static bool read_messages(struct fl_trace *trace, const char *directory,
                          struct fl_sequence_messages *m)
{
    int64_t **const column[] = {&m->sent,   &m->arrives, &m->from, &m->to,
                                &m->family, &m->kind,    &m->fate};
    static const char *const path[] = {"/messages/sent", "/messages/arrives", "/messages/from",
                                       "/messages/to",   "/messages/family",  "/messages/kind",
                                       "/messages/fate"};
    for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
        size_t rows;
        *column[i] = fl_trace_int64(trace, path[i], &rows);
        if (!*column[i]) {
            return complain(trace);
        }
        if (i > 0 && rows != m->count) {
            return damaged(directory, "the columns of /messages differ in length");
        }
        m->count = rows;
    }
    sort_messages(m);
    return true;
}

static bool known_ends(const struct fl_sequence_run *run, const char *directory)
{
    for (size_t i = 0; i < run->messages.count; i++) {
        if ((uint64_t)run->messages.from[i] >= run->nodes ||
            (uint64_t)run->messages.to[i] >= run->nodes) {
            return damaged(directory, "a message goes to a node that there cannot be");
        }
    }
    return true;
}

/* The second endpoints of twins follow the nodes, and have no row in /nodes: at most one for each. */
static void name_twins(struct fl_sequence_run *run)
{
    enum { CELL = 32 };
    const size_t nodes = run->nodes;
    char **all = fl_alloc(4 * nodes, sizeof *all);
    run->twin = fl_alloc(nodes, CELL);
    for (size_t i = 0; i < nodes; i++) {
        all[i] = run->node[i];
        all[nodes + i] = run->twin + i * CELL;
        all[2 * nodes + i] = run->group[i];
        all[3 * nodes + i] = run->twin + i * CELL + CELL - 1; /* "" */
        fl_say(all[nodes + i], CELL - 1, "twin %zu", i + 1);
    }
    run->cells[0] = run->node;
    run->cells[1] = run->group;
    run->node = all;
    run->group = all + 2 * nodes;
    run->nodes = 2 * nodes;
}

void fl_sequence_kind(const struct fl_sequence_run *run, size_t message, char out[FL_SEQUENCE_NAME])
{
    const struct fl_sequence_messages *m = &run->messages;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, run->message_names)
    {
        const cJSON *family = cJSON_GetObjectItemCaseSensitive(entry, "family");
        const cJSON *kind = cJSON_GetObjectItemCaseSensitive(entry, "kind");
        const char *group = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "group"));
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "name"));
        if (group && name && cJSON_IsNumber(family) && cJSON_IsNumber(kind) &&
            family->valueint == m->family[message] && kind->valueint == m->kind[message] &&
            (run->group[m->to[message]][0] == '\0' ||
             strcmp(group, run->group[m->to[message]]) == 0)) {
            fl_say(out, FL_SEQUENCE_NAME, "%s", name);
            return;
        }
    }
    fl_say(out, FL_SEQUENCE_NAME, "kind %" PRId64, m->kind[message]);
}

/* --- records --------------------------------------------------------------------------------------- */

static void free_records(struct fl_sequence_records *records)
{
    free(records->time);
    free(records->endpoint);
    free(records->value);
}

/* `endpoint`: the column that says whom it is about. */
static bool read_records(struct fl_trace *trace, const char *directory, const char *kind,
                         const char *endpoint, const char *value, struct fl_sequence_records *out)
{
    char path[PATH_BYTES];
    size_t rows[3];
    fl_say(path, sizeof path, "/events/%s", kind);
    if (!fl_trace_has(trace, path)) {
        return true;
    }
    int64_t **const column[] = {&out->time, &out->endpoint, &out->value};
    const char *const name[] = {"time", endpoint, value};
    for (size_t i = 0; i < 3; i++) {
        fl_say(path, sizeof path, "/events/%s/%s", kind, name[i]);
        *column[i] = fl_trace_int64(trace, path, &rows[i]);
        if (!*column[i]) {
            return complain(trace);
        }
    }
    out->count = rows[0];
    return (rows[0] == rows[1] && rows[0] == rows[2]) ||
           damaged(directory, "the columns of a kind of records differ in length");
}

/* --- faults ---------------------------------------------------------------------------------------- */

static bool is_member(const char *members, const char *node)
{
    const size_t length = strlen(node);
    for (const char *at = strstr(members, node); at; at = strstr(at + 1, node)) {
        if ((at == members || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

static int64_t end_of_spell(const struct fl_sequence_records *recoveries, uint32_t node,
                            uint32_t fault, int64_t from, int64_t otherwise)
{
    for (size_t i = 0; i < recoveries->count; i++) {
        if (recoveries->endpoint[i] == node && recoveries->value[i] == fault &&
            recoveries->time[i] >= from) {
            return recoveries->time[i];
        }
    }
    return otherwise;
}

/* Those that `begins` has of this fault and node; false if none. `node` may be left open, as an opening
 * of a fault is about all its members. */
static bool add_spells(struct fl_sequence_run *run, const struct fl_sequence_records *begins,
                       const struct fl_sequence_records *recoveries, uint32_t node, uint32_t fault,
                       bool everybody, int64_t otherwise)
{
    bool any = false;
    for (size_t i = 0; i < begins->count; i++) {
        if (begins->value[i] != fault || (!everybody && begins->endpoint[i] != node)) {
            continue;
        }
        any = true;
        run->spell = fl_realloc(run->spell, run->spells + 1, sizeof *run->spell);
        run->spell[run->spells++] = (struct fl_sequence_spell){
            .node = node,
            .fault = fault,
            .from = begins->time[i],
            .to = end_of_spell(recoveries, node, fault, begins->time[i], otherwise)};
    }
    return any;
}

/* A member that a fault took later, or with others one after another, has records of its own. */
static bool read_faults(struct fl_trace *trace, const char *directory, struct fl_sequence_run *run)
{
    size_t rows[4];
    run->fault = fl_trace_text(trace, "/faults/name", &rows[0]);
    run->fault_model = fl_trace_text(trace, "/faults/model", &rows[1]);
    char **members = fl_trace_text(trace, "/faults/members", &rows[2]);
    int64_t *to = fl_trace_int64(trace, "/faults/to", &rows[3]);
    struct fl_sequence_records struck = {0}, recoveries = {0};
    bool ok = run->fault && run->fault_model && members && to;
    ok = ok || complain(trace);
    ok = ok && ((rows[0] == rows[1] && rows[0] == rows[2] && rows[0] == rows[3]) ||
                damaged(directory, "the columns of /faults differ in length"));
    ok = ok && read_records(trace, directory, "struck", "of_endpoint", "fault", &struck) &&
         read_records(trace, directory, "recovery", "of_endpoint", "fault", &recoveries);
    run->faults = ok ? rows[0] : 0;
    for (uint32_t f = 0; f < run->faults; f++) {
        for (uint32_t node = 0; node < run->nodes; node++) {
            if (is_member(members[f], run->node[node]) &&
                !add_spells(run, &struck, &recoveries, node, f, false, to[f])) {
                add_spells(run, &run->edges, &recoveries, node, f, true, to[f]);
            }
        }
    }
    free_records(&struck);
    free_records(&recoveries);
    free(members);
    free(to);
    return ok;
}

/* --- checks ---------------------------------------------------------------------------------------- */

static bool read_checks(struct fl_trace *trace, const char *directory, struct fl_sequence_run *run)
{
    size_t rows[3];
    char **name = fl_trace_text(trace, "/checks/name", &rows[0]);
    char **verdict = fl_trace_text(trace, "/checks/verdict", &rows[1]);
    int64_t *time = fl_trace_int64(trace, "/checks/time", &rows[2]);
    bool ok = (name && verdict && time) || complain(trace);
    ok = ok && ((rows[0] == rows[1] && rows[0] == rows[2]) ||
                damaged(directory, "the columns of /checks differ in length"));
    for (size_t i = 0; ok && i < rows[0]; i++) {
        if (strcmp(verdict[i], "broken") == 0 && (!run->broken || time[i] < run->broken_at)) {
            free(run->broken);
            run->broken = fl_strdup(name[i]);
            run->broken_at = time[i];
        }
    }
    free(name);
    free(verdict);
    free(time);
    return ok;
}

/* --- the whole ------------------------------------------------------------------------------------- */

static bool read_facts(struct fl_trace *trace, const char *directory, struct fl_sequence_run *run)
{
    size_t nodes, samples;
    run->name = fl_trace_attribute(trace, "/", "name");
    run->seed = fl_trace_attribute(trace, "/", "seed");
    run->node = fl_trace_text(trace, "/nodes/name", &run->nodes);
    run->group = run->node ? fl_trace_text(trace, "/nodes/group", &nodes) : NULL;
    int64_t *time = run->group ? fl_trace_int64(trace, "/series/time", &samples) : NULL;
    if (!run->name || !run->seed || !time) {
        free(time);
        return complain(trace);
    }
    run->end = samples > 0 ? time[samples - 1] : 0;
    free(time);
    if (nodes != run->nodes) {
        return damaged(directory, "the columns of /nodes differ in length");
    }
    char *names = fl_trace_attribute(trace, "/", "message_names");
    run->message_names = names ? cJSON_Parse(names) : NULL;
    free(names);
    name_twins(run);
    return true;
}

static bool read_all(struct fl_trace *trace, const char *directory, struct fl_sequence_run *run)
{
    return read_facts(trace, directory, run) && read_messages(trace, directory, &run->messages) &&
           known_ends(run, directory) &&
           read_records(trace, directory, "fault", "endpoint", "fault", &run->edges) &&
           read_records(trace, directory, "block", "endpoint", "height", &run->blocks) &&
           read_records(trace, directory, "locked", "endpoint", "height", &run->locked) &&
           read_records(trace, directory, "decided", "endpoint", "height", &run->decided) &&
           read_records(trace, directory, "deficit", "endpoint", "number", &run->deficits) &&
           read_faults(trace, directory, run) && read_checks(trace, directory, run);
}

int fl_sequence_read(const char *directory, struct fl_sequence_run *run)
{
    char error[8192];
    *run = (struct fl_sequence_run){0};
    struct fl_trace *trace = fl_trace_open(directory, error, sizeof error);
    if (!trace) {
        fprintf(stderr, "faultline: %s\n", error);
        return EXIT_IO;
    }
    int status = EXIT_USAGE;
    if (fl_trace_has(trace, "/messages")) {
        status = read_all(trace, directory, run) ? 0 : EXIT_IO;
    } else {
        fprintf(stderr,
                "faultline: %s/trace.h5 has no messages: run its scenario with \"trace\": "
                "{\"detail\": \"messages\"}, or with --set 'trace={\"detail\": \"messages\"}'\n",
                directory);
    }
    fl_trace_close(trace);
    return status;
}

void fl_sequence_free(struct fl_sequence_run *run)
{
    struct fl_sequence_messages *m = &run->messages;
    int64_t *const column[] = {m->sent, m->arrives, m->from, m->to, m->family, m->kind, m->fate};
    for (size_t i = 0; i < sizeof column / sizeof *column; i++) {
        free(column[i]);
    }
    free_records(&run->edges);
    free_records(&run->blocks);
    free_records(&run->locked);
    free_records(&run->decided);
    free_records(&run->deficits);
    free(run->name);
    free(run->seed);
    free(run->cells[0] ? run->node : NULL);
    free(run->cells[0] ? run->cells[0] : run->node);
    free(run->cells[0] ? run->cells[1] : run->group);
    free(run->twin);
    free(run->fault);
    free(run->fault_model);
    free(run->spell);
    free(run->broken);
    cJSON_Delete(run->message_names);
}
