/* Immutable content, interned by digest, freed when nothing can ask for it any more.
 *
 * A blob carries an opaque epoch. It is freed when no pending event refers to it and its epoch lies
 * below what every honest endpoint said it keeps (but see sim/versions.c). Epoch 0 is kept by nobody.
 * What was freed is GONE, and its id does not come back before its slot has been used 2^31 times. */
#ifndef FL_BLOB_H
#define FL_BLOB_H
#include "sim/base.h"

struct fl_blobs;

struct fl_blobs *fl_blobs_new(void);
void fl_blobs_free(struct fl_blobs *blobs);

/* What a corrupted endpoint's blobs may hold at any time; honest ones have no quota. */
enum { FL_BLOB_QUOTA = 16 << 20 };

/* Takes a copy, or finds the content there already (its epoch becomes the larger of the two). Comes
 * back with one reference held. `charge`, if not NULL, counts the bytes this creator's living blobs
 * hold, and must outlive them; beyond the quota the answer is FL_NO_BLOB. */
fl_blob fl_blobs_intern(struct fl_blobs *blobs, const void *content, uint32_t bytes,
                        struct fl_digest digest, uint64_t epoch, uint64_t *charge);
void fl_blobs_hold(struct fl_blobs *blobs, fl_blob blob, uint32_t references);
void fl_blobs_release(struct fl_blobs *blobs, fl_blob blob);
/* Blobs of an epoch below `epoch` (and 0) may go. It may move either way: a lagging endpoint that
 * recovers wants old epochs again, and finds them GONE. */
void fl_blobs_keep_from(struct fl_blobs *blobs, uint64_t epoch);
/* From now on nothing goes, whatever its epoch: an id names one content, and a content has one id. */
void fl_blobs_keep_all(struct fl_blobs *blobs);

/* NULL if GONE or FL_NO_BLOB. Lent until the next call that interns or releases. */
const void *fl_blobs_data(const struct fl_blobs *blobs, fl_blob blob, uint32_t *bytes);
/* Zero if GONE. */
struct fl_digest fl_blobs_digest(const struct fl_blobs *blobs, fl_blob blob);
size_t fl_blobs_bytes(const struct fl_blobs *blobs); /* held now */

#endif
