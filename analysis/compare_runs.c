/* Two runs: who bore the losses of each, where their series part, and every number that moved. */
#include "analysis/aligned.h"
#include "analysis/compare.h"
#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/mistake.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, EXIT_IO = 3, LATER = 8 };
static const char FAULTS[] = "faults.";

static const char NO_INTERVAL[] =
    "one seed each: no interval, nothing here tells what is chance; sweep both over seeds for that";

struct runs {
    struct fl_inputs inputs;
    struct fl_summaries summaries;
    struct fl_partings partings;
    const char *metric;
};

static bool starts(const char *path, const char *part)
{
    return strncmp(path, part, strlen(part)) == 0;
}

/* --metric: a path, or its first words. */
static bool is_wanted(const struct runs *runs, const char *path)
{
    const size_t length = runs->metric ? strlen(runs->metric) : 0;
    return !runs->metric || (starts(path, runs->metric) &&
                             (path[length] == '\0' || path[length] == '.' || path[length] == '['));
}

/* --- cells ----------------------------------------------------------------------------------------- */

static void side_text(const struct fl_said *said, int side, char out[FL_SIDE_TEXT])
{
    if (!said->text[side]) {
        fl_say(out, FL_SIDE_TEXT, "not there");
    } else if (said->number[side]) {
        fl_exact_text(said->value[side], false, out);
    } else {
        fl_say(out, FL_SIDE_TEXT, "%s", said->text[side]);
    }
}

/* (B - A) / |A|; NAN if A is 0. */
static double relative_of(const struct fl_said *said)
{
    const double a = (double)said->value[0].nano;
    return a != 0 ? (double)fl_said_difference(said).nano / fabs(a) : NAN;
}

/* Three digits: "+0.15 %", "-6.91 %", "+13.3 %", "+240 %". */
static void relative_text(const struct fl_said *said, char out[FL_WORDING])
{
    const double percent = 100 * relative_of(said), size = fabs(percent);
    if (isnan(percent)) {
        fl_say(out, FL_WORDING, "from 0");
    } else {
        fl_say(out, FL_WORDING, "%+.*f %%", size < 9.995 ? 2 : size < 99.95 ? 1 : 0, percent);
    }
}

static void add_row(struct fl_aligned *table, const struct fl_said *said, const char *name)
{
    char a[FL_SIDE_TEXT], b[FL_SIDE_TEXT], difference[FL_EXACT_TEXT] = "",
                                           relative[FL_WORDING] = "";
    side_text(said, 0, a);
    side_text(said, 1, b);
    if (fl_said_both_numbers(said)) {
        fl_exact_text(fl_said_difference(said), true, difference);
        if (fl_said_moved(said)) {
            relative_text(said, relative);
        }
    }
    fl_aligned_add(table, "%s", name);
    fl_aligned_add(table, "%s", a);
    fl_aligned_add(table, "%s", b);
    fl_aligned_add(table, "%s", difference);
    fl_aligned_add(table, "%s", relative);
}

static struct fl_aligned *new_table(const char *head)
{
    struct fl_aligned *table = fl_aligned_new("lrrrr");
    fl_aligned_add(table, "%s", head);
    fl_aligned_add(table, "A");
    fl_aligned_add(table, "B");
    fl_aligned_add(table, "B - A");
    fl_aligned_add(table, "%s", "");
    return table;
}

/* --- for people ------------------------------------------------------------------------------------ */

static const struct {
    const char *path, *words;
} bearer[] = {{"ledger.fund_paid", "insurance fund"},
              {"ledger.adl", "deleveraged counterparties"},
              {"ledger.socialised", "all traders"},
              {"ledger.outstanding", "nobody"},
              {"ledger.deficit", "beyond the collateral, in all"},
              {"ledger.bad_debt", "of it not paid by the fund"},
              {"ledger.latent_bad_debt", "latent at the end"},
              {"ledger.collateral_lost", "collateral of the liquidated"}};
enum { BEARERS = sizeof bearer / sizeof *bearer };

static void print_bearers(const struct runs *runs)
{
    if (!fl_said_find(&runs->summaries, "ledger.deficit")) {
        return;
    }
    puts("\nWho bore the loss (USD)");
    struct fl_aligned *table = new_table("");
    for (size_t i = 0; i < BEARERS; i++) {
        const struct fl_said *said = fl_said_find(&runs->summaries, bearer[i].path);
        if (said) {
            add_row(table, said, bearer[i].words);
        }
    }
    fl_aligned_print(table, stdout);
}

/* "faults.NAME.injected" */
static bool is_count_of_fault(const char *path)
{
    static const char *const key[] = {".opened", ".suppressed", ".injected"};
    const char *dot = strrchr(path, '.');
    bool known = false;
    for (size_t i = 0; i < sizeof key / sizeof *key && dot; i++) {
        known |= strcmp(dot, key[i]) == 0;
    }
    return known && starts(path, FAULTS);
}

static void print_faults(const struct runs *runs)
{
    struct fl_aligned *table = NULL;
    for (size_t i = 0; i < runs->summaries.count; i++) {
        const struct fl_said *said = &runs->summaries.at[i];
        if (is_count_of_fault(said->path)) {
            table = table ? table : new_table("");
            add_row(table, said, said->path + strlen(FAULTS));
        }
    }
    if (table) {
        puts("\nWhat the faults did (suppressed: messages dropped; injected: added or changed)");
        fl_aligned_print(table, stdout);
    }
}

static void print_samples(const struct fl_partings *partings)
{
    char step[FL_WORDING], until[FL_SIDE_TEXT];
    fl_duration(partings->step, step);
    fl_moment(partings->until, until);
    printf("  %zu series that both have, sampled every %s until %s", partings->shared, step, until);
    for (int s = 0; s < FL_SIDES; s++) {
        if (partings->alone[s] > 0) {
            printf("; %zu only in %c", partings->alone[s], 'A' + s);
        }
    }
    putchar('\n');
}

/* The part of the system that publishes a series: "oracle", "eth/market". */
static size_t publisher_length(const char *series)
{
    return strcspn(series, ".");
}

static bool same_publisher(const char *a, const char *b)
{
    const size_t length = publisher_length(a);
    return length == publisher_length(b) && strncmp(a, b, length) == 0;
}

/* How the difference spreads: of each part of the system the first series that differs. Checks are no
 * part of it. */
static void print_spreading(const struct fl_partings *partings, size_t first)
{
    size_t shown = 0;
    for (size_t i = first; i < partings->count && shown < LATER; i++) {
        bool known = partings->at[i].of_check;
        for (size_t k = 0; k < i && !known; k++) {
            known = same_publisher(partings->at[k].series, partings->at[i].series);
        }
        if (!known) {
            char text[FL_PARTING_TEXT];
            fl_parting_text(&partings->at[i], text);
            printf("  then %s\n", text);
            shown++;
        }
    }
}

static void print_partings(const struct fl_partings *partings)
{
    puts("\nWhere they part");
    if (partings->samples == 0) {
        puts("  their series have no sample at the same time");
        return;
    }
    if (partings->count == 0) {
        puts("  none of their series differs");
    } else {
        char text[FL_PARTING_TEXT];
        fl_parting_text(&partings->at[0], text);
        printf("  first difference: %s\n", text);
        size_t together = 1;
        while (together < partings->count && partings->at[together].at == partings->at[0].at) {
            together++;
        }
        if (together > 1) {
            printf("  at the same sample: %zu more, such as %s\n", together - 1,
                   partings->at[1].series);
        }
        print_spreading(partings, together);
        printf("  %zu series differ at some time\n", partings->count);
    }
    print_samples(partings);
}

/* Everything before the last dot: "ledger", "eth/market"; the whole of "expect.ledger.bad_debt > 1"
 * belongs to "expect". */
static int section_length(const char *path)
{
    static const char *const whole[] = {"expect.", "checks."};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        if (starts(path, whole[i])) {
            return (int)strlen(whole[i]) - 1;
        }
    }
    const char *dot = strrchr(path, '.');
    return dot ? (int)(dot - path) : 0;
}

/* What faults did has a table of its own. */
static bool is_told(const struct runs *runs, const struct fl_said *said)
{
    return !is_count_of_fault(said->path) && is_wanted(runs, said->path);
}

static bool in_both(const struct fl_said *said)
{
    return said->text[0] && said->text[1];
}

static void name_of(const struct fl_said *said, char out[FL_ALIGNED_CELL])
{
    const int length = section_length(said->path);
    fl_say(out, FL_ALIGNED_CELL, "%.*s%s%s", length, said->path, length > 0 ? ": " : "",
           said->path + length + (length > 0));
}

static void add_moved(struct fl_aligned *table, const struct runs *runs, bool ledger)
{
    for (size_t i = 0; i < runs->summaries.count; i++) {
        const struct fl_said *said = &runs->summaries.at[i];
        if (starts(said->path, "ledger.") == ledger && is_told(runs, said) && in_both(said) &&
            fl_said_moved(said)) {
            char name[FL_ALIGNED_CELL];
            name_of(said, name);
            add_row(table, said, name);
        }
    }
}

/* What one of the two does not measure has not moved. */
static void print_alone(const struct runs *runs, int side)
{
    bool any = false;
    for (size_t i = 0; i < runs->summaries.count; i++) {
        const struct fl_said *said = &runs->summaries.at[i];
        if (is_told(runs, said) && !said->text[1 - side] && !starts(said->path, FAULTS)) {
            char name[FL_ALIGNED_CELL], value[FL_SIDE_TEXT];
            name_of(said, name);
            side_text(said, side, value);
            if (!any) {
                printf("\nOnly in %c\n", 'A' + side);
            }
            printf("  %s  %s\n", name, value);
            any = true;
        }
    }
}

static void print_moved(const struct runs *runs)
{
    size_t both = 0, moved = 0;
    for (size_t i = 0; i < runs->summaries.count; i++) {
        const struct fl_said *said = &runs->summaries.at[i];
        if (is_told(runs, said) && in_both(said)) {
            both++;
            moved += fl_said_moved(said);
        }
    }
    printf("\nWhat moved: %zu of %zu numbers and verdicts\n", moved, both);
    if (moved > 0) {
        struct fl_aligned *table = new_table("");
        add_moved(table, runs, true);
        add_moved(table, runs, false);
        fl_aligned_print(table, stdout);
    }
    printf("  %s\n", NO_INTERVAL);
    print_alone(runs, 0);
    print_alone(runs, 1);
}

static void print_runs(const struct runs *runs)
{
    fl_inputs_print(&runs->inputs);
    if (!runs->metric) {
        if (runs->inputs.determinism != FL_EQUAL_RESULTS) {
            print_bearers(runs);
            print_faults(runs);
        }
        print_partings(&runs->partings);
    }
    print_moved(runs);
}

/* --- for programs ---------------------------------------------------------------------------------- */

static void add_value(cJSON *item, const char *name, const struct fl_said *said, int side)
{
    if (!said->text[side]) {
        cJSON_AddNullToObject(item, name);
    } else {
        cJSON_AddStringToObject(item, name, said->text[side]);
    }
}

/* Exact decimals do not survive as JSON numbers: they are strings, as amounts are in summary.json. */
static cJSON *said_json(const struct fl_said *said)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "path", said->path);
    add_value(item, "A", said, 0);
    add_value(item, "B", said, 1);
    cJSON_AddBoolToObject(item, "moved", fl_said_moved(said));
    if (fl_said_both_numbers(said)) {
        char text[FL_EXACT_TEXT], plain[FL_EXACT_TEXT];
        size_t used = 0;
        fl_exact_text(fl_said_difference(said), false, text);
        for (const char *c = text; *c; c++) {
            plain[used] = *c;
            used += *c != ',';
        }
        plain[used] = '\0';
        cJSON_AddStringToObject(item, "difference", plain);
        if (isfinite(relative_of(said))) {
            cJSON_AddNumberToObject(item, "relative", relative_of(said));
        }
    }
    return item;
}

static void add_partings(cJSON *json, const struct fl_partings *partings)
{
    cJSON *object = cJSON_AddObjectToObject(json, "series");
    cJSON_AddNumberToObject(object, "shared", (double)partings->shared);
    cJSON_AddNumberToObject(object, "only_A", (double)partings->alone[0]);
    cJSON_AddNumberToObject(object, "only_B", (double)partings->alone[1]);
    cJSON_AddNumberToObject(object, "common_samples", (double)partings->samples);
    cJSON *list = cJSON_AddArrayToObject(object, "part");
    for (size_t i = 0; i < partings->count; i++) {
        const struct fl_parting *parting = &partings->at[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(list, item);
        cJSON_AddStringToObject(item, "series", parting->series);
        cJSON_AddNumberToObject(item, "at_s", (double)parting->at / (double)FL_SECOND);
        cJSON_AddBoolToObject(item, "of_check", parting->of_check);
        cJSON_AddStringToObject(item, "units", parting->units);
        for (int s = 0; s < FL_SIDES; s++) {
            char value[FL_SIDE_TEXT];
            fl_say(value, sizeof value, "%" PRId64, parting->value[s]);
            cJSON_AddRawToObject(item, s == 0 ? "A" : "B", value);
        }
    }
}

static void print_json(const struct runs *runs)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "kind", "runs");
    fl_inputs_json(&runs->inputs, json);
    add_partings(json, &runs->partings);
    cJSON *list = cJSON_AddArrayToObject(json, "numbers");
    for (size_t i = 0; i < runs->summaries.count; i++) {
        if (is_wanted(runs, runs->summaries.at[i].path)) {
            cJSON_AddItemToArray(list, said_json(&runs->summaries.at[i]));
        }
    }
    cJSON_AddStringToObject(json, "noise", NO_INTERVAL);
    char *text = cJSON_Print(json);
    if (!text) {
        fl_out_of_memory();
    }
    puts(text);
    free(text);
    cJSON_Delete(json);
}

/* --- the whole ------------------------------------------------------------------------------------- */

static bool read_summaries(struct runs *runs)
{
    cJSON *json[FL_SIDES] = {NULL, NULL};
    bool ok = true;
    for (int s = 0; s < FL_SIDES && ok; s++) {
        const struct fl_side *side = &runs->inputs.side[s];
        char *text = fl_trace_attribute(side->trace, "/", "summary_json");
        json[s] = text ? cJSON_Parse(text) : NULL;
        ok = cJSON_IsObject(json[s]);
        if (!ok) {
            fprintf(stderr, "faultline: %s%s\n", text ? side->directory : "",
                    text ? "/trace.h5: summary_json is not a JSON object: the archive is damaged"
                         : fl_trace_error(side->trace));
        }
        free(text);
    }
    if (ok) {
        fl_summaries_read(json[0], json[1], &runs->summaries);
    }
    cJSON_Delete(json[0]);
    cJSON_Delete(json[1]);
    return ok;
}

static bool has_metric(const struct runs *runs)
{
    struct fl_guess guess = {.wanted = runs->metric};
    for (size_t i = 0; runs->metric && i < runs->summaries.count; i++) {
        if (is_wanted(runs, runs->summaries.at[i].path)) {
            return true;
        }
        fl_guess_offer(&guess, runs->summaries.at[i].path);
    }
    if (runs->metric) {
        fprintf(stderr, "faultline: --metric %s: in neither summary%s\n", runs->metric,
                fl_guess_hint(&guess).text);
    }
    return !runs->metric;
}

int fl_compare_runs(const struct fl_compare *job)
{
    struct runs runs = {.metric = job->metric};
    int status = EXIT_IO;
    if (fl_inputs_read(job->directory, FL_FOLDER_RUN, &runs.inputs) && read_summaries(&runs) &&
        fl_partings_find(&runs.inputs, &runs.partings)) {
        status = has_metric(&runs) ? 0 : EXIT_USAGE;
    }
    if (status == 0) {
        (job->json ? print_json : print_runs)(&runs);
    }
    fl_partings_free(&runs.partings);
    fl_summaries_free(&runs.summaries);
    fl_inputs_free(&runs.inputs);
    return status;
}
