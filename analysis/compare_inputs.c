/* What went into two results folders: version, seed, scenario, plan; and whether they owe the same
 * results. */
#include "analysis/compare.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_IO = 3, PATH_BYTES = 4096, ERROR_BYTES = 8192, BUILD_BYTES = 1 << 16 };
enum { EXPECTED = 3 };
static const char letter[FL_SIDES] = {'A', 'B'};

/* --- what the folders are -------------------------------------------------------------------------- */

static bool holds(const char *directory, const char *file)
{
    char path[PATH_BYTES];
    fl_say(path, sizeof path, "%s/%s", directory, file);
    return access(path, F_OK) == 0;
}

enum fl_folder fl_folders_kind(const char *const directory[FL_SIDES], int *status)
{
    bool run[FL_SIDES], sweep[FL_SIDES];
    for (int s = 0; s < FL_SIDES; s++) {
        run[s] = holds(directory[s], "trace.h5");
        sweep[s] = holds(directory[s], "sweep.h5");
        if (!run[s] && !sweep[s]) {
            fprintf(stderr,
                    "faultline: %s: neither trace.h5 of a run nor sweep.h5 of a sweep is there\n",
                    directory[s]);
            *status = EXIT_IO;
            return 0;
        }
    }
    if (run[0] && run[1]) {
        return FL_FOLDER_RUN;
    }
    if (sweep[0] && sweep[1]) {
        return FL_FOLDER_SWEEP;
    }
    fprintf(stderr,
            "faultline: %s is a run and %s a sweep: only two runs or two sweeps can be compared\n",
            directory[run[0] ? 0 : 1], directory[run[0] ? 1 : 0]);
    *status = EXIT_USAGE;
    return 0;
}

/* --- reading --------------------------------------------------------------------------------------- */

/* What the archive must say of itself; NULL after a line. */
static char *required(struct fl_trace *trace, const char *name)
{
    char *text = fl_trace_attribute(trace, "/", name);
    if (!text) {
        fprintf(stderr, "faultline: %s\n", fl_trace_error(trace));
    }
    return text;
}

static cJSON *required_json(const struct fl_side *side, const char *name)
{
    char *text = required(side->trace, name);
    cJSON *json = text ? cJSON_Parse(text) : NULL;
    if (text && !json) {
        fprintf(stderr, "faultline: %s: attribute %s is not JSON: the archive is damaged\n",
                side->directory, name);
    }
    free(text);
    return json;
}

/* From build.json; results without one may be compared all the same. */
static char *read_git(const char *directory)
{
    char path[PATH_BYTES];
    fl_say(path, sizeof path, "%s/build.json", directory);
    FILE *file = fopen(path, "r");
    if (!file) {
        return NULL;
    }
    char *text = fl_alloc(BUILD_BYTES + 1, 1);
    text[fread(text, 1, BUILD_BYTES, file)] = '\0';
    fclose(file);
    cJSON *build = cJSON_Parse(text);
    const cJSON *git = cJSON_GetObjectItemCaseSensitive(build, "git");
    char *copy = cJSON_IsString(git) ? fl_strdup(git->valuestring) : NULL;
    cJSON_Delete(build);
    free(text);
    return copy;
}

static bool read_side(const char *directory, enum fl_folder kind, struct fl_side *side)
{
    char error[ERROR_BYTES];
    const bool is_run = kind == FL_FOLDER_RUN;
    side->directory = directory;
    side->trace = is_run ? fl_trace_open(directory, error, sizeof error)
                         : fl_trace_open_sweep(directory, error, sizeof error);
    if (!side->trace) {
        fprintf(stderr, "faultline: %s\n", error);
        return false;
    }
    side->git = read_git(directory);
    return (side->version = required(side->trace, "faultline_version")) &&
           (side->name = required(side->trace, "name")) &&
           (side->seed = required(side->trace, "seed")) &&
           (side->content_hash = required(side->trace, "content_hash")) &&
           (side->scenario = required_json(side, "scenario_resolved_json")) &&
           (is_run ? (side->digest = required(side->trace, "digest")) &&
                         (side->overrides = required(side->trace, "overrides"))
                   : (side->plan = required_json(side, "plan_json")) != NULL);
}

/* The archive says the seed as text: in the scenario it may be larger than a double can hold. */
static void forget_seed(cJSON *json)
{
    cJSON_DeleteItemFromObjectCaseSensitive(json, "seed");
}

static bool any_matters(const struct fl_differences *differences)
{
    for (size_t i = 0; i < differences->count; i++) {
        if (fl_difference_matters(&differences->at[i])) {
            return true;
        }
    }
    return false;
}

/* A run's digest is that of what happened, whatever is recorded of it. The content of an archive, and
 * the rows of a sweep, depend on everything but the words. */
static enum fl_determinism judge(const struct fl_inputs *inputs)
{
    const struct fl_side *a = &inputs->side[0], *b = &inputs->side[1];
    const bool same_program = inputs->same_version && inputs->same_seed;
    if (!same_program || any_matters(&inputs->scenario) || any_matters(&inputs->plan)) {
        return FL_OTHER_INPUTS;
    }
    if (a->digest && strcmp(a->digest, b->digest) != 0) {
        return FL_BROKEN_CONTRACT;
    }
    if (inputs->scenario.count + inputs->plan.count > 0) {
        return a->digest ? FL_EQUAL_RESULTS : FL_OTHER_INPUTS;
    }
    return strcmp(a->content_hash, b->content_hash) == 0 ? FL_EQUAL_RESULTS : FL_BROKEN_CONTRACT;
}

bool fl_inputs_read(const char *const directory[FL_SIDES], enum fl_folder kind,
                    struct fl_inputs *inputs)
{
    *inputs = (struct fl_inputs){0};
    for (int s = 0; s < FL_SIDES; s++) {
        if (!read_side(directory[s], kind, &inputs->side[s])) {
            return false;
        }
    }
    struct fl_side *a = &inputs->side[0], *b = &inputs->side[1];
    inputs->same_version = strcmp(a->version, b->version) == 0;
    inputs->same_seed = strcmp(a->seed, b->seed) == 0;
    for (int s = 0; s < FL_SIDES; s++) {
        forget_seed(inputs->side[s].scenario);
        forget_seed(inputs->side[s].plan);
    }
    fl_differences_find(a->scenario, b->scenario, &inputs->scenario);
    if (a->plan) {
        fl_differences_find(a->plan, b->plan, &inputs->plan);
    }
    inputs->determinism = judge(inputs);
    return true;
}

static void free_side(struct fl_side *side)
{
    if (side->trace) {
        fl_trace_close(side->trace);
    }
    free(side->version);
    free(side->name);
    free(side->seed);
    free(side->content_hash);
    free(side->digest);
    free(side->overrides);
    free(side->git);
    cJSON_Delete(side->scenario);
    cJSON_Delete(side->plan);
}

void fl_inputs_free(struct fl_inputs *inputs)
{
    fl_differences_free(&inputs->scenario);
    fl_differences_free(&inputs->plan);
    for (int s = 0; s < FL_SIDES; s++) {
        free_side(&inputs->side[s]);
    }
}

/* --- for people ------------------------------------------------------------------------------------ */

static void print_side(const struct fl_side *side, char which)
{
    printf("%c  %s: %s, seed %s, %s %.16s\n", which, side->directory, side->name, side->seed,
           side->digest ? "digest" : "content", side->digest ? side->digest : side->content_hash);
}

static bool other_git(const struct fl_inputs *inputs)
{
    const char *a = inputs->side[0].git, *b = inputs->side[1].git;
    return a && b && strcmp(a, b) != 0;
}

static void print_changed(const char *what, const char *a, const char *b)
{
    if (strcmp(a, b) != 0) {
        printf("  %s: %s -> %s\n", what, a, b);
    }
}

/* One PATH=VALUE a line in the archive. */
static void print_overrides(const char *text)
{
    if (*text == '\0') {
        fputs("none", stdout);
    }
    for (; *text; text++) {
        if (*text != '\n') {
            putchar(*text);
        } else if (text[1] != '\0') {
            fputs(", ", stdout);
        }
    }
}

static size_t parent_length(const struct fl_difference *difference)
{
    const char *dot = strrchr(difference->path, '.');
    return dot ? (size_t)(dot - difference->path) : 0;
}

static bool same_parent(const struct fl_difference *a, const struct fl_difference *b)
{
    const size_t length = parent_length(a);
    return length == parent_length(b) && strncmp(a->path, b->path, length) == 0;
}

/* Keys that come and go with a model take one line: the choice is the news, and has its own. */
static void print_keys_of_model(const struct fl_differences *all, size_t first)
{
    const size_t length = parent_length(&all->at[first]);
    printf("  %.*s", (int)length, all->at[first].path);
    for (int s = 0; s < FL_SIDES; s++) {
        const char *before = s == 0 ? ", only of A's model: " : ", only of B's model: ";
        for (size_t i = first; i < all->count; i++) {
            const struct fl_difference *difference = &all->at[i];
            if (difference->of_model && difference->value[s] &&
                same_parent(difference, &all->at[first])) {
                printf("%s%s", before, difference->path + length + (length > 0));
                before = ", ";
            }
        }
    }
    putchar('\n');
}

static bool is_told_already(const struct fl_differences *all, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (all->at[k].of_model && same_parent(&all->at[k], &all->at[i])) {
            return true;
        }
    }
    return false;
}

/* Of what is expected the first few: a result does not depend on it. */
static void print_differences(const struct fl_differences *all, const char *before)
{
    size_t expected = 0;
    for (size_t i = 0; i < all->count; i++) {
        const char *path = all->at[i].path;
        if (strncmp(path, "expect[", sizeof "expect[" - 1) == 0 && expected++ >= EXPECTED) {
            continue;
        }
        if (!all->at[i].of_model) {
            char text[FL_DIFFERENCE_TEXT];
            fl_difference_text(&all->at[i], text);
            printf("  %s%s: %s\n", before, path, text);
        } else if (!is_told_already(all, i)) {
            print_keys_of_model(all, i);
        }
    }
    if (expected > EXPECTED) {
        printf("  expect: %zu more\n", expected - EXPECTED);
    }
}

static void print_contract(const struct fl_inputs *inputs)
{
    const struct fl_side *a = &inputs->side[0], *b = &inputs->side[1];
    if (inputs->determinism == FL_EQUAL_RESULTS) {
        puts(inputs->scenario.count + inputs->plan.count > 0
                 ? "  nothing else: what the result depends on is the same, and so is the result"
                 : "  nothing, and the results are the same");
    }
    if (inputs->determinism != FL_BROKEN_CONTRACT) {
        return;
    }
    printf("\nTHE SAME INPUTS GAVE DIFFERENT RESULTS: scenario, seed and version are equal, but\n");
    if (a->digest) {
        printf("  digest   %s\n           %s\n", a->digest, b->digest);
    }
    printf("  content  %s\n           %s\n", a->content_hash, b->content_hash);
    if (other_git(inputs)) {
        printf("They were built from other sources, %s and %s; version %s should have told them "
               "apart.\n",
               a->git, b->git, a->version);
    } else {
        puts("This breaks the determinism contract: one of the archives is not what this version "
             "leaves, or\nthe program is at fault. Run both again and report it.");
    }
}

void fl_inputs_print(const struct fl_inputs *inputs)
{
    const struct fl_side *a = &inputs->side[0], *b = &inputs->side[1];
    for (int s = 0; s < FL_SIDES; s++) {
        print_side(&inputs->side[s], letter[s]);
    }
    puts("\nWhat differs");
    print_changed("program version", a->version, b->version);
    if (other_git(inputs)) {
        print_changed("built from", a->git, b->git);
    }
    print_changed("seed", a->seed, b->seed);
    if (a->overrides && strcmp(a->overrides, b->overrides) != 0) {
        fputs("  --set: ", stdout);
        print_overrides(a->overrides);
        fputs(" -> ", stdout);
        print_overrides(b->overrides);
        putchar('\n');
    }
    print_differences(&inputs->plan, "plan: ");
    print_differences(&inputs->scenario, "");
    print_contract(inputs);
}

/* --- for programs ---------------------------------------------------------------------------------- */

static cJSON *side_json(const struct fl_side *side)
{
    cJSON *json = cJSON_CreateObject();
    const struct {
        const char *name, *text;
    } facts[] = {{"directory", side->directory},
                 {"name", side->name},
                 {"faultline_version", side->version},
                 {"git", side->git},
                 {"seed", side->seed},
                 {"overrides", side->overrides},
                 {"digest", side->digest},
                 {"content_hash", side->content_hash}};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        if (facts[i].text) {
            cJSON_AddStringToObject(json, facts[i].name, facts[i].text);
        }
    }
    return json;
}

static void add_differences(cJSON *json, const char *name, const struct fl_differences *all)
{
    cJSON *list = cJSON_AddArrayToObject(json, name);
    for (size_t i = 0; i < all->count; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(list, item);
        cJSON_AddStringToObject(item, "path", all->at[i].path);
        for (int s = 0; s < FL_SIDES; s++) {
            if (all->at[i].value[s]) {
                cJSON_AddItemToObject(item, (char[]){letter[s], '\0'},
                                      cJSON_Duplicate(all->at[i].value[s], true));
            }
        }
    }
}

void fl_inputs_json(const struct fl_inputs *inputs, cJSON *json)
{
    static const char *const word[] = {[FL_OTHER_INPUTS] = "other inputs",
                                       [FL_EQUAL_RESULTS] = "same inputs, same results",
                                       [FL_BROKEN_CONTRACT] = "same inputs, other results"};
    cJSON_AddItemToObject(json, "A", side_json(&inputs->side[0]));
    cJSON_AddItemToObject(json, "B", side_json(&inputs->side[1]));
    cJSON_AddStringToObject(json, "determinism", word[inputs->determinism]);
    cJSON *differs = cJSON_AddObjectToObject(json, "differs");
    cJSON_AddBoolToObject(differs, "version", !inputs->same_version);
    cJSON_AddBoolToObject(differs, "seed", !inputs->same_seed);
    add_differences(differs, "scenario", &inputs->scenario);
    if (inputs->side[0].plan) {
        add_differences(differs, "plan", &inputs->plan);
    }
}
