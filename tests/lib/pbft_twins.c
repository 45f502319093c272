/* Broken twins of PBFT: the same code by one wrong rule each, and the registry that holds them. */
#include "tests/lib/pbft_twins.h"

#include "tests/lib/check_twins.h"

#define TWIN(name, wrong)                                                                       \
    static void name##_step(const struct fl_self *self, void *state, const struct fl_event *in, \
                            const struct fl_view *view, struct fl_outbox *out)                  \
    {                                                                                           \
        struct fl_pbft_rules rules = fl_pbft_rules;                                             \
        wrong;                                                                                  \
        fl_pbft_step(&rules, self, state, in, view, out);                                       \
    }

TWIN(small_quorum, rules.quorum_less = 1)
TWIN(no_lock, rules.shows_prepared = false)
TWIN(lost_vote, rules.remembers_votes = false)
TWIN(no_proof, rules.checks_proofs = false)
TWIN(stopped_timer, rules.restarts_timer = false)
TWIN(no_signature, rules.checks_signatures = false)

const struct pbft_twin pbft_twins[] = {
    {"pbft_small_quorum", "quorum of 2f"},
    {"pbft_no_lock", "VIEW-CHANGE does not report what was prepared"},
    {"pbft_lost_vote", "votes again for the same number in the same view"},
    {"pbft_no_proof", "believes VIEW-CHANGE messages without their certificates"},
    {"pbft_stopped_timer", "the timer does not start again after progress"},
    {"pbft_no_signature", "checks no signature"},
    {NULL, NULL},
};

extern const struct fl_model fl_model_pbft;
extern const struct fl_model fl_model_pbft_liar, fl_model_pbft_tape;

static struct fl_model twin_model[6];
static struct fl_node_model twin_node[6];

#define FL_MODEL(id) extern const struct fl_model fl_model_##id;
#include "models/registry.def"
#undef FL_MODEL

const struct fl_model *const fl_models[] = {
#define FL_MODEL(id) &fl_model_##id,
#include "models/registry.def"
#undef FL_MODEL
    &fl_model_pbft_liar,
    &fl_model_pbft_tape,
    &twin_model[0],
    &twin_model[1],
    &twin_model[2],
    &twin_model[3],
    &twin_model[4],
    &twin_model[5],
    &fl_model_pbft_forgetful,
    &fl_model_pbft_self_willed,
    &fl_model_replica_forgetful,
    &fl_model_replica_astray,
    &fl_model_teller,
    &fl_model_clearing,
    NULL};

/* Everything but the step is the protocol's own. Before main, in every test's process. */
__attribute__((constructor)) static void make_twins(void)
{
    static void (*const step[])(const struct fl_self *, void *, const struct fl_event *,
                                const struct fl_view *, struct fl_outbox *) = {
        small_quorum_step, no_lock_step,       lost_vote_step,
        no_proof_step,     stopped_timer_step, no_signature_step};
    for (size_t i = 0; i < sizeof twin_model / sizeof *twin_model; i++) {
        twin_node[i] = *fl_model_pbft.node;
        twin_node[i].step = step[i];
        twin_model[i] = fl_model_pbft;
        twin_model[i].name = pbft_twins[i].model;
        twin_model[i].doc = pbft_twins[i].fault;
        twin_model[i].node = &twin_node[i];
    }
}
