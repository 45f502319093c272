/* A node that crashes and comes back without stable storage: a replaced disk, a container started anew.
 * When the window ends, every layer is as new and gets FL_START; what the node served, kept or had
 * voted is forgotten. The crash with amnesia of Cristian 1991, "Understanding Fault-Tolerant
 * Distributed Systems". A voter that forgets may vote otherwise the second time, so it
 * belongs to the fault budget like any that lies. The engine does it all. */
#include "models/wire.h"

static const struct fl_fault_model fault = {.crash = true, .forgets = true};

const struct fl_model fl_model_amnesia = {
    .name = "amnesia",
    .family = FL_FAULT,
    .doc = "a crash after which the node has forgotten everything and starts anew",
    .fault = &fault,
};
