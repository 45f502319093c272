/* Who is struck by a fault, and when: windows, triggers, targets that an observable chooses, twins.
 *
 * A fault that looks (struct fl_fault_spec) observes at each look and acts on it `latency` later; what
 * it has not learnt yet waits in a ring. */
#include "sim/alloc.h"
#include "sim/network.h"

#include <stdlib.h>
#include <string.h>

bool fl_fault_holds(const struct fl_fault_state *f, uint32_t endpoint, uint32_t *rank)
{
    for (uint32_t i = 0; f->active && i < f->coalition.count; i++)
        if (f->held[i] == endpoint) {
            *rank = i;
            return true;
        }
    return false;
}

static void push(struct fl_world *w, uint32_t index, enum fl_fault_edge edge, fl_time at)
{
    const uint32_t round = w->fault[index].round;
    if (at < w->config->end) /* at the end or later nothing closes */
        fl_queue_push(&w->queue, (struct fl_entry){at, fl_entry_what(FL_ENTRY_FAULT, index),
                                                   (uint32_t)edge | round << FL_EDGE_BITS});
}

/* How long a fault that comes and goes stays as it is: exogenous, by its name and how often it came. */
static fl_time spell(const struct fl_world *w, uint32_t index, uint32_t round,
                     const struct fl_law *law, uint32_t lane)
{
    const struct fl_fault_spec *spec = &w->config->fault[index];
    const uint64_t u =
        fl_draw(w->config->seed, FL_RNG_WINDOW, fl_name_key(spec->name), round, lane);
    return fl_max(spec->stability, fl_law_at(law, u));
}

/* When a fault that comes and goes is struck next. */
static void schedule_opening(struct fl_world *w, uint32_t index)
{
    const struct fl_fault_spec *spec = &w->config->fault[index];
    const uint32_t round = w->fault[index].round;
    const fl_time at = fl_add(fl_max(w->now, spec->from), spell(w, index, round, &spec->well, 0));
    if (at < spec->to) push(w, index, FL_EDGE_OPENS, at);
}

static bool comes_and_goes(const struct fl_fault_spec *spec)
{
    return spec->well.kind || spec->when.observable != UINT32_MAX;
}

/* True if `to` is when it closes, which is in the queue from the start. */
static bool closes_at_the_end(const struct fl_fault_spec *spec)
{
    return !spec->struck.kind && spec->when.lasts == FL_FOREVER;
}

static void schedule_closing(struct fl_world *w, uint32_t index)
{
    const struct fl_fault_spec *spec = &w->config->fault[index];
    const uint32_t round = w->fault[index].round - 1;
    const fl_time lasts = spec->struck.kind ? spell(w, index, round, &spec->struck, 1)
                                            : spec->when.lasts;
    push(w, index, FL_EDGE_CLOSES, fl_min(spec->to, fl_add(w->now, lasts)));
}

/* --- one node ------------------------------------------------------------------------------------------ */

/* Timers die with the node; its state does not (stable storage). */
static void take_down(struct fl_world *w, uint32_t endpoint)
{
    w->node[endpoint].down++;
    for (uint32_t f = 1; f < FL_LAYERS; f++) {
        const struct fl_actor *a = fl_actor_at(w, endpoint, f);
        if (!a->model) continue;
        for (uint32_t t = 0; t < a->model->node->timer_count; t++) {
            w->timer[a->timer_first + t].epoch++;
            w->timer[a->timer_first + t].armed = false;
        }
    }
    fl_forget_work(w, endpoint);
}

/* No stable storage: at its next event the node is new to the world. What its clients read was served
 * by it, and is gone as well. */
static void forget(struct fl_world *w, uint32_t endpoint)
{
    struct fl_node *n = &w->node[endpoint];
    for (uint32_t f = 1; f < FL_LAYERS; f++) {
        const struct fl_actor *a = fl_actor_at(w, endpoint, f);
        if (!a->model) continue;
        memset(a->state, 0, a->state_bytes);
        a->model->node->init(&a->self, a->state);
    }
    n->started = false;
    n->keep_from = UINT64_MAX;
    n->head = n->final = n->view = n->pin = FL_NO_VERSION;
    for (uint32_t i = 0; i < n->client_count; i++)
        w->node[w->client[n->client_first + i]].view = FL_NO_VERSION;
}

/* Out of the fault's hands; it has yet to hear of it. */
static void let_out(struct fl_world *w, struct fl_fault_state *f, uint32_t endpoint)
{
    if (f->result.spec->model->fault->crash) w->node[endpoint].down--;
    if (!f->result.spec->model->fault->forgets) return;
    forget(w, endpoint);
    f->result.injected++;
}

static void mark(struct fl_world *w, const struct fl_fault_model *fault, uint32_t endpoint)
{
    if (fl_fault_taints(fault)) w->node[endpoint].honest = false;
    if (fl_fault_acts(fault)) w->node[endpoint].struck = true;
}

static uint32_t twin_at(const struct fl_fault_state *f, uint32_t rank)
{
    return f->result.spec->twin_first + rank;
}

static void let_twin_live(struct fl_world *w, struct fl_fault_state *f, uint32_t rank)
{
    const uint32_t twin = twin_at(f, rank);
    w->node[twin].down--;
    w->cause = f->result.record;
    if (w->begun) fl_start_or_recover(w, twin);
}

static void list_as_struck(struct fl_fault_state *f, uint32_t endpoint)
{
    for (uint32_t i = 0; i < f->result.count; i++)
        if (f->result.member[i] == endpoint) return;
    f->result.member[f->result.count++] = endpoint;
}

static void hold_at(struct fl_world *w, struct fl_fault_state *f, uint32_t rank, uint32_t endpoint)
{
    const struct fl_fault_model *model = f->result.spec->model->fault;
    f->held[rank] = endpoint;
    f->self[rank] = &w->actor[(size_t)endpoint * FL_LAYERS].self;
    list_as_struck(f, endpoint);
    mark(w, model, endpoint);
    if (model->crash) take_down(w, endpoint);
}

/* Members that are struck after the window opened have a record of their own. */
static void hold_late(struct fl_world *w, uint32_t index, uint32_t rank, uint32_t endpoint)
{
    const int64_t v[FL_RECORD_VALUES] = {index, endpoint};
    fl_world_note(w, FL_RECORD_STRUCK, endpoint, w->fault[index].result.record, v);
    hold_at(w, &w->fault[index], rank, endpoint);
}

/* It hears of its recovery; what it does then descends from the fault's edge. Of a link that heals
 * nobody hears: what it held arrives. */
static void recover(struct fl_world *w, uint32_t index, uint32_t endpoint)
{
    const struct fl_fault_state *f = &w->fault[index];
    const int64_t v[FL_RECORD_VALUES] = {index, endpoint};
    w->cause = fl_world_note(w, FL_RECORD_RECOVERY, endpoint, f->result.record, v);
    if (f->side || f->result.spec->model->fault->twins || w->node[endpoint].down > 0) return;
    fl_start_or_recover(w, endpoint);
}

/* --- windows ------------------------------------------------------------------------------------------- */

/* Sides drawn for this opening: the members are dealt out in a drawn order, and a twin is never where its
 * original is. */
static void split(const struct fl_world *w, struct fl_fault_state *f)
{
    const struct fl_fault_spec *spec = f->result.spec;
    const uint64_t seed = w->config->seed, name = fl_name_key(spec->name);
    const uint64_t round = (uint64_t)f->round << 32;
    uint32_t *order = fl_alloc(spec->count, sizeof *order);
    memcpy(order, spec->member, spec->count * sizeof *order);
    for (uint32_t i = 0; i < spec->count; i++) {
        const uint32_t left = spec->count - i;
        const uint64_t pick = fl_draw_below(seed, FL_RNG_WINDOW, name, round + i, 2, left);
        const uint32_t chosen = order[i + pick];
        order[i + pick] = order[i];
        const uint32_t side = i % spec->split, other = w->node[chosen].other;
        f->side[chosen] = (uint64_t)1 << side;
        if (other == UINT32_MAX) continue;
        const uint64_t away =
            1 + fl_draw_below(seed, FL_RNG_WINDOW, name, round + i, 3, spec->split - 1);
        f->side[other] = (uint64_t)1 << (side + away) % spec->split;
    }
    free(order);
}

/* The next of those the scenario names, or the draw chose. */
static void strike_next(struct fl_world *w, uint32_t index, bool late)
{
    struct fl_fault_state *f = &w->fault[index];
    const struct fl_fault_spec *spec = f->result.spec;
    const uint32_t rank = f->coalition.count++;
    if (late)
        hold_late(w, index, rank, spec->member[rank]);
    else
        hold_at(w, f, rank, spec->member[rank]);
    if (spec->model->fault->twins) let_twin_live(w, f, rank);
}

static void schedule_next(struct fl_world *w, uint32_t index)
{
    const struct fl_fault_state *f = &w->fault[index];
    if (f->coalition.count < f->result.spec->count)
        push(w, index, FL_EDGE_NEXT, fl_add(w->now, f->result.spec->stagger));
}

static void strike_one_more(struct fl_world *w, uint32_t index)
{
    strike_next(w, index, true);
    schedule_next(w, index);
    fl_blobs_horizon(w);
}

static void strike_all(struct fl_world *w, uint32_t index)
{
    struct fl_fault_state *f = &w->fault[index];
    const struct fl_fault_spec *spec = f->result.spec;
    if (!spec->member) return; /* a look chooses */
    do strike_next(w, index, false);
    while (f->coalition.count < spec->count && spec->stagger == 0);
    schedule_next(w, index);
}

void fl_fault_opens(struct fl_world *w, uint32_t index)
{
    struct fl_fault_state *f = &w->fault[index];
    const int64_t v[FL_RECORD_VALUES] = {index};
    FL_ASSERT(!f->active);
    f->active = true;
    f->round++;
    if (comes_and_goes(f->result.spec) && f->result.opened == 0) f->result.from = w->now;
    if (comes_and_goes(f->result.spec)) f->result.to = w->config->end;
    f->result.opened++;
    memset(f->state, 0, f->state_bytes);
    f->result.record = fl_world_note(w, FL_RECORD_FAULT, UINT32_MAX, FL_NO_RECORD, v);
    if (!closes_at_the_end(f->result.spec)) schedule_closing(w, index);
    if (f->result.spec->split) split(w, f);
    if (f->side) fl_network_cut(w);
    strike_all(w, index);
    fl_blobs_horizon(w);
}

static void fault_closes(struct fl_world *w, uint32_t index)
{
    struct fl_fault_state *f = &w->fault[index];
    const struct fl_fault_spec *spec = f->result.spec;
    const uint32_t held = f->coalition.count;
    f->active = false;
    if (comes_and_goes(spec)) f->result.to = w->now;
    f->coalition.count = 0;
    for (uint32_t i = 0; i < held; i++) {
        let_out(w, f, f->held[i]);
        if (spec->model->fault->twins) take_down(w, twin_at(f, i));
    }
    fl_blobs_horizon(w);
    for (uint32_t i = 0; i < held; i++) recover(w, index, f->held[i]);
    if (f->side) fl_network_healed(w, index);
    if (spec->well.kind) schedule_opening(w, index);
}

/* --- looking ---------------------------------------------------------------------------------------------- */

/* The `count` of the pool that hold the most, the most first; of equals the first. */
static void choose(const struct fl_world *w, const struct fl_fault_spec *spec, struct fl_look *look)
{
    int64_t *const best = look->most;
    look->chosen_count = 0;
    for (uint32_t i = 0; i < spec->pool_count; i++) {
        int64_t x = 0;
        if (!fl_observe_node(w, spec->largest, spec->pool[i], &x) || x < 0) continue;
        uint32_t at = look->chosen_count;
        while (at > 0 && best[at - 1] < x) at--;
        if (at == spec->count) continue;
        if (look->chosen_count < spec->count) look->chosen_count++;
        for (uint32_t k = look->chosen_count - 1; k > at; k--) {
            best[k] = best[k - 1];
            look->chosen[k] = look->chosen[k - 1];
        }
        best[at] = x;
        look->chosen[at] = spec->pool[i];
    }
}

static void make_look(const struct fl_fault_spec *spec, struct fl_look *look)
{
    look->sight = fl_alloc(spec->see_count, sizeof *look->sight);
    look->chosen = fl_alloc(spec->count, sizeof *look->chosen);
    look->most = fl_alloc(spec->count, sizeof *look->most);
}

/* Twice the room; what is in the ring begins at 0 again. */
static void grow_looks(struct fl_fault_state *f)
{
    const uint32_t room = 2 * f->look_room;
    struct fl_look *look = fl_alloc(room, sizeof *look);
    for (uint32_t i = 0; i < f->look_room; i++)
        look[i] = f->look[(f->look_first + i) % f->look_room];
    for (uint32_t i = f->look_room; i < room; i++) make_look(f->result.spec, &look[i]);
    free(f->look);
    f->look = look;
    f->look_first = 0;
    f->look_room = room;
}

static void looks(struct fl_world *w, uint32_t index)
{
    struct fl_fault_state *f = &w->fault[index];
    const struct fl_fault_spec *spec = f->result.spec;
    if (f->look_count == f->look_room) grow_looks(f);
    struct fl_look *look = &f->look[(f->look_first + f->look_count++) % f->look_room];
    if (spec->when.observable != UINT32_MAX) look->trigger = fl_observe(w, spec->when.observable);
    for (uint32_t i = 0; i < spec->see_count; i++) look->sight[i] = fl_observe(w, spec->sees[i]);
    if (spec->largest != UINT32_MAX) choose(w, spec, look);
    push(w, index, FL_EDGE_LEARNS, fl_add(w->now, spec->latency));
    const fl_time next = fl_add(w->now, spec->look);
    if (next < spec->to) push(w, index, FL_EDGE_LOOKS, next);
}

static bool compares(int64_t x, enum fl_op op, int64_t y)
{
    switch (op) {
    case FL_OP_LT:
        return x < y;
    case FL_OP_LE:
        return x <= y;
    case FL_OP_EQ:
        return x == y;
    case FL_OP_NE:
        return x != y;
    case FL_OP_GE:
        return x >= y;
    case FL_OP_GT:
        return x > y;
    }
    FL_UNREACHABLE("comparison");
}

/* Is it so? Falls and rises are counted from the highest, or lowest, value learnt so far. */
static bool triggered(struct fl_fault_state *f, int64_t x)
{
    const struct fl_trigger *t = &f->result.spec->when;
    const fl_i128 ppm = 1000000;
    switch (t->kind) {
    case FL_TRIGGER_VALUE:
        return compares(x, t->op, t->value);
    case FL_TRIGGER_FALLS:
        f->extreme = f->learnt ? fl_max(f->extreme, x) : x;
        return (fl_i128)x * ppm <= f->extreme * (ppm - t->value);
    case FL_TRIGGER_RISES:
        f->extreme = f->learnt ? fl_min(f->extreme, x) : x;
        return (fl_i128)x * ppm >= f->extreme * (ppm + t->value);
    }
    FL_UNREACHABLE("trigger");
}

static bool is_chosen(const struct fl_look *look, uint32_t endpoint)
{
    for (uint32_t i = 0; i < look->chosen_count; i++)
        if (look->chosen[i] == endpoint) return true;
    return false;
}

/* Whose rank a new member takes: a free one, or that of the first member who is no longer chosen. */
static uint32_t place_for(const struct fl_fault_state *f, const struct fl_look *look)
{
    if (f->coalition.count < f->result.spec->count) return f->coalition.count;
    for (uint32_t i = 0; !f->result.spec->keep && i < f->coalition.count; i++)
        if (!is_chosen(look, f->held[i])) return i;
    return UINT32_MAX;
}

static void let_go(struct fl_world *w, uint32_t index, uint32_t rank)
{
    struct fl_fault_state *f = &w->fault[index];
    const uint32_t endpoint = f->held[rank];
    f->held[rank] = UINT32_MAX;
    let_out(w, f, endpoint);
    recover(w, index, endpoint);
}

/* Takes those it has not, within its budget; whoever gives way recovers first. */
static void follow(struct fl_world *w, uint32_t index, const struct fl_look *look)
{
    struct fl_fault_state *f = &w->fault[index];
    for (uint32_t i = 0; i < look->chosen_count; i++) {
        uint32_t rank;
        if (fl_fault_holds(f, look->chosen[i], &rank)) continue;
        rank = place_for(f, look);
        if (rank == UINT32_MAX) return;
        if (rank < f->coalition.count)
            let_go(w, index, rank);
        else
            f->coalition.count++;
        hold_late(w, index, rank, look->chosen[i]);
    }
    fl_blobs_horizon(w);
}

static void learns(struct fl_world *w, uint32_t index)
{
    struct fl_fault_state *f = &w->fault[index];
    const struct fl_fault_spec *spec = f->result.spec;
    const struct fl_look *look = &f->look[f->look_first];
    for (uint32_t i = 0; i < spec->see_count; i++) f->sight[i] = look->sight[i];
    if (spec->when.observable != UINT32_MAX) {
        const bool so = triggered(f, look->trigger);
        if (so && !f->active && w->now < spec->to) fl_fault_opens(w, index);
    }
    f->learnt = true;
    if (f->active && spec->largest != UINT32_MAX) follow(w, index, look);
    f->look_first = (f->look_first + 1) % f->look_room;
    f->look_count--;
}

void fl_fault_edge(struct fl_world *w, uint32_t index, uint32_t whom)
{
    const struct fl_fault_state *f = &w->fault[index];
    const enum fl_fault_edge edge = whom & FL_EDGE_MASK;
    switch (edge) {
    case FL_EDGE_OPENS:
        fl_fault_opens(w, index);
        return;
    case FL_EDGE_CLOSES:
        if (f->active) fault_closes(w, index);
        return;
    case FL_EDGE_NEXT:
        if (f->active && whom >> FL_EDGE_BITS == f->round) strike_one_more(w, index);
        return;
    case FL_EDGE_LOOKS:
        looks(w, index);
        return;
    case FL_EDGE_LEARNS:
        learns(w, index);
        return;
    }
    FL_UNREACHABLE("edge of a fault");
}

/* --- before the run ------------------------------------------------------------------------------------------ */

bool fl_fault_opens_at_once(const struct fl_fault_spec *spec)
{
    return spec->from == 0 && !spec->well.kind && spec->when.observable == UINT32_MAX;
}

static void lay_out_looks(struct fl_fault_state *f)
{
    const struct fl_fault_spec *spec = f->result.spec;
    f->sight = fl_alloc(spec->see_count, sizeof *f->sight);
    f->coalition.sight = f->sight;
    f->coalition.sight_count = spec->see_count;
    if (spec->look == 0) return;
    f->look_room = 2;
    f->look = fl_alloc(f->look_room, sizeof *f->look);
    for (uint32_t i = 0; i < f->look_room; i++) make_look(spec, &f->look[i]);
}

/* Edges that are known now are in the queue first: at their instant they come before all else. */
static void schedule(struct fl_world *w, uint32_t index)
{
    const struct fl_fault_spec *spec = &w->config->fault[index];
    const bool when = spec->when.observable != UINT32_MAX;
    if (spec->well.kind)
        schedule_opening(w, index);
    else if (!when && !fl_fault_opens_at_once(spec))
        push(w, index, FL_EDGE_OPENS, spec->from);
    if (closes_at_the_end(spec)) push(w, index, FL_EDGE_CLOSES, spec->to);
    if (spec->look) push(w, index, FL_EDGE_LOOKS, spec->from);
}

/* Twins are down until the fault opens. */
static void lay_out_twins(struct fl_world *w, uint32_t index)
{
    const struct fl_fault_spec *spec = &w->config->fault[index];
    for (uint32_t i = 0; spec->model->fault->twins && i < spec->count; i++) {
        struct fl_node *twin = &w->node[spec->twin_first + i];
        twin->down++;
        twin->doubled_by = index;
        mark(w, spec->model->fault, spec->twin_first + i);
    }
}

void fl_fault_lay_out(struct fl_world *w, uint32_t index)
{
    struct fl_fault_state *f = &w->fault[index];
    const struct fl_fault_spec *spec = &w->config->fault[index];
    const uint32_t endpoints = w->config->facts.endpoints;
    const uint32_t most = spec->member ? spec->count : spec->pool_count;
    f->result.spec = spec;
    f->result.from = comes_and_goes(spec) ? w->config->end : spec->from;
    f->result.to = comes_and_goes(spec) ? w->config->end : spec->to;
    f->result.member = fl_alloc(most, sizeof *f->result.member);
    f->held = fl_alloc(spec->count, sizeof *f->held);
    f->self = fl_alloc(spec->count, sizeof *f->self);
    for (uint32_t i = 0; spec->member && i < spec->count; i++) {
        f->result.member[f->result.count++] = spec->member[i];
        mark(w, spec->model->fault, spec->member[i]);
    }
    w->rushing |= spec->model->fault->rushing;
    f->coalition = (struct fl_coalition){.member = f->self, .params = spec->params};
    if (spec->model->fault->state_bytes)
        f->state_bytes = spec->model->fault->state_bytes(spec->params, spec->count);
    f->state = fl_alloc(1, f->state_bytes);
    if (spec->model->fault->carries) {
        f->side = fl_alloc(endpoints, sizeof *f->side);
        for (uint32_t e = 0; e < endpoints; e++)
            f->side[e] = spec->side ? spec->side[e] : spec->split ? 0 : 2;
        for (uint32_t i = 0; !spec->side && !spec->split && i < spec->count; i++)
            f->side[spec->member[i]] = 1;
    }
    lay_out_twins(w, index);
    lay_out_looks(f);
    schedule(w, index);
}

void fl_fault_release(struct fl_fault_state *f)
{
    for (uint32_t i = 0; i < f->look_room; i++) {
        free(f->look[i].sight);
        free(f->look[i].chosen);
        free(f->look[i].most);
    }
    void *owned[] = {f->look, f->sight, f->side, f->state, f->self, f->held, f->result.member};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
