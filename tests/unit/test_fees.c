/* What block space costs, from the ledger's books to the replica's header: a replica and a ledger driven
 * by hand, and whole chains under load. */
#include "models/chain/base_fee.h"
#include "models/wire.h"
#include "sim/state.h"
#include "tests/lib/run.h"

#include "tests/lib/ledger_fixture.h"

#include <inttypes.h>

/* ------------------------------------------------------------------------------------------------
 * The ledger charges
 * --------------------------------------------------------------------------------------------- */

enum { GOOD = 1, BAD };

static void no_tables(const void *params, const struct fl_facts *facts, struct fl_table *out)
{
    (void)params;
    (void)facts;
    out[0] = (struct fl_table){"nothing", 8, 1};
}

static enum fl_tx_status do_nothing(struct fl_exec *exec, const struct fl_tx *tx, uint32_t *code)
{
    (void)exec;
    *code = tx->kind == GOOD ? 0 : FL_REFUSED_ARGUMENT;
    return tx->kind == GOOD ? FL_TX_OK : FL_TX_REVERTED;
}

static const struct fl_contract idle = {
    .table_count = 1, .tables = no_tables, .execute = do_nothing};
static const struct fl_model idle_model = {
    .name = "idle", .family = FL_CONTRACT, .contract = &idle};

static struct lab *open_lab(void)
{
    struct lab *lab = calloc(1, sizeof *lab);
    cr_assert(lab);
    lab_group(lab, 4);
    lab_contract(lab, &idle_model, NULL);
    lab_open(lab);
    return lab;
}

static void close_lab(struct lab *lab)
{
    lab_close(lab);
    free(lab);
}

static void bid(struct lab *lab, uint32_t account, uint16_t kind, int64_t fee_cap, int64_t tip)
{
    struct fl_tx *tx = lab_tx(lab, account, 0, kind, 0, 0, 0);
    tx->fee_cap = fee_cap;
    tx->tip = tip;
    lab_sign(lab, tx);
}

static struct fl_sender sender(const struct lab *lab, uint32_t account)
{
    struct fl_sender out;
    lab_ask(lab, FL_LEDGER, FL_ASK_SENDER, account, &out, sizeof out);
    return out;
}

static struct fl_space space(const struct lab *lab)
{
    struct fl_space out;
    lab_ask(lab, FL_LEDGER, FL_ASK_SPACE, 0, &out, sizeof out);
    return out;
}

/* Base fee 700: who bids 2385 at most and a tip of 300 pays 1000; who bids 900 and as much a tip
 * pays 900. What is refused pays as well; what does not cover the base fee is not there at all. */
Test(fees, the_ledger_charges_good_and_refused_alike)
{
    struct lab *lab = open_lab();
    lab_begin(lab, 3);
    lab->batch.header.base_fee = 700;
    bid(lab, 1, GOOD, 2385, 300);
    bid(lab, 1, BAD, 2385, 300);
    bid(lab, 2, BAD, 900, 900);
    bid(lab, 3, GOOD, 699, 300);
    bid(lab, 0, GOOD, 700, 0);
    lab_run(lab);
    static const uint32_t status[] = {FL_TX_OK, FL_TX_REVERTED, FL_TX_REVERTED, FL_TX_INVALID,
                                      FL_TX_OK};
    for (int i = 0; i < 5; i++) cr_expect_eq(lab->done.receipts[i].status, status[i], "%d", i);
    static const struct fl_sender expected[] = {
        {.nonce = 1, .used = 1, .paying = 1, .burned = 700},
        {.nonce = 2, .used = 3, .paying = 2, .refused = 1, .burned = 1400, .tips = 600},
        {.nonce = 1, .used = 1, .paying = 1, .refused = 1, .burned = 700, .tips = 200},
        {0},
    };
    for (uint32_t i = 0; i < 4; i++) {
        const struct fl_sender found = sender(lab, i);
        cr_expect_eq(memcmp(&found, &expected[i], sizeof found), 0, "account %u", i);
    }
    struct fl_space sold = space(lab);
    cr_expect(sold.base_fee == 700 && sold.txs == 4 && sold.burned == 2800 && sold.tips == 800);

    /* The next block is free: only tips, and sums go on. */
    lab_begin(lab, 4);
    bid(lab, 3, GOOD, 699, 300);
    bid(lab, 3, GOOD, 0, 0);
    lab_run(lab);
    sold = space(lab);
    cr_expect(sold.base_fee == 0 && sold.txs == 2 && sold.burned == 2800 && sold.tips == 1100);
    const struct fl_sender third = sender(lab, 3);
    cr_expect(third.paying == 1 && third.tips == 300 && third.burned == 0 && third.nonce == 3);
    close_lab(lab);
}

Test(fees, unsound_bids_leave_no_trace)
{
    static const struct {
        int64_t fee_cap, tip;
        bool sound;
    } cases[] = {{0, 0, true},
                 {5, 5, true},
                 {FL_FEE_MAX, FL_FEE_MAX, true},
                 {5, 6, false},
                 {5, -1, false},
                 {-1, -1, false},
                 {FL_FEE_MAX + 1, 0, false},
                 {INT64_MIN, INT64_MIN, false}};
    struct lab *lab = open_lab();
    lab_begin(lab, 3);
    lab_run(lab);
    const struct fl_digest empty = lab->done.state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lab->head = fl_ledger_base(lab->ledger);
        lab_begin(lab, 3);
        bid(lab, 2, GOOD, cases[i].fee_cap, cases[i].tip);
        lab->batch.tx[0].nonce = 1;
        lab_sign(lab, &lab->batch.tx[0]);
        lab_run(lab);
        cr_expect_eq(lab->done.receipts[0].status, cases[i].sound ? FL_TX_OK : FL_TX_INVALID, "%zu",
                     i);
        cr_expect_eq(fl_digest_equal(lab->done.state, empty), !cases[i].sound, "%zu", i);
    }
    lab->head = fl_ledger_base(lab->ledger);
    lab_begin(lab, 3);
    lab->batch.header.base_fee = -1;
    cr_expect_eq(fl_ledger_execute(lab->ledger, lab->head, &lab->batch, lab_bytes(lab),
                                   (struct fl_digest){99, 9}, 3, FL_NO_RECORD, &lab->done),
                 FL_EXECUTE_MALFORMED);
    close_lab(lab);
}

/* ------------------------------------------------------------------------------------------------
 * The replica, by hand
 * --------------------------------------------------------------------------------------------- */

/* Ten to a block, five at the target: an eighth up when full, an eighth down when empty. */
static const char scenario[] =
    "{\"name\": \"fees\", \"seed\": 71, \"duration_s\": 100,"
    " \"contracts\": {\"feed\": {\"model\": \"feed\", \"reporters\": [\"client\"]}},"
    " \"nodes\": {"
    "  \"validator\": {\"consensus\": \"ordered\", \"chain\": {\"model\": \"replica\","
    "    \"block_txs\": 10, \"mempool_txs\": 12, \"fee_order\": true, \"base_fee_usd\": 0.8,"
    "    \"base_fee_min_usd\": 0.5, \"mempool_lifetime_s\": 30}},"
    "  \"client\": {\"accounts\": 40, \"clients_of\": \"validator\","
    "    \"agent\": {\"model\": \"bidders\", \"contract\": \"feed\", \"rate_per_s\": [[0, 1]]}}}}";

enum { VALIDATOR, CLIENT };
enum {
    MEMPOOL = 1,
    DROPPED,
    REPLACED = 5,
    EXPIRED,
    SPENT,
    BASE_FEE,
    HIGHEST,
    BURNED,
    TIPS,
    OBSERVED
};
enum { PAYLOAD_MAX = sizeof(struct fl_block) + 16 * sizeof(struct fl_tx) };

struct rig {
    struct fl_config *config;
    struct fl_world *world;
    struct fl_actor *replica;
    struct fl_outbox *out;
    uint64_t height;
    fl_time now;
    fl_version head;
    uint32_t bytes;
    unsigned char payload[PAYLOAD_MAX];
    struct fl_block block;
    struct fl_tx tx[16]; /* of the payload */
};

static struct rig *rig_open(void)
{
    struct rig *r = calloc(1, sizeof *r);
    struct fl_problems problems = {.to = stderr};
    r->config = fl_config_parse(scenario, strlen(scenario), "t.json", NULL, 0, NULL, &problems);
    cr_assert(r->config);
    r->world = fl_world_new(r->config);
    r->replica = fl_actor_at(r->world, VALIDATOR, FL_CHAIN);
    r->out = calloc(1, sizeof *r->out);
    r->head = fl_ledger_base(r->world->ledger);
    return r;
}

static void rig_close(struct rig *r)
{
    fl_world_free(r->world);
    fl_config_free(r->config);
    free(r->out);
    free(r);
}

static int64_t observe(const struct rig *r, int which)
{
    int64_t value[16];
    r->replica->model->node->observe(&r->replica->self, r->replica->state, value);
    return value[which];
}

static void step(struct rig *r, struct fl_event *in)
{
    const struct fl_view view = {.reader = &r->world->reader};
    in->now = r->now;
    r->out->self = r->replica->self.endpoint;
    r->out->count = r->out->blob_count = r->out->scratch_used = 0;
    r->replica->model->node->step(&r->replica->self, r->replica->state, in, &view, r->out);
}

static struct fl_tx tx_of(const struct rig *r, uint32_t account, uint64_t nonce, int64_t fee_cap,
                          int64_t tip)
{
    struct fl_tx tx = {
        .account = account, .kind = FL_TX_NOTHING, .nonce = nonce, .fee_cap = fee_cap, .tip = tip};
    tx.tag = fl_keyring_tag(&r->world->keys, fl_keyring_owner(&r->world->keys, account),
                            fl_tx_digest(&tx));
    return tx;
}

/* True if it is passed on. */
static bool hand_in(struct rig *r, const struct fl_tx *tx, uint16_t copy)
{
    struct fl_event ev = {.kind = FL_MSG, .data = tx, .data_bytes = sizeof *tx};
    ev.msg = (struct fl_msg){.kind = FL_SUBMIT, .copy = copy, .family = FL_CHAIN, .blob = {5}};
    ev.msg.from.i = ev.msg.by.i = CLIENT;
    step(r, &ev);
    return r->out->count == 1;
}

static struct fl_event call(const struct rig *r, uint16_t kind, bool with_payload)
{
    struct fl_event ev = {.kind = FL_CALL};
    ev.msg = (struct fl_msg){.kind = kind, .family = FL_CONSENSUS, .word = {r->height + 1}};
    if (with_payload) {
        ev.msg.blob.i = 6;
        ev.data = r->payload;
        ev.data_bytes = r->bytes;
    }
    return ev;
}

static void propose(struct rig *r)
{
    struct fl_event ev = call(r, FL_PROPOSE, false);
    step(r, &ev);
    const void *data = fl_outbox_data(r->out, r->out->at[0].msg.blob, &r->bytes);
    cr_assert(data && r->bytes <= PAYLOAD_MAX);
    memcpy(r->payload, data, r->bytes);
    memcpy(&r->block, r->payload, sizeof r->block);
    memcpy(r->tx, r->payload + sizeof r->block, r->bytes - sizeof r->block);
}

static bool valid(struct rig *r)
{
    struct fl_event ev = call(r, FL_VALIDATE, true);
    step(r, &ev);
    return r->out->at[0].msg.value[0] == 1;
}

/* Decides the payload and executes it. */
static void decide(struct rig *r)
{
    struct fl_event ev = call(r, FL_DECIDE, true);
    step(r, &ev);
    cr_assert(r->out->count == 1 && r->out->at[0].kind == FL_EXECUTE);
    struct fl_execution done;
    const uint32_t offset = r->out->at[0].offset;
    cr_assert_eq(fl_ledger_execute(r->world->ledger, r->head, r->payload + offset,
                                   r->bytes - offset, fl_digest_of(r->payload, r->bytes), r->now,
                                   FL_NO_RECORD, &done),
                 FL_EXECUTE_OK);
    r->head = done.version;
    struct fl_event answer = {.kind = FL_EXECUTED};
    answer.msg.word[0] = ++r->height;
    answer.msg.version = done.version;
    step(r, &answer);
    for (uint32_t i = 0; i < r->out->count; i++)
        if (r->out->at[i].msg.kind == FL_NEW_HEAD)
            cr_expect_eq(r->out->at[i].msg.value[1], observe(r, BASE_FEE)); /* clients are told */
}

/* Blocks of 10, 0, 5 transactions after a base fee of 0.8: 0.9, 0.7875, the same. Emptiness leads down
 * to the least, and no further. */
Test(fees, the_base_fee_follows_the_fill)
{
    struct rig *r = rig_open();
    static const struct {
        uint32_t txs;
        int64_t next;
    } blocks[] = {{10, 900000}, {0, 787500}, {5, 787500}, {6, 807187}, {0, 706289},
                  {0, 618003},  {0, 540753}, {0, 500000}, {0, 500000}};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        r->now += FL_SECOND;
        for (uint32_t k = 0; k < blocks[i].txs; k++) {
            const struct fl_tx tx = tx_of(r, k, i + 1, 10000000, 1000);
            cr_assert(hand_in(r, &tx, 0));
        }
        const int64_t base_fee = observe(r, BASE_FEE);
        propose(r);
        cr_assert_eq(r->block.batch.tx_count, blocks[i].txs);
        cr_expect_eq(r->block.batch.base_fee, base_fee);
        cr_assert(valid(r));
        decide(r);
        cr_expect_eq(observe(r, BASE_FEE), blocks[i].next, "%zu: %" PRId64, i,
                     observe(r, BASE_FEE));
    }
    cr_expect_eq(observe(r, HIGHEST), 900000);
    cr_expect_eq(observe(r, TIPS), 21 * 1000);
    cr_expect_eq(observe(r, BURNED), 10 * 800000 + 5 * 787500 + 6 * 787500);
    rig_close(r);
}

/* Any other base fee makes the block invalid, and so does a transaction that does not cover it, though
 * it is signed and in place. What was decided all the same cannot be executed. */
Test(fees, a_block_states_its_base_fee)
{
    struct rig *r = rig_open();
    const struct fl_tx tx = tx_of(r, 3, 1, 900000, 1000);
    cr_assert(hand_in(r, &tx, 0));
    r->now = FL_SECOND;
    propose(r);
    cr_assert(valid(r));
    const size_t at = offsetof(struct fl_block, batch) + offsetof(struct fl_batch, base_fee);
    static const int64_t others[] = {0, 799999, 800001, -800000};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        memcpy(r->payload + at, &others[i], sizeof others[i]);
        cr_expect_not(valid(r), "%" PRId64, others[i]);
    }
    memcpy(r->payload + at, &r->block.batch.base_fee, sizeof(int64_t));
    cr_assert(valid(r));
    const struct fl_tx poor = tx_of(r, 3, 1, 799999, 1000),
                       unsound = tx_of(r, 3, 1, 900000, 900001);
    memcpy(r->payload + sizeof r->block, &poor, sizeof poor);
    cr_expect_not(valid(r));
    memcpy(r->payload + sizeof r->block, &unsound, sizeof unsound);
    cr_expect_not(valid(r));
    memcpy(r->payload + sizeof r->block, &tx, sizeof tx);
    cr_assert(valid(r));

    memcpy(r->payload + at, &others[1], sizeof others[1]);
    struct fl_event ev = call(r, FL_DECIDE, true);
    step(r, &ev);
    cr_expect_eq(r->out->count, 0);
    cr_expect_eq(observe(r, 4), 1); /* halted */
    rig_close(r);
}

/* By effective tip, then by arrival; who does not cover the base fee waits until it falls. */
Test(fees, payloads_go_by_effective_tip)
{
    struct rig *r = rig_open();
    static const struct {
        int64_t fee_cap, tip; /* base fee 800000 */
    } bids[] = {{2000000, 50}, {800070, 500}, {2000000, 60},
                {790000, 700}, {2000000, 70}, {800000, 0}};
    static const uint32_t order[] = {1, 4, 2, 0, 5}; /* 70, 70 later, 60, 50, 0 */
    for (uint32_t i = 0; i < 6; i++) {
        const struct fl_tx tx = tx_of(r, i, 1, bids[i].fee_cap, bids[i].tip);
        cr_assert(hand_in(r, &tx, 0));
    }
    propose(r);
    cr_assert_eq(r->block.batch.tx_count, 5);
    for (uint32_t i = 0; i < 5; i++) cr_expect_eq(r->tx[i].account, order[i], "%u", i);
    decide(r); /* 5 is the target: the base fee stays */
    propose(r);
    cr_assert_eq(r->block.batch.tx_count, 0);
    decide(r); /* 0.7 */
    propose(r);
    cr_assert_eq(r->block.batch.tx_count, 1);
    cr_expect_eq(r->tx[0].account, 3);
    rig_close(r);
}

/* A dearer one of the same name takes the place of the cheaper, is passed on under its own copy, and
 * never the other way round; a forged one does nothing. */
Test(fees, replacement)
{
    struct rig *r = rig_open();
    const struct fl_tx first = tx_of(r, 2, 9, 1000000, 100000);
    const struct fl_tx little = tx_of(r, 2, 9, 1099999, 110000);
    const struct fl_tx enough = tx_of(r, 2, 9, 1100000, 110000);
    struct fl_tx forged = tx_of(r, 2, 9, 5000000, 5000000);
    forged.tag ^= 1;
    cr_expect(hand_in(r, &first, 0));
    cr_expect_not(hand_in(r, &little, 1));
    cr_expect_not(hand_in(r, &forged, 1));
    cr_expect(hand_in(r, &enough, 1));
    cr_expect_eq(r->out->at[0].msg.copy, 1);
    cr_expect_not(hand_in(r, &first, 0)); /* late */
    cr_expect(observe(r, MEMPOOL) == 1 && observe(r, REPLACED) == 1);
    propose(r);
    cr_assert_eq(r->block.batch.tx_count, 1);
    cr_expect_eq(memcmp(&r->tx[0], &enough, sizeof enough), 0);
    decide(r);
    const struct fl_tx late = tx_of(r, 2, 9, 9000000, 9000000);
    cr_expect_not(hand_in(r, &late, 2)); /* it is executed */
    cr_expect_eq(observe(r, MEMPOOL), 0);
    rig_close(r);
}

/* A nonce that is used or 64 behind the highest comes to nothing and pays nothing: it gets no place, however
 * much it bids. One that is 63 behind does. */
Test(fees, spent_nonces_get_no_place)
{
    struct rig *r = rig_open();
    const struct fl_tx high = tx_of(r, 5, 100, 5000000, 10);
    cr_assert(hand_in(r, &high, 0));
    propose(r);
    decide(r);
    static const uint64_t nonces[] = {36, 37, 99, 101};
    for (size_t i = 0; i < 4; i++) {
        const struct fl_tx tx = tx_of(r, 5, nonces[i], 5000000, 500 - (int64_t)i);
        cr_assert(hand_in(r, &tx, 0));
    }
    propose(r);
    cr_assert_eq(r->block.batch.tx_count, 3);
    for (size_t i = 0; i < 3; i++) cr_expect_eq(r->tx[i].nonce, nonces[i + 1]);
    cr_expect(observe(r, SPENT) == 1 && observe(r, MEMPOOL) == 3);
    cr_assert(valid(r));
    decide(r);
    struct fl_sender sender;
    const struct fl_query query = {.contract = FL_LEDGER, .kind = FL_ASK_SENDER, .arg = {5, 0, 0}};
    cr_assert_eq(fl_ledger_query(r->world->ledger, r->head, &query, &sender, sizeof sender),
                 FL_READ_OK);
    cr_expect(sender.paying == 4 && sender.nonce == 101);
    rig_close(r);
}

/* Twelve fit. What pays less than the cheapest is refused; else the cheapest goes. */
Test(fees, a_full_pool_drops_the_cheapest)
{
    struct rig *r = rig_open();
    for (uint32_t i = 0; i < 12; i++) {
        const struct fl_tx tx = tx_of(r, i, 1, 5000000, 100 + i);
        cr_assert(hand_in(r, &tx, 0));
    }
    const struct fl_tx equal = tx_of(r, 20, 1, 5000000, 100),
                       dearer = tx_of(r, 21, 1, 5000000, 101);
    cr_expect_not(hand_in(r, &equal, 0)); /* the earlier stays */
    cr_expect(hand_in(r, &dearer, 0));
    cr_expect(observe(r, MEMPOOL) == 12 && observe(r, DROPPED) == 2);
    const struct fl_tx again = tx_of(r, 0, 1, 5000000, 100);
    cr_expect_not(hand_in(r, &again, 1)); /* it was the one that went */
    propose(r);
    cr_expect_eq(r->tx[9].tip, 102);
    rig_close(r);
}

Test(fees, lifetime)
{
    struct rig *r = rig_open();
    const struct fl_tx old = tx_of(r, 1, 1, 100, 100), young = tx_of(r, 2, 1, 100, 100);
    cr_assert(hand_in(r, &old, 0)); /* does not cover the base fee: it waits */
    r->now = 10 * FL_SECOND;
    cr_assert(hand_in(r, &young, 0));
    r->now = 30 * FL_SECOND - 1;
    propose(r);
    cr_expect(observe(r, MEMPOOL) == 2 && observe(r, EXPIRED) == 0);
    r->now = 30 * FL_SECOND;
    propose(r);
    cr_expect(observe(r, MEMPOOL) == 1 && observe(r, EXPIRED) == 1);
    r->now = 40 * FL_SECOND;
    propose(r);
    cr_expect(observe(r, MEMPOOL) == 0 && observe(r, EXPIRED) == 2);
    rig_close(r);
}

/* ------------------------------------------------------------------------------------------------
 * Whole chains
 * --------------------------------------------------------------------------------------------- */

/* A replica that takes over a state knows the base fee of the next block from it: two that slept through
 * 140 blocks go on, and agree. */
Test(fees, a_state_brings_its_base_fee)
{
    static const char *const overrides[] = {
        "nodes.validator.chain={\"model\": \"replica\", \"block_txs\": 4, \"fee_order\": true,"
        " \"base_fee_usd\": 3, \"base_fee_denominator\": 50}"};
    struct fl_test_run run = fl_test_run_file("scenarios/regional-outage.json", overrides, 1, 1);
    cr_expect_eq(fl_test_final(&run, "consensus.snapshots"), 2);
    cr_expect_eq(fl_test_final(&run, "chain.halted"), 0);
    static const char *const checks[] = {"agreement", "equal_states", "validity", "finality",
                                         "liveness"};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        cr_expect_eq(fl_test_verdict(&run, checks[i])->kind, FL_HOLDS, "%s", checks[i]);
    cr_expect(fl_test_final(&run, "chain.base_fee") > 0 && fl_test_final(&run, "chain.burned") > 0);
    fl_test_run_free(&run);
}

/* Demand above the target raises the base fee until what covers it is the target: with bids spread
 * evenly between 0 and 10 dollars and twice the target of them, the base fee settles where half of them
 * cover it, at 5. The bounds leave room for the way there from 1 (13 blocks of 1000), for the sawtooth of
 * an eighth a block, and for bids that wait for the next block once. */
Test(fees, the_base_fee_finds_the_price_at_which_demand_is_the_target)
{
    static const char text[] =
        "{\"name\": \"t\", \"duration_s\": 2000,"
        " \"contracts\": {\"feed\": {\"model\": \"feed\", \"reporters\": [\"client\"]}},"
        " \"nodes\": {"
        "  \"validator\": {\"consensus\": {\"model\": \"ordered\", \"block_ms\": 2000},"
        "    \"chain\": {\"model\": \"replica\", \"block_txs\": 80, \"fee_order\": true,"
        "      \"base_fee_usd\": 1, \"mempool_lifetime_s\": 2}},"
        "  \"client\": {\"accounts\": 64, \"clients_of\": \"validator\","
        "    \"agent\": {\"model\": \"bidders\", \"contract\": \"feed\", \"rate_per_s\": [[0, 40]],"
        "      \"tip_share\": 0, \"worth_usd\": {\"law\": \"uniform\", \"min\": 0.000001, \"max\": "
        "10}}}},"
        " \"trace\": {\"detail\": \"events\", \"sample_s\": 2}}";
    struct fl_test_run run = fl_test_run(text, NULL, 0, 5);
    const int64_t blocks = fl_test_final(&run, "chain.height"),
                  txs = fl_test_final(&run, "chain.txs");
    const int64_t burned = fl_test_final(&run, "chain.burned");
    cr_expect(blocks > 950, "%" PRId64, blocks);
    cr_expect(txs > 38 * blocks && txs < 42 * blocks, "%" PRId64 " in %" PRId64, txs, blocks);
    const int64_t mean = burned / txs;
    cr_expect(mean > 4500000 && mean < 5500000, "mean base fee %" PRId64, mean);
    fl_test_run_free(&run);
}
