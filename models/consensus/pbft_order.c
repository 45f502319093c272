/* PBFT, normal case: proposals, votes, decisions (Castro and Liskov 1999, 4.2).
 *
 * A vote that arrives before the proposal is kept with its signature unchecked, for the claim that it
 * signs is not known yet: it is checked against the proposal when that comes, and forgotten if it is
 * about something else. Votes that come after their quorum are not looked at. */
#include "models/consensus/pbft.h"

#include <string.h>

static bool has(const struct fl_pbft_slot *slot, enum fl_pbft_flag flag)
{
    return (slot->flags & flag) != 0;
}

static bool is_primary(const struct fl_pbft *c)
{
    return fl_pbft_primary(c, c->s->view) == c->self->index;
}

/* --- contents ---------------------------------------------------------------------------------------- */

fl_blob fl_pbft_content(const struct fl_pbft_slot *slot, struct fl_digest digest)
{
    if (slot->blob.i != 0 && fl_digest_equal(slot->digest, digest)) return slot->blob;
    if (slot->cert_blob.i != 0 && fl_digest_equal(slot->cert_digest, digest))
        return slot->cert_blob;
    if (slot->stray_blob.i != 0 && fl_digest_equal(slot->stray_digest, digest))
        return slot->stray_blob;
    return FL_NO_BLOB;
}

static bool has_content(const struct fl_pbft_slot *slot)
{
    return slot->blob.i != 0 || fl_pbft_null(slot->digest);
}

static void keep_stray(struct fl_pbft_slot *slot)
{
    if (slot->blob.i == 0) return;
    slot->stray_blob = slot->blob;
    slot->stray_digest = slot->digest;
}

/* --- votes --------------------------------------------------------------------------------------------- */

/* Checks what was kept unchecked, now that the digest is known. */
static uint64_t count_prepares(const struct fl_pbft *c, const struct fl_pbft_slot *slot)
{
    uint64_t *const tag = fl_pbft_prepares(c, slot->seq);
    uint64_t power = 0;
    const uint32_t primary = fl_pbft_primary(c, slot->view);
    const struct fl_claim first =
        fl_pbft_claim(PBFT_PRE_PREPARE, slot->seq, slot->view, slot->digest);
    const struct fl_digest proposal = fl_claim_digest(&first);
    for (uint32_t i = 0; i < c->self->group_size; i++) {
        if (tag[i] == 0) continue;
        if (fl_pbft_tagged(c, i, i == primary ? proposal : slot->prepare_claim, tag[i]))
            power += c->self->power[i];
        else
            tag[i] = 0;
    }
    return power;
}

static uint64_t count_commits(const struct fl_pbft *c, const struct fl_pbft_slot *slot)
{
    uint64_t *const tag = fl_pbft_commits_of(c, slot);
    uint64_t power = 0;
    for (uint32_t i = 0; i < c->self->group_size; i++) {
        if (tag[i] == 0) continue;
        if (fl_pbft_tagged(c, i, slot->commit_claim, tag[i]))
            power += c->self->power[i];
        else
            tag[i] = 0;
    }
    return power;
}

/* Says it to the peers, and counts it as said to itself. */
static void cast(const struct fl_pbft *c, struct fl_pbft_slot *slot, enum fl_pbft_message kind)
{
    const uint32_t me = c->self->index;
    const struct fl_claim claim = fl_pbft_claim(kind, slot->seq, slot->view, slot->digest);
    const uint64_t tag = fl_pbft_sign(c, &claim);
    struct fl_msg *const m = fl_pbft_say(c, &claim, tag);
    if (kind == PBFT_PRE_PREPARE) m->blob = slot->blob;
    if (kind == PBFT_COMMIT) {
        if (has(slot, PBFT_COMMITTED)) return;
        fl_pbft_commits(c, slot->seq)[me] = tag;
        slot->commit_power += c->self->power[me];
    } else {
        fl_pbft_prepares(c, slot->seq)[me] = tag;
        slot->prepare_power += c->self->power[me];
    }
}

static void say_again(const struct fl_pbft *c, const struct fl_pbft_slot *slot,
                      enum fl_pbft_message kind, uint64_t tag)
{
    const struct fl_claim claim = fl_pbft_claim(kind, slot->seq, slot->view, slot->digest);
    struct fl_msg *const m = fl_pbft_say(c, &claim, tag);
    m->copy = (uint16_t)c->s->resends;
    if (kind == PBFT_PRE_PREPARE) m->blob = slot->blob;
}

enum { ASK_EVERY = 4 }; /* repetitions: once a timeout */

/* The paper's channels lose messages and repeat them until they arrive (section 2). */
void fl_pbft_repeat_votes(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    if (s->resends == UINT16_MAX) return;
    s->resends++;
    for (uint64_t i = 1; i <= (uint64_t)c->params->pipeline; i++) {
        const struct fl_pbft_slot *const slot = fl_pbft_find(c, s->applied + i);
        const uint32_t me = c->self->index;
        if (!slot || slot->view != s->view || has(slot, PBFT_COMMITTED)) continue;
        const enum fl_pbft_message kind = is_primary(c) ? PBFT_PRE_PREPARE : PBFT_PREPARE;
        if (has(slot, PBFT_VOTED)) say_again(c, slot, kind, fl_pbft_prepares(c, slot->seq)[me]);
        if (has(slot, PBFT_PREPARED))
            say_again(c, slot, PBFT_COMMIT, fl_pbft_commits(c, slot->seq)[me]);
    }
    /* Nobody repeats a vote for what it has decided, and a member that is behind by less than the
     * pipeline sees nothing of it in the votes of others: it asks. */
    if (++s->overdue % ASK_EVERY == 0 && !s->catching) fl_pbft_fetch(c);
    fl_set_timer(c->out, PBFT_RESEND, c->params->timeout / 4);
}

/* What they sign who vote for what the slot holds. */
static struct fl_digest claimed(const struct fl_pbft_slot *slot, enum fl_pbft_message kind)
{
    const struct fl_claim claim = fl_pbft_claim(kind, slot->seq, slot->view, slot->digest);
    return fl_claim_digest(&claim);
}

static void set_proposal(const struct fl_pbft *c, struct fl_pbft_slot *slot,
                         struct fl_digest digest, fl_blob blob, uint64_t flags)
{
    if (!fl_digest_equal(slot->digest, digest)) keep_stray(slot);
    slot->digest.lo = digest.lo;
    slot->digest.hi = digest.hi;
    slot->blob = blob;
    slot->prepare_claim = claimed(slot, PBFT_PREPARE);
    slot->commit_claim = claimed(slot, PBFT_COMMIT);
    slot->flags |= PBFT_PROPOSED | flags;
    slot->prepare_power = count_prepares(c, slot);
    if (!has(slot, PBFT_COMMITTED)) slot->commit_power = count_commits(c, slot);
}

void fl_pbft_reset(const struct fl_pbft *c, struct fl_pbft_slot *slot)
{
    const size_t bytes = c->self->group_size * sizeof(uint64_t);
    slot->view = c->s->view;
    slot->prepare_power = 0;
    slot->prepare_claim = slot->commit_claim = (struct fl_digest){0, 0};
    memset(fl_pbft_prepares(c, slot->seq), 0, bytes);
    if (has(slot, PBFT_COMMITTED)) {
        slot->flags = PBFT_COMMITTED;
        return;
    }
    keep_stray(slot);
    slot->blob = FL_NO_BLOB;
    slot->digest.lo = slot->digest.hi = 0;
    slot->flags = 0;
    slot->commit_power = 0;
    memset(fl_pbft_commits(c, slot->seq), 0, bytes);
}

/* A number that is committed stays so; its replica votes again for the same, if that is asked, so
 * that others can commit it too (4.4: "redo the protocol"). */
void fl_pbft_force(const struct fl_pbft *c, struct fl_pbft_slot *slot, struct fl_digest digest,
                   uint64_t primary_tag)
{
    if (slot->view != c->s->view || has(slot, PBFT_COMMITTED)) {
        if (has(slot, PBFT_COMMITTED) && !fl_digest_equal(slot->digest, digest)) return;
        fl_pbft_reset(c, slot);
    }
    const fl_blob blob = fl_pbft_content(slot, digest);
    slot->flags &= ~(uint64_t)(PBFT_VALID | PBFT_INVALID | PBFT_ASKED);
    fl_pbft_prepares(c, slot->seq)[fl_pbft_primary(c, slot->view)] = primary_tag;
    set_proposal(c, slot, digest, blob, PBFT_FORCED);
    if (is_primary(c)) slot->flags |= PBFT_VOTED;
    if (!has_content(slot)) fl_pbft_need(c, slot);
}

/* --- what follows -------------------------------------------------------------------------------------- */

/* The chain layer judges in order, and as far ahead as `pipeline` says. */
static void judge(const struct fl_pbft *c, struct fl_pbft_slot *slot)
{
    const uint64_t settled = PBFT_FORCED | PBFT_VALID | PBFT_INVALID | PBFT_ASKED | PBFT_VOTED |
                             PBFT_COMMITTED;
    if (slot->flags & settled || slot->blob.i == 0) return;
    if (slot->seq <= c->s->applied || slot->seq - c->s->applied > (uint64_t)c->params->pipeline)
        return;
    slot->flags |= PBFT_ASKED;
    struct fl_msg *const m = fl_local(c->out, FL_CHAIN, FL_VALIDATE);
    m->word[0] = slot->seq;
    m->value[0] = (int64_t)slot->digest.lo;
    m->value[1] = (int64_t)slot->digest.hi;
    m->blob = slot->blob;
}

static void note_certificate(const struct fl_pbft *c, enum fl_model_record record,
                             const struct fl_pbft_slot *slot, uint64_t view)
{
    int64_t *const v = fl_note(c->out, (uint16_t)record, (int64_t)slot->seq, c->self->key);
    v[2] = (int64_t)view;
    v[3] = (int64_t)slot->digest.lo;
    v[4] = (int64_t)slot->digest.hi;
}

static void prepared(const struct fl_pbft *c, struct fl_pbft_slot *slot)
{
    slot->flags |= PBFT_PREPARED;
    slot->cert_view = slot->view + 1;
    slot->cert_digest.lo = slot->digest.lo;
    slot->cert_digest.hi = slot->digest.hi;
    slot->cert_blob = slot->blob;
    memcpy(fl_pbft_prepared_by(c, slot->seq), fl_pbft_prepares(c, slot->seq),
           c->self->group_size * sizeof(uint64_t));
    note_certificate(c, FL_RECORD_LOCKED, slot, slot->view);
    cast(c, slot, PBFT_COMMIT);
}

void fl_pbft_committed(const struct fl_pbft *c, struct fl_pbft_slot *slot, uint64_t view)
{
    slot->flags |= PBFT_COMMITTED;
    slot->commit_view = view;
    note_certificate(c, FL_RECORD_CERTIFIED, slot, view);
}

void fl_pbft_advance(const struct fl_pbft *c, struct fl_pbft_slot *slot)
{
    if (!c->s->active || slot->view != c->s->view || !has(slot, PBFT_PROPOSED)) return;
    judge(c, slot);
    const bool valid = slot->flags & (PBFT_FORCED | PBFT_VALID);
    if (valid && has_content(slot) && !has(slot, PBFT_VOTED)) {
        slot->flags |= PBFT_VOTED;
        cast(c, slot, PBFT_PREPARE);
    }
    /* 4.2: prepared(m, v, n, i), the request, its pre-prepare and 2f prepares that match. */
    if (!has(slot, PBFT_PREPARED) && has_content(slot) && fl_pbft_quorum(c, slot->prepare_power))
        prepared(c, slot);
    /* committed-local(m, v, n, i): prepared, and 2f + 1 commits. */
    if (has(slot, PBFT_PREPARED) && !has(slot, PBFT_COMMITTED) &&
        fl_pbft_quorum(c, slot->commit_power)) {
        fl_pbft_committed(c, slot, slot->view);
        fl_pbft_decide(c);
    }
}

void fl_pbft_advance_all(const struct fl_pbft *c)
{
    const struct fl_pbft_state *const s = c->s;
    const uint64_t first = s->stable < s->applied ? s->stable : s->applied;
    const uint64_t last = s->applied + fl_pbft_reach(c);
    for (uint64_t seq = first + 1; seq <= last; seq++) {
        struct fl_pbft_slot *const slot = fl_pbft_find(c, seq);
        if (slot) fl_pbft_advance(c, slot);
    }
}

void fl_pbft_decide(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    if (s->height != s->applied) return; /* one at a time: the chain layer is still at work */
    const struct fl_pbft_slot *const slot = fl_pbft_find(c, s->height + 1);
    if (!slot || !has(slot, PBFT_COMMITTED) || !has_content(slot)) return;
    s->height++;
    if (s->active) {
        s->attempts = 0;
        fl_pbft_expect_block(c);
    }
    int64_t *const v = fl_note(c->out, FL_RECORD_DECIDED, (int64_t)s->height, c->self->key);
    v[2] = (int64_t)slot->digest.lo;
    v[3] = (int64_t)slot->digest.hi;
    struct fl_msg *const m = fl_local(c->out, FL_CHAIN, FL_DECIDE);
    m->word[0] = s->height;
    m->value[0] = (int64_t)slot->digest.lo;
    m->value[1] = (int64_t)slot->digest.hi;
    m->blob = slot->blob;
}

void fl_pbft_on_applied(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    const struct fl_msg *const m = &c->in->msg;
    if (m->word[0] != s->height || s->applied == s->height) return;
    s->applied = s->height;
    s->overdue = 0;
    fl_pbft_keep(c);
    if (s->applied % (uint64_t)c->params->checkpoint_every == 0) {
        fl_pbft_snapshot_reached(c, m->version);
        fl_pbft_checkpoint(c, fl_pbft_value(m));
    }
    for (uint64_t i = 1; i <= (uint64_t)c->params->pipeline; i++) {
        struct fl_pbft_slot *const slot = fl_pbft_find(c, s->applied + i);
        if (slot) fl_pbft_advance(c, slot);
    }
    fl_pbft_decide(c);
    fl_pbft_propose(c);
    fl_pbft_fetched(c);
}

/* --- the primary ---------------------------------------------------------------------------------------- */

/* Alone, or with a chain layer that has nothing: how long until the next try if block_ms is 0. */
#define POLL FL_MILLISECOND

void fl_pbft_slot_arm(const struct fl_pbft *c)
{
    const fl_time block = c->params->block;
    fl_set_timer(c->out, PBFT_SLOT, block > 0 ? block - c->in->now % block : 0);
}

static uint64_t next_to_propose(const struct fl_pbft *c)
{
    const struct fl_pbft_state *const s = c->s;
    return (s->proposed > s->applied ? s->proposed : s->applied) + 1;
}

void fl_pbft_propose(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    if (!s->active || !is_primary(c) || !s->due || s->building != 0) return;
    const uint64_t seq = next_to_propose(c);
    if (seq - s->applied > (uint64_t)c->params->pipeline) return;
    if (seq > s->stable + (uint64_t)c->params->window) return;
    s->asked = seq;
    fl_local(c->out, FL_CHAIN, FL_PROPOSE)->word[0] = seq;
}

/* With block_ms 0 the next is due at once. A single replica waits a little: time must pass. */
static void next_due(const struct fl_pbft *c)
{
    const bool rhythm = c->params->block > 0,
               alone = fl_pbft_quorum(c, c->self->power[c->self->index]);
    c->s->due = !rhythm && !alone;
    if (!rhythm && alone) fl_set_timer(c->out, PBFT_SLOT, POLL);
}

void fl_pbft_on_payload_built(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    const struct fl_msg *const m = &c->in->msg;
    if (m->word[0] == 0 || m->word[0] != s->asked) return;
    s->asked = 0;
    if (!s->active || !is_primary(c) || s->building != 0 || m->word[0] != next_to_propose(c))
        return;
    if (m->blob.i == 0 || c->in->data == NULL) { /* the chain layer has nothing to propose */
        s->due = 0;
        if (c->params->block == 0) fl_set_timer(c->out, PBFT_SLOT, POLL);
        return;
    }
    const struct fl_digest digest = fl_digest_of(c->in->data, c->in->data_bytes);
    s->building = m->word[0];
    s->building_blob = m->blob;
    s->building_digest.lo = digest.lo;
    s->building_digest.hi = digest.hi;
    s->blocks++;
    /* The chain layer says in word[1] how many transactions the opaque payload holds. */
    int64_t *const v = fl_note(c->out, FL_RECORD_BLOCK, (int64_t)m->word[0], c->self->key);
    v[2] = (int64_t)m->word[1];
    v[3] = (int64_t)digest.lo;
    v[4] = (int64_t)digest.hi;
    if (c->params->latency > 0)
        fl_set_timer(c->out, PBFT_PUBLISH, c->params->latency);
    else
        fl_pbft_publish(c);
}

void fl_pbft_publish(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    const uint64_t seq = s->building;
    s->building = 0;
    if (seq == 0 || !s->active || !is_primary(c) || seq != next_to_propose(c)) return;
    struct fl_pbft_slot *const slot = fl_pbft_open(c, seq);
    if (slot->flags & (PBFT_PROPOSED | PBFT_COMMITTED)) return;
    s->proposed = seq;
    next_due(c);
    set_proposal(c, slot, s->building_digest, s->building_blob, PBFT_VALID | PBFT_VOTED);
    cast(c, slot, PBFT_PRE_PREPARE);
    fl_pbft_advance(c, slot);
    fl_pbft_propose(c);
}

/* --- messages ------------------------------------------------------------------------------------------- */

/* The slot that a vote is about; NULL if it cannot be used. What it tells of the sender's progress is
 * a hint in any case. */
static struct fl_pbft_slot *slot_of(const struct fl_pbft *c)
{
    const struct fl_pbft_state *const s = c->s;
    const uint64_t seq = c->in->msg.word[0], view = c->in->msg.word[1];
    const uint64_t ahead = (uint64_t)c->params->pipeline, window = (uint64_t)c->params->window;
    /* Who votes for a number has executed all but the last few before it. */
    fl_pbft_hint(c, seq > ahead ? seq - ahead : 0, view);
    if (view != s->view || seq <= s->stable || seq - s->stable > window) return NULL;
    if (seq > s->applied && seq - s->applied > fl_pbft_reach(c)) return NULL;
    struct fl_pbft_slot *slot = fl_pbft_find(c, seq);
    if (!slot && seq > s->applied) slot = fl_pbft_open(c, seq);
    return slot && slot->view == view ? slot : NULL;
}

/* 4.2: accepted if it is of this view, within the watermarks, and no other was accepted for the same
 * view and number. Between views it is kept, to be voted for when the view begins; what the new-view
 * message says takes its place. */
void fl_pbft_on_pre_prepare(const struct fl_pbft *c)
{
    const struct fl_msg *const m = &c->in->msg;
    struct fl_pbft_slot *const slot = slot_of(c);
    const struct fl_digest digest = fl_pbft_value(m);
    const uint32_t from = fl_pbft_from(c);
    if (!slot || from != fl_pbft_primary(c, slot->view) || m->tag == 0) return;
    if (has(slot, PBFT_COMMITTED) || fl_pbft_null(digest) || !fl_pbft_brings(c, digest)) return;
    if (has(slot, PBFT_PROPOSED)) {
        if (c->rules->remembers_votes || fl_digest_equal(slot->digest, digest)) return;
        fl_pbft_reset(c, slot);
    }
    const struct fl_claim claim = fl_pbft_claim(PBFT_PRE_PREPARE, slot->seq, slot->view, digest);
    if (!fl_pbft_signed(c, from, &claim, m->tag)) return;
    fl_pbft_prepares(c, slot->seq)[from] = m->tag;
    set_proposal(c, slot, digest, m->blob, 0);
    fl_pbft_advance(c, slot);
}

void fl_pbft_on_vote(const struct fl_pbft *c, enum fl_pbft_message kind)
{
    const struct fl_msg *const m = &c->in->msg;
    struct fl_pbft_slot *const slot = slot_of(c);
    const uint32_t from = fl_pbft_from(c);
    if (!slot || m->tag == 0) return;
    const bool commit = kind == PBFT_COMMIT;
    if (has(slot, commit ? PBFT_COMMITTED : PBFT_PREPARED)) return;
    if (!commit && from == fl_pbft_primary(c, slot->view)) return;
    uint64_t *const row = commit ? fl_pbft_commits_of(c, slot) : fl_pbft_prepares(c, slot->seq);
    uint64_t *const tag = row + from;
    if (*tag != 0) return;
    if (has(slot, PBFT_PROPOSED)) {
        const struct fl_digest claim = commit ? slot->commit_claim : slot->prepare_claim;
        if (!fl_digest_equal(fl_pbft_value(m), slot->digest)) return;
        if (!fl_pbft_tagged(c, from, claim, m->tag)) return;
        *(commit ? &slot->commit_power : &slot->prepare_power) += c->self->power[from];
    }
    *tag = m->tag;
    fl_pbft_advance(c, slot);
}

void fl_pbft_on_valid(const struct fl_pbft *c)
{
    const struct fl_msg *const m = &c->in->msg;
    struct fl_pbft_slot *const slot = fl_pbft_find(c, m->word[0]);
    if (!slot || !has(slot, PBFT_ASKED) || slot->blob.i != m->blob.i) return;
    slot->flags &= ~(uint64_t)PBFT_ASKED;
    if (m->value[0] == 1)
        slot->flags |= PBFT_VALID;
    else if (slot->seq == c->s->applied + 1)
        slot->flags |= PBFT_INVALID; /* else it may be valid when its turn comes: asked again */
    if (has(slot, PBFT_VALID)) fl_pbft_advance(c, slot);
}
