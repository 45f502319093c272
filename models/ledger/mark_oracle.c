/* The mark is the oracle's price, as on dYdX v4. */
#include "models/ledger/mark.h"

static int64_t price(const void *params, const int64_t *state, int64_t oracle)
{
    (void)params;
    (void)state;
    return oracle;
}

static const struct fl_mark_rule rule = {.price = price};

const struct fl_model fl_model_oracle_price = {
    .name = "oracle_price",
    .family = FL_MARK,
    .doc = "the oracle's price and nothing else (dYdX v4)",
    .mark = &rule};
