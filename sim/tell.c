/* What happens on a stage, in words: see tell.h. */
#include "sim/tell.h"

#include "sim/unit_text.h"

#include <inttypes.h>
#include <string.h>

enum { NAME = 2 * FL_NAME_MAX };

/* Ids that depend on the order of things enter by content. */
static uint32_t short_digest(const struct fl_stage *s, const struct fl_msg *msg)
{
    struct {
        struct fl_msg msg;
        struct fl_digest blob, version;
    } all = {.msg = *msg};
    all.msg.blob = FL_NO_BLOB;
    all.msg.version = FL_NO_VERSION;
    all.blob = fl_blobs_digest(s->world->blobs, msg->blob);
    if (msg->version.i) all.version = fl_ledger_state(s->world->ledger, msg->version);
    return (uint32_t)fl_digest_of(&all, sizeof all).lo;
}

static int words_of(const struct fl_stage *s, const struct fl_msg *m, char *out, size_t bytes)
{
    return snprintf(out, bytes,
                    "%s %u (%" PRIu64 ", %" PRIu64 ", %" PRIu64 ") value %08" PRIx32
                    ", message %08" PRIx32,
                    m->family ? fl_family_name(m->family) : "every layer", m->kind, m->word[0],
                    m->word[1], m->word[2], (uint32_t)m->value[0], short_digest(s, m));
}

void fl_move_text(const struct fl_stage *s, uint32_t number, char out[FL_MOVE_TEXT])
{
    const struct fl_move *m = fl_stage_move(s, number);
    char name[NAME], from[NAME], said[FL_MOVE_TEXT - 2 * NAME];
    fl_endpoint_name(s->config, m->endpoint, name, sizeof name);
    switch ((enum fl_move_kind)m->kind) {
    case FL_MOVE_HEAR:
        fl_endpoint_name(s->config, m->msg.from.i, from, sizeof from);
        words_of(s, &m->msg, said, sizeof said);
        snprintf(out, FL_MOVE_TEXT, "%.60s hears %.60s: %s", name, from, said);
        return;
    case FL_MOVE_TIMER: {
        const struct fl_timer *t = &s->world->timer[m->index];
        snprintf(out, FL_MOVE_TEXT, "%s: timer %u of %s expires", name, t->slot,
                 fl_family_name(t->layer));
        return;
    }
    case FL_MOVE_FAULT: {
        const enum fl_fault_edge edge = m->edge & FL_EDGE_MASK;
        snprintf(out, FL_MOVE_TEXT, "fault %s %s", s->config->fault[m->index].name,
                 edge == FL_EDGE_OPENS    ? "begins"
                 : edge == FL_EDGE_CLOSES ? "ends"
                                          : "strikes one more");
        return;
    }
    }
    FL_UNREACHABLE("move");
}

/* --- what comes of a move ------------------------------------------------------------------------------ */

static void tell_words(const struct fl_stage *s, const struct fl_msg *msg, FILE *to)
{
    char said[FL_MOVE_TEXT], from[NAME], name[NAME];
    const char *between = " to ";
    words_of(s, msg, said, sizeof said);
    fl_endpoint_name(s->config, msg->from.i, from, sizeof from);
    fprintf(to, "        %s says %s", from, said);
    for (uint32_t i = 0; i < s->sent_count; i++) {
        if (memcmp(&s->sent[i].msg, msg, sizeof *msg) != 0) continue;
        fl_endpoint_name(s->config, s->sent[i].endpoint, name, sizeof name);
        fprintf(to, "%s%s", between, name);
        between = ", ";
    }
    fputc('\n', to);
}

static void tell_sent(const struct fl_stage *s, FILE *to)
{
    for (uint32_t i = 0; i < s->sent_count; i++) {
        bool told = false;
        for (uint32_t j = 0; j < i; j++)
            told |= memcmp(&s->sent[i].msg, &s->sent[j].msg, sizeof s->sent[i].msg) == 0;
        if (!told) tell_words(s, &s->sent[i].msg, to);
    }
}

static void tell_record(const struct fl_stage *s, const struct fl_record *r, FILE *to)
{
    const struct fl_record_kind *kind = fl_record_kinds;
    while (kind->kind && kind->kind != r->kind) kind++;
    if (!kind->kind || r->kind < FL_RECORD_MODELS) return;
    char name[NAME], value[FL_UNIT_TEXT];
    fl_endpoint_name(s->config, r->endpoint, name, sizeof name);
    fprintf(to, "        %s notes: %s", name, kind->name);
    for (int i = 0; i < FL_RECORD_VALUES; i++) {
        if (!kind->column[i].name) continue;
        fl_unit_text(r->v[i], kind->column[i].unit, value);
        fprintf(to, " %s %s", kind->column[i].name, value);
    }
    fputc('\n', to);
}

void fl_tell_move(struct fl_stage *s, uint32_t *position, uint32_t move, uint32_t number, FILE *to)
{
    char text[FL_MOVE_TEXT];
    fl_move_text(s, move, text);
    fprintf(to, "%5" PRIu32 ". %s\n", number, text);
    uint32_t id = fl_records_count(s->world->records);
    fl_position_make(s, position, move);
    tell_sent(s, to);
    while (id++ < fl_records_count(s->world->records))
        tell_record(s, fl_records_get(s->world->records, id), to);
}

void fl_tell_placement(const struct fl_stage *s, FILE *to)
{
    char name[NAME];
    for (uint32_t i = 0; i < s->config->fault_count; i++) {
        const struct fl_fault_spec *spec = &s->config->fault[i];
        if (spec->model->fault->carries) continue;
        fprintf(to, "    0. fault %s strikes", spec->name);
        for (uint32_t k = 0; k < spec->count; k++) {
            fl_endpoint_name(s->config, spec->member[k], name, sizeof name);
            fprintf(to, "%s %s", k ? "," : "", name);
        }
        fputc('\n', to);
    }
}
