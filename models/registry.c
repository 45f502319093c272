/* The table of all models, from registry.def. */
#include "models/wire.h"

#define FL_MODEL(name) extern const struct fl_model fl_model_##name;
#include "models/registry.def"
#undef FL_MODEL

const struct fl_model *const fl_models[] = {
#define FL_MODEL(name) &fl_model_##name,
#include "models/registry.def"
#undef FL_MODEL
    NULL,
};
