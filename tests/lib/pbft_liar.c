/* Members of a PBFT that know the protocol and lie as well as they can. As primary they propose to some
 * only and let one of them decide, or propose twice; as members they forge certificates of decisions,
 * and of what they say was prepared. What they sign they sign with their own keys: the protocol must
 * bear it from up to f of them, and each of its broken twins must not. */
#include "models/fault/words.h"
#include "tests/lib/pbft_twins.h"

#include <string.h>

/* What a liar does about a sequence number: a draw, for the whole coalition. */
enum mode { HONEST = 1, SELECT, TWICE, FORGE, SKIP };

/* Another block for the number it last saw proposed. Payloads longer than this are left alone. */
enum { BYTES = 8192 };
struct memory {
    uint64_t seq;
    uint32_t bytes, zero;
    struct fl_digest digest; /* of `content` */
    unsigned char content[BYTES];
};

static enum mode mode_of(const struct fl_self *self, uint64_t seq)
{
    static const enum mode modes[16] = {HONEST, HONEST, SELECT, SELECT, SELECT, SELECT,
                                        SELECT, SELECT, TWICE,  TWICE,  TWICE,  TWICE,
                                        TWICE,  FORGE,  FORGE,  SKIP};
    return modes[fl_draw_below(self->seed, FL_RNG_FAULT, 0x11a2, seq, 0, 16)];
}

/* Somebody other than the primary, for the whole coalition. */
static uint32_t drawn_peer(const struct fl_self *self, uint64_t seq, uint64_t view)
{
    const uint32_t n = self->group_size;
    const uint64_t step = 1 + fl_draw_below(self->seed, FL_RNG_FAULT, 0x11a2, seq, 1, n - 1);
    return (uint32_t)((view + step) % n);
}

/* All but as many as may be faulty: with the liars' votes enough to decide, without them not. The
 * drawn peer is the first of them. */
static bool chosen(const struct fl_self *self, uint64_t seq, uint64_t view, uint32_t peer)
{
    const uint32_t n = self->group_size, from = drawn_peer(self, seq, view);
    return (peer + n - from) % n < n - self->faulty_max - 1;
}

/* A block of a slightly later time, with the same transactions; of anything else, another last byte. */
static void look(struct memory *memory, uint64_t seq, const void *data, uint32_t bytes)
{
    struct fl_block block;
    if (data == NULL || bytes == 0 || bytes > BYTES) return;
    memory->seq = seq;
    memory->bytes = bytes;
    memcpy(memory->content, data, bytes);
    if (fl_fault_block(data, bytes, &block)) {
        block.batch.time += 1 + (int64_t)(seq % 3);
        memcpy(memory->content, &block, sizeof block);
    } else {
        memory->content[bytes - 1] ^= 1;
    }
    memory->digest = fl_digest_of(memory->content, bytes);
}

static struct fl_msg *single(const struct fl_self *self, struct fl_outbox *out, uint32_t peer,
                             const struct fl_claim *claim)
{
    const fl_endpoint to = {self->group_first + peer};
    struct fl_msg *const m = fl_send(out, FL_TO_ONE, to, FL_CONSENSUS, (uint16_t)claim->kind);
    out->at[out->count - 1].as = self->endpoint;
    m->word[0] = claim->word[0];
    m->word[1] = claim->word[1];
    m->value[0] = (int64_t)claim->digest.lo;
    m->value[1] = (int64_t)claim->digest.hi;
    m->tag = fl_sign(self, fl_claim_digest(claim), out);
    return m;
}

static fl_blob other_block(const struct memory *memory, struct fl_outbox *out)
{
    return fl_blob_put(out, memory->content, memory->bytes, memory->seq, NULL);
}

static uint32_t forged(const struct fl_self *self, unsigned char *at)
{
    for (uint32_t i = 0; i < self->group_size; i++) {
        const struct fl_pbft_signature signature = {
            .member = i, .tag = 1 + fl_draw(self->seed, FL_RNG_FAULT, self->key, i, 99)};
        memcpy(at + i * sizeof signature, &signature, sizeof signature);
    }
    return self->group_size;
}

static void push_content(const struct fl_self *self, const struct memory *memory, fl_blob content,
                         uint32_t peer, struct fl_outbox *out)
{
    const struct fl_claim claim = {
        .kind = PBFT_PAYLOAD, .word = {memory->seq, 7}, .digest = memory->digest};
    single(self, out, peer, &claim)->blob = content;
}

/* "This was decided", with signatures that nobody made. */
static void forge_decision(const struct fl_self *self, const struct memory *memory, uint64_t view,
                           struct fl_outbox *out)
{
    const uint32_t peer = drawn_peer(self, memory->seq, view);
    const size_t bytes = sizeof(struct fl_pbft_certificate) +
                         self->group_size * sizeof(struct fl_pbft_signature);
    push_content(self, memory, other_block(memory, out), peer, out);
    unsigned char *const at = fl_blob_begin(out, (uint32_t)bytes);
    struct fl_pbft_certificate header = {.view = view};
    header.count = forged(self, at + sizeof header);
    memcpy(at, &header, sizeof header);
    const fl_blob blob = fl_blob_end(out, memory->seq, NULL);
    const struct fl_claim decided = {
        .kind = PBFT_DECIDED, .word = {memory->seq, view}, .digest = memory->digest};
    single(self, out, peer, &decided)->blob = blob;
}

/* A VIEW-CHANGE that says the other block was prepared in the view before; or, by a draw, that it was for
 * the number after, so that what lies between would be filled with the null request. */
static void forge_change(const struct fl_self *self, const struct memory *memory,
                         const struct fl_outbox *honest, uint32_t i, struct fl_outbox *out)
{
    struct fl_effect *const e = fl_repeat(honest, i, out);
    uint32_t bytes = 0;
    const unsigned char *const was = fl_outbox_data(honest, honest->at[i].msg.blob, &bytes);
    struct fl_pbft_change header;
    if (was == NULL || bytes < sizeof header || memory->bytes == 0) return;
    memcpy(&header, was, sizeof header);
    if (memory->seq <= header.stable) return;
    const size_t proofs = header.proofs * sizeof(struct fl_pbft_signature);
    if (proofs > bytes - sizeof header) return; /* another fault of this member has been at it */
    const size_t room = sizeof header + proofs + sizeof(struct fl_pbft_prepared) +
                        self->group_size * sizeof(struct fl_pbft_signature);
    unsigned char *at = fl_blob_begin(out, (uint32_t)room);
    header.prepared = 1;
    memcpy(at, &header, sizeof header);
    memcpy(at + sizeof header, was + sizeof header, proofs);
    at += sizeof header + proofs;
    const uint64_t next = fl_draw_below(self->seed, FL_RNG_FAULT, self->key, header.view, 98, 2);
    struct fl_pbft_prepared p = {
        .seq = memory->seq + next, .view = header.view - 1, .digest = memory->digest};
    p.count = forged(self, at + sizeof p);
    memcpy(at, &p, sizeof p);
    struct fl_claim claim = {.kind = PBFT_VIEW_CHANGE, .word = {header.view, 0}};
    e->msg.blob = fl_blob_end(out, memory->seq, &claim.digest);
    e->msg.value[0] = (int64_t)claim.digest.lo;
    e->msg.value[1] = (int64_t)claim.digest.hi;
    e->msg.tag = fl_sign(self, fl_claim_digest(&claim), out);
    const fl_blob block = other_block(memory, out);
    for (uint32_t peer = 0; peer < self->group_size; peer++)
        if (peer != self->index) push_content(self, memory, block, peer, out);
}

/* The other block a little later, with its commit: once one has decided, the others may forget. */
static void propose_twice(const struct fl_self *self, const struct memory *memory, uint64_t view,
                          struct fl_outbox *out)
{
    const fl_time later = (fl_time)(6 + memory->seq % 7) * FL_MILLISECOND;
    const fl_blob block = other_block(memory, out);
    for (uint32_t peer = 0; peer < self->group_size; peer++) {
        if (peer == self->index) continue;
        struct fl_claim claim = {
            .kind = PBFT_PRE_PREPARE, .word = {memory->seq, view}, .digest = memory->digest};
        single(self, out, peer, &claim)->blob = block;
        out->at[out->count - 1].delay = later;
        claim.kind = PBFT_COMMIT;
        single(self, out, peer, &claim);
        out->at[out->count - 1].delay = later + 4 * FL_MILLISECOND; /* after the proposal */
    }
}

static void propose(const struct fl_self *self, struct memory *memory,
                    const struct fl_outbox *honest, uint32_t i, const struct fl_view *view,
                    struct fl_outbox *out)
{
    const struct fl_msg *const m = &honest->at[i].msg;
    uint32_t bytes = 0;
    const void *const data = fl_blob_data(view, m->blob, &bytes);
    const uint64_t seq = m->word[0];
    look(memory, seq, data, bytes);
    const enum mode mode = mode_of(self, seq);
    if (mode == SKIP) return;
    if (mode == SELECT || mode == TWICE) {
        for (uint32_t peer = 0; peer < self->group_size; peer++) {
            if (peer == self->index || !chosen(self, seq, m->word[1], peer)) continue;
            struct fl_effect *const e = fl_repeat(honest, i, out);
            e->reach = FL_TO_ONE;
            e->to.i = self->group_first + peer;
        }
        if (mode == TWICE && memory->seq == seq) propose_twice(self, memory, m->word[1], out);
        return;
    }
    fl_repeat(honest, i, out);
    if (memory->seq != seq) return;
    if (mode == FORGE) forge_decision(self, memory, m->word[1], out);
}

static void commit(const struct fl_self *self, const struct fl_outbox *honest, uint32_t i,
                   struct fl_outbox *out)
{
    struct fl_effect *const e = fl_repeat(honest, i, out);
    const enum mode mode = mode_of(self, e->msg.word[0]);
    if (mode != SELECT && mode != TWICE) return;
    e->reach = FL_TO_ONE;
    e->to.i = self->group_first + drawn_peer(self, e->msg.word[0], e->msg.word[1]);
}

/* Votes for whatever is proposed, even if it is known to be decided otherwise. */
static void vote(const struct fl_self *self, uint64_t seq, uint64_t view, struct fl_digest digest,
                 struct fl_outbox *out)
{
    const struct fl_claim prepare = {.kind = PBFT_PREPARE, .word = {seq, view}, .digest = digest};
    const struct fl_claim commit = {.kind = PBFT_COMMIT, .word = {seq, view}, .digest = digest};
    for (uint32_t peer = 0; peer < self->group_size; peer++) {
        if (peer == self->index) continue;
        single(self, out, peer, &prepare);
        single(self, out, peer, &commit);
    }
}

static void vote_again(const struct fl_self *self, const struct fl_event *in, struct fl_outbox *out)
{
    struct fl_pbft_new_view header;
    struct fl_pbft_proposal p;
    if (in->data == NULL || in->data_bytes < sizeof header) return;
    memcpy(&header, in->data, sizeof header);
    const size_t from = sizeof header + header.changes * sizeof(struct fl_pbft_name);
    const size_t count = (size_t)(header.high - header.low);
    if (in->data_bytes != from + count * sizeof p) return;
    for (uint64_t i = 0; i < count; i++) {
        memcpy(&p, (const unsigned char *)in->data + from + i * sizeof p, sizeof p);
        vote(self, header.low + 1 + i, header.view, p.digest, out);
    }
}

static void hear(const struct fl_self *self, struct memory *memory, const struct fl_event *in,
                 struct fl_outbox *out)
{
    const struct fl_msg *const m = &in->msg;
    if (in->kind != FL_MSG || m->family != FL_CONSENSUS) return;
    if (m->kind == PBFT_NEW_VIEW) vote_again(self, in, out);
    if (m->kind != PBFT_PRE_PREPARE) return;
    const struct fl_digest digest = {(uint64_t)m->value[0], (uint64_t)m->value[1]};
    vote(self, m->word[0], m->word[1], digest, out);
    look(memory, m->word[0], in->data, in->data_bytes);
    if (memory->bytes > 0 && mode_of(self, m->word[0]) == FORGE)
        forge_decision(self, memory, m->word[1], out);
}

static void step(const struct fl_coalition *coalition, void *state, uint32_t who,
                 const struct fl_event *in, const struct fl_view *view,
                 const struct fl_outbox *honest, struct fl_outbox *out)
{
    const struct fl_self *const self = coalition->member[who];
    struct memory *const memory = (struct memory *)state + who;
    hear(self, memory, in, out);
    for (uint32_t i = 0; i < honest->count; i++) {
        const struct fl_effect *const e = &honest->at[i];
        const bool said = e->kind == FL_SEND && e->msg.family == FL_CONSENSUS;
        if (said && e->msg.kind == PBFT_PRE_PREPARE)
            propose(self, memory, honest, i, view, out);
        else if (said && e->msg.kind == PBFT_COMMIT)
            commit(self, honest, i, out);
        else if (said && e->msg.kind == PBFT_VIEW_CHANGE)
            forge_change(self, memory, honest, i, out);
        else
            fl_repeat(honest, i, out);
    }
}

static size_t state_bytes(const void *params, uint32_t members)
{
    (void)params;
    return members * sizeof(struct memory);
}

static const struct fl_fault_model fault = {.state_bytes = state_bytes, .step = step};

extern const struct fl_model fl_model_pbft_liar;
const struct fl_model fl_model_pbft_liar = {
    .name = "pbft_liar",
    .family = FL_FAULT,
    .doc = "members of a PBFT that know the protocol and lie as well as they can",
    .fault = &fault,
};
