/* The price of block space: EIP-1559's base fee, EIP-4844's blob fee, and how far a block's limit may
 * move. Pure formulas; sources and rounding in mechanisms 5. Fees are in whatever unit the chain counts
 * them in (wei per gas there, 10^-6 USD per transaction here), used and limit in units of space. */
#ifndef FL_CHAIN_BASE_FEE_H
#define FL_CHAIN_BASE_FEE_H
#include "sim/base.h"

struct fl_fee_market {
    int64_t limit;       /* most units of space in a block */
    int64_t elasticity;  /* limit over target: 2 on Ethereum, 6 on the OP stack, 10 on Base */
    int64_t denominator; /* 1 over the greatest change at twice the target: 8, 50 or 250 */
};

/* Base fee of the next block, after one of `base_fee` in which `used` units were taken (EIP-1559):
 *   used = target: unchanged, target = floor(limit / elasticity)
 *   used > target: + max(1, floor(floor(base_fee * (used - target) / target) / denominator))
 *   used < target: - floor(floor(base_fee * (target - used) / target) / denominator)
 * Unchanged where that has no value: elasticity, denominator or target 0. All arguments >= 0; stops at
 * INT64_MAX. */
int64_t fl_next_base_fee(const struct fl_fee_market *market, int64_t base_fee, int64_t used);

/* Is a block's limit within the step from its parent's: |limit - parent| < floor(parent / 1024), and at
 * least 5000 (EIP-1559, "gas limit")? */
bool fl_gas_limit_follows(int64_t parent, int64_t limit);

/* Excess of blob gas after a block: max(0, excess + used - target) (EIP-4844, calc_excess_blob_gas). */
int64_t fl_blob_excess(int64_t excess, int64_t used, int64_t target);

/* About factor * e^(numerator / denominator), by the Taylor series with each term rounded down
 * (EIP-4844, fake_exponential). denominator > 0, the others >= 0, all below 2^55; stops at INT64_MAX. */
int64_t fl_fake_exponential(int64_t factor, int64_t numerator, int64_t denominator);

#endif
