/* The bootstrap. A resample is a sorted sample with weights, so that none has to be sorted again. */
#include "analysis/bootstrap.h"

#include "sim/alloc.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- statistics -------------------------------------------------------------------------------------- */

double fl_weighted_mean(const struct fl_weighted *sample, double parameter)
{
    (void)parameter;
    double sum = 0;
    for (size_t i = 0; i < sample->count; i++) {
        sum += sample->weight[i] * sample->values[i];
    }
    return sum / (double)sample->total;
}

/* From the largest down, until the worst 1 - level are found; of the last only what is missing. */
double fl_weighted_shortfall(const struct fl_weighted *sample, double level)
{
    FL_ASSERT(level > 0 && level < 1);
    const double worst = (1 - level) * (double)sample->total;
    double sum = 0, missing = worst;
    for (size_t i = sample->count; i-- > 0 && missing > 0;) {
        const double part = fmin(sample->weight[i], missing);
        sum += part * sample->values[i];
        missing -= part;
    }
    return sum / worst;
}

/* --- the interval ------------------------------------------------------------------------------------ */

/* A sixth of the skewness of the estimate (Efron 1987, section 6), from the sample without one group of
 * values at a time. Groups, because a large sample need not be gone through once for each value: the
 * skewness of a sum of d is smaller by sqrt(d), and so is the root of their number. At random, because
 * every 200th of sorted values is anything but a random group. */
static double acceleration(const struct fl_weighted *sample, const struct fl_bootstrap *how,
                           gsl_rng *rng)
{
    enum { GROUPS_MOST = 200 };
    const size_t groups = sample->count < GROUPS_MOST ? sample->count : GROUPS_MOST;
    size_t *group = fl_alloc(sample->count, sizeof *group);
    for (size_t i = 0; i < sample->count; i++) {
        group[i] = i % groups;
    }
    gsl_ran_shuffle(rng, group, sample->count, sizeof *group);
    unsigned *weight = fl_alloc(sample->count, sizeof *weight);
    double *without = fl_alloc(groups, sizeof *without), mean = 0, squares = 0, cubes = 0;
    for (size_t g = 0; g < groups; g++) {
        struct fl_weighted rest = {sample->values, weight, sample->count, 0};
        for (size_t i = 0; i < sample->count; i++) {
            weight[i] = group[i] != g;
            rest.total += weight[i];
        }
        without[g] = how->statistic(&rest, how->parameter);
        mean += without[g] / (double)groups;
    }
    for (size_t g = 0; g < groups; g++) {
        const double d = mean - without[g];
        squares += d * d;
        cubes += d * d * d;
    }
    free(group);
    free(weight);
    free(without);
    return squares > 0 ? cubes / (6 * pow(squares, 1.5)) : 0;
}

static void resample(const struct fl_weighted *sample, unsigned *weight,
                     const struct fl_bootstrap *how, double *out, gsl_rng *rng)
{
    const struct fl_weighted drawn = {sample->values, weight, sample->count, sample->count};
    for (size_t b = 0; b < how->resamples; b++) {
        memset(weight, 0, sample->count * sizeof *weight);
        for (size_t i = 0; i < sample->count; i++) {
            weight[(size_t)(gsl_rng_uniform(rng) * (double)sample->count)]++;
        }
        out[b] = how->statistic(&drawn, how->parameter);
    }
    gsl_sort(out, 1, how->resamples);
}

/* How far the estimate lies from the median of the resamples, in normal deviates. Ties count by half,
 * and never all of them are on one side. */
static double bias(const double *resampled, size_t resamples, double estimate)
{
    double below = 0.5;
    for (size_t b = 0; b < resamples; b++) {
        below += resampled[b] < estimate ? 1 : resampled[b] == estimate ? 0.5 : 0;
    }
    return gsl_cdf_ugaussian_Pinv(below / ((double)resamples + 1));
}

/* Efron 1987, 2.3 */
static double end_at(const double *resampled, size_t resamples, double bias, double acceleration,
                     double tail)
{
    const double z = bias + gsl_cdf_ugaussian_Pinv(tail);
    const double share = gsl_cdf_ugaussian_P(bias + z / (1 - acceleration * z));
    return fl_quantile(resampled, resamples, share);
}

struct fl_estimate fl_bootstrap_estimate(const double *values, size_t count,
                                         const struct fl_bootstrap *how, gsl_rng *rng)
{
    FL_ASSERT(count > 0);
    FL_ASSERT((double)how->resamples * how->alpha >= 2);
    double *copy = fl_alloc(count, sizeof *copy);
    unsigned *weight = fl_alloc(count, sizeof *weight);
    memcpy(copy, values, count * sizeof *copy);
    gsl_sort(copy, 1, count);
    for (size_t i = 0; i < count; i++) {
        weight[i] = 1;
    }
    const struct fl_weighted sample = {copy, weight, count, count};
    struct fl_estimate estimate = {how->statistic(&sample, how->parameter), NAN, NAN};
    if (count > 1) {
        double *resampled = fl_alloc(how->resamples, sizeof *resampled);
        const double a = acceleration(&sample, how, rng);
        resample(&sample, weight, how, resampled, rng);
        const double z0 = bias(resampled, how->resamples, estimate.value);
        estimate.low = end_at(resampled, how->resamples, z0, a, how->alpha / 2);
        estimate.high = end_at(resampled, how->resamples, z0, a, 1 - how->alpha / 2);
        free(resampled);
    }
    free(copy);
    free(weight);
    return estimate;
}
