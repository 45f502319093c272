/* Where two runs part: the first sample at which each of their series differs. */
#include "analysis/compare.h"
#include "analysis/sheet.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 1024 };

struct clock {
    int64_t *at;
    size_t count;
};

static bool complain(struct fl_trace *trace)
{
    fprintf(stderr, "faultline: %s\n", fl_trace_error(trace));
    return false;
}

/* --- one series ------------------------------------------------------------------------------------ */

/* The first time that both clocks show and at which the values differ. */
static bool first_difference(const struct clock clock[FL_SIDES], int64_t *const value[FL_SIDES],
                             struct fl_parting *out)
{
    for (size_t i = 0, k = 0; i < clock[0].count && k < clock[1].count;) {
        if (clock[0].at[i] != clock[1].at[k]) {
            *(clock[0].at[i] < clock[1].at[k] ? &i : &k) += 1;
            continue;
        }
        if (value[0][i] != value[1][k]) {
            out->at = clock[0].at[i];
            out->value[0] = value[0][i];
            out->value[1] = value[1][k];
            return true;
        }
        i++;
        k++;
    }
    return false;
}

static bool read_series(const struct fl_inputs *inputs, const char *path,
                        const struct clock clock[FL_SIDES], int64_t *value[FL_SIDES])
{
    for (int s = 0; s < FL_SIDES; s++) {
        size_t count;
        value[s] = fl_trace_int64(inputs->side[s].trace, path, &count);
        if (!value[s]) {
            return complain(inputs->side[s].trace);
        }
        if (count != clock[s].count) {
            fprintf(stderr,
                    "faultline: %s/trace.h5: %s has %zu rows, /series/time %zu: the archive is "
                    "damaged, run its scenario again\n",
                    inputs->side[s].directory, path, count, clock[s].count);
            return false;
        }
    }
    return true;
}

/* What a check publishes begins with the name of its model: "liveness.applied". */
static bool is_of_check(const struct fl_inputs *inputs, const char *series)
{
    for (int s = 0; s < FL_SIDES; s++) {
        const cJSON *check,
            *checks = cJSON_GetObjectItemCaseSensitive(inputs->side[s].scenario, "checks");
        cJSON_ArrayForEach(check, checks)
        {
            const char *model =
                cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(check, "model"));
            const size_t length = model ? strlen(model) : 0;
            if (length > 0 && strncmp(series, model, length) == 0 && series[length] == '.') {
                return true;
            }
        }
    }
    return false;
}

static bool compare_series(const struct fl_inputs *inputs, const struct fl_sheet_column *column,
                           const struct clock clock[FL_SIDES], struct fl_partings *out)
{
    char path[PATH_BYTES];
    fl_say(path, sizeof path, "/series/%s", column->name);
    int64_t *value[FL_SIDES] = {NULL, NULL};
    const bool ok = read_series(inputs, path, clock, value);
    struct fl_parting parting = {0};
    if (ok && first_difference(clock, value, &parting)) {
        parting.series = fl_strdup(column->name);
        parting.units = fl_strdup(column->units);
        parting.of_check = is_of_check(inputs, column->name);
        out->at[out->count++] = parting;
    }
    free(value[0]);
    free(value[1]);
    return ok;
}

/* --- all of them ----------------------------------------------------------------------------------- */

/* Of what parts at the same sample, that which others follow from. */
static size_t rank(const char *series)
{
    static const char *const first[] = {
        "market.fundamental", "oracle.price",      "oracle.valid",   "consensus.height",
        "ledger.due",         "ledger.liquidated", "ledger.deficit", "ledger.latent_bad_debt"};
    size_t i = 0;
    while (i < sizeof first / sizeof *first && strcmp(first[i], series) != 0) {
        i++;
    }
    return i;
}

static int by_time(const void *a, const void *b)
{
    const struct fl_parting *one = a, *other = b;
    if (one->of_check != other->of_check) {
        return other->of_check ? -1 : 1;
    }
    if (one->at != other->at) {
        return one->at < other->at ? -1 : 1;
    }
    const size_t r = rank(one->series), q = rank(other->series);
    return r != q ? (r < q ? -1 : 1) : strcmp(one->series, other->series);
}

static bool read_clock(const struct fl_side *side, struct clock *clock)
{
    clock->at = fl_trace_int64(side->trace, "/series/time", &clock->count);
    return clock->at || complain(side->trace);
}

static void survey_clocks(const struct clock clock[FL_SIDES], struct fl_partings *out)
{
    for (size_t i = 0, k = 0; i < clock[0].count && k < clock[1].count;) {
        const int64_t a = clock[0].at[i], b = clock[1].at[k];
        if (a == b) {
            if (out->samples == 1) {
                out->step = a - out->until;
            }
            out->until = a;
            out->samples++;
        }
        i += a <= b;
        k += b <= a;
    }
}

static bool is_series(const struct fl_sheet_column *column)
{
    return !column->is_text && strcmp(column->name, "time") != 0;
}

static bool compare_all(const struct fl_inputs *inputs, struct fl_sheet *const sheet[FL_SIDES],
                        const struct clock clock[FL_SIDES], struct fl_partings *out)
{
    out->at = fl_alloc(sheet[0]->columns, sizeof *out->at);
    for (size_t i = 0; i < sheet[0]->columns; i++) {
        const struct fl_sheet_column *column = &sheet[0]->column[i];
        const bool both = fl_sheet_find(sheet[1], column->name) != NULL;
        if (!is_series(column)) {
            continue;
        }
        out->shared += both;
        out->alone[0] += !both;
        if (both && !compare_series(inputs, column, clock, out)) {
            return false;
        }
    }
    for (size_t i = 0; i < sheet[1]->columns; i++) {
        out->alone[1] += is_series(&sheet[1]->column[i]) &&
                         !fl_sheet_find(sheet[0], sheet[1]->column[i].name);
    }
    qsort(out->at, out->count, sizeof *out->at, by_time);
    return true;
}

bool fl_partings_find(const struct fl_inputs *inputs, struct fl_partings *out)
{
    *out = (struct fl_partings){0};
    struct fl_sheet *sheet[FL_SIDES] = {NULL, NULL};
    struct clock clock[FL_SIDES] = {{0}};
    bool ok = true;
    for (int s = 0; s < FL_SIDES && ok; s++) {
        sheet[s] = fl_sheet_new(inputs->side[s].trace, "series");
        ok = (sheet[s] || complain(inputs->side[s].trace)) &&
             read_clock(&inputs->side[s], &clock[s]);
    }
    if (ok) {
        survey_clocks(clock, out);
        ok = compare_all(inputs, sheet, clock, out);
    }
    for (int s = 0; s < FL_SIDES; s++) {
        if (sheet[s]) {
            fl_sheet_free(sheet[s]);
        }
        free(clock[s].at);
    }
    return ok;
}

void fl_partings_free(struct fl_partings *partings)
{
    for (size_t i = 0; i < partings->count; i++) {
        free(partings->at[i].series);
        free(partings->at[i].units);
    }
    free(partings->at);
}

void fl_moment(fl_time at, char out[FL_SIDE_TEXT])
{
    fl_clock(at, out);
    char *point = strchr(out, '.');
    if (point && strcmp(point, ".000") == 0) {
        *point = '\0';
    }
}

void fl_parting_text(const struct fl_parting *parting, char out[FL_PARTING_TEXT])
{
    char at[FL_SIDE_TEXT], a[FL_WORDING], b[FL_WORDING];
    fl_moment(parting->at, at);
    fl_value_text(parting->value[0], parting->units, a);
    fl_value_text(parting->value[1], parting->units, b);
    if (strcmp(a, b) == 0) { /* they differ by less than a cent */
        fl_money_exact(parting->value[0], a);
        fl_money_exact(parting->value[1], b);
    }
    fl_say(out, FL_PARTING_TEXT, "%s at %s: %s against %s", parting->series, at, a, b);
}
