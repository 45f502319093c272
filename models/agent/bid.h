/* What a keeper offers for the place of one liquidation in a block: an opening bid, and ascending bids
 * while it is not executed (priority gas auctions: Daian et al., "Flash Boys 2.0", IEEE S&P 2020, section 4:
 * blind raises by a fixed ratio are what their bots did). All in 10^-6 USD. */
#ifndef FL_AGENT_BID_H
#define FL_AGENT_BID_H
#include "sim/model.h"

struct fl_bid {
    int64_t cap, tip; /* fl_tx.fee_cap and .tip */
};

/* What it goes by. */
struct fl_auction {
    int64_t base_fee;  /* of the next block, as far as it knows */
    int64_t limit;     /* most that the liquidation is worth to it, fees in all; may be negative */
    int64_t most;      /* that it offers for anything, whatever the base fee */
    int64_t tip;       /* what it offers in any case */
    int64_t reward;    /* what it expects to get */
    int64_t share_ppm; /* of what the base fee leaves of the reward, offered beside `tip` */
};

/* False if base fee and tip together are above the limit: it is not worth it. The cap leaves room for the
 * base fee to double, which takes six blocks at least (EIP-1559), as wallets do, but is above neither the
 * limit nor `most`: then it may be too low from the start, and what is sent waits. */
bool fl_bid_open(const struct fl_auction *auction, struct fl_bid *bid);

/* Raises both parts by `raise_ppm` or more, as a replacement must; false, and no change, if that would pass
 * the limit, or `most`. */
bool fl_bid_raise(const struct fl_auction *auction, int64_t raise_ppm, struct fl_bid *bid);

#endif
