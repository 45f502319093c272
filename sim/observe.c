/* Looking on: checks, observables and the series of the trace. Nothing here changes a run. */
#include "sim/alloc.h"
#include "sim/state.h"

#include <stdlib.h>

enum { OBSERVABLES_MAX = 64 };

/* --- observables ------------------------------------------------------------------------------------------ */

static int64_t combined(enum fl_combine how, int64_t sum, int64_t x, bool first)
{
    if (first) return x;
    switch (how) {
    case FL_SUM:
        return fl_add(sum, x);
    case FL_MAX:
        return fl_max(sum, x);
    case FL_MIN:
        return fl_min(sum, x);
    case FL_FIRST:
        return sum;
    }
    FL_UNREACHABLE("way to combine");
}

static uint32_t count_of(const struct fl_model *m)
{
    uint32_t count = 0;
    while (m->observables && m->observables[count].name) count++;
    FL_ASSERT(count <= OBSERVABLES_MAX);
    return count;
}

static void merge(const struct fl_model *m, int64_t *total, const int64_t *x, bool *first)
{
    const uint32_t count = count_of(m);
    for (uint32_t i = 0; i < count; i++)
        total[i] = combined(m->observables[i].combine, total[i], x[i], *first);
    *first = false;
}

static bool within(uint32_t part, uint32_t i)
{
    return part == UINT32_MAX || part == i;
}

/* All observables of one model, over every node, contract or check that runs it, or over one part. */
static void observe_model(const struct fl_world *w, const struct fl_observable_ref *of,
                          int64_t *total)
{
    const struct fl_model *m = of->model;
    const uint32_t part = of->part;
    const struct fl_config *c = w->config;
    int64_t x[OBSERVABLES_MAX] = {0};
    bool first = true;
    if (m->family < FL_LAYERS)
        for (uint32_t g = 0; g < c->group_count; g++) {
            if (c->group[g].layer[m->family].model != m || !within(part, g)) continue;
            for (uint32_t i = 0; i < c->group[g].count; i++) {
                const struct fl_actor *a = fl_actor_at(w, c->group[g].first + i, m->family);
                m->node->observe(&a->self, a->state, x);
                merge(m, total, x, &first);
            }
        }
    for (uint32_t i = 0; m->contract && i < c->contract_count; i++) {
        if (c->contract[i].model != m || !within(part, i)) continue;
        fl_ledger_observe(w->ledger, w->newest, i, x);
        merge(m, total, x, &first);
    }
    for (uint32_t i = 0; m->watch && i < c->check_count; i++) {
        if (c->check[i].model != m || !within(part, i)) continue;
        m->watch->observe(c->check[i].params, w->check[i].state, x);
        merge(m, total, x, &first);
    }
}

int64_t fl_observe(const struct fl_world *w, uint32_t handle)
{
    FL_ASSERT(handle < w->config->observable_count);
    const struct fl_observable_ref *ref = &w->config->observable[handle];
    int64_t all[OBSERVABLES_MAX] = {0};
    observe_model(w, ref, all);
    return all[ref->index];
}

bool fl_observe_node(const struct fl_world *w, uint32_t handle, uint32_t endpoint, int64_t *value)
{
    const struct fl_observable_ref *ref = &w->config->observable[handle];
    if (ref->model->family >= FL_LAYERS) return false;
    const struct fl_actor *a = fl_actor_at(w, endpoint, ref->model->family);
    if (a->model != ref->model) return false;
    if (ref->part != UINT32_MAX && w->config->group[ref->part].first != a->self.group_first)
        return false;
    int64_t x[OBSERVABLES_MAX] = {0};
    a->model->node->observe(&a->self, a->state, x);
    *value = x[ref->index];
    return true;
}

/* Observables of one model, or of one part, mostly have neighbouring handles: it is asked once. */
static void observe_all(const struct fl_world *w, int64_t *out)
{
    for (uint32_t h = 0; h < w->config->observable_count;) {
        const struct fl_observable_ref *of = &w->config->observable[h], *ref = of;
        int64_t all[OBSERVABLES_MAX] = {0};
        observe_model(w, of, all);
        for (; h < w->config->observable_count && ref->model == of->model && ref->part == of->part;
             ref = &w->config->observable[++h])
            out[h] = all[ref->index];
    }
}

/* --- series ------------------------------------------------------------------------------------------------ */

static void grow_series(struct fl_world *w)
{
    w->sample_room = w->sample_room ? 2 * w->sample_room : 1024;
    w->sample_at = fl_realloc(w->sample_at, w->sample_room, sizeof *w->sample_at);
    for (uint32_t h = 0; h < w->config->observable_count; h++)
        w->sample[h] = fl_realloc(w->sample[h], w->sample_room, sizeof *w->sample[h]);
}

static void take_sample(struct fl_world *w, fl_time at)
{
    if (w->result.sample_count == w->sample_room) grow_series(w);
    observe_all(w, w->final);
    w->sample_at[w->result.sample_count] = at;
    for (uint32_t h = 0; h < w->config->observable_count; h++)
        w->sample[h][w->result.sample_count] = w->final[h];
    w->result.sample_count++;
}

/* --- checks ------------------------------------------------------------------------------------------------ */

static const struct fl_watch *watch_now(struct fl_world *w, uint32_t i, fl_time now)
{
    w->check[i].watch.now = now;
    w->check[i].watch.view.version = w->newest;
    w->check[i].watch.height = w->newest_height;
    return &w->check[i].watch;
}

static const struct fl_check_model *model_of(const struct fl_world *w, uint32_t i)
{
    return w->config->check[i].model->watch;
}

void fl_checks_start(struct fl_world *w)
{
    const struct fl_config *c = w->config;
    w->check = fl_alloc(c->check_count, sizeof *w->check);
    w->final = fl_alloc(c->observable_count, sizeof *w->final);
    w->sample = fl_alloc(c->observable_count, sizeof *w->sample);
    for (uint32_t i = 0; i < c->check_count; i++) {
        struct fl_check_state *s = &w->check[i];
        s->watch = (struct fl_watch){
            .params = c->check[i].params, .facts = &c->facts, .view = {.reader = &w->reader}};
        s->state = fl_alloc(1, model_of(w, i)->state_bytes(c->check[i].params, &c->facts));
        s->period = model_of(w, i)->period ? model_of(w, i)->period(c->check[i].params)
                                           : FL_FOREVER;
        s->next = s->period == FL_FOREVER ? FL_FOREVER : 0;
    }
    for (uint32_t i = 0; i < c->check_count; i++)
        if (model_of(w, i)->init) model_of(w, i)->init(watch_now(w, i, 0), w->check[i].state);
}

void fl_checks_record(struct fl_world *w, uint32_t id)
{
    for (uint32_t i = 0; i < w->config->check_count; i++)
        if (model_of(w, i)->record)
            model_of(w, i)->record(watch_now(w, i, w->now), w->check[i].state, id,
                                   fl_records_get(w->records, id));
}

/* A batch is shown to the checks, records first, when an honest replica first executes it, whoever did
 * so before. With forks the view of the checks does not go back to a lower height. */
void fl_checks_executed(struct fl_world *w, const struct fl_execution *x)
{
    const uint64_t height = fl_ledger_height(w->ledger, x->version);
    if (height <= w->newest_height) return;
    for (uint32_t i = 0; i < x->record_count; i++) fl_checks_record(w, x->first_record + i);
    w->newest = x->version;
    w->newest_height = height;
    for (uint32_t i = 0; i < w->config->check_count; i++) {
        if (!model_of(w, i)->executed) continue;
        struct fl_watch watch = *watch_now(w, i, w->now);
        watch.receipts = x->receipts;
        watch.receipt_count = x->receipt_count;
        model_of(w, i)->executed(&watch, w->check[i].state, x->changes, x->change_count);
    }
}

static void tick(struct fl_world *w, uint32_t i)
{
    struct fl_check_state *s = &w->check[i];
    if (model_of(w, i)->tick) model_of(w, i)->tick(watch_now(w, i, s->next), s->state);
    s->next = fl_add(s->next, s->period);
}

/* In the order of time; at one time, checks in the order of the scenario, then the sample. */
void fl_grid_look(struct fl_world *w, fl_time before)
{
    for (;;) {
        uint32_t first = UINT32_MAX;
        fl_time at = w->next_sample;
        for (uint32_t i = w->config->check_count; i > 0; i--)
            if (w->check[i - 1].next <= at) {
                at = w->check[i - 1].next;
                first = i - 1;
            }
        w->next_look = at;
        if (at >= before) return;
        if (first != UINT32_MAX) {
            tick(w, first);
        } else {
            take_sample(w, at);
            w->next_sample = fl_add(at, w->config->sample);
        }
    }
}

void fl_checks_finish(struct fl_world *w)
{
    const struct fl_config *c = w->config;
    w->verdict = fl_alloc(c->check_count, sizeof *w->verdict);
    for (uint32_t i = 0; i < c->check_count; i++) {
        if (model_of(w, i)->finish)
            model_of(w, i)->finish(watch_now(w, i, w->now), w->check[i].state);
        w->verdict[i] = model_of(w, i)->verdict(c->check[i].params, w->check[i].state);
    }
    observe_all(w, w->final);
}
