/* Student's law (The probable error of a mean, Biometrika 6, 1908). */
#ifndef FL_STUDENT_H
#define FL_STUDENT_H
#include "sim/base.h"

/* The t that a variable of so many degrees of freedom, at least 1, passes in either direction with the
 * probability miss_ppm / 10^6 / parts, above 0 and below 1: in millionths, rounded to nearest, and one more, so that it
 * is never too small and at most 1.5 too large.
 *
 * GSL's last bits may differ between machines; these millionths would only if the quantile were within some
 * 10^-15 of the middle between two. Those that are short decimals, as 1 is, are not. */
uint64_t fl_student_millionths(uint32_t miss_ppm, uint32_t parts, uint32_t freedom);

#endif
