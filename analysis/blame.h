/* Which faults a run's losses lead back to, and which stood in the way of what would have stopped them.
 *
 * A chain of causes names one fault at most, the nearest: a record keeps only its nearest durable
 * ancestor, and what several had to come together for descends from the last of them to come. So two
 * questions are answered side by side:
 *
 *   led to it      the fault whose edge the deficit's chain of causes reaches first
 *   in the way     the faults that dropped, changed or added something at least once between the moment
 *                  the position fell due at the fundamental price (analysis/wait.h) and its
 *                  liquidation. They had the time to matter; how much each did, twin runs tell
 *                  (analysis/attribution.h)
 *
 * Each sums to the deficit of the run, to the last unit. */
#ifndef FL_BLAME_H
#define FL_BLAME_H
#include "analysis/wait.h"

struct fl_blame_sum {
    size_t deficits;
    struct fl_bearers by;
};

/* So many records of a kind lie on the chains from a fault to the deficits it led to. */
struct fl_blame_kind {
    const char *kind; /* lent by the history */
    size_t count;
    uint64_t distance; /* the sum of their distances from the edge, in links */
    uint32_t place;    /* which kind came first */
};

/* What a fault did while a liquidation waited. */
struct fl_blame_wait {
    const struct fl_deficit *deficit; /* NULL: nothing, ever */
    fl_time from;                     /* when the position fell due */
    uint32_t first, last;             /* records of what it dropped, changed or added since */
    size_t bites;
};

struct fl_blame_fault {
    const char *name, *model; /* lent; of "no fault" both are "" */
    fl_time from, to;
    int64_t opened;
    int64_t bites;                    /* what it dropped, changed and added */
    struct fl_blame_sum led_to;       /* nearest in their chains of causes */
    struct fl_blame_sum in_way;       /* of these deficits */
    struct fl_blame_sum alone;        /* of these no other fault was in the way */
    const struct fl_deficit *largest; /* of those it led to; NULL if there are none */
    struct fl_blame_wait waited;      /* the largest of those it was in the way of */
    size_t bites_in_way;              /* while any of them waited */
    fl_time longest;                  /* of their waits */
    size_t kinds;
    struct fl_blame_kind *kind; /* by their mean distance from the edge */
};

/* Deficits that the same faults were in the way of. */
struct fl_blame_group {
    const bool *in_way; /* [fault] */
    struct fl_blame_sum sum;
};

struct fl_blame {
    size_t count; /* of deficits, the largest first */
    struct fl_deficit *deficit;
    struct fl_blame_sum total;
    size_t faults;
    struct fl_blame_fault *fault; /* in the order of the scenario; [faults]: no fault */
    size_t groups;
    struct fl_blame_group *group; /* the most dollars first */
    size_t untimed;               /* deficits of which the trace does not tell when they fell due */
    /* Owners of what is lent above. */
    char **name, **model;
    bool *in_way; /* [deficit][fault] */
};

/* NULL and a sentence in fl_trace_error if the trace lacks what every trace has. */
struct fl_blame *fl_blame_new(struct fl_trace *trace, struct fl_history *history,
                              const cJSON *resolved);
void fl_blame_free(struct fl_blame *blame);

/* Whether it led to a deficit or was in the way of a liquidation that left one. */
bool fl_blame_names(const struct fl_blame_fault *fault);

#endif
