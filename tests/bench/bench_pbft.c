/* Whole runs of PBFT: digest on, lognormal delays, one transaction a block, a crash linked in. */
#include "tests/lib/bench.h"
#include "tests/lib/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* About two million messages each. */
struct size {
    uint32_t n;
    const char *seconds;
};

enum { MESSAGES, DELIVERED, DECISIONS, TXS };

/* A reporter hands in a transaction each 100 ms, faster than blocks come; a block takes one. The last
 * member is down for the last hundredth of the run. */
static const char *scenario(const struct size *s)
{
    static char text[2048];
    const double seconds = strtod(s->seconds, NULL);
    snprintf(
        text, sizeof text,
        "{\"name\": \"pbft\", \"duration_s\": %s,"
        " \"network\": {\"delay_ms\": {\"law\": \"lognormal\", \"median\": 50, \"sigma\": 0.25}},"
        " \"contracts\": {\"feed\": {\"model\": \"feed\", \"reporters\": [\"r\"]}},"
        " \"nodes\": {"
        " \"v\": {\"count\": %" PRIu32 ", \"faulty_max\": %" PRIu32 ","
        "  \"consensus\": {\"model\": \"pbft\", \"block_ms\": 0, \"timeout_ms\": 10000,"
        "   \"history\": 32},"
        "  \"chain\": {\"model\": \"replica\", \"block_txs\": 1, \"mempool_txs\": 64}},"
        " \"m\": {\"source\": {\"model\": \"replay\", \"points_usd\": [[0, 200], [%s, 180]],"
        "   \"volatility\": 0.0003, \"tick_ms\": 100},"
        "  \"market\": {\"model\": \"spot\", \"depth\": 200000, \"subscribers\": [\"r\"]}},"
        " \"r\": {\"clients_of\": \"v\", \"oracle\": {\"model\": \"reporter\", \"contract\": "
        "\"feed\","
        "  \"deviation\": 0, \"resubmit_ms\": 86400000}}},"
        " \"faults\": {\"crash\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [%" PRIu32
        "],"
        "  \"from_s\": %.3f, \"to_s\": %s}},"
        " \"checks\": {\"agreement\": \"agreement\"}, \"trace\": {\"detail\": \"summary\"}}",
        s->seconds, s->n, (s->n - 1) / 3, s->seconds, s->n - 1, 0.99 * seconds, s->seconds);
    return text;
}

static struct fl_bench run(const void *what)
{
    const double start = fl_bench_now();
    struct fl_test_run r = fl_test_run(scenario(what), NULL, 0, 1);
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
