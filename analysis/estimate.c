/* Proportions and tails of losses. */
#include "analysis/estimate.h"

#include "analysis/threshold.h"
#include "sim/alloc.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- proportions ------------------------------------------------------------------------------------- */

static void check_proportion(size_t hits, size_t trials, double alpha)
{
    FL_ASSERT(trials > 0 && hits <= trials);
    FL_ASSERT(alpha > 0 && alpha < 1);
}

/* At no hit, and at nothing but hits, an end is 0 or 1 exactly: roundings are left out. */
struct fl_estimate fl_wilson(size_t hits, size_t trials, double alpha)
{
    check_proportion(hits, trials, alpha);
    const double n = (double)trials, p = (double)hits / n;
    const double z = gsl_cdf_ugaussian_Qinv(alpha / 2), zz = z * z;
    const double middle = (p + zz / (2 * n)) / (1 + zz / n);
    const double half = z / (1 + zz / n) * sqrt(p * (1 - p) / n + zz / (4 * n * n));
    return (struct fl_estimate){.value = p,
                                .low = hits == 0 ? 0 : middle - half,
                                .high = hits == trials ? 1 : middle + half};
}

struct wanted {
    double hits, misses, tail;
};

/* P(Binomial(n, p) >= hits) = P(Beta(hits, n - hits + 1) <= p) */
static bool so_many(void *context, double p)
{
    const struct wanted *w = context;
    return gsl_cdf_beta_P(p, w->hits, w->misses + 1) >= w->tail;
}

static bool so_few(void *context, double p)
{
    const struct wanted *w = context;
    return gsl_cdf_beta_Q(p, w->hits + 1, w->misses) <= w->tail;
}

static double first(fl_happens *happens, const struct wanted *wanted)
{
    struct fl_bracket range = {0, 1};
    struct wanted context = *wanted;
    const bool found = fl_bisect(&range, 0, happens, &context);
    FL_ASSERT(found);
    return range.high;
}

/* The ends at which so many hits, or so few, have probability alpha / 2. By halving, as
 * gsl_cdf_beta_Pinv of GSL 2.7.1 does not always converge (at 0.025, 342, 9). */
struct fl_estimate fl_clopper_pearson(size_t hits, size_t trials, double alpha)
{
    check_proportion(hits, trials, alpha);
    const struct wanted wanted = {(double)hits, (double)(trials - hits), alpha / 2};
    return (struct fl_estimate){.value = (double)hits / (double)trials,
                                .low = hits == 0 ? 0 : first(so_many, &wanted),
                                .high = hits == trials ? 1 : first(so_few, &wanted)};
}

/* --- tails ------------------------------------------------------------------------------------------- */

/* ceil(count * level), but 0.55 * 100 is 55 whatever the last bit of 0.55 says. */
static size_t place_of(size_t count, double level)
{
    static const double ROUNDING = 1e-9;
    FL_ASSERT(count > 0);
    FL_ASSERT(level > 0 && level < 1);
    const double place = ceil((double)count * level - ROUNDING);
    return place < 1 ? 1 : (size_t)place;
}

static double at_risk(const double *losses, size_t count, double level)
{
    double *copy = fl_alloc(count, sizeof *copy);
    memcpy(copy, losses, count * sizeof *copy);
    gsl_sort(copy, 1, count);
    const double value = copy[place_of(count, level) - 1];
    free(copy);
    return value;
}

struct fl_estimate fl_value_at_risk(const double *losses, size_t count, double level, double alpha)
{
    struct fl_estimate estimate = fl_quantile_at(losses, count, level, alpha);
    estimate.value = at_risk(losses, count, level);
    return estimate;
}

struct fl_estimate fl_expected_shortfall(const double *losses, size_t count, double level,
                                         double alpha)
{
    FL_ASSERT(alpha > 0 && alpha < 1);
    const double edge = at_risk(losses, count, level);
    double *beyond = fl_alloc(count, sizeof *beyond);
    for (size_t i = 0; i < count; i++) {
        beyond[i] = losses[i] > edge ? (losses[i] - edge) / (1 - level) : 0;
    }
    const double mean = gsl_stats_mean(beyond, 1, count);
    double half = NAN;
    if (count - place_of(count, level) >= FL_TAIL_LEAST) {
        half = gsl_cdf_ugaussian_Qinv(alpha / 2) * gsl_stats_sd_m(beyond, 1, count, mean) /
               sqrt((double)count);
    }
    free(beyond);
    return (struct fl_estimate){edge + mean, edge + mean - half, edge + mean + half};
}
