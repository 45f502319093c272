/* One liquidation on its way down the waterfall (liquidation.c), and what the files of it do for each other. */
#ifndef FL_LEDGER_FALL_H
#define FL_LEDGER_FALL_H
#include "models/ledger/exchange.h"

/* One liquidation at work. */
struct fl_fall {
    struct fl_desk *desk;
    struct fl_opened account;
    uint32_t market;
    int64_t number;                /* of the liquidation; set with the first part that closes */
    int64_t rest;                  /* to close, signed: opposite to the position */
    int64_t *note;                 /* NULL: nothing has been closed yet */
    fl_i128 closed_notional, lost; /* magnitude at the mark; what the fund lost */
    fl_i128 loss_left;             /* what the account may still cost the fund in this block */
    fl_i128 reward;                /* to the sender */
    fl_i128 fund_paid, adl, socialised, outstanding;
    bool rewarded;   /* there is a sender */
    bool taken_over; /* somebody was deleveraged */
    bool own;        /* the exchange's own: its cause is the price, not a transaction */
};

/* --- liquidation.c ----------------------------------------------------------------------------------- */

/* The exchange's row, its counts of what this block has done begun anew if the block is new. */
struct fl_exchange_row *fl_fall_block(struct fl_desk *desk);
/* Notional of `size` in the liquidation's market, at the mark. */
fl_i128 fl_fall_notional(const struct fl_fall *f, int64_t size);
/* Whether all deficits so far still fit with `loss` more: what does not is not done at all. */
bool fl_fall_can_count(struct fl_fall *f, fl_i128 loss);
/* Stores the account after a part has closed. */
void fl_fall_keep(struct fl_fall *f, const struct fl_opened *after);
/* A part of `size` (signed, of the account) has been closed for `quote`, with `delta` to or from the fund; `before`: the
 * position before it. */
void fl_fall_count(struct fl_fall *f, int64_t size, int64_t before, fl_i128 quote, fl_i128 delta);
/* Liquidates what may be of one position, the market's number + 1 or 0 for the exchange's choice: 0 if anything was
 * closed, or why not. */
uint32_t fl_fall_liquidate(struct fl_fall *f, uint32_t number, uint32_t market_plus_one);

/* --- deleverage.c ------------------------------------------------------------------------------------ */

/* Is anything left to close, and may this block still have it taken over? */
bool fl_fall_may_deleverage(struct fl_fall *f);
/* The account takes over at most `most` (signed as f->rest); what it took, 0 if it could not. */
int64_t fl_fall_take_over(struct fl_fall *f, uint32_t number, int64_t most);
/* Everybody on the other side, in the policy's order, until nothing is left or the block's limit is reached. */
void fl_fall_deleverage(struct fl_fall *f);

#endif
