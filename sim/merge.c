/* Journals to tables. */
#include "sim/merge.h"

#include "sim/disk.h"
#include "sim/schedule.h"
#include "sim/sweep.h"
#include "sim/table.h"
#include "sim/unit_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { EXIT_ROWS = 1, EXIT_USAGE = 2, EXIT_IO = 3 };

/* ------------------------------------------------------------------------------------------------
 * Whose rows
 * --------------------------------------------------------------------------------------------- */

static void hash_text(XXH3_state_t *hash, const char *text)
{
    XXH3_128bits_update(hash, text, strlen(text) + 1);
}

static void end_hash(XXH3_state_t *hash, char out[33])
{
    const XXH128_hash_t digest = XXH3_128bits_digest(hash);
    fl_digest_text((struct fl_digest){.lo = digest.low64, .hi = digest.high64}, out);
    XXH3_128bits_reset(hash);
}

void fl_plan_origin(const struct fl_plan *plan, struct fl_origin *origin)
{
    XXH3_state_t *hash = XXH3_createState();
    if (!hash) {
        fl_out_of_memory();
    }
    XXH3_128bits_reset(hash);
    char *build = fl_build_text(), seed[32];
    hash_text(hash, build);
    free(build);
    end_hash(hash, origin->program);

    hash_text(hash, plan->resolved);
    snprintf(seed, sizeof seed, "%" PRIu64, plan->seed);
    hash_text(hash, seed);
    XXH3_128bits_update(hash, plan->digest, plan->points * sizeof *plan->digest);
    for (uint32_t i = 0; i < plan->axis_count; i++) {
        const bool with_last = i > 0 && plan->axis[i].dimension == plan->axis[i - 1].dimension;
        hash_text(hash, with_last ? "with" : "axis");
        for (uint32_t j = 0; j < plan->axis[i].count; j++) {
            hash_text(hash, plan->axis[i].override[j]);
        }
    }
    for (uint32_t i = 0; i < plan->metric_count; i++) {
        hash_text(hash, plan->metric[i]);
    }
    end_hash(hash, origin->plan);
    XXH3_freeState(hash);
}

/* ------------------------------------------------------------------------------------------------
 * What is there
 * --------------------------------------------------------------------------------------------- */

/* Drops what no point asks for, and counts the rest. */
static const char *take_stock(const struct fl_plan *plan, struct fl_found *found,
                              const char *directory, struct fl_merged *merged)
{
    uint32_t missing = 0, first_point = 0, first_replicate = 0;
    for (uint32_t point = 0; point < plan->points; point++) {
        const char **row = found->row + (size_t)point * plan->replicates;
        const uint32_t needed = fl_replicates_needed(plan, row);
        for (uint32_t r = 0; r < plan->replicates; r++) {
            if (r >= needed) {
                row[r] = NULL;
            } else if (!row[r]) {
                first_point = missing > 0 ? first_point : point;
                first_replicate = missing++ > 0 ? first_replicate : r;
            } else {
                merged->rows++;
                merged->failed += !fl_row_is_ok(row[r]);
            }
        }
    }
    return missing > 0
               ? fl_disk_failure("%s: %" PRIu32 " rows are missing, the first one is point %" PRIu32
                                 ", replicate %" PRIu32 "; faultline sweep --resume runs them",
                                 directory, missing, first_point, first_replicate)
               : NULL;
}

const char *fl_merge_folder(const struct fl_plan *plan, const char *directory,
                            struct fl_merged *merged, bool *usage)
{
    struct fl_origin origin;
    *merged = (struct fl_merged){.rows = 0};
    fl_plan_origin(plan, &origin);
    struct fl_found *found = fl_found_new(plan->points, plan->replicates, plan->metric_count);
    const char *problem = fl_journals_read(directory, &origin, false, found, usage);
    if (!problem) {
        problem = take_stock(plan, found, directory, merged);
        *usage = problem != NULL;
    }
    problem = problem ? problem : fl_table_write(plan, found, directory, merged->content_hash);
    fl_found_free(found);
    return problem;
}

void fl_merged_print(const struct fl_plan *plan, const char *directory,
                     const struct fl_merged *merged)
{
    printf("%s\n  %" PRIu32 " rows: %" PRIu32 " points, %" PRIu32 " replicates\n", plan->name,
           merged->rows, plan->points, plan->replicates);
    if (merged->failed > 0) {
        printf("  %" PRIu32 " of them failed: see the column error\n", merged->failed);
    }
    printf("  content %s\n  results %s (sweep.csv, sweep.h5)\n", merged->content_hash, directory);
}

/* ------------------------------------------------------------------------------------------------
 * The command
 * --------------------------------------------------------------------------------------------- */

int fl_merge(const struct fl_merge *merge)
{
    struct fl_problems problems = {.to = stderr};
    fl_signals_end_run();
    struct fl_plan *plan = fl_plan_load(merge->plan, &problems);
    if (!plan) {
        return problems.count > 0 ? EXIT_USAGE : EXIT_IO;
    }
    char room[FL_SWEEP_PATH];
    const char *directory = fl_sweep_directory(plan, merge->directory, room);
    struct fl_merged merged = {.rows = 0};
    bool usage = false;
    const char *problem = directory ? fl_merge_folder(plan, directory, &merged, &usage) : NULL;
    if (problem) {
        fprintf(stderr, "faultline: %s\n", problem);
    } else if (directory && !merge->quiet) {
        fl_merged_print(plan, directory, &merged);
    }
    fl_plan_free(plan);
    return !directory          ? EXIT_IO
           : problem           ? (usage ? EXIT_USAGE : EXIT_IO)
           : merged.failed > 0 ? EXIT_ROWS
                               : 0;
}
