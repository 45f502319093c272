/* Two results folders side by side: shared by analysis/compare*.c, by the figure of them, and by nobody
 * else. Differences are B - A. */
#ifndef FL_COMPARE_H
#define FL_COMPARE_H
#include "analysis/analysis.h"
#include "analysis/difference.h"
#include "analysis/rows.h"
#include "analysis/shift.h"
#include "analysis/trace.h"

#include <cjson/cJSON.h>

enum { FL_SIDES = 2, FL_SIDE_TEXT = 64 };

/* --- what went in: compare_inputs.c --- */
struct fl_side {
    const char *directory;
    struct fl_trace *trace;
    char *version, *name, *seed, *content_hash;
    char *digest;    /* of a run; NULL of a sweep */
    char *overrides; /* of a run */
    char *git;       /* what it was built from, by build.json beside it; NULL: unknown */
    cJSON *scenario; /* resolved */
    cJSON *plan;     /* of a sweep */
};

/* What the same inputs owe (DESIGN, the determinism contract). */
enum fl_determinism {
    FL_OTHER_INPUTS = 1,
    FL_EQUAL_RESULTS,
    FL_BROKEN_CONTRACT /* the same inputs, other results */
};

struct fl_inputs {
    struct fl_side side[FL_SIDES];
    struct fl_differences scenario, plan;
    bool same_version, same_seed;
    enum fl_determinism determinism;
};

/* A run's folder has trace.h5, a sweep's sweep.h5. */
enum fl_folder { FL_FOLDER_RUN = 1, FL_FOLDER_SWEEP };
/* What both folders are; 0 after a line, the status in *status: one of each, or one that is neither. */
enum fl_folder fl_folders_kind(const char *const directory[FL_SIDES], int *status);

/* False after a line on stderr. Freed even then. */
bool fl_inputs_read(const char *const directory[FL_SIDES], enum fl_folder kind,
                    struct fl_inputs *inputs);
void fl_inputs_free(struct fl_inputs *inputs);
void fl_inputs_print(const struct fl_inputs *inputs);
void fl_inputs_json(const struct fl_inputs *inputs, cJSON *json);

/* --- numbers of two summaries: compare_numbers.c --- */
/* A decimal number, exactly. */
struct fl_exact {
    fl_i128 nano; /* 10^-9 */
    int digits;   /* after the point, as it was written */
};
enum { FL_EXACT_TEXT = 64 };
bool fl_exact_read(const char *text, struct fl_exact *out);
/* With commas; `sign`: with a plus if it is above 0. */
void fl_exact_text(struct fl_exact value, bool sign, char out[FL_EXACT_TEXT]);

/* A number or word that a summary says, by its path: "ledger.bad_debt", "faults.stuck.injected",
 * "checks.solvency". */
struct fl_said {
    char *path;
    char *text[FL_SIDES]; /* NULL: not there */
    bool number[FL_SIDES];
    struct fl_exact value[FL_SIDES];
};
struct fl_summaries {
    struct fl_said *at; /* in the order of A, then what B alone has */
    size_t count;
    uint32_t room;
};
void fl_summaries_read(const cJSON *a, const cJSON *b, struct fl_summaries *out);
void fl_summaries_free(struct fl_summaries *summaries);
/* NULL if neither has it. */
const struct fl_said *fl_said_find(const struct fl_summaries *summaries, const char *path);
bool fl_said_both_numbers(const struct fl_said *said);
bool fl_said_moved(const struct fl_said *said);
struct fl_exact fl_said_difference(const struct fl_said *said); /* of two numbers */

/* --- where two runs part: compare_series.c --- */
struct fl_parting {
    char *series; /* "oracle.price", "eth/market.mid" */
    char *units;
    fl_time at; /* the first sample that differs */
    int64_t value[FL_SIDES];
    bool of_check; /* published by a check, which looks on: it may differ where the runs do not */
};
struct fl_partings {
    struct fl_parting *at; /* the earliest first, those of checks after all others */
    size_t count;
    size_t shared, alone[FL_SIDES]; /* series that both have, that one has */
    size_t samples;                 /* taken at the same time in both */
    fl_time step, until;            /* between samples; the last one of both */
};
/* False after a line. Freed even then. */
bool fl_partings_find(const struct fl_inputs *inputs, struct fl_partings *out);
void fl_partings_free(struct fl_partings *partings);
/* "oracle.price at 10:00:20: $169.21 against $168.60". */
enum { FL_PARTING_TEXT = 320 };
void fl_parting_text(const struct fl_parting *parting, char out[FL_PARTING_TEXT]);
/* "10:00:20", with milliseconds only if there are any. */
void fl_moment(fl_time at, char out[FL_SIDE_TEXT]);

/* compare_runs.c: the whole of it for two runs. Exit status. */
int fl_compare_runs(const struct fl_compare *job);

/* --- points of two sweeps: compare_points.c --- */
struct fl_grid {
    struct fl_rows rows;
    size_t *first; /* [point]: where its runs begin in the columns, which have rows.count values */
    int64_t *seed; /* the bits of an unsigned one */
};
enum { FL_NO_PARTNER = -1 };
struct fl_match {
    size_t point[FL_SIDES];
    int64_t *partner; /* [run of A]: the run of B with the same seed, or FL_NO_PARTNER */
    size_t common;    /* runs that have one */
};
/* One metric at one point. */
struct fl_move {
    const char *metric, *unit; /* lent */
    size_t match;              /* which pair of points */
    double mean[FL_SIDES];     /* of the runs that were compared */
    size_t count[FL_SIDES];    /* their number; of pairs the same */
    struct fl_shift shift;
    double adjusted; /* p, by Holm over all metrics and points; NAN if it cannot be told */
    bool moved;      /* adjusted <= alpha */
};
/* A metric of words at one point: in how many pairs of runs it is another word. */
struct fl_reworded {
    const char *metric;
    size_t match, pairs, differ;
    char example[FL_SIDES][FL_SIDE_TEXT]; /* of the first pair that differs */
};
struct fl_matched {
    struct fl_grid grid[FL_SIDES];
    struct fl_match *match;
    size_t matches, alone[FL_SIDES];
    bool paired;          /* by seed; else all runs of one against all of the other */
    size_t common_seeds;  /* of the first point that both have */
    struct fl_move *move; /* the most significant first */
    size_t moves, moved, constant, same, cannot_tell;
    struct fl_reworded *word;
    size_t words;
    size_t
        not_ended[FL_SIDES]; /* cells of metrics that have no number: their runs did not end well */
    double alpha;            /* that anything is called moved that is not */
    /* Plans with looks (sim/plan.h) stop when the runs suggest it: each p counts, and each interval misses,
     * that many times less often (Bonferroni), the looks of A times those of B. */
    size_t looks;
};
/* `metric`: NULL for all. 0, else the exit status after a line. Freed even then. */
int fl_matched_compare(const struct fl_inputs *inputs, const char *metric, double alpha,
                       struct fl_matched *out);
void fl_matched_free(struct fl_matched *points);
/* Six significant digits, whole numbers in full. */
void fl_number_short(double value, bool sign, char out[FL_SIDE_TEXT]);

/* compare_match.c: fills `match` from the grids. 0, else the exit status after a line. */
int fl_points_match(const struct fl_inputs *inputs, struct fl_matched *out);
/* "to_s 36600, margin 0.3"; "the only point" without axes. */
enum { FL_POINT_TEXT = 160 };
void fl_point_text(const struct fl_rows *rows, size_t point, char out[FL_POINT_TEXT]);

/* compare_sweeps.c: the whole of it for two sweeps. Exit status. */
int fl_compare_sweeps(const struct fl_compare *job);

#endif
