/* Probability laws by inverse distribution function, in integers.
 *
 * A law maps 64 uniform bits to an int64 in the law's own unit (nanoseconds, micro-dollars, ...).
 * The normal quantile comes from a committed table with geometric tail octaves; the other laws
 * follow from it, or from the uniform bits, by fixed-point exp and log, or from a table of what was
 * measured. */
#ifndef FL_LAW_H
#define FL_LAW_H
#include "sim/base.h"

enum fl_law_kind {
    FL_CONSTANT = 1, /* a */
    FL_UNIFORM,      /* integers a..b, both included */
    FL_EXPONENTIAL,  /* mean a */
    FL_NORMAL,       /* mean a, standard deviation b */
    FL_LOGNORMAL,    /* median a, sigma b / 10^6 */
    FL_PARETO,       /* minimum a, tail index b / 10^6 */
    FL_EMPIRICAL     /* the quantile function of values[0 .. a), which are in ascending order */
};

/* Values outside [min, max] are clipped. Made by the reader of parameters, or by hand in tests. */
struct fl_law {
    enum fl_law_kind kind;
    int64_t a, b;
    int64_t min, max;
    const int64_t *values; /* FL_EMPIRICAL only; owned by whoever made the law */
};

/* NULL if the law is valid, else a sentence that names what is wrong. */
const char *fl_law_check(const struct fl_law *law);

/* The value at probability (u + 1/2) / 2^64: non-decreasing in u. */
int64_t fl_law_at(const struct fl_law *law, uint64_t u);

/* Standard normal quantile at (u + 1/2) / 2^64, Q32.32; odd-symmetric: f(~u) = -f(u). */
int64_t fl_normal_q32(uint64_t u);

/* a * e^y to nearest for a > 0 and y in Q32.32, 4e-10 relative before that; saturated at INT64_MAX.
 * Non-decreasing in y. */
int64_t fl_scale_exp(int64_t a, int64_t y);

#endif
