/* The transactions that wait in a replica, in its flat state: at most `capacity` of them, and the names
 * of as many that were applied last, so that a late copy is not taken for new.
 *
 * They go into blocks in the order of their arrival, or, by fee, in that of what they pay beyond the base
 * fee, the earlier first among equals; those that do not cover it wait. A full pool refuses what comes,
 * or, by fee, drops whichever pays least, the later among equals: that may be what comes.
 *
 * Costs: to add, drop or replace one takes O(log n); a block of k, and a new base fee, O(n + k log n). */
#ifndef FL_CHAIN_MEMPOOL_H
#define FL_CHAIN_MEMPOOL_H
#include "sim/model.h"

/* A transaction that waits. Lists are linked by slot + 1, 0 is the end. */
struct fl_pooled {
    struct fl_tx tx;
    uint32_t before, after; /* in order of arrival, or `after` in the list of free slots */
    uint64_t forwarded;     /* 1 + highest copy forwarded to the peers, 0 if never */
    uint64_t arrival;       /* number of it */
    fl_time arrived;
    uint32_t at, zero; /* place in the heap */
};

/* Followed by pooled[capacity], the keys, the index over them, the heap and the ranking (mempool.c). */
struct fl_mempool {
    uint32_t capacity, by_fee;
    uint32_t count;
    uint32_t first, last, free; /* slots + 1 */
    uint32_t applied_next;      /* position in the ring of applied keys */
    uint32_t ranked;            /* transactions that fl_mempool_next has still to give */
    int64_t base_fee;           /* of the next block */
    uint64_t arrivals;
    uint64_t dropped; /* because the pool was full */
};

size_t fl_mempool_bytes(uint32_t capacity);
/* `pool` is zeroed. */
void fl_mempool_init(struct fl_mempool *pool, uint32_t capacity, bool by_fee);

/* What is known by this name: 0 nothing, up to `capacity` the slot + 1 where it waits, above: applied. */
uint32_t fl_mempool_find(const struct fl_mempool *pool, uint32_t account, uint64_t nonce);
struct fl_pooled *fl_mempool_at(struct fl_mempool *pool, uint32_t slot);

/* Adds a transaction whose name is unknown: its slot + 1; 0 if it is refused. */
uint32_t fl_mempool_add(struct fl_mempool *pool, const struct fl_tx *tx, fl_time now);
/* May `tx` take the place of `old`, of the same name? Both fees must be higher, and by at least this
 * share (geth: core/txpool, price bump). */
bool fl_mempool_outbids(const struct fl_tx *old, const struct fl_tx *tx, int64_t bump_ppm);
/* It does; as if it came now, but what was forwarded stays so. */
void fl_mempool_replace(struct fl_mempool *pool, uint32_t slot, const struct fl_tx *tx,
                        fl_time now);
/* It is in a decided block: it waits no longer, and its name is remembered for a while. */
void fl_mempool_apply(struct fl_mempool *pool, const struct fl_tx *tx);
/* Drops what came at `limit` or before; how many those were. */
uint32_t fl_mempool_expire(struct fl_mempool *pool, fl_time limit);
/* By fee only. */
void fl_mempool_set_base_fee(struct fl_mempool *pool, int64_t base_fee);

/* How many may go into the next block; fl_mempool_next then gives them one by one, slot + 1, the first
 * first. They stay where they are; meanwhile nothing may be done to the pool but to drop what it gave. */
uint32_t fl_mempool_rank(struct fl_mempool *pool);
uint32_t fl_mempool_next(struct fl_mempool *pool);
void fl_mempool_drop(struct fl_mempool *pool, uint32_t slot);

#endif
