/* Writes sim/law_table.inc, the quantiles of the normal law that sim/law.c interpolates:
 *
 *   cc -std=c11 tests/lib/make_law_table.c -lgsl -lgslcblas -lm -o make_law_table
 *   ./make_law_table > sim/law_table.inc
 *
 * Wichura's AS 241 (gsl_cdf_ugaussian_Pinv) gives the start; Newton's method on erfc in long
 * double the rest, to 1e-18: far below the 2^-41 at which a figure is rounded. */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>

#define OCTAVES 64
#define CELLS 32
#define Q40 0x1p40L
#define NEWTON_STEPS 4

static const long double pi = 3.141592653589793238462643383279502884L;

static long double density(long double z)
{
    return expl(-z * z / 2) / sqrtl(2 * pi);
}

static long double lower_tail(long double z)
{
    return erfcl(-z / sqrtl(2)) / 2;
}

static long double quantile(long double p)
{
    if (p == 0.5L) {
        return 0;
    }
    long double z = gsl_cdf_ugaussian_Pinv((double)p);
    for (int i = 0; i < NEWTON_STEPS; i++) {
        z -= (lower_tail(z) - p) / density(z);
    }
    return z;
}

int main(void)
{
    printf("/* Made by tests/lib/make_law_table.c; do not edit. Row 33 o + c, for octave\n"
           " * o = 0..63 and node c = 0..32, belongs to probability p = 2^(o-65) (1 + c/32):\n"
           " * the normal quantile z(p) and its slope per cell, z'(p) 2^(o-65) / 32, in Q40. */\n");
    for (int octave = 0; octave < OCTAVES; octave++) {
        for (int node = 0; node <= CELLS; node++) {
            const long double p = ldexpl(1 + (long double)node / CELLS, octave - 65);
            const long double z = quantile(p);
            const long double slope = ldexpl(1, octave - 65) / CELLS / density(z);
            printf("{%lld, %lld},%s", llroundl(z * Q40), llroundl(slope * Q40),
                   node % 3 == 2 ? "\n" : " ");
        }
    }
    return 0;
}
