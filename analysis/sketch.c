/* Variables and files of a figure. */
#include "analysis/sketch.h"

#include "analysis/gnuplot.h"
#include "analysis/place.h"
#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/disk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FAILED = 3, TITLE_BYTES = 512, NAME_BYTES = 64 };

void fl_sketch_begin(struct fl_sketch *sketch, const char *name)
{
    *sketch = (struct fl_sketch){.name = name};
    sketch->script = fl_text_open(&sketch->text[0], &sketch->bytes[0]);
    sketch->data = fl_text_open(&sketch->text[1], &sketch->bytes[1]);
    fprintf(sketch->script, "# Written by `faultline plot --as %s`.\n", name);
}

/* --- variables ------------------------------------------------------------------------------------- */

/* In single quotes gnuplot takes everything as it stands, but a quote is written twice. */
static void put_quoted(FILE *file, const char *text)
{
    fputc('\'', file);
    for (; *text; text++) {
        if (*text == '\'') {
            fputc('\'', file);
        }
        fputc((unsigned char)*text < ' ' ? ' ' : *text, file);
    }
    fputc('\'', file);
}

static void put_number(FILE *file, double value)
{
    if (isfinite(value)) {
        fprintf(file, "%.10g", value);
    } else {
        fputs("NaN", file);
    }
}

void fl_sketch_text(struct fl_sketch *sketch, const char *name, const char *text)
{
    fprintf(sketch->script, "%s = ", name);
    put_quoted(sketch->script, text);
    fputc('\n', sketch->script);
}

void fl_sketch_number(struct fl_sketch *sketch, const char *name, double value)
{
    fprintf(sketch->script, "%s = ", name);
    put_number(sketch->script, value);
    fputc('\n', sketch->script);
}

/* Arrays of gnuplot have at least one element. */
static void begin_array(FILE *file, const char *name, size_t count)
{
    fprintf(file, "%s_count = %zu\narray %s[%zu] = [", name, count, name, count > 0 ? count : 1);
}

void fl_sketch_texts(struct fl_sketch *sketch, const char *name, const char *const *text,
                     size_t count)
{
    begin_array(sketch->script, name, count);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? ", " : "", sketch->script);
        put_quoted(sketch->script, text[i]);
    }
    fputs("]\n", sketch->script);
}

void fl_sketch_numbers(struct fl_sketch *sketch, const char *name, const double *value,
                       size_t count)
{
    begin_array(sketch->script, name, count);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? ", " : "", sketch->script);
        put_number(sketch->script, value[i]);
    }
    fputs("]\n", sketch->script);
}

/* Behind its semicolon, else the last space before which the text is no wider than the room; NULL if
 * all of it fits. */
static char *find_break(char *text, double points, double room)
{
    char *found = NULL;
    if (fl_text_width(text, points, true) <= room) {
        return NULL;
    }
    char *const pause = strstr(text, "; ");
    if (pause) {
        return pause + 1;
    }
    for (char *space = strchr(text, ' '); space; space = strchr(space + 1, ' ')) {
        *space = '\0';
        const bool fits = fl_text_width(text, points, true) <= room;
        *space = ' ';
        found = fits || !found ? space : found;
    }
    return found;
}

void fl_sketch_title(struct fl_sketch *sketch, const char *sentence, double points, double room)
{
    char line[TITLE_BYTES];
    fl_say(line, sizeof line, "%s", sentence);
    char *cut = find_break(line, points, room);
    const char *second = "";
    if (cut) {
        *cut = '\0';
        second = cut + 1;
    }
    const double widest =
        fmax(fl_text_width(line, points, true), fl_text_width(second, points, true));
    fl_sketch_text(sketch, "title_1", line);
    fl_sketch_text(sketch, "title_2", second);
    fl_sketch_number(sketch, "title_points", widest > room ? points * room / widest : points);
}

/* --- files ----------------------------------------------------------------------------------------- */

int fl_sketch_draw(struct fl_sketch *sketch, const void *style, size_t style_bytes,
                   const struct fl_plot *plot, char *path_out, size_t bytes)
{
    char script[NAME_BYTES], data[NAME_BYTES];
    fl_say(script, sizeof script, "%s.gp", sketch->name);
    fl_say(data, sizeof data, "%s.tsv", sketch->name);
    fputc('\n', sketch->script);
    fwrite(style, 1, style_bytes, sketch->script);
    fl_text_close(sketch->script);
    fl_text_close(sketch->data);
    const struct fl_file files[] = {{data, sketch->text[1], sketch->bytes[1]},
                                    {script, sketch->text[0], sketch->bytes[0]}};
    const char *problem = fl_folder_make(plot->directory);
    problem = problem ? problem : fl_files_publish(plot->directory, files, 2);
    free(sketch->text[0]);
    free(sketch->text[1]);
    if (problem) {
        fprintf(stderr, "faultline: %s\n", problem);
        return FAILED;
    }
    if (!fl_gnuplot(plot->directory, sketch->name, plot->format)) {
        return FAILED;
    }
    snprintf(path_out, bytes, "%s/%s.%s", plot->directory, sketch->name, plot->format);
    return 0;
}
