/* Exhaustive search over everything that can happen on a stage (sim/stage.h). */
#ifndef FL_SEARCH_H
#define FL_SEARCH_H
#include "sim/explore.h"
#include "sim/stage.h"

/* Where a search stands: numbers of what the stage knows. `at` is one block of words, so that equal
 * positions are equal bytes:
 *   SEEN, TIMEOUTS used, EDGES left (a list), then for each party its state, what is on its way to
 *   it (a list), and what the coalition has said to it (a list without repetition). */
enum { FL_AT_SEEN, FL_AT_TIMEOUTS, FL_AT_EDGES, FL_AT_PARTIES, FL_PER_PARTY = 3 };
enum { FL_OF_STATE, FL_OF_INBOX, FL_OF_WORDS };
static inline uint32_t fl_at(uint32_t party, uint32_t what)
{
    return FL_AT_PARTIES + FL_PER_PARTY * party + what;
}
static inline uint32_t fl_position_words(const struct fl_stage *stage)
{
    return fl_at(stage->parties, 0);
}
enum { FL_POSITION_MAX = FL_AT_PARTIES + FL_PER_PARTY * (FL_EXPLORE_ENDPOINTS + 1) };

/* The list less one such move, if it has one. */
uint32_t fl_list_without(struct fl_stage *stage, uint32_t list, uint32_t move);
/* What is sent goes to its receivers, in `position`. */
void fl_position_send(struct fl_stage *stage, uint32_t *position, uint32_t sent);
/* Where everybody has started. */
void fl_position_start(struct fl_stage *stage, uint32_t sent, uint32_t edges, uint32_t *position);
/* Moves that may happen there, each once, into `move` (room for all there are; asked with NULL for
 * their count). A timer that is not due may expire if `timeouts` are left. */
uint32_t fl_position_moves(const struct fl_stage *stage, const uint32_t *position,
                           uint32_t timeouts, uint32_t *move);
/* Makes one of them for real. */
struct fl_did fl_position_make(struct fl_stage *stage, uint32_t *position, uint32_t move);
/* Moves of one party, of those that fl_position_moves gives. */
uint32_t fl_party_moves(const struct fl_stage *stage, const uint32_t *position, uint32_t party,
                        bool timeout, uint32_t *move);
/* Is any of its timers armed in that state? */
bool fl_party_has_timer(const struct fl_stage *stage, uint32_t party, uint32_t state);

struct fl_found {
    bool broken, at_rest;
    uint32_t *move, moves; /* the shortest way there; owned by the caller */
};
/* Adds its counts to `out`. */
struct fl_found fl_search(struct fl_stage *stage, const uint32_t *start,
                          const struct fl_bounds *bounds, struct fl_exploration *out);

#endif
