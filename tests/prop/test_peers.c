/* The workloads that are timed beside other simulators are what they are said to be. */
#include "tests/lib/peers.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Mean latency of one decision as the peer's authors' program has it, measured there: ms. */
struct known {
    uint32_t n, runs;
    double ms;
};
static const struct known known[] = {{4, 2000, 734}, {16, 400, 793}, {32, 150, 793},
                                     {64, 50, 803},  {128, 12, 799}, {256, 3, 804}};

Test(peers, one_decision_takes_the_time_and_the_messages_it_should)
{
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        const uint32_t n = known[k].n;
        double sum = 0;
        uint32_t fewer = 0;
        for (uint64_t seed = 1; seed <= known[k].runs; seed++) {
            const struct one_shot look = one_shot_look(n, seed);
            sum += (double)look.stop / 1e6;
            if (look.messages == one_shot_messages(n)) continue;
            /* Somebody decided by a DECIDE, which happens at n = 4 only: no CHECKPOINT then. */
            cr_assert(n == 4 && look.messages < one_shot_messages(n),
                      "n = %" PRIu32 ", seed %" PRIu64 ": %" PRIu64 " messages", n, seed,
                      look.messages);
            fewer++;
        }
        const double mean = sum / known[k].runs;
        fprintf(stderr, "n = %" PRIu32 ": %.1f ms, %" PRIu32 " of %" PRIu32 " runs with fewer\n", n,
                mean, fewer, known[k].runs);
        cr_assert(mean > 0.99 * known[k].ms && mean < 1.01 * known[k].ms, "n = %" PRIu32, n);
        /* The peer: 44.98 to 45 messages at n = 4, three fewer without a CHECKPOINT. */
        cr_assert_leq(3.0 * fewer, 0.02 * known[k].runs);
    }
}

Test(peers, one_decision_sends_45_to_218025_messages)
{
    const uint64_t sent[] = {45, 825, 3379, 13545, 54483, 218025};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        cr_assert_eq(one_shot_messages(known[k].n), sent[k]);
}

Test(peers, everybody_hears_everybody)
{
    struct fl_test_run run = flood_run(16, 30, 1);
    cr_assert_eq(run.result->delivered, 16 * 16 * 30);
    cr_assert_eq(run.result->messages, run.result->delivered);
    fl_test_run_free(&run);
}

/* A line of events is a renewal process with gaps 1 + Exp(1), of mean 2 and variance 1: by time t it has
 * moved t / 2 + (1 - 4) / 8 times in the mean, with variance t / 8 (Cox, "Renewal Theory", 1962, 4.1
 * and 4.2, for large t). */
Test(peers, phold_keeps_its_pace)
{
    enum { LINES = 20000, SECONDS = 40 };
    struct fl_test_run run = phold_run(LINES, SECONDS, 1);
    const double expected = LINES * (SECONDS / 2.0 - 0.375),
                 deviation = sqrt(LINES * SECONDS / 8.0);
    const double off = ((double)run.result->delivered - expected) / deviation;
    fprintf(stderr, "phold, seed 1: %" PRIu64 " events, %.2f deviations off\n",
            run.result->delivered, off);
    cr_assert(off > -4 && off < 4);
    cr_assert_eq(run.result->messages, run.result->delivered + LINES); /* each line goes on */
    fl_test_run_free(&run);
}
