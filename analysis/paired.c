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

/* What lies outside the interval, at each end. */
static const double TAIL = 0.025;

struct fl_estimate fl_mean_estimate(const double *values, size_t count)
{
    FL_ASSERT(count > 0);
    const double mean = gsl_stats_mean(values, 1, count);
    if (count < 2) {
        return (struct fl_estimate){mean, NAN, NAN};
    }
    const double error = gsl_stats_sd_m(values, 1, count, mean) / sqrt((double)count);
    const double half = gsl_cdf_tdist_Qinv(TAIL, (double)count - 1) * error;
    return (struct fl_estimate){mean, mean - half, mean + half};
}

struct fl_estimate fl_paired_estimate(const double *a, const double *b, size_t count)
{
    double *difference = fl_alloc(count, sizeof *difference);
    for (size_t i = 0; i < count; i++) {
        difference[i] = a[i] - b[i];
    }
    const struct fl_estimate estimate = fl_mean_estimate(difference, count);
    free(difference);
    return estimate;
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

/* The largest j with P(Binomial(count, 1/2) < j) <= TAIL. */
static size_t order_of_end(size_t count)
{
    size_t j = 0;
    while (gsl_cdf_binomial_P((unsigned)j, 0.5, (unsigned)count) <= TAIL) {
        j++;
    }
    return j;
}

struct fl_estimate fl_median_estimate(const double *values, size_t count)
{
    double *copy = sorted(values, count);
    const size_t j = order_of_end(count);
    const struct fl_estimate estimate = {.value = quantile_of_sorted(copy, count, 0.5),
                                         .low = j > 0 ? copy[j - 1] : -INFINITY,
                                         .high = j > 0 ? copy[count - j] : INFINITY};
    free(copy);
    return estimate;
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
