/* Returns whose variance clusters: GARCH(1,1) (Bollerslev, "Generalized autoregressive conditional
 * heteroskedasticity", Journal of Econometrics 31, 1986) with Student innovations (Bollerslev, "A
 * conditionally heteroskedastic time series model for speculative prices and rates of return", Review
 * of Economics and Statistics 69, 1987). At each tick
 *
 *     e = sqrt(h) t,   ln F += drift dt + e,   h' = omega + alpha e^2 + beta h
 *
 * where t is Student's with `degrees` degrees of freedom, scaled to variance 1. alpha and beta are
 * those of one tick. omega follows from the volatility: the variance of a tick is, in the long run,
 * volatility^2 dt = omega / (1 - alpha - beta), and the first tick has it.
 *
 * The state holds g = h / (volatility^2 dt) in Q23.40, so that its precision does not depend on the
 * tick: g' = (1 - alpha - beta) + alpha g t^2 + beta g. g stays below 2^20, a volatility of a thousand
 * times the usual, and |t| below 2^12: a step beyond ends there.
 *
 * t = Z sqrt((degrees - 2) / X), where X is the sum of the squares of `degrees` normals: exact, and
 * without a table. Z has the loadings. X is the source's own, which takes some correlation away in the
 * tails, or, with `tail_factor`, that of a factor: sources that share it and have equal degrees are
 * jointly Student, and their innovations correlate by the loadings alone.
 *
 * The drift is that of the logarithm: with Student innovations the price itself has no expectation. */
#include "models/source/log_price.h"

struct params {
    struct fl_tick_terms terms;
    struct fl_log_terms log;
    int64_t alpha, beta; /* 10^-6 */
    int64_t degrees;
    int64_t tail_factor; /* -1: its own */
};

struct state {
    struct fl_log_price price;
    int64_t drift_q56, deviation_q56; /* of one tick; the deviation in the long run */
    int64_t variance_q40;             /* g: the coming tick's, as a share of that in the long run */
};

#define Q40_ONE (INT64_C(1) << 40)
#define VARIANCE_MAX_Q40 (Q40_ONE << 20)
#define INNOVATION_MAX_Q32 (FL_Q32_ONE << 12)
#define DEGREES_MIN 3
#define DEGREES_MAX 100

/* sqrt((degrees - 2) / X) of a tick, Q32. */
static int64_t tail_q32(const struct fl_self *self, const struct params *p, int64_t step)
{
    const uint64_t owner = p->tail_factor < 0 ? self->key : fl_factor_owner(p->tail_factor);
    fl_u128 x_q64 = 0;
    for (int64_t i = 0; i < p->degrees; i++) {
        const fl_i128 n = fl_normal_of(self, owner, step, FL_LANE_TAIL + (uint32_t)i);
        x_q64 += (fl_u128)(n * n);
    }
    const fl_u128 x_q48 = x_q64 >> 16;
    const fl_u128 ratio_q64 = ((fl_u128)(p->degrees - 2) << 112) / (x_q48 == 0 ? 1 : x_q48);
    return (int64_t)fl_isqrt_wide(ratio_q64);
}

/* t of a tick, Q32. */
static int64_t innovation_q32(const struct fl_self *self, const struct params *p, int64_t step)
{
    const fl_i128 z = fl_tick_normal(self, step, FL_LANE_MOVE);
    const fl_i128 t = fl_drop_bits(z * tail_q32(self, p, step), 32);
    return t < -INNOVATION_MAX_Q32  ? -INNOVATION_MAX_Q32
           : t > INNOVATION_MAX_Q32 ? INNOVATION_MAX_Q32
                                    : (int64_t)t;
}

/* g of the next tick, to nearest. */
static int64_t next_variance(const struct params *p, int64_t variance_q40, int64_t t_q32)
{
    const fl_i128 square_q40 = fl_drop_bits((fl_i128)t_q32 * t_q32, 24);
    const fl_i128 shock_q40 = fl_drop_bits(square_q40 * variance_q40, 40);
    const fl_i128 sum = (fl_i128)(FL_PPM_ONE - p->alpha - p->beta) * Q40_ONE +
                        p->alpha * shock_q40 + (fl_i128)p->beta * variance_q40;
    const fl_i128 next = (sum + FL_PPM_ONE / 2) / FL_PPM_ONE;
    return next > VARIANCE_MAX_Q40 ? VARIANCE_MAX_Q40 : (int64_t)next;
}

static void advance(const struct fl_self *self, void *state)
{
    const struct params *p = self->params;
    struct state *s = state;
    const int64_t t = innovation_q32(self, p, s->price.tick.step);
    const int64_t root_q40 = (int64_t)fl_isqrt_wide((fl_u128)s->variance_q40 << 40);
    const fl_i128 deviation_q56 = fl_drop_bits((fl_i128)s->deviation_q56 * root_q40, 40);
    fl_log_price_move(&s->price, s->drift_q56 + fl_drop_bits(deviation_q56 * t, 32));
    s->variance_q40 = next_variance(p, s->variance_q40, t);
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
    s->drift_q56 = fl_per_tick_q56(p->log.drift, FL_PPM_ONE, p->terms.tick);
    s->deviation_q56 = fl_deviation_q56(p->log.volatility, p->terms.tick);
    s->variance_q40 = Q40_ONE;
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
    if (p->alpha + p->beta >= FL_PPM_ONE)
        return "alpha and beta must add up to less than 1: else the variance has no long run";
    return fl_tick_check(&p->terms);
}

static const struct fl_param rows[] = {
    FL_LOG_ROWS(struct params, "growth of the logarithm of the price, per year of 365 days",
                "standard deviation of the log return in a year, in the long run (ratio per "
                "sqrt(year))"),
    {.key = "alpha",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, alpha),
     .min = 0,
     .max = FL_PPM_ONE,
     .doc = "share of a tick's squared return in the variance of the next"},
    {.key = "beta",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, beta),
     .min = 0,
     .max = FL_PPM_ONE,
     .doc = "share of a tick's variance in that of the next"},
    {.key = "degrees",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, degrees),
     .min = DEGREES_MIN,
     .max = DEGREES_MAX,
     .doc = "degrees of freedom of the innovations: the fewer, the fatter the tails"},
    {.key = "tail_factor",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, tail_factor),
     .min = -1,
     .max = FL_FACTOR_MAX,
     .fallback = "-1",
     .doc =
         "number of a factor that says how large the innovations of a tick are: sources with the "
         "same one and equal degrees and ticks have their extremes together; -1: this source for "
         "itself"},
    FL_TICK_ROWS(struct params),
    {.key = NULL}};

static const struct fl_node_model node = {
    .timer_count = FL_TICK_TIMERS, .state_bytes = state_bytes, .init = init, .step = step};

const struct fl_model fl_model_garch = {
    .name = "garch",
    .family = FL_SOURCE,
    .doc = "the true price: GARCH(1,1) log returns with Student innovations",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .check = check,
    .node = &node};
