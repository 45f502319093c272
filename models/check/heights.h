/* What checks of an order keep: something about each of the last few thousand heights. */
#ifndef FL_CHECK_HEIGHTS_H
#define FL_CHECK_HEIGHTS_H
#include "models/wire.h"

#include <string.h>

enum { FL_HEIGHTS = 4096 };

/* Place of height `number` in a ring of `count` structs of `bytes` each, which begin with their height
 * as a uint64_t, 0 if empty. What stands there of a lower height is forgotten: zeroes. NULL if it is no
 * height, or is no longer kept; the latter is counted in *late. */
static inline void *fl_height_at(void *ring, uint32_t count, size_t bytes, int64_t number,
                                 int64_t *late)
{
    if (number <= 0) return NULL;
    unsigned char *const place = (unsigned char *)ring + (uint64_t)number % count * bytes;
    uint64_t height;
    memcpy(&height, place, sizeof height);
    if (height > (uint64_t)number) {
        ++*late;
        return NULL;
    }
    if (height < (uint64_t)number) {
        height = (uint64_t)number;
        memset(place, 0, bytes);
        memcpy(place, &height, sizeof height);
    }
    return place;
}

/* The digest in v[at] and v[at + 1] of a record. */
static inline struct fl_digest fl_record_digest(const struct fl_record *r, int at)
{
    return (struct fl_digest){(uint64_t)r->v[at], (uint64_t)r->v[at + 1]};
}

/* The first violation that a check saw, and how many there were. */
struct fl_first {
    int64_t count;
    int64_t what;   /* of the check's own kinds of violation */
    int64_t height; /* where */
    int64_t record;
    fl_time at;
};
static inline void fl_violation(struct fl_first *first, int64_t what, uint32_t id,
                                const struct fl_record *r)
{
    if (first->count++ > 0) return;
    first->what = what;
    first->height = r->v[0];
    first->record = id;
    first->at = r->at;
}

/* BROKEN, with the clause `what`: {0} is the height, {1} the count. */
static inline struct fl_verdict fl_broken(const struct fl_first *first, const char *what)
{
    return (struct fl_verdict){.kind = FL_BROKEN,
                               .what = what,
                               .value = {first->height, first->count},
                               .unit = {FL_COUNT, FL_COUNT},
                               .record = (uint32_t)first->record,
                               .at = first->at};
}

#endif
