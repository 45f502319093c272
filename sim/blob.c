/* Immutable content, interned by digest: see blob.h. */
#include "sim/blob.h"

#include "sim/alloc.h"

#include <stdlib.h>
#include <string.h>

#define FREE_SLOT UINT32_MAX
enum { CLASS_MIN = 6, CLASSES = 32 };

struct slot {
    struct fl_digest digest;
    unsigned char *data; /* NULL: the slot is free */
    uint64_t epoch;
    uint64_t *charge; /* of its creator, if that has a quota */
    uint32_t bytes, references;
    bool retained;       /* has its entry in the heap of those that wait for their epoch */
    uint32_t generation; /* of the id that is valid, or will be next */
    uint32_t next;       /* in its hash chain, or among free slots */
};

struct retained { /* not referred to, waiting for its epoch to pass */
    uint64_t epoch;
    fl_blob blob;
};

struct fl_blobs {
    struct slot *slot;
    uint32_t slots, room, free_slot;
    uint32_t *bucket;          /* first slot by digest; as many as room */
    struct retained *retained; /* binary heap by epoch; at most one entry for each living blob */
    size_t retained_count, retained_room;
    uint64_t keep_from;
    bool keep_all;
    size_t bytes;
    void *spare[CLASSES]; /* freed data by power of two, linked through its first word */
};

struct fl_blobs *fl_blobs_new(void)
{
    struct fl_blobs *b = fl_alloc(1, sizeof *b);
    b->room = 64;
    b->slot = fl_alloc(b->room, sizeof *b->slot);
    b->bucket = fl_alloc(b->room, sizeof *b->bucket);
    for (uint32_t i = 0; i < b->room; i++) b->bucket[i] = FREE_SLOT;
    b->free_slot = FREE_SLOT;
    b->keep_from = UINT64_MAX;
    return b;
}

void fl_blobs_free(struct fl_blobs *b)
{
    if (!b) return;
    for (uint32_t i = 0; i < b->slots; i++) free(b->slot[i].data);
    for (int c = 0; c < CLASSES; c++)
        for (void *p = b->spare[c], *next; p; p = next) {
            memcpy(&next, p, sizeof next);
            free(p);
        }
    free(b->slot);
    free(b->bucket);
    free(b->retained);
    free(b);
}

/* --- data, in powers of two so that a long run does not fragment --------------------------------- */

static int class_of(uint32_t bytes)
{
    return bytes <= 1u << CLASS_MIN ? CLASS_MIN : 32 - __builtin_clz(bytes - 1);
}

static unsigned char *data_take(struct fl_blobs *b, uint32_t bytes)
{
    const int c = class_of(bytes);
    void *p = b->spare[c];
    if (!p) return fl_alloc(1, (size_t)1 << c);
    memcpy(&b->spare[c], p, sizeof p);
    return p;
}

static void data_give(struct fl_blobs *b, unsigned char *data, uint32_t bytes)
{
    const int c = class_of(bytes);
    memcpy(data, &b->spare[c], sizeof(void *));
    b->spare[c] = data;
}

/* --- slots and the index by digest ---------------------------------------------------------------- */

static uint32_t *chain_of(struct fl_blobs *b, struct fl_digest digest)
{
    return &b->bucket[digest.lo & (b->room - 1)];
}

static void grow_slots(struct fl_blobs *b)
{
    b->slot = fl_realloc(b->slot, 2 * (size_t)b->room, sizeof *b->slot);
    memset(b->slot + b->room, 0, b->room * sizeof *b->slot);
    b->room *= 2;
    b->bucket = fl_realloc(b->bucket, b->room, sizeof *b->bucket);
    for (uint32_t i = 0; i < b->room; i++) b->bucket[i] = FREE_SLOT;
    for (uint32_t i = 0; i < b->slots; i++) { /* all slots are taken when this is called */
        uint32_t *first = chain_of(b, b->slot[i].digest);
        b->slot[i].next = *first;
        *first = i;
    }
}

static uint32_t slot_take(struct fl_blobs *b)
{
    if (b->free_slot != FREE_SLOT) {
        const uint32_t i = b->free_slot;
        b->free_slot = b->slot[i].next;
        return i;
    }
    if (b->slots == b->room) grow_slots(b);
    return b->slots++;
}

static struct slot *slot_of(const struct fl_blobs *b, fl_blob blob)
{
    const uint32_t i = (uint32_t)blob.i - 1;
    if (blob.i == 0 || i >= b->slots) return NULL;
    struct slot *s = &b->slot[i];
    return s->data && s->generation == (uint32_t)(blob.i >> 32) ? s : NULL;
}

static void slot_free(struct fl_blobs *b, struct slot *s)
{
    const uint32_t i = (uint32_t)(s - b->slot);
    uint32_t *link = chain_of(b, s->digest);
    while (*link != i) link = &b->slot[*link].next;
    *link = s->next;
    data_give(b, s->data, s->bytes);
    b->bytes -= s->bytes;
    if (s->charge) *s->charge -= s->bytes;
    s->data = NULL;
    s->generation = (s->generation + 1) & INT32_MAX; /* the top bit of an id stays free */
    s->next = b->free_slot;
    b->free_slot = i;
}

static bool may_go(const struct fl_blobs *b, const struct slot *s)
{
    return !b->keep_all && s->references == 0 && (s->epoch == 0 || s->epoch < b->keep_from);
}

/* --- blobs that wait for their epoch --------------------------------------------------------------- */

static void retain(struct fl_blobs *b, struct slot *s, fl_blob blob)
{
    const struct retained r = {s->epoch, blob};
    if (s->retained) return;
    s->retained = true;
    if (b->retained_count == b->retained_room) {
        b->retained_room = b->retained_room ? 2 * b->retained_room : 256;
        b->retained = fl_realloc(b->retained, b->retained_room, sizeof *b->retained);
    }
    size_t i = b->retained_count++;
    for (; i > 0 && r.epoch < b->retained[(i - 1) / 2].epoch; i = (i - 1) / 2)
        b->retained[i] = b->retained[(i - 1) / 2];
    b->retained[i] = r;
}

static struct retained retained_pop(struct fl_blobs *b)
{
    const struct retained top = b->retained[0], last = b->retained[--b->retained_count];
    size_t i = 0;
    for (size_t c; (c = 2 * i + 1) < b->retained_count; i = c) {
        if (c + 1 < b->retained_count && b->retained[c + 1].epoch < b->retained[c].epoch) c++;
        if (b->retained[c].epoch >= last.epoch) break;
        b->retained[i] = b->retained[c];
    }
    b->retained[i] = last;
    return top;
}

void fl_blobs_keep_from(struct fl_blobs *b, uint64_t epoch)
{
    b->keep_from = epoch;
    while (b->retained_count > 0 && b->retained[0].epoch < epoch) {
        const fl_blob blob = retained_pop(b).blob;
        struct slot *s = slot_of(b, blob);
        s->retained = false;
        if (may_go(b, s))
            slot_free(b, s);
        else if (s->epoch >= epoch) /* found again since, with a later epoch */
            retain(b, s, blob);
    }
}

void fl_blobs_keep_all(struct fl_blobs *b)
{
    b->keep_all = true;
}

/* --- what the engine calls -------------------------------------------------------------------------- */

fl_blob fl_blobs_intern(struct fl_blobs *b, const void *content, uint32_t bytes,
                        struct fl_digest digest, uint64_t epoch, uint64_t *charge)
{
    for (uint32_t i = *chain_of(b, digest); i != FREE_SLOT; i = b->slot[i].next) {
        struct slot *s = &b->slot[i];
        if (s->digest.lo != digest.lo || s->digest.hi != digest.hi || s->bytes != bytes) continue;
        s->references++;
        if (epoch > s->epoch) s->epoch = epoch;
        return (fl_blob){(uint64_t)s->generation << 32 | (i + 1)};
    }
    if (charge && *charge + bytes > FL_BLOB_QUOTA) return FL_NO_BLOB;
    if (charge) *charge += bytes;
    const uint32_t i = slot_take(b);
    struct slot *s = &b->slot[i];
    s->charge = charge;
    s->digest = digest;
    s->data = data_take(b, bytes);
    memcpy(s->data, content, bytes);
    s->bytes = bytes;
    s->epoch = epoch;
    s->references = 1;
    uint32_t *first = chain_of(b, digest);
    s->next = *first;
    *first = i;
    b->bytes += bytes;
    return (fl_blob){(uint64_t)s->generation << 32 | (i + 1)};
}

void fl_blobs_hold(struct fl_blobs *b, fl_blob blob, uint32_t references)
{
    struct slot *s = slot_of(b, blob);
    if (s) s->references += references;
}

void fl_blobs_release(struct fl_blobs *b, fl_blob blob)
{
    struct slot *s = slot_of(b, blob);
    if (!s) return;
    FL_ASSERT(s->references > 0);
    if (--s->references > 0) return;
    if (may_go(b, s))
        slot_free(b, s);
    else
        retain(b, s, blob);
}

const void *fl_blobs_data(const struct fl_blobs *b, fl_blob blob, uint32_t *bytes)
{
    const struct slot *s = slot_of(b, blob);
    if (!s) return NULL;
    *bytes = s->bytes;
    return s->data;
}

struct fl_digest fl_blobs_digest(const struct fl_blobs *b, fl_blob blob)
{
    const struct slot *s = slot_of(b, blob);
    return s ? s->digest : (struct fl_digest){0, 0};
}

size_t fl_blobs_bytes(const struct fl_blobs *b)
{
    return b->bytes;
}
