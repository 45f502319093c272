/* Whether something moved between two samples, and whether any of many things did. */
#ifndef FL_SHIFT_H
#define FL_SHIFT_H
#include "analysis/paired.h"

#include <stdbool.h>

/* `p`: how often a difference of means at least as large would arise if the means were equal. NAN
 * where the values cannot tell: fewer than two of them. The ends of the interval are NAN then, and
 * where nothing varies. */
struct fl_shift {
    struct fl_estimate difference; /* of means, b - a, at 1 - alpha */
    double p;
    /* All differences are the same and none is zero, or all values of one sample are the same and so are
     * those of the other: on these seeds it moved by exactly so much. There is no noise to
     * measure it by. `p` then asks for no more than signs, or places, drawn at random: 2^(1 - count)
     * of pairs (Arbuthnott, An argument for divine providence, Phil. Trans. 27, 1710), 2 in
     * C(n + m, n) of samples (Fisher, The design of experiments, 1935, 21). */
    bool constant;
};

/* Student's t of the differences b[i] - a[i] (The probable error of a mean, Biometrika 6, 1908). */
struct fl_shift fl_shift_paired(const double *difference, size_t count, double alpha);

/* Welch's t, without equal variances (The generalization of "Student's" problem, Biometrika 34, 1947),
 * with the degrees of freedom of Satterthwaite (Biometrics Bulletin 2, 1946). */
struct fl_shift fl_shift_unpaired(const double *a, size_t a_count, const double *b, size_t b_count,
                                  double alpha);

/* Holm's step-down adjustment (A simple sequentially rejective multiple test procedure, Scandinavian
 * Journal of Statistics 6, 1979): to call moved what has an adjusted p of at most alpha calls anything
 * that did not move so in at most alpha of all families, however its members hang together. Those
 * that are NAN are no members, and stay so. */
void fl_holm(const double *p, size_t count, double *adjusted);

#endif
