/* Runs gnuplot. It leaves an empty picture behind when it fails, so it draws into a temporary file. */
#include "analysis/gnuplot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, NAME_BYTES = 128, EXIT_NO_GNUPLOT = 127, EXIT_NO_FOLDER = 126 };

/* In the child: same locale and dates everywhere, so that the same trace gives the same bytes. */
_Noreturn static void become_gnuplot(const char *directory, const char *script, const char *setup,
                                     int talk)
{
    if (chdir(directory) != 0 || dup2(talk, STDERR_FILENO) < 0) {
        _exit(EXIT_NO_FOLDER);
    }
    setenv("SOURCE_DATE_EPOCH", "0", 1);
    setenv("LC_ALL", "C", 1);
    unsetenv("GNUTERM");
    /* -d: without the user's ~/.gnuplot. */
    execlp("gnuplot", "gnuplot", "-d", "-e", setup, script, (char *)NULL);
    _exit(EXIT_NO_GNUPLOT);
}

/* Exit status, or -1. What gnuplot says goes to `talk`: it also warns of what is as it should be, such
 * as a curve without points. */
static int run(const char *directory, const char *script, const char *setup, FILE *talk)
{
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        become_gnuplot(directory, script, setup, fileno(talk));
    }
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return -1;
        }
    }
    return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* cairo 1.16 writes the time of day into a PDF whatever SOURCE_DATE_EPOCH says. The same number of
 * digits takes its place, so that nothing else in the file moves. */
static bool forget_date(const char *path)
{
    static const char mark[] = "/CreationDate (D:", date[] = "19700101000000";
    FILE *file = fopen(path, "r+b");
    size_t matched = 0;
    int byte;
    while (file && matched < sizeof mark - 1 && (byte = fgetc(file)) != EOF) {
        matched = byte == mark[matched] ? matched + 1 : byte == mark[0];
    }
    if (!file) {
        return false;
    }
    bool ok = true;
    if (matched == sizeof mark - 1) {
        ok = fseek(file, 0, SEEK_CUR) == 0 && fputs(date, file) >= 0;
    }
    return fclose(file) == 0 && ok;
}

static void repeat(FILE *talk)
{
    char line[512];
    rewind(talk);
    while (fgets(line, sizeof line, talk)) {
        fputs(line, stderr);
    }
}

static bool is_full(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && found.st_size > 0;
}

/* What gnuplot did wrong, in one sentence. */
static void complain(int status, FILE *talk, const char *directory, const char *script)
{
    if (status == EXIT_NO_GNUPLOT) {
        fputs(
            "faultline: gnuplot is not installed; install the package gnuplot-nox (Debian, Ubuntu) "
            "or gnuplot, then run faultline plot again\n",
            stderr);
    } else if (status != 0) {
        repeat(talk);
        fprintf(stderr, "faultline: gnuplot failed on %s/%s\n", directory, script);
    } else {
        fprintf(stderr, "faultline: gnuplot drew nothing from %s/%s\n", directory, script);
    }
}

static bool publish(const char *drawn, const char *picture, const char *format)
{
    if ((strcmp(format, "pdf") == 0 && !forget_date(drawn)) || rename(drawn, picture) != 0) {
        fprintf(stderr, "faultline: cannot write %s: %s\n", picture, strerror(errno));
        return false;
    }
    return true;
}

bool fl_gnuplot(const char *directory, const char *name, const char *format)
{
    char script[NAME_BYTES], setup[2 * NAME_BYTES];
    char drawn[PATH_BYTES + NAME_BYTES], picture[PATH_BYTES + NAME_BYTES];
    snprintf(script, sizeof script, "%.64s.gp", name);
    snprintf(setup, sizeof setup, "format = '%.8s'; output = '%.64s.%.8s.tmp'", format, name,
             format);
    snprintf(drawn, sizeof drawn, "%.4000s/%.64s.%.8s.tmp", directory, name, format);
    snprintf(picture, sizeof picture, "%.4000s/%.64s.%.8s", directory, name, format);

    FILE *talk = tmpfile();
    if (!talk) {
        fprintf(stderr, "faultline: cannot make a temporary file: %s\n", strerror(errno));
        return false;
    }
    const int status = run(directory, script, setup, talk);
    const bool drew = status == 0 && is_full(drawn);
    if (!drew) {
        complain(status, talk, directory, script);
    }
    fclose(talk);
    if (drew && publish(drawn, picture, format)) {
        return true;
    }
    unlink(drawn);
    return false;
}
