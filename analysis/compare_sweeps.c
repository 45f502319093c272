/* Two sweeps: the metrics that moved beyond noise, and those that did not. */
#include "analysis/aligned.h"
#include "analysis/compare.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 40, ALMOST_SHOWN = 8, LISTED = 8 };

struct sweeps {
    struct fl_inputs inputs;
    struct fl_matched points;
};

/* --- for people ------------------------------------------------------------------------------------ */

static void print_share(double share, char out[FL_SIDE_TEXT])
{
    fl_number_short(100 * share, false, out);
}

static void print_grid(const struct fl_matched *points)
{
    const struct fl_grid *a = &points->grid[0], *b = &points->grid[1];
    printf("\nPoints: %zu that both have", points->matches);
    for (int s = 0; s < FL_SIDES; s++) {
        printf(", %zu only in %c", points->alone[s], 'A' + s);
    }
    putchar('\n');
    for (int s = 0; s < FL_SIDES; s++) {
        size_t listed = 0;
        for (size_t i = 0; i < points->grid[s].rows.points; i++) {
            bool matched = false;
            for (size_t m = 0; m < points->matches; m++) {
                matched |= points->match[m].point[s] == i;
            }
            if (!matched && listed++ < LISTED) {
                char text[FL_POINT_TEXT];
                fl_point_text(&points->grid[s].rows, i, text);
                printf("  only in %c: %s\n", 'A' + s, text);
            }
        }
        if (listed > LISTED) {
            printf("  only in %c: %zu more\n", 'A' + s, listed - LISTED);
        }
    }
    if (points->paired) {
        printf("Paired by seed: %zu seeds are common to the %zu of A and the %zu of B\n",
               points->common_seeds, a->rows.replicates, b->rows.replicates);
    } else {
        printf("Not paired: of the %zu seeds of A and the %zu of B %s; Welch's interval, which is "
               "wider\n",
               a->rows.replicates, b->rows.replicates,
               points->common_seeds == 0 ? "none is common" : "one is common");
    }
    if (points->looks > 1) {
        printf(
            "For the looks of the plans each p counts, and each interval misses, %zu times less\n",
            points->looks);
    }
}

static void p_text(double p, char out[FL_SIDE_TEXT])
{
    if (isnan(p)) {
        fl_say(out, FL_SIDE_TEXT, "-");
    } else if (p < 0.0001) {
        fl_say(out, FL_SIDE_TEXT, p > 0 ? "%.0e" : "0", p);
    } else {
        fl_say(out, FL_SIDE_TEXT, "%.4f", p);
    }
}

static void interval_text(const struct fl_move *move, char out[2 * FL_SIDE_TEXT + 8])
{
    char low[FL_SIDE_TEXT], high[FL_SIDE_TEXT];
    if (move->shift.constant) {
        fl_say(out, 2 * FL_SIDE_TEXT + 8, "%s", "on every seed");
    } else if (isnan(move->shift.difference.low)) {
        fl_say(out, 2 * FL_SIDE_TEXT + 8, "%s", "");
    } else {
        fl_number_short(move->shift.difference.low, false, low);
        fl_number_short(move->shift.difference.high, false, high);
        fl_say(out, 2 * FL_SIDE_TEXT + 8, "[%s, %s]", low, high);
    }
}

static void add_move(struct fl_aligned *table, const struct fl_matched *points,
                     const struct fl_move *move)
{
    char point[FL_POINT_TEXT], a[FL_SIDE_TEXT], b[FL_SIDE_TEXT], difference[FL_SIDE_TEXT],
        interval[2 * FL_SIDE_TEXT + 8], adjusted[FL_SIDE_TEXT];
    const struct fl_match *match = &points->match[move->match];
    fl_point_text(&points->grid[0].rows, match->point[0], point);
    fl_number_short(move->mean[0], false, a);
    fl_number_short(move->mean[1], false, b);
    fl_number_short(move->shift.difference.value, true, difference);
    interval_text(move, interval);
    p_text(move->adjusted, adjusted);
    fl_aligned_add(table, "%s%s%s%s", move->metric, *move->unit ? " (" : "", move->unit,
                   *move->unit ? ")" : "");
    fl_aligned_add(table, "%s", point);
    fl_aligned_add(table, "%s", a);
    fl_aligned_add(table, "%s", b);
    fl_aligned_add(table, "%s", difference);
    fl_aligned_add(table, "%s", interval);
    fl_aligned_add(table, "%s", adjusted);
}

enum told { MOVED = 1, CONSTANT, ALMOST };

/* Almost: beyond noise if it had been the only comparison. */
static enum told told_as(const struct fl_matched *points, const struct fl_move *move)
{
    return move->moved                                              ? MOVED
           : move->shift.constant                                   ? CONSTANT
           : move->shift.p * (double)points->looks <= points->alpha ? ALMOST
                                                                    : 0;
}

static size_t count_told(const struct fl_matched *points, enum told what)
{
    size_t count = 0;
    for (size_t i = 0; i < points->moves; i++) {
        count += told_as(points, &points->move[i]) == what;
    }
    return count;
}

static void print_moves(const struct fl_matched *points, enum told what)
{
    char share[FL_SIDE_TEXT];
    print_share(1 - points->alpha, share);
    static const char *const head[] = {"metric", "at", "mean of A", "mean of B", "B - A"};
    struct fl_aligned *table = fl_aligned_new("llrrrlr");
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        fl_aligned_add(table, "%s", head[i]);
    }
    fl_aligned_add(table, "[%s %% of each]", share);
    fl_aligned_add(table, "p, Holm");
    const size_t most = what == ALMOST ? ALMOST_SHOWN : SHOWN;
    size_t all = 0;
    for (size_t i = 0; i < points->moves; i++) {
        if (told_as(points, &points->move[i]) == what && all++ < most) {
            add_move(table, points, &points->move[i]);
        }
    }
    fl_aligned_print(table, stdout);
    if (all > most) {
        printf("  and %zu more, which --json has\n", all - most);
    }
}

static void print_words(const struct fl_matched *points)
{
    size_t same = 0, differ = 0;
    for (size_t i = 0; i < points->words; i++) {
        const struct fl_reworded *word = &points->word[i];
        char point[FL_POINT_TEXT];
        same += word->pairs > 0 && word->differ == 0;
        if (word->differ > 0) {
            fl_point_text(&points->grid[0].rows, points->match[word->match].point[0], point);
            printf("%s  %s at %s: another word in %zu of %zu pairs, such as \"%s\" -> \"%s\"\n",
                   differ++ == 0 ? "\nWords that differ\n" : "", word->metric, point, word->differ,
                   word->pairs, word->example[0], word->example[1]);
        }
    }
    if (same > 0) {
        printf("Words that are the same in all pairs, at one point each: %zu\n", same);
    }
}

static void print_family(const struct fl_matched *points)
{
    char share[FL_SIDE_TEXT];
    print_share(points->alpha, share);
    const size_t members = points->moves - points->cannot_tell;
    const size_t almost = count_told(points, ALMOST);
    printf("\nMoved beyond noise: %zu of %zu\n", points->moved, members);
    if (points->moved > 0) {
        print_moves(points, MOVED);
    }
    if (points->constant > 0) {
        puts("\nMoved by the same amount on every seed, of which there are too few to exclude "
             "chance:");
        print_moves(points, CONSTANT);
    }
    if (almost > 0) {
        printf(
            "\nNot beyond noise, though each alone would be (of so many, some are by chance):\n");
        print_moves(points, ALMOST);
    }
    printf("\nNot moved: %zu, of which %zu are equal on every seed\n",
           members - points->moved - points->constant, points->same);
    if (points->cannot_tell > 0) {
        printf("Cannot be told, fewer than two runs: %zu\n", points->cannot_tell);
    }
    print_words(points);
    printf("\nWere there no difference at all, a comparison of %zu would call any of them moved in "
           "at most %s %% of\nall cases (Holm, 1979; as far as %s).\n",
           members, share,
           points->paired ? "Student's t holds for the differences of the seeds"
                          : "Welch's t holds for the seeds");
}

static void print_sweeps(const struct sweeps *sweeps)
{
    fl_inputs_print(&sweeps->inputs);
    print_grid(&sweeps->points);
    print_family(&sweeps->points);
}

/* --- for programs ---------------------------------------------------------------------------------- */

/* null where there is no number, or none that is finite */
static void add_number(cJSON *object, const char *name, double value)
{
    if (isfinite(value)) {
        cJSON_AddNumberToObject(object, name, value);
    } else {
        cJSON_AddNullToObject(object, name);
    }
}

static cJSON *axes_json(const struct fl_rows *rows, size_t point)
{
    cJSON *axes = cJSON_CreateObject();
    for (size_t i = 0; i < rows->axes; i++) {
        cJSON_AddStringToObject(axes, rows->axis[i], rows->value[i][point * rows->replicates]);
    }
    return axes;
}

static const char *verdict_of(const struct fl_move *move)
{
    return move->moved            ? "moved"
           : isnan(move->shift.p) ? "cannot tell"
           : move->shift.constant ? "the same on every seed, of too few"
                                  : "not moved";
}

static cJSON *move_json(const struct fl_matched *points, const struct fl_move *move)
{
    cJSON *item = cJSON_CreateObject();
    const struct fl_match *match = &points->match[move->match];
    cJSON_AddStringToObject(item, "metric", move->metric);
    cJSON_AddStringToObject(item, "unit", move->unit);
    cJSON_AddNumberToObject(item, "point_A", (double)match->point[0]);
    cJSON_AddNumberToObject(item, "point_B", (double)match->point[1]);
    cJSON_AddItemToObject(item, "axes", axes_json(&points->grid[0].rows, match->point[0]));
    cJSON_AddNumberToObject(item, "n_A", (double)move->count[0]);
    cJSON_AddNumberToObject(item, "n_B", (double)move->count[1]);
    add_number(item, "mean_A", move->mean[0]);
    add_number(item, "mean_B", move->mean[1]);
    add_number(item, "difference", move->shift.difference.value);
    add_number(item, "low", move->shift.difference.low);
    add_number(item, "high", move->shift.difference.high);
    cJSON_AddBoolToObject(item, "same_on_every_seed",
                          isnan(move->shift.difference.low) && !isnan(move->shift.p));
    add_number(item, "p", move->shift.p);
    add_number(item, "p_holm", move->adjusted);
    cJSON_AddStringToObject(item, "verdict", verdict_of(move));
    return item;
}

static void add_words(cJSON *json, const struct fl_matched *points)
{
    cJSON *list = cJSON_AddArrayToObject(json, "words");
    for (size_t i = 0; i < points->words; i++) {
        const struct fl_reworded *word = &points->word[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(list, item);
        cJSON_AddStringToObject(item, "metric", word->metric);
        cJSON_AddItemToObject(
            item, "axes", axes_json(&points->grid[0].rows, points->match[word->match].point[0]));
        cJSON_AddNumberToObject(item, "pairs", (double)word->pairs);
        cJSON_AddNumberToObject(item, "differ", (double)word->differ);
    }
}

static void print_json(const struct sweeps *sweeps)
{
    const struct fl_matched *points = &sweeps->points;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "kind", "sweeps");
    fl_inputs_json(&sweeps->inputs, json);
    cJSON_AddNumberToObject(json, "alpha", points->alpha);
    cJSON_AddBoolToObject(json, "paired", points->paired);
    cJSON_AddNumberToObject(json, "looks", (double)points->looks);
    cJSON_AddNumberToObject(json, "common_seeds", (double)points->common_seeds);
    cJSON_AddNumberToObject(json, "points", (double)points->matches);
    cJSON_AddNumberToObject(json, "points_only_A", (double)points->alone[0]);
    cJSON_AddNumberToObject(json, "points_only_B", (double)points->alone[1]);
    cJSON_AddNumberToObject(json, "compared", (double)(points->moves - points->cannot_tell));
    cJSON_AddNumberToObject(json, "moved", (double)points->moved);
    cJSON *list = cJSON_AddArrayToObject(json, "moves");
    for (size_t i = 0; i < points->moves; i++) {
        cJSON_AddItemToArray(list, move_json(points, &points->move[i]));
    }
    add_words(json, points);
    char *text = cJSON_Print(json);
    if (!text) {
        fl_out_of_memory();
    }
    puts(text);
    free(text);
    cJSON_Delete(json);
}

/* --- the whole ------------------------------------------------------------------------------------- */

int fl_compare_sweeps(const struct fl_compare *job)
{
    enum { EXIT_IO = 3 };
    struct sweeps sweeps = {0};
    int status = EXIT_IO;
    if (fl_inputs_read(job->directory, FL_FOLDER_SWEEP, &sweeps.inputs)) {
        status = fl_matched_compare(&sweeps.inputs, job->metric, job->alpha, &sweeps.points);
    }
    if (status == 0) {
        (job->json ? print_json : print_sweeps)(&sweeps);
        for (int s = 0; s < FL_SIDES; s++) {
            if (sweeps.points.not_ended[s] > 0) {
                fprintf(stderr,
                        "faultline: %s: %zu numbers of runs that did not end well are left "
                        "out\n",
                        job->directory[s], sweeps.points.not_ended[s]);
            }
        }
    }
    fl_matched_free(&sweeps.points);
    fl_inputs_free(&sweeps.inputs);
    return status;
}
