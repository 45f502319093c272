/* The event queue: a radix heap (Ahuja, Mehlhorn, Orlin, Tarjan 1990).
 *
 * Entries leave in the order of time and, among equal times, in the order in which they were pushed;
 * no sequence number is stored, because every move keeps the order. It relies on time never going
 * back: an entry is never earlier than the last one popped. */
#ifndef FL_QUEUE_H
#define FL_QUEUE_H
#include "sim/base.h"

struct fl_entry {
    fl_time at;
    uint32_t what, whom; /* the world's own */
};
struct fl_queue_bucket {
    struct fl_entry *entry;
    size_t count, room;
};
enum { FL_QUEUE_BUCKETS = 65 };
/* Bucket 0 holds entries at `last`; bucket b > 0 those whose time first differs from it in bit
 * b - 1, counted from the least significant. */
struct fl_queue {
    fl_time last;
    size_t count;
    size_t head;   /* entries of bucket 0 before this are gone */
    uint64_t used; /* bit b - 1: bucket b is not empty */
    struct fl_queue_bucket bucket[FL_QUEUE_BUCKETS];
};

void fl_queue_init(struct fl_queue *queue);
void fl_queue_free(struct fl_queue *queue);
void fl_queue_push(struct fl_queue *queue, struct fl_entry entry); /* entry.at >= last popped */
/* Time of the next entry; FL_FOREVER if there is none. */
fl_time fl_queue_next(struct fl_queue *queue);
struct fl_entry fl_queue_pop(struct fl_queue *queue); /* not empty */

#endif
