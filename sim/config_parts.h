/* The parts of a scenario that have names: groups of nodes, contracts, faults, checks. */
#ifndef FL_CONFIG_PARTS_H
#define FL_CONFIG_PARTS_H
#include "sim/params.h"

/* Seconds, to the nanosecond: 31 years, so that sums of a few times cannot overflow. */
#define FL_TIME_MAX ((fl_time)1000000000 * FL_SECOND)
#define FL_SECONDS(least) ((struct fl_range){9, (least), FL_TIME_MAX})

/* First pass: names and sizes, so that models can refer to groups and contracts that come later. */
void fl_name_groups(struct fl_reading *reading, const cJSON *scenario);
void fl_name_contracts(struct fl_reading *reading, const cJSON *scenario);

/* Second pass: everything in them. Each adds what is in force to `out`. */
void fl_read_groups(struct fl_reading *reading, const cJSON *scenario, cJSON *out);
void fl_read_contracts(struct fl_reading *reading, const cJSON *scenario, cJSON *out);
void fl_read_faults(struct fl_reading *reading, const cJSON *scenario, cJSON *out);
void fl_read_checks(struct fl_reading *reading, const cJSON *scenario, cJSON *out);

/* True if a name is made of letters, digits, '-' and '_' (and '.' inside, where `dots` says so) and
 * fits into FL_NAME_MAX; else reports what is wrong at `part` of the item. */
bool fl_check_name(struct fl_reading *reading, const cJSON *item, enum fl_mistake_part part,
                   const char *name, bool dots);

#endif
