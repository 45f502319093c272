/* Fills a model's parameters from its rows and a JSON object (sim/values.h reads plain values). */
#ifndef FL_PARAMS_H
#define FL_PARAMS_H
#include "sim/values.h"

/* The name of a group of nodes; its index. */
cJSON *fl_read_group(struct fl_reading *reading, const cJSON *item, uint32_t *index);

/* The name of an observable; its handle, UINT32_MAX after a report. Only when all models in use are
 * known. */
cJSON *fl_known_observable(struct fl_reading *reading, const cJSON *item, uint32_t *handle);

/* The model an item asks for: "name" or {"model": "name", ...}. NULL after a report. */
const struct fl_model *fl_read_model(struct fl_reading *reading, enum fl_family family,
                                     const cJSON *item);
/* The model's parameters, from an object or, if `item` is a bare name, from its defaults.
 * `also` lists structural keys that stand in the same object. Adds what is in force to `out`. */
const void *fl_read_params(struct fl_reading *reading, const struct fl_model *model,
                           const cJSON *item, const char *const *also, cJSON *out);

/* Observable names become handles, models cross-check their parameters. */
void fl_settle_pending(struct fl_reading *reading);

#endif
