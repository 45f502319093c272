/* A trading venue outside the ledger: the mid price M is the true price F plus the decaying impact
 * of the orders filled here.
 *
 * Impact is linear in size and transient, a single exponential (Obizhaeva and Wang, "Optimal trading
 * strategy and supply/demand dynamics", Journal of Financial Markets 16, 2013): an order of `depth`
 * base units moves M by 1 %, half of which is gone after the half life. An order is filled at once,
 * whole, at the average of M before and after it. F does not move.
 *
 * In unrest the venue itself may thin: then the same order moves M further (models/submit.h).
 *
 * Quotes go out on each tick of F, orders and fills in between. A client has one order open at a
 * time and numbers them upwards; an order that it sends again is answered again, not filled again.
 *
 * Assumptions: unlimited inventory; no queue; the venue itself never fails to honour a fill. */
#include "models/submit.h"

struct params {
    struct fl_groups subscribers;
    int64_t depth; /* 10^-6 base units for 1 % */
    fl_time half_life;
    int64_t fee_ppm;
    struct fl_thinning thinning;
};

/* The newest order of a client, by endpoint. */
struct order {
    uint64_t number; /* 0: none yet */
    int64_t size, price;
    uint64_t answers;
};

struct state {
    uint64_t step;
    int64_t fundamental; /* 0: none yet */
    int64_t impact_q48;  /* (M - F) / F, Q15.48 */
    fl_time decayed_at;
    int64_t orders;          /* filled so far */
    struct fl_unrest unrest; /* of M */
    int64_t lowest_q48;      /* impact, so far */
    struct order newest[];   /* by endpoint of the client */
};

#define Q48_ONE ((int64_t)1 << 48)
#define DEPTH_SHARE 100 /* `depth` is what it takes to move M by 1/100 */
/* Linear impact has no meaning far out: the price would turn negative. */
#define IMPACT_MIN (-(Q48_ONE / 10 * 9))
#define IMPACT_MAX (9 * Q48_ONE)
#define HALVINGS_MAX 31   /* the factor is below one unit of Q32 */
#define ANSWERS_MAX 65535 /* `copy` has 16 bits */

static int64_t clamped(fl_i128 impact)
{
    return impact < IMPACT_MIN ? IMPACT_MIN : impact > IMPACT_MAX ? IMPACT_MAX : (int64_t)impact;
}

/* Brings the impact to `now`: times 2^(-elapsed / half life), toward zero. */
static void decay(const struct params *p, struct state *s, fl_time now)
{
    const fl_time elapsed = now - s->decayed_at;
    s->decayed_at = now;
    if (elapsed / p->half_life >= HALVINGS_MAX) {
        s->impact_q48 = 0;
        return;
    }
    const int64_t exponent = fl_mul_div_floor(elapsed, -FL_LN2_Q32, p->half_life);
    s->impact_q48 = fl_mul_div_trunc(s->impact_q48, fl_exp_q32(exponent), FL_Q32_ONE);
}

/* F * (1 + impact) in 2^-48 of the price unit. */
static fl_i128 mid_q48(int64_t fundamental, int64_t impact_q48)
{
    return (fl_i128)fundamental * (Q48_ONE + impact_q48);
}

/* To the nearest, but a price is never 0. */
static int64_t mid(const struct state *s)
{
    const fl_i128 price = (mid_q48(s->fundamental, s->impact_q48) + Q48_ONE / 2) >> 48;
    return price < 1 ? 1 : (int64_t)price;
}

static void on_fundamental(const struct params *p, struct state *s, const struct fl_event *in,
                           struct fl_outbox *out)
{
    if (!fl_price_plausible(in->msg.value[0])) return;
    decay(p, s, in->now);
    s->step = in->msg.word[0];
    s->fundamental = in->msg.value[0];
    fl_unrest_take(&s->unrest, &p->thinning, mid(s), in->now);
    for (uint32_t i = 0; i < p->subscribers.count; i++) {
        const fl_endpoint first = {p->subscribers.first[i]};
        struct fl_msg *m = fl_send(out, FL_TO_GROUP, first, (enum fl_family)0, FL_QUOTE);
        m->word[0] = s->step;
        m->value[0] = mid(s);
    }
}

static int64_t depth_now(const struct params *p, const struct state *s)
{
    return fl_max(fl_mul_div_floor(p->depth, fl_depth_share(&s->unrest, &p->thinning), FL_PPM_ONE),
                  1);
}

/* Average of M before and after, plus the fee; rounded against the client. */
static int64_t fill_price(const struct params *p, const struct state *s, int64_t own_q48, bool buy)
{
    const fl_i128 average = mid_q48(s->fundamental, clamped((fl_i128)s->impact_q48 + own_q48 / 2));
    const int64_t price = (int64_t)((average + (buy ? Q48_ONE - 1 : 0)) >> 48);
    const int64_t with_fee = buy ? fl_mul_div_ceil(price, FL_PPM_ONE + p->fee_ppm, FL_PPM_ONE)
                                 : fl_mul_div_floor(price, FL_PPM_ONE - p->fee_ppm, FL_PPM_ONE);
    return fl_max(with_fee, 1);
}

static void fill(const struct params *p, struct state *s, struct order *order,
                 const struct fl_event *in)
{
    const int64_t size = in->msg.value[0];
    decay(p, s, in->now);
    const fl_i128 exact = (fl_i128)size * Q48_ONE / ((fl_i128)depth_now(p, s) * DEPTH_SHARE);
    const int64_t own_q48 = clamped(exact);
    order->number = in->msg.word[1];
    order->size = size;
    order->price = fill_price(p, s, own_q48, size > 0);
    order->answers = 0;
    s->impact_q48 = clamped((fl_i128)s->impact_q48 + own_q48);
    s->lowest_q48 = fl_min(s->lowest_q48, s->impact_q48);
    s->orders++;
}

/* The answer's own copy number makes its key new, however often an order is sent again. */
static void answer(struct order *order, const struct fl_msg *asked, struct fl_outbox *out)
{
    if (order->answers > ANSWERS_MAX) return;
    struct fl_msg *m = fl_send(out, FL_TO_ONE, asked->from, (enum fl_family)0, FL_FILLED);
    m->word[0] = asked->word[0];
    m->word[1] = order->number;
    m->value[0] = order->size;
    m->value[1] = order->price;
    m->copy = (uint16_t)order->answers++;
}

static void on_order(const struct fl_self *self, struct state *s, const struct fl_event *in,
                     struct fl_outbox *out)
{
    const int64_t size = in->msg.value[0];
    const bool sound = size != 0 && size >= -FL_SIZE_MAX && size <= FL_SIZE_MAX;
    if (!sound || s->fundamental == 0 || in->msg.from.i >= self->facts->endpoints) return;
    struct order *order = &s->newest[in->msg.from.i];
    if (in->msg.word[1] > order->number)
        fill(self->params, s, order, in);
    else if (in->msg.word[1] < order->number || order->number == 0)
        return;
    answer(order, &in->msg, out);
}

static size_t state_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    return sizeof(struct state) + self->facts->endpoints * sizeof(struct order);
}

static void init(const struct fl_self *self, void *state)
{
    (void)self;
    (void)state; /* all zero: no price, no impact */
}

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    (void)view;
    const struct fl_msg *m = &in->msg;
    if (in->kind == FL_CALL && m->family == FL_SOURCE && m->kind == FL_FUNDAMENTAL)
        on_fundamental(self->params, state, in, out);
    else if (in->kind == FL_MSG && m->kind == FL_ORDER)
        on_order(self, state, in, out);
}

static int64_t in_ppm(int64_t q48)
{
    return (int64_t)(((fl_i128)q48 * FL_PPM_ONE + Q48_ONE / 2) >> 48);
}

static void observe(const struct fl_self *self, const void *state, int64_t *out)
{
    const struct state *s = state;
    out[0] = s->fundamental;
    out[1] = s->fundamental == 0 ? 0 : mid(s);
    out[2] = in_ppm(s->impact_q48);
    out[3] = s->orders;
    out[4] = depth_now(self->params, s);
    out[5] = in_ppm(s->lowest_q48);
}

/* A group named twice would get each quote twice, under one message key. */
static const char *check(const void *params)
{
    const struct params *p = params;
    for (uint32_t i = 0; i < p->subscribers.count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (p->subscribers.first[i] == p->subscribers.first[j])
                return "subscribers names a group twice";
    return NULL;
}

static const struct fl_param rows[] = {
    {.key = "subscribers",
     .type = FL_GROUP_NAMES,
     .offset = offsetof(struct params, subscribers),
     .doc = "groups of nodes that get every quote"},
    {.key = "depth",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, depth),
     .min = 1,
     .max = FL_SIZE_MAX,
     .doc = "size of an order that moves the mid price by 1 %, in units of the base asset"},
    {.key = "impact_half_life_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, half_life),
     .min = FL_MILLISECOND,
     .max = INT64_MAX,
     .fallback = "300",
     .doc = "seconds after which half of an order's impact is gone (assumption: minutes)"},
    {.key = "fee",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, fee_ppm),
     .min = 0,
     .max = FL_PPM_ONE / 2,
     .fallback = "0",
     .doc = "fee of the venue, contained in the price of a fill (ratio)"},
    {.key = "thins",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, thinning.thins_ppm),
     .min = 0,
     .max = 1000 * FL_PPM_ONE,
     .fallback = "0",
     .doc = "share of the depth that is gone for each calm_volatility by which the mid price's "
            "realised volatility exceeds that (ratio; 0: never)"},
    {.key = "thin_floor",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, thinning.floor_ppm),
     .min = 1000,
     .max = FL_PPM_ONE,
     .fallback = "0.05",
     .doc = "share of the depth that stays in any weather (ratio; assumption)"},
    {.key = "calm_volatility",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, thinning.calm_ppb),
     .min = 1,
     .max = FL_PPB_ONE,
     .fallback = "0.0003",
     .doc = "volatility up to which all depth is there, per square root of a second (ratio; "
            "assumption)"},
    {.key = "thin_half_life_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, thinning.half_life),
     .min = FL_MILLISECOND,
     .max = 365 * 86400 * FL_SECOND,
     .fallback = "60",
     .doc = "seconds after which a change of the mid price counts half in the realised volatility "
            "(assumption)"},
    {.key = NULL}};

static const struct fl_observable observables[] = {
    {"market.fundamental", "true price F, which no order moves", FL_USD, FL_FIRST},
    {"market.mid", "mid price M of the venue: F plus the impact of orders", FL_USD, FL_FIRST},
    {"market.impact", "(M - F) / F", FL_PPM, FL_FIRST},
    {"market.orders", "orders filled so far", FL_COUNT, FL_FIRST},
    {"market.depth", "size of an order that moves the mid price by 1 %, now", FL_SIZE, FL_FIRST},
    {"market.impact_lowest", "lowest (M - F) / F so far, right after an order", FL_PPM, FL_FIRST},
    {.name = NULL}};

static const struct fl_node_model node = {
    .state_bytes = state_bytes, .init = init, .step = step, .observe = observe};

const struct fl_model fl_model_spot = {
    .name = "spot",
    .family = FL_MARKET,
    .doc = "trading venue: mid = fundamental plus linear, exponentially decaying impact of orders "
           "(Obizhaeva and Wang 2013)",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .check = check,
    .observables = observables,
    .node = &node};
