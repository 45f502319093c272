/* Clients and their replicas: who is served by whom, what they were served, and when they turn to
 * somebody else.
 *
 * A client that hears nothing newer for `failover_s` attaches to another member of the group that
 * serves it, drawn from the seed: so the clients of a dead replica spread over the others. A replica
 * that only repeats old heights, or lags behind what the client has seen, tells it nothing new. What
 * the client's models do about transactions that the old one swallowed is theirs: they see them
 * missing in the heads of the new one. */
#include "sim/alloc.h"
#include "sim/state.h"

#include <stdlib.h>

/* Lane of the draw of the next replica; the first has lane 0. */
enum { LANE_TURN = 3 };

static uint32_t replica_of(const struct fl_world *w, uint32_t endpoint)
{
    return w->actor[(size_t)endpoint * FL_LAYERS].self.replica.i;
}

/* Sorted by replica, then by endpoint: counted first, then filled in. */
void fl_clients_lay_out(struct fl_world *w)
{
    const uint32_t endpoints = w->config->facts.endpoints;
    if (!w->client) w->client = fl_alloc(endpoints, sizeof *w->client);
    for (uint32_t e = 0; e < endpoints; e++) w->node[e].client_count = 0;
    for (uint32_t e = 0; e < endpoints; e++) {
        const uint32_t r = replica_of(w, e);
        if (r != e && r != FL_NOWHERE.i) w->node[r].client_count++;
    }
    for (uint32_t r = 0, filled = 0; r < endpoints; r++) {
        w->node[r].client_first = filled;
        filled += w->node[r].client_count;
        w->node[r].client_count = 0;
    }
    for (uint32_t e = 0; e < endpoints; e++) {
        const uint32_t r = replica_of(w, e);
        if (r != e && r != FL_NOWHERE.i)
            w->client[w->node[r].client_first + w->node[r].client_count++] = e;
    }
}

/* --- what is served --------------------------------------------------------------------------------- */

/* Never an older version than before, nor one that does not exist: a corrupted replica may say so. */
void fl_client_served(struct fl_world *w, uint32_t endpoint, fl_version version)
{
    struct fl_node *n = &w->node[endpoint];
    if (!fl_ledger_known(w->ledger, version)) return;
    const uint64_t height = fl_ledger_height(w->ledger, version);
    const uint64_t before = n->view.i ? fl_ledger_height(w->ledger, n->view) : 0;
    if (height < before) return;
    if (height > before) n->served_at = w->now;
    n->view = version;
}

/* --- failover ----------------------------------------------------------------------------------------- */

static const struct fl_group *group_of(const struct fl_world *w, uint32_t endpoint)
{
    return &w->config->group[w->node[endpoint].group];
}

static void look_at(struct fl_world *w, uint32_t endpoint, fl_time at)
{
    fl_queue_push(&w->queue, (struct fl_entry){at, fl_entry_what(FL_ENTRY_FAILOVER, endpoint), 0});
}

/* A group that runs replicas itself reads its own; one replica alone leaves no choice. */
void fl_clients_start(struct fl_world *w)
{
    for (uint32_t e = 0; e < w->config->facts.endpoints; e++) {
        const struct fl_group *g = group_of(w, e);
        const uint32_t r = replica_of(w, e);
        if (g->failover > 0 && r != e && r != FL_NOWHERE.i && group_of(w, r)->count > 1)
            look_at(w, e, g->failover);
    }
}

/* The crash that keeps the replica down; FL_NO_RECORD if it is up. */
static uint32_t crash_of(const struct fl_world *w, uint32_t endpoint)
{
    for (uint32_t i = 0; w->node[endpoint].down > 0 && i < w->config->fault_count; i++) {
        const struct fl_fault_state *f = &w->fault[i];
        uint32_t rank;
        if (f->result.spec->model->fault->crash && fl_fault_holds(f, endpoint, &rank))
            return f->result.record;
    }
    return FL_NO_RECORD;
}

static void turn_away(struct fl_world *w, uint32_t endpoint)
{
    struct fl_node *n = &w->node[endpoint];
    const uint32_t before = replica_of(w, endpoint);
    const struct fl_group *g = group_of(w, before);
    const uint64_t step = 1 + fl_draw_below(w->config->seed, FL_RNG_PLACEMENT, n->key, ++n->turns,
                                            LANE_TURN, g->count - 1);
    const uint32_t now = g->first + (uint32_t)((before - g->first + step) % g->count);
    const int64_t v[FL_RECORD_VALUES] = {endpoint, n->turns, before, now};
    fl_world_note(w, FL_RECORD_ATTACHED, endpoint, crash_of(w, before), v);
    for (uint32_t f = 0; f < FL_LAYERS; f++) fl_actor_at(w, endpoint, f)->self.replica.i = now;
    fl_clients_lay_out(w);
    n->served_at = w->now;
}

/* One entry for each client is always in the queue: at the earliest instant at which it may have
 * waited long enough. */
void fl_client_looks(struct fl_world *w, uint32_t endpoint)
{
    const struct fl_node *n = &w->node[endpoint];
    const fl_time patience = group_of(w, endpoint)->failover;
    const bool up = n->down == 0;
    if (up && fl_add(n->served_at, patience) <= w->now) turn_away(w, endpoint);
    look_at(w, endpoint, fl_add(up ? n->served_at : w->now, patience));
}
