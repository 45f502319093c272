/* The scenarios are what they expect; and what the `why` of the small ones says of --set variations holds,
 * by closed forms. Delays are constant there: a block takes three of them. */
#include "models/wire.h"
#include "sim/archive.h"
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE_MS = 60000, DELAY_MS = 30, BLOCK_MS = 3 * DELAY_MS, SETS = 4 };

/* A scenario of scenarios/, with up to SETS overrides; NULL: no more. */
static struct fl_test_run run_set(const char *name, uint64_t seed, const char *const set[SETS])
{
    char path[128];
    uint32_t count = 0;
    while (count < SETS && set[count]) count++;
    snprintf(path, sizeof path, "scenarios/%s.json", name);
    return fl_test_run_file(path, set, count, seed);
}

static const char *const nothing[SETS];

static int64_t height_of(const char *name, const char *const set[SETS])
{
    struct fl_test_run run = run_set(name, 1, set);
    const int64_t height = fl_test_final(&run, "consensus.height");
    fl_test_run_free(&run);
    return height;
}

static enum fl_verdict_kind agreement_of(const char *name, uint64_t seed,
                                         const char *const set[SETS])
{
    struct fl_test_run run = run_set(name, seed, set);
    const enum fl_verdict_kind kind = fl_test_verdict(&run, "agreement")->kind;
    fl_test_run_free(&run);
    return kind;
}

/* --- what they expect ----------------------------------------------------------------------------- */

Test(scenarios, are_what_they_expect, .timeout = 900)
{
    glob_t found;
    uint32_t looked_at = 0;
    cr_assert_eq(glob("scenarios/*.json", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *const path = found.gl_pathv[i];
        if (strstr(path, ".schema.json")) continue;
        struct fl_test_run run = fl_test_run_file(path, NULL, 0, 1);
        uint32_t failed;
        char *text = fl_summary_text(run.config, run.result, "", &failed);
        cr_expect(run.config->expect_count > 0, "%s expects nothing", path);
        cr_expect(run.config->why[0] != '\0', "%s does not say why", path);
        cr_expect_eq(failed, 0, "%s: %" PRIu32 " expectations are not met", path, failed);
        free(text);
        fl_test_run_free(&run);
        looked_at++;
    }
    globfree(&found);
    cr_expect_geq(looked_at, 20);
}

/* --- the slow primary --------------------------------------------------------------------------------- */

/* One block in x + 3d, as long as that is less than the timeout (Clement and others 2009, section 3). */
Test(scenarios, a_slow_primary_sets_the_pace)
{
    static const int64_t cases[][2] = {{400, 30}, {250, 30}, {110, 20},
                                       {401, 30}, {1, 31},   {333, 7}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int64_t by = cases[i][0], delay = cases[i][1];
        char hold[64], network[64];
        snprintf(hold, sizeof hold, "faults.slow.by_ms=%" PRId64, by);
        snprintf(network, sizeof network, "network.delay_ms=%" PRId64, delay);
        struct fl_test_run run =
            run_set("pbft-slow-primary", 1, (const char *const[SETS]){hold, network});
        cr_expect_eq(fl_test_final(&run, "consensus.height"), MINUTE_MS / (by + 3 * delay),
                     "%s, %s", hold, network);
        cr_expect_eq(fl_test_final(&run, "consensus.view_changes"), 0, "%s, %s", hold, network);
        fl_test_run_free(&run);
    }
}

/* 420 + 3 * 30 is more than 500: the four leave the view after 500 ms, and 530 ms after the beginning
 * the next primary leads. */
Test(scenarios, a_primary_that_is_too_slow_loses_its_view)
{
    const char *const set[SETS] = {"faults.slow.by_ms=420"};
    struct fl_test_run run = run_set("pbft-slow-primary", 1, set);
    cr_expect_eq(fl_test_final(&run, "consensus.view"), 1);
    cr_expect_eq(fl_test_final(&run, "consensus.height"), (MINUTE_MS - 530) / BLOCK_MS);
    fl_test_run_free(&run);
}

/* --- the phase diagram ---------------------------------------------------------------------------------- */

/* A block every 12 s, the 300th at the end itself. Silent members beyond n/3 cost the 100 blocks of their
 * twenty minutes, give or take the one in which they fall silent and the one in which they are back. */
Test(scenarios, silent_members_beyond_a_third_stop_the_chain)
{
    const char *const none[SETS] = {"faults.byzantine.count=0"};
    const char *const six[SETS] = {"faults.byzantine.count=6",
                                   "faults.oracle-staleness.by_ms=5000"};
    const char *const fresh[SETS] = {"faults.byzantine.count=0",
                                     "faults.oracle-staleness.by_ms=5000"};
    cr_expect_eq(height_of("phase-crash", none), 299);
    struct fl_test_run stopped = run_set("phase-crash", 1, six);
    struct fl_test_run calm = run_set("phase-crash", 1, fresh);
    const int64_t height = fl_test_final(&stopped, "consensus.height");
    cr_expect(height >= 299 - 101 && height <= 299 - 99, "%" PRId64, height);
    cr_expect_eq(fl_test_final(&calm, "ledger.bad_debt"), 0);
    cr_expect_gt(fl_test_final(&stopped, "ledger.bad_debt"), 0);
    fl_test_run_free(&stopped);
    fl_test_run_free(&calm);
}

/* --- splits ---------------------------------------------------------------------------------------------- */

Test(scenarios, one_twin_of_four_is_borne)
{
    const char *const one[SETS] = {
        "faults.double.members=[3]",
        "faults.cut.sides=[[\"validator[0]\", \"validator[2]\", \"validator[3]\"], "
        "[\"validator[1]\", \"validator[3]~\"]]"};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        cr_expect_eq(agreement_of("pbft-twins-split", seed, one), FL_HOLDS);
        cr_expect_eq(agreement_of("pbft-twins-split", seed, nothing), FL_BROKEN);
    }
    cr_expect_eq(height_of("pbft-twins-split", one), MINUTE_MS / BLOCK_MS);
}

/* A network that repeats what was lost delivers it at 20.00: the new view begins at once, its first block
 * comes a block's time later. */
Test(scenarios, what_a_cut_holds_is_not_waited_for)
{
    const char *const held[SETS] = {"faults.cut.hold=true"};
    cr_expect_eq(height_of("pbft-partition-heals", held),
                 111 + 1 + (MINUTE_MS - 20000 - BLOCK_MS) / BLOCK_MS);
}

/* --- the chase -------------------------------------------------------------------------------------------- */

/* Kept: the second primary leads at 10.66 (the block under way at 10.08, 550 ms until they leave the view,
 * a delay), builds for 50 ms, and a block takes 140 ms from then on. */
Test(scenarios, an_adversary_who_must_keep_whom_it_took_is_spent)
{
    const char *const kept[SETS] = {"faults.chase.keep=true"};
    cr_expect_eq(height_of("pbft-leader-chase", kept), 72 + (MINUTE_MS - 10660) / (50 + BLOCK_MS));
}

/* Struck within 50 ms a leader has sent no block. Later than that its block is out, and two others have
 * prepared it; the next leader must propose it again and has it in its NEW-VIEW, without building: it is
 * needed for two delays, until it has sent its COMMIT, for of the other three one was down until now. */
Test(scenarios, a_chase_must_be_faster_than_two_delays)
{
    static const int64_t late_ms[] = {0, 40, 75, 120, 200};
    for (size_t i = 0; i < sizeof late_ms / sizeof *late_ms; i++) {
        char late[64];
        snprintf(late, sizeof late, "faults.chase.latency_ms=%" PRId64, late_ms[i]);
        const int64_t height = height_of("pbft-leader-chase", (const char *const[SETS]){late});
        if (late_ms[i] < 2 * DELAY_MS)
            cr_expect_eq(height, 72, "%s: %" PRId64, late, height);
        else
            cr_expect_gt(height, 72, "%s", late);
    }
}

/* --- correlated faults, stake ------------------------------------------------------------------------------ */

Test(scenarios, five_of_sixteen_are_not_missed)
{
    const char *const blue[SETS] = {"faults.bug.labels.client=blue"},
                      *const green[SETS] = {"faults.bug.labels.client=green"};
    cr_expect_eq(height_of("pbft-client-bug", blue), MINUTE_MS / BLOCK_MS);
    cr_expect_eq(height_of("pbft-client-bug", green), MINUTE_MS / BLOCK_MS);
}

/* A quorum is more than (P + F) / 2 of the stake. Whoever is drawn: with S of it silent the rest decides,
 * if 2 (P - S) > P + F, and does not otherwise. */
Test(scenarios, a_quorum_counts_stake, .timeout = 60)
{
    static const char *const stakes[] = {"faults.silent.stake=0.28", "faults.silent.stake=0.33",
                                         "faults.silent.stake=0.34"};
    enum { TOTAL = 100, FAULTY = 12 + 8 + 7 + 6 };
    uint32_t lived = 0, died = 0;
    for (uint64_t seed = 1; seed <= 8; seed++)
        for (size_t i = 0; i < sizeof stakes / sizeof *stakes; i++) {
            const char *const set[SETS] = {stakes[i], "duration_s=14"};
            struct fl_test_run run = run_set("stake-beyond-third", seed, set);
            const struct fl_fault_spec *const spec = run.result->fault[0].spec;
            const struct fl_group *const group = &run.config->group[spec->group];
            uint64_t silent = 0;
            for (uint32_t k = 0; k < spec->count; k++)
                silent += group->power[spec->member[k] - group->first];
            const int64_t height = fl_test_final(&run, "consensus.height_min");
            const bool lives = 2 * (TOTAL - silent) > TOTAL + FAULTY;
            if (lives)
                cr_expect_gt(height, 112, "seed %" PRIu64 ", %" PRIu64 " silent", seed, silent);
            else
                cr_expect_eq(height, 111, "seed %" PRIu64 ", %" PRIu64 " silent: %" PRId64, seed,
                             silent, height);
            cr_expect(i < 2 || !lives, "34 of 100 are always too many");
            lived += lives;
            died += !lives;
            fl_test_run_free(&run);
        }
    printf("stake: %" PRIu32 " went on, %" PRIu32 " did not\n", lived, died);
    cr_expect(lived > 0 && died > 8, "both sides of the border are seen");
}

/* --- broadcast ----------------------------------------------------------------------------------------------- */

/* The honest are dealt out in pairs, one of each to either side: whoever helps the sender, and whatever
 * the seed, one helper is borne and two are not. */
Test(scenarios, bracha_bears_two_of_seven_and_not_three)
{
    for (uint64_t seed = 1; seed <= 3; seed++)
        for (uint32_t a = 1; a < 7; a++) {
            char members[64];
            snprintf(members, sizeof members, "faults.liars.members=[0,%" PRIu32 "]", a);
            const char *const two[SETS] = {members};
            cr_expect_eq(agreement_of("bracha-equivocating-sender", seed, two), FL_HOLDS, "%s",
                         members);
            for (uint32_t b = a + 1; b < 7; b++) {
                snprintf(members, sizeof members,
                         "faults.liars.members=[0,%" PRIu32 ",%" PRIu32 "]", a, b);
                const char *const three[SETS] = {members};
                cr_expect_eq(agreement_of("bracha-equivocating-sender", seed, three), FL_BROKEN,
                             "%s", members);
            }
        }
}

/* --- the trigger ------------------------------------------------------------------------------------------------ */

static fl_time first_of(const struct fl_test_run *run, uint16_t kind)
{
    for (uint32_t id = 1; id <= fl_records_count(run->result->records); id++) {
        const struct fl_record *const r = fl_records_get(run->result->records, id);
        if (r->kind == kind) return r->at;
    }
    return -1;
}

static uint32_t count_of(const struct fl_test_run *run, uint16_t kind)
{
    uint32_t count = 0;
    for (uint32_t id = 1; id <= fl_records_count(run->result->records); id++)
        count += fl_records_get(run->result->records, id)->kind == kind;
    return count;
}

/* When the first sample of the price is 5 % below the highest; `grid` in seconds. */
static int64_t fallen_at_s(const struct fl_test_run *run)
{
    const uint32_t handle = fl_config_observable(run->config, "market.fundamental");
    int64_t highest = 0;
    for (uint32_t i = 0; i < run->result->sample_count; i++) {
        const int64_t price = run->result->sample[handle][i];
        if (price > highest) highest = price;
        if (100 * price <= 95 * highest) return run->result->sample_at[i] / FL_SECOND;
    }
    return -1;
}

/* The price of a whole second is seen half a second later, and learnt `latency_ms` after that. */
Test(scenarios, the_trigger_opens_when_it_has_learnt_of_the_fall)
{
    static const int64_t latency_ms[] = {0, 1500, 5000};
    for (size_t i = 0; i < sizeof latency_ms / sizeof *latency_ms; i++) {
        char latency[64];
        snprintf(latency, sizeof latency, "faults.stuck.latency_ms=%" PRId64, latency_ms[i]);
        struct fl_test_run run = run_set(
            "price-trigger", 1, (const char *const[SETS]){latency, "trace={\"sample_s\": 1}"});
        const fl_time seen = fallen_at_s(&run) * FL_SECOND + FL_SECOND / 2;
        const fl_time opened = first_of(&run, FL_RECORD_FAULT);
        cr_expect_eq(fallen_at_s(&run), 85); /* 100 to 80 in a hundred seconds from the 60th on */
        cr_expect_eq(opened, seen + latency_ms[i] * FL_MILLISECOND, "opened at %" PRId64, opened);
        cr_expect_eq(first_of(&run, FL_RECORD_RECOVERY), opened + 120 * FL_SECOND);
        cr_expect_eq(count_of(&run, FL_RECORD_FAULT), 2); /* the price stays where it is */
        fl_test_run_free(&run);
    }
}

/* 80 units of 100.05 dollars each, 996 of collateral after the fee, closed at 79.96. A fund pays each loss
 * once, or a counterparty gives it up once; without either it comes back with whoever is charged for it: of k longs that are left each bears
 * 1 / 2k, the other half falls on the other side. */
Test(scenarios, losses_without_a_fund_come_back)
{
    const double each = 80 * (100.05 - 79.96) - 996;
    double deficit = each, all = each;
    for (int k = 19; k > 0; k--) {
        deficit *= 1 + 1 / (2.0 * k);
        all += deficit;
    }
    const char *const fund[SETS] = {"contracts.exchange.insurance_fund=15000"};
    const char *const nobody[SETS] = {"contracts.exchange.deleveraging=nobody"};
    struct fl_test_run with = run_set("price-trigger", 1, fund),
                       without = run_set("price-trigger", 1, nobody),
                       taken_over = run_set("price-trigger", 1, nothing);
    /* 1 %: the fills of twenty are 0.02 % apart, which is 80 * 0.02 = 1.6 of 611 dollars at either end. */
    cr_expect_eq(fl_test_final(&with, "ledger.bad_debt"), 0);
    cr_expect_float_eq((double)fl_test_final(&with, "ledger.deficit") / 1e6, 20 * each, 0.2 * each);
    cr_expect_float_eq((double)fl_test_final(&without, "ledger.deficit") / 1e6, all, 0.01 * all);
    cr_expect_float_eq((double)fl_test_final(&taken_over, "ledger.adl") / 1e6, 20 * each,
                       0.2 * each);
    fl_test_run_free(&taken_over);
    fl_test_run_free(&with);
    fl_test_run_free(&without);
}

/* --- state, not blocks -------------------------------------------------------------------------------------------- */

/* 140 blocks are missed: whoever keeps more than that needs no snapshot, and who may not take one stays
 * behind where it was. */
Test(scenarios, a_region_comes_back_by_blocks_or_by_state)
{
    const char *const blocks[SETS] = {"nodes.validator.consensus.history=256"},
                      *const neither[SETS] = {"nodes.validator.consensus.snapshots=false"};
    struct fl_test_run run = run_set("regional-outage", 1, blocks);
    cr_expect_eq(fl_test_final(&run, "consensus.snapshots"), 0);
    cr_expect_eq(fl_test_final(&run, "consensus.height_min"), 239);
    fl_test_run_free(&run);
    run = run_set("regional-outage", 1, neither);
    cr_expect_eq(fl_test_final(&run, "consensus.height"), 239);
    cr_expect_eq(fl_test_final(&run, "consensus.height_min"), 39); /* slots 0.5 to 19.5 s */
    fl_test_run_free(&run);
}
