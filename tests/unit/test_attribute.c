/* `faultline attribute` and `faultline explain`: against Shapley values worked out here from runs made
 * here, against closed forms of when a position falls due, and what they say when they cannot answer. */
#define _XOPEN_SOURCE 700
#include "analysis/attribution.h"
#include "analysis/blame.h"
#include "analysis/shapley.h"
#include "sim/h5.h"
#include "tests/lib/archive_fixture.h"
#include "tests/lib/run.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <ftw.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define THREE "scenarios/three-faults.json"
enum { TEXT = 1 << 16, COMMAND = 1024, FAULTS = 3, SETS = 8 };
static const char *const three[FAULTS] = {"east-down", "west-cut", "stuck"};

/* --- the program ------------------------------------------------------------------------------------ */

static int remove_one(const char *path, const struct stat *found, int kind, struct FTW *place)
{
    (void)found;
    (void)kind;
    (void)place;
    return remove(path);
}

static void remove_folder(const char *folder)
{
    cr_expect_eq(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* Its status; what it prints, on both streams, goes to `text`. */
static int program(char text[TEXT], const char *format, ...)
{
    char arguments[COMMAND], command[2 * COMMAND];
    const char *folder = getenv("FL_BUILD");
    va_list list;
    va_start(list, format);
    vsnprintf(arguments, sizeof arguments, format, list);
    va_end(list);
    snprintf(command, sizeof command, "%s/faultline %s 2>&1", folder ? folder : "build", arguments);
    FILE *pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    text[fread(text, 1, TEXT - 1, pipe)] = '\0';
    const int status = pclose(pipe);
    cr_assert(WIFEXITED(status), "%s", command);
    return WEXITSTATUS(status);
}

static cJSON *answer(const char *arguments)
{
    static char text[TEXT];
    const int status = program(text, "%s --json", arguments);
    cr_assert_eq(status, 0, "%s: %s", arguments, text);
    cJSON *json = cJSON_Parse(text);
    cr_assert_not_null(json, "%s: %s", arguments, text);
    return json;
}

static const cJSON *at(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    cr_assert_not_null(item, "%s", key);
    return item;
}

/* "12.345678" as 12345678. */
static int64_t micro(const cJSON *object, const char *key)
{
    const char *text = at(object, key)->valuestring;
    cr_assert_not_null(text, "%s", key);
    int64_t value = 0;
    for (const char *c = text; *c; c++)
        value = *c >= '0' && *c <= '9' ? 10 * value + *c - '0' : value;
    return *text == '-' ? -value : value;
}

static const cJSON *named(const cJSON *list, const char *name)
{
    const cJSON *item;
    cJSON_ArrayForEach(item,
                       list) if (strcmp(at(item, "name")->valuestring, name) == 0) return item;
    cr_assert_fail("nothing is said of %s", name);
    return NULL;
}

/* --- three faults, by hand --------------------------------------------------------------------------- */

/* The bad debt with the faults of a set, bit i for three[i], by --set. */
static int64_t bad_debt(uint32_t set, uint64_t seed, const char *const *more, size_t count)
{
    const char *override[FAULTS + 4];
    char text[FAULTS][64];
    for (uint32_t i = 0; i < FAULTS; i++) {
        snprintf(text[i], sizeof text[i], "faults.%s.enabled=%s", three[i],
                 set >> i & 1 ? "true" : "false");
        override[i] = text[i];
    }
    for (size_t i = 0; i < count; i++) override[FAULTS + i] = more[i];
    struct fl_test_run run = fl_test_run_file(THREE, override, FAULTS + count, seed);
    const int64_t bad_debt = fl_test_final(&run, "ledger.bad_debt");
    fl_test_run_free(&run);
    return bad_debt;
}

/* Six times what fault a answers for beside b and c: there are six orders. It comes first in two, after
 * b alone in one, after c alone in one, last in two. */
static int64_t sixfold(const int64_t v[SETS], uint32_t a, uint32_t b, uint32_t c)
{
    const uint32_t A = 1u << a, B = 1u << b, C = 1u << c;
    return 2 * (v[A] - v[0]) + (v[A | B] - v[B]) + (v[A | C] - v[C]) +
           2 * (v[A | B | C] - v[B | C]);
}

static int64_t sixth_down(int64_t n)
{
    return n / 6 - (n % 6 < 0);
}

/* Rounded down, and the missing units to the largest remainders, of equals the first. */
static void by_hand(const int64_t v[SETS], int64_t out[FAULTS])
{
    const int64_t six[FAULTS] = {sixfold(v, 0, 1, 2), sixfold(v, 1, 0, 2), sixfold(v, 2, 0, 1)};
    int64_t left[FAULTS], missing = v[SETS - 1] - v[0];
    for (int i = 0; i < FAULTS; i++) {
        out[i] = sixth_down(six[i]);
        left[i] = six[i] - 6 * out[i];
        missing -= out[i];
    }
    cr_assert(missing >= 0 && missing < FAULTS);
    for (; missing > 0; missing--) {
        int most = 0;
        for (int i = 1; i < FAULTS; i++) most = left[i] > left[most] ? i : most;
        out[most]++;
        left[most] = -1;
    }
}

static void expect_as_by_hand(const cJSON *said, const int64_t v[SETS])
{
    int64_t value[FAULTS], sum = 0;
    by_hand(v, value);
    cr_expect_eq(micro(said, "none"), v[0]);
    cr_expect_eq(micro(said, "all"), v[SETS - 1]);
    for (uint32_t i = 0; i < FAULTS; i++) {
        const cJSON *fault = named(at(said, "faults"), three[i]);
        cr_expect_eq(micro(fault, "value"), value[i], "%s", three[i]);
        cr_expect_eq(micro(fault, "adds_alone"), v[1u << i] - v[0]);
        cr_expect_eq(micro(fault, "saved_without"), v[SETS - 1] - v[(SETS - 1) & ~(1u << i)]);
        sum += micro(fault, "value");
    }
    cr_expect_eq(sum, v[SETS - 1] - v[0]);
}

/* Pairs: v(ij) - v(i) - v(j) + v(), and the mean of that and the same beside the third. */
static void expect_pairs(const cJSON *said, const int64_t v[SETS])
{
    const cJSON *pair;
    uint32_t pairs = 0;
    cJSON_ArrayForEach(pair, at(said, "pairs"))
    {
        const uint32_t i = pairs == 2, j = pairs == 0 ? 1 : 2, k = FAULTS - i - j;
        const uint32_t I = 1u << i, J = 1u << j, K = 1u << k;
        cr_expect_str_eq(cJSON_GetArrayItem(at(pair, "faults"), 0)->valuestring, three[i]);
        cr_expect_str_eq(cJSON_GetArrayItem(at(pair, "faults"), 1)->valuestring, three[j]);
        const int64_t alone = v[I | J] - v[I] - v[J] + v[0];
        const int64_t beside = v[I | J | K] - v[I | K] - v[J | K] + v[K];
        cr_expect_eq(micro(pair, "both_alone"), alone);
        cr_expect_leq(llabs(2 * micro(pair, "among_others") - alone - beside), 1);
        pairs++;
    }
    cr_expect_eq(pairs, 3);
}

/* The faults that `explain` names in a run with all of them. */
static uint32_t explained(const char *folder, uint64_t seed, const char *sets)
{
    static char text[TEXT];
    char command[COMMAND];
    const int status =
        program(text, "run " THREE " -q -o %s --seed %" PRIu64 " %s", folder, seed, sets);
    cr_assert_leq(status, 1, "%s",
                  text); /* what the scenario expects is of its own seed and faults */
    snprintf(command, sizeof command, "explain %s", folder);
    cJSON *json = answer(command);
    uint32_t set = 0;
    for (uint32_t i = 0; i < FAULTS; i++) {
        const cJSON *fault = named(at(json, "faults"), three[i]);
        set |= (uint32_t)cJSON_IsTrue(at(fault, "named")) << i;
    }
    cJSON_Delete(json);
    return set;
}

/* Each seed for itself, with up to two more --set; which faults answer for something. */
static uint32_t attributed(const char *folder, const char *sets, const char *const *more,
                           size_t count)
{
    char command[COMMAND];
    uint32_t answers = 0, seeds = 0;
    snprintf(command, sizeof command, "attribute " THREE " -o %s/a --replicates 2 --seed 5 %s",
             folder, sets);
    cJSON *json = answer(command), *seed;
    cr_expect(cJSON_IsTrue(at(json, "exact")));
    cJSON_ArrayForEach(seed, at(json, "seeds"))
    {
        int64_t v[SETS];
        const uint64_t number = (uint64_t)at(seed, "seed")->valuedouble;
        for (uint32_t set = 0; set < SETS; set++) v[set] = bad_debt(set, number, more, count);
        expect_as_by_hand(seed, v);
        expect_pairs(seed, v);
        uint32_t names = 0;
        for (uint32_t i = 0; i < FAULTS; i++)
            names |= (uint32_t)(micro(named(at(seed, "faults"), three[i]), "value") != 0) << i;
        char run[2 * FAKE_PATH];
        snprintf(run, sizeof run, "%s/r%u", folder, seeds);
        cr_expect_eq(explained(run, number, sets), names, "seed %" PRIu64, number);
        answers |= names;
        seeds++;
    }
    cr_expect_eq(seeds, 2);
    cJSON_Delete(json);
    return answers;
}

Test(attribute, three_faults_as_by_hand_and_as_explained)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    cr_expect_eq(attributed(folder, "", NULL, 0), 7, "all three answer for something");
    /* The game is what the scenario says: nothing alone, two of the pairs, more all together. */
    const int64_t pairs[] = {bad_debt(3, 1, NULL, 0), bad_debt(5, 1, NULL, 0),
                             bad_debt(6, 1, NULL, 0)};
    for (uint32_t i = 0; i < FAULTS; i++) cr_expect_eq(bad_debt(1u << i, 1, NULL, 0), 0);
    cr_expect(pairs[0] > 0 && pairs[1] == 0 && pairs[2] > 0);
    cr_expect_gt(bad_debt(7, 1, NULL, 0), pairs[0] + pairs[2]);
    remove_folder(folder);
}

/* After everybody is liquidated the stuck reporter answers for nothing, and `explain` does not name it. */
Test(attribute, a_fault_that_comes_too_late_answers_for_nothing)
{
    static const char *const late[] = {"faults.stuck.to_s=280", "faults.stuck.from_s=240"};
    char folder[FAKE_PATH];
    fake_folder(folder);
    cr_expect_eq(
        attributed(folder, "--set faults.stuck.to_s=280 --set faults.stuck.from_s=240", late, 2),
        3);
    remove_folder(folder);
}

/* The mean over seeds of values adds up to the mean of the loss, rounded; it is near the mean of each
 * seed's, and resuming a finished folder changes nothing. */
Test(attribute, means_add_up_and_resume)
{
    enum { SEEDS = 5 };
    char folder[FAKE_PATH], command[COMMAND];
    fake_folder(folder);
    snprintf(command, sizeof command, "attribute " THREE " -o %s/a --replicates %d", folder, SEEDS);
    cJSON *json = answer(command);
    const cJSON *mean = at(json, "mean"), *seed;
    int64_t sum = 0, total = 0;
    for (uint32_t i = 0; i < FAULTS; i++) {
        const cJSON *fault = named(at(mean, "faults"), three[i]);
        int64_t of_seeds = 0;
        cJSON_ArrayForEach(seed, at(json, "seeds"))
            of_seeds += micro(named(at(seed, "faults"), three[i]), "value");
        cr_expect_leq(llabs(SEEDS * micro(fault, "value") - of_seeds), 2 * SEEDS);
        const cJSON *interval = at(fault, "over_seeds");
        cr_expect(micro(interval, "low") < micro(fault, "value") &&
                  micro(interval, "high") > micro(fault, "value"));
        sum += micro(fault, "value");
    }
    cJSON_ArrayForEach(seed, at(json, "seeds")) total += micro(seed, "all") - micro(seed, "none");
    cr_expect_leq(llabs(2 * (SEEDS * sum - total)), SEEDS);
    strcat(command, " --resume");
    cJSON *again = answer(command);
    cr_expect(cJSON_Compare(json, again, true));
    cJSON_Delete(again);
    cJSON_Delete(json);
    remove_folder(folder);
}

/* Orders drawn: what they say of a seed adds up all the same, and the exact value lies in the interval. */
Test(attribute, orders_drawn_come_near)
{
    char folder[FAKE_PATH], command[COMMAND];
    fake_folder(folder);
    snprintf(command, sizeof command, "attribute " THREE " -o %s/a --seed 2", folder);
    cJSON *exact = answer(command);
    snprintf(command, sizeof command, "attribute " THREE " -o %s/b --seed 2 --orders 60", folder);
    cJSON *drawn = answer(command);
    const cJSON *all = at(exact, "mean"), *some = at(drawn, "mean");
    int64_t sum = 0;
    cr_expect_eq(micro(all, "all"), micro(some, "all"), "the seeds are the same");
    for (uint32_t i = 0; i < FAULTS; i++) {
        const cJSON *fault = named(at(some, "faults"), three[i]);
        const cJSON *interval = at(fault, "over_orders");
        const int64_t value = micro(named(at(all, "faults"), three[i]), "value");
        cr_expect(micro(interval, "low") <= value && micro(interval, "high") >= value);
        cr_expect_lt(micro(interval, "high") - micro(interval, "low"), micro(some, "all") / 3);
        sum += micro(fault, "value");
    }
    cr_expect_eq(sum, micro(some, "all") - micro(some, "none"));
    cJSON_Delete(exact);
    cJSON_Delete(drawn);
    remove_folder(folder);
}

/* Nine faults are too many for all sets: orders are drawn without being asked for. Six of them come too
 * late to matter, whatever the order. */
Test(attribute, more_than_eight_faults)
{
    char folder[FAKE_PATH], command[COMMAND], path[2 * FAKE_PATH];
    size_t bytes;
    fake_folder(folder);
    char *text = fake_read("scenarios", "three-faults.json", &bytes);
    cJSON *scenario = cJSON_Parse(text), *faults = cJSON_GetObjectItem(scenario, "faults");
    free(text);
    for (int i = 0; i < 6; i++) {
        char name[16], late[128];
        snprintf(name, sizeof name, "late-%d", i);
        snprintf(late, sizeof late,
                 "{\"model\": \"crash\", \"group\": \"reporter\", \"count\": 1, \"from_s\": %d}",
                 240 + 5 * i);
        cJSON_AddItemToObject(faults, name, cJSON_Parse(late));
    }
    text = cJSON_Print(scenario);
    fake_path(folder, "nine.json", path);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
    free(text);
    cJSON_Delete(scenario);
    snprintf(command, sizeof command, "attribute %s -o %s/a --set duration_s=290", path, folder);
    cJSON *json = answer(command);
    cr_expect(cJSON_IsFalse(at(json, "exact")));
    cr_expect_eq(at(json, "orders")->valueint, 32);
    const cJSON *mean = at(json, "mean"), *fault;
    int64_t sum = 0;
    cr_expect_eq(cJSON_GetArraySize(at(mean, "faults")), 9);
    cJSON_ArrayForEach(fault, at(mean, "faults"))
    {
        const bool late = strncmp(at(fault, "name")->valuestring, "late", 4) == 0;
        cr_expect_eq(micro(fault, "value") == 0, late, "%s", at(fault, "name")->valuestring);
        sum += micro(fault, "value");
    }
    cr_expect_gt(sum, 0);
    cr_expect_eq(sum, micro(mean, "all") - micro(mean, "none"));
    cJSON_Delete(json);
    remove_folder(folder);
}

/* --- what explain says ------------------------------------------------------------------------------- */

/* All four bearers to the last unit, of a run without any fault. */
Test(explain, sums_are_those_of_the_run)
{
    static char text[TEXT];
    static const char *const bearer[] = {"deficit", "fund_paid", "adl", "socialised",
                                         "outstanding"};
    char folder[FAKE_PATH], command[COMMAND];
    fake_folder(folder);
    cr_assert_eq(program(text, "run scenarios/waterfall.json --json -o %s/r", folder), 0);
    cJSON *summary = cJSON_Parse(text);
    snprintf(command, sizeof command, "explain %s/r", folder);
    cJSON *json = answer(command);
    const cJSON *led_to = at(at(json, "no_fault"), "led_to"), *groups = at(json, "in_the_way");
    cr_expect_eq(cJSON_GetArraySize(groups), 1);
    cr_expect_eq(cJSON_GetArraySize(at(cJSON_GetArrayItem(groups, 0), "faults")), 0);
    for (size_t i = 0; i < sizeof bearer / sizeof *bearer; i++) {
        const int64_t there = micro(at(summary, "ledger"), bearer[i]);
        cr_expect_gt(there, 0);
        cr_expect_eq(micro(at(json, "total"), bearer[i]), there);
        cr_expect_eq(micro(led_to, bearer[i]), there);
        cr_expect_eq(micro(at(cJSON_GetArrayItem(groups, 0), "sum"), bearer[i]), there);
    }
    cJSON_Delete(json);
    cJSON_Delete(summary);
    remove_folder(folder);
}

/* Chains and combinations each add up; every link of a chain is later than the one before. */
Test(explain, chains_lead_from_the_edge_to_the_deficit)
{
    static char text[TEXT];
    char folder[FAKE_PATH], command[COMMAND];
    fake_folder(folder);
    cr_assert_eq(program(text, "run scenarios/price-trigger.json -q -o %s/r", folder), 0);
    snprintf(command, sizeof command, "explain %s/r", folder);
    cJSON *json = answer(command);
    const cJSON *fault = named(at(json, "faults"), "stuck"), *link;
    const cJSON *chain = at(fault, "largest"), *way = at(fault, "way");
    double before = 0;
    cJSON_ArrayForEach(link, chain)
    {
        cr_expect_geq(at(link, "time_s")->valuedouble, before);
        before = at(link, "time_s")->valuedouble;
    }
    const int links = cJSON_GetArraySize(chain), kinds = cJSON_GetArraySize(way);
    cr_expect_str_eq(at(cJSON_GetArrayItem(chain, 0), "story")->valuestring, "fault stuck begins");
    cr_expect_str_eq(at(cJSON_GetArrayItem(chain, links - 1), "kind")->valuestring, "deficit");
    cr_expect_str_eq(at(cJSON_GetArrayItem(way, 0), "kind")->valuestring, "fault");
    cr_expect_str_eq(at(cJSON_GetArrayItem(way, kinds - 1), "kind")->valuestring, "deficit");
    cr_expect_eq(at(cJSON_GetArrayItem(way, kinds - 1), "count")->valueint, 20);
    cr_expect_eq(micro(at(fault, "led_to"), "deficit"), micro(at(json, "total"), "deficit"));
    cr_expect_eq(micro(at(fault, "alone_in_the_way"), "deficit"),
                 micro(at(json, "total"), "deficit"));
    cJSON_Delete(json);
    remove_folder(folder);
}

/* A long position that closing at p would leave with nothing (p: what counterparties paid for it) is due
 * below p / (1 - 0.03): maintenance is 0.05 * 0.6 of its worth. The price falls from 100 by 25 in 140
 * seconds from second 80, a tick each second. */
Test(explain, positions_fall_due_when_the_formula_says)
{
    static char text[TEXT];
    char folder[FAKE_PATH], path[2 * FAKE_PATH], error[TEXT];
    fake_folder(folder);
    fake_path(folder, "r", path);
    cr_assert_eq(program(text, "run " THREE " -q -o %s", path), 0);
    struct fl_trace *trace = fl_trace_open(path, error, sizeof error);
    struct fl_history *history = fl_history_new(trace);
    char *resolved = fl_trace_attribute(trace, "/", "scenario_resolved_json");
    cJSON *scenario = cJSON_Parse(resolved);
    struct fl_waits *waits = fl_waits_new(history, scenario);
    size_t count, looked_at = 0;
    struct fl_deficit *all = fl_deficits_new(history, &count);
    for (size_t i = 0; i < count; i++) {
        int64_t size, received;
        fl_time from;
        const uint32_t liquidation = fl_first_stage(history, &all[i]);
        cr_assert(fl_history_value(history, liquidation, "size", &size));
        cr_assert(fl_history_value(history, liquidation, "quote_received", &received));
        cr_assert(fl_wait_from(waits, &all[i], &from));
        if (all[i].by.fund > 0) continue; /* closed in two parts, at two prices */
        const double due = (double)received / (double)size / (1 - 0.05 * 0.6);
        const double second = ceil(80 + (100 - due) / 25 * 140);
        cr_expect_eq(from, (fl_time)second * FL_SECOND, "account %" PRId64 ": %f", all[i].account,
                     second);
        looked_at++;
    }
    cr_expect_gt(looked_at, 30);
    free(all);
    fl_waits_free(waits);
    cJSON_Delete(scenario);
    free(resolved);
    fl_history_free(history);
    fl_trace_close(trace);
    remove_folder(folder);
}

Test(explain, says_what_it_needs)
{
    static char text[TEXT];
    char folder[FAKE_PATH];
    fake_folder(folder);
    cr_expect_eq(program(text, "explain %s", folder), 3);
    cr_assert_eq(
        program(text, "run " THREE " -q -o %s/r --set 'trace={\"detail\":\"summary\"}'", folder),
        0);
    cr_expect_eq(program(text, "explain %s/r", folder), 2);
    cr_expect_not_null(strstr(text, "trace.detail=events"), "%s", text);
    cr_assert_eq(program(text, "run scenarios/pbft-no-fault.json -q -o %s/p", folder), 0);
    cr_expect_eq(program(text, "explain %s/p", folder), 0);
    cr_expect_not_null(strstr(text, "No liquidation cost more than the account had."), "%s", text);
    remove_folder(folder);
}

/* --- what attribute refuses --------------------------------------------------------------------------- */

Test(attribute, refuses_in_one_sentence)
{
    static char text[TEXT];
    static const struct {
        const char *arguments;
        int status;
        const char *said;
    } rows[] = {
        {THREE " --metric ledger.bad_dept", 2, "did you mean \"ledger.bad_debt\"?"},
        {THREE " --metric checks.solvency", 2, "not a number"},
        {THREE " --set seed=4", 2, "--set seed: say --seed"},
        {"scenarios/waterfall.json", 2, "no fault that is enabled"},
        {THREE " --set faults.stuck.enabled=maybe", 2, "faults.stuck.enabled=maybe"},
        {THREE " --orders 3", 2, "an even number"},
        {THREE " --replicates 0", 2, "from 1 to 1000000"},
        {"scenarios/pbft-twins-split.json --metric agreement.conflicts", 2,
         "another fault needs double"},
        {"scenarios/there-is-none.json", 3, "there-is-none.json"},
    };
    char folder[FAKE_PATH];
    fake_folder(folder);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const int status = program(text, "attribute -o %s/a %s", folder, rows[i].arguments);
        cr_expect_eq(status, rows[i].status, "%s: %d, %s", rows[i].arguments, status, text);
        cr_expect_not_null(strstr(text, rows[i].said), "%s: %s", rows[i].arguments, text);
    }
    cr_expect_not(fake_exists(folder, "a"), "a refusal leaves nothing");
    cr_expect_eq(program(text, "attribute -o %s/a " THREE, folder), 0, "%s", text);
    cr_expect_eq(program(text, "attribute -o %s/a " THREE, folder), 2);
    cr_expect_not_null(strstr(text, "--resume"), "%s", text);
    cr_expect_eq(program(text, "attribute -o %s/a --seed 9 --resume " THREE, folder), 2);
    cr_expect_not_null(strstr(text, "is of other runs"), "%s", text);
    remove_folder(folder);
}

/* --- sampled orders, and sweeps made by hand ---------------------------------------------------------- */

enum { PLAYERS = 4, POINTS = 1 << PLAYERS };
static const char *const players[PLAYERS] = {"a", "b", "c", "d"};

static void put(hid_t file, const char *path, const char *units, enum fl_column_type type,
                uint32_t width, const void *values)
{
    const struct fl_h5_column column = {.path = path,
                                        .units = units,
                                        .long_name = "of a test",
                                        .type = type,
                                        .width = width,
                                        .count = POINTS,
                                        .values = values};
    cr_assert(fl_h5_column(file, &column), "%s", path);
}

/* Every set of four faults; a value each. */
static void write_sweep(const char *folder, const int64_t value[POINTS], const char *error)
{
    int64_t point[POINTS], replicate[POINTS] = {0}, seed[POINTS] = {0};
    char words[POINTS][64] = {{0}};
    const int64_t version = 1;
    const hid_t file = fl_h5_new();
    cr_assert(fl_h5_attribute(file, "format_version", H5T_NATIVE_INT64, &version));
    cr_assert(fl_h5_group(file, "/axes", NULL) && fl_h5_group(file, "/metrics", NULL) &&
              fl_h5_group(file, "/rows", NULL));
    for (uint32_t i = 0; i < PLAYERS; i++) {
        char path[64], enabled[POINTS][5];
        snprintf(path, sizeof path, "/axes/faults.%s.enabled", players[i]);
        for (uint32_t s = 0; s < POINTS; s++) /* the sets backwards: the order is the reader's */
            memcpy(enabled[s], (POINTS - 1 - s) >> i & 1 ? "true" : "false", 5);
        put(file, path, "text", FL_COLUMN_TEXT, 5, enabled);
    }
    for (uint32_t s = 0; s < POINTS; s++) point[s] = s;
    strcpy(words[3], error);
    put(file, "/rows/point", "id", FL_COLUMN_INT64, 8, point);
    put(file, "/rows/replicate", "id", FL_COLUMN_INT64, 8, replicate);
    put(file, "/rows/seed", "1", FL_COLUMN_INT64, 8, seed);
    put(file, "/rows/error", "text", FL_COLUMN_TEXT, 64, words);
    put(file, "/metrics/ledger.bad_debt", "1e-6 USD", FL_COLUMN_INT64, 8, value);
    fake_publish(file, folder, "sweep.h5");
}

/* What fl_attribution prints on both streams; the caller frees it. */
static char *printed(const char *folder, const uint8_t *order, uint32_t orders, int expected)
{
    char path[2 * FAKE_PATH];
    size_t bytes;
    fake_path(folder, "printed", path);
    cr_assert_not_null(freopen(path, "w", stdout));
    cr_assert_not_null(freopen(path, "a", stderr));
    const struct fl_attribution job = {.directory = folder,
                                       .scenario = "of-a-test",
                                       .metric = "ledger.bad_debt",
                                       .player = players,
                                       .players = PLAYERS,
                                       .order = order,
                                       .orders = orders,
                                       .alpha = 0.05,
                                       .json = true};
    const int status = fl_attribution(&job);
    fflush(stdout);
    fflush(stderr);
    cr_expect_eq(status, expected);
    return fake_read(folder, "printed", &bytes);
}

/* Overlap of a and b, c and d need each other; two orders and their reverses, added up by hand:
 * dcba: d 0, c 50, b 7, a 0. abcd: a 7, b 0, c 0, d 50. bdac: b 7, d 0, a 0, c 50. cadb: c 0, a 7,
 * d 50, b 0. */
static int64_t small_game(uint32_t set)
{
    return 1000003 + (set & 3 ? 7 : 0) + ((set & 12) == 12 ? 50 : 0);
}

Test(attribute, sampled_orders_by_hand)
{
    static const uint8_t order[4][PLAYERS] = {
        {3, 2, 1, 0}, {0, 1, 2, 3}, {1, 3, 0, 2}, {2, 0, 3, 1}};
    int64_t value[POINTS];
    char folder[FAKE_PATH];
    fake_folder(folder);
    for (uint32_t s = 0; s < POINTS; s++) value[s] = small_game(POINTS - 1 - s);
    write_sweep(folder, value, "");
    char *text = printed(folder, order[0], 4, 0);
    cJSON *json = cJSON_Parse(text);
    const cJSON *faults = at(at(json, "mean"), "faults");
    /* 14/4, 14/4, 100/4, 100/4: the halves to a, then down */
    cr_expect_eq(micro(named(faults, "a"), "value"), 4);
    cr_expect_eq(micro(named(faults, "b"), "value"), 3);
    cr_expect_eq(micro(named(faults, "c"), "value"), 25);
    cr_expect_eq(micro(named(faults, "d"), "value"), 25);
    cr_expect_eq(micro(named(faults, "a"), "adds_alone"), 7);
    cr_expect_eq(micro(named(faults, "c"), "adds_alone"), 0);
    cr_expect_eq(micro(named(faults, "c"), "saved_without"), 50);
    cr_expect(cJSON_IsFalse(at(json, "exact")));
    /* Each pair of an order and its reverse says the same of c: 25. */
    const cJSON *interval = at(named(faults, "c"), "over_orders");
    cr_expect_eq(micro(interval, "low"), 25);
    cr_expect_eq(micro(interval, "high"), 25);
    cJSON_Delete(json);
    free(text);
    text = printed(folder, NULL, 0, 0); /* all orders: overlap and need are shared alike */
    json = cJSON_Parse(text);
    faults = at(at(json, "mean"), "faults");
    cr_expect_eq(micro(named(faults, "a"), "value"), 4);
    cr_expect_eq(micro(named(faults, "b"), "value"), 3);
    cr_expect_eq(micro(named(faults, "c"), "value"), 25);
    cr_expect_eq(micro(cJSON_GetArrayItem(at(at(json, "mean"), "pairs"), 0), "both_alone"), -7);
    cr_expect_eq(micro(cJSON_GetArrayItem(at(at(json, "mean"), "pairs"), 5), "both_alone"), 50);
    cJSON_Delete(json);
    free(text);
    remove_folder(folder);
}

Test(attribute, a_run_that_failed_is_named_with_its_replay)
{
    int64_t value[POINTS] = {0};
    char folder[FAKE_PATH];
    fake_folder(folder);
    value[3] = INT64_MIN;
    write_sweep(folder, value, "ended by signal 6; from here: faultline run x.json --seed 3");
    char *text = printed(folder, NULL, 0, 1);
    cr_expect_not_null(strstr(text, "without row 3 nothing can be attributed"), "%s", text);
    cr_expect_not_null(strstr(text, "faultline run x.json --seed 3"), "%s", text);
    free(text);
    remove_folder(folder);
}
