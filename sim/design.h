/* Numbers spread over a range: evenly, by chance, by a Latin hypercube, by Sobol's sequence.
 *
 * A plan's values are decimals, so that everything here is in integers: a value is scaled by its
 * decimals, a share of the way through a range is counted in 2^-64. */
#ifndef FL_DESIGN_H
#define FL_DESIGN_H
#include "sim/base.h"

/* From one value to another, both included; on the logarithmic scale both are positive. */
struct fl_stretch {
    int64_t from, to;
    bool log;
};

/* Number `index` of `count` that divide the stretch evenly, from its first to its last value; count is
 * at least 2. Rounded to nearest; on the linear scale, where they can be, halves go away from `from`. */
int64_t fl_even_value(struct fl_stretch stretch, uint32_t index, uint32_t count);

/* The value at a share of the way; from <= to. Each value has as much of the way as the step to the next
 * one: linear, all the same, so that whole numbers are drawn without favour; logarithmic, in proportion to
 * ln((value + 1) / value). */
int64_t fl_value_at(struct fl_stretch stretch, uint64_t share);

/* One coordinate of a design, of `count` points: out[point] is the share of the way of its range, by a key
 * of the seed and `owner`, which is the coordinate's own.
 *
 * Random: the first points of a design are those of a shorter one.
 * Latin hypercube (McKay, Beckman, Conover, A comparison of three methods for selecting values of input
 * variables, Technometrics 21, 1979): one point in each of `count` equal parts of every range. */
void fl_random_shares(uint64_t seed, uint64_t owner, uint32_t count, uint64_t *out);
void fl_latin_shares(uint64_t seed, uint64_t owner, uint32_t count, uint64_t *out);

/* Sobol's sequence (GSL: Antonov and Saleev's order, Bratley and Fox's numbers); out[point * dimensions +
 * dimension]. GSL leaves out the first point, all zero; here it is there, since without it the first 2^k
 * points are no net (Owen, On dropping the first Sobol' point, 2020), and the start of a range is as good a
 * value as any. */
enum { FL_SOBOL_DIMENSIONS = 40 };
void fl_sobol_shares(uint32_t dimensions, uint32_t count, uint64_t *out);

#endif
