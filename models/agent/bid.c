/* What a keeper offers for the place of one liquidation in a block. */
#include "models/agent/bid.h"

#define ONE_PPM INT64_C(1000000)

static int64_t opening_tip(const struct fl_auction *a)
{
    const int64_t left = fl_max(fl_sub(a->reward, a->base_fee), 0);
    return fl_add(a->tip, fl_mul_div_floor(left, a->share_ppm, ONE_PPM));
}

static int64_t cap_for(const struct fl_auction *a, int64_t tip)
{
    const int64_t roomy = fl_add(fl_add(a->base_fee, a->base_fee), tip);
    return fl_min(roomy, fl_min(a->limit, a->most));
}

bool fl_bid_open(const struct fl_auction *auction, struct fl_bid *bid)
{
    const int64_t tip = opening_tip(auction);
    if (fl_add(auction->base_fee, tip) > auction->limit) return false;
    const int64_t cap = cap_for(auction, tip);
    *bid = (struct fl_bid){.cap = cap, .tip = fl_min(tip, cap)};
    return true;
}

/* At least one unit more. */
static int64_t raised(int64_t from, int64_t raise_ppm)
{
    return fl_max(fl_mul_div_ceil(from, ONE_PPM + raise_ppm, ONE_PPM), from + 1);
}

bool fl_bid_raise(const struct fl_auction *auction, int64_t raise_ppm, struct fl_bid *bid)
{
    const int64_t tip = raised(bid->tip, raise_ppm);
    const int64_t cap = fl_max(raised(bid->cap, raise_ppm), cap_for(auction, tip));
    if (cap > fl_min(auction->limit, auction->most) || tip > cap) return false;
    *bid = (struct fl_bid){.cap = cap, .tip = tip};
    return true;
}
