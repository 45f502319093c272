/* Thresholds by logistic regression, seed by seed, and by bisection. */
#include "analysis/threshold.h"

#include "sim/alloc.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_math.h>
#include <math.h>
#include <stdlib.h>

/* --- is there a maximum ------------------------------------------------------------------------------ */

/* Where there were hits, and where there were misses. */
struct spans {
    double hits_from, hits_to, misses_from, misses_to;
};

static struct spans span(const struct fl_dose *doses, size_t count)
{
    struct spans s = {INFINITY, -INFINITY, INFINITY, -INFINITY};
    for (size_t i = 0; i < count; i++) {
        const struct fl_dose *d = &doses[i];
        FL_ASSERT(isfinite(d->x));
        FL_ASSERT(d->hits <= d->trials);
        if (d->hits > 0) {
            s.hits_from = fmin(s.hits_from, d->x);
            s.hits_to = fmax(s.hits_to, d->x);
        }
        if (d->hits < d->trials) {
            s.misses_from = fmin(s.misses_from, d->x);
            s.misses_to = fmax(s.misses_to, d->x);
        }
    }
    return s;
}

/* Albert and Anderson (Biometrika 71, 1984): the maximum exists if and only if no x separates hits
 * from misses, itself perhaps shared by both. All at one x is such a case. */
static bool overlap(const struct fl_dose *doses, size_t count)
{
    const struct spans s = span(doses, count);
    return s.hits_from < s.misses_to && s.misses_from < s.hits_to;
}

/* --- the fit ----------------------------------------------------------------------------------------- */

/* The x are moved to about 0 and scaled to about 1, so that Newton's steps are well conditioned. */
struct scale {
    double middle, unit;
};

static struct scale scale_of(const struct fl_dose *doses, size_t count)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, doses[i].x);
        high = fmax(high, doses[i].x);
    }
    return (struct scale){low / 2 + high / 2, high / 2 - low / 2};
}

static double log_likelihood(const struct fl_dose *doses, size_t count, struct scale scale,
                             double intercept, double slope)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const double eta = intercept + slope * (doses[i].x - scale.middle) / scale.unit;
        const double hits = (double)doses[i].hits, trials = (double)doses[i].trials;
        /* log p = eta - log(1 + e^eta), without overflow */
        const double softplus = fmax(eta, 0) + log1p(exp(-fabs(eta)));
        sum += hits * eta - trials * softplus;
    }
    return sum;
}

/* Gradient and information. */
struct slopes {
    double g0, g1, i00, i01, i11;
};

static struct slopes differentiate(const struct fl_dose *doses, size_t count, struct scale scale,
                                   double intercept, double slope)
{
    struct slopes s = {0};
    for (size_t i = 0; i < count; i++) {
        const double x = (doses[i].x - scale.middle) / scale.unit;
        const double p = 1 / (1 + exp(-(intercept + slope * x)));
        const double trials = (double)doses[i].trials, weight = trials * p * (1 - p);
        const double left = (double)doses[i].hits - trials * p;
        s.g0 += left;
        s.g1 += left * x;
        s.i00 += weight;
        s.i01 += weight * x;
        s.i11 += weight * x * x;
    }
    return s;
}

bool fl_logistic_fit(const struct fl_dose *doses, size_t count, struct fl_logistic *fit)
{
    enum { STEPS_MOST = 200 };
    static const double SMALL = 1e-12;
    if (!overlap(doses, count)) {
        return false;
    }
    const struct scale scale = scale_of(doses, count);
    double b0 = 0, b1 = 0, best = log_likelihood(doses, count, scale, 0, 0);
    bool done = false;
    for (int step = 0; step < STEPS_MOST && !done; step++) {
        const struct slopes s = differentiate(doses, count, scale, b0, b1);
        const double det = s.i00 * s.i11 - s.i01 * s.i01;
        double d0 = (s.i11 * s.g0 - s.i01 * s.g1) / det, d1 = (s.i00 * s.g1 - s.i01 * s.g0) / det;
        done = fabs(d0) <= SMALL * (1 + fabs(b0)) && fabs(d1) <= SMALL * (1 + fabs(b1));
        double now = log_likelihood(doses, count, scale, b0 + d0, b1 + d1);
        /* concave: a step that is short enough climbs */
        while (!done && !(now >= best) && fabs(d0) + fabs(d1) > SMALL) {
            d0 /= 2;
            d1 /= 2;
            now = log_likelihood(doses, count, scale, b0 + d0, b1 + d1);
        }
        b0 += d0;
        b1 += d1;
        best = now;
    }
    FL_ASSERT(isfinite(b0) && isfinite(b1));
    const struct slopes s = differentiate(doses, count, scale, b0, b1);
    const double det = s.i00 * s.i11 - s.i01 * s.i01;
    const double v00 = s.i11 / det, v01 = -s.i01 / det, v11 = s.i00 / det;
    /* back to the units of x: slope = b1 / unit, intercept = b0 - slope * middle */
    const double m = scale.middle / scale.unit;
    *fit = (struct fl_logistic){.intercept = b0 - b1 * m,
                                .slope = b1 / scale.unit,
                                .variance_intercept = v00 - 2 * m * v01 + m * m * v11,
                                .variance_slope = v11 / (scale.unit * scale.unit),
                                .covariance = (v01 - m * v11) / scale.unit};
    return true;
}

/* --- the threshold ----------------------------------------------------------------------------------- */

/* The x for which (intercept - logit + slope x)^2 <= z^2 of its variance: a quadratic in x. */
struct fl_estimate fl_logistic_threshold(const struct fl_logistic *fit, double share, double alpha)
{
    FL_ASSERT(share > 0 && share < 1);
    FL_ASSERT(alpha > 0 && alpha < 1);
    const double at = fit->intercept - log(share / (1 - share));
    const double z = gsl_cdf_ugaussian_Qinv(alpha / 2), zz = z * z;
    const double x = -at / fit->slope;
    const double a = fit->slope * fit->slope - zz * fit->variance_slope;
    /* about the estimate, where the residual is 0: what remains of b and c is variance alone */
    const double va = fit->variance_intercept + 2 * x * fit->covariance +
                      x * x * fit->variance_slope;
    const double b = -zz * (fit->covariance + x * fit->variance_slope), c = -zz * va;
    const double root = b * b - a * c;
    if (!(a > 0) || !(root >= 0)) {
        return (struct fl_estimate){x, -INFINITY, INFINITY};
    }
    return (struct fl_estimate){x, x + (-b - sqrt(root)) / a, x + (-b + sqrt(root)) / a};
}

static double onset_of(const struct fl_onsets *onsets, size_t seed)
{
    double onset = onsets->down ? -INFINITY : INFINITY;
    for (size_t i = 0; i < onsets->count; i++) {
        if (onsets->happens[i * onsets->seeds + seed]) {
            onset = onsets->down ? fmax(onset, onsets->x[i]) : fmin(onset, onsets->x[i]);
        }
    }
    return onset;
}

struct fl_estimate fl_onset(const struct fl_onsets *onsets, double alpha)
{
    double *of_seed = fl_alloc(onsets->seeds, sizeof *of_seed);
    for (size_t seed = 0; seed < onsets->seeds; seed++) {
        of_seed[seed] = onset_of(onsets, seed);
    }
    const struct fl_estimate estimate = fl_quantile_at(of_seed, onsets->seeds, 0.5, alpha);
    free(of_seed);
    return estimate;
}

/* --- bisection --------------------------------------------------------------------------------------- */

bool fl_bisect(struct fl_bracket *range, double tolerance, fl_happens *happens, void *context)
{
    FL_ASSERT(isfinite(range->low) && isfinite(range->high));
    FL_ASSERT(range->low < range->high);
    if (happens(context, range->low) || !happens(context, range->high)) {
        return false;
    }
    while (range->high - range->low > tolerance) {
        const double middle = range->low + (range->high - range->low) / 2;
        if (middle <= range->low || middle >= range->high) {
            break;
        }
        *(happens(context, middle) ? &range->high : &range->low) = middle;
    }
    return true;
}
