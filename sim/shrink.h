/* From a failing scenario to the smallest one that still fails, saved with an explanation.
 *
 * A run fails if an expectation of its scenario is not met, if a check is broken, or if it crashes. The
 * first of these is the failure that the search (sim/shrink_steps.h) keeps, unless `keep` names another.
 * What is saved is an ordinary scenario with that one expectation and the seed, so that `faultline run`
 * ends with status 1 again, and a `why` that says what fails, what was left out and why each fault that
 * is left is needed. If a run crashes on the way, which is a fault of our own, its scenario is saved beside
 * that as NAME-crash.json. */
#ifndef FL_SHRINK_H
#define FL_SHRINK_H
#include "sim/base.h"

struct fl_shrink {
    const char *path;
    const char *const *override; /* --set arguments */
    size_t override_count;
    const uint64_t *seed; /* NULL: the scenario's */
    const char *keep;   /* path in the summary of what must go on failing; NULL: what fails first */
    const char *output; /* path of the file; NULL: NAME-shrunk.json in the folder one is in */
    uint32_t runs;      /* at most */
    bool json, quiet;
};
enum { FL_SHRINK_RUNS = 2000 };

/* Exit status: 0 a smallest one was found and saved; 1 the scenario does not fail; 2 it is none, or has
 * nothing called `keep`; 3 input or output failed. */
int fl_shrink(const struct fl_shrink *shrink);

#endif
