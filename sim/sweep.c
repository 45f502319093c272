/* A parent that never simulates and children that simulate one row each. */
#include "sim/sweep.h"

#include "sim/child.h"
#include "sim/disk.h"
#include "sim/table.h"
#include "sim/unit_text.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

enum { EXIT_ROWS = 1, EXIT_USAGE = 2, EXIT_IO = 3 };
enum { TALK_SHOWN = 200, FAILURES_SHOWN = 10, PATH_BYTES = 4096 };

/* Two pipes from a child: what it found, and what it says on stderr. */
enum { FINDINGS, TALK, PIPES };
struct worker {
    pid_t id; /* 0: idle */
    uint32_t row;
    int pipe[PIPES]; /* -1: ended */
    char *text[PIPES];
    uint32_t count[PIPES], room[PIPES];
};

struct run {
    const struct fl_sweep *options;
    const struct fl_plan *plan;
    struct fl_rows_done *done;
    struct worker *worker;
    uint32_t jobs, next, left, failed;
    int journal;
    bool terminal;
};

/* ------------------------------------------------------------------------------------------------
 * A child
 * --------------------------------------------------------------------------------------------- */

/* Metrics with tabs between them and a line end, so that a part is not taken for all. */
static bool write_findings(int to, const struct fl_plan *plan, const struct fl_config *config,
                           const struct fl_result *result)
{
    FILE *out = fdopen(to, "w");
    bool ok = out != NULL;
    for (uint32_t i = 0; i < plan->metric_count && ok; i++) {
        struct fl_metric metric;
        ok = fl_summary_metric(config, result, plan->metric[i], &metric);
        if (ok) {
            fprintf(out, "%s%s", i > 0 ? "\t" : "", metric.text);
        }
    }
    return ok && fputc('\n', out) != EOF && fclose(out) == 0;
}

static _Noreturn void run_row(const struct fl_plan *plan, uint32_t row, int to)
{
    struct fl_problems problems = {.to = stderr};
    struct fl_config *config =
        fl_plan_config(plan, row / plan->replicates, row % plan->replicates, &problems);
    if (!config) {
        _exit(EXIT_USAGE); /* it was there a moment ago: a file it extends has changed */
    }
    struct fl_world *world = fl_world_new(config);
    fl_world_run(world);
    _exit(write_findings(to, plan, config, fl_world_result(world)) ? 0 : EXIT_IO);
}

/* ------------------------------------------------------------------------------------------------
 * Starting and ending children
 * --------------------------------------------------------------------------------------------- */

static const char *start(struct run *run, struct worker *worker, uint32_t row)
{
    int ends[PIPES][2];
    if (pipe(ends[FINDINGS]) != 0 || pipe(ends[TALK]) != 0) {
        return fl_disk_failure("cannot make a pipe: %s", strerror(errno));
    }
    const int writing[PIPES] = {ends[FINDINGS][1], ends[TALK][1]};
    const pid_t parent = getpid();
    fflush(NULL);
    worker->id = fork();
    if (worker->id < 0) {
        return fl_disk_failure("cannot start a process: %s", strerror(errno));
    }
    if (worker->id == 0) {
        fl_child_settle(parent, writing[TALK]);
        run_row(run->plan, row, writing[FINDINGS]);
    }
    worker->row = row;
    for (int i = 0; i < PIPES; i++) {
        close(writing[i]);
        worker->pipe[i] = ends[i][0];
        worker->count[i] = 0;
    }
    return NULL;
}

/* What a child said first, in one line without what would upset a table or a terminal. */
static void print_talk(FILE *out, const char *talk)
{
    size_t length = strcspn(talk, "\n");
    length = length < TALK_SHOWN ? length : TALK_SHOWN;
    for (size_t i = 0; i < length; i++) {
        fputc((unsigned char)talk[i] < 0x20 || (unsigned char)talk[i] >= 0x7f ? '?' : talk[i], out);
    }
}

static uint32_t tabs(const char *text)
{
    uint32_t count = 0;
    for (; *text; text++) {
        count += *text == '\t';
    }
    return count;
}

/* The row of a child that is gone; the caller frees it. Of a path from here to the scenario the row
 * says nothing: the same sweep from another folder has the same bytes. */
static char *row_of(const struct run *run, const struct worker *worker, int status)
{
    const struct fl_plan *plan = run->plan;
    char *row = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&row, &bytes);
    if (!out) {
        fl_out_of_memory();
    }
    const char *found = worker->text[FINDINGS], *talk = worker->text[TALK];
    const uint32_t length = worker->count[FINDINGS];
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && length > 0 && found[length - 1] == '\n' &&
        tabs(found) + 1 == plan->metric_count) {
        fprintf(out, "ok\t\t%.*s", (int)length - 1, found);
    } else {
        const bool crashed = WIFSIGNALED(status);
        char *replay = fl_plan_replay(plan, plan->scenario_written, worker->row / plan->replicates,
                                      worker->row % plan->replicates);
        fprintf(out, "%s\tended %s %d", crashed ? "crashed" : "failed",
                crashed ? "by signal" : "with status",
                crashed ? WTERMSIG(status) : WEXITSTATUS(status));
        if (worker->count[TALK] > 0) {
            fputs(", saying: ", out);
            print_talk(out, talk);
        }
        fprintf(out, "; from the folder of the plan: %s", replay);
        free(replay);
        for (uint32_t i = 0; i < plan->metric_count; i++) {
            fputc('\t', out);
        }
    }
    if (fclose(out) != 0) {
        fl_out_of_memory();
    }
    return row;
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

static void show_progress(const struct run *run)
{
    if (run->terminal && !run->options->quiet) {
        const uint32_t rows = run->plan->points * run->plan->replicates;
        fprintf(stderr, "\r\033[K%" PRIu32 " of %" PRIu32 " rows", rows - run->left, rows);
        if (run->failed > 0) {
            fprintf(stderr, ", %" PRIu32 " failed", run->failed);
        }
        fflush(stderr);
    }
}

static const char *finish(struct run *run, struct worker *worker)
{
    int status = 0;
    while (waitpid(worker->id, &status, 0) < 0 && errno == EINTR) {
    }
    char *row = row_of(run, worker, status);
    const uint32_t index = worker->row, replicates = run->plan->replicates;
    const char *problem = fl_journal_add(run->journal, index / replicates, index % replicates, row);
    free(run->done->row[index]);
    run->done->row[index] = row;
    worker->id = 0;
    run->left--;
    if (!fl_row_is_ok(row)) {
        run->failed++;
        tell_failure(run, index, row);
    }
    show_progress(run);
    return problem;
}

/* ------------------------------------------------------------------------------------------------
 * The loop
 * --------------------------------------------------------------------------------------------- */

static void read_pipe(struct worker *worker, int which)
{
    char bytes[4096];
    const ssize_t got = read(worker->pipe[which], bytes, sizeof bytes);
    if (got <= 0 && !(got < 0 && errno == EINTR)) {
        close(worker->pipe[which]);
        worker->pipe[which] = -1;
    }
    /* A child that talks without end is heard out, and not remembered. */
    for (ssize_t i = 0; i < got && worker->count[which] < 1 << 20; i++) {
        worker->text[which] =
            fl_grow(worker->text[which], worker->count[which] + 1, &worker->room[which], 1);
        worker->text[which][worker->count[which]++] = bytes[i];
        worker->text[which][worker->count[which]] = '\0';
    }
}

/* Starts rows where a process is free and a row is left. */
static const char *start_some(struct run *run)
{
    const uint32_t rows = run->plan->points * run->plan->replicates;
    for (uint32_t i = 0; i < run->jobs; i++) {
        while (run->next < rows && run->done->row[run->next]) {
            run->next++;
        }
        if (run->next == rows) {
            return NULL;
        }
        if (run->worker[i].id == 0) {
            const char *problem = start(run, &run->worker[i], run->next++);
            if (problem) {
                return problem;
            }
        }
    }
    return NULL;
}

static const char *wait_for_some(struct run *run)
{
    struct pollfd *wait = fl_alloc((size_t)run->jobs * PIPES, sizeof *wait);
    for (uint32_t i = 0; i < run->jobs * PIPES; i++) {
        const struct worker *worker = &run->worker[i / PIPES];
        wait[i] =
            (struct pollfd){.fd = worker->id ? worker->pipe[i % PIPES] : -1, .events = POLLIN};
    }
    const int ready = poll(wait, (nfds_t)run->jobs * PIPES, -1);
    const char *problem = ready < 0 && errno != EINTR
                              ? fl_disk_failure("cannot wait for processes: %s", strerror(errno))
                              : NULL;
    for (uint32_t i = 0; i < run->jobs * PIPES && ready > 0; i++) {
        if (wait[i].fd >= 0 && wait[i].revents) {
            read_pipe(&run->worker[i / PIPES], (int)(i % PIPES));
        }
    }
    free(wait);
    for (uint32_t i = 0; i < run->jobs && !problem; i++) {
        struct worker *worker = &run->worker[i];
        if (worker->id && worker->pipe[FINDINGS] < 0 && worker->pipe[TALK] < 0) {
            problem = finish(run, worker);
        }
    }
    return problem;
}

static void end_workers(struct run *run)
{
    for (uint32_t i = 0; i < run->jobs; i++) {
        struct worker *worker = &run->worker[i];
        if (worker->id > 0) {
            kill(worker->id, SIGKILL);
            waitpid(worker->id, NULL, 0);
            for (int j = 0; j < PIPES; j++) {
                if (worker->pipe[j] >= 0) {
                    close(worker->pipe[j]);
                }
            }
        }
        free(worker->text[FINDINGS]);
        free(worker->text[TALK]);
    }
    free(run->worker);
}

static const char *run_rows(struct run *run)
{
    run->worker = fl_alloc(run->jobs, sizeof *run->worker);
    const char *problem = NULL;
    show_progress(run);
    while (run->left > 0 && !problem) {
        problem = start_some(run);
        problem = problem ? problem : wait_for_some(run);
    }
    if (run->terminal && !run->options->quiet) {
        fputs("\r\033[K", stderr);
    }
    end_workers(run);
    return problem;
}

/* ------------------------------------------------------------------------------------------------
 * The whole
 * --------------------------------------------------------------------------------------------- */

static void hash_text(XXH3_state_t *hash, const char *text)
{
    XXH3_128bits_update(hash, text, strlen(text) + 1);
}

/* What a row depends on, its numbers apart: rows with another fingerprint are not ours. More or
 * fewer replicates leave it as it is. */
static void fingerprint_of(const struct fl_plan *plan, char out[33])
{
    XXH3_state_t *hash = XXH3_createState();
    if (!hash) {
        fl_out_of_memory();
    }
    XXH3_128bits_reset(hash);
    char seed[32];
    snprintf(seed, sizeof seed, "%" PRIu64, plan->seed);
    char *build = fl_build_text();
    hash_text(hash, build);
    free(build);
    hash_text(hash, plan->resolved);
    hash_text(hash, seed);
    for (uint32_t i = 0; i < plan->axis_count; i++) {
        hash_text(hash, "axis");
        for (uint32_t j = 0; j < plan->axis[i].count; j++) {
            hash_text(hash, plan->axis[i].override[j]);
        }
    }
    for (uint32_t i = 0; i < plan->metric_count; i++) {
        hash_text(hash, plan->metric[i]);
    }
    const XXH128_hash_t digest = XXH3_128bits_digest(hash);
    XXH3_freeState(hash);
    fl_digest_text((struct fl_digest){.lo = digest.low64, .hi = digest.high64}, out);
}

/* Rows that did not end well are run again. */
static void forget_failures(struct run *run)
{
    const uint32_t rows = run->plan->points * run->plan->replicates;
    for (uint32_t i = 0; i < rows; i++) {
        char **row = &run->done->row[i];
        if (*row && !fl_row_is_ok(*row)) {
            free(*row);
            *row = NULL;
        }
        run->left += *row == NULL;
    }
}

static void print_done(const struct run *run, const char *directory, const char *content_hash)
{
    const struct fl_plan *plan = run->plan;
    printf("%s\n  %" PRIu32 " rows: %" PRIu32 " points, %" PRIu32 " replicates\n", plan->name,
           plan->points * plan->replicates, plan->points, plan->replicates);
    if (run->failed > 0) {
        printf("  %" PRIu32 " of them failed: see the column error\n", run->failed);
    }
    printf("  content %s\n  results %s (sweep.csv, sweep.h5)\n", content_hash, directory);
}

/* NULL or a sentence; *usage says whose fault it is. */
static const char *run_in(struct run *run, const char *directory, bool *usage)
{
    char path[PATH_BYTES + 32], fingerprint[33], content_hash[33];
    *usage = false;
    const char *problem = fl_folder_make(directory);
    if (problem) {
        return problem;
    }
    snprintf(path, sizeof path, "%s/sweep.journal", directory);
    fingerprint_of(run->plan, fingerprint);
    problem =
        fl_journal_open(path, fingerprint, run->options->resume, run->done, &run->journal, usage);
    if (problem) {
        return problem;
    }
    forget_failures(run);
    problem = run_rows(run);
    problem = problem ? problem : fl_table_write(run->plan, run->done, directory, content_hash);
    if (!problem && !run->options->quiet) {
        print_done(run, directory, content_hash);
    }
    return problem;
}

static uint32_t cores(void)
{
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > FL_JOBS_MAX ? FL_JOBS_MAX : (uint32_t)count;
}

static int sweep_plan(const struct fl_sweep *sweep, const struct fl_plan *plan)
{
    char standard[sizeof "results/" + FL_NAME_MAX];
    snprintf(standard, sizeof standard, "results/%s", plan->name);
    const char *directory = sweep->directory ? sweep->directory : standard;
    if (strlen(directory) >= PATH_BYTES) {
        fputs("faultline: the name of the results folder is too long\n", stderr);
        return EXIT_IO;
    }
    struct run run = {.options = sweep,
                      .plan = plan,
                      .jobs = sweep->jobs > 0 ? sweep->jobs : cores(),
                      .journal = -1,
                      .terminal = isatty(STDERR_FILENO)};
    run.done = fl_rows_done_new(plan->points, plan->replicates, plan->metric_count);
    bool usage;
    const char *problem = run_in(&run, directory, &usage);
    if (problem) {
        fprintf(stderr, "faultline: %s\n", problem);
    }
    if (run.journal >= 0) {
        close(run.journal);
    }
    fl_rows_done_free(run.done);
    return problem ? (usage ? EXIT_USAGE : EXIT_IO) : run.failed > 0 ? EXIT_ROWS : 0;
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
        printf("%s: %" PRIu32 " points, %" PRIu32 " replicates: %" PRIu32 " rows\n", plan->name,
               plan->points, plan->replicates, plan->points * plan->replicates);
    } else {
        status = sweep_plan(sweep, plan);
    }
    fl_plan_free(plan);
    return status;
}
