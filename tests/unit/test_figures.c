/* analysis/loss.c, fan*.c and sequence*.c: what they leave for gnuplot against values worked out by hand
 * from small archives, and what they say of archives that they cannot use. */
#include "analysis/figure.h"
#include "analysis/quantity.h"
#include "sim/archive.h"
#include "sim/h5.h"
#include "tests/lib/archive_fixture.h"
#include "tests/lib/run.h"

#include <inttypes.h>
#include <math.h>
#include <sys/stat.h>

/* --- archives made by hand ------------------------------------------------------------------------ */

static void put_numbers(hid_t file, const char *path, const char *units, uint64_t count,
                        const int64_t *values)
{
    fake_put(file, path, units, FL_COLUMN_INT64, 8, count, values);
}

static void put_facts(hid_t file, const char *seed, const char *scenario)
{
    const int64_t version = 1;
    cr_assert(fl_h5_attribute(file, "format_version", H5T_NATIVE_INT64, &version) &&
              fl_h5_text(file, "scenario_resolved_json", scenario) &&
              fl_h5_text(file, "name", "hand made") && fl_h5_text(file, "seed", seed));
}

static void clean(const char *folder)
{
    static const char *const name[] = {
        "trace.h5",     "sweep.h5",     "loss.gp",      "loss.tsv",     "loss.png",
        "loss.svg",     "loss.pdf",     "fan.gp",       "fan.tsv",      "fan.png",
        "fan.svg",      "fan.pdf",      "gnuplot",      "sequence.gp",  "sequence.tsv",
        "sequence.png", "sequence.svg", "sequence.pdf", "summary.json", "build.json"};
    char path[2 * FAKE_PATH];
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        fake_path(folder, name[i], path);
        remove(path);
    }
    cr_expect_eq(rmdir(folder), 0, "%s holds something else", folder);
}

/* --- drawing --------------------------------------------------------------------------------------- */

static int draw(const char *kind, const char *folder, const char *metric, const char *format)
{
    char path[2 * FAKE_PATH];
    const struct fl_plot job = {.folder = &folder, .count = 1, .metric = metric, .format = format};
    return fl_plot(&job, kind, path, sizeof path);
}

static void expect_has(const char *folder, const char *file, const char *part)
{
    size_t bytes;
    char *text = fake_read(folder, file, &bytes);
    cr_expect_not_null(strstr(text, part), "expected \"%s\" in %s: %.3000s", part, file, text);
    free(text);
}

/* One line that says it; no file beside the archive. */
static void expect_refused(const struct fl_plot *job, const char *kind, int status,
                           const char *part)
{
    char said[4096] = "", path[2 * FAKE_PATH], name[64];
    FILE *talk = tmpfile();
    const int usual = dup(STDERR_FILENO);
    fflush(stderr);
    dup2(fileno(talk), STDERR_FILENO);
    const int got = fl_plot(job, kind, path, sizeof path);
    fflush(stderr);
    dup2(usual, STDERR_FILENO);
    close(usual);
    rewind(talk);
    said[fread(said, 1, sizeof said - 1, talk)] = '\0';
    fclose(talk);
    cr_expect_eq(got, status, "%d: %s", got, said);
    cr_expect_not_null(strstr(said, part), "expected \"%s\" in: %s", part, said);
    const char *end = strchr(said, '\n');
    cr_expect(end && end[1] == '\0', "not one line: %s", said);
    static const char *const after[] = {"gp", "tsv", "png", "png.tmp"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s.%s", kind, after[i]);
        cr_expect_not(fake_exists(job->folder[0], name), "%s", name);
    }
}

/* Twice the same bytes in each format, and not nothing. */
static void expect_repeats(const char *kind, const char *folder, const char *metric)
{
    static const char *const formats[] = {"png", "svg", "pdf"};
    for (int i = 0; i < 3; i++) {
        char name[64];
        size_t bytes[2];
        char *picture[2];
        snprintf(name, sizeof name, "%s.%s", kind, formats[i]);
        for (int k = 0; k < 2; k++) {
            cr_assert_eq(draw(kind, folder, metric, formats[i]), 0);
            picture[k] = fake_read(folder, name, &bytes[k]);
        }
        cr_expect_gt(bytes[0], 3000, "%s", name);
        cr_expect(bytes[0] == bytes[1] && memcmp(picture[0], picture[1], bytes[0]) == 0, "%s",
                  name);
        free(picture[0]);
        free(picture[1]);
    }
}

/* Row `row` of block `block` of a table, as numbers; how many there are. Comments do not count. */
static int cells(const char *folder, const char *file, int block, int row, double out[32])
{
    size_t bytes;
    char *text = fake_read(folder, file, &bytes), *line = text;
    int at_block = 0, at_row = 0, count = 0;
    while (*line) {
        char *end = strchr(line, '\n');
        *end = '\0';
        if (*line == '\0' && end[1] == '\n') {
            at_block++;
            at_row = 0;
            end++;
        } else if (*line != '#') {
            if (at_block == block && at_row == row) {
                for (char *cell = line; *cell && count < 32;) out[count++] = strtod(cell, &cell);
            }
            at_row++;
        }
        line = end + 1;
    }
    free(text);
    return count;
}

/* --- words ----------------------------------------------------------------------------------------- */

Test(quantity, words)
{
    char text[FL_QUANTITY_TEXT], axis[FL_WORDING];
    fl_quantity_estimate((struct fl_estimate){2450543, 2012089, 2739719}, "USD", text);
    cr_expect_str_eq(text, "$2.45 M [2.01, 2.74]");
    fl_quantity_estimate((struct fl_estimate){-489012, NAN, INFINITY}, "USD", text);
    cr_expect_str_eq(text, "-$489 k");
    fl_quantity_estimate((struct fl_estimate){12.25, 9.5, 15}, "s", text);
    cr_expect_str_eq(text, "12.25 s [9.5, 15]");
    fl_quantity_estimate((struct fl_estimate){0.3, -0.138, 0.738}, "USD", text);
    cr_expect_str_eq(text, "$0.30 [-0.14, 0.74]");
    fl_quantity_estimate((struct fl_estimate){15.4, -0.3, 31.1}, "USD", text);
    cr_expect_str_eq(text, "$15 [0, 31]");
    fl_quantity_text(4, "USD", text);
    cr_expect_str_eq(text, "$4");
    fl_quantity_estimate((struct fl_estimate){0, 0, 0}, "USD", text);
    cr_expect_str_eq(text, "$0 [0, 0]");
    fl_quantity_text(999600, "USD", axis);
    cr_expect_str_eq(axis, "$1.00 M");
    cr_expect_eq(fl_quantity_axis(3.2e6, "USD", axis), 1e6);
    cr_expect_str_eq(axis, "$ million");
    fl_quantity_name("eth/ledger.bad_debt", axis);
    cr_expect_str_eq(axis, "bad debt");
}

/* --- losses ---------------------------------------------------------------------------------------- */

enum { POINTS = 3, SEEDS = 100, ROWS = POINTS * SEEDS };

/* At x = 2 seed number i loses i thousand dollars, 1 to 100; at x = 1 those above 60 lose a tenth of
 * that; at x = 4 all runs failed. Numbers are out of order. */
static void write_sweep(const char *folder, bool words)
{
    static int64_t x[ROWS], point[ROWS], replicate[ROWS], seed[ROWS], deficit[ROWS];
    const char verdict[ROWS] = "";
    for (int row = 0; row < ROWS; row++) {
        const int64_t number = (row % SEEDS * 37) % SEEDS + 1;
        point[row] = row / SEEDS;
        x[row] = INT64_C(1) << point[row];
        replicate[row] = row % SEEDS;
        seed[row] = 1000 + number;
        deficit[row] = point[row] == 1   ? number * 1000000000
                       : point[row] == 2 ? INT64_MIN
                       : number > 60     ? number * 100000000
                                         : 0;
    }
    const hid_t file = fl_h5_new();
    put_facts(file, "1", "{}");
    cr_assert(fl_h5_group(file, "/axes", NULL) && fl_h5_group(file, "/metrics", NULL) &&
              fl_h5_group(file, "/rows", NULL));
    put_numbers(file, "/axes/faults.stuck.count", "1", ROWS, x);
    put_numbers(file, "/rows/point", "1", ROWS, point);
    put_numbers(file, "/rows/replicate", "1", ROWS, replicate);
    put_numbers(file, "/rows/seed", "1", ROWS, seed);
    fake_put(file, "/metrics/checks.solvency", "text", FL_COLUMN_TEXT, 1, ROWS, verdict);
    if (!words) put_numbers(file, "/metrics/ledger.deficit", "1e-6 USD", ROWS, deficit);
    fake_publish(file, folder, "sweep.h5");
}

/* Of 1, 2, ..., 100: mean 50.5; the 95th and the 99th; the mean of the five largest, 98. Of the mean the
 * interval is 50.5 -+ 1.98422 * 29.0115 / 10 (Student, 99 degrees of freedom; R 4.3, qt(0.975, 99)).
 * The value at risk lies between the 90th and the 100th: P(B(100, 0.95) < 90) = 1.1 %, < 91: 2.8 %,
 * >= 100: 0.6 %, >= 99: 3.7 %. Wilson's for 60 of 100 is [0.502, 0.691] (Brown, Cai and DasGupta
 * 2001, by formula). */
Test(loss, a_sweep)
{
    char folder[FAKE_PATH];
    double row[32];
    fake_folder(folder);
    write_sweep(folder, false);
    cr_assert_eq(draw("loss", folder, NULL, "png"), 0);
    cr_expect(fake_exists(folder, "loss.png"));
    expect_has(folder, "loss.gp",
               "title_1 = 'With stuck.count = 2 the deficit is $50.5 k [44.7, 56.3] in the mean;'");
    expect_has(folder, "loss.gp",
               "'the worst twentieth of the seeds have $95.0 k [90.0, 100.0] or more, $98.0 k "
               "on average'");
    expect_has(folder, "loss.gp", "words_count = 2\n");
    expect_has(folder, "loss.gp", "'60 of 100 seeds lose nothing: 60 % [50, 69]'");
    expect_has(folder, "loss.gp", "'100 seeds, all lose'");
    expect_has(folder, "loss.gp", "2 of 3 points");
    expect_has(folder, "loss.gp", "100 runs that did not end well are left out");
    /* Statistics of the second row, in thousands: mean, VaR 95, ES 95, VaR 99. */
    const double value[] = {50.5, 95, 98, 99};
    for (int s = 0; s < 4; s++) {
        cr_assert_eq(cells(folder, "loss.tsv", 1, 4 + s, row), 5);
        cr_expect_eq(row[0], 2);
        cr_expect_float_eq(row[2], value[s], 1e-9, "%d: %g", s, row[2]);
    }
    /* Bars: 40 seeds with a loss from 6.1 to 10 thousand, 48 bars up to 100. */
    double seeds = 0, first = -1;
    for (int bar = 0; bar < 48; bar++) {
        cr_assert_eq(cells(folder, "loss.tsv", 0, bar, row), 5);
        first = first < 0 && row[4] > 0 ? row[2] : first;
        seeds += row[4];
    }
    cr_expect_eq(seeds, 40);
    cr_expect_float_eq(first, 3 * 100.0 / 48, 1e-6); /* 6.1 lies in the third */
    /* 96 of the second point's hundred lose 5 thousand or more; 40 of the first one's 6.1. */
    for (int end = 0; end < 2; end++) { /* of the step between 4 and 5 */
        cr_assert_eq(cells(folder, "loss.tsv", 3, 8 + end, row), 4);
        cr_expect_float_eq(row[0], 4 + end, 1e-9);
        cr_expect_float_eq(row[1], 0.96, 1e-9);
    }
    for (int end = 0; end < 2; end++) { /* nobody loses anything between 0 and 6.1 */
        cr_assert_eq(cells(folder, "loss.tsv", 2, 1 + end, row), 4);
        cr_expect_float_eq(row[0], end * 6.1, 1e-9);
        cr_expect_float_eq(row[1], 0.4, 1e-9);
        cr_expect_float_eq(row[2], 0.309, 0.0005); /* Wilson's for 40 of 100 */
        cr_expect_float_eq(row[3], 0.498, 0.0005);
    }
    expect_repeats("loss", folder, "ledger.deficit");
    clean(folder);
}

/* A sweep of one point, of as many seeds as there are deficits in millionths, with or without looks. */
static void write_point(const char *folder, const int64_t *deficit, uint64_t seeds,
                        const char *plan)
{
    int64_t number[256], zero[256] = {0};
    for (uint64_t i = 0; i < seeds; i++) number[i] = (int64_t)i;
    const hid_t file = fl_h5_new();
    put_facts(file, "1", "{}");
    cr_assert(fl_h5_text(file, "plan_json", plan) && fl_h5_group(file, "/axes", NULL) &&
              fl_h5_group(file, "/metrics", NULL) && fl_h5_group(file, "/rows", NULL));
    put_numbers(file, "/axes/nodes.keeper.count", "1", seeds, zero);
    put_numbers(file, "/rows/point", "1", seeds, zero);
    put_numbers(file, "/rows/replicate", "1", seeds, number);
    put_numbers(file, "/metrics/ledger.deficit", "1e-6 USD", seeds, deficit);
    fake_publish(file, folder, "sweep.h5");
}

static void expect_point(const int64_t *deficit, uint64_t seeds, const char *plan,
                         const char *first, const char *second)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    write_point(folder, deficit, seeds, plan);
    cr_assert_eq(draw("loss", folder, NULL, "png"), 0);
    expect_has(folder, "loss.gp", first);
    expect_has(folder, "loss.gp", second);
    clean(folder);
}

/* A twentieth of twelve seeds is less than one; where two of sixty lose, the value at risk is nothing. */
Test(loss, few_seeds_and_few_losses)
{
    int64_t deficit[60] = {[3] = 7250000, [11] = 2120000};
    expect_point(deficit, 12, "{}", "the worst of 12 seeds has $7.25'", "x_from = 0\n");
    expect_point(deficit, 60, "{}", "2 of 60 seeds have any, up to $7.25'", "lose nothing: 97 %");
}

/* Gains lie left of zero, and nobody lost anything. */
Test(loss, gains)
{
    int64_t deficit[30];
    for (int i = 0; i < 30; i++) deficit[i] = -1000000LL * (i + 11);
    expect_point(deficit, 30, "{}", "title_1 = 'No seed has any deficit at any of these points'",
                 "x_from = -40\n");
}

/* Wilson's for 15 of 30 at 95 % is [0.332, 0.668]; at 97.5 %, each of two looks, [0.309, 0.691]: by formula,
 * with z = 2.24140. */
Test(loss, looks_widen_intervals)
{
    int64_t deficit[30];
    for (int i = 0; i < 30; i++) deficit[i] = i < 15 ? 0 : 1000000;
    expect_point(deficit, 30, "{}", "50 % [33, 67]'", "seeds lose nothing");
    expect_point(deficit, 30, "{\"looks\": [15, 30]}", "50 % [31, 69]'", "seeds lose nothing");
}

/* Of twelve points eight: i * 11 / 7 to the nearest. */
Test(loss, eight_of_many_points)
{
    enum { MANY = 12 };
    char folder[FAKE_PATH];
    int64_t x[MANY], replicate[MANY] = {0}, deficit[MANY];
    for (int i = 0; i < MANY; i++) {
        x[i] = i;
        deficit[i] = i * 1000000;
    }
    fake_folder(folder);
    const hid_t file = fl_h5_new();
    put_facts(file, "1", "{}");
    cr_assert(fl_h5_group(file, "/axes", NULL) && fl_h5_group(file, "/metrics", NULL) &&
              fl_h5_group(file, "/rows", NULL));
    put_numbers(file, "/axes/nodes.keeper.agent.delay_s", "1", MANY, x);
    put_numbers(file, "/rows/point", "1", MANY, x);
    put_numbers(file, "/rows/replicate", "1", MANY, replicate);
    put_numbers(file, "/metrics/ledger.deficit", "1e-6 USD", MANY, deficit);
    fake_publish(file, folder, "sweep.h5");
    cr_assert_eq(draw("loss", folder, NULL, "png"), 0);
    expect_has(folder, "loss.gp", "array end_name[8] = ['0', '2', '3', '5', '6', '8', '9', '11']");
    expect_has(folder, "loss.gp", "'delay s = 11'");
    expect_has(folder, "loss.gp", "8 of 12 points");
    clean(folder);
}

Test(loss, refusals)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    const char *const one = folder, *const two[] = {folder, folder};
    struct fl_plot job = {.folder = &one, .count = 1, .format = "png"};
    expect_refused(&job, "loss", 3, "sweep.h5: No such file");
    write_sweep(folder, true);
    expect_refused(&job, "loss", 2, "none of its metrics is a number");
    job.metric = "checks.solvency";
    expect_refused(&job, "loss", 2, "--metric checks.solvency: words, not numbers");
    write_sweep(folder, false);
    job.metric = "ledger.deficits";
    expect_refused(&job, "loss", 2, "(did you mean \"ledger.deficit\"?)");
    job.at = &(double){1};
    expect_refused(&job, "loss", 2, "--as loss takes no --at: the distribution");
    job = (struct fl_plot){.folder = two, .count = 2, .format = "png"};
    expect_refused(&job, "loss", 2, "--as loss takes 1 results folder, not 2: ");
    clean(folder);
}

/* --- fans ------------------------------------------------------------------------------------------ */

enum { SAMPLES = 11, RUNS = 21 };

/* Sample i of seed s is s * i thousand dollars, and none at the first; a fault from 20 to 60 s. */
static void write_path(const char *folder, int64_t seed, int64_t fault_to, int64_t period,
                       const char *scenario)
{
    int64_t time[SAMPLES], value[SAMPLES];
    char number[32];
    for (int i = 0; i < SAMPLES; i++) {
        time[i] = i * period;
        value[i] = i == 0 ? INT64_MIN : seed * i * INT64_C(1000000000);
    }
    snprintf(number, sizeof number, "%" PRId64, seed);
    const int64_t from = 20 * FL_SECOND;
    const hid_t file = fl_h5_new();
    put_facts(file, number, scenario);
    cr_assert(fl_h5_group(file, "/series", NULL) && fl_h5_group(file, "/nodes", NULL) &&
              fl_h5_group(file, "/faults", NULL));
    put_numbers(file, "/series/time", "ns", SAMPLES, time);
    put_numbers(file, "/series/ledger.deficit", "1e-6 USD", SAMPLES, value);
    fake_put(file, "/nodes/group", "text", FL_COLUMN_TEXT, 9, 2, "validatorvalidator");
    fake_put(file, "/faults/name", "text", FL_COLUMN_TEXT, 4, 1, "dark");
    fake_put(file, "/faults/model", "text", FL_COLUMN_TEXT, 5, 1, "crash");
    fake_put(file, "/faults/group", "text", FL_COLUMN_TEXT, 9, 1, "validator");
    fake_put(file, "/faults/members", "text", FL_COLUMN_TEXT, 12, 1, "validator[1]");
    put_numbers(file, "/faults/from", "ns", 1, &from);
    put_numbers(file, "/faults/to", "ns", 1, &fault_to);
    fake_publish(file, folder, "trace.h5");
}

static const char *const same = "{\"duration_s\": 100, \"seed\": 9}";

struct fan_runs {
    char folder[RUNS][FAKE_PATH];
    const char *name[RUNS];
};

static void make_runs(struct fan_runs *runs)
{
    char scenario[128];
    for (int i = 0; i < RUNS; i++) {
        fake_folder(runs->folder[i]);
        runs->name[i] = runs->folder[i];
        snprintf(scenario, sizeof scenario, "{\"duration_s\": 100, \"seed\": %d}", i);
        write_path(runs->folder[i], i, 60 * FL_SECOND, 10 * FL_SECOND, scenario);
    }
}

static void remove_runs(const struct fan_runs *runs)
{
    for (int i = 0; i < RUNS; i++) clean(runs->folder[i]);
}

static int draw_fan(const struct fan_runs *runs, size_t count)
{
    char path[2 * FAKE_PATH];
    const struct fl_plot job = {
        .folder = runs->name, .count = count, .metric = "ledger.deficit", .format = "png"};
    return fl_plot(&job, "fan", path, sizeof path);
}

/* Seeds 0 to 20: 5, 25, 50, 75 and 95 % of them are 1, 5, 10, 15 and 19 exactly. The median's interval is
 * from the 6th to the 16th smallest: P(B(21, 1/2) < 6) = 1.3 %, < 7: 3.9 %. */
Test(fan, runs)
{
    struct fan_runs runs;
    double row[32];
    make_runs(&runs);
    cr_assert_eq(draw_fan(&runs, RUNS), 0);
    for (int i = 1; i < SAMPLES; i++) {
        const double expected[] = {10 * i, i,      5 * i,  10 * i, 15 * i, 19 * i,
                                   5 * i,  15 * i, 20 * i, 19 * i, 0};
        cr_assert_eq(cells(runs.folder[0], "fan.tsv", 0, i, row), 11);
        for (int c = 0; c < 11; c++)
            cr_expect_float_eq(row[c], expected[c], 1e-6, "row %d, cell %d: %g", i, c, row[c]);
    }
    cr_assert_eq(cells(runs.folder[0], "fan.tsv", 0, 0, row), 11);
    cr_expect(isnan(row[1]) && isnan(row[10]));
    expect_has(
        runs.folder[0], "fan.gp",
        "'Deficit after 1.7 minutes: median $100 k [50, 150]; nine of ten seeds have $10.0 k "
        "to $190 k'");
    expect_has(runs.folder[0], "fan.gp",
               "array fault[1] = ['1 of 2 validators down']\nfault_from_count = 1\n"
               "array fault_from[1] = [20]");
    expect_has(runs.folder[0], "fan.gp", "bands = 1\nlines = 3\n");
    /* Fewer than 20: each is a line. */
    cr_assert_eq(draw_fan(&runs, 3), 0);
    expect_has(runs.folder[0], "fan.gp", "bands = 0\nlines = 3\n");
    expect_has(runs.folder[0], "fan.gp", "median $10.0 k; the seeds have $0 to $20.0 k");
    cr_assert_eq(cells(runs.folder[0], "fan.tsv", 0, 10, row), 11);
    cr_expect(row[8] == 0 && row[9] == 10 && row[10] == 20);
    /* Windows that are not the same in all runs are counted, not shaded. */
    write_path(runs.folder[1], 1, 61 * FL_SECOND, 10 * FL_SECOND, same);
    cr_assert_eq(draw_fan(&runs, 3), 0);
    expect_has(runs.folder[0], "fan.gp", "fault_count = 0\n");
    expect_has(runs.folder[0], "fan.gp", "not shaded: 1 faults at times that differ");
    remove_runs(&runs);
}

/* At x = 1, 2 the seeds are those of the sweep above; x = 4 has none. */
Test(fan, a_sweep)
{
    char folder[FAKE_PATH];
    double row[32];
    fake_folder(folder);
    write_sweep(folder, false);
    cr_assert_eq(draw("fan", folder, NULL, "png"), 0);
    cr_assert_eq(cells(folder, "fan.tsv", 0, 1, row), 11);
    /* 27 * 37 is 99 modulo 100: replicate 27 has the largest. R's quantile of 1:100 by type 7: 5.95, 25.75, 50.5, 75.25, 95.05. */
    const double expected[] = {2, 5.95, 25.75, 50.5, 75.25, 95.05, 40, 61, 100, 99, 1};
    for (int c = 0; c < 11; c++) cr_expect_float_eq(row[c], expected[c], 1e-6, "%d: %g", c, row[c]);
    expect_has(
        folder, "fan.gp",
        "'Deficit at faults.stuck.count = 2: median $50.5 k [40.0, 61.0]; nine of ten seeds ");
    expect_has(folder, "fan.gp", "'replicate 27  $100 k'");
    expect_has(folder, "fan.gp", " · 100 failed runs left out'");
    expect_repeats("fan", folder, "ledger.deficit");
    /* Of two looks each interval misses 2.5 %: P(B(100, 0.5) <= 38) = 1.05 %, <= 39: 1.76 %. */
    char path[2 * FAKE_PATH];
    fake_path(folder, "sweep.h5", path);
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    cr_assert(file >= 0 && fl_h5_text(file, "plan_json", "{\"looks\": [50, 100]}"));
    cr_assert(H5Fclose(file) >= 0);
    cr_assert_eq(draw("fan", folder, NULL, "png"), 0);
    expect_has(folder, "fan.gp", "median $50.5 k [39.0, 62.0];");
    clean(folder);
}

Test(fan, refusals)
{
    struct fan_runs runs;
    make_runs(&runs);
    struct fl_plot job = {
        .folder = runs.name, .count = 2, .metric = "ledger.deficit", .format = "png"};
    write_path(runs.folder[1], 1, 60 * FL_SECOND, 10 * FL_SECOND, "{\"duration_s\": 101}");
    expect_refused(&job, "fan", 2,
                   "differ in \"duration_s\"; a fan chart is of runs that differ in "
                   "nothing but the seed");
    write_path(runs.folder[1], 1, 60 * FL_SECOND, 10 * FL_SECOND,
               "{\"seed\": 1, \"duration_s\": "
               "100, \"faults\": {}}");
    expect_refused(&job, "fan", 2, "differ in \"faults\"");
    write_path(runs.folder[1], 0, 60 * FL_SECOND, 10 * FL_SECOND, same);
    expect_refused(&job, "fan", 2, "are the same run: seed 0");
    write_path(runs.folder[1], 1, 60 * FL_SECOND, 11 * FL_SECOND, same);
    expect_refused(&job, "fan", 3, "has its samples at other times than");
    job.metric = "ledger.deficits";
    expect_refused(&job, "fan", 2, "no such series (did you mean \"ledger.deficit\"?)");
    job.metric = NULL;
    expect_refused(&job, "fan", 2, "--metric ledger.bad_debt:");
    job.metric = "ledger.deficit";
    job.count = 1;
    expect_refused(&job, "fan", 2, "needs two seeds and two samples, not 1 and 11");
    job.sweep = runs.folder[1];
    expect_refused(&job, "fan", 2, "--as fan takes no --sweep: how far");
    remove_runs(&runs);
}

/* --- sequences ------------------------------------------------------------------------------------- */

enum { MESSAGES = 7, MS = 1000000 };

/* Three members and a client. At 1.000 s node 2 goes down for 50 ms. Node 0 proposes at 0.99 and tells
 * both; they vote; the vote that node 1 sends to node 2 is lost. The client's message is no consensus. */
static void write_messages(const char *folder, bool with_messages)
{
    static const int64_t sent[MESSAGES] = {990, 990, 1000, 1000, 1005, 1010, 1010},
                         arrives[MESSAGES] = {1000, 1000, 1010, 1010, 1015, 1020, 1020},
                         from[MESSAGES] = {0, 0, 1, 1, 3, 1, 1},
                         to[MESSAGES] = {1, 2, 0, 2, 0, 0, 2},
                         family[MESSAGES] = {1, 1, 1, 1, 2, 1, 1},
                         kind[MESSAGES] = {1, 1, 2, 2, 64, 7, 7},
                         fate[MESSAGES] = {1, 2, 1, 2, 1, 1, 2};
    int64_t at[2][MESSAGES];
    const int64_t ends[] = {0, 2000 * (int64_t)MS}, edge[] = {1000 * (int64_t)MS, UINT32_MAX, 0};
    const int64_t recovery[] = {1050 * (int64_t)MS, 2, 0}, block[] = {990 * (int64_t)MS, 0, 5};
    const int64_t decided[][2] = {{1010 * (int64_t)MS, 1012 * (int64_t)MS}, {0, 1}, {5, 5}};
    const int64_t to_ns = 1050 * (int64_t)MS;
    for (int i = 0; i < MESSAGES; i++) {
        at[0][i] = sent[i] * MS;
        at[1][i] = arrives[i] * MS;
    }
    const hid_t file = fl_h5_new();
    put_facts(file, "4", "{}");
    cr_assert(fl_h5_text(file, "message_names",
                         "[{\"group\":\"member\",\"family\":1,\"kind\":1,\"name\":\"ASK\"},"
                         "{\"group\":\"member\",\"family\":1,\"kind\":2,\"name\":\"VOTE\"}]"));
    static const char *const groups[] = {
        "/series",       "/nodes",           "/faults",       "/checks",         "/events",
        "/events/fault", "/events/recovery", "/events/block", "/events/decided", "/messages"};
    for (size_t i = 0; i < 9 + (size_t)with_messages; i++)
        cr_assert(fl_h5_group(file, groups[i], NULL));
    put_numbers(file, "/series/time", "ns", 2, ends);
    fake_put(file, "/nodes/name", "text", FL_COLUMN_TEXT, 9, 4,
             "member[0]member[1]member[2]client[0]");
    fake_put(file, "/nodes/group", "text", FL_COLUMN_TEXT, 6, 4, "membermembermemberclient");
    fake_put(file, "/faults/name", "text", FL_COLUMN_TEXT, 4, 1, "dark");
    fake_put(file, "/faults/model", "text", FL_COLUMN_TEXT, 5, 1, "crash");
    fake_put(file, "/faults/members", "text", FL_COLUMN_TEXT, 9, 1, "member[2]");
    put_numbers(file, "/faults/to", "ns", 1, &to_ns);
    fake_put(file, "/checks/name", "text", FL_COLUMN_TEXT, 1, 0, "");
    fake_put(file, "/checks/verdict", "text", FL_COLUMN_TEXT, 1, 0, "");
    put_numbers(file, "/checks/time", "ns", 0, NULL);
    put_numbers(file, "/events/fault/time", "ns", 1, &edge[0]);
    put_numbers(file, "/events/fault/endpoint", "id", 1, &edge[1]);
    put_numbers(file, "/events/fault/fault", "id", 1, &edge[2]);
    put_numbers(file, "/events/recovery/time", "ns", 1, &recovery[0]);
    put_numbers(file, "/events/recovery/of_endpoint", "id", 1, &recovery[1]);
    put_numbers(file, "/events/recovery/fault", "id", 1, &recovery[2]);
    put_numbers(file, "/events/block/time", "ns", 1, &block[0]);
    put_numbers(file, "/events/block/endpoint", "id", 1, &block[1]);
    put_numbers(file, "/events/block/height", "id", 1, &block[2]);
    put_numbers(file, "/events/decided/time", "ns", 2, decided[0]);
    put_numbers(file, "/events/decided/endpoint", "id", 2, decided[1]);
    put_numbers(file, "/events/decided/height", "id", 2, decided[2]);
    if (with_messages) {
        put_numbers(file, "/messages/sent", "ns", MESSAGES, at[0]);
        put_numbers(file, "/messages/arrives", "ns", MESSAGES, at[1]);
        put_numbers(file, "/messages/from", "id", MESSAGES, from);
        put_numbers(file, "/messages/to", "id", MESSAGES, to);
        put_numbers(file, "/messages/family", "id", MESSAGES, family);
        put_numbers(file, "/messages/kind", "id", MESSAGES, kind);
        put_numbers(file, "/messages/fate", "id", MESSAGES, fate);
    }
    fake_publish(file, folder, "trace.h5");
}

/* Messages take 10 ms: 400 ms are shown, from 80 ms before the fault on. */
Test(sequence, a_run)
{
    /* sent, lane, under way, lanes, colour, lost */
    static const double arrow[][6] = {{-10, 0, 10, 1, 1, 0}, {-10, 0, 10, 2, 1, 1},
                                      {0, 1, 10, -1, 2, 0},  {0, 1, 10, 1, 2, 1},
                                      {10, 1, 10, -1, 3, 0}, {10, 1, 10, 1, 3, 1}};
    char folder[FAKE_PATH];
    double row[32];
    fake_folder(folder);
    write_messages(folder, true);
    cr_assert_eq(draw("sequence", folder, NULL, "png"), 0);
    for (int i = 0; i < 6; i++) {
        cr_assert_eq(cells(folder, "sequence.tsv", 0, i, row), 6);
        for (int c = 0; c < 6; c++)
            cr_expect_float_eq(row[c], arrow[i][c], 1e-9, "arrow %d, cell %d: %g", i, c, row[c]);
    }
    cr_expect_eq(cells(folder, "sequence.tsv", 0, 6, row), 0);
    cr_assert_eq(cells(folder, "sequence.tsv", 1, 0, row), 3); /* proposed */
    cr_expect(row[0] == -10 && row[1] == 0 && row[2] == 5);
    cr_assert_eq(cells(folder, "sequence.tsv", 3, 1, row), 3); /* decided by the second one */
    cr_expect(row[0] == 12 && row[1] == 1 && row[2] == 5);
    expect_has(folder, "sequence.gp", "array lane[3] = ['member[0]', 'member[1]', 'member[2]']");
    expect_has(folder, "sequence.gp", "array kind[3] = ['ASK', 'VOTE', 'kind 7']");
    expect_has(folder, "sequence.gp", "array spell_from[1] = [0]\n");
    expect_has(folder, "sequence.gp", "array spell_to[1] = [50]\n");
    expect_has(folder, "sequence.gp", "array spell_lane[1] = [2]\n");
    expect_has(folder, "sequence.gp", "x_from = -80\nx_to = 320\n");
    expect_has(folder, "sequence.gp", "array height[1] = [5]\n");
    /* The votes at 1.000 s are the first of their kind at or after the edge. */
    expect_has(folder, "sequence.gp", "'0 ns after fault \"dark\" begins the first VOTE is sent;");
    expect_has(folder, "sequence.gp", "1 block decided in 400 ms, 3 of 6 messages lost'");
    expect_has(folder, "sequence.gp", "not drawn: 1 of other layers");
    expect_repeats("sequence", folder, NULL);
    clean(folder);
}

Test(sequence, refusals)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    const char *const one = folder;
    struct fl_plot job = {.folder = &one, .count = 1, .format = "png"};
    write_messages(folder, false);
    expect_refused(&job, "sequence", 2,
                   "has no messages: run its scenario with \"trace\": "
                   "{\"detail\": \"messages\"}");
    write_messages(folder, true);
    double at = 1.5, span = 0.25;
    job.at = &at;
    job.span = &span;
    expect_refused(&job, "sequence", 2,
                   "no message of the consensus is sent from 1.45 to 1.7 s; its "
                   "7 messages are sent from 0.99 to 1.01 s");
    span = 0;
    expect_refused(&job, "sequence", 2, "--for 0: expected seconds above 0");
    clean(folder);
}

/* Runs a scenario with all its messages kept, and archives it. */
static struct fl_test_run archive_of(const char *scenario, const char *folder)
{
    const char *const detail = "trace={\"detail\": \"messages\"}";
    char hash[33];
    uint32_t failed;
    struct fl_test_run run = fl_test_run_file(scenario, &detail, 1, 1);
    fl_archive_content_hash(run.config, run.result, hash);
    char *summary = fl_summary_text(run.config, run.result, hash, &failed);
    cr_assert_null(fl_archive_write(run.config, run.result, hash, summary, folder));
    free(summary);
    return run;
}

/* The engine's own rows: all of the consensus within 40 usual flights of 30 ms around the first fault at
 * 10 s are drawn, no other, and what PBFT's model calls them is what is read there. */
Test(sequence, of_pbft)
{
    char folder[FAKE_PATH];
    double row[32];
    fake_folder(folder);
    struct fl_test_run run = archive_of("scenarios/pbft-leader-chase.json", folder);
    int arrows = 0, lost = 0;
    for (uint64_t i = 0; i < run.result->message_count; i++) {
        const struct fl_message_row *m = &run.result->message[i];
        const bool drawn = m->family == FL_CONSENSUS && m->sent >= 9760 * (int64_t)MS &&
                           m->sent < 10960 * (int64_t)MS;
        arrows += drawn;
        lost += drawn && m->fate == FL_DROPPED;
    }
    fl_test_run_free(&run);
    cr_assert_eq(draw("sequence", folder, NULL, "png"), 0);
    cr_expect_gt(arrows, 50);
    cr_expect_eq(cells(folder, "sequence.tsv", 0, arrows - 1, row), 6);
    cr_expect_eq(cells(folder, "sequence.tsv", 0, arrows, row), 0);
    char counts[64];
    snprintf(counts, sizeof counts, "%d of %d messages lost'", lost, arrows);
    expect_has(folder, "sequence.gp", counts);
    expect_has(folder, "sequence.gp", "begins the first VIEW-CHANGE is sent;");
    expect_has(folder, "sequence.gp",
               "array kind[8] = ['PRE-PREPARE', 'PREPARE', 'COMMIT', 'CHECKPOINT', "
               "'VIEW-CHANGE', 'NEW-VIEW', 'ASK-CHANGE', ");
    clean(folder);
}

/* Nobody fails: each broadcast goes to three others. Of a kind with m broadcasts, one of `every` leaves
 * ceil(m / every), for the least `every` that all arrows over 600 ask for. */
Test(sequence, one_broadcast_of_several)
{
    enum { KINDS = 18 };
    char folder[FAKE_PATH], path[2 * FAKE_PATH], says[64];
    double row[32], at = 5, span = 5;
    int said[KINDS] = {0}, all = 0, drawn = 0;
    fake_folder(folder);
    struct fl_test_run run = archive_of("scenarios/pbft-no-fault.json", folder);
    for (uint64_t i = 0; i < run.result->message_count; i++) {
        const struct fl_message_row *m = &run.result->message[i];
        if (m->family == FL_CONSENSUS && m->sent >= 4 * FL_SECOND && m->sent < 9 * FL_SECOND) {
            said[m->kind]++;
            all++;
        }
    }
    fl_test_run_free(&run);
    const int every = (all + 599) / 600;
    cr_assert_gt(every, 1);
    for (int kind = 0; kind < KINDS; kind++) {
        cr_assert_eq(said[kind] % 3, 0, "kind %d is no broadcast", kind);
        drawn += 3 * ((said[kind] / 3 + every - 1) / every);
    }
    const char *const one = folder;
    const struct fl_plot job = {
        .folder = &one, .count = 1, .format = "png", .at = &at, .span = &span};
    cr_assert_eq(fl_plot(&job, "sequence", path, sizeof path), 0);
    cr_expect_eq(cells(folder, "sequence.tsv", 0, drawn - 1, row), 6);
    cr_expect_eq(cells(folder, "sequence.tsv", 0, drawn, row), 0);
    snprintf(says, sizeof says, "of each kind one broadcast of %d is drawn", every);
    expect_has(folder, "sequence.gp", says);
    clean(folder);
}

/* Sixteen members, six of them down: four of these and eight others. */
Test(sequence, twelve_lanes)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    struct fl_test_run run = archive_of("scenarios/pbft-client-bug.json", folder);
    fl_test_run_free(&run);
    cr_assert_eq(draw("sequence", folder, NULL, "png"), 0);
    expect_has(folder, "sequence.gp", "12 of 16 nodes shown");
    expect_has(folder, "sequence.gp", "array lane[12] = ['validator[");
    expect_has(folder, "sequence.gp", "spell_count = 4\n");
    clean(folder);
}

/* --- failures -------------------------------------------------------------------------------------- */

/* A gnuplot that fails, or that is not there, leaves no picture and no temporary file. */
Test(figures, no_picture_without_gnuplot)
{
    static const char *const script[] = {"#!/bin/sh\nexit 1\n", "#!/bin/sh\n: >loss.png.tmp\n",
                                         NULL};
    char folder[FAKE_PATH], path[2 * FAKE_PATH];
    fake_folder(folder);
    write_sweep(folder, false);
    fake_path(folder, "gnuplot", path);
    setenv("PATH", folder, 1);
    for (size_t i = 0; i < 3; i++) {
        remove(path);
        if (script[i]) {
            FILE *file = fopen(path, "w");
            fputs(script[i], file);
            fclose(file);
            cr_assert_eq(chmod(path, 0755), 0);
        }
        cr_expect_eq(draw("loss", folder, NULL, "png"), 3);
        cr_expect_not(fake_exists(folder, "loss.png"));
        cr_expect_not(fake_exists(folder, "loss.png.tmp"));
    }
    clean(folder);
}
