/* A node that computes slowly: each message and each timer costs it extra time, one after the other, so
 * that work piles up when it comes faster than that. A performance failure in the words of Cristian
 * 1991 ("Understanding Fault-Tolerant Distributed Systems"); the messages themselves travel
 * as ever. It waits as an M/G/1 queue does: with Poisson arrivals of rate a and a constant time c, on
 * the average a c^2 / (2 (1 - a c)) (Pollaczek and Khinchine).
 *
 * The time for a message is drawn by its key, that for a timer by its slot and the instant. Copies that
 * gossip brings a second time are looked at too. */
#include "models/fault/words.h"

struct params {
    struct fl_law extra; /* ns */
};

static fl_time toil(const struct fl_coalition *coalition, uint32_t who, const struct fl_event *in)
{
    const struct params *const p = coalition->params;
    const struct fl_self *const self = coalition->member[who];
    const uint64_t draw = in->kind == FL_MSG
                              ? fl_fault_draw(self, &in->msg, in->msg.from, FL_LANE_WORK)
                              : fl_draw(self->seed, FL_RNG_FAULT, self->key,
                                        (uint64_t)in->now * 256 + in->timer, FL_LANE_WORK);
    return fl_law_at(&p->extra, draw);
}

static const struct fl_param keys[] = {
    {.key = "extra_ms",
     .type = FL_LAW,
     .digits = 6,
     .offset = offsetof(struct params, extra),
     .min = 0,
     .max = 86400 * FL_SECOND,
     .fallback = "10",
     .doc = "time that each message and each timer costs beside what it costs anyway, milliseconds "
            "(assumption: a hundred events a second)"},
    {0}};

static const struct fl_fault_model fault = {.truthful = true, .toil = toil};

const struct fl_model fl_model_slow = {
    .name = "slow",
    .family = FL_FAULT,
    .doc = "each message and each timer costs the node extra time, so that work piles up",
    .params = keys,
    .params_bytes = sizeof(struct params),
    .fault = &fault,
};
