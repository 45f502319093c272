/* What two runs differ by, in a sentence, and what may have done it. */
#include "analysis/comparison.h"
#include "analysis/place.h"
#include "analysis/wording.h"

#include <math.h>
#include <string.h>

enum { CAUSES = 2, CAUSE_TEXT = 200 };
static const double TITLE_POINTS = 29, TITLE_ROOM = 1950;

/* --- the cause: in what the scenarios differ -------------------------------------------------------- */

static bool same_fault(const struct fl_headline_fault *a, const struct fl_headline_fault *b)
{
    char one[FL_FAULT_TEXT], other[FL_FAULT_TEXT];
    fl_fault_label(a, one);
    fl_fault_label(b, other);
    return strcmp(a->name, b->name) == 0 && strcmp(one, other) == 0 && a->from == b->from &&
           a->to == b->to;
}

static bool has_fault(const struct fl_headline *headline, const struct fl_headline_fault *fault)
{
    for (uint32_t i = 0; i < headline->fault_count; i++) {
        if (same_fault(&headline->fault[i], fault)) {
            return true;
        }
    }
    return false;
}

static void append(char out[CAUSE_TEXT], const char *before, const char *text)
{
    const size_t used = strlen(out);
    fl_say(out + used, CAUSE_TEXT - used, "%s%s", used > 0 ? before : "", text);
}

/* "all 5 reporters stuck and sequencer down"; of several alike "london and madrid (5 of 44 nodes down
 * each)"; "" without a fault. Those that `but` has, too, are left out; NULL: none. */
static void faults_text(const struct fl_headline *headline, const struct fl_headline *but,
                        char out[CAUSE_TEXT])
{
    out[0] = '\0';
    for (uint32_t i = 0; i < headline->fault_count;) {
        char label[FL_FAULT_TEXT], names[CAUSE_TEXT] = "", group[CAUSE_TEXT];
        uint32_t alike = 0, k = i;
        fl_fault_label(&headline->fault[i], label);
        for (; k < headline->fault_count; k++) {
            char other[FL_FAULT_TEXT];
            fl_fault_label(&headline->fault[k], other);
            if (strcmp(label, other) != 0) {
                break;
            }
            if (!but || !has_fault(but, &headline->fault[k])) {
                append(names, " and ", headline->fault[k].name);
                alike++;
            }
        }
        i = k;
        if (alike > 1) {
            fl_say(group, sizeof group, "%.90s (%.90s each)", names, label);
        } else {
            fl_say(group, sizeof group, "%s", label);
        }
        if (alike > 0) {
            append(out, i < headline->fault_count ? ", " : " and ", group);
        }
    }
}

static bool starts(const char *path, const char *part)
{
    return strncmp(path, part, strlen(part)) == 0;
}

static bool ends(const char *path, const char *part)
{
    const size_t length = strlen(path), end = strlen(part);
    return length >= end && strcmp(path + length - end, part) == 0;
}

static bool is_of_faults(const struct fl_difference *difference)
{
    return starts(difference->path, "faults.") || strcmp(difference->path, "faults") == 0;
}

static bool is_of_checks(const struct fl_difference *difference)
{
    return starts(difference->path, "checks");
}

/* A model that took another's place, and the keys that came and went with it, are one thing. */
static bool is_model(const struct fl_difference *difference)
{
    return ends(difference->path, ".model") && cJSON_IsString(difference->value[0]) &&
           cJSON_IsString(difference->value[1]);
}

static bool beside_model(const struct fl_differences *all, const struct fl_difference *difference)
{
    for (size_t i = 0; i < all->count; i++) {
        const size_t length = strlen(all->at[i].path) - (sizeof "model" - 1);
        if (is_model(&all->at[i]) && &all->at[i] != difference &&
            strncmp(all->at[i].path, difference->path, length) == 0) {
            return true;
        }
    }
    return false;
}

struct causes {
    char text[CAUSES + 1][CAUSE_TEXT]; /* the last for those that are not told */
    size_t count;                      /* more than CAUSES: they were not all told */
};

static char *next_cause(struct causes *causes)
{
    const size_t next = causes->count++;
    return causes->text[next < CAUSES ? next : CAUSES];
}

static void add_faults(const struct fl_comparison *comparison, struct causes *causes)
{
    const struct fl_headline *headline[FL_SIDES] = {&comparison->run[0].outline->headline,
                                                    &comparison->run[1].outline->headline};
    char a[CAUSE_TEXT], b[CAUSE_TEXT];
    faults_text(headline[0], headline[1], a);
    faults_text(headline[1], headline[0], b);
    size_t changed = 0;
    const struct fl_difference *change = NULL;
    for (size_t i = 0; i < comparison->inputs.scenario.count; i++) {
        if (is_of_faults(&comparison->inputs.scenario.at[i])) {
            change = &comparison->inputs.scenario.at[i];
            changed++;
        }
    }
    if (changed == 0) {
        return;
    }
    char *text = next_cause(causes);
    if (changed == 1 && strcmp(a, b) == 0) {
        char value[FL_DIFFERENCE_TEXT];
        fl_difference_text(change, value);
        fl_say(text, CAUSE_TEXT, "%.80s %.90s", change->path, value);
    } else if (*a && strcmp(a, b) == 0) {
        fl_say(text, CAUSE_TEXT, "%.150s at another time", b);
    } else if (*a && *b) {
        fl_say(text, CAUSE_TEXT, "%.90s in place of %.90s", b, a);
    } else if (*b) {
        fl_say(text, CAUSE_TEXT,
               headline[0]->fault_count > 0 ? "with %.150s as well" : "%.150s in place of no fault",
               b);
    } else if (*a) {
        fl_say(text, CAUSE_TEXT,
               headline[1]->fault_count > 0 ? "without %.150s" : "no fault in place of %.150s", a);
    } else {
        fl_say(text, CAUSE_TEXT, "faults of other strength");
    }
}

static void add_scenario(const struct fl_differences *all, struct causes *causes)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct fl_difference *difference = &all->at[i];
        if (!fl_difference_matters(difference) || is_of_faults(difference) ||
            is_of_checks(difference) || difference->of_model || beside_model(all, difference)) {
            continue;
        }
        char *text = next_cause(causes), value[FL_DIFFERENCE_TEXT];
        if (is_model(difference)) {
            fl_say(text, CAUSE_TEXT, "%s in place of %s", difference->value[1]->valuestring,
                   difference->value[0]->valuestring);
        } else {
            const char *dot = strrchr(difference->path, '.');
            fl_difference_text(difference, value);
            fl_say(text, CAUSE_TEXT, "%s %.60s", dot ? dot + 1 : difference->path, value);
        }
    }
}

static void say_cause(const struct fl_comparison *comparison, char out[FL_COMPARISON_TEXT])
{
    const struct fl_inputs *inputs = &comparison->inputs;
    struct causes causes = {.count = 0};
    add_faults(comparison, &causes);
    add_scenario(&inputs->scenario, &causes);
    if (!inputs->same_seed) {
        fl_say(next_cause(&causes), CAUSE_TEXT, "seed %.20s in place of %.20s",
               inputs->side[1].seed, inputs->side[0].seed);
    }
    if (!inputs->same_version) {
        fl_say(next_cause(&causes), CAUSE_TEXT, "faultline %.40s in place of %.40s",
               inputs->side[1].version, inputs->side[0].version);
    }
    if (causes.count > CAUSES) {
        fl_say(out, FL_COMPARISON_TEXT, "%zu things differ between their scenarios", causes.count);
    } else {
        fl_say(out, FL_COMPARISON_TEXT, "%s%s%s", causes.count > 0 ? causes.text[0] : "",
               causes.count > 1 ? ", and " : "", causes.count > 1 ? causes.text[1] : "");
    }
}

/* --- the sentence ---------------------------------------------------------------------------------- */

static void say_lost(const struct fl_comparison *comparison, char out[FL_COMPARISON_TEXT])
{
    const int64_t a = comparison->run[0].lost, b = comparison->run[1].lost;
    char one[FL_WORDING], other[FL_WORDING], more[FL_WORDING];
    fl_money_short(a, one);
    fl_money_short(b, other);
    if (a != b && strcmp(one, other) == 0) { /* they differ by less than is shown */
        fl_money_full(a, one);
        fl_money_full(b, other);
    }
    fl_money_short(a > b ? a - b : b - a, more);
    if (a == b) {
        fl_say(out, FL_COMPARISON_TEXT,
               a == 0 ? "Neither A nor B loses anything" : "A and B both lose %s", one);
    } else if (a == 0 || b == 0) {
        fl_say(out, FL_COMPARISON_TEXT, "%s loses %s, %s nothing", a == 0 ? "B" : "A",
               a == 0 ? other : one, a == 0 ? "A" : "B");
    } else {
        fl_say(out, FL_COMPARISON_TEXT, "B loses %s %s than A, %s against %s", more,
               b > a ? "more" : "less", other, one);
    }
}

static void say_result(const struct fl_comparison *comparison, char out[FL_COMPARISON_TEXT])
{
    if (comparison->inputs.determinism == FL_BROKEN_CONTRACT) {
        fl_say(out, FL_COMPARISON_TEXT, "The same inputs gave different results");
    } else if (comparison->inputs.determinism == FL_EQUAL_RESULTS) {
        fl_say(out, FL_COMPARISON_TEXT, "A and B are the same run");
    } else if (comparison->panel[0] != FL_PANEL_SERIES &&
               comparison->run[0].line[FL_DRAWN_DEFICIT] &&
               comparison->run[1].line[FL_DRAWN_DEFICIT]) {
        say_lost(comparison, out);
    } else {
        const struct fl_comparison_run *run = comparison->run;
        const enum fl_comparison_line line =
            comparison->panel[0] == FL_PANEL_SERIES ? FL_DRAWN_SERIES : FL_DRAWN_ORACLE;
        char a[FL_SIDE_TEXT], b[FL_SIDE_TEXT];
        fl_number_short(fl_comparison_value(comparison, 0, line, run[0].outline->samples - 1),
                        false, a);
        fl_number_short(fl_comparison_value(comparison, 1, line, run[1].outline->samples - 1),
                        false, b);
        fl_say(out, FL_COMPARISON_TEXT, "%s ends at %s in B, at %s in A",
               line == FL_DRAWN_SERIES ? comparison->series : "oracle.price", b, a);
    }
}

void fl_title_break(const char *sentence, double points, double room,
                    char lines[2][FL_COMPARISON_TEXT])
{
    fl_say(lines[0], FL_COMPARISON_TEXT, "%s", sentence);
    lines[1][0] = '\0';
    if (fl_text_width(sentence, points, true) <= room) {
        return;
    }
    const char *cut = strstr(sentence, ": ");
    cut = cut ? cut + 1 : strchr(sentence + strlen(sentence) / 2, ' ');
    if (cut) {
        fl_say(lines[1], FL_COMPARISON_TEXT, "%s", cut + 1);
        lines[0][cut - sentence] = '\0';
    }
    /* What is longer than two lines is cut: the rest stands beside the panels. */
    for (int i = 0; i < 2; i++) {
        size_t end = strlen(lines[i]);
        while (end > 4 && fl_text_width(lines[i], points, true) > room) {
            end--;
            while (end > 4 && ((unsigned char)lines[i][end] & 0xc0) == 0x80) {
                end--;
            }
            strcpy(lines[i] + end - 3, "...");
        }
    }
}

static void say_title(struct fl_comparison *comparison)
{
    char sentence[2 * FL_COMPARISON_TEXT + 8], result[FL_COMPARISON_TEXT],
        cause[FL_COMPARISON_TEXT];
    say_result(comparison, result);
    say_cause(comparison, cause);
    fl_say(sentence, sizeof sentence, "%s%s%s", result, *cause ? ": " : "", cause);
    fl_title_break(sentence, TITLE_POINTS, TITLE_ROOM, comparison->title);
}

static void say_legend(struct fl_comparison *comparison, int side)
{
    const struct fl_outline *run = comparison->run[side].outline;
    char faults[CAUSE_TEXT];
    faults_text(&run->headline, NULL, faults);
    fl_say(comparison->legend[side], FL_COMPARISON_TEXT, "%s · seed %s · %s · digest %.8s",
           run->name, run->seed, *faults ? faults : "no fault", run->digest);
}

static void say_note(struct fl_comparison *comparison)
{
    char at[FL_SIDE_TEXT];
    if (comparison->parts == FL_NEVER) {
        fl_say(comparison->note[0], FL_COMPARISON_TEXT, "no series differs");
        return;
    }
    fl_moment(comparison->parts, at);
    fl_say(comparison->note[0], FL_COMPARISON_TEXT, "first difference at %s: %s", at,
           comparison->partings.at[0].series);
    if (comparison->apart != FL_NEVER) {
        fl_moment(comparison->apart, at);
        fl_say(comparison->note[1], FL_COMPARISON_TEXT, "oracle prices differ by 0.5 %% from %s on",
               at);
    }
}

void fl_comparison_say(struct fl_comparison *comparison)
{
    say_title(comparison);
    say_legend(comparison, 0);
    say_legend(comparison, 1);
    say_note(comparison);
}
