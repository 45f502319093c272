/* PBFT against theory and against faults: counts and delays that the paper's text fixes, the order
 * statistics of random delays, view changes, swarms of drawn runs, broken twins. The long versions are in
 * tests/soak/test_pbft.c. */
#include "tests/lib/pbft_runs.h"
#include "tests/lib/swarm.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS FL_MILLISECOND

/* --- theory -------------------------------------------------------------------------------------- */

/* Rows of the consensus but for checkpoints. */
static uint32_t votes(const struct fl_test_run *run)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < run->result->message_count; i++)
        count += run->result->message[i].family == FL_CONSENSUS &&
                 run->result->message[i].kind != PBFT_CHECKPOINT;
    return count;
}

/* consensus.md, table 0.1: (n-1) + (n-1)^2 + n(n-1) = 2n(n-1) messages, three delays. */
Test(pbft, messages_and_delays_are_those_of_the_paper)
{
    static const uint32_t expected[][2] = {{4, 24},    {7, 84},    {16, 480},
                                           {31, 1860}, {64, 8064}, {100, 19800}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const uint32_t n = expected[i][0];
        const struct pbft_plain plain = {n, (n - 1) / 3, "20", "\"block_ms\": 10000", "", "19"};
        struct fl_test_run run = pbft_run_plain(&plain, 1);
        cr_expect_eq(votes(&run), expected[i][1], "n = %u: %u", n, votes(&run));
        cr_expect_eq(pbft_messages(&run, PBFT_PRE_PREPARE), n - 1);
        cr_expect_eq(pbft_messages(&run, PBFT_PREPARE), (n - 1) * (n - 1));
        cr_expect_eq(pbft_messages(&run, PBFT_COMMIT), n * (n - 1));
        cr_expect_eq(pbft_decided_after(&run, 1, n), 3 * 20 * MS, "n = %u", n);
        cr_expect_eq(pbft_decided_after(&run, 1, n + 1), -1);
        fl_test_run_free(&run);
    }
}

/* The same for each of many decisions; a checkpoint costs n(n-1) and is stable a delay later. */
Test(pbft, each_decision_costs_the_same)
{
    const struct pbft_plain plain = {
        7, 2, "20", "\"block_ms\": 100, \"checkpoint_every\": 5, \"window\": 5", "", "4.05"};
    struct fl_test_run run = pbft_run_plain(&plain, 1);
    cr_expect_eq(fl_test_final(&run, "consensus.height"), 39);
    cr_expect_eq(fl_test_final(&run, "consensus.height_min"), 39);
    cr_expect_eq(fl_test_final(&run, "consensus.stable"), 35);
    cr_expect_eq(fl_test_final(&run, "consensus.view_changes"), 0);
    cr_expect_eq(votes(&run), 40 * 84, "%u",
                 votes(&run)); /* commits of the 40th are on their way */
    cr_expect_eq(pbft_messages(&run, PBFT_CHECKPOINT), 7 * 42);
    for (int64_t height = 1; height <= 39; height++)
        cr_expect_eq(pbft_decided_after(&run, height, 7), 60 * MS);
    fl_test_run_free(&run);
}

/* block_ms 0: the next is proposed when the primary has decided the one before. */
Test(pbft, blocks_follow_one_another)
{
    const struct pbft_plain plain = {4, 1, "20", "\"block_ms\": 0", "", "6"};
    struct fl_test_run run = pbft_run_plain(&plain, 1);
    cr_expect_eq(fl_test_final(&run, "consensus.height"), 6000 / 60);
    fl_test_run_free(&run);
    const struct pbft_plain alone = {1, 0, "20", "\"block_ms\": 0", "", "1"};
    run = pbft_run_plain(&alone, 1);
    cr_expect_gt(fl_test_final(&run, "consensus.height"), 900);
    fl_test_run_free(&run);
}

/* theory/pbft_random_delay.json. The mean of 1,000 seeds must lie within four standard errors of the
 * value there, which has an error of 0.1 ms itself. The standard error is the sample's, about 1 ms. */
Test(pbft, random_delays_are_order_statistics)
{
    enum { SEEDS = 1000 };
    for (uint32_t crashed = 0; crashed <= 5; crashed++) {
        double sum = 0, squares = 0, mean = 0, last = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            const struct pbft_latency l = pbft_random_delay(crashed, seed);
            sum += l.eleventh;
            squares += l.eleventh * l.eleventh;
            mean += l.mean / SEEDS;
            last += l.last / SEEDS;
        }
        const double average = sum / SEEDS;
        const double error = sqrt((squares / SEEDS - average * average) / SEEDS);
        printf("%u crashed: 11th %.1f +- %.1f ms (%.1f), mean %.1f, last %.1f\n", crashed, average,
               error, pbft_theory_ms[crashed], mean, last);
        cr_expect_lt(fabs(average - pbft_theory_ms[crashed]), 4 * error + 0.1, "%u crashed",
                     crashed);
        cr_expect_lt(error, 2);
    }
}

/* --- view changes ---------------------------------------------------------------------------------- */

/* When VIEW-CHANGE messages for that view were first sent; -1: never. */
static fl_time left_for(const struct fl_test_run *run, uint64_t view)
{
    for (uint64_t i = 0; i < run->result->message_count; i++) {
        const struct fl_message_row *const m = &run->result->message[i];
        if (m->family == FL_CONSENSUS && m->kind == PBFT_VIEW_CHANGE && m->word[0] == view)
            return m->sent;
    }
    return -1;
}

static fl_time first_decision(const struct fl_test_run *run)
{
    for (uint32_t id = 1; id <= fl_records_count(run->result->records); id++) {
        const struct fl_record *const r = fl_records_get(run->result->records, id);
        if (r->kind == FL_RECORD_DECIDED) return r->at;
    }
    return -1;
}

#define CRASH(members)                                                                            \
    "\"c\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [" members "], \"from_s\": 0, " \
    "\"to_s\": 60}"

/* A primary that never spoke: (n-1)^2 VIEW-CHANGE and n-1 NEW-VIEW. NEW-VIEW is there two delays after
 * the timeout, and a proposal is decided three delays after it was sent. The new primary sends the two
 * together, a delay after the timeout: one delay less than the sum of both. */
Test(pbft, a_crashed_primary_costs_a_view_change)
{
    static const uint32_t sizes[] = {4, 7, 16};
    const fl_time delay = 20 * MS, timeout = 1500 * MS; /* the block was due at 1 s */
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const uint32_t n = sizes[i];
        const struct pbft_plain plain = {
            n, (n - 1) / 3, "20", "\"block_ms\": 1000, \"timeout_ms\": 500", CRASH("0"), "1.9"};
        struct fl_test_run run = pbft_run_plain(&plain, 1);
        cr_expect_eq(left_for(&run, 1), timeout);
        cr_expect_eq(pbft_messages(&run, PBFT_VIEW_CHANGE), (n - 1) * (n - 1));
        cr_expect_eq(pbft_messages(&run, PBFT_NEW_VIEW), n - 1);
        cr_expect_eq(pbft_messages(&run, PBFT_ASK_CHANGE), 0);
        for (uint64_t m = 0; m < run.result->message_count; m++)
            if (run.result->message[m].kind == PBFT_NEW_VIEW)
                cr_expect_eq(run.result->message[m].arrives, timeout + 2 * delay);
        cr_expect_eq(pbft_decided_after(&run, 1, n - 1), 3 * delay);
        cr_expect_eq(first_decision(&run), timeout + delay + 3 * delay);
        cr_expect_eq(fl_test_final(&run, "consensus.view"), 1);
        fl_test_run_free(&run);
    }
}

/* What one backup has prepared is proposed again in the NEW-VIEW: the same payload, four delays after
 * the timeout of the others. They slept through the prepares and wake at 1.6 s, when that backup has
 * left the view; they wait for the slot at 2 s and half a second more. */
Test(pbft, what_was_prepared_survives_the_view)
{
    const struct pbft_plain plain = {4,
                                     1,
                                     "20",
                                     "\"block_ms\": 1000, \"timeout_ms\": 500",
                                     "\"c\": {\"model\": \"crash\", \"group\": \"v\", \"members\": "
                                     "[0], \"from_s\": 1.01, \"to_s\": 60},"
                                     "\"d\": {\"model\": \"crash\", \"group\": \"v\", \"members\": "
                                     "[1, 2], \"from_s\": 1.03, \"to_s\": 1.6}",
                                     "2.59"};
    struct fl_test_run run = pbft_run_plain(&plain, 1);
    cr_expect_eq(first_decision(&run), (2500 + 4 * 20) * MS);
    uint32_t blocks = 0;
    for (uint32_t id = 1; id <= fl_records_count(run.result->records); id++) {
        const struct fl_record *const r = fl_records_get(run.result->records, id);
        blocks += r->kind == FL_RECORD_BLOCK && r->v[0] == 1;
    }
    cr_expect_eq(blocks, 1, "a second block was built for a number that was prepared");
    cr_expect_eq(fl_test_verdict(&run, "agreement")->kind, FL_HOLDS);
    fl_test_run_free(&run);
}

/* 4.5.2: the timer runs from the moment a quorum has left, a delay after the message, and is doubled
 * with each view that brings nothing: T, T, 2T. */
Test(pbft, timers_double)
{
    struct pbft_plain plain = {
        10, 3, "20", "\"block_ms\": 1000, \"timeout_ms\": 500", CRASH("0, 1"), "4"};
    struct fl_test_run run = pbft_run_plain(&plain, 1);
    cr_expect_eq(left_for(&run, 1), 1500 * MS);
    cr_expect_eq(left_for(&run, 2), (1520 + 500) * MS);
    cr_expect_eq(left_for(&run, 3), -1);
    cr_expect_eq(first_decision(&run), (2020 + 4 * 20) * MS);
    fl_test_run_free(&run);
    plain.faults = CRASH("0, 1, 2");
    run = pbft_run_plain(&plain, 1);
    cr_expect_eq(left_for(&run, 3), (2040 + 1000) * MS);
    cr_expect_eq(left_for(&run, 4), -1);
    cr_expect_eq(first_decision(&run), (3040 + 4 * 20) * MS);
    fl_test_run_free(&run);
}

/* Progress sets the timer back to T: a second crash costs as much as the first. */
Test(pbft, timers_are_set_back)
{
    const struct pbft_plain plain = {7,
                                     2,
                                     "20",
                                     "\"block_ms\": 1000, \"timeout_ms\": 500",
                                     "\"c\": {\"model\": \"crash\", \"group\": \"v\", \"members\": "
                                     "[0], \"from_s\": 0, \"to_s\": 60},"
                                     "\"d\": {\"model\": \"crash\", \"group\": \"v\", \"members\": "
                                     "[1], \"from_s\": 4.5, \"to_s\": 60}",
                                     "8"};
    struct fl_test_run run = pbft_run_plain(&plain, 1);
    cr_expect_eq(left_for(&run, 1), 1500 * MS);
    cr_expect_eq(left_for(&run, 2), 5500 * MS);
    cr_expect_geq(fl_test_final(&run, "consensus.height"), 7);
    fl_test_run_free(&run);
}

/* --- power, state transfer, keys --------------------------------------------------------------------- */

/* P = 10, F = 3: a quorum is more than 6.5. */
Test(pbft, quorums_count_power)
{
    static const struct {
        const char *down;
        bool lives;
    } cases[] = {
        {"0", true}, {"1, 2", true}, {"4, 5, 6", true}, {"0, 6", false}, {"3, 4, 5, 6", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1000];
        snprintf(
            text, sizeof text,
            "{\"name\": \"power\", \"seed\": 1, \"duration_s\": 10, \"network\": {\"delay_ms\": "
            "20},"
            " \"nodes\": {\"v\": {\"count\": 7, \"faulty_max\": 1, \"power\": [3, 2, 1, 1, 1, 1, "
            "1],"
            " \"consensus\": {\"model\": \"pbft\", \"timeout_ms\": 500}, \"chain\": \"replica\"}},"
            " \"faults\": {\"c\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [%s],"
            " \"from_s\": 0, \"to_s\": 11}}}",
            cases[i].down);
        struct fl_test_run run = fl_test_run(text, NULL, 0, 1);
        const int64_t height = fl_test_final(&run, "consensus.height");
        cr_expect(cases[i].lives ? height >= 5 : height == 0, "without %s: height %" PRId64,
                  cases[i].down, height);
        fl_test_run_free(&run);
    }
}

/* "An honest model never sends the same key twice to one destination." */
static int by_key(const void *left, const void *right)
{
    const struct fl_message_row *const a = left, *const b = right;
    const uint64_t x[] = {a->from,    a->to,      a->family,  a->kind,
                          a->word[0], a->word[1], a->word[2], a->copy};
    const uint64_t y[] = {b->from,    b->to,      b->family,  b->kind,
                          b->word[0], b->word[1], b->word[2], b->copy};
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
    return 0;
}

static void expect_keys_unique(const struct fl_test_run *run)
{
    const size_t count = (size_t)run->result->message_count, bytes = sizeof(struct fl_message_row);
    struct fl_message_row *const row = malloc((count + 1) * bytes);
    cr_assert_not_null(row);
    memcpy(row, run->result->message, count * bytes);
    qsort(row, count, bytes, by_key);
    for (size_t i = 1; i < count; i++)
        cr_assert_neq(by_key(&row[i - 1], &row[i]), 0,
                      "kind %d, words %" PRIu64 ", %" PRIu64 " twice", row[i].kind, row[i].word[0],
                      row[i].word[1]);
    free(row);
}

/* A replica that slept through 150 blocks and a view change gets them, joins the view, and its votes
 * count again: with another one down they are needed. */
Test(pbft, who_slept_catches_up)
{
    const struct pbft_plain plain = {
        4,
        1,
        "{\"law\": \"uniform\", \"min\": 10, \"max\": 30}",
        "\"block_ms\": 100, \"timeout_ms\": 500, \"checkpoint_every\": 4, \"window\": 4",
        "\"c\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [0], \"from_s\": 5, "
        "\"to_s\": 20},"
        "\"d\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [2], \"from_s\": 22, "
        "\"to_s\": 60}",
        "30"};
    struct fl_test_run run = pbft_run_plain(&plain, 3);
    cr_expect_eq(fl_test_verdict(&run, "agreement")->kind, FL_HOLDS);
    cr_expect_geq(fl_test_final(&run, "consensus.retransmissions"), 150);
    cr_expect_eq(fl_test_final(&run, "consensus.gone"), 0);
    cr_expect_geq(fl_test_final(&run, "consensus.height"), 280);
    cr_expect_leq(left_for(&run, 1), (5500 + 200) * MS);
    cr_expect_eq(left_for(&run, 2), -1, "replica 0 did not join the view");
    expect_keys_unique(&run);
    fl_test_run_free(&run);
}

/* Beyond the history there is nothing to get: it is told so, and the others go on. */
Test(pbft, what_is_gone_is_gone)
{
    const struct pbft_plain plain = {4,
                                     1,
                                     "20",
                                     "\"block_ms\": 100, \"history\": 32",
                                     "\"c\": {\"model\": \"crash\", \"group\": \"v\", \"members\": "
                                     "[3], \"from_s\": 1, \"to_s\": 8}",
                                     "12"};
    struct fl_test_run run = pbft_run_plain(&plain, 1);
    cr_expect_gt(fl_test_final(&run, "consensus.gone"), 0);
    cr_expect_eq(fl_test_final(&run, "consensus.height_min"), 9);
    cr_expect_geq(fl_test_final(&run, "consensus.height"), 118);
    expect_keys_unique(&run);
    fl_test_run_free(&run);
}

/* Votes that the network loses are said again while the block is overdue; what got lost on one only, it
 * fetches. One in ten is lost for 20 s. */
Test(pbft, bears_a_network_that_loses)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        const struct pbft_plain plain = {
            7,
            2,
            "{\"law\": \"lognormal\", \"median\": 10, \"sigma\": 0.5}, \"loss\": 0.1",
            "\"block_ms\": 100, \"timeout_ms\": 400",
            "",
            "20"};
        struct fl_test_run run = pbft_run_plain(&plain, seed);
        cr_expect_eq(fl_test_verdict(&run, "agreement")->kind, FL_HOLDS);
        cr_expect_geq(fl_test_final(&run, "consensus.height_min"), 60, "seed %" PRIu64, seed);
        expect_keys_unique(&run);
        fl_test_run_free(&run);
    }
}

/* Keys and replay under view changes, crashes and silence, random delays and ties. */
Test(pbft, keys_are_unique_and_runs_replay)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        const struct pbft_plain plain = {
            7,
            2,
            "{\"law\": \"lognormal\", \"median\": 10, \"sigma\": 0.8}",
            "\"block_ms\": 50, \"timeout_ms\": 60, \"checkpoint_every\": 2, \"window\": 3",
            "\"c\": {\"model\": \"crash\", \"group\": \"v\", \"count\": 2, \"from_s\": 0.5, "
            "\"to_s\": 2},"
            "\"m\": {\"model\": \"crash\", \"group\": \"v\", \"count\": 2, \"from_s\": 1.5, "
            "\"to_s\": 3}",
            "6"};
        struct fl_test_run a = pbft_run_plain(&plain, seed), b = pbft_run_plain(&plain, seed);
        cr_expect(fl_digest_equal(a.result->digest, b.result->digest), "seed %" PRIu64, seed);
        cr_expect_eq(fl_test_verdict(&a, "agreement")->kind, FL_HOLDS);
        cr_expect_gt(fl_test_final(&a, "consensus.view_changes"), 0);
        expect_keys_unique(&a);
        fl_test_run_free(&a);
        fl_test_run_free(&b);
    }
}

/* --- pipelining ------------------------------------------------------------------------------------------ */

static struct fl_test_run run_tape(uint32_t pipeline, const char *faults, uint64_t seed)
{
    static char text[2000];
    snprintf(
        text, sizeof text,
        "{\"name\": \"tape\", \"seed\": %" PRIu64
        ", \"duration_s\": 6, \"network\": {\"delay_ms\": %s},"
        " \"nodes\": {\"v\": {\"count\": 4, \"faulty_max\": 1, \"consensus\": {\"model\": \"pbft\","
        " \"block_ms\": 0, \"timeout_ms\": 200, \"pipeline\": %u}, \"chain\": \"pbft_tape\"}},"
        " \"checks\": {\"agreement\": \"agreement\"}, \"faults\": {%s}}",
        seed, faults[0] ? "{\"law\": \"uniform\", \"min\": 5, \"max\": 20}" : "20", pipeline,
        faults);
    return fl_test_run(text, NULL, 0, seed);
}

/* p blocks in flight: p decisions in three delays. */
Test(pbft, a_chain_layer_that_works_ahead_is_pipelined)
{
    for (uint32_t pipeline = 1; pipeline <= 4; pipeline *= 2) {
        struct fl_test_run run = run_tape(pipeline, "", 1);
        cr_expect_eq(fl_test_final(&run, "tape.height"), 100 * (int64_t)pipeline);
        fl_test_run_free(&run);
    }
}

/* A number left without a payload, while later ones were prepared, is filled with the null request. */
Test(pbft, gaps_are_filled_with_null_requests)
{
    uint32_t nulls = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct fl_test_run run = run_tape(4,
                                          "\"l\": {\"model\": \"pbft_liar\", \"group\": \"v\", "
                                          "\"members\": [0], \"from_s\": 0, \"to_s\": 7}",
                                          seed);
        cr_expect_eq(fl_test_verdict(&run, "agreement")->kind, FL_HOLDS, "seed %" PRIu64, seed);
        cr_expect_geq(fl_test_final(&run, "tape.height"), 100, "seed %" PRIu64, seed);
        nulls += fl_test_final(&run, "tape.nulls") > 0;
        fl_test_run_free(&run);
    }
    printf("null requests in %u of 100 runs\n", nulls);
    cr_expect_geq(nulls, 5);
}

/* --- swarms ------------------------------------------------------------------------------------------------ */

static void expect_borne(const struct swarm *swarm, uint32_t seeds, struct swarm_tally *tally)
{
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        const struct swarm_outcome o = swarm_run(swarm, seed);
        cr_assert(!o.conflict && !o.stuck, "seed %" PRIu64 ": %s\n%s", seed,
                  o.broken[0] ? o.broken : "a replica is stuck", swarm_scenario(swarm, seed));
        swarm_count(tally, &o, seed);
    }
}

/* Safety always, and liveness after all has healed, under faults of all kinds; times collide. */
Test(pbft, bears_what_the_budget_allows)
{
    const struct swarm small = {.model = "pbft"}, large = {.model = "pbft", .n = 16};
    struct swarm_tally tally = {0};
    expect_borne(&small, 100, &tally);
    expect_borne(&large, 12, &tally);
    swarm_print(&tally);
    cr_expect_geq(2 * tally.changed, tally.runs);
    cr_expect_gt(tally.snapshots, 0);
    for (uint32_t k = 0; k < SWARM_KINDS; k++)
        cr_expect_gt(tally.kind[k].bites, 0, "%s never bit", swarm_kinds[k]);
}

/* On both sides of a partition that divides 5 of 16 and their twins there is a quorum on one at most: 8 +
 * (5 - a) and 8 + a identities, of which 11 are needed. With 6 there is one on both if a = 3. */
Test(pbft, twins_beyond_the_budget_break_agreement)
{
    enum { SEEDS = 6 };
    uint32_t broken = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        const struct swarm within = {.model = "pbft", .n = 16, .twins = 5},
                           beyond = {.model = "pbft", .n = 16, .twins = 6};
        cr_expect(!swarm_run(&within, seed).conflict, "seed %" PRIu64, seed);
        broken += swarm_run(&beyond, seed).conflict;
    }
    printf("broken in %u of %d runs\n", broken, SEEDS);
    cr_expect_gt(broken, 0);
}

/* Five members garble what they say, and the other eleven are just a quorum. One of them is a block
 * behind, less than the pipeline is deep: nobody repeats a vote for what it has decided, and the votes of
 * the others show no lag. It has to ask, or nothing is decided any more. */
Test(pbft, who_is_behind_by_less_than_the_pipeline_asks)
{
    const struct swarm swarm = {.model = "pbft", .n = 16};
    const struct swarm_outcome o = swarm_run(&swarm, 1164);
    cr_assert(!o.conflict && !o.stuck, "%s", o.broken);
}

/* Two equivocators where one is allowed for: they need each other, and split the rest. */
Test(pbft, agreement_breaks_beyond_the_budget)
{
    uint32_t broken = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        const struct pbft_plain plain = {4,
                                         1,
                                         "{\"law\": \"uniform\", \"min\": 1, \"max\": 3}",
                                         "\"block_ms\": 20, \"timeout_ms\": 40",
                                         "\"lie\": {\"model\": \"equivocate\", \"group\": \"v\", "
                                         "\"count\": 2, \"from_s\": 0, \"to_s\": 3}",
                                         "2"};
        struct fl_test_run run = pbft_run_plain(&plain, seed);
        broken += fl_test_verdict(&run, "agreement")->kind == FL_BROKEN;
        fl_test_run_free(&run);
    }
    printf("broken in %u of 40 runs\n", broken);
    cr_expect_gt(broken, 0);
}

/* Each twin, under liars that its original bears, is caught in at least 5 % of seeds. */
Test(pbft, broken_twins_are_caught)
{
    enum { SEEDS = 60 };
    struct swarm swarm = {.model = "pbft", .liars = true};
    struct swarm_tally honest = {0};
    expect_borne(&swarm, SEEDS, &honest);
    for (const struct pbft_twin *twin = pbft_twins; twin->model; twin++) {
        struct swarm_tally tally = {0};
        swarm.model = twin->model;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            const struct swarm_outcome o = swarm_run(&swarm, seed);
            swarm_count(&tally, &o, seed);
        }
        printf("%-20s caught in %u of %d runs, %u by a check (%s)\n", twin->model, tally.caught,
               SEEDS, tally.conflicts, twin->fault);
        cr_expect_geq(20 * tally.caught, SEEDS, "%s", twin->model);
    }
}

/* --- the flagship -------------------------------------------------------------------------------------------- */

/* One word of the scenario. A crashed sequencer is then only a view change, and nobody loses. */
Test(pbft, swaps_with_ordered_in_the_flagship)
{
    const char *const swap[] = {"nodes.validator.consensus.model=pbft"};
    struct fl_test_run run = fl_test_run_file("scenarios/eth-crash-2020-03-12.json", swap, 1, 1);
    cr_expect_eq(fl_test_verdict(&run, "agreement")->kind, FL_HOLDS);
    cr_expect_eq(fl_test_verdict(&run, "conservation")->kind, FL_HOLDS);
    cr_expect_eq(fl_test_final(&run, "consensus.height_min"), 10799);
    cr_expect_eq(fl_test_final(&run, "consensus.view_changes"), 0);
    cr_expect_gt(fl_test_final(&run, "ledger.bad_debt"), 0);
    fl_test_run_free(&run);

    run = fl_test_run_file("scenarios/eth-crash-2020-03-12-sequencer-down.json", swap, 1, 1);
    cr_expect_eq(fl_test_verdict(&run, "agreement")->kind, FL_HOLDS);
    cr_expect_geq(fl_test_final(&run, "consensus.height_min"), 10798);
    cr_expect_eq(fl_test_final(&run, "consensus.view_changes"), 4);
    cr_expect_eq(fl_test_final(&run, "ledger.bad_debt"), 0);
    fl_test_run_free(&run);
}
