/* Shapley values of faults from a sweep over sets of them. */
#include "analysis/answers.h"
#include "analysis/shapley.h"
#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/unit_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_ROWS = 1, EXIT_IO = 3, PATH_BYTES = 8192 };

/* --- rows ------------------------------------------------------------------------------------------- */

static int refuse(const struct fl_answers *a, const char *what, const char *which)
{
    fprintf(stderr, "faultline: %s/sweep.h5: %s%s\n", a->job->directory, what, which);
    return EXIT_IO;
}

/* The column of a fault; rows.axes if there is none. */
static size_t axis_of(const struct fl_answers *a, uint32_t player)
{
    char path[PATH_BYTES];
    fl_say(path, sizeof path, "faults.%s.enabled", a->job->player[player]);
    size_t axis = 0;
    while (axis < a->rows.axes && strcmp(a->rows.axis[axis], path) != 0) {
        axis++;
    }
    return axis;
}

static int read_sets(struct fl_answers *a)
{
    a->set = fl_alloc(a->rows.points, sizeof *a->set);
    for (uint32_t i = 0; i < a->job->players; i++) {
        const size_t axis = axis_of(a, i);
        if (axis == a->rows.axes) {
            return refuse(a, "no axis is about the fault ", a->job->player[i]);
        }
        for (size_t point = 0; point < a->rows.points; point++) {
            const bool enabled = strcmp(a->rows.value[axis][point * a->rows.replicates], "true") ==
                                 0;
            a->set[point] |= (uint64_t)enabled << i;
        }
    }
    return 0;
}

/* What went wrong with a row, and how to see it again. */
static int tell_failure(struct fl_trace *trace, size_t row)
{
    size_t count;
    char **error = fl_rows_words(trace, "/rows/error", &count);
    fprintf(stderr, "faultline: without row %zu nothing can be attributed: it %s\n", row,
            error && row < count ? error[row] : "did not end well");
    free(error);
    return EXIT_ROWS;
}

static enum fl_unit unit_of(const char *units)
{
    static const enum fl_unit known[] = {FL_COUNT, FL_USD, FL_NANOSECOND, FL_PPM, FL_SIZE, FL_ID};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(fl_unit_symbol(known[i]), units) == 0) {
            return known[i];
        }
    }
    return 0;
}

static int read_metric(struct fl_trace *trace, struct fl_answers *a)
{
    char path[PATH_BYTES];
    const size_t points = a->rows.points, replicates = a->rows.replicates;
    fl_say(path, sizeof path, "/metrics/%s", a->job->metric);
    int64_t *column = fl_rows_integers(trace, a->job->directory, path, points * replicates);
    a->seed = fl_rows_integers(trace, a->job->directory, "/rows/seed", points * replicates);
    a->units = column ? fl_trace_attribute(trace, path, "units") : NULL;
    a->unit = a->units ? unit_of(a->units) : 0;
    int status = !column || !a->seed ? EXIT_IO
                 : a->unit == 0      ? refuse(a, "this is not a number: ", path)
                                     : 0;
    a->metric = fl_alloc(points * replicates, sizeof *a->metric);
    for (size_t row = 0; row < points * replicates && status == 0; row++) {
        a->metric[row % replicates * points + row / replicates] = column[row];
        status = column[row] == INT64_MIN ? tell_failure(trace, row) : 0;
    }
    free(column);
    return status;
}

/* Points in the order of their sets, so that they can be found; each set once. */
static int order_points(struct fl_answers *a)
{
    const size_t points = a->rows.points;
    for (size_t i = 1; i < points; i++) {
        for (size_t k = i; k > 0 && a->set[k - 1] > a->set[k]; k--) {
            const uint64_t set = a->set[k];
            a->set[k] = a->set[k - 1];
            a->set[k - 1] = set;
            for (size_t r = 0; r < a->rows.replicates; r++) {
                int64_t *value = a->metric + r * points;
                const int64_t moved = value[k];
                value[k] = value[k - 1];
                value[k - 1] = moved;
            }
        }
    }
    for (size_t i = 1; i < points; i++) {
        if (a->set[i] == a->set[i - 1]) {
            return refuse(a, "two points have the same faults", "");
        }
    }
    return 0;
}

/* --- values ----------------------------------------------------------------------------------------- */

static struct fl_game game_of(const struct fl_answers *a, size_t replicate)
{
    return (struct fl_game){.players = a->job->players,
                            .sets = a->rows.points,
                            .set = a->set,
                            .value = a->metric + replicate * a->rows.points};
}

static uint64_t single(uint32_t player)
{
    return UINT64_C(1) << player;
}

/* The sum over seeds of what is asked for, as numerators over so many seeds times these. */
struct parts {
    fl_i128 none, all;
    fl_i128 *value, *first, *last, *together, *beyond;
};
static struct parts parts_new(uint32_t players)
{
    return (struct parts){.value = fl_alloc(players, sizeof(fl_i128)),
                          .first = fl_alloc(players, sizeof(fl_i128)),
                          .last = fl_alloc(players, sizeof(fl_i128)),
                          .together = fl_alloc((size_t)players * players, sizeof(fl_i128)),
                          .beyond = fl_alloc((size_t)players * players, sizeof(fl_i128))};
}

static void parts_free(struct parts *p)
{
    free(p->value);
    free(p->first);
    free(p->last);
    free(p->together);
    free(p->beyond);
}

static void add_pairs(const struct fl_game *game, struct parts *p)
{
    const int64_t none = fl_game_value(game, 0);
    for (uint32_t i = 0; i < game->players; i++) {
        for (uint32_t j = i + 1; j < game->players; j++) {
            const size_t at = (size_t)i * game->players + j;
            p->together[at] += (fl_i128)fl_game_value(game, single(i) | single(j)) -
                               fl_game_value(game, single(i)) - fl_game_value(game, single(j)) +
                               none;
            p->beyond[at] += fl_shapley_interaction(game, i, j);
        }
    }
}

static void add_game(const struct fl_answers *a, const struct fl_game *game, struct parts *p)
{
    const uint64_t everybody = fl_game_everybody(game);
    const int64_t none = fl_game_value(game, 0), all = fl_game_value(game, everybody);
    p->none += none;
    p->all += all;
    for (uint32_t i = 0; i < game->players; i++) {
        p->first[i] += (fl_i128)fl_game_value(game, single(i)) - none;
        p->last[i] += (fl_i128)all - fl_game_value(game, everybody & ~single(i));
    }
    for (uint32_t n = 0; n < a->job->orders; n++) {
        fl_shapley_walk(game, a->job->order + (size_t)n * game->players, p->value);
    }
    if (a->exact) {
        fl_shapley_add(game, p->value);
        add_pairs(game, p);
    }
}

/* Each for itself, to the nearest. */
static int64_t *rounded(const fl_i128 *part, size_t count, fl_i128 whole)
{
    int64_t *out = fl_alloc(count, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        fl_share_out(&part[i], 1, whole, &out[i]);
    }
    return out;
}

static struct fl_answer answer_of(const struct fl_answers *a, const struct parts *p, size_t seeds)
{
    const uint32_t players = a->job->players;
    const fl_i128 many = (fl_i128)seeds;
    struct fl_answer answer = {.value = fl_alloc(players, sizeof *answer.value),
                               .first = rounded(p->first, players, many),
                               .last = rounded(p->last, players, many),
                               .together = rounded(p->together, (size_t)players * players, many)};
    const uint64_t orders = a->exact ? fl_factorial(players) : a->job->orders;
    answer.beyond = rounded(p->beyond, (size_t)players * players,
                            a->exact ? many * fl_factorial(players - 1) : 1);
    fl_share_out(&p->none, 1, many, &answer.none);
    fl_share_out(&p->all, 1, many, &answer.all);
    fl_share_out(p->value, players, many * orders, answer.value);
    return answer;
}

static void answer_free(struct fl_answer *answer)
{
    free(answer->value);
    free(answer->first);
    free(answer->last);
    free(answer->together);
    free(answer->beyond);
}

static void find_answers(struct fl_answers *a)
{
    const uint32_t players = a->job->players;
    const size_t seeds = a->rows.replicates;
    a->of_seed = fl_alloc(seeds, sizeof *a->of_seed);
    struct parts all = parts_new(players);
    for (size_t r = 0; r < seeds; r++) {
        struct parts one = parts_new(players);
        const struct fl_game game = game_of(a, r);
        add_game(a, &game, &one);
        add_game(a, &game, &all);
        a->of_seed[r] = answer_of(a, &one, 1);
        parts_free(&one);
    }
    a->mean = answer_of(a, &all, seeds);
    parts_free(&all);
}

/* --- intervals -------------------------------------------------------------------------------------- */

static void estimate_over_seeds(struct fl_answers *a)
{
    const size_t seeds = a->rows.replicates;
    double *values = fl_alloc(seeds, sizeof *values);
    a->over_seeds = fl_alloc(a->job->players, sizeof *a->over_seeds);
    for (uint32_t i = 0; i < a->job->players; i++) {
        for (size_t r = 0; r < seeds; r++) {
            values[r] = (double)a->of_seed[r].value[i];
        }
        a->over_seeds[i] = fl_mean_at(values, seeds, a->job->alpha);
    }
    free(values);
}

/* Pairs of an order and its reverse are drawn independently of each other; of one of them the mean over
 * the seeds counts, since all seeds share the orders. */
static void estimate_over_orders(struct fl_answers *a)
{
    const uint32_t players = a->job->players, pairs = a->job->orders / 2;
    const double runs = 2 * (double)a->rows.replicates;
    double *values = fl_alloc((size_t)players * pairs, sizeof *values);
    a->over_orders = fl_alloc(players, sizeof *a->over_orders);
    for (uint32_t n = 0; n < pairs; n++) {
        fl_i128 *part = fl_alloc(players, sizeof *part);
        for (size_t r = 0; r < a->rows.replicates; r++) {
            const struct fl_game game = game_of(a, r);
            fl_shapley_walk(&game, a->job->order + (size_t)(2 * n) * players, part);
            fl_shapley_walk(&game, a->job->order + (size_t)(2 * n + 1) * players, part);
        }
        for (uint32_t i = 0; i < players; i++) {
            values[(size_t)i * pairs + n] = (double)part[i] / runs;
        }
        free(part);
    }
    for (uint32_t i = 0; i < players; i++) {
        a->over_orders[i] = fl_mean_at(values + (size_t)i * pairs, pairs, a->job->alpha);
    }
    free(values);
}

/* --- the whole -------------------------------------------------------------------------------------- */

static int read_all(struct fl_trace *trace, struct fl_answers *a)
{
    if (!fl_rows_read(trace, a->job->directory, &a->rows)) {
        return EXIT_IO;
    }
    int status = read_sets(a);
    status = status ? status : read_metric(trace, a);
    status = status ? status : order_points(a);
    const struct fl_game game = game_of(a, 0);
    if (status == 0 && a->exact && !fl_game_is_whole(&game)) {
        return refuse(a, "not every set of the faults is there", "");
    }
    return status;
}

static void free_all(struct fl_answers *a)
{
    for (size_t r = 0; r < a->rows.replicates && a->of_seed; r++) {
        answer_free(&a->of_seed[r]);
    }
    answer_free(&a->mean);
    free(a->of_seed);
    free(a->over_seeds);
    free(a->over_orders);
    free(a->set);
    free(a->metric);
    free(a->seed);
    free(a->units);
    fl_rows_free(&a->rows);
}

int fl_attribution(const struct fl_attribution *job)
{
    char error[PATH_BYTES];
    FL_ASSERT(job->players > 0 && (job->orders > 0 || job->players <= FL_SHAPLEY_EXACT));
    struct fl_trace *trace = fl_trace_open_sweep(job->directory, error, sizeof error);
    if (!trace) {
        fprintf(stderr, "faultline: %s\n", error);
        return EXIT_IO;
    }
    struct fl_answers a = {.job = job, .exact = job->orders == 0};
    const int status = read_all(trace, &a);
    if (status == 0) {
        find_answers(&a);
        estimate_over_seeds(&a);
        if (!a.exact) {
            estimate_over_orders(&a);
        }
        if (job->json) {
            fl_answers_json(&a);
        } else {
            fl_answers_print(&a);
        }
    }
    free_all(&a);
    fl_trace_close(trace);
    return status;
}
