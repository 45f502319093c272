/* The engine against its contract (sim/model.h, sim/world.h, DESIGN 2, 4, 5), written without looking
 * at its code. One model, `probe`, plays whatever part a test gives it and leaves everything it was
 * shown in a log; one adversary, `twist`, likewise. */
#include "tests/lib/run.h"
#include "sim/keys.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS FL_MILLISECOND

/* Records of these tests; the key is (v[0], v[1]). */
enum { NOTE = FL_RECORD_MODELS, OTHER_NOTE, THIRD_NOTE };

const struct fl_record_kind fl_record_kinds[] = {
    {FL_RECORD_FAULT, "fault", "", {{"fault", FL_ID}}},
    {FL_RECORD_RECOVERY, "recovery", "", {{"fault", FL_ID}, {"endpoint", FL_ID}}},
    {FL_RECORD_SUPPRESSED, "suppressed", "", {{"fault", FL_ID}, {"endpoint", FL_ID}}},
    {NOTE, "note", "", {{"a", FL_ID}, {"b", FL_ID}}},
    {OTHER_NOTE, "other", "", {{"a", FL_ID}, {"b", FL_ID}}},
    {THIRD_NOTE, "third", "", {{"a", FL_ID}, {"b", FL_ID}}},
    {.kind = 0},
};

/* ------------------------------------------------------------------------------------------------
 * The log
 * --------------------------------------------------------------------------------------------- */

struct seen {
    fl_time now;
    uint32_t endpoint, family;
    enum fl_event_kind kind;
    uint32_t timer;
    struct fl_msg msg;
    uint32_t bytes;
    unsigned char data[16]; /* the first bytes of the content */
    bool content;
};
enum { SEEN_MAX = 400000 };
static struct seen seen[SEEN_MAX];
static size_t seen_count;

static void see(uint32_t endpoint, enum fl_family family, const struct fl_event *in)
{
    cr_assert(seen_count < SEEN_MAX);
    struct seen *s = &seen[seen_count++];
    *s = (struct seen){
        .now = in->now, .endpoint = endpoint, .family = (uint32_t)family, .kind = in->kind};
    if (in->kind == FL_TIMER) s->timer = in->timer;
    if (in->kind == FL_START || in->kind == FL_TIMER || in->kind == FL_RECOVER) return;
    s->msg = in->msg;
    s->content = in->data != NULL;
    s->bytes = in->data ? in->data_bytes : 0;
    if (in->data) memcpy(s->data, in->data, s->bytes < 16 ? s->bytes : 16);
}

/* The n-th event (from 0) of this kind at the endpoint: any layer for family 0, any message kind
 * for 0; NULL if there is none. */
static const struct seen *nth(uint32_t n, uint32_t endpoint, uint32_t family,
                              enum fl_event_kind kind, uint16_t msg_kind)
{
    for (size_t i = 0; i < seen_count; i++)
        if (seen[i].endpoint == endpoint && seen[i].kind == kind &&
            (family == 0 || seen[i].family == family) &&
            (msg_kind == 0 || seen[i].msg.kind == msg_kind) && n-- == 0)
            return &seen[i];
    return NULL;
}

static uint32_t how_many(uint32_t endpoint, uint32_t family, enum fl_event_kind kind,
                         uint16_t msg_kind)
{
    uint32_t n = 0;
    while (nth(n, endpoint, family, kind, msg_kind)) n++;
    return n;
}

/* What identifies an event to those who see it: blob ids and the order of ids do not. */
static bool alike(const struct seen *a, const struct seen *b)
{
    return a->now == b->now && a->endpoint == b->endpoint && a->family == b->family &&
           a->kind == b->kind && a->timer == b->timer &&
           memcmp(a->msg.word, b->msg.word, sizeof a->msg.word) == 0 &&
           memcmp(a->msg.value, b->msg.value, sizeof a->msg.value) == 0 &&
           a->msg.tag == b->msg.tag && a->msg.from.i == b->msg.from.i &&
           a->msg.by.i == b->msg.by.i && a->msg.kind == b->msg.kind && a->msg.copy == b->msg.copy &&
           a->msg.family == b->msg.family && a->bytes == b->bytes &&
           memcmp(a->data, b->data, sizeof a->data) == 0;
}

/* A log put aside, to be compared with that of another run. */
struct kept {
    struct seen *seen;
    size_t count;
};
static struct kept keep(void)
{
    struct kept kept = {malloc((seen_count + 1) * sizeof *seen), seen_count};
    cr_assert(kept.seen != NULL);
    memcpy(kept.seen, seen, seen_count * sizeof *seen);
    return kept;
}
static void assert_same_log(const struct kept *kept, const char *why)
{
    cr_assert_eq(kept->count, seen_count, "%s: %zu events, then %zu", why, kept->count, seen_count);
    for (size_t i = 0; i < seen_count; i++)
        cr_assert(alike(&kept->seen[i], &seen[i]), "%s: event %zu differs (at %" PRId64 " ns)", why,
                  i, seen[i].now);
}

/* ------------------------------------------------------------------------------------------------
 * The probe
 * --------------------------------------------------------------------------------------------- */

struct memory {
    uint64_t word[8];
};
struct actor {
    enum fl_family family;
    const struct fl_self *self;
    struct memory *mem;
    const struct fl_event *in;
    const struct fl_view *view;
    struct fl_outbox *out;
};
static void (*play)(struct actor *); /* the part of all probes of this run */
static int variant;                  /* what a part varies from run to run */

enum { TIMERS = 4 };

static size_t probe_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return sizeof(struct memory);
}
static void probe_init(const struct fl_self *self, void *state)
{
    struct memory *mem = state;
    static const struct memory zero;
    cr_assert_eq(memcmp(mem, &zero, sizeof zero), 0, "a fresh state is not zeroed");
    mem->word[7] = self->key;
}
static void act(enum fl_family family, const struct fl_self *self, void *state,
                const struct fl_event *in, const struct fl_view *view, struct fl_outbox *out)
{
    cr_assert_eq(out->count, 0);
    cr_assert_eq(out->self.i, self->endpoint.i);
    see(self->endpoint.i, family, in);
    struct actor actor = {family, self, state, in, view, out};
    if (play) play(&actor);
}
static void publish_word(const struct fl_self *self, const void *state, int64_t *out)
{
    const struct memory *mem = state;
    (void)self;
    for (int i = 0; i < 4; i++) out[i] = (int64_t)mem->word[0];
}
static void publish_nothing(const struct fl_self *self, const void *state, int64_t *out)
{
    (void)self;
    (void)state;
    (void)out;
}

#define PROBE(FAMILY, OBSERVABLES, PUBLISH)                                                       \
    static void step_##FAMILY(const struct fl_self *self, void *state, const struct fl_event *in, \
                              const struct fl_view *view, struct fl_outbox *out)                  \
    {                                                                                             \
        act(FAMILY, self, state, in, view, out);                                                  \
    }                                                                                             \
    static const struct fl_node_model node_##FAMILY = {.timer_count = TIMERS,                     \
                                                       .state_bytes = probe_bytes,                \
                                                       .init = probe_init,                        \
                                                       .step = step_##FAMILY,                     \
                                                       .observe = PUBLISH};                       \
    static const struct fl_model probe_##FAMILY = {.name = "probe",                               \
                                                   .family = FAMILY,                              \
                                                   .doc = "what a test makes of it",              \
                                                   .observables = OBSERVABLES,                    \
                                                   .node = &node_##FAMILY};

static const struct fl_observable agent_observables[] = {
    {"probe.sum", "", FL_COUNT, FL_SUM},
    {"probe.max", "", FL_COUNT, FL_MAX},
    {"probe.min", "", FL_COUNT, FL_MIN},
    {"probe.first", "", FL_COUNT, FL_FIRST},
    {.name = NULL},
};
PROBE(FL_CONSENSUS, NULL, publish_nothing)
PROBE(FL_CHAIN, NULL, publish_nothing)
PROBE(FL_ORACLE, NULL, publish_nothing)
PROBE(FL_AGENT, agent_observables, publish_word)

/* ------------------------------------------------------------------------------------------------
 * Faults, a check, a contract
 * --------------------------------------------------------------------------------------------- */

struct intruder {
    int64_t role; /* parameter of the fault */
    const struct fl_coalition *coalition;
    uint64_t *state;
    uint32_t who;
    const struct fl_event *in;
    const struct fl_view *view;
    const struct fl_outbox *honest;
    struct fl_outbox *out;
};
static void (*twist)(struct intruder *);
static struct seen overheard[10000];
static uint32_t overheard_who[10000], overheard_honest[10000];
static size_t overheard_count;

static size_t twist_bytes(const void *params, uint32_t members)
{
    (void)params;
    return 8 * sizeof(uint64_t) * members;
}
static void twist_step(const struct fl_coalition *coalition, void *state, uint32_t who,
                       const struct fl_event *in, const struct fl_view *view,
                       const struct fl_outbox *honest, struct fl_outbox *out)
{
    cr_assert(who < coalition->count);
    for (uint32_t i = 1; i < coalition->count; i++)
        cr_assert_lt(coalition->member[i - 1]->endpoint.i, coalition->member[i]->endpoint.i);
    if (in->kind == FL_OVERHEARD) {
        cr_assert(overheard_count < 10000);
        overheard_who[overheard_count] = who;
        overheard_honest[overheard_count] = honest ? honest->count : 0;
        overheard[overheard_count++] =
            (struct seen){.now = in->now,
                          .kind = in->kind,
                          .msg = in->msg,
                          .content = in->data != NULL,
                          .bytes = in->data_bytes,
                          .endpoint = coalition->member[who]->endpoint.i};
    }
    struct intruder intruder = {
        *(const int64_t *)coalition->params, coalition, state, who, in, view, honest, out};
    twist(&intruder);
}
static void repeat_all(struct intruder *x)
{
    for (uint32_t i = 0; i < x->honest->count; i++) fl_repeat(x->honest, i, x->out);
}

static const struct fl_param twist_rows[] = {
    {.key = "act", .type = FL_INTEGER, .offset = 0, .min = 0, .max = 100, .fallback = "0"},
    {.key = NULL},
};
static const struct fl_fault_model twist_fault = {.state_bytes = twist_bytes, .step = twist_step};
static const struct fl_fault_model rush_fault = {
    .rushing = true, .state_bytes = twist_bytes, .step = twist_step};
static const struct fl_fault_model crash_fault = {.crash = true};
static const struct fl_model twist_model = {.name = "twist",
                                            .family = FL_FAULT,
                                            .params = twist_rows,
                                            .params_bytes = sizeof(int64_t),
                                            .fault = &twist_fault};
static const struct fl_model rush_model = {.name = "rush",
                                           .family = FL_FAULT,
                                           .params = twist_rows,
                                           .params_bytes = sizeof(int64_t),
                                           .fault = &rush_fault};
static const struct fl_model crash_model = {
    .name = "crash", .family = FL_FAULT, .fault = &crash_fault};

/* A check that writes down what it was shown. */
struct look {
    fl_time last, finished_at;
    uint64_t ticks, records, wrong[5], executed, finished;
    uint64_t honest; /* bit by endpoint */
    int64_t newest;  /* height read through the view at the last tick; -1 if none */
};
static struct look looked; /* copy of the state at the verdict */
static size_t look_bytes(const void *params, const struct fl_facts *facts)
{
    (void)params;
    (void)facts;
    return sizeof(struct look);
}
static fl_time look_period(const void *params)
{
    (void)params;
    return 100 * MS;
}
static void look_init(const struct fl_watch *watch, void *state)
{
    (void)watch;
    (void)state;
}
static void look_now(const struct fl_watch *watch, struct look *look)
{
    look->wrong[0] += watch->now < look->last || look->finished;
    look->last = watch->now;
}
static void look_tick(const struct fl_watch *watch, void *state)
{
    struct look *look = state;
    look_now(watch, look);
    look->ticks++;
    look->wrong[1] += watch->now % (100 * MS) != 0;
    look->honest = 0;
    for (uint32_t i = 0; i < watch->facts->endpoints && i < 64; i++)
        if (fl_watch_honest(watch, i)) look->honest |= UINT64_C(1) << i;
    const struct fl_query query = {.contract = 0, .kind = 1};
    int64_t height = -1;
    if (watch->facts->contracts > 0 &&
        fl_read(&watch->view, &query, &height, sizeof height) != FL_READ_OK)
        height = -1;
    look->newest = height;
}
static void look_record(const struct fl_watch *watch, void *state, uint32_t id,
                        const struct fl_record *record)
{
    struct look *look = state;
    look_now(watch, look);
    look->wrong[2] += id != ++look->records;
    look->wrong[3] += record->at != watch->now;
}
static void look_executed(const struct fl_watch *watch, void *state,
                          const struct fl_change *changes, uint32_t count)
{
    struct look *look = state;
    look_now(watch, look);
    look->executed++;
    uint32_t mine = 0; /* the ledger's own rows come along, as those of contract FL_LEDGER */
    for (uint32_t i = 0; i < count; i++) {
        look->wrong[4] += changes[i].contract != 0 && changes[i].contract != FL_LEDGER;
        look->wrong[4] += changes[i].contract == 0 &&
                          (changes[i].table != 0 || changes[i].row != 0);
        mine += changes[i].contract == 0;
    }
    look->wrong[4] += mine != 1;
}
static void look_finish(const struct fl_watch *watch, void *state)
{
    struct look *look = state;
    look_now(watch, look);
    look->finished++;
    look->finished_at = watch->now;
}
static struct fl_verdict look_verdict(const void *params, const void *state)
{
    (void)params;
    looked = *(const struct look *)state;
    return (struct fl_verdict){.kind = FL_HOLDS, .what = "", .unit = {FL_COUNT, FL_COUNT}};
}
static void look_observe(const void *params, const void *state, int64_t *out)
{
    (void)params;
    *out = (int64_t)((const struct look *)state)->ticks;
}
static const struct fl_observable look_observables[] = {
    {"look.ticks", "", FL_COUNT, FL_SUM},
    {.name = NULL},
};
static const struct fl_check_model look_watch = {look_bytes,  look_period,  look_init,
                                                 look_tick,   look_record,  look_executed,
                                                 look_finish, look_verdict, look_observe};
static const struct fl_model look_model = {
    .name = "look", .family = FL_CHECK, .observables = look_observables, .watch = &look_watch};

/* One row that holds the height of the batch that wrote it. */
static void clock_tables(const void *params, const struct fl_facts *facts, struct fl_table *out)
{
    (void)params;
    (void)facts;
    out[0] = (struct fl_table){"now", 8, 1};
}
static enum fl_tx_status clock_execute(struct fl_exec *exec, const struct fl_tx *tx, uint32_t *code)
{
    (void)exec;
    (void)tx;
    *code = 1;
    return FL_TX_REVERTED;
}
static void clock_end(struct fl_exec *exec)
{
    *(int64_t *)fl_row_edit(exec, 0, 0) = (int64_t)fl_exec_batch(exec)->height;
    fl_exec_note(exec, THIRD_NOTE, (int64_t)fl_exec_batch(exec)->height, 0);
}
static enum fl_read_status clock_query(const struct fl_rows *rows, const struct fl_query *query,
                                       void *out, size_t bytes)
{
    if (query->kind != 1 || bytes != sizeof(int64_t)) return FL_READ_UNKNOWN;
    memcpy(out, fl_row(rows, 0, 0), bytes);
    return FL_READ_OK;
}
static void clock_observe(const struct fl_rows *rows, int64_t *out)
{
    memcpy(out, fl_row(rows, 0, 0), sizeof *out);
}
static const struct fl_observable clock_observables[] = {
    {"clock.height", "", FL_COUNT, FL_FIRST},
    {.name = NULL},
};
static const struct fl_contract clock_contract = {
    1, clock_tables, NULL, clock_execute, clock_end, clock_query, clock_observe, NULL, NULL};
static const struct fl_model clock_model = {.name = "clock",
                                            .family = FL_CONTRACT,
                                            .observables = clock_observables,
                                            .contract = &clock_contract};

const struct fl_model *const fl_models[] = {
    &probe_FL_CONSENSUS, &probe_FL_CHAIN, &probe_FL_ORACLE, &probe_FL_AGENT, &clock_model,
    &twist_model,        &rush_model,     &crash_model,     &look_model,     NULL,
};

/* ------------------------------------------------------------------------------------------------
 * Runs
 * --------------------------------------------------------------------------------------------- */

/* `body` is the scenario without its first brace and name. */
static struct fl_test_run run_seed(const char *body, uint64_t seed)
{
    static char text[8000];
    snprintf(text, sizeof text, "{\"name\": \"engine\", %s}", body);
    seen_count = 0;
    overheard_count = 0;
    return fl_test_run(text, NULL, 0, seed);
}
static struct fl_test_run run(const char *body)
{
    return run_seed(body, 71);
}

static const struct fl_record *record(const struct fl_test_run *r, uint32_t id)
{
    cr_assert(id >= 1 && id <= fl_records_count(r->result->records));
    return fl_records_get(r->result->records, id);
}
/* Id of the newest (kind, a, b), which must exist. */
static uint32_t noted(const struct fl_test_run *r, uint16_t kind, int64_t a, int64_t b)
{
    const uint32_t id = fl_records_find(r->result->records, kind, a, b);
    cr_assert_neq(id, FL_NO_RECORD, "no record of kind %d with key %" PRId64 ", %" PRId64, kind, a,
                  b);
    return id;
}
static uint32_t parent_of(const struct fl_test_run *r, uint16_t kind, int64_t a, int64_t b)
{
    return record(r, noted(r, kind, a, b))->parent;
}
static uint32_t count_records(const struct fl_test_run *r, uint16_t kind)
{
    uint32_t n = 0;
    for (uint32_t id = 1; id <= fl_records_count(r->result->records); id++)
        n += record(r, id)->kind == kind;
    return n;
}

static struct fl_msg *send_one(struct actor *a, uint32_t to, uint16_t kind, uint64_t word)
{
    struct fl_msg *m = fl_send(a->out, FL_TO_ONE, (fl_endpoint){to}, a->family, kind);
    m->word[0] = word;
    return m;
}

/* ------------------------------------------------------------------------------------------------
 * Order
 * --------------------------------------------------------------------------------------------- */

static void play_order(struct actor *a)
{
    if (a->in->kind != FL_START || a->family != FL_CONSENSUS) return;
    for (uint16_t kind = 1; kind <= 4; kind++) {
        const enum fl_reach reach = kind == 2 ? FL_TO_PEERS : FL_TO_GROUP;
        const fl_endpoint others = {a->self->group_first ? 0 : 2};
        struct fl_msg *m = fl_send(a->out, reach, others, FL_CONSENSUS, kind);
        if (kind == 4) m->family = 0; /* every layer of the receivers */
        m->word[0] = a->self->endpoint.i;
    }
}

/* What the contract says must arrive, given the order in which the endpoints started. */
static size_t expected_order(struct seen *list)
{
    size_t count = 0;
    for (size_t i = 0; i < seen_count; i++) {
        if (seen[i].kind != FL_START || seen[i].family != FL_CONSENSUS) continue;
        const uint32_t sender = seen[i].endpoint;
        for (uint16_t kind = 1; kind <= 4; kind++) {
            const bool to_a = (kind == 2) == (sender < 2);
            for (uint32_t to = to_a ? 0 : 2; to < (to_a ? 2 : 5); to++) {
                if (kind == 2 && to == sender) continue;
                list[count++] = (struct seen){.endpoint = to,
                                              .family = FL_CONSENSUS,
                                              .msg = {.kind = kind, .word = {sender}}};
                if (kind == 4 && !to_a)
                    list[count++] = (struct seen){.endpoint = to,
                                                  .family = FL_AGENT,
                                                  .msg = {.kind = kind, .word = {sender}}};
            }
        }
    }
    return count;
}

static void check_order(const char *body, fl_time delay)
{
    struct fl_test_run r = run(body);
    static struct seen expected[1000];
    const size_t count = expected_order(expected);
    size_t n = 0;
    uint32_t starts = 0;
    for (size_t i = 0; i < seen_count; i++) {
        if (seen[i].kind == FL_START) {
            cr_assert_eq(n, 0, "a message arrived before all had started");
            cr_assert_eq(seen[i].now, 0);
            starts++;
            /* once each, the layers of a node in family order */
            for (size_t j = 0; j < i; j++)
                if (seen[j].endpoint == seen[i].endpoint)
                    cr_assert_lt(seen[j].family, seen[i].family);
            continue;
        }
        cr_assert_eq(seen[i].kind, FL_MSG);
        cr_assert_eq(seen[i].now, delay);
        cr_assert(n < count);
        const struct seen *e = &expected[n++];
        cr_assert(e->endpoint == seen[i].endpoint && e->family == seen[i].family &&
                      e->msg.kind == seen[i].msg.kind && e->msg.word[0] == seen[i].msg.word[0],
                  "arrival %zu: kind %d of %" PRIu64 " at %" PRIu32 ", expected kind %d of %" PRIu64
                  " at %" PRIu32,
                  n, seen[i].msg.kind, seen[i].msg.word[0], seen[i].endpoint, e->msg.kind,
                  e->msg.word[0], e->endpoint);
        cr_assert_eq(seen[i].msg.from.i, e->msg.word[0], "the sender is not stamped");
    }
    cr_assert_eq(starts, 2 + 3 * 2);
    cr_assert_eq(n, count, "%zu messages arrived of %zu", n, count);
    cr_assert_eq(r.result->events, seen_count, "events dispatched to a model");
    fl_test_run_free(&r);
}

Test(engine, broadcasts_arrive_by_time_then_send_order_then_rank)
{
    play = play_order;
    const char *nodes = "\"nodes\": {\"a\": {\"count\": 2, \"consensus\": \"probe\"}, "
                        "\"b\": {\"count\": 3, \"consensus\": \"probe\", \"agent\": \"probe\"}}";
    char body[1000];
    snprintf(body, sizeof body, "\"duration_s\": 1, \"network\": {\"delay_ms\": 10}, %s", nodes);
    check_order(body, 10 * MS);
    snprintf(body, sizeof body, "\"duration_s\": 1, \"network\": {\"delay_ms\": 0}, %s", nodes);
    check_order(body, 0);
}

/* Local calls: 1 -> (2 -> (3 -> 4, 5), 6 -> 7), 8. The family is the layer called. */
static void play_calls(struct actor *a)
{
    const struct fl_event *in = a->in;
    if (a->self->endpoint.i == 1) {
        if (in->kind == FL_START && a->family == FL_CONSENSUS) {
            send_one(a, 0, 90, 0);
            send_one(a, 0, 91, 0);
        }
        return;
    }
    const uint16_t kind = in->kind == FL_MSG    ? in->msg.kind
                          : in->kind == FL_CALL ? in->msg.kind
                                                : 0;
    switch (kind) {
    case 90:
        fl_local(a->out, FL_CHAIN, 2);
        fl_local(a->out, FL_DEFENCE, 77); /* a layer this node has not */
        fl_local(a->out, FL_ORACLE, 6)->word[1] = 5;
        fl_local(a->out, FL_CONSENSUS, 8); /* itself */
        break;
    case 2:
        fl_local(a->out, FL_ORACLE, 3);
        fl_local(a->out, FL_AGENT, 5);
        break;
    case 3:
        fl_local(a->out, FL_AGENT, 4);
        break;
    case 6: {
        const char text[] = "by word of mouth";
        struct fl_msg *m = fl_local(a->out, FL_CHAIN, 7);
        m->blob = fl_blob_put(a->out, text, sizeof text, 0, NULL);
        m->value[1] = -5;
        break;
    }
    default:
        break;
    }
}

Test(engine, local_calls_are_drained_depth_first_before_the_next_event)
{
    play = play_calls;
    struct fl_test_run r = run("\"duration_s\": 1, \"network\": {\"delay_ms\": 10}, \"nodes\": {"
                               "\"a\": {\"consensus\": \"probe\", \"chain\": \"probe\", "
                               "\"oracle\": \"probe\", \"agent\": \"probe\"}, "
                               "\"b\": {\"consensus\": \"probe\"}}");
    static const struct {
        uint16_t kind;
        uint32_t family, caller;
    } expected[] = {
        {90, FL_CONSENSUS, FL_CONSENSUS}, {2, FL_CHAIN, FL_CONSENSUS},
        {3, FL_ORACLE, FL_CHAIN},         {4, FL_AGENT, FL_ORACLE},
        {5, FL_AGENT, FL_CHAIN},          {6, FL_ORACLE, FL_CONSENSUS},
        {7, FL_CHAIN, FL_ORACLE},         {8, FL_CONSENSUS, FL_CONSENSUS},
        {91, FL_CONSENSUS, FL_CONSENSUS},
    };
    size_t n = 0;
    for (size_t i = 0; i < seen_count; i++) {
        if (seen[i].kind == FL_START) continue;
        cr_assert(n < sizeof expected / sizeof *expected);
        cr_assert_eq(seen[i].msg.kind, expected[n].kind, "call %zu is %d", n, seen[i].msg.kind);
        cr_assert_eq(seen[i].family, expected[n].family);
        cr_assert_eq(seen[i].now, 10 * MS);
        cr_assert_eq(seen[i].kind, expected[n].kind >= 90 ? FL_MSG : FL_CALL);
        if (seen[i].kind == FL_CALL)
            cr_assert_eq(seen[i].msg.family, expected[n].caller, "call %d: the caller's family",
                         seen[i].msg.kind);
        n++;
    }
    cr_assert_eq(n, sizeof expected / sizeof *expected);
    const struct seen *seven = nth(0, 0, FL_CHAIN, FL_CALL, 7);
    cr_assert(seven->content && seven->bytes == 17 &&
              memcmp(seven->data, "by word of mouth", 16) == 0);
    cr_assert_eq(seven->msg.value[1], -5);
    cr_assert_eq(nth(0, 0, 0, FL_CALL, 6)->msg.word[1], 5);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Timers
 * --------------------------------------------------------------------------------------------- */

enum { UNARMED = -1 };
static fl_time due[8][FL_LAYERS][TIMERS];
static uint64_t timer_draws, fired, replaced, cancelled, met;

static void play_timers(struct actor *a)
{
    fl_time *mine = due[a->self->endpoint.i][a->family];
    const fl_time now = a->in->now;
    for (uint32_t t = 0; t < TIMERS; t++)
        cr_assert(mine[t] == UNARMED || mine[t] >= now,
                  "timer %u, due at %" PRId64 ", did not fire", t, mine[t]);
    if (a->in->kind == FL_TIMER) {
        cr_assert(a->in->timer < TIMERS);
        cr_assert_eq(mine[a->in->timer], now, "a stale timer arrived at %" PRId64, now);
        mine[a->in->timer] = UNARMED;
        fired++;
    } else {
        for (uint32_t t = 0; t < TIMERS; t++) met += mine[t] == now;
    }
    for (uint64_t n = 0; n < 3; n++) {
        const uint64_t u = fl_draw(5, FL_RNG_TIE, 1, timer_draws++, 0);
        const uint32_t t = (uint32_t)(u % TIMERS);
        if (u / 8 % 8 < 4) {
            const fl_time delay = u / 64 % 16 == 0 ? 0 : (fl_time)(1 + u / 64 % 3) * MS;
            fl_set_timer(a->out, t, delay);
            replaced += mine[t] != UNARMED;
            mine[t] = now + delay;
        } else if (u / 8 % 8 < 6) {
            fl_cancel_timer(a->out, t);
            cancelled += mine[t] != UNARMED;
            mine[t] = UNARMED;
        } else if (u / 8 % 16 == 6) {
            send_one(a, (uint32_t)(u / 1024 % 3), 1, timer_draws);
        }
    }
    if (mine[3] == UNARMED) { /* the one that keeps things going */
        fl_set_timer(a->out, 3, MS);
        mine[3] = now + MS;
    }
}

/* Kinds: 0 the message is sent first, so that it arrives before the timer; 1 the other way round. */
static void play_meeting(struct actor *a)
{
    const uint32_t me = a->self->endpoint.i;
    if (a->in->kind == FL_START) {
        if (me == 0) send_one(a, 1, 1, 0);
        if (me == 3) send_one(a, 2, 1, 0);
        if (me == 1 || me == 2) fl_set_timer(a->out, 0, 10 * MS);
    } else if (me == 1 && a->in->kind == FL_MSG) {
        fl_cancel_timer(a->out, 0); /* due at this very instant */
        fl_set_timer(a->out, 1, 0);
    } else if (me == 2 && a->in->kind == FL_TIMER && a->in->now == 10 * MS) {
        fl_set_timer(a->out, 0, 5 * MS);
        fl_set_timer(a->out, 1, 6 * MS);
        fl_cancel_timer(a->out, 1);
        fl_cancel_timer(a->out, 2); /* not armed */
        fl_set_timer(a->out, 2, 1 * MS);
        fl_set_timer(a->out, 2, 7 * MS); /* the last word holds */
    }
}

Test(engine, timers_fire_once_when_due_unless_replaced_or_cancelled)
{
    play = play_timers;
    memset(due, 0xff, sizeof due);
    cr_assert_eq(due[0][1][0], UNARMED);
    struct fl_test_run r =
        run("\"duration_s\": 3, \"network\": {\"delay_ms\": 1}, \"nodes\": {\"a\": "
            "{\"count\": 3, \"consensus\": \"probe\", \"agent\": \"probe\"}}");
    for (uint32_t e = 0; e < 3; e++)
        for (uint32_t t = 0; t < TIMERS; t++)
            cr_assert(due[e][FL_CONSENSUS][t] == UNARMED ||
                      due[e][FL_CONSENSUS][t] >= 3 * FL_SECOND);
    fprintf(stderr,
            "%" PRIu64 " fired, %" PRIu64 " replaced, %" PRIu64 " cancelled, %" PRIu64
            " met an arrival\n",
            fired, replaced, cancelled, met);
    cr_assert(fired > 1000 && replaced > 1000 && cancelled > 1000 && met > 500);
    fl_test_run_free(&r);

    play = play_meeting;
    r = run("\"duration_s\": 1, \"network\": {\"delay_ms\": 10}, \"nodes\": {\"a\": {\"count\": 4, "
            "\"consensus\": \"probe\"}}");
    cr_assert_eq(how_many(1, 0, FL_MSG, 1), 1);
    cr_assert_eq(how_many(1, 0, FL_TIMER, 0), 1, "the message came first and cancelled the timer");
    cr_assert(nth(0, 1, 0, FL_TIMER, 0)->timer == 1 && nth(0, 1, 0, FL_TIMER, 0)->now == 10 * MS);
    const struct seen *timer = nth(0, 2, 0, FL_TIMER, 0), *msg = nth(0, 2, 0, FL_MSG, 1);
    cr_assert(timer < msg && timer->now == 10 * MS && msg->now == 10 * MS,
              "the timer was set first");
    cr_assert_eq(how_many(2, 0, FL_TIMER, 0), 3);
    cr_assert(nth(1, 2, 0, FL_TIMER, 0)->timer == 0 && nth(1, 2, 0, FL_TIMER, 0)->now == 15 * MS);
    cr_assert(nth(2, 2, 0, FL_TIMER, 0)->timer == 2 && nth(2, 2, 0, FL_TIMER, 0)->now == 17 * MS);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Where messages go, what cannot be delivered
 * --------------------------------------------------------------------------------------------- */

/* Endpoints: a 0-2, b 3-4, clients 5-10 of a, lone 11. */
static void play_reach(struct actor *a)
{
    if (a->in->kind != FL_START) return;
    const uint32_t me = a->self->endpoint.i;
    if (me < 3 && a->family == FL_CONSENSUS) {
        fl_send(a->out, FL_TO_CLIENTS, FL_NOWHERE, (enum fl_family)0, 1)->word[0] = me;
        if (me > 0) return;
        fl_send(a->out, FL_TO_GROUP, (fl_endpoint){3}, FL_CONSENSUS, 2);
        fl_send(a->out, FL_TO_ONE, (fl_endpoint){4}, FL_CONSENSUS, 4);
        /* nowhere: */
        fl_send(a->out, FL_TO_ONE, FL_NOWHERE, FL_CONSENSUS, 20);
        fl_send(a->out, FL_TO_ONE, (fl_endpoint){12}, FL_CONSENSUS, 21);
        fl_send(a->out, FL_TO_GROUP, FL_NOWHERE, FL_CONSENSUS, 22);
        fl_send(a->out, FL_TO_GROUP, (fl_endpoint){12}, FL_CONSENSUS, 23);
        fl_send(a->out, FL_TO_ONE, (fl_endpoint){4}, FL_ORACLE, 24); /* no such layer there */
        fl_send(a->out, FL_TO_ONE, (fl_endpoint){4}, FL_CHECK, 25);  /* not a layer */
        fl_send(a->out, FL_TO_ONE, (fl_endpoint){4}, (enum fl_family)200, 26);
        fl_send(a->out, FL_TO_ONE, (fl_endpoint){UINT32_MAX - 1}, 0, 27);
    } else if (me == 11) {
        fl_send(a->out, FL_TO_PEERS, FL_NOWHERE, FL_AGENT, 28);
        fl_send(a->out, FL_TO_CLIENTS, FL_NOWHERE, FL_AGENT, 29);
        fl_send(a->out, FL_TO_ONE, a->self->replica, FL_CONSENSUS, 30); /* it has none */
    } else if (me >= 5 && a->family == FL_AGENT) {
        struct fl_msg *m = send_one(a, a->self->replica.i, 5, me);
        m->family = FL_CONSENSUS;
        m->from = (fl_endpoint){1}; /* stamped over */
        m->by = (fl_identity){1};
        fl_send(a->out, FL_TO_PEERS, FL_NOWHERE, FL_AGENT, 6)->word[0] = me;
    }
}

Test(engine, messages_reach_whom_they_name_and_nobody_else)
{
    play = play_reach;
    struct fl_test_run r =
        run("\"duration_s\": 1, \"nodes\": {"
            "\"a\": {\"count\": 3, \"consensus\": \"probe\", \"chain\": \"probe\"}, "
            "\"b\": {\"count\": 2, \"consensus\": \"probe\"}, "
            "\"client\": {\"count\": 6, \"agent\": \"probe\", \"oracle\": \"probe\", "
            "\"clients_of\": \"a\"}, "
            "\"lone\": {\"agent\": \"probe\"}}");
    cr_assert(how_many(3, 0, FL_MSG, 2) == 1 && how_many(4, 0, FL_MSG, 2) == 1);
    cr_assert(how_many(3, 0, FL_MSG, 4) == 0 && how_many(4, 0, FL_MSG, 4) == 1);
    for (uint32_t e = 0; e < 12; e++)
        for (uint16_t kind = 20; kind <= 30; kind++)
            cr_assert_eq(how_many(e, 0, FL_MSG, kind), 0, "kind %d went to %u", kind, e);
    uint32_t served = 0;
    for (uint32_t e = 5; e < 11; e++) {
        const struct seen *one = nth(0, e, FL_AGENT, FL_MSG, 1),
                          *two = nth(0, e, FL_ORACLE, FL_MSG, 1);
        cr_assert(one && two && how_many(e, 0, FL_MSG, 1) == 2,
                  "each layer hears its replica once");
        const uint32_t replica = (uint32_t)one->msg.word[0];
        cr_assert(one->msg.from.i == replica && two->msg.from.i == replica && replica < 3);
        cr_assert_eq(how_many(e, FL_AGENT, FL_MSG, 6), 5);
        for (uint32_t n = 0; n < 5; n++) cr_assert(nth(n, e, FL_AGENT, FL_MSG, 6)->msg.from.i != e);
        for (uint32_t n = 0; nth(n, replica, FL_CONSENSUS, FL_MSG, 5); n++) {
            const struct fl_msg *m = &nth(n, replica, FL_CONSENSUS, FL_MSG, 5)->msg;
            cr_assert(m->from.i == m->word[0] && m->by.i != 1, "the sender is not stamped");
            served += m->from.i == e;
        }
    }
    cr_assert_eq(served, 6, "each client reaches its own replica");
    fl_test_run_free(&r);
}

static void play_own_group(struct actor *a)
{
    if (a->in->kind == FL_START && a->self->index == 1)
        fl_send(a->out, FL_TO_GROUP, (fl_endpoint){0}, FL_CONSENSUS, 3);
}

/* "the members of the group whose first endpoint is `to`, less the sender". */
Test(engine, to_group_leaves_the_sender_out)
{
    play = play_own_group;
    struct fl_test_run r =
        run("\"duration_s\": 1, \"nodes\": {\"a\": {\"count\": 3, \"consensus\": \"probe\"}}");
    for (uint32_t e = 0; e < 3; e++)
        cr_assert_eq(how_many(e, 0, FL_MSG, 3), e != 1, "endpoint %u", e);
    fl_test_run_free(&r);
}

static void play_plain_server(struct actor *a)
{
    if (a->in->kind != FL_START) return;
    if (a->self->replica.i == 0) send_one(a, 0, 1, 0)->family = FL_CONSENSUS;
    fl_send(a->out, FL_TO_CLIENTS, FL_NOWHERE, (enum fl_family)0, 2);
}

/* "every endpoint whose replica is the sender": also where the server has no chain layer. */
Test(engine, to_clients_is_every_endpoint_whose_replica_is_the_sender)
{
    play = play_plain_server;
    struct fl_test_run r = run("\"duration_s\": 1, \"nodes\": {\"a\": {\"consensus\": \"probe\"}, "
                               "\"client\": {\"agent\": \"probe\", \"clients_of\": \"a\"}}");
    cr_assert_eq(how_many(0, 0, FL_MSG, 1), 1, "the client knows its replica");
    cr_assert_eq(how_many(1, 0, FL_MSG, 2), 1, "the replica does not know its client");
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Causes
 * --------------------------------------------------------------------------------------------- */

/* Endpoints 0, 1, 2. Every message kind 50 + n makes its receiver note (OTHER_NOTE, n). */
static void play_causes(struct actor *a)
{
    const struct fl_event *in = a->in;
    const uint32_t me = a->self->endpoint.i;
    const uint16_t kind = in->kind == FL_MSG || in->kind == FL_CALL ? in->msg.kind : 0;
    if (kind >= 50) {
        fl_note(a->out, OTHER_NOTE, kind - 50, 0);
        return;
    }
    if (in->kind == FL_START && me == 0 && a->family == FL_CONSENSUS) {
        fl_note(a->out, NOTE, 0, 0);         /* a root */
        fl_note(a->out, NOTE, 1, 0)[2] = 99; /* child of the note before */
        send_one(a, 1, 1, 0);
        fl_because(a->out, 0, 0, 0);
        fl_set_timer(a->out, 0, 5 * MS); /* without cause */
        send_one(a, 1, 50, 0);
    } else if (in->kind == FL_TIMER && me == 0 && in->timer == 0) {
        fl_note(a->out, NOTE, 2, 0);
    } else if (kind == 1) {   /* me == 1; cause: note 1 */
        send_one(a, 2, 2, 0); /* passed on without a note */
        fl_set_timer(a->out, 1, 1 * MS);
        fl_local(a->out, FL_AGENT, 51);
        fl_note(a->out, NOTE, 3, 0); /* changes what follows only */
        send_one(a, 2, 52, 0);
        fl_set_timer(a->out, 2, 1 * MS);
        fl_local(a->out, FL_AGENT, 53);
        fl_because(a->out, NOTE, 12345, 0); /* unknown: unchanged */
        send_one(a, 2, 54, 0);
        fl_because(a->out, NOTE, 0, 0); /* a known one, by key */
        send_one(a, 2, 55, 0);
        fl_local(a->out, FL_AGENT, 3);
        fl_because(a->out, 0, 0, 0); /* nothing */
        send_one(a, 2, 56, 0);
        fl_note(a->out, NOTE, 4, 0); /* a root again */
        fl_set_timer(a->out, 3, 2 * MS);
    } else if (kind == 2) { /* me == 2 */
        fl_note(a->out, NOTE, 5, 0);
        fl_note(a->out, NOTE, 5, 0); /* same key: the newest counts */
        fl_because(a->out, NOTE, 5, 0);
        send_one(a, 0, 57, 0);
    } else if (kind == 3) { /* a layer called, that calls on */
        fl_local(a->out, FL_CONSENSUS, 58);
        fl_note(a->out, NOTE, 6, 0);
        fl_local(a->out, FL_CONSENSUS, 59);
    } else if (in->kind == FL_TIMER && me == 1) {
        fl_note(a->out, NOTE, 10 + in->timer, 0);
        if (in->timer == 2) { /* replaced: the later cause holds */
            fl_set_timer(a->out, 3, 1 * MS);
        }
    }
}

Test(engine, every_record_descends_from_the_nearest_durable_cause)
{
    play = play_causes;
    struct fl_test_run r =
        run("\"duration_s\": 1, \"network\": {\"delay_ms\": 10}, \"nodes\": {\"a\": "
            "{\"count\": 3, \"consensus\": \"probe\", \"agent\": \"probe\"}}");
    const uint32_t note[] = {noted(&r, NOTE, 0, 0), noted(&r, NOTE, 1, 0), noted(&r, NOTE, 2, 0),
                             noted(&r, NOTE, 3, 0), noted(&r, NOTE, 4, 0), noted(&r, NOTE, 5, 0),
                             noted(&r, NOTE, 6, 0)};
    cr_assert_eq(record(&r, note[0])->parent, FL_NO_RECORD);
    cr_assert_eq(record(&r, note[1])->parent, note[0]);
    cr_assert(record(&r, note[1])->v[2] == 99 && record(&r, note[1])->at == 0 &&
              record(&r, note[1])->endpoint == 0);
    cr_assert_eq(record(&r, note[2])->parent, FL_NO_RECORD,
                 "a timer that was armed without a cause");
    cr_assert_eq(record(&r, note[3])->parent, note[1], "through a message");
    cr_assert_eq(record(&r, note[3])->endpoint, 1);
    cr_assert_eq(record(&r, note[3])->at, 10 * MS);
    cr_assert_eq(record(&r, note[4])->parent, FL_NO_RECORD);
    cr_assert_eq(record(&r, note[5])->parent, note[5] - 1, "two notes in a row: %u, %u",
                 note[5] - 1, record(&r, note[5])->parent);
    cr_assert_eq(record(&r, note[5] - 1)->parent, note[1], "through a message passed on");
    cr_assert_eq(record(&r, note[6])->parent, note[0], "in a layer called");
    const struct {
        int64_t kind;
        uint32_t parent;
        const char *why;
    } expected[] = {
        {0, FL_NO_RECORD, "sent because of nothing"},
        {1, note[1], "called before the note"},
        {2, note[3], "sent after the note"},
        {3, note[3], "called after the note"},
        {4, note[3], "because of an unknown record"},
        {5, note[0], "because of a known record"},
        {6, FL_NO_RECORD, "sent because of nothing"},
        {7, note[5], "because of the newest of a key"},
        {8, note[0], "called by a layer called"},
        {9, note[6], "the same, after its note"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        cr_assert_eq(parent_of(&r, OTHER_NOTE, expected[i].kind, 0), expected[i].parent,
                     "%s: %u, not %u", expected[i].why,
                     parent_of(&r, OTHER_NOTE, expected[i].kind, 0), expected[i].parent);
    cr_assert_eq(parent_of(&r, NOTE, 11, 0), note[1], "timer armed before the note");
    cr_assert_eq(parent_of(&r, NOTE, 12, 0), note[3], "timer armed after the note");
    cr_assert_eq(parent_of(&r, NOTE, 13, 0), noted(&r, NOTE, 12, 0), "timer armed again later");
    for (uint32_t id = 1; id <= fl_records_count(r.result->records); id++)
        cr_assert(record(&r, id)->parent < id && record(&r, id)->kind >= NOTE);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Crashes
 * --------------------------------------------------------------------------------------------- */

/* Endpoint 0 pings 1 every 10 ms (off the fault's edges); 1 answers, ticks, and counts in its state. */
static void play_crash(struct actor *a)
{
    const struct fl_event *in = a->in;
    if (a->self->endpoint.i == 0) {
        if (in->kind == FL_START) fl_set_timer(a->out, 0, 5 * MS);
        if (in->kind != FL_TIMER) return;
        struct fl_msg *m = send_one(a, 1, 1, a->mem->word[0]++);
        m->word[1] = 17;
        fl_set_timer(a->out, 0, 10 * MS);
        return;
    }
    if (in->kind == FL_START) {
        fl_set_timer(a->out, 0, 7 * MS);
        fl_set_timer(a->out, 1, 300 * MS); /* due after the crash; gone with it */
        fl_set_timer(a->out, 2, 50 * MS);
    } else if (in->kind == FL_TIMER && in->timer == 0) {
        a->mem->word[1]++;
        fl_set_timer(a->out, 0, 7 * MS);
    } else if (in->kind == FL_MSG) {
        a->mem->word[2]++;
        send_one(a, 0, 2, in->msg.word[0]);
    } else if (in->kind == FL_RECOVER) {
        int64_t *v = fl_note(a->out, NOTE, a->self->endpoint.i, a->family);
        v[2] = (int64_t)a->mem->word[1];
        v[3] = (int64_t)a->mem->word[2];
        v[4] = (int64_t)a->mem->word[7];
        fl_set_timer(a->out, 3, 1 * MS);
    } else if (in->kind == FL_TIMER && in->timer == 3) {
        fl_note(a->out, OTHER_NOTE, 0, 0);
    }
}

Test(engine, a_crashed_node_hears_nothing_and_keeps_its_state)
{
    play = play_crash;
    struct fl_test_run r = run("\"duration_s\": 0.4, \"network\": {\"delay_ms\": 2}, \"nodes\": "
                               "{\"a\": {\"consensus\": \"probe\"}, "
                               "\"b\": {\"count\": 2, \"consensus\": \"probe\", \"agent\": "
                               "\"probe\"}}, \"faults\": {\"down\": {"
                               "\"model\": \"crash\", \"group\": \"b\", \"members\": [0], "
                               "\"from_s\": 0.1, \"to_s\": 0.2}}");
    const fl_time from = 100 * MS, to = 200 * MS;
    uint64_t ticks = 0, pings = 0, recoveries = 0;
    for (size_t i = 0; i < seen_count; i++) {
        const struct seen *s = &seen[i];
        if (s->endpoint != 1) continue;
        cr_assert(s->now < from || s->now >= to, "an event at %" PRId64 " while it is down",
                  s->now);
        if (s->kind == FL_RECOVER) recoveries++;
        if (s->now >= to && s->kind == FL_TIMER)
            cr_assert_eq(s->timer, 3, "timer %u outlived the crash", s->timer);
        if (s->now >= from || s->family != FL_CONSENSUS) continue;
        ticks += s->kind == FL_TIMER && s->timer == 0;
        pings += s->kind == FL_MSG;
    }
    cr_assert_eq(recoveries, 2, "each layer learns once that it is back");
    const struct seen *back = nth(0, 1, FL_CONSENSUS, FL_RECOVER, 0);
    cr_assert_eq(back->now, to);
    cr_assert_eq(how_many(2, 0, FL_RECOVER, 0) + how_many(0, 0, FL_RECOVER, 0), 0);
    cr_assert_eq(how_many(1, FL_CONSENSUS, FL_MSG, 1), 30, "pings before and after"); /* 10 + 20 */
    cr_assert(pings == 10 && ticks == 14);

    const uint32_t edge = noted(&r, FL_RECORD_FAULT, 0, 0);
    const struct fl_record *fault = record(&r, edge);
    cr_assert(fault->at == from && fault->parent == FL_NO_RECORD && fault->endpoint == UINT32_MAX);
    cr_assert_eq(r.result->fault[0].record, edge);
    cr_assert(r.result->fault_count == 1 && r.result->fault[0].member[0] == 1);
    const uint32_t recovery = noted(&r, FL_RECORD_RECOVERY, 0, 1);
    cr_assert(record(&r, recovery)->parent == edge && record(&r, recovery)->at == to);
    cr_assert_eq(count_records(&r, FL_RECORD_RECOVERY), 1);
    const struct fl_record *note = record(&r, noted(&r, NOTE, 1, FL_CONSENSUS));
    cr_assert_eq(note->parent, recovery, "the cause of what a recovery leads to");
    cr_assert(note->v[2] == (int64_t)ticks && note->v[3] == (int64_t)pings, "its state was lost");
    cr_assert_neq(note->v[4], 0);
    cr_assert_eq(parent_of(&r, OTHER_NOTE, 0, 0), noted(&r, NOTE, 1, FL_AGENT));

    cr_assert_geq(r.result->fault[0].suppressed, 10);
    cr_assert_eq(r.result->fault[0].injected, 0);
    cr_assert_eq(r.result->dropped, 10);
    /* Ten pings were lost; each is a child of the fault's edge (DESIGN 2, Cause). */
    uint32_t lost = 0;
    for (uint32_t id = 1; id <= fl_records_count(r.result->records); id++) {
        const struct fl_record *s = record(&r, id);
        if (s->kind != FL_RECORD_SUPPRESSED) continue;
        if (s->v[2] != FL_CONSENSUS || s->v[3] != 1)
            continue; /* how a dead timer is told is open */
        cr_assert_eq(s->parent, edge);
        cr_assert(s->v[0] == 0 && s->v[1] == 1, "of fault 0, at endpoint 1");
        cr_assert(s->v[4] == 10 + (int64_t)lost && s->v[5] == 17, "words %" PRId64 ", %" PRId64,
                  s->v[4], s->v[5]);
        cr_assert_eq(s->at, (107 + 10 * (fl_time)lost) * MS, "recorded at %" PRId64, s->at);
        lost++;
    }
    cr_assert_eq(lost, 10, "%u of 10 messages lost are recorded as suppressed", lost);
    fl_test_run_free(&r);
}

/* Two faults on one node: it is down while any of them is on; one recovery each. */
Test(engine, overlapping_crashes_end_with_the_last)
{
    play = play_crash;
    struct fl_test_run r = run("\"duration_s\": 0.4, \"network\": {\"delay_ms\": 2}, \"nodes\": "
                               "{\"a\": {\"consensus\": \"probe\"}, "
                               "\"b\": {\"consensus\": \"probe\"}}, \"faults\": {"
                               "\"one\": {\"model\": \"crash\", \"group\": \"b\", \"members\": "
                               "[0], \"from_s\": 0.1, \"to_s\": 0.2}, "
                               "\"two\": {\"model\": \"crash\", \"group\": \"b\", \"members\": "
                               "[0], \"from_s\": 0.15, \"to_s\": 0.25}, "
                               "\"three\": {\"model\": \"crash\", \"group\": \"b\", \"count\": 1, "
                               "\"from_s\": 0.17, \"to_s\": 0.18}}");
    for (size_t i = 0; i < seen_count; i++)
        cr_assert(seen[i].endpoint != 1 || seen[i].now < 100 * MS || seen[i].now >= 250 * MS,
                  "an event at %" PRId64 " while a fault is on", seen[i].now);
    cr_assert_eq(how_many(1, 0, FL_RECOVER, 0), 1);
    cr_assert_eq(nth(0, 1, 0, FL_RECOVER, 0)->now, 250 * MS);
    cr_assert_eq(how_many(1, 0, FL_MSG, 1), 25);
    cr_assert_eq(record(&r, noted(&r, NOTE, 1, FL_CONSENSUS))->parent,
                 noted(&r, FL_RECORD_RECOVERY, 1, 1), "what ended the crash was fault 1");
    cr_assert_eq(record(&r, noted(&r, FL_RECORD_RECOVERY, 1, 1))->parent,
                 r.result->fault[1].record);
    for (uint32_t f = 0; f < 3; f++) { /* "it closes for one node": each window does */
        const uint32_t recovery = noted(&r, FL_RECORD_RECOVERY, f, 1);
        cr_assert_eq(record(&r, recovery)->parent, r.result->fault[f].record);
        cr_assert_eq(record(&r, recovery)->at, r.config->fault[f].to);
    }
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Propagation
 * --------------------------------------------------------------------------------------------- */

enum { PLAIN, CONTENTS, LATER, MORE_KINDS, COPIES, HELD_BACK, VARIANTS };
enum { PAIRS = 3, PER_PAIR = 40 };

static uint32_t key_of[32]; /* by endpoint */

static void play_network(struct actor *a)
{
    const uint32_t first = a->self->group_first;
    key_of[a->self->endpoint.i] = a->self->key;
    if (a->self->group_size != 2) return; /* receivers, and those who do nothing */
    if (a->in->kind == FL_START && variant == LATER) {
        fl_set_timer(a->out, 0, 33 * MS);
        return;
    }
    if (a->in->kind != FL_START && a->in->kind != FL_TIMER) return;
    for (uint16_t kind = 1; kind <= PER_PAIR; kind++) {
        if (variant == MORE_KINDS) {
            fl_send(a->out, FL_TO_GROUP, (fl_endpoint){first + 2}, FL_CONSENSUS, 1000)->word[1] =
                kind;
            fl_send(a->out, FL_TO_GROUP, (fl_endpoint){first + 2}, FL_CONSENSUS, kind)->copy = 7;
        }
        struct fl_msg *m = fl_send(a->out, FL_TO_GROUP, (fl_endpoint){first + 2}, FL_CONSENSUS,
                                   (uint16_t)(kind % 5 + 1));
        m->word[0] = kind;
        m->word[1] = UINT64_C(0x123456789abcdef) * kind;
        m->word[2] = kind / 2;
        if (variant == CONTENTS) {
            m->value[0] = kind * 1000;
            m->tag = fl_sign(a->self, (struct fl_digest){kind, 1}, a->out);
            m->blob = fl_blob_put(a->out, &kind, sizeof kind, 0, NULL);
        }
        if (variant == COPIES) m->copy = 1;
        if (variant == HELD_BACK) a->out->at[a->out->count - 1].delay = 5 * MS;
    }
}

/* Delay of each message, by sender, receiver and number; from the events at the receivers. */
static fl_time delays[VARIANTS][2][PAIRS][PER_PAIR + 1];

static void measure(fl_time into[2][PAIRS][PER_PAIR + 1], uint32_t first, fl_time sent)
{
    memset(into, 0, sizeof delays[0]);
    for (size_t i = 0; i < seen_count; i++) {
        const struct seen *s = &seen[i];
        if (s->kind != FL_MSG || s->msg.kind > 5 || s->msg.copy == 7) continue;
        fl_time *d = &into[s->msg.from.i - first][s->endpoint - first - 2][s->msg.word[0]];
        cr_assert_eq(*d, 0);
        *d = s->now - sent;
    }
}

static uint32_t count_equal(fl_time a[2][PAIRS][PER_PAIR + 1], fl_time b[2][PAIRS][PER_PAIR + 1],
                            fl_time shift)
{
    uint32_t equal = 0;
    for (uint32_t s = 0; s < 2; s++)
        for (uint32_t r = 0; r < PAIRS; r++)
            for (uint32_t n = 1; n <= PER_PAIR; n++) equal += a[s][r][n] + shift == b[s][r][n];
    return equal;
}

#define LOGNORMAL \
    "\"network\": {\"delay_ms\": {\"law\": \"lognormal\", \"median\": 40, \"sigma\": 0.5}}"
#define SENDERS                                                                              \
    "\"a\": {\"count\": 2, \"consensus\": \"probe\"}, \"b\": {\"count\": 3, \"consensus\": " \
    "\"probe\"}"
#define IDLE "{\"count\": 5, \"consensus\": \"probe\", \"agent\": \"probe\"}"

/* The draw itself: fl_draw_message of the key, through the law of the link. */
static void check_exact(const struct fl_test_run *r)
{
    const struct fl_law *law = &r->config->network.delay[0 * r->config->group_count + 1];
    for (size_t i = 0; i < seen_count; i++) {
        if (seen[i].kind != FL_MSG) continue;
        const struct fl_msg *m = &seen[i].msg;
        const struct fl_message_key key = {.word = {m->word[0], m->word[1], m->word[2]},
                                           .source = key_of[m->from.i],
                                           .kind = m->kind,
                                           .copy = m->copy,
                                           .family = m->family};
        const uint64_t u = fl_draw_message(71, &key, key_of[seen[i].endpoint]);
        cr_assert_eq(seen[i].now, fl_law_at(law, u));
    }
}

/* No two delays of the plain run are equal: sender, receiver and number all matter. */
static int by_time(const void *a, const void *b)
{
    const fl_time x = *(const fl_time *)a, y = *(const fl_time *)b;
    return (x > y) - (x < y);
}
static void check_distinct(void)
{
    fl_time flat[2 * PAIRS * PER_PAIR];
    size_t count = 0;
    for (uint32_t s = 0; s < 2; s++)
        for (uint32_t r = 0; r < PAIRS; r++)
            for (uint32_t n = 1; n <= PER_PAIR; n++) flat[count++] = delays[PLAIN][s][r][n];
    qsort(flat, count, sizeof *flat, by_time);
    cr_assert_gt(flat[0], 0);
    for (size_t i = 1; i < count; i++) cr_assert_lt(flat[i - 1], flat[i]);
}

Test(engine, propagation_depends_on_the_message_key_alone)
{
    play = play_network;
    fprintf(stderr, "seed 71\n");
    const uint32_t all = 2 * PAIRS * PER_PAIR;
    for (variant = PLAIN; variant < VARIANTS; variant++) {
        struct fl_test_run r = run("\"duration_s\": 10, " LOGNORMAL ", \"nodes\": {" SENDERS "}");
        measure(delays[variant], 0, variant == LATER ? 33 * MS : 0);
        if (variant == PLAIN) check_exact(&r);
        fl_test_run_free(&r);
    }
    cr_assert_eq(count_equal(delays[PLAIN], delays[CONTENTS], 0), all, "contents matter");
    cr_assert_eq(count_equal(delays[PLAIN], delays[LATER], 0), all, "send time matters");
    cr_assert_eq(count_equal(delays[PLAIN], delays[MORE_KINDS], 0), all, "other messages matter");
    cr_assert_eq(count_equal(delays[PLAIN], delays[COPIES], 0), 0, "copy does not matter");
    cr_assert_eq(count_equal(delays[PLAIN], delays[HELD_BACK], 5 * MS), all);

    /* Groups that do nothing, before, between and after: names are stable. */
    static fl_time with[2][PAIRS][PER_PAIR + 1];
    static const struct {
        const char *nodes;
        uint32_t first;
    } more[] = {
        {"\"idle\": " IDLE ", " SENDERS, 5},
        {SENDERS ", \"idle\": " IDLE, 0},
        {"\"z\": " IDLE ", \"y\": " IDLE ", " SENDERS ", \"x\": " IDLE, 10},
    };
    variant = PLAIN;
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        char body[2000];
        snprintf(body, sizeof body, "\"duration_s\": 10, " LOGNORMAL ", \"nodes\": {%s}",
                 more[i].nodes);
        struct fl_test_run r = run(body);
        measure(with, more[i].first, 0);
        cr_assert_eq(count_equal(delays[PLAIN], with, 0), all,
                     "nodes %s: %u of %u delays as before", more[i].nodes,
                     count_equal(delays[PLAIN], with, 0), all);
        fl_test_run_free(&r);
    }
    check_distinct();
    struct fl_test_run r =
        run_seed("\"duration_s\": 10, " LOGNORMAL ", \"nodes\": {" SENDERS "}", 72);
    measure(with, 0, 0);
    cr_assert_eq(count_equal(delays[PLAIN], with, 0), 0, "the seed does not matter");
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Work and signatures
 * --------------------------------------------------------------------------------------------- */

/* Endpoint 1 works on each message as its words say: signs, then verifies; and answers. */
static void play_work(struct actor *a)
{
    const struct fl_event *in = a->in;
    const struct fl_digest digest = {71, 17};
    if (a->self->endpoint.i == 0 && in->kind == FL_START) {
        for (uint16_t kind = 1; kind <= 3; kind++) {
            struct fl_msg *m = send_one(a, 1, kind, 2); /* all at 10 ms; 2 x 100 us + 300 us each */
            m->word[1] = 1;
        }
        send_one(a, 1, 4, 0);                         /* no work */
        a->out->at[a->out->count - 1].delay = 700000; /* at 10.7 ms: busy until 11.5 */
        send_one(a, 1, 5, 1);
        a->out->at[a->out->count - 1].delay = 5 * MS; /* at 15 ms: idle again */
    } else if (a->self->endpoint.i == 1 && in->kind == FL_MSG) {
        for (uint64_t i = 0; i < in->msg.word[0]; i++) fl_sign(a->self, digest, a->out);
        for (uint64_t i = 0; i < in->msg.word[1]; i++)
            fl_verify(a->self, a->self->identity, digest, 1, a->out);
        send_one(a, 0, in->msg.kind, 7);
        fl_note(a->out, NOTE, in->msg.kind, 0);
    }
}

/* Digests, identities and tags: what is a signature, and what is not. */
static uint64_t foreign_tag[4];
static void play_signatures(struct actor *a)
{
    if (a->in->kind == FL_START) {
        const struct fl_digest digest = {UINT64_C(0x2385f1) + a->self->index, 9};
        struct fl_outbox *out = a->out;
        const uint64_t tag = fl_sign(a->self, digest, out);
        cr_assert_neq(tag, 0);
        cr_assert_eq(tag, fl_sign(a->self, digest, out));
        cr_assert(fl_verify(a->self, a->self->identity, digest, tag, out));
        for (uint32_t bit = 0; bit < 64; bit++) {
            struct fl_digest lo = digest, hi = digest;
            lo.lo ^= UINT64_C(1) << bit;
            hi.hi ^= UINT64_C(1) << bit;
            cr_assert(!fl_verify(a->self, a->self->identity, lo, tag, out));
            cr_assert(!fl_verify(a->self, a->self->identity, hi, tag, out));
            cr_assert(
                !fl_verify(a->self, a->self->identity, digest, tag ^ UINT64_C(1) << bit, out));
        }
        cr_assert(!fl_verify(a->self, a->self->identity, digest, 0, out));
        for (uint32_t i = 0; i < 4; i++)
            if (i != a->self->identity.i)
                cr_assert(!fl_verify(a->self, (fl_identity){i}, digest, tag, out));
        cr_assert(!fl_verify(a->self, (fl_identity){4}, digest, tag, out), "nobody's signature");
        cr_assert(!fl_verify(a->self, (fl_identity){UINT32_MAX}, digest, tag, out));
        cr_assert_eq(out->signs, 2);
        cr_assert_eq(out->verifies, 1 + 3 * 64 + 1 + 3 + 2);
        struct fl_msg *m = fl_send(out, FL_TO_PEERS, FL_NOWHERE, FL_CONSENSUS, 1);
        m->tag = tag;
        m->value[0] = (int64_t)digest.lo;
        foreign_tag[a->self->index] = tag;
    } else if (a->in->kind == FL_MSG) {
        const struct fl_msg *m = &a->in->msg;
        const struct fl_digest digest = {(uint64_t)m->value[0], 9};
        cr_assert_eq(a->out->verifies, 0);
        cr_assert(fl_verify(a->self, m->by, digest, m->tag, a->out), "an honest signature");
        cr_assert(!fl_verify(a->self, a->self->identity, digest, m->tag, a->out));
        a->mem->word[0]++;
    }
}

/* The work of a local call comes on top of that of its caller: one node, one processor. */
static void play_work_in_layers(struct actor *a)
{
    const struct fl_event *in = a->in;
    const struct fl_digest digest = {71, 17};
    if (a->self->endpoint.i == 0 && a->family == FL_CONSENSUS && in->kind == FL_START) {
        send_one(a, 1, 1, 0);
        send_one(a, 1, 2, 0);
        a->out->at[a->out->count - 1].delay = 1;
    } else if (a->self->endpoint.i == 1 && in->kind == FL_MSG && in->msg.kind == 1) {
        fl_verify(a->self, a->self->identity, digest, 1, a->out);
        fl_verify(a->self, a->self->identity, digest, 1, a->out);
        fl_verify(a->self, a->self->identity, digest, 1, a->out);
        fl_local(a->out, FL_AGENT, 1);
        send_one(a, 0, 11, 0);
    } else if (in->kind == FL_CALL) {
        fl_sign(a->self, digest, a->out);
        send_one(a, 0, 12, 0)->family = FL_CONSENSUS;
    }
}

Test(engine, the_work_of_all_layers_of_a_node_adds_up)
{
    play = play_work_in_layers;
    struct fl_test_run r =
        run("\"duration_s\": 1, \"network\": {\"delay_ms\": 10, \"sign_us\": 100, "
            "\"verify_us\": 300}, \"nodes\": {\"a\": {\"count\": 2, "
            "\"consensus\": \"probe\", \"agent\": \"probe\"}}");
    cr_assert_eq(nth(0, 0, 0, FL_MSG, 11)->now, 20900000, "sent after three checks");
    cr_assert_eq(nth(0, 0, 0, FL_MSG, 12)->now, 21000000,
                 "sent after three checks and a signature, at %" PRId64,
                 nth(0, 0, 0, FL_MSG, 12)->now);
    cr_assert_eq(nth(0, 1, 0, FL_MSG, 2)->now, 11000000,
                 "heard after both layers' work, at %" PRId64, nth(0, 1, 0, FL_MSG, 2)->now);
    fl_test_run_free(&r);
}

Test(engine, work_delays_what_a_node_hears_and_says)
{
    play = play_work;
    struct fl_test_run r =
        run("\"duration_s\": 1, \"network\": {\"delay_ms\": 10, \"sign_us\": 100, "
            "\"verify_us\": 300}, \"nodes\": {\"a\": {\"count\": 2, "
            "\"consensus\": \"probe\"}}");
    static const fl_time heard[] = {10000000, 10500000, 11000000, 11500000, 15000000};
    static const fl_time work[] = {500000, 500000, 500000, 0, 100000};
    for (uint32_t n = 0; n < 5; n++) {
        const struct seen *s = nth(n, 1, 0, FL_MSG, 0),
                          *answer = nth(0, 0, 0, FL_MSG, (uint16_t)(n + 1));
        cr_assert(s && answer);
        cr_assert_eq(s->msg.kind, n + 1, "first come, first served");
        cr_assert_eq(s->now, heard[n], "message %u heard at %" PRId64, n + 1, s->now);
        cr_assert_eq(answer->now, heard[n] + work[n] + 10 * MS, "answer %u at %" PRId64, n + 1,
                     answer->now);
    }
    fl_test_run_free(&r);

    play = play_signatures;
    r = run("\"duration_s\": 1, \"nodes\": {\"a\": {\"count\": 4, \"consensus\": \"probe\"}}");
    cr_assert_eq(how_many(0, 0, FL_MSG, 1) + how_many(3, 0, FL_MSG, 1), 6);
    const uint64_t first = foreign_tag[0];
    fl_test_run_free(&r);
    r = run_seed("\"duration_s\": 1, \"nodes\": {\"a\": {\"count\": 4, \"consensus\": \"probe\"}}",
                 72);
    cr_assert_neq(foreign_tag[0], first, "secrets come from the seed");
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Adversaries
 * --------------------------------------------------------------------------------------------- */

/* Members 0..3 tell endpoint 4 five things every 20 ms. */
static void play_members(struct actor *a)
{
    const struct fl_event *in = a->in;
    if (a->self->endpoint.i == 4) return;
    if (in->kind == FL_START) fl_set_timer(a->out, 0, 20 * MS);
    if (in->kind == FL_RECOVER) fl_note(a->out, NOTE, 77, a->self->endpoint.i);
    if (in->kind != FL_TIMER || in->timer != 0) return;
    fl_set_timer(a->out, 0, 20 * MS);
    const uint64_t tick = ++a->mem->word[0];
    for (uint16_t kind = 1; kind <= 5; kind++) {
        struct fl_msg *m = send_one(a, 4, kind, tick);
        m->word[1] = a->self->endpoint.i;
        m->value[0] = 100;
        const unsigned char content[3] = {(unsigned char)kind, 1, 2};
        if (kind % 2) m->blob = fl_blob_put(a->out, content, sizeof content, 0, NULL);
    }
}

enum { REPEAT, LIE, TRESPASS, DROP_1, DROP_2 };
static uint64_t intruded, lies;

/* Role LIE: kind 1 is dropped, kind 2 altered, kind 10 added in the name of the other member. Role
 * TRESPASS: all is repeated, and much added in the name of those who are not members. */
static void twist_members(struct intruder *x)
{
    const struct fl_self *me = x->coalition->member[x->who];
    const bool tick = x->in->kind == FL_TIMER && x->in->timer == 0;
    intruded++;
    for (uint32_t i = 0; i < x->honest->count; i++) {
        const struct fl_effect *e = &x->honest->at[i];
        const uint16_t kind = e->kind == FL_SEND ? e->msg.kind : 0;
        if (kind == 1 && (x->role == LIE || x->role == DROP_1)) continue;
        if (kind == 2 && x->role == DROP_2) continue;
        struct fl_effect *copy = fl_repeat(x->honest, i, x->out);
        cr_assert_eq(copy->origin, i + 1);
        cr_assert(copy->as.i == e->as.i && x->honest->self.i == me->endpoint.i);
        if (kind == 2 && x->role == LIE) copy->msg.value[0] = -1;
        uint32_t bytes = 0;
        const unsigned char *data = fl_outbox_data(x->honest, e->msg.blob, &bytes);
        if (kind % 2) cr_assert(data && bytes == 3 && data[0] == kind);
        if (kind % 2) cr_assert(fl_outbox_data(x->out, copy->msg.blob, &bytes) && bytes == 3);
    }
    if (!tick) return;
    const struct fl_self *other = x->coalition->member[1 - x->who];
    const uint64_t number = ++x->state[x->who];
    if (x->role == LIE) {
        const struct fl_digest digest = {number, 5};
        const uint64_t tag = fl_sign(other, digest, x->out);
        struct fl_msg *m = fl_send(x->out, FL_TO_ONE, (fl_endpoint){4}, FL_CONSENSUS, 10);
        x->out->at[x->out->count - 1].as = other->endpoint;
        m->word[0] = number;
        m->word[1] = me->endpoint.i;
        m->tag = tag;
        lies++;
    } else if (x->role == TRESPASS) {
        const uint32_t strangers[] = {1, 3, 4, 5, UINT32_MAX};
        for (uint32_t i = 0; i < 5; i++) {
            struct fl_msg *m = fl_send(x->out, FL_TO_ONE, (fl_endpoint){4}, FL_CONSENSUS, 11);
            m->word[0] = number;
            m->word[1] = i;
            m->from = (fl_endpoint){strangers[i]};
            m->by = (fl_identity){strangers[i]};
            x->out->at[x->out->count - 1].as.i = strangers[i];
            fl_note(x->out, THIRD_NOTE, (int64_t)number, i);
            x->out->at[x->out->count - 1].as.i = strangers[i];
            fl_set_timer(x->out, 2, MS);
            x->out->at[x->out->count - 1].as.i = strangers[i];
            fl_cancel_timer(x->out, 0);
            x->out->at[x->out->count - 1].as.i = strangers[i];
        }
    }
}

#define MEMBERS                                                                         \
    "\"network\": {\"delay_ms\": 3}, \"nodes\": {\"m\": {\"count\": 4, \"consensus\": " \
    "\"probe\"}, "                                                                      \
    "\"w\": {\"consensus\": \"probe\"}}"
#define TWISTED(ROLE, FROM_TO)                                                       \
    "\"duration_s\": 0.51, " MEMBERS ", \"faults\": {\"t\": {\"model\": \"twist\", " \
    "\"group\": \"m\", \"members\": [0, 2], \"act\": " #ROLE ", " FROM_TO "}}"

static const char lying[] = TWISTED(1, "\"from_s\": 0.1, \"to_s\": 0.4");

Test(engine, a_coalition_speaks_for_its_members_and_for_nobody_else)
{
    play = play_members;
    twist = twist_members;
    intruded = lies = 0;
    struct fl_test_run r = run(lying);
    const fl_time from = 100 * MS, to = 400 * MS;
    cr_assert_gt(lies, 0);
    uint32_t of_kind[12] = {0};
    for (size_t i = 0; i < seen_count; i++) {
        const struct seen *s = &seen[i];
        if (s->endpoint != 4 || s->kind != FL_MSG) continue;
        const fl_time sent = s->now - 3 * MS;
        const uint32_t name = s->msg.kind == 10 ? 2 - (uint32_t)s->msg.word[1]
                                                : (uint32_t)s->msg.word[1];
        cr_assert_eq(s->msg.from.i, name, "kind %d in the name of %u", s->msg.kind, s->msg.from.i);
        cr_assert_eq(s->msg.by.i, name);
        const bool struck = (name == 0 || name == 2) && sent >= from && sent < to;
        cr_assert(s->msg.kind <= 5 || s->msg.kind == 10);
        cr_assert(!(s->msg.kind == 1 && struck), "what the adversary left out came through");
        cr_assert_eq(s->msg.value[0], s->msg.kind == 10            ? 0
                                      : s->msg.kind == 2 && struck ? -1
                                                                   : 100);
        cr_assert_eq(s->content, s->msg.kind < 10 && s->msg.kind % 2);
        if (s->content) cr_assert(s->bytes == 3 && s->data[0] == s->msg.kind);
        of_kind[s->msg.kind] += struck;
        if (s->msg.kind == 10) cr_assert_neq(s->msg.tag, 0);
    }
    /* Ticks at 100 (an edge, so its count is open), 120, ..., 380 ms. */
    cr_assert(lies >= 2 * 14 && lies <= 2 * 16);
    cr_assert(of_kind[10] == lies && of_kind[2] == lies && of_kind[3] == lies && of_kind[1] == 0);
    cr_assert_eq(how_many(1, 0, FL_RECOVER, 0), 0);
    cr_assert_eq(nth(0, 0, 0, FL_RECOVER, 0)->now, to);
    cr_assert_eq(nth(0, 2, 0, FL_RECOVER, 0)->now, to);
    cr_assert_eq(parent_of(&r, NOTE, 77, 2), noted(&r, FL_RECORD_RECOVERY, 0, 2));
    cr_assert_eq(how_many(0, 0, FL_TIMER, 0), 25, "timers run on through the window");
    cr_assert_eq(r.result->fault[0].suppressed, lies, "effects not copied");
    cr_assert_eq(r.result->fault[0].injected, 2 * lies, "one changed, one added");
    fl_test_run_free(&r);

    /* In the name of those who are not members: left out, all of it. */
    r = run("\"duration_s\": 0.51, " MEMBERS);
    struct kept honest = keep();
    const uint32_t records = fl_records_count(r.result->records);
    fl_test_run_free(&r);
    r = run(TWISTED(2, "\"from_s\": 0.1, \"to_s\": 2"));
    assert_same_log(&honest, "effects as a stranger");
    cr_assert_eq(fl_records_count(r.result->records), records + 1,
                 "more records than the fault's edge");
    cr_assert_eq(r.result->fault[0].suppressed, 0);
    fl_test_run_free(&r);

    /* Two of them on one node: what either drops is dropped. */
    r = run("\"duration_s\": 0.51, " MEMBERS ", \"faults\": {"
            "\"t\": {\"model\": \"twist\", \"group\": \"m\", \"members\": [0, 2], \"act\": 3}, "
            "\"u\": {\"model\": \"twist\", \"group\": \"m\", \"members\": [2, 3], \"act\": 4}}");
    static const uint32_t expected[4][3] = {{0, 0, 25}, {0, 25, 25}, {0, 0, 0}, {0, 25, 0}};
    for (uint32_t e = 0; e < 4; e++)
        for (uint16_t kind = 1; kind <= 2; kind++) {
            uint32_t n = 0;
            for (size_t i = 0; i < seen_count; i++)
                n += seen[i].endpoint == 4 && seen[i].kind == FL_MSG && seen[i].msg.kind == kind &&
                     seen[i].msg.from.i == e;
            cr_assert_eq(n, expected[e][kind], "%u of kind %d from %u", n, kind, e);
        }
    cr_assert_eq(r.result->fault[0].suppressed, 50);
    cr_assert_eq(r.result->fault[1].suppressed, 50);
    fl_test_run_free(&r);
    free(honest.seen);
}

/* "dropped or altered by a fault: v = fault, endpoint, message family, kind, word 0, word 1". */
Test(engine, what_an_adversary_drops_or_alters_is_recorded)
{
    play = play_members;
    twist = twist_members;
    struct fl_test_run r = run(lying);
    cr_assert_gt(lies, 0);
    uint32_t dropped = 0, altered = 0;
    for (uint32_t id = 1; id <= fl_records_count(r.result->records); id++) {
        const struct fl_record *s = record(&r, id);
        if (s->kind != FL_RECORD_SUPPRESSED) continue;
        cr_assert_eq(s->parent, r.result->fault[0].record);
        cr_assert(s->v[0] == 0 && (s->v[1] == 0 || s->v[1] == 2) && s->v[2] == FL_CONSENSUS);
        cr_assert_eq(s->v[5], s->v[1], "words");
        dropped += s->v[3] == 1;
        altered += s->v[3] == 2;
    }
    cr_assert_eq(dropped, lies, "%u of %" PRIu64 " dropped effects are recorded", dropped, lies);
    cr_assert_eq(altered, lies, "%u of %" PRIu64 " altered effects are recorded", altered, lies);
    fl_test_run_free(&r);
}

/* Endpoints: m 0..3, members 1 and 2; h 4 and 5, honest; w 6. */
static void play_rush(struct actor *a)
{
    const uint32_t me = a->self->endpoint.i;
    cr_assert_neq(a->in->kind, FL_OVERHEARD, "an honest model overhears");
    if (a->in->kind == FL_START) fl_set_timer(a->out, 0, 30 * MS);
    if (a->in->kind != FL_TIMER) return;
    if (me == 4) {
        struct fl_msg *m = send_one(a, 1, 1, 99);
        m->blob = fl_blob_put(a->out, "secret", 6, 0, NULL);
        m->value[1] = 7;
        fl_send(a->out, FL_TO_GROUP, (fl_endpoint){0}, FL_CONSENSUS,
                2);           /* two members among four */
        send_one(a, 5, 3, 0); /* none of their business */
    }
    if (me == 1) send_one(a, 2, 4, 0); /* among themselves */
    if (me == 5) fl_set_timer(a->out, 1, 500 * MS);
    if (me == 5 && a->in->timer == 1) send_one(a, 1, 5, 0); /* after the window */
}
static void twist_rush(struct intruder *x)
{
    repeat_all(x);
    if (x->in->kind != FL_OVERHEARD || x->in->msg.kind != 1) return;
    cr_assert(x->in->data && x->in->data_bytes == 6 && memcmp(x->in->data, "secret", 6) == 0);
    struct fl_msg *m = fl_send(x->out, FL_TO_ONE, (fl_endpoint){6}, FL_CONSENSUS, 20);
    m->blob = x->in->msg.blob;
    x->out->at[x->out->count - 1].as = x->coalition->member[1 - x->who]->endpoint;
}

#define RUSHED(MODEL)                                                                           \
    "\"duration_s\": 1, \"network\": {\"delay_ms\": 40, \"links\": [{\"from\": \"m\", \"to\": " \
    "\"w\", "                                                                                   \
    "\"delay_ms\": 10}]}, \"nodes\": {\"m\": {\"count\": 4, \"consensus\": \"probe\"}, \"h\": " \
    "{\"count\": "                                                                              \
    "2, \"consensus\": \"probe\"}, \"w\": {\"consensus\": \"probe\"}}, \"faults\": {\"t\": "    \
    "{\"model\": \"" MODEL                                                                      \
    "\", \"group\": \"m\", \"members\": [1, 2], \"from_s\": 0.01, \"to_s\": 0.5}}"

Test(engine, a_rushing_coalition_hears_what_is_sent_to_it_at_once)
{
    play = play_rush;
    twist = twist_rush;
    struct fl_test_run r = run(RUSHED("rush"));
    cr_assert_eq(overheard_count, 3, "%zu overheard", overheard_count);
    for (uint32_t i = 0; i < 3; i++) {
        const struct seen *s = &overheard[i];
        cr_assert_eq(s->now, 30 * MS, "overheard at %" PRId64, s->now);
        cr_assert_eq(s->msg.from.i, 4);
        cr_assert_eq(s->msg.by.i, 4);
        cr_assert_eq(overheard_honest[i], 0);
        cr_assert_eq(s->msg.kind, i == 0 ? 1 : 2);
        cr_assert_eq(s->endpoint, i == 2 ? 2 : 1, "overheard as member %u", s->endpoint);
    }
    cr_assert(overheard[0].msg.word[0] == 99 && overheard[0].msg.value[1] == 7);
    const struct seen *w = nth(0, 6, 0, FL_MSG, 20), *m = nth(0, 1, 0, FL_MSG, 1);
    cr_assert(w && w->now == 40 * MS && w->msg.from.i == 2, "a rushing answer");
    cr_assert(w->content && memcmp(w->data, "secret", 6) == 0);
    cr_assert(m && m->now == 70 * MS, "the message itself arrives when it would");
    fl_test_run_free(&r);
    r = run(RUSHED("twist"));
    cr_assert_eq(overheard_count, 0);
    cr_assert_eq(how_many(6, 0, FL_MSG, 20), 0);
    cr_assert_eq(how_many(1, 0, FL_MSG, 2), 1);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * A run of everything, and what must not change it
 * --------------------------------------------------------------------------------------------- */

/* Servers s (consensus, chain, agent) chat, execute batches and serve clients c, who read. */
static void chat_tick(struct actor *a)
{
    const uint64_t tick = ++a->mem->word[0];
    const uint32_t me = a->self->endpoint.i - a->self->group_first;
    fl_because(a->out, 0, 0, 0);
    fl_set_timer(a->out, 0, 10 * MS);
    fl_note(a->out, NOTE, (int64_t)a->self->key, (int64_t)tick)[2] = me;
    uint64_t content[3] = {tick / 3, a->self->key, 5};
    struct fl_msg *m = fl_send(a->out, FL_TO_PEERS, FL_NOWHERE, FL_CONSENSUS, 1);
    m->word[0] = tick;
    m->blob = fl_blob_put(a->out, content, sizeof content, tick % 2 ? 0 : tick, NULL);
    m->tag = fl_sign(a->self, fl_digest_of(content, sizeof content), a->out);
    fl_emit(a->out, FL_KEEP_FROM)->epoch = tick > 3 ? tick - 3 : 0;
    if (me == 0 && tick % 5 == 0) fl_local(a->out, FL_CHAIN, 3)->word[0] = tick / 5;
}
static void chat_message(struct actor *a)
{
    const struct fl_msg *m = &a->in->msg;
    if (m->kind == 1) {
        const struct fl_digest digest = fl_digest_of(a->in->data, a->in->data_bytes);
        cr_assert(fl_verify(a->self, m->by, digest, m->tag, a->out));
        struct fl_msg *answer = send_one(a, m->from.i, 2, m->word[0]);
        answer->blob = m->blob;
        fl_local(a->out, FL_AGENT, 9)->word[0] = m->word[0];
        fl_set_timer(a->out, 1, 3 * MS);
    } else if (m->kind == 2 && m->word[0] % 3 == 0) {
        fl_cancel_timer(a->out, 1);
    }
}
static void chat_execute(struct actor *a, uint64_t height)
{
    const struct fl_batch batch = {.height = height, .time = (fl_time)height * FL_SECOND};
    struct fl_effect *e = fl_emit(a->out, FL_EXECUTE);
    e->msg.version.i = a->mem->word[1] ? (uint32_t)a->mem->word[1] : 1; /* genesis */
    e->msg.word[0] = height;
    e->msg.blob = fl_blob_put(a->out, &batch, sizeof batch, 0, NULL);
}
static void chat_executed(struct actor *a)
{
    cr_assert_neq(a->in->msg.version.i, 0);
    a->mem->word[1] = a->in->msg.version.i;
    fl_emit(a->out, FL_HEAD)->msg.version = a->in->msg.version;
    fl_emit(a->out, FL_FINALISE)->msg.version = a->in->msg.version;
    struct fl_msg *m = fl_send(a->out, FL_TO_CLIENTS, FL_NOWHERE, FL_AGENT, 4);
    m->word[0] = a->in->msg.word[0];
    m->version = a->in->msg.version;
    m->value[0] = a->in->msg.value[0];
}
static void play_chat(struct actor *a)
{
    const struct fl_event *in = a->in;
    if (in->kind == FL_START && a->family == FL_CONSENSUS)
        fl_set_timer(a->out, 0, (fl_time)(1 + a->self->index) * MS);
    if (in->kind == FL_TIMER && in->timer == 0) chat_tick(a);
    if (in->kind == FL_TIMER && in->timer == 1)
        fl_note(a->out, OTHER_NOTE, (int64_t)a->self->key, in->now);
    if (in->kind == FL_MSG && a->family == FL_CONSENSUS) chat_message(a);
    if (in->kind == FL_CALL && a->family == FL_CHAIN) chat_execute(a, in->msg.word[0]);
    if (in->kind == FL_EXECUTED) chat_executed(a);
    if (in->kind == FL_CALL && a->family == FL_AGENT) a->mem->word[0] += in->msg.word[0];
    if (in->kind == FL_MSG && in->msg.kind == 4) {
        const struct fl_query query = {.contract = 0, .kind = 1};
        int64_t height = 0;
        if (fl_read(a->view, &query, &height, sizeof height) == FL_READ_OK)
            a->mem->word[0] += (uint64_t)height;
        struct fl_msg *m = send_one(a, a->self->replica.i, 5, in->msg.word[0]);
        m->family = FL_CHAIN;
        m->value[0] = height;
    }
}
static void twist_repeat(struct intruder *x)
{
    repeat_all(x);
}

#define CHAT                                                                                      \
    "\"duration_s\": 0.6, \"network\": {\"sign_us\": 7, \"verify_us\": 30, \"delay_ms\": "        \
    "{\"law\": \"lognormal\", "                                                                   \
    "\"median\": 4, \"sigma\": 0.5}}, \"contracts\": {\"clock\": \"clock\"}, \"nodes\": {\"s\": " \
    "{\"count\": 4, "                                                                             \
    "\"consensus\": \"probe\", \"chain\": \"probe\", \"agent\": \"probe\"}, \"c\": {\"count\": "  \
    "3, "                                                                                         \
    "\"clients_of\": \"s\", \"agent\": \"probe\"}}"

static bool same_records(const struct fl_test_run *a, const struct fl_test_run *b)
{
    const uint32_t count = fl_records_count(a->result->records);
    if (count != fl_records_count(b->result->records)) return false;
    for (uint32_t id = 1; id <= count; id++)
        if (memcmp(record(a, id), record(b, id), sizeof(struct fl_record)) != 0) return false;
    return true;
}

Test(engine, a_run_is_a_function_of_scenario_and_seed)
{
    play = play_chat;
    twist = twist_repeat;
    struct fl_test_run plain = run(CHAT);
    struct kept log = keep();
    cr_assert(how_many(4, 0, FL_MSG, 4) + how_many(5, 0, FL_MSG, 4) + how_many(6, 0, FL_MSG, 4) >
                      0 ||
                  fl_records_count(plain.result->records) > 100,
              "the chat is too quiet");
    cr_assert_eq(plain.result->events, seen_count);
    cr_assert_eq(plain.result->end, 600 * MS);
    for (size_t i = 0; i < seen_count; i++)
        cr_assert(seen[i].now <= 600 * MS && (i == 0 || seen[i - 1].now <= seen[i].now));

    /* Again; more detail, less; checks; other sampling: nothing moves. */
    static const char *const same[] = {
        CHAT,
        CHAT ", \"trace\": {\"detail\": \"summary\"}",
        CHAT ", \"trace\": {\"detail\": \"messages\"}",
        CHAT ", \"trace\": {\"sample_s\": 0.007}",
        CHAT ", \"trace\": {\"sample_s\": 100}",
        CHAT ", \"checks\": {\"look\": \"look\"}",
        CHAT ", \"checks\": {\"look\": \"look\", \"too\": \"look\"}, \"trace\": {\"sample_s\": "
             "0.003, \"detail\": \"messages\"}",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct fl_test_run r = run(same[i]);
        assert_same_log(&log, same[i] + sizeof CHAT - 1);
        cr_assert(fl_digest_equal(r.result->digest, plain.result->digest), "the digest moves: %s",
                  same[i] + sizeof CHAT - 1);
        cr_assert(same_records(&r, &plain), "the records move: %s", same[i] + sizeof CHAT - 1);
        cr_assert(r.result->messages == plain.result->messages &&
                  r.result->delivered == plain.result->delivered &&
                  r.result->dropped == plain.result->dropped);
        fl_test_run_free(&r);
    }

    /* A rewriter with nothing to change. Its edge is recorded; nothing else happens. (Not at member
     * 0, which alone executes: the ledger's state is the honest replicas', who would have none.) */
    struct fl_test_run r = run(CHAT
                               ", \"faults\": {\"t\": {\"model\": \"twist\", \"group\": \"s\", "
                               "\"members\": [1, 2, 3], \"from_s\": 0, \"to_s\": 5}}");
    assert_same_log(&log, "a rewriter with nothing to change");
    cr_assert(r.result->fault[0].suppressed == 0 && r.result->fault[0].injected == 0);
    cr_assert_eq(fl_records_count(r.result->records), fl_records_count(plain.result->records) + 1);
    cr_assert_eq(count_records(&r, FL_RECORD_SUPPRESSED), 0);
    for (uint32_t id = 2; id <= fl_records_count(r.result->records);
         id++) { /* the edge is the first */
        struct fl_record moved = *record(&plain, id - 1);
        moved.parent += moved.parent != FL_NO_RECORD;
        cr_assert_eq(memcmp(&moved, record(&r, id), sizeof moved), 0, "record %u", id);
    }
    cr_assert(fl_digest_equal(r.result->digest, plain.result->digest),
              "the digest covers events, blobs and states: none of them differ");
    fl_test_run_free(&r);
    /* The same with a window that closes: FL_RECOVER at the members is all there is. */
    r = run(CHAT ", \"faults\": {\"t\": {\"model\": \"twist\", \"group\": \"s\", \"members\": [1], "
                 "\"from_s\": 0.1, \"to_s\": 0.3}}");
    size_t i = 0, recoveries = 0;
    for (size_t j = 0; j < seen_count; j++) {
        if (seen[j].kind == FL_RECOVER)
            recoveries++;
        else
            cr_assert(alike(&log.seen[i++], &seen[j]));
    }
    cr_assert(i == log.count && recoveries == 3);
    fl_test_run_free(&r);

    /* A fault that is not enabled is no fault. */
    r = run(CHAT ", \"faults\": {\"t\": {\"model\": \"crash\", \"group\": \"s\", \"members\": [1], "
                 "\"enabled\": false}}");
    cr_assert(fl_digest_equal(r.result->digest, plain.result->digest) &&
              r.result->fault_count == 0);
    fl_test_run_free(&r);

    /* Other seeds give other runs. */
    struct fl_digest digest[20];
    for (uint64_t seed = 0; seed < 20; seed++) {
        r = run_seed(CHAT, seed);
        digest[seed] = r.result->digest;
        for (uint64_t other = 0; other < seed; other++)
            cr_assert(!fl_digest_equal(digest[other], digest[seed]));
        fl_test_run_free(&r);
    }
    fl_test_run_free(&plain);
    free(log.seen);
}

/* ------------------------------------------------------------------------------------------------
 * Rows of messages, series, checks
 * --------------------------------------------------------------------------------------------- */

static void check_rows(const struct fl_test_run *r)
{
    const struct fl_result *result = r->result;
    cr_assert_eq(result->message_count, result->messages);
    uint64_t fate[4] = {0};
    for (uint64_t i = 0; i < result->message_count; i++) {
        const struct fl_message_row *row = &result->message[i];
        cr_assert(row->fate >= FL_DELIVERED && row->fate <= FL_PENDING);
        fate[row->fate]++;
        cr_assert(row->sent <= row->arrives && row->raw_parent <= i);
        cr_assert(row->fate != FL_PENDING || row->arrives >= result->end,
                  "on its way after arrival");
        if (row->raw_parent > 0) {
            const struct fl_message_row *parent = &result->message[row->raw_parent - 1];
            cr_assert_eq(parent->fate, FL_DELIVERED);
            cr_assert_eq(parent->to, row->from, "whoever sends because of a message received it");
            cr_assert(parent->arrives <= row->sent);
        }
        if (row->kind == 2) { /* an answer */
            cr_assert_neq(row->raw_parent, 0);
            const struct fl_message_row *parent = &result->message[row->raw_parent - 1];
            cr_assert(parent->kind == 1 && parent->from == row->to &&
                      parent->word[0] == row->word[0]);
            cr_assert_eq(parent->parent, row->parent, "no note between them");
            cr_assert_eq(row->blob_bytes, 24);
        }
        if (row->kind == 1) {
            cr_assert_eq(row->raw_parent, 0, "sent by a clock");
            const struct fl_record *note = record(r, row->parent);
            cr_assert(note->kind == NOTE && note->v[1] == (int64_t)row->word[0]);
        }
    }
    cr_assert(fate[FL_DELIVERED] == result->delivered && fate[FL_DROPPED] == result->dropped);
    cr_assert_gt(fate[FL_PENDING], 0);
    uint64_t heard = 0;
    for (size_t i = 0; i < seen_count; i++) heard += seen[i].kind == FL_MSG;
    cr_assert_eq(heard, result->delivered);
}

Test(engine, what_is_published_is_what_happened)
{
    play = play_chat;
    struct fl_test_run r = run(CHAT
                               ", \"trace\": {\"detail\": \"messages\", \"sample_s\": 0.05}, "
                               "\"checks\": {\"look\": \"look\"}, \"faults\": {"
                               "\"a\": {\"model\": \"crash\", \"group\": \"s\", \"members\": [1], "
                               "\"from_s\": 0.2, \"to_s\": 0.3}, "
                               "\"b\": {\"model\": \"twist\", \"group\": \"c\", \"members\": [2], "
                               "\"from_s\": 0.55, \"to_s\": 0.56}}");
    twist = twist_repeat;
    check_rows(&r);
    cr_assert_gt(r.result->dropped, 0);

    /* The check was shown every record, ticked every 100 ms, and finished once. */
    cr_assert_eq(looked.wrong[0], 0, "time goes back, or on after the end");
    cr_assert_eq(looked.wrong[1], 0, "a tick off the grid");
    cr_assert_eq(looked.wrong[2], 0, "records out of order");
    cr_assert_eq(looked.wrong[3], 0, "records of another time: %" PRIu64, looked.wrong[3]);
    cr_assert_eq(looked.wrong[4], 0, "changes that are none");
    cr_assert_eq(looked.records, fl_records_count(r.result->records));
    cr_assert(looked.ticks >= 5 && looked.ticks <= 7, "%" PRIu64 " ticks", looked.ticks);
    cr_assert_eq(looked.finished, 1);
    cr_assert_eq(looked.finished_at, 600 * MS);
    cr_assert_eq(looked.honest, 0x3f, "a crash leaves honest: endpoint 1; a twist does not: 6");
    cr_assert_eq(r.result->verdict[0].kind, FL_HOLDS);
    const int64_t executed = count_records(&r, THIRD_NOTE);
    cr_assert_gt(executed, 5);
    cr_assert_eq(looked.executed, (uint64_t)executed);
    cr_assert_eq(fl_test_final(&r, "clock.height"), executed);
    cr_assert(looked.newest >= executed - 2 && looked.newest <= executed);

    /* Series: a grid, each sample what had been published by then; the combination over nodes. */
    const uint32_t sum = fl_config_observable(r.config, "probe.sum");
    cr_assert_geq(r.result->sample_count, 12);
    for (uint32_t i = 0; i < r.result->sample_count; i++)
        cr_assert(r.result->sample_at[i] % (50 * MS) == 0 &&
                  (i == 0 || r.result->sample_at[i] == r.result->sample_at[i - 1] + 50 * MS));
    cr_assert(r.result->sample_at[0] <= 50 * MS);
    cr_assert_geq(r.result->sample_at[r.result->sample_count - 1], 550 * MS);
    for (uint32_t i = 1; i < r.result->sample_count; i++)
        cr_assert_leq(r.result->sample[sum][i - 1], r.result->sample[sum][i]);
    cr_assert_geq(fl_test_final(&r, "probe.sum"),
                  r.result->sample[sum][r.result->sample_count - 1]);
    cr_assert(fl_test_final(&r, "probe.min") < fl_test_final(&r, "probe.max") &&
              fl_test_final(&r, "probe.max") < fl_test_final(&r, "probe.sum") &&
              fl_test_final(&r, "probe.first") >= fl_test_final(&r, "probe.min") &&
              fl_test_final(&r, "probe.first") <= fl_test_final(&r, "probe.max"));
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Views
 * --------------------------------------------------------------------------------------------- */

/* Replicas 0 and 1 execute a batch every 100 ms, the second 50 ms after the first, and tell all
 * clients; clients 2.. read every 7 ms. */
static int64_t
    served[32]; /* by client: height of the newest version its own replica told it; -1 none */
static uint64_t reads_ok, reads_none, reads_down, reads_lost;
static fl_time down_from, down_to;
static uint32_t down_replica;

static void play_replica(struct actor *a)
{
    const struct fl_event *in = a->in;
    if (in->kind == FL_START) fl_set_timer(a->out, 0, 100 * MS + 50 * MS * a->self->index);
    if (in->kind == FL_RECOVER) fl_set_timer(a->out, 0, 60 * MS);
    if (in->kind == FL_TIMER) {
        fl_set_timer(a->out, 0, 100 * MS);
        chat_execute(a, ++a->mem->word[0]);
    }
    if (in->kind != FL_EXECUTED) return;
    cr_assert_eq(in->msg.word[0], a->mem->word[0]);
    cr_assert_neq(in->msg.version.i, 0);
    a->mem->word[1] = in->msg.version.i;
    fl_emit(a->out, FL_HEAD)->msg.version = in->msg.version;
    fl_emit(a->out, FL_FINALISE)->msg.version = in->msg.version;
    struct fl_msg *m = fl_send(a->out, FL_TO_GROUP, (fl_endpoint){2}, FL_AGENT, 4);
    m->word[0] = in->msg.word[0];
    m->word[1] = a->self->index;
    m->version = in->msg.version;
}
static void play_views(struct actor *a)
{
    const struct fl_event *in = a->in;
    if (a->family == FL_CHAIN) {
        play_replica(a);
        return;
    }
    const uint32_t me = a->self->endpoint.i, replica = a->self->replica.i;
    cr_assert_lt(replica, 2);
    if (in->kind == FL_START) served[me] = -1;
    if (in->kind == FL_MSG && in->msg.from.i == replica) {
        cr_assert_gt((int64_t)in->msg.word[0], served[me]);
        served[me] = (int64_t)in->msg.word[0];
    }
    if (in->kind == FL_TIMER || in->kind == FL_START) fl_set_timer(a->out, 0, 7 * MS);
    const struct fl_query query = {.contract = 0, .kind = 1}, unknown = {.contract = 0, .kind = 2},
                          nowhere = {.contract = 9, .kind = 1};
    int64_t height = -7, other;
    const enum fl_read_status status = fl_read(a->view, &query, &height, sizeof height);
    if (replica == down_replica && in->now >= down_from && in->now < down_to) {
        cr_assert_eq(status, FL_READ_UNAVAILABLE, "at %" PRId64 " its replica is down", in->now);
        reads_down++;
    } else if (served[me] < 0) {
        cr_assert_eq(status, FL_READ_UNAVAILABLE, "served nothing yet");
        reads_none++;
    } else if (status == FL_READ_UNAVAILABLE) {
        if (reads_lost++ == 0)
            fprintf(stderr,
                    "delay %d ms: at %" PRId64
                    " endpoint %u, client of replica %u, cannot read height %" PRId64 "\n",
                    variant, in->now, me, replica, served[me]);
    } else {
        cr_assert_eq(status, FL_READ_OK, "at %" PRId64 ", height %" PRId64, in->now, served[me]);
        cr_assert_eq(height, served[me],
                     "at %" PRId64 " endpoint %u reads height %" PRId64
                     ", its replica served %" PRId64,
                     in->now, me, height, served[me]);
        cr_assert_eq(fl_read(a->view, &unknown, &other, sizeof other), FL_READ_UNKNOWN);
        cr_assert_eq(fl_read(a->view, &nowhere, &other, sizeof other), FL_READ_UNKNOWN);
        reads_ok++;
    }
}

static void check_views(const char *delay, const char *fault)
{
    char body[1000];
    snprintf(body, sizeof body,
             "\"duration_s\": 3, \"network\": {\"delay_ms\": %s}, \"contracts\": {\"clock\": "
             "\"clock\"}, \"nodes\": {\"r\": {\"count\": 2, \"chain\": \"probe\"}, \"c\": "
             "{\"count\": 8, "
             "\"clients_of\": \"r\", \"agent\": \"probe\"}}%s",
             delay, fault);
    reads_ok = reads_none = reads_down = reads_lost = 0;
    variant = atoi(delay);
    struct fl_test_run r = run(body);
    cr_assert(reads_ok + reads_lost > 500);
    cr_assert_gt(reads_none, 50);
    fl_test_run_free(&r);
}

Test(engine, a_client_reads_what_its_replica_served_it)
{
    play = play_views;
    down_replica = UINT32_MAX;
    check_views("30", "");
    down_replica = 1;
    down_from = 1010 * MS;
    down_to = 1515 * MS;
    check_views("30",
                ", \"faults\": {\"d\": {\"model\": \"crash\", \"group\": \"r\", \"members\": [1], "
                "\"from_s\": 1.01, \"to_s\": 1.515}}");
    cr_assert_gt(reads_down, 50);
    cr_assert_gt(reads_ok, 500);
}

/* UNAVAILABLE is for three cases: "the replica is down, too far behind, or served nothing yet". A
 * replica that is ahead of its clients by what the network takes is none of them. */
Test(engine, a_client_can_read_what_it_was_served_until_it_is_served_more)
{
    play = play_views;
    down_replica = UINT32_MAX;
    check_views("30", "");
    const uint64_t near = reads_lost;
    check_views("250", ""); /* several versions behind, all final */
    cr_assert(near == 0 && reads_lost == 0,
              "%" PRIu64 " reads refused at 30 ms, %" PRIu64 " at 250 ms", near, reads_lost);
}

/* ------------------------------------------------------------------------------------------------
 * Finality, and states that are handed over
 * --------------------------------------------------------------------------------------------- */

/* Endpoint 0 makes two versions of height 1 and a second one on the first: 2, 3 and 4. What it does with
 * them next, 10 ms apart, is the variant. */
static void make_version(struct actor *a, uint32_t parent, uint64_t height, fl_time time)
{
    const struct fl_batch batch = {.height = height, .time = time};
    const fl_blob blob = fl_blob_put(a->out, &batch, sizeof batch, 0, NULL);
    struct fl_effect *const e = fl_emit(a->out, FL_EXECUTE);
    e->msg.version.i = parent;
    e->msg.blob = blob;
}
static void finalise(struct actor *a, uint32_t version)
{
    fl_emit(a->out, FL_FINALISE)->msg.version.i = version;
}
static void adopt(struct actor *a, uint32_t version, int64_t wrong)
{
    struct fl_effect *const e = fl_emit(a->out, FL_ADOPT);
    e->msg.version.i = version;
    e->msg.word[0] = 1000 + version;
    e->msg.value[0] = (int64_t)a->mem->word[2 * (version - 2)] + wrong;
    e->msg.value[1] = (int64_t)a->mem->word[2 * (version - 2) + 1];
}
static void play_fork(struct actor *a)
{
    const struct fl_event *in = a->in;
    if (in->kind == FL_START) {
        make_version(a, 1, 1, 1 * FL_SECOND);
        make_version(a, 1, 1, 2 * FL_SECOND);
        make_version(a, 2, 2, 3 * FL_SECOND);
        fl_set_timer(a->out, 0, 10 * MS);
    }
    if (in->kind == FL_EXECUTED && in->msg.word[0] == 0) { /* their hashes, by version */
        const uint32_t v = in->msg.version.i;
        cr_assert(v >= 2 && v <= 4);
        a->mem->word[2 * (v - 2)] = (uint64_t)in->msg.value[0];
        a->mem->word[2 * (v - 2) + 1] = (uint64_t)in->msg.value[1];
    }
    if (in->kind != FL_TIMER) return;
    if (in->timer == 0) {
        finalise(a, 2);
        fl_set_timer(a->out, 1, 10 * MS);
    } else if (variant == 0) {
        finalise(a, 3); /* of the same height, on another branch */
    } else if (variant == 1) {
        finalise(a, 4);
        finalise(a, 2); /* its ancestor: no harm */
    } else {
        adopt(a, 3, 0);
        adopt(a, 4, 1);
        adopt(a, 4, 0);
    }
}
static struct fl_test_run run_fork(int which, const char *faults)
{
    char body[1000];
    snprintf(
        body, sizeof body,
        "\"duration_s\": 0.1, \"network\": {\"delay_ms\": 1}, \"nodes\": {\"a\": {\"count\": 1, "
        "\"chain\": \"probe\"}}%s",
        faults);
    play = play_fork;
    twist = repeat_all;
    variant = which;
    seen_count = 0;
    return run(body);
}

Test(engine, an_honest_endpoint_that_replaces_what_is_final_stops_the_run, .signal = SIGABRT)
{
    run_fork(0, "");
}

Test(engine, a_corrupted_one_is_not_listened_to)
{
    struct fl_test_run r =
        run_fork(0, ", \"faults\": {\"f\": {\"model\": \"twist\", \"group\": \"a\", "
                    "\"members\": [0], \"from_s\": 0, \"to_s\": 1}}");
    cr_assert_eq(how_many(0, FL_CHAIN, FL_TIMER, 0), 2);
    fl_test_run_free(&r);
}

Test(engine, what_is_final_may_be_said_again)
{
    struct fl_test_run r = run_fork(1, "");
    cr_assert_eq(how_many(0, FL_CHAIN, FL_TIMER, 0), 2);
    fl_test_run_free(&r);
}

/* Another branch than the final one, another hash, then the right one: height and time come with it. */
Test(engine, a_state_is_adopted_if_it_is_right_and_replaces_nothing)
{
    struct fl_test_run r = run_fork(2, "");
    cr_assert_eq(how_many(0, FL_CHAIN, FL_EXECUTED, 0), 6);
    const struct seen *const fork = nth(3, 0, FL_CHAIN, FL_EXECUTED, 0),
                             *const wrong = nth(4, 0, FL_CHAIN, FL_EXECUTED, 0),
                             *const right = nth(5, 0, FL_CHAIN, FL_EXECUTED, 0);
    cr_assert(fork->msg.word[0] == 1003 && fork->msg.version.i == 0);
    cr_assert(wrong->msg.word[0] == 1004 && wrong->msg.version.i == 0);
    cr_assert(right->msg.word[0] == 1004 && right->msg.version.i == 4);
    cr_assert(right->msg.word[1] == 2 && right->msg.word[2] == 3 * (uint64_t)FL_SECOND);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Blobs in a world
 * --------------------------------------------------------------------------------------------- */

/* Endpoint 0 sends blobs of epochs 0, 5 and 6 at 0 ms; endpoint 1 remembers them (at 10 ms) and looks
 * every 10 ms. All keep from 5 at first; at 45 ms all but endpoint 2 keep from 6, at 65 ms it too. */
static uint32_t alive_at[3][40];
static uint64_t epoch_shift; /* added to all epochs but those of endpoint 2 */
static void look_at_blobs(struct actor *a)
{
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t bytes = 0;
        const void *data = fl_blob_data(a->view, (fl_blob){a->mem->word[i]}, &bytes);
        alive_at[i][a->in->now / (5 * MS)] = a->mem->word[i] && data && bytes == 5;
    }
}
static void play_blobs(struct actor *a)
{
    const struct fl_event *in = a->in;
    const uint32_t me = a->self->endpoint.i;
    if (in->kind == FL_START) {
        fl_emit(a->out, FL_KEEP_FROM)->epoch = me == 2 ? 5 : 5 + epoch_shift;
        fl_set_timer(a->out, 1, me == 2 ? 65 * MS : 45 * MS);
        fl_set_timer(a->out, 0, 15 * MS);
        static const char *const text[] = {"none ", "five ", "six  "};
        for (uint16_t i = 0; me == 0 && i < 3; i++) {
            struct fl_msg *m = send_one(a, 1, (uint16_t)(1 + i), 0);
            m->blob = fl_blob_put(a->out, text[i], 5, i ? 4u + i + epoch_shift : 0, NULL);
            m = send_one(a, 1, (uint16_t)(11 + i),
                         0); /* the same blobs, under way for 100 ms more */
            m->blob = fl_blob_put(a->out, text[i], 5, i ? 4u + i + epoch_shift : 0, NULL);
            a->out->at[a->out->count - 1].delay = 100 * MS;
        }
        if (me == 0 && variant == 1) /* without the second sending */
            for (uint32_t i = 0; i < a->out->count; i++)
                if (a->out->at[i].delay == 100 * MS) a->out->at[i].to = FL_NOWHERE;
    }
    if (in->kind == FL_TIMER && in->timer == 1)
        fl_emit(a->out, FL_KEEP_FROM)->epoch = 6 + epoch_shift;
    if (me != 1) return;
    if (in->kind == FL_MSG) {
        cr_assert(in->data && in->data_bytes == 5, "content of a message on its way is there");
        if (in->msg.kind < 10) a->mem->word[in->msg.kind - 1] = in->msg.blob.i;
        if (in->msg.kind > 10) cr_assert_eq(in->msg.blob.i, a->mem->word[in->msg.kind - 11]);
    }
    if (in->kind == FL_TIMER && in->timer == 0) {
        look_at_blobs(a);
        fl_set_timer(a->out, 0, 10 * MS);
    }
}

static void check_blobs(const char *faults, fl_time five_dies)
{
    char body[1000];
    snprintf(
        body, sizeof body,
        "\"duration_s\": 0.19, \"network\": {\"delay_ms\": 10}, \"nodes\": {\"a\": {\"count\": 4, "
        "\"consensus\": \"probe\"}}%s",
        faults);
    memset(alive_at, 0, sizeof alive_at);
    struct fl_test_run r = run(body);
    for (fl_time at = 15 * MS; at < 190 * MS; at += 10 * MS) {
        const size_t n = (size_t)(at / (5 * MS));
        const bool coming = variant == 0 && at < 110 * MS;
        cr_assert_eq(alive_at[0][n], coming, "epoch 0 at %" PRId64, at);
        if (at != five_dies || coming) /* at the very instant either order will do */
            cr_assert_eq(alive_at[1][n], coming || at < five_dies, "epoch 5 at %" PRId64, at);
        cr_assert_eq(alive_at[2][n], 1, "epoch 6 at %" PRId64, at);
    }
    fl_test_run_free(&r);
}

Test(engine, blobs_are_gone_when_nobody_keeps_or_awaits_them)
{
    play = play_blobs;
    twist = twist_repeat;
    variant = 0;
    check_blobs("", 65 * MS);
    variant = 1;
    check_blobs("", 65 * MS);
    /* Who is down keeps what it said (stable storage), whenever it went down, as long as it is at
     * most 1024 behind the others; further behind, or corrupted, it keeps nothing. */
    static const char down_early[] =
        ", \"faults\": {\"f\": {\"model\": \"crash\", \"group\": \"a\", \"members\": [2], "
        "\"from_s\": 0.002, \"to_s\": 1}}";
    check_blobs(down_early, FL_SECOND);
    check_blobs(", \"faults\": {\"f\": {\"model\": \"crash\", \"group\": \"a\", \"members\": [2], "
                "\"from_s\": 0.052, "
                "\"to_s\": 1}}",
                FL_SECOND);
    epoch_shift = 1023; /* at 45 ms the others keep from 6 + 1023, which is 1024 more than 5 */
    check_blobs(down_early, FL_SECOND);
    epoch_shift = 1024;
    check_blobs(down_early, 45 * MS);
    epoch_shift = 0;
    check_blobs(", \"faults\": {\"f\": {\"model\": \"twist\", \"group\": \"a\", \"members\": [2], "
                "\"from_s\": 0.002, "
                "\"to_s\": 1}}",
                45 * MS);
}

/* ------------------------------------------------------------------------------------------------
 * Ties, placement
 * --------------------------------------------------------------------------------------------- */

static void play_ties(struct actor *a)
{
    if (a->in->kind == FL_START) {
        for (uint16_t kind = 1; kind <= 3; kind++)
            fl_send(a->out, FL_TO_PEERS, FL_NOWHERE, FL_CONSENSUS, kind);
        fl_set_timer(a->out, 0, 10 * MS);
        fl_set_timer(a->out, 1, 10 * MS);
    } else if (a->in->kind == FL_MSG && a->in->msg.kind < 9) {
        struct fl_msg *m = send_one(a, a->in->msg.from.i, 9, a->in->msg.kind);
        m->word[1] = a->self->endpoint.i;
    }
}
static int by_content(const void *left, const void *right)
{
    const struct seen *a = left, *b = right;
    if (a->now != b->now) return a->now < b->now ? -1 : 1;
    if (a->endpoint != b->endpoint) return a->endpoint < b->endpoint ? -1 : 1;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    if (a->timer != b->timer) return a->timer < b->timer ? -1 : 1;
    if (a->msg.kind != b->msg.kind) return a->msg.kind < b->msg.kind ? -1 : 1;
    if (a->msg.from.i != b->msg.from.i) return a->msg.from.i < b->msg.from.i ? -1 : 1;
    return memcmp(a->msg.word, b->msg.word, sizeof a->msg.word);
}

Test(engine, random_ties_change_the_order_and_nothing_else)
{
    play = play_ties;
    fprintf(stderr, "seeds 1..20\n");
#define TIED                                                                                 \
    "\"duration_s\": 1, \"network\": {\"delay_ms\": 10}, \"nodes\": {\"a\": {\"count\": 5, " \
    "\"consensus\": \"probe\"}}"
    struct fl_test_run r = run_seed(TIED, 1);
    struct kept plain = keep(), random;
    fl_test_run_free(&r);
    struct seen *sorted = malloc(plain.count * sizeof *sorted);
    cr_assert(sorted != NULL);
    memcpy(sorted, plain.seen, plain.count * sizeof *sorted);
    qsort(sorted, plain.count, sizeof *sorted, by_content);
    uint32_t moved = 0, differ = 0;
    random = (struct kept){NULL, 0};
    for (uint64_t seed = 1; seed <= 20; seed++) {
        r = run_seed(TIED ", \"ties\": \"random\"", seed);
        const struct fl_digest digest = r.result->digest;
        fl_test_run_free(&r);
        cr_assert_eq(seen_count, plain.count);
        struct kept first = keep();
        bool same = true, like_last = random.count > 0;
        for (size_t i = 0; i < seen_count; i++) {
            same &= alike(&seen[i], &plain.seen[i]);
            like_last &= random.count > 0 && alike(&seen[i], &random.seen[i]);
        }
        moved += !same;
        differ += !like_last;
        r = run_seed(TIED ", \"ties\": \"random\"", seed);
        assert_same_log(&first, "random ties, the same seed");
        cr_assert(fl_digest_equal(digest, r.result->digest));
        fl_test_run_free(&r);
        qsort(seen, seen_count, sizeof *seen, by_content);
        for (size_t i = 0; i < seen_count; i++)
            cr_assert(alike(&seen[i], &sorted[i]),
                      "seed %" PRIu64 ": other events, not another order", seed);
        free(random.seen);
        random = first;
    }
    cr_assert(moved >= 15 && differ >= 15, "%u of 20 orders moved, %u differ", moved, differ);
    free(random.seen);
    free(plain.seen);
    free(sorted);
}

Test(engine, victims_are_drawn_from_the_seed)
{
    play = NULL;
    twist = twist_repeat;
    fprintf(stderr, "seeds 1..300\n");
    uint32_t struck[7] = {0};
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint32_t member[2][3];
        for (uint32_t again = 0; again < 2; again++) {
            struct fl_test_run r = run_seed("\"duration_s\": 0.01, \"nodes\": {\"z\": {\"agent\": "
                                            "\"probe\"}, \"a\": {\"count\": 7, \"consensus\": "
                                            "\"probe\"}}, \"faults\": {\"t\": {\"model\": "
                                            "\"twist\", \"group\": \"a\", \"count\": 3}}",
                                            seed);
            cr_assert_eq(r.result->fault_count, 1);
            memcpy(member[again], r.result->fault[0].member, sizeof member[0]);
            fl_test_run_free(&r);
        }
        cr_assert_eq(memcmp(member[0], member[1], sizeof member[0]), 0);
        for (uint32_t i = 0; i < 3; i++) {
            cr_assert(member[0][i] >= 1 && member[0][i] <= 7 &&
                      (i == 0 || member[0][i - 1] < member[0][i]));
            struck[member[0][i] - 1]++;
        }
    }
    for (uint32_t i = 0; i < 7; i++) /* 128.6 expected, standard deviation 8.6: within 5 of them */
        cr_assert(struck[i] > 85 && struck[i] < 172, "member %u struck %u times of 300", i,
                  struck[i]);
}

/* ------------------------------------------------------------------------------------------------
 * Garbage
 * --------------------------------------------------------------------------------------------- */

/* Honest nodes that look at all they are sent, and pass it on. */
static uint64_t bytes_seen;
static void play_reader(struct actor *a)
{
    const struct fl_event *in = a->in;
    if (in->kind == FL_START || in->kind == FL_TIMER) {
        fl_set_timer(a->out, 0, 10 * MS);
        send_one(a, (a->self->endpoint.i + 1) % 6, 1, ++a->mem->word[0]);
    }
    if (in->kind != FL_MSG) return;
    uint32_t bytes = 0;
    const unsigned char *data = fl_blob_data(a->view, in->msg.blob, &bytes);
    cr_assert_eq(data != NULL, in->data != NULL);
    for (uint32_t i = 0; in->data && i < in->data_bytes; i++)
        bytes_seen += ((const unsigned char *)in->data)[i] == data[i];
    static const unsigned char zero[sizeof in->msg.zero];
    cr_assert_eq(memcmp(in->msg.zero, zero, sizeof zero), 0, "padding is always 0");
    cr_assert(in->msg.from.i < 6 && in->msg.by.i == in->msg.from.i);
    int64_t height;
    const struct fl_query query = {.kind = 1};
    fl_read(a->view, &query, &height, sizeof height);
    if (in->msg.kind % 16 == 0) {
        struct fl_msg *m = send_one(a, (uint32_t)(in->msg.word[0] % 6), 1, ++a->mem->word[0]);
        m->blob = in->msg.blob;
        m->version = in->msg.version;
    }
}
static uint64_t noise, invented; /* mask over blob ids that were never given */
static uint64_t any(void)
{
    const uint64_t u = fl_draw(71, FL_RNG_TIE, 8, noise++, 0);
    return u >> (u % 3 * 20);
}
static void twist_garbage(struct intruder *x)
{
    repeat_all(x);
    for (uint32_t i = 0; i < 5; i++) {
        struct fl_msg *m = fl_send(x->out, (enum fl_reach)(1 + any() % 4),
                                   (fl_endpoint){(uint32_t)(any() % 8)}, FL_CONSENSUS,
                                   (uint16_t)any());
        struct fl_effect *e = &x->out->at[x->out->count - 1];
        const uint64_t what = any();
        for (uint32_t k = 0; k < 3; k++) m->word[k] = any();
        m->value[0] = (int64_t)any();
        m->value[1] = (int64_t)any();
        m->tag = any();
        m->copy = (uint16_t)any();
        if (what & 1) m->family = (uint8_t)any();
        if (what & 2) m->blob.i = any() & invented;
        if (what & 4) m->version.i = (uint32_t)any();
        if (what & 8) m->blob.i = x->in->msg.blob.i + any() % 3;
        if (what & 16) e->to.i = (uint32_t)any();
        if (what & 32) e->as.i = (uint32_t)any();
        if ((what & 192) == 192) {
            const uint64_t content[4] = {any()};
            m->blob =
                fl_blob_put(x->out, content, (uint32_t)(any() % 33), any() % 2 ? 0 : any(), NULL);
        }
        m->from.i = (uint32_t)any();
        m->by.i = (uint32_t)any();
        memset(m->zero, (int)(any() & 255), sizeof m->zero);
        e->delay = (fl_time)(any() % 100) * MS;
    }
    if (any() % 4 == 0) {
        fl_emit(x->out, FL_KEEP_FROM)->epoch = any();
        fl_emit(x->out, FL_HEAD)->msg.version.i = (uint32_t)any();
        fl_emit(x->out, FL_FINALISE)->msg.version.i = (uint32_t)any();
    }
    if (any() % 4 == 0) {
        struct fl_effect *e = fl_emit(x->out, FL_EXECUTE);
        e->msg.version.i = (uint32_t)(any() % 3);
        e->msg.blob.i = any() & invented;
        e->offset = (uint32_t)any();
    }
    if (any() % 4 == 0) { /* a batch that promises more than it holds */
        struct fl_batch batch = {.height = any() % 4, .tx_count = (uint32_t)any()};
        struct fl_effect *e = fl_emit(x->out, FL_EXECUTE);
        e->msg.version.i = 1;
        e->msg.blob = fl_blob_put(x->out, &batch, sizeof batch, 0, NULL);
        e->offset = (uint32_t)(any() % 3 * 8);
    }
}

/* "Say anything to anyone, but not as someone else": no message breaks the engine. */
static void check_garbage(void)
{
    play = play_reader;
    twist = twist_garbage;
    fprintf(stderr, "seed 71\n");
    struct fl_test_run r = run("\"duration_s\": 1, \"network\": {\"delay_ms\": 10}, \"contracts\": "
                               "{\"clock\": \"clock\"}, \"nodes\": {"
                               "\"a\": {\"count\": 4, \"consensus\": \"probe\", \"chain\": "
                               "\"probe\"}, \"c\": {\"count\": 2, "
                               "\"clients_of\": \"a\", \"agent\": \"probe\", \"consensus\": "
                               "\"probe\"}}, \"faults\": {\"g\": {\"model\": "
                               "\"twist\", \"group\": \"a\", \"members\": [1, 3]}}");
    cr_assert_gt(r.result->fault[0].injected, 1000);
    fprintf(stderr, "%" PRIu64 " effects injected, %" PRIu64 " bytes looked at\n",
            r.result->fault[0].injected, bytes_seen);
    fl_test_run_free(&r);
}
Test(engine, no_message_of_an_adversary_breaks_the_engine)
{
    invented = UINT64_MAX >> 1;
    check_garbage();
}
Test(engine, no_blob_id_an_adversary_invents_breaks_the_engine)
{
    invented = UINT64_MAX;
    check_garbage();
}

/* ------------------------------------------------------------------------------------------------
 * Found by reading
 * --------------------------------------------------------------------------------------------- */

/* An adversary of the window [0, ...) is there at every event of a member, the first one too:
 * otherwise no sender of a broadcast that begins with FL_START can ever equivocate. */
static uint32_t starts_twisted;
static void twist_start(struct intruder *x)
{
    starts_twisted += x->in->kind == FL_START;
    repeat_all(x);
}
Test(engine, a_fault_from_time_zero_covers_the_start)
{
    play = NULL;
    twist = twist_start;
    struct fl_test_run r = run("\"duration_s\": 1, " MEMBERS
                               ", \"faults\": {\"t\": {\"model\": \"twist\", \"group\": \"m\", "
                               "\"members\": [0, 2], \"from_s\": 0}}");
    cr_assert_eq(starts_twisted, 2, "%u of 2 starts were seen", starts_twisted);
    fl_test_run_free(&r);
}

/* A rewriter with nothing to change changes nothing, also after another's lies. */
Test(engine, a_second_adversary_that_repeats_all_changes_nothing)
{
    play = play_members;
    twist = twist_members;
    struct fl_test_run r = run("\"duration_s\": 0.51, " MEMBERS
                               ", \"faults\": {\"t\": {\"model\": \"twist\", "
                               "\"group\": \"m\", \"members\": [0, 2], \"act\": 1, \"to_s\": 5}}");
    struct kept log = keep();
    const uint64_t suppressed = r.result->fault[0].suppressed,
                   injected = r.result->fault[0].injected;
    fl_test_run_free(&r);
    r = run("\"duration_s\": 0.51, " MEMBERS
            ", \"faults\": {\"t\": {\"model\": \"twist\", \"group\": \"m\", "
            "\"members\": [0, 2], \"act\": 1, \"to_s\": 5}, \"u\": {\"model\": \"twist\", "
            "\"group\": \"m\", "
            "\"members\": [0, 3], \"to_s\": 5}}");
    assert_same_log(&log, "a second adversary that repeats all");
    cr_assert(r.result->fault[0].suppressed == suppressed &&
              r.result->fault[0].injected == injected);
    cr_assert(r.result->fault[1].suppressed == 0 && r.result->fault[1].injected == 0);
    fl_test_run_free(&r);
    free(log.seen);
}

/* "Later deliveries wait": who came first is heard first, also when another comes at the very instant
 * at which the node is free again. */
static void play_queue(struct actor *a)
{
    if (a->self->endpoint.i == 0 && a->in->kind == FL_START) {
        for (uint16_t kind = 1; kind <= 3; kind++) {
            static const fl_time held[] = {0, 100000, 500000};
            send_one(a, 1, kind, 0);
            a->out->at[a->out->count - 1].delay = held[kind - 1];
        }
    } else if (a->in->kind == FL_MSG && a->in->msg.kind == 1) {
        for (int i = 0; i < 5; i++) fl_sign(a->self, (struct fl_digest){1, 2}, a->out);
    }
}
Test(engine, a_busy_node_hears_first_who_came_first)
{
    play = play_queue;
    struct fl_test_run r =
        run("\"duration_s\": 1, \"network\": {\"delay_ms\": 10, \"sign_us\": 100}, "
            "\"nodes\": {\"a\": {\"count\": 2, \"consensus\": \"probe\"}}");
    const struct seen *two = nth(0, 1, 0, FL_MSG, 2), *three = nth(0, 1, 0, FL_MSG, 3);
    cr_assert(two->now == 10500000 && three->now == 10500000);
    cr_assert(two < three, "arrived at 10.1 ms, heard after what arrived at 10.5 ms");
    fl_test_run_free(&r);
}

/* Saturation exists, and costs what it must: a backlog of 20,000 is not walked through again for each
 * of its messages. */
static void play_flood(struct actor *a)
{
    if (a->self->endpoint.i == 0 && a->in->kind == FL_START)
        for (uint64_t i = 0; i < 4000; i++) send_one(a, 1, 1, i);
    if (a->self->endpoint.i == 0 && a->in->kind == FL_START) fl_set_timer(a->out, 0, 1);
    if (a->in->kind == FL_TIMER && a->in->now < 5)
        for (uint64_t i = 0; i < 4000; i++) send_one(a, 1, 1, (uint64_t)a->in->now * 4000 + i);
    if (a->in->kind == FL_TIMER && a->in->now < 5) fl_set_timer(a->out, 0, 1);
    if (a->in->kind == FL_MSG) fl_sign(a->self, (struct fl_digest){1, 2}, a->out);
}
Test(engine, a_long_backlog_is_heard_in_order)
{
    play = play_flood;
    struct fl_test_run r =
        run("\"duration_s\": 3, \"network\": {\"delay_ms\": 10, \"sign_us\": 100}, "
            "\"nodes\": {\"a\": {\"count\": 2, \"consensus\": \"probe\"}}");
    uint64_t expected = 0;
    for (size_t i = 0; i < seen_count; i++)
        if (seen[i].kind == FL_MSG) {
            cr_assert_eq(seen[i].msg.word[0], expected, "heard %" PRIu64 ", expected %" PRIu64,
                         seen[i].msg.word[0], expected);
            cr_assert_eq(seen[i].now, 10 * MS + (fl_time)expected * 100000);
            expected++;
        }
    cr_assert_eq(expected, 20000);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * What an adversary is let see
 * --------------------------------------------------------------------------------------------- */

static void play_clockwork(struct actor *x)
{
    if (x->in->kind == FL_TIMER) x->mem->word[0]++;
    if (x->in->kind == FL_START || x->in->kind == FL_TIMER)
        fl_set_timer(x->out, 0, x->family == FL_AGENT ? 3300000 : 5700000);
}

static struct {
    fl_time at;
    uint32_t count;
    int64_t sight[2];
} told[1000];
static uint32_t told_count;

static void twist_witness(struct intruder *x)
{
    repeat_all(x);
    cr_assert_lt(told_count, 1000);
    told[told_count].at = x->in->now;
    told[told_count].count = x->coalition->sight_count;
    for (uint32_t i = 0; i < 2; i++) told[told_count].sight[i] = x->coalition->sight[i];
    told_count++;
}

/* At every event of its member the adversary holds what the series show at its last look, a latency of
 * 130 ms and the time since that look ago; nothing before. */
Test(engine, an_adversary_sees_what_it_is_let_see_and_late)
{
    play = play_clockwork;
    twist = twist_witness;
    told_count = 0;
    struct fl_test_run r = run(
        "\"duration_s\": 1, \"trace\": {\"sample_s\": 0.05}, \"nodes\": {\"m\": {\"consensus\": "
        "\"probe\"}, \"w\": {\"count\": 3, \"agent\": \"probe\"}}, \"faults\": {\"t\": "
        "{\"model\": \"twist\", \"group\": \"m\", \"count\": 1, \"from_s\": 0.05, \"look_ms\": "
        "100, \"latency_ms\": 130, \"sees\": [\"probe.sum\", \"probe.max\"]}}");
    const uint32_t sum = fl_config_observable(r.config, "probe.sum");
    const uint32_t max = fl_config_observable(r.config, "probe.max");
    uint32_t nothing = 0, something = 0;
    for (uint32_t i = 0; i < told_count; i++) {
        cr_assert_eq(told[i].count, 2);
        const fl_time learnt = told[i].at - 130 * MS;
        if (learnt < 50 * MS) {
            cr_expect(told[i].sight[0] == 0 && told[i].sight[1] == 0);
            nothing++;
            continue;
        }
        const fl_time look = 50 * MS + (learnt - 50 * MS) / (100 * MS) * (100 * MS);
        const int64_t shown = r.result->sample[sum][look / (50 * MS)];
        cr_expect_eq(told[i].sight[0], shown, "at %" PRId64, told[i].at);
        cr_expect_eq(told[i].sight[1], r.result->sample[max][look / (50 * MS)]);
        cr_expect_eq(shown, 3 * (look / 3300000));
        something++;
    }
    cr_expect_gt(nothing, 10);
    cr_expect_gt(something, 100);
    fl_test_run_free(&r);
}
