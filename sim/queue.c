/* The event queue: see queue.h. */
#include "sim/queue.h"

#include "sim/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_ENTRIES = 31, /* what fills one chunk is sorted rather than split */
    RUN_MAX = 256,      /* a longer run is split when something must go into its middle */
    NO_CHUNK = 0        /* always full: the last chunk of an empty bucket */
};

struct fl_queue_chunk {
    uint32_t next, count;
    _Alignas(sizeof(struct fl_entry)) struct fl_entry entry[CHUNK_ENTRIES];
};

static_assert(FL_QUEUE_LEVELS * FL_QUEUE_DIGIT_BITS >= 63, "digits enough for every time");

void fl_queue_init(struct fl_queue *q)
{
    memset(q, 0, sizeof *q);
    q->chunk_room = 16;
    q->chunk = fl_alloc(q->chunk_room, sizeof *q->chunk);
    q->chunk[NO_CHUNK].count = CHUNK_ENTRIES;
    q->chunk_count = NO_CHUNK + 1;
}

void fl_queue_free(struct fl_queue *q)
{
    free(q->run);
    free(q->chunk);
}

/* --- buckets ------------------------------------------------------------------------------------- */

static uint32_t chunk_take(struct fl_queue *q)
{
    uint32_t i = q->chunk_free;
    if (i != NO_CHUNK) {
        q->chunk_free = q->chunk[i].next;
    } else {
        if (q->chunk_count == q->chunk_room) {
            q->chunk_room *= 2;
            q->chunk = fl_realloc(q->chunk, q->chunk_room, sizeof *q->chunk);
        }
        i = q->chunk_count++;
    }
    q->chunk[i].next = NO_CHUNK;
    q->chunk[i].count = 0;
    return i;
}

static void into_fresh_chunk(struct fl_queue *q, uint32_t level, uint32_t digit,
                             struct fl_entry entry)
{
    const uint32_t fresh = chunk_take(q);
    struct fl_queue_bucket *bucket = &q->bucket[level][digit];
    if (bucket->last == NO_CHUNK) {
        q->used[level] |= (uint64_t)1 << digit;
        q->used_levels |= 1u << level;
        bucket->first = fresh;
    } else {
        q->chunk[bucket->last].next = fresh;
    }
    bucket->last = fresh;
    q->chunk[fresh].entry[q->chunk[fresh].count++] = entry;
}

static inline void into_bucket(struct fl_queue *q, struct fl_entry entry)
{
    const uint64_t differs = ((uint64_t)entry.at ^ q->base) | 1;
    const uint32_t level = (uint32_t)(63 - __builtin_clzll(differs)) / FL_QUEUE_DIGIT_BITS;
    const uint32_t digit = (uint64_t)entry.at >> level * FL_QUEUE_DIGIT_BITS &
                           (FL_QUEUE_DIGITS - 1);
    struct fl_queue_chunk *chunk = &q->chunk[q->bucket[level][digit].last];
    if (chunk->count < CHUNK_ENTRIES)
        chunk->entry[chunk->count++] = entry;
    else
        into_fresh_chunk(q, level, digit, entry);
}

/* --- the run ------------------------------------------------------------------------------------- */

static void make_room(struct fl_queue *q, size_t more)
{
    if (q->end + more <= q->room) return;
    if (q->head > q->room / 2 && q->end - q->head + more <= q->room) {
        memmove(q->run, q->run + q->head, (q->end - q->head) * sizeof *q->run);
        q->end -= q->head;
        q->head = 0;
        return;
    }
    q->room = q->room ? 2 * q->room : 64;
    q->run = fl_realloc(q->run, q->room, sizeof *q->run);
}

/* After its equals; what stands before `head` is gone. */
static inline void place(struct fl_entry *run, size_t head, size_t end, struct fl_entry entry)
{
    for (; end > head && run[end - 1].at > entry.at; end--) run[end] = run[end - 1];
    run[end] = entry;
}

static void into_run(struct fl_queue *q, const struct fl_entry *entry, size_t count)
{
    make_room(q, count);
    for (size_t i = 0; i < count; i++) place(q->run, q->head, q->end++, entry[i]);
}

/* All but the earliest instant of a run that has become long goes to the buckets. None of theirs is
 * on the levels below the one that the run came from, nor do they differ from `base` above that. */
static void split_run(struct fl_queue *q)
{
    if (q->run[q->head].at > (fl_time)q->base) q->base = (uint64_t)q->run[q->head].at;
    size_t keep = q->head;
    while (keep < q->end && (uint64_t)q->run[keep].at <= q->base) keep++;
    q->limit = q->base + 1;
    for (size_t i = keep; i < q->end; i++) into_bucket(q, q->run[i]);
    q->end = keep;
}

/* The earliest bucket becomes the run if it is short, else its entries go to lower levels. */
static void open_bucket(struct fl_queue *q)
{
    const uint32_t level = (uint32_t)__builtin_ctz(q->used_levels);
    const uint32_t digit = (uint32_t)__builtin_ctzll(q->used[level]);
    const uint32_t shift = level * FL_QUEUE_DIGIT_BITS;
    q->used[level] &= q->used[level] - 1;
    if (!q->used[level]) q->used_levels &= q->used_levels - 1;

    const struct fl_queue_bucket bucket = q->bucket[level][digit];
    q->bucket[level][digit].last = NO_CHUNK;
    const uint64_t width = (uint64_t)1 << shift;
    const uint64_t above = q->base >> shift >> FL_QUEUE_DIGIT_BITS << FL_QUEUE_DIGIT_BITS;
    q->base = (above | digit) << shift;
    const bool sorted = level == 0 || bucket.first == bucket.last;
    q->limit = sorted ? q->base + width : q->base;
    for (uint32_t i = bucket.first, next; i != NO_CHUNK; i = next) {
        if (sorted)
            into_run(q, q->chunk[i].entry, q->chunk[i].count);
        else
            for (uint32_t k = 0; k < q->chunk[i].count; k++) into_bucket(q, q->chunk[i].entry[k]);
        next = q->chunk[i].next;
        q->chunk[i].next = q->chunk_free;
        q->chunk_free = i;
    }
}

/* --- the whole ----------------------------------------------------------------------------------- */

void fl_queue_push(struct fl_queue *q, struct fl_entry entry)
{
    FL_ASSERT(entry.at >= q->last);
    q->count++;
    if ((uint64_t)entry.at >= q->limit) {
        into_bucket(q, entry);
        return;
    }
    into_run(q, &entry, 1);
    if (q->end - q->head > RUN_MAX && q->run[q->end - 1].at != entry.at) split_run(q);
}

/* Without opening a bucket: callers may still push entries earlier than the next one. */
fl_time fl_queue_next(const struct fl_queue *q)
{
    if (q->head < q->end) return q->run[q->head].at;
    if (!q->used_levels) return FL_FOREVER;
    const uint32_t level = (uint32_t)__builtin_ctz(q->used_levels);
    const uint32_t digit = (uint32_t)__builtin_ctzll(q->used[level]);
    fl_time first = FL_FOREVER;
    for (uint32_t i = q->bucket[level][digit].first; i != NO_CHUNK; i = q->chunk[i].next)
        for (uint32_t k = 0; k < q->chunk[i].count; k++)
            if (q->chunk[i].entry[k].at < first) first = q->chunk[i].entry[k].at;
    return first;
}

bool fl_queue_pop_until(struct fl_queue *q, fl_time until, struct fl_entry *entry)
{
    if (q->head == q->end) {
        if (q->count == 0) return false;
        q->head = q->end = 0;
        while (q->end == 0) open_bucket(q);
    }
    if (q->run[q->head].at > until) return false;
    *entry = q->run[q->head++];
    q->last = entry->at;
    q->count--;
    return true;
}

struct fl_entry fl_queue_pop(struct fl_queue *q)
{
    struct fl_entry entry;
    FL_ASSERT(q->count > 0);
    fl_queue_pop_until(q, FL_FOREVER, &entry);
    return entry;
}
