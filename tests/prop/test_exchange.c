/* 10^5 random transactions on the exchange, over some hundred exchanges drawn from the seed. FL_SEED sets
 * the first seed, FL_EXCHANGE_TXS how many. */
#include "tests/lib/exchange_play.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

Test(exchange, random_transactions, .timeout = 600)
{
    const char *const seed = getenv("FL_SEED"), *const asked = getenv("FL_EXCHANGE_TXS");
    const uint64_t first = seed ? strtoull(seed, NULL, 10) : 1;
    const uint64_t wanted = asked ? strtoull(asked, NULL, 10) : 100000;
    struct exchange_tally tally = {0};
    fprintf(stderr, "FL_SEED=%" PRIu64 "\n", first);
    exchange_play(first, wanted, &tally);
    exchange_tell(&tally);
    if (wanted < 100000) return;
    for (int i = 0; i < EXCHANGE_CODES; i++) cr_expect_gt(tally.code[i], 20, "code %d", i);
    for (int i = 1; i < EXCHANGE_POLICIES; i++)
        cr_expect_gt(tally.adl_by_policy[i], 5, "policy %d", i);
    cr_expect_gt(tally.paid, 20);
    cr_expect_gt(tally.socialised, 20);
    cr_expect_gt(tally.outstanding, 0);
    cr_expect_gt(tally.traceless, 500);
    cr_expect_gt(tally.balanced, 20);
    cr_expect_gt(tally.ticks, 100);
}
