/* sim/blob.h: the rules of lifetime one by one, then 10^5 random calls against a naive twin.
 *
 * How the header is read: freeing is immediate; content found again costs its finder nothing; the
 * quota may be filled to the last byte. What is kept before anybody says so is open: not tested. */
#include "sim/blob.h"
#include "sim/model.h"
#include "sim/rng.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED UINT64_C(0x9e1423850f)

static fl_blob put(struct fl_blobs *blobs, const char *text, uint64_t epoch)
{
    const uint32_t bytes = (uint32_t)strlen(text);
    return fl_blobs_intern(blobs, text, bytes, fl_digest_of(text, bytes), epoch, NULL);
}

static bool holds(const struct fl_blobs *blobs, fl_blob blob, const char *text)
{
    uint32_t bytes = 0;
    const void *data = fl_blobs_data(blobs, blob, &bytes);
    const struct fl_digest digest = fl_digest_of(text, strlen(text));
    return data && bytes == strlen(text) && memcmp(data, text, bytes) == 0 &&
           fl_digest_equal(fl_blobs_digest(blobs, blob), digest);
}

static bool gone(const struct fl_blobs *blobs, fl_blob blob)
{
    uint32_t bytes = 0;
    return fl_blobs_data(blobs, blob, &bytes) == NULL &&
           fl_digest_equal(fl_blobs_digest(blobs, blob), (struct fl_digest){0, 0});
}

Test(blob, lives_while_referred_to_or_kept)
{
    struct fl_blobs *blobs = fl_blobs_new();
    cr_assert(gone(blobs, FL_NO_BLOB));
    cr_assert_eq(fl_blobs_bytes(blobs), 0);

    /* Epoch 0 is kept by nobody: its references are all it has. */
    const fl_blob fleeting = put(blobs, "fleeting", 0);
    cr_assert_neq(fleeting.i, 0);
    fl_blobs_hold(blobs, fleeting, 2);
    fl_blobs_keep_from(blobs, 0);
    fl_blobs_release(blobs, fleeting);
    fl_blobs_release(blobs, fleeting);
    cr_assert(holds(blobs, fleeting, "fleeting"));
    fl_blobs_release(blobs, fleeting);
    cr_assert(gone(blobs, fleeting));
    cr_assert_eq(fl_blobs_bytes(blobs), 0);

    /* Kept without a reference, and freed when the last keeper moves on. */
    const fl_blob five = put(blobs, "five", 5), six = put(blobs, "six", 6);
    fl_blobs_release(blobs, five);
    fl_blobs_release(blobs, six);
    cr_assert(holds(blobs, five, "five"));
    fl_blobs_keep_from(blobs, 5);
    cr_assert(holds(blobs, five, "five"));
    fl_blobs_keep_from(blobs, 6);
    cr_assert(gone(blobs, five));
    cr_assert(holds(blobs, six, "six"));

    /* A reference outlives the epoch. */
    fl_blobs_hold(blobs, six, 1);
    fl_blobs_keep_from(blobs, 100);
    cr_assert(holds(blobs, six, "six"));
    fl_blobs_release(blobs, six);
    cr_assert(gone(blobs, six));

    /* Down again: what is gone stays gone, and what is new at an old epoch is kept. */
    fl_blobs_keep_from(blobs, 3);
    cr_assert(gone(blobs, five) && gone(blobs, six));
    const fl_blob again = put(blobs, "five", 5);
    cr_assert_neq(again.i, five.i);
    fl_blobs_release(blobs, again);
    cr_assert(holds(blobs, again, "five"));
    cr_assert(gone(blobs, five));

    /* Referred to while the keepers go up and come down again: never gone. */
    fl_blobs_hold(blobs, again, 1);
    fl_blobs_keep_from(blobs, 9);
    fl_blobs_keep_from(blobs, 4);
    fl_blobs_release(blobs, again);
    cr_assert(holds(blobs, again, "five"));
    fl_blobs_free(blobs);
}

Test(blob, same_content_is_one_blob)
{
    struct fl_blobs *blobs = fl_blobs_new();
    fl_blobs_keep_from(blobs, 10);
    const fl_blob a = put(blobs, "content", 0), b = put(blobs, "content", 0);
    cr_assert_eq(a.i, b.i);
    cr_assert_eq(fl_blobs_bytes(blobs), strlen("content"));
    fl_blobs_release(blobs, a);
    cr_assert(holds(blobs, b, "content")); /* each interning holds a reference */

    /* The larger epoch holds, whichever came first. */
    cr_assert_eq(put(blobs, "content", 12).i, a.i);
    cr_assert_eq(put(blobs, "content", 11).i, a.i);
    for (int i = 0; i < 3; i++) fl_blobs_release(blobs, a);
    fl_blobs_keep_from(blobs, 12);
    cr_assert(holds(blobs, a, "content"));

    /* Alive without reference: found. Gone: another id. */
    cr_assert_eq(put(blobs, "content", 0).i, a.i);
    fl_blobs_release(blobs, a);
    cr_assert(holds(blobs, a, "content"));
    fl_blobs_keep_from(blobs, 13);
    cr_assert(gone(blobs, a));
    const fl_blob c = put(blobs, "content", 0);
    cr_assert(c.i != a.i && holds(blobs, c, "content") && gone(blobs, a));

    /* Content of no bytes is content. */
    const fl_blob empty = put(blobs, "", 0);
    cr_assert(empty.i != 0 && empty.i != c.i && holds(blobs, empty, ""));
    fl_blobs_free(blobs);
}

Test(blob, the_quota_bounds_what_lives)
{
    struct fl_blobs *blobs = fl_blobs_new();
    enum { PIECE = FL_BLOB_QUOTA / 4 };
    uint32_t *piece = calloc(1, PIECE);
    cr_assert(piece != NULL);
    uint64_t charge = 0, other = 0;
    fl_blob blob[4];
    for (uint32_t i = 0; i < 4; i++) {
        piece[0] = i;
        blob[i] = fl_blobs_intern(blobs, piece, PIECE, fl_digest_of(piece, PIECE), 0, &charge);
        cr_assert_neq(blob[i].i, 0);
        cr_assert_eq(charge, (uint64_t)(i + 1) * PIECE);
    }
    piece[0] = 3; /* known content is found, whoever asks, and charged once */
    cr_assert_eq(fl_blobs_intern(blobs, piece, PIECE, fl_digest_of(piece, PIECE), 0, &other).i,
                 blob[3].i);
    cr_assert_eq(fl_blobs_intern(blobs, piece, PIECE, fl_digest_of(piece, PIECE), 0, &charge).i,
                 blob[3].i);
    cr_assert_eq(other, 0);
    cr_assert_eq(charge, (uint64_t)FL_BLOB_QUOTA);

    piece[0] = 9;
    cr_assert_eq(fl_blobs_intern(blobs, "x", 1, fl_digest_of("x", 1), 0, &charge).i, 0);
    cr_assert_eq(charge, (uint64_t)FL_BLOB_QUOTA);
    const fl_blob free_of_quota =
        fl_blobs_intern(blobs, piece, PIECE, fl_digest_of(piece, PIECE), 0, NULL);
    cr_assert_neq(free_of_quota.i, 0);
    cr_assert_neq(fl_blobs_intern(blobs, "x", 1, fl_digest_of("x", 1), 0, &other).i, 0);
    cr_assert_eq(other, 1);

    fl_blobs_release(blobs, blob[0]);
    cr_assert(gone(blobs, blob[0]));
    cr_assert_eq(charge, (uint64_t)3 * PIECE);
    cr_assert_neq(fl_blobs_intern(blobs, "y", 1, fl_digest_of("y", 1), 0, &charge).i, 0);
    fl_blobs_free(blobs);
    free(piece);
}

/* ------------------------------------------------------------------------------------------------
 * Random calls
 * --------------------------------------------------------------------------------------------- */

enum { CONTENTS = 400, BYTES_MAX = 3000, CREATORS = 3, IDS_MAX = 200000, CALLS = 100000 };

struct content {
    uint32_t bytes;
    struct fl_digest digest;
    unsigned char byte[BYTES_MAX];
    uint64_t id, epoch, references; /* id 0: not there */
    uint32_t creator;
};
static struct content content[CONTENTS];
static struct {
    uint32_t content;
} issued[IDS_MAX]; /* every id ever given */
static uint64_t id_of[IDS_MAX];
static uint32_t issued_count;
static uint64_t charge_of[CREATORS], keep_from, calls;

static uint64_t draw(void)
{
    return fl_draw(SEED, FL_RNG_TIE, 7, calls++, 0);
}

static uint64_t draw_epoch(void)
{
    const uint64_t u = draw();
    return u % 4 == 0 ? 0 : keep_from + u / 4 % 12 - (keep_from < 6 ? keep_from : 6);
}

static void twin_sweep(struct content *c)
{
    if (c->id && c->references == 0 && (c->epoch == 0 || c->epoch < keep_from)) {
        charge_of[c->creator] -= c->bytes;
        c->id = 0;
    }
}

static void compare(const struct fl_blobs *blobs, const struct content *c, uint64_t id)
{
    uint32_t bytes = 0;
    const unsigned char *data = fl_blobs_data(blobs, (fl_blob){id}, &bytes);
    const struct fl_digest digest = fl_blobs_digest(blobs, (fl_blob){id});
    if (id == 0 || id != c->id) {
        cr_assert(data == NULL && digest.lo == 0 && digest.hi == 0,
                  "call %" PRIu64 ": blob %" PRIu64 " should be gone", calls, id);
        return;
    }
    cr_assert(data != NULL, "call %" PRIu64 ": blob %" PRIu64 " should be there", calls, id);
    cr_assert_eq(bytes, c->bytes);
    cr_assert(fl_digest_equal(digest, c->digest));
    cr_assert_eq(memcmp(data, c->byte, bytes), 0, "call %" PRIu64 ": content changed", calls);
    cr_assert_eq((uintptr_t)data % _Alignof(max_align_t), 0, "content is not aligned");
}

static void compare_all(const struct fl_blobs *blobs, const uint64_t charge[CREATORS])
{
    size_t held = 0;
    for (uint32_t i = 0; i < issued_count; i++)
        compare(blobs, &content[issued[i].content], id_of[i]);
    for (uint32_t i = 0; i < CONTENTS; i++) held += content[i].id ? content[i].bytes : 0;
    cr_assert_eq(fl_blobs_bytes(blobs), held);
    for (uint32_t i = 0; i < CREATORS; i++) cr_assert_eq(charge[i], charge_of[i]);
    for (uint64_t i = 0; i < 5; i++) { /* ids that were never given */
        uint32_t bytes = 0;
        const fl_blob never = {draw() >> (1 + i * 12) | UINT64_C(1) << 40};
        cr_assert(fl_blobs_data(blobs, never, &bytes) == NULL);
    }
}

static void call_intern(struct fl_blobs *blobs, uint32_t n, uint64_t charge[CREATORS])
{
    struct content *c = &content[n];
    const uint32_t creator = (uint32_t)(draw() % CREATORS);
    const uint64_t epoch = draw_epoch();
    /* The copy goes into freed memory at once: nothing of the caller's may be kept. */
    unsigned char *copy = malloc(c->bytes + 1);
    cr_assert(copy != NULL);
    memcpy(copy, c->byte, c->bytes);
    const fl_blob blob = fl_blobs_intern(blobs, copy, c->bytes, c->digest, epoch, &charge[creator]);
    memset(copy, 0xa5, c->bytes);
    free(copy);
    cr_assert_neq(blob.i, 0);
    if (c->id) {
        cr_assert_eq(blob.i, c->id, "the same content has two names");
        c->epoch = epoch > c->epoch ? epoch : c->epoch;
    } else {
        for (uint32_t i = 0; i < issued_count; i++)
            cr_assert_neq(id_of[i], blob.i, "id %" PRIu64 " came back", blob.i);
        cr_assert(issued_count < IDS_MAX);
        issued[issued_count].content = n;
        id_of[issued_count++] = blob.i;
        c->id = blob.i;
        c->epoch = epoch;
        c->creator = creator;
        c->references = 0;
        charge_of[creator] += c->bytes;
    }
    c->references++;
}

Test(blob, random_calls_agree_with_a_naive_twin)
{
    fprintf(stderr, "seed %" PRIu64 "\n", SEED);
    for (uint32_t n = 0; n < CONTENTS; n++) {
        struct content *c = &content[n];
        c->bytes = 4 + (uint32_t)(n % 10 ? draw() % 64 : draw() % (BYTES_MAX - 4));
        for (uint32_t i = 0; i < c->bytes; i++) c->byte[i] = (unsigned char)draw();
        memcpy(c->byte, &n, sizeof n);
        c->digest = fl_digest_of(c->byte, c->bytes);
    }
    struct fl_blobs *blobs = fl_blobs_new();
    uint64_t charge[CREATORS] = {0};
    fl_blobs_keep_from(blobs, keep_from);
    for (uint32_t i = 0; i < CALLS; i++) {
        const uint32_t n = (uint32_t)(draw() % CONTENTS);
        struct content *c = &content[n];
        const uint64_t what = draw() % 100;
        if (what < 40) {
            call_intern(blobs, n, charge);
        } else if (what < 50 && c->id) {
            const uint32_t more = (uint32_t)(draw() % 4);
            fl_blobs_hold(blobs, (fl_blob){c->id}, more);
            c->references += more;
        } else if (what < 98 && c->id && c->references) {
            for (uint64_t k = 1 + draw() % c->references; k > 0; k--) {
                fl_blobs_release(blobs, (fl_blob){c->id});
                c->references--;
            }
        } else if (what >= 98) {
            keep_from = draw() % 8 ? keep_from + draw() % 3
                                   : keep_from - draw() % (keep_from + 1) / 2;
            fl_blobs_keep_from(blobs, keep_from);
            for (uint32_t k = 0; k < CONTENTS; k++) twin_sweep(&content[k]);
        }
        twin_sweep(c);
        if (issued_count) {
            const uint64_t any = draw() % issued_count;
            compare(blobs, &content[issued[any].content], id_of[any]);
        }
        compare(blobs, c, c->id);
        if (i % 2000 == 0) compare_all(blobs, charge);
    }
    compare_all(blobs, charge);
    fprintf(stderr, "%" PRIu32 " ids given\n", issued_count);
    cr_assert_gt(issued_count, 2000, "the test frees too little");
    fl_blobs_free(blobs);
}
