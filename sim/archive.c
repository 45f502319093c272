/* The archive of a run on disk.
 *
 * HDF5 builds trace.h5 in memory and never sees the disk: after a failed write its close fails too,
 * and tries again at exit. So every byte reaches the disk through stdio, whose failures are ours to
 * report, and the files get their names only when all three are complete. */
#include "sim/archive.h"

#include "sim/alloc.h"
#include "sim/columns.h"
#include "sim/unit_text.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <hdf5.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { FORMAT_VERSION = 1, CHUNK = 1 << 16, DEFLATE_LEVEL = 1, PATH_BYTES = 4096 };
static const size_t IMAGE_GROWTH_BYTES = (size_t)1 << 20;

#ifndef FL_VERSION
#define FL_VERSION "unknown"
#endif
#ifndef FL_BUILD_COMPILER
#define FL_BUILD_COMPILER __VERSION__
#endif
#ifndef FL_BUILD_FLAGS
#define FL_BUILD_FLAGS "unknown"
#endif
#ifndef FL_BUILD_GIT
#define FL_BUILD_GIT "unknown"
#endif

/* The sentence of the last failure, lent to the caller. */
static char failure[PATH_BYTES + 512];

__attribute__((format(printf, 1, 2))) static const char *fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(failure, sizeof failure, format, args);
    va_end(args);
    return failure;
}

/* --- content hash ----------------------------------------------------------------------------------- */

static void hash_number(XXH3_state_t *hash, uint64_t number)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(number >> (8 * i));
    }
    XXH3_128bits_update(hash, bytes, sizeof bytes);
}

/* Lengths go first, so that no two contents share a stream of bytes. */
static void hash_bytes(XXH3_state_t *hash, const void *bytes, size_t count)
{
    hash_number(hash, count);
    XXH3_128bits_update(hash, bytes, count);
}

static void hash_columns(XXH3_state_t *hash, const struct fl_columns *columns)
{
    for (uint32_t i = 0; i < columns->count; i++) {
        const struct fl_archive_column *column = &columns->at[i];
        unsigned char *values = fl_column_values(columns, i);
        hash_bytes(hash, column->path, strlen(column->path));
        hash_number(hash, (uint64_t)column->type);
        hash_number(hash, column->width);
        hash_bytes(hash, values, column->count * column->width);
        free(values);
    }
}

void fl_archive_content_hash(const struct fl_config *config, const struct fl_result *result,
                             char out[33])
{
    XXH3_state_t *hash = XXH3_createState();
    if (!hash) {
        fl_out_of_memory();
    }
    XXH3_128bits_reset(hash);
    struct fl_columns *columns = fl_columns_new(config, result);
    hash_columns(hash, columns);
    fl_columns_free(columns);
    hash_bytes(hash, config->resolved, strlen(config->resolved));
    const XXH128_hash_t digest = XXH3_128bits_digest(hash);
    XXH3_freeState(hash);
    fl_digest_text((struct fl_digest){.lo = digest.low64, .hi = digest.high64}, out);
}

/* --- HDF5 -------------------------------------------------------------------------------------------- */

static hid_t type_new(enum fl_column_type type, uint32_t width)
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
    case FL_COLUMN_TEXT: {
        const hid_t text = H5Tcopy(H5T_C_S1);
        if (text >= 0 && (H5Tset_size(text, width) < 0 || H5Tset_cset(text, H5T_CSET_UTF8) < 0 ||
                          H5Tset_strpad(text, H5T_STR_NULLPAD) < 0)) {
            H5Tclose(text);
            return -1;
        }
        return text;
    }
    }
    FL_UNREACHABLE("type of a column");
}

static bool write_attribute(hid_t object, const char *name, hid_t type, const void *value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute =
        space < 0 ? -1 : H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = attribute >= 0 && H5Awrite(attribute, type, value) >= 0;
    ok = (attribute < 0 || H5Aclose(attribute) >= 0) && ok;
    ok = (space < 0 || H5Sclose(space) >= 0) && ok;
    return ok;
}

static bool write_text(hid_t object, const char *name, const char *text)
{
    const size_t length = strlen(text);
    FL_ASSERT(length < UINT32_MAX);
    /* HDF5 has no empty strings of fixed length: one NUL stands for none. */
    const hid_t type = type_new(FL_COLUMN_TEXT, length > 0 ? (uint32_t)length : 1);
    const bool ok = type >= 0 && write_attribute(object, name, type, text);
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

static bool write_values(hid_t dataset, hid_t type, const struct fl_columns *columns,
                         uint32_t index)
{
    const struct fl_archive_column *column = &columns->at[index];
    bool ok = true;
    if (column->count > 0) {
        unsigned char *values = fl_column_values(columns, index);
        ok = H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
        free(values);
    }
    return ok && write_text(dataset, "units", column->units) &&
           write_text(dataset, "long_name", column->long_name);
}

static bool write_column(hid_t file, const struct fl_columns *columns, uint32_t index)
{
    const struct fl_archive_column *column = &columns->at[index];
    const hsize_t count = column->count;
    const hid_t type = type_new(column->type, column->width);
    const hid_t space = H5Screate_simple(1, &count, NULL);
    const hid_t list = timeless_new(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    if (type >= 0 && space >= 0 && list >= 0 && set_layout(list, column->count)) {
        dataset = H5Dcreate2(file, column->path, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    }
    bool ok = dataset >= 0 && write_values(dataset, type, columns, index);
    ok = (dataset < 0 || H5Dclose(dataset) >= 0) && ok;
    ok = (list < 0 || H5Pclose(list) >= 0) && ok;
    ok = (space < 0 || H5Sclose(space) >= 0) && ok;
    ok = (type < 0 || H5Tclose(type) >= 0) && ok;
    return ok;
}

/* The text of a record kind's clause, if this is the group of one. */
static const char *story_of(const char *group)
{
    static const char prefix[] = "/events/";
    if (strncmp(group, prefix, sizeof prefix - 1) != 0) {
        return NULL;
    }
    for (const struct fl_record_kind *kind = fl_record_kinds; kind->kind; kind++) {
        if (strcmp(kind->name, group + sizeof prefix - 1) == 0) {
            return kind->story;
        }
    }
    return NULL;
}

static bool make_group(hid_t file, const char *path)
{
    const hid_t list = timeless_new(H5P_GROUP_CREATE);
    const hid_t group = list < 0 ? -1 : H5Gcreate2(file, path, H5P_DEFAULT, list, H5P_DEFAULT);
    const char *story = story_of(path);
    bool ok = group >= 0 && (!story || write_text(group, "story", story));
    ok = (group < 0 || H5Gclose(group) >= 0) && ok;
    ok = (list < 0 || H5Pclose(list) >= 0) && ok;
    return ok;
}

/* Makes the groups above a dataset. The columns come in path order, so a group that the one before
 * has in common exists. */
static bool make_groups(hid_t file, const char *before, const char *path)
{
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        const size_t length = (size_t)(slash - path);
        if (strncmp(before, path, length + 1) == 0) {
            continue;
        }
        char group[FL_PATH_MAX];
        memcpy(group, path, length);
        group[length] = '\0';
        if (!make_group(file, group)) {
            return false;
        }
    }
    return true;
}

static bool write_root(hid_t root, const struct fl_config *config, const struct fl_result *result,
                       const char *content_hash, const char *summary)
{
    const int64_t version = FORMAT_VERSION;
    char seed[FL_UNIT_TEXT], digest[33];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)config->seed);
    fl_digest_text(result->digest, digest);
    return write_attribute(root, "format_version", H5T_NATIVE_INT64, &version) &&
           write_text(root, "faultline_version", FL_VERSION) &&
           write_text(root, "name", config->name) && write_text(root, "why", config->why) &&
           write_text(root, "seed", seed) && write_text(root, "digest", digest) &&
           write_text(root, "content_hash", content_hash) &&
           write_text(root, "overrides", config->overrides) &&
           write_text(root, "scenario_json", config->raw) &&
           write_text(root, "scenario_resolved_json", config->resolved) &&
           write_text(root, "summary_json", summary);
}

static bool write_trace(hid_t file, const struct fl_columns *columns, const char *content_hash,
                        const char *summary)
{
    const char *before = "";
    for (uint32_t i = 0; i < columns->count; i++) {
        if (!make_groups(file, before, columns->at[i].path) || !write_column(file, columns, i)) {
            return false;
        }
        before = columns->at[i].path;
    }
    return write_root(file, columns->config, columns->result, content_hash, summary);
}

/* A file in memory, in HDF5's oldest layout: of a newer one H5Fget_file_image in 1.10.8 clears a flag
 * without correcting the checksum over it, and nothing can open the result. Only the header of the
 * root is asked to be newer, by tracking the order of attributes: older ones hold no attribute
 * above 64 KiB, and a scenario with a price path is longer. */
static hid_t memory_file_new(void)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    const hid_t create = timeless_new(H5P_FILE_CREATE);
    hid_t file = -1;
    if (access >= 0 && create >= 0 && H5Pset_fapl_core(access, IMAGE_GROWTH_BYTES, false) >= 0 &&
        H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V110) >= 0 &&
        H5Pset_attr_creation_order(create, H5P_CRT_ORDER_TRACKED) >= 0) {
        file = H5Fcreate("trace.h5", H5F_ACC_TRUNC, create, access);
    }
    if (access >= 0) {
        H5Pclose(access);
    }
    if (create >= 0) {
        H5Pclose(create);
    }
    return file;
}

struct image {
    unsigned char *bytes;
    size_t count;
};

static bool take_image(hid_t file, struct image *image)
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
        snprintf(out, 256, "%s", error->desc ? error->desc : "no reason given");
    }
    return 0;
}

static const char *build_trace(const struct fl_columns *columns, const char *content_hash,
                               const char *summary, struct image *image)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const hid_t file = memory_file_new();
    bool ok = file >= 0 && write_trace(file, columns, content_hash, summary) &&
              take_image(file, image);
    char reason[256] = "no reason given";
    if (!ok) {
        H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_complaint, reason);
    }
    ok = (file < 0 || H5Fclose(file) >= 0) && ok;
    return ok ? NULL : fail("trace.h5: HDF5 could not build the file: %s", reason);
}

/* --- build facts -------------------------------------------------------------------------------------- */

/* In libz, which libhdf5 brings along: its version decides the bytes on disk. */
extern const char *zlibVersion(void) __attribute__((weak));

static char *build_text(void)
{
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    char hdf5[32], xxhash[32];
    snprintf(hdf5, sizeof hdf5, "%u.%u.%u", major, minor, release);
    const unsigned xx = XXH_versionNumber();
    snprintf(xxhash, sizeof xxhash, "%u.%u.%u", xx / 10000, xx / 100 % 100, xx % 100);

    cJSON *facts = cJSON_CreateObject();
    cJSON_AddStringToObject(facts, "faultline", FL_VERSION);
    cJSON_AddStringToObject(facts, "git", FL_BUILD_GIT);
    cJSON_AddStringToObject(facts, "compiler", FL_BUILD_COMPILER);
    cJSON_AddStringToObject(facts, "flags", FL_BUILD_FLAGS);
    cJSON_AddStringToObject(facts, "hdf5", hdf5);
    cJSON_AddStringToObject(facts, "zlib", zlibVersion ? zlibVersion() : "unknown");
    cJSON_AddStringToObject(facts, "xxhash", xxhash);
    cJSON_AddStringToObject(facts, "cjson", cJSON_Version());
    cJSON_AddStringToObject(facts, "libc", gnu_get_libc_version());
    char *text = cJSON_Print(facts);
    cJSON_Delete(facts);
    if (!text) {
        fl_out_of_memory();
    }
    return text;
}

/* --- the disk ----------------------------------------------------------------------------------------- */

static const char *make_directories(const char *directory)
{
    char path[PATH_BYTES];
    const size_t length = strlen(directory);
    if (length == 0 || length >= sizeof path) {
        return fail("the name of the results folder is %s", length == 0 ? "empty" : "too long");
    }
    memcpy(path, directory, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        path[i] = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST) {
            return fail("cannot make the folder %s: %s", path, strerror(errno));
        }
        path[i] = directory[i];
    }
    struct stat found;
    if (stat(directory, &found) != 0) {
        return fail("cannot use the folder %s: %s", directory, strerror(errno));
    }
    return S_ISDIR(found.st_mode) ? NULL : fail("%s is not a folder", directory);
}

static const char *write_file(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    if (!file) {
        return fail("cannot write %s: %s", path, strerror(errno));
    }
    errno = 0;
    bool ok = fwrite(bytes, 1, count, file) == count;
    ok = fflush(file) == 0 && ok;
    int reason = errno;
    if (fclose(file) != 0 && ok) {
        ok = false;
        reason = errno;
    }
    return ok ? NULL : fail("cannot write %s: %s", path, strerror(reason ? reason : EIO));
}

enum { FILES = 3 };
struct files {
    char path[FILES][PATH_BYTES + 16], tmp[FILES][PATH_BYTES + 24];
    const void *bytes[FILES];
    size_t count[FILES];
};

/* The trace comes last: while it is missing the folder does not look finished. */
static const char *publish(const struct files *files)
{
    const char *trace = files->path[FILES - 1];
    if (unlink(trace) != 0 && errno != ENOENT) {
        return fail("cannot replace %s: %s", trace, strerror(errno));
    }
    for (int i = 0; i < FILES; i++) {
        if (rename(files->tmp[i], files->path[i]) != 0) {
            return fail("cannot rename %s: %s", files->tmp[i], strerror(errno));
        }
    }
    return NULL;
}

static const char *write_files(const char *directory, struct files *files)
{
    static const char *const name[FILES] = {"summary.json", "build.json", "trace.h5"};
    const char *problem = NULL;
    for (int i = 0; i < FILES; i++) {
        snprintf(files->path[i], sizeof files->path[i], "%s/%s", directory, name[i]);
        snprintf(files->tmp[i], sizeof files->tmp[i], "%s/%s.tmp", directory, name[i]);
    }
    for (int i = 0; i < FILES && !problem; i++) {
        problem = write_file(files->tmp[i], files->bytes[i], files->count[i]);
    }
    problem = problem ? problem : publish(files);
    for (int i = 0; i < FILES && problem; i++) {
        unlink(files->tmp[i]);
    }
    return problem;
}

const char *fl_archive_write(const struct fl_config *config, const struct fl_result *result,
                             const char *content_hash, const char *summary, const char *directory)
{
    const char *problem = make_directories(directory);
    if (problem) {
        return problem;
    }
    struct fl_columns *columns = fl_columns_new(config, result);
    struct image image = {NULL, 0};
    problem = build_trace(columns, content_hash, summary, &image);
    fl_columns_free(columns);
    if (!problem) {
        char *build = build_text();
        struct files *files = fl_alloc(1, sizeof *files);
        files->bytes[0] = summary;
        files->count[0] = strlen(summary);
        files->bytes[1] = build;
        files->count[1] = strlen(build);
        files->bytes[2] = image.bytes;
        files->count[2] = image.count;
        problem = write_files(directory, files);
        free(files);
        free(build);
    }
    free(image.bytes);
    return problem;
}
