/* `faultline explain`: from each fault of a run to each dollar, through causes. */
#include "analysis/analysis.h"
#include "analysis/blame.h"
#include "analysis/outline.h"
#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/unit_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAILED = 3, USAGE = 2, PATH_BYTES = 4096, GROUPS_SHOWN = 12, COLUMN = 18 };

struct explanation {
    struct fl_trace *trace;
    struct fl_outline *run;
    struct fl_history *history;
    cJSON *summary, *resolved;
    struct fl_blame *blame;
};

/* --- words ------------------------------------------------------------------------------------------ */

/* Kinds that are not called by a noun. */
static const char *noun_of(const char *kind)
{
    static const char *const nouns[][2] = {{"applied", "executed block"},
                                           {"attached", "change of replica"},
                                           {"certified", "certificate"},
                                           {"decided", "decision"},
                                           {"locked", "lock"},
                                           {"struck", "node struck"},
                                           {"suppressed", "altered message"},
                                           {"funding", "funding payment"}};
    for (size_t i = 0; i < sizeof nouns / sizeof *nouns; i++) {
        if (strcmp(nouns[i][0], kind) == 0) {
            return nouns[i][1];
        }
    }
    return kind;
}

/* "12 prices", "1 report". */
static void print_count(size_t count, const char *noun)
{
    char number[FL_WORDING], many[FL_WORDING];
    fl_thousands((int64_t)count, number);
    fl_plural(noun, many, sizeof many);
    printf("%s %s", number, count == 1 ? noun : many);
}

static void print_dollars(int64_t amount)
{
    char money[FL_WORDING];
    fl_money_exact(amount, money);
    printf("  %*s", COLUMN, money);
}

static int longest(int width, const char *text)
{
    return (int)strlen(text) > width ? (int)strlen(text) : width;
}

static int name_width(const struct fl_blame *blame)
{
    int width = (int)strlen("no fault");
    for (size_t i = 0; i < blame->faults; i++) {
        width = longest(width, blame->fault[i].name);
    }
    return width;
}

static void print_sum(const struct fl_blame_sum *sum)
{
    char count[FL_WORDING];
    fl_thousands((int64_t)sum->deficits, count);
    printf("  %8s", count);
    print_dollars(fl_bearers_sum(&sum->by));
}

static void print_bearers(const struct fl_blame_sum *sum)
{
    print_dollars(sum->by.fund);
    print_dollars(sum->by.counterparties);
    print_dollars(sum->by.traders);
    print_dollars(sum->by.nobody);
    putchar('\n');
}

/* --- tables ----------------------------------------------------------------------------------------- */

static void print_led_to(const struct fl_blame *blame)
{
    const int width = name_width(blame);
    puts("What led to them directly: the nearest fault in the chain of causes\n");
    printf("  %-*s  deficits  %*s  %*s  %*s  %*s  %*s\n", width, "fault", COLUMN, "dollars", COLUMN,
           "fund", COLUMN, "counterparties", COLUMN, "all traders", COLUMN, "nobody");
    for (size_t i = 0; i <= blame->faults; i++) {
        printf("  %-*s", width, i < blame->faults ? blame->fault[i].name : "no fault");
        print_sum(&blame->fault[i].led_to);
        print_bearers(&blame->fault[i].led_to);
    }
    printf("  %-*s", width, "sum");
    print_sum(&blame->total);
    print_bearers(&blame->total);
}

static void print_in_way(const struct fl_blame *blame)
{
    const int width = name_width(blame);
    puts(
        "\nWhat stood in the way: faults that dropped, changed or added something after a position "
        "fell due at\nthe fundamental price and before it was liquidated\n");
    printf("  %-*s  deficits  %*s  %*s\n", width, "fault", COLUMN, "dollars", 10 + COLUMN,
           "it and no other");
    for (size_t i = 0; i < blame->faults; i++) {
        printf("  %-*s", width, blame->fault[i].name);
        print_sum(&blame->fault[i].in_way);
        print_sum(&blame->fault[i].alone);
        putchar('\n');
    }
    if (blame->untimed > 0) {
        printf(
            "  Of %zu of them the trace does not tell when they fell due: only the moment of the "
            "liquidation counts.\n",
            blame->untimed);
    }
}

static void print_group_name(const struct fl_blame *blame, const struct fl_blame_group *group)
{
    const char *before = "";
    for (size_t f = 0; f < blame->faults; f++) {
        if (group->in_way[f]) {
            printf("%s%s", before, blame->fault[f].name);
            before = " + ";
        }
    }
    puts(*before ? "" : "no fault");
}

static void print_groups(const struct fl_blame *blame)
{
    printf("\n  deficits  %*s  in the way\n", COLUMN, "dollars");
    struct fl_blame_sum rest = {0};
    size_t left_out = 0;
    for (size_t g = 0; g < blame->groups; g++) {
        const struct fl_blame_group *group = &blame->group[g];
        if (g < GROUPS_SHOWN) {
            print_sum(&group->sum);
            fputs("  ", stdout);
            print_group_name(blame, group);
        } else {
            left_out++;
            rest.deficits += group->sum.deficits;
            rest.by.nobody += fl_bearers_sum(&group->sum.by);
        }
    }
    if (left_out > 0) {
        print_sum(&rest);
        printf("  %zu other combinations\n", left_out);
    }
    print_sum(&blame->total);
    puts("  sum");
}

/* --- chains ----------------------------------------------------------------------------------------- */

static void print_way(const struct fl_blame_fault *fault)
{
    char money[FL_WORDING];
    fl_money_short(fl_bearers_sum(&fault->led_to.by), money);
    fputs("  ", stdout);
    for (size_t i = 0; i < fault->kinds; i++) {
        const struct fl_blame_kind *kind = &fault->kind[i];
        fputs(i > 0 ? " -> " : "", stdout);
        if (kind->count == 1 && strcmp(kind->kind, "fault") == 0) {
            fputs(fault->name, stdout);
        } else {
            print_count(kind->count, noun_of(kind->kind));
        }
    }
    printf(": %s. The largest:\n", money);
}

static void print_link(const struct explanation *e, uint32_t id)
{
    char clock[FL_WORDING], story[FL_STORY_TEXT];
    fl_clock(fl_history_time(e->history, id), clock);
    fl_history_story(e->history, id, story);
    printf("%14s  %s\n", clock, story);
}

/* The fault begins, the position falls due, in whichever order; what the fault did; what came of it. */
static void print_wait(const struct explanation *e, const struct fl_blame_fault *fault)
{
    const struct fl_blame_wait *wait = &fault->waited;
    const uint32_t edge = fl_history_parent(e->history, wait->first);
    const bool began = edge != FL_NO_RECORD_ID && fl_history_time(e->history, edge) <= wait->from;
    char clock[FL_WORDING], money[FL_WORDING], longest[FL_WORDING];
    fl_money_short(fl_bearers_sum(&fault->in_way.by), money);
    fl_duration(fault->longest, longest);
    printf("  %s -> ", fault->name);
    print_count(fault->bites_in_way, noun_of("suppressed"));
    fputs(" while ", stdout);
    print_count(fault->in_way.deficits, "liquidation");
    printf(" waited, up to %s -> ", longest);
    print_count(fault->in_way.deficits, "deficit");
    printf(": %s. The largest:\n", money);
    if (began) {
        print_link(e, edge);
    }
    fl_clock(wait->from, clock);
    printf("%14s  account %" PRId64 " is due at the fundamental price\n", clock,
           wait->deficit->account);
    if (edge != FL_NO_RECORD_ID && !began) {
        print_link(e, edge);
    }
    print_link(e, wait->first);
    if (wait->bites > 1) {
        fl_clock(fl_history_time(e->history, wait->last), clock);
        printf("%14s  (%zu more until %s)\n", "...", wait->bites - 1, clock);
    }
    fl_stages_write(e->history, wait->deficit, stdout);
}

static void print_fault(const struct explanation *e, const struct fl_blame_fault *fault)
{
    char from[FL_WORDING], to[FL_WORDING], bites[FL_WORDING];
    if (fault->model[0] != '\0') {
        fl_clock(fault->from, from);
        fl_clock(fault->to, to);
        fl_thousands(fault->bites, bites);
        printf("\n%s (%s, %s to %s): ", fault->name, fault->model, from, to);
        if (fault->bites == 0) {
            puts(fault->opened ? "it dropped and changed nothing." : "it never opened.");
            return;
        }
        printf("dropped, changed or added something %s time%s", bites,
               fault->bites == 1 ? "" : "s");
        puts(fault->led_to.deficits + fault->in_way.deficits == 0 ? "; no loss leads back to it."
                                                                  : ".");
    } else if (fault->led_to.deficits > 0) {
        puts("\nNo fault in the chain of causes:");
    }
    if (fault->led_to.deficits > 0) {
        print_way(fault);
        fl_deficit_write(e->history, fault->largest, stdout);
    }
    if (fault->in_way.deficits > 0) {
        print_wait(e, fault);
    }
}

static void print_latent(const struct explanation *e)
{
    const cJSON *ledger = cJSON_GetObjectItemCaseSensitive(e->summary, "ledger");
    const char *latent =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(ledger, "latent_bad_debt"));
    if (latent && strcmp(latent, "0.000000") != 0) {
        printf("Not in it is $%s of latent bad debt: accounts still open that owe more than they "
               "have.\n",
               latent);
    }
}

static void print_words(const struct explanation *e)
{
    const struct fl_blame *blame = e->blame;
    char money[FL_WORDING], number[FL_WORDING];
    printf("%s, seed %s, digest %s\n", e->run->name, e->run->seed, e->run->digest);
    if (blame->count == 0) {
        puts("No liquidation cost more than the account had.");
        print_latent(e);
        return;
    }
    fl_money_exact(fl_bearers_sum(&blame->total.by), money);
    fl_thousands((int64_t)blame->count, number);
    printf("%s liquidation%s cost more than the account had: %s in all.\n", number,
           blame->count == 1 ? "" : "s", money);
    print_latent(e);
    putchar('\n');
    print_led_to(blame);
    print_in_way(blame);
    print_groups(blame);
    for (size_t i = 0; i <= blame->faults; i++) {
        print_fault(e, &blame->fault[i]);
    }
    puts("\nHow much of it each fault is answerable for, twin runs tell: `faultline attribute`.");
}

/* --- for programs ----------------------------------------------------------------------------------- */

static void add_money(cJSON *to, const char *key, int64_t amount)
{
    char text[FL_UNIT_TEXT];
    fl_unit_text(amount, FL_USD, text);
    cJSON_AddStringToObject(to, key, text);
}

static void add_seconds(cJSON *to, const char *key, fl_time at)
{
    char text[FL_UNIT_TEXT];
    fl_unit_text(at, FL_NANOSECOND, text);
    cJSON_AddRawToObject(to, key, text);
}

static cJSON *add_sum(cJSON *to, const char *key, const struct fl_blame_sum *sum)
{
    cJSON *object = cJSON_AddObjectToObject(to, key);
    cJSON_AddNumberToObject(object, "deficits", (double)sum->deficits);
    add_money(object, "deficit", fl_bearers_sum(&sum->by));
    add_money(object, "fund_paid", sum->by.fund);
    add_money(object, "adl", sum->by.counterparties);
    add_money(object, "socialised", sum->by.traders);
    add_money(object, "outstanding", sum->by.nobody);
    return object;
}

static void add_chain(const struct explanation *e, const struct fl_blame_fault *fault, cJSON *to)
{
    cJSON *kinds = cJSON_AddArrayToObject(to, "way");
    for (size_t i = 0; i < fault->kinds; i++) {
        cJSON *kind = cJSON_CreateObject();
        cJSON_AddItemToArray(kinds, kind);
        cJSON_AddStringToObject(kind, "kind", fault->kind[i].kind);
        cJSON_AddNumberToObject(kind, "count", (double)fault->kind[i].count);
    }
    cJSON *links = cJSON_AddArrayToObject(to, "largest");
    size_t count = 0;
    uint32_t *chain = fault->largest ? fl_chain_new(e->history, fault->largest->id, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        char story[FL_STORY_TEXT];
        cJSON *link = cJSON_CreateObject();
        cJSON_AddItemToArray(links, link);
        add_seconds(link, "time_s", fl_history_time(e->history, chain[i]));
        cJSON_AddStringToObject(link, "kind", fl_history_kind(e->history, chain[i]));
        fl_history_story(e->history, chain[i], story);
        cJSON_AddStringToObject(link, "story", story);
    }
    free(chain);
}

static void add_fault(const struct explanation *e, const struct fl_blame_fault *fault, cJSON *to)
{
    cJSON_AddStringToObject(to, "name", fault->name);
    cJSON_AddStringToObject(to, "model", fault->model);
    add_seconds(to, "from_s", fault->from);
    add_seconds(to, "to_s", fault->to);
    cJSON_AddNumberToObject(to, "bites", (double)fault->bites);
    cJSON_AddBoolToObject(to, "named", fl_blame_names(fault));
    add_sum(to, "led_to", &fault->led_to);
    add_sum(to, "in_the_way", &fault->in_way);
    add_sum(to, "alone_in_the_way", &fault->alone);
    cJSON_AddNumberToObject(to, "bites_in_the_way", (double)fault->bites_in_way);
    add_seconds(to, "longest_wait_s", fault->longest);
    add_chain(e, fault, to);
}

static void add_groups(const struct fl_blame *blame, cJSON *to)
{
    cJSON *groups = cJSON_AddArrayToObject(to, "in_the_way");
    for (size_t g = 0; g < blame->groups; g++) {
        cJSON *group = cJSON_CreateObject();
        cJSON_AddItemToArray(groups, group);
        cJSON *names = cJSON_AddArrayToObject(group, "faults");
        for (size_t f = 0; f < blame->faults; f++) {
            if (blame->group[g].in_way[f]) {
                cJSON_AddItemToArray(names, cJSON_CreateString(blame->fault[f].name));
            }
        }
        add_sum(group, "sum", &blame->group[g].sum);
    }
}

static void print_json(const struct explanation *e)
{
    const struct fl_blame *blame = e->blame;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "scenario", e->run->name);
    cJSON_AddStringToObject(json, "seed", e->run->seed);
    cJSON_AddStringToObject(json, "digest", e->run->digest);
    add_sum(json, "total", &blame->total);
    cJSON *faults = cJSON_AddArrayToObject(json, "faults");
    for (size_t i = 0; i < blame->faults; i++) {
        cJSON *fault = cJSON_CreateObject();
        cJSON_AddItemToArray(faults, fault);
        add_fault(e, &blame->fault[i], fault);
    }
    cJSON *none = cJSON_AddObjectToObject(json, "no_fault");
    add_sum(none, "led_to", &blame->fault[blame->faults].led_to);
    add_chain(e, &blame->fault[blame->faults], none);
    add_groups(blame, json);
    cJSON_AddNumberToObject(json, "untimed", (double)blame->untimed);
    char *text = cJSON_Print(json);
    cJSON_Delete(json);
    if (!text) {
        fl_out_of_memory();
    }
    puts(text);
    free(text);
}

/* --- the whole -------------------------------------------------------------------------------------- */

static cJSON *attached(struct fl_trace *trace, const char *name)
{
    char *text = fl_trace_attribute(trace, "/", name);
    cJSON *tree = text ? cJSON_Parse(text) : NULL;
    free(text);
    return tree;
}

static bool load(struct explanation *e)
{
    e->run = fl_outline_new(e->trace);
    e->history = e->run ? fl_history_new(e->trace) : NULL;
    e->summary = attached(e->trace, "summary_json");
    e->resolved = attached(e->trace, "scenario_resolved_json");
    return e->history && e->summary && e->resolved;
}

static void expect_whole(const struct explanation *e)
{
    const struct fl_bearers said = fl_bearers_of(e->summary), *by = &e->blame->total.by;
    FL_ASSERT(said.fund == by->fund && said.counterparties == by->counterparties);
    FL_ASSERT(said.traders == by->traders && said.nobody == by->nobody);
}

static int tell(struct explanation *e, const struct fl_explain *job)
{
    if (!load(e)) {
        fprintf(stderr, "faultline: %s\n", fl_trace_error(e->trace));
        return FAILED;
    }
    if (fl_history_count(e->history) == 0) {
        fprintf(stderr,
                "faultline: %s/trace.h5 holds no events; run it with --set trace.detail=events\n",
                job->directory);
        return USAGE;
    }
    e->blame = fl_blame_new(e->trace, e->history, e->resolved);
    if (!e->blame) {
        fprintf(stderr, "faultline: %s\n", fl_trace_error(e->trace));
        return FAILED;
    }
    expect_whole(e);
    if (job->json) {
        print_json(e);
    } else {
        print_words(e);
    }
    return 0;
}

int fl_explain(const struct fl_explain *job)
{
    char error[PATH_BYTES];
    struct explanation e = {.trace = fl_trace_open(job->directory, error, sizeof error)};
    if (!e.trace) {
        fprintf(stderr, "faultline: %s\n", error);
        return FAILED;
    }
    const int status = tell(&e, job);
    if (e.blame) {
        fl_blame_free(e.blame);
    }
    cJSON_Delete(e.summary);
    cJSON_Delete(e.resolved);
    if (e.history) {
        fl_history_free(e.history);
    }
    if (e.run) {
        fl_outline_free(e.run);
    }
    fl_trace_close(e.trace);
    return status;
}
