/* What a command line says, and how it is read: the same option means the same to every command. Which
 * options a command takes is in sim/main.c. */
#ifndef FL_OPTIONS_H
#define FL_OPTIONS_H
#include "sim/explore.h"

#include <argp.h> /* needs _GNU_SOURCE */

enum { FL_OVERRIDES_MAX = 256, FL_ARGUMENTS_MAX = 256 };

/* Text is lent from the command line, NULL if it is not given. */
struct fl_options {
    const char *argument[FL_ARGUMENTS_MAX];
    size_t arguments;
    const char *override[FL_OVERRIDES_MAX];
    size_t overrides;
    const char *directory, *format, *keep, *metric, *replay, *sweep, *as, *low, *high, *tolerance,
        *above, *share, *of, *from, *to;
    struct fl_bounds bounds;
    double alpha;    /* 0: not given */
    double at, span; /* seconds, negative: not given */
    uint64_t seed;
    uint32_t jobs, runs, shard, shards, slurm, replicates, orders; /* 0: not given */
    uint32_t order;
    bool has_seed, json, resolved, quiet, resume, dry_run;
};

/* Nothing is given. */
struct fl_options fl_options_new(void);

/* Of argp, with a struct fl_options as its input: ends the program with one line about what is wrong. */
error_t fl_options_parse(int key, char *value, struct argp_state *state);

enum {
    FL_KEY_SET = 256,
    FL_KEY_SEED,
    FL_KEY_JSON,
    FL_KEY_RESOLVED,
    FL_KEY_FORMAT,
    FL_KEY_SWEEP,
    FL_KEY_JOBS,
    FL_KEY_RESUME,
    FL_KEY_SHARD,
    FL_KEY_DRY_RUN,
    FL_KEY_SLURM,
    FL_KEY_KEEP,
    FL_KEY_RUNS,
    FL_KEY_DEPTH,
    FL_KEY_STATES,
    FL_KEY_DROPS,
    FL_KEY_TIMEOUTS,
    FL_KEY_EVERY_ORDER,
    FL_KEY_REPLAY,
    FL_KEY_METRIC,
    FL_KEY_ALPHA,
    FL_KEY_AS,
    FL_KEY_REPLICATES,
    FL_KEY_ORDERS,
    FL_KEY_LOW,
    FL_KEY_HIGH,
    FL_KEY_TOLERANCE,
    FL_KEY_ABOVE,
    FL_KEY_SHARE,
    FL_KEY_AT,
    FL_KEY_FOR,
    FL_KEY_ORDER,
    FL_KEY_OF,
    FL_KEY_FROM,
    FL_KEY_TO
};

#define FL_OPTION_SET                                                         \
    {                                                                         \
        "set", FL_KEY_SET, "PATH=VALUE", 0,                                   \
            "Replace one value of the scenario, such as "                     \
            "faults.stuck.enabled=false; may be repeated, the last one wins", \
            0                                                                 \
    }
#define FL_OPTION_SEED                                                                         \
    {                                                                                          \
        "seed", FL_KEY_SEED, "N", 0, "Seed of every random draw, instead of the scenario's", 0 \
    }

#endif
