/* report.md: what happened in a run, in words, and how it came to cost what it cost. */
#include "analysis/analysis.h"
#include "analysis/explain.h"
#include "analysis/outline.h"
#include "analysis/waterfall.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAILED = 3, PATH_BYTES = 4096, LARGEST = 5 };

struct report {
    FILE *file;
    struct fl_trace *trace;
    struct fl_outline *run;
    struct fl_history *history;
    cJSON *summary;
};

/* --- cells of tables --------------------------------------------------------------------------------- */

/* Text of a scenario inside a table: a bar would end the cell. */
static void print_cell(FILE *file, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') {
            fputc('\\', file);
        }
        fputc((unsigned char)*text < ' ' ? ' ' : *text, file);
    }
}

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static double number_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

/* --- headline numbers -------------------------------------------------------------------------------- */

static bool last_value(const struct report *report, const char *series, int64_t *out, char **units)
{
    char path[PATH_BYTES];
    fl_say(path, sizeof path, "/series/%s", series);
    size_t count = 0;
    int64_t *values =
        fl_trace_has(report->trace, path) ? fl_trace_int64(report->trace, path, &count) : NULL;
    *units = NULL;
    if (count > 0) {
        *out = values[count - 1];
        *units = fl_trace_attribute(report->trace, path, "units");
    }
    free(values);
    return *units != NULL;
}

static void write_number(const struct report *report, const char *series, const char *words)
{
    int64_t value;
    char *units, text[FL_WORDING];
    if (last_value(report, series, &value, &units)) {
        fl_value_text(value, units, text);
        fprintf(report->file, "| %s | %s |\n", words, text);
    }
    free(units);
}

struct number {
    const char *series, *words;
};

static void write_rows(const struct report *report, const struct number *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        write_number(report, rows[i].series, rows[i].words);
    }
}

/* What solvency publishes means nothing without it, or where it had no prices to measure by. */
static bool is_judged(const struct report *report)
{
    const cJSON *ledger = cJSON_GetObjectItemCaseSensitive(report->summary, "ledger");
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(ledger, "judged"));
}

static void write_numbers(const struct report *report)
{
    static const struct number books[] = {
        {"ledger.bad_debt", "bad debt (deficits the insurance fund did not pay)"},
        {"ledger.insurance_fund", "insurance fund at the end"},
        {"ledger.liquidations", "liquidations"},
        {"ledger.liquidated", "liquidated, at the exchange's mark"},
        {"ledger.deleveragings", "positions of counterparties closed by deleveraging"},
        {"ledger.open_accounts", "accounts with an open position at the end"},
        {"consensus.height", "height of the chain"},
    };
    static const struct number truth[] = {
        {"ledger.latent_bad_debt", "latent bad debt (negative equity still open at the end)"},
        {"ledger.wrongful_liquidations",
         "wrongful liquidations (healthy at the fundamental price)"},
        {"ledger.material_wrongful_liquidations", "of them beyond the oracle's tolerance"},
        {"ledger.missed_liquidations", "missed liquidations"},
        {"ledger.missed", "notional of missed liquidations"},
        {"ledger.fell_due", "notional that fell due for liquidation, less what was cured"},
        {"ledger.due", "due for liquidation at the end"},
    };
    fputs("## Numbers\n\n| at the end of the run | |\n|---|---:|\n", report->file);
    write_rows(report, books, sizeof books / sizeof *books);
    if (is_judged(report)) {
        write_rows(report, truth, sizeof truth / sizeof *truth);
    }
    char text[FL_WORDING];
    fl_thousands((int64_t)number_of(report->summary, "events"), text);
    fprintf(report->file, "| events | %s |\n", text);
    fl_thousands((int64_t)number_of(report->summary, "messages"), text);
    fprintf(report->file, "| messages | %s |\n\n", text);
}

/* --- faults, checks, expectations -------------------------------------------------------------------- */

static void write_members(FILE *file, const cJSON *members)
{
    enum { SHOWN = 8 };
    const int count = cJSON_GetArraySize(members);
    for (int i = 0; i < count && i < SHOWN; i++) {
        fputs(i > 0 ? ", " : "", file);
        print_cell(file, cJSON_GetArrayItem(members, i)->valuestring);
    }
    if (count > SHOWN) {
        fprintf(file, " and %d more", count - SHOWN);
    }
}

static void write_faults(const struct report *report)
{
    const cJSON *faults = cJSON_GetObjectItemCaseSensitive(report->summary, "faults"), *fault;
    fputs("## Faults\n\n", report->file);
    if (cJSON_GetArraySize(faults) == 0) {
        fputs("None.\n\n", report->file);
        return;
    }
    fputs("| fault | model | who | from | to | dropped | added or changed |\n"
          "|---|---|---|---:|---:|---:|---:|\n",
          report->file);
    cJSON_ArrayForEach(fault, faults)
    {
        char from[FL_WORDING], to[FL_WORDING], dropped[FL_WORDING], added[FL_WORDING];
        fl_clock((fl_time)(number_of(fault, "from_s") * (double)FL_SECOND), from);
        fl_clock((fl_time)(number_of(fault, "to_s") * (double)FL_SECOND), to);
        fl_thousands((int64_t)number_of(fault, "suppressed"), dropped);
        fl_thousands((int64_t)number_of(fault, "injected"), added);
        fputs("| ", report->file);
        print_cell(report->file, text_of(fault, "name"));
        fputs(" | ", report->file);
        print_cell(report->file, text_of(fault, "model"));
        fputs(" | ", report->file);
        write_members(report->file, cJSON_GetObjectItemCaseSensitive(fault, "members"));
        fprintf(report->file, " | %s | %s | %s | %s |\n", from, to, dropped, added);
    }
    cJSON_ArrayForEach(fault, faults)
    {
        const int64_t opened = (int64_t)number_of(fault, "opened");
        if (number_of(fault, "suppressed") + number_of(fault, "injected") == 0) {
            fprintf(report->file, "\n**%s never bit**: it %s.\n", text_of(fault, "name"),
                    opened ? "dropped and changed nothing" : "never opened");
        } else if (opened > 1) {
            fprintf(report->file, "\n%s opened %" PRId64 " times within that time.\n",
                    text_of(fault, "name"), opened);
        }
    }
    fputc('\n', report->file);
}

static void write_checks(const struct report *report)
{
    const cJSON *checks = cJSON_GetObjectItemCaseSensitive(report->summary, "checks"), *check;
    fputs("## Checks\n\n", report->file);
    if (cJSON_GetArraySize(checks) == 0) {
        fputs("The scenario asks for none.\n\n", report->file);
        return;
    }
    fputs("| check | verdict | evidence |\n|---|---|---|\n", report->file);
    cJSON_ArrayForEach(check, checks)
    {
        const bool broken = strcmp(text_of(check, "verdict"), "broken") == 0;
        fputs("| ", report->file);
        print_cell(report->file, text_of(check, "name"));
        fprintf(report->file, broken ? " | **%s** | " : " | %s | ", text_of(check, "verdict"));
        print_cell(report->file, text_of(check, "evidence"));
        fputs(" |\n", report->file);
    }
    fputc('\n', report->file);
}

static void write_expectations(const struct report *report)
{
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(report->summary, "expect"), *expect;
    if (cJSON_GetArraySize(all) == 0) {
        return;
    }
    fputs("## Expectations\n\n| the scenario expects | it is | |\n|---|---:|---|\n", report->file);
    cJSON_ArrayForEach(expect, all)
    {
        const cJSON *actual = cJSON_GetObjectItemCaseSensitive(expect, "actual");
        char *printed = cJSON_PrintUnformatted(actual);
        const char *is = cJSON_IsString(actual) ? actual->valuestring
                         : cJSON_IsNull(actual) ? "not in the summary"
                         : printed              ? printed
                                                : "";
        fprintf(report->file, "| `%s %s %s` | ", text_of(expect, "path"), text_of(expect, "op"),
                text_of(expect, "value"));
        print_cell(report->file, is);
        const bool ok = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(expect, "ok"));
        fputs(ok ? " | holds |\n" : " | **does not hold** |\n", report->file);
        cJSON_free(printed);
    }
    fputc('\n', report->file);
}

/* --- from fault to dollars ------------------------------------------------------------------------------ */

static void write_chain(const struct report *report, const struct fl_deficit *of)
{
    fputs("```\n", report->file);
    fl_deficit_write(report->history, of, report->file);
    fputs("```\n\n", report->file);
}

static const struct fl_deficit *largest_by(const struct fl_deficit *all, size_t count,
                                           size_t bearer)
{
    const struct fl_deficit *largest = NULL;
    int64_t most = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t part = bearer == 0   ? all[i].by.counterparties
                             : bearer == 1 ? all[i].by.traders
                                           : all[i].by.nobody;
        if (part > most) {
            most = part;
            largest = &all[i];
        }
    }
    return largest;
}

/* Of each stage beyond the fund, the liquidation in which it bore the most. */
static void write_deepest(const struct report *report, const struct fl_deficit *all, size_t count)
{
    static const char *const titles[] = {
        "Where deleveraged counterparties bore the most:",
        "Where the most was socialised:",
        "Where the most stayed outstanding:",
    };
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
        const struct fl_deficit *deepest = largest_by(all, count, i);
        if (!deepest || deepest == all) { /* none, or the one above */
            continue;
        }
        fprintf(report->file, "%s\n\n```\n", titles[i]);
        fl_stages_write(report->history, deepest, report->file);
        fputs("```\n\n", report->file);
    }
}

static void write_largest(const struct report *report, const struct fl_deficit *all, size_t count)
{
    const size_t shown = count < LARGEST ? count : LARGEST;
    char number[FL_WORDING];
    fl_thousands((int64_t)count, number);
    fprintf(report->file,
            "%s liquidation%s cost more than the account had. The largest deficits:\n\n", number,
            count == 1 ? "" : "s");
    fputs("| when | account | deficit | fund | counterparties | all traders | nobody | begins with "
          "|\n"
          "|---:|---:|---:|---:|---:|---:|---:|---|\n",
          report->file);
    for (size_t i = 0; i < shown; i++) {
        const int64_t cells[] = {fl_bearers_sum(&all[i].by), all[i].by.fund,
                                 all[i].by.counterparties, all[i].by.traders, all[i].by.nobody};
        char clock[FL_WORDING], story[FL_STORY_TEXT];
        size_t links;
        uint32_t *chain = fl_chain_new(report->history, all[i].id, &links);
        fl_clock(fl_history_time(report->history, all[i].id), clock);
        fl_history_story(report->history, chain[0], story);
        fprintf(report->file, "| %s | %" PRId64, clock, all[i].account);
        for (size_t k = 0; k < sizeof cells / sizeof *cells; k++) {
            char money[FL_WORDING];
            fl_money_full(cells[k], money);
            fprintf(report->file, " | %s", money);
        }
        fputs(" | ", report->file);
        print_cell(report->file, story);
        fputs(" |\n", report->file);
        free(chain);
    }
    fputs("\nHow the largest came about, each line the cause of the next, and what its liquidation "
          "went through:\n\n",
          report->file);
    write_chain(report, &all[0]);
    write_deepest(report, all, count);
}

static void write_share(const struct report *report, const char *whose, int64_t dollars,
                        int64_t total)
{
    char money[FL_WORDING], percent[FL_WORDING];
    fl_money_full(dollars, money);
    fl_percent(total > 0 ? (double)dollars / (double)total : 0, percent);
    fputs("| ", report->file);
    print_cell(report->file, whose);
    fprintf(report->file, " | %s | %s |\n", money, percent);
}

/* Bad debt by the fault that its chain of causes reaches. */
static void write_shares(const struct report *report, const struct fl_deficit *all, size_t count)
{
    size_t faults;
    char **name = fl_trace_text(report->trace, "/faults/name", &faults);
    int64_t *dollars = fl_alloc(faults, sizeof *dollars);
    int64_t total = 0, none = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t bad_debt = fl_bearers_sum(&all[i].by) - all[i].by.fund;
        const int64_t fault = fl_chain_fault(report->history, all[i].id);
        total += bad_debt;
        if (fault >= 0 && (uint64_t)fault < faults) {
            dollars[fault] += bad_debt;
        } else {
            none += bad_debt;
        }
    }
    if (total > 0) {
        fputs("| bad debt whose causes reach | dollars | share |\n|---|---:|---:|\n", report->file);
        for (size_t i = 0; i < faults; i++) {
            write_share(report, name[i], dollars[i], total);
        }
        write_share(report, "no fault", none, total);
        fputs("\nA chain names what led to a liquidation directly. What a fault cost in all is the "
              "difference to the same run without it, under the same seed.\n\n",
              report->file);
    }
    free(dollars);
    free(name);
}

static void write_losses(const struct report *report)
{
    size_t count = 0;
    const bool has_events = fl_history_count(report->history) > 0;
    struct fl_deficit *all = has_events ? fl_deficits_new(report->history, &count) : NULL;
    fl_waterfall_write(report->summary, is_judged(report), all, count, report->file);
    fputs("## From cause to dollars\n\n", report->file);
    if (!has_events) {
        fputs("The trace holds no events (`trace.detail` is `summary`).\n", report->file);
    } else if (count == 0) {
        fputs("No liquidation cost more than the account had.\n", report->file);
    } else {
        write_largest(report, all, count);
        write_shares(report, all, count);
    }
    free(all);
}

/* --- the report ------------------------------------------------------------------------------------------ */

static void write_report(const struct report *report)
{
    char headline[FL_HEADLINE_TEXT];
    fl_headline_text(&report->run->headline, headline);
    fprintf(report->file, "# %s\n\n%s.\n\n", report->run->name, headline);
    if (report->run->why[0] != '\0') {
        fprintf(report->file, "> %s\n\n", report->run->why);
    }
    fprintf(report->file, "Seed %s, digest `%s`.\n\n", report->run->seed, report->run->digest);
    write_numbers(report);
    write_faults(report);
    write_checks(report);
    write_expectations(report);
    write_losses(report);
}

static bool save(struct report *report, const char *directory)
{
    char path[PATH_BYTES], tmp[PATH_BYTES];
    fl_say(path, sizeof path, "%s/report.md", directory);
    fl_say(tmp, sizeof tmp, "%s/report.md.tmp", directory);
    report->file = fopen(tmp, "w");
    if (!report->file) {
        fprintf(stderr, "faultline: cannot write %s: %s\n", tmp, strerror(errno));
        return false;
    }
    errno = 0;
    write_report(report);
    const bool failed = fflush(report->file) != 0 || ferror(report->file);
    const int reason = errno;
    if ((fclose(report->file) != 0) | failed || rename(tmp, path) != 0) {
        fprintf(stderr, "faultline: cannot write %s: %s\n", path,
                strerror(failed && reason ? reason : errno));
        unlink(tmp);
        return false;
    }
    return true;
}

static cJSON *load_summary(struct fl_trace *trace)
{
    char *text = fl_trace_attribute(trace, "/", "summary_json");
    cJSON *summary = text ? cJSON_Parse(text) : NULL;
    free(text);
    return summary;
}

int fl_report_write(const char *directory)
{
    char error[PATH_BYTES];
    struct fl_trace *trace = fl_trace_open(directory, error, sizeof error);
    if (!trace) {
        fprintf(stderr, "faultline: %s\n", error);
        return FAILED;
    }
    struct report report = {.trace = trace};
    report.run = fl_outline_new(trace);
    report.history = report.run ? fl_history_new(trace) : NULL;
    report.summary = report.history ? load_summary(trace) : NULL;
    bool ok = false;
    if (report.run && report.history && report.summary) {
        ok = save(&report, directory);
    } else {
        fprintf(stderr, "faultline: %s\n", fl_trace_error(trace));
    }
    cJSON_Delete(report.summary);
    if (report.history) {
        fl_history_free(report.history);
    }
    if (report.run) {
        fl_outline_free(report.run);
    }
    fl_trace_close(trace);
    return ok ? 0 : FAILED;
}
