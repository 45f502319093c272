/* Most options are a word, a flag or a number, and lie in tables; the others are read one by one. */
#define _GNU_SOURCE /* argp */
#include "sim/options.h"

#include "sim/plan.h"
#include "sim/sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define AT(member) offsetof(struct fl_options, member)

static const struct {
    int key;
    size_t offset; /* of a const char * */
} words[] = {
    {'o', AT(directory)},        {FL_KEY_FORMAT, AT(format)},
    {FL_KEY_SWEEP, AT(sweep)},   {FL_KEY_REPLAY, AT(replay)},
    {FL_KEY_METRIC, AT(metric)}, {FL_KEY_AS, AT(as)},
    {FL_KEY_KEEP, AT(keep)},     {FL_KEY_LOW, AT(low)},
    {FL_KEY_HIGH, AT(high)},     {FL_KEY_TOLERANCE, AT(tolerance)},
    {FL_KEY_ABOVE, AT(above)},   {FL_KEY_SHARE, AT(share)},
    {FL_KEY_OF, AT(of)},         {FL_KEY_FROM, AT(from)},
    {FL_KEY_TO, AT(to)},
};
static const struct {
    int key;
    size_t offset; /* of a bool */
} flags[] = {
    {'q', AT(quiet)},
    {FL_KEY_JSON, AT(json)},
    {FL_KEY_RESOLVED, AT(resolved)},
    {FL_KEY_RESUME, AT(resume)},
    {FL_KEY_DRY_RUN, AT(dry_run)},
    {FL_KEY_EVERY_ORDER, AT(bounds.every_order)},
};
static const struct {
    int key;
    const char *name;
    size_t offset; /* of a uint32_t */
    uint32_t least, most;
    const char *expected;
} numbers[] = {
    {FL_KEY_JOBS, "jobs", AT(jobs), 1, FL_JOBS_MAX, "a number from 1 to 1024"},
    {FL_KEY_SLURM, "slurm", AT(slurm), 1, UINT32_MAX, "a number of tasks, at least 1"},
    {FL_KEY_RUNS, "runs", AT(runs), 1, UINT32_MAX, "a number from 1 to 2^32 - 1"},
    {FL_KEY_REPLICATES, "replicates", AT(replicates), 1, FL_REPLICATES_MAX,
     "a number from 1 to 1000000"},
    {FL_KEY_ORDER, "order", AT(order), 0, UINT32_MAX, "a number from 0 to 2^32 - 1"},
    {FL_KEY_DEPTH, "depth", AT(bounds.depth), 0, UINT32_MAX, "a number from 0 to 2^32 - 1"},
    {FL_KEY_STATES, "states", AT(bounds.states), 0, UINT32_MAX, "a number from 0 to 2^32 - 1"},
    {FL_KEY_DROPS, "drops", AT(bounds.drops), 0, UINT32_MAX, "a number from 0 to 2^32 - 1"},
    {FL_KEY_TIMEOUTS, "timeouts", AT(bounds.timeouts), 0, UINT32_MAX,
     "a number from 0 to 2^32 - 1"},
};
_Static_assert(FL_JOBS_MAX == 1024 && FL_REPLICATES_MAX == 1000000, "the sentences above say so");
#define LENGTH(table) (sizeof(table) / sizeof *(table))

struct fl_options fl_options_new(void)
{
    return (struct fl_options){.bounds = fl_bounds_default(), .at = -1, .span = -1, .order = 1};
}

/* --- the tables ------------------------------------------------------------------------------------ */

static bool read_whole(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    if (*text < '0' || *text > '9') return false;
    *value = strtoull(text, &end, 0);
    return errno == 0 && *end == '\0';
}

/* Whether the key is in a table, and is taken. */
static bool take(struct fl_options *o, int key, char *value, struct argp_state *state)
{
    char *const base = (char *)o;
    for (size_t i = 0; i < LENGTH(words); i++) {
        if (words[i].key == key) {
            *(const char **)(void *)(base + words[i].offset) = value;
            return true;
        }
    }
    for (size_t i = 0; i < LENGTH(flags); i++) {
        if (flags[i].key == key) {
            *(bool *)(void *)(base + flags[i].offset) = true;
            return true;
        }
    }
    for (size_t i = 0; i < LENGTH(numbers); i++) {
        if (numbers[i].key == key) {
            uint64_t number;
            if (!read_whole(value, &number) || number < numbers[i].least ||
                number > numbers[i].most) {
                argp_error(state, "--%s %s: expected %s", numbers[i].name, value,
                           numbers[i].expected);
                return true; /* argp_error has ended the program, unless argp was told not to */
            }
            *(uint32_t *)(void *)(base + numbers[i].offset) = (uint32_t)number;
            return true;
        }
    }
    return false;
}

/* --- the others ------------------------------------------------------------------------------------ */

/* "i/N" with 1 <= i <= N. */
static bool read_shard(const char *text, uint32_t *shard, uint32_t *shards)
{
    char *end;
    errno = 0;
    if (*text < '1' || *text > '9') return false;
    const unsigned long i = strtoul(text, &end, 10);
    if (end[0] != '/' || end[1] < '1' || end[1] > '9') return false;
    const unsigned long n = strtoul(end + 1, &end, 10);
    *shard = (uint32_t)i;
    *shards = (uint32_t)n;
    return errno == 0 && *end == '\0' && i <= n && n <= FL_ROWS_MAX;
}

/* Orders come in pairs, each with its reverse. */
static bool read_orders(const char *text, uint32_t *orders)
{
    enum { ORDERS_MAX = 100000 };
    uint64_t count;
    if (!read_whole(text, &count) || count < 2 || count % 2 != 0 || count > ORDERS_MAX)
        return false;
    *orders = (uint32_t)count;
    return true;
}

static bool read_alpha(const char *text, double *alpha)
{
    char *end;
    *alpha = strtod(text, &end);
    return end != text && *end == '\0' && *alpha > 0 && *alpha < 1;
}

static double read_seconds(const struct argp_state *state, const char *name, const char *text)
{
    static const double MOST = 9e9; /* 64 bits of nanoseconds hold them */
    char *end;
    const double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds >= 0 && seconds <= MOST))
        argp_error(state, "--%s %s: expected seconds, 0 or more", name, text);
    return seconds;
}

error_t fl_options_parse(int key, char *value, struct argp_state *state)
{
    struct fl_options *o = state->input;
    if (take(o, key, value, state)) return 0;
    switch (key) {
    case FL_KEY_ALPHA:
        if (!read_alpha(value, &o->alpha))
            argp_error(state, "--alpha %s: expected a number between 0 and 1", value);
        return 0;
    case FL_KEY_AT:
        o->at = read_seconds(state, "at", value);
        return 0;
    case FL_KEY_FOR:
        o->span = read_seconds(state, "for", value);
        return 0;
    case FL_KEY_SHARD:
        if (!read_shard(value, &o->shard, &o->shards))
            argp_error(state, "--shard %s: expected i/N with i from 1 to N, such as 3/7", value);
        return 0;
    case FL_KEY_ORDERS:
        if (!read_orders(value, &o->orders))
            argp_error(state, "--orders %s: expected an even number from 2 to 100000", value);
        return 0;
    case FL_KEY_SEED:
        o->has_seed = true;
        if (!read_whole(value, &o->seed))
            argp_error(state, "--seed %s: expected a number from 0 to 2^64 - 1", value);
        return 0;
    case FL_KEY_SET:
        if (o->overrides == FL_OVERRIDES_MAX)
            argp_error(state, "more than %d --set", FL_OVERRIDES_MAX);
        o->override[o->overrides++] = value;
        return 0;
    case ARGP_KEY_ARG:
        if (o->arguments == FL_ARGUMENTS_MAX)
            argp_error(state, "more than %d arguments", FL_ARGUMENTS_MAX);
        o->argument[o->arguments++] = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}
