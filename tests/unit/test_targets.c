/* Who is struck, and when: targets, triggers, adversaries that follow, twins. What a fault should have
 * done is worked out again from the trace: records, series and message rows. */
#include "models/wire.h"
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS FL_MILLISECOND

/* --- pools ------------------------------------------------------------------------------------------ */

#define WORLD                                                                                     \
    "{\"name\": \"targets\", \"duration_s\": 10, \"network\": {\"regions\": {\"names\": "         \
    "[\"here\", \"there\"], \"delay_ms\": [[1, 20], [20, 1]]}}, \"nodes\": {\"v\": {\"count\": "  \
    "10, \"faulty_max\": 3, \"power\": [5, 1, 9, 2, 6, 5, 3, 5, 8, 7], \"regions\": [\"here\", "  \
    "\"here\", \"there\"], \"labels\": {\"client\": [\"geth\", \"reth\"], \"operator\": "         \
    "\"acme\"},"                                                                                  \
    " \"consensus\": {\"model\": \"pbft\", \"block_ms\": 200, \"timeout_ms\": 400}, \"chain\": "  \
    "\"replica\"}, \"m\": {\"count\": 3, \"region\": \"there\", \"labels\": {\"client\": "        \
    "[\"reth\", \"geth\"]}, \"market\": {\"model\": \"spot\", \"depth\": 1000, \"subscribers\": " \
    "[]}, \"source\": "                                                                           \
    "{\"model\": \"replay\", \"points_usd\": [[0, 100], [10, 200]]}}}, \"trace\": {\"detail\": "  \
    "\"summary\"}, \"faults\": {\"f\": {\"model\": \"crash\", \"from_s\": 1, \"to_s\": 3%s}}}"

static struct fl_test_run run_with(const char *who, uint64_t seed)
{
    static char text[4096];
    snprintf(text, sizeof text, WORLD, who);
    return fl_test_run(text, NULL, 0, seed);
}

static void expect_struck(const char *who, const uint32_t *expected, uint32_t count)
{
    struct fl_test_run run = run_with(who, 1);
    const struct fl_fault_result *const f = &run.result->fault[0];
    cr_expect_eq(f->count, count, "%s strikes %u", who, f->count);
    for (uint32_t i = 0; i < count && i < f->count; i++)
        cr_expect_eq(f->member[i], expected[i], "%s strikes %u as number %u", who, f->member[i], i);
    fl_test_run_free(&run);
}
#define EXPECT_STRUCK(WHO, ...)                         \
    expect_struck(WHO, (const uint32_t[]){__VA_ARGS__}, \
                  sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* Endpoints 0 to 9 validate, 10 to 12 are venues. Member i has region and label i modulo their number. */
Test(targets, pools_are_what_their_filters_say)
{
    EXPECT_STRUCK(", \"role\": \"market\"", 10, 11, 12);
    EXPECT_STRUCK(", \"region\": \"there\"", 2, 5, 8, 10, 11, 12);
    EXPECT_STRUCK(", \"labels\": {\"client\": \"geth\"}", 0, 2, 4, 6, 8, 11);
    EXPECT_STRUCK(", \"labels\": {\"client\": \"reth\", \"operator\": \"acme\"}", 1, 3, 5, 7, 9);
    EXPECT_STRUCK(
        ", \"labels\": {\"client\": \"geth\"}, \"region\": \"there\", \"role\": \"chain\"", 2, 8);
    EXPECT_STRUCK(", \"group\": \"v\", \"members\": [7, 2]", 2, 7);
    EXPECT_STRUCK(", \"group\": \"m\", \"region\": \"there\"", 10, 11, 12);
}

/* A sweep over the number of victims begins with none: the run is that without the fault. */
Test(targets, a_count_of_0_is_no_fault)
{
    static const char *const none[] = {", \"group\": \"v\", \"count\": 0",
                                       ", \"group\": \"v\", \"count\": 3, \"enabled\": false"};
    struct fl_test_run zero = run_with(none[0], 1), disabled = run_with(none[1], 1);
    struct fl_test_run one = run_with(", \"group\": \"v\", \"count\": 1", 1);
    cr_expect_eq(zero.config->fault_count, 0);
    cr_expect(fl_digest_equal(zero.result->digest, disabled.result->digest));
    cr_expect_not(fl_digest_equal(zero.result->digest, one.result->digest));
    fl_test_run_free(&zero);
    fl_test_run_free(&disabled);
    fl_test_run_free(&one);
}

/* The smallest number of members, in the order drawn, whose power reaches the share. */
Test(targets, a_stake_is_reached_and_not_by_one_too_many)
{
    static const uint64_t power[10] = {5, 1, 9, 2, 6, 5, 3, 5, 8, 7}; /* 51 in all */
    bool differ = false;
    uint32_t first = UINT32_MAX;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct fl_test_run run = run_with(", \"group\": \"v\", \"stake\": 0.34", seed);
        const struct fl_fault_result *const f = &run.result->fault[0];
        uint64_t held = 0, most = 0;
        for (uint32_t i = 0; i < f->count; i++) {
            held += power[f->member[i]];
            most = power[f->member[i]] > most ? power[f->member[i]] : most;
        }
        cr_expect(100 * held >= 34 * 51, "seed %" PRIu64 ": %" PRIu64, seed, held);
        cr_expect(100 * (held - most) < 34 * 51, "seed %" PRIu64 ": one too many", seed);
        differ |= first != UINT32_MAX && f->member[0] != first;
        first = f->member[0];
        fl_test_run_free(&run);
    }
    cr_expect(differ);
}

/* --- windows ---------------------------------------------------------------------------------------- */

Test(targets, a_rolling_fault_strikes_one_after_the_other)
{
    struct fl_test_run run = run_with(", \"region\": \"there\", \"stagger_s\": 0.3", 1);
    static const uint32_t expected[6] = {2, 5, 8, 10, 11, 12};
    uint32_t struck = 1, recovered = 0;
    for (uint32_t id = 1; id <= fl_records_count(run.result->records); id++) {
        const struct fl_record *const r = fl_records_get(run.result->records, id);
        if (r->kind == FL_RECORD_FAULT) cr_expect_eq(r->at, FL_SECOND);
        if (r->kind == FL_RECORD_STRUCK) {
            cr_expect_eq(r->at, FL_SECOND + struck * 300 * MS);
            cr_expect_eq(r->v[1], expected[struck]);
            struck++;
        }
        if (r->kind == FL_RECORD_RECOVERY) {
            cr_expect_eq(r->at, 3 * FL_SECOND);
            cr_expect_eq(r->v[1], expected[recovered]);
            recovered++;
        }
    }
    cr_expect_eq(struck, 6);
    cr_expect_eq(recovered, 6);
    fl_test_run_free(&run);
}

/* --- triggers --------------------------------------------------------------------------------------- */

#define PRICE                                                                                      \
    "{\"name\": \"trigger\", \"duration_s\": 60, \"nodes\": {\"m\": {\"source\": {\"model\": "     \
    "\"replay\", \"tick_ms\": 250, \"volatility\": 0.02, \"points_usd\": [[0, 100], [10, 120], "   \
    "[20, 90], [30, 130], [40, 95], [60, 100]]}, \"market\": {\"model\": \"spot\", "               \
    "\"depth\": 1000, \"subscribers\": []}}}, \"trace\": {\"detail\": \"summary\", \"sample_s\": " \
    "0.1}, "                                                                                       \
    "\"faults\": "                                                                                 \
    "{\"f\": {\"model\": \"mute\", \"group\": \"m\", \"count\": 1, \"from_s\": 0.1, \"look_ms\": " \
    "500, %s}}}"

enum { OPENINGS = 128 };
struct opening {
    uint32_t count;
    fl_time at[OPENINGS], until[OPENINGS];
};

/* When the fault was open; until -1: to the end. */
static struct opening openings(const struct fl_test_run *run)
{
    struct opening o = {.count = 0};
    for (uint32_t id = 1; id <= fl_records_count(run->result->records); id++) {
        const struct fl_record *const r = fl_records_get(run->result->records, id);
        if (r->kind == FL_RECORD_FAULT) {
            cr_assert_lt(o.count, OPENINGS);
            o.at[o.count] = r->at;
            o.until[o.count++] = -1;
        }
        if (r->kind == FL_RECORD_RECOVERY) o.until[o.count - 1] = r->at;
    }
    return o;
}

static struct fl_test_run run_price(const char *when, uint64_t seed)
{
    static char text[4096];
    snprintf(text, sizeof text, PRICE, when);
    return fl_test_run(text, NULL, 0, seed);
}

static int64_t value_at(const struct fl_test_run *run, const char *observable, fl_time at)
{
    const uint32_t handle = fl_config_observable(run->config, observable);
    cr_assert_neq(handle, UINT32_MAX);
    const uint32_t i = (uint32_t)(at / (100 * MS));
    cr_assert_eq(run->result->sample_at[i], at);
    return run->result->sample[handle][i];
}

/* A trigger, looked at every 500 ms from 100 ms on, told from the series. `share` in 10^-6, negative:
 * a fall. `lasts` -1: to the end. */
static struct opening worked_out(const struct fl_test_run *run, int64_t share, fl_time latency,
                                 fl_time lasts)
{
    struct opening o = {.count = 0};
    int64_t extreme = 0;
    fl_time free_from = 0;
    for (fl_time look = 100 * MS; look + latency < 60 * FL_SECOND; look += 500 * MS) {
        const int64_t x = value_at(run, "market.fundamental", look);
        const bool better = share < 0 ? x > extreme : x < extreme;
        if (extreme == 0 || better) extreme = x;
        const fl_time learnt = look + latency;
        if (learnt < free_from) continue;
        /* as doubles: the figures have nine digits at most */
        const double moved = (double)x / (double)extreme - 1;
        if (share < 0 ? moved > (double)share / 1e6 : moved < (double)share / 1e6) continue;
        o.at[o.count] = learnt;
        o.until[o.count] = lasts < 0 || learnt + lasts >= 60 * FL_SECOND ? -1 : learnt + lasts;
        free_from = lasts < 0 ? FL_FOREVER : learnt + lasts;
        cr_assert_lt(o.count, OPENINGS);
        o.count++;
    }
    return o;
}

static void expect_same(const struct opening *is, const struct opening *should, const char *what)
{
    cr_assert_eq(is->count, should->count, "%s: opened %u times, not %u", what, is->count,
                 should->count);
    for (uint32_t i = 0; i < is->count; i++) {
        cr_expect_eq(is->at[i], should->at[i], "%s: %" PRId64 " instead of %" PRId64, what,
                     is->at[i], should->at[i]);
        cr_expect_eq(is->until[i], should->until[i], "%s: until %" PRId64 " instead of %" PRId64,
                     what, is->until[i], should->until[i]);
    }
}

Test(targets, triggers_open_when_a_look_finds_them_so_and_later_by_the_latency)
{
    uint32_t opened = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        static const struct {
            const char *when;
            int64_t share;
            fl_time latency, lasts;
        } cases[] = {
            {"\"when\": {\"observable\": \"market.fundamental\", \"falls\": 0.05}", -50000, 0, -1},
            {"\"when\": {\"observable\": \"market.fundamental\", \"falls\": 0.25}, \"for_s\": 2.3, "
             "\"latency_ms\": 1730",
             -250000, 1730 * MS, 2300 * MS},
            {"\"when\": {\"observable\": \"market.fundamental\", \"rises\": 0.3}, \"for_s\": 4.1",
             300000, 0, 4100 * MS},
            {"\"when\": {\"observable\": \"market.fundamental\", \"falls\": 0.99}", -990000, 0, -1},
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct fl_test_run run = run_price(cases[i].when, seed);
            const struct opening is = openings(&run),
                                 should = worked_out(&run, cases[i].share, cases[i].latency,
                                                     cases[i].lasts);
            expect_same(&is, &should, cases[i].when);
            const struct fl_fault_result *const f = &run.result->fault[0];
            const fl_time end = 60 * FL_SECOND, last = is.count ? is.until[is.count - 1] : end;
            cr_expect_eq(f->opened, is.count);
            cr_expect_eq(f->from, is.count ? is.at[0] : end);
            cr_expect_eq(f->to, last < 0 ? end : last);
            opened += is.count;
            fl_test_run_free(&run);
        }
    }
    cr_expect_geq(opened, 40);
}

/* 90 USD are passed on the way down and up again. */
Test(targets, thresholds_are_in_the_unit_of_the_observable)
{
    struct fl_test_run run = run_price("\"when\": {\"observable\": \"market.fundamental\", \"op\": "
                                       "\"<\", \"value\": 93.5}, \"for_s\": 0.5",
                                       3);
    const struct opening is = openings(&run);
    cr_assert_geq(is.count, 1);
    fl_time first = -1;
    for (fl_time look = 100 * MS; first < 0; look += 500 * MS)
        if (value_at(&run, "market.fundamental", look) < 93500000) first = look;
    cr_expect_eq(is.at[0], first);
    fl_test_run_free(&run);
}

/* --- whom an observable chooses --------------------------------------------------------------------- */

#define CHASE                                                                                      \
    "{\"name\": \"chase\", \"duration_s\": 20, \"network\": {\"delay_ms\": 5}, \"nodes\": "        \
    "{\"v\": "                                                                                     \
    "{\"count\": 7, \"faulty_max\": 2, \"consensus\": {\"model\": \"pbft\", \"block_ms\": 100, "   \
    "\"timeout_ms\": 300}, \"chain\": \"replica\"}}, \"checks\": {\"agreement\": \"agreement\"}, " \
    "\"trace\": {\"detail\": \"summary\"}, \"faults\": {\"f\": {\"model\": \"crash\", \"group\": " \
    "\"v\", \"from_s\": 1.001, \"to_s\": 15, \"look_ms\": 10, \"largest\": "                       \
    "\"consensus.leads\"%s}}}"

struct chase {
    uint32_t struck, most_at_once, members[256];
    int64_t height;
};

static struct chase run_chase(const char *how)
{
    static char text[4096];
    snprintf(text, sizeof text, CHASE, how);
    struct fl_test_run run = fl_test_run(text, NULL, 0, 1);
    struct chase c = {.height = fl_test_final(&run, "consensus.height")};
    uint32_t down = 0;
    for (uint32_t id = 1; id <= fl_records_count(run.result->records); id++) {
        const struct fl_record *const r = fl_records_get(run.result->records, id);
        if (r->kind == FL_RECORD_STRUCK) {
            cr_assert_lt(c.struck, 256);
            c.members[c.struck++] = (uint32_t)r->v[1];
            down++;
        }
        down -= r->kind == FL_RECORD_RECOVERY;
        c.most_at_once = down > c.most_at_once ? down : c.most_at_once;
    }
    cr_expect_eq(down, 0, "all recover");
    cr_expect_eq(fl_test_verdict(&run, "agreement")->kind, FL_HOLDS);
    fl_test_run_free(&run);
    return c;
}

/* The primary of view v is v mod n: whoever strikes each leader strikes them in that order. One at a
 * time, they never do anything; those who are kept are spent after two, and the third one leads. */
Test(targets, the_leader_is_followed_within_the_budget)
{
    const struct chase moving = run_chase("");
    cr_expect_eq(moving.most_at_once, 1);
    cr_expect_geq(moving.struck, 5);
    for (uint32_t i = 1; i < moving.struck; i++)
        cr_expect_eq(moving.members[i], (moving.members[i - 1] + 1) % 7);
    const struct chase keeping = run_chase(", \"count\": 2, \"keep\": true");
    cr_expect_eq(keeping.struck, 2);
    cr_expect_eq(keeping.most_at_once, 2);
    cr_expect_eq(keeping.members[0], 0);
    cr_expect_eq(keeping.members[1], 1);
    cr_expect_gt(keeping.height, moving.height + 50);
}

/* --- twins ------------------------------------------------------------------------------------------ */

#define TWINS                                                                                      \
    "{\"name\": \"twins\", \"duration_s\": 5, \"network\": {\"delay_ms\": {\"law\": \"uniform\", " \
    "\"min\": 1, \"max\": 3}}, \"nodes\": {\"v\": {\"count\": %u, \"faulty_max\": %u, "            \
    "\"consensus\": {\"model\": \"pbft\", \"block_ms\": 50, \"timeout_ms\": 60}, \"chain\": "      \
    "\"replica\"}}, \"checks\": {\"agreement\": \"agreement\"}, \"trace\": {\"detail\": "          \
    "\"messages\"}, \"faults\": {\"cut\": {\"model\": \"partition\", %s, \"to_s\": 3}, \"two\": "  \
    "{\"model\": \"twins\", \"group\": \"v\", %s}}}"

static struct fl_test_run run_twins(uint32_t n, const char *cut, const char *two, uint64_t seed)
{
    static char text[4096];
    snprintf(text, sizeof text, TWINS, n, (n - 1) / 3, cut, two);
    return fl_test_run(text, NULL, 0, seed);
}

/* With three of four identities on each side, both sides decide; with two on one, only the other does. */
Test(targets, twins_on_two_sides_break_agreement_beyond_the_budget)
{
    static const char both[] = "\"sides\": [[\"v[0]\", \"v[2]\", \"v[3]\"], [\"v[1]\", \"v[2]~\", "
                               "\"v[3]~\"]]";
    static const char one[] = "\"sides\": [[\"v[0]\", \"v[2]\", \"v[3]\", \"v[1]\"], [\"v[2]~\", "
                              "\"v[3]~\"]]";
    static const char single[] =
        "\"sides\": [[\"v[0]\", \"v[1]\", \"v[3]\"], [\"v[2]\", \"v[3]~\"]]";
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct fl_test_run run = run_twins(4, both, "\"members\": [2, 3]", seed);
        cr_expect_eq(fl_test_verdict(&run, "agreement")->kind, FL_BROKEN, "seed %" PRIu64, seed);
        cr_expect_gt(run.result->fault[1].injected, 0);
        fl_test_run_free(&run);
        run = run_twins(4, one, "\"members\": [2, 3]", seed);
        cr_expect_eq(fl_test_verdict(&run, "agreement")->kind, FL_HOLDS, "seed %" PRIu64, seed);
        fl_test_run_free(&run);
        run = run_twins(4, single, "\"members\": [3]", seed);
        cr_expect_eq(fl_test_verdict(&run, "agreement")->kind, FL_HOLDS, "seed %" PRIu64, seed);
        cr_expect_gt(fl_test_final(&run, "consensus.height_min"), 40, "the cut heals");
        fl_test_run_free(&run);
    }
}

/* Each side goes on from its own blocks with its own transactions, and the ledger keeps both: no replica
 * fails to execute what it has decided, and what the checks look at is not thrown away. */
Test(targets, after_a_split_both_branches_are_kept)
{
    static const char scenario[] =
        "{\"name\": \"branches\", \"duration_s\": 5, \"network\": {\"delay_ms\": {\"law\": "
        "\"uniform\", \"min\": 1, \"max\": 3}}, \"contracts\": {\"feed\": {\"model\": \"feed\", "
        "\"reporters\": [\"r\"], \"quorum\": 1}}, \"nodes\": {\"v\": {\"count\": 4, "
        "\"faulty_max\": 1, \"consensus\": {\"model\": \"pbft\", \"block_ms\": 50, "
        "\"timeout_ms\": 60}, \"chain\": \"replica\"}, \"m\": {\"source\": {\"model\": "
        "\"replay\", \"tick_ms\": 100, \"points_usd\": [[0, 100], [5, 150]]}, \"market\": "
        "{\"model\": \"spot\", \"depth\": 1000, \"subscribers\": [\"r\"]}}, \"r\": {\"count\": 4, "
        "\"clients_of\": \"v\", \"oracle\": {\"model\": \"reporter\", \"contract\": \"feed\", "
        "\"deviation\": 0.001, \"lag_ms\": 1}}}, \"checks\": {\"agreement\": \"agreement\"}, "
        "\"trace\": {\"sample_s\": 0.1}, \"faults\": {\"cut\": {\"model\": \"partition\", "
        "\"sides\": [[\"v[0]\", \"v[2]\", \"v[3]\"], [\"v[1]\", \"v[2]~\", \"v[3]~\"]], "
        "\"from_s\": %u, \"to_s\": 6}, \"two\": {\"model\": \"twins\", \"group\": \"v\", "
        "\"members\": [2, 3]}}}";
    char text[2048];
    for (uint32_t from = 0; from <= 2; from++) {
        snprintf(text, sizeof text, scenario, from);
        for (uint64_t seed = 1; seed <= 5; seed++) {
            struct fl_test_run run = fl_test_run(text, NULL, 0, seed);
            cr_expect_eq(fl_test_verdict(&run, "agreement")->kind, FL_BROKEN, "seed %" PRIu64,
                         seed);
            cr_expect_eq(fl_test_final(&run, "chain.halted"), 0, "seed %" PRIu64, seed);
            cr_expect_gt(fl_test_final(&run, "chain.height"), 60);
            fl_test_run_free(&run);
        }
    }
}

/* Neither copy hears the other; and within the window of a cut that splits the group, nothing crosses
 * from one side to the other, on which the twin never is. */
Test(targets, twins_are_kept_apart)
{
    bool sides_differ = false;
    uint64_t last = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct fl_test_run run =
            run_twins(7, "\"group\": \"v\", \"split\": 2", "\"count\": 2", seed);
        const struct fl_fault_result *const two = &run.result->fault[1];
        cr_assert_eq(two->count, 2);
        uint64_t heard = 0, twin_spoke = 0; /* by 0 from whom, while cut */
        for (uint64_t i = 0; i < run.result->message_count; i++) {
            const struct fl_message_row *const m = &run.result->message[i];
            if (m->fate != FL_DELIVERED) continue;
            const uint32_t a = m->from >= 7 ? two->member[m->from - 7] : m->from;
            const uint32_t b = m->to >= 7 ? two->member[m->to - 7] : m->to;
            cr_assert_neq(a, b, "copies of %u hear each other", a);
            twin_spoke += m->from >= 7;
            if (m->arrives < 3 * FL_SECOND && m->to == 0) heard |= (uint64_t)1 << m->from;
        }
        cr_expect_gt(twin_spoke, 0);
        for (uint32_t i = 0; i < 2; i++)
            if (two->member[i] != 0)
                cr_expect(!((heard >> two->member[i] & 1) && (heard >> (7 + i) & 1)),
                          "seed %" PRIu64 ": both copies of %u on one side", seed, two->member[i]);
        sides_differ |= last != 0 && heard != last;
        last = heard;
        cr_expect_eq(fl_test_verdict(&run, "agreement")->kind, FL_HOLDS);
        fl_test_run_free(&run);
    }
    cr_expect(sides_differ);
}

/* Who is not struck by a split is on no side: whatever it sends and hears crosses. */
Test(targets, a_split_divides_whom_it_strikes_and_nobody_else)
{
    struct fl_test_run run =
        run_twins(7, "\"group\": \"v\", \"members\": [1, 4], \"split\": 2", "\"members\": [6]", 3);
    uint64_t cut[9][9] = {{0}}; /* messages from, to */
    for (uint64_t i = 0; i < run.result->message_count; i++) {
        const struct fl_message_row *const m = &run.result->message[i];
        cut[m->from][m->to] += m->fate == FL_DROPPED && m->arrives < 3 * FL_SECOND;
    }
    for (uint32_t a = 0; a < 8; a++)
        for (uint32_t b = 0; b < 8; b++) {
            const bool apart = (a == 1 && b == 4) || (a == 4 && b == 1);
            cr_expect_eq(cut[a][b] > 0, apart, "%u to %u", a, b);
        }
    fl_test_run_free(&run);
}

/* --- rushing ---------------------------------------------------------------------------------------- */

#define RUSH                                                                                       \
    "{\"name\": \"rush\", \"duration_s\": 5, \"network\": {%s}, \"nodes\": {\"v\": {\"count\": "   \
    "4, "                                                                                          \
    "\"faulty_max\": 1, %s \"consensus\": {\"model\": \"pbft\", \"block_ms\": 500, "               \
    "\"timeout_ms\": 400}, \"chain\": \"replica\"}}, \"checks\": {\"agreement\": \"agreement\"}, " \
    "\"trace\": {\"detail\": \"messages\"}, \"faults\": {\"f\": {\"model\": \"rush\", \"group\": " \
    "\"v\", %s}}}"
enum { PREPARE_KIND = 2 };

static struct fl_test_run run_rush(const char *network, const char *regions, const char *who,
                                   uint64_t seed)
{
    static char text[4096];
    snprintf(text, sizeof text, RUSH, network, regions, who);
    return fl_test_run(text, NULL, 0, seed);
}

/* First PREPARE for a height that one of the members in `who` sends; -1 if none does. */
static fl_time first_prepare(const struct fl_test_run *run, uint64_t height, uint32_t who)
{
    for (uint64_t i = 0; i < run->result->message_count; i++) {
        const struct fl_message_row *const m = &run->result->message[i];
        if (m->family == FL_CONSENSUS && m->kind == PREPARE_KIND && m->word[0] == height &&
            (who >> m->from & 1))
            return m->sent;
    }
    return -1;
}

/* The last member hears after 100 ms, is heard after 10: its votes leave with the first honest ones, long
 * before the proposal reaches it. */
Test(targets, a_rushing_member_votes_before_the_proposal_reaches_it)
{
    struct fl_test_run run =
        run_rush("\"delay_ms\": 0, \"regions\": {\"names\": [\"near\", \"far\"], \"delay_ms\": "
                 "[[10, 100], [10, 10]]}",
                 "\"regions\": [\"near\", \"near\", \"near\", \"far\"],", "\"members\": [3]", 1);
    const int64_t height = fl_test_final(&run, "consensus.height");
    cr_assert_geq(height, 8);
    for (uint64_t h = 1; h <= (uint64_t)height; h++)
        cr_expect_eq(first_prepare(&run, h, 8), first_prepare(&run, h, 7), "height %" PRIu64, h);
    cr_expect_eq(fl_test_verdict(&run, "agreement")->kind, FL_HOLDS);
    fl_test_run_free(&run);
}

Test(targets, a_rushing_member_within_the_budget_stops_nothing)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct fl_test_run run =
            run_rush("\"delay_ms\": {\"law\": \"uniform\", \"min\": 5, \"max\": 25}", "",
                     "\"count\": 1", seed);
        cr_expect_eq(fl_test_verdict(&run, "agreement")->kind, FL_HOLDS);
        cr_expect_geq(fl_test_final(&run, "consensus.height_min"), 4, "seed %" PRIu64, seed);
        cr_expect_gt(run.result->fault[0].injected, 20);
        fl_test_run_free(&run);
    }
}

/* --- mistakes ---------------------------------------------------------------------------------------- */

/* Each file of the corpus is refused; its first message is the line that was expected. */
Test(targets, what_is_wrong_with_a_fault_is_said)
{
    static const char corpus[] = "tests/malformed/faults/";
    char expected[512], path[600];
    uint32_t count = 0;
    snprintf(path, sizeof path, "%sexpected.txt", corpus);
    FILE *list = fopen(path, "r");
    cr_assert_not_null(list);
    while (fgets(expected, sizeof expected, list)) {
        char *said = NULL;
        size_t bytes = 0;
        struct fl_problems problems = {.to = open_memstream(&said, &bytes)};
        expected[strcspn(expected, "\n")] = '\0';
        snprintf(path, sizeof path, "%s%.*s", corpus, (int)strcspn(expected, ":"), expected);
        cr_expect_null(fl_config_load(path, NULL, 0, NULL, &problems), "%s was accepted", path);
        fclose(problems.to);
        said[strcspn(said, "\n")] = '\0';
        snprintf(path, sizeof path, "%s%s", corpus, expected);
        cr_expect_str_eq(said, path);
        free(said);
        count++;
    }
    fclose(list);
    cr_expect_geq(count, 20);
}
