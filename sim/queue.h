/* The event queue: a radix heap (Ahuja, Mehlhorn, Orlin, Tarjan 1990) with digits of six bits, whose
 * front is a short sorted run.
 *
 * Entries leave in the order of time and, among equal times, in the order in which they were pushed;
 * no sequence number is stored, because every move keeps the order. It relies on time never going
 * back: an entry is never earlier than the last one popped.
 *
 * An entry moves at most once for each digit in which it differs from the front, and seldom more than
 * twice: a bucket that holds few is sorted whole. */
#ifndef FL_QUEUE_H
#define FL_QUEUE_H
#include "sim/base.h"

struct fl_entry {
    fl_time at;
    uint32_t what, whom; /* the world's own */
};

enum { FL_QUEUE_DIGIT_BITS = 6, FL_QUEUE_DIGITS = 1 << FL_QUEUE_DIGIT_BITS, FL_QUEUE_LEVELS = 11 };

struct fl_queue_chunk; /* a few entries of one bucket, in the order of pushing */
struct fl_queue_bucket {
    uint32_t first, last; /* chunks; 0 is the last one of an empty bucket */
};
/* All entries before `limit` are in the run, in order. Bucket d of level k holds those that differ
 * from `base` in digit k, where they have d, and agree with it in all higher digits. Levels and, in
 * each, digits are in the order of time. */
struct fl_queue {
    fl_time last; /* popped */
    size_t count;
    uint64_t base, limit;
    struct fl_entry *run;
    size_t head, end, room;         /* of the run: what waits is run[head .. end - 1] */
    uint32_t used_levels;           /* bit k: used[k] is not 0 */
    uint64_t used[FL_QUEUE_LEVELS]; /* bit d: bucket d is not empty */
    struct fl_queue_bucket bucket[FL_QUEUE_LEVELS][FL_QUEUE_DIGITS];
    struct fl_queue_chunk *chunk;
    uint32_t chunk_count, chunk_room, chunk_free;
};

void fl_queue_init(struct fl_queue *queue);
void fl_queue_free(struct fl_queue *queue);
void fl_queue_push(struct fl_queue *queue, struct fl_entry entry); /* entry.at >= last popped */
/* Time of the next entry; FL_FOREVER if there is none. */
fl_time fl_queue_next(const struct fl_queue *queue);
struct fl_entry fl_queue_pop(struct fl_queue *queue); /* not empty */
/* Pops the next entry if there is one not later than `until`. */
bool fl_queue_pop_until(struct fl_queue *queue, fl_time until, struct fl_entry *entry);

#endif
