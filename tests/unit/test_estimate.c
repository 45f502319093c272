/* analysis/paired, estimate, bootstrap, threshold, stream: against published figures, closed forms, and
 * slow twins; and whether their intervals hold as often as they say, over 1,000 repetitions.
 *
 * A measured coverage over 1,000 repetitions has a standard error of 0.7 points at 95 %. So settings are
 * such that the true coverage is within a point of the nominal one (computed where it can be, measured
 * once over 10,000 repetitions): Student's and the bootstrap's intervals cover less where few
 * values are very skewed, those between order statistics cover more where values are few. The seed is
 * the same for all, and was not chosen. */
#include "analysis/bootstrap.h"
#include "analysis/estimate.h"
#include "analysis/stream.h"
#include "analysis/threshold.h"
#include "sim/alloc.h"
#include "sim/rng.h"
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>

enum { SEED = 20200312, REPETITIONS = 1000 };
static const double ALPHA = 0.05, POINTS = 0.015;

/* --- the stream ---------------------------------------------------------------------------------- */

Test(stream, draws_are_those_of_the_key)
{
    gsl_rng *rng = fl_stream_new(7, 11), *other = fl_stream_new(7, 12);
    for (uint64_t k = 0; k < 5; k++)
        cr_expect_eq(gsl_rng_get(rng), fl_draw(7, FL_RNG_ANALYSIS, 11, k, 0));
    const double uniform = (double)(fl_draw(7, FL_RNG_ANALYSIS, 11, 5, 0) >> 11) / 0x1p53;
    cr_expect_eq(gsl_rng_uniform(rng), uniform);
    cr_expect_neq(gsl_rng_get(other), fl_draw(7, FL_RNG_ANALYSIS, 11, 0, 0));
    gsl_rng_set(rng, 8);
    cr_expect_eq(gsl_rng_get(rng), fl_draw(8, FL_RNG_ANALYSIS, 11, 0, 0));
    gsl_rng_free(rng);
    gsl_rng_free(other);
}

/* --- proportions --------------------------------------------------------------------------------- */

/* Newcombe, Two-sided confidence intervals for the single proportion (Statistics in Medicine 17, 1998),
 * table I, methods 3 and 5. */
Test(estimate, proportions_of_newcombe)
{
    static const struct {
        size_t hits, trials;
        double wilson[2], exact[2];
    } rows[] = {{81, 263, {0.2553, 0.3662}, {0.2527, 0.3676}},
                {15, 148, {0.0624, 0.1605}, {0.0578, 0.1617}},
                {0, 20, {0, 0.1611}, {0, 0.1684}},
                {1, 29, {0.0061, 0.1718}, {0.0009, 0.1776}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const size_t hits = rows[i].hits, trials = rows[i].trials;
        const struct fl_estimate w = fl_wilson(hits, trials, ALPHA);
        const struct fl_estimate e = fl_clopper_pearson(hits, trials, ALPHA);
        cr_expect_float_eq(w.low, rows[i].wilson[0], 5e-5);
        cr_expect_float_eq(w.high, rows[i].wilson[1], 5e-5);
        cr_expect_float_eq(e.low, rows[i].exact[0], 5e-5);
        cr_expect_float_eq(e.high, rows[i].exact[1], 5e-5);
        /* hits and misses are the same thing from two sides */
        const struct fl_estimate m = fl_wilson(trials - hits, trials, ALPHA);
        const struct fl_estimate n = fl_clopper_pearson(trials - hits, trials, ALPHA);
        cr_expect_float_eq(1 - m.high, w.low, 1e-12);
        cr_expect_float_eq(1 - n.high, e.low, 1e-12);
        cr_expect_eq(w.value, (double)hits / (double)trials);
    }
    cr_expect_eq(fl_wilson(20, 20, ALPHA).high, 1);
    cr_expect_eq(fl_clopper_pearson(0, 20, ALPHA).low, 0);
    /* The rule of three's exact form: with no hit the end is 1 - (alpha / 2)^(1 / n). */
    cr_expect_float_eq(fl_clopper_pearson(0, 200, ALPHA).high, 1 - pow(0.025, 1 / 200.0), 1e-12);
}

typedef struct fl_estimate interval_of(size_t hits, size_t trials, double alpha);

static double exact_coverage(interval_of *interval, unsigned trials, double p)
{
    double sum = 0;
    for (unsigned hits = 0; hits <= trials; hits++) {
        const struct fl_estimate e = interval(hits, trials, ALPHA);
        sum += e.low <= p && p <= e.high ? gsl_ran_binomial_pdf(hits, p, trials) : 0;
    }
    return sum;
}

/* What Brown, Cai and DasGupta (2001) say of the two: Clopper and Pearson's never covers less than it
 * says; Wilson's on the average about as often, and at the worst, near 0, 83.8 %: with p just below the
 * lower end at one hit, which tends to 0.1765 / n, only 0 hits cover it. */
Test(estimate, coverage_of_proportions_exactly)
{
    double mean = 0;
    enum { STEPS = 1000 };
    for (int i = 0; i < STEPS; i++) {
        const double p = (i + 0.5) / STEPS;
        cr_expect_geq(exact_coverage(fl_clopper_pearson, 50, p), 0.95 - 1e-12);
        mean += exact_coverage(fl_wilson, 50, p) / STEPS;
    }
    cr_expect_float_eq(mean, 0.95, 0.005, "%.4f", mean);
    const double low = fl_wilson(1, 100000, ALPHA).low;
    cr_expect_float_eq(100000 * low, 0.1765, 5e-5);
    cr_expect_float_eq(exact_coverage(fl_wilson, 2000, fl_wilson(1, 2000, ALPHA).low * 0.9999),
                       0.838, 5e-4);
}

/* --- tails --------------------------------------------------------------------------------------- */

/* Ten losses of 1 to 10. At 85 % the least x with P(loss <= x) >= 0.85 is 9; the worst 15 % are the 10
 * and half of the 9: (10 + 4.5) / 1.5. At 90 % the edge is 9, beyond it the 10. */
Test(estimate, tails_by_hand)
{
    const double ten[] = {10, 1, 9, 2, 8, 3, 7, 4, 6, 5};
    cr_expect_eq(fl_value_at_risk(ten, 10, 0.85, ALPHA).value, 9);
    cr_expect_float_eq(fl_expected_shortfall(ten, 10, 0.85, ALPHA).value, 14.5 / 1.5, 1e-12);
    cr_expect_eq(fl_value_at_risk(ten, 10, 0.9, ALPHA).value, 9);
    cr_expect_float_eq(fl_expected_shortfall(ten, 10, 0.9, ALPHA).value, 10, 1e-12);
    cr_expect_eq(fl_value_at_risk(ten, 10, 0.01, ALPHA).value, 1);
    cr_expect_eq(fl_value_at_risk(ten, 10, 0.95, ALPHA).high,
                 INFINITY); /* 0.95^10 = 60 % are no more */
    /* Of 200 losses, 3, of which 2 are equal. */
    double many[200] = {[17] = 5, [90] = 2, [151] = 2};
    cr_expect_eq(fl_value_at_risk(many, 200, 0.99, ALPHA).value, 2);
    cr_expect_float_eq(fl_expected_shortfall(many, 200, 0.99, ALPHA).value, 3.5, 1e-12);
    cr_expect_float_eq(fl_expected_shortfall(many, 200, 0.95, ALPHA).value, 0.9, 1e-12);
    double hundred[100]; /* 0.55 * 100 is a little more than 55 in binary */
    for (int i = 0; i < 100; i++) hundred[i] = i + 1;
    cr_expect_eq(fl_value_at_risk(hundred, 100, 0.55, ALPHA).value, 55);
    /* 10 beyond the edge are too few for an interval, 50 are enough. */
    cr_expect(isnan(fl_expected_shortfall(many, 200, 0.95, ALPHA).low));
    cr_expect(isfinite(fl_expected_shortfall(many, 200, 0.75, ALPHA).low));
    cr_expect(isnan(fl_expected_shortfall(many, 200, 0.755, ALPHA).high));
}

/* The slow twin: both tails of the binomial law, term by term. */
Test(estimate, quantiles_between_order_statistics)
{
    static const struct {
        unsigned count;
        double share;
    } rows[] = {{100, 0.9},  {100, 0.05},  {37, 0.5}, {200, 0.95},
                {200, 0.99}, {1000, 0.95}, {5, 0.5}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        const unsigned n = rows[r].count;
        double *values = fl_alloc(n, sizeof *values), below = 0, above = 0;
        for (unsigned i = 0; i < n; i++) values[i] = i + 1;
        unsigned j = 0, k = n + 1; /* P(B < j) and P(B >= k) by adding terms up */
        while (below + gsl_ran_binomial_pdf(j, rows[r].share, n) <= 0.025)
            below += gsl_ran_binomial_pdf(j++, rows[r].share, n);
        while (above + gsl_ran_binomial_pdf(k - 1, rows[r].share, n) <= 0.025)
            above += gsl_ran_binomial_pdf(--k, rows[r].share, n);
        const struct fl_estimate e = fl_quantile_at(values, n, rows[r].share, ALPHA);
        cr_expect_eq(e.low, j > 0 ? (double)j : -INFINITY, "%u: %g not %u", n, e.low, j);
        cr_expect_eq(e.high, k <= n ? (double)k : INFINITY, "%u: %g not %u", n, e.high, k);
        free(values);
    }
}

/* Normal losses: VaR is the quantile z, the shortfall phi(z) / (1 - level) (McNeil, Frey, Embrechts,
 * Quantitative Risk Management, 2005, 2.2); exponential ones: VaR + 1. */
Test(estimate, tails_of_known_laws)
{
    enum { COUNT = 400000 };
    gsl_rng *rng = fl_stream_new(SEED, 1);
    double *normal = fl_alloc(COUNT, sizeof *normal),
           *exponential = fl_alloc(COUNT, sizeof *normal);
    for (size_t i = 0; i < COUNT; i++) {
        normal[i] = gsl_ran_gaussian_ziggurat(rng, 1);
        exponential[i] = gsl_ran_exponential(rng, 1);
    }
    const double level[] = {0.95, 0.99}, z[] = {1.6448536, 2.3263479},
                 shortfall[] = {2.062713, 2.665214};
    for (int i = 0; i < 2; i++) {
        const double more = -log(1 - level[i]);
        const struct fl_estimate e[] = {fl_value_at_risk(normal, COUNT, level[i], 1e-6),
                                        fl_expected_shortfall(normal, COUNT, level[i], 1e-6),
                                        fl_value_at_risk(exponential, COUNT, level[i], 1e-6),
                                        fl_expected_shortfall(exponential, COUNT, level[i], 1e-6)};
        const double truth[] = {z[i], shortfall[i], more, more + 1};
        for (int k = 0; k < 4; k++) {
            cr_expect(e[k].low < truth[k] && truth[k] < e[k].high, "%g in %g, %g", truth[k],
                      e[k].low, e[k].high);
        }
        /* max(X - VaR, 0) / (1 - level) of exponential X has the variance (1 + level) / (1 - level). */
        const double deviation = sqrt((1 + level[i]) / (1 - level[i]) / COUNT);
        cr_expect_float_eq((e[3].high - e[3].low) / (2 * 4.891638), deviation, 0.05 * deviation);
    }
    free(normal);
    free(exponential);
    gsl_rng_free(rng);
}

/* --- the bootstrap ------------------------------------------------------------------------------- */

/* Two ways to the same number: weights that are all 1, and ties among the values. */
Test(bootstrap, weighted_statistics_are_the_plain_ones)
{
    const double values[] = {0, 0, 0, 1, 1, 2.385, 2.385, 4, 7, 19};
    const double expanded[] = {0, 0, 1, 1, 1, 2.385, 7, 7, 19, 19};
    const unsigned once[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
                   times[] = {0, 2, 0, 3, 0, 1, 0, 0, 2, 2};
    const struct fl_weighted plain = {values, once, 10, 10}, drawn = {values, times, 10, 10};
    for (double level = 0.01; level < 1; level += 0.07) {
        cr_expect_float_eq(fl_weighted_shortfall(&plain, level),
                           fl_expected_shortfall(values, 10, level, ALPHA).value, 1e-12);
        cr_expect_float_eq(fl_weighted_shortfall(&drawn, level),
                           fl_expected_shortfall(expanded, 10, level, ALPHA).value, 1e-12);
    }
    cr_expect_float_eq(fl_weighted_mean(&drawn, 0), fl_mean_estimate(expanded, 10).value, 1e-12);
}

static double weighted_variance(const struct fl_weighted *sample, double parameter)
{
    const double mean = fl_weighted_mean(sample, parameter);
    double sum = 0;
    for (size_t i = 0; i < sample->count; i++) {
        const double d = sample->values[i] - mean;
        sum += sample->weight[i] * d * d;
    }
    return sum / (double)sample->total;
}

/* Efron and Tibshirani, An Introduction to the Bootstrap (1993), tables 14.1 and 14.2: spatial test data,
 * variance 171.5, BCa interval at 90 % from 2000 resamples 115.8 to 259.6. The ends of that many are good
 * to about 2 and 6; ours are from more. */
Test(bootstrap, spatial_test_data)
{
    const double a[] = {48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6,
                        0,  33, 28, 34, 4,  32, 24, 47, 41, 24, 26, 30, 41};
    const struct fl_bootstrap how = {weighted_variance, 0, 0.1, 100000};
    gsl_rng *rng = fl_stream_new(SEED, 2);
    const struct fl_estimate e = fl_bootstrap_estimate(a, 26, &how, rng);
    cr_expect_float_eq(e.value, 171.5, 0.05, "%g", e.value);
    cr_expect_float_eq(e.low, 115.8, 2, "%g", e.low);
    cr_expect_float_eq(e.high, 259.6, 6, "%g", e.high);
    gsl_rng_free(rng);
}

Test(bootstrap, same_stream_same_interval)
{
    const double values[] = {3, 1, 4, 1, 5, 9, 2, 6}, same[] = {2.385, 2.385, 2.385};
    const struct fl_bootstrap how = {fl_weighted_mean, 0, ALPHA, 1000};
    struct fl_estimate e[2];
    for (int i = 0; i < 2; i++) {
        gsl_rng *rng = fl_stream_new(SEED, 3);
        e[i] = fl_bootstrap_estimate(values, 8, &how, rng);
        const struct fl_estimate point = fl_bootstrap_estimate(same, 3, &how, rng);
        cr_expect_float_eq(point.low, 2.385, 1e-12);
        cr_expect_float_eq(point.high, 2.385, 1e-12);
        cr_expect(isnan(fl_bootstrap_estimate(same, 1, &how, rng).low));
        gsl_rng_free(rng);
    }
    cr_expect_eq(e[0].low, e[1].low);
    cr_expect_eq(e[0].high, e[1].high);
    cr_expect(e[0].low > 1 && e[0].low < e[0].value && e[0].value < e[0].high && e[0].high < 9);
}

/* --- thresholds ---------------------------------------------------------------------------------- */

/* O-rings of 23 flights by temperature (Dalal, Fowlkes and Hoadley, JASA 84, 1989). R 4.3,
 * glm(distress ~ temperature, binomial): 15.0429 (7.3786), -0.2322 (0.1082). */
Test(threshold, logistic_of_the_o_rings)
{
    const struct fl_dose doses[] = {{53, 1, 1}, {57, 1, 1}, {58, 1, 1}, {63, 1, 1},
                                    {66, 0, 1}, {67, 0, 3}, {68, 0, 1}, {69, 0, 1},
                                    {70, 2, 4}, {72, 0, 1}, {73, 0, 1}, {75, 1, 2},
                                    {76, 0, 2}, {78, 0, 1}, {79, 0, 1}, {81, 0, 1}};
    struct fl_logistic fit;
    cr_assert(fl_logistic_fit(doses, sizeof doses / sizeof *doses, &fit));
    cr_expect_float_eq(fit.intercept, 15.0429, 5e-5);
    cr_expect_float_eq(fit.slope, -0.2322, 5e-5);
    cr_expect_float_eq(sqrt(fit.variance_intercept), 7.3786, 5e-5);
    cr_expect_float_eq(sqrt(fit.variance_slope), 0.1082, 5e-5);
    const struct fl_estimate half = fl_logistic_threshold(&fit, 0.5, ALPHA);
    cr_expect_float_eq(half.value, 15.0429 / 0.2322, 0.02);
    /* The ends are where the fitted line is z standard errors from the wanted one. */
    const double ends[] = {half.low, half.high};
    for (int i = 0; i < 2; i++) {
        const double x = ends[i], line = fit.intercept + fit.slope * x;
        const double variance = fit.variance_intercept + 2 * x * fit.covariance +
                                x * x * fit.variance_slope;
        cr_expect_float_eq(fabs(line) / sqrt(variance), 1.959964, 1e-5);
    }
    cr_expect(half.low < half.value && half.value < half.high);
    /* 0.2322 / 0.1082 is 2.146 standard errors: not told from 0 at 1 %. */
    cr_expect_eq(fl_logistic_threshold(&fit, 0.5, 0.01).low, -INFINITY);
}

/* With two doses the line goes through both: logit(1/4) at 10, logit(3/4) at 30. */
Test(threshold, logistic_through_two_points)
{
    const struct fl_dose doses[] = {{10, 25, 100}, {30, 75, 100}};
    struct fl_logistic fit;
    cr_assert(fl_logistic_fit(doses, 2, &fit));
    cr_expect_float_eq(fit.slope, log(3) / 10, 1e-10);
    cr_expect_float_eq(fit.intercept, -2 * log(3), 1e-9);
    cr_expect_float_eq(fl_logistic_threshold(&fit, 0.5, ALPHA).value, 20, 1e-9);
    cr_expect_float_eq(fl_logistic_threshold(&fit, 0.75, ALPHA).value, 30, 1e-9);
}

Test(threshold, without_a_maximum)
{
    const struct fl_dose apart[] = {{1, 0, 9}, {2, 0, 9}, {3, 9, 9}},
                         touching[] = {{1, 0, 9}, {2, 4, 9}, {3, 9, 9}},
                         falling[] = {{1, 9, 9}, {2, 4, 9}, {3, 0, 9}},
                         never[] = {{1, 0, 9}, {2, 0, 9}, {3, 0, 9}},
                         one_x[] = {{1, 3, 9}, {1, 4, 9}, {1, 5, 9}},
                         overlaps[] = {{1, 0, 9}, {2, 8, 9}, {3, 1, 9}};
    struct fl_logistic fit;
    cr_expect_not(fl_logistic_fit(apart, 3, &fit));
    cr_expect_not(fl_logistic_fit(touching, 3, &fit));
    cr_expect_not(fl_logistic_fit(falling, 3, &fit));
    cr_expect_not(fl_logistic_fit(never, 3, &fit));
    cr_expect_not(fl_logistic_fit(one_x, 3, &fit));
    cr_expect_not(fl_logistic_fit(one_x, 0, &fit));
    cr_expect(fl_logistic_fit(overlaps, 3, &fit));
}

struct asked {
    double threshold;
    int times;
};
static bool beyond(void *context, double x)
{
    struct asked *asked = context;
    asked->times++;
    return x >= asked->threshold;
}

Test(threshold, bisection)
{
    struct asked asked = {M_SQRT2, 0};
    struct fl_bracket range = {0, 8};
    cr_assert(fl_bisect(&range, 0.001, beyond, &asked));
    cr_expect(range.low < M_SQRT2 && M_SQRT2 <= range.high);
    cr_expect_leq(range.high - range.low, 0.001);
    cr_expect_eq(asked.times, 2 + 13); /* 8 / 2^13 < 0.001 <= 8 / 2^12 */
    range = (struct fl_bracket){0, 8};
    cr_assert(fl_bisect(&range, 0, beyond, &asked)); /* to neighbours */
    cr_expect_eq(nextafter(range.low, 8), range.high);
    asked.threshold = 9;
    range = (struct fl_bracket){0, 8};
    cr_expect_not(fl_bisect(&range, 0.001, beyond, &asked));
    asked.threshold = -1;
    cr_expect_not(fl_bisect(&range, 0.001, beyond, &asked));
    cr_expect(range.low == 0 && range.high == 8);
}

/* Of five seeds, three begin at 20, one at 10 and one never; downwards one ends at 10, three at 30. */
Test(threshold, onset_of_half_the_seeds)
{
    const double x[] = {30, 10, 20};
    const bool happens[] = {1, 1, 0, 1, 0, /* at 30 */
                            0, 1, 0, 0, 0, /* at 10 */
                            1, 0, 0, 1, 1 /* at 20 */};
    struct fl_onsets onsets = {x, 3, 5, happens, false};
    const struct fl_estimate up = fl_onset(&onsets, 0.1);
    cr_expect(up.value == 20 && up.low == 10 && up.high == INFINITY, "%g", up.value);
    onsets.down = true;
    const struct fl_estimate down = fl_onset(&onsets, 0.1);
    cr_expect(down.value == 30 && down.low == -INFINITY && down.high == 30, "%g", down.value);
}

/* --- coverage ------------------------------------------------------------------------------------ */

static bool covers(struct fl_estimate e, double truth)
{
    return e.low <= truth && truth <= e.high;
}

static void expect_nominal(const char *what, int covered)
{
    const double share = (double)covered / REPETITIONS;
    cr_log_info("%s: %.1f %% of 95 %%", what, 100 * share);
    cr_expect(fabs(share - (1 - ALPHA)) <= POINTS + 1e-9, "%s: %.1f %%", what, 100 * share);
}

/* How often intervals of a proportion hold follows from the binomial law alone. Wilson's is near its
 * nominal coverage where trials are many; Clopper and Pearson's is at or above it, and with few trials
 * far above: so what is measured is compared with what it must be, and only then with what it says. */
struct proportions {
    unsigned trials;
    double truth;
    int wilson, exact;
};

static void add_hits(struct proportions *p, size_t hits)
{
    p->wilson += covers(fl_wilson(hits, p->trials, ALPHA), p->truth);
    p->exact += covers(fl_clopper_pearson(hits, p->trials, ALPHA), p->truth);
}

static void expect_exact(const char *what, const struct proportions *p)
{
    const double wilson = exact_coverage(fl_wilson, p->trials, p->truth);
    const double exact = exact_coverage(fl_clopper_pearson, p->trials, p->truth);
    cr_log_info("%s, %u trials, p = %.4f: Wilson %.1f %% (exactly %.2f), Clopper-Pearson %.1f %% "
                "(exactly %.2f)",
                what, p->trials, p->truth, 100.0 * p->wilson / REPETITIONS, 100 * wilson,
                100.0 * p->exact / REPETITIONS, 100 * exact);
    cr_expect_float_eq((double)p->wilson / REPETITIONS, wilson, POINTS, "%s", what);
    cr_expect_float_eq((double)p->exact / REPETITIONS, exact, POINTS, "%s", what);
    cr_expect_geq(exact, 1 - ALPHA);
}

/* Ten normal values: Student's interval is exact. Of pairs that share most of what is random, too; and the
 * interval is shorter by the root of the share that is not shared. */
Test(coverage, mean_and_paired_difference)
{
    enum { COUNT = 10 };
    int mean = 0, paired = 0;
    double shorter = 0;
    for (uint64_t r = 0; r < REPETITIONS; r++) {
        gsl_rng *rng = fl_stream_new(SEED, 1000 + r);
        double a[COUNT], b[COUNT];
        for (int i = 0; i < COUNT; i++) {
            const double shared = gsl_ran_gaussian(rng, 3);
            a[i] = 5 + shared + gsl_ran_gaussian(rng, 1);
            b[i] = 2.615 + shared + gsl_ran_gaussian(rng, 1);
        }
        const struct fl_estimate of_a = fl_mean_at(a, COUNT, ALPHA);
        const struct fl_estimate difference = fl_paired_at(a, b, COUNT, ALPHA);
        mean += covers(of_a, 5);
        paired += covers(difference, 2.385);
        shorter += (difference.high - difference.low) / (of_a.high - of_a.low) / REPETITIONS;
        gsl_rng_free(rng);
    }
    expect_nominal("mean of 10 normal values", mean);
    expect_nominal("paired difference of 10", paired);
    cr_expect_float_eq(shorter, sqrt(2.0 / 10), 0.05, "%g", shorter);
}

/* Order statistics hold for any law; how often depends on count and share alone: between j and k - 1 of
 * the values lie below the quantile. */
static double exact_between(unsigned count, double share)
{
    double *places = fl_alloc(count, sizeof *places);
    for (unsigned i = 0; i < count; i++) places[i] = i + 1;
    const struct fl_estimate e = fl_quantile_at(places, count, share, ALPHA);
    free(places);
    return gsl_cdf_binomial_P((unsigned)e.high - 1, share, count) -
           gsl_cdf_binomial_P((unsigned)e.low - 1, share, count);
}

Test(coverage, tails)
{
    enum { COUNT = 2000 };
    int median = 0, at_risk[2] = {0}, shortfall = 0;
    const double level[] = {0.95, 0.99};
    double *losses = fl_alloc(COUNT, sizeof *losses);
    for (uint64_t r = 0; r < REPETITIONS; r++) {
        gsl_rng *rng = fl_stream_new(SEED, 3000 + r);
        for (int i = 0; i < COUNT; i++) losses[i] = gsl_ran_exponential(rng, 1);
        median += covers(fl_quantile_at(losses, COUNT, 0.5, ALPHA), M_LN2);
        for (int k = 0; k < 2; k++)
            at_risk[k] +=
                covers(fl_value_at_risk(losses, COUNT, level[k], ALPHA), -log(1 - level[k]));
        shortfall += covers(fl_expected_shortfall(losses, COUNT, 0.95, ALPHA), 1 - log(0.05));
        gsl_rng_free(rng);
    }
    cr_log_info("exactly: %.2f, %.2f, %.2f %%", 100 * exact_between(COUNT, 0.5),
                100 * exact_between(COUNT, 0.95), 100 * exact_between(COUNT, 0.99));
    expect_nominal("median of 2000 exponential losses", median);
    expect_nominal("VaR 95 % of 2000 exponential losses", at_risk[0]);
    expect_nominal("VaR 99 % of 2000 exponential losses", at_risk[1]);
    expect_nominal("ES 95 % of 2000 exponential losses", shortfall);
    free(losses);
}

Test(coverage, bootstrap)
{
    enum { COUNT = 200, RESAMPLES = 400 };
    int mean = 0, shortfall = 0;
    const struct fl_bootstrap of_mean = {fl_weighted_mean, 0, ALPHA, RESAMPLES};
    const struct fl_bootstrap of_tail = {fl_weighted_shortfall, 0.75, ALPHA, RESAMPLES};
    double losses[COUNT];
    for (uint64_t r = 0; r < REPETITIONS; r++) {
        gsl_rng *rng = fl_stream_new(SEED, 5000 + r);
        for (int i = 0; i < COUNT; i++) losses[i] = gsl_ran_gaussian_ziggurat(rng, 1);
        mean += covers(fl_bootstrap_estimate(losses, COUNT, &of_mean, rng), 0);
        shortfall += covers(fl_bootstrap_estimate(losses, COUNT, &of_tail, rng), 1.2711062);
        gsl_rng_free(rng);
    }
    expect_nominal("bootstrap, mean of 200 normal losses", mean);
    expect_nominal("bootstrap, ES 75 % of 200 normal losses", shortfall);
}

/* Does a Brownian motion with drift reach a barrier by time 1? As the logarithm of a geometric one does: a
 * price with volatility 0.8 and drift 0.02 reaches e^0.7 = 2.01 times its start. Steps of 1/8, and
 * between two ends below the barrier the bridge's exact probability, so that the steps leave no error.
 * Closed form: Borodin and Salminen, Handbook of Brownian Motion (2002), 2.1.1.4. */
static const double DRIFT = -0.3, VOLATILITY = 0.8, BARRIER = 0.7;

static bool reaches_barrier(gsl_rng *rng)
{
    enum { STEPS = 8 };
    const double dt = 1.0 / STEPS, deviation = VOLATILITY * sqrt(dt);
    double x = 0;
    for (int i = 0; i < STEPS; i++) {
        const double y = x + DRIFT * dt + gsl_ran_gaussian_ziggurat(rng, deviation);
        const double between =
            y >= BARRIER ? 1 : exp(-2 * (BARRIER - x) * (BARRIER - y) / (deviation * deviation));
        if (gsl_rng_uniform(rng) < between) return true;
        x = y;
    }
    return false;
}

Test(coverage, barrier_probability)
{
    const double v = VOLATILITY, truth = gsl_cdf_ugaussian_P((DRIFT - BARRIER) / v) +
                                         exp(2 * DRIFT * BARRIER / (v * v)) *
                                             gsl_cdf_ugaussian_P((-BARRIER - DRIFT) / v);
    struct proportions p = {.trials = 1000, .truth = truth};
    size_t all = 0;
    for (uint64_t r = 0; r < REPETITIONS; r++) {
        gsl_rng *rng = fl_stream_new(SEED, 7000 + r);
        size_t hits = 0;
        for (unsigned i = 0; i < p.trials; i++) hits += reaches_barrier(rng);
        add_hits(&p, hits);
        all += hits;
        gsl_rng_free(rng);
    }
    expect_exact("barrier", &p);
    expect_nominal("Wilson, barrier", p.wilson);
    expect_nominal("Clopper-Pearson, barrier", p.exact);
    cr_expect(covers(fl_clopper_pearson(all, (size_t)p.trials * REPETITIONS, 1e-4), truth));
}

/* A walk of 64 steps of one reaches 9: by reflection P(S >= 9) + P(S > 9) = 0.2604354765766535 (Feller, An
 * Introduction to Probability Theory I, 1968, III.7, lemma 1; sums of binomials by exact rational
 * arithmetic). A step is a bit of one draw. */
static bool walk_reaches(uint64_t bits)
{
    int at = 0;
    for (int i = 0; i < 64 && at < 9; i++) at += bits >> i & 1 ? 1 : -1;
    return at == 9;
}

Test(coverage, walk_to_a_barrier)
{
    struct proportions many = {.trials = 1000, .truth = 0.2604354765766535}, few = many;
    few.trials = 30;
    for (uint64_t r = 0; r < REPETITIONS; r++) {
        gsl_rng *rng = fl_stream_new(SEED, 8000 + r);
        size_t hits = 0;
        for (unsigned i = 0; i < many.trials; i++) {
            hits += walk_reaches(gsl_rng_get(rng));
            if (i + 1 == few.trials) add_hits(&few, hits);
        }
        add_hits(&many, hits);
        gsl_rng_free(rng);
    }
    expect_exact("walk", &many);
    expect_nominal("Wilson, walk", many.wilson);
    expect_nominal("Clopper-Pearson, walk", many.exact);
    expect_exact("walk", &few); /* 30, as a sweep has: the one is near, the other beyond */
}

/* Whether so many silent members of seven stop PBFT: three seconds of the real thing, after one without
 * faults and its eleven blocks. The seed draws who they are; three draws must agree. */
static bool stops_pbft(int silent)
{
    enum { OVERRIDES = 6, AT_ONE_SECOND = 12, DRAWS = 3 };
    char fault[128];
    snprintf(fault, sizeof fault,
             "faults={\"silent\": {\"model\": \"mute\", \"group\": \"validator\", \"count\": %d, "
             "\"from_s\": 1}}",
             silent);
    const char *const overrides[OVERRIDES] = {"duration_s=4",
                                              "nodes.validator.count=7",
                                              "nodes.validator.faulty_max=2",
                                              "checks={}",
                                              "expect=[]",
                                              silent > 0 ? fault : "faults={}"};
    int stopped = 0;
    for (uint64_t seed = 1; seed <= DRAWS; seed++) {
        struct fl_test_run run =
            fl_test_run_file("scenarios/pbft-no-fault.json", overrides, OVERRIDES, seed);
        stopped += fl_test_final(&run, "consensus.height") <= AT_ONE_SECOND;
        fl_test_run_free(&run);
    }
    cr_assert(stopped == 0 || stopped == DRAWS, "%d silent: %d of %d", silent, stopped, DRAWS);
    return stopped > 0;
}

/* A committee of 7, drawn from a population of which a quarter is Byzantine, has more than 2 of them with
 * probability 0.24359130859375 = 3991 / 16384; of 31, a fifth, more than 10: 0.03271043392599233. Exact
 * rational arithmetic: sum of C(k, i) p^i (1 - p)^(k - i). Of the first, PBFT itself says what is too
 * many. */
Test(coverage, binomial_quorum)
{
    enum { SMALL = 7, LARGE = 31 };
    bool broken_by[2][LARGE + 1];
    for (int silent = 0; silent <= SMALL; silent++) {
        broken_by[0][silent] = stops_pbft(silent);
        cr_expect_eq(broken_by[0][silent], silent > (SMALL - 1) / 3, "%d silent", silent);
    }
    for (int silent = 0; silent <= LARGE; silent++) broken_by[1][silent] = silent > (LARGE - 1) / 3;
    static const struct {
        int members;
        double share, truth;
    } rows[] = {{SMALL, 0.25, 0.24359130859375}, {LARGE, 0.2, 0.03271043392599233}};
    for (int k = 0; k < 2; k++) {
        struct proportions p = {.trials = 1000, .truth = rows[k].truth}, few = p;
        few.trials = 30;
        for (uint64_t r = 0; r < REPETITIONS; r++) {
            gsl_rng *rng = fl_stream_new(SEED, 9000 + 1000 * (uint64_t)k + r);
            size_t broken = 0;
            for (unsigned c = 0; c < p.trials; c++) {
                int byzantine = 0;
                for (int m = 0; m < rows[k].members; m++)
                    byzantine += gsl_rng_uniform(rng) < rows[k].share;
                broken += broken_by[k][byzantine];
                if (c + 1 == few.trials) add_hits(&few, broken);
            }
            add_hits(&p, broken);
            gsl_rng_free(rng);
        }
        expect_exact("committee", &p);
        expect_nominal("Wilson, committee", p.wilson);
        expect_nominal("Clopper-Pearson, committee", p.exact);
        expect_exact("committee", &few);
    }
}

/* Waiting in M/M/1 with service rate 1: lambda / (1 - lambda), 0.42857 at 0.3 and 1 at 0.5. Lindley's
 * recursion from the stationary law, so that there is no bias to warm up from; the two queues share their
 * services and the unit arrivals. */
static void queue_up(gsl_rng *rng, double mean[2])
{
    enum { CUSTOMERS = 1000 };
    const double lambda[] = {0.3, 0.5}, start = 1 - gsl_rng_uniform(rng);
    double wait[2];
    for (int k = 0; k < 2; k++) {
        /* P(W > t) = lambda e^-(1 - lambda) t */
        wait[k] = start < lambda[k] ? log(lambda[k] / start) / (1 - lambda[k]) : 0;
        mean[k] = 0;
    }
    for (int i = 0; i < CUSTOMERS; i++) {
        const double service = gsl_ran_exponential(rng, 1), gap = gsl_ran_exponential(rng, 1);
        for (int k = 0; k < 2; k++) {
            mean[k] += wait[k] / CUSTOMERS;
            wait[k] = fmax(0, wait[k] + service - gap / lambda[k]);
        }
    }
}

Test(coverage, mm1_waiting)
{
    enum { REPLICATES = 30 };
    int covered[2] = {0}, paired = 0;
    const double truth[] = {0.4285714285714286, 1};
    for (uint64_t r = 0; r < REPETITIONS; r++) {
        gsl_rng *rng = fl_stream_new(SEED, 20000 + r);
        double wait[2][REPLICATES];
        for (int i = 0; i < REPLICATES; i++) {
            double mean[2];
            queue_up(rng, mean);
            for (int k = 0; k < 2; k++) wait[k][i] = mean[k];
        }
        for (int k = 0; k < 2; k++)
            covered[k] += covers(fl_mean_at(wait[k], REPLICATES, ALPHA), truth[k]);
        paired += covers(fl_paired_at(wait[1], wait[0], REPLICATES, ALPHA), truth[1] - truth[0]);
        gsl_rng_free(rng);
    }
    expect_nominal("M/M/1 waiting at 0.3", covered[0]);
    expect_nominal("M/M/1 waiting at 0.5", covered[1]);
    expect_nominal("M/M/1, paired difference", paired);
}

/* P(wait > 5) = 0.8 e^-(1 - 0.8) 5 = 0.29430355293715393 at 0.8: of each queue, begun in its stationary law,
 * the fortieth customer, so that customers are independent. */
Test(coverage, mm1_long_waits)
{
    const double lambda = 0.8;
    struct proportions p = {.trials = 300, .truth = 0.29430355293715393};
    for (uint64_t r = 0; r < REPETITIONS; r++) {
        gsl_rng *rng = fl_stream_new(SEED, 25000 + r);
        size_t hits = 0;
        for (unsigned i = 0; i < p.trials; i++) {
            const double start = 1 - gsl_rng_uniform(rng);
            double wait = start < lambda ? log(lambda / start) / (1 - lambda) : 0;
            for (int c = 0; c < 40; c++)
                wait = fmax(0, wait + gsl_ran_exponential(rng, 1) -
                                   gsl_ran_exponential(rng, 1 / lambda));
            hits += wait > 5;
        }
        add_hits(&p, hits);
        gsl_rng_free(rng);
    }
    expect_exact("waits above 5", &p);
    expect_nominal("Wilson, waits above 5", p.wilson);
}

/* Waits of one run are correlated: who waits long stands before others who do. Taken for independent they
 * give intervals far too short; means of batches much longer than the queue remembers do not (Law,
 * Simulation Modeling and Analysis, 2015, 9.5.3). */
Test(coverage, mm1_batch_means)
{
    enum { BATCHES = 20, CUSTOMERS = 1000, ALL = BATCHES * CUSTOMERS };
    const double lambda = 0.5, truth = 1;
    int batches = 0, naive = 0;
    double *wait = fl_alloc(ALL, sizeof *wait);
    for (uint64_t r = 0; r < REPETITIONS; r++) {
        gsl_rng *rng = fl_stream_new(SEED, 27000 + r);
        const double start = 1 - gsl_rng_uniform(rng);
        double now = start < lambda ? log(lambda / start) / (1 - lambda) : 0, mean[BATCHES] = {0};
        for (int i = 0; i < ALL; i++) {
            wait[i] = now;
            mean[i / CUSTOMERS] += now / CUSTOMERS;
            now =
                fmax(0, now - log1p(-gsl_rng_uniform(rng)) + log1p(-gsl_rng_uniform(rng)) / lambda);
        }
        batches += covers(fl_mean_at(mean, BATCHES, ALPHA), truth);
        naive += covers(fl_mean_at(wait, ALL, ALPHA), truth);
        gsl_rng_free(rng);
    }
    expect_nominal("M/M/1 waiting at 0.5, 20 batches of 1000", batches);
    cr_log_info("the same 20000 waits taken for independent: %.1f %%", naive / 10.0);
    cr_expect_lt(naive, 0.6 * REPETITIONS);
    free(wait);
}

/* Block space (bulk service with partial blocks): transactions come at some rate, blocks at rate 1 take up to K of
 * them. With r the root below 1 of rate - (rate + 1) r + r^(K + 1), P(n wait) = (1 - r) r^n and, by
 * Little's law, a transaction waits r / (1 - r) / rate. Between two blocks the arrivals are spread
 * evenly, so that their number tells how long they waited on the average. */
struct blocks {
    double capacity, rate, root, wait;
};

static double wait_for_block(const struct blocks *b, gsl_rng *rng, double duration)
{
    double waiting = floor(log(1 - gsl_rng_uniform(rng)) / log(b->root)), area = 0, now = 0;
    while (now < duration) {
        const double gap = fmin(gsl_ran_exponential(rng, 1), duration - now);
        const double arrivals = gsl_ran_poisson(rng, b->rate * gap);
        area += (waiting + arrivals / 2) * gap;
        waiting = fmax(0, waiting + arrivals - b->capacity);
        now += gap;
    }
    return area / duration / b->rate;
}

Test(coverage, bulk_service)
{
    enum { REPLICATES = 100 };
    static const struct blocks half = {50, 25, 0.9694363486362554, 1.268744152455849};
    int covered = 0;
    for (uint64_t r = 0; r < REPETITIONS; r++) {
        gsl_rng *rng = fl_stream_new(SEED, 30000 + r);
        double wait[REPLICATES];
        for (int i = 0; i < REPLICATES; i++) wait[i] = wait_for_block(&half, rng, 150);
        covered += covers(fl_mean_at(wait, REPLICATES, ALPHA), half.wait);
        gsl_rng_free(rng);
    }
    expect_nominal("waiting for block space", covered);
}

/* At a load of 0.8 a queue needs about sixty blocks to forget: its means are skewed, and many are needed
 * (with 40 of 800 blocks, 92.3 % of 1,000 intervals at 95 % held). Once, with 20,000. */
Test(estimate, bulk_service_under_load)
{
    enum { REPLICATES = 20000 };
    static const struct blocks busy = {5, 4, 0.9265193605807738, 3.152256730152888};
    gsl_rng *rng = fl_stream_new(SEED, 4);
    double *wait = fl_alloc(REPLICATES, sizeof *wait);
    for (int i = 0; i < REPLICATES; i++) wait[i] = wait_for_block(&busy, rng, 200);
    const struct fl_estimate e = fl_mean_at(wait, REPLICATES, 1e-4);
    cr_expect(covers(e, busy.wait), "%g in %g, %g", busy.wait, e.low, e.high);
    cr_expect_lt(e.high - e.low, 0.1);
    free(wait);
    gsl_rng_free(rng);
}

/* Insolvency with probability 1 / (1 + e^-(x - 20) / 4) at x minutes, nine x, 60 runs each. */
Test(coverage, logistic_threshold)
{
    enum { DOSES = 9, RUNS = 60 };
    int half = 0, tenth = 0;
    for (uint64_t r = 0; r < REPETITIONS; r++) {
        gsl_rng *rng = fl_stream_new(SEED, 40000 + r);
        struct fl_dose doses[DOSES];
        struct fl_logistic fit;
        for (int i = 0; i < DOSES; i++) {
            const double x = 5.0 * i, p = 1 / (1 + exp(-(x - 20) / 4));
            doses[i] = (struct fl_dose){x, gsl_ran_binomial(rng, p, RUNS), RUNS};
        }
        cr_assert(fl_logistic_fit(doses, DOSES, &fit));
        half += covers(fl_logistic_threshold(&fit, 0.5, ALPHA), 20);
        tenth += covers(fl_logistic_threshold(&fit, 0.1, ALPHA), 20 - 4 * log(9));
        gsl_rng_free(rng);
    }
    expect_nominal("threshold at 1/2", half);
    expect_nominal("threshold at 1/10", tenth);
}

/* Each seed begins at a place of its own, logistic about 20, or normal about 20, where the curve is not
 * quite the right one; and is run at every x. An interval that takes these runs for independent is far
 * too short; that of the onset is too long by the spacing of the x. */
static void share_seeds(gsl_rng *rng, bool normal, const struct fl_onsets *runs, bool *happens)
{
    for (size_t s = 0; s < runs->seeds; s++) {
        const double begins = 20 + (normal ? gsl_ran_gaussian(rng, 7) : gsl_ran_logistic(rng, 4));
        for (size_t i = 0; i < runs->count; i++)
            happens[i * runs->seeds + s] = runs->x[i] >= begins;
    }
}

static bool covers_taken_apart(const struct fl_onsets *runs, double truth)
{
    enum { MOST = 9 };
    struct fl_dose doses[MOST];
    struct fl_logistic fit;
    for (size_t i = 0; i < runs->count; i++) {
        doses[i] = (struct fl_dose){runs->x[i], 0, runs->seeds};
        for (size_t s = 0; s < runs->seeds; s++)
            doses[i].hits += runs->happens[i * runs->seeds + s];
    }
    cr_assert(fl_logistic_fit(doses, runs->count, &fit));
    return covers(fl_logistic_threshold(&fit, 0.5, ALPHA), truth);
}

Test(coverage, logistic_threshold_of_shared_seeds)
{
    static const double x[] = {0, 5, 10, 15, 20, 25, 30, 35, 40};
    enum { DOSES = sizeof x / sizeof *x, MOST = 200 };
    static const struct {
        size_t seeds;
        bool normal;
    } rows[] = {{30, false}, {60, false}, {200, false}, {30, true}, {60, true}, {200, true}};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        int half = 0, tenth = 0, apart = 0, onset = 0;
        char what[64];
        for (uint64_t r = 0; r < REPETITIONS; r++) {
            gsl_rng *rng = fl_stream_new(SEED, 50000 + 1000 * k + r);
            bool happens[DOSES * MOST];
            const struct fl_onsets runs = {x, DOSES, rows[k].seeds, happens, false};
            share_seeds(rng, rows[k].normal, &runs, happens);
            struct fl_logistic fit;
            cr_assert(fl_logistic_fit_seeds(&runs, &fit));
            half += covers(fl_logistic_threshold(&fit, 0.5, ALPHA), 20);
            tenth += covers(fl_logistic_threshold(&fit, 0.1, ALPHA), 20 - 4 * log(9));
            onset += covers(fl_onset(&runs, ALPHA), 20);
            apart += covers_taken_apart(&runs, 20);
            gsl_rng_free(rng);
        }
        snprintf(what, sizeof what, "threshold at 1/2, %zu shared seeds, %s", rows[k].seeds,
                 rows[k].normal ? "normal" : "logistic");
        expect_nominal(what, half);
        if (rows[k].seeds == MOST && !rows[k].normal)
            expect_nominal("threshold at 1/10, 200 shared seeds", tenth);
        cr_log_info("taken apart %.1f %%, onset %.1f %%", apart / 10.0, onset / 10.0);
        cr_expect_lt(apart, 0.85 * REPETITIONS);
        cr_expect_gt(onset, (1 - ALPHA - POINTS) * REPETITIONS);
    }
}

/* The slow twin of the covariance: the jackknife, without each seed in turn (Efron and Tibshirani 1993,
 * 11.5), which comes to the same as the number of seeds grows. */
Test(threshold, covariance_by_seed_is_that_of_the_jackknife)
{
    static const double x[] = {37800, 37860, 37920, 37980, 38040, 38100};
    enum { DOSES = sizeof x / sizeof *x, SEEDS = 300 };
    gsl_rng *rng = fl_stream_new(SEED, 5);
    bool happens[DOSES * SEEDS], rest[DOSES * (SEEDS - 1)];
    const struct fl_onsets runs = {x, DOSES, SEEDS, happens, false},
                           without = {x, DOSES, SEEDS - 1, rest, false};
    for (size_t s = 0; s < SEEDS; s++) { /* some seeds waver */
        const double begins = 37950 + gsl_ran_logistic(rng, 40);
        for (size_t i = 0; i < DOSES; i++)
            happens[i * SEEDS + s] = x[i] + gsl_ran_gaussian(rng, 30) >= begins;
    }
    struct fl_logistic fit, less;
    double at[SEEDS], mean = 0, sum = 0;
    cr_assert(fl_logistic_fit_seeds(&runs, &fit));
    for (size_t out = 0; out < SEEDS; out++) {
        for (size_t i = 0; i < DOSES; i++)
            for (size_t s = 0; s < SEEDS - 1; s++)
                rest[i * (SEEDS - 1) + s] = happens[i * SEEDS + s + (s >= out)];
        cr_assert(fl_logistic_fit_seeds(&without, &less));
        at[out] = -less.intercept / less.slope;
        mean += at[out] / SEEDS;
    }
    for (size_t s = 0; s < SEEDS; s++) sum += (at[s] - mean) * (at[s] - mean) * (SEEDS - 1) / SEEDS;
    /* of -intercept / slope, by the delta method */
    const double here = -fit.intercept / fit.slope;
    const double variance =
        (fit.variance_intercept + 2 * here * fit.covariance + here * here * fit.variance_slope) /
        (fit.slope * fit.slope);
    cr_expect_float_eq(sqrt(variance), sqrt(sum), 0.02 * sqrt(sum), "%g, %g", sqrt(variance),
                       sqrt(sum));
    gsl_rng_free(rng);
}
