/* Measurements in processes of their own, and their medians: see bench.h. */
#include "tests/lib/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

double fl_bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void fl_bench_title(const char *what, const char *command)
{
    printf("\n%s; median of %d (%s)\n", what, FL_BENCH_REPEATS, command);
}

static void give_up(const char *why)
{
    fprintf(stderr, "bench: %s\n", why);
    exit(EXIT_FAILURE);
}

/* Linux counts the largest resident set in KiB. */
static double peak_mib(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0) give_up("getrusage failed");
    return (double)u.ru_maxrss / 1024;
}

static struct fl_bench in_a_child(struct fl_bench (*measure)(const void *), const void *what)
{
    int end[2];
    struct fl_bench m;
    fflush(NULL);
    if (pipe(end) != 0) give_up("no pipe");
    const pid_t child = fork();
    if (child < 0) give_up("no child");
    if (child == 0) {
        m = measure(what);
        m.peak_mib = peak_mib();
        _exit(write(end[1], &m, sizeof m) == (ssize_t)sizeof m ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(end[1]);
    const ssize_t got = read(end[0], &m, sizeof m);
    close(end[0]);
    int status;
    if (waitpid(child, &status, 0) != child || status != 0 || got != (ssize_t)sizeof m)
        give_up("a measurement ended early");
    return m;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, FL_BENCH_REPEATS, sizeof *values, ascending);
    return values[FL_BENCH_REPEATS / 2];
}

struct fl_bench fl_bench_median(struct fl_bench (*measure)(const void *), const void *what)
{
    struct fl_bench first = {0};
    double seconds[FL_BENCH_REPEATS], peak[FL_BENCH_REPEATS];
    for (int i = 0; i < FL_BENCH_REPEATS; i++) {
        const struct fl_bench m = in_a_child(measure, what);
        if (i == 0) first = m;
        if (memcmp(m.count, first.count, sizeof m.count) != 0) give_up("two runs differ");
        seconds[i] = m.seconds;
        peak[i] = m.peak_mib;
    }
    first.seconds = median(seconds);
    first.peak_mib = median(peak);
    return first;
}

const char *fl_bench_pbft(uint32_t n, const char *seconds, const char *detail)
{
    static char text[2048];
    const double end = strtod(seconds, NULL);
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
        " \"checks\": {\"agreement\": \"agreement\"}, \"trace\": {\"detail\": \"%s\"}}",
        seconds, n, (n - 1) / 3, seconds, n - 1, 0.99 * end, seconds, detail);
    return text;
}
