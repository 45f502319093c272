/* At the end, every honest member of a group has decided as often as every other, and at least so many
 * times.
 *
 * The first is totality of a reliable broadcast: if one correct process delivers, all do (Cachin,
 * Guerraoui and Rodrigues, "Introduction to Reliable and Secure Distributed Programming", 2011, module
 * 3.12). The second is validity with a correct sender, or whatever progress a scenario expects. Both
 * are about the end: a run must be long enough for what is on its way to arrive. Members that crash
 * count as honest; channels do not wait for them, so that where some crash, this does not hold. */
#include "models/wire.h"

struct params {
    uint32_t group; /* its first endpoint */
    uint32_t zero;
    int64_t least;
};

struct state {
    uint64_t finished;
    int64_t fewest, most; /* decisions of an honest member, once finished */
    uint64_t lacking;     /* the endpoint with the fewest */
};
/* The state is followed by the decisions of each endpoint. */

static int64_t *decisions(struct state *s)
{
    return (int64_t *)(void *)(s + 1);
}

static void record(const struct fl_watch *watch, void *state, uint32_t id,
                   const struct fl_record *r)
{
    (void)id;
    if (r->kind == FL_RECORD_DECIDED && r->endpoint < watch->facts->endpoints)
        decisions(state)[r->endpoint]++;
}

static void finish(const struct fl_watch *watch, void *state)
{
    const struct params *const p = watch->params;
    struct state *const s = state;
    const uint32_t end = p->group + fl_watch_self(watch, p->group)->group_size;
    s->fewest = INT64_MAX;
    for (uint32_t e = p->group; e < end; e++) {
        if (!fl_watch_honest(watch, e)) continue;
        const int64_t count = decisions(s)[e];
        s->most = fl_max(s->most, count);
        if (count >= s->fewest) continue;
        s->fewest = count;
        s->lacking = e;
    }
    if (s->fewest == INT64_MAX) s->fewest = s->most = p->least; /* nobody is honest */
    s->finished = 1;
}

static struct fl_verdict verdict(const void *params, const void *state)
{
    const struct params *const p = params;
    const struct state *const s = state;
    struct fl_verdict v = {.kind = FL_HOLDS, .unit = {FL_COUNT, FL_COUNT}};
    v.value[0] = s->fewest;
    v.value[1] = s->most;
    v.what = "every honest member decided {0} times";
    if (s->finished && s->most != s->fewest) {
        v.kind = FL_BROKEN;
        v.what = "an honest member decided {0} times, another {1} times";
    } else if (s->finished && s->fewest < p->least) {
        v.kind = FL_BROKEN;
        v.what = "every honest member decided {0} times, {1} were expected";
        v.value[1] = p->least;
    }
    return v;
}

static size_t state_bytes(const void *params, const struct fl_facts *facts)
{
    (void)params;
    return sizeof(struct state) + facts->endpoints * sizeof(int64_t);
}

static void observe(const void *params, const void *state, int64_t *out)
{
    const struct state *const s = state;
    (void)params;
    out[0] = s->fewest;
    out[1] = s->most;
}

static const struct fl_observable observables[] = {
    {"totality.fewest", "decisions of the honest member that decided least, at the end", FL_COUNT,
     FL_MIN},
    {"totality.most", "decisions of the honest member that decided most, at the end", FL_COUNT,
     FL_MAX},
    {.name = NULL},
};

static const struct fl_param rows[] = {
    {.key = "group",
     .type = FL_GROUP_NAME,
     .offset = offsetof(struct params, group),
     .doc = "the group whose members decide"},
    {.key = "least",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, least),
     .min = 0,
     .max = INT32_MAX,
     .fallback = "0",
     .doc = "decisions that each honest member must reach by the end"},
    {.key = NULL},
};

static const struct fl_check_model watch_model = {
    .state_bytes = state_bytes,
    .record = record,
    .finish = finish,
    .verdict = verdict,
    .observe = observe,
};

const struct fl_model fl_model_totality = {
    .name = "totality",
    .family = FL_CHECK,
    .doc = "at the end every honest member of a group has decided as often as the others",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .observables = observables,
    .watch = &watch_model,
};
