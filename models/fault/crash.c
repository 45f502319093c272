/* A node that is down: it hears nothing, says nothing, and its timers die; its state survives (stable
 * storage). When the window ends it gets FL_RECOVER. The benign fault of Cristian 1991, "Understanding
 * Fault-Tolerant Distributed Systems": crash with recovery. The engine does it all. */
#include "models/wire.h"

static const struct fl_fault_model fault = {.crash = true};

const struct fl_model fl_model_crash = {
    .name = "crash",
    .family = FL_FAULT,
    .doc = "the node is down; its state survives, its timers do not",
    .fault = &fault,
};
