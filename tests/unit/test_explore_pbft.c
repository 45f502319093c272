/* PBFT explored: what fits within a bound of timeouts is exhausted, and a twin with a quorum too small is
 * caught by an equivocating primary. */
#include "sim/explore.h"
#include "tests/lib/pbft_twins.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Four replicas with little memory; the time for the next block is one early timeout, so that with one
 * of them there is one block at most. */
static struct fl_config *configured(const char *protocol, const char *faults)
{
    char text[2048];
    snprintf(text, sizeof text,
             "{\"name\": \"explored\", \"seed\": 3, \"duration_s\": 10,"
             " \"network\": {\"delay_ms\": 20},"
             " \"nodes\": {\"v\": {\"count\": 4, \"faulty_max\": 1,"
             "   \"consensus\": {\"model\": \"%s\", \"block_ms\": 1000, \"checkpoint_every\": 2,"
             "     \"window\": 2, \"history\": 32},"
             "   \"chain\": {\"model\": \"replica\", \"mempool_txs\": 1, \"block_txs\": 1}}},"
             " \"faults\": {%s}, \"checks\": {\"agreement\": \"agreement\"}}",
             protocol, faults);
    struct fl_problems problems = {.to = stderr};
    struct fl_config *config =
        fl_config_parse(text, strlen(text), "explored.json", NULL, 0, NULL, &problems);
    cr_assert_not_null(config, "%s", text);
    return config;
}

static const char liar[] =
    "\"liar\": {\"model\": \"equivocate\", \"group\": \"v\", \"count\": 1, \"to_s\": 11}";

static void report(const char *what, const struct fl_exploration *e)
{
    fprintf(stderr,
            "%s: %" PRIu64 " placements, %" PRIu64 " states, %" PRIu64 " transitions, depth %u\n",
            what, e->placements, e->states, e->transitions, e->depth);
}

/* One block, whoever lies: the primary or another. Agreement, by Castro and Liskov 1999. */
Test(explore, pbft_is_safe_for_one_timeout)
{
    struct fl_bounds bounds = fl_bounds_default();
    bounds.timeouts = 1;
    struct fl_config *config = configured("pbft", liar);
    struct fl_exploration e;
    fl_explore(config, &bounds, &e);
    cr_expect(!e.broken, "%s\n%s", e.evidence, e.trace);
    cr_expect_eq(e.cut, 0);
    cr_expect_eq(e.placements, 4);
    cr_expect_gt(e.seen, 2 * 4, "blocks are decided");
    report("pbft", &e);
    fl_exploration_free(&e);
    fl_config_free(config);
}

/* With quorums of 2f an honest replica and the primary are enough. The primary proposes (1); one replica
 * has the first proposal (2), the primary its vote (3) and therefore commits, to this one (4) and to
 * another, with the other payload (5), which that one also gets (6). With less the primary says no
 * commit, or an honest replica lacks a proposal or a second commit. */
Test(explore, a_small_quorum_is_caught)
{
    struct fl_bounds bounds = fl_bounds_default();
    bounds.timeouts = 1;
    struct fl_config *config = configured(pbft_twins[0].model, liar);
    struct fl_exploration e, again;
    fl_explore(config, &bounds, &e);
    cr_assert(e.broken);
    report(pbft_twins[0].model, &e);
    cr_expect_eq(e.events, 6, "%s", e.trace);
    char *wrong = fl_explore_replay(config, e.trace, &bounds, &again);
    cr_assert_null(wrong, "%s", wrong);
    cr_expect_str_eq(again.trace, e.trace);
    cr_expect_str_eq(again.evidence, e.evidence);
    fl_exploration_free(&again);
    fl_exploration_free(&e);
    fl_config_free(config);
}
