/* What the programs of tests/bench share. Each measurement runs in a process of its own, so that no
 * run finds the memory that another left; each figure is the median of FL_BENCH_REPEATS of them. Wall
 * clock: run on a quiet machine. Nothing here passes or fails. */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H
#include <stdint.h>

enum { FL_BENCH_REPEATS = 5, FL_BENCH_COUNTS = 4 };

/* One measurement. */
struct fl_bench {
    double seconds;
    double peak_mib;                 /* of the whole process; filled in by fl_bench_median */
    uint64_t count[FL_BENCH_COUNTS]; /* the same in each repetition, whatever they mean */
};

/* Runs `measure` FL_BENCH_REPEATS times: median seconds and median peak, counts of the first.
 * Counts that differ between two repetitions end the program: a run is a function of its input. */
struct fl_bench fl_bench_median(struct fl_bench (*measure)(const void *), const void *what);
/* Monotonic. */
double fl_bench_now(void);
/* First line of a program: what is measured, and the command. */
void fl_bench_title(const char *what, const char *command);

#endif
