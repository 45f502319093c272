/* A crowd of traders, as its files share it: population.c (opening, the model), crowd_draws.c (who is
 * who), crowd_wake.c (who has a reason to look), crowd_react.c (what one does who holds).
 *
 * Scale. A head costs nothing for a trader whom nothing concerns. Each is asleep or awake, one bit;
 * at a head those awake are stepped, in the order of their numbers. What wakes one:
 *   - its opening time;
 *   - a price that has moved, within the crowd's window, by what it takes to unnerve it, or no longer;
 *   - a path of the prices so long that its margin may have come down to what it minds;
 *   - a market so far from the oracle that whoever is watchful looks closer;
 *   - a patrol, after somebody was liquidated: so many traders a head, in turn.
 * Who waits for a transaction, or for leave to send one, stays awake. Who is woken without reason says
 * nothing: so the crowd sends exactly what it would if all were awake at every head. */
#ifndef FL_AGENT_CROWD_H
#define FL_AGENT_CROWD_H
#include "models/submit.h"

struct crowd_params {
    uint32_t exchange;
    struct fl_places markets;    /* of the exchange; none: its first */
    int64_t markets_per_account; /* at most */
    struct fl_groups venues;     /* first endpoints, in the order of the markets; none: any venue */
    struct fl_law leverage;      /* ppm */
    struct fl_law collateral;    /* 10^-6 USD */
    int64_t long_share_ppm;
    fl_time open_from, open_to;
    int64_t limit_ppm;
    int64_t retry_blocks;
    int64_t watchful_ppm;
    int64_t top_up_ppm, top_up_below_ppm, wallet_ppm, top_ups_max;
    int64_t panic_ppm, panic_below_ppm;
    struct fl_law panic_move; /* ppm */
    int64_t chase_ppm;
    struct fl_law chase_move; /* ppm */
    fl_time window;
};

enum phase {
    WAITING = 1, /* for its opening time */
    DEPOSITING,  /* the deposit is on its way */
    READY,       /* deposited; waits for a valid price */
    TRADING,     /* the trade is on its way */
    HOLDING,
    WITHDRAWING, /* holding, and a withdrawal is on its way */
    TOPPING_UP,  /* holding, and more collateral is on its way */
    CLOSING,     /* holding, and a trade is on its way that ends a position */
    CHASING,     /* a trade is on its way that goes with the market */
    DONE
};

enum trait {
    WATCHES = 1,
    TOPS_UP = 2,
    PANICS = 4,
    CHASES = 8,
    HOLDS = 16, /* had a position when it looked last */
    HELD = 32,  /* ... or ever */
    LISTED = 64 /* in the ring */
};

enum direction { DOWN, UP, DIRECTIONS };
enum {
    LEGS_MAX = 8,        /* markets of one trader; `chased` has two bits for each */
    TIDE_SLOTS = 16,     /* parts of the window */
    RING_SLOTS = 1024,   /* of RING_WIDTH each: far enough for what loses all at once */
    RING_WIDTH = 1000,   /* ppm */
    PATROL = 4096,       /* traders who look after themselves at a head */
    CROWD_PER_HEAD = 512 /* Three effects and one blob each; the outbox holds 4096 and 2048 */
};
#define NOBODY UINT32_MAX

struct trader {
    /* WAITING: its opening time. HOLDING: the length of the path at which it counts its margin again. */
    int64_t until;
    int64_t arg[2];     /* of its newest transaction */
    uint32_t nonce;     /* of its newest transaction; 0: none yet */
    uint32_t sent_head; /* number of the head at which that was sent last */
    uint32_t next;      /* WAITING: who opens next. In the ring: others of its slot */
    uint32_t prev;
    uint32_t nerve_ppm; /* the move that makes it panic, or chase */
    uint16_t copy;      /* resubmissions of the newest transaction */
    uint16_t chased;    /* moves it has gone with already: bit 2 * leg + direction */
    uint8_t phase;      /* enum phase */
    uint8_t traits;     /* enum trait */
    uint8_t leg;        /* of its markets, the one to open next */
    uint8_t market;     /* of its newest trade */
    uint8_t top_ups;    /* so far */
    uint8_t zero[3];
};
_Static_assert(sizeof(struct trader) == 56, "a trader is 60 bytes with its place in by_nerve");

/* A market's mark, as the heads showed it within the window. */
struct tide {
    int64_t mark;                              /* newest valid; 0: none yet */
    int64_t slot;                              /* number of the newest part of the window */
    int64_t high[TIDE_SLOTS], low[TIDE_SLOTS]; /* 0: none */
    int64_t move_ppm[DIRECTIONS]; /* from the window's highest down, from its lowest up */
    uint32_t reach[DIRECTIONS];   /* how many in by_nerve such a move unnerves */
};

struct crowd {
    struct fl_sight sight[FL_EXCHANGE_MARKETS_MAX]; /* of the venues, by place */
    int64_t opened, holding, withdrawals, top_ups, panics, chases;
    int64_t liquidations; /* on the exchange, when last looked */
    int64_t path;         /* sum of the largest relative moves of marks from head to head, ppm */
    uint32_t heads;       /* seen so far */
    uint32_t first;       /* trader who comes first at the next head */
    uint32_t opening;     /* who opens next */
    uint32_t nerves;      /* entries of by_nerve */
    uint32_t patrol_next; /* where the patrol goes on */
    uint32_t patrol_left; /* whom it has yet to reach */
    struct tide tide[FL_EXCHANGE_MARKETS_MAX]; /* by place */
    uint32_t ring[RING_SLOTS];
    struct trader trader[];
    /* then uint64_t awake[], watchers[] by trader, uint32_t by_nerve[]: traders by nerve_ppm */
};

/* What one head shows of a market. */
struct outlook {
    struct fl_market_terms terms;
    struct fl_price price;
    int64_t mid; /* of its venue; 0: none seen */
    bool torn;   /* mid and mark are so far apart that a watchful trader looks closer */
};

/* What one head shows, and how many transactions may still be sent at it. */
struct glance {
    const struct fl_self *self;
    const struct crowd_params *p;
    struct crowd *crowd;
    const struct fl_view *view;
    struct fl_outbox *out;
    fl_time now;
    struct outlook market[FL_EXCHANGE_MARKETS_MAX]; /* by place */
    bool torn;                                      /* one of them is */
    uint32_t patrol_from, patrol_count;             /* who looks after itself, round the crowd */
    uint32_t budget;
};

/* --- the places of the crowd's markets ------------------------------------------------------------- */

static inline uint32_t fl_crowd_places(const struct crowd_params *p)
{
    return p->markets.count == 0 ? 1 : p->markets.count;
}
static inline uint32_t fl_crowd_market(const struct crowd_params *p, uint32_t place)
{
    return p->markets.count == 0 ? 0 : p->markets.at[place];
}
/* NOBODY if it does not trade that market. */
static inline uint32_t fl_crowd_place(const struct crowd_params *p, uint32_t market)
{
    for (uint32_t place = 0; place < fl_crowd_places(p); place++)
        if (fl_crowd_market(p, place) == market) return place;
    return NOBODY;
}

/* --- crowd_draws.c: who is who, by number within the crowd ------------------------------------------ */

int64_t fl_crowd_collateral(const struct fl_self *self, uint32_t trader);
int64_t fl_crowd_leverage(const struct fl_self *self, uint32_t trader); /* ppm */
fl_time fl_crowd_opening(const struct fl_self *self, uint32_t trader);
/* Its markets: their places, drawn without repetition; how many. */
uint32_t fl_crowd_legs(const struct fl_self *self, uint32_t trader, uint32_t place[LEGS_MAX]);
bool fl_crowd_long(const struct fl_self *self, uint32_t trader, uint32_t leg);
/* Its traits, and the move that unnerves it (0: none). */
uint8_t fl_crowd_traits(const struct fl_self *self, uint32_t trader, uint32_t *nerve_ppm);

/* --- crowd_wake.c ---------------------------------------------------------------------------------- */

size_t fl_crowd_bytes(const struct crowd_params *p, uint32_t traders);
void fl_crowd_init(const struct fl_self *self, struct crowd *crowd);
/* Wakes whom this head concerns. */
void fl_crowd_wake(struct glance *g);
uint64_t *fl_crowd_awake(const struct fl_self *self, struct crowd *crowd);
/* When it counts its margin again; now, or later. */
void fl_crowd_count_at(struct crowd *crowd, uint32_t index, int64_t path);

/* --- crowd_react.c --------------------------------------------------------------------------------- */

/* A trader who holds, and has no transaction under way. False: it may sleep. */
bool fl_crowd_hold(struct glance *g, uint32_t index);

/* --- population.c ---------------------------------------------------------------------------------- */

/* False if this head's allowance is used up; the trader who hears it first comes first next time. */
bool fl_crowd_may_send(struct glance *g, uint32_t index);
/* A new transaction; its kind follows from the phase. */
void fl_crowd_act(struct glance *g, uint32_t index, enum phase phase, int64_t arg0, int64_t arg1);
/* Whether the newest transaction is `retry_blocks` old. */
bool fl_crowd_waited(const struct glance *g, const struct trader *t);
bool fl_crowd_read(const struct glance *g, uint32_t index, struct fl_account *row);
/* What a trader decides, it decides at the oracle's price. */
void fl_crowd_because(const struct glance *g, uint32_t place);
/* The worst price it accepts for `size`. */
int64_t fl_crowd_limit(const struct glance *g, uint32_t place, int64_t size);
/* What it saw of its positions: how many. True if it is out of the game. */
bool fl_crowd_saw(struct glance *g, uint32_t index, const struct fl_account *row);

#endif
