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

/* Until fl_settle_pending. */
void fl_add_pending(struct fl_reading *reading, struct fl_pending pending);
/* Names of observables and entries become numbers, then models cross-check their parameters. */
void fl_settle_pending(struct fl_reading *reading);

/* An object, the rows that read it, and the struct they fill. */
struct fl_filling {
    const cJSON *object;
    const struct fl_param *rows;
    unsigned char *params;
};

/* sim/params_entries.c: the name of an entry in a list of a contract (FL_ENTRY_NAME), and a list of
 * such names. Which entries there are is known when all contracts have been read. */
cJSON *fl_read_entry(struct fl_reading *reading, const struct fl_param *row, const cJSON *item,
                     const struct fl_filling *filling, uint32_t *place);
cJSON *fl_read_entries(struct fl_reading *reading, const struct fl_param *row, const cJSON *item,
                       const struct fl_filling *filling, struct fl_places *out);
/* Then the place is set. NULL, or, if there is none, the parameters that lack it. */
const void *fl_settle_entry(struct fl_reading *reading, const cJSON *item,
                            const struct fl_entry_name *name);

#endif
