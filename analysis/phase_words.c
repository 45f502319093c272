/* The sentence that a phase diagram proves, computed from what it shows. */
#include "analysis/phase_figure.h"
#include "analysis/wording.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A span of time in the unit that suits `like`: a few minutes are still seconds. */
struct span_unit {
    double seconds;
    const char *name, *brief;
};
static struct span_unit unit_for(double like)
{
    static const struct span_unit unit[] = {{1e-3, "milliseconds", "ms"},
                                            {1, "seconds", "s"},
                                            {60, "minutes", "min"},
                                            {3600, "hours", "h"}};
    return unit[like < 1 ? 0 : like < 300 ? 1 : like < 7200 ? 2 : 3];
}

void fl_phase_value(const struct fl_phase_axis *axis, double value, char out[FL_PHASE_TEXT])
{
    const struct span_unit unit = unit_for(value);
    if (axis->time) {
        fl_say(out, FL_PHASE_TEXT, "%.3g %s", value / unit.seconds, unit.brief);
    } else {
        fl_say(out, FL_PHASE_TEXT, "%.6g", value);
    }
}

/* "105 seconds [80, 180]"; no brackets around what no seed bounds. */
static void say_estimate(const struct fl_phase_axis *axis, struct fl_estimate e,
                         char out[FL_PHASE_TEXT])
{
    const struct span_unit unit = unit_for(e.value);
    const double scale = axis->time ? unit.seconds : 1;
    char interval[FL_PHASE_TEXT] = "";
    if (isfinite(e.low) && isfinite(e.high)) {
        fl_say(interval, sizeof interval, " [%.3g, %.3g]", e.low / scale, e.high / scale);
    }
    fl_say(out, FL_PHASE_TEXT, "%.4g%s%s%.200s", e.value / scale, axis->time ? " " : "",
           axis->time ? unit.name : "", interval);
}

/* For which y half of the runs of a column end so: "from 2.5 minutes [2, 3.3] of oracle staleness"; `again`: said
 * before what that is of. */
static void say_onset(const struct fl_phase *phase, size_t column, bool again,
                      char out[FL_PHASE_TEXT])
{
    const struct fl_estimate onset = phase->onset[column];
    const double first = phase->y.value[0], last = phase->y.value[phase->y.count - 1];
    const char *of_it = phase->y.amount ? "" : "value of ";
    char value[FL_PHASE_TEXT];
    if (isnan(onset.value)) {
        fl_say(out, FL_PHASE_TEXT, "(too many runs failed to say where)");
    } else if (isinf(onset.value)) {
        fl_say(out, FL_PHASE_TEXT, "at no %s%.200s", of_it, phase->y.label);
    } else if (phase->down ? onset.value >= last : onset.value <= first) {
        fl_say(out, FL_PHASE_TEXT, "at any %s%.200s", of_it, phase->y.label);
    } else {
        const char *way = phase->down ? "up to" : "from";
        say_estimate(&phase->y, onset, value);
        if (again) {
            fl_say(out, FL_PHASE_TEXT, "%s %.200s", way, value);
        } else if (phase->y.amount) {
            fl_say(out, FL_PHASE_TEXT, "%s %.200s of %.200s", way, value, phase->y.label);
        } else {
            fl_say(out, FL_PHASE_TEXT, "%s %.200s = %.200s", way, phase->y.label, value);
        }
    }
}

static void say_mean(const struct fl_phase *phase, double mean, char out[FL_WORDING])
{
    if (phase->unit[0] == '$') {
        fl_money_short((int64_t)llround(mean * phase->scale * 1e6), out);
    } else {
        fl_say(out, FL_WORDING, "%.4g%s%.40s", mean, phase->unit[0] ? " " : "", phase->unit);
    }
}

/* What the first column beyond n/3 has at the y where the fewest runs end so. */
static void say_beyond(const struct fl_phase *phase, const struct fl_phase_cut *cut, char *out,
                       size_t bytes)
{
    const size_t y = phase->down ? phase->y.count - 1 : 0;
    const struct fl_phase_cell *cell = &phase->cell[cut->index * phase->y.count + y];
    char value[FL_PHASE_TEXT], share[FL_WORDING] = "all", mean[FL_WORDING];
    fl_phase_value(&phase->y, phase->y.value[y], value);
    if (cell->runs == 0) {
        fl_say(out, bytes, "at %.100s of %zu, beyond n/3, no run ended well at %.200s.", cut->label,
               phase->members, value);
        return;
    }
    if (cell->hits == 0) {
        fl_say(out, bytes, "at %.100s of %zu, beyond n/3, none of them does at %.200s.", cut->label,
               phase->members, value);
        return;
    }
    if (cell->hits < cell->runs) {
        fl_percent((double)cell->hits / (double)cell->runs, share);
    }
    say_mean(phase, cell->mean.value, mean);
    fl_say(out, bytes,
           "at %.100s of %zu, beyond n/3, %s of them do at %.200s already: %s on average.",
           cut->label, phase->members, share, value, mean);
}

static void say_extreme(const struct fl_phase *phase, size_t at, const char *word,
                        char out[FL_PHASE_TEXT])
{
    const size_t rows = phase->y.count;
    char mean[FL_WORDING], x[FL_PHASE_TEXT], y[FL_PHASE_TEXT];
    say_mean(phase, phase->cell[at].mean.value, mean);
    fl_phase_value(&phase->x, phase->x.value[at / rows], x);
    fl_phase_value(&phase->y, phase->y.value[at % rows], y);
    fl_say(out, FL_PHASE_TEXT, "%s %s at %s%.100s and %.100s", mean, word,
           phase->members > 0 ? "f = " : "", x, y);
}

/* Of a metric that is above 0 everywhere, or nowhere. */
static void say_range(struct fl_phase *phase)
{
    const struct fl_phase_cell *cell = phase->cell;
    char least[FL_PHASE_TEXT], most[FL_PHASE_TEXT];
    size_t low = 0, high = 0;
    for (size_t i = 1; i < phase->x.count * phase->y.count; i++) {
        low = cell[i].mean.value < cell[low].mean.value ? i : low;
        high = cell[i].mean.value > cell[high].mean.value ? i : high;
    }
    say_extreme(phase, low, "at least,", least);
    say_extreme(phase, high, "at most,", most);
    fl_say(phase->title[0], FL_PHASE_TEXT, "Mean %.100s is %.200s;", phase->metric, least);
    fl_say(phase->title[1], FL_PHASE_TEXT, "%.250s.", most);
}

static void say_title(struct fl_phase *phase)
{
    if (!phase->bordered) {
        say_range(phase);
        return;
    }
    char onset[FL_PHASE_CUTS][FL_PHASE_TEXT];
    const struct fl_estimate first = phase->onset[phase->column[0].index];
    for (size_t c = 0; c < phase->columns; c++) {
        say_onset(phase, phase->column[c].index, c > 0 && isfinite(first.value), onset[c]);
    }
    const size_t last = phase->columns - 1;
    const double faulty = phase->x.value[phase->column[last].index];
    if (phase->members > 0 && last > 0 && 3 * faulty >= (double)phase->members) {
        char tolerated[FL_PHASE_TEXT] = "";
        if (last > 1) {
            fl_say(tolerated, sizeof tolerated, ", at %.50s %.150s", phase->column[1].label,
                   onset[1]);
        }
        fl_say(phase->title[0], FL_PHASE_TEXT,
               "At %.50s half of the runs end with %.100s %.150s%.200s;", phase->column[0].label,
               phase->metric, onset[0], tolerated);
        say_beyond(phase, &phase->column[last], phase->title[1], FL_PHASE_TEXT);
        return;
    }
    fl_say(phase->title[0], FL_PHASE_TEXT, "Half of the runs end with %.100s %.200s", phase->metric,
           onset[0]);
    fl_say(phase->title[1], FL_PHASE_TEXT, "at %.150s = %.50s, and %.200s at %.50s.",
           phase->x.label, phase->column[0].label, onset[last], phase->column[last].label);
}

static void say_subtitle(struct fl_phase *phase)
{
    char runs[FL_WORDING], members[FL_WORDING] = "", failed[2 * FL_WORDING] = "";
    fl_thousands((int64_t)phase->runs, runs);
    if (phase->members > 0) {
        fl_say(members, sizeof members, " with n = %zu", phase->members);
    }
    if (phase->missing > 0) {
        char count[FL_WORDING];
        fl_thousands((int64_t)phase->missing, count);
        fl_say(failed, sizeof failed, ", of which %s did not end well", count);
    }
    const size_t cells = phase->x.count * phase->y.count;
    fl_say(phase->subtitle, FL_PHASE_TEXT,
           "sweep %.100s, seed %.20s: %s runs of scenario %.100s%s%s, %zu × %zu cells, %s %zu "
           "seeds in each; intervals at 95 %%",
           phase->name, phase->seed, runs, phase->scenario, members, failed, phase->x.count,
           phase->y.count, phase->runs == cells * phase->seeds ? "the same" : "the first of",
           phase->seeds);
}

void fl_phase_say(struct fl_phase *phase)
{
    say_title(phase);
    say_subtitle(phase);
}
