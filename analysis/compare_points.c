/* What moved between two sweeps, at each point that both have. */
#include "analysis/compare.h"
#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/mistake.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, EXIT_IO = 3, PATH_BYTES = 1024, PAIRS_LEAST = 2, NUMBER = 32 };
/* Of amounts: that matter, and at most so many after the point. */
enum { DIGITS = 6, DECIMALS = 9 };

/* --- one metric at one point ----------------------------------------------------------------------- */

struct column {
    const char *name, *unit;
    double scale;
    int64_t *value[FL_SIDES];
};

/* The stored integers of one point. */
static const int64_t *runs_of(const struct fl_matched *points, const struct column *column,
                              const struct fl_match *match, int side)
{
    return column->value[side] + points->grid[side].first[match->point[side]];
}

/* Of the runs of one point that ended well. */
static double *ended_well(const struct fl_matched *points, const struct column *column,
                          const struct fl_match *match, int side, size_t *count)
{
    const size_t runs = points->grid[side].rows.runs[match->point[side]];
    const int64_t *stored = runs_of(points, column, match, side);
    double *values = fl_alloc(runs, sizeof *values);
    *count = 0;
    for (size_t r = 0; r < runs; r++) {
        if (stored[r] != INT64_MIN) {
            values[(*count)++] = (double)stored[r];
        }
    }
    return values;
}

static double mean_of(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    return count > 0 ? sum / (double)count : NAN;
}

/* From the unit that is stored to the one people use. Differences were taken between integers, so that
 * equal ones are seen to be equal. */
static void scale_move(struct fl_move *move, double scale)
{
    move->mean[0] *= scale;
    move->mean[1] *= scale;
    move->shift.difference.value *= scale;
    move->shift.difference.low *= scale;
    move->shift.difference.high *= scale;
}

static void compare_pairs(const struct fl_matched *points, const struct column *column,
                          struct fl_move *move)
{
    const struct fl_match *match = &points->match[move->match];
    const int64_t *one = runs_of(points, column, match, 0);
    const int64_t *other = runs_of(points, column, match, 1);
    const size_t runs = points->grid[0].rows.runs[match->point[0]];
    double *a = fl_alloc(runs, sizeof *a), *b = fl_alloc(runs, sizeof *b),
           *difference = fl_alloc(runs, sizeof *difference);
    const int64_t *partner = match->partner;
    size_t pairs = 0;
    for (size_t r = 0; r < runs; r++) {
        if (partner[r] != FL_NO_PARTNER && one[r] != INT64_MIN && other[partner[r]] != INT64_MIN) {
            a[pairs] = (double)one[r];
            b[pairs] = (double)other[partner[r]];
            difference[pairs++] = (double)((fl_i128)other[partner[r]] - one[r]);
        }
    }
    move->count[0] = move->count[1] = pairs;
    move->mean[0] = mean_of(a, pairs);
    move->mean[1] = mean_of(b, pairs);
    move->shift = fl_shift_paired(difference, pairs, points->alpha / (double)points->looks);
    free(a);
    free(b);
    free(difference);
}

static void compare_samples(const struct fl_matched *points, const struct column *column,
                            struct fl_move *move)
{
    const struct fl_match *match = &points->match[move->match];
    double *values[FL_SIDES];
    for (int s = 0; s < FL_SIDES; s++) {
        values[s] = ended_well(points, column, match, s, &move->count[s]);
        move->mean[s] = mean_of(values[s], move->count[s]);
    }
    move->shift = fl_shift_unpaired(values[0], move->count[0], values[1], move->count[1],
                                    points->alpha / (double)points->looks);
    free(values[0]);
    free(values[1]);
}

static void compare_metric(struct fl_matched *points, const struct column *column)
{
    for (size_t m = 0; m < points->matches; m++) {
        struct fl_move *move = &points->move[points->moves++];
        *move = (struct fl_move){.metric = column->name, .unit = column->unit, .match = m};
        (points->paired ? compare_pairs : compare_samples)(points, column, move);
        scale_move(move, column->scale);
    }
    for (int s = 0; s < FL_SIDES; s++) {
        for (size_t i = 0; i < points->grid[s].rows.count; i++) {
            points->not_ended[s] += column->value[s][i] == INT64_MIN;
        }
    }
}

/* --- words ----------------------------------------------------------------------------------------- */

static struct fl_reworded reword(const struct fl_matched *points, size_t m,
                                 char **const word[FL_SIDES])
{
    const struct fl_match *match = &points->match[m];
    char **a = word[0] + points->grid[0].first[match->point[0]];
    char **b = word[1] + points->grid[1].first[match->point[1]];
    struct fl_reworded out = {.match = m};
    const int64_t *partner = match->partner;
    for (size_t r = 0; r < points->grid[0].rows.runs[match->point[0]]; r++) {
        /* A run that did not end well says none. */
        if (partner[r] == FL_NO_PARTNER || *a[r] == '\0' || *b[partner[r]] == '\0') {
            continue;
        }
        out.pairs++;
        if (strcmp(a[r], b[partner[r]]) != 0 && out.differ++ == 0) {
            fl_say(out.example[0], FL_SIDE_TEXT, "%s", a[r]);
            fl_say(out.example[1], FL_SIDE_TEXT, "%s", b[partner[r]]);
        }
    }
    return out;
}

static void compare_words(struct fl_matched *points, const char *metric,
                          char **const word[FL_SIDES])
{
    for (size_t m = 0; m < points->matches; m++) {
        struct fl_reworded *out = &points->word[points->words++];
        *out = reword(points, m, word);
        out->metric = metric;
    }
}

/* --- all metrics ----------------------------------------------------------------------------------- */

static size_t metric_named(const struct fl_rows *rows, const char *metric)
{
    size_t i = 0;
    while (i < rows->metrics && strcmp(rows->metric[i], metric) != 0) {
        i++;
    }
    return i;
}

static bool read_numbers(const struct fl_inputs *inputs, const struct fl_matched *points,
                         struct column *column)
{
    char path[PATH_BYTES];
    fl_say(path, sizeof path, "/metrics/%s", column->name);
    const char *unit[FL_SIDES];
    for (int s = 0; s < FL_SIDES; s++) {
        const struct fl_side *side = &inputs->side[s];
        const struct fl_rows *rows = &points->grid[s].rows;
        column->scale = fl_rows_scale(side->trace, side->directory, column->name, &unit[s]);
        column->value[s] = column->scale > 0
                               ? fl_rows_integers(side->trace, side->directory, path, rows->count)
                               : NULL;
        if (!column->value[s]) {
            return false;
        }
    }
    column->unit = unit[0];
    if (strcmp(unit[0], unit[1]) != 0) {
        fprintf(stderr, "faultline: %s is in %s in %s and in %s in %s\n", column->name, unit[0],
                inputs->side[0].directory, unit[1], inputs->side[1].directory);
        return false;
    }
    return true;
}

static bool read_words(const struct fl_inputs *inputs, const struct fl_matched *points,
                       const char *metric, char **word[FL_SIDES])
{
    char path[PATH_BYTES];
    fl_say(path, sizeof path, "/metrics/%s", metric);
    for (int s = 0; s < FL_SIDES; s++) {
        const struct fl_rows *rows = &points->grid[s].rows;
        size_t count;
        word[s] = fl_rows_words(inputs->side[s].trace, path, &count);
        if (!word[s] || count != rows->count) {
            fprintf(stderr, "faultline: %s/sweep.h5: %s is damaged\n", inputs->side[s].directory,
                    path);
            return false;
        }
    }
    return true;
}

static bool compare_one(const struct fl_inputs *inputs, struct fl_matched *points,
                        const char *metric)
{
    bool ok;
    if (fl_rows_is_number(inputs->side[0].trace, metric) &&
        fl_rows_is_number(inputs->side[1].trace, metric)) {
        struct column column = {.name = metric};
        ok = read_numbers(inputs, points, &column);
        if (ok) {
            compare_metric(points, &column);
        }
        free(column.value[0]);
        free(column.value[1]);
    } else {
        char **word[FL_SIDES] = {NULL, NULL};
        ok = read_words(inputs, points, metric, word);
        if (ok) {
            compare_words(points, metric, word);
        }
        free(word[0]);
        free(word[1]);
    }
    return ok;
}

/* 0 if both sweeps have it, or any metric if none is named. */
static int check_metric(const struct fl_inputs *inputs, const struct fl_matched *points,
                        const char *metric)
{
    const struct fl_rows *a = &points->grid[0].rows, *b = &points->grid[1].rows;
    struct fl_guess guess = {.wanted = metric};
    for (size_t i = 0; i < a->metrics; i++) {
        const bool both = metric_named(b, a->metric[i]) < b->metrics;
        if (both && (!metric || strcmp(metric, a->metric[i]) == 0)) {
            return 0;
        }
        if (both) {
            fl_guess_offer(&guess, a->metric[i]);
        }
    }
    if (metric) {
        fprintf(stderr, "faultline: --metric %s: not in both sweeps%s\n", metric,
                fl_guess_hint(&guess).text);
    } else {
        fprintf(stderr, "faultline: %s and %s have no metric in common\n",
                inputs->side[0].directory, inputs->side[1].directory);
    }
    return EXIT_USAGE;
}

static int compare_all(const struct fl_inputs *inputs, const char *metric, struct fl_matched *out)
{
    const int status = check_metric(inputs, out, metric);
    if (status != 0) {
        return status;
    }
    const struct fl_rows *a = &out->grid[0].rows, *b = &out->grid[1].rows;
    out->move = fl_alloc(a->metrics * out->matches, sizeof *out->move);
    out->word = fl_alloc(a->metrics * out->matches, sizeof *out->word);
    for (size_t i = 0; i < a->metrics; i++) {
        const bool wanted = metric ? strcmp(metric, a->metric[i]) == 0
                                   : metric_named(b, a->metric[i]) < b->metrics;
        if (wanted && !compare_one(inputs, out, a->metric[i])) {
            return EXIT_IO;
        }
    }
    return 0;
}

/* --- the family ------------------------------------------------------------------------------------ */

/* By adjusted p, then by p, which Holm's steps make equal; of equals the larger in units of its own
 * interval, then as they came. Those that cannot tell last. */
static int by_significance(const void *a, const void *b)
{
    const struct fl_move *one = a, *other = b;
    const bool tells[2] = {!isnan(one->shift.p), !isnan(other->shift.p)};
    if (tells[0] != tells[1]) {
        return tells[0] ? -1 : 1;
    }
    if (tells[0] && one->shift.p != other->shift.p) {
        return one->shift.p < other->shift.p ? -1 : 1;
    }
    const int name = strcmp(one->metric, other->metric);
    return name != 0 ? name : (one->match > other->match) - (one->match < other->match);
}

static void judge(struct fl_matched *points)
{
    double *p = fl_alloc(points->moves, sizeof *p), *adjusted = fl_alloc(points->moves, sizeof *p);
    for (size_t i = 0; i < points->moves; i++) {
        const double alone = points->move[i].shift.p;
        p[i] = isnan(alone) ? NAN : fmin(1, alone * (double)points->looks);
    }
    fl_holm(p, points->moves, adjusted);
    for (size_t i = 0; i < points->moves; i++) {
        struct fl_move *move = &points->move[i];
        move->adjusted = adjusted[i];
        move->moved = adjusted[i] <= points->alpha; /* false of NAN */
        points->moved += move->moved;
        points->constant += move->shift.constant && !move->moved;
        points->cannot_tell += isnan(p[i]) ? 1 : 0;
        points->same += p[i] == 1 && move->shift.difference.value == 0 &&
                        isnan(move->shift.difference.low);
    }
    qsort(points->move, points->moves, sizeof *points->move, by_significance);
    free(adjusted);
    free(p);
}

/* --- the whole ------------------------------------------------------------------------------------- */

static bool read_grid(const struct fl_side *side, struct fl_grid *grid)
{
    if (!fl_rows_read(side->trace, side->directory, &grid->rows)) {
        return false;
    }
    grid->seed = fl_rows_integers(side->trace, side->directory, "/rows/seed", grid->rows.count);
    grid->first = fl_alloc(grid->rows.points, sizeof *grid->first);
    for (size_t i = 1; i < grid->rows.points; i++) {
        grid->first[i] = grid->first[i - 1] + grid->rows.runs[i - 1];
    }
    return grid->seed != NULL;
}

int fl_matched_compare(const struct fl_inputs *inputs, const char *metric, double alpha,
                       struct fl_matched *out)
{
    *out = (struct fl_matched){.alpha = alpha};
    for (int s = 0; s < FL_SIDES; s++) {
        if (!read_grid(&inputs->side[s], &out->grid[s])) {
            return EXIT_IO;
        }
    }
    out->looks = out->grid[0].rows.looks * out->grid[1].rows.looks;
    int status = fl_points_match(inputs, out);
    if (status == 0) {
        out->common_seeds = out->match[0].common;
        out->paired = out->common_seeds >= PAIRS_LEAST;
        status = compare_all(inputs, metric, out);
    }
    if (status == 0) {
        judge(out);
    }
    return status;
}

void fl_matched_free(struct fl_matched *points)
{
    for (int s = 0; s < FL_SIDES; s++) {
        fl_rows_free(&points->grid[s].rows);
        free(points->grid[s].seed);
        free(points->grid[s].first);
    }
    for (size_t m = 0; m < points->matches; m++) {
        free(points->match[m].partner);
    }
    free(points->match);
    free(points->move);
    free(points->word);
}

/* --- words for people ------------------------------------------------------------------------------ */

void fl_number_short(double value, bool sign, char out[FL_SIDE_TEXT])
{
    const double size = fabs(value);
    if (!isfinite(value)) {
        fl_say(out, FL_SIDE_TEXT, "-");
        return;
    }
    const int whole = size > 0 ? (int)floor(log10(size)) + 1 : 1;
    const int decimals = whole >= DIGITS             ? 0
                         : DIGITS - whole > DECIMALS ? DECIMALS
                                                     : DIGITS - whole;
    char text[NUMBER * 12];
    fl_say(text, sizeof text, "%.*f", decimals, size);
    char *end = text + strlen(text);
    while (strchr(text, '.') && end[-1] == '0') {
        *--end = '\0';
    }
    if (end[-1] == '.') {
        *--end = '\0';
    }
    struct fl_exact exact;
    char grouped[FL_EXACT_TEXT];
    if (fl_exact_read(text, &exact)) {
        fl_exact_text(exact, false, grouped);
    } else {
        fl_say(grouped, sizeof grouped, "%.5e", size);
    }
    const bool none = strcmp(grouped, "0") == 0;
    fl_say(out, FL_SIDE_TEXT, "%s%s", none ? "" : value < 0 ? "-" : sign ? "+" : "", grouped);
}
