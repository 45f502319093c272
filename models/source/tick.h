/* What all sources of a price share: a fixed grid of ticks, how the price is told, and the normal
 * numbers that drive it.
 *
 * A path is exogenous: a function of seed, parameters and tick number. Tick k is at k * tick, by the
 * node's clock; a source that was down computes the ticks it has missed without telling them.
 *
 * Correlation. The normal of step k is sum_i l_i Z(factor i, k) + sqrt(1 - sum_i l_i^2) Z(own, k),
 * where l_i are the loadings and a factor is a keyed normal that all sources have in common. Two
 * sources are then correlated by the sum of the products of their loadings: with the rows of a
 * Cholesky factor as loadings, any correlation matrix (Glasserman, "Monte Carlo Methods in Financial
 * Engineering", 2003, 2.3.3). Factors belong to tick numbers: only sources with equal ticks share them
 * at the same time. */
#ifndef FL_SOURCE_TICK_H
#define FL_SOURCE_TICK_H
#include "models/submit.h"

/* First in the parameters of every source, by FL_TICK_ROWS. */
struct fl_tick_terms {
    fl_time tick;
    struct fl_points loadings; /* factor number, loading in 10^-6 */
};

/* First in the state of every source. */
struct fl_tick_state {
    int64_t step; /* number of the newest tick; its time is step * tick */
    int64_t price;
};

/* From the tick before to tick `step`, which the state has already. The price must be plausible. */
typedef void fl_tick_advance(const struct fl_self *self, void *state);

enum { FL_TICK_TIMER, FL_TICK_TIMERS };

#define FL_TICK_MAX (3600 * FL_SECOND)
#define FL_FACTOR_MAX 65535

/* What several draws of one tick are for. */
enum { FL_LANE_MOVE, FL_LANE_JUMPS, FL_LANE_SIZE, FL_LANE_TAIL };

/* --- numbers ------------------------------------------------------------------------------------- */

/* A factor as the owner of a draw: beyond every fl_self.key, which has 32 bits. */
static inline uint64_t fl_factor_owner(int64_t factor)
{
    return ((uint64_t)1 << 32) + (uint64_t)factor;
}

static inline int64_t fl_normal_of(const struct fl_self *self, uint64_t owner, int64_t step,
                                   uint32_t lane)
{
    return fl_normal_q32(fl_draw(self->seed, FL_RNG_SOURCE, owner, (uint64_t)step, lane));
}

/* The source's standard normal of a step, Q32.32; to nearest. The own part's weight is exact to
 * 2^-32. */
static inline int64_t fl_tick_normal(const struct fl_self *self, int64_t step, uint32_t lane)
{
    const struct fl_tick_terms *terms = self->params;
    const int64_t own = fl_normal_of(self, self->key, step, lane);
    if (terms->loadings.count == 0) return own;

    fl_i128 sum = 0; /* Q32, in 10^-6 */
    int64_t rest = FL_PPM_ONE * FL_PPM_ONE;
    for (uint32_t i = 0; i < terms->loadings.count; i++) {
        const int64_t loading = terms->loadings.at[i][1];
        const uint64_t owner = fl_factor_owner(terms->loadings.at[i][0]);
        sum += (fl_i128)loading * fl_normal_of(self, owner, step, lane);
        rest -= loading * loading;
    }
    FL_ASSERT(rest >= 0);
    /* 10^12 * 2^24 is below 2^64. */
    const int64_t own_share = (int64_t)fl_isqrt((uint64_t)rest << 24); /* 10^-6 * 2^-12 */
    sum += ((fl_i128)own_share * own) >> 12;
    return (int64_t)((sum + (sum < 0 ? -FL_PPM_ONE / 2 : FL_PPM_ONE / 2)) / FL_PPM_ONE);
}

/* --- ticks --------------------------------------------------------------------------------------- */

static inline void fl_tick_tell(const struct fl_tick_state *s, struct fl_outbox *out)
{
    fl_note(out, FL_RECORD_TICK, s->step, 0)[2] = s->price;
    struct fl_msg *m = fl_local(out, FL_MARKET, FL_FUNDAMENTAL);
    m->word[0] = (uint64_t)s->step;
    m->value[0] = s->price;
}

/* The clock has no cause: a tick does not descend from the tick before it. */
static inline void fl_tick_arm(fl_time tick, fl_time now, struct fl_outbox *out)
{
    fl_because(out, 0, 0, 0);
    fl_set_timer(out, FL_TICK_TIMER, (now / tick + 1) * tick - now);
}

/* Up to the tick that is due now; only the newest is news. */
static inline void fl_tick_catch_up(const struct fl_self *self, void *state, fl_time now,
                                    fl_tick_advance *advance, struct fl_outbox *out)
{
    const struct fl_tick_terms *terms = self->params;
    struct fl_tick_state *s = state;
    const int64_t due = now / terms->tick;
    if (s->step < due) {
        while (s->step < due) {
            s->step++;
            advance(self, state);
            FL_ASSERT(fl_price_plausible(s->price));
        }
        fl_tick_tell(s, out);
    }
    fl_tick_arm(terms->tick, now, out);
}

/* The step of a source. */
static inline void fl_tick_step(const struct fl_self *self, void *state, const struct fl_event *in,
                                fl_tick_advance *advance, struct fl_outbox *out)
{
    const struct fl_tick_terms *terms = self->params;
    switch (in->kind) {
    case FL_START:
        fl_tick_tell(state, out);
        fl_tick_arm(terms->tick, in->now, out);
        return;
    case FL_TIMER:
        if (in->timer == FL_TICK_TIMER) fl_tick_catch_up(self, state, in->now, advance, out);
        return;
    case FL_RECOVER: /* after a crash the timer is gone */
        fl_tick_catch_up(self, state, in->now, advance, out);
        return;
    case FL_MSG:
    case FL_CALL:
    case FL_EXECUTED:
    case FL_OVERHEARD:
        return;
    }
}

/* --- parameters ---------------------------------------------------------------------------------- */

static inline const char *fl_tick_check(const struct fl_tick_terms *terms)
{
    int64_t squares = 0;
    for (uint32_t i = 0; i < terms->loadings.count; i++) {
        const int64_t factor = terms->loadings.at[i][0], loading = terms->loadings.at[i][1];
        if (factor < 0 || factor > FL_FACTOR_MAX)
            return "the factors of loadings are numbered from 0 to 65535";
        squares += loading * loading; /* at most 65536 * 10^12 < 2^63 */
    }
    return squares > FL_PPM_ONE * FL_PPM_ONE ? "the squares of loadings add up to more than 1"
                                             : NULL;
}

/* clang-format off */
#define FL_TICK_ROWS(params)                                                                     \
    {.key = "tick_ms",                                                                           \
     .type = FL_DECIMAL,                                                                         \
     .digits = 6,                                                                                \
     .offset = offsetof(params, terms.tick),                                                     \
     .min = FL_MILLISECOND,                                                                      \
     .max = FL_TICK_MAX,                                                                         \
     .fallback = "1000",                                                                         \
     .doc = "time between two prices, in milliseconds"},                                         \
    {.key = "loadings",                                                                          \
     .type = FL_POINTS,                                                                          \
     .digits = 0,                                                                                \
     .digits_y = 6,                                                                              \
     .offset = offsetof(params, terms.loadings),                                                 \
     .min = -FL_PPM_ONE,                                                                         \
     .max = FL_PPM_ONE,                                                                          \
     .fallback = "[]",                                                                           \
     .doc = "correlation, as [[factor, loading], ...]: sources with equal ticks share factors, " \
            "and two of them correlate by the sum of the products of their loadings; squares "   \
            "add up to at most 1, the rest is the source's own"}
/* clang-format on */

#endif
