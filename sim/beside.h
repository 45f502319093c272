/* Files of data that a scenario names: they stand beside the file that names them. */
#ifndef FL_BESIDE_H
#define FL_BESIDE_H
#include "sim/values.h"

/* Adds the file that a string names to the texts of the reading, where mistakes in it are shown by
 * their own line; its index. UINT32_MAX after a report. A path is relative to the file it is written
 * in; what --set says, to the scenario. */
uint32_t fl_read_beside(struct fl_reading *reading, const cJSON *item);

/* A line of a text, without its end and the white space before it. */
struct fl_line {
    size_t from, bytes;
};
/* The line at *at, and *at moves to the next one; false at the end of the text. */
bool fl_next_line(const struct fl_text *text, size_t *at, struct fl_line *line);
/* True if it names columns: it starts with a letter or a quote. */
bool fl_is_heading(const struct fl_text *text, struct fl_line line);

#endif
