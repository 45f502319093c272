/* sim/queue.h against an array sorted by (time, number of the push), and against a heap by the same key
 * where that array would take too long. */
#include "sim/queue.h"
#include "sim/law.h"
#include "sim/rng.h"
#include "tests/lib/heap4.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED UINT64_C(0x2385f1a7)

/* ------------------------------------------------------------------------------------------------
 * The slow twin: ascending, new entries after their equals
 * --------------------------------------------------------------------------------------------- */

struct twin {
    size_t head, count, room;
    struct fl_entry *at;
};

static void twin_push(struct twin *twin, struct fl_entry entry)
{
    if (twin->count == twin->room) {
        twin->room = 2 * twin->room + 64;
        twin->at = realloc(twin->at, twin->room * sizeof *twin->at);
        cr_assert(twin->at != NULL);
    }
    size_t i = twin->count++;
    for (; i > twin->head && twin->at[i - 1].at > entry.at; i--) twin->at[i] = twin->at[i - 1];
    twin->at[i] = entry;
}

static struct fl_entry twin_pop(struct twin *twin)
{
    return twin->at[twin->head++];
}

static size_t twin_size(const struct twin *twin)
{
    return twin->count - twin->head;
}

/* ------------------------------------------------------------------------------------------------
 * Both, side by side
 * --------------------------------------------------------------------------------------------- */

/* How far ahead of the clock the next entry is pushed. */
enum ahead { CONSTANT, COLLIDING, EXPONENTIAL, GRID, EVERY_SCALE, POWERS, MOSTLY_NOW, FAR, AHEADS };

struct pair {
    struct fl_queue queue;
    struct twin twin;
    enum ahead ahead;
    fl_time now; /* last popped */
    uint32_t pushes;
    uint64_t draws, owner;
};

static uint64_t draw(struct pair *pair)
{
    return fl_draw(SEED, FL_RNG_TIE, pair->owner, pair->draws++, 0);
}

static fl_time step_of(struct pair *pair)
{
    const uint64_t u = draw(pair);
    const struct fl_law exponential = {FL_EXPONENTIAL, 1000000, 0, 0, FL_FOREVER, NULL};
    switch (pair->ahead) {
    case CONSTANT:
        return 50 * FL_MILLISECOND;
    case COLLIDING:
        return (fl_time)(1 + u % 3);
    case EXPONENTIAL:
        return fl_law_at(&exponential, u);
    case GRID:
        return (fl_time)((u % 64 + 1) * 1000000) - pair->now % 1000000;
    case EVERY_SCALE:
        return (fl_time)(u >> (2 + u % 61));
    case POWERS:
        return (fl_time)(UINT64_C(1) << u % 40) - (fl_time)(u >> 63);
    case MOSTLY_NOW:
        return u % 4 ? 0 : (fl_time)(u % 7);
    case FAR:
        return u % 5 ? (fl_time)(u % 1000) : FL_FOREVER;
    case AHEADS:
        break;
    }
    return 0;
}

static void push_at(struct pair *pair, fl_time at)
{
    const struct fl_entry entry = {at, pair->pushes++, (uint32_t)draw(pair)};
    fl_queue_push(&pair->queue, entry);
    twin_push(&pair->twin, entry);
}

static void push(struct pair *pair)
{
    const fl_time step = step_of(pair);
    push_at(pair, step > FL_FOREVER - pair->now ? FL_FOREVER : pair->now + step);
}

static void look(struct pair *pair)
{
    const fl_time expected = twin_size(&pair->twin) ? pair->twin.at[pair->twin.head].at
                                                    : FL_FOREVER;
    const fl_time next = fl_queue_next(&pair->queue);
    cr_assert_eq(next, expected, "next %" PRId64 ", expected %" PRId64, next, expected);
}

static void pop(struct pair *pair)
{
    const struct fl_entry twin = twin_pop(&pair->twin), entry = fl_queue_pop(&pair->queue);
    cr_assert(entry.at == twin.at && entry.what == twin.what && entry.whom == twin.whom,
              "seed %" PRIu64 ", increments %d, owner %" PRIu64 ": popped (%" PRId64 ", %" PRIu32
              "), expected (%" PRId64 ", %" PRIu32 ")",
              SEED, (int)pair->ahead, pair->owner, entry.at, entry.what, twin.at, twin.what);
    cr_assert(entry.at >= pair->now);
    pair->now = entry.at;
}

static void drain(struct pair *pair)
{
    while (twin_size(&pair->twin)) {
        if (draw(pair) % 2) look(pair);
        pop(pair);
    }
    look(pair);
    cr_assert_eq(pair->queue.count, 0);
}

/* Someone asks for the next time; then earlier entries come. They go first. */
static void look_and_push_before(struct pair *pair)
{
    look(pair);
    if (!twin_size(&pair->twin)) return;
    const fl_time next = pair->twin.at[pair->twin.head].at;
    for (uint64_t i = draw(pair) % 3; i > 0; i--) {
        const uint64_t span = (uint64_t)(next - pair->now);
        push_at(pair, pair->now + (fl_time)(span ? draw(pair) % (span + 1) : 0));
        look(pair);
    }
}

static void open_pair(struct pair *pair, enum ahead ahead, uint64_t owner)
{
    *pair = (struct pair){.ahead = ahead, .owner = owner};
    fl_queue_init(&pair->queue);
    look(pair);
}

static void close_pair(struct pair *pair)
{
    drain(pair);
    fl_queue_free(&pair->queue);
    free(pair->twin.at);
}

/* Hold model (Jones 1986): pop one, push one, at a steady size. */
static void hold(enum ahead ahead, uint32_t size, uint32_t rounds, uint64_t owner)
{
    struct pair pair;
    open_pair(&pair, ahead, owner);
    for (uint32_t i = 0; i < size; i++) push(&pair);
    for (uint32_t i = 0; i < rounds; i++) {
        if (draw(&pair) % 8 == 0) look_and_push_before(&pair);
        pop(&pair);
        if (draw(&pair) % 4 == 0) look(&pair);
        if (twin_size(&pair.twin) < size) push(&pair);
    }
    close_pair(&pair);
}

/* Broadcasts: many of one instant at once, then some leave, now and then all. */
static void bursts(enum ahead ahead, uint32_t rounds, uint64_t owner)
{
    struct pair pair;
    open_pair(&pair, ahead, owner);
    for (uint32_t i = 0; i < rounds; i++) {
        const fl_time step = step_of(&pair);
        const fl_time at = step > FL_FOREVER - pair.now ? FL_FOREVER : pair.now + step;
        const uint64_t tied = draw(&pair) % 3;
        for (uint64_t n = draw(&pair) % 40; n > 0; n--) {
            if (tied)
                push_at(&pair, at);
            else
                push(&pair);
        }
        if (draw(&pair) % 4 == 0) look_and_push_before(&pair);
        for (uint64_t n = draw(&pair) % 40; n > 0 && twin_size(&pair.twin); n--) pop(&pair);
        if (draw(&pair) % 50 == 0) drain(&pair);
    }
    close_pair(&pair);
}

Test(queue, leaves_in_the_order_of_time_then_of_pushing)
{
    fprintf(stderr, "seed %" PRIu64 "\n", SEED);
    for (int ahead = 0; ahead < AHEADS; ahead++) {
        const uint64_t owner = (uint64_t)ahead * 100;
        hold((enum ahead)ahead, 1, 2000, owner);
        hold((enum ahead)ahead, 7, 5000, owner + 1);
        hold((enum ahead)ahead, 300, 20000, owner + 2);
        hold((enum ahead)ahead, 5000, 8000, owner + 3);
        for (uint64_t i = 0; i < 10; i++) bursts((enum ahead)ahead, 400, owner + 10 + i);
    }
}

/* Hold with many pending, of the laws that runs have, and of one that makes them collide. */
Test(queue, agrees_with_a_heap_at_every_size)
{
    const struct fl_law laws[] = {{FL_EXPONENTIAL, 50 * FL_MILLISECOND, 0, 0, INT64_MAX, NULL},
                                  {FL_LOGNORMAL, 50 * FL_MILLISECOND, 250000, 0, INT64_MAX, NULL},
                                  {FL_UNIFORM, 0, 200, 0, INT64_MAX, NULL}};
    for (size_t l = 0; l < sizeof laws / sizeof *laws; l++)
        for (uint32_t pending = 100; pending <= 300000; pending *= 10) {
            struct fl_queue queue;
            struct heap4 heap = {0};
            fl_queue_init(&queue);
            fl_time now = 0;
            for (uint32_t i = 0; i < 2 * pending + 50000; i++) {
                const uint64_t u = fl_draw(SEED, FL_RNG_TIE, 3000 + l, i, pending);
                const struct fl_entry in = {now + fl_law_at(&laws[l], u), i, 0};
                fl_queue_push(&queue, in);
                heap4_push(&heap, in);
                if (i < pending) continue;
                const struct fl_entry out = fl_queue_pop(&queue), want = heap4_pop(&heap);
                cr_assert(out.at == want.at && out.what == want.what,
                          "law %zu, %" PRIu32 " pending, step %" PRIu32, l, pending, i);
                now = out.at;
            }
            cr_assert_eq(queue.count, heap.count);
            heap4_free(&heap);
            fl_queue_free(&queue);
        }
}

/* Asked up to an instant it gives what is due then, and keeps the rest. */
Test(queue, gives_what_is_due)
{
    struct fl_queue queue;
    struct fl_entry e;
    fl_queue_init(&queue);
    cr_assert(!fl_queue_pop_until(&queue, FL_FOREVER, &e));
    fl_queue_push(&queue, (struct fl_entry){1000, 1, 0});
    cr_assert(!fl_queue_pop_until(&queue, 999, &e));
    cr_assert_eq(queue.count, 1);
    for (uint32_t i = 0; i < 1000; i++) /* earlier than what it has looked at, in falling order */
        fl_queue_push(&queue, (struct fl_entry){999 - i % 500, 2 + i, 0});
    for (fl_time at = 500; at <= 999; at++) {
        cr_assert(!fl_queue_pop_until(&queue, at - 1, &e));
        for (uint32_t twice = 0; twice < 2; twice++) {
            cr_assert(fl_queue_pop_until(&queue, at, &e));
            cr_assert_eq(e.at, at);
            cr_assert_eq(e.what, 2 + (uint32_t)(999 - at) + 500 * twice);
        }
    }
    cr_assert(fl_queue_pop_until(&queue, 1000, &e) && e.what == 1);
    cr_assert_eq(fl_queue_next(&queue), FL_FOREVER);
    fl_queue_free(&queue);
}

/* All at one instant, more of them while they leave: first in, first out. */
Test(queue, ties_leave_first_in_first_out)
{
    const fl_time instants[] = {0, 1, FL_SECOND, ((fl_time)1 << 62) + 5, FL_FOREVER};
    for (size_t i = 0; i < sizeof instants / sizeof *instants; i++) {
        struct pair pair;
        open_pair(&pair, CONSTANT, 1000 + i);
        for (int n = 0; n < 1000; n++) push_at(&pair, instants[i]);
        for (int n = 0; n < 500; n++) {
            pop(&pair);
            push_at(&pair, instants[i]);
        }
        close_pair(&pair);
    }
}

/* Asking changes nothing: not the order, and not what may still be pushed. */
Test(queue, asking_for_the_next_time_disturbs_nothing)
{
    struct pair pair;
    open_pair(&pair, CONSTANT, 2000);
    push_at(&pair, 1000);
    push_at(&pair, 2000);
    for (fl_time at = 999; at > 0; at -= 37) {
        look(&pair);
        push_at(&pair, at); /* ever earlier than what was promised */
        look(&pair);
        push_at(&pair, 1000);
    }
    push_at(&pair, 0);
    look(&pair);
    pop(&pair);
    push_at(&pair, pair.now); /* as early as allowed */
    look(&pair);
    close_pair(&pair);

    open_pair(&pair, CONSTANT, 2001); /* an empty one may be used again, from where it stands */
    push_at(&pair, FL_SECOND);
    pop(&pair);
    look(&pair);
    push_at(&pair, FL_SECOND + 1);
    push_at(&pair, FL_SECOND);
    close_pair(&pair);
}
