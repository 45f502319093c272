/* Rows of a journal to CSV and HDF5. The order of rows is that of their numbers, so the bytes do not
 * tell who finished first, or how often the sweep was interrupted. */
#include "sim/table.h"

#include "sim/disk.h"
#include "sim/h5.h"
#include "sim/unit_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { FORMAT_VERSION = 1 };
#ifndef FL_VERSION
#define FL_VERSION "unknown"
#endif

/* Rows that are there, in their order. */
struct there {
    const struct fl_plan *plan;
    const struct fl_found *found;
    uint32_t *number; /* [row]: point * replicates + replicate */
    uint32_t count;
};

static struct there list_rows(const struct fl_plan *plan, const struct fl_found *found)
{
    const uint32_t most = plan->points * plan->replicates;
    struct there there = {plan, found, fl_alloc(most, sizeof(uint32_t)), 0};
    for (uint32_t i = 0; i < most; i++) {
        if (found->row[i]) {
            there.number[there.count++] = i;
        }
    }
    return there;
}

/* ------------------------------------------------------------------------------------------------
 * CSV
 * --------------------------------------------------------------------------------------------- */

/* RFC 4180: quotes around what holds a comma, a quote or a line end. */
static void print_cell(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        fputs(*text == '"' ? "\"" : "", out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void print_header(FILE *out, const struct fl_plan *plan)
{
    fputs("point,replicate,seed", out);
    for (uint32_t i = 0; i < plan->axis_count; i++) {
        fputc(',', out);
        print_cell(out, plan->axis[i].path);
    }
    for (uint32_t i = 0; i < plan->metric_count; i++) {
        fputc(',', out);
        print_cell(out, plan->metric[i]);
    }
    fputs(",status,error\n", out);
}

static void print_row(FILE *out, const struct fl_plan *plan, uint32_t index, const char *row)
{
    char field[FL_FIELD_TEXT];
    const uint32_t point = index / plan->replicates, replicate = index % plan->replicates;
    fprintf(out, "%" PRIu32 ",%" PRIu32 ",%" PRIu64, point, replicate,
            fl_plan_seed(plan, replicate));
    for (uint32_t i = 0; i < plan->axis_count; i++) {
        fputc(',', out);
        print_cell(out, plan->axis[i].shown[fl_plan_value(plan, point, i)]);
    }
    for (uint32_t i = 0; i < plan->metric_count; i++) {
        fputc(',', out);
        print_cell(out, fl_row_field(row, FL_FIELD_METRIC + i, field));
    }
    fputc(',', out);
    print_cell(out, fl_row_field(row, FL_FIELD_STATUS, field));
    fputc(',', out);
    print_cell(out, fl_row_field(row, FL_FIELD_ERROR, field));
    fputc('\n', out);
}

static char *csv_text(const struct there *there, size_t *bytes)
{
    char *text = NULL;
    FILE *out = fl_text_open(&text, bytes);
    print_header(out, there->plan);
    for (uint32_t i = 0; i < there->count; i++) {
        print_row(out, there->plan, there->number[i], there->found->row[there->number[i]]);
    }
    fl_text_close(out);
    return text;
}

/* ------------------------------------------------------------------------------------------------
 * HDF5
 * --------------------------------------------------------------------------------------------- */

static void put_bytes(unsigned char *out, uint64_t value, uint32_t width)
{
    for (uint32_t i = 0; i < width; i++) {
        out[i] = (unsigned char)(value >> (8 * i));
    }
}

/* What a column says of one row: a number or a text. */
typedef uint64_t number_at(const struct there *from, uint32_t which, uint32_t row);
typedef const char *text_at(const struct there *from, uint32_t which, uint32_t row,
                            char room[FL_FIELD_TEXT]);

struct about {
    const char *group, *name, *units, *long_name;
    uint32_t which; /* axis, metric or field */
};

static bool write_numbers(const struct there *from, hid_t file, struct about about,
                          enum fl_column_type type, uint32_t width, number_at *at)
{
    const uint32_t count = from->count;
    char path[2 * FL_PATH_MAX + FL_FIELD_TEXT];
    snprintf(path, sizeof path, "/%s/%s", about.group, about.name);
    unsigned char *values = fl_alloc(count, width);
    for (uint32_t i = 0; i < count; i++) {
        put_bytes(values + (size_t)i * width, at(from, about.which, from->number[i]), width);
    }
    const struct fl_h5_column column = {.path = path,
                                        .units = about.units,
                                        .long_name = about.long_name,
                                        .type = type,
                                        .width = width,
                                        .count = count,
                                        .values = values};
    const bool ok = fl_h5_column(file, &column);
    free(values);
    return ok;
}

static bool write_texts(const struct there *from, hid_t file, struct about about, text_at *at)
{
    const uint32_t count = from->count;
    char path[2 * FL_PATH_MAX + FL_FIELD_TEXT], room[FL_FIELD_TEXT];
    snprintf(path, sizeof path, "/%s/%s", about.group, about.name);
    size_t width = 1;
    for (uint32_t i = 0; i < count; i++) {
        const size_t length = strlen(at(from, about.which, from->number[i], room));
        width = length > width ? length : width;
    }
    char *values = fl_alloc(count, width);
    for (uint32_t i = 0; i < count; i++) {
        const char *text = at(from, about.which, from->number[i], room);
        memcpy(values + i * width, text, strlen(text));
    }
    const struct fl_h5_column column = {.path = path,
                                        .units = about.units,
                                        .long_name = about.long_name,
                                        .type = FL_COLUMN_TEXT,
                                        .width = (uint32_t)width,
                                        .count = count,
                                        .values = values};
    const bool ok = fl_h5_column(file, &column);
    free(values);
    return ok;
}

static uint64_t point_at(const struct there *from, uint32_t which, uint32_t row)
{
    const uint32_t replicates = from->plan->replicates;
    return which == 0 ? row / replicates : row % replicates;
}

static uint64_t seed_at(const struct there *from, uint32_t which, uint32_t row)
{
    (void)which;
    return fl_plan_seed(from->plan, row % from->plan->replicates);
}

static uint64_t integer_at(const struct there *from, uint32_t which, uint32_t row)
{
    const uint32_t point = row / from->plan->replicates;
    return (uint64_t)from->plan->axis[which].integer[fl_plan_value(from->plan, point, which)];
}

static const char *shown_at(const struct there *from, uint32_t which, uint32_t row,
                            char room[FL_FIELD_TEXT])
{
    (void)room;
    const uint32_t point = row / from->plan->replicates;
    return from->plan->axis[which].shown[fl_plan_value(from->plan, point, which)];
}

static const char *field_at(const struct there *from, uint32_t which, uint32_t row,
                            char room[FL_FIELD_TEXT])
{
    return fl_row_field(from->found->row[row], which, room);
}

static uint64_t metric_at(const struct there *from, uint32_t which, uint32_t row)
{
    char room[FL_FIELD_TEXT];
    const char *text = field_at(from, FL_FIELD_METRIC + which, row, room);
    int64_t value = INT64_MIN;
    if (*text) {
        const bool ok = fl_unit_value(text, from->plan->unit[which], &value);
        FL_ASSERT(ok);
    }
    return (uint64_t)value;
}

static bool write_rows(const struct there *from, hid_t file)
{
    const struct about point = {"rows", "point", "id", "point of the plan, first axis slowest", 0};
    const struct about replicate = {"rows", "replicate", "id", "replicate, with a seed of its own",
                                    1};
    const struct about seed = {"rows", "seed", "1", "seed of the run", 0};
    const struct about status = {"rows", "status", "text", "ok, failed or crashed",
                                 FL_FIELD_STATUS};
    const struct about error = {"rows", "error", "text", "what went wrong, and how to see it again",
                                FL_FIELD_ERROR};
    return fl_h5_group(file, "/rows", "runs: which point and seed, and how each ended") &&
           write_numbers(from, file, point, FL_COLUMN_UINT32, 4, point_at) &&
           write_numbers(from, file, replicate, FL_COLUMN_UINT32, 4, point_at) &&
           write_numbers(from, file, seed, FL_COLUMN_UINT64, 8, seed_at) &&
           write_texts(from, file, status, field_at) && write_texts(from, file, error, field_at);
}

static bool write_axes(const struct there *from, hid_t file)
{
    bool ok = fl_h5_group(file, "/axes", "what the plan varies, by path in the scenario");
    for (uint32_t i = 0; i < from->plan->axis_count && ok; i++) {
        const struct fl_axis *axis = &from->plan->axis[i];
        const struct about about = {"axes", axis->path, axis->integer ? "1" : "text",
                                    "value in the scenario", i};
        ok = axis->integer ? write_numbers(from, file, about, FL_COLUMN_INT64, 8, integer_at)
                           : write_texts(from, file, about, shown_at);
    }
    return ok;
}

static bool write_metrics(const struct there *from, hid_t file)
{
    bool ok = fl_h5_group(file, "/metrics", "what each run found, by path in its summary");
    for (uint32_t i = 0; i < from->plan->metric_count && ok; i++) {
        const enum fl_unit unit = from->plan->unit[i];
        const struct about number = {"metrics", from->plan->metric[i],
                                     unit ? fl_unit_symbol(unit) : "text",
                                     "at the end of the run; -2^63 if it did not end well", i};
        const struct about word = {"metrics", from->plan->metric[i], "text",
                                   "at the end of the run", FL_FIELD_METRIC + i};
        ok = unit ? write_numbers(from, file, number, FL_COLUMN_INT64, 8, metric_at)
                  : write_texts(from, file, word, field_at);
    }
    return ok;
}

static bool write_root(hid_t root, const struct fl_plan *plan, const char *content_hash)
{
    const int64_t version = FORMAT_VERSION;
    char seed[32];
    snprintf(seed, sizeof seed, "%" PRIu64, plan->seed);
    return fl_h5_attribute(root, "format_version", H5T_NATIVE_INT64, &version) &&
           fl_h5_text(root, "faultline_version", FL_VERSION) &&
           fl_h5_text(root, "name", plan->name) && fl_h5_text(root, "why", plan->why) &&
           fl_h5_text(root, "seed", seed) && fl_h5_text(root, "plan_json", plan->raw) &&
           fl_h5_text(root, "scenario_json", plan->text) &&
           fl_h5_text(root, "scenario_resolved_json", plan->resolved) &&
           fl_h5_text(root, "content_hash", content_hash);
}

static const char *build_image(const struct there *from, const char *content_hash,
                               struct fl_h5_image *image)
{
    const hid_t file = fl_h5_new();
    bool ok = file >= 0 && write_axes(from, file) && write_metrics(from, file) &&
              write_rows(from, file) && fl_h5_directory(file) &&
              write_root(file, from->plan, content_hash) && fl_h5_take(file, image);
    char reason[FL_H5_REASON] = "no reason given";
    if (!ok) {
        fl_h5_reason(reason);
    }
    ok = (file < 0 || H5Fclose(file) >= 0) && ok;
    return ok ? NULL : fl_disk_failure("sweep.h5: HDF5 could not build the file: %s", reason);
}

/* ------------------------------------------------------------------------------------------------
 * The whole
 * --------------------------------------------------------------------------------------------- */

const char *fl_table_write(const struct fl_plan *plan, const struct fl_found *found,
                           const char *directory, char content_hash[33])
{
    struct there there = list_rows(plan, found);
    size_t bytes = 0;
    char *csv = csv_text(&there, &bytes);
    const XXH128_hash_t hash = XXH3_128bits(csv, bytes);
    fl_digest_text((struct fl_digest){.lo = hash.low64, .hi = hash.high64}, content_hash);
    struct fl_h5_image image = {NULL, 0};
    const char *problem = build_image(&there, content_hash, &image);
    if (!problem) {
        char *build = fl_build_text();
        const struct fl_file files[] = {{"sweep.csv", csv, bytes},
                                        {"build.json", build, strlen(build)},
                                        {"sweep.h5", image.bytes, image.count}};
        problem = fl_files_publish(directory, files, sizeof files / sizeof *files);
        free(build);
    }
    free(image.bytes);
    free(csv);
    free(there.number);
    return problem;
}
