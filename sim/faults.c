/* What adversaries make of an honest step's words, and what they overhear. */
#include "sim/network.h"

#include <assert.h>
#include <string.h>

/* --- rewriting ------------------------------------------------------------------------------------------- */

static bool same_blob(const struct fl_outbox *honest, fl_blob was, const struct fl_outbox *out,
                      fl_blob is)
{
    uint32_t was_bytes = 0, is_bytes = 0;
    const void *was_data = fl_outbox_data(honest, was, &was_bytes);
    const void *is_data = fl_outbox_data(out, is, &is_bytes);
    if (!was_data || !is_data) return !was_data && !is_data && was.i == is.i;
    return was_bytes == is_bytes && memcmp(was_data, is_data, was_bytes) == 0;
}

/* Was effect `b`, which claims to repeat `a`, left as it is? Blobs are compared by content, the rest
 * field by field: the padding of a struct is nobody's. */
static bool unchanged(const struct fl_outbox *honest, const struct fl_effect *a,
                      const struct fl_outbox *out, const struct fl_effect *b)
{
    struct fl_msg x = a->msg, y = b->msg;
    x.blob = y.blob = FL_NO_BLOB;
    return same_blob(honest, a->msg.blob, out, b->msg.blob) && memcmp(&x, &y, sizeof x) == 0 &&
           a->kind == b->kind && a->reach == b->reach && a->to.i == b->to.i && a->as.i == b->as.i &&
           a->timer == b->timer && a->offset == b->offset && a->epoch == b->epoch &&
           a->delay == b->delay && a->record == b->record && memcmp(a->v, b->v, sizeof a->v) == 0;
}

/* An adversary acts as members of its coalition only, and only the event's own node has timers and
 * local calls here. Anything else is not in its power: left out. */
static bool in_its_power(const struct fl_fault_state *f, uint32_t endpoint,
                         const struct fl_effect *e)
{
    uint32_t rank;
    if (e->as.i == endpoint) return true;
    return e->kind == FL_SEND && fl_fault_holds(f, e->as.i, &rank);
}

static uint32_t note_bite(struct fl_world *w, uint32_t index, uint32_t endpoint,
                          const struct fl_msg *msg)
{
    const int64_t v[FL_RECORD_VALUES] = {
        index, endpoint, msg->family, msg->kind, (int64_t)msg->word[0], (int64_t)msg->word[1]};
    return fl_world_note(w, FL_RECORD_SUPPRESSED, endpoint, w->fault[index].result.record, v);
}

uint32_t fl_fault_bites(struct fl_world *w, uint32_t index, uint32_t endpoint,
                        const struct fl_msg *msg)
{
    w->fault[index].result.suppressed++;
    return note_bite(w, index, endpoint, msg);
}

/* Counts what is changed or added, leaves out what is beyond its power, and marks in `repeated` what
 * of the honest words is left. Every such send is a child of the fault's edge; the id of the first,
 * or of the first effect of another kind if there is no send, or none. */
static uint32_t account_spoken(struct fl_world *w, uint32_t index, uint32_t endpoint,
                               const struct fl_outbox *honest, struct fl_outbox *out,
                               uint64_t *repeated)
{
    struct fl_fault_state *f = &w->fault[index];
    const struct fl_effect *other = NULL;
    uint32_t kept = 0, first = FL_NO_RECORD;
    for (uint32_t i = 0; i < out->count; i++) {
        const struct fl_effect *e = &out->at[i];
        const uint32_t o = e->origin;
        const bool said_before = o > 0 && unchanged(honest, &honest->at[o - 1], out, e);
        if (!said_before && !in_its_power(f, endpoint, e)) continue;
        if (o > 0) repeated[(o - 1) / 64] |= (uint64_t)1 << (o - 1) % 64;
        if (!said_before) {
            f->result.injected++;
            const uint32_t id = e->kind == FL_SEND ? note_bite(w, index, endpoint, &e->msg)
                                                   : FL_NO_RECORD;
            if (first == FL_NO_RECORD) first = id;
            if (id == FL_NO_RECORD && !other) other = e;
        }
        out->at[kept++] = *e;
    }
    out->count = kept;
    return first != FL_NO_RECORD || !other ? first : note_bite(w, index, endpoint, &other->msg);
}

/* What is kept back is a child of the fault's edge too. If the node says something else than it
 * would have, all it says now descends from there. */
static void account(struct fl_world *w, uint32_t index, uint32_t endpoint,
                    const struct fl_outbox *honest, struct fl_outbox *out)
{
    static_assert(FL_OUTBOX_EFFECTS % 64 == 0, "one bit for each effect");
    uint64_t repeated[FL_OUTBOX_EFFECTS / 64] = {0};
    const uint32_t cause = account_spoken(w, index, endpoint, honest, out, repeated);
    for (uint32_t i = 0; i < honest->count; i++) {
        if (repeated[i / 64] >> i % 64 & 1) continue;
        w->fault[index].result.suppressed++;
        if (honest->at[i].kind == FL_SEND) note_bite(w, index, endpoint, &honest->at[i].msg);
    }
    if (cause != FL_NO_RECORD) w->cause = cause;
}

static void clear(struct fl_outbox *out, const struct fl_outbox *like)
{
    out->self = like->self;
    out->count = out->blob_count = out->scratch_used = 0;
    out->signs = like->signs;
    out->verifies = like->verifies;
}

/* Whatever a twin says is said twice under one name: all of it descends from the fault. */
static void account_twin(struct fl_world *w, uint32_t endpoint)
{
    const uint32_t index = w->node[endpoint].doubled_by;
    uint32_t first = FL_NO_RECORD;
    for (uint32_t i = 0; i < w->honest->count; i++) {
        if (w->honest->at[i].kind != FL_SEND) continue;
        w->fault[index].result.injected++;
        const uint32_t id = note_bite(w, index, endpoint, &w->honest->at[i].msg);
        if (first == FL_NO_RECORD) first = id;
    }
    if (first != FL_NO_RECORD) w->cause = first;
}

/* Several faults on one node act one after the other, in the order of the scenario. */
struct fl_outbox *fl_corrupt(struct fl_world *w, uint32_t endpoint, const struct fl_event *ev,
                             const struct fl_view *view)
{
    struct fl_outbox *said = w->honest;
    if (w->node[endpoint].doubled_by != UINT32_MAX) account_twin(w, endpoint);
    for (uint32_t i = 0; i < w->config->fault_count; i++) {
        struct fl_fault_state *f = &w->fault[i];
        uint32_t rank;
        if (!f->result.spec->model->fault->step || !fl_fault_holds(f, endpoint, &rank)) continue;
        struct fl_outbox *out = said == w->spoken[0] ? w->spoken[1] : w->spoken[0];
        clear(out, said);
        f->result.spec->model->fault->step(&f->coalition, f->state, rank, ev, view, said, out);
        account(w, i, endpoint, said, out);
        said = out;
    }
    return said;
}

/* --- omissions, and work ------------------------------------------------------------------------------------ */

bool fl_fault_deafens(struct fl_world *w, uint32_t endpoint, const struct fl_msg *msg)
{
    for (uint32_t i = 0; i < w->config->fault_count; i++) {
        const struct fl_fault_state *f = &w->fault[i];
        const struct fl_fault_model *model = f->result.spec->model->fault;
        uint32_t rank;
        if (!model->hears || !fl_fault_holds(f, endpoint, &rank)) continue;
        if (model->hears(&f->coalition, rank, msg)) continue;
        fl_fault_bites(w, i, endpoint, msg);
        return true;
    }
    return false;
}

bool fl_fault_silences(struct fl_world *w, uint32_t endpoint, const struct fl_msg *msg, uint32_t to)
{
    for (uint32_t i = 0; i < w->config->fault_count; i++) {
        const struct fl_fault_state *f = &w->fault[i];
        const struct fl_fault_model *model = f->result.spec->model->fault;
        uint32_t rank;
        if (!model->says || !fl_fault_holds(f, endpoint, &rank)) continue;
        if (model->says(&f->coalition, rank, msg, (fl_endpoint){to})) continue;
        fl_fault_bites(w, i, endpoint, msg);
        return true;
    }
    return false;
}

uint32_t fl_fault_slows(struct fl_world *w, uint32_t endpoint, const struct fl_event *ev,
                        uint32_t cause)
{
    fl_time *busy_until = &w->node[endpoint].busy_until;
    for (uint32_t i = 0; i < w->config->fault_count; i++) {
        struct fl_fault_state *f = &w->fault[i];
        const struct fl_fault_model *model = f->result.spec->model->fault;
        uint32_t rank;
        if (!model->toil || !fl_fault_holds(f, endpoint, &rank)) continue;
        const fl_time work = model->toil(&f->coalition, rank, ev);
        FL_ASSERT(work >= 0);
        if (work == 0) continue;
        *busy_until = fl_add(fl_max(*busy_until, w->now), work);
        f->result.injected++;
        cause = note_bite(w, i, endpoint, &ev->msg);
    }
    return cause;
}

/* --- rushing ------------------------------------------------------------------------------------------------ */

void fl_overhear(struct fl_world *w, uint32_t from, uint32_t to, const struct fl_msg *msg)
{
    for (uint32_t i = 0; i < w->config->fault_count; i++) {
        struct fl_fault_state *f = &w->fault[i];
        uint32_t rank, sender;
        if (!f->result.spec->model->fault->rushing) continue;
        if (!fl_fault_holds(f, to, &rank) || fl_fault_holds(f, from, &sender)) continue;
        const struct fl_local local = {.kind = FL_LOCAL_OVERHEARD,
                                       .endpoint = to,
                                       .fault = i,
                                       .rank = rank,
                                       .layer = msg->family,
                                       .cause = w->cause,
                                       .msg = *msg};
        fl_push_local(w, &local);
    }
}

/* The coalition hears now what will arrive later; nobody honest said anything at this event. */
void fl_step_overheard(struct fl_world *w, const struct fl_local *local)
{
    struct fl_fault_state *f = &w->fault[local->fault];
    struct fl_event ev = {
        .kind = FL_OVERHEARD, .now = fl_clock_now(w, local->endpoint), .msg = local->msg};
    ev.data = fl_blobs_data(w->blobs, local->msg.blob, &ev.data_bytes);
    const struct fl_view view = {.reader = &w->reader};
    w->honest->self = (fl_endpoint){local->endpoint};
    w->honest->count = w->honest->blob_count = w->honest->scratch_used = 0;
    w->honest->signs = w->honest->verifies = 0;
    struct fl_outbox *out = w->spoken[0];
    clear(out, w->honest);
    f->result.spec->model->fault->step(&f->coalition, f->state, local->rank, &ev, &view, w->honest,
                                       out);
    account(w, local->fault, local->endpoint, w->honest, out);
    fl_apply(w, local->endpoint, local->layer, out);
}
