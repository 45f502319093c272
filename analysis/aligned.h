/* Text in columns: cells of equal width, each to the left or to the right. */
#ifndef FL_ALIGNED_H
#define FL_ALIGNED_H
#include <stddef.h>
#include <stdio.h>

struct fl_aligned;

/* `sides`: a letter for each column, 'l' or 'r'. Lent. */
struct fl_aligned *fl_aligned_new(const char *sides);
/* The next cell, row after row; what is longer than FL_ALIGNED_CELL is cut. */
enum { FL_ALIGNED_CELL = 160 };
__attribute__((format(printf, 2, 3))) void fl_aligned_add(struct fl_aligned *aligned,
                                                          const char *format, ...);
/* Two spaces before each row and between columns, none at the end of a line. Frees it. */
void fl_aligned_print(struct fl_aligned *aligned, FILE *file);

#endif
