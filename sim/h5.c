/* One way to write each thing, chosen so that time and memory layout leave no mark in the bytes. */
#include "sim/h5.h"

#include "sim/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 16, DEFLATE_LEVEL = 1 };
static const size_t IMAGE_GROWTH_BYTES = (size_t)1 << 20;

static hid_t text_new(uint32_t width, H5T_cset_t letters)
{
    const hid_t text = H5Tcopy(H5T_C_S1);
    if (text >= 0 && (H5Tset_size(text, width) < 0 || H5Tset_cset(text, letters) < 0 ||
                      H5Tset_strpad(text, H5T_STR_NULLPAD) < 0)) {
        H5Tclose(text);
        return -1;
    }
    return text;
}

static hid_t number_new(enum fl_column_type type)
{
    switch (type) {
    case FL_COLUMN_INT64:
        return H5Tcopy(H5T_STD_I64LE);
    case FL_COLUMN_UINT64:
        return H5Tcopy(H5T_STD_U64LE);
    case FL_COLUMN_UINT32:
        return H5Tcopy(H5T_STD_U32LE);
    case FL_COLUMN_UINT16:
        return H5Tcopy(H5T_STD_U16LE);
    case FL_COLUMN_UINT8:
        return H5Tcopy(H5T_STD_U8LE);
    case FL_COLUMN_FLOAT64:
        return H5Tcopy(H5T_IEEE_F64LE);
    case FL_COLUMN_TEXT:
        break;
    }
    FL_UNREACHABLE("type of a column of numbers");
}

static H5T_cset_t letters_of(const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] >= 0x80) {
            return H5T_CSET_UTF8;
        }
    }
    return H5T_CSET_ASCII;
}

/* What the values are in memory, and in the file. GNU Octave reads text as C strings in ASCII: HDF5
 * refuses to make that of UTF-8, even where the bytes are the same, and cuts off the last byte of a
 * string that fills its cell. So cells in the file are one byte wider. */
struct types {
    hid_t memory, file;
};
static struct types types_new(const struct fl_h5_column *column)
{
    if (column->type != FL_COLUMN_TEXT) {
        return (struct types){number_new(column->type), number_new(column->type)};
    }
    const H5T_cset_t letters = letters_of(column->values, column->count * column->width);
    return (struct types){text_new(column->width, letters), text_new(column->width + 1, letters)};
}

bool fl_h5_attribute(hid_t object, const char *name, hid_t type, const void *value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute =
        space < 0 ? -1 : H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = attribute >= 0 && H5Awrite(attribute, type, value) >= 0;
    ok = (attribute < 0 || H5Aclose(attribute) >= 0) && ok;
    ok = (space < 0 || H5Sclose(space) >= 0) && ok;
    return ok;
}

bool fl_h5_text(hid_t object, const char *name, const char *text)
{
    const size_t length = strlen(text);
    FL_ASSERT(length < UINT32_MAX);
    /* HDF5 has no empty strings of fixed length: one NUL stands for none. */
    const hid_t type = text_new(length > 0 ? (uint32_t)length : 1, H5T_CSET_UTF8);
    const bool ok = type >= 0 && fl_h5_attribute(object, name, type, text);
    return (type < 0 || H5Tclose(type) >= 0) && ok;
}

/* Property list for objects without a time of creation, which would change the bytes. */
static hid_t timeless_new(hid_t class)
{
    const hid_t list = H5Pcreate(class);
    if (list >= 0 && H5Pset_obj_track_times(list, false) < 0) {
        H5Pclose(list);
        return -1;
    }
    return list;
}

static bool set_layout(hid_t list, uint64_t count)
{
    if (count == 0) {
        return true; /* a chunk may not be larger than the dataset, and cannot be empty */
    }
    const hsize_t chunk = count < CHUNK ? count : CHUNK;
    return H5Pset_chunk(list, 1, &chunk) >= 0 && H5Pset_shuffle(list) >= 0 &&
           H5Pset_deflate(list, DEFLATE_LEVEL) >= 0;
}

static bool write_values(hid_t dataset, hid_t type, const struct fl_h5_column *column)
{
    return (column->count == 0 ||
            H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, column->values) >= 0) &&
           fl_h5_text(dataset, "units", column->units) &&
           fl_h5_text(dataset, "long_name", column->long_name);
}

bool fl_h5_column(hid_t file, const struct fl_h5_column *column)
{
    const hsize_t count = column->count;
    const struct types type = types_new(column);
    const hid_t space = H5Screate_simple(1, &count, NULL);
    const hid_t list = timeless_new(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    if (type.memory >= 0 && type.file >= 0 && space >= 0 && list >= 0 &&
        set_layout(list, column->count)) {
        dataset = H5Dcreate2(file, column->path, type.file, space, H5P_DEFAULT, list, H5P_DEFAULT);
    }
    bool ok = dataset >= 0 && write_values(dataset, type.memory, column);
    ok = (dataset < 0 || H5Dclose(dataset) >= 0) && ok;
    ok = (list < 0 || H5Pclose(list) >= 0) && ok;
    ok = (space < 0 || H5Sclose(space) >= 0) && ok;
    ok = (type.memory < 0 || H5Tclose(type.memory) >= 0) && ok;
    ok = (type.file < 0 || H5Tclose(type.file) >= 0) && ok;
    return ok;
}

bool fl_h5_group(hid_t file, const char *path, const char *story)
{
    const hid_t list = timeless_new(H5P_GROUP_CREATE);
    const hid_t group = list < 0 ? -1 : H5Gcreate2(file, path, H5P_DEFAULT, list, H5P_DEFAULT);
    bool ok = group >= 0 && (!story || fl_h5_text(group, "story", story));
    ok = (group < 0 || H5Gclose(group) >= 0) && ok;
    ok = (list < 0 || H5Pclose(list) >= 0) && ok;
    return ok;
}

/* --- what there is ------------------------------------------------------------------------------------ */

enum { ABOUT_PATH, ABOUT_UNITS, ABOUT_LONG_NAME, ABOUTS };
static const char *const about_name[ABOUTS] = {"path", "units", "long_name"};

struct directory {
    char **text[ABOUTS];
    uint32_t count, room[ABOUTS];
};

/* The caller frees it; NULL after a failure. */
static char *read_text(hid_t object, const char *name)
{
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    const hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
    char *text = type < 0 ? NULL : fl_alloc(H5Tget_size(type) + 1, 1);
    if (text && H5Aread(attribute, type, text) < 0) {
        free(text);
        text = NULL;
    }
    if (type >= 0) {
        H5Tclose(type);
    }
    if (attribute >= 0) {
        H5Aclose(attribute);
    }
    return text;
}

static bool add_about(struct directory *all, const char *name, hid_t dataset)
{
    char *text[ABOUTS] = {fl_alloc(strlen(name) + 2, 1)};
    strcat(strcpy(text[ABOUT_PATH], "/"), name);
    bool ok = true;
    for (int i = ABOUT_UNITS; i < ABOUTS; i++) {
        text[i] = read_text(dataset, about_name[i]);
        ok = ok && text[i];
    }
    for (int i = 0; i < ABOUTS; i++) {
        all->text[i] = fl_grow(all->text[i], all->count, &all->room[i], sizeof *all->text[i]);
        all->text[i][all->count] = text[i];
    }
    all->count++;
    return ok;
}

static herr_t visit(hid_t file, const char *name, const H5L_info_t *info, void *data)
{
    (void)info;
    const hid_t object = H5Oopen(file, name, H5P_DEFAULT);
    const bool ok = object >= 0 &&
                    (H5Iget_type(object) != H5I_DATASET || add_about(data, name, object));
    return object >= 0 && H5Oclose(object) >= 0 && ok ? 0 : -1;
}

static bool write_about(hid_t file, const char *name, const char *long_name, char *const *text,
                        uint32_t count)
{
    size_t width = 1;
    for (uint32_t i = 0; i < count; i++) {
        width = strlen(text[i]) > width ? strlen(text[i]) : width;
    }
    char path[32], *values = fl_alloc(count, width);
    snprintf(path, sizeof path, "/columns/%s", name);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(values + i * width, text[i], strlen(text[i]));
    }
    const struct fl_h5_column column = {.path = path,
                                        .units = "text",
                                        .long_name = long_name,
                                        .type = FL_COLUMN_TEXT,
                                        .width = (uint32_t)width,
                                        .count = count,
                                        .values = values};
    const bool ok = fl_h5_column(file, &column);
    free(values);
    return ok;
}

bool fl_h5_directory(hid_t file)
{
    static const char *const long_name[ABOUTS] = {"a dataset of this file", "its units",
                                                  "what it holds"};
    struct directory all = {0};
    bool ok = H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, visit, &all) >= 0 &&
              fl_h5_group(file, "/columns", "units and meaning of all datasets, as text");
    for (int i = 0; i < ABOUTS; i++) {
        ok = ok && write_about(file, about_name[i], long_name[i], all.text[i], all.count);
        for (uint32_t k = 0; k < all.count; k++) {
            free(all.text[i][k]);
        }
        free(all.text[i]);
    }
    return ok;
}

/* --- files -------------------------------------------------------------------------------------------- */

/* A file in memory, in HDF5's oldest layout: of a newer one H5Fget_file_image in 1.10.8 clears a flag
 * without correcting the checksum over it, and nothing can open the result. Only the header of the
 * root is asked to be newer, by tracking the order of attributes: older ones hold no attribute
 * above 64 KiB, and a scenario with a price path is longer. */
hid_t fl_h5_new(void)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    const hid_t create = timeless_new(H5P_FILE_CREATE);
    hid_t file = -1;
    if (access >= 0 && create >= 0 && H5Pset_fapl_core(access, IMAGE_GROWTH_BYTES, false) >= 0 &&
        H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V110) >= 0 &&
        H5Pset_attr_creation_order(create, H5P_CRT_ORDER_TRACKED) >= 0) {
        file = H5Fcreate("memory.h5", H5F_ACC_TRUNC, create, access);
    }
    if (access >= 0) {
        H5Pclose(access);
    }
    if (create >= 0) {
        H5Pclose(create);
    }
    return file;
}

bool fl_h5_take(hid_t file, struct fl_h5_image *image)
{
    if (H5Fflush(file, H5F_SCOPE_LOCAL) < 0) {
        return false;
    }
    const ssize_t count = H5Fget_file_image(file, NULL, 0);
    if (count <= 0) {
        return false;
    }
    image->count = (size_t)count;
    image->bytes = fl_alloc(image->count, 1);
    return H5Fget_file_image(file, image->bytes, image->count) == count;
}

/* The innermost complaint of HDF5's error stack. */
static herr_t first_complaint(unsigned depth, const H5E_error2_t *error, void *out)
{
    if (depth == 0) {
        snprintf(out, FL_H5_REASON, "%s", error->desc ? error->desc : "no reason given");
    }
    return 0;
}

void fl_h5_reason(char reason[FL_H5_REASON])
{
    snprintf(reason, FL_H5_REASON, "no reason given");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_complaint, reason);
}
