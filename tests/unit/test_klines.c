/* Candles of an exchange as the points of a path: what is read, what is refused and where, and that no
 * price is told before it was made. The files are invented and written here. */
#include "models/wire.h"
#include "sim/klines.h"
#include "sim/world.h"
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

/* ------------------------------------------------------------------------------------------------
 * A folder with a scenario and its candles
 * --------------------------------------------------------------------------------------------- */

static char folder[64];

static void put_file(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    cr_assert_not_null(out);
    fputs(text, out);
    fclose(out);
}

static void open_folder(void)
{
    strcpy(folder, "/tmp/faultline-klines-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void close_folder(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
}

/* A scenario of one market that replays x.csv. */
static void put_scenario(const char *name, const char *price)
{
    char text[400];
    snprintf(text, sizeof text,
             "{\"name\": \"x\", \"duration_s\": 200, \"network\": {\"delay_ms\": 1}, \"nodes\": "
             "{\"m\": {\n\"source\": {\"model\": \"replay\", \"volatility\": 0, \"points_usd\": "
             "{\"kline_csv\": \"x.csv\", \"price\": \"%s\"}},\n\"market\": {\"model\": \"spot\", "
             "\"subscribers\": [], \"depth\": 1}}}}",
             price);
    put_file(name, text);
}

struct said {
    struct fl_config *config;
    char *text;
    size_t bytes;
};
static struct said load(const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    struct said s = {0};
    struct fl_problems problems = {.to = open_memstream(&s.text, &s.bytes)};
    s.config = fl_config_load(path, NULL, 0, NULL, &problems);
    fclose(problems.to);
    return s;
}
static void forget(struct said *s)
{
    fl_config_free(s->config);
    free(s->text);
}

/* The points in the resolved scenario, without white space. */
static void expect_points(const char *price, const char *csv, const char *points)
{
    put_file("x.csv", csv);
    put_scenario("x.json", price);
    struct said s = load("x.json");
    cr_assert_not_null(s.config, "%s", s.text);
    char *squeezed = calloc(1, strlen(s.config->resolved) + 1), wanted[400];
    size_t used = 0;
    for (const char *at = s.config->resolved; *at; at++)
        if (*at != ' ' && *at != '\n') squeezed[used++] = *at;
    snprintf(wanted, sizeof wanted, "\"points_usd\":%s,", points);
    cr_expect(strstr(squeezed, wanted), "%s of\n%s: %s", price, csv, squeezed);
    free(squeezed);
    forget(&s);
}

/* ------------------------------------------------------------------------------------------------
 * What is read
 * --------------------------------------------------------------------------------------------- */

/* As an exchange's archive has it: no heading, twelve columns, eight decimals. The third candle comes
 * a minute late. */
static const char bare[] = "1583990400000,194.02000000,195.10000000,193.40000000,194.50000000,1.5,"
                           "1583990459999,1,2,3,4,0\n"
                           "1583990460000,194.51000000,194.90000000,190.25000000,190.75000000,1.5,"
                           "1583990519999,1,2,3,4,0\n"
                           "1583990580000,190.00000000,190.00000000,185.12345600,186.00000000,1.5,"
                           "1583990639999,1,2,3,4,0\n";

Test(klines, prices_stand_where_they_are_known)
{
    open_folder();
    expect_points("open", bare, "[[0,194.02],[60,194.51],[180,190]]");
    expect_points("close", bare, "[[0,194.02],[60,194.5],[120,190.75],[240,186]]");
    expect_points("high", bare, "[[0,194.02],[60,195.1],[120,194.9],[240,190]]");
    expect_points("low", bare, "[[0,194.02],[60,193.4],[120,190.25],[240,185.123456]]");
    close_folder();
}

Test(klines, columns_go_by_name)
{
    open_folder();
    /* 2020-03-12T05:20:00Z is 1583990400; across a leap day, and the end of a year. */
    expect_points("close",
                  "open_time,open,high,low,close\n1583990400000,1,1,1,2\n1583990460000,1,1,1,3\n",
                  "[[0,1],[60,2],[120,3]]");
    expect_points("close",
                  "time_utc,unix_ms,close,open\r\n2020-03-12T05:20:00Z,1583990400000,2,1\r\n\r\n"
                  "2020-03-12T05:20:00Z,1583990400250,3,1\r\n",
                  "[[0,1],[0.25,2],[0.5,3]]");
    expect_points("open",
                  "close,time_utc,open\n9,2020-02-28T23:59:59Z,1\n9,2020-02-29T00:00:00Z,2\n"
                  "9,2020-03-01T00:00:00Z,3\n9,2021-01-01T00:00:00Z,4\n",
                  "[[0,1],[1,2],[86401,3],[26524801,4]]");
    /* Microseconds, as some archives have them since 2025. */
    expect_points("close", "1735689600000000,5,5,5,6\n1735689600500000,6,6,6,7",
                  "[[0,5],[0.5,6],[1,7]]");
    close_folder();
}

/* What is in force needs the file no more, and is the same run. */
Test(klines, resolve_to_the_points_themselves)
{
    open_folder();
    put_file("x.csv", bare);
    put_scenario("x.json", "close");
    struct said s = load("x.json");
    cr_assert_not_null(s.config, "%s", s.text);
    put_file("y.json", s.config->resolved);
    char path[200], other[200];
    snprintf(path, sizeof path, "%s/x.json", folder);
    struct fl_test_run run = fl_test_run_file(path, NULL, 0, 71);
    snprintf(path, sizeof path, "%s/x.csv", folder);
    cr_assert_eq(remove(path), 0);
    struct said again = load("y.json");
    cr_assert_not_null(again.config, "%s", again.text);
    cr_expect_str_eq(s.config->resolved, again.config->resolved);
    snprintf(other, sizeof other, "%s/y.json", folder);
    struct fl_test_run twin = fl_test_run_file(other, NULL, 0, 71);
    cr_expect(fl_digest_equal(run.result->digest, twin.result->digest));
    /* 200 s: a third of the way from 190.75 at 120 s to 186 at 240 s. */
    cr_expect_float_eq((double)fl_test_final(&run, "market.fundamental") / 1e6,
                       190.75 - 4.75 * 2 / 3, 1e-4);
    fl_test_run_free(&run);
    fl_test_run_free(&twin);
    forget(&s);
    forget(&again);
    close_folder();
}

/* ------------------------------------------------------------------------------------------------
 * What is refused
 * --------------------------------------------------------------------------------------------- */

Test(klines, what_is_wrong_is_said_with_its_line)
{
    static const struct {
        const char *csv, *says;
    } broken[] = {
        {"", "x.csv:1:1: error: expected at least two candles, found 0"},
        {"1,1,1,1,1\n", "x.csv:1:1: error: expected at least two candles, found 1"},
        {"open_time,open,close\n1,1,1\n",
         "x.csv:1:1: error: expected at least two candles, found 1"},
        {"open_time,open,high\n1,1,1\n", "x.csv:1:1: error: there is no column \"close\""},
        {"open_time,close\n1,1\n", "x.csv:1:1: error: there is no column \"open\""},
        {"time,open,close\n1,1,1\n", "x.csv:1:1: error: there is no column \"open_time\""},
        {"1,1,1,1,1\n2,1,1,1\n", "x.csv:2:1: error: the line ends before its column \"close\""},
        {"1,1,1,1,1\n1,1,1,1,1\n", "x.csv:2:1: error: a candle must open after the one before"},
        {"2,1,1,1,1\n\n1,1,1,1,1\n", "x.csv:3:1: error: a candle must open after the one before"},
        {"-1,1,1,1,1\n", "x.csv:1:1: error: expected a time in milliseconds since 1970"},
        {"1.5,1,1,1,1\n", "x.csv:1:1: error: expected a time in milliseconds since 1970"},
        {"9223372036854775807,1,1,1,1\n",
         "x.csv:1:1: error: expected a time in milliseconds since 1970"},
        {"1,1,1,1,1\nopen_time,open,high,low,close\n",
         "x.csv:2:1: error: expected a time in milliseconds since 1970"},
        {"1,1,1,1,NaN\n", "x.csv:1:9: error: expected a price with at most 6 decimals"},
        {"1,,1,1,1\n", "x.csv:1:3: error: expected a price with at most 6 decimals"},
        {"1,1,1,1,1.0000001\n", "x.csv:1:9: error: expected a price with at most 6 decimals"},
        {"1,1,1,1,1e3\n", "x.csv:1:9: error: expected a price with at most 6 decimals"},
        {"1,1,1,1,-1\n", "x.csv:1:9: error: out of range"},
        {"time_utc,open,close\n2020-02-30T00:00:00Z,1,1\n",
         "x.csv:2:1: error: expected a time like 2020-03-12T10:35:00Z"},
        {"time_utc,open,close\n2021-02-29T00:00:00Z,1,1\n",
         "x.csv:2:1: error: expected a time like 2020-03-12T10:35:00Z"},
        {"time_utc,open,close\n2020-13-01T00:00:00Z,1,1\n",
         "x.csv:2:1: error: expected a time like 2020-03-12T10:35:00Z"},
        {"time_utc,open,close\n2020-03-12 00:00:00,1,1\n",
         "x.csv:2:1: error: expected a time like 2020-03-12T10:35:00Z"},
        {"1,0,1,1,1\n2,1,1,1,1\n",
         "x.json:2:11: error: /nodes/m/source: the prices of points must"},
        {NULL, "x.json:2:76: error: /nodes/m/source/points_usd/kline_csv: cannot read "},
    };
    open_folder();
    put_scenario("x.json", "close");
    for (size_t i = 0; i < LENGTH(broken); i++) {
        if (broken[i].csv) {
            put_file("x.csv", broken[i].csv);
        } else {
            char csv[200];
            snprintf(csv, sizeof csv, "%s/x.csv", folder);
            cr_assert_eq(remove(csv), 0);
        }
        struct said s = load("x.json");
        char line[300];
        snprintf(line, sizeof line, "%s/%s", folder, broken[i].says);
        cr_expect(!s.config && strncmp(s.text, line, strlen(line)) == 0, "%s, not %s", s.text,
                  line);
        forget(&s);
    }
    close_folder();
}

Test(klines, more_candles_than_the_bound_are_refused)
{
    open_folder();
    char *csv = malloc((size_t)(FL_KLINES_MAX + 1) * 20), *at = csv;
    for (int i = 1; i <= FL_KLINES_MAX + 1; i++) at += sprintf(at, "%d,1,1,1,1\n", i);
    put_file("x.csv", csv);
    put_scenario("x.json", "open");
    struct said s = load("x.json");
    char line[200];
    snprintf(line, sizeof line, "%s/x.csv:%d:1: error: more than %d candles", folder,
             FL_KLINES_MAX + 1, FL_KLINES_MAX);
    cr_expect(!s.config && strncmp(s.text, line, strlen(line)) == 0, "%s", s.text);
    forget(&s);
    free(csv);
    close_folder();
}

/* ------------------------------------------------------------------------------------------------
 * Real ones, where they are
 * --------------------------------------------------------------------------------------------- */

/* Candles of exchanges are not ours to hand on. Where FL_PRICES names a folder of them, each with an
 * opening price must be read. */
Test(klines, of_real_exchanges_are_read)
{
    const char *prices = getenv("FL_PRICES");
    DIR *found = prices ? opendir(prices) : NULL;
    if (!found) {
        fputs("skipped: FL_PRICES names no folder\n", stderr); /* cr_skip_test leaks */
        return;
    }
    open_folder();
    int read = 0;
    for (const struct dirent *entry = readdir(found); entry; entry = readdir(found)) {
        char path[600], first[200] = "";
        const char *end = strrchr(entry->d_name, '.');
        snprintf(path, sizeof path, "%s/%s", prices, entry->d_name);
        FILE *file = end && strcmp(end, ".csv") == 0 ? fopen(path, "r") : NULL;
        if (!file) continue;
        const bool candles = fgets(first, sizeof first, file) && strstr(first, ",open,");
        fclose(file);
        if (!candles) continue;
        char link[200];
        snprintf(link, sizeof link, "%s/x.csv", folder);
        remove(link);
        cr_assert_eq(symlink(path, link), 0);
        put_scenario("x.json", "close");
        struct said s = load("x.json");
        cr_expect(s.config, "%s", s.text);
        read++;
        forget(&s);
    }
    closedir(found);
    fprintf(stderr, "%d files of candles\n", read);
    cr_expect_gt(read, 0);
    close_folder();
}
