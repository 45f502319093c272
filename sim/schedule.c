/* A byte for each row. Points are opened in their order; one whose rows are all at work, but have not
 * ended, leaves the processes that are free to the next. */
#include "sim/schedule.h"

#include "sim/unit_text.h"

#include <stdlib.h>
#include <string.h>

enum state { WAITING, AT_WORK, ENDED };

struct fl_schedule {
    const struct fl_plan *plan;
    uint32_t first, end;    /* points */
    uint32_t open;          /* points before it are finished */
    uint32_t rows, ended;   /* of those that are needed */
    unsigned char *state;   /* [(point - first) * replicates + replicate] */
    char **row;             /* likewise, owned: what the rule of an unfinished point needs; NULL
                               without a rule */
    uint32_t *needed, *has; /* [point - first]: replicates, and those of them that have ended */
    uint32_t *next;         /* [point - first]: no replicate before it waits */
};

/* The rule's metric in a row that ended well. */
static bool stop_value(const struct fl_plan *plan, const char *row, int64_t *value)
{
    char field[FL_FIELD_TEXT];
    return fl_row_is_ok(row) &&
           fl_unit_value(fl_row_field(row, FL_FIELD_METRIC + plan->stop.metric, field),
                         plan->unit[plan->stop.metric], value);
}

uint32_t fl_replicates_needed(const struct fl_plan *plan, const char *const *row)
{
    uint32_t look = fl_plan_next_look(plan, 0), done = 0, count = 0;
    if (plan->look_count == 0) {
        return look;
    }
    int64_t *values = fl_alloc(plan->replicates, sizeof *values);
    for (uint32_t next = look; next > 0; next = fl_plan_next_look(plan, look)) {
        look = next;
        for (; done < look && row[done]; done++) {
            count += stop_value(plan, row[done], &values[count]);
        }
        if (done < look || fl_plan_enough(plan, values, count)) {
            break;
        }
    }
    free(values);
    return look;
}

/* Place of a point's first row. */
static size_t place_of(const struct fl_schedule *s, uint32_t point)
{
    return (size_t)(point - s->first) * s->plan->replicates;
}

static void keep_row(struct fl_schedule *s, size_t place, const char *fields)
{
    if (s->row) {
        s->row[place] = fl_strndup(fields, strcspn(fields, "\n"));
    }
}

static void forget_rows(struct fl_schedule *s, uint32_t point)
{
    for (uint32_t r = 0; s->row && r < s->plan->replicates; r++) {
        free(s->row[place_of(s, point) + r]);
        s->row[place_of(s, point) + r] = NULL;
    }
}

/* Asks the rule again, and forgets what it no longer needs. */
static void ask(struct fl_schedule *s, uint32_t point)
{
    const uint32_t i = point - s->first;
    const char *const *row = s->row ? (const char *const *)s->row + place_of(s, point) : NULL;
    const uint32_t needed = fl_replicates_needed(s->plan, row);
    for (; s->needed[i] < needed; s->needed[i]++) {
        s->rows++;
        if (s->state[place_of(s, point) + s->needed[i]] == ENDED) {
            s->has[i]++;
            s->ended++;
        }
    }
    if (s->has[i] == s->needed[i]) {
        forget_rows(s, point);
    }
}

/* Rows that did not end well are run again. */
struct fl_schedule *fl_schedule_new(const struct fl_plan *plan, uint32_t first, uint32_t end,
                                    const struct fl_found *found)
{
    FL_ASSERT(first < end && end <= plan->points);
    const size_t rows = (size_t)(end - first) * plan->replicates;
    struct fl_schedule *s = fl_alloc(1, sizeof *s);
    *s = (struct fl_schedule){.plan = plan, .first = first, .end = end, .open = first};
    s->state = fl_alloc(rows, 1);
    s->row = plan->look_count > 0 ? fl_alloc(rows, sizeof *s->row) : NULL;
    s->needed = fl_alloc(end - first, sizeof *s->needed);
    s->has = fl_alloc(end - first, sizeof *s->has);
    s->next = fl_alloc(end - first, sizeof *s->next);
    for (uint32_t point = first; point < end; point++) {
        for (size_t i = place_of(s, point); i < place_of(s, point) + plan->replicates; i++) {
            const char *row = found ? found->row[(size_t)first * plan->replicates + i] : NULL;
            if (row && fl_row_is_ok(row)) {
                s->state[i] = ENDED;
                keep_row(s, i, row);
            }
        }
        ask(s, point);
    }
    return s;
}

void fl_schedule_free(struct fl_schedule *s)
{
    for (uint32_t point = s->first; point < s->end; point++) {
        forget_rows(s, point);
    }
    free(s->state);
    free(s->row);
    free(s->needed);
    free(s->has);
    free(s->next);
    free(s);
}

bool fl_schedule_next(struct fl_schedule *s, uint32_t *row)
{
    while (s->open < s->end && s->has[s->open - s->first] == s->needed[s->open - s->first]) {
        s->open++;
    }
    for (uint32_t point = s->open; point < s->end; point++) {
        unsigned char *state = s->state + place_of(s, point);
        uint32_t *next = &s->next[point - s->first];
        while (*next < s->needed[point - s->first] && state[*next] != WAITING) {
            ++*next;
        }
        if (*next < s->needed[point - s->first]) {
            state[*next] = AT_WORK;
            *row = point * s->plan->replicates + *next;
            return true;
        }
    }
    return false;
}

void fl_schedule_done(struct fl_schedule *s, uint32_t row, const char *fields)
{
    const uint32_t point = row / s->plan->replicates, i = point - s->first;
    const size_t place = row - (size_t)s->first * s->plan->replicates;
    FL_ASSERT(s->state[place] == AT_WORK);
    s->state[place] = ENDED;
    keep_row(s, place, fields);
    s->has[i]++;
    s->ended++;
    if (s->has[i] == s->needed[i]) {
        ask(s, point);
    }
}

uint32_t fl_schedule_rows(const struct fl_schedule *s)
{
    return s->rows;
}

uint32_t fl_schedule_ended(const struct fl_schedule *s)
{
    return s->ended;
}
