/* Rankings of contingencies: what can be lost, against a list made by hand; dollars, against runs that the
 * test makes by itself; verdicts and intervals, against arithmetic; and the program's messages.
 *
 * No timeouts of Criterion: see tests/unit/test_process.c. */
#define _XOPEN_SOURCE 700
#include "analysis/contingency.h"
#include "analysis/figure.h"
#include "sim/components.h"
#include "sim/h5.h"
#include "sim/plan.h"
#include "sim/rank.h"
#include "tests/lib/archive_fixture.h"
#include "tests/lib/run.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { TEXT = 1 << 16 };

static void clean(const char *folder)
{
    static const char *const names[] = {"contingencies.json", "plan.json",       "scenario.json",
                                        "sweep.csv",          "sweep.h5",        "sweep.journal",
                                        "build.json",         "contingency.gp",  "contingency.tsv",
                                        "contingency.png",    "contingency.svg", "contingency.pdf"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[2 * FAKE_PATH];
        fake_path(folder, names[i], path);
        remove(path);
    }
    cr_expect_eq(rmdir(folder), 0, "%s holds something else", folder);
}

/* ------------------------------------------------------------------------------------------------
 * What can be lost
 * --------------------------------------------------------------------------------------------- */

/* Endpoints: market 0, validators 1 to 4, reporters 5 to 8, and a twin of a validator. */
static const char parts_text[] =
    "{\"extends\": \"pbft-no-fault.json\", \"name\": \"parts\","
    " \"network\": {\"delay_ms\": 0, \"regions\": \"cloud\"},"
    " \"nodes\": {"
    "  \"market\": {\"region\": \"dallas\"},"
    "  \"validator\": {\"regions\": [\"london\", \"tokyo\"],"
    "   \"labels\": {\"client\": [\"red\", \"blue\", \"blue\", \"green\"]}},"
    "  \"reporter\": {\"region\": \"dallas\","
    "   \"labels\": {\"client\": [\"blue\", \"grey\"], \"source\": [\"feed-a\"]}}},"
    " \"faults\": {\"two\": {\"model\": \"twins\", \"group\": \"validator\", \"count\": 1}}}";

static const struct {
    enum fl_component_kind kind;
    const char *noun, *name, *also, *members;
    uint32_t count, endpoint[8];
} by_hand[] = {
    {FL_COMPONENT_REGION, "region", "dallas", "", "market, reporter 4 of 4", 5, {0, 5, 6, 7, 8}},
    {FL_COMPONENT_REGION, "region", "london", "", "validator 2 of 4", 2, {1, 3}},
    {FL_COMPONENT_REGION, "region", "tokyo", "", "validator 2 of 4", 2, {2, 4}},
    {FL_COMPONENT_LABEL, "client", "red", "node validator[0]", "validator 1 of 4", 1, {1}},
    {FL_COMPONENT_LABEL,
     "client",
     "blue",
     "",
     "validator 2 of 4, reporter 2 of 4",
     4,
     {2, 3, 5, 7}},
    {FL_COMPONENT_LABEL, "client", "green", "node validator[3]", "validator 1 of 4", 1, {4}},
    {FL_COMPONENT_LABEL, "client", "grey", "", "reporter 2 of 4", 2, {6, 8}},
    {FL_COMPONENT_LABEL, "source", "feed-a", "group reporter", "reporter 4 of 4", 4, {5, 6, 7, 8}},
    {FL_COMPONENT_GROUP, "group", "market", "node market[0]", "market", 1, {0}},
    {FL_COMPONENT_GROUP, "group", "validator", "", "validator 4 of 4", 4, {1, 2, 3, 4}},
    {FL_COMPONENT_NODE, "node", "validator[1]", "", "validator 1 of 4", 1, {2}},
    {FL_COMPONENT_NODE, "node", "validator[2]", "", "validator 1 of 4", 1, {3}},
    {FL_COMPONENT_NODE, "node", "reporter[0]", "", "reporter 1 of 4", 1, {5}},
    {FL_COMPONENT_NODE, "node", "reporter[1]", "", "reporter 1 of 4", 1, {6}},
    {FL_COMPONENT_NODE, "node", "reporter[2]", "", "reporter 1 of 4", 1, {7}},
    {FL_COMPONENT_NODE, "node", "reporter[3]", "", "reporter 1 of 4", 1, {8}},
};
enum { BY_HAND = sizeof by_hand / sizeof *by_hand };

static struct fl_config *config_of(const char *const *overrides, size_t count)
{
    struct fl_problems problems = {.to = stderr};
    struct fl_config *config = fl_config_parse(
        parts_text, strlen(parts_text), "scenarios/parts.json", overrides, count, NULL, &problems);
    cr_assert_not_null(config);
    return config;
}

Test(rank, lists_what_can_be_lost)
{
    struct fl_config *config = config_of(NULL, 0);
    struct fl_components list = fl_components_list(config, FL_COMPONENT_ALL, 100);
    cr_assert_eq(list.count, BY_HAND);
    for (uint32_t i = 0; i < BY_HAND; i++) {
        const struct fl_component *c = &list.at[i];
        cr_expect_eq(c->kind, by_hand[i].kind, "%s", c->name);
        cr_expect_str_eq(c->noun, by_hand[i].noun);
        cr_expect_str_eq(c->name, by_hand[i].name);
        cr_expect_str_eq(c->also, by_hand[i].also, "%s: %s", c->name, c->also);
        cr_expect_str_eq(c->members, by_hand[i].members, "%s: %s", c->name, c->members);
        cr_assert_eq(c->count, by_hand[i].count, "%s", c->name);
        cr_expect_eq(memcmp(c->endpoint, by_hand[i].endpoint, c->count * sizeof(uint32_t)), 0, "%s",
                     c->name);
    }
    fl_components_free(&list);
    fl_config_free(config);
}

/* A fault with those keys strikes those nodes and no other. */
Test(rank, names_them_as_faults_do)
{
    struct fl_config *config = config_of(NULL, 0);
    struct fl_components list = fl_components_list(config, FL_COMPONENT_ALL, 100);
    for (uint32_t i = 0; i < list.count; i++) {
        char set[256];
        snprintf(set, sizeof set, "faults={\"x\": {\"model\": \"crash\", %s, \"from_s\": 1}}",
                 list.at[i].who);
        struct fl_config *struck = config_of((const char *const[]){set}, 1);
        cr_assert_eq(struck->fault_count, 1);
        cr_assert_eq(struck->fault[0].count, list.at[i].count, "%s", set);
        cr_expect_eq(memcmp(struck->fault[0].member, list.at[i].endpoint,
                            list.at[i].count * sizeof(uint32_t)),
                     0, "%s", set);
        fl_config_free(struck);
    }
    fl_components_free(&list);
    fl_config_free(config);
}

Test(rank, lists_the_kinds_that_are_asked_for)
{
    struct fl_config *config = config_of(NULL, 0);
    static const uint32_t of_kind[] = {[FL_COMPONENT_REGION] = 3,
                                       [FL_COMPONENT_LABEL] = 5,
                                       [FL_COMPONENT_GROUP] = 3,
                                       [FL_COMPONENT_NODE] = 9};
    for (uint32_t kind = FL_COMPONENT_REGION; kind <= FL_COMPONENT_KINDS; kind++) {
        struct fl_components list = fl_components_list(config, FL_COMPONENT_BIT(kind), 100);
        cr_expect_eq(list.count, of_kind[kind]);
        for (uint32_t i = 0; i < list.count; i++) {
            cr_expect_eq(list.at[i].kind, kind);
            cr_expect_str_empty(list.at[i].also);
        }
        fl_components_free(&list);
    }
    struct fl_components some = fl_components_list(config, FL_COMPONENT_ALL, 5);
    cr_expect_eq(some.count, 6);
    fl_components_free(&some);
    fl_config_free(config);
}

/* By sets of bits. */
Test(rank, knows_what_lies_within_what)
{
    struct fl_config *config = config_of(NULL, 0);
    struct fl_components list = fl_components_list(config, FL_COMPONENT_ALL, 100);
    uint32_t within = 0;
    for (uint32_t i = 0; i < list.count; i++) {
        for (uint32_t j = 0; j < list.count; j++) {
            uint32_t one = 0, other = 0;
            for (uint32_t k = 0; k < by_hand[i].count; k++) one |= 1u << by_hand[i].endpoint[k];
            for (uint32_t k = 0; k < by_hand[j].count; k++) other |= 1u << by_hand[j].endpoint[k];
            const bool expected = (one & ~other) == 0;
            cr_expect_eq(fl_component_within(&list.at[i], &list.at[j]), expected, "%s in %s",
                         list.at[i].name, list.at[j].name);
            within += expected && i != j;
        }
    }
    cr_expect_gt(within, 10);
    fl_components_free(&list);
    fl_config_free(config);
}

/* ------------------------------------------------------------------------------------------------
 * Dollars
 * --------------------------------------------------------------------------------------------- */

/* Three reporters of whom two must report. Each has an operator, so that each can be lost, and no two.
 * What traders have differs from seed to seed. */
#define SETTINGS                                                                                   \
    "faults={}", "nodes.reporter.labels={\"operator\": [\"ash\", \"birch\", \"cedar\"]}",          \
        "nodes.market.source.volatility=0.0005",                                                   \
        "nodes.trader.agent.collateral_usd={\"law\": \"lognormal\", \"median\": 1000, \"sigma\": " \
        "0.5}"
static const char *const settings[] = {SETTINGS};
enum { SETTINGS_COUNT = sizeof settings / sizeof *settings, SEEDS = 3 };
#define DOWN(name, operator)                                               \
    "faults." name "={\"model\": \"crash\", \"labels\": {\"operator\": \"" \
    operator"\"}, "                                                        \
            "\"from_s\": 60, \"to_s\": 200}"

static const struct fl_rank operators = {.path = "scenarios/price-trigger.json",
                                         .override = settings,
                                         .override_count = SETTINGS_COUNT,
                                         .metric = "ledger.bad_debt",
                                         .of = "labels",
                                         .from = "60",
                                         .to = "200",
                                         .order = 2,
                                         .replicates = SEEDS,
                                         .jobs = 2,
                                         .quiet = true};

static void rank_in(const char *folder)
{
    struct fl_rank rank = operators;
    char directory[FL_RANK_PATH];
    rank.directory = folder;
    cr_assert_eq(fl_rank(&rank, directory), 0);
    cr_expect_str_eq(directory, folder);
}

/* What a run of ours ends with, in USD. */
static double ends_with(const char *observable, uint64_t seed, const char *one, const char *other)
{
    const char *set[] = {SETTINGS, one, other};
    struct fl_test_run run =
        fl_test_run_file("scenarios/price-trigger.json", set,
                         (size_t)(SETTINGS_COUNT + (one != NULL) + (other != NULL)), seed);
    const int64_t value = fl_test_final(&run, observable);
    fl_test_run_free(&run);
    return (double)value * 1e-6;
}

static const struct fl_contingency *find(const struct fl_ranking *ranking, const char *name)
{
    for (size_t i = 0; i < ranking->singles + ranking->pairs; i++) {
        const struct fl_contingency *c =
            i < ranking->singles ? &ranking->single[i] : &ranking->pair[i - ranking->singles];
        char found[FL_RANKING_TEXT];
        fl_lost_text(ranking, c, " and ", found);
        if (strcmp(found, name) == 0) return c;
    }
    cr_assert_fail("%s is not in the ranking", name);
    return NULL;
}

/* Student's 97.5 % with two degrees of freedom, in closed form: 0.95 sqrt(2 / (4 * 0.975 * 0.025)). */
static const double T_2 = 4.302652729911275;

static void expect_estimate(const char *what, struct fl_estimate e, const double value[SEEDS])
{
    const double mean = (value[0] + value[1] + value[2]) / 3;
    double squares = 0;
    for (int i = 0; i < SEEDS; i++) squares += (value[i] - mean) * (value[i] - mean);
    const double half = T_2 * sqrt(squares / 2 / 3);
    cr_expect_float_eq(e.value, mean, 1e-6, "%s: %.9g, not %.9g", what, e.value, mean);
    cr_expect_float_eq(e.low, mean - half, 1e-5, "%s: %.9g, not %.9g", what, e.low, mean - half);
    cr_expect_float_eq(e.high, mean + half, 1e-5, "%s: %.9g, not %.9g", what, e.high, mean + half);
}

/* One metric of the ranking against runs made here. */
static void expect_dollars(const char *folder, const char *metric, const uint64_t seed[SEEDS])
{
    double as_it_is[SEEDS], ash[SEEDS], birch[SEEDS], both[SEEDS], synergy[SEEDS];
    for (int r = 0; r < SEEDS; r++) {
        const double base = ends_with(metric, seed[r], NULL, NULL);
        const double one = ends_with(metric, seed[r], DOWN("x", "ash"), NULL);
        const double other = ends_with(metric, seed[r], DOWN("y", "birch"), NULL);
        const double two = ends_with(metric, seed[r], DOWN("x", "ash"), DOWN("y", "birch"));
        as_it_is[r] = base;
        ash[r] = one - base;
        birch[r] = other - base;
        both[r] = two - base;
        synergy[r] = both[r] - ash[r] - birch[r];
    }
    struct fl_ranking ranking;
    cr_assert_eq(fl_ranking_read(folder, metric, 0.05, &ranking), 0);
    cr_expect_str_eq(ranking.unit, "USD");
    expect_estimate("as it is", ranking.base, as_it_is);
    expect_estimate("ash", find(&ranking, "operator ash")->loss, ash);
    expect_estimate("birch", find(&ranking, "operator birch")->loss, birch);
    expect_estimate("both", find(&ranking, "operator ash and operator birch")->loss, both);
    expect_estimate("synergy", find(&ranking, "operator ash and operator birch")->synergy, synergy);
    fl_ranking_free(&ranking);
}

static void seeds_of(const char *folder, uint64_t seed[SEEDS])
{
    char path[2 * FAKE_PATH];
    fake_path(folder, "plan.json", path);
    struct fl_problems problems = {.to = stderr};
    struct fl_plan *plan = fl_plan_load(path, &problems);
    cr_assert_not_null(plan);
    cr_expect_eq(plan->points, 7); /* as it is, three operators, three pairs */
    cr_expect_eq(plan->replicates, SEEDS);
    for (uint32_t r = 0; r < SEEDS; r++) seed[r] = fl_plan_seed(plan, r);
    fl_plan_free(plan);
}

Test(rank, counts_the_dollars_of_separate_runs)
{
    char folder[FAKE_PATH];
    uint64_t seed[SEEDS];
    fake_folder(folder);
    rank_in(folder);
    seeds_of(folder, seed);
    expect_dollars(folder, "ledger.bad_debt", seed);
    expect_dollars(folder, "ledger.liquidated", seed);
    clean(folder);
}

/* A quorum of two is left without one operator, and not without two. */
Test(rank, tells_the_pair_from_its_parts)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    rank_in(folder);
    struct fl_ranking ranking;
    cr_assert_eq(fl_ranking_read(folder, NULL, 0.05, &ranking), 0);
    cr_expect_str_eq(ranking.metric, "ledger.bad_debt");
    cr_expect_eq(ranking.singles, 3);
    cr_expect_eq(ranking.pairs, 3);
    cr_expect_eq(ranking.missing, 0);
    cr_expect_eq(fl_verdicts(ranking.single, 3, FL_NOTHING), 3);
    cr_expect_eq(fl_verdicts(ranking.pair, 3, FL_LOSES), 3);
    for (size_t i = 0; i < 3; i++) {
        cr_expect_gt(ranking.pair[i].loss.low, 0);
        cr_expect_eq(ranking.pair[i].synergy.value, ranking.pair[i].loss.value);
    }
    char sentence[FL_RANKING_TEXT];
    fl_ranking_sentence(&ranking, sentence);
    cr_expect_str_eq(sentence, "No single part of 3 is a point of failure");
    fl_ranking_free(&ranking);
    clean(folder);
}

/* ------------------------------------------------------------------------------------------------
 * Verdicts, from rows made by hand
 * --------------------------------------------------------------------------------------------- */

enum { POINTS = 8, ROWS = POINTS * SEEDS };
static const char parts_json[] =
    "{\"scenario\": \"by-hand\", \"metric\": \"ledger.bad_debt\", \"order\": 2, \"from_s\": 60,"
    " \"to_s\": null, \"kinds\": [\"regions\"], \"nested\": 4, \"components\": ["
    "{\"kind\": \"region\", \"noun\": \"region\", \"name\": \"one\", \"also\": \"\", \"members\": "
    "\"a\"},"
    "{\"kind\": \"region\", \"noun\": \"region\", \"name\": \"two\", \"also\": \"\", \"members\": "
    "\"b\"},"
    "{\"kind\": \"group\", \"noun\": \"group\", \"name\": \"x\", \"also\": \"\", \"members\": "
    "\"x\"},"
    "{\"kind\": \"group\", \"noun\": \"group\", \"name\": \"y\", \"also\": \"\", \"members\": "
    "\"y\"},"
    "{\"kind\": \"label\", \"noun\": \"client\", \"name\": \"red\", \"also\": \"\", \"members\": "
    "\"c\"},"
    "{\"kind\": \"node\", \"noun\": \"node\", \"name\": \"x[1]\", \"also\": \"\", \"members\": "
    "\"x\"}],"
    " \"points\": [[], [0], [1], [2], [3], [4], [5], [0, 3]]}";
/* Of the differences to the first point: 10, 11, 9; 5, 5, 5; none; -2, -2.1, -1.9; 4 and 4, and one that
 * crashed; -1, -0.5, -1.5; 30, 31, 29. */
static const double hand[ROWS] = {1,  2,    3,   11, 13,  12, 6, 7,   8,   1,  2,  3,
                                  -1, -0.1, 1.1, 5,  NAN, 7,  0, 1.5, 1.5, 31, 33, 32};

static void write_bytes(const char *folder, const char *name, const void *bytes, size_t count)
{
    char path[2 * FAKE_PATH];
    fake_path(folder, name, path);
    FILE *out = fopen(path, "w");
    cr_assert_not_null(out);
    cr_assert_eq(fwrite(bytes, 1, count, out), count);
    fclose(out);
}

static void write_by_hand(const char *folder)
{
    int64_t point[ROWS], replicate[ROWS], axis[ROWS], usd[ROWS];
    const int64_t version = 1;
    for (int row = 0; row < ROWS; row++) {
        point[row] = axis[row] = row / SEEDS;
        replicate[row] = row % SEEDS;
        usd[row] = isnan(hand[row]) ? INT64_MIN : (int64_t)llround(hand[row] * 1e6);
    }
    const hid_t file = fl_h5_new();
    cr_assert(fl_h5_attribute(file, "format_version", H5T_NATIVE_INT64, &version));
    cr_assert(fl_h5_group(file, "/axes", NULL) && fl_h5_group(file, "/metrics", NULL) &&
              fl_h5_group(file, "/rows", NULL));
    fake_put(file, "/axes/faults", "1", FL_COLUMN_INT64, 8, ROWS, axis);
    fake_put(file, "/rows/point", "id", FL_COLUMN_INT64, 8, ROWS, point);
    fake_put(file, "/rows/replicate", "id", FL_COLUMN_INT64, 8, ROWS, replicate);
    fake_put(file, "/metrics/ledger.bad_debt", "1e-6 USD", FL_COLUMN_INT64, 8, ROWS, usd);
    fake_publish(file, folder, "sweep.h5");
    write_bytes(folder, "contingencies.json", parts_json, strlen(parts_json));
}

Test(rank, judges_by_intervals)
{
    char folder[FAKE_PATH], text[FL_RANKING_TEXT];
    fake_folder(folder);
    write_by_hand(folder);
    struct fl_ranking ranking;
    cr_assert_eq(fl_ranking_read(folder, NULL, 0.05, &ranking), 0);
    static const struct {
        const char *name;
        enum fl_contingency_verdict verdict;
        double value, half; /* half: T_2 sd / sqrt(3) */
        size_t pairs;
    } worst_first[] = {
        {"region one", FL_LOSES, 10, 2.4841377118437395, 3},
        {"region two", FL_LOSES, 5, 0, 3},
        {"client red", FL_LOSES, 4, 0, 2},
        {"group x", FL_NOTHING, 0, 0, 3},
        {"x[1]", FL_UNTOLD, -1, 1.2420688559218697, 3},
        {"group y", FL_SAVES, -2, 0.24841377118437395, 3},
    };
    cr_assert_eq(ranking.singles, 6);
    for (size_t i = 0; i < ranking.singles; i++) {
        const struct fl_contingency *c = &ranking.single[i];
        fl_lost_text(&ranking, c, "", text);
        cr_expect_str_eq(text, worst_first[i].name);
        cr_expect_eq(c->verdict, worst_first[i].verdict, "%s", text);
        cr_expect_eq(c->pairs, worst_first[i].pairs, "%s", text);
        cr_expect_float_eq(c->loss.value, worst_first[i].value, 1e-9, "%s", text);
        cr_expect_float_eq(c->loss.high - c->loss.value, worst_first[i].half, 1e-9, "%s", text);
        cr_expect_float_eq(c->loss.value - c->loss.low, worst_first[i].half, 1e-9, "%s", text);
        cr_expect(isnan(c->synergy.value) && isnan(c->beside[FL_BESIDE_FUND].value));
    }
    cr_assert_eq(ranking.pairs, 1);
    cr_expect_float_eq(ranking.pair[0].synergy.value, 22, 1e-9); /* 22, 22.1, 21.9 */
    cr_expect_float_eq(ranking.pair[0].synergy.high, 22.24841377118437, 1e-9);
    cr_expect_eq(ranking.missing, 1);
    cr_expect_eq(ranking.nested, 4);
    fl_ranking_sentence(&ranking, text);
    cr_expect_str_eq(text, "2 regions and client red are single points of failure");
    fl_window_text(&ranking, text);
    cr_expect_str_eq(text, "from second 60 to the end");
    fl_ranking_free(&ranking);
    clean(folder);
}

Test(rank, says_amounts_as_people_do)
{
    static const struct {
        struct fl_estimate e;
        const char *unit, *text;
    } cases[] = {
        {{282123, -41234, 605000}, "USD", "+$282 k [-41, 605]"},
        {{3190000, 3100000, 3284999}, "USD", "+$3.19 M [3.10, 3.28]"},
        {{-12.6, -14.2, -11}, "USD", "-$13 [-14, -11]"},
        {{0, 0, 0}, "USD", "$0"},
        {{4, NAN, NAN}, "USD", "+$4"},
        {{4, 4, 4}, "USD", "+$4"},
        {{1.25, 0.5, 2}, "s", "+1.25 s [0.5, 2]"},
        {{41, 41, 41}, "", "+41"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[FL_QUANTITY_TEXT];
        fl_loss_text(cases[i].e, cases[i].unit, text);
        cr_expect_str_eq(text, cases[i].text, "%s, not %s", text, cases[i].text);
    }
}

/* ------------------------------------------------------------------------------------------------
 * The figure
 * --------------------------------------------------------------------------------------------- */

static int draw(const char *folder, const char *format)
{
    char path[2 * FAKE_PATH];
    const struct fl_plot plot = {.folder = &folder, .count = 1, .format = format};
    return fl_plot(&plot, "contingency", path, sizeof path);
}

Test(rank, draws_the_same_bytes_again)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    write_by_hand(folder);
    static const char *const formats[] = {"png", "svg", "pdf"};
    for (int i = 0; i < 3; i++) {
        char name[32];
        size_t count, again;
        snprintf(name, sizeof name, "contingency.%s", formats[i]);
        cr_assert_eq(draw(folder, formats[i]), 0);
        char *first = fake_read(folder, name, &count);
        cr_assert_eq(draw(folder, formats[i]), 0);
        char *second = fake_read(folder, name, &again);
        cr_expect_gt(count, 1000);
        cr_expect(count == again && memcmp(first, second, count) == 0, "%s differs", name);
        free(first);
        free(second);
    }
    size_t bytes;
    char *script = fake_read(folder, "contingency.gp", &bytes);
    static const char *const wanted[] = {
        "title_1 = '2 regions and client red are single points of failure:'",
        "title_2 = 'losing region one costs $10 [8, 12] beyond the insurance fund'",
        "note = '1 of 6 parts changes nothing at all",
        "bar_value[1] = '+$10'",
        "panel_heading[2] = 'two parts lost: 1 of 1 pairs costs more than its parts'",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        cr_expect_not_null(strstr(script, wanted[i]), "%s", wanted[i]);
    free(script);
    clean(folder);
}

Test(rank, draws_long_names_cut)
{
    char folder[FAKE_PATH];
    static char longer[sizeof parts_json + 200], name[201];
    fake_folder(folder);
    write_by_hand(folder);
    memset(name, 'm', 200);
    const char *at = strstr(parts_json, "\"name\": \"one\"") + strlen("\"name\": \"");
    snprintf(longer, sizeof longer, "%.*s%s%s", (int)(at - parts_json), parts_json, name, at + 3);
    write_bytes(folder, "contingencies.json", longer, strlen(longer));
    cr_assert_eq(draw(folder, "svg"), 0);
    size_t bytes;
    char *script = fake_read(folder, "contingency.gp", &bytes);
    cr_expect_not_null(strstr(script, "bar_name[1] = 'region mmmm"));
    cr_expect_not_null(strstr(script, "mmm...'"));
    free(script);
    clean(folder);
}

Test(rank, draws_nothing_when_it_fails)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    cr_expect_eq(draw(folder, "png"), 3);
    write_by_hand(folder);
    setenv("PATH", folder, 1);
    cr_expect_eq(draw(folder, "png"), 3);
    cr_expect_not(fake_exists(folder, "contingency.png"));
    cr_expect_not(fake_exists(folder, "contingency.png.tmp"));
    write_bytes(folder, "contingencies.json", "{}", 2);
    cr_expect_eq(draw(folder, "png"), 3);
    clean(folder);
}

/* ------------------------------------------------------------------------------------------------
 * The program
 * --------------------------------------------------------------------------------------------- */

/* Its status; what it says, on both streams, in `text`. */
static int program(const char *arguments, char text[TEXT])
{
    const char *build = getenv("FL_BUILD");
    char command[1024];
    snprintf(command, sizeof command, "%s/faultline %s 2>&1", build ? build : "build", arguments);
    FILE *pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    text[fread(text, 1, TEXT - 1, pipe)] = '\0';
    const int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define TRIGGER "rank scenarios/price-trigger.json --dry-run "
Test(rank, is_down_while_the_scenarios_faults_strike)
{
    static const struct {
        const char *arguments, *window;
    } cases[] = {
        {"", "from second 0.5 to the end"},
        {"--set faults.stuck.to_s=100", "from second 0.5 to 100"},
        {"--set faults.stuck.enabled=false", "from second 1 to the end"},
        {"--set faults.stuck.to_s=100 --set 'faults.b={\"model\": \"crash\", \"group\": "
         "\"keeper\", "
         "\"count\": 1, \"from_s\": 20, \"to_s\": 250}'",
         "from second 0.5 to 250"},
        {"--from 10.25", "from second 10.25 to the end"},
        {"--from 10 --to 299", "from second 10 to 299"},
        {"--to 300", "from second 0.5 to the end"},
    };
    static char text[TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char arguments[512];
        snprintf(arguments, sizeof arguments, TRIGGER "%s", cases[i].arguments);
        cr_expect_eq(program(arguments, text), 0, "%s", text);
        cr_expect_not_null(strstr(text, cases[i].window), "%s: %s", cases[i].arguments, text);
    }
    /* Groups market, validator, reporter, liquidity, keeper, trader; nodes beside those: three reporters. */
    program(TRIGGER "--order 2 --replicates 4", text);
    cr_expect_not_null(strstr(text, "9 parts, 42 contingencies"), "%s",
                       text); /* 9 + 36 - 3 nested */
    cr_expect_not_null(strstr(text, "4 replicates: 172 runs"), "%s", text);
}

Test(rank, says_what_is_wrong)
{
    static const struct {
        const char *arguments;
        int status;
        const char *says;
    } cases[] = {
        {TRIGGER "--metric ledger.bad_dept", 2,
         "--metric ledger.bad_dept: the summary of price-trigger has no such number (did you mean "
         "\"ledger.bad_debt\"?)"},
        {TRIGGER "--metric checks.solvency", 2, "--metric checks.solvency: words, not numbers"},
        {TRIGGER "--order 3", 2, "--order 3: expected 1 (each part) or 2"},
        {TRIGGER "--replicates 1", 2, "--replicates 1: expected 2 to 1000000"},
        {TRIGGER "--of regions,machines", 2,
         "--of regions,machines: expected some of regions,labels,groups,nodes"},
        {TRIGGER "--of regions,labels", 2,
         "price-trigger has no regions and no labels, so that nothing can be lost"},
        {TRIGGER "--from noon", 2, "--from noon: expected seconds"},
        {TRIGGER "--from 300", 2, "--from 300: the run ends at second 300"},
        {TRIGGER "--from 100 --to 90", 2, "--from 100 is not before --to 90"},
        {TRIGGER "--set nodes.validator.count=1001", 2,
         "more than 1000 parts; restrict them by --of"},
        {TRIGGER "--order 2 --set nodes.validator.count=60", 2,
         "69 parts make 2346 pairs, and 1000 contingencies are the most"},
        {TRIGGER
         "--set 'faults.contingency-1={\"model\": \"crash\", \"group\": \"keeper\", \"count\": "
         "1, \"enabled\": false}'",
         2, "price-trigger has a fault called contingency-1"},
        {TRIGGER "--set duration_s=never", 2, "/duration_s: expected a number"},
        {"rank scenarios/pbft-no-fault.json --dry-run", 2,
         "the summary of pbft-no-fault has no such number"},
        {"rank nowhere.json", 3, "nowhere.json"},
        {"rank", 2, "expected SCENARIO.json"},
        {"plot scenarios --as contingency", 3, "expected the folder of a `faultline rank`"},
        {"plot scenarios --as contingency --sweep x", 2, "takes no --sweep: what each part"},
    };
    static char text[TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(program(cases[i].arguments, text), cases[i].status, "%s: %s",
                     cases[i].arguments, text);
        cr_expect_not_null(strstr(text, cases[i].says), "%s: %s", cases[i].arguments, text);
    }
}

/* Of a table's last lines and of the JSON; and a folder is not for two rankings. */
Test(rank, prints_and_resumes)
{
    static char text[TEXT], again[TEXT];
    char folder[FAKE_PATH], arguments[512];
    fake_folder(folder);
    const char *const rank =
        "rank scenarios/price-trigger.json --of groups --set faults={} --from 60 "
        "--to 200 --replicates 2 --jobs 2 -o %s %s";
    snprintf(arguments, sizeof arguments, rank, folder, "-q");
    cr_assert_eq(program(arguments, text), 0, "%s", text);
    cr_expect_not_null(
        strstr(text, "price-trigger: what each part adds to ledger.bad_debt if it is down for 2.3 "
                     "minutes, from second 60 to 200"),
        "%s", text);
    cr_expect_not_null(strstr(text, "are single points of failure (!): "), "%s", text);
    cr_expect_not_null(strstr(text,
                              "Each interval is for itself, whatever their number: of parts that "
                              "differ by chance alone 2.5 % are\ntold to lose"),
                       "%s", text);
    cr_expect_eq(program(arguments, again), 2, "%s", again);
    snprintf(arguments, sizeof arguments, rank, folder, "-q --resume");
    cr_expect_eq(program(arguments, again), 0);
    cr_expect_str_eq(again, text);
    snprintf(arguments, sizeof arguments, rank, folder, "-q --resume --to 199");
    cr_expect_eq(program(arguments, again), 2);
    cr_expect_not_null(strstr(again, "has another ranking"), "%s", again);
    snprintf(arguments, sizeof arguments, rank, folder,
             "-q --resume --set nodes.trader.accounts=21");
    cr_expect_eq(program(arguments, again), 2);
    cr_expect_not_null(strstr(again, "has another ranking"), "%s", again);
    snprintf(arguments, sizeof arguments, rank, folder, "--json --resume");
    cr_expect_eq(program(arguments, again), 0);
    cJSON *json = cJSON_Parse(again);
    cr_assert_not_null(json, "%s", again);
    cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "single")), 6);
    cr_expect_eq(cJSON_GetObjectItemCaseSensitive(json, "from_s")->valuedouble, 60);
    const double failing =
        cJSON_GetObjectItemCaseSensitive(json, "single_points_of_failure")->valuedouble;
    snprintf(arguments, sizeof arguments, "(!): %.0f of 6 parts", failing);
    cr_expect_not_null(strstr(text, arguments), "%s", text);
    cJSON_Delete(json);
    clean(folder);
}
