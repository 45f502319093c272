/* An exchange of the tests' own, and a bench for its participants: a board of prices that a clerk writes,
 * on which everybody trades at once and nobody is refused for want of margin. So what a trader, a maker or
 * an arbitrageur does follows from what it is shown, to the last unit. */
#ifndef TESTS_BOARD_H
#define TESTS_BOARD_H
#include "models/wire.h"
#include "sim/state.h"

#define USD INT64_C(1000000)  /* in 10^-6 USD */
#define UNIT INT64_C(1000000) /* in 10^-6 base units */

enum { BOARD_MARKETS = 3 };
enum board_tx {
    BOARD_POST = 100, /* arg: mark, bid, ask, lot, market */
    BOARD_CLEAR,      /* arg: account, loses all: as one that was liquidated */
    BOARD_SLOPE       /* arg: size that moves bid and ask by 1 %, tick, market */
};
struct balance {
    int64_t quote, size[BOARD_MARKETS];
};
/* To stand in the program's own fl_models, beside the real ones. */
extern const struct fl_model fl_model_board;

enum { POOL = 2048, EXCHANGE = 0 };
struct rig {
    struct fl_config *config;
    struct fl_world *world;
    struct fl_outbox *out;
    fl_time now;
    uint64_t height, clerk_nonce, quotes;
    fl_version head;
    struct fl_tx pool[POOL]; /* handed in, not in a block yet */
    uint32_t pooled;
    struct fl_msg order; /* the newest to the venue */
    uint32_t orders;
    uint32_t refused;
};

/* A laid-out world whose loop never runs. */
struct rig *rig_open(const char *const *overrides, size_t count);
void rig_close(struct rig *r);
struct fl_actor *rig_actor(const struct rig *r, const char *group, enum fl_family family);
int64_t rig_observe(const struct fl_actor *a, uint32_t index);
void rig_step(struct rig *r, struct fl_actor *a, const struct fl_event *in);
struct fl_event rig_event(const struct rig *r, enum fl_event_kind kind);
/* A new mid price of the venue reaches the actor. */
void rig_quote(struct rig *r, struct fl_actor *a, int64_t mid);
/* The actor hears of the newest block. */
void rig_head(struct rig *r, struct fl_actor *a);
/* A transaction of the clerk, in the next block. */
void rig_clerk(struct rig *r, enum board_tx kind, const int64_t arg[5]);
/* Bid, ask and mark are one price. */
void rig_post(struct rig *r, int64_t market, int64_t price, int64_t lot);
/* A block of all that was handed in, a second later; nobody hears of it yet. Nothing in it may be invalid. */
void rig_block(struct rig *r);
/* A block, and what the actor makes of it. */
void rig_turn(struct rig *r, struct fl_actor *a);
struct balance rig_balance(const struct rig *r, uint32_t account);
/* Transaction handed in last. */
const struct fl_tx *rig_newest(const struct rig *r);

#endif
