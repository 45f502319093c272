/* Exhaustive search, shortest ways first.
 *
 * A step of a model depends on its party's state and the event alone, so each is made once and
 * remembered; the search itself only moves numbers.
 *
 * Reduction. An event is silent if its party sends nothing, notes nothing and (if it is heard by a
 * rushing coalition) tells it nothing. Nobody else can tell whether a silent event has happened yet,
 * and it can always happen later, since what is on its way stays there: it moves to the right past
 * every event of other parties (Lipton, "Reduction: a method of proving properties of parallel
 * programs", CACM 18, 1975: receiving is a right mover). So all silent events of a party can be put
 * off until just before its next event that is not silent, or to the end. The search therefore goes
 * from position to position in turns: some silent events of one party, then one that is not. What the
 * checks have seen changes in events that are not silent only, and these keep their order: everything
 * that checks can see is still reached, by as many events. Never silent are
 * what a rushing coalition hears, timeouts before they are due, the edges of faults, and anything at a
 * party where these may come.
 *
 * Within a party a silent event m moves right past the last event L of its turn too, if L before m
 * does the same as m before L: the same words, notes and state. Then the turn with m is left out: the
 * one without it ends where m can still happen silently, with the same outcome. Each such turn goes
 * back to one with an event less, so that no circle of excuses arises. At rest the silent events left
 * are made up for. If no check has a last word, a message that changes nothing need not arrive: all
 * that can happen once it has come can happen if it never does. tests/unit/test_explore.c compares all this with the plain search. */
#include "sim/search.h"

#include <stdlib.h>
#include <string.h>

/* What a step comes to. */
struct outcome {
    uint32_t state, coalition; /* of its party; 0: the coalition's did not change */
    uint32_t sent;
    bool noted;
    struct fl_digest said;
};

/* Some silent events of one party and one more. */
struct turn {
    uint32_t first, count; /* moves */
    uint32_t before;       /* the party's state before the last of them */
    uint32_t inbox, timeouts;
    struct outcome last;
};
/* The turns of a party in a given state, and how few messages can be left when it is at rest:
 * UINT32_MAX if it never is. */
struct turns {
    uint32_t first, count;
    uint32_t left, rest_first, rest_count;
};

/* Where a party stands within a turn. */
struct corner {
    uint32_t state, inbox, depth;
    uint32_t from, by; /* the corner before, and the move from there */
    uint32_t ways;     /* 1 + the last corridor that leads here; 0: none */
};
struct corridor {                /* a silent move between corners */
    uint32_t from, to, by, next; /* next: as `ways` */
};

struct visit {
    uint32_t depth, parent, turn; /* parent 0: the start */
    bool done;
};
struct bucket {
    uint32_t *at, count, room;
};

enum seen_flag { REACHED = 1, AT_REST = 2, BROKEN_AT_REST = 4 };

struct search {
    struct fl_stage *stage;
    const struct fl_bounds *bounds;
    struct fl_exploration *out;
    uint32_t words, empty;

    struct fl_pool step_key, seen_key, turns_key;
    struct outcome *outcome;
    uint32_t outcomes, outcome_room;
    uint32_t *seen_after;
    uint32_t seens, seen_room;
    struct turns *turns;
    uint32_t turns_count, turns_room;
    struct turn *turn;
    uint32_t turn_count, turn_room;
    uint32_t *move;
    uint32_t move_count, move_room;

    struct corner *corner;
    uint32_t corners, corner_room;
    uint32_t *corner_slot; /* 1 + corner, by hash; 0 is free. Power of two, at most half full. */
    uint32_t corner_slots;
    struct corridor *corridor;
    uint32_t corridors, corridor_room;
    uint32_t *choice; /* moves of a party at one place */
    uint32_t choice_room;

    struct fl_pool position;
    struct visit *visit; /* by position - 1 */
    uint32_t visits, visit_room;
    struct bucket *bucket; /* positions by depth */
    uint32_t buckets, bucket_room;
    unsigned char *seen_flag; /* by seen: enum seen_flag */
    uint32_t seen_flags;

    bool judges_rest; /* some check has a last word */
    bool full;        /* no room for another position, or more within a party */
    bool found, found_at_rest;
    uint32_t found_depth, found_from, found_turn;
};

/* ------------------------------------------------------------------------------------------------
 * Steps, remembered
 * --------------------------------------------------------------------------------------------- */

static void prepare(struct search *x, uint32_t party, uint32_t state, uint32_t coalition,
                    uint32_t seen)
{
    fl_stage_load(x->stage, party, state);
    fl_stage_load(x->stage, 0, coalition);
    fl_stage_load_seen(x->stage, seen);
}

static struct outcome make(struct search *x, uint32_t party, uint32_t coalition, uint32_t move)
{
    const struct fl_did did = fl_stage_do(x->stage, move);
    struct outcome o = {.sent = did.sent, .noted = did.noted, .said = did.said};
    o.state = fl_stage_save(x->stage, party);
    const uint32_t now = party > 0 && x->stage->world->rushing ? fl_stage_save(x->stage, 0)
                                                               : coalition;
    if (now != coalition) o.coalition = now;
    x->out->steps++;
    return o;
}

static void mind_memory(struct search *x)
{
    const struct fl_stage *s = x->stage;
    if (s->state.bytes + s->seen.bytes <= FL_EXPLORE_BYTES) return;
    x->out->cut |= FL_CUT_BYTES;
    x->full = true;
}

/* `position` says what the coalition knows and the checks have seen; the party's state is `state`. */
static struct outcome step(struct search *x, const uint32_t *position, uint32_t party,
                           uint32_t state, uint32_t move)
{
    const uint32_t coalition = party > 0 ? position[fl_at(0, FL_OF_STATE)] : state;
    const uint32_t key[4] = {party, state, x->stage->heeded ? coalition : 0, move};
    const uint32_t number = fl_pool_put(&x->step_key, key, sizeof key);
    if (number <= x->outcomes) return x->outcome[number - 1];
    prepare(x, party, state, coalition, position[FL_AT_SEEN]);
    const struct outcome o = make(x, party, coalition, move);
    mind_memory(x);
    x->outcome = fl_grow(x->outcome, x->outcomes, &x->outcome_room, sizeof *x->outcome);
    return x->outcome[x->outcomes++] = o;
}

/* What the checks have seen after that step: it is made again if need be, before these checks. */
static uint32_t seen_after(struct search *x, const uint32_t *position, uint32_t party,
                           uint32_t state, uint32_t move)
{
    const uint32_t coalition = party > 0 ? position[fl_at(0, FL_OF_STATE)] : state;
    const uint32_t key[5] = {party, state, x->stage->heeded ? coalition : 0, move,
                             position[FL_AT_SEEN]};
    const uint32_t number = fl_pool_put(&x->seen_key, key, sizeof key);
    if (number <= x->seens) return x->seen_after[number - 1];
    prepare(x, party, state, coalition, position[FL_AT_SEEN]);
    make(x, party, coalition, move);
    mind_memory(x);
    x->seen_after = fl_grow(x->seen_after, x->seens, &x->seen_room, sizeof *x->seen_after);
    return x->seen_after[x->seens++] = fl_stage_save_seen(x->stage);
}

/* ------------------------------------------------------------------------------------------------
 * Turns of one party
 * --------------------------------------------------------------------------------------------- */

static enum fl_armed armed(const struct search *x, uint32_t party, uint32_t state, uint32_t move)
{
    const struct fl_move *m = fl_stage_move(x->stage, move);
    if (m->kind != FL_MOVE_TIMER) return FL_UNARMED;
    const unsigned char *timer = fl_stage_view(x->stage, party, state).timer;
    uint32_t k = 0;
    for (uint32_t t = 0; t < m->index; t++)
        k += x->stage->party[x->stage->world->timer[t].endpoint] == party;
    return timer[k];
}

static bool silent(const struct search *x, uint32_t party, uint32_t state, uint32_t move,
                   const struct outcome *o)
{
    const bool heard = party == 0 && x->stage->world->rushing;
    return !heard && !x->bounds->every_order && !x->stage->edged[party] && o->sent == x->empty &&
           !o->noted && o->coalition == 0 && armed(x, party, state, move) != FL_ARMED;
}

static uint32_t inbox_after(struct search *x, uint32_t inbox, uint32_t move)
{
    return fl_list_without(x->stage, inbox, move);
}

static uint32_t *corner_slot(struct search *x, const struct corner *like)
{
    const uint32_t key[2] = {like->state, like->inbox}, mask = x->corner_slots - 1;
    uint32_t i = (uint32_t)XXH3_64bits(key, sizeof key) & mask;
    for (; x->corner_slot[i]; i = (i + 1) & mask) {
        const struct corner *c = &x->corner[x->corner_slot[i] - 1];
        if (c->state == like->state && c->inbox == like->inbox) break;
    }
    return &x->corner_slot[i];
}

static void clear_corners(struct search *x, uint32_t slots)
{
    x->corner_slot = fl_realloc(x->corner_slot, slots, sizeof *x->corner_slot);
    memset(x->corner_slot, 0, slots * sizeof *x->corner_slot);
    x->corner_slots = slots;
}

static uint32_t corner_at(struct search *x, const struct corner *like)
{
    if (2 * (x->corners + 1) > x->corner_slots) {
        clear_corners(x, 2 * x->corner_slots);
        for (uint32_t i = 0; i < x->corners; i++) *corner_slot(x, &x->corner[i]) = i + 1;
    }
    uint32_t *slot = corner_slot(x, like);
    if (*slot) return *slot - 1;
    x->corner = fl_grow(x->corner, x->corners, &x->corner_room, sizeof *x->corner);
    x->corner[x->corners] = *like;
    *slot = ++x->corners;
    return *slot - 1;
}

static const uint32_t *choices(struct search *x, const uint32_t *position, uint32_t party,
                               uint32_t *count)
{
    const bool timeout = position[FL_AT_TIMEOUTS] < x->bounds->timeouts;
    *count = fl_party_moves(x->stage, position, party, timeout, NULL);
    if (*count > x->choice_room)
        x->choice = fl_realloc(x->choice, x->choice_room = 2 * *count, sizeof *x->choice);
    fl_party_moves(x->stage, position, party, timeout, x->choice);
    return x->choice;
}

/* The moves that lead to a corner, in order, are appended to x->move. */
static void append_way(struct search *x, uint32_t corner)
{
    const uint32_t depth = x->corner[corner].depth;
    for (uint32_t i = 0; i < depth; i++) {
        x->move = fl_grow(x->move, x->move_count, &x->move_room, sizeof *x->move);
        x->move_count++;
    }
    for (uint32_t i = depth; i > 0; i--, corner = x->corner[corner].from)
        x->move[x->move_count - depth + i - 1] = x->corner[corner].by;
}

static void append_turn(struct search *x, uint32_t corner, uint32_t move, uint32_t party,
                        const struct outcome *o)
{
    struct turn t = {.first = x->move_count,
                     .count = x->corner[corner].depth + 1,
                     .before = x->corner[corner].state,
                     .last = *o};
    t.timeouts = armed(x, party, t.before, move) == FL_ARMED;
    t.inbox = inbox_after(x, x->corner[corner].inbox, move);
    append_way(x, corner);
    x->move = fl_grow(x->move, x->move_count, &x->move_room, sizeof *x->move);
    x->move[x->move_count++] = move;
    x->turn = fl_grow(x->turn, x->turn_count, &x->turn_room, sizeof *x->turn);
    x->turn[x->turn_count++] = t;
}

/* Does `last`, made before the silent move of the corridor instead of after it, do the same? */
static bool commutes(struct search *x, const uint32_t *position, uint32_t party,
                     const struct corridor *c, uint32_t last, const struct outcome *after)
{
    const uint32_t from = x->corner[c->from].state, to = x->corner[c->to].state;
    if (armed(x, party, from, last) != armed(x, party, to, last)) return false;
    const struct outcome o = step(x, position, party, from, last);
    if (o.sent != after->sent || o.noted != after->noted || o.coalition != after->coalition ||
        !fl_digest_equal(o.said, after->said) ||
        armed(x, party, from, c->by) != armed(x, party, o.state, c->by))
        return false;
    uint32_t then[FL_POSITION_MAX]; /* in which the coalition has heard `last` */
    memcpy(then, position, x->words * sizeof *then);
    if (o.coalition) then[fl_at(0, FL_OF_STATE)] = o.coalition;
    const struct outcome put_off = step(x, then, party, o.state, c->by);
    return silent(x, party, o.state, c->by, &put_off) && put_off.state == after->state;
}

static bool can_do_with_less(struct search *x, const uint32_t *position, uint32_t party,
                             uint32_t corner, uint32_t move, const struct outcome *o)
{
    for (uint32_t i = x->corner[corner].ways; i > 0; i = x->corridor[i - 1].next) {
        const struct corridor c = x->corridor[i - 1];
        if (x->corner[c.from].depth < x->corner[corner].depth &&
            commutes(x, position, party, &c, move, o))
            return true;
    }
    return false;
}

/* A silent move: to another corner, unless it changes nothing. */
static void walk(struct search *x, uint32_t corner, uint32_t move, const struct outcome *o)
{
    const struct corner to = {.state = o->state,
                              .inbox = inbox_after(x, x->corner[corner].inbox, move),
                              .depth = x->corner[corner].depth + 1,
                              .from = corner,
                              .by = move};
    struct corridor c = {.from = corner, .to = corner_at(x, &to), .by = move};
    c.next = x->corner[c.to].ways;
    x->corridor = fl_grow(x->corridor, x->corridors, &x->corridor_room, sizeof *x->corridor);
    x->corridor[x->corridors++] = c;
    x->corner[c.to].ways = x->corridors;
}

/* Corners first, so that all ways to a corner are known when its last moves are judged. */
static void walk_silently(struct search *x, uint32_t *position, uint32_t party)
{
    x->corridors = 0;
    x->corners = 0;
    clear_corners(x, 64);
    corner_at(x, &(struct corner){.state = position[fl_at(party, FL_OF_STATE)],
                                  .inbox = position[fl_at(party, FL_OF_INBOX)]});
    for (uint32_t i = 0; i < x->corners && !x->full; i++) {
        uint32_t count;
        if (x->corners > x->bounds->states) x->full = true;
        position[fl_at(party, FL_OF_STATE)] = x->corner[i].state;
        position[fl_at(party, FL_OF_INBOX)] = x->corner[i].inbox;
        const uint32_t *move = choices(x, position, party, &count);
        for (uint32_t k = 0; k < count; k++) {
            const struct outcome o = step(x, position, party, x->corner[i].state, move[k]);
            if (!silent(x, party, x->corner[i].state, move[k], &o)) continue;
            if (o.state != x->corner[i].state || x->judges_rest) walk(x, i, move[k], &o);
        }
    }
}

static void end_turns(struct search *x, uint32_t *position, uint32_t party, uint32_t corner)
{
    uint32_t count;
    const uint32_t state = x->corner[corner].state;
    position[fl_at(party, FL_OF_STATE)] = state;
    position[fl_at(party, FL_OF_INBOX)] = x->corner[corner].inbox;
    const uint32_t *move = choices(x, position, party, &count);
    for (uint32_t k = 0; k < count; k++) {
        const struct outcome o = step(x, position, party, state, move[k]);
        if (silent(x, party, state, move[k], &o)) continue;
        if (can_do_with_less(x, position, party, corner, move[k], &o))
            x->out->reduced++;
        else
            append_turn(x, corner, move[k], party, &o);
    }
}

/* The corner with the fewest messages left, if its timers are still. A node that is down waits for
 * nothing. */
static void find_rest(struct search *x, uint32_t party, struct turns *turns)
{
    uint32_t best = UINT32_MAX;
    turns->left = UINT32_MAX;
    for (uint32_t i = 0; i < x->corners; i++) {
        uint32_t count;
        fl_stage_list(x->stage, x->corner[i].inbox, &count);
        if (fl_party_has_timer(x->stage, party, x->corner[i].state)) continue;
        if (fl_stage_view(x->stage, party, x->corner[i].state).down) count = 0;
        if (count >= turns->left) continue;
        turns->left = count;
        best = i;
    }
    turns->rest_first = x->move_count;
    if (best == UINT32_MAX) return;
    append_way(x, best);
    turns->rest_count = x->move_count - turns->rest_first;
}

static struct turns turns_of(struct search *x, const uint32_t *at, uint32_t party)
{
    const uint32_t key[6] = {party,
                             at[fl_at(party, FL_OF_STATE)],
                             at[fl_at(party, FL_OF_INBOX)],
                             at[fl_at(party, FL_OF_WORDS)],
                             x->stage->heeded ? at[fl_at(0, FL_OF_STATE)] : 0,
                             at[FL_AT_TIMEOUTS] < x->bounds->timeouts};
    const uint32_t number = fl_pool_put(&x->turns_key, key, sizeof key);
    if (number <= x->turns_count) return x->turns[number - 1];
    uint32_t position[FL_POSITION_MAX];
    memcpy(position, at, x->words * sizeof *position);
    struct turns turns = {.first = x->turn_count};
    walk_silently(x, position, party);
    for (uint32_t i = 0; i < x->corners && !x->full; i++) end_turns(x, position, party, i);
    turns.count = x->turn_count - turns.first;
    find_rest(x, party, &turns);
    x->turns = fl_grow(x->turns, x->turns_count, &x->turns_room, sizeof *x->turns);
    return x->turns[x->turns_count++] = turns;
}

/* ------------------------------------------------------------------------------------------------
 * Positions
 * --------------------------------------------------------------------------------------------- */

static unsigned char *flags_of(struct search *x, uint32_t seen)
{
    if (seen >= x->seen_flags) {
        const uint32_t room = 2 * seen + 16;
        x->seen_flag = fl_realloc(x->seen_flag, room, 1);
        memset(x->seen_flag + x->seen_flags, 0, room - x->seen_flags);
        x->seen_flags = room;
    }
    return &x->seen_flag[seen];
}

static void add_seen(const struct search *x, uint32_t seen, uint64_t *count, struct fl_digest *sum)
{
    const struct fl_digest d = x->stage->seen.at[seen - 1].digest;
    sum->lo += d.lo;
    sum->hi += d.hi;
    *count += 1;
}

static void mark_reached(struct search *x, uint32_t seen)
{
    unsigned char *flags = flags_of(x, seen);
    if (!(*flags & REACHED)) add_seen(x, seen, &x->out->seen, &x->out->seen_sum);
    *flags |= REACHED;
}

/* Is a check broken if this is all it ever sees? */
static bool broken_at_rest(struct search *x, uint32_t seen)
{
    unsigned char *flags = flags_of(x, seen);
    if (!(*flags & AT_REST)) {
        add_seen(x, seen, &x->out->ends, &x->out->ends_sum);
        *flags |= AT_REST;
        if (fl_stage_broken_at_rest(x->stage, seen) != UINT32_MAX) *flags |= BROKEN_AT_REST;
    }
    return (*flags & BROKEN_AT_REST) != 0;
}

static void found(struct search *x, uint32_t depth, uint32_t from, uint32_t turn, bool at_rest)
{
    if (x->found && depth >= x->found_depth) return;
    x->found = true;
    x->found_at_rest = at_rest;
    x->found_depth = depth;
    x->found_from = from;
    x->found_turn = turn;
}

static void put_in_bucket(struct search *x, uint32_t depth, uint32_t number)
{
    while (x->buckets <= depth) {
        x->bucket = fl_grow(x->bucket, x->buckets, &x->bucket_room, sizeof *x->bucket);
        x->bucket[x->buckets++] = (struct bucket){0};
    }
    struct bucket *b = &x->bucket[depth];
    b->at = fl_grow(b->at, b->count, &b->room, sizeof *b->at);
    b->at[b->count++] = number;
}

/* A way to `position` of that many events. */
static void arrive(struct search *x, const uint32_t *position, uint32_t depth, uint32_t from,
                   uint32_t turn)
{
    const size_t bytes = x->words * sizeof *position;
    const uint32_t known = fl_pool_find(&x->position, position, bytes);
    x->out->transitions++;
    x->out->known += known != 0;
    if (depth > x->bounds->depth) {
        if (!known) x->out->cut |= FL_CUT_DEPTH;
        return;
    }
    if (!known && x->visits >= x->bounds->states) {
        x->full = true;
        return;
    }
    mark_reached(x, position[FL_AT_SEEN]);
    if (fl_stage_broken(x->stage, position[FL_AT_SEEN]) != UINT32_MAX) {
        found(x, depth, from, turn, false);
        return;
    }
    const struct visit visit = {.depth = depth, .parent = from, .turn = turn};
    if (!known) {
        x->visit = fl_grow(x->visit, x->visits, &x->visit_room, sizeof *x->visit);
        x->visit[x->visits++] = visit;
        put_in_bucket(x, depth, fl_pool_put(&x->position, position, bytes));
    } else if (depth < x->visit[known - 1].depth) {
        FL_ASSERT(!x->visit[known - 1].done);
        x->visit[known - 1] = visit;
        put_in_bucket(x, depth, known);
    }
}

static void take_turn(struct search *x, const uint32_t *at, uint32_t from, uint32_t party,
                      uint32_t turn)
{
    const struct turn t = x->turn[turn];
    uint32_t position[FL_POSITION_MAX];
    memcpy(position, at, x->words * sizeof *position);
    if (t.last.noted)
        position[FL_AT_SEEN] = seen_after(x, at, party, t.before, x->move[t.first + t.count - 1]);
    position[FL_AT_TIMEOUTS] += t.timeouts;
    position[fl_at(party, FL_OF_STATE)] = t.last.state;
    position[fl_at(party, FL_OF_INBOX)] = t.inbox;
    if (t.last.coalition) position[fl_at(0, FL_OF_STATE)] = t.last.coalition;
    fl_position_send(x->stage, position, t.last.sent);
    arrive(x, position, x->visit[from - 1].depth + t.count, from, turn);
}

/* A fault's window concerns every party: it is made for real each time. */
static void take_edges(struct search *x, const uint32_t *at, uint32_t from)
{
    uint32_t edges;
    fl_stage_list(x->stage, at[FL_AT_EDGES], &edges);
    if (edges == 0) return;
    const uint32_t count = fl_position_moves(x->stage, at, 0, NULL);
    uint32_t *move = fl_alloc(count, sizeof *move);
    fl_position_moves(x->stage, at, 0, move);
    for (uint32_t i = 0; i < count && fl_stage_move(x->stage, move[i])->kind == FL_MOVE_FAULT;
         i++) {
        uint32_t position[FL_POSITION_MAX];
        memcpy(position, at, x->words * sizeof *position);
        fl_position_make(x->stage, position, move[i]);
        x->out->steps++;
        x->move = fl_grow(x->move, x->move_count, &x->move_room, sizeof *x->move);
        x->turn = fl_grow(x->turn, x->turn_count, &x->turn_room, sizeof *x->turn);
        x->turn[x->turn_count] = (struct turn){.first = x->move_count, .count = 1};
        x->move[x->move_count++] = move[i];
        arrive(x, position, x->visit[from - 1].depth + 1, from, x->turn_count++);
    }
    free(move);
}

/* With the last silent events made, and what is then left lost if there are not too many of them. */
static void rest(struct search *x, const uint32_t *at, uint32_t from)
{
    uint32_t left = 0, depth = x->visit[from - 1].depth;
    for (uint32_t p = 1; p < x->stage->parties; p++) {
        if (x->stage->corrupted[p]) continue;
        const struct turns t = turns_of(x, at, p);
        if (t.left > x->bounds->drops || left + t.left > x->bounds->drops) return;
        left += t.left;
        depth += t.rest_count;
    }
    if (depth > x->bounds->depth) {
        x->out->cut |= FL_CUT_DEPTH;
        return;
    }
    if (broken_at_rest(x, at[FL_AT_SEEN])) found(x, depth, from, UINT32_MAX, true);
}

static void expand(struct search *x, uint32_t number)
{
    uint32_t bytes;
    const uint32_t *at = fl_pool_get(&x->position, number, &bytes);
    if (x->judges_rest) rest(x, at, number);
    for (uint32_t p = 0; p < x->stage->parties; p++) {
        const struct turns t = turns_of(x, at, p);
        for (uint32_t i = 0; i < t.count; i++) take_turn(x, at, number, p, t.first + i);
    }
    take_edges(x, at, number);
}

/* False if the search cannot go on. */
static bool run_depth(struct search *x, uint32_t depth)
{
    for (uint32_t i = 0; i < x->bucket[depth].count; i++) {
        const uint32_t number = x->bucket[depth].at[i];
        struct visit *v = &x->visit[number - 1];
        if (v->done || v->depth != depth) continue;
        v->done = true;
        expand(x, number);
        if (x->full && !(x->out->cut & FL_CUT_BYTES)) x->out->cut |= FL_CUT_STATES;
        if (!fl_stage_whole(x->stage)) x->out->cut |= FL_CUT_LEDGER;
        if (x->full || !fl_stage_whole(x->stage)) return false;
    }
    return true;
}

/* All there is at one depth before anything deeper: what is found first is the shortest. */
static void run(struct search *x)
{
    uint32_t depth = 0;
    while (depth < x->buckets && !(x->found && x->found_depth <= depth) && run_depth(x, depth))
        depth++;
    const uint32_t done = depth > 0 ? depth - 1 : 0;
    if (done > x->out->depth) x->out->depth = done;
    if (x->out->cut && done < x->out->complete) x->out->complete = done;
}

/* ------------------------------------------------------------------------------------------------
 * The way to what was found
 * --------------------------------------------------------------------------------------------- */

static void way_back(const struct search *x, uint32_t turn, struct fl_found *out)
{
    const struct turn *t = &x->turn[turn];
    for (uint32_t i = t->count; i > 0; i--) out->move[--out->moves] = x->move[t->first + i - 1];
}

/* Filled in from its end. */
static struct fl_found found_way(struct search *x)
{
    struct fl_found out = {.broken = x->found, .at_rest = x->found_at_rest};
    if (!x->found) return out;
    out.move = fl_alloc(x->found_depth, sizeof *out.move);
    out.moves = x->found_depth;
    if (x->found_at_rest) {
        uint32_t bytes;
        const uint32_t *at = fl_pool_get(&x->position, x->found_from, &bytes);
        for (uint32_t p = x->stage->parties; p > 1; p--) {
            if (x->stage->corrupted[p - 1]) continue;
            const struct turns t = turns_of(x, at, p - 1);
            for (uint32_t i = t.rest_count; i > 0; i--)
                out.move[--out.moves] = x->move[t.rest_first + i - 1];
        }
    } else {
        way_back(x, x->found_turn, &out);
    }
    for (uint32_t i = x->found_from; x->visit[i - 1].parent; i = x->visit[i - 1].parent)
        way_back(x, x->visit[i - 1].turn, &out);
    FL_ASSERT(out.moves == 0);
    out.moves = x->found_depth;
    return out;
}

static void release(struct search *x)
{
    struct fl_pool *pool[] = {&x->step_key, &x->seen_key, &x->turns_key, &x->position};
    for (size_t i = 0; i < sizeof pool / sizeof *pool; i++) fl_pool_free(pool[i]);
    for (uint32_t i = 0; i < x->buckets; i++) free(x->bucket[i].at);
    void *owned[] = {x->outcome, x->corner_slot, x->seen_after, x->turns, x->turn,   x->move,
                     x->corner,  x->corridor,    x->choice,     x->visit, x->bucket, x->seen_flag};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

struct fl_found fl_search(struct fl_stage *stage, const uint32_t *start,
                          const struct fl_bounds *bounds, struct fl_exploration *out)
{
    struct search x = {.stage = stage,
                       .bounds = bounds,
                       .out = out,
                       .words = fl_position_words(stage),
                       .empty = fl_stage_list_number(stage, NULL, 0)};
    for (uint32_t i = 0; i < stage->config->check_count; i++)
        x.judges_rest |= stage->config->check[i].model->watch->finish != NULL;
    arrive(&x, start, 0, 0, 0);
    out->transitions--;
    run(&x);
    out->states += x.visits;
    const struct fl_found way = found_way(&x);
    release(&x);
    return way;
}
