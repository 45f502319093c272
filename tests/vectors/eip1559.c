/* Cases of go-ethereum's and alloy's own suites: base fee, blob fee, gas limit. */
#include "models/chain/base_fee.h"
#include "tests/vectors/vectors.h"

static void next_base_fee(struct vector_case *c)
{
    const struct fl_fee_market market = {.limit = vector_i64(c, c->at, "gas_limit"),
                                         .elasticity = vector_i64(c, c->at, "elasticity"),
                                         .denominator = vector_i64(c, c->at, "denominator")};
    const int64_t base_fee = vector_i64(c, c->at, "base_fee");
    const int64_t used = vector_i64(c, c->at, "gas_used");
    vector_expect_i128(c, c->at, "expected", fl_next_base_fee(&market, base_fee, used));
}

static void blob_excess(struct vector_case *c)
{
    const int64_t each = vector_i64(c, c->at, "gas_per_blob");
    const int64_t used = vector_i64(c, c->at, "blobs_used") * each;
    const int64_t target = vector_i64(c, c->at, "target_blobs") * each;
    vector_expect_i128(c, c->at, "expected_excess",
                       fl_blob_excess(vector_i64(c, c->at, "excess"), used, target));
}

static void blob_fee(struct vector_case *c)
{
    const int64_t least = vector_i64(c, c->at, "min_fee");
    const int64_t excess = vector_i64(c, c->at, "excess");
    const int64_t fraction = vector_i64(c, c->at, "update_fraction");
    vector_expect_i128(c, c->at, "expected_fee", fl_fake_exponential(least, excess, fraction));
}

static void fake_exponential(struct vector_case *c)
{
    const int64_t factor = vector_i64(c, c->at, "factor");
    const int64_t numerator = vector_i64(c, c->at, "numerator");
    const int64_t denominator = vector_i64(c, c->at, "denominator");
    vector_expect_i128(c, c->at, "expected", fl_fake_exponential(factor, numerator, denominator));
}

static void gas_limit_bounds(struct vector_case *c)
{
    const int64_t parent = vector_i64(c, c->at, "parent_gas_limit");
    const int64_t limit = vector_i64(c, c->at, "gas_limit");
    vector_expect_bool(c, c->at, "expected_valid", fl_gas_limit_follows(parent, limit));
}

const struct vector_kind vectors_eip1559[] = {
    {"next_base_fee", next_base_fee},
    {"next_base_fee_degenerate", next_base_fee},
    {"blob_excess_cancun", blob_excess},
    {"blob_fee_cancun", blob_fee},
    {"fake_exponential", fake_exponential},
    {"gas_limit_bounds", gas_limit_bounds},
    {NULL, NULL},
};
