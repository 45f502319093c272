/* The obvious event queue, which sim/queue.h must agree with: a 4-ary heap of (time, number of the
 * push). */
#ifndef TESTS_HEAP4_H
#define TESTS_HEAP4_H
#include "sim/queue.h"

struct heap4_node {
    struct fl_entry entry;
    uint64_t pushed;
};
struct heap4 {
    struct heap4_node *at;
    size_t count, room;
    uint64_t pushes;
};

void heap4_push(struct heap4 *heap, struct fl_entry entry); /* a zeroed heap is empty */
struct fl_entry heap4_pop(struct heap4 *heap);              /* not empty */
void heap4_free(struct heap4 *heap);

#endif
