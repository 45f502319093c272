/* A plan of runs: one scenario, some of its values varied, each point with several seeds.
 *
 *     {"name": "outage-minutes", "why": "...", "scenario": "../eth-crash-2020-03-12.json",
 *      "axes": [{"path": "faults.oracle-stuck.to_s", "values": [36300, 36600]}, ...],
 *      "replicates": 5, "seed": 1, "metrics": ["ledger.bad_debt", "checks.solvency"]}
 *
 * Axes. Each entry of "axes" is one dimension, and the points are the product of all dimensions, numbered
 * from 0, the first dimension slowest. A dimension sets one path of the scenario (as --set takes it), or
 * several together:
 *
 *     {"path": P, "values": [...]}      these values
 *     {"path": P, "grid": {"from": 5, "to": 1800, "count": 21, "scale": "log"}}
 *                                       evenly spaced, both ends included ("scale": "linear" if absent)
 *     {"zip": [{"path": P, "values": [...]}, {"path": Q, "grid": {...}}]}
 *                                       paths that vary together, each with as many values
 *     {"list": [{"P": 1, "Q": 2}, {"P": 3, "Q": 5}]}
 *                                       points, all of which name the same paths
 *     {"random": {"count": 100, "ranges": [{"path": P, "from": 1, "to": 9, "scale": "linear"}, ...]}}
 *     {"latin_hypercube": {...}}, {"sobol": {...}}
 *                                       a design over several ranges (sim/design.h); chance by key of the
 *                                       plan's seed, the path and the point's number in the design
 *
 * Values of grids and ranges are decimals, exact, with "decimals": d of them. Without this key a grid has
 * as many as its ends are written with, a range none if its ends have none, else as many as they are
 * written with and at least 6. No two points may be the same scenario.
 *
 * Replicates. Rows are (point, replicate). Replicate r has the same seed at every point, a function of the
 * plan's seed and r alone: points differ by what the axes say and by nothing that was drawn.
 *
 * Looks. Instead of "replicates", a rule that says how many a point needs, at most the last of the looks:
 *
 *     "looks": [30, 60, 120],
 *     "stop": {"metric": "ledger.bad_debt", "half_width": "100.0", "alpha": 0.05}
 *
 * With so many replicates done the point is looked at, and it is finished if the half-width of Student's
 * interval of the metric's mean is at most this one, in the metric's unit as people write it: USD, seconds.
 * The interval has the level 1 - alpha / looks, so that all of them together hold with 1 - alpha (Bonferroni)
 * and stopping early costs nothing. A point whose values are all the same at a look is finished: let the
 * first look be large enough for a loss to be seen. The usual alpha is 0.05. */
#ifndef FL_PLAN_H
#define FL_PLAN_H
#include "sim/alloc.h"
#include "sim/archive.h"

enum { FL_AXES_MAX = 64, FL_METRICS_MAX = 256, FL_LOOKS_MAX = 64, FL_REPLICATES_MAX = 1000000 };
#define FL_ROWS_MAX ((uint64_t)10000000)

/* A path that is varied: a column of the tables. */
struct fl_axis {
    char *path;         /* as --set takes it */
    uint32_t dimension; /* that it belongs to */
    uint32_t count;     /* of the dimension's values */
    char **override;    /* PATH=VALUE, the whole argument of --set */
    char **shown;       /* the value in tables: its text in the plan, a string without its quotes */
    int64_t *integer;   /* NULL unless all are plain integers */
};

/* A factor of the product: axes that follow one another and vary together. */
struct fl_dimension {
    const char *kind;     /* the key that says so: "values", "grid", "zip", ... */
    uint32_t first, axes; /* of plan->axis */
    uint32_t count;
};

struct fl_stop {
    uint32_t metric;    /* index */
    uint32_t alpha_ppm; /* of all looks together */
    int64_t half_width; /* in 10^-digits of the metric's unit, as runs give it */
};

struct fl_plan {
    char name[FL_NAME_MAX];
    char *why, *raw; /* raw: the plan as read */
    uint64_t seed;
    uint32_t dimension_count, axis_count, metric_count, replicates;
    uint32_t points;
    uint32_t look_count; /* 0: every point has all replicates */
    uint32_t *look;      /* ascending; the last is `replicates` */
    struct fl_stop stop;
    struct fl_dimension *dimension;
    struct fl_axis *axis;
    char **metric;          /* paths in the summary */
    enum fl_unit *unit;     /* of each metric; 0: words */
    char *scenario;         /* path, as seen from here */
    char *scenario_written; /* as the plan says it, relative to the plan */
    char *text;             /* the scenario as read */
    size_t text_bytes;
    char *resolved;   /* the scenario with every key, before any axis changes it */
    uint64_t *digest; /* [point]: fl_plan_digest, all files that are read included */
    struct fl_arena arena;
};

/* Reads a plan and checks each of its points as a scenario. Mistakes are reported like those of a
 * scenario, with file:line:column of the plan where it is at fault. NULL if there were any, or if the
 * plan could not be read (problems->count is then 0). */
struct fl_plan *fl_plan_load(const char *path, struct fl_problems *problems);
void fl_plan_free(struct fl_plan *plan);

uint64_t fl_plan_seed(const struct fl_plan *plan, uint32_t replicate);
/* Index of the value that axis `axis` has at a point: that of its dimension. */
uint32_t fl_plan_value(const struct fl_plan *plan, uint32_t point, uint32_t axis);
/* The --set arguments of a point, one for each axis. */
void fl_plan_overrides(const struct fl_plan *plan, uint32_t point,
                       const char *overrides[FL_AXES_MAX]);
/* The configuration of one row. */
struct fl_config *fl_plan_config(const struct fl_plan *plan, uint32_t point, uint32_t replicate,
                                 struct fl_problems *problems);
/* Of a configuration with all that it says but its seed, which is the row's. */
uint64_t fl_plan_digest(const struct fl_config *config);
/* The command that runs this row alone, of a scenario at this path; the caller frees it. */
char *fl_plan_replay(const struct fl_plan *plan, const char *scenario, uint32_t point,
                     uint32_t replicate);
/* A word for a shell: in single quotes unless nothing needs them. */
void fl_shell_word(FILE *out, const char *word);

/* How many replicates a point has at the first look after it had `done` of them, without looks all; 0 if
 * that was the last. */
uint32_t fl_plan_next_look(const struct fl_plan *plan, uint32_t done);
/* Whether a point that has been run as often as a look says is finished: `values` are the rule's metric in
 * the runs that ended well, `count` of them. Decided in integers but for Student's quantile, which is in
 * whole millionths and at most 1.5 of them too large. False without a rule and below two values. */
bool fl_plan_enough(const struct fl_plan *plan, const int64_t *values, uint32_t count);

#endif
