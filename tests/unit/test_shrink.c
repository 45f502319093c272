/* Failing scenarios made small: what is left is known by construction, fails again in the same way, and is
 * 1-minimal by a search of the test's own. The program itself is in tests/unit/test_process.c.
 *
 * The registry has real protocols and faults, and one model that does what its keys say. */
#include "sim/shrink.h"
#include "sim/shrink_tree.h"
#include "sim/trials.h"
#include "sim/values.h"
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------------------
 * The model: ticks once a second, and weighs its points
 * --------------------------------------------------------------------------------------------- */

struct meter {
    int64_t fuse, spare, least;
    struct fl_law law;
    struct fl_points points;
    uint32_t other, zero;
};
static const struct fl_param meter_rows[] = {
    {.key = "fuse",
     .type = FL_INTEGER,
     .offset = offsetof(struct meter, fuse),
     .max = 1000,
     .fallback = "0"},
    {.key = "spare",
     .type = FL_DECIMAL,
     .digits = 3,
     .offset = offsetof(struct meter, spare),
     .max = 1000000,
     .fallback = "2.385"},
    {.key = "least",
     .type = FL_INTEGER,
     .offset = offsetof(struct meter, least),
     .max = 1000,
     .fallback = "50"},
    {.key = "law",
     .type = FL_LAW,
     .digits = 3,
     .offset = offsetof(struct meter, law),
     .max = 1000000,
     .fallback = "5"},
    {.key = "points",
     .type = FL_POINTS,
     .offset = offsetof(struct meter, points),
     .max = 1000,
     .fallback = "[[0, 1]]"},
    {.key = "other",
     .type = FL_GROUP_NAME,
     .offset = offsetof(struct meter, other),
     .fallback = "null"},
    {.key = NULL},
};
static size_t meter_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return sizeof(int64_t);
}
static void meter_init(const struct fl_self *self, void *state)
{
    (void)self;
    (void)state;
}
static void meter_step(const struct fl_self *self, void *state, const struct fl_event *in,
                       const struct fl_view *view, struct fl_outbox *out)
{
    const struct meter *p = self->params;
    int64_t *ticks = state;
    (void)view;
    if (in->kind == FL_TIMER) ++*ticks;
    FL_ASSERT(p->fuse == 0 || *ticks < p->fuse);
    fl_set_timer(out, 0, FL_SECOND);
}
/* What at least half of all draws of its law exceed is above `least`: only then do points weigh. */
static void meter_observe(const struct fl_self *self, const void *state, int64_t *out)
{
    const struct meter *p = self->params;
    out[0] = *(const int64_t *)state;
    out[1] = 0;
    for (uint32_t i = 0; i < p->points.count; i++)
        if (fl_law_at(&p->law, UINT64_MAX / 2) >= p->least * 1000 && p->points.at[i][1] >= 10)
            out[1] += p->points.at[i][1];
}
static const struct fl_observable meter_observables[] = {
    {"meter.ticks", "", FL_COUNT, FL_SUM},
    {"meter.weight", "", FL_COUNT, FL_MAX},
    {.name = NULL},
};
static const struct fl_node_model meter_node = {.timer_count = 1,
                                                .state_bytes = meter_bytes,
                                                .init = meter_init,
                                                .step = meter_step,
                                                .observe = meter_observe};
static const struct fl_model meter = {.name = "meter",
                                      .family = FL_AGENT,
                                      .doc = "",
                                      .params = meter_rows,
                                      .params_bytes = sizeof(struct meter),
                                      .observables = meter_observables,
                                      .node = &meter_node};

extern const struct fl_model fl_model_bracha, fl_model_ordered, fl_model_replica,
    fl_model_agreement, fl_model_crash, fl_model_mute, fl_model_equivocate, fl_model_partition;
const struct fl_model *const fl_models[] = {&meter,
                                            &fl_model_bracha,
                                            &fl_model_ordered,
                                            &fl_model_replica,
                                            &fl_model_agreement,
                                            &fl_model_crash,
                                            &fl_model_mute,
                                            &fl_model_equivocate,
                                            &fl_model_partition,
                                            NULL};

/* ------------------------------------------------------------------------------------------------
 * Shrinking
 * --------------------------------------------------------------------------------------------- */

enum { PATH = 256, TEXT = 1 << 16 };
struct place {
    char base[PATH], scenario[PATH + 32], result[PATH + 32], said[PATH + 32];
};

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

/* The caller frees it; NULL if there is no such file. */
static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) return NULL;
    char *text = calloc(1, TEXT);
    cr_assert(fread(text, 1, TEXT - 1, file) < TEXT - 1);
    fclose(file);
    return text;
}

static struct place place_new(const char *scenario)
{
    struct place p;
    strcpy(p.base, "/tmp/faultline-shrink-XXXXXX");
    cr_assert_not_null(mkdtemp(p.base));
    snprintf(p.scenario, sizeof p.scenario, "%s/scenario.json", p.base);
    snprintf(p.result, sizeof p.result, "%s/small/result.json", p.base);
    snprintf(p.said, sizeof p.said, "%s/said", p.base);
    write_text(p.scenario, scenario);
    return p;
}

static void place_remove(const struct place *p)
{
    char command[PATH + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", p->base);
    cr_expect_eq(system(command), 0);
}

/* What it says on both outputs is in p->said. */
static int shrink(const struct place *p, struct fl_shrink options)
{
    options.path = options.path ? options.path : p->scenario;
    options.output = options.output ? options.output : p->result;
    options.runs = options.runs ? options.runs : FL_SHRINK_RUNS;
    fflush(NULL);
    const int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    const int file = open(p->said, O_RDWR | O_CREAT | O_TRUNC, 0666);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    const int status = fl_shrink(&options);
    fflush(NULL);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    close(file);
    return status;
}

/* The result of a search that succeeds; cJSON_Delete it. */
static cJSON *shrunk(const char *scenario)
{
    const struct place p = place_new(scenario);
    const int status = shrink(&p, (struct fl_shrink){0});
    char *said = read_text(p.said), *text = read_text(p.result);
    cr_assert_eq(status, 0, "%s", said);
    cJSON *tree = fl_tree_parse(text);
    free(said);
    free(text);
    place_remove(&p);
    return tree;
}

/* A member by its path, "/" between keys, as JSON text without blanks; "" if it is absent. */
static const char *at(const cJSON *tree, const char *path)
{
    static char text[TEXT];
    char copy[PATH];
    snprintf(copy, sizeof copy, "%s", path);
    for (char *key = strtok(copy, "/"); key && tree; key = strtok(NULL, "/"))
        tree = cJSON_GetObjectItemCaseSensitive(tree, key);
    char *found = tree ? cJSON_PrintUnformatted(tree) : NULL;
    snprintf(text, sizeof text, "%s", found ? found : "");
    free(found);
    return text;
}

#define EXPECT_AT(TREE, PATH, TEXT) cr_expect_str_eq(at(TREE, PATH), TEXT)

/* ------------------------------------------------------------------------------------------------
 * 1-minimality, by a search of the test's own
 * --------------------------------------------------------------------------------------------- */

/* Runs it here. True if its first expectation is there and not met; `word` if it must be that. */
static bool fails(const cJSON *tree, const char *word)
{
    struct fl_problems problems = {.to = NULL};
    char *text = fl_json_pretty(tree);
    struct fl_config *config =
        fl_config_parse(text, strlen(text), "test.json", NULL, 0, NULL, &problems);
    free(text);
    if (!config) return false;
    struct fl_world *world = fl_world_new(config);
    fl_world_run(world);
    uint32_t failed;
    char *said = fl_summary_text(config, fl_world_result(world), "", &failed);
    cJSON *summary = cJSON_Parse(said);
    const cJSON *actual = cJSON_GetObjectItem(
        cJSON_GetArrayItem(cJSON_GetObjectItem(summary, "expect"), 0), "actual");
    const bool same = !word || (cJSON_IsString(actual) && strcmp(actual->valuestring, word) == 0);
    const bool found = failed == 1 && !cJSON_IsNull(actual) && same;
    cJSON_Delete(summary);
    free(said);
    fl_world_free(world);
    fl_config_free(config);
    return found;
}

/* Keys that a scenario is not smaller without: a window or a budget would grow, a name would change. */
static bool is_kept(const char *key)
{
    static const char *const kept[] = {"name", "why",        "seed",  "from_s",
                                       "to_s", "faulty_max", "expect"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strcmp(key, kept[i]) == 0) return true;
    return false;
}

struct check {
    cJSON *root;
    const char *word;
    uint32_t tried;
};

/* The n-th item below this one, a container before what is in it; NULL if there are fewer. */
static cJSON *nth(cJSON *item, uint32_t *n, cJSON **parent)
{
    for (cJSON *child = item->child; child; child = child->next) {
        *parent = item;
        if ((*n)-- == 0) return child;
        cJSON *found = nth(child, n, parent);
        if (found) return found;
    }
    return NULL;
}

/* Takes each member and each element out in turn, of a copy. */
static void try_without_each(struct check *c)
{
    for (uint32_t i = 0;; i++) {
        uint32_t n = i;
        cJSON *copy = cJSON_Duplicate(c->root, true), *parent = NULL;
        cJSON *item = nth(copy, &n, &parent);
        const bool end = item == NULL;
        if (!end && !(item->string && is_kept(item->string)) &&
            !(parent->string && is_kept(parent->string))) {
            cJSON_DetachItemViaPointer(parent, item);
            cr_expect_not(fails(copy, c->word), "%s could go from %s",
                          item->string ? item->string : at(item, ""),
                          parent->string ? parent->string : "the list");
            cJSON_Delete(item);
            c->tried++;
        }
        cJSON_Delete(copy);
        if (end) return;
    }
}

static void try_number(struct check *c, cJSON *object, const char *key, fl_time value,
                       uint32_t digits)
{
    cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    char *was = item ? item->valuestring : NULL;
    cJSON *other = fl_number_item(value, digits);
    if (!item) cJSON_AddItemToObject(object, key, other);
    if (item) item->valuestring = other->valuestring;
    cr_expect_not(fails(c->root, c->word), "%s could be %" PRId64, key, value);
    c->tried++;
    if (!item) cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    if (item) item->valuestring = was;
    if (item) cJSON_Delete(other);
}

/* One step of the grid less for each time, one member or account less for each group. */
static void try_each_number(struct check *c, fl_time grid)
{
    const fl_time end = fl_tree_seconds(c->root, "duration_s", 0);
    try_number(c, c->root, "duration_s", end - grid, 9);
    const cJSON *faults = cJSON_GetObjectItem(c->root, "faults"),
                *nodes = cJSON_GetObjectItem(c->root, "nodes");
    for (cJSON *fault = faults ? faults->child : NULL; fault; fault = fault->next) {
        try_number(c, fault, "from_s", fl_tree_seconds(fault, "from_s", 0) + grid, 9);
        try_number(c, fault, "to_s", fl_tree_seconds(fault, "to_s", end) - grid, 9);
    }
    for (cJSON *group = nodes->child; group; group = group->next) {
        const int64_t count = fl_tree_integer(group, "count", 1),
                      accounts = fl_tree_integer(group, "accounts", 0);
        if (count > 1) try_number(c, group, "count", count - 1, 0);
        if (accounts > 0) try_number(c, group, "accounts", accounts - 1, 0);
    }
}

/* How many smaller scenarios were tried; none of them may fail, but the result itself must. */
static uint32_t check_minimal(cJSON *result, const char *word, fl_time grid)
{
    struct check c = {result, word, 0};
    cr_expect(fails(result, word), "the result does not fail");
    try_without_each(&c);
    try_each_number(&c, grid);
    cr_expect(fails(result, word), "the test has changed the result");
    return c.tried;
}

/* ------------------------------------------------------------------------------------------------
 * Known by construction
 * --------------------------------------------------------------------------------------------- */

/* Bracha's broadcast with f = 2 and three liars. SEND leaves at 0, ECHO at 20 ms, READY at 40 ms, and
 * deliveries are at 60 ms (consensus.md, table 0.1: three delays). Liars split ECHO and READY: their
 * window must have 20 and 40 ms in it, so on a grid of 1 ms it is [20, 41), and the run ends with the
 * deliveries. n = 3f + 1 with f = 1 and two liars is the least that breaks. */
#define LIARS                                                                                     \
    "{\"name\": \"liars\", \"seed\": 3, \"duration_s\": 60,"                                      \
    " \"network\": {\"delay_ms\": 20, \"sign_us\": 0, \"loss\": 0},"                              \
    " \"nodes\": {\"member\": {\"count\": 7, \"faulty_max\": 2,"                                  \
    "   \"consensus\": {\"model\": \"bracha\", \"bytes\": 100, \"sender\": 0}},"                  \
    "   \"bystander\": {\"count\": 3, \"agent\": {\"model\": \"meter\", \"spare\": 7}}},"         \
    " \"checks\": {\"agreement\": \"agreement\"},"                                                \
    " \"faults\": {"                                                                              \
    "   \"down\": {\"model\": \"crash\", \"group\": \"member\", \"count\": 2, \"from_s\": 30,"    \
    "     \"to_s\": 40},"                                                                         \
    "   \"lie\": {\"model\": \"equivocate\", \"group\": \"member\", \"members\": [1, 3, 4]},"     \
    "   \"off\": {\"model\": \"mute\", \"group\": \"member\", \"count\": 7, \"enabled\": false}," \
    "   \"cut\": {\"model\": \"partition\", \"from_s\": 50,"                                      \
    "     \"sides\": [[\"member[0]\", \"bystander\"], [\"member[6]\"]]},"                         \
    "   \"quiet\": {\"model\": \"mute\", \"group\": \"bystander\", \"members\": [0, 1]}}"

Test(shrink, one_culprit_among_several)
{
    cJSON *small = shrunk(LIARS "}");
    EXPECT_AT(small, "seed", "3");
    EXPECT_AT(small, "duration_s", "0.06");
    EXPECT_AT(small, "network", "{\"delay_ms\":20}");
    EXPECT_AT(small, "nodes",
              "{\"member\":{\"count\":4,\"faulty_max\":1,"
              "\"consensus\":{\"model\":\"bracha\",\"sender\":0}}}");
    EXPECT_AT(small, "checks", "{\"agreement\":\"agreement\"}");
    EXPECT_AT(small, "expect",
              "[{\"path\":\"checks.agreement\",\"op\":\"==\",\"value\":\"holds\"}]");
    const cJSON *faults = cJSON_GetObjectItem(small, "faults");
    cr_assert_eq(cJSON_GetArraySize(faults), 1);
    EXPECT_AT(faults, "lie/model", "\"equivocate\"");
    EXPECT_AT(faults, "lie/from_s", "0.02");
    EXPECT_AT(faults, "lie/to_s", "0.041");
    cr_expect_eq(cJSON_GetArraySize(fl_tree_at(faults, "lie", "members")), 2);
    const uint32_t tried = check_minimal(small, "broken", FL_MILLISECOND);
    cr_expect_geq(tried, 20, "%" PRIu32, tried);
    cJSON_Delete(small);
}

/* Without an expectation the broken check is the failure; and the first of several expectations. */
Test(shrink, which_failure_is_kept)
{
    cJSON *small = shrunk(
        LIARS
        ", \"expect\": [{\"path\": \"checks.agreement\", \"op\": \"==\", \"value\": \"broken\"},"
        " {\"path\": \"meter.ticks\", \"op\": \"<\", \"value\": 5},"
        " {\"path\": \"checks.agreement\", \"op\": \"!=\", \"value\": \"broken\"}]}");
    EXPECT_AT(small, "expect", "[{\"path\":\"meter.ticks\",\"op\":\"<\",\"value\":\"5\"}]");
    EXPECT_AT(small, "nodes", "{\"bystander\":{\"count\":3,\"agent\":\"meter\"}}");
    EXPECT_AT(small, "duration_s", "2"); /* three of them tick five times in two seconds */
    EXPECT_AT(small, "faults", "");
    cJSON_Delete(small);
    const struct place p = place_new(
        LIARS ", \"expect\": [{\"path\": \"meter.ticks\", \"op\": \"<\", \"value\": 5}]}");
    cr_expect_eq(shrink(&p, (struct fl_shrink){.keep = "checks.agreement"}), 0);
    char *text = read_text(p.result);
    cr_expect(strstr(text, "checks.agreement") && !strstr(text, "meter"), "%s", text);
    free(text);
    place_remove(&p);
}

/* A crashed follower asks for what it missed when it is back: at 3.25 s, the latency after the third slot,
 * the sequencer has three blocks for it, if it missed the first, which comes at 1.29. The request takes
 * 40 ms. So it is down from 1.29 to 3.21, and the run ends at 3.25. */
Test(shrink, a_window_moves_to_where_it_first_matters)
{
    cJSON *small = shrunk(
        "{\"name\": \"ordered\", \"seed\": 7, \"duration_s\": 60,"
        " \"network\": {\"delay_ms\": 40, \"gst_s\": 50, \"delta_ms\": 900},"
        " \"nodes\": {\"validator\": {\"count\": 5, \"power\": [1, 2, 3, 4, 5],"
        "   \"clock\": {\"offset_ms\": 0},"
        "   \"consensus\": {\"model\": \"ordered\", \"block_ms\": 1000, \"latency_ms\": 250,"
        "     \"sequencer\": 1, \"history\": 100}, \"chain\": \"replica\"}},"
        " \"faults\": {"
        "   \"down\": {\"model\": \"crash\", \"group\": \"validator\", \"count\": 1,"
        "     \"from_s\": 10, \"to_s\": 30},"
        "   \"again\": {\"model\": \"crash\", \"group\": \"validator\", \"members\": [2],"
        "     \"from_s\": 2, \"mttr_s\": 0.1, \"mtbf_s\": {\"law\": \"exponential\", \"mean\": "
        "20}}},"
        " \"expect\": [{\"path\": \"consensus.retransmissions\", \"op\": \"<\", \"value\": 3}]}");
    EXPECT_AT(small, "duration_s", "3.25");
    EXPECT_AT(small, "network", "{\"delay_ms\":40}");
    EXPECT_AT(small, "faults",
              "{\"down\":{\"model\":\"crash\",\"group\":\"validator\",\"members\":[0],"
              "\"from_s\":1.29,\"to_s\":3.21}}");
    EXPECT_AT(small, "nodes/validator/count", "2");
    EXPECT_AT(small, "nodes/validator/power", "");
    check_minimal(small, NULL, FL_MILLISECOND);
    cJSON_Delete(small);
}

/* Three of fifty points weigh 11 each, and only if the law's middle is 50 or more. */
static cJSON *shrunk_weight(const char *op, int value)
{
    char points[2000] = "", scenario[4000];
    for (int i = 0; i < 50; i++)
        sprintf(points + strlen(points), "%s[%d, %d]", i ? ", " : "", 7 * i,
                i == 4 || i == 30 || i == 49 ? 11 : 2);
    snprintf(scenario, sizeof scenario,
             "{\"name\": \"weight\", \"duration_s\": 100, \"nodes\": {\"a\": {\"count\": 6,"
             " \"accounts\": 50, \"agent\": {\"model\": \"meter\", \"spare\": 3, \"other\": \"b\","
             " \"law\": {\"law\": \"lognormal\", \"median\": 60, \"sigma\": 0.5, \"at_most\": 90},"
             " \"points\": [%s]}}, \"b\": {\"agent\": \"meter\"}},"
             " \"network\": {\"links\": [{\"from\": \"a\", \"to\": \"b\", \"delay_ms\": 3}]},"
             " \"trace\": {\"detail\": \"messages\", \"sample_s\": 3},"
             " \"expect\": [{\"path\": \"meter.weight\", \"op\": \"%s\", \"value\": %d}]}",
             points, op, value);
    return shrunk(scenario);
}

Test(shrink, points_laws_and_keys)
{
    cJSON *small = shrunk_weight("<=", 32);
    EXPECT_AT(small, "nodes",
              "{\"a\":{\"agent\":{\"model\":\"meter\",\"law\":60,"
              "\"points\":[[28,11],[210,11],[343,11]]}}}");
    EXPECT_AT(small, "network", "");
    EXPECT_AT(small, "trace", "");
    check_minimal(small, NULL, 10 * FL_MILLISECOND);
    cJSON_Delete(small);
    small = shrunk_weight("==", 0); /* one point is enough: the last, since it is tried last */
    EXPECT_AT(small, "nodes/a/agent/points", "[[343,11]]");
    cJSON_Delete(small);
}

/* The follower misses one block: the two are enough, each on its side. */
Test(shrink, sides_of_a_partition)
{
    cJSON *small = shrunk(
        "{\"name\": \"cut\", \"duration_s\": 60, \"network\": {\"delay_ms\": 40},"
        " \"nodes\": {\"validator\": {\"count\": 6, \"consensus\": {\"model\": \"ordered\","
        "   \"block_ms\": 1000}, \"chain\": \"replica\"}, \"idle\": {\"count\": 2, \"agent\": "
        "\"meter\"}},"
        " \"faults\": {\"cut\": {\"model\": \"partition\", \"sides\": ["
        "   [\"validator[0]\", \"validator[1]\", \"idle[0]\"],"
        "   [\"validator[2]\", \"validator[3]\", \"idle[1]\"], [\"validator[4]\", "
        "\"validator[5]\"]],"
        "   \"from_s\": 10, \"to_s\": 20}},"
        " \"expect\": [{\"path\": \"consensus.retransmissions\", \"op\": \"==\", \"value\": 0}]}");
    EXPECT_AT(small, "faults/cut/sides", "[[\"validator[0]\"],[\"validator[1]\"]]");
    EXPECT_AT(small, "nodes/validator/count", "2");
    EXPECT_AT(small, "nodes/idle", "");
    check_minimal(small, NULL, FL_MILLISECOND);
    cJSON_Delete(small);
}

/* `fuse` makes it break an invariant at its third tick. */
Test(shrink, a_crash_is_a_failure_of_its_own)
{
    const struct place p = place_new(
        "{\"name\": \"crash\", \"duration_s\": 1000, \"nodes\": {\"a\": {\"count\": 9, \"agent\":"
        " {\"model\": \"meter\", \"fuse\": 3, \"spare\": 1}}, \"b\": {\"agent\": \"meter\"}},"
        " \"faults\": {\"down\": {\"model\": \"crash\", \"group\": \"a\", \"members\": [0],"
        " \"to_s\": 2.5}},"
        " \"expect\": [{\"path\": \"meter.ticks\", \"op\": \"<\", \"value\": 1}]}");
    cr_expect_eq(shrink(&p, (struct fl_shrink){0}), 0);
    char *text = read_text(p.result);
    cJSON *small = fl_tree_parse(text);
    EXPECT_AT(small, "duration_s", "3");
    EXPECT_AT(small, "nodes", "{\"a\":{\"agent\":{\"model\":\"meter\",\"fuse\":3}}}");
    EXPECT_AT(small, "faults", "");
    EXPECT_AT(small, "expect", "");
    cr_expect_not_null(strstr(text, "broken invariant: p->fuse == 0 || *ticks < p->fuse"));
    cJSON_Delete(small);
    free(text);
    place_remove(&p);
}

/* The fault keeps the meter from its third tick, which would break an invariant: the first cut leaves it
 * out, and what it leaves is saved. */
Test(shrink, a_crash_on_the_way_is_saved)
{
    const struct place p = place_new(
        "{\"name\": \"crash\", \"duration_s\": 1000, \"nodes\": {\"a\": {\"agent\":"
        " {\"model\": \"meter\", \"fuse\": 3}}},"
        " \"faults\": {\"down\": {\"model\": \"crash\", \"group\": \"a\", \"members\": [0],"
        " \"from_s\": 2.5}},"
        " \"expect\": [{\"path\": \"meter.ticks\", \"op\": \"<\", \"value\": 2}]}");
    char path[PATH + 64];
    snprintf(path, sizeof path, "%s/small/result-crash.json", p.base);
    cr_expect_eq(shrink(&p, (struct fl_shrink){0}), 0);
    struct fl_problems problems = {.to = stderr};
    struct fl_config *config = fl_config_load(path, NULL, 0, NULL, &problems);
    cr_assert_not_null(config);
    struct fl_trials trials = {.path = path, .events_most = UINT64_MAX, .runs_most = 1};
    const struct fl_trial trial = fl_trial_run(&trials, config);
    cr_expect_eq(trial.end, FL_TRIAL_CRASHED);
    cr_expect_not_null(strstr(trial.said, "broken invariant: p->fuse == 0"), "%s", trial.said);
    char *said = read_text(p.said);
    cr_expect(strstr(said, trial.said) && strstr(said, path), "%s", said);
    free(said);
    fl_config_free(config);
    place_remove(&p);
}

/* ------------------------------------------------------------------------------------------------
 * What is saved and said
 * --------------------------------------------------------------------------------------------- */

Test(shrink, the_same_bytes_twice)
{
    const struct place p = place_new(LIARS "}");
    char *text[2];
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(shrink(&p, (struct fl_shrink){0}), 0);
        text[i] = read_text(p.result);
    }
    cr_expect_str_eq(text[0], text[1]);
    free(text[0]);
    free(text[1]);
    place_remove(&p);
}

Test(shrink, the_result_explains_itself_and_replays)
{
    const struct place p = place_new(LIARS "}");
    const char *const sets[] = {"network.loss=0"};
    const uint64_t seed = 3;
    cr_assert_eq(
        shrink(&p, (struct fl_shrink){.override = sets, .override_count = 1, .seed = &seed}), 0);
    struct fl_test_run run = fl_test_run_file(p.result, NULL, 0, 3);
    cr_expect_str_eq(run.config->name, "liars-shrunk");
    cr_expect_eq(fl_test_verdict(&run, "agreement")->kind, FL_BROKEN);
    cr_expect_str_eq(
        run.config->why,
        "Shrunk from liars, seed 3, --set network.loss=0. It fails on purpose: checks.agreement = "
        "broken, expected == holds. The fault lie is needed: without it checks.agreement = holds. "
        "Left out: faults down, cut, quiet; group bystander. Cut: 60 to 0.06 s, 10 to 4 nodes, 0 "
        "to "
        "0 accounts, 36 to 18 values in the file. No single cut that is left keeps the failure.");
    uint32_t failed = 0;
    free(fl_summary_text(run.config, run.result, "", &failed));
    cr_expect_eq(failed, 1); /* so that `faultline run` ends with 1 */
    fl_test_run_free(&run);
    char *said = read_text(p.said);
    cr_expect_not_null(strstr(said, "  needed   lie: without it checks.agreement = holds\n"));
    free(said);
    place_remove(&p);
}

Test(shrink, json_says_the_same)
{
    const struct place p = place_new(LIARS "}");
    cr_assert_eq(shrink(&p, (struct fl_shrink){.json = true}), 0);
    char *said = read_text(p.said);
    cJSON *json = fl_tree_parse(said);
    EXPECT_AT(json, "failure/path", "\"checks.agreement\"");
    EXPECT_AT(json, "needed", "[{\"fault\":\"lie\",\"without\":\"passes\",\"actual\":\"holds\"}]");
    EXPECT_AT(json, "left_out/faults", "[\"down\",\"cut\",\"quiet\"]");
    EXPECT_AT(json, "after/nodes", "4");
    EXPECT_AT(json, "minimal", "true");
    cJSON_Delete(json);
    free(said);
    place_remove(&p);
}

/* Fewer runs than the search needs: what it has by then still fails, and says that it is not the end. */
Test(shrink, a_budget_of_runs)
{
    const struct place p = place_new(LIARS "}");
    for (uint32_t runs = 1; runs < 12; runs += 2) {
        cr_assert_eq(shrink(&p, (struct fl_shrink){.runs = runs}), 0);
        char *text = read_text(p.result);
        cr_expect_not_null(strstr(text, "smaller ones may exist"), "%" PRIu32, runs);
        cJSON *small = fl_tree_parse(text);
        cr_expect(fails(small, "broken"), "%" PRIu32, runs);
        cJSON_Delete(small);
        free(text);
    }
    place_remove(&p);
}

/* ------------------------------------------------------------------------------------------------
 * Nothing to shrink
 * --------------------------------------------------------------------------------------------- */

static void expect_refused(const struct place *p, struct fl_shrink options, int status,
                           const char *sentence)
{
    cr_expect_eq(shrink(p, options), status, "%s", sentence);
    char *said = read_text(p->said);
    cr_expect(strstr(said, sentence), "said: %s", said);
    cr_expect_neq(access(p->result, F_OK), 0, "there is a result");
    free(said);
}

Test(shrink, what_does_not_fail)
{
    const char *const calm[] = {"faults.lie.enabled=false"}, *const wrong[] = {
                                                                 "faults.lie.group=x"};
    const struct place p = place_new(LIARS "}");
    expect_refused(&p, (struct fl_shrink){.override = calm, .override_count = 1}, 1,
                   "liars does not fail: its expectations are met and no check is broken");
    expect_refused(&p, (struct fl_shrink){.keep = "consensus.delivered"}, 1,
                   "consensus.delivered does not fail");
    expect_refused(&p, (struct fl_shrink){.keep = "checks.agreemen"}, 2,
                   "--keep checks.agreemen: the summary has no such path (did you mean "
                   "\"checks.agreement\"?)");
    expect_refused(&p, (struct fl_shrink){.override = wrong, .override_count = 1}, 2,
                   "no group of nodes is called \"x\"");
    expect_refused(&p, (struct fl_shrink){.path = "/nowhere/x.json"}, 3, "cannot read it");
    expect_refused(&p, (struct fl_shrink){.output = "/proc/no/x.json"}, 3,
                   "cannot make the folder");
    expect_refused(&p, (struct fl_shrink){.output = "/tmp/"}, 2, "expected the name of a file");
    place_remove(&p);
}

/* What stays is told apart from what does not fail. */
Test(shrink, an_expectation_of_nothing)
{
    const char *const set[] = {"faults={}",
                               "expect=[{\"path\": \"meter.tics\", \"op\": \">\", \"value\": 0}]"};
    const struct place p = place_new(LIARS "}");
    expect_refused(
        &p, (struct fl_shrink){.override = set, .override_count = 2}, 2,
        "expect meter.tics: the summary has no such path (did you mean \"meter.ticks\"?)");
    place_remove(&p);
}

/* ------------------------------------------------------------------------------------------------
 * Trials
 * --------------------------------------------------------------------------------------------- */

/* The start and nine ticks are ten events: nine are not enough, random ties or not. */
Test(trials, a_run_that_takes_too_long_is_given_up)
{
    static const char *const ties[] = {"sequence", "random"};
    for (size_t i = 0; i < 2; i++) {
        char text[400];
        snprintf(text, sizeof text,
                 "{\"name\": \"long\", \"duration_s\": 9, \"ties\": \"%s\","
                 " \"nodes\": {\"a\": {\"agent\": \"meter\"}},"
                 " \"expect\": [{\"path\": \"meter.ticks\", \"op\": \"<\", \"value\": \"9\"}]}",
                 ties[i]);
        cJSON *tree = fl_tree_parse(text);
        const struct fl_failure failure = {.path = "meter.ticks", .actual = "9"};
        char actual[FL_METRIC_TEXT];
        for (uint64_t most = 8; most <= 11; most++) {
            struct fl_trials trials = {
                .path = "x.json", .failure = &failure, .events_most = most, .runs_most = 2};
            cr_expect_eq(fl_trials_ask(&trials, tree, actual), most < 10 ? FL_TOO_LONG : FL_FAILS,
                         "%" PRIu64, most);
            cr_expect_eq(fl_trials_ask(&trials, tree, NULL), most < 10 ? FL_TOO_LONG : FL_FAILS);
            cr_expect_eq(trials.runs, 1, "it was not remembered");
            fl_trials_free(&trials);
        }
        cr_expect_str_eq(actual, "9");
        cJSON_Delete(tree);
    }
}

/* A word must be the same, a number need not; no scenario costs no run; no runs, no answer. */
Test(trials, answers)
{
    static const struct {
        const char *expect, *actual, *agents;
        enum fl_answer answer;
    } cases[] = {
        {"meter.ticks\", \"op\": \"<\", \"value\": 3", "7", "", FL_FAILS},
        {"meter.ticks\", \"op\": \"<\", \"value\": 30", "7", "", FL_PASSES},
        {"meter.gone\", \"op\": \"<\", \"value\": 30", "7", "", FL_PASSES},
        {"scenario\", \"op\": \"==\", \"value\": \"y\"", "x", "", FL_FAILS},
        {"scenario\", \"op\": \"==\", \"value\": \"y\"", "z", "", FL_FAILS_DIFFERENTLY},
        {"meter.ticks\", \"op\": \"<\", \"value\": 3", "7", "\"fuse\": 2", FL_CRASHES},
        {"meter.ticks\", \"op\": \"<\", \"value\": 3", "7", "\"fusee\": 2", FL_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[400];
        snprintf(text, sizeof text,
                 "{\"name\": \"x\", \"duration_s\": 9, \"nodes\": {\"a\": {\"agent\": {\"model\": "
                 "\"meter\"%s%s}}}, \"expect\": [{\"path\": \"%s}]}",
                 *cases[i].agents ? ", " : "", cases[i].agents, cases[i].expect);
        cJSON *tree = fl_tree_parse(text);
        struct fl_failure failure = {.crash = false};
        strcpy(failure.actual, cases[i].actual);
        struct fl_trials trials = {
            .path = "x.json", .failure = &failure, .events_most = UINT64_MAX, .runs_most = 1};
        cr_expect_eq(fl_trials_ask(&trials, tree, NULL), cases[i].answer, "case %zu", i);
        cr_expect_eq(trials.runs, cases[i].answer != FL_INVALID, "case %zu", i);
        cr_expect_eq(*trials.crash != '\0', cases[i].answer == FL_CRASHES, "case %zu", i);
        cr_expect_eq(trials.count[cases[i].answer], 1);
        trials.told_count = 0;
        trials.runs = trials.runs_most;
        cr_expect_eq(fl_trials_ask(&trials, tree, NULL),
                     cases[i].answer == FL_INVALID ? FL_INVALID : FL_NOT_ASKED);
        fl_trials_free(&trials);
        cJSON_Delete(tree);
    }
}

/* ------------------------------------------------------------------------------------------------
 * Trees
 * --------------------------------------------------------------------------------------------- */

static const char names[] =
    "{\"network\": {\"links\": [{\"from\": \"a\", \"to\": \"b\"}, {\"from\": \"c\", \"to\": "
    "\"c\"}]},"
    " \"nodes\": {\"a\": {\"count\": 5, \"faulty_max\": 4, \"power\": [5, 6, 7, 8, 9], \"x\": {}},"
    "  \"b\": {\"chain\": {\"model\": \"a\", \"to\": [\"a\", \"c\"]}}, \"c\": {\"agent\": {\"of\": "
    "\"a\"}},"
    "  \"d\": {\"agent\": {\"of\": \"c\"}}},"
    " \"contracts\": {\"k\": {\"of\": \"d\"}},"
    " \"faults\": {\"f\": {\"group\": \"a\", \"members\": [1, 3]},"
    "  \"s\": {\"sides\": [[\"a[0]\", \"b\"], [\"a[3]\", \"c\"]]}}}";

#define EXPECT_TREE(MADE, TEXT)                                          \
    do {                                                                 \
        cJSON *made = (MADE), *known = fl_tree_parse(TEXT);              \
        cr_expect(cJSON_Compare(made, known, true), "%s", at(made, "")); \
        cJSON_Delete(made);                                              \
        cJSON_Delete(known);                                             \
    } while (0)

/* Names in models, and of models, are no references. */
Test(shrink_tree, a_part_goes_with_what_refers_to_it)
{
    cJSON *tree = fl_tree_parse(names);
    EXPECT_TREE(fl_tree_without_part(tree, "nodes", "a", false),
                "{\"network\": {\"links\": [{\"from\": \"c\", \"to\": \"c\"}]},"
                " \"nodes\": {\"b\": {\"chain\": {\"model\": \"a\", \"to\": [\"c\"]}},"
                "  \"c\": {\"agent\": {}}, \"d\": {\"agent\": {\"of\": \"c\"}}},"
                " \"contracts\": {\"k\": {\"of\": \"d\"}},"
                " \"faults\": {\"s\": {\"sides\": [[\"b\"], [\"c\"]]}}}");
    EXPECT_TREE(
        fl_tree_without_part(tree, "nodes", "a", true),
        "{\"network\": {\"links\": []}, \"nodes\": {\"b\": {\"chain\": {\"model\": \"a\"}}},"
        " \"contracts\": {}, \"faults\": {\"s\": {\"sides\": [[\"b\"]]}}}");
    cJSON_Delete(tree);
}

/* "a/market.mid" is what a publishes; that of "aa" is another's. */
Test(shrink_tree, what_a_part_publishes_goes_with_it)
{
    cJSON *tree = fl_tree_parse(
        "{\"nodes\": {\"a\": {}, \"aa\": {}}, \"faults\": {\"f\": {\"group\": \"aa\", \"sees\": "
        "[\"a/market.mid\", \"aa/market.mid\", \"market.mid\"]}, \"g\": {\"group\": \"aa\", "
        "\"when\": {\"observable\": \"a/market.mid\", \"falls\": 0.1}}}}");
    EXPECT_TREE(fl_tree_without_part(tree, "nodes", "a", false),
                "{\"nodes\": {\"aa\": {}}, \"faults\": {\"f\": {\"group\": \"aa\", \"sees\": "
                "[\"aa/market.mid\", \"market.mid\"]}}}");
    cJSON_Delete(tree);
}

/* 0, 1 and 3 are named. f falls as n - 1 does, from where the search began: 4 of 5, 2 of 3, 1 of 2; one
 * that is struck does not come to tolerate none. */
Test(shrink_tree, fewer_members_are_numbered_anew)
{
    cJSON *tree = fl_tree_parse(names);
    const struct fl_tree_group group = {tree, "a"};
    cr_expect_null(fl_tree_with_count(tree, group, 2));
    cJSON *less = fl_tree_with_count(tree, group, 3);
    EXPECT_AT(less, "nodes/a", "{\"count\":3,\"faulty_max\":2,\"power\":[5,6,8],\"x\":{}}");
    EXPECT_AT(less, "faults",
              "{\"f\":{\"group\":\"a\",\"members\":[1,2]},"
              "\"s\":{\"sides\":[[\"a[0]\",\"b\"],[\"a[2]\",\"c\"]]}}");
    cJSON *without = fl_tree_without_node(less, group, 1);
    EXPECT_AT(without, "nodes/a", "{\"count\":2,\"faulty_max\":1,\"power\":[5,8],\"x\":{}}");
    EXPECT_AT(without, "faults",
              "{\"f\":{\"group\":\"a\",\"members\":[1]},"
              "\"s\":{\"sides\":[[\"a[0]\",\"b\"],[\"a[1]\",\"c\"]]}}");
    cJSON_Delete(without);
    cJSON_Delete(less);
    cJSON_Delete(tree);
}
