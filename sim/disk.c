/* Every byte of a result reaches the disk through stdio, whose failures are ours to report, and files
 * get their names only when all are complete. */
#include "sim/disk.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, NAME_BYTES = 64 };
typedef char path_text[PATH_BYTES + NAME_BYTES];

static char failure[PATH_BYTES + 512];

/* What the handler of signals removes: names of files being written, "" for none. Changed only
 * while signals are held. */
static path_text temporary[FL_FILES_MAX];

const char *fl_disk_failure(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(failure, sizeof failure, format, args);
    va_end(args);
    return failure;
}

/* ------------------------------------------------------------------------------------------------
 * Signals
 * --------------------------------------------------------------------------------------------- */

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
enum { ENDING = sizeof ending / sizeof *ending };

static sigset_t ending_set(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < ENDING; i++) sigaddset(&set, ending[i]);
    return set;
}

static void end_run(int number)
{
    for (size_t i = 0; i < FL_FILES_MAX; i++)
        if (*temporary[i]) unlink(temporary[i]);
    _exit(128 + number);
}

void fl_signals_end_run(void)
{
    const struct sigaction end = {.sa_handler = end_run, .sa_mask = ending_set()};
    const struct sigaction ignore = {.sa_handler = SIG_IGN}, usual = {.sa_handler = SIG_DFL};
    for (size_t i = 0; i < ENDING; i++) {
        struct sigaction old;
        if (sigaction(ending[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
            sigaction(ending[i], &end, NULL);
        }
    }
    sigaction(SIGXFSZ, &ignore, NULL);
    sigaction(SIGCHLD, &usual, NULL);
    const sigset_t set = ending_set();
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void hold_signals(sigset_t *before)
{
    const sigset_t set = ending_set();
    sigprocmask(SIG_BLOCK, &set, before);
}

/* ------------------------------------------------------------------------------------------------
 * Files
 * --------------------------------------------------------------------------------------------- */

const char *fl_folder_make(const char *directory)
{
    char path[PATH_BYTES];
    const size_t length = strlen(directory);
    if (length == 0 || length >= sizeof path) {
        return fl_disk_failure("the name of the results folder is %s",
                               length == 0 ? "empty" : "too long");
    }
    memcpy(path, directory, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        path[i] = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST) {
            return fl_disk_failure("cannot make the folder %s: %s", path, strerror(errno));
        }
        path[i] = directory[i];
    }
    struct stat found;
    if (stat(directory, &found) != 0) {
        return fl_disk_failure("cannot use the folder %s: %s", directory, strerror(errno));
    }
    return S_ISDIR(found.st_mode) ? NULL : fl_disk_failure("%s is not a folder", directory);
}

static const char *write_file(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    if (!file) {
        return fl_disk_failure("cannot write %s: %s", path, strerror(errno));
    }
    errno = 0;
    bool ok = fwrite(bytes, 1, count, file) == count;
    ok = fflush(file) == 0 && ok;
    int reason = errno;
    if (fclose(file) != 0 && ok) {
        ok = false;
        reason = errno;
    }
    return ok ? NULL
              : fl_disk_failure("cannot write %s: %s", path, strerror(reason ? reason : EIO));
}

/* The last file comes last, and goes first: while it is missing the folder does not look finished. */
static const char *rename_all(const char *directory, const struct fl_file *file, size_t count)
{
    path_text path;
    snprintf(path, sizeof path, "%s/%s", directory, file[count - 1].name);
    if (unlink(path) != 0 && errno != ENOENT) {
        return fl_disk_failure("cannot replace %s: %s", path, strerror(errno));
    }
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, file[i].name);
        if (rename(temporary[i], path) != 0) {
            return fl_disk_failure("cannot rename %s: %s", temporary[i], strerror(errno));
        }
    }
    return NULL;
}

static void remove_temporary(void)
{
    for (size_t i = 0; i < FL_FILES_MAX && *temporary[i]; i++) {
        unlink(temporary[i]);
    }
}

const char *fl_files_publish(const char *directory, const struct fl_file *file, size_t count)
{
    FL_ASSERT(count > 0 && count <= FL_FILES_MAX);
    if (strlen(directory) >= PATH_BYTES) {
        return fl_disk_failure("the name of the results folder is too long");
    }
    sigset_t before;
    hold_signals(&before);
    for (size_t i = 0; i < count; i++) {
        FL_ASSERT(strlen(file[i].name) + sizeof "/.tmp" <= NAME_BYTES);
        snprintf(temporary[i], sizeof temporary[i], "%s/%s.tmp", directory, file[i].name);
    }
    /* Writing may take long, on a disk that hangs for ever: signals come through. */
    sigprocmask(SIG_SETMASK, &before, NULL);
    const char *problem = NULL;
    for (size_t i = 0; i < count && !problem; i++) {
        problem = write_file(temporary[i], file[i].bytes, file[i].count);
    }
    hold_signals(&before);
    problem = problem ? problem : rename_all(directory, file, count);
    if (problem) {
        remove_temporary();
    }
    memset(temporary, 0, sizeof temporary);
    if (problem) {
        sigprocmask(SIG_SETMASK, &before, NULL);
    }
    return problem;
}
