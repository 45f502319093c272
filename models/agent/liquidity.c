/* The liquidity provider of a perpetual exchange: it owns the exchange's liquidity account, quotes
 * there by transactions, and hedges at the market what trades and liquidations leave it with.
 *
 * It quotes around the newest mid price M it has seen: anew when M has moved by `requote` or the
 * quote grows old, but not more often than `min_interval_ms`, and not while 16 transactions wait for
 * a block. A quote that the chain has not taken within that interval when a block arrives is made
 * anew at once: so a chain that comes back gets a fresh quote. Likewise when this node recovers from
 * a fault.
 *
 * Its size on the ledger, negated, is the hedge it wants. What is missing beyond a threshold goes to
 * the market as one order at a time, sent again under the same number while no fill comes back.
 *
 * Assumptions: a fixed spread and depth, whatever its inventory; it never withdraws; the market
 * gives it credit. */
#include "models/submit.h"

struct params {
    uint32_t exchange;
    uint32_t market; /* endpoint of the venue */
    int64_t deposit;
    int64_t half_spread_ppm;
    int64_t depth; /* 10^-6 base units for 1 % */
    int64_t requote_ppm;
    fl_time refresh, min_interval;
    int64_t hedge_threshold;
};

enum stage {
    UNFUNDED = 0, /* a zeroed state: nothing sent yet */
    FUNDING,      /* the deposit is on its way */
    FUNDED
};

struct state {
    struct fl_sight sight;
    int64_t nonce;  /* highest so far; the deposit has 1, each quote another */
    int64_t used;   /* highest that the newest head had used */
    int64_t quoted; /* mid of the newest quote; 0: none yet */
    fl_time quoted_at;
    int64_t quotes;
    fl_time head_at;    /* when the newest head came in */
    int64_t hedge;      /* held at the market */
    int64_t hedge_cash; /* received for it */
    int64_t order_size; /* of the open order; 0: none is open */
    fl_time order_at;
    uint64_t order; /* number of the newest order */
    uint32_t order_copy;
    uint32_t stage; /* enum stage */
    uint32_t deposit_copy;
    uint32_t deposit_wait; /* heads since it was sent */
    uint64_t overdue;      /* 1: quote with the next mid price, whatever it is */
};

#define DEPOSIT_RETRY 3                 /* heads */
#define ORDER_RETRY (5 * FL_SECOND)     /* longer than any sound round trip to the market */
#define COPIES_MAX 65535                /* `copy` of a message has 16 bits */
#define IN_FLIGHT_MAX 16                /* slots of an account in geth's pool (mechanisms 5) */
#define MID_MAX INT64_C(10000000000000) /* the exchange takes no quote above 10^7 USD */

/* --- the ledger ---------------------------------------------------------------------------------- */

static void send_deposit(const struct fl_self *self, struct state *s, struct fl_outbox *out)
{
    const struct params *p = self->params;
    if (s->stage == FUNDING && s->deposit_copy == COPIES_MAX) return;
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

static void quote(const struct fl_self *self, struct state *s, fl_time now, struct fl_outbox *out)
{
    const struct params *p = self->params;
    if (s->sight.mid > MID_MAX) return;
    s->quoted = s->sight.mid;
    s->quoted_at = now;
    s->quotes++;
    s->overdue = 0;
    struct fl_tx tx = {.account = self->account_first,
                       .contract = (uint16_t)p->exchange,
                       .kind = FL_TX_QUOTE,
                       .nonce = (uint64_t)++s->nonce,
                       .arg = {s->quoted, p->half_spread_ppm, p->depth}};
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
    const bool off = moved * FL_PPM_ONE > (fl_i128)p->requote_ppm * s->sight.mid;
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

/* --- the hedge ----------------------------------------------------------------------------------- */

static void send_order(const struct fl_self *self, struct state *s, fl_time now,
                       struct fl_outbox *out)
{
    const struct params *p = self->params;
    const fl_endpoint venue = {p->market};
    struct fl_msg *m = fl_send(out, FL_TO_ONE, venue, FL_MARKET, FL_ORDER);
    m->word[0] = self->key;
    m->word[1] = s->order;
    m->copy = (uint16_t)s->order_copy;
    m->value[0] = s->order_size;
    s->order_at = now;
}

static void keep_hedged(const struct fl_self *self, struct state *s, fl_time now, int64_t size,
                        struct fl_outbox *out)
{
    const struct params *p = self->params;
    if (s->order_size != 0) {
        if (now - s->order_at > ORDER_RETRY && s->order_copy < COPIES_MAX) {
            s->order_copy++;
            send_order(self, s, now, out);
        }
        return;
    }
    const int64_t missing = fl_clamp(fl_sub(-size, s->hedge), -FL_SIZE_MAX, FL_SIZE_MAX);
    if (fl_abs(missing) <= p->hedge_threshold) return;
    s->order++;
    s->order_size = missing;
    s->order_copy = 0;
    send_order(self, s, now, out);
}

/* A buy costs, rounded up; a sell brings, rounded down. */
static void on_filled(const struct fl_self *self, struct state *s, const struct fl_msg *m)
{
    const struct params *p = self->params;
    if (m->from.i != p->market || m->word[1] != s->order || s->order_size == 0 ||
        m->value[0] != s->order_size || !fl_price_plausible(m->value[1]))
        return;
    const fl_i128 exact = -(fl_i128)m->value[0] * m->value[1];
    const fl_i128 rounding = exact < 0 && exact % FL_PPM_ONE != 0;
    const fl_i128 cash = s->hedge_cash + exact / FL_PPM_ONE - rounding;
    s->hedge_cash = cash > INT64_MAX ? INT64_MAX : cash < INT64_MIN ? INT64_MIN : (int64_t)cash;
    s->hedge = fl_add(s->hedge, m->value[0]);
    s->order_size = 0;
}

/* --- the model ----------------------------------------------------------------------------------- */

/* The order goes first: it must not descend from the transactions that follow. */
static void on_head(const struct fl_self *self, struct state *s, const struct fl_event *in,
                    const struct fl_view *view, struct fl_outbox *out)
{
    const struct params *p = self->params;
    int64_t used;
    struct fl_account row;
    s->head_at = in->now;
    if (fl_read_account(view, p->exchange, self->account_first, &row))
        keep_hedged(self, s, in->now, row.size, out);
    if (!fl_read_nonce(view, self->account_first, &used)) return;
    s->used = used;
    if (s->stage != FUNDED) keep_funded(self, s, out);
    if (s->stage == FUNDED) keep_quoted(self, s, in, out);
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
    if (!fl_can_submit(self)) return;
    if (fl_sight_take(&s->sight, in))
        on_mid(self, s, in->now, out);
    else if (fl_is_head(self, in))
        on_head(self, s, in, view, out);
    else if (in->kind == FL_MSG && in->msg.kind == FL_FILLED)
        on_filled(self, s, &in->msg);
    else if (in->kind == FL_START)
        send_deposit(self, s, out);
    else if (in->kind == FL_RECOVER && s->stage == FUNDED)
        quote_anew(self, s, in->now, out);
}

static void observe(const struct fl_self *self, const void *state, int64_t *out)
{
    (void)self;
    const struct state *s = state;
    out[0] = s->hedge;
    out[1] = s->hedge_cash;
    out[2] = s->quotes;
}

#define DAY (86400 * FL_SECOND)

static const struct fl_param rows[] = {
    {.key = "exchange",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct params, exchange),
     .doc = "exchange contract whose liquidity account it owns"},
    {.key = "market",
     .type = FL_GROUP_NAME,
     .offset = offsetof(struct params, market),
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
     .doc = "distance of its prices from the mid price (ratio; assumption)"},
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
    {.key = NULL}};

static const struct fl_observable observables[] = {
    {"liquidity.hedge", "position held at the market", FL_SIZE, FL_SUM},
    {"liquidity.hedge_cash", "money received for that position; negative: paid", FL_USD, FL_SUM},
    {"liquidity.quotes", "quotes sent so far", FL_COUNT, FL_SUM},
    {.name = NULL}};

static const struct fl_node_model node = {
    .state_bytes = state_bytes, .init = init, .step = step, .observe = observe};

const struct fl_model fl_model_liquidity = {
    .name = "liquidity",
    .family = FL_AGENT,
    .doc = "liquidity provider: quotes on the exchange by transactions around the market's mid "
           "price, and hedges its position at the market",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .observables = observables,
    .node = &node};
