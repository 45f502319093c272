/* Contents by number: see pool.h. */
#include "sim/pool.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { CHUNK = 1 << 20, ALIGNMENT = 16 };

void fl_pool_free(struct fl_pool *p)
{
    fl_arena_free(&p->arena);
    free(p->at);
    free(p->slot);
    *p = (struct fl_pool){0};
}

static struct fl_digest digest_of(const void *content, size_t bytes)
{
    const XXH128_hash_t h = XXH3_128bits(content, bytes);
    return (struct fl_digest){.lo = h.low64, .hi = h.high64};
}

/* Where the digest is, or would be. */
static uint32_t *slot_of(const struct fl_pool *p, struct fl_digest digest)
{
    uint32_t i = (uint32_t)digest.lo & (p->slots - 1);
    for (; p->slot[i]; i = (i + 1) & (p->slots - 1)) {
        const struct fl_digest *d = &p->at[p->slot[i] - 1].digest;
        if (d->lo == digest.lo && d->hi == digest.hi) break;
    }
    return &p->slot[i];
}

static void grow_slots(struct fl_pool *p)
{
    free(p->slot);
    p->slots = p->slots ? 2 * p->slots : 256;
    p->slot = fl_alloc(p->slots, sizeof *p->slot);
    for (uint32_t i = 0; i < p->count; i++) *slot_of(p, p->at[i].digest) = i + 1;
}

static void *copy_of(struct fl_pool *p, const void *content, size_t bytes)
{
    const size_t taken = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (taken > p->left) {
        p->left = taken > CHUNK ? taken : CHUNK;
        p->free = fl_arena_alloc(&p->arena, 1, p->left);
    }
    void *copy = p->free;
    if (bytes > 0) memcpy(copy, content, bytes);
    p->free += taken;
    p->left -= taken;
    return copy;
}

uint32_t fl_pool_find(const struct fl_pool *p, const void *content, size_t bytes)
{
    return p->slots ? *slot_of(p, digest_of(content, bytes)) : 0;
}

uint32_t fl_pool_put(struct fl_pool *p, const void *content, size_t bytes)
{
    FL_ASSERT(bytes <= UINT32_MAX && p->count < UINT32_MAX / 4);
    if (2 * (p->count + 1) > p->slots) grow_slots(p);
    const struct fl_digest digest = digest_of(content, bytes);
    uint32_t *slot = slot_of(p, digest);
    if (*slot) return *slot;
    p->at = fl_grow(p->at, p->count, &p->room, sizeof *p->at);
    p->at[p->count] = (struct fl_pooled){digest, copy_of(p, content, bytes), (uint32_t)bytes};
    p->bytes += bytes;
    return *slot = ++p->count;
}
