/* PBFT, the long campaigns: 20,000 seeds of random delays against the order statistics, thousands of
 * swarm runs, broken twins. FL_SEED sets the first seed. */
#include "tests/lib/pbft_runs.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t first_seed(void)
{
    const char *const seed = getenv("FL_SEED");
    return seed ? strtoull(seed, NULL, 0) : 1;
}

/* theory/pbft_random_delay.json, within 0.3 %. */
Test(pbft_soak, random_delays_are_order_statistics, .timeout = 7200)
{
    enum { SEEDS = 20000 };
    for (uint32_t crashed = 0; crashed <= 5; crashed++) {
        double eleventh = 0, mean = 0, last = 0;
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            const struct pbft_latency l = pbft_random_delay(crashed, first_seed() + seed);
            eleventh += l.eleventh / SEEDS;
            mean += l.mean / SEEDS;
            last += l.last / SEEDS;
        }
        printf("%u crashed: 11th %.2f ms (theory %.1f, %+.3f %%), mean %.2f, last %.2f\n", crashed,
               eleventh, pbft_theory_ms[crashed], 100 * (eleventh / pbft_theory_ms[crashed] - 1),
               mean, last);
        cr_expect_lt(fabs(eleventh / pbft_theory_ms[crashed] - 1), 0.003, "%u crashed", crashed);
    }
}

static void swarm(enum pbft_kind kind, const char *name, uint32_t seeds)
{
    uint32_t changed = 0, bitten = 0;
    printf("%s: seeds from %" PRIu64 " (FL_SEED)\n", name, first_seed());
    for (uint64_t seed = first_seed(); seed < first_seed() + seeds; seed++) {
        const struct pbft_outcome o = pbft_run("pbft", kind, seed);
        cr_assert(!o.conflict && !o.stuck, "seed %" PRIu64 ": %s\n%s", seed,
                  o.conflict ? "agreement is broken" : "a replica is stuck",
                  pbft_scenario("pbft", kind, seed));
        changed += o.changed;
        bitten += o.bites > 0;
    }
    printf("%s: %u runs, view changes in %u, faults bit in %u\n", name, seeds, changed, bitten);
    cr_expect_geq(2 * changed, seeds);
}

Test(pbft_soak, agreement_and_liveness_within_the_budget, .timeout = 7200)
{
    swarm(PBFT_SWARM, "swarm", 2000);
}

Test(pbft_soak, agreement_and_liveness_at_5_of_16, .timeout = 7200)
{
    swarm(PBFT_LARGE, "5 of 16", 2000);
}

Test(pbft_soak, agreement_and_liveness_with_snapshots, .timeout = 7200)
{
    swarm(PBFT_FORGETFUL, "short history", 2000);
}

Test(pbft_soak, agreement_and_liveness_among_liars, .timeout = 7200)
{
    swarm(PBFT_LIARS, "liars", 2000);
}

Test(pbft_soak, broken_twins_are_caught, .timeout = 7200)
{
    enum { SEEDS = 1000 };
    for (const struct pbft_twin *twin = pbft_twins; twin->model; twin++) {
        uint32_t conflicts = 0, caught = 0;
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            const struct pbft_outcome o = pbft_run(twin->model, PBFT_LIARS, first_seed() + seed);
            conflicts += o.conflict;
            caught += o.conflict || o.stuck;
        }
        printf("%-20s caught in %u of %d runs, %u by a check (%s)\n", twin->model, caught, SEEDS,
               conflicts, twin->fault);
        cr_expect_geq(20 * caught, SEEDS, "%s", twin->model);
    }
}
