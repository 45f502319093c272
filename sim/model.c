/* What a step may call to write its outbox: no engine behind it, only the outbox itself. */
#include "sim/model.h"

#include <string.h>

/* Set in the id of a blob that an outbox holds and the engine has not interned yet. */
#define PROVISIONAL ((uint64_t)1 << 63)

struct fl_effect *fl_emit(struct fl_outbox *out, enum fl_effect_kind kind)
{
    FL_ASSERT(out->count < FL_OUTBOX_EFFECTS);
    struct fl_effect *e = &out->at[out->count++];
    memset(e, 0, sizeof *e);
    e->kind = kind;
    e->as = out->self;
    return e;
}

void *fl_blob_begin(struct fl_outbox *out, uint32_t bytes)
{
    const uint32_t offset = (out->scratch_used + 15) & ~(uint32_t)15;
    FL_ASSERT(out->blob_count < FL_OUTBOX_BLOBS);
    FL_ASSERT(bytes <= FL_OUTBOX_SCRATCH && offset <= FL_OUTBOX_SCRATCH - bytes);
    out->blob[out->blob_count] = (struct fl_outbox_blob){.offset = offset, .bytes = bytes};
    out->scratch_used = offset + bytes;
    return out->scratch + offset;
}

fl_blob fl_blob_end(struct fl_outbox *out, uint64_t epoch, struct fl_digest *digest)
{
    struct fl_outbox_blob *b = &out->blob[out->blob_count];
    b->epoch = epoch;
    b->digest = fl_digest_of(out->scratch + b->offset, b->bytes);
    if (digest) *digest = b->digest;
    return (fl_blob){PROVISIONAL | out->blob_count++};
}

fl_blob fl_blob_put(struct fl_outbox *out, const void *content, uint32_t bytes, uint64_t epoch,
                    struct fl_digest *digest)
{
    memcpy(fl_blob_begin(out, bytes), content, bytes);
    return fl_blob_end(out, epoch, digest);
}

void fl_set_timer(struct fl_outbox *out, uint32_t timer, fl_time delay)
{
    struct fl_effect *e = fl_emit(out, FL_SET_TIMER);
    e->timer = timer;
    e->delay = delay;
}

void fl_cancel_timer(struct fl_outbox *out, uint32_t timer)
{
    fl_emit(out, FL_CANCEL_TIMER)->timer = timer;
}

struct fl_msg *fl_send(struct fl_outbox *out, enum fl_reach reach, fl_endpoint to,
                       enum fl_family family, uint16_t kind)
{
    struct fl_effect *e = fl_emit(out, FL_SEND);
    e->reach = reach;
    e->to = to;
    e->msg.family = (uint8_t)family;
    e->msg.kind = kind;
    return &e->msg;
}

struct fl_msg *fl_local(struct fl_outbox *out, enum fl_family family, uint16_t kind)
{
    struct fl_effect *e = fl_emit(out, FL_LOCAL);
    e->msg.family = (uint8_t)family;
    e->msg.kind = kind;
    return &e->msg;
}

static struct fl_effect *about_record(struct fl_outbox *out, enum fl_effect_kind kind,
                                      uint16_t record, int64_t key0, int64_t key1)
{
    struct fl_effect *e = fl_emit(out, kind);
    e->record = record;
    e->v[0] = key0;
    e->v[1] = key1;
    return e;
}

int64_t *fl_note(struct fl_outbox *out, uint16_t record, int64_t key0, int64_t key1)
{
    return about_record(out, FL_NOTE, record, key0, key1)->v;
}

void fl_because(struct fl_outbox *out, uint16_t record, int64_t key0, int64_t key1)
{
    about_record(out, FL_BECAUSE, record, key0, key1);
}

const void *fl_outbox_data(const struct fl_outbox *out, fl_blob blob, uint32_t *bytes)
{
    const uint64_t index = blob.i & ~PROVISIONAL;
    if (!(blob.i & PROVISIONAL) || index >= out->blob_count) return NULL;
    *bytes = out->blob[index].bytes;
    return out->scratch + out->blob[index].offset;
}

/* The same content in another outbox. A broadcast turned into single sends names one blob often,
 * so the last few are looked through first. */
static fl_blob repeat_blob(const struct fl_outbox *honest, fl_blob blob, struct fl_outbox *out)
{
    const uint64_t index = blob.i & ~PROVISIONAL;
    if (index >= honest->blob_count)
        return FL_NO_BLOB; /* an adversary before this one invented it */
    const struct fl_outbox_blob *b = &honest->blob[index];
    for (uint32_t i = out->blob_count; i > 0; i--)
        if (fl_digest_equal(out->blob[i - 1].digest, b->digest))
            return (fl_blob){PROVISIONAL | (i - 1)};
    return fl_blob_put(out, honest->scratch + b->offset, b->bytes, b->epoch, NULL);
}

struct fl_effect *fl_repeat(const struct fl_outbox *honest, uint32_t i, struct fl_outbox *out)
{
    FL_ASSERT(i < honest->count);
    struct fl_effect *e = fl_emit(out, honest->at[i].kind);
    *e = honest->at[i];
    e->origin = i + 1;
    if (e->msg.blob.i & PROVISIONAL) e->msg.blob = repeat_blob(honest, e->msg.blob, out);
    return e;
}
