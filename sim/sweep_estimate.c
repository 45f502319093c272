/* Pilot runs, and what follows from them for all. Times are in microseconds. */
#include "sim/sweep_estimate.h"

#include "sim/crew.h"
#include "sim/journal.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { EXIT_ROWS = 1, EXIT_IO = 3 };
enum { PILOTS = 3, PILOT_SECONDS = 30, SECOND = 1000000, TIME_TEXT = 32 };

struct pilots {
    const struct fl_plan *plan;
    uint32_t count, failed;
    bool ended, cut; /* cut: one of them was too long */
    int64_t shortest, longest, sum;
};

/* ------------------------------------------------------------------------------------------------
 * Pilots
 * --------------------------------------------------------------------------------------------- */

/* Of a clock that only goes forward. */
static int64_t microseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SECOND + t.tv_nsec / 1000;
}

static const char *pilot_done(void *context, uint32_t row, const char *fields)
{
    struct pilots *pilots = context;
    pilots->ended = true;
    if (!fl_row_is_ok(fields)) {
        char status[FL_FIELD_TEXT], error[FL_FIELD_TEXT];
        pilots->failed++;
        fprintf(stderr, "faultline: point %" PRIu32 ", replicate 0 %s: %s\n",
                row / pilots->plan->replicates, fl_row_field(fields, FL_FIELD_STATUS, status),
                fl_row_field(fields, FL_FIELD_ERROR, error));
    }
    return NULL;
}

static const char *run_pilot(struct pilots *pilots, uint32_t point)
{
    struct fl_crew *crew = fl_crew_new(pilots->plan, 1);
    const int64_t start = microseconds();
    int64_t took = 0;
    pilots->ended = false;
    const char *problem = fl_crew_start(crew, point * pilots->plan->replicates);
    while (!problem && !pilots->ended && took < (int64_t)PILOT_SECONDS * SECOND) {
        const int64_t left = (int64_t)PILOT_SECONDS * SECOND - took;
        problem = fl_crew_wait(crew, (int)(left / 1000) + 1, pilot_done, pilots);
        took = microseconds() - start;
    }
    fl_crew_free(crew);
    pilots->cut |= !problem && !pilots->ended;
    pilots->shortest = pilots->count == 0 || took < pilots->shortest ? took : pilots->shortest;
    pilots->longest = took > pilots->longest ? took : pilots->longest;
    pilots->sum += took;
    pilots->count++;
    return problem;
}

static const char *run_pilots(struct pilots *pilots)
{
    const uint32_t last = pilots->plan->points - 1;
    const uint32_t points[PILOTS] = {0, last / 2, last};
    const char *problem = NULL;
    for (int i = 0; i < PILOTS && !problem; i++) {
        if (i == 0 || points[i] != points[i - 1]) {
            problem = run_pilot(pilots, points[i]);
        }
    }
    return problem;
}

/* ------------------------------------------------------------------------------------------------
 * What is told
 * --------------------------------------------------------------------------------------------- */

static void print_dimension(const struct fl_plan *plan, const struct fl_dimension *d)
{
    printf("  %" PRIu32 " by %s: ", d->count, d->kind);
    for (uint32_t i = 0; i < d->axes; i++) {
        printf("%s%s", i > 0 ? ", " : "", plan->axis[d->first + i].path);
    }
    putchar('\n');
}

static void print_plan(const struct fl_plan *plan)
{
    const uint64_t least = fl_plan_next_look(plan, 0), most = plan->replicates;
    printf("%s: %" PRIu32 " points, ", plan->name, plan->points);
    if (least < most) {
        printf("%" PRIu64 " to %" PRIu64 " replicates: %" PRIu64 " to %" PRIu64 " rows\n", least,
               most, least * plan->points, most * plan->points);
    } else {
        printf("%" PRIu64 " replicates: %" PRIu64 " rows\n", most, most * plan->points);
    }
    for (uint32_t i = 0; i < plan->dimension_count; i++) {
        print_dimension(plan, &plan->dimension[i]);
    }
}

/* Two digits, then units that a person can do something with. */
static const char *time_text(int64_t time, char out[TIME_TEXT])
{
    static const int64_t minute = (int64_t)60 * SECOND, hour = 60 * minute;
    const int64_t hundredths = (time + SECOND / 200) / (SECOND / 100);
    if (time < (int64_t)10 * SECOND) {
        snprintf(out, TIME_TEXT, "%" PRId64 ".%02" PRId64 " s", hundredths / 100, hundredths % 100);
    } else if (time < 2 * minute) {
        snprintf(out, TIME_TEXT, "%" PRId64 " s", (time + SECOND / 2) / SECOND);
    } else if (time < 2 * hour) {
        snprintf(out, TIME_TEXT, "%" PRId64 " min", (time + minute / 2) / minute);
    } else {
        snprintf(out, TIME_TEXT, "%" PRId64 " h", (time + hour / 2) / hour);
    }
    return out;
}

/* All rows at the mean of the pilots, shared by the processes. At most 10^7 rows of half a minute: no
 * overflow. */
static int64_t time_of(const struct pilots *pilots, uint64_t rows, uint32_t jobs)
{
    const int64_t mean = pilots->sum / pilots->count;
    const uint64_t shared = rows < jobs ? rows : jobs;
    return (int64_t)rows * mean / (int64_t)shared;
}

static void print_times(const struct pilots *pilots, uint32_t jobs)
{
    const struct fl_plan *plan = pilots->plan;
    char least[TIME_TEXT], most[TIME_TEXT];
    const uint64_t first_look = (uint64_t)fl_plan_next_look(plan, 0) * plan->points;
    const uint64_t rows = (uint64_t)plan->replicates * plan->points;
    time_text(time_of(pilots, first_look, jobs), least);
    time_text(time_of(pilots, rows, jobs), most);
    printf("%s ", pilots->cut ? "at least" : "about");
    if (strcmp(least, most) != 0) {
        printf("%s to ", least);
    }
    printf("%s with %" PRIu32 " job%s (", most, jobs, jobs == 1 ? "" : "s");
    time_text(pilots->shortest, least);
    time_text(pilots->longest, most);
    if (pilots->count == 1) {
        printf("1 pilot run, %s%s)\n", pilots->cut ? "more than " : "", most);
    } else {
        printf("%" PRIu32 " pilot runs, %s to %s%s each)\n", pilots->count, least,
               pilots->cut ? "more than " : "", most);
    }
}

int fl_sweep_estimate(const struct fl_plan *plan, uint32_t jobs)
{
    struct pilots pilots = {.plan = plan};
    print_plan(plan);
    fflush(stdout); /* pilots take their time */
    const char *problem = run_pilots(&pilots);
    if (problem) {
        fprintf(stderr, "faultline: %s\n", problem);
        return EXIT_IO;
    }
    print_times(&pilots, jobs);
    return pilots.failed > 0 ? EXIT_ROWS : 0;
}
