/* A world taken out of time, for exploration: no queue, no clock, no network. What is on its way, and
 * which timer is armed, is told to the caller, who chooses what happens next.
 *
 * What can change is divided among parties: every endpoint is one by itself, but for corrupted ones
 * (struck by anything other than a crash) that share the memory of a fault, or hear everything at once
 * because some fault is rushing. These are party 0, the coalition; it is there even if it has nobody,
 * and has the state of all faults but those of a single member. A party's state is all that its next
 * step depends on: its layers, its armed timers, whether it is down, which ledger versions it reads and
 * serves; if some fault is rushing, or opens or closes while exploring, also the state of party 0.
 *
 * States, moves, lists of moves and what the checks have seen have numbers (sim/pool.h), so that
 * equal means equal number.
 *
 * Time does not pass: it is 0 at every event. A timer armed with delay 0 is due; any other may expire
 * at any moment, as late or as early as one likes. Blobs are never forgotten. Faults of links, delays,
 * loss, gossip and bandwidth play no part: they only choose among the orders in which things arrive. */
#ifndef FL_STAGE_H
#define FL_STAGE_H
#include "sim/pool.h"
#include "sim/state.h"

enum fl_move_kind {
    FL_MOVE_HEAR = 1, /* `endpoint` receives msg */
    FL_MOVE_TIMER,    /* timer `index` of the world expires */
    FL_MOVE_FAULT     /* fault `index` opens, strikes one more, or closes: see `edge` */
};
struct fl_move {
    uint32_t kind, endpoint, index;
    uint32_t edge; /* as in the queue's entry: enum fl_fault_edge, and the fault's round above */
    struct fl_msg msg;
};

struct fl_stage {
    const struct fl_config *config;
    struct fl_world *world;
    uint32_t endpoints, parties;
    uint32_t *party;      /* by endpoint */
    uint32_t *keeper;     /* by fault: the party that has its state */
    bool *deaf;           /* by endpoint: all that strikes it is alone */
    bool *corrupted;      /* by party */
    bool *edged;          /* by party: a fault may begin or end there while exploring */
    bool heeded;          /* what others do depends on party 0 too */
    unsigned char *timer; /* by timer: enum fl_armed */
    uint32_t *timer_move; /* by timer: the move in which it expires */
    struct fl_pool state, move, list, seen;
    uint32_t *loaded; /* by party: number of the state the world has; 0: of none */
    uint32_t loaded_seen;
    uint32_t *broken; /* by seen - 1: check that is broken, UINT32_MAX if none */
    uint32_t broken_count, broken_room;
    fl_version base;
    unsigned char *scratch;
    struct fl_move *sent; /* of the step just made */
    uint32_t sent_count, sent_room;
    uint32_t *edge; /* likewise, moves of faults that it has made possible */
    uint32_t edge_count, edge_room;
};
enum fl_armed { FL_UNARMED, FL_ARMED, FL_DUE };

/* Everybody has started. `sent` is then what is on its way, `edges` the moves of faults that may
 * happen: windows that are not open from the start to the end. One that a trigger opens may open at
 * any time; whichever it is, it opens once. The configuration must outlive it; its trace detail must not
 * be "messages", and no fault may choose its members by an observable. */
struct fl_stage *fl_stage_open(const struct fl_config *config, uint32_t *sent, uint32_t *edges);
void fl_stage_close(struct fl_stage *stage);

/* Puts a party, or the checks, into that state. */
void fl_stage_load(struct fl_stage *stage, uint32_t party, uint32_t state);
void fl_stage_load_seen(struct fl_stage *stage, uint32_t seen);
/* Number of the state it is in. */
uint32_t fl_stage_save(struct fl_stage *stage, uint32_t party);
uint32_t fl_stage_save_seen(struct fl_stage *stage);

/* What one move did, beside changing the state of the party it is about (of every party, if it is
 * that of a fault; of the coalition too, if that is rushing). */
struct fl_did {
    uint32_t sent;         /* list of FL_MOVE_HEAR */
    uint32_t edges;        /* list of FL_MOVE_FAULT: what can follow an edge */
    bool noted;            /* records or an execution: the checks have seen something */
    struct fl_digest said; /* of these */
};
struct fl_did fl_stage_do(struct fl_stage *stage, uint32_t move);
/* False once the ledger has merged versions that an earlier state may read. */
bool fl_stage_whole(const struct fl_stage *stage);

const struct fl_move *fl_stage_move(const struct fl_stage *stage, uint32_t move);
uint32_t fl_stage_move_number(struct fl_stage *stage, const struct fl_move *move);
static inline const uint32_t *fl_stage_list(const struct fl_stage *stage, uint32_t list,
                                            uint32_t *count)
{
    const uint32_t *at = fl_pool_get(&stage->list, list, count);
    *count /= (uint32_t)sizeof *at;
    return at;
}
uint32_t fl_stage_list_number(struct fl_stage *stage, const uint32_t *moves, uint32_t count);

/* What can be read of a party's state. */
struct fl_party_view {
    bool down; /* of its first endpoint */
    const unsigned char
        *timer; /* enum fl_armed of each of its timers, in the order of the world's */
};
struct fl_party_view fl_stage_view(const struct fl_stage *stage, uint32_t party, uint32_t state);

/* The first check that is broken once this is seen; UINT32_MAX if none. */
uint32_t fl_stage_broken(const struct fl_stage *stage, uint32_t seen);
/* The same if nothing more happens. The verdicts stay readable in world->verdict until the next call;
 * observables that checks read at the end are those of the states loaded. */
uint32_t fl_stage_broken_at_rest(struct fl_stage *stage, uint32_t seen);

#endif
