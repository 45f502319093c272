/* A replica that missed something, and those who read from it: blocks and states that are fetched take
 * exactly the time of the wire, what is not as proven is refused, an empty height is a height, clients
 * turn away from replicas that tell them nothing new. */
#include "models/consensus/pbft.h"
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS FL_MILLISECOND

/* ------------------------------------------------------------------------------------------------
 * A contract of known size
 * --------------------------------------------------------------------------------------------- */

enum { HOARD_ROWS = 1000, HOARD_FILLED = 400, ROW_BYTES = 64, BATCH_ROW_BYTES = 48 };

static void hoard_tables(const void *params, const struct fl_facts *facts, struct fl_table *out)
{
    (void)params;
    (void)facts;
    out[0] = (struct fl_table){"hoard", ROW_BYTES, HOARD_ROWS};
}

static void hoard_genesis(struct fl_exec *exec)
{
    for (uint32_t i = 0; i < HOARD_FILLED; i++) {
        const uint64_t word = i + 1;
        memcpy(fl_row_edit(exec, 0, 2 * i), &word, sizeof word);
    }
}

static enum fl_tx_status hoard_execute(struct fl_exec *exec, const struct fl_tx *tx, uint32_t *code)
{
    (void)exec;
    (void)tx;
    (void)code;
    return FL_TX_OK;
}

/* The block time of the rows that are read. */
static enum fl_read_status hoard_query(const struct fl_rows *rows, const struct fl_query *query,
                                       void *out, size_t bytes)
{
    const fl_time time = fl_rows_time(rows);
    if (query->kind != 1 || bytes != sizeof time) return FL_READ_UNKNOWN;
    memcpy(out, &time, sizeof time);
    return FL_READ_OK;
}

static const struct fl_contract hoard_contract = {.table_count = 1,
                                                  .tables = hoard_tables,
                                                  .genesis = hoard_genesis,
                                                  .execute = hoard_execute,
                                                  .query = hoard_query};
static const struct fl_model hoard = {.name = "hoard",
                                      .family = FL_CONTRACT,
                                      .doc = "400 rows of 64 bytes that nobody changes, among 1000",
                                      .contract = &hoard_contract};

/* ------------------------------------------------------------------------------------------------
 * An agent that looks every 50 ms
 * --------------------------------------------------------------------------------------------- */

struct watcher {
    int64_t heads, newest; /* heads of its replica; newest block time read */
    int64_t readable, unreadable, back;
    fl_time unreadable_from; /* at a stretch until now; 0: readable */
};

static void watcher_look(struct watcher *s, const struct fl_event *in, const struct fl_view *view)
{
    const struct fl_query query = {.contract = 0, .kind = 1};
    fl_time time;
    if (fl_read(view, &query, &time, sizeof time) != FL_READ_OK) {
        s->unreadable++;
        if (s->unreadable_from == 0) s->unreadable_from = in->now;
        return;
    }
    s->readable++;
    s->unreadable_from = 0;
    s->back += time < s->newest;
    s->newest = time;
}

static void watcher_step(const struct fl_self *self, void *state, const struct fl_event *in,
                         const struct fl_view *view, struct fl_outbox *out)
{
    struct watcher *const s = state;
    if (in->kind == FL_MSG && in->msg.kind == FL_NEW_HEAD && in->msg.from.i == self->replica.i) {
        s->heads++;
        watcher_look(s, in, view);
    }
    if (in->kind == FL_TIMER) watcher_look(s, in, view);
    if (in->kind != FL_MSG) fl_set_timer(out, 0, 50 * MS);
}

static size_t watcher_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return sizeof(struct watcher);
}

static void watcher_init(const struct fl_self *self, void *state)
{
    (void)self;
    (void)state;
}

static void watcher_observe(const struct fl_self *self, const void *state, int64_t *out)
{
    (void)self;
    memcpy(out, state, sizeof(struct watcher));
}

static const struct fl_observable watcher_observables[] = {
    {"watcher.heads", "", FL_COUNT, FL_SUM},
    {"watcher.newest", "", FL_NANOSECOND, FL_MIN},
    {"watcher.readable", "", FL_COUNT, FL_SUM},
    {"watcher.unreadable", "", FL_COUNT, FL_SUM},
    {"watcher.back", "", FL_COUNT, FL_SUM},
    {"watcher.unreadable_from", "", FL_NANOSECOND, FL_MAX},
    {.name = NULL},
};
static const struct fl_node_model watcher_node = {.timer_count = 1,
                                                  .state_bytes = watcher_bytes,
                                                  .init = watcher_init,
                                                  .step = watcher_step,
                                                  .observe = watcher_observe};
static const struct fl_model watcher = {.name = "watcher",
                                        .family = FL_AGENT,
                                        .doc = "looks at the ledger every 50 ms",
                                        .observables = watcher_observables,
                                        .node = &watcher_node};

/* ------------------------------------------------------------------------------------------------
 * A replica that builds and judges height 2 before it has height 1
 * --------------------------------------------------------------------------------------------- */

extern const struct fl_model fl_model_replica;

static bool ahead(const struct fl_self *self, const void *state, const struct fl_event *in)
{
    int64_t published[16];
    fl_model_replica.node->observe(self, state, published);
    return in->kind == FL_CALL && in->msg.word[0] == 2 && published[0] == 0;
}

/* A block that fits only if height 1 is empty. */
static void ahead_step(const struct fl_self *self, void *state, const struct fl_event *in,
                       const struct fl_view *view, struct fl_outbox *out)
{
    const bool early = ahead(self, state, in);
    if (early && in->msg.kind == FL_PROPOSE) {
        const struct fl_block block = {.batch = {.height = 2, .time = in->now}};
        const fl_blob blob = fl_blob_put(out, &block, sizeof block, 2, NULL);
        struct fl_msg *const m = fl_local(out, FL_CONSENSUS, FL_PAYLOAD);
        m->word[0] = 2;
        m->blob = blob;
    } else if (early && in->msg.kind == FL_VALIDATE) {
        struct fl_msg *const m = fl_local(out, FL_CONSENSUS, FL_VALID);
        m->word[0] = 2;
        m->blob = in->msg.blob;
        m->value[0] = 1;
    } else {
        fl_model_replica.node->step(self, state, in, view, out);
    }
}

static struct fl_model ahead_model;
static struct fl_node_model ahead_node;

/* ------------------------------------------------------------------------------------------------
 * A member that hands out wrong states
 * --------------------------------------------------------------------------------------------- */

enum forgery {
    OTHER_VERSION = 1,
    NO_VERSION,
    OTHER_STATE,
    OTHER_PAYLOAD,
    NO_ROWS,
    FORK,
    SILENCE,
    FORGERIES
};
struct forger {
    int64_t how;
};
static const struct fl_param forger_rows[] = {{.key = "how",
                                               .type = FL_INTEGER,
                                               .offset = offsetof(struct forger, how),
                                               .min = OTHER_VERSION,
                                               .max = SILENCE,
                                               .doc = "what is wrong"},
                                              {.key = NULL}};

/* A state of its own: another batch of that very height. What the engine answers names the version,
 * and that is sent in the place of the one that was kept back. */
struct fork {
    uint64_t waiting;
    fl_endpoint to;
    struct fl_msg msg;
    uint32_t bytes;
    unsigned char proof[1000];
};

static void fork_off(struct fork *fork, const struct fl_outbox *honest, uint32_t i, fl_time now,
                     struct fl_outbox *out)
{
    const struct fl_effect *const e = &honest->at[i];
    const void *const proof = fl_outbox_data(honest, e->msg.blob, &fork->bytes);
    cr_assert(proof && fork->bytes <= sizeof fork->proof);
    memcpy(fork->proof, proof, fork->bytes);
    fork->waiting = 1;
    fork->to = e->to;
    fork->msg = e->msg;
    const struct fl_batch batch = {.height = e->msg.word[0], .time = now};
    const fl_blob blob = fl_blob_put(out, &batch, sizeof batch, 0, NULL);
    struct fl_effect *const x = fl_emit(out, FL_EXECUTE);
    x->msg.version = e->msg.version;
    x->msg.blob = blob;
}

static void send_fork(struct fork *fork, fl_version version, struct fl_outbox *out)
{
    cr_assert_neq(version.i, 0);
    const fl_blob blob = fl_blob_put(out, fork->proof, fork->bytes, 0, NULL);
    struct fl_effect *const e = fl_emit(out, FL_SEND);
    e->reach = FL_TO_ONE;
    e->to = fork->to;
    e->msg = fork->msg;
    e->msg.version = version;
    e->msg.blob = blob;
    fork->waiting = 0;
}

static void forge(enum forgery how, const struct fl_outbox *honest, uint32_t i,
                  struct fl_outbox *out)
{
    if (how == SILENCE) return;
    struct fl_msg *const m = &fl_repeat(honest, i, out)->msg;
    if (how == OTHER_VERSION) m->version.i--;
    if (how == NO_VERSION) m->version.i = 1u << 30;
    if (how == OTHER_STATE) m->value[1] ^= 1;
    if (how == NO_ROWS) m->rows = 0;
    if (how != OTHER_PAYLOAD) return;
    unsigned char proof[1000];
    uint32_t bytes = 0;
    const void *const was = fl_outbox_data(honest, honest->at[i].msg.blob, &bytes);
    cr_assert(was && bytes <= sizeof proof);
    memcpy(proof, was, bytes);
    proof[3] ^= 1; /* of the payload's digest */
    m->blob = fl_blob_put(out, proof, bytes, 0, NULL);
}

static void forger_step(const struct fl_coalition *coalition, void *state, uint32_t who,
                        const struct fl_event *in, const struct fl_view *view,
                        const struct fl_outbox *honest, struct fl_outbox *out)
{
    const struct forger *const p = coalition->params;
    struct fork *const fork = state;
    (void)who;
    (void)view;
    if (fork->waiting && in->kind == FL_EXECUTED) send_fork(fork, in->msg.version, out);
    for (uint32_t i = 0; i < honest->count; i++) {
        const struct fl_effect *const e = &honest->at[i];
        const bool state_sent = e->kind == FL_SEND && e->msg.family == FL_CONSENSUS &&
                                e->msg.kind == PBFT_SNAPSHOT;
        if (state_sent && p->how == FORK)
            fork_off(fork, honest, i, in->now, out);
        else if (state_sent)
            forge((enum forgery)p->how, honest, i, out);
        else
            fl_repeat(honest, i, out);
    }
}

static size_t forger_bytes(const void *params, uint32_t members)
{
    (void)params;
    cr_assert_eq(members, 1);
    return sizeof(struct fork);
}

static const struct fl_fault_model forger_fault = {.state_bytes = forger_bytes,
                                                   .step = forger_step};
static const struct fl_model forger = {.name = "forger",
                                       .family = FL_FAULT,
                                       .doc = "hands out states that are not as proven",
                                       .params = forger_rows,
                                       .params_bytes = sizeof(struct forger),
                                       .fault = &forger_fault};

/* ------------------------------------------------------------------------------------------------
 * The registry
 * --------------------------------------------------------------------------------------------- */

#define FL_MODEL(id) extern const struct fl_model fl_model_##id;
#include "models/registry.def"
#undef FL_MODEL
const struct fl_model *const fl_models[] = {
#define FL_MODEL(id) &fl_model_##id,
#include "models/registry.def"
#undef FL_MODEL
    &hoard, &watcher, &ahead_model, &forger, NULL};

__attribute__((constructor)) static void make_models(void)
{
    ahead_node = *fl_model_replica.node;
    ahead_node.step = ahead_step;
    ahead_model = fl_model_replica;
    ahead_model.name = "ahead";
    ahead_model.node = &ahead_node;
}

__attribute__((format(printf, 2, 3))) static struct fl_test_run run(uint64_t seed,
                                                                    const char *format, ...)
{
    static char text[8192];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cr_assert(n > 0 && (size_t)n < sizeof text);
    return fl_test_run(text, NULL, 0, seed);
}

/* ------------------------------------------------------------------------------------------------
 * What is in a trace
 * --------------------------------------------------------------------------------------------- */

/* The record of (kind, height) that this endpoint made; NULL if it made none. */
static const struct fl_record *made_by(const struct fl_test_run *run, uint16_t kind,
                                       uint32_t endpoint, int64_t height)
{
    for (uint32_t id = 1; id <= fl_records_count(run->result->records); id++) {
        const struct fl_record *const r = fl_records_get(run->result->records, id);
        if (r->kind == kind && r->endpoint == endpoint && r->v[0] == height) return r;
    }
    return NULL;
}

static const struct fl_message_row *message(const struct fl_test_run *run, uint16_t kind,
                                            uint32_t n)
{
    for (uint64_t i = 0; i < run->result->message_count; i++) {
        const struct fl_message_row *const m = &run->result->message[i];
        if (m->family == FL_CONSENSUS && m->kind == kind && n-- == 0) return m;
    }
    return NULL;
}

static uint32_t messages(const struct fl_test_run *run, uint16_t kind)
{
    uint32_t n = 0;
    while (message(run, kind, n)) n++;
    return n;
}

enum { DELAY_MS = 20, MBPS = 2, HEADER = 128 };
#define WIRE "\"network\": {\"delay_ms\": 20, \"bandwidth_mbps\": 2, \"header_bytes\": 128}"

/* What `bytes` beyond the header take to leave, rounded up to the nanosecond. */
static fl_time takes(uint64_t bytes)
{
    const uint64_t bits = 8 * (bytes + HEADER), rate = MBPS * UINT64_C(1000000);
    return (fl_time)((bits * UINT64_C(1000000000) + rate - 1) / rate);
}

/* Every message of the run against a slow twin of the uplinks: each sender's one after the other, each
 * for as long as its bytes take, and then the delay. */
static void expect_wire(const struct fl_test_run *run)
{
    fl_time until[16] = {0};
    for (uint64_t i = 0; i < run->result->message_count; i++) {
        const struct fl_message_row *const m = &run->result->message[i];
        fl_time *const free_at = &until[m->from];
        *free_at = (*free_at > m->sent ? *free_at : m->sent) + takes(m->blob_bytes);
        cr_assert_eq(m->arrives, *free_at + DELAY_MS * MS, "message %" PRIu64 " of kind %d", i,
                     m->kind);
    }
}

static void expect_one_state(const struct fl_test_run *run, uint32_t laggard, uint32_t other)
{
    uint32_t both = 0;
    for (uint32_t id = 1; id <= fl_records_count(run->result->records); id++) {
        const struct fl_record *const r = fl_records_get(run->result->records, id);
        if (r->kind != FL_RECORD_APPLIED || r->endpoint != laggard) continue;
        const struct fl_record *const same = made_by(run, FL_RECORD_APPLIED, other, r->v[0]);
        if (same) cr_assert_eq(same->v[2], r->v[2], "height %" PRId64, r->v[0]);
        both += same != NULL;
    }
    cr_expect_gt(both, 0);
    cr_expect_eq(fl_test_verdict(run, "agreement")->kind, FL_HOLDS);
    cr_expect_eq(fl_test_final(run, "chain.halted"), 0);
}

/* ------------------------------------------------------------------------------------------------
 * Blocks
 * --------------------------------------------------------------------------------------------- */

/* Member 3 sleeps through five blocks of 10 s and wakes in the middle of a slot: nothing else is on the
 * wire. One ASK, five blocks. */
Test(replica, blocks_of_a_sequencer_take_the_time_of_the_wire)
{
    struct fl_test_run r = run(
        1,
        "{\"name\": \"x\", \"duration_s\": 79, " WIRE ", \"nodes\": {\"v\": {\"count\": 4, "
        "\"consensus\": {\"model\": \"ordered\", \"block_ms\": 10000}, \"chain\": \"replica\"}}, "
        "\"faults\": {\"c\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [3], "
        "\"from_s\": 25, \"to_s\": 75}}, \"checks\": {\"agreement\": \"agreement\"}, "
        "\"trace\": {\"detail\": \"messages\"}}");
    const fl_time asked = 75 * FL_SECOND + takes(0) + DELAY_MS * MS;
    const fl_time block = takes(sizeof(struct fl_block));
    for (int64_t k = 1; k <= 5; k++) {
        const struct fl_record *const applied = made_by(&r, FL_RECORD_APPLIED, 3, 2 + k);
        cr_assert_not_null(applied);
        cr_expect_eq(applied->at, asked + k * block + DELAY_MS * MS, "block %" PRId64, k);
    }
    expect_wire(&r);
    expect_one_state(&r, 3, 0);
    fl_test_run_free(&r);
}

/* The same with certificates of three signatures. The first request goes to all three peers, in order,
 * and member 1 answers it in full: AT_VIEW, then a certificate and a payload for each block. */
Test(replica, certified_blocks_take_the_time_of_the_wire)
{
    struct fl_test_run r =
        run(1, "{\"name\": \"x\", \"duration_s\": 79, " WIRE
               ", \"nodes\": {\"v\": {\"count\": 4, \"faulty_max\": 1, "
               "\"consensus\": {\"model\": \"pbft\", \"block_ms\": 10000, \"timeout_ms\": 4000, "
               "\"checkpoint_every\": 16}, \"chain\": \"replica\"}}, "
               "\"faults\": {\"c\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [3], "
               "\"from_s\": 25, \"to_s\": 75}}, \"checks\": {\"agreement\": \"agreement\"}, "
               "\"trace\": {\"detail\": \"messages\"}}");
    const fl_time heard = 75 * FL_SECOND + 2 * takes(0) + DELAY_MS * MS;
    const size_t certificate = sizeof(struct fl_pbft_certificate) +
                               3 * sizeof(struct fl_pbft_signature);
    const fl_time each = takes(certificate) + takes(sizeof(struct fl_block));
    cr_assert_eq(messages(&r, PBFT_DECIDED), 5);
    for (int64_t k = 1; k <= 5; k++) {
        const struct fl_record *const applied = made_by(&r, FL_RECORD_APPLIED, 3, 2 + k);
        cr_assert_not_null(applied);
        cr_expect_eq(applied->at, heard + takes(0) + k * each + DELAY_MS * MS, "block %" PRId64, k);
    }
    expect_wire(&r);
    expect_one_state(&r, 3, 0);
    fl_test_run_free(&r);
}

/* A payload that comes while the certificate before it is being checked waits for it: three checks, each
 * made once. */
Test(replica, certificates_are_paid_for_once)
{
    const uint32_t verify_us = 2000; /* three checks are longer than a payload's 1.2 ms */
    struct fl_test_run r =
        run(1,
            "{\"name\": \"x\", \"duration_s\": 39, \"network\": {\"delay_ms\": 20, "
            "\"bandwidth_mbps\": 2, \"header_bytes\": 128, \"verify_us\": %u}, "
            "\"nodes\": {\"v\": {\"count\": 4, \"faulty_max\": 1, "
            "\"consensus\": {\"model\": \"pbft\", \"block_ms\": 10000, \"timeout_ms\": 4000, "
            "\"checkpoint_every\": 16}, \"chain\": \"replica\"}}, "
            "\"faults\": {\"c\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [3], "
            "\"from_s\": 25, \"to_s\": 35}}, \"checks\": {\"agreement\": \"agreement\"}, "
            "\"trace\": {\"detail\": \"messages\"}}",
            verify_us);
    const struct fl_message_row *const proof = message(&r, PBFT_DECIDED, 0);
    const struct fl_record *const applied = made_by(&r, FL_RECORD_APPLIED, 3, 3);
    cr_assert(proof && applied && messages(&r, PBFT_DECIDED) == 1);
    cr_expect_eq(applied->at, proof->arrives + 3 * verify_us * FL_MICROSECOND);
    fl_test_run_free(&r);
}

/* All who keep the blocks are down at once, while one waits for them: stable storage has them. */
Test(replica, blocks_survive_when_all_keepers_are_down)
{
    static const char *const consensus[] = {
        "\"model\": \"ordered\", \"block_ms\": 100",
        "\"model\": \"pbft\", \"block_ms\": 100, \"timeout_ms\": 400"};
    for (size_t i = 0; i < 2; i++) {
        struct fl_test_run r =
            run(1,
                "{\"name\": \"x\", \"duration_s\": 20, \"network\": {\"delay_ms\": 20}, "
                "\"nodes\": {\"v\": {\"count\": 4, \"faulty_max\": 1, \"consensus\": {%s}, "
                "\"chain\": \"replica\"}}, "
                "\"faults\": {\"c\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [3], "
                "\"from_s\": 1.01, \"to_s\": 8}, \"d\": {\"model\": \"crash\", \"group\": \"v\", "
                "\"members\": [0, 1, 2], \"from_s\": 5.01, \"to_s\": 6}}, "
                "\"checks\": {\"agreement\": \"agreement\"}}",
                consensus[i]);
        cr_expect_eq(fl_test_final(&r, "consensus.gone"), 0);
        cr_expect_geq(fl_test_final(&r, "consensus.height_min"), 150);
        expect_one_state(&r, 3, 0);
        fl_test_run_free(&r);
    }
}

/* ------------------------------------------------------------------------------------------------
 * States
 * --------------------------------------------------------------------------------------------- */

#define LAGGARD(consensus, more)                                                               \
    "{\"name\": \"x\", \"duration_s\": 30, " WIRE ", \"contracts\": {\"hoard\": \"hoard\"}, "  \
    "\"nodes\": {\"v\": {\"count\": 4, \"faulty_max\": 1, \"consensus\": {" consensus          \
    ", \"block_ms\": 100, \"history\": 32, \"snapshots\": true}, \"chain\": \"replica\"}}, "   \
    "\"faults\": {\"c\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [3], "          \
    "\"from_s\": 1.05, \"to_s\": 9.05}" more "}, \"checks\": {\"agreement\": \"agreement\"}, " \
    "\"trace\": {\"detail\": \"messages\"}}"

enum { STATE_BYTES = HOARD_FILLED * ROW_BYTES + BATCH_ROW_BYTES };

/* 80 blocks missed, 32 kept. The rows take 0.1 s on the wire; then come the blocks after them. */
Test(replica, a_state_takes_the_time_of_its_rows)
{
    struct fl_test_run r = run(1, LAGGARD("\"model\": \"pbft\", \"timeout_ms\": 500", ""));
    const struct fl_message_row *const state = message(&r, PBFT_SNAPSHOT, 0);
    cr_assert(state && messages(&r, PBFT_SNAPSHOT) == 1 && messages(&r, PBFT_WANT) == 1);
    const size_t proof = sizeof(struct fl_pbft_proof) + (3 + 3) * sizeof(struct fl_pbft_signature);
    cr_expect_eq(state->blob_bytes, proof + STATE_BYTES);
    cr_expect_geq(state->arrives - state->sent, takes(proof + STATE_BYTES) + DELAY_MS * MS);
    expect_wire(&r);

    const int64_t height = (int64_t)state->word[0];
    const struct fl_record *const applied = made_by(&r, FL_RECORD_APPLIED, 3, height);
    cr_assert_not_null(applied);
    cr_expect_eq(applied->at, state->arrives);
    cr_expect_null(made_by(&r, FL_RECORD_APPLIED, 3, height - 1), "it never saw the block before");
    cr_expect_null(made_by(&r, FL_RECORD_APPLIED, 3, 12));
    cr_expect_not_null(made_by(&r, FL_RECORD_APPLIED, 3, height + 1));
    expect_one_state(&r, 3, 0);
    cr_expect_eq(fl_test_final(&r, "consensus.snapshots"), 1);
    cr_expect_eq(fl_test_final(&r, "consensus.snapshots_refused"), 0);
    cr_expect_geq(fl_test_final(&r, "consensus.height_min"), 298);
    fl_test_run_free(&r);
}

Test(replica, a_sequencer_hands_out_its_state)
{
    enum { SNAPSHOT = 5 };
    struct fl_test_run r = run(1, LAGGARD("\"model\": \"ordered\"", ""));
    const struct fl_message_row *const state = message(&r, SNAPSHOT, 0);
    cr_assert(state && messages(&r, SNAPSHOT) == 1);
    cr_expect_eq(state->blob_bytes, sizeof(struct fl_digest) + STATE_BYTES);
    expect_wire(&r);
    const struct fl_record *const applied =
        made_by(&r, FL_RECORD_APPLIED, 3, (int64_t)state->word[0]);
    cr_assert_not_null(applied);
    cr_expect_eq(applied->at, state->arrives);
    expect_one_state(&r, 3, 0);
    cr_expect_eq(fl_test_final(&r, "consensus.snapshots"), 1);
    cr_expect_geq(fl_test_final(&r, "consensus.height_min"), 298);
    fl_test_run_free(&r);
}

/* The stable checkpoint is 28 blocks behind the head when it is asked for, and the base had long gone
 * past it, were it not handed out. */
Test(replica, a_state_is_kept_as_long_as_it_is_handed_out)
{
    struct fl_test_run r = run(
        1,
        "{\"name\": \"x\", \"duration_s\": 30, \"network\": {\"delay_ms\": 10}, \"contracts\": "
        "{\"hoard\": \"hoard\"}, \"nodes\": {\"v\": {\"count\": 4, \"faulty_max\": 1, "
        "\"consensus\": "
        "{\"model\": \"pbft\", \"block_ms\": 100, \"timeout_ms\": 500, \"checkpoint_every\": 32, "
        "\"window\": 64, \"history\": 128, \"snapshots\": true}, \"chain\": \"replica\"}}, "
        "\"faults\": {\"c\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [3], "
        "\"from_s\": 1.05, \"to_s\": 22.05}}, \"checks\": {\"agreement\": \"agreement\"}, "
        "\"trace\": {\"detail\": \"messages\"}}");
    const struct fl_message_row *const state = message(&r, PBFT_SNAPSHOT, 0);
    cr_assert_not_null(state);
    cr_expect_eq(state->word[0], 192);
    cr_expect_not_null(made_by(&r, FL_RECORD_APPLIED, 0, 220));
    cr_expect_eq(fl_test_final(&r, "consensus.snapshots"), 1);
    cr_expect_eq(fl_test_final(&r, "consensus.snapshots_refused"), 0);
    cr_expect_geq(fl_test_final(&r, "consensus.height_min"), 298);
    expect_one_state(&r, 3, 0);
    fl_test_run_free(&r);
}

/* More than 1024 blocks behind it holds nothing up. The state arrives at a link that is cut, and waits
 * there for a second: the base goes on, but not past what a message carries. */
Test(replica, a_state_is_kept_while_it_is_on_its_way)
{
    struct fl_test_run r = run(
        1, "{\"name\": \"x\", \"duration_s\": 20, \"network\": {\"delay_ms\": 20}, "
           "\"contracts\": {\"hoard\": \"hoard\"}, "
           "\"nodes\": {\"v\": {\"count\": 4, \"consensus\": {\"model\": \"ordered\", "
           "\"block_ms\": 10, "
           "\"history\": 64, \"snapshots\": true}, \"chain\": \"replica\"}}, \"faults\": {\"c\": "
           "{\"model\": \"crash\", \"group\": \"v\", \"members\": [3], \"from_s\": 1, "
           "\"to_s\": 13}, \"p\": {\"model\": \"partition\", \"group\": \"v\", \"members\": [3], "
           "\"from_s\": 13.07, \"to_s\": 14, \"hold\": true}}, \"checks\": {\"agreement\": "
           "\"agreement\"}, "
           "\"trace\": {\"detail\": \"messages\"}}");
    const struct fl_message_row *const state = message(&r, 5, 0);
    cr_assert(state && state->arrives == 14 * FL_SECOND);
    cr_expect_not_null(made_by(&r, FL_RECORD_APPLIED, 3, (int64_t)state->word[0]));
    cr_expect_eq(fl_test_final(&r, "consensus.snapshots_refused"), 0);
    cr_expect_geq(fl_test_final(&r, "consensus.height_min"), 1980);
    expect_one_state(&r, 3, 0);
    fl_test_run_free(&r);
}

/* Down from the beginning, and nobody keeps the first block any more: genesis to the state, and on. */
Test(replica, who_starts_late_takes_over_a_state)
{
    static const char *const consensus[] = {"\"model\": \"ordered\"",
                                            "\"model\": \"pbft\", \"timeout_ms\": 500"};
    for (size_t i = 0; i < 2; i++) {
        struct fl_test_run r =
            run(1,
                "{\"name\": \"x\", \"duration_s\": 30, \"network\": {\"delay_ms\": 20}, "
                "\"contracts\": {\"hoard\": \"hoard\"}, \"nodes\": {\"v\": {\"count\": 4, "
                "\"faulty_max\": 1, \"consensus\": {%s, \"block_ms\": 100, \"history\": 32, "
                "\"snapshots\": true}, \"chain\": \"replica\"}}, \"faults\": {\"c\": {\"model\": "
                "\"crash\", \"group\": \"v\", \"members\": [3], \"from_s\": 0, \"to_s\": 10}}, "
                "\"checks\": {\"agreement\": \"agreement\"}}",
                consensus[i]);
        cr_expect_eq(fl_test_final(&r, "consensus.snapshots"), 1);
        cr_expect_geq(fl_test_final(&r, "consensus.height_min"), 295);
        expect_one_state(&r, 3, 0);
        fl_test_run_free(&r);
    }
}

/* Its votes count afterwards: another one goes, and the chain goes on. Then it hands out a state. */
Test(replica, who_took_over_a_state_is_a_member_again)
{
    struct fl_test_run r =
        run(1, LAGGARD("\"model\": \"pbft\", \"timeout_ms\": 500",
                       ", \"d\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [2], "
                       "\"from_s\": 12, \"to_s\": 20}, \"e\": {\"model\": \"crash\", \"group\": "
                       "\"v\", \"members\": [0], \"from_s\": 22, \"to_s\": 24}"));
    cr_expect_eq(fl_test_final(&r, "consensus.snapshots"), 2);
    cr_expect_geq(fl_test_final(&r, "consensus.height_min"), 260);
    expect_one_state(&r, 3, 1);
    expect_one_state(&r, 2, 3);
    fl_test_run_free(&r);
}

/* Whoever of the others lies, and however: what is not as proven is refused, and another one asked. */
Test(replica, wrong_states_are_refused)
{
    for (int how = OTHER_VERSION; how < FORGERIES; how++) {
        int64_t refused = 0;
        uint32_t handed_out = 0;
        for (int liar = 0; liar < 3; liar++) {
            char fault[300];
            snprintf(fault, sizeof fault,
                     "{\"name\": \"x\", \"duration_s\": 30, \"network\": {\"delay_ms\": 20}, "
                     "\"contracts\": {\"hoard\": \"hoard\"}, \"nodes\": {\"v\": {\"count\": 4, ");
            struct fl_test_run r =
                run(1,
                    "%s\"faulty_max\": 1, \"consensus\": {\"model\": \"pbft\", \"block_ms\": 100, "
                    "\"timeout_ms\": 500, \"history\": 32, \"snapshots\": true, "
                    "\"snapshot_timeout_ms\": 2000}, \"chain\": \"replica\"}}, \"faults\": "
                    "{\"c\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [3], "
                    "\"from_s\": 1.05, \"to_s\": 9.05}, \"l\": {\"model\": \"forger\", \"group\": "
                    "\"v\", \"members\": [%d], \"how\": %d}}, \"checks\": {\"agreement\": "
                    "\"agreement\"}, \"trace\": {\"detail\": \"messages\"}}",
                    fault, liar, how);
            cr_expect_eq(fl_test_final(&r, "consensus.snapshots"), 1, "%d, liar %d", how, liar);
            cr_expect_geq(fl_test_final(&r, "consensus.height_min"), 295, "%d, liar %d", how, liar);
            expect_one_state(&r, 3, (uint32_t)(liar + 1) % 3);
            refused += fl_test_final(&r, "consensus.snapshots_refused");
            handed_out += (uint32_t)(r.result->fault[1].injected + r.result->fault[1].suppressed);
            fl_test_run_free(&r);
        }
        /* The one of the three that was asked first: it altered a message, or dropped it; a fork is
         * dropped, then executed, then sent. */
        cr_expect_eq(handed_out, how == FORK ? 3 : 1, "%d: %u", how, handed_out);
        cr_expect_eq(refused, how == SILENCE ? 0 : 1, "%d: %" PRId64 " refused", how, refused);
    }
}

/* ------------------------------------------------------------------------------------------------
 * Empty heights
 * --------------------------------------------------------------------------------------------- */

/* The proposal of height 1 is lost on all; that of height 2 is prepared; then the primary is down. The
 * new view fills height 1 with the null request. The old primary, back, fetches both. */
Test(replica, a_null_request_is_a_height)
{
    struct fl_test_run r = run(
        1,
        "{\"name\": \"x\", \"duration_s\": 30, \"network\": {\"delay_ms\": 20}, "
        "\"contracts\": {\"hoard\": \"hoard\"}, "
        "\"nodes\": {\"v\": {\"count\": 4, \"faulty_max\": 1, \"consensus\": {\"model\": \"pbft\", "
        "\"block_ms\": 1000, \"timeout_ms\": 8000, \"pipeline\": 2, \"checkpoint_every\": 1}, "
        "\"chain\": \"ahead\"}, \"w\": {\"clients_of\": \"v\", \"count\": 8, \"agent\": "
        "\"watcher\"}}, "
        "\"faults\": {\"p\": {\"model\": \"partition\", \"group\": \"v\", \"members\": [0], "
        "\"from_s\": 0.9, \"to_s\": 1.5}, \"c\": {\"model\": \"crash\", \"group\": \"v\", "
        "\"members\": [0], \"from_s\": 2.5, \"to_s\": 12}}, "
        "\"checks\": {\"agreement\": \"agreement\"}, \"trace\": {\"detail\": \"messages\"}}");
    for (uint32_t e = 0; e < 4; e++) {
        const struct fl_record *const one = made_by(&r, FL_RECORD_DECIDED, e, 1),
                                      *const two = made_by(&r, FL_RECORD_DECIDED, e, 2);
        cr_assert(one && two);
        cr_expect(one->v[2] == 0 && one->v[3] == 0, "not the null request");
        cr_expect(two->v[2] != 0);
        const struct fl_record *const state = made_by(&r, FL_RECORD_APPLIED, e, 1);
        cr_assert_not_null(state);
        cr_expect_eq(state->v[2], made_by(&r, FL_RECORD_APPLIED, 1, 1)->v[2]);
        cr_expect_neq(state->v[2], made_by(&r, FL_RECORD_APPLIED, e, 2)->v[2]);
    }
    cr_expect_eq(fl_test_final(&r, "consensus.view_changes"), 4);
    cr_expect_geq(fl_test_final(&r, "consensus.height_min"), 20);
    expect_one_state(&r, 0, 1);
    uint32_t heads = 0;
    for (uint64_t i = 0; i < r.result->message_count; i++)
        heads += r.result->message[i].kind == FL_NEW_HEAD && r.result->message[i].word[0] == 1;
    cr_expect_eq(heads, 8, "each client hears of height 1");
    cr_expect_eq(fl_test_final(&r, "watcher.back"), 0);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Clients
 * --------------------------------------------------------------------------------------------- */

#define WATCHED(seconds, delay, failover, faults)                                              \
    "{\"name\": \"x\", \"duration_s\": " seconds ", \"network\": {\"delay_ms\": " delay "}, "  \
    "\"contracts\": {\"hoard\": \"hoard\"}, \"nodes\": {\"v\": {\"count\": 4, \"consensus\": " \
    "{\"model\": \"ordered\", \"block_ms\": 10}, \"chain\": \"replica\"}, \"w\": "             \
    "{\"clients_of\": "                                                                        \
    "\"v\", \"count\": 12, " failover "\"agent\": \"watcher\"}}, \"faults\": {" faults "}}"

static const struct fl_group *replicas_of(const struct fl_test_run *run, uint32_t client)
{
    const struct fl_group *g = run->config->group;
    while (client - g->first >= g->count) g++;
    cr_assert_neq(g->replicas, UINT32_MAX);
    return &run->config->group[g->replicas];
}

static uint32_t turns(const struct fl_test_run *run, uint32_t *of_crash)
{
    uint32_t found = 0;
    *of_crash = 0;
    for (uint32_t id = 1; id <= fl_records_count(run->result->records); id++) {
        const struct fl_record *const r = fl_records_get(run->result->records, id);
        if (r->kind != FL_RECORD_ATTACHED) continue;
        found++;
        *of_crash += r->parent != FL_NO_RECORD && r->parent == run->result->fault[0].record;
        const struct fl_group *const g = replicas_of(run, (uint32_t)r->v[0]);
        cr_expect_neq(r->v[2], r->v[3]);
        cr_expect((uint32_t)r->v[3] - g->first < g->count);
    }
    return found;
}

/* With delays longer than blocks heads overtake one another, and still nobody's view goes back. */
Test(replica, views_move_forward_only)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct fl_test_run r =
            run(seed, WATCHED("5", "{\"law\": \"exponential\", \"mean\": 40}", "", ""));
        cr_expect_eq(fl_test_final(&r, "watcher.back"), 0);
        cr_expect_gt(fl_test_final(&r, "watcher.heads"), 12 * 400);
        fl_test_run_free(&r);
    }
}

/* A replica that is cut off serves what it has until it is 1024 blocks behind; then its readers, who
 * are on its side, read nothing. The base is 8 blocks behind the others. */
Test(replica, readers_of_a_replica_too_far_behind_are_told_so)
{
    static const char cut[] = "\"p\": {\"model\": \"partition\", \"sides\": [[\"v[3]\", \"w\"], "
                              "[\"v[0]\", \"v[1]\", \"v[2]\"]], \"from_s\": 2, \"to_s\": 30}";
    struct fl_test_run r = run(1, WATCHED("20", "1", "", "%s"), cut);
    /* Height 200 is published at 2 s, and does not arrive; height 199 is the last. */
    const fl_time lost = (199 + 1024) * 10 * MS,
                  seen = fl_test_final(&r, "watcher.unreadable_from");
    cr_expect(seen >= lost && seen <= lost + 200 * MS, "unreadable from %" PRId64 " ns", seen);
    cr_expect_eq(fl_test_final(&r, "watcher.back"), 0);
    fl_test_run_free(&r);
}

/* Of a crashed replica, its clients read nothing until they turn away, at most a second after the last
 * block and the second of their patience. The turn is a child of the crash. */
Test(replica, clients_turn_away_from_a_crashed_replica)
{
    static const char crash[] = "\"c\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [3], "
                                "\"from_s\": 2, \"to_s\": 30}";
    for (uint64_t seed = 1; seed <= 5; seed++) {
        uint32_t of_crash;
        struct fl_test_run r = run(seed, WATCHED("8", "1", "", "%s"), crash);
        cr_expect_eq(turns(&r, &of_crash), 0);
        cr_expect_lt(fl_test_final(&r, "watcher.newest"), 2 * FL_SECOND);
        const int64_t stay = fl_test_final(&r, "watcher.heads");
        fl_test_run_free(&r);
        r = run(seed, WATCHED("8", "1", "\"failover_s\": 1, ", "%s"), crash);
        const uint32_t turned = turns(&r, &of_crash);
        cr_expect_gt(turned, 0);
        cr_expect_eq(of_crash, turned);
        cr_expect_gt(fl_test_final(&r, "watcher.newest"), 7900 * MS);
        cr_expect_eq(fl_test_final(&r, "watcher.back"), 0);
        /* Each of those who turned missed a second and one block, of 100 a second, and no more. */
        cr_expect_leq(fl_test_final(&r, "watcher.heads"), stay + turned * 500);
        cr_expect_geq(fl_test_final(&r, "watcher.heads"), stay + turned * 490);
        fl_test_run_free(&r);
    }
}

/* A replica that is up but has nothing new to say is left as well; nobody goes back in height. */
Test(replica, clients_turn_away_from_a_replica_that_lags)
{
    static const char cut[] =
        "\"p\": {\"model\": \"partition\", \"sides\": [[\"v[3]\"], [\"v[0]\", "
        "\"v[1]\", \"v[2]\"]], \"from_s\": 2, \"to_s\": 6}";
    for (uint64_t seed = 1; seed <= 5; seed++) {
        uint32_t of_crash;
        struct fl_test_run r = run(seed, WATCHED("8", "1", "\"failover_s\": 1, ", "%s"), cut);
        cr_expect_gt(turns(&r, &of_crash), 0);
        cr_expect_eq(of_crash, 0);
        cr_expect_gt(fl_test_final(&r, "watcher.newest"), 7900 * MS);
        cr_expect_eq(fl_test_final(&r, "watcher.back"), 0);
        fl_test_run_free(&r);
    }
}

/* --- transactions ------------------------------------------------------------------------------------ */

/* Each trader of the flagship deposits once, whoever of the replicas dies as they begin: what it had
 * swallowed is handed in again elsewhere, and executed once. */
static int64_t deposits(const struct fl_test_run *run, bool *twice)
{
    const uint32_t accounts = run->config->facts.accounts;
    uint32_t *const made = calloc(accounts, sizeof *made);
    int64_t all = 0;
    *twice = false;
    for (uint32_t id = 1; id <= fl_records_count(run->result->records); id++) {
        const struct fl_record *const r = fl_records_get(run->result->records, id);
        if (r->kind != FL_RECORD_DEPOSIT) continue;
        all++;
        *twice |= ++made[r->v[0]] > 1;
    }
    free(made);
    return all;
}

/* A trader sends when a head arrives: around 120 ms after a block is published, at 300.5 s. */
static struct fl_test_run run_traders(const char *failover, int down, int at_ms)
{
    return run(
        7,
        "{\"extends\": \"eth-crash-2020-03-12.json\", \"name\": \"x\", \"duration_s\": 1200, "
        "\"nodes\": {\"trader\": {%s\"agent\": {\"open_from_s\": 60, \"open_to_s\": 600}}, "
        "\"reporter\": {%s\"count\": 5}, \"liquidity\": {%s\"count\": 1}}, \"faults\": "
        "{\"oracle-stuck\": {\"enabled\": false}, \"gone\": {\"model\": \"crash\", \"group\": "
        "\"validator\", \"members\": [%d], \"from_s\": 300.%03d, \"to_s\": 1200}}, "
        "\"trace\": {\"detail\": \"messages\"}, \"expect\": []}",
        failover, failover, failover, down, at_ms);
}

static uint32_t handed_in_again(const struct fl_test_run *run)
{
    uint32_t found = 0;
    for (uint64_t i = 0; i < run->result->message_count; i++) {
        const struct fl_message_row *const m = &run->result->message[i];
        found += m->family == FL_CHAIN && m->kind == FL_SUBMIT && m->copy > 0;
    }
    return found;
}

Test(replica, transactions_are_executed_once_whoever_is_down)
{
    uint32_t turned = 0, lost = 0, again = 0;
    for (int i = 0; i < 12; i++) {
        const int down = 1 + i % 3, at_ms = 600 + i / 3 * 30;
        bool twice;
        uint32_t of_crash;
        struct fl_test_run r = run_traders("", down, at_ms);
        const int64_t without = deposits(&r, &twice);
        cr_expect_not(twice);
        fl_test_run_free(&r);

        r = run_traders("\"failover_s\": 60, ", down, at_ms);
        cr_expect_eq(deposits(&r, &twice), 1001, "each trader's, and the liquidity provider's");
        cr_expect_not(twice);
        cr_expect_eq(fl_test_final(&r, "traders.opened"), 1000);
        cr_expect_eq(fl_test_verdict(&r, "conservation")->kind, FL_HOLDS);
        turned += turns(&r, &of_crash);
        lost += without < 1001;
        again += handed_in_again(&r);
        fl_test_run_free(&r);
    }
    cr_expect_gt(turned, 0);
    cr_expect_gt(lost, 0, "without failover somebody's deposits are lost");
    printf("%u turns, %u transactions handed in again\n", turned, again);
    cr_expect_gt(again, 0, "nothing was handed in again");
}
