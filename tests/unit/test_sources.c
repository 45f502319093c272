/* Price sources against theory and against twins in floating point. Each source stands in a laid-out
 * world whose loop never runs; its ticks are told by hand. Statistical tests fail a sound source with
 * probability CHANCE; their seeds are fixed. */
#include "models/source/log_price.h"
#include "sim/state.h"

#include <criterion/criterion.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_randist.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

/* Two-sided, of the normal and of Kolmogorov's law (test_agents.c). */
#define CHANCE 1e-6
#define NORMAL_BOUND 4.9
#define KOLMOGOROV 2.7

#define YEAR_S 31536000.0
#define HOUR_MS 3600000

/* ------------------------------------------------------------------------------------------------
 * The bench
 * --------------------------------------------------------------------------------------------- */

enum { SOURCES = 4 };

struct bench {
    struct fl_config *config;
    struct fl_world *world;
    struct fl_outbox *out;
};

/* One market for each source, all with the same ticks. */
static struct bench bench_open(const char *const *source, uint32_t count, int64_t tick_ms)
{
    char text[4096];
    int used = snprintf(text, sizeof text,
                        "{\"name\": \"bench\", \"duration_s\": 1, \"network\": {\"delay_ms\": 1}, "
                        "\"nodes\": {");
    for (uint32_t i = 0; i < count; i++)
        used += snprintf(text + used, sizeof text - (size_t)used,
                         "%s\"m%" PRIu32 "\": {\"source\": {\"tick_ms\": %" PRId64
                         ", %s}, \"market\": {\"model\": \"spot\", \"subscribers\": [], "
                         "\"depth\": 1}}",
                         i > 0 ? ", " : "", i, tick_ms, source[i]);
    snprintf(text + used, sizeof text - (size_t)used, "}}");
    struct fl_problems problems = {.to = stderr};
    struct bench b = {.out = calloc(1, sizeof *b.out)};
    b.config = fl_config_parse(text, strlen(text), "bench.json", NULL, 0, NULL, &problems);
    cr_assert(b.config && b.out, "%s", text);
    b.world = fl_world_new(b.config);
    return b;
}

static void bench_close(struct bench *b)
{
    fl_world_free(b->world);
    fl_config_free(b->config);
    free(b->out);
}

/* A source of the bench with a seed of its own. */
struct path {
    struct fl_self self;
    const struct fl_node_model *node;
    struct fl_outbox *out;
    void *state;
    fl_time tick;
};

static struct path path_new(const struct bench *b, uint32_t index, uint64_t seed)
{
    const struct fl_actor *a = fl_actor_at(b->world, index, FL_SOURCE);
    struct path p = {.self = a->self, .node = a->model->node, .out = b->out};
    p.self.seed = seed;
    p.state = calloc(1, a->state_bytes);
    cr_assert(p.state);
    p.tick = ((const struct fl_tick_terms *)a->self.params)->tick;
    p.node->init(&p.self, p.state);
    return p;
}

static void path_reset(struct path *p, uint64_t seed)
{
    memset(p->state, 0, p->node->state_bytes(p->self.params, &p->self));
    p->self.seed = seed;
    p->node->init(&p->self, p->state);
}

/* What is told when the clock stands at that tick; 0 for nothing. */
static int64_t path_tell(struct path *p, enum fl_event_kind kind, int64_t step)
{
    struct fl_outbox *out = p->out;
    out->self = p->self.endpoint;
    out->count = out->blob_count = out->scratch_used = out->signs = out->verifies = 0;
    const struct fl_event in = {.kind = kind, .timer = FL_TICK_TIMER, .now = step * p->tick};
    p->node->step(&p->self, p->state, &in, NULL, out);
    for (uint32_t i = 0; i < out->count; i++)
        if (out->at[i].kind == FL_LOCAL) {
            cr_assert_eq(out->at[i].msg.word[0], (uint64_t)step);
            return out->at[i].msg.value[0];
        }
    return 0;
}

/* ln(F / F(0)) at a tick, of a source that keeps it. */
static double path_log(struct path *p, int64_t step)
{
    path_tell(p, FL_TIMER, step);
    return ldexp((double)((const struct fl_log_price *)p->state)->log_q56, -56);
}

/* The mean of independent values against theory: by the central limit theorem, with their own
 * standard deviation. */
static void check_mean(const char *what, const double *value, size_t count, double expected)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < count; i++) mean += value[i] / (double)count;
    for (size_t i = 0; i < count; i++) squares += (value[i] - mean) * (value[i] - mean);
    const double error = sqrt(squares / (double)(count - 1) / (double)count);
    fprintf(stderr, "%s: %.8g, expected %.8g, interval +- %.2g\n", what, mean, expected,
            NORMAL_BOUND * error);
    cr_expect_leq(fabs(mean - expected), NORMAL_BOUND * error, "%s", what);
}

/* ------------------------------------------------------------------------------------------------
 * What all sources share
 * --------------------------------------------------------------------------------------------- */

static const char *const kinds[SOURCES] = {
    "\"model\": \"replay\", \"points_usd\": [[0, 238.5], [100000, 240]], \"volatility\": 0.001",
    "\"model\": \"gbm\", \"start_usd\": 238.5, \"volatility\": 0.9, \"loadings\": [[3, 0.6]]",
    "\"model\": \"jump\", \"start_usd\": 238.5, \"volatility\": 0.9, \"jumps_per_year\": 36500, "
    "\"jump_deviation\": 0.02",
    "\"model\": \"garch\", \"start_usd\": 238.5, \"volatility\": 0.9, \"alpha\": 0.1, \"beta\": "
    "0.8, "
    "\"degrees\": 5",
};

Test(sources, catch_up_without_telling_what_was_missed)
{
    struct bench b = bench_open(kinds, SOURCES, 250);
    for (uint32_t i = 0; i < SOURCES; i++) {
        struct path always = path_new(&b, i, 71), crashed = path_new(&b, i, 71);
        cr_expect_eq(path_tell(&always, FL_START, 0), 238500000);
        path_tell(&crashed, FL_START, 0);
        int64_t price = 0, distinct = 0;
        for (int64_t k = 1; k <= 500; k++) {
            const int64_t next = path_tell(&always, FL_TIMER, k);
            distinct += next != price;
            price = next;
            if (k <= 40 || k > 420) {
                const int64_t told = path_tell(&crashed, k == 421 ? FL_RECOVER : FL_TIMER, k);
                cr_assert_eq(told, price, "%s, tick %" PRId64, kinds[i], k);
            }
        }
        cr_expect_gt(distinct, 490, "%s", kinds[i]);
        cr_expect_eq(path_tell(&crashed, FL_RECOVER, 500), 0, "nothing new");
        free(always.state);
        free(crashed.state);
    }
    bench_close(&b);
}

/* Fisher: atanh(r) is normal with variance 1 / (n - 3) around atanh(rho). */
static void check_correlation(const double *x, const double *y, size_t count, double rho)
{
    double xx = 0, yy = 0, xy = 0, mx = 0, my = 0;
    for (size_t i = 0; i < count; i++) {
        mx += x[i] / (double)count;
        my += y[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
        xy += (x[i] - mx) * (y[i] - my);
    }
    const double r = xy / sqrt(xx * yy), bound = NORMAL_BOUND / sqrt((double)count - 3);
    fprintf(stderr, "correlation %.5f, expected %.5f, interval of atanh +- %.5f\n", r, rho, bound);
    cr_expect_leq(fabs(atanh(r) - atanh(rho)), bound, "%g, expected %g", r, rho);
}

/* The rows of the Cholesky factor as loadings give the matrix back: of three, between models too. The
 * fourth source has no loadings and shares nothing. */
Test(sources, correlate_as_a_matrix_says)
{
    enum { ASSETS = 3, TICKS = 100000 };
    static const double wanted[ASSETS * ASSETS] = {1, 0.8, -0.35, 0.8, 1, 0.1, -0.35, 0.1, 1};
    double factor[ASSETS * ASSETS];
    memcpy(factor, wanted, sizeof factor);
    gsl_matrix_view view = gsl_matrix_view_array(factor, ASSETS, ASSETS);
    cr_assert_eq(gsl_linalg_cholesky_decomp1(&view.matrix), 0);

    static const char *const model[ASSETS] = {
        "\"model\": \"gbm\", \"start_usd\": 100000, \"volatility\": 0.6",
        "\"model\": \"replay\", \"points_usd\": [[0, 100000], [100000000, 100000]], "
        "\"volatility\": "
        "0.0001",
        "\"model\": \"gbm\", \"start_usd\": 100000, \"drift\": 1.5, \"volatility\": 1.1"};
    char text[ASSETS][400];
    const char *source[SOURCES];
    for (uint32_t i = 0; i < ASSETS; i++) {
        int used = snprintf(text[i], sizeof text[i], "%s, \"loadings\": [", model[i]);
        /* Toward zero: the squares may not exceed 1. The last asset's own part is its last factor. */
        for (uint32_t k = 0; k <= i && k < ASSETS - 1; k++) {
            const double loading = trunc(1e6 * factor[i * ASSETS + k]) / 1e6;
            used += snprintf(text[i] + used, sizeof text[i] - (size_t)used, "%s[%u, %.6f]",
                             k > 0 ? ", " : "", k, loading);
        }
        snprintf(text[i] + used, sizeof text[i] - (size_t)used, "]");
        source[i] = text[i];
    }
    source[ASSETS] = "\"model\": \"gbm\", \"start_usd\": 100000, \"volatility\": 0.6";

    struct bench b = bench_open(source, SOURCES, 1000);
    double *change[SOURCES];
    for (uint32_t i = 0; i < SOURCES; i++) {
        struct path p = path_new(&b, i, 0x2385);
        change[i] = malloc(TICKS * sizeof *change[i]);
        double before = log((double)path_tell(&p, FL_START, 0));
        for (int64_t k = 1; k <= TICKS; k++) {
            const double now = log((double)path_tell(&p, FL_TIMER, k));
            change[i][k - 1] = now - before;
            before = now;
        }
        free(p.state);
    }
    for (uint32_t i = 0; i < SOURCES; i++)
        for (uint32_t j = 0; j < i; j++)
            check_correlation(change[i], change[j], TICKS, i < ASSETS ? wanted[i * ASSETS + j] : 0);
    for (uint32_t i = 0; i < SOURCES; i++) free(change[i]);
    bench_close(&b);
}

/* All of a source may come from its factors; then nothing is its own. */
Test(sources, with_full_loadings_are_the_same)
{
    static const char *const same[] = {"\"model\": \"gbm\", \"start_usd\": 71.25, \"volatility\": "
                                       "0.8, \"loadings\": [[0, 0.6], [9, "
                                       "-0.8]]",
                                       "\"model\": \"gbm\", \"start_usd\": 71.25, \"volatility\": "
                                       "0.8, \"loadings\": [[0, 0.6], [9, "
                                       "-0.8]]"};
    struct bench b = bench_open(same, 2, 1000);
    struct path p = path_new(&b, 0, 5), q = path_new(&b, 1, 5);
    cr_assert_neq(p.self.key, q.self.key);
    for (int64_t k = 1; k <= 1000; k++)
        cr_assert_eq(path_tell(&p, FL_TIMER, k), path_tell(&q, FL_TIMER, k));
    cr_expect_neq(path_log(&p, 1000), 0);
    free(p.state);
    free(q.state);
    bench_close(&b);
}

/* A price that is led out of its bounds stops at them, and comes back. Over so many hours the
 * logarithm of the first and the last would spread by 34; it has 20.7 below and 13.8 above. The jumps
 * are compensated by a drift that only leads down. */
Test(sources, stay_within_plausible_prices)
{
    enum { SEEDS = 4, TICKS = 100000 };
    static const struct {
        const char *source;
        bool reaches_highest;
    } wild[] = {
        {"\"model\": \"gbm\", \"start_usd\": 1000, \"volatility\": 10, \"drift\": 50", true},
        {"\"model\": \"jump\", \"start_usd\": 1000, \"volatility\": 10, \"drift\": 50, "
         "\"jumps_per_year\": 365, \"jump_deviation\": 2",
         false},
        {"\"model\": \"garch\", \"start_usd\": 1000, \"volatility\": 10, \"alpha\": 0.3, \"beta\": "
         "0.5, \"degrees\": 3",
         true}};
    fprintf(stderr, "seeds 1..%d\n", SEEDS);
    for (size_t i = 0; i < LENGTH(wild); i++) {
        const char *const source[] = {wild[i].source};
        struct bench b = bench_open(source, 1, HOUR_MS);
        struct path p = path_new(&b, 0, 0);
        int64_t low = 0, high = 0, left = 0, before = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            path_reset(&p, seed);
            for (int64_t k = 1; k <= TICKS; k++) {
                const int64_t price = path_tell(&p, FL_TIMER, k);
                cr_assert(fl_price_plausible(price));
                low += price == 1;
                high += price == FL_PRICE_MAX;
                left += (before == 1 && price > 1) ||
                        (before == FL_PRICE_MAX && price < FL_PRICE_MAX);
                before = price;
            }
        }
        fprintf(stderr,
                "%" PRId64 " ticks at the lowest price, %" PRId64 " at the highest, left %" PRId64
                " times\n",
                low, high, left);
        cr_expect(low > 0 && left > 0 && (high > 0) == wild[i].reaches_highest, "%s",
                  wild[i].source);
        free(p.state);
        bench_close(&b);
    }
}

/* ------------------------------------------------------------------------------------------------
 * Geometric Brownian motion
 * --------------------------------------------------------------------------------------------- */

/* Against long double, on the same draws, step by step: n steps are off by at most n 2^-54, and the
 * price by 2^-33 + 4e-10 more and its rounding. */
Test(sources, gbm_does_not_drift)
{
    static const int64_t ticks_ms[] = {1, 1000, HOUR_MS};
    static const char *const source[] = {
        "\"model\": \"gbm\", \"start_usd\": 3000, \"volatility\": 0.71, \"drift\": -0.3"};
    for (size_t t = 0; t < LENGTH(ticks_ms); t++) {
        struct bench b = bench_open(source, 1, ticks_ms[t]);
        struct path p = path_new(&b, 0, 0x2385);
        const long double dt = (long double)ticks_ms[t] / 1000 / (long double)YEAR_S;
        const long double sigma = 0.71L, drift = -0.3L;
        /* An hourly price would leave its bounds in a million ticks. */
        const int64_t last = ticks_ms[t] == HOUR_MS ? 100000 : 1000000;
        long double log_twin = 0;
        for (int64_t k = 1; k <= last; k++) {
            const int64_t z =
                fl_normal_q32(fl_draw(0x2385, FL_RNG_SOURCE, p.self.key, (uint64_t)k, 0));
            log_twin += (drift - sigma * sigma / 2) * dt +
                        sigma * sqrtl(dt) * ldexpl((long double)z, -32);
            if (k != 7200 && k != last) continue;
            const int64_t price = path_tell(&p, FL_TIMER, k);
            const int64_t log_q56 = ((const struct fl_log_price *)p.state)->log_q56;
            const long double off = fabsl(ldexpl((long double)log_q56, -56) - log_twin);
            const long double bound = ldexpl((long double)k, -54), twin = 3e9L * expl(log_twin);
            fprintf(stderr,
                    "tick %" PRId64 " ms, %" PRId64 " steps: log %.6Lf, off by %.2Lg of %.2Lg\n",
                    ticks_ms[t], k, log_twin, off, bound);
            cr_expect_leq(off, bound);
            cr_expect_leq(fabsl((long double)price - twin),
                          0.5L + twin * (bound + 0x1p-33L + 4e-10L));
        }
        free(p.state);
        bench_close(&b);
    }
}

Test(sources, gbm_is_a_martingale_with_the_variance_it_says)
{
    enum { SEEDS = 40000, TICKS = 100 };
    static const char *const source[] = {
        "\"model\": \"gbm\", \"start_usd\": 238.5, \"volatility\": 2.5, \"drift\": 0",
        "\"model\": \"gbm\", \"start_usd\": 238.5, \"volatility\": 2.5, \"drift\": 1.7, "
        "\"loadings\": [[3, 0.6], [8, -0.5]]"};
    struct bench b = bench_open(source, 2, HOUR_MS);
    const double years = TICKS * 3600 / YEAR_S, variance = 6.25 * years;
    fprintf(stderr, "seeds 1..%d\n", SEEDS);
    for (uint32_t i = 0; i < 2; i++) {
        const double drift = i == 0 ? 0 : 1.7, mean = (drift - 3.125) * years;
        const double growth = exp(drift * years);
        struct path p = path_new(&b, i, 0);
        double sum = 0, logs = 0, squares = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            path_reset(&p, seed);
            sum += (double)path_tell(&p, FL_TIMER, TICKS) / 238.5e6;
            const double x = path_log(&p, TICKS) - mean;
            logs += x;
            squares += x * x;
        }
        /* The standard deviation of a lognormal, of a normal, and the law of a sum of squares. */
        const double spread = growth * sqrt(expm1(variance) / SEEDS);
        fprintf(stderr, "mean %.6f, expected %.6f +- %.6f; variance %.8f, expected %.8f\n",
                sum / SEEDS, growth, NORMAL_BOUND * spread, squares / SEEDS, variance);
        cr_expect_leq(fabs(sum / SEEDS - growth), NORMAL_BOUND * spread);
        cr_expect_leq(fabs(logs / SEEDS), NORMAL_BOUND * sqrt(variance / SEEDS));
        cr_expect_geq(squares / variance, gsl_cdf_chisq_Pinv(CHANCE / 2, SEEDS));
        cr_expect_leq(squares / variance, gsl_cdf_chisq_Qinv(CHANCE / 2, SEEDS));
        free(p.state);
    }
    bench_close(&b);
}

/* ------------------------------------------------------------------------------------------------
 * Jumps
 * --------------------------------------------------------------------------------------------- */

/* The least n with P(N <= n) above the probability of the draw, by GSL. */
static int64_t count_twin(const struct path *p, int64_t step, double expected)
{
    const uint64_t u = fl_draw(p->self.seed, FL_RNG_SOURCE, p->self.key, (uint64_t)step, 1);
    const double at = ldexp((double)(u >> 11) + 0.5, -53);
    unsigned n = 0;
    while (gsl_cdf_poisson_P(n, expected) < at) n++;
    return n;
}

/* How many jumps fall into one tick: against a twin, and Pearson against Poisson, cells of at least
 * ten expected. */
static void check_counts(int64_t tick_ms, int64_t ticks)
{
    enum { CELLS = 40 };
    static const char *const source[] = {
        "\"model\": \"jump\", \"start_usd\": 1000, \"volatility\": 0, \"jumps_per_year\": 36500, "
        "\"jump_deviation\": 0"};
    struct bench b = bench_open(source, 1, tick_ms);
    struct path p = path_new(&b, 0, 71);
    const double expected = 36500 * (double)tick_ms / 1000 / YEAR_S;
    double count[CELLS] = {0};
    int64_t before = 0, now;
    for (int64_t k = 1; k <= ticks; k++, before = now) {
        path_tell(&p, FL_TIMER, k);
        p.node->observe(&p.self, p.state, &now);
        cr_assert(now >= before && now - before < CELLS);
        if (k <= 50000) cr_assert_eq(now - before, count_twin(&p, k, expected));
        count[now - before]++;
    }
    double pearson = 0, rest = 0, rest_expected = (double)ticks;
    int cells = 0;
    for (unsigned n = 0; n < CELLS; n++) rest += count[n];
    for (unsigned n = 0; n < CELLS; n++) {
        const double e = (double)ticks * gsl_ran_poisson_pdf(n, expected);
        if (e < 10 || rest_expected - e < 10) break;
        pearson += (count[n] - e) * (count[n] - e) / e;
        rest -= count[n];
        rest_expected -= e;
        cells++;
    }
    pearson += (rest - rest_expected) * (rest - rest_expected) / rest_expected;
    cr_assert_geq(cells, 1);
    fprintf(stderr,
            "jumps: %.6g a tick expected, %" PRId64 " in %" PRId64 " ticks; chi^2 %.2f of %d\n",
            expected, before, ticks, pearson, cells);
    cr_expect_geq(gsl_cdf_chisq_Q(pearson, cells), CHANCE);
    const double all = expected * (double)ticks;
    cr_expect_leq(fabs((double)before - all), NORMAL_BOUND * sqrt(all) + 1);
    free(p.state);
    bench_close(&b);
}

Test(sources, jumps_are_poisson)
{
    check_counts(HOUR_MS, 100000);
    check_counts(600000, 100000);
    check_counts(1000, 300000);
    check_counts(7, 2000000);
}

/* The cumulants of a log return, and the price a martingale: Merton's closed forms. */
Test(sources, jumps_have_the_cumulants_of_merton)
{
    enum { SEEDS = 200000, TICKS = 24 };
    static const char *const source[] = {
        "\"model\": \"jump\", \"start_usd\": 238.5, \"volatility\": 0.7, \"drift\": 0.5, "
        "\"jumps_per_year\": 730, \"jump_mean\": -0.03, \"jump_deviation\": 0.04"};
    const double years = TICKS * 3600 / YEAR_S, m = -0.03, s = 0.04, expected = 730 * years;
    const double k = expm1(m + s * s / 2);
    const double mean = (0.5 - 0.245) * years - expected * k + expected * m;
    const double second = 0.49 * years + expected * (m * m + s * s);
    const double third = expected * (m * m * m + 3 * m * s * s);
    const double fourth = expected * (pow(m, 4) + 6 * m * m * s * s + 3 * pow(s, 4));
    double *growth = malloc(5 * SEEDS * sizeof *growth), *first = growth + SEEDS;
    double *square = first + SEEDS, *cube = square + SEEDS, *power = cube + SEEDS;
    struct bench b = bench_open(source, 1, HOUR_MS);
    struct path p = path_new(&b, 0, 0);
    fprintf(stderr, "seeds 1..%d\n", SEEDS);
    for (uint64_t i = 0; i < SEEDS; i++) {
        path_reset(&p, i + 1);
        const double x = path_log(&p, TICKS) - mean;
        growth[i] = exp(x + mean);
        first[i] = x;
        square[i] = x * x;
        cube[i] = x * x * x;
        power[i] = x * x * x * x - 3 * second * second;
    }
    check_mean("price", growth, SEEDS, exp(0.5 * years));
    check_mean("mean", first, SEEDS, 0);
    check_mean("variance", square, SEEDS, second);
    check_mean("third cumulant", cube, SEEDS, third);
    check_mean("fourth cumulant", power, SEEDS, fourth);
    fprintf(stderr, "excess kurtosis of theory %.3f\n", fourth / (second * second));
    free(growth);
    free(p.state);
    bench_close(&b);
}

Test(sources, jumps_come_together_where_a_factor_says_so)
{
    static const char *const source[] = {
        "\"model\": \"jump\", \"start_usd\": 100, \"volatility\": 0.5, \"jumps_per_year\": 36500, "
        "\"jump_deviation\": 0.01, \"jump_factor\": 4",
        "\"model\": \"jump\", \"start_usd\": 7, \"volatility\": 0.2, \"jumps_per_year\": 36500, "
        "\"jump_deviation\": 0.05, \"jump_factor\": 4",
        "\"model\": \"jump\", \"start_usd\": 7, \"volatility\": 0.2, \"jumps_per_year\": 36500, "
        "\"jump_deviation\": 0.05"};
    struct bench b = bench_open(source, 3, 60000);
    struct path p[3];
    for (uint32_t i = 0; i < 3; i++) p[i] = path_new(&b, i, 71);
    int64_t before[3] = {0}, together = 0, apart = 0, alone = 0;
    for (int64_t k = 1; k <= 20000; k++) {
        int64_t count[3];
        for (uint32_t i = 0; i < 3; i++) {
            int64_t now;
            path_tell(&p[i], FL_TIMER, k);
            p[i].node->observe(&p[i].self, p[i].state, &now);
            count[i] = now - before[i];
            before[i] = now;
        }
        together += count[0] > 0 && count[0] == count[1];
        apart += count[0] != count[1];
        alone += count[2] > 0 && count[0] == 0;
    }
    cr_expect(together > 1000 && apart == 0 && alone > 1000);
    for (uint32_t i = 0; i < 3; i++) free(p[i].state);
    bench_close(&b);
}

/* ------------------------------------------------------------------------------------------------
 * GARCH
 * --------------------------------------------------------------------------------------------- */

#define ALPHA 0.08
#define BETA 0.85
#define DEGREES 12
static const char garch[] = "\"model\": \"garch\", \"start_usd\": 100, \"volatility\": 0.8, "
                            "\"alpha\": 0.08, \"beta\": 0.85, "
                            "\"degrees\": 12";

/* The standard deviation of a tick in the long run. */
static double garch_deviation(double tick_s)
{
    return 0.8 * sqrt(tick_s / YEAR_S);
}

/* The recursion as it is printed, in double, on the same draws. */
Test(sources, garch_follows_its_recursion)
{
    enum { TICKS = 100000 };
    const char *const source[] = {garch};
    struct bench b = bench_open(source, 1, 1000);
    struct path p = path_new(&b, 0, 0x2385);
    const double deviation = garch_deviation(1);
    double h = deviation * deviation, log_twin = 0, worst = 0, largest = 0;
    const double omega = h * (1 - ALPHA - BETA);
    for (int64_t k = 1; k <= TICKS; k++) {
        double squares = 0;
        for (uint32_t i = 0; i < DEGREES; i++) {
            const double n =
                ldexp((double)fl_normal_of(&p.self, p.self.key, k, FL_LANE_TAIL + i), -32);
            squares += n * n;
        }
        const double z = ldexp((double)fl_normal_of(&p.self, p.self.key, k, FL_LANE_MOVE), -32);
        const double e = sqrt(h) * z * sqrt((DEGREES - 2) / squares);
        log_twin += e;
        h = omega + ALPHA * e * e + BETA * h;
        largest = fmax(largest, h / deviation / deviation);
        worst = fmax(worst, fabs(path_log(&p, k) - log_twin));
    }
    /* A tick's t is right to a few 2^-32; the errors of ticks add up at worst. */
    const double bound = TICKS * deviation * 0x1p-29;
    fprintf(stderr, "garch: off by %.2g of %.2g; variance up to %.1f times the usual\n", worst,
            bound, largest);
    cr_expect_leq(worst, bound);
    cr_expect_gt(largest, 4, "nothing happened");
    free(p.state);
    bench_close(&b);
}

/* Without feedback, returns are Student's: Kolmogorov and Smirnov. */
static int ascending(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void check_student(int degrees)
{
    enum { TICKS = 50000 };
    char text[300];
    snprintf(
        text, sizeof text,
        "\"model\": \"garch\", \"start_usd\": 100, \"volatility\": 0.8, \"alpha\": 0, \"beta\": "
        "0, \"degrees\": %d",
        degrees);
    const char *const source[] = {text};
    struct bench b = bench_open(source, 1, 1000);
    struct path p = path_new(&b, 0, 71);
    const double scale = sqrt(degrees / (degrees - 2.0)) / garch_deviation(1);
    double *t = malloc(TICKS * sizeof *t), before = 0, distance = 0;
    for (int64_t k = 1; k <= TICKS; k++) {
        const double now = path_log(&p, k);
        t[k - 1] = (now - before) * scale;
        before = now;
    }
    qsort(t, TICKS, sizeof *t, ascending);
    for (int i = 0; i < TICKS; i++) {
        const double at = gsl_cdf_tdist_P(t[i], degrees);
        distance = fmax(distance, fmax(at - i / (double)TICKS, (i + 1) / (double)TICKS - at));
    }
    fprintf(stderr, "Student %d: sqrt(n) D = %.3f\n", degrees, sqrt(TICKS) * distance);
    cr_expect_leq(sqrt(TICKS) * distance, KOLMOGOROV);
    free(t);
    free(p.state);
    bench_close(&b);
}

Test(sources, garch_innovations_are_student)
{
    check_student(3);
    check_student(7);
    check_student(40);
}

/* Moments of e / deviation: variance 1; kurtosis K and autocorrelation of the squares as Bollerslev
 * 1986, section 3 has them, with the kurtosis k of the innovations in the place of 3:
 *
 *     K = k (1 - (a + b)^2) / (1 - (a + b)^2 - (k - 1) a^2),   k = 3 + 6 / (degrees - 4)
 *     r(1) = a (1 - a b - b^2) / (1 - 2 a b - b^2),            r(n) = r(1) (a + b)^(n - 1) */
Test(sources, garch_has_the_moments_of_theory)
{
    enum { SEEDS = 8000, BEFORE = 150, TICKS = 400, LAG = 5 };
    const char *const source[] = {garch};
    const double k = 3 + 6.0 / (DEGREES - 4), sum = ALPHA + BETA;
    const double kurtosis = k * (1 - sum * sum) / (1 - sum * sum - (k - 1) * ALPHA * ALPHA);
    const double one = ALPHA * (1 - ALPHA * BETA - BETA * BETA) /
                       (1 - 2 * ALPHA * BETA - BETA * BETA);
    double *second = malloc(4 * SEEDS * sizeof *second), *fourth = second + SEEDS;
    double *near = fourth + SEEDS, *far = near + SEEDS;
    struct bench b = bench_open(source, 1, 60000);
    struct path p = path_new(&b, 0, 0);
    const double deviation = garch_deviation(60);
    fprintf(stderr, "seeds 1..%d\n", SEEDS);
    for (uint64_t i = 0; i < SEEDS; i++) {
        path_reset(&p, i + 1);
        /* After so many ticks the fourth moment has forgotten its start: 0.88^150 < 10^-8. */
        double before = path_log(&p, BEFORE), square[TICKS];
        second[i] = fourth[i] = near[i] = far[i] = 0;
        for (int n = 0; n < TICKS; n++) {
            const double now = path_log(&p, BEFORE + 1 + n), x = (now - before) / deviation;
            before = now;
            square[n] = x * x;
            second[i] += square[n] / TICKS;
            fourth[i] += square[n] * square[n] / TICKS;
            if (n >= 1) near[i] += (square[n] - 1) * (square[n - 1] - 1) / (TICKS - 1);
            if (n >= LAG) far[i] += (square[n] - 1) * (square[n - LAG] - 1) / (TICKS - LAG);
        }
    }
    check_mean("garch variance", second, SEEDS, 1);
    check_mean("garch kurtosis", fourth, SEEDS, kurtosis);
    check_mean("garch squares, one tick apart", near, SEEDS, one * (kurtosis - 1));
    check_mean("garch squares, five ticks apart", far, SEEDS,
               one * pow(sum, LAG - 1) * (kurtosis - 1));
    free(second);
    free(p.state);
    bench_close(&b);
}

/* With a common tail the loadings alone correlate; with tails of their own, E[w]^2 / E[w^2] of it is
 * left, where w = 1 / sqrt(X) and X has a chi-square law. */
Test(sources, garch_correlates_fully_only_with_a_common_tail)
{
    enum { TICKS = 100000 };
    const double rho = 0.8 * 0.9;
    for (int common = 0; common < 2; common++) {
        char text[2][300];
        const char *const source[] = {text[0], text[1]};
        for (int i = 0; i < 2; i++)
            snprintf(text[i], sizeof text[i],
                     "\"model\": \"garch\", \"start_usd\": 100, \"volatility\": 0.8, \"alpha\": 0, "
                     "\"beta\": 0, \"degrees\": 12, \"loadings\": [[0, %s]], \"tail_factor\": %d",
                     i ? "0.8" : "0.9", common ? 7 : -1);
        struct bench b = bench_open(source, 2, 1000);
        struct path p = path_new(&b, 0, 71), q = path_new(&b, 1, 71);
        double *product = malloc(TICKS * sizeof *product), x = 0, y = 0;
        for (int64_t k = 1; k <= TICKS; k++) {
            const double x_now = path_log(&p, k), y_now = path_log(&q, k);
            product[k - 1] = (x_now - x) * (y_now - y) / pow(garch_deviation(1), 2);
            x = x_now;
            y = y_now;
        }
        const double half = DEGREES / 2.0, w = tgamma(half - 0.5) / tgamma(half) / sqrt(2);
        check_mean(common ? "common tail" : "own tails", product, TICKS,
                   common ? rho : rho * w * w * (DEGREES - 2));
        free(product);
        free(p.state);
        free(q.state);
        bench_close(&b);
    }
}

/* ------------------------------------------------------------------------------------------------
 * Parameters
 * --------------------------------------------------------------------------------------------- */

Test(sources, parameters_are_checked)
{
    static const struct {
        const char *source, *says;
    } wrong[] = {
        {"\"model\": \"gbm\", \"start_usd\": 1, \"volatility\": 1, \"loadings\": [[0, 0.8], [1, "
         "-0.600001]]",
         "the squares of loadings add up to more than 1"},
        {"\"model\": \"jump\", \"start_usd\": 1, \"volatility\": 1, \"jumps_per_year\": 1, "
         "\"jump_deviation\": 0, \"loadings\": [[-1, 0.5]]",
         "the factors of loadings are numbered from 0 to 65535"},
        {"\"model\": \"replay\", \"points_usd\": [[0, 1]], \"loadings\": [[65536, 0.5]]",
         "the factors of loadings are numbered from 0 to 65535"},
        {"\"model\": \"garch\", \"start_usd\": 1, \"volatility\": 1, \"alpha\": 0.1, \"beta\": "
         "0.9, "
         "\"degrees\": 5",
         "alpha and beta must add up to less than 1"},
        {"\"model\": \"garch\", \"start_usd\": 1, \"volatility\": 1, \"alpha\": 0.1, \"beta\": "
         "0.8, "
         "\"degrees\": 2",
         "2 is out of range (3 to 100)"},
        {"\"model\": \"gbm\", \"start_usd\": 0, \"volatility\": 1", "out of range"},
        {"\"model\": \"gbm\", \"start_usd\": 1, \"volatility\": 1, \"loadings\": {\"kline_csv\": "
         "\"x.csv\", \"price\": \"close\"}",
         "expected a list of points [x, y], found an object"},
    };
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        char text[600], *said = NULL;
        size_t bytes = 0;
        snprintf(text, sizeof text,
                 "{\"name\": \"x\", \"duration_s\": 1, \"network\": {\"delay_ms\": 1}, \"nodes\": "
                 "{\"m\": {\"source\": {%s}}}}",
                 wrong[i].source);
        struct fl_problems problems = {.to = open_memstream(&said, &bytes)};
        struct fl_config *config =
            fl_config_parse(text, strlen(text), "x.json", NULL, 0, NULL, &problems);
        fclose(problems.to);
        cr_expect(!config && strstr(said, wrong[i].says), "%s", said);
        free(said);
    }
}
