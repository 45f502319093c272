/* Statistics of replicates that share their seeds from point to point. */
#include "analysis/paired.h"

#include "sim/alloc.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What lies outside the interval, unless the caller says. */
static const double ALPHA = 0.05;

struct fl_estimate fl_mean_at(const double *values, size_t count, double alpha)
{
    FL_ASSERT(count > 0);
    FL_ASSERT(alpha > 0 && alpha < 1);
    const double mean = gsl_stats_mean(values, 1, count);
    if (count < 2) {
        return (struct fl_estimate){mean, NAN, NAN};
    }
    const double error = gsl_stats_sd_m(values, 1, count, mean) / sqrt((double)count);
    const double half = gsl_cdf_tdist_Qinv(alpha / 2, (double)count - 1) * error;
    return (struct fl_estimate){mean, mean - half, mean + half};
}

struct fl_estimate fl_mean_estimate(const double *values, size_t count)
{
    return fl_mean_at(values, count, ALPHA);
}

struct fl_estimate fl_paired_at(const double *a, const double *b, size_t count, double alpha)
{
    double *difference = fl_alloc(count, sizeof *difference);
    for (size_t i = 0; i < count; i++) {
        difference[i] = a[i] - b[i];
    }
    const struct fl_estimate estimate = fl_mean_at(difference, count, alpha);
    free(difference);
    return estimate;
}

struct fl_estimate fl_paired_estimate(const double *a, const double *b, size_t count)
{
    return fl_paired_at(a, b, count, ALPHA);
}

static double *sorted(const double *values, size_t count)
{
    FL_ASSERT(count > 0);
    double *copy = fl_alloc(count, sizeof *copy);
    memcpy(copy, values, count * sizeof *copy);
    gsl_sort(copy, 1, count);
    return copy;
}

/* Between two that are infinite nothing is interpolated: their difference is not a number. */
static double between(double low, double high, double share)
{
    return low < high && share > 0 ? low + share * (high - low) : low;
}

static double quantile_of_sorted(const double *values, size_t count, double share)
{
    const double at = share * (double)(count - 1);
    const size_t below = (size_t)at;
    return below + 1 < count ? between(values[below], values[below + 1], at - (double)below)
                             : values[count - 1];
}

double fl_quantile(const double *values, size_t count, double share)
{
    FL_ASSERT(share >= 0 && share <= 1);
    double *copy = sorted(values, count);
    const double quantile = quantile_of_sorted(copy, count, share);
    free(copy);
    return quantile;
}

/* The smallest m with P(Binomial(count, share) <= m) > limit, halving where it may lie. */
static size_t least_above(size_t count, double share, double limit)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t m = low + (high - low) / 2;
        if (gsl_cdf_binomial_P((unsigned)m, share, (unsigned)count) > limit) {
            high = m;
        } else {
            low = m + 1;
        }
    }
    return low;
}

struct fl_estimate fl_quantile_at(const double *values, size_t count, double share, double alpha)
{
    FL_ASSERT(share > 0 && share < 1);
    FL_ASSERT(alpha > 0 && alpha < 1);
    double *copy = sorted(values, count);
    /* P(B < j) = P(B <= j - 1), so the largest j is the smallest m above. The upper end is the lower
     * one seen from the other side: B' = count - B has the share 1 - share. */
    const size_t j = least_above(count, share, alpha / 2);
    const size_t from_top = least_above(count, 1 - share, alpha / 2);
    const struct fl_estimate estimate = {.value = quantile_of_sorted(copy, count, share),
                                         .low = j > 0 ? copy[j - 1] : -INFINITY,
                                         .high = from_top > 0 ? copy[count - from_top] : INFINITY};
    free(copy);
    return estimate;
}

struct fl_estimate fl_median_estimate(const double *values, size_t count)
{
    return fl_quantile_at(values, count, 0.5, ALPHA);
}

double fl_first_reach(const double *x, const double *y, size_t count, double level)
{
    for (size_t i = 0; i < count; i++) {
        if (y[i] < level) {
            continue;
        }
        return i == 0 ? x[0]
                      : x[i - 1] + (x[i] - x[i - 1]) * (level - y[i - 1]) / (y[i] - y[i - 1]);
    }
    return INFINITY;
}
