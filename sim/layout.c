/* Sets a world up from its configuration: nodes, names, keys, states, timers, clients, faults. */
#include "sim/alloc.h"
#include "sim/network.h"

#include <stdlib.h>
#include <string.h>

/* --- stable names ---------------------------------------------------------------------------------- */

static bool key_taken(uint32_t *set, uint32_t mask, uint32_t key)
{
    uint32_t i = key & mask;
    while (set[i] && set[i] != key) i = (i + 1) & mask;
    if (set[i]) return true;
    set[i] = key;
    return false;
}

/* 32 bits of the hash of "group[index]", moved on if taken: adding a group leaves the draws of the
 * others alone. */
static void name_nodes(struct fl_world *w)
{
    uint32_t mask = 1;
    while (mask < 4 * w->config->facts.endpoints) mask *= 2;
    uint32_t *set = fl_alloc(mask--, sizeof *set);
    for (uint32_t e = 0; e < w->config->facts.endpoints; e++) {
        char name[2 * FL_NAME_MAX];
        fl_endpoint_name(w->config, e, name, sizeof name);
        uint32_t key = (uint32_t)fl_name_key(name);
        while (key == 0 || key_taken(set, mask, key)) key++;
        w->node[e].key = key;
    }
    free(set);
}

/* --- nodes ----------------------------------------------------------------------------------------- */

static void lay_out_nodes(struct fl_world *w)
{
    const struct fl_config *c = w->config;
    w->node = fl_alloc(c->facts.endpoints, sizeof *w->node);
    for (uint32_t e = 0; e < c->facts.endpoints; e++) {
        struct fl_node *n = &w->node[e];
        n->honest = true;
        n->keep_from = UINT64_MAX;
        n->first_waiting = n->last_waiting = n->other = n->doubled_by = UINT32_MAX;
    }
    for (uint32_t g = 0; g < c->group_count; g++)
        for (uint32_t i = 0; i < c->group[g].count; i++) w->node[c->group[g].first + i].group = g;
    for (uint32_t i = 0; i < c->twin_count; i++) {
        const uint32_t original = c->twin_of[i], twin = fl_twin_first(w) + i;
        w->node[twin].group = w->node[original].group;
        w->node[twin].other = original;
        w->node[original].other = twin;
    }
    name_nodes(w);
}

/* Which member of the serving group a client uses is drawn, so that it is not always the same. */
static fl_endpoint replica_of(const struct fl_world *w, uint32_t endpoint)
{
    const struct fl_config *c = w->config;
    const struct fl_group *g = &c->group[w->node[endpoint].group];
    if (g->layer[FL_CHAIN].model) return (fl_endpoint){endpoint};
    if (g->replicas == UINT32_MAX) return FL_NOWHERE;
    const struct fl_group *r = &c->group[g->replicas];
    const uint64_t pick =
        fl_draw_below(c->seed, FL_RNG_PLACEMENT, w->node[endpoint].key, 0, 0, r->count);
    return (fl_endpoint){r->first + (uint32_t)pick};
}

static void lay_out_keys(struct fl_world *w)
{
    const struct fl_config *c = w->config;
    w->keys.identity_count = c->facts.endpoints;
    w->keys.secret = fl_alloc(c->facts.endpoints, sizeof *w->keys.secret);
    for (uint32_t e = 0; e < c->facts.endpoints; e++)
        w->keys.secret[e] = fl_draw(c->seed, FL_RNG_KEYS, w->node[e].key, 0, 0);
    w->keys.account_count = c->facts.accounts;
    w->keys.account_owner = fl_alloc(c->facts.accounts, sizeof *w->keys.account_owner);
    w->keys.group_first = fl_alloc(c->facts.endpoints, sizeof *w->keys.group_first);
    for (uint32_t g = 0; g < c->group_count; g++) {
        const struct fl_group *group = &c->group[g];
        for (uint32_t i = 0; i < group->count; i++)
            w->keys.group_first[group->first + i] = group->first;
        for (uint32_t i = 0; i < group->count * group->accounts; i++)
            w->keys.account_owner[group->account_first + i] = group->first + i / group->accounts;
    }
}

static struct fl_self self_of(const struct fl_world *w, uint32_t endpoint, const void *params)
{
    const struct fl_config *c = w->config;
    const struct fl_group *g = &c->group[w->node[endpoint].group];
    const uint32_t member = fl_member_at(w, endpoint);
    uint64_t total = 0;
    for (uint32_t i = 0; i < g->count; i++) total += g->power[i];
    return (struct fl_self){
        .endpoint = {endpoint},
        .identity = {member},
        .key = w->node[endpoint].key,
        .index = member - g->first,
        .group_first = g->first,
        .group_size = g->count,
        .faulty_max = g->faulty_max,
        .power = g->power,
        .power_total = total,
        .replica = replica_of(w, endpoint),
        .account_first = g->account_first + (member - g->first) * g->accounts,
        .account_count = g->accounts,
        .fee_cap = g->fee_cap,
        .tip = g->tip,
        .seed = c->seed,
        .facts = &c->facts,
        .params = params,
        .keys = &w->keys,
    };
}

/* --- actors, their states and timers ---------------------------------------------------------------- */

static size_t aligned(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

static void lay_out_actors(struct fl_world *w)
{
    const struct fl_config *c = w->config;
    w->actor = fl_alloc((size_t)c->facts.endpoints * FL_LAYERS, sizeof *w->actor);
    for (uint32_t e = 0; e < c->facts.endpoints; e++) {
        const struct fl_group *g = &c->group[w->node[e].group];
        w->actor[(size_t)e * FL_LAYERS].self =
            self_of(w, e, NULL); /* what the node is, whatever layer */
        for (uint32_t f = 1; f < FL_LAYERS; f++) {
            struct fl_actor *a = fl_actor_at(w, e, f);
            a->model = g->layer[f].model;
            if (!a->model) continue;
            a->self = self_of(w, e, g->layer[f].params);
            a->state_bytes = a->model->node->state_bytes(a->self.params, &a->self);
            a->timer_first = w->timer_count;
            w->timer_count += a->model->node->timer_count;
            w->states_bytes += aligned(a->state_bytes);
        }
    }
}

static void lay_out_states(struct fl_world *w)
{
    w->states = fl_alloc(1, w->states_bytes);
    w->timer = fl_alloc(w->timer_count, sizeof *w->timer);
    size_t used = 0;
    for (uint32_t e = 0; e < w->config->facts.endpoints; e++)
        for (uint32_t f = 1; f < FL_LAYERS; f++) {
            struct fl_actor *a = fl_actor_at(w, e, f);
            if (!a->model) continue;
            a->state = w->states + used;
            used += aligned(a->state_bytes);
            for (uint32_t t = 0; t < a->model->node->timer_count; t++) {
                struct fl_timer *timer = &w->timer[a->timer_first + t];
                timer->endpoint = e;
                timer->layer = (uint8_t)f;
                timer->slot = (uint8_t)t;
            }
            a->model->node->init(&a->self, a->state);
        }
}

/* --- all of it ---------------------------------------------------------------------------------------- */

void fl_world_lay_out(struct fl_world *w)
{
    const struct fl_config *c = w->config;
    w->reader.world = w;
    fl_queue_init(&w->queue);
    w->blobs = fl_blobs_new();
    w->records = fl_records_new();
    lay_out_nodes(w);
    lay_out_actors(w);
    fl_clients_lay_out(w);
    lay_out_keys(w);
    w->ledger = fl_ledger_new(c, &w->keys, w->records);
    w->newest = fl_ledger_base(w->ledger);
    lay_out_states(w);
    w->fault = fl_alloc(c->fault_count, sizeof *w->fault);
    for (uint32_t i = 0; i < c->fault_count; i++) fl_fault_lay_out(w, i);
    fl_network_lay_out(w);
    fl_clients_start(w);
    /* Megabytes of which a run seldom touches a page: not zeroed, but emptied before each step. */
    w->honest = fl_realloc(NULL, 1, sizeof *w->honest);
    for (int i = 0; i < 2; i++) w->spoken[i] = fl_realloc(NULL, 1, sizeof *w->spoken[i]);
    w->interned = fl_alloc(FL_OUTBOX_BLOBS, sizeof *w->interned);
    w->body_free = w->waiting_free = UINT32_MAX;
    w->digest = XXH3_createState();
    if (!w->digest) fl_out_of_memory();
    w->undigested = fl_alloc(FL_UNDIGESTED_MAX, 1);
    XXH3_128bits_reset_withSeed(w->digest, c->seed);
}

void fl_world_release(struct fl_world *w)
{
    fl_network_release(w);
    for (uint32_t i = 0; i < w->config->fault_count; i++) fl_fault_release(&w->fault[i]);
    for (uint32_t i = 0; i < w->config->check_count; i++) free(w->check[i].state);
    for (uint32_t i = 0; w->sample && i < w->config->observable_count; i++) free(w->sample[i]);
    fl_queue_free(&w->queue);
    fl_blobs_free(w->blobs);
    fl_ledger_free(w->ledger);
    fl_records_free(w->records);
    XXH3_freeState(w->digest);
    free(w->keys.group_first);
    void *owned[] = {w->keys.secret, w->keys.account_owner,
                     w->node,        w->actor,
                     w->states,      w->client,
                     w->timer,       w->body,
                     w->waiting,     w->local,
                     w->carried,     w->honest,
                     w->spoken[0],   w->spoken[1],
                     w->interned,    w->fault,
                     w->check,       w->sample_at,
                     w->sample,      w->final,
                     w->message,     w->fault_result,
                     w->verdict,     w->undigested};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
