/* Workloads on which other simulators were measured (tests/lib/peers.h), as they are run there: one
 * decision of PBFT, everybody to everybody, PHOLD. Set-up, from the text on, is included. */
#include "tests/lib/bench.h"
#include "tests/lib/peers.h"

#include <inttypes.h>
#include <stdio.h>

/* --- one decision, many times ------------------------------------------------------------------------ */

enum { RUNS_MAX = 400 };
struct decisions {
    uint32_t n, runs;
    fl_time stop[RUNS_MAX]; /* by seed - 1 */
};
enum { MESSAGES };

static struct fl_bench decide(const void *what)
{
    const struct decisions *const d = what;
    const double start = fl_bench_now();
    struct fl_bench m = {0};
    for (uint32_t i = 0; i < d->runs; i++) {
        struct fl_test_run run = one_shot_run(d->n, d->stop[i], i + 1);
        m.count[MESSAGES] += run.result->messages;
        fl_test_run_free(&run);
    }
    m.seconds = fl_bench_now() - start;
    return m;
}

static void bench_decisions(void)
{
    static struct decisions sizes[] = {{.n = 4, .runs = 400},  {.n = 16, .runs = 200},
                                       {.n = 32, .runs = 100}, {.n = 64, .runs = 40},
                                       {.n = 128, .runs = 20}, {.n = 256, .runs = 5}};
    fl_bench_title("One decision of PBFT, then stop (W1)", "build/tests/bench/bench_peers");
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        struct decisions *const d = &sizes[k];
        fl_time latency = 0;
        for (uint32_t i = 0; i < d->runs; i++)
            latency += d->stop[i] = one_shot_look(d->n, i + 1).stop;
        const struct fl_bench m = fl_bench_median(decide, d);
        printf("n = %3" PRIu32 "  %9.3f ms a decision  %6.2f M messages/s  %6.1f MiB  (%" PRIu32
               " decisions, %" PRIu64 " messages, mean latency %.1f ms)\n",
               d->n, 1e3 * m.seconds / d->runs, (double)m.count[MESSAGES] / m.seconds / 1e6,
               m.peak_mib, d->runs, m.count[MESSAGES], (double)latency / d->runs / 1e6);
    }
}

/* --- everybody to everybody ----------------------------------------------------------------------------- */

static struct fl_bench flood(const void *what)
{
    (void)what;
    const double start = fl_bench_now();
    struct fl_test_run run = flood_run(128, 600, 1);
    const struct fl_bench m = {.seconds = fl_bench_now() - start, .count = {run.result->delivered}};
    fl_test_run_free(&run);
    return m;
}

/* --- PHOLD ---------------------------------------------------------------------------------------------- */

struct hold {
    uint32_t processes, seconds;
};

static struct fl_bench phold(const void *what)
{
    const struct hold *const h = what;
    const double start = fl_bench_now();
    struct fl_test_run run = phold_run(h->processes, h->seconds, 1);
    const struct fl_bench m = {.seconds = fl_bench_now() - start, .count = {run.result->delivered}};
    fl_test_run_free(&run);
    return m;
}

int main(void)
{
    bench_decisions();
    fl_bench_title("128 nodes, each to all 600 times (W4)", "build/tests/bench/bench_peers");
    const struct fl_bench m = fl_bench_median(flood, NULL);
    printf("%" PRIu64 " deliveries  %6.2f M/s  %6.1f MiB\n", m.count[0],
           (double)m.count[0] / m.seconds / 1e6, m.peak_mib);
    static const struct hold holds[] = {{1000, 4000}, {10000, 400}, {100000, 40}, {1000000, 8}};
    fl_bench_title("PHOLD", "build/tests/bench/bench_peers");
    for (size_t i = 0; i < sizeof holds / sizeof *holds; i++) {
        const struct fl_bench p = fl_bench_median(phold, &holds[i]);
        printf("%7" PRIu32 " processes  %8" PRIu64 " events  %6.2f M/s  %6.1f MiB\n",
               holds[i].processes, p.count[0], (double)p.count[0] / p.seconds / 1e6, p.peak_mib);
    }
    return 0;
}
