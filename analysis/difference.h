/* In what two JSON trees differ, by path: scenarios in which every key has its value in force. */
#ifndef FL_DIFFERENCE_H
#define FL_DIFFERENCE_H
#include "sim/base.h"

#include <cjson/cJSON.h>

struct fl_difference {
    char *path;            /* "faults.oracle-stuck.to_s", "expect[2].value" */
    const cJSON *value[2]; /* lent from the trees; NULL: not there */
    /* A key that only one of two models has: it follows from the choice of the model beside it. */
    bool of_model;
};
struct fl_differences {
    struct fl_difference *at; /* in the order of the trees; "name" and "why" come last */
    size_t count;
    uint32_t room;
};

/* Objects are compared key by key whatever their order, lists of objects entry by entry, other lists
 * (members, price paths) as one value. Numbers are equal as doubles. The trees must outlive the
 * result. */
void fl_differences_find(const cJSON *a, const cJSON *b, struct fl_differences *out);
void fl_differences_free(struct fl_differences *differences);

/* "37800 -> 39600", "added 7", "96 entries -> 97, the first other one [12]: [36600,167.9] -> [...]": what
 * is long is cut. */
enum { FL_DIFFERENCE_TEXT = 320 };
void fl_difference_text(const struct fl_difference *difference, char out[FL_DIFFERENCE_TEXT]);

/* Whether a run may depend on it: not on its name, nor on what is recorded or expected of it. */
bool fl_difference_matters(const struct fl_difference *difference);

#endif
