/* The plan of a ranking, from the scenario. */
#include "sim/rank.h"

#include "sim/archive.h"
#include "sim/components.h"
#include "sim/disk.h"
#include "sim/extends.h"
#include "sim/sweep.h"
#include "sim/unit_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_IO = 3 };

static const char *const fault_name[] = {"contingency-1", "contingency-2"};

/* Kept beside what is asked for, as far as the scenario has them. */
static const char *const kept[] = {
    "ledger.bad_debt",   "ledger.deficit",  "ledger.fund_paid",          "ledger.latent_bad_debt",
    "ledger.liquidated", "ledger.fell_due", "ledger.missed_liquidations"};
enum { KEPT = sizeof kept / sizeof *kept };

/* A point of the plan beyond the first: one component, or two. */
struct contingency {
    uint32_t count, component[2];
};

struct ranking {
    const struct fl_rank *asked;
    struct fl_config *config;
    struct fl_components components;
    struct contingency *contingency;
    uint32_t count, kinds, nested;
    fl_time from, to; /* `to` FL_FOREVER: the end of the run */
    char name[FL_NAME_MAX];
};

__attribute__((format(printf, 1, 2))) static int refuse(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("faultline rank: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_USAGE;
}

/* ------------------------------------------------------------------------------------------------
 * What is asked for
 * --------------------------------------------------------------------------------------------- */

/* A set of kinds; 0 if the text is not a list of them. */
static uint32_t read_kinds(const char *text)
{
    uint32_t kinds = 0;
    while (text) {
        const size_t length = strcspn(text, ",");
        uint32_t kind = FL_COMPONENT_REGION;
        while (kind <= FL_COMPONENT_KINDS &&
               (strlen(fl_component_plural((enum fl_component_kind)kind)) != length ||
                strncmp(fl_component_plural((enum fl_component_kind)kind), text, length) != 0)) {
            kind++;
        }
        if (kind > FL_COMPONENT_KINDS) {
            return 0;
        }
        kinds |= FL_COMPONENT_BIT(kind);
        text = text[length] == ',' ? text + length + 1 : NULL;
    }
    return kinds;
}

static int check_asked(struct ranking *r)
{
    const struct fl_rank *asked = r->asked;
    if (asked->order < 1 || asked->order > 2) {
        return refuse("--order %" PRIu32 ": expected 1 (each part) or 2 (each two of them as well)",
                      asked->order);
    }
    if (asked->replicates < 2 || asked->replicates > FL_REPLICATES_MAX) {
        return refuse("--replicates %" PRIu32 ": expected 2 to %d; one seed has no interval",
                      asked->replicates, FL_REPLICATES_MAX);
    }
    r->kinds = asked->of ? read_kinds(asked->of) : FL_COMPONENT_ALL;
    if (r->kinds == 0) {
        return refuse("--of %s: expected some of regions,labels,groups,nodes", asked->of);
    }
    return 0;
}

static int check_metric(const struct ranking *r)
{
    struct fl_metric metric;
    struct fl_hint hint;
    const char *path = r->asked->metric;
    if (!fl_summary_has(r->config, path, &metric, &hint)) {
        return refuse("--metric %s: the summary of %s has no such number%s", path, r->config->name,
                      hint.text);
    }
    return metric.unit ? 0 : refuse("--metric %s: words, not numbers", path);
}

static int read_second(const char *option, const char *text, fl_time *at)
{
    if (!fl_decimal(text, strlen(text), 9, at) || *at < 0) {
        return refuse("--%s %s: expected seconds of the run, such as 8700", option, text);
    }
    return 0;
}

/* When the scenario's own faults strike, or else always. */
static void usual_window(struct ranking *r)
{
    const struct fl_config *config = r->config;
    r->from = config->fault_count > 0 ? config->end : FL_SECOND;
    r->to = config->fault_count > 0 ? 0 : FL_FOREVER;
    for (uint32_t i = 0; i < config->fault_count; i++) {
        const struct fl_fault_spec *fault = &config->fault[i];
        r->from = fault->from < r->from ? fault->from : r->from;
        r->to = fault->to > r->to ? fault->to : r->to;
    }
}

static int read_window(struct ranking *r)
{
    const struct fl_rank *asked = r->asked;
    usual_window(r);
    int status = asked->from ? read_second("from", asked->from, &r->from) : 0;
    if (status == 0 && asked->to) {
        status = read_second("to", asked->to, &r->to);
    }
    if (status != 0) {
        return status;
    }
    char from[FL_UNIT_TEXT], to[FL_UNIT_TEXT], end[FL_UNIT_TEXT];
    fl_unit_text(r->from, FL_NANOSECOND, from);
    fl_unit_text(r->to, FL_NANOSECOND, to);
    fl_unit_text(r->config->end, FL_NANOSECOND, end);
    if (r->from >= r->config->end) {
        return refuse("--from %s: the run ends at second %s", from, end);
    }
    if (r->from >= r->to) {
        return refuse("--from %s is not before --to %s", from, to);
    }
    r->to = r->to >= r->config->end ? FL_FOREVER : r->to;
    return 0;
}

/* ------------------------------------------------------------------------------------------------
 * Contingencies
 * --------------------------------------------------------------------------------------------- */

static void print_kinds(FILE *out, uint32_t kinds, const char *between)
{
    const char *comma = "";
    for (uint32_t kind = FL_COMPONENT_REGION; kind <= FL_COMPONENT_KINDS; kind++) {
        if (kinds & FL_COMPONENT_BIT(kind)) {
            fprintf(out, "%s%s", comma, fl_component_plural((enum fl_component_kind)kind));
            comma = between;
        }
    }
}

static int check_count(const struct ranking *r)
{
    const uint32_t n = r->components.count;
    if (n == 0) {
        fprintf(stderr, "faultline rank: %s has no ", r->config->name);
        print_kinds(stderr, r->kinds, " and no ");
        fputs(", so that nothing can be lost\n", stderr);
        return EXIT_USAGE;
    }
    if (n > FL_RANK_MOST) {
        return refuse("more than %d parts; restrict them by --of, such as "
                      "--of regions,labels,groups",
                      FL_RANK_MOST);
    }
    const uint32_t pairs = r->asked->order == 2 ? n * (n - 1) / 2 : 0;
    if (n + pairs > FL_RANK_MOST) {
        return refuse("%" PRIu32 " parts make %" PRIu32 " pairs, and %d contingencies are the "
                      "most; restrict them by --of, such as --of regions,labels,groups",
                      n, pairs, FL_RANK_MOST);
    }
    return 0;
}

static void list_contingencies(struct ranking *r)
{
    const struct fl_components *list = &r->components;
    r->contingency = fl_alloc(FL_RANK_MOST, sizeof *r->contingency);
    for (uint32_t i = 0; i < list->count; i++) {
        r->contingency[r->count++] = (struct contingency){1, {i}};
    }
    for (uint32_t i = 0; i < list->count && r->asked->order == 2; i++) {
        for (uint32_t j = i + 1; j < list->count; j++) {
            if (fl_component_within(&list->at[i], &list->at[j]) ||
                fl_component_within(&list->at[j], &list->at[i])) {
                r->nested++;
            } else {
                r->contingency[r->count++] = (struct contingency){2, {i, j}};
            }
        }
    }
}

static int check_names(const struct ranking *r)
{
    cJSON *resolved = cJSON_Parse(r->config->resolved);
    const cJSON *faults = cJSON_GetObjectItemCaseSensitive(resolved, "faults");
    int status = 0;
    for (uint32_t i = 0; i < r->asked->order && status == 0; i++) {
        if (cJSON_GetObjectItemCaseSensitive(faults, fault_name[i])) {
            status = refuse("%s has a fault called %s, which is the name of what is added here",
                            r->config->name, fault_name[i]);
        }
    }
    cJSON_Delete(resolved);
    return status;
}

static int prepare(struct ranking *r)
{
    int status = check_metric(r);
    status = status ? status : read_window(r);
    status = status ? status : check_names(r);
    if (status != 0) {
        return status;
    }
    r->components = fl_components_list(r->config, r->kinds, FL_RANK_MOST);
    status = check_count(r);
    if (status == 0) {
        list_contingencies(r);
        static const char suffix[] = "-rank";
        snprintf(r->name, sizeof r->name, "%.*s%s", (int)(sizeof r->name - sizeof suffix),
                 r->config->name, suffix);
    }
    return status;
}

/* ------------------------------------------------------------------------------------------------
 * What is written
 * --------------------------------------------------------------------------------------------- */

/* A component down for the window; one that is not `enabled` stays up. */
static void print_fault(FILE *out, const struct ranking *r, uint32_t component, bool enabled)
{
    char from[FL_UNIT_TEXT], to[FL_UNIT_TEXT];
    fl_unit_text(r->from, FL_NANOSECOND, from);
    fl_unit_text(r->to, FL_NANOSECOND, to);
    fprintf(out, "{\"model\": \"crash\", %s, \"from_s\": %s", r->components.at[component].who,
            from);
    if (r->to != FL_FOREVER) {
        fprintf(out, ", \"to_s\": %s", to);
    }
    fputs(enabled ? "}" : ", \"enabled\": false}", out);
}

/* One point a line. What a point has no component for strikes nobody. */
static void print_points(FILE *out, const struct ranking *r)
{
    static const struct contingency nobody = {0};
    for (uint32_t p = 0; p <= r->count; p++) {
        const struct contingency *c = p > 0 ? &r->contingency[p - 1] : &nobody;
        fprintf(out, "%s\n      {", p > 0 ? "," : "");
        for (uint32_t i = 0; i < r->asked->order; i++) {
            fprintf(out, "%s\"faults.%s\": ", i > 0 ? ", " : "", fault_name[i]);
            print_fault(out, r, i < c->count ? c->component[i] : 0, i < c->count);
        }
        fputc('}', out);
    }
}

static void print_metrics(FILE *out, const struct ranking *r)
{
    fprintf(out, "\"%s\"", r->asked->metric);
    for (size_t i = 0; i < KEPT; i++) {
        struct fl_metric metric;
        struct fl_hint hint;
        if (strcmp(kept[i], r->asked->metric) != 0 &&
            fl_summary_has(r->config, kept[i], &metric, &hint)) {
            fprintf(out, ", \"%s\"", kept[i]);
        }
    }
}

static void print_plan(FILE *out, const struct ranking *r)
{
    const uint64_t seed = r->asked->seed ? *r->asked->seed : r->config->seed;
    fprintf(out,
            "{\n  \"name\": \"%s\",\n"
            "  \"why\": \"What does it cost to lose %s of %s? Point 0 is the scenario as it is; "
            "contingencies.json says what the others are.\",\n"
            "  \"scenario\": \"scenario.json\",\n  \"axes\": [\n    {\"list\": [",
            r->name, r->asked->order == 2 ? "one part, or two," : "one part", r->config->name);
    print_points(out, r);
    /* As text: not every reader keeps all digits of a seed. */
    fprintf(out,
            "\n    ]}\n  ],\n  \"replicates\": %" PRIu32 ",\n  \"seed\": \"%" PRIu64
            "\",\n  \"metrics\": [",
            r->asked->replicates, seed);
    print_metrics(out, r);
    fputs("]\n}\n", out);
}

static void put_number(cJSON *object, const char *key, uint32_t value)
{
    char text[16];
    snprintf(text, sizeof text, "%" PRIu32, value);
    fl_json_put(object, key, cJSON_CreateRaw(text));
}

static void put_time(cJSON *object, const char *key, fl_time at)
{
    char text[FL_UNIT_TEXT];
    fl_unit_text(at, FL_NANOSECOND, text);
    fl_json_put(object, key, at == FL_FOREVER ? cJSON_CreateNull() : cJSON_CreateRaw(text));
}

static cJSON *component_json(const struct ranking *r, uint32_t index)
{
    static const char *const word[] = {[FL_COMPONENT_REGION] = "region",
                                       [FL_COMPONENT_LABEL] = "label",
                                       [FL_COMPONENT_GROUP] = "group",
                                       [FL_COMPONENT_NODE] = "node"};
    const struct fl_component *c = &r->components.at[index];
    cJSON *item = fl_json_made(cJSON_CreateObject());
    fl_json_put(item, "kind", cJSON_CreateString(word[c->kind]));
    fl_json_put(item, "noun", cJSON_CreateString(c->noun));
    fl_json_put(item, "name", cJSON_CreateString(c->name));
    fl_json_put(item, "also", cJSON_CreateString(c->also));
    fl_json_put(item, "members", cJSON_CreateString(c->members));
    char *fault;
    size_t bytes;
    FILE *out = fl_text_open(&fault, &bytes);
    print_fault(out, r, index, true);
    fl_text_close(out);
    fl_json_put(item, "fault", cJSON_CreateRaw(fault));
    free(fault);
    return item;
}

static cJSON *points_json(const struct ranking *r)
{
    cJSON *points = fl_json_made(cJSON_CreateArray());
    fl_json_push(points, cJSON_CreateArray());
    for (uint32_t i = 0; i < r->count; i++) {
        cJSON *point = fl_json_made(cJSON_CreateArray());
        for (uint32_t k = 0; k < r->contingency[i].count; k++) {
            char text[16];
            snprintf(text, sizeof text, "%" PRIu32, r->contingency[i].component[k]);
            fl_json_push(point, cJSON_CreateRaw(text));
        }
        fl_json_push(points, point);
    }
    return points;
}

static cJSON *kinds_json(uint32_t kinds)
{
    cJSON *list = fl_json_made(cJSON_CreateArray());
    for (uint32_t kind = FL_COMPONENT_REGION; kind <= FL_COMPONENT_KINDS; kind++) {
        if (kinds & FL_COMPONENT_BIT(kind)) {
            fl_json_push(list,
                         cJSON_CreateString(fl_component_plural((enum fl_component_kind)kind)));
        }
    }
    return list;
}

static char *contingencies_text(const struct ranking *r)
{
    cJSON *root = fl_json_made(cJSON_CreateObject());
    fl_json_put(root, "scenario", cJSON_CreateString(r->config->name));
    fl_json_put(root, "metric", cJSON_CreateString(r->asked->metric));
    put_number(root, "order", r->asked->order);
    put_time(root, "from_s", r->from);
    put_time(root, "to_s", r->to);
    fl_json_put(root, "kinds", kinds_json(r->kinds));
    put_number(root, "nested", r->nested);
    cJSON *components = fl_json_made(cJSON_CreateArray());
    for (uint32_t i = 0; i < r->components.count; i++) {
        fl_json_push(components, component_json(r, i));
    }
    fl_json_put(root, "components", components);
    fl_json_put(root, "points", points_json(r));
    char *text = fl_json_pretty(root);
    cJSON_Delete(root);
    return text;
}

/* ------------------------------------------------------------------------------------------------
 * The whole
 * --------------------------------------------------------------------------------------------- */

static bool has_same(const char *directory, const struct fl_file *file)
{
    char path[FL_RANK_PATH + 32];
    snprintf(path, sizeof path, "%s/%s", directory, file->name);
    size_t bytes;
    char *found = fl_file_read(path, &bytes);
    const bool same = found && bytes == file->count && memcmp(found, file->bytes, bytes) == 0;
    free(found);
    return same;
}

/* Has the folder rows already, of another scenario or with other names? A plan may have more replicates
 * than before; what else differs in it the sweep refuses. */
static bool is_taken(const char *directory, const struct fl_file *scenario,
                     const struct fl_file *contingencies)
{
    char path[FL_RANK_PATH + 32];
    snprintf(path, sizeof path, "%s/sweep.journal", directory);
    return access(path, F_OK) == 0 &&
           !(has_same(directory, scenario) && has_same(directory, contingencies));
}

static int write_files(const struct ranking *r, const char *directory)
{
    char *plan, *contingencies = contingencies_text(r);
    size_t bytes;
    FILE *out = fl_text_open(&plan, &bytes);
    print_plan(out, r);
    fl_text_close(out);
    const char *resolved = r->config->resolved;
    const struct fl_file files[] = {
        {"scenario.json", resolved, strlen(resolved)},
        {"contingencies.json", contingencies, strlen(contingencies)},
        {"plan.json", plan, bytes},
    };
    int status = 0;
    if (is_taken(directory, &files[0], &files[1])) {
        status =
            refuse("%s has another ranking; say another folder by -o, or remove it", directory);
    } else {
        const char *problem = fl_folder_make(directory);
        problem = problem ? problem : fl_files_publish(directory, files, 3);
        if (problem) {
            fprintf(stderr, "faultline: %s\n", problem);
            status = EXIT_IO;
        }
    }
    free(plan);
    free(contingencies);
    return status;
}

static void list_components(const struct ranking *r)
{
    for (uint32_t i = 0; i < r->components.count; i++) {
        const struct fl_component *c = &r->components.at[i];
        printf("%s %s: %s%s%s%s\n", c->noun, c->name, c->members, *c->also ? " (also " : "",
               c->also, *c->also ? ")" : "");
    }
    char from[FL_UNIT_TEXT], to[FL_UNIT_TEXT];
    fl_unit_text(r->from, FL_NANOSECOND, from);
    fl_unit_text(r->to, FL_NANOSECOND, to);
    printf("%s: %" PRIu32 " parts, %" PRIu32
           " contingencies from second %s to %s, and the scenario "
           "as it is; %" PRIu32 " replicates: %" PRIu64 " runs\n",
           r->name, r->components.count, r->count, from, r->to == FL_FOREVER ? "the end" : to,
           r->asked->replicates, (uint64_t)(r->count + 1) * r->asked->replicates);
}

static int run(const struct ranking *r, char directory[FL_RANK_PATH])
{
    const struct fl_rank *asked = r->asked;
    if (asked->dry_run) {
        list_components(r);
        return 0;
    }
    char plan[FL_RANK_PATH + 16];
    const int length = snprintf(directory, FL_RANK_PATH, "%s%s",
                                asked->directory ? asked->directory : "results/",
                                asked->directory ? "" : r->name);
    if (length >= FL_RANK_PATH) {
        fputs("faultline: the name of the results folder is too long\n", stderr);
        return EXIT_IO;
    }
    const int status = write_files(r, directory);
    if (status != 0) {
        return status;
    }
    snprintf(plan, sizeof plan, "%s/plan.json", directory);
    const struct fl_sweep sweep = {.plan = plan,
                                   .directory = directory,
                                   .jobs = asked->jobs,
                                   .resume = asked->resume,
                                   .within = true,
                                   .quiet = asked->quiet};
    return fl_sweep(&sweep);
}

int fl_rank(const struct fl_rank *rank, char directory[FL_RANK_PATH])
{
    struct ranking r = {.asked = rank};
    int status = check_asked(&r);
    if (status != 0) {
        return status;
    }
    struct fl_problems problems = {.to = stderr};
    r.config = fl_config_load(rank->path, rank->override, rank->override_count, NULL, &problems);
    if (!r.config) {
        return problems.count > 0 ? EXIT_USAGE : EXIT_IO;
    }
    status = prepare(&r);
    status = status ? status : run(&r, directory);
    fl_components_free(&r.components);
    free(r.contingency);
    fl_config_free(r.config);
    return status;
}
