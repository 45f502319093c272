/* Sending, and all that can happen on the way: see network.h. */
#include "sim/network.h"
#include "sim/alloc.h"

#include <stdlib.h>
#include <string.h>

/* What a number drawn for a message is for: lanes of its key. A copy has lanes of its own. */
enum lane {
    LANE_DELAY,
    LANE_LOSS,
    LANE_DUPLICATE,
    LANE_REORDER,    /* whether */
    LANE_REORDER_BY, /* by how much */
    LANE_EARLY,      /* delay before the global stabilisation time */
    LANE_PROCESSING,
    LANES_OF_A_COPY = 16
};

#define PPM 1000000

struct clock {
    fl_time offset;
    int64_t drift; /* 10^-9 */
};

/* Who gossips with whom: peer[first[e]] .. peer[first[e + 1] - 1] are the neighbours of endpoint e,
 * in ascending order. */
struct overlay {
    uint32_t *first, *peer;
    uint64_t *seen; /* `words` for each rumour: bit i, member i has it */
    uint32_t words;
    uint32_t *bodies, *next_free; /* by rumour */
    uint32_t count, room, free;
};

/* Arrived while its link was cut. */
struct held {
    uint32_t body, to, fault;
};

struct fl_net {
    uint32_t *region;      /* by endpoint; NULL without regions */
    struct clock *clock;   /* by endpoint; NULL if all are right */
    fl_time *uplink_until; /* by endpoint: when it has sent what it was given */
    struct overlay overlay;
    uint32_t cuts; /* faults of links open now */
    struct held *held;
    uint32_t held_count, held_room;
};

/* ------------------------------------------------------------------------------------------------
 * Bodies and rumours
 * --------------------------------------------------------------------------------------------- */

static uint32_t body_take(struct fl_world *w)
{
    if (w->body_free != UINT32_MAX) {
        const uint32_t i = w->body_free;
        w->body_free = w->body[i].next_free;
        return i;
    }
    if (w->body_count == w->body_room) {
        w->body_room = w->body_room ? 2 * w->body_room : 64;
        w->body = fl_realloc(w->body, w->body_room, sizeof *w->body);
    }
    return w->body_count++;
}

static uint32_t rumour_take(struct overlay *o)
{
    if (o->free != UINT32_MAX) {
        const uint32_t i = o->free;
        o->free = o->next_free[i];
        return i;
    }
    if (o->count == o->room) {
        o->room = o->room ? 2 * o->room : 64;
        o->seen = fl_realloc(o->seen, (size_t)o->room * o->words, sizeof *o->seen);
        o->bodies = fl_realloc(o->bodies, o->room, sizeof *o->bodies);
        o->next_free = fl_realloc(o->next_free, o->room, sizeof *o->next_free);
    }
    return o->count++;
}

/* True if it is new to the member of that index. */
static bool rumour_tell(struct overlay *o, uint32_t rumour, uint32_t index)
{
    uint64_t *word = &o->seen[(size_t)rumour * o->words + index / 64];
    const uint64_t bit = (uint64_t)1 << index % 64;
    const bool news = !(*word & bit);
    *word |= bit;
    return news;
}

static uint32_t rumour_new(struct overlay *o, uint32_t origin)
{
    const uint32_t i = rumour_take(o);
    memset(&o->seen[(size_t)i * o->words], 0, o->words * sizeof *o->seen);
    o->bodies[i] = 1;
    rumour_tell(o, i, origin);
    return i;
}

void fl_body_free(struct fl_world *w, uint32_t index)
{
    struct fl_body *b = &w->body[index];
    fl_blobs_release(w->blobs, b->msg.blob);
    if (b->msg.rows) fl_rows_release(w, b->msg.version);
    if (b->rumour) {
        struct overlay *o = &w->net->overlay;
        if (--o->bodies[b->rumour - 1] == 0) {
            o->next_free[b->rumour - 1] = o->free;
            o->free = b->rumour - 1;
        }
    }
    b->next_free = w->body_free;
    w->body_free = index;
}

/* Comes with one hold on it, for whoever makes it. */
static uint32_t body_add(struct fl_world *w, const struct fl_body *like)
{
    const struct fl_body body = *like; /* it may move */
    const uint32_t i = body_take(w);
    w->body[i] = body;
    w->body[i].pending = 1;
    fl_blobs_hold(w->blobs, body.msg.blob, 1);
    if (body.msg.rows) fl_rows_hold(w, body.msg.version);
    if (body.rumour) w->net->overlay.bodies[body.rumour - 1]++;
    return i;
}

/* ------------------------------------------------------------------------------------------------
 * One message over one link
 * --------------------------------------------------------------------------------------------- */

/* One link and what crosses it. `hop`: see struct fl_message_key. */
struct crossing {
    uint32_t body, via, to, hop;
    fl_time given; /* to the network */
};

/* What the message carries beside its header: its blob, and in a snapshot the rows. */
static uint32_t content_bytes(const struct fl_world *w, const struct fl_msg *msg)
{
    uint32_t bytes = 0;
    fl_blobs_data(w->blobs, msg->blob, &bytes);
    if (!msg->rows || !fl_ledger_alive(w->ledger, msg->version)) return bytes;
    const uint64_t all = bytes + fl_ledger_bytes(w->ledger, msg->version);
    FL_ASSERT(all <= UINT32_MAX);
    return (uint32_t)all;
}

static uint32_t message_row(struct fl_world *w, const struct crossing *x, fl_time arrives,
                            enum fl_fate fate)
{
    const struct fl_body *body = &w->body[x->body];
    if (w->result.message_count == w->message_room) {
        w->message_room = w->message_room ? 2 * w->message_room : 4096;
        w->message = fl_realloc(w->message, w->message_room, sizeof *w->message);
    }
    struct fl_message_row *row = &w->message[w->result.message_count++];
    memset(row, 0, sizeof *row);
    row->sent = x->given;
    row->arrives = arrives;
    memcpy(row->word, body->msg.word, sizeof row->word);
    row->from = x->via;
    row->to = x->to;
    row->parent = body->cause;
    row->raw_parent = w->raw_parent;
    row->blob_bytes = content_bytes(w, &body->msg);
    row->kind = body->msg.kind;
    row->copy = body->msg.copy;
    row->family = body->msg.family;
    row->fate = (uint8_t)fate;
    FL_ASSERT(w->result.message_count <= UINT32_MAX);
    return (uint32_t)w->result.message_count;
}

static inline void on_its_way(struct fl_world *w, const struct crossing *x, fl_time arrives)
{
    uint32_t index = x->body;
    if (w->config->detail == FL_DETAIL_MESSAGES) {
        const uint32_t row = message_row(w, x, arrives, FL_PENDING);
        index = body_add(w, &w->body[index]);
        w->body[index].row = row;
    } else {
        w->body[index].pending++;
    }
    w->result.messages++;
    fl_queue_push(&w->queue,
                  (struct fl_entry){arrives, fl_entry_what(FL_ENTRY_DELIVERY, index), x->to});
}

static void lost(struct fl_world *w, const struct crossing *x, fl_time would_arrive)
{
    if (w->config->detail == FL_DETAIL_MESSAGES) message_row(w, x, would_arrive, FL_DROPPED);
    w->result.messages++;
    w->result.dropped++;
}

static struct fl_message_key key_of(const struct fl_world *w, const struct fl_msg *msg)
{
    return (struct fl_message_key){
        .word = {msg->word[0], msg->word[1], msg->word[2]},
        .source = w->node[msg->from.i].key,
        .kind = msg->kind,
        .copy = msg->copy,
        .family = msg->family,
    };
}

/* The keys of all draws for one crossing. */
struct draws {
    struct fl_message_key key;
    uint32_t destination;
    uint64_t seed;
};

static uint64_t draw(struct draws *d, uint32_t lane)
{
    d->key.lane = (uint8_t)lane;
    return fl_draw_message(d->seed, &d->key, d->destination);
}

static bool chance(struct draws *d, uint32_t lane, int64_t ppm)
{
    return ppm > 0 && (int64_t)((fl_u128)draw(d, lane) * PPM >> 64) < ppm;
}

static fl_time law_draw(struct draws *d, uint32_t lane, const struct fl_law *law)
{
    return fl_law_at(law, law->kind == FL_CONSTANT ? 0 : draw(d, lane));
}

static size_t pair_of(const struct fl_world *w, uint32_t via, uint32_t to)
{
    return (size_t)w->node[via].group * w->config->group_count + w->node[to].group;
}

static fl_time distance(const struct fl_world *w, uint32_t via, uint32_t to)
{
    const struct fl_network *n = &w->config->network;
    const uint32_t *region = w->net->region;
    return region ? n->distance[region[via] * n->region_count + region[to]] : 0;
}

/* When what leaves at `leaves` is there. Partial synchrony (Dwork, Lynch and Stockmeyer, "Consensus
 * in the presence of partial synchrony", J. ACM 35, 1988): whatever the delay, not later than delta
 * after both the sending and the global stabilisation time. */
static fl_time arrival(const struct fl_world *w, const struct crossing *x, struct draws *d,
                       uint32_t lanes, fl_time leaves)
{
    const struct fl_network *n = &w->config->network;
    const size_t pair = pair_of(w, x->via, x->to);
    const bool early = n->bounded && leaves < n->gst && n->before_gst.kind;
    const struct fl_law *law = early ? &n->before_gst : &n->delay[pair];
    fl_time delay = fl_add(distance(w, x->via, x->to),
                           law_draw(d, lanes + (early ? LANE_EARLY : LANE_DELAY), law));
    if (n->link && chance(d, lanes + LANE_REORDER, n->link[pair].reorder_ppm))
        delay = fl_add(delay, law_draw(d, lanes + LANE_REORDER_BY, &n->link[pair].reorder));
    const fl_time arrives = fl_add(leaves, delay);
    return n->bounded ? fl_min(arrives, fl_add(fl_max(leaves, n->gst), n->delta)) : arrives;
}

/* A node sends one message after the other, in the order in which they leave it; when the last bit
 * is out. A backlog beyond any run need not be told from a longer one. */
static fl_time uplink(struct fl_world *w, const struct crossing *x, int64_t bits_per_second)
{
    static const fl_time never = INT64_MAX / 4;
    const int64_t bytes = (int64_t)w->config->network.header_bytes +
                          content_bytes(w, &w->body[x->body].msg);
    fl_time *until = &w->net->uplink_until[x->via];
    const fl_time takes = fl_mul_div_ceil(8 * bytes, FL_SECOND, bits_per_second);
    *until = fl_min(never, fl_add(fl_max(*until, x->given), takes));
    return *until;
}

static void cross(struct fl_world *w, const struct crossing *x)
{
    static const struct fl_link perfect = {0};
    const struct fl_link *links = w->config->network.link;
    const struct fl_link *link = links ? &links[pair_of(w, x->via, x->to)] : &perfect;
    struct draws d = {.key = key_of(w, &w->body[x->body].msg), .seed = w->config->seed};
    d.key.hop = (uint8_t)x->hop;
    d.destination = w->node[x->hop ? x->via : x->to].key;
    const fl_time leaves = link->bits_per_second ? uplink(w, x, link->bits_per_second) : x->given;
    const fl_time arrives = arrival(w, x, &d, 0, leaves);
    if (chance(&d, LANE_LOSS, link->loss_ppm)) {
        lost(w, x, arrives);
        return;
    }
    on_its_way(w, x, arrives);
    if (chance(&d, LANE_DUPLICATE, link->duplicate_ppm))
        on_its_way(w, x, arrival(w, x, &d, LANES_OF_A_COPY, leaves));
}

/* All that a network does which does nothing but delay. */
static void delay_only(struct fl_world *w, const struct crossing *x)
{
    const struct fl_law *law = &w->config->network.delay[pair_of(w, x->via, x->to)];
    fl_time delay;
    if (law->kind == FL_CONSTANT) {
        delay = fl_law_at(law, 0);
    } else {
        const struct fl_message_key key = key_of(w, &w->body[x->body].msg);
        delay = fl_law_at(law, fl_draw_message(w->config->seed, &key, w->node[x->to].key));
    }
    on_its_way(w, x, fl_add(x->given, delay));
}

/* ------------------------------------------------------------------------------------------------
 * Sending
 * --------------------------------------------------------------------------------------------- */

struct sending {
    const struct fl_msg *msg;
    fl_time leaves;
    bool held_back; /* by its sender: it takes its place on the uplink when it leaves */
    uint32_t body;  /* shared by the receivers; UINT32_MAX before the first */
};

static uint32_t body_of(struct fl_world *w, struct sending *s)
{
    if (s->body == UINT32_MAX)
        s->body = body_add(
            w, &(struct fl_body){.msg = *s->msg, .cause = w->cause, .via = s->msg->from.i});
    return s->body;
}

static bool waits_for_uplink(const struct fl_world *w, const struct sending *s, uint32_t to)
{
    const struct fl_link *link = w->config->network.link;
    return s->held_back && link && link[pair_of(w, s->msg->from.i, to)].bits_per_second;
}

static void send_to(struct fl_world *w, struct sending *s, uint32_t to)
{
    const struct crossing x = {
        .body = body_of(w, s), .via = s->msg->from.i, .to = to, .given = s->leaves};
    if (!w->net) {
        delay_only(w, &x);
    } else if (waits_for_uplink(w, s, to)) {
        w->body[x.body].pending++;
        fl_queue_push(&w->queue,
                      (struct fl_entry){x.given, fl_entry_what(FL_ENTRY_DEPARTURE, x.body), to});
    } else {
        cross(w, &x);
    }
}

void fl_network_departs(struct fl_world *w, uint32_t body, uint32_t to)
{
    const struct crossing x = {.body = body, .via = w->body[body].via, .to = to, .given = w->now};
    cross(w, &x);
    fl_body_drop(w, body);
}

uint32_t fl_network_brings(struct fl_world *w, const struct fl_msg *msg)
{
    return body_add(w, &(struct fl_body){.msg = *msg, .cause = w->cause, .via = msg->from.i});
}

static void overheard(struct fl_world *w, const struct sending *s, uint32_t to)
{
    if (w->rushing) fl_overhear(w, s->msg->from.i, to, s->msg);
}

static fl_identity identity_at(const struct fl_world *w, uint32_t endpoint)
{
    return w->actor[(size_t)endpoint * FL_LAYERS].self.identity;
}

/* Calls `give` for each endpoint of whom `to` is an endpoint. Twins know nothing of each other. */
static inline void to_each(struct fl_world *w, struct sending *s, uint32_t to,
                           void (*give)(struct fl_world *w, struct sending *s, uint32_t to))
{
    const uint32_t other = w->node[to].other, from = s->msg->from.i;
    if (other == UINT32_MAX || to == from) {
        give(w, s, to);
    } else if (identity_at(w, to).i != identity_at(w, from).i) {
        give(w, s, to < other ? to : other);
        give(w, s, to < other ? other : to);
    }
}

static bool silenced(struct fl_world *w, uint32_t via, const struct fl_msg *msg, uint32_t to)
{
    return w->node[via].struck && fl_fault_silences(w, via, msg, to);
}

static void send_unless_silenced(struct fl_world *w, struct sending *s, uint32_t to)
{
    if (!silenced(w, s->msg->from.i, s->msg, to)) send_to(w, s, to);
}

static void deliver_to(struct fl_world *w, struct sending *s, uint32_t to)
{
    if (silenced(w, s->msg->from.i, s->msg, to)) return;
    send_to(w, s, to);
    overheard(w, s, to);
}

static void send_to_one(struct fl_world *w, struct sending *s, uint32_t to)
{
    to_each(w, s, to, deliver_to);
}

/* What most broadcasts are: nobody looks at the single deliveries before they arrive. */
static bool goes_by_the_batch(const struct fl_world *w, uint32_t from)
{
    return !w->net && !w->rushing && w->config->twin_count == 0 && !w->node[from].struck &&
           w->config->detail != FL_DETAIL_MESSAGES;
}

enum { BATCH = 64 };

/* To members of one group. Numbers are drawn for all of them at once. */
static void send_batch(struct fl_world *w, struct sending *s, const uint32_t *to, uint32_t count)
{
    const struct fl_law *law = &w->config->network.delay[pair_of(w, s->msg->from.i, to[0])];
    uint64_t u[BATCH] = {0};
    if (law->kind != FL_CONSTANT) {
        const struct fl_message_key key = key_of(w, s->msg);
        uint32_t destination[BATCH];
        for (uint32_t i = 0; i < count; i++) destination[i] = w->node[to[i]].key;
        fl_draw_messages(w->config->seed, &key, destination, count, u);
    }
    const uint32_t body = body_of(w, s), what = fl_entry_what(FL_ENTRY_DELIVERY, body);
    w->body[body].pending += count;
    w->result.messages += count;
    for (uint32_t i = 0; i < count; i++) {
        const fl_time arrives = fl_add(s->leaves, fl_law_at(law, u[i]));
        fl_queue_push(&w->queue, (struct fl_entry){arrives, what, to[i]});
    }
}

static void send_by_the_batch(struct fl_world *w, struct sending *s, const struct fl_group *g)
{
    uint32_t to[BATCH], count = 0;
    for (uint32_t e = g->first; e < g->first + g->count; e++) {
        if (e == s->msg->from.i) continue;
        to[count++] = e;
        if (count < BATCH) continue;
        send_batch(w, s, to, count);
        count = 0;
    }
    if (count > 0) send_batch(w, s, to, count);
}

static void send_to_group(struct fl_world *w, struct sending *s, uint32_t first)
{
    if (first >= w->config->facts.endpoints) return;
    const struct fl_group *g = &w->config->group[w->node[first].group];
    if (goes_by_the_batch(w, s->msg->from.i)) {
        send_by_the_batch(w, s, g);
        return;
    }
    const uint32_t self = fl_member_at(w, s->msg->from.i);
    for (uint32_t e = g->first; e < g->first + g->count; e++)
        if (e != self) send_to_one(w, s, e);
}

static uint32_t neighbours(const struct fl_world *w, uint32_t endpoint, const uint32_t **peer)
{
    if (!w->net || !w->net->overlay.first) return 0;
    const struct overlay *o = &w->net->overlay;
    const uint32_t member = fl_member_at(w, endpoint);
    *peer = o->peer + o->first[member];
    return o->first[member + 1] - o->first[member];
}

/* Place among those who may know a rumour: members by index, then all twins. */
static uint32_t place_of(const struct fl_world *w, uint32_t endpoint)
{
    const struct fl_group *g = &w->config->group[w->node[endpoint].group];
    const uint32_t twins = fl_twin_first(w);
    return endpoint < twins ? endpoint - g->first : g->count + (endpoint - twins);
}

/* Gossip starts with the neighbours; a rushing coalition hears what is meant for all. */
static void send_to_peers(struct fl_world *w, struct sending *s)
{
    const uint32_t self = s->msg->from.i;
    const struct fl_group *g = &w->config->group[w->node[self].group];
    const uint32_t *peer;
    const uint32_t count = neighbours(w, self, &peer);
    if (count == 0) {
        send_to_group(w, s, g->first);
        return;
    }
    const uint32_t body = body_of(w, s);
    w->body[body].rumour = 1 + rumour_new(&w->net->overlay, place_of(w, self));
    for (uint32_t i = 0; i < count; i++) to_each(w, s, peer[i], send_unless_silenced);
    const uint32_t member = fl_member_at(w, self);
    for (uint32_t e = g->first; e < g->first + g->count; e++)
        if (e != member) overheard(w, s, e);
}

void fl_network_send(struct fl_world *w, const struct fl_effect *e, const struct fl_msg *msg,
                     fl_time leaves)
{
    struct sending s = {
        .msg = msg, .leaves = leaves, .held_back = e->delay > 0, .body = UINT32_MAX};
    const struct fl_node *from = &w->node[msg->from.i];
    switch (e->reach) {
    case FL_TO_ONE:
        if (e->to.i < w->config->facts.endpoints) send_to_one(w, &s, e->to.i);
        break;
    case FL_TO_PEERS:
        send_to_peers(w, &s);
        break;
    case FL_TO_CLIENTS:
        for (uint32_t i = 0; i < from->client_count; i++)
            send_to_one(w, &s, w->client[from->client_first + i]);
        break;
    case FL_TO_GROUP:
        send_to_group(w, &s, e->to.i);
        break;
    }
    if (s.body != UINT32_MAX) fl_body_drop(w, s.body);
}

/* ------------------------------------------------------------------------------------------------
 * Gossip
 * --------------------------------------------------------------------------------------------- */

/* An open fault that keeps the node from passing gossip on; UINT32_MAX if there is none. */
static uint32_t muzzle(const struct fl_world *w, uint32_t endpoint)
{
    if (!w->node[endpoint].struck) return UINT32_MAX;
    for (uint32_t i = 0; i < w->config->fault_count; i++) {
        const struct fl_fault_state *f = &w->fault[i];
        uint32_t rank;
        if (f->result.spec->model->fault->quiet && fl_fault_holds(f, endpoint, &rank)) return i;
    }
    return UINT32_MAX;
}

/* To all neighbours but the one it came from and the one it began with. */
static void pass_on(struct fl_world *w, uint32_t index, uint32_t endpoint)
{
    struct fl_body body = w->body[index];
    const uint32_t came_from = body.via;
    body.via = endpoint;
    body.row = 0;
    const uint32_t relayed = body_add(w, &body);
    struct crossing x = {
        .body = relayed, .via = endpoint, .given = fl_max(w->now, w->node[endpoint].busy_until)};
    const uint32_t *peer;
    const uint32_t count = neighbours(w, endpoint, &peer);
    for (uint32_t i = 0; i < count; i++) {
        if (peer[i] == came_from || peer[i] == body.msg.from.i) continue;
        const uint32_t other = w->node[peer[i]].other;
        x.hop = 1 + i;
        x.to = peer[i];
        if (!silenced(w, endpoint, &body.msg, x.to)) cross(w, &x);
        x.to = other;
        if (other != UINT32_MAX && !silenced(w, endpoint, &body.msg, other)) cross(w, &x);
    }
    fl_body_drop(w, relayed);
}

/* ------------------------------------------------------------------------------------------------
 * Cut links
 * --------------------------------------------------------------------------------------------- */

static void hold(struct fl_world *w, uint32_t index, uint32_t to, uint32_t fault, uint32_t cause)
{
    struct fl_net *net = w->net;
    uint32_t kept = index;
    if (w->body[index].pending > 1) { /* the other receivers' causes are not this one's */
        kept = body_add(w, &w->body[index]);
        fl_body_drop(w, index);
    }
    w->body[kept].cause = cause;
    net->held = fl_grow(net->held, net->held_count, &net->held_room, sizeof *net->held);
    net->held[net->held_count++] = (struct held){kept, to, fault};
}

bool fl_network_stops(struct fl_world *w, uint32_t index, uint32_t to)
{
    const struct fl_body *body = &w->body[index];
    for (uint32_t i = 0; w->net->cuts > 0 && i < w->config->fault_count; i++) {
        const struct fl_fault_state *f = &w->fault[i];
        if (!f->active || !f->side) continue;
        const enum fl_carriage how = f->result.spec->model->fault->carries(
            f->coalition.params, f->side[body->via], f->side[to]);
        if (how == FL_CARRIED) continue;
        const uint32_t cause = fl_fault_bites(w, i, to, &body->msg);
        if (how == FL_HELD) {
            hold(w, index, to, i, cause);
            return true;
        }
        FL_ASSERT(how == FL_CUT);
        w->result.dropped++;
        if (body->row) w->message[body->row - 1].fate = FL_DROPPED;
        fl_body_drop(w, index);
        return true;
    }
    return false;
}

void fl_network_cut(struct fl_world *w)
{
    w->net->cuts++;
}

/* In the order in which they came. Another fault may hold them again. */
void fl_network_healed(struct fl_world *w, uint32_t fault)
{
    struct fl_net *net = w->net;
    net->cuts--;
    uint32_t left = 0;
    for (uint32_t i = 0; i < net->held_count; i++) {
        const struct held h = net->held[i];
        if (h.fault != fault) {
            net->held[left++] = h;
            continue;
        }
        const uint32_t row = w->body[h.body].row;
        if (row) w->message[row - 1].arrives = w->now;
        fl_queue_push(&w->queue,
                      (struct fl_entry){w->now, fl_entry_what(FL_ENTRY_DELIVERY, h.body), h.to});
    }
    net->held_count = left;
}

/* ------------------------------------------------------------------------------------------------
 * Receivers: work and clocks
 * --------------------------------------------------------------------------------------------- */

static void work(struct fl_world *w, const struct fl_msg *msg, uint32_t endpoint)
{
    const struct fl_law *law = &w->config->group[w->node[endpoint].group].processing;
    if (!law->kind) return;
    struct draws d = {
        .key = key_of(w, msg), .destination = w->node[endpoint].key, .seed = w->config->seed};
    fl_time *until = &w->node[endpoint].busy_until;
    *until = fl_add(fl_max(*until, w->now), law_draw(&d, LANE_PROCESSING, law));
}

/* What the node knows already costs it nothing. */
bool fl_network_hears(struct fl_world *w, uint32_t index, uint32_t endpoint)
{
    const uint32_t rumour = w->body[index].rumour;
    if (rumour && !rumour_tell(&w->net->overlay, rumour - 1, place_of(w, endpoint))) return false;
    work(w, &w->body[index].msg, endpoint);
    if (rumour == 0) return true;
    const uint32_t fault = muzzle(w, endpoint);
    if (fault != UINT32_MAX)
        fl_fault_bites(w, fault, endpoint, &w->body[index].msg);
    else
        pass_on(w, index, endpoint);
    return true;
}

/* What a clock shows at instant t: never less than 0, never less than before. */
static fl_time shown(const struct clock *c, fl_time t)
{
    return fl_max(0, fl_add(fl_add(t, c->offset), fl_mul_div_floor(t, c->drift, FL_SECOND)));
}

fl_time fl_clock_shows(const struct fl_world *w, uint32_t endpoint)
{
    return w->net->clock ? shown(&w->net->clock[endpoint], w->now) : w->now;
}

/* The first instant, from now, at which it shows enough. The guess is at most two steps away. */
fl_time fl_clock_due(const struct fl_world *w, uint32_t endpoint, fl_time delay)
{
    if (!w->net || !w->net->clock || delay == 0) return fl_add(w->now, delay);
    const struct clock *c = &w->net->clock[endpoint];
    const fl_time wanted = fl_add(shown(c, w->now), delay);
    fl_time t = fl_mul_div_ceil(fl_sub(wanted, c->offset), FL_SECOND, FL_SECOND + c->drift);
    while (t > w->now && shown(c, t - 1) >= wanted) t--;
    while (t < w->now || shown(c, t) < wanted) t++;
    return t;
}

/* ------------------------------------------------------------------------------------------------
 * Setting up
 * --------------------------------------------------------------------------------------------- */

static bool cuts_links(const struct fl_config *c)
{
    for (uint32_t i = 0; i < c->fault_count; i++)
        if (c->fault[i].model->fault->carries) return true;
    return false;
}

static void lay_out_regions(struct fl_world *w)
{
    const struct fl_config *c = w->config;
    if (!c->network.distance) return;
    w->net->region = fl_alloc(c->facts.endpoints, sizeof *w->net->region);
    for (uint32_t e = 0; e < c->facts.endpoints; e++) {
        const struct fl_group *g = &c->group[w->node[e].group];
        w->net->region[e] = g->region[(fl_member_at(w, e) - g->first) % g->region_count];
    }
}

static int64_t clock_draw(const struct fl_world *w, const struct fl_law *law, uint32_t e,
                          uint32_t lane)
{
    if (!law->kind) return 0;
    return fl_law_at(law, fl_draw(w->config->seed, FL_RNG_CLOCK, w->node[e].key, 0, lane));
}

static void lay_out_clocks(struct fl_world *w)
{
    const struct fl_config *c = w->config;
    bool any = false;
    for (uint32_t g = 0; g < c->group_count; g++)
        any |= c->group[g].clock_offset.kind || c->group[g].clock_drift.kind;
    if (!any) return;
    w->net->clock = fl_alloc(c->facts.endpoints, sizeof *w->net->clock);
    for (uint32_t e = 0; e < c->facts.endpoints; e++) {
        const struct fl_group *g = &c->group[w->node[e].group];
        w->net->clock[e] = (struct clock){clock_draw(w, &g->clock_offset, e, 0),
                                          clock_draw(w, &g->clock_drift, e, 1)};
    }
}

/* Neighbours while they are being found: at most `degree` for each member. */
struct graph {
    uint32_t count, degree;
    uint32_t *peer;  /* [member * degree + i] */
    uint32_t *found; /* [member] */
};

static void join(struct graph *g, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < g->found[a]; i++)
        if (g->peer[(size_t)a * g->degree + i] == b) return;
    g->peer[(size_t)a * g->degree + g->found[a]++] = b;
    g->peer[(size_t)b * g->degree + g->found[b]++] = a;
}

/* All members in an order drawn from the seed (Fisher and Yates). */
static void shuffle(const struct fl_world *w, const struct fl_group *group, uint64_t round,
                    uint32_t *order)
{
    const uint32_t n = group->count;
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    for (uint32_t i = 0; i + 1 < n; i++) {
        const uint32_t j = i + (uint32_t)fl_draw_below(w->config->seed, FL_RNG_PLACEMENT,
                                                       fl_name_key(group->name), round * n + i, 2,
                                                       n - i);
        const uint32_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}

static int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* A union of random rings, and for odd degrees of one random matching: connected, nearly regular (an
 * edge drawn twice is one edge), and an expander (Friedman, "A proof of Alon's second eigenvalue
 * conjecture", 2008, for such unions of cycles). */
static struct graph draw_graph(const struct fl_world *w, const struct fl_group *group)
{
    const uint32_t n = group->count, degree = group->gossip_degree;
    struct graph g = {.count = n, .degree = degree};
    g.peer = fl_alloc((size_t)n * degree, sizeof *g.peer);
    g.found = fl_alloc(n, sizeof *g.found);
    uint32_t *order = fl_alloc(n, sizeof *order);
    for (uint32_t ring = 0; ring < degree / 2; ring++) {
        shuffle(w, group, ring, order);
        for (uint32_t i = 0; i < n; i++) join(&g, order[i], order[(i + 1) % n]);
    }
    if (degree % 2) {
        shuffle(w, group, degree, order);
        for (uint32_t i = 0; i + 1 < n; i += 2) join(&g, order[i], order[i + 1]);
    }
    free(order);
    for (uint32_t i = 0; i < n; i++)
        qsort(&g.peer[(size_t)i * degree], g.found[i], sizeof *g.peer, ascending);
    return g;
}

/* With a degree that reaches everybody, broadcasts go straight. */
static bool gossips(const struct fl_group *g)
{
    return g->gossip_degree > 0 && g->gossip_degree + 1 < g->count;
}

static void lay_out_overlay(struct fl_world *w)
{
    const struct fl_config *c = w->config;
    struct overlay *o = &w->net->overlay;
    size_t most = 0;
    o->free = UINT32_MAX;
    for (uint32_t i = 0; i < c->group_count; i++) {
        const struct fl_group *g = &c->group[i];
        if (!gossips(g)) continue;
        most += (size_t)g->count * g->gossip_degree;
        const uint32_t words = (g->count + c->twin_count) / 64 + 1;
        o->words = words > o->words ? words : o->words;
    }
    if (most == 0) return;
    o->peer = fl_alloc(most, sizeof *o->peer);
    o->first = fl_alloc((size_t)c->facts.endpoints + 1, sizeof *o->first);
    uint32_t filled = 0;
    for (uint32_t i = 0; i < c->group_count; i++) {
        const struct fl_group *group = &c->group[i];
        struct graph g = {0};
        if (gossips(group)) g = draw_graph(w, group);
        for (uint32_t m = 0; m < group->count; m++) {
            o->first[group->first + m] = filled;
            for (uint32_t k = 0; g.peer && k < g.found[m]; k++)
                o->peer[filled++] = group->first + g.peer[(size_t)m * g.degree + k];
        }
        free(g.peer);
        free(g.found);
    }
    o->first[c->facts.endpoints] = filled;
}

void fl_network_lay_out(struct fl_world *w)
{
    if (!w->config->network.more && !cuts_links(w->config)) return;
    w->net = fl_alloc(1, sizeof *w->net);
    w->net->uplink_until = fl_alloc(w->config->facts.endpoints, sizeof *w->net->uplink_until);
    lay_out_regions(w);
    lay_out_clocks(w);
    lay_out_overlay(w);
}

void fl_network_release(struct fl_world *w)
{
    struct fl_net *net = w->net;
    if (!net) return;
    void *owned[] = {net->region,         net->clock,
                     net->uplink_until,   net->overlay.first,
                     net->overlay.peer,   net->overlay.seen,
                     net->overlay.bodies, net->overlay.next_free,
                     net->held,           net};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
