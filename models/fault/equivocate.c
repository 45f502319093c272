/* Corrupted members of a consensus that tell half of their peers another story.
 *
 * Each broadcast of the consensus layer becomes single sends. Peers on one side hear what the honest
 * protocol would say, the other half an altered value and, where there is a blob, an altered
 * blob. The coalition divides the peers once, by draw, and alters like things alike, so that its
 * members support each other's lies; among themselves they speak the truth. Within the fault budget
 * a Byzantine protocol must survive this (Bracha and Toueg 1985: n > 3f is what it takes); beyond it
 * agreement breaks. */
#include "models/fault/words.h"

/* A digest remembered with its alteration: later messages name the content by digest alone. */
struct lie {
    struct fl_digest truth, told;
};
enum { LIES = 64 };
struct state {
    uint64_t next; /* lies so far */
    struct lie lie[LIES];
};

static const struct lie *lie_about(const struct state *s, const struct fl_msg *m)
{
    for (uint32_t i = 0; i < LIES && i < s->next; i++)
        if (fl_digest_equal(s->lie[i].truth, fl_fault_named(m))) return &s->lie[i];
    return NULL;
}

static void remember(struct state *s, const struct fl_msg *m, struct fl_digest told)
{
    if (lie_about(s, m)) return;
    struct lie *const lie = &s->lie[s->next++ % LIES];
    lie->truth.lo = (uint64_t)m->value[0];
    lie->truth.hi = (uint64_t)m->value[1];
    lie->told.lo = told.lo;
    lie->told.hi = told.hi;
}

/* The epoch of content is its height (first word). */
static fl_blob altered(const struct fl_outbox *honest, fl_blob blob, uint64_t epoch,
                       const struct fl_view *view, struct fl_outbox *out, struct fl_digest *was,
                       struct fl_digest *is)
{
    uint32_t bytes = 0;
    const void *const data = fl_fault_content(honest, view, blob, &bytes);
    if (data == NULL || bytes == 0) return FL_NO_BLOB;
    unsigned char *const copy = fl_blob_begin(out, bytes);
    memcpy(copy, data, bytes);
    fl_fault_change(copy, bytes);
    *was = fl_digest_of(data, bytes);
    return fl_blob_end(out, epoch, is);
}

/* A value that names the content goes on naming it; any other value changes in its last bit. What
 * was signed is signed again. */
static void alter(struct state *s, const struct fl_self *self, const struct fl_outbox *honest,
                  const struct fl_view *view, struct fl_msg *m, struct fl_outbox *out)
{
    struct fl_digest was = {0, 0}, is = {0, 0};
    const bool is_claim = fl_fault_claims(self, m, out);
    if (m->blob.i != 0) {
        const fl_blob told = altered(honest, m->blob, m->word[0], view, out, &was, &is);
        if (told.i != 0 && fl_digest_equal(was, fl_fault_named(m))) remember(s, m, is);
        m->blob = told;
    }
    const struct lie *const lie = lie_about(s, m);
    if (lie)
        fl_fault_name(m, lie->told);
    else
        m->value[0] ^= 1;
    if (is_claim) m->tag = fl_sign(self, fl_fault_claim(m), out);
}

/* The side a peer is on: the same for all of the coalition, for the whole window. Peers outside the
 * coalition are taken in pairs, and a draw says which of the two is deceived. */
static bool deceived(const struct fl_coalition *coalition, const struct fl_self *self,
                     uint32_t peer)
{
    uint32_t place = peer;
    for (uint32_t i = 0; i < coalition->count; i++) {
        if (coalition->member[i]->index == peer) return false;
        place -= coalition->member[i]->index < peer;
    }
    const uint64_t first =
        fl_draw_below(self->seed, FL_RNG_FAULT, coalition->member[0]->key, place / 2, 0, 2);
    return place % 2 == first;
}

static void divide(const struct fl_coalition *coalition, struct state *s,
                   const struct fl_self *self, const struct fl_view *view,
                   const struct fl_outbox *honest, uint32_t i, struct fl_outbox *out)
{
    struct fl_msg told = honest->at[i].msg;
    alter(s, self, honest, view, &told, out);
    for (uint32_t peer = 0; peer < self->group_size; peer++) {
        if (peer == self->index) continue;
        struct fl_effect *const e = fl_repeat(honest, i, out);
        e->reach = FL_TO_ONE;
        e->to.i = self->group_first + peer;
        if (deceived(coalition, self, peer)) e->msg = told;
    }
}

static void step(const struct fl_coalition *coalition, void *state, uint32_t who,
                 const struct fl_event *in, const struct fl_view *view,
                 const struct fl_outbox *honest, struct fl_outbox *out)
{
    const struct fl_self *const self = coalition->member[who];
    (void)in;
    for (uint32_t i = 0; i < honest->count; i++) {
        const struct fl_effect *const e = &honest->at[i];
        if (e->kind == FL_SEND && e->reach == FL_TO_PEERS && e->msg.family == FL_CONSENSUS)
            divide(coalition, state, self, view, honest, i, out);
        else
            fl_repeat(honest, i, out);
    }
}

static size_t state_bytes(const void *params, uint32_t members)
{
    (void)params;
    (void)members;
    return sizeof(struct state);
}

static const struct fl_fault_model fault = {.state_bytes = state_bytes, .step = step};

const struct fl_model fl_model_equivocate = {
    .name = "equivocate",
    .family = FL_FAULT,
    .doc = "members of a consensus tell half of their peers another value",
    .fault = &fault,
};
