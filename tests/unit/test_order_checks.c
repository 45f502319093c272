/* The checks of order, transactions and progress, each against hand-made stories: the honest one, broken
 * twins that are wrong in one way, and the edges (late records, crashes, full books). Runs of the engine
 * with broken models are in tests/unit/test_check_twins.c.
 *
 * The engine is replaced: fl_watch_honest and its like are answered here. Four replicas 0..3, of which
 * one may be corrupted and one or two may be struck; endpoints 4..7 are their clients, with accounts 0..7,
 * two each. */
#include "models/check/book.h"
#include "models/check/heights.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

extern const struct fl_model fl_model_equal_states, fl_model_validity, fl_model_finality,
    fl_model_certified, fl_model_lock, fl_model_liveness;

/* ------------------------------------------------------------------------------------------------
 * An engine of our own
 * --------------------------------------------------------------------------------------------- */

enum { REPLICAS = 4, ENDPOINTS = 8, ACCOUNTS = 8 };
static const struct fl_facts facts = {.endpoints = ENDPOINTS, .accounts = ACCOUNTS};

struct fl_reader {
    bool corrupted[ENDPOINTS];
    fl_time struck_to[ENDPOINTS]; /* end of the last window; 0: none */
    struct fl_self self[ENDPOINTS];
};

bool fl_watch_honest(const struct fl_watch *watch, uint32_t endpoint)
{
    return endpoint < ENDPOINTS && !watch->view.reader->corrupted[endpoint];
}

bool fl_watch_struck(const struct fl_watch *watch, uint32_t endpoint, fl_time from)
{
    return watch->view.reader->struck_to[endpoint] > from;
}

const struct fl_self *fl_watch_self(const struct fl_watch *watch, uint32_t endpoint)
{
    return endpoint < ENDPOINTS ? &watch->view.reader->self[endpoint] : NULL;
}

struct look {
    const struct fl_model *model;
    struct fl_reader world;
    struct fl_watch watch;
    void *state;
    uint32_t records;
};

static struct fl_self self_of(uint32_t e)
{
    const bool client = e >= REPLICAS;
    return (struct fl_self){.endpoint = {e},
                            .identity = {e},
                            .index = e % REPLICAS,
                            .group_first = client ? REPLICAS : 0,
                            .group_size = REPLICAS,
                            .faulty_max = client ? 0 : 1,
                            .replica = {e % REPLICAS},
                            .account_first = client ? 2 * (e - REPLICAS) : 0,
                            .account_count = client ? 2 : 0,
                            .facts = &facts};
}

/* What is corrupted or struck is said between the two. */
static void look_open(struct look *l, const struct fl_model *model, const void *params)
{
    memset(l, 0, sizeof *l);
    l->model = model;
    for (uint32_t e = 0; e < ENDPOINTS; e++) l->world.self[e] = self_of(e);
    l->watch = (struct fl_watch){
        .params = params, .facts = &facts, .view = {.reader = &l->world, .version = {1}}};
    l->state = calloc(1, model->watch->state_bytes(params, &facts));
}
static void look_init(struct look *l)
{
    if (l->model->watch->init) l->model->watch->init(&l->watch, l->state);
}

static struct fl_verdict look_close(struct look *l)
{
    if (l->model->watch->finish) l->model->watch->finish(&l->watch, l->state);
    const struct fl_verdict v = l->model->watch->verdict(l->watch.params, l->state);
    free(l->state);
    return v;
}

static uint32_t see(struct look *l, uint16_t kind, uint32_t endpoint,
                    const int64_t v[FL_RECORD_VALUES])
{
    struct fl_record r = {.at = l->watch.now, .endpoint = endpoint, .kind = kind};
    memcpy(r.v, v, sizeof r.v);
    l->model->watch->record(&l->watch, l->state, ++l->records, &r);
    return l->records;
}
#define SEE(l, kind, endpoint, ...) \
    see(l, kind, endpoint, (const int64_t[FL_RECORD_VALUES]){__VA_ARGS__})

static int64_t observed(const struct look *l, const char *name)
{
    int64_t out[16];
    l->model->watch->observe(l->watch.params, l->state, out);
    for (uint32_t i = 0; l->model->observables[i].name; i++)
        if (strcmp(l->model->observables[i].name, name) == 0) return out[i];
    cr_assert_fail("%s", name);
    return 0;
}

/* Payload `p` has the digest (p, -p); the block at height h of the one chain has 100 + h. */
static uint32_t decided(struct look *l, uint32_t e, int64_t h, int64_t p)
{
    return SEE(l, FL_RECORD_DECIDED, e, h, e, p, -p);
}
static uint32_t applied(struct look *l, uint32_t e, int64_t h, int64_t p, int64_t parent)
{
    return SEE(l, FL_RECORD_APPLIED, e, h, e, 1000 + p, p, parent, 0);
}
static uint32_t locked(struct look *l, uint32_t e, int64_t h, int64_t view, int64_t p)
{
    return SEE(l, FL_RECORD_LOCKED, e, h, e, view, p, -p);
}
static uint32_t certified(struct look *l, uint32_t e, int64_t h, int64_t view, int64_t p)
{
    return SEE(l, FL_RECORD_CERTIFIED, e, h, e, view, p, -p);
}
static int64_t parent_of(int64_t h)
{
    return h == 1 ? 0 : 100 + h - 1;
}

/* Heights 1..to at all replicas, in view h / 10; what replica 2 says is nonsense if it is corrupted. */
static void honest_chain(struct look *l, int64_t to)
{
    for (int64_t h = 1; h <= to; h++)
        for (uint32_t e = 0; e < REPLICAS; e++) {
            const int64_t p = l->world.corrupted[e] ? 666 - h : 100 + h;
            SEE(l, FL_RECORD_BLOCK, 0, h, 0, 5, 100 + h, -(100 + h));
            locked(l, e, h, h / 10, p);
            certified(l, e, h, h / 10, p);
            decided(l, e, l->world.corrupted[e] ? 1 : h, p);
            applied(l, e, l->world.corrupted[e] ? 1 : h, p, parent_of(h));
        }
}

/* ------------------------------------------------------------------------------------------------
 * All that look at the chain
 * --------------------------------------------------------------------------------------------- */

static const struct fl_model *const chain_checks[] = {&fl_model_equal_states, &fl_model_validity,
                                                      &fl_model_finality, &fl_model_certified,
                                                      &fl_model_lock};
enum { CHAIN_CHECKS = sizeof chain_checks / sizeof *chain_checks };

Test(order_checks, hold_on_an_honest_chain)
{
    for (uint32_t i = 0; i < CHAIN_CHECKS; i++)
        for (int corrupted = 0; corrupted < 2; corrupted++) {
            struct look l;
            look_open(&l, chain_checks[i], NULL);
            l.world.corrupted[2] = corrupted; /* a liar does not count */
            look_init(&l);
            honest_chain(&l, 10000);
            const struct fl_verdict v = look_close(&l);
            cr_expect_eq(v.kind, FL_HOLDS, "%s: %s", l.model->name, v.what);
            cr_expect_geq(v.value[0], 10000, "%s", l.model->name);
        }
}

Test(order_checks, say_nothing_of_nothing)
{
    for (uint32_t i = 0; i < CHAIN_CHECKS; i++) {
        struct look l;
        look_open(&l, chain_checks[i], NULL);
        l.world.corrupted[2] = true;
        look_init(&l);
        SEE(&l, FL_RECORD_BLOCK, 0, 1, 0, 5, 1, 1);
        decided(&l, 2, 1, 7);
        applied(&l, 2, 1, 7, 0);
        locked(&l, 2, 1, 0, 7);
        certified(&l, 2, 1, 0, 7);
        cr_expect_eq(look_close(&l).kind, FL_NOT_APPLICABLE, "%s", l.model->name);
    }
}

static void expect_broken(struct look *l, uint32_t record, int64_t height, const char *words)
{
    const fl_time now = l->watch.now;
    const struct fl_verdict v = look_close(l);
    cr_expect_eq(v.kind, FL_BROKEN, "%s, %s", l->model->name, words);
    cr_expect_eq(v.record, record, "%s, %s", l->model->name, words);
    cr_expect_eq(v.value[0], height, "%s, %s", l->model->name, words);
    cr_expect_eq(v.at, now, "%s, %s", l->model->name, words);
    cr_expect(strstr(v.what, words) != NULL, "%s: %s", l->model->name, v.what);
}

static void after_chain(struct look *l, const struct fl_model *model, int64_t to)
{
    look_open(l, model, NULL);
    look_init(l);
    honest_chain(l, to);
    l->watch.now = 2385;
}

/* ------------------------------------------------------------------------------------------------
 * Equal states
 * --------------------------------------------------------------------------------------------- */

Test(equal_states, twin_two_states_of_one_block)
{
    struct look l;
    after_chain(&l, &fl_model_equal_states, 7);
    SEE(&l, FL_RECORD_APPLIED, 0, 8, 0, 55, 108, 107);
    const uint32_t bad = SEE(&l, FL_RECORD_APPLIED, 3, 8, 3, 56, 108, 107);
    expect_broken(&l, bad, 8, "differ");
}

Test(equal_states, what_is_too_old_is_counted)
{
    struct look l;
    look_open(&l, &fl_model_equal_states, NULL);
    for (int64_t h = 1; h <= 4097; h++) applied(&l, 0, h, 100 + h, parent_of(h));
    applied(&l, 1, 2, 102, 101); /* still kept */
    applied(&l, 1, 1, 99, 0);
    applied(&l, 1, -5, 99, 0); /* no height at all */
    cr_expect_eq(observed(&l, "equal_states.late"), 1);
    cr_expect_eq(look_close(&l).kind, FL_HOLDS);
}

/* ------------------------------------------------------------------------------------------------
 * Finality
 * --------------------------------------------------------------------------------------------- */

Test(finality, twins)
{
    struct look l;
    after_chain(&l, &fl_model_finality, 20);
    expect_broken(&l, decided(&l, 3, 20, 120), 20, "goes back"); /* even if it is the same */

    after_chain(&l, &fl_model_finality, 20);
    expect_broken(&l, decided(&l, 3, 22, 122), 22, "leaves out");

    after_chain(&l, &fl_model_finality, 20);
    expect_broken(&l, applied(&l, 1, 13, 113, 112), 13, "goes back");

    after_chain(&l, &fl_model_finality, 20);
    expect_broken(&l, applied(&l, 1, 22, 122, 121), 22, "leaves out");

    after_chain(&l, &fl_model_finality, 20);
    expect_broken(&l, applied(&l, 1, 21, 121, 119), 21, "replaces");

    after_chain(&l, &fl_model_finality, 20); /* a snapshot of an earlier state */
    expect_broken(&l, SEE(&l, FL_RECORD_APPLIED, 1, 15, 1, 1115, 115, 114, 1), 15, "goes back");
}

Test(finality, the_first_violation_is_named_and_all_are_counted)
{
    struct look l;
    after_chain(&l, &fl_model_finality, 20);
    const uint32_t first = decided(&l, 0, 5, 105);
    decided(&l, 0, 5, 105);
    decided(&l, 1, 1, 101);
    cr_expect_eq(observed(&l, "finality.reversals"), 3);
    expect_broken(&l, first, 5, "goes back");
}

/* Who takes over a snapshot goes on from there, whether or not it says that this height is decided. */
Test(finality, a_snapshot_is_no_gap)
{
    for (int says = 0; says < 2; says++) {
        struct look l;
        after_chain(&l, &fl_model_finality, 20);
        SEE(&l, FL_RECORD_APPLIED, 1, 50, 1, 1150, 150, 120, 1);
        if (says) decided(&l, 1, 50, 150);
        decided(&l, 1, 51, 151);
        applied(&l, 1, 51, 151, 150);
        cr_expect_eq(observed(&l, "finality.snapshots"), 1);
        cr_expect_eq(look_close(&l).kind, FL_HOLDS);

        after_chain(&l, &fl_model_finality, 20); /* but it must go on from there */
        SEE(&l, FL_RECORD_APPLIED, 1, 50, 1, 1150, 150, 120, 1);
        if (says) decided(&l, 1, 50, 150);
        expect_broken(&l, decided(&l, 1, 49 + 3 * says, 149), 49 + 3 * says,
                      says ? "leaves out" : "goes back");
    }
}

/* ------------------------------------------------------------------------------------------------
 * Certified chain
 * --------------------------------------------------------------------------------------------- */

Test(certified, twins)
{
    struct look l;
    after_chain(&l, &fl_model_certified, 20);
    certified(&l, 0, 21, 3, 121);
    expect_broken(&l, certified(&l, 1, 21, 5, 122), 21, "two payloads are certified");

    after_chain(&l, &fl_model_certified, 20);
    locked(&l, 0, 21, 3, 121);
    locked(&l, 1, 21, 4, 122); /* another view: no contradiction by itself */
    locked(&l, 2, 21, 7, 122); /* one that shares its place with view 3 */
    expect_broken(&l, locked(&l, 2, 21, 4, 121), 21, "prepared in one view");

    after_chain(&l, &fl_model_certified, 20);
    expect_broken(&l, applied(&l, 1, 21, 121, 120), 21, "executed at height {0} is not");

    after_chain(&l, &fl_model_certified, 20);
    certified(&l, 0, 21, 2, 121);
    expect_broken(&l, applied(&l, 1, 21, 121, 119), 21, "parent");

    look_open(&l, &fl_model_certified, NULL);
    certified(&l, 0, 1, 0, 101);
    expect_broken(&l, applied(&l, 0, 1, 101, 5), 1, "parent"); /* genesis has no digest */
}

/* The high half of a digest counts, too. */
Test(certified, twin_digests_differ_in_the_high_half)
{
    struct look l;
    after_chain(&l, &fl_model_certified, 20);
    SEE(&l, FL_RECORD_CERTIFIED, 0, 21, 0, 1, 5, 6);
    expect_broken(&l, SEE(&l, FL_RECORD_CERTIFIED, 1, 21, 1, 1, 5, 7), 21, "certified");
}

Test(certified, what_is_too_old_is_counted)
{
    struct look l;
    after_chain(&l, &fl_model_certified, 4097);
    certified(&l, 0, 1, 3, 999);
    locked(&l, 0, 1, 3, 999);
    locked(&l, 0, 4000, 500, 100); /* a view that shares its place with 400, which is forgotten */
    locked(&l, 0, 4000, 400, 999);
    applied(&l, 0, 1, 999, 0);
    cr_expect_eq(observed(&l, "certified.late"), 4);
    cr_expect_eq(look_close(&l).kind, FL_HOLDS);
}

/* Who takes over a snapshot has not seen the blocks before it; the snapshot's own must be certified. */
Test(certified, snapshots)
{
    struct look l;
    after_chain(&l, &fl_model_certified, 20);
    certified(&l, 0, 40, 1, 140);
    SEE(&l, FL_RECORD_APPLIED, 1, 40, 1, 1140, 140, 120, 1);
    certified(&l, 0, 41, 1, 141);
    applied(&l, 1, 41, 141, 140);
    cr_expect_eq(look_close(&l).kind, FL_HOLDS);

    after_chain(&l, &fl_model_certified, 20);
    expect_broken(&l, SEE(&l, FL_RECORD_APPLIED, 1, 40, 1, 1140, 140, 120, 1), 40,
                  "executed at height {0} is not");
}

/* Without certificates nothing can be said of what is executed. */
Test(certified, does_not_apply_to_a_protocol_that_notes_none)
{
    struct look l;
    look_open(&l, &fl_model_certified, NULL);
    for (int64_t h = 1; h < 9; h++) applied(&l, 0, h, 100 + h, parent_of(h));
    cr_expect_eq(look_close(&l).kind, FL_NOT_APPLICABLE);
}

/* ------------------------------------------------------------------------------------------------
 * Locks
 * --------------------------------------------------------------------------------------------- */

Test(lock, twins)
{
    struct look l;
    after_chain(&l, &fl_model_lock, 20);
    locked(&l, 1, 21, 5, 121);
    expect_broken(&l, locked(&l, 1, 21, 4, 121), 21, "older view");

    after_chain(&l, &fl_model_lock, 20);
    locked(&l, 1, 21, 5, 121);
    expect_broken(&l, locked(&l, 1, 21, 5, 122), 21, "one view");

    after_chain(&l, &fl_model_lock, 20);
    certified(&l, 1, 21, 5, 121);
    expect_broken(&l, locked(&l, 0, 21, 6, 122), 21, "against the decision");

    after_chain(&l, &fl_model_lock, 20); /* the certificate is complete only afterwards */
    locked(&l, 0, 21, 6, 122);
    expect_broken(&l, certified(&l, 1, 21, 5, 121), 21, "against the decision");

    after_chain(&l, &fl_model_lock, 20); /* and the lock that matters is not the newest */
    locked(&l, 0, 21, 6, 122);
    locked(&l, 1, 21, 9, 121);
    expect_broken(&l, certified(&l, 1, 21, 5, 121), 21, "against the decision");
}

/* A replica may change its mind in a later view, as long as nothing is decided; what was locked in an
 * older view than the decision's is no contradiction. */
Test(lock, changes_before_a_decision_are_no_violation)
{
    struct look l;
    after_chain(&l, &fl_model_lock, 20);
    locked(&l, 0, 21, 2, 121);
    locked(&l, 0, 21, 3, 122);
    locked(&l, 0, 21, 4, 123);
    locked(&l, 1, 21, 3, 122);
    certified(&l, 1, 21, 4, 123);
    locked(&l, 2, 21, 5, 123);
    cr_expect_eq(look_close(&l).kind, FL_HOLDS);
}

/* Against a slow twin that keeps every lock and certificate, on random stories of three payloads. */
Test(lock, agrees_with_a_slow_twin)
{
    enum { STEPS = 12 };
    uint32_t broken = 0;
    for (uint64_t seed = 1; seed <= 20000; seed++) {
        struct look l;
        look_open(&l, &fl_model_lock, NULL);
        look_init(&l);
        struct {
            bool certified;
            int64_t e, view, p;
        } step[STEPS];
        bool wrong = false;
        for (uint64_t i = 0; i < STEPS; i++) {
            const uint64_t u = fl_draw(seed, FL_RNG_TIE, 77, i, 0);
            step[i].certified = u % 8 == 0;
            step[i].e = (int64_t)(u / 8 % 4);
            step[i].view = (int64_t)i / 3 + (int64_t)(u / 32 % 3);
            step[i].p = 1 + (int64_t)(u / 97 % 3);
            for (uint64_t j = 0; j <= i; j++) {
                for (uint64_t k = 0; k <= i; k++)
                    wrong |= step[j].certified && !step[k].certified &&
                             step[k].view >= step[j].view && step[k].p != step[j].p;
            }
            if (step[i].certified)
                certified(&l, (uint32_t)step[i].e, 5, step[i].view, step[i].p);
            else
                locked(&l, (uint32_t)step[i].e, 5, step[i].view, step[i].p);
        }
        for (uint64_t i = 0; i < STEPS; i++) /* the last lock of each before it */
            for (uint64_t j = i; j-- > 0;) {
                if (step[i].certified || step[j].certified || step[i].e != step[j].e) continue;
                wrong |= step[i].view < step[j].view ||
                         (step[i].view == step[j].view && step[i].p != step[j].p);
                break;
            }
        broken += wrong;
        cr_assert_eq(look_close(&l).kind == FL_BROKEN, wrong, "seed %" PRIu64, seed);
    }
    cr_expect(broken > 1000 && broken < 19999, "%u of 20000 are broken", broken);
}

Test(lock, what_is_too_old_is_counted)
{
    struct look l;
    after_chain(&l, &fl_model_lock, 8193); /* of its own locks an endpoint has 65536 / 8 kept */
    locked(&l, 0, 4097, 999, 999);         /* of all only 4096 */
    cr_expect_eq(observed(&l, "lock.late"), 1);
    locked(&l, 0, 1, 0, 101);
    cr_expect_eq(observed(&l, "lock.late"), 3);
    cr_expect_eq(look_close(&l).kind, FL_HOLDS);
}

/* ------------------------------------------------------------------------------------------------
 * Transactions
 * --------------------------------------------------------------------------------------------- */

static uint32_t handed_in(struct look *l, uint32_t client, int64_t account, int64_t nonce,
                          int64_t copy)
{
    return SEE(l, FL_RECORD_TX, client, account, nonce, 3, 4, copy);
}

static struct fl_receipt receipt(uint32_t account, uint64_t nonce, enum fl_tx_status status)
{
    return (struct fl_receipt){
        .account = account, .nonce = nonce, .contract = 3, .kind = 4, .status = status};
}

/* A block at `height` with one transaction. */
static void execute(struct look *l, uint64_t height, struct fl_receipt t)
{
    struct fl_watch watch = l->watch;
    watch.height = height;
    watch.receipts = &t;
    watch.receipt_count = 1;
    l->model->watch->executed(&watch, l->state, NULL, 0);
}

/* ------------------------------------------------------------------------------------------------
 * Validity
 * --------------------------------------------------------------------------------------------- */

Test(validity, twin_nobody_proposed_what_is_decided)
{
    struct look l;
    after_chain(&l, &fl_model_validity, 20);
    expect_broken(&l, decided(&l, 0, 21, 121), 21, "nobody proposed");

    after_chain(&l, &fl_model_validity, 20); /* somebody did, at another height; half a digest */
    SEE(&l, FL_RECORD_BLOCK, 0, 22, 0, 5, 121, -121);
    SEE(&l, FL_RECORD_BLOCK, 0, 21, 0, 5, 121, 121);
    expect_broken(&l, decided(&l, 0, 21, 121), 21, "nobody proposed");

    after_chain(&l, &fl_model_validity,
                20); /* a crash alters nothing; the market is no consensus */
    l.world.corrupted[2] = true;
    SEE(&l, FL_RECORD_SUPPRESSED, 1, 0, 1, FL_CONSENSUS, 1, 21, 0);
    SEE(&l, FL_RECORD_SUPPRESSED, 2, 0, 2, FL_MARKET, 1, 21, 0);
    SEE(&l, FL_RECORD_SUPPRESSED, 2, 0, 2, FL_CONSENSUS, 1, 22, 0);
    expect_broken(&l, decided(&l, 0, 21, 121), 21, "nobody proposed");
}

Test(validity, what_corrupted_members_propose_is_excused)
{
    struct look l;
    look_open(&l, &fl_model_validity, NULL);
    l.world.corrupted[2] = true;
    look_init(&l);
    honest_chain(&l, 20);
    SEE(&l, FL_RECORD_SUPPRESSED, 2, 0, 2, FL_CONSENSUS, 1, 21, 0);
    decided(&l, 0, 21, 121);
    decided(&l, 0, 22, 0); /* the null request */
    for (int64_t p = 1; p <= 9; p++) SEE(&l, FL_RECORD_BLOCK, 0, 23, 0, 5, p, -p);
    decided(&l, 0, 23, 9);
    decided(&l, 0, 23, 1); /* proposed, but so long ago that it is forgotten */
    cr_expect_eq(observed(&l, "validity.foreign"), 1);
    cr_expect_eq(observed(&l, "validity.late"), 1);
    cr_expect_eq(look_close(&l).kind, FL_HOLDS);
}

Test(validity, transactions_handed_in_and_executed_once)
{
    struct look l;
    look_open(&l, &fl_model_validity, NULL);
    l.world.corrupted[7] = true; /* a client that need not say what it hands in */
    look_init(&l);
    l.watch.height = 0;
    for (int64_t n = 1; n <= 100; n++) {
        handed_in(&l, 4, 1, n, 0);
        handed_in(&l, 4, 1, n, 1); /* handed in again */
    }
    for (uint64_t n = 100; n > 0; n--)
        execute(&l, 101 - n, receipt(1, n, n % 2 ? FL_TX_OK : FL_TX_REVERTED));
    execute(&l, 101, receipt(1, 50, FL_TX_INVALID)); /* not executed again */
    execute(&l, 101, receipt(5, 50, FL_TX_INVALID)); /* nor is a forged one */
    execute(&l, 102, receipt(7, 50, FL_TX_OK));
    const struct fl_verdict v = look_close(&l);
    cr_expect_eq(v.kind, FL_HOLDS, "%s", v.what);
    cr_expect_eq(v.value[1], 101);
}

Test(validity, twins_of_transactions)
{
    struct look l;
    after_chain(&l, &fl_model_validity, 1);
    execute(&l, 5, receipt(1, 1, FL_TX_OK));
    expect_broken(&l, FL_NO_RECORD, 5, "did not hand in");

    after_chain(&l, &fl_model_validity, 1); /* somebody else's hand */
    handed_in(&l, 5, 1, 1, 0);
    execute(&l, 5, receipt(1, 1, FL_TX_REVERTED));
    expect_broken(&l, FL_NO_RECORD, 5, "did not hand in");

    after_chain(&l, &fl_model_validity, 1);
    uint32_t record = handed_in(&l, 4, 1, 1, 0);
    execute(&l, 5, receipt(1, 1, FL_TX_OK));
    execute(&l, 6, receipt(1, 1, FL_TX_OK));
    expect_broken(&l, record, 6, "once more");

    after_chain(&l, &fl_model_validity, 1);
    record = handed_in(&l, 4, 1, 1, 0);
    struct fl_receipt other = receipt(1, 1, FL_TX_OK);
    other.kind = 5;
    execute(&l, 5, other);
    expect_broken(&l, record, 5, "otherwise");

    look_open(&l, &fl_model_validity, NULL); /* nor may a corrupted client be executed twice */
    l.world.corrupted[7] = true;
    look_init(&l);
    execute(&l, 5, receipt(7, 1, FL_TX_OK));
    execute(&l, 6, receipt(7, 1, FL_TX_OK));
    expect_broken(&l, FL_NO_RECORD, 6, "once more");
}

/* What was handed in 65,536 transactions ago is forgotten: nothing is said of it. */
Test(validity, a_full_book_accuses_nobody)
{
    struct look l;
    look_open(&l, &fl_model_validity, NULL);
    look_init(&l);
    for (int64_t n = 0; n <= FL_BOOK_TXS; n++) handed_in(&l, 4, 1, n, 0);
    execute(&l, 1, receipt(1, 0, FL_TX_OK)); /* forgotten; takes the place of 1 */
    execute(&l, 2, receipt(1, 2, FL_TX_OK));
    execute(&l, 3, receipt(1, FL_BOOK_TXS, FL_TX_OK));
    cr_expect_eq(observed(&l, "validity.late"), 1);
    cr_expect_eq(look_close(&l).kind, FL_HOLDS);
}

/* The index against a plain array, as transactions come and go. */
Test(book, agrees_with_a_slow_twin)
{
    struct fl_book *const book = calloc(1, sizeof *book);
    enum { ACCOUNT = 40, NONCE = 5000 };
    static uint64_t added[ACCOUNT][NONCE]; /* 1 + number of its addition; 0: not in the book */
    for (uint64_t i = 0; i < 400000; i++) {
        const uint64_t u = fl_draw(3, FL_RNG_TIE, 78, i, 0);
        const uint32_t account = (uint32_t)(u % ACCOUNT), nonce = (uint32_t)(u / ACCOUNT % NONCE);
        uint64_t *const slow = &added[account][nonce];
        struct fl_booked *const b = fl_book_find(book, account, nonce);
        const bool kept = *slow != 0 && *slow + FL_BOOK_TXS > book->count;
        cr_assert_eq(b != NULL, kept, "step %" PRIu64, i);
        if (b && u >> 60 == 0) {
            fl_book_forget(book, b);
            *slow = 0;
        } else if (!b) {
            fl_book_add(book, account, nonce);
            *slow = book->count;
        }
    }
    cr_expect_gt(book->count, 2 * FL_BOOK_TXS);
    free(book);
}

/* ------------------------------------------------------------------------------------------------
 * Liveness
 * --------------------------------------------------------------------------------------------- */

struct liveness_params {
    uint32_t group, zero;
    fl_time healed, within;
};
static const struct liveness_params bound = {
    .group = 0, .healed = 10 * FL_SECOND, .within = 5 * FL_SECOND};

static void at(struct look *l, double seconds)
{
    l->watch.now = (fl_time)(seconds * 1e9);
}

static void all_apply(struct look *l, int64_t height)
{
    for (uint32_t e = 0; e < REPLICAS; e++) applied(l, e, height, 100 + height, 99 + height);
}

Test(liveness, the_slowest_replica_counts)
{
    struct look l;
    look_open(&l, &fl_model_liveness, &bound);
    look_init(&l);
    at(&l, 9.9);
    handed_in(&l, 4, 0, 1, 0); /* before healing: nothing is promised */
    at(&l, 10);
    handed_in(&l, 4, 0, 2, 0);
    handed_in(&l, 4, 0, 1, 1); /* again, what was first handed in before */
    at(&l, 11);
    handed_in(&l, 5, 2, 7, 0);
    execute(&l, 3, receipt(0, 2, FL_TX_REVERTED)); /* reverted is executed */
    execute(&l, 4, receipt(2, 7, FL_TX_OK));
    for (uint32_t e = 0; e < 3; e++) {
        applied(&l, e, 3, 103, 102);
        applied(&l, e, 4, 104, 103);
    }
    at(&l, 15);
    applied(&l, 3, 3, 103, 102);
    cr_expect_eq(observed(&l, "liveness.applied"), 1);
    at(&l, 15.5);
    applied(&l, 3, 4, 104, 103);
    cr_expect_eq(observed(&l, "liveness.applied"), 2);
    at(&l, 18);
    handed_in(&l, 6, 4, 1, 0); /* the run ends before its time is over */
    at(&l, 23);
    cr_expect_eq(observed(&l, "liveness.worst"), 5 * FL_SECOND);
    const struct fl_verdict v = look_close(&l);
    cr_expect_eq(v.kind, FL_HOLDS, "%s", v.what);
    cr_expect_eq(v.value[0], 2);
    cr_expect_eq(v.value[1], 5 * FL_SECOND);
}

static void expect_late(struct look *l, uint32_t record, fl_time deadline, int64_t count)
{
    const struct fl_verdict v = look_close(l);
    cr_expect_eq(v.kind, FL_BROKEN, "%s", v.what);
    cr_expect_eq(v.record, record);
    cr_expect_eq(v.at, deadline);
    cr_expect_eq(v.value[0], count);
    cr_expect_eq(v.value[1], bound.within);
}

Test(liveness, twins)
{
    struct look l;
    look_open(&l, &fl_model_liveness, &bound); /* never executed */
    look_init(&l);
    at(&l, 12);
    handed_in(&l, 4, 0, 1, 0);
    const uint32_t lost = handed_in(&l, 4, 0, 2, 0);
    execute(&l, 1, receipt(0, 1, FL_TX_OK));
    execute(&l, 1, receipt(0, 2, FL_TX_INVALID)); /* that is not execution */
    all_apply(&l, 1);
    at(&l, 18);
    expect_late(&l, lost, 17 * FL_SECOND, 1);

    look_open(&l, &fl_model_liveness, &bound); /* one replica stays behind */
    look_init(&l);
    at(&l, 12);
    const uint32_t first = handed_in(&l, 4, 0, 1, 0);
    handed_in(&l, 5, 2, 1, 0);
    execute(&l, 1, receipt(0, 1, FL_TX_OK));
    execute(&l, 1, receipt(2, 1, FL_TX_OK));
    for (uint32_t e = 1; e < REPLICAS; e++) applied(&l, e, 1, 101, 0);
    at(&l, 17.5);
    expect_late(&l, first, 17 * FL_SECOND, 2);

    look_open(&l, &fl_model_liveness, &bound); /* all do it, a moment too late */
    look_init(&l);
    at(&l, 12);
    const uint32_t late = handed_in(&l, 4, 0, 1, 0);
    execute(&l, 1, receipt(0, 1, FL_TX_OK));
    l.watch.now = 17 * FL_SECOND + 1;
    all_apply(&l, 1);
    expect_late(&l, late, 17 * FL_SECOND, 1);
}

/* Who has failed is not waited for, its clients are not judged, and beyond the budget nothing is. */
Test(liveness, what_the_budget_grants)
{
    for (int failed = 0; failed < 3; failed++)
        for (int crash = 0; crash < 2; crash++) {
            struct look l;
            look_open(&l, &fl_model_liveness, &bound);
            for (int e = 0; e < failed; e++) {
                if (crash)
                    l.world.struck_to[3 - e] = bound.healed + 1;
                else
                    l.world.corrupted[3 - e] = true;
            }
            l.world.struck_to[0] = bound.healed; /* has healed */
            look_init(&l);
            at(&l, 12);
            handed_in(&l, 7, 6, 1, 0); /* a client of replica 3: never executed */
            handed_in(&l, 4, 0, 1, 0);
            execute(&l, 1, receipt(0, 1, FL_TX_OK));
            for (uint32_t e = 0; e < 3; e++) applied(&l, e, 1, 101, 0);
            at(&l, 20);
            const struct fl_verdict v = look_close(&l);
            cr_expect_eq(v.kind,
                         failed == 0   ? FL_BROKEN
                         : failed == 1 ? FL_HOLDS
                                       : FL_NOT_APPLICABLE,
                         "%d failed: %s", failed, v.what);
            if (failed == 2) cr_expect(v.value[0] == 2 && v.value[1] == 1);
        }
}

Test(liveness, clients_that_fail_are_not_judged)
{
    struct look l;
    look_open(&l, &fl_model_liveness, &bound);
    l.world.corrupted[4] = true;
    l.world.struck_to[5] = bound.healed + 1;
    look_init(&l);
    at(&l, 12);
    handed_in(&l, 4, 0, 1, 0);
    handed_in(&l, 5, 2, 1, 0);
    at(&l, 30);
    cr_expect_eq(look_close(&l).kind, FL_NOT_APPLICABLE);
}

/* A client is judged by the replica it hands in to, at that moment: it may turn to another. */
Test(liveness, clients_that_turn_to_another_replica)
{
    struct look l;
    look_open(&l, &fl_model_liveness, &bound);
    l.world.corrupted[3] = true;
    look_init(&l);
    at(&l, 12);
    handed_in(&l, 7, 6, 1, 0);
    l.world.self[7].replica.i = 2;
    const uint32_t lost = handed_in(&l, 7, 6, 2, 0);
    at(&l, 30);
    expect_late(&l, lost, 17 * FL_SECOND, 1);
}

/* A replica that takes over a later state has executed all before it. */
Test(liveness, a_snapshot_is_as_good)
{
    struct look l;
    look_open(&l, &fl_model_liveness, &bound);
    look_init(&l);
    at(&l, 12);
    handed_in(&l, 4, 0, 1, 0);
    execute(&l, 1, receipt(0, 1, FL_TX_OK));
    for (uint32_t e = 0; e < 3; e++) applied(&l, e, 1, 101, 0);
    SEE(&l, FL_RECORD_APPLIED, 3, 9, 3, 1109, 109, 108, 1);
    at(&l, 30);
    cr_expect_eq(look_close(&l).kind, FL_HOLDS);
}

/* A chain that stands still while clients go on: the book overflows, and what is given up after its time
 * counts as late, before it as untracked. */
Test(liveness, a_full_book_gives_up_the_oldest)
{
    for (int executed = 0; executed < 2; executed++) {
        struct look l;
        look_open(&l, &fl_model_liveness, &bound);
        look_init(&l);
        at(&l, 12);
        const uint32_t first = handed_in(&l, 4, 0, 0, 0);
        for (int64_t n = 1; n < FL_BOOK_TXS + 10; n++) {
            if (executed) execute(&l, 1, receipt(0, (uint64_t)n - 1, FL_TX_OK));
            handed_in(&l, 4, 0, n, 0);
        }
        cr_expect_eq(observed(&l, "liveness.untracked"), 10);
        at(&l, 18);
        for (int64_t n = 0; n < 20; n++) {
            handed_in(&l, 4, 1, n, 0);
            if (executed) execute(&l, 2, receipt(1, (uint64_t)n, FL_TX_OK));
        }
        cr_expect_eq(observed(&l, "liveness.untracked"), 10);
        cr_expect_eq(observed(&l, "liveness.late"), 20);
        expect_late(&l, first + 10, 17 * FL_SECOND, FL_BOOK_TXS);
    }
}
