/* What happens on a stage, in words. */
#ifndef FL_TELL_H
#define FL_TELL_H
#include "sim/search.h"

#include <stdio.h>

enum { FL_MOVE_TEXT = 512 };
/* One move, such as "member[1] hears member[3]: consensus 2 (1, 0, 0) value 8f51d1c0, message 5e9bfc6a":
 * kind, words, the low half of the value's low word (of contents, where it is their digest), and a
 * short digest of all the message says. The same in every exploration of a scenario. */
void fl_move_text(const struct fl_stage *stage, uint32_t move, char out[FL_MOVE_TEXT]);
/* Makes a move, and tells of it as event `number`, of what was said and noted. */
void fl_tell_move(struct fl_stage *stage, uint32_t *position, uint32_t move, uint32_t number,
                  FILE *to);
/* The members that faults strike: events 0. */
void fl_tell_placement(const struct fl_stage *stage, FILE *to);

#endif
