/* Explorations that take longer: the reduced search against the plain one at n = 4, and twins. */
#include "sim/explore.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct fl_exploration explored(const char *text, const struct fl_bounds *bounds)
{
    struct fl_problems problems = {.to = stderr};
    struct fl_config *config =
        fl_config_parse(text, strlen(text), "explored.json", NULL, 0, NULL, &problems);
    cr_assert_not_null(config, "%s", text);
    struct fl_exploration e;
    fl_explore(config, bounds, &e);
    fl_config_free(config);
    fprintf(stderr,
            "%" PRIu64 " placements, %" PRIu64 " states, %" PRIu64 " transitions, depth %u\n",
            e.placements, e.states, e.transitions, e.depth);
    return e;
}

#define BRACHA(faults)                                                              \
    "{\"name\": \"explored\", \"duration_s\": 10, \"network\": {\"delay_ms\": 20}," \
    " \"nodes\": {\"member\": {\"count\": 4, \"faulty_max\": 1,"                    \
    "   \"consensus\": {\"model\": \"bracha\", \"bytes\": 16}}},"                   \
    " \"faults\": {" faults "}, \"checks\": {\"agreement\": \"agreement\","         \
    " \"totality\": {\"model\": \"totality\", \"group\": \"member\"}}}"

/* An honest sender and one that says anything: every order (over a million states) shows the checks
 * what the reduced search does. */
Test(explore, the_reduction_leaves_nothing_out_at_four)
{
    static const char text[] =
        BRACHA("\"liar\": {\"model\": \"babble\", \"group\": \"member\", \"members\": [0],"
               " \"payloads\": 1}");
    struct fl_bounds bounds = fl_bounds_default();
    struct fl_exploration a = explored(text, &bounds);
    bounds.every_order = true;
    struct fl_exploration b = explored(text, &bounds);
    cr_expect(a.cut == 0 && b.cut == 0 && !a.broken && !b.broken);
    cr_expect(a.seen == b.seen && fl_digest_equal(a.seen_sum, b.seen_sum));
    cr_expect(a.ends == b.ends && fl_digest_equal(a.ends_sum, b.ends_sum));
    cr_expect_lt(a.states, b.states);
    fl_exploration_free(&a);
    fl_exploration_free(&b);
}

/* Four replicas of PBFT, each in turn as two with one name, for one block. */
Test(explore, twins_of_pbft)
{
    static const char text[] =
        "{\"name\": \"explored\", \"duration_s\": 10, \"network\": {\"delay_ms\": 20},"
        " \"nodes\": {\"v\": {\"count\": 4, \"faulty_max\": 1,"
        "   \"consensus\": {\"model\": \"pbft\", \"block_ms\": 1000, \"checkpoint_every\": 2,"
        "     \"window\": 2, \"history\": 32},"
        "   \"chain\": {\"model\": \"replica\", \"mempool_txs\": 1, \"block_txs\": 1}}},"
        " \"faults\": {\"double\": {\"model\": \"twins\", \"group\": \"v\", \"count\": 1}},"
        " \"checks\": {\"agreement\": \"agreement\"}}";
    struct fl_bounds bounds = fl_bounds_default();
    bounds.timeouts = 1;
    struct fl_exploration e = explored(text, &bounds);
    cr_expect(!e.broken, "%s\n%s", e.evidence, e.trace);
    cr_expect_eq(e.cut, 0);
    cr_expect_eq(e.placements, 4);
    fl_exploration_free(&e);
}
