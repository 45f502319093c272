/* A liquidity provider of a perpetual exchange: it owns a maker's account there, quotes one market by
 * transactions, and hedges at a venue what trades and liquidations leave it with.
 *
 * It quotes around the newest mid price M it has seen: anew when M has moved by `requote` or the
 * quote grows old, but not more often than `min_interval_ms`, and not while 16 transactions wait for
 * a block. A quote that the chain has not taken within that interval when a block arrives is made
 * anew at once: so a chain that comes back gets a fresh quote. Likewise when this node recovers from
 * a fault.
 *
 * What it holds unhedged moves its prices against it, so that trades that lessen it become dearer to
 * miss: the reservation price of Avellaneda and Stoikov, "High-frequency trading in a limit order
 * book", Quantitative Finance 8 (2008), linear in inventory, with a bound. When the venue is in
 * unrest it offers less, at a wider spread (models/submit.h). When its loss, hedge included, exceeds
 * its limit, it takes its offer back for good and hedges what it has.
 *
 * Its size on the ledger, negated, is the hedge it wants. What is missing beyond a threshold goes to
 * the venue as one order at a time, sent again under the same number while no fill comes back.
 *
 * Assumptions: the venue gives it credit. */
#include "models/agent/hedge.h"

struct params {
    uint32_t exchange;
    uint32_t market; /* of the exchange */
    uint32_t venue;  /* endpoint */
    int64_t deposit;
    int64_t half_spread_ppm;
    int64_t depth; /* 10^-6 base units for 1 % */
    int64_t requote_ppm;
    fl_time refresh, min_interval;
    int64_t hedge_threshold;
    int64_t skew_ppm, skew_max_ppm;
    struct fl_thinning thinning;
    int64_t loss_limit; /* 0: none */
};

enum stage {
    UNFUNDED = 0, /* a zeroed state: nothing sent yet */
    FUNDING,      /* the deposit is on its way */
    FUNDED,
    WITHDRAWN /* it has lost too much */
};

struct state {
    struct fl_sight sight;
    struct fl_unrest unrest;
    int64_t nonce;        /* highest so far; the deposit has 1, each quote another */
    int64_t used;         /* highest that the newest head had used */
    int64_t quoted;       /* M at the newest quote; 0: none yet */
    int64_t quoted_shift; /* ppm of M, taken off it in the newest quote */
    fl_time quoted_at;
    int64_t quotes;
    fl_time head_at; /* when the newest head came in */
    int64_t tick;    /* of the market's prices; 0: not seen yet */
    int64_t size;    /* on the ledger, at the newest head */
    struct fl_hedge hedge;
    uint32_t stage; /* enum stage */
    uint32_t deposit_copy;
    uint32_t deposit_wait; /* heads since it was sent */
    uint32_t overdue;      /* 1: quote with the next mid price, whatever it is */
};

#define DEPOSIT_RETRY 3                 /* heads */
#define IN_FLIGHT_MAX 16                /* slots of an account in geth's pool (mechanisms 5) */
#define MID_MAX INT64_C(10000000000000) /* the exchange takes no quote above 10^7 USD */
#define SPREAD_MAX (FL_PPM_ONE / 2 - 1) /* nor a wider half spread */

/* --- the ledger ---------------------------------------------------------------------------------- */

static void send_deposit(const struct fl_self *self, struct state *s, struct fl_outbox *out)
{
    const struct params *p = self->params;
    if (s->stage == FUNDING && s->deposit_copy == FL_COPIES_MAX) return;
    if (s->stage == FUNDING) s->deposit_copy++;
    s->stage = FUNDING;
    s->deposit_wait = 0;
    s->nonce = 1;
    struct fl_tx tx = {.account = self->account_first,
                       .contract = (uint16_t)p->exchange,
                       .kind = FL_TX_DEPOSIT,
                       .nonce = 1,
                       .arg = {p->deposit}};
    fl_submit(self, &tx, (uint16_t)s->deposit_copy, out);
}

/* What it takes off its mid price, in ppm, for what it holds unhedged. */
static int64_t shift_of(const struct params *p, const struct state *s)
{
    const fl_i128 unhedged = (fl_i128)s->size + s->hedge.held;
    const fl_i128 shift = unhedged * p->skew_ppm / p->depth;
    return shift > p->skew_max_ppm    ? p->skew_max_ppm
           : shift < -p->skew_max_ppm ? -p->skew_max_ppm
                                      : (int64_t)shift;
}

/* The price it quotes around, on the market's grid, to the nearest. */
static int64_t center_of(const struct state *s, int64_t shift_ppm)
{
    const int64_t tick = fl_max(s->tick, 1);
    const int64_t center = s->sight.mid - fl_mul_div_trunc(s->sight.mid, shift_ppm, FL_PPM_ONE) +
                           tick / 2;
    return fl_max(center - center % tick, tick);
}

static void quote(const struct fl_self *self, struct state *s, fl_time now, struct fl_outbox *out)
{
    const struct params *p = self->params;
    if (s->sight.mid > MID_MAX) return;
    s->quoted = s->sight.mid;
    s->quoted_shift = shift_of(p, s);
    s->quoted_at = now;
    s->quotes++;
    s->overdue = 0;
    const int64_t share = fl_depth_share(&s->unrest, &p->thinning);
    const int64_t spread = fl_mul_div_ceil(p->half_spread_ppm, FL_PPM_ONE, fl_max(share, 1));
    const int64_t depth = fl_max(fl_mul_div_floor(p->depth, share, FL_PPM_ONE), 1);
    struct fl_tx tx = {.account = self->account_first,
                       .contract = (uint16_t)p->exchange,
                       .kind = FL_TX_QUOTE,
                       .nonce = (uint64_t)++s->nonce,
                       .arg = {center_of(s, s->quoted_shift), fl_min(spread, SPREAD_MAX),
                               s->stage == WITHDRAWN ? 0 : depth, p->market}};
    fl_submit(self, &tx, 0, out);
}

/* At once, unless what it saw last is no longer the market: then with the next mid price. */
static void quote_anew(const struct fl_self *self, struct state *s, fl_time now,
                       struct fl_outbox *out)
{
    if (fl_sight_current(&s->sight, now))
        quote(self, s, now, out);
    else
        s->overdue = 1;
}

/* A chain that has been silent for a refresh period is not refreshed, only followed. */
static bool quote_is_due(const struct params *p, const struct state *s, fl_time now)
{
    if (s->quoted == 0) return true;
    const fl_time age = now - s->quoted_at;
    const fl_i128 moved = fl_abs(s->sight.mid - s->quoted);
    const bool stale = age > p->refresh && now - s->head_at <= p->refresh;
    const bool off = moved * FL_PPM_ONE > (fl_i128)p->requote_ppm * s->sight.mid ||
                     fl_abs(shift_of(p, s) - s->quoted_shift) > p->requote_ppm;
    return age >= p->min_interval && (stale || off);
}

/* A halted chain is not buried under quotes that it will never need. */
static bool has_room(const struct state *s)
{
    return s->nonce - s->used < IN_FLIGHT_MAX;
}

static void on_mid(const struct fl_self *self, struct state *s, fl_time now, struct fl_outbox *out)
{
    const bool due = has_room(s) && quote_is_due(self->params, s, now);
    if (s->stage == FUNDED && (s->overdue || due)) quote(self, s, now, out);
}

/* Sent before the block was made, by more than the interval, and not in it. */
static bool quote_was_missed(const struct params *p, const struct state *s, fl_time block_time)
{
    return s->quoted != 0 && s->used < s->nonce && block_time > s->quoted_at &&
           block_time - s->quoted_at > p->min_interval;
}

/* The newest word of one who has left is that it offers nothing; that it repeats until it is taken. */
static void stay_away(const struct fl_self *self, struct state *s, const struct fl_event *in,
                      struct fl_outbox *out)
{
    if (quote_was_missed(self->params, s, in->msg.value[0])) quote(self, s, in->now, out);
}

/* Its money on the exchange and at the venue, less what it brought. */
static bool lost_too_much(const struct params *p, const struct state *s,
                          const struct fl_account *row)
{
    if (p->loss_limit == 0 || !row->priced || s->sight.mid == 0) return false;
    return row->equity + fl_hedge_worth(&s->hedge, s->sight.mid) <
           (fl_i128)p->deposit - p->loss_limit;
}

static void keep_funded(const struct fl_self *self, struct state *s, struct fl_outbox *out)
{
    if (s->stage != UNFUNDED && s->used >= 1)
        s->stage = FUNDED;
    else if (s->stage == UNFUNDED || ++s->deposit_wait >= DEPOSIT_RETRY)
        send_deposit(self, s, out);
}

static void keep_quoted(const struct fl_self *self, struct state *s, const struct fl_event *in,
                        struct fl_outbox *out)
{
    if (s->sight.mid == 0) return;
    if (quote_was_missed(self->params, s, in->msg.value[0]) ||
        quote_is_due(self->params, s, in->now))
        quote_anew(self, s, in->now, out);
}

/* --- the model ----------------------------------------------------------------------------------- */

/* False if the view cannot be read. */
static bool look(const struct fl_self *self, struct state *s, const struct fl_view *view,
                 struct fl_account *row)
{
    const struct params *p = self->params;
    struct fl_market_terms terms;
    struct fl_price price;
    struct fl_positions held;
    if (!fl_read_account(view, p->exchange, self->account_first, row) ||
        !fl_read_positions(view, p->exchange, self->account_first, &held) ||
        !fl_read_market(view, p->exchange, p->market, &terms, &price))
        return false;
    s->size = fl_size_in(&held, p->market);
    s->tick = terms.tick;
    return true;
}

/* The order goes first: it must not descend from the transactions that follow. */
static void on_head(const struct fl_self *self, struct state *s, const struct fl_event *in,
                    const struct fl_view *view, struct fl_outbox *out)
{
    const struct params *p = self->params;
    int64_t used;
    struct fl_account row;
    s->head_at = in->now;
    const bool seen = look(self, s, view, &row);
    if (seen)
        fl_hedge_seek(self, &s->hedge, (fl_endpoint){p->venue}, fl_sub(0, s->size),
                      p->hedge_threshold, in->now, out);
    if (!fl_read_nonce(view, self->account_first, &used)) return;
    s->used = used;
    if (s->stage == WITHDRAWN) {
        stay_away(self, s, in, out);
    } else if (seen && s->stage == FUNDED && lost_too_much(p, s, &row)) {
        s->stage = WITHDRAWN;
        quote(self, s, in->now, out);
    } else {
        if (s->stage != FUNDED) keep_funded(self, s, out);
        if (s->stage == FUNDED) keep_quoted(self, s, in, out);
    }
}

static size_t state_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return sizeof(struct state);
}

static void init(const struct fl_self *self, void *state)
{
    (void)self;
    (void)state; /* all zero: unfunded */
}

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    struct state *s = state;
    const struct params *p = self->params;
    const bool from_venue = in->kind == FL_MSG && in->msg.from.i == p->venue;
    if (!fl_can_submit(self)) return;
    if (from_venue && fl_sight_take(&s->sight, in)) {
        fl_unrest_take(&s->unrest, &p->thinning, s->sight.mid, in->now);
        on_mid(self, s, in->now, out);
    } else if (fl_is_head(self, in)) {
        on_head(self, s, in, view, out);
    } else if (from_venue && in->msg.kind == FL_FILLED) {
        fl_hedge_filled(&s->hedge, (fl_endpoint){p->venue}, &in->msg);
    } else if (in->kind == FL_START) {
        send_deposit(self, s, out);
    } else if (in->kind == FL_RECOVER && s->stage == FUNDED) {
        quote_anew(self, s, in->now, out);
    }
}

static void observe(const struct fl_self *self, const void *state, int64_t *out)
{
    (void)self;
    const struct state *s = state;
    out[0] = s->hedge.held;
    out[1] = s->hedge.cash;
    out[2] = s->quotes;
    out[3] = s->stage == WITHDRAWN;
}

#define DAY (86400 * FL_SECOND)

static const struct fl_param rows[] = {
    {.key = "exchange",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct params, exchange),
     .doc = "exchange contract where it owns a maker's account"},
    {.key = "market",
     .type = FL_ENTRY_NAME,
     .offset = offsetof(struct params, market),
     .within = "exchange",
     .list = "markets",
     .fallback = "\"\"",
     .doc = "which of the exchange's markets it quotes; without a name, the first"},
    {.key = "venue",
     .type = FL_GROUP_NAME,
     .offset = offsetof(struct params, venue),
     .doc = "group of the venue where it hedges and whose quotes it follows; it must be among the "
            "venue's subscribers"},
    {.key = "deposit_usd",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, deposit),
     .min = 1,
     .max = INT64_C(1000000000000000),
     .doc = "collateral, in USD"},
    {.key = "half_spread",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, half_spread_ppm),
     .min = 0,
     .max = FL_PPM_ONE / 2 - 1,
     .fallback = "0.0005",
     .doc = "distance of its prices from its mid price (ratio; assumption)"},
    {.key = "depth",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, depth),
     .min = 1,
     .max = FL_SIZE_MAX,
     .doc = "size, each side, that moves its price by 1 %, in units of the base asset"},
    {.key = "requote",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, requote_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0.001",
     .doc = "move of the market's mid price since its quote that calls for a new one (ratio)"},
    {.key = "refresh_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, refresh),
     .min = FL_MILLISECOND,
     .max = 365 * DAY,
     .fallback = "24",
     .doc = "seconds after which a quote is renewed while the chain lives; keep it below the "
            "exchange's quote_max_age_s"},
    {.key = "min_interval_ms",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, min_interval),
     .min = 0,
     .max = DAY,
     .fallback = "3000",
     .doc = "least time between two quotes, in milliseconds"},
    {.key = "hedge_threshold",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, hedge_threshold),
     .min = 0,
     .max = FL_SIZE_MAX,
     .doc = "unhedged size it bears without an order, in units of the base asset"},
    {.key = "skew",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, skew_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0",
     .doc =
         "how far it moves its mid price against what it holds unhedged, when that is as much as "
         "its depth (ratio; Avellaneda and Stoikov 2008)"},
    {.key = "skew_max",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, skew_max_ppm),
     .min = 0,
     .max = FL_PPM_ONE / 2,
     .fallback = "0.01",
     .doc = "how far it moves its mid price at most (ratio; assumption)"},
    {.key = "thins",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, thinning.thins_ppm),
     .min = 0,
     .max = 1000 * FL_PPM_ONE,
     .fallback = "0",
     .doc = "share of its depth that it takes back for each calm_volatility by which the venue's "
            "realised volatility exceeds that; its spread widens as its depth falls (ratio; 0: "
            "never)"},
    {.key = "thin_floor",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, thinning.floor_ppm),
     .min = 1000,
     .max = FL_PPM_ONE,
     .fallback = "0.05",
     .doc = "share of its depth that it offers in any weather (ratio; assumption)"},
    {.key = "calm_volatility",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, thinning.calm_ppb),
     .min = 1,
     .max = FL_PPB_ONE,
     .fallback = "0.0003",
     .doc =
         "volatility up to which it offers all, per square root of a second (ratio; assumption)"},
    {.key = "thin_half_life_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, thinning.half_life),
     .min = FL_MILLISECOND,
     .max = 365 * DAY,
     .fallback = "60",
     .doc = "seconds after which a change of the price counts half in the realised volatility "
            "(assumption)"},
    {.key = "loss_limit_usd",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, loss_limit),
     .min = 0,
     .max = INT64_C(1000000000000000),
     .fallback = "0",
     .doc =
         "loss, hedge included, beyond which it takes its offer back for good, in USD (0: none)"},
    {.key = NULL}};

static const struct fl_observable observables[] = {
    {"liquidity.hedge", "position held at the venue", FL_SIZE, FL_SUM},
    {"liquidity.hedge_cash", "money received for that position; negative: paid", FL_USD, FL_SUM},
    {"liquidity.quotes", "quotes sent so far", FL_COUNT, FL_SUM},
    {"liquidity.withdrawn", "providers who took their offer back for good", FL_COUNT, FL_SUM},
    {.name = NULL}};

static const struct fl_node_model node = {
    .state_bytes = state_bytes, .init = init, .step = step, .observe = observe};

const struct fl_model fl_model_liquidity = {
    .name = "liquidity",
    .family = FL_AGENT,
    .doc = "liquidity provider: quotes one market of the exchange by transactions around a venue's "
           "mid price, against its inventory (Avellaneda and Stoikov 2008), less in unrest, and "
           "hedges its position at the venue",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .observables = observables,
    .node = &node};
