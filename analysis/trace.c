/* A reader of trace.h5 and sweep.h5. */
#include "analysis/trace.h"

#include "sim/alloc.h"

#include <errno.h>
#include <hdf5.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The newest layout this program knows; older ones are read too. */
enum { NEWEST_FORMAT = 1, ERROR_BYTES = 4608, PATH_BYTES = 4096 };

struct fl_trace {
    hid_t file;
    char path[PATH_BYTES];
    char error[ERROR_BYTES];
};

__attribute__((format(printf, 2, 3))) static void complain(struct fl_trace *trace,
                                                           const char *format, ...)
{
    const int used = snprintf(trace->error, sizeof trace->error, "%s: ", trace->path);
    va_list args;
    va_start(args, format);
    vsnprintf(trace->error + used, sizeof trace->error - (size_t)used, format, args);
    va_end(args);
}

/* --- opening --------------------------------------------------------------------------------------- */

/* 0 if there is no such attribute. */
static int64_t read_format_version(hid_t file)
{
    int64_t version = 0;
    const hid_t attribute = H5Aopen(file, "format_version", H5P_DEFAULT);
    if (attribute < 0) {
        return 0;
    }
    const hid_t space = H5Aget_space(attribute);
    const bool scalar = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
    if (!scalar || H5Aread(attribute, H5T_NATIVE_INT64, &version) < 0) {
        version = 0;
    }
    if (space >= 0) {
        H5Sclose(space);
    }
    H5Aclose(attribute);
    return version;
}

static bool open_file(struct fl_trace *trace)
{
    if (access(trace->path, R_OK) != 0) {
        complain(trace, "%s", strerror(errno));
        return false;
    }
    trace->file = H5Fopen(trace->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (trace->file < 0) {
        complain(trace, "not an HDF5 file, or cut short");
        return false;
    }
    const int64_t version = read_format_version(trace->file);
    if (version <= 0) {
        complain(trace, "not a faultline trace (it has no format_version)");
        return false;
    }
    if (version > NEWEST_FORMAT) {
        complain(trace, "written by a newer faultline (format %lld; this program reads up to %d)",
                 (long long)version, NEWEST_FORMAT);
        return false;
    }
    return true;
}

static struct fl_trace *open_in(const char *directory, const char *name, char *error, size_t bytes)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    struct fl_trace *trace = fl_alloc(1, sizeof *trace);
    trace->file = -1;
    snprintf(trace->path, sizeof trace->path, "%s/%s", directory, name);
    if (!open_file(trace)) {
        snprintf(error, bytes, "%s", trace->error);
        fl_trace_close(trace);
        return NULL;
    }
    return trace;
}

struct fl_trace *fl_trace_open(const char *directory, char *error, size_t bytes)
{
    return open_in(directory, "trace.h5", error, bytes);
}

struct fl_trace *fl_trace_open_sweep(const char *directory, char *error, size_t bytes)
{
    return open_in(directory, "sweep.h5", error, bytes);
}

void fl_trace_close(struct fl_trace *trace)
{
    if (trace->file >= 0) {
        H5Fclose(trace->file);
    }
    free(trace);
}

const char *fl_trace_error(const struct fl_trace *trace)
{
    return trace->error;
}

/* --- columns --------------------------------------------------------------------------------------- */

/* H5Lexists complains about a path whose parent is missing, so each step is asked for. */
bool fl_trace_has(const struct fl_trace *trace, const char *path)
{
    char prefix[PATH_BYTES];
    for (const char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        const size_t length = slash ? (size_t)(slash - path) : strlen(path);
        if (length >= sizeof prefix) {
            return false;
        }
        memcpy(prefix, path, length);
        prefix[length] = '\0';
        if (H5Lexists(trace->file, prefix, H5P_DEFAULT) <= 0) {
            return false;
        }
        if (!slash) {
            return true;
        }
    }
}

struct opened {
    hid_t dataset, type;
    H5T_class_t class;
    size_t width, count;
    bool is_unsigned;
};

static bool measure(struct opened *column)
{
    const hid_t space = H5Dget_space(column->dataset);
    const hssize_t count = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    const int rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    if (space >= 0) {
        H5Sclose(space);
    }
    column->type = H5Dget_type(column->dataset);
    if (count < 0 || rank != 1 || column->type < 0) {
        return false;
    }
    column->count = (size_t)count;
    column->class = H5Tget_class(column->type);
    column->width = H5Tget_size(column->type);
    column->is_unsigned = column->class == H5T_INTEGER && H5Tget_sign(column->type) == H5T_SGN_NONE;
    return true;
}

static void close_column(struct opened *column)
{
    if (column->type >= 0) {
        H5Tclose(column->type);
    }
    if (column->dataset >= 0) {
        H5Dclose(column->dataset);
    }
}

static bool open_column(struct fl_trace *trace, const char *path, struct opened *column)
{
    *column = (struct opened){.dataset = -1, .type = -1};
    if (!fl_trace_has(trace, path)) {
        complain(trace, "there is no %s", path);
        return false;
    }
    column->dataset = H5Dopen2(trace->file, path, H5P_DEFAULT);
    if (column->dataset < 0 || !measure(column)) {
        complain(trace, "%s is not a column", path);
        close_column(column);
        return false;
    }
    return true;
}

enum fl_trace_type fl_trace_type(struct fl_trace *trace, const char *path)
{
    struct opened column;
    if (!open_column(trace, path, &column)) {
        return 0;
    }
    const enum fl_trace_type type = column.class == H5T_INTEGER  ? FL_TRACE_SIGNED
                                    : column.class == H5T_FLOAT  ? FL_TRACE_FLOAT
                                    : column.class == H5T_STRING ? FL_TRACE_TEXT
                                                                 : 0;
    close_column(&column);
    return column.is_unsigned ? FL_TRACE_UNSIGNED : type;
}

/* Reads the whole column as `type`, or complains and frees. */
static void *read_column(struct fl_trace *trace, const char *path, const struct opened *column,
                         hid_t type, void *values)
{
    if (H5Dread(column->dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
        complain(trace, "%s is damaged", path);
        free(values);
        return NULL;
    }
    return values;
}

static void *read_numbers(struct fl_trace *trace, const char *path, bool as_float, size_t *count)
{
    struct opened column;
    *count = 0;
    if (!open_column(trace, path, &column)) {
        return NULL;
    }
    void *values = NULL;
    if (column.class == H5T_INTEGER || (as_float && column.class == H5T_FLOAT)) {
        const hid_t type = as_float             ? H5T_NATIVE_DOUBLE
                           : column.is_unsigned ? H5T_NATIVE_UINT64
                                                : H5T_NATIVE_INT64;
        *count = column.count;
        values = read_column(trace, path, &column, type, fl_alloc(column.count, 8));
    } else {
        complain(trace, "%s does not hold %s", path, as_float ? "numbers" : "integers");
    }
    close_column(&column);
    return values;
}

int64_t *fl_trace_int64(struct fl_trace *trace, const char *path, size_t *count)
{
    return read_numbers(trace, path, false, count);
}

double *fl_trace_float64(struct fl_trace *trace, const char *path, size_t *count)
{
    return read_numbers(trace, path, true, count);
}

/* One block: the pointers, then `count` cells of `width` bytes and a NUL each. */
static char **text_block(size_t count, size_t width)
{
    const size_t cell = width + 1;
    if (count > 0 && cell + sizeof(char *) > SIZE_MAX / count) {
        fl_out_of_memory();
    }
    char **text = fl_alloc(count, sizeof(char *) + cell);
    char *cells = (char *)(text + count);
    for (size_t i = 0; i < count; i++) {
        text[i] = cells + i * cell;
    }
    return text;
}

char **fl_trace_text(struct fl_trace *trace, const char *path, size_t *count)
{
    struct opened column;
    *count = 0;
    if (!open_column(trace, path, &column)) {
        return NULL;
    }
    char **text = NULL;
    if (column.class == H5T_STRING && H5Tis_variable_str(column.type) == 0) {
        unsigned char *cells =
            read_column(trace, path, &column, column.type, fl_alloc(column.count, column.width));
        text = cells ? text_block(column.count, column.width) : NULL;
        for (size_t i = 0; text && i < column.count; i++) {
            memcpy(text[i], cells + i * column.width, column.width);
        }
        *count = text ? column.count : 0;
        free(cells);
    } else {
        complain(trace, "%s does not hold text", path);
    }
    close_column(&column);
    return text;
}

/* --- attributes and groups --------------------------------------------------------------------------- */

static char *read_attribute(hid_t attribute)
{
    const hid_t type = H5Aget_type(attribute);
    char *text = NULL;
    if (type >= 0 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0) {
        text = fl_alloc(H5Tget_size(type) + 1, 1);
        if (H5Aread(attribute, type, text) < 0) {
            free(text);
            text = NULL;
        }
    }
    if (type >= 0) {
        H5Tclose(type);
    }
    return text;
}

char *fl_trace_attribute(struct fl_trace *trace, const char *object, const char *name)
{
    const bool is_root = strcmp(object, "/") == 0;
    if ((!is_root && !fl_trace_has(trace, object)) ||
        H5Aexists_by_name(trace->file, object, name, H5P_DEFAULT) <= 0) {
        complain(trace, "there is no attribute %s of %s", name, object);
        return NULL;
    }
    const hid_t attribute = H5Aopen_by_name(trace->file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    char *text = attribute < 0 ? NULL : read_attribute(attribute);
    if (attribute >= 0) {
        H5Aclose(attribute);
    }
    if (!text) {
        complain(trace, "attribute %s of %s is not text", name, object);
    }
    return text;
}

enum { CHILD_NAME = 256 };
struct children {
    char (*name)[CHILD_NAME];
    size_t count;
};

static herr_t collect(hid_t group, const char *name, const H5L_info_t *info, void *data)
{
    (void)group;
    (void)info;
    struct children *all = data;
    if (strlen(name) < CHILD_NAME) {
        all->name = fl_realloc(all->name, all->count + 1, CHILD_NAME);
        strcpy(all->name[all->count++], name);
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

char **fl_trace_children(struct fl_trace *trace, const char *group, size_t *count)
{
    struct children all = {NULL, 0};
    if (fl_trace_has(trace, group)) {
        hsize_t next = 0;
        H5Literate_by_name(trace->file, group, H5_INDEX_NAME, H5_ITER_NATIVE, &next, collect, &all,
                           H5P_DEFAULT);
    }
    if (all.count > 0) {
        qsort(all.name, all.count, sizeof *all.name, by_name);
    }
    char **names = text_block(all.count, CHILD_NAME);
    for (size_t i = 0; i < all.count; i++) {
        strcpy(names[i], all.name[i]);
    }
    *count = all.count;
    free(all.name);
    return names;
}
