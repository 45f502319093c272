/* One list of facts about a search, as a paragraph, as lines, as JSON: see shrink_report.h. */
#include "sim/shrink_report.h"
#include "sim/shrink_tree.h"
#include "sim/values.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SENTENCE = 512 };

/* A section of the scenario, and what one and several of its parts are called. */
static const struct section {
    const char *key, *one, *several;
} sections[] = {
    {"faults", "fault", "faults"},
    {"nodes", "group", "groups"},
    {"contracts", "contract", "contracts"},
    {"checks", "check", "checks"},
};
enum { SECTIONS = sizeof sections / sizeof *sections };

/* ------------------------------------------------------------------------------------------------
 * Facts
 * --------------------------------------------------------------------------------------------- */

struct size {
    fl_time duration;
    int64_t nodes, accounts, values;
};

static int64_t values_in(const cJSON *item)
{
    int64_t count = item->child ? 0 : 1;
    for (const cJSON *child = item->child; child; child = child->next) {
        count += values_in(child);
    }
    return count;
}

/* Accounts as what is in force has them: trees may leave out their default. */
static struct size size_of(const struct fl_trials *trials, const cJSON *tree)
{
    struct fl_config *config = fl_trials_config(trials, tree);
    FL_ASSERT(config);
    const struct size size = {config->end, config->facts.endpoints, config->facts.accounts,
                              values_in(tree)};
    fl_config_free(config);
    return size;
}

/* Names in a section that are no longer there, as a list of strings. */
static cJSON *left_out(const struct fl_shrunk *shrunk, const char *section)
{
    cJSON *list = fl_json_made(cJSON_CreateArray());
    const cJSON *parts = fl_tree_member(shrunk->before, section);
    for (const cJSON *part = parts ? parts->child : NULL; part; part = part->next) {
        if (!fl_tree_at(shrunk->after, section, part->string)) {
            fl_json_push(list, cJSON_CreateString(part->string));
        }
    }
    return list;
}

void fl_failure_text(const struct fl_failure *failure, const char *actual, char *out, size_t bytes)
{
    if (failure->crash) {
        snprintf(out, bytes, "the run crashes: %s", failure->said);
    } else {
        snprintf(out, bytes, "%s = %s, expected %s %s", failure->path, actual, failure->op,
                 failure->value);
    }
}

static void without_text(const struct fl_shrunk *shrunk, const struct fl_needed *needed, char *out,
                         size_t bytes)
{
    const struct fl_failure *failure = shrunk->failure;
    switch (needed->without) {
    case FL_PASSES:
        if (failure->crash) {
            snprintf(out, bytes, "the run ends well");
        } else if (*needed->actual) {
            snprintf(out, bytes, "%s = %s", failure->path, needed->actual);
        } else {
            snprintf(out, bytes, "there is no %s", failure->path);
        }
        return;
    case FL_FAILS_DIFFERENTLY:
        snprintf(out, bytes, "%s = %s", failure->path, needed->actual);
        return;
    case FL_CRASHES:
        snprintf(out, bytes, "the run crashes");
        return;
    case FL_INVALID:
        snprintf(out, bytes, "it is no scenario");
        return;
    case FL_TOO_LONG:
        snprintf(out, bytes, "the run takes far longer");
        return;
    case FL_NOT_ASKED:
        snprintf(out, bytes, "nobody has looked");
        return;
    case FL_FAILS:
        snprintf(out, bytes, "it fails too: a smaller scenario exists");
        return;
    }
    FL_UNREACHABLE("answer of a trial");
}

/* ------------------------------------------------------------------------------------------------
 * Words
 * --------------------------------------------------------------------------------------------- */

static void print_names(FILE *to, const cJSON *names)
{
    for (const cJSON *name = names->child; name; name = name->next) {
        fprintf(to, "%s%s", name->valuestring, name->next ? ", " : "");
    }
}

/* "faults a, b; group c", or "nothing". */
static void print_left_out(FILE *to, const struct fl_shrunk *shrunk)
{
    bool any = false;
    for (size_t i = 0; i < SECTIONS; i++) {
        cJSON *names = left_out(shrunk, sections[i].key);
        const int count = cJSON_GetArraySize(names);
        if (count > 0) {
            fprintf(to, "%s%s ", any ? "; " : "",
                    count == 1 ? sections[i].one : sections[i].several);
            print_names(to, names);
            any = true;
        }
        cJSON_Delete(names);
    }
    if (!any) {
        fputs("no part", to);
    }
}

static void print_seconds(FILE *to, fl_time time)
{
    cJSON *item = fl_json_made(fl_number_item(time, 9));
    fprintf(to, "%s", item->valuestring);
    cJSON_Delete(item);
}

/* "129600 to 38000 s, 13 to 9 nodes, ..." */
static void print_sizes(FILE *to, const struct fl_shrunk *shrunk)
{
    const struct size before = size_of(shrunk->trials, shrunk->before),
                      after = size_of(shrunk->trials, shrunk->after);
    print_seconds(to, before.duration);
    fputs(" to ", to);
    print_seconds(to, after.duration);
    fprintf(to,
            " s, %" PRId64 " to %" PRId64 " nodes, %" PRId64 " to %" PRId64 " accounts, %" PRId64
            " to %" PRId64 " values in the file",
            before.nodes, after.nodes, before.accounts, after.accounts, before.values,
            after.values);
}

static void print_from(FILE *to, const struct fl_shrunk *shrunk)
{
    const struct fl_config *config = shrunk->config;
    fprintf(to, "%s, seed %" PRIu64, config->name, config->seed);
    for (const char *at = config->overrides; *at; at += strcspn(at, "\n") + 1) {
        fprintf(to, ", --set %.*s", (int)strcspn(at, "\n"), at);
    }
}

static void print_needed(FILE *to, const struct fl_shrunk *shrunk)
{
    char without[SENTENCE];
    for (uint32_t i = 0; i < shrunk->needed_count; i++) {
        without_text(shrunk, &shrunk->needed[i], without, sizeof without);
        fprintf(to, " The fault %s is needed: without it %s.", shrunk->needed[i].fault, without);
    }
    if (shrunk->needed_count == 0) {
        fputs(" It takes no fault.", to);
    }
}

char *fl_shrunk_why(const struct fl_shrunk *shrunk)
{
    char *text = NULL, failure[SENTENCE];
    size_t bytes = 0;
    FILE *out = fl_text_open(&text, &bytes);
    fl_failure_text(shrunk->failure, shrunk->actual, failure, sizeof failure);
    fputs("Shrunk from ", out);
    print_from(out, shrunk);
    fprintf(out, ". It fails on purpose: %s.", failure);
    print_needed(out, shrunk);
    fputs(" Left out: ", out);
    print_left_out(out, shrunk);
    fputs(". Cut: ", out);
    print_sizes(out, shrunk);
    fprintf(out, ". %s",
            shrunk->minimal ? "No single cut that is left keeps the failure."
                            : "The runs ended before the search did: smaller ones may exist.");
    fl_text_close(out);
    return text;
}

void fl_shrunk_print(FILE *to, const struct fl_shrunk *shrunk)
{
    char text[SENTENCE];
    const uint32_t *count = shrunk->trials->count;
    fl_failure_text(shrunk->failure, shrunk->actual, text, sizeof text);
    print_from(to, shrunk);
    fprintf(to, "\n  fails    %s\n", text);
    for (uint32_t i = 0; i < shrunk->needed_count; i++) {
        without_text(shrunk, &shrunk->needed[i], text, sizeof text);
        fprintf(to, "  needed   %s: without it %s\n", shrunk->needed[i].fault, text);
    }
    if (shrunk->needed_count == 0) {
        fputs("  needed   no fault\n", to);
    }
    fputs("  left out ", to);
    print_left_out(to, shrunk);
    fputs("\n  cut      ", to);
    print_sizes(to, shrunk);
    fprintf(to,
            "\n  runs     %" PRIu32 ": %" PRIu32 " failed alike, %" PRIu32
            " failed in another way, %" PRIu32 " passed, %" PRIu32 " took too long, %" PRIu32
            " crashed; %" PRIu32 " cuts left no scenario\n",
            shrunk->trials->runs, count[FL_FAILS], count[FL_FAILS_DIFFERENTLY], count[FL_PASSES],
            count[FL_TOO_LONG], count[FL_CRASHES], count[FL_INVALID]);
    if (shrunk->crash_output) {
        fprintf(to, "  crashed  %s; that is a fault of faultline itself, please report it: %s\n",
                shrunk->trials->crash, shrunk->crash_output);
    }
    if (!shrunk->minimal) {
        fputs("  ended    by --runs, before the search did: smaller ones may exist\n", to);
    }
    fprintf(to, "  result   %s (faultline run replays the failure)\n", shrunk->output);
}

/* ------------------------------------------------------------------------------------------------
 * JSON
 * --------------------------------------------------------------------------------------------- */

static const char *answer_word(enum fl_answer answer)
{
    switch (answer) {
    case FL_FAILS:
        return "fails";
    case FL_FAILS_DIFFERENTLY:
        return "fails differently";
    case FL_CRASHES:
        return "crashes";
    case FL_PASSES:
        return "passes";
    case FL_INVALID:
        return "invalid";
    case FL_TOO_LONG:
        return "too long";
    case FL_NOT_ASKED:
        return "not asked";
    }
    FL_UNREACHABLE("answer of a trial");
}

static void put_word(cJSON *object, const char *key, const char *word)
{
    fl_json_put(object, key, cJSON_CreateString(word));
}

static cJSON *put_object(cJSON *object, const char *key)
{
    cJSON *made = fl_json_made(cJSON_CreateObject());
    fl_json_put(object, key, made);
    return made;
}

static void put_failure(cJSON *root, const struct fl_shrunk *shrunk)
{
    const struct fl_failure *failure = shrunk->failure;
    cJSON *object = put_object(root, "failure");
    if (failure->crash) {
        put_word(object, "crash", failure->said);
        return;
    }
    put_word(object, "path", failure->path);
    put_word(object, "op", failure->op);
    put_word(object, "value", failure->value);
    put_word(object, "actual_before", failure->actual);
    put_word(object, "actual", shrunk->actual);
}

static void put_sizes(cJSON *root, const char *key, const struct fl_shrunk *shrunk,
                      const cJSON *tree)
{
    const struct size size = size_of(shrunk->trials, tree);
    cJSON *object = put_object(root, key);
    fl_json_put(object, "duration_s", fl_number_item(size.duration, 9));
    fl_json_put(object, "nodes", fl_number_item(size.nodes, 0));
    fl_json_put(object, "accounts", fl_number_item(size.accounts, 0));
    fl_json_put(object, "values", fl_number_item(size.values, 0));
}

static void put_needed(cJSON *root, const struct fl_shrunk *shrunk)
{
    cJSON *list = fl_json_made(cJSON_CreateArray());
    fl_json_put(root, "needed", list);
    for (uint32_t i = 0; i < shrunk->needed_count; i++) {
        cJSON *object = fl_json_made(cJSON_CreateObject());
        fl_json_push(list, object);
        put_word(object, "fault", shrunk->needed[i].fault);
        put_word(object, "without", answer_word(shrunk->needed[i].without));
        put_word(object, "actual", shrunk->needed[i].actual);
    }
}

void fl_shrunk_print_json(FILE *to, const struct fl_shrunk *shrunk)
{
    cJSON *root = fl_json_made(cJSON_CreateObject());
    char seed[32];
    snprintf(seed, sizeof seed, "%" PRIu64, shrunk->config->seed);
    put_word(root, "scenario", shrunk->config->name);
    fl_json_put(root, "seed",
                shrunk->config->seed <= FL_SEED_NUMBER_MAX ? cJSON_CreateRaw(seed)
                                                           : cJSON_CreateString(seed));
    put_failure(root, shrunk);
    put_needed(root, shrunk);
    cJSON *gone = put_object(root, "left_out");
    for (size_t i = 0; i < SECTIONS; i++) {
        fl_json_put(gone, sections[i].key, left_out(shrunk, sections[i].key));
    }
    put_sizes(root, "before", shrunk, shrunk->before);
    put_sizes(root, "after", shrunk, shrunk->after);
    fl_json_put(root, "runs", fl_number_item(shrunk->trials->runs, 0));
    cJSON *answers = put_object(root, "answers");
    for (enum fl_answer answer = FL_FAILS; answer < FL_NOT_ASKED; answer++) {
        fl_json_put(answers, answer_word(answer), fl_number_item(shrunk->trials->count[answer], 0));
    }
    fl_json_put(root, "minimal", cJSON_CreateBool(shrunk->minimal));
    put_word(root, "result", shrunk->output);
    if (shrunk->crash_output) {
        put_word(root, "crash", shrunk->crash_output);
    }
    char *text = fl_json_pretty(root);
    fputs(text, to);
    free(text);
    cJSON_Delete(root);
}
