/* Laws that were measured: {"law": "empirical", "values": [...]}, or "csv": a file of them, one
 * number a line, beside the scenario. What is in force holds the values themselves, so that a
 * resolved scenario needs no other file. */
#ifndef FL_EMPIRICAL_H
#define FL_EMPIRICAL_H
#include "sim/values.h"

enum { FL_EMPIRICAL_VALUES = 65536 }; /* at most */

/* True if an object asks for this law. */
bool fl_is_empirical(const cJSON *law);
/* As fl_read_law. */
cJSON *fl_read_empirical(struct fl_reading *reading, const cJSON *item, struct fl_range range,
                         struct fl_law *out);

#endif
