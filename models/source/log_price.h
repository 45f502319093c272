/* A price as the logarithm of its ratio to the first one: what sources with returns have in common.
 *
 * The logarithm is in Q8.56 and each step adds to it with a rounding to nearest, so that n steps are
 * off by at most n 2^-54 (tested against long double: 10^6 steps by 5e-11 at most). The price is
 * taken from it afresh each time, within 2^-33 + 4e-10 relative and its rounding, which never add up.
 *
 * A price stays above 0 and at most FL_PRICE_MAX: a step that would lead out ends at the bound, and
 * the next one starts there.
 *
 * A year is 365 days: markets of this kind do not close. */
#ifndef FL_SOURCE_LOG_PRICE_H
#define FL_SOURCE_LOG_PRICE_H
#include "models/source/tick.h"

#define FL_Q56_ONE (INT64_C(1) << 56)
#define FL_YEAR (365 * 86400 * FL_SECOND)

/* --- fixed point --------------------------------------------------------------------------------- */

/* floor(sqrt(a)); as fl_isqrt. */
static inline uint64_t fl_isqrt_wide(fl_u128 a)
{
    if (a >> 64 == 0) return fl_isqrt((uint64_t)a);
    FL_ASSERT(a >> 126 == 0); /* the start below is then above the root, and in range */
    const int bits = 128 - __builtin_clzll((uint64_t)(a >> 64));
    fl_u128 root = (fl_u128)1 << ((bits + 1) / 2);
    for (;;) {
        const fl_u128 next = (root + a / root) / 2;
        if (next >= root) return (uint64_t)root;
        root = next;
    }
}

/* a / 2^bits, to nearest. */
static inline fl_i128 fl_drop_bits(fl_i128 a, int bits)
{
    return (a + ((fl_i128)1 << (bits - 1))) >> bits;
}

/* A rate per year, in 1 / scale, as what falls to one tick: Q56, to nearest. Rates are below 2^28
 * and ticks below 2^42, so that the product fits. */
static inline int64_t fl_per_tick_q56(int64_t rate, int64_t scale, fl_time tick)
{
    FL_ASSERT(fl_abs(rate) < INT64_C(1) << 28 && tick <= FL_TICK_MAX);
    const fl_i128 product = (fl_i128)rate * tick * FL_Q56_ONE, unit = (fl_i128)scale * FL_YEAR;
    return (int64_t)((product + (product < 0 ? -unit / 2 : unit / 2)) / unit);
}

/* A volatility (10^-6 per sqrt(year)) as the standard deviation of one tick: Q56. The root has 45
 * bits or more. */
static inline int64_t fl_deviation_q56(int64_t volatility, fl_time tick)
{
    const fl_u128 share_q124 = (((fl_u128)tick << 80) / (fl_u128)FL_YEAR) << 44;
    const uint64_t root_q62 = fl_isqrt_wide(share_q124);
    const fl_i128 deviation_q62 = (fl_i128)volatility * root_q62 / FL_PPM_ONE;
    return (int64_t)fl_drop_bits(deviation_q62, 6);
}

/* --- the price ----------------------------------------------------------------------------------- */

struct fl_log_price {
    struct fl_tick_state tick; /* first: see tick.h */
    int64_t start;             /* 10^-6 USD */
    int64_t log_q56;           /* ln(price / start) */
    int64_t low_q56, high_q56; /* its bounds */
};

/* ln of a whole number: fl_log_q32 reads it as that many 2^-32. */
static inline int64_t fl_log_whole_q56(int64_t whole)
{
    return (fl_log_q32(whole) + 32 * FL_LN2_Q32) * (FL_Q56_ONE / FL_Q32_ONE);
}

static inline void fl_log_price_init(struct fl_log_price *p, int64_t start)
{
    FL_ASSERT(fl_price_plausible(start));
    p->tick.price = p->start = start;
    p->low_q56 = -fl_log_whole_q56(start);
    p->high_q56 = fl_log_whole_q56(FL_PRICE_MAX) + p->low_q56;
}

/* By a log return in Q56. */
static inline void fl_log_price_move(struct fl_log_price *p, fl_i128 return_q56)
{
    const fl_i128 log = p->log_q56 + return_q56;
    p->log_q56 = log < p->low_q56 ? p->low_q56 : log > p->high_q56 ? p->high_q56 : (int64_t)log;
    const int64_t price = fl_scale_exp(p->start, (int64_t)fl_drop_bits(p->log_q56, 56 - 32));
    p->tick.price = fl_clamp(price, 1, FL_PRICE_MAX);
}

/* --- parameters ---------------------------------------------------------------------------------- */

/* What every source of returns asks for, after its ticks. */
struct fl_log_terms {
    int64_t start;      /* 10^-6 USD */
    int64_t drift;      /* 10^-6 per year */
    int64_t volatility; /* 10^-6 per sqrt(year) */
};

#define FL_DRIFT_MAX INT64_C(100000000)
#define FL_VOLATILITY_MAX INT64_C(10000000)

/* clang-format off */
#define FL_LOG_ROWS(params, drift_doc, volatility_doc)       \
    {.key = "start_usd",                                     \
     .type = FL_DECIMAL,                                     \
     .digits = 6,                                            \
     .offset = offsetof(params, log.start),                  \
     .min = 1,                                               \
     .max = FL_PRICE_MAX,                                    \
     .doc = "the price at second 0"},                        \
    {.key = "drift",                                         \
     .type = FL_DECIMAL,                                     \
     .digits = 6,                                            \
     .offset = offsetof(params, log.drift),                  \
     .min = -FL_DRIFT_MAX,                                   \
     .max = FL_DRIFT_MAX,                                    \
     .fallback = "0",                                        \
     .doc = drift_doc},                                      \
    {.key = "volatility",                                    \
     .type = FL_DECIMAL,                                     \
     .digits = 6,                                            \
     .offset = offsetof(params, log.volatility),             \
     .min = 0,                                               \
     .max = FL_VOLATILITY_MAX,                               \
     .doc = volatility_doc}
/* clang-format on */

#endif
