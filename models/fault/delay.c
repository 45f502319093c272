/* A node that holds back what it sends. With "proposals" alone, just under the others' timer: the slow
 * primary of Amir, Coan, Kirsch and Lane 2008 ("Byzantine Replication Under Attack") and of Clement and
 * others 2009 ("Making Byzantine Fault Tolerant Systems Tolerate Byzantine Faults", section 3), which
 * brings throughput down to one batch in each delay plus three message delays while no view changes.
 *
 * Each message has a delay of its own, drawn by its key; a broadcast leaves as one. */
#include "models/fault/words.h"

struct params {
    struct fl_law by; /* ns */
    int64_t consensus, proposals;
};

static bool held(const struct params *p, const struct fl_event *in, const struct fl_effect *e)
{
    if (e->kind != FL_SEND) return false;
    if (p->proposals) return fl_fault_proposes(in, e);
    return !p->consensus || e->msg.family == FL_CONSENSUS;
}

static void step(const struct fl_coalition *coalition, void *state, uint32_t who,
                 const struct fl_event *in, const struct fl_view *view,
                 const struct fl_outbox *honest, struct fl_outbox *out)
{
    const struct params *const p = coalition->params;
    const struct fl_self *const self = coalition->member[who];
    (void)state;
    (void)view;
    for (uint32_t i = 0; i < honest->count; i++) {
        struct fl_effect *const e = fl_repeat(honest, i, out);
        if (!held(p, in, e)) continue;
        const uint64_t draw = fl_fault_draw(self, &e->msg, self->endpoint, FL_LANE_DELAY);
        e->delay = fl_add(e->delay, fl_law_at(&p->by, draw));
    }
}

static const char *check(const void *params)
{
    const struct params *const p = params;
    return p->proposals && p->consensus
               ? "proposals are messages of the consensus: give one of proposals and consensus"
               : NULL;
}

static const struct fl_param keys[] = {
    {.key = "by_ms",
     .type = FL_LAW,
     .digits = 6,
     .offset = offsetof(struct params, by),
     .min = 0,
     .max = 86400 * FL_SECOND,
     .fallback = "1000",
     .doc =
         "how long a message is held back, milliseconds (Clement and others 2009: just under the "
         "view-change timeout; pbft's timeout_ms is 2000 by default)"},
    {.key = "consensus",
     .type = FL_BOOLEAN,
     .offset = offsetof(struct params, consensus),
     .fallback = "false",
     .doc = "only messages of the consensus layer"},
    {.key = "proposals",
     .type = FL_BOOLEAN,
     .offset = offsetof(struct params, proposals),
     .fallback = "false",
     .doc = "only broadcasts of the consensus layer that bring content: blocks, view changes, new "
            "views; votes leave at once"},
    {0}};

static const struct fl_fault_model fault = {.truthful = true, .step = step};

const struct fl_model fl_model_delay = {
    .name = "delay",
    .family = FL_FAULT,
    .doc = "the node holds back what it sends",
    .params = keys,
    .params_bytes = sizeof(struct params),
    .check = check,
    .fault = &fault,
};
