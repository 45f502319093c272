/* Lines with checksums. Only whole lines are ever believed, so a killed writer loses at most the row
 * it was about to add. */
#define _XOPEN_SOURCE 700
#include "sim/journal.h"

#include "sim/alloc.h"
#include "sim/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#define TITLE "faultline sweep 2"
enum { SUM = 16, TITLE_TEXT = 128, PATH_BYTES = 4096 }; /* SUM: hex digits */

struct fl_journal_map {
    const char *text;
    size_t bytes;
    int file; /* open, for the lock */
};

/* ------------------------------------------------------------------------------------------------
 * Rows
 * --------------------------------------------------------------------------------------------- */

struct fl_found *fl_found_new(uint32_t points, uint32_t replicates, uint32_t metrics)
{
    struct fl_found *found = fl_alloc(1, sizeof *found);
    found->points = points;
    found->replicates = replicates;
    found->fields = FL_FIELD_METRIC + metrics;
    found->row = fl_alloc((size_t)points * replicates, sizeof *found->row);
    return found;
}

void fl_found_free(struct fl_found *found)
{
    for (uint32_t i = 0; i < found->maps; i++) {
        munmap((void *)(uintptr_t)found->map[i].text, found->map[i].bytes);
        close(found->map[i].file);
    }
    free(found->map);
    free(found->row);
    free(found);
}

/* A row ends with its line, or with its text. */
static const char *after_field(const char *row)
{
    return row + strcspn(row, "\t\n");
}

const char *fl_row_field(const char *row, uint32_t index, char out[FL_FIELD_TEXT])
{
    for (; index > 0; index--) {
        row = after_field(row);
        row += *row == '\t';
    }
    const size_t length = (size_t)(after_field(row) - row);
    const size_t taken = length < FL_FIELD_TEXT ? length : FL_FIELD_TEXT - 1;
    memcpy(out, row, taken);
    out[taken] = '\0';
    return out;
}

bool fl_row_is_ok(const char *row)
{
    return strncmp(row, "ok\t", 3) == 0;
}

/* ------------------------------------------------------------------------------------------------
 * Lines
 * --------------------------------------------------------------------------------------------- */

static void sum_text(const char *text, size_t bytes, char out[SUM + 1])
{
    sprintf(out, "%016" PRIx64, (uint64_t)XXH3_64bits(text, bytes));
}

/* Bytes of a line's text, without tab and checksum; 0 if it is not whole. `end` is its line end. */
static size_t text_of_line(const char *line, const char *end)
{
    const size_t length = (size_t)(end - line);
    if (length < SUM + 2 || end[-SUM - 1] != '\t') {
        return 0;
    }
    char expected[SUM + 1];
    sum_text(line, length - SUM - 1, expected);
    return memcmp(end - SUM, expected, SUM) == 0 ? length - SUM - 1 : 0;
}

/* One write, so that a line is there or is not, save for a machine that stops in the middle. */
static bool write_line(int journal, const char *text)
{
    const size_t length = strlen(text);
    char *line = fl_alloc(length + SUM + 3, 1), sum[SUM + 1];
    sum_text(text, length, sum);
    const size_t bytes = (size_t)sprintf(line, "%s\t%s\n", text, sum);
    errno = ENOSPC; /* of a write that took only part of it */
    const bool ok = write(journal, line, bytes) == (ssize_t)bytes;
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
 * Reading
 * --------------------------------------------------------------------------------------------- */

static void title_of(const struct fl_origin *origin, char out[TITLE_TEXT])
{
    snprintf(out, TITLE_TEXT, TITLE "\t%s\t%s", origin->program, origin->plan);
}

/* NULL, or why the rows below this title are not ours. */
static const char *check_title(const char *path, const char *line, size_t bytes,
                               const struct fl_origin *origin)
{
    char ours[TITLE_TEXT];
    title_of(origin, ours);
    const size_t length = strlen(ours), programs = sizeof TITLE + 32;
    if (bytes == length && memcmp(line, ours, length) == 0) {
        return NULL;
    }
    const bool title = bytes == length && memcmp(line, ours, sizeof TITLE) == 0;
    return fl_disk_failure("%s is of another %s; remove it or choose another folder", path,
                           title && memcmp(line, ours, programs) == 0 ? "plan or scenario"
                           : title ? "program: its rows are not mixed with this one's"
                                   : "kind or version of sweep");
}

/* Of two rows with the same number: whether the second one is to be kept. */
static bool is_better(const char *kept, const char *row, size_t bytes, bool *differ)
{
    const int order = strncmp(kept, row, bytes + 1); /* with the tab behind it */
    *differ = fl_row_is_ok(kept) && fl_row_is_ok(row) && order != 0;
    return fl_row_is_ok(kept) != fl_row_is_ok(row) ? fl_row_is_ok(row) : order > 0;
}

/* Reads "NUMBER TAB"; NULL if it is not there. */
static const char *read_number(const char *at, uint32_t *number)
{
    uint64_t value = 0;
    const char *start = at;
    for (; *at >= '0' && *at <= '9' && value <= UINT32_MAX; at++) {
        value = 10 * value + (uint64_t)(*at - '0');
    }
    *number = (uint32_t)value;
    return at > start && *at == '\t' && value <= UINT32_MAX ? at + 1 : NULL;
}

enum line { LINE_TAKEN, LINE_STRANGE, LINE_DIFFERS };

/* Rows of replicates that the plan no longer has stay in the journal. */
static enum line take_row(struct fl_found *found, const char *line, size_t bytes)
{
    uint32_t point, replicate, fields = 1;
    const char *at = read_number(line, &point);
    at = at ? read_number(at, &replicate) : NULL;
    if (!at || point >= found->points) {
        return LINE_STRANGE;
    }
    for (const char *c = at; c < line + bytes; c++) {
        fields += *c == '\t';
    }
    if (fields != found->fields) {
        return LINE_STRANGE;
    }
    if (replicate < found->replicates) {
        const char **row = &found->row[(size_t)point * found->replicates + replicate];
        bool differ = false;
        if (!*row || is_better(*row, at, (size_t)(line + bytes - at), &differ)) {
            found->count += *row == NULL;
            *row = at;
        }
        return differ ? LINE_DIFFERS : LINE_TAKEN;
    }
    return LINE_TAKEN;
}

/* What a journal holds: how many rows, and how many bytes of whole lines. */
struct contents {
    uint32_t rows;
    size_t bytes;
};

/* At the head of a journal, and of each that somebody put behind another one. */
static bool is_title(const char *line, size_t bytes)
{
    return bytes >= sizeof TITLE && memcmp(line, TITLE "\t", sizeof TITLE) == 0;
}

/* NULL or a sentence. Without `found` rows are counted only. A whole line that is no row of ours is passed
 * over: who only counts cannot tell, and adds more behind it. */
static const char *read_lines(const char *path, const struct fl_journal_map *map,
                              const struct fl_origin *origin, struct fl_found *found,
                              struct contents *contents)
{
    const char *line = map->text, *stop = map->text + map->bytes, *end;
    *contents = (struct contents){0, 0};
    while (line < stop && (end = memchr(line, '\n', (size_t)(stop - line))) != NULL) {
        const size_t bytes = text_of_line(line, end);
        if (line == map->text || is_title(line, bytes)) {
            const char *problem = check_title(path, line, bytes, origin);
            if (problem) {
                return problem;
            }
        } else if (bytes == 0) {
            return NULL;
        } else {
            const enum line kind = found ? take_row(found, line, bytes) : LINE_TAKEN;
            if (kind == LINE_DIFFERS) {
                return fl_disk_failure("%s: row \"%.*s\" ended otherwise in another journal: the "
                                       "same run gave two results, please report this",
                                       path, (int)bytes, line);
            }
            contents->rows += kind == LINE_TAKEN;
        }
        line = end + 1;
        contents->bytes = (size_t)(line - map->text);
    }
    return NULL;
}

/* Nothing is mapped of an empty file. */
static const char *map_file(const char *path, int file, struct fl_journal_map *map)
{
    struct stat about;
    *map = (struct fl_journal_map){"", 0, file};
    if (fstat(file, &about) != 0) {
        return fl_disk_failure("cannot read %s: %s", path, strerror(errno));
    }
    if (!S_ISREG(about.st_mode)) {
        return fl_disk_failure("%s is not a file; remove it or choose another folder", path);
    }
    if (about.st_size > 0) {
        void *text = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (text == MAP_FAILED) {
            return fl_disk_failure("cannot read %s: %s", path, strerror(errno));
        }
        *map = (struct fl_journal_map){text, (size_t)about.st_size, file};
    }
    return NULL;
}

/* True if nobody else writes it; *problem if that cannot be told. */
static bool lock(int journal, const char *path, short type, const char **problem)
{
    const struct flock whole = {.l_type = type, .l_whence = SEEK_SET};
    *problem = NULL;
    if (fcntl(journal, F_SETLK, &whole) == 0) {
        return true;
    }
    if (errno != EAGAIN && errno != EACCES) {
        *problem = fl_disk_failure("cannot lock %s: %s", path, strerror(errno));
    }
    return false;
}

/* Waits for those who read it, as every shard does that resumes: they are soon done. False if somebody
 * writes it. */
static bool lock_for_writing(int journal, const char *path, const char **problem)
{
    static const struct timespec pause = {.tv_nsec = 10000000};
    while (!lock(journal, path, F_WRLCK, problem)) {
        struct flock other = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        if (*problem || fcntl(journal, F_GETLK, &other) != 0 || other.l_type == F_WRLCK) {
            return false;
        }
        nanosleep(&pause, NULL);
    }
    return true;
}

static const char *read_journal(const char *path, const struct fl_origin *origin, bool others,
                                struct fl_found *found, bool *usage)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe does not hold us */
    if (file < 0) {
        return fl_disk_failure("cannot read %s: %s", path, strerror(errno));
    }
    const char *problem;
    if (!lock(file, path, F_RDLCK, &problem)) {
        close(file);
        *usage = !problem && !others;
        return problem || others ? problem : fl_disk_failure("a sweep is writing %s", path);
    }
    struct fl_journal_map map;
    problem = map_file(path, file, &map);
    if (problem || map.bytes == 0) {
        close(file);
        return problem;
    }
    found->map = fl_grow(found->map, found->maps, &found->map_room, sizeof *found->map);
    found->map[found->maps++] = map;
    struct contents contents;
    problem = read_lines(path, &map, origin, found, &contents);
    *usage = problem != NULL;
    return problem;
}

const char *fl_journals_read(const char *directory, const struct fl_origin *origin, bool others,
                             struct fl_found *found, bool *usage)
{
    char pattern[PATH_BYTES];
    *usage = false;
    size_t length = 0; /* the folder's own name is no pattern */
    for (const char *c = directory; *c && length < sizeof pattern - 16; c++) {
        if (strchr("*?[\\", *c)) {
            pattern[length++] = '\\';
        }
        pattern[length++] = *c;
    }
    strcpy(pattern + length, "/*.journal");
    glob_t paths;
    const int status = glob(pattern, 0, NULL, &paths);
    if (status == GLOB_NOMATCH) {
        return NULL;
    }
    if (status != 0) {
        return fl_disk_failure("cannot read %s: %s", directory, strerror(errno));
    }
    const char *problem = NULL;
    for (size_t i = 0; i < paths.gl_pathc && !problem; i++) {
        problem = read_journal(paths.gl_pathv[i], origin, others, found, usage);
    }
    globfree(&paths);
    return problem;
}

/* ------------------------------------------------------------------------------------------------
 * Opening
 * --------------------------------------------------------------------------------------------- */

/* Goes on behind the last whole line, or begins. */
static const char *begin(int journal, const char *path, const struct fl_origin *origin,
                         size_t bytes)
{
    char title[TITLE_TEXT];
    title_of(origin, title);
    if (ftruncate(journal, (off_t)bytes) != 0 || (bytes == 0 && !write_line(journal, title))) {
        return fl_disk_failure("cannot write %s: %s", path, strerror(errno));
    }
    return NULL;
}

const char *fl_journal_open(const char *path, const struct fl_origin *origin, bool resume,
                            int *journal, bool *usage)
{
    *usage = false;
    *journal = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (*journal < 0) {
        return fl_disk_failure("cannot write %s: %s", path, strerror(errno));
    }
    const char *problem;
    if (!lock_for_writing(*journal, path, &problem)) {
        return problem ? problem : fl_disk_failure("another sweep is writing %s", path);
    }
    struct fl_journal_map map;
    problem = map_file(path, *journal, &map);
    if (problem) {
        return problem;
    }
    struct contents contents;
    problem = read_lines(path, &map, origin, NULL, &contents);
    *usage = problem || (contents.rows > 0 && !resume);
    if (!problem && *usage) {
        problem = fl_disk_failure("%s has %" PRIu32 " rows of this sweep; --resume goes on from "
                                  "there, to begin anew remove it",
                                  path, contents.rows);
    }
    if (map.bytes > 0) {
        munmap((void *)(uintptr_t)map.text, map.bytes);
    }
    return problem ? problem : begin(*journal, path, origin, contents.bytes);
}
