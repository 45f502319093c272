/* 10^7 random transactions on the exchange: the long run of tests/prop/test_exchange.c. FL_SEED sets the first
 * seed, FL_EXCHANGE_TXS how many. */
#include "tests/lib/exchange_play.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

Test(exchange, random_transactions, .timeout = 7200)
{
    const char *const seed = getenv("FL_SEED"), *const asked = getenv("FL_EXCHANGE_TXS");
    const uint64_t first = seed ? strtoull(seed, NULL, 10) : 1000;
    struct exchange_tally tally = {0};
    fprintf(stderr, "FL_SEED=%" PRIu64 "\n", first);
    exchange_play(first, asked ? strtoull(asked, NULL, 10) : 10000000, &tally);
    exchange_tell(&tally);
    cr_expect_gt(tally.liquidations, 0);
}
