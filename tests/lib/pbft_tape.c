/* A chain layer that builds and judges any number of blocks ahead: a tape of payloads. It shows
 * pipelining, and bears the null request, which `replica` bears too but hardly ever meets. */
#include "models/wire.h"

struct state {
    uint64_t height, nulls;
    struct fl_digest head; /* over all payloads */
    int64_t newest;        /* payload, low half of its digest */
};
struct page {
    uint64_t height, author;
    fl_time at;
};

static void answer(const struct fl_self *self, struct state *s, const struct fl_event *in,
                   struct fl_outbox *out)
{
    const struct fl_msg *const m = &in->msg;
    if (m->kind == FL_PROPOSE) {
        const struct page page = {.height = m->word[0], .author = self->key, .at = in->now};
        const fl_blob blob = fl_blob_put(out, &page, sizeof page, m->word[0], NULL);
        struct fl_msg *const r = fl_local(out, FL_CONSENSUS, FL_PAYLOAD);
        r->word[0] = m->word[0];
        r->blob = blob;
    }
    if (m->kind == FL_VALIDATE) {
        struct fl_msg *const r = fl_local(out, FL_CONSENSUS, FL_VALID);
        r->word[0] = m->word[0];
        r->blob = m->blob;
        r->value[0] = in->data != NULL && in->data_bytes == sizeof(struct page);
    }
    if (m->kind == FL_DECIDE && m->word[0] == s->height + 1) {
        const uint64_t words[4] = {s->head.lo, s->head.hi, (uint64_t)m->value[0],
                                   (uint64_t)m->value[1]};
        const struct fl_digest head = fl_digest_of(words, sizeof words);
        s->height++;
        s->nulls += m->blob.i == 0;
        s->head.lo = head.lo;
        s->head.hi = head.hi;
        int64_t *const v = fl_note(out, FL_RECORD_APPLIED, (int64_t)s->height, self->key);
        v[2] = (int64_t)head.lo;
        v[3] = m->value[0];
        v[4] = s->newest;
        s->newest = m->value[0];
        struct fl_msg *const r = fl_local(out, FL_CONSENSUS, FL_APPLIED);
        r->word[0] = s->height;
        r->value[0] = (int64_t)head.lo;
        r->value[1] = (int64_t)head.hi;
    }
}

static size_t state_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return sizeof(struct state);
}

static void init(const struct fl_self *self, void *state)
{
    (void)self;
    (void)state;
}

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    (void)view;
    if (in->kind == FL_CALL) answer(self, state, in, out);
}

static void observe(const struct fl_self *self, const void *state, int64_t *out)
{
    const struct state *const s = state;
    (void)self;
    out[0] = (int64_t)s->height;
    out[1] = (int64_t)s->nulls;
}

static const struct fl_observable observables[] = {
    {"tape.height", "payloads on the longest tape", FL_COUNT, FL_MAX},
    {"tape.nulls", "null requests on one tape", FL_COUNT, FL_MAX},
    {.name = NULL},
};
static const struct fl_node_model node = {
    .state_bytes = state_bytes, .init = init, .step = step, .observe = observe};

extern const struct fl_model fl_model_pbft_tape;
const struct fl_model fl_model_pbft_tape = {
    .name = "pbft_tape",
    .family = FL_CHAIN,
    .doc = "a chain layer that works any number of blocks ahead",
    .observables = observables,
    .node = &node,
};
