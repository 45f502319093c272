/* analysis/rows.c and stats.c: what `faultline stats` says of sweeps made by hand. The estimators
 * themselves are in test_estimate.c. */
#include "analysis/analysis.h"
#include "sim/h5.h"
#include "tests/lib/archive_fixture.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <math.h>

/* Cushny and Peebles' hours of sleep, as Student (1908) used them: ten patients, two drugs. Here ten
 * seeds at two points, the hours in USD. */
enum { POINTS = 2, SEEDS = 10, ROWS = POINTS * SEEDS };
static const double sleep_hours[ROWS] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0,   2,
                                         1.9, 0.8,  1.1,  0.1,  -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};

enum wrong { NOTHING, FALLING, PARTED, A_CRASH, ORDER, UNIT, SHORT_METRIC, ONLY_WORDS, LOOKS, GAP };
enum { SEEDS_AT_A_LOOK = 6 }; /* of the second point, then */

static void write_sweep(const char *folder, enum wrong wrong)
{
    int64_t point[ROWS], replicate[ROWS], axis[ROWS], usd[ROWS];
    char words[ROWS][6];
    const int64_t version = 1;
    const uint64_t count = wrong == LOOKS ? SEEDS + SEEDS_AT_A_LOOK : ROWS;
    for (int row = 0; row < ROWS; row++) {
        point[row] = row / SEEDS;
        replicate[row] = row % SEEDS;
        axis[row] = 60 * (wrong == FALLING ? POINTS - point[row] : 1 + point[row]);
        usd[row] = (int64_t)(sleep_hours[row] * 1e6 + (sleep_hours[row] < 0 ? -0.5 : 0.5));
        usd[row] = wrong == PARTED ? 2 * point[row] - 1 : usd[row];
        memcpy(words[row], "holds", 6);
    }
    usd[3] = wrong == A_CRASH ? INT64_MIN : usd[3];
    replicate[4] = wrong == ORDER ? 5 : 4;
    for (int row = SEEDS; row < ROWS && wrong == GAP; row++) point[row] = 2;
    const hid_t file = fl_h5_new();
    cr_assert(fl_h5_attribute(file, "format_version", H5T_NATIVE_INT64, &version));
    cr_assert(fl_h5_group(file, "/axes", NULL) && fl_h5_group(file, "/metrics", NULL) &&
              fl_h5_group(file, "/rows", NULL));
    if (wrong == LOOKS)
        cr_assert(fl_h5_text(file, "plan_json", "{\"name\": \"x\", \"looks\": [6, 10]}"));
    fake_put(file, "/axes/faults.stuck.to_s", "1", FL_COLUMN_INT64, 8, count, axis);
    fake_put(file, "/rows/point", "id", FL_COLUMN_INT64, 8, count, point);
    fake_put(file, "/rows/replicate", "id", FL_COLUMN_INT64, 8, count, replicate);
    fake_put(file, "/metrics/checks.solvency", "text", FL_COLUMN_TEXT, 6, count, words);
    if (wrong != ONLY_WORDS)
        fake_put(file, "/metrics/ledger.bad_debt", wrong == UNIT ? "furlong" : "1e-6 USD",
                 FL_COLUMN_INT64, 8, wrong == SHORT_METRIC ? ROWS - 1 : count, usd);
    fake_publish(file, folder, "sweep.h5");
}

/* What it prints, in a file, since other streams are Criterion's; the caller frees it. */
static char *printed(const char *folder, const char *metric, double alpha, bool json, int expected)
{
    char path[2 * FAKE_PATH];
    size_t bytes;
    fake_path(folder, "printed", path);
    cr_assert_not_null(freopen(path, "w", stdout));
    const struct fl_stats stats = {
        .directory = folder, .metric = metric, .alpha = alpha, .json = json};
    cr_expect_eq(fl_stats(&stats), expected);
    fflush(stdout);
    char *text = fake_read(folder, "printed", &bytes);
    remove(path);
    return text;
}

static void clean(const char *folder)
{
    char path[2 * FAKE_PATH];
    fake_path(folder, "sweep.h5", path);
    remove(path);
    cr_expect_eq(rmdir(folder), 0, "%s holds something else", folder);
}

static double number_at(const cJSON *item, const char *const *key)
{
    for (; *key; key++) {
        item = cJSON_GetObjectItemCaseSensitive(item, *key);
        cr_assert_not_null(item, "%s", *key);
    }
    cr_assert(cJSON_IsNumber(item));
    return item->valuedouble;
}
#define AT(item, ...) number_at(item, (const char *const[]){__VA_ARGS__, NULL})

/* R 4.3 on its data set `sleep`: t.test(y, x, paired = TRUE) 1.58, 0.7001142 to 2.4598858; t.test(x)
 * 0.75, -0.5297804 to 2.0297804. Five of ten x are above 0 (one is 0): by Wilson 0.2366 to 0.7634
 * (symmetric: 0.5 -+ 1.96 / (2 sqrt(10 + 1.96^2))). */
Test(stats, of_sleep_as_json)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    write_sweep(folder, NOTHING);
    char *text = printed(folder, NULL, 0.05, true, 0);
    cJSON *json = cJSON_Parse(text);
    const cJSON *metrics = cJSON_GetObjectItemCaseSensitive(json, "metrics");
    cr_assert_eq(cJSON_GetArraySize(metrics), 1); /* words have no mean */
    const cJSON *metric = cJSON_GetArrayItem(metrics, 0);
    cr_expect_str_eq(cJSON_GetObjectItemCaseSensitive(metric, "unit")->valuestring, "USD");
    const cJSON *points = cJSON_GetObjectItemCaseSensitive(metric, "points");
    cr_assert_eq(cJSON_GetArraySize(points), POINTS);
    const cJSON *x = cJSON_GetArrayItem(points, 0), *y = cJSON_GetArrayItem(points, 1);
    cr_expect_float_eq(AT(x, "mean", "value"), 0.75, 1e-9);
    cr_expect_float_eq(AT(x, "mean", "low"), -0.5297804, 5e-8);
    cr_expect_float_eq(AT(x, "mean", "high"), 2.0297804, 5e-8);
    cr_expect_float_eq(AT(x, "median", "value"), 0.35, 1e-9);
    cr_expect_float_eq(AT(x, "median", "low"), -1.2, 1e-9);
    cr_expect_float_eq(AT(x, "median", "high"), 3.4, 1e-9);
    cr_expect_eq(AT(x, "above_zero", "count"), 5);
    cr_expect_float_eq(AT(x, "above_zero", "wilson", "low"), 0.2366, 5e-5);
    cr_expect_float_eq(AT(x, "above_zero", "clopper_pearson", "low"), 0.1871, 5e-5);
    cr_expect_float_eq(AT(y, "difference_to_point_0", "value"), 1.58, 1e-9);
    cr_expect_float_eq(AT(y, "difference_to_point_0", "low"), 0.7001142, 5e-8);
    cr_expect_float_eq(AT(y, "difference_to_point_0", "high"), 2.4598858, 5e-8);
    cr_expect_eq(AT(y, "difference_to_point_0", "pairs"), SEEDS);
    cr_expect_eq(AT(y, "n"), SEEDS);
    const cJSON *tail = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(y, "tails"), 0);
    cr_expect_float_eq(AT(tail, "value_at_risk", "value"), 5.5, 1e-9);
    const cJSON *at_risk = cJSON_GetObjectItemCaseSensitive(tail, "value_at_risk");
    cr_expect(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(at_risk, "high")));
    cJSON_Delete(json);
    free(text);
    clean(folder);
}

/* At 90 %, t is 1.8331 with 9 degrees of freedom: 0.75 -+ 1.0371, 2.33 -+ 1.1607, 1.58 -+ 0.7130. The
 * logistic curve goes through 5 of 10 at 60 and 9 of 10 at 120: logit 0 and log 9. Its ends by a Python
 * script from the sandwich of its information, diag(2.5, 0.9) in the two runs, and the ten seeds'
 * residuals, times 10 / 9, and Fieller's quadratic. */
Test(stats, of_sleep_as_a_table)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    write_sweep(folder, NOTHING);
    char *text = printed(folder, "ledger.bad_debt", 0.1, false, 0);
    static const char table[] =
        "ledger.bad_debt (USD); [intervals] at 90 %\n"
        "  point  to_s   n                      mean  median  VaR 95 %  ES 95 %  VaR 99 %  ES 99 % "
        " "
        "       above 0, %        more than point 0\n"
        "      0    60  10  0.75 [-0.28706, 1.78706]    0.35       3.7      3.7       3.7      3.7 "
        " "
        "50.0 [26.9, 73.1]\n"
        "      1   120  10   2.33 [1.16933, 3.49067]    1.75       5.5      5.5       5.5      5.5 "
        " "
        "90.0 [65.2, 97.7]  1.58 [0.86699, 2.29301]\n"
        "half of the seeds are above 0 at faults.stuck.to_s >= 90 [60, 120]\n"
        "along a logistic curve 50 % are at 60 [-79.7545, 105.516], 10 % are at 0 [-701.007, "
        "41.3381], 90 % are at 120 [85.0869, 626.105]\n"
        "  (if that is its shape; the line above holds for any, to the spacing of the values;\n"
        "  runs of one seed are one observation in both)\n";
    cr_expect_str_eq(text, table, "%s", text);
    free(text);
    clean(folder);
}

/* The same with the larger x first: five seeds are above 0 at 120 still, four at 60, one never. The second
 * and the ninth of ten are at the ends of an interval at 95 %; without the one that crashed, the second
 * and the eighth of nine (60, 120), and five of nine at 60. The logistic curve goes through both shares:
 * logit(5/10) = 0 is at the point of five; logit(5/9) = log 1.25 and logit(8/9) = log 8. */
Test(stats, onset_downwards, .init = cr_redirect_stderr)
{
    const struct {
        enum wrong wrong;
        double value, seeds;
        bool down;
        double half, slope;
    } rows[] = {{NOTHING, 90, 10, false, 60, log(9) / 60},
                {FALLING, 90, 10, true, 120, -log(9) / 60},
                {A_CRASH, 60, 9, false, 60 - 60 * log(1.25) / log(6.4), log(6.4) / 60}};
    char folder[FAKE_PATH];
    fake_folder(folder);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_sweep(folder, rows[i].wrong);
        char *text = printed(folder, NULL, 0.05, true, 0);
        cJSON *json = cJSON_Parse(text);
        const cJSON *metric =
            cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "metrics"), 0);
        cr_expect_eq(AT(metric, "onset", "value"), rows[i].value);
        cr_expect_eq(AT(metric, "onset", "low"), 60);
        cr_expect_eq(AT(metric, "onset", "high"), 120);
        cr_expect_eq(AT(metric, "onset", "seeds"), rows[i].seeds);
        const cJSON *onset = cJSON_GetObjectItemCaseSensitive(metric, "onset");
        cr_expect_eq(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(onset, "down")), rows[i].down);
        cr_expect_float_eq(AT(metric, "logistic", "slope"), rows[i].slope, 1e-9);
        static const double share[] = {0.5, 0.1, 0.9};
        for (int k = 0; k < 3; k++) {
            const cJSON *curve = cJSON_GetObjectItemCaseSensitive(metric, "logistic");
            const cJSON *list = cJSON_GetObjectItemCaseSensitive(curve, "thresholds");
            const double logit = log(share[k] / (1 - share[k]));
            cr_expect_eq(AT(cJSON_GetArrayItem(list, k), "share"), share[k]);
            cr_expect_float_eq(AT(cJSON_GetArrayItem(list, k), "at", "value"),
                               rows[i].half + logit / rows[i].slope, 1e-6);
        }
        cJSON_Delete(json);
        free(text);
    }
    clean(folder);
}

Test(stats, without_a_logistic_curve)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    write_sweep(folder, PARTED);
    char *text = printed(folder, NULL, 0.05, true, 0);
    cJSON *json = cJSON_Parse(text);
    const cJSON *metric = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "metrics"), 0);
    cr_expect_eq(AT(metric, "onset", "value"), 120);
    cr_expect(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(metric, "logistic")));
    cJSON_Delete(json);
    free(text);
    text = printed(folder, NULL, 0.05, false, 0);
    cr_expect(strstr(text,
                     ">= 120 [120, 120]\nno logistic curve: too few values, or seeds, at which "
                     "some are above 0 and some not\n"),
              "%s", text);
    free(text);
    clean(folder);
}

/* The pair of the run that crashed is left out, too. */
Test(stats, a_crash_is_left_out, .init = cr_redirect_stderr)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    write_sweep(folder, A_CRASH);
    char *text = printed(folder, NULL, 0.05, true, 0);
    cJSON *json = cJSON_Parse(text);
    const cJSON *metric = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "metrics"), 0);
    const cJSON *points = cJSON_GetObjectItemCaseSensitive(metric, "points");
    const cJSON *x = cJSON_GetArrayItem(points, 0), *y = cJSON_GetArrayItem(points, 1);
    cr_expect_eq(AT(x, "n"), SEEDS - 1);
    cr_expect_eq(AT(x, "not_ended_well"), 1);
    cr_expect_eq(AT(y, "n"), SEEDS);
    cr_expect_float_eq(AT(x, "mean", "value"), 8.7 / 9, 1e-9);
    cr_expect_eq(AT(y, "difference_to_point_0", "pairs"), SEEDS - 1);
    cr_expect_float_eq(AT(y, "difference_to_point_0", "value"), 14.5 / 9, 1e-9);
    cJSON_Delete(json);
    free(text);
    fflush(stderr);
    cr_expect_stderr_eq_str(
        "faultline: ledger.bad_debt: 1 of 20 runs did not end well and are left out\n");
    clean(folder);
}

/* The second point needed six seeds only: Student's differences of these are 1.2, 2.4, 1.3, 1.3, 0, 1, with
 * the mean 1.2 and s^2 = 0.588; twice looked at, alpha is 0.025 each time, and t(5) 3.16338. */
Test(stats, of_points_with_other_numbers_of_seeds, .init = cr_redirect_stderr)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    write_sweep(folder, LOOKS);
    char *text = printed(folder, NULL, 0.05, true, 0);
    cJSON *json = cJSON_Parse(text);
    cr_expect_eq(AT(json, "looks"), 2);
    const cJSON *metric = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "metrics"), 0);
    const cJSON *points = cJSON_GetObjectItemCaseSensitive(metric, "points");
    const cJSON *x = cJSON_GetArrayItem(points, 0), *y = cJSON_GetArrayItem(points, 1);
    cr_expect_eq(AT(x, "n"), SEEDS);
    cr_expect_eq(AT(y, "n"), SEEDS_AT_A_LOOK);
    cr_expect_eq(AT(y, "not_ended_well"), 0);
    cr_expect_float_eq(AT(y, "mean", "value"), 8.2 / 6, 1e-9);
    cr_expect_eq(AT(y, "difference_to_point_0", "pairs"), SEEDS_AT_A_LOOK);
    cr_expect_float_eq(AT(y, "difference_to_point_0", "value"), 1.2, 1e-9);
    const double half = 3.16338 * sqrt(0.588 / 6);
    cr_expect_float_eq(AT(y, "difference_to_point_0", "low"), 1.2 - half, 2e-6);
    cr_expect_float_eq(AT(y, "difference_to_point_0", "high"), 1.2 + half, 2e-6);
    cr_expect_eq(AT(metric, "onset", "seeds"), SEEDS_AT_A_LOOK);
    cJSON_Delete(json);
    free(text);
    text = printed(folder, NULL, 0.05, false, 0);
    cr_expect(strstr(text, "ledger.bad_debt (USD); [intervals] at 97.5 %, for 95 % over 2 looks\n"),
              "%s", text);
    free(text);
    fputs("nothing else\n", stderr);
    fflush(stderr);
    cr_expect_stderr_eq_str("nothing else\n");
    clean(folder);
}

/* Each time nothing is printed, and one line says why. */
static void expect_refusal(enum wrong wrong, const char *metric, int status)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    write_sweep(folder, wrong);
    char *text = printed(folder, metric, 0.05, true, status);
    cr_expect_str_eq(text, "");
    free(text);
    clean(folder);
}

static void expect_last_words(const char *words)
{
    char said[4096] = {0};
    FILE *from = cr_get_redirected_stderr();
    fflush(stderr);
    cr_expect_gt(fread(said, 1, sizeof said - 1, from), 0);
    cr_expect(strstr(said, words) && strchr(said, '\n') == strrchr(said, '\n'), "%s", said);
}

Test(stats, refuses_another_order, .init = cr_redirect_stderr)
{
    expect_refusal(ORDER, NULL, 3);
    expect_last_words("expected points 0, 1, 2, ... and at each replicates 0, 1, 2, ...");
}
Test(stats, refuses_a_gap, .init = cr_redirect_stderr)
{
    expect_refusal(GAP, NULL, 3);
    expect_last_words("expected points 0, 1, 2, ... and at each replicates 0, 1, 2, ...");
}
Test(stats, refuses_an_unknown_unit, .init = cr_redirect_stderr)
{
    expect_refusal(UNIT, NULL, 3);
    expect_last_words("/metrics/ledger.bad_debt has a unit that this program does not know");
}
Test(stats, refuses_a_short_column, .init = cr_redirect_stderr)
{
    expect_refusal(SHORT_METRIC, NULL, 3);
    expect_last_words("/metrics/ledger.bad_debt has 19 rows of 20");
}
Test(stats, refuses_words_alone, .init = cr_redirect_stderr)
{
    expect_refusal(ONLY_WORDS, NULL, 2);
    expect_last_words("none of its metrics is a number");
}
Test(stats, refuses_words_by_name, .init = cr_redirect_stderr)
{
    expect_refusal(NOTHING, "checks.solvency", 2);
    expect_last_words("--metric checks.solvency: words, not numbers");
}
Test(stats, refuses_what_is_not_there, .init = cr_redirect_stderr)
{
    expect_refusal(NOTHING, "ledger.bad_dept", 2);
    expect_last_words("not in this sweep (did you mean \"ledger.bad_debt\"?)");
}
