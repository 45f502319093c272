/* Certificates that honest replicas hold make one chain.
 *
 *   prepared:  no two certificates that a quorum prepared different payloads in one view at one height
 *              (FL_RECORD_LOCKED; Castro and Liskov 1999, 4.2: prepared(m, v, n) for one m at most)
 *   decided:   no two certificates that different payloads are decided at one height, whatever the view
 *              (FL_RECORD_CERTIFIED)
 *   executed:  what is executed is certified, and so is the parent that its header names
 *
 * A certificate is shown here before anybody acts on it: two of them may meet at a replica that has not
 * decided yet, and agreement be broken only later, or never.
 *
 * The last 4096 heights are kept, at each the newest of four views that are the same modulo 4. What comes
 * later is counted, not compared. Digests of executed blocks are compared by their low halves. Does not
 * apply to protocols that note no certificates. */
#include "models/check/heights.h"

enum { VIEWS = 4 };
enum wrong { TWO_PREPARED = 1, TWO_DECIDED, UNCERTIFIED, UNCERTIFIED_PARENT };

struct prepared {
    int64_t view; /* 1 + view; 0: none */
    struct fl_digest payload;
};
struct height {
    uint64_t height; /* 0: empty */
    uint64_t certified;
    struct fl_digest payload;
    struct prepared prepared[VIEWS];
};

struct state {
    int64_t certified; /* heights with a certificate */
    int64_t late;
    struct fl_first violation;
    struct height ring[FL_HEIGHTS];
};

static struct height *height_at(struct state *s, int64_t number)
{
    return fl_height_at(s->ring, FL_HEIGHTS, sizeof(struct height), number, &s->late);
}

static void on_prepared(struct state *s, uint32_t id, const struct fl_record *r)
{
    const struct fl_digest payload = fl_record_digest(r, 3);
    struct height *const h = height_at(s, r->v[0]);
    if (!h || r->v[2] < 0) return;
    struct prepared *const p = &h->prepared[r->v[2] % VIEWS];
    if (p->view > r->v[2] + 1) {
        s->late++;
        return;
    }
    if (p->view == r->v[2] + 1 && !fl_digest_equal(p->payload, payload))
        fl_violation(&s->violation, TWO_PREPARED, id, r);
    p->view = r->v[2] + 1;
    p->payload.lo = payload.lo;
    p->payload.hi = payload.hi;
}

static void on_certified(struct state *s, uint32_t id, const struct fl_record *r)
{
    const struct fl_digest payload = fl_record_digest(r, 3);
    struct height *const h = height_at(s, r->v[0]);
    if (!h) return;
    if (h->certified) {
        if (!fl_digest_equal(h->payload, payload)) fl_violation(&s->violation, TWO_DECIDED, id, r);
        return;
    }
    h->certified = 1;
    h->payload.lo = payload.lo;
    h->payload.hi = payload.hi;
    s->certified++;
}

/* Is the payload with that low half certified at `number`? Also if nobody remembers. */
static bool certified(struct state *s, int64_t number, int64_t payload)
{
    const struct height *const h = height_at(s, number);
    return !h || (h->certified && h->payload.lo == (uint64_t)payload);
}

static void on_applied(struct state *s, uint32_t id, const struct fl_record *r)
{
    const int64_t height = r->v[0];
    if (s->certified == 0) return; /* the protocol notes none, or nothing was decided by it yet */
    if (!certified(s, height, r->v[3])) fl_violation(&s->violation, UNCERTIFIED, id, r);
    if (r->v[5] != 0) return; /* a snapshot: the replica has not seen its parent */
    if (height == 1 ? r->v[4] != 0 : !certified(s, height - 1, r->v[4]))
        fl_violation(&s->violation, UNCERTIFIED_PARENT, id, r);
}

static void record(const struct fl_watch *watch, void *state, uint32_t id,
                   const struct fl_record *r)
{
    struct state *const s = state;
    if (r->kind != FL_RECORD_LOCKED && r->kind != FL_RECORD_CERTIFIED &&
        r->kind != FL_RECORD_APPLIED)
        return;
    if (!fl_watch_honest(watch, r->endpoint)) return;
    if (r->kind == FL_RECORD_LOCKED)
        on_prepared(s, id, r);
    else if (r->kind == FL_RECORD_CERTIFIED)
        on_certified(s, id, r);
    else
        on_applied(s, id, r);
}

static const char *clause(enum wrong wrong)
{
    switch (wrong) {
    case TWO_PREPARED:
        return "two payloads are prepared in one view at height {0}; {1} violations";
    case TWO_DECIDED:
        return "two payloads are certified at height {0}; {1} violations";
    case UNCERTIFIED:
        return "what is executed at height {0} is not certified; {1} violations";
    case UNCERTIFIED_PARENT:
        return "the parent of what is executed at height {0} is not certified; {1} violations";
    }
    FL_UNREACHABLE("violation of the certified chain");
}

static struct fl_verdict verdict(const void *params, const void *state)
{
    const struct state *const s = state;
    (void)params;
    if (s->violation.count > 0)
        return fl_broken(&s->violation, clause((enum wrong)s->violation.what));
    return (struct fl_verdict){
        .kind = s->certified == 0 ? FL_NOT_APPLICABLE : FL_HOLDS,
        .what = "one certified payload at each of {0} heights, {1} records too late to compare",
        .value = {s->certified, s->late},
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
    out[0] = s->violation.count;
    out[1] = s->late;
}

static const struct fl_observable observables[] = {
    {"certified.conflicts", "certificates that contradict another, or are missing", FL_COUNT,
     FL_SUM},
    {"certified.late", "certificates and executions too old to compare", FL_COUNT, FL_SUM},
    {.name = NULL},
};

static const struct fl_check_model watch_model = {
    .state_bytes = state_bytes,
    .record = record,
    .verdict = verdict,
    .observe = observe,
};

const struct fl_model fl_model_certified = {
    .name = "certified",
    .family = FL_CHECK,
    .doc = "certificates that honest replicas hold make one chain, and what is executed is on it",
    .observables = observables,
    .watch = &watch_model,
};
