/* What figures and reports both need from a trace. */
#include "analysis/outline.h"

#include "sim/alloc.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const line_path[FL_LINES] = {
    [FL_LINE_FUNDAMENTAL] = "/series/market.fundamental",
    [FL_LINE_ORACLE] = "/series/oracle.price",
    [FL_LINE_ORACLE_VALID] = "/series/oracle.valid",
    [FL_LINE_DUE] = "/series/ledger.due",
    [FL_LINE_LIQUIDATED] = "/series/ledger.liquidated",
    [FL_LINE_FUND] = "/series/ledger.insurance_fund",
    [FL_LINE_BAD_DEBT] = "/series/ledger.bad_debt",
    [FL_LINE_LATENT] = "/series/ledger.latent_bad_debt",
    [FL_LINE_OPEN_ACCOUNTS] = "/series/ledger.open_accounts",
};

/* A fund that pays first is empty when bad debt appears, even if fees refill it before the next
 * sample; this share of its start tells such a fund from one that pays in part only. */
enum { FUND_EMPTY_PER_MILLE = 20 };

static char *attribute_or_empty(struct fl_trace *trace, const char *name)
{
    char *text = fl_trace_attribute(trace, "/", name);
    return text ? text : fl_strdup("");
}

static bool load_series(struct fl_trace *trace, struct fl_outline *outline)
{
    outline->at = fl_trace_int64(trace, "/series/time", &outline->samples);
    if (!outline->at) {
        return false;
    }
    for (int i = 0; i < FL_LINES; i++) {
        if (!fl_trace_has(trace, line_path[i])) {
            continue;
        }
        size_t count;
        outline->line[i] = fl_trace_int64(trace, line_path[i], &count);
        if (!outline->line[i]) {
            return false;
        }
        if (count != outline->samples) { /* of another grid: as good as missing */
            free(outline->line[i]);
            outline->line[i] = NULL;
        }
    }
    return true;
}

/* Nodes of a group are neighbours in /nodes. */
static bool load_groups(struct fl_trace *trace, struct fl_outline *outline)
{
    size_t nodes;
    outline->node_group = fl_trace_text(trace, "/nodes/group", &nodes);
    if (!outline->node_group) {
        return false;
    }
    outline->group = fl_alloc(nodes, sizeof *outline->group);
    for (size_t i = 0; i < nodes; i++) {
        if (i == 0 || strcmp(outline->node_group[i - 1], outline->node_group[i]) != 0) {
            outline->group[outline->group_count++].name = outline->node_group[i];
        }
        outline->group[outline->group_count - 1].size++;
    }
    return true;
}

static uint32_t group_size(const struct fl_outline *outline, const char *name)
{
    uint32_t all = 0;
    for (size_t i = 0; i < outline->group_count; i++) {
        if (strcmp(outline->group[i].name, name) == 0) {
            return outline->group[i].size;
        }
        all += outline->group[i].size;
    }
    return all;
}

static uint32_t count_words(const char *text)
{
    uint32_t words = text[0] != '\0';
    for (; *text; text++) {
        words += *text == ' ';
    }
    return words;
}

/* Some orders have one member that all depend on: nodes.GROUP.consensus.sequencer. A fault that
 * strikes just that one is about the sequencer, not about one validator of four. */
static void name_sequencer(const cJSON *scenario, const char *members,
                           struct fl_headline_fault *fault)
{
    const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(scenario, "nodes");
    const cJSON *group = cJSON_GetObjectItemCaseSensitive(nodes, fault->group);
    const cJSON *order = cJSON_GetObjectItemCaseSensitive(group, "consensus");
    const cJSON *sequencer = cJSON_GetObjectItemCaseSensitive(order, "sequencer");
    if (fault->struck != 1 || !cJSON_IsNumber(sequencer)) {
        return;
    }
    char name[256];
    snprintf(name, sizeof name, "%s[%.0f]", fault->group, sequencer->valuedouble);
    if (strcmp(name, members) == 0) {
        fault->group = "sequencer";
        fault->size = 1;
    }
}

/* A fault of links may lie across groups: then it is a matter of so many nodes of all. */
static void name_nodes(const struct fl_outline *outline, const char *members,
                       struct fl_headline_fault *fault)
{
    const size_t length = strlen(fault->group);
    bool all = true;
    for (const char *word = members; word && *word; word = strchr(word, ' ')) {
        word += *word == ' ';
        all &= strncmp(word, fault->group, length) == 0 && word[length] == '[';
    }
    if (all) {
        return;
    }
    fault->group = "node";
    fault->size = 0;
    for (uint32_t i = 0; i < outline->group_count; i++) {
        fault->size += outline->group[i].size;
    }
}

/* Whether a fault strikes its members one after the other, or those who hold something for as long as they
 * do. */
static bool moves(const cJSON *scenario, const char *name)
{
    const cJSON *faults = cJSON_GetObjectItemCaseSensitive(scenario, "faults");
    const cJSON *fault = cJSON_GetObjectItemCaseSensitive(faults, name);
    const cJSON *stagger = cJSON_GetObjectItemCaseSensitive(fault, "stagger_s");
    return cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(fault, "keep")) ||
           (cJSON_IsNumber(stagger) && stagger->valuedouble > 0);
}

static bool load_faults(struct fl_trace *trace, struct fl_outline *outline)
{
    size_t rows[6];
    outline->fault_name = fl_trace_text(trace, "/faults/name", &rows[0]);
    outline->fault_model = fl_trace_text(trace, "/faults/model", &rows[1]);
    outline->fault_group = fl_trace_text(trace, "/faults/group", &rows[2]);
    char **members = fl_trace_text(trace, "/faults/members", &rows[3]);
    int64_t *from = fl_trace_int64(trace, "/faults/from", &rows[4]);
    int64_t *to = fl_trace_int64(trace, "/faults/to", &rows[5]);
    bool ok = outline->fault_name && outline->fault_model && outline->fault_group && members &&
              from && to;
    for (size_t i = 1; ok && i < 6; i++) {
        ok = rows[i] == rows[0];
    }
    char *resolved = fl_trace_attribute(trace, "/", "scenario_resolved_json");
    cJSON *scenario = resolved ? cJSON_Parse(resolved) : NULL;
    free(resolved);
    const fl_time end = fl_outline_end(outline);
    outline->fault = fl_alloc(ok ? rows[0] : 0, sizeof *outline->fault);
    for (size_t i = 0; ok && i < rows[0]; i++) {
        if (from[i] < end) {
            struct fl_headline_fault *fault = &outline->fault[outline->headline.fault_count++];
            *fault = (struct fl_headline_fault){
                .name = outline->fault_name[i],
                .model = outline->fault_model[i],
                .group = outline->fault_group[i][0] ? outline->fault_group[i] : "node",
                .struck = count_words(members[i]),
                .size = group_size(outline, outline->fault_group[i]),
                .from = from[i],
                .to = to[i] < end ? to[i] : end,
            };
            fault->in_turn = moves(scenario, fault->name);
            name_nodes(outline, members[i], fault);
            name_sequencer(scenario, members[i], fault);
        }
    }
    cJSON_Delete(scenario);
    free(members);
    free(from);
    free(to);
    return ok;
}

/* --- the headline's numbers ---------------------------------------------------------------------- */

/* First and last sample of what the faults span; the whole run if there are none. */
static void span_of_faults(const struct fl_outline *outline, size_t *first, size_t *last)
{
    fl_time from = INT64_MAX, to = INT64_MIN;
    for (uint32_t i = 0; i < outline->headline.fault_count; i++) {
        from = outline->fault[i].from < from ? outline->fault[i].from : from;
        to = outline->fault[i].to > to ? outline->fault[i].to : to;
    }
    *first = 0;
    *last = outline->samples - 1;
    if (outline->headline.fault_count == 0) {
        return;
    }
    while (*first < *last && outline->at[*first + 1] <= from) {
        (*first)++;
    }
    while (*last > *first && outline->at[*last] > to) {
        (*last)--;
    }
}

/* The largest move within the span: with faults from where they began, without from any peak or
 * trough to a later trough or peak. */
static double largest_move(const struct fl_outline *outline)
{
    const int64_t *price = outline->line[FL_LINE_FUNDAMENTAL];
    if (!price || outline->samples == 0) {
        return 0;
    }
    size_t first, last;
    span_of_faults(outline, &first, &last);
    const bool anchored = outline->headline.fault_count > 0;
    double high = 0, low = 0, fall = 0, rise = 0;
    for (size_t i = first; i <= last; i++) {
        const double now = (double)price[i];
        if (now <= 0) {
            continue;
        }
        const bool start = high <= 0;
        high = start || (!anchored && now > high) ? now : high;
        low = start || (!anchored && now < low) ? now : low;
        fall = (high - now) / high > fall ? (high - now) / high : fall;
        rise = (now - low) / low > rise ? (now - low) / low : rise;
    }
    return fall >= rise ? -fall : rise;
}

static void fund_numbers(const struct fl_outline *outline, struct fl_headline *headline)
{
    const int64_t *fund = outline->line[FL_LINE_FUND], *debt = outline->line[FL_LINE_BAD_DEBT];
    headline->fund_empty = FL_NEVER;
    headline->has_fund = fund && outline->samples > 0;
    if (!headline->has_fund) {
        return;
    }
    size_t first = 0; /* the fund may be paid in after the start */
    while (first + 1 < outline->samples && fund[first] <= 0) {
        first++;
    }
    headline->fund_start = headline->fund_lowest = fund[first];
    for (size_t i = first; i < outline->samples; i++) {
        headline->fund_lowest = fund[i] < headline->fund_lowest ? fund[i] : headline->fund_lowest;
        const bool gave_out = debt && debt[i] > 0 && (i == 0 || debt[i - 1] == 0) &&
                              fund[i] < headline->fund_start / 1000 * FUND_EMPTY_PER_MILLE;
        if (headline->fund_empty == FL_NEVER && headline->fund_start > 0 &&
            (fund[i] <= 0 || gave_out)) {
            headline->fund_empty = outline->at[i];
        }
    }
}

/* How much a series grew from a sample to the end; 0 if there is none of this grid. */
static int64_t growth(struct fl_trace *trace, const struct fl_outline *outline, const char *path,
                      size_t from)
{
    size_t count = 0;
    int64_t *values = fl_trace_has(trace, path) ? fl_trace_int64(trace, path, &count) : NULL;
    const int64_t grown = count > 0 && count == outline->samples ? values[count - 1] - values[from]
                                                                 : 0;
    free(values);
    return grown;
}

static void find_headline(struct fl_trace *trace, struct fl_outline *outline)
{
    struct fl_headline *headline = &outline->headline;
    headline->fault = outline->fault;
    headline->move = largest_move(outline);
    const int64_t *debt = outline->line[FL_LINE_BAD_DEBT];
    headline->bad_debt = debt && outline->samples > 0 ? debt[outline->samples - 1] : 0;
    if (debt && outline->samples > 0) {
        size_t first, last;
        span_of_faults(outline, &first, &last);
        headline->bad_debt_before = headline->fault_count > 0 ? debt[first] : 0;
        headline->deleveraged = growth(trace, outline, "/series/ledger.adl", first);
        headline->socialised = growth(trace, outline, "/series/ledger.socialised", first);
    }
    fund_numbers(outline, headline);
}

struct fl_outline *fl_outline_new(struct fl_trace *trace)
{
    struct fl_outline *outline = fl_alloc(1, sizeof *outline);
    if (!load_series(trace, outline) || !load_groups(trace, outline) ||
        !load_faults(trace, outline)) {
        fl_outline_free(outline);
        return NULL;
    }
    outline->name = attribute_or_empty(trace, "name");
    outline->seed = attribute_or_empty(trace, "seed");
    outline->digest = attribute_or_empty(trace, "digest");
    outline->why = attribute_or_empty(trace, "why");
    find_headline(trace, outline);
    return outline;
}

void fl_outline_free(struct fl_outline *outline)
{
    for (int i = 0; i < FL_LINES; i++) {
        free(outline->line[i]);
    }
    free(outline->at);
    free(outline->name);
    free(outline->seed);
    free(outline->digest);
    free(outline->why);
    free(outline->group);
    free(outline->fault);
    free(outline->node_group);
    free(outline->fault_name);
    free(outline->fault_model);
    free(outline->fault_group);
    free(outline);
}

fl_time fl_outline_end(const struct fl_outline *outline)
{
    return outline->samples > 0 ? outline->at[outline->samples - 1] : 0;
}
