/* What becomes of an archive: reports and statistics; pictures are in figure.h. Reads results folders
 * only, never a model.
 *
 * Problems are one line on stderr; 0: done, 2: what was asked for is not there, 3: input or output
 * failed. */
#ifndef FL_ANALYSIS_H
#define FL_ANALYSIS_H
#include <stdbool.h>
#include <stddef.h>

/* Prints what the replicates of each point of a sweep say: mean, median, value at risk and expected
 * shortfall at 95 and 99 %, how often the metric is above 0, and the difference to the first point
 * between runs of the same seed; of a sweep over one axis of numbers, where half of the seeds begin to be
 * above 0, and by a logistic curve (analysis/threshold.h) where half, a tenth and nine tenths are. Runs that
 * did not end well are left out, which is said on stderr. */
struct fl_stats {
    const char *directory; /* of sweep.h5 */
    const char *metric;    /* NULL: all that are numbers */
    double alpha;          /* what an interval may miss, above 0 and below 1 */
    bool json;
};
int fl_stats(const struct fl_stats *stats);

/* Prints, of one run, which faults its losses lead back to and which stood in the way of the
 * liquidations that would have stopped them (analysis/blame.h), in dollars that add up to the run's
 * deficit, and the chain of causes from each fault to the largest deficit that descends from it. 2: the
 * trace holds no events. */
struct fl_explain {
    const char *directory; /* of trace.h5 */
    bool json;
};
int fl_explain(const struct fl_explain *job);

/* Prints in what two results folders differ, and what moved between them: B - A.
 *
 * Two runs: every number of their summaries, to the last unit, who bore the losses, and the first
 * sample at which their series part. One seed each gives no interval. Two sweeps: the difference of each
 * metric at each point that both have, between runs of the same seed, and which of them moved beyond
 * noise (analysis/shift.h). A run and a sweep: 2. Whether they differ is no matter of the status. */
struct fl_compare {
    const char *directory[2]; /* A, B */
    const char *metric; /* NULL: everything; of runs, a path in the summary or its first words */
    double alpha;       /* above 0 and below 1; how often all that is called moved may be wrong */
    bool json;
};
int fl_compare(const struct fl_compare *job);

/* Prints what `faultline rank` has run: each part of the system by what its loss costs, with intervals,
 * which are single points of failure, and how many change nothing. */
struct fl_ranking_table {
    const char *directory; /* of contingencies.json and sweep.h5 */
    double alpha;
    bool json;
};
int fl_ranking(const struct fl_ranking_table *table);

/* Writes DIRECTORY/report.md. */
int fl_report_write(const char *directory);

/* Writes what the archive DIRECTORY/trace.h5 holds in another format:
 *
 *   csv     a file for each dataset, and columns.csv, which describes all columns
 *   raw     a file of 64-bit little-endian rows for each dataset, and a gnuplot script that reads it
 *   jsonl   records, one JSON object a line, in the order of time
 *   chrome  the timeline as Chrome trace-event JSON
 *
 * Amounts and times are exact decimal text everywhere but in `raw`. The same archive gives the same
 * bytes. Files get their names when all are complete. 2: no such format or dataset. */
struct fl_export {
    const char *directory, *format;
    const char *output; /* folder (csv, raw) or file (jsonl, chrome); NULL: in DIRECTORY */
    /* Such as "series", "faults", "liquidation", or "events" for all kinds of records; none:
     * everything. */
    const char *const *dataset;
    size_t count;
};
int fl_export(const struct fl_export *job, char *path_out, size_t bytes);

#endif
