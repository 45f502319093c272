/* The sentence that the cost figure proves, computed from what it shows. */
#include "analysis/cost_figure.h"
#include "analysis/wording.h"

#include <math.h>
#include <string.h>

/* One unit for all three numbers: that of the largest. */
static double unit_of(struct fl_estimate e, const char **name)
{
    const double most = fmax(fabs(e.value), isfinite(e.high) ? fabs(e.high) : 0);
    *name = most < 999.5 ? "" : most < 999.5e3 ? " k" : most < 999.5e6 ? " M" : " B";
    return most < 999.5 ? 1 : most < 999.5e3 ? 1e3 : most < 999.5e6 ? 1e6 : 1e9;
}

void fl_estimate_money(struct fl_estimate estimate, char out[FL_COST_TEXT])
{
    const char *name;
    const double unit = unit_of(estimate, &name);
    const double value = estimate.value / unit;
    const int decimals = unit > 1 ? 2 : 0;
    char interval[FL_WORDING] = "";
    if (isfinite(estimate.low) && isfinite(estimate.high)) {
        fl_say(interval, sizeof interval, " [%.*f, %.*f]", decimals, estimate.low / unit, decimals,
               estimate.high / unit);
    }
    fl_say(out, FL_COST_TEXT, "%s$%.*f%s%s", value < 0 ? "-" : "", decimals, fabs(value), name,
           interval);
}

static void say_usd(double usd, char out[FL_WORDING])
{
    fl_money_short((int64_t)llround(usd * 1e6), out);
}

/* "56 minutes [55, 57]"; ends that no seed bounds are left out. */
static void say_survival(const struct fl_cost_sweep *sweep, const struct fl_cost_arm *arm,
                         char out[FL_COST_TEXT])
{
    const struct fl_estimate e = arm->survives;
    const double longest = sweep->minutes[sweep->points - 1];
    if (!isfinite(e.value)) {
        fl_say(out, FL_COST_TEXT, "all %.0f minutes", longest);
    } else if (isfinite(e.low) && isfinite(e.high)) {
        fl_say(out, FL_COST_TEXT, "%.0f minutes [%.0f, %.0f]", e.value, e.low, e.high);
    } else if (isfinite(e.low)) {
        fl_say(out, FL_COST_TEXT, "%.0f minutes [%.0f, more than %.0f]", e.value, e.low, longest);
    } else {
        fl_say(out, FL_COST_TEXT, "%.0f minutes", e.value);
    }
}

static void say_title(struct fl_cost *cost)
{
    const struct fl_cost_sweep *sweep = &cost->sweep;
    const struct fl_cost_arm *arm = &sweep->arm[0];
    char money[FL_COST_TEXT], without[FL_WORDING], survives[FL_COST_TEXT];
    fl_estimate_money(arm->headline, money);
    say_usd(arm->without, without);
    say_survival(sweep, arm, survives);
    fl_say(cost->title[0], FL_COST_TEXT,
           "Same market, traders and latencies: %.0f minutes of stale prices cost %s,",
           sweep->minutes[sweep->headline], money);
    fl_say(cost->title[1], FL_COST_TEXT, "no fault %s; the insurance fund survives %s.", without,
           survives);
}

/* What the second curve changes, and what that costs when nothing fails. */
static void say_mitigation(const struct fl_cost_sweep *sweep, char *out, size_t bytes)
{
    const struct fl_cost_arm *arm = &sweep->arm[1];
    char money[FL_COST_TEXT], survives[FL_COST_TEXT], extra[FL_COST_TEXT];
    fl_estimate_money(arm->headline, money);
    say_survival(sweep, arm, survives);
    fl_estimate_money(sweep->extra, extra);
    fl_say(out, bytes,
           "With %s %s in place of %s: %s, and the fund survives %s; without a fault it "
           "liquidates %s more.",
           sweep->axis, arm->value, sweep->arm[0].value, money, survives, extra);
}

static void say_subtitle(struct fl_cost *cost)
{
    const struct fl_cost_sweep *sweep = &cost->sweep;
    const struct fl_outline *run = cost->run[0].outline;
    fl_say(cost->subtitle, sizeof cost->subtitle,
           "a to c: %s and its neighbours, seed %s; d: sweep %s, %zu paired seeds; 95 %% intervals",
           run->name, run->seed, sweep->name, sweep->seeds);
}

void fl_cost_say(struct fl_cost *cost)
{
    say_title(cost);
    say_subtitle(cost);
    cost->note[0] = '\0';
    if (cost->sweep.arms == 2) {
        say_mitigation(&cost->sweep, cost->note, sizeof cost->note);
    }
}
