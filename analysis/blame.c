/* Deficits to faults, by chains of causes and by what faults did while a liquidation waited. */
#include "analysis/blame.h"

#include "sim/alloc.h"

#include <stdlib.h>
#include <string.h>

static void add_deficit(struct fl_blame_sum *sum, const struct fl_deficit *deficit)
{
    sum->deficits++;
    sum->by.fund += deficit->by.fund;
    sum->by.counterparties += deficit->by.counterparties;
    sum->by.traders += deficit->by.traders;
    sum->by.nobody += deficit->by.nobody;
}

static bool is_kind(const struct fl_history *history, uint32_t id, const char *kind)
{
    return strcmp(fl_history_kind(history, id), kind) == 0;
}

/* --- faults ----------------------------------------------------------------------------------------- */

static bool read_faults(struct fl_trace *trace, struct fl_blame *blame)
{
    enum { NUMBERS = 5 };
    static const char *const path[NUMBERS] = {"/faults/from", "/faults/to", "/faults/opened",
                                              "/faults/suppressed", "/faults/injected"};
    size_t rows, models;
    int64_t *column[NUMBERS];
    blame->name = fl_trace_text(trace, "/faults/name", &rows);
    blame->model = fl_trace_text(trace, "/faults/model", &models);
    bool ok = blame->name && blame->model && rows == models;
    for (int i = 0; i < NUMBERS; i++) {
        size_t found = 0;
        column[i] = fl_trace_int64(trace, path[i], &found);
        ok = ok && column[i] && found == rows;
    }
    blame->faults = ok ? rows : 0;
    blame->fault = fl_alloc(blame->faults + 1, sizeof *blame->fault);
    for (size_t i = 0; i < blame->faults; i++) {
        blame->fault[i] = (struct fl_blame_fault){.name = blame->name[i],
                                                  .model = blame->model[i],
                                                  .from = column[0][i],
                                                  .to = column[1][i],
                                                  .opened = column[2][i],
                                                  .bites = column[3][i] + column[4][i]};
    }
    blame->fault[blame->faults].name = blame->fault[blame->faults].model = "";
    for (int i = 0; i < NUMBERS; i++) {
        free(column[i]);
    }
    return ok;
}

/* --- what led to it --------------------------------------------------------------------------------- */

/* So many records of a kind, and how far from the edge they lie. */
static void count_kind(struct fl_blame_fault *fault, const char *kind, uint32_t distance)
{
    size_t i = 0;
    while (i < fault->kinds && strcmp(fault->kind[i].kind, kind) != 0) {
        i++;
    }
    if (i == fault->kinds) {
        fault->kind = fl_realloc(fault->kind, ++fault->kinds, sizeof *fault->kind);
        fault->kind[i] = (struct fl_blame_kind){.kind = kind, .place = (uint32_t)i};
    }
    fault->kind[i].count++;
    fault->kind[i].distance += distance;
}

/* Marks the way up to the fault's edge, or to the root if there is none. */
static void mark_chain(struct fl_history *history, uint32_t id, size_t fault, size_t *owner)
{
    while (id != FL_NO_RECORD_ID && owner[id] == 0) {
        owner[id] = fault + 1;
        id = is_kind(history, id, "fault") ? FL_NO_RECORD_ID : fl_history_parent(history, id);
    }
}

/* A parent has a smaller id than its children: its distance is known before theirs. */
static void count_chains(struct fl_history *history, struct fl_blame *blame, const size_t *owner)
{
    const uint32_t count = fl_history_count(history);
    uint32_t *distance = fl_alloc((size_t)count + 1, sizeof *distance);
    for (uint32_t id = 1; id <= count; id++) {
        const uint32_t parent = fl_history_parent(history, id);
        if (owner[id] > 0) {
            distance[id] = owner[parent] == owner[id] ? distance[parent] + 1 : 0;
            count_kind(&blame->fault[owner[id] - 1], fl_history_kind(history, id), distance[id]);
        }
    }
    free(distance);
}

/* By the mean distance from the edge, of equals the one that comes first. */
static int by_distance(const void *a, const void *b)
{
    const struct fl_blame_kind *left = a, *right = b;
    const fl_u128 one = (fl_u128)left->distance * right->count;
    const fl_u128 other = (fl_u128)right->distance * left->count;
    return one != other ? (one > other) - (one < other)
                        : (left->place > right->place) - (left->place < right->place);
}

static void follow_chains(struct fl_history *history, struct fl_blame *blame)
{
    size_t *owner = fl_alloc((size_t)fl_history_count(history) + 1, sizeof *owner);
    for (size_t i = 0; i < blame->count; i++) {
        const struct fl_deficit *deficit = &blame->deficit[i];
        const int64_t nearest = fl_chain_fault(history, deficit->id);
        const bool known = nearest >= 0 && (uint64_t)nearest < blame->faults;
        const size_t which = known ? (size_t)nearest : blame->faults;
        struct fl_blame_fault *fault = &blame->fault[which];
        fault->largest = fault->largest ? fault->largest : deficit;
        add_deficit(&fault->led_to, deficit);
        mark_chain(history, deficit->id, which, owner);
    }
    count_chains(history, blame, owner);
    for (size_t i = 0; i <= blame->faults; i++) {
        if (blame->fault[i].kinds > 0) {
            qsort(blame->fault[i].kind, blame->fault[i].kinds, sizeof *blame->fault[i].kind,
                  by_distance);
        }
    }
    free(owner);
}

/* --- what was in the way ---------------------------------------------------------------------------- */

/* Where a fault dropped, changed or added something. */
struct bites {
    uint32_t *id; /* ascending, and so are their times */
    bool *counted;
    uint32_t count, room;
};

static struct bites *bites_new(struct fl_history *history, size_t faults)
{
    struct bites *bites = fl_alloc(faults, sizeof *bites);
    for (uint32_t id = 1; id <= fl_history_count(history); id++) {
        int64_t fault;
        if (is_kind(history, id, "suppressed") && fl_history_value(history, id, "fault", &fault) &&
            fault >= 0 && (uint64_t)fault < faults) {
            struct bites *b = &bites[fault];
            b->id = fl_grow(b->id, b->count, &b->room, sizeof *b->id);
            b->id[b->count++] = id;
        }
    }
    for (size_t f = 0; f < faults; f++) {
        bites[f].counted = fl_alloc(bites[f].count, sizeof *bites[f].counted);
    }
    return bites;
}

static void bites_free(struct bites *bites, size_t faults)
{
    for (size_t f = 0; f < faults; f++) {
        free(bites[f].id);
        free(bites[f].counted);
    }
    free(bites);
}

/* How many of them are before `at`. */
static uint32_t bites_before(const struct fl_history *history, const struct bites *b, fl_time at)
{
    uint32_t low = 0, high = b->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (fl_history_time(history, b->id[middle]) < at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* False if the fault did nothing from then until the deficit. */
static bool note_wait(const struct fl_history *history, struct bites *b,
                      const struct fl_deficit *deficit, fl_time from, struct fl_blame_fault *fault)
{
    const fl_time to = fl_history_time(history, deficit->id);
    const uint32_t first = bites_before(history, b, from), end = bites_before(history, b, to + 1);
    if (first == end) {
        return false;
    }
    for (uint32_t i = first; i < end; i++) {
        fault->bites_in_way += !b->counted[i];
        b->counted[i] = true;
    }
    fault->longest = to - from > fault->longest ? to - from : fault->longest;
    if (!fault->waited.deficit) { /* the largest comes first */
        fault->waited =
            (struct fl_blame_wait){deficit, from, b->id[first], b->id[end - 1], end - first};
    }
    add_deficit(&fault->in_way, deficit);
    return true;
}

static void look_in_the_way(struct fl_history *history, const cJSON *resolved,
                            struct fl_blame *blame)
{
    struct fl_waits *waits = fl_waits_new(history, resolved);
    struct bites *bites = bites_new(history, blame->faults);
    blame->in_way = fl_alloc(blame->count * blame->faults, sizeof *blame->in_way);
    for (size_t i = 0; i < blame->count; i++) {
        const struct fl_deficit *deficit = &blame->deficit[i];
        bool *in_way = blame->in_way + i * blame->faults;
        fl_time from;
        size_t many = 0, last = 0;
        blame->untimed += !fl_wait_from(waits, deficit, &from);
        for (size_t f = 0; f < blame->faults; f++) {
            in_way[f] = note_wait(history, &bites[f], deficit, from, &blame->fault[f]);
            last = in_way[f] ? f : last;
            many += in_way[f];
        }
        if (many == 1) {
            add_deficit(&blame->fault[last].alone, deficit);
        }
    }
    bites_free(bites, blame->faults);
    fl_waits_free(waits);
}

static int by_dollars(const void *a, const void *b)
{
    const struct fl_blame_group *left = a, *right = b;
    const int64_t one = fl_bearers_sum(&left->sum.by), other = fl_bearers_sum(&right->sum.by);
    if (one != other) {
        return one > other ? -1 : 1;
    }
    return left->in_way < right->in_way ? -1 : left->in_way > right->in_way; /* rows of one array */
}

/* Each group is called by the row of its largest deficit. */
static void group_deficits(struct fl_blame *blame)
{
    blame->group = fl_alloc(blame->count, sizeof *blame->group);
    for (size_t i = 0; i < blame->count; i++) {
        const bool *in_way = blame->in_way + i * blame->faults;
        size_t g = 0;
        while (g < blame->groups &&
               memcmp(blame->group[g].in_way, in_way, blame->faults * sizeof *in_way) != 0) {
            g++;
        }
        if (g == blame->groups) {
            blame->group[blame->groups++].in_way = in_way;
        }
        add_deficit(&blame->group[g].sum, &blame->deficit[i]);
    }
    qsort(blame->group, blame->groups, sizeof *blame->group, by_dollars);
}

/* --- the whole -------------------------------------------------------------------------------------- */

/* Every deficit is counted once on each side: anything else is a broken invariant of ours. */
static void expect_sums(const struct fl_blame *blame)
{
    int64_t led_to = 0, in_way = 0;
    for (size_t i = 0; i <= blame->faults; i++) {
        led_to += fl_bearers_sum(&blame->fault[i].led_to.by);
    }
    for (size_t g = 0; g < blame->groups; g++) {
        in_way += fl_bearers_sum(&blame->group[g].sum.by);
    }
    FL_ASSERT(led_to == fl_bearers_sum(&blame->total.by));
    FL_ASSERT(in_way == fl_bearers_sum(&blame->total.by));
}

struct fl_blame *fl_blame_new(struct fl_trace *trace, struct fl_history *history,
                              const cJSON *resolved)
{
    struct fl_blame *blame = fl_alloc(1, sizeof *blame);
    if (!read_faults(trace, blame)) {
        fl_blame_free(blame);
        return NULL;
    }
    blame->deficit = fl_deficits_new(history, &blame->count);
    for (size_t i = 0; i < blame->count; i++) {
        add_deficit(&blame->total, &blame->deficit[i]);
    }
    follow_chains(history, blame);
    look_in_the_way(history, resolved, blame);
    group_deficits(blame);
    expect_sums(blame);
    return blame;
}

void fl_blame_free(struct fl_blame *blame)
{
    for (size_t i = 0; blame->fault && i <= blame->faults; i++) {
        free(blame->fault[i].kind);
    }
    free(blame->fault);
    free(blame->group);
    free(blame->deficit);
    free(blame->in_way);
    free(blame->name);
    free(blame->model);
    free(blame);
}

bool fl_blame_names(const struct fl_blame_fault *fault)
{
    return fault->led_to.deficits > 0 || fault->in_way.deficits > 0;
}
