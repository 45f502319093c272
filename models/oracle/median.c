/* Median of the reports; of an even number the mean of the two middle ones, rounded down, as Pyth
 * does (pyth-client, program/c/src/oracle; mechanisms 1.1). Other protocols differ: Chainlink OCR
 * takes the upper one, Maker forbids even counts. */
#include "models/wire.h"

static int64_t median(const void *params, const int64_t *sorted, uint32_t count)
{
    (void)params;
    const int64_t low = sorted[(count - 1) / 2], high = sorted[count / 2];
    return low + (high - low) / 2; /* low <= high: rounds down, and never overflows above 0 */
}

const struct fl_model fl_model_median = {
    .name = "median",
    .family = FL_AGGREGATOR,
    .doc = "Median of the reports; with an even number of them the mean of the two middle ones, "
           "rounded down (Pyth price aggregation, pyth-client program/c/src/oracle).",
    .aggregate = median,
};
