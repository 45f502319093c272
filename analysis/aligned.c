/* Text in columns. */
#include "analysis/aligned.h"

#include "sim/alloc.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct fl_aligned {
    const char *sides;
    size_t columns, count;
    uint32_t room;
    char (*cell)[FL_ALIGNED_CELL];
};

struct fl_aligned *fl_aligned_new(const char *sides)
{
    struct fl_aligned *aligned = fl_alloc(1, sizeof *aligned);
    aligned->sides = sides;
    aligned->columns = strlen(sides);
    return aligned;
}

void fl_aligned_add(struct fl_aligned *aligned, const char *format, ...)
{
    aligned->cell =
        fl_grow(aligned->cell, (uint32_t)aligned->count, &aligned->room, sizeof *aligned->cell);
    va_list args;
    va_start(args, format);
    vsnprintf(aligned->cell[aligned->count++], FL_ALIGNED_CELL, format, args);
    va_end(args);
}

/* Characters, not bytes, of UTF-8. */
static int length_of(const char *text)
{
    int length = 0;
    for (; *text; text++) {
        length += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return length;
}

static int width_of(const struct fl_aligned *aligned, size_t column)
{
    int width = 0;
    for (size_t i = column; i < aligned->count; i += aligned->columns) {
        const int length = length_of(aligned->cell[i]);
        width = length > width ? length : width;
    }
    return width;
}

static void print_row(const struct fl_aligned *aligned, const int *width, size_t row, FILE *file)
{
    int gap = 2;
    for (size_t c = 0; c < aligned->columns; c++) {
        const char *text = aligned->cell[row * aligned->columns + c];
        const int blank = width[c] - length_of(text);
        const int before = aligned->sides[c] == 'r' ? blank : 0;
        if (*text) {
            fprintf(file, "%*s%s", gap + before, "", text);
            gap = blank - before;
        } else {
            gap += blank;
        }
        gap += 2;
    }
    fputc('\n', file);
}

void fl_aligned_print(struct fl_aligned *aligned, FILE *file)
{
    FL_ASSERT(aligned->count % aligned->columns == 0);
    int *width = fl_alloc(aligned->columns, sizeof *width);
    for (size_t c = 0; c < aligned->columns; c++) {
        width[c] = width_of(aligned, c);
    }
    for (size_t row = 0; row < aligned->count / aligned->columns; row++) {
        print_row(aligned, width, row, file);
    }
    free(width);
    free(aligned->cell);
    free(aligned);
}
