/* Statistics of replicates that share their seeds from point to point. */
#ifndef FL_PAIRED_H
#define FL_PAIRED_H
#include <stddef.h>

/* An estimate with the ends of its interval: at 95 %, unless a function takes `alpha`, the share that
 * the interval may miss. */
struct fl_estimate {
    double value, low, high;
};

/* The mean, with Student's interval (Student, The probable error of a mean, Biometrika 6, 1908).
 * With fewer than two values the ends are NAN. */
struct fl_estimate fl_mean_estimate(const double *values, size_t count);
struct fl_estimate fl_mean_at(const double *values, size_t count, double alpha);

/* The same of the differences a[i] - b[i]: what a and b share by their seed drops out. */
struct fl_estimate fl_paired_estimate(const double *a, const double *b, size_t count);
struct fl_estimate fl_paired_at(const double *a, const double *b, size_t count, double alpha);

/* The median, with the interval between two order statistics that holds whatever the distribution
 * (David and Nagaraja, Order Statistics, 2003, 7.1): from the j-th smallest to the j-th largest, the
 * largest j with P(Binomial(count, 1/2) < j) <= 2.5 %. Values may be infinite: what had not happened
 * when the observation ended. An end is infinite, too, where there are too few values. */
struct fl_estimate fl_median_estimate(const double *values, size_t count);

/* The same for any share strictly between 0 and 1. From the j-th to the k-th smallest: the largest j
 * with P(B < j) <= alpha / 2 and the smallest k with P(B >= k) <= alpha / 2, B of
 * Binomial(count, share). The value is that of fl_quantile. */
struct fl_estimate fl_quantile_at(const double *values, size_t count, double share, double alpha);

/* The value below which this share of the values lies, interpolated between neighbours. */
double fl_quantile(const double *values, size_t count, double share);

/* The first x at which the broken line through (x[i], y[i]) reaches a level from below; x[0] if it
 * begins there, infinite if it never does. x ascends. */
double fl_first_reach(const double *x, const double *y, size_t count, double level);

#endif
