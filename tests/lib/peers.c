/* Workloads of other simulators: see peers.h. */
#include "tests/lib/peers.h"

#include "models/wire.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

static void init_zero(const struct fl_self *self, void *state)
{
    (void)self;
    (void)state;
}

/* --- one decision of PBFT --------------------------------------------------------------------------- */

enum { PRE_PREPARE = 1, PREPARE, COMMIT, DECIDE, CHECKPOINT, KINDS };
enum { BEGIN, RECEIVE_TIMEOUT, EXECUTE_TIMEOUT, ONE_SHOT_TIMERS };
#define LAMBDA (3 * FL_SECOND)

struct one_shot_state {
    uint64_t proposed, prepares, commits, prepared, decided;
    uint64_t sent[KINDS], bytes[KINDS];
}; /* followed by the senders of commits, in the order in which they came: the proof of a decision */

static uint64_t *proof_of(struct one_shot_state *s)
{
    return (uint64_t *)(s + 1);
}

static struct fl_msg *broadcast(const struct fl_self *self, struct one_shot_state *s, uint16_t kind,
                                size_t proof, struct fl_outbox *out)
{
    const uint64_t peers = self->group_size - 1;
    s->sent[kind] += peers;
    s->bytes[kind] += peers * (sizeof(struct fl_msg) + proof);
    return fl_send(out, FL_TO_PEERS, FL_NOWHERE, FL_CONSENSUS, kind);
}

static void prepare(const struct fl_self *self, struct one_shot_state *s, struct fl_outbox *out)
{
    s->proposed = 1;
    s->prepares++;
    broadcast(self, s, PREPARE, 0, out);
    fl_set_timer(out, EXECUTE_TIMEOUT, 3 * LAMBDA);
}

static void decide(const struct fl_self *self, struct one_shot_state *s, bool by_commits,
                   struct fl_outbox *out)
{
    const size_t proof = (2 * self->faulty_max + 1) * sizeof *proof_of(s);
    s->decided = 1;
    fl_note(out, FL_RECORD_DECIDED, 1, self->key);
    const fl_blob blob = fl_blob_put(out, proof_of(s), (uint32_t)proof, 1, NULL);
    broadcast(self, s, DECIDE, proof, out)->blob = blob;
    if (by_commits) broadcast(self, s, CHECKPOINT, 0, out);
}

static void advance(const struct fl_self *self, struct one_shot_state *s, struct fl_outbox *out)
{
    const uint64_t quorum = 2 * self->faulty_max + 1;
    if (s->proposed && !s->prepared && s->prepares >= quorum) {
        s->prepared = 1;
        proof_of(s)[s->commits++] = self->index;
        broadcast(self, s, COMMIT, 0, out);
    }
    if (s->prepared && !s->decided && s->commits >= quorum) decide(self, s, true, out);
}

static void one_shot_hear(const struct fl_self *self, struct one_shot_state *s,
                          const struct fl_msg *m, struct fl_outbox *out)
{
    switch (m->kind) {
    case PRE_PREPARE:
        prepare(self, s, out);
        break;
    case PREPARE:
        s->prepares++;
        break;
    case COMMIT:
        proof_of(s)[s->commits++] = m->from.i - self->group_first;
        break;
    case DECIDE:
        if (!s->decided) decide(self, s, false, out);
        break;
    }
    advance(self, s, out);
}

static void one_shot_step(const struct fl_self *self, void *state, const struct fl_event *in,
                          const struct fl_view *view, struct fl_outbox *out)
{
    struct one_shot_state *const s = state;
    (void)view;
    if (in->kind == FL_START) {
        fl_set_timer(out, BEGIN, 0);
        fl_set_timer(out, RECEIVE_TIMEOUT, 3 * LAMBDA);
    } else if (in->kind == FL_TIMER && in->timer == BEGIN && self->index == 0) {
        broadcast(self, s, PRE_PREPARE, 0, out);
        prepare(self, s, out);
        advance(self, s, out);
    } else if (in->kind == FL_MSG) {
        one_shot_hear(self, s, &in->msg, out);
    }
}

static size_t one_shot_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    return sizeof(struct one_shot_state) + self->group_size * sizeof(uint64_t);
}

static const struct fl_node_model one_shot_node = {
    .timer_count = ONE_SHOT_TIMERS,
    .state_bytes = one_shot_bytes,
    .init = init_zero,
    .step = one_shot_step,
};
static const struct fl_model one_shot_model = {
    .name = "one_shot", .family = FL_CONSENSUS, .doc = "one decision", .node = &one_shot_node};

struct fl_test_run one_shot_run(uint32_t n, fl_time stop, uint64_t seed)
{
    char text[512];
    snprintf(text, sizeof text,
             "{\"name\": \"one-shot\", \"duration_s\": %" PRId64 ".%09" PRId64
             ", \"network\": {\"delay_ms\": {\"law\": \"normal\", \"mean\": 250, \"sd\": 50, "
             "\"at_least\": 0}}, \"nodes\": {\"v\": {\"count\": %" PRIu32
             ", \"faulty_max\": %" PRIu32 ", \"consensus\": \"one_shot\"}}, "
             "\"trace\": {\"detail\": \"summary\"}}",
             stop / FL_SECOND, stop % FL_SECOND, n, (n - 1) / 3);
    return fl_test_run(text, NULL, 0, seed);
}

struct one_shot one_shot_look(uint32_t n, uint64_t seed)
{
    struct fl_test_run run = one_shot_run(n, 2 * FL_SECOND, seed);
    struct one_shot look = {0};
    uint32_t left = n - (n - 1) / 3;
    for (uint32_t id = 1; id <= fl_records_count(run.result->records) && left > 0; id++) {
        const struct fl_record *const r = fl_records_get(run.result->records, id);
        if (r->kind == FL_RECORD_DECIDED && --left == 0) look.stop = r->at;
    }
    fl_test_run_free(&run);
    cr_assert_eq(left, 0, "n = %" PRIu32 ", seed %" PRIu64 ": too few decide", n, seed);
    run = one_shot_run(n, look.stop, seed);
    look.messages = run.result->messages;
    fl_test_run_free(&run);
    return look;
}

uint64_t one_shot_messages(uint32_t n)
{
    const uint64_t f = (n - 1) / 3;
    return (n - 1) * (1 + 2 * (uint64_t)n + 2 * (n - f));
}

/* --- everybody to everybody ------------------------------------------------------------------------- */

struct flood_params {
    int64_t rounds;
};
struct flood_state {
    uint64_t round, heard;
};
enum { ROUND = 100 }; /* ticks, of a nanosecond */

static void flood_step(const struct fl_self *self, void *state, const struct fl_event *in,
                       const struct fl_view *view, struct fl_outbox *out)
{
    struct flood_state *const s = state;
    (void)view;
    if (in->kind == FL_MSG) {
        s->heard++;
        return;
    }
    const struct flood_params *const p = self->params;
    if (s->round++ == (uint64_t)p->rounds) return;
    fl_send(out, FL_TO_PEERS, FL_NOWHERE, FL_AGENT, 1)->word[0] = s->round;
    fl_send(out, FL_TO_ONE, self->endpoint, FL_AGENT, 1)->word[0] = s->round;
    fl_set_timer(out, 0, ROUND);
}

static size_t flood_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return sizeof(struct flood_state);
}

static const struct fl_param flood_rows[] = {
    {.key = "rounds", .type = FL_INTEGER, .min = 1, .max = 1000000, .doc = "broadcasts of each"},
    {.key = NULL}};
static const struct fl_node_model flood_node = {
    .timer_count = 1, .state_bytes = flood_bytes, .init = init_zero, .step = flood_step};
static const struct fl_model flood_model = {.name = "flood",
                                            .family = FL_AGENT,
                                            .doc = "everybody to everybody",
                                            .params = flood_rows,
                                            .params_bytes = sizeof(struct flood_params),
                                            .node = &flood_node};

/* Until the last message is there. */
struct fl_test_run flood_run(uint32_t n, uint32_t rounds, uint64_t seed)
{
    char text[512];
    const uint64_t end = (uint64_t)rounds * ROUND + 2 * ROUND;
    snprintf(text, sizeof text,
             "{\"name\": \"flood\", \"duration_s\": %" PRIu64 ".%09" PRIu64
             ", \"network\": {\"delay_ms\": {\"law\": \"uniform\", \"min\": 0, \"max\": 0.0002}}, "
             "\"nodes\": {\"v\": {\"count\": %" PRIu32
             ", \"agent\": {\"model\": \"flood\", \"rounds\": %" PRIu32 "}}}, "
             "\"trace\": {\"detail\": \"summary\"}}",
             end / 1000000000, end % 1000000000, n, rounds);
    return fl_test_run(text, NULL, 0, seed);
}

/* --- PHOLD ----------------------------------------------------------------------------------------------- */

struct phold_params {
    int64_t processes; /* of each node */
};
struct phold_state {
    uint64_t begun;
}; /* followed by the number of events of each process */

/* word: the event's line, which is the process it began at; how many there were in it; the process
 * it is for. */
static void pass_on(const struct fl_self *self, uint64_t line, uint64_t hop, uint64_t process,
                    struct fl_outbox *out)
{
    const struct phold_params *const p = self->params;
    const uint64_t dice = fl_draw(self->seed, FL_RNG_AGENT, line, hop, 0);
    if (dice >> 62 == 0) {
        const uint64_t all = self->group_size * (uint64_t)p->processes;
        process = (uint64_t)((fl_u128)(dice << 2) * all >> 64);
    }
    const fl_endpoint to = {self->group_first + (uint32_t)(process / (uint64_t)p->processes)};
    struct fl_msg *const m = fl_send(out, FL_TO_ONE, to, FL_AGENT, 1);
    m->word[0] = line;
    m->word[1] = hop;
    m->word[2] = process;
    out->at[out->count - 1].delay = FL_SECOND; /* the lookahead; the network adds the rest */
}

static void phold_step(const struct fl_self *self, void *state, const struct fl_event *in,
                       const struct fl_view *view, struct fl_outbox *out)
{
    const struct phold_params *const p = self->params;
    const uint64_t first = self->index * (uint64_t)p->processes;
    struct phold_state *const s = state;
    uint64_t *const events = (uint64_t *)(s + 1);
    (void)view;
    if (in->kind == FL_MSG) {
        events[in->msg.word[2] - first]++;
        pass_on(self, in->msg.word[0], in->msg.word[1] + 1, in->msg.word[2], out);
    } else if (in->kind == FL_START) {
        for (uint64_t i = 0; i < (uint64_t)p->processes; i++)
            pass_on(self, first + i, 0, first + i, out);
    }
}

static size_t phold_bytes(const void *params, const struct fl_self *self)
{
    const struct phold_params *const p = params;
    (void)self;
    return sizeof(struct phold_state) + (size_t)p->processes * sizeof(uint64_t);
}

enum { PHOLD_NODES = 1000 };
static const struct fl_param phold_rows[] = {{.key = "processes",
                                              .type = FL_INTEGER,
                                              .min = 1,
                                              .max = FL_OUTBOX_EFFECTS,
                                              .doc = "of each node"},
                                             {.key = NULL}};
static const struct fl_node_model phold_node = {
    .state_bytes = phold_bytes, .init = init_zero, .step = phold_step};
static const struct fl_model phold_model = {.name = "phold",
                                            .family = FL_AGENT,
                                            .doc = "events that make events",
                                            .params = phold_rows,
                                            .params_bytes = sizeof(struct phold_params),
                                            .node = &phold_node};

struct fl_test_run phold_run(uint32_t count, uint32_t seconds, uint64_t seed)
{
    char text[512];
    const uint32_t nodes = count < PHOLD_NODES ? count : PHOLD_NODES;
    snprintf(text, sizeof text,
             "{\"name\": \"phold\", \"duration_s\": %" PRIu32
             ", \"network\": {\"delay_ms\": {\"law\": \"exponential\", \"mean\": 1000}}, "
             "\"nodes\": {\"v\": {\"count\": %" PRIu32
             ", \"agent\": {\"model\": \"phold\", \"processes\": %" PRIu32 "}}}, "
             "\"trace\": {\"detail\": \"summary\"}}",
             seconds, nodes, count / nodes);
    return fl_test_run(text, NULL, 0, seed);
}

/* --- the registry ---------------------------------------------------------------------------------------- */

const struct fl_model *const fl_models[] = {&one_shot_model, &flood_model, &phold_model, NULL};
