/* The index over accounts: edges worked out by hand, the ends of the integers, and a heap recounted
 * after each of many changes. tests/prop/test_edges.c sets it beside a scan. */
#include "models/ledger/edges.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACCOUNTS = 8, LEGS = 12, MARKETS = 3 };
#define USD INT64_C(1000000)
#define UNIT INT64_C(1000000)

static void *new_index(uint32_t accounts, uint32_t legs, uint32_t markets)
{
    void *const e = calloc(1, fl_edges_bytes(accounts, legs, markets));
    cr_assert_not_null(e);
    fl_edges_init(e, accounts, legs, markets);
    return e;
}

static void put_one(void *e, uint32_t account, uint32_t market, int64_t size, fl_i128 slack,
                    const struct fl_edge_market *at)
{
    fl_edges_put(e, account, &(struct fl_edge_leg){market, 0, size}, 1, slack, at);
}

static uint32_t crossed(void *e, const struct fl_edge_market *at)
{
    uint32_t count;
    fl_edges_crossed(e, at, &count);
    cr_assert_null(fl_edges_unsound(e));
    return count;
}

/* Long 2.5 units at 200 USD, MMF 3 %: 194 each. Slack 12 USD is lost when 12 / 2.5 = 4.8 are: at 189.2. */
Test(edges, a_long_is_reported_where_its_slack_is_gone)
{
    void *const e = new_index(ACCOUNTS, LEGS, MARKETS);
    struct fl_edge_market at[MARKETS] = {{194 * USD, 206 * USD}};
    put_one(e, 5, 0, 2 * UNIT + UNIT / 2, 12 * USD, at);
    cr_assert_eq(crossed(e, at), 0);
    at[0] = (struct fl_edge_market){189200001, INT64_MAX};
    cr_assert_eq(crossed(e, at), 0);
    at[0].long_at = 189200000;
    uint32_t count;
    cr_assert_eq(*fl_edges_crossed(e, at, &count), 5);
    cr_assert_eq(count, 1);
    at[0].long_at = 189200001; /* looking changed nothing */
    cr_assert_eq(crossed(e, at), 0);
    free(e);
}

/* Short 3 units at 206 each. Slack 10 USD: 3.333333 each, rounded down. */
Test(edges, a_short_is_reported_where_its_slack_is_gone)
{
    void *const e = new_index(ACCOUNTS, LEGS, MARKETS);
    struct fl_edge_market at[MARKETS] = {[2] = {194 * USD, 206 * USD}};
    put_one(e, 0, 2, -3 * UNIT, 10 * USD, at);
    at[2] = (struct fl_edge_market){INT64_MIN, 209333332};
    cr_assert_eq(crossed(e, at), 0);
    at[2].short_at = 209333333;
    cr_assert_eq(crossed(e, at), 1);
    free(e);
}

/* 100 units at 10 (1,000 USD) long, 3 at 1,000 (3,000 USD) short. Weights are these and 3,000 / 32 for each:
 * 1,093.75 and 3,093.75 of 4,187.5. Of a slack of 40 USD that is 10.447761... and 29.552238..., for a unit 0.104477
 * and 9.850746, rounded down. */
Test(edges, legs_share_the_slack_by_exposure)
{
    void *const e = new_index(ACCOUNTS, LEGS, MARKETS);
    const struct fl_edge_market put[MARKETS] = {{10 * USD, 11 * USD}, {900 * USD, 1000 * USD}};
    const struct fl_edge_leg legs[] = {{0, 0, 100 * UNIT}, {1, 0, -3 * UNIT}};
    fl_edges_put(e, 1, legs, 2, 40 * USD, put);
    struct fl_edge_market at[MARKETS];
    memcpy(at, put, sizeof at);
    at[0].long_at = 9895524, at[1].short_at = 1009850745;
    cr_assert_eq(crossed(e, at), 0);
    at[0].long_at = 9895523;
    cr_assert_eq(crossed(e, at), 1);
    at[0].long_at = 9895524, at[1].short_at = 1009850746;
    cr_assert_eq(crossed(e, at), 1);
    at[0].long_at = 0; /* both legs, one account */
    cr_assert_eq(crossed(e, at), 1);
    free(e);
}

Test(edges, slack_below_zero_is_reported_until_put_again)
{
    void *const e = new_index(ACCOUNTS, LEGS, MARKETS);
    const struct fl_edge_market put[MARKETS] = {{5, 6}, {5, 6}, {5, 6}},
                                best[MARKETS] = {{INT64_MAX, INT64_MIN},
                                                 {INT64_MAX, INT64_MIN},
                                                 {INT64_MAX, INT64_MIN}};
    const struct fl_edge_leg legs[] = {{0, 0, UNIT}, {1, 0, -UNIT}};
    fl_edges_put(e, 7, legs, 2, -1, put);
    cr_assert_eq(crossed(e, put), 1);
    cr_assert_eq(crossed(e, best), 1);
    fl_edges_put(e, 7, legs, 2, 100, put);
    cr_assert_eq(crossed(e, put), 0);
    fl_edges_put(e, 7, legs, 2, 0,
                 put); /* no room: reported where it stands, not where it is better */
    cr_assert_eq(crossed(e, put), 1);
    cr_assert_eq(crossed(e, best), 0);
    fl_edges_put(e, 7, legs, 0, -1, put);
    cr_assert_eq(crossed(e, put), 0);
    free(e);
}

/* An edge out of range stands at the end of the range, on the safe side: reached there, never wrapped. */
Test(edges, edges_saturate)
{
    void *const e = new_index(ACCOUNTS, LEGS, MARKETS);
    const fl_i128 huge = (fl_i128)1 << 126;
    struct fl_edge_market at[MARKETS] = {{0, 0}, {-3, 7}, {INT64_MIN + 1, INT64_MAX - 1}};
    put_one(e, 0, 0, 1, huge, at);
    put_one(e, 1, 0, -1, huge, at);
    put_one(e, 2, 1, INT64_MAX, (fl_i128)INT64_MAX * 2 / UNIT, at);
    put_one(e, 3, 1, INT64_MIN, (fl_i128)INT64_MAX * 2 / UNIT + 1, at);
    const struct fl_edge_leg both[] = {{0, 0, INT64_MIN}, {2, 0, INT64_MIN}};
    fl_edges_put(e, 4, both, 2, huge, at);
    cr_assert_eq(crossed(e, at), 0);
    at[0] = (struct fl_edge_market){INT64_MIN + 1, INT64_MAX - 1};
    cr_assert_eq(crossed(e, at),
                 1); /* account 4: 2^88 is enough for no such size; too early is safe */
    at[0] = (struct fl_edge_market){INT64_MIN, INT64_MAX};
    cr_assert_eq(crossed(e, at), 3);
    at[0] = (struct fl_edge_market){0, 0};
    at[1] =
        (struct fl_edge_market){-4, 8}; /* room for 1.99... units: one, and the next reaches it */
    cr_assert_eq(crossed(e, at), 1);
    at[1] = (struct fl_edge_market){-5, 9};
    cr_assert_eq(crossed(e, at), 2);
    free(e);
}

/* No coordinate but the one at hand, 0, has any weight; still no leg is without a share of the slack. */
Test(edges, coordinates_of_zero_share_evenly)
{
    void *const e = new_index(ACCOUNTS, LEGS, MARKETS);
    struct fl_edge_market at[MARKETS] = {{0}};
    const struct fl_edge_leg legs[] = {{0, 0, UNIT}, {1, 0, UNIT}};
    fl_edges_put(e, 0, legs, 2, 20, at);
    at[0].long_at = -9, at[1].long_at = -9;
    cr_assert_eq(crossed(e, at), 0);
    at[0].long_at = -10;
    cr_assert_eq(crossed(e, at), 1);
    free(e);
}

Test(edges, accounts_change_close_and_open_again)
{
    void *const e = new_index(ACCOUNTS, LEGS, MARKETS);
    const struct fl_edge_market put[MARKETS] = {{100, 100}, {100, 100}, {100, 100}};
    const struct fl_edge_market worse[MARKETS] = {{50, 150}, {50, 150}, {50, 150}};
    const struct fl_edge_leg legs[] = {{0, 0, UNIT}, {1, 0, -UNIT}, {2, 0, UNIT}};
    /* Four accounts with up to three legs each, all the room there is: a leg that went lost would be missed. */
    for (uint32_t i = 0; i < 1000; i++) {
        const uint32_t from = i / 3 % 4, count = (i + i / 12) % (4 - from);
        fl_edges_put(e, i % 4, legs + from % 3, from == 3 ? 0 : count, 9 * (fl_i128)count, put);
        cr_assert_null(fl_edges_unsound(e));
    }
    for (uint32_t account = 0; account < 4; account++) fl_edges_put(e, account, legs, 3, 0, put);
    cr_assert_eq(crossed(e, put), 4);
    for (uint32_t account = 0; account < ACCOUNTS; account++)
        fl_edges_put(e, account, legs, 0, 0, put);
    cr_assert_eq(crossed(e, worse), 0);
    fl_edges_put(e, 3, legs, 3, 30, put);
    fl_edges_put(e, 4, legs + 1, 1, 30, put);
    cr_assert_eq(crossed(e, put), 0);
    cr_assert_eq(crossed(e, worse), 2);
    free(e);
}

static uint64_t next_random(uint64_t *state) /* SplitMix64 (Steele, Lea, Flood 2014) */
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* One leg each in one market, keys that often tie: what is reported at each level is what a count says. */
Test(edges, a_heap_reports_what_a_count_does)
{
    enum { MANY = 300, CHANGES = 20000, LEVELS = 64 };
    uint64_t state = 0x2385;
    fprintf(stderr, "edges: seed %#llx\n", (unsigned long long)state);
    void *const e = new_index(MANY, MANY, 1);
    int64_t edge[MANY]; /* 0: no leg */
    memset(edge, 0, sizeof edge);
    for (int i = 0; i < CHANGES; i++) {
        const uint32_t account = (uint32_t)(next_random(&state) % MANY);
        const struct fl_edge_market zero = {0};
        edge[account] = (int64_t)(next_random(&state) % LEVELS);
        fl_edges_put(e, account, &(struct fl_edge_leg){0, 0, -UNIT}, edge[account] != 0,
                     edge[account], &zero);
        const struct fl_edge_market at = {0, (int64_t)(next_random(&state) % LEVELS)};
        uint32_t expected = 0, count;
        for (uint32_t a = 0; a < MANY; a++) expected += edge[a] != 0 && edge[a] <= at.short_at;
        const uint32_t *const found = fl_edges_crossed(e, &at, &count);
        cr_assert_eq(count, expected);
        for (uint32_t k = 0; k < count; k++) {
            cr_assert(edge[found[k]] != 0 && edge[found[k]] <= at.short_at);
            edge[found[k]] = -edge[found[k]]; /* once each */
        }
        for (uint32_t k = 0; k < count; k++) edge[found[k]] = -edge[found[k]];
        if (i % 16 == 0) cr_assert_null(fl_edges_unsound(e));
    }
    free(e);
}

/* Everybody in the last heap, all legs taken, everybody reported: nothing runs into anything, nor beyond the end. */
Test(edges, a_full_index_keeps_to_its_bytes)
{
    enum { MOST = 70, BEYOND = 64, MARK = 0x5A };
    const struct fl_edge_market at[2] = {{100, 100}, {100, 100}};
    for (uint32_t n = 1; n <= MOST; n++) {
        const size_t bytes = fl_edges_bytes(n, n, 2);
        unsigned char *const e = calloc(1, bytes + BEYOND);
        cr_assert_not_null(e);
        memset(e + bytes, MARK, BEYOND);
        fl_edges_init(e, n, n, 2);
        for (uint32_t a = 0; a < n; a++) put_one(e, a, 1, -UNIT, a % 3, at);
        const struct fl_edge_market later[2] = {{100, 100}, {100, 102}};
        cr_assert_eq(crossed(e, later), n);
        for (size_t i = 0; i < BEYOND; i++) cr_assert_eq(e[bytes + i], MARK);
        free(e);
    }
}

/* Finds the key that is known to be there, and spoils it. */
Test(edges, a_spoilt_heap_is_noticed)
{
    const size_t bytes = fl_edges_bytes(ACCOUNTS, LEGS, MARKETS);
    void *const e = new_index(ACCOUNTS, LEGS, MARKETS);
    const struct fl_edge_market at[MARKETS] = {{0}};
    for (uint32_t a = 0; a < 6; a++) put_one(e, a, 1, -UNIT, 238500 + a, at);
    cr_assert_null(fl_edges_unsound(e));
    int spoilt = 0;
    for (size_t i = 0; i + 8 <= bytes; i += 8) {
        int64_t was, key;
        memcpy(&was, (char *)e + i, 8);
        if (was < 238500 || was > 238505) continue;
        key = was == 238500 ? was + 100 : 1; /* the root and its copy; the others */
        memcpy((char *)e + i, &key, 8);
        cr_assert_not_null(fl_edges_unsound(e));
        memcpy((char *)e + i, &was, 8);
        spoilt++;
    }
    cr_assert_eq(spoilt, 7);
    cr_assert_null(fl_edges_unsound(e));
    free(e);
}

Test(edges, too_many_legs_panic, .signal = SIGABRT)
{
    void *const e = new_index(2, 2, 2);
    const struct fl_edge_market at[2] = {{0}};
    const struct fl_edge_leg legs[] = {{0, 0, 1}, {1, 0, 1}};
    fl_edges_put(e, 0, legs, 2, 0, at);
    fl_edges_put(e, 1, legs, 1, 0, at);
}

Test(edges, a_leg_without_size_panics, .signal = SIGABRT)
{
    const struct fl_edge_market at[MARKETS] = {{0}};
    put_one(new_index(ACCOUNTS, LEGS, MARKETS), 0, 0, 0, 1, at);
}

Test(edges, an_account_beyond_the_last_panics, .signal = SIGABRT)
{
    const struct fl_edge_market at[MARKETS] = {{0}};
    put_one(new_index(ACCOUNTS, LEGS, MARKETS), ACCOUNTS, 0, 1, 1, at);
}
