/* Whole runs of PBFT: digest on, lognormal delays, one transaction a block, a crash linked in. */
#include "tests/lib/bench.h"
#include "tests/lib/run.h"

#include <inttypes.h>
#include <stdio.h>

/* About two million messages each. */
struct size {
    uint32_t n;
    const char *seconds;
};

enum { MESSAGES, DELIVERED, DECISIONS, TXS };

static struct fl_bench run(const void *what)
{
    const struct size *const size = what;
    const double start = fl_bench_now();
    struct fl_test_run r =
        fl_test_run(fl_bench_pbft(size->n, size->seconds, "summary"), NULL, 0, 1);
    const struct fl_bench m = {
        .seconds = fl_bench_now() - start,
        .count = {r.result->messages, r.result->delivered,
                  (uint64_t)fl_test_final(&r, "consensus.height"),
                  (uint64_t)fl_test_final(&r, "chain.txs")},
    };
    fl_test_run_free(&r);
    return m;
}

int main(void)
{
    static const struct size sizes[] = {{4, "9000"}, {16, "600"}, {64, "40"}, {256, "3"}};
    fl_bench_title("PBFT, set-up included", "build/tests/bench/bench_pbft");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct fl_bench m = fl_bench_median(run, &sizes[i]);
        printf("n = %3" PRIu32 "  %8" PRIu64 " delivered  %6.2f M messages/s  %8.3f ms a decision  "
               "%6.1f MiB  (%" PRIu64 " decisions, %" PRIu64 " transactions)\n",
               sizes[i].n, m.count[DELIVERED], (double)m.count[DELIVERED] / m.seconds / 1e6,
               1e3 * m.seconds / (double)m.count[DECISIONS], m.peak_mib, m.count[DECISIONS],
               m.count[TXS]);
    }
    return 0;
}
