/* The network of a scenario: delays, links, regions, partial synchrony, and what groups and faults
 * have of it. What a scenario does not name is not in force, and not in what is resolved. */
#ifndef FL_CONFIG_NETWORK_H
#define FL_CONFIG_NETWORK_H
#include "sim/params.h"

/* "network"; the groups must have their names. */
void fl_read_network(struct fl_reading *reading, const cJSON *scenario, cJSON *out);

/* Keys of a group that are read here, and their reader. */
#define FL_NETWORK_KEYS_OF_GROUPS "region", "regions", "processing_us", "clock", "overlay"
void fl_read_group_network(struct fl_reading *reading, const cJSON *object, struct fl_group *group,
                           cJSON *out);

/* The name of a region; its index. NULL after a report. */
cJSON *fl_read_region(struct fl_reading *reading, const cJSON *item, uint32_t *index);

/* "sides" of a fault of links. */
void fl_read_sides(struct fl_reading *reading, const cJSON *list, struct fl_fault_spec *fault,
                   cJSON *out);

/* "mttr_s", "mtbf_s" and "stability_s" of any fault. */
#define FL_SPELL_KEYS "mttr_s", "mtbf_s", "stability_s"
void fl_read_spells(struct fl_reading *reading, const cJSON *object, struct fl_fault_spec *fault,
                    cJSON *out);

#endif
