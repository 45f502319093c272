/* Random numbers for GSL from the project's own draws: resampling is repeatable, and shares no draw
 * with a run (FL_RNG_ANALYSIS). Nothing of GSL's environment variables is read. */
#ifndef FL_STREAM_H
#define FL_STREAM_H
#include <gsl/gsl_rng.h>
#include <stdint.h>

/* Stream `owner` of a seed: draw k is the function fl_draw of (seed, owner, k). Streams of different
 * owners share nothing. Freed with gsl_rng_free. gsl_rng_set begins anew with another seed and the same
 * owner. */
gsl_rng *fl_stream_new(uint64_t seed, uint64_t owner);

#endif
