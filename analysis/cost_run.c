/* A run of the cost figure: its series, who failed in it, and who bore its losses. */
#include "analysis/cost_figure.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const double MICRO = 1e-6;

static const char *const needed_name[FL_LINES] = {
    [FL_LINE_FUNDAMENTAL] = "market.fundamental", [FL_LINE_ORACLE] = "oracle.price",
    [FL_LINE_ORACLE_VALID] = "oracle.valid",      [FL_LINE_DUE] = "ledger.due",
    [FL_LINE_LIQUIDATED] = "ledger.liquidated",   [FL_LINE_LATENT] = "ledger.latent_bad_debt",
};

static bool has_lines(const char *directory, const struct fl_outline *outline)
{
    if (outline->samples < 2) {
        fprintf(stderr, "faultline: %s/trace.h5: fewer than two samples\n", directory);
        return false;
    }
    for (int i = 0; i < FL_LINES; i++) {
        if (needed_name[i] && !outline->line[i]) {
            fprintf(stderr, "faultline: %s/trace.h5: there is no /series/%s\n", directory,
                    needed_name[i]);
            return false;
        }
    }
    return true;
}

/* --- who bore the losses --------------------------------------------------------------------------- */

/* The last value of a series; nothing of an empty one. */
static bool read_last(struct fl_trace *trace, const char *path, int64_t *last)
{
    size_t count;
    int64_t *values = fl_trace_int64(trace, path, &count);
    if (!values) {
        fprintf(stderr, "faultline: %s\n", fl_trace_error(trace));
        return false;
    }
    *last = count > 0 ? values[count - 1] : 0;
    free(values);
    return true;
}

/* An exchange that deleverages nobody publishes nothing of it. */
static bool read_losses(struct fl_trace *trace, const char *directory, struct fl_cost_run *run)
{
    static const char *const path[FL_BEARERS] = {
        "/series/ledger.fund_paid", "/series/ledger.adl", "/series/ledger.socialised",
        "/series/ledger.outstanding", "/series/ledger.latent_bad_debt"};
    int64_t value[FL_BEARERS] = {0}, deficit, borne = 0;
    for (int i = 0; i < FL_BEARERS; i++) {
        if (i == FL_BEARER_DELEVERAGED && !fl_trace_has(trace, path[i])) {
            continue;
        }
        if (!read_last(trace, path[i], &value[i])) {
            return false;
        }
        run->loss[i] = (double)value[i] * MICRO;
        borne += i == FL_BEARER_LATENT ? 0 : value[i];
    }
    if (!read_last(trace, "/series/ledger.deficit", &deficit)) {
        return false;
    }
    if (borne != deficit) {
        fprintf(stderr,
                "faultline: %s/trace.h5: what the fund and others bore differs from ledger.deficit "
                "by %" PRId64 " micro-USD\n",
                directory, borne - deficit);
        return false;
    }
    return true;
}

static void find_worst(struct fl_cost_run *run)
{
    const int64_t *latent = run->outline->line[FL_LINE_LATENT];
    for (size_t i = 0; i < run->outline->samples; i++) {
        const double usd = (double)latent[i] * MICRO;
        run->latent_most = usd > run->latent_most ? usd : run->latent_most;
    }
}

/* --- who failed ------------------------------------------------------------------------------------ */

/* Members of a group in the texts of all faults, such as "reporter[0] validator[10]". */
static uint32_t count_struck(char **members, size_t faults, const struct fl_outline_group *group)
{
    const size_t length = strlen(group->name);
    bool *struck = fl_alloc(group->size, sizeof *struck);
    uint32_t count = 0;
    for (size_t i = 0; i < faults; i++) {
        for (const char *word = members[i]; word && *word; word = strchr(word, ' ')) {
            word += *word == ' ';
            if (strncmp(word, group->name, length) != 0 || word[length] != '[') {
                continue;
            }
            const unsigned long index = strtoul(word + length + 1, NULL, 10);
            if (index < group->size && !struck[index]) {
                struck[index] = true;
                count++;
            }
        }
    }
    free(struck);
    return count;
}

static bool agrees(const cJSON *scenario, const char *group)
{
    const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(scenario, "nodes");
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(nodes, group);
    return cJSON_GetObjectItemCaseSensitive(item, "consensus") != NULL;
}

static bool write_label(struct fl_trace *trace, struct fl_cost_run *run)
{
    size_t faults;
    char **members = fl_trace_text(trace, "/faults/members", &faults);
    if (!members) {
        fprintf(stderr, "faultline: %s\n", fl_trace_error(trace));
        return false;
    }
    size_t used = 0;
    fl_say(run->label, sizeof run->label, "no fault");
    for (size_t i = 0; i < run->outline->group_count && used + 1 < sizeof run->label; i++) {
        const struct fl_outline_group *group = &run->outline->group[i];
        const uint32_t struck = count_struck(members, faults, group);
        if (struck == 0) {
            continue;
        }
        char noun[FL_WORDING];
        fl_plural(group->name, noun, sizeof noun);
        fl_say(run->label + used, sizeof run->label - used, "%s%u of %u %s%s", used > 0 ? ", " : "",
               struck, group->size, noun,
               !agrees(run->scenario, group->name)  ? ""
               : 3 * (uint64_t)struck < group->size ? " (f < n/3)"
                                                    : " (f ≥ n/3)");
        used = strlen(run->label);
    }
    free(members);
    return true;
}

/* --- the whole ------------------------------------------------------------------------------------- */

static cJSON *read_scenario(struct fl_trace *trace)
{
    char *text = fl_trace_attribute(trace, "/", "scenario_resolved_json");
    cJSON *scenario = text ? cJSON_Parse(text) : NULL;
    if (!scenario) {
        fprintf(stderr, "faultline: %s\n",
                text ? "scenario_resolved_json is not JSON" : fl_trace_error(trace));
    }
    free(text);
    return scenario;
}

static bool read_parts(struct fl_trace *trace, const char *directory, struct fl_cost_run *run)
{
    run->outline = fl_outline_new(trace);
    if (!run->outline) {
        fprintf(stderr, "faultline: %s\n", fl_trace_error(trace));
        return false;
    }
    run->scenario = read_scenario(trace);
    if (!run->scenario || !has_lines(directory, run->outline) ||
        !read_losses(trace, directory, run) || !write_label(trace, run)) {
        return false;
    }
    find_worst(run);
    return true;
}

bool fl_cost_read_run(const char *directory, struct fl_cost_run *run)
{
    char error[FL_COST_TEXT + 4096];
    *run = (struct fl_cost_run){0};
    struct fl_trace *trace = fl_trace_open(directory, error, sizeof error);
    if (!trace) {
        fprintf(stderr, "faultline: %s\n", error);
        return false;
    }
    const bool ok = read_parts(trace, directory, run);
    fl_trace_close(trace);
    return ok;
}

void fl_cost_free_run(struct fl_cost_run *run)
{
    if (run->outline) {
        fl_outline_free(run->outline);
    }
    cJSON_Delete(run->scenario);
}

/* --- whether runs may be compared ------------------------------------------------------------------ */

static bool same(const cJSON *a, const cJSON *b, const char *key)
{
    const cJSON *left = cJSON_GetObjectItemCaseSensitive(a, key);
    const cJSON *right = cJSON_GetObjectItemCaseSensitive(b, key);
    return (!left && !right) || cJSON_Compare(left, right, true);
}

static const char *different_group(const cJSON *a, const cJSON *b, bool sweep,
                                   char out[FL_COST_TEXT])
{
    const cJSON *left = cJSON_GetObjectItemCaseSensitive(a, "nodes"), *group;
    const cJSON *right = cJSON_GetObjectItemCaseSensitive(b, "nodes");
    cJSON_ArrayForEach(group, left)
    {
        const bool free_to_differ = sweep && agrees(a, group->string) && agrees(b, group->string);
        if (!free_to_differ && !same(left, right, group->string)) {
            fl_say(out, FL_COST_TEXT, "nodes.%s", group->string);
            return out;
        }
    }
    if (cJSON_GetArraySize(left) != cJSON_GetArraySize(right)) {
        fl_say(out, FL_COST_TEXT, "nodes");
        return out;
    }
    return NULL;
}

const char *fl_cost_difference(const cJSON *a, const cJSON *b, bool sweep, char out[FL_COST_TEXT])
{
    static const char *const key[] = {"network", "contracts", "seed", "duration_s"};
    for (size_t i = 0; i < (sweep ? 2 : sizeof key / sizeof *key); i++) {
        if (!same(a, b, key[i])) {
            fl_say(out, FL_COST_TEXT, "%s", key[i]);
            return out;
        }
    }
    return different_group(a, b, sweep, out);
}
