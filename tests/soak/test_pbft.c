/* PBFT, the long campaign: 20,000 seeds of random delays against the order statistics. FL_SEED sets the
 * first seed. Swarms are in tests/soak/test_swarm_pbft.c. */
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
