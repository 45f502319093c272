/* What build/faultline leaves behind when it is interrupted, killed, or cannot write.
 *
 * No timeouts of Criterion here: with tests in parallel their bookkeeping leaks, and `make asan` counts
 * that as ours. tests/setup/run.sh ends what hangs. */
#define _XOPEN_SOURCE 700 /* realpath */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define SCENARIO "scenarios/eth-crash-2020-03-12.json"
enum { PATH = 256, SAID = 8192 };

/* A folder of the test's own, and the program. `results` does not exist yet. */
struct place {
    char base[PATH], results[PATH + 16], program[PATH];
};

static struct place place_new(void)
{
    struct place p;
    const char *build = getenv("FL_BUILD");
    char path[PATH];
    snprintf(path, sizeof path, "%s/faultline", build ? build : "build");
    cr_assert_eq(access(path, X_OK), 0, "%s is not there; run me through `make test`", path);
    char *full = realpath(path, NULL);
    snprintf(p.program, sizeof p.program, "%s", full);
    free(full);
    strcpy(p.base, "/tmp/faultline-process-XXXXXX");
    cr_assert_not_null(mkdtemp(p.base));
    snprintf(p.results, sizeof p.results, "%s/results", p.base);
    return p;
}

static void place_remove(const struct place *p)
{
    char command[PATH + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", p->base);
    cr_expect_eq(system(command), 0);
}

/* Names in a folder, sorted, each followed by a blank; "" for one that does not exist. */
static const char *names_in(const char *folder)
{
    static char names[4096];
    *names = '\0';
    struct dirent **entry;
    const int count = scandir(folder, &entry, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (*entry[i]->d_name != '.') strcat(strcat(names, entry[i]->d_name), " ");
        free(entry[i]);
    }
    if (count >= 0) free(entry);
    return names;
}

/* ------------------------------------------------------------------------------------------------
 * Programs
 * --------------------------------------------------------------------------------------------- */

struct child {
    pid_t id;
    int said; /* end of a pipe from its stderr */
};

/* With signals as a shell in the foreground would leave them. */
static struct child start(char *const *argv)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, ends[1], 2);
    posix_spawn_file_actions_addclose(&files, ends[0]);
    posix_spawn_file_actions_addclose(&files, ends[1]);
    posix_spawnattr_t how;
    posix_spawnattr_init(&how);
    sigset_t set;
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&how, &set);
    sigfillset(&set);
    sigdelset(&set, SIGKILL);
    sigdelset(&set, SIGSTOP);
    posix_spawnattr_setsigdefault(&how, &set);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    struct child child = {.said = ends[0]};
    const int wrong = posix_spawnp(&child.id, argv[0], &files, &how, argv, environ);
    cr_assert_eq(wrong, 0, "%s: %s", argv[0], strerror(wrong));
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    return child;
}

/* Status as a shell shows it: of a signal nobody handled, 128 + its number and a mark. */
enum { UNHANDLED = 1000 };
static int finish(struct child child, char said[SAID])
{
    size_t used = 0;
    for (ssize_t got; (got = read(child.said, said + used, SAID - 1 - used)) > 0;)
        used += (size_t)got;
    said[used] = '\0';
    close(child.said);
    int status;
    cr_assert_eq(waitpid(child.id, &status, 0), child.id);
    return WIFEXITED(status) ? WEXITSTATUS(status) : UNHANDLED + 128 + WTERMSIG(status);
}

static int run_shell(const char *script, const struct place *p, const char *argument,
                     char said[SAID])
{
    char *argv[] = {
        "sh", "-c", (char *)script, "sh", (char *)p->program, (char *)p->results, (char *)argument,
        NULL};
    return finish(start(argv), said);
}

/* Starts a run that would take minutes; 300 ms later it is in the middle of it. */
static struct child start_long(const struct place *p)
{
    char *argv[] = {(char *)p->program,
                    "run",
                    SCENARIO,
                    "-q",
                    "-o",
                    (char *)p->results,
                    "--set",
                    "nodes.validator.consensus={\"model\": \"ordered\", \"block_ms\": 10}",
                    NULL};
    const struct child child = start(argv);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    cr_assert_eq(waitpid(child.id, NULL, WNOHANG), 0, "it ended too soon");
    return child;
}

/* Twenty simulated minutes: a tenth of a second. */
#define SHORT "--set duration_s=1200 --set faults.oracle-stuck.enabled=false --set expect=[] "

/* ------------------------------------------------------------------------------------------------
 * Signals
 * --------------------------------------------------------------------------------------------- */

Test(process, a_signal_ends_a_run_and_nothing_is_left)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < 3; i++) {
        const struct place p = place_new();
        char said[SAID];
        const struct child child = start_long(&p);
        kill(child.id, signals[i]);
        cr_expect_eq(finish(child, said), 128 + signals[i], "%s", said);
        cr_expect_str_eq(names_in(p.results), "");
        place_remove(&p);
    }
}

/* In the middle of one of the first of its runs. */
Test(process, a_signal_ends_a_search_and_nothing_is_left)
{
    const struct place p = place_new();
    char said[SAID], result[PATH + 64];
    snprintf(result, sizeof result, "%s/small.json", p.results);
    char *argv[] = {(char *)p.program,
                    "shrink",
                    SCENARIO,
                    "--set",
                    "expect=[{\"path\": \"ledger.bad_debt\", \"op\": \"<\", \"value\": 1}]",
                    "-o",
                    result,
                    NULL};
    const struct child child = start(argv);
    nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
    kill(child.id, SIGINT);
    cr_expect_eq(finish(child, said), 128 + SIGINT, "%s", said);
    cr_expect_str_eq(said, "");
    cr_expect_str_eq(names_in(p.results), "");
    place_remove(&p);
}

Test(process, a_killed_run_leaves_nothing)
{
    const struct place p = place_new();
    char said[SAID];
    const struct child child = start_long(&p);
    kill(child.id, SIGKILL);
    cr_expect_eq(finish(child, said), UNHANDLED + 128 + SIGKILL);
    cr_expect_str_eq(names_in(p.results), "");
    place_remove(&p);
}

/* A pipe in the place of the trace is a disk that takes a few bytes and then hangs. */
static struct child start_on_slow_disk(const struct place *p)
{
    char pipe_path[PATH + 64];
    snprintf(pipe_path, sizeof pipe_path, "%s/trace.h5.tmp", p->results);
    cr_assert_eq(mkdir(p->results, 0777), 0);
    cr_assert_eq(mkfifo(pipe_path, 0666), 0);
    char *argv[] = {(char *)p->program, "run",   SCENARIO,    "-q", "-o",
                    (char *)p->results, "--set", "expect=[]", NULL};
    const struct child child = start(argv);
    const int disk = open(pipe_path, O_RDONLY);
    char byte;
    cr_assert_eq(read(disk, &byte, 1),
                 1); /* it is writing; `disk` stays open until the test ends */
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    return child;
}

Test(process, a_signal_while_files_are_written_removes_them)
{
    static const int signals[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        const struct place p = place_new();
        char said[SAID];
        const struct child child = start_on_slow_disk(&p);
        cr_expect_str_eq(names_in(p.results), "build.json.tmp summary.json.tmp trace.h5.tmp ");
        kill(child.id, signals[i]);
        cr_expect_eq(finish(child, said), 128 + signals[i], "%s", said);
        cr_expect_str_eq(names_in(p.results), "");
        place_remove(&p);
    }
}

Test(process, killed_while_files_are_written_it_leaves_temporary_ones)
{
    const struct place p = place_new();
    char said[SAID];
    const struct child child = start_on_slow_disk(&p);
    kill(child.id, SIGKILL);
    cr_expect_eq(finish(child, said), UNHANDLED + 128 + SIGKILL);
    cr_expect_str_eq(names_in(p.results), "build.json.tmp summary.json.tmp trace.h5.tmp ");
    /* They are not in the way of the next run. */
    cr_expect_eq(run_shell("rm \"$2/trace.h5.tmp\"; \"$1\" run " SCENARIO " -q " SHORT "-o \"$2\"",
                           &p, "", said),
                 0, "%s", said);
    cr_expect_str_eq(names_in(p.results), "build.json report.md summary.json trace.h5 ");
    place_remove(&p);
}

/* As under nohup, or in the background of a script. */
Test(process, a_signal_that_is_ignored_stays_ignored)
{
    const struct place p = place_new();
    char said[SAID];
    char *argv[] = {"sh",
                    "-c",
                    "trap '' INT HUP; exec \"$1\" run " SCENARIO " -q --set expect=[] -o \"$2\"",
                    "sh",
                    (char *)p.program,
                    (char *)p.results,
                    NULL};
    const struct child child = start(argv);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    kill(child.id, SIGINT);
    kill(child.id, SIGHUP);
    cr_expect_eq(finish(child, said), 0, "%s", said);
    cr_expect_str_eq(names_in(p.results), "build.json report.md summary.json trace.h5 ");
    place_remove(&p);
}

/* ------------------------------------------------------------------------------------------------
 * Disks
 * --------------------------------------------------------------------------------------------- */

static void expect_refused(int status, const char *said, const char *sentence)
{
    cr_expect_eq(status, 3, "status %d: %s", status, said);
    cr_expect(strncmp(said, "faultline: cannot ", 18) == 0 && strstr(said, sentence), "said: %s",
              said);
    cr_expect(strchr(said, '\n') == said + strlen(said) - 1, "not one line: %s", said);
}

Test(process, a_full_disk_is_told_and_nothing_is_left)
{
    const struct place p = place_new();
    char said[SAID];
    const int status = run_shell(
        "unshare -m sh -c '"
        "mkdir \"$2\" && mount -t tmpfs -o size=64k none \"$2\" || exit 99; "
        "\"$1\" run " SCENARIO " -q " SHORT "--set trace.detail=messages -o \"$2/deep/run\"; "
        "status=$?; ls -A \"$2/deep/run\" >&2; exit $status' sh \"$1\" \"$2\" || "
        "{ status=$?; [ $status = 3 ] && exit 3; exit 99; }",
        &p, "", said);
    if (status == 99) {
        place_remove(&p);
        fputs("not checked: no private tmpfs here; a limit on file sizes stands for it\n",
              stderr); /* cr_skip_test leaks */
        return;
    }
    expect_refused(status, said, "trace.h5.tmp: No space left on device");
    place_remove(&p);
}

/* The N-th byte that cannot be written, for N = 0, 512, 1024, ... until all can. The results of an
 * older run stay as they were. */
Test(process, at_every_limit_of_file_sizes_all_or_nothing)
{
    const struct place p = place_new();
    char said[SAID];
    cr_assert_eq(run_shell("\"$1\" run " SCENARIO " -q " SHORT "--seed 7 -o \"$2\" && "
                           "cp -r \"$2\" \"$2.old\"",
                           &p, "", said),
                 0, "%s", said);
    int refused = 0, status = 3;
    for (int blocks = 0; status != 0 && blocks <= 1 << 20; blocks = blocks ? 2 * blocks : 1) {
        char limit[16];
        snprintf(limit, sizeof limit, "%d", blocks);
        status = run_shell("ulimit -f \"$3\"; exec \"$1\" run " SCENARIO " -q " SHORT "-o \"$2\"",
                           &p, limit, said);
        if (status == 0) break;
        expect_refused(status, said, "File too large");
        cr_expect_eq(run_shell("diff -r \"$2\" \"$2.old\" >&2", &p, "", said), 0, "%s", said);
        refused++;
    }
    cr_expect_eq(status, 0);
    cr_expect_geq(refused, 3);
    cr_expect_str_eq(names_in(p.results), "build.json report.md summary.json trace.h5 ");
    place_remove(&p);
}

/* The trace is new and whole, and a report of the older run would belie it. */
Test(process, an_old_report_does_not_stay_beside_a_new_trace)
{
    const struct place p = place_new();
    char said[SAID];
    const int status = run_shell("\"$1\" run " SCENARIO " -q " SHORT "--seed 7 -o \"$2\" || exit; "
                                 "ln -s /dev/full \"$2/report.md.tmp\"; exec \"$1\" run " SCENARIO
                                 " -q " SHORT "-o \"$2\"",
                                 &p, "", said);
    expect_refused(status, said, "report.md: No space left on device");
    cr_expect_str_eq(names_in(p.results), "build.json summary.json trace.h5 ");
    place_remove(&p);
}

Test(process, a_file_in_the_way_is_told)
{
    const struct place p = place_new();
    char said[SAID];
    int status = run_shell(": >\"$2\"; exec \"$1\" run " SCENARIO " -q " SHORT "-o \"$2/run\"", &p,
                           "", said);
    expect_refused(status, said, "results/run: Not a directory");
    status = run_shell("exec \"$1\" run " SCENARIO " -q " SHORT "-o \"$2\"", &p, "", said);
    cr_expect_eq(status, 3);
    cr_expect(strstr(said, "results is not a folder\n"), "%s", said);
    place_remove(&p);
}

/* Root may write anywhere, so it becomes somebody else first. */
Test(process, an_unwritable_folder_is_told)
{
    const struct place p = place_new();
    char said[SAID];
    const int status = run_shell(
        "mkdir \"$2\" && chmod 555 \"$2\" && chmod 755 \"${2%/*}\"; "
        "if [ \"$(id -u)\" = 0 ]; then set -- \"$1\" \"$2\" setpriv --reuid=65534 --clear-groups; "
        "else set -- \"$1\" \"$2\"; fi; program=$1 results=$2; shift 2; "
        "\"$@\" \"$program\" --version >/dev/null 2>&1 || exit 99; "
        "\"$@\" cat " SCENARIO " >/dev/null 2>&1 || exit 99; "
        "exec \"$@\" \"$program\" run " SCENARIO " -q " SHORT "-o \"$results\"",
        &p, "", said);
    if (status == 99) {
        place_remove(&p);
        fputs("not checked: nobody but root may run the program here\n",
              stderr); /* cr_skip_test leaks */
        return;
    }
    expect_refused(status, said, "Permission denied");
    cr_expect_str_eq(names_in(p.results), "");
    place_remove(&p);
}

/* Shrunk, replayed with status 1; what does not fail is told with status 1 too, and saves nothing. */
Test(process, a_failing_scenario_shrinks_and_replays)
{
    static const char too_high[] =
        "expect=[{\"path\": \"chain.height\", \"op\": \"<\", \"value\": 3}]";
    const struct place p = place_new();
    char said[SAID];
    const char *script = "mkdir \"$2\" && cd \"$2\" && \"$1\" shrink \"$OLDPWD/" SCENARIO
                         "\" --set duration_s=1200 --set faults.oracle-stuck.enabled=false "
                         "--set \"$3\"";
    cr_expect_eq(run_shell(script, &p, too_high, said), 0, "%s", said);
    cr_expect_str_eq(names_in(p.results), "eth-crash-2020-03-12-shrunk.json ");
    cr_expect_eq(
        run_shell("cd \"$2\" && \"$1\" validate *.json && \"$1\" run *.json -q", &p, "", said), 1,
        "%s", said);
    cr_expect_not_null(strstr(said, "1 of its expectations is not met"), "%s", said);
    cr_expect_eq(run_shell("rm -r \"$2\"", &p, "", said), 0);
    cr_expect_eq(run_shell(script, &p, "expect=[]", said), 1);
    cr_expect_str_eq(said,
                     "faultline: eth-crash-2020-03-12 does not fail: its expectations are met "
                     "and no check is broken\n");
    cr_expect_str_eq(names_in(p.results), "");
    place_remove(&p);
}

Test(process, a_full_standard_output_is_told)
{
    const struct place p = place_new();
    char said[SAID];
    const int status = run_shell("\"$1\" list >/dev/full", &p, "", said);
    cr_expect_eq(status, 3);
    cr_expect(strstr(said, "standard output: No space left on device"), "%s", said);
    place_remove(&p);
}
