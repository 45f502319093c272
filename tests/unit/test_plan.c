/* The axes of plans: every kind as the points it makes, its mistakes with their places, and the numbers of
 * grids and designs against exact twins. Rows and sweeps are in test_sweep.c. */
#include "analysis/paired.h"
#include "sim/config_parts.h"
#include "sim/design.h"
#include "sim/plan.h"
#include "sim/rng.h"
#include "sim/student.h"
#include "sim/sweep_estimate.h"
#include "tests/lib/archive_fixture.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <gmp.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_qrng.h>
#include <inttypes.h>
#include <math.h>
#include <time.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------------------
 * A model with numbers that can be set
 * --------------------------------------------------------------------------------------------- */

struct dial {
    int64_t a, b, x, wait;
};
static const struct fl_param dial_rows[] = {
    {.key = "a",
     .type = FL_INTEGER,
     .offset = offsetof(struct dial, a),
     .max = 2000,
     .fallback = "0"},
    {.key = "b",
     .type = FL_INTEGER,
     .offset = offsetof(struct dial, b),
     .max = 2000,
     .fallback = "0"},
    {.key = "wait_ms",
     .type = FL_INTEGER,
     .offset = offsetof(struct dial, wait),
     .max = 1000,
     .fallback = "0"},
    {.key = "x",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct dial, x),
     .min = INT64_MIN,
     .max = INT64_MAX,
     .fallback = "0"},
    {.key = NULL},
};
enum { A_FAILS = 1999 };
static const char *check_dial(const void *params)
{
    const struct dial *p = params;
    return p->a == 7 && p->b == 70 ? "a 7 and b 70 do not go together" : NULL;
}
static size_t dial_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return 8;
}
static void dial_init(const struct fl_self *self, void *state)
{
    (void)self;
    (void)state;
}
static void dial_step(const struct fl_self *self, void *state, const struct fl_event *in,
                      const struct fl_view *view, struct fl_outbox *out)
{
    (void)state;
    (void)in;
    (void)view;
    (void)out;
    const struct dial *p = self->params;
    nanosleep(&(struct timespec){.tv_nsec = p->wait * 1000000}, NULL);
    if (p->a == A_FAILS) _exit(9);
}
static void dial_observe(const struct fl_self *self, const void *state, int64_t *out)
{
    (void)state;
    out[0] = ((const struct dial *)self->params)->x;
}
static const struct fl_observable dial_observables[] = {{"dial.x", "", FL_USD, FL_FIRST},
                                                        {.name = NULL}};
static const struct fl_node_model dial_node = {
    .state_bytes = dial_bytes, .init = dial_init, .step = dial_step, .observe = dial_observe};
static const struct fl_model dial = {.name = "dial",
                                     .family = FL_AGENT,
                                     .doc = "",
                                     .params = dial_rows,
                                     .params_bytes = sizeof(struct dial),
                                     .check = check_dial,
                                     .observables = dial_observables,
                                     .node = &dial_node};
const struct fl_model *const fl_models[] = {&dial, NULL};

#define SCENARIO                                                                         \
    "{\"name\": \"one\", \"duration_s\": 1, \"nodes\": {\"n\": {\"agent\": {\"model\": " \
    "\"dial\"}}}}"
#define A "nodes.n.agent.a"
#define B "nodes.n.agent.b"
#define X "nodes.n.agent.x"
#define HEAD "{\"name\": \"x\", \"scenario\": \"one.json\", \"metrics\": [\"dial.x\", \"digest\"], "

/* ------------------------------------------------------------------------------------------------
 * Plans
 * --------------------------------------------------------------------------------------------- */

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[2 * FAKE_PATH];
    fake_path(folder, name, path);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

/* The plan with these axes, or with this end after HEAD; what is said of it goes to *said, which the caller
 * frees, without the name of its folder. */
static struct fl_plan *load(const char *end, char **said)
{
    char folder[FAKE_PATH], path[2 * FAKE_PATH], *text = fl_alloc(strlen(end) + 1024, 1);
    fake_folder(folder);
    write_text(folder, "one.json", SCENARIO);
    strcat(strcat(strcat(text, HEAD), end), "}");
    write_text(folder, "plan.json", text);
    fake_path(folder, "plan.json", path);
    size_t bytes = 0;
    struct fl_problems problems = {.to = open_memstream(said, &bytes)};
    struct fl_plan *plan = fl_plan_load(path, &problems);
    fclose(problems.to);
    for (char *at; (at = strstr(*said, folder)) != NULL;) {
        memmove(at, at + strlen(folder) + 1, strlen(at + strlen(folder) + 1) + 1);
    }
    fake_path(folder, "one.json", path);
    remove(path);
    fake_path(folder, "plan.json", path);
    remove(path);
    cr_expect_eq(rmdir(folder), 0);
    free(text);
    return plan;
}

static struct fl_plan *good(const char *end)
{
    char *said;
    struct fl_plan *plan = load(end, &said);
    cr_assert_not_null(plan, "%s\n%s", end, said);
    free(said);
    return plan;
}

/* "a=1 x=0.5; a=1 x=1; ...": the last word of each path. */
static void expect_points(const char *end, const char *expected)
{
    struct fl_plan *plan = good(end);
    char text[4096] = "";
    for (uint32_t point = 0; point < plan->points; point++) {
        const char *overrides[FL_AXES_MAX];
        fl_plan_overrides(plan, point, overrides);
        strcat(text, point > 0 ? "; " : "");
        for (uint32_t i = 0; i < plan->axis_count; i++) {
            cr_assert_lt(strlen(text) + strlen(overrides[i]), sizeof text - 4);
            strcat(strcat(text, i > 0 ? " " : ""), strrchr(overrides[i], '.') - 1 > overrides[i]
                                                       ? strstr(overrides[i], "agent.") + 6
                                                       : overrides[i]);
        }
    }
    cr_expect_str_eq(text, expected, "%s\n  made     %s\n  expected %s", end, text, expected);
    fl_plan_free(plan);
}

static void expect_refused(const char *end, const char *first_line)
{
    char *said;
    struct fl_plan *plan = load(end, &said);
    cr_expect_null(plan, "accepted: %s", end);
    said[strcspn(said, "\n")] = '\0';
    cr_expect_str_eq(said, first_line, "%s\n  said     %s\n  expected %s", end, said, first_line);
    free(said);
}

/* ------------------------------------------------------------------------------------------------
 * Kinds
 * --------------------------------------------------------------------------------------------- */

#define PATH(path, rest) "{\"path\": \"" path "\", " rest "}"

Test(plan, a_grid_has_both_ends_and_exact_decimals)
{
    expect_points("\"axes\": [" PATH(A, "\"grid\": {\"from\": 5, \"to\": 25, \"count\": 5}") "]",
                  "a=5; a=10; a=15; a=20; a=25");
    expect_points("\"axes\": [" PATH(X, "\"grid\": {\"from\": 1, \"to\": 0.0, \"count\": 3}") "]",
                  "x=1; x=0.5; x=0");
    /* thirds: 0.333 from below, 0.667 from above */
    expect_points("\"axes\": [" PATH(X, "\"grid\": {\"from\": 0, \"to\": 1, \"count\": 4, "
                                        "\"decimals\": 3}") "]",
                  "x=0; x=0.333; x=0.667; x=1");
    /* halves go away from the start, up or down */
    expect_points("\"axes\": [" PATH(X, "\"grid\": {\"from\": -1, \"to\": 2, \"count\": 3}") "]",
                  "x=-1; x=1; x=2");
    expect_points("\"axes\": [" PATH(X, "\"grid\": {\"from\": 2, \"to\": -1, \"count\": 3}") "]",
                  "x=2; x=0; x=-1");
    expect_points("\"axes\": [" PATH(A, "\"grid\": {\"from\": 1, \"to\": 1000, \"count\": 4, "
                                        "\"scale\": \"log\"}") "]",
                  "a=1; a=10; a=100; a=1000");
    /* sqrt(2) and sqrt(8), from the top */
    expect_points("\"axes\": [" PATH(X, "\"grid\": {\"from\": 4, \"to\": 1, \"count\": 5, "
                                        "\"scale\": \"log\", \"decimals\": 9}") "]",
                  "x=4; x=2.828427125; x=2; x=1.414213562; x=1");
    /* as many decimals as are written, however they are written */
    expect_points("\"axes\": [" PATH(X, "\"grid\": {\"from\": 1e-2, \"to\": \"0.050\", \"count\": "
                                        "2}") "]",
                  "x=0.01; x=0.05");
    /* beyond 2^53 other readers of JSON round */
    expect_points("\"axes\": [" PATH(X, "\"grid\": {\"from\": \"0\", \"to\": \"9007199254.740994\","
                                        " \"count\": 2, \"decimals\": 9}") "]",
                  "x=0; x=9007199254.740994");
}

Test(plan, paths_of_a_zip_vary_together)
{
    expect_points(
        "\"axes\": [" PATH(B, "\"values\": [1, 2]") ", {\"zip\": [" PATH(
            A, "\"values\": [3, 4, 5]") ", " PATH(X, "\"grid\": {\"from\": 1, \"to\": 2, \"count\":"
                                                     " 3, \"decimals\": 1}") "]}]",
        "b=1 a=3 x=1; b=1 a=4 x=1.5; b=1 a=5 x=2; b=2 a=3 x=1; b=2 a=4 x=1.5; b=2 a=5 x=2");
}

/* The order of a point's keys says nothing; the first point's is that of the columns. */
Test(plan, points_of_a_list_are_as_written)
{
    expect_points("\"axes\": [{\"list\": [{\"$comment\": \"\", \"" A "\": 1, \"" X "\": \"0.5\"}, "
                  "{\"" X "\": 2, \"" A "\": 1}]}, " PATH(B, "\"values\": [8, 9]") "]",
                  "a=1 x=\"0.5\" b=8; a=1 x=\"0.5\" b=9; a=1 x=2 b=8; a=1 x=2 b=9");
}

Test(plan, dimensions_say_what_they_are)
{
    struct fl_plan *plan =
        good("\"replicates\": 3, \"axes\": [{\"zip\": [" PATH(A, "\"values\": [3, 4]") ", " PATH(
            X, "\"values\": [3.5, 4]") "]}, " PATH(B, "\"grid\": {\"from\": 1, \"to\": 5, "
                                                      "\"count\": 5}") "]");
    cr_assert_eq(plan->dimension_count, 2);
    cr_assert_eq(plan->axis_count, 3);
    cr_expect_eq(plan->points, 10);
    cr_expect_str_eq(plan->dimension[0].kind, "zip");
    cr_expect_str_eq(plan->dimension[1].kind, "grid");
    cr_expect_eq(plan->dimension[0].axes, 2);
    cr_expect_eq(plan->dimension[1].first, 2);
    cr_expect_eq(plan->axis[1].dimension, 0);
    cr_expect_eq(plan->axis[2].count, 5);
    /* Integers stay integers, alone and beside others. */
    cr_assert_not_null(plan->axis[0].integer);
    cr_expect_eq(plan->axis[0].integer[1], 4);
    cr_expect_null(plan->axis[1].integer);
    cr_assert_not_null(plan->axis[2].integer);
    cr_expect_eq(plan->axis[2].integer[4], 5);
    for (uint32_t point = 0; point < 10; point++) {
        cr_expect_eq(fl_plan_value(plan, point, 0), point / 5);
        cr_expect_eq(fl_plan_value(plan, point, 1), point / 5);
        cr_expect_eq(fl_plan_value(plan, point, 2), point % 5);
    }
    fl_plan_free(plan);
}

/* ------------------------------------------------------------------------------------------------
 * Designs in plans
 * --------------------------------------------------------------------------------------------- */

#define RANGES                                                        \
    "\"ranges\": [{\"path\": \"" A "\", \"from\": 0, \"to\": 999}, {" \
    "\"path\": \"" X "\", \"from\": 0.5, \"to\": 50, \"scale\": \"log\"}]}"

static void expect_same_values(const struct fl_plan *one, const struct fl_plan *other,
                               uint32_t count, bool same)
{
    uint32_t equal = 0;
    for (uint32_t i = 0; i < 2 * count; i++) {
        equal += strcmp(one->axis[i % 2].shown[i / 2], other->axis[i % 2].shown[i / 2]) == 0;
    }
    if (same)
        cr_expect_eq(equal, 2 * count);
    else
        cr_expect_lt(equal, count / 10);
}

/* By key of seed, path and number alone: not of replicates, of other axes, or of the order of ranges. */
Test(plan, designs_are_drawn_by_key)
{
    static const char *const kinds[] = {"random", "latin_hypercube"};
    for (int i = 0; i < 2; i++) {
        char text[1024];
        snprintf(text, sizeof text, "\"axes\": [{\"%s\": {\"count\": 50, " RANGES "}]", kinds[i]);
        struct fl_plan *plan = good(text);
        cr_expect_eq(plan->points, 50);
        cr_expect_str_eq(plan->dimension[0].kind, kinds[i]);
        cr_assert_not_null(plan->axis[0].integer);
        cr_expect_null(plan->axis[1].integer);
        for (uint32_t k = 0; k < 50; k++) {
            cr_expect(plan->axis[0].integer[k] >= 0 && plan->axis[0].integer[k] <= 999);
            const double x = strtod(plan->axis[1].shown[k], NULL);
            cr_expect(x >= 0.5 && x <= 50);
        }
        snprintf(text, sizeof text,
                 "\"replicates\": 7, \"seed\": 1, \"axes\": [" PATH(
                     B, "\"values\": [1, 2]") ", {\"%s\": {\"count\": 50, " RANGES "}]",
                 kinds[i]);
        struct fl_plan *more = good(text);
        more->axis++;
        expect_same_values(plan, more, 50, true);
        more->axis--;
        fl_plan_free(more);
        snprintf(text, sizeof text, "\"seed\": 2, \"axes\": [{\"%s\": {\"count\": 50, " RANGES "}]",
                 kinds[i]);
        struct fl_plan *other = good(text);
        expect_same_values(plan, other, 50, false);
        fl_plan_free(other);
        fl_plan_free(plan);
    }
    struct fl_plan *some = good("\"axes\": [{\"random\": {\"count\": 20, " RANGES "}]");
    struct fl_plan *all = good("\"axes\": [{\"random\": {\"count\": 90, " RANGES "}]");
    expect_same_values(some, all, 20, true);
    fl_plan_free(some);
    fl_plan_free(all);
}

/* The first eight points of Sobol's sequence in the order of Antonov and Saleev: 0; 1/2; 3/4, 1/4; 3/8,
 * 7/8, 5/8, 1/8 and, in the second coordinate, 0; 1/2; 1/4, 3/4; 3/8, 7/8, 1/8, 5/8 (Bratley and Fox,
 * Algorithm 659, 1988: direction numbers 1 and 1, 3, 5). Over 0 to 7 each number once. */
Test(plan, sobol_in_a_plan)
{
    expect_points("\"axes\": [{\"sobol\": {\"count\": 8, \"ranges\": [{\"path\": \"" A
                  "\", \"from\": 0, \"to\": 7}, {\"path\": \"" X "\", \"from\": 0, \"to\": 7}]}}]",
                  "a=0 x=0; a=4 x=4; a=6 x=2; a=2 x=6; a=3 x=3; a=7 x=7; a=5 x=1; a=1 x=5");
}

/* A range of decimals has six at least, one of integers none. */
Test(plan, decimals_of_a_range)
{
    struct fl_plan *plan = good("\"axes\": [{\"random\": {\"count\": 40, \"ranges\": ["
                                "{\"path\": \"" X "\", \"from\": 0.1, \"to\": 0.9}]}}]");
    size_t longest = 0;
    for (uint32_t i = 0; i < plan->points; i++) {
        const size_t length = strlen(plan->axis[0].shown[i]);
        longest = length > longest ? length : longest;
    }
    cr_expect_eq(longest, strlen("0.123456"));
    fl_plan_free(plan);
    plan = good("\"axes\": [{\"random\": {\"count\": 3, \"ranges\": ["
                "{\"path\": \"" X "\", \"from\": 0.0, \"to\": 0.9, \"decimals\": 1}]}}]");
    for (uint32_t i = 0; i < plan->points; i++) {
        cr_expect_leq(strlen(plan->axis[0].shown[i]), strlen("0.1"));
    }
    fl_plan_free(plan);
}

/* ------------------------------------------------------------------------------------------------
 * Mistakes
 * --------------------------------------------------------------------------------------------- */

#define AXES(text) "\n\"axes\": [" text "]"
#define RANGE(rest) "{\"path\": \"" X "\", " rest "}"

Test(plan, mistakes_of_every_kind_have_a_place)
{
    static const char *const bad[][2] = {
        {AXES("{}"),
         "plan.json:2:10: error: /axes/0: expected \"path\", \"zip\", \"list\", \"random\", "
         "\"latin_hypercube\" or \"sobol\""},
        {AXES(PATH(X, "\"values\": [1], \"sobel\": {}")),
         "plan.json:2:53: error: /axes/0/sobel: unknown key (did you mean \"sobol\"?)"},
        {AXES(PATH(X, "\"values\": [1], \"grid\": {}")),
         "plan.json:2:10: error: /axes/0: expected \"values\" or \"grid\", and only one of them"},
        {AXES("{\"zip\": [], \"path\": \"" X "\"}"),
         "plan.json:2:18: error: /axes/0/zip: expected a list of paths with their values, found "
         "none"},
        {AXES("{\"zip\": [" PATH(X, "\"values\": [1]") "], \"values\": []}"),
         "plan.json:2:64: error: /axes/0/values: unknown key"},
        /* grid */
        {AXES(PATH(X, "\"grid\": [1, 2]")),
         "plan.json:2:46: error: /axes/0/grid: expected an object, found a list"},
        {AXES(PATH(X, "\"grid\": {\"from\": 1, \"to\": 2}")),
         "plan.json:2:46: error: /axes/0/grid: missing required key \"count\""},
        {AXES(PATH(X, "\"grid\": {\"from\": 1, \"count\": 2}")),
         "plan.json:2:46: error: /axes/0/grid: missing required key \"to\""},
        {AXES(PATH(X, "\"grid\": {\"from\": 1, \"to\": 2, \"count\": 1}")),
         "plan.json:2:76: error: /axes/0/grid/count: 1 is out of range (2 to 10000000)"},
        {AXES(PATH(X, "\"grid\": {\"from\": 1, \"to\": 1, \"count\": 2}")),
         "plan.json:2:64: error: /axes/0/grid/to: expected something else than \"from\""},
        {AXES(PATH(X, "\"grid\": {\"from\": 0, \"to\": 1, \"count\": 2, \"scale\": \"log\"}")),
         "plan.json:2:55: error: /axes/0/grid/from: expected a number above 0, as the scale is "
         "\"log\""},
        {AXES(PATH(X, "\"grid\": {\"from\": 1, \"to\": 9, \"count\": 2, \"scale\": \"cube\"}")),
         "plan.json:2:88: error: /axes/0/grid/scale: unknown word \"cube\"; known: linear, log"},
        {AXES(PATH(X, "\"grid\": {\"from\": 1, \"to\": 9.25, \"count\": 2, \"decimals\": 1}")),
         "plan.json:2:64: error: /axes/0/grid/to: 9.25 has more than 1 decimals"},
        {AXES(PATH(X, "\"grid\": {\"from\": 1e-9999999999999999999, \"to\": 9, \"count\": 2}")),
         "plan.json:2:55: error: /axes/0/grid/from: 1e-9999999999999999999 has more than 12 "
         "decimals"},
        {AXES(PATH(X, "\"grid\": {\"from\": 1, \"to\": 9e9999999999999999999, \"count\": 2}")),
         "plan.json:2:64: error: /axes/0/grid/to: 9e9999999999999999999 is out of range "
         "(-9223372036854775808 to 9223372036854775807)"},
        {AXES(PATH(X, "\"grid\": {\"from\": true, \"to\": {\"e\": 1}, \"count\": 2}")),
         "plan.json:2:55: error: /axes/0/grid/from: expected a number, found true or false"},
        {AXES(PATH(X, "\"grid\": {\"from\": 1, \"to\": 9, \"count\": 2, \"decimals\": 13}")),
         "plan.json:2:91: error: /axes/0/grid/decimals: 13 is out of range (0 to 12)"},
        {AXES(PATH(X, "\"grid\": {\"from\": 1, \"to\": 10000000, \"count\": 2, \"decimals\": 12}")),
         "plan.json:2:64: error: /axes/0/grid/to: 10000000 is out of range "
         "(-9223372.036854775808 to 9223372.036854775807)"},
        {AXES(PATH(X, "\"grid\": {\"from\": 1, \"to\": 3, \"count\": 5}")),
         "plan.json:2:46: error: /axes/0/grid: numbers 1 and 2 are the same after rounding (2): "
         "give more "
         "\"decimals\" or a smaller \"count\""},
        {AXES(PATH(A, "\"grid\": {\"from\": 1900, \"to\": 2300, \"count\": 5}")),
         "plan.json:2:46: error: /axes/0/grid: its value 2100 (number 2): /nodes/n/agent/a: 2100 "
         "is "
         "out of range (0 to 2000)"},
        /* zip */
        {AXES("{\"zip\": {}}"),
         "plan.json:2:18: error: /axes/0/zip: expected a list of paths with their values, found an "
         "object"},
        {AXES("{\"zip\": [" PATH(A, "\"values\": [1, 2]") ",\n" PATH(B, "\"values\": [1]") "]}"),
         "plan.json:3:1: error: /axes/0/zip/1: expected 2 values as in the first path, found 1"},
        {AXES("{\"zip\": [" PATH(A, "\"values\": [1, 2]") ",\n" PATH(A, "\"values\": [1, 3]") "]}"),
         "plan.json:3:10: error: /axes/0/zip/1/path: two axes have this path"},
        {AXES("{\"zip\": [" PATH(A, "\"values\": [1, 2, 1]") ",\n" PATH(
             B, "\"values\": [3, 3, 3]") "]}"),
         "plan.json:2:64: error: /axes/0/zip/0/values/2: number 2 of these has the same values as "
         "number 0"},
        {AXES("{\"zip\": [" PATH(A, "\"values\": [1, 2]") ",\n" PATH(B,
                                                                     "\"values\": [3, 3000]") "]}"),
         "plan.json:3:43: error: /axes/0/zip/1/values/1: /nodes/n/agent/b: 3000 is out of range (0 "
         "to 2000)"},
        {AXES("{\"zip\": [{\"zip\": []}]}"),
         "plan.json:2:19: error: /axes/0/zip/0: missing required key \"path\""},
        /* list */
        {AXES("{\"list\": []}"),
         "plan.json:2:19: error: /axes/0/list: expected a list of points, such as "
         "{\"faults.oracle-stuck.to_s\": 36300}"},
        {AXES("{\"list\": [5]}"),
         "plan.json:2:19: error: /axes/0/list: expected a list of points, such as "
         "{\"faults.oracle-stuck.to_s\": 36300}"},
        {AXES("{\"list\": [{\"" A "\": 1}, 7]}"),
         "plan.json:2:44: error: /axes/0/list/1: expected an object, found a number"},
        {AXES("{\"list\": [{\"" A "\": 1}, {\"" A "\": 2, \"" B "\": 2}]}"),
         "plan.json:2:67: error: /axes/0/list/1/" B ": the first point has no such path"},
        {AXES("{\"list\": [{\"" A "\": 1, \"" B "\": 2}, {\"" A "\": 2}]}"),
         "plan.json:2:66: error: /axes/0/list/1: the first point says " B
         ", and this one does not"},
        {AXES("{\"list\": [{\"seed\": 1}]}"),
         "plan.json:2:21: error: /axes/0/list/0/seed: the seed of a row follows from the plan's "
         "seed and the replicate"},
        {AXES("{\"list\": [{\"" A "\": 1}, {\"" A "\": \"much\"}]}"),
         "plan.json:2:64: error: /axes/0/list/1/" A ": /nodes/n/agent/a: expected a number, found "
         "the string \"much\""},
        /* designs */
        {AXES("{\"random\": 5}"),
         "plan.json:2:21: error: /axes/0/random: expected an object, found a number"},
        {AXES("{\"random\": {\"count\": 5}}"),
         "plan.json:2:21: error: /axes/0/random: missing required key \"ranges\""},
        {AXES("{\"random\": {\"count\": 0, \"ranges\": []}}"),
         "plan.json:2:31: error: /axes/0/random/count: 0 is out of range (1 to 10000000)"},
        {AXES("{\"latin_hypercube\": {\"count\": 5, \"ranges\": []}}"),
         "plan.json:2:53: error: /axes/0/latin_hypercube/ranges: expected a list of 1 to 64 "
         "ranges, "
         "such as {\"path\": \"faults.oracle-stuck.to_s\", \"from\": 36300, \"to\": 43200}"},
        {AXES("{\"random\": {\"count\": 5, \"ranges\": [\n{\"from\": 1, \"to\": 2}]}}"),
         "plan.json:3:1: error: /axes/0/random/ranges/0: missing required key \"path\""},
        {AXES("{\"random\": {\"count\": 5, \"ranges\": [\n" RANGE("\"from\": 1") "]}}"),
         "plan.json:3:1: error: /axes/0/random/ranges/0: missing required key \"to\""},
        {AXES("{\"random\": {\"count\": 5, \"ranges\": [\n" RANGE("\"from\": 3, \"to\": 2") "]}}"),
         "plan.json:3:46: error: /axes/0/random/ranges/0/to: expected more than \"from\""},
        {AXES("{\"random\": {\"count\": 5, \"ranges\": [\n" RANGE(
             "\"from\": 1, \"to\": 2000, \"step\": 1") "]}}"),
         "plan.json:3:52: error: /axes/0/random/ranges/0/step: unknown key"},
        {AXES("{\"sobol\": {\"count\": 5, \"ranges\": [\n" RANGE("\"from\": 1, \"to\": 4") "]}}"),
         "plan.json:3:1: error: /axes/0/sobol/ranges/0: numbers 3 and 4 are the same after "
         "rounding (2): give more \"decimals\" or a smaller \"count\""},
        {AXES("{\"sobol\": {\"count\": 4, \"ranges\": [\n{\"path\": \"" A
              "\", \"from\": 1980, \"to\": 2011}]}}"),
         "plan.json:3:1: error: /axes/0/sobol/ranges/0: its value 2004 (number 2): "
         "/nodes/n/agent/a: 2004 is out of range (0 to 2000)"},
        {AXES(PATH(A, "\"grid\": {\"from\": 0, \"to\": 1999, \"count\": 2000}") ", " PATH(
             B, "\"grid\": {\"from\": 0, \"to\": 1999, \"count\": 2000}")) ", \"replicates\": 3",
         "plan.json:2:9: error: /axes: more than 10000000 rows"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) expect_refused(bad[i][0], bad[i][1]);
}

/* One message for a range, and the other axis is still looked at. */
Test(plan, a_range_is_blamed_once)
{
    char *said;
    struct fl_plan *plan =
        load(AXES(PATH(A, "\"grid\": {\"from\": 1000, \"to\": 3000, \"count\": 41}") ",\n" PATH(
                 B, "\"values\": [1, 9000]")),
             &said);
    cr_expect_null(plan);
    uint32_t errors = 0;
    for (const char *at = said; (at = strstr(at, ": error: ")) != NULL; at++) errors++;
    cr_expect_eq(errors, 2, "%s", said);
    cr_expect(strstr(said, "its value 2050 (number 21): "), "%s", said);
    cr_expect(strstr(said, "plan.json:3:43: error: /axes/1/values/1: "), "%s", said);
    free(said);
}

/* Each value of a zip is good, but not with the one beside it. */
Test(plan, values_of_one_dimension_that_do_not_go_together)
{
    expect_refused(
        AXES("{\"zip\": [" PATH(A, "\"values\": [1, 7]") ",\n" PATH(B, "\"values\": [1, 70]") "]}"),
        "plan.json:3:43: error: /axes/0/zip/1/values/1: with the other values of point "
        "1: /nodes/n/agent: a 7 and b 70 do not go together");
}

/* However they are written: points are what the scenario is with them. */
Test(plan, points_that_are_the_same_scenario_are_refused)
{
    expect_refused(
        AXES(PATH(A, "\"values\": [2, 1, 1.0]")),
        "plan.json:2:55: error: /axes/0/values/2: point 2 is the same scenario as point 1");
    expect_refused(
        AXES(PATH(A, "\"values\": [1, 2]") ",\n" PATH(B, "\"values\": [1, \"1\"]")),
        "plan.json:3:43: error: /axes/1/values/1: point 1 is the same scenario as point 0");
    expect_refused(
        AXES(PATH(A, "\"values\": [1, 2]") ",\n" PATH("nodes.n.agent",
                                                      "\"values\": [{\"model\": \"dial\"}]")),
        "plan.json:2:52: error: /axes/0/values/1: point 1 is the same scenario as point 0");
}

Test(plan, sobol_has_forty_dimensions)
{
    cr_expect_eq(gsl_qrng_sobol->max_dimension, FL_SOBOL_DIMENSIONS);
    for (int width = 40; width <= 41; width++) {
        char *text = fl_alloc(41 * 128 + 256, 1), *said;
        strcpy(text, "\"axes\": [{\"sobol\": {\"count\": 4, \"ranges\": [");
        for (int i = 0; i < width; i++) {
            sprintf(text + strlen(text), "%s{\"path\": \"p%d\", \"from\": 1, \"to\": 2}",
                    i > 0 ? ", " : "", i);
        }
        strcat(text, "]}}]");
        cr_expect_null(load(text, &said));
        cr_expect((strstr(said, "expected a list of 1 to 40 ranges") != NULL) == (width > 40), "%s",
                  said);
        free(said);
        free(text);
    }
}

/* ------------------------------------------------------------------------------------------------
 * Numbers
 * --------------------------------------------------------------------------------------------- */

static uint64_t draw(uint32_t step)
{
    return fl_draw(2385, FL_RNG_ANALYSIS, 7, step, 0);
}

/* |2 * parts * (value - from) - 2 * distance * index| <= parts: no other integer is nearer. */
Test(plan, a_linear_grid_is_rounded_to_nearest)
{
    for (uint32_t k = 0; k < 20000; k++) {
        const int shift = (int)(draw(3 * k) % 64);
        const struct fl_stretch s = {(int64_t)draw(3 * k + 1) >> shift,
                                     (int64_t)draw(3 * k + 2) >> shift, false};
        const uint32_t count = 2 + (uint32_t)(draw(3 * k) >> 8) % 1000;
        const uint32_t index = (uint32_t)(draw(3 * k) >> 32) % count;
        mpz_t left, right;
        mpz_inits(left, right, NULL);
        mpz_set_si(left, fl_even_value(s, index, count));
        mpz_set_si(right, s.from);
        mpz_sub(left, left, right);
        mpz_mul_ui(left, left, 2 * (count - 1));
        mpz_neg(right, right);
        if (s.to >= 0)
            mpz_add_ui(right, right, (uint64_t)s.to);
        else
            mpz_sub_ui(right, right, -(uint64_t)s.to);
        mpz_mul_ui(right, right, 2 * index);
        mpz_sub(left, left, right);
        cr_expect_leq(mpz_cmpabs_ui(left, count - 1), 0, "%" PRId64 " to %" PRId64 ": %u of %u",
                      s.from, s.to, index, count);
        mpz_clears(left, right, NULL);
    }
}

/* value^parts * scale against from^(parts - index) * to^index, exactly. */
static int compare_power(uint64_t value, uint64_t scale, struct fl_stretch s, uint32_t index,
                         uint32_t parts)
{
    mpz_t left, right, factor;
    mpz_inits(left, right, factor, NULL);
    mpz_ui_pow_ui(left, value, parts);
    mpz_ui_pow_ui(right, (uint64_t)s.from, parts - index);
    mpz_ui_pow_ui(factor, (uint64_t)s.to, index);
    mpz_mul(right, right, factor);
    mpz_ui_pow_ui(factor, scale, parts);
    mpz_mul(right, right, factor);
    const int order = mpz_cmp(left, right);
    mpz_clears(left, right, factor, NULL);
    return order;
}

Test(plan, a_logarithmic_grid_is_rounded_to_nearest)
{
    for (uint32_t k = 0; k < 3000; k++) {
        const int shift = 1 + (int)(draw(3 * k) % 60);
        const struct fl_stretch s = {1 + (int64_t)(draw(3 * k + 1) >> shift),
                                     1 + (int64_t)(draw(3 * k + 2) >> (shift / 2 + 1)), true};
        const uint32_t count = 2 + (uint32_t)(draw(3 * k) >> 8) % 60;
        const uint32_t index = (uint32_t)(draw(3 * k) >> 32) % count;
        const uint64_t twice = 2 * (uint64_t)fl_even_value(s, index, count);
        cr_expect_leq(compare_power(twice - 1, 2, s, index, count - 1), 0);
        cr_expect_geq(compare_power(twice + 1, 2, s, index, count - 1), 0);
    }
}

/* The value v has the shares from ln(v / from) to ln((v + 1) / from), of ln((to + 1) / from). */
Test(plan, a_share_of_a_logarithmic_range)
{
    for (uint32_t k = 0; k < 3000; k++) {
        const int shift = 2 + (int)(draw(3 * k) % 60);
        const int64_t from = 1 + (int64_t)(draw(3 * k + 1) >> shift);
        const int64_t to = from + (int64_t)(draw(3 * k + 2) >> (shift / 2 + 2));
        const uint32_t parts = 64, index = (uint32_t)(draw(3 * k) >> 32) % parts;
        const struct fl_stretch beyond = {from, to + 1, true};
        const int64_t value =
            fl_value_at((struct fl_stretch){from, to, true}, (uint64_t)index << (64 - 6));
        cr_expect(value >= from && value <= to);
        cr_expect_leq(compare_power((uint64_t)value, 1, beyond, index, parts), 0);
        cr_expect_geq(compare_power((uint64_t)value + 1, 1, beyond, index, parts), 0);
    }
    const struct fl_stretch all = {1, INT64_MAX, true};
    cr_expect_eq(fl_value_at(all, 0), 1);
    cr_expect_eq(fl_value_at(all, (uint64_t)1 << 63), 3037000499); /* floor(2^31.5): A017910 */
    cr_expect_gt(fl_value_at(all, UINT64_MAX), INT64_MAX - 1000);
}

/* 0 to 8: nine values, each with a ninth of the shares; the borders are the ceilings of k 2^64 / 9. */
Test(plan, integers_of_a_range_are_drawn_without_favour)
{
    const struct fl_stretch f = {0, 8, false}, all = {INT64_MIN, INT64_MAX, false};
    for (uint64_t k = 1; k <= 8; k++) {
        const uint64_t border = (uint64_t)((((fl_u128)k << 64) + 8) / 9);
        cr_expect_eq(fl_value_at(f, border), (int64_t)k);
        cr_expect_eq(fl_value_at(f, border - 1), (int64_t)k - 1);
    }
    cr_expect_eq(fl_value_at(all, 0), INT64_MIN);
    cr_expect_eq(fl_value_at(all, UINT64_MAX), INT64_MAX);
}

enum { PARTS = 1024 };

static void expect_one_in_each_part(const uint64_t *share, uint32_t step, uint32_t parts)
{
    bool *seen = fl_alloc(parts, 1);
    for (uint32_t i = 0; i < parts; i++) {
        const uint32_t part = (uint32_t)((fl_u128)share[(size_t)i * step] * parts >> 64);
        cr_expect_not(seen[part]);
        seen[part] = true;
    }
    free(seen);
}

Test(plan, a_latin_hypercube_has_one_point_in_each_part)
{
    static const uint32_t counts[] = {1, 2, 3, 7, 100, PARTS};
    uint64_t share[PARTS], other[PARTS];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        fl_latin_shares(3, 5, counts[i], share);
        expect_one_in_each_part(share, 1, counts[i]);
    }
    /* Coordinates are independent: Spearman's rank correlation of independent orders has the variance
     * 1 / (n - 1). */
    fl_latin_shares(3, 6, PARTS, other);
    double sum = 0;
    for (uint32_t i = 0; i < PARTS; i++) {
        sum += ((double)(share[i] >> 54) - 511.5) * ((double)(other[i] >> 54) - 511.5);
    }
    const double correlation = sum / (PARTS * (PARTS * (double)PARTS - 1) / 12);
    cr_expect_lt(fabs(correlation), 4 / sqrt(PARTS - 1));
}

/* The first 2^k points of Sobol's sequence have one in each of 2^k equal parts of every coordinate, and the
 * first two coordinates one in each box of area 2^-k whose sides are powers of two (a net with t = 0:
 * Niederreiter, Random Number Generation and Quasi-Monte Carlo Methods, 1992, 4.5). Without the first
 * point neither holds. */
Test(plan, sobol_points_are_nets)
{
    uint64_t *share = fl_alloc((size_t)PARTS * FL_SOBOL_DIMENSIONS, sizeof *share);
    fl_sobol_shares(FL_SOBOL_DIMENSIONS, PARTS, share);
    for (uint32_t d = 0; d < FL_SOBOL_DIMENSIONS; d++)
        expect_one_in_each_part(share + d, FL_SOBOL_DIMENSIONS, PARTS);
    for (uint32_t wide = 0; wide <= 10; wide++) {
        bool seen[PARTS] = {false};
        for (uint32_t i = 0; i < PARTS; i++) {
            const uint64_t *point = share + (size_t)i * FL_SOBOL_DIMENSIONS;
            const uint64_t column = wide == 0 ? 0 : point[0] >> (64 - wide);
            const uint64_t row = wide == 10 ? 0 : point[1] >> (64 - (10 - wide));
            cr_expect_not(seen[column << (10 - wide) | row]);
            seen[column << (10 - wide) | row] = true;
        }
    }
    free(share);
}

/* ------------------------------------------------------------------------------------------------
 * Looks
 * --------------------------------------------------------------------------------------------- */

#define RULE(rest) "\n\"looks\": [3, 6, 12],\n\"stop\": {\"metric\": \"dial.x\", " rest "}"

Test(plan, looks_are_replicates_with_a_rule)
{
    struct fl_plan *plan = good(RULE("\"half_width\": \"2.5\", \"alpha\": 0.1"));
    cr_expect_eq(plan->replicates, 12);
    cr_assert_eq(plan->look_count, 3);
    cr_expect_eq(plan->stop.metric, 0);
    cr_expect_eq(plan->stop.half_width, 2500000);
    cr_expect_eq(plan->stop.alpha_ppm, 100000);
    static const uint32_t next[] = {3, 3, 3, 6, 6, 6, 12, 12, 12, 12, 12, 12, 0};
    for (uint32_t done = 0; done <= 12; done++) {
        cr_expect_eq(fl_plan_next_look(plan, done), next[done]);
    }
    fl_plan_free(plan);
    plan = good(RULE("\"half_width\": 1e-6"));
    cr_expect_eq(plan->stop.half_width, 1);
    cr_expect_eq(plan->stop.alpha_ppm, 50000);
    fl_plan_free(plan);
    plan = good("\"replicates\": 5");
    const int64_t same[] = {1, 1, 1};
    cr_expect_eq(fl_plan_next_look(plan, 0), 5);
    cr_expect_eq(fl_plan_next_look(plan, 5), 0);
    cr_expect_not(fl_plan_enough(plan, same, 3));
    fl_plan_free(plan);
}

Test(plan, mistakes_of_looks_have_a_place)
{
    static const char *const bad[][2] = {
        {"\n\"looks\": [2, 3]",
         "plan.json:2:1: error: /looks: looks need a rule, such as \"stop\": {\"metric\": "
         "\"ledger.bad_debt\", \"half_width\": \"100.0\"}"},
        {"\n\"stop\": {}",
         "plan.json:2:1: error: /stop: a rule needs looks, such as \"looks\": [30, 60, 120]"},
        {"\n\"replicates\": 3, " RULE("\"half_width\": 1"),
         "plan.json:2:1: error: /replicates: the last of the \"looks\" says how many: leave this "
         "out"},
        {"\n\"looks\": [], \"stop\": {\"metric\": \"dial.x\", \"half_width\": 1}",
         "plan.json:2:10: error: /looks: expected a list of 1 to 64 numbers of replicates, such as "
         "[30, 60, 120]"},
        {"\n\"looks\": [1, 2], \"stop\": {\"metric\": \"dial.x\", \"half_width\": 1}",
         "plan.json:2:11: error: /looks/0: 1 is out of range (2 to 1000000)"},
        {"\n\"looks\": [9, 9], \"stop\": {\"metric\": \"dial.x\", \"half_width\": 1}",
         "plan.json:2:14: error: /looks/1: expected more than 9, the look before"},
        {"\n\"looks\": [9], \"stop\": 5",
         "plan.json:2:23: error: /stop: expected an object, found a number"},
        {RULE("\"alpha\": 0.5"),
         "plan.json:3:9: error: /stop: missing required key \"half_width\""},
        {RULE("\"half_width\": 1, \"alfa\": 0.5"),
         "plan.json:3:47: error: /stop/alfa: unknown key"},
        {RULE("\"half_width\": 1, \"alpha\": 1"),
         "plan.json:3:56: error: /stop/alpha: 1 is out of range (0.000001 to 0.999999)"},
        {RULE("\"half_width\": 0"),
         "plan.json:3:44: error: /stop/half_width: 0 is out of range (at least 0.000001)"},
        {RULE("\"half_width\": \"0.0000001\""),
         "plan.json:3:44: error: /stop/half_width: \"0.0000001\" has more than 6 decimals"},
        {"\n\"looks\": [9], \"stop\": {\"half_width\": 1, \"metric\": \"dial.y\"}",
         "plan.json:2:51: error: /stop/metric: not among the plan's metrics (did you mean "
         "\"dial.x\"?)"},
        {"\n\"looks\": [9], \"stop\": {\"half_width\": 1, \"metric\": \"digest\"}",
         "plan.json:2:51: error: /stop/metric: words have no mean: expected a metric with numbers"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) expect_refused(bad[i][0], bad[i][1]);
}

static struct fl_plan rule(uint32_t looks, uint32_t alpha_ppm, int64_t half_width)
{
    return (struct fl_plan){.look_count = looks,
                            .stop = {.alpha_ppm = alpha_ppm, .half_width = half_width}};
}

/* Two values 2 apart have the standard error 1, and with one degree of freedom half of Cauchy's law lies
 * within 1: at alpha 0.5 the half-width is 1. */
Test(plan, the_rule_is_exact_to_a_millionth)
{
    const int64_t two[] = {-1000000, 1000000};
    struct fl_plan plan = rule(1, 500000, 1000001);
    cr_expect(fl_plan_enough(&plan, two, 2));
    plan = rule(1, 500000, 999999);
    cr_expect_not(fl_plan_enough(&plan, two, 2));
    plan = rule(1, 500000, 1);
    const int64_t same[] = {INT64_MAX, INT64_MAX, INT64_MAX};
    cr_expect(fl_plan_enough(&plan, same, 3));
    cr_expect_not(fl_plan_enough(&plan, same, 1));
    const int64_t ends[] = {INT64_MIN + 1, INT64_MAX};
    plan = rule(1, 500000, INT64_MAX);
    cr_expect_not(fl_plan_enough(&plan, ends, 2));
    const int64_t near[] = {INT64_MIN + 1, INT64_MIN + 3};
    plan = rule(1, 500000, 2);
    cr_expect(fl_plan_enough(&plan, near, 2));
}

/* Tables (Fisher and Yates, Statistical Tables, 1963, III, with more digits): never below them, and at most
 * 1.5 millionths above. */
Test(plan, quantiles_are_those_of_tables)
{
    static const struct {
        uint32_t miss_ppm, parts, freedom;
        double t;
    } rows[] = {
        {50000, 1, 1, 12.7062047}, {50000, 1, 2, 4.3026527},    {100000, 2, 10, 2.2281389},
        {50000, 1, 30, 2.0422725}, {200000, 4, 120, 1.9799304}, {10000, 1, 5, 4.0321430},
        {50000, 5, 5, 4.0321430},  {500000, 1, 1, 1.0},         {50000, 1, 999999, 1.9599664}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const double t =
            (double)fl_student_millionths(rows[i].miss_ppm, rows[i].parts, rows[i].freedom) / 1e6;
        cr_expect(t > rows[i].t && t < rows[i].t + 1.7e-6, "%.7f: %.6f", rows[i].t, t);
    }
}

/* Student's law by Simpson's rule: P(|T| > t). */
static double two_tails(double t, double freedom)
{
    enum { STEPS = 2000 };
    const double scale = exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2)) /
                         sqrt(freedom * acos(-1));
    double sum = 0;
    for (int i = 0; i <= STEPS; i++) {
        const double x = t * i / STEPS;
        const int weight = i == 0 || i == STEPS ? 1 : i % 2 ? 4 : 2;
        sum += weight * pow(1 + x * x / freedom, -(freedom + 1) / 2);
    }
    return 1 - 2 * scale * sum * t / STEPS / 3;
}

/* Against the interval in floating point, whose quantile is that of the integral. */
Test(plan, the_rule_against_a_slow_twin)
{
    uint32_t yes = 0;
    for (uint32_t k = 0; k < 500; k++) {
        const uint32_t count = 2 + (uint32_t)(draw(200 * k) % 90);
        const uint32_t looks = 1 + (uint32_t)(draw(200 * k + 1) % 5);
        const uint32_t ppm = 10000 + (uint32_t)(draw(200 * k + 2) % 400000);
        int64_t values[92];
        long double mean = 0, squares = 0;
        for (uint32_t i = 0; i < count; i++) {
            values[i] = (int64_t)(draw(200 * k + 3 + i) % 2000000) - 500000;
            mean += (long double)values[i] / count;
        }
        for (uint32_t i = 0; i < count; i++) {
            squares += (values[i] - mean) * (values[i] - mean);
        }
        const long double error = sqrtl(squares / (count - 1) / count);
        double low = 0, high = 1e6; /* of the quantile */
        while (high - low > 1e-9 * high) {
            const double middle = low + (high - low) / 2;
            const double miss = two_tails(middle < 300 ? middle : 300, count - 1);
            if (middle < 300 && miss * looks > ppm / 1e6)
                low = middle;
            else
                high = middle;
        }
        if (high > 200) continue; /* few values at a high level: the integral is not for that */
        const int64_t half = (int64_t)(error * high * (0.999L + (long double)(k % 3) * 0.001L)) + 1;
        const struct fl_plan plan = rule(looks, ppm, half);
        const bool enough = fl_plan_enough(&plan, values, count);
        yes += enough;
        if (enough)
            cr_expect_leq(error * high, half * (1 + 1e-7L));
        else
            cr_expect_gt(error * high * (1 + 3e-6L), half * 1.0L);
    }
    cr_expect_gt(yes, 150);
    cr_expect_lt(yes, 450);
}

/* Normal values, three looks: the interval at the look where it stopped holds the mean at least as often as
 * alpha promises for all looks. It stops at each of them, and later ones save runs. */
Test(plan, stopping_early_keeps_the_promise)
{
    enum { REPETITIONS = 1000 };
    static const uint32_t looks[] = {30, 60, 120};
    struct fl_plan plan = rule(3, 50000, 360000);
    plan.look = (uint32_t[]){30, 60, 120};
    plan.replicates = 120;
    uint32_t held = 0, stopped[3] = {0};
    for (uint32_t k = 0; k < REPETITIONS; k++) {
        int64_t values[120];
        double usd[120];
        for (uint32_t i = 0; i < 120; i++) {
            const double uniform = ((double)(fl_draw(2385, FL_RNG_ANALYSIS, 8, k, i) >> 11) + 0.5) /
                                   0x1p53;
            values[i] = llround(1e6 * gsl_cdf_ugaussian_Pinv(uniform)) + 7000000;
            usd[i] = (double)values[i];
        }
        uint32_t done = fl_plan_next_look(&plan, 0), which = 0;
        while (fl_plan_next_look(&plan, done) > 0 && !fl_plan_enough(&plan, values, done)) {
            done = fl_plan_next_look(&plan, done);
            which++;
        }
        cr_assert_eq(done, looks[which]);
        stopped[which]++;
        const struct fl_estimate e = fl_mean_at(usd, done, 0.05 / 3);
        held += e.low <= 7e6 && 7e6 <= e.high;
    }
    cr_expect_geq(held, REPETITIONS * 95 / 100, "%u", held);
    for (int i = 0; i < 3; i++) cr_expect_gt(stopped[i], 20, "%u at look %d", stopped[i], i);
}

/* ------------------------------------------------------------------------------------------------
 * Before a plan is run
 * --------------------------------------------------------------------------------------------- */

/* What a dry run of a plan prints; the caller frees it. */
static char *estimated(const char *end, uint32_t jobs, int expected)
{
    char folder[FAKE_PATH], path[2 * FAKE_PATH];
    struct fl_plan *plan = good(end);
    fake_folder(folder);
    fake_path(folder, "printed", path);
    cr_assert_not_null(freopen(path, "w", stdout));
    cr_expect_eq(fl_sweep_estimate(plan, jobs), expected);
    fflush(stdout);
    size_t bytes;
    char *text = fake_read(folder, "printed", &bytes);
    remove(path);
    cr_expect_eq(rmdir(folder), 0);
    fl_plan_free(plan);
    return text;
}

/* Of ten points the first, the fifth and the last are tried, which wait 40, 120 and 120 ms: 280 / 3 on the
 * average, for 20 rows, 2 at a time. The machine may be busy, never too fast. */
Test(plan, an_estimate_comes_from_pilots)
{
    char *text = estimated("\"replicates\": 2, \"axes\": [" PATH(B, "\"values\": [1, 2]") ", " PATH(
                               "nodes.n.agent.wait_ms", "\"grid\": {\"from\": 40, \"to\": 120, "
                                                        "\"count\": 5}") "]",
                           2, 0);
    static const char head[] = "x: 10 points, 2 replicates: 20 rows\n"
                               "  2 by values: nodes.n.agent.b\n"
                               "  5 by grid: nodes.n.agent.wait_ms\nabout ";
    cr_assert(strncmp(text, head, sizeof head - 1) == 0, "%s", text);
    double all, least, most;
    cr_assert_eq(sscanf(text + sizeof head - 1,
                        "%lf s with 2 jobs (3 pilot runs, %lf s to %lf s each)", &all, &least,
                        &most),
                 3, "%s", text);
    cr_expect(least >= 0.04 && least <= most && most >= 0.12, "%s", text);
    cr_expect_geq(all + 0.01, 10 * 0.28 / 3, "%s", text);
    cr_expect_leq(all - 0.01, 10 * most, "%s", text);
    free(text);
}

Test(plan, an_estimate_of_looks_has_two_ends)
{
    char *text = estimated(
        "\"looks\": [2, 5], \"stop\": {\"metric\": \"dial.x\", "
        "\"half_width\": 1}, \"axes\": [" PATH("nodes.n.agent.wait_ms", "\"values\": [50]") "]",
        1, 0);
    double least, most, one;
    cr_assert(strncmp(text, "x: 1 points, 2 to 5 replicates: 2 to 5 rows\n", 44) == 0, "%s", text);
    cr_assert_eq(sscanf(strstr(text, "about"),
                        "about %lf s to %lf s with 1 job (1 pilot run, %lf s)", &least, &most,
                        &one),
                 3, "%s", text);
    cr_expect(one >= 0.05 && fabs(least - 2 * one) < 0.02 && fabs(most - 5 * one) < 0.04, "%s",
              text);
    free(text);
}

Test(plan, a_pilot_that_fails_is_told, .init = cr_redirect_stderr)
{
    char *text = estimated("\"axes\": [" PATH(A, "\"values\": [1, 1999]") "]", 2, 1);
    cr_expect(strstr(text, "(2 pilot runs, "), "%s", text);
    free(text);
    char said[1024] = {0};
    fflush(stderr);
    cr_expect_gt(fread(said, 1, sizeof said - 1, cr_get_redirected_stderr()), 0);
    cr_expect(strstr(said, "point 1, replicate 0 failed: ended with status 9"), "%s", said);
}
