/* The index over cross-margin accounts (models/ledger/edges.c) on a path of prices: 20 markets, geometric
 * Brownian motion at 80 % a year in steps of a second, two hours of them. Every account that the index reports
 * is looked at exactly: below maintenance it is taken out, else put again. Beside it a scan of all accounts at
 * each step, over fewer steps; both must take out the same number up to there.
 *
 * An account-update is one account under one price update of all markets, whether anything looked at it or not. */
#include "models/ledger/edges.h"
#include "tests/lib/bench.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MARKETS = 20, STEPS = 7200, LEGS_MAX = 5, IDLE_LOOKS = 1000000 };
#define UNITS 1000000
#define VOLATILITY 0.8
#define SECONDS_A_YEAR (365.25 * 86400)
#define MAINTENANCE_PPM 30000 /* dYdX: initial margin of 5 %, three fifths of it */
#define SEED UINT64_C(0x2385)

static struct fl_edge_market path[STEPS + 1][MARKETS];

struct account {
    int64_t quote;
    uint32_t first, count;
};
struct world {
    uint32_t accounts, legs;
    struct account *account;
    struct fl_edge_leg *leg;
    void *index;
};
struct work {
    uint32_t accounts, legs_each, steps, scanned;
    bool indexed;
};
enum { REPORTED, TAKEN_OUT, TAKEN_OUT_WHILE_SCANNED };

static uint64_t next_random(uint64_t *state) /* SplitMix64 (Steele, Lea, Flood 2014) */
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}
static double uniform(uint64_t *state) /* (0, 1) */
{
    return ((double)(next_random(state) >> 11) + 0.5) * 0x1p-53;
}
static double normal(uint64_t *state) /* Box and Muller (1958) */
{
    return sqrt(-2 * log(uniform(state))) * cos(2 * acos(-1) * uniform(state));
}

/* Prices start between 1 and 50,000 USD. */
static void draw_path(void)
{
    uint64_t state = SEED;
    const double deviation = VOLATILITY / sqrt(SECONDS_A_YEAR);
    for (uint32_t m = 0; m < MARKETS; m++) {
        double at = log(1e6) + log(50000) * uniform(&state);
        for (uint32_t s = 0; s <= STEPS; s++) {
            const int64_t price = (int64_t)exp(at);
            path[s][m].long_at = fl_mul_div_floor(price, UNITS - MAINTENANCE_PPM, UNITS);
            path[s][m].short_at = fl_mul_div_ceil(price, UNITS + MAINTENANCE_PPM, UNITS);
            at += deviation * normal(&state) - deviation * deviation / 2;
        }
    }
}

/* --- accounts ---------------------------------------------------------------------------------------- */

/* Net collateral less maintenance margin, in 10^-12 USD. */
static inline fl_i128 slack_of(const struct world *w, const struct account *account,
                               const struct fl_edge_market *at)
{
    fl_i128 slack = (fl_i128)account->quote * UNITS;
    for (uint32_t i = 0; i < account->count; i++) {
        const struct fl_edge_leg *const leg = &w->leg[account->first + i];
        slack += (fl_i128)leg->size *
                 (leg->size < 0 ? at[leg->market].short_at : at[leg->market].long_at);
    }
    return slack;
}

static void put(const struct world *w, uint32_t a, fl_i128 slack, const struct fl_edge_market *at)
{
    const struct account *const account = &w->account[a];
    fl_edges_put(w->index, a, &w->leg[account->first], account->count, slack / UNITS - 1, at);
}

/* Notional of 1,000 to 100,000 USD over the legs, either side, leverage uniform from 2 to 20. */
static void draw_account(struct world *w, struct account *account, uint32_t count, uint64_t *state)
{
    const double notional = 1e9 * pow(100, uniform(state)), leverage = 2 + 18 * uniform(state);
    uint32_t market = (uint32_t)(next_random(state) % MARKETS);
    fl_i128 value = 0;
    *account = (struct account){0, w->legs, count};
    for (uint32_t i = 0; i < count; i++) {
        const int64_t price = (path[0][market].long_at + path[0][market].short_at) / 2;
        const int64_t side = next_random(state) % 2 ? 1 : -1;
        const int64_t size =
            side * (1 + (int64_t)(2 * uniform(state) * notional / count * UNITS / (double)price));
        w->leg[w->legs++] = (struct fl_edge_leg){market, 0, size};
        value += (fl_i128)size * price / UNITS;
        market = (market + 1 + (uint32_t)(next_random(state) % 3)) % MARKETS;
    }
    fl_i128 gross = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct fl_edge_leg *const leg = &w->leg[account->first + i];
        gross += (fl_i128)fl_abs(leg->size) *
                 ((path[0][leg->market].long_at + path[0][leg->market].short_at) / 2) / UNITS;
    }
    account->quote = (int64_t)((double)gross / leverage) - (int64_t)value;
}

static void *must(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "bench: no memory\n");
        exit(EXIT_FAILURE);
    }
    return memory;
}

static struct world new_world(const struct work *work)
{
    uint64_t state = SEED + 1;
    struct world w = {.accounts = work->accounts};
    w.account = must(calloc(w.accounts, sizeof *w.account));
    w.leg = must(calloc((size_t)w.accounts * LEGS_MAX, sizeof *w.leg));
    for (uint32_t a = 0; a < w.accounts; a++) {
        const uint32_t count =
            work->legs_each != 0 ? work->legs_each : 1 + (uint32_t)(next_random(&state) % LEGS_MAX);
        draw_account(&w, &w.account[a], count, &state);
    }
    if (!work->indexed) return w;
    w.index = must(calloc(1, fl_edges_bytes(w.accounts, w.accounts * LEGS_MAX, MARKETS)));
    fl_edges_init(w.index, w.accounts, w.accounts * LEGS_MAX, MARKETS);
    for (uint32_t a = 0; a < w.accounts; a++)
        put(&w, a, slack_of(&w, &w.account[a], path[0]), path[0]);
    return w;
}

static void free_world(struct world *w)
{
    free(w->account);
    free(w->leg);
    free(w->index);
}

/* --- measurements ------------------------------------------------------------------------------------ */

static struct fl_bench measure_index(const void *what)
{
    const struct work *const work = what;
    struct world w = new_world(work);
    struct fl_bench m = {0};
    const double start = fl_bench_now();
    for (uint32_t s = 1; s <= work->steps; s++) {
        const struct fl_edge_market *const at = path[s];
        uint32_t count;
        const uint32_t *const found = fl_edges_crossed(w.index, at, &count);
        m.count[REPORTED] += count;
        for (uint32_t i = 0; i < count; i++) {
            const fl_i128 slack = slack_of(&w, &w.account[found[i]], at);
            if (slack < 0) {
                w.account[found[i]].count = 0;
                m.count[TAKEN_OUT]++;
            }
            put(&w, found[i], slack, at);
        }
        if (s == work->scanned) m.count[TAKEN_OUT_WHILE_SCANNED] = m.count[TAKEN_OUT];
    }
    m.seconds = fl_bench_now() - start;
    free_world(&w);
    return m;
}

static struct fl_bench measure_scan(const void *what)
{
    const struct work *const work = what;
    struct world w = new_world(work);
    struct fl_bench m = {0};
    const double start = fl_bench_now();
    for (uint32_t s = 1; s <= work->scanned; s++)
        for (uint32_t a = 0; a < w.accounts; a++)
            if (w.account[a].count != 0 && slack_of(&w, &w.account[a], path[s]) < 0) {
                w.account[a].count = 0;
                m.count[TAKEN_OUT_WHILE_SCANNED]++;
            }
    m.seconds = fl_bench_now() - start;
    free_world(&w);
    return m;
}

/* Looks where nothing is reported. */
static struct fl_bench measure_idle(const void *what)
{
    struct world w = new_world(what);
    struct fl_bench m = {0};
    const double start = fl_bench_now();
    for (uint32_t i = 0; i < IDLE_LOOKS; i++) {
        uint32_t count;
        fl_edges_crossed(w.index, path[0], &count);
        m.count[REPORTED] += count;
    }
    m.seconds = fl_bench_now() - start;
    free_world(&w);
    return m;
}

static struct fl_bench measure_making(const void *what)
{
    struct fl_bench m = {0};
    const double start = fl_bench_now();
    struct world w = new_world(what);
    m.seconds = fl_bench_now() - start;
    free_world(&w);
    return m;
}

/* --- report ------------------------------------------------------------------------------------------ */

static void report(struct work work)
{
    work.scanned = (uint32_t)fl_min(STEPS, 3000000 / work.accounts);
    const struct fl_bench index = fl_bench_median(measure_index, &work);
    work.indexed = false;
    const struct fl_bench scan = fl_bench_median(measure_scan, &work);
    work.indexed = true;
    const struct fl_bench idle = fl_bench_median(measure_idle, &work);
    if (index.count[TAKEN_OUT_WHILE_SCANNED] != scan.count[TAKEN_OUT_WHILE_SCANNED]) {
        fprintf(stderr, "bench: index and scan take out different accounts\n");
        exit(EXIT_FAILURE);
    }
    const double look = idle.seconds / IDLE_LOOKS, updates = (double)work.accounts * work.steps,
                 scanned = (double)work.accounts * work.scanned;
    const double reported = (double)index.count[REPORTED], out = (double)index.count[TAKEN_OUT];
    printf("%7" PRIu32
           " accounts  %9.0f ns an update (nothing reported: %3.0f)  reported %10.3f an "
           "update, %4.0f ns each  rechecks %5.1f each taken out  taken out %5.2f %%\n"
           "                  %.3g account-updates/s  (scan %.3g, the same %" PRIu64
           " taken out in %" PRIu32 " steps)\n",
           work.accounts, 1e9 * index.seconds / work.steps, 1e9 * look, reported / work.steps,
           1e9 * (index.seconds - look * work.steps) / reported, reported / out,
           100 * out / work.accounts, updates / index.seconds, scanned / scan.seconds,
           scan.count[TAKEN_OUT_WHILE_SCANNED], work.scanned);
}

int main(void)
{
    fl_bench_title("Index over accounts, 20 markets, 7,200 steps of a second",
                   "build/tests/bench/bench_edges");
    draw_path();
    for (uint32_t legs_each = 0; legs_each <= 1; legs_each++) {
        printf(legs_each == 1 ? "one position each\n" : "one to five positions each\n");
        for (uint32_t n = 1000; n <= 1000000; n *= 10)
            report((struct work){n, legs_each, STEPS, 0, true});
    }
    struct work work = {1000000, 1, 0, 0, true};
    const struct fl_bench with = fl_bench_median(measure_making, &work);
    work.indexed = false;
    const struct fl_bench without = fl_bench_median(measure_making, &work);
    printf("index of 1000000 accounts with one position: %.1f bytes each, %.0f ns each to make\n",
           (with.peak_mib - without.peak_mib) * 0x1p20 / work.accounts,
           1e9 * (with.seconds - without.seconds) / work.accounts);
    return 0;
}
