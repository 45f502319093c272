/* The columns of an archive, from a result in memory: one list, in path order, for the content hash
 * and for the file, so that the two cannot disagree. */
#ifndef FL_COLUMNS_H
#define FL_COLUMNS_H
#include "sim/world.h"

enum fl_column_type {
    FL_COLUMN_INT64 = 1,
    FL_COLUMN_UINT64,
    FL_COLUMN_UINT32,
    FL_COLUMN_UINT16,
    FL_COLUMN_UINT8,
    FL_COLUMN_FLOAT64,
    FL_COLUMN_TEXT /* UTF-8, fixed length, filled up with NULs */
};

struct fl_columns;
struct fl_archive_column;
/* Writes all values of a column in native byte order. */
typedef void fl_column_fill(const struct fl_columns *columns,
                            const struct fl_archive_column *column, unsigned char *out);

enum { FL_PATH_MAX = 128, FL_LONG_NAME_MAX = 256 };
struct fl_archive_column {
    char path[FL_PATH_MAX]; /* "/events/deficit/fund_paid" */
    char long_name[FL_LONG_NAME_MAX];
    const char *units;
    enum fl_column_type type;
    uint32_t width; /* bytes of one value */
    uint64_t count;
    fl_column_fill *fill;
    size_t which;   /* for `fill`: an offset, a handle, a record kind */
    uint32_t value; /* for `fill`: v[value] of the records */
    char *text;     /* values of a text column, owned */
};

struct fl_columns {
    const struct fl_config *config;
    const struct fl_result *result;
    struct fl_archive_column *at; /* strictly ascending by strcmp of paths */
    uint32_t count, room;
    uint32_t *record_of_kind; /* record ids, grouped by kind, ascending within each */
    uint32_t *kind_first;     /* [kind]: its first entry there; kind_count + 1 entries */
    uint32_t kind_count;
};

/* Both arguments must outlive the columns. */
struct fl_columns *fl_columns_new(const struct fl_config *config, const struct fl_result *result);
void fl_columns_free(struct fl_columns *columns);

/* All values of one column, little-endian whatever the machine: count * width bytes. Freed by the
 * caller; never NULL. */
unsigned char *fl_column_values(const struct fl_columns *columns, uint32_t index);

#endif
