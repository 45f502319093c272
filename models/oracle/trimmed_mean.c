/* Mean of the reports without the lowest and the highest ones (Tukey's trimmed mean). It tolerates
 * liars as long as there are no more of them than are dropped at each end. */
#include "models/wire.h"

struct params {
    int64_t trim_ppm;
};

static int64_t trimmed_mean(const void *params, const int64_t *sorted, uint32_t count)
{
    const struct params *p = params;
    const uint32_t drop = (uint32_t)fl_mul_div_floor(count, p->trim_ppm, FL_PPM_ONE);
    const uint32_t left = count - 2 * drop; /* at least 1, because trim < 0.5 */
    int64_t sum = 0;
    for (uint32_t i = drop; i < count - drop; i++) {
        sum = fl_add(sum, sorted[i]);
    }
    return sum / left; /* prices are positive: rounds down */
}

static const struct fl_param keys[] = {
    {.key = "trim",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, trim_ppm),
     .min = 0,
     .max = 499999,
     .fallback = "0.2",
     .doc = "fraction of the reports dropped at each end, rounded down to a whole number of them"},
    {0},
};

const struct fl_model fl_model_trimmed_mean = {
    .name = "trimmed_mean",
    .family = FL_AGGREGATOR,
    .doc =
        "Mean of the reports, rounded down, after dropping a fraction of them at each end "
        "(trimmed mean; J. W. Tukey, The Future of Data Analysis, Ann. Math. Statist. 33, 1962).",
    .params = keys,
    .params_bytes = sizeof(struct params),
    .aggregate = trimmed_mean,
};
