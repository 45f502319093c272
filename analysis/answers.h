/* What an attribution found: shared by analysis/attribution.c and answers_print.c and by nobody else. */
#ifndef FL_ANSWERS_H
#define FL_ANSWERS_H
#include "analysis/attribution.h"
#include "analysis/paired.h"
#include "analysis/rows.h"
#include "sim/model.h"

/* What one seed says, or all of them on the mean, in units of the metric. */
struct fl_answer {
    int64_t none, all;
    int64_t *value;    /* [player] Shapley's */
    int64_t *first;    /* [player] what it adds alone */
    int64_t *last;     /* [player] what is saved without it */
    int64_t *together; /* [player][player] what both add beyond what each adds alone */
    int64_t *beyond;   /* [player][player] the same, on the mean over all sets of others */
};

struct fl_answers {
    const struct fl_attribution *job;
    bool exact; /* no orders were drawn */
    struct fl_rows rows;
    uint64_t *set;   /* of each point, ascending */
    int64_t *metric; /* [replicate][point] */
    int64_t *seed;   /* [replicate] */
    char *units;
    enum fl_unit unit;
    struct fl_answer *of_seed, mean;
    struct fl_estimate *over_seeds, *over_orders; /* [player]; the second only of sampled orders */
};

/* answers_print.c: to stdout. */
void fl_answers_print(const struct fl_answers *a);
void fl_answers_json(const struct fl_answers *a);

#endif
