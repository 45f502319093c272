/* A node that listens and says nothing: an omission of every send (Perry and Toueg 1986, "Distributed
 * Agreement in the Presence of Processor and Communication Faults"). Local calls, timers and notes go
 * on, so that it knows all when the window ends. */
#include "models/wire.h"

static void step(const struct fl_coalition *coalition, void *state, uint32_t who,
                 const struct fl_event *in, const struct fl_view *view,
                 const struct fl_outbox *honest, struct fl_outbox *out)
{
    (void)coalition;
    (void)state;
    (void)who;
    (void)in;
    (void)view;
    for (uint32_t i = 0; i < honest->count; i++)
        if (honest->at[i].kind != FL_SEND) fl_repeat(honest, i, out);
}

static const struct fl_fault_model fault = {.quiet = true, .truthful = true, .step = step};

const struct fl_model fl_model_mute = {
    .name = "mute",
    .family = FL_FAULT,
    .doc = "the node receives and computes as ever, but sends nothing",
    .fault = &fault,
};
