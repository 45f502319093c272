/* A parent that never simulates and children that simulate one row each. */
#include "sim/crew.h"

#include "sim/child.h"
#include "sim/disk.h"
#include "sim/world.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_IO = 3 };
enum { TALK_SHOWN = 200, REMEMBERED = 1 << 20 };

/* Two pipes from a child: what it found, and what it says on stderr. */
enum { FINDINGS, TALK, PIPES };
struct worker {
    pid_t id; /* 0: idle */
    uint32_t row;
    int pipe[PIPES]; /* -1: ended */
    char *text[PIPES];
    uint32_t count[PIPES], room[PIPES];
};

struct fl_crew {
    const struct fl_plan *plan;
    struct worker *worker;
    uint32_t jobs, busy;
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

/* A scenario may extend files and name data, which are read again here. */
static _Noreturn void run_row(const struct fl_plan *plan, uint32_t row, int to)
{
    struct fl_problems problems = {.to = stderr};
    const uint32_t point = row / plan->replicates;
    struct fl_config *config = fl_plan_config(plan, point, row % plan->replicates, &problems);
    if (!config || fl_plan_digest(config) != plan->digest[point]) {
        fputs("a file that the scenario extends or names has changed since the sweep began\n",
              stderr);
        _exit(EXIT_USAGE);
    }
    struct fl_world *world = fl_world_new(config);
    fl_world_run(world);
    _exit(write_findings(to, plan, config, fl_world_result(world)) ? 0 : EXIT_IO);
}

/* ------------------------------------------------------------------------------------------------
 * Starting
 * --------------------------------------------------------------------------------------------- */

struct fl_crew *fl_crew_new(const struct fl_plan *plan, uint32_t jobs)
{
    struct fl_crew *crew = fl_alloc(1, sizeof *crew);
    crew->plan = plan;
    crew->jobs = jobs;
    crew->worker = fl_alloc(jobs, sizeof *crew->worker);
    return crew;
}

bool fl_crew_is_full(const struct fl_crew *crew)
{
    return crew->busy == crew->jobs;
}

bool fl_crew_is_idle(const struct fl_crew *crew)
{
    return crew->busy == 0;
}

const char *fl_crew_start(struct fl_crew *crew, uint32_t row)
{
    FL_ASSERT(!fl_crew_is_full(crew));
    struct worker *worker = crew->worker;
    while (worker->id != 0) {
        worker++;
    }
    int ends[PIPES][2];
    if (pipe(ends[FINDINGS]) != 0 || pipe(ends[TALK]) != 0) {
        return fl_disk_failure("cannot make a pipe to process %" PRIu32 " of %" PRIu32
                               ": %s; choose fewer --jobs",
                               crew->busy + 1, crew->jobs, strerror(errno));
    }
    const int writing[PIPES] = {ends[FINDINGS][1], ends[TALK][1]};
    const pid_t parent = getpid();
    fflush(NULL);
    const pid_t id = fork();
    if (id < 0) {
        return fl_disk_failure("cannot start a process: %s", strerror(errno));
    }
    if (id == 0) {
        fl_child_settle(parent, writing[TALK]);
        run_row(crew->plan, row, writing[FINDINGS]);
    }
    worker->id = id;
    worker->row = row;
    crew->busy++;
    for (int i = 0; i < PIPES; i++) {
        close(writing[i]);
        worker->pipe[i] = ends[i][0];
        worker->count[i] = 0;
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------------------
 * Ending
 * --------------------------------------------------------------------------------------------- */

/* What a child said first, in one line without what would upset a table or a terminal. */
static void print_talk(FILE *out, const char *talk)
{
    size_t length = strcspn(talk, "\n");
    length = length < TALK_SHOWN ? length : TALK_SHOWN;
    for (size_t i = 0; i < length; i++) {
        fputc((unsigned char)talk[i] < 0x20 || (unsigned char)talk[i] >= 0x7f ? '?' : talk[i], out);
    }
}

/* Names of files may have anything in them; a tab or a line end would end the field. */
static void print_field(FILE *out, const char *text)
{
    for (; *text; text++) {
        fputc((unsigned char)*text < 0x20 ? '?' : *text, out);
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

/* Of a path from here to the scenario the row says nothing: the same sweep from another folder has the
 * same bytes. */
static void print_failure(FILE *out, const struct fl_plan *plan, const struct worker *worker,
                          int status)
{
    const bool crashed = WIFSIGNALED(status);
    char *replay = fl_plan_replay(plan, plan->scenario_written, worker->row / plan->replicates,
                                  worker->row % plan->replicates);
    fprintf(out, "%s\tended %s %d", crashed ? "crashed" : "failed",
            crashed ? "by signal" : "with status",
            crashed ? WTERMSIG(status) : WEXITSTATUS(status));
    if (worker->count[TALK] > 0) {
        fputs(", saying: ", out);
        print_talk(out, worker->text[TALK]);
    }
    fputs("; from the folder of the plan: ", out);
    print_field(out, replay);
    free(replay);
    for (uint32_t i = 0; i < plan->metric_count; i++) {
        fputc('\t', out);
    }
}

/* The fields of the row of a child that is gone; the caller frees them. */
static char *row_of(const struct fl_crew *crew, const struct worker *worker, int status)
{
    char *row = NULL;
    size_t bytes = 0;
    FILE *out = fl_text_open(&row, &bytes);
    const char *found = worker->text[FINDINGS];
    const uint32_t length = worker->count[FINDINGS];
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && length > 0 && found[length - 1] == '\n' &&
        tabs(found) + 1 == crew->plan->metric_count) {
        fprintf(out, "ok\t\t%.*s", (int)length - 1, found);
    } else {
        print_failure(out, crew->plan, worker, status);
    }
    fl_text_close(out);
    return row;
}

static const char *finish(struct fl_crew *crew, struct worker *worker, fl_row_done *done,
                          void *context)
{
    int status = 0;
    while (waitpid(worker->id, &status, 0) < 0 && errno == EINTR) {
    }
    char *row = row_of(crew, worker, status);
    worker->id = 0;
    crew->busy--;
    const char *problem = done(context, worker->row, row);
    free(row);
    return problem;
}

static void read_pipe(struct worker *worker, int which)
{
    char bytes[4096];
    const ssize_t got = read(worker->pipe[which], bytes, sizeof bytes);
    if (got <= 0 && !(got < 0 && errno == EINTR)) {
        close(worker->pipe[which]);
        worker->pipe[which] = -1;
    }
    /* A child that talks without end is heard out, and not remembered. */
    for (ssize_t i = 0; i < got && worker->count[which] < REMEMBERED; i++) {
        worker->text[which] =
            fl_grow(worker->text[which], worker->count[which] + 1, &worker->room[which], 1);
        worker->text[which][worker->count[which]++] = bytes[i];
        worker->text[which][worker->count[which]] = '\0';
    }
}

const char *fl_crew_wait(struct fl_crew *crew, int milliseconds, fl_row_done *done, void *context)
{
    const uint32_t pipes = crew->jobs * PIPES;
    struct pollfd *wait = fl_alloc(pipes, sizeof *wait);
    for (uint32_t i = 0; i < pipes; i++) {
        const struct worker *worker = &crew->worker[i / PIPES];
        wait[i] =
            (struct pollfd){.fd = worker->id ? worker->pipe[i % PIPES] : -1, .events = POLLIN};
    }
    const int ready = poll(wait, (nfds_t)pipes, milliseconds);
    const char *problem = ready < 0 && errno != EINTR
                              ? fl_disk_failure("cannot wait for processes: %s", strerror(errno))
                              : NULL;
    for (uint32_t i = 0; i < pipes && ready > 0; i++) {
        if (wait[i].fd >= 0 && wait[i].revents) {
            read_pipe(&crew->worker[i / PIPES], (int)(i % PIPES));
        }
    }
    free(wait);
    for (uint32_t i = 0; i < crew->jobs && !problem; i++) {
        struct worker *worker = &crew->worker[i];
        if (worker->id && worker->pipe[FINDINGS] < 0 && worker->pipe[TALK] < 0) {
            problem = finish(crew, worker, done, context);
        }
    }
    return problem;
}

void fl_crew_free(struct fl_crew *crew)
{
    for (uint32_t i = 0; i < crew->jobs; i++) {
        struct worker *worker = &crew->worker[i];
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
    free(crew->worker);
    free(crew);
}
