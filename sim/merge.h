/* The journals of a sweep, or of shards of it, into its tables (sim/table.h): the same bytes from the same
 * rows, whoever ran them, in whatever order, and however often that was interrupted. */
#ifndef FL_MERGE_H
#define FL_MERGE_H
#include "sim/journal.h"
#include "sim/plan.h"

/* What rows of a plan depend on. More or fewer replicates leave it as it is. */
void fl_plan_origin(const struct fl_plan *plan, struct fl_origin *origin);

struct fl_merged {
    char content_hash[33];
    uint32_t rows, failed;
};
/* Reads all journals of the folder and writes the tables there. NULL, or a sentence (lent until the next
 * call); *usage says whether the caller asked for what cannot be: rows are missing, or are of another plan
 * or program. */
const char *fl_merge_folder(const struct fl_plan *plan, const char *directory,
                            struct fl_merged *merged, bool *usage);
/* In words, to stdout. */
void fl_merged_print(const struct fl_plan *plan, const char *directory,
                     const struct fl_merged *merged);

/* The command. Exit status as fl_sweep (sim/sweep.h). */
struct fl_merge {
    const char *plan;      /* path */
    const char *directory; /* NULL: results/NAME */
    bool quiet;
};
int fl_merge(const struct fl_merge *merge);

#endif
