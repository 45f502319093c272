/* Replays a price path given by a few points, with seeded noise between them.
 *
 * Between two points the price is a Brownian bridge, sampled once a tick (Glasserman, "Monte Carlo
 * Methods in Financial Engineering", 2003, 3.1): with r ticks left to the next point P1,
 *
 *     F += (P1 - F) / r + F * volatility * sqrt(tick) * sqrt((r - 1) / r) * z
 *
 * and at r = 1 F is P1 exactly. z is standard normal, keyed by the number of the tick. A point that
 * falls between two ticks is hit at the tick after it; of several there, the last counts. After the
 * last point the price stays.
 *
 * The path is exogenous: a function of seed, parameters and tick number. Ticks lie on a fixed grid,
 * and a source that was down computes the ticks it has missed without telling them.
 *
 * Assumption: prices are normal, not lognormal, within a segment, since F moves little within it. */
#include "models/submit.h"

struct params {
    struct fl_points points; /* ns, 10^-6 USD */
    fl_time tick;
    int64_t volatility; /* 10^-9 per sqrt(second) */
};

struct state {
    int64_t step; /* number of the newest tick; its time is step * tick */
    int64_t price;
    int64_t ahead; /* index of the first point not reached at `step` */
};

enum { TICK_TIMER, TIMERS };

/* sqrt(ns * ROOT_SCALE) is in 10^-7 sqrt(second), since 10^9 * 10^5 = (10^7)^2. */
#define ROOT_SCALE INT64_C(100000)
/* volatility (10^-9) times root (10^-7). */
#define SHOCK_SCALE INT64_C(10000000000000000)
#define TICK_MAX (3600 * FL_SECOND)

/* The first tick at or after a point. */
static int64_t tick_of_point(const struct params *p, int64_t index)
{
    return p->points.at[index][0] / p->tick + (p->points.at[index][0] % p->tick != 0);
}

/* To the nearest, halves away from zero. */
static int64_t divide_nearest(int64_t a, int64_t count)
{
    return (a >= 0 ? a + count / 2 : a - count / 2) / count;
}

/* The bridge's noise in price units, `left` ticks before the point; toward zero. */
static int64_t shock(const struct fl_self *self, const struct params *p, int64_t price,
                     int64_t left, int64_t step)
{
    const int64_t z =
        fl_normal_q32(fl_draw(self->seed, FL_RNG_SOURCE, self->key, (uint64_t)step, 0));
    const int64_t variance = fl_mul_div_floor(p->tick * ROOT_SCALE, left - 1, left);
    const int64_t root = (int64_t)fl_isqrt((uint64_t)variance);
    const int64_t ratio_q32 = fl_mul_div_trunc(p->volatility * root, z, SHOCK_SCALE);
    return fl_mul_div_trunc(price, ratio_q32, FL_Q32_ONE);
}

/* One tick further. */
static void advance(const struct fl_self *self, struct state *s)
{
    const struct params *p = self->params;
    s->step++;
    while (s->ahead < p->points.count && tick_of_point(p, s->ahead) < s->step) s->ahead++;
    if (s->ahead == p->points.count) return;
    const int64_t left = tick_of_point(p, s->ahead) - s->step + 1;
    if (left == 1) {
        while (s->ahead < p->points.count && tick_of_point(p, s->ahead) == s->step)
            s->price = p->points.at[s->ahead++][1];
        return;
    }
    const int64_t drift = divide_nearest(p->points.at[s->ahead][1] - s->price, left);
    const int64_t noise = shock(self, p, s->price, left, s->step);
    s->price = fl_clamp(s->price + drift + noise, 1, FL_PRICE_MAX);
}

static void tell(const struct state *s, struct fl_outbox *out)
{
    fl_note(out, FL_RECORD_TICK, s->step, 0)[2] = s->price;
    struct fl_msg *m = fl_local(out, FL_MARKET, FL_FUNDAMENTAL);
    m->word[0] = (uint64_t)s->step;
    m->value[0] = s->price;
}

/* The clock has no cause: a tick does not descend from the tick before it. */
static void arm(const struct params *p, fl_time now, struct fl_outbox *out)
{
    fl_because(out, 0, 0, 0);
    fl_set_timer(out, TICK_TIMER, (now / p->tick + 1) * p->tick - now);
}

/* Up to the tick that is due now; only the newest is news. */
static void catch_up(const struct fl_self *self, struct state *s, fl_time now,
                     struct fl_outbox *out)
{
    const struct params *p = self->params;
    const int64_t due = now / p->tick;
    if (s->step < due) {
        while (s->step < due) advance(self, s);
        tell(s, out);
    }
    arm(p, now, out);
}

static size_t state_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return sizeof(struct state);
}

static void init(const struct fl_self *self, void *state)
{
    const struct params *p = self->params;
    struct state *s = state;
    s->price = p->points.at[0][1];
    s->ahead = 1;
}

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    (void)view;
    struct state *s = state;
    switch (in->kind) {
    case FL_START:
        tell(s, out);
        arm(self->params, in->now, out);
        return;
    case FL_TIMER:
        if (in->timer == TICK_TIMER) catch_up(self, s, in->now, out);
        return;
    case FL_RECOVER: /* after a crash the timer is gone */
        catch_up(self, s, in->now, out);
        return;
    case FL_MSG:
    case FL_CALL:
    case FL_EXECUTED:
    case FL_OVERHEARD:
        return;
    }
}

static const char *check(const void *params)
{
    const struct params *p = params;
    if (p->points.count == 0) return "points must hold at least one point";
    if (p->points.at[0][0] != 0) return "the first of points must be at second 0";
    for (uint32_t i = 0; i < p->points.count; i++)
        if (!fl_price_plausible(p->points.at[i][1]))
            return "the prices of points must be above 0 and at most 1000000000";
    return NULL;
}

static const struct fl_param rows[] = {
    {.key = "points_usd",
     .type = FL_POINTS,
     .digits = 9,
     .digits_y = 6,
     .offset = offsetof(struct params, points),
     .min = 0,
     .max = INT64_MAX,
     .doc = "path as [[second, price in USD], ...]; the first at second 0"},
    {.key = "tick_ms",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, tick),
     .min = FL_MILLISECOND,
     .max = TICK_MAX,
     .fallback = "1000",
     .doc = "time between two prices, in milliseconds"},
    {.key = "volatility",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, volatility),
     .min = 0,
     .max = 100000000,
     .fallback = "0.0003",
     .doc = "noise between the points: standard deviation of the relative change in one second "
            "(ratio per sqrt(second)); 0.0003 is 1.7 a year (assumption: a crash day)"},
    {.key = NULL}};

static const struct fl_node_model node = {
    .timer_count = TIMERS, .state_bytes = state_bytes, .init = init, .step = step};

const struct fl_model fl_model_replay = {
    .name = "replay",
    .family = FL_SOURCE,
    .doc = "the true price: given points, with a seeded Brownian bridge between them",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .check = check,
    .node = &node};
