/* No two honest replicas decide different payloads at one height.
 *
 * Agreement as in Bracha and Toueg 1985, over all heights (the safety of Castro and Liskov 1999,
 * section 2). Endpoints that are not honest (fl_watch_honest) do not count; those that are slow, silent
 * or lose messages are, and do.
 *
 * The first decision heard at a height is kept for the last 4096 heights. What arrives later than that is
 * counted, not compared. A replica that decides twice, differently, disagrees with itself. */
#include "models/check/heights.h"

struct height {
    uint64_t height; /* 0: empty */
    uint64_t decided;
    struct fl_digest payload;
};

struct state {
    int64_t decided; /* heights with a decision */
    int64_t late;    /* records about heights no longer kept */
    struct fl_first conflict;
    struct height ring[FL_HEIGHTS];
};

static void record(const struct fl_watch *watch, void *state, uint32_t id,
                   const struct fl_record *r)
{
    struct state *const s = state;
    if (r->kind != FL_RECORD_DECIDED || !fl_watch_honest(watch, r->endpoint)) return;
    const struct fl_digest payload = fl_record_digest(r, 2);
    struct height *const h = fl_height_at(s->ring, FL_HEIGHTS, sizeof *h, r->v[0], &s->late);
    if (!h) return;
    if (h->decided) {
        if (!fl_digest_equal(h->payload, payload)) fl_violation(&s->conflict, 1, id, r);
        return;
    }
    h->decided = 1;
    h->payload.lo = payload.lo;
    h->payload.hi = payload.hi;
    s->decided++;
}

static struct fl_verdict verdict(const void *params, const void *state)
{
    const struct state *const s = state;
    (void)params;
    if (s->conflict.count > 0)
        return fl_broken(&s->conflict, "honest replicas disagree {1} times, first at height {0}");
    return (struct fl_verdict){
        .kind = s->decided == 0 ? FL_NOT_APPLICABLE : FL_HOLDS,
        .what = "one payload at each of {0} heights, {1} decisions too late to compare",
        .value = {s->decided, s->late},
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
    {"agreement.conflicts", "decisions that contradict an honest replica's", FL_COUNT, FL_SUM},
    {"agreement.late", "decisions too old to compare", FL_COUNT, FL_SUM},
    {.name = NULL},
};

static const struct fl_check_model watch_model = {
    .state_bytes = state_bytes,
    .record = record,
    .verdict = verdict,
    .observe = observe,
};

const struct fl_model fl_model_agreement = {
    .name = "agreement",
    .family = FL_CHECK,
    .doc = "no two honest replicas decide different payloads at one height",
    .observables = observables,
    .watch = &watch_model,
};
