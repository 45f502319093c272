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

enum { MARKETS = 20, STEPS = 7200, LEGS_MAX = 5, IDLE_LOOKS = 1000000, SCANNED = 30000000 };
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
    uint32_t accounts, legs_each; /* 0: one to five */
    uint32_t scanned;             /* steps */
    bool heavy_tails;             /* of sizes */
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

/* Prices start between 1 and 50,000 USD; `correlation` of any two markets' steps. */
static void draw_path(double correlation)
{
    static double common[STEPS + 1];
    uint64_t state = SEED;
    for (uint32_t s = 0; s <= STEPS; s++) common[s] = normal(&state);
    const double deviation = VOLATILITY / sqrt(SECONDS_A_YEAR);
    for (uint32_t m = 0; m < MARKETS; m++) {
        double at = log(1e6) + log(50000) * uniform(&state);
        for (uint32_t s = 0; s <= STEPS; s++) {
            const int64_t price = (int64_t)exp(at);
            path[s][m].long_at = fl_mul_div_floor(price, UNITS - MAINTENANCE_PPM, UNITS);
            path[s][m].short_at = fl_mul_div_ceil(price, UNITS + MAINTENANCE_PPM, UNITS);
            const double own = normal(&state);
            at += deviation * (sqrt(correlation) * common[s] + sqrt(1 - correlation) * own) -
                  deviation * deviation / 2;
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

/* One to five legs unless told. Notional of 1,000 to 100,000 USD in all, either side; of a leg, twice its
 * part times a uniform number, or four times its part times the cube of one and at least a thousandth.
 * Leverage 2 to 20: half of the accounts the highest, the others uniform. */
static void draw_account(struct world *w, struct account *account, const struct work *work,
                         uint64_t *state)
{
    const uint32_t count = work->legs_each != 0 ? work->legs_each
                                                : 1 + (uint32_t)(next_random(state) % LEGS_MAX);
    const double part = 1e9 * pow(100, uniform(state)) / count,
                 leverage = fmin(20, 2 + 36 * uniform(state));
    uint32_t market = (uint32_t)(next_random(state) % MARKETS);
    fl_i128 value = 0, gross = 0;
    *account = (struct account){0, w->legs, count};
    for (uint32_t i = 0; i < count; i++) {
        const int64_t price = (path[0][market].long_at + path[0][market].short_at) / 2;
        const double u = uniform(state),
                     notional = part * (work->heavy_tails ? fmax(4 * u * u * u, 0.001) : 2 * u);
        const int64_t size = 1 + (int64_t)(notional * UNITS / (double)price),
                      side = next_random(state) % 2 ? 1 : -1;
        w->leg[w->legs++] = (struct fl_edge_leg){market, 0, side * size};
        value += (fl_i128)side * size * price / UNITS;
        gross += (fl_i128)size * price / UNITS;
        market = (market + 1 + (uint32_t)(next_random(state) % 3)) % MARKETS;
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
    for (uint32_t a = 0; a < w.accounts; a++) draw_account(&w, &w.account[a], work, &state);
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

static void update_by_index(struct world *w, const struct fl_edge_market *at, struct fl_bench *m)
{
    uint32_t count;
    const uint32_t *const found = fl_edges_crossed(w->index, at, &count);
    m->count[REPORTED] += count;
    for (uint32_t i = 0; i < count; i++) {
        const fl_i128 slack = slack_of(w, &w->account[found[i]], at);
        if (slack < 0) {
            w->account[found[i]].count = 0;
            m->count[TAKEN_OUT]++;
        }
        put(w, found[i], slack, at);
    }
}

static void update_by_scan(struct world *w, const struct fl_edge_market *at, struct fl_bench *m)
{
    for (uint32_t a = 0; a < w->accounts; a++)
        if (w->account[a].count != 0 && slack_of(w, &w->account[a], at) < 0) {
            w->account[a].count = 0;
            m->count[TAKEN_OUT]++;
        }
}

static struct fl_bench measure_index(const void *what)
{
    const struct work *const work = what;
    struct world w = new_world(work);
    struct fl_bench m = {0};
    const double start = fl_bench_now();
    for (uint32_t s = 1; s <= STEPS; s++) {
        update_by_index(&w, path[s], &m);
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
    for (uint32_t s = 1; s <= work->scanned; s++) update_by_scan(&w, path[s], &m);
    m.seconds = fl_bench_now() - start;
    free_world(&w);
    return m;
}

/* All prices fall by a tenth at once. */
static struct fl_bench measure_fall(const void *what)
{
    const struct work *const work = what;
    struct world w = new_world(work);
    struct fl_bench m = {0};
    struct fl_edge_market at[MARKETS];
    for (uint32_t i = 0; i < MARKETS; i++)
        at[i] = (struct fl_edge_market){path[0][i].long_at / 10 * 9, path[0][i].short_at / 10 * 9};
    const double start = fl_bench_now();
    if (work->indexed)
        update_by_index(&w, at, &m);
    else
        update_by_scan(&w, at, &m);
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

static void must_agree(uint64_t a, uint64_t b)
{
    if (a == b) return;
    fprintf(stderr, "bench: index and scan take out different accounts\n");
    exit(EXIT_FAILURE);
}

static void report(const char *name, struct work work)
{
    work.scanned = (uint32_t)fl_min(STEPS, SCANNED / work.accounts);
    work.indexed = false;
    const struct fl_bench scan = fl_bench_median(measure_scan, &work);
    work.indexed = true;
    const struct fl_bench index = fl_bench_median(measure_index, &work),
                          idle = fl_bench_median(measure_idle, &work);
    must_agree(index.count[TAKEN_OUT_WHILE_SCANNED], scan.count[TAKEN_OUT]);
    const double look = idle.seconds / IDLE_LOOKS, reported = (double)index.count[REPORTED],
                 out = (double)index.count[TAKEN_OUT], accounts = work.accounts;
    printf("%-22s %7" PRIu32 " accounts  %6.0f ns an update: %2.0f and %4.0f for each of %8.4f "
           "reported  (scan %9.0f ns)\n",
           name, work.accounts, 1e9 * index.seconds / STEPS, 1e9 * look,
           1e9 * (index.seconds - look * STEPS) / reported, reported / STEPS,
           1e9 * scan.seconds / work.scanned);
    printf("    %.3g account-updates/s  (scan %.3g; of %" PRIu32 " steps, with the same %" PRIu64
           " taken out)  taken out %.2f %%, %.1f rechecks for each\n",
           accounts * STEPS / index.seconds, accounts * work.scanned / scan.seconds, work.scanned,
           scan.count[TAKEN_OUT], 100 * out / accounts, reported / out);
}

static void report_fall(struct work work)
{
    const struct fl_bench index = fl_bench_median(measure_fall, &work);
    work.indexed = false;
    const struct fl_bench scan = fl_bench_median(measure_fall, &work);
    must_agree(index.count[TAKEN_OUT], scan.count[TAKEN_OUT]);
    printf("all prices fall by a tenth at once, %" PRIu32
           " accounts: %.1f %% reported, %.1f %% taken "
           "out, %.0f ms  (scan %.0f ms)\n",
           work.accounts, 100.0 * (double)index.count[REPORTED] / work.accounts,
           100.0 * (double)index.count[TAKEN_OUT] / work.accounts, 1e3 * index.seconds,
           1e3 * scan.seconds);
}

static void report_bytes(struct work work)
{
    const struct fl_bench with = fl_bench_median(measure_making, &work);
    work.indexed = false;
    const struct fl_bench without = fl_bench_median(measure_making, &work);
    printf("index of %" PRIu32
           " accounts with one position: %.1f bytes each, %.0f ns each to make\n",
           work.accounts, (with.peak_mib - without.peak_mib) * 0x1p20 / work.accounts,
           1e9 * (with.seconds - without.seconds) / work.accounts);
}

int main(void)
{
    enum { MANY = 1000000, FEW = 100000 };
    fl_bench_title("Index over accounts, 20 markets, 7,200 steps of a second",
                   "build/tests/bench/bench_edges");
    draw_path(0);
    for (uint32_t n = 1000; n <= MANY; n *= 10)
        report("one to five positions", (struct work){n, 0, .indexed = true});
    for (uint32_t n = 1000; n <= MANY; n *= 10)
        report("one position", (struct work){n, 1, .indexed = true});
    report("heavy tails", (struct work){FEW, 0, .heavy_tails = true, .indexed = true});
    draw_path(0.7);
    report("correlation 0.7", (struct work){FEW, 0, .indexed = true});
    report("both", (struct work){FEW, 0, .heavy_tails = true, .indexed = true});
    report_fall((struct work){MANY, 0, .indexed = true});
    report_bytes((struct work){MANY, 1, .indexed = true});
    return 0;
}
