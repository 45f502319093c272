/* Which points and runs of two sweeps belong together: points by the values of their axes, runs by
 * seed. */
#include "analysis/compare.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

/* --- points ---------------------------------------------------------------------------------------- */

/* `axes` if there is none. */
static size_t axis_named(const struct fl_rows *rows, const char *path)
{
    size_t i = 0;
    while (i < rows->axes && strcmp(rows->axis[i], path) != 0) {
        i++;
    }
    return i;
}

static const char *axis_value(const struct fl_rows *rows, size_t axis, size_t point)
{
    return rows->value[axis][point * rows->replicates];
}

/* A point by its values on the axes that both sweeps have. */
struct key {
    char *text;
    size_t point;
};

/* Numbers as such: 0.3 and 0.30 are one. Axes come in the same order in both sweeps. */
static char *key_text(const struct fl_rows *rows, const struct fl_rows *other, size_t point)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = fl_text_open(&text, &bytes);
    for (size_t i = 0; i < rows->axes; i++) {
        if (axis_named(other, rows->axis[i]) == other->axes) {
            continue;
        }
        const char *value = axis_value(rows, i, point);
        char *end;
        const double number = strtod(value, &end);
        if (end != value && *end == '\0') {
            fprintf(out, "%.17g\t", number + 0.0); /* not -0 */
        } else {
            fprintf(out, "%s\t", value);
        }
    }
    fl_text_close(out);
    return text;
}

static int by_key(const void *a, const void *b)
{
    const struct key *one = a, *other = b;
    return strcmp(one->text, other->text);
}

static struct key *sorted_keys(const struct fl_rows *rows, const struct fl_rows *other)
{
    struct key *keys = fl_alloc(rows->points, sizeof *keys);
    for (size_t i = 0; i < rows->points; i++) {
        keys[i] = (struct key){key_text(rows, other, i), i};
    }
    qsort(keys, rows->points, sizeof *keys, by_key);
    return keys;
}

static void free_keys(struct key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(keys[i].text);
    }
    free(keys);
}

/* The common axes must tell the points of each sweep apart. */
static bool tells_apart(const struct fl_inputs *inputs, int side, const struct key *keys,
                        const struct fl_rows *rows, const struct fl_rows *other)
{
    for (size_t i = 1; i < rows->points; i++) {
        if (by_key(&keys[i - 1], &keys[i]) == 0) {
            size_t axis = 0;
            while (axis < rows->axes && axis_named(other, rows->axis[axis]) < other->axes) {
                axis++;
            }
            fprintf(stderr,
                    "faultline: %s: points %zu and %zu are one for %s%s%s: both sweeps must "
                    "vary the same axes\n",
                    inputs->side[side].directory, keys[i - 1].point, keys[i].point,
                    inputs->side[1 - side].directory,
                    axis < rows->axes ? ", which has no axis " : "",
                    axis < rows->axes ? rows->axis[axis] : "");
            return false;
        }
    }
    return true;
}

static int by_point(const void *a, const void *b)
{
    const struct fl_match *one = a, *other = b;
    return (one->point[0] > other->point[0]) - (one->point[0] < other->point[0]);
}

static void match_keys(const struct key *a, const struct key *b, struct fl_matched *out)
{
    const size_t a_points = out->grid[0].rows.points, b_points = out->grid[1].rows.points;
    out->match = fl_alloc(a_points, sizeof *out->match);
    for (size_t i = 0, k = 0; i < a_points && k < b_points;) {
        const int order = by_key(&a[i], &b[k]);
        if (order == 0) {
            out->match[out->matches++] = (struct fl_match){.point = {a[i].point, b[k].point}};
        }
        i += order <= 0;
        k += order >= 0;
    }
    qsort(out->match, out->matches, sizeof *out->match, by_point);
    out->alone[0] = a_points - out->matches;
    out->alone[1] = b_points - out->matches;
}

/* --- seeds ----------------------------------------------------------------------------------------- */

struct seed {
    int64_t seed;
    size_t run;
};

static int by_seed(const void *a, const void *b)
{
    const struct seed *one = a, *other = b;
    return (one->seed > other->seed) - (one->seed < other->seed);
}

static struct seed *sorted_seeds(const struct fl_grid *grid, size_t point)
{
    const size_t runs = grid->rows.runs[point];
    struct seed *seeds = fl_alloc(runs, sizeof *seeds);
    for (size_t r = 0; r < runs; r++) {
        seeds[r] = (struct seed){grid->seed[grid->first[point] + r], r};
    }
    qsort(seeds, runs, sizeof *seeds, by_seed);
    return seeds;
}

/* For each run of A at a pair of points the run of B with the same seed, or FL_NO_PARTNER. */
static void find_partners(const struct fl_matched *points, struct fl_match *match)
{
    const struct fl_grid *a = &points->grid[0], *b = &points->grid[1];
    const size_t a_runs = a->rows.runs[match->point[0]], b_runs = b->rows.runs[match->point[1]];
    struct seed *one = sorted_seeds(a, match->point[0]), *other = sorted_seeds(b, match->point[1]);
    match->partner = fl_alloc(a_runs, sizeof *match->partner);
    for (size_t i = 0, k = 0; i < a_runs; i++) {
        while (k < b_runs && other[k].seed < one[i].seed) {
            k++;
        }
        const bool common = k < b_runs && other[k].seed == one[i].seed;
        match->partner[one[i].run] = common ? (int64_t)other[k].run : FL_NO_PARTNER;
        match->common += common;
    }
    free(one);
    free(other);
}

/* --- the whole ------------------------------------------------------------------------------------- */

int fl_points_match(const struct fl_inputs *inputs, struct fl_matched *out)
{
    const struct fl_rows *a = &out->grid[0].rows, *b = &out->grid[1].rows;
    struct key *one = sorted_keys(a, b), *other = sorted_keys(b, a);
    int status = EXIT_USAGE;
    if (tells_apart(inputs, 0, one, a, b) && tells_apart(inputs, 1, other, b, a)) {
        match_keys(one, other, out);
        status = out->matches > 0 ? 0 : EXIT_USAGE;
        if (status != 0) {
            fprintf(stderr, "faultline: %s and %s have no point in common\n",
                    inputs->side[0].directory, inputs->side[1].directory);
        }
    }
    for (size_t m = 0; m < out->matches; m++) {
        find_partners(out, &out->match[m]);
    }
    free_keys(one, a->points);
    free_keys(other, b->points);
    return status;
}

/* --- words for people ------------------------------------------------------------------------------ */

/* The last word of a path: "faults.stuck.to_s" is "to_s", as long as no other axis ends so. */
static const char *short_name(const struct fl_rows *rows, size_t axis)
{
    const char *dot = strrchr(rows->axis[axis], '.');
    for (size_t i = 0; dot && i < rows->axes; i++) {
        const char *other = strrchr(rows->axis[i], '.');
        if (i != axis && other && strcmp(dot, other) == 0) {
            return rows->axis[axis];
        }
    }
    return dot ? dot + 1 : rows->axis[axis];
}

void fl_point_text(const struct fl_rows *rows, size_t point, char out[FL_POINT_TEXT])
{
    fl_say(out, FL_POINT_TEXT, rows->axes > 0 ? "" : "the only point");
    for (size_t i = 0; i < rows->axes; i++) {
        const size_t used = strlen(out);
        fl_say(out + used, FL_POINT_TEXT - used, "%s%s %s", i > 0 ? ", " : "", short_name(rows, i),
               axis_value(rows, i, point));
    }
}
