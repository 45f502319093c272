/* Sweeps: two processes against one, beside pure arithmetic on the same cores; what a row costs beyond
 * its simulation; the merge of many rows. Wall clock, because processes are what is measured: pairs are
 * run in turns, and their ratio is taken in each turn. */
#define _XOPEN_SOURCE 700
#include "sim/disk.h"
#include "sim/merge.h"
#include "sim/sweep.h"
#include "sim/world.h"
#include "tests/lib/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TURNS = FL_BENCH_REPEATS, WORK_ROWS = 96, SMALL_ROWS = 400, PATH = 512 };
enum { MERGE_POINTS = 1000, MERGE_REPLICATES = 100 };

static char folder[] = "/tmp/faultline-bench-XXXXXX";

static double wall(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, ascending);
    return values[count / 2];
}

static void write_text(const char *name, const char *text)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0) {
        perror(path);
        exit(3);
    }
}

static const char *plan_path(void)
{
    static char path[PATH];
    snprintf(path, sizeof path, "%s/plan.json", folder);
    return path;
}

static void write_plan(const char *scenario, uint32_t points, uint32_t replicates)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    write_text("scenario.json", scenario);
    fputs("{\"name\": \"bench\", \"scenario\": \"scenario.json\", \"axes\": [{\"path\": "
          "\"network.delay_ms\", \"values\": [",
          out);
    for (uint32_t i = 0; i < points; i++) fprintf(out, "%s%" PRIu32, i > 0 ? ", " : "", 10 + i);
    fprintf(out,
            "]}], \"replicates\": %" PRIu32 ", \"metrics\": [\"consensus.height\", "
            "\"chain.txs\", \"digest\"]}",
            replicates);
    fclose(out);
    write_text("plan.json", text);
    free(text);
}

/* In a process of its own; seconds of wall clock. */
static double sweep(uint32_t jobs)
{
    char results[PATH], clean[PATH + 8];
    snprintf(results, sizeof results, "%s/out", folder);
    snprintf(clean, sizeof clean, "rm -rf %s", results);
    if (system(clean) != 0) exit(3);
    const double start = wall();
    const pid_t id = fork();
    if (id == 0) {
        _exit(fl_sweep(&(struct fl_sweep){
            .plan = plan_path(), .directory = results, .jobs = jobs, .quiet = true}));
    }
    int status;
    if (waitpid(id, &status, 0) != id || status != 0) exit(3);
    return wall() - start;
}

/* Nothing but arithmetic in registers, `rounds` of it in each process. */
static double arithmetic(uint32_t processes, uint64_t rounds)
{
    const double start = wall();
    for (uint32_t i = 0; i < processes; i++) {
        if (fork() == 0) {
            volatile uint64_t sink;
            uint64_t x = i + 1;
            for (uint64_t k = 0; k < rounds; k++)
                x = x * 6364136223846793005u + 1442695040888963407u;
            sink = x;
            (void)sink;
            _exit(0);
        }
    }
    while (wait(NULL) > 0) {
    }
    return wall() - start;
}

static void two_against_one(void)
{
    write_plan(fl_bench_pbft(16, "20", "summary"), 8, WORK_ROWS / 8);
    const uint64_t rounds = 3000000000;
    double speed[TURNS], control[TURNS], ratio[TURNS];
    for (int i = 0; i < TURNS; i++) {
        const double one = sweep(1), two = sweep(2);
        control[i] = arithmetic(1, 2 * rounds) / arithmetic(2, rounds);
        speed[i] = one / two;
        ratio[i] = speed[i] / control[i];
    }
    printf("two processes against one: %.2f times as fast, arithmetic %.2f times; ratio %.3f\n",
           median(speed, TURNS), median(control, TURNS), median(ratio, TURNS));
}

/* The same rows one after the other in this process, without a process or a table for any. */
static double simulations(const struct fl_plan *plan)
{
    const double start = wall();
    for (uint32_t row = 0; row < plan->points * plan->replicates; row++) {
        struct fl_problems problems = {.to = stderr};
        struct fl_config *config =
            fl_plan_config(plan, row / plan->replicates, row % plan->replicates, &problems);
        struct fl_world *world = fl_world_new(config);
        fl_world_run(world);
        for (uint32_t i = 0; i < plan->metric_count; i++) {
            struct fl_metric metric;
            if (!fl_summary_metric(config, fl_world_result(world), plan->metric[i], &metric))
                exit(3);
        }
        fl_world_free(world);
        fl_config_free(config);
    }
    return wall() - start;
}

static void beyond_the_simulation(void)
{
    write_plan(fl_bench_pbft(4, "1", "summary"), 4, SMALL_ROWS / 4);
    struct fl_problems problems = {.to = stderr};
    struct fl_plan *plan = fl_plan_load(plan_path(), &problems);
    if (!plan) exit(3);
    double overhead[TURNS], alone[TURNS];
    for (int i = 0; i < TURNS; i++) {
        alone[i] = simulations(plan) / SMALL_ROWS;
        overhead[i] = sweep(1) / SMALL_ROWS - alone[i];
    }
    printf("a row of %.2f ms costs %.2f ms beyond its simulation\n", 1e3 * median(alone, TURNS),
           1e3 * median(overhead, TURNS));
    fl_plan_free(plan);
}

/* Rows as 7 shards would leave them, in an order that has nothing to do with theirs. */
static void write_journals(const struct fl_plan *plan, const char *results)
{
    enum { SHARDS = 7 };
    int journal[SHARDS];
    struct fl_origin origin;
    fl_plan_origin(plan, &origin);
    if (fl_folder_make(results)) exit(3);
    for (int i = 0; i < SHARDS; i++) {
        char path[2 * PATH];
        bool usage;
        snprintf(path, sizeof path, "%s/shard-%d-of-%d.journal", results, i + 1, SHARDS);
        if (fl_journal_open(path, &origin, false, &journal[i], &usage)) exit(3);
    }
    const uint64_t rows = (uint64_t)plan->points * plan->replicates;
    for (uint64_t i = 0; i < rows; i++) {
        const uint32_t row = (uint32_t)(i * 48271 % rows); /* a prime that does not divide `rows` */
        char text[128];
        snprintf(text, sizeof text, "ok\t\t%" PRIu32 "\t%" PRIu32 "\t%032" PRIx32, row % 97, row,
                 row);
        if (fl_journal_add(journal[row % SHARDS], row / plan->replicates, row % plan->replicates,
                           text))
            exit(3);
    }
    for (int i = 0; i < SHARDS; i++) close(journal[i]);
}

static void merge_of_many(void)
{
    write_plan(fl_bench_pbft(4, "1", "summary"), MERGE_POINTS, MERGE_REPLICATES);
    struct fl_problems problems = {.to = stderr};
    struct fl_plan *plan = fl_plan_load(plan_path(), &problems);
    if (!plan) exit(3);
    char results[PATH];
    snprintf(results, sizeof results, "%s/merge", folder);
    write_journals(plan, results);
    fl_plan_free(plan);
    double seconds[TURNS];
    for (int i = 0; i < TURNS; i++) {
        const double start = wall();
        const pid_t id = fork();
        if (id == 0) {
            _exit(fl_merge(
                &(struct fl_merge){.plan = plan_path(), .directory = results, .quiet = true}));
        }
        int status;
        if (waitpid(id, &status, 0) != id || status != 0) exit(3);
        seconds[i] = wall() - start;
    }
    printf("merge of %d rows, its plan checked: %.2f s\n", MERGE_POINTS * MERGE_REPLICATES,
           median(seconds, TURNS));
}

int main(void)
{
    char clean[sizeof folder + 8];
    fl_bench_title("sweeps, wall clock", "build/tests/bench/bench_sweep");
    if (!mkdtemp(folder)) {
        perror(folder);
        return 3;
    }
    fflush(stdout);
    two_against_one();
    fflush(stdout);
    beyond_the_simulation();
    fflush(stdout);
    merge_of_many();
    snprintf(clean, sizeof clean, "rm -rf %s", folder);
    return system(clean) == 0 ? 0 : 3;
}
