/* Where nodes can be, and how far apart: the matrix that "regions": "cloud" stands for. */
#ifndef FL_REGIONS_H
#define FL_REGIONS_H
#include "sim/base.h"

enum { FL_CLOUD_REGIONS = 10 };
extern const char *const fl_cloud_region[FL_CLOUD_REGIONS];
/* One way, in nanoseconds. */
fl_time fl_cloud_delay(uint32_t from, uint32_t to);

#endif
