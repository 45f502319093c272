/* The event queue under the hold model (Jones 1986): pop one, push one later, at a constant number of
 * pending entries. Beside it the 4-ary heap of the tests; both must pop the same in the same order. */
#include "sim/law.h"
#include "sim/rng.h"
#include "tests/lib/bench.h"
#include "tests/lib/heap4.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 65536, HOLDS = 2000000 };
static fl_time step[STEPS];

struct hold {
    size_t pending;
};
enum { ORDER };

static uint64_t mix(uint64_t order, struct fl_entry e)
{
    return (order ^ (uint64_t)e.at ^ (uint64_t)e.what << 40) * UINT64_C(0x9E3779B97F4A7C15);
}

/* Entries carry the number of their first push, so that the order of ties is seen. The first round
 * brings the increments into their steady state. */
static struct fl_bench hold_queue(const void *what)
{
    const struct hold *const h = what;
    struct fl_bench m = {0};
    struct fl_queue q;
    double start = 0;
    fl_queue_init(&q);
    for (size_t i = 0; i < h->pending; i++)
        fl_queue_push(&q, (struct fl_entry){step[i % STEPS], (uint32_t)i, 0});
    for (size_t i = 0; i < h->pending + HOLDS; i++) {
        if (i == h->pending) start = fl_bench_now();
        struct fl_entry e = fl_queue_pop(&q);
        m.count[ORDER] = mix(m.count[ORDER], e);
        e.at += step[i % STEPS];
        fl_queue_push(&q, e);
    }
    m.seconds = fl_bench_now() - start;
    fl_queue_free(&q);
    return m;
}

static struct fl_bench hold_heap(const void *what)
{
    const struct hold *const h = what;
    struct fl_bench m = {0};
    struct heap4 q = {0};
    double start = 0;
    for (size_t i = 0; i < h->pending; i++)
        heap4_push(&q, (struct fl_entry){step[i % STEPS], (uint32_t)i, 0});
    for (size_t i = 0; i < h->pending + HOLDS; i++) {
        if (i == h->pending) start = fl_bench_now();
        struct fl_entry e = heap4_pop(&q);
        m.count[ORDER] = mix(m.count[ORDER], e);
        e.at += step[i % STEPS];
        heap4_push(&q, e);
    }
    m.seconds = fl_bench_now() - start;
    heap4_free(&q);
    return m;
}

static void bench(const char *name, struct fl_law law)
{
    for (size_t i = 0; i < STEPS; i++) step[i] = fl_law_at(&law, fl_draw(1, FL_RNG_TIE, 0, i, 0));
    for (struct hold h = {100}; h.pending <= 1000000; h.pending *= 10) {
        const struct fl_bench queue = fl_bench_median(hold_queue, &h);
        const struct fl_bench heap = fl_bench_median(hold_heap, &h);
        if (queue.count[ORDER] != heap.count[ORDER]) {
            fprintf(stderr, "bench: queue and heap pop in different orders\n");
            exit(EXIT_FAILURE);
        }
        printf("%-12s  %7zu pending  %5.1f ns a hold  (4-ary heap %5.1f ns, same order)\n", name,
               h.pending, 1e9 * queue.seconds / HOLDS, 1e9 * heap.seconds / HOLDS);
    }
}

int main(void)
{
    const fl_time mean = 50 * FL_MILLISECOND;
    fl_bench_title("Hold", "build/tests/bench/bench_queue");
    bench("exponential", (struct fl_law){FL_EXPONENTIAL, mean, 0, 0, INT64_MAX, NULL});
    bench("lognormal", (struct fl_law){FL_LOGNORMAL, mean, 250000, 0, INT64_MAX, NULL});
    return 0;
}
