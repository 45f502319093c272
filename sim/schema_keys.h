/* The keys of a scenario that belong to no model, as the schema shows them (sim/schema.h). */
#ifndef FL_SCHEMA_KEYS_H
#define FL_SCHEMA_KEYS_H
#include "sim/model.h"

/* As the reader takes numbers in strings: the grammar of JSON. */
#define FL_SCHEMA_NUMBER "^-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?$"
#define FL_SCHEMA_NAME "^[A-Za-z0-9_-]{1,47}$"

/* A keyword of JSON Schema and its value as JSON text. */
struct fl_schema_keyword {
    const char *name, *text;
};
enum { FL_SCHEMA_KEYWORDS = 4 };

/* A row like those of models, with "" for the fallback of a key that is not required and has no
 * default; what no type of a row can say is given in JSON Schema's own words. */
struct fl_schema_key {
    struct fl_param row;
    struct fl_schema_keyword also[FL_SCHEMA_KEYWORDS];
};

/* Each ends with a NULL key. The limits are those of the reader: tests/unit/test_schema.c tries each
 * of them. */
extern const struct fl_schema_key fl_schema_scenario_keys[], fl_schema_network_keys[],
    fl_schema_link_keys[], fl_schema_regions_keys[], fl_schema_clock_keys[],
    fl_schema_overlay_keys[], fl_schema_trace_keys[], fl_schema_expectation_keys[],
    fl_schema_group_keys[], fl_schema_sides_keys[], fl_schema_trigger_keys[],
    fl_schema_fault_keys[];

#endif
