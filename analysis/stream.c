/* A gsl_rng_type over sim/rng.h. */
#include "analysis/stream.h"

#include "sim/alloc.h"
#include "sim/rng.h"

_Static_assert(sizeof(unsigned long) == sizeof(uint64_t), "GSL's integers hold a draw");

struct stream {
    uint64_t seed, owner, step;
};

static uint64_t next(void *state)
{
    struct stream *stream = state;
    return fl_draw(stream->seed, FL_RNG_ANALYSIS, stream->owner, stream->step++, 0);
}

static void set(void *state, unsigned long seed)
{
    struct stream *stream = state;
    stream->seed = seed;
    stream->step = 0;
}

static unsigned long get(void *state)
{
    return next(state);
}

/* In [0, 1): the upper 53 bits, all that a double holds. */
static double get_double(void *state)
{
    return (double)(next(state) >> 11) * 0x1p-53;
}

static const gsl_rng_type type = {.name = "faultline",
                                  .max = UINT64_MAX,
                                  .min = 0,
                                  .size = sizeof(struct stream),
                                  .set = set,
                                  .get = get,
                                  .get_double = get_double};

gsl_rng *fl_stream_new(uint64_t seed, uint64_t owner)
{
    gsl_rng *rng = gsl_rng_alloc(&type);
    if (!rng) {
        fl_out_of_memory();
    }
    *(struct stream *)gsl_rng_state(rng) = (struct stream){.seed = seed, .owner = owner};
    return rng;
}
