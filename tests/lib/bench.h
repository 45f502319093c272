/* What the programs of tests/bench share. Each measurement runs in a process of its own, so that no
 * run finds the memory that another left; each figure is the median of FL_BENCH_REPEATS of them. Time is
 * processor time of the one thread there is: the wall clock's on a quiet machine, and less wrong on
 * another. Nothing here passes or fails. */
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
/* Processor time of this process, seconds. */
double fl_bench_now(void);
/* First line of a program: what is measured, and the command. */
void fl_bench_title(const char *what, const char *command);

/* A scenario: n members run PBFT for so many seconds over lognormal delays. A reporter hands in a
 * transaction each 100 ms, faster than blocks come; a block takes one. The last member is down for
 * the last hundredth of the run. Valid until the next call. */
const char *fl_bench_pbft(uint32_t n, const char *seconds, const char *detail);

#endif
