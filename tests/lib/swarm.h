/* The swarm: PBFT under faults of all kinds. Sizes, timeouts, placement, coalitions, windows, networks and
 * ties are drawn from the seed; then all heals but what the budget f grants, and the rest must live.
 *
 * Up to f members are corrupted: each of the kinds that a budget is for, some of them together, for a while
 * or to the end. Of the others none is, but they crash and come back, are cut off from each other, deaf, late
 * or silent for a while, one after the other as they lead; reporters lie and are stuck. Links may lose,
 * double and reorder, and be slow before a stated instant. */
#ifndef TESTS_SWARM_H
#define TESTS_SWARM_H
#include "tests/lib/pbft_twins.h"
#include "tests/lib/run.h"

/* The scenario is a function of this and the seed. */
struct swarm {
    const char *model; /* pbft, or a broken twin of it */
    uint32_t n;        /* 0: 4, 7 or 10, drawn */
    bool liars;        /* f members that lie from the start to the end, and no other fault */
    uint32_t
        twins; /* so many members run twice, a partition that comes and goes divides the copies,
                          and nobody else is corrupted; 0: faults of all kinds */
};
/* Its text, valid until the next call. */
const char *swarm_scenario(const struct swarm *swarm, uint64_t seed);

/* What the faults of one kind did in a run. */
enum { SWARM_KINDS = 16 };
struct swarm_bites {
    uint64_t faults;         /* of that kind in the scenario */
    uint64_t opened, bitten; /* whose windows are long enough to bite; and of these, which did */
    uint64_t bites;          /* events and effects injected and suppressed */
};
struct swarm_outcome {
    bool conflict; /* agreement, or another property of the order, is broken: see `broken` */
    bool stuck;    /* an honest replica decides nothing in the end, or a transaction is late */
    bool changed;  /* a view was changed */
    int64_t height, snapshots;
    char broken[64]; /* name of the first check that is, or "" */
    struct swarm_bites kind[SWARM_KINDS];
    struct fl_digest digest;
};
struct swarm_outcome swarm_run(const struct swarm *swarm, uint64_t seed);
/* The same for as long as doubled timers may take to get past f corrupted primaries: minutes of simulated
 * time. Its kinds are not counted. */
struct swarm_outcome swarm_run_patiently(const struct swarm *swarm, uint64_t seed);
/* Names of the kinds: models of faults. */
extern const char *const swarm_kinds[SWARM_KINDS];

/* Many runs: what came of them, together. */
struct swarm_tally {
    uint32_t runs, conflicts, stuck, caught, changed, patient, present[SWARM_KINDS];
    int64_t snapshots;
    uint64_t first_caught; /* seed; 0: none */
    struct swarm_bites kind[SWARM_KINDS];
};
void swarm_count(struct swarm_tally *tally, const struct swarm_outcome *outcome, uint64_t seed);
void swarm_print(const struct swarm_tally *tally);

#endif
