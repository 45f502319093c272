/* Honest replicas that have executed the same height have the same state.
 *
 * State machine replication (Schneider 1990, section 2): the same commands in the same order bring
 * deterministic machines to the same state. That they were given the same is what `agreement` says;
 * two replicas that were not show here as well. States are compared by the low half of their hash. The
 * first one heard at a height is kept for the last 4096 heights; what comes later is counted. */
#include "models/check/heights.h"

struct height {
    uint64_t height; /* 0: empty */
    int64_t applied, state;
};

struct state {
    int64_t applied; /* heights executed by some honest replica */
    int64_t late;
    struct fl_first conflict;
    struct height ring[FL_HEIGHTS];
};

static void record(const struct fl_watch *watch, void *state, uint32_t id,
                   const struct fl_record *r)
{
    struct state *const s = state;
    if (r->kind != FL_RECORD_APPLIED || !fl_watch_honest(watch, r->endpoint)) return;
    struct height *const h = fl_height_at(s->ring, FL_HEIGHTS, sizeof *h, r->v[0], &s->late);
    if (!h) return;
    if (h->applied) {
        if (h->state != r->v[2]) fl_violation(&s->conflict, 1, id, r);
        return;
    }
    h->applied = 1;
    h->state = r->v[2];
    s->applied++;
}

static struct fl_verdict verdict(const void *params, const void *state)
{
    const struct state *const s = state;
    (void)params;
    if (s->conflict.count > 0)
        return fl_broken(&s->conflict,
                         "states of honest replicas differ {1} times, first at height {0}");
    return (struct fl_verdict){
        .kind = s->applied == 0 ? FL_NOT_APPLICABLE : FL_HOLDS,
        .what = "one state at each of {0} heights, {1} states too late to compare",
        .value = {s->applied, s->late},
        .unit = {FL_COUNT, FL_COUNT}};
}

static size_t state_bytes(const void *params, const struct fl_facts *facts)
{
    (void)params;
    (void)facts;
    return sizeof(struct state);
}

static void observe(const void *params, const void *state, int64_t *out)
{
    const struct state *const s = state;
    (void)params;
    out[0] = s->conflict.count;
    out[1] = s->late;
}

static const struct fl_observable observables[] = {
    {"equal_states.conflicts", "states that contradict an honest replica's", FL_COUNT, FL_SUM},
    {"equal_states.late", "states too old to compare", FL_COUNT, FL_SUM},
    {.name = NULL},
};

static const struct fl_check_model watch_model = {
    .state_bytes = state_bytes,
    .record = record,
    .verdict = verdict,
    .observe = observe,
};

const struct fl_model fl_model_equal_states = {
    .name = "equal_states",
    .family = FL_CHECK,
    .doc = "honest replicas that have executed the same height have the same state",
    .observables = observables,
    .watch = &watch_model,
};
