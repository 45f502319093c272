/* Broken models for the checks: real ones by a wrapper that does one thing otherwise. */
#include "tests/lib/check_twins.h"

#include "models/submit.h"
#include "models/wire.h"

#include <string.h>

extern const struct fl_model fl_model_pbft, fl_model_replica;

/* --- storage that is not stable --------------------------------------------------------------------- */

static void forgetful_step(const struct fl_model *model, const struct fl_self *self, void *state,
                           const struct fl_event *in, const struct fl_view *view,
                           struct fl_outbox *out)
{
    struct fl_event again = *in;
    if (in->kind == FL_RECOVER) {
        memset(state, 0, model->node->state_bytes(self->params, self));
        model->node->init(self, state);
        again.kind = FL_START;
    }
    model->node->step(self, state, &again, view, out);
}

static void forgetful_pbft(const struct fl_self *self, void *state, const struct fl_event *in,
                           const struct fl_view *view, struct fl_outbox *out)
{
    forgetful_step(&fl_model_pbft, self, state, in, view, out);
}

static void forgetful_replica(const struct fl_self *self, void *state, const struct fl_event *in,
                              const struct fl_view *view, struct fl_outbox *out)
{
    forgetful_step(&fl_model_replica, self, state, in, view, out);
}

/* --- decisions that nobody proposed ----------------------------------------------------------------- */

/* The same block, empty and a little later: all replicas make up the same, so that they agree. */
static void make_up(const struct fl_view *view, struct fl_outbox *out, uint32_t decide)
{
    struct fl_effect *const e = &out->at[decide], *const note = e - 1;
    uint32_t bytes;
    const void *const data = fl_blob_data(view, e->msg.blob, &bytes);
    struct fl_block block;
    FL_ASSERT(note->kind == FL_NOTE && note->record == FL_RECORD_DECIDED && data != NULL);
    memcpy(&block, data, sizeof block);
    block.batch.tx_count = 0;
    block.batch.time++;
    struct fl_digest digest;
    e->msg.blob = fl_blob_put(out, &block, sizeof block, e->msg.word[0], &digest);
    note->v[2] = e->msg.value[0] = (int64_t)digest.lo;
    note->v[3] = e->msg.value[1] = (int64_t)digest.hi;
}

static void self_willed(const struct fl_self *self, void *state, const struct fl_event *in,
                        const struct fl_view *view, struct fl_outbox *out)
{
    fl_model_pbft.node->step(self, state, in, view, out);
    for (uint32_t i = 0; i < out->count; i++) {
        const struct fl_effect *const e = &out->at[i];
        if (e->kind == FL_LOCAL && e->msg.family == FL_CHAIN && e->msg.kind == FL_DECIDE &&
            e->msg.word[0] % 7 == 0)
            make_up(view, out, i);
    }
}

/* --- a machine that is not deterministic ------------------------------------------------------------- */

static void astray(const struct fl_self *self, void *state, const struct fl_event *in,
                   const struct fl_view *view, struct fl_outbox *out)
{
    struct fl_event other = *in;
    if (in->kind == FL_EXECUTED && in->msg.word[0] >= 5 && self->index == 2)
        other.msg.value[0] ^= 1;
    fl_model_replica.node->step(self, state, &other, view, out);
}

/* --- the client --------------------------------------------------------------------------------------- */

struct teller_params {
    int64_t silent, stubborn;
};
struct teller {
    uint64_t nonce;
};
enum { EVERY = 200, REPEATS = 8 };

static void tell(const struct fl_self *self, uint64_t nonce, uint16_t copy, struct fl_outbox *out)
{
    const struct teller_params *const p = self->params;
    struct fl_tx tx = {.account = self->account_first,
                       .contract = 0,
                       .kind = FL_TX_REPORT,
                       .nonce = nonce,
                       .arg = {2385000000, (int64_t)nonce, (int64_t)nonce}};
    const uint32_t before = out->count;
    fl_submit(self, &tx, copy, out);
    if (!p->silent) return;
    FL_ASSERT(out->count == before + 2 && out->at[before].kind == FL_NOTE);
    out->at[before] = out->at[before + 1];
    out->count--;
}

static void teller_step(const struct fl_self *self, void *state, const struct fl_event *in,
                        const struct fl_view *view, struct fl_outbox *out)
{
    const struct teller_params *const p = self->params;
    struct teller *const s = state;
    (void)view;
    if (in->kind == FL_TIMER) {
        tell(self, ++s->nonce, 0, out);
        if (p->stubborn && s->nonce > REPEATS) tell(self, s->nonce - REPEATS, 1, out);
    }
    if (in->kind == FL_TIMER || in->kind == FL_START || in->kind == FL_RECOVER)
        fl_set_timer(out, 0, EVERY * FL_MILLISECOND);
}

static size_t teller_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return sizeof(struct teller);
}

static void teller_init(const struct fl_self *self, void *state)
{
    (void)self;
    (void)state;
}

static const struct fl_param teller_rows[] = {
    {.key = "silent",
     .type = FL_BOOLEAN,
     .offset = offsetof(struct teller_params, silent),
     .fallback = "false",
     .doc = "does not note what it hands in"},
    {.key = "stubborn",
     .type = FL_BOOLEAN,
     .offset = offsetof(struct teller_params, stubborn),
     .fallback = "false",
     .doc = "hands in each transaction once more, eight later"},
    {.key = NULL},
};
static const struct fl_node_model teller_node = {
    .timer_count = 1, .state_bytes = teller_bytes, .init = teller_init, .step = teller_step};
const struct fl_model fl_model_teller = {
    .name = "teller",
    .family = FL_AGENT,
    .doc = "hands in a transaction every 200 ms",
    .params = teller_rows,
    .params_bytes = sizeof(struct teller_params),
    .node = &teller_node,
};

/* --- all of them -------------------------------------------------------------------------------------- */

struct fl_model fl_model_pbft_forgetful, fl_model_pbft_self_willed, fl_model_replica_forgetful,
    fl_model_replica_astray;
static struct fl_node_model node[4];

/* Everything but name and step is the original's. Before main, in every test's process. */
__attribute__((constructor)) static void make_twins(void)
{
    static const struct {
        struct fl_model *twin;
        const struct fl_model *original;
        const char *name;
        void (*step)(const struct fl_self *, void *, const struct fl_event *,
                     const struct fl_view *, struct fl_outbox *);
    } twins[] = {
        {&fl_model_pbft_forgetful, &fl_model_pbft, "pbft_forgetful", forgetful_pbft},
        {&fl_model_pbft_self_willed, &fl_model_pbft, "pbft_self_willed", self_willed},
        {&fl_model_replica_forgetful, &fl_model_replica, "replica_forgetful", forgetful_replica},
        {&fl_model_replica_astray, &fl_model_replica, "replica_astray", astray},
    };
    for (size_t i = 0; i < sizeof twins / sizeof *twins; i++) {
        node[i] = *twins[i].original->node;
        node[i].step = twins[i].step;
        *twins[i].twin = *twins[i].original;
        twins[i].twin->name = twins[i].name;
        twins[i].twin->node = &node[i];
    }
}
