/* Which ledger versions and blobs somebody may still ask for. */
#include "sim/state.h"

enum {
    READERS_BEHIND = 8, /* blocks a client's view may lag behind what its replica holds final */
    REPLICA_LAG =
        1024 /* blocks (of blobs: epochs); who is further behind the others pins nothing */
};

static bool counts(const struct fl_world *w, uint32_t e)
{
    return fl_actor_at(w, e, FL_CHAIN)->model && w->node[e].down == 0 && w->node[e].honest;
}

static uint64_t final_height(const struct fl_world *w, uint32_t e)
{
    return w->node[e].final.i ? fl_ledger_height(w->ledger, w->node[e].final) : 0;
}

/* The live honest replica that is furthest behind, but not hopelessly so; NULL if none finalised. */
static const struct fl_node *slowest(const struct fl_world *w)
{
    uint64_t highest = 0;
    for (uint32_t e = 0; e < w->config->facts.endpoints; e++)
        if (counts(w, e)) highest = final_height(w, e) > highest ? final_height(w, e) : highest;
    const struct fl_node *slow = NULL;
    uint64_t lowest = UINT64_MAX;
    for (uint32_t e = 0; e < w->config->facts.endpoints; e++) {
        if (!counts(w, e) || final_height(w, e) + REPLICA_LAG < highest) continue;
        if (final_height(w, e) >= lowest) continue;
        lowest = final_height(w, e);
        slow = &w->node[e];
    }
    return slow && slow->final.i ? slow : NULL;
}

/* The base follows the slowest replica at a distance that clients' views need. After a violation of
 * agreement some replica's final state is not on the base's branch; then the base stays. */
void fl_finalised(struct fl_world *w, uint32_t endpoint, fl_version version)
{
    w->node[endpoint].final = version;
    const struct fl_node *slow = slowest(w);
    if (!slow) return;
    const fl_version base = fl_ledger_base(w->ledger);
    const uint64_t base_height = fl_ledger_height(w->ledger, base);
    const uint64_t height = fl_ledger_height(w->ledger, slow->final);
    if (height < base_height + READERS_BEHIND + 1) return;
    fl_version target = FL_NO_VERSION, v = slow->final;
    for (uint64_t h = height; h > base_height; h--, v = fl_ledger_parent(w->ledger, v))
        if (h == height - READERS_BEHIND) target = v;
    if (v.i == base.i) fl_ledger_advance(w->ledger, target);
}

/* Blobs below what every honest endpoint keeps may go. One that is down keeps what it said, for it has
 * stable storage, but not for ever: once it is as far behind the others as a replica that pins
 * nothing, it finds the oldest GONE when it is back. */
void fl_blobs_horizon(struct fl_world *w)
{
    uint64_t lowest = UINT64_MAX, highest = 0;
    for (uint32_t e = 0; e < w->config->facts.endpoints; e++) {
        const struct fl_node *n = &w->node[e];
        if (n->honest && n->keep_from != UINT64_MAX && n->keep_from > highest)
            highest = n->keep_from;
    }
    for (uint32_t e = 0; e < w->config->facts.endpoints; e++) {
        const struct fl_node *n = &w->node[e];
        const bool counted = n->down == 0 || highest - n->keep_from <= REPLICA_LAG;
        if (n->honest && n->keep_from < lowest && counted) lowest = n->keep_from;
    }
    fl_blobs_keep_from(w->blobs, lowest);
}
