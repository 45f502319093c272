/* What each fault is answerable for: a table for people, JSON for programs. */
#include "analysis/answers.h"

#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/unit_text.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAIR_TEXT = 256 };

/* --- for people ------------------------------------------------------------------------------------- */

static void amount_text(const struct fl_answers *a, int64_t value, char out[FL_WORDING])
{
    if (a->unit == FL_USD) {
        fl_money_exact(value, out);
    } else {
        fl_value_text(value, a->units, out);
    }
}

static void print_amount(const struct fl_answers *a, int64_t value, int width)
{
    char text[FL_WORDING];
    amount_text(a, value, text);
    printf("  %*s", width, text);
}

static void print_interval(const struct fl_answers *a, const struct fl_estimate *e)
{
    if (isnan(e->low)) {
        return;
    }
    char low[FL_WORDING], high[FL_WORDING];
    fl_value_text((int64_t)llround(e->low), a->units, low);
    fl_value_text((int64_t)llround(e->high), a->units, high);
    printf("  [%s, %s]", low, high);
}

static int longest(int width, const char *text)
{
    return (int)strlen(text) > width ? (int)strlen(text) : width;
}

/* Room for every amount of the table. */
static int amount_width(const struct fl_answers *a)
{
    int width = (int)strlen("answerable for");
    char text[FL_WORDING];
    const int64_t ends[] = {a->mean.none, a->mean.all, a->mean.all - a->mean.none};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        amount_text(a, ends[i], text);
        width = longest(width, text);
    }
    for (uint32_t i = 0; i < a->job->players; i++) {
        const int64_t cells[] = {a->mean.value[i], a->mean.first[i], a->mean.last[i]};
        for (size_t k = 0; k < sizeof cells / sizeof *cells; k++) {
            amount_text(a, cells[k], text);
            width = longest(width, text);
        }
    }
    return width;
}

static int name_width(const struct fl_answers *a)
{
    int width = (int)strlen("all of them");
    for (uint32_t i = 0; i < a->job->players; i++) {
        width = longest(width, a->job->player[i]);
    }
    return width;
}

static void print_head(const struct fl_answers *a)
{
    const size_t seeds = a->rows.replicates;
    printf("%s: what each fault is answerable for, of %s\n", a->job->scenario, a->job->metric);
    printf("  %zu set%s of faults, each run with %zu seed%s", a->rows.points,
           a->rows.points == 1 ? "" : "s", seeds, seeds == 1 ? "" : "s");
    if (seeds == 1) {
        printf(", %" PRIu64, (uint64_t)a->seed[0]);
    }
    puts(a->exact ? "; Shapley values, exact" : "; Shapley values");
    if (!a->exact) {
        printf("  from %" PRIu32 " orders drawn, the interval beside each says how far that goes\n",
               a->job->orders);
    }
    if (seeds > 1) {
        printf("  means over the seeds%s\n",
               a->exact ? "; the interval beside each is Student's" : "");
    }
}

static void print_row(const struct fl_answers *a, uint32_t i, int name, int width)
{
    const int64_t total = a->mean.all - a->mean.none;
    char percent[FL_WORDING] = "";
    if (total != 0) {
        fl_percent((double)a->mean.value[i] / (double)total, percent);
    }
    printf("  %-*s", name, a->job->player[i]);
    print_amount(a, a->mean.value[i], width);
    printf("  %7s", percent);
    print_amount(a, a->mean.first[i], width);
    print_amount(a, a->mean.last[i], width);
    print_interval(a, a->exact ? &a->over_seeds[i] : &a->over_orders[i]);
    putchar('\n');
}

static void print_pairs(const struct fl_answers *a, int width)
{
    const uint32_t players = a->job->players;
    int name = (int)strlen("pair");
    char pair[PAIR_TEXT];
    for (uint32_t i = 0; i < players * players; i++) {
        fl_say(pair, sizeof pair, "%s + %s", a->job->player[i / players],
               a->job->player[i % players]);
        name = longest(name, pair);
    }
    printf("\n  %-*s  %*s  %*s\n", name, "pair", width, "both alone", width, "among others");
    for (uint32_t i = 0; i < players; i++) {
        for (uint32_t j = i + 1; j < players; j++) {
            const size_t at = (size_t)i * players + j;
            fl_say(pair, sizeof pair, "%s + %s", a->job->player[i], a->job->player[j]);
            printf("  %-*s", name, pair);
            print_amount(a, a->mean.together[at], width);
            print_amount(a, a->mean.beyond[at], width);
            putchar('\n');
        }
    }
    puts("  What two faults add beyond what each adds without the other, with no other fault, and "
         "on the "
         "mean over all\n  sets of others: of the sign of the sum if they need each other, of the "
         "other if one of them is enough.");
}

void fl_answers_print(const struct fl_answers *a)
{
    const int name = name_width(a), width = amount_width(a);
    print_head(a);
    printf("\n  %-*s  %*s  %7s  %*s  %*s\n", name, "fault", width, "answerable for", "share", width,
           "adds alone", width, "saved without");
    for (uint32_t i = 0; i < a->job->players; i++) {
        print_row(a, i, name, width);
    }
    printf("  %-*s", name, "sum");
    print_amount(a, a->mean.all - a->mean.none, width);
    printf("\n\n  %-*s", name, "none of them");
    print_amount(a, a->mean.none, width);
    printf("\n  %-*s", name, "all of them");
    print_amount(a, a->mean.all, width);
    putchar('\n');
    if (a->exact && a->job->players > 1) {
        print_pairs(a, width);
    }
}

/* --- for programs ----------------------------------------------------------------------------------- */

/* As the summary writes it: money as text, the rest as numbers. */
static void add_amount(const struct fl_answers *a, cJSON *to, const char *key, int64_t value)
{
    char text[FL_UNIT_TEXT];
    fl_unit_text(value, a->unit, text);
    const bool quoted = a->unit == FL_USD || a->unit == FL_SIZE;
    cJSON_AddItemToObject(to, key, quoted ? cJSON_CreateString(text) : cJSON_CreateRaw(text));
}

static void add_interval(const struct fl_answers *a, cJSON *to, const char *key,
                         const struct fl_estimate *e)
{
    if (isnan(e->low)) {
        return;
    }
    cJSON *interval = cJSON_AddObjectToObject(to, key);
    add_amount(a, interval, "low", (int64_t)llround(e->low));
    add_amount(a, interval, "high", (int64_t)llround(e->high));
}

static void add_answer(const struct fl_answers *a, const struct fl_answer *answer, cJSON *to)
{
    const uint32_t players = a->job->players;
    add_amount(a, to, "none", answer->none);
    add_amount(a, to, "all", answer->all);
    cJSON *faults = cJSON_AddArrayToObject(to, "faults");
    for (uint32_t i = 0; i < players; i++) {
        cJSON *fault = cJSON_CreateObject();
        cJSON_AddItemToArray(faults, fault);
        cJSON_AddStringToObject(fault, "name", a->job->player[i]);
        add_amount(a, fault, "value", answer->value[i]);
        add_amount(a, fault, "adds_alone", answer->first[i]);
        add_amount(a, fault, "saved_without", answer->last[i]);
        if (answer == &a->mean) {
            add_interval(a, fault, "over_seeds", &a->over_seeds[i]);
        }
        if (answer == &a->mean && !a->exact) {
            add_interval(a, fault, "over_orders", &a->over_orders[i]);
        }
    }
    cJSON *pairs = a->exact ? cJSON_AddArrayToObject(to, "pairs") : NULL;
    for (uint32_t i = 0; i < players && pairs; i++) {
        for (uint32_t j = i + 1; j < players; j++) {
            const char *names[] = {a->job->player[i], a->job->player[j]};
            cJSON *pair = cJSON_CreateObject();
            cJSON_AddItemToArray(pairs, pair);
            cJSON_AddItemToObject(pair, "faults", cJSON_CreateStringArray(names, 2));
            add_amount(a, pair, "both_alone", answer->together[(size_t)i * players + j]);
            add_amount(a, pair, "among_others", answer->beyond[(size_t)i * players + j]);
        }
    }
}

void fl_answers_json(const struct fl_answers *a)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "scenario", a->job->scenario);
    cJSON_AddStringToObject(json, "metric", a->job->metric);
    cJSON_AddBoolToObject(json, "exact", a->exact);
    cJSON_AddNumberToObject(json, "orders", a->job->orders);
    cJSON_AddNumberToObject(json, "alpha", a->job->alpha);
    cJSON *seeds = cJSON_AddArrayToObject(json, "seeds");
    for (size_t r = 0; r < a->rows.replicates; r++) {
        cJSON *seed = cJSON_CreateObject();
        cJSON_AddItemToArray(seeds, seed);
        cJSON_AddNumberToObject(seed, "seed", (double)(uint64_t)a->seed[r]); /* below 2^53 */
        add_answer(a, &a->of_seed[r], seed);
    }
    add_answer(a, &a->mean, cJSON_AddObjectToObject(json, "mean"));
    char *text = cJSON_Print(json);
    cJSON_Delete(json);
    if (!text) {
        fl_out_of_memory();
    }
    puts(text);
    free(text);
}
