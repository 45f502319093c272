/* Durable facts: a growing array, and an open-addressing index from semantic key to newest id. */
#include "sim/record.h"

#include "sim/alloc.h"

#include <stdlib.h>
#include <xxhash.h>

/* With the hash beside the id, a search reads no record but the one it finds. */
struct slot {
    uint32_t id; /* 0: free */
    uint32_t hash;
};

struct fl_records {
    struct fl_record *at; /* at[id - 1] */
    uint32_t count, room;
    struct slot *slot; /* a power of two of them, at most half full */
    uint32_t slots, keys;
};

struct fl_records *fl_records_new(void)
{
    struct fl_records *r = fl_alloc(1, sizeof *r);
    r->room = 64;
    r->at = fl_alloc(r->room, sizeof *r->at);
    r->slots = 256;
    r->slot = fl_alloc(r->slots, sizeof *r->slot);
    return r;
}

void fl_records_free(struct fl_records *r)
{
    if (!r) return;
    free(r->at);
    free(r->slot);
    free(r);
}

static bool same_key(const struct fl_record *a, uint16_t kind, int64_t key0, int64_t key1)
{
    return a->kind == kind && a->v[0] == key0 && a->v[1] == key1;
}

static uint32_t hash_of(uint16_t kind, int64_t key0, int64_t key1)
{
    const int64_t key[3] = {kind, key0, key1};
    return (uint32_t)XXH3_64bits(key, sizeof key);
}

static struct slot *find_slot(const struct fl_records *r, uint16_t kind, int64_t key0, int64_t key1,
                              uint32_t hash)
{
    const uint32_t mask = r->slots - 1;
    uint32_t i = hash & mask;
    while (r->slot[i].id != 0 &&
           (r->slot[i].hash != hash || !same_key(&r->at[r->slot[i].id - 1], kind, key0, key1)))
        i = (i + 1) & mask;
    return &r->slot[i];
}

static void index_newest(struct fl_records *r, uint32_t id)
{
    const struct fl_record *at = &r->at[id - 1];
    const uint32_t hash = hash_of(at->kind, at->v[0], at->v[1]);
    struct slot *slot = find_slot(r, at->kind, at->v[0], at->v[1], hash);
    if (slot->id == 0) r->keys++;
    *slot = (struct slot){id, hash};
}

static void grow_index(struct fl_records *r)
{
    struct slot *old = r->slot;
    const uint32_t old_slots = r->slots;
    r->slots *= 2;
    r->slot = fl_alloc(r->slots, sizeof *r->slot);
    const uint32_t mask = r->slots - 1;
    for (uint32_t i = 0; i < old_slots; i++) {
        if (old[i].id == 0) continue;
        uint32_t k = old[i].hash & mask;
        while (r->slot[k].id != 0) k = (k + 1) & mask; /* no key is there twice */
        r->slot[k] = old[i];
    }
    free(old);
}

uint32_t fl_records_add(struct fl_records *r, const struct fl_record *record)
{
    FL_ASSERT(record->kind > 0 && record->parent <= r->count && r->count < UINT32_MAX / 2);
    if (r->count == r->room) {
        r->room *= 2;
        r->at = fl_realloc(r->at, r->room, sizeof *r->at);
    }
    if (2 * r->keys >= r->slots) grow_index(r);
    r->at[r->count++] = *record;
    if (record->kind < FL_RECORD_UNNAMED) index_newest(r, r->count);
    return r->count;
}

uint32_t fl_records_count(const struct fl_records *r)
{
    return r->count;
}

const struct fl_record *fl_records_get(const struct fl_records *r, uint32_t id)
{
    FL_ASSERT(id > 0 && id <= r->count);
    return &r->at[id - 1];
}

uint32_t fl_records_find(const struct fl_records *r, uint16_t kind, int64_t key0, int64_t key1)
{
    FL_ASSERT(kind < FL_RECORD_UNNAMED);
    return find_slot(r, kind, key0, key1, hash_of(kind, key0, key1))->id;
}
