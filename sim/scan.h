/* The strict scanner under the JSON reader (sim/json.h). */
#ifndef FL_SCAN_H
#define FL_SCAN_H
#include "sim/json.h"

/* Adds a span for every value, a container before what is in it. False after the first syntax error,
 * which is reported unless `quiet`. Duplicate keys are not looked for here. */
bool fl_json_scan(struct fl_json *json, uint32_t text, bool quiet);

/* Of the reader: the index of a new span. */
uint32_t fl_json_add_span(struct fl_json *json, struct fl_span span);

#endif
