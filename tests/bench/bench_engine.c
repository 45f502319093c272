/* How fast the engine is: the queue under the hold model, a broadcast protocol, the flagship. Medians
 * of five runs, wall clock; run it on a quiet machine. Nothing here passes or fails. */
#include "sim/queue.h"
#include "sim/rng.h"
#include "tests/lib/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REPEATS = 5 };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double (*once)(const void *), const void *what)
{
    double t[REPEATS];
    for (int i = 0; i < REPEATS; i++) t[i] = once(what);
    qsort(t, REPEATS, sizeof *t, ascending);
    return t[REPEATS / 2];
}

/* --- hold: pop one, push one later, at a constant number of pending entries ------------------------- */

enum { STEPS = 65536, HOLDS = 4000000 };
static fl_time step[STEPS];

static double hold(const void *pending)
{
    const size_t count = *(const size_t *)pending;
    struct fl_queue q;
    fl_queue_init(&q);
    for (size_t i = 0; i < count; i++) fl_queue_push(&q, (struct fl_entry){step[i % STEPS], 0, 0});
    const double start = seconds();
    for (size_t i = 0; i < HOLDS; i++) {
        struct fl_entry e = fl_queue_pop(&q);
        e.at += step[i % STEPS];
        fl_queue_push(&q, e);
    }
    const double t = seconds() - start;
    fl_queue_free(&q);
    return t / HOLDS;
}

static void bench_hold(const char *name, struct fl_law law)
{
    for (size_t i = 0; i < STEPS; i++) step[i] = fl_law_at(&law, fl_draw(1, FL_RNG_TIE, 0, i, 0));
    printf("hold, %-12s", name);
    for (size_t count = 100; count <= 1000000; count *= 10)
        printf("  %7zu: %5.1f ns", count, 1e9 * median(hold, &count));
    putchar('\n');
}

/* --- whole runs --------------------------------------------------------------------------------------- */

static uint64_t events, messages;

static double run_text(const void *text)
{
    const double start = seconds();
    struct fl_test_run r = fl_test_run(text, NULL, 0, 1);
    const double t = seconds() - start;
    events = r.result->events;
    messages = r.result->messages;
    fl_test_run_free(&r);
    return t;
}

static double run_file(const void *path)
{
    const double start = seconds();
    struct fl_test_run r = fl_test_run_file(path, NULL, 0, 1);
    const double t = seconds() - start;
    events = r.result->events;
    messages = r.result->messages;
    fl_test_run_free(&r);
    return t;
}

static void say(const char *name, double t)
{
    printf("%-38s %8.3f s  %9" PRIu64 " events  %6.2f M events/s  %9" PRIu64 " messages\n", name, t,
           events, (double)events / t / 1e6, messages);
}

int main(void)
{
    bench_hold("exponential",
               (struct fl_law){FL_EXPONENTIAL, 50 * FL_MILLISECOND, 0, 0, INT64_MAX, NULL});
    bench_hold("lognormal",
               (struct fl_law){FL_LOGNORMAL, 50 * FL_MILLISECOND, 250000, 0, INT64_MAX, NULL});
    static char bracha[512];
    snprintf(
        bracha, sizeof bracha,
        "{\"name\": \"bracha\", \"duration_s\": 10, \"network\": {\"delay_ms\": {\"law\": "
        "\"lognormal\", "
        "\"median\": 50, \"sigma\": 0.25}}, \"nodes\": {\"v\": {\"count\": 64, \"faulty_max\": 21, "
        "\"consensus\": \"bracha\"}}}");
    say("bracha, 64 nodes, lognormal, set-up too", median(run_text, bracha));
    say("flagship, 36 hours", median(run_file, "scenarios/eth-crash-2020-03-12.json"));
    return 0;
}
