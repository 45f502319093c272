/* What single groups and contracts publish: "eth/market.fundamental" beside "market.fundamental". */
#include "analysis/trace.h"
#include "sim/archive.h"
#include "tests/lib/run.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Three markets whose prices have no noise, so that each is known at the points; two feeds, each with
 * reporters of one market. */
static const char world[] =
    "{\"name\": \"markets\", \"duration_s\": 60, \"trace\": {\"sample_s\": 1}, \"nodes\": {"
    "\"v\": {\"consensus\": {\"model\": \"ordered\", \"block_ms\": 500}, \"chain\": \"replica\"},"
    "\"eth\": {\"source\": {\"model\": \"replay\", \"volatility\": 0, \"points_usd\":"
    " [[0, 2385.25]]},"
    " \"market\": {\"model\": \"spot\", \"depth\": 1000, \"subscribers\": [\"rep-eth\"]}},"
    "\"btc\": {\"count\": 2, \"source\": {\"model\": \"replay\", \"volatility\": 0, \"points_usd\":"
    " [[0, 64000], [20, 64000], [21, 51200]]},"
    " \"market\": {\"model\": \"spot\", \"depth\": 10, \"subscribers\": [\"rep-btc\"]}},"
    "\"sol\": {\"source\": {\"model\": \"replay\", \"volatility\": 0, \"points_usd\":"
    " [[0, 141.5], [60, 141.5]]},"
    " \"market\": {\"model\": \"spot\", \"depth\": 1000, \"subscribers\": []}},"
    "\"rep-eth\": {\"count\": 3, \"clients_of\": \"v\", \"oracle\": {\"model\": \"reporter\","
    " \"contract\": \"feed-eth\", \"noise\": 0, \"lag_ms\": 100}},"
    "\"rep-btc\": {\"count\": 2, \"clients_of\": \"v\", \"oracle\": {\"model\": \"reporter\","
    " \"contract\": \"feed-btc\", \"noise\": 0, \"lag_ms\": 100}}},"
    "\"contracts\": {"
    "\"feed-eth\": {\"model\": \"feed\", \"reporters\": [\"rep-eth\"], \"quorum\": 2},"
    "\"feed-btc\": {\"model\": \"feed\", \"reporters\": [\"rep-btc\"], \"quorum\": 2}}";

/* With sections of its own; good until the next call. */
static const char *scenario(const char *sections)
{
    static char text[8192];
    const int length = snprintf(text, sizeof text, "%s%s}", world, sections);
    cr_assert_lt(length, (int)sizeof text);
    return text;
}

Test(observables, each_group_has_its_own_price)
{
    struct fl_test_run run = fl_test_run(scenario(""), NULL, 0, 1);
    cr_expect_eq(fl_test_final(&run, "market.fundamental"), 2385250000, "the first, as ever");
    cr_expect_eq(fl_test_final(&run, "eth/market.fundamental"), 2385250000);
    cr_expect_eq(fl_test_final(&run, "btc/market.fundamental"), 51200000000);
    cr_expect_eq(fl_test_final(&run, "sol/market.fundamental"), 141500000);
    const uint32_t btc = fl_config_observable(run.config, "btc/market.fundamental");
    cr_assert_geq(run.result->sample_count, 30);
    for (uint32_t i = 0; i < run.result->sample_count; i++) {
        if (run.result->sample_at[i] == 10 * FL_SECOND) {
            cr_expect_eq(run.result->sample[btc][i], 64000000000);
        }
        if (run.result->sample_at[i] == 30 * FL_SECOND) {
            cr_expect_eq(run.result->sample[btc][i], 51200000000);
        }
    }
    fl_test_run_free(&run);
}

Test(observables, each_contract_has_its_own_price)
{
    struct fl_test_run run = fl_test_run(scenario(""), NULL, 0, 1);
    cr_expect_eq(fl_test_final(&run, "feed-eth/oracle.price"), 2385250000);
    cr_expect_eq(fl_test_final(&run, "feed-btc/oracle.price"), 51200000000);
    cr_expect_eq(fl_test_final(&run, "oracle.price"), 2385250000);
    fl_test_run_free(&run);
}

/* What adds up is not told apart by itself, but on demand; then its parts are the whole. */
Test(observables, what_is_combined_has_parts_on_demand)
{
    struct fl_test_run run = fl_test_run(scenario(""), NULL, 0, 1);
    cr_expect_eq(fl_config_observable(run.config, "rep-eth/oracle.reports"), UINT32_MAX);
    fl_test_run_free(&run);
    run = fl_test_run(
        scenario(", \"expect\": [{\"path\": \"rep-eth/oracle.reports\", \"op\": \">\", \"value\": "
                 "0}, {\"path\": \"rep-btc/oracle.reports\", \"op\": \">\", \"value\": 0}]"),
        NULL, 0, 1);
    const int64_t eth = fl_test_final(&run, "rep-eth/oracle.reports"),
                  btc = fl_test_final(&run, "rep-btc/oracle.reports");
    cr_expect_gt(eth, 0);
    cr_expect_gt(btc, 0);
    cr_expect_neq(eth, btc);
    cr_expect_eq(fl_test_final(&run, "oracle.reports"), eth + btc);
    fl_test_run_free(&run);
}

/* One group that has all of it: its name may be said, and nothing is added where it is not. */
Test(observables, one_market_has_one_price)
{
    static const char one[] =
        "{\"name\": \"one\", \"duration_s\": 5, \"nodes\": {\"m\": {\"source\": {\"model\": "
        "\"replay\", \"points_usd\": [[0, 7]]}, \"market\": {\"model\": \"spot\", \"depth\": 1, "
        "\"subscribers\": []}}}, \"expect\": [{\"path\": \"%s\", \"op\": \">\", \"value\": 0}]}";
    char text[512];
    snprintf(text, sizeof text, one, "market.mid");
    struct fl_test_run run = fl_test_run(text, NULL, 0, 1);
    for (uint32_t i = 0; i < run.config->observable_count; i++) {
        cr_expect_null(strchr(run.config->observable[i].name, '/'));
    }
    const uint32_t count = run.config->observable_count;
    fl_test_run_free(&run);
    snprintf(text, sizeof text, one, "m/market.mid");
    run = fl_test_run(text, NULL, 0, 1);
    cr_expect_eq(run.config->observable_count, count + 1);
    cr_expect_eq(fl_test_final(&run, "m/market.mid"), fl_test_final(&run, "market.mid"));
    fl_test_run_free(&run);
}

/* The fall of one market opens a window that the other's price would not, and the adversary of largest
 * looks at one group of the two that report. */
Test(observables, faults_look_at_one_group)
{
    struct fl_test_run run = fl_test_run(
        scenario(
            ", \"faults\": {\"falls\": {\"model\": \"mute\", \"group\": \"sol\", \"count\": 1, "
            "\"look_ms\": 100, \"when\": {\"observable\": \"btc/market.fundamental\", "
            "\"falls\": 0.1}}, "
            "\"never\": {\"model\": \"mute\", \"group\": \"sol\", \"count\": 1, "
            "\"when\": {\"observable\": \"sol/market.fundamental\", \"op\": \"!=\", "
            "\"value\": \"141.5\"}, \"sees\": [\"eth/market.mid\"]}, "
            "\"most\": {\"model\": \"mute\", \"role\": \"oracle\", \"count\": 1, "
            "\"keep\": true, \"from_s\": 15, \"largest\": \"rep-btc/oracle.reports\"}}"),
        NULL, 0, 1);
    const struct fl_fault_result *fault = run.result->fault;
    cr_expect_eq(fault[0].opened, 1);
    cr_expect(fault[0].from > 20 * FL_SECOND && fault[0].from <= 21 * FL_SECOND + FL_SECOND);
    cr_assert_eq(fault[2].count, 1);
    const struct fl_group *group = run.config->group;
    cr_expect_str_eq(group[5].name, "rep-btc");
    cr_expect(fault[2].member[0] >= group[5].first, "%u", fault[2].member[0]);
    fl_test_run_free(&run);
}

Test(observables, the_trace_and_the_summary_show_each_market)
{
    char folder[] = "/tmp/faultline-test-XXXXXX", error[256];
    cr_assert_not_null(mkdtemp(folder));
    struct fl_test_run run = fl_test_run(
        scenario(", \"expect\": [{\"path\": \"sol/market.fundamental\", \"op\": \"==\", "
                 "\"value\": \"141.50\"}]"),
        NULL, 0, 1);
    char hash[33];
    fl_archive_content_hash(run.config, run.result, hash);
    uint32_t failed = 1;
    char *summary = fl_summary_text(run.config, run.result, hash, &failed);
    cr_expect_eq(failed, 0, "%s", summary);
    cJSON *root = cJSON_Parse(summary);
    const cJSON *btc = cJSON_GetObjectItemCaseSensitive(root, "btc/market");
    const cJSON *price = cJSON_GetObjectItemCaseSensitive(btc, "fundamental");
    cr_assert_not_null(price, "%s", summary);
    cr_expect_str_eq(price->valuestring, "51200.000000");
    cJSON_Delete(root);
    const char *wrong = fl_archive_write(run.config, run.result, hash, summary, folder);
    cr_assert_null(wrong, "%s", wrong);
    free(summary);
    struct fl_trace *trace = fl_trace_open(folder, error, sizeof error);
    cr_assert_not_null(trace, "%s", error);
    static const char *const names[] = {"eth/market.fundamental", "btc/market.mid",
                                        "sol/market.fundamental", "feed-btc/oracle.price",
                                        "market.fundamental"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        size_t count = 0;
        snprintf(path, sizeof path, "/series/%s", names[i]);
        int64_t *series = fl_trace_int64(trace, path, &count);
        cr_assert_not_null(series, "%s", fl_trace_error(trace));
        cr_assert_eq(count, run.result->sample_count);
        const uint32_t handle = fl_config_observable(run.config, names[i]);
        cr_expect_eq(memcmp(series, run.result->sample[handle], count * sizeof *series), 0);
        free(series);
    }
    fl_trace_close(trace);
    fl_test_run_free(&run);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_expect_eq(system(command), 0);
}

/* --- mistakes ----------------------------------------------------------------------------------------- */

static void expect_said(const char *text, const char *expected)
{
    char *said = NULL;
    size_t bytes = 0;
    struct fl_problems problems = {.to = open_memstream(&said, &bytes)};
    struct fl_config *config =
        fl_config_parse(text, strlen(text), "x.json", NULL, 0, NULL, &problems);
    fclose(problems.to);
    cr_assert_null(config);
    cr_expect_eq(problems.count, 1, "%s", said);
    said[strcspn(said, "\n")] = '\0';
    const char *message = strstr(said, "error: ");
    cr_expect_str_eq(message ? message : said, expected, "\n  said     %s\n  expected %s", said,
                     expected);
    free(said);
}

static void expect_refused(const char *path, const char *expected)
{
    char sections[256];
    snprintf(sections, sizeof sections,
             ", \"expect\": [{\"path\": \"%s\", \"op\": \">\", \"value\": 0}]", path);
    expect_said(scenario(sections), expected);
}

Test(observables, what_no_group_publishes_is_refused)
{
    expect_refused(
        "ehh/market.fundamental",
        "error: /expect/0/path: no group of nodes is called \"ehh\" (did you mean \"eth\"?)");
    expect_refused("rep-eth/market.fundamental",
                   "error: /expect/0/path: group of nodes \"rep-eth\" does not publish "
                   "\"market.fundamental\"; published by: eth, btc, sol");
    expect_refused("eth/market.fundamentl",
                   "error: /expect/0/path: no model in use has an observable \"market.fundamentl\" "
                   "(did you mean \"market.fundamental\"?)");
    expect_refused(
        "feed-ehh/oracle.price",
        "error: /expect/0/path: no contract is called \"feed-ehh\" (did you mean \"feed-eth\"?)");
    expect_refused("eth/oracle.price", "error: /expect/0/path: no contract is called \"eth\"");
    expect_refused("eth/", "error: /expect/0/path: no model in use has an observable \"\"");
    expect_refused(
        "x/eth/market.mid",
        "error: /expect/0/path: no model in use has an observable \"eth/market.mid\" (did "
        "you mean \"market.mid\"?)");
    expect_said(scenario(", \"checks\": {\"c\": {\"model\": \"solvency\", \"exchange\": "
                         "\"feed-eth\", \"fundamental\": [\"nobody/market.mid\"]}}"),
                "error: /checks/c/fundamental/0: no group of nodes is called \"nobody\"");
    expect_said(
        scenario(", \"faults\": {\"f\": {\"model\": \"mute\", \"group\": \"sol\", \"count\": 1, "
                 "\"when\": {\"observable\": \"bct/market.mid\", \"falls\": 0.1}}}"),
        "error: /faults/f/when/observable: no group of nodes is called \"bct\" (did you mean "
        "\"btc\"?)");
    expect_said(
        "{\"name\": \"x\", \"duration_s\": 5, \"nodes\": {"
        "\"time\": {\"market\": {\"model\": \"spot\", \"depth\": 1, \"subscribers\": []}},"
        "\"eth\": {\"market\": {\"model\": \"spot\", \"depth\": 1, \"subscribers\": []}}}}",
        "error: /nodes/time: \"time\" is a series of every trace: what has series of its own "
        "needs another name");
}
