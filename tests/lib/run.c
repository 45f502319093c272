/* Scenario in, result out; whatever goes wrong fails the test that asked. */
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

static struct fl_test_run run_of(struct fl_config *config, const struct fl_problems *problems,
                                 const char *name, uint64_t seed)
{
    cr_assert(config != NULL && problems->count == 0, "%s: %" PRIu32 " mistakes in the scenario",
              name, problems->count);
    cr_assert_eq(config->seed, seed, "%s: the seed is not in force", name);
    struct fl_test_run run = {.config = config, .world = fl_world_new(config)};
    fl_world_run(run.world);
    run.result = fl_world_result(run.world);
    cr_assert(run.result != NULL);
    return run;
}

struct fl_test_run fl_test_run(const char *scenario_text, const char *const *overrides,
                               size_t count, uint64_t seed)
{
    static const char name[] = "scenarios/text-of-a-test.json";
    struct fl_problems problems = {.to = stderr};
    struct fl_config *config = fl_config_parse(scenario_text, strlen(scenario_text), name,
                                               overrides, count, &seed, &problems);
    return run_of(config, &problems, name, seed);
}

struct fl_test_run fl_test_run_file(const char *path, const char *const *overrides, size_t count,
                                    uint64_t seed)
{
    struct fl_problems problems = {.to = stderr};
    struct fl_config *config = fl_config_load(path, overrides, count, &seed, &problems);
    return run_of(config, &problems, path, seed);
}

void fl_test_run_free(struct fl_test_run *run)
{
    fl_world_free(run->world);
    fl_config_free(run->config);
    *run = (struct fl_test_run){0};
}

const struct fl_verdict *fl_test_verdict(const struct fl_test_run *run, const char *check)
{
    for (uint32_t i = 0; i < run->config->check_count; i++)
        if (strcmp(run->config->check[i].name, check) == 0) return &run->result->verdict[i];
    cr_assert_fail("the scenario has no check \"%s\"", check);
    return NULL;
}

int64_t fl_test_final(const struct fl_test_run *run, const char *observable)
{
    const uint32_t handle = fl_config_observable(run->config, observable);
    cr_assert_neq(handle, UINT32_MAX, "nothing publishes %s", observable);
    return run->result->final[handle];
}
