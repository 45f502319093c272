/* Plans and sweeps, with a registry of one model that counts, sleeps, and breaks when told to. The
 * program itself and the shipped plans are at the end.
 *
 * No timeouts of Criterion: see tests/unit/test_process.c. */
#define _XOPEN_SOURCE 700 /* a terminal of its own */
#include "sim/merge.h"
#include "sim/plan.h"
#include "sim/sweep.h"
#include "tests/lib/archive_fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <glob.h>
#include <hdf5.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <xxhash.h>

/* ------------------------------------------------------------------------------------------------
 * The model
 * --------------------------------------------------------------------------------------------- */

struct bomb {
    int64_t fuse, wait, price;
};
static const struct fl_param bomb_rows[] = {
    {.key = "fuse",
     .type = FL_INTEGER,
     .offset = offsetof(struct bomb, fuse),
     .max = 100,
     .fallback = "0"},
    {.key = "wait_ms",
     .type = FL_INTEGER,
     .offset = offsetof(struct bomb, wait),
     .max = 10000,
     .fallback = "0"},
    {.key = "price_usd",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct bomb, price),
     .min = -1000000000,
     .max = INT64_MAX,
     .fallback = "2.385"},
    {.key = NULL},
};
static const char *check_bomb(const void *params)
{
    const struct bomb *p = params;
    return p->fuse == 7 && p->wait == 70 ? "fuse 7 and wait_ms 70 do not go together" : NULL;
}
enum { FUSE_ASSERTS = 3, FUSE_IS_KILLED = 4, FUSE_EXITS = 5 };

/* One byte is added here for each run that begins. */
static char runs_path[FAKE_PATH];

static size_t bomb_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return sizeof(int64_t);
}
static void bomb_init(const struct fl_self *self, void *state)
{
    *(int64_t *)state = (int64_t)(self->seed % 1000);
}
static void bomb_step(const struct fl_self *self, void *state, const struct fl_event *in,
                      const struct fl_view *view, struct fl_outbox *out)
{
    (void)state;
    (void)in;
    (void)view;
    (void)out;
    const struct bomb *p = self->params;
    const int runs = open(runs_path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (runs < 0 || write(runs, "x", 1) != 1 || close(runs) != 0) abort();
    nanosleep(&(struct timespec){.tv_nsec = p->wait * 1000000}, NULL);
    FL_ASSERT(p->fuse != FUSE_ASSERTS);
    if (p->fuse == FUSE_IS_KILLED) raise(SIGKILL);
    if (p->fuse == FUSE_EXITS) {
        fputs("out of\tsomething\n", stderr);
        _exit(9);
    }
}
static void bomb_observe(const struct fl_self *self, const void *state, int64_t *out)
{
    const struct bomb *p = self->params;
    out[0] = p->price * (1 + p->fuse);
    out[1] = *(const int64_t *)state;
    out[2] = p->fuse > 1;
    out[3] = p->fuse * 1500 * FL_MILLISECOND;
}
static const struct fl_observable bomb_observables[] = {
    {"bomb.value", "", FL_USD, FL_FIRST},
    {"bomb.noise", "", FL_COUNT, FL_FIRST},
    {"bomb.hot", "", FL_BOOL, FL_FIRST},
    {"bomb.time", "", FL_NANOSECOND, FL_FIRST},
    {.name = NULL},
};
static const struct fl_node_model bomb_node = {
    .state_bytes = bomb_bytes, .init = bomb_init, .step = bomb_step, .observe = bomb_observe};
static const struct fl_model bomb = {.name = "bomb",
                                     .family = FL_AGENT,
                                     .doc = "",
                                     .params = bomb_rows,
                                     .params_bytes = sizeof(struct bomb),
                                     .check = check_bomb,
                                     .observables = bomb_observables,
                                     .node = &bomb_node};
const struct fl_model *const fl_models[] = {&bomb, NULL};

/* ------------------------------------------------------------------------------------------------
 * Folders and plans
 * --------------------------------------------------------------------------------------------- */

static const char scenario[] =
    "{\"name\": \"one\", \"duration_s\": 1, \"nodes\": {\"a\": {\"agent\": \"bomb\"}}}";
#define METRICS \
    "\"metrics\": [\"bomb.value\", \"bomb.noise\", \"bomb.hot\", \"bomb.time\", \"digest\"]"

struct place {
    char base[FAKE_PATH], plan[FAKE_PATH];
};

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[2 * FAKE_PATH];
    fake_path(folder, name, path);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static struct place place_new(const char *plan)
{
    struct place p;
    fake_folder(p.base);
    write_text(p.base, "one.json", scenario);
    write_text(p.base, "plan.json", plan);
    strcat(strcpy(p.plan, p.base), "/plan.json");
    strcat(strcpy(runs_path, p.base), "/runs");
    return p;
}

static void place_remove(const struct place *p)
{
    char command[FAKE_PATH + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", p->base);
    cr_expect_eq(system(command), 0);
}

static size_t runs(void)
{
    FILE *file = fopen(runs_path, "r");
    if (!file) return 0;
    fseek(file, 0, SEEK_END);
    const long count = ftell(file);
    fclose(file);
    return (size_t)count;
}

/* A sweep in this process; its folder is `name` below the place. */
static int sweep(const struct place *p, const char *name, uint32_t jobs, bool resume)
{
    char directory[2 * FAKE_PATH];
    fake_path(p->base, name, directory);
    return fl_sweep(&(struct fl_sweep){
        .plan = p->plan, .directory = directory, .jobs = jobs, .resume = resume, .quiet = true});
}

/* The same with its stderr, "" for nothing; the caller frees it. */
static char *said_by_sweep(const struct place *p, const char *name, bool resume, int *status)
{
    char path[2 * FAKE_PATH];
    fake_path(p->base, "said", path);
    fflush(NULL);
    const int before = dup(STDERR_FILENO), file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
    cr_assert(before >= 0 && file >= 0);
    dup2(file, STDERR_FILENO);
    *status = sweep(p, name, 2, resume);
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    close(file);
    size_t bytes;
    return fake_read(p->base, "said", &bytes);
}

static char *read_in(const struct place *p, const char *folder, const char *name, size_t *bytes)
{
    char path[2 * FAKE_PATH];
    fake_path(folder, name, path);
    return fake_read(p->base, path, bytes);
}

static void expect_same_tables(const struct place *p, const char *one, const char *other)
{
    static const char *const names[] = {"sweep.csv", "sweep.h5"};
    for (size_t i = 0; i < 2; i++) {
        size_t a_bytes, b_bytes;
        char *a = read_in(p, one, names[i], &a_bytes), *b = read_in(p, other, names[i], &b_bytes);
        cr_expect(a_bytes == b_bytes && memcmp(a, b, a_bytes) == 0, "%s differs: %s, %s", names[i],
                  one, other);
        free(a);
        free(b);
    }
}

/* Line `index` of sweep.csv. */
static const char *csv_line(const struct place *p, const char *folder, uint32_t index)
{
    static char line[2048];
    size_t bytes;
    char *csv = read_in(p, folder, "sweep.csv", &bytes);
    const char *at = csv;
    for (; index > 0; index--) at += strcspn(at, "\n") + 1;
    snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
    free(csv);
    return line;
}

/* ------------------------------------------------------------------------------------------------
 * Plans
 * --------------------------------------------------------------------------------------------- */

/* In the scenario the agent is a bare name and has no keys: the first axis gives it some. */
#define AXES                                                                                \
    "{\"name\": \"axes\", \"scenario\": \"one.json\", \"replicates\": 3, \"seed\": 2385,\n" \
    " \"axes\": [{\"path\": \"nodes.a.agent\", \"values\": [{\"model\":\n \"bomb\", "       \
    "\"fuse\": 1}, {\"model\": \"bomb\"}]},\n"                                              \
    "  {\"path\": \"nodes.a.agent.price_usd\", \"values\": [1.5, \"2.25\", -3]}],\n" METRICS "}"

Test(sweep, points_are_a_grid_and_replicates_share_seeds)
{
    const struct place p = place_new(AXES);
    struct fl_problems problems = {.to = stderr};
    struct fl_plan *plan = fl_plan_load(p.plan, &problems);
    cr_assert_not_null(plan);
    cr_expect_eq(plan->points, 6);
    cr_expect_eq(plan->replicates, 3);
    for (uint32_t point = 0; point < 6; point++) {
        cr_expect_eq(fl_plan_value(plan, point, 0), point / 3);
        cr_expect_eq(fl_plan_value(plan, point, 1), point % 3);
    }
    const char *overrides[FL_AXES_MAX];
    fl_plan_overrides(plan, 4, overrides);
    cr_expect_str_eq(overrides[0], "nodes.a.agent={\"model\": \"bomb\"}");
    cr_expect_str_eq(overrides[1], "nodes.a.agent.price_usd=\"2.25\"");
    cr_expect_str_eq(plan->axis[1].shown[1], "2.25");
    cr_expect_null(plan->axis[1].integer);
    char *replay = fl_plan_replay(plan, "it's.json", 4, 1);
    char expected[256];
    snprintf(expected, sizeof expected,
             "faultline run 'it'\\''s.json' --set 'nodes.a.agent={\"model\": \"bomb\"}' --set "
             "'nodes.a.agent.price_usd=\"2.25\"' --seed %" PRIu64,
             fl_plan_seed(plan, 1));
    cr_expect_str_eq(replay, expected);
    free(replay);
    /* A row is the run of its replay. */
    struct fl_config *config = fl_plan_config(plan, 4, 1, &problems);
    cr_assert_not_null(config);
    cr_expect_eq(config->seed, fl_plan_seed(plan, 1));
    cr_expect_eq(((const struct bomb *)config->group[0].layer[FL_AGENT].params)->price, 2250000);
    fl_config_free(config);
    fl_plan_free(plan);
    place_remove(&p);
}

/* XXH3-64 of the 16 bytes (2385, r), shifted: computed by a Python script from the published
 * algorithm, XXH3_len_9to16_64b and its secret. */
Test(sweep, seeds_are_what_the_header_says)
{
    const struct fl_plan plan = {.seed = 2385}, other = {.seed = 2386};
    cr_expect_eq(fl_plan_seed(&plan, 0), 5300079619628825);
    cr_expect_eq(fl_plan_seed(&plan, 1), 6050849211343919);
    for (uint32_t i = 0; i < 1000; i++) {
        cr_expect_lt(fl_plan_seed(&plan, i), (uint64_t)1 << 53);
        cr_expect_neq(fl_plan_seed(&plan, i), fl_plan_seed(&other, i));
        for (uint32_t j = 0; j < i; j++)
            cr_expect_neq(fl_plan_seed(&plan, i), fl_plan_seed(&plan, j));
    }
}

static void expect_plan_refused(const char *text, const char *first_line)
{
    const struct place p = place_new(text);
    char *said = NULL;
    size_t bytes = 0;
    struct fl_problems problems = {.to = open_memstream(&said, &bytes)};
    struct fl_plan *plan = fl_plan_load(p.plan, &problems);
    fclose(problems.to);
    cr_expect_null(plan, "accepted: %s", text);
    said[strcspn(said, "\n")] = '\0';
    for (char *at; (at = strstr(said, p.base)) != NULL;) { /* the folder's name is of no interest */
        memmove(at, at + strlen(p.base) + 1, strlen(at + strlen(p.base) + 1) + 1);
    }
    cr_expect_str_eq(said, first_line, "\n  said     %s\n  expected %s", said, first_line);
    free(said);
    place_remove(&p);
}

Test(sweep, a_bad_plan_is_told_with_its_place)
{
#define ONE "\"scenario\": \"one.json\""
#define VALUE "\"metrics\": [\"bomb.value\"]"
    static const char *const bad[][2] = {
        {"{\"name\": \"x\", " ONE ", " VALUE ",}",
         "plan.json:1:64: error: no comma is allowed before '}'"},
        {"[]", "plan.json:1:1: error: expected an object, found a list"},
        {"{\"name\": \"x\", " ONE ", " VALUE ", \"axis\": []}",
         "plan.json:1:66: error: /axis: unknown key (did you mean \"axes\"?)"},
        {"{" ONE ", " VALUE "}", "plan.json:1:1: error: missing required key \"name\""},
        {"{\"name\": \"a/b\", " ONE ", " VALUE "}",
         "plan.json:1:10: error: /name: a name is 1 to 47 letters, digits, '-' and '_', with '.' "
         "inside"},
        {"{\"name\": \"x\", " VALUE "}", "plan.json:1:1: error: missing required key \"scenario\""},
        {"{\"name\": \"x\", " ONE "}", "plan.json:1:1: error: missing required key \"metrics\""},
        {"{\"name\": \"x\", " ONE ", \"metrics\": []}",
         "plan.json:1:50: error: /metrics: expected a list of 1 to 256 paths in summary.json, such "
         "as ledger.bad_debt"},
        {"{\"name\": \"x\", " ONE ", \"metrics\": [\"bomb.valve\"]}",
         "plan.json:1:51: error: /metrics/0: the summary of point 0 has no such number (did you "
         "mean \"bomb.value\"?)"},
        {"{\"name\": \"x\", " ONE ", \"metrics\": [\"content_hash\"]}",
         "plan.json:1:51: error: /metrics/0: the summary of point 0 has no such number"},
        {"{\"name\": \"x\", " ONE ", \"metrics\": [\"events\", \"events\"]}",
         "plan.json:1:61: error: /metrics/1: this metric is there twice"},
        {"{\"name\": \"x\", " ONE ", " VALUE ", \"replicates\": 0}",
         "plan.json:1:80: error: /replicates: 0 is out of range (1 to 1000000)"},
        {"{\"name\": \"x\", " ONE ", " VALUE ", \"seed\": 1.5}",
         "plan.json:1:74: error: /seed: expected an integer from 0 to 2^53, or a string with a "
         "decimal or 0x number below 2^64"},
        {"{\"name\": \"x\", " ONE ", " VALUE ", \"axes\": {}}",
         "plan.json:1:74: error: /axes: expected a list of axes, found an object"},
        {"{\"name\": \"x\", " ONE ", " VALUE ", \"axes\": [{\"path\": \"seed\", \"values\": [1]}]}",
         "plan.json:1:84: error: /axes/0/path: the seed of a row follows from the plan's seed and "
         "the replicate"},
        {"{\"name\": \"x\", " ONE ", " VALUE ", \"axes\": [{\"path\": \"a\"}]}",
         "plan.json:1:75: error: /axes/0: expected \"values\" or \"grid\""},
        {"{\"name\": \"x\", " ONE ", " VALUE ", \"axes\": [{\"path\": \"a\", \"values\": []}]}",
         "plan.json:1:99: error: /axes/0/values: expected a list of values"},
        {"{\"name\": \"x\", " ONE ", " VALUE ", \"axes\": [{\"path\": \"a\", \"values\": [1, 1]}]}",
         "plan.json:1:103: error: /axes/0/values/1: this value is there twice"},
        {"{\"name\": \"x\", " ONE ", " VALUE
         ", \"axes\": [{\"path\": \"a\", \"values\": [1]}, {\"path\": \"a\", \"values\": [1]}]}",
         "plan.json:1:114: error: /axes/1/path: two axes have this path"},
        {"{\"name\": \"x\", " ONE ", " VALUE
         ",\n \"axes\": [{\"path\": \"duration_s\", \"values\": [1, 2, 0]}]}",
         "plan.json:2:51: error: /axes/0/values/2: /duration_s: 0 is out of range (0.000000001 "
         "to 1000000000)"},
        {"{\"name\": \"x\", " ONE ", " VALUE
         ",\n \"axes\": [{\"path\": \"nodes.b.agent\", \"values\": [\"bomb\"]}]}",
         "plan.json:2:48: error: /axes/0/values/0: /nodes/b/agent: there is no \"b\" in an object"},
        {"{\"name\": \"x\", \"scenario\": \"two.json\", " VALUE "}",
         "plan.json:1:27: error: /scenario: cannot read two.json: No such file or directory"},
        {"{\"name\": \"x\", \"scenario\": \"plan.json\", " VALUE "}",
         "plan.json:1:1: error: missing required key \"nodes\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) expect_plan_refused(bad[i][0], bad[i][1]);
}

/* Each value is good, but not with the other; and only the points that have both are refused. */
Test(sweep, values_that_do_not_go_together_are_told)
{
    expect_plan_refused(
        "{\"name\": \"x\", \"scenario\": \"one.json\", \"metrics\": [\"events\"], \"axes\": [\n"
        "{\"path\": \"nodes.a.agent\", \"values\": [{\"model\": \"bomb\"}]},\n"
        "{\"path\": \"nodes.a.agent.fuse\", \"values\": [1, 7]},\n"
        "{\"path\": \"nodes.a.agent.wait_ms\", \"values\": [1, 70]}]}",
        "plan.json:4:49: error: /axes/2/values/1: with the other values of point 3: "
        "/nodes/a/agent: fuse 7 and wait_ms 70 do not go together");
}

/* ------------------------------------------------------------------------------------------------
 * Rows
 * --------------------------------------------------------------------------------------------- */

Test(sweep, bytes_do_not_depend_on_jobs)
{
    const struct place p = place_new(AXES);
    cr_expect_eq(sweep(&p, "one", 1, false), 0);
    cr_expect_eq(runs(), 18);
    cr_expect_eq(sweep(&p, "two", 2, false), 0);
    cr_expect_eq(sweep(&p, "more", 7, false), 0);
    cr_expect_eq(runs(), 54);
    expect_same_tables(&p, "one", "two");
    expect_same_tables(&p, "one", "more");
    cr_expect_str_eq(csv_line(&p, "one", 0),
                     "point,replicate,seed,nodes.a.agent,nodes.a.agent.price_usd,bomb.value,"
                     "bomb.noise,bomb.hot,bomb.time,digest,status,error");
    const struct fl_plan plan = {.seed = 2385};
    const uint64_t seed = fl_plan_seed(&plan, 1);
    char expected[256];
    snprintf(expected, sizeof expected,
             "1,1,%" PRIu64
             ",\"{\"\"model\"\":  \"\"bomb\"\", \"\"fuse\"\": 1}\",2.25,4.500000,%" PRIu64
             ",false,1.5,",
             seed, seed % 1000);
    const char *line = csv_line(&p, "one", 1 + 4);
    cr_expect(strncmp(line, expected, strlen(expected)) == 0, "%s\n%s", line, expected);
    cr_expect_str_eq(line + strlen(expected) + 32, ",ok,");
    place_remove(&p);
}

/* HDF5 against CSV. */
Test(sweep, columns_hold_the_same_numbers)
{
    const struct place p = place_new(AXES);
    cr_assert_eq(sweep(&p, "out", 2, false), 0);
    char path[2 * FAKE_PATH];
    fake_path(p.base, "out/sweep.h5", path);
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    cr_assert_geq(file, 0);
    int64_t value[18], hot[18], time[18];
    uint64_t seed[18];
    uint32_t point[18];
    char status[18][3]; /* one byte wider than the longest: sim/h5.c */
    const struct {
        const char *path;
        hid_t type;
        void *to;
    } columns[] = {{"/metrics/bomb.value", H5T_NATIVE_INT64, value},
                   {"/metrics/bomb.hot", H5T_NATIVE_INT64, hot},
                   {"/metrics/bomb.time", H5T_NATIVE_INT64, time},
                   {"/rows/seed", H5T_NATIVE_UINT64, seed},
                   {"/rows/point", H5T_NATIVE_UINT32, point},
                   {"/rows/status", -1, status}};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        const hid_t dataset = H5Dopen2(file, columns[i].path, H5P_DEFAULT);
        cr_assert_geq(dataset, 0, "%s", columns[i].path);
        const hid_t own = H5Dget_type(dataset);
        cr_expect_geq(H5Dread(dataset, columns[i].type < 0 ? own : columns[i].type, H5S_ALL,
                              H5S_ALL, H5P_DEFAULT, columns[i].to),
                      0);
        H5Tclose(own);
        H5Dclose(dataset);
    }
    for (uint32_t i = 0; i < 18; i++) {
        static const int64_t price[] = {1500000, 2250000, -3000000};
        const bool lit = i < 9; /* the first value of the first axis has fuse 1 */
        cr_expect_eq(point[i], i / 3);
        cr_expect_eq(value[i], price[i / 3 % 3] * (lit ? 2 : 1));
        cr_expect_eq(hot[i], 0);
        cr_expect_eq(time[i], lit ? 1500 * FL_MILLISECOND : 0);
        cr_expect_eq(seed[i], seed[i % 3]);
        cr_expect(memcmp(status[i], "ok", 3) == 0);
    }
    cr_expect_gt(H5Aexists(file, "plan_json"), 0);
    H5Fclose(file);
    place_remove(&p);
}

#define FUSES                                                                                     \
    "{\"name\": \"fuses\", \"scenario\": \"one.json\", \"replicates\": 2, \"axes\": [{\"path\": " \
    "\"nodes.a.agent\", \"values\": [{\"model\": \"bomb\", \"fuse\": 2}, {\"model\": \"bomb\", "  \
    "\"fuse\": 3}, {\"model\": \"bomb\", \"fuse\": 4}, {\"model\": \"bomb\", \"fuse\": 5}, "      \
    "{\"model\": \"bomb\", \"fuse\": 6}]}], " METRICS "}"

Test(sweep, a_point_that_crashes_costs_its_rows_only)
{
    const struct place p = place_new(FUSES);
    int status;
    char *said = said_by_sweep(&p, "out", false, &status);
    cr_expect_eq(status, 1);
    cr_expect(strstr(said, "point 1, replicate 0 crashed: ended by signal 6, saying: "), "%s",
              said);
    char replay[512];
    snprintf(replay, sizeof replay,
             "\n  faultline run %s/one.json --set 'nodes.a.agent={\"model\": \"bomb\", \"fuse\": "
             "3}' --seed ",
             p.base);
    cr_expect(strstr(said, replay), "%s", said);
    free(said);
    static const char *const ends[] = {
        ",,,,,crashed,\"ended by signal 6, saying: tests/unit/test_sweep.c:",
        ",,,,,crashed,\"ended by signal 9; from the folder of the plan: faultline run one.json "
        "--set ",
        ",,,,,failed,\"ended with status 9, saying: out of?something; from the folder of the "
        "plan: "};
    for (uint32_t i = 0; i < 3; i++) {
        const char *line = csv_line(&p, "out", 1 + 2 * (i + 1));
        cr_expect(strstr(line, ends[i]), "%s\n%s", line, ends[i]);
    }
    cr_expect(strstr(csv_line(&p, "out", 1), ",7.155000,"));
    cr_expect(strstr(csv_line(&p, "out", 10), ",16.695000,"));
    cr_expect_eq(runs(), 10);
    /* What failed is run again, what did not is not. */
    cr_expect_eq(sweep(&p, "again", 1, false), 1);
    cr_expect_eq(sweep(&p, "again", 2, true), 1);
    cr_expect_eq(runs(), 10 + 10 + 6);
    expect_same_tables(&p, "out", "again");
    place_remove(&p);
}

/* ------------------------------------------------------------------------------------------------
 * Interruptions
 * --------------------------------------------------------------------------------------------- */

#define SLOW                                                                                     \
    "{\"name\": \"slow\", \"scenario\": \"one.json\", \"replicates\": 4, \"axes\": [{\"path\": " \
    "\"nodes.a.agent\", \"values\": [{\"model\": \"bomb\", \"wait_ms\": 30}, {\"model\": "       \
    "\"bomb\", \"wait_ms\": 31}, {\"model\": \"bomb\", \"wait_ms\": 29}]}], " METRICS "}"

static uint32_t journal_lines(const struct place *p, const char *folder)
{
    char path[2 * FAKE_PATH], name[FAKE_PATH];
    strcat(strcpy(name, folder), "/sweep.journal");
    if (!fake_exists(p->base, name)) return 0;
    fake_path(p->base, name, path);
    FILE *file = fopen(path, "r");
    uint32_t count = 0;
    for (int c; (c = getc(file)) != EOF;) count += c == '\n';
    fclose(file);
    return count;
}

/* Kills the parent of a sweep when its journal has so many lines. */
static void killed_at(const struct place *p, const char *name, uint32_t lines, int number)
{
    fflush(NULL);
    const pid_t parent = fork();
    if (parent == 0) _exit(sweep(p, name, 2, true));
    while (journal_lines(p, name) < lines) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    kill(parent, number);
    int status;
    cr_assert_eq(waitpid(parent, &status, 0), parent);
    cr_expect(number == SIGKILL ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL
                                : WIFEXITED(status) && WEXITSTATUS(status) == 128 + number);
}

Test(sweep, killed_and_resumed_it_writes_the_same_bytes)
{
    const struct place p = place_new(SLOW);
    cr_assert_eq(sweep(&p, "whole", 2, false), 0);
    cr_expect_eq(runs(), 12);
    static const int signals[] = {SIGKILL, SIGINT, SIGTERM};
    for (uint32_t i = 0; i < 3; i++) {
        killed_at(&p, "parts", 2 + 3 * i, signals[i]);
        cr_expect_not(fake_exists(p.base, "parts/sweep.csv"));
        cr_expect_not(fake_exists(p.base, "parts/sweep.h5"));
    }
    /* The children died with it: whatever runs now was begun before. */
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    const size_t before = runs();
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    cr_expect_eq(runs(), before);
    cr_expect_leq(runs(), 12 + 12 + 3 * 2 - 1);
    /* A line torn by the end of the machine: half of the row that would come next. */
    char path[2 * FAKE_PATH];
    fake_path(p.base, "parts/sweep.journal", path);
    FILE *journal = fopen(path, "a");
    fputs("2\t3\tok\t\t99.0", journal);
    fclose(journal);
    cr_expect_eq(sweep(&p, "parts", 2, true), 0);
    cr_expect_leq(runs(), 12 + 12 + 3 * 2);
    expect_same_tables(&p, "whole", "parts");
    /* And once more: nothing is left to run. */
    const size_t after = runs();
    cr_expect_eq(sweep(&p, "parts", 2, true), 0);
    cr_expect_eq(runs(), after);
    expect_same_tables(&p, "whole", "parts");
    place_remove(&p);
}

/* A flipped byte anywhere in the journal: the rows from there on are run again. */
Test(sweep, a_damaged_journal_is_not_believed)
{
    const struct place p = place_new(FUSES);
    cr_expect_eq(sweep(&p, "out", 2, false), 1);
    size_t bytes;
    char *journal = read_in(&p, "out", "sweep.journal", &bytes);
    for (size_t at = bytes / 3; at < bytes; at += bytes / 5) {
        journal[at] ^= 1;
        write_text(p.base, "out/sweep.journal", journal);
        journal[at] ^= 1;
        char name[24];
        snprintf(name, sizeof name, "%zu", at);
        cr_expect_eq(sweep(&p, "out", 2, true), 1);
        cr_expect_eq(sweep(&p, name, 2, false), 1);
        expect_same_tables(&p, "out", name);
    }
    free(journal);
    place_remove(&p);
}

Test(sweep, more_replicates_run_what_is_new)
{
    const struct place p = place_new(AXES);
    cr_expect_eq(sweep(&p, "out", 2, false), 0);
    cr_expect_eq(runs(), 18);
    char *more = fl_strdup(AXES);
    *strstr(more, "3, \"seed\"") = '5';
    write_text(p.base, "plan.json", more);
    cr_expect_eq(sweep(&p, "out", 2, true), 0);
    cr_expect_eq(runs(), 30);
    cr_expect_eq(sweep(&p, "new", 2, false), 0);
    expect_same_tables(&p, "out", "new");
    free(more);
    place_remove(&p);
}

Test(sweep, what_is_there_is_not_overwritten)
{
    const struct place p = place_new(AXES);
    int status;
    cr_expect_eq(sweep(&p, "out", 2, false), 0);
    char *said = said_by_sweep(&p, "out", false, &status);
    cr_expect_eq(status, 2);
    cr_expect(strstr(said, "has 18 rows of this sweep; --resume goes on from there"), "%s", said);
    free(said);
    write_text(p.base, "plan.json", FUSES);
    said = said_by_sweep(&p, "out", true, &status);
    cr_expect_eq(status, 2);
    cr_expect(strstr(said, "is of another plan or scenario"), "%s", said);
    free(said);
    cr_expect_eq(runs(), 18);
    place_remove(&p);
}

Test(sweep, two_at_a_time_in_one_folder_are_refused)
{
    const struct place p = place_new(SLOW);
    fflush(NULL);
    const pid_t first = fork();
    if (first == 0) _exit(sweep(&p, "out", 1, false));
    while (journal_lines(&p, "out") < 2) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    int status;
    char *said = said_by_sweep(&p, "out", true, &status);
    cr_expect_eq(status, 3);
    cr_expect(strstr(said, "another sweep is writing"), "%s", said);
    free(said);
    cr_expect_eq(waitpid(first, &status, 0), first);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_expect_eq(runs(), 12);
    place_remove(&p);
}

/* Elsewhere than on a terminal it would fill a log. */
Test(sweep, a_terminal_is_told_how_long_the_rest_takes)
{
    const struct place p = place_new(SLOW);
    const int terminal = posix_openpt(O_RDWR | O_NOCTTY), before = dup(STDERR_FILENO);
    if (terminal < 0) cr_skip_test("no pseudo-terminal to be had here: /dev/pts is not mounted");
    cr_assert(grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    const int other = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    cr_assert_geq(other, 0);
    dup2(other, STDERR_FILENO);
    char directory[2 * FAKE_PATH], said[8192];
    fake_path(p.base, "out", directory);
    const int status =
        fl_sweep(&(struct fl_sweep){.plan = p.plan, .directory = directory, .jobs = 1});
    dup2(before, STDERR_FILENO);
    close(before);
    const ssize_t got = read(terminal, said, sizeof said - 1);
    cr_assert_gt(got, 0);
    said[got] = '\0';
    cr_expect_eq(status, 0);
    cr_expect(strstr(said, "\r\033[K0 of 12 rows\r"), "%s", said);
    cr_expect(strstr(said, "\r\033[K1 of 12 rows\r"), "%s", said); /* one row is no measure yet */
    cr_expect(strstr(said, "\r\033[K11 of 12 rows, 1 s left\r"), "%s", said);
    cr_expect_str_eq(said + got - 4, "\r\033[K");
    close(other);
    close(terminal);
    char *quiet = said_by_sweep(&p, "again", false, &(int){0});
    cr_expect_str_eq(quiet, "");
    free(quiet);
    place_remove(&p);
}

/* ------------------------------------------------------------------------------------------------
 * Shards
 * --------------------------------------------------------------------------------------------- */

static int shard(const struct place *p, const char *name, uint32_t i, uint32_t n, bool resume)
{
    char directory[2 * FAKE_PATH];
    fake_path(p->base, name, directory);
    return fl_sweep(&(struct fl_sweep){.plan = p->plan,
                                       .directory = directory,
                                       .jobs = 2,
                                       .shard = i,
                                       .shards = n,
                                       .resume = resume,
                                       .quiet = true});
}

/* With what it said, if `said` is not NULL; the caller frees that. */
static int merge(const struct place *p, const char *name, char **said)
{
    char directory[2 * FAKE_PATH], path[2 * FAKE_PATH];
    fake_path(p->base, name, directory);
    fake_path(p->base, "said", path);
    fflush(NULL);
    const int before = dup(STDERR_FILENO), file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
    cr_assert(before >= 0 && file >= 0);
    dup2(file, STDERR_FILENO);
    const int status =
        fl_merge(&(struct fl_merge){.plan = p->plan, .directory = directory, .quiet = true});
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    close(file);
    if (said) {
        size_t bytes;
        *said = fake_read(p->base, "said", &bytes);
    }
    return status;
}

Test(sweep, bytes_do_not_depend_on_shards)
{
    const struct place p = place_new(AXES);
    cr_expect_eq(sweep(&p, "whole", 2, false), 0);
    size_t before = runs();
    for (uint32_t n = 1; n <= 6; n++) {
        char name[16];
        snprintf(name, sizeof name, "%u", n);
        for (uint32_t i = n; i >= 1; i--) cr_expect_eq(shard(&p, name, i, n, false), 0);
        cr_expect_eq(runs(), before += 18, "a row for each, and once");
        cr_expect_eq(merge(&p, name, NULL), 0);
        expect_same_tables(&p, "whole", name);
    }
    /* Failures are rows like others, and are run again. */
    write_text(p.base, "plan.json", FUSES);
    cr_expect_eq(sweep(&p, "fuses", 2, false), 1);
    for (uint32_t i = 1; i <= 3; i++) cr_expect_eq(shard(&p, "f", i, 3, false), i > 1);
    cr_expect_eq(merge(&p, "f", NULL), 1);
    expect_same_tables(&p, "fuses", "f");
    before = runs();
    cr_expect_eq(shard(&p, "f", 2, 3, true), 1);
    cr_expect_eq(runs(), before + 4);
    cr_expect_eq(merge(&p, "f", NULL), 1);
    expect_same_tables(&p, "fuses", "f");
    place_remove(&p);
}

/* Whoever resumes takes what any shard has finished. */
Test(sweep, shards_of_other_numbers_and_the_whole_go_together)
{
    const struct place p = place_new(AXES);
    cr_expect_eq(sweep(&p, "whole", 2, false), 0);
    cr_expect_eq(shard(&p, "out", 1, 3, false), 0);
    cr_expect_eq(shard(&p, "out", 5, 6, true), 0);
    cr_expect_eq(runs(), 18 + 6 + 3);
    char *said;
    cr_expect_eq(merge(&p, "out", &said), 2);
    cr_expect(strstr(said, "9 rows are missing, the first one is point 2, replicate 0"), "%s",
              said);
    free(said);
    cr_expect_not(fake_exists(p.base, "out/sweep.h5"));
    cr_expect_eq(shard(&p, "out", 2, 2, true), 0); /* points 3 to 5, of which 4 is there */
    cr_expect_eq(runs(), 18 + 9 + 6);
    cr_expect_eq(sweep(&p, "out", 1, true), 0);
    cr_expect_eq(runs(), 18 + 18);
    expect_same_tables(&p, "whole", "out");
    cr_expect_eq(merge(&p, "out", NULL), 0);
    expect_same_tables(&p, "whole", "out");
    place_remove(&p);
}

/* A journal with one text in place of another, checksums made anew. */
static void forge(const struct place *p, const char *from, const char *to, const char *was,
                  const char *is)
{
    size_t bytes;
    char *text = fake_read(p->base, from, &bytes), path[2 * FAKE_PATH];
    fake_path(p->base, to, path);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    for (char *line = text; *line; line += strlen(line) + 1) {
        line[strcspn(line, "\n")] = '\0';
        char forged[4096], *at = strstr(line, was);
        const size_t body = strlen(line) - 17;
        if (at)
            snprintf(forged, sizeof forged, "%.*s%s%.*s", (int)(at - line), line, is,
                     (int)(line + body - at - (ptrdiff_t)strlen(was)), at + strlen(was));
        else
            snprintf(forged, sizeof forged, "%.*s", (int)body, line);
        fprintf(file, "%s\t%016" PRIx64 "\n", forged,
                (uint64_t)XXH3_64bits(forged, strlen(forged)));
    }
    fclose(file);
    free(text);
}

Test(sweep, what_does_not_belong_together_is_not_merged)
{
    const struct place p = place_new(AXES);
    char *said, word[256];
    cr_expect_eq(sweep(&p, "whole", 2, false), 0);
    for (uint32_t i = 1; i <= 2; i++) cr_expect_eq(shard(&p, "out", i, 2, false), 0);
    /* A copy, with its rows in any order or not, changes nothing. */
    forge(&p, "out/shard-1-of-2.journal", "out/copy.journal", "no such text", "");
    cr_expect_eq(merge(&p, "out", NULL), 0);
    expect_same_tables(&p, "whole", "out");
    /* Another result of the same row. */
    forge(&p, "out/shard-1-of-2.journal", "out/copy.journal", "\t4.500000\t", "\t4.500001\t");
    cr_expect_eq(merge(&p, "out", &said), 2);
    cr_expect(strstr(said, "ended otherwise in another journal"), "%s", said);
    free(said);
    /* Another plan; another program. */
    size_t bytes;
    char *title = fake_read(p.base, "out/shard-1-of-2.journal", &bytes);
    snprintf(word, sizeof word, "%.32s", title + strlen("faultline sweep 2\t") + 33);
    forge(&p, "out/shard-1-of-2.journal", "out/copy.journal", word,
          "00000000000000000000000000000000");
    cr_expect_eq(merge(&p, "out", &said), 2);
    cr_expect(strstr(said, "copy.journal is of another plan or scenario"), "%s", said);
    free(said);
    snprintf(word, sizeof word, "%.32s", title + strlen("faultline sweep 2\t"));
    forge(&p, "out/shard-1-of-2.journal", "out/copy.journal", word,
          "00000000000000000000000000000000");
    cr_expect_eq(merge(&p, "out", &said), 2);
    cr_expect(strstr(said, "copy.journal is of another program"), "%s", said);
    free(said);
    free(title);
    write_text(p.base, "out/copy.journal", "something else\n");
    cr_expect_eq(merge(&p, "out", &said), 2);
    cr_expect(strstr(said, "copy.journal is of another kind or version of sweep"), "%s", said);
    free(said);
    place_remove(&p);
}

Test(sweep, a_shard_is_not_smaller_than_a_point)
{
    const struct place p = place_new(AXES);
    cr_expect_eq(shard(&p, "out", 7, 7, false), 2);
    cr_expect_eq(merge(&p, "nowhere", NULL), 2);
    cr_expect_eq(runs(), 0);
    place_remove(&p);
}

/* Noise is the seed modulo 1000, the same at both points. */
#define LOOKS(half_width)                                                                       \
    "{\"name\": \"looks\", \"scenario\": \"one.json\", \"seed\": 2385, \"axes\": [{\"path\": "  \
    "\"nodes.a.agent\", \"values\": [{\"model\": \"bomb\", \"fuse\": 1}, {\"model\": "          \
    "\"bomb\"}]}], "                                                                            \
    "\"looks\": [4, 6, 20], \"stop\": {\"metric\": \"bomb.noise\", \"half_width\": " half_width \
    "}, " METRICS "}"

/* Rows of each point, by Student's interval in floating point, with the quantiles at 1 - 0.05 / 3 / 2 for
 * n - 1 degrees of freedom that the incomplete beta function of GNU Octave gives. */
static uint32_t rows_by_hand(double half_width)
{
    static const struct {
        uint32_t look;
        double quantile;
    } looks[] = {{4, 4.856657}, {6, 3.534111}, {20, 2.625106}};
    const struct fl_plan plan = {.seed = 2385};
    for (uint32_t i = 0; i < 3; i++) {
        double sum = 0, squares = 0;
        for (uint32_t r = 0; r < looks[i].look; r++) sum += (double)(fl_plan_seed(&plan, r) % 1000);
        const double n = looks[i].look, mean = sum / n;
        for (uint32_t r = 0; r < looks[i].look; r++) {
            const double off = (double)(fl_plan_seed(&plan, r) % 1000) - mean;
            squares += off * off;
        }
        if (looks[i].quantile * sqrt(squares / (n - 1) / n) <= half_width) return looks[i].look;
    }
    return looks[2].look;
}

static void expect_rows(const char *text, double half_width, uint32_t expected)
{
    const struct place p = place_new(text);
    const uint32_t rows = rows_by_hand(half_width);
    cr_expect_eq(rows, expected);
    cr_expect_eq(sweep(&p, "one", 1, false), 0);
    cr_expect_eq(runs(), 2 * rows, "%zu runs, %u rows", runs(), rows);
    cr_expect_eq(sweep(&p, "more", 5, false), 0);
    expect_same_tables(&p, "one", "more");
    for (uint32_t i = 1; i <= 2; i++) cr_expect_eq(shard(&p, "shards", i, 2, false), 0);
    cr_expect_eq(merge(&p, "shards", NULL), 0);
    expect_same_tables(&p, "one", "shards");
    cr_expect_eq(runs(), 6 * rows);
    cr_expect(strncmp(csv_line(&p, "one", rows + 1), "1,0,", 4) == 0);
    cr_expect_str_eq(csv_line(&p, "one", 2 * rows + 1), "");
    place_remove(&p);
}

Test(sweep, a_point_is_run_until_a_look_is_content)
{
    expect_rows(LOOKS("2000"), 2000, 4);
    expect_rows(LOOKS("400"), 400, 6);
    expect_rows(LOOKS("200"), 200, 20);
    expect_rows(LOOKS("1"), 1, 20);
}

/* A wider rule later asks for fewer rows than there are: those that it does not ask for are left out. */
Test(sweep, rows_beyond_the_look_are_not_in_the_table)
{
    const struct place p = place_new(LOOKS("1"));
    cr_expect_eq(sweep(&p, "out", 2, false), 0);
    cr_expect_eq(runs(), 40);
    write_text(p.base, "plan.json", LOOKS("2000"));
    cr_expect_eq(merge(&p, "out", NULL), 0);
    cr_expect_eq(sweep(&p, "new", 2, false), 0);
    cr_expect_eq(runs(), 48);
    expect_same_tables(&p, "out", "new");
    place_remove(&p);
}

/* Who merges while a shard is at work would take half of it. */
Test(sweep, a_shard_at_work_is_not_merged)
{
    const struct place p = place_new(SLOW);
    fflush(NULL);
    const pid_t first = fork();
    if (first == 0) _exit(sweep(&p, "out", 1, false));
    while (journal_lines(&p, "out") < 2) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    char *said;
    int status;
    cr_expect_eq(merge(&p, "out", &said), 2);
    cr_expect(strstr(said, "a sweep is writing"), "%s", said);
    free(said);
    cr_expect_eq(waitpid(first, &status, 0), first);
    cr_expect_eq(merge(&p, "out", NULL), 0);
    place_remove(&p);
}

/* ------------------------------------------------------------------------------------------------
 * What goes wrong beside a sweep
 * --------------------------------------------------------------------------------------------- */

/* All shards start at once after a cluster came back: each reads the journals of the others, which must not
 * keep their owners from going on. */
Test(sweep, a_shard_waits_for_who_reads_its_journal)
{
    const struct place p = place_new(AXES);
    cr_expect_eq(shard(&p, "out", 1, 2, false), 0);
    char path[2 * FAKE_PATH];
    fake_path(p.base, "out/shard-1-of-2.journal", path);
    int ready[2];
    cr_assert_eq(pipe(ready), 0);
    fflush(NULL);
    const pid_t reader = fork();
    if (reader == 0) {
        const int file = open(path, O_RDONLY);
        const struct flock whole = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
        if (file < 0 || fcntl(file, F_SETLK, &whole) != 0 || write(ready[1], "r", 1) != 1) abort();
        nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
        _exit(0);
    }
    char byte;
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    cr_expect_eq(shard(&p, "out", 1, 2, true), 0);
    int status;
    cr_expect_eq(waitpid(reader, &status, 0), reader);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(ready[0]);
    close(ready[1]);
    place_remove(&p);
}

/* The replay command of a row that failed is part of a line with tabs: a name must not end it. */
Test(sweep, a_scenario_with_a_strange_name_may_fail)
{
    const struct place p = place_new("{\"name\": \"odd\", \"scenario\": \"on\\te\\n.json\", "
                                     "\"replicates\": 2, \"axes\": [{\"path\": "
                                     "\"nodes.a.agent\", \"values\": [{\"model\": \"bomb\", "
                                     "\"fuse\": 4}, {\"model\": \"bomb\"}]}], " METRICS "}");
    write_text(p.base, "on\te\n.json", scenario);
    cr_expect_eq(sweep(&p, "out", 1, false), 1);
    cr_expect_eq(runs(), 4);
    cr_expect_eq(sweep(&p, "out", 1, true), 1);
    cr_expect_eq(runs(), 6, "what ended well is believed");
    cr_expect_eq(merge(&p, "out", NULL), 1);
    place_remove(&p);
}

/* The command is as long as what it sets, and of no use in part. */
Test(sweep, a_long_replay_is_told_whole)
{
    char plan[4096], blanks[2000];
    memset(blanks, ' ', sizeof blanks);
    blanks[sizeof blanks - 1] = '\0';
    snprintf(
        plan, sizeof plan,
        "{\"name\": \"long\", \"scenario\": \"one.json\", \"axes\": [{\"path\": \"nodes.a.agent\", "
        "\"values\": [{\"model\": \"bomb\",%s\"fuse\": 4}]}], " METRICS "}",
        blanks);
    const struct place p = place_new(plan);
    cr_expect_eq(sweep(&p, "out", 1, false), 1);
    size_t bytes;
    char *csv = read_in(&p, "out", "sweep.csv", &bytes), seed[64];
    const struct fl_plan one = {.seed = 1};
    snprintf(seed, sizeof seed, "--seed %" PRIu64 "\"\n", fl_plan_seed(&one, 0));
    cr_expect(strstr(csv, seed), "%s", csv);
    free(csv);
    place_remove(&p);
}

/* Somebody joined two journals by hand: what is no row of ours is passed over, and does not hide what
 * comes behind it, now or later. */
Test(sweep, a_line_that_is_no_row_hides_no_others)
{
    const struct place p = place_new(AXES);
    cr_expect_eq(sweep(&p, "whole", 2, false), 0);
    for (uint32_t i = 1; i <= 2; i++) cr_expect_eq(shard(&p, "out", i, 2, false), 0);
    char command[4 * FAKE_PATH];
    snprintf(command, sizeof command,
             "cd '%s/out' && cat shard-1-of-2.journal shard-2-of-2.journal > sweep.journal && rm "
             "shard-*",
             p.base);
    cr_expect_eq(system(command), 0);
    const size_t before = runs();
    cr_expect_eq(sweep(&p, "out", 2, true), 0);
    cr_expect_eq(runs(), before);
    expect_same_tables(&p, "whole", "out");
    /* Rows of another plan do not become ours by that. */
    write_text(p.base, "plan.json", FUSES);
    cr_expect_eq(shard(&p, "fuses", 1, 5, false), 0);
    snprintf(command, sizeof command,
             "cd '%s' && cat fuses/shard-1-of-5.journal >> out/sweep.journal", p.base);
    cr_expect_eq(system(command), 0);
    write_text(p.base, "plan.json", AXES);
    char *said;
    cr_expect_eq(merge(&p, "out", &said), 2);
    cr_expect(strstr(said, "sweep.journal is of another plan or scenario"), "%s", said);
    free(said);
    place_remove(&p);
}

/* Better told before hours of work than after. */
Test(sweep, a_folder_of_another_plan_is_refused_before_anything_is_run)
{
    const struct place p = place_new(AXES);
    cr_expect_eq(shard(&p, "out", 1, 2, false), 0);
    const size_t before = runs();
    write_text(p.base, "plan.json", FUSES);
    int status;
    char *said = said_by_sweep(&p, "out", false, &status);
    cr_expect_eq(status, 2);
    cr_expect(strstr(said, "shard-1-of-2.journal is of another plan or scenario"), "%s", said);
    cr_expect_eq(runs(), before);
    free(said);
    place_remove(&p);
}

/* Who ignores SIGCHLD leaves that to what he starts, and then nobody is told how a child ended. */
Test(sweep, who_started_it_may_ignore_its_children)
{
    const struct place p = place_new(FUSES);
    cr_expect_eq(sweep(&p, "usual", 2, false), 1);
    void (*const before)(int) = signal(SIGCHLD, SIG_IGN);
    cr_expect_eq(sweep(&p, "out", 2, false), 1);
    signal(SIGCHLD, before);
    expect_same_tables(&p, "usual", "out");
    place_remove(&p);
}

/* Data that only an axis names belongs to the plan as much as the scenario's own. */
Test(sweep, data_of_an_axis_that_changed_is_another_plan)
{
    const struct place p = place_new(
        "{\"name\": \"data\", \"scenario\": \"one.json\", \"axes\": [{\"path\": \"network\", "
        "\"values\": "
        "[{\"delay_ms\": {\"law\": \"empirical\", \"csv\": \"delays.csv\"}}]}], " METRICS "}");
    write_text(p.base, "delays.csv", "10\n20\n30\n");
    cr_expect_eq(sweep(&p, "out", 1, false), 0);
    write_text(p.base, "delays.csv", "11\n20\n30\n");
    int status;
    char *said = said_by_sweep(&p, "out", true, &status);
    cr_expect_eq(status, 2);
    cr_expect(strstr(said, "is of another plan or scenario"), "%s", said);
    free(said);
    place_remove(&p);
}

/* Folders and pipes may have any name; nobody waits for what a pipe will say. */
Test(sweep, a_journal_that_is_no_file_is_told)
{
    const struct place p = place_new(AXES);
    static const char *const makes[] = {"mkdir", "mkfifo"};
    for (uint32_t i = 0; i < 2; i++) {
        char command[4 * FAKE_PATH];
        snprintf(command, sizeof command, "mkdir '%s/%u' && %s '%s/%u/x.journal'", p.base, i,
                 makes[i], p.base, i);
        cr_expect_eq(system(command), 0);
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        int status;
        char *said = said_by_sweep(&p, name, true, &status);
        cr_expect_eq(status, 3);
        cr_expect(strstr(said, "x.journal is not a file; remove it or choose another folder"), "%s",
                  said);
        free(said);
    }
    cr_expect_eq(runs(), 0);
    place_remove(&p);
}

/* Rows are of the scenario as it was when the sweep began, or they fail; none is of another. */
Test(sweep, a_file_that_changes_meanwhile_costs_the_rows_after_it)
{
    const struct place p = place_new(SLOW);
    static const char base[] = "{\"duration_s\": 1, \"nodes\": {\"a\": {\"agent\": \"bomb\"}}}";
    static const char other[] = "{\"duration_s\": 2, \"nodes\": {\"a\": {\"agent\": \"bomb\"}}}";
    write_text(p.base, "one.json", "{\"name\": \"one\", \"extends\": \"base.json\"}");
    write_text(p.base, "base.json", base);
    cr_assert_eq(sweep(&p, "whole", 2, false), 0);
    fflush(NULL);
    const pid_t first = fork();
    if (first == 0) _exit(sweep(&p, "out", 1, false));
    while (journal_lines(&p, "out") < 4) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    write_text(p.base, "base.json", other);
    int status;
    cr_assert_eq(waitpid(first, &status, 0), first);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    const char *last = csv_line(&p, "out", 12);
    cr_expect(strstr(last,
                     "failed,\"ended with status 2, saying: a file that the scenario extends or "
                     "names has changed since the sweep began; "),
              "%s", last);
    cr_expect_eq(sweep(&p, "out", 1, true), 2, "another scenario");
    write_text(p.base, "base.json", base);
    cr_expect_eq(sweep(&p, "out", 1, true), 0);
    expect_same_tables(&p, "whole", "out");
    place_remove(&p);
}

/* ------------------------------------------------------------------------------------------------
 * The program, with real models
 * --------------------------------------------------------------------------------------------- */

static int shell(const char *format, const char *folder)
{
    const char *build = getenv("FL_BUILD");
    char command[4096], text[2048];
    snprintf(text, sizeof text, format, folder);
    snprintf(command, sizeof command, "set -e; faultline=%s/faultline folder=%s; %s",
             build ? build : "build", folder, text);
    const int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(sweep, shipped_plans_are_valid)
{
    cr_expect_eq(
        shell("test -n \"$(ls scenarios/sweeps)\"; for plan in scenarios/sweeps/*.json; do "
              "$faultline sweep --dry-run $plan >/dev/null; grep -q '\"why\"' $plan; done",
              "/tmp"),
        0);
}

Test(sweep, a_row_is_the_run_that_its_replay_makes)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    cr_expect_eq(
        shell("cat >$folder/plan.json <<END\n"
              "{\"name\": \"short\", \"scenario\": \"$PWD/scenarios/eth-crash-2020-03-12.json\",\n"
              " \"axes\": [{\"path\": \"duration_s\", \"values\": [40000]},\n"
              "  {\"path\": \"faults.oracle-stuck.to_s\", \"values\": [36300, 39600]}],\n"
              " \"replicates\": 2, \"metrics\": [\"digest\", \"ledger.bad_debt\"]}\n"
              "END\n"
              "$faultline sweep $folder/plan.json --jobs 1 -q -o $folder/one\n"
              "$faultline sweep $folder/plan.json --jobs 2 -o $folder/two | grep -q '4 rows'\n"
              "cmp $folder/one/sweep.csv $folder/two/sweep.csv\n"
              "cmp $folder/one/sweep.h5 $folder/two/sweep.h5\n"
              "row=$(sed -n 5p $folder/one/sweep.csv)\n"
              "seed=$(echo $row | cut -d, -f3) digest=$(echo $row | cut -d, -f6)\n"
              "$faultline run scenarios/eth-crash-2020-03-12.json --set duration_s=40000 --set "
              "faults.oracle-stuck.to_s=39600 --seed $seed --set expect=[] -o $folder/run "
              "| grep -q \"digest  $digest\"\n",
              folder),
        0);
    cr_expect_eq(shell("rm -rf $folder", folder), 0);
}

/* Also where names have blanks. */
Test(sweep, what_a_shard_says_of_the_merge_can_be_typed)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    cr_expect_eq(
        shell("here=\"$folder/a b\"; mkdir \"$here\"; cp "
              "scenarios/bracha-equivocating-sender.json \"$here/s.json\"; "
              "echo '{\"name\": \"p\", \"scenario\": \"s.json\", \"metrics\": [\"events\"]}' > "
              "\"$here/plan.json\"; "
              "$faultline sweep \"$here/plan.json\" --shard 1/1 -o \"$here/out\" > \"$here/said\"; "
              "merge=$(sed -n 's/.*done: faultline //p' \"$here/said\"); "
              "eval \"$faultline $merge -q\"; test -s \"$here/out/sweep.h5\"",
              folder),
        0);
    cr_expect_eq(shell("rm -rf $folder", folder), 0);
}
