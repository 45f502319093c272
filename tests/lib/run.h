/* A scenario run in one call, for tests. */
#ifndef TESTS_RUN_H
#define TESTS_RUN_H
#include "sim/world.h"

/* All of a finished run. `result` lives in `world`, which needs `config`. */
struct fl_test_run {
    struct fl_config *config;
    struct fl_world *world;
    const struct fl_result *result;
};

/* Parses, runs and reads. Mistakes of the scenario are printed on stderr and fail the test. `seed`
 * replaces the scenario's; "extends" in the text is relative to scenarios/. */
struct fl_test_run fl_test_run(const char *scenario_text, const char *const *overrides,
                               size_t count, uint64_t seed);
/* The same from a file; tests run in the root of the repository. */
struct fl_test_run fl_test_run_file(const char *path, const char *const *overrides, size_t count,
                                    uint64_t seed);
void fl_test_run_free(struct fl_test_run *run);

/* Verdict of the check of that name; the test fails if the scenario has none. */
const struct fl_verdict *fl_test_verdict(const struct fl_test_run *run, const char *check);
/* Final value of an observable; the test fails if nothing in the scenario publishes it. */
int64_t fl_test_final(const struct fl_test_run *run, const char *observable);

#endif
