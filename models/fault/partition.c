/* A network cut into sides that do not hear each other ("split brain"; Gilbert and Lynch 2002,
 * "Brewer's Conjecture and the Feasibility of Consistent, Available, Partition-Tolerant Web
 * Services"). A node on two sides is a bridge: it hears, and is heard by, both. A node on no side is
 * not touched. Who names a group and members cuts those off from everybody else: an eclipse.
 *
 * What counts is the instant of arrival: what would arrive within the window is lost, or held until
 * it closes; what was sent in its last moments gets through. */
#include "models/wire.h"

struct params {
    int64_t oneway, hold;
};

static uint64_t lowest(uint64_t sides)
{
    return sides & (~sides + 1);
}

static enum fl_carriage carries(const void *params, uint64_t from, uint64_t to)
{
    const struct params *p = params;
    if (from == 0 || to == 0 || (from & to)) return FL_CARRIED;
    if (p->oneway && lowest(from) > lowest(to)) return FL_CARRIED;
    return p->hold ? FL_HELD : FL_CUT;
}

static const struct fl_param keys[] = {{.key = "oneway",
                                        .type = FL_BOOLEAN,
                                        .offset = offsetof(struct params, oneway),
                                        .fallback = "false",
                                        .doc = "only what a side says to those listed after it is "
                                               "cut: the first speaks and is not heard, but "
                                               "hears"},
                                       {.key = "hold",
                                        .type = FL_BOOLEAN,
                                        .offset = offsetof(struct params, hold),
                                        .fallback = "false",
                                        .doc = "messages wait for the end of the window and arrive "
                                               "then, in the order in which they came; "
                                               "else they are lost"},
                                       {0}};

static const struct fl_fault_model fault = {.carries = carries};

const struct fl_model fl_model_partition = {
    .name = "partition",
    .family = FL_FAULT,
    .doc = "sides that do not hear each other, or members cut off from everybody else",
    .params = keys,
    .params_bytes = sizeof(struct params),
    .fault = &fault,
};
