/* sim/law.c against the exact laws of GSL: quantile by quantile, to the errors law.c states. */
#include "sim/law.h"
#include "sim/num.h"
#include "sim/rng.h"
#include <criterion/criterion.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_math.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define SEED UINT64_C(0x5eed2385)
#define NORMAL_ERROR 7e-9 /* as stated in law.c */

enum { OCTAVES = 64, NODES = 33 };
static const int64_t table[OCTAVES * NODES][2] = {
#include "sim/law_table.inc"
};

/* The i-th probe: ends, powers of two and their neighbours, then random points over all scales of
 * both tails. */
enum { EDGE_PROBES = 65 * 6, PROBES = EDGE_PROBES + 40000 };

static uint64_t probe(int i)
{
    if (i < EDGE_PROBES) {
        const int bit = i / 6;
        const uint64_t power = bit == 64 ? 0 : UINT64_C(1) << bit;
        const uint64_t u = power + (uint64_t)(i % 3) - 1;
        return i % 6 < 3 ? u : ~u;
    }
    const uint64_t draw = fl_draw(SEED, FL_RNG_SOURCE, 1, (uint64_t)i, 0) >> (i / 2 % 64);
    return i % 2 == 0 ? draw : ~draw;
}

/* Lower and upper tail probability of (u + 1/2) / 2^64, each without cancellation. */
static double lower(uint64_t u)
{
    return (double)ldexpl((long double)u + 0.5L, -64);
}

static double upper(uint64_t u)
{
    return lower(~u);
}

static double exact_normal(uint64_t u)
{
    return u >> 63 == 0 ? gsl_cdf_ugaussian_Pinv(lower(u)) : gsl_cdf_ugaussian_Qinv(upper(u));
}

Test(law, normal_table_is_what_gsl_says)
{
    double worst_z = 0, worst_slope = 0;
    for (int row = 0; row < OCTAVES * NODES; row++) {
        const int octave = row / NODES, node = row % NODES;
        const double p = ldexp(1 + node / 32.0, octave - 65);
        const double z = gsl_cdf_ugaussian_Pinv(p);
        const double slope = ldexp(1 / 32.0, octave - 65) * sqrt(2 * M_PI) * exp(z * z / 2);
        worst_z = fmax(worst_z, fabs(ldexp((double)table[row][0], -40) - z));
        worst_slope = fmax(worst_slope, fabs(ldexp((double)table[row][1], -40) - slope));
    }
    fprintf(stderr, "table: worst z %.2e, worst slope %.2e\n", worst_z, worst_slope);
    cr_assert_lt(worst_z, 1e-11); /* GSL itself errs by some 1e-15 relative in p */
    cr_assert_lt(worst_slope, 1e-11);
}

/* Fritsch and Carlson (SIAM J. Numer. Anal. 17, 1980): a cubic whose end slopes lie between 0 and
 * three times the chord's is monotone. Octaves must also join. */
Test(law, normal_table_makes_monotone_cubics)
{
    for (int row = 0; row < OCTAVES * NODES - 1; row++) {
        if (row % NODES == NODES - 1) {
            cr_assert_eq(table[row][0], table[row + 1][0]);
            continue;
        }
        const int64_t chord = table[row + 1][0] - table[row][0];
        cr_assert(table[row][1] >= 0 && table[row][1] <= 3 * chord, "row %d", row);
        cr_assert(table[row + 1][1] >= 0 && table[row + 1][1] <= 3 * chord, "row %d", row);
    }
    cr_assert_eq(table[OCTAVES * NODES - 1][0], 0);
}

Test(law, normal_quantile_is_close_everywhere)
{
    double worst = 0, worst_centre = 0;
    for (int i = 0; i < PROBES; i++) {
        const uint64_t u = probe(i);
        worst = fmax(worst, fabs(ldexp((double)fl_normal_q32(u), -32) - exact_normal(u)));
    }
    /* A dense grid in p, and one in z for the tails. */
    for (uint64_t i = 0; i < 40000; i++) {
        const uint64_t u = i * UINT64_C(461168601842739);
        const double error = fabs(ldexp((double)fl_normal_q32(u), -32) - exact_normal(u));
        worst_centre = fmax(worst_centre, error);
        const double p = gsl_cdf_ugaussian_P(-9.0 + (double)i * 2.25e-4);
        const uint64_t v = (uint64_t)ldexp(p, 64);
        worst = fmax(worst, fabs(ldexp((double)fl_normal_q32(v), -32) - exact_normal(v)));
    }
    fprintf(stderr, "normal: seed %#llx, worst %.2e, on the grid in p %.2e\n",
            (unsigned long long)SEED, worst, worst_centre);
    cr_assert_leq(fmax(worst, worst_centre), NORMAL_ERROR);

    /* z(2^-65) = -9.15558..., the deepest value there is: gsl_cdf_ugaussian_Pinv(ldexp(1, -65)). */
    cr_assert_float_eq(ldexp((double)fl_normal_q32(0), -32), gsl_cdf_ugaussian_Pinv(0x1p-65), 1e-9);
    /* z(0.975) = 1.959963984540054, Abramowitz and Stegun table 26.5 and any textbook. */
    const uint64_t u975 = (uint64_t)(0.975L * 0x1p64L);
    cr_assert_float_eq(ldexp((double)fl_normal_q32(u975), -32), 1.959963984540054, NORMAL_ERROR);
}

Test(law, normal_is_odd)
{
    for (int i = 0; i < PROBES; i++)
        cr_assert_eq(fl_normal_q32(~probe(i)), -fl_normal_q32(probe(i)));
}

static struct fl_law law_of(enum fl_law_kind kind, int64_t a, int64_t b)
{
    return (struct fl_law){.kind = kind, .a = a, .b = b, .min = INT64_MIN, .max = INT64_MAX};
}

/* One of each kind, plus the extreme parameters of each. */
static const struct fl_law assorted[] = {
    {FL_CONSTANT, 2385, 0, INT64_MIN, INT64_MAX, NULL},
    {FL_UNIFORM, -2385, 1717, INT64_MIN, INT64_MAX, NULL},
    {FL_UNIFORM, INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX, NULL},
    {FL_EXPONENTIAL, INT64_C(2385000017), 0, INT64_MIN, INT64_MAX, NULL},
    {FL_EXPONENTIAL, 1, 0, INT64_MIN, INT64_MAX, NULL},
    {FL_EXPONENTIAL, INT64_MAX, 0, INT64_MIN, INT64_MAX, NULL},
    {FL_NORMAL, -2385, 1234567890123, INT64_MIN, INT64_MAX, NULL},
    {FL_NORMAL, INT64_MAX, INT64_MAX, INT64_MIN, INT64_MAX, NULL},
    {FL_NORMAL, INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX, NULL},
    {FL_LOGNORMAL, INT64_C(80000000), 385000, INT64_MIN, INT64_MAX, NULL},
    {FL_LOGNORMAL, 1, 4000000, INT64_MIN, INT64_MAX, NULL},
    {FL_LOGNORMAL, INT64_MAX, 4000000, INT64_MIN, INT64_MAX, NULL},
    {FL_LOGNORMAL, INT64_C(1) << 55, 0, INT64_MIN, INT64_MAX, NULL},
    {FL_LOGNORMAL, INT64_C(1) << 40, 2385000, 17, INT64_C(1) << 41, NULL},
    {FL_PARETO, 2385, 2385000, INT64_MIN, INT64_MAX, NULL},
    {FL_PARETO, 1, 1, INT64_MIN, INT64_MAX, NULL},
    {FL_PARETO, INT64_MAX, INT64_MAX, INT64_MIN, INT64_MAX, NULL},
    {FL_PARETO, 1, 1000000, INT64_MIN, INT64_MAX, NULL},
};
enum { ASSORTED = sizeof assorted / sizeof *assorted };

/* FNV-1a, by eight bytes, over every law at every probe. The figure came from this code (gcc 12,
 * -O0); it stands for "the same bits for every compiler, optimisation and CPU". */
Test(law, bits_are_the_same_everywhere)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int l = 0; l < ASSORTED; l++)
        for (int i = 0; i < PROBES; i += 4)
            hash = (hash ^ (uint64_t)fl_law_at(&assorted[l], probe(i))) * UINT64_C(0x100000001b3);
    cr_assert_eq(hash, UINT64_C(0x2574e6be8aa3d2a7), "%#llx", (unsigned long long)hash);
}

/* u and its successors, at every edge probe (seams of octaves, of the cells at powers of two, of
 * the logarithm's two branches) and at random. The sanitizers see the extremes here too. */
Test(law, every_law_is_valid_and_never_falls)
{
    fprintf(stderr, "monotone: seed %#llx\n", (unsigned long long)SEED);
    for (int l = 0; l < ASSORTED; l++) {
        cr_assert_null(fl_law_check(&assorted[l]), "%s", fl_law_check(&assorted[l]));
        for (int i = 0; i < PROBES; i += i < EDGE_PROBES ? 1 : 16) {
            uint64_t u = probe(i);
            int64_t before = fl_law_at(&assorted[l], u);
            for (int step = 0; step < 6; step++) {
                const uint64_t stride = UINT64_C(1) << (step * i % 63);
                if (u > UINT64_MAX - stride) break;
                u += stride;
                const int64_t here = fl_law_at(&assorted[l], u);
                cr_assert(before <= here, "law %d falls at %#llx", l, (unsigned long long)u);
                before = here;
            }
        }
    }
}

/* Where k or the octave steps inside scale_exp, u must be hunted: bisect for the u at which a
 * lognormal of median 2^62 or a Pareto passes each power of two, then walk over it. Strides near
 * 2^-32 of the local tail keep z moving by about one ulp. */
static uint64_t first_reaching(const struct fl_law *law, int64_t value)
{
    uint64_t low = 0, high = UINT64_MAX;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (fl_law_at(law, middle) >= value)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

Test(law, exponentials_never_fall_where_the_exponent_steps)
{
    const struct fl_law laws[] = {law_of(FL_LOGNORMAL, INT64_C(1) << 61, 3999999),
                                  law_of(FL_LOGNORMAL, INT64_C(1) << 62, 1000000),
                                  law_of(FL_PARETO, 1, 700001), law_of(FL_PARETO, 5, 1000000)};
    for (size_t l = 0; l < sizeof laws / sizeof *laws; l++) {
        for (int bit = 1; bit < 63; bit++) {
            const uint64_t seam = first_reaching(&laws[l], INT64_C(1) << bit);
            const uint64_t stride = 1 + ((seam < ~seam ? seam : ~seam) >> 33);
            if (seam < 100 * stride || seam > UINT64_MAX - 100 * stride) continue;
            int64_t before = fl_law_at(&laws[l], seam - 100 * stride);
            for (uint64_t u = seam - 99 * stride; u < seam + 100 * stride; u += stride) {
                const int64_t here = fl_law_at(&laws[l], u);
                cr_assert(before <= here, "law %zu falls at %#llx", l, (unsigned long long)u);
                before = here;
            }
        }
    }
}

Test(law, uniform_is_exact)
{
    /* Five values from 2^64 points: floor((2 u + 1) 5 / 2^65) - 2, in 128 bits. */
    const struct fl_law five = law_of(FL_UNIFORM, -2, 2);
    for (int i = 0; i < PROBES; i++) {
        const uint64_t u = probe(i);
        const int64_t exact = (int64_t)((((fl_u128)u * 2 + 1) * 5) >> 65) - 2;
        cr_assert_eq(fl_law_at(&five, u), exact);
    }
    /* The 2^64 points fall in fifths: the midpoint of u's cell decides at the border. */
    for (int fifth = 1; fifth < 5; fifth++) {
        const uint64_t border = (uint64_t)((((fl_u128)fifth << 65) / 5 + 1) / 2);
        for (uint64_t u = border - 2; u <= border + 2; u++)
            cr_assert_eq(fl_law_at(&five, u), (int64_t)((((fl_u128)u * 2 + 1) * 5) >> 65) - 2);
    }
    const struct fl_law all = law_of(FL_UNIFORM, INT64_MIN, INT64_MAX);
    for (int i = 0; i < EDGE_PROBES; i++)
        cr_assert_eq(fl_law_at(&all, probe(i)), (int64_t)(probe(i) ^ UINT64_C(1) << 63));
    const struct fl_law one = law_of(FL_UNIFORM, 2385, 2385);
    cr_assert_eq(fl_law_at(&one, 0), 2385);
    cr_assert_eq(fl_law_at(&one, UINT64_MAX), 2385);
}

/* |value - exact| beyond the half unit of rounding, as a fraction of `scale`. */
static double excess(const struct fl_law *law, uint64_t u, double exact, double scale)
{
    if (exact > 9e18 || exact < -9e18) return 0; /* saturated: has its own test */
    return (fabs((double)fl_law_at(law, u) - exact) - 0.5) / scale;
}

Test(law, exponential_matches_gsl)
{
    const int64_t means[] = {17, 2385, INT64_C(50000000), INT64_C(7654321000000)};
    double worst = 0;
    for (size_t m = 0; m < sizeof means / sizeof *means; m++) {
        const struct fl_law law = law_of(FL_EXPONENTIAL, means[m], 0);
        const double mean = (double)means[m];
        for (int i = 0; i < PROBES; i += 3) {
            const uint64_t u = probe(i);
            const double exact = u >> 63 == 0 ? gsl_cdf_exponential_Pinv(lower(u), mean)
                                              : gsl_cdf_exponential_Qinv(upper(u), mean);
            worst = fmax(worst, excess(&law, u, exact, mean));
        }
    }
    fprintf(stderr, "exponential: seed %#llx, worst %.2e of the mean\n", (unsigned long long)SEED,
            worst);
    cr_assert_leq(worst, 4e-10);
}

Test(law, normal_matches_gsl)
{
    const struct fl_law law = law_of(FL_NORMAL, -238500, INT64_C(31415926535897));
    double worst = 0;
    for (int i = 0; i < PROBES; i++) {
        const uint64_t u = probe(i);
        const double sigma = (double)law.b;
        worst = fmax(worst, excess(&law, u, (double)law.a + sigma * exact_normal(u), sigma));
    }
    fprintf(stderr, "normal law: seed %#llx, worst %.2e deviations\n", (unsigned long long)SEED,
            worst);
    cr_assert_leq(worst, NORMAL_ERROR);
}

Test(law, lognormal_matches_gsl)
{
    const int64_t sigmas[] = {2385, 385000, 1000000, 2718282, 4000000};
    double worst = 0;
    for (size_t s = 0; s < sizeof sigmas / sizeof *sigmas; s++) {
        const struct fl_law law = law_of(FL_LOGNORMAL, INT64_C(80000000017), sigmas[s]);
        const double sigma = (double)sigmas[s] / 1e6;
        for (int i = 0; i < PROBES; i += 3) {
            const uint64_t u = probe(i);
            const double exact = (double)law.a * exp(sigma * exact_normal(u));
            worst = fmax(worst, excess(&law, u, exact, exact * (1e-8 * sigma + 4e-10)));
        }
    }
    fprintf(stderr, "lognormal: seed %#llx, worst %.2f of its bound\n", (unsigned long long)SEED,
            worst);
    cr_assert_leq(worst, 1);
}

/* a * e^y to nearest, the long way: y = k ln 2 + r, and the 61 bits of fl_exp_q32(r + 30 ln 2). The
 * constants are round(ln 2 2^64) (OEIS A002162) and round(30 ln 2 2^32). */
static int64_t plain_scale(int64_t a, int64_t y)
{
    if (y >= 44 * FL_Q32_ONE) return INT64_MAX;
    if (y < -45 * FL_Q32_ONE) return 0;
    const int64_t k = (y >= 0 ? y / FL_LN2_Q32 : -(-y / FL_LN2_Q32) - 1) + 1;
    const fl_i128 ln2 = (fl_i128)UINT64_C(0xB17217F7D1CF79AC);
    const int64_t rest = y - (int64_t)((k * ln2 + FL_Q32_ONE / 2) >> 32);
    const fl_u128 product = (fl_u128)a * (fl_u128)fl_exp_q32(rest + INT64_C(89311334155));
    const int64_t drop = 62 - k;
    const fl_u128 value = drop > 0 ? (product + ((fl_u128)1 << (drop - 1))) >> drop
                                   : product << -drop;
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* Where law.c takes a short cut it must end at the very same integer: most likely to be missed where a
 * result has almost as many bits as the short cut is good for. */
Test(law, powers_are_as_the_long_way_has_them)
{
    for (int bits = 0; bits < 63; bits++)
        for (uint64_t i = 0; i < 12000; i++) {
            const uint64_t dice = fl_draw(SEED, FL_RNG_SOURCE, 7, i, (uint32_t)bits);
            const int64_t a = (INT64_C(1) << bits) + (int64_t)(dice & ((UINT64_C(1) << bits) - 1));
            const int64_t sigma = (int64_t)(dice >> 40 & 3) * 1250000 + 250000;
            const uint64_t u = fl_draw(SEED, FL_RNG_SOURCE, 8, i, (uint32_t)bits);
            const struct fl_law lognormal = law_of(FL_LOGNORMAL, a, sigma);
            cr_assert_eq(fl_law_at(&lognormal, u),
                         plain_scale(a, sigma * fl_normal_q32(u) / 1000000),
                         "seed %#llx: a %lld, sigma %lld, u %#llx", (unsigned long long)SEED,
                         (long long)a, (long long)sigma, (unsigned long long)u);
        }
}

/* Whole numbers and fixed exponents, for models: against long double. */
Test(law, scaling_by_a_power_matches_long_double)
{
    long double worst = 0;
    for (uint64_t i = 0; i < 200000; i++) {
        const int64_t a = 1 + (int64_t)(fl_draw(SEED, FL_RNG_SOURCE, 9, i, 0) >> (1 + i % 62));
        const int64_t y =
            (int64_t)fl_draw_below(SEED, FL_RNG_SOURCE, 9, i, 1, (uint64_t)(80 * FL_Q32_ONE)) -
            40 * FL_Q32_ONE;
        const long double exact = (long double)a * expl(ldexpl((long double)y, -32));
        const int64_t got = fl_scale_exp(a, y);
        if (exact > 0x1p63L * (1 + 4e-10L)) {
            cr_assert_eq(got, INT64_MAX);
            continue;
        }
        if (exact > 1e12L) worst = fmaxl(worst, fabsl((long double)got - exact) / exact);
        cr_assert_leq(fabsl((long double)got - exact), 0.5L + 4e-10L * exact);
    }
    fprintf(stderr, "scaling: seed %#llx, worst %.3Lg\n", (unsigned long long)SEED, worst);
    cr_assert_gt(worst, 0);
}

Test(law, pareto_matches_gsl)
{
    const int64_t indices[] = {350000, 1000000, 2385000, 17000000};
    double worst = 0;
    for (size_t t = 0; t < sizeof indices / sizeof *indices; t++) {
        const struct fl_law law = law_of(FL_PARETO, INT64_C(2385000017), indices[t]);
        const double index = (double)indices[t] / 1e6, minimum = (double)law.a;
        for (int i = 0; i < PROBES; i += 3) {
            const uint64_t u = probe(i);
            const double exact = gsl_cdf_pareto_Qinv(upper(u), index, minimum);
            const double bound = exact * (4e-10 / index + 4e-10);
            worst = fmax(worst, excess(&law, u, exact, bound));
        }
    }
    fprintf(stderr, "Pareto: seed %#llx, worst %.2f of its bound\n", (unsigned long long)SEED,
            worst);
    cr_assert_leq(worst, 1);
}

/* Kolmogorov's statistic, sqrt n D, of draws against `cdf`, on 200 bins; it passes 1.95 with
 * probability 0.001 (Smirnov 1948). */
static double kolmogorov(const struct fl_law *law, double (*cdf)(double x), int draws)
{
    enum { BINS = 200 };
    int counts[BINS] = {0};
    for (int i = 0; i < draws; i++) {
        const uint64_t u = fl_draw(SEED, FL_RNG_AGENT, law->kind, (uint64_t)i, 0);
        const double p = cdf((double)fl_law_at(law, u));
        counts[p >= 1 ? BINS - 1 : (int)(p * BINS)]++;
    }
    double distance = 0, cumulated = 0;
    for (int b = 0; b < BINS; b++) {
        cumulated += counts[b];
        distance = fmax(distance, fabs(cumulated / draws - (b + 1.0) / BINS));
    }
    return distance * sqrt(draws);
}

static double cdf_exponential(double x)
{
    return gsl_cdf_exponential_P(x, 2385000);
}
static double cdf_normal(double x)
{
    return gsl_cdf_gaussian_P(x - 17, 2385000);
}
static double cdf_lognormal(double x)
{
    return gsl_cdf_lognormal_P(x, log(2385000), 0.61);
}
static double cdf_pareto(double x)
{
    return x <= 2385000 ? 0 : gsl_cdf_pareto_P(x, 1.7, 2385000);
}
static double cdf_uniform(double x)
{
    return (x + 0.5) / 2385000;
}

Test(law, draws_follow_their_laws)
{
    const struct {
        struct fl_law law;
        double (*cdf)(double x);
    } cases[] = {
        {law_of(FL_UNIFORM, 0, 2384999), cdf_uniform},
        {law_of(FL_EXPONENTIAL, 2385000, 0), cdf_exponential},
        {law_of(FL_NORMAL, 17, 2385000), cdf_normal},
        {law_of(FL_LOGNORMAL, 2385000, 610000), cdf_lognormal},
        {law_of(FL_PARETO, 2385000, 1700000), cdf_pareto},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const double statistic = kolmogorov(&cases[c].law, cases[c].cdf, 20000);
        fprintf(stderr, "Kolmogorov: seed %#llx, kind %d, %.3f\n", (unsigned long long)SEED,
                (int)cases[c].law.kind, statistic);
        cr_assert_lt(statistic, 1.95);
    }
}

/* The mean over a fine grid of probabilities, against the formula. The tolerance is the midpoint
 * rule's, whose error the unbounded tail of the last cell dominates. */
static double grid_mean(const struct fl_law *law)
{
    enum { POINTS = 1 << 16 };
    double sum = 0;
    for (uint64_t i = 0; i < POINTS; i++)
        sum += (double)fl_law_at(law, (i << 48) + (UINT64_C(1) << 47));
    return sum / POINTS;
}

Test(law, means_are_right)
{
    const struct fl_law exponential = law_of(FL_EXPONENTIAL, INT64_C(2385000000), 0);
    const struct fl_law normal = law_of(FL_NORMAL, -2385, INT64_C(1000000007));
    const struct fl_law lognormal = law_of(FL_LOGNORMAL, INT64_C(2385000000), 610000);
    const struct fl_law pareto = law_of(FL_PARETO, INT64_C(2385000000), 3700000);
    const struct fl_law uniform = law_of(FL_UNIFORM, -1000, 3385);
    cr_assert_float_eq(grid_mean(&exponential), 2385e6, 2385e6 * 1e-5);
    cr_assert_float_eq(grid_mean(&normal), -2385, 1);
    cr_assert_float_eq(grid_mean(&lognormal), 2385e6 * exp(0.61 * 0.61 / 2), 2385e6 * 1e-4);
    cr_assert_float_eq(grid_mean(&pareto), 2385e6 * 3.7 / 2.7, 2385e6 * 1e-3);
    cr_assert_float_eq(grid_mean(&uniform), (3385 - 1000) / 2.0, 0.1);
}

Test(law, values_are_clipped_and_saturate)
{
    struct fl_law law = law_of(FL_NORMAL, 2385, 1717);
    law.min = 2000;
    law.max = 2500;
    cr_assert_eq(fl_law_at(&law, 0), 2000);
    cr_assert_eq(fl_law_at(&law, UINT64_MAX), 2500);
    cr_assert_eq(fl_law_at(&law, UINT64_C(1) << 63), 2385);
    law = (struct fl_law){FL_CONSTANT, 2385, 0, 17, 23, NULL};
    cr_assert_eq(fl_law_at(&law, 5), 23);

    law = law_of(FL_NORMAL, INT64_MAX - 5, INT64_MAX);
    cr_assert_eq(fl_law_at(&law, UINT64_MAX), INT64_MAX);
    law = law_of(FL_NORMAL, INT64_MIN + 5, INT64_MAX);
    cr_assert_eq(fl_law_at(&law, 0), INT64_MIN);
    law = law_of(FL_EXPONENTIAL, INT64_MAX, 0);
    cr_assert_eq(fl_law_at(&law, UINT64_MAX), INT64_MAX);
    cr_assert_eq(fl_law_at(&law, 0), 0);
    law = law_of(FL_LOGNORMAL, INT64_MAX, 4000000);
    cr_assert_eq(fl_law_at(&law, UINT64_MAX), INT64_MAX);
    law = law_of(FL_LOGNORMAL, 1, 4000000);
    cr_assert_eq(fl_law_at(&law, 0), 0);
    law = law_of(FL_PARETO, 1, 1);
    cr_assert_eq(fl_law_at(&law, UINT64_MAX / 2), INT64_MAX);
    cr_assert_eq(fl_law_at(&law, 0), 1);
    /* The tail reaches 2^-65: (2^-65)^(-1/1.25) = 2^52. */
    law = law_of(FL_PARETO, 1, 1250000);
    cr_assert_float_eq((double)fl_law_at(&law, UINT64_MAX), 0x1p52, 0x1p52 * 1e-9);
    /* 65 ln 2 means: the deepest exponential. */
    law = law_of(FL_EXPONENTIAL, INT64_C(1000000000000), 0);
    cr_assert_float_eq((double)fl_law_at(&law, UINT64_MAX), 65e12 * M_LN2, 1000);
    /* No sigma, no error: the median itself, however large. */
    law = law_of(FL_LOGNORMAL, INT64_C(2385238523852385238), 0);
    cr_assert_float_eq((double)fl_law_at(&law, 0), 2385238523852385238.0, 2e18 * 3e-10);
}

Test(law, check_names_the_wrong_field)
{
    const struct {
        struct fl_law law;
        const char *names;
    } wrong[] = {
        {{(enum fl_law_kind)0, 1, 2, 0, 9, NULL}, "kind"},
        {{(enum fl_law_kind)8, 1, 2, 0, 9, NULL}, "kind"},
        {{FL_CONSTANT, 5, 0, 9, 8, NULL}, "min"},
        {{FL_UNIFORM, 24, 23, 0, 99, NULL}, "a, the low end"},
        {{FL_EXPONENTIAL, 0, 0, 0, 99, NULL}, "a, the mean"},
        {{FL_EXPONENTIAL, -2385, 0, 0, 99, NULL}, "a, the mean"},
        {{FL_NORMAL, 0, -1, 0, 99, NULL}, "b, the deviation"},
        {{FL_LOGNORMAL, 0, 385000, 0, 99, NULL}, "a, the median"},
        {{FL_LOGNORMAL, 5, -1, 0, 99, NULL}, "b, the sigma"},
        {{FL_LOGNORMAL, 5, 4000001, 0, 99, NULL}, "b, the sigma"},
        {{FL_PARETO, -5, 1000000, 0, 99, NULL}, "a, the minimum"},
        {{FL_PARETO, 5, 0, 0, 99, NULL}, "b, the tail index"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *sentence = fl_law_check(&wrong[i].law);
        cr_assert_not_null(sentence, "case %zu", i);
        cr_assert_not_null(strstr(sentence, wrong[i].names), "case %zu: %s", i, sentence);
    }
}

Test(law, unknown_kind_panics, .signal = SIGABRT)
{
    const struct fl_law law = law_of((enum fl_law_kind)8, 1, 2);
    fl_law_at(&law, 3);
}

Test(law, crossed_clip_panics, .signal = SIGABRT)
{
    const struct fl_law law = {FL_CONSTANT, 5, 0, 9, 8, NULL};
    fl_law_at(&law, 3);
}
