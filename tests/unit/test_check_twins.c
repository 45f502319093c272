/* Runs of the whole program with models that are wrong in one way: each check must catch its twins, and
 * hold in the same run of the real models. The checks' own logic is tested in test_order_checks.c.
 *
 * One twin is of the engine: a ledger that forgets which nonces were used, by the text of the real one. */
#include "sim/ledger_state.h"
#include "sim/state.h"

static bool forgets_nonces;
static const void *read_or_forget(const struct fl_rows *rows, struct fl_cell cell)
{
    static const struct fl_nonce_row never_used;
    return forgets_nonces ? &never_used : fl_cell_read(rows, cell);
}
#define fl_cell_read read_or_forget /* ledger_execute.c reads nothing but nonces */
#include "sim/ledger_execute.c"
#undef fl_cell_read

#include "tests/lib/check_twins.h"
#include "tests/lib/run.h"
#include "tests/lib/swarm.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

static const char *const checks[] = {"agreement", "equal_states", "validity",
                                     "finality",  "certified",    "lock"};
enum { CHECKS = sizeof checks / sizeof *checks };
enum { AGREEMENT, EQUAL_STATES, VALIDITY, FINALITY, CERTIFIED, LOCK };

static const char *const overrides[] = {"checks.equal_states=equal_states",
                                        "checks.validity=validity", "checks.finality=finality",
                                        "checks.certified=certified", "checks.lock=lock"};
enum { OVERRIDES = sizeof overrides / sizeof *overrides };

static enum fl_verdict_kind verdict(const struct fl_test_run *run, uint32_t check)
{
    return fl_test_verdict(run, checks[check])->kind;
}

/* ------------------------------------------------------------------------------------------------
 * Twins of PBFT
 * --------------------------------------------------------------------------------------------- */

/* How often each check speaks, over the seeds. */
static void count_broken(const struct swarm *swarm, uint32_t seeds, uint32_t broken[CHECKS])
{
    memset(broken, 0, CHECKS * sizeof *broken);
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct fl_test_run run = fl_test_run(swarm_scenario(swarm, seed), NULL, 0, seed);
        for (uint32_t i = 0; i < CHECKS; i++) broken[i] += verdict(&run, i) == FL_BROKEN;
        fl_test_run_free(&run);
    }
    printf("%-20s", swarm->model);
    for (uint32_t i = 0; i < CHECKS; i++) printf(" %s %u", checks[i], broken[i]);
    printf(" of %u\n", seeds);
}

/* Liars within the budget, crashes and silence, drawn delays and ties: PBFT bears them. */
Test(check_twins, all_hold_in_swarms_of_pbft)
{
    for (size_t k = 0; k < 2; k++) {
        const struct swarm swarm = {.model = "pbft", .liars = k == 1};
        uint32_t broken[CHECKS];
        count_broken(&swarm, 60, broken);
        for (uint32_t i = 0; i < CHECKS; i++) cr_expect_eq(broken[i], 0, "%s", checks[i]);
    }
}

/* Which rule each twin breaks, and which check must see it. */
Test(check_twins, locks_and_certificates_of_broken_pbft)
{
    static const struct {
        const char *model;
        uint32_t check;
    } cases[] = {
        {"pbft_small_quorum", CERTIFIED}, /* 2f prepares do not meet in an honest member */
        {"pbft_lost_vote", CERTIFIED},    /* prepares two payloads in one view */
        {"pbft_no_signature", CERTIFIED}, /* takes forged certificates for real */
        {"pbft_no_lock", LOCK},           /* the new view does not know what was prepared */
        {"pbft_no_proof", LOCK},          /* or believes what was not */
    };
    enum { SEEDS = 60 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t broken[CHECKS];
        const struct swarm swarm = {.model = cases[i].model, .liars = true};
        count_broken(&swarm, SEEDS, broken);
        cr_expect_geq(20 * broken[cases[i].check], SEEDS, "%s: %s speaks in %u of %d runs",
                      cases[i].model, checks[cases[i].check], broken[cases[i].check], SEEDS);
    }
}

/* ------------------------------------------------------------------------------------------------
 * Twins of one kind of wrong each
 * --------------------------------------------------------------------------------------------- */

/* Four members, eight clients that hand in a transaction every 200 ms, block every 100 ms. */
struct story {
    const char *consensus, *chain, *client; /* JSON of the layers */
    const char *faults;                     /* JSON of their object */
    const char *liveness;                   /* its keys but group */
};

static struct fl_test_run tell_on(const struct story *s, uint64_t seed)
{
    char text[4000];
    const int n = snprintf(
        text, sizeof text,
        "{\"name\": \"twins\", \"seed\": %" PRIu64
        ", \"duration_s\": 12, \"network\": {\"delay_ms\": {\"law\": \"uniform\", \"min\": 5, "
        "\"max\": 25}}, \"contracts\": {\"feed\": {\"model\": \"feed\", \"reporters\": [\"c\"], "
        "\"quorum\": 1}}, \"nodes\": {\"v\": {\"count\": 4, \"faulty_max\": 1, \"consensus\": %s, "
        "\"chain\": %s}, \"c\": {\"count\": 8, \"clients_of\": \"v\", \"agent\": %s}}, "
        "\"faults\": {%s}, \"checks\": {\"agreement\": \"agreement\", \"liveness\": {\"model\": "
        "\"liveness\", \"group\": \"v\", %s}}}",
        seed, s->consensus, s->chain, s->client, s->faults, s->liveness);
    cr_assert(n > 0 && (size_t)n < sizeof text);
    return fl_test_run(text, overrides, OVERRIDES, seed);
}

#define PBFT(name) "{\"model\": \"" name "\", \"block_ms\": 100, \"timeout_ms\": 400}"
#define CRASH(members, from, to)                                                        \
    "\"c" members "\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [" members \
    "], \"from_s\": " from ", \"to_s\": " to "}"
/* The next proposal, three delays and, with a crashed primary, a timeout and a view change. */
#define WITHIN "\"within_ms\": 1500"

static const struct story honest = {PBFT("pbft"), "\"replica\"", "\"teller\"", CRASH("3", "2", "4"),
                                    "\"healed_s\": 4, " WITHIN};

/* The check named is broken, or none; the others but those in `silent` hold. */
static void expect_only(const struct story *s, const char *why, uint32_t caught, uint32_t also)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct fl_test_run run = tell_on(s, seed);
        for (uint32_t i = 0; i < CHECKS; i++) {
            const enum fl_verdict_kind expected = i == caught ? FL_BROKEN : FL_HOLDS;
            if (also >> i & 1) continue;
            cr_expect_eq(verdict(&run, i), expected, "%s, seed %" PRIu64 ": %s", why, seed,
                         checks[i]);
        }
        fl_test_run_free(&run);
    }
}

Test(check_twins, all_hold_when_nothing_is_wrong)
{
    expect_only(&honest, "honest", CHECKS, 0);
    struct fl_test_run run = tell_on(&honest, 1);
    const struct fl_verdict *const v = fl_test_verdict(&run, "liveness");
    cr_expect_eq(v->kind, FL_HOLDS, "%s", v->what);
    cr_expect_gt(v->value[0],
                 200); /* eight clients, five a second, for eight seconds: 320 less the end */
    cr_expect_leq(v->value[0], 320);
    fl_test_run_free(&run);
}

/* Both layers lose their state: the node decides and executes from height 1 again. */
Test(check_twins, finality_catches_a_replica_that_forgets)
{
    struct story s = honest;
    s.consensus = PBFT("pbft_forgetful");
    s.chain = "\"replica_forgetful\"";
    expect_only(&s, "forgetful", FINALITY, 1 << LOCK);
    struct fl_test_run run = tell_on(&s, 1);
    const struct fl_verdict *const v = fl_test_verdict(&run, "finality");
    cr_expect_eq(v->value[0], 1);
    cr_expect_gt(v->at, 4 * FL_SECOND);
    const struct fl_record *const r = fl_records_get(run.result->records, v->record);
    cr_expect(r->kind == FL_RECORD_DECIDED && r->endpoint == 3);
    fl_test_run_free(&run);
}

Test(check_twins, equal_states_catches_a_replica_that_goes_astray)
{
    struct story s = honest;
    s.chain = "\"replica_astray\"";
    expect_only(&s, "astray", EQUAL_STATES, 0);
    struct fl_test_run run = tell_on(&s, 1);
    cr_expect_eq(fl_test_verdict(&run, "equal_states")->value[0], 5);
    fl_test_run_free(&run);
}

/* All decide the same block, but nobody proposed it, nor is there a certificate for it. */
Test(check_twins, validity_catches_made_up_decisions)
{
    struct story s = honest;
    s.consensus = PBFT("pbft_self_willed");
    s.faults = "";
    expect_only(&s, "self-willed", VALIDITY, 1 << CERTIFIED);
    struct fl_test_run run = tell_on(&s, 1);
    cr_expect_eq(fl_test_verdict(&run, "validity")->value[0], 7);
    cr_expect_eq(fl_test_verdict(&run, "certified")->kind, FL_BROKEN);
    cr_expect_eq(fl_test_verdict(&run, "certified")->value[0], 7);
    fl_test_run_free(&run);
}

Test(check_twins, validity_catches_a_transaction_nobody_handed_in)
{
    struct story s = honest;
    s.client = "{\"model\": \"teller\", \"silent\": true}";
    expect_only(&s, "silent", VALIDITY, 0);
}

/* Transactions come again when replicas have forgotten that they applied them: the ledger must not. */
Test(check_twins, validity_catches_a_ledger_that_executes_twice)
{
    struct story s = honest;
    s.chain = "{\"model\": \"replica\", \"mempool_txs\": 16}";
    s.client = "{\"model\": \"teller\", \"stubborn\": true}";
    expect_only(&s, "real ledger", CHECKS, 0);
    struct fl_test_run run = tell_on(&s, 1);
    cr_expect_gt(fl_ledger_tx_count(run.world->ledger, FL_TX_INVALID), 100);
    fl_test_run_free(&run);
    forgets_nonces = true;
    expect_only(&s, "forgetful ledger", VALIDITY, 0);
}

/* ------------------------------------------------------------------------------------------------
 * Conservation
 * --------------------------------------------------------------------------------------------- */

static struct fl_test_run clear_with(int wrong, uint64_t seed)
{
    char text[2000];
    const int n = snprintf(
        text, sizeof text,
        "{\"name\": \"clearing\", \"duration_s\": 20, \"network\": {\"delay_ms\": 10}, "
        "\"contracts\": {\"x\": {\"model\": \"clearing\", \"wrong\": %d}}, \"nodes\": {\"v\": "
        "{\"consensus\": {\"model\": \"ordered\", \"block_ms\": 300}, \"chain\": \"replica\"}, "
        "\"c\": {\"count\": 8, \"accounts\": 2, \"clients_of\": \"v\", \"agent\": \"teller\"}}, "
        "\"checks\": "
        "{\"conservation\": {\"model\": \"conservation\", \"exchange\": \"x\", \"full_every\": "
        "4}}}",
        wrong);
    cr_assert(n > 0 && (size_t)n < sizeof text);
    return fl_test_run(text, NULL, 0, seed);
}

/* Which clause catches which wrong exchange, by the words of its verdict. */
Test(check_twins, conservation_catches_an_exchange_with_wrong_books)
{
    static const char *const caught[CLEARING_WRONGS] = {
        [CLEARING_RIGHT] = "money and positions add up",
        [CLEARING_MINTS] = "the books hold",
        [CLEARING_HIDES_DEPOSIT] = "deposits were",
        [CLEARING_HIDES_WITHDRAWAL] = "withdrawals were",
        [CLEARING_MIXES_MARKETS] = "positions in market",
        [CLEARING_OVERDRAWS_FUND] = "the fund or the fees",
        [CLEARING_FORGETS_ADL] = "the deficit is",
        [CLEARING_HIDES_ADL] = "deficits say counterparties",
        [CLEARING_FREE_FUNDING] = "the books hold",
        [CLEARING_STALE_INTEREST] = "open interest of market",
        [CLEARING_CREEPS] = "accounts changed and no batch said so",
    };
    for (int wrong = 0; wrong < CLEARING_WRONGS; wrong++) {
        for (uint64_t seed = 1; seed <= 3; seed++) {
            struct fl_test_run run = clear_with(wrong, seed);
            const struct fl_verdict *const v = fl_test_verdict(&run, "conservation");
            cr_expect_eq(v->kind, wrong == CLEARING_RIGHT ? FL_HOLDS : FL_BROKEN, "wrong %d",
                         wrong);
            cr_expect_not_null(strstr(v->what, caught[wrong]), "wrong %d: %s, %" PRId64 " %" PRId64,
                               wrong, v->what, v->value[0], v->value[1]);
            cr_expect_gt(fl_ledger_tx_count(run.world->ledger, FL_TX_OK), 500);
            fl_test_run_free(&run);
        }
    }
}

/* ------------------------------------------------------------------------------------------------
 * Liveness
 * --------------------------------------------------------------------------------------------- */

static void expect_liveness(const struct story *s, enum fl_verdict_kind expected, const char *why)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct fl_test_run run = tell_on(s, seed);
        const struct fl_verdict *const v = fl_test_verdict(&run, "liveness");
        cr_expect_eq(v->kind, expected, "%s, seed %" PRIu64 ": %s, %" PRId64 " %" PRId64, why, seed,
                     v->what, v->value[0], v->value[1]);
        cr_expect_eq(verdict(&run, AGREEMENT), FL_HOLDS);
        fl_test_run_free(&run);
    }
}

Test(check_twins, liveness_within_the_budget)
{
    struct story s = honest;
    s.faults = CRASH("0", "2", "99");
    s.liveness = "\"healed_s\": 0, " WITHIN; /* the crash is within the budget, at any time */
    expect_liveness(&s, FL_HOLDS, "the primary is down for ever");
    s.consensus = PBFT("pbft_stopped_timer");
    expect_liveness(&s, FL_BROKEN, "nobody's timer starts again");
    s.consensus = "{\"model\": \"ordered\", \"block_ms\": 100}";
    expect_liveness(&s, FL_BROKEN, "a sequencer that is down has no successor");
    s.consensus = PBFT("pbft");
    s.faults = CRASH("0", "2", "99") ", " CRASH("1", "3", "99");
    expect_liveness(&s, FL_NOT_APPLICABLE, "two of four are down");
}

Test(check_twins, liveness_after_healing)
{
    struct story s = honest;
    s.faults = "\"p\": {\"model\": \"partition\", \"sides\": [[\"v[0]\", \"v[1]\"], [\"v[2]\", "
               "\"v[3]\"]], \"from_s\": 2, \"to_s\": 5}";
    s.liveness = "\"healed_s\": 6, " WITHIN;
    expect_liveness(&s, FL_HOLDS, "a second after the partition");
    s.liveness = "\"healed_s\": 4.9, " WITHIN;
    expect_liveness(&s, FL_NOT_APPLICABLE, "within the partition");
    s.faults = CRASH("3", "2", "4");
    s.liveness = "\"healed_s\": 11.99, " WITHIN;
    expect_liveness(&s, FL_NOT_APPLICABLE, "too close to the end to judge");
    s.liveness = "\"healed_s\": 5, \"within_ms\": 10";
    expect_liveness(&s, FL_BROKEN, "no block comes within two delays");
}

/* One member corrupted or down to the end, and storms of crashes among two others that end at 4 s: by 6 s
 * all have caught up; then a transaction waits for the next block, at worst behind one more view change.
 * One honest replica stays up: the engine keeps no content that no live endpoint wants. */
Test(check_twins, all_hold_after_storms)
{
    static const char *const kinds[] = {"crash", "mute", "equivocate"};
    enum { SEEDS = 60 };
    int64_t judged = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        char faults[1000];
        uint64_t u[8];
        for (uint64_t i = 0; i < 8; i++) u[i] = fl_draw(seed, FL_RNG_TIE, 79, i, 0);
        int n = snprintf(faults, sizeof faults,
                         "\"bad\": {\"model\": \"%s\", \"group\": \"v\", \"members\": [%d], "
                         "\"from_s\": %d.%d, \"to_s\": 99}",
                         kinds[u[0] % 3], (int)(u[1] % 4), (int)(u[2] % 4), (int)(u[2] / 4 % 10));
        for (int storm = 0; storm < 3; storm++) {
            const uint64_t d = u[3 + storm];
            const unsigned from_ms = (unsigned)(d % 3500), member = (unsigned)(d / 4096 % 2);
            const unsigned to_ms = from_ms + 1 + (unsigned)(d / 65536 % (4000 - from_ms));
            n += snprintf(faults + n, sizeof faults - (size_t)n,
                          ", \"storm-%d\": {\"model\": \"crash\", \"group\": \"v\", \"members\": "
                          "[%u], \"from_s\": %u.%03u, \"to_s\": %u.%03u}",
                          storm, (unsigned)(u[1] + 1 + member) % 4, from_ms / 1000, from_ms % 1000,
                          to_ms / 1000, to_ms % 1000);
        }
        struct story s = honest;
        s.faults = faults;
        s.liveness = "\"healed_s\": 6, " WITHIN;
        struct fl_test_run run = tell_on(&s, seed);
        const struct fl_verdict *const v = fl_test_verdict(&run, "liveness");
        cr_expect_eq(v->kind, FL_HOLDS, "seed %" PRIu64 ": %s, %" PRId64 " %" PRId64 "\n%s", seed,
                     v->what, v->value[0], v->value[1], faults);
        judged += fl_test_final(&run, "liveness.applied");
        for (uint32_t i = 0; i < CHECKS; i++)
            cr_expect_eq(verdict(&run, i), FL_HOLDS, "seed %" PRIu64 ": %s\n%s", seed, checks[i],
                         faults);
        fl_test_run_free(&run);
    }
    printf("%" PRId64 " transactions executed in time in %d runs\n", judged, SEEDS);
    cr_expect_gt(judged, SEEDS * 100);
}
