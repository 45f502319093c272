/* A 4-ary heap: see heap4.h. */
#include "tests/lib/heap4.h"

#include "sim/alloc.h"

#include <stdlib.h>

enum { WAYS = 4 };

static bool before(const struct heap4_node *a, const struct heap4_node *b)
{
    return a->entry.at != b->entry.at ? a->entry.at < b->entry.at : a->pushed < b->pushed;
}

void heap4_push(struct heap4 *h, struct fl_entry entry)
{
    const struct heap4_node node = {entry, h->pushes++};
    if (h->count == h->room) {
        h->room = h->room ? 2 * h->room : 64;
        h->at = fl_realloc(h->at, h->room, sizeof *h->at);
    }
    size_t i = h->count++;
    for (; i > 0 && before(&node, &h->at[(i - 1) / WAYS]); i = (i - 1) / WAYS)
        h->at[i] = h->at[(i - 1) / WAYS];
    h->at[i] = node;
}

struct fl_entry heap4_pop(struct heap4 *h)
{
    FL_ASSERT(h->count > 0);
    const struct heap4_node top = h->at[0], last = h->at[--h->count];
    size_t i = 0;
    for (size_t first; (first = WAYS * i + 1) < h->count;) {
        size_t least = first;
        for (size_t c = first + 1; c < first + WAYS && c < h->count; c++)
            if (before(&h->at[c], &h->at[least])) least = c;
        if (!before(&h->at[least], &last)) break;
        h->at[i] = h->at[least];
        i = least;
    }
    h->at[i] = last;
    return top.entry;
}

void heap4_free(struct heap4 *h)
{
    free(h->at);
    *h = (struct heap4){0};
}
