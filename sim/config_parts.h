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
void fl_read_checks(struct fl_reading *reading, const cJSON *scenario, cJSON *out);

/* Keys of any fault that are not its model's own. */
#define FL_FAULT_KEYS                                                                              \
    "group", "role", "region", "labels", "members", "count", "stake", "largest", "keep", "from_s", \
        "to_s", "enabled", "stagger_s", "when", "for_s", "sees", "look_ms", "latency_ms",          \
        FL_SPELL_KEYS
/* sim/config_faults.c; into `faults`, once it is known which observables there are. */
void fl_read_faults(struct fl_reading *reading, const cJSON *scenario, cJSON *faults);

/* sim/config_observables.c: what all models in use publish, once they are known; then names may add
 * what single parts publish, until the list is kept. */
void fl_collect_observables(struct fl_reading *reading, const cJSON *scenario);
/* The handle of a name; UINT32_MAX after a report. */
uint32_t fl_name_observable(struct fl_reading *reading, const cJSON *item);
void fl_keep_observables(struct fl_reading *reading);

/* The first of `item` and its successors that is not a comment; how many an object has. */
const cJSON *fl_named(const cJSON *item);
uint32_t fl_count_named(const cJSON *object);
/* A section of the scenario: NULL, perhaps after a report, if there is nothing to read. */
const cJSON *fl_section(struct fl_reading *reading, const cJSON *scenario, const char *key);
cJSON *fl_add_object(cJSON *out, const char *key);
/* The key of an item, if it is a name. */
void fl_copy_name(struct fl_reading *reading, const cJSON *item, char name[FL_NAME_MAX]);

/* True if a name is made of letters, digits, '-' and '_' (and '.' inside, where `dots` says so) and
 * fits into FL_NAME_MAX; else reports what is wrong at `part` of the item. */
bool fl_check_name(struct fl_reading *reading, const cJSON *item, enum fl_mistake_part part,
                   const char *name, bool dots);

#endif
