/* World: the event loop. See world.h for what it promises, model.h for the order of events. */
#include "sim/alloc.h"
#include "sim/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fl_world *fl_world_new(const struct fl_config *config)
{
    struct fl_world *w = fl_alloc(1, sizeof *w);
    w->config = config;
    fl_world_lay_out(w);
    fl_checks_start(w);
    return w;
}

void fl_world_free(struct fl_world *w)
{
    if (!w) return;
    fl_world_release(w);
    free(w);
}

void fl_endpoint_name(const struct fl_config *config, uint32_t endpoint, char *out, size_t bytes)
{
    const uint32_t members = config->facts.endpoints - config->twin_count;
    const bool twin = endpoint >= members && endpoint < config->facts.endpoints;
    if (twin) endpoint = config->twin_of[endpoint - members];
    for (uint32_t g = 0; g < config->group_count; g++) {
        const struct fl_group *group = &config->group[g];
        if (endpoint - group->first < group->count) {
            snprintf(out, bytes, "%s[%u]%s", group->name, endpoint - group->first, twin ? "~" : "");
            return;
        }
    }
    snprintf(out, bytes, "-");
}

static void run_in_sequence(struct fl_world *w, uint64_t most)
{
    for (struct fl_entry e; fl_queue_pop_until(&w->queue, w->config->end, &e);) {
        fl_grid_until(w, e.at);
        fl_handle(w, e);
        if (w->result.events > most) return;
    }
}

/* Each instant's entries, those that were there when it began, in an order drawn from the seed: to
 * expose code that leans on the order of ties. Fault edges are pushed first and stay first. */
static void run_with_random_ties(struct fl_world *w, uint64_t most)
{
    struct fl_entry *now = NULL;
    size_t room = 0;
    uint64_t instant = 0;
    for (fl_time next; (next = fl_queue_next(&w->queue)) <= w->config->end; instant++) {
        if (w->result.events > most) break;
        fl_grid_until(w, next);
        size_t count = 0;
        while (fl_queue_next(&w->queue) == next) {
            if (count == room) now = fl_realloc(now, room = room ? 2 * room : 64, sizeof *now);
            now[count++] = fl_queue_pop(&w->queue);
        }
        size_t fixed = 0;
        while (fixed < count && now[fixed].what >> FL_ENTRY_INDEX_BITS >= FL_ENTRY_FAULT) fixed++;
        for (size_t i = fixed; i + 1 < count; i++) {
            const size_t j = i +
                             fl_draw_below(w->config->seed, FL_RNG_TIE, instant, i, 0, count - i);
            const struct fl_entry swap = now[i];
            now[i] = now[j];
            now[j] = swap;
        }
        for (size_t i = 0; i < count; i++) fl_handle(w, now[i]);
    }
    free(now);
}

static void digest_states(struct fl_world *w)
{
    fl_digest_settle(w);
    for (uint32_t e = 0; e < w->config->facts.endpoints; e++)
        for (uint32_t f = 1; f < FL_LAYERS; f++) {
            const struct fl_actor *a = fl_actor_at(w, e, f);
            if (a->model) XXH3_128bits_update(w->digest, a->state, a->state_bytes);
        }
    const struct fl_digest ledger = fl_ledger_state(w->ledger, w->newest);
    XXH3_128bits_update(w->digest, &ledger, sizeof ledger);
}

static void conclude(struct fl_world *w)
{
    const struct fl_config *c = w->config;
    fl_grid_until(w, fl_add(c->end, 1));
    w->now = c->end;
    fl_checks_finish(w);
    digest_states(w);
    const XXH128_hash_t h = XXH3_128bits_digest(w->digest);
    struct fl_result *r = &w->result;
    r->digest = (struct fl_digest){.lo = h.low64, .hi = h.high64};
    r->end = c->end;
    r->records = w->records;
    r->sample_at = w->sample_at;
    r->sample = w->sample;
    r->final = w->final;
    r->fault_count = c->fault_count;
    w->fault_result = fl_alloc(c->fault_count, sizeof *w->fault_result);
    for (uint32_t i = 0; i < c->fault_count; i++) w->fault_result[i] = w->fault[i].result;
    r->fault = w->fault_result;
    r->verdict = w->verdict;
    r->message = w->message;
}

bool fl_world_run_within(struct fl_world *w, uint64_t most)
{
    for (uint32_t i = 0; i < w->config->fault_count; i++)
        if (fl_fault_opens_at_once(&w->config->fault[i])) fl_fault_opens(w, i);
    for (uint32_t e = 0; e < w->config->facts.endpoints; e++) {
        w->cause = FL_NO_RECORD;
        if (w->node[e].down == 0) fl_start_or_recover(w, e);
    }
    w->begun = true;
    if (w->config->random_ties)
        run_with_random_ties(w, most);
    else
        run_in_sequence(w, most);
    if (w->result.events > most) return false;
    conclude(w);
    return true;
}

void fl_world_run(struct fl_world *w)
{
    FL_ASSERT(fl_world_run_within(w, UINT64_MAX));
}

const struct fl_result *fl_world_result(const struct fl_world *w)
{
    return &w->result;
}
