/* HDF5 files built in memory, with the same bytes from the same content.
 *
 * HDF5 never sees the disk: after a failed write its close fails too, and tries again at exit. All
 * functions return false when HDF5 refused; fl_h5_reason then has its words. */
#ifndef FL_H5_H
#define FL_H5_H
#include "sim/columns.h"

#include <hdf5.h>

/* An empty file; negative after a failure. Silences HDF5's own printing of errors. */
hid_t fl_h5_new(void);

/* The bytes of a file: the caller frees them. */
struct fl_h5_image {
    unsigned char *bytes;
    size_t count;
};
bool fl_h5_take(hid_t file, struct fl_h5_image *image);

bool fl_h5_attribute(hid_t object, const char *name, hid_t type, const void *value);
bool fl_h5_text(hid_t object, const char *name, const char *text);
bool fl_h5_group(hid_t file, const char *path, const char *story); /* `story` may be NULL */

/* A 1-D dataset (shuffle and deflate 1, chunks of 64 Ki) with its attributes. The groups above it
 * must exist. Text is stored as ASCII where it is, in cells one byte wider than `width`. */
struct fl_h5_column {
    const char *path, *units, *long_name;
    enum fl_column_type type;
    uint32_t width; /* bytes of one value */
    uint64_t count;
    const void *values; /* little-endian; not read if there are none */
};
bool fl_h5_column(hid_t file, const struct fl_h5_column *column);

/* A group /columns that says of every dataset so far its path, units and long_name, as text columns: for
 * GNU Octave, whose load() shows no attributes and changes names. */
bool fl_h5_directory(hid_t file);

/* The innermost complaint of the last failure. */
enum { FL_H5_REASON = 256 };
void fl_h5_reason(char reason[FL_H5_REASON]);

#endif
