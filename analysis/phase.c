/* The phase diagram: a metric of a sweep over two numbers, as colours on a map.
 *
 * Each cell of the map is a point of the plan: its colour is the mean over the seeds. The thick line is the
 * border: on one side of it, in each column, half of the seeds or more end with the metric above 0. It steps along
 * the cells, because nothing was run between them; thin lines are the ends of its 95 % interval. If one axis
 * counts the faulty members of a consensus, a dashed line marks n/3, at which agreement may end (Bracha and
 * Toueg 1985; n of the scenario). Beside and below the map are three of its columns and three of its rows, with
 * intervals of the mean.
 *
 * C decides what depends on the numbers and says it in words; how it looks is in analysis/phase.gp. */
#include "analysis/figure.h"
#include "analysis/gnuplot.h"
#include "analysis/phase_figure.h"
#include "sim/alloc.h"

#include <stdio.h>
#include <stdlib.h>

enum { FAILED = 3 };

static int draw(const struct fl_plot *plot, char *path_out, size_t bytes)
{
    struct fl_phase *phase = fl_alloc(1, sizeof *phase);
    int status = fl_phase_read(plot->folder[0], plot->metric, phase);
    if (status == 0) {
        fl_phase_cut(phase);
        fl_phase_say(phase);
        const bool drawn = fl_phase_write(phase, plot->directory) &&
                           fl_gnuplot(plot->directory, "phase", plot->format);
        status = drawn ? 0 : FAILED;
    }
    if (status == 0) {
        snprintf(path_out, bytes, "%s/phase.%s", plot->directory, plot->format);
    }
    if (status == 0 && phase->missing > 0) {
        fprintf(stderr, "faultline: %s: %zu of %zu runs did not end well and are left out\n",
                plot->folder[0], phase->missing, phase->runs);
    }
    fl_phase_free(phase);
    free(phase);
    return status;
}

const struct fl_figure_kind fl_figure_phase = {
    .name = "phase",
    .doc = "phase diagram of a sweep over two numbers: a metric's mean in each cell, and the "
           "border beyond which half of the seeds have it above 0",
    .least = 1,
    .most = 1,
    .takes = FL_TAKES_METRIC,
    .draw = draw};
