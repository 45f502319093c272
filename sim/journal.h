/* The rows of a sweep that are finished, on disk: one line each, added by one write, the truth about
 * what need not be run again. A line carries a checksum; what follows a torn one is not believed.
 *
 *     faultline sweep 1 TAB fingerprint TAB checksum
 *     point TAB replicate TAB status TAB error TAB metric ... TAB checksum */
#ifndef FL_JOURNAL_H
#define FL_JOURNAL_H
#include "sim/base.h"

/* What became of a row: the text after its numbers, NULL while it is not finished. */
struct fl_rows_done {
    uint32_t points, replicates, fields; /* fields of a row: status, error, metrics */
    char **row;                          /* [point * replicates + replicate], owned */
};
struct fl_rows_done *fl_rows_done_new(uint32_t points, uint32_t replicates, uint32_t metrics);
void fl_rows_done_free(struct fl_rows_done *done);
/* A field of a row, by its index; valid until the next call. */
enum { FL_FIELD_STATUS, FL_FIELD_ERROR, FL_FIELD_METRIC, FL_FIELD_TEXT = 1024 };
const char *fl_row_field(const char *row, uint32_t index, char out[FL_FIELD_TEXT]);
/* Rows that went wrong are in the tables, and are run again when a sweep is resumed. */
bool fl_row_is_ok(const char *row);

/* Opens the journal of a sweep with this fingerprint and locks it. With `resume` the rows in it are
 * added to `done`; without, it must hold none. NULL if all went well, else a sentence (lent until the
 * next call); *usage says whether the caller asked for what cannot be. */
const char *fl_journal_open(const char *path, const char *fingerprint, bool resume,
                            struct fl_rows_done *done, int *journal, bool *usage);
/* Adds a row. NULL or a sentence. */
const char *fl_journal_add(int journal, uint32_t point, uint32_t replicate, const char *row);

#endif
