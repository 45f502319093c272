/* One sentence for what a run showed, computed from its numbers. */
#include "analysis/headline.h"

#include "analysis/wording.h"

#include <math.h>
#include <string.h>

/* Below this a price did not move as far as a title is concerned. */
static const double MOVE_WORTH_A_WORD = 0.01;

/* How a fault model reads as a state of its victims; others are quoted by name. */
static const char *state_of(const char *model)
{
    static const char *const words[][2] = {
        {"crash", "down"},
        {"stuck", "stuck"},
        {"stale", "stale"},
        {"mute", "silent"},
        {"silent", "silent"},
        {"slow", "slow"},
        {"delay", "delayed"},
        {"equivocate", "equivocating"},
        {"equivocator", "equivocating"},
        {"lie", "lying"},
        {"liar", "lying"},
        {"withhold", "withholding"},
        {"censor", "censoring"},
        {"partition", "cut off"},
        {"offset", "offset"},
        {"drift", "drifting"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i][0], model) == 0) {
            return words[i][1];
        }
    }
    return NULL;
}

/* "sequencer", "all 5 reporters", "3 of 5 reporters". */
static void victims(const struct fl_headline_fault *fault, char *out, size_t bytes)
{
    char many[FL_WORDING];
    fl_plural(fault->group, many, sizeof many);
    if (fault->size == 1) {
        fl_say(out, bytes, "%s", fault->group);
    } else if (fault->struck == fault->size) {
        fl_say(out, bytes, "all %u %s", fault->size, many);
    } else {
        fl_say(out, bytes, "%u of %u %s", fault->struck, fault->size, many);
    }
}

static const char *turn_of(const struct fl_headline_fault *fault)
{
    return fault->in_turn && fault->struck > 1 ? " in turn" : "";
}

void fl_fault_label(const struct fl_headline_fault *fault, char out[FL_FAULT_TEXT])
{
    char who[2 * FL_WORDING];
    victims(fault, who, sizeof who);
    const char *state = state_of(fault->model);
    const char *turn = turn_of(fault);
    if (state) {
        fl_say(out, FL_FAULT_TEXT, "%s %s%s", who, state, turn);
    } else {
        fl_say(out, FL_FAULT_TEXT, "%s: %s%s", fault->model, who, turn);
    }
}

/* What followed the duration: "of stuck reporters", "without the sequencer", "with 3 of 5 reporters
 * stuck". */
static void circumstance(const struct fl_headline_fault *fault, char *out, size_t bytes)
{
    char who[2 * FL_WORDING], many[FL_WORDING];
    victims(fault, who, sizeof who);
    fl_plural(fault->group, many, sizeof many);
    const char *state = state_of(fault->model);
    const bool is_crash = strcmp(fault->model, "crash") == 0;
    const bool all = fault->struck == fault->size;
    if (!state) {
        fl_say(out, bytes, "with %s under %s%s", who, fault->model, turn_of(fault));
    } else if (fault->in_turn && fault->struck > 1) {
        fl_say(out, bytes, "with %s %s in turn", who, state);
    } else if (all && is_crash && fault->size == 1) {
        fl_say(out, bytes, "without the %s", fault->group);
    } else if (all && is_crash) {
        fl_say(out, bytes, "without %s", many);
    } else if (all && fault->size == 1) {
        fl_say(out, bytes, "of a %s %s", state, fault->group);
    } else if (all && !strchr(state, ' ')) {
        fl_say(out, bytes, "of %s %s", state, many);
    } else {
        fl_say(out, bytes, "with %s %s", who, state);
    }
}

/* Total time in which at least one fault was at work. */
static fl_time union_of(const struct fl_headline *facts)
{
    fl_time total = 0, reached = INT64_MIN;
    for (uint32_t done = 0; done < facts->fault_count; done++) {
        /* The window that starts next; there are few, so a sort is not worth it. */
        const struct fl_headline_fault *next = NULL;
        for (uint32_t i = 0; i < facts->fault_count; i++) {
            const struct fl_headline_fault *fault = &facts->fault[i];
            if (fault->to > reached && (!next || fault->from < next->from)) {
                next = fault;
            }
        }
        if (!next) {
            break;
        }
        total += next->to - (next->from > reached ? next->from : reached);
        reached = next->to;
    }
    return total;
}

static fl_time onset(const struct fl_headline *facts)
{
    fl_time first = facts->fault_count > 0 ? facts->fault[0].from : 0;
    for (uint32_t i = 1; i < facts->fault_count; i++) {
        first = facts->fault[i].from < first ? facts->fault[i].from : first;
    }
    return first;
}

/* "a 34 % fall"; empty if there was none to speak of. */
static void move_text(double move, char *out, size_t bytes)
{
    char percent[FL_WORDING];
    out[0] = '\0';
    if (fabs(move) >= MOVE_WORTH_A_WORD) {
        fl_percent(fabs(move), percent);
        /* "an 8 %", "an 11 %", "an 18 %", "an 80 %": by how the number is spoken. */
        const bool vowel = percent[0] == '8' || strncmp(percent, "11 ", 3) == 0 ||
                           strncmp(percent, "18 ", 3) == 0;
        fl_say(out, bytes, "%s %s %s", vowel ? "an" : "a", percent, move < 0 ? "fall" : "rise");
    }
}

static void subject(const struct fl_headline *facts, char *out, size_t bytes)
{
    char span[FL_WORDING], what[FL_FAULT_TEXT];
    fl_duration(union_of(facts), span);
    if (facts->fault_count == 1) {
        circumstance(&facts->fault[0], what, sizeof what);
        fl_say(out, bytes, "%s %s", span, what);
    } else {
        fl_say(out, bytes, "%u faults in %s", facts->fault_count, span);
    }
}

/* A fault is not charged with what was lost before it. */
static void faulty_clause(const struct fl_headline *facts, const char *move, char *out,
                          size_t bytes)
{
    char what[2 * FL_FAULT_TEXT], debt[FL_WORDING];
    const int64_t added = facts->bad_debt - facts->bad_debt_before;
    const char *more = facts->bad_debt_before > 0 ? " more" : "";
    const bool moved = move[0] != '\0';
    subject(facts, what, sizeof what);
    fl_money_short(added, debt);
    if (added > 0 && moved) {
        fl_say(out, bytes, "%s turned %s into %s%s of bad debt", what, move, debt, more);
    } else if (added > 0) {
        fl_say(out, bytes, "%s left %s%s of bad debt", what, debt, more);
    } else {
        fl_say(out, bytes, "%s%s%s left no%s bad debt", what, moved ? " during " : "", move, more);
    }
}

static void faultless_clause(const struct fl_headline *facts, const char *move, char *out,
                             size_t bytes)
{
    char debt[FL_WORDING];
    fl_money_short(facts->bad_debt, debt);
    const bool moved = move[0] != '\0';
    if (facts->bad_debt > 0 && moved) {
        fl_say(out, bytes, "Without any fault, %s left %s of bad debt", move, debt);
    } else if (facts->bad_debt > 0) {
        fl_say(out, bytes, "Without any fault, %s of bad debt were left", debt);
    } else if (moved) {
        fl_say(out, bytes, "No fault: %s left no bad debt", move);
    } else {
        fl_say(out, bytes, "No fault, no bad debt");
    }
}

static void main_clause(const struct fl_headline *facts, char *out, size_t bytes)
{
    char move[FL_WORDING + 16];
    move_text(facts->move, move, sizeof move);
    if (facts->fault_count > 0) {
        faulty_clause(facts, move, out, bytes);
    } else {
        faultless_clause(facts, move, out, bytes);
    }
}

/* ", $2.0 M of it taken from deleveraged counterparties and $1.2 M from all traders"; empty if nobody
 * was deleveraged: that all traders bear it goes without saying. */
static void bearer_clause(const struct fl_headline *facts, char *out, size_t bytes)
{
    char counterparties[FL_WORDING], traders[FL_WORDING];
    const int64_t added = facts->bad_debt - facts->bad_debt_before;
    fl_money_short(facts->deleveraged, counterparties);
    fl_money_short(facts->socialised, traders);
    out[0] = '\0';
    if (facts->deleveraged <= 0) {
        return;
    }
    if (facts->deleveraged == added) {
        fl_say(out, bytes, ", all of it taken from deleveraged counterparties");
    } else if (facts->socialised <= 0) {
        fl_say(out, bytes, ", %s of it taken from deleveraged counterparties", counterparties);
    } else {
        fl_say(out, bytes,
               ", %s of it taken from deleveraged counterparties and %s from all traders",
               counterparties, traders);
    }
}

static void fund_clause(const struct fl_headline *facts, char *out, size_t bytes)
{
    char span[FL_WORDING], left[FL_WORDING], start[FL_WORDING];
    const fl_time begin = onset(facts);
    out[0] = '\0';
    if (!facts->has_fund || facts->fund_start <= 0) {
        fl_say(out, bytes, "%s",
               facts->has_fund && facts->bad_debt > 0 ? "; there was no fund" : "");
    } else if (facts->fund_empty != FL_NEVER && facts->fault_count > 0 &&
               facts->fund_empty < begin) {
        fl_say(out, bytes, "; the fund was already empty");
    } else if (facts->fund_empty != FL_NEVER) {
        fl_duration(facts->fund_empty - begin, span);
        fl_say(out, bytes, "; the fund was empty after %s", span);
    } else if (facts->fund_lowest >= facts->fund_start) {
        fl_say(out, bytes, "; the fund was not touched");
    } else {
        fl_money_short(facts->fund_lowest, left);
        fl_money_short(facts->fund_start, start);
        fl_say(out, bytes, "; the fund kept %s of %s", left, start);
    }
}

void fl_headline_text(const struct fl_headline *facts, char out[FL_HEADLINE_TEXT])
{
    char happened[FL_HEADLINE_TEXT], bearers[FL_HEADLINE_TEXT], fund[2 * FL_WORDING];
    main_clause(facts, happened, sizeof happened);
    bearer_clause(facts, bearers, sizeof bearers);
    fund_clause(facts, fund, sizeof fund);
    fl_say(out, FL_HEADLINE_TEXT, "%s%s%s", happened, bearers, fund);
}
