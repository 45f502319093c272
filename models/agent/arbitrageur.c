/* An arbitrageur between one market of an exchange and a venue: it sells where the price is higher
 * and buys where it is lower, and so keeps the exchange's book near the venue.
 *
 * At each block it compares the best prices on the exchange, as its replica shows them, with the
 * newest mid price M of the venue that reached it. A bid above M * (1 + fee + threshold) it sells to,
 * an ask below M * (1 - fee - threshold) it buys from, with that bound as its limit, so that what is
 * no longer there is not filled at a loss. What it holds on the exchange, negated, is what it wants to
 * hold at the venue (models/agent/hedge.h). Once the gap has closed to `unwind` it takes both back.
 *
 * One transaction at a time. It trades no more than `size` at once, holds no more than `position_max`
 * nor than `leverage` times its equity on the exchange. That arbitrage is bounded by capital, so that
 * prices may stay apart when it is needed most: Shleifer and Vishny, "The limits of arbitrage",
 * Journal of Finance 52 (1997).
 *
 * Assumptions: the venue gives it credit; funding payments are part of its result, not of its
 * reckoning. */
#include "models/agent/hedge.h"

struct params {
    uint32_t exchange;
    uint32_t market; /* of the exchange */
    uint32_t venue;  /* endpoint */
    int64_t deposit;
    int64_t fee_ppm, threshold_ppm, unwind_ppm;
    int64_t size, position_max;
    int64_t leverage_ppm;
    int64_t retry_blocks;
};

struct state {
    struct fl_sight sight;
    struct fl_hedge hedge;
    int64_t kind, arg[2]; /* of its newest transaction */
    int64_t nonce;        /* of its newest transaction; 0: none yet */
    int64_t heads;        /* seen so far */
    int64_t sent_head;    /* at which that was sent last */
    int64_t copy;         /* resubmissions of it */
    int64_t trades;       /* sent so far */
    int64_t money, size;  /* on the exchange, when last seen */
    int64_t gaps_ppm;     /* sum of |middle of the book - M| / M over heads */
    int64_t compared;     /* heads in that sum */
};

/* What a head shows. */
struct round {
    const struct fl_self *self;
    const struct params *p;
    struct state *state;
    struct fl_outbox *out;
    fl_time now;
    struct fl_market_terms terms;
    struct fl_account row;
};

/* --- the ledger ------------------------------------------------------------------------------------ */

static void send(const struct fl_self *self, struct state *s, struct fl_outbox *out)
{
    const struct params *p = self->params;
    struct fl_tx tx = {
        .account = self->account_first,
        .contract = (uint16_t)p->exchange,
        .kind = (uint16_t)s->kind,
        .nonce = (uint64_t)s->nonce,
        .arg = {s->arg[0], s->arg[1], s->kind == FL_TX_TRADE ? p->market : 0},
    };
    fl_submit(self, &tx, (uint16_t)s->copy, out);
    s->sent_head = s->heads;
}

static void act(const struct fl_self *self, struct state *s, enum fl_exchange_tx kind, int64_t arg0,
                int64_t arg1, struct fl_outbox *out)
{
    s->kind = kind;
    s->arg[0] = arg0;
    s->arg[1] = arg1;
    s->nonce++;
    s->copy = 0;
    s->trades += kind == FL_TX_TRADE;
    send(self, s, out);
}

/* Whether nothing is under way; what is overdue is sent again. */
static bool is_free(const struct round *r, int64_t used)
{
    struct state *s = r->state;
    if (used >= s->nonce) return true;
    if (s->heads - s->sent_head >= r->p->retry_blocks && s->copy < FL_COPIES_MAX) {
        s->copy++;
        send(r->self, s, r->out);
    }
    return false;
}

/* --- the gap --------------------------------------------------------------------------------------- */

/* How far the book is from the venue, whether it pays or not. */
static void compare(const struct round *r)
{
    struct state *s = r->state;
    const int64_t bid = r->terms.bid, ask = r->terms.ask, mid = s->sight.mid;
    if (bid <= 0 || ask <= 0 || mid == 0) return;
    const fl_i128 apart = (fl_i128)bid + ask - 2 * (fl_i128)mid;
    const fl_i128 gap = (apart < 0 ? -apart : apart) * FL_PPM_ONE / (2 * (fl_i128)mid);
    s->gaps_ppm = fl_add(s->gaps_ppm, gap > FL_PPM_ONE ? FL_PPM_ONE : (int64_t)gap);
    s->compared++;
}

/* M moved by so much, on the market's grid, against itself: what it asks for up, what it pays down. */
static int64_t bound(const struct round *r, int64_t ppm, bool buys)
{
    const int64_t mid = r->state->sight.mid, tick = fl_max(r->terms.tick, 1);
    const int64_t exact = buys ? fl_mul_div_floor(mid, FL_PPM_ONE + ppm, FL_PPM_ONE)
                               : fl_mul_div_ceil(mid, FL_PPM_ONE + ppm, FL_PPM_ONE);
    const int64_t steps = buys ? exact / tick : (exact + tick - 1) / tick;
    return fl_max(steps, 1) * tick;
}

/* How much it may hold, either way. */
static int64_t position_limit(const struct round *r)
{
    if (r->row.equity <= 0) return 0;
    const fl_i128 affordable = (fl_i128)r->row.equity * r->p->leverage_ppm / r->state->sight.mid;
    return affordable < r->p->position_max ? (int64_t)affordable : r->p->position_max;
}

/* Buys or sells up to `most`, in whole lots, if that is anything. */
static bool trade(const struct round *r, int64_t most, int64_t limit, bool buys)
{
    const int64_t lot = fl_max(r->terms.lot, 1);
    const int64_t size = fl_min(most, r->p->size) / lot * lot;
    if (size <= 0) return false;
    act(r->self, r->state, FL_TX_TRADE, buys ? size : -size, limit, r->out);
    return true;
}

/* Into the gap; against what it holds it may go through zero. */
static bool enter(const struct round *r)
{
    const struct params *p = r->p;
    const int64_t away = p->fee_ppm + p->threshold_ppm, size = r->state->size;
    const int64_t dear = bound(r, away, false), cheap = bound(r, -away, true);
    const int64_t limit = position_limit(r);
    if (r->terms.bid > dear) return trade(r, fl_add(limit, size), dear, false);
    if (r->terms.ask != 0 && r->terms.ask < cheap)
        return trade(r, fl_sub(limit, size), cheap, true);
    return false;
}

/* Out of it, when it has closed. */
static bool leave(const struct round *r)
{
    const int64_t size = r->state->size, unwind = r->p->unwind_ppm;
    const int64_t most = bound(r, unwind, true), least = bound(r, -unwind, false);
    if (size < 0 && r->terms.ask != 0 && r->terms.ask <= most) return trade(r, -size, most, true);
    if (size > 0 && r->terms.bid >= least) return trade(r, size, least, false);
    return false;
}

/* --- the model ------------------------------------------------------------------------------------- */

/* False if the view cannot be read. */
static bool look(struct round *r, const struct fl_view *view, int64_t *used)
{
    const struct fl_self *self = r->self;
    struct fl_positions held;
    struct fl_price price;
    if (!fl_read_nonce(view, self->account_first, used) ||
        !fl_read_market(view, r->p->exchange, r->p->market, &r->terms, &price) ||
        !fl_read_account(view, r->p->exchange, self->account_first, &r->row) ||
        !fl_read_positions(view, r->p->exchange, self->account_first, &held))
        return false;
    r->state->size = fl_clamp(fl_size_in(&held, r->p->market), -FL_SIZE_MAX, FL_SIZE_MAX);
    r->state->money = r->row.quote;
    r->state->nonce =
        fl_max(r->state->nonce, *used); /* more than it knows of, if it has forgotten */
    return true;
}

/* The order goes first: it must not descend from the transactions that follow. It trades on what is
 * the market now, and when its last trade is hedged. */
static void on_head(struct round *r, const struct fl_view *view)
{
    const struct params *p = r->p;
    struct state *s = r->state;
    int64_t used;
    s->heads++;
    if (!look(r, view, &used)) return;
    compare(r);
    fl_hedge_seek(r->self, &s->hedge, (fl_endpoint){p->venue}, -s->size, 0, r->now, r->out);
    if (!is_free(r, used) || s->nonce == 0) return;
    if (!r->row.priced || s->hedge.order_size != 0 || !fl_sight_current(&s->sight, r->now)) return;
    if (!enter(r)) leave(r);
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
    (void)state; /* all zero: nothing sent */
}

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    const struct params *p = self->params;
    struct state *s = state;
    const bool from_venue = in->kind == FL_MSG && in->msg.from.i == p->venue;
    if (!fl_can_submit(self)) return;
    if (from_venue && fl_sight_take(&s->sight, in)) return;
    if (fl_is_head(self, in)) {
        struct round r = {.self = self, .p = p, .state = s, .out = out, .now = in->now};
        on_head(&r, view);
    } else if (from_venue && in->msg.kind == FL_FILLED) {
        fl_hedge_filled(&s->hedge, (fl_endpoint){p->venue}, &in->msg);
    } else if (in->kind == FL_START) {
        act(self, s, FL_TX_DEPOSIT, p->deposit, 0, out);
    }
}

/* Both positions at the venue's mid price. */
static int64_t profit(const struct params *p, const struct state *s)
{
    if (s->money == 0 && s->size == 0) return 0; /* its deposit is on its way */
    const fl_i128 here = (fl_i128)s->size * s->sight.mid / FL_PPM_ONE + s->money - p->deposit;
    const fl_i128 all = here + fl_hedge_worth(&s->hedge, s->sight.mid);
    return all > INT64_MAX ? INT64_MAX : all < INT64_MIN ? INT64_MIN : (int64_t)all;
}

static void observe(const struct fl_self *self, const void *state, int64_t *out)
{
    const struct state *s = state;
    out[0] = profit(self->params, s);
    out[1] = s->size;
    out[2] = s->trades;
    out[3] = s->compared == 0 ? 0 : s->gaps_ppm / s->compared;
}

static const struct fl_param rows[] = {
    {.key = "exchange",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct params, exchange),
     .doc = "exchange contract it trades on"},
    {.key = "market",
     .type = FL_ENTRY_NAME,
     .offset = offsetof(struct params, market),
     .within = "exchange",
     .list = "markets",
     .fallback = "\"\"",
     .doc = "which of the exchange's markets; without a name, the first"},
    {.key = "venue",
     .type = FL_GROUP_NAME,
     .offset = offsetof(struct params, venue),
     .doc = "group of the venue it trades against; it must be among the venue's subscribers"},
    {.key = "deposit_usd",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, deposit),
     .min = 1,
     .max = INT64_C(1000000000000000),
     .doc = "collateral on the exchange, in USD"},
    {.key = "fee",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, fee_ppm),
     .min = 0,
     .max = FL_PPM_ONE / 4,
     .fallback = "0.001",
     .doc = "what exchange and venue charge together, of a trade (ratio)"},
    {.key = "threshold",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, threshold_ppm),
     .min = 0,
     .max = FL_PPM_ONE / 4,
     .fallback = "0.001",
     .doc = "gain beyond the fee for which it trades (ratio; assumption)"},
    {.key = "unwind",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, unwind_ppm),
     .min = 0,
     .max = FL_PPM_ONE / 4,
     .fallback = "0.0005",
     .doc = "gap at which it takes its position back (ratio; assumption)"},
    {.key = "size",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, size),
     .min = 1,
     .max = FL_SIZE_MAX,
     .doc = "most it trades at once, in units of the base asset"},
    {.key = "position_max",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, position_max),
     .min = 1,
     .max = FL_SIZE_MAX,
     .doc = "most it holds, long or short, in units of the base asset"},
    {.key = "leverage",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, leverage_ppm),
     .min = 1,
     .max = 1000 * FL_PPM_ONE,
     .fallback = "5",
     .doc = "most it holds, as notional over its equity on the exchange (ratio; assumption)"},
    {.key = "retry_blocks",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, retry_blocks),
     .min = 1,
     .max = 1000000,
     .fallback = "3",
     .doc = "blocks seen after which a transaction is sent again (count)"},
    {.key = NULL}};

static const struct fl_observable observables[] = {
    {"arbitrage.profit", "money at both places, positions at the venue's mid price, less deposits",
     FL_USD, FL_SUM},
    {"arbitrage.position", "position on the exchange", FL_SIZE, FL_SUM},
    {"arbitrage.trades", "trades sent so far", FL_COUNT, FL_SUM},
    {"arbitrage.gap",
     "distance of the book's middle from the venue's mid price, mean over blocks; "
     "the widest",
     FL_PPM, FL_MAX},
    {.name = NULL}};

static const struct fl_node_model node = {
    .state_bytes = state_bytes, .init = init, .step = step, .observe = observe};

const struct fl_model fl_model_arbitrageur = {
    .name = "arbitrageur",
    .family = FL_AGENT,
    .doc = "arbitrageur between a market of the exchange and a venue, with limited capital "
           "(Shleifer and Vishny 1997)",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .observables = observables,
    .node = &node};
