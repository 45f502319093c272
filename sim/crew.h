/* Processes that simulate one row of a plan each. What crashes there costs that row. */
#ifndef FL_CREW_H
#define FL_CREW_H
#include "sim/plan.h"

struct fl_crew;
struct fl_crew *fl_crew_new(const struct fl_plan *plan, uint32_t jobs);
/* Ends those that are at work. */
void fl_crew_free(struct fl_crew *crew);

bool fl_crew_is_full(const struct fl_crew *crew);
bool fl_crew_is_idle(const struct fl_crew *crew);

/* Rows are numbered point * replicates + replicate. These return NULL, or a sentence (lent until the next
 * call). */
const char *fl_crew_start(struct fl_crew *crew, uint32_t row);
/* Waits until something happens, at most so long (-1: without end), and tells of each row that ended: its
 * fields with tabs between them, status and error first (sim/journal.h); lent. */
typedef const char *fl_row_done(void *context, uint32_t row, const char *fields);
const char *fl_crew_wait(struct fl_crew *crew, int milliseconds, fl_row_done *done, void *context);

#endif
