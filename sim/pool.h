/* Contents by number: the same bytes get the same number, 1, 2, 3, ... in the order of their first
 * coming. Contents are told apart by 128 bits of XXH3: with N of them two are confused with a
 * probability below N^2 / 2^129 (10^-24 for 10^7). */
#ifndef FL_POOL_H
#define FL_POOL_H
#include "sim/alloc.h"

struct fl_pooled {
    struct fl_digest digest;
    const void *data;
    uint32_t bytes;
};
/* Starts zeroed. */
struct fl_pool {
    struct fl_arena arena;
    unsigned char *free; /* rest of the newest chunk */
    size_t left;
    size_t bytes;         /* of all contents */
    struct fl_pooled *at; /* at[number - 1] */
    uint32_t count, room;
    uint32_t *slot; /* numbers by digest; 0 is free. Power of two, at most half full. */
    uint32_t slots;
};

void fl_pool_free(struct fl_pool *pool);
/* Number of that content; 0 if it never came. */
uint32_t fl_pool_find(const struct fl_pool *pool, const void *content, size_t bytes);
/* Takes a copy if it is new: then the answer is the new pool->count. */
uint32_t fl_pool_put(struct fl_pool *pool, const void *content, size_t bytes);
/* Aligned for anything, and stays where it is until the pool is freed. */
static inline const void *fl_pool_get(const struct fl_pool *pool, uint32_t number, uint32_t *bytes)
{
    FL_ASSERT(number > 0 && number <= pool->count);
    *bytes = pool->at[number - 1].bytes;
    return pool->at[number - 1].data;
}

#endif
