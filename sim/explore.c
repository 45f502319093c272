/* Exploration of a scenario: placements of its faults, one search each, and what is found retold. */
#include "sim/explore.h"

#include "sim/tell.h"
#include "sim/unit_text.h"

#include <stdlib.h>
#include <string.h>

struct fl_bounds fl_bounds_default(void)
{
    return (struct fl_bounds){.depth = UINT32_MAX, .states = 4000000};
}

void fl_exploration_free(struct fl_exploration *e)
{
    free(e->evidence);
    free(e->trace);
    *e = (struct fl_exploration){0};
}

/* --- placements ---------------------------------------------------------------------------------------- */

/* The scenario with other members where the seed drew them. */
struct placing {
    struct fl_config config;
    struct fl_fault_spec *fault;
    uint32_t **rank;   /* by fault: of its members in the pool, ascending; NULL if they are given */
    uint32_t **member; /* likewise: the members */
    uint32_t *twin_of;
};

static void place(struct placing *p, uint32_t fault)
{
    struct fl_fault_spec *spec = &p->fault[fault];
    const uint32_t originals = p->config.facts.endpoints - p->config.twin_count;
    for (uint32_t i = 0; i < spec->count; i++) {
        p->member[fault][i] = spec->pool[p->rank[fault][i]];
        if (spec->model->fault->twins)
            p->twin_of[spec->twin_first - originals + i] = p->member[fault][i];
    }
}

static void place_first(struct placing *p, uint32_t fault)
{
    for (uint32_t i = 0; i < p->fault[fault].count; i++) p->rank[fault][i] = i;
    place(p, fault);
}

/* The next subset of the pool, in the order of its ranks; false after the last. */
static bool place_next(struct placing *p, uint32_t fault)
{
    const struct fl_fault_spec *spec = &p->fault[fault];
    uint32_t *const rank = p->rank[fault], i = spec->count;
    while (i > 0 && rank[i - 1] == spec->pool_count - spec->count + i - 1) i--;
    if (i == 0) return false;
    rank[i - 1]++;
    for (; i < spec->count; i++) rank[i] = rank[i - 1] + 1;
    place(p, fault);
    return true;
}

/* Nobody has two twins. */
static bool possible(const struct placing *p)
{
    for (uint32_t i = 0; i < p->config.twin_count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (p->twin_of[i] == p->twin_of[k]) return false;
    return true;
}

static bool placing_next(struct placing *p)
{
    for (uint32_t i = 0; i < p->config.fault_count;) {
        if (!p->rank[i]) {
            i++;
        } else if (!place_next(p, i)) {
            place_first(p, i++);
        } else if (possible(p)) {
            return true;
        } else {
            i = 0;
        }
    }
    return false;
}

static void placing_start(struct placing *p, const struct fl_config *config)
{
    *p = (struct placing){.config = *config};
    p->config.detail = FL_DETAIL_SUMMARY;
    p->fault = fl_alloc(config->fault_count, sizeof *p->fault);
    p->rank = fl_alloc(config->fault_count, sizeof *p->rank);
    p->member = fl_alloc(config->fault_count, sizeof *p->member);
    p->twin_of = fl_alloc(config->twin_count, sizeof *p->twin_of);
    for (uint32_t i = 0; i < config->twin_count; i++) p->twin_of[i] = config->twin_of[i];
    for (uint32_t i = 0; i < config->fault_count; i++) {
        p->fault[i] = config->fault[i];
        if (!p->fault[i].drawn || p->fault[i].model->fault->carries) continue;
        p->rank[i] = fl_alloc(p->fault[i].count, sizeof *p->rank[i]);
        p->fault[i].member = p->member[i] = fl_alloc(p->fault[i].count, sizeof *p->member[i]);
        place_first(p, i);
    }
    p->config.fault = p->fault;
    p->config.twin_of = p->twin_of;
    if (!possible(p) && !placing_next(p))
        FL_UNREACHABLE("the scenario's own placement is possible");
}

static void placing_end(struct placing *p)
{
    for (uint32_t i = 0; i < p->config.fault_count; i++) {
        free(p->rank[i]);
        free(p->member[i]);
    }
    free(p->fault);
    free(p->rank);
    free(p->member);
    free(p->twin_of);
}

/* --- what was found, retold ---------------------------------------------------------------------------- */

struct telling {
    FILE *to;
    char *text;
    size_t bytes;
};

static void telling_start(struct telling *t)
{
    *t = (struct telling){0};
    t->to = fl_text_open(&t->text, &t->bytes);
}

static char *telling_end(struct telling *t)
{
    fl_text_close(t->to);
    return t->text;
}

/* The check that is broken where it stands, and its evidence. At rest checks have their last word. */
static void judge(struct fl_stage *stage, const uint32_t *position, bool at_rest,
                  struct fl_exploration *out)
{
    const uint32_t seen = position[FL_AT_SEEN];
    uint32_t check = fl_stage_broken(stage, seen);
    out->at_rest = check == UINT32_MAX && at_rest;
    if (out->at_rest) check = fl_stage_broken_at_rest(stage, seen);
    out->broken = check != UINT32_MAX;
    if (!out->broken) return;
    fl_stage_load_seen(stage, seen);
    const struct fl_part *part = &stage->config->check[check];
    const struct fl_verdict verdict =
        out->at_rest ? stage->world->verdict[check]
                     : part->model->watch->verdict(part->params, stage->world->check[check].state);
    char text[FL_EVIDENCE_TEXT];
    fl_evidence_text(&verdict, text);
    out->check = check;
    out->evidence = fl_strdup(text);
}

static void retell(struct fl_stage *stage, const uint32_t *start, const struct fl_found *found,
                   struct fl_exploration *out)
{
    uint32_t position[FL_POSITION_MAX];
    struct telling t;
    memcpy(position, start, fl_position_words(stage) * sizeof *position);
    telling_start(&t);
    fl_tell_placement(stage, t.to);
    for (uint32_t i = 0; i < found->moves; i++)
        fl_tell_move(stage, position, found->move[i], i + 1, t.to);
    out->trace = telling_end(&t);
    out->events = found->moves;
    judge(stage, position, found->at_rest, out);
    FL_ASSERT(out->broken && out->at_rest == found->at_rest);
}

/* --- exploring ------------------------------------------------------------------------------------------ */

static void explore_one(const struct fl_config *config, const struct fl_bounds *bounds,
                        struct fl_exploration *out)
{
    uint32_t sent, edges, start[FL_POSITION_MAX];
    struct fl_stage *stage = fl_stage_open(config, &sent, &edges);
    fl_position_start(stage, sent, edges, start);
    struct fl_found found = fl_search(stage, start, bounds, out);
    out->placements++;
    if (found.broken) retell(stage, start, &found, out);
    free(found.move);
    fl_stage_close(stage);
}

const char *fl_explore_refuses(const struct fl_config *config)
{
    if (config->facts.endpoints > FL_EXPLORE_ENDPOINTS)
        return "exploration is for small configurations, of at most 64 nodes, twins included";
    for (uint32_t i = 0; i < config->fault_count; i++)
        if (config->fault[i].largest != UINT32_MAX || config->fault[i].see_count > 0)
            return "a fault looks at observables (\"largest\", \"sees\"): exploration knows no "
                   "time "
                   "to look at; name its members, or their \"count\"";
    return NULL;
}

void fl_explore(const struct fl_config *config, const struct fl_bounds *bounds,
                struct fl_exploration *out)
{
    FL_ASSERT(!fl_explore_refuses(config));
    struct placing p;
    *out = (struct fl_exploration){.complete = UINT32_MAX};
    placing_start(&p, config);
    do explore_one(&p.config, bounds, out);
    while (!out->broken && placing_next(&p));
    placing_end(&p);
}

/* --- replay --------------------------------------------------------------------------------------------- */

/* Lines that begin with a number and a full stop: what follows these, up to the end of the line. */
struct line {
    const char *text;
    size_t length;
    uint64_t number;
};

/* The next such line from *at on; false if there is none. */
static bool next_line(const char **at, struct line *out)
{
    while (**at) {
        const char *p = *at + strspn(*at, " "), *end = *at + strcspn(*at, "\n");
        char *after = NULL;
        *at = *end ? end + 1 : end;
        if (*p < '0' || *p > '9') continue;
        out->number = strtoull(p, &after, 10);
        if (after[0] != '.' || after[1] != ' ') continue;
        out->text = after + 2;
        out->length = (size_t)(end - out->text);
        return true;
    }
    return false;
}

/* Do the lines of a placement say what the trace's do? */
static bool same_placement(const struct fl_stage *stage, const char *trace)
{
    struct telling t;
    telling_start(&t);
    fl_tell_placement(stage, t.to);
    char *ours = telling_end(&t);
    const char *mine = ours;
    struct line a, b;
    bool same = true, more_mine, more_theirs;
    do {
        more_mine = next_line(&mine, &a);
        more_theirs = next_line(&trace, &b) && b.number == 0;
        same = more_mine == more_theirs &&
               (!more_mine || (a.length == b.length && memcmp(a.text, b.text, a.length) == 0));
    } while (same && more_mine);
    free(ours);
    return same;
}

/* 0 if nothing of that text may happen there. */
static uint32_t move_of(struct fl_stage *stage, const uint32_t *position, uint32_t timeouts,
                        const struct line *line)
{
    char text[FL_MOVE_TEXT];
    const uint32_t count = fl_position_moves(stage, position, timeouts, NULL);
    uint32_t *move = fl_alloc(count, sizeof *move), found = 0;
    fl_position_moves(stage, position, timeouts, move);
    for (uint32_t i = 0; i < count && !found; i++) {
        fl_move_text(stage, move[i], text);
        if (strlen(text) == line->length && memcmp(text, line->text, line->length) == 0)
            found = move[i];
    }
    free(move);
    return found;
}

/* Nothing left to happen, but as many messages as may be lost. */
static bool at_rest(const struct fl_stage *stage, const uint32_t *position, uint32_t drops)
{
    uint32_t left = 0;
    for (uint32_t p = 1; p < stage->parties; p++) {
        const uint32_t state = position[fl_at(p, FL_OF_STATE)];
        uint32_t count;
        if (stage->corrupted[p]) continue;
        if (fl_party_has_timer(stage, p, state)) return false;
        fl_stage_list(stage, position[fl_at(p, FL_OF_INBOX)], &count);
        if (!fl_stage_view(stage, p, state).down) left += count;
    }
    return left <= drops;
}

/* True if the trace could be followed to its end. */
static bool follow(struct fl_stage *stage, uint32_t *position, const char *trace,
                   const struct fl_bounds *bounds, struct line *line, struct fl_exploration *out)
{
    struct telling t;
    bool good = true;
    telling_start(&t);
    fl_tell_placement(stage, t.to);
    while (good && next_line(&trace, line)) {
        if (line->number == 0) continue;
        const uint32_t move = move_of(stage, position, bounds->timeouts, line);
        good = move != 0;
        if (good) fl_tell_move(stage, position, move, ++out->events, t.to);
    }
    out->trace = telling_end(&t);
    if (good) judge(stage, position, at_rest(stage, position, bounds->drops), out);
    return good;
}

char *fl_explore_replay(const struct fl_config *config, const char *trace,
                        const struct fl_bounds *bounds, struct fl_exploration *out)
{
    char wrong[FL_MOVE_TEXT + 64];
    struct placing p;
    *out = (struct fl_exploration){0};
    placing_start(&p, config);
    bool placed = false, followed = false;
    do {
        uint32_t sent, edges, position[FL_POSITION_MAX];
        struct fl_stage *stage = fl_stage_open(&p.config, &sent, &edges);
        fl_position_start(stage, sent, edges, position);
        placed = same_placement(stage, trace);
        struct line line;
        followed = placed && follow(stage, position, trace, bounds, &line, out);
        if (placed && !followed)
            snprintf(wrong, sizeof wrong, "event %u cannot happen there: %.*s", out->events + 1,
                     (int)line.length, line.text);
        fl_stage_close(stage);
    } while (!placed && placing_next(&p));
    placing_end(&p);
    if (placed) return followed ? NULL : fl_strdup(wrong);
    return fl_strdup("no placement of the scenario's faults is the one the trace begins with");
}
