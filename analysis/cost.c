/* What faults cost: several runs that differ in their faults only, and a sweep over the length of one
 * of these faults, in one figure under one sentence that is computed from them.
 *
 * Panel a: the true price and each run's oracle. b: dollars liquidated, and on top of them what is
 * due. c: who bore each run's losses. d: mean loss against the length of the fault, with what lies
 * between 5 and 95 % of the seeds, and the minute at which the insurance fund is used up; the second
 * curve has one value of the scenario changed, the mitigation.
 *
 * C decides what depends on the numbers and says it in words; how it looks is in analysis/cost.gp. */
#include "analysis/cost_figure.h"
#include "analysis/figure.h"
#include "analysis/gnuplot.h"
#include "sim/alloc.h"

#include <stdlib.h>

enum { FAILED = 3 };

static bool comparable(const struct fl_cost *cost, const char *const directory[], const char *sweep)
{
    char part[FL_COST_TEXT];
    const cJSON *first = cost->run[0].scenario;
    for (size_t i = 1; i < cost->runs; i++) {
        if (fl_cost_difference(first, cost->run[i].scenario, false, part)) {
            fprintf(stderr,
                    "faultline: %s and %s differ in \"%s\"; runs of this figure may differ in "
                    "their faults only\n",
                    directory[0], directory[i], part);
            return false;
        }
    }
    if (fl_cost_difference(first, cost->sweep.scenario, true, part)) {
        fprintf(stderr,
                "faultline: %s is a sweep of another scenario: it differs from %s in \"%s\"\n",
                sweep, directory[0], part);
        return false;
    }
    return true;
}

static bool read_all(struct fl_cost *cost, const char *const directory[], size_t count,
                     const char *sweep)
{
    for (; cost->runs < count; cost->runs++) {
        if (!fl_cost_read_run(directory[cost->runs], &cost->run[cost->runs])) {
            fl_cost_free_run(&cost->run[cost->runs]);
            return false;
        }
    }
    return fl_cost_read_sweep(sweep, &cost->sweep) && comparable(cost, directory, sweep);
}

static int draw_cost(const struct fl_plot *plot, char *path_out, size_t bytes)
{
    struct fl_cost *cost = fl_alloc(1, sizeof *cost);
    bool ok = read_all(cost, plot->folder, plot->count, plot->sweep);
    if (ok) {
        fl_cost_say(cost);
        ok = fl_cost_write(cost, plot->directory) &&
             fl_gnuplot(plot->directory, "cost", plot->format);
    }
    if (ok) {
        snprintf(path_out, bytes, "%s/cost.%s", plot->directory, plot->format);
    }
    for (size_t i = 0; i < cost->runs; i++) {
        fl_cost_free_run(&cost->run[i]);
    }
    fl_cost_free_sweep(&cost->sweep);
    free(cost);
    return ok ? 0 : FAILED;
}

const struct fl_figure_kind fl_figure_cost = {
    .name = "cost",
    .doc = "what faults cost: runs that differ in their faults only, and a sweep over the length "
           "of one",
    .least = 1,
    .most = FL_COST_RUNS,
    .takes = FL_TAKES_SWEEP,
    .draw = draw_cost};
