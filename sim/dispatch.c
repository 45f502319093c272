/* One event: the step of a model, its effects, and every local call that follows from it. */
#include "sim/alloc.h"
#include "sim/network.h"

#include <string.h>

#define PROVISIONAL ((uint64_t)1 << 63)

/* --- digest ------------------------------------------------------------------------------------------ */

void fl_digest_settle(struct fl_world *w)
{
    XXH3_128bits_update(w->digest, w->undigested, w->undigested_bytes);
    w->undigested_bytes = 0;
}

static inline unsigned char *put_word(unsigned char *to, uint64_t value)
{
    const uint64_t word = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? value
                                                                    : __builtin_bswap64(value);
    memcpy(to, &word, sizeof word);
    return to + sizeof word;
}

enum { EVENT_BYTES = 11 * 8 + 1 };

/* Canonical little-endian form of a dispatched event. Ids that depend on the order of interning
 * (blobs, versions) enter by content. */
static inline void digest_event(struct fl_world *w, uint32_t endpoint, uint32_t layer,
                                const struct fl_event *ev)
{
    if (w->undigested_bytes + EVENT_BYTES > FL_UNDIGESTED_MAX) fl_digest_settle(w);
    const struct fl_msg *m = &ev->msg;
    struct fl_digest blob = {0, 0};
    if (m->blob.i) blob = fl_blobs_digest(w->blobs, m->blob);
    unsigned char *p = w->undigested + w->undigested_bytes;
    p = put_word(p, (uint64_t)ev->now);
    p = put_word(p, endpoint | (uint64_t)layer << 32 | (uint64_t)ev->kind << 40 |
                        (uint64_t)ev->timer << 48);
    for (int i = 0; i < 3; i++) p = put_word(p, m->word[i]);
    for (int i = 0; i < 2; i++) p = put_word(p, (uint64_t)m->value[i]);
    p = put_word(p, blob.lo);
    p = put_word(p, blob.hi);
    p = put_word(p, m->tag);
    p = put_word(p, m->from.i | (uint64_t)m->kind << 32 | (uint64_t)m->copy << 48);
    *p = m->family;
    w->undigested_bytes += EVENT_BYTES;
}

/* --- records ----------------------------------------------------------------------------------------- */

uint32_t fl_world_note(struct fl_world *w, uint16_t kind, uint32_t endpoint, uint32_t parent,
                       const int64_t v[FL_RECORD_VALUES])
{
    struct fl_record r = {.at = w->now, .parent = parent, .endpoint = endpoint, .kind = kind};
    memcpy(r.v, v, sizeof r.v);
    const uint32_t id = fl_records_add(w->records, &r);
    fl_checks_record(w, id);
    return id;
}

/* --- timers ------------------------------------------------------------------------------------------ */

static uint32_t timer_of(const struct fl_world *w, uint32_t endpoint, uint32_t layer, uint32_t slot)
{
    const struct fl_actor *a = fl_actor_at(w, endpoint, layer);
    FL_ASSERT(a->model && slot < a->model->node->timer_count);
    return a->timer_first + slot;
}

static void set_timer(struct fl_world *w, uint32_t index, fl_time delay)
{
    struct fl_timer *t = &w->timer[index];
    FL_ASSERT(delay >= 0);
    t->epoch++;
    t->armed = true;
    t->cause = w->cause;
    fl_queue_push(&w->queue, (struct fl_entry){fl_clock_due(w, t->endpoint, delay),
                                               fl_entry_what(FL_ENTRY_TIMER, index), t->epoch});
}

static void cancel_timer(struct fl_world *w, uint32_t index)
{
    w->timer[index].epoch++;
    w->timer[index].armed = false;
}

/* --- local calls --------------------------------------------------------------------------------------- */

void fl_push_local(struct fl_world *w, const struct fl_local *local)
{
    if (w->local_count == w->local_room) {
        w->local_room = w->local_room ? 2 * w->local_room : 256;
        w->local = fl_realloc(w->local, w->local_room, sizeof *w->local);
    }
    fl_blobs_hold(w->blobs, local->msg.blob, 1);
    w->local[w->local_count++] = *local;
}

/* Pushed in the order written; turned round, so that the first written is the first popped. */
static void reverse(struct fl_local *a, size_t count)
{
    for (size_t i = 0, j = count; i + 1 < j; i++) {
        const struct fl_local swap = a[i];
        a[i] = a[--j];
        a[j] = swap;
    }
}

static void dispatch(struct fl_world *w, uint32_t endpoint, uint32_t layer, struct fl_event *ev);

static void execute(struct fl_world *w, const struct fl_local *local)
{
    struct fl_event ev = {.kind = FL_EXECUTED};
    ev.msg.word[0] = local->msg.word[0];
    uint32_t bytes = 0;
    const unsigned char *data = fl_blobs_data(w->blobs, local->msg.blob, &bytes);
    struct fl_execution x;
    fl_blob receipts = FL_NO_BLOB;
    if (data && local->offset <= bytes &&
        fl_ledger_execute(w->ledger, local->msg.version, data + local->offset,
                          bytes - local->offset, fl_blobs_digest(w->blobs, local->msg.blob), w->now,
                          w->cause, &x) == FL_EXECUTE_OK) {
        ev.msg.version = x.version;
        ev.msg.value[0] = (int64_t)x.state.lo;
        ev.msg.value[1] = (int64_t)x.state.hi;
        if (x.receipts) {
            const size_t size = x.receipt_count * sizeof *x.receipts;
            receipts = fl_blobs_intern(w->blobs, x.receipts, (uint32_t)size,
                                       fl_digest_of(x.receipts, size), 0, NULL);
        }
        if (w->node[local->endpoint].honest) fl_checks_executed(w, &x);
    }
    ev.msg.blob = receipts;
    dispatch(w, local->endpoint, local->layer, &ev);
    fl_blobs_release(w->blobs, receipts);
}

static void adopt(struct fl_world *w, const struct fl_local *local)
{
    const struct fl_msg *asked = &local->msg;
    const struct fl_digest wanted = {(uint64_t)asked->value[0], (uint64_t)asked->value[1]};
    struct fl_event ev = {.kind = FL_EXECUTED, .msg = {.blob = asked->blob}};
    ev.msg.word[0] = asked->word[0];
    if (fl_ledger_alive(w->ledger, asked->version) &&
        fl_digest_equal(fl_ledger_state(w->ledger, asked->version), wanted) &&
        fl_extends_final(w, local->endpoint, asked->version)) {
        ev.msg.version = asked->version;
        ev.msg.word[1] = fl_ledger_height(w->ledger, asked->version);
        ev.msg.word[2] = (uint64_t)fl_ledger_time(w->ledger, asked->version);
        memcpy(ev.msg.value, asked->value, sizeof ev.msg.value);
    }
    dispatch(w, local->endpoint, local->layer, &ev);
}

static void do_local(struct fl_world *w, const struct fl_local *local)
{
    w->cause = local->cause;
    switch (local->kind) {
    case FL_LOCAL_CALL: {
        struct fl_event ev = {.kind = FL_CALL, .msg = local->msg};
        dispatch(w, local->endpoint, local->layer, &ev);
        return;
    }
    case FL_LOCAL_EXECUTE:
        execute(w, local);
        return;
    case FL_LOCAL_ADOPT:
        adopt(w, local);
        return;
    case FL_LOCAL_OVERHEARD:
        fl_step_overheard(w, local);
        return;
    }
    FL_UNREACHABLE("local call");
}

/* Depth first: what a call leads to is done before the calls written after it. */
static void drain(struct fl_world *w, size_t from)
{
    while (w->local_count > from) {
        const struct fl_local local = w->local[--w->local_count];
        do_local(w, &local);
        fl_blobs_release(w->blobs, local.msg.blob);
    }
}

/* --- effects ------------------------------------------------------------------------------------------- */

static void intern_blobs(struct fl_world *w, const struct fl_outbox *out)
{
    struct fl_node *n = &w->node[out->self.i];
    w->interned_count = out->blob_count;
    for (uint32_t i = 0; i < out->blob_count; i++) {
        const struct fl_outbox_blob *b = &out->blob[i];
        w->interned[i] = fl_blobs_intern(w->blobs, out->scratch + b->offset, b->bytes, b->digest,
                                         b->epoch, n->honest ? NULL : &n->charge);
    }
}

static void keep_from(struct fl_world *w, uint32_t endpoint, uint64_t epoch)
{
    w->node[endpoint].keep_from = epoch;
    fl_blobs_horizon(w);
}

static struct fl_msg stamped(const struct fl_world *w, const struct fl_effect *e)
{
    struct fl_msg msg = e->msg;
    if (msg.blob.i & PROVISIONAL) { /* an adversary may invent ids: those name nothing */
        const uint64_t i = msg.blob.i & ~PROVISIONAL;
        msg.blob = i < w->interned_count ? w->interned[i] : FL_NO_BLOB;
    }
    msg.from = e->as;
    msg.by = w->actor[(size_t)e->as.i * FL_LAYERS].self.identity;
    msg.rows = msg.rows && fl_ledger_alive(w->ledger, msg.version);
    memset(msg.zero, 0, sizeof msg.zero);
    return msg;
}

static void local_call(struct fl_world *w, uint32_t layer, const struct fl_effect *e)
{
    struct fl_local local = {.endpoint = e->as.i, .cause = w->cause, .msg = stamped(w, e)};
    if (e->kind == FL_EXECUTE || e->kind == FL_ADOPT) {
        local.kind = e->kind == FL_EXECUTE ? FL_LOCAL_EXECUTE : FL_LOCAL_ADOPT;
        local.layer = layer;
        local.offset = e->offset;
    } else {
        local.kind = FL_LOCAL_CALL;
        local.layer = e->msg.family;
        local.msg.family = (uint8_t)layer;
        if (local.layer >= FL_LAYERS || !fl_actor_at(w, e->as.i, local.layer)->model) return;
    }
    fl_push_local(w, &local);
}

static void apply_effect(struct fl_world *w, uint32_t layer, const struct fl_effect *e,
                         fl_time leaves)
{
    const uint32_t self = e->as.i;
    switch (e->kind) {
    case FL_SEND: {
        const struct fl_msg msg = stamped(w, e);
        FL_ASSERT(e->delay >= 0);
        fl_network_send(w, e, &msg, fl_add(leaves, e->delay));
        return;
    }
    case FL_SET_TIMER:
        set_timer(w, timer_of(w, self, layer, e->timer), e->delay);
        return;
    case FL_CANCEL_TIMER:
        cancel_timer(w, timer_of(w, self, layer, e->timer));
        return;
    case FL_LOCAL:
    case FL_EXECUTE:
    case FL_ADOPT:
        local_call(w, layer, e);
        return;
    case FL_NOTE:
        w->cause = fl_world_note(w, e->record, self, w->cause, e->v);
        return;
    case FL_BECAUSE: {
        const uint32_t id = e->record ? fl_records_find(w->records, e->record, e->v[0], e->v[1])
                                      : 0;
        if (id != FL_NO_RECORD || e->record == 0) w->cause = id;
        return;
    }
    case FL_KEEP_FROM:
        keep_from(w, self, e->epoch);
        return;
    case FL_HEAD:
        w->node[self].head = e->msg.version;
        return;
    case FL_FINALISE:
        fl_finalised(w, self, e->msg.version);
        return;
    case FL_PIN:
        w->node[self].pin = e->msg.version;
        return;
    }
    FL_UNREACHABLE("effect");
}

/* Time that signatures and checks of this step cost the node; what it sends leaves after that. */
static fl_time work(struct fl_world *w, uint32_t endpoint, const struct fl_outbox *out)
{
    const struct fl_network *n = &w->config->network;
    const fl_time cost = fl_add(n->sign * (fl_time)out->signs, n->verify * (fl_time)out->verifies);
    fl_time *busy_until = &w->node[endpoint].busy_until;
    *busy_until = fl_add(fl_max(*busy_until, w->now), cost);
    return *busy_until;
}

/* A step that said nothing. */
static inline bool silent(const struct fl_outbox *out)
{
    return out->count == 0 && out->blob_count == 0;
}

void fl_apply(struct fl_world *w, uint32_t endpoint, uint32_t layer, struct fl_outbox *out)
{
    const fl_time leaves = work(w, endpoint, out);
    const size_t first_local = w->local_count;
    intern_blobs(w, out);
    for (uint32_t i = 0; i < out->count; i++) apply_effect(w, layer, &out->at[i], leaves);
    for (uint32_t i = 0; i < out->blob_count; i++) fl_blobs_release(w->blobs, w->interned[i]);
    if (w->local_count > first_local) reverse(w->local + first_local, w->local_count - first_local);
}

/* --- events -------------------------------------------------------------------------------------------- */

static struct fl_view view_of(const struct fl_world *w, const struct fl_actor *a)
{
    struct fl_view view = {.reader = &w->reader};
    const uint32_t self = a->self.endpoint.i, replica = a->self.replica.i;
    if (replica == self)
        view.version = w->node[self].head;
    else if (replica != FL_NOWHERE.i && w->node[replica].down == 0)
        view.version = w->node[self].view;
    return view;
}

static void clear(struct fl_outbox *out, uint32_t endpoint)
{
    out->self = (fl_endpoint){endpoint};
    out->count = out->blob_count = out->scratch_used = out->signs = out->verifies = 0;
}

static void dispatch(struct fl_world *w, uint32_t endpoint, uint32_t layer, struct fl_event *ev)
{
    const struct fl_actor *a = fl_actor_at(w, endpoint, layer);
    FL_ASSERT(a->model && w->node[endpoint].down == 0);
    ev->now = fl_clock_now(w, endpoint);
    ev->data = NULL;
    ev->data_bytes = 0;
    if (ev->msg.blob.i) ev->data = fl_blobs_data(w->blobs, ev->msg.blob, &ev->data_bytes);
    digest_event(w, endpoint, layer, ev);
    w->result.events++;
    const struct fl_view view = view_of(w, a);
    clear(w->honest, endpoint);
    a->model->node->step(&a->self, a->state, ev, &view, w->honest);
    for (uint32_t i = 0; i < w->honest->count; i++) FL_ASSERT(w->honest->at[i].as.i == endpoint);
    struct fl_outbox *out = w->node[endpoint].struck ? fl_corrupt(w, endpoint, ev, &view)
                                                     : w->honest;
    if (silent(out)) {
        work(w, endpoint, out);
        return;
    }
    const size_t from = w->local_count;
    fl_apply(w, endpoint, layer, out);
    drain(w, from);
}

static void dispatch_all_layers(struct fl_world *w, uint32_t endpoint, enum fl_event_kind kind)
{
    const uint32_t cause = w->cause;
    for (uint32_t f = 1; f < FL_LAYERS; f++) {
        if (!fl_actor_at(w, endpoint, f)->model) continue;
        struct fl_event ev = {.kind = kind};
        w->cause = cause;
        dispatch(w, endpoint, f, &ev);
    }
}

void fl_start_or_recover(struct fl_world *w, uint32_t endpoint)
{
    const bool started = w->node[endpoint].started;
    w->node[endpoint].started = true;
    w->node[endpoint].served_at = w->now; /* what it missed is no fault of its replica */
    dispatch_all_layers(w, endpoint, started ? FL_RECOVER : FL_START);
}

/* A message to a node that is down is lost: a child of the edge of the fault that took it down. */
static void lose(struct fl_world *w, const struct fl_body *body, uint32_t endpoint)
{
    w->result.dropped++;
    for (uint32_t i = 0; i < w->config->fault_count; i++) {
        const struct fl_fault_state *f = &w->fault[i];
        uint32_t rank;
        if (!f->result.spec->model->fault->crash || !fl_fault_holds(f, endpoint, &rank)) continue;
        fl_fault_bites(w, i, endpoint, &body->msg);
        return;
    }
}

/* What the node's own fault keeps from it is lost on its threshold. */
static bool deaf_to(struct fl_world *w, uint32_t index, uint32_t endpoint)
{
    if (!w->node[endpoint].struck || !fl_fault_deafens(w, endpoint, &w->body[index].msg))
        return false;
    if (w->body[index].row) w->message[w->body[index].row - 1].fate = FL_DROPPED;
    w->result.dropped++;
    fl_body_drop(w, index);
    return true;
}

/* Cause of what follows from an event: the node's own fault, if that makes it work longer. */
static uint32_t slowed(struct fl_world *w, uint32_t endpoint, struct fl_event *ev, uint32_t cause)
{
    if (!w->node[endpoint].struck) return cause;
    ev->now = fl_clock_now(w, endpoint);
    return fl_fault_slows(w, endpoint, ev, cause);
}

static inline void deliver(struct fl_world *w, uint32_t index, uint32_t endpoint)
{
    struct fl_body *body = &w->body[index];
    if (body->row)
        w->message[body->row - 1].fate = w->node[endpoint].down ? FL_DROPPED : FL_DELIVERED;
    if (w->node[endpoint].down) {
        lose(w, body, endpoint);
        fl_body_drop(w, index);
        return;
    }
    if (deaf_to(w, index, endpoint)) return;
    struct fl_event ev; /* a copy, for the pool may grow; dispatch fills in the rest */
    ev.kind = FL_MSG;
    ev.timer = 0;
    ev.msg = body->msg;
    const uint32_t cause = slowed(w, endpoint, &ev, body->cause);
    w->result.delivered++;
    w->raw_parent = body->row;
    if (w->net && !fl_network_hears(w, index, endpoint)) {
        w->raw_parent = 0;
        fl_body_drop(w, index);
        return;
    }
    if (ev.msg.version.i != 0 &&
        ev.msg.from.i == w->actor[(size_t)endpoint * FL_LAYERS].self.replica.i)
        fl_client_served(w, endpoint, ev.msg.version);
    const uint32_t only = ev.msg.family, last = only ? only : FL_LAYERS - 1;
    for (uint32_t f = only ? only : 1; f < FL_LAYERS; f++) {
        if (f > last) break;
        if (!fl_actor_at(w, endpoint, f)->model) continue;
        w->cause = cause;
        dispatch(w, endpoint, f, &ev);
    }
    w->raw_parent = 0;
    fl_body_drop(w, index);
}

static inline void expire(struct fl_world *w, uint32_t index, uint32_t epoch)
{
    struct fl_timer *t = &w->timer[index];
    if (!t->armed || t->epoch != epoch) return; /* stale */
    t->armed = false;
    struct fl_event ev = {.kind = FL_TIMER, .timer = t->slot};
    w->cause = slowed(w, t->endpoint, &ev, t->cause);
    dispatch(w, t->endpoint, t->layer, &ev);
}

/* --- waiting in line ------------------------------------------------------------------------------------- */

static uint32_t index_in(struct fl_entry e)
{
    return e.what & ((1u << FL_ENTRY_INDEX_BITS) - 1);
}
static enum fl_entry_kind kind_of(struct fl_entry e)
{
    return e.what >> FL_ENTRY_INDEX_BITS;
}

static inline void handle_now(struct fl_world *w, struct fl_entry e)
{
    w->cause = FL_NO_RECORD;
    if (kind_of(e) == FL_ENTRY_DELIVERY)
        deliver(w, index_in(e), e.whom);
    else
        expire(w, index_in(e), e.whom);
}

static uint32_t waiting_take(struct fl_world *w)
{
    if (w->waiting_free != UINT32_MAX) {
        const uint32_t i = w->waiting_free;
        w->waiting_free = w->waiting[i].next;
        return i;
    }
    if (w->waiting_count == w->waiting_room) {
        w->waiting_room = w->waiting_room ? 2 * w->waiting_room : 256;
        w->waiting = fl_realloc(w->waiting, w->waiting_room, sizeof *w->waiting);
    }
    return w->waiting_count++;
}

static void get_in_line(struct fl_world *w, uint32_t endpoint, struct fl_entry e)
{
    struct fl_node *n = &w->node[endpoint];
    const uint32_t i = waiting_take(w);
    w->waiting[i] = (struct fl_waiting){.entry = e, .next = UINT32_MAX};
    if (n->first_waiting == UINT32_MAX) {
        n->first_waiting = i;
        fl_queue_push(&w->queue,
                      (struct fl_entry){n->busy_until, fl_entry_what(FL_ENTRY_IDLE, endpoint), 0});
    } else {
        w->waiting[n->last_waiting].next = i;
    }
    n->last_waiting = i;
}

static struct fl_entry first_in_line(struct fl_world *w, struct fl_node *n)
{
    const uint32_t i = n->first_waiting;
    n->first_waiting = w->waiting[i].next;
    w->waiting[i].next = w->waiting_free;
    w->waiting_free = i;
    return w->waiting[i].entry;
}

/* The node has time again: who came first is heard first, until it is busy again. */
static void serve(struct fl_world *w, uint32_t endpoint)
{
    struct fl_node *n = &w->node[endpoint];
    while (n->first_waiting != UINT32_MAX && n->busy_until <= w->now)
        handle_now(w, first_in_line(w, n));
    if (n->first_waiting != UINT32_MAX)
        fl_queue_push(&w->queue,
                      (struct fl_entry){n->busy_until, fl_entry_what(FL_ENTRY_IDLE, endpoint), 0});
}

static inline void take_turns(struct fl_world *w, uint32_t endpoint, struct fl_entry e)
{
    const struct fl_node *n = &w->node[endpoint];
    if (n->busy_until > w->now || n->first_waiting != UINT32_MAX)
        get_in_line(w, endpoint, e);
    else
        handle_now(w, e);
}

void fl_forget_work(struct fl_world *w, uint32_t endpoint)
{
    struct fl_node *n = &w->node[endpoint];
    while (n->first_waiting != UINT32_MAX) handle_now(w, first_in_line(w, n));
    n->busy_until = w->now;
}

void fl_handle(struct fl_world *w, struct fl_entry e)
{
    w->now = e.at;
    w->cause = FL_NO_RECORD;
    switch (kind_of(e)) {
    case FL_ENTRY_DELIVERY:
        if (!w->net || !fl_network_stops(w, index_in(e), e.whom)) take_turns(w, e.whom, e);
        return;
    case FL_ENTRY_TIMER:
        take_turns(w, w->timer[index_in(e)].endpoint, e);
        return;
    case FL_ENTRY_IDLE:
        serve(w, index_in(e));
        return;
    case FL_ENTRY_DEPARTURE:
        fl_network_departs(w, index_in(e), e.whom);
        return;
    case FL_ENTRY_FAILOVER:
        fl_client_looks(w, index_in(e));
        return;
    case FL_ENTRY_FAULT:
        fl_fault_edge(w, index_in(e), e.whom);
        return;
    }
    FL_UNREACHABLE("queue entry");
}
