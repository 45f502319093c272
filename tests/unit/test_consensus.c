/* Ordering and broadcast, driven by the real engine from small scenarios, and the replica step by
 * step: message counts and delays against theory, recovery, faults within and beyond the budget. */
#include "models/wire.h"
#include "sim/keys.h"
#include "sim/world.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct fl_model fl_model_bracha, fl_model_ordered, fl_model_replica;

/* ------------------------------------------------------------------------------------------------
 * Running a scenario
 * --------------------------------------------------------------------------------------------- */

struct run {
    struct fl_config *config;
    struct fl_world *world;
    const struct fl_result *result;
};

__attribute__((format(printf, 2, 3))) static void run_start(struct run *run, const char *format,
                                                            ...)
{
    static char text[8192];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct fl_problems problems = {.to = stderr};
    run->config = fl_config_parse(text, strlen(text), "test.json", NULL, 0, NULL, &problems);
    cr_assert_not_null(run->config, "%s", text);
    run->world = fl_world_new(run->config);
    fl_world_run(run->world);
    run->result = fl_world_result(run->world);
}

static void run_end(struct run *run)
{
    fl_world_free(run->world);
    fl_config_free(run->config);
}

static uint32_t count(const struct run *run, uint16_t kind)
{
    uint32_t found = 0;
    for (uint32_t id = 1; id <= fl_records_count(run->result->records); id++)
        found += fl_records_get(run->result->records, id)->kind == kind;
    return found;
}

static int64_t observed(const struct run *run, const char *name)
{
    const uint32_t handle = fl_config_observable(run->config, name);
    cr_assert_neq(handle, UINT32_MAX, "%s", name);
    return run->result->final[handle];
}

/* An honest model never sends one key to one destination twice (model.h). */
static void keys_are_unique(const struct run *run, uint32_t family)
{
    const struct fl_message_row *const m = run->result->message;
    for (uint64_t i = 0; i < run->result->message_count; i++)
        for (uint64_t j = 0; j < i; j++)
            cr_assert(m[i].family != family || m[i].from != m[j].from || m[i].to != m[j].to ||
                          m[i].family != m[j].family || m[i].kind != m[j].kind ||
                          m[i].copy != m[j].copy ||
                          memcmp(m[i].word, m[j].word, sizeof m[i].word) != 0,
                      "from %u to %u kind %u word %" PRIu64 " copy %u", m[i].from, m[i].to,
                      m[i].kind, m[i].word[0], m[i].copy);
}

/* ------------------------------------------------------------------------------------------------
 * Bracha's broadcast
 * --------------------------------------------------------------------------------------------- */

#define BRACHA                                                                     \
    "{\"name\": \"bracha\", \"seed\": %d, \"duration_s\": 10,"                     \
    " \"network\": {\"delay_ms\": %s},"                                            \
    " \"nodes\": {\"member\": {\"count\": %u, \"faulty_max\": %u,"                 \
    "   \"consensus\": {\"model\": \"bracha\", \"sender\": %d, \"bytes\": 100}}}," \
    " \"checks\": {\"agreement\": \"agreement\"},"                                 \
    " \"trace\": {\"detail\": \"messages\"},"                                      \
    " \"faults\": {%s}}"

/* (n - 1)(2n + 1) messages and three delays: consensus.md, table 0.1. */
Test(bracha, messages_and_delays_are_those_of_the_paper)
{
    static const uint32_t expected[][2] = {{4, 27}, {7, 90}, {10, 189}, {16, 495}, {31, 1890}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const uint32_t n = expected[i][0];
        struct run run;
        run_start(&run, BRACHA, 1, "20", n, (n - 1) / 3, -1, "");
        cr_expect_eq(run.result->messages, expected[i][1], "n = %u: %" PRIu64, n,
                     run.result->messages);
        cr_expect_eq(count(&run, FL_RECORD_DECIDED), n);
        const struct fl_record *const last =
            fl_records_get(run.result->records, fl_records_count(run.result->records));
        cr_expect_eq(last->at, 3 * 20 * FL_MILLISECOND);
        cr_expect_eq(run.result->verdict[0].kind, FL_HOLDS);
        keys_are_unique(&run, FL_CONSENSUS);
        run_end(&run);
    }
}

/* Alone it delivers to itself at once. */
Test(bracha, one_member)
{
    struct run run;
    run_start(&run, BRACHA, 1, "20", 1, 0, -1, "");
    cr_expect_eq(count(&run, FL_RECORD_DECIDED), 1);
    cr_expect_eq(observed(&run, "consensus.delivered"), 1);
    run_end(&run);
}

Test(bracha, one_crash_does_not_matter_but_a_mute_sender_does)
{
    struct run run;
    run_start(&run, BRACHA, 1, "20", 4, 1, -1,
              "\"c\": {\"model\": \"crash\", \"group\": \"member\", \"members\": [1],"
              " \"from_s\": 0, \"to_s\": 10}");
    cr_expect_eq(observed(&run, "consensus.delivered"), 3);
    run_end(&run);
    run_start(&run, BRACHA, 1, "20", 4, 1, -1,
              "\"c\": {\"model\": \"mute\", \"group\": \"member\", \"members\": [3],"
              " \"from_s\": 0, \"to_s\": 10}");
    cr_expect_eq(count(&run, FL_RECORD_DECIDED), 0);
    cr_expect_eq(run.result->verdict[0].kind, FL_NOT_APPLICABLE);
    cr_expect_geq(run.result->fault[0].suppressed, 1);
    run_end(&run);
}

/* Honest members that delivered, and whether all of them or none did. */
static uint32_t honest_deliveries(const struct run *run)
{
    uint32_t delivered = 0;
    for (uint32_t id = 1; id <= fl_records_count(run->result->records); id++) {
        const struct fl_record *const r = fl_records_get(run->result->records, id);
        bool struck = false;
        for (uint32_t f = 0; f < run->result->fault_count; f++)
            for (uint32_t m = 0; m < run->result->fault[f].spec->count; m++)
                struck |= run->result->fault[f].member[m] == r->endpoint;
        delivered += r->kind == FL_RECORD_DECIDED && !struck;
    }
    return delivered;
}

/* Within the budget: agreement always, and totality (all honest members deliver, or none), whoever
 * is corrupted, the sender included. Random delays, so that arrivals come in every order. */
Test(bracha, agreement_and_totality_within_the_budget)
{
    uint32_t delivered = 0, silent = 0;
    for (int seed = 1; seed <= 200; seed++) {
        /* n = 3f + 2 lets an equivocating sender divide the honest evenly, so that nobody delivers. */
        const uint32_t f = 1 + (uint32_t)seed % 3, n = 3 * f + 1 + (uint32_t)(seed / 3 % 2);
        char faults[200];
        snprintf(faults, sizeof faults,
                 "\"lie\": {\"model\": \"equivocate\", \"group\": \"member\", \"count\": %u,"
                 " \"from_s\": 0, \"to_s\": 10}",
                 f);
        struct run run;
        run_start(&run, BRACHA, seed, "{\"law\": \"exponential\", \"mean\": 20}", n, f,
                  seed % (int)n, faults);
        cr_expect_neq(run.result->verdict[0].kind, FL_BROKEN, "seed %d", seed);
        const uint32_t heard = honest_deliveries(&run);
        cr_expect(heard == 0 || heard == n - f, "seed %d: %u of %u", seed, heard, n - f);
        cr_expect_gt(run.result->fault[0].injected, 0, "seed %d: the fault never bit", seed);
        delivered += heard > 0;
        silent += heard == 0;
        run_end(&run);
    }
    cr_expect_gt(delivered, 50);
    cr_expect_gt(silent, 0, "no broadcast ever failed: the test is too tame");
}

/* Beyond it, with the quorums of f = 1 and two liars, agreement must break for some placement. */
Test(bracha, agreement_breaks_beyond_the_budget)
{
    uint32_t broken = 0;
    for (int seed = 1; seed <= 100; seed++) {
        struct run run;
        run_start(&run, BRACHA, seed, "20", 4, 1, 0,
                  "\"lie\": {\"model\": \"equivocate\", \"group\": \"member\", \"members\": [0, 1],"
                  " \"from_s\": 0, \"to_s\": 10}");
        broken += run.result->verdict[0].kind == FL_BROKEN;
        run_end(&run);
    }
    cr_expect_gt(broken, 0);
}

/* Power for heads: the strong member alone is more than (P + F) / 2 of nothing once it is counted
 * faulty, so with faulty_max 1 nobody can deliver; with 0 all do. */
Test(bracha, quorums_count_power)
{
    for (uint32_t f = 0; f < 2; f++) {
        struct run run;
        run_start(&run,
                  "{\"name\": \"power\", \"seed\": 1, \"duration_s\": 10,"
                  " \"network\": {\"delay_ms\": 20},"
                  " \"nodes\": {\"member\": {\"count\": 4, \"faulty_max\": %u,"
                  "   \"power\": [7, 1, 1, 1], \"consensus\": \"bracha\"}}}",
                  f);
        cr_expect_eq(observed(&run, "consensus.delivered"), f == 0 ? 4 : 0);
        run_end(&run);
    }
}

/* ------------------------------------------------------------------------------------------------
 * The sequencer
 * --------------------------------------------------------------------------------------------- */

#define ORDERED                                                                           \
    "{\"name\": \"ordered\", \"seed\": 7, \"duration_s\": %u,"                            \
    " \"network\": {\"delay_ms\": %s},"                                                   \
    " \"nodes\": {\"validator\": {\"count\": 4,"                                          \
    "   \"consensus\": {\"model\": \"ordered\", \"block_ms\": 1000, \"latency_ms\": 250," \
    "                   \"sequencer\": 1, \"history\": %u},"                              \
    "   \"chain\": \"replica\"}},"                                                        \
    " \"checks\": {\"agreement\": \"agreement\"},"                                        \
    " \"trace\": {\"detail\": \"messages\"},"                                             \
    " \"faults\": {%s}}"

static void check_sequence(const struct run *run, int64_t highest, int64_t lowest)
{
    cr_expect_eq(observed(run, "consensus.height"), highest);
    cr_expect_eq(observed(run, "consensus.height_min"), lowest);
    cr_expect_eq(observed(run, "chain.height"), highest);
    cr_expect_eq(observed(run, "chain.halted"), 0);
    cr_expect_eq(run->result->verdict[0].kind, FL_HOLDS);
    keys_are_unique(run, FL_CONSENSUS);
}

Test(ordered, a_block_each_slot_after_the_latency)
{
    struct run run;
    run_start(&run, ORDERED, 20, "40", 4096, "");
    check_sequence(&run, 19, 19); /* the slot at 20 s is published after the end */
    cr_expect_eq(observed(&run, "consensus.blocks"), 20);
    cr_expect_eq(observed(&run, "consensus.retransmissions"), 0);
    cr_expect_eq(run.result->messages, 19 * 3);
    for (uint32_t id = 1; id <= fl_records_count(run.result->records); id++) {
        const struct fl_record *const r = fl_records_get(run.result->records, id);
        if (r->kind == FL_RECORD_BLOCK) cr_expect_eq(r->at, r->v[0] * FL_SECOND);
        if (r->kind == FL_RECORD_DECIDED)
            cr_expect_eq(r->at,
                         r->v[0] * FL_SECOND + (r->endpoint == 1 ? 250 : 290) * FL_MILLISECOND);
        /* Each slot stands for itself; what follows descends from its block. */
        if (r->kind == FL_RECORD_BLOCK) cr_expect_eq(r->parent, FL_NO_RECORD);
        if (r->kind == FL_RECORD_APPLIED)
            cr_expect_eq(fl_records_get(run.result->records, r->parent)->kind, FL_RECORD_DECIDED);
    }
    run_end(&run);
}

/* Blocks that overtake one another are decided in order. */
Test(ordered, delays_longer_than_slots)
{
    struct run run;
    run_start(&run, ORDERED, 300, "{\"law\": \"exponential\", \"mean\": 1500, \"at_most\": 9000}",
              4096, "");
    cr_expect_eq(observed(&run, "consensus.height"), 299);
    cr_expect_geq(observed(&run, "consensus.height_min"), 299 - 40);
    cr_expect_eq(run.result->verdict[0].kind, FL_HOLDS);
    int64_t next[4] = {1, 1, 1, 1};
    for (uint32_t id = 1; id <= fl_records_count(run.result->records); id++) {
        const struct fl_record *const r = fl_records_get(run.result->records, id);
        if (r->kind == FL_RECORD_DECIDED) cr_expect_eq(r->v[0], next[r->endpoint]++);
    }
    keys_are_unique(&run, FL_CONSENSUS);
    run_end(&run);
}

#define STRIKE(name, model, member, from, to)                                                  \
    "\"" name "\": {\"model\": \"" model "\", \"group\": \"validator\", \"members\": [" member \
    "],"                                                                                       \
    " \"from_s\": " from ", \"to_s\": " to "}"

/* 200 blocks missed: four requests, because one brings 64. */
Test(ordered, a_crashed_member_catches_up)
{
    struct run run;
    run_start(&run, ORDERED, 240, "40", 4096, STRIKE("c", "crash", "2", "10.5", "210.5"));
    check_sequence(&run, 239, 239);
    cr_expect_eq(observed(&run, "consensus.retransmissions"), 200);
    cr_expect_eq(observed(&run, "consensus.gone"), 0);
    run_end(&run);
}

/* The sequencer proposes at once when it is back, then at its slots; only that block descends from
 * the fault. */
Test(ordered, a_crashed_sequencer_halts_the_chain)
{
    struct run run;
    run_start(&run, ORDERED, 40, "40", 4096, STRIKE("c", "crash", "1", "10.1", "20.6"));
    /* slots 1 to 9, slot 10 lost unpublished; 20.6; slots 21 to 39 */
    check_sequence(&run, 9 + 1 + 19, 9 + 1 + 19);
    for (uint32_t id = 1; id <= fl_records_count(run.result->records); id++) {
        const struct fl_record *const r = fl_records_get(run.result->records, id);
        if (r->kind != FL_RECORD_BLOCK) continue;
        const bool at_once = r->at == 20 * FL_SECOND + 600 * FL_MILLISECOND;
        cr_expect(at_once || r->at % FL_SECOND == 0);
        cr_expect_eq(r->parent != FL_NO_RECORD, at_once);
    }
    run_end(&run);
}

/* It goes on deciding by itself; when it is heard again the others ask for what they missed. */
Test(ordered, a_mute_sequencer_is_caught_up_with)
{
    struct run run;
    run_start(&run, ORDERED, 40, "40", 4096, STRIKE("m", "mute", "1", "10.1", "20.6"));
    /* 20.6 is one block more than the slots */
    check_sequence(&run, 40, 40);
    cr_expect_geq(observed(&run, "consensus.retransmissions"), 3 * 10);
    run_end(&run);
}

/* Blocks that the sequencer no longer has: the member stays behind and stops asking. */
Test(ordered, history_is_bounded)
{
    struct run run;
    run_start(&run, ORDERED, 240, "40", 16, STRIKE("c", "crash", "2", "10.5", "110.5"));
    check_sequence(&run, 239, 10);
    cr_expect_eq(observed(&run, "consensus.gone"), 1);
    run_end(&run);
    run_start(&run, ORDERED, 240, "40", 16, STRIKE("c", "crash", "2", "10.5", "24.5"));
    check_sequence(&run, 239, 239);
    run_end(&run);
}

/* A trusted sequencer that is not: the baseline has no defence, and the check sees it. */
Test(ordered, an_equivocating_sequencer_breaks_agreement)
{
    struct run run;
    run_start(&run, ORDERED, 20, "40", 4096, STRIKE("lie", "equivocate", "1", "0", "20"));
    cr_expect_eq(run.result->verdict[0].kind, FL_BROKEN);
    run_end(&run);
}

Test(ordered, latency_is_below_the_slot)
{
    static const char text[] =
        "{\"name\": \"x\", \"seed\": 1, \"duration_s\": 1, \"nodes\": {\"v\": {\"consensus\":"
        " {\"model\": \"ordered\", \"block_ms\": 1000, \"latency_ms\": 1000}}}}";
    char *out = NULL;
    size_t bytes = 0;
    struct fl_problems problems = {.to = open_memstream(&out, &bytes)};
    cr_expect_null(fl_config_parse(text, strlen(text), "x.json", NULL, 0, NULL, &problems));
    fclose(problems.to);
    cr_expect_not_null(strstr(out, "latency_ms"), "%s", out);
    free(out);
}

/* ------------------------------------------------------------------------------------------------
 * One step at a time
 * --------------------------------------------------------------------------------------------- */

enum { ACCOUNTS = 8, CAPACITY = 6, BLOCK = 4, ME = 0, PEER = 1, MEMBERS = 4, CLIENT = 9 };

/* Laid out as the models' own. */
struct replica_params {
    int64_t block_txs, mempool_txs;
    int64_t fee_order, replacement_bump, lifetime, base_fee, base_fee_min, elasticity, denominator;
};
struct ordered_params {
    fl_time block_ns, latency_ns;
    int64_t sequencer, history;
    int64_t snapshots;
    fl_time snapshot_timeout;
};
struct bracha_params {
    int64_t sender, bytes;
    fl_time at;
};

/* Member 0 of four, with a model under test. */
struct bench {
    const struct fl_model *model;
    struct fl_facts facts;
    struct replica_params replica;
    struct ordered_params ordered;
    struct bracha_params bracha;
    uint64_t secret[ACCOUNTS], power[MEMBERS];
    uint32_t owner[ACCOUNTS];
    struct fl_keyring keys;
    struct fl_self self;
    unsigned char *state;
    struct fl_outbox *out;
    fl_time now;
};

static void bench_open(struct bench *b, const struct fl_model *model)
{
    memset(b, 0, sizeof *b);
    b->model = model;
    b->facts = (struct fl_facts){10, ACCOUNTS, 1};
    b->replica = (struct replica_params){.block_txs = BLOCK, .mempool_txs = CAPACITY};
    b->ordered = (struct ordered_params){FL_SECOND, 0, model == &fl_model_ordered ? PEER : 0,
                                         16,        0, FL_SECOND};
    b->bracha = (struct bracha_params){-1, 16, 0};
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        b->secret[i] = 1000 + i;
        b->owner[i] = i;
    }
    for (uint32_t i = 0; i < MEMBERS; i++) b->power[i] = 1;
    b->keys = (struct fl_keyring){.secret = b->secret,
                                  .identity_count = ACCOUNTS,
                                  .account_owner = b->owner,
                                  .account_count = ACCOUNTS};
    b->self = (struct fl_self){.endpoint = {ME},
                               .identity = {ME},
                               .key = 77,
                               .group_size = MEMBERS,
                               .faulty_max = 1,
                               .power = b->power,
                               .power_total = MEMBERS,
                               .facts = &b->facts,
                               .keys = &b->keys};
    b->self.params = model == &fl_model_replica   ? (const void *)&b->replica
                     : model == &fl_model_ordered ? (const void *)&b->ordered
                                                  : (const void *)&b->bracha;
    b->state = calloc(1, model->node->state_bytes(b->self.params, &b->self));
    b->out = calloc(1, sizeof *b->out);
    model->node->init(&b->self, b->state);
}

static void bench_close(struct bench *b)
{
    free(b->state);
    free(b->out);
}

static void bench_step(struct bench *b, struct fl_event *ev)
{
    const struct fl_view view = {0};
    ev->now = b->now;
    b->out->count = b->out->blob_count = b->out->scratch_used = 0;
    b->model->node->step(&b->self, b->state, ev, &view, b->out);
}

/* A consensus message about `content`, NULL for none, that names it by its digest plus `lie`. */
static void hear(struct bench *b, uint16_t kind, uint32_t from, uint64_t height, uint16_t copy,
                 const char *content, int64_t lie)
{
    struct fl_event ev = {.kind = FL_MSG, .data = content};
    ev.data_bytes = content ? (uint32_t)strlen(content) : 0;
    ev.msg.family = FL_CONSENSUS;
    ev.msg.kind = kind;
    ev.msg.copy = copy;
    ev.msg.from.i = ev.msg.by.i = from;
    ev.msg.word[0] = height;
    if (content) {
        const struct fl_digest d = fl_digest_of(content, ev.data_bytes);
        ev.msg.blob.i = 1 + (uint64_t)content[0];
        ev.msg.value[0] = (int64_t)d.lo + lie;
        ev.msg.value[1] = (int64_t)d.hi;
    }
    bench_step(b, &ev);
}

/* Effects of the last step that send, or call, this kind. */
static uint32_t says(const struct bench *b, enum fl_effect_kind how, uint16_t kind)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < b->out->count; i++)
        found += b->out->at[i].kind == how && b->out->at[i].msg.kind == kind;
    return found;
}

static int64_t bench_observe(const struct bench *b, uint32_t i)
{
    int64_t out[16];
    b->model->node->observe(&b->self, b->state, out);
    return out[i];
}

/* --- Bracha: each branch of figure 1 against one liar --- */

enum { B_INITIAL = 1, B_ECHO, B_READY }; /* kinds on the wire */

Test(bracha_step, first_word_counts_and_only_the_senders_initial)
{
    struct bench b;
    bench_open(&b, &fl_model_bracha);
    hear(&b, B_INITIAL, 1, 1, 0, "forged", 0);
    hear(&b, B_INITIAL, 3, 1, 0, "lie", 1);    /* digest of something else */
    hear(&b, B_INITIAL, CLIENT, 1, 0, "x", 0); /* not a member */
    hear(&b, 4711, 3, 1, 0, "x", 0);
    cr_expect_eq(says(&b, FL_SEND, B_ECHO), 0);
    hear(&b, B_INITIAL, 3, 1, 0, "truth", 0);
    cr_expect_eq(says(&b, FL_SEND, B_ECHO), 1);
    hear(&b, B_INITIAL, 3, 1, 0, "second thought", 0);
    cr_expect_eq(says(&b, FL_SEND, B_ECHO), 0);
    bench_close(&b);
}

/* n = 4, f = 1: three echoes, or two readies, make ready; three readies deliver. One member that says
 * a thing many times has said it once. */
Test(bracha_step, quorums)
{
    struct bench b;
    bench_open(&b, &fl_model_bracha);
    for (int i = 0; i < 5; i++) hear(&b, B_ECHO, 1, 1, 0, "truth", 0);
    hear(&b, B_ECHO, 2, 1, 0, "other", 0);
    hear(&b, B_ECHO, 2, 1, 0, "truth", 0); /* its second word */
    hear(&b, B_INITIAL, 3, 1, 0, "truth", 0);
    cr_expect_eq(says(&b, FL_SEND, B_ECHO), 1); /* own echo: two */
    cr_expect_eq(says(&b, FL_SEND, B_READY), 0);
    hear(&b, B_ECHO, 3, 1, 0, "truth", 0);
    cr_expect_eq(says(&b, FL_SEND, B_READY), 1); /* 3 > (4 + 1) / 2 */
    hear(&b, B_READY, 1, 1, 0, "truth", 0);      /* with its own: two */
    hear(&b, B_READY, 1, 1, 0, "truth", 0);
    cr_expect_eq(says(&b, FL_LOCAL, FL_DECIDE), 0);
    hear(&b, B_READY, 2, 1, 0, "truth", 0);
    cr_expect_eq(says(&b, FL_LOCAL, FL_DECIDE), 1);
    hear(&b, B_READY, 3, 1, 0, "truth", 0);
    cr_expect_eq(says(&b, FL_LOCAL, FL_DECIDE), 0); /* once */
    bench_close(&b);
}

/* Two readies are joined (step 2), three deliver, but not before somebody brings the content. */
Test(bracha_step, readies_alone)
{
    struct bench b;
    bench_open(&b, &fl_model_bracha);
    struct fl_event ev = {.kind = FL_MSG};
    const struct fl_digest d = fl_digest_of("truth", 5);
    ev.msg.kind = B_READY;
    ev.msg.word[0] = 1;
    ev.msg.value[0] = (int64_t)d.lo;
    ev.msg.value[1] = (int64_t)d.hi;
    ev.msg.from.i = ev.msg.by.i = 1;
    bench_step(&b, &ev);
    cr_expect_eq(says(&b, FL_SEND, B_READY), 0);
    ev.msg.from.i = ev.msg.by.i = 2;
    bench_step(&b, &ev);
    cr_expect_eq(says(&b, FL_SEND, B_READY), 1);
    cr_expect_eq(says(&b, FL_LOCAL, FL_DECIDE), 0);
    hear(&b, B_ECHO, 3, 1, 0, "other", 0);
    cr_expect_eq(says(&b, FL_LOCAL, FL_DECIDE), 0);
    hear(&b, B_ECHO, 2, 1, 0, "truth", 0);
    cr_expect_eq(says(&b, FL_LOCAL, FL_DECIDE), 1);
    bench_close(&b);
}

/* --- the sequencer and those who follow it --- */

enum { O_ORDERED = 1, O_ASK, O_GONE }; /* kinds on the wire */
enum { O_HEIGHT, O_HEIGHT_MIN, O_BLOCKS, O_RESENT, O_LOST };

Test(ordered_step, only_the_sequencer_and_only_the_truth)
{
    struct bench b;
    bench_open(&b, &fl_model_ordered);
    hear(&b, O_ORDERED, 2, 1, 0, "usurper", 0);
    hear(&b, O_ORDERED, PEER, 1, 0, "lie", 1);
    hear(&b, O_ORDERED, PEER, 0, 0, "genesis", 0);
    hear(&b, 4711, PEER, 1, 0, "x", 0);
    hear(&b, O_ASK, 2, 1, 1, NULL, 0); /* not a sequencer: it does not answer */
    cr_expect_eq(b.out->count, 0);
    cr_expect_eq(bench_observe(&b, O_HEIGHT), 0);
    hear(&b, O_ORDERED, PEER, 1, 0, "one", 0);
    hear(&b, O_ORDERED, PEER, 1, 1, "other", 0);
    cr_expect_eq(bench_observe(&b, O_HEIGHT), 1);
    bench_close(&b);
}

Test(ordered_step, gaps_are_asked_for_again_under_new_keys)
{
    struct bench b;
    bench_open(&b, &fl_model_ordered);
    hear(&b, O_ORDERED, PEER, 3, 0, "three", 0);
    cr_expect_eq(says(&b, FL_SEND, O_ASK), 1);
    cr_expect_eq(b.out->at[0].msg.word[0], 1);
    hear(&b, O_ORDERED, PEER, 4, 0, "four", 0);
    cr_expect_eq(says(&b, FL_SEND, O_ASK), 0); /* one on its way */
    for (uint16_t again = 2; again < 5; again++) {
        struct fl_event retry = {.kind = FL_TIMER, .timer = 2};
        bench_step(&b, &retry);
        cr_expect_eq(says(&b, FL_SEND, O_ASK), 1);
        cr_expect_eq(b.out->at[0].msg.copy, again);
    }
    hear(&b, O_ORDERED, PEER, 1, 1, "one", 0);
    hear(&b, O_ORDERED, PEER, 2, 1, "two", 0);
    cr_expect_eq(says(&b, FL_LOCAL, FL_DECIDE), 3);
    cr_expect_eq(bench_observe(&b, O_HEIGHT), 4);
    struct fl_event retry = {.kind = FL_TIMER, .timer = 2};
    bench_step(&b, &retry);
    cr_expect_eq(b.out->count, 0);
    /* A block whose content is gone leaves it behind for good. */
    struct fl_event gone = {.kind = FL_MSG};
    gone.msg.kind = O_ORDERED;
    gone.msg.from.i = gone.msg.by.i = PEER;
    gone.msg.word[0] = 5;
    gone.msg.blob.i = 99;
    bench_step(&b, &gone);
    hear(&b, O_ORDERED, PEER, 6, 0, "six", 0);
    cr_expect_eq(b.out->count, 0);
    cr_expect_eq(bench_observe(&b, O_LOST), 1);
    bench_close(&b);
}

/* A corrupted member asks as often as it likes; no key is used twice. */
Test(ordered_step, answers_each_request_once)
{
    struct bench b;
    bench_open(&b, &fl_model_ordered);
    b.ordered.sequencer = ME;
    for (uint64_t h = 1; h <= 20; h++) {
        struct fl_event payload = {.kind = FL_CALL, .data = "payload", .data_bytes = 7};
        payload.msg.family = FL_CHAIN;
        payload.msg.kind = FL_PAYLOAD;
        payload.msg.word[0] = h;
        payload.msg.word[1] = 5;
        payload.msg.blob.i = h;
        bench_step(&b, &payload);
        cr_assert_eq(b.out->at[0].record, FL_RECORD_BLOCK);
        cr_expect_eq(b.out->at[0].v[2], 5);
        struct fl_event publish = {.kind = FL_TIMER, .timer = 1};
        bench_step(&b, &publish);
        cr_expect_eq(says(&b, FL_SEND, O_ORDERED), 1);
        cr_expect_eq(says(&b, FL_LOCAL, FL_DECIDE), 1);
    }
    hear(&b, O_ASK, 2, 10, 3, NULL, 0);
    cr_expect_eq(says(&b, FL_SEND, O_ORDERED), 11);
    cr_expect_eq(b.out->at[0].msg.copy, 3);
    hear(&b, O_ASK, 2, 10, 3, NULL, 0);
    hear(&b, O_ASK, 2, 12, 2, NULL, 0);
    cr_expect_eq(b.out->count, 0);
    hear(&b, O_ASK, 3, 18, 1, NULL, 0); /* another member has its own numbers */
    cr_expect_eq(says(&b, FL_SEND, O_ORDERED), 3);
    hear(&b, O_ASK, 2, 2, 4, NULL, 0); /* history is 16 */
    cr_expect_eq(says(&b, FL_SEND, O_GONE), 1);
    hear(&b, O_ASK, CLIENT, 18, 1, NULL, 0);
    hear(&b, O_ASK, 2, UINT64_MAX, 9, NULL, 0);
    hear(&b, O_ASK, 2, 0, 10, NULL, 0);
    cr_expect_eq(b.out->count, 0);
    cr_expect_eq(bench_observe(&b, O_RESENT), 14);
    bench_close(&b);
}

/* --- the replica --- */

static struct fl_tx tx_of(const struct bench *b, uint32_t account, uint64_t nonce)
{
    struct fl_tx tx = {.account = account, .kind = 1, .nonce = nonce, .arg = {2385}};
    tx.tag = fl_keyring_tag(&b->keys, (fl_identity){account}, fl_tx_digest(&tx));
    return tx;
}

static void hand_in(struct bench *b, const struct fl_tx *tx, uint16_t kind, uint32_t from,
                    uint16_t copy)
{
    struct fl_event ev = {.kind = FL_MSG, .data = tx, .data_bytes = sizeof *tx};
    ev.msg.kind = kind;
    ev.msg.copy = copy;
    ev.msg.family = FL_CHAIN;
    ev.msg.from.i = ev.msg.by.i = from;
    ev.msg.blob.i = 5;
    bench_step(b, &ev);
}

enum { HEIGHT, MEMPOOL, DROPPED, TXS, HALTED };

static struct fl_event call(uint16_t kind, uint64_t height, const void *data, uint32_t bytes)
{
    struct fl_event ev = {.kind = FL_CALL, .data = data, .data_bytes = bytes};
    ev.msg.family = FL_CONSENSUS;
    ev.msg.kind = kind;
    ev.msg.word[0] = height;
    ev.msg.blob.i = bytes ? 6 : 0;
    return ev;
}

/* Proposes; copies the payload, and returns its length, 0 if there is none. */
static uint32_t propose(struct bench *b, uint64_t height, unsigned char *payload)
{
    struct fl_event ev = call(FL_PROPOSE, height, NULL, 0);
    bench_step(b, &ev);
    cr_assert_eq(b->out->count, 1);
    cr_assert_eq(b->out->at[0].msg.kind, FL_PAYLOAD);
    cr_assert_eq(b->out->at[0].msg.family, FL_CONSENSUS);
    uint32_t bytes = 0;
    const void *const data = fl_outbox_data(b->out, b->out->at[0].msg.blob, &bytes);
    if (data) memcpy(payload, data, bytes);
    return bytes;
}

static bool valid(struct bench *b, uint64_t height, const unsigned char *payload, uint32_t bytes)
{
    struct fl_event ev = call(FL_VALIDATE, height, payload, bytes);
    bench_step(b, &ev);
    cr_assert_eq(b->out->at[0].msg.kind, FL_VALID);
    return b->out->at[0].msg.value[0] != 0;
}

static void decide(struct bench *b, uint64_t height, const unsigned char *payload, uint32_t bytes)
{
    struct fl_event ev = call(FL_DECIDE, height, payload, bytes);
    bench_step(b, &ev);
}

static void executed(struct bench *b, uint64_t height, uint32_t version)
{
    struct fl_event ev = {.kind = FL_EXECUTED};
    ev.msg.word[0] = height;
    ev.msg.version.i = version;
    ev.msg.value[0] = 4711;
    bench_step(b, &ev);
}

enum { PAYLOAD_MAX = sizeof(struct fl_block) + 64 * sizeof(struct fl_tx) };

Test(replica, takes_each_signed_transaction_once)
{
    struct bench b;
    bench_open(&b, &fl_model_replica);
    const struct fl_tx tx = tx_of(&b, 3, 1);
    hand_in(&b, &tx, FL_SUBMIT, CLIENT, 0);
    cr_assert_eq(b.out->count, 1); /* forwarded */
    cr_expect_eq(b.out->at[0].reach, FL_TO_PEERS);
    cr_expect_eq(b.out->at[0].msg.kind, FL_GOSSIP);
    cr_expect_eq(b.out->at[0].msg.word[2], 77);
    hand_in(&b, &tx, FL_SUBMIT, CLIENT, 0);
    cr_expect_eq(b.out->count, 0); /* known */
    hand_in(&b, &tx, FL_SUBMIT, CLIENT, 1);
    cr_expect_eq(b.out->count, 1); /* handed in again: peers may have been down */
    cr_expect_eq(b.out->at[0].msg.copy, 1);
    hand_in(&b, &tx, FL_GOSSIP, PEER, 0);
    cr_expect_eq(b.out->count, 0);
    cr_expect_eq(bench_observe(&b, MEMPOOL), 1);

    struct fl_tx forged = tx_of(&b, 4, 1);
    forged.tag ^= 1;
    hand_in(&b, &forged, FL_SUBMIT, CLIENT, 0);
    struct fl_tx nobody = tx_of(&b, 4, 1);
    nobody.account = ACCOUNTS;
    hand_in(&b, &nobody, FL_GOSSIP, PEER, 0);
    const struct fl_tx stranger = tx_of(&b, 4, 1);
    hand_in(&b, &stranger, FL_GOSSIP, CLIENT, 0); /* gossip is for peers */
    cr_expect_eq(bench_observe(&b, MEMPOOL), 1);
    bench_close(&b);
}

Test(replica, drops_the_newest_when_full)
{
    struct bench b;
    bench_open(&b, &fl_model_replica);
    for (uint32_t i = 0; i < CAPACITY + 2; i++) {
        const struct fl_tx tx = tx_of(&b, i, 1);
        hand_in(&b, &tx, FL_SUBMIT, CLIENT, 0);
        cr_expect_eq(b.out->count, i < CAPACITY ? 1 : 0);
    }
    cr_expect_eq(bench_observe(&b, MEMPOOL), CAPACITY);
    cr_expect_eq(bench_observe(&b, DROPPED), 2);
    bench_close(&b);
}

Test(replica, blocks_follow_one_another)
{
    struct bench b;
    unsigned char payload[PAYLOAD_MAX];
    bench_open(&b, &fl_model_replica);
    struct fl_tx txs[CAPACITY];
    for (uint32_t i = 0; i < CAPACITY; i++) {
        txs[i] = tx_of(&b, CAPACITY - i, 1); /* order of arrival, not of account */
        hand_in(&b, &txs[i], FL_SUBMIT, CLIENT, 0);
    }
    b.now = 12 * FL_SECOND;
    cr_expect_eq(propose(&b, 2, payload), 0); /* not the next height */
    const uint32_t bytes = propose(&b, 1, payload);
    struct fl_block block;
    memcpy(&block, payload, sizeof block);
    cr_assert_eq(bytes, sizeof block + BLOCK * sizeof(struct fl_tx));
    cr_expect_eq(block.batch.height, 1);
    cr_expect_eq(block.batch.time, b.now);
    cr_expect_eq(block.batch.tx_count, BLOCK);
    cr_expect_eq(memcmp(payload + sizeof block, txs, BLOCK * sizeof(struct fl_tx)), 0);
    cr_expect(valid(&b, 1, payload, bytes));

    decide(&b, 1, payload, bytes);
    cr_assert_eq(b.out->count, 1);
    cr_expect_eq(b.out->at[0].kind, FL_EXECUTE);
    cr_expect_eq(b.out->at[0].offset, offsetof(struct fl_block, batch));
    cr_expect_eq(b.out->at[0].msg.version.i, 1); /* genesis */
    executed(&b, 1, 9);
    cr_expect_eq(bench_observe(&b, HEIGHT), 1);
    cr_expect_eq(bench_observe(&b, MEMPOOL), CAPACITY - BLOCK);
    cr_expect_eq(bench_observe(&b, TXS), BLOCK);
    cr_assert_eq(b.out->count, 5);
    cr_expect_eq(b.out->at[0].record, FL_RECORD_APPLIED);
    cr_expect_eq(b.out->at[0].v[2], 4711);
    cr_expect_eq(b.out->at[1].kind, FL_HEAD);
    cr_expect_eq(b.out->at[2].kind, FL_FINALISE);
    cr_expect_eq(b.out->at[3].msg.kind, FL_NEW_HEAD);
    cr_expect_eq(b.out->at[3].msg.family, 0);
    cr_expect_eq(b.out->at[3].msg.version.i, 9);
    cr_expect_eq(b.out->at[3].msg.value[0], b.now);
    cr_expect_eq(b.out->at[4].msg.kind, FL_APPLIED);

    /* A late copy of what was applied is not new. */
    hand_in(&b, &txs[0], FL_GOSSIP, PEER, 0);
    cr_expect_eq(bench_observe(&b, MEMPOOL), CAPACITY - BLOCK);
    /* The second block names the first as its parent. */
    const struct fl_digest first = fl_digest_of(payload, bytes);
    const uint32_t more = propose(&b, 2, payload);
    memcpy(&block, payload, sizeof block);
    cr_expect_eq(more, sizeof block + (CAPACITY - BLOCK) * sizeof(struct fl_tx));
    cr_expect(fl_digest_equal(block.parent, first));
    /* Back from a crash, the head is announced again, each time under a new key. */
    for (uint16_t copy = 1; copy < 4; copy++) {
        struct fl_event recover = {.kind = FL_RECOVER};
        bench_step(&b, &recover);
        cr_assert_eq(b.out->count, 1);
        cr_expect_eq(b.out->at[0].msg.kind, FL_NEW_HEAD);
        cr_expect_eq(b.out->at[0].msg.copy, copy);
        cr_expect_eq(b.out->at[0].msg.version.i, 9);
    }
    bench_close(&b);
}

/* What is final stays: decisions and states of heights that are passed, or not next, change nothing. A
 * state is refused aloud, for somebody waits for the answer. */
Test(replica, finality_is_for_good)
{
    struct bench b;
    unsigned char payload[PAYLOAD_MAX], other[PAYLOAD_MAX];
    bench_open(&b, &fl_model_replica);
    b.now = FL_SECOND;
    const uint32_t bytes = propose(&b, 1, payload);
    b.now = 2 * FL_SECOND;
    cr_assert_eq(propose(&b, 1, other), bytes);
    cr_assert_neq(memcmp(payload, other, bytes), 0);
    decide(&b, 1, payload, bytes);
    executed(&b, 1, 9);
    decide(&b, 1, other, bytes);
    cr_expect_eq(b.out->count, 0);
    decide(&b, 3, other, bytes);
    cr_expect_eq(b.out->count, 0);
    executed(&b, 1, 8); /* nobody asked */
    cr_expect_eq(b.out->count, 0);
    for (uint64_t height = 0; height < 2; height++) {
        struct fl_event offer = call(FL_SNAPSHOT, height, NULL, 0);
        offer.msg.version.i = 8;
        bench_step(&b, &offer);
        cr_assert_eq(b.out->count, 1);
        cr_expect_eq(b.out->at[0].msg.kind, FL_ADOPTED);
        cr_expect_eq(b.out->at[0].msg.value[0], 0);
    }
    struct fl_block block;
    propose(&b, 2, other);
    memcpy(&block, other, sizeof block);
    cr_expect(fl_digest_equal(block.parent, fl_digest_of(payload, bytes)));
    cr_expect_eq(bench_observe(&b, HALTED), 0);
    bench_close(&b);
}

/* An empty height: a block without transactions, the same for whoever has that head, at its time. What
 * follows names no parent. */
Test(replica, an_empty_height_is_applied_like_any_other)
{
    struct bench b;
    unsigned char payload[PAYLOAD_MAX];
    struct fl_block block;
    bench_open(&b, &fl_model_replica);
    b.now = FL_SECOND;
    const uint32_t bytes = propose(&b, 1, payload);
    decide(&b, 1, payload, bytes);
    executed(&b, 1, 9);
    b.now = 5 * FL_SECOND;
    decide(&b, 2, NULL, 0);
    cr_assert_eq(b.out->count, 1);
    cr_expect_eq(b.out->at[0].kind, FL_EXECUTE);
    cr_expect_eq(b.out->at[0].msg.version.i, 9);
    uint32_t made = 0;
    const void *const data = fl_outbox_data(b.out, b.out->at[0].msg.blob, &made);
    cr_assert(data && made == sizeof block);
    memcpy(&block, data, sizeof block);
    const struct fl_block expected = {.parent = fl_digest_of(payload, bytes),
                                      .batch = {.height = 2, .time = FL_SECOND}};
    cr_expect_eq(memcmp(&block, &expected, sizeof block), 0);
    executed(&b, 2, 10);
    cr_expect_eq(bench_observe(&b, HEIGHT), 2);
    cr_assert_eq(b.out->count, 5);
    cr_expect_eq(b.out->at[0].record, FL_RECORD_APPLIED);
    cr_expect_eq(b.out->at[3].msg.kind, FL_NEW_HEAD);
    cr_expect_eq(b.out->at[3].msg.value[0], FL_SECOND);
    cr_expect_eq(b.out->at[4].msg.kind, FL_APPLIED);
    cr_assert_eq(propose(&b, 3, payload), sizeof block);
    memcpy(&block, payload, sizeof block);
    cr_expect(block.parent.lo == 0 && block.parent.hi == 0 && block.batch.height == 3);
    cr_expect(valid(&b, 3, payload, sizeof block));
    /* A digest without its content is not an empty height. */
    struct fl_event gone = call(FL_DECIDE, 3, NULL, 0);
    gone.msg.value[0] = 7;
    bench_step(&b, &gone);
    cr_expect_eq(bench_observe(&b, HALTED), 1);
    bench_close(&b);
}

/* A state in place of blocks: adopted if the engine finds it as proven and of that height. */
Test(replica, a_state_is_taken_over)
{
    enum { AS_PROVEN, NOT_THERE, OF_ANOTHER_HEIGHT, CASES };
    for (int how = 0; how < CASES; how++) {
        struct bench b;
        unsigned char payload[PAYLOAD_MAX];
        bench_open(&b, &fl_model_replica);
        struct fl_event offer = call(FL_SNAPSHOT, 40, NULL, 0);
        offer.msg.word[1] = 11;
        offer.msg.word[2] = 12;
        offer.msg.value[0] = 21;
        offer.msg.value[1] = 22;
        offer.msg.version.i = 77;
        bench_step(&b, &offer);
        cr_assert_eq(b.out->count, 1);
        cr_expect_eq(b.out->at[0].kind, FL_ADOPT);
        cr_expect_eq(b.out->at[0].msg.version.i, 77);
        cr_expect_eq(b.out->at[0].msg.value[0], 11);
        cr_expect_eq(b.out->at[0].msg.value[1], 12);
        bench_step(&b, &offer); /* a second one while the first is looked at */
        cr_assert_eq(b.out->count, 1);
        cr_expect_eq(b.out->at[0].msg.kind, FL_ADOPTED);
        cr_expect_eq(b.out->at[0].msg.value[0], 0);

        struct fl_event answer = {.kind = FL_EXECUTED};
        answer.msg.word[0] = 40;
        answer.msg.word[1] = how == OF_ANOTHER_HEIGHT ? 39 : 40;
        answer.msg.word[2] = 5 * (uint64_t)FL_SECOND;
        answer.msg.value[0] = 11;
        answer.msg.version.i = how == NOT_THERE ? 0 : 77;
        bench_step(&b, &answer);
        const struct fl_msg *const last = &b.out->at[b.out->count - 1].msg;
        cr_expect_eq(last->kind, FL_ADOPTED);
        cr_expect_eq(last->value[0], how == AS_PROVEN);
        cr_expect(last->word[0] == 40 && last->word[1] == 21 && last->word[2] == 22);
        cr_expect_eq(b.out->count, how == AS_PROVEN ? 5 : 1);
        cr_expect_eq(bench_observe(&b, HEIGHT), how == AS_PROVEN ? 40 : 0);
        cr_expect_eq(bench_observe(&b, HALTED), 0);
        struct fl_block block;
        cr_assert_eq(propose(&b, how == AS_PROVEN ? 41 : 1, payload), sizeof block);
        memcpy(&block, payload, sizeof block);
        cr_expect_eq(block.parent.lo, how == AS_PROVEN ? 21 : 0);
        cr_expect_eq(block.batch.time, how == AS_PROVEN ? 5 * FL_SECOND : 0);
        bench_close(&b);
    }
}

/* Each byte of a valid payload matters: header, transactions, tags. */
Test(replica, refuses_any_altered_payload)
{
    struct bench b;
    unsigned char payload[PAYLOAD_MAX];
    bench_open(&b, &fl_model_replica);
    const struct fl_tx tx = tx_of(&b, 2, 5);
    hand_in(&b, &tx, FL_SUBMIT, CLIENT, 0);
    b.now = FL_SECOND;
    const uint32_t bytes = propose(&b, 1, payload);
    cr_assert(valid(&b, 1, payload, bytes));
    const size_t time_at = offsetof(struct fl_block, batch) + offsetof(struct fl_batch, time);
    for (uint32_t i = 0; i < bytes; i++) {
        if (i >= time_at && i < time_at + sizeof(fl_time)) continue; /* any later time will do */
        payload[i] ^= 0x10;
        cr_expect_not(valid(&b, 1, payload, bytes), "byte %u", i);
        payload[i] ^= 0x10;
    }
    for (uint32_t i = 0; i < bytes; i++) cr_expect_not(valid(&b, 1, payload, i), "%u bytes", i);
    cr_expect_not(valid(&b, 2, payload, bytes));
    cr_expect(valid(&b, 1, payload, bytes));
    bench_close(&b);
}

Test(replica, halts_on_what_it_cannot_execute)
{
    unsigned char payload[PAYLOAD_MAX];
    for (int how = 0; how < 2; how++) {
        struct bench b;
        bench_open(&b, &fl_model_replica);
        const uint32_t bytes = propose(&b, 1, payload);
        if (how == 0) payload[0] ^= 1;
        decide(&b, 1, payload, bytes);
        if (how == 1) executed(&b, 1, 0);
        cr_expect_eq(bench_observe(&b, HALTED), 1);
        cr_expect_eq(bench_observe(&b, HEIGHT), 0);
        cr_expect_eq(propose(&b, 1, payload), 0);
        decide(&b, 1, payload, bytes);
        cr_expect_eq(b.out->count, 0);
        bench_close(&b);
    }
}

/* The mempool against a slow twin: a list of what is waiting, a list of what was applied. Small
 * numbers, so that slots, ring and index wrap round often. */
struct twin {
    struct fl_tx waiting[CAPACITY];
    uint32_t count;
    struct fl_tx applied[CAPACITY]; /* the newest CAPACITY of them */
    uint32_t applied_count;
};

static bool same_name(const struct fl_tx *a, const struct fl_tx *b)
{
    return a->account == b->account && a->nonce == b->nonce;
}

static void twin_take(struct twin *t, const struct fl_tx *tx)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (same_name(&t->waiting[i], tx)) return;
    for (uint32_t i = 0; i < t->applied_count && i < CAPACITY; i++)
        if (same_name(&t->applied[i], tx)) return;
    if (t->count < CAPACITY) t->waiting[t->count++] = *tx;
}

static void twin_apply(struct twin *t, const struct fl_tx *tx)
{
    for (uint32_t i = 0; i < t->applied_count && i < CAPACITY; i++)
        if (same_name(&t->applied[i], tx)) return;
    t->applied[t->applied_count++ % CAPACITY] = *tx;
    for (uint32_t i = 0; i < t->count; i++)
        if (same_name(&t->waiting[i], tx)) {
            memmove(&t->waiting[i], &t->waiting[i + 1], (--t->count - i) * sizeof *tx);
            return;
        }
}

Test(replica, mempool_agrees_with_a_slow_twin)
{
    struct bench b;
    unsigned char payload[PAYLOAD_MAX];
    struct twin twin = {0};
    struct fl_digest parent = {0, 0};
    bench_open(&b, &fl_model_replica);
    for (uint64_t i = 0, height = 1; i < 20000; i++) {
        const uint64_t r = fl_draw(1, FL_RNG_AGENT, 1, i, 0);
        const struct fl_tx tx = tx_of(&b, (uint32_t)(r % 4), r / 4 % 5 << r / 64 % 3 * 20);
        if (r / 20000 % 4 != 0) {
            hand_in(&b, &tx, r % 3 ? FL_SUBMIT : FL_GOSSIP, PEER, 0);
            twin_take(&twin, &tx);
            continue;
        }
        uint32_t bytes = propose(&b, height, payload);
        struct fl_block block;
        memcpy(&block, payload, sizeof block);
        cr_assert_eq(block.batch.tx_count, fl_min(twin.count, BLOCK));
        cr_assert(fl_digest_equal(block.parent, parent));
        cr_assert_eq(memcmp(payload + sizeof block, twin.waiting, bytes - sizeof block), 0);
        if (r / 80000 % 2) { /* another proposer's: one transaction, which may be known or not */
            block.batch.tx_count = 1;
            bytes = (uint32_t)(sizeof block + sizeof tx);
            memcpy(payload, &block, sizeof block);
            memcpy(payload + sizeof block, &tx, sizeof tx);
        }
        struct fl_tx txs[BLOCK];
        memcpy(txs, payload + sizeof block, bytes - sizeof block);
        for (uint32_t k = 0; k < block.batch.tx_count; k++) twin_apply(&twin, &txs[k]);
        decide(&b, height, payload, bytes);
        executed(&b, height, (uint32_t)height + 1);
        parent = fl_digest_of(payload, bytes);
        height++;
        cr_assert_eq(bench_observe(&b, MEMPOOL), twin.count);
        cr_assert_eq(bench_observe(&b, HALTED), 0);
    }
    bench_close(&b);
}
