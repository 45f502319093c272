/* A world taken out of time: see stage.h. */
#include "sim/stage.h"
#include "sim/network.h"

#include <stdlib.h>
#include <string.h>

/* --- what can change: to bytes and back -------------------------------------------------------------- */

/* What a state holds of a node; then follow one byte for each timer of the party, its layers' states,
 * and for party 0 those of the faults. */
struct kept_node {
    uint64_t keep_from;
    fl_version view, head, final, pin;
    uint32_t down, started;
};
/* Of the checks: what they read of the world, then their states. */
struct kept_seen {
    uint64_t height;
    fl_version newest;
    uint32_t zero;
};

/* One walk over the parts of a party for both ways: from the world to `to`, or, if that is NULL, from
 * `from` to the world. */
struct copying {
    unsigned char *to;
    const unsigned char *from;
};

static void copy(struct copying *c, void *part, size_t bytes)
{
    if (bytes == 0) return;
    if (c->to) {
        memcpy(c->to, part, bytes);
        c->to += bytes;
    } else {
        memcpy(part, c->from, bytes);
        c->from += bytes;
    }
}

static void copy_node(struct copying *c, struct fl_node *n)
{
    struct kept_node k = {.keep_from = n->keep_from,
                          .view = n->view,
                          .head = n->head,
                          .final = n->final,
                          .pin = n->pin,
                          .down = n->down,
                          .started = n->started};
    copy(c, &k, sizeof k);
    n->keep_from = k.keep_from;
    n->view = k.view;
    n->head = k.head;
    n->final = k.final;
    n->pin = k.pin;
    n->down = k.down;
    n->started = k.started != 0;
}

static void copy_timers(struct copying *c, struct fl_stage *s, uint32_t party)
{
    for (uint32_t t = 0; t < s->world->timer_count; t++) {
        if (s->party[s->world->timer[t].endpoint] != party) continue;
        copy(c, &s->timer[t], 1);
        s->world->timer[t].armed = s->timer[t] != FL_UNARMED;
    }
}

/* Whom it holds, and its model's memory. */
static void copy_fault(struct copying *c, struct fl_world *w, uint32_t index)
{
    struct fl_fault_state *f = &w->fault[index];
    uint32_t kept[3] = {f->active, f->coalition.count, f->round};
    copy(c, kept, sizeof kept);
    f->active = kept[0] != 0;
    f->coalition.count = kept[1];
    f->round = kept[2];
    copy(c, f->held, f->coalition.count * sizeof *f->held);
    for (uint32_t i = 0; i < f->coalition.count; i++)
        f->self[i] = &w->actor[(size_t)f->held[i] * FL_LAYERS].self;
    copy(c, f->state, f->state_bytes);
}

static void copy_party(struct copying *c, struct fl_stage *s, uint32_t party)
{
    struct fl_world *w = s->world;
    for (uint32_t e = 0; e < s->endpoints; e++)
        if (s->party[e] == party) copy_node(c, &w->node[e]);
    copy_timers(c, s, party);
    for (uint32_t e = 0; e < s->endpoints; e++)
        for (uint32_t f = 1; s->party[e] == party && f < FL_LAYERS; f++) {
            struct fl_actor *a = fl_actor_at(w, e, f);
            if (a->model) copy(c, a->state, a->state_bytes);
        }
    for (uint32_t i = 0; i < w->config->fault_count; i++)
        if (s->keeper[i] == party) copy_fault(c, w, i);
}

static void copy_seen(struct copying *c, struct fl_stage *s)
{
    struct fl_world *w = s->world;
    struct kept_seen k = {.height = w->newest_height, .newest = w->newest};
    copy(c, &k, sizeof k);
    w->newest_height = k.height;
    w->newest = k.newest;
    for (uint32_t i = 0; i < w->config->check_count; i++) {
        const struct fl_part *check = &w->config->check[i];
        copy(c, w->check[i].state,
             check->model->watch->state_bytes(check->params, &w->config->facts));
    }
}

/* Room for the largest of all. */
static size_t scratch_bytes(const struct fl_stage *s)
{
    const struct fl_world *w = s->world;
    size_t party = w->states_bytes + s->endpoints * sizeof(struct kept_node) + w->timer_count;
    for (uint32_t i = 0; i < w->config->fault_count; i++)
        party += (3 + w->config->fault[i].count) * sizeof(uint32_t) + w->fault[i].state_bytes;
    size_t seen = sizeof(struct kept_seen);
    for (uint32_t i = 0; i < w->config->check_count; i++) {
        const struct fl_part *check = &w->config->check[i];
        seen += check->model->watch->state_bytes(check->params, &w->config->facts);
    }
    return party > seen ? party : seen;
}

uint32_t fl_stage_save(struct fl_stage *s, uint32_t party)
{
    if (s->loaded[party] != 0) return s->loaded[party];
    struct copying c = {.to = s->scratch};
    copy_party(&c, s, party);
    return s->loaded[party] = fl_pool_put(&s->state, s->scratch, (size_t)(c.to - s->scratch));
}

void fl_stage_load(struct fl_stage *s, uint32_t party, uint32_t state)
{
    uint32_t bytes;
    if (s->loaded[party] == state) return;
    const unsigned char *kept = fl_pool_get(&s->state, state, &bytes);
    struct copying c = {.from = kept};
    copy_party(&c, s, party);
    FL_ASSERT(c.from == kept + bytes);
    s->loaded[party] = state;
}

static uint32_t broken_now(const struct fl_stage *s)
{
    const struct fl_config *config = s->world->config;
    for (uint32_t i = 0; i < config->check_count; i++) {
        const struct fl_part *check = &config->check[i];
        if (check->model->watch->verdict(check->params, s->world->check[i].state).kind == FL_BROKEN)
            return i;
    }
    return UINT32_MAX;
}

uint32_t fl_stage_save_seen(struct fl_stage *s)
{
    if (s->loaded_seen != 0) return s->loaded_seen;
    struct copying c = {.to = s->scratch};
    copy_seen(&c, s);
    s->loaded_seen = fl_pool_put(&s->seen, s->scratch, (size_t)(c.to - s->scratch));
    if (s->loaded_seen > s->broken_count) {
        s->broken = fl_grow(s->broken, s->broken_count, &s->broken_room, sizeof *s->broken);
        s->broken[s->broken_count++] = broken_now(s);
    }
    return s->loaded_seen;
}

void fl_stage_load_seen(struct fl_stage *s, uint32_t seen)
{
    uint32_t bytes;
    if (s->loaded_seen == seen) return;
    const unsigned char *kept = fl_pool_get(&s->seen, seen, &bytes);
    struct copying c = {.from = kept};
    copy_seen(&c, s);
    FL_ASSERT(c.from == kept + bytes);
    s->loaded_seen = seen;
}

uint32_t fl_stage_broken(const struct fl_stage *s, uint32_t seen)
{
    FL_ASSERT(seen > 0 && seen <= s->broken_count);
    return s->broken[seen - 1];
}

uint32_t fl_stage_broken_at_rest(struct fl_stage *s, uint32_t seen)
{
    fl_stage_load_seen(s, seen);
    free(s->world->verdict);
    fl_checks_finish(s->world);
    s->loaded_seen = 0;
    for (uint32_t i = 0; i < s->world->config->check_count; i++)
        if (s->world->verdict[i].kind == FL_BROKEN) return i;
    return UINT32_MAX;
}

struct fl_party_view fl_stage_view(const struct fl_stage *s, uint32_t party, uint32_t state)
{
    uint32_t bytes, nodes = 0;
    const unsigned char *kept = fl_pool_get(&s->state, state, &bytes);
    for (uint32_t e = 0; e < s->endpoints; e++) nodes += s->party[e] == party;
    struct kept_node first = {.down = 0};
    if (nodes > 0) memcpy(&first, kept, sizeof first);
    return (struct fl_party_view){.down = first.down > 0, .timer = kept + nodes * sizeof first};
}

/* --- moves --------------------------------------------------------------------------------------------- */

const struct fl_move *fl_stage_move(const struct fl_stage *s, uint32_t move)
{
    uint32_t bytes;
    return fl_pool_get(&s->move, move, &bytes);
}

uint32_t fl_stage_move_number(struct fl_stage *s, const struct fl_move *move)
{
    return fl_pool_put(&s->move, move, sizeof *move);
}

uint32_t fl_stage_list_number(struct fl_stage *s, const uint32_t *moves, uint32_t count)
{
    return fl_pool_put(&s->list, moves, count * sizeof *moves);
}

static int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void add_sent(struct fl_stage *s, const struct fl_msg *msg, uint32_t to)
{
    s->sent = fl_grow(s->sent, s->sent_count, &s->sent_room, sizeof *s->sent);
    s->sent[s->sent_count++] = (struct fl_move){.kind = FL_MOVE_HEAR, .endpoint = to, .msg = *msg};
}

/* Are the two one thing said to different members, perhaps with different contents? */
static bool same_occasion(const struct fl_msg *a, const struct fl_msg *b)
{
    return a->from.i == b->from.i && a->family == b->family && a->kind == b->kind &&
           memcmp(a->word, b->word, sizeof a->word) == 0;
}

static bool has_sent(const struct fl_stage *s, const struct fl_msg *msg, uint32_t to)
{
    for (uint32_t i = 0; i < s->sent_count; i++)
        if (s->sent[i].endpoint == to && memcmp(&s->sent[i].msg, msg, sizeof *msg) == 0)
            return true;
    return false;
}

/* A liar that tells one member this and another that could as well have told them the other way
 * round, or both: whatever it says to one on an occasion it may say to all whom it addresses then. */
static void add_other_splits(struct fl_stage *s)
{
    const uint32_t count = s->sent_count;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++) {
            const struct fl_msg msg = s->sent[i].msg; /* the array may move */
            if (s->corrupted[s->party[msg.from.i]] && same_occasion(&msg, &s->sent[j].msg) &&
                !has_sent(s, &msg, s->sent[j].endpoint))
                add_sent(s, &msg, s->sent[j].endpoint);
        }
}

static uint32_t sent_list(struct fl_stage *s)
{
    add_other_splits(s);
    uint32_t *move = fl_alloc(s->sent_count, sizeof *move);
    for (uint32_t i = 0; i < s->sent_count; i++) move[i] = fl_stage_move_number(s, &s->sent[i]);
    qsort(move, s->sent_count, sizeof *move, ascending);
    const uint32_t list = fl_stage_list_number(s, move, s->sent_count);
    free(move);
    return list;
}

/* --- one step ---------------------------------------------------------------------------------------- */

static enum fl_entry_kind kind_of(struct fl_entry e)
{
    return e.what >> FL_ENTRY_INDEX_BITS;
}
static uint32_t index_of(struct fl_entry e)
{
    return e.what & ((1u << FL_ENTRY_INDEX_BITS) - 1);
}

/* A look by which a fault would be triggered stands for the trigger itself; others tell nothing. That a
 * fault which comes and goes comes again is not explored. */
static void add_edge(struct fl_stage *s, uint32_t fault, uint32_t edge)
{
    const enum fl_fault_edge kind = edge & FL_EDGE_MASK;
    struct fl_move move = {.kind = FL_MOVE_FAULT, .index = fault, .edge = edge};
    if (kind == FL_EDGE_LEARNS) return;
    if (kind == FL_EDGE_LOOKS) {
        if (s->config->fault[fault].when.observable == UINT32_MAX) return;
        move.edge = FL_EDGE_OPENS;
    }
    if (move.edge == FL_EDGE_OPENS && s->world->begun) return;
    s->edge = fl_grow(s->edge, s->edge_count, &s->edge_room, sizeof *s->edge);
    s->edge[s->edge_count++] = fl_stage_move_number(s, &move);
}

/* What the step has put into the queue is taken out again: messages go to `sent`, timers are armed or
 * due, edges of faults to `edge`. */
static void take_entry(struct fl_stage *s, struct fl_entry e)
{
    struct fl_world *w = s->world;
    const uint32_t index = index_of(e);
    switch (kind_of(e)) {
    case FL_ENTRY_DELIVERY:
        if (!s->deaf[e.whom]) add_sent(s, &w->body[index].msg, e.whom);
        fl_body_drop(w, index);
        return;
    case FL_ENTRY_TIMER:
        if (w->timer[index].epoch == e.whom) s->timer[index] = e.at > 0 ? FL_ARMED : FL_DUE;
        return;
    case FL_ENTRY_FAULT:
        if (!w->fault[index].side) add_edge(s, index, e.whom);
        return;
    case FL_ENTRY_IDLE: /* nobody waits: nothing costs time here */
    case FL_ENTRY_DEPARTURE:
    case FL_ENTRY_FAILOVER: /* a client stays with its replica */
        return;
    }
    FL_UNREACHABLE("queue entry");
}

/* Empties the queue. */
static void take_queue(struct fl_stage *s)
{
    struct fl_world *w = s->world;
    s->sent_count = s->edge_count = 0;
    for (uint32_t t = 0; t < w->timer_count; t++)
        if (!w->timer[t].armed) s->timer[t] = FL_UNARMED;
    while (fl_queue_next(&w->queue) != FL_FOREVER) take_entry(s, fl_queue_pop(&w->queue));
    fl_queue_free(&w->queue);
    fl_queue_init(&w->queue);
}

static uint32_t edge_list(struct fl_stage *s)
{
    if (s->edge_count > 0) qsort(s->edge, s->edge_count, sizeof *s->edge, ascending);
    return fl_stage_list_number(s, s->edge, s->edge_count);
}

static void handle(struct fl_stage *s, const struct fl_move *move)
{
    struct fl_world *w = s->world;
    switch ((enum fl_move_kind)move->kind) {
    case FL_MOVE_HEAR: {
        w->cause = FL_NO_RECORD;
        const uint32_t body = fl_network_brings(w, &move->msg);
        fl_handle(w, (struct fl_entry){0, fl_entry_what(FL_ENTRY_DELIVERY, body), move->endpoint});
        return;
    }
    case FL_MOVE_TIMER:
        fl_handle(w, (struct fl_entry){0, fl_entry_what(FL_ENTRY_TIMER, move->index),
                                       w->timer[move->index].epoch});
        return;
    case FL_MOVE_FAULT:
        fl_handle(w, (struct fl_entry){0, fl_entry_what(FL_ENTRY_FAULT, move->index), move->edge});
        return;
    }
    FL_UNREACHABLE("move");
}

/* Of records from `first` on: what they say and of whom, not when or why. */
static struct fl_digest digest_of_notes(const struct fl_world *w, uint32_t first)
{
    struct fl_digest d = {0, 0};
    for (uint32_t id = first; id <= fl_records_count(w->records); id++) {
        struct fl_record r = *fl_records_get(w->records, id);
        r.at = 0;
        r.parent = FL_NO_RECORD;
        const struct fl_digest pair[2] = {d, fl_digest_of(&r, sizeof r)};
        d = fl_digest_of(pair, sizeof pair);
    }
    return d;
}

static void forget_loaded(struct fl_stage *s, const struct fl_move *move)
{
    if (move->kind == FL_MOVE_FAULT)
        memset(s->loaded, 0, s->parties * sizeof *s->loaded);
    else
        s->loaded[s->party[move->endpoint]] = 0;
    if (s->world->rushing) s->loaded[0] = 0;
}

struct fl_did fl_stage_do(struct fl_stage *s, uint32_t number)
{
    struct fl_world *w = s->world;
    const struct fl_move move = *fl_stage_move(s, number);
    const uint32_t records = fl_records_count(w->records), head = w->node[move.endpoint].head.i;
    for (uint32_t e = 0; e < s->endpoints; e++) w->node[e].busy_until = 0;
    handle(s, &move);
    take_queue(s);
    forget_loaded(s, &move);
    struct fl_did did = {.sent = sent_list(s), .edges = edge_list(s)};
    /* An execution that is not the first of its batch makes no records. */
    did.noted = fl_records_count(w->records) != records || w->node[move.endpoint].head.i != head;
    if (did.noted) {
        did.said = digest_of_notes(w, records + 1);
        s->loaded_seen = 0;
    }
    return did;
}

bool fl_stage_whole(const struct fl_stage *s)
{
    return fl_ledger_base(s->world->ledger).i == s->base.i;
}

/* --- opening ----------------------------------------------------------------------------------------- */

static bool opens_at_once(const struct fl_fault_spec *spec)
{
    return fl_fault_opens_at_once(spec) && !spec->model->fault->carries;
}

/* From the first event to the last, on all its members. */
static bool always(const struct fl_world *w, const struct fl_fault_spec *spec)
{
    return opens_at_once(spec) && spec->stagger == 0 && !spec->struck.kind &&
           spec->when.lasts == FL_FOREVER && spec->to >= w->config->end;
}

/* Corrupted members have one party if one of them may know what another hears. */
static bool conspire(const struct fl_world *w)
{
    bool shared = w->rushing;
    for (uint32_t i = 0; i < w->config->fault_count; i++) {
        const struct fl_fault_spec *spec = &w->config->fault[i];
        shared |= spec->model->fault->state_bytes && spec->count > 1;
    }
    return shared;
}

static void lay_out_parties(struct fl_stage *s)
{
    const struct fl_world *w = s->world;
    const bool together = conspire(w);
    s->parties = 1;
    s->corrupted[0] = true;
    for (uint32_t e = 0; e < s->endpoints; e++) {
        const bool corrupted = !w->node[e].honest;
        s->party[e] = corrupted && together ? 0 : s->parties++;
        s->corrupted[s->party[e]] = corrupted;
    }
}

/* Who is struck, and whether while exploring; twins with their originals. */
static void lay_out_faults(struct fl_stage *s)
{
    const struct fl_world *w = s->world;
    s->heeded = w->rushing;
    for (uint32_t i = 0; i < w->config->fault_count; i++) {
        const struct fl_fault_spec *spec = &w->config->fault[i];
        const struct fl_fault_model *m = spec->model->fault;
        s->heeded |= !m->carries && !always(w, spec);
        if (m->state_bytes && spec->count == 1) s->keeper[i] = s->party[spec->member[0]];
        for (uint32_t k = 0; k < spec->count && !m->carries; k++) {
            const uint32_t e = spec->member[k], other = w->node[e].other;
            const bool edged = !always(w, spec);
            s->deaf[e] |= m->alone && !edged;
            s->edged[s->party[e]] |= edged;
            if (other != UINT32_MAX) s->edged[s->party[other]] |= edged;
        }
    }
    for (uint32_t i = 0; i < w->config->fault_count; i++) {
        const struct fl_fault_spec *spec = &w->config->fault[i];
        const struct fl_fault_model *m = spec->model->fault;
        for (uint32_t k = 0; k < spec->count && fl_fault_acts(m) && !m->alone; k++)
            s->deaf[spec->member[k]] = false;
    }
}

static void lay_out_timers(struct fl_stage *s)
{
    const struct fl_world *w = s->world;
    s->timer = fl_alloc(w->timer_count, sizeof *s->timer);
    s->timer_move = fl_alloc(w->timer_count, sizeof *s->timer_move);
    for (uint32_t t = 0; t < w->timer_count; t++) {
        const struct fl_move move = {
            .kind = FL_MOVE_TIMER, .endpoint = w->timer[t].endpoint, .index = t};
        s->timer_move[t] = fl_stage_move_number(s, &move);
    }
}

static void start(struct fl_stage *s, uint32_t *sent, uint32_t *edges)
{
    struct fl_world *w = s->world;
    for (uint32_t i = 0; i < w->config->fault_count; i++)
        if (opens_at_once(&w->config->fault[i])) fl_fault_opens(w, i);
    for (uint32_t e = 0; e < s->endpoints; e++) {
        w->cause = FL_NO_RECORD;
        if (w->node[e].down == 0) fl_start_or_recover(w, e);
    }
    take_queue(s);
    w->begun = true;
    *sent = sent_list(s);
    *edges = edge_list(s);
}

struct fl_stage *fl_stage_open(const struct fl_config *config, uint32_t *sent, uint32_t *edges)
{
    FL_ASSERT(config->detail != FL_DETAIL_MESSAGES);
    struct fl_stage *s = fl_alloc(1, sizeof *s);
    struct fl_world *w = fl_world_new(config);
    s->config = config;
    s->world = w;
    s->endpoints = config->facts.endpoints;
    fl_network_release(w);
    w->net = NULL;
    fl_blobs_keep_all(w->blobs);
    s->base = fl_ledger_base(w->ledger);
    s->party = fl_alloc(s->endpoints, sizeof *s->party);
    s->keeper = fl_alloc(config->fault_count, sizeof *s->keeper);
    s->corrupted = fl_alloc((size_t)s->endpoints + 1, sizeof *s->corrupted);
    s->deaf = fl_alloc(s->endpoints, sizeof *s->deaf);
    s->edged = fl_alloc((size_t)s->endpoints + 1, sizeof *s->edged);
    s->loaded = fl_alloc((size_t)s->endpoints + 1, sizeof *s->loaded);
    s->scratch = fl_alloc(1, scratch_bytes(s));
    lay_out_parties(s);
    lay_out_faults(s);
    lay_out_timers(s);
    start(s, sent, edges);
    return s;
}

void fl_stage_close(struct fl_stage *s)
{
    if (!s) return;
    fl_world_free(s->world);
    fl_pool_free(&s->state);
    fl_pool_free(&s->move);
    fl_pool_free(&s->list);
    fl_pool_free(&s->seen);
    void *owned[] = {s->party,  s->keeper, s->corrupted, s->deaf, s->edged, s->timer, s->timer_move,
                     s->loaded, s->broken, s->scratch,   s->edge, s->sent,  s};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
