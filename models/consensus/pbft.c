/* PBFT: members agree on a sequence of payloads although some of them lie. Castro and Liskov 1999,
 * "Practical Byzantine Fault Tolerance" (OSDI), section 4; names and rules are the paper's.
 *
 * Assumptions: partial synchrony for progress, none for safety; signatures on all that is relayed;
 * the faulty hold at most F of the power P, P > 3F, where F is the power of the faulty_max most
 * powerful members. A quorum is more than (P + F) / 2 (with equal powers of 1: ceil((n + f + 1) / 2),
 * which is 2f + 1 of 3f + 1). A crashed member comes back with its state (stable storage); one that
 * forgets it is among the faulty, and catches up if others keep all blocks.
 *
 * What differs from the paper:
 *   - Requests come from the chain layer as one payload per sequence number, which is also the height.
 *     A primary proposes whether or not clients wait, so that backups always expect a next block and
 *     their timers always run: the primary's slot plus timeout_ms.
 *   - A backup votes for a payload only after its chain layer has found it valid. `pipeline` says how
 *     far beyond the last executed block that layer can build and judge; `replica` does neither
 *     beyond its head, hence 1. Then no number is ever left without a payload (a block is prepared
 *     only after a quorum has prepared the one before), so the null request, which is an empty payload
 *     id, reaches a chain layer only with a longer pipeline.
 *   - NEW-VIEW names the VIEW-CHANGE messages it rests on by digest (Castro and Liskov 2002, 4.5); who
 *     lacks one asks the new primary. It carries the proposals O with their PRE-PREPARE signatures.
 *   - A replica that finds itself behind fetches payloads with their commit certificates, as long as
 *     somebody keeps them (`history`); then, with `snapshots`, the state of a stable checkpoint in one
 *     piece, of one member after the other until it is right. It follows others into a view when more
 *     than F of them say that their NEW-VIEW decided upon nothing beyond its height: nothing that an
 *     older view may have committed is then left to be told.
 *
 *   - While a block is overdue its votes are said again, every quarter of a timeout; VIEW-CHANGE messages
 *     too, until the view begins. The timer of a view that has not begun also counts those who have left
 *     it already: a liar's VIEW-CHANGE may satisfy some and not others, who would wait for ever.
 *
 * Limits: votes sit in the state, 8 bytes for each member, and a VIEW-CHANGE must fit an outbox: window
 * times quorum at most 60,000. With block_ms 0 and no network delay time stands still.
 *
 * Without failures a decision takes 2n(n-1) messages and three delays. */
#include "models/consensus/pbft.h"

#include <string.h>

/* --- the layout of the state ---------------------------------------------------------------------- */

static uint64_t checkpoints(const struct fl_pbft_params *p)
{
    /* Those after h, up to the height of others, which may be 2L ahead; and one more. */
    return (uint64_t)(2 * p->window / p->checkpoint_every) + 2;
}

/* Rows of votes; those of checkpoints follow, then that of the stable one. */
static uint64_t vote_rows(const struct fl_pbft_params *p)
{
    return 2 * fl_pbft_recent(p) + (uint64_t)p->history;
}

static uint64_t tag_rows(const struct fl_pbft_params *p)
{
    return vote_rows(p) + checkpoints(p) + 1;
}

static uint64_t checkpoint_index(const struct fl_pbft *c, uint64_t seq)
{
    return seq / (uint64_t)c->params->checkpoint_every % checkpoints(c->params);
}

uint64_t *fl_pbft_checkpoint_tags(const struct fl_pbft *c, uint64_t seq)
{
    return fl_pbft_row(c, vote_rows(c->params) + checkpoint_index(c, seq));
}

uint64_t *fl_pbft_stable_tags(const struct fl_pbft *c)
{
    return fl_pbft_row(c, tag_rows(c->params) - 1);
}

static struct fl_pbft_checkpoint *checkpoint_ring(const struct fl_pbft *c)
{
    return (void *)fl_pbft_row(c, tag_rows(c->params));
}

struct fl_pbft_checkpoint *fl_pbft_checkpoint_at(const struct fl_pbft *c, uint64_t seq)
{
    return &checkpoint_ring(c)[checkpoint_index(c, seq)];
}

struct fl_pbft_transfer *fl_pbft_transfer(const struct fl_pbft *c)
{
    if (!c->params->snapshots) return NULL;
    return (void *)(checkpoint_ring(c) + checkpoints(c->params));
}

struct fl_pbft_held *fl_pbft_held_at(const struct fl_pbft *c, uint64_t seq)
{
    struct fl_pbft_held *const held = (void *)(fl_pbft_transfer(c) + 1);
    return &held[checkpoint_index(c, seq)];
}

struct fl_pbft_slot *fl_pbft_open(const struct fl_pbft *c, uint64_t seq)
{
    struct fl_pbft_slot *const slot = &fl_pbft_slots(c)[seq % (uint64_t)c->params->history];
    FL_ASSERT(seq > c->s->applied && seq - c->s->applied <= fl_pbft_reach(c));
    if (slot->seq == seq) return slot;
    const size_t bytes = c->self->group_size * sizeof(uint64_t);
    memset(slot, 0, sizeof *slot);
    memset(fl_pbft_prepares(c, seq), 0, bytes);
    memset(fl_pbft_prepared_by(c, seq), 0, bytes);
    memset(fl_pbft_commits_of(c, slot), 0, bytes);
    slot->seq = seq;
    slot->view = c->s->view;
    return slot;
}

/* --- quorums and signatures ----------------------------------------------------------------------- */

/* Power of the faulty_max most powerful: those ranked before `rank` by (power, index). */
static uint64_t faulty_power(const struct fl_self *self)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < self->group_size; i++) {
        uint32_t above = 0;
        for (uint32_t j = 0; j < self->group_size; j++)
            above += self->power[j] > self->power[i] || (self->power[j] == self->power[i] && j < i);
        if (above < self->faulty_max) sum += self->power[i];
    }
    return sum;
}

bool fl_pbft_some_honest(const struct fl_pbft *c, uint64_t power)
{
    return power > c->s->faulty_power;
}

bool fl_pbft_brings(const struct fl_pbft *c, struct fl_digest digest)
{
    return c->in->data != NULL &&
           fl_digest_equal(fl_digest_of(c->in->data, c->in->data_bytes), digest);
}

struct fl_claim fl_pbft_claim(enum fl_pbft_message kind, uint64_t word0, uint64_t word1,
                              struct fl_digest digest)
{
    return (struct fl_claim){.kind = kind, .word = {word0, word1}, .digest = digest};
}

uint64_t fl_pbft_sign(const struct fl_pbft *c, const struct fl_claim *claim)
{
    return fl_sign(c->self, fl_claim_digest(claim), c->out);
}

bool fl_pbft_signed(const struct fl_pbft *c, uint32_t member, const struct fl_claim *claim,
                    uint64_t tag)
{
    return fl_pbft_tagged(c, member, fl_claim_digest(claim), tag);
}

struct fl_claim fl_pbft_prepare_claim(const struct fl_pbft *c, uint32_t member, uint64_t seq,
                                      uint64_t view, struct fl_digest digest)
{
    const bool primary = member == fl_pbft_primary(c, view);
    return fl_pbft_claim(primary ? PBFT_PRE_PREPARE : PBFT_PREPARE, seq, view, digest);
}

uint32_t fl_pbft_signatures(const struct fl_pbft *c, const uint64_t *tags, unsigned char *out)
{
    uint32_t count = 0;
    uint64_t power = 0;
    for (uint32_t i = 0; i < c->self->group_size && !fl_pbft_quorum(c, power); i++) {
        if (tags[i] == 0) continue;
        const struct fl_pbft_signature signature = {.member = i, .tag = tags[i]};
        if (out) memcpy(out + count * sizeof signature, &signature, sizeof signature);
        power += c->self->power[i];
        count++;
    }
    return count;
}

/* --- messages and timers -------------------------------------------------------------------------- */

struct fl_msg *fl_pbft_say(const struct fl_pbft *c, const struct fl_claim *claim, uint64_t tag)
{
    struct fl_msg *const m =
        fl_send(c->out, FL_TO_PEERS, FL_NOWHERE, FL_CONSENSUS, (uint16_t)claim->kind);
    m->word[0] = claim->word[0];
    m->word[1] = claim->word[1];
    m->value[0] = (int64_t)claim->digest.lo;
    m->value[1] = (int64_t)claim->digest.hi;
    m->tag = tag;
    return m;
}

struct fl_msg *fl_pbft_tell(const struct fl_pbft *c, fl_endpoint to, enum fl_pbft_message kind,
                            uint64_t word0, uint64_t word1, uint64_t word2)
{
    struct fl_msg *const m = fl_send(c->out, FL_TO_ONE, to, FL_CONSENSUS, (uint16_t)kind);
    m->word[0] = word0;
    m->word[1] = word1;
    m->word[2] = word2;
    return m;
}

/* 4.5.2: doubled with each view that brought nothing. 2^16 timeouts are as good as for ever. */
fl_time fl_pbft_patience(const struct fl_pbft *c)
{
    const uint64_t failed = c->s->attempts > 0 ? c->s->attempts - 1 : 0;
    return c->params->timeout << (failed < 16 ? failed : 16);
}

void fl_pbft_keep(const struct fl_pbft *c)
{
    const uint64_t history = (uint64_t)c->params->history, next = c->s->applied + 1;
    fl_emit(c->out, FL_KEEP_FROM)->epoch = next > history ? next - history : 1;
}

/* The next block is due at the next slot; at once in a new view. */
void fl_pbft_expect_block(const struct fl_pbft *c)
{
    const fl_time block = c->params->block;
    const fl_time slot = block > 0 && c->s->attempts == 0 ? block - c->in->now % block : 0;
    fl_set_timer(c->out, PBFT_RESEND, slot + c->params->latency + c->params->timeout / 4);
    if (!c->rules->restarts_timer && c->s->height > 0) {
        fl_cancel_timer(c->out, PBFT_PROGRESS);
        return;
    }
    fl_set_timer(c->out, PBFT_PROGRESS, slot + c->params->latency + fl_pbft_patience(c));
}

/* --- the step ---------------------------------------------------------------------------------------- */

/* Members answer only requests of higher numbers than before. One that starts later than all may have
 * asked before and forgotten it: its clock has not, and counts faster than anybody asks. */
static void on_start(const struct fl_pbft *c)
{
    c->s->fetches = c->s->needs = (uint64_t)c->in->now;
    fl_emit(c->out, FL_KEEP_FROM)->epoch = 1;
    fl_pbft_expect_block(c);
    if (fl_pbft_primary(c, c->s->view) == c->self->index) fl_pbft_slot_arm(c);
}

/* What was being built and not yet sent is forgotten: nobody has seen it. */
static void on_recover(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    s->building = s->asked = s->fetch_to = 0;
    fl_pbft_snapshot_give_up(c);
    fl_pbft_fetch(c);
    if (!s->active) {
        fl_pbft_resend_change(c);
        if (s->waiting) fl_set_timer(c->out, PBFT_PROGRESS, fl_pbft_patience(c));
        return;
    }
    fl_pbft_expect_block(c);
    if (fl_pbft_primary(c, s->view) != c->self->index) return;
    s->due = 1;
    fl_pbft_propose(c);
    fl_pbft_slot_arm(c);
}

static void on_timer(const struct fl_pbft *c)
{
    switch ((enum fl_pbft_timer)c->in->timer) {
    case PBFT_SLOT:
        if (!c->s->active || fl_pbft_primary(c, c->s->view) != c->self->index) return;
        c->s->due = 1;
        if (c->params->block > 0) fl_pbft_slot_arm(c);
        fl_pbft_propose(c);
        return;
    case PBFT_PUBLISH:
        fl_pbft_publish(c);
        return;
    case PBFT_PROGRESS:
        fl_pbft_change_view(c, c->s->view + 1);
        return;
    case PBFT_RESEND:
        if (c->s->active)
            fl_pbft_repeat_votes(c);
        else
            fl_pbft_resend_change(c);
        return;
    case PBFT_CATCH_UP:
        fl_pbft_catch_up(c);
        return;
    case PBFT_TIMERS:
        break;
    }
    FL_UNREACHABLE("timer slot");
}

static void on_call(const struct fl_pbft *c)
{
    const struct fl_msg *const m = &c->in->msg;
    if (m->family == FL_CONSENSUS && m->kind == PBFT_VIEW_CHANGE)
        fl_pbft_on_view_change(c, c->self->index); /* our own, whose blob has a lasting name now */
    if (m->family != FL_CHAIN) return;
    if (m->kind == FL_PAYLOAD) fl_pbft_on_payload_built(c);
    if (m->kind == FL_VALID) fl_pbft_on_valid(c);
    if (m->kind == FL_APPLIED) fl_pbft_on_applied(c);
    if (m->kind == FL_ADOPTED) fl_pbft_on_adopted(c);
}

static void on_message(const struct fl_pbft *c)
{
    const uint32_t from = fl_pbft_from(c);
    if (from >= c->self->group_size || from == c->self->index) return;
    switch ((enum fl_pbft_message)c->in->msg.kind) {
    case PBFT_PRE_PREPARE:
        fl_pbft_on_pre_prepare(c);
        return;
    case PBFT_PREPARE:
        fl_pbft_on_vote(c, PBFT_PREPARE);
        return;
    case PBFT_COMMIT:
        fl_pbft_on_vote(c, PBFT_COMMIT);
        return;
    case PBFT_CHECKPOINT:
        fl_pbft_on_checkpoint(c);
        return;
    case PBFT_VIEW_CHANGE:
        fl_pbft_on_view_change(c, from);
        return;
    case PBFT_NEW_VIEW:
        fl_pbft_on_new_view(c);
        return;
    case PBFT_ASK_CHANGE:
        fl_pbft_on_ask_change(c);
        return;
    case PBFT_RELAY:
        fl_pbft_on_relay(c);
        return;
    case PBFT_FETCH:
        fl_pbft_on_fetch(c);
        return;
    case PBFT_AT_VIEW:
        fl_pbft_on_at_view(c);
        return;
    case PBFT_STABLE:
        fl_pbft_on_stable(c);
        return;
    case PBFT_DECIDED:
        fl_pbft_on_decided(c);
        return;
    case PBFT_NEED:
        fl_pbft_on_need(c);
        return;
    case PBFT_PAYLOAD:
        fl_pbft_on_payload(c);
        return;
    case PBFT_GONE:
        fl_pbft_on_gone(c);
        return;
    case PBFT_WANT:
        fl_pbft_on_want(c);
        return;
    case PBFT_SNAPSHOT:
        fl_pbft_on_snapshot(c);
        return;
    }
    /* no default: a kind that does not exist is a stranger's nonsense */
}

void fl_pbft_step(const struct fl_pbft_rules *rules, const struct fl_self *self, void *state,
                  const struct fl_event *in, const struct fl_view *view, struct fl_outbox *out)
{
    const struct fl_pbft c = {self, self->params, rules, state, in, view, out};
    switch (in->kind) {
    case FL_START:
        on_start(&c);
        return;
    case FL_MSG:
        on_message(&c);
        return;
    case FL_TIMER:
        on_timer(&c);
        return;
    case FL_CALL:
        on_call(&c);
        return;
    case FL_RECOVER:
        on_recover(&c);
        return;
    case FL_EXECUTED:
    case FL_OVERHEARD:
        return;
    }
    FL_UNREACHABLE("event kind");
}

/* --- the model ---------------------------------------------------------------------------------------- */

const struct fl_pbft_rules fl_pbft_rules = {
    .shows_prepared = true,
    .remembers_votes = true,
    .checks_proofs = true,
    .restarts_timer = true,
    .checks_signatures = true,
};

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    fl_pbft_step(&fl_pbft_rules, self, state, in, view, out);
}

static size_t state_bytes(const void *params, const struct fl_self *self)
{
    const struct fl_pbft_params *const p = params;
    const size_t transfer = sizeof(struct fl_pbft_transfer) +
                            checkpoints(p) * sizeof(struct fl_pbft_held);
    return sizeof(struct fl_pbft_state) + (size_t)p->history * sizeof(struct fl_pbft_slot) +
           self->group_size * sizeof(struct fl_pbft_member) +
           checkpoints(p) * sizeof(struct fl_pbft_checkpoint) +
           tag_rows(p) * self->group_size * sizeof(uint64_t) + (p->snapshots ? transfer : 0);
}

static void init(const struct fl_self *self, void *state)
{
    struct fl_pbft_state *const s = state;
    s->faulty_power = faulty_power(self);
    s->active = 1;
}

static void observe(const struct fl_self *self, const void *state, int64_t *out)
{
    const struct fl_pbft_state *const s = state;
    /* Only to find its place: nothing is written. */
    const struct fl_pbft c = {.self = self, .params = self->params, .s = (void *)(uintptr_t)state};
    const struct fl_pbft_transfer *const t = fl_pbft_transfer(&c);
    out[0] = (int64_t)s->height;
    out[1] = (int64_t)s->height;
    out[2] = (int64_t)s->blocks;
    out[3] = (int64_t)s->resent;
    out[4] = (int64_t)s->gone;
    out[5] = (int64_t)s->view;
    out[6] = (int64_t)s->view_changes;
    out[7] = (int64_t)s->stable;
    out[8] = s->active && s->view % self->group_size == self->index ? (int64_t)s->view : -1;
    out[9] = t ? (int64_t)t->adopted : 0;
    out[10] = t ? (int64_t)t->refused : 0;
}

static const struct fl_observable observables[] = {
    {"consensus.height", "newest height decided by any replica", FL_COUNT, FL_MAX},
    {"consensus.height_min", "height every replica has decided", FL_COUNT, FL_MIN},
    {"consensus.blocks", "blocks proposed", FL_COUNT, FL_SUM},
    {"consensus.retransmissions", "blocks sent again to those who missed them", FL_COUNT, FL_SUM},
    {"consensus.gone", "answers that a block is no longer kept", FL_COUNT, FL_SUM},
    {"consensus.view", "highest view of any replica", FL_COUNT, FL_MAX},
    {"consensus.view_changes", "times that replicas left a view", FL_COUNT, FL_SUM},
    {"consensus.stable", "checkpoint that is stable for every replica", FL_COUNT, FL_MIN},
    {"consensus.leads", "view that a replica leads, -1 if it leads none", FL_ID, FL_MAX},
    {"consensus.snapshots", "states taken over in place of blocks", FL_COUNT, FL_SUM},
    {"consensus.snapshots_refused", "states offered that were not as proven", FL_COUNT, FL_SUM},
    {.name = NULL},
};

static const char *check(const void *params)
{
    const struct fl_pbft_params *const p = params;
    if (p->block > 0 && p->latency >= p->block) return "latency_ms must be less than block_ms";
    if (p->checkpoint_every > p->window)
        return "checkpoint_every must not be more than window: nothing would ever be stable";
    if (p->pipeline > p->window) return "pipeline must not be more than window";
    if ((uint64_t)p->history < 2 * fl_pbft_reach_by(p))
        return "history must be at least twice the window";
    return NULL;
}

static const struct fl_param rows[] = {
    {.key = "block_ms",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct fl_pbft_params, block),
     .min = 0,
     .max = 86400 * FL_SECOND,
     .fallback = "1000",
     .doc = "time between blocks, milliseconds; 0: as soon as the one before is decided"},
    {.key = "latency_ms",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct fl_pbft_params, latency),
     .min = 0,
     .max = 86400 * FL_SECOND,
     .fallback = "0",
     .doc = "from building a block to sending it, milliseconds; less than block_ms"},
    {.key = "timeout_ms",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct fl_pbft_params, timeout),
     .min = FL_MICROSECOND,
     .max = 86400 * FL_SECOND,
     .fallback = "2000",
     .doc =
         "how long a block may be overdue before the view is changed, milliseconds; doubled with "
         "each view that brings nothing"},
    {.key = "checkpoint_every",
     .type = FL_INTEGER,
     .offset = offsetof(struct fl_pbft_params, checkpoint_every),
     .min = 1,
     .max = PBFT_WINDOW_MAX,
     .fallback = "8",
     .doc = "K: blocks between checkpoints, blocks (the paper: 128, of single requests)"},
    {.key = "window",
     .type = FL_INTEGER,
     .offset = offsetof(struct fl_pbft_params, window),
     .min = 1,
     .max = PBFT_WINDOW_MAX,
     .fallback = "16",
     .doc = "L: blocks beyond the stable checkpoint that are accepted, blocks (the paper: 2K)"},
    {.key = "pipeline",
     .type = FL_INTEGER,
     .offset = offsetof(struct fl_pbft_params, pipeline),
     .min = 1,
     .max = PBFT_WINDOW_MAX,
     .fallback = "1",
     .doc = "blocks in flight at a time, blocks: how far ahead of the last executed one the chain "
            "layer can build and judge (replica: 1)"},
    {.key = "history",
     .type = FL_INTEGER,
     .offset = offsetof(struct fl_pbft_params, history),
     .min = 2 * PBFT_FETCH_MAX,
     .max = 1 << 20,
     .fallback = "512",
     .doc = "decided blocks kept for replicas that missed them, blocks; at least twice the window"},
    {.key = "snapshots",
     .type = FL_BOOLEAN,
     .offset = offsetof(struct fl_pbft_params, snapshots),
     .fallback = "false",
     .doc = "whether a replica that missed more than `history` blocks gets the state of the last "
            "stable checkpoint, all rows of it; else it stays behind"},
    {.key = "snapshot_timeout_ms",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct fl_pbft_params, snapshot_timeout),
     .min = FL_MICROSECOND,
     .max = 86400 * FL_SECOND,
     .fallback = "60000",
     .doc = "how long it waits for a snapshot before it asks another member, milliseconds; more "
            "than the rows take on an uplink"},
    {.key = NULL},
};

static const struct fl_message_name messages[] = {
    {PBFT_PRE_PREPARE, "PRE-PREPARE"},
    {PBFT_PREPARE, "PREPARE"},
    {PBFT_COMMIT, "COMMIT"},
    {PBFT_CHECKPOINT, "CHECKPOINT"},
    {PBFT_VIEW_CHANGE, "VIEW-CHANGE"},
    {PBFT_NEW_VIEW, "NEW-VIEW"},
    {PBFT_ASK_CHANGE, "ASK-CHANGE"},
    {PBFT_RELAY, "RELAY"},
    {PBFT_FETCH, "FETCH"},
    {PBFT_AT_VIEW, "AT-VIEW"},
    {PBFT_STABLE, "STABLE"},
    {PBFT_DECIDED, "DECIDED"},
    {PBFT_NEED, "NEED"},
    {PBFT_PAYLOAD, "PAYLOAD"},
    {PBFT_GONE, "GONE"},
    {PBFT_WANT, "WANT"},
    {PBFT_SNAPSHOT, "SNAPSHOT"},
    {.name = NULL},
};

static const struct fl_node_model node = {
    .timer_count = PBFT_TIMERS,
    .state_bytes = state_bytes,
    .init = init,
    .step = step,
    .observe = observe,
    .messages = messages,
};

const struct fl_model fl_model_pbft = {
    .name = "pbft",
    .family = FL_CONSENSUS,
    .doc = "PBFT (Castro and Liskov 1999): n >= 3f + 1, partial synchrony, rotating by view change",
    .params = rows,
    .params_bytes = sizeof(struct fl_pbft_params),
    .check = check,
    .observables = observables,
    .node = &node,
};
