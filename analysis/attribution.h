/* How much of a loss each fault is answerable for, from the rows of sim/attribute.h. */
#ifndef FL_ATTRIBUTION_H
#define FL_ATTRIBUTION_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_attribution {
    const char *directory; /* of sweep.h5 */
    const char *scenario;  /* its name */
    const char *metric;
    const char *const *player; /* faults; the sweep's axes are faults.NAME.enabled */
    uint32_t players;
    const uint8_t *order; /* [orders][players]; each odd one is the one before backwards */
    uint32_t orders;      /* 0: the sweep has every set, and the values are exact */
    double alpha;         /* what an interval may miss, above 0 and below 1 */
    bool json;
};

/* Prints, of each fault, its Shapley value (analysis/shapley.h), what it adds alone and what would be
 * saved without it; of each pair, what they add beyond what each adds alone. With several seeds these
 * are means, rounded to units of the metric. Values add up, to the last unit, to what is lost with all
 * faults less what is lost with none; their means to the mean of that, rounded to the nearest.
 *
 * Intervals are Student's: over the seeds, and over the pairs of an order and its reverse.
 *
 * 0; 1 if a run did not end well; 3 if the sweep cannot be read. Problems are told on stderr. */
int fl_attribution(const struct fl_attribution *job);

#endif
