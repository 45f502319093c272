/* Each kind of node fault does exactly what it says, computed otherwise: by queueing theory, by the
 * arithmetic of delays, by what the receiver of a message sees. A probe stands for a node whose words the
 * test knows. What becomes of protocols and oracles is in test_fault_effects.c. */
#include "tests/lib/fault_runs.h"

#include <math.h>

#define SEED UINT64_C(2385)

/* ------------------------------------------------------------------------------------------------
 * The probe, beside the real models
 * --------------------------------------------------------------------------------------------- */

struct heard {
    fl_time at;
    uint32_t endpoint;
    enum fl_event_kind kind;
    struct fl_msg msg;
    uint32_t bytes;
    unsigned char data[16];
    bool claims; /* the tag is the sender's, over what the message says now */
};
enum { HEARD_MAX = 310000 };
static struct heard heard[HEARD_MAX];
static uint32_t heard_count;

struct memory {
    uint64_t n, steps;
};
struct actor {
    const struct fl_self *self;
    struct memory *mem;
    const struct fl_event *in;
    const struct fl_view *view;
    struct fl_outbox *out;
    uint32_t me;
};
static void (*play)(struct actor *);
static int variant;

static struct fl_claim claim_of(const struct fl_msg *m)
{
    return (struct fl_claim){.kind = m->kind,
                             .word = {m->word[0], m->word[1]},
                             .digest = {(uint64_t)m->value[0], (uint64_t)m->value[1]}};
}

static size_t probe_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return sizeof(struct memory);
}
static void probe_init(const struct fl_self *self, void *state)
{
    (void)self;
    ((struct memory *)state)->n = 1000;
}
static void probe_step(const struct fl_self *self, void *state, const struct fl_event *in,
                       const struct fl_view *view, struct fl_outbox *out)
{
    cr_assert(heard_count < HEARD_MAX);
    struct heard *const h = &heard[heard_count++];
    memset(h, 0, sizeof *h);
    h->at = in->now;
    h->endpoint = self->endpoint.i;
    h->kind = in->kind;
    if (in->kind == FL_MSG) {
        const struct fl_claim claim = claim_of(&in->msg);
        h->msg = in->msg;
        h->bytes = in->data ? in->data_bytes : 0;
        if (in->data) memcpy(h->data, in->data, h->bytes < 16 ? h->bytes : 16);
        h->claims = fl_verify(self, in->msg.by, fl_claim_digest(&claim), in->msg.tag, out);
    }
    ((struct memory *)state)->steps++;
    struct actor a = {self, state, in, view, out, self->endpoint.i};
    play(&a);
}
static void probe_observe(const struct fl_self *self, const void *state, int64_t *out)
{
    (void)self;
    out[0] = (int64_t)((const struct memory *)state)->steps;
}
static const struct fl_observable probe_observables[] = {{"probe.steps", "", FL_COUNT, FL_MIN},
                                                         {.name = NULL}};
static const struct fl_node_model probe_node = {.timer_count = 4,
                                                .state_bytes = probe_bytes,
                                                .init = probe_init,
                                                .step = probe_step,
                                                .observe = probe_observe};
static const struct fl_model fl_model_probe = {.name = "probe",
                                               .family = FL_AGENT,
                                               .doc = "what a test makes of it",
                                               .observables = probe_observables,
                                               .node = &probe_node};

#define FL_MODEL(name) extern const struct fl_model fl_model_##name;
#include "models/registry.def"
#undef FL_MODEL
#define FL_MODEL(name) &fl_model_##name,
const struct fl_model *const fl_models[] = {
#include "models/registry.def"
    &fl_model_probe, NULL};
#undef FL_MODEL

/* ------------------------------------------------------------------------------------------------
 * Streams
 * --------------------------------------------------------------------------------------------- */

/* Binomial: within five standard deviations of what is expected. */
static void expect_share(const char *what, uint32_t hits, uint32_t trials, double p)
{
    const double sd = sqrt(trials * p * (1 - p));
    fprintf(stderr, "%s: %u of %u, expected %.1f +- %.1f\n", what, hits, trials, trials * p, sd);
    cr_assert(fabs(hits - trials * p) < 5 * sd, "%s", what);
}

enum { WORDS = 10000, WINDOW = 6000 };

/* A word each millisecond from node 0 to node 1, signed and with content; variant 1: every third. */
static void play_stream(struct actor *a)
{
    if (a->me != 0) return;
    if (a->in->kind == FL_START || a->in->kind == FL_TIMER) fl_set_timer(a->out, 0, MS);
    if (a->in->kind != FL_TIMER) return;
    const uint64_t word = a->mem->n++ - 1000;
    if (word >= WORDS || (variant == 1 && word % 3 != 0)) return;
    struct fl_msg *const m = fl_send(a->out, FL_TO_ONE, (fl_endpoint){1}, FL_AGENT, 7);
    m->word[0] = word;
    m->word[1] = 2385;
    m->word[2] = 71;
    m->value[0] = (int64_t)(2 * word);
    m->value[1] = a->in->now;
    const struct fl_claim claim = claim_of(m);
    m->tag = fl_sign(a->self, fl_claim_digest(&claim), a->out);
    m->blob = fl_blob_put(a->out, &word, sizeof word, 0, NULL);
}

#define NODES                                                                       \
    "\"network\": {\"delay_ms\": 5}, \"nodes\": {\"v\": {\"count\": 2, \"agent\": " \
    "\"probe\"}}"

/* Ten seconds of the stream, the fault on `struck` from 1 s to 7 s. */
static uint32_t struck;

static bool in_window(fl_time at)
{
    return at >= FL_SECOND && at < 7 * FL_SECOND;
}

static struct fl_test_run run_stream(int which, const char *fault)
{
    play = play_stream;
    variant = which;
    heard_count = 0;
    return fault_run(SEED,
                     "\"duration_s\": 10.1, " NODES ", \"faults\": {\"x\": {%s, \"group\": \"v\", "
                     "\"members\": [%u], \"from_s\": 1, \"to_s\": 7}}",
                     fault, struck);
}

/* ------------------------------------------------------------------------------------------------
 * slow
 * --------------------------------------------------------------------------------------------- */

enum { CUSTOMERS = 100000 };
static fl_time arrives[CUSTOMERS], back[CUSTOMERS];

/* Customers come to node 1 one delay after they leave node 0, with exponential gaps of 10 ms on the
 * average, and are sent back when they are served. */
static void play_queue(struct actor *a)
{
    const struct fl_law gap = {
        .kind = FL_EXPONENTIAL, .a = 10 * MS, .min = 0, .max = 10 * FL_SECOND};
    const uint64_t k = a->mem->n - 1000;
    if (a->me == 0 && a->in->kind == FL_MSG) back[a->in->msg.word[0]] = a->in->now;
    if (a->me == 0 && a->in->kind == FL_TIMER) {
        fl_send(a->out, FL_TO_ONE, (fl_endpoint){1}, FL_AGENT, 1)->word[0] = k;
        arrives[k] = a->in->now + 5 * MS;
        a->mem->n++;
    }
    if (a->me == 0 && a->in->kind != FL_MSG && a->mem->n - 1000 < CUSTOMERS)
        fl_set_timer(a->out, 0,
                     fl_law_at(&gap, fl_draw(a->self->seed, FL_RNG_AGENT, a->self->key, k, 0)));
    if (a->me == 1 && a->in->kind == FL_MSG)
        fl_send(a->out, FL_TO_ONE, (fl_endpoint){0}, FL_AGENT, 2)->word[0] = a->in->msg.word[0];
}

static struct fl_test_run run_queue(const char *extra, const char *window)
{
    play = play_queue;
    memset(back, 0, sizeof back);
    heard_count = 0;
    return fault_run(
        SEED,
        "\"duration_s\": 2000, " NODES
        ", \"faults\": {\"slow\": {\"model\": \"slow\", \"group\": \"v\", \"members\": [1], "
        "\"extra_ms\": %s, %s}}, \"trace\": {\"detail\": \"summary\"}",
        extra, window);
}

/* Lindley 1952: who comes while another is served waits for the end of that. */
Test(slow, each_answer_leaves_when_the_queue_lets_it)
{
    struct fl_test_run r = run_queue("5", "\"from_s\": 0");
    fl_time until = 0;
    for (uint32_t k = 0; k < CUSTOMERS; k++) {
        until = (until > arrives[k] ? until : arrives[k]) + 5 * MS;
        cr_assert_eq(back[k], until + 5 * MS, "customer %u", k);
    }
    cr_assert_eq(r.result->fault[0].injected, CUSTOMERS);
    cr_assert_eq(r.result->fault[0].suppressed, 0);
    fl_test_run_free(&r);
}

/* M/D/1: with load 1/2 the mean wait is half a service (Pollaczek and Khinchine). Means of a hundred
 * batches are all but independent: their spread says how far off the mean of all may be. */
Test(slow, waiting_is_that_of_m_d_1)
{
    struct fl_test_run r = run_queue("5", "\"from_s\": 0");
    enum { BATCHES = 100, EACH = CUSTOMERS / BATCHES };
    double mean = 0, square = 0;
    for (uint32_t b = 0; b < BATCHES; b++) {
        double sum = 0;
        for (uint32_t k = b * EACH; k < (b + 1) * EACH; k++)
            sum += (double)(back[k] - 5 * MS - 5 * MS - arrives[k]) / MS;
        mean += sum / EACH / BATCHES;
        square += sum / EACH * sum / EACH / BATCHES;
    }
    const double error = sqrt((square - mean * mean) / (BATCHES - 1));
    fprintf(stderr, "mean wait %.4f +- %.4f ms, theory 2.5\n", mean, error);
    cr_assert(fabs(mean - 2.5) < 5 * error && error < 0.1);
    fl_test_run_free(&r);
}

Test(slow, only_inside_its_window_and_by_a_law)
{
    struct fl_test_run r = run_queue("{\"law\": \"uniform\", \"min\": 1, \"max\": 2}",
                                     "\"from_s\": 100, \"to_s\": 200");
    fl_time until = 0;
    uint32_t inside = 0;
    for (uint32_t k = 0; k < CUSTOMERS; k++) {
        const fl_time begins = until > arrives[k] ? until : arrives[k];
        const fl_time took = back[k] - 5 * MS - begins;
        const bool slow = begins >= 100 * FL_SECOND && begins < 200 * FL_SECOND;
        cr_assert(slow ? took >= MS && took <= 2 * MS : took == 0, "customer %u", k);
        until = begins + took;
        inside += slow;
    }
    cr_assert_gt(inside, 9000);
    cr_assert_eq(r.result->fault[0].injected, inside);
    cr_assert_eq(fault_bites_in_window(&r), inside);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * delay
 * --------------------------------------------------------------------------------------------- */

/* Without filters all that a node sends: five milliseconds of the network and those of the law. */
Test(delay, every_message_has_a_delay_of_its_own)
{
    static fl_time late[10000];
    const char *fault = "\"model\": \"delay\", \"by_ms\": {\"law\": \"uniform\", \"min\": 20, "
                        "\"max\": 40}";
    struct fl_test_run r = run_stream(0, fault);
    uint32_t below = 0, inside = 0;
    for (uint32_t i = 0; i < heard_count; i++) {
        if (heard[i].kind != FL_MSG) continue;
        const fl_time sent = heard[i].msg.value[1], took = heard[i].at - sent - 5 * MS;
        late[heard[i].msg.word[0]] = took;
        cr_assert(in_window(sent) ? took >= 20 * MS && took <= 40 * MS : took == 0);
        inside += in_window(sent);
        below += in_window(sent) && took < 30 * MS;
    }
    expect_share("delays below the median", below, inside, 0.5);
    cr_assert_eq(fault_bites_in_window(&r), inside);
    cr_assert_eq(r.result->fault[0].injected, inside);
    fl_test_run_free(&r);

    r = run_stream(1, fault); /* the delay is the message's, whatever else is sent */
    for (uint32_t i = 0; i < heard_count; i++)
        if (heard[i].kind == FL_MSG)
            cr_assert_eq(heard[i].at - heard[i].msg.value[1] - 5 * MS, late[heard[i].msg.word[0]]);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * omit
 * --------------------------------------------------------------------------------------------- */

static bool arrived[WORDS], arrived_before[WORDS];

static uint32_t look_who_arrived(void)
{
    uint32_t lost = 0;
    memset(arrived, 0, sizeof arrived);
    for (uint32_t i = 0; i < heard_count; i++)
        if (heard[i].kind == FL_MSG) arrived[heard[i].msg.word[0]] = true;
    for (uint32_t k = 0; k < WORDS; k++) lost += !arrived[k];
    return lost;
}

/* Half of `send`, and half of `receive`, each at the end where it belongs. */
static void omission(const char *fault, const char *what)
{
    struct fl_test_run r = run_stream(0, fault);
    const uint32_t lost = look_who_arrived();
    uint32_t inside = 0;
    for (uint32_t k = 0; k < WORDS; k++) { /* word k leaves at (k + 1) ms */
        inside += in_window((k + 1) * MS);
        cr_assert(arrived[k] || in_window((k + 1) * MS) || in_window((k + 6) * MS));
    }
    expect_share(what, lost, inside, 0.3);
    cr_assert_eq(r.result->fault[0].suppressed, lost);
    cr_assert_eq(r.result->fault[0].injected, 0);
    cr_assert_eq(fault_bites_in_window(&r), lost);
    fl_test_run_free(&r);

    memcpy(arrived_before, arrived, sizeof arrived);
    r = run_stream(1, fault); /* a message's fate is its own, whatever else is sent */
    look_who_arrived();
    for (uint32_t k = 0; k < WORDS; k += 3) cr_assert_eq(arrived[k], arrived_before[k]);
    fl_test_run_free(&r);
}

Test(omit, loses_its_share_of_what_is_sent)
{
    omission("\"model\": \"omit\", \"send\": 0.3", "sends lost");
}

Test(omit, loses_its_share_of_what_arrives)
{
    struck = 1;
    omission("\"model\": \"omit\", \"send\": 0, \"receive\": 0.3", "receipts lost");
}

Test(omit, who_takes_nothing_up_is_deaf_and_no_more)
{
    struck = 1;
    struct fl_test_run r = run_stream(0, "\"model\": \"omit\", \"send\": 0, \"receive\": 1");
    look_who_arrived();
    for (uint32_t k = 0; k < WORDS; k++) cr_assert_eq(arrived[k], !in_window((k + 6) * MS));
    cr_assert_eq(r.result->messages, r.result->delivered + r.result->dropped);
    fl_test_run_free(&r);

    r = run_stream(0, "\"model\": \"omit\", \"send\": 1, \"consensus\": true");
    cr_assert_eq(look_who_arrived(), 0, "these are no messages of a consensus");
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * corrupt
 * --------------------------------------------------------------------------------------------- */

static const struct heard *heard_of(uint64_t k)
{
    for (uint32_t i = 0; i < heard_count; i++) /* sent at (k + 1) ms, whatever it says now */
        if (heard[i].kind == FL_MSG && heard[i].at == (fl_time)(k + 6) * MS) return &heard[i];
    cr_assert_fail("word %" PRIu64 " is lost", k);
    return NULL;
}

struct difference {
    uint32_t fields, steps, content; /* fields changed; by one; bytes of the content changed */
};

static struct difference differs(const struct heard *h, uint64_t k)
{
    const uint64_t truth[5] = {k, 2385, 71, 2 * k, (k + 1) * MS};
    const uint64_t told[5] = {h->msg.word[0], h->msg.word[1], h->msg.word[2],
                              (uint64_t)h->msg.value[0], (uint64_t)h->msg.value[1]};
    struct difference d = {0};
    for (int i = 0; i < 5; i++) {
        d.fields += told[i] != truth[i];
        d.steps += told[i] == truth[i] + 1 || told[i] == truth[i] - 1;
    }
    unsigned char content[sizeof k];
    memcpy(content, &k, sizeof k);
    cr_assert_eq(h->bytes, sizeof k);
    for (size_t i = 0; i < sizeof k; i++) d.content += content[i] != h->data[i];
    return d;
}

/* Kind, layer and receiver stay, and whoever checks the signature finds it right. */
static struct difference sum_of_changes(bool any, uint32_t *changed)
{
    struct difference sum = {0};
    *changed = 0;
    for (uint64_t k = 0; k < WORDS; k++) {
        const struct heard *const h = heard_of(k);
        const struct difference d = differs(h, k);
        cr_assert(h->msg.kind == 7 && h->msg.family == FL_AGENT && h->claims);
        if (!any) cr_assert_leq(d.fields + d.content, 1, "one small change, no more");
        if (!in_window((fl_time)(k + 1) * MS)) cr_assert_eq(d.fields + d.content, 0);
        *changed += d.fields + d.content > 0;
        sum.fields += d.fields;
        sum.steps += d.steps;
        sum.content += d.content > 0;
    }
    return sum;
}

Test(corrupt, small_scope_is_one_small_change)
{
    uint32_t changed;
    struct fl_test_run r = run_stream(0, "\"model\": \"corrupt\", \"share\": 1");
    const struct difference sum = sum_of_changes(false, &changed);
    cr_assert_eq(r.result->fault[0].injected, changed);
    cr_assert_eq(changed, WINDOW);
    expect_share("contents", sum.content, changed, 1.0 / 6);
    /* By one up, by one down, or to what it was before: which is one less for word 0, never another
     * for words 1 and 2 (then one up), and another number for the values. */
    expect_share("steps", sum.steps, sum.fields, (3 + 2 * 2.0 / 3) / 5);
    cr_assert_eq(fault_bites_in_window(&r), changed);
    fl_test_run_free(&r);
}

Test(corrupt, any_scope_is_random)
{
    uint32_t changed;
    struct fl_test_run r = run_stream(0, "\"model\": \"corrupt\", \"share\": 1, \"any\": true");
    const struct difference sum = sum_of_changes(true, &changed);
    cr_assert_eq(changed, WINDOW);
    expect_share("contents", sum.content, changed, 0.5);
    /* Half of five fields; the last one also when nothing else changes (1 in 64). */
    expect_share("fields", sum.fields - changed / 64, 5 * changed, 0.5);
    cr_assert_lt(sum.steps, 3, "random numbers");
    fl_test_run_free(&r);
}

Test(corrupt, strikes_its_share)
{
    uint32_t changed;
    struct fl_test_run r = run_stream(0, "\"model\": \"corrupt\", \"share\": 0.25");
    sum_of_changes(false, &changed);
    expect_share("corrupted", changed, WINDOW, 0.25);
    cr_assert_eq(r.result->fault[0].injected, changed);
    fl_test_run_free(&r);
}

/* The same true or changed word for whom it is, drawn for each message and peer. */
static void play_broadcast(struct actor *a)
{
    if (a->me != 0 || a->in->kind == FL_MSG) return;
    fl_set_timer(a->out, 0, MS);
    if (a->in->kind != FL_TIMER) return;
    struct fl_msg *const m = fl_send(a->out, FL_TO_PEERS, FL_NOWHERE, FL_AGENT, 7);
    m->word[0] = a->mem->n++ - 1000;
    m->value[0] = (int64_t)m->word[0];
    m->value[1] = (int64_t)m->word[0];
}

Test(corrupt, tells_some_of_the_peers_the_truth)
{
    play = play_broadcast;
    heard_count = 0;
    struct fl_test_run r = fault_run(
        SEED, "\"duration_s\": 10, \"network\": {\"delay_ms\": 5}, \"nodes\": {\"v\": {\"count\": "
              "6, \"agent\": \"probe\"}}, \"faults\": {\"x\": {\"model\": \"corrupt\", \"group\": "
              "\"v\", \"members\": [0], \"share\": 1, \"any\": true, \"receivers\": 0.3}}");
    uint32_t changed[6] = {0}, in_all[6] = {0}, split = 0;
    uint64_t lie = 0;
    fl_time lie_at = 0;
    for (uint32_t i = 0; i < heard_count; i++) {
        const struct heard *const h = &heard[i];
        if (h->kind != FL_MSG) continue;
        const uint64_t truth = (uint64_t)(h->at / MS) - 6;
        const bool true_word = h->msg.word[0] == truth && h->msg.value[0] == (int64_t)truth &&
                               h->msg.value[1] == (int64_t)truth && h->msg.word[1] == 0 &&
                               h->msg.word[2] == 0;
        in_all[h->endpoint]++;
        if (true_word) continue;
        changed[h->endpoint]++;
        const uint64_t told = h->msg.word[0] ^ (uint64_t)h->msg.value[0] ^ h->msg.word[1] ^
                              (uint64_t)h->msg.value[1] ^ h->msg.word[2];
        if (h->at == lie_at) cr_assert_eq(told, lie, "one lie for all who are lied to");
        split += h->at == lie_at;
        lie = told;
        lie_at = h->at;
    }
    for (uint32_t peer = 1; peer < 6; peer++) {
        cr_assert_eq(in_all[peer], 9995);
        expect_share("changed", changed[peer], in_all[peer], 0.3);
    }
    cr_assert_gt(split, 1000);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * resend
 * --------------------------------------------------------------------------------------------- */

Test(resend, each_third_event_brings_an_old_message_unchanged)
{
    struct fl_test_run r = run_stream(0, "\"model\": \"resend\", \"every\": 3");
    static uint32_t times[WORDS];
    memset(times, 0, sizeof times);
    uint32_t again = 0;
    uint64_t newest = 0;
    for (uint32_t i = 0; i < heard_count; i++) {
        if (heard[i].kind != FL_MSG) continue;
        const uint64_t k = heard[i].msg.word[0];
        cr_assert_lt(k, WORDS);
        cr_assert(heard[i].claims && heard[i].bytes == sizeof k &&
                  memcmp(heard[i].data, &k, sizeof k) == 0);
        if (times[k]++ == 0) newest = k;
        if (times[k] == 1) continue;
        again++;
        cr_assert(newest - k <= 64 && in_window(heard[i].at - 5 * MS));
    }
    cr_assert_eq(again, WINDOW / 3); /* events of node 0 are its timers, one each millisecond */
    cr_assert_eq(r.result->fault[0].injected, again);
    cr_assert_eq(r.result->fault[0].suppressed, 0);
    cr_assert_eq(fault_bites_in_window(&r), again);
    fl_test_run_free(&r);
}

/* Node 1 hears a stream and says nothing of its own. */
static void play_to_one(struct actor *a)
{
    if (a->me != 0 || a->in->kind == FL_MSG) return;
    fl_set_timer(a->out, 0, MS);
    if (a->in->kind == FL_TIMER)
        fl_send(a->out, FL_TO_ONE, (fl_endpoint){1}, FL_AGENT, 7)->word[0] = a->mem->n++ - 1000;
}

Test(resend, what_was_heard_goes_to_half_of_the_peers_under_its_own_name)
{
    play = play_to_one;
    heard_count = 0;
    struct fl_test_run r = fault_run(
        SEED, "\"duration_s\": 10, \"network\": {\"delay_ms\": 5}, \"nodes\": {\"v\": {\"count\": "
              "6, \"agent\": \"probe\"}}, \"faults\": {\"x\": {\"model\": \"resend\", \"group\": "
              "\"v\", \"members\": [1], \"every\": 1}}");
    uint32_t from[6] = {0}, to[6] = {0};
    for (uint32_t i = 0; i < heard_count; i++) {
        if (heard[i].kind != FL_MSG) continue;
        from[heard[i].msg.from.i]++;
        to[heard[i].endpoint]++;
        cr_assert_eq(heard[i].msg.by.i, heard[i].msg.from.i);
    }
    cr_assert_eq(from[0], 9995); /* sent at 1 ms, 2 ms, ... 9.995 s */
    cr_assert_eq(to[1], from[0]);
    cr_assert_eq(from[0] + from[1], to[0] + to[1] + to[2] + to[3] + to[4] + to[5]);
    for (uint32_t peer = 0; peer < 6; peer++) /* with the first event there is nothing old yet */
        if (peer != 1) expect_share("resent", to[peer], 9994 - 5, 0.5);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * amnesia
 * --------------------------------------------------------------------------------------------- */

/* Each counts its timers, ten each second, and tells the other. */
static void play_count(struct actor *a)
{
    if (a->in->kind != FL_MSG) fl_set_timer(a->out, 0, 100 * MS);
    if (a->in->kind != FL_TIMER) return;
    fl_send(a->out, FL_TO_PEERS, FL_NOWHERE, FL_AGENT, 1)->word[0] = a->mem->n++;
}

static struct fl_test_run run_count(const char *model)
{
    play = play_count;
    heard_count = 0;
    return fault_run(SEED,
                     "\"duration_s\": 6.05, " NODES ", \"faults\": {\"x\": {\"model\": \"%s\", "
                     "\"group\": \"v\", \"members\": [1], \"from_s\": 2.05, \"to_s\": 4}}",
                     model);
}

Test(amnesia, begins_anew_where_a_crash_goes_on)
{
    static const struct {
        const char *model;
        uint32_t starts, recoveries;
        uint64_t last; /* what the node last says: 1000, 1001, ... since it began */
    } expected[] = {{"crash", 1, 1, 1000 + 20 + 20 - 1}, {"amnesia", 2, 0, 1000 + 20 - 1}};
    for (int i = 0; i < 2; i++) {
        struct fl_test_run r = run_count(expected[i].model);
        uint32_t starts = 0, recoveries = 0;
        uint64_t last = 0;
        for (uint32_t k = 0; k < heard_count; k++) {
            if (heard[k].endpoint == 0 && heard[k].kind == FL_MSG) last = heard[k].msg.word[0];
            starts += heard[k].endpoint == 1 && heard[k].kind == FL_START;
            recoveries += heard[k].endpoint == 1 && heard[k].kind == FL_RECOVER;
            cr_assert(heard[k].endpoint == 0 || heard[k].at < 2050 * MS ||
                      heard[k].at >= 4000 * MS);
        }
        cr_assert_eq(starts, expected[i].starts);
        cr_assert_eq(recoveries, expected[i].recoveries);
        cr_assert_eq(last, expected[i].last, "%s: %" PRIu64, expected[i].model, last);
        cr_assert_eq(r.result->dropped, 19); /* those that come at 2.105, 2.205, ... 3.905 s */
        cr_assert_eq(r.result->fault[0].suppressed, 19);
        cr_assert_eq(r.result->fault[0].injected, (uint64_t)i, "a memory lost");
        cr_assert_eq(fault_bites_in_window(&r), 19);
        fl_test_run_free(&r);
    }
}

/* The least of all nodes' steps is that of the one that forgot: since 4 s twenty timers, and what the
 * other sent; FL_START. */
Test(amnesia, nothing_is_left_of_the_state)
{
    struct fl_test_run r = run_count("amnesia");
    uint32_t since = 0;
    for (uint32_t k = 0; k < heard_count; k++)
        since += heard[k].endpoint == 1 && heard[k].at >= 4 * FL_SECOND;
    cr_assert_eq(fl_test_final(&r, "probe.steps"), since);
    cr_assert_lt(since, heard_count / 2);
    fl_test_run_free(&r);
}

/* A replica that forgot serves nothing until it has caught up: neither itself nor its clients can read
 * what it had served. It is down from 2 s to 4.1 s, asks as soon as it is back, and has every block 10 ms later. */
static enum fl_read_status status[2][100]; /* of a client of replica 1, of replica 1; by 100 ms */

static void play_read(struct actor *a)
{
    if (a->in->kind != FL_TIMER && a->in->kind != FL_START) return;
    fl_set_timer(a->out, 0, 100 * MS);
    const fl_time tenth = a->in->now / (100 * MS);
    if (a->self->replica.i != 1 || a->in->now % (100 * MS) != 0 || tenth >= 100) return;
    const struct fl_query query = {.contract = FL_LEDGER, .kind = FL_ASK_NONCE};
    int64_t nonce;
    status[a->me == 1][tenth] = fl_read(a->view, &query, &nonce, sizeof nonce);
}

static void read_around(const char *model, bool forgets)
{
    play = play_read;
    heard_count = 0;
    memset(status, 0, sizeof status);
    struct fl_test_run r = fault_run(
        SEED,
        "\"duration_s\": 8, \"network\": {\"delay_ms\": 5}, \"contracts\": {\"f\": {\"model\": "
        "\"feed\", "
        "\"aggregator\": \"median\", \"quorum\": 1, \"reporters\": [\"c\"]}}, \"nodes\": {\"v\": "
        "{\"count\": 4, \"consensus\": {\"model\": \"ordered\", \"block_ms\": 500}, \"chain\": "
        "\"replica\", \"agent\": \"probe\"}, \"c\": {\"count\": 12, \"clients_of\": \"v\", "
        "\"agent\": "
        "\"probe\"}}, \"faults\": {\"x\": {\"model\": \"%s\", \"group\": \"v\", \"members\": [1], "
        "\"from_s\": 2, \"to_s\": 4.1}}",
        model);
    for (int who = 0; who < 2; who++)
        for (int tenth = 10; tenth < 80; tenth++) {
            const bool down = tenth >= 20 && tenth < 41, behind = tenth == 41;
            const enum fl_read_status expected = down || (behind && forgets) ? FL_READ_UNAVAILABLE
                                                                             : FL_READ_OK;
            if (status[who][tenth] != 0 || who == 0) /* who is down asks nothing */
                cr_assert_eq(status[who][tenth], expected, "%s: %d at %d00 ms", model, who, tenth);
        }
    fl_test_run_free(&r);
}

Test(amnesia, what_it_served_is_gone_until_it_has_caught_up)
{
    read_around("amnesia", true);
    cr_assert_eq(status[1][41], FL_READ_UNAVAILABLE, "the replica itself was asked");
    cr_assert_eq(status[1][79], FL_READ_OK);
    read_around("crash", false);
}

/* ------------------------------------------------------------------------------------------------
 * Omission and gossip
 * --------------------------------------------------------------------------------------------- */

/* Everybody has one thing to say. */
static void play_rumours(struct actor *a)
{
    if (a->in->kind == FL_START) fl_set_timer(a->out, 0, (fl_time)(1 + a->me) * 100 * MS);
    if (a->in->kind == FL_TIMER)
        fl_send(a->out, FL_TO_PEERS, FL_NOWHERE, FL_AGENT, 1)->word[0] = a->me;
}

/* Who neither says nor passes on anything is mute: what others hear, and when, is the same. */
Test(omit, of_everything_is_what_mute_is_in_gossip_too)
{
    struct fl_digest digest[3];
    static const char *const models[] = {"\"mute\"", "\"omit\", \"send\": 1",
                                         "\"omit\", \"send\": 0"};
    uint32_t words[3];
    for (int i = 0; i < 3; i++) {
        play = play_rumours;
        heard_count = 0;
        struct fl_test_run r = fault_run(
            SEED,
            "\"duration_s\": 10, \"network\": {\"delay_ms\": {\"law\": \"uniform\", \"min\": 5, "
            "\"max\": 15}}, \"nodes\": {\"v\": {\"count\": 32, \"overlay\": {\"model\": "
            "\"gossip\", \"degree\": 3}, "
            "\"agent\": \"probe\"}}, \"faults\": {\"x\": {\"model\": %s, \"group\": \"v\", "
            "\"count\": "
            "10}}",
            models[i]);
        words[i] = 0;
        for (uint32_t k = 0; k < heard_count; k++) words[i] += heard[k].kind == FL_MSG;
        digest[i] = r.result->digest;
        cr_assert_eq(r.result->fault[0].suppressed > 0, i < 2);
        fl_test_run_free(&r);
    }
    cr_assert(fl_digest_equal(digest[0], digest[1]));
    cr_assert_eq(words[0], words[1]);
    cr_assert_eq(words[2], 32 * 31);
    cr_assert_lt(words[0], 22 * 31);
}

/* ------------------------------------------------------------------------------------------------
 * Forks
 * --------------------------------------------------------------------------------------------- */

/* Twelve clients of a PBFT that is in two. At 1 s each hands in one transaction; at the end each has
 * looked, through its own replica, for those of all. */
enum { FORK_CLIENTS = 12, FORK_FIRST = 4 };
static uint32_t fork_replica[FORK_CLIENTS];
static int64_t fork_seen[FORK_CLIENTS]
                        [FORK_CLIENTS]; /* highest nonce used: by whom, as who sees it */

static void play_fork(struct actor *a)
{
    const uint32_t me = a->me - FORK_FIRST;
    if (a->in->kind != FL_START && a->in->kind != FL_TIMER) return;
    fl_set_timer(a->out, 0, FL_SECOND);
    fork_replica[me] = a->self->replica.i;
    if (a->in->now == FL_SECOND) {
        struct fl_tx tx = {.account = a->self->account_first,
                           .kind = FL_TX_REPORT,
                           .nonce = 1,
                           .arg = {100 * FL_PPM_ONE, a->in->now, 1}};
        tx.tag = fl_sign(a->self, fl_tx_digest(&tx), a->out);
        struct fl_msg *const m = fl_send(a->out, FL_TO_ONE, a->self->replica, FL_CHAIN, FL_SUBMIT);
        m->word[0] = tx.account;
        m->word[1] = tx.nonce;
        m->blob = fl_blob_put(a->out, &tx, sizeof tx, 0, NULL);
    }
    for (uint32_t i = 0; a->in->now == 4 * FL_SECOND && i < FORK_CLIENTS; i++) {
        const struct fl_query query = {.contract = FL_LEDGER, .kind = FL_ASK_NONCE, .arg = {i}};
        cr_assert_eq(fl_read(a->view, &query, &fork_seen[i][me], sizeof(int64_t)), FL_READ_OK,
                     "client %u of replica %u", me, a->self->replica.i);
    }
}

/* On side 0 are members 0, 2 and 3, on side 1 member 1 and the other copies of 2 and 3. A client of 0 is
 * heard on side 0 alone, one of 1 on side 1 alone, and one of a member that is double on both. Whoever
 * reads, reads the branch of the replica that serves it, and nothing of the other. */
Test(twins, who_reads_one_branch_of_a_fork_sees_nothing_of_the_other)
{
    play = play_fork;
    heard_count = 0;
    memset(fork_seen, 0, sizeof fork_seen);
    struct fl_test_run r = fault_run(
        SEED,
        "\"duration_s\": 4.5, \"network\": {\"delay_ms\": 5}, \"contracts\": {\"f\": {\"model\": "
        "\"feed\", \"aggregator\": \"median\", \"quorum\": 1, \"reporters\": [\"c\"]}}, \"nodes\": "
        "{\"v\": {\"count\": 4, \"faulty_max\": 1, \"consensus\": {\"model\": \"pbft\", "
        "\"block_ms\": 100, \"timeout_ms\": 200}, \"chain\": \"replica\"}, \"c\": {\"count\": 12, "
        "\"clients_of\": \"v\", \"agent\": \"probe\"}}, \"faults\": {\"two\": {\"model\": "
        "\"twins\", "
        "\"group\": \"v\", \"members\": [2, 3]}, \"cut\": {\"model\": \"partition\", \"sides\": "
        "[[\"v[0]\", \"v[2]\", \"v[3]\"], [\"v[1]\", \"v[2]~\", \"v[3]~\"]]}}, \"checks\": {\"a\": "
        "\"agreement\"}");
    cr_assert_eq(fl_test_verdict(&r, "a")->kind, FL_BROKEN);
    uint32_t readers[2] = {0, 0}, alone[2] = {0, 0};
    for (uint32_t who = 0; who < FORK_CLIENTS; who++)
        for (uint32_t reader = 0; reader < FORK_CLIENTS; reader++) {
            const uint32_t side = fork_replica[reader] == 1, from = fork_replica[who];
            const bool there = from > 1 || from == side;
            cr_expect_eq(fork_seen[who][reader], there, "client %u of %u, read through %u", who,
                         from, fork_replica[reader]);
            readers[side]++;
            if (from <= 1) alone[from]++;
        }
    cr_expect(readers[0] > 0 && readers[1] > 0 && alone[0] > 0 && alone[1] > 0);
    fl_test_run_free(&r);
}
