/* Runs a gnuplot script that a figure has left in a results folder. */
#ifndef FL_GNUPLOT_H
#define FL_GNUPLOT_H
#include <stdbool.h>

/* Runs `gnuplot SCRIPT` inside the folder with the variables `format` and `output` set, and renames
 * what it drew to DIRECTORY/NAME.FORMAT only if gnuplot succeeded and drew something. On failure
 * says why on stderr and leaves no picture of this run. */
bool fl_gnuplot(const char *directory, const char *name, const char *format);

#endif
