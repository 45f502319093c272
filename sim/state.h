/* The parts of a world, shared by the engine's own files and by nobody else. */
#ifndef FL_STATE_H
#define FL_STATE_H
#include "sim/blob.h"
#include "sim/keys.h"
#include "sim/ledger.h"
#include "sim/queue.h"
#include "sim/world.h"

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

/* One layer of one node: a model, its state and its timers. */
struct fl_actor {
    const struct fl_model *model; /* NULL if the node has no such layer */
    struct fl_self self;
    unsigned char *state;
    size_t state_bytes;
    uint32_t timer_first;
};

struct fl_timer {
    uint32_t epoch; /* entries of the queue with another epoch are stale */
    uint32_t cause;
    uint32_t endpoint;
    uint8_t layer, slot;
    bool armed;
};

struct fl_node {
    uint32_t group;
    uint32_t key;
    uint32_t down;          /* crash windows it is in */
    bool honest;            /* no fault that taints strikes it in this run */
    bool struck;            /* a fault that acts does, honest or not */
    fl_version view;        /* what its replica served it last */
    fl_time served_at;      /* when that was higher than before; of a client */
    uint32_t turns;         /* how often it has turned to another replica */
    fl_version head, final; /* of a replica */
    fl_version pin;         /* whose rows it hands out */
    uint64_t keep_from;     /* UINT64_MAX: keeps no blob */
    bool started;           /* has had FL_START */
    fl_time busy_until;     /* with signatures; what comes before then waits in line */
    uint32_t first_waiting, last_waiting; /* in fl_world.waiting; UINT32_MAX: nobody */
    uint64_t charge;                      /* bytes of blobs, if corrupted */
    uint32_t other;                       /* the other endpoint of its identity; UINT32_MAX: none */
    uint32_t doubled_by;                  /* of a twin: the fault it is; UINT32_MAX of all others */
    uint32_t client_first, client_count;  /* in fl_world.client */
};

/* What a broadcast's deliveries share. */
struct fl_body {
    struct fl_msg msg;
    uint32_t pending; /* deliveries still in the queue, and whoever works with it now */
    uint32_t cause;
    uint32_t row;    /* 1 + its row with detail "messages" (then never shared) */
    uint32_t via;    /* endpoint it comes from: its sender, or who relays it */
    uint32_t rumour; /* 1 + its number, if it is gossip */
    uint32_t next_free;
};

/* An entry that came while its node was busy. */
struct fl_waiting {
    struct fl_entry entry;
    uint32_t next;
};

enum fl_local_kind { FL_LOCAL_CALL = 1, FL_LOCAL_EXECUTE, FL_LOCAL_ADOPT, FL_LOCAL_OVERHEARD };
struct fl_local {
    enum fl_local_kind kind;
    uint32_t endpoint, layer;
    uint32_t fault, rank; /* FL_LOCAL_OVERHEARD */
    uint32_t offset;      /* FL_LOCAL_EXECUTE */
    uint32_t cause;
    struct fl_msg msg;
};

/* What a fault saw at one look. */
struct fl_look {
    int64_t trigger;                /* value of the trigger's observable */
    int64_t *sight;                 /* of those it sees */
    uint32_t chosen_count, *chosen; /* those who hold the most of `largest`, the most first */
    int64_t *most;                  /* how much each of them holds */
};

struct fl_fault_state {
    struct fl_fault_result result;
    bool active;
    unsigned char *state; /* zeroed whenever it opens */
    size_t state_bytes;
    struct fl_coalition coalition; /* its count: how many it holds now */
    const struct fl_self **self;   /* of those, by rank */
    uint32_t *held;                /* their endpoints */
    uint64_t *side;                /* by endpoint, of a fault of links; NULL of others */
    uint32_t round;                /* how often it has opened */
    struct fl_look *look;          /* ring of those it has not learnt of yet */
    uint32_t look_count, look_first, look_room;
    int64_t *sight;  /* see_count, what it learnt last */
    int64_t extreme; /* of the trigger's observable, as learnt */
    bool learnt;     /* anything at all */
};

struct fl_check_state {
    unsigned char *state;
    struct fl_watch watch;
    fl_time period, next; /* FL_FOREVER if it has no tick */
};

struct fl_reader {
    const struct fl_world *world;
};

/* A ledger version whose rows are on their way in some message. */
struct fl_carried {
    fl_version version;
    uint32_t bodies;
};

struct fl_world {
    const struct fl_config *config;
    struct fl_reader reader;
    fl_time now;
    struct fl_queue queue;
    struct fl_blobs *blobs;
    struct fl_ledger *ledger;
    struct fl_carried *carried;
    uint32_t carried_count, carried_room;
    struct fl_records *records;
    struct fl_keyring keys;

    struct fl_node *node;   /* [endpoint] */
    struct fl_actor *actor; /* [endpoint * FL_LAYERS + family] */
    unsigned char *states;
    size_t states_bytes;
    uint32_t *client;
    struct fl_timer *timer;
    uint32_t timer_count;
    struct fl_net *net; /* network.c; NULL if all the network does is delay */
    struct fl_body *body;
    uint32_t body_count, body_room, body_free;
    struct fl_waiting *waiting;
    uint32_t waiting_count, waiting_room, waiting_free;
    struct fl_local *local; /* stack of local calls to do */
    size_t local_count, local_room;
    struct fl_outbox *honest,
        *spoken[2];    /* a step's own words, and what adversaries make of them */
    fl_blob *interned; /* [interned_count], of the outbox being applied */
    uint32_t interned_count;

    struct fl_fault_state *fault;
    bool rushing; /* some fault of this run overhears what is sent to its members */
    struct fl_check_state *check;
    fl_version newest; /* last version executed by an honest replica */
    uint64_t newest_height;
    uint32_t slowest; /* endpoint that was furthest behind in what is final, when last looked for */
    uint64_t final_most; /* height of the highest version that an honest endpoint ever held final */

    bool begun;          /* the nodes that are up have started */
    uint32_t cause;      /* durable ancestor of the event being handled */
    uint32_t raw_parent; /* 1 + row of the message being handled, or 0 */
    XXH3_state_t *digest;
    unsigned char *undigested; /* what the digest has yet to take in, FL_UNDIGESTED_MAX at most */
    uint32_t undigested_bytes;

    fl_time next_look; /* time of the next tick of a check or the next sample */
    fl_time next_sample;
    uint32_t sample_room;
    fl_time *sample_at;
    int64_t **sample;
    int64_t *final;
    struct fl_message_row *message;
    uint64_t message_room;
    struct fl_fault_result *fault_result;
    struct fl_verdict *verdict;
    struct fl_result result;
};

enum { FL_UNDIGESTED_MAX = 4096 };

/* Entries of the queue: `what` is a kind in the top three bits and an index below. */
enum fl_entry_kind {
    FL_ENTRY_DELIVERY,  /* body; whom: endpoint */
    FL_ENTRY_TIMER,     /* timer; whom: epoch */
    FL_ENTRY_IDLE,      /* endpoint: its work is done */
    FL_ENTRY_DEPARTURE, /* body, held back by its sender; whom: receiver */
    FL_ENTRY_FAILOVER,  /* endpoint: has its replica told it anything new? */
    FL_ENTRY_FAULT      /* fault; whom: enum fl_fault_edge, and its round above */
};
enum fl_fault_edge {
    FL_EDGE_OPENS = 1,
    FL_EDGE_CLOSES,
    FL_EDGE_NEXT,  /* it strikes one more */
    FL_EDGE_LOOKS, /* at what it is let see */
    FL_EDGE_LEARNS /* of its oldest look */
};
enum { FL_EDGE_BITS = 3, FL_EDGE_MASK = (1 << FL_EDGE_BITS) - 1 };
enum { FL_ENTRY_INDEX_BITS = 29 };
static inline uint32_t fl_entry_what(enum fl_entry_kind kind, uint32_t index)
{
    FL_ASSERT(index < 1u << FL_ENTRY_INDEX_BITS);
    return (uint32_t)kind << FL_ENTRY_INDEX_BITS | index;
}

static inline struct fl_actor *fl_actor_at(const struct fl_world *w, uint32_t endpoint,
                                           uint32_t layer)
{
    return &w->actor[(size_t)endpoint * FL_LAYERS + layer];
}

static inline uint32_t fl_twin_first(const struct fl_world *w)
{
    return w->config->facts.endpoints - w->config->twin_count;
}
/* The endpoint in its group of whoever is behind this one: of a twin, its original. */
static inline uint32_t fl_member_at(const struct fl_world *w, uint32_t endpoint)
{
    return endpoint < fl_twin_first(w) ? endpoint : w->node[endpoint].other;
}

/* layout.c: everything that is set up before the first event, and freed after the last. */
void fl_world_lay_out(struct fl_world *world);
void fl_world_release(struct fl_world *world);

/* clients.c: who reads from and submits to which replica. */
void fl_clients_lay_out(struct fl_world *world); /* from every actor's self.replica */
void fl_clients_start(struct fl_world *world);   /* those that may fail over look at the clock */
/* Its replica says that it serves this version. */
void fl_client_served(struct fl_world *world, uint32_t endpoint, fl_version version);
/* FL_ENTRY_FAILOVER */
void fl_client_looks(struct fl_world *world, uint32_t endpoint);

/* dispatch.c: one event, its step, its effects and all local calls that follow. */
/* The node has just gone down: what waited in line is lost like what comes later. */
void fl_forget_work(struct fl_world *world, uint32_t endpoint);
/* FL_START if the node never ran, else FL_RECOVER. */
void fl_start_or_recover(struct fl_world *world, uint32_t endpoint);
/* An entry of the queue whose time has come; what it is about may have to wait its turn. */
void fl_handle(struct fl_world *world, struct fl_entry entry);
/* The digest takes in what waits for it: before it is read, copied, or given anything else. */
void fl_digest_settle(struct fl_world *world);
/* Appends a record made now, descending from `parent`, and shows it to the checks. */
uint32_t fl_world_note(struct fl_world *world, uint16_t kind, uint32_t endpoint, uint32_t parent,
                       const int64_t v[FL_RECORD_VALUES]);

/* strike.c: who is struck, and when. */
/* Before the run: what it will do first. */
void fl_fault_lay_out(struct fl_world *world, uint32_t fault);
void fl_fault_release(struct fl_fault_state *fault);
/* True if it opens before anybody starts. */
bool fl_fault_opens_at_once(const struct fl_fault_spec *spec);
void fl_fault_opens(struct fl_world *world, uint32_t fault);
void fl_fault_edge(struct fl_world *world, uint32_t fault, uint32_t whom);
/* True if the endpoint is in its hands now; its rank there. */
bool fl_fault_holds(const struct fl_fault_state *fault, uint32_t endpoint, uint32_t *rank);

/* faults.c */
/* What a fault does to a message at `endpoint`, as a child of its edge. */
uint32_t fl_fault_bites(struct fl_world *world, uint32_t fault, uint32_t endpoint,
                        const struct fl_msg *msg);
/* Does it act at the events of its members, rather than take them down or cut their links? */
static inline bool fl_fault_acts(const struct fl_fault_model *fault)
{
    return !fault->crash && !fault->carries;
}
/* May it make a member contradict the protocol, or itself? Then the member is not honest. */
static inline bool fl_fault_taints(const struct fl_fault_model *fault)
{
    return fault->forgets || (fl_fault_acts(fault) && !fault->truthful);
}
/* Only of nodes that are struck. Does a member's fault keep it from taking up this message; keep
 * this message, which the member sends or passes on, from leaving for `to`? */
bool fl_fault_deafens(struct fl_world *world, uint32_t endpoint, const struct fl_msg *msg);
bool fl_fault_silences(struct fl_world *world, uint32_t endpoint, const struct fl_msg *msg,
                       uint32_t to);
/* Adds the work that the event costs beside its own; returns what the event's effects descend from,
 * which is `cause` unless there is such work. */
uint32_t fl_fault_slows(struct fl_world *world, uint32_t endpoint, const struct fl_event *event,
                        uint32_t cause);
/* What the corrupted node says instead of w->honest: one of w->spoken, or w->honest itself. */
struct fl_outbox *fl_corrupt(struct fl_world *world, uint32_t endpoint,
                             const struct fl_event *event, const struct fl_view *view);
/* Shows a send to the rushing coalitions it is addressed to. */
void fl_overhear(struct fl_world *world, uint32_t from, uint32_t to, const struct fl_msg *msg);
void fl_step_overheard(struct fl_world *world, const struct fl_local *local);
/* Puts a spoken outbox into effect as `endpoint`'s, its effects descending from w->cause. */
void fl_apply(struct fl_world *world, uint32_t endpoint, uint32_t layer, struct fl_outbox *out);
void fl_push_local(struct fl_world *world, const struct fl_local *local);

/* observe.c: checks, observables, series. */
void fl_checks_start(struct fl_world *world);
void fl_checks_record(struct fl_world *world, uint32_t id);
void fl_checks_executed(struct fl_world *world, const struct fl_execution *execution);
void fl_grid_look(struct fl_world *world, fl_time before);
static inline void fl_grid_until(struct fl_world *world,
                                 fl_time before) /* ticks and samples earlier than that */
{
    if (world->next_look < before) fl_grid_look(world, before);
}
void fl_checks_finish(struct fl_world *world);
int64_t fl_observe(const struct fl_world *world, uint32_t handle);
/* What one node publishes of it; false if it runs no such model. */
bool fl_observe_node(const struct fl_world *world, uint32_t handle, uint32_t endpoint,
                     int64_t *value);

/* versions.c: which ledger versions are still needed. */
void fl_finalised(struct fl_world *world, uint32_t endpoint, fl_version version);
/* Does the version descend from what the endpoint holds final? */
bool fl_extends_final(const struct fl_world *world, uint32_t endpoint, fl_version version);
/* Rows on their way in a body stay until they are there, or lost. */
void fl_rows_hold(struct fl_world *world, fl_version version);
void fl_rows_release(struct fl_world *world, fl_version version);
void fl_blobs_horizon(struct fl_world *world);

#endif
