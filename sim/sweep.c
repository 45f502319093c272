/* Rows are started in their order, and journalled as they end. */
#include "sim/sweep.h"

#include "sim/crew.h"
#include "sim/disk.h"
#include "sim/merge.h"
#include "sim/schedule.h"
#include "sim/sweep_estimate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_ROWS = 1, EXIT_USAGE = 2, EXIT_IO = 3 };
enum { FAILURES_SHOWN = 10, JOURNAL_NAME = 48 };

struct run {
    const struct fl_sweep *options;
    const struct fl_plan *plan;
    struct fl_schedule *schedule;
    struct fl_crew *crew;
    uint32_t jobs, first, end; /* first, end: points */
    uint32_t ended, failed;    /* rows of this call */
    int journal;
    bool terminal;
    int64_t began; /* milliseconds() */
};

/* ------------------------------------------------------------------------------------------------
 * What is told
 * --------------------------------------------------------------------------------------------- */

/* Of a clock that only goes forward. */
static int64_t milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void tell_failure(const struct run *run, uint32_t index, const char *row)
{
    if (run->failed > FAILURES_SHOWN) {
        return;
    }
    const uint32_t point = index / run->plan->replicates, replicate = index % run->plan->replicates;
    char status[FL_FIELD_TEXT], error[FL_FIELD_TEXT];
    fl_row_field(row, FL_FIELD_STATUS, status);
    fl_row_field(row, FL_FIELD_ERROR, error);
    char *cut = strstr(error, "; from the folder");
    if (cut) {
        *cut = '\0';
    }
    char *replay = fl_plan_replay(run->plan, run->plan->scenario, point, replicate);
    fprintf(stderr, "%sfaultline: point %" PRIu32 ", replicate %" PRIu32 " %s: %s\n  %s\n",
            run->terminal ? "\r\033[K" : "", point, replicate, status, error, replay);
    if (run->failed == FAILURES_SHOWN) {
        fputs("faultline: more of these are in the tables only\n", stderr);
    }
    free(replay);
}

/* The rows of this call tell how long the others may take. */
static void show_time_left(const struct run *run, uint32_t left)
{
    const int64_t seconds = (milliseconds() - run->began) * left / run->ended / 1000 + 1;
    if (seconds < 120) {
        fprintf(stderr, ", %" PRId64 " s left", seconds);
    } else if (seconds < 7200) {
        fprintf(stderr, ", %" PRId64 " min left", seconds / 60 + 1);
    } else {
        fprintf(stderr, ", %" PRId64 " h left", seconds / 3600 + 1);
    }
}

static void show_progress(const struct run *run)
{
    if (!run->terminal || run->options->quiet) {
        return;
    }
    const uint32_t rows = fl_schedule_rows(run->schedule), ended = fl_schedule_ended(run->schedule);
    fprintf(stderr, "\r\033[K%" PRIu32 " of %" PRIu32 " rows", ended, rows);
    if (run->failed > 0) {
        fprintf(stderr, ", %" PRIu32 " failed", run->failed);
    }
    if (run->ended > run->jobs && ended < rows) {
        show_time_left(run, rows - ended);
    }
    fflush(stderr);
}

/* ------------------------------------------------------------------------------------------------
 * Rows
 * --------------------------------------------------------------------------------------------- */

static const char *row_done(void *context, uint32_t row, const char *fields)
{
    struct run *run = context;
    const uint32_t replicates = run->plan->replicates;
    const char *problem = fl_journal_add(run->journal, row / replicates, row % replicates, fields);
    fl_schedule_done(run->schedule, row, fields);
    run->ended++;
    if (!fl_row_is_ok(fields)) {
        run->failed++;
        tell_failure(run, row, fields);
    }
    show_progress(run);
    return problem;
}

static const char *run_rows(struct run *run)
{
    const char *problem = NULL;
    run->crew = fl_crew_new(run->plan, run->jobs);
    run->began = milliseconds();
    show_progress(run);
    do {
        uint32_t row;
        while (!problem && !fl_crew_is_full(run->crew) && fl_schedule_next(run->schedule, &row)) {
            problem = fl_crew_start(run->crew, row);
        }
        if (!problem && !fl_crew_is_idle(run->crew)) {
            problem = fl_crew_wait(run->crew, -1, row_done, run);
        }
    } while (!problem && fl_schedule_ended(run->schedule) < fl_schedule_rows(run->schedule));
    if (run->terminal && !run->options->quiet) {
        fputs("\r\033[K", stderr);
    }
    fl_crew_free(run->crew);
    return problem;
}

/* ------------------------------------------------------------------------------------------------
 * The folder
 * --------------------------------------------------------------------------------------------- */

static const char *open_journal(struct run *run, const char *directory,
                                const struct fl_origin *origin, bool *usage)
{
    char path[FL_SWEEP_PATH + JOURNAL_NAME];
    if (run->options->shards > 0) {
        snprintf(path, sizeof path, "%s/shard-%" PRIu32 "-of-%" PRIu32 ".journal", directory,
                 run->options->shard, run->options->shards);
    } else {
        snprintf(path, sizeof path, "%s/sweep.journal", directory);
    }
    return fl_journal_open(path, origin, run->options->resume, &run->journal, usage);
}

/* What any journal of the folder has is not run again, of whatever shard it is. Who does not resume reads
 * them too: rows that cannot be merged are told now, not after the last one. */
static const char *plan_rows(struct run *run, const char *directory, const struct fl_origin *origin,
                             bool *usage)
{
    const struct fl_plan *plan = run->plan;
    struct fl_found *found = fl_found_new(plan->points, plan->replicates, plan->metric_count);
    const char *problem = fl_journals_read(directory, origin, true, found, usage);
    if (!problem) {
        run->schedule =
            fl_schedule_new(plan, run->first, run->end, run->options->resume ? found : NULL);
    }
    fl_found_free(found); /* before the journal is opened: to close it twice would drop its lock */
    return problem;
}

/* NULL or a sentence; *usage says whose fault it is. */
static const char *run_in(struct run *run, const char *directory, bool *usage)
{
    struct fl_origin origin;
    *usage = false;
    fl_plan_origin(run->plan, &origin);
    const char *problem = fl_folder_make(directory);
    problem = problem ? problem : plan_rows(run, directory, &origin, usage);
    problem = problem ? problem : open_journal(run, directory, &origin, usage);
    problem = problem ? problem : run_rows(run);
    if (run->journal >= 0) {
        close(run->journal);
    }
    return problem;
}

static void print_shard(const struct run *run, const char *directory)
{
    printf("%s, shard %" PRIu32 " of %" PRIu32 "\n  %" PRIu32 " rows: points %" PRIu32
           " to %" PRIu32 "\n",
           run->plan->name, run->options->shard, run->options->shards,
           fl_schedule_rows(run->schedule), run->first, run->end - 1);
    if (run->failed > 0) {
        printf("  %" PRIu32 " of them failed\n", run->failed);
    }
    printf("  results %s; when all shards are done: faultline merge ", directory);
    fl_shell_word(stdout, run->options->plan);
    fputs(" -o ", stdout);
    fl_shell_word(stdout, directory);
    putchar('\n');
}

/* ------------------------------------------------------------------------------------------------
 * The whole
 * --------------------------------------------------------------------------------------------- */

const char *fl_sweep_directory(const struct fl_plan *plan, const char *given,
                               char room[FL_SWEEP_PATH])
{
    if (given && strlen(given) >= FL_SWEEP_PATH) {
        fputs("faultline: the name of the results folder is too long\n", stderr);
        return NULL;
    }
    snprintf(room, FL_SWEEP_PATH, "%s%s", given ? "" : "results/", given ? given : plan->name);
    return room;
}

static uint32_t cores(void)
{
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > FL_JOBS_MAX ? FL_JOBS_MAX : (uint32_t)count;
}

static int sweep_plan(struct run *run)
{
    char room[FL_SWEEP_PATH];
    const char *directory = fl_sweep_directory(run->plan, run->options->directory, room);
    if (!directory) {
        return EXIT_IO;
    }
    bool usage;
    struct fl_merged merged = {.failed = 0};
    const char *problem = run_in(run, directory, &usage);
    const bool merges = run->options->shards == 0;
    if (!problem && merges) {
        problem = fl_merge_folder(run->plan, directory, &merged, &usage);
    }
    if (problem) {
        fprintf(stderr, "faultline: %s\n", problem);
    } else if (!run->options->quiet && !run->options->within) {
        if (merges) {
            fl_merged_print(run->plan, directory, &merged);
        } else {
            print_shard(run, directory);
        }
    }
    if (run->schedule) {
        fl_schedule_free(run->schedule);
    }
    return problem ? (usage ? EXIT_USAGE : EXIT_IO) : run->failed > 0 ? EXIT_ROWS : 0;
}

static int sweep_range(const struct fl_sweep *sweep, const struct fl_plan *plan)
{
    struct run run = {.options = sweep,
                      .plan = plan,
                      .jobs = sweep->jobs > 0 ? sweep->jobs : cores(),
                      .end = plan->points,
                      .journal = -1,
                      .terminal = isatty(STDERR_FILENO)};
    if (sweep->shards > plan->points) {
        fprintf(stderr,
                "faultline: --shard %" PRIu32 "/%" PRIu32 ": the plan has %" PRIu32
                " points, choose at most as many shards\n",
                sweep->shard, sweep->shards, plan->points);
        return EXIT_USAGE;
    }
    if (sweep->shards > 0) {
        run.first = (uint32_t)((uint64_t)plan->points * (sweep->shard - 1) / sweep->shards);
        run.end = (uint32_t)((uint64_t)plan->points * sweep->shard / sweep->shards);
    }
    return sweep_plan(&run);
}

int fl_sweep(const struct fl_sweep *sweep)
{
    struct fl_problems problems = {.to = stderr};
    fl_signals_end_run();
    struct fl_plan *plan = fl_plan_load(sweep->plan, &problems);
    if (!plan) {
        return problems.count > 0 ? EXIT_USAGE : EXIT_IO;
    }
    int status = 0;
    if (sweep->dry_run) {
        status = fl_sweep_estimate(plan, sweep->jobs > 0 ? sweep->jobs : cores());
    } else {
        status = sweep_range(sweep, plan);
    }
    fl_plan_free(plan);
    return status;
}
