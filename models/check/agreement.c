/* No two honest replicas decide different payloads at one height, nor come to different states.
 *
 * Agreement as in Bracha and Toueg 1985, over all heights (the safety of Castro and Liskov 1999,
 * section 2); equal states are state machine replication (Schneider 1990). Endpoints that are not
 * honest (fl_watch_honest) do not count; those that are slow, silent or lose messages are, and do.
 *
 * The first word heard at a height is kept for the last 4096 heights. What arrives later than that is
 * counted, not compared. A replica that decides twice, differently, disagrees with itself. */
#include "models/wire.h"

enum { HEIGHTS = 4096 };

struct height {
    uint64_t height; /* 0: empty */
    uint64_t decided, applied;
    struct fl_digest payload;
    int64_t state;
};

struct state {
    int64_t decided; /* heights with a decision */
    int64_t late;    /* records about heights no longer kept */
    int64_t conflicts;
    int64_t first_height; /* of the first conflict */
    fl_time first_at;
    int64_t first_record;
    struct height ring[HEIGHTS];
};

/* NULL if it is no longer kept, or no height at all. */
static struct height *height_at(struct state *s, int64_t number)
{
    if (number <= 0) return NULL;
    struct height *const h = &s->ring[number % HEIGHTS];
    if (h->height > (uint64_t)number) {
        s->late++;
        return NULL;
    }
    if (h->height < (uint64_t)number) {
        h->height = (uint64_t)number;
        h->decided = h->applied = 0;
    }
    return h;
}

static void conflict(struct state *s, uint32_t id, const struct fl_record *r)
{
    if (s->conflicts++ > 0) return;
    s->first_height = r->v[0];
    s->first_at = r->at;
    s->first_record = id;
}

static void on_decided(struct state *s, uint32_t id, const struct fl_record *r)
{
    const struct fl_digest payload = {(uint64_t)r->v[2], (uint64_t)r->v[3]};
    struct height *const h = height_at(s, r->v[0]);
    if (!h) return;
    if (h->decided) {
        if (!fl_digest_equal(h->payload, payload)) conflict(s, id, r);
        return;
    }
    h->decided = 1;
    h->payload.lo = payload.lo;
    h->payload.hi = payload.hi;
    s->decided++;
}

static void on_applied(struct state *s, uint32_t id, const struct fl_record *r)
{
    struct height *const h = height_at(s, r->v[0]);
    if (!h) return;
    if (h->applied) {
        if (h->state != r->v[2]) conflict(s, id, r);
        return;
    }
    h->applied = 1;
    h->state = r->v[2];
}

static void record(const struct fl_watch *watch, void *state, uint32_t id,
                   const struct fl_record *r)
{
    if (r->kind != FL_RECORD_DECIDED && r->kind != FL_RECORD_APPLIED) return;
    if (!fl_watch_honest(watch, r->endpoint)) return;
    if (r->kind == FL_RECORD_DECIDED)
        on_decided(state, id, r);
    else
        on_applied(state, id, r);
}

static struct fl_verdict verdict(const void *params, const void *state)
{
    const struct state *const s = state;
    (void)params;
    struct fl_verdict v = {.kind = FL_HOLDS, .unit = {FL_COUNT, FL_COUNT}};
    if (s->conflicts > 0) {
        v.kind = FL_BROKEN;
        v.what = "honest replicas disagree {1} times, first at height {0}";
        v.value[0] = s->first_height;
        v.value[1] = s->conflicts;
        v.record = (uint32_t)s->first_record;
        v.at = s->first_at;
        return v;
    }
    if (s->decided == 0) v.kind = FL_NOT_APPLICABLE;
    v.what = "one payload and one state at each of {0} heights, {1} records too late to compare";
    v.value[0] = s->decided;
    v.value[1] = s->late;
    return v;
}

static size_t state_bytes(const void *params, const struct fl_facts *facts)
{
    (void)params;
    (void)facts;
    return sizeof(struct state);
}

static void init(const struct fl_watch *watch, void *state)
{
    (void)watch;
    (void)state; /* all zeroes: nothing heard */
}

static void observe(const void *params, const void *state, int64_t *out)
{
    const struct state *const s = state;
    (void)params;
    out[0] = s->conflicts;
    out[1] = s->late;
}

static const struct fl_observable observables[] = {
    {"agreement.conflicts", "decisions and states that contradict an honest replica's", FL_COUNT,
     FL_SUM},
    {"agreement.late", "decisions and states too old to compare", FL_COUNT, FL_SUM},
    {.name = NULL},
};

static const struct fl_check_model watch_model = {
    .state_bytes = state_bytes,
    .init = init,
    .record = record,
    .verdict = verdict,
    .observe = observe,
};

const struct fl_model fl_model_agreement = {
    .name = "agreement",
    .family = FL_CHECK,
    .doc = "no two honest replicas decide different payloads, or reach different states, at one "
           "height",
    .observables = observables,
    .watch = &watch_model,
};
