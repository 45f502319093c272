/* CSV after RFC 4180: commas, CRLF, quotes where they must be; one header line with names and units.
 * Numbers are exact decimal text and never pass through a double. */
#include "analysis/export.h"

#include "analysis/wording.h"

#include <string.h>

enum { PATH_BYTES = 4096 };

static void put_field(FILE *file, bool first, const char *text)
{
    if (!first) {
        fputc(',', file);
    }
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (; *text; text++) {
        if (*text == '"') {
            fputc('"', file);
        }
        fputc(*text, file);
    }
    fputc('"', file);
}

static void end_line(FILE *file)
{
    fputs("\r\n", file);
}

static void write_header(FILE *file, const struct fl_sheet *sheet)
{
    for (size_t i = 0; i < sheet->columns; i++) {
        const char *unit = fl_cell_unit(&sheet->column[i]);
        char title[512];
        fl_say(title, sizeof title, "%s%s%s%s", sheet->column[i].name, *unit ? " [" : "", unit,
               *unit ? "]" : "");
        put_field(file, i == 0, title);
    }
    end_line(file);
}

static void write_rows(FILE *file, const struct fl_sheet *sheet)
{
    for (size_t row = 0; row < sheet->rows; row++) {
        for (size_t i = 0; i < sheet->columns; i++) {
            const struct fl_sheet_column *column = &sheet->column[i];
            char number[FL_CELL_TEXT];
            if (!column->is_text) {
                fl_cell_text(column, row, number);
            }
            put_field(file, i == 0, column->is_text ? column->text[row] : number);
        }
        end_line(file);
    }
}

static const char *write_dataset(struct fl_exporting *export, const char *name)
{
    struct fl_sheet *sheet = fl_sheet_new(export->trace, name);
    const char *problem = sheet ? fl_sheet_load(sheet, export->trace)
                                : fl_trace_error(export->trace);
    char path[PATH_BYTES];
    fl_say(path, sizeof path, "%s/%s.csv", export->output, name);
    FILE *file = problem ? NULL : fl_outputs_open(export->outputs, path);
    if (file) {
        write_header(file, sheet);
        write_rows(file, sheet);
    }
    if (sheet) {
        fl_sheet_free(sheet);
    }
    return problem;
}

static void describe_dataset(struct fl_exporting *export, FILE *file, const char *name)
{
    struct fl_sheet *sheet = fl_sheet_new(export->trace, name);
    for (size_t i = 0; sheet && i < sheet->columns; i++) {
        const struct fl_sheet_column *column = &sheet->column[i];
        put_field(file, true, name);
        put_field(file, false, column->name);
        put_field(file, false, fl_cell_unit(column));
        put_field(file, false, column->long_name + (column->own ? strlen("{0} ") : 0));
        end_line(file);
    }
    if (sheet) {
        fl_sheet_free(sheet);
    }
}

/* Of every dataset, whichever were asked for: one export after the other leaves the same file. */
static void write_dictionary(struct fl_exporting *export)
{
    char path[PATH_BYTES];
    fl_say(path, sizeof path, "%s/columns.csv", export->output);
    FILE *file = fl_outputs_open(export->outputs, path);
    if (file) {
        fputs("dataset,column,unit,meaning\r\n", file);
        for (size_t i = 0; i < export->names; i++) {
            describe_dataset(export, file, export->name[i]);
        }
    }
}

const char *fl_export_csv(struct fl_exporting *export)
{
    const char *problem = NULL;
    for (size_t i = 0; !problem && i < export->names; i++) {
        problem = export->wanted[i] ? write_dataset(export, export->name[i]) : NULL;
    }
    if (!problem) {
        write_dictionary(export);
    }
    return problem;
}
