/* The command: what fails, the search, the result. See shrink.h. */
#include "sim/shrink.h"
#include "sim/disk.h"
#include "sim/shrink_report.h"
#include "sim/shrink_steps.h"
#include "sim/shrink_tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EXIT_NOT_FAILING = 1, EXIT_USAGE = 2, EXIT_IO = 3 };
enum { PATH_BYTES = 4096, FILE_NAME_BYTES = 51 }; /* as fl_files_publish takes them */

/* A smaller scenario may take longer, as with a default that means more blocks; one that takes this many
 * times as much is given up. Events are counted, so that the same search comes to the same end anywhere;
 * the limit of time is for a run that makes none. */
enum { EVENTS_TIMES = 4, EVENTS_MORE = 100000, SECONDS_TIMES = 50, SECONDS_MORE = 60 };
/* Times are looked for on a grid of about this many points in the run. */
enum { GRID_POINTS = 10000 };

/* ------------------------------------------------------------------------------------------------
 * What fails
 * --------------------------------------------------------------------------------------------- */

static const char *text_at(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(fl_tree_member(object, key));
    return text ? text : "";
}

static void copy_text(char *to, size_t bytes, const char *from)
{
    FL_ASSERT(strlen(from) < bytes);
    memcpy(to, from, strlen(from) + 1);
}

/* The first expectation that is not met, of `keep` if that is given. One of something that the summary
 * does not have is none: there is nothing to search for. */
static bool unmet_expectation(const cJSON *summary, const char *keep, struct fl_failure *failure)
{
    const cJSON *expect;
    cJSON_ArrayForEach(expect, fl_tree_member(summary, "expect"))
    {
        const char *path = text_at(expect, "path");
        const cJSON *actual = fl_tree_member(expect, "actual");
        if (cJSON_IsTrue(fl_tree_member(expect, "ok")) || cJSON_IsNull(actual) ||
            (keep && strcmp(keep, path) != 0)) {
            continue;
        }
        copy_text(failure->path, sizeof failure->path, path);
        copy_text(failure->op, sizeof failure->op, text_at(expect, "op"));
        copy_text(failure->value, sizeof failure->value, text_at(expect, "value"));
        fl_summary_word(actual, failure->actual);
        return true;
    }
    return false;
}

/* The first check that is broken, as the expectation that it holds. */
static bool broken_check(const cJSON *summary, const char *keep, struct fl_failure *failure)
{
    const cJSON *check;
    cJSON_ArrayForEach(check, fl_tree_member(summary, "checks"))
    {
        char path[sizeof failure->path];
        snprintf(path, sizeof path, "checks.%s", text_at(check, "name"));
        if (strcmp(text_at(check, "verdict"), "broken") == 0 &&
            (!keep || strcmp(keep, path) == 0)) {
            *failure = (struct fl_failure){.op = "==", .value = "holds", .actual = "broken"};
            copy_text(failure->path, sizeof failure->path, path);
            return true;
        }
    }
    return false;
}

/* False if nothing fails. */
static bool failure_of(const struct fl_trial *first, const cJSON *summary, const char *keep,
                       struct fl_failure *failure)
{
    *failure = (struct fl_failure){.crash = first->end == FL_TRIAL_CRASHED};
    if (failure->crash) {
        copy_text(failure->said, sizeof failure->said, first->said);
        return true;
    }
    return unmet_expectation(summary, keep, failure) || broken_check(summary, keep, failure);
}

/* ------------------------------------------------------------------------------------------------
 * Where the search begins
 * --------------------------------------------------------------------------------------------- */

static void drop_disabled(cJSON *tree)
{
    cJSON *faults = fl_tree_member(tree, "faults");
    for (cJSON *fault = faults->child, *next; fault; fault = next) {
        next = fault->next;
        if (cJSON_IsFalse(fl_tree_member(fault, "enabled"))) {
            cJSON_Delete(cJSON_DetachItemViaPointer(faults, fault));
        }
    }
}

static cJSON *expectation(const struct fl_failure *failure)
{
    cJSON *list = fl_json_made(cJSON_CreateArray());
    if (!failure->crash) {
        cJSON *object = fl_json_made(cJSON_CreateObject());
        fl_json_push(list, object);
        fl_json_put(object, "path", cJSON_CreateString(failure->path));
        fl_json_put(object, "op", cJSON_CreateString(failure->op));
        fl_json_put(object, "value", cJSON_CreateString(failure->value));
    }
    return list;
}

/* All that is in force, without explanation, with one expectation. */
static cJSON *start_of(const struct fl_config *config, const struct fl_failure *failure)
{
    cJSON *tree = fl_tree_parse(config->resolved);
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "why");
    drop_disabled(tree);
    fl_tree_put(tree, "expect", expectation(failure));
    return tree;
}

/* The group that all names are members of, "group[index]", and their indices; NULL if there is none. */
static cJSON *members_named(const cJSON *names, char group[2 * FL_NAME_MAX])
{
    cJSON *list = fl_json_made(cJSON_CreateArray());
    const cJSON *name;
    *group = '\0';
    cJSON_ArrayForEach(name, names)
    {
        const size_t length = strcspn(name->valuestring, "[");
        const char *index = name->valuestring + length + (name->valuestring[length] == '[');
        const bool other =
            *group && (strlen(group) != length || strncmp(group, name->valuestring, length) != 0);
        if (other || length >= 2 * FL_NAME_MAX) {
            cJSON_Delete(list);
            return NULL;
        }
        snprintf(group, 2 * FL_NAME_MAX, "%.*s", (int)length, name->valuestring);
        char digits[32];
        snprintf(digits, sizeof digits, "%.*s", (int)strcspn(index, "]"), index);
        fl_json_push(list, cJSON_CreateRaw(digits));
    }
    if (!list->child) {
        cJSON_Delete(list);
        return NULL;
    }
    return list;
}

/* Says who is struck by name, in the place of `key`, and keeps that if it fails so. */
static bool pin_instead(struct fl_shrinking *s, const char *fault_name, const char *key,
                        const char *group, const cJSON *members)
{
    cJSON *copy = fl_json_made(cJSON_Duplicate(s->best, true));
    cJSON *fault = fl_tree_member(fl_tree_member(copy, "faults"), fault_name);
    cJSON_DeleteItemFromObjectCaseSensitive(fault, key);
    fl_tree_put(fault, "group", cJSON_CreateString(group));
    fl_tree_put(fault, "members", cJSON_Duplicate(members, true));
    const bool fails = fl_trials_ask(s->trials, copy, NULL) == FL_FAILS;
    if (fails) {
        cJSON_Delete(s->best);
        s->best = copy;
    } else {
        cJSON_Delete(copy);
    }
    return fails;
}

/* Whichever key says who is struck (a count, a share, a place) gives way to the names of those who
 * were, so that each of them can be left out. */
static void pin_members(struct fl_shrinking *s, const cJSON *summary)
{
    const cJSON *result;
    cJSON_ArrayForEach(result, fl_tree_member(summary, "faults"))
    {
        const char *name = text_at(result, "name");
        const cJSON *fault = fl_tree_at(s->best, "faults", name);
        char group[2 * FL_NAME_MAX];
        cJSON *members = fault && !fl_tree_member(fault, "members") &&
                                 !fl_tree_member(fault, "sides")
                             ? members_named(fl_tree_member(result, "members"), group)
                             : NULL;
        bool pinned = members == NULL;
        for (int i = 0; !pinned && i < cJSON_GetArraySize(fault); i++) {
            char *key = fl_strdup(cJSON_GetArrayItem(fault, i)->string);
            pinned = strcmp(key, "group") != 0 && pin_instead(s, name, key, group, members);
            free(key);
            fault = fl_tree_at(s->best, "faults", name);
        }
        cJSON_Delete(members);
    }
}

/* ------------------------------------------------------------------------------------------------
 * The search
 * --------------------------------------------------------------------------------------------- */

static void show_progress(const struct fl_shrinking *s)
{
    fprintf(stderr,
            "\r\033[Kround %" PRIu32 ": %" PRIu32 " runs, %" PRIu32 " of them smaller and failing",
            s->round + 1, s->trials->runs, s->trials->count[FL_FAILS]);
    fflush(stderr);
}

static void show_nothing(const struct fl_shrinking *s)
{
    (void)s;
}

static fl_time grid_of(fl_time duration)
{
    fl_time grid = FL_MICROSECOND;
    while (grid <= duration / GRID_POINTS / 10) {
        grid *= 10;
    }
    return grid;
}

static void set_limits(struct fl_trials *trials, const cJSON *summary)
{
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    const uint64_t seconds = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec);
    trials->seconds_most = SECONDS_TIMES * seconds + SECONDS_MORE;
    const int64_t events = fl_tree_integer(summary, "events", 0);
    trials->events_most = summary ? EVENTS_TIMES * (uint64_t)events + EVENTS_MORE : UINT64_MAX;
}

/* Asked already, all of them, if the search came to its end. */
static void ask_without_faults(struct fl_shrunk *shrunk, struct fl_trials *trials,
                               const cJSON *tree)
{
    const cJSON *faults = fl_tree_member(tree, "faults"), *fault;
    shrunk->needed =
        fl_alloc(faults ? (size_t)cJSON_GetArraySize(faults) : 0, sizeof *shrunk->needed);
    cJSON_ArrayForEach(fault, faults)
    {
        struct fl_needed *needed = &shrunk->needed[shrunk->needed_count++];
        cJSON *without = fl_json_made(cJSON_Duplicate(tree, true));
        cJSON_DeleteItemFromObjectCaseSensitive(fl_tree_member(without, "faults"), fault->string);
        needed->fault = fault->string;
        needed->without = fl_trials_ask(trials, without, needed->actual);
        cJSON_Delete(without);
    }
}

/* ------------------------------------------------------------------------------------------------
 * The result
 * --------------------------------------------------------------------------------------------- */

static void result_name(const char *name, char out[FL_NAME_MAX])
{
    static const char suffix[] = "-shrunk";
    snprintf(out, FL_NAME_MAX, "%.*s%s", (int)(FL_NAME_MAX - sizeof suffix), name, suffix);
}

/* Where the result goes. */
struct target {
    const char *path, *name;     /* name: within the directory */
    char crash_path[PATH_BYTES]; /* NAME-crash.json */
    char directory[PATH_BYTES], standard[FL_NAME_MAX + sizeof ".json"];
};

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), part = strlen(end);
    return length > part && strcmp(text + length - part, end) == 0;
}

/* Looked at before the search, which may take long. False after a report. */
static bool settle_target(struct target *target, const char *path, const char *scenario_name)
{
    result_name(scenario_name, target->standard);
    strcat(target->standard, ".json");
    target->path = path ? path : target->standard;
    const char *slash = strrchr(target->path, '/');
    target->name = slash ? slash + 1 : target->path;
    if (strlen(target->path) >= PATH_BYTES - sizeof "-crash.json" || !*target->name ||
        strlen(target->name) > FILE_NAME_BYTES) {
        fprintf(stderr, "faultline: -o %s: expected the name of a file, of at most %d characters\n",
                target->path, FILE_NAME_BYTES);
        return false;
    }
    const size_t stem = strlen(target->path) - (ends_with(target->name, ".json") ? 5 : 0);
    snprintf(target->crash_path, PATH_BYTES, "%.*s-crash.json", (int)stem, target->path);
    const int length = slash ? (int)(slash - target->path) : 1;
    snprintf(target->directory, PATH_BYTES, "%.*s", length, slash ? target->path : ".");
    if (length == 0) {
        strcpy(target->directory, "/");
    }
    return true;
}

/* NULL or a sentence. */
static const char *make_room(const struct target *target)
{
    const char *problem = fl_folder_make(target->directory);
    return problem ? problem
           : access(target->directory, W_OK) != 0
               ? fl_disk_failure("cannot write into %s: %s", target->directory, strerror(errno))
               : NULL;
}

/* The text of the result, in the order of all resolved scenarios. */
static char *result_text(const struct fl_shrunk *shrunk, const char *name)
{
    cJSON *out = fl_json_made(cJSON_CreateObject());
    cJSON *rest = fl_json_made(cJSON_Duplicate(shrunk->after, true));
    char *why = fl_shrunk_why(shrunk);
    fl_json_put(out, "name", cJSON_CreateString(name));
    fl_json_put(out, "why", cJSON_CreateString(why));
    while (rest->child) {
        cJSON *item = cJSON_DetachItemViaPointer(rest, rest->child);
        if (strcmp(item->string, "name") == 0) {
            cJSON_Delete(item);
        } else {
            char *key = fl_strdup(item->string);
            fl_json_put(out, key, item);
            free(key);
        }
    }
    char *text = fl_json_pretty(out);
    cJSON_Delete(rest);
    cJSON_Delete(out);
    free(why);
    return text;
}

/* What is saved is what was run: the words alone are new. */
static void check_replay(struct fl_trials *trials, const char *text)
{
    cJSON *tree = fl_tree_parse(text);
    FL_ASSERT(fl_trials_ask(trials, tree, NULL) == FL_FAILS);
    cJSON_Delete(tree);
}

/* With it, if a run crashed on the way, the scenario of that. */
static const char *save(const struct fl_shrink *options, const struct target *target,
                        struct fl_shrunk *shrunk, struct fl_trials *trials)
{
    char name[FL_NAME_MAX];
    result_name(shrunk->config->name, name);
    shrunk->output = target->path;
    char *text = result_text(shrunk, name);
    check_replay(trials, text);
    const char *crash = trials->crash_text;
    shrunk->crash_output = crash ? target->crash_path : NULL;
    const struct fl_file file[] = {
        {target->crash_path + (target->name - target->path), crash, crash ? strlen(crash) : 0},
        {target->name, text, strlen(text)}};
    const char *problem = fl_files_publish(target->directory, &file[crash ? 0 : 1], crash ? 2 : 1);
    free(text);
    if (!problem && options->json) {
        fl_shrunk_print_json(stdout, shrunk);
    } else if (!problem && !options->quiet) {
        fl_shrunk_print(stdout, shrunk);
    }
    return problem;
}

/* ------------------------------------------------------------------------------------------------
 * The whole
 * --------------------------------------------------------------------------------------------- */

/* The smallest one, all of it explained. */
static int report(const struct fl_shrink *options, const struct target *target,
                  struct fl_shrunk *shrunk, struct fl_trials *trials)
{
    const bool fails = fl_trials_ask(trials, shrunk->after, shrunk->actual) == FL_FAILS;
    const char *problem = trials->problem;
    if (!problem && !fails) {
        fprintf(stderr, "faultline: %s: the failure did not come again\n", shrunk->config->name);
        return EXIT_NOT_FAILING;
    }
    problem = problem ? problem : save(options, target, shrunk, trials);
    if (problem) {
        fprintf(stderr, "faultline: %s\n", problem);
    }
    return problem ? EXIT_IO : 0;
}

static int search(const struct fl_shrink *options, const struct target *target,
                  const struct fl_config *config, const cJSON *summary, struct fl_trials *trials)
{
    const bool shown = !options->quiet && isatty(STDERR_FILENO);
    struct fl_shrinking s = {.trials = trials,
                             .best = start_of(config, trials->failure),
                             .grid = grid_of(config->end),
                             .progress = shown ? show_progress : show_nothing};
    struct fl_shrunk shrunk = {.config = config, .failure = trials->failure, .trials = trials};
    fl_shrink_spell(&s);
    cJSON *before = fl_json_made(cJSON_Duplicate(s.best, true));
    s.start = before;
    if (fl_trials_ask(trials, s.best, NULL) == FL_FAILS) {
        pin_members(&s, summary);
        fl_shrink_steps(&s);
        shrunk.minimal = trials->runs < trials->runs_most;
    }
    trials->runs_most = UINT32_MAX; /* what follows is known but for a few runs */
    ask_without_faults(&shrunk, trials, s.best);
    cJSON *asked = s.best; /* names in `shrunk` are of this tree */
    s.best = fl_json_made(cJSON_Duplicate(asked, true));
    fl_shrink_spell(&s);
    if (shown) {
        fputs("\r\033[K", stderr);
    }
    shrunk.before = before;
    shrunk.after = s.best;
    const int status = report(options, target, &shrunk, trials);
    free(shrunk.needed);
    cJSON_Delete(before);
    cJSON_Delete(asked);
    cJSON_Delete(s.best);
    return status;
}

/* An expectation of something that the summary does not have fails `faultline run`, and always will. */
static const char *unknown_path(const cJSON *summary)
{
    const cJSON *expect;
    cJSON_ArrayForEach(expect, fl_tree_member(summary, "expect"))
    {
        if (cJSON_IsNull(fl_tree_member(expect, "actual"))) {
            return text_at(expect, "path");
        }
    }
    return NULL;
}

/* A wrong word after --keep is the user's mistake, a right one that does not fail is an answer. */
static int not_failing(const struct fl_config *config, const char *keep, const cJSON *summary)
{
    struct fl_metric metric;
    struct fl_hint hint = {""};
    const char *path = keep ? keep : unknown_path(summary);
    if (path && !fl_summary_has(config, path, &metric, &hint)) {
        fprintf(stderr, "faultline: %s%s: the summary has no such path%s\n",
                keep ? "--keep " : "expect ", path, hint.text);
        return EXIT_USAGE;
    }
    if (keep) {
        fprintf(stderr, "faultline: %s: %s does not fail\n", config->name, keep);
    } else {
        fprintf(stderr,
                "faultline: %s does not fail: its expectations are met and no check is broken\n",
                config->name);
    }
    return EXIT_NOT_FAILING;
}

static int shrink_into(const struct fl_shrink *options, const struct target *target,
                       const struct fl_config *config)
{
    struct fl_failure failure;
    struct fl_trials trials = {.path = options->path,
                               .failure = &failure,
                               .events_most = UINT64_MAX,
                               .runs_most = options->runs};
    struct fl_trial first = fl_trial_run(&trials, config);
    cJSON *summary = first.summary ? fl_tree_parse(first.summary) : NULL;
    const char *problem = trials.problem                    ? trials.problem
                          : first.end == FL_TRIAL_ABANDONED ? first.said
                                                            : NULL;
    int status = EXIT_IO;
    if (!problem && !failure_of(&first, summary, options->keep, &failure)) {
        status = not_failing(config, options->keep, summary);
    } else if (!problem && !(problem = make_room(target))) {
        set_limits(&trials, summary);
        status = search(options, target, config, summary, &trials);
    }
    if (problem) {
        fprintf(stderr, "faultline: %s\n", problem);
    }
    cJSON_Delete(summary);
    free(first.summary);
    fl_trials_free(&trials);
    return status;
}

int fl_shrink(const struct fl_shrink *options)
{
    struct fl_problems problems = {.to = stderr};
    fl_signals_end_run();
    struct fl_config *config = fl_config_load(options->path, options->override,
                                              options->override_count, options->seed, &problems);
    if (!config) {
        return problems.count > 0 ? EXIT_USAGE : EXIT_IO;
    }
    struct target target;
    const int status = settle_target(&target, options->output, config->name)
                           ? shrink_into(options, &target, config)
                           : EXIT_USAGE;
    fl_config_free(config);
    return status;
}
