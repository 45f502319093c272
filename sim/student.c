/* Student's quantile. */
#include "sim/student.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

uint64_t fl_student_millionths(uint32_t miss_ppm, uint32_t parts, uint32_t freedom)
{
    FL_ASSERT(miss_ppm > 0 && miss_ppm < 1000000);
    FL_ASSERT(parts > 0 && freedom > 0);
    const double miss = miss_ppm / 1e6 / parts, t = gsl_cdf_tdist_Qinv(miss / 2, freedom);
    FL_ASSERT(t >= 0 && t < 1e12);
    return (uint64_t)llround(t * 1e6) + 1;
}
