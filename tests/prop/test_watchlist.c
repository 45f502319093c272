/* The index of the exchange against the scanning twin: at every version that lives, forks and a base that
 * lags behind included, the same accounts below maintenance in the same order as a look at every account
 * gives. 3,000 steps here, 100,000 in the soak (tests/soak/test_watchlist.c). */
#include "tests/lib/exchange_lab.h"

#include <inttypes.h>
#include <stdio.h>

#ifndef FL_WATCHLIST_STEPS
#define FL_WATCHLIST_STEPS 3000
#endif
enum { MARKETS = 20, TRADERS = 400, LAG = 6 };

struct walk {
    struct xlab *x;
    uint64_t random;
    int64_t price[MARKETS], drift[MARKETS];
    fl_version recent[LAG]; /* newest last */
    bool calm;
    uint64_t compared, fallen;
};

/* --- the twin --------------------------------------------------------------------------------------- */

static int by_ratio(const void *left, const void *right)
{
    const struct fl_below *a = left, *b = right;
    const fl_i128 one = (fl_i128)a->equity * b->maintenance,
                  other = (fl_i128)b->equity * a->maintenance;
    if (one != other) return one < other ? -1 : 1;
    return a->account < b->account ? -1 : a->account > b->account;
}

static uint32_t scan(const struct xlab *x, struct fl_below *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < x->accounts; i++) {
        const struct fl_account a = xlab_account(x, i);
        if (a.maker || !a.priced || a.maintenance == 0 || a.equity >= a.maintenance) continue;
        out[count++] =
            (struct fl_below){.account = i, .equity = a.equity, .maintenance = a.maintenance};
    }
    qsort(out, count, sizeof *out, by_ratio);
    return count;
}

static void compare(struct walk *w, fl_version version)
{
    struct xlab *x = w->x;
    const fl_version head = x->lab.head;
    struct fl_below twin[1 + MARKETS + TRADERS];
    x->lab.head = version;
    const uint32_t count = scan(x, twin);
    struct fl_liquidatable page = {.total = 1};
    for (uint32_t seen = 0; seen < page.total || seen == 0; seen += page.count) {
        lab_ask(&x->lab, XLAB_EXCHANGE, FL_ASK_LIQUIDATABLE, seen, &page, sizeof page);
        cr_assert_eq(page.total, count);
        for (uint32_t i = 0; i < page.count; i++) {
            cr_assert_eq(page.at[i].account, twin[seen + i].account);
            cr_assert_eq(page.at[i].equity, twin[seen + i].equity);
            cr_assert_eq(page.at[i].maintenance, twin[seen + i].maintenance);
        }
        if (page.count == 0) break;
    }
    w->compared++;
    w->fallen += count;
    x->lab.head = head;
}

/* --- the walk --------------------------------------------------------------------------------------- */

/* Prices swing between two bounds, at times by a jump, at times not at all. */
static void move_prices(struct walk *w)
{
    for (uint32_t i = 0; i < MARKETS; i++) {
        const int64_t kind = lab_between(&w->random, 0, 99);
        if (kind < 20) continue;
        const int64_t base = (int64_t)(10 + 100 * i) * USD;
        if (w->calm) break;                             /* only funding moves */
        const int64_t most = kind == 99 ? 60000 : 6000; /* ppm */
        int64_t step = w->price[i] * lab_between(&w->random, -most, most) / 1000000;
        step += w->price[i] * w->drift[i] / 1000000;
        w->price[i] += step;
        if (w->price[i] < base / 2 || w->price[i] > 2 * base) {
            w->price[i] = fl_clamp(w->price[i], base / 2, 2 * base);
            w->drift[i] = -w->drift[i];
        }
        xlab_report(w->x, i, fl_max(w->price[i], 1));
    }
}

static void requote(struct walk *w)
{
    for (uint32_t i = 0; i < MARKETS; i++)
        xlab_tx(w->x, XLAB_MAKER + i % w->x->makers, FL_TX_QUOTE, w->price[i], 300,
                (int64_t)1000000000, i);
}

static void act(struct walk *w)
{
    struct xlab *x = w->x;
    const uint32_t account = x->first + (uint32_t)lab_between(&w->random, 0, TRADERS - 1);
    const uint32_t market = (uint32_t)lab_between(&w->random, 0, MARKETS - 1);
    const int64_t what = lab_between(&w->random, 0, 9);
    if (what < 2) {
        xlab_tx(x, account, FL_TX_DEPOSIT, lab_between(&w->random, 1, 3000 * USD), 0, 0, 0);
    } else if (what < 8) {
        const int64_t worth = lab_between(&w->random, -20000, 20000) * USD;
        xlab_tx(x, account, FL_TX_TRADE, worth / (w->price[market] / 1000 + 1) * 1000 + 1, 0,
                market, 0);
    } else if (what < 9) {
        xlab_tx(x, account, FL_TX_WITHDRAW, lab_between(&w->random, 1, 500 * USD), 0, 0, 0);
    } else {
        xlab_tx(x, account, FL_TX_LIQUIDATE, x->first + lab_between(&w->random, 0, TRADERS - 1), 0,
                0, 0);
    }
}

static void push(struct walk *w)
{
    struct lab *lab = &w->x->lab;
    for (uint32_t i = 0; i + 1 < LAG; i++) w->recent[i] = w->recent[i + 1];
    w->recent[LAG - 1] = lab->head;
    if (lab_between(&w->random, 0, 3) == 0 && fl_ledger_alive(lab->ledger, w->recent[0]))
        fl_ledger_advance(lab->ledger, w->recent[0]);
}

/* Now and then the next batch is a fork: on the parent of the newest. */
static void maybe_fork(struct walk *w)
{
    struct lab *lab = &w->x->lab;
    const fl_version parent = fl_ledger_parent(lab->ledger, lab->head);
    if (lab_between(&w->random, 0, 9) == 0 && fl_ledger_alive(lab->ledger, parent)) {
        lab->head = parent;
        w->recent[LAG - 1] = parent;
    }
}

static void step(struct walk *w)
{
    struct xlab *x = w->x;
    maybe_fork(w);
    if (lab_between(&w->random, 0, 49) == 0) w->calm = !w->calm;
    x->now += FL_SECOND * lab_between(&w->random, 1, w->calm ? 900 : 30);
    lab_begin(&x->lab, x->now);
    move_prices(w);
    requote(w);
    for (int64_t i = lab_between(&w->random, 0, w->calm ? 1 : 12); i > 0; i--) act(w);
    lab_run(&x->lab);
    push(w);
    compare(w, x->lab.head);
    const fl_version other = w->recent[lab_between(&w->random, 0, LAG - 1)];
    if (fl_ledger_alive(x->lab.ledger, other)) compare(w, other);
}

static void start(struct walk *w)
{
    struct xlab *x = w->x;
    x->exchange.insurance_fund = 100000 * USD;
    x->exchange.trading_fee_ppm = 500;
    x->exchange.funding_tick = 3600 * FL_SECOND;
    x->exchange.liquidations_per_block = 3;
    x->exchange.deleveraging.model = &fl_model_ranked;
    for (uint32_t i = 0; i < MARKETS; i++) {
        x->market[i].initial_ppm = 20000 + 7919 * i;
        x->market[i].maintenance_fraction_ppm = 300000 + 31013 * i;
        x->market[i].default_funding_ppm = 10000 * (int64_t)(i % 7) - 30000;
        w->price[i] = (int64_t)(10 + 100 * i) * USD;
        w->drift[i] = i % 2 ? 700 : -700;
    }
    xlab_open(x, MARKETS, 4, TRADERS);
    for (uint32_t i = 0; i < LAG; i++) w->recent[i] = x->lab.head;
    for (uint32_t i = 0; i < x->makers; i++)
        cr_assert_eq(xlab_do(x, XLAB_MAKER + i, FL_TX_DEPOSIT, 1000000000 * USD, 0, 0, 0), 0);
}

Test(watchlist, agrees_with_a_look_at_every_account, .timeout = 3600)
{
    const char *seed = getenv("FL_SEED");
    const long steps = FL_WATCHLIST_STEPS;
    struct walk *w = calloc(1, sizeof *w);
    w->random = seed ? strtoull(seed, NULL, 10) : 41;
    fprintf(stderr, "FL_SEED=%" PRIu64 "\n", w->random);
    w->x = xlab_new();
    start(w);
    for (long i = 0; i < steps; i++) {
        step(w);
        if (i % 256 == 0) xlab_recount(w->x);
    }
    const struct fl_totals t = xlab_totals(w->x);
    fprintf(stderr,
            "%" PRIu64 " comparisons, %" PRIu64 " accounts below maintenance, %" PRId64
            " liquidations, %" PRId64 " deleveragings, deficit %" PRId64 "\n",
            w->compared, w->fallen, t.liquidations, t.deleveragings, t.deficit / USD);
    cr_assert_gt(w->fallen, (uint64_t)steps / 10);
    cr_assert_gt(t.liquidations, steps / 20);
    xlab_recount(w->x);
    xlab_free(w->x);
    free(w);
}
