/* PBFT, checkpoints and state transfer (Castro and Liskov 1999, 4.3): what makes old votes superfluous,
 * and how a replica that missed something gets it. */
#include "models/consensus/pbft.h"

#include <string.h>

bool fl_pbft_proven(const struct fl_pbft *c, const unsigned char *bytes, uint32_t count,
                    const struct fl_claim *base, uint64_t *row)
{
    uint64_t power = 0;
    uint32_t next = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct fl_pbft_signature signature;
        memcpy(&signature, bytes + i * sizeof signature, sizeof signature);
        if (signature.member < next || signature.member >= c->self->group_size) return false;
        next = signature.member + 1;
        const struct fl_claim claim =
            base->kind == PBFT_PREPARE ? fl_pbft_prepare_claim(c, signature.member, base->word[0],
                                                               base->word[1], base->digest)
                                       : *base;
        if (signature.zero != 0 || signature.tag == 0) return false;
        if (!fl_pbft_signed(c, signature.member, &claim, signature.tag)) return false;
        power += c->self->power[signature.member];
        if (row) row[signature.member] = signature.tag;
    }
    return fl_pbft_quorum(c, power);
}

void fl_pbft_take_tags(const struct fl_pbft *c, const unsigned char *bytes, uint32_t count,
                       uint64_t *row)
{
    memset(row, 0, c->self->group_size * sizeof *row);
    for (uint32_t i = 0; i < count; i++) {
        struct fl_pbft_signature signature;
        memcpy(&signature, bytes + i * sizeof signature, sizeof signature);
        row[signature.member] = signature.tag;
    }
}

/* A certificate with nothing after it. */
static bool certificate_right(const struct fl_pbft *c, const struct fl_claim *claim)
{
    struct fl_pbft_certificate header;
    if (c->in->data == NULL || c->in->data_bytes < sizeof header) return false;
    memcpy(&header, c->in->data, sizeof header);
    const size_t room = c->in->data_bytes - sizeof header;
    if (room != (size_t)header.count * sizeof(struct fl_pbft_signature) || header.zero != 0)
        return false;
    const unsigned char *const at = (const unsigned char *)c->in->data + sizeof header;
    return fl_pbft_proven(c, at, header.count, claim, NULL);
}

/* Its tags, once it has been found right. */
static void take_certificate(const struct fl_pbft *c, uint64_t *row)
{
    struct fl_pbft_certificate header;
    memcpy(&header, c->in->data, sizeof header);
    const unsigned char *const at = (const unsigned char *)c->in->data + sizeof header;
    fl_pbft_take_tags(c, at, header.count, row);
}

static fl_blob write_certificate(const struct fl_pbft *c, uint64_t seq, uint64_t view,
                                 const uint64_t *row)
{
    const uint32_t count = fl_pbft_signatures(c, row, NULL);
    const struct fl_pbft_certificate header = {.view = view, .count = count};
    const size_t bytes = sizeof header + count * sizeof(struct fl_pbft_signature);
    unsigned char *const at = fl_blob_begin(c->out, (uint32_t)bytes);
    memcpy(at, &header, sizeof header);
    fl_pbft_signatures(c, row, at + sizeof header);
    return fl_blob_end(c->out, seq, NULL);
}

/* --- checkpoints ------------------------------------------------------------------------------------- */

/* The place of a checkpoint that may still become stable; NULL for others. */
static struct fl_pbft_checkpoint *open_checkpoint(const struct fl_pbft *c, uint64_t seq)
{
    const uint64_t every = (uint64_t)c->params->checkpoint_every;
    const uint64_t stable = c->s->stable, window = (uint64_t)c->params->window;
    if (seq % every != 0 || seq <= stable || seq - stable > 2 * window) return NULL;
    struct fl_pbft_checkpoint *const p = fl_pbft_checkpoint_at(c, seq);
    if (p->seq != seq) {
        memset(p, 0, sizeof *p);
        memset(fl_pbft_checkpoint_tags(c, seq), 0, c->self->group_size * sizeof(uint64_t));
        p->seq = seq;
    }
    return p;
}

static void count_checkpoint(const struct fl_pbft *c, struct fl_pbft_checkpoint *p)
{
    const struct fl_claim claim = fl_pbft_claim(PBFT_CHECKPOINT, p->seq, 0, p->digest);
    uint64_t *const tag = fl_pbft_checkpoint_tags(c, p->seq);
    p->power = 0;
    for (uint32_t i = 0; i < c->self->group_size; i++) {
        if (tag[i] != 0 && !fl_pbft_signed(c, i, &claim, tag[i])) tag[i] = 0;
        if (tag[i] != 0) p->power += c->self->power[i];
    }
}

void fl_pbft_stabilise(const struct fl_pbft *c, uint64_t seq, struct fl_digest digest,
                       const uint64_t *row)
{
    struct fl_pbft_state *const s = c->s;
    uint64_t *const stable = fl_pbft_stable_tags(c);
    FL_ASSERT(seq > s->stable);
    s->stable = seq;
    s->stable_digest.lo = digest.lo;
    s->stable_digest.hi = digest.hi;
    if (row != stable) memcpy(stable, row, c->self->group_size * sizeof *stable);
    fl_pbft_snapshot_stable(c);
}

static void try_stable(const struct fl_pbft *c, const struct fl_pbft_checkpoint *p)
{
    if (!p->reached || p->seq <= c->s->stable || !fl_pbft_quorum(c, p->power)) return;
    fl_pbft_stabilise(c, p->seq, p->digest, fl_pbft_checkpoint_tags(c, p->seq));
    fl_pbft_propose(c); /* the window has moved */
}

void fl_pbft_checkpoint(const struct fl_pbft *c, struct fl_digest digest)
{
    struct fl_pbft_checkpoint *const p = open_checkpoint(c, c->s->applied);
    if (!p) return; /* stable already, for the others */
    const struct fl_claim claim = fl_pbft_claim(PBFT_CHECKPOINT, p->seq, 0, digest);
    const uint64_t tag = fl_pbft_sign(c, &claim);
    fl_pbft_say(c, &claim, tag);
    fl_pbft_checkpoint_tags(c, p->seq)[c->self->index] = tag;
    p->reached = 1;
    p->digest.lo = digest.lo;
    p->digest.hi = digest.hi;
    count_checkpoint(c, p);
    try_stable(c, p);
}

void fl_pbft_on_checkpoint(const struct fl_pbft *c)
{
    const struct fl_msg *const m = &c->in->msg;
    const uint32_t from = fl_pbft_from(c);
    fl_pbft_hint(c, m->word[0], 0);
    struct fl_pbft_checkpoint *const p = open_checkpoint(c, m->word[0]);
    if (!p || m->tag == 0) return;
    uint64_t *const tag = &fl_pbft_checkpoint_tags(c, p->seq)[from];
    if (*tag != 0) return;
    if (p->reached) {
        const struct fl_claim claim = fl_pbft_claim(PBFT_CHECKPOINT, p->seq, 0, p->digest);
        if (!fl_digest_equal(fl_pbft_value(m), p->digest)) return;
        if (!fl_pbft_signed(c, from, &claim, m->tag)) return;
        p->power += c->self->power[from];
    }
    *tag = m->tag;
    try_stable(c, p);
}

/* --- asking -------------------------------------------------------------------------------------------- */

static fl_time soon(const struct fl_pbft *c)
{
    return c->params->timeout / 4; /* long before anybody would change the view */
}

/* Others have decided more, or are in a view that is not ours, or in ours before we are. */
static bool is_behind(const struct fl_pbft_state *s)
{
    const uint64_t view = s->active ? s->view : s->view - 1; /* view 0 begins active */
    return s->top > s->applied || s->top_view > view;
}

/* Nothing is proven by a hint; it may make us ask, no oftener than the timer allows. */
void fl_pbft_hint(const struct fl_pbft *c, uint64_t seq, uint64_t view)
{
    struct fl_pbft_state *const s = c->s;
    if (seq > s->top) s->top = seq;
    if (view > s->top_view) s->top_view = view;
    if (s->catching || !is_behind(s)) return;
    s->catching = 1;
    fl_set_timer(c->out, PBFT_CATCH_UP, soon(c));
}

void fl_pbft_fetch(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    if (c->self->group_size == 1) return;
    s->fetches++;
    s->fetch_to = s->applied + PBFT_FETCH_MAX;
    struct fl_msg *const m = fl_send(c->out, FL_TO_PEERS, FL_NOWHERE, FL_CONSENSUS, PBFT_FETCH);
    m->word[0] = s->applied + 1;
    m->word[1] = s->fetches;
    m->value[0] = (int64_t)s->stable;
    m->value[1] = (int64_t)s->view;
    s->catching = 1;
    /* Whose turn it is to answer may be down or behind as well. The next is asked before the timer of
     * the view, which began with the block that came last, is over. */
    fl_set_timer(c->out, PBFT_CATCH_UP, c->params->timeout / 2);
}

/* A request answered in full: there may be more. One after which nothing seems to be missing is
 * answered too: it must not keep the next hint waiting, for the timer of the view runs as well, and
 * what was said while the answer was on its way may be lost here. */
void fl_pbft_fetched(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    if (s->fetch_to == 0) return;
    if (s->applied >= s->fetch_to && s->top > s->applied) {
        fl_pbft_fetch(c);
    } else if (!is_behind(s)) {
        s->fetch_to = 0;
        fl_set_timer(c->out, PBFT_CATCH_UP, soon(c));
    }
}

void fl_pbft_need(const struct fl_pbft *c, const struct fl_pbft_slot *slot)
{
    struct fl_msg *const m = fl_send(c->out, FL_TO_PEERS, FL_NOWHERE, FL_CONSENSUS, PBFT_NEED);
    m->word[0] = slot->seq;
    m->word[1] = ++c->s->needs;
    m->value[0] = (int64_t)slot->digest.lo;
    m->value[1] = (int64_t)slot->digest.hi;
    if (c->s->catching) return;
    c->s->catching = 1;
    fl_set_timer(c->out, PBFT_CATCH_UP, soon(c));
}

static bool lacks_content(const struct fl_pbft_slot *slot)
{
    return slot && slot->blob.i == 0 && !fl_pbft_null(slot->digest) &&
           (slot->flags & (PBFT_FORCED | PBFT_COMMITTED)) != 0;
}

/* Still behind: ask, and forget the hints, which may have been lies. The answers bring new ones. */
void fl_pbft_catch_up(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    s->catching = 0;
    s->fetch_to = 0;
    fl_pbft_snapshot_give_up(c);
    const bool behind = is_behind(s);
    s->top = s->top_view = 0;
    for (uint64_t i = 1; i <= fl_pbft_reach(c); i++) {
        const struct fl_pbft_slot *const slot = fl_pbft_find(c, s->applied + i);
        if (lacks_content(slot)) fl_pbft_need(c, slot);
    }
    if (behind) fl_pbft_fetch(c);
}

/* --- answering ------------------------------------------------------------------------------------------ */

bool fl_pbft_serves(const struct fl_pbft *c, uint32_t member, uint32_t asker, uint64_t request)
{
    const uint32_t n = c->self->group_size;
    return (asker + 1 + request % (n - 1)) % n == member;
}

static void send_stable(const struct fl_pbft *c, fl_endpoint to, uint64_t request)
{
    const struct fl_pbft_state *const s = c->s;
    struct fl_msg *const m = fl_pbft_tell(c, to, PBFT_STABLE, s->stable, 0, request);
    m->value[0] = (int64_t)s->stable_digest.lo;
    m->value[1] = (int64_t)s->stable_digest.hi;
    m->blob = write_certificate(c, s->stable, 0, fl_pbft_stable_tags(c));
}

/* False if the block is not kept any more. */
static bool send_decided(const struct fl_pbft *c, fl_endpoint to, uint64_t seq, uint64_t request)
{
    const struct fl_pbft_slot *const slot = fl_pbft_find(c, seq);
    uint32_t bytes;
    const bool null = slot && fl_pbft_null(slot->digest);
    if (!slot || (!null && fl_blob_data(c->view, slot->blob, &bytes) == NULL)) {
        fl_pbft_tell(c, to, PBFT_GONE, seq, 0, request)->value[0] =
            (int64_t)fl_pbft_snapshot_beyond(c, seq);
        return false;
    }
    struct fl_msg *const m = fl_pbft_tell(c, to, PBFT_DECIDED, seq, slot->commit_view, request);
    m->value[0] = (int64_t)slot->digest.lo;
    m->value[1] = (int64_t)slot->digest.hi;
    m->blob = write_certificate(c, seq, slot->commit_view, fl_pbft_commits(c, seq));
    c->s->resent++;
    if (null) return true;
    struct fl_msg *const p = fl_pbft_tell(c, to, PBFT_PAYLOAD, seq, 0, request);
    p->value[0] = m->value[0];
    p->value[1] = m->value[1];
    p->blob = slot->blob;
    return true;
}

/* Our vote for a checkpoint that is not stable for the asker: it may have missed the first. */
static void send_checkpoint(const struct fl_pbft *c, fl_endpoint to, uint64_t above,
                            uint64_t request)
{
    const uint64_t every = (uint64_t)c->params->checkpoint_every;
    const uint64_t seq = c->s->applied / every * every;
    const struct fl_pbft_checkpoint *const p = fl_pbft_checkpoint_at(c, seq);
    if (seq == 0 || seq <= above || p->seq != seq || !p->reached) return;
    struct fl_msg *const m = fl_pbft_tell(c, to, PBFT_CHECKPOINT, seq, 0, request);
    m->value[0] = (int64_t)p->digest.lo;
    m->value[1] = (int64_t)p->digest.hi;
    m->tag = fl_pbft_checkpoint_tags(c, seq)[c->self->index];
}

/* A member's requests are numbered, and answers carry the number: no key is ever used twice, whatever
 * a corrupted member asks for. */
void fl_pbft_on_fetch(const struct fl_pbft *c)
{
    const struct fl_pbft_state *const s = c->s;
    const struct fl_msg *const m = &c->in->msg;
    const uint32_t from = fl_pbft_from(c);
    const uint64_t request = m->word[1], first = m->word[0], stable = (uint64_t)m->value[0];
    struct fl_pbft_member *const member = &fl_pbft_members(c)[from];
    if (request <= member->fetched || first == 0) return;
    member->fetched = request;
    struct fl_msg *const at =
        fl_pbft_tell(c, m->from, PBFT_AT_VIEW, s->active ? s->view : 0, 0, request);
    at->value[0] = (int64_t)s->base;
    at->value[1] = (int64_t)s->applied;
    send_checkpoint(c, m->from, stable, request);
    fl_pbft_answer_change(c, m->from, request);
    if (!fl_pbft_serves(c, c->self->index, from, request)) return;
    if (s->stable > stable) send_stable(c, m->from, request);
    for (uint64_t i = 0; i < PBFT_FETCH_MAX && first <= s->applied && i <= s->applied - first; i++)
        if (!send_decided(c, m->from, first + i, request)) return;
}

void fl_pbft_on_need(const struct fl_pbft *c)
{
    const struct fl_msg *const m = &c->in->msg;
    struct fl_pbft_member *const member = &fl_pbft_members(c)[fl_pbft_from(c)];
    const struct fl_pbft_slot *const slot = fl_pbft_find(c, m->word[0]);
    if (m->word[1] <= member->needed) return;
    member->needed = m->word[1];
    const fl_blob blob = slot ? fl_pbft_content(slot, fl_pbft_value(m)) : FL_NO_BLOB;
    uint32_t bytes;
    if (blob.i == 0 || fl_blob_data(c->view, blob, &bytes) == NULL) return;
    struct fl_msg *const p = fl_pbft_tell(c, m->from, PBFT_PAYLOAD, m->word[0], 1, m->word[1]);
    p->value[0] = m->value[0];
    p->value[1] = m->value[1];
    p->blob = blob;
    c->s->resent++;
}

/* --- what was asked for ----------------------------------------------------------------------------------- */

/* Is somebody honest in that view, with a NEW-VIEW that left nothing beyond our height open? */
static bool may_adopt(const struct fl_pbft *c, uint64_t view)
{
    const struct fl_pbft_state *const s = c->s;
    const struct fl_pbft_member *const member = fl_pbft_members(c);
    if (view < s->view || (view == s->view && s->active)) return false;
    if (fl_pbft_primary(c, view) == c->self->index) return false;
    uint64_t power = 0;
    for (uint32_t i = 0; i < c->self->group_size; i++)
        if (member[i].at_view == view && member[i].at_base <= s->applied)
            power += c->self->power[i];
    return fl_pbft_some_honest(c, power);
}

void fl_pbft_on_at_view(const struct fl_pbft *c)
{
    const struct fl_msg *const m = &c->in->msg;
    struct fl_pbft_member *const member = &fl_pbft_members(c)[fl_pbft_from(c)];
    member->at_view = m->word[0];
    member->at_base = (uint64_t)m->value[0];
    fl_pbft_hint(c, (uint64_t)m->value[1], m->word[0]);
    if (m->word[0] != 0 && may_adopt(c, m->word[0])) fl_pbft_adopt_view(c, m->word[0]);
}

void fl_pbft_on_stable(const struct fl_pbft *c)
{
    const struct fl_msg *const m = &c->in->msg;
    const uint64_t seq = m->word[0];
    const struct fl_claim claim = fl_pbft_claim(PBFT_CHECKPOINT, seq, 0, fl_pbft_value(m));
    if (seq <= c->s->stable || seq % (uint64_t)c->params->checkpoint_every != 0) return;
    if (!certificate_right(c, &claim)) return;
    uint64_t *const row = fl_pbft_stable_tags(c);
    take_certificate(c, row);
    fl_pbft_stabilise(c, seq, claim.digest, row);
    fl_pbft_propose(c);
}

void fl_pbft_settle(const struct fl_pbft *c, struct fl_pbft_slot *slot, uint64_t view,
                    struct fl_digest digest)
{
    const fl_blob blob = fl_pbft_content(slot, digest);
    if (!(slot->flags & PBFT_PROPOSED) || !fl_digest_equal(slot->digest, digest))
        fl_pbft_reset(c, slot);
    slot->flags |= PBFT_COMMITTED;
    slot->commit_view = view;
    slot->digest.lo = digest.lo;
    slot->digest.hi = digest.hi;
    slot->blob = blob;
}

/* 2f + 1 commits for it: decided, whatever was voted for here. */
void fl_pbft_on_decided(const struct fl_pbft *c)
{
    const struct fl_pbft_state *const s = c->s;
    const struct fl_msg *const m = &c->in->msg;
    const uint64_t seq = m->word[0], view = m->word[1], reach = fl_pbft_reach(c);
    const struct fl_digest digest = fl_pbft_value(m);
    if (seq <= s->applied || seq - s->applied > reach) return;
    if (seq > s->stable && seq - s->stable > reach) return; /* first the checkpoint before it */
    struct fl_pbft_slot *const slot = fl_pbft_open(c, seq);
    if (slot->flags & PBFT_COMMITTED) return;
    const struct fl_claim claim = fl_pbft_claim(PBFT_COMMIT, seq, view, digest);
    if (!certificate_right(c, &claim)) return;

    fl_pbft_settle(c, slot, view, digest);
    take_certificate(c, fl_pbft_commits(c, seq));
    fl_pbft_committed(c, slot, view);
    fl_pbft_decide(c);
}

/* Content may come before its name: it is kept beside. */
void fl_pbft_on_payload(const struct fl_pbft *c)
{
    const struct fl_pbft_state *const s = c->s;
    const struct fl_msg *const m = &c->in->msg;
    const uint64_t seq = m->word[0], reach = fl_pbft_reach(c);
    const struct fl_digest digest = fl_pbft_value(m);
    if (seq <= s->stable && seq <= s->applied) return;
    if (seq > s->applied && seq - s->applied > reach) return;
    if (fl_pbft_null(digest) || !fl_pbft_brings(c, digest)) return;
    struct fl_pbft_slot *const slot = seq > s->applied ? fl_pbft_open(c, seq)
                                                       : fl_pbft_find(c, seq);
    if (!slot) return;
    if (!lacks_content(slot) || !fl_digest_equal(slot->digest, digest)) {
        slot->stray_blob = m->blob;
        slot->stray_digest.lo = digest.lo;
        slot->stray_digest.hi = digest.hi;
        return;
    }
    slot->blob = m->blob;
    fl_pbft_advance(c, slot);
    fl_pbft_decide(c);
}

void fl_pbft_on_gone(const struct fl_pbft *c)
{
    if (c->in->msg.word[0] != c->s->applied + 1) return;
    c->s->gone++;
    fl_pbft_want(c);
}
