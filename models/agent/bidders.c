/* Everybody else who wants block space: transactions that do nothing, pay for their place, and crowd out
 * whoever bids less.
 *
 * In each step as many are handed in as the rate asks for, at moments drawn within the step; each bids
 * what its place is worth to it, drawn from a law, as the most it pays, and a share of that as its tip. The
 * rate follows given points, and rises with the market's excitement: linear in the absolute return of
 * the mid over the last minute, for those who want to trade elsewhere want it then.
 *
 * Assumptions. No contract knows what they ask for (FL_TX_NOTHING): all are refused, and pay. An account
 * hands in one at most in each step, under the step's number as its nonce: what the rate asks for beyond
 * the number of accounts, or of one step's effects, goes elsewhere. A transaction that is not taken
 * is not repeated, nor raised. */
#include "models/submit.h"

struct params {
    uint32_t contract, zero;
    struct fl_points rate; /* ns, 10^-6 transactions a second */
    int64_t per_percent;   /* 10^-6 transactions a second, for 1 % of return */
    struct fl_law worth;   /* 10^-6 USD */
    int64_t tip_share_ppm;
    fl_time step;
};

enum { STEP_TIMER, TIMERS };
/* Three effects and one blob each; the outbox holds 4096 and 2048. */
enum { PER_STEP_MAX = 1024 };
enum { MEMORY = 64 }; /* seconds */
#define WINDOW (60 * FL_SECOND)
#define PPM_IN_PERCENT 10000
enum lane { WORTH_LANE, MOMENT_LANE };

struct state {
    int64_t slot;  /* number of the newest step, since time 0 */
    int64_t due;   /* 10^-6 transactions, left over from the last step */
    int64_t sent;  /* so far */
    int64_t first; /* account that comes first in the next step */
    struct fl_sight market;
    /* By second, modulo their number: the last mid seen in it, and which second that was. */
    int64_t mid[MEMORY], second[MEMORY];
};

/* --- how many ------------------------------------------------------------------------------------ */

/* Linear between the points, floor; constant before the first and after the last. */
static int64_t rate_at(const struct fl_points *points, fl_time now)
{
    uint32_t next = 0;
    while (next < points->count && points->at[next][0] <= now) next++;
    if (next == 0) return points->at[0][1];
    const int64_t *from = points->at[next - 1];
    if (next == points->count) return from[1];
    const int64_t *to = points->at[next];
    return from[1] + fl_mul_div_floor(to[1] - from[1], now - from[0], to[0] - from[0]);
}

static void remember(struct state *s)
{
    const int64_t second = s->market.seen_at / FL_SECOND;
    if (second < 0) return;
    s->mid[second % MEMORY] = s->market.mid;
    s->second[second % MEMORY] = second;
}

/* Absolute return since the oldest mid of the last minute, ppm; 0 if quotes have stopped to come. */
static int64_t excitement(const struct state *s, fl_time now)
{
    if (!fl_sight_current(&s->market, now)) return 0;
    for (int64_t second = fl_max((now - WINDOW) / FL_SECOND, 0); second <= now / FL_SECOND;
         second++) {
        const int64_t then = s->mid[second % MEMORY];
        if (s->second[second % MEMORY] == second && then > 0)
            return fl_mul_div_floor(fl_abs(s->market.mid - then), FL_PPM_ONE, then);
    }
    return 0;
}

/* Transactions of this step; what is left of one is kept for the next. */
static uint32_t take_due(const struct fl_self *self, struct state *s, fl_time now)
{
    const struct params *p = self->params;
    const int64_t most = fl_min(self->account_count, PER_STEP_MAX);
    const fl_i128 rate = rate_at(&p->rate, now) +
                         (fl_i128)p->per_percent * excitement(s, now) / PPM_IN_PERCENT;
    const fl_i128 due = s->due + rate * p->step / FL_SECOND;
    const int64_t count = due / FL_PPM_ONE > most ? most : (int64_t)(due / FL_PPM_ONE);
    s->due = count == most ? 0 : (int64_t)(due % FL_PPM_ONE);
    return (uint32_t)count;
}

/* --- what ---------------------------------------------------------------------------------------- */

static uint64_t draw(const struct fl_self *self, int64_t slot, uint32_t index, enum lane lane)
{
    return fl_draw(self->seed, FL_RNG_AGENT, self->key, (uint64_t)slot, 2 * index + lane);
}

static void send(const struct fl_self *self, struct state *s, uint32_t index, struct fl_outbox *out)
{
    const struct params *p = self->params;
    const uint32_t account = (uint32_t)((s->first + index) % self->account_count);
    const int64_t worth = fl_law_at(&p->worth, draw(self, s->slot, index, WORTH_LANE));
    struct fl_tx tx = {.account = self->account_first + account,
                       .contract = (uint16_t)p->contract,
                       .kind = FL_TX_NOTHING,
                       .nonce = (uint64_t)s->slot,
                       .fee_cap = worth,
                       .tip = fl_mul_div_floor(worth, p->tip_share_ppm, FL_PPM_ONE)};
    const uint64_t u = draw(self, s->slot, index, MOMENT_LANE);
    fl_because(out, 0, 0, 0); /* demand comes from nowhere */
    fl_submit(self, &tx, 0, out)->delay = (fl_time)((fl_u128)u * (uint64_t)p->step >> 64);
}

static void arm(const struct params *p, fl_time now, struct fl_outbox *out)
{
    fl_because(out, 0, 0, 0);
    fl_set_timer(out, STEP_TIMER, (now / p->step + 1) * p->step - now);
}

static void on_timer(const struct fl_self *self, struct state *s, fl_time now,
                     struct fl_outbox *out)
{
    const struct params *p = self->params;
    const int64_t slot = now / p->step;
    if (slot > s->slot && fl_can_submit(self)) {
        s->slot = slot;
        const uint32_t count = take_due(self, s, now);
        for (uint32_t i = 0; i < count; i++) send(self, s, i, out);
        s->first = (s->first + count) % self->account_count;
        s->sent += count;
    }
    arm(p, now, out);
}

/* --- the model ----------------------------------------------------------------------------------- */

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
    struct state *s = state;
    (void)view;
    if (in->kind == FL_START || in->kind == FL_RECOVER)
        arm(self->params, in->now, out);
    else if (in->kind == FL_TIMER)
        on_timer(self, s, in->now, out);
    else if (fl_sight_take(&s->market, in))
        remember(s);
}

static void observe(const struct fl_self *self, const void *state, int64_t *out)
{
    (void)self;
    const struct state *s = state;
    out[0] = s->sent;
}

static const char *check(const void *params)
{
    const struct params *p = params;
    return p->rate.count == 0 ? "rate_per_s must hold at least one point" : NULL;
}

static const struct fl_param rows[] = {
    {.key = "contract",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct params, contract),
     .doc = "contract that refuses the transactions; any will do"},
    {.key = "rate_per_s",
     .type = FL_POINTS,
     .digits = 9,
     .digits_y = 6,
     .offset = offsetof(struct params, rate),
     .min = 0,
     .max = 100000 * FL_PPM_ONE,
     .doc = "transactions a second as [[second, rate], ...], linear in between, constant outside"},
    {.key = "rate_per_percent",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, per_percent),
     .max = 100000 * FL_PPM_ONE,
     .fallback = "0",
     .doc =
         "transactions a second more for each 1 % by which the market's mid has moved in the last "
         "minute; quotes come if the market names this group among its subscribers"},
    {.key = "worth_usd",
     .type = FL_LAW,
     .digits = 6,
     .offset = offsetof(struct params, worth),
     .min = 1,
     .max = FL_FEE_MAX,
     .fallback = "{\"law\": \"lognormal\", \"median\": 1, \"sigma\": 1.5}",
     .doc = "most that one pays for its place in a block, USD (assumption)"},
    {.key = "tip_share",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, tip_share_ppm),
     .max = FL_PPM_ONE,
     .fallback = "0.1",
     .doc = "share of that which it offers beyond the base fee (assumption)"},
    {.key = "step_ms",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, step),
     .min = FL_MILLISECOND,
     .max = 3600 * FL_SECOND,
     .fallback = "1000",
     .doc = "length of a step, milliseconds"},
    {.key = NULL}};

static const struct fl_observable observables[] = {
    {"bidders.sent", "transactions handed in so far", FL_COUNT, FL_SUM}, {.name = NULL}};

static const struct fl_node_model node = {.timer_count = TIMERS,
                                          .state_bytes = state_bytes,
                                          .init = init,
                                          .step = step,
                                          .observe = observe};

const struct fl_model fl_model_bidders = {
    .name = "bidders",
    .family = FL_AGENT,
    .doc =
        "demand for block space by everybody else: transactions that do nothing and bid for their "
        "place",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .check = check,
    .observables = observables,
    .node = &node};
