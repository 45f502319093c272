/* Shapley values of faults from a sweep over sets of them. */
#include "analysis/attribution.h"

#include "analysis/paired.h"
#include "analysis/rows.h"
#include "analysis/shapley.h"
#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/unit_text.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_ROWS = 1, EXIT_IO = 3, PATH_BYTES = 8192 };

/* What one seed says, or all of them on the mean, in units of the metric. */
struct answer {
    int64_t none, all;
    int64_t *value, *first, *last; /* [player] */
    int64_t *together, *beyond;    /* [player][player]: alone together; on the mean over all sets */
};

struct attribution {
    const struct fl_attribution *job;
    struct fl_rows rows;
    uint64_t *set;   /* of each point, ascending */
    int64_t *metric; /* [replicate][point] */
    int64_t *seed;   /* [replicate] */
    char *units;
    enum fl_unit unit;
    struct answer *of_seed, mean;
    struct fl_estimate *over_seeds, *over_orders; /* [player]; the second only of sampled orders */
};

/* --- rows ------------------------------------------------------------------------------------------- */

static int refuse(const struct attribution *a, const char *what, const char *which)
{
    fprintf(stderr, "faultline: %s/sweep.h5: %s%s\n", a->job->directory, what, which);
    return EXIT_IO;
}

/* The column of a fault; rows.axes if there is none. */
static size_t axis_of(const struct attribution *a, uint32_t player)
{
    char path[PATH_BYTES];
    fl_say(path, sizeof path, "faults.%s.enabled", a->job->player[player]);
    size_t axis = 0;
    while (axis < a->rows.axes && strcmp(a->rows.axis[axis], path) != 0) {
        axis++;
    }
    return axis;
}

static int read_sets(struct attribution *a)
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

static int read_metric(struct fl_trace *trace, struct attribution *a)
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
static int order_points(struct attribution *a)
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

static struct fl_game game_of(const struct attribution *a, size_t replicate)
{
    return (struct fl_game){.players = a->job->players,
                            .sets = a->rows.points,
                            .set = a->set,
                            .value = a->metric + replicate * a->rows.points};
}

static bool is_exact(const struct attribution *a)
{
    return a->job->orders == 0;
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

static void add_game(const struct attribution *a, const struct fl_game *game, struct parts *p)
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
    if (is_exact(a)) {
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

static struct answer answer_of(const struct attribution *a, const struct parts *p, size_t seeds)
{
    const uint32_t players = a->job->players;
    const fl_i128 many = (fl_i128)seeds;
    struct answer answer = {.value = fl_alloc(players, sizeof *answer.value),
                            .first = rounded(p->first, players, many),
                            .last = rounded(p->last, players, many),
                            .together = rounded(p->together, (size_t)players * players, many)};
    const uint64_t orders = is_exact(a) ? fl_factorial(players) : a->job->orders;
    answer.beyond = rounded(p->beyond, (size_t)players * players,
                            is_exact(a) ? many * fl_factorial(players - 1) : 1);
    fl_share_out(&p->none, 1, many, &answer.none);
    fl_share_out(&p->all, 1, many, &answer.all);
    fl_share_out(p->value, players, many * orders, answer.value);
    return answer;
}

static void answer_free(struct answer *answer)
{
    free(answer->value);
    free(answer->first);
    free(answer->last);
    free(answer->together);
    free(answer->beyond);
}

static void find_answers(struct attribution *a)
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

static void estimate_over_seeds(struct attribution *a)
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
static void estimate_over_orders(struct attribution *a)
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

/* --- for people ------------------------------------------------------------------------------------- */

static void amount_text(const struct attribution *a, int64_t value, char out[FL_WORDING])
{
    if (a->unit == FL_USD) {
        fl_money_exact(value, out);
    } else {
        fl_value_text(value, a->units, out);
    }
}

static void print_amount(const struct attribution *a, int64_t value, int width)
{
    char text[FL_WORDING];
    amount_text(a, value, text);
    printf("  %*s", width, text);
}

static void print_interval(const struct attribution *a, const struct fl_estimate *e)
{
    if (isnan(e->low)) {
        return;
    }
    char low[FL_WORDING], high[FL_WORDING];
    fl_value_text((int64_t)llround(e->low), a->units, low);
    fl_value_text((int64_t)llround(e->high), a->units, high);
    printf("  [%s, %s]", low, high);
}

static int longest(int width, const char *text)
{
    return (int)strlen(text) > width ? (int)strlen(text) : width;
}

/* Room for every amount of the table. */
static int amount_width(const struct attribution *a)
{
    int width = (int)strlen("answerable for");
    char text[FL_WORDING];
    const int64_t ends[] = {a->mean.none, a->mean.all, a->mean.all - a->mean.none};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        amount_text(a, ends[i], text);
        width = longest(width, text);
    }
    for (uint32_t i = 0; i < a->job->players; i++) {
        const int64_t cells[] = {a->mean.value[i], a->mean.first[i], a->mean.last[i]};
        for (size_t k = 0; k < sizeof cells / sizeof *cells; k++) {
            amount_text(a, cells[k], text);
            width = longest(width, text);
        }
    }
    return width;
}

static int name_width(const struct attribution *a)
{
    int width = (int)strlen("all of them");
    for (uint32_t i = 0; i < a->job->players; i++) {
        width = longest(width, a->job->player[i]);
    }
    return width;
}

static void print_head(const struct attribution *a)
{
    const size_t seeds = a->rows.replicates;
    printf("%s: what each fault is answerable for, of %s\n", a->job->scenario, a->job->metric);
    printf("  %zu set%s of faults, each run with %zu seed%s", a->rows.points,
           a->rows.points == 1 ? "" : "s", seeds, seeds == 1 ? "" : "s");
    if (seeds == 1) {
        printf(", %" PRIu64, (uint64_t)a->seed[0]);
    }
    puts(is_exact(a) ? "; Shapley values, exact" : "; Shapley values");
    if (!is_exact(a)) {
        printf("  from %" PRIu32 " orders drawn, the interval beside each says how far that goes\n",
               a->job->orders);
    }
    if (seeds > 1) {
        printf("  means over the seeds%s\n",
               is_exact(a) ? "; the interval beside each is Student's" : "");
    }
}

static void print_row(const struct attribution *a, uint32_t i, int name, int width)
{
    const int64_t total = a->mean.all - a->mean.none;
    char percent[FL_WORDING] = "";
    if (total != 0) {
        fl_percent((double)a->mean.value[i] / (double)total, percent);
    }
    printf("  %-*s", name, a->job->player[i]);
    print_amount(a, a->mean.value[i], width);
    printf("  %7s", percent);
    print_amount(a, a->mean.first[i], width);
    print_amount(a, a->mean.last[i], width);
    print_interval(a, is_exact(a) ? &a->over_seeds[i] : &a->over_orders[i]);
    putchar('\n');
}

static void print_pairs(const struct attribution *a, int width)
{
    const uint32_t players = a->job->players;
    int name = (int)strlen("pair");
    char pair[PATH_BYTES];
    for (uint32_t i = 0; i < players * players; i++) {
        fl_say(pair, sizeof pair, "%s + %s", a->job->player[i / players],
               a->job->player[i % players]);
        name = longest(name, pair);
    }
    printf("\n  %-*s  %*s  %*s\n", name, "pair", width, "both alone", width, "among others");
    for (uint32_t i = 0; i < players; i++) {
        for (uint32_t j = i + 1; j < players; j++) {
            const size_t at = (size_t)i * players + j;
            fl_say(pair, sizeof pair, "%s + %s", a->job->player[i], a->job->player[j]);
            printf("  %-*s", name, pair);
            print_amount(a, a->mean.together[at], width);
            print_amount(a, a->mean.beyond[at], width);
            putchar('\n');
        }
    }
    puts("  What two faults add beyond what each adds without the other, with no other fault, and "
         "on the "
         "mean over all\n  sets of others: of the sign of the sum if they need each other, of the "
         "other if one of them is enough.");
}

static void print_words(const struct attribution *a)
{
    const int name = name_width(a), width = amount_width(a);
    print_head(a);
    printf("\n  %-*s  %*s  %7s  %*s  %*s\n", name, "fault", width, "answerable for", "share", width,
           "adds alone", width, "saved without");
    for (uint32_t i = 0; i < a->job->players; i++) {
        print_row(a, i, name, width);
    }
    printf("  %-*s", name, "sum");
    print_amount(a, a->mean.all - a->mean.none, width);
    printf("\n\n  %-*s", name, "none of them");
    print_amount(a, a->mean.none, width);
    printf("\n  %-*s", name, "all of them");
    print_amount(a, a->mean.all, width);
    putchar('\n');
    if (is_exact(a) && a->job->players > 1) {
        print_pairs(a, width);
    }
}

/* --- for programs ----------------------------------------------------------------------------------- */

/* As the summary writes it: money as text, the rest as numbers. */
static void add_amount(const struct attribution *a, cJSON *to, const char *key, int64_t value)
{
    char text[FL_UNIT_TEXT];
    fl_unit_text(value, a->unit, text);
    const bool quoted = a->unit == FL_USD || a->unit == FL_SIZE;
    cJSON_AddItemToObject(to, key, quoted ? cJSON_CreateString(text) : cJSON_CreateRaw(text));
}

static void add_interval(const struct attribution *a, cJSON *to, const char *key,
                         const struct fl_estimate *e)
{
    if (isnan(e->low)) {
        return;
    }
    cJSON *interval = cJSON_AddObjectToObject(to, key);
    add_amount(a, interval, "low", (int64_t)llround(e->low));
    add_amount(a, interval, "high", (int64_t)llround(e->high));
}

static void add_answer(const struct attribution *a, const struct answer *answer, cJSON *to)
{
    const uint32_t players = a->job->players;
    add_amount(a, to, "none", answer->none);
    add_amount(a, to, "all", answer->all);
    cJSON *faults = cJSON_AddArrayToObject(to, "faults");
    for (uint32_t i = 0; i < players; i++) {
        cJSON *fault = cJSON_CreateObject();
        cJSON_AddItemToArray(faults, fault);
        cJSON_AddStringToObject(fault, "name", a->job->player[i]);
        add_amount(a, fault, "value", answer->value[i]);
        add_amount(a, fault, "adds_alone", answer->first[i]);
        add_amount(a, fault, "saved_without", answer->last[i]);
        if (answer == &a->mean) {
            add_interval(a, fault, "over_seeds", &a->over_seeds[i]);
        }
        if (answer == &a->mean && !is_exact(a)) {
            add_interval(a, fault, "over_orders", &a->over_orders[i]);
        }
    }
    cJSON *pairs = is_exact(a) ? cJSON_AddArrayToObject(to, "pairs") : NULL;
    for (uint32_t i = 0; i < players && pairs; i++) {
        for (uint32_t j = i + 1; j < players; j++) {
            const char *names[] = {a->job->player[i], a->job->player[j]};
            cJSON *pair = cJSON_CreateObject();
            cJSON_AddItemToArray(pairs, pair);
            cJSON_AddItemToObject(pair, "faults", cJSON_CreateStringArray(names, 2));
            add_amount(a, pair, "both_alone", answer->together[(size_t)i * players + j]);
            add_amount(a, pair, "among_others", answer->beyond[(size_t)i * players + j]);
        }
    }
}

static void print_json(const struct attribution *a)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "scenario", a->job->scenario);
    cJSON_AddStringToObject(json, "metric", a->job->metric);
    cJSON_AddBoolToObject(json, "exact", is_exact(a));
    cJSON_AddNumberToObject(json, "orders", a->job->orders);
    cJSON_AddNumberToObject(json, "alpha", a->job->alpha);
    cJSON *seeds = cJSON_AddArrayToObject(json, "seeds");
    for (size_t r = 0; r < a->rows.replicates; r++) {
        cJSON *seed = cJSON_CreateObject();
        cJSON_AddItemToArray(seeds, seed);
        cJSON_AddNumberToObject(seed, "seed", (double)(uint64_t)a->seed[r]); /* below 2^53 */
        add_answer(a, &a->of_seed[r], seed);
    }
    add_answer(a, &a->mean, cJSON_AddObjectToObject(json, "mean"));
    char *text = cJSON_Print(json);
    cJSON_Delete(json);
    if (!text) {
        fl_out_of_memory();
    }
    puts(text);
    free(text);
}

/* --- the whole -------------------------------------------------------------------------------------- */

static int read_all(struct fl_trace *trace, struct attribution *a)
{
    if (!fl_rows_read(trace, a->job->directory, &a->rows)) {
        return EXIT_IO;
    }
    int status = read_sets(a);
    status = status ? status : read_metric(trace, a);
    status = status ? status : order_points(a);
    const struct fl_game game = game_of(a, 0);
    if (status == 0 && is_exact(a) && !fl_game_is_whole(&game)) {
        return refuse(a, "not every set of the faults is there", "");
    }
    return status;
}

static void free_all(struct attribution *a)
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
    struct attribution a = {.job = job};
    const int status = read_all(trace, &a);
    if (status == 0) {
        find_answers(&a);
        estimate_over_seeds(&a);
        if (!is_exact(&a)) {
            estimate_over_orders(&a);
        }
        if (job->json) {
            print_json(&a);
        } else {
            print_words(&a);
        }
    }
    free_all(&a);
    fl_trace_close(trace);
    return status;
}
