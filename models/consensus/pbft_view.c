/* PBFT, view changes (Castro and Liskov 1999, 4.4): VIEW-CHANGE with the stable checkpoint and all that
 * was prepared since, NEW-VIEW with what the new primary must propose again, which every backup works
 * out for itself from the same messages. */
#include "models/consensus/pbft.h"

#include <string.h>

/* A cursor over untrusted bytes. */
struct reader {
    const unsigned char *at;
    size_t left;
};

static bool take(struct reader *r, void *out, size_t bytes)
{
    if (r->left < bytes) return false;
    memcpy(out, r->at, bytes);
    r->at += bytes;
    r->left -= bytes;
    return true;
}

/* `count` records in place, for want of alignment as bytes; NULL if they are not there. */
static const unsigned char *take_bytes(struct reader *r, uint32_t count, size_t each)
{
    const unsigned char *const at = r->at;
    if (r->left / each < count) return NULL;
    r->at += count * each;
    r->left -= count * each;
    return at;
}

static const unsigned char *take_signatures(struct reader *r, uint32_t count)
{
    return take_bytes(r, count, sizeof(struct fl_pbft_signature));
}

static void set_said(struct fl_pbft_said *said, uint64_t view, struct fl_digest digest,
                     fl_blob blob, uint64_t tag)
{
    said->view = view;
    said->digest.lo = digest.lo;
    said->digest.hi = digest.hi;
    said->blob.i = blob.i;
    said->tag = tag;
}

/* Blobs about views live as long as blocks of their time. */
static uint64_t epoch(const struct fl_pbft *c)
{
    return c->s->applied + 1;
}

/* --- VIEW-CHANGE: writing ---------------------------------------------------------------------------- */

static bool reports(const struct fl_pbft *c, uint64_t seq)
{
    const struct fl_pbft_slot *const slot = fl_pbft_find(c, seq);
    return slot && slot->cert_view != 0 && c->rules->shows_prepared;
}

/* Nothing was voted for beyond these. */
static uint64_t log_end(const struct fl_pbft *c)
{
    return c->s->stable + (uint64_t)c->params->window;
}

static uint32_t change_bytes(const struct fl_pbft *c)
{
    uint32_t signatures = 0, prepared = 0;
    if (c->s->stable > 0) signatures += fl_pbft_signatures(c, fl_pbft_stable_tags(c), NULL);
    for (uint64_t seq = c->s->stable + 1; seq <= log_end(c); seq++) {
        if (!reports(c, seq)) continue;
        prepared++;
        signatures += fl_pbft_signatures(c, fl_pbft_prepared_by(c, seq), NULL);
    }
    return (uint32_t)(sizeof(struct fl_pbft_change) + prepared * sizeof(struct fl_pbft_prepared) +
                      signatures * sizeof(struct fl_pbft_signature));
}

static unsigned char *write_prepared(const struct fl_pbft *c, uint64_t seq, unsigned char *at)
{
    const struct fl_pbft_slot *const slot = fl_pbft_find(c, seq);
    unsigned char *const signatures = at + sizeof(struct fl_pbft_prepared);
    const struct fl_pbft_prepared p = {
        .seq = seq,
        .view = slot->cert_view - 1,
        .digest = slot->cert_digest,
        .count = fl_pbft_signatures(c, fl_pbft_prepared_by(c, seq), signatures),
    };
    memcpy(at, &p, sizeof p);
    return signatures + p.count * sizeof(struct fl_pbft_signature);
}

static fl_blob write_change(const struct fl_pbft *c, struct fl_digest *digest)
{
    const struct fl_pbft_state *const s = c->s;
    unsigned char *const start = fl_blob_begin(c->out, change_bytes(c));
    unsigned char *at = start + sizeof(struct fl_pbft_change);
    struct fl_pbft_change header = {
        .view = s->view, .stable = s->stable, .stable_digest = s->stable_digest};
    if (s->stable > 0) header.proofs = fl_pbft_signatures(c, fl_pbft_stable_tags(c), at);
    at += header.proofs * sizeof(struct fl_pbft_signature);
    for (uint64_t seq = s->stable + 1; seq <= log_end(c); seq++) {
        if (!reports(c, seq)) continue;
        header.prepared++;
        at = write_prepared(c, seq, at);
    }
    memcpy(start, &header, sizeof header);
    return fl_blob_end(c->out, epoch(c), digest);
}

/* --- VIEW-CHANGE: reading ---------------------------------------------------------------------------- */

/* Is this what an honest member could have written for that view? */
static bool change_right(const struct fl_pbft *c, uint64_t view, const void *data, uint32_t bytes)
{
    struct reader r = {data, bytes};
    struct fl_pbft_change header;
    const uint64_t window = (uint64_t)c->params->window;
    if (data == NULL || !take(&r, &header, sizeof header) || header.view != view) return false;
    if (header.stable % (uint64_t)c->params->checkpoint_every != 0) return false;
    if (header.stable > UINT64_MAX - window) return false;
    const unsigned char *const proofs = take_signatures(&r, header.proofs);
    const struct fl_claim stable =
        fl_pbft_claim(PBFT_CHECKPOINT, header.stable, 0, header.stable_digest);
    if (proofs == NULL || (header.stable == 0) != (header.proofs == 0)) return false;
    if (header.stable > 0 && c->rules->checks_proofs &&
        !fl_pbft_proven(c, proofs, header.proofs, &stable, NULL))
        return false;
    uint64_t last = header.stable;
    for (uint32_t i = 0; i < header.prepared; i++) {
        struct fl_pbft_prepared p;
        if (!take(&r, &p, sizeof p) || p.zero != 0 || p.view >= view) return false;
        if (p.seq <= last || p.seq - header.stable > window) return false;
        last = p.seq;
        const unsigned char *const signatures = take_signatures(&r, p.count);
        const struct fl_claim claim = fl_pbft_claim(PBFT_PREPARE, p.seq, p.view, p.digest);
        if (signatures == NULL) return false;
        if (c->rules->checks_proofs && !fl_pbft_proven(c, signatures, p.count, &claim, NULL))
            return false;
    }
    return r.left == 0;
}

/* --- leaving a view ------------------------------------------------------------------------------------ */

/* 4.4: stops accepting messages other than checkpoint, view-change and new-view. */
void fl_pbft_change_view(const struct fl_pbft *c, uint64_t view)
{
    struct fl_pbft_state *const s = c->s;
    FL_ASSERT(view > s->view);
    s->view = view;
    s->active = s->waiting = s->resends = 0;
    s->new_view.view = 0;
    s->due = s->asked = s->building = 0;
    s->attempts++;
    s->view_changes++;
    for (uint64_t i = 1; i <= fl_pbft_reach(c); i++) {
        struct fl_pbft_slot *const slot = fl_pbft_find(c, s->applied + i);
        if (slot && !(slot->flags & PBFT_COMMITTED)) fl_pbft_reset(c, slot);
    }
    fl_cancel_timer(c->out, PBFT_PROGRESS);
    fl_set_timer(c->out, PBFT_RESEND, fl_pbft_patience(c));

    struct fl_digest digest;
    const fl_blob blob = write_change(c, &digest);
    const struct fl_claim claim = fl_pbft_claim(PBFT_VIEW_CHANGE, view, 0, digest);
    const uint64_t tag = fl_pbft_sign(c, &claim);
    fl_pbft_say(c, &claim, tag)->blob = blob;
    struct fl_msg *const own = fl_local(c->out, FL_CONSENSUS, PBFT_VIEW_CHANGE);
    own->word[0] = view;
    own->value[0] = (int64_t)digest.lo;
    own->value[1] = (int64_t)digest.hi;
    own->tag = tag;
    own->blob = blob;
}

/* Our VIEW-CHANGE once more; NULL if its content is GONE. */
static struct fl_msg *own_change(const struct fl_pbft *c)
{
    const struct fl_pbft_said *const own = &fl_pbft_members(c)[c->self->index].change;
    uint32_t bytes;
    if (c->s->active || own->view != c->s->view) return NULL;
    if (fl_blob_data(c->view, own->blob, &bytes) == NULL) return NULL;
    const struct fl_claim claim = fl_pbft_claim(PBFT_VIEW_CHANGE, own->view, 0, own->digest);
    struct fl_msg *const m = fl_pbft_say(c, &claim, own->tag);
    m->blob = own->blob;
    return m;
}

/* Messages may be lost on those who were down: as long as nothing comes of it, say it again. */
void fl_pbft_resend_change(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    if (s->active || s->resends == UINT16_MAX) return;
    struct fl_msg *const m = own_change(c);
    if (m) m->copy = (uint16_t)++s->resends;
    fl_set_timer(c->out, PBFT_RESEND, fl_pbft_patience(c) << (s->resends < 4 ? s->resends : 4));
}

void fl_pbft_answer_change(const struct fl_pbft *c, fl_endpoint to, uint64_t request)
{
    struct fl_msg *const m = own_change(c);
    if (!m) return;
    struct fl_effect *const e = &c->out->at[c->out->count - 1];
    e->reach = FL_TO_ONE;
    e->to = to;
    m->word[2] = request;
}

/* --- NEW-VIEW: what must be proposed again ------------------------------------------------------------- */

/* min-s, max-s and O of section 4.4, from the VIEW-CHANGE messages in V. */
struct plan {
    uint64_t low, high;
    uint64_t low_member;                      /* whose message proves the checkpoint `low` */
    struct fl_digest digest[PBFT_WINDOW_MAX]; /* of low + 1, low + 2, ...; zero: null request */
    uint64_t view[PBFT_WINDOW_MAX];           /* 1 + view it was prepared in; 0: none */
};

/* The message's content; NULL if it is GONE. */
static const void *content(const struct fl_pbft *c, const struct fl_pbft_said *said,
                           uint32_t *bytes)
{
    *bytes = 0;
    return said->view == c->s->new_view.view ? fl_blob_data(c->view, said->blob, bytes) : NULL;
}

static void plan_range(struct plan *plan, struct reader r, uint32_t member)
{
    struct fl_pbft_change header;
    if (!take(&r, &header, sizeof header)) return;
    if (header.stable > plan->low) {
        plan->low = header.stable;
        plan->low_member = member;
    }
    if (header.stable > plan->high) plan->high = header.stable;
    take_signatures(&r, header.proofs);
    for (uint32_t i = 0; i < header.prepared; i++) {
        struct fl_pbft_prepared p;
        if (!take(&r, &p, sizeof p)) return;
        take_signatures(&r, p.count);
        if (p.seq > plan->high) plan->high = p.seq;
    }
}

static void plan_digests(struct plan *plan, struct reader r)
{
    struct fl_pbft_change header;
    if (!take(&r, &header, sizeof header)) return;
    take_signatures(&r, header.proofs);
    for (uint32_t i = 0; i < header.prepared; i++) {
        struct fl_pbft_prepared p;
        if (!take(&r, &p, sizeof p)) return;
        take_signatures(&r, p.count);
        if (p.seq <= plan->low) continue;
        const uint64_t at = p.seq - plan->low - 1;
        if (plan->view[at] > p.view) continue; /* the highest view counts */
        plan->view[at] = p.view + 1;
        plan->digest[at] = p.digest;
    }
}

/* From the messages that `listed` of each member holds for this view. False if one is GONE. */
static bool make_plan(const struct fl_pbft *c, struct plan *plan)
{
    const struct fl_pbft_member *const member = fl_pbft_members(c);
    memset(plan, 0, sizeof *plan);
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < c->self->group_size; i++) {
            if (member[i].listed.view != c->s->new_view.view) continue;
            uint32_t bytes;
            const void *const data = content(c, &member[i].listed, &bytes);
            if (data == NULL) return false;
            if (pass == 0)
                plan_range(plan, (struct reader){data, bytes}, i);
            else
                plan_digests(plan, (struct reader){data, bytes});
        }
    /* Each message reaches at most a window beyond its own checkpoint, which is no higher than low. */
    FL_ASSERT(plan->high - plan->low <= (uint64_t)c->params->window);
    return true;
}

/* --- entering a view ------------------------------------------------------------------------------------- */

static void adopt_checkpoint(const struct fl_pbft *c, const struct plan *plan)
{
    if (plan->low <= c->s->stable) return;
    uint32_t bytes;
    const void *const data = content(c, &fl_pbft_members(c)[plan->low_member].listed, &bytes);
    struct reader r = {data, bytes};
    struct fl_pbft_change header;
    if (data == NULL || !take(&r, &header, sizeof header)) return;
    const unsigned char *const proofs = take_signatures(&r, header.proofs);
    const struct fl_claim claim =
        fl_pbft_claim(PBFT_CHECKPOINT, header.stable, 0, header.stable_digest);
    uint64_t *const row = fl_pbft_stable_tags(c);
    memset(row, 0, c->self->group_size * sizeof *row);
    fl_pbft_proven(c, proofs, header.proofs, &claim, row);
    fl_pbft_stabilise(c, header.stable, header.stable_digest, row);
}

static void begin(const struct fl_pbft *c, uint64_t view, uint64_t base)
{
    struct fl_pbft_state *const s = c->s;
    s->view = view;
    s->active = 1;
    s->base = base;
    s->proposed = base;
    s->waiting = s->resends = 0;
    s->new_view.view = 0;
    fl_pbft_expect_block(c);
}

/* What follows in the new view: votes for what is proposed again, and for what came early. */
static void go_on(const struct fl_pbft *c)
{
    fl_pbft_advance_all(c);
    if (fl_pbft_primary(c, c->s->view) != c->self->index) return;
    c->s->due = 1;
    fl_pbft_propose(c);
    fl_pbft_slot_arm(c);
}

static void enter(const struct fl_pbft *c, uint64_t view, const struct plan *plan,
                  const struct fl_pbft_proposal *proposal)
{
    struct fl_pbft_state *const s = c->s;
    adopt_checkpoint(c, plan);
    if (s->view != view) { /* NEW-VIEW without having left the old view oneself */
        s->view = view;
        s->attempts++;
        s->view_changes++;
        for (uint64_t i = 1; i <= fl_pbft_reach(c); i++) {
            struct fl_pbft_slot *const slot = fl_pbft_find(c, s->applied + i);
            if (slot && !(slot->flags & PBFT_COMMITTED)) fl_pbft_reset(c, slot);
        }
    }
    begin(c, view, plan->high);
    for (uint64_t seq = plan->low + 1; seq <= plan->high; seq++) {
        if (seq <= s->stable || seq > s->applied + fl_pbft_reach(c)) continue;
        struct fl_pbft_slot *const slot = seq > s->applied ? fl_pbft_open(c, seq)
                                                           : fl_pbft_find(c, seq);
        const struct fl_pbft_proposal *const p = &proposal[seq - plan->low - 1];
        if (slot) fl_pbft_force(c, slot, p->digest, p->tag);
    }
    if (plan->low > s->applied) fl_pbft_hint(c, plan->low, view);
    go_on(c);
}

void fl_pbft_adopt_view(const struct fl_pbft *c, uint64_t view)
{
    struct fl_pbft_state *const s = c->s;
    if (s->view != view) s->view_changes++;
    s->view = view;
    for (uint64_t i = 1; i <= fl_pbft_reach(c); i++) {
        struct fl_pbft_slot *const slot = fl_pbft_find(c, s->applied + i);
        if (slot && !(slot->flags & PBFT_COMMITTED) && slot->view != view) fl_pbft_reset(c, slot);
    }
    s->due = s->asked = s->building = 0;
    begin(c, view, s->applied);
    go_on(c);
}

/* --- NEW-VIEW: the new primary ---------------------------------------------------------------------------- */

/* V: the first members, in order, that make a quorum. They are remembered, to be relayed. */
static bool choose(const struct fl_pbft *c)
{
    struct fl_pbft_member *const member = fl_pbft_members(c);
    uint64_t power = 0;
    c->s->new_view.view = c->s->view;
    for (uint32_t i = 0; i < c->self->group_size; i++) {
        member[i].listed.view = 0;
        const struct fl_pbft_said *const said = &member[i].change;
        uint32_t bytes;
        if (fl_pbft_quorum(c, power) || content(c, said, &bytes) == NULL) continue;
        set_said(&member[i].listed, said->view, said->digest, said->blob, said->tag);
        power += c->self->power[i];
    }
    return fl_pbft_quorum(c, power);
}

static void propose_again(const struct fl_pbft *c, const struct plan *plan,
                          struct fl_pbft_proposal *proposal)
{
    for (uint64_t seq = plan->low + 1; seq <= plan->high; seq++) {
        struct fl_pbft_proposal *const p = &proposal[seq - plan->low - 1];
        p->digest = plan->digest[seq - plan->low - 1];
        const struct fl_claim claim = fl_pbft_claim(PBFT_PRE_PREPARE, seq, c->s->view, p->digest);
        p->tag = fl_pbft_sign(c, &claim);
    }
}

static void say_new_view(const struct fl_pbft *c, const struct plan *plan,
                         const struct fl_pbft_proposal *proposal)
{
    const struct fl_pbft_member *const member = fl_pbft_members(c);
    struct fl_pbft_new_view header = {.view = c->s->view, .low = plan->low, .high = plan->high};
    for (uint32_t i = 0; i < c->self->group_size; i++)
        header.changes += member[i].listed.view == c->s->view;
    const size_t count = (size_t)(plan->high - plan->low);
    const size_t bytes = sizeof header + header.changes * sizeof(struct fl_pbft_name) +
                         count * sizeof *proposal;
    unsigned char *at = fl_blob_begin(c->out, (uint32_t)bytes);
    memcpy(at, &header, sizeof header);
    at += sizeof header;
    for (uint32_t i = 0; i < c->self->group_size; i++) {
        if (member[i].listed.view != c->s->view) continue;
        const struct fl_pbft_name name = {.member = i, .digest = member[i].listed.digest};
        memcpy(at, &name, sizeof name);
        at += sizeof name;
    }
    if (count > 0) memcpy(at, proposal, count * sizeof *proposal);
    struct fl_digest digest;
    const fl_blob blob = fl_blob_end(c->out, epoch(c), &digest);
    const struct fl_claim claim = fl_pbft_claim(PBFT_NEW_VIEW, c->s->view, 0, digest);
    fl_pbft_say(c, &claim, fl_pbft_sign(c, &claim))->blob = blob;
}

static void make_new_view(const struct fl_pbft *c)
{
    struct plan plan;
    struct fl_pbft_proposal proposal[PBFT_WINDOW_MAX];
    if (!choose(c) || !make_plan(c, &plan)) {
        c->s->new_view.view = 0;
        return;
    }
    propose_again(c, &plan, proposal);
    say_new_view(c, &plan, proposal);
    enter(c, c->s->view, &plan, proposal);
}

void fl_pbft_on_ask_change(const struct fl_pbft *c)
{
    const struct fl_msg *const m = &c->in->msg;
    if (m->word[0] != c->s->view || m->word[1] >= c->self->group_size || !c->s->active) return;
    const struct fl_pbft_said *const said = &fl_pbft_members(c)[m->word[1]].listed;
    if (said->view != m->word[0] || fl_pbft_primary(c, said->view) != c->self->index) return;
    struct fl_msg *const r =
        fl_pbft_tell(c, m->from, PBFT_RELAY, m->word[0], m->word[1], ++c->s->relays);
    r->value[0] = (int64_t)said->digest.lo;
    r->value[1] = (int64_t)said->digest.hi;
    r->tag = said->tag;
    r->blob = said->blob;
}

/* --- NEW-VIEW: the backups ----------------------------------------------------------------------------------- */

static struct fl_pbft_name name_at(const unsigned char *names, uint32_t i)
{
    struct fl_pbft_name name;
    memcpy(&name, names + i * sizeof name, sizeof name);
    return name;
}

/* V: distinct members that make a quorum. */
static bool names_right(const struct fl_pbft *c, const unsigned char *names, uint32_t count)
{
    uint64_t power = 0;
    uint32_t next = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct fl_pbft_name name = name_at(names, i);
        if (name.member < next || name.member >= c->self->group_size || name.zero != 0)
            return false;
        next = name.member + 1;
        power += c->self->power[name.member];
    }
    return fl_pbft_quorum(c, power);
}

/* Looks for the messages that V names, asks once for those that are not here. */
static bool gather(const struct fl_pbft *c, const unsigned char *names, uint32_t count)
{
    struct fl_pbft_state *const s = c->s;
    const uint64_t view = s->new_view.view;
    const fl_endpoint primary = {c->self->group_first + fl_pbft_primary(c, view)};
    uint32_t missing = 0, next = 0;
    for (uint32_t i = 0; i < c->self->group_size; i++) {
        struct fl_pbft_member *const m = &fl_pbft_members(c)[i];
        const struct fl_pbft_name name = next < count ? name_at(names, next)
                                                      : (struct fl_pbft_name){.member = UINT32_MAX};
        const struct fl_pbft_said *const a = &m->listed, *const b = &m->change;
        if (name.member == i) next++;
        if (name.member == i && a->view == view && fl_digest_equal(a->digest, name.digest))
            continue;
        if (name.member == i && b->view == view && fl_digest_equal(b->digest, name.digest)) {
            set_said(&m->listed, view, b->digest, b->blob, b->tag);
            continue;
        }
        m->listed.view = 0;
        if (name.member != i) continue;
        missing++;
        if (!s->new_view_asked) fl_pbft_tell(c, primary, PBFT_ASK_CHANGE, view, i, 0);
    }
    s->new_view_asked = 1;
    return missing == 0;
}

/* O is what follows from V, and signed as pre-prepares by the new primary. */
static bool proposals_right(const struct fl_pbft *c, const struct plan *plan, struct reader *r,
                            struct fl_pbft_proposal *proposal)
{
    const uint64_t view = c->s->new_view.view;
    for (uint64_t seq = plan->low + 1; seq <= plan->high; seq++) {
        struct fl_pbft_proposal *const p = &proposal[seq - plan->low - 1];
        if (!take(r, p, sizeof *p)) return false;
        if (!fl_digest_equal(p->digest, plan->digest[seq - plan->low - 1])) return false;
        const struct fl_claim claim = fl_pbft_claim(PBFT_PRE_PREPARE, seq, view, p->digest);
        if (!fl_pbft_signed(c, fl_pbft_primary(c, view), &claim, p->tag)) return false;
    }
    return r->left == 0;
}

static void try_new_view(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    uint32_t bytes = 0;
    const void *const data = fl_blob_data(c->view, s->new_view.blob, &bytes);
    struct reader r = {data, bytes};
    struct fl_pbft_new_view header;
    struct fl_pbft_proposal proposal[PBFT_WINDOW_MAX];
    struct plan plan;
    bool right = data != NULL && take(&r, &header, sizeof header) && header.zero == 0 &&
                 header.view == s->new_view.view;
    const unsigned char *const names =
        right ? take_bytes(&r, header.changes, sizeof(struct fl_pbft_name)) : NULL;
    right = names != NULL && names_right(c, names, header.changes);
    if (right && !gather(c, names, header.changes)) return; /* until they come */
    right = right && make_plan(c, &plan) && header.low == plan.low && header.high == plan.high &&
            proposals_right(c, &plan, &r, proposal);
    if (right)
        enter(c, header.view, &plan, proposal);
    else
        s->new_view.view = 0;
}

/* From the primary of that view, whether or not we have left the old one ourselves. */
void fl_pbft_on_new_view(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    const struct fl_msg *const m = &c->in->msg;
    const uint64_t view = m->word[0];
    if (view < s->view || (view == s->view && s->active) || s->new_view.view >= view) return;
    if (fl_pbft_from(c) != fl_pbft_primary(c, view)) return;
    if (!fl_pbft_brings(c, fl_pbft_value(m))) return;
    set_said(&s->new_view, view, fl_pbft_value(m), m->blob, m->tag);
    s->new_view_asked = 0;
    try_new_view(c);
}

void fl_pbft_on_relay(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    const struct fl_msg *const m = &c->in->msg;
    const struct fl_digest digest = fl_pbft_value(m);
    if (s->new_view.view == 0 || m->word[0] != s->new_view.view) return;
    if (m->word[1] >= c->self->group_size || !fl_pbft_brings(c, digest)) return;
    if (fl_pbft_from(c) != fl_pbft_primary(c, s->new_view.view)) return;
    const struct fl_claim claim = fl_pbft_claim(PBFT_VIEW_CHANGE, m->word[0], 0, digest);
    if (!fl_pbft_signed(c, (uint32_t)m->word[1], &claim, m->tag)) return;
    if (!change_right(c, m->word[0], c->in->data, c->in->data_bytes)) return;
    set_said(&fl_pbft_members(c)[m->word[1]].listed, m->word[0], digest, m->blob, m->tag);
    try_new_view(c);
}

/* --- VIEW-CHANGE: receiving ------------------------------------------------------------------------------- */

/* 4.5.2: on f + 1 for views beyond ours, join the smallest of them, although no timer has expired. */
static void join(const struct fl_pbft *c)
{
    const struct fl_pbft_member *const member = fl_pbft_members(c);
    uint64_t power = 0, smallest = UINT64_MAX;
    for (uint32_t i = 0; i < c->self->group_size; i++) {
        if (member[i].change.view <= c->s->view) continue;
        power += c->self->power[i];
        if (member[i].change.view < smallest) smallest = member[i].change.view;
    }
    if (fl_pbft_some_honest(c, power)) fl_pbft_change_view(c, smallest);
}

static uint64_t change_power(const struct fl_pbft *c, uint64_t first, uint64_t last)
{
    const struct fl_pbft_member *const member = fl_pbft_members(c);
    uint64_t power = 0;
    for (uint32_t i = 0; i < c->self->group_size; i++)
        if (member[i].change.view >= first && member[i].change.view <= last)
            power += c->self->power[i];
    return power;
}

/* 4.5.2: once 2f + 1 have left the old view, the timer runs for the new one. Those who have left the
 * new one as well count: a liar's message may be good enough for some to go on, and not for others,
 * who would wait for it for ever. */
static void on_enough(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    if (s->active) return;
    if (!s->waiting && fl_pbft_quorum(c, change_power(c, s->view, UINT64_MAX))) {
        s->waiting = 1;
        fl_set_timer(c->out, PBFT_PROGRESS, fl_pbft_patience(c));
    }
    if (fl_pbft_primary(c, s->view) == c->self->index &&
        fl_pbft_quorum(c, change_power(c, s->view, s->view)))
        make_new_view(c);
}

void fl_pbft_on_view_change(const struct fl_pbft *c, uint32_t from)
{
    struct fl_pbft_state *const s = c->s;
    const struct fl_msg *const m = &c->in->msg;
    struct fl_pbft_said *const said = &fl_pbft_members(c)[from].change;
    const struct fl_digest digest = fl_pbft_value(m);
    const uint64_t view = m->word[0];
    if (view < s->view || (view == s->view && s->active && s->new_view.view == 0)) return;
    if (said->view >= view || !fl_pbft_brings(c, digest)) return;
    const struct fl_claim claim = fl_pbft_claim(PBFT_VIEW_CHANGE, view, 0, digest);
    if (!fl_pbft_signed(c, from, &claim, m->tag)) return;
    if (!change_right(c, view, c->in->data, c->in->data_bytes)) return;
    set_said(said, view, digest, m->blob, m->tag);
    if (from != c->self->index && view > s->view) join(c);
    if (s->new_view.view == view) try_new_view(c);
    on_enough(c);
}
