/* Whether something moved. */
#include "analysis/shift.h"

#include "sim/alloc.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

static bool all_equal(const double *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (values[i] != values[0]) {
            return false;
        }
    }
    return true;
}

static struct fl_shift of_constant(double difference, double p_if_moved)
{
    const bool moved = difference != 0;
    return (struct fl_shift){{difference, NAN, NAN}, moved ? fmin(1, p_if_moved) : 1, moved};
}

/* The difference, its standard error and degrees of freedom. */
static struct fl_shift of_t(double difference, double error, double freedom, double alpha)
{
    const double half = gsl_cdf_tdist_Qinv(alpha / 2, freedom) * error;
    return (struct fl_shift){{difference, difference - half, difference + half},
                             fmin(1, 2 * gsl_cdf_tdist_Q(fabs(difference) / error, freedom)),
                             false};
}

struct fl_shift fl_shift_paired(const double *difference, size_t count, double alpha)
{
    if (count < 2) {
        return (struct fl_shift){{count > 0 ? difference[0] : NAN, NAN, NAN}, NAN, false};
    }
    if (all_equal(difference, count)) {
        return of_constant(difference[0], ldexp(1, 1 - (int)fmin((double)count, 1e6)));
    }
    const double mean = gsl_stats_mean(difference, 1, count);
    const double error = gsl_stats_sd_m(difference, 1, count, mean) / sqrt((double)count);
    return of_t(mean, error, (double)count - 1, alpha);
}

struct fl_shift fl_shift_unpaired(const double *a, size_t a_count, const double *b, size_t b_count,
                                  double alpha)
{
    const double a_mean = a_count > 0 ? gsl_stats_mean(a, 1, a_count) : NAN;
    const double b_mean = b_count > 0 ? gsl_stats_mean(b, 1, b_count) : NAN;
    const double difference = b_mean - a_mean;
    if (a_count < 2 || b_count < 2) {
        return (struct fl_shift){{difference, NAN, NAN}, NAN, false};
    }
    if (all_equal(a, a_count) && all_equal(b, b_count)) {
        const unsigned n = (unsigned)a_count, m = (unsigned)b_count;
        return of_constant(b[0] - a[0], 2 * exp(-gsl_sf_lnchoose(n + m, n)));
    }
    const double u = gsl_stats_variance_m(a, 1, a_count, a_mean) / (double)a_count;
    const double v = gsl_stats_variance_m(b, 1, b_count, b_mean) / (double)b_count;
    const double freedom = (u + v) * (u + v) /
                           (u * u / ((double)a_count - 1) + v * v / ((double)b_count - 1));
    return of_t(difference, sqrt(u + v), freedom, alpha);
}

void fl_holm(const double *p, size_t count, double *adjusted)
{
    double *member = fl_alloc(count, sizeof *member);
    size_t *index = fl_alloc(count, sizeof *index), *order = fl_alloc(count, sizeof *order);
    size_t members = 0;
    for (size_t i = 0; i < count; i++) {
        adjusted[i] = p[i];
        if (!isnan(p[i])) {
            index[members] = i;
            member[members++] = p[i];
        }
    }
    gsl_sort_index(order, member, 1, members);
    double greatest = 0;
    for (size_t k = 0; k < members; k++) {
        greatest = fmax(greatest, fmin(1, (double)(members - k) * member[order[k]]));
        adjusted[index[order[k]]] = greatest;
    }
    free(member);
    free(index);
    free(order);
}
