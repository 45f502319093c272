/* Reliable broadcast of one payload: the members agree on what a sender said, or on nothing.
 * Bracha 1987, "Asynchronous Byzantine Agreement Protocols", figure 1, with voting power for heads
 * and digests for repeated content (Cachin and Tessaro 2005).
 *
 * Assumptions: asynchrony, authenticated reliable channels, no signatures; the faulty hold at most F
 * of the power P, and P > 3F. F is the power of the faulty_max most powerful members (with equal
 * powers of 1: P = n, F = f, n >= 3f + 1). A member that crashes may miss messages for good: the
 * channels of the paper are reliable, ours do not repeat themselves.
 *
 * Without failures it takes (n - 1)(2n + 1) messages and three delays. A member's own echo and ready
 * count without being sent. */
#include "models/consensus/bracha.h"

/* All carry word: instance, and value: digest of the payload. */
enum message {
    INITIAL = 1, /* sender -> peers, with the blob */
    ECHO,        /* with the blob, so that who missed the first can still deliver */
    READY
};
enum { VOTES = 2, INSTANCE = 1 };
enum timer { SPEAK, TIMERS };

struct params {
    int64_t sender, bytes;
    fl_time at;
};

/* What one member said, first word only. */
struct vote {
    uint64_t said; /* how often: 0 or 1 */
    struct fl_digest digest;
    fl_blob blob; /* the content, if it came along and fits the digest */
};

struct state {
    uint64_t faulty_power; /* F */
    uint64_t echoed, readied, delivered;
    struct vote initial;
};
/* The state is followed by vote[VOTES][group_size]: echoes, then readies. */

static struct vote *votes_of(const struct fl_self *self, struct state *s, enum message kind)
{
    FL_ASSERT(kind == ECHO || kind == READY);
    return (struct vote *)(void *)(s + 1) + (kind == ECHO ? 0 : self->group_size);
}

static uint32_t sender(const struct fl_self *self)
{
    const struct params *const p = self->params;
    if (p->sender < 0) return self->group_size - 1;
    return (uint32_t)p->sender;
}

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

static void vote_set(struct vote *v, struct fl_digest digest, fl_blob blob)
{
    v->said++;
    v->digest.lo = digest.lo;
    v->digest.hi = digest.hi;
    v->blob.i = blob.i;
}

static uint64_t power_for(const struct fl_self *self, struct state *s, enum message kind,
                          struct fl_digest digest)
{
    const struct vote *const vote = votes_of(self, s, kind);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < self->group_size; i++)
        if (vote[i].said && fl_digest_equal(vote[i].digest, digest))
            sum += vote[i].said * self->power[i];
    return sum;
}

/* The content behind a digest, if any message brought it. */
static fl_blob content_of(const struct fl_self *self, struct state *s, struct fl_digest digest)
{
    if (s->initial.blob.i != 0 && fl_digest_equal(s->initial.digest, digest))
        return s->initial.blob;
    const struct vote *const echo = votes_of(self, s, ECHO);
    for (uint32_t i = 0; i < self->group_size; i++)
        if (echo[i].blob.i != 0 && fl_digest_equal(echo[i].digest, digest)) return echo[i].blob;
    return FL_NO_BLOB;
}

/* Says it to the peers, and counts it as said to itself. */
static void broadcast(const struct fl_self *self, struct state *s, enum message kind,
                      struct fl_digest digest, fl_blob blob, struct fl_outbox *out)
{
    struct fl_msg *const m = fl_send(out, FL_TO_PEERS, FL_NOWHERE, FL_CONSENSUS, (uint16_t)kind);
    m->word[0] = INSTANCE;
    m->value[0] = (int64_t)digest.lo;
    m->value[1] = (int64_t)digest.hi;
    m->blob = blob;
    if (kind == INITIAL)
        vote_set(&s->initial, digest, blob);
    else
        vote_set(&votes_of(self, s, kind)[self->index], digest, blob);
}

static void deliver(const struct fl_self *self, struct state *s, struct fl_digest digest,
                    fl_blob blob, struct fl_outbox *out)
{
    s->delivered = 1;
    int64_t *const v = fl_note(out, FL_RECORD_DECIDED, INSTANCE, self->key);
    v[2] = (int64_t)digest.lo;
    v[3] = (int64_t)digest.hi;
    struct fl_msg *const m = fl_local(out, FL_CHAIN, FL_DECIDE);
    m->word[0] = INSTANCE;
    m->value[0] = (int64_t)digest.lo;
    m->value[1] = (int64_t)digest.hi;
    m->blob = blob;
    fl_emit(out, FL_KEEP_FROM)->epoch = INSTANCE + 1;
}

/* What follows from what was said for this digest. */
static void advance(const struct fl_bracha_rules *rules, const struct fl_self *self,
                    struct state *s, struct fl_digest digest, struct fl_outbox *out)
{
    const uint64_t f = s->faulty_power, p = self->power_total;
    /* Step 1: (initial, v) from the sender is echoed. */
    if (s->echoed < s->initial.said) {
        s->echoed++;
        broadcast(self, s, ECHO, s->initial.digest, s->initial.blob, out);
    }
    /* Step 2: more than (n + f) / 2 echoes, or f + 1 readies. */
    const uint64_t echo_power = power_for(self, s, ECHO, digest) + rules->echoes_less;
    const uint64_t support = power_for(self, s, READY, digest) + rules->support_less;
    if ((2 * echo_power > p + f || support > f) && !s->readied) {
        s->readied = 1;
        broadcast(self, s, READY, digest, FL_NO_BLOB, out);
    }
    /* Step 3: 2f + 1 readies; an honest one among them has seen echoes that bring the content. */
    const uint64_t ready_power = power_for(self, s, READY, digest) + rules->readies_less;
    if (ready_power > 2 * f && !s->delivered) {
        const fl_blob blob = content_of(self, s, digest);
        if (blob.i != 0) deliver(self, s, digest, blob, out);
    }
}

static bool counts(const struct fl_bracha_rules *rules, const struct vote *vote, enum message kind,
                   struct fl_digest digest)
{
    if (vote->said == 0) return true;
    if (kind == INITIAL)
        return vote->said < rules->initials && !fl_digest_equal(vote->digest, digest);
    return vote->said < rules->votes && fl_digest_equal(vote->digest, digest);
}

static void on_message(const struct fl_bracha_rules *rules, const struct fl_self *self,
                       struct state *s, const struct fl_event *in, struct fl_outbox *out)
{
    const struct fl_msg *const m = &in->msg;
    const uint32_t from = m->by.i - self->group_first;
    if (from >= self->group_size || m->word[0] != INSTANCE) return;
    if (m->kind < INITIAL || m->kind > READY) return;
    const struct fl_digest digest = {(uint64_t)m->value[0], (uint64_t)m->value[1]};
    const bool content = in->data != NULL;
    if (content && !fl_digest_equal(fl_digest_of(in->data, in->data_bytes), digest)) return;
    const fl_blob blob = content ? m->blob : FL_NO_BLOB;

    const bool stranger = rules->checks_sender && from != sender(self);
    if (m->kind == INITIAL && (stranger || !content)) return;
    struct vote *const vote = m->kind == INITIAL ? &s->initial
                                                 : &votes_of(self, s, (enum message)m->kind)[from];
    if (!counts(rules, vote, (enum message)m->kind, digest)) return;
    vote_set(vote, digest, blob);
    advance(rules, self, s, digest, out);
}

static void start(const struct fl_self *self, struct fl_outbox *out)
{
    fl_emit(out, FL_KEEP_FROM)->epoch = INSTANCE;
    if (self->index == sender(self))
        fl_set_timer(out, SPEAK, ((const struct params *)self->params)->at);
}

/* The payload goes through a local call before it is sent: a blob has a lasting name only after the
 * step that wrote it. */
static void speak(const struct fl_self *self, struct fl_outbox *out)
{
    const uint32_t bytes = (uint32_t)((const struct params *)self->params)->bytes;
    unsigned char *const content = fl_blob_begin(out, bytes);
    for (uint32_t i = 0; i < bytes; i++) {
        const uint64_t draw = fl_draw(self->seed, FL_RNG_AGENT, self->key, i / 8, 0);
        content[i] = (unsigned char)(draw >> (i % 8 * 8));
    }
    const fl_blob blob = fl_blob_end(out, INSTANCE, NULL);
    fl_local(out, FL_CONSENSUS, INITIAL)->blob = blob;
}

/* A sender that was down when it should have spoken does so when it is back. */
static void on_recover(const struct fl_self *self, const struct state *s, fl_time now,
                       struct fl_outbox *out)
{
    if (self->index != sender(self) || s->initial.said) return;
    const fl_time at = ((const struct params *)self->params)->at;
    fl_set_timer(out, SPEAK, fl_max(at - now, 0));
}

static void on_own_payload(const struct fl_bracha_rules *rules, const struct fl_self *self,
                           struct state *s, const struct fl_event *in, struct fl_outbox *out)
{
    if (self->index != sender(self) || s->initial.said || in->data == NULL) return;
    const struct fl_digest digest = fl_digest_of(in->data, in->data_bytes);
    int64_t *const v = fl_note(out, FL_RECORD_BLOCK, INSTANCE, self->key);
    v[3] = (int64_t)digest.lo;
    v[4] = (int64_t)digest.hi;
    broadcast(self, s, INITIAL, digest, in->msg.blob, out);
    advance(rules, self, s, digest, out);
}

static size_t state_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    return sizeof(struct state) + (size_t)VOTES * self->group_size * sizeof(struct vote);
}

static void init(const struct fl_self *self, void *state)
{
    struct state *const s = state;
    s->faulty_power = faulty_power(self);
}

void fl_bracha_step(const struct fl_bracha_rules *rules, const struct fl_self *self, void *state,
                    const struct fl_event *in, struct fl_outbox *out)
{
    struct state *const s = state;
    switch (in->kind) {
    case FL_START:
        start(self, out);
        return;
    case FL_MSG:
        on_message(rules, self, s, in, out);
        return;
    case FL_CALL:
        if (in->msg.family == FL_CONSENSUS && in->msg.kind == INITIAL)
            on_own_payload(rules, self, s, in, out);
        return;
    case FL_TIMER:
        speak(self, out);
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

const struct fl_bracha_rules fl_bracha_rules = {.votes = 1, .initials = 1, .checks_sender = true};

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    (void)view;
    fl_bracha_step(&fl_bracha_rules, self, state, in, out);
}

static void observe(const struct fl_self *self, const void *state, int64_t *out)
{
    const struct state *const s = state;
    (void)self;
    out[0] = (int64_t)s->delivered;
}

static const struct fl_observable observables[] = {
    {"consensus.delivered", "members that delivered the broadcast payload", FL_COUNT, FL_SUM},
    {.name = NULL},
};

static const char *fits(const void *params, const struct fl_group_size *group, const char **key)
{
    const struct params *const p = params;
    *key = "sender";
    return p->sender < group->members ? NULL : "sender must be less than the count of its group";
}

static const struct fl_param rows[] = {
    {.key = "sender",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, sender),
     .min = -1,
     .max = UINT32_MAX,
     .fallback = "-1",
     .doc = "index of the sender in its group, counted from 0; -1: the last"},
    {.key = "bytes",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, bytes),
     .min = 1,
     .max = FL_OUTBOX_SCRATCH / 2,
     .fallback = "256",
     .doc = "length of the payload, bytes"},
    {.key = "at_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, at),
     .min = 0,
     .max = INT64_MAX / 2,
     .fallback = "0",
     .doc = "when the sender speaks, seconds"},
    {.key = NULL},
};

static const struct fl_message_name messages[] = {
    {INITIAL, "INITIAL"},
    {ECHO, "ECHO"},
    {READY, "READY"},
    {.name = NULL},
};

static const struct fl_node_model node = {
    .timer_count = TIMERS,
    .state_bytes = state_bytes,
    .init = init,
    .step = step,
    .observe = observe,
    .messages = messages,
};

const struct fl_model fl_model_bracha = {
    .name = "bracha",
    .family = FL_CONSENSUS,
    .doc = "reliable broadcast of one payload (Bracha 1987, fig. 1), asynchronous, n >= 3f + 1",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .fits = fits,
    .observables = observables,
    .node = &node,
};
