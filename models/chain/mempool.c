/* The transactions that wait in a replica: a list by arrival, an index by name, and, by fee, a heap
 * with the cheapest on top. */
#include "models/chain/mempool.h"

#include <string.h>

/* Name of a transaction. The first `capacity` keys belong to the slots, as many more to the newest
 * transactions that were applied. */
struct key {
    uint64_t nonce;
    uint32_t account, zero;
};

/* A power of two, at most half full with 2 * capacity keys. */
static uint32_t index_slots(uint32_t capacity)
{
    uint32_t slots = 4;
    while (slots < 4 * capacity) slots *= 2;
    return slots;
}

static struct fl_pooled *slots_of(const struct fl_mempool *pool)
{
    return (void *)(pool + 1);
}

static struct key *keys_of(const struct fl_mempool *pool)
{
    return (void *)(slots_of(pool) + pool->capacity);
}

/* Open addressing over keys: 0 empty, else position of the key + 1. */
static uint32_t *index_of(const struct fl_mempool *pool)
{
    return (void *)(keys_of(pool) + 2 * (size_t)pool->capacity);
}

/* Slots + 1; only by fee. */
static uint32_t *heap_of(const struct fl_mempool *pool)
{
    return index_of(pool) + index_slots(pool->capacity);
}

/* Slots + 1 of those that may go into the next block, a heap with the best on top; only by fee. */
static uint32_t *ranking_of(const struct fl_mempool *pool)
{
    return heap_of(pool) + pool->capacity;
}

/* --- index of known transactions --------------------------------------------------------------- */

static uint32_t home_of(const struct fl_mempool *pool, const struct key *key)
{
    /* Fibonacci hashing (Knuth 6.4): accounts and nonces are small and close together. */
    const uint64_t mixed = (key->nonce ^ (uint64_t)key->account << 40) *
                           UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 32) & (index_slots(pool->capacity) - 1);
}

/* Where the key is, or the empty place where it would go. */
static uint32_t index_find(const struct fl_mempool *pool, const struct key *key)
{
    const uint32_t mask = index_slots(pool->capacity) - 1;
    const uint32_t *const index = index_of(pool);
    const struct key *const keys = keys_of(pool);
    uint32_t i = home_of(pool, key);
    while (index[i] != 0) {
        const struct key *const k = &keys[index[i] - 1];
        if (k->nonce == key->nonce && k->account == key->account) return i;
        i = (i + 1) & mask;
    }
    return i;
}

/* Position of the key + 1; 0 if it is unknown. */
static uint32_t index_get(const struct fl_mempool *pool, const struct key *key)
{
    return index_of(pool)[index_find(pool, key)];
}

static void index_put(struct fl_mempool *pool, uint32_t position, const struct key *key)
{
    struct key *const k = &keys_of(pool)[position];
    k->nonce = key->nonce;
    k->account = key->account;
    index_of(pool)[index_find(pool, key)] = position + 1;
}

/* Deletion in open addressing without tombstones (Knuth 6.4, algorithm R). */
static void index_remove(struct fl_mempool *pool, uint32_t position)
{
    const uint32_t mask = index_slots(pool->capacity) - 1;
    uint32_t *const index = index_of(pool);
    const struct key *const keys = keys_of(pool);
    uint32_t hole = index_find(pool, &keys[position]);
    FL_ASSERT(index[hole] == position + 1);
    for (uint32_t i = (hole + 1) & mask; index[i] != 0; i = (i + 1) & mask) {
        const uint32_t home = home_of(pool, &keys[index[i] - 1]);
        if (((i - home) & mask) < ((i - hole) & mask)) continue;
        index[hole] = index[i];
        hole = i;
    }
    index[hole] = 0;
}

/* --- order by fee ------------------------------------------------------------------------------- */

/* Negative for those that do not cover the base fee. */
static int64_t worth(const struct fl_mempool *pool, uint32_t slot)
{
    return fl_effective_tip(&slots_of(pool)[slot - 1].tx, pool->base_fee);
}

/* A total order: no two arrivals have one number. */
static bool cheaper(const struct fl_mempool *pool, uint32_t a, uint32_t b)
{
    const int64_t worth_a = worth(pool, a), worth_b = worth(pool, b);
    if (worth_a != worth_b) return worth_a < worth_b;
    return slots_of(pool)[a - 1].arrival > slots_of(pool)[b - 1].arrival;
}

static void heap_set(struct fl_mempool *pool, uint32_t at, uint32_t slot)
{
    heap_of(pool)[at] = slot;
    slots_of(pool)[slot - 1].at = at;
}

static void heap_up(struct fl_mempool *pool, uint32_t at)
{
    const uint32_t slot = heap_of(pool)[at];
    for (; at > 0; at = (at - 1) / 2) {
        const uint32_t parent = heap_of(pool)[(at - 1) / 2];
        if (!cheaper(pool, slot, parent)) break;
        heap_set(pool, at, parent);
    }
    heap_set(pool, at, slot);
}

static void heap_down(struct fl_mempool *pool, uint32_t at)
{
    const uint32_t slot = heap_of(pool)[at];
    for (uint32_t child; (child = 2 * at + 1) < pool->count; at = child) {
        const uint32_t *const heap = heap_of(pool);
        if (child + 1 < pool->count && cheaper(pool, heap[child + 1], heap[child])) child++;
        if (!cheaper(pool, heap[child], slot)) break;
        heap_set(pool, at, heap[child]);
    }
    heap_set(pool, at, slot);
}

/* The slot's worth has changed, or it was moved. */
static void heap_mend(struct fl_mempool *pool, uint32_t at)
{
    heap_up(pool, at);
    heap_down(pool, at);
}

static void rank_down(const struct fl_mempool *pool, uint32_t at)
{
    uint32_t *const best = ranking_of(pool);
    const uint32_t slot = best[at];
    for (uint32_t child; (child = 2 * at + 1) < pool->ranked; at = child) {
        if (child + 1 < pool->ranked && cheaper(pool, best[child], best[child + 1])) child++;
        if (!cheaper(pool, slot, best[child])) break;
        best[at] = best[child];
    }
    best[at] = slot;
}

/* --- the pool ----------------------------------------------------------------------------------- */

size_t fl_mempool_bytes(uint32_t capacity)
{
    const size_t slots = capacity;
    return sizeof(struct fl_mempool) +
           slots * (sizeof(struct fl_pooled) + 2 * sizeof(struct key) + 2 * sizeof(uint32_t)) +
           index_slots(capacity) * sizeof(uint32_t);
}

void fl_mempool_init(struct fl_mempool *pool, uint32_t capacity, bool by_fee)
{
    pool->capacity = capacity;
    pool->by_fee = by_fee;
    for (uint32_t slot = capacity; slot > 0; slot--) {
        slots_of(pool)[slot - 1].after = pool->free;
        pool->free = slot;
    }
}

struct fl_pooled *fl_mempool_at(struct fl_mempool *pool, uint32_t slot)
{
    return &slots_of(pool)[slot - 1];
}

static struct key key_of(uint32_t account, uint64_t nonce)
{
    return (struct key){.nonce = nonce, .account = account};
}

uint32_t fl_mempool_find(const struct fl_mempool *pool, uint32_t account, uint64_t nonce)
{
    const struct key key = key_of(account, nonce);
    return index_get(pool, &key);
}

/* The newest of the list. */
static void list_append(struct fl_mempool *pool, uint32_t slot, fl_time now)
{
    struct fl_pooled *const all = slots_of(pool), *const p = &all[slot - 1];
    p->arrival = ++pool->arrivals;
    p->arrived = now;
    p->before = pool->last;
    p->after = 0;
    *(pool->last != 0 ? &all[pool->last - 1].after : &pool->first) = slot;
    pool->last = slot;
}

static void list_remove(struct fl_mempool *pool, uint32_t slot)
{
    struct fl_pooled *const all = slots_of(pool), *const p = &all[slot - 1];
    *(p->before != 0 ? &all[p->before - 1].after : &pool->first) = p->after;
    *(p->after != 0 ? &all[p->after - 1].before : &pool->last) = p->before;
}

static void heap_remove(struct fl_mempool *pool, uint32_t at)
{
    const uint32_t moved = heap_of(pool)[--pool->count];
    if (at == pool->count) return;
    heap_set(pool, at, moved);
    heap_mend(pool, at);
}

static void remove_slot(struct fl_mempool *pool, uint32_t slot)
{
    struct fl_pooled *const p = fl_mempool_at(pool, slot);
    index_remove(pool, slot - 1);
    list_remove(pool, slot);
    if (pool->by_fee)
        heap_remove(pool, p->at);
    else
        pool->count--;
    memset(p, 0, sizeof *p);
    p->after = pool->free;
    pool->free = slot;
}

/* Makes room for what is worth more than the cheapest that waits; among equals the earlier stays. */
static bool make_room(struct fl_mempool *pool, const struct fl_tx *tx)
{
    if (pool->free != 0) return true;
    pool->dropped++;
    if (!pool->by_fee) return false;
    const uint32_t cheapest = heap_of(pool)[0];
    if (fl_effective_tip(tx, pool->base_fee) <= worth(pool, cheapest)) return false;
    remove_slot(pool, cheapest);
    return true;
}

uint32_t fl_mempool_add(struct fl_mempool *pool, const struct fl_tx *tx, fl_time now)
{
    if (!make_room(pool, tx)) return 0;
    const uint32_t slot = pool->free;
    struct fl_pooled *const p = fl_mempool_at(pool, slot);
    pool->free = p->after;
    memcpy(&p->tx, tx, sizeof *tx);
    p->forwarded = 0;
    list_append(pool, slot, now);
    const uint32_t at = pool->count++;
    if (pool->by_fee) {
        heap_set(pool, at, slot);
        heap_up(pool, at);
    }
    const struct key key = key_of(tx->account, tx->nonce);
    index_put(pool, slot - 1, &key);
    return slot;
}

static bool raised(int64_t from, int64_t to, int64_t bump_ppm)
{
    const int64_t one = 1000000;
    return to > from && (fl_i128)to * one >= (fl_i128)from * (one + bump_ppm);
}

bool fl_mempool_outbids(const struct fl_tx *old, const struct fl_tx *tx, int64_t bump_ppm)
{
    return raised(old->fee_cap, tx->fee_cap, bump_ppm) && raised(old->tip, tx->tip, bump_ppm);
}

void fl_mempool_replace(struct fl_mempool *pool, uint32_t slot, const struct fl_tx *tx, fl_time now)
{
    struct fl_pooled *const p = fl_mempool_at(pool, slot);
    FL_ASSERT(p->tx.account == tx->account && p->tx.nonce == tx->nonce);
    memcpy(&p->tx, tx, sizeof *tx);
    list_remove(pool, slot);
    list_append(pool, slot, now);
    if (pool->by_fee) heap_mend(pool, p->at);
}

void fl_mempool_apply(struct fl_mempool *pool, const struct fl_tx *tx)
{
    const struct key key = key_of(tx->account, tx->nonce);
    const uint32_t known = index_get(pool, &key);
    if (known > pool->capacity) return; /* twice in decided blocks: the second is invalid */
    if (known != 0) remove_slot(pool, known);

    const uint32_t position = pool->capacity + pool->applied_next;
    const struct key *const oldest = &keys_of(pool)[position];
    if (index_get(pool, oldest) == position + 1) index_remove(pool, position);
    index_put(pool, position, &key);
    pool->applied_next = (pool->applied_next + 1) % pool->capacity;
}

uint32_t fl_mempool_expire(struct fl_mempool *pool, fl_time limit)
{
    uint32_t expired = 0;
    for (; pool->first != 0 && fl_mempool_at(pool, pool->first)->arrived <= limit; expired++)
        remove_slot(pool, pool->first);
    return expired;
}

void fl_mempool_set_base_fee(struct fl_mempool *pool, int64_t base_fee)
{
    FL_ASSERT(pool->by_fee);
    if (base_fee == pool->base_fee) return;
    pool->base_fee = base_fee;
    for (uint32_t at = pool->count / 2; at-- > 0;) heap_down(pool, at); /* Floyd's heap */
}

uint32_t fl_mempool_rank(struct fl_mempool *pool)
{
    pool->ranked = 0;
    if (!pool->by_fee) {
        ranking_of(pool)[0] = pool->first;
        return pool->ranked = pool->count;
    }
    for (uint32_t i = 0; i < pool->count; i++) {
        const uint32_t slot = heap_of(pool)[i];
        if (worth(pool, slot) >= 0) ranking_of(pool)[pool->ranked++] = slot;
    }
    for (uint32_t at = pool->ranked / 2; at-- > 0;) rank_down(pool, at);
    return pool->ranked;
}

uint32_t fl_mempool_next(struct fl_mempool *pool)
{
    FL_ASSERT(pool->ranked > 0);
    uint32_t *const best = ranking_of(pool);
    const uint32_t slot = best[0];
    pool->ranked--;
    if (!pool->by_fee) {
        best[0] = fl_mempool_at(pool, slot)->after;
    } else if (pool->ranked > 0) {
        best[0] = best[pool->ranked];
        rank_down(pool, 0);
    }
    return slot;
}

void fl_mempool_drop(struct fl_mempool *pool, uint32_t slot)
{
    remove_slot(pool, slot);
}
