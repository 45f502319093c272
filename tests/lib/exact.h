/* The slow obvious twin of exact arithmetic: GMP's unbounded integers, one division, one rounding. */
#ifndef TESTS_EXACT_H
#define TESTS_EXACT_H
#include "sim/wide.h"

#include <gmp.h>

enum fl_exact_way { FL_EXACT_FLOOR = 1, FL_EXACT_CEIL, FL_EXACT_TRUNC };

/* a * b * c / d, rounded. The result must fit. */
fl_i128 fl_exact(enum fl_exact_way way, fl_i128 a, fl_i128 b, fl_i128 c, fl_i128 d);
/* Into an initialised number, and back. */
void fl_exact_set(mpz_t to, fl_i128 from);
void fl_exact_set_wide(mpz_t to, const struct fl_wide *from);
fl_i128 fl_exact_get(const mpz_t from);

/* SplitMix64 (Steele, Lea, Flood 2014). */
uint64_t fl_exact_random(uint64_t *state);
/* From 0 to `most`, in magnitudes of every size. */
int64_t fl_exact_random_up_to(uint64_t *state, int64_t most);
/* The same with either sign; and 0 to 127 bits with either sign. */
int64_t fl_exact_random_signed(uint64_t *state, int64_t most);
fl_i128 fl_exact_random_i128(uint64_t *state);

#endif
