/* analysis/: an archive in other formats. What is written is read back by other means (bytes, a CSV
 * reader of a few lines, cJSON) and compared with the run it came from. */
#include "analysis/analysis.h"
#include "sim/archive.h"
#include "tests/lib/archive_fixture.h"
#include "tests/lib/run.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <hdf5.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { PATH = 2 * FAKE_PATH };

static void write_archive(const struct fl_config *config, const struct fl_result *result,
                          const char *folder)
{
    char hash[33];
    uint32_t failed;
    fl_archive_content_hash(config, result, hash);
    char *summary = fl_summary_text(config, result, hash, &failed);
    const char *problem = fl_archive_write(config, result, hash, summary, folder);
    cr_assert_null(problem, "%s", problem);
    free(summary);
}

static void remove_all(const char *folder)
{
    char command[PATH + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_expect_eq(system(command), 0);
}

static int export_to(const char *folder, const char *format, const char *output,
                     const char *dataset)
{
    const struct fl_export job = {.directory = folder,
                                  .format = format,
                                  .output = output,
                                  .dataset = &dataset,
                                  .count = dataset != NULL};
    char path[PATH * 2];
    return fl_export(&job, path, sizeof path);
}

/* The archive of the fixture, exported in one format. */
static void export_fake(const struct fake *f, const char *format, char folder[FAKE_PATH])
{
    fake_folder(folder);
    write_archive(&f->config, &f->result, folder);
    cr_assert_eq(export_to(folder, format, NULL, NULL), 0);
}

static void expect_text(const char *folder, const char *name, const char *expected)
{
    size_t bytes;
    char *text = fake_read(folder, name, &bytes);
    cr_expect_str_eq(text, expected);
    cr_expect_eq(bytes, strlen(expected));
    free(text);
}

/* --- CSV --------------------------------------------------------------------------------------------- */

Test(csv, says_records_with_names_units_and_exact_amounts)
{
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    char folder[FAKE_PATH];
    export_fake(f, "csv", folder);
    expect_text(folder, "csv/deficit.csv",
                "id,time [s],endpoint,parent,account,number,fund_paid [USD],adl [USD],"
                "socialised [USD],outstanding [USD]\r\n"
                "9,2403.25,4294967295,8,747,1,50000.000000,100000.000000,47792.610000,0.000000\r\n"
                "11,3000,4294967295,10,3,2,0.000000,0.000000,0.000000,1000.000000\r\n");
    expect_text(folder, "csv/deleveraged.csv",
                "id,time [s],endpoint,parent,account,number,counter_account,size [base units],"
                "quote_received [USD],given_up [USD]\r\n"
                "7,2403.25,4294967295,6,747,1,31,1500.000000,271875.000000,75000.000000\r\n"
                "8,2403.25,4294967295,7,747,1,8,500.000000,90625.000000,25000.000000\r\n");
    expect_text(folder, "csv/recovery.csv",
                "id,time [s],endpoint,parent,fault,of_endpoint\r\n2,2400,4,1,0,4\r\n");
    expect_text(folder, "csv/faults.csv",
                "fault,name,from [s],to [s],group,injected,members,model,opened,record,suppressed"
                "\r\n0,feeds|stuck,1200,2400,reporter,5,reporter[1] reporter[3],stuck,1,1,1234567"
                "\r\n");
    expect_text(folder, "csv/nodes.csv",
                "name,group\r\nmarket[0],market\r\nreporter[0],reporter\r\nreporter[1],reporter\r\n"
                "reporter[2],reporter\r\nreporter[3],reporter\r\nreporter[4],reporter\r\n");
    expect_text(folder, "csv/messages.csv",
                "sent [s],arrives [s],from,to,kind,parent,blob_bytes [byte],copy,family,fate,"
                "raw_parent,word0,word1,word2\r\n"
                "0,0.00000006,0,2,64,1,512,1,2,1,0,18446744073709551615,0,3\r\n"
                "1,1.00000006,1,2,64,2,512,1,2,1,1,18446744073709551614,1,3\r\n"
                "2,2.00000006,2,2,64,3,512,1,2,1,2,18446744073709551613,2,3\r\n");
    remove_all(folder);
    fake_free(f);
}

Test(csv, quotes_what_a_reader_would_split)
{
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    f->verdict[0].what = "one, two\nthree";
    f->verdict[1].what = "\"never\"";
    char folder[FAKE_PATH];
    export_fake(f, "csv", folder);
    expect_text(folder, "csv/checks.csv",
                "time [s],name,evidence,record,verdict\r\n"
                "0,agreement,\"one, two\nthree\",0,holds\r\n"
                "0.000000005,solvency,\"\"\"never\"\"\",9,broken\r\n");
    remove_all(folder);
    fake_free(f);
}

/* "-12.345678" times 10^6, digit by digit; true if it has exactly six. */
static bool read_micro(const char *text, int64_t *out)
{
    const bool negative = *text == '-';
    uint64_t magnitude = 0;
    int after = -1;
    for (text += negative; *text; text++) {
        if (*text == '.' && after < 0) {
            after = 0;
        } else if (*text >= '0' && *text <= '9') {
            magnitude = 10 * magnitude + (uint64_t)(*text - '0');
            after += after >= 0;
        } else {
            return false;
        }
    }
    *out = (int64_t)(negative ? 0 - magnitude : magnitude);
    return after == 6;
}

/* Splits a line without quotes in place; returns the next one. */
static char *split(char *line, char **field, size_t most, size_t *count)
{
    *count = 0;
    char *end = strstr(line, "\r\n");
    cr_assert_not_null(end);
    *end = '\0';
    for (char *at = line; at && *count < most; at = strchr(at, ',')) {
        if (*count > 0) *at++ = '\0';
        field[(*count)++] = at;
    }
    return end + 2;
}

Test(csv, money_comes_back_to_the_last_unit)
{
    static const int64_t hard[] = {INT64_MIN, INT64_MAX, -1, 1, -999999, 9007199254740993, 0};
    enum { HARD = sizeof hard / sizeof *hard, FIELDS = 32 };
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    for (size_t i = 0; i < HARD; i++) f->series[0][i] = f->series[4][HARD - 1 - i] = hard[i];
    char folder[FAKE_PATH], *field[FIELDS], *name[FIELDS];
    export_fake(f, "csv", folder);
    size_t bytes, count, columns, compared = 0;
    char *text = fake_read(folder, "csv/series.csv", &bytes);
    char *line = split(text, name, FIELDS, &columns);
    cr_expect_eq(columns, FAKE_SERIES + 1);
    for (size_t row = 0; row < FAKE_SAMPLES; row++) {
        line = split(line, field, FIELDS, &count);
        cr_assert_eq(count, columns);
        for (size_t i = 0; i < columns; i++) {
            for (int k = 0; k < FAKE_SERIES; k++) {
                char title[128];
                int64_t value;
                snprintf(title, sizeof title, "%s [USD]", fake_observables[k].name);
                if (strcmp(title, name[i]) != 0) continue;
                cr_assert(read_micro(field[i], &value), "%s", field[i]);
                cr_assert_eq(value, f->series[k][row], "%s, row %zu: %s", title, row, field[i]);
                compared++;
            }
        }
    }
    cr_expect_eq(compared, 13 * FAKE_SAMPLES); /* the observables in USD */
    cr_expect_str_empty(line);
    free(text);
    remove_all(folder);
    fake_free(f);
}

Test(csv, describes_every_column_whatever_was_asked_for)
{
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    char folder[FAKE_PATH];
    size_t bytes;
    export_fake(f, "csv", folder);
    char *all = fake_read(folder, "csv/columns.csv", &bytes);
    cr_expect_not_null(strstr(all, "\r\ndeficit,fund_paid,USD,fund_paid\r\n"));
    cr_expect_not_null(strstr(all, "\r\nseries,oracle.price,USD,price in force\r\n"));
    remove_all(folder);
    fake_folder(folder);
    write_archive(&f->config, &f->result, folder);
    cr_expect_eq(export_to(folder, "csv", NULL, "deficit"), 0);
    cr_expect(fake_exists(folder, "csv/deficit.csv"));
    cr_expect_not(fake_exists(folder, "csv/series.csv"));
    expect_text(folder, "csv/columns.csv", all);
    free(all);
    remove_all(folder);
    fake_free(f);
}

/* --- raw --------------------------------------------------------------------------------------------- */

static int64_t word_at(const unsigned char *bytes, size_t word)
{
    uint64_t value = 0;
    for (size_t i = 8; i-- > 0;) value = value << 8 | bytes[8 * word + i];
    return (int64_t)value;
}

Test(raw, holds_little_endian_rows_and_says_which_column_is_which)
{
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    char folder[FAKE_PATH];
    export_fake(f, "raw", folder);
    size_t bytes;
    char *rows = fake_read(folder, "raw/deficit.bin", &bytes);
    static const int64_t expected[] = {9, 2403250000000, UINT32_MAX,   8,           747,
                                       1, 50000000000,   100000000000, 47792610000, 0};
    cr_assert_eq(bytes, 2 * sizeof expected);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        cr_expect_eq(word_at((unsigned char *)rows, i), expected[i], "column %zu", i + 1);
    free(rows);
    char *script = fake_read(folder, "raw/deficit.gp", &bytes);
    cr_expect_not_null(strstr(script, "deficit.bin has 2 rows of 10 columns"));
    cr_expect_not_null(
        strstr(script, "\ndeficit_fund_paid = 7 # [1e-6 USD] fund_paid: fund_paid\n"));
    cr_expect_not_null(strstr(script, "\ndeficit_format = '%uint64%int64%uint64%uint64%int64%int64"
                                      "%int64%int64%int64%int64'\n"));
    free(script);
    cr_expect_not(fake_exists(folder, "raw/nodes.bin")); /* text only */
    remove_all(folder);
    fake_free(f);
}

/* --- JSON lines -------------------------------------------------------------------------------------- */

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "(none)";
}

static double number_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

Test(jsonl, says_records_in_the_order_of_time)
{
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    char folder[FAKE_PATH];
    export_fake(f, "jsonl", folder);
    size_t bytes;
    char *text = fake_read(folder, "events.jsonl", &bytes), *rest = text;
    uint32_t id = 0;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        cJSON *record = cJSON_ParseWithOpts(line, NULL, true);
        cr_assert_not_null(record, "%s", line);
        const struct fl_record *of = fl_records_get(f->records, ++id);
        cr_expect_eq(number_of(record, "id"), id);
        cr_expect_eq(number_of(record, "time"), (double)of->at / 1e9);
        const cJSON *parent = cJSON_GetObjectItemCaseSensitive(record, "parent");
        cr_expect(of->parent ? parent->valuedouble == of->parent : cJSON_IsNull(parent));
        if (id == 9) {
            const cJSON *values = cJSON_GetObjectItemCaseSensitive(record, "values");
            cr_expect_str_eq(text_of(record, "kind"), "deficit");
            cr_expect(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(record, "endpoint")));
            cr_expect(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(record, "node")));
            cr_expect_str_eq(text_of(values, "socialised"), "47792.610000");
            cr_expect_eq(number_of(values, "account"), 747);
        }
        if (id == 3) {
            cr_expect_eq(number_of(record, "endpoint"), 4);
            cr_expect_str_eq(text_of(record, "node"), "reporter[3]");
        }
        cJSON_Delete(record);
    }
    cr_expect_eq(id, fl_records_count(f->records));
    free(text);
    cr_expect_eq(export_to(folder, "jsonl", NULL, "price"), 0);
    expect_text(folder, "events.jsonl",
                "{\"id\":5,\"kind\":\"price\",\"time\":2402,\"endpoint\":null,\"node\":null,"
                "\"parent\":4,\"values\":{\"contract\":0,\"round\":8,\"price\":\"131.250000\","
                "\"previous\":\"168.000000\"}}\n");
    remove_all(folder);
    fake_free(f);
}

/* 2^53 + 1 is no double. */
Test(jsonl, says_what_no_double_holds_as_text)
{
    const int64_t most = (int64_t)1 << 53;
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    fl_records_add(f->records, &(struct fl_record){.kind = FL_RECORD_BLOCK,
                                                   .endpoint = 0,
                                                   .at = 3500 * FL_SECOND,
                                                   .v = {most, -most, 5, most + 1, -most - 1}});
    char folder[FAKE_PATH];
    fake_folder(folder);
    write_archive(&f->config, &f->result, folder);
    cr_assert_eq(export_to(folder, "jsonl", NULL, "block"), 0);
    expect_text(folder, "events.jsonl",
                "{\"id\":12,\"kind\":\"block\",\"time\":3500,\"endpoint\":0,\"node\":\"market[0]\","
                "\"parent\":null,\"values\":{\"height\":9007199254740992,"
                "\"proposer\":-9007199254740992,\"transactions\":5,"
                "\"digest_low\":\"9007199254740993\",\"digest_high\":\"-9007199254740993\"}}\n");
    remove_all(folder);
    fake_free(f);
}

/* --- Chrome ------------------------------------------------------------------------------------------ */

static cJSON *read_chrome(const char *folder)
{
    size_t bytes;
    char *text = fake_read(folder, "chrome.json", &bytes);
    cJSON *trace = cJSON_ParseWithOpts(text, NULL, true);
    cr_assert_not_null(trace);
    free(text);
    return trace;
}

static bool is(const cJSON *event, const char *key, const char *word)
{
    return strcmp(text_of(event, key), word) == 0;
}

static const cJSON *events_of(const cJSON *trace)
{
    return cJSON_GetObjectItemCaseSensitive(trace, "traceEvents");
}

/* Is there a span at the end of this arrow? */
static bool is_fastened(const cJSON *events, const cJSON *arrow)
{
    const cJSON *event;
    cJSON_ArrayForEach(event, events)
    {
        if (is(event, "ph", "X") && number_of(event, "pid") == number_of(arrow, "pid") &&
            number_of(event, "tid") == number_of(arrow, "tid") &&
            number_of(event, "ts") == number_of(arrow, "ts")) {
            return true;
        }
    }
    return false;
}

Test(chrome, draws_faults_records_causes_and_messages)
{
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    f->message[2].fate = FL_DROPPED;
    char folder[FAKE_PATH];
    export_fake(f, "chrome", folder);
    cJSON *trace = read_chrome(folder);
    const cJSON *event, *events = events_of(trace);
    int faults = 0, records = 0, messages = 0, lost = 0, from[2] = {0}, to[2] = {0};
    cJSON_ArrayForEach(event, events)
    {
        const bool arrow = is(event, "ph", "s") || is(event, "ph", "f");
        const int kind = is(event, "cat", "message");
        if (is(event, "ph", "X") && is(event, "cat", "fault")) {
            faults++;
            cr_expect_str_eq(text_of(event, "name"), "feeds|stuck");
            cr_expect_eq(number_of(event, "ts"), 1200e6);
            cr_expect_eq(number_of(event, "dur"), 1200e6);
        }
        records += is(event, "cat", "record");
        messages += is(event, "ph", "X") && kind;
        lost += is(event, "ph", "i") && kind;
        from[kind] += is(event, "ph", "s");
        to[kind] += is(event, "ph", "f");
        if (arrow) cr_expect(is_fastened(events, event));
    }
    cr_expect_eq(faults, 1);
    cr_expect_eq(records, 11);
    cr_expect_eq(from[0], 9); /* all but the two roots have a cause */
    cr_expect_eq(to[0], 9);
    cr_expect_eq(messages, 4); /* two delivered, at both ends */
    cr_expect_eq(from[1], 2);
    cr_expect_eq(to[1], 2);
    cr_expect_eq(lost, 1);
    cJSON_Delete(trace);
    remove_all(folder);
    fake_free(f);
}

/* The first ends with its latest recovery, the second, without one, as the third begins, the last one
 * with the fault. */
Test(chrome, draws_each_opening_of_a_fault)
{
    static const double from[] = {1200e6, 2700e6, 2900e6}, to[] = {2410e6, 2900e6, 3300e6};
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    const struct fl_record more[] = {
        {.kind = FL_RECORD_RECOVERY, .parent = 1, .endpoint = 2, .at = 2410 * FL_SECOND},
        {.kind = FL_RECORD_FAULT, .endpoint = UINT32_MAX, .at = 2700 * FL_SECOND},
        {.kind = FL_RECORD_FAULT, .endpoint = UINT32_MAX, .at = 2900 * FL_SECOND}};
    for (int i = 0; i < 3; i++) fl_records_add(f->records, &more[i]);
    f->fault.to = 3300 * FL_SECOND;
    char folder[FAKE_PATH];
    export_fake(f, "chrome", folder);
    cJSON *trace = read_chrome(folder);
    const cJSON *event;
    int seen = 0;
    cJSON_ArrayForEach(event, events_of(trace))
    {
        if (!is(event, "cat", "fault")) continue;
        cr_assert_lt(seen, 3);
        cr_expect_eq(number_of(event, "ts"), from[seen]);
        cr_expect_eq(number_of(event, "dur"), to[seen] - from[seen], "opening %d", seen);
        seen++;
    }
    cr_expect_eq(seen, 3);
    cJSON_Delete(trace);
    remove_all(folder);
    fake_free(f);
}

Test(chrome, a_record_alone_is_an_instant)
{
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    char folder[FAKE_PATH];
    fake_folder(folder);
    write_archive(&f->config, &f->result, folder);
    cr_assert_eq(export_to(folder, "chrome", NULL, "deficit"), 0);
    cJSON *trace = read_chrome(folder);
    const cJSON *event;
    int instants = 0, other = 0;
    cJSON_ArrayForEach(event, events_of(trace))
    {
        instants += is(event, "ph", "i") && is(event, "s", "t") && is(event, "name", "deficit");
        other += is(event, "ph", "X") || is(event, "ph", "s") || is(event, "ph", "f");
    }
    cr_expect_eq(instants, 2);
    cr_expect_eq(other, 0);
    cJSON_Delete(trace);
    remove_all(folder);
    fake_free(f);
}

/* Blocks 1 and 2 are under way together at the same replica, block 3 begins as block 1 ends. */
Test(chrome, gives_blocks_that_overlap_rows_of_their_own)
{
    static const fl_time proposed[] = {3010, 3011, 3020}, applied[] = {3020, 3021, 3022};
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    for (int i = 0; i < 3; i++) {
        const struct fl_record block = {
            .kind = FL_RECORD_BLOCK, .endpoint = 1, .at = proposed[i] * FL_SECOND, .v = {i + 1}};
        const uint32_t parent = fl_records_add(f->records, &block);
        const struct fl_record done = {.kind = FL_RECORD_APPLIED,
                                       .parent = parent,
                                       .endpoint = 2,
                                       .at = applied[i] * FL_SECOND,
                                       .v = {i + 1}};
        fl_records_add(f->records, &done);
    }
    char folder[FAKE_PATH];
    export_fake(f, "chrome", folder);
    cJSON *trace = read_chrome(folder);
    const cJSON *event;
    double row[4] = {0};
    int named = 0;
    cJSON_ArrayForEach(event, events_of(trace))
    {
        if (is(event, "cat", "block")) {
            const int block = text_of(event, "name")[strlen("block ")] - '0';
            cr_assert(block >= 1 && block <= 3);
            row[block] = number_of(event, "tid");
            cr_expect_eq(number_of(event, "ts"), (double)proposed[block - 1] * 1e6);
            cr_expect_eq(number_of(event, "dur"),
                         (double)(applied[block - 1] - proposed[block - 1]) * 1e6);
        }
        named += is(cJSON_GetObjectItemCaseSensitive(event, "args"), "name", "reporter[1] (2)");
    }
    cr_expect_eq(row[1], 3); /* the row of the node, whose endpoint is 2 */
    cr_expect_eq(row[3], 3);
    cr_expect_neq(row[2], 3);
    cr_expect_eq(named, 1);
    cJSON_Delete(trace);
    remove_all(folder);
    fake_free(f);
}

/* --- a real run -------------------------------------------------------------------------------------- */

/* When a block of that height was proposed; without faults there is one. */
static fl_time proposed_at(const struct fl_records *records, int64_t height)
{
    for (uint32_t id = 1; id <= fl_records_count(records); id++) {
        const struct fl_record *r = fl_records_get(records, id);
        if (r->kind == FL_RECORD_BLOCK && r->v[0] == height) return r->at;
    }
    cr_assert_fail("nobody proposed block %" PRId64, height);
    return 0;
}

/* Spans of one thread may lie within each other, but not across. `event` is any of the later ones. */
static bool crosses(const cJSON *one, const cJSON *other)
{
    const double a = number_of(one, "ts"), b = a + number_of(one, "dur");
    const double c = number_of(other, "ts"), d = c + number_of(other, "dur");
    return number_of(one, "pid") == number_of(other, "pid") &&
           number_of(one, "tid") == number_of(other, "tid") &&
           ((a < c && c < b && b < d) || (c < a && a < d && d < b));
}

static void expect_blocks(const struct fl_records *records, const cJSON *trace)
{
    int drawn = 0, applied = 0;
    const cJSON *event, *other;
    cJSON_ArrayForEach(event, events_of(trace))
    {
        if (!is(event, "cat", "block")) continue;
        drawn++;
        const cJSON *args = cJSON_GetObjectItemCaseSensitive(event, "args");
        const struct fl_record *r = fl_records_get(records, (uint32_t)number_of(args, "applied"));
        char name[32];
        snprintf(name, sizeof name, "block %" PRId64, r->v[0]);
        const fl_time from = proposed_at(records, r->v[0]);
        cr_expect_str_eq(text_of(event, "name"), name);
        cr_expect_eq(number_of(event, "ts"), (double)from / 1000);
        cr_expect_eq(number_of(event, "dur"), (double)(r->at - from) / 1000);
        for (other = event->next; other; other = other->next)
            if (is(other, "cat", "block")) cr_assert_not(crosses(event, other), "%s", name);
    }
    for (uint32_t id = 1; id <= fl_records_count(records); id++)
        applied += fl_records_get(records, id)->kind == FL_RECORD_APPLIED;
    cr_expect_gt(applied, 100);
    cr_expect_eq(drawn, applied);
}

Test(chrome, draws_each_block_on_each_replica_from_proposal_to_execution)
{
    const char *overrides[] = {"duration_s=6"};
    struct fl_test_run run = fl_test_run_file("scenarios/pbft-no-fault.json", overrides, 1, 1);
    char folder[FAKE_PATH];
    fake_folder(folder);
    write_archive(run.config, run.result, folder);
    cr_assert_eq(export_to(folder, "chrome", NULL, NULL), 0);
    cJSON *trace = read_chrome(folder);
    expect_blocks(run.result->records, trace);
    cJSON_Delete(trace);
    remove_all(folder);
    fl_test_run_free(&run);
}

Test(export, the_same_run_gives_the_same_bytes)
{
    static const char *const file[] = {"csv/series.csv", "csv/deficit.csv", "csv/columns.csv",
                                       "raw/series.bin", "raw/series.gp",   "events.jsonl",
                                       "chrome.json"};
    static const char *const format[] = {"csv", "raw", "jsonl", "chrome"};
    char *first[sizeof file / sizeof *file];
    size_t bytes[sizeof file / sizeof *file];
    for (int again = 0; again < 2; again++) {
        struct fl_test_run run = fl_test_run_file("scenarios/waterfall.json", NULL, 0, 1);
        char folder[FAKE_PATH];
        fake_folder(folder);
        write_archive(run.config, run.result, folder);
        for (int i = 0; i < 4; i++) cr_assert_eq(export_to(folder, format[i], NULL, NULL), 0);
        for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
            size_t count;
            char *text = fake_read(folder, file[i], &count);
            if (again) {
                cr_expect(count == bytes[i] && memcmp(text, first[i], count) == 0, "%s", file[i]);
                free(first[i]);
                free(text);
            } else {
                first[i] = text;
                bytes[i] = count;
            }
        }
        remove_all(folder);
        fl_test_run_free(&run);
    }
}

/* --- mistakes ---------------------------------------------------------------------------------------- */

Test(export, suggests_the_nearest_format, .init = cr_redirect_stderr)
{
    cr_expect_eq(export_to("/nowhere", "chrom", NULL, NULL), 2);
    fflush(stderr);
    cr_assert_stderr_eq_str("faultline: --as chrom: expected csv, raw, jsonl or chrome (did you "
                            "mean \"chrome\"?)\n");
}

Test(export, suggests_the_nearest_dataset, .init = cr_redirect_stderr)
{
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    char folder[FAKE_PATH], expected[1024];
    fake_folder(folder);
    write_archive(&f->config, &f->result, folder);
    cr_expect_eq(export_to(folder, "jsonl", NULL, "deficits"), 2);
    cr_expect_eq(export_to(folder, "jsonl", NULL, "series"), 2); /* no record */
    fflush(stderr);
    static const char has[] = "it has events, deficit, deleveraged, fault, liquidation, price, "
                              "recovery, report, tick, transaction\n";
    snprintf(expected, sizeof expected,
             "faultline: %s/trace.h5 has no dataset \"deficits\" for jsonl (did you mean "
             "\"deficit\"?); %sfaultline: %s/trace.h5 has no dataset \"series\" for jsonl; %s",
             folder, has, folder, has);
    cr_assert_stderr_eq_str(expected);
    cr_expect_not(fake_exists(folder, "events.jsonl"));
    remove_all(folder);
    fake_free(f);
}

Test(export, says_what_cannot_be_written, .init = cr_redirect_stderr)
{
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    char folder[FAKE_PATH], path[PATH];
    fake_folder(folder);
    write_archive(&f->config, &f->result, folder);
    fake_path(folder, "build.json", path); /* a file, where a folder is wanted */
    cr_expect_eq(export_to(folder, "csv", path, NULL), 3);
    cr_expect_eq(export_to(folder, "csv", "/proc/no-such-folder", NULL), 3);
    cr_expect_eq(export_to(folder, "jsonl", folder, NULL), 3); /* a folder, where a file is */
    fake_path(folder, "trace.h5", path);
    cr_expect_eq(export_to(folder, "jsonl", path, NULL), 3);
    cr_expect_eq(export_to("/nowhere", "jsonl", NULL, NULL), 3);
    fflush(stderr);
    char expected[2048];
    snprintf(expected, sizeof expected,
             "faultline: %s/build.json is not a folder\n"
             "faultline: cannot make the folder /proc/no-such-folder: No such file or directory\n"
             "faultline: cannot write %s: Is a directory\n"
             "faultline: %s would replace what a run leaves; name another file with -o\n"
             "faultline: /nowhere/trace.h5: No such file or directory\n",
             folder, folder, path);
    cr_assert_stderr_eq_str(expected);
    cr_expect_eq(export_to(folder, "jsonl", NULL, NULL), 0); /* the archive is whole */
    remove_all(folder);
    fake_free(f);
}

/* Numbers of records that memory could not hold, or that are none, are no records. */
Test(export, says_that_an_archive_is_damaged, .init = cr_redirect_stderr)
{
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    char folder[FAKE_PATH], path[PATH];
    fake_folder(folder);
    write_archive(&f->config, &f->result, folder);
    fake_path(folder, "trace.h5", path);
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t column = H5Dopen2(file, "/events/deficit/id", H5P_DEFAULT);
    const uint32_t ids[] = {0, UINT32_MAX};
    cr_assert_geq(H5Dwrite(column, H5T_NATIVE_UINT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, ids), 0);
    H5Dclose(column);
    H5Fclose(file);
    cr_expect_eq(export_to(folder, "chrome", NULL, NULL), 3);
    cr_expect_eq(export_to(folder, "jsonl", NULL, "deficit"), 3);
    fflush(stderr);
    cr_assert_stderr_eq_str(
        "faultline: /events/deficit/id does not hold what it should: the archive "
        "is damaged, run its scenario again\n"
        "faultline: /events/deficit/id does not hold what it should: the archive "
        "is damaged, run its scenario again\n");
    remove_all(folder);
    fake_free(f);
}

/* A disk that is full halfway through: the old files stay, no half of a new one does. */
Test(export, leaves_the_old_files_if_it_cannot_finish, .init = cr_redirect_stderr)
{
    static const char *const format[] = {"csv", "raw", "jsonl", "chrome"};
    struct fake *f = fake_new(FAKE_AS_IT_IS);
    char folder[FAKE_PATH], out[PATH];
    fake_folder(folder);
    write_archive(&f->config, &f->result, folder);
    fake_path(folder, "csv", out);
    for (int i = 0; i < 4; i++) cr_assert_eq(export_to(folder, format[i], NULL, NULL), 0);
    size_t bytes;
    char *before = fake_read(folder, "csv/series.csv", &bytes);
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {1000, 1000};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 4; i++) cr_expect_eq(export_to(folder, format[i], NULL, NULL), 3);
    expect_text(folder, "csv/series.csv", before);
    static const char *const half[] = {"csv/series.csv.tmp", "csv/faults.csv.tmp",
                                       "raw/series.bin.tmp", "raw/series.gp.tmp",
                                       "events.jsonl.tmp",   "chrome.json.tmp"};
    for (size_t i = 0; i < sizeof half / sizeof *half; i++)
        cr_expect_not(fake_exists(folder, half[i]), "%s", half[i]);
    free(before);
    remove_all(folder);
    fake_free(f);
}
