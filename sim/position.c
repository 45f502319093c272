/* Positions of a search: what may happen there, and what comes of it. See search.h. */
#include "sim/search.h"

#include <stdlib.h>
#include <string.h>

/* --- lists of moves ---------------------------------------------------------------------------------- */

uint32_t fl_list_without(struct fl_stage *s, uint32_t list, uint32_t move)
{
    uint32_t count, kept = 0;
    const uint32_t *at = fl_stage_list(s, list, &count);
    uint32_t *left = fl_alloc(count, sizeof *left);
    bool gone = false;
    for (uint32_t i = 0; i < count; i++) {
        if (at[i] == move && !gone)
            gone = true;
        else
            left[kept++] = at[i];
    }
    const uint32_t number = gone ? fl_stage_list_number(s, left, kept) : list;
    free(left);
    return number;
}

/* In its place: lists are ascending. */
static uint32_t with(struct fl_stage *s, uint32_t list, uint32_t move, bool once)
{
    uint32_t count, i = 0;
    const uint32_t *at = fl_stage_list(s, list, &count);
    while (i < count && at[i] < move) i++;
    if (once && i < count && at[i] == move) return list;
    uint32_t *more = fl_alloc((size_t)count + 1, sizeof *more);
    if (count > 0) memcpy(more, at, i * sizeof *more);
    more[i] = move;
    if (count > i) memcpy(more + i + 1, at + i, (count - i) * sizeof *more);
    const uint32_t number = fl_stage_list_number(s, more, count + 1);
    free(more);
    return number;
}

static bool holds(const struct fl_stage *s, uint32_t list, uint32_t move)
{
    uint32_t count;
    const uint32_t *at = fl_stage_list(s, list, &count);
    for (uint32_t i = 0; i < count; i++)
        if (at[i] == move) return true;
    return false;
}

/* --- positions --------------------------------------------------------------------------------------- */

/* What a corrupted member says to others need never arrive, and may arrive again. */
void fl_position_send(struct fl_stage *s, uint32_t *position, uint32_t sent)
{
    uint32_t count;
    const uint32_t *move = fl_stage_list(s, sent, &count);
    for (uint32_t i = 0; i < count; i++) {
        const struct fl_move *m = fl_stage_move(s, move[i]);
        const uint32_t to = s->party[m->endpoint];
        const bool word = s->corrupted[s->party[m->msg.from.i]] && !s->corrupted[to];
        uint32_t *list = &position[fl_at(to, word ? FL_OF_WORDS : FL_OF_INBOX)];
        *list = with(s, *list, move[i], word);
    }
}

void fl_position_start(struct fl_stage *s, uint32_t sent, uint32_t edges, uint32_t *position)
{
    const uint32_t empty = fl_stage_list_number(s, NULL, 0);
    position[FL_AT_SEEN] = fl_stage_save_seen(s);
    position[FL_AT_TIMEOUTS] = 0;
    position[FL_AT_EDGES] = edges;
    for (uint32_t p = 0; p < s->parties; p++) {
        position[fl_at(p, FL_OF_STATE)] = fl_stage_save(s, p);
        position[fl_at(p, FL_OF_INBOX)] = position[fl_at(p, FL_OF_WORDS)] = empty;
    }
    fl_position_send(s, position, sent);
}

static uint32_t distinct(const struct fl_stage *s, uint32_t list, uint32_t *move)
{
    uint32_t count, found = 0;
    const uint32_t *at = fl_stage_list(s, list, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && at[i] == at[i - 1]) continue;
        if (move) move[found] = at[i];
        found++;
    }
    return found;
}

uint32_t fl_party_moves(const struct fl_stage *s, const uint32_t *position, uint32_t party,
                        bool timeout, uint32_t *move)
{
    uint32_t found = distinct(s, position[fl_at(party, FL_OF_INBOX)], move);
    found += distinct(s, position[fl_at(party, FL_OF_WORDS)], move ? move + found : NULL);
    const struct fl_party_view view = fl_stage_view(s, party, position[fl_at(party, FL_OF_STATE)]);
    for (uint32_t t = 0, k = 0; t < s->world->timer_count; t++) {
        const struct fl_timer *timer = &s->world->timer[t];
        if (s->party[timer->endpoint] != party) continue;
        const enum fl_armed armed = view.timer[k++];
        if (armed != FL_DUE && !(armed == FL_ARMED && timeout)) continue;
        if (move) move[found] = s->timer_move[t];
        found++;
    }
    return found;
}

bool fl_party_has_timer(const struct fl_stage *s, uint32_t party, uint32_t state)
{
    const unsigned char *timer = fl_stage_view(s, party, state).timer;
    for (uint32_t t = 0; t < s->world->timer_count; t++)
        if (s->party[s->world->timer[t].endpoint] == party && *timer++ != FL_UNARMED) return true;
    return false;
}

/* First it opens. */
static bool edge_may_come(const struct fl_stage *s, const uint32_t *position, uint32_t edge)
{
    const struct fl_move *m = fl_stage_move(s, edge);
    const struct fl_move opens = {.kind = FL_MOVE_FAULT, .index = m->index, .edge = FL_EDGE_OPENS};
    const uint32_t number = fl_pool_find(&s->move, &opens, sizeof opens);
    return number == 0 || edge == number || !holds(s, position[FL_AT_EDGES], number);
}

uint32_t fl_position_moves(const struct fl_stage *s, const uint32_t *position, uint32_t timeouts,
                           uint32_t *move)
{
    const bool timeout = position[FL_AT_TIMEOUTS] < timeouts;
    uint32_t count, found = 0;
    const uint32_t *edge = fl_stage_list(s, position[FL_AT_EDGES], &count);
    for (uint32_t i = 0; i < count; i++) {
        if (!edge_may_come(s, position, edge[i])) continue;
        if (move) move[found] = edge[i];
        found++;
    }
    for (uint32_t p = 0; p < s->parties; p++)
        found += fl_party_moves(s, position, p, timeout, move ? move + found : NULL);
    return found;
}

static bool is_timeout(const struct fl_stage *s, const struct fl_move *m)
{
    return m->kind == FL_MOVE_TIMER && s->timer[m->index] != FL_DUE;
}

struct fl_did fl_position_make(struct fl_stage *s, uint32_t *position, uint32_t move)
{
    const struct fl_move m = *fl_stage_move(s, move);
    for (uint32_t p = 0; p < s->parties; p++) fl_stage_load(s, p, position[fl_at(p, FL_OF_STATE)]);
    fl_stage_load_seen(s, position[FL_AT_SEEN]);
    position[FL_AT_TIMEOUTS] += is_timeout(s, &m);
    if (m.kind == FL_MOVE_HEAR) {
        uint32_t *inbox = &position[fl_at(s->party[m.endpoint], FL_OF_INBOX)];
        *inbox = fl_list_without(s, *inbox, move);
    }
    position[FL_AT_EDGES] = fl_list_without(s, position[FL_AT_EDGES], move);
    const struct fl_did did = fl_stage_do(s, move);
    for (uint32_t p = 0; p < s->parties; p++) position[fl_at(p, FL_OF_STATE)] = fl_stage_save(s, p);
    position[FL_AT_SEEN] = fl_stage_save_seen(s);
    uint32_t count;
    const uint32_t *edge = fl_stage_list(s, did.edges, &count);
    for (uint32_t i = 0; i < count; i++)
        position[FL_AT_EDGES] = with(s, position[FL_AT_EDGES], edge[i], true);
    fl_position_send(s, position, did.sent);
    return did;
}
