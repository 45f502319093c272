/* Bounded exhaustive exploration: every order in which messages can arrive and timers expire, every
 * loss, every member that can be corrupted and every word it can say; in small configurations.
 *
 * Any scenario can be explored. Its nodes, faults and checks are those of a run; its queue is
 * replaced by choice (sim/stage.h). Messages between honest nodes arrive once, in any order, at any
 * time or never; what a corrupted member has said to somebody may arrive at any later time, any number
 * of times, or not at all; whatever it said on one occasion to some it may say to all it addressed
 * then. A window of a fault of nodes that does not begin at 0, or ends before the run, begins and ends
 * at any time, once. Where a fault's members are drawn, every choice of members is explored.
 *
 * A check is asked after every event (safety), and for its last word in every position in which nothing
 * is left to happen but what a coalition may or may not say (at rest; the budget of losses is spent
 * there, because a message lost is one that never arrives). Checks must judge by records alone: what
 * they read of observables is whatever the engine has at hand, and checks on a grid of times get no
 * tick. */
#ifndef FL_EXPLORE_H
#define FL_EXPLORE_H
#include "sim/config.h"

enum { FL_EXPLORE_ENDPOINTS = 64 };
/* What the states of nodes and checks of one placement may hold, bytes. */
#define FL_EXPLORE_BYTES ((size_t)4 << 30)

struct fl_bounds {
    uint32_t depth;    /* events on one way; UINT32_MAX: as many as there are */
    uint32_t states;   /* positions kept in one placement, and of single nodes as many */
    uint32_t drops;    /* messages lost on one way */
    uint32_t timeouts; /* timers that expire before they are due, on one way */
    bool every_order;  /* no reduction: each event is a step of the search */
};
struct fl_bounds fl_bounds_default(void);

/* Why something was left out. */
enum fl_cut { FL_CUT_DEPTH = 1, FL_CUT_STATES = 2, FL_CUT_LEDGER = 4, FL_CUT_BYTES = 8 };

struct fl_exploration {
    uint64_t placements;
    uint64_t states;      /* distinct positions */
    uint64_t transitions; /* ways from one to the next */
    uint64_t known;       /* of these, to a position that was there already */
    uint64_t reduced;     /* ways not taken: another order of the same events is */
    uint64_t steps;       /* of models, really made; the others were remembered */
    uint32_t depth;       /* events on the longest of the shortest ways to a position */
    uint32_t complete;    /* in every placement all ways of at most so many events were followed;
                          UINT32_MAX if nothing was cut */
    uint32_t cut;         /* enum fl_cut, or'ed */
    /* What checks can come to see, and what they can see at rest (0 if none of them has a last word):
     * how many, and the sum of the digests, which does not depend on the order of the search. */
    uint64_t seen, ends;
    struct fl_digest seen_sum, ends_sum;
    bool broken, at_rest;
    uint32_t check;  /* if broken: index */
    uint32_t events; /* of the shortest way there */
    char *evidence;  /* the check's verdict in words; owned */
    char *trace;     /* the way there, event by event, as --replay reads it; owned */
};

/* NULL, or a sentence that says why it cannot be explored. */
const char *fl_explore_refuses(const struct fl_config *config);
/* Explores all placements, and ends with the first in which a check can be broken; the way there is
 * the shortest in that placement. The configuration must not be refused. */
void fl_explore(const struct fl_config *config, const struct fl_bounds *bounds,
                struct fl_exploration *out);
void fl_exploration_free(struct fl_exploration *exploration);

/* Makes the moves of a trace one by one, under the placement it names, and tells of each as fl_explore
 * does: into *out, as for a search that found this way. NULL, or a sentence that says which line
 * cannot be followed, to be freed. */
char *fl_explore_replay(const struct fl_config *config, const char *trace,
                        const struct fl_bounds *bounds, struct fl_exploration *out);

/* The subcommand: prints, and returns the exit status. */
struct fl_explore_command {
    const struct fl_config *config;
    struct fl_bounds bounds;
    const char *replay; /* path of a trace, or NULL */
    const char *output; /* path to write the trace to, or NULL */
    bool json;
};
int fl_explore_command(const struct fl_explore_command *command);

#endif
