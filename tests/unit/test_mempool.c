/* The mempool against a slow twin: a list that is searched from end to end, and sorted by looking for
 * the best again and again. Small numbers, so that slots, ring and index wrap round often and fees tie.
 * What it does by arrival is also tested through the replica (test_consensus.c). */
#include "models/chain/mempool.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY = 7, STEPS = 60000, BUMP = 100000 };

struct waiting {
    struct fl_tx tx;
    fl_time arrived;
};

struct twin {
    bool by_fee;
    int64_t base_fee;
    uint64_t dropped;
    uint32_t count;
    struct waiting at[CAPACITY + 1]; /* in order of arrival */
    struct fl_tx applied[STEPS];
    uint32_t applied_count;
};

/* --- the twin ------------------------------------------------------------------------------------ */

static int64_t pays(const struct twin *t, const struct fl_tx *tx)
{
    const int64_t room = tx->fee_cap - t->base_fee;
    return tx->tip < room ? tx->tip : room;
}

static bool same_name(const struct fl_tx *a, const struct fl_tx *b)
{
    return a->account == b->account && a->nonce == b->nonce;
}

static void twin_remove(struct twin *t, uint32_t i)
{
    memmove(&t->at[i], &t->at[i + 1], (--t->count - i) * sizeof t->at[0]);
}

static int twin_find(const struct twin *t, const struct fl_tx *tx)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (same_name(&t->at[i].tx, tx)) return (int)i;
    return -1;
}

/* The newest CAPACITY of them. */
static bool twin_applied(const struct twin *t, const struct fl_tx *tx)
{
    const uint32_t from = t->applied_count > CAPACITY ? t->applied_count - CAPACITY : 0;
    for (uint32_t i = from; i < t->applied_count; i++)
        if (same_name(&t->applied[i], tx)) return true;
    return false;
}

/* Of those that pay least, the last to come. */
static uint32_t twin_cheapest(const struct twin *t)
{
    uint32_t worst = 0;
    for (uint32_t i = 1; i < t->count; i++)
        if (pays(t, &t->at[i].tx) <= pays(t, &t->at[worst].tx)) worst = i;
    return worst;
}

static void twin_add(struct twin *t, const struct fl_tx *tx, fl_time now)
{
    t->at[t->count++] = (struct waiting){*tx, now};
    if (t->count <= CAPACITY) return;
    t->dropped++;
    twin_remove(t, t->by_fee ? twin_cheapest(t) : CAPACITY);
}

/* At least 10 % more, both, and more at all. */
static bool twin_outbids(const struct fl_tx *old, const struct fl_tx *tx)
{
    return tx->fee_cap > old->fee_cap && tx->tip > old->tip &&
           10 * tx->fee_cap >= 11 * old->fee_cap && 10 * tx->tip >= 11 * old->tip;
}

static uint32_t twin_expire(struct twin *t, fl_time limit)
{
    uint32_t expired = 0;
    for (uint32_t i = 0; i < t->count;) {
        if (t->at[i].arrived <= limit) {
            twin_remove(t, i);
            expired++;
        } else {
            i++;
        }
    }
    return expired;
}

/* Those that go into a block, the first first: the best that is left, the first of equals. */
static uint32_t twin_rank(const struct twin *t, struct fl_tx *out)
{
    bool taken[CAPACITY] = {false};
    for (uint32_t n = 0;; n++) {
        int best = -1;
        for (uint32_t i = 0; i < t->count; i++) {
            if (taken[i] || (t->by_fee && pays(t, &t->at[i].tx) < 0)) continue;
            if (best < 0 || (t->by_fee && pays(t, &t->at[i].tx) > pays(t, &t->at[best].tx)))
                best = (int)i;
        }
        if (best < 0) return n;
        taken[best] = true;
        out[n] = t->at[best].tx;
    }
}

/* --- side by side -------------------------------------------------------------------------------- */

static uint64_t seed, draws;
static uint64_t below(uint64_t bound)
{
    return fl_draw_below(seed, FL_RNG_AGENT, 5, draws++, 0, bound);
}

static struct fl_tx any_tx(void)
{
    const int64_t tip = (int64_t)below(24);
    return (struct fl_tx){.account = (uint32_t)below(4),
                          .nonce = below(5) << 20 * below(3),
                          .fee_cap = tip + (int64_t)below(24),
                          .tip = tip};
}

static void same_ranking(struct fl_mempool *pool, const struct twin *t)
{
    struct fl_tx expected[CAPACITY];
    const uint32_t count = twin_rank(t, expected);
    cr_assert_eq(fl_mempool_rank(pool), count, "seed %" PRIu64, seed);
    for (uint32_t i = 0; i < count; i++)
        cr_assert_eq(memcmp(&fl_mempool_at(pool, fl_mempool_next(pool))->tx, &expected[i],
                            sizeof expected[i]),
                     0, "seed %" PRIu64 ", draw %" PRIu64 ", place %u", seed, draws, i);
}

/* The first of the ranking, or the one after it. */
static void drop_ranked(struct fl_mempool *pool, struct twin *t)
{
    struct fl_tx expected[CAPACITY];
    const uint32_t count = twin_rank(t, expected), which = (uint32_t)below(2);
    if (fl_mempool_rank(pool) <= which) return;
    if (which == 1) fl_mempool_next(pool);
    fl_mempool_drop(pool, fl_mempool_next(pool));
    twin_remove(t, (uint32_t)twin_find(t, &expected[which]));
    for (uint32_t i = which + 1; i < count; i++) { /* the rest is as it was */
        const struct fl_pooled *p = fl_mempool_at(pool, fl_mempool_next(pool));
        cr_assert_eq(memcmp(&p->tx, &expected[i], sizeof p->tx), 0);
    }
}

static void hand_in(struct fl_mempool *pool, struct twin *t, const struct fl_tx *tx, fl_time now)
{
    const uint32_t known = fl_mempool_find(pool, tx->account, tx->nonce);
    const int at = twin_find(t, tx);
    cr_assert_eq(known > CAPACITY, twin_applied(t, tx));
    cr_assert_eq(known > 0 && known <= CAPACITY, at >= 0);
    if (known > CAPACITY) return;
    if (known == 0) {
        twin_add(t, tx, now);
        cr_assert_eq(fl_mempool_add(pool, tx, now) != 0, twin_find(t, tx) >= 0);
        return;
    }
    const bool outbids = fl_mempool_outbids(&fl_mempool_at(pool, known)->tx, tx, BUMP);
    cr_assert_eq(outbids, twin_outbids(&t->at[at].tx, tx));
    if (!outbids) return;
    fl_mempool_replace(pool, known, tx, now);
    twin_remove(t, (uint32_t)at);
    t->at[t->count++] = (struct waiting){*tx, now};
}

static void apply(struct fl_mempool *pool, struct twin *t, const struct fl_tx *tx)
{
    if (!twin_applied(t, tx)) {
        t->applied[t->applied_count++] = *tx;
        const int at = twin_find(t, tx);
        if (at >= 0) twin_remove(t, (uint32_t)at);
    }
    fl_mempool_apply(pool, tx);
}

static void agree_on_a_walk(bool by_fee)
{
    struct fl_mempool *pool = calloc(1, fl_mempool_bytes(CAPACITY));
    struct twin *t = calloc(1, sizeof *t);
    cr_assert(pool && t);
    t->by_fee = by_fee;
    fl_mempool_init(pool, CAPACITY, by_fee);
    uint32_t most = 0;
    for (fl_time now = 0; now < STEPS; now++) {
        const uint64_t what = below(20);
        const struct fl_tx tx = any_tx();
        if (what < 14) {
            hand_in(pool, t, &tx, now);
        } else if (what < 16) {
            apply(pool, t, &tx);
        } else if (what == 16) {
            const fl_time limit = now - (fl_time)below(60);
            cr_assert_eq(fl_mempool_expire(pool, limit), twin_expire(t, limit));
        } else if (what == 18) {
            drop_ranked(pool, t);
        } else if (by_fee && what == 17) {
            t->base_fee = (int64_t)below(40);
            fl_mempool_set_base_fee(pool, t->base_fee);
        } else {
            same_ranking(pool, t);
        }
        cr_assert_eq(pool->count, t->count, "seed %" PRIu64 ", step %" PRId64, seed, now);
        cr_assert_eq(pool->dropped, t->dropped);
        most = pool->count > most ? pool->count : most;
    }
    cr_assert(most == CAPACITY && t->dropped > 1000); /* it was full, often */
    free(pool);
    free(t);
}

Test(mempool, agrees_with_a_slow_twin)
{
    for (seed = 1; seed <= 5; seed++) {
        agree_on_a_walk(true);
        agree_on_a_walk(false);
    }
}

/* The boundary of "at least ten per cent", in both parts, and from nothing. */
Test(mempool, a_replacement_is_dearer_in_both_parts)
{
    static const struct {
        int64_t old_cap, old_tip, cap, tip;
        bool outbids;
    } cases[] = {
        {1000, 100, 1100, 110, true},
        {1000, 100, 1099, 110, false},
        {1000, 100, 1100, 109, false},
        {1000, 100, 5000, 100, false},
        {1005, 105, 1106, 116, true},
        {1005, 105, 1105, 116, false},
        {1000, 0, 1100, 0, false},
        {1000, 0, 1100, 1, true},
        {0, 0, 1, 1, true},
        {FL_FEE_MAX, 5, FL_FEE_MAX, 50, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fl_tx old = {.fee_cap = cases[i].old_cap, .tip = cases[i].old_tip};
        const struct fl_tx tx = {.fee_cap = cases[i].cap, .tip = cases[i].tip};
        cr_expect_eq(fl_mempool_outbids(&old, &tx, BUMP), cases[i].outbids, "%zu", i);
    }
}
