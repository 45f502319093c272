/* An interval for any statistic, from the sample alone: the bias-corrected and accelerated bootstrap
 * (Efron, Better bootstrap confidence intervals, JASA 82, 1987).
 *
 * Needs a statistic that changes little when one value does, and a sample in which what matters occurs
 * often: what the sample lacks, no resample has. Prefer an interval of paired.h or estimate.h where
 * there is one. */
#ifndef FL_BOOTSTRAP_H
#define FL_BOOTSTRAP_H
#include "analysis/paired.h"

#include <gsl/gsl_rng.h>

/* A statistic of a weighted sample: values ascend, `weight` says how often each occurs, `total` is
 * their sum, and `parameter` is the statistic's own. */
struct fl_weighted {
    const double *values;
    const unsigned *weight;
    size_t count, total;
};
typedef double fl_statistic(const struct fl_weighted *sample, double parameter);

fl_statistic fl_weighted_mean;      /* parameter: not used */
fl_statistic fl_weighted_shortfall; /* parameter: level, as in fl_expected_shortfall */

struct fl_bootstrap {
    fl_statistic *statistic;
    double parameter, alpha;
    size_t
        resamples; /* at least 2 / alpha, so that there are some beyond the ends; 1,000 or more */
};

/* Draws from `rng`. With one value the ends are NAN. */
struct fl_estimate fl_bootstrap_estimate(const double *values, size_t count,
                                         const struct fl_bootstrap *how, gsl_rng *rng);

#endif
