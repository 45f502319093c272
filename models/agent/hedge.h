/* A position held at a venue against one on the exchange: one order at a time, sent again under the
 * same number while no fill comes back, so that it is filled once (models/market/spot.c).
 *
 * The venue gives credit: what is bought is owed, what is sold is borrowed. */
#ifndef FL_AGENT_HEDGE_H
#define FL_AGENT_HEDGE_H
#include "models/submit.h"

struct fl_hedge {
    int64_t held;       /* at the venue */
    int64_t cash;       /* received for it; negative: paid */
    int64_t order_size; /* of the open order; 0: none is open */
    fl_time order_at;
    uint64_t order;      /* number of the newest order */
    uint64_t order_copy; /* how often it was sent again */
};

#define FL_ORDER_RETRY (5 * FL_SECOND) /* longer than any sound round trip to the venue */
#define FL_COPIES_MAX 65535            /* `copy` of a message has 16 bits */

static inline void fl_hedge_send(const struct fl_self *self, struct fl_hedge *hedge,
                                 fl_endpoint venue, fl_time now, struct fl_outbox *out)
{
    struct fl_msg *m = fl_send(out, FL_TO_ONE, venue, FL_MARKET, FL_ORDER);
    m->word[0] = self->key;
    m->word[1] = hedge->order;
    m->copy = (uint16_t)hedge->order_copy;
    m->value[0] = hedge->order_size;
    hedge->order_at = now;
}

/* Orders what is missing to hold `wanted`, if that is more than `threshold` and nothing is on order. */
static inline void fl_hedge_seek(const struct fl_self *self, struct fl_hedge *hedge,
                                 fl_endpoint venue, int64_t wanted, int64_t threshold, fl_time now,
                                 struct fl_outbox *out)
{
    if (hedge->order_size != 0) {
        if (now - hedge->order_at > FL_ORDER_RETRY && hedge->order_copy < FL_COPIES_MAX) {
            hedge->order_copy++;
            fl_hedge_send(self, hedge, venue, now, out);
        }
        return;
    }
    const int64_t missing = fl_clamp(fl_sub(wanted, hedge->held), -FL_SIZE_MAX, FL_SIZE_MAX);
    if (fl_abs(missing) <= threshold) return;
    hedge->order++;
    hedge->order_size = missing;
    hedge->order_copy = 0;
    fl_hedge_send(self, hedge, venue, now, out);
}

/* Takes the answer to the open order. A buy costs, rounded up; a sell brings, rounded down. */
static inline void fl_hedge_filled(struct fl_hedge *hedge, fl_endpoint venue,
                                   const struct fl_msg *m)
{
    if (m->from.i != venue.i || m->word[1] != hedge->order || hedge->order_size == 0 ||
        m->value[0] != hedge->order_size || !fl_price_plausible(m->value[1]))
        return;
    const fl_i128 exact = -(fl_i128)m->value[0] * m->value[1];
    const fl_i128 rounding = exact < 0 && exact % FL_PPM_ONE != 0;
    const fl_i128 cash = hedge->cash + exact / FL_PPM_ONE - rounding;
    hedge->cash = cash > INT64_MAX ? INT64_MAX : cash < INT64_MIN ? INT64_MIN : (int64_t)cash;
    hedge->held = fl_add(hedge->held, m->value[0]);
    hedge->order_size = 0;
}

/* What closing it at `mid` would leave: cash + held * mid, down. */
static inline fl_i128 fl_hedge_worth(const struct fl_hedge *hedge, int64_t mid)
{
    const fl_i128 exact = (fl_i128)hedge->held * mid;
    return hedge->cash + exact / FL_PPM_ONE - (exact < 0 && exact % FL_PPM_ONE != 0);
}

#endif
