/* Units of an archive, and how numbers in them are written. */
#include "analysis/quantity.h"

#include "sim/alloc.h"

#include <math.h>
#include <string.h>

/* The units of sim/unit_text.h, as they are stored and as people write them. */
static const struct {
    const char *stored, *shown;
    double scale;
} units[] = {{"1", "", 1},
             {"1e-6 USD", "USD", 1e-6},
             {"ns", "s", 1e-9},
             {"1e-6", "fraction", 1e-6},
             {"1e-6 base units", "base units", 1e-6},
             {"id", "id", 1},
             {"0 or 1", "0 or 1", 1}};

bool fl_quantity_unit(const char *stored_unit, const char **unit, double *scale)
{
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        if (strcmp(units[u].stored, stored_unit) == 0) {
            *unit = units[u].shown;
            *scale = units[u].scale;
            return true;
        }
    }
    return false;
}

bool fl_quantity_values(const int64_t *stored, size_t count, const char *stored_unit,
                        double **values, const char **unit)
{
    double scale;
    if (!fl_quantity_unit(stored_unit, unit, &scale)) {
        return false;
    }
    *values = fl_alloc(count, sizeof **values);
    for (size_t i = 0; i < count; i++) {
        (*values)[i] = stored[i] == INT64_MIN ? NAN : (double)stored[i] * scale;
    }
    return true;
}

/* --- words ----------------------------------------------------------------------------------------- */

static bool is_money(const char *unit)
{
    return strcmp(unit, "USD") == 0;
}

/* One for money of this size. */
static double money_unit(double usd, const char **name, const char **axis)
{
    static const struct {
        double usd;
        const char *name, *axis;
    } size[] = {{1e9, " B", "$ billion"},
                {1e6, " M", "$ million"},
                {1e3, " k", "$ thousand"},
                {1, "", "$"}};
    size_t i = 0;
    while (i < 3 && !(usd >= 0.9995 * size[i].usd)) {
        i++;
    }
    *name = size[i].name;
    *axis = size[i].axis;
    return size[i].usd;
}

void fl_quantity_text(double value, const char *unit, char out[FL_WORDING])
{
    char text[FL_QUANTITY_TEXT];
    fl_quantity_estimate((struct fl_estimate){value, NAN, NAN}, unit, text);
    fl_say(out, FL_WORDING, "%s", text);
}

static bool has_cents(double usd)
{
    return isfinite(usd) && usd != floor(usd);
}

/* Three digits that matter of an amount in units of one; of dollars cents below 10, if there are any. */
static int decimals_of(struct fl_estimate e, double one)
{
    const double shown = fabs(e.value) / one;
    if (one <= 1) {
        const bool cents = has_cents(e.value) || has_cents(e.low) || has_cents(e.high);
        return cents && shown > 0 && shown < 9.995 ? 2 : 0;
    }
    return shown >= 99.95 ? 0 : shown >= 9.995 ? 1 : 2;
}

void fl_quantity_estimate(struct fl_estimate e, const char *unit, char out[FL_QUANTITY_TEXT])
{
    const char *name = "", *axis;
    const bool money = is_money(unit), ends = isfinite(e.low) && isfinite(e.high);
    const double one = money ? money_unit(fabs(e.value), &name, &axis) : 1;
    char number[3][FL_WORDING], interval[2 * FL_WORDING + 8] = "";
    const double value[3] = {money ? fabs(e.value) : e.value, e.low, e.high};
    if (!isfinite(e.value)) {
        fl_say(out, FL_QUANTITY_TEXT, "no end");
        return;
    }
    const int decimals = decimals_of(e, one);
    for (int i = 0; i < 3; i++) {
        if (money) {
            const double shown = value[i] / one;
            /* no "-0" */
            const double nothing = decimals == 0 ? 0.5 : 0.005;
            fl_say(number[i], FL_WORDING, "%.*f", decimals, fabs(shown) < nothing ? 0 : shown);
        } else {
            fl_say(number[i], FL_WORDING, "%.4g", value[i]);
        }
    }
    if (ends) {
        fl_say(interval, sizeof interval, " [%s, %s]", number[1], number[2]);
    }
    fl_say(out, FL_QUANTITY_TEXT, "%s%s%s%s%s%s%s", money && e.value < 0 ? "-" : "",
           money ? "$" : "", number[0], name, money || !*unit ? "" : " ", money ? "" : unit,
           interval);
}

double fl_quantity_axis(double most, const char *unit, char out[FL_WORDING])
{
    const char *name, *axis;
    if (!is_money(unit)) {
        fl_say(out, FL_WORDING, "%s", unit);
        return 1;
    }
    const double one = money_unit(most, &name, &axis);
    fl_say(out, FL_WORDING, "%s", axis);
    return one;
}

void fl_quantity_name(const char *metric, char out[FL_WORDING])
{
    const char *dot = strrchr(metric, '.');
    fl_say(out, FL_WORDING, "%s", dot ? dot + 1 : metric);
    for (char *c = out; *c; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
}
