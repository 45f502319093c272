/* The command line: one function for each command, and their table. Data goes to stdout, talk to
 * stderr.
 *
 * Exit status: 0 ok; 1 a run did not turn out as its scenario expects; 2 usage or scenario error;
 * 3 input or output failed; 128 + N ended by signal N (130 by SIGINT). */
#define _GNU_SOURCE /* argp */
#include "analysis/analysis.h"
#include "analysis/attribution.h"
#include "analysis/bisected.h"
#include "analysis/figure.h"
#include "sim/archive.h"
#include "sim/attribute.h"
#include "sim/bisect.h"
#include "sim/config.h"
#include "sim/describe.h"
#include "sim/disk.h"
#include "sim/explore.h"
#include "sim/job_array.h"
#include "sim/merge.h"
#include "sim/mistake.h"
#include "sim/options.h"
#include "sim/rank.h"
#include "sim/schema.h"
#include "sim/shrink.h"
#include "sim/sweep.h"
#include "sim/world.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_version.h>
#include <hdf5.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_UNEXPECTED = 1, EXIT_USAGE = 2, EXIT_IO = 3 };

#define ALPHA_USUAL 0.05

/* --- run ------------------------------------------------------------------------------------------------- */

/* NULL after a report; *status then says whether the scenario is at fault or the disk. */
static struct fl_config *load(const struct fl_options *o, const char *path, int *status)
{
    struct fl_problems problems = {.to = stderr};
    struct fl_config *config =
        fl_config_load(path, o->override, o->overrides, o->has_seed ? &o->seed : NULL, &problems);
    if (!config) *status = problems.count > 0 ? EXIT_USAGE : EXIT_IO;
    return config;
}

static const char *text_at(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "-";
}

static void print_checks(const cJSON *summary)
{
    const cJSON *check, *expect;
    cJSON_ArrayForEach(check, cJSON_GetObjectItemCaseSensitive(summary, "checks"))
        printf("  check   %-14s %s: %s\n", text_at(check, "name"), text_at(check, "verdict"),
               text_at(check, "evidence"));
    cJSON_ArrayForEach(expect, cJSON_GetObjectItemCaseSensitive(summary, "expect"))
    {
        char *actual = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(expect, "actual"));
        printf("  expect  %s %s %s: %s (is %s)\n", text_at(expect, "path"), text_at(expect, "op"),
               text_at(expect, "value"),
               cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(expect, "ok")) ? "ok" : "NOT MET",
               actual ? actual : "?");
        free(actual);
    }
}

static void print_short(const char *summary_text, const char *directory)
{
    cJSON *summary = cJSON_Parse(summary_text);
    const cJSON *ledger = cJSON_GetObjectItemCaseSensitive(summary, "ledger");
    printf("%s\n", text_at(summary, "scenario"));
    if (ledger)
        printf("  bad debt %s USD, latent %s USD, insurance fund %s USD, liquidated %s USD\n",
               text_at(ledger, "bad_debt"), text_at(ledger, "latent_bad_debt"),
               text_at(ledger, "insurance_fund"), text_at(ledger, "liquidated"));
    print_checks(summary);
    printf("  digest  %s\n  content %s\n  results %s (report.md, summary.json, trace.h5)\n",
           text_at(summary, "digest"), text_at(summary, "content_hash"), directory);
    cJSON_Delete(summary);
}

/* One that could not be replaced tells of another run than the files beside it. */
static void remove_report(const char *directory)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/report.md", directory) < (int)sizeof path) remove(path);
}

static int write_results(const struct fl_config *config, const struct fl_result *result,
                         const struct fl_options *o, uint32_t *expect_failed)
{
    char hash[33], standard[sizeof "results/" + FL_NAME_MAX];
    snprintf(standard, sizeof standard, "results/%s", config->name);
    const char *directory = o->directory ? o->directory : standard;
    fl_archive_content_hash(config, result, hash);
    char *summary = fl_summary_text(config, result, hash, expect_failed);
    const char *wrong = fl_archive_write(config, result, hash, summary, directory);
    if (wrong) fprintf(stderr, "faultline: %s\n", wrong);
    const bool reported = !wrong && fl_report_write(directory) == 0;
    if (!wrong && !reported) remove_report(directory);
    const bool failed = wrong || !reported;
    if (!failed && o->json) fputs(summary, stdout);
    if (!failed && !o->json && !o->quiet) print_short(summary, directory);
    free(summary);
    return failed ? EXIT_IO : 0;
}

static int command_run(const struct fl_options *o)
{
    int status = 0;
    fl_signals_end_run();
    struct fl_config *config = load(o, o->argument[0], &status);
    if (!config) return status;
    struct fl_world *world = fl_world_new(config);
    fl_world_run(world);
    uint32_t expect_failed = 0;
    status = write_results(config, fl_world_result(world), o, &expect_failed);
    if (status == 0 && expect_failed > 0) {
        fprintf(stderr, "faultline: %s: %u of its expectations %s not met\n", config->name,
                expect_failed, expect_failed == 1 ? "is" : "are");
        status = EXIT_UNEXPECTED;
    }
    fl_world_free(world);
    fl_config_free(config);
    return status;
}

/* --- the other commands ------------------------------------------------------------------------------------ */

/* So that `validate *.json` may be typed: the schema lies among the scenarios. */
static bool is_schema(const char *path)
{
    static const char suffix[] = ".schema.json";
    const size_t length = strlen(path), end = sizeof suffix - 1;
    return length > end && strcmp(path + length - end, suffix) == 0;
}

static int command_validate(const struct fl_options *o)
{
    int status = 0;
    for (size_t i = 0; i < o->arguments; i++) {
        if (is_schema(o->argument[i])) {
            if (!o->resolved) printf("%s: a schema, not a scenario\n", o->argument[i]);
            continue;
        }
        struct fl_config *config = load(o, o->argument[i], &status);
        if (!config) continue;
        if (o->resolved)
            printf("%s\n", config->resolved);
        else
            printf("%s: ok\n", o->argument[i]);
        fl_config_free(config);
    }
    return status;
}

static int command_list(const struct fl_options *o)
{
    (void)o;
    fl_list(stdout);
    puts("figure (of plot --as)");
    for (size_t i = 0; fl_figure_kinds[i]; i++)
        printf("  %-16s %s\n", fl_figure_kinds[i]->name, fl_figure_kinds[i]->doc);
    return 0;
}

static int command_schema(const struct fl_options *o)
{
    (void)o;
    char *text = fl_schema_text();
    fputs(text, stdout);
    free(text);
    return 0;
}

static int command_describe(const struct fl_options *o)
{
    for (size_t i = 0; i < o->arguments; i++) {
        const struct fl_model *model = fl_model_named(o->argument[i]);
        if (!model) {
            struct fl_guess guess = {.wanted = o->argument[i]};
            for (size_t m = 0; fl_models[m]; m++) fl_guess_offer(&guess, fl_models[m]->name);
            fprintf(stderr,
                    "faultline: no model is called \"%s\"%s; `faultline list` shows them all\n",
                    o->argument[i], fl_guess_hint(&guess).text);
            return EXIT_USAGE;
        }
        if (i > 0) putchar('\n');
        fl_describe(stdout, model);
    }
    return 0;
}

static int command_sweep(const struct fl_options *o)
{
    if (o->slurm && o->shard) {
        fputs("faultline sweep: --slurm divides the whole sweep; leave out --shard\n", stderr);
        return EXIT_USAGE;
    }
    if (o->slurm && !o->dry_run) {
        const struct fl_job_array array = {.plan = o->argument[0],
                                           .directory = o->directory,
                                           .tasks = o->slurm,
                                           .jobs = o->jobs,
                                           .quiet = o->quiet};
        return fl_job_array_write(&array);
    }
    const struct fl_sweep sweep = {.plan = o->argument[0],
                                   .directory = o->directory,
                                   .jobs = o->jobs,
                                   .shard = o->shard,
                                   .shards = o->shards,
                                   .resume = o->resume,
                                   .dry_run = o->dry_run,
                                   .quiet = o->quiet};
    return fl_sweep(&sweep);
}

static int command_merge(const struct fl_options *o)
{
    const struct fl_merge merge = {
        .plan = o->argument[0], .directory = o->directory, .quiet = o->quiet};
    return fl_merge(&merge);
}

static int command_rank(const struct fl_options *o)
{
    const struct fl_rank rank = {.path = o->argument[0],
                                 .override = o->override,
                                 .override_count = o->overrides,
                                 .seed = o->has_seed ? &o->seed : NULL,
                                 .metric = o->metric ? o->metric : "ledger.bad_debt",
                                 .of = o->of,
                                 .from = o->from,
                                 .to = o->to,
                                 .order = o->order,
                                 .replicates = o->replicates ? o->replicates : FL_RANK_REPLICATES,
                                 .jobs = o->jobs,
                                 .directory = o->directory,
                                 .resume = o->resume,
                                 .dry_run = o->dry_run,
                                 .quiet = o->quiet};
    char directory[FL_RANK_PATH];
    const int status = fl_rank(&rank, directory);
    if (status > EXIT_UNEXPECTED || o->dry_run) return status;
    const struct fl_ranking_table table = {
        .directory = directory, .alpha = o->alpha > 0 ? o->alpha : ALPHA_USUAL, .json = o->json};
    const int told = fl_ranking(&table);
    return told ? told : status;
}

static int command_shrink(const struct fl_options *o)
{
    const struct fl_shrink shrink = {.path = o->argument[0],
                                     .override = o->override,
                                     .override_count = o->overrides,
                                     .seed = o->has_seed ? &o->seed : NULL,
                                     .keep = o->keep,
                                     .output = o->directory,
                                     .runs = o->runs ? o->runs : FL_SHRINK_RUNS,
                                     .json = o->json,
                                     .quiet = o->quiet};
    return fl_shrink(&shrink);
}

static int command_explore(const struct fl_options *o)
{
    int status = 0;
    struct fl_config *config = load(o, o->argument[0], &status);
    if (!config) return status;
    const struct fl_explore_command command = {.config = config,
                                               .bounds = o->bounds,
                                               .replay = o->replay,
                                               .output = o->directory,
                                               .json = o->json};
    status = fl_explore_command(&command);
    fl_config_free(config);
    return status;
}

static int command_bisect(const struct fl_options *o)
{
    if (!o->low || !o->high) {
        fprintf(stderr, "faultline bisect: --%s is missing: between which values?\n",
                o->low ? "high" : "low");
        return EXIT_USAGE;
    }
    const struct fl_bisect_job job = {.scenario = o->argument[0],
                                      .path = o->argument[1],
                                      .low = o->low,
                                      .high = o->high,
                                      .tolerance = o->tolerance,
                                      .metric = o->metric ? o->metric : "ledger.bad_debt",
                                      .above = o->above ? o->above : "0",
                                      .share = o->share ? o->share : "0.5",
                                      .override = o->override,
                                      .override_count = o->overrides,
                                      .seed = o->has_seed ? &o->seed : NULL,
                                      .replicates = o->replicates ? o->replicates
                                                                  : FL_BISECT_REPLICATES,
                                      .jobs = o->jobs,
                                      .directory = o->directory,
                                      .quiet = o->quiet,
                                      .read = fl_bisect_rows};
    struct fl_bisected found;
    const int status = fl_bisect_scenario(&job, &found);
    if (status == 0)
        fl_bisected_print(&job, &found, o->alpha > 0 ? o->alpha : ALPHA_USUAL, o->json);
    fl_bisected_free(&found);
    return status;
}

static int command_plot(const struct fl_options *o)
{
    const struct fl_plot plot = {.folder = o->argument,
                                 .count = o->arguments,
                                 .sweep = o->sweep,
                                 .metric = o->metric,
                                 .directory = o->directory,
                                 .format = o->format ? o->format : "png",
                                 .at = o->at >= 0 ? &o->at : NULL,
                                 .span = o->span >= 0 ? &o->span : NULL};
    char path[4096];
    const int status = fl_plot(&plot, o->as, path, sizeof path);
    if (status == 0) printf("%s\n", path);
    return status;
}

static int command_stats(const struct fl_options *o)
{
    const struct fl_stats stats = {.directory = o->argument[0],
                                   .metric = o->metric,
                                   .alpha = o->alpha > 0 ? o->alpha : ALPHA_USUAL,
                                   .json = o->json};
    return fl_stats(&stats);
}

static int command_compare(const struct fl_options *o)
{
    const struct fl_compare compare = {.directory = {o->argument[0], o->argument[1]},
                                       .metric = o->metric,
                                       .alpha = o->alpha > 0 ? o->alpha : ALPHA_USUAL,
                                       .json = o->json};
    return fl_compare(&compare);
}

static int command_export(const struct fl_options *o)
{
    if (!o->as) {
        fputs("faultline export: --as csv, raw, jsonl or chrome is missing\n", stderr);
        return EXIT_USAGE;
    }
    const struct fl_export job = {.directory = o->argument[0],
                                  .format = o->as,
                                  .output = o->directory,
                                  .dataset = o->argument + 1,
                                  .count = o->arguments - 1};
    char path[4096];
    const int status = fl_export(&job, path, sizeof path);
    if (status == 0) printf("%s\n", path);
    return status;
}

static int command_explain(const struct fl_options *o)
{
    const struct fl_explain job = {.directory = o->argument[0], .json = o->json};
    return fl_explain(&job);
}

static int command_attribute(const struct fl_options *o)
{
    const struct fl_attribute job = {.scenario = o->argument[0],
                                     .override = o->override,
                                     .override_count = o->overrides,
                                     .seed = o->has_seed ? &o->seed : NULL,
                                     .metric = o->metric ? o->metric : "ledger.bad_debt",
                                     .output = o->directory,
                                     .replicates = o->replicates ? o->replicates : 1,
                                     .jobs = o->jobs,
                                     .orders = o->orders,
                                     .resume = o->resume};
    struct fl_attributed found;
    int status = fl_attribute(&job, &found);
    const struct fl_attribution answer = {.directory = found.directory,
                                          .scenario = found.name,
                                          .metric = job.metric,
                                          .player = (const char *const *)found.player,
                                          .players = found.players,
                                          .order = found.order,
                                          .orders = found.orders,
                                          .alpha = o->alpha > 0 ? o->alpha : ALPHA_USUAL,
                                          .json = o->json};
    if (status == 0) status = fl_attribution(&answer);
    fl_attributed_free(&found);
    return status;
}

/* --- which command ------------------------------------------------------------------------------------------- */

static const struct argp_option run_options[] = {
    {"output", 'o', "DIR", 0, "Folder of the results; default results/NAME", 0},
    {"json", FL_KEY_JSON, 0, 0, "Print summary.json instead of the short form", 0},
    {"quiet", 'q', 0, 0, "Print nothing if all goes well", 0},
    FL_OPTION_SEED,
    FL_OPTION_SET,
    {0}};
static const struct argp_option validate_options[] = {
    {"resolved", FL_KEY_RESOLVED, 0, 0, "Print every key with its value in force", 0},
    FL_OPTION_SEED,
    FL_OPTION_SET,
    {0}};
static const struct argp_option plot_options[] = {
    {"as", FL_KEY_AS, "KIND", 0, "Kind of figure, as `faultline list` has them; default timeline",
     0},
    {"format", FL_KEY_FORMAT, "png|svg|pdf", 0, "Kind of file; default png", 0},
    {"metric", FL_KEY_METRIC, "NAME", 0, "What is drawn, if the kind of figure leaves a choice", 0},
    {"sweep", FL_KEY_SWEEP, "SWEEP-FOLDER", 0, "With --as cost: the sweep beside the runs", 0},
    {"at", FL_KEY_AT, "SECONDS", 0, "With --as sequence: the moment; default the first trouble", 0},
    {"for", FL_KEY_FOR, "SECONDS", 0, "With --as sequence: how long; default as can be read", 0},
    {"output", 'o', "DIR", 0, "Folder of the picture; default the first one named", 0},
    {0}};
static const struct argp_option sweep_options[] = {
    {"output", 'o', "DIR", 0, "Folder of the results; default results/NAME", 0},
    {"jobs", FL_KEY_JOBS, "N", 0, "Processes at a time; default as many as there are cores", 0},
    {"resume", FL_KEY_RESUME, 0, 0, "Go on where an earlier call ended; what failed is run again",
     0},
    {"shard", FL_KEY_SHARD, "i/N", 0,
     "Only this part of the points, i from 1 to N; faultline merge joins the parts", 0},
    {"dry-run", FL_KEY_DRY_RUN, 0, 0,
     "Check the plan, and print how many runs it is and how long they may take", 0},
    {"slurm", FL_KEY_SLURM, "N", 0,
     "Run nothing: write the scripts that run it as N tasks of a Slurm job array, or by GNU "
     "parallel; --jobs is then of each task, default 1",
     0},
    {"quiet", 'q', 0, 0, "Print nothing if all goes well", 0},
    {0}};
static const struct argp_option merge_options[] = {
    {"output", 'o', "DIR", 0, "Folder of the shards and of the results; default results/NAME", 0},
    {"quiet", 'q', 0, 0, "Print nothing if all goes well", 0},
    {0}};
static const struct argp_option rank_options[] = {
    {"output", 'o', "DIR", 0, "Folder of the results; default results/NAME-rank", 0},
    {"metric", FL_KEY_METRIC, "NAME", 0,
     "What is lost, a number of the summary, more is worse; default ledger.bad_debt", 0},
    {"order", FL_KEY_ORDER, "1|2", 0, "2: each two of the parts at once, as well; default 1", 0},
    {"of", FL_KEY_OF, "KINDS", 0, "Parts: some of regions,labels,groups,nodes; default all", 0},
    {"from", FL_KEY_FROM, "S", 0,
     "Second from which a part is down; default when the scenario's own faults begin, without any "
     "1",
     0},
    {"to", FL_KEY_TO, "S", 0,
     "Second at which it returns; default when the scenario's own faults end, without any the end",
     0},
    {"replicates", FL_KEY_REPLICATES, "R", 0, "Seeds, the same for every part; default 10", 0},
    {"alpha", FL_KEY_ALPHA, "SHARE", 0,
     "How often an interval may miss; default 0.05, intervals at 95 %", 0},
    {"jobs", FL_KEY_JOBS, "N", 0, "Processes at a time; default as many as there are cores", 0},
    {"resume", FL_KEY_RESUME, 0, 0, "Go on where an earlier call ended; what failed is run again",
     0},
    {"dry-run", FL_KEY_DRY_RUN, 0, 0, "Print the parts and how many runs it is", 0},
    {"json", FL_KEY_JSON, 0, 0, "Print JSON instead of a table", 0},
    {"quiet", 'q', 0, 0, "No progress on a terminal", 0},
    {"seed", FL_KEY_SEED, "N", 0,
     "Seed from which those of the runs follow, instead of the scenario's", 0},
    FL_OPTION_SET,
    {0}};
static const struct argp_option shrink_options[] = {
    {"output", 'o', "FILE", 0, "The smallest scenario; default NAME-shrunk.json", 0},
    {"keep", FL_KEY_KEEP, "PATH", 0,
     "What must go on failing, such as checks.agreement or ledger.bad_debt; default what fails "
     "first",
     0},
    {"runs", FL_KEY_RUNS, "N", 0, "At most so many runs; default 2000", 0},
    {"json", FL_KEY_JSON, 0, 0, "Print what was found as JSON", 0},
    {"quiet", 'q', 0, 0, "Print nothing if all goes well", 0},
    FL_OPTION_SEED,
    FL_OPTION_SET,
    {0}};
static const struct argp_option explore_options[] = {
    {"output", 'o', "FILE", 0, "Write the way to a broken check there, for --replay", 0},
    {"json", FL_KEY_JSON, 0, 0, "Print a JSON object instead of text", 0},
    {"depth", FL_KEY_DEPTH, "N", 0, "Events on one way; default as many as there are", 0},
    {"states", FL_KEY_STATES, "N", 0, "States kept, about 150 bytes each; default 4000000", 0},
    {"drops", FL_KEY_DROPS, "N", 0, "Messages lost on one way; default 0", 0},
    {"timeouts", FL_KEY_TIMEOUTS, "N", 0, "Timers that expire early on one way; default 0", 0},
    {"every-order", FL_KEY_EVERY_ORDER, 0, 0, "Search without reduction: the slow twin", 0},
    {"replay", FL_KEY_REPLAY, "FILE", 0, "Make the events of a trace instead, one by one", 0},
    FL_OPTION_SEED,
    FL_OPTION_SET,
    {0}};
static const struct argp_option stats_options[] = {
    {"metric", FL_KEY_METRIC, "NAME", 0, "One of the sweep's metrics; default all that are numbers",
     0},
    {"alpha", FL_KEY_ALPHA, "SHARE", 0,
     "How often an interval may miss; default 0.05, intervals at 95 %", 0},
    {"json", FL_KEY_JSON, 0, 0, "Print JSON instead of tables", 0},
    {0}};
static const struct argp_option explain_options[] = {
    {"json", FL_KEY_JSON, 0, 0, "Print JSON instead of text", 0}, {0}};
static const struct argp_option attribute_options[] = {
    {"output", 'o', "DIR", 0, "Folder of the plan and its rows; default results/NAME-attribute", 0},
    {"metric", FL_KEY_METRIC, "NAME", 0, "A number of the summary; default ledger.bad_debt", 0},
    {"replicates", FL_KEY_REPLICATES, "N", 0, "Seeds for each set of faults; default 1", 0},
    {"orders", FL_KEY_ORDERS, "N", 0,
     "Draw so many orders of the faults, instead of all sets; default with more than 8 faults: 32",
     0},
    {"alpha", FL_KEY_ALPHA, "SHARE", 0,
     "How often an interval may miss; default 0.05, intervals at 95 %", 0},
    {"jobs", FL_KEY_JOBS, "N", 0, "Processes at a time; default as many as there are cores", 0},
    {"resume", FL_KEY_RESUME, 0, 0, "Go on where an earlier call ended; what failed is run again",
     0},
    {"json", FL_KEY_JSON, 0, 0, "Print JSON instead of a table", 0},
    FL_OPTION_SEED,
    FL_OPTION_SET,
    {0}};
static const struct argp_option compare_options[] = {
    {"metric", FL_KEY_METRIC, "NAME", 0, "One metric or, of runs, one part of the summary", 0},
    {"alpha", FL_KEY_ALPHA, "SHARE", 0,
     "Of sweeps: how often anything may be called moved that is not; default 0.05", 0},
    {"json", FL_KEY_JSON, 0, 0, "Print JSON instead of text", 0},
    {0}};
static const struct argp_option bisect_options[] = {
    {"low", FL_KEY_LOW, "A", 0, "Least value", 0},
    {"high", FL_KEY_HIGH, "B", 0, "Greatest value", 0},
    {"tolerance", FL_KEY_TOLERANCE, "T", 0,
     "How near the two values of the answer lie; default one unit of the last digit of A and B", 0},
    {"metric", FL_KEY_METRIC, "NAME", 0, "A number of the summary; default ledger.bad_debt", 0},
    {"above", FL_KEY_ABOVE, "X", 0, "What it must be above; default 0", 0},
    {"share", FL_KEY_SHARE, "SHARE", 0, "In how many of the runs; default 0.5", 0},
    {"replicates", FL_KEY_REPLICATES, "N", 0, "Seeds, the same for each value; default 30", 0},
    {"alpha", FL_KEY_ALPHA, "SHARE", 0,
     "How often an interval may miss; default 0.05, intervals at 95 %", 0},
    {"output", 'o', "DIR", 0,
     "Folder of the runs, where the same call goes on; default results/NAME-bisect", 0},
    {"jobs", FL_KEY_JOBS, "N", 0, "Processes at a time; default as many as there are cores", 0},
    {"json", FL_KEY_JSON, 0, 0, "Print JSON instead of text", 0},
    {"quiet", 'q', 0, 0, "No progress", 0},
    FL_OPTION_SEED,
    FL_OPTION_SET,
    {0}};
static const struct argp_option export_options[] = {
    {"as", FL_KEY_AS, "csv|raw|jsonl|chrome", 0,
     "CSV files; 64-bit integers for gnuplot; records as JSON lines; a timeline for Perfetto and "
     "chrome://tracing",
     0},
    {"output", 'o', "DIR|FILE", 0,
     "Folder (csv, raw) or file (jsonl, chrome); default csv, raw, events.jsonl or chrome.json in "
     "the results folder",
     0},
    {0}};
static const struct argp_option no_options[] = {{0}};

static const struct command {
    const char *name, *arguments, *doc;
    int (*run)(const struct fl_options *);
    const struct argp_option *options;
    size_t least, most;
} commands[] = {
    {"run", "SCENARIO.json", "Run a scenario; leaves trace.h5, summary.json and report.md.",
     command_run, run_options, 1, 1},
    {"sweep", "PLAN.json", "Run a scenario with some of its values varied, over several seeds.",
     command_sweep, sweep_options, 1, 1},
    {"merge", "PLAN.json", "Join the shards of a sweep into its tables.", command_merge,
     merge_options, 1, 1},
    {"bisect", "SCENARIO.json PATH",
     "Find the value of one number of a scenario from which on it loses.", command_bisect,
     bisect_options, 2, 2},
    {"rank", "SCENARIO.json",
     "Tell what it costs to lose each region, operator, client, group or node.", command_rank,
     rank_options, 1, 1},
    {"shrink", "SCENARIO.json", "Make a failing scenario as small as it can be and still fail.",
     command_shrink, shrink_options, 1, 1},
    {"explore", "SCENARIO.json", "Look at everything that can happen in a small scenario.",
     command_explore, explore_options, 1, 1},
    {"validate", "SCENARIO.json...", "Check scenarios without running them.", command_validate,
     validate_options, 1, FL_ARGUMENTS_MAX},
    {"list", "", "List the models that scenarios can name, and the kinds of figures.", command_list,
     no_options, 0, 0},
    {"describe", "MODEL...", "Describe models: what they are, their keys, what they publish.",
     command_describe, no_options, 1, FL_ARGUMENTS_MAX},
    {"schema", "", "Print the JSON Schema of scenarios, for editors.", command_schema, no_options,
     0, 0},
    {"plot", "RESULTS-FOLDER...", "Draw a figure: the timeline of a run, or what --as names.",
     command_plot, plot_options, 1, FL_ARGUMENTS_MAX},
    {"stats", "SWEEP-FOLDER", "Print what the seeds of a sweep say, with intervals, at each point.",
     command_stats, stats_options, 1, 1},
    {"explain", "RESULTS-FOLDER",
     "Print how each fault of a run came to cost what, dollar by dollar.", command_explain,
     explain_options, 1, 1},
    {"attribute", "SCENARIO.json",
     "Print how much of a loss each fault is answerable for, by twin runs with faults removed.",
     command_attribute, attribute_options, 1, 1},
    {"compare", "A B",
     "Print in what two runs, or two sweeps, differ and what moved; 0 whether or not.",
     command_compare, compare_options, 2, 2},
    {"export", "DIR [DATASET...]",
     "Write a run's trace, or DATASETs of it, as CSV, raw binary, JSON lines or Chrome trace.",
     command_export, export_options, 1, FL_ARGUMENTS_MAX},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *to)
{
    fputs("Usage: faultline COMMAND [OPTION...] [ARGUMENT...]\n"
          "Simulates Byzantine faults in DeFi derivatives: who loses how much, and why.\n\n",
          to);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-9s %-18s %s\n", commands[i].name, commands[i].arguments, commands[i].doc);
    fputs("\n`faultline COMMAND --help` tells more; start with\n"
          "  faultline run scenarios/eth-crash-2020-03-12.json\n",
          to);
}

static void print_version(void)
{
    unsigned major, minor, release;
    H5get_libversion(&major, &minor, &release);
    printf("faultline %s\nGSL %s, cJSON %s, HDF5 %u.%u.%u\n", FL_VERSION, gsl_version,
           cJSON_Version(), major, minor, release);
}

static int run_command(const struct command *c, int argc, char **argv)
{
    char name[64], least[64];
    snprintf(name, sizeof name, "faultline %s", c->name);
    snprintf(least, sizeof least, "%s", c->arguments);
    argv[0] = name;
    const struct argp argp = {c->options, fl_options_parse, c->arguments, c->doc, NULL, NULL, NULL};
    struct fl_options o = fl_options_new();
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    if (o.arguments < c->least || o.arguments > c->most) {
        fprintf(stderr, "%s: expected %s; see `%s --help`\n", name, *least ? least : "no argument",
                name);
        return EXIT_USAGE;
    }
    return c->run(&o);
}

static int unknown_command(const char *name)
{
    struct fl_guess guess = {.wanted = name};
    for (size_t i = 0; i < COMMANDS; i++) fl_guess_offer(&guess, commands[i].name);
    fprintf(stderr, "faultline: unknown command \"%s\"%s; see `faultline --help`\n", name,
            fl_guess_hint(&guess).text);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    argp_err_exit_status = EXIT_USAGE;
    gsl_set_error_handler_off();
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        print_version();
        return 0;
    }
    int status = -1;
    for (size_t i = 0; i < COMMANDS && status < 0; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            status = run_command(&commands[i], argc - 1, argv + 1);
    if (status < 0) return unknown_command(argv[1]);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("faultline: standard output");
        return EXIT_IO;
    }
    return status;
}
