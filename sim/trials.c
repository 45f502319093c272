/* Runs in processes of their own, and what they answer: see trials.h. */
#include "sim/trials.h"
#include "sim/child.h"
#include "sim/disk.h"
#include "sim/shrink_tree.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

enum { EXIT_WRITING = 3, EXIT_TOO_LONG = 4 };
#define FILE_BYTES_MOST ((rlim_t)64 << 20) /* of a child that talks without end */

void fl_trials_free(struct fl_trials *trials)
{
    free(trials->told);
    free(trials->crash_text);
}

/* ------------------------------------------------------------------------------------------------
 * One run
 * --------------------------------------------------------------------------------------------- */

static _Noreturn void simulate(const struct fl_trials *trials, const struct fl_config *config,
                               FILE *summary)
{
    if (trials->seconds_most > 0) {
        const rlim_t most = (rlim_t)trials->seconds_most;
        setrlimit(RLIMIT_CPU, &(struct rlimit){most, most + 1}); /* a signal first */
    }
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){FILE_BYTES_MOST, FILE_BYTES_MOST});
    struct fl_world *world = fl_world_new(config);
    if (!fl_world_run_within(world, trials->events_most)) {
        _exit(EXIT_TOO_LONG);
    }
    uint32_t failed;
    const char *text = fl_summary_text(config, fl_world_result(world), "", &failed);
    _exit(fputs(text, summary) >= 0 && fflush(summary) == 0 ? 0 : EXIT_WRITING);
}

/* What is in a file, and the caller's to free. */
static char *content_of(FILE *file)
{
    char *text = NULL;
    size_t bytes = 0, got;
    char block[4096];
    FILE *out = fl_text_open(&text, &bytes);
    rewind(file);
    while ((got = fread(block, 1, sizeof block, file)) > 0) {
        fwrite(block, 1, got, out);
    }
    fl_text_close(out);
    return text;
}

/* How it ended and its first line, without what would upset a terminal. */
static void describe_end(int status, FILE *talk, char said[FL_TRIAL_TEXT])
{
    char *text = content_of(talk);
    const bool by_signal = WIFSIGNALED(status);
    int used = snprintf(said, FL_TRIAL_TEXT, "it ended %s %d",
                        by_signal ? "by signal" : "with status",
                        by_signal ? WTERMSIG(status) : WEXITSTATUS(status));
    text[strcspn(text, "\n")] = '\0';
    for (char *at = text; *at; at++) {
        *at = (unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7f ? '?' : *at;
    }
    if (*text) {
        snprintf(said + used, FL_TRIAL_TEXT - (size_t)used, ", saying: %s", text);
    }
    free(text);
}

static struct fl_trial judge(int status, FILE *summary, FILE *talk)
{
    struct fl_trial trial = {.end = FL_TRIAL_ENDED};
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        trial.summary = content_of(summary);
        return trial;
    }
    const bool too_long =
        (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_TOO_LONG) ||
        (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL));
    trial.end = too_long ? FL_TRIAL_ABANDONED : FL_TRIAL_CRASHED;
    describe_end(status, talk, trial.said);
    return trial;
}

static struct fl_trial unable(struct fl_trials *trials, const char *what)
{
    trials->problem = fl_disk_failure("%s: %s", what, strerror(errno));
    return (struct fl_trial){.end = FL_TRIAL_UNABLE};
}

static struct fl_trial run_into(struct fl_trials *trials, const struct fl_config *config,
                                FILE *summary, FILE *talk)
{
    const pid_t parent = getpid();
    fflush(NULL);
    const pid_t id = fork();
    if (id < 0) {
        return unable(trials, "cannot start a process");
    }
    if (id == 0) {
        fl_child_settle(parent, fileno(talk));
        simulate(trials, config, summary);
    }
    int status = 0;
    while (waitpid(id, &status, 0) < 0 && errno == EINTR) {
    }
    return judge(status, summary, talk);
}

struct fl_trial fl_trial_run(struct fl_trials *trials, const struct fl_config *config)
{
    FILE *summary = tmpfile(), *talk = tmpfile();
    struct fl_trial trial = summary && talk ? run_into(trials, config, summary, talk)
                                            : unable(trials, "cannot make a temporary file");
    if (summary) {
        fclose(summary);
    }
    if (talk) {
        fclose(talk);
    }
    trials->runs++;
    return trial;
}

/* ------------------------------------------------------------------------------------------------
 * Answers
 * --------------------------------------------------------------------------------------------- */

struct fl_config *fl_trials_config(const struct fl_trials *trials, const cJSON *tree)
{
    struct fl_problems problems = {.to = NULL};
    char *text = fl_json_pretty(tree);
    struct fl_config *config =
        fl_config_parse(text, strlen(text), trials->path, NULL, 0, NULL, &problems);
    free(text);
    return config;
}

bool fl_summary_word(const cJSON *value, char text[FL_METRIC_TEXT])
{
    const char *found = cJSON_IsTrue(value)                           ? "true"
                        : cJSON_IsFalse(value)                        ? "false"
                        : cJSON_IsString(value) || cJSON_IsRaw(value) ? value->valuestring
                                                                      : "";
    snprintf(text, FL_METRIC_TEXT, "%s", found);
    return cJSON_IsBool(value) ||
           (cJSON_IsString(value) && strspn(text, "-.0123456789") < strlen(text));
}

/* Its expectations begin with the failure's. */
static enum fl_answer compare(const struct fl_failure *failure, const char *summary_text,
                              char actual[FL_METRIC_TEXT])
{
    cJSON *summary = fl_tree_parse(summary_text);
    const cJSON *expect = cJSON_GetArrayItem(fl_tree_member(summary, "expect"), 0);
    const cJSON *found = fl_tree_member(expect, "actual");
    FL_ASSERT(expect);
    const bool word = fl_summary_word(found, actual);
    enum fl_answer answer = FL_FAILS;
    if (cJSON_IsNull(found) || cJSON_IsTrue(fl_tree_member(expect, "ok"))) {
        answer = FL_PASSES;
    } else if (word && strcmp(actual, failure->actual) != 0) {
        answer = FL_FAILS_DIFFERENTLY;
    }
    cJSON_Delete(summary);
    return answer;
}

static enum fl_answer run(struct fl_trials *trials, const struct fl_config *config,
                          const char *text, char actual[FL_METRIC_TEXT])
{
    const struct fl_failure *failure = trials->failure;
    struct fl_trial trial = fl_trial_run(trials, config);
    enum fl_answer answer = FL_NOT_ASKED;
    switch (trial.end) {
    case FL_TRIAL_ENDED:
        answer = failure->crash ? FL_PASSES : compare(failure, trial.summary, actual);
        break;
    case FL_TRIAL_CRASHED:
        answer = failure->crash && strcmp(trial.said, failure->said) == 0 ? FL_FAILS : FL_CRASHES;
        if (answer == FL_CRASHES && !*trials->crash) {
            memcpy(trials->crash, trial.said, sizeof trials->crash);
            trials->crash_text = fl_strdup(text);
        }
        break;
    case FL_TRIAL_ABANDONED:
        answer = FL_TOO_LONG;
        break;
    case FL_TRIAL_UNABLE:
        break;
    }
    free(trial.summary);
    return answer;
}

static const struct fl_told *remembered(const struct fl_trials *trials, struct fl_digest text)
{
    for (uint32_t i = 0; i < trials->told_count; i++) {
        if (fl_digest_equal(trials->told[i].text, text)) {
            return &trials->told[i];
        }
    }
    return NULL;
}

static struct fl_told answer_to(struct fl_trials *trials, const char *text)
{
    struct fl_problems problems = {.to = NULL};
    struct fl_told told = {.answer = FL_INVALID};
    struct fl_config *config =
        fl_config_parse(text, strlen(text), trials->path, NULL, 0, NULL, &problems);
    if (config && (trials->runs == trials->runs_most || trials->problem)) {
        told.answer = FL_NOT_ASKED;
    } else if (config) {
        told.answer = run(trials, config, text, told.actual);
    }
    fl_config_free(config);
    return told;
}

enum fl_answer fl_trials_ask(struct fl_trials *trials, const cJSON *tree,
                             char actual[FL_METRIC_TEXT])
{
    char *text = fl_json_pretty(tree);
    const XXH128_hash_t hash = XXH3_128bits(text, strlen(text));
    const struct fl_digest digest = {.lo = hash.low64, .hi = hash.high64};
    const struct fl_told *known = remembered(trials, digest);
    struct fl_told told = known ? *known : answer_to(trials, text);
    free(text);
    if (!known && told.answer != FL_NOT_ASKED) {
        told.text = digest;
        trials->told =
            fl_grow(trials->told, trials->told_count, &trials->told_room, sizeof *trials->told);
        trials->told[trials->told_count++] = told;
        trials->count[told.answer]++;
    }
    if (actual) {
        memcpy(actual, told.actual, FL_METRIC_TEXT);
    }
    return told.answer;
}
