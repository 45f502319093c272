/* What `faultline list` and `faultline describe` print: all of it from the registry's own rows. */
#ifndef FL_DESCRIBE_H
#define FL_DESCRIBE_H
#include "sim/model.h"

#include <stdio.h>

/* Every model by family, one line each. */
void fl_list(FILE *to);
/* One model: what it is, its keys with defaults and ranges, what it publishes. */
void fl_describe(FILE *to, const struct fl_model *model);
/* By name in any family; NULL if there is none. */
const struct fl_model *fl_model_named(const char *name);

#endif
