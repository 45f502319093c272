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

struct symmetric {
    double v00, v01, v11;
};

static struct symmetric inverse(struct slopes s)
{
    const double det = s.i00 * s.i11 - s.i01 * s.i01;
    return (struct symmetric){s.i11 / det, -s.i01 / det, s.i00 / det};
}

/* Back to the units of x: slope = b1 / unit, intercept = b0 - slope * middle. */
static void set_covariance(struct fl_logistic *fit, struct scale scale, struct symmetric v)
{
    const double m = scale.middle / scale.unit;
    fit->variance_intercept = v.v00 - 2 * m * v.v01 + m * m * v.v11;
    fit->variance_slope = v.v11 / (scale.unit * scale.unit);
    fit->covariance = (v.v01 - m * v.v11) / scale.unit;
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
    const double m = scale.middle / scale.unit;
    fit->intercept = b0 - b1 * m;
    fit->slope = b1 / scale.unit;
    fit->freedom = INFINITY;
    set_covariance(fit, scale, inverse(differentiate(doses, count, scale, b0, b1)));
    return true;
}

/* --- runs that share their seeds ---------------------------------------------------------------------- */

/* Of each seed the gradient of its own runs, and the sum of their products. */
static struct symmetric spread_of_seeds(const struct fl_onsets *runs, struct scale scale,
                                        const struct fl_logistic *fit)
{
    struct symmetric sum = {0};
    for (size_t seed = 0; seed < runs->seeds; seed++) {
        double g0 = 0, g1 = 0;
        for (size_t i = 0; i < runs->count; i++) {
            const double p = 1 / (1 + exp(-(fit->intercept + fit->slope * runs->x[i])));
            const double left = (runs->happens[i * runs->seeds + seed] ? 1 : 0) - p;
            g0 += left;
            g1 += left * (runs->x[i] - scale.middle) / scale.unit;
        }
        sum.v00 += g0 * g0;
        sum.v01 += g0 * g1;
        sum.v11 += g1 * g1;
    }
    return sum;
}

/* a b a */
static struct symmetric sandwich(struct symmetric a, struct symmetric b)
{
    const double r00 = a.v00 * b.v00 + a.v01 * b.v01, r01 = a.v00 * b.v01 + a.v01 * b.v11;
    const double r10 = a.v01 * b.v00 + a.v11 * b.v01, r11 = a.v01 * b.v01 + a.v11 * b.v11;
    return (struct symmetric){r00 * a.v00 + r01 * a.v01, r00 * a.v01 + r01 * a.v11,
                              r10 * a.v01 + r11 * a.v11};
}

bool fl_logistic_fit_seeds(const struct fl_onsets *runs, struct fl_logistic *fit)
{
    struct fl_dose *doses = fl_alloc(runs->count, sizeof *doses);
    for (size_t i = 0; i < runs->count; i++) {
        doses[i] = (struct fl_dose){.x = runs->x[i], .trials = runs->seeds};
        for (size_t seed = 0; seed < runs->seeds; seed++) {
            doses[i].hits += runs->happens[i * runs->seeds + seed];
        }
    }
    const bool fits = runs->seeds > 1 && fl_logistic_fit(doses, runs->count, fit);
    if (fits) {
        const struct scale scale = scale_of(doses, runs->count);
        const double m = scale.middle / scale.unit, b1 = fit->slope * scale.unit;
        const struct symmetric bread =
            inverse(differentiate(doses, runs->count, scale, fit->intercept + b1 * m, b1));
        struct symmetric v = sandwich(bread, spread_of_seeds(runs, scale, fit));
        const double few = (double)runs->seeds / (double)(runs->seeds - 1);
        fit->freedom = (double)(runs->seeds - 1);
        set_covariance(fit, scale, (struct symmetric){few * v.v00, few * v.v01, few * v.v11});
    }
    free(doses);
    return fits;
}

/* --- the threshold ----------------------------------------------------------------------------------- */

/* The x for which (intercept - logit + slope x)^2 <= z^2 of its variance: a quadratic in x. */
struct fl_estimate fl_logistic_threshold(const struct fl_logistic *fit, double share, double alpha)
{
    FL_ASSERT(share > 0 && share < 1);
    FL_ASSERT(alpha > 0 && alpha < 1);
    const double at = fit->intercept - log(share / (1 - share));
    const double z = isfinite(fit->freedom) ? gsl_cdf_tdist_Qinv(alpha / 2, fit->freedom)
                                            : gsl_cdf_ugaussian_Qinv(alpha / 2);
    const double zz = z * z;
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
