/* The files of an export: any number, streamed, and renamed when all are complete. */
#include "analysis/export.h"

#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };
typedef char path_text[PATH_BYTES];

struct fl_outputs {
    path_text *path;
    size_t count, renamed;
    FILE *open;
    const char *problem;
    char words[PATH_BYTES + 256]; /* of the first problem */
};

struct fl_outputs *fl_outputs_new(void)
{
    return fl_alloc(1, sizeof(struct fl_outputs));
}

static void fail(struct fl_outputs *outputs, const char *what, const char *path, int reason)
{
    if (!outputs->problem) {
        fl_say(outputs->words, sizeof outputs->words, "cannot %s %s: %s", what, path,
               strerror(reason ? reason : EIO));
        outputs->problem = outputs->words;
    }
}

static void temporary_name(const char *path, char out[PATH_BYTES + 8])
{
    snprintf(out, PATH_BYTES + 8, "%s.tmp", path);
}

/* What stdio held back fails here. */
static void close_file(struct fl_outputs *outputs)
{
    if (!outputs->open) {
        return;
    }
    const char *path = outputs->path[outputs->count - 1];
    errno = 0;
    if (fflush(outputs->open) != 0 || ferror(outputs->open)) {
        fail(outputs, "write", path, errno);
    }
    errno = 0;
    if (fclose(outputs->open) != 0) {
        fail(outputs, "write", path, errno);
    }
    outputs->open = NULL;
}

FILE *fl_outputs_open(struct fl_outputs *outputs, const char *path)
{
    close_file(outputs);
    if (outputs->problem) {
        return NULL;
    }
    struct stat found;
    if (strlen(path) >= PATH_BYTES) {
        fail(outputs, "write", path, ENAMETOOLONG);
        return NULL;
    }
    if (stat(path, &found) == 0 && S_ISDIR(found.st_mode)) {
        fail(outputs, "write", path, EISDIR);
        return NULL;
    }
    char temporary[PATH_BYTES + 8];
    temporary_name(path, temporary);
    outputs->open = fopen(temporary, "wb");
    if (!outputs->open) {
        fail(outputs, "write", temporary, errno);
        return NULL;
    }
    outputs->path = fl_realloc(outputs->path, outputs->count + 1, sizeof *outputs->path);
    strcpy(outputs->path[outputs->count++], path);
    return outputs->open;
}

const char *fl_outputs_publish(struct fl_outputs *outputs)
{
    close_file(outputs);
    while (!outputs->problem && outputs->renamed < outputs->count) {
        const char *path = outputs->path[outputs->renamed];
        char temporary[PATH_BYTES + 8];
        temporary_name(path, temporary);
        if (rename(temporary, path) != 0) {
            fail(outputs, "rename to", path, errno);
        } else {
            outputs->renamed++;
        }
    }
    return outputs->problem ? fl_disk_failure("%s", outputs->problem) : NULL;
}

void fl_outputs_free(struct fl_outputs *outputs)
{
    close_file(outputs);
    for (size_t i = outputs->renamed; i < outputs->count; i++) {
        char temporary[PATH_BYTES + 8];
        temporary_name(outputs->path[i], temporary);
        unlink(temporary);
    }
    free(outputs->path);
    free(outputs);
}
