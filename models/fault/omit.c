/* A node that now and then does not send, or does not take up, a message: the general omissions of Perry
 * and Toueg 1986, "Distributed Agreement in the Presence of Processor and Communication Faults". Of a
 * broadcast some receivers may get nothing while others do. It computes as the protocol says with what
 * it has, so that of all its words none is false.
 *
 * Whether a message is lost is drawn by its key and the other end: with "send" 1 the node is mute, with
 * "receive" 1 deaf. What gossip brings, or is to be passed on, is a message like any other. */
#include "models/fault/words.h"

struct params {
    int64_t send_ppm, receive_ppm, consensus;
};

static bool omits(const struct fl_coalition *coalition, uint32_t who, const struct fl_msg *msg,
                  fl_endpoint other, enum fl_fault_lane lane)
{
    const struct params *const p = coalition->params;
    const int64_t share = lane == FL_LANE_SEND ? p->send_ppm : p->receive_ppm;
    if (p->consensus && msg->family != FL_CONSENSUS) return false;
    return fl_fault_chance(fl_fault_draw(coalition->member[who], msg, other, lane), share);
}

static bool hears(const struct fl_coalition *coalition, uint32_t who, const struct fl_msg *msg)
{
    return !omits(coalition, who, msg, msg->from, FL_LANE_RECEIVE);
}

static bool says(const struct fl_coalition *coalition, uint32_t who, const struct fl_msg *msg,
                 fl_endpoint to)
{
    return !omits(coalition, who, msg, to, FL_LANE_SEND);
}

static const struct fl_param keys[] = {
    {.key = "send",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, send_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0.5",
     .doc = "share of what it sends, by receiver, that never leaves (ratio; assumption)"},
    {.key = "receive",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, receive_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0",
     .doc = "share of what arrives that it does not take up (ratio)"},
    {.key = "consensus",
     .type = FL_BOOLEAN,
     .offset = offsetof(struct params, consensus),
     .fallback = "false",
     .doc = "only messages of the consensus layer"},
    {0}};

static const struct fl_fault_model fault = {.truthful = true, .hears = hears, .says = says};

const struct fl_model fl_model_omit = {
    .name = "omit",
    .family = FL_FAULT,
    .doc = "the node loses a share of what it sends, and of what it receives",
    .params = keys,
    .params_bytes = sizeof(struct params),
    .fault = &fault,
};
