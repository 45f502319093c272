/* Swarms of PBFT, the long campaigns: faults of all kinds within the budget, twins beyond it, broken
 * protocols. FL_SEED sets the first seed. */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "sim/shrink.h"
#include "sim/values.h"
#include "tests/lib/swarm.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static uint64_t first_seed(void)
{
    const char *const seed = getenv("FL_SEED");
    return seed ? strtoull(seed, NULL, 0) : 1;
}

static void expect_borne(const struct swarm *swarm, uint64_t first, uint32_t seeds,
                         struct swarm_tally *tally)
{
    printf("seeds from %" PRIu64 " (FL_SEED)\n", first);
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        struct swarm_outcome o = swarm_run(swarm, seed), end = o;
        if (o.stuck && !o.conflict) { /* its timers may have been doubled beyond the end */
            end = swarm_run_patiently(swarm, seed);
            tally->patient++;
            printf("seed %" PRIu64 " takes longer\n", seed);
        }
        cr_assert(!end.conflict && !end.stuck, "seed %" PRIu64 ": %s\n%s", seed,
                  end.broken[0] ? end.broken : "a replica is stuck", swarm_scenario(swarm, seed));
        o.stuck = false;
        swarm_count(tally, &o, seed);
    }
}

/* Safety and liveness in every run, a view change in half of them, and no kind that does not bite. */
static void campaign(uint32_t n)
{
    const struct swarm swarm = {.model = "pbft", .n = n};
    struct swarm_tally tally = {0};
    expect_borne(&swarm, first_seed(), 2000, &tally);
    swarm_print(&tally);
    cr_expect_geq(2 * tally.changed, tally.runs);
    cr_expect_lt(100 * tally.patient, tally.runs, "most have done by the usual end");
    cr_expect_gt(tally.snapshots, 0);
    for (uint32_t k = 0; k < SWARM_KINDS; k++) {
        const struct swarm_bites *const b = &tally.kind[k];
        cr_expect_gt(b->bites, 0, "%s never bit", swarm_kinds[k]);
        if (strcmp(swarm_kinds[k], "censor") == 0) continue; /* bites only while its member leads */
        cr_expect_geq(10 * b->bitten, 9 * b->opened, "%s bit in %" PRIu64 " of %" PRIu64,
                      swarm_kinds[k], b->bitten, b->opened);
    }
}

Test(swarm_pbft, bears_what_the_budget_allows, .timeout = 7200)
{
    campaign(0);
}

Test(swarm_pbft, bears_5_of_16, .timeout = 7200)
{
    campaign(16);
}

Test(swarm_pbft, bears_liars, .timeout = 7200)
{
    const struct swarm swarm = {.model = "pbft", .liars = true};
    struct swarm_tally tally = {0};
    expect_borne(&swarm, first_seed(), 2000, &tally);
    swarm_print(&tally);
}

/* --- broken protocols ------------------------------------------------------------------------------- */

/* The weights of the generator were chosen on seeds 1 to 300: these are others. */
Test(swarm_pbft, broken_protocols_are_caught, .timeout = 7200)
{
    enum { SEEDS = 400 };
    const uint64_t first = first_seed() + 10000;
    struct swarm swarm = {.model = "pbft", .n = 4};
    struct swarm_tally honest = {0};
    expect_borne(&swarm, first, SEEDS, &honest);
    for (const struct pbft_twin *twin = pbft_twins; twin->model; twin++) {
        struct swarm_tally tally = {0};
        swarm.model = twin->model;
        for (uint64_t seed = first; seed < first + SEEDS; seed++) {
            const struct swarm_outcome o = swarm_run(&swarm, seed);
            swarm_count(&tally, &o, seed);
        }
        printf(
            "%-20s caught in %u of %d runs, by a check of the order in %u, first with seed %" PRIu64
            " (%s)\n",
            twin->model, tally.caught, SEEDS, tally.conflicts, tally.first_caught, twin->fault);
        cr_expect_geq(20 * tally.caught, SEEDS, "%s", twin->model);
    }
}

/* --- twins ------------------------------------------------------------------------------------------ */

static int integer_at(const cJSON *object, const char *key)
{
    const cJSON *const item = cJSON_GetObjectItemCaseSensitive(object, key);
    return item ? item->valueint : 0;
}

/* Members of the group, and how many of them run twice, in a scenario that was shrunk. */
struct size {
    int members, faulty_max, twins;
};

static struct size size_of(const char *path)
{
    static char text[1 << 16];
    FILE *const file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    cJSON *const tree = cJSON_Parse(text);
    cr_assert_not_null(tree, "%s", text);
    const cJSON *const nodes = cJSON_GetObjectItemCaseSensitive(tree, "nodes");
    const cJSON *const group = cJSON_GetObjectItemCaseSensitive(nodes, "v");
    struct size size = {integer_at(group, "count"), integer_at(group, "faulty_max"), 0};
    const cJSON *fault;
    cJSON_ArrayForEach(fault, cJSON_GetObjectItemCaseSensitive(tree, "faults"))
    {
        const cJSON *const model = cJSON_GetObjectItemCaseSensitive(fault, "model");
        if (strcmp(model->valuestring, "twins") == 0)
            size.twins += cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(fault, "members"));
    }
    cJSON_Delete(tree);
    return size;
}

/* Shrinks what breaks, and replays it with the program itself. */
static struct size shrink(const struct swarm *swarm, uint64_t seed)
{
    char folder[] = "/tmp/faultline-twins-XXXXXX", from[64], to[64], command[512];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(from, sizeof from, "%s/twins.json", folder);
    snprintf(to, sizeof to, "%s/small.json", folder);
    FILE *const file = fopen(from, "w");
    cr_assert_not_null(file);
    fputs(swarm_scenario(swarm, seed), file);
    cr_assert_eq(fclose(file), 0);
    const struct fl_shrink how = {.path = from,
                                  .keep = "checks.agreement",
                                  .output = to,
                                  .runs = FL_SHRINK_RUNS,
                                  .quiet = true};
    cr_assert_eq(fl_shrink(&how), 0, "seed %" PRIu64, seed);
    const struct size size = size_of(to);
    const char *const build = getenv("FL_BUILD");
    snprintf(command, sizeof command,
             "\"%s/faultline\" run '%s' -q -o '%s/r' 2>/dev/null; s=$?; grep -q "
             "'agreement | \\*\\*broken' '%s/r/report.md' || s=9; rm -r '%s'; exit $s",
             build ? build : "build", to, folder, folder, folder);
    const int status = system(command);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1, "seed %" PRIu64 " does not replay: %d",
              seed, WEXITSTATUS(status));
    return size;
}

/* Bano et al. 2020. On the two sides of a partition there are 8 + (t - a) and 8 + a identities, if t run
 * twice and a of the originals are on the first. Quorums are 11: with t = 6 both sides have one if a = 3,
 * with t = 5 never. What is shrunk has f + 1 that run twice and n = 3f + 1 at the least. */
Test(swarm_pbft, six_twins_break_agreement, .timeout = 7200)
{
    enum { SEEDS = 100, SHRUNK = 5 };
    uint32_t within = 0, beyond = 0;
    int least = 1000;
    for (uint64_t seed = first_seed(); seed < first_seed() + SEEDS; seed++) {
        const struct swarm five = {.model = "pbft", .n = 16, .twins = 5},
                           six = {.model = "pbft", .n = 16, .twins = 6};
        within += swarm_run(&five, seed).conflict;
        if (!swarm_run(&six, seed).conflict) continue;
        if (beyond++ >= SHRUNK) continue;
        const struct size size = shrink(&six, seed);
        printf("seed %" PRIu64 ": n = %d, f = %d, %d twins\n", seed, size.members, size.faulty_max,
               size.twins);
        cr_expect(size.members <= 16 && size.twins <= 6 && size.twins > size.faulty_max);
        least = size.members < least ? size.members : least;
    }
    printf("of %d runs with a partition agreement is broken in %u by 6 twins, in %u by 5\n", SEEDS,
           beyond, within);
    cr_expect_eq(within, 0);
    cr_expect_geq(4 * beyond, SEEDS);
    cr_expect_eq(least, 4);
}
