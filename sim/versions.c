/* Which ledger versions and blobs somebody may still ask for. */
#include "sim/alloc.h"
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

static uint64_t highest_final(const struct fl_world *w)
{
    uint64_t highest = 0;
    for (uint32_t e = 0; e < w->config->facts.endpoints; e++)
        if (counts(w, e)) highest = final_height(w, e) > highest ? final_height(w, e) : highest;
    return highest;
}

/* The live honest replica that is furthest behind, but not hopelessly so; NULL if none finalised. */
static const struct fl_node *slowest(const struct fl_world *w, uint64_t highest)
{
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

/* --- rows that are handed out, and rows on their way ---------------------------------------------- */

static uint32_t carried_find(const struct fl_world *w, fl_version version)
{
    uint32_t i = 0;
    while (i < w->carried_count && w->carried[i].version.i != version.i) i++;
    return i;
}

void fl_rows_hold(struct fl_world *w, fl_version version)
{
    const uint32_t i = carried_find(w, version);
    if (i == w->carried_count) {
        w->carried = fl_grow(w->carried, w->carried_count, &w->carried_room, sizeof *w->carried);
        w->carried[w->carried_count++] = (struct fl_carried){.version = version};
    }
    w->carried[i].bodies++;
}

void fl_rows_release(struct fl_world *w, fl_version version)
{
    const uint32_t i = carried_find(w, version);
    FL_ASSERT(i < w->carried_count && w->carried[i].bodies > 0);
    if (--w->carried[i].bodies == 0) w->carried[i] = w->carried[--w->carried_count];
}

static uint64_t lower(const struct fl_world *w, fl_version version, uint64_t height)
{
    if (!fl_ledger_alive(w->ledger, version)) return height; /* too late to keep it */
    const uint64_t own = fl_ledger_height(w->ledger, version);
    return own < height ? own : height;
}

/* The lowest height below `height` that a snapshot needs, else `height`. */
static uint64_t needed_from(const struct fl_world *w, uint64_t highest, uint64_t height)
{
    for (uint32_t e = 0; e < w->config->facts.endpoints; e++)
        if (w->node[e].pin.i && counts(w, e) && final_height(w, e) + REPLICA_LAG >= highest)
            height = lower(w, w->node[e].pin, height);
    for (uint32_t i = 0; i < w->carried_count; i++)
        height = lower(w, w->carried[i].version, height);
    return height;
}

/* --- what is final ------------------------------------------------------------------------------------ */

/* Is `old` an ancestor of `version`, or `version` itself? */
static bool descends(const struct fl_world *w, fl_version version, fl_version old)
{
    const uint64_t height = fl_ledger_height(w->ledger, old);
    while (version.i && fl_ledger_height(w->ledger, version) > height)
        version = fl_ledger_parent(w->ledger, version);
    return version.i == old.i;
}

bool fl_extends_final(const struct fl_world *w, uint32_t endpoint, fl_version version)
{
    const fl_version final = w->node[endpoint].final;
    return final.i == 0 || descends(w, version, final);
}

/* Is it final for every replica that counts, and below what the checks look at? Not if agreement is violated and it lies on one branch of
 * several: then the base stays, and each branch can go on. */
static bool final_for_all(const struct fl_world *w, fl_version version, uint64_t highest)
{
    for (uint32_t e = 0; e < w->config->facts.endpoints; e++) {
        if (!counts(w, e) || final_height(w, e) + REPLICA_LAG < highest) continue;
        if (!descends(w, w->node[e].final, version)) return false;
    }
    return descends(w, w->newest, version);
}

/* Is it known without a scan that the base stays? It does as long as whoever the last scan found
 * slowest still counts and is not far enough: the slowest of all is no further. */
static bool held_back(const struct fl_world *w, uint64_t base_height)
{
    const uint32_t e = w->slowest;
    if (!counts(w, e) || final_height(w, e) + REPLICA_LAG < w->final_most) return false;
    return final_height(w, e) < base_height + READERS_BEHIND + 1;
}

/* The base follows the slowest replica at a distance that clients' views need, and stays below what a
 * snapshot may need.
 *
 * Finality is for good: an honest endpoint that lets go of a final version has a fault of ours. A
 * corrupted one says what it likes, and is not listened to. */
void fl_finalised(struct fl_world *w, uint32_t endpoint, fl_version version)
{
    struct fl_node *const n = &w->node[endpoint];
    const bool kept = fl_ledger_known(w->ledger, version) &&
                      (fl_extends_final(w, endpoint, version) || descends(w, n->final, version));
    FL_ASSERT(kept || !n->honest);
    if (!kept) return;
    n->final = version;
    const fl_version base = fl_ledger_base(w->ledger);
    const uint64_t base_height = fl_ledger_height(w->ledger, base);
    if (n->honest && final_height(w, endpoint) > w->final_most)
        w->final_most = final_height(w, endpoint);
    if (held_back(w, base_height)) return;
    const uint64_t highest = highest_final(w);
    const struct fl_node *slow = slowest(w, highest);
    if (!slow) return;
    w->slowest = (uint32_t)(slow - w->node);
    const uint64_t height = fl_ledger_height(w->ledger, slow->final);
    if (height < base_height + READERS_BEHIND + 1) return;
    const uint64_t wanted = needed_from(w, highest, height - READERS_BEHIND);
    if (wanted <= base_height) return;
    fl_version target = FL_NO_VERSION, v = slow->final;
    for (uint64_t h = height; h > base_height; h--, v = fl_ledger_parent(w->ledger, v))
        if (h == wanted) target = v;
    if (v.i == base.i && final_for_all(w, target, highest)) fl_ledger_advance(w->ledger, target);
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
