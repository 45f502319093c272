/* sim/schema.h: the committed schema is the program's, and says what the reader says.
 * `make golden` (FL_GOLDEN=write) rewrites scenarios/faultline.schema.json. */
#include "sim/schema.h"
#include "sim/config.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define PATH "scenarios/faultline.schema.json"

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s cannot be opened", path);
    char *text = NULL;
    size_t bytes = 0;
    cr_assert_geq(getdelim(&text, &bytes, '\0', file), 0);
    fclose(file);
    return text;
}

Test(schema, the_committed_file_is_up_to_date)
{
    char *now = fl_schema_text();
    const char *mode = getenv("FL_GOLDEN");
    if (mode && strcmp(mode, "write") == 0) {
        FILE *file = fopen(PATH, "w");
        cr_assert_not_null(file, "%s cannot be opened", PATH);
        fputs(now, file);
        fclose(file);
    }
    char *then = read_file(PATH);
    cr_expect(strcmp(now, then) == 0, "%s is not what `faultline schema` prints; `make golden`",
              PATH);
    free(then);
    free(now);
}

/* ------------------------------------------------------------------------------------------------
 * Keys that belong to no model: limits and names are written twice, here and in the reader
 * --------------------------------------------------------------------------------------------- */

/* A scenario that keeps clear of all limits. */
static const char plain[] =
    "{\"name\": \"x\", \"duration_s\": 5, \"trace\": {\"sample_s\": 1}, \"network\": {}, "
    "\"nodes\": "
    "{\"all\": {\"count\": 1, \"accounts\": 0, \"clients_of\": \"all\", \"faulty_max\": 0, "
    "\"consensus\": \"ordered\"}}, "
    "\"faults\": {\"x\": {\"model\": \"crash\", \"role\": \"consensus\", \"from_s\": 0, "
    "\"to_s\": 2000000000e-9}}}";

static bool reader_takes(const char *const *overrides, size_t count)
{
    struct fl_problems problems = {.to = NULL};
    struct fl_config *config =
        fl_config_parse(plain, strlen(plain), "x.json", overrides, count, NULL, &problems);
    fl_config_free(config);
    return config != NULL;
}

/* Where a structural key is tried: the schema's pointer and the --set path before its name. */
static const struct place {
    const char *definition, *path;
    const char *with[4];   /* overrides that give the value room and company */
    const char *elsewhere; /* keys that need other company: tried in another place; NULL: none */
} places[] = {
    {NULL, "", {NULL}, NULL},
    {"network", "network.", {"network={\"reorder_ms\": 1, \"gst_s\": 1, \"delta_ms\": 1}"}, NULL},
    {"clock", "nodes.all.clock.", {"nodes.all.clock={}"}, NULL},
    {"overlay",
     "nodes.all.overlay.",
     {"nodes.all.overlay={\"model\": \"gossip\", \"degree\": 3}"},
     NULL},
    {"trace", "trace.", {NULL}, NULL},
    {"group", "nodes.all.", {"nodes.all.count=1000000"}, NULL},
    {"fault-keys",
     "faults.x.",
     {"nodes.all.count=1000000", "faults.x.mttr_s=1", "faults.x.mtbf_s=1", "faults.x.sees=[]"},
     "for_s"},
    {"fault-keys",
     "faults.x.",
     {"nodes.all.count=1000000",
      "faults.x.when={\"observable\": \"consensus.height\", \"op\": \">\", \"value\": 1}"},
     "mttr_s mtbf_s stability_s"},
    {"trigger", "faults.x.when.", {"faults.x.when={\"observable\": \"consensus.height\"}"}, NULL},
};
enum { PLACES = sizeof places / sizeof *places };

static const cJSON *properties_of(const cJSON *schema, const struct place *place)
{
    const cJSON *section = schema;
    if (place->definition) {
        section = cJSON_GetObjectItemCaseSensitive(schema, "definitions");
        section = cJSON_GetObjectItemCaseSensitive(section, place->definition);
    }
    const cJSON *properties = cJSON_GetObjectItemCaseSensitive(section, "properties");
    cr_assert_not_null(properties, "%s", place->path);
    return properties;
}

/* One more than `digits` decimals can say: outside, by as little as a double of this size shows. */
static void try_bound(const struct place *place, const cJSON *key, const char *keyword, int step)
{
    const cJSON *bound = cJSON_GetObjectItemCaseSensitive(key, keyword);
    if (!bound) {
        return;
    }
    char inside[160], outside[160];
    const double value = bound->valuedouble;
    const double beyond = value != 0 && value < 1 ? value / 2 : value + step;
    snprintf(inside, sizeof inside, "%s%s=%.12g", place->path, key->string, value);
    snprintf(outside, sizeof outside, "%s%s=%.12g", place->path, key->string, beyond);
    /* A window that opens at its latest moment is empty; seed and window meet the limit of 2^53. */
    const bool empty = strcmp(key->string, "to_s") == 0 && step < 0;
    const bool late = strcmp(key->string, "from_s") == 0 && step > 0;
    const char *good[5], *bad[5];
    size_t count = 0;
    /* Accounts are counted in all members together. */
    const bool alone = strcmp(key->string, "accounts") == 0;
    for (; !alone && count < 4 && place->with[count]; count++) {
        good[count] = bad[count] = place->with[count];
    }
    good[count] = inside;
    bad[count++] = outside;
    if (!empty && !late) {
        cr_expect(reader_takes(good, count), "the reader refuses %s", inside);
    }
    cr_expect_not(reader_takes(bad, count), "the reader takes %s", outside);
}

Test(schema, limits_are_those_of_the_reader)
{
    cr_assert(reader_takes(NULL, 0));
    char *text = fl_schema_text();
    cJSON *schema = cJSON_Parse(text);
    cr_assert_not_null(schema);
    uint32_t tried = 0;
    for (size_t i = 0; i < PLACES; i++) {
        const cJSON *key;
        cJSON_ArrayForEach(key, properties_of(schema, &places[i]))
        {
            const char *skip = places[i].elsewhere;
            if (strcmp(key->string, "seed") != 0 && /* 2^53 has more digits than %.12g shows */
                !(skip && strstr(skip, key->string))) {
                tried += cJSON_HasObjectItem(key, "minimum") ? 1 : 0;
                try_bound(&places[i], key, "minimum", -1);
                try_bound(&places[i], key, "maximum", 1);
            }
        }
    }
    cr_expect_geq(tried, 9);
    cJSON_Delete(schema);
    free(text);
}

/* A key of the schema that the reader does not know. A wrong value for it is another mistake. */
Test(schema, the_reader_knows_every_structural_key)
{
    char *text = fl_schema_text();
    cJSON *schema = cJSON_Parse(text);
    for (size_t i = 0; i < PLACES; i++) {
        const cJSON *key;
        cJSON_ArrayForEach(key, properties_of(schema, &places[i]))
        {
            char override[160], *said = NULL;
            size_t bytes = 0;
            snprintf(override, sizeof override, "%s%s=\"?\"", places[i].path, key->string);
            const char *const overrides[] = {places[i].with[0] ? places[i].with[0] : override,
                                             override};
            struct fl_problems problems = {.to = open_memstream(&said, &bytes)};
            fl_config_free(
                fl_config_parse(plain, strlen(plain), "x.json", overrides, 2, NULL, &problems));
            fclose(problems.to);
            cr_expect_null(strstr(said, "unknown key"), "%s", said);
            free(said);
        }
    }
    cJSON_Delete(schema);
    free(text);
}

/* What is in force names every key that has a value: those of the reader are in the schema. */
static void expect_known(const cJSON *schema, const char *definition, const cJSON *object)
{
    const struct place place = {definition, "", {NULL}, NULL};
    const cJSON *properties = properties_of(schema, &place), *key;
    cr_assert_not_null(object, "%s", definition);
    cJSON_ArrayForEach(key, object)
    {
        cr_expect(cJSON_GetObjectItemCaseSensitive(properties, key->string),
                  "the schema does not know %s of %s", key->string, definition);
    }
}

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

Test(schema, the_schema_knows_every_key_in_force)
{
    static const char *const overrides[] = {
        "network={\"regions\": {\"names\": [\"x\"], \"delay_ms\": [[1]]}, \"loss\": 0.1, "
        "\"duplicate\": 0.1, \"reorder\": 0.1, \"reorder_ms\": 1, \"bandwidth_mbps\": 1, "
        "\"gst_s\": "
        "1, \"delta_ms\": 1, \"before_gst_ms\": 1, \"header_bytes\": 1, \"links\": [{\"from\": "
        "\"all\", \"to\": \"all\", \"delay_ms\": 1, \"loss\": 0.1}]}",
        "nodes.all.region=x",
        "nodes.all.power=[1]",
        "nodes.all.processing_us=1",
        "nodes.all.clock={\"offset_ms\": -1, \"drift_ppm\": -1}",
        "nodes.all.overlay={\"model\": \"gossip\", \"degree\": 3}",
        "faults.x.mttr_s=1",
        "faults.x.mtbf_s=1",
        "faults.x.stability_s=1"};
    struct fl_problems problems = {.to = stderr};
    struct fl_config *config = fl_config_parse(plain, strlen(plain), "x.json", overrides,
                                               sizeof overrides / sizeof *overrides, NULL,
                                               &problems);
    cr_assert_not_null(config);
    cJSON *resolved = cJSON_Parse(config->resolved);
    char *text = fl_schema_text();
    cJSON *schema = cJSON_Parse(text);
    const cJSON *network = member(resolved, "network"), *group = member(resolved, "nodes")->child;
    expect_known(schema, NULL, resolved);
    expect_known(schema, "network", network);
    expect_known(schema, "regions-matrix", member(network, "regions"));
    expect_known(schema, "link", member(network, "links")->child);
    expect_known(schema, "trace", member(resolved, "trace"));
    expect_known(schema, "group", group);
    expect_known(schema, "clock", member(group, "clock"));
    expect_known(schema, "overlay", member(group, "overlay"));
    expect_known(schema, "fault.crash", member(resolved, "faults")->child);
    cJSON_Delete(schema);
    free(text);
    cJSON_Delete(resolved);
    fl_config_free(config);
}

/* ------------------------------------------------------------------------------------------------
 * A validator that is not ours
 * --------------------------------------------------------------------------------------------- */

Test(schema, scenarios_validate_and_broken_ones_do_not)
{
    glob_t found;
    cr_assert_eq(glob("scenarios/*.json", 0, NULL, &found), 0);
    const char *build = getenv("FL_BUILD");
    char command[4096];
    int used = snprintf(command, sizeof command,
                        "command -v python3 >/dev/null || exit 77; "
                        "python3 tests/lib/validate_schema.py %s %s/faultline "
                        "scenarios/eth-crash-2020-03-12.json",
                        PATH, build ? build : "build");
    for (size_t i = 0; i < found.gl_pathc; i++) {
        cr_assert_lt(used, (int)sizeof command - 256);
        if (strstr(found.gl_pathv[i], ".schema.json")) continue;
        used += snprintf(command + used, sizeof command - (size_t)used, " %s", found.gl_pathv[i]);
    }
    globfree(&found);
    const int status = system(command);
    cr_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        fputs("not checked: python3-jsonschema is not installed\n",
              stderr); /* cr_skip_test leaks */
        return;
    }
    cr_expect_eq(WEXITSTATUS(status), 0);
}
