/* Honest replicas keep their locks.
 *
 *   own:      the view in which a replica locks a payload at a height never decreases, and in one view it
 *             locks one payload
 *   decided:  once a payload is decided in some view, nobody honest locks another at that height in that
 *             view or a later one
 *
 * The second is the invariant from which agreement across views follows (Castro and Liskov 1999, 4.4; the
 * lock of Dwork, Lynch and Stockmeyer 1988). It is compared in whatever order the records come: a
 * certificate may be complete somewhere long after others have gone on.
 *
 * The last 4096 heights are kept, and of each endpoint its locks at the last 64 or more (65,536 divided by
 * the endpoints); what comes later is counted, not compared. Does not apply to protocols that note no
 * locks. */
#include "models/check/heights.h"

enum { OWN_LOCKS = 65536, OWN_HEIGHTS_MIN = 64 };
enum wrong { OLDER_VIEW = 1, OTHER_PAYLOAD, AGAINST_DECISION };

struct lock {
    int64_t view; /* 1 + view; 0: none */
    struct fl_digest payload;
};
struct own {
    uint64_t height; /* 0: empty */
    struct lock lock;
};
/* The two payloads locked in the highest views, the higher first, and the two decided in the lowest
 * views, the lower first. If any lock contradicts any decision, one of these does one of those: let L
 * contradict D. If the payloads of locked[0] and decided[0] differ, these two will do. Else L is about
 * another payload than they are, and locked[1] is at least as high; or D is, and decided[1] is at least
 * as low. */
struct height {
    uint64_t height; /* 0: empty */
    struct lock locked[2], decided[2];
};

struct state {
    uint32_t own_heights, zero;
    int64_t locks, late;
    struct fl_first violation;
    struct height ring[FL_HEIGHTS];
    /* followed by own[endpoints][own_heights] */
};

static uint32_t own_heights(const struct fl_facts *facts)
{
    const uint32_t each = OWN_LOCKS / (facts->endpoints > 0 ? facts->endpoints : 1);
    return each > OWN_HEIGHTS_MIN ? each : OWN_HEIGHTS_MIN;
}

static void set(struct lock *lock, int64_t view, struct fl_digest payload)
{
    lock->view = view;
    lock->payload.lo = payload.lo;
    lock->payload.hi = payload.hi;
}

/* Puts it among the two of different payloads that are kept. `sign` 1 keeps the highest views, -1 the
 * lowest. */
static void keep(struct lock pair[2], const struct lock *lock, int64_t sign)
{
    const bool before_0 = pair[0].view == 0 || sign * (lock->view - pair[0].view) > 0;
    const bool before_1 = pair[1].view == 0 || sign * (lock->view - pair[1].view) > 0;
    if (pair[0].view != 0 && fl_digest_equal(pair[0].payload, lock->payload)) {
        if (before_0) pair[0].view = lock->view;
    } else if (before_0) {
        pair[1] = pair[0];
        pair[0] = *lock;
    } else if (before_1) {
        pair[1] = *lock;
    }
}

static bool contradict(const struct lock *locked, const struct lock *decided)
{
    return locked->view != 0 && decided->view != 0 && locked->view >= decided->view &&
           !fl_digest_equal(locked->payload, decided->payload);
}

static void on_locked(struct state *s, uint32_t id, const struct fl_record *r)
{
    struct lock lock;
    set(&lock, r->v[2] + 1, fl_record_digest(r, 3));
    s->locks++;
    struct own *const rings = (void *)(s + 1);
    struct own *const own = fl_height_at(rings + (size_t)r->endpoint * s->own_heights,
                                         s->own_heights, sizeof *own, r->v[0], &s->late);
    if (own) {
        const struct lock *const before = &own->lock;
        if (lock.view < before->view)
            fl_violation(&s->violation, OLDER_VIEW, id, r);
        else if (lock.view == before->view && !fl_digest_equal(lock.payload, before->payload))
            fl_violation(&s->violation, OTHER_PAYLOAD, id, r);
        own->lock = lock;
    }
    struct height *const h = fl_height_at(s->ring, FL_HEIGHTS, sizeof *h, r->v[0], &s->late);
    if (!h) return;
    if (contradict(&lock, &h->decided[0]) || contradict(&lock, &h->decided[1]))
        fl_violation(&s->violation, AGAINST_DECISION, id, r);
    keep(h->locked, &lock, 1);
}

static void on_certified(struct state *s, uint32_t id, const struct fl_record *r)
{
    struct height *const h = fl_height_at(s->ring, FL_HEIGHTS, sizeof *h, r->v[0], &s->late);
    if (!h) return;
    struct lock decided;
    set(&decided, r->v[2] + 1, fl_record_digest(r, 3));
    if (contradict(&h->locked[0], &decided) || contradict(&h->locked[1], &decided))
        fl_violation(&s->violation, AGAINST_DECISION, id, r);
    keep(h->decided, &decided, -1);
}

static void record(const struct fl_watch *watch, void *state, uint32_t id,
                   const struct fl_record *r)
{
    if (r->kind != FL_RECORD_LOCKED && r->kind != FL_RECORD_CERTIFIED) return;
    if (!fl_watch_honest(watch, r->endpoint)) return;
    if (r->kind == FL_RECORD_LOCKED)
        on_locked(state, id, r);
    else
        on_certified(state, id, r);
}

static const char *clause(enum wrong wrong)
{
    switch (wrong) {
    case OLDER_VIEW:
        return "an honest replica locks in an older view at height {0}; {1} violations";
    case OTHER_PAYLOAD:
        return "an honest replica locks two payloads in one view at height {0}; {1} violations";
    case AGAINST_DECISION:
        return "a lock stands against the decision at height {0}; {1} violations";
    }
    FL_UNREACHABLE("violation of locks");
}

static struct fl_verdict verdict(const void *params, const void *state)
{
    const struct state *const s = state;
    (void)params;
    if (s->violation.count > 0)
        return fl_broken(&s->violation, clause((enum wrong)s->violation.what));
    return (struct fl_verdict){.kind = s->locks == 0 ? FL_NOT_APPLICABLE : FL_HOLDS,
                               .what = "{0} locks kept, {1} records too late to compare",
                               .value = {s->locks, s->late},
                               .unit = {FL_COUNT, FL_COUNT}};
}

static size_t state_bytes(const void *params, const struct fl_facts *facts)
{
    (void)params;
    return sizeof(struct state) +
           (size_t)facts->endpoints * own_heights(facts) * sizeof(struct own);
}

static void init(const struct fl_watch *watch, void *state)
{
    struct state *const s = state;
    s->own_heights = own_heights(watch->facts);
}

static void observe(const void *params, const void *state, int64_t *out)
{
    const struct state *const s = state;
    (void)params;
    out[0] = s->violation.count;
    out[1] = s->late;
}

static const struct fl_observable observables[] = {
    {"lock.violations", "locks given up, or held against a decision", FL_COUNT, FL_SUM},
    {"lock.late", "locks and certificates too old to compare", FL_COUNT, FL_SUM},
    {.name = NULL},
};

static const struct fl_check_model watch_model = {
    .state_bytes = state_bytes,
    .init = init,
    .record = record,
    .verdict = verdict,
    .observe = observe,
};

const struct fl_model fl_model_lock = {
    .name = "lock",
    .family = FL_CHECK,
    .doc = "locks of honest replicas never go back, and never stand against a decision",
    .observables = observables,
    .watch = &watch_model,
};
