/* One sequencer orders everything with a fixed latency: the trusted intermediary that the Byzantine
 * protocols are measured against, and the fast mode of parameter sweeps.
 *
 * Assumptions: the sequencer is honest (nothing defends against one that is not: run it under
 * `equivocate` and the agreement check fires); it may crash and come back with its stable storage.
 * Any number of the others may fail in any way. There is no failover: while the sequencer is down the
 * chain stands still, as rollups with a single sequencer do.
 *
 * At each multiple of block_ms the sequencer asks its chain layer for a payload, and after latency_ms
 * sends it to all. The others decide in the order of heights; whoever sees a gap, or comes back from
 * a crash, asks for a range of heights. The sequencer remembers `history` blocks; asked for an older
 * one it answers that it is gone. Then, with `snapshots`, the asker gets the state of the newest block
 * that the sequencer has executed, all rows of it in one piece; without, it is left behind for good.
 * The sequencer's word is the certificate of both: it is trusted, and channels are authenticated. */
#include "models/wire.h"

#include <string.h>

/* word[1] and copy are the number of a request and of all answers to it, 0 for the first broadcast. */
enum message {
    ORDERED = 1, /* sequencer -> peers. word: height; value: digest; blob */
    ASK,         /* peer -> sequencer. word: first height wanted */
    GONE,    /* sequencer -> peer. word: height it no longer has; value: height whose state is to
                    be had instead, 0: none */
    WANT,    /* peer -> sequencer. word: height missed */
    SNAPSHOT /* sequencer -> peer. word: height; value: digest of its payload; blob: state hash;
                    version and its rows */
};
enum timer { SLOT, PUBLISH, RETRY, TIMERS };

/* Blocks asked for, and resent, at a time. */
enum { ASK_MAX = 64 };

struct params {
    fl_time block_ns, latency_ns;
    int64_t sequencer, history;
    int64_t snapshots;
    fl_time snapshot_timeout;
};

/* A block that is decided (sequencer) or waits for the ones before it (others). */
struct entry {
    uint64_t height; /* 0: empty */
    fl_blob blob;
    struct fl_digest digest;
};

struct state {
    uint64_t height;      /* newest decided */
    uint64_t top;         /* highest height seen */
    uint64_t proposed;    /* blocks proposed */
    uint64_t asked_to;    /* last height of the request on its way; 0: none */
    uint64_t requests;    /* number of the last: 48 bits that say when it began, 16 that count */
    uint64_t resent;      /* blocks sent again */
    uint64_t gone;        /* answers that a block is gone */
    uint64_t stranded;    /* 1: the next block is gone for good */
    struct entry pending; /* sequencer: proposed, not yet published */
};
/* The state is followed by entry[history], then by the last request of each member; with snapshots
 * by one of these. */
struct transfer {
    uint64_t height, version; /* executed last; 0: nothing yet */
    struct fl_digest state;   /* its hash */
    uint64_t wanted;          /* 1: a snapshot is on its way */
    uint64_t adopted, refused;
};

static const struct params *params_of(const struct fl_self *self)
{
    return self->params;
}

static struct entry *ring_at(const struct fl_self *self, struct state *s, uint64_t height)
{
    struct entry *const ring = (void *)(s + 1);
    return &ring[height % (uint64_t)params_of(self)->history];
}

static uint64_t *answered(const struct fl_self *self, struct state *s, uint32_t member)
{
    struct entry *const ring = (void *)(s + 1);
    return (uint64_t *)(void *)(ring + params_of(self)->history) + member;
}

/* NULL without snapshots. */
static struct transfer *transfer_of(const struct fl_self *self, struct state *s)
{
    return params_of(self)->snapshots ? (void *)answered(self, s, self->group_size) : NULL;
}

static fl_endpoint sequencer(const struct fl_self *self)
{
    return (fl_endpoint){self->group_first + (uint32_t)params_of(self)->sequencer};
}

static bool is_sequencer(const struct fl_self *self)
{
    return self->identity.i == sequencer(self).i;
}

static void entry_set(struct entry *e, uint64_t height, fl_blob blob, struct fl_digest digest)
{
    e->height = height;
    e->blob.i = blob.i;
    e->digest.lo = digest.lo;
    e->digest.hi = digest.hi;
}

static void message_fill(struct fl_msg *m, const struct entry *e)
{
    m->word[0] = e->height;
    m->value[0] = (int64_t)e->digest.lo;
    m->value[1] = (int64_t)e->digest.hi;
    m->blob = e->blob;
}

/* --- deciding ------------------------------------------------------------------------------- */

/* The sequencer keeps its history for laggards; the others keep what they have not decided yet. */
static void keep(const struct fl_self *self, const struct state *s, struct fl_outbox *out)
{
    const uint64_t history = is_sequencer(self) ? (uint64_t)params_of(self)->history : 0;
    const uint64_t next = s->height + 1;
    fl_emit(out, FL_KEEP_FROM)->epoch = next > history ? next - history : 1;
}

static void decide(const struct fl_self *self, struct state *s, const struct entry *e,
                   struct fl_outbox *out)
{
    FL_ASSERT(e->height == s->height + 1);
    s->height = e->height;
    if (s->top < s->height) s->top = s->height;
    int64_t *const v = fl_note(out, FL_RECORD_DECIDED, (int64_t)e->height, self->key);
    v[2] = (int64_t)e->digest.lo;
    v[3] = (int64_t)e->digest.hi;
    message_fill(fl_local(out, FL_CHAIN, FL_DECIDE), e);
    keep(self, s, out);
}

/* --- the sequencer -------------------------------------------------------------------------- */

static void slot_arm(const struct fl_self *self, fl_time now, struct fl_outbox *out)
{
    const fl_time block = params_of(self)->block_ns;
    fl_set_timer(out, SLOT, block - now % block);
}

static void propose(const struct state *s, struct fl_outbox *out)
{
    fl_local(out, FL_CHAIN, FL_PROPOSE)->word[0] = s->height + 1;
}

static void on_payload(const struct fl_self *self, struct state *s, const struct fl_event *in,
                       struct fl_outbox *out)
{
    const struct fl_msg *const m = &in->msg;
    if (!is_sequencer(self) || m->word[0] != s->height + 1 || s->pending.height != 0) return;
    if (m->blob.i == 0 || in->data == NULL) return; /* the chain layer has nothing to propose */
    entry_set(&s->pending, m->word[0], m->blob, fl_digest_of(in->data, in->data_bytes));
    s->proposed++;
    /* The chain layer says in word[1] how many transactions the opaque payload holds. */
    int64_t *const v = fl_note(out, FL_RECORD_BLOCK, (int64_t)m->word[0], self->key);
    v[2] = (int64_t)m->word[1];
    v[3] = (int64_t)s->pending.digest.lo;
    v[4] = (int64_t)s->pending.digest.hi;
    fl_set_timer(out, PUBLISH, params_of(self)->latency_ns);
}

static void publish(const struct fl_self *self, struct state *s, struct fl_outbox *out)
{
    if (s->pending.height != s->height + 1) return;
    struct entry *const e = ring_at(self, s, s->pending.height);
    entry_set(e, s->pending.height, s->pending.blob, s->pending.digest);
    s->pending.height = 0;
    message_fill(fl_send(out, FL_TO_PEERS, FL_NOWHERE, FL_CONSENSUS, ORDERED), e);
    decide(self, s, e, out);
}

/* The newest state that can be had in place of the block at `height`, if that is not kept; else 0. */
static uint64_t state_beyond(const struct fl_self *self, struct state *s, uint64_t height)
{
    const struct transfer *const t = transfer_of(self, s);
    return t && t->height >= height ? t->height : 0;
}

static uint64_t number_of(const struct fl_msg *m)
{
    return m->word[1] << 16 | m->copy;
}

/* A member's requests are numbered; the number is in every answer to it, so no key is ever used
 * twice, whatever a corrupted member asks for. */
static void on_ask(const struct fl_self *self, struct state *s, const struct fl_msg *m,
                   struct fl_outbox *out)
{
    uint64_t *const last = answered(self, s, m->by.i - self->group_first);
    if (number_of(m) <= *last || m->word[0] == 0) return;
    *last = number_of(m);
    for (uint64_t h = m->word[0]; h <= s->height && h - m->word[0] < ASK_MAX; h++) {
        const struct entry *const e = ring_at(self, s, h);
        const bool kept = e->height == h;
        struct fl_msg *const r =
            fl_send(out, FL_TO_ONE, m->from, FL_CONSENSUS, kept ? ORDERED : GONE);
        r->word[0] = h;
        r->word[1] = m->word[1];
        r->copy = m->copy;
        if (!kept) r->value[0] = (int64_t)state_beyond(self, s, h);
        if (!kept) return;
        message_fill(r, e);
        s->resent++;
    }
}

/* The newest block has just been executed, so it is in the ring. */
static void on_want(const struct fl_self *self, struct state *s, const struct fl_msg *m,
                    struct fl_outbox *out)
{
    uint64_t *const last = answered(self, s, m->from.i - self->group_first);
    const struct transfer *const t = transfer_of(self, s);
    const uint64_t height = state_beyond(self, s, m->word[0]);
    if (number_of(m) <= *last || height == 0) return;
    *last = number_of(m);
    const fl_blob state = fl_blob_put(out, &t->state, sizeof t->state, 0, NULL);
    struct fl_msg *const r = fl_send(out, FL_TO_ONE, m->from, FL_CONSENSUS, SNAPSHOT);
    const struct entry *const e = ring_at(self, s, height);
    r->word[0] = height;
    r->word[1] = m->word[1];
    r->value[0] = (int64_t)e->digest.lo;
    r->value[1] = (int64_t)e->digest.hi;
    r->copy = m->copy;
    r->version.i = (uint32_t)t->version;
    r->rows = 1;
    r->blob = state;
}

static void on_applied(const struct fl_self *self, struct state *s, const struct fl_msg *m)
{
    struct transfer *const t = transfer_of(self, s);
    if (!t || m->word[0] != s->height) return;
    t->height = m->word[0];
    t->version = m->version.i;
    t->state.lo = (uint64_t)m->value[0];
    t->state.hi = (uint64_t)m->value[1];
}

/* --- the others ----------------------------------------------------------------------------- */

/* False when the numbers are used up. */
static bool request(const struct fl_self *self, struct state *s, enum message kind,
                    struct fl_outbox *out)
{
    if ((uint16_t)s->requests == UINT16_MAX) return false;
    s->requests++;
    s->asked_to = s->height + ASK_MAX;
    struct fl_msg *const m = fl_send(out, FL_TO_ONE, sequencer(self), FL_CONSENSUS, (uint16_t)kind);
    m->word[0] = s->height + 1;
    m->word[1] = s->requests >> 16;
    m->copy = (uint16_t)s->requests;
    return true;
}

static void ask(const struct fl_self *self, struct state *s, struct fl_outbox *out)
{
    if (s->stranded || !request(self, s, ASK, out)) return;
    fl_set_timer(out, RETRY, params_of(self)->block_ns);
}

static void want(const struct fl_self *self, struct state *s, struct fl_outbox *out)
{
    if (!request(self, s, WANT, out)) return;
    transfer_of(self, s)->wanted = 1;
    fl_set_timer(out, RETRY, params_of(self)->snapshot_timeout);
}

static void on_gone(const struct fl_self *self, struct state *s, const struct fl_msg *m,
                    struct fl_outbox *out)
{
    const struct transfer *const t = transfer_of(self, s);
    s->gone++;
    if (m->word[0] != s->height + 1) return;
    if (!t)
        s->stranded = 1;
    else if (!t->wanted && (uint64_t)m->value[0] > s->height)
        want(self, s, out); /* else it asks again, until there is a state */
}

/* --- a state in place of blocks ------------------------------------------------------------- */

static void on_snapshot(const struct fl_self *self, struct state *s, const struct fl_event *in,
                        struct fl_outbox *out)
{
    const struct transfer *const t = transfer_of(self, s);
    const struct fl_msg *const m = &in->msg;
    struct fl_digest state;
    if (!t || !t->wanted || m->word[0] <= s->height || !m->rows) return;
    if (in->data == NULL || in->data_bytes != sizeof state) return;
    memcpy(&state, in->data, sizeof state);
    struct fl_msg *const offer = fl_local(out, FL_CHAIN, FL_SNAPSHOT);
    offer->word[0] = m->word[0];
    offer->word[1] = state.lo;
    offer->word[2] = state.hi;
    offer->value[0] = m->value[0];
    offer->value[1] = m->value[1];
    offer->version = m->version;
}

static void decide_all(const struct fl_self *self, struct state *s, struct fl_outbox *out)
{
    while (ring_at(self, s, s->height + 1)->height == s->height + 1)
        decide(self, s, ring_at(self, s, s->height + 1), out);
}

/* The chain layer has taken over the state after a height, or has found it wrong: rows that are gone,
 * if the sequencer is honest. Then it asks again when its patience ends. */
static void on_adopted(const struct fl_self *self, struct state *s, const struct fl_msg *m,
                       struct fl_outbox *out)
{
    struct transfer *const t = transfer_of(self, s);
    if (!t || !t->wanted || m->word[0] <= s->height) return;
    if (m->value[0] != 1) {
        t->refused++;
        return;
    }
    t->adopted++;
    t->wanted = s->asked_to = 0;
    s->height = m->word[0];
    if (s->top < s->height) s->top = s->height;
    int64_t *const v = fl_note(out, FL_RECORD_DECIDED, (int64_t)s->height, self->key);
    v[2] = (int64_t)m->word[1];
    v[3] = (int64_t)m->word[2];
    keep(self, s, out);
    decide_all(self, s, out);
    ask(self, s, out);
}

static void on_ordered(const struct fl_self *self, struct state *s, const struct fl_event *in,
                       struct fl_outbox *out)
{
    const struct fl_msg *const m = &in->msg;
    const uint64_t height = m->word[0];
    if (height <= s->height || m->blob.i == 0) return;
    if (in->data == NULL) {
        on_gone(self, s, m, out);
        return;
    }
    const struct fl_digest digest = fl_digest_of(in->data, in->data_bytes);
    if (digest.lo != (uint64_t)m->value[0] || digest.hi != (uint64_t)m->value[1]) return;
    if (s->top < height) s->top = height;
    struct entry *const e = ring_at(self, s, height);
    const bool fits = height - s->height <= (uint64_t)params_of(self)->history;
    if (fits && e->height != height) entry_set(e, height, m->blob, digest); /* first word counts */

    decide_all(self, s, out);
    /* A request answered in full: there may be more. */
    const bool full = s->asked_to != 0 && s->height >= s->asked_to;
    const bool gap = s->asked_to == 0 && s->top > s->height;
    if (full || gap) ask(self, s, out);
}

static void on_retry(const struct fl_self *self, struct state *s, struct fl_outbox *out)
{
    struct transfer *const t = transfer_of(self, s);
    if (t) t->wanted = 0;
    s->asked_to = 0;
    if (s->top > s->height) ask(self, s, out);
}

/* --- the model ------------------------------------------------------------------------------ */

static void on_message(const struct fl_self *self, struct state *s, const struct fl_event *in,
                       struct fl_outbox *out)
{
    const struct fl_msg *const m = &in->msg;
    if (is_sequencer(self)) {
        const bool peer = m->by.i - self->group_first < self->group_size &&
                          m->by.i != self->identity.i;
        if (peer && m->kind == ASK) on_ask(self, s, m, out);
        if (peer && m->kind == WANT) on_want(self, s, m, out);
        return;
    }
    if (m->by.i != sequencer(self).i || s->stranded) return;
    if (m->kind == ORDERED) on_ordered(self, s, in, out);
    if (m->kind == GONE) on_gone(self, s, m, out);
    if (m->kind == SNAPSHOT) on_snapshot(self, s, in, out);
}

static void on_timer(const struct fl_self *self, struct state *s, const struct fl_event *in,
                     struct fl_outbox *out)
{
    switch ((enum timer)in->timer) {
    case SLOT:
        slot_arm(self, in->now, out);
        propose(s, out); /* ignored while a block waits to be published */
        return;
    case PUBLISH:
        publish(self, s, out);
        return;
    case RETRY:
        on_retry(self, s, out);
        return;
    case TIMERS:
        break;
    }
    FL_UNREACHABLE("timer slot");
}

static void on_call(const struct fl_self *self, struct state *s, const struct fl_event *in,
                    struct fl_outbox *out)
{
    if (in->msg.kind == FL_PAYLOAD) on_payload(self, s, in, out);
    if (in->msg.kind == FL_APPLIED) on_applied(self, s, &in->msg);
    if (in->msg.kind == FL_ADOPTED) on_adopted(self, s, &in->msg, out);
}

/* What was proposed and not yet published is forgotten: nobody has seen it. The rhythm that follows
 * is that of the clock, so later blocks do not descend from the fault; the first one does. */
static void on_recover(const struct fl_self *self, struct state *s, fl_time now,
                       struct fl_outbox *out)
{
    if (!is_sequencer(self)) {
        s->asked_to = 0;
        ask(self, s, out);
        return;
    }
    s->pending.height = 0;
    propose(s, out);
    fl_because(out, FL_NO_RECORD, 0, 0);
    slot_arm(self, now, out);
}

/* Perhaps it has run before, and lost its state: its requests must be new to the sequencer. */
static void start_late(const struct fl_self *self, struct state *s, fl_time now,
                       struct fl_outbox *out)
{
    s->requests = (uint64_t)(now / FL_MICROSECOND) << 16;
    ask(self, s, out);
}

static size_t state_bytes(const void *params, const struct fl_self *self)
{
    const struct params *const p = params;
    return sizeof(struct state) + (size_t)p->history * sizeof(struct entry) +
           self->group_size * sizeof(uint64_t) + (p->snapshots ? sizeof(struct transfer) : 0);
}

static void init(const struct fl_self *self, void *state)
{
    (void)self;
    (void)state; /* all zeroes: nothing decided, nothing on its way */
}

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    struct state *const s = state;
    (void)view;
    switch (in->kind) {
    case FL_START:
        keep(self, s, out);
        if (is_sequencer(self))
            slot_arm(self, in->now, out);
        else if (in->now > 0)
            start_late(self, s, in->now, out);
        return;
    case FL_MSG:
        on_message(self, s, in, out);
        return;
    case FL_TIMER:
        on_timer(self, s, in, out);
        return;
    case FL_CALL:
        if (in->msg.family == FL_CHAIN) on_call(self, s, in, out);
        return;
    case FL_RECOVER:
        on_recover(self, s, in->now, out);
        return;
    case FL_EXECUTED:
    case FL_OVERHEARD:
        return;
    }
    FL_UNREACHABLE("event kind");
}

static void observe(const struct fl_self *self, const void *state, int64_t *out)
{
    const struct state *const s = state;
    const struct transfer *const t = transfer_of(self, (void *)(uintptr_t)state); /* to be read */
    out[0] = (int64_t)s->height;
    out[1] = (int64_t)s->height;
    out[2] = (int64_t)s->proposed;
    out[3] = (int64_t)s->resent;
    out[4] = (int64_t)s->gone;
    out[5] = is_sequencer(self) ? 0 : -1;
    out[6] = t ? (int64_t)t->adopted : 0;
    out[7] = t ? (int64_t)t->refused : 0;
}

static const struct fl_observable observables[] = {
    {"consensus.height", "newest height decided by any replica", FL_COUNT, FL_MAX},
    {"consensus.height_min", "height every replica has decided", FL_COUNT, FL_MIN},
    {"consensus.blocks", "blocks proposed", FL_COUNT, FL_SUM},
    {"consensus.retransmissions", "blocks sent again to those who missed them", FL_COUNT, FL_SUM},
    {"consensus.gone", "answers that a block is no longer kept", FL_COUNT, FL_SUM},
    {"consensus.leads", "0 of the sequencer, -1 of the others", FL_ID, FL_MAX},
    {"consensus.snapshots", "states taken over in place of blocks", FL_COUNT, FL_SUM},
    {"consensus.snapshots_refused", "states offered that were not as proven", FL_COUNT, FL_SUM},
    {.name = NULL},
};

static const char *check(const void *params)
{
    const struct params *const p = params;
    return p->latency_ns < p->block_ns ? NULL : "latency_ms must be less than block_ms";
}

static const char *fits(const void *params, const struct fl_group_size *group, const char **key)
{
    const struct params *const p = params;
    *key = "sequencer";
    return p->sequencer < group->members ? NULL
                                         : "sequencer must be less than the count of its group";
}

static const struct fl_param rows[] = {
    {.key = "block_ms",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, block_ns),
     .min = FL_MILLISECOND,
     .max = 86400 * FL_SECOND,
     .fallback = "12000",
     .doc = "time between blocks, milliseconds (Ethereum slot: 12000)"},
    {.key = "latency_ms",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, latency_ns),
     .min = 0,
     .max = 86400 * FL_SECOND,
     .fallback = "0",
     .doc = "from building a block to sending it, milliseconds; less than block_ms"},
    {.key = "sequencer",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, sequencer),
     .min = 0,
     .max = UINT32_MAX,
     .fallback = "0",
     .doc = "index of the sequencer in its group, counted from 0"},
    {.key = "history",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, history),
     .min = 1,
     .max = 1 << 20,
     .fallback = "4096",
     .doc = "blocks the sequencer keeps for laggards, blocks"},
    {.key = "snapshots",
     .type = FL_BOOLEAN,
     .offset = offsetof(struct params, snapshots),
     .fallback = "false",
     .doc = "whether who missed more than `history` blocks gets the sequencer's state, all rows of "
            "it; else it stays behind"},
    {.key = "snapshot_timeout_ms",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, snapshot_timeout),
     .min = FL_MICROSECOND,
     .max = 86400 * FL_SECOND,
     .fallback = "60000",
     .doc = "how long it waits for a snapshot before it asks again, milliseconds; more than the "
            "rows take on the sequencer's uplink"},
    {.key = NULL},
};

static const struct fl_message_name messages[] = {
    {ORDERED, "ORDERED"}, {ASK, "ASK"},           {GONE, "GONE"},
    {WANT, "WANT"},       {SNAPSHOT, "SNAPSHOT"}, {.name = NULL},
};

static const struct fl_node_model node = {
    .timer_count = TIMERS,
    .state_bytes = state_bytes,
    .init = init,
    .step = step,
    .observe = observe,
    .messages = messages,
};

const struct fl_model fl_model_ordered = {
    .name = "ordered",
    .family = FL_CONSENSUS,
    .doc = "a trusted sequencer orders payloads with a fixed latency; no failover",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .check = check,
    .fits = fits,
    .observables = observables,
    .node = &node,
};
