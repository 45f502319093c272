/* What other simulators were measured on, as models of this one: only for benches and their tests.
 * Whoever uses anything of this gets its registry: these three models and no other. */
#ifndef TESTS_PEERS_H
#define TESTS_PEERS_H
#include "tests/lib/run.h"

/* PBFT for one decision, as the simulator of Wang, Chao, Wu and Pan ("Tool: An Efficient and Flexible
 * Simulator for Byzantine Fault-Tolerant Protocols", DSN 2022) has it: n nodes, all honest, f =
 * (n - 1) / 3, delays N(250, 50) ms clipped at 0. At time 0 the first node sends PRE-PREPARE; every
 * node, the first too, broadcasts PREPARE when it has it, COMMIT at 2f + 1 prepares, and at 2f + 1
 * commits DECIDE with those commits as proof and CHECKPOINT, its own counted. A DECIDE makes a node
 * decide, and broadcast DECIDE alone. All stops when n - f have decided. */
struct one_shot {
    fl_time stop;      /* when the (n - f)-th node decides */
    uint64_t messages; /* sent until then */
};
/* Without stopping: what comes of the run. */
struct one_shot one_shot_look(uint32_t n, uint64_t seed);
/* The run up to and including `stop`, from its text to its result; the caller frees it. */
struct fl_test_run one_shot_run(uint32_t n, fl_time stop, uint64_t seed);
/* (n - 1) (1 + 2n + 2 (n - f)): exact when nobody decides by a DECIDE before the end. */
uint64_t one_shot_messages(uint32_t n);

/* `n` nodes, each of which sends one message to all, itself too, every 100 ticks, `rounds` times; a
 * message takes 0 to 200 whole ticks, uniformly; whoever gets it counts it (the benchmark of
 * Wittgenstein, github.com/ConsenSys/wittgenstein, with a tick for its millisecond). A tick is a
 * nanosecond here. n * n * rounds deliveries. */
struct fl_test_run flood_run(uint32_t n, uint32_t rounds, uint64_t seed);

/* PHOLD (Fujimoto, "Performance of Time Warp under synthetic workloads", 1990): each of `count`
 * processes begins with one event; an event makes one, for its own process or with probability 1/4
 * for any, 1 + Exp(1) s later. Processes live on at most 1,000 nodes. */
struct fl_test_run phold_run(uint32_t count, uint32_t seconds, uint64_t seed);

#endif
