/* Every point of a plan as a scenario: the reader of scenarios says what is wrong with it, and the plan's
 * own text is blamed. */
#include "sim/plan_reading.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What the reader said first, without the place in the scenario or the name of the override. */
static const char *sentence_of(char *said)
{
    said[strcspn(said, "\n")] = '\0';
    const char *at = strstr(said, ": error: ");
    return at ? at + strlen(": error: ") : said;
}

/* The axis whose override the message is about: it begins with its name. UINT32_MAX if there is
 * none, or if the value was good at another point. */
static uint32_t axis_at_fault(const struct fl_planning *p, uint32_t point, const char *said)
{
    const char *overrides[FL_AXES_MAX];
    fl_plan_overrides(p->plan, point, overrides);
    for (uint32_t i = 0; i < p->plan->axis_count; i++) {
        const size_t length = strlen(overrides[i]);
        if (strncmp(said, "--set ", 6) == 0 && strncmp(said + 6, overrides[i], length) == 0 &&
            strncmp(said + 6 + length, ": error: ", 9) == 0) {
            return p->axis[i].taken[fl_plan_value(p->plan, point, i)] ? UINT32_MAX : i;
        }
    }
    return UINT32_MAX;
}

/* Of a grid or a range the first of its values that is refused stands for all. */
static void refuse(struct fl_planning *p, uint32_t axis, uint32_t value, const char *sentence)
{
    struct fl_axis_reading *reading = &p->axis[axis];
    reading->refused[value] = true;
    if (!reading->generated) {
        fl_mistake(&p->reading.json, reading->item[value], FL_AT_VALUE, "%s", sentence);
    } else if (!reading->told) {
        fl_mistake(&p->reading.json, reading->item[value], FL_AT_VALUE,
                   "its value %s (number %" PRIu32 "): %s", p->plan->axis[axis].shown[value], value,
                   sentence);
    }
    reading->told = true;
}

/* One value is at fault, or the values of the point do not go together: then the last axis' stands
 * for all. */
static void blame(struct fl_planning *p, uint32_t point, char *said)
{
    const struct fl_plan *plan = p->plan;
    FL_ASSERT(plan->axis_count > 0); /* else the point is the scenario itself, which was taken */
    uint32_t axis = axis_at_fault(p, point, said);
    const bool together = axis == UINT32_MAX;
    axis = together ? plan->axis_count - 1 : axis;
    const uint32_t value = fl_plan_value(plan, point, axis);
    if (together && plan->axis_count > 1) {
        fl_mistake(&p->reading.json, p->axis[axis].item[value], FL_AT_VALUE,
                   "with the other values of point %" PRIu32 ": %s", point, sentence_of(said));
        p->together++;
    } else {
        refuse(p, axis, value, sentence_of(said));
    }
}

static void check_metrics(struct fl_planning *p, uint32_t point, const struct fl_config *config)
{
    struct fl_plan *plan = p->plan;
    const cJSON *item = p->metrics->child;
    for (uint32_t i = 0; i < plan->metric_count; i++, item = item->next) {
        struct fl_metric metric;
        struct fl_hint hint;
        const bool known = fl_summary_has(config, plan->metric[i], &metric, &hint);
        if (!known && !p->unknown[i]) {
            p->unknown[i] = true;
            fl_mistake(&p->reading.json, item, FL_AT_VALUE,
                       "the summary of point %" PRIu32 " has no such number%s", point, hint.text);
        }
        if (known) {
            plan->unit[i] = metric.unit;
        }
    }
}

static bool is_refused(const struct fl_planning *p, uint32_t point)
{
    for (uint32_t i = 0; i < p->plan->axis_count; i++) {
        if (p->axis[i].refused[fl_plan_value(p->plan, point, i)]) {
            return true;
        }
    }
    return false;
}

static void check_point(struct fl_planning *p, uint32_t point)
{
    char *said = NULL;
    size_t bytes = 0;
    struct fl_problems problems = {.to = fl_text_open(&said, &bytes)};
    struct fl_config *config = fl_plan_config_at(p->plan, point, NULL, &problems);
    fl_text_close(problems.to);
    if (config) {
        check_metrics(p, point, config);
        p->plan->digest[point] = fl_plan_digest(config);
        for (uint32_t i = 0; i < p->plan->axis_count; i++) {
            p->axis[i].taken[fl_plan_value(p->plan, point, i)] = true;
        }
    } else {
        blame(p, point, said);
    }
    fl_config_free(config);
    free(said);
}

/* --- twice the same ------------------------------------------------------------------------------ */

struct seen {
    uint64_t digest;
    uint32_t point;
};

static int compare_seen(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    const int order = (x->digest > y->digest) - (x->digest < y->digest);
    return order ? order : (x->point > y->point) - (x->point < y->point);
}

/* Written differently and yet the same: 1 and 1.0, or what a later axis sets as a whole. The first of them
 * is enough. */
static void check_twice(struct fl_planning *p)
{
    const uint32_t points = p->plan->points;
    struct seen *seen = fl_alloc(points, sizeof *seen);
    for (uint32_t i = 0; i < points; i++) {
        seen[i] = (struct seen){p->plan->digest[i], i};
    }
    qsort(seen, points, sizeof *seen, compare_seen);
    uint32_t one = 0, other = points;
    for (uint32_t i = 1; i < points; i++) {
        if (seen[i].digest == seen[i - 1].digest && seen[i].point < other) {
            one = seen[i - 1].point;
            other = seen[i].point;
        }
    }
    free(seen);
    for (uint32_t axis = 0; axis < p->plan->axis_count && other < points; axis++) {
        const uint32_t value = fl_plan_value(p->plan, other, axis);
        if (value != fl_plan_value(p->plan, one, axis)) {
            fl_mistake(&p->reading.json, p->axis[axis].item[value], FL_AT_VALUE,
                       "point %" PRIu32 " is the same scenario as point %" PRIu32, other, one);
            return;
        }
    }
}

/* --- all points ---------------------------------------------------------------------------------- */

static void check_points(struct fl_planning *p)
{
    struct fl_plan *plan = p->plan;
    plan->digest = fl_arena_alloc(&plan->arena, plan->points, sizeof *plan->digest);
    enum { TOGETHER_SHOWN = 10 };
    for (uint32_t point = 0; point < plan->points && p->together < TOGETHER_SHOWN; point++) {
        if (!is_refused(p, point)) {
            check_point(p, point);
        }
    }
    if (p->reading.json.mistake_count == 0) {
        check_twice(p);
    }
}

bool fl_plan_check(struct fl_planning *p, const cJSON *tree, struct fl_problems *problems)
{
    struct fl_plan *plan = p->plan;
    struct fl_config *base =
        fl_config_parse(plan->text, plan->text_bytes, plan->scenario, NULL, 0, NULL, problems);
    if (!base) {
        fl_mistake(&p->reading.json, fl_member(tree, "scenario"), FL_AT_VALUE,
                   "this scenario has mistakes of its own");
        return false;
    }
    plan->resolved = fl_arena_text(&plan->arena, base->resolved);
    fl_config_free(base);
    p->unknown = fl_arena_alloc(&plan->arena, plan->metric_count, sizeof(bool));
    check_points(p);
    return p->reading.json.mistake_count == 0;
}
