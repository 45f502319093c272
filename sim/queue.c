/* The event queue: see queue.h. */
#include "sim/queue.h"

#include "sim/alloc.h"

#include <stdlib.h>

void fl_queue_init(struct fl_queue *q)
{
    *q = (struct fl_queue){.last = 0};
}

void fl_queue_free(struct fl_queue *q)
{
    for (int b = 0; b < FL_QUEUE_BUCKETS; b++) free(q->bucket[b].entry);
}

static int bucket_of(const struct fl_queue *q, fl_time at)
{
    const uint64_t differs = (uint64_t)at ^ (uint64_t)q->last;
    return differs ? 64 - __builtin_clzll(differs) : 0;
}

static void append(struct fl_queue *q, struct fl_entry entry)
{
    const int b = bucket_of(q, entry.at);
    struct fl_queue_bucket *bucket = &q->bucket[b];
    if (bucket->count == bucket->room) {
        bucket->room = bucket->room ? 2 * bucket->room : 64;
        bucket->entry = fl_realloc(bucket->entry, bucket->room, sizeof *bucket->entry);
    }
    bucket->entry[bucket->count++] = entry;
    if (b) q->used |= (uint64_t)1 << (b - 1);
}

void fl_queue_push(struct fl_queue *q, struct fl_entry entry)
{
    FL_ASSERT(entry.at >= q->last);
    append(q, entry);
    q->count++;
}

/* The earliest bucket's minimum becomes `last`; its entries then all fall into lower buckets. */
static void refill(struct fl_queue *q)
{
    q->bucket[0].count = q->head = 0;
    const int b = 1 + __builtin_ctzll(q->used);
    struct fl_queue_bucket *from = &q->bucket[b];
    fl_time first = from->entry[0].at;
    for (size_t i = 1; i < from->count; i++)
        if (from->entry[i].at < first) first = from->entry[i].at;
    q->last = first;
    q->used &= ~((uint64_t)1 << (b - 1));
    for (size_t i = 0; i < from->count; i++) append(q, from->entry[i]);
    from->count = 0;
}

fl_time fl_queue_next(struct fl_queue *q)
{
    if (q->head < q->bucket[0].count) return q->last;
    /* Without moving `last`: callers may still push entries earlier than the next one. */
    if (!q->used) return FL_FOREVER;
    const struct fl_queue_bucket *bucket = &q->bucket[1 + __builtin_ctzll(q->used)];
    fl_time first = bucket->entry[0].at;
    for (size_t i = 1; i < bucket->count; i++)
        if (bucket->entry[i].at < first) first = bucket->entry[i].at;
    return first;
}

struct fl_entry fl_queue_pop(struct fl_queue *q)
{
    FL_ASSERT(q->count > 0);
    if (q->head == q->bucket[0].count) refill(q);
    q->count--;
    return q->bucket[0].entry[q->head++];
}
