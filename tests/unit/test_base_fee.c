/* The price of block space against the cases of its own makers (tests/vectors/eip1559.json: go-ethereum
 * and alloy, with commits), and at the edges of int64, where those do not go. */
#include "models/chain/base_fee.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cJSON *member(const cJSON *in, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(in, key);
    cr_assert(item, "no %s in %s", key, cJSON_PrintUnformatted(in));
    return item;
}

/* Large ones are strings; cJSON keeps others exactly below 2^53. */
static int64_t integer(const cJSON *in, const char *key)
{
    const cJSON *item = member(in, key);
    if (cJSON_IsString(item)) return strtoll(item->valuestring, NULL, 10);
    cr_assert(cJSON_IsNumber(item) && item->valuedouble < 0x1p53);
    return (int64_t)item->valuedouble;
}

/* What the case expects, and what comes out. */
struct pair {
    int64_t expected, found;
};

static struct pair next_base_fee(const cJSON *c)
{
    const struct fl_fee_market market = {integer(c, "gas_limit"), integer(c, "elasticity"),
                                         integer(c, "denominator")};
    return (struct pair){integer(c, "expected"),
                         fl_next_base_fee(&market, integer(c, "base_fee"), integer(c, "gas_used"))};
}

static struct pair blob_excess(const cJSON *c)
{
    const int64_t each = integer(c, "gas_per_blob");
    return (struct pair){integer(c, "expected_excess"),
                         fl_blob_excess(integer(c, "excess"), integer(c, "blobs_used") * each,
                                        integer(c, "target_blobs") * each)};
}

static struct pair blob_fee(const cJSON *c)
{
    return (struct pair){integer(c, "expected_fee"),
                         fl_fake_exponential(integer(c, "min_fee"), integer(c, "excess"),
                                             integer(c, "update_fraction"))};
}

static struct pair fake_exponential(const cJSON *c)
{
    return (struct pair){integer(c, "expected"),
                         fl_fake_exponential(integer(c, "factor"), integer(c, "numerator"),
                                             integer(c, "denominator"))};
}

static struct pair gas_limit_bounds(const cJSON *c)
{
    return (struct pair){
        cJSON_IsTrue(member(c, "expected_valid")),
        fl_gas_limit_follows(integer(c, "parent_gas_limit"), integer(c, "gas_limit"))};
}

static const struct {
    const char *kind;
    struct pair (*run)(const cJSON *c);
    int count; /* cases of this kind in the file: none is passed over */
} kinds[] = {
    {"next_base_fee", next_base_fee, 36},       {"next_base_fee_degenerate", next_base_fee, 2},
    {"blob_excess_cancun", blob_excess, 7},     {"blob_fee_cancun", blob_fee, 3},
    {"fake_exponential", fake_exponential, 10}, {"gas_limit_bounds", gas_limit_bounds, 6},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

Test(base_fee, every_case_of_the_sources)
{
    static char text[1 << 16];
    FILE *f = fopen("tests/vectors/eip1559.json", "r");
    cr_assert_not_null(f);
    const size_t bytes = fread(text, 1, sizeof text - 1, f);
    cr_assert(feof(f) && bytes > 0);
    fclose(f);
    cJSON *file = cJSON_Parse(text);
    cr_assert_not_null(file);
    int seen[KINDS] = {0};
    const cJSON *c;
    cJSON_ArrayForEach(c, member(file, "cases"))
    {
        const char *kind = member(c, "kind")->valuestring;
        int k = 0;
        while (k < KINDS && strcmp(kinds[k].kind, kind) != 0) k++;
        cr_assert(k < KINDS, "unknown kind %s", kind);
        const struct pair pair = kinds[k].run(c);
        cr_expect_eq(pair.found, pair.expected, "%s: %" PRId64, cJSON_PrintUnformatted(c),
                     pair.found);
        seen[k]++;
    }
    for (int k = 0; k < KINDS; k++) cr_expect_eq(seen[k], kinds[k].count, "%s", kinds[k].kind);
    cJSON_Delete(file);
}

/* Twelve and a half per cent a block either way (EIP-1559, rationale), one unit at least on the way
 * up; nothing passes int64. */
Test(base_fee, steps)
{
    const struct fl_fee_market market = {200, 2, 8};
    cr_expect_eq(fl_next_base_fee(&market, 80000000, 200), 90000000);
    cr_expect_eq(fl_next_base_fee(&market, 80000000, 0), 70000000);
    cr_expect_eq(fl_next_base_fee(&market, 80000000, 100), 80000000);
    cr_expect_eq(fl_next_base_fee(&market, 0, 101), 1);
    cr_expect_eq(fl_next_base_fee(&market, 7, 0), 7);
    cr_expect_eq(fl_next_base_fee(&market, INT64_MAX, 200), INT64_MAX);
    cr_expect_eq(fl_next_base_fee(&market, INT64_MAX, 0), INT64_MAX - INT64_MAX / 8);
    const struct fl_fee_market odd = {3, 2,
                                      8}; /* the target is 1: three transactions are 2 above */
    cr_expect_eq(fl_next_base_fee(&odd, 1000, 3), 1250);
    const struct fl_fee_market steep = {10, 10, 1}; /* more than all of it: not below 0 */
    cr_expect_eq(fl_next_base_fee(&steep, 1000, 0), 0);
}

Test(base_fee, exponential_stops_at_its_bound)
{
    cr_expect_eq(fl_fake_exponential(1, 44, 1), INT64_MAX); /* e^43.67 is 2^63 */
    cr_expect_eq(fl_fake_exponential(1, INT64_C(1) << 54, 1), INT64_MAX);
    cr_expect(fl_fake_exponential(1, 43, 1) < INT64_MAX);
    cr_expect_eq(fl_blob_excess(INT64_MAX, INT64_MAX, 0), INT64_MAX);
}
