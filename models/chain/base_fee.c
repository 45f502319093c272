/* The price of block space; the formulas are in the header. */
#include "models/chain/base_fee.h"

enum { GAS_LIMIT_STEPS = 1024, GAS_LIMIT_LEAST = 5000 }; /* EIP-1559 */

static int64_t clipped(fl_i128 a)
{
    return a > INT64_MAX ? INT64_MAX : (int64_t)a;
}

int64_t fl_next_base_fee(const struct fl_fee_market *market, int64_t base_fee, int64_t used)
{
    if (market->elasticity == 0 || market->denominator == 0) return base_fee;
    const int64_t target = market->limit / market->elasticity;
    if (target == 0 || used == target) return base_fee;
    const int64_t gap = used > target ? used - target : target - used;
    const fl_i128 change = (fl_i128)base_fee * gap / target / market->denominator;
    if (used < target) return (int64_t)(base_fee > change ? base_fee - change : 0);
    return clipped(base_fee + (change > 1 ? change : 1));
}

bool fl_gas_limit_follows(int64_t parent, int64_t limit)
{
    const int64_t step = limit > parent ? limit - parent : parent - limit;
    return step < parent / GAS_LIMIT_STEPS && limit >= GAS_LIMIT_LEAST;
}

int64_t fl_blob_excess(int64_t excess, int64_t used, int64_t target)
{
    const fl_i128 after = (fl_i128)excess + used - target;
    return after < 0 ? 0 : clipped(after);
}

int64_t fl_fake_exponential(int64_t factor, int64_t numerator, int64_t denominator)
{
    /* Terms rise until i passes numerator / denominator; bounded, so that one product more fits. */
    const fl_i128 bound = (fl_i128)INT64_MAX * denominator;
    fl_i128 sum = 0, term = (fl_i128)factor * denominator;
    for (int64_t i = 1; term > 0 && sum <= bound; i++) {
        sum += term;
        if (term > bound) break;
        const fl_i128 divisor = (fl_i128)denominator * i;
        term = term / divisor * numerator + term % divisor * numerator / divisor;
    }
    return clipped(sum / denominator);
}
