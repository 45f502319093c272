/* Steps that lower a number: the duration, members and accounts of groups, windows of faults. */
#include "sim/shrink_steps.h"
#include "sim/shrink_tree.h"
#include "sim/values.h"

#include <stdlib.h>

/* Of larger groups only as many as nobody names are left out. */
enum { NODES_ONE_BY_ONE = 64 };

/* A copy of the best with another number, or NULL if there is none. */
struct number {
    cJSON *(*with)(const struct fl_shrinking *s, const struct number *number, int64_t value);
    const char *name; /* of a group or a fault */
};

static bool try_number(struct fl_shrinking *s, const struct number *number, int64_t value)
{
    return fl_shrink_try(s, number->with(s, number, value));
}

/* The best has `value`. Lowers it to one that fails, while the next lower one does not: the first time
 * from the least on, in steps that double, then by bisection. Later only the next lower one is asked
 * first, which mostly ends it. */
static void lower(struct fl_shrinking *s, const struct number *number, int64_t least, int64_t value)
{
    if (least >= value || (s->round > 0 && !try_number(s, number, value - 1))) {
        return;
    }
    const int64_t end = s->round > 0 ? value - 1 : value;
    int64_t passes = least - 1, fails = end;
    for (int64_t step = 1, at = least; at < end; at += step, step *= 2) {
        if (try_number(s, number, at)) {
            fails = at;
            break;
        }
        passes = at;
    }
    while (fails - passes > 1) {
        const int64_t middle = passes + (fails - passes) / 2;
        if (try_number(s, number, middle)) {
            fails = middle;
        } else {
            passes = middle;
        }
    }
}

static int64_t up(int64_t time, int64_t grid)
{
    return (time + grid - 1) / grid;
}

static cJSON *seconds_item(int64_t time)
{
    return fl_number_item(time, 9);
}

/* At the end of the run or later a window never closes: its key says nothing. */
static cJSON *with_duration(const struct fl_shrinking *s, const struct number *number,
                            int64_t ticks)
{
    (void)number;
    cJSON *copy = fl_json_made(cJSON_Duplicate(s->best, true));
    const fl_time end = ticks * s->grid;
    fl_tree_put(copy, "duration_s", seconds_item(end));
    const cJSON *faults = fl_tree_member(copy, "faults");
    for (cJSON *fault = faults ? faults->child : NULL; fault; fault = fault->next) {
        if (fl_tree_seconds(fault, "to_s", 0) >= end) {
            cJSON_DeleteItemFromObjectCaseSensitive(fault, "to_s");
        }
    }
    return copy;
}

static fl_time end_of(const struct fl_shrinking *s)
{
    return fl_tree_seconds(s->best, "duration_s", 0);
}

void fl_lower_duration(struct fl_shrinking *s)
{
    static const struct number number = {.with = with_duration};
    lower(s, &number, 1, up(end_of(s), s->grid));
}

static cJSON *with_count(const struct fl_shrinking *s, const struct number *number, int64_t count)
{
    return fl_tree_with_count(s->best, (struct fl_tree_group){s->start, number->name},
                              (uint32_t)count);
}

static cJSON *with_accounts(const struct fl_shrinking *s, const struct number *number,
                            int64_t count)
{
    cJSON *copy = fl_json_made(cJSON_Duplicate(s->best, true));
    cJSON *group = fl_tree_member(fl_tree_member(copy, "nodes"), number->name);
    fl_tree_put(group, "accounts", fl_number_item(count, 0));
    return copy;
}

/* One by one, those that faults name too. */
static void cut_nodes(struct fl_shrinking *s, const char *group)
{
    for (int64_t i = NODES_ONE_BY_ONE; i-- > 0;) {
        const int64_t count = fl_tree_integer(fl_tree_at(s->best, "nodes", group), "count", 1);
        if (i < count && count > 1 && count <= NODES_ONE_BY_ONE) {
            fl_shrink_try(s, fl_tree_without_node(s->best, (struct fl_tree_group){s->start, group},
                                                  (uint32_t)i));
        }
    }
}

void fl_lower_groups(struct fl_shrinking *s)
{
    const cJSON *groups = fl_tree_member(s->best, "nodes");
    for (int i = 0; i < cJSON_GetArraySize(groups); i++) {
        const cJSON *group = cJSON_GetArrayItem(groups, i);
        char *name = fl_strdup(group->string);
        const struct number members = {with_count, name}, accounts = {with_accounts, name};
        lower(s, &members, 1, fl_tree_integer(group, "count", 1));
        cut_nodes(s, name);
        group = fl_tree_at(s->best, "nodes", name);
        lower(s, &accounts, 0, fl_tree_integer(group, "accounts", 0));
        free(name);
        groups = fl_tree_member(s->best, "nodes");
    }
}

/* ------------------------------------------------------------------------------------------------
 * Windows
 * --------------------------------------------------------------------------------------------- */

struct window {
    fl_time from, to;
};

static struct window window_of(const struct fl_shrinking *s, const char *name)
{
    const cJSON *fault = fl_tree_at(s->best, "faults", name);
    const fl_time end = end_of(s), to = fl_tree_seconds(fault, "to_s", end);
    return (struct window){fl_tree_seconds(fault, "from_s", 0), to < end ? to : end};
}

static cJSON *with_window(const struct fl_shrinking *s, const char *name, struct window window)
{
    if (window.from < 0 || window.from >= window.to) {
        return NULL;
    }
    cJSON *copy = fl_json_made(cJSON_Duplicate(s->best, true));
    cJSON *fault = fl_tree_member(fl_tree_member(copy, "faults"), name);
    fl_tree_put(fault, "from_s", seconds_item(window.from));
    if (window.to < end_of(s)) {
        fl_tree_put(fault, "to_s", seconds_item(window.to));
    } else {
        cJSON_DeleteItemFromObjectCaseSensitive(fault, "to_s");
    }
    return copy;
}

/* So many ticks before its end it begins. */
static cJSON *with_late_from(const struct fl_shrinking *s, const struct number *number,
                             int64_t ticks)
{
    const struct window is = window_of(s, number->name);
    const fl_time from = (up(is.to, s->grid) - ticks) * s->grid;
    return with_window(s, number->name, (struct window){from, is.to});
}

/* So many ticks after its begin it ends. */
static cJSON *with_early_to(const struct fl_shrinking *s, const struct number *number,
                            int64_t ticks)
{
    const struct window is = window_of(s, number->name);
    const fl_time to = (is.from / s->grid + ticks) * s->grid;
    return with_window(s, number->name, (struct window){is.from, to});
}

/* Begins so much earlier, and lasts as long. */
static cJSON *with_shift(const struct fl_shrinking *s, const char *name, fl_time shift)
{
    const struct window is = window_of(s, name);
    return with_window(s, name, (struct window){is.from - shift, is.to - shift});
}

/* What happens every second or every ten is met again by shifts of whole seconds, so these are tried
 * from large to small: tens of ticks, and as often as each will do. */
static void shift_window(struct fl_shrinking *s, const char *name)
{
    fl_time shift = s->grid;
    while (shift <= window_of(s, name).from / 10) {
        shift *= 10;
    }
    for (; shift >= s->grid; shift /= 10) {
        while (shift <= window_of(s, name).from && fl_shrink_try(s, with_shift(s, name, shift))) {
        }
    }
}

/* Its end first: what is over early lets the run be short. */
void fl_lower_windows(struct fl_shrinking *s)
{
    const cJSON *faults = fl_tree_member(s->best, "faults");
    for (int i = 0; i < cJSON_GetArraySize(faults); i++) {
        char *name = fl_strdup(cJSON_GetArrayItem(faults, i)->string);
        const struct number early = {with_early_to, name}, late = {with_late_from, name};
        struct window is = window_of(s, name);
        lower(s, &early, 1, up(is.to, s->grid) - is.from / s->grid);
        is = window_of(s, name);
        lower(s, &late, 1, up(is.to, s->grid) - is.from / s->grid);
        shift_window(s, name);
        free(name);
        faults = fl_tree_member(s->best, "faults");
    }
}
