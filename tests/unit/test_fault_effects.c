/* What becomes of protocols and oracles under each kind of node fault: throughput, votes, memory, prices,
 * transactions. Expected values come from the arithmetic of delays and of the median. */
#include "tests/lib/fault_runs.h"

#define SEED UINT64_C(2385)

/* ------------------------------------------------------------------------------------------------
 * Four members of a PBFT: each decision takes three delays of 10 ms, one after the other if block_ms is 0
 * --------------------------------------------------------------------------------------------- */

enum { DELTA = 10 };

static struct fl_test_run run_pbft(const char *seconds, int block_ms, int history,
                                   const char *faults)
{
    return fault_run(
        SEED,
        "\"duration_s\": %s, \"network\": {\"delay_ms\": 10}, \"nodes\": {\"v\": "
        "{\"count\": 4, \"faulty_max\": 1, \"consensus\": {\"model\": \"pbft\", "
        "\"block_ms\": %d, \"timeout_ms\": 1000, \"checkpoint_every\": 8, \"window\": 16, "
        "\"history\": %d}, \"chain\": {\"model\": \"replica\", \"mempool_txs\": 4}}}, "
        "\"faults\": {%s}, \"checks\": {\"agreement\": \"agreement\"}, \"trace\": "
        "{\"detail\": \"messages\"}",
        seconds, block_ms, history, faults);
}

/* Messages of the consensus that a node sent at an instant of [since, until), in single sends. */
static uint32_t sent(const struct fl_test_run *r, uint32_t from, uint16_t kind, fl_time since,
                     fl_time until)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < r->result->message_count; i++) {
        const struct fl_message_row *const m = &r->result->message[i];
        count += m->from == from && m->family == FL_CONSENSUS && m->kind == kind &&
                 m->sent >= since && m->sent < until;
    }
    return count;
}
/* As PBFT and Bracha number them. */
enum { PRE_PREPARE = 1, PREPARE, COMMIT, CHECKPOINT };
enum { INITIAL = 1, ECHO, READY };

/* When a replica last decided that height; -1 if never. */
static fl_time decided_at(const struct fl_test_run *r, uint32_t endpoint, int64_t height)
{
    fl_time at = -1;
    for (uint32_t id = 0; (id = fault_next_record(r, FL_RECORD_DECIDED, id));) {
        const struct fl_record *const x = fl_records_get(r->result->records, id);
        if (x->endpoint == endpoint && x->v[0] == height) at = x->at;
    }
    return at;
}

/* The highest height a replica applied at an instant of [since, until). */
static int64_t applied(const struct fl_test_run *r, uint32_t endpoint, fl_time since, fl_time until)
{
    int64_t height = 0;
    for (uint32_t id = 0; (id = fault_next_record(r, FL_RECORD_APPLIED, id));) {
        const struct fl_record *const x = fl_records_get(r->result->records, id);
        if (x->endpoint == endpoint && x->at >= since && x->at < until && x->v[0] > height)
            height = x->v[0];
    }
    return height;
}

/* ------------------------------------------------------------------------------------------------
 * delay
 * --------------------------------------------------------------------------------------------- */

/* The slow primary: one batch in each x + 3 delta, and no view change while x stays below the timeout
 * (Clement and others 2009). */
Test(delay, a_slow_primary_costs_its_delay_in_each_round)
{
    static const int delays[] = {100, 237, 900};
    for (size_t i = 0; i < 3; i++) {
        char fault[300];
        const fl_time round = (delays[i] + 3 * DELTA) * MS;
        snprintf(fault, sizeof fault,
                 "\"x\": {\"model\": \"delay\", \"group\": \"v\", \"members\": [0], \"by_ms\": %d, "
                 "\"proposals\": true}",
                 delays[i]);
        struct fl_test_run r = run_pbft("13", 0, 4096, fault);
        const int64_t rounds = 13 * FL_SECOND / round;
        for (int64_t h = 1; h <= rounds; h++) cr_assert_eq(decided_at(&r, 0, h), h * round);
        cr_assert_eq(fl_test_final(&r, "consensus.height"), rounds);
        cr_assert_eq(fl_test_final(&r, "consensus.view_changes"), 0);
        /* The last is on its way; a vote not heard for a quarter of the timeout is said again. */
        cr_assert_eq(r.result->fault[0].injected, sent(&r, 0, PRE_PREPARE, 0, INT64_MAX) / 3);
        if (delays[i] + 3 * DELTA < 250)
            cr_assert_eq(r.result->fault[0].injected, (uint64_t)rounds + 1);
        fl_test_run_free(&r);
    }
}

/* Who is late says nothing wrong: with all four late by x, each decision takes three times delta + x, and
 * nothing that they say is forgotten. */
Test(delay, all_may_be_late)
{
    struct fl_test_run r =
        run_pbft("9", 0, 4096,
                 "\"x\": {\"model\": \"delay\", \"group\": \"v\", \"count\": 4, \"by_ms\": 50}");
    const fl_time round = 3 * (DELTA + 50) * MS;
    for (int64_t h = 1; h <= 9 * FL_SECOND / round; h++)
        for (uint32_t member = 0; member < 4; member++)
            cr_assert_eq(decided_at(&r, member, h), h * round);
    cr_assert_eq(fl_test_verdict(&r, "agreement")->kind, FL_HOLDS);
    fl_test_run_free(&r);
}

Test(delay, a_primary_slower_than_the_timeout_is_replaced)
{
    struct fl_test_run r =
        run_pbft("10", 0, 4096,
                 "\"x\": {\"model\": \"delay\", \"group\": \"v\", \"members\": [0], "
                 "\"by_ms\": 1100, \"consensus\": true}");
    cr_assert_gt(fl_test_final(&r, "consensus.view_changes"), 0);
    cr_assert_eq(fl_test_final(&r, "consensus.view"), 1);
    cr_assert_geq(fl_test_final(&r, "consensus.height"), 8 * 1000 / (3 * DELTA));
    cr_assert_eq(fl_test_verdict(&r, "agreement")->kind, FL_HOLDS);
    fl_test_run_free(&r);
}

Test(delay, rounds_outside_its_window_are_as_ever)
{
    struct fl_test_run r =
        run_pbft("6", 0, 4096,
                 "\"x\": {\"model\": \"delay\", \"group\": \"v\", \"members\": [0], "
                 "\"by_ms\": 100, \"proposals\": true, \"from_s\": 2, \"to_s\": 4}");
    fl_time at = 0;
    uint32_t slow = 0;
    for (int64_t h = 1; h <= fl_test_final(&r, "consensus.height"); h++) {
        const bool inside = at >= 2 * FL_SECOND && at < 4 * FL_SECOND;
        at += (3 * DELTA + (inside ? 100 : 0)) * MS;
        slow += inside;
        cr_assert_eq(decided_at(&r, 0, h), at);
    }
    cr_assert_gt(at, 5900 * MS);
    cr_assert_eq(r.result->fault[0].injected, slow);
    cr_assert_eq(fault_bites_in_window(&r), slow);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * omit
 * --------------------------------------------------------------------------------------------- */

/* Who loses all it sends is mute: no event of anybody differs, nor any state at the end. */
Test(omit, of_everything_is_what_mute_is)
{
    for (int member = 0; member < 4; member += 2) {
        struct fl_digest digest[2];
        for (int i = 0; i < 2; i++) {
            char fault[300];
            snprintf(
                fault, sizeof fault,
                "\"x\": {\"model\": \"%s\", \"group\": \"v\", \"members\": [%d], \"from_s\": 1, "
                "\"to_s\": 4%s}",
                i ? "omit" : "mute", member, i ? ", \"send\": 1" : "");
            struct fl_test_run r = run_pbft("8", 0, 4096, fault);
            digest[i] = r.result->digest;
            cr_assert_gt(r.result->fault[0].suppressed, 0);
            cr_assert_gt(fault_bites_in_window(&r), 0);
            fl_test_run_free(&r);
        }
        cr_assert(fl_digest_equal(digest[0], digest[1]), "member %d", member);
    }
}

/* The deaf vote for nothing after the first round they miss; the others do not need them. Back again
 * they fetch what they missed. */
Test(omit, of_everything_that_comes_is_to_be_deaf)
{
    struct fl_test_run r =
        run_pbft("5", 100, 4096,
                 "\"x\": {\"model\": \"omit\", \"group\": \"v\", \"members\": [2], \"send\": 0, "
                 "\"receive\": 1, \"from_s\": 1, \"to_s\": 1.6}");
    cr_assert_eq(applied(&r, 2, 1 * FL_SECOND, 1600 * MS), 0);
    cr_assert_eq(sent(&r, 2, PREPARE, 1 * FL_SECOND, 1250 * MS), 0);
    for (int64_t h = 1; h <= 49; h++)
        cr_assert_eq(decided_at(&r, 0, h), h * 100 * MS + 3 * DELTA * MS);
    cr_assert_eq(r.result->fault[0].suppressed, r.result->dropped);
    cr_assert_gt(r.result->dropped, 0);
    cr_assert_eq(fl_test_final(&r, "consensus.height_min"), 49);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * withhold
 * --------------------------------------------------------------------------------------------- */

/* One of four costs nothing: a quorum is three. It still proposes, and decides as the others do. */
Test(withhold, one_silent_voter_costs_nothing)
{
    for (uint32_t member = 0; member < 4; member += 3) {
        char fault[300];
        snprintf(
            fault, sizeof fault,
            "\"x\": {\"model\": \"withhold\", \"group\": \"v\", \"members\": [%u], \"from_s\": 1, "
            "\"to_s\": 2}",
            member);
        struct fl_test_run r = run_pbft("3", 0, 4096, fault);
        cr_assert_eq(fl_test_final(&r, "consensus.height_min"), 3000 / (3 * DELTA));
        const fl_time since = 1 * FL_SECOND, until = 2 * FL_SECOND;
        cr_assert_eq(sent(&r, member, PREPARE, since, until), 0);
        cr_assert_eq(sent(&r, member, COMMIT, since, until), 0);
        cr_assert_eq(sent(&r, member, CHECKPOINT, since, until), 0);
        cr_assert_eq(sent(&r, member, PRE_PREPARE, since, until) > 0, member == 0);
        /* What another backup sent to each of three meanwhile, but that primaries do not prepare;
         * checkpoints come every eighth round. */
        const uint32_t other = sent(&r, 1, COMMIT, since, until) / 3 +
                               sent(&r, 1, CHECKPOINT, since, until) / 3 +
                               (member == 0 ? 0 : sent(&r, 1, PREPARE, since, until) / 3);
        cr_assert_eq(r.result->fault[0].suppressed, other);
        cr_assert_eq(fault_bites_in_window(&r), other);
        fl_test_run_free(&r);
    }
}

/* Two of four are one too many: nothing is decided until they vote again. */
Test(withhold, more_than_may_fail_stop_it)
{
    struct fl_test_run r =
        run_pbft("6", 0, 4096,
                 "\"x\": {\"model\": \"withhold\", \"group\": \"v\", \"members\": [2, 3], "
                 "\"from_s\": 1, \"to_s\": 2}");
    cr_assert_eq(applied(&r, 0, 1050 * MS, 2 * FL_SECOND), 0);
    cr_assert_gt(applied(&r, 0, 2 * FL_SECOND, 6 * FL_SECOND), 100);
    cr_assert_eq(fl_test_verdict(&r, "agreement")->kind, FL_HOLDS);
    fl_test_run_free(&r);
}

/* Bracha's votes are not signed, and its echoes bring the content along: votes all the same. */
Test(withhold, knows_echo_and_ready)
{
    for (uint32_t count = 1; count <= 2; count++) {
        struct fl_test_run r = fault_run(
            SEED,
            "\"duration_s\": 2, \"network\": {\"delay_ms\": 10}, \"nodes\": {\"v\": {\"count\": 4, "
            "\"faulty_max\": 1, \"consensus\": {\"model\": \"bracha\", \"sender\": 0}}}, "
            "\"faults\": "
            "{\"x\": {\"model\": \"withhold\", \"group\": \"v\", \"members\": [%s]}}, \"trace\": "
            "{\"detail\": \"messages\"}",
            count == 1 ? "1" : "1, 2");
        uint32_t delivered = 0;
        for (uint32_t id = 0; (id = fault_next_record(&r, FL_RECORD_DECIDED, id));) delivered++;
        cr_assert_eq(delivered, count == 1 ? 4 : 0);
        cr_assert_eq(sent(&r, 1, ECHO, 0, INT64_MAX), 0);
        cr_assert_eq(sent(&r, 1, READY, 0, INT64_MAX), 0);
        cr_assert_eq(sent(&r, 3, ECHO, 0, INT64_MAX), 3);
        cr_assert_eq(sent(&r, 0, INITIAL, 0, INT64_MAX), 3);
        cr_assert_eq(r.result->fault[0].suppressed, 2 * count);
        fl_test_run_free(&r);
    }
}

/* ------------------------------------------------------------------------------------------------
 * amnesia
 * --------------------------------------------------------------------------------------------- */

/* A member that has forgotten all fetches all: it executes each height again, comes to the states the
 * others came to, and votes again. Twice, so that its second life asks with higher numbers. */
Test(amnesia, a_member_that_forgot_catches_up)
{
    for (int member = 0; member < 4; member += 2) {
        char fault[600];
        snprintf(
            fault, sizeof fault,
            "\"x\": {\"model\": \"amnesia\", \"group\": \"v\", \"members\": [%d], \"from_s\": 1, "
            "\"to_s\": 2}, \"y\": {\"model\": \"amnesia\", \"group\": \"v\", \"members\": [%d], "
            "\"from_s\": 8, \"to_s\": 9}",
            member, member);
        struct fl_test_run r = run_pbft("16", 100, 4096, fault);
        const int64_t height = fl_test_final(&r, "consensus.height");
        const uint32_t other = (uint32_t)member + 1;
        cr_assert_gt(height, 130);
        cr_assert_eq(fl_test_verdict(&r, "agreement")->kind, FL_HOLDS);
        cr_assert_eq(fl_test_final(&r, "consensus.height_min"), height);
        for (int64_t h = 1; h <= height; h++) {
            const fl_time at = decided_at(&r, (uint32_t)member, h);
            cr_assert(at >= 9 * FL_SECOND, "height %" PRId64 " is not decided again", h);
        }
        int64_t state[1000] = {0}, compared = 0;
        for (uint32_t id = 0; (id = fault_next_record(&r, FL_RECORD_APPLIED, id));) {
            const struct fl_record *const x = fl_records_get(r.result->records, id);
            if (x->endpoint == other && x->v[0] < 1000) state[x->v[0]] = x->v[2];
        }
        for (uint32_t id = 0; (id = fault_next_record(&r, FL_RECORD_APPLIED, id));) {
            const struct fl_record *const x = fl_records_get(r.result->records, id);
            if (x->endpoint != (uint32_t)member || x->v[0] >= 1000 || state[x->v[0]] == 0) continue;
            cr_assert_eq(x->v[2], state[x->v[0]]);
            compared++;
        }
        cr_assert_gt(compared, height);
        cr_assert_gt(sent(&r, (uint32_t)member, COMMIT, 15 * FL_SECOND, 16 * FL_SECOND), 0);
        cr_assert(r.result->fault[0].injected == 1 && r.result->fault[1].injected == 1);
        fl_test_run_free(&r);
    }
}

/* There are no snapshots: what nobody keeps any more is out of its reach, and it says so. */
Test(amnesia, what_nobody_keeps_is_lost_for_good)
{
    struct fl_test_run r =
        run_pbft("8", 0, 32,
                 "\"x\": {\"model\": \"amnesia\", \"group\": \"v\", \"members\": [2], "
                 "\"from_s\": 2, \"to_s\": 3}");
    cr_assert_eq(applied(&r, 2, 3 * FL_SECOND, 8 * FL_SECOND), 0);
    cr_assert_eq(fl_test_final(&r, "consensus.height_min"), 0);
    cr_assert_gt(fl_test_final(&r, "consensus.gone"), 0);
    cr_assert_eq(fl_test_final(&r, "consensus.height"), 8000 / (3 * DELTA));
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Reporters of one true price, 100 dollars for ever, without noise
 * --------------------------------------------------------------------------------------------- */

#define USD INT64_C(1000000)

/* Two groups with a feed each; blocks of half a second, reports every ten seconds. */
static struct fl_test_run run_oracle(uint32_t reporters, const char *consensus, const char *faults)
{
    const char *const reporter = "\"clients_of\": \"v\", \"oracle\": {\"model\": \"reporter\", "
                                 "\"heartbeat_s\": 10, \"noise\": "
                                 "0, \"lag_ms\": 0, \"contract\": ";
    const char *const feed =
        "{\"model\": \"feed\", \"aggregator\": \"median\", \"max_age_s\": 60, \"quorum\": ";
    return fault_run(
        SEED,
        "\"duration_s\": 120, \"network\": {\"delay_ms\": 10}, \"contracts\": {\"one\": %s%u, "
        "\"reporters\": [\"r\"]}, \"two\": %s1, \"reporters\": [\"s\"]}}, \"nodes\": {\"m\": "
        "{\"source\": {\"model\": \"replay\", \"volatility\": 0, \"points_usd\": [[0, 100], [1000, "
        "100]]}, \"market\": {\"model\": \"spot\", \"depth\": 1000, \"subscribers\": [\"r\", "
        "\"s\"]}}, "
        "\"v\": {\"count\": 4, \"faulty_max\": 1, \"consensus\": {%s, \"block_ms\": 500}, "
        "\"chain\": "
        "\"replica\"}, \"r\": {\"count\": %u, %s\"one\"}}, \"s\": {\"count\": 4, %s\"two\"}}}, "
        "\"faults\": {%s}, \"checks\": {\"agreement\": \"agreement\"}, \"trace\": {\"detail\": "
        "\"messages\", \"sample_s\": 1}",
        feed, reporters / 2 + 1, feed, consensus, reporters, reporter, reporter, faults);
}
#define ORDERED "\"model\": \"ordered\""
#define PBFT "\"model\": \"pbft\""

/* Price in force of a contract at an instant. */
static int64_t price_at(const struct fl_test_run *r, int64_t contract, fl_time at)
{
    int64_t price = 0;
    for (uint32_t id = 0; (id = fault_next_record(r, FL_RECORD_PRICE, id));) {
        const struct fl_record *const x = fl_records_get(r->result->records, id);
        if (x->v[0] == contract && x->at <= at) price = x->v[2];
    }
    return price;
}

/* A reporter learns from the chain which nonces it has used: its reports count again, where numbers
 * from 1 on would be refused until they pass the sixth, more than a minute later. */
Test(amnesia, a_reporter_that_forgot_is_heard_again)
{
    struct fl_test_run r = run_oracle(
        1, ORDERED,
        "\"x\": {\"model\": \"amnesia\", \"group\": \"r\", \"count\": 1, \"from_s\": 60, "
        "\"to_s\": 65}");
    cr_assert_eq(fl_test_final(&r, "oracle.valid"), 1, "the report of the 56th second is too old");
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * lie
 * --------------------------------------------------------------------------------------------- */

/* A median falls to floor(n / 2) + 1 liars and to no fewer, and lasts no longer than the window. */
Test(lie, moves_the_median_with_a_majority_only)
{
    for (uint32_t n = 4; n <= 9; n++)
        for (uint32_t liars = n / 2 - 1; liars <= n / 2 + 1; liars++) {
            char fault[300];
            snprintf(
                fault, sizeof fault,
                "\"x\": {\"model\": \"lie\", \"group\": \"r\", \"count\": %u, \"factor\": 2.385, "
                "\"from_s\": 30, \"to_s\": 60}",
                liars);
            struct fl_test_run r = run_oracle(n, ORDERED, fault);
            const int64_t told = liars > n / 2 ? 238500000 : 100 * USD;
            cr_assert_eq(price_at(&r, 0, 29 * FL_SECOND), 100 * USD);
            /* With half of an even number it lies between the two: the mean, or the lower one. */
            if (liars <= n / 2 && 2 * liars != n)
                cr_assert_eq(price_at(&r, 0, 59 * FL_SECOND), 100 * USD, "%u of %u", liars, n);
            if (liars > n / 2)
                cr_assert_eq(price_at(&r, 0, 59 * FL_SECOND), told, "%u of %u", liars, n);
            cr_assert_eq(price_at(&r, 0, 119 * FL_SECOND), 100 * USD);
            cr_assert_eq(price_at(&r, 1, 119 * FL_SECOND), 100 * USD);
            cr_assert_geq(r.result->fault[0].injected, 3 * liars);
            cr_assert_gt(fault_bites_in_window(&r), 0);
            fl_test_run_free(&r);
        }
}

/* Reports of group r while the fault lasts, in order: what they told. */
static uint32_t reports(const struct fl_test_run *r, fl_time since, fl_time until, int64_t *told)
{
    uint32_t count = 0;
    for (uint32_t id = 0; (id = fault_next_record(r, FL_RECORD_REPORT, id));) {
        const struct fl_record *const x = fl_records_get(r->result->records, id);
        if (strcmp(r->config->group[2].name, "r") != 0) cr_assert_fail("groups moved");
        if (x->endpoint < r->config->group[2].first || x->endpoint >= r->config->group[3].first)
            continue;
        if (x->at >= since && x->at < until) told[count++] = x->v[2];
    }
    return count;
}

Test(lie, tells_a_chosen_scaled_and_drifting_price)
{
    struct fl_test_run r = run_oracle(1, ORDERED,
                                      "\"x\": {\"model\": \"lie\", \"group\": \"r\", \"count\": 1, "
                                      "\"price_usd\": 200, \"factor\": "
                                      "0.5, \"drift\": -0.01, \"from_s\": 20, \"to_s\": 100}");
    int64_t told[200];
    const uint32_t count = reports(&r, 20 * FL_SECOND, 100 * FL_SECOND, told);
    cr_assert_geq(count, 7);
    for (uint32_t k = 0; k < count; k++) cr_assert_eq(told[k], (100 - k) * USD);
    cr_assert_eq(price_at(&r, 0, 100 * FL_SECOND), (100 - (count - 1)) * USD);
    cr_assert_eq(reports(&r, 100 * FL_SECOND, 120 * FL_SECOND, told), 2);
    cr_assert(told[0] == 100 * USD && told[1] == 100 * USD);
    /* The note and the transaction of each report, but for the first, which is the truth. */
    cr_assert_eq(r.result->fault[0].injected, 2 * (count - 1));
    fl_test_run_free(&r);
}

/* Alone, each draws an error of its own; together they tell that of the first. */
Test(lie, liars_act_alone_or_together)
{
    for (int together = 0; together < 2; together++) {
        char fault[300];
        snprintf(
            fault, sizeof fault,
            "\"x\": {\"model\": \"lie\", \"group\": \"r\", \"count\": 5, \"factor\": 1, \"error\": "
            "{\"law\": \"uniform\", \"min\": -0.2, \"max\": 0.3}, \"together\": %s}",
            together ? "true" : "false");
        struct fl_test_run r = run_oracle(5, ORDERED, fault);
        int64_t told[200];
        const uint32_t count = reports(&r, 0, 120 * FL_SECOND, told);
        uint32_t different = 1;
        for (uint32_t k = 0; k < count; k++) {
            cr_assert(told[k] >= 80 * USD && told[k] <= 130 * USD);
            different += k > 0 && told[k] != told[k - 1];
        }
        cr_assert_eq(count % 5, 0);
        cr_assert_geq(count, 50);
        cr_assert_eq(different, together ? count / 5 : count, "%u of %u", different, count);
        fl_test_run_free(&r);
    }
}

/* ------------------------------------------------------------------------------------------------
 * censor
 * --------------------------------------------------------------------------------------------- */

/* Messages about transactions of group r at replica 0 before an instant: handed in, passed on. */
static uint32_t about_r(const struct fl_test_run *r, uint16_t kind, fl_time until)
{
    const struct fl_group *const g = &r->config->group[2];
    const uint32_t censor = r->config->group[1].first;
    uint32_t count = 0;
    for (uint64_t i = 0; i < r->result->message_count; i++) {
        const struct fl_message_row *const m = &r->result->message[i];
        count += m->family == FL_CHAIN && m->kind == kind && m->sent < until &&
                 (kind == FL_SUBMIT ? m->to : m->from) == censor &&
                 m->word[0] >= g->account_first && m->word[0] < g->account_first + g->count;
    }
    return count;
}

/* No report of group r is in force before, and none is passed on by the censor; then they are. */
static void expect_censored(struct fl_test_run *r, fl_time until)
{
    for (uint32_t id = 0; (id = fault_next_record(r, FL_RECORD_PRICE, id));) {
        const struct fl_record *const x = fl_records_get(r->result->records, id);
        cr_assert(x->v[0] == 1 || x->at >= until, "a censored report at %" PRId64 " ns", x->at);
    }
    cr_assert_eq(price_at(r, 0, until + 12 * FL_SECOND), 100 * USD, "it waits until then");
    cr_assert_eq(price_at(r, 1, 2 * FL_SECOND), 100 * USD, "nobody else waits");
    cr_assert_gt(about_r(r, FL_SUBMIT, until), 0);
    cr_assert_eq(about_r(r, FL_GOSSIP, until), 0);
    cr_assert_gt(r->result->fault[0].injected, 0);
    cr_assert_gt(r->result->fault[0].suppressed, 0);
    cr_assert_gt(fault_bites_in_window(r), 0);
    cr_assert_eq(fl_test_verdict(r, "agreement")->kind, FL_HOLDS);
    cr_assert_eq(fl_test_final(r, "chain.halted"), 0);
}

/* By group, and by contract: both name the same transactions. */
Test(censor, a_transaction_waits_until_the_censor_stops)
{
    static const char *const what[] = {"\"groups\": [\"r\"]", "\"contract\": \"one\", \"kind\": 1",
                                       "\"groups\": [\"r\"], \"contract\": \"one\""};
    for (size_t i = 0; i < 3; i++) {
        char fault[300];
        snprintf(
            fault, sizeof fault,
            "\"x\": {\"model\": \"censor\", \"group\": \"v\", \"members\": [0], %s, \"to_s\": 40}",
            what[i]);
        struct fl_test_run r = run_oracle(12, ORDERED, fault);
        expect_censored(&r, 40 * FL_SECOND);
        fl_test_run_free(&r);
    }
}

/* The censor leads until it crashes: the next primary includes what waits in its own mempool. */
Test(censor, a_transaction_waits_until_another_leads)
{
    struct fl_test_run r =
        run_oracle(12, PBFT,
                   "\"x\": {\"model\": \"censor\", \"group\": \"v\", \"members\": [0], \"groups\": "
                   "[\"r\"]}, \"down\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [0], "
                   "\"from_s\": 40, \"to_s\": 60}");
    uint32_t view_changes = (uint32_t)fl_test_final(&r, "consensus.view_changes");
    cr_assert_gt(view_changes, 0);
    expect_censored(&r, 40 * FL_SECOND);
    fl_test_run_free(&r);
}

/* Kinds that do not match, groups that hand in nothing: it never bites. */
Test(censor, leaves_alone_what_is_not_named)
{
    static const char *const what[] = {"\"contract\": \"one\", \"kind\": 2",
                                       "\"groups\": [\"s\"], \"contract\": \"one\"",
                                       "\"groups\": [\"m\"]"};
    for (size_t i = 0; i < 3; i++) {
        char fault[300];
        snprintf(fault, sizeof fault,
                 "\"x\": {\"model\": \"censor\", \"group\": \"v\", \"members\": [0], %s}", what[i]);
        struct fl_test_run r = run_oracle(3, PBFT, fault);
        cr_assert_eq(r.result->fault[0].injected + r.result->fault[0].suppressed, 0);
        cr_assert_eq(price_at(&r, 0, 3 * FL_SECOND), 100 * USD);
        fl_test_run_free(&r);
    }
}

/* ------------------------------------------------------------------------------------------------
 * resend
 * --------------------------------------------------------------------------------------------- */

/* Nonces make replayed transactions harmless: blocks, prices and reports are those of a run without. */
Test(resend, old_transactions_change_nothing_on_the_ledger)
{
    struct fl_test_run with = run_oracle(
        3, ORDERED, "\"x\": {\"model\": \"resend\", \"group\": \"r\", \"count\": 3, \"every\": 1}");
    struct fl_test_run without = run_oracle(3, ORDERED, "");
    cr_assert_gt(with.result->fault[0].injected, 300); /* quotes come each second */
    static const uint16_t kinds[] = {FL_RECORD_BLOCK, FL_RECORD_DECIDED, FL_RECORD_APPLIED,
                                     FL_RECORD_PRICE, FL_RECORD_REPORT};
    for (size_t i = 0; i < 5; i++) {
        uint32_t a = 0, b = 0;
        do {
            a = fault_next_record(&with, kinds[i], a);
            b = fault_next_record(&without, kinds[i], b);
            cr_assert_eq(a == 0, b == 0);
            if (a == 0) break;
            const struct fl_record *const x = fl_records_get(with.result->records, a);
            const struct fl_record *const y = fl_records_get(without.result->records, b);
            cr_assert(x->at == y->at && memcmp(x->v, y->v, sizeof x->v) == 0);
        } while (true);
    }
    fl_test_run_free(&with);
    fl_test_run_free(&without);
}

/* ------------------------------------------------------------------------------------------------
 * Each kind, as the one member that may fail
 * --------------------------------------------------------------------------------------------- */

static const char *const kinds[] = {
    "\"amnesia\"",
    "\"slow\", \"extra_ms\": {\"law\": \"uniform\", \"min\": 0, \"max\": 30}",
    "\"omit\", \"send\": 0.4, \"receive\": 0.3",
    "\"delay\", \"by_ms\": {\"law\": \"uniform\", \"min\": 0, \"max\": 400}",
    "\"withhold\"",
    "\"resend\", \"every\": 2",
    "\"corrupt\", \"share\": 0.7",
    "\"corrupt\", \"share\": 0.7, \"any\": true",
    "\"corrupt\", \"share\": 0.7, \"receivers\": 0.5",
    "\"censor\"",
};

/* Random delays, drawn member and window; three clients' reports in the blocks. */
static struct fl_test_run run_drawn(const char *kind, uint64_t seed)
{
    const uint64_t from = fl_draw_below(seed, FL_RNG_TIE, 1, 0, 0, 2000),
                   to = from + 500 + fl_draw_below(seed, FL_RNG_TIE, 1, 0, 1, 3000);
    return fault_run(
        seed,
        "\"duration_s\": 10, \"network\": {\"delay_ms\": {\"law\": \"lognormal\", \"median\": 20, "
        "\"sigma\": 0.7}}, \"contracts\": {\"one\": {\"model\": \"feed\", \"aggregator\": "
        "\"median\", "
        "\"quorum\": 2, \"reporters\": [\"r\"]}}, \"nodes\": {\"m\": {\"source\": {\"model\": "
        "\"replay\", \"tick_ms\": 100, \"points_usd\": [[0, 100], [10, 50]]}, \"market\": "
        "{\"model\": "
        "\"spot\", \"depth\": 1000, \"subscribers\": [\"r\"]}}, \"v\": {\"count\": 4, "
        "\"faulty_max\": 1, "
        "\"consensus\": {\"model\": \"pbft\", \"block_ms\": 200, \"timeout_ms\": 300}, \"chain\": "
        "\"replica\"}, \"r\": {\"count\": 8, \"clients_of\": \"v\", \"oracle\": {\"model\": "
        "\"reporter\", "
        "\"lag_ms\": 10, \"contract\": \"one\"}}}, \"faults\": {\"x\": {\"model\": %s, \"group\": "
        "\"v\", "
        "\"count\": 1, \"from_s\": %" PRIu64 ".%03" PRIu64 ", \"to_s\": %" PRIu64 ".%03" PRIu64
        "}}, \"checks\": {\"agreement\": \"agreement\"}, \"trace\": {\"detail\": \"summary\"}",
        kind, from / 1000, from % 1000, to / 1000, to % 1000);
}

Test(kinds, pbft_agrees_and_goes_on_with_one_of_four)
{
    enum { SEEDS = 50 };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        uint64_t bites = 0, biting = 0;
        int64_t lowest = INT64_MAX;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct fl_test_run r = run_drawn(kinds[k], seed);
            cr_assert_eq(fl_test_verdict(&r, "agreement")->kind, FL_HOLDS, "%s, seed %" PRIu64,
                         kinds[k], seed);
            const int64_t height = fl_test_final(&r, "consensus.height");
            lowest = height < lowest ? height : lowest;
            /* Has a block been decided in the last second, five seconds after all is well? */
            bool late = false;
            for (uint32_t id = 0; (id = fault_next_record(&r, FL_RECORD_DECIDED, id));)
                late |= fl_records_get(r.result->records, id)->at > 9 * FL_SECOND;
            cr_assert(late, "%s, seed %" PRIu64 ": it stands still", kinds[k], seed);
            fault_bites_in_window(&r);
            const uint64_t bit = r.result->fault[0].injected + r.result->fault[0].suppressed;
            bites += bit;
            biting += bit > 0;
            cr_assert_eq(fl_test_final(&r, "chain.halted"), 0);
            fl_test_run_free(&r);
        }
        fprintf(stderr,
                "%s: %" PRIu64 " bites, in %" PRIu64 " of %d runs, lowest height %" PRId64 "\n",
                kinds[k], bites, biting, SEEDS, lowest);
        cr_assert_gt(biting, SEEDS / 5, "%s hardly ever bites", kinds[k]);
    }
}
