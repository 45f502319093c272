/* Runs of PBFT that are compared with theory. Drawn ones are in tests/lib/swarm.h. */
#ifndef TESTS_PBFT_RUNS_H
#define TESTS_PBFT_RUNS_H
#include "tests/lib/pbft_twins.h"
#include "tests/lib/run.h"

/* n members, f of which may fail, one constant or random delay, one decision each `block_ms`. */
struct pbft_plain {
    uint32_t n, f;
    const char *delay, *consensus, *faults; /* JSON; more keys of the consensus, or "" */
    const char *seconds;
};
struct fl_test_run pbft_run_plain(const struct pbft_plain *plain, uint64_t seed);

/* Time of the k-th (1, 2, ...) FL_RECORD_DECIDED of that height, from its first FL_RECORD_BLOCK;
 * -1 if there are fewer. */
fl_time pbft_decided_after(const struct fl_test_run *run, int64_t height, uint32_t k);
/* Rows of the messages trace of that kind. */
uint32_t pbft_messages(const struct fl_test_run *run, enum fl_pbft_message kind);

/* PBFT, n = 16, f = 5, N(250, 50) ms clipped at 0, `crashed` backups: time from the proposal to the
 * decision of the 11th, of the mean and of the last replica, in ms. */
struct pbft_latency {
    double eleventh, mean, last;
};
struct pbft_latency pbft_random_delay(uint32_t crashed, uint64_t seed);
/* ../shared/theory/pbft_random_delay.json: 200,000 independent samples of the model, standard error
 * at most 0.1 ms. */
extern const double pbft_theory_ms[6];

#endif
