/* The network: exact where it can be computed by hand, within binomial and queueing theory's bounds
 * where it is random, and always the same for a message whatever else is sent. One model, `probe`,
 * plays the part a test gives it and writes down what it hears. */
#include "sim/regions.h"
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS FL_MILLISECOND
#define SEED 71

enum { NOTE = FL_RECORD_MODELS };
const struct fl_record_kind fl_record_kinds[] = {
    {FL_RECORD_FAULT, "fault", "", {{"fault", FL_ID}}},
    {FL_RECORD_RECOVERY, "recovery", "", {{"fault", FL_ID}, {"endpoint", FL_ID}}},
    {FL_RECORD_SUPPRESSED, "suppressed", "", {{"fault", FL_ID}, {"endpoint", FL_ID}}},
    {NOTE, "note", "", {{"a", FL_ID}, {"b", FL_ID}}},
    {.kind = 0},
};

/* ------------------------------------------------------------------------------------------------
 * The probe
 * --------------------------------------------------------------------------------------------- */

struct heard {
    fl_time now; /* by the clock of who hears */
    uint32_t endpoint, from;
    enum fl_event_kind kind;
    uint32_t timer;
    uint64_t word;
    uint16_t msg_kind;
};
enum { HEARD_MAX = 400000 };
static struct heard heard[HEARD_MAX];
static size_t heard_count;

struct memory {
    uint64_t n, zero;
};
struct actor {
    const struct fl_self *self;
    struct memory *mem;
    const struct fl_event *in;
    struct fl_outbox *out;
    uint32_t me;
};
static void (*play)(struct actor *);
static int variant;

static size_t probe_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return sizeof(struct memory);
}
static void probe_init(const struct fl_self *self, void *state)
{
    (void)self;
    (void)state;
}
static void probe_step(const struct fl_self *self, void *state, const struct fl_event *in,
                       const struct fl_view *view, struct fl_outbox *out)
{
    (void)view;
    cr_assert(heard_count < HEARD_MAX);
    heard[heard_count] =
        (struct heard){.now = in->now, .endpoint = self->endpoint.i, .kind = in->kind};
    if (in->kind == FL_MSG) {
        heard[heard_count].from = in->msg.from.i;
        heard[heard_count].word = in->msg.word[0];
        heard[heard_count].msg_kind = in->msg.kind;
    } else if (in->kind == FL_TIMER) {
        heard[heard_count].timer = in->timer;
    }
    heard_count++;
    struct actor a = {self, state, in, out, self->endpoint.i};
    play(&a);
}
static void probe_observe(const struct fl_self *self, const void *state, int64_t *out)
{
    (void)self;
    (void)state;
    (void)out;
}
static const struct fl_node_model probe_node = {.timer_count = 4,
                                                .state_bytes = probe_bytes,
                                                .init = probe_init,
                                                .step = probe_step,
                                                .observe = probe_observe};
static const struct fl_model probe = {
    .name = "probe", .family = FL_AGENT, .doc = "what a test makes of it", .node = &probe_node};

extern const struct fl_model fl_model_crash, fl_model_mute, fl_model_partition;
const struct fl_model *const fl_models[] = {&probe, &fl_model_crash, &fl_model_mute,
                                            &fl_model_partition, NULL};

static struct fl_test_run run(const char *body)
{
    static char text[8000];
    snprintf(text, sizeof text, "{\"name\": \"network\", %s}", body);
    heard_count = 0;
    return fl_test_run(text, NULL, 0, SEED);
}

static struct fl_msg *say(struct actor *a, enum fl_reach reach, uint32_t to, uint64_t word)
{
    struct fl_msg *m = fl_send(a->out, reach, (fl_endpoint){to}, FL_AGENT, 1);
    m->word[0] = word;
    return m;
}

/* When `endpoint` heard that word of `from` for the n-th time; -1 if never. */
static fl_time when(uint32_t endpoint, uint32_t from, uint64_t word, uint32_t n)
{
    for (size_t i = 0; i < heard_count; i++)
        if (heard[i].kind == FL_MSG && heard[i].endpoint == endpoint && heard[i].from == from &&
            heard[i].word == word && n-- == 0)
            return heard[i].now;
    return -1;
}

static const struct fl_record *record(const struct fl_test_run *r, uint32_t id)
{
    cr_assert(id >= 1 && id <= fl_records_count(r->result->records));
    return fl_records_get(r->result->records, id);
}

/* Every run: what is sent is delivered, dropped, or still on its way. */
static void check_sums(const struct fl_test_run *r, uint64_t pending)
{
    cr_assert_eq(r->result->messages, r->result->delivered + r->result->dropped + pending);
}

/* ------------------------------------------------------------------------------------------------
 * Regions
 * --------------------------------------------------------------------------------------------- */

static void play_hello(struct actor *a)
{
    if (a->in->kind == FL_START) say(a, FL_TO_PEERS, 0, a->me);
}

Test(network, distance_between_regions_is_exact)
{
    play = play_hello;
    /* Not symmetric; on the diagonal a city. Members are in here, there, here, there, here. */
    struct fl_test_run r =
        run("\"duration_s\": 1, \"network\": {\"delay_ms\": 2.385, \"regions\": {\"names\": "
            "[\"here\", \"there\"], \"delay_ms\": [[0.25, 71.5], [68, 0.75]]}}, \"nodes\": {\"v\": "
            "{\"count\": 5, \"regions\": [\"here\", \"there\"], \"agent\": \"probe\"}}");
    static const fl_time base[2][2] = {{250000, 71500000}, {68000000, 750000}};
    for (uint32_t from = 0; from < 5; from++)
        for (uint32_t to = 0; to < 5; to++)
            if (from != to) cr_assert_eq(when(to, from, from, 0), base[from % 2][to % 2] + 2385000);
    cr_assert_eq(r.result->messages, 20);
    fl_test_run_free(&r);

    /* Half of the round trips of the source, as printed there. */
    r = run(
        "\"duration_s\": 1, \"network\": {\"regions\": \"cloud\"}, \"nodes\": {\"v\": {\"count\": "
        "10, \"regions\": [\"dallas\", \"toronto\", \"washington\", \"frankfurt\", \"london\", "
        "\"madrid\", \"osaka\", \"sydney\", \"tokyo\", \"sao-paulo\"], \"agent\": \"probe\"}}");
    cr_assert_eq(when(4, 3, 3, 0), 6 * MS, "Frankfurt to London");
    cr_assert_eq(when(8, 0, 0, 0), 71 * MS, "Dallas to Tokyo");
    cr_assert_eq(when(0, 8, 8, 0), 141 * MS / 2, "Tokyo to Dallas");
    cr_assert_eq(when(9, 7, 7, 0), 329 * MS / 2, "Sydney to Sao Paulo");
    for (uint32_t from = 0; from < 10; from++)
        for (uint32_t to = 0; to < 10; to++) {
            cr_assert_gt(fl_cloud_delay(from, to), 0);
            if (from != to) cr_assert_eq(when(to, from, from, 0), fl_cloud_delay(from, to));
            /* Both ways alike within 4 % and 3 ms: they are measured one after the other. */
            const fl_time other = fl_cloud_delay(to, from);
            cr_assert_leq(llabs(fl_cloud_delay(from, to) - other), other / 25 + 3 * MS);
        }
    fl_test_run_free(&r);

    /* One region is a list of one; resolved text is accepted, and means the same. */
    r = run("\"duration_s\": 1, \"network\": {\"regions\": \"cloud\", \"delay_ms\": {\"law\": "
            "\"uniform\", \"min\": 1, \"max\": 3}}, \"nodes\": {\"a\": {\"region\": \"osaka\", "
            "\"agent\": \"probe\"}, \"b\": {\"count\": 2, \"region\": \"tokyo\", \"agent\": "
            "\"probe\"}}");
    const fl_time took = when(2, 1, 1, 0) - fl_cloud_delay(8, 8);
    cr_assert(took >= MS && took <= 3 * MS);
    const struct fl_digest digest = r.result->digest;
    struct fl_test_run again = fl_test_run(r.config->resolved, NULL, 0, SEED);
    cr_assert(fl_digest_equal(again.result->digest, digest));
    fl_test_run_free(&again);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Loss, copies, reordering
 * --------------------------------------------------------------------------------------------- */

enum { WORDS = 20000 };
static struct {
    uint32_t arrivals;
    fl_time delay[2];
} fate[WORDS], fate_before[WORDS];

/* Variant 0: all words, ten each millisecond. Variant 1: only every third, backwards, one each
 * millisecond, saying something else, while another node talks all the time. */
static void play_stream(struct actor *a)
{
    const uint32_t step = variant == 0 ? 1 : 3;
    if (a->in->kind == FL_START && a->me != 1) fl_set_timer(a->out, 0, 0);
    if (a->in->kind == FL_TIMER && a->me == 0) {
        for (int i = 0; i < (variant == 0 ? 10 : 1); i++, a->mem->n += step) {
            if (a->mem->n >= WORDS) return;
            const uint64_t word = variant == 0 ? a->mem->n : WORDS - 2 - a->mem->n;
            struct fl_msg *m = say(a, FL_TO_ONE, 1, word);
            m->value[0] = a->in->now; /* when it was sent */
            m->value[1] = variant;
        }
        fl_set_timer(a->out, 0, MS);
    } else if (a->in->kind == FL_TIMER) {
        if (variant == 0) return;
        say(a, FL_TO_ONE, 1, a->mem->n++)->kind = 2;
        fl_set_timer(a->out, 0, MS / 2);
    } else if (a->in->kind == FL_MSG && a->in->msg.kind == 1) {
        const uint64_t word = a->in->msg.word[0];
        cr_assert(word < WORDS && fate[word].arrivals < 2);
        fate[word].delay[fate[word].arrivals++] = a->in->now - a->in->msg.value[0];
    }
}

/* Binomial: within five standard deviations of what is expected. */
static void expect_share(const char *what, uint32_t hits, uint32_t trials, double p)
{
    const double sd = sqrt(trials * p * (1 - p));
    fprintf(stderr, "%s: %u of %u, expected %.1f +- %.1f\n", what, hits, trials, trials * p, sd);
    cr_assert(fabs(hits - trials * p) < 5 * sd, "%s", what);
}

static struct fl_test_run stream(int which, const char *links)
{
    char body[2000];
    snprintf(body, sizeof body,
             "\"duration_s\": 30, \"network\": {\"delay_ms\": {\"law\": \"lognormal\", \"median\": "
             "50, \"sigma\": 0.25}%s}, \"nodes\": {\"v\": {\"count\": 3, \"agent\": \"probe\"}}",
             links);
    variant = which;
    memset(fate, 0, sizeof fate);
    return run(body);
}

Test(network, loss_copies_and_reordering_have_their_rates_and_are_each_messages_own)
{
    play = play_stream;
    /* What the network says holds for all links; the link adds to it. */
    const char *links =
        ", \"loss\": 0.1, \"duplicate\": 0.07, \"links\": [{\"from\": \"v\", \"to\": "
        "\"v\", \"reorder\": 0.2, \"reorder_ms\": 10000}]";
    struct fl_test_run r = stream(0, links);
    check_sums(&r, 0);
    uint32_t lost = 0, twice = 0, late = 0, same = 0;
    for (uint32_t i = 0; i < WORDS; i++) {
        lost += fate[i].arrivals == 0;
        twice += fate[i].arrivals == 2;
        same += fate[i].arrivals == 2 && fate[i].delay[0] == fate[i].delay[1];
        if (fate[i].arrivals == 1) late += fate[i].delay[0] > 5 * FL_SECOND;
    }
    expect_share("lost", lost, WORDS, 0.1);
    expect_share("twice", twice, WORDS - lost, 0.07);
    expect_share("late", late, WORDS - lost - twice, 0.2);
    cr_assert_eq(same, 0, "a copy has its own delay");
    cr_assert_eq(r.result->dropped, lost);
    cr_assert_eq(r.result->messages, WORDS + twice);
    memcpy(fate_before, fate, sizeof fate);
    fl_test_run_free(&r);

    r = stream(1, links);
    uint32_t compared = 0;
    for (uint32_t i = 0; i < WORDS; i++)
        if ((WORDS - 2 - i) % 3 == 0 && i <= WORDS - 2) {
            cr_assert_eq(memcmp(&fate[i], &fate_before[i], sizeof *fate), 0,
                         "message %" PRIu32 " fared otherwise in other company", i);
            compared++;
        }
    cr_assert_gt(compared, WORDS / 4);
    fl_test_run_free(&r);

    /* Nor does it matter that a fault takes somebody else's messages away. */
    variant = 0;
    memset(fate, 0, sizeof fate);
    char body[2000];
    snprintf(body, sizeof body,
             "\"duration_s\": 30, \"network\": {\"delay_ms\": {\"law\": \"lognormal\", \"median\": "
             "50, \"sigma\": 0.25}%s}, \"nodes\": {\"v\": {\"count\": 3, \"agent\": \"probe\"}}, "
             "\"faults\": {\"f\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [2]}}",
             links);
    r = run(body);
    cr_assert_eq(memcmp(fate, fate_before, sizeof fate), 0);
    fl_test_run_free(&r);

    /* Without losses the others' delays stay what they were. */
    r = stream(0, ", \"links\": [{\"from\": \"v\", \"to\": \"v\", \"duplicate\": 0.07}]");
    for (uint32_t i = 0; i < WORDS; i++) {
        cr_assert_geq(fate[i].arrivals, 1);
        if (fate_before[i].arrivals == 1 && fate_before[i].delay[0] < FL_SECOND)
            cr_assert_eq(fate[i].delay[0], fate_before[i].delay[0]);
    }
    fl_test_run_free(&r);

    /* All or nothing. */
    r = stream(0, ", \"loss\": 1");
    cr_assert(r.result->delivered == 0 && r.result->dropped == WORDS);
    fl_test_run_free(&r);
    r = stream(0, ", \"loss\": 0, \"duplicate\": 1");
    cr_assert(r.result->delivered == 2 * WORDS && r.result->dropped == 0);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Bandwidth
 * --------------------------------------------------------------------------------------------- */

/* 8 Mbit/s is a byte each microsecond; with the header of 100 a blob of 900 takes a millisecond. */
static void with_blob(struct actor *a, struct fl_msg *m, uint32_t bytes)
{
    m->blob = fl_blob_end(a->out, (memset(fl_blob_begin(a->out, bytes), 7, bytes), 1), NULL);
}

static void play_train(struct actor *a)
{
    if (a->me != 0) return;
    if (a->in->kind == FL_START) {
        with_blob(a, say(a, FL_TO_PEERS, 0, 1), 900); /* three messages */
        fl_set_timer(a->out, 0, 2 * MS);
        fl_set_timer(a->out, 1, 10 * MS);
        fl_set_timer(a->out, 2, 20 * MS);
    } else if (a->in->kind == FL_TIMER && a->in->timer == 0) {
        say(a, FL_TO_ONE, 1, 2); /* header only; waits for the three */
    } else if (a->in->kind == FL_TIMER && a->in->timer == 1) {
        with_blob(a, say(a, FL_TO_ONE, 2, 3), 1900); /* the uplink is idle again */
        say(a, FL_TO_ONE, 4, 4);                     /* a link without limit does not wait */
    } else if (a->in->kind == FL_TIMER && a->in->timer == 2) {
        with_blob(a, say(a, FL_TO_ONE, 1, 5), 900); /* held back by its sender for 5 ms */
        a->out->at[a->out->count - 1].delay = 5 * MS;
        with_blob(a, say(a, FL_TO_ONE, 1, 6), 2900); /* goes first, and is out in time: 23 ms */
        fl_set_timer(a->out, 3, 3 * MS + MS / 2);
    } else if (a->in->kind == FL_TIMER && a->in->timer == 3) {
        with_blob(a, say(a, FL_TO_ONE, 2, 7), 1900); /* 23.5 to 25.5: the one held back waits */
    }
}

/* A Poisson stream over one uplink: M/D/1. Gaps come from keyed draws. */
enum { QUEUED = 60000 };
static fl_time sent_at[QUEUED], arrived_at[QUEUED];
static const struct fl_law gap = {.kind = FL_EXPONENTIAL, .a = 2 * MS, .max = FL_FOREVER};

static void play_poisson(struct actor *a)
{
    if (a->me == 0 && a->in->kind != FL_MSG) {
        if (a->in->kind == FL_TIMER) {
            sent_at[a->mem->n] = a->in->now;
            with_blob(a, say(a, FL_TO_ONE, 1, a->mem->n), 900);
            a->mem->n++;
        }
        if (a->mem->n < QUEUED)
            fl_set_timer(a->out, 0, fl_law_at(&gap, fl_draw(5, FL_RNG_AGENT, 1, a->mem->n, 0)));
    } else if (a->in->kind == FL_MSG) {
        arrived_at[a->in->msg.word[0]] = a->in->now;
    }
}

Test(network, a_nodes_uplink_sends_one_message_after_the_other)
{
    play = play_train;
    struct fl_test_run r =
        run("\"duration_s\": 1, \"network\": {\"delay_ms\": 10, \"header_bytes\": 100, "
            "\"bandwidth_mbps\": 8, \"links\": [{\"from\": \"v\", \"to\": \"w\", "
            "\"bandwidth_mbps\": 1000000, \"delay_ms\": 10}]}, \"nodes\": {\"v\": {\"count\": 4, "
            "\"agent\": \"probe\"}, \"w\": {\"agent\": \"probe\"}}");
    for (uint32_t to = 1; to <= 3; to++) cr_assert_eq(when(to, 0, 1, 0), (to + 10) * MS);
    cr_assert_eq(when(1, 0, 2, 0), 13 * MS + MS / 10);
    cr_assert_eq(when(2, 0, 3, 0), 22 * MS);
    /* The same uplink: behind the 2 ms of message 3; its own 100 bytes take 800 ns / 1000, up. */
    cr_assert_eq(when(4, 0, 4, 0), 22 * MS + 1);
    cr_assert_eq(when(1, 0, 6, 0), 33 * MS);
    cr_assert_eq(when(2, 0, 7, 0), 35 * MS + MS / 2);
    cr_assert_eq(when(1, 0, 5, 0), 36 * MS + MS / 2);
    check_sums(&r, 0);
    fl_test_run_free(&r);

    play = play_poisson;
    r = run("\"duration_s\": 200, \"network\": {\"delay_ms\": 10, \"header_bytes\": 100, "
            "\"bandwidth_mbps\": 8}, \"nodes\": {\"v\": {\"count\": 2, \"agent\": \"probe\"}}");
    fl_time until = 0;
    double waited = 0;
    for (uint32_t i = 0; i < QUEUED; i++) { /* Lindley's recursion */
        const fl_time begins = until > sent_at[i] ? until : sent_at[i];
        until = begins + MS;
        cr_assert_eq(arrived_at[i], until + 10 * MS, "message %" PRIu32, i);
        waited += (double)(begins - sent_at[i]) / MS;
    }
    /* Pollaczek and Khinchine: mean wait rho / (2 (1 - rho)) services, rho = 1/2; its relative
     * error over so many customers is near 2 % (Whitt, "Planning queueing simulations", 1989). */
    fprintf(stderr, "M/D/1 at 1/2: mean wait %.4f services, theory 0.5\n", waited / QUEUED);
    cr_assert(fabs(waited / QUEUED - 0.5) < 0.03);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Gossip
 * --------------------------------------------------------------------------------------------- */

enum { CROWD = 64, RUMOURS = 20 };
static uint32_t hops[CROWD]; /* UINT32_MAX: not reached */
static bool edge[CROWD][CROWD];

static void play_rumour(struct actor *a)
{
    if (a->in->kind == FL_START && a->me == 0) fl_set_timer(a->out, 0, FL_SECOND);
    if (a->in->kind == FL_TIMER) say(a, FL_TO_PEERS, 0, 1);
}
static void play_rumours(struct actor *a) /* everybody, RUMOURS times */
{
    if (a->in->kind == FL_MSG || a->mem->n == RUMOURS) return;
    if (a->in->kind == FL_TIMER) say(a, FL_TO_PEERS, 0, a->mem->n++);
    fl_set_timer(a->out, 0, 10 * MS);
}

static struct fl_test_run gossip(const char *delay, const char *more, const char *faults)
{
    char body[2000];
    snprintf(
        body, sizeof body,
        "\"duration_s\": 10, \"trace\": {\"detail\": \"messages\"}, \"network\": {\"delay_ms\": "
        "%s}, \"nodes\": {\"v\": {\"count\": %d, \"overlay\": {\"model\": \"gossip\", \"degree\": "
        "5}%s, \"agent\": \"probe\"}}, \"faults\": {%s}",
        delay, CROWD, more, faults);
    return run(body);
}

/* Who talks with whom, as the messages show. */
static void find_edges(const struct fl_test_run *r)
{
    memset(edge, 0, sizeof edge);
    for (uint64_t i = 0; i < r->result->message_count; i++) {
        const struct fl_message_row *m = &r->result->message[i];
        edge[m->from][m->to] = edge[m->to][m->from] = true;
    }
}

/* Breadth first from node 0, not through those that `stop` says do not relay, nor to the deaf. */
static void find_hops(const bool *stop, const bool *deaf)
{
    for (uint32_t i = 0; i < CROWD; i++) hops[i] = UINT32_MAX;
    hops[0] = 0;
    for (uint32_t h = 0; h < CROWD; h++)
        for (uint32_t a = 0; a < CROWD; a++)
            for (uint32_t b = 0; b < CROWD; b++)
                if (hops[a] == h && !stop[a] && edge[a][b] && !deaf[b] && hops[b] == UINT32_MAX)
                    hops[b] = h + 1;
}

/* Each hears it once, after its hops, or not at all. */
static void check_hops(fl_time a_hop, fl_time a_relay)
{
    for (uint32_t i = 1; i < CROWD; i++) {
        const fl_time expected =
            hops[i] == UINT32_MAX ? -1 : FL_SECOND + hops[i] * a_hop + (hops[i] - 1) * a_relay;
        cr_assert_eq(when(i, 0, 1, 0), expected, "node %" PRIu32, i);
        cr_assert_eq(when(i, 0, 1, 1), -1, "node %" PRIu32 " heard it twice", i);
    }
}

Test(network, gossip_reaches_all_that_a_relay_can_reach)
{
    static const bool nobody[CROWD];
    play = play_rumour;
    struct fl_test_run r = gossip("10", "", "");
    find_edges(&r);
    uint32_t degrees = 0, least = CROWD, most = 0;
    for (uint32_t a = 0; a < CROWD; a++) {
        uint32_t degree = 0;
        for (uint32_t b = 0; b < CROWD; b++) degree += edge[a][b];
        cr_assert(!edge[a][a] && degree <= 5);
        least = degree < least ? degree : least;
        most = degree > most ? degree : most;
        degrees += degree;
    }
    fprintf(stderr, "degree %u to %u, mean %.2f\n", least, most, degrees / (double)CROWD);
    cr_assert(least >= 2 && degrees > CROWD * 4);
    find_hops(nobody, nobody);
    uint32_t farthest = 0, expected = 0;
    for (uint32_t i = 0; i < CROWD; i++) {
        cr_assert_neq(hops[i], UINT32_MAX);
        farthest = hops[i] > farthest ? hops[i] : farthest;
    }
    cr_assert(farthest >= 2 && farthest <= 5, "64 nodes of degree 5: %u hops", farthest);
    check_hops(10 * MS, 0);
    /* The origin tells all neighbours, the others all but the origin and their teller. */
    for (uint32_t a = 0; a < CROWD; a++)
        for (uint32_t b = 0; b < CROWD; b++) expected += edge[a][b] && (a == 0 || b != 0);
    for (uint32_t a = 1; a < CROWD; a++) expected -= hops[a] > 1;
    cr_assert_eq(r.result->messages, expected);
    cr_assert_eq(r.result->message_count, expected);
    check_sums(&r, 0);
    for (uint64_t i = 0; i < r.result->message_count; i++) { /* the rows tell the same hops */
        uint32_t n = 1;
        for (uint64_t m = i + 1; r.result->message[m - 1].raw_parent; n++)
            m = r.result->message[m - 1].raw_parent;
        cr_assert_eq(r.result->message[i].arrives, FL_SECOND + n * 10 * MS);
    }
    fl_test_run_free(&r);

    /* A relay costs the node its processing. */
    r = gossip("10", ", \"processing_us\": 2000", "");
    for (uint32_t i = 1; i < CROWD; i++)
        cr_assert_eq(when(i, 0, 1, 0), FL_SECOND + hops[i] * 10 * MS + (hops[i] - 1) * 2 * MS);
    fl_test_run_free(&r);

    /* Crashed nodes neither hear nor relay; mute ones hear; an eclipsed one does neither. */
    static const struct {
        const char *model;
        bool deaf;
    } kinds[] = {{"crash", true}, {"mute", false}, {"partition", true}};
    for (int k = 0; k < 3; k++) {
        char fault[300];
        snprintf(
            fault, sizeof fault,
            "\"f\": {\"model\": \"%s\", \"group\": \"v\", \"members\": [3, 9, 11, 17, 20, 21, 22, "
            "30, 31, 37, 38, 40, 41, 44, 45, 50, 51, 52, 53, 54, 55, 56, 58, 60, 61], \"to_s\": "
            "10}",
            kinds[k].model);
        r = gossip("10", "", fault);
        bool struck[CROWD] = {false}, deaf[CROWD] = {false};
        for (uint32_t i = 0; i < 25; i++) struck[r.result->fault[0].member[i]] = true;
        if (kinds[k].deaf) memcpy(deaf, struck, sizeof deaf);
        find_hops(struck, deaf);
        check_hops(10 * MS, 0);
        uint32_t reached = 0;
        for (uint32_t i = 0; i < CROWD; i++) reached += hops[i] != UINT32_MAX;
        fprintf(stderr, "%s: %u of %d hear of it\n", kinds[k].model, reached, CROWD);
        cr_assert(reached < CROWD && reached > 20);
        cr_assert_gt(r.result->fault[0].suppressed, 0);
        fl_test_run_free(&r);
    }

    /* Many rumours at once, random delays, losses: everybody hears each at most once, and of what is
     * not lost, all. Rumours with the same words from other origins have other delays. */
    play = play_rumours;
    r = gossip("{\"law\": \"lognormal\", \"median\": 20, \"sigma\": 1}", "", "");
    static uint32_t times[CROWD][CROWD][RUMOURS];
    memset(times, 0, sizeof times);
    for (size_t i = 0; i < heard_count; i++)
        if (heard[i].kind == FL_MSG) times[heard[i].endpoint][heard[i].from][heard[i].word]++;
    for (uint32_t a = 0; a < CROWD; a++)
        for (uint32_t b = 0; b < CROWD; b++)
            for (uint32_t n = 0; n < RUMOURS; n++) cr_assert_eq(times[a][b][n], a != b);
    check_sums(&r, 0);
    uint64_t alike = 0;
    for (uint64_t i = 1; i < r.result->message_count; i++) {
        const struct fl_message_row *x = &r.result->message[i - 1], *y = &r.result->message[i];
        alike += x->arrives - x->sent == y->arrives - y->sent;
    }
    cr_assert_eq(alike, 0);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Partitions
 * --------------------------------------------------------------------------------------------- */

/* Every node tells every other the second, each second. */
static void play_beat(struct actor *a)
{
    if (a->in->kind == FL_START) fl_set_timer(a->out, 0, FL_SECOND);
    if (a->in->kind == FL_TIMER) {
        say(a, FL_TO_PEERS, 0, (uint64_t)(a->in->now / FL_SECOND));
        fl_set_timer(a->out, 0, FL_SECOND);
    }
    if (a->in->kind == FL_MSG) fl_note(a->out, NOTE, a->me, (int64_t)a->mem->n++);
}

static struct fl_test_run beat(const char *fault)
{
    char body[2000];
    snprintf(
        body, sizeof body,
        "\"duration_s\": 10.5, \"network\": {\"delay_ms\": 100}, \"nodes\": {\"v\": {\"count\": 5, "
        "\"agent\": \"probe\"}}, \"faults\": {\"cut\": {\"model\": \"partition\", %s}}",
        fault);
    return run(body);
}

/* Each heard each second, but for those of `cut` (bit 5 from + to) when they arrive in 3..6.1 s. */
static uint64_t check_cut(const struct fl_test_run *r, uint32_t cut, bool held)
{
    uint64_t missing = 0;
    for (uint32_t from = 0; from < 5; from++)
        for (uint32_t to = 0; to < 5; to++)
            for (uint64_t s = 1; s <= 10 && from != to; s++) {
                const bool stopped = (cut >> (5 * from + to) & 1) && s >= 3 && s <= 6;
                const fl_time arrives = (fl_time)s * FL_SECOND + 100 * MS;
                missing += stopped;
                if (stopped && held)
                    cr_assert_eq(when(to, from, s, 0), 6 * FL_SECOND + 500 * MS);
                else
                    cr_assert_eq(when(to, from, s, 0), stopped ? -1 : arrives,
                                 "%" PRIu32 " to %" PRIu32 ", second %" PRIu64, from, to, s);
            }
    cr_assert_eq(r->result->fault[0].suppressed, missing);
    cr_assert_eq(r->result->dropped, held ? 0 : missing);
    check_sums(r, 0);
    return missing;
}

static uint32_t both(uint32_t a, uint32_t b)
{
    return 1u << (5 * a + b) | 1u << (5 * b + a);
}

/* Every drop is a child of the edge, and tells which message of whom it was. */
static void check_records(const struct fl_test_run *r, uint64_t expected)
{
    uint64_t found = 0;
    for (uint32_t id = 1; id <= fl_records_count(r->result->records); id++) {
        const struct fl_record *x = record(r, id);
        if (x->kind != FL_RECORD_SUPPRESSED) continue;
        cr_assert_eq(x->parent, r->result->fault[0].record);
        cr_assert(x->v[0] == 0 && x->v[1] == x->endpoint && x->v[2] == FL_AGENT && x->v[3] == 1);
        cr_assert(x->at >= 3 * FL_SECOND && x->at < 6 * FL_SECOND + 500 * MS);
        found++;
    }
    cr_assert_eq(found, expected);
    for (uint32_t i = 0; i < heard_count; i++) cr_assert_neq(heard[i].kind, FL_RECOVER);
}

#define WINDOW ", \"from_s\": 3, \"to_s\": 6.5"

Test(network, partitions_cut_what_lies_across)
{
    play = play_beat;
    /* Two sides; node 4 is on none. */
    const uint32_t split = both(0, 2) | both(0, 3) | both(1, 2) | both(1, 3);
    const char *sides = "\"sides\": [[\"v[0]\", \"v[1]\"], [\"v[2]\", \"v[3]\"]]" WINDOW;
    struct fl_test_run r = beat(sides);
    cr_assert_eq(r.result->fault[0].spec->count, 4);
    check_records(&r, check_cut(&r, split, false));
    fl_test_run_free(&r);

    /* One way: the first side is not heard, but hears. */
    r = beat("\"oneway\": true, \"sides\": [[\"v[0]\", \"v[1]\"], [\"v[2]\", \"v[3]\"]]" WINDOW);
    check_cut(&r, split & 0x3ff, false); /* senders 0 and 1 */
    fl_test_run_free(&r);

    /* A bridge is on both sides. */
    r = beat("\"sides\": [[\"v[0]\", \"v[1]\", \"v[2]\"], [\"v[2]\", \"v[3]\"]]" WINDOW);
    check_cut(&r, both(0, 3) | both(1, 3), false);
    fl_test_run_free(&r);

    /* Three sides, one of them a whole group but for those named elsewhere: there are none here. */
    r = beat("\"sides\": [[\"v[0]\"], [\"v[1]\"], [\"v[2]\", \"v[3]\", \"v[4]\"]]" WINDOW);
    check_cut(&r,
              both(0, 1) | both(0, 2) | both(0, 3) | both(0, 4) | both(1, 2) | both(1, 3) |
                  both(1, 4),
              false);
    fl_test_run_free(&r);

    /* Members against everybody else: named, or drawn from the seed. */
    r = beat("\"group\": \"v\", \"members\": [3]" WINDOW);
    check_cut(&r, both(3, 0) | both(3, 1) | both(3, 2) | both(3, 4), false);
    fl_test_run_free(&r);
    r = beat("\"group\": \"v\", \"count\": 1" WINDOW);
    const uint32_t drawn = r.result->fault[0].member[0];
    uint32_t cut = 0;
    for (uint32_t i = 0; i < 5; i++)
        if (i != drawn) cut |= both(drawn, i);
    check_cut(&r, cut, false);
    fl_test_run_free(&r);

    /* Held: it arrives when the window closes, in the order of arrival, and what follows from it
     * descends from the fault. */
    char text[300];
    snprintf(text, sizeof text, "\"hold\": true, %s", sides);
    r = beat(text);
    check_records(&r, check_cut(&r, split, true));
    uint64_t last = 0, descended = 0;
    for (size_t i = 0; i < heard_count; i++)
        if (heard[i].kind == FL_MSG && heard[i].now == 6 * FL_SECOND + 500 * MS) {
            cr_assert_geq(heard[i].word, last, "older ones first");
            last = heard[i].word;
        }
    for (uint32_t id = 1; id <= fl_records_count(r.result->records); id++)
        if (record(&r, id)->kind == NOTE && record(&r, id)->at == 6 * FL_SECOND + 500 * MS) {
            const struct fl_record *hold = record(&r, record(&r, id)->parent);
            cr_assert(hold->kind == FL_RECORD_SUPPRESSED &&
                      hold->endpoint == record(&r, id)->endpoint);
            descended++;
        }
    cr_assert_eq(descended, 8 * 4);
    fl_test_run_free(&r);

    /* A window that never closes holds for ever. */
    r = beat("\"hold\": true, \"group\": \"v\", \"members\": [3], \"from_s\": 3");
    check_sums(&r, 8 * 8);
    fl_test_run_free(&r);
}

Test(network, a_partition_that_comes_and_goes_stays_a_while)
{
    play = play_beat;
    struct fl_test_run r =
        run("\"duration_s\": 2000, \"nodes\": {\"v\": {\"count\": 2, \"agent\": \"probe\"}}, "
            "\"faults\": {\"cut\": {\"model\": \"partition\", \"group\": \"v\", \"count\": 1, "
            "\"from_s\": "
            "100, \"to_s\": 1900, \"mttr_s\": {\"law\": \"exponential\", \"mean\": 5}, \"mtbf_s\": "
            "{\"law\": \"exponential\", \"mean\": 15}, \"stability_s\": 2}}");
    fl_time edge_at = 100 * FL_SECOND, open_for = 0;
    bool open = false;
    uint32_t rounds = 0, never_longer = 0;
    for (uint32_t id = 1; id <= fl_records_count(r.result->records); id++) {
        const struct fl_record *x = record(&r, id);
        if (x->kind != FL_RECORD_FAULT && x->kind != FL_RECORD_RECOVERY) continue;
        cr_assert_eq(x->kind == FL_RECORD_RECOVERY, open);
        cr_assert(x->at - edge_at >= 2 * FL_SECOND || x->at == 1900 * FL_SECOND);
        never_longer += x->at - edge_at == 2 * FL_SECOND;
        cr_assert(x->at >= 102 * FL_SECOND && x->at <= 1900 * FL_SECOND);
        open_for += open ? x->at - edge_at : 0;
        rounds += open;
        open = !open;
        edge_at = x->at;
    }
    cr_assert(!open);
    /* Means with the floor at 2 s: m (e^(-2/m)) + 2 = 5.35 and 15.13, so that 88 rounds are expected. */
    fprintf(stderr, "%u rounds, %.0f s cut\n", rounds, (double)open_for / FL_SECOND);
    cr_assert(rounds > 60 && rounds < 116 && never_longer > 10);
    cr_assert(fabs((double)open_for / FL_SECOND / rounds - 5.35) < 2);
    cr_assert(r.result->dropped > 200 && r.result->delivered > 2000);
    fl_test_run_free(&r);

    /* Any fault can come and go: who is down now and then recovers each time. */
    r = run("\"duration_s\": 100, \"nodes\": {\"v\": {\"count\": 2, \"agent\": \"probe\"}}, "
            "\"faults\": {\"down\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [1], "
            "\"mttr_s\": 3, \"mtbf_s\": 7}}");
    uint32_t recoveries = 0;
    for (size_t i = 0; i < heard_count; i++)
        if (heard[i].kind == FL_RECOVER)
            cr_assert(heard[i].endpoint == 1 && heard[i].now == ++recoveries * 10 * FL_SECOND);
    cr_assert_eq(recoveries, 9, "at the end of the run nothing closes");
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Partial synchrony
 * --------------------------------------------------------------------------------------------- */

static fl_time sent_of(uint64_t word)
{
    return (fl_time)word * MS;
}

static void play_steady(struct actor *a)
{
    if (a->in->kind == FL_START && a->me == 0) fl_set_timer(a->out, 0, MS);
    if (a->in->kind == FL_TIMER) {
        say(a, FL_TO_PEERS, 0, (uint64_t)(a->in->now / MS));
        fl_set_timer(a->out, 0, MS);
    }
}

Test(network, after_the_stabilisation_time_every_message_is_in_time)
{
    play = play_steady;
    struct fl_test_run r = run(
        "\"duration_s\": 30, \"network\": {\"delay_ms\": {\"law\": \"lognormal\", \"median\": 100, "
        "\"sigma\": 0.5}, \"reorder\": 0.1, \"reorder_ms\": 300, \"duplicate\": 0.1, \"gst_s\": "
        "10, "
        "\"delta_ms\": 250, \"before_gst_ms\": {\"law\": \"pareto\", \"min\": 50, \"alpha\": "
        "0.5}}, "
        "\"nodes\": {\"v\": {\"count\": 3, \"agent\": \"probe\"}}");
    uint32_t clipped[2] = {0}, late = 0, count[2] = {0};
    for (size_t i = 0; i < heard_count; i++) {
        if (heard[i].kind != FL_MSG) continue;
        const fl_time sent = sent_of(heard[i].word), gst = 10 * FL_SECOND;
        const fl_time bound = (sent > gst ? sent : gst) + 250 * MS;
        cr_assert_leq(heard[i].now, bound);
        count[sent >= gst]++;
        clipped[sent >= gst] += heard[i].now == bound;
        late += heard[i].now - sent > FL_SECOND;
    }
    cr_assert(count[0] > 19000 && count[1] > 39000);
    /* Pareto: P(X > 1 s) = (50/1000)^(1/2) = 0.224 of what leaves in the first 9 s. */
    cr_assert(late > 3000 && clipped[0] > 1000, "%u late, %u clipped", late, clipped[0]);
    /* Reordered (0.1), or beyond 2.5 medians: P(Z > ln(2.5)/0.5 = 1.833) = 0.033. */
    expect_share("clipped after gst", clipped[1], count[1], 1 - 0.9 * (1 - 0.0334));
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Clocks and work
 * --------------------------------------------------------------------------------------------- */

static void play_clock(struct actor *a)
{
    if (a->in->kind == FL_START) {
        fl_set_timer(a->out, 0, 1000 * FL_SECOND);
        fl_set_timer(a->out, 1, 1);
        fl_set_timer(a->out, 2, 0);
        a->mem->n = (uint64_t)a->in->now;
    } else if (a->in->kind == FL_TIMER && a->me > 0) {
        say(a, FL_TO_ONE, 0, a->in->timer);
        const fl_time length[] = {1000 * FL_SECOND, 1, 0};
        cr_assert_geq(a->in->now - (fl_time)a->mem->n, length[a->in->timer]);
        cr_assert_leq(a->in->now - (fl_time)a->mem->n, length[a->in->timer] + 1);
    }
}

static struct fl_test_run clocks(const char *clock)
{
    char body[1000];
    snprintf(
        body, sizeof body,
        "\"duration_s\": 2000, \"network\": {\"delay_ms\": 0}, \"nodes\": {\"sun\": {\"agent\": "
        "\"probe\"}, \"v\": {\"count\": 3, \"clock\": %s, \"agent\": \"probe\"}}",
        clock);
    return run(body);
}

Test(network, timers_and_time_are_those_of_the_nodes_clock)
{
    play = play_clock;
    /* Fast by 250 ppm: 1000 s are over after 10^12 / 1.00025 ns, up. Node 0 hears at once. */
    struct fl_test_run r = clocks("{\"drift_ppm\": 250}");
    for (uint32_t i = 1; i <= 3; i++) cr_assert_eq(when(0, i, 0, 0), INT64_C(999750062485));
    fl_test_run_free(&r);
    /* Slow by 100 ppm: 10^12 / 0.9999, up. An offset moves what a clock shows, not what it measures. */
    r = clocks("{\"offset_ms\": 2385, \"drift_ppm\": -100}");
    for (uint32_t i = 1; i <= 3; i++) cr_assert_eq(when(0, i, 0, 0), INT64_C(1000100010002));
    for (size_t i = 0; i < heard_count; i++)
        if (heard[i].kind == FL_START)
            cr_assert_eq(heard[i].now, heard[i].endpoint ? 2385 * MS : 0);
    fl_test_run_free(&r);
    /* A clock behind shows 0 until it is right to show more: a timer waits for that. */
    r = clocks("{\"offset_ms\": -40}");
    cr_assert_eq(when(0, 1, 0, 0), 1000 * FL_SECOND + 40 * MS);
    fl_test_run_free(&r);

    /* Drawn by node: they differ, and are the same with another node in the group's company. */
    r = clocks("{\"offset_ms\": {\"law\": \"normal\", \"mean\": 100, \"sd\": 10}, \"drift_ppm\": "
               "{\"law\": \"uniform\", \"min\": -200, \"max\": 200}}");
    fl_time fires[4];
    for (uint32_t i = 1; i <= 3; i++) fires[i] = when(0, i, 0, 0);
    cr_assert(fires[1] != fires[2] && fires[2] != fires[3]);
    for (uint32_t i = 1; i <= 3; i++) cr_assert_leq(llabs(fires[i] - 1000 * FL_SECOND), 201 * MS);
    fl_test_run_free(&r);
}

static void play_work(struct actor *a)
{
    if (a->in->kind == FL_START && a->me > 0) say(a, FL_TO_ONE, 0, 1);
    if (a->in->kind == FL_MSG && a->me == 0) say(a, FL_TO_ONE, a->in->msg.from.i, 2);
}

Test(network, a_message_costs_its_receiver_time)
{
    play = play_work;
    struct fl_test_run r =
        run("\"duration_s\": 1, \"network\": {\"delay_ms\": 10}, \"nodes\": {\"v\": "
            "{\"processing_us\": 2000, \"agent\": \"probe\"}, \"w\": {\"count\": 3, \"agent\": "
            "\"probe\"}}");
    for (uint32_t i = 1; i <= 3; i++) { /* taken up one after the other; answered when done */
        cr_assert_eq(when(0, i, 1, 0), (10 + 2 * (i - 1)) * MS);
        cr_assert_eq(when(i, 0, 2, 0), (10 + 2 * i + 10) * MS);
    }
    fl_test_run_free(&r);
    r = run("\"duration_s\": 1, \"network\": {\"delay_ms\": 10}, \"nodes\": {\"v\": "
            "{\"processing_us\": "
            "{\"law\": \"uniform\", \"min\": 100, \"max\": 300}, \"agent\": \"probe\"}, \"w\": "
            "{\"count\": 3, \"agent\": \"probe\"}}");
    const fl_time first = when(0, 2, 1, 0) - 10 * MS, second = when(0, 3, 1, 0) - 10 * MS - first;
    cr_assert(first >= MS / 10 && first <= 3 * MS / 10);
    cr_assert(second >= MS / 10 && second <= 3 * MS / 10 && second != first);
    fl_test_run_free(&r);
}

/* ------------------------------------------------------------------------------------------------
 * Measured laws
 * --------------------------------------------------------------------------------------------- */

/* The definition, in floating point: type 7 of Hyndman and Fan. */
static double quantile(const int64_t *v, int64_t n, double p)
{
    const double h = (double)(n - 1) * p;
    const int64_t i = (int64_t)h;
    return i + 1 == n ? (double)v[i] : (double)v[i] + (h - (double)i) * (double)(v[i + 1] - v[i]);
}

struct said {
    char *text;
    size_t bytes;
    struct fl_config *config;
};
static struct said load(const char *path)
{
    struct said s = {0};
    struct fl_problems problems = {.to = open_memstream(&s.text, &s.bytes)};
    s.config = fl_config_load(path, NULL, 0, NULL, &problems);
    fclose(problems.to);
    return s;
}
static void put_file(const char *folder, const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    cr_assert_not_null(out);
    fputs(text, out);
    fclose(out);
}

Test(network, measured_laws_come_from_lists_and_files)
{
    static const int64_t values[] = {-5, 3, 3, 1000003, INT64_C(2385000000)};
    const struct fl_law law = {
        .kind = FL_EMPIRICAL, .a = 5, .min = INT64_MIN, .max = INT64_MAX, .values = values};
    cr_assert_null(fl_law_check(&law));
    int64_t before = INT64_MIN;
    for (uint32_t i = 0; i < 4096; i++) {
        const uint64_t u = (uint64_t)i << 52 | (uint64_t)i * 7919;
        const int64_t x = fl_law_at(&law, u);
        const double exact = quantile(values, 5, ((double)u + 0.5) / 18446744073709551616.0);
        cr_assert(fabs((double)x - exact) <= 0.501, "%" PRIu32, i);
        cr_assert_geq(x, before);
        before = x;
    }
    cr_assert_eq(fl_law_at(&law, 0), -5);
    cr_assert_eq(fl_law_at(&law, UINT64_C(1) << 62), 3, "the second of five, at 1/4");
    cr_assert_eq(fl_law_at(&law, UINT64_MAX), INT64_C(2385000000));
    static const int64_t ends[] = {INT64_MIN, INT64_MAX};
    const struct fl_law wide = {
        .kind = FL_EMPIRICAL, .a = 2, .min = INT64_MIN, .max = INT64_MAX, .values = ends};
    cr_assert(fl_law_at(&wide, 0) == INT64_MIN && fl_law_at(&wide, UINT64_MAX) >= INT64_MAX - 1);
    const struct fl_law one = {
        .kind = FL_EMPIRICAL, .a = 1, .min = INT64_MIN, .max = INT64_MAX, .values = values};
    cr_assert(fl_law_at(&one, 0) == -5 && fl_law_at(&one, UINT64_MAX) == -5);
    const struct fl_law none = {.kind = FL_EMPIRICAL, .max = 1, .values = values};
    static const int64_t unsorted[] = {2, 1};
    const struct fl_law wrong = {.kind = FL_EMPIRICAL, .a = 2, .max = 1, .values = unsorted};
    cr_assert(fl_law_check(&none) && fl_law_check(&wrong));

    /* From a file beside the scenario: what is resolved holds the values, sorted. */
    char folder[] = "/tmp/faultline-network-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    char path[200];
    snprintf(path, sizeof path, "%s/x.json", folder);
    put_file(
        folder, "x.json",
        "{\"name\": \"x\", \"duration_s\": 1, \"network\": {\"delay_ms\": {\"law\": \"empirical\", "
        "\"csv\": \"rtt.csv\"}}, \"nodes\": {\"v\": {\"count\": 2, \"agent\": \"probe\"}}}");
    put_file(folder, "rtt.csv", "rtt_ms\r\n12.5\r\n\n7\n30.000001");
    struct said s = load(path);
    cr_assert_not_null(s.config, "%s", s.text);
    const struct fl_law *read = &s.config->network.delay[0];
    cr_assert(read->kind == FL_EMPIRICAL && read->a == 3 && read->values[0] == 7 * MS &&
              read->values[1] == 12500000 && read->values[2] == 30000001);
    put_file(folder, "y.json", s.config->resolved);
    char *resolved = strdup(s.config->resolved);
    fl_config_free(s.config);
    free(s.text);
    snprintf(path, sizeof path, "%s/y.json", folder);
    s = load(path);
    cr_assert_not_null(s.config, "%s", s.text);
    cr_assert_str_eq(s.config->resolved, resolved);
    cr_assert_not_null(strstr(resolved, "12.5"));
    fl_config_free(s.config);
    free(s.text);
    free(resolved);

    /* What is wrong in the file is said with its own line. */
    static const struct {
        const char *csv, *says;
    } broken[] = {
        {"1\n2\n3,4\n", "rtt.csv:3:1: error: expected a decimal number, with at most 6 decimals"},
        {"1\n-0.5\n", "rtt.csv:2:1: error: out of range"},
        {"ms\n\n", "rtt.csv:1:1: error: the file has no values"},
        {"", "rtt.csv:1:1: error: the file has no values"},
        {"1\nNaN\n", "rtt.csv:2:1: error: expected a decimal number, with at most 6 decimals"},
        {"1\n1e3\n", "rtt.csv:2:1: error: expected a decimal number, with at most 6 decimals"},
        {"1\n0.00000001\n",
         "rtt.csv:2:1: error: expected a decimal number, with at most 6 decimals"},
        {NULL, "x.json:1:84: error: /network/delay_ms/csv: cannot read "},
    };
    snprintf(path, sizeof path, "%s/x.json", folder);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        if (broken[i].csv) {
            put_file(folder, "rtt.csv", broken[i].csv);
        } else {
            char csv[200];
            snprintf(csv, sizeof csv, "%s/rtt.csv", folder);
            cr_assert_eq(remove(csv), 0);
        }
        s = load(path);
        cr_assert_null(s.config);
        char line[300];
        snprintf(line, sizeof line, "%s/%s", folder, broken[i].says);
        cr_assert(strncmp(s.text, line, strlen(line)) == 0, "%s, not %s", s.text, line);
        free(s.text);
    }
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
}

/* ------------------------------------------------------------------------------------------------
 * What is wrong with sides (the rest is in tests/malformed)
 * --------------------------------------------------------------------------------------------- */

Test(network, mistakes_about_sides_are_named)
{
    static const struct {
        const char *fault, *says;
    } wrong[] = {
        {"\"sides\": 3", "/faults/f/sides: expected a list of sides, found a number"},
        {"\"sides\": [[\"v\"]]", "/faults/f/sides: expected 2 to 64 sides, found 1"},
        {"\"sides\": [[\"v[0]\"], []]",
         "/faults/f/sides/1: expected a list of groups and members, such as [\"validator[0]\"]"},
        {"\"sides\": [[\"v[0]\"], [\"w\"]]",
         "/faults/f/sides/1/0: no group of nodes is called \"w\""},
        {"\"sides\": [[\"v[0]\"], [\"v[3]\"]]",
         "/faults/f/sides/1/0: expected a group, or a member as \"v[0]\" to \"v[2]\""},
        {"\"sides\": [[\"v[0]\"], [\"v[1]x\"]]",
         "/faults/f/sides/1/0: expected a group, or a member as \"v[0]\" to \"v[2]\""},
        {"\"sides\": [[\"v[0]\"], [7]]", "/faults/f/sides/1/0: expected a string, found a number"},
        {"\"oneway\": 1, \"sides\": [[\"v[0]\"], [\"v[1]\"]]",
         "/faults/f/oneway: expected true or false, found a number"},
        {"\"to_s\": 1", "/faults/f: missing required key \"group\""},
        {"\"group\": \"v\", \"count\": 1, \"mttr_s\": 3",
         "/faults/f: missing required key \"mtbf_s\""},
        {"\"group\": \"v\", \"count\": 1, \"stability_s\": 3",
         "/faults/f: missing required key \"mttr_s\""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[500];
        snprintf(
            text, sizeof text,
            "{\"name\": \"x\", \"duration_s\": 1, \"nodes\": {\"v\": {\"count\": 3, \"agent\": "
            "\"probe\"}}, \"faults\": {\"f\": {\"model\": \"partition\", %s}}}",
            wrong[i].fault);
        struct said s = {0};
        struct fl_problems problems = {.to = open_memstream(&s.text, &s.bytes)};
        s.config = fl_config_parse(text, strlen(text), "x.json", NULL, 0, NULL, &problems);
        fclose(problems.to);
        cr_assert_null(s.config);
        cr_assert_not_null(strstr(s.text, wrong[i].says), "%s, not %s", s.text, wrong[i].says);
        free(s.text);
    }
}
