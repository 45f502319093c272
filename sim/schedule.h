/* Which rows of a plan are still to be run, in their order: a range of points, those that are done left
 * out, and of a plan with looks (sim/plan.h) no more replicates of a point than its rule asks for. */
#ifndef FL_SCHEDULE_H
#define FL_SCHEDULE_H
#include "sim/journal.h"
#include "sim/plan.h"

struct fl_schedule;
/* Points [first, end). What `found` has that ended well is not run again; NULL: nothing has. */
struct fl_schedule *fl_schedule_new(const struct fl_plan *plan, uint32_t first, uint32_t end,
                                    const struct fl_found *found);
void fl_schedule_free(struct fl_schedule *schedule);

/* The next row to start; false if none can be started now. There may be more once those at work have
 * ended. */
bool fl_schedule_next(struct fl_schedule *schedule, uint32_t *row);
/* A row that was started has ended, well or not. */
void fl_schedule_done(struct fl_schedule *schedule, uint32_t row, const char *fields);

/* Rows of the range that its points ask for, as far as is known, and those of them that ended. */
uint32_t fl_schedule_rows(const struct fl_schedule *schedule);
uint32_t fl_schedule_ended(const struct fl_schedule *schedule);

/* How many replicates a point asks for, given its rows: [replicate], NULL where there is none; read only if
 * the plan has looks. */
uint32_t fl_replicates_needed(const struct fl_plan *plan, const char *const *row);

#endif
