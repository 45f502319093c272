/* What of a system can be lost at one blow: a region, all that carry a label (an operator, a client
 * program), a whole group, a single node. Each is whom a fault of the scenario language can strike
 * (sim/config.h). */
#ifndef FL_COMPONENTS_H
#define FL_COMPONENTS_H
#include "sim/alloc.h"
#include "sim/config.h"

enum fl_component_kind {
    FL_COMPONENT_REGION = 1,
    FL_COMPONENT_LABEL,
    FL_COMPONENT_GROUP,
    FL_COMPONENT_NODE,
    FL_COMPONENT_KINDS = FL_COMPONENT_NODE
};
/* Sets of kinds. */
#define FL_COMPONENT_BIT(kind) (1u << (kind))
#define FL_COMPONENT_ALL ((2u << FL_COMPONENT_KINDS) - 2)

struct fl_component {
    enum fl_component_kind kind;
    const char *noun;    /* "region", "group", "node"; of a label its key: "client" */
    const char *name;    /* "frankfurt", "reporter", "validator[3]", "red" */
    const char *also;    /* other components that are the same nodes, "" if none: "group keeper" */
    const char *members; /* "validator 4 of 31, reporter 1 of 9" */
    const char *who;     /* the keys of a fault that strikes it: "\"region\":\"frankfurt\"" */
    uint32_t count;
    const uint32_t *endpoint; /* ascending */
};

struct fl_components {
    uint32_t count;
    struct fl_component *at;
    struct fl_arena arena;
};

/* Regions, labels, groups, nodes, in this order and each in the order of the scenario; those of the
 * kinds in the set. What consists of the same nodes as an earlier one is named in its `also`: they
 * would fail alike. Twins that a fault adds belong to nothing. Stops at `most` + 1, so that there are
 * more than `most` if the count says so. */
struct fl_components fl_components_list(const struct fl_config *config, uint32_t kinds,
                                        uint32_t most);
void fl_components_free(struct fl_components *components);

/* "regions", "labels", "groups", "nodes". */
const char *fl_component_plural(enum fl_component_kind kind);
/* Is every node of `inner` also one of `outer`? */
bool fl_component_within(const struct fl_component *inner, const struct fl_component *outer);

#endif
