/* The rows of a sweep that are finished, on disk: one line each, added by one write, the truth about
 * what need not be run again. A line carries a checksum; what follows a torn one is not believed. A
 * folder may have several journals, of a sweep and of shards of it: a row is where it is.
 *
 *     faultline sweep 2 TAB program TAB plan TAB checksum
 *     point TAB replicate TAB status TAB error TAB metric ... TAB checksum */
#ifndef FL_JOURNAL_H
#define FL_JOURNAL_H
#include "sim/base.h"

/* Digests of what rows depend on, their numbers apart: rows of another program or plan are not ours. */
struct fl_origin {
    char program[33], plan[33];
};

/* What journals say of each row: its text after the numbers, lent from files that are mapped. */
struct fl_found {
    uint32_t points, replicates, fields; /* fields of a row: status, error, metrics */
    const char **row;                    /* [point * replicates + replicate]; NULL: nothing */
    uint32_t count;                      /* rows that are there */
    struct fl_journal_map *map;
    uint32_t maps, map_room;
};
struct fl_found *fl_found_new(uint32_t points, uint32_t replicates, uint32_t metrics);
void fl_found_free(struct fl_found *found);

/* Adds the rows of a folder's journals (*.journal). A row that ended well goes before one that did not;
 * of those that did not, the same one is taken whatever the order. Journals that somebody writes are
 * left out with `others`, else refused, as are those of another program or plan, and two that disagree
 * on a row that ended well. NULL if all went well, else a sentence (lent until the next call); *usage
 * says whether the caller asked for what cannot be. */
const char *fl_journals_read(const char *directory, const struct fl_origin *origin, bool others,
                             struct fl_found *found, bool *usage);

/* A field of a row, by its index; valid until the next call with the same room. The longest is the error:
 * the command in it says each value that the plan sets. */
enum { FL_FIELD_STATUS, FL_FIELD_ERROR, FL_FIELD_METRIC, FL_FIELD_TEXT = 1 << 16 };
const char *fl_row_field(const char *row, uint32_t index, char out[FL_FIELD_TEXT]);
/* Rows that went wrong are in the tables, and are run again when a sweep is resumed. */
bool fl_row_is_ok(const char *row);

/* Opens a journal to add rows, and locks it, after who reads it has ended; without `resume` it must hold
 * none. Returns as fl_journals_read. */
const char *fl_journal_open(const char *path, const struct fl_origin *origin, bool resume,
                            int *journal, bool *usage);
/* Adds a row. NULL or a sentence. */
const char *fl_journal_add(int journal, uint32_t point, uint32_t replicate, const char *row);

#endif
