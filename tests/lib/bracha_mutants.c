/* Bracha's broadcast with one rule broken each: see bracha_mutants.h. */
#include "tests/lib/bracha_mutants.h"

#include <stddef.h>

#define RULES .votes = 1, .initials = 1, .checks_sender = true
const struct bracha_mutant bracha_mutants[] = {
    {"bracha_echoes_2f", "2f echoes make ready", {RULES, .echoes_less = 1}},
    {"bracha_support_f", "f readies make ready", {RULES, .support_less = 1}},
    {"bracha_readies_2f", "2f readies deliver", {RULES, .readies_less = 1}},
    {"bracha_readies_f", "f readies deliver", {RULES, .readies_less = 2}},
    {"bracha_votes_twice",
     "a vote counts twice if it comes twice",
     {.votes = 2, .initials = 1, .checks_sender = true}},
    {"bracha_echoes_twice",
     "a second payload of the sender is echoed too",
     {.votes = 1, .initials = 2, .checks_sender = true}},
    {"bracha_any_sender", "anybody's payload is echoed", {.votes = 1, .initials = 1}},
    {.model = NULL}};

/* --- checks ---------------------------------------------------------------------------------------- */

/* By endpoint: how often it decided, and the sum of what. */
struct witnessed {
    uint64_t times;
    struct fl_digest sum;
};

static size_t witness_bytes(const void *params, const struct fl_facts *facts)
{
    (void)params;
    return facts->endpoints * sizeof(struct witnessed);
}

static void witness_record(const struct fl_watch *watch, void *state, uint32_t id,
                           const struct fl_record *r)
{
    struct witnessed *const seen = state;
    (void)id;
    if (r->kind != FL_RECORD_DECIDED || !fl_watch_honest(watch, r->endpoint)) return;
    seen[r->endpoint].times++;
    seen[r->endpoint].sum.lo += (uint64_t)r->v[2];
    seen[r->endpoint].sum.hi += (uint64_t)r->v[3];
}

static struct fl_verdict witness_verdict(const void *params, const void *state)
{
    (void)params;
    (void)state;
    return (struct fl_verdict){.kind = FL_HOLDS, .what = "seen", .unit = {FL_COUNT, FL_COUNT}};
}

static void observe_nothing(const void *params, const void *state, int64_t *out)
{
    (void)params;
    (void)state;
    (void)out;
}

static void witness_finish(const struct fl_watch *watch, void *state)
{
    (void)watch;
    (void)state; /* it has seen all there was */
}

static const struct fl_check_model onlooker = {.state_bytes = witness_bytes,
                                               .record = witness_record,
                                               .verdict = witness_verdict,
                                               .observe = observe_nothing};
static const struct fl_check_model witness = {.finish = witness_finish,
                                              .state_bytes = witness_bytes,
                                              .record = witness_record,
                                              .verdict = witness_verdict,
                                              .observe = observe_nothing};

struct sender_params {
    int64_t low, high;
};

static size_t sender_bytes(const void *params, const struct fl_facts *facts)
{
    (void)params;
    (void)facts;
    return sizeof(int64_t);
}

static void sender_record(const struct fl_watch *watch, void *state, uint32_t id,
                          const struct fl_record *r)
{
    const struct sender_params *const p = watch->params;
    (void)id;
    if (r->kind != FL_RECORD_DECIDED || !fl_watch_honest(watch, r->endpoint)) return;
    *(int64_t *)state |= r->v[2] != p->low || r->v[3] != p->high;
}

static struct fl_verdict sender_verdict(const void *params, const void *state)
{
    struct fl_verdict v = {.kind = FL_HOLDS, .what = "nothing else was delivered"};
    (void)params;
    v.unit[0] = v.unit[1] = FL_COUNT;
    if (*(const int64_t *)state) {
        v.kind = FL_BROKEN;
        v.what = "an honest member delivered what the sender did not say";
    }
    return v;
}

static const struct fl_param sender_rows[] = {
    {.key = "low",
     .type = FL_INTEGER,
     .offset = offsetof(struct sender_params, low),
     .min = INT64_MIN,
     .max = INT64_MAX,
     .doc = "low half of the digest"},
    {.key = "high",
     .type = FL_INTEGER,
     .offset = offsetof(struct sender_params, high),
     .min = INT64_MIN,
     .max = INT64_MAX,
     .doc = "high half of the digest"},
    {.key = NULL},
};
static const struct fl_check_model honest_sender = {.state_bytes = sender_bytes,
                                                    .record = sender_record,
                                                    .verdict = sender_verdict,
                                                    .observe = observe_nothing};

static const struct fl_model witness_model = {
    .name = "witness", .family = FL_CHECK, .doc = "who decided what", .watch = &witness};
static const struct fl_model onlooker_model = {
    .name = "onlooker", .family = FL_CHECK, .doc = "who decided what", .watch = &onlooker};
static const struct fl_model sender_model = {.name = "honest_sender",
                                             .family = FL_CHECK,
                                             .doc = "only the sender's payload is delivered",
                                             .params = sender_rows,
                                             .params_bytes = sizeof(struct sender_params),
                                             .watch = &honest_sender};

/* --- the registry ------------------------------------------------------------------------------------ */

enum { MUTANTS = sizeof bracha_mutants / sizeof *bracha_mutants - 1 };

#define STEP(i)                                                                              \
    static void step_##i(const struct fl_self *self, void *state, const struct fl_event *in, \
                         const struct fl_view *view, struct fl_outbox *out)                  \
    {                                                                                        \
        (void)view;                                                                          \
        fl_bracha_step(&bracha_mutants[i].rules, self, state, in, out);                      \
    }
STEP(0)
STEP(1)
STEP(2)
STEP(3)
STEP(4)
STEP(5)
STEP(6)

static struct fl_model mutant_model[MUTANTS];
static struct fl_node_model mutant_node[MUTANTS];

#define FL_MODEL(id) extern const struct fl_model fl_model_##id;
#include "models/registry.def"
#undef FL_MODEL

const struct fl_model *const fl_models[] = {
#define FL_MODEL(id) &fl_model_##id,
#include "models/registry.def"
#undef FL_MODEL
    &mutant_model[0],
    &mutant_model[1],
    &mutant_model[2],
    &mutant_model[3],
    &mutant_model[4],
    &mutant_model[5],
    &mutant_model[6],
    &witness_model,
    &onlooker_model,
    &sender_model,
    NULL};

/* Everything but the step is the protocol's own. Before main, in every test's process. */
__attribute__((constructor)) static void make_mutants(void)
{
    static void (*const step[MUTANTS])(const struct fl_self *, void *, const struct fl_event *,
                                       const struct fl_view *, struct fl_outbox *) = {
        step_0, step_1, step_2, step_3, step_4, step_5, step_6};
    for (size_t i = 0; i < MUTANTS; i++) {
        mutant_node[i] = *fl_model_bracha.node;
        mutant_node[i].step = step[i];
        mutant_model[i] = fl_model_bracha;
        mutant_model[i].name = bracha_mutants[i].model;
        mutant_model[i].doc = bracha_mutants[i].what;
        mutant_model[i].node = &mutant_node[i];
    }
}
