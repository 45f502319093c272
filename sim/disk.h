/* Files that appear whole or not at all, and what a signal may interrupt.
 *
 * Functions that can fail return NULL if all went well, else a sentence that says what failed (lent
 * until the next call). */
#ifndef FL_DISK_H
#define FL_DISK_H
#include "sim/base.h"

/* From here on SIGINT, SIGTERM and SIGHUP end the process with status 128 + their number (130, 143,
 * 129), after removing what fl_files_publish has written under temporary names. Those that are
 * ignored, as under nohup, stay so. A limit on file sizes becomes an error that is reported. How
 * children end is heard even if whoever started this ignores that of his own. */
void fl_signals_end_run(void);

/* Makes a folder and those above it, unless they exist. */
const char *fl_folder_make(const char *directory);

struct fl_file {
    const char *name; /* within the folder */
    const void *bytes;
    size_t count;
};
enum { FL_FILES_MAX = 4 };

/* Writes all files as NAME.tmp, then renames them in order. The last one makes the folder look
 * finished: its old version goes before the others change. After a failure no NAME.tmp is left, and
 * unless a rename failed no old file was touched. After success signals are held until the process
 * ends: the results are complete, and to end now would belie them. */
const char *fl_files_publish(const char *directory, const struct fl_file *file, size_t count);

/* The sentence of a failure, for those who return one. */
const char *fl_disk_failure(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
