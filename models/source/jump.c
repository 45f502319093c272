/* Jump diffusion: a geometric Brownian motion that jumps at the times of a Poisson process (Merton,
 * "Option pricing when underlying stock returns are discontinuous", Journal of Financial Economics 3,
 * 1976; Glasserman, "Monte Carlo Methods in Financial Engineering", 2003, 3.5). At each tick
 *
 *     ln F += (drift - volatility^2 / 2 - intensity k) dt + volatility sqrt(dt) Z
 *             + N jump_mean + sqrt(N) jump_deviation Y,      k = e^(jump_mean + jump_deviation^2 / 2) - 1
 *
 * with N Poisson of mean intensity dt and Y standard normal: the sum of N normal jumps has that law.
 * k compensates the jumps, so that E F(t) = F(0) e^(drift t). It is right to 5e-10 (1 + k), and the
 * logarithm drifts by that much per expected jump.
 *
 * N is the quantile of one keyed uniform. Its probabilities are off by less than 2^-53; those of fewer
 * than 64 jumps a tick are what counts, the rest is below 10^-50.
 *
 * Y has the loadings of Z. With `jump_factor` the count is drawn from a factor: sources that name the
 * same one, and have equal intensities and ticks, jump at the same times. */
#include "models/source/log_price.h"

struct params {
    struct fl_tick_terms terms;
    struct fl_log_terms log;
    int64_t intensity;                 /* 10^-3 per year */
    int64_t jump_mean, jump_deviation; /* 10^-6 */
    int64_t jump_factor;               /* -1: its own jumps */
};

struct state {
    struct fl_log_price price;
    int64_t drift_q56, deviation_q56; /* of one tick */
    int64_t expected_q56;             /* jumps in one tick */
    int64_t none_q62;                 /* probability of no jump in one tick */
    int64_t jumps;                    /* so far */
};

#define INTENSITY_SCALE 1000
#define INTENSITY_MAX INT64_C(36500000) /* a hundred a day: at most 4.2 in a tick */
#define JUMP_MAX INT64_C(2000000)
#define Q62_ONE (INT64_C(1) << 62)

/* e^-x in Q62 for 0 <= x <= 4.2 in Q56, within 2^-54: the series at x / 64, then six squarings. An
 * absolute error, for it is 1 - e^-x that matters, and x may be tiny. */
static int64_t exp_minus_q62(int64_t x_q56)
{
    enum { HALVINGS = 6, TERMS = 12 }; /* (4.2 / 64)^13 / 13! < 2^-80 */
    const fl_i128 x_q62 = x_q56;       /* of x / 64 */
    fl_i128 power = Q62_ONE;
    for (int64_t i = TERMS; i > 0; i--) power = Q62_ONE - fl_drop_bits(power * x_q62, 62) / i;
    for (int i = 0; i < HALVINGS; i++) power = fl_drop_bits(power * power, 62);
    return (int64_t)power;
}

/* The least n such that P(N <= n) is above the uniform. */
static int64_t jumps_at(const struct state *s, uint64_t uniform)
{
    enum { JUMPS_MAX = 64 };
    const int64_t u = (int64_t)(uniform >> 2);
    int64_t count = 0;
    fl_i128 probability = s->none_q62, below = probability;
    while (u >= below && count < JUMPS_MAX) {
        count++;
        probability = fl_drop_bits(probability * s->expected_q56, 56) / count;
        below += probability;
    }
    return count;
}

/* The sum of that many jumps, Q56. */
static fl_i128 jump_q56(const struct fl_self *self, int64_t step, int64_t count)
{
    const struct params *p = self->params;
    const int64_t root_q24 = (int64_t)fl_isqrt((uint64_t)count << 48);
    const int64_t y = fl_tick_normal(self, step, FL_LANE_SIZE);
    const fl_i128 mean = (fl_i128)p->jump_mean * count * FL_Q56_ONE;
    const fl_i128 noise = (fl_i128)p->jump_deviation * root_q24 * y; /* 10^-6, Q56 */
    return (mean + noise) / FL_PPM_ONE;
}

static void advance(const struct fl_self *self, void *state)
{
    const struct params *p = self->params;
    struct state *s = state;
    const int64_t at = s->price.tick.step;
    const uint64_t owner = p->jump_factor < 0 ? self->key : fl_factor_owner(p->jump_factor);
    const int64_t count =
        jumps_at(s, fl_draw(self->seed, FL_RNG_SOURCE, owner, (uint64_t)at, FL_LANE_JUMPS));
    s->jumps += count;
    const int64_t z = fl_tick_normal(self, at, FL_LANE_MOVE);
    const fl_i128 move = s->drift_q56 + fl_drop_bits((fl_i128)s->deviation_q56 * z, 32);
    fl_log_price_move(&s->price, count == 0 ? move : move + jump_q56(self, at, count));
}

static size_t state_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return sizeof(struct state);
}

/* k in Q56. */
static int64_t mean_growth_q56(const struct params *p)
{
    const fl_i128 square = (fl_i128)p->jump_deviation * p->jump_deviation / 2; /* 10^-12 */
    const fl_i128 log = (fl_i128)p->jump_mean * FL_PPM_ONE + square;
    const fl_i128 unit = (fl_i128)FL_PPM_ONE * FL_PPM_ONE;
    return fl_scale_exp(FL_Q56_ONE, (int64_t)(log * FL_Q32_ONE / unit)) - FL_Q56_ONE;
}

static void init(const struct fl_self *self, void *state)
{
    const struct params *p = self->params;
    struct state *s = state;
    const fl_time tick = p->terms.tick;
    fl_log_price_init(&s->price, p->log.start);
    s->deviation_q56 = fl_deviation_q56(p->log.volatility, tick);
    s->expected_q56 = fl_per_tick_q56(p->intensity, INTENSITY_SCALE, tick);
    s->none_q62 = exp_minus_q62(s->expected_q56);
    const fl_i128 variance_q112 = (fl_i128)s->deviation_q56 * s->deviation_q56;
    const fl_i128 growth_q112 = (fl_i128)s->expected_q56 * mean_growth_q56(p);
    s->drift_q56 = fl_per_tick_q56(p->log.drift, FL_PPM_ONE, tick) -
                   (int64_t)fl_drop_bits(variance_q112, 57) -
                   (int64_t)fl_drop_bits(growth_q112, 56);
}

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    (void)view;
    fl_tick_step(self, state, in, advance, out);
}

static void observe(const struct fl_self *self, const void *state, int64_t *out)
{
    (void)self;
    const struct state *s = state;
    out[0] = s->jumps;
}

static const char *check(const void *params)
{
    const struct params *p = params;
    return fl_tick_check(&p->terms);
}

static const struct fl_param rows[] = {
    FL_LOG_ROWS(struct params, "growth of the expected price, jumps included, per year of 365 days",
                "standard deviation of the log return in a year, jumps aside (ratio per "
                "sqrt(year))"),
    {.key = "jumps_per_year",
     .type = FL_DECIMAL,
     .digits = 3,
     .offset = offsetof(struct params, intensity),
     .min = 0,
     .max = INTENSITY_MAX,
     .doc = "expected number of jumps in a year of 365 days"},
    {.key = "jump_mean",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, jump_mean),
     .min = -JUMP_MAX,
     .max = JUMP_MAX,
     .fallback = "0",
     .doc =
         "mean of the change that a jump makes to the logarithm of the price; -0.1 is about 10 % "
         "down"},
    {.key = "jump_deviation",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, jump_deviation),
     .min = 0,
     .max = JUMP_MAX,
     .doc = "standard deviation of that change"},
    {.key = "jump_factor",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, jump_factor),
     .min = -1,
     .max = FL_FACTOR_MAX,
     .fallback = "-1",
     .doc = "number of a factor that says when to jump: sources with the same one, equal "
            "jumps_per_year and equal ticks jump together; -1: this source for itself"},
    FL_TICK_ROWS(struct params),
    {.key = NULL}};

static const struct fl_observable observables[] = {{.name = "source.jumps",
                                                    .unit = FL_COUNT,
                                                    .combine = FL_SUM,
                                                    .doc = "jumps of the true price so far"},
                                                   {.name = NULL}};

static const struct fl_node_model node = {.timer_count = FL_TICK_TIMERS,
                                          .state_bytes = state_bytes,
                                          .init = init,
                                          .step = step,
                                          .observe = observe};

const struct fl_model fl_model_jump = {.name = "jump",
                                       .family = FL_SOURCE,
                                       .doc = "the true price: Merton's jump diffusion",
                                       .params = rows,
                                       .params_bytes = sizeof(struct params),
                                       .check = check,
                                       .observables = observables,
                                       .node = &node};
