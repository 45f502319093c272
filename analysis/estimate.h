/* What many runs say of a risk: how often a loss happens, how large it is in the tail. Losses are
 * positive. `alpha` is the share of repetitions that an interval may miss. */
#ifndef FL_ESTIMATE_H
#define FL_ESTIMATE_H
#include "analysis/paired.h"

/* `hits` of `trials`, such as the runs that end insolvent. trials > 0.
 *
 * Wilson (Probable inference, JASA 22, 1927): near its nominal coverage on the average over all
 * probabilities, below it for some. Clopper and Pearson (Biometrika 26, 1934): never below, longer.
 * Brown, Cai and DasGupta (Interval estimation for a binomial proportion, Statistical Science 16,
 * 2001) compare them. */
struct fl_estimate fl_wilson(size_t hits, size_t trials, double alpha);
struct fl_estimate fl_clopper_pearson(size_t hits, size_t trials, double alpha);

/* Value at risk: the least loss x with P(loss <= x) >= level, the ceil(count * level)-th smallest,
 * between two order statistics (see fl_quantile_at). Of liquidated volume this is the liquidations at
 * risk, LaR. */
struct fl_estimate fl_value_at_risk(const double *losses, size_t count, double level, double alpha);

/* Expected shortfall: the mean of the worst 1 - level, of the loss at its edge only the part that
 * belongs there (Acerbi and Tasche, On the coherence of expected shortfall, J. Banking & Finance 26,
 * 2002; Rockafellar and Uryasev, ibid.).
 *
 * Its interval: normal, with the variance of max(loss - VaR, 0) / (1 - level) (Trindade, Uryasev,
 * Shapiro, Zrazhevsky, ibid. 31, 2007). NAN with fewer than FL_TAIL_LEAST losses beyond the VaR: an
 * interval at 95 % of the shortfall at 95 % of normal losses then holds for 94.0 % of the samples;
 * with 30 losses beyond for 92.7 %, with 10 for 89 %, with 2 for 72 %. The bootstrap does no better
 * (93.3, 90, 61 %): what the sample lacks, nothing replaces. */
enum { FL_TAIL_LEAST = 50 };
struct fl_estimate fl_expected_shortfall(const double *losses, size_t count, double level,
                                         double alpha);

#endif
