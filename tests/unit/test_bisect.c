/* sim/bisect.c and analysis/bisected.c, with a registry of one model that loses when its dose is above
 * what its seed bears: so the border of any share is known, by sorting. The program itself is at the
 * end. */
#include "analysis/bisected.h"
#include "sim/bisect.h"
#include "sim/plan.h"
#include "sim/sweep.h"
#include "tests/lib/archive_fixture.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ------------------------------------------------------------------------------------------------
 * The model
 * --------------------------------------------------------------------------------------------- */

/* FROM: loses from the dose on. UP_TO: up to it. BETWEEN: from it on, but not in the half unit after 6.
 * BREAKS: ends the process at 5 or more. */
enum { FROM, UP_TO, BETWEEN, BREAKS };
struct probe {
    int64_t dose, way;
};
static const struct fl_param probe_rows[] = {
    {.key = "dose",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct probe, dose),
     .min = -1000000000,
     .max = 1000000000,
     .fallback = "0"},
    {.key = "way",
     .type = FL_INTEGER,
     .offset = offsetof(struct probe, way),
     .max = 3,
     .fallback = "0"},
    {.key = NULL},
};

/* One byte is added here for each run. */
static char runs_path[FAKE_PATH];

/* What a seed bears: 0 to 9.99. */
static int64_t bears(uint64_t seed)
{
    return (int64_t)(seed % 1000) * 10000;
}
static size_t probe_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return sizeof(int64_t);
}
static void probe_init(const struct fl_self *self, void *state)
{
    *(int64_t *)state = bears(self->seed);
}
static void probe_step(const struct fl_self *self, void *state, const struct fl_event *in,
                       const struct fl_view *view, struct fl_outbox *out)
{
    (void)state;
    (void)in;
    (void)view;
    (void)out;
    const struct probe *p = self->params;
    const int runs = open(runs_path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (runs < 0 || write(runs, "x", 1) != 1 || close(runs) != 0) abort();
    if (p->way == BREAKS && p->dose >= 5000000) abort();
}
static void probe_observe(const struct fl_self *self, const void *state, int64_t *out)
{
    const struct probe *p = self->params;
    const int64_t more = p->dose - *(const int64_t *)state;
    const bool gone = p->way == BETWEEN && p->dose >= 6000000 && p->dose < 6500000;
    out[0] = p->way == UP_TO ? -more : gone ? 0 : more;
}
static const struct fl_observable probe_observables[] = {
    {"probe.loss", "", FL_USD, FL_FIRST},
    {.name = NULL},
};
static const struct fl_node_model probe_node = {
    .state_bytes = probe_bytes, .init = probe_init, .step = probe_step, .observe = probe_observe};
static const struct fl_model probe = {.name = "probe",
                                      .family = FL_AGENT,
                                      .doc = "",
                                      .params = probe_rows,
                                      .params_bytes = sizeof(struct probe),
                                      .observables = probe_observables,
                                      .node = &probe_node};
const struct fl_model *const fl_models[] = {&probe, NULL};

/* ------------------------------------------------------------------------------------------------
 * Folders and jobs
 * --------------------------------------------------------------------------------------------- */

enum { SEEDS = 15, SEED = 2385 };
static const uint64_t seed = SEED;

struct place {
    char base[FAKE_PATH], scenario[2 * FAKE_PATH], folder[2 * FAKE_PATH];
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

static struct place place_new(void)
{
    struct place p;
    fake_folder(p.base);
    write_text(p.base, "one.json",
               "{\"name\": \"one\", \"duration_s\": 1, \"nodes\": {\"a\": {\"agent\": "
               "{\"model\": \"probe\"}}}}");
    fake_path(p.base, "one.json", p.scenario);
    fake_path(p.base, "out", p.folder);
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
    struct stat found;
    return stat(runs_path, &found) == 0 ? (size_t)found.st_size : 0;
}

static struct fl_bisect_job job_at(const struct place *p)
{
    return (struct fl_bisect_job){.scenario = p->scenario,
                                  .path = "nodes.a.agent.dose",
                                  .low = "0",
                                  .high = "10",
                                  .tolerance = "0.01",
                                  .metric = "probe.loss",
                                  .above = "0",
                                  .share = "0.5",
                                  .seed = &seed,
                                  .replicates = SEEDS,
                                  .directory = p->folder,
                                  .quiet = true,
                                  .read = fl_bisect_rows};
}

/* What the seeds bear, in hundredths, ascending. */
static void borne(int out[SEEDS])
{
    const struct fl_plan plan = {.seed = SEED};
    for (uint32_t r = 0; r < SEEDS; r++) {
        const int now = (int)(bears(fl_plan_seed(&plan, r)) / 10000);
        uint32_t at = r;
        for (; at > 0 && out[at - 1] > now; at--) out[at] = out[at - 1];
        out[at] = now;
    }
}

static int hundredths(const char *text)
{
    return (int)lround(100 * strtod(text, NULL));
}

/* Its stderr in a file; the caller frees it. */
static char *said_by(const struct place *p, const struct fl_bisect_job *job, int expected)
{
    char path[2 * FAKE_PATH];
    fake_path(p->base, "said", path);
    fflush(NULL);
    const int before = dup(STDERR_FILENO), file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
    cr_assert(before >= 0 && file >= 0);
    dup2(file, STDERR_FILENO);
    struct fl_bisected found;
    const int status = fl_bisect_scenario(job, &found);
    fl_bisected_free(&found);
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    close(file);
    size_t bytes;
    char *said = fake_read(p->base, "said", &bytes);
    cr_expect_eq(status, expected, "%d not %d: %s", status, expected, said);
    return said;
}

/* ------------------------------------------------------------------------------------------------
 * The border
 * --------------------------------------------------------------------------------------------- */

/* Eight of fifteen are half or more: the border is a hundredth above what the eighth bears. 1,000 steps
 * are halved ten times. */
Test(bisect, border_of_half_the_seeds)
{
    const struct place p = place_new();
    const struct fl_bisect_job job = job_at(&p);
    struct fl_bisected found;
    int own[SEEDS];
    borne(own);
    cr_assert_eq(fl_bisect_scenario(&job, &found), 0);
    cr_expect_eq(hundredths(found.step[found.happens].value), own[7] + 1);
    cr_expect_eq(hundredths(found.step[found.not ].value), own[7]);
    cr_expect_eq(found.happens, found.not +1);
    cr_expect_eq(found.contrary, 0);
    cr_expect_str_eq(found.tolerance, "0.01");
    cr_expect_leq(found.steps, 2 + 10);
    cr_expect_eq(runs(), found.steps * SEEDS);
    for (uint32_t i = 0; i < found.steps; i++) {
        uint32_t hits = 0;
        for (int r = 0; r < SEEDS; r++) hits += hundredths(found.step[i].value) > own[r];
        cr_expect_eq(found.step[i].hits, hits, "%s", found.step[i].value);
    }
    /* Once more: nothing is run. */
    struct fl_bisected again;
    cr_assert_eq(fl_bisect_scenario(&job, &again), 0);
    cr_expect_eq(runs(), found.steps * SEEDS);
    cr_expect_str_eq(again.replay, found.replay);
    cr_expect_eq(again.steps, found.steps);
    fl_bisected_free(&again);
    fl_bisected_free(&found);
    place_remove(&p);
}

/* The slow twin runs every value of a grid, with the same seeds. */
static size_t grid_hits(const struct place *p, int way, int values, size_t hits[])
{
    char *plan = NULL, directory[2 * FAKE_PATH], path[2 * FAKE_PATH];
    size_t bytes;
    FILE *out = open_memstream(&plan, &bytes);
    fprintf(out,
            "{\"name\": \"grid\", \"scenario\": \"one.json\", \"replicates\": %d, \"seed\": %d, "
            "\"metrics\": [\"probe.loss\"], \"axes\": [{\"path\": \"nodes.a.agent.way\", "
            "\"values\": [%d]}, {\"path\": \"nodes.a.agent.dose\", \"values\": [",
            SEEDS, SEED, way);
    for (int i = 0; i < values; i++)
        fprintf(out, "%s%d.%02d", i > 0 ? ", " : "", i / 2, i % 2 * 50);
    fputs("]}]}", out);
    fclose(out);
    write_text(p->base, "grid.json", plan);
    free(plan);
    fake_path(p->base, way == UP_TO ? "down" : "up", directory);
    fake_path(p->base, "grid.json", path);
    cr_assert_eq(fl_sweep(&(struct fl_sweep){.plan = path, .directory = directory, .quiet = true}),
                 0);
    bool *happens = fl_alloc((size_t)values * SEEDS, sizeof *happens);
    cr_assert(fl_bisect_rows(directory, "probe.loss", 0, (uint32_t)values * SEEDS, happens));
    for (int i = 0; i < values; i++) {
        hits[i] = 0;
        for (int r = 0; r < SEEDS; r++) hits[i] += happens[i * SEEDS + r];
    }
    free(happens);
    return runs();
}

Test(bisect, agrees_with_a_grid_of_all_values)
{
    enum { VALUES = 21 }; /* 0, 0.5, ..., 10 */
    static const char *const shares[] = {"0.1", "0.5", "0.53", "0.9", "0.999999"};
    const struct place p = place_new();
    for (int way = FROM; way <= UP_TO; way++) {
        size_t hits[VALUES];
        grid_hits(&p, way, VALUES, hits);
        for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
            const double wanted = strtod(shares[i], NULL) * SEEDS;
            int first = way == FROM ? 0 : VALUES - 1;
            while ((double)hits[first] < wanted) first += way == FROM ? 1 : -1;
            char directory[2 * FAKE_PATH], name[32], set[] = "nodes.a.agent.way=0";
            const char *override = set;
            snprintf(name, sizeof name, "share-%d-%zu", way, i);
            fake_path(p.base, name, directory);
            set[sizeof set - 2] = (char)('0' + way);
            struct fl_bisect_job job = job_at(&p);
            job.tolerance = "0.5";
            job.share = shares[i];
            job.directory = directory;
            job.override = &override;
            job.override_count = 1;
            struct fl_bisected found;
            cr_assert_eq(fl_bisect_scenario(&job, &found), 0);
            cr_expect_eq(hundredths(found.step[found.happens].value), 50 * first, "%d %s: %s", way,
                         shares[i], found.step[found.happens].value);
            cr_expect_eq(hundredths(found.step[found.not ].value),
                         50 * (way == FROM ? first - 1 : first + 1));
            fl_bisected_free(&found);
        }
    }
    place_remove(&p);
}

/* The last value is the upper end, wherever the steps lead; integers stay integers. */
Test(bisect, steps_end_at_the_upper_end)
{
    static const struct {
        const char *low, *high, *tolerance, *step;
    } rows[] = {{"0", "10", NULL, "1"},
                {"0", "10", "4", "4"},
                {"-3", "10.5", NULL, "0.1"},
                {"0", "10", "100", "100"}};
    const struct place p = place_new();
    int own[SEEDS];
    borne(own);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char directory[2 * FAKE_PATH], name[] = "out-0";
        name[4] = (char)('0' + i);
        fake_path(p.base, name, directory);
        struct fl_bisect_job job = job_at(&p);
        job.low = rows[i].low;
        job.high = rows[i].high;
        job.tolerance = rows[i].tolerance;
        job.directory = directory;
        struct fl_bisected found;
        cr_assert_eq(fl_bisect_scenario(&job, &found), 0);
        cr_expect_str_eq(found.tolerance, rows[i].step);
        const int low = hundredths(rows[i].low), high = hundredths(rows[i].high),
                  step = hundredths(rows[i].step);
        int first = low;
        while (first <= own[7]) first += step;
        first = first > high ? high : first;
        const int before = first == high ? low + (high - low - 1) / step * step : first - step;
        cr_expect_eq(hundredths(found.step[found.happens].value), first);
        cr_expect_eq(hundredths(found.step[found.not ].value), before);
        cr_expect_str_eq(found.step[0].value, rows[i].low);
        cr_expect_str_eq(found.step[found.steps - 1].value, rows[i].high);
        fl_bisected_free(&found);
    }
    place_remove(&p);
}

/* Some seeds lose at 6.00 and at 6.50 but not between; bisection of eighths meets 6.25. */
Test(bisect, seeds_that_come_and_go_are_counted)
{
    const struct place p = place_new();
    const char *override = "nodes.a.agent.way=2";
    struct fl_bisect_job job = job_at(&p);
    job.override = &override;
    job.override_count = 1;
    job.tolerance = "1.25";
    job.share = "0.9";
    int own[SEEDS];
    uint32_t below = 0;
    borne(own);
    for (int r = 0; r < SEEDS; r++) below += own[r] < 500;
    struct fl_bisected found;
    cr_assert_eq(fl_bisect_scenario(&job, &found), 0);
    uint32_t tried = 0;
    for (uint32_t i = 0; i < found.steps; i++)
        tried += hundredths(found.step[i].value) == 500 || hundredths(found.step[i].value) == 625;
    cr_assert_eq(tried, 1, "5 is tried, 6.25 is not: nothing is seen to come and go");
    cr_expect_eq(found.contrary, 0);
    fl_bisected_free(&found);
    job.low = "5";
    job.high = "7.5";
    job.tolerance = "0.25";
    job.directory = "";
    char directory[2 * FAKE_PATH];
    fake_path(p.base, "finer", directory);
    job.directory = directory;
    int most = 0;
    for (int r = 0; r < SEEDS; r++) most += own[r] < 750;
    char share[32];
    snprintf(share, sizeof share, "%.6f", (most - 0.5) / SEEDS);
    job.share = share;
    cr_assert_eq(fl_bisect_scenario(&job, &found), 0);
    cr_expect_eq(found.contrary, below, "%u not %u", found.contrary, below);
    fl_bisected_free(&found);
    place_remove(&p);
}

/* ------------------------------------------------------------------------------------------------
 * What cannot be
 * --------------------------------------------------------------------------------------------- */

Test(bisect, without_a_border)
{
    const struct place p = place_new();
    struct fl_bisect_job job = job_at(&p);
    job.low = "10";
    job.high = "20";
    char *said = said_by(&p, &job, 1);
    cr_expect_str_eq(said,
                     "faultline bisect: probe.loss > 0 in 15 of 15 runs at nodes.a.agent.dose "
                     "= 10, and in 15 at 20: no border between them that a share of 0.5 makes\n");
    free(said);
    place_remove(&p);
}

Test(bisect, runs_that_end_badly_are_no_answer)
{
    const struct place p = place_new();
    const char *override = "nodes.a.agent.way=3";
    struct fl_bisect_job job = job_at(&p);
    job.override = &override;
    job.override_count = 1;
    char *said = said_by(&p, &job, 1);
    cr_expect(strstr(said, "point 0, replicate 0 crashed: ended by signal 6"), "%s", said);
    cr_expect(strstr(said, "faultline bisect: without these runs the others tell nothing\n"), "%s",
              said);
    free(said);
    place_remove(&p);
}

/* One line each, and nothing is run. */
Test(bisect, mistakes_are_told_first)
{
    const struct place p = place_new();
    const struct fl_bisect_job good = job_at(&p);
    struct fl_bisect_job bad[11];
    static const char *const words[] = {
        "--low 5 is not below --high 5",
        "--low a: expected a number such as 0.25",
        "--high 1e1: expected a number such as 0.25",
        "--tolerance 0: expected a number above 0",
        "--tolerance -0.1: expected a number above 0",
        "--metric probe.los: the summary of one has no such number (did you mean \"probe.loss\"?)",
        "--metric digest: words, not numbers",
        "--above 0.0000001: expected a number with at most 6 decimals, as probe.loss has",
        "--share 0: expected a number above 0 and at most 1",
        "--share 1.1: expected a number above 0 and at most 1",
        "seed: the seeds of the runs are made of --seed; say another number"};
    for (size_t i = 0; i < 11; i++) bad[i] = good;
    bad[0].low = bad[0].high = "5";
    bad[1].low = "a";
    bad[2].high = "1e1";
    bad[3].tolerance = "0";
    bad[4].tolerance = "-0.1";
    bad[5].metric = "probe.los";
    bad[6].metric = "digest";
    bad[7].above = "0.0000001";
    bad[8].share = "0";
    bad[9].share = "1.1";
    bad[10].path = "seed";
    for (size_t i = 0; i < 11; i++) {
        char *said = said_by(&p, &bad[i], 2), expected[256];
        snprintf(expected, sizeof expected, "faultline bisect: %s\n", words[i]);
        cr_expect_str_eq(said, expected, "%s", said);
        free(said);
    }
    struct fl_bisect_job unknown = good;
    unknown.path = "nodes.a.agent.doze";
    char *said = said_by(&p, &unknown, 2);
    cr_expect(strstr(said, "(did you mean \"dose\"?)"), "%s", said);
    free(said);
    cr_expect_eq(runs(), 0);
    place_remove(&p);
}

Test(bisect, other_runs_in_the_folder_are_refused)
{
    const struct place p = place_new();
    struct fl_bisect_job job = job_at(&p);
    job.tolerance = "5";
    free(said_by(&p, &job, 0));
    const size_t before = runs();
    job.replicates = SEEDS - 1;
    char *said = said_by(&p, &job, 2);
    cr_expect(strstr(said, "/at-0/plan.json is of another bisection; say another folder by -o, or "
                           "remove"),
              "%s", said);
    free(said);
    const char *override = "nodes.a.agent.way=1";
    job.override = &override;
    job.override_count = 1;
    said = said_by(&p, &job, 2);
    cr_expect(strstr(said, "/scenario.json is of another bisection"), "%s", said);
    free(said);
    cr_expect_eq(runs(), before);
    place_remove(&p);
}

/* Runs are kept by value, whatever was asked of them. */
Test(bisect, another_question_asks_the_same_runs)
{
    const struct place p = place_new();
    struct fl_bisect_job job = job_at(&p);
    struct fl_bisected found;
    int own[SEEDS];
    borne(own);
    job.tolerance = "0.5";
    cr_assert_eq(fl_bisect_scenario(&job, &found), 0);
    const size_t before = runs();
    fl_bisected_free(&found);
    job.low = "2.5";
    job.high = "7.5";
    cr_assert_eq(fl_bisect_scenario(&job, &found), 0);
    cr_expect_leq(runs(), before + 2 * SEEDS); /* at most 2.5 and 7.5 are new */
    fl_bisected_free(&found);
    const size_t then = runs();
    job.above = "0.3"; /* the border is as much higher */
    job.low = "0";
    job.high = "10";
    job.tolerance = "0.01";
    cr_assert_eq(fl_bisect_scenario(&job, &found), 0);
    cr_expect_eq(hundredths(found.step[found.happens].value), own[7] + 31);
    cr_expect_lt(runs(), then + (found.steps - 2) * SEEDS);
    fl_bisected_free(&found);
    place_remove(&p);
}

/* ------------------------------------------------------------------------------------------------
 * What is told
 * --------------------------------------------------------------------------------------------- */

/* At 95 % the median of 15 lies between the 4th and the 12th: P(Binomial(15, 1/2) < 4) = 1.76 %. The
 * border of all seeds is told by values tried around these. */
Test(bisect, json_has_the_border_of_all_seeds)
{
    const struct place p = place_new();
    const struct fl_bisect_job job = job_at(&p);
    struct fl_bisected found;
    int own[SEEDS];
    borne(own);
    cr_assert_eq(fl_bisect_scenario(&job, &found), 0);
    char path[2 * FAKE_PATH];
    fake_path(p.base, "printed", path);
    cr_assert_not_null(freopen(path, "w", stdout));
    fl_bisected_print(&job, &found, 0.05, true);
    fflush(stdout);
    size_t bytes;
    char *text = fake_read(p.base, "printed", &bytes);
    cJSON *json = cJSON_Parse(text);
    const cJSON *border = cJSON_GetObjectItemCaseSensitive(json, "border_of_all_seeds");
    const int low = (int)lround(100 * cJSON_GetObjectItemCaseSensitive(border, "low")->valuedouble);
    const int high =
        (int)lround(100 * cJSON_GetObjectItemCaseSensitive(border, "high")->valuedouble);
    int under = 0, over = 1000; /* the values tried next to the 4th and the 12th */
    for (uint32_t i = 0; i < found.steps; i++) {
        const int value = hundredths(found.step[i].value);
        under = value <= own[3] && value > under ? value : under;
        over = value > own[11] && value < over ? value : over;
    }
    cr_expect_eq(low, under);
    cr_expect_eq(high, over);
    const cJSON *happens = cJSON_GetObjectItemCaseSensitive(json, "happens");
    cr_expect_eq((int)lround(100 * happens->valuedouble), own[7] + 1);
    cr_expect(cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(json, "down")));
    cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "tried")),
                 (int)found.steps);
    cJSON_Delete(json);
    free(text);
    fl_bisected_free(&found);
    place_remove(&p);
}

/* ------------------------------------------------------------------------------------------------
 * The program, with real models
 * --------------------------------------------------------------------------------------------- */

static int shell(const char *folder, const char *script)
{
    const char *build = getenv("FL_BUILD");
    char command[4096];
    const int bytes = snprintf(command, sizeof command,
                               "set -e; faultline=%s/faultline folder=%s\n%s",
                               build ? build : "build", folder, script);
    cr_assert_lt(bytes, (int)sizeof command);
    const int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Of seven members two may be silent, not three: a quorum has five. In ten seconds without faults there
 * are 110 blocks of 90 ms; later ones come only while a quorum speaks, whoever is drawn. */
Test(bisect, pbft_bears_less_than_a_third)
{
    char folder[FAKE_PATH];
    fake_folder(folder);
    cr_expect_eq(
        shell(
            folder,
            "$faultline bisect scenarios/pbft-no-fault.json faults.silent.count --low 0 --high 7 "
            "\\\n"
            "  --set duration_s=20 --set nodes.validator.count=7 --set "
            "nodes.validator.faulty_max=2 \\\n"
            "  --set 'faults={\"silent\": {\"model\": \"mute\", \"group\": \"validator\", "
            "\"count\": 1, \"from_s\": 10}}' \\\n"
            "  --set checks={} --set expect=[] --metric consensus.height --above 120 \\\n"
            "  --replicates 4 --share 1 -o $folder/out >$folder/said\n"
            "grep -q 'consensus.height > 120 up to faults.silent.count = 2, in 4 of 4 seeds; at 3 "
            "not' $folder/said\n"
            "$faultline $(sed -n 's/^  to see it: faultline //p' $folder/said) -q -o $folder/run\n"
            "height=$(sed -n 's/,$//; s/^\\t\\t\"height\":\\t//p' $folder/run/summary.json | head "
            "-1)\n"
            "test $height -gt 120\n"),
        0);
    cr_expect_eq(shell(folder, "rm -rf $folder"), 0);
}
