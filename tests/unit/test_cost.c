/* analysis/cost*.c and paired.c: the statistics against figures from elsewhere, the figure of what
 * faults cost from archives made by hand, and what it says of archives it cannot use. */
#include "analysis/cost_figure.h"
#include "analysis/figure.h"
#include "sim/h5.h"
#include "tests/lib/archive_fixture.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <math.h>
#include <sys/wait.h>

/* --- statistics --------------------------------------------------------------------------------- */

/* Cushny and Peebles' hours of sleep, as Student (1908) used them; R 4.3, t.test(y, x, paired = TRUE)
 * on its data set `sleep`: mean 1.58, 95 % interval 0.7001142 to 2.4598858. */
Test(paired, mean_of_differences)
{
    const double x[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2};
    const double y[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
    const struct fl_estimate e = fl_paired_estimate(y, x, 10);
    cr_expect_float_eq(e.value, 1.58, 1e-12);
    cr_expect_float_eq(e.low, 0.7001142, 5e-8);
    cr_expect_float_eq(e.high, 2.4598858, 5e-8);
    const struct fl_estimate one = fl_mean_estimate(y, 1);
    cr_expect_eq(one.value, 1.9);
    cr_expect(isnan(one.low) && isnan(one.high));
}

/* The usual tables: 2nd to 9th of 10, 40th to 61st of 100; none of 5, since P(B(5, 1/2) = 0) is 1/32. */
Test(paired, median_between_order_statistics)
{
    double values[100];
    for (int i = 0; i < 100; i++) values[i] = (i * 37) % 100 + 1; /* 1 to 100, out of order */
    struct fl_estimate e = fl_median_estimate(values, 100);
    cr_expect_eq(e.value, 50.5);
    cr_expect_eq(e.low, 40);
    cr_expect_eq(e.high, 61);
    const double ten[] = {10, 1, 9, 2, 8, 3, 7, 4, 6, 5};
    e = fl_median_estimate(ten, 10);
    cr_expect_eq(e.low, 2);
    cr_expect_eq(e.high, 9);
    e = fl_median_estimate(ten, 5);
    cr_expect_eq(e.value, 8);
    cr_expect(isinf(e.low) && isinf(e.high));
}

Test(paired, what_did_not_happen_is_infinite)
{
    const double some[] = {3, INFINITY, 1, 2, INFINITY, 4, 5, 6, 7, 8};
    struct fl_estimate e = fl_median_estimate(some, 10);
    cr_expect_eq(e.value, 5.5);
    cr_expect_eq(e.low, 2);
    cr_expect_eq(e.high, INFINITY);
    const double most[] = {1, INFINITY, INFINITY, INFINITY};
    e = fl_median_estimate(most, 4);
    cr_expect_eq(e.value, INFINITY);
}

/* R's quantile(1:10, c(0.05, 0.5, 0.95)): 1.45, 5.5, 9.55. */
Test(paired, quantiles)
{
    const double ten[] = {10, 1, 9, 2, 8, 3, 7, 4, 6, 5};
    cr_expect_float_eq(fl_quantile(ten, 10, 0.05), 1.45, 1e-12);
    cr_expect_float_eq(fl_quantile(ten, 10, 0.5), 5.5, 1e-12);
    cr_expect_float_eq(fl_quantile(ten, 10, 0.95), 9.55, 1e-12);
    cr_expect_eq(fl_quantile(ten, 10, 1), 10);
    cr_expect_eq(fl_quantile(ten, 1, 0.3), 10);
}

Test(paired, first_reach)
{
    const double x[] = {0, 20, 30}, y[] = {1, 5, 4};
    cr_expect_float_eq(fl_first_reach(x, y, 3, 2), 5, 1e-12);
    cr_expect_eq(fl_first_reach(x, y, 3, 0.5), 0);
    cr_expect_eq(fl_first_reach(x, y, 3, 5), 20);
    cr_expect_eq(fl_first_reach(x, y, 3, 5.1), INFINITY);
}

/* --- archives made by hand ------------------------------------------------------------------------ */

enum { SAMPLES = 61, ENDS = 4, SEEDS = 10, ROWS = 2 * ENDS * SEEDS };

/* What an archive may have wrong. */
enum wrong {
    NOTHING,
    NO_DUE,
    NO_SUM,
    OTHER_TRADERS,
    OTHER_VALIDATORS,
    NO_METRIC,
    NO_END,
    CRASHED_ROW,
    HALF_A_GRID,
    TWICE_THE_SAME
};

static void put_scenario(hid_t file, const char *validators, const char *traders)
{
    char text[1024];
    const int64_t version = 1;
    snprintf(text, sizeof text,
             "{\"network\": {\"delay_ms\": 2}, \"contracts\": {\"exchange\": {\"margin\": 0.03}}, "
             "\"seed\": 1, \"duration_s\": 600, \"nodes\": {\"validator\": {\"count\": %s, "
             "\"consensus\": \"pbft\"}, \"trader\": {\"accounts\": %s}}, "
             "\"faults\": {\"stuck\": {\"from_s\": 120, \"to_s\": 360}}}",
             validators, traders);
    cr_assert(fl_h5_attribute(file, "format_version", H5T_NATIVE_INT64, &version));
    cr_assert(fl_h5_text(file, "scenario_resolved_json", text));
    cr_assert(fl_h5_text(file, "name", "hand made"));
    cr_assert(fl_h5_text(file, "seed", "1"));
}

/* A price that falls by a dollar a minute; with a fault, a loss of 7 million dollars of which the fund
 * pays two, and a latent one of 9 in the middle. */
static void put_series(hid_t file, bool fault, enum wrong wrong)
{
    static const struct {
        const char *path;
        int64_t first, slope, last; /* last: of the last sample, if there is a fault */
    } series[] = {
        {"/series/market.fundamental", 138000000, -166667, 128000000},
        {"/series/oracle.price", 138000000, -166667, 128000000},
        {"/series/oracle.valid", 1, 0, 1},
        {"/series/ledger.due", 0, 0, 0},
        {"/series/ledger.liquidated", 0, 1000000000000, 60000000000000},
        {"/series/ledger.insurance_fund", 2000000000000, 0, 0},
        {"/series/ledger.bad_debt", 0, 0, 5000000000000},
        {"/series/ledger.latent_bad_debt", 0, 0, 500000000000},
        {"/series/ledger.fund_paid", 0, 0, 2000000000000},
        {"/series/ledger.adl", 0, 0, 1000000000000},
        {"/series/ledger.socialised", 0, 0, 3000000000000},
        {"/series/ledger.outstanding", 0, 0, 1000000000000},
        {"/series/ledger.deficit", 0, 0, 7000000000000},
    };
    int64_t values[SAMPLES];
    cr_assert(fl_h5_group(file, "/series", NULL));
    for (int i = 0; i < SAMPLES; i++) values[i] = i * 10 * FL_SECOND;
    fake_put(file, "/series/time", "1", FL_COLUMN_INT64, 8, SAMPLES, values);
    for (size_t k = 0; k < sizeof series / sizeof *series; k++) {
        if (wrong == NO_DUE && strstr(series[k].path, "due")) continue;
        for (int i = 0; i < SAMPLES; i++) values[i] = series[k].first + i * series[k].slope;
        if (fault) values[SAMPLES - 1] = series[k].last;
        if (fault && strstr(series[k].path, "latent")) values[30] = 9000000000000;
        values[SAMPLES - 1] += wrong == NO_SUM && strstr(series[k].path, "adl") ? 1 : 0;
        fake_put(file, series[k].path, "1", FL_COLUMN_INT64, 8, SAMPLES, values);
    }
}

static void write_run(const char *folder, bool fault, enum wrong wrong)
{
    const char groups[] = "validatorvalidatorvalidatorvalidatortrader\0\0\0";
    const char members[2][28] = {"validator[0] validator[2]", "validator[0] trader[0]"};
    const int64_t from[2] = {120 * FL_SECOND, 120 * FL_SECOND},
                  to[2] = {360 * FL_SECOND, 300 * FL_SECOND};
    const uint64_t faults = fault ? 2 : 0;
    const hid_t file = fl_h5_new();
    put_scenario(file, wrong == OTHER_VALIDATORS ? "7" : "4", wrong == OTHER_TRADERS ? "8" : "9");
    put_series(file, fault, wrong);
    cr_assert(fl_h5_group(file, "/nodes", NULL) && fl_h5_group(file, "/faults", NULL));
    fake_put(file, "/nodes/group", "1", FL_COLUMN_TEXT, 9, 5, groups);
    fake_put(file, "/faults/name", "1", FL_COLUMN_TEXT, 5, faults, "stuckcrash");
    fake_put(file, "/faults/model", "1", FL_COLUMN_TEXT, 5, faults, "stuckcrash");
    fake_put(file, "/faults/group", "1", FL_COLUMN_TEXT, 9, faults, "validatorvalidator");
    fake_put(file, "/faults/members", "1", FL_COLUMN_TEXT, 28, faults, members);
    fake_put(file, "/faults/from", "1", FL_COLUMN_INT64, 8, faults, from);
    fake_put(file, "/faults/to", "1", FL_COLUMN_INT64, 8, faults, to);
    fake_publish(file, folder, "trace.h5");
}

/* Ends after 0, 2, 4 and 8 minutes; without the mitigation a seed loses its number and 100 dollars a
 * minute, with it half of that. The fund pays up to 300 dollars. */
static void write_sweep(const char *folder, enum wrong wrong)
{
    static const int64_t ends[ENDS] = {120, 240, 360, 600};
    static char margin[ROWS][4];
    int64_t end[ROWS], replicate[ROWS], deficit[ROWS], paid[ROWS], latent[ROWS], liquidated[ROWS];
    for (int row = 0; row < ROWS; row++) {
        const int arm = row / (ENDS * SEEDS), seed = row % SEEDS;
        end[row] = ends[row / SEEDS % ENDS];
        replicate[row] = seed;
        memcpy(margin[row], arm ? "0.06" : "0.03", 4);
        const int64_t minutes = (end[row] - 120) / 60;
        const int64_t usd = (seed + 100 * minutes) * 1000000 / (arm ? 2 : 1);
        latent[row] = usd / 10;
        deficit[row] = usd - latent[row];
        paid[row] = deficit[row] < 300000000 ? deficit[row] : 300000000;
        liquidated[row] = (arm ? 5000 + seed : 4000) * INT64_C(1000000);
    }
    deficit[7] = wrong == CRASHED_ROW ? INT64_MIN : deficit[7];
    replicate[1] = wrong == TWICE_THE_SAME ? 0 : 1;
    const uint64_t rows = wrong == HALF_A_GRID ? ROWS - 1 : ROWS;
    const hid_t file = fl_h5_new();
    put_scenario(file, "31", wrong == OTHER_TRADERS ? "8" : "9");
    cr_assert(fl_h5_group(file, "/axes", NULL) && fl_h5_group(file, "/metrics", NULL) &&
              fl_h5_group(file, "/rows", NULL));
    fake_put(file, "/axes/contracts.exchange.maintenance_margin", "1", FL_COLUMN_TEXT, 4, rows,
             margin);
    fake_put(file, wrong == NO_END ? "/axes/faults.stuck.count" : "/axes/faults.stuck.to_s", "1",
             FL_COLUMN_INT64, 8, rows, end);
    fake_put(file, "/rows/replicate", "1", FL_COLUMN_INT64, 8, rows, replicate);
    fake_put(file, "/metrics/ledger.deficit", "1", FL_COLUMN_INT64, 8, rows, deficit);
    fake_put(file, "/metrics/ledger.fund_paid", "1", FL_COLUMN_INT64, 8, rows, paid);
    fake_put(file, "/metrics/ledger.latent_bad_debt", "1", FL_COLUMN_INT64, 8, rows, latent);
    if (wrong != NO_METRIC)
        fake_put(file, "/metrics/ledger.liquidated", "1", FL_COLUMN_INT64, 8, rows, liquidated);
    fake_publish(file, folder, "sweep.h5");
}

static void clean(const char *folder)
{
    static const char *const name[] = {"trace.h5",         "sweep.h5", "cost-runs.tsv",
                                       "cost-minutes.tsv", "cost.gp",  "cost.png"};
    char path[2 * FAKE_PATH];
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        fake_path(folder, name[i], path);
        remove(path);
    }
    cr_expect_eq(rmdir(folder), 0, "%s holds something else", folder);
}

/* --- what is read ---------------------------------------------------------------------------------- */

Test(cost, a_run)
{
    char folder[FAKE_PATH];
    struct fl_cost_run run;
    fake_folder(folder);
    write_run(folder, true, NOTHING);
    cr_assert(fl_cost_read_run(folder, &run));
    /* Two of four validators: 0 by both faults, 2 by one. */
    cr_expect_str_eq(run.label, "2 of 4 validators (f ≥ n/3), 1 of 1 traders");
    const double loss[FL_BEARERS] = {2e6, 1e6, 3e6, 1e6, 0.5e6};
    for (int i = 0; i < FL_BEARERS; i++) cr_expect_float_eq(run.loss[i], loss[i], 1e-6);
    cr_expect_float_eq(run.latent_most, 9e6, 1e-6);
    fl_cost_free_run(&run);
    write_run(folder, false, NOTHING);
    cr_assert(fl_cost_read_run(folder, &run));
    cr_expect_str_eq(run.label, "no fault");
    fl_cost_free_run(&run);
    clean(folder);
}

/* Seeds 0 to 9 lose their number and 100 dollars a minute: the mean is 4.5 + 100 m, every paired
 * difference 100 m exactly. Nine tenths of a loss are a deficit, so that the fund's 300 dollars do not
 * suffice from 4 minutes on, and are reached at (300 - seed) / 100 minutes, the median of which is
 * 2.955, between the 2nd and the 9th: 2.92 and 2.99. */
Test(cost, a_sweep)
{
    char folder[FAKE_PATH], text[FL_COST_TEXT];
    struct fl_cost_sweep sweep;
    fake_folder(folder);
    write_sweep(folder, NOTHING);
    cr_assert(fl_cost_read_sweep(folder, &sweep));
    cr_expect_str_eq(sweep.fault, "stuck");
    cr_expect_str_eq(sweep.axis, "maintenance margin");
    cr_expect_eq(sweep.points, ENDS);
    cr_expect_eq(sweep.seeds, SEEDS);
    cr_expect_eq(sweep.arms, 2);
    cr_expect_eq(sweep.headline, 2); /* the scenario's own end, 360 s */
    const double minutes[ENDS] = {0, 2, 4, 8};
    for (int i = 0; i < ENDS; i++) {
        cr_expect_float_eq(sweep.minutes[i], minutes[i], 1e-12);
        cr_expect_float_eq(sweep.arm[0].loss[i].value, 4.5 + 100 * minutes[i], 1e-9);
        cr_expect_float_eq(sweep.arm[0].least[i], 0.45 + 100 * minutes[i], 1e-9);
        cr_expect_float_eq(sweep.arm[1].most[i], (8.55 + 100 * minutes[i]) / 2, 1e-9);
    }
    const struct fl_cost_arm *arm = &sweep.arm[0];
    cr_expect_float_eq(arm->headline.value, 400, 1e-9);
    cr_expect_float_eq(arm->headline.high, 400, 1e-9);
    cr_expect_float_eq(arm->without, 4.5, 1e-9);
    cr_expect_float_eq(arm->survives.value, 2.955, 1e-9);
    cr_expect_float_eq(arm->survives.low, 2.92, 1e-9);
    cr_expect_float_eq(arm->survives.high, 2.99, 1e-9);
    cr_expect_float_eq(arm->fund, 300, 1e-9);
    /* Half the loss: 300 dollars are reached at (600 - seed) / 100 minutes. */
    cr_expect_str_eq(sweep.arm[1].value, "0.06");
    cr_expect_float_eq(sweep.arm[1].survives.value, 5.955, 1e-9);
    cr_expect_float_eq(sweep.extra.value, 1004.5, 1e-9);
    fl_estimate_money((struct fl_estimate){3314159, 3201000, 3427000}, text);
    cr_expect_str_eq(text, "$3.31 M [3.20, 3.43]");
    fl_estimate_money((struct fl_estimate){0, 0, 0}, text);
    cr_expect_str_eq(text, "$0 [0, 0]");
    fl_cost_free_sweep(&sweep);
    clean(folder);
}

/* --- the figure ------------------------------------------------------------------------------------ */

struct folders {
    char calm[FAKE_PATH], fault[FAKE_PATH], sweep[FAKE_PATH], figure[FAKE_PATH];
};

static void make_folders(struct folders *f, enum wrong of_run, enum wrong of_sweep)
{
    fake_folder(f->calm);
    fake_folder(f->fault);
    fake_folder(f->sweep);
    fake_folder(f->figure);
    write_run(f->calm, false, NOTHING);
    write_run(f->fault, true, of_run);
    write_sweep(f->sweep, of_sweep);
}

static void remove_folders(const struct folders *f)
{
    clean(f->calm);
    clean(f->fault);
    clean(f->sweep);
    clean(f->figure);
}

static int plot(const struct folders *f, const char *format)
{
    char path[2 * FAKE_PATH];
    const char *const run[] = {f->calm, f->fault};
    return fl_plot(
        &(struct fl_plot){
            .folder = run, .count = 2, .sweep = f->sweep, .directory = f->figure, .format = format},
        "cost", path, sizeof path);
}

static size_t file_bytes(const char *folder, const char *name, char *start, size_t room)
{
    char path[2 * FAKE_PATH];
    fake_path(folder, name, path);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    start[fread(start, 1, room - 1, file)] = '\0';
    fseek(file, 0, SEEK_END);
    const long bytes = ftell(file);
    fclose(file);
    return (size_t)bytes;
}

Test(cost, a_figure)
{
    struct folders f;
    char text[4096] = "";
    make_folders(&f, NOTHING, NOTHING);
    cr_assert_eq(plot(&f, "png"), 0);
    cr_expect_gt(file_bytes(f.figure, "cost.png", text, sizeof text), 10000);
    cr_assert_gt(file_bytes(f.figure, "cost.gp", text, sizeof text), 2000);
    cr_expect_not_null(strstr(text, "4 minutes of stale prices cost $400 [400, 400],'"), "%s",
                       text);
    cr_expect_not_null(
        strstr(text, "'no fault $4.50; the insurance fund survives 3 minutes [3, 3].'"), "%s",
        text);
    remove_folders(&f);
}

/* One line that says where and what; nothing is drawn, nothing is half written. */
static void expect_refused(enum wrong of_run, enum wrong of_sweep, const char *part)
{
    struct folders f;
    char said[4096] = "", text[64];
    make_folders(&f, of_run, of_sweep);
    fflush(stderr);
    cr_redirect_stderr();
    cr_expect_eq(plot(&f, "png"), 3);
    fflush(stderr);
    FILE *talk = cr_get_redirected_stderr();
    said[fread(said, 1, sizeof said - 1, talk)] = '\0';
    cr_expect_not_null(strstr(said, part), "expected \"%s\" in: %s", part, said);
    const char *end = strchr(said, '\n');
    cr_expect(end && end[1] == '\0', "more than one line: %s", said);
    cr_expect_eq(file_bytes(f.figure, "cost.gp", text, sizeof text), 0);
    cr_expect_eq(file_bytes(f.figure, "cost.png", text, sizeof text), 0);
    remove_folders(&f);
}

Test(cost, refuses_a_run_without_a_series)
{
    expect_refused(NO_DUE, NOTHING, "trace.h5: there is no /series/ledger.due");
}

Test(cost, refuses_losses_that_do_not_add_up)
{
    expect_refused(NO_SUM, NOTHING, "differs from ledger.deficit by 1 micro-USD");
}

Test(cost, refuses_runs_that_differ_in_more_than_faults)
{
    expect_refused(OTHER_VALIDATORS, NOTHING, "differ in \"nodes.validator\"; runs of this figure");
}

Test(cost, refuses_a_sweep_of_another_scenario)
{
    expect_refused(NOTHING, OTHER_TRADERS, "is a sweep of another scenario: it differs from");
}

Test(cost, refuses_a_sweep_without_a_metric)
{
    expect_refused(NOTHING, NO_METRIC, "sweep.h5: there is no /metrics/ledger.liquidated");
}

Test(cost, refuses_a_sweep_over_something_else)
{
    expect_refused(NOTHING, NO_END, "expected one axis faults.NAME.to_s and at most one other");
}

Test(cost, refuses_a_sweep_with_a_failed_row)
{
    expect_refused(NOTHING, CRASHED_ROW, "row 7 did not end well");
}

Test(cost, refuses_a_part_of_a_grid)
{
    expect_refused(NOTHING, HALF_A_GRID, "expected a full grid");
}

Test(cost, refuses_two_rows_of_one_cell)
{
    expect_refused(NOTHING, TWICE_THE_SAME, "row 1 is of the point and replicate of another");
}

Test(cost, a_timeline_is_of_one_run)
{
    char command[256], said[256] = "";
    const char *build = getenv("FL_BUILD");
    snprintf(command, sizeof command, "%s/faultline plot a b 2>&1", build ? build : "build");
    FILE *talk = popen(command, "r");
    cr_assert_not_null(talk);
    said[fread(said, 1, sizeof said - 1, talk)] = '\0';
    const int status = pclose(talk);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    cr_expect_str_eq(said, "faultline: --as timeline takes 1 results folder, not 2: prices, "
                           "liquidations and who bears the loss, over the time of one run\n");
}
