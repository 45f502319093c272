/* Where something begins to happen: the fault share, delay or margin at which an exchange becomes
 * insolvent. */
#ifndef FL_THRESHOLD_H
#define FL_THRESHOLD_H
#include "analysis/paired.h"

#include <stdbool.h>

/* At x, `hits` of `trials` runs. */
struct fl_dose {
    double x;
    size_t hits, trials;
};

/* log(p / (1 - p)) = intercept + slope x, by maximum likelihood (Cox, The regression analysis of binary
 * sequences, JRSS B 20, 1958), with the covariance of the two. */
struct fl_logistic {
    double intercept, slope;
    double variance_intercept, variance_slope, covariance;
    double freedom; /* degrees that these are estimated with; infinite: they follow from the fit */
};

/* False if the likelihood has no maximum, and then the doses tell all there is: below some x never,
 * above it always, or the reverse, or always the same; or fewer than two different x. */
bool fl_logistic_fit(const struct fl_dose *doses, size_t count, struct fl_logistic *fit);

/* The x at which the probability is `share`, with Fieller's interval (The biological standardisation of
 * insulin, J. Royal Stat. Soc. Suppl. 7, 1940; Finney, Probit Analysis, 1971, 4.7), by Student's
 * quantile if the degrees of freedom are finite. Its ends are
 * infinite if the slope is not told from 0 at this alpha. Of runs that share their seeds from x to x
 * the interval is as good as the covariance in `fit`: see fl_logistic_fit_seeds. */
struct fl_estimate fl_logistic_threshold(const struct fl_logistic *fit, double share, double alpha);

/* Each seed run at every x. */
struct fl_onsets {
    const double *x;
    size_t count, seeds;
    const bool *happens; /* [i * seeds + seed] */
    bool down;           /* for fl_onset */
};

/* The logistic curve of such runs, with the covariance that is left when all runs of a seed are one
 * observation (Liang and Zeger, Longitudinal data analysis using generalized linear models, Biometrika
 * 73, 1986; times seeds / (seeds - 1)). False as fl_logistic_fit, or with fewer than two seeds.
 *
 * Taken for independent, such runs give intervals far too short: with nine x and 60 seeds, each of which
 * begins at one place, 77 % of intervals at 95 % hold the threshold; these do for 95 %. */
bool fl_logistic_fit_seeds(const struct fl_onsets *runs, struct fl_logistic *fit);

/* Where it begins for half of the seeds: of each seed the least x at which it happens, infinite if it
 * never does, and of these the median, between two order statistics (fl_quantile_at). `down`: the
 * greatest x, and minus infinity. To the spacing of the x; whatever the shape of the curve. */
struct fl_estimate fl_onset(const struct fl_onsets *onsets, double alpha);

/* Halves [low, high] until it is not longer than `tolerance`, or no double lies between: `happens` is
 * false at `low`, true at `high`, and each answer may cost a run. Of an event that comes and goes one
 * beginning is found. False, with the range as it was, if it happens at low or not at high. */
struct fl_bracket {
    double low, high; /* does not happen; happens */
};
typedef bool fl_happens(void *context, double x);
bool fl_bisect(struct fl_bracket *range, double tolerance, fl_happens *happens, void *context);

#endif
