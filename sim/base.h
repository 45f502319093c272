/* Shared vocabulary: ids, simulated time, assertions. Includes only the C library. */
#ifndef FL_BASE_H
#define FL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nanoseconds since the start of the run. */
typedef int64_t fl_time;

#define FL_MICROSECOND ((fl_time)1000)
#define FL_MILLISECOND ((fl_time)1000000)
#define FL_SECOND ((fl_time)1000000000)
#define FL_FOREVER INT64_MAX

/* One-field structs, so that an id is never mistaken for a count or for another kind of id. */
typedef struct {
    uint32_t i;
} fl_endpoint; /* a place messages go to */
typedef struct {
    uint32_t i;
} fl_identity; /* a holder of keys; twins are two endpoints of one */
typedef struct {
    uint32_t i;
} fl_version; /* a ledger state; 0 is none */
typedef struct {
    uint64_t i;
} fl_blob; /* immutable content; 0 is none */

#define FL_NOWHERE ((fl_endpoint){UINT32_MAX})
#define FL_NO_VERSION ((fl_version){0})
#define FL_NO_BLOB ((fl_blob){0})

/* 128 bits of XXH3 over content: names a blob, a block, a state. */
struct fl_digest {
    uint64_t lo, hi;
};

__extension__ typedef __int128 fl_i128;
__extension__ typedef unsigned __int128 fl_u128;

/* Stays on in release builds: a run that broke an invariant is not a result. */
#define FL_ASSERT(cond) ((cond) ? (void)0 : fl_panic(#cond, __FILE__, __LINE__))
#define FL_UNREACHABLE(why) fl_panic(why, __FILE__, __LINE__)
_Noreturn void fl_panic(const char *cond, const char *file, int line);

#endif
