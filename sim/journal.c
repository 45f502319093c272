/* Lines with checksums. Only whole lines are ever believed, so a killed writer loses at most the row
 * it was about to add. */
#include "sim/journal.h"

#include "sim/alloc.h"
#include "sim/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#define TITLE "faultline sweep 1"
enum { SUM = 16 }; /* hex digits */

/* ------------------------------------------------------------------------------------------------
 * Rows
 * --------------------------------------------------------------------------------------------- */

struct fl_rows_done *fl_rows_done_new(uint32_t points, uint32_t replicates, uint32_t metrics)
{
    struct fl_rows_done *done = fl_alloc(1, sizeof *done);
    done->points = points;
    done->replicates = replicates;
    done->fields = FL_FIELD_METRIC + metrics;
    done->row = fl_alloc((size_t)points * replicates, sizeof *done->row);
    return done;
}

void fl_rows_done_free(struct fl_rows_done *done)
{
    for (size_t i = 0; i < (size_t)done->points * done->replicates; i++) {
        free(done->row[i]);
    }
    free(done->row);
    free(done);
}

const char *fl_row_field(const char *row, uint32_t index, char out[FL_FIELD_TEXT])
{
    for (; index > 0; index--) {
        row += strcspn(row, "\t");
        row += *row == '\t';
    }
    snprintf(out, FL_FIELD_TEXT, "%.*s", (int)strcspn(row, "\t"), row);
    return out;
}

bool fl_row_is_ok(const char *row)
{
    return strncmp(row, "ok\t", 3) == 0;
}

static uint32_t count_fields(const char *row)
{
    uint32_t count = 1;
    for (; *row; row++) {
        count += *row == '\t';
    }
    return count;
}

/* ------------------------------------------------------------------------------------------------
 * Lines
 * --------------------------------------------------------------------------------------------- */

/* Text, tab, checksum, line end; the caller frees it. */
static char *line_new(const char *text)
{
    const size_t length = strlen(text);
    char *line = fl_alloc(length + SUM + 3, 1);
    sprintf(line, "%s\t%016" PRIx64 "\n", text, (uint64_t)XXH3_64bits(text, length));
    return line;
}

/* Cuts the checksum off a line without its end; false if it is not whole. */
static bool open_line(char *line)
{
    const size_t length = strlen(line);
    if (length < SUM + 1 || line[length - SUM - 1] != '\t') {
        return false;
    }
    char *sum = line + length - SUM - 1, expected[SUM + 1];
    *sum = '\0';
    sprintf(expected, "%016" PRIx64, (uint64_t)XXH3_64bits(line, length - SUM - 1));
    return strcmp(sum + 1, expected) == 0;
}

/* One write, so that a line is there or is not, save for a machine that stops in the middle. */
static bool write_line(int journal, const char *text)
{
    char *line = line_new(text);
    const size_t length = strlen(line);
    errno = ENOSPC; /* of a write that took only part of it */
    const bool ok = write(journal, line, length) == (ssize_t)length;
    free(line);
    return ok;
}

const char *fl_journal_add(int journal, uint32_t point, uint32_t replicate, const char *row)
{
    char *text = fl_alloc(strlen(row) + 32, 1);
    sprintf(text, "%" PRIu32 "\t%" PRIu32 "\t%s", point, replicate, row);
    const bool ok = write_line(journal, text);
    const int reason = errno;
    free(text);
    return ok ? NULL : fl_disk_failure("cannot write the journal: %s", strerror(reason));
}

/* ------------------------------------------------------------------------------------------------
 * Opening
 * --------------------------------------------------------------------------------------------- */

/* A later row replaces an earlier one: it was run again. Rows of replicates that the plan no longer
 * has stay in the journal. */
static bool take_row(struct fl_rows_done *done, char *text)
{
    char *at;
    const unsigned long point = strtoul(text, &at, 10);
    if (*at != '\t') {
        return false;
    }
    const unsigned long replicate = strtoul(at + 1, &at, 10);
    if (*at != '\t' || count_fields(at + 1) != done->fields || point >= done->points) {
        return false;
    }
    if (replicate < done->replicates) {
        char **row = &done->row[point * done->replicates + replicate];
        free(*row);
        *row = fl_strdup(at + 1);
    }
    return true;
}

struct found {
    bool other; /* the journal of another sweep */
    uint32_t rows;
    off_t bytes; /* whole lines */
};

static void read_lines(char *text, const char *fingerprint, struct fl_rows_done *done,
                       struct found *found)
{
    char *line = text;
    for (char *end; !found->other && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (!open_line(line)) {
            return;
        }
        if (found->bytes == 0) {
            found->other = strncmp(line, TITLE "\t", sizeof TITLE) != 0 ||
                           strcmp(line + sizeof TITLE, fingerprint) != 0;
        } else if (take_row(done, line)) {
            found->rows++;
        } else {
            return;
        }
        found->bytes = end + 1 - text;
    }
}

/* The whole file; NULL if it cannot be read. Not by stdio: to close a stream would drop the lock. */
static char *read_all(int journal)
{
    const off_t bytes = lseek(journal, 0, SEEK_END);
    if (bytes < 0 || lseek(journal, 0, SEEK_SET) != 0) {
        return NULL;
    }
    char *text = fl_alloc((size_t)bytes + 1, 1);
    for (off_t at = 0; at < bytes;) {
        const ssize_t got = read(journal, text + at, (size_t)(bytes - at));
        if (got <= 0) {
            free(text);
            return NULL;
        }
        at += got;
    }
    return text;
}

static const char *lock(int journal, const char *path)
{
    const struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(journal, F_SETLK, &whole) == 0) {
        return NULL;
    }
    return errno == EAGAIN || errno == EACCES
               ? fl_disk_failure("another sweep is writing %s", path)
               : fl_disk_failure("cannot lock %s: %s", path, strerror(errno));
}

/* Goes on behind the last whole line, or begins. */
static const char *begin(int journal, const char *path, const char *fingerprint, off_t bytes)
{
    if (ftruncate(journal, bytes) != 0) {
        return fl_disk_failure("cannot write %s: %s", path, strerror(errno));
    }
    if (bytes == 0) {
        char title[256];
        snprintf(title, sizeof title, TITLE "\t%s", fingerprint);
        if (!write_line(journal, title)) {
            return fl_disk_failure("cannot write %s: %s", path, strerror(errno));
        }
    }
    return NULL;
}

const char *fl_journal_open(const char *path, const char *fingerprint, bool resume,
                            struct fl_rows_done *done, int *journal, bool *usage)
{
    *usage = false;
    *journal = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (*journal < 0) {
        return fl_disk_failure("cannot write %s: %s", path, strerror(errno));
    }
    const char *problem = lock(*journal, path);
    if (problem) {
        return problem;
    }
    char *text = read_all(*journal);
    if (!text) {
        return fl_disk_failure("cannot read %s: %s", path, strerror(errno));
    }
    struct found found = {false, 0, 0};
    read_lines(text, fingerprint, done, &found);
    free(text);
    *usage = found.other || (found.rows > 0 && !resume);
    if (found.other) {
        problem = fl_disk_failure(
            "%s is of another plan, scenario or program; remove it or choose another folder", path);
    } else if (*usage) {
        problem = fl_disk_failure("%s has %" PRIu32 " rows of this sweep; --resume goes on from "
                                  "there, to begin anew remove it",
                                  path, found.rows);
    }
    return problem ? problem : begin(*journal, path, fingerprint, found.bytes);
}
