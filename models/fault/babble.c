/* Members that say everything: at once, to all their peers, each kind of message of a vocabulary about
 * each of a few payloads of their own, and about every payload that they overhear. What its model
 * would say, a member does not.
 *
 * This is the Byzantine process of Bracha and Toueg 1985, as far as one vocabulary goes: it can say
 * anything at any time. In a run its words arrive as the network pleases; in an exploration, where
 * each may arrive whenever and as often as one likes, or never, no member can do more with these words
 * and payloads. It is rushing: it has heard everything before anybody else.
 *
 * A word is a message (kind, word[0], 0, 0) that names and carries a payload, signed as a claim. That
 * is the vocabulary of `bracha` with kinds 3 and word 1 (initial, echo, ready), and of a first round of
 * votes elsewhere. */
#include "models/wire.h"

enum { PAYLOADS = 16 };

struct params {
    int64_t kinds, word, payloads, bytes;
};

/* Of the coalition. */
struct state {
    uint64_t begun, heard;
    struct fl_digest payload[PAYLOADS]; /* heard, as many as there is room for */
};

static void say(const struct fl_coalition *coalition, const struct fl_self *self,
                struct fl_digest digest, fl_blob blob, struct fl_outbox *out)
{
    const struct params *const p = coalition->params;
    for (int64_t kind = 1; kind <= p->kinds; kind++) {
        const struct fl_claim claim = {
            .kind = (uint64_t)kind, .word = {(uint64_t)p->word, 0}, .digest = digest};
        const uint64_t tag = fl_sign(self, fl_claim_digest(&claim), out);
        struct fl_msg *const m =
            fl_send(out, FL_TO_PEERS, FL_NOWHERE, FL_CONSENSUS, (uint16_t)kind);
        out->at[out->count - 1].as = self->endpoint;
        m->word[0] = claim.word[0];
        m->value[0] = (int64_t)digest.lo;
        m->value[1] = (int64_t)digest.hi;
        m->blob = blob;
        m->tag = tag;
    }
}

/* Every member, so that the coalition speaks with one voice. */
static void say_as_all(const struct fl_coalition *coalition, struct fl_digest digest, fl_blob blob,
                       struct fl_outbox *out)
{
    for (uint32_t i = 0; i < coalition->count; i++)
        say(coalition, coalition->member[i], digest, blob, out);
}

static void begin(const struct fl_coalition *coalition, struct fl_outbox *out)
{
    const struct params *const p = coalition->params;
    const struct fl_self *const first = coalition->member[0];
    for (int64_t k = 0; k < p->payloads; k++) {
        struct fl_digest digest;
        unsigned char *const content = fl_blob_begin(out, (uint32_t)p->bytes);
        for (int64_t i = 0; i < p->bytes; i++) {
            const uint64_t draw =
                fl_draw(first->seed, FL_RNG_FAULT, first->key, (uint64_t)k, (uint32_t)(i / 8));
            content[i] = (unsigned char)(draw >> (i % 8 * 8));
        }
        const fl_blob blob = fl_blob_end(out, (uint64_t)p->word, &digest);
        say_as_all(coalition, digest, blob, out);
    }
}

static void overhear(const struct fl_coalition *coalition, struct state *s,
                     const struct fl_event *in, struct fl_outbox *out)
{
    if (in->msg.family != FL_CONSENSUS || in->data == NULL || s->heard == PAYLOADS) return;
    const struct fl_digest digest = fl_digest_of(in->data, in->data_bytes);
    for (uint64_t i = 0; i < s->heard; i++)
        if (fl_digest_equal(s->payload[i], digest)) return;
    s->payload[s->heard].lo = digest.lo;
    s->payload[s->heard++].hi = digest.hi;
    say_as_all(coalition, digest, in->msg.blob, out);
}

static void step(const struct fl_coalition *coalition, void *state, uint32_t who,
                 const struct fl_event *in, const struct fl_view *view,
                 const struct fl_outbox *honest, struct fl_outbox *out)
{
    struct state *const s = state;
    (void)who;
    (void)view;
    (void)honest;
    if (!s->begun) begin(coalition, out);
    s->begun = 1;
    if (in->kind == FL_OVERHEARD) overhear(coalition, s, in, out);
}

static size_t state_bytes(const void *params, uint32_t members)
{
    (void)params;
    (void)members;
    return sizeof(struct state);
}

static const struct fl_param rows[] = {
    {.key = "kinds",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, kinds),
     .min = 1,
     .max = 16,
     .fallback = "3",
     .doc = "kinds of messages it says: 1 up to this"},
    {.key = "word",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, word),
     .min = 0,
     .max = INT32_MAX,
     .fallback = "1",
     .doc = "first word of each: the instance or height they are about; the others are 0"},
    {.key = "payloads",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, payloads),
     .min = 0,
     .max = PAYLOADS,
     .fallback = "2",
     .doc = "payloads of its own"},
    {.key = "bytes",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, bytes),
     .min = 1,
     .max = 4096,
     .fallback = "16",
     .doc = "length of each, bytes"},
    {.key = NULL},
};

static const struct fl_fault_model fault = {
    .rushing = true, .alone = true, .state_bytes = state_bytes, .step = step};

const struct fl_model fl_model_babble = {
    .name = "babble",
    .family = FL_FAULT,
    .doc = "members of a consensus say everything their vocabulary can say, whatever they hear",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .fault = &fault,
};
