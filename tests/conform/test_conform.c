/* What every model must do, whatever it models. The registry of this program holds the real models;
 * the step of each node model goes through a wrapper that
 *
 *   - steps two copies of the state as well, with other leftovers in the outbox and on the stack, and
 *     compares states and effects of all three;
 *   - now and then feeds a copy nonsense: messages altered, misdirected, forged, random;
 *   - looks at every effect.
 *
 * A new model is tested when its line is added and some scenario uses it; one that none uses fails
 * the test by name. */
#define _DEFAULT_SOURCE /* mallopt */
#include "models/wire.h"
#include "sim/alloc.h"
#include "tests/lib/run.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEED UINT64_C(0x5a593b51)

/* ------------------------------------------------------------------------------------------------
 * The registry, wrapped
 * --------------------------------------------------------------------------------------------- */

#define FL_MODEL(name) extern const struct fl_model fl_model_##name;
#include "models/registry.def"
#undef FL_MODEL

enum {
#define FL_MODEL(name) SLOT_##name,
#include "models/registry.def"
#undef FL_MODEL
    SLOTS
};

static const struct fl_model *const real[] = {
#define FL_MODEL(name) &fl_model_##name,
#include "models/registry.def"
#undef FL_MODEL
};

static struct fl_model wrapped[SLOTS];
static struct fl_node_model wrapped_node[SLOTS];

const struct fl_model *const fl_models[] = {
#define FL_MODEL(name) &wrapped[SLOT_##name],
#include "models/registry.def"
#undef FL_MODEL
    NULL,
};

static void step_through(uint32_t slot, const struct fl_self *self, void *state,
                         const struct fl_event *in, const struct fl_view *view,
                         struct fl_outbox *out);

/* A step is told neither its model nor anything of ours: one function for each place in the list. */
#define STEP(n)                                                                              \
    static void step_##n(const struct fl_self *self, void *state, const struct fl_event *in, \
                         const struct fl_view *view, struct fl_outbox *out)                  \
    {                                                                                        \
        step_through(n, self, state, in, view, out);                                         \
    }
/* clang-format off */
#define TENS(X) \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) \
    X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31) \
    X(32) X(33) X(34) X(35) X(36) X(37) X(38) X(39) X(40) X(41) X(42) X(43) X(44) X(45) X(46) X(47) \
    X(48) X(49) X(50) X(51) X(52) X(53) X(54) X(55) X(56) X(57) X(58) X(59) X(60) X(61) X(62) X(63)
/* clang-format on */
TENS(STEP)
#define NAME(n) step_##n,
static void (*const step_of[])(const struct fl_self *, void *, const struct fl_event *,
                               const struct fl_view *, struct fl_outbox *) = {TENS(NAME)};
_Static_assert(SLOTS <= sizeof step_of / sizeof *step_of, "more models: add numbers to TENS");

static uint64_t steps[SLOTS], twice[SLOTS], fed[SLOTS];
static const char *running = "nothing"; /* for whoever reads the crash */
static uint32_t running_slot;
static const char *doing = "";

static void on_signal(int signal_number)
{
    char text[300];
    const int bytes = snprintf(text, sizeof text, "signal %d: model %s, %s, in %s\n", signal_number,
                               real[running_slot]->name, doing, running);
    if (bytes > 0 && write(STDERR_FILENO, text, (size_t)bytes) < 0) _exit(3);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void wrap_registry(void)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        wrapped[i] = *real[i];
        if (!real[i]->node) continue;
        wrapped_node[i] = *real[i]->node;
        wrapped_node[i].step = step_of[i];
        wrapped[i].node = &wrapped_node[i];
    }
    signal(SIGSEGV, on_signal);
    signal(SIGABRT, on_signal);
    signal(SIGFPE, on_signal);
    signal(SIGBUS, on_signal);
}

/* ------------------------------------------------------------------------------------------------
 * Twice the same
 * --------------------------------------------------------------------------------------------- */

static uint64_t draws;
static uint64_t draw(void)
{
    return fl_draw(SEED, FL_RNG_TIE, 11, draws++, 0);
}
static bool one_in(uint64_t n)
{
    return draw() % n == 0;
}

static struct fl_outbox outbox_a, outbox_b;
static unsigned char *state_a, *state_b;
static size_t state_room;
enum { MARGIN = 4096 }; /* before and after a copy: nobody's business */

/* All of the outbox now and then, else what a step usually touches. */
static void poison(struct fl_outbox *out, int byte)
{
    const bool all = one_in(500);
    memset(out->at, byte, all ? sizeof out->at : 64 * sizeof *out->at);
    memset(out->blob, byte, all ? sizeof out->blob : 64 * sizeof *out->blob);
    memset(out->scratch, byte, all ? sizeof out->scratch : 16384);
}
static void clear(struct fl_outbox *out, fl_endpoint self)
{
    out->self = self;
    out->count = out->blob_count = out->scratch_used = out->signs = out->verifies = 0;
}
__attribute__((noinline)) static uint32_t poison_stack(int byte)
{
    volatile unsigned char leftovers[20000];
    for (size_t i = 0; i < sizeof leftovers; i += 1) leftovers[i] = (unsigned char)byte;
    return leftovers[71];
}

static unsigned char *with_margins(unsigned char *old, size_t bytes)
{
    if (old) free(old - MARGIN);
    unsigned char *made = fl_alloc(1, bytes + 2 * MARGIN);
    memset(made, 0x99, MARGIN);
    return made + MARGIN;
}
static void make_room(size_t bytes)
{
    if (bytes <= state_room) return;
    state_room = 2 * bytes;
    state_a = with_margins(state_a, state_room);
    state_b = with_margins(state_b, state_room);
}
/* The copy of a state, and a margin after it to be looked at later. */
static void copy_state(unsigned char *copy, const void *state, size_t bytes)
{
    memcpy(copy, state, bytes);
    memset(copy + bytes, 0x99, MARGIN);
}
static void check_margins(uint32_t slot, const unsigned char *copy, size_t bytes)
{
    for (size_t i = 0; i < MARGIN; i++)
        cr_assert(copy[bytes + i] == 0x99 && copy[-1 - (ptrdiff_t)i] == 0x99,
                  "%s leaves its state: %s", real[slot]->name, doing);
}

static bool same_outbox(const struct fl_outbox *a, const struct fl_outbox *b)
{
    if (a->count != b->count || a->blob_count != b->blob_count || a->signs != b->signs ||
        a->verifies != b->verifies || memcmp(a->at, b->at, a->count * sizeof *a->at) != 0)
        return false;
    for (uint32_t i = 0; i < a->blob_count; i++) {
        const struct fl_outbox_blob *x = &a->blob[i], *y = &b->blob[i];
        if (x->bytes != y->bytes || x->epoch != y->epoch ||
            memcmp(a->scratch + x->offset, b->scratch + y->offset, x->bytes) != 0 ||
            !fl_digest_equal(x->digest, fl_digest_of(a->scratch + x->offset, x->bytes)))
            return false;
    }
    return true;
}

static void check_effects(uint32_t slot, const struct fl_outbox *out)
{
    const char *name = real[slot]->name;
    cr_assert(out->count <= FL_OUTBOX_EFFECTS && out->blob_count <= FL_OUTBOX_BLOBS &&
                  out->scratch_used <= FL_OUTBOX_SCRATCH,
              "%s leaves the outbox", name);
    for (uint32_t i = 0; i < out->count; i++) {
        const struct fl_effect *e = &out->at[i];
        cr_assert(e->kind >= FL_SEND && e->kind <= FL_PIN, "%s: effect kind %d", name, e->kind);
        cr_assert_eq(e->as.i, out->self.i, "%s acts as somebody else", name);
        cr_assert(e->delay >= 0 && e->origin == 0, "%s: delay %" PRId64, name, e->delay);
        switch (e->kind) {
        case FL_SEND:
            cr_assert(e->reach >= FL_TO_ONE && e->reach <= FL_TO_GROUP, "%s: reach %d", name,
                      e->reach);
            cr_assert_lt(e->msg.family, FL_LAYERS, "%s sends to no layer", name);
            break;
        case FL_SET_TIMER:
        case FL_CANCEL_TIMER:
            cr_assert_lt(e->timer, real[slot]->node->timer_count, "%s: timer %u", name, e->timer);
            break;
        case FL_LOCAL:
            cr_assert(e->msg.family >= FL_CONSENSUS && e->msg.family < FL_LAYERS,
                      "%s calls no layer", name);
            break;
        case FL_NOTE:
            cr_assert(e->record == FL_RECORD_TX ||
                          (e->record >= FL_RECORD_MODELS && e->record < FL_RECORD_MODELS_END),
                      "%s notes a record of kind %d", name, e->record);
            break;
        case FL_BECAUSE:
        case FL_KEEP_FROM:
        case FL_EXECUTE:
        case FL_HEAD:
        case FL_FINALISE:
        case FL_ADOPT:
        case FL_PIN:
            break;
        }
        static const unsigned char zero[sizeof e->msg.zero];
        cr_assert_eq(memcmp(e->msg.zero, zero, sizeof zero), 0, "%s: padding of a message", name);
    }
}

/* ------------------------------------------------------------------------------------------------
 * Nonsense
 * --------------------------------------------------------------------------------------------- */

enum { NONSENSE_BYTES = 4096 };
static _Alignas(16) unsigned char nonsense_data[NONSENSE_BYTES];

static uint64_t odd_word(uint64_t near)
{
    switch (draw() % 8) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX;
    case 2:
        return near + 1;
    case 3:
        return near - 1;
    case 4:
        return draw() % 8;
    case 5:
        return (uint64_t)INT64_MAX + draw() % 2;
    case 6:
        return draw();
    default:
        return near;
    }
}

/* `in` with some of it changed, or nothing of it left. Its content: as it was, altered, cut, grown,
 * random, that of a message of another kind, or none. */
static void make_nonsense(const struct fl_self *self, enum fl_family family,
                          const struct fl_event *in, struct fl_event *event)
{
    *event = (struct fl_event){.kind = FL_MSG, .now = in->now};
    struct fl_msg *m = &event->msg;
    if (in->kind == FL_MSG && !one_in(4)) *m = in->msg;
    m->family = one_in(2) ? 0 : (uint8_t)family;
    if (one_in(3))
        m->kind = (uint16_t)(one_in(8) ? draw() : one_in(2) ? draw() % 8 : 60 + draw() % 40);
    for (uint32_t i = 0; i < 3; i++)
        if (one_in(3)) m->word[i] = odd_word(m->word[i]);
    for (uint32_t i = 0; i < 2; i++)
        if (one_in(3)) m->value[i] = (int64_t)odd_word((uint64_t)m->value[i]);
    if (one_in(4)) m->tag = odd_word(m->tag);
    if (one_in(4)) m->copy = (uint16_t)draw();
    if (one_in(4)) m->version.i = (uint32_t)odd_word(m->version.i);
    if (one_in(2) || in->kind != FL_MSG) /* a member, or anybody */
        m->from.i = one_in(2) ? self->group_first + (uint32_t)(draw() % self->group_size)
                              : (uint32_t)(draw() % self->facts->endpoints);
    m->by.i = m->from.i;

    uint32_t bytes = 0;
    if (in->data && !one_in(4)) { /* made of the real content */
        bytes = in->data_bytes < NONSENSE_BYTES ? in->data_bytes : NONSENSE_BYTES;
        memcpy(nonsense_data, in->data, bytes);
        for (uint64_t n = draw() % 4; n > 0 && bytes > 0; n--) {
            const uint64_t at = draw() % bytes;
            if (one_in(2))
                nonsense_data[at] ^= (unsigned char)(1u << draw() % 8);
            else
                nonsense_data[at] = (unsigned char)draw();
        }
        if (bytes >= 8 && one_in(2)) { /* one word of it: counts, heights, sizes */
            const uint64_t at = draw() % (bytes / 8) * 8, word = odd_word(draw() % 100);
            memcpy(nonsense_data + at, &word, 8);
        }
        if (one_in(4)) bytes = (uint32_t)(draw() % (bytes + 1));
        if (one_in(8)) bytes = (uint32_t)(draw() % NONSENSE_BYTES);
    } else if (!one_in(3)) {
        bytes = (uint32_t)(one_in(2) ? draw() % NONSENSE_BYTES : draw() % 200);
        for (uint32_t i = 0; i < bytes; i += 8) {
            const uint64_t word = odd_word(draw() % 100);
            memcpy(nonsense_data + i, &word, bytes - i < 8 ? bytes - i : 8);
        }
    } else {
        m->blob = FL_NO_BLOB;
        return;
    }
    m->blob.i = 1 + draw() % 1000;
    event->data = nonsense_data;
    event->data_bytes = bytes;
    if (one_in(2)) { /* honest about its content at least */
        const struct fl_digest digest = fl_digest_of(nonsense_data, bytes);
        m->value[0] = (int64_t)digest.lo;
        m->value[1] = (int64_t)digest.hi;
    }
}

static void feed(uint32_t slot, const struct fl_self *self, const void *state, size_t bytes,
                 const struct fl_event *in, const struct fl_view *view)
{
    doing = "fed with nonsense";
    int64_t published[64];
    copy_state(state_a, state, bytes);
    for (uint64_t n = 1 + draw() % 20; n > 0; n--) {
        struct fl_event event;
        make_nonsense(self, real[slot]->family, in, &event);
        clear(&outbox_a, self->endpoint);
        real[slot]->node->step(self, state_a, &event, view, &outbox_a);
        check_effects(slot, &outbox_a);
        fed[slot]++;
    }
    check_margins(slot, state_a, bytes);
    if (real[slot]->node->observe) real[slot]->node->observe(self, state_a, published);
}

/* ------------------------------------------------------------------------------------------------
 * The wrapper
 * --------------------------------------------------------------------------------------------- */

enum { ENDPOINTS_MAX = 4096 };
static bool inspect; /* off while only verdicts matter */
static struct {
    const void *state;
    size_t bytes;
} seen_state[SLOTS][ENDPOINTS_MAX];
static int stack_byte = 0x5a;

static void step_through(uint32_t slot, const struct fl_self *self, void *state,
                         const struct fl_event *in, const struct fl_view *view,
                         struct fl_outbox *out)
{
    const struct fl_node_model *node = real[slot]->node;
    running_slot = slot;
    doing = "a step";
    steps[slot]++;
    if (!inspect) {
        node->step(self, state, in, view, out);
        return;
    }
    const size_t bytes = node->state_bytes(self->params, self);
    cr_assert_lt(self->endpoint.i, ENDPOINTS_MAX);
    const size_t before = seen_state[slot][self->endpoint.i].bytes;
    cr_assert(before == 0 || before == bytes, "%s: state_bytes is not stable", real[slot]->name);
    seen_state[slot][self->endpoint.i].bytes = bytes;
    seen_state[slot][self->endpoint.i].state = state;

    /* Large states less often: what is copied is what this costs. */
    const bool copy = steps[slot] < 200 || one_in(1 + bytes / 32768);
    if (copy) {
        make_room(bytes);
        copy_state(state_a, state, bytes);
        copy_state(state_b, state, bytes);
        doing = "a step on a copy";
        poison(&outbox_a, 0xa5);
        clear(&outbox_a, self->endpoint);
        poison_stack(0x00);
        node->step(self, state_a, in, view, &outbox_a);
        poison(&outbox_b, 0x3c);
        clear(&outbox_b, self->endpoint);
        poison_stack(0xff);
        node->step(self, state_b, in, view, &outbox_b);
        check_margins(slot, state_a, bytes);
        check_margins(slot, state_b, bytes);
        twice[slot]++;
    }
    doing = "a step";
    poison_stack(stack_byte);
    node->step(self, state, in, view, out);
    check_effects(slot, out);
    cr_assert_eq(node->state_bytes(self->params, self), bytes, "%s: state_bytes is not stable",
                 real[slot]->name);
    if (!copy) return;
    cr_assert(memcmp(state_a, state_b, bytes) == 0 && memcmp(state_a, state, bytes) == 0,
              "%s: equal steps lead to different states (event kind %d, message kind %d)",
              real[slot]->name, in->kind, in->msg.kind);
    cr_assert(same_outbox(&outbox_a, &outbox_b) && same_outbox(&outbox_a, out),
              "%s: equal steps have different effects (event kind %d, message kind %d)",
              real[slot]->name, in->kind, in->msg.kind);
    if (steps[slot] < 200 || one_in(4)) feed(slot, self, state, bytes, in, view);
    doing = "between steps";
}

/* ------------------------------------------------------------------------------------------------
 * Scenarios
 * --------------------------------------------------------------------------------------------- */

/* What may make a node say other things than its model does. */
static bool taints(const struct fl_fault_model *fault)
{
    return !fault->crash || fault->forgets;
}

static bool struck(const struct fl_test_run *run, uint32_t endpoint)
{
    for (uint32_t f = 0; f < run->result->fault_count; f++) {
        const struct fl_fault_result *fault = &run->result->fault[f];
        for (uint32_t i = 0; i < fault->spec->count; i++)
            if (fault->member[i] == endpoint && taints(fault->spec->model->fault)) return true;
    }
    return false;
}

/* What a member hands on has the words of whoever said it first, whom no row of the trace names. */
static bool gossips(const struct fl_test_run *run, uint32_t endpoint)
{
    for (uint32_t g = 0; g < run->config->group_count; g++) {
        const struct fl_group *const group = &run->config->group[g];
        if (endpoint - group->first < group->count) return group->gossip_degree > 0;
    }
    return false; /* a twin */
}

static int by_key(const void *left, const void *right)
{
    const struct fl_message_row *a = *(const struct fl_message_row *const *)left,
                                *b = *(const struct fl_message_row *const *)right;
    const uint64_t x[] = {a->from,    a->to,      a->family,  a->kind,
                          a->word[0], a->word[1], a->word[2], a->copy};
    const uint64_t y[] = {b->from,    b->to,      b->family,  b->kind,
                          b->word[0], b->word[1], b->word[2], b->copy};
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
    return 0;
}

/* "An honest model never sends the same key twice to one destination." */
static void check_keys(const struct fl_test_run *run)
{
    const uint64_t count = run->result->message_count;
    const struct fl_message_row **row = fl_alloc((size_t)count + 1, sizeof *row);
    for (uint64_t i = 0; i < count; i++) row[i] = &run->result->message[i];
    qsort(row, (size_t)count, sizeof *row, by_key);
    for (uint64_t i = 1; i < count; i++) {
        if (by_key(&row[i - 1], &row[i]) != 0) continue;
        if (struck(run, row[i]->from) || gossips(run, row[i]->from)) continue;
        char from[80], to[80];
        fl_endpoint_name(run->config, row[i]->from, from, sizeof from);
        fl_endpoint_name(run->config, row[i]->to, to, sizeof to);
        cr_assert_fail("%s: %s sends %s kind %d, words %" PRIu64 ", %" PRIu64 ", %" PRIu64
                       ", copy %d twice to %s, at %" PRId64 " and %" PRId64 " ns",
                       running, from,
                       row[i]->family ? fl_family_name((enum fl_family)row[i]->family) : "any",
                       row[i]->kind, row[i]->word[0], row[i]->word[1], row[i]->word[2],
                       row[i]->copy, to, row[i - 1]->sent, row[i]->sent);
    }
    free(row);
}

/* Digest of every actor's state at the end of a run. */
static struct fl_digest (*state_digests(void))[ENDPOINTS_MAX]
{
    struct fl_digest(*digest)[ENDPOINTS_MAX] = fl_alloc(SLOTS, sizeof *digest);
    for (uint32_t s = 0; s < SLOTS; s++)
        for (uint32_t e = 0; e < ENDPOINTS_MAX; e++)
            if (seen_state[s][e].bytes)
                digest[s][e] = fl_digest_of(seen_state[s][e].state, seen_state[s][e].bytes);
    return digest;
}

enum { OVERRIDES_MAX = 64 };
struct overrides {
    char *at[OVERRIDES_MAX];
    size_t count;
};
__attribute__((format(printf, 2, 3))) static void override(struct overrides *o, const char *format,
                                                           ...)
{
    char text[300];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    cr_assert(o->count < OVERRIDES_MAX);
    o->at[o->count++] = fl_strdup(text);
}
static void free_overrides(struct overrides *o)
{
    while (o->count) free(o->at[--o->count]);
}

/* Twice in one process, with other leftovers on the stack and the heap: nothing may differ. */
static void run_twice(const char *path, const char *text, const struct overrides *o, uint64_t seed)
{
    running = path;
    fprintf(stderr, "%s, seed %" PRIu64 "\n", path, seed);
    struct fl_digest digest[2], (*states[2])[ENDPOINTS_MAX];
    for (uint32_t i = 0; i < 2; i++) {
        memset(seen_state, 0, sizeof seen_state);
        stack_byte = i ? 0xc3 : 0x5a;
        mallopt(M_PERTURB, i ? 0xe7 : 0x18);
        poison_stack(stack_byte);
        struct fl_test_run run =
            text ? fl_test_run(text, (const char *const *)o->at, o->count, seed)
                 : fl_test_run_file(path, (const char *const *)o->at, o->count, seed);
        digest[i] = run.result->digest;
        states[i] = state_digests();
        if (i == 0) check_keys(&run);
        fl_test_run_free(&run);
    }
    for (uint32_t s = 0; s < SLOTS; s++)
        for (uint32_t e = 0; e < ENDPOINTS_MAX; e++)
            cr_assert(fl_digest_equal(states[0][s][e], states[1][s][e]),
                      "%s: state of %s at endpoint %u differs between equal runs", path,
                      real[s]->name, e);
    cr_assert(fl_digest_equal(digest[0], digest[1]), "%s: the digest differs between equal runs",
              path);
    free(states[0]);
    free(states[1]);
}

/* A small part of a long scenario, its faults moved into it. */
static void run_shortened(const char *path)
{
    struct fl_problems problems = {.to = stderr};
    struct fl_config *config = fl_config_load(path, NULL, 0, NULL, &problems);
    cr_assert(config != NULL, "%s", path);
    const fl_time twenty = 20 * FL_SECOND, part = config->end / 72;
    const fl_time end = config->end < twenty ? config->end : part > twenty ? part : twenty;
    struct overrides o = {.count = 0};
    override(&o, "duration_s=%" PRId64 ".%03" PRId64, end / FL_SECOND, end / FL_MILLISECOND % 1000);
    override(&o, "trace={\"detail\": \"messages\"}");
    cJSON *resolved = cJSON_Parse(config->resolved);
    const cJSON *faults = cJSON_GetObjectItemCaseSensitive(resolved, "faults");
    for (const cJSON *fault = faults ? faults->child : NULL; fault; fault = fault->next) {
        const fl_time from = end / FL_MILLISECOND * 3 / 10, to = end / FL_MILLISECOND * 6 / 10;
        override(&o, "faults.%s.from_s=%" PRId64 ".%03" PRId64, fault->string, from / 1000,
                 from % 1000);
        override(&o, "faults.%s.to_s=%" PRId64 ".%03" PRId64, fault->string, to / 1000, to % 1000);
    }
    cJSON_Delete(resolved);
    fl_config_free(config);
    run_twice(path, NULL, &o, SEED);
    free_overrides(&o);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void run_scenarios(void)
{
    DIR *folder = opendir("scenarios");
    cr_assert(folder != NULL, "run it in the root of the repository");
    char *name[1000];
    size_t count = 0;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        const size_t length = strlen(entry->d_name);
        if (length < 5 || strcmp(entry->d_name + length - 5, ".json") != 0) continue;
        if (strstr(entry->d_name, ".schema.")) continue;
        cr_assert_lt(count, 1000);
        name[count++] = fl_strdup(entry->d_name);
    }
    closedir(folder);
    qsort(name, count, sizeof *name, by_name);
    for (size_t i = 0; i < count; i++) {
        char path[400];
        snprintf(path, sizeof path, "scenarios/%s", name[i]);
        run_shortened(path);
        free(name[i]);
    }
}

/* Protocols that no scenario uses yet. */
static const char bracha[] = "{\"name\": \"bracha\", \"duration_s\": 5, \"network\": "
                             "{\"delay_ms\": {\"law\": \"lognormal\", \"median\": 40, "
                             "\"sigma\": 0.6}}, \"nodes\": {\"u\": {\"count\": 3, \"consensus\": "
                             "\"bracha\"}, \"v\": {\"count\": 7, "
                             "\"faulty_max\": 2, \"consensus\": \"bracha\"}, \"w\": {\"count\": "
                             "20, \"consensus\": \"bracha\"}}, "
                             "\"trace\": {\"detail\": \"messages\"}}";

/* Nor is anybody there so far behind that it needs a state in place of blocks. */
#define SNAPSHOTS(consensus)                                                                      \
    "{\"name\": \"snapshots\", \"duration_s\": 20, \"network\": {\"delay_ms\": {\"law\": "        \
    "\"lognormal\", \"median\": 20, \"sigma\": 0.6}}, \"contracts\": {\"feed\": {\"model\": "     \
    "\"feed\", \"aggregator\": \"median\", \"reporters\": [\"v\"], \"quorum\": 1}}, \"nodes\": "  \
    "{\"v\": {\"count\": 4, \"faulty_max\": 1, \"consensus\": {" consensus                        \
    ", \"block_ms\": 100, \"history\": 32, \"snapshots\": true}, \"chain\": \"replica\"}}, "      \
    "\"faults\": {\"c\": {\"model\": \"crash\", \"group\": \"v\", \"members\": [3], \"from_s\": " \
    "2, \"to_s\": 9}}, \"trace\": {\"detail\": \"messages\"}}"
static const char *const snapshots[] = {SNAPSHOTS("\"model\": \"ordered\""),
                                        SNAPSHOTS("\"model\": \"pbft\", \"timeout_ms\": 500")};

Test(conform, every_node_model_keeps_the_contract)
{
    wrap_registry();
    fprintf(stderr, "seed %" PRIu64 "\n", SEED);
    inspect = true;
    run_twice("bracha", bracha, &(struct overrides){.count = 0}, SEED);
    for (size_t i = 0; i < 2; i++)
        run_twice("snapshots", snapshots[i], &(struct overrides){.count = 0}, SEED);
    run_scenarios();
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (!real[i]->node) continue;
        fprintf(stderr, "%-12s %8" PRIu64 " steps, %7" PRIu64 " compared, %7" PRIu64 " fed\n",
                real[i]->name, steps[i], twice[i], fed[i]);
    }
    for (uint32_t i = 0; i < SLOTS; i++)
        if (real[i]->node)
            cr_assert(steps[i] > 0 && twice[i] > 0 && fed[i] > 0, "no scenario uses the model %s",
                      real[i]->name);
}

/* ------------------------------------------------------------------------------------------------
 * Agreement within the fault budget
 * --------------------------------------------------------------------------------------------- */

/* How a protocol is set up, and whom it survives. Others: a consensus and a replica, anybody. */
struct protocol {
    const char *name, *layers, *seconds;
    bool first_is_trusted; /* `ordered`: a sequencer that lies is beyond its budget */
};
static const struct protocol protocols[] = {
    {"bracha", "\"consensus\": \"bracha\"", "4", false},
    {"ordered",
     "\"consensus\": {\"model\": \"ordered\", \"block_ms\": 500}, \"chain\": \"replica\"", "6",
     true},
};
static struct protocol protocol_of(const char *name)
{
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (strcmp(protocols[i].name, name) == 0) return protocols[i];
    static char layers[200];
    snprintf(layers, sizeof layers, "\"consensus\": \"%s\", \"chain\": \"replica\"", name);
    return (struct protocol){name, layers, "6", false};
}

/* Verdict of one run, broken if any property of the order is: `count` of n nodes corrupted by the fault, in a window drawn from the seed. */
static enum fl_verdict_kind agreement(const struct protocol *p, const char *fault, uint32_t n,
                                      uint32_t f, uint32_t count, uint64_t seed)
{
    char victims[100] = "", text[2000];
    if (p->first_is_trusted) { /* others, by draw: a run of them from a random place on */
        const uint32_t start = (uint32_t)fl_draw_below(seed, FL_RNG_TIE, 12, 0, 0, n - 1);
        for (uint32_t i = 0; i < count; i++)
            snprintf(victims + strlen(victims), sizeof victims - strlen(victims), "%s%u",
                     i ? ", " : "\"members\": [", 1 + (start + i) % (n - 1));
        strcat(victims, "]");
    } else {
        snprintf(victims, sizeof victims, "\"count\": %u", count);
    }
    const uint64_t from = fl_draw(seed, FL_RNG_TIE, 12, 1, 0) % 3 == 0
                              ? 0
                              : fl_draw(seed, FL_RNG_TIE, 12, 2, 0) % 400;
    const uint64_t to = from + 1 + fl_draw(seed, FL_RNG_TIE, 12, 3, 0) % 4000;
    snprintf(text, sizeof text,
             "{\"name\": \"agreement\", \"duration_s\": %s, \"network\": {\"delay_ms\": {\"law\": "
             "\"lognormal\", "
             "\"median\": 30, \"sigma\": 0.7}}, \"nodes\": {\"v\": {\"count\": %u, \"faulty_max\": "
             "%u, %s}}, "
             "\"faults\": {\"x\": {\"model\": \"%s\", \"group\": \"v\", %s, \"from_s\": 0.%03u, "
             "\"to_s\": %u.%03u}}, "
             "\"checks\": {\"agreement\": \"agreement\", \"equal_states\": \"equal_states\", "
             "\"validity\": \"validity\", \"finality\": \"finality\", \"certified\": "
             "\"certified\", \"lock\": \"lock\"}, \"trace\": {\"detail\": \"summary\"}}",
             p->seconds, n, f, p->layers, fault, victims, (unsigned)from, (unsigned)(to / 1000),
             (unsigned)(to % 1000));
    running = text;
    struct fl_test_run run = fl_test_run(text, NULL, 0, seed);
    enum fl_verdict_kind kind = fl_test_verdict(&run, "agreement")->kind;
    for (uint32_t i = 0; i < run.config->check_count; i++)
        if (run.result->verdict[i].kind == FL_BROKEN) kind = FL_BROKEN;
    fl_test_run_free(&run);
    return kind;
}

enum { SEEDS = 120 };

static void check_agreement(const struct protocol *p, const char *fault)
{
    uint32_t holds = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        const uint32_t n = seed % 3 ? 4 : 7, f = (n - 1) / 3;
        const enum fl_verdict_kind kind = agreement(p, fault, n, f, f, seed);
        cr_assert_neq(kind, FL_BROKEN,
                      "%s under %s: %u of %u corrupted, seed %" PRIu64
                      ": a check of the order is broken; %s",
                      p->name, fault, f, n, seed, running);
        holds += kind == FL_HOLDS;
    }
    fprintf(stderr, "%s under %s: holds in %u of %d runs, says nothing in the others\n", p->name,
            fault, holds, SEEDS);
    cr_assert_gt(holds, SEEDS / 3, "%s under %s: hardly anything was decided", p->name, fault);
}

Test(conform, every_consensus_agrees_under_every_fault_within_its_budget)
{
    wrap_registry();
    fprintf(stderr, "seeds 1..%d\n", SEEDS);
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (real[i]->family != FL_CONSENSUS) continue;
        const struct protocol p = protocol_of(real[i]->name);
        for (uint32_t k = 0; k < SLOTS; k++)
            if (real[k]->family == FL_FAULT) check_agreement(&p, real[k]->name);
    }
}

/* The check can fire: beyond the budget, liars break Bracha's broadcast for some seed. */
Test(conform, agreement_breaks_beyond_the_budget)
{
    wrap_registry();
    fprintf(stderr, "seeds 1..%d\n", SEEDS);
    const struct protocol p = protocol_of("bracha");
    uint32_t broken = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        broken += agreement(&p, "equivocate", 4, 1, 2, seed) == FL_BROKEN;
    fprintf(stderr, "broken in %u of %d runs\n", broken, SEEDS);
    cr_assert_gt(broken, 0);
}
