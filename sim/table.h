/* The tables of a finished sweep: sweep.csv and sweep.h5, build.json beside them.
 *
 * sweep.csv has a line for each row, in the order of (point, replicate): point, replicate, seed, a
 * column for each axis and metric, status, error. Numbers are exact decimals; what a row that failed
 * did not measure is empty.
 *
 * sweep.h5 has the same as columns, with `units` and `long_name` on each:
 *   /             attributes: format_version, faultline_version, name, why, seed (string), plan_json
 *                 and scenario_json (as read), scenario_resolved_json, content_hash (of sweep.csv)
 *   /rows/        point, replicate (uint32), seed (uint64), status, error (strings)
 *   /axes/PATH    int64 if all values are integers, else strings
 *   /metrics/PATH int64 in its unit, -2^63 where there is none; words as strings
 *   /columns/     path, units, long_name of all these, for readers that show no attributes */
#ifndef FL_TABLE_H
#define FL_TABLE_H
#include "sim/journal.h"
#include "sim/plan.h"

/* The rows that were found. NULL if all went well, else a sentence (lent until the next call); the hash
 * of the content as 32 hex digits. */
const char *fl_table_write(const struct fl_plan *plan, const struct fl_found *found,
                           const char *directory, char content_hash[33]);

#endif
