/* sim/archive.h: the same bytes from the same result, a hash that notices everything, files that are
 * whole or absent, and a summary whose numbers never were doubles. */
#include "sim/archive.h"
#include "analysis/trace.h"
#include "sim/columns.h"
#include "sim/unit_text.h"
#include "tests/lib/archive_fixture.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

static const char *write_fake(const struct fake *f, const char *folder)
{
    char hash[33];
    uint32_t failed;
    fl_archive_content_hash(&f->config, &f->result, hash);
    char *summary = fl_summary_text(&f->config, &f->result, hash, &failed);
    const char *problem = fl_archive_write(&f->config, &f->result, hash, summary, folder);
    free(summary);
    return problem;
}

/* A second apart, because HDF5 keeps times in seconds. */
Test(archive, two_writes_give_the_same_bytes)
{
    static const char *const names[] = {"summary.json", "build.json", "trace.h5"};
    char folder[2][FAKE_PATH];
    for (int i = 0; i < 2; i++) {
        struct fake *f = fake_new(FAKE_AS_IT_IS);
        fake_folder(folder[i]);
        cr_expect_null(write_fake(f, folder[i]));
        fake_free(f);
        nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 100000000}, NULL);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t bytes[2];
        char *a = fake_read(folder[0], names[i], &bytes[0]),
             *b = fake_read(folder[1], names[i], &bytes[1]);
        cr_expect_eq(bytes[0], bytes[1]);
        cr_expect(bytes[0] == bytes[1] && memcmp(a, b, bytes[0]) == 0, "%s differs", names[i]);
        free(a);
        free(b);
    }
    fake_remove(folder[0]);
    fake_remove(folder[1]);
}

Test(archive, content_hash_notices_every_part)
{
    char seen[FAKE_CHANGES][33], again[33];
    for (int change = 0; change < FAKE_CHANGES; change++) {
        struct fake *f = fake_new((enum fake_change)change);
        fl_archive_content_hash(&f->config, &f->result, seen[change]);
        fl_archive_content_hash(&f->config, &f->result, again);
        cr_expect_str_eq(seen[change], again);
        cr_expect_eq(strspn(seen[change], "0123456789abcdef"), 32);
        for (int other = 0; other < change; other++)
            cr_expect_str_neq(seen[change], seen[other], "changes %d and %d", change, other);
        fake_free(f);
    }
    /* What is not content: the text as written, what was replaced, the seed apart from the scenario. */
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    f->config.raw = "{}";
    f->config.overrides = "";
    f->result.events++;
    fl_archive_content_hash(&f->config, &f->result, again);
    cr_expect_str_eq(again, seen[FAKE_AS_IT_IS]);
    fake_free(f);
}

/* The slow obvious twin of the writer: the list of columns itself. */
static void compare_column(struct fl_trace *trace, const struct fl_columns *columns, uint32_t i)
{
    const struct fl_archive_column *column = &columns->at[i];
    unsigned char *expected = fl_column_values(columns, i);
    size_t count = 0;
    if (column->type == FL_COLUMN_TEXT) {
        char **text = fl_trace_text(trace, column->path, &count);
        cr_assert_not_null(text, "%s", fl_trace_error(trace));
        for (size_t row = 0; row < count; row++)
            cr_expect_eq(
                strncmp(text[row], (const char *)expected + row * column->width, column->width), 0);
        free(text);
    } else if (column->type == FL_COLUMN_FLOAT64) {
        double *values = fl_trace_float64(trace, column->path, &count);
        cr_assert_not_null(values, "%s", fl_trace_error(trace));
        cr_expect_eq(memcmp(values, expected, count * sizeof *values), 0);
        free(values);
    } else {
        int64_t *values = fl_trace_int64(trace, column->path, &count);
        cr_assert_not_null(values, "%s", fl_trace_error(trace));
        for (size_t row = 0; row < count; row++) {
            uint64_t value = 0;
            for (uint32_t byte = column->width; byte-- > 0;)
                value = value << 8 | expected[row * column->width + byte];
            cr_expect_eq((uint64_t)values[row], value, "%s[%zu]", column->path, row);
        }
        free(values);
    }
    cr_expect_eq(count, column->count, "%s", column->path);
    free(expected);
}

static void expect_attribute(struct fl_trace *trace, const char *object, const char *name,
                             const char *expected)
{
    char *text = fl_trace_attribute(trace, object, name);
    cr_expect(text && strcmp(text, expected) == 0, "%s of %s is %s", name, object,
              text ? text : "missing");
    free(text);
}

Test(archive, every_column_comes_back)
{
    char folder[FAKE_PATH], error[512];
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    fake_folder(folder);
    cr_assert_null(write_fake(f, folder));
    struct fl_trace *trace = fl_trace_open(folder, error, sizeof error);
    cr_assert_not_null(trace, "%s", error);
    struct fl_columns *columns = fl_columns_new(&f->config, &f->result);
    cr_expect_gt(columns->count, 60);
    for (uint32_t i = 0; i < columns->count; i++) {
        compare_column(trace, columns, i);
        expect_attribute(trace, columns->at[i].path, "units", columns->at[i].units);
        expect_attribute(trace, columns->at[i].path, "long_name", columns->at[i].long_name);
    }
    fl_columns_free(columns);

    expect_attribute(trace, "/", "seed", "18446744073709551615");
    expect_attribute(trace, "/", "digest", "00000000deadbeef0123456789abcdef");
    expect_attribute(trace, "/", "scenario_json", f->raw);
    expect_attribute(trace, "/", "scenario_resolved_json", f->config.resolved);
    expect_attribute(trace, "/", "overrides", "a.b=1\nc=2");
    expect_attribute(trace, "/", "why", f->config.why);
    expect_attribute(trace, "/series/ledger.bad_debt", "units", "1e-6 USD");
    expect_attribute(trace, "/series/t_s", "units", "s");
    size_t bytes;
    char *summary = fake_read(folder, "summary.json", &bytes);
    expect_attribute(trace, "/", "summary_json", summary);
    free(summary);
    cr_expect_not(fl_trace_has(trace, "/events/block")); /* none happened */
    fl_trace_close(trace);
    fake_free(f);
    fake_remove(folder);
}

Test(archive, detail_decides_what_is_kept)
{
    char folder[FAKE_PATH], error[512];
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    fake_folder(folder);
    f->config.detail = FL_DETAIL_SUMMARY;
    f->config.check_count = f->result.fault_count = 0; /* empty columns are columns */
    f->config.overrides = "";
    cr_assert_null(write_fake(f, folder));
    struct fl_trace *trace = fl_trace_open(folder, error, sizeof error);
    cr_assert_not_null(trace, "%s", error);
    cr_expect_not(fl_trace_has(trace, "/events"));
    cr_expect_not(fl_trace_has(trace, "/messages"));
    size_t count = 7;
    char **names = fl_trace_text(trace, "/checks/name", &count);
    cr_expect_not_null(names);
    cr_expect_eq(count, 0);
    free(names);
    expect_attribute(trace, "/", "overrides", "");
    fl_trace_close(trace);
    fake_free(f);
    fake_remove(folder);
}

/* --- the outside world ------------------------------------------------------------------------------ */

static void expect_problem(const char *problem, const char *part)
{
    cr_assert_not_null(problem, "expected: %s", part);
    cr_expect_not_null(strstr(problem, part), "%s", problem);
    cr_expect_null(strchr(problem, '\n'));
}

Test(archive, a_failed_write_leaves_nothing_that_looks_finished)
{
    static const char *const tmp[] = {"summary.json.tmp", "build.json.tmp", "trace.h5.tmp"};
    char folder[FAKE_PATH], path[2 * FAKE_PATH];
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    fake_folder(folder);
    /* A full disk at the first, second, third file. */
    for (size_t i = 0; i < 3; i++) {
        fake_path(folder, tmp[i], path);
        cr_assert_eq(symlink("/dev/full", path), 0);
        expect_problem(write_fake(f, folder), "No space left on device");
        for (size_t k = 0; k < 3; k++) cr_expect_not(fake_exists(folder, tmp[k]));
        cr_expect_not(fake_exists(folder, "trace.h5"));
        cr_expect_not(fake_exists(folder, "summary.json"));
    }
    /* It does not cost an older result either. */
    cr_expect_null(write_fake(f, folder));
    fake_path(folder, tmp[2], path);
    cr_assert_eq(symlink("/dev/full", path), 0);
    expect_problem(write_fake(f, folder), "trace.h5.tmp: No space left on device");
    char error[512];
    struct fl_trace *trace = fl_trace_open(folder, error, sizeof error);
    cr_expect_not_null(trace, "%s", error);
    if (trace) fl_trace_close(trace);

    /* No folder can be made under a file, and a folder cannot be replaced by a file. */
    fake_path(folder, "build.json/deep", path);
    expect_problem(write_fake(f, path), "Not a directory");
    fake_path(folder, "build.json", path);
    expect_problem(write_fake(f, path), "is not a folder");
    expect_problem(write_fake(f, ""), "empty");
    fake_path(folder, "trace.h5", path);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(mkdir(path, 0777), 0);
    expect_problem(write_fake(f, folder), "cannot replace");
    cr_expect_not(fake_exists(folder, "trace.h5.tmp"));
    cr_assert_eq(rmdir(path), 0);

    /* Folders on the way are made. */
    char deep[2 * FAKE_PATH];
    fake_path(folder, "a", deep);
    fake_path(folder, "a/b/", path);
    cr_expect_null(write_fake(f, path));
    path[strlen(path) - 1] = '\0';
    fake_remove(path);
    fake_remove(deep);
    fake_remove(folder);
    fake_free(f);
}

/* --- the summary ------------------------------------------------------------------------------------ */

static cJSON *summary_of(const struct fake *f, uint32_t *failed, char **text)
{
    *text = fl_summary_text(&f->config, &f->result, "c0ffee", failed);
    cJSON *root = cJSON_Parse(*text);
    cr_assert_not_null(root, "%s", *text);
    return root;
}

static const cJSON *at(const cJSON *object, const char *section, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(object, section), key);
}

Test(summary, numbers_are_exact)
{
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    static const int64_t final[FAKE_SERIES] = {-1,       INT64_MAX, 0,           INT64_MIN, 1000000,
                                               -1000001, 0,         -1500000000, 250000};
    memcpy(f->final, final, sizeof final);
    uint32_t failed;
    char *text;
    cJSON *root = summary_of(f, &failed, &text);
    cr_expect_str_eq(at(root, "market", "fundamental")->valuestring, "-0.000001");
    cr_expect_str_eq(at(root, "oracle", "price")->valuestring, "9223372036854.775807");
    cr_expect(cJSON_IsFalse(at(root, "oracle", "valid")));
    cr_expect_str_eq(at(root, "ledger", "insurance_fund")->valuestring, "-9223372036854.775808");
    cr_expect_str_eq(at(root, "ledger", "bad_debt")->valuestring, "1.000000");
    cr_expect_str_eq(at(root, "ledger", "due")->valuestring, "-1.000001");
    /* As text, because a reader's double is not what was written. */
    static const char *const lines[] = {"\"wait\":\t-1.5",
                                        "\"share\":\t0.25",
                                        "\"events\":\t9007199254740993",
                                        "\"seed\":\t\"18446744073709551615\"",
                                        "\"end_time_s\":\t3600",
                                        "\"from_s\":\t1200",
                                        "\"suppressed\":\t1234567",
                                        "\"evidence\":\t\"bad debt 148792.610000 after 2403.25 s\"",
                                        "\"members\":\t[\"reporter[1]\", \"reporter[3]\"]"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cr_expect_not_null(strstr(text, lines[i]), "%s is not in\n%s", lines[i], text);
    cJSON_Delete(root);
    free(text);

    f->config.seed = UINT64_C(1) << 53;
    root = summary_of(f, &failed, &text);
    cr_expect_not_null(strstr(text, "\"seed\":\t9007199254740992"));
    cJSON_Delete(root);
    free(text);
    fake_free(f);
}

Test(summary, expectations_compare_decimals_and_words)
{
    static const struct {
        const char *path;
        enum fl_op op;
        const char *value;
        bool ok;
    } cases[] = {
        {"ledger.bad_debt", FL_OP_GT, "148792.609999", true},
        {"ledger.bad_debt", FL_OP_GT, "148792.61", false},
        {"ledger.bad_debt", FL_OP_GE, "148792.61", true},
        {"ledger.bad_debt", FL_OP_EQ, "0148792.6100000000000000000000000", true},
        {"ledger.bad_debt", FL_OP_NE, "148792.61", false},
        {"ledger.bad_debt", FL_OP_LE, "148792.6100000000000000000000001", true},
        {"ledger.bad_debt", FL_OP_LT, "148792.6100000000000000000000001", true},
        {"ledger.bad_debt", FL_OP_LT, "1e9", false}, /* not a plain decimal */
        {"ledger.bad_debt", FL_OP_LT, "99999999999999999999999999", true},
        {"ledger.bad_debt", FL_OP_GT, "-99999999999999999999999999", true},
        {"ledger.share", FL_OP_EQ, "-9223372036854.775808", true},
        {"ledger.share", FL_OP_LT, "-9223372036854.775807", true},
        {"ledger.share", FL_OP_GT, "-9223372036854.7758081", true},
        {"ledger.wait", FL_OP_EQ, "-.000000001", true},
        {"ledger.wait", FL_OP_LT, "-0", true},
        {"ledger.due", FL_OP_EQ, "-0.000", true},
        {"events", FL_OP_EQ, "9007199254740993", true},
        {"events", FL_OP_EQ, "9007199254740992", false},
        {"seed", FL_OP_EQ, "18446744073709551615", true},
        {"oracle.valid", FL_OP_EQ, "true", true},
        {"oracle.valid", FL_OP_NE, "true", false},
        {"checks.agreement", FL_OP_EQ, "holds", true},
        {"checks.agreement", FL_OP_NE, "broken", true},
        {"checks.agreement", FL_OP_GE, "holds", false}, /* words have no order */
        {"checks.solvency", FL_OP_EQ, "broken", true},
        {"faults.feeds|stuck.suppressed", FL_OP_GT, "1000000", true},
        {"scenario", FL_OP_EQ, "an-hour", true},
        {"ledger.bad_dept", FL_OP_NE, "5", false}, /* no such number */
        {"ledger", FL_OP_NE, "5", false},
        {"", FL_OP_EQ, "", false},
    };
    enum { CASES = sizeof cases / sizeof *cases };
    struct fl_expect expect[CASES];
    uint32_t wrong = 0, failed;
    memset(expect, 0, sizeof expect);
    for (size_t i = 0; i < CASES; i++) {
        snprintf(expect[i].path, sizeof expect[i].path, "%s", cases[i].path);
        snprintf(expect[i].value, sizeof expect[i].value, "%s", cases[i].value);
        expect[i].op = cases[i].op;
        wrong += !cases[i].ok;
    }
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    f->config.expect = expect;
    f->config.expect_count = CASES;
    char *text;
    cJSON *root = summary_of(f, &failed, &text);
    cr_expect_eq(failed, wrong);
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(root, "expect");
    cr_assert_eq(cJSON_GetArraySize(rows), CASES);
    for (int i = 0; i < CASES; i++) {
        const cJSON *row = cJSON_GetArrayItem(rows, i);
        cr_expect_eq(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "ok")), cases[i].ok,
                     "%s %d %s", cases[i].path, (int)cases[i].op, cases[i].value);
    }
    cr_expect(cJSON_IsNull(
        cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(rows, CASES - 3), "actual")));
    cJSON_Delete(root);
    free(text);
    fake_free(f);
}

Test(summary, evidence_fits_its_room)
{
    char long_clause[2 * FL_EVIDENCE_TEXT], out[FL_EVIDENCE_TEXT];
    struct fl_verdict verdict = {
        .kind = FL_BROKEN, .value = {INT64_MIN, INT64_MAX}, .unit = {FL_USD, FL_SIZE}};
    for (size_t length = FL_EVIDENCE_TEXT - 40; length < FL_EVIDENCE_TEXT + 4; length++) {
        memset(long_clause, 'x', length);
        strcpy(long_clause + length, "{0}{1}{2}{");
        verdict.what = long_clause;
        fl_evidence_text(&verdict, out);
        cr_expect_lt(strlen(out), sizeof out);
    }
    verdict.what = "{1} of {0}, {2} {";
    fl_evidence_text(&verdict, out);
    cr_expect_str_eq(out, "9223372036854.775807 of -9223372036854.775808, {2} {");
    verdict.what = NULL;
    fl_evidence_text(&verdict, out);
    cr_expect_str_eq(out, "");
}
