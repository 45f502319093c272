/* The waterfall of losses in words: sums from the summary, single deficits from records. */
#include "analysis/waterfall.h"

#include "analysis/wording.h"
#include "sim/alloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MICRO = 1000000, DIGITS = 6, STAGES = 6, CHAIN_LINKS = 12 };

int64_t fl_bearers_sum(const struct fl_bearers *bearers)
{
    return bearers->fund + bearers->counterparties + bearers->traders + bearers->nobody;
}

/* --- single deficits ------------------------------------------------------------------------------- */

static int64_t value_of(struct fl_history *history, uint32_t id, const char *column)
{
    int64_t value = 0;
    fl_history_value(history, id, column, &value);
    return value;
}

static bool is_kind(const struct fl_history *history, uint32_t id, const char *kind)
{
    return strcmp(fl_history_kind(history, id), kind) == 0;
}

static int by_size(const void *a, const void *b)
{
    const struct fl_deficit *left = a, *right = b;
    const int64_t one = fl_bearers_sum(&left->by), other = fl_bearers_sum(&right->by);
    if (one != other) {
        return one > other ? -1 : 1;
    }
    return left->id < right->id ? -1 : left->id > right->id;
}

struct fl_deficit *fl_deficits_new(struct fl_history *history, size_t *count)
{
    size_t room = 64;
    struct fl_deficit *all = fl_alloc(room, sizeof *all);
    *count = 0;
    for (uint32_t id = 1; id <= fl_history_count(history); id++) {
        if (!is_kind(history, id, "deficit")) {
            continue;
        }
        if (*count == room) {
            room *= 2;
            all = fl_realloc(all, room, sizeof *all);
        }
        all[(*count)++] = (struct fl_deficit){
            .id = id,
            .account = value_of(history, id, "account"),
            .number = value_of(history, id, "number"),
            .by = {.fund = value_of(history, id, "fund_paid"),
                   .counterparties = value_of(history, id, "adl"),
                   .traders = value_of(history, id, "socialised"),
                   .nobody = value_of(history, id, "outstanding")},
        };
    }
    qsort(all, *count, sizeof *all, by_size);
    return all;
}

/* --- sums -------------------------------------------------------------------------------------------- */

/* "-12.345678" to -12345678; the summary writes six digits. */
static int64_t micro_of(const char *text)
{
    const bool negative = *text == '-';
    int64_t value = 0;
    int digits = -1; /* after the point; -1: before it */
    for (text += negative; *text != '\0'; text++) {
        if (*text == '.') {
            digits = 0;
            continue;
        }
        value = 10 * value + (*text - '0');
        digits += digits >= 0;
    }
    FL_ASSERT(digits == DIGITS);
    return negative ? -value : value;
}

/* 0 if there is none. */
static int64_t final_of(const cJSON *summary, const char *name)
{
    const cJSON *ledger = cJSON_GetObjectItemCaseSensitive(summary, "ledger");
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(ledger, name);
    return cJSON_IsString(item) ? micro_of(item->valuestring) : 0;
}

static bool knows(const cJSON *summary, const char *name)
{
    const cJSON *ledger = cJSON_GetObjectItemCaseSensitive(summary, "ledger");
    return cJSON_IsString(cJSON_GetObjectItemCaseSensitive(ledger, name));
}

static void expect_records_agree(const struct fl_bearers *sums, const struct fl_deficit *all,
                                 size_t count)
{
    struct fl_bearers said = {0};
    for (size_t i = 0; i < count; i++) {
        said.fund += all[i].by.fund;
        said.counterparties += all[i].by.counterparties;
        said.traders += all[i].by.traders;
        said.nobody += all[i].by.nobody;
    }
    FL_ASSERT(said.fund == sums->fund);
    FL_ASSERT(said.counterparties == sums->counterparties);
    FL_ASSERT(said.traders == sums->traders);
    FL_ASSERT(said.nobody == sums->nobody);
}

static void write_row(FILE *file, const char *who, int64_t dollars, int64_t total, const char *mark)
{
    char money[FL_WORDING], percent[FL_WORDING] = "";
    fl_money_exact(dollars, money);
    if (total > 0) {
        fl_percent((double)dollars / (double)total, percent);
    }
    fprintf(file, "| %s%s%s | %s%s%s | %s |\n", mark, who, mark, mark, money, mark, percent);
}

/* Their own collateral goes first; only then there is a deficit for others to bear. */
static void write_rows(FILE *file, const struct fl_bearers *by, int64_t collateral, bool judged)
{
    const int64_t deficit = fl_bearers_sum(by), total = deficit + collateral;
    char money[FL_WORDING];
    fputs("| who bore the loss | dollars | share |\n|---|---:|---:|\n", file);
    if (judged) {
        write_row(file, "the liquidated accounts, with their collateral", collateral, total, "");
    }
    write_row(file, "the insurance fund", by->fund, total, "");
    write_row(file, "deleveraged counterparties", by->counterparties, total, "");
    write_row(file, "all traders with a position (socialised)", by->traders, total, "");
    write_row(file, "nobody yet (outstanding)", by->nobody, total, "");
    write_row(file, "all together", total, total, "**");
    if (!judged) {
        fputs("\nThat is the deficit: what the liquidated accounts could not bear themselves.\n\n",
              file);
        return;
    }
    fl_money_exact(deficit, money);
    fprintf(file,
            "\nThe deficit is what the liquidated accounts could not bear themselves, the lines "
            "below theirs: %s.\n\n",
            money);
}

static void write_latent(FILE *file, const cJSON *summary)
{
    char money[FL_WORDING];
    if (!knows(summary, "latent_bad_debt")) {
        return;
    }
    const int64_t latent = final_of(summary, "latent_bad_debt");
    fl_money_exact(latent, money);
    if (latent > 0) {
        fprintf(
            file,
            "Not in it is %s of latent bad debt: what accounts still open at the end owe beyond "
            "what they have, at the fundamental price.\n\n",
            money);
    } else {
        fputs("No bad debt is latent: at the end no open account owes more than it has, at the "
              "fundamental price.\n\n",
              file);
    }
}

struct fl_bearers fl_bearers_of(const cJSON *summary)
{
    const struct fl_bearers by = {.fund = final_of(summary, "fund_paid"),
                                  .counterparties = final_of(summary, "adl"),
                                  .traders = final_of(summary, "socialised"),
                                  .nobody = final_of(summary, "outstanding")};
    FL_ASSERT(fl_bearers_sum(&by) == final_of(summary, "deficit"));
    return by;
}

void fl_waterfall_write(const cJSON *summary, bool judged, const struct fl_deficit *all,
                        size_t count, FILE *file)
{
    if (!knows(summary, "deficit")) {
        return;
    }
    const struct fl_bearers by = fl_bearers_of(summary);
    if (all) {
        expect_records_agree(&by, all, count);
    }
    const int64_t collateral = judged ? final_of(summary, "collateral_lost") : 0;
    fputs("## Who bore the loss\n\n", file);
    if (collateral == 0 && fl_bearers_sum(&by) == 0) {
        fputs(judged ? "There was none: no account was liquidated at a loss.\n\n"
                     : "No liquidation left a deficit.\n\n",
              file);
    } else {
        write_rows(file, &by, collateral, judged);
    }
    if (judged) {
        write_latent(file, summary);
    }
}

/* --- the stages of one liquidation ---------------------------------------------------------------- */

static void write_line(struct fl_history *history, uint32_t id, const char *gap, FILE *file)
{
    char clock[FL_WORDING], story[FL_STORY_TEXT];
    fl_clock(fl_history_time(history, id), clock);
    fl_history_story(history, id, story);
    fprintf(file, "%14s%s%s\n", clock, gap, story);
}

/* The record's own clause has a place for each bearer; here stand those who bear anything. */
static void write_end(struct fl_history *history, const struct fl_deficit *deficit, FILE *file)
{
    const struct {
        const char *words;
        int64_t dollars;
    } parts[] = {{"the fund pays %s", deficit->by.fund},
                 {"deleveraged counterparties give up %s", deficit->by.counterparties},
                 {"%s is socialised", deficit->by.traders},
                 {"%s stays outstanding", deficit->by.nobody}};
    char clock[FL_WORDING], money[FL_WORDING];
    fl_clock(fl_history_time(history, deficit->id), clock);
    fl_money_full(fl_bearers_sum(&deficit->by), money);
    fprintf(file, "%14s    account %" PRId64 " is short of %s", clock, deficit->account, money);
    const char *before = ": ";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].dollars == 0) {
            continue;
        }
        char clause[2 * FL_WORDING];
        fl_money_full(parts[i].dollars, money);
        fl_say(clause, sizeof clause, parts[i].words, money);
        fprintf(file, "%s%s", before, clause);
        before = ", ";
    }
    fputc('\n', file);
}

static bool is_stage(struct fl_history *history, uint32_t id, const char *kind,
                     const struct fl_deficit *of)
{
    return is_kind(history, id, kind) && value_of(history, id, "account") == of->account &&
           value_of(history, id, "number") == of->number;
}

/* One transaction makes them all, so that they have neighbouring ids; a keeper that chooses the
 * counterparties makes them later, at the latest with the deficit. */
uint32_t fl_first_stage(struct fl_history *history, const struct fl_deficit *of)
{
    for (uint32_t id = of->id; id > 0; id--) {
        if (is_stage(history, id, "liquidation", of)) {
            return id;
        }
    }
    return of->id;
}

void fl_stages_write(struct fl_history *history, const struct fl_deficit *deficit, FILE *file)
{
    const uint32_t first = fl_first_stage(history, deficit);
    uint32_t shown = 0, left_out = 0;
    int64_t given_up = 0;
    for (uint32_t id = first; id < deficit->id; id++) {
        const bool takes_over = is_stage(history, id, "deleveraged", deficit);
        if (takes_over && shown == STAGES) {
            left_out++;
            given_up += value_of(history, id, "given_up");
        } else if (takes_over || id == first) {
            shown += takes_over;
            write_line(history, id, "    ", file);
        }
    }
    if (left_out > 0) {
        char money[FL_WORDING];
        fl_money_full(given_up, money);
        fprintf(file, "%14s    %" PRIu32 " more take over the rest, %s worse than the mark\n",
                "...", left_out, money);
    }
    write_end(history, deficit, file);
}

/* --- what led to it --------------------------------------------------------------------------------- */

void fl_deficit_write(struct fl_history *history, const struct fl_deficit *deficit, FILE *file)
{
    const uint32_t first = fl_first_stage(history, deficit);
    size_t count, causes = 0;
    uint32_t *chain = fl_chain_new(history, deficit->id, &count);
    while (causes < count && chain[causes] != first) {
        causes++;
    }
    const size_t head = CHAIN_LINKS / 2, tail = CHAIN_LINKS - head - 1;
    for (size_t i = 0; i < causes; i++) {
        if (causes > CHAIN_LINKS && i == head) {
            fprintf(file, "%14s  (%zu links in between)\n", "...", causes - head - tail);
            i = causes - tail;
        }
        write_line(history, chain[i], "  ", file);
    }
    fl_stages_write(history, deficit, file);
    free(chain);
}
