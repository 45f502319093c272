/* Replays a price path given by a few points, with seeded noise between them.
 *
 * Between two points the price is a Brownian bridge, sampled once a tick (Glasserman, "Monte Carlo
 * Methods in Financial Engineering", 2003, 3.1): with r ticks left to the next point P1,
 *
 *     F += (P1 - F) / r + F * volatility * sqrt(tick) * sqrt((r - 1) / r) * z
 *
 * and at r = 1 F is P1 exactly. z is the standard normal of the tick (tick.h). A point that
 * falls between two ticks is hit at the tick after it; of several there, the last counts. After the
 * last point the price stays.
 *
 * Assumption: prices are normal, not lognormal, within a segment, since F moves little within it. */
#include "models/source/tick.h"

struct params {
    struct fl_tick_terms terms;
    struct fl_points points; /* ns, 10^-6 USD */
    int64_t volatility;      /* 10^-9 per sqrt(second) */
};

struct state {
    struct fl_tick_state tick;
    int64_t ahead; /* index of the first point not reached at the newest tick */
};

/* sqrt(ns * ROOT_SCALE) is in 10^-7 sqrt(second), since 10^9 * 10^5 = (10^7)^2. */
#define ROOT_SCALE INT64_C(100000)
/* volatility (10^-9) times root (10^-7). */
#define SHOCK_SCALE INT64_C(10000000000000000)

/* The first tick at or after a point. */
static int64_t tick_of_point(const struct params *p, int64_t index)
{
    const fl_time at = p->points.at[index][0], tick = p->terms.tick;
    return at / tick + (at % tick != 0);
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
    const int64_t z = fl_tick_normal(self, step, FL_LANE_MOVE);
    const int64_t variance = fl_mul_div_floor(p->terms.tick * ROOT_SCALE, left - 1, left);
    const int64_t root = (int64_t)fl_isqrt((uint64_t)variance);
    const int64_t ratio_q32 = fl_mul_div_trunc(p->volatility * root, z, SHOCK_SCALE);
    return fl_mul_div_trunc(price, ratio_q32, FL_Q32_ONE);
}

static void advance(const struct fl_self *self, void *state)
{
    const struct params *p = self->params;
    struct state *s = state;
    struct fl_tick_state *t = &s->tick;
    while (s->ahead < p->points.count && tick_of_point(p, s->ahead) < t->step) s->ahead++;
    if (s->ahead == p->points.count) return;
    const int64_t left = tick_of_point(p, s->ahead) - t->step + 1;
    if (left == 1) {
        while (s->ahead < p->points.count && tick_of_point(p, s->ahead) == t->step)
            t->price = p->points.at[s->ahead++][1];
        return;
    }
    const int64_t drift = divide_nearest(p->points.at[s->ahead][1] - t->price, left);
    const int64_t noise = shock(self, p, t->price, left, t->step);
    t->price = fl_clamp(t->price + drift + noise, 1, FL_PRICE_MAX);
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
    s->tick.price = p->points.at[0][1];
    s->ahead = 1;
}

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    (void)view;
    fl_tick_step(self, state, in, advance, out);
}

static const char *check(const void *params)
{
    const struct params *p = params;
    if (p->points.count == 0) return "points must hold at least one point";
    if (p->points.at[0][0] != 0) return "the first of points must be at second 0";
    for (uint32_t i = 0; i < p->points.count; i++)
        if (!fl_price_plausible(p->points.at[i][1]))
            return "the prices of points must be above 0 and at most 1000000000";
    return fl_tick_check(&p->terms);
}

static const struct fl_param rows[] = {
    {.key = "points_usd",
     .type = FL_POINTS,
     .digits = 9,
     .digits_y = 6,
     .offset = offsetof(struct params, points),
     .min = 0,
     .max = INT64_MAX,
     .candles = true,
     .doc =
         "path as [[second, price in USD], ...], the first at second 0; or {\"kline_csv\": file "
         "beside the scenario, \"price\": \"open\", \"high\", \"low\" or \"close\"}: the candles "
         "of an exchange, second 0 being when the first opens, each price at its candle's end, but "
         "\"open\" at its beginning"},
    FL_TICK_ROWS(struct params),
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
    .timer_count = FL_TICK_TIMERS, .state_bytes = state_bytes, .init = init, .step = step};

const struct fl_model fl_model_replay = {
    .name = "replay",
    .family = FL_SOURCE,
    .doc = "the true price: given points, with a seeded Brownian bridge between them",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .check = check,
    .node = &node};
