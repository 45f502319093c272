/* Rows of 64-bit little-endian integers, as stored in the archive, and for each dataset a gnuplot
 * script that names its columns, so that
 *
 *   load 'series.gp'
 *   plot series binary endian=little format=series_format \
 *       using (column(series_time)*1e-9):(column(series_oracle_price)*1e-6) with lines
 *
 * draws from millions of rows without reading text. Columns of text are left out. */
#include "analysis/export.h"

#include "analysis/wording.h"
#include "sim/disk.h"

#include <string.h>

enum { PATH_BYTES = 4096 };

static void put_number(FILE *file, int64_t number)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)((uint64_t)number >> (8 * i));
    }
    fwrite(bytes, 1, sizeof bytes, file);
}

static void write_rows(FILE *file, const struct fl_sheet *sheet)
{
    for (size_t row = 0; row < sheet->rows; row++) {
        for (size_t i = 0; i < sheet->columns; i++) {
            if (!sheet->column[i].is_text) {
                put_number(file, sheet->column[i].number[row]);
            }
        }
    }
}

/* gnuplot's variables have letters, digits and "_". */
static void put_variable(FILE *file, const char *name)
{
    for (; *name; name++) {
        const bool fits = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
                          (*name >= '0' && *name <= '9');
        fputc(fits ? *name : '_', file);
    }
}

/* A single-quoted string. */
static void put_text(FILE *file, const char *text)
{
    fputc('\'', file);
    for (; *text; text++) {
        fputs(*text == '\'' ? "''" : (char[2]){*text, '\0'}, file);
    }
    fputc('\'', file);
}

static size_t numbers_of(const struct fl_sheet *sheet)
{
    size_t count = 0;
    for (size_t i = 0; i < sheet->columns; i++) {
        count += !sheet->column[i].is_text;
    }
    return count;
}

static void write_format(FILE *file, const struct fl_sheet *sheet)
{
    put_variable(file, sheet->name);
    fputs("_format = '", file);
    for (size_t i = 0; i < sheet->columns; i++) {
        if (!sheet->column[i].is_text) {
            fputs(sheet->column[i].is_unsigned ? "%uint64" : "%int64", file);
        }
    }
    fputs("'\n", file);
}

static void write_columns(FILE *file, const struct fl_sheet *sheet)
{
    size_t place = 0;
    for (size_t i = 0; i < sheet->columns; i++) {
        const struct fl_sheet_column *column = &sheet->column[i];
        if (column->is_text) {
            fprintf(file, "# (text, not here: %s)\n", column->name);
            continue;
        }
        put_variable(file, sheet->name);
        fputc('_', file);
        put_variable(file, column->name);
        fprintf(file, " = %zu # [%s] %s: %s\n", ++place, column->units, column->name,
                column->long_name + (column->own ? strlen("{0} ") : 0));
    }
}

static void write_script(FILE *file, const struct fl_sheet *sheet)
{
    fprintf(
        file,
        "# Written by `faultline export`: %s.bin has %zu rows of %zu columns, each an integer of\n"
        "# 64 bits, little-endian, row after row. In brackets is what it counts.\n",
        sheet->name, sheet->rows, numbers_of(sheet));
    put_variable(file, sheet->name);
    fputs(" = ", file);
    char name[512];
    fl_say(name, sizeof name, "%s.bin", sheet->name);
    put_text(file, name);
    fputc('\n', file);
    write_format(file, sheet);
    write_columns(file, sheet);
    fputs("# plot ", file);
    put_variable(file, sheet->name);
    fputs(" binary endian=little format=", file);
    put_variable(file, sheet->name);
    fputs("_format using (column(1)):(column(2))\n", file);
}

static void write_files(struct fl_exporting *export, const struct fl_sheet *sheet)
{
    char path[PATH_BYTES];
    fl_say(path, sizeof path, "%s/%s.bin", export->output, sheet->name);
    FILE *file = fl_outputs_open(export->outputs, path);
    if (file) {
        write_rows(file, sheet);
    }
    fl_say(path, sizeof path, "%s/%s.gp", export->output, sheet->name);
    file = fl_outputs_open(export->outputs, path);
    if (file) {
        write_script(file, sheet);
    }
}

static const char *write_dataset(struct fl_exporting *export, const char *name)
{
    struct fl_sheet *sheet = fl_sheet_new(export->trace, name);
    const char *problem = NULL;
    if (!sheet) {
        return fl_trace_error(export->trace);
    }
    if (numbers_of(sheet) > 0) {
        problem = fl_sheet_load(sheet, export->trace);
        if (!problem) {
            write_files(export, sheet);
        }
    } else if (export->asked) {
        problem = fl_disk_failure("%s holds text only; `--as csv` has it", name);
    }
    fl_sheet_free(sheet);
    return problem;
}

const char *fl_export_raw(struct fl_exporting *export)
{
    const char *problem = NULL;
    for (size_t i = 0; !problem && i < export->names; i++) {
        problem = export->wanted[i] ? write_dataset(export, export->name[i]) : NULL;
    }
    return problem;
}
