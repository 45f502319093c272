/* Keepers that bid for their place in a block, and the public that crowds them: bids by hand, and races
 * on whole chains. */
#include "models/agent/bid.h"
#include "models/wire.h"
#include "sim/state.h"
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define USD INT64_C(1000000)
#define LENGTH(a) (sizeof(a) / sizeof(a)[0])
static const char gas_war[] = "scenarios/keeper-gas-war.json";

/* ------------------------------------------------------------------------------------------------
 * Bids
 * --------------------------------------------------------------------------------------------- */

Test(bids, opening)
{
    static const struct {
        struct fl_auction auction; /* base_fee, limit, most, tip, reward, share */
        bool worth_it;
        struct fl_bid bid;
    } cases[] = {
        {{100, 1000, 5000, 30, 1000, 0}, true, {230, 30}}, /* twice the base fee, and the tip */
        {{100, 1000, 5000, 30, 1000, 200000}, true, {410, 210}}, /* 30 + a fifth of 900 */
        {{100, 130, 5000, 30, 1000, 0}, true, {130, 30}},        /* just worth it: no room */
        {{100, 129, 5000, 30, 1000, 0}, false, {0, 0}},
        {{100, 1000, 80, 30, 1000, 0}, true, {80, 30}},   /* sent, though it cannot be taken yet */
        {{100, 1000, 20, 30, 1000, 0}, true, {20, 20}},   /* the tip is part of the cap */
        {{100, 60, 5000, 30, 60, 500000}, false, {0, 0}}, /* the reward is below the base fee */
        {{0, 0, 5000, 0, 0, 0}, true, {0, 0}},            /* free, for nothing */
        {{0, -1, 5000, 0, 0, 0}, false, {0, 0}},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct fl_bid bid = {0, 0};
        cr_expect_eq(fl_bid_open(&cases[i].auction, &bid), cases[i].worth_it, "%zu", i);
        cr_expect(bid.cap == cases[i].bid.cap && bid.tip == cases[i].bid.tip,
                  "%zu: %" PRId64 ", %" PRId64, i, bid.cap, bid.tip);
    }
}

/* Each raise is one that a replica takes at 10 %; they end at the limit, after as many as compound
 * growth allows: 1.25^31 < 1000 < 1.25^32 would be without roundings, which only shorten it. */
Test(bids, raises_end_at_the_limit)
{
    struct fl_auction auction = {
        .base_fee = 0, .limit = 1000 * USD, .most = FL_FEE_MAX, .tip = USD, .reward = 1000 * USD};
    struct fl_bid bid;
    cr_assert(fl_bid_open(&auction, &bid));
    cr_assert(bid.cap == USD && bid.tip == USD);
    int raises = 0;
    for (struct fl_bid next = bid; fl_bid_raise(&auction, 250000, &next); raises++) {
        cr_assert(4 * next.cap >= 5 * bid.cap && 4 * next.tip >= 5 * bid.tip);
        cr_assert(next.cap <= auction.limit && next.tip <= next.cap);
        bid = next;
    }
    cr_expect_eq(raises, 30); /* 1.25^30 = 808, 1.25^31 = 1010 */
    const struct fl_bid last = bid;
    cr_expect_not(fl_bid_raise(&auction, 250000, &bid));
    cr_expect(bid.cap == last.cap && bid.tip == last.tip);

    /* A base fee that has risen since lifts the cap with it. */
    bid = (struct fl_bid){.cap = 230, .tip = 30};
    auction = (struct fl_auction){.base_fee = 500, .limit = 2000, .most = FL_FEE_MAX, .tip = 30};
    cr_assert(fl_bid_raise(&auction, 100000, &bid));
    cr_expect(bid.cap == 1033 && bid.tip == 33);
    /* Zero is raised too. */
    bid = (struct fl_bid){0, 0};
    auction = (struct fl_auction){.limit = 2, .most = 2};
    cr_expect(fl_bid_raise(&auction, 100000, &bid) && bid.cap == 1 && bid.tip == 1);
}

/* ------------------------------------------------------------------------------------------------
 * Races
 * --------------------------------------------------------------------------------------------- */

/* The scenario's market and traders; a calm public, so that blocks have room. */
/* The exchange sells at once, whatever the book gives: no liquidation waits for a better one. */
#define ANY_PRICE "contracts.exchange.spread_to_maintenance=1000"
#define CALM "nodes.public.agent.rate_per_s=[[0, 1]]", "nodes.public.agent.rate_per_percent=0"
#define NOT_WATCHING(keeper) "nodes." keeper ".agent.watched=0"

/* The observables of one group that these tests read are there because they are named. */
#define NAMED(what) "{\"path\": \"" what "\", \"op\": \"!=\", \"value\": -1}"
#define ALL_NAMED                                                                                                        \
    "expect=[" NAMED("stale/keeper.won") "," NAMED("stale/keeper.profit") "," NAMED(                                     \
        "stale/"                                                                                                         \
        "keeper."                                                                                                        \
        "passed") "," NAMED("stale/keeper.attempts") "," NAMED("auction/keeper.won") "," NAMED("a"                       \
                                                                                               "u"                       \
                                                                                               "c"                       \
                                                                                               "t"                       \
                                                                                               "i"                       \
                                                                                               "o"                       \
                                                                                               "n"                       \
                                                                                               "/"                       \
                                                                                               "k"                       \
                                                                                               "e"                       \
                                                                                               "e"                       \
                                                                                               "p"                       \
                                                                                               "e"                       \
                                                                                               "r"                       \
                                                                                               "."                       \
                                                                                               "p"                       \
                                                                                               "r"                       \
                                                                                               "o"                       \
                                                                                               "f"                       \
                                                                                               "i"                       \
                                                                                               "t") "," NAMED("auction/" \
                                                                                                              "keeper.passed") "," NAMED("auction/keeper.gas_paid") "," NAMED("auction/keeper.earned") "]"

static int64_t of(const struct fl_test_run *run, const char *name)
{
    return fl_test_final(run, name);
}

/* Two keepers see the same accounts at the same time; they differ in what they tip. Whoever tips more
 * is executed first; the other finds a healthy account, and pays for its place. */
Test(keepers, the_higher_tip_wins_and_the_loser_pays)
{
    static const struct {
        const char *stale_tip, *auction_tip;
        bool stale_wins;
    } cases[] = {{"nodes.stale.tip_usd=3", "nodes.auction.tip_usd=2", true},
                 {"nodes.stale.tip_usd=2", "nodes.auction.tip_usd=3", false}};
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const char *const overrides[] = {ALL_NAMED,
                                         CALM,
                                         ANY_PRICE,
                                         NOT_WATCHING("fixed"),
                                         "nodes.stale.agent.estimate_age_blocks=0",
                                         "nodes.stale.agent.latency_ms=400",
                                         "nodes.auction.agent.latency_ms=400",
                                         "nodes.auction.agent.raise=0",
                                         "nodes.validator.chain.base_fee_usd=1",
                                         "nodes.validator.chain.base_fee_min_usd=1",
                                         cases[i].stale_tip,
                                         cases[i].auction_tip};
        struct fl_test_run run = fl_test_run_file(gas_war, overrides, LENGTH(overrides), 1);
        const int64_t stale_won = of(&run, "stale/keeper.won");
        const int64_t auction_won = of(&run, "auction/keeper.won");
        const int64_t all = of(&run, "ledger.liquidations");
        cr_assert(all > 100, "%" PRId64, all);
        cr_expect_eq(cases[i].stale_wins ? stale_won : auction_won, all);
        cr_expect_eq(cases[i].stale_wins ? auction_won : stale_won, 0);
        /* As many came too late, or close to it: a straggler may see its target healthy in time. */
        const int64_t refused = of(&run, "keeper.refused");
        cr_expect(refused > all * 9 / 10 && refused <= all, "%" PRId64 " of %" PRId64, refused,
                  all);
        const int64_t loss = cases[i].stale_wins ? of(&run, "auction/keeper.profit")
                                                 : of(&run, "stale/keeper.profit");
        cr_expect_leq(loss, -refused * 3 * USD); /* a base fee of 1 and a tip of 2 at least */
        fl_test_run_free(&run);
    }
}

/* A keeper stops when its money is gone: only the one that earns goes on. What was on its way in one
 * block may be more than it has. */
Test(keepers, capital_runs_out)
{
    static const char *const overrides[] = {ALL_NAMED,
                                            CALM,
                                            ANY_PRICE,
                                            NOT_WATCHING("fixed"),
                                            "nodes.stale.agent.estimate_age_blocks=0",
                                            "nodes.stale.tip_usd=2",
                                            "nodes.stale.agent.capital_usd=40",
                                            "nodes.auction.agent.raise=0",
                                            "nodes.auction.agent.capital_usd=40",
                                            "nodes.auction.tip_usd=3"};
    struct fl_test_run run = fl_test_run_file(gas_war, overrides, LENGTH(overrides), 1);
    cr_expect_eq(of(&run, "stale/keeper.won"), 0);
    const int64_t lost = of(&run, "stale/keeper.profit");
    cr_expect(lost < -35 * USD && lost > -80 * USD, "%" PRId64, lost);
    const int64_t left = of(&run, "stale/keeper.passed");
    const int64_t tried = of(&run, "stale/keeper.attempts");
    cr_expect(tried < 40 && left > 50, "%" PRId64 " tried, %" PRId64 " left", tried, left);
    cr_expect_eq(of(&run, "auction/keeper.passed"), 0);
    cr_expect_gt(of(&run, "auction/keeper.gas_paid"), 40 * USD); /* out of what it earned */
    fl_test_run_free(&run);
}

/* The failure of 12 March 2020: a base fee that a keeper learns of late is one that its bids do not cover
 * while it rises. The older, the less is liquidated, and what is left turns bad. */
Test(keepers, a_stale_estimate_misses_in_congestion)
{
    static const char *const ages[] = {"nodes.stale.agent.estimate_age_blocks=0",
                                       "nodes.stale.agent.estimate_age_blocks=12",
                                       "nodes.stale.agent.estimate_age_blocks=36"};
    int64_t won[LENGTH(ages)], missed[LENGTH(ages)];
    for (size_t i = 0; i < LENGTH(ages); i++) {
        const char *const overrides[] = {ALL_NAMED, NOT_WATCHING("fixed"), NOT_WATCHING("auction"),
                                         ages[i]};
        struct fl_test_run run = fl_test_run_file(gas_war, overrides, LENGTH(overrides), 1);
        won[i] = of(&run, "ledger.liquidations");
        missed[i] = of(&run, "ledger.missed_liquidations");
        cr_expect_eq(of(&run, "stale/keeper.won"), won[i]);
        fl_test_run_free(&run);
    }
    cr_expect(won[0] > won[1] && won[1] > won[2], "%" PRId64 ", %" PRId64 ", %" PRId64, won[0],
              won[1], won[2]);
    cr_expect(missed[0] < missed[1] && missed[1] < missed[2], "%" PRId64 ", %" PRId64 ", %" PRId64,
              missed[0], missed[1], missed[2]);
}

/* Raising gets in what the same opening bid does not, and stays below what it is worth. */
Test(keepers, escalation_gets_in)
{
    int64_t won[2], raises[2];
    for (int i = 0; i < 2; i++) {
        const char *const overrides[] = {ALL_NAMED, NOT_WATCHING("fixed"), NOT_WATCHING("stale"),
                                         "nodes.public.agent.rate_per_percent=8",
                                         i ? "nodes.auction.agent.raise=0.25"
                                           : "nodes.auction.agent.raise=0"};
        struct fl_test_run run = fl_test_run_file(gas_war, overrides, LENGTH(overrides), 1);
        won[i] = of(&run, "auction/keeper.won");
        raises[i] = of(&run, "keeper.raises");
        cr_expect_geq(of(&run, "chain.replaced"), raises[i]); /* in each mempool it came to */
        cr_expect_geq(of(&run, "auction/keeper.profit"), 0);
        fl_test_run_free(&run);
    }
    cr_expect(raises[0] == 0 && raises[1] > 100);
    cr_expect(won[1] > won[0] + 20, "%" PRId64 " won, not %" PRId64, won[1], won[0]);
}

/* Not worth it, not done: with a profit required that none brings, nothing is sent. Half of the accounts
 * watched is half of them, by their numbers. */
Test(keepers, thresholds)
{
    const char *const greedy[] = {CALM, NOT_WATCHING("fixed"), NOT_WATCHING("stale"),
                                  "nodes.auction.agent.min_profit_usd=100000"};
    struct fl_test_run run = fl_test_run_file(gas_war, greedy, LENGTH(greedy), 1);
    cr_expect_eq(of(&run, "keeper.attempts"), 0);
    cr_expect_gt(of(&run, "keeper.passed"), 1000);
    fl_test_run_free(&run);

    const char *const half[] = {CALM, NOT_WATCHING("fixed"), NOT_WATCHING("stale"),
                                "nodes.auction.agent.watched=0.5"};
    run = fl_test_run_file(gas_war, half, LENGTH(half), 1);
    /* 224 are due in the end: 112, give or take 4.9 standard deviations of 7.5. */
    const int64_t won = of(&run, "keeper.won");
    cr_expect(won > 75 && won < 149, "%" PRId64, won);
    fl_test_run_free(&run);
}

/* ------------------------------------------------------------------------------------------------
 * The public
 * --------------------------------------------------------------------------------------------- */

#define PUBLIC(points, more)                                                                  \
    "{\"name\": \"t\", \"duration_s\": 200,"                                                  \
    " \"contracts\": {\"feed\": {\"model\": \"feed\", \"reporters\": [\"public\"]}},"         \
    " \"nodes\": {"                                                                           \
    "  \"market\": {\"source\": {\"model\": \"replay\", \"volatility\": 0, \"points_usd\":"   \
    "    [[0, 100], [100, 100], [100.9, 110], [200, 110]]},"                                  \
    "    \"market\": {\"model\": \"spot\", \"depth\": 1000, \"subscribers\": [\"public\"]}}," \
    "  \"validator\": {\"consensus\": \"ordered\", \"chain\": \"replica\"},"                  \
    "  \"public\": {\"accounts\": 50, \"clients_of\": \"validator\","                         \
    "    \"agent\": {\"model\": \"bidders\", \"contract\": \"feed\","                         \
    "      \"rate_per_s\": " points more "}}}}"

static int64_t sent(const char *text)
{
    struct fl_test_run run = fl_test_run(text, NULL, 0, 3);
    const int64_t count = of(&run, "bidders.sent");
    fl_test_run_free(&run);
    return count;
}

/* Steps at 1, 2, ... 200 s; fractions of a transaction are kept. */
Test(bidders, rates)
{
    cr_expect_eq(sent(PUBLIC("[[0, 2.385]]", "")), 477); /* 200 * 2.385 */
    cr_expect_eq(sent(PUBLIC("[[0, 0]]", "")), 0);
    /* 0 until 100, then linear to 20 at 110 and so on: 2 + 4 + ... + 20, and 90 steps of 20. */
    cr_expect_eq(sent(PUBLIC("[[0, 0], [100, 0], [110, 20]]", "")), 110 + 90 * 20);
    /* One for each account and step at most. */
    cr_expect_eq(sent(PUBLIC("[[0, 1000]]", "")), 200 * 50);
    /* The mid jumps by 10 % at 101 s: for a minute, 1.5 more for each per cent. The quote of a second
     * arrives after the step at it, or before: one step of 15 either way. */
    const int64_t excited = sent(PUBLIC("[[0, 0]]", ", \"rate_per_percent\": 1.5"));
    cr_expect(excited >= 59 * 15 && excited <= 61 * 15, "%" PRId64, excited);
}

/* All are refused, all pay what they bid, none is sent twice under one name. */
Test(bidders, pay_for_nothing)
{
    struct fl_test_run run =
        fl_test_run(PUBLIC("[[0, 5]]", ", \"worth_usd\": 2.5, \"tip_share\": 0.2"), NULL, 0, 3);
    const fl_version head = run.world->node[1].head; /* the validator's */
    struct fl_sender sum = {0};
    for (uint32_t i = 0; i < run.config->facts.accounts; i++) {
        const struct fl_query query = {
            .contract = FL_LEDGER, .kind = FL_ASK_SENDER, .arg = {i, 0, 0}};
        struct fl_sender one;
        cr_assert_eq(fl_ledger_query(run.world->ledger, head, &query, &one, sizeof one),
                     FL_READ_OK);
        sum.paying += one.paying;
        sum.refused += one.refused;
        sum.burned += one.burned;
        sum.tips += one.tips;
    }
    cr_expect(sum.paying > 900 && sum.refused == sum.paying && sum.burned == 0);
    cr_expect_eq(sum.tips, sum.paying * USD / 2); /* a fifth of 2.5 */
    fl_test_run_free(&run);
}
