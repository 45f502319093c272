/* A node that sends old messages again: its own, and those it heard, which arrive under its own name, for
 * channels are authenticated; what is signed inside them is as it was. The replay that sequence numbers,
 * views and nonces are there to make harmless (Dolev and Yao 1983, "On the Security of Public Key
 * Protocols"; Castro and Liskov 1999, section 2, where the adversary may replay).
 *
 * The node speaks as ever. After each `every`-th message or timer it sends one of the last 64 messages
 * once more, drawn: its own to whom they went before, broadcasts and what it heard to about half of the
 * peers, drawn one by one. Contents longer than a small limit are named, not kept: they arrive as long as
 * somebody keeps them. */
#include "models/fault/words.h"

struct params {
    int64_t every;
};

/* CONTENT: a transaction fits. Content that the engine names for good is not copied. */
enum { KEPT = 64, CONTENT = 128 };
struct kept {
    struct fl_msg msg;
    enum fl_reach reach;
    fl_endpoint to;
    uint32_t bytes; /* of `content`; 0: the message's blob, if it has one, is named for good */
    unsigned char content[CONTENT];
};
struct memory { /* of one member */
    uint64_t events, resent;
    uint64_t next; /* messages kept so far */
    struct kept kept[KEPT];
};

static struct kept *keep(struct memory *memory, const struct fl_msg *m, enum fl_reach reach,
                         fl_endpoint to)
{
    struct kept *const kept = &memory->kept[memory->next++ % KEPT];
    *kept = (struct kept){.msg = *m, .reach = reach, .to = to};
    return kept;
}

/* A blob that this very step writes has no lasting name: it is copied, or the message left out. */
static void keep_own(struct memory *memory, const struct fl_outbox *honest, uint32_t i)
{
    const struct fl_effect *const e = &honest->at[i];
    uint32_t bytes = 0;
    const void *const data = fl_outbox_data(honest, e->msg.blob, &bytes);
    if (bytes > CONTENT) return;
    struct kept *const kept = keep(memory, &e->msg, e->reach, e->to);
    if (data == NULL) return;
    kept->bytes = bytes;
    memcpy(kept->content, data, bytes);
}

static struct fl_effect *say(const struct kept *kept, enum fl_reach reach, fl_endpoint to,
                             struct fl_outbox *out)
{
    struct fl_effect *const e = fl_emit(out, FL_SEND);
    e->reach = reach;
    e->to = to;
    e->msg = kept->msg;
    if (kept->bytes > 0) e->msg.blob = fl_blob_put(out, kept->content, kept->bytes, 0, NULL);
    return e;
}

/* `kept` is an old message; draws are by how many were sent again before it. */
static void say_again(const struct fl_self *self, const struct kept *kept, uint64_t number,
                      struct fl_outbox *out)
{
    if (kept->reach != FL_TO_PEERS) {
        say(kept, kept->reach, kept->to, out);
        return;
    }
    for (uint32_t peer = 0; peer < self->group_size; peer++) {
        const uint64_t draw = fl_draw(self->seed, FL_RNG_FAULT, self->key,
                                      number * self->group_size + peer, FL_LANE_REPLAY + 1);
        const fl_endpoint to = {self->group_first + peer};
        if (peer != self->index && draw >> 63) say(kept, FL_TO_ONE, to, out);
    }
}

static bool time_to_resend(const struct params *p, struct memory *memory, const struct fl_event *in)
{
    if (in->kind != FL_MSG && in->kind != FL_TIMER) return false;
    return ++memory->events % (uint64_t)p->every == 0 && memory->next > 0;
}

static void step(const struct fl_coalition *coalition, void *state, uint32_t who,
                 const struct fl_event *in, const struct fl_view *view,
                 const struct fl_outbox *honest, struct fl_outbox *out)
{
    const struct fl_self *const self = coalition->member[who];
    struct memory *const memory = (struct memory *)state + who;
    (void)view;
    for (uint32_t i = 0; i < honest->count; i++) fl_repeat(honest, i, out);
    if (time_to_resend(coalition->params, memory, in)) {
        const uint64_t count = memory->next < KEPT ? memory->next : KEPT;
        const uint64_t pick = fl_draw_below(self->seed, FL_RNG_FAULT, self->key, memory->resent,
                                            FL_LANE_REPLAY, count);
        say_again(self, &memory->kept[pick], memory->resent++, out);
    }
    for (uint32_t i = 0; i < honest->count; i++)
        if (honest->at[i].kind == FL_SEND) keep_own(memory, honest, i);
    if (in->kind == FL_MSG) keep(memory, &in->msg, FL_TO_PEERS, self->endpoint);
}

static size_t state_bytes(const void *params, uint32_t members)
{
    (void)params;
    return members * sizeof(struct memory);
}

static const struct fl_param keys[] = {
    {.key = "every",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, every),
     .min = 1,
     .max = INT32_MAX,
     .fallback = "4",
     .doc = "messages and timers from one old message to the next (assumption)"},
    {0}};

static const struct fl_fault_model fault = {.state_bytes = state_bytes, .step = step};

const struct fl_model fl_model_resend = {
    .name = "resend",
    .family = FL_FAULT,
    .doc = "the node sends old messages again, its own and those of others (replay)",
    .params = keys,
    .params_bytes = sizeof(struct params),
    .fault = &fault,
};
