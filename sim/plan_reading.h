/* A plan while it is read: shared by sim/plan*.c and by nobody else. */
#ifndef FL_PLAN_READING_H
#define FL_PLAN_READING_H
#include "sim/plan.h"
#include "sim/values.h"

/* Of one axis. */
struct fl_axis_reading {
    const cJSON **item; /* by value: what is to blame for it */
    bool generated;     /* values follow from the item */
    bool told;          /* a generated one was reported, which is enough */
    bool *refused;      /* by value: reported already */
    bool *taken;        /* by value: good at some point */
};

struct fl_planning {
    struct fl_reading reading;
    struct fl_plan *plan;
    struct fl_axis_reading axis[FL_AXES_MAX];
    const cJSON *metrics;
    uint32_t together; /* points reported whose values do not go together */
    bool *unknown;     /* by metric: reported already */
};

/* sim/plan_axes.c: axes and points; the seed and the replicates have been read. */
void fl_plan_read_axes(struct fl_planning *p, const cJSON *tree);

/* sim/plan_looks.c: the replicates, if there is a rule; then, with the metrics, the rule; then, with their
 * units, what it asks for. */
void fl_plan_read_looks(struct fl_planning *p, const cJSON *looks);
void fl_plan_read_stop(struct fl_planning *p, const cJSON *tree);
void fl_plan_read_half_width(struct fl_planning *p, const cJSON *tree);

/* sim/plan_check.c: every point as a scenario. What is wrong with the scenario as it is goes to
 * `problems`, in its own words; whether there was nothing. */
bool fl_plan_check(struct fl_planning *p, const cJSON *tree, struct fl_problems *problems);

/* sim/plan.c: a point as a scenario, with this seed or, if NULL, its own. */
struct fl_config *fl_plan_config_at(const struct fl_plan *plan, uint32_t point,
                                    const uint64_t *seed, struct fl_problems *problems);

#endif
