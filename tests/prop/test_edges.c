/* The index over accounts beside a scan of them all: at every step, what it reports and an exact look
 * finds below maintenance is what the scan finds. Accounts are exact, with the roundings of dYdX v4; prices are so
 * small that each whole number is met again and again, and stand, jump and oscillate. The same property must
 * see through indices fed wrongly. */
#include "models/ledger/edges.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARKETS = 20, LEGS_MAX = 5, ACCOUNTS_MAX = 2000 };
#define PPM INT64_C(1000000)
#define UNITS INT64_C(1000000)

/* What is done wrongly, to see that it is noticed. */
enum wrong {
    NOTHING,
    EDGES_LATE,       /* by one unit: as if edges were rounded away from the price */
    FUNDING_OMITTED,  /* from coordinates */
    LOSS_OMITTED,     /* likewise */
    ROUNDING_OMITTED, /* slack handed over as it is, or rather as it might be */
    CHANGES_OMITTED   /* an account that withdraws is not put again */
};

struct market {
    int64_t price, centre, initial_ppm, fraction_ppm;
    int64_t funding, loss; /* 10^-6 USD a unit: longs pay funding, both sides pay losses */
};
struct leg {
    uint32_t market;
    int64_t size, funding, loss; /* indices when opened */
};
struct account {
    int64_t quote;
    uint32_t count;
    struct leg leg[LEGS_MAX];
};
struct world {
    uint64_t random;
    enum wrong wrong;
    uint32_t accounts;
    struct market market[MARKETS];
    struct account account[ACCOUNTS_MAX];
    bool reported[ACCOUNTS_MAX];
    void *index;
    uint64_t steps, rechecks, liquidated, ties;
};

static uint64_t next_random(struct world *w) /* SplitMix64 (Steele, Lea, Flood 2014) */
{
    uint64_t z = w->random += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}
static int64_t between(struct world *w, int64_t least, int64_t most)
{
    return least + (int64_t)(next_random(w) % (uint64_t)(most - least + 1));
}

/* --- an account, exactly ------------------------------------------------------------------------------ */

static fl_i128 floor_div(fl_i128 a, fl_i128 b)
{
    return a / b - (a % b < 0);
}
static fl_i128 ceil_div(fl_i128 a, fl_i128 b)
{
    return -floor_div(-a, b);
}

/* Net collateral less maintenance margin: mechanisms 2.1. Below 0: to be liquidated. */
static fl_i128 slack_of(const struct world *w, const struct account *account)
{
    fl_i128 due = 0, slack = account->quote;
    for (uint32_t i = 0; i < account->count; i++) {
        const struct leg *const leg = &account->leg[i];
        const struct market *const m = &w->market[leg->market];
        const fl_i128 notional = (fl_i128)leg->size * m->price / UNITS;
        const fl_i128 initial =
            ceil_div((notional < 0 ? -notional : notional) * m->initial_ppm, PPM);
        slack += notional - ceil_div(initial * m->fraction_ppm, PPM);
        due -= (fl_i128)leg->size * (m->funding - leg->funding);
        due -= (fl_i128)fl_abs(leg->size) * (m->loss - leg->loss);
    }
    return slack + floor_div(due, UNITS);
}

/* --- the index over them ------------------------------------------------------------------------------- */

static void stand(const struct world *w, struct fl_edge_market *at)
{
    for (uint32_t i = 0; i < MARKETS; i++) {
        const struct market *const m = &w->market[i];
        const fl_i128 one = (fl_i128)PPM * PPM, share = (fl_i128)m->initial_ppm * m->fraction_ppm;
        const int64_t funding = w->wrong == FUNDING_OMITTED ? 0 : m->funding,
                      loss = w->wrong == LOSS_OMITTED ? 0 : m->loss;
        at[i].long_at = (int64_t)floor_div(m->price * (one - share), one) - funding - loss;
        at[i].short_at = (int64_t)ceil_div(m->price * (one + share), one) - funding + loss;
    }
}

static void put(struct world *w, uint32_t a)
{
    const struct account *const account = &w->account[a];
    struct fl_edge_market at[MARKETS];
    struct fl_edge_leg leg[LEGS_MAX];
    stand(w, at);
    for (uint32_t i = 0; i < account->count; i++)
        leg[i] = (struct fl_edge_leg){account->leg[i].market, 0, account->leg[i].size};
    const int roundings = 4 * (int)account->count; /* edges.h */
    fl_edges_put(w->index, a, leg, account->count,
                 slack_of(w, account) - (w->wrong == ROUNDING_OMITTED ? -roundings : roundings),
                 at);
}

/* Fills w->reported; false if an account came twice. */
static bool ask(struct world *w)
{
    struct fl_edge_market at[MARKETS];
    uint32_t count;
    stand(w, at);
    for (uint32_t i = 0; w->wrong == EDGES_LATE && i < MARKETS; i++)
        at[i].long_at++, at[i].short_at--;
    const uint32_t *const found = fl_edges_crossed(w->index, at, &count);
    memset(w->reported, 0, sizeof w->reported);
    for (uint32_t i = 0; i < count; i++) {
        if (found[i] >= w->accounts || w->reported[found[i]]) return false;
        w->reported[found[i]] = true;
    }
    w->rechecks += count;
    return true;
}

/* --- what happens -------------------------------------------------------------------------------------- */

/* Opens from nothing: one to five legs in markets that differ, slack a fifth to a two-hundredth of the notional. */
static void open_account(struct world *w, uint32_t a)
{
    struct account *const account = &w->account[a];
    fl_i128 notional = 0;
    account->count = (uint32_t)between(w, 1, LEGS_MAX);
    uint32_t market = (uint32_t)between(w, 0, MARKETS - 1);
    for (uint32_t i = 0; i < account->count; i++) {
        const struct market *const m = &w->market[market];
        const int64_t size = between(w, 1, 50 * UNITS) * (next_random(w) % 2 ? 1 : -1);
        account->leg[i] = (struct leg){market, size, m->funding, m->loss};
        notional += (fl_i128)fl_abs(size) * m->price / UNITS;
        market = (market + (uint32_t)between(w, 1, 3)) % MARKETS;
    }
    account->quote = 0;
    account->quote = (int64_t)(notional / between(w, 5, 200) - slack_of(w, account));
}

/* Deposits, withdraws all but a little, changes a size (or side: then what was due is forgiven), closes a leg. */
static void change(struct world *w, uint32_t a)
{
    struct account *const account = &w->account[a];
    if (account->count == 0) {
        open_account(w, a);
        put(w, a);
        return;
    }
    struct leg *const leg = &account->leg[next_random(w) % account->count];
    const struct market *const m = &w->market[leg->market];
    switch (next_random(w) % 6) {
    case 0:
        account->quote += between(w, 1, 1000);
        break;
    case 1:
        account->quote -= (int64_t)(slack_of(w, account) - between(w, 0, 40));
        if (w->wrong == CHANGES_OMITTED) return;
        break;
    case 2:
    case 3:
    case 4: {
        const int64_t size = leg->size + between(w, -UNITS, UNITS);
        account->quote -= (int64_t)((fl_i128)(size - leg->size) * m->price / UNITS);
        if (size != 0) *leg = (struct leg){leg->market, size, m->funding, m->loss};
        break;
    }
    case 5:
        account->quote += (int64_t)((fl_i128)leg->size * m->price / UNITS);
        *leg = account->leg[--account->count];
        break;
    }
    put(w, a);
}

/* Prices swing about their centre within a third of it, mostly by nothing or little, now and then by a jump. */
static void move(struct world *w)
{
    for (uint32_t i = 0; i < MARKETS; i++) {
        struct market *const m = &w->market[i];
        const uint64_t what = next_random(w) % 64;
        if (what < 24) {
            const bool down = (w->steps >> 6 ^ i) & 1; /* up and down again */
            m->price += between(w, -3, 3) + (down ? -1 : 1);
        } else if (what == 24 && w->steps % 16 == 0) {
            m->price += m->centre * between(w, -100, 100) / 1000;
        }
        m->price = fl_clamp(m->price, m->centre * 2 / 3, m->centre * 4 / 3);
        if (next_random(w) % 128 == 0) m->funding += between(w, -2, 2);
        if (next_random(w) % 2048 == 0) m->loss += between(w, 0, 2);
    }
}

/* The account is below maintenance: mostly taken out; now and then left there, to be reported on. */
static void liquidate(struct world *w, uint32_t a)
{
    w->liquidated++;
    if (next_random(w) % 4 != 0) w->account[a].count = 0;
    put(w, a);
}

/* One step; false if index and scan differ. */
static bool step(struct world *w)
{
    w->steps++;
    move(w);
    if (!ask(w)) return false;
    for (uint32_t a = 0; a < w->accounts; a++) {
        if (w->account[a].count == 0) {
            if (w->reported[a]) return false;
            continue;
        }
        const fl_i128 slack = slack_of(w, &w->account[a]);
        w->ties += slack == 0;
        if (slack < 0 && !w->reported[a]) return false;
        if (slack < 0)
            liquidate(w, a);
        else if (w->reported[a])
            put(w, a);
    }
    for (uint32_t i = 0; i < 2; i++) change(w, (uint32_t)(next_random(w) % w->accounts));
    return w->steps % 1024 != 0 || fl_edges_unsound(w->index) == NULL;
}

static struct world *new_world(uint64_t seed, uint32_t accounts, enum wrong wrong)
{
    struct world *const w = calloc(1, sizeof *w);
    cr_assert_not_null(w);
    w->random = seed, w->accounts = accounts, w->wrong = wrong;
    w->index = calloc(1, fl_edges_bytes(accounts, accounts * LEGS_MAX, MARKETS));
    cr_assert_not_null(w->index);
    fl_edges_init(w->index, accounts, accounts * LEGS_MAX, MARKETS);
    for (uint32_t i = 0; i < MARKETS; i++) {
        struct market *const m = &w->market[i];
        m->price = m->centre = i % 4 == 3 ? between(w, 20, 200) : between(w, 500, 20000);
        m->initial_ppm = between(w, 20000, 100000);
        m->fraction_ppm = between(w, 500000, 600000);
    }
    for (uint32_t a = 0; a < accounts; a++) {
        open_account(w, a);
        put(w, a);
    }
    return w;
}

/* The first step at which index and scan differ; 0 if they never do. */
static uint64_t differs(uint64_t seed, uint32_t accounts, uint64_t steps, enum wrong wrong)
{
    struct world *const w = new_world(seed, accounts, wrong);
    fprintf(stderr, "edges: seed %#" PRIx64 ", %" PRIu32 " accounts, wrong: %d\n", seed, accounts,
            (int)wrong);
    uint64_t at = 0;
    while (at == 0 && w->steps < steps)
        if (!step(w)) at = w->steps;
    fprintf(stderr,
            "%" PRIu64 " steps: %" PRIu64 " rechecks, %" PRIu64 " liquidated, %" PRIu64
            " times a slack of 0\n",
            w->steps, w->rechecks, w->liquidated, w->ties);
    if (wrong == NOTHING) { /* the path is one that could show a fault */
        cr_assert_gt(w->liquidated, steps / 100);
        cr_assert_gt(w->rechecks, 2 * w->liquidated);
        cr_assert_gt(w->ties, 0);
    }
    free(w->index);
    free(w);
    return at;
}

Test(edges, index_is_the_scan)
{
    cr_assert_eq(differs(0x2385, 500, 100000, NOTHING), 0);
    cr_assert_eq(differs(0x2386, 2000, 5000, NOTHING), 0);
}

Test(edges, an_index_fed_wrongly_is_not)
{
    for (enum wrong wrong = EDGES_LATE; wrong <= CHANGES_OMITTED; wrong++) {
        const uint64_t at = differs(0x2387, 1000, 10000, wrong);
        fprintf(stderr, "wrong %d: seen at step %" PRIu64 "\n", (int)wrong, at);
        cr_assert_neq(at, 0, "wrong: %d", (int)wrong);
    }
}
