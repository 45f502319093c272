/* What fault models share: how to tell a proposal from a vote, to find and change what a message brings,
 * to sign again what was signed, and to draw by the message. */
#ifndef FL_FAULT_WORDS_H
#define FL_FAULT_WORDS_H
#include "models/wire.h"

#include <string.h>

/* --- draws --------------------------------------------------------------------------------------- */

/* What a number is for: lanes of FL_RNG_FAULT. 0 divides the peers of `equivocate`. */
enum fl_fault_lane {
    FL_LANE_SEND = 1,
    FL_LANE_RECEIVE,
    FL_LANE_DELAY,
    FL_LANE_WITHHOLD,
    FL_LANE_WORK,
    FL_LANE_LIE,
    FL_LANE_CORRUPT, /* whether; the next ones: how */
    FL_LANE_HOW,
    FL_LANE_REPLAY = FL_LANE_HOW + 16,
    FL_LANE_RUSH = FL_LANE_REPLAY + 16
};

/* The member's draw about a message and one other endpoint, by the message's key (sim/rng.h): it does
 * not depend on what else is said, on when, or on the contents. Endpoints count from the member's own
 * group. */
static inline uint64_t fl_fault_draw(const struct fl_self *self, const struct fl_msg *m,
                                     fl_endpoint other, enum fl_fault_lane lane)
{
    const struct {
        uint64_t word[3];
        uint32_t other;
        uint16_t kind, copy;
        uint64_t family;
    } key = {.word = {m->word[0], m->word[1], m->word[2]},
             .other = other.i - self->group_first,
             .kind = m->kind,
             .copy = m->copy,
             .family = m->family};
    return fl_draw(self->seed, FL_RNG_FAULT, self->key, fl_digest_of(&key, sizeof key).lo, lane);
}

/* True for a share of all draws, in ppm. */
static inline bool fl_fault_chance(uint64_t draw, int64_t ppm)
{
    return (int64_t)((fl_u128)draw * (uint64_t)FL_PPM_ONE >> 64) < ppm;
}

/* Uniform in [0, bound). */
static inline uint32_t fl_fault_below(uint64_t draw, uint32_t bound)
{
    return (uint32_t)((fl_u128)draw * bound >> 64);
}

/* --- contents ------------------------------------------------------------------------------------ */

/* The content that an effect of `honest` brings; NULL if none, or GONE. */
static inline const void *fl_fault_content(const struct fl_outbox *honest,
                                           const struct fl_view *view, fl_blob blob,
                                           uint32_t *bytes)
{
    const void *const data = fl_outbox_data(honest, blob, bytes);
    return data != NULL ? data : fl_blob_data(view, blob, bytes);
}

/* Is there room for a new blob, whatever of `honest` is still to be repeated? */
static inline bool fl_fault_room(const struct fl_outbox *honest, const struct fl_outbox *out,
                                 uint32_t bytes)
{
    const uint64_t scratch = (uint64_t)out->scratch_used + honest->scratch_used + bytes +
                             16 * (uint64_t)(honest->blob_count + 1);
    return scratch <= FL_OUTBOX_SCRATCH && out->blob_count + honest->blob_count < FL_OUTBOX_BLOBS;
}

static inline struct fl_digest fl_fault_named(const struct fl_msg *m)
{
    return (struct fl_digest){(uint64_t)m->value[0], (uint64_t)m->value[1]};
}

static inline void fl_fault_name(struct fl_msg *m, struct fl_digest digest)
{
    m->value[0] = (int64_t)digest.lo;
    m->value[1] = (int64_t)digest.hi;
}

/* The header, if the content is a block and nothing else. */
static inline bool fl_fault_block(const void *content, uint32_t bytes, struct fl_block *block)
{
    if (content == NULL || bytes < sizeof *block) return false;
    memcpy(block, content, sizeof *block);
    const size_t txs = bytes - sizeof *block;
    return block->zero == 0 && block->batch.zero == 0 && block->batch.time >= 0 &&
           txs % sizeof(struct fl_tx) == 0 && txs / sizeof(struct fl_tx) == block->batch.tx_count;
}

/* Another content as good as the true one: a block with a slightly later time; of anything else the
 * last bit. */
static inline void fl_fault_change(unsigned char *content, uint32_t bytes)
{
    struct fl_block block;
    if (fl_fault_block(content, bytes, &block) && block.batch.time < INT64_MAX) {
        block.batch.time++;
        memcpy(content, &block, sizeof block);
    } else {
        content[bytes - 1] ^= 1;
    }
}

/* The transaction that an effect hands in or passes on, if it is one. */
static inline bool fl_fault_tx(const struct fl_outbox *honest, uint32_t i,
                               const struct fl_view *view, struct fl_tx *tx)
{
    const struct fl_effect *const e = &honest->at[i];
    if (e->kind != FL_SEND || e->msg.family != FL_CHAIN) return false;
    if (e->msg.kind != FL_SUBMIT && e->msg.kind != FL_GOSSIP) return false;
    uint32_t bytes = 0;
    const void *const data = fl_fault_content(honest, view, e->msg.blob, &bytes);
    if (data == NULL || bytes != sizeof *tx) return false;
    memcpy(tx, data, sizeof *tx);
    return true;
}

/* A report of the member's own, on its way to the chain. */
static inline bool fl_fault_report(const struct fl_outbox *honest, uint32_t i,
                                   const struct fl_view *view, struct fl_tx *tx)
{
    return fl_fault_tx(honest, i, view, tx) && honest->at[i].msg.kind == FL_SUBMIT &&
           tx->kind == FL_TX_REPORT;
}

/* Repeats a report with another price, signed again. */
static inline void fl_fault_report_as(const struct fl_self *self, const struct fl_outbox *honest,
                                      uint32_t i, struct fl_tx *tx, int64_t price,
                                      struct fl_outbox *out)
{
    struct fl_effect *const e = fl_repeat(honest, i, out);
    if (tx->arg[0] == price) return;
    tx->arg[0] = price;
    tx->tag = fl_sign(self, fl_tx_digest(tx), out);
    e->msg.blob = fl_blob_put(out, tx, sizeof *tx, 0, NULL);
}

/* --- claims -------------------------------------------------------------------------------------- */

/* What a message claims, under its sender's signature (fl_claim). */
static inline struct fl_digest fl_fault_claim(const struct fl_msg *m)
{
    const struct fl_claim claim = {
        .kind = m->kind, .word = {m->word[0], m->word[1]}, .digest = fl_fault_named(m)};
    return fl_claim_digest(&claim);
}

/* Does the member sign this as its own claim? */
static inline bool fl_fault_claims(const struct fl_self *self, const struct fl_msg *m,
                                   struct fl_outbox *out)
{
    return m->tag != 0 && fl_verify(self, self->identity, fl_fault_claim(m), m->tag, out);
}

/* --- proposals and votes ------------------------------------------------------------------------- */

static inline bool fl_fault_broadcast(const struct fl_effect *e)
{
    return e->kind == FL_SEND && e->reach == FL_TO_PEERS && e->msg.family == FL_CONSENSUS;
}

/* Does the event bring this very content? */
static inline bool fl_fault_echoes(const struct fl_event *in, const struct fl_msg *m)
{
    return in->kind == FL_MSG && in->msg.family == FL_CONSENSUS && m->blob.i == in->msg.blob.i;
}

/* A broadcast of the consensus layer that brings content of its own: a block, a view change, a new
 * view; not an echo of what has just come in. */
static inline bool fl_fault_proposes(const struct fl_event *in, const struct fl_effect *e)
{
    return fl_fault_broadcast(e) && e->msg.blob.i != 0 && !fl_fault_echoes(in, &e->msg);
}

/* A broadcast of the consensus layer that stands for content known already: signed as a claim, or, in
 * a protocol without signatures, naming the content that the message it answers names. Requests are
 * neither. */
static inline bool fl_fault_votes(const struct fl_self *self, const struct fl_event *in,
                                  const struct fl_effect *e, struct fl_outbox *out)
{
    if (!fl_fault_broadcast(e) || fl_fault_proposes(in, e)) return false;
    const bool answers = in->kind == FL_MSG && in->msg.family == FL_CONSENSUS &&
                         fl_digest_equal(fl_fault_named(&in->msg), fl_fault_named(&e->msg));
    return e->msg.tag != 0 ? fl_fault_claims(self, &e->msg, out) : answers;
}

#endif
