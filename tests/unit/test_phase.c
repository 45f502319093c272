/* analysis/phase*.c: the phase diagram of sweeps made by hand, and what it says of sweeps it cannot draw. */
#include "analysis/figure.h"
#include "analysis/phase_figure.h"
#include "sim/h5.h"
#include "tests/lib/archive_fixture.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <math.h>

/* --- sweeps made by hand --------------------------------------------------------------------------- */

enum { COLUMNS = 5, LEVELS = 3, SEEDS = 10, ROWS = COLUMNS * LEVELS * SEEDS };

/* What is unusual about a sweep. */
enum what {
    NOTHING,
    ORDERED,  /* one sequencer, no votes */
    WEIGHTED, /* votes that weigh */
    FALLING,  /* less is lost the higher y is */
    A_MARGIN, /* y is no time, x no count */
    HEIGHTS,  /* that are above 0 everywhere */
    A_CRASH,  /* one run did not end well */
    ONE_AXIS,
    WORDS,    /* on an axis */
    THE_SAME, /* x has one value only */
    A_HOLE,   /* a cell twice, another never */
    ONE_SEED,
    NO_METRIC
};

static void put_head(hid_t file, enum what what)
{
    char text[1024];
    const int64_t version = 1;
    snprintf(text, sizeof text,
             "{\"name\": \"hand\", \"nodes\": {\"validator\": {\"count\": 7, %s\"consensus\": "
             "{\"model\": \"%s\"}}}, \"faults\": {\"byzantine\": {\"model\": \"mute\", \"group\": "
             "\"validator\", \"count\": 1}}}",
             what == WEIGHTED ? "\"power\": [9, 1, 1, 1, 1, 1, 1], " : "",
             what == ORDERED ? "ordered" : "pbft");
    cr_assert(fl_h5_attribute(file, "format_version", H5T_NATIVE_INT64, &version));
    cr_assert(fl_h5_text(file, "scenario_resolved_json", text));
    cr_assert(fl_h5_text(file, "name", "it's made"));
    cr_assert(fl_h5_text(file, "seed", "41"));
    cr_assert(fl_h5_group(file, "/axes", NULL) && fl_h5_group(file, "/metrics", NULL) &&
              fl_h5_group(file, "/rows", NULL));
}

/* Seven validators, 0 to 4 of them faulty; prices 5, 50 and 500 seconds old. Below n/3 nobody loses at 5
 * seconds, seeds 4 to 9 lose 1 to 6 million at 50 and all 10 million at 500; from 3 on all lose 7 million. */
static int64_t loss_of(int f, int level, int seed, enum what what)
{
    const int high = what == FALLING ? LEVELS - 1 - level : level;
    if (f >= 3) return INT64_C(7000000000000);
    return high == 0   ? 0
           : high == 2 ? INT64_C(10000000000000)
                       : (seed > 3 ? seed - 3 : 0) * INT64_C(1000000000000);
}

static void write_sweep(const char *folder, enum what what)
{
    static const int64_t level_ms[LEVELS] = {5000, 50000, 500000};
    static int64_t point[ROWS], replicate[ROWS], count[ROWS], by[ROWS], usd[ROWS], height[ROWS];
    static char words[ROWS][6], margin[ROWS][8];
    const int seeds = what == ONE_SEED ? 1 : SEEDS, rows = COLUMNS * LEVELS * seeds;
    for (int row = 0; row < rows; row++) {
        const int f = row / seeds / LEVELS, level = row / seeds % LEVELS, seed = row % seeds;
        point[row] = row / seeds;
        replicate[row] = seed;
        count[row] = what == THE_SAME ? 2 : f;
        by[row] = what == A_HOLE && f == 0 && level == 1 ? level_ms[0] : level_ms[level];
        height[row] = f + (what == HEIGHTS);
        usd[row] = loss_of(f, level, seed, what);
        snprintf(margin[row], sizeof margin[row], "0.0%d", level + 1);
        memcpy(words[row], "holds", 6);
    }
    usd[12] = what == A_CRASH ? INT64_MIN : usd[12];
    const uint64_t n = (uint64_t)rows;
    const hid_t file = fl_h5_new();
    put_head(file, what);
    fake_put(file, "/rows/point", "id", FL_COLUMN_INT64, 8, n, point);
    fake_put(file, "/rows/replicate", "id", FL_COLUMN_INT64, 8, n, replicate);
    if (what == A_MARGIN)
        fake_put(file, "/axes/nodes.trader.count", "1", FL_COLUMN_INT64, 8, n, count);
    else if (what == WORDS)
        fake_put(file, "/axes/faults.byzantine.model", "text", FL_COLUMN_TEXT, 6, n, words);
    else
        fake_put(file, "/axes/faults.byzantine.count", "1", FL_COLUMN_INT64, 8, n, count);
    if (what == A_MARGIN)
        fake_put(file, "/axes/contracts.exchange.maintenance_margin", "text", FL_COLUMN_TEXT, 8, n,
                 margin);
    else if (what != ONE_AXIS)
        fake_put(file, "/axes/faults.oracle-staleness.by_ms", "1", FL_COLUMN_INT64, 8, n, by);
    fake_put(file, "/metrics/checks.solvency", "text", FL_COLUMN_TEXT, 6, n, words);
    fake_put(file, "/metrics/consensus.height", "1", FL_COLUMN_INT64, 8, n, height);
    if (what != NO_METRIC)
        fake_put(file, "/metrics/ledger.bad_debt", "1e-6 USD", FL_COLUMN_INT64, 8, n, usd);
    fake_publish(file, folder, "sweep.h5");
}

static const char *const drawn[] = {"phase.png",       "phase.svg",      "phase.pdf",
                                    "phase-cells.tsv", "phase-rows.tsv", "phase-lines.tsv",
                                    "phase.gp"};
enum { DRAWN = sizeof drawn / sizeof *drawn, FORMATS = 3 };

static void clean(const char *folder)
{
    char path[2 * FAKE_PATH];
    for (int i = 0; i < DRAWN; i++) {
        fake_path(folder, drawn[i], path);
        remove(path);
    }
    fake_path(folder, "sweep.h5", path);
    remove(path);
    cr_expect_eq(rmdir(folder), 0, "%s holds something else", folder);
}

/* --- what is read ---------------------------------------------------------------------------------- */

/* Between neighbours a logarithmic axis has its edges at their geometric mean. */
static void expect_axes(const struct fl_phase *phase)
{
    const double edge[LEVELS + 1] = {sqrt(2.5), sqrt(250), sqrt(25000), sqrt(2500000)};
    cr_expect_str_eq(phase->x.label, "Byzantine validators");
    cr_expect_str_eq(phase->y.label, "oracle staleness");
    cr_assert_eq(phase->x.count, COLUMNS);
    cr_assert_eq(phase->y.count, LEVELS);
    cr_expect(phase->x.integers && !phase->x.time && !phase->x.logarithmic);
    cr_expect(phase->y.time && phase->y.logarithmic);
    for (int i = 0; i <= COLUMNS; i++) cr_expect_eq(phase->x.edge[i], i - 0.5);
    for (int i = 0; i <= LEVELS; i++) cr_expect_float_eq(phase->y.edge[i], edge[i], 1e-9);
    cr_expect_float_eq(fl_phase_edge(&phase->y, 50, false), sqrt(250), 1e-9);
    cr_expect_float_eq(fl_phase_edge(&phase->y, 50, true), sqrt(25000), 1e-9);
    cr_expect_float_eq(fl_phase_edge(&phase->y, sqrt(2500), false), sqrt(250), 1e-9);
    cr_expect_float_eq(fl_phase_edge(&phase->y, sqrt(25000), false), sqrt(sqrt(250) * sqrt(25000)),
                       1e-9);
    cr_expect_float_eq(fl_phase_edge(&phase->y, INFINITY, false), edge[LEVELS], 1e-9);
    cr_expect_float_eq(fl_phase_edge(&phase->y, -INFINITY, true), edge[0], 1e-9);
    cr_expect_float_eq(fl_phase_edge(&phase->x, 1.5, false), 1, 1e-12);
}

/* At 50 seconds ten seeds lose 0, 0, 0, 0, 1, ..., 6 million: mean 2.1, squares 91, so that the deviation
 * is sqrt((91 - 44.1) / 9), and Student's 2.262157 of nine degrees of freedom of it over sqrt(10) is
 * the half interval. Four seeds begin to lose at 500 seconds, six at 50: the median is 50, and the 2nd
 * to the 9th smallest, 95 % of ten, are 50 and 500. */
Test(phase, a_sweep)
{
    char folder[FAKE_PATH];
    struct fl_phase phase;
    fake_folder(folder);
    write_sweep(folder, NOTHING);
    cr_assert_eq(fl_phase_read(folder, NULL, &phase), 0);
    expect_axes(&phase);
    cr_expect_eq(phase.members, 7);
    cr_expect_float_eq(phase.third, 7.0 / 3, 1e-12);
    cr_expect_eq(phase.seeds, SEEDS);
    cr_expect_eq(phase.runs, ROWS);
    cr_expect_eq(phase.missing, 0);
    cr_expect_str_eq(phase.metric, "bad debt");
    cr_expect_str_eq(phase.unit, "$ million");
    const struct fl_phase_cell *cell = &phase.cell[2 * LEVELS + 1];
    const double half = 2.262157 * sqrt((91 - 44.1) / 9 / 10);
    cr_expect_eq(cell->hits, 6);
    cr_expect_eq(cell->runs, SEEDS);
    cr_expect_float_eq(cell->mean.value, 2.1, 1e-12);
    cr_expect_float_eq(cell->mean.low, 2.1 - half, 1e-5);
    cr_expect_float_eq(cell->mean.high, 2.1 + half, 1e-5);
    cr_expect_float_eq(phase.cell[3 * LEVELS].mean.value, 7, 1e-12);
    cr_expect(!phase.down);
    for (int x = 0; x < COLUMNS; x++) {
        cr_expect_eq(phase.onset[x].value, x < 3 ? 50 : 5);
        cr_expect_eq(phase.onset[x].low, x < 3 ? 50 : 5);
        cr_expect_eq(phase.onset[x].high, x < 3 ? 500 : 5);
    }
    fl_phase_free(&phase);
    clean(folder);
}

Test(phase, cuts_and_words)
{
    char folder[FAKE_PATH];
    struct fl_phase phase;
    fake_folder(folder);
    write_sweep(folder, NOTHING);
    cr_assert_eq(fl_phase_read(folder, NULL, &phase), 0);
    fl_phase_cut(&phase);
    fl_phase_say(&phase);
    const size_t column[] = {0, 2, 3},
                 row[] = {0, 1, 2}; /* none, the last below 7/3, the first beyond */
    cr_assert_eq(phase.columns, 3);
    cr_assert_eq(phase.rows, 3);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(phase.column[i].index, column[i]);
        cr_expect_eq(phase.row[i].index, row[i]);
        cr_expect(phase.column[i].label_x > 0 && phase.column[i].label_x < 1);
        cr_expect(phase.row[i].label_y > 0 && phase.row[i].label_y < 1);
    }
    cr_expect_str_eq(phase.column[1].label, "f = 2");
    cr_expect_str_eq(phase.row[2].label, "8.33 min");
    /* Nobody loses in three of five columns at the lowest of three levels. */
    cr_expect_str_eq(phase.calm, "no bad debt in any run");
    cr_expect_float_eq(phase.calm_x, 1.5 / 5, 1e-12);
    cr_expect_float_eq(phase.calm_y, 0.5 / 3, 1e-12);
    cr_expect_eq(phase.least, 0); /* the interval around 2.1 would end above, that around 0 is 0 */
    cr_expect_str_eq(phase.title[0],
                     "At f = 0 half of the runs end with bad debt from 50 seconds [50, 500] of "
                     "oracle staleness, at f = 2 from 50 seconds [50, 500];");
    cr_expect_str_eq(
        phase.title[1],
        "at f = 3 of 7, beyond n/3, all of them do at 5 s already: $7.0 M on average.");
    cr_expect_str_eq(phase.subtitle,
                     "sweep it's made, seed 41: 150 runs of scenario hand with n = 7, 5 × 3 "
                     "cells, the same 10 seeds in each; intervals at 95 %");
    fl_phase_free(&phase);
    clean(folder);
}

/* The line n/3 is for heads that vote. */
static void expect_no_theory(enum what what, const char *label)
{
    char folder[FAKE_PATH];
    struct fl_phase phase;
    fake_folder(folder);
    write_sweep(folder, what);
    cr_assert_eq(fl_phase_read(folder, NULL, &phase), 0);
    cr_expect_eq(phase.members, 0);
    cr_expect_str_eq(phase.x.label, label);
    fl_phase_cut(&phase);
    fl_phase_say(&phase);
    cr_expect_null(strstr(phase.title[1], "n/3"), "%s", phase.title[1]);
    cr_expect_eq(phase.column[1].index, (phase.x.count - 1) / 2);
    fl_phase_free(&phase);
    clean(folder);
}

Test(phase, no_line_without_votes)
{
    expect_no_theory(ORDERED, "byzantine, count");
    expect_no_theory(WEIGHTED, "byzantine, count");
}

/* What is no amount of anything is named before its value. With the smallest margin three or more lose, with
 * the largest all do. */
Test(phase, words_of_other_axes)
{
    char folder[FAKE_PATH];
    struct fl_phase phase;
    fake_folder(folder);
    write_sweep(folder, A_MARGIN);
    cr_assert_eq(fl_phase_read(folder, NULL, &phase), 0);
    fl_phase_cut(&phase);
    fl_phase_say(&phase);
    cr_expect_str_eq(phase.title[0],
                     "Half of the runs end with bad debt from trader, count = 3 [3, 3]");
    cr_expect_str_eq(
        phase.title[1],
        "at exchange, maintenance margin = 0.01, and at any value of trader, count at 0.03.");
    fl_phase_free(&phase);
    clean(folder);
}

/* Beyond n/3 nobody loses anything at 5 seconds, or no run ended well there. */
Test(phase, nothing_beyond_a_third)
{
    char folder[FAKE_PATH];
    struct fl_phase phase;
    fake_folder(folder);
    write_sweep(folder, NOTHING);
    cr_assert_eq(fl_phase_read(folder, NULL, &phase), 0);
    fl_phase_cut(&phase);
    struct fl_phase_cell *cell = &phase.cell[3 * LEVELS];
    cell->hits = 0;
    cell->mean = (struct fl_estimate){0, 0, 0};
    fl_phase_say(&phase);
    cr_expect_str_eq(phase.title[1], "at f = 3 of 7, beyond n/3, none of them does at 5 s.");
    *cell = (struct fl_phase_cell){.mean = {NAN, NAN, NAN}};
    fl_phase_say(&phase);
    cr_expect_str_eq(phase.title[1], "at f = 3 of 7, beyond n/3, no run ended well at 5 s.");
    fl_phase_free(&phase);
    clean(folder);
}

/* By name the margin comes first: it goes along the page; numbers as text are numbers. */
Test(phase, other_axes)
{
    expect_no_theory(A_MARGIN, "exchange, maintenance margin");
}

Test(phase, up_to_a_border)
{
    char folder[FAKE_PATH];
    struct fl_phase phase;
    fake_folder(folder);
    write_sweep(folder, FALLING);
    cr_assert_eq(fl_phase_read(folder, NULL, &phase), 0);
    cr_expect(phase.down);
    cr_expect_eq(phase.onset[0].value, 50);
    cr_expect_eq(phase.onset[0].low, 5);
    cr_expect_eq(phase.onset[0].high, 50);
    cr_expect_eq(phase.onset[4].value, 500);
    fl_phase_cut(&phase);
    fl_phase_say(&phase);
    cr_expect_not_null(strstr(phase.title[0], "up to 50 seconds [5, 50] of oracle staleness, at f"),
                       "%s", phase.title[0]);
    cr_expect_not_null(strstr(phase.title[1], "all of them do at 8.33 min already"), "%s",
                       phase.title[1]);
    fl_phase_free(&phase);
    clean(folder);
}

/* --- the figure ------------------------------------------------------------------------------------ */

static int plot(const char *folder, const char *metric, const char *format)
{
    char path[2 * FAKE_PATH];
    const char *const sweep[] = {folder};
    return fl_plot(
        &(struct fl_plot){.folder = sweep, .count = 1, .metric = metric, .format = format}, "phase",
        path, sizeof path);
}

static size_t lines_of(const char *text, const char *start)
{
    size_t count = 0;
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        count += *start ? strncmp(line, start, strlen(start)) == 0
                        : *line != '#' && *line != '\n' && *line;
    }
    return count;
}

Test(phase, a_figure_twice)
{
    char folder[FAKE_PATH];
    static const char *const format[FORMATS] = {"png", "svg", "pdf"};
    char *first[DRAWN];
    size_t bytes[DRAWN], again;
    fake_folder(folder);
    write_sweep(folder, NOTHING);
    for (int i = 0; i < FORMATS; i++) cr_assert_eq(plot(folder, NULL, format[i]), 0);
    for (int i = 0; i < DRAWN; i++) first[i] = fake_read(folder, drawn[i], &bytes[i]);
    for (int i = 0; i < FORMATS; i++) {
        cr_expect_gt(bytes[i], 8000, "%s", drawn[i]);
        cr_assert_eq(plot(folder, NULL, format[i]), 0);
    }
    for (int i = 0; i < DRAWN; i++) {
        char *now = fake_read(folder, drawn[i], &again);
        cr_expect(again == bytes[i] && memcmp(now, first[i], again) == 0, "%s", drawn[i]);
        free(now);
    }
    /* One line for each cell, one for each cell of the three rows; five columns of two corners for the
     * border and both ends of its interval, and around three bands of three levels. */
    cr_expect_eq(lines_of(first[3], ""), COLUMNS * LEVELS);
    cr_expect_eq(lines_of(first[4], ""), COLUMNS * LEVELS);
    cr_expect_eq(lines_of(first[5], ""), 3 * 2 * COLUMNS + 3 * 2 * LEVELS);
    cr_expect_not_null(strstr(first[3], "2\t50\t1.5\t2.5\t15.8113883\t158.113883\t2.1\t"), "%s",
                       first[3]);
    cr_expect_not_null(strstr(first[5], "2.5\t15.8113883\n2.5\t1.58113883\n"), "%s", first[5]);
    cr_expect_not_null(strstr(first[6], "members = 7; third = 2.33333333; theory = 1\n"));
    cr_expect_not_null(strstr(first[6], "subtitle = 'sweep it''s made, seed 41"));
    for (int i = 0; i < DRAWN; i++) free(first[i]);
    clean(folder);
}

/* A metric without a unit, of two axes of which neither is a time nor a count of faulty members. */
Test(phase, a_figure_of_something_else)
{
    char folder[FAKE_PATH];
    size_t bytes;
    fake_folder(folder);
    write_sweep(folder, A_MARGIN);
    cr_assert_eq(plot(folder, "consensus.height", "png"), 0);
    char *script = fake_read(folder, "phase.gp", &bytes);
    cr_expect_not_null(strstr(script, "measure = 'mean height'\n"), "%s", script);
    cr_expect_not_null(strstr(script, "theory = 0\n"));
    cr_expect_not_null(strstr(script, "bordered = 1\n"));
    cr_expect_not_null(strstr(script, "x_label = 'exchange, maintenance margin'\n"));
    cr_expect_not_null(strstr(script, "y_label = 'trader, count'\n"));
    free(script);
    clean(folder);
}

/* Seven validators and a height of one more than how many are silent: what is above 0 everywhere has no
 * border. */
Test(phase, without_a_border)
{
    char folder[FAKE_PATH];
    size_t bytes;
    fake_folder(folder);
    write_sweep(folder, HEIGHTS);
    cr_assert_eq(plot(folder, "consensus.height", "png"), 0);
    char *script = fake_read(folder, "phase.gp", &bytes);
    cr_expect_not_null(strstr(script, "bordered = 0\n"), "%s", script);
    cr_expect_not_null(
        strstr(script, "title_1 = 'Mean height is 1 at least, at f = 0 and 5 s;'\n"));
    cr_expect_not_null(strstr(script, "title_2 = '5 at most, at f = 4 and 5 s.'\n"));
    cr_expect_not_null(strstr(script, "calm = ''\n"));
    free(script);
    clean(folder);
}

/* --- what cannot be drawn -------------------------------------------------------------------------- */

static char *said_on_stderr(void)
{
    static char said[4096];
    fflush(stderr);
    FILE *talk = cr_get_redirected_stderr();
    said[fread(said, 1, sizeof said - 1, talk)] = '\0';
    return said;
}

/* One line that says where and what; nothing is drawn. */
static void expect_refused(enum what what, const char *metric, int status, const char *part)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    write_sweep(folder, what);
    fflush(stderr);
    cr_redirect_stderr();
    cr_expect_eq(plot(folder, metric, "png"), status);
    const char *said = said_on_stderr(), *end = strchr(said, '\n');
    cr_expect_not_null(strstr(said, part), "expected \"%s\" in: %s", part, said);
    cr_expect(end && end[1] == '\0', "more than one line: %s", said);
    for (int i = 0; i < DRAWN; i++) cr_expect(!fake_exists(folder, drawn[i]), "%s", drawn[i]);
    clean(folder);
}

Test(phase, refuses_one_axis)
{
    expect_refused(ONE_AXIS, NULL, 2, "sweep.h5: a phase diagram needs two axes, not 1");
}

Test(phase, refuses_words_on_an_axis)
{
    expect_refused(WORDS, NULL, 2,
                   "a phase diagram needs numbers on both axes: faults.byzantine.model is holds");
}

Test(phase, refuses_an_axis_of_one_value)
{
    expect_refused(THE_SAME, NULL, 2, "sweep.h5: faults.byzantine.count has one value only");
}

Test(phase, refuses_a_hole_in_the_grid)
{
    expect_refused(A_HOLE, NULL, 2,
                   "its points are no full grid over faults.byzantine.count and "
                   "faults.oracle-staleness.by_ms");
}

Test(phase, refuses_one_seed)
{
    expect_refused(ONE_SEED, NULL, 2, "sweep.h5: a phase diagram needs at least two replicates");
}

Test(phase, refuses_a_metric_that_is_not_there)
{
    expect_refused(NO_METRIC, NULL, 2, "--metric ledger.bad_debt: not in this sweep");
}

Test(phase, guesses_a_metric)
{
    expect_refused(NOTHING, "ledger.bad_dept", 2,
                   "not in this sweep (did you mean \"ledger.bad_debt\"?)");
}

Test(phase, refuses_a_metric_of_words)
{
    expect_refused(NOTHING, "checks.solvency", 2, "--metric checks.solvency: words, not numbers");
}

Test(phase, refuses_more_than_one_sweep)
{
    char path[64];
    const char *const two[] = {"a", "b"};
    fflush(stderr);
    cr_redirect_stderr();
    cr_expect_eq(fl_plot(&(struct fl_plot){.folder = two, .count = 2, .format = "png"}, "phase",
                         path, sizeof path),
                 2);
    cr_expect_str_eq(
        said_on_stderr(),
        "faultline: --as phase takes 1 results folder, not 2: phase diagram of a sweep "
        "over two numbers: a metric's mean in each cell, and the border beyond which "
        "half of the seeds have it above 0\n");
}

Test(phase, a_folder_without_a_sweep)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    fflush(stderr);
    cr_redirect_stderr();
    cr_expect_eq(plot(folder, NULL, "png"), 3);
    const char *said = said_on_stderr();
    cr_expect_not_null(strstr(said, "sweep.h5"), "%s", said);
    cr_expect(!fake_exists(folder, "phase.gp"));
    clean(folder);
}

/* Seed 2 of (0, 50 seconds) is left out of its cell, and of the border of its column. */
Test(phase, a_run_that_failed)
{
    char folder[FAKE_PATH];
    struct fl_phase phase;
    fake_folder(folder);
    write_sweep(folder, A_CRASH);
    cr_assert_eq(fl_phase_read(folder, NULL, &phase), 0);
    cr_expect_eq(phase.missing, 1);
    cr_expect_eq(phase.cell[1].runs, SEEDS - 1);
    cr_expect_float_eq(phase.cell[1].mean.value, 21.0 / 9, 1e-12);
    cr_expect_eq(phase.onset[0].value, 50);
    fl_phase_cut(&phase);
    fl_phase_say(&phase);
    cr_expect_not_null(strstr(phase.subtitle, ", of which 1 did not end well, 5 × 3 cells"), "%s",
                       phase.subtitle);
    fl_phase_free(&phase);
    fflush(stderr);
    cr_redirect_stderr();
    cr_expect_eq(plot(folder, NULL, "png"), 0);
    const char *said = said_on_stderr();
    cr_expect_not_null(strstr(said, "1 of 150 runs did not end well and are left out\n"), "%s",
                       said);
    clean(folder);
}
