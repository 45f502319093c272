/* sim/record.h: ids, content, and the newest of each key against a table indexed directly. */
#include "sim/record.h"
#include "sim/rng.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED UINT64_C(0x31b70f)

static uint64_t draw(uint64_t n, uint32_t lane)
{
    return fl_draw(SEED, FL_RNG_TIE, 3, n, lane);
}

/* Values that keys are made of: neighbours, extremes, equal low or high halves. */
enum { KINDS = 24, WORDS = 40 };
static int64_t word_of(uint32_t i)
{
    static const int64_t special[] = {0,
                                      1,
                                      -1,
                                      2,
                                      INT64_MIN,
                                      INT64_MAX,
                                      INT64_C(1) << 32,
                                      (INT64_C(1) << 32) + 1,
                                      -(INT64_C(1) << 32)};
    const uint32_t specials = sizeof special / sizeof *special;
    if (i < specials) return special[i];
    return i < 24 ? (int64_t)i : (int64_t)fl_draw(SEED, FL_RNG_TIE, 4, i, 0);
}

static struct fl_record record_of(uint64_t n)
{
    struct fl_record r = {.at = (fl_time)n * 7, .kind = (uint16_t)(1 + draw(n, 0) % KINDS)};
    r.v[0] = word_of((uint32_t)(draw(n, 1) % WORDS));
    r.v[1] = word_of((uint32_t)(draw(n, 2) % WORDS));
    for (uint32_t i = 2; i < FL_RECORD_VALUES; i++) r.v[i] = (int64_t)draw(n, 1 + i);
    r.parent = (uint32_t)(n ? draw(n, 9) % n : 0);
    r.endpoint = (uint32_t)draw(n, 10);
    return r;
}

static bool same(const struct fl_record *a, const struct fl_record *b)
{
    return a->at == b->at && memcmp(a->v, b->v, sizeof a->v) == 0 && a->parent == b->parent &&
           a->endpoint == b->endpoint && a->kind == b->kind;
}

static uint32_t newest[KINDS + 2][WORDS][WORDS];

static void compare_finds(const struct fl_records *records)
{
    for (uint32_t kind = 0; kind < KINDS + 2; kind++)
        for (uint32_t a = 0; a < WORDS; a++)
            for (uint32_t b = 0; b < WORDS; b++) {
                const uint32_t id =
                    fl_records_find(records, (uint16_t)kind, word_of(a), word_of(b));
                cr_assert_eq(id, newest[kind][a][b], "kind %u, key %" PRId64 ", %" PRId64, kind,
                             word_of(a), word_of(b));
            }
}

Test(record, the_newest_of_a_key_is_found_and_content_stays)
{
    fprintf(stderr, "seed %" PRIu64 "\n", SEED);
    struct fl_records *records = fl_records_new();
    cr_assert_eq(fl_records_count(records), 0);
    compare_finds(records);
    enum { COUNT = 100000 };
    for (uint32_t n = 0; n < COUNT; n++) {
        const struct fl_record r = record_of(n);
        const uint32_t a = (uint32_t)(draw(n, 1) % WORDS), b = (uint32_t)(draw(n, 2) % WORDS);
        cr_assert_eq(fl_records_find(records, r.kind, r.v[0], r.v[1]), newest[r.kind][a][b]);
        const uint32_t id = fl_records_add(records, &r);
        cr_assert_eq(id, n + 1);
        cr_assert_eq(fl_records_count(records), n + 1);
        cr_assert_eq(fl_records_find(records, r.kind, r.v[0], r.v[1]), id);
        cr_assert(same(fl_records_get(records, id), &r));
        newest[r.kind][a][b] = id;
        if (n == 100 || n == 10000) compare_finds(records);
    }
    compare_finds(records);
    for (uint32_t n = 0; n < COUNT; n++) {
        const struct fl_record r = record_of(n);
        cr_assert(same(fl_records_get(records, n + 1), &r), "record %u changed", n + 1);
    }
    fl_records_free(records);
}

static uint16_t kind_of(uint32_t n)
{
    return (uint16_t)(1 + draw(n, 20) % (FL_RECORD_UNNAMED - 1));
}

/* Keys that occur once, of full width: all found, their neighbours not. */
Test(record, keys_of_full_width_are_told_apart)
{
    fprintf(stderr, "seed %" PRIu64 "\n", SEED);
    struct fl_records *records = fl_records_new();
    enum { COUNT = 100000 };
    for (uint32_t n = 0; n < COUNT; n++) {
        const struct fl_record r = {.kind = kind_of(n),
                                    .v = {(int64_t)draw(n, 21), (int64_t)draw(n, 22)}};
        cr_assert_eq(fl_records_add(records, &r), n + 1);
    }
    for (uint32_t n = 0; n < COUNT; n++) {
        const uint16_t kind = kind_of(n);
        const int64_t a = (int64_t)draw(n, 21), b = (int64_t)draw(n, 22);
        cr_assert_eq(fl_records_find(records, kind, a, b), n + 1);
        cr_assert_eq(fl_records_find(records, kind, b, a), FL_NO_RECORD);
        cr_assert_eq(fl_records_find(records, kind, a ^ 1, b), FL_NO_RECORD);
        cr_assert_eq(fl_records_find(records, kind, a, b ^ INT64_MIN), FL_NO_RECORD);
        cr_assert_eq(fl_records_find(records, kind ^ 2, a, b), FL_NO_RECORD);
    }
    fl_records_free(records);
}
