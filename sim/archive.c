/* The archive of a run: columns and facts to an HDF5 file in memory, and all files to the disk. */
#include "sim/archive.h"

#include "sim/alloc.h"
#include "sim/columns.h"
#include "sim/disk.h"
#include "sim/h5.h"
#include "sim/unit_text.h"

#include <cjson/cJSON.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { FORMAT_VERSION = 1 };

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

static bool write_column(hid_t file, const struct fl_columns *columns, uint32_t index)
{
    const struct fl_archive_column *column = &columns->at[index];
    unsigned char *values = column->count > 0 ? fl_column_values(columns, index) : NULL;
    const struct fl_h5_column out = {.path = column->path,
                                     .units = column->units,
                                     .long_name = column->long_name,
                                     .type = column->type,
                                     .width = column->width,
                                     .count = column->count,
                                     .values = values};
    const bool ok = fl_h5_column(file, &out);
    free(values);
    return ok;
}

/* What a group holds: of a kind of records the text of its clause; NULL where the group above says it,
 * as of one part's series. */
static const char *story_of(const char *group)
{
    static const char events[] = "/events/";
    static const char *const stories[][2] = {
        {"/checks", "verdict of each check"},
        {"/events", "records by kind; each names its cause in `parent`"},
        {"/faults", "faults of the scenario: whom they struck, when, and what they did"},
        {"/messages", "messages between nodes, and what became of each"},
        {"/nodes", "nodes by number, as `endpoint` names them"},
        {"/series", "what was published at each sample; of one part in a group of its name"}};
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        if (strcmp(stories[i][0], group) == 0) {
            return stories[i][1];
        }
    }
    const struct fl_record_kind *kind = fl_record_kinds;
    const bool is_kind = strncmp(group, events, sizeof events - 1) == 0;
    while (is_kind && kind->kind && strcmp(kind->name, group + sizeof events - 1) != 0) {
        kind++;
    }
    return is_kind ? kind->story : NULL;
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
        if (!fl_h5_group(file, group, story_of(group))) {
            return false;
        }
    }
    return true;
}

/* What the kinds of messages are called, group by group; the caller frees it. */
static char *message_names(const struct fl_config *config)
{
    cJSON *list = cJSON_CreateArray();
    for (uint32_t i = 0; i < config->group_count; i++) {
        for (int family = 1; family < FL_LAYERS; family++) {
            const struct fl_model *model = config->group[i].layer[family].model;
            const struct fl_message_name *at = model ? model->node->messages : NULL;
            for (; at && at->name; at++) {
                cJSON *entry = cJSON_CreateObject();
                cJSON_AddStringToObject(entry, "group", config->group[i].name);
                cJSON_AddNumberToObject(entry, "family", family);
                cJSON_AddNumberToObject(entry, "kind", at->kind);
                cJSON_AddStringToObject(entry, "name", at->name);
                cJSON_AddItemToArray(list, entry);
            }
        }
    }
    char *text = cJSON_PrintUnformatted(list);
    cJSON_Delete(list);
    if (!text) {
        fl_out_of_memory();
    }
    return text;
}

static bool write_message_names(hid_t root, const struct fl_config *config)
{
    if (config->detail < FL_DETAIL_MESSAGES) {
        return true;
    }
    char *names = message_names(config);
    const bool ok = fl_h5_text(root, "message_names", names);
    free(names);
    return ok;
}

static bool write_root(hid_t root, const struct fl_config *config, const struct fl_result *result,
                       const char *content_hash, const char *summary)
{
    const int64_t version = FORMAT_VERSION;
    char seed[FL_UNIT_TEXT], digest[33];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)config->seed);
    fl_digest_text(result->digest, digest);
    return fl_h5_attribute(root, "format_version", H5T_NATIVE_INT64, &version) &&
           write_message_names(root, config) && fl_h5_text(root, "faultline_version", FL_VERSION) &&
           fl_h5_text(root, "name", config->name) && fl_h5_text(root, "why", config->why) &&
           fl_h5_text(root, "seed", seed) && fl_h5_text(root, "digest", digest) &&
           fl_h5_text(root, "content_hash", content_hash) &&
           fl_h5_text(root, "overrides", config->overrides) &&
           fl_h5_text(root, "scenario_json", config->raw) &&
           fl_h5_text(root, "scenario_resolved_json", config->resolved) &&
           fl_h5_text(root, "summary_json", summary);
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
    return fl_h5_directory(file) &&
           write_root(file, columns->config, columns->result, content_hash, summary);
}

static const char *build_trace(const struct fl_columns *columns, const char *content_hash,
                               const char *summary, struct fl_h5_image *image)
{
    const hid_t file = fl_h5_new();
    bool ok = file >= 0 && write_trace(file, columns, content_hash, summary) &&
              fl_h5_take(file, image);
    char reason[FL_H5_REASON] = "no reason given";
    if (!ok) {
        fl_h5_reason(reason);
    }
    ok = (file < 0 || H5Fclose(file) >= 0) && ok;
    return ok ? NULL : fl_disk_failure("trace.h5: HDF5 could not build the file: %s", reason);
}

/* --- build facts -------------------------------------------------------------------------------------- */

/* In libz, which libhdf5 brings along: its version decides the bytes on disk. */
extern const char *zlibVersion(void) __attribute__((weak));

char *fl_build_text(void)
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

const char *fl_archive_write(const struct fl_config *config, const struct fl_result *result,
                             const char *content_hash, const char *summary, const char *directory)
{
    const char *problem = fl_folder_make(directory);
    if (problem) {
        return problem;
    }
    struct fl_columns *columns = fl_columns_new(config, result);
    struct fl_h5_image image = {NULL, 0};
    problem = build_trace(columns, content_hash, summary, &image);
    fl_columns_free(columns);
    if (!problem) {
        char *build = fl_build_text();
        const struct fl_file files[] = {{"summary.json", summary, strlen(summary)},
                                        {"build.json", build, strlen(build)},
                                        {"trace.h5", image.bytes, image.count}};
        problem = fl_files_publish(directory, files, sizeof files / sizeof *files);
        free(build);
    }
    free(image.bytes);
    return problem;
}
