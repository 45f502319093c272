/* Geometric Brownian motion, sampled exactly at each tick (Black and Scholes, "The pricing of options
 * and corporate liabilities", Journal of Political Economy 81, 1973; Glasserman, "Monte Carlo Methods
 * in Financial Engineering", 2003, 3.2):
 *
 *     ln F += (drift - volatility^2 / 2) dt + volatility sqrt(dt) Z
 *
 * so that E F(t) = F(0) e^(drift t). The square is that of the deviation as it is rounded, which
 * keeps the expectation as exact as the logarithm. */
#include "models/source/log_price.h"

struct params {
    struct fl_tick_terms terms;
    struct fl_log_terms log;
};

struct state {
    struct fl_log_price price;
    int64_t drift_q56, deviation_q56; /* of one tick */
};

static void advance(const struct fl_self *self, void *state)
{
    struct state *s = state;
    const int64_t z = fl_tick_normal(self, s->price.tick.step, FL_LANE_MOVE);
    fl_log_price_move(&s->price, s->drift_q56 + fl_drop_bits((fl_i128)s->deviation_q56 * z, 32));
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
    fl_log_price_init(&s->price, p->log.start);
    s->deviation_q56 = fl_deviation_q56(p->log.volatility, p->terms.tick);
    const fl_i128 variance_q112 = (fl_i128)s->deviation_q56 * s->deviation_q56;
    s->drift_q56 = fl_per_tick_q56(p->log.drift, FL_PPM_ONE, p->terms.tick) -
                   (int64_t)fl_drop_bits(variance_q112, 57);
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
    return fl_tick_check(&p->terms);
}

static const struct fl_param rows[] = {
    FL_LOG_ROWS(struct params, "growth of the expected price, per year of 365 days",
                "standard deviation of the log return in a year (ratio per sqrt(year))"),
    FL_TICK_ROWS(struct params),
    {.key = NULL}};

static const struct fl_node_model node = {
    .timer_count = FL_TICK_TIMERS, .state_bytes = state_bytes, .init = init, .step = step};

const struct fl_model fl_model_gbm = {.name = "gbm",
                                      .family = FL_SOURCE,
                                      .doc = "the true price: geometric Brownian motion",
                                      .params = rows,
                                      .params_bytes = sizeof(struct params),
                                      .check = check,
                                      .node = &node};
