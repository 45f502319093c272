/* What an honest replica has decided or executed it never undoes, crashes or not.
 *
 * The heights that a replica decides are one after the other, and so are those that it executes: none
 * twice, whatever the content, none left out, and each block on the block executed before it. A replica
 * that takes over a snapshot (FL_RECORD_APPLIED says so) goes on from its height, which must be a higher
 * one; it may or may not note that this height is decided. A replica that comes back from a crash with an older state and executes again is caught here:
 * stable storage is what its promises rest on. */
#include "models/check/heights.h"

enum wrong { BACK = 1, GAP, OTHER_PARENT };

struct replica {
    int64_t decided, applied; /* heights */
    int64_t snapshot;         /* height of the last one that was taken over */
    int64_t payload;          /* executed last, low half of its digest; zero at genesis */
};

struct state {
    int64_t steps, snapshots;
    struct fl_first violation;
    /* followed by replica[endpoints] */
};

static void on_decided(struct state *s, struct replica *a, uint32_t id, const struct fl_record *r)
{
    const int64_t height = r->v[0];
    if (height <= a->decided)
        fl_violation(&s->violation, BACK, id, r);
    else if (height > a->decided + 1 && height != a->snapshot + 1)
        fl_violation(&s->violation, GAP, id, r);
    a->decided = height;
}

static void on_applied(struct state *s, struct replica *a, uint32_t id, const struct fl_record *r)
{
    const int64_t height = r->v[0];
    const bool snapshot = r->v[5] != 0;
    if (height <= a->applied)
        fl_violation(&s->violation, BACK, id, r);
    else if (height > a->applied + 1 && !snapshot)
        fl_violation(&s->violation, GAP, id, r);
    else if (!snapshot && r->v[4] != a->payload)
        fl_violation(&s->violation, OTHER_PARENT, id, r);
    s->snapshots += snapshot;
    a->applied = height;
    a->payload = r->v[3];
    if (!snapshot) return;
    a->snapshot = height;
    a->decided = fl_max(a->decided, height - 1);
}

static void record(const struct fl_watch *watch, void *state, uint32_t id,
                   const struct fl_record *r)
{
    struct state *const s = state;
    if (r->kind != FL_RECORD_DECIDED && r->kind != FL_RECORD_APPLIED) return;
    if (!fl_watch_honest(watch, r->endpoint)) return;
    struct replica *const a = (struct replica *)(void *)(s + 1) + r->endpoint;
    s->steps++;
    if (r->kind == FL_RECORD_DECIDED)
        on_decided(s, a, id, r);
    else
        on_applied(s, a, id, r);
}

static const char *clause(enum wrong wrong)
{
    switch (wrong) {
    case BACK:
        return "an honest replica goes back to height {0}; {1} violations";
    case GAP:
        return "an honest replica leaves out what comes before height {0}; {1} violations";
    case OTHER_PARENT:
        return "an honest replica replaces what it executed before height {0}; {1} violations";
    }
    FL_UNREACHABLE("violation of finality");
}

static struct fl_verdict verdict(const void *params, const void *state)
{
    const struct state *const s = state;
    (void)params;
    if (s->violation.count > 0)
        return fl_broken(&s->violation, clause((enum wrong)s->violation.what));
    return (struct fl_verdict){
        .kind = s->steps == 0 ? FL_NOT_APPLICABLE : FL_HOLDS,
        .what = "{0} decisions and executions, none undone, {1} snapshots taken over",
        .value = {s->steps, s->snapshots},
        .unit = {FL_COUNT, FL_COUNT}};
}

static size_t state_bytes(const void *params, const struct fl_facts *facts)
{
    (void)params;
    return sizeof(struct state) + facts->endpoints * sizeof(struct replica);
}

static void observe(const void *params, const void *state, int64_t *out)
{
    const struct state *const s = state;
    (void)params;
    out[0] = s->violation.count;
    out[1] = s->snapshots;
}

static const struct fl_observable observables[] = {
    {"finality.reversals", "heights decided or executed again, left out or replaced", FL_COUNT,
     FL_SUM},
    {"finality.snapshots", "states that replicas took over instead of executing", FL_COUNT, FL_SUM},
    {.name = NULL},
};

static const struct fl_check_model watch_model = {
    .state_bytes = state_bytes,
    .record = record,
    .verdict = verdict,
    .observe = observe,
};

const struct fl_model fl_model_finality = {
    .name = "finality",
    .family = FL_CHECK,
    .doc = "honest replicas never undo, repeat or leave out a height, crashes or not",
    .observables = observables,
    .watch = &watch_model,
};
