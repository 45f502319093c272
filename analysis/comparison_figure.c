/* The comparison: two runs over the same axes, or what two sweeps differ by at each point.
 *
 * Of two runs: prices, liquidations and losses of A and B over the hours in which they part, who bore
 * the losses, and in what the scenarios differ. Of two sweeps: the difference of one metric at
 * every point that both have, with its interval, between runs of the same seed; full dots are beyond
 * noise, all of them together (analysis/shift.h).
 *
 * C decides what depends on the numbers; how it looks is in comparison.gp and comparison_sweeps.gp. */
#include "analysis/comparison.h"
#include "analysis/gnuplot.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <stdlib.h>

enum { EXIT_IO = 3 };

static int draw_runs(const struct fl_plot *plot)
{
    struct fl_comparison *comparison = fl_alloc(1, sizeof *comparison);
    int status = fl_comparison_read(plot, comparison);
    if (status == 0) {
        fl_comparison_say(comparison);
        const bool ok = fl_comparison_write(comparison, plot->directory) &&
                        fl_gnuplot(plot->directory, "comparison", plot->format);
        status = ok ? 0 : EXIT_IO;
    }
    fl_comparison_free(comparison);
    free(comparison);
    return status;
}

static int draw(const struct fl_plot *plot, char *path_out, size_t bytes)
{
    const char *const directory[FL_SIDES] = {plot->folder[0], plot->folder[1]};
    int status = 0;
    switch (fl_folders_kind(directory, &status)) {
    case FL_FOLDER_RUN:
        status = draw_runs(plot);
        break;
    case FL_FOLDER_SWEEP:
        status = fl_comparison_of_sweeps(plot);
        break;
    }
    if (status == 0) {
        fl_say(path_out, bytes, "%s/comparison.%s", plot->directory, plot->format);
    }
    return status;
}

const struct fl_figure_kind fl_figure_comparison = {
    .name = "comparison",
    .doc = "two runs over the same axes, or differences between two sweeps with intervals",
    .least = FL_SIDES,
    .most = FL_SIDES,
    .takes = FL_TAKES_METRIC,
    .draw = draw};
