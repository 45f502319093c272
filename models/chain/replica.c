/* A replica around a consensus: mempool, payload building, validation, execution, and what its
 * clients are told of it.
 *
 * Transactions enter from clients and are forwarded once to the peers; payloads take them in the
 * order of their arrival here, first in, first out. A decided payload is executed at once and final:
 * the consensus under it must not fork. What is final is for good: a decision or a snapshot that is
 * not about a later height is refused, whoever it comes from. The head survives a crash (stable
 * storage), and so does the mempool.
 *
 * A replica that missed blocks gets them, one by one, from its consensus; if nobody keeps them any
 * more, the state after some later one (FL_SNAPSHOT). What it then takes for its head is a ledger
 * version whose state hash is the one that the consensus has seen proven. Which of the transactions
 * that wait here are in the blocks it never saw, it cannot tell: some may be proposed again, and come
 * to nothing because their nonces are used.
 *
 * Assumptions: no fees and no fee order; a full mempool drops the newest; the consensus decides
 * heights in order. If a decided payload cannot be executed (malformed, or not on the head) the
 * replica halts, as CometBFT does: what the quorum has decided it cannot undo. */
#include "models/wire.h"

#include <string.h>

struct params {
    int64_t block_txs, mempool_txs;
};

/* A slot of the mempool. Lists are linked by slot + 1, 0 is the end. */
struct pooled {
    struct fl_tx tx;
    uint32_t before, after; /* in order of arrival, or `after` in the list of free slots */
    uint64_t forwarded;     /* 1 + highest copy forwarded to the peers, 0 if never */
};

/* Name of a transaction. The first mempool_txs keys belong to the slots of the mempool, as many
 * more to the newest transactions that were applied: so that a late copy is not taken for new. */
struct key {
    uint64_t nonce;
    uint32_t account, zero;
};

struct state {
    uint64_t height;          /* of the head */
    struct fl_digest payload; /* of the head; zero at genesis */
    fl_time time;             /* of the head's block */
    uint64_t txs;             /* transactions in blocks applied here */
    uint64_t dropped;         /* transactions refused because the mempool was full */
    uint64_t halted;          /* 1: decided something that cannot be executed */
    uint64_t announced;       /* times the head was announced again */
    /* the block being executed: height 0 if none */
    uint64_t executing;
    struct fl_digest executing_payload;
    fl_time executing_time;
    uint64_t executing_txs;
    uint32_t version; /* of the head */
    uint32_t pooled_count;
    uint32_t first, last, free; /* slots + 1 */
    uint32_t applied_next;      /* position in the ring of applied keys */
};
/* In place of executing_txs: not executed, but taken over with a snapshot. */
#define ADOPTING UINT64_MAX
/* The state is followed by pooled[mempool_txs], key[2 * mempool_txs] and the index:
 * uint32_t[index_slots], open addressing over keys, 0 empty, else position of the key + 1. */

static uint32_t capacity(const struct fl_self *self)
{
    return (uint32_t)((const struct params *)self->params)->mempool_txs;
}

/* A power of two, at most half full with 2 * mempool_txs keys. */
static uint32_t index_slots(int64_t mempool_txs)
{
    uint32_t slots = 4;
    while (slots < 4 * mempool_txs) slots *= 2;
    return slots;
}

static struct pooled *pool_of(struct state *s)
{
    return (void *)(s + 1);
}

static struct key *keys_of(const struct fl_self *self, struct state *s)
{
    return (void *)(pool_of(s) + capacity(self));
}

static uint32_t *index_of(const struct fl_self *self, struct state *s)
{
    return (void *)(keys_of(self, s) + 2 * (size_t)capacity(self));
}

/* --- index of known transactions --------------------------------------------------------------- */

static uint32_t home_of(const struct fl_self *self, const struct key *key)
{
    /* Fibonacci hashing (Knuth 6.4): accounts and nonces are small and close together. */
    const uint64_t mixed = (key->nonce ^ (uint64_t)key->account << 40) *
                           UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 32) & (index_slots(capacity(self)) - 1);
}

/* Where the key is, or the empty place where it would go. */
static uint32_t index_find(const struct fl_self *self, struct state *s, const struct key *key)
{
    const uint32_t mask = index_slots(capacity(self)) - 1;
    const uint32_t *const index = index_of(self, s);
    const struct key *const keys = keys_of(self, s);
    uint32_t i = home_of(self, key);
    while (index[i] != 0) {
        const struct key *const k = &keys[index[i] - 1];
        if (k->nonce == key->nonce && k->account == key->account) return i;
        i = (i + 1) & mask;
    }
    return i;
}

/* Position of the key + 1; 0 if it is unknown. */
static uint32_t index_get(const struct fl_self *self, struct state *s, const struct key *key)
{
    return index_of(self, s)[index_find(self, s, key)];
}

static void index_put(const struct fl_self *self, struct state *s, uint32_t position,
                      const struct key *key)
{
    struct key *const k = &keys_of(self, s)[position];
    k->nonce = key->nonce;
    k->account = key->account;
    index_of(self, s)[index_find(self, s, key)] = position + 1;
}

/* Deletion in open addressing without tombstones (Knuth 6.4, algorithm R). */
static void index_remove(const struct fl_self *self, struct state *s, uint32_t position)
{
    const uint32_t mask = index_slots(capacity(self)) - 1;
    uint32_t *const index = index_of(self, s);
    const struct key *const keys = keys_of(self, s);
    uint32_t hole = index_find(self, s, &keys[position]);
    FL_ASSERT(index[hole] == position + 1);
    for (uint32_t i = (hole + 1) & mask; index[i] != 0; i = (i + 1) & mask) {
        const uint32_t home = home_of(self, &keys[index[i] - 1]);
        if (((i - home) & mask) < ((i - hole) & mask)) continue;
        index[hole] = index[i];
        hole = i;
    }
    index[hole] = 0;
}

/* --- mempool ------------------------------------------------------------------------------------ */

static struct key key_of(uint32_t account, uint64_t nonce)
{
    return (struct key){.nonce = nonce, .account = account};
}

/* Slot + 1 of the new last transaction; 0 if the mempool is full. */
static uint32_t pool_push(const struct fl_self *self, struct state *s, const struct fl_tx *tx)
{
    if (s->free == 0) return 0;
    const uint32_t slot = s->free;
    struct pooled *const pool = pool_of(s), *const p = &pool[slot - 1];
    s->free = p->after;
    memcpy(&p->tx, tx, sizeof *tx);
    p->forwarded = 0;
    p->before = s->last;
    p->after = 0;
    if (s->last != 0)
        pool[s->last - 1].after = slot;
    else
        s->first = slot;
    s->last = slot;
    s->pooled_count++;
    const struct key key = key_of(tx->account, tx->nonce);
    index_put(self, s, slot - 1, &key);
    return slot;
}

static void pool_remove(const struct fl_self *self, struct state *s, uint32_t slot)
{
    struct pooled *const pool = pool_of(s), *const p = &pool[slot - 1];
    index_remove(self, s, slot - 1);
    if (p->before != 0)
        pool[p->before - 1].after = p->after;
    else
        s->first = p->after;
    if (p->after != 0)
        pool[p->after - 1].before = p->before;
    else
        s->last = p->before;
    memset(p, 0, sizeof *p);
    p->after = s->free;
    s->free = slot;
    s->pooled_count--;
}

/* The transaction is in a decided block: it leaves the mempool and is remembered for a while. */
static void mark_applied(const struct fl_self *self, struct state *s, const struct fl_tx *tx)
{
    const struct key key = key_of(tx->account, tx->nonce);
    const uint32_t known = index_get(self, s, &key);
    if (known > capacity(self)) return; /* twice in decided blocks: the second is invalid */
    if (known != 0) pool_remove(self, s, known);

    const uint32_t position = capacity(self) + s->applied_next;
    const struct key *const oldest = &keys_of(self, s)[position];
    if (index_get(self, s, oldest) == position + 1) index_remove(self, s, position);
    index_put(self, s, position, &key);
    s->applied_next = (s->applied_next + 1) % capacity(self);
}

static bool tx_signed(const struct fl_self *self, const struct fl_tx *tx, struct fl_outbox *out)
{
    if (tx->account >= self->facts->accounts) return false;
    const fl_identity owner = fl_account_owner(self, tx->account);
    return owner.i != UINT32_MAX && fl_verify(self, owner, fl_tx_digest(tx), tx->tag, out);
}

/* Once for each copy that its client hands in, so that peers which were down get it too. */
static void forward(const struct fl_self *self, struct pooled *p, const struct fl_msg *from,
                    struct fl_outbox *out)
{
    if (from->copy < p->forwarded) return;
    p->forwarded = (uint64_t)from->copy + 1;
    struct fl_msg *const m = fl_send(out, FL_TO_PEERS, FL_NOWHERE, FL_CHAIN, FL_GOSSIP);
    m->word[0] = p->tx.account;
    m->word[1] = p->tx.nonce;
    m->word[2] = self->key;
    m->copy = from->copy;
    m->blob = from->blob;
}

static void on_tx(const struct fl_self *self, struct state *s, const struct fl_event *in,
                  struct fl_outbox *out)
{
    struct fl_tx tx;
    if (in->data == NULL || in->data_bytes != sizeof tx) return;
    memcpy(&tx, in->data, sizeof tx);
    const struct key key = key_of(tx.account, tx.nonce);
    uint32_t known = index_get(self, s, &key);
    if (known > capacity(self)) return; /* applied */
    if (known == 0) {
        if (!tx_signed(self, &tx, out)) return;
        known = pool_push(self, s, &tx);
        if (known == 0) {
            s->dropped++;
            return;
        }
    }
    if (in->msg.kind != FL_SUBMIT) return;
    /* What is forwarded is what was checked: another content under the same name is not. */
    struct pooled *const p = &pool_of(s)[known - 1];
    if (memcmp(&p->tx, &tx, sizeof tx) == 0) forward(self, p, &in->msg, out);
}

/* --- payloads ----------------------------------------------------------------------------------- */

static void header_fill(const struct state *s, struct fl_block *header, fl_time now, uint32_t count)
{
    memset(header, 0, sizeof *header);
    header->parent.lo = s->payload.lo;
    header->parent.hi = s->payload.hi;
    header->batch.height = s->height + 1;
    header->batch.time = fl_max(now, s->time);
    header->batch.tx_count = count;
}

static void on_propose(const struct fl_self *self, struct state *s, const struct fl_event *in,
                       struct fl_outbox *out)
{
    const struct params *const p = self->params;
    const uint64_t height = in->msg.word[0];
    if (s->halted || height != s->height + 1) {
        fl_local(out, FL_CONSENSUS, FL_PAYLOAD)->word[0] = height;
        return;
    }
    const uint32_t count = (uint32_t)fl_min(s->pooled_count, p->block_txs);
    struct fl_block header;
    header_fill(s, &header, in->now, count);
    unsigned char *at =
        fl_blob_begin(out, (uint32_t)(sizeof header + count * sizeof(struct fl_tx)));
    memcpy(at, &header, sizeof header);
    at += sizeof header;
    uint32_t slot = s->first;
    for (uint32_t i = 0; i < count; i++) {
        const struct pooled *const tx = &pool_of(s)[slot - 1];
        memcpy(at, &tx->tx, sizeof tx->tx);
        at += sizeof tx->tx;
        slot = tx->after;
    }
    struct fl_digest digest;
    const fl_blob blob = fl_blob_end(out, height, &digest);
    struct fl_msg *const m = fl_local(out, FL_CONSENSUS, FL_PAYLOAD);
    m->word[0] = height;
    m->word[1] = count;
    m->value[0] = (int64_t)digest.lo;
    m->value[1] = (int64_t)digest.hi;
    m->blob = blob;
}

/* The bytes are a block on our head: as much as can be said without looking at transactions. */
static bool block_fits(const struct state *s, const void *data, uint32_t bytes,
                       struct fl_block *header)
{
    if (data == NULL || bytes < sizeof *header) return false;
    memcpy(header, data, sizeof *header);
    const size_t room = bytes - sizeof *header;
    return header->zero[0] == 0 && header->zero[1] == 0 && header->batch.zero == 0 &&
           header->batch.height == s->height + 1 && header->batch.time >= s->time &&
           fl_digest_equal(header->parent, s->payload) && room % sizeof(struct fl_tx) == 0 &&
           room / sizeof(struct fl_tx) == header->batch.tx_count;
}

static void tx_at(const void *block, uint32_t i, struct fl_tx *tx)
{
    const unsigned char *const txs = (const unsigned char *)block + sizeof(struct fl_block);
    memcpy(tx, txs + i * sizeof *tx, sizeof *tx);
}

static bool block_valid(const struct fl_self *self, const struct state *s,
                        const struct fl_event *in, struct fl_outbox *out)
{
    const struct params *const p = self->params;
    struct fl_block header;
    if (s->halted || in->msg.word[0] != s->height + 1) return false;
    if (!block_fits(s, in->data, in->data_bytes, &header)) return false;
    if (header.batch.tx_count > p->block_txs) return false;
    for (uint32_t i = 0; i < header.batch.tx_count; i++) {
        struct fl_tx tx;
        tx_at(in->data, i, &tx);
        if (!tx_signed(self, &tx, out)) return false;
    }
    return true;
}

static void on_validate(const struct fl_self *self, const struct state *s,
                        const struct fl_event *in, struct fl_outbox *out)
{
    const bool valid = block_valid(self, s, in, out);
    struct fl_msg *const m = fl_local(out, FL_CONSENSUS, FL_VALID);
    m->word[0] = in->msg.word[0];
    m->blob = in->msg.blob;
    m->value[0] = valid;
}

/* --- execution ---------------------------------------------------------------------------------- */

static fl_version head_version(const struct state *s)
{
    return (fl_version){s->version};
}

static void execute(const struct state *s, fl_blob block, struct fl_outbox *out)
{
    struct fl_effect *const e = fl_emit(out, FL_EXECUTE);
    e->offset = offsetof(struct fl_block, batch);
    e->msg.word[0] = s->executing;
    e->msg.version = head_version(s);
    e->msg.blob = block;
}

/* What an empty height executes is the same for everybody: it follows from the head. */
static void decide_empty(struct state *s, struct fl_outbox *out)
{
    struct fl_block block;
    header_fill(s, &block, s->time, 0);
    s->executing = s->height + 1;
    s->executing_payload.lo = s->executing_payload.hi = 0;
    s->executing_time = s->time;
    s->executing_txs = 0;
    execute(s, fl_blob_put(out, &block, sizeof block, s->executing, NULL), out);
}

static void on_decide(const struct fl_self *self, struct state *s, const struct fl_event *in,
                      struct fl_outbox *out)
{
    struct fl_block header;
    if (s->halted || s->executing != 0 || in->msg.word[0] != s->height + 1) return;
    if (in->msg.blob.i == 0 && in->msg.value[0] == 0 && in->msg.value[1] == 0) {
        decide_empty(s, out);
        return;
    }
    if (!block_fits(s, in->data, in->data_bytes, &header)) {
        s->halted = 1;
        return;
    }
    const struct fl_digest digest = fl_digest_of(in->data, in->data_bytes);
    s->executing = s->height + 1;
    s->executing_payload.lo = digest.lo;
    s->executing_payload.hi = digest.hi;
    s->executing_time = header.batch.time;
    s->executing_txs = header.batch.tx_count;
    for (uint32_t i = 0; i < header.batch.tx_count; i++) {
        struct fl_tx tx;
        tx_at(in->data, i, &tx);
        mark_applied(self, s, &tx);
    }
    execute(s, in->msg.blob, out);
}

static void announce(const struct state *s, uint16_t copy, struct fl_outbox *out)
{
    struct fl_msg *const m =
        fl_send(out, FL_TO_CLIENTS, FL_NOWHERE, (enum fl_family)0, FL_NEW_HEAD);
    m->word[0] = s->height;
    m->value[0] = s->time;
    m->version = head_version(s);
    m->copy = copy;
}

/* The block at work becomes the head, or what was taken over in its place. */
static void advance(const struct fl_self *self, struct state *s, const struct fl_msg *m,
                    bool adopted, struct fl_outbox *out)
{
    const uint64_t parent = s->payload.lo;
    s->height = s->executing;
    s->executing = 0;
    s->version = m->version.i;
    s->payload.lo = s->executing_payload.lo;
    s->payload.hi = s->executing_payload.hi;
    s->time = s->executing_time;
    s->txs += s->executing_txs;
    s->announced = 0;
    int64_t *const v = fl_note(out, FL_RECORD_APPLIED, (int64_t)s->height, self->key);
    v[2] = m->value[0];
    v[3] = (int64_t)s->payload.lo;
    v[4] = (int64_t)parent;
    v[5] = adopted;
    fl_emit(out, FL_HEAD)->msg.version = m->version;
    fl_emit(out, FL_FINALISE)->msg.version = m->version;
    announce(s, 0, out);
}

static void on_executed(const struct fl_self *self, struct state *s, const struct fl_msg *m,
                        struct fl_outbox *out)
{
    if (m->version.i == 0) {
        s->executing = 0;
        s->halted = 1;
        return;
    }
    advance(self, s, m, false, out);
    struct fl_msg *const applied = fl_local(out, FL_CONSENSUS, FL_APPLIED);
    applied->word[0] = s->height;
    applied->version = m->version;
    applied->value[0] = m->value[0];
    applied->value[1] = m->value[1];
}

/* --- snapshots ---------------------------------------------------------------------------------- */

static void answer_snapshot(uint64_t height, struct fl_digest payload, const struct fl_msg *m,
                            bool adopted, struct fl_outbox *out)
{
    struct fl_msg *const answer = fl_local(out, FL_CONSENSUS, FL_ADOPTED);
    answer->word[0] = height;
    answer->word[1] = payload.lo;
    answer->word[2] = payload.hi;
    answer->blob = m->blob;
    answer->version = m->version;
    answer->value[0] = adopted;
}

static void on_snapshot(struct state *s, const struct fl_msg *m, struct fl_outbox *out)
{
    const struct fl_digest payload = {(uint64_t)m->value[0], (uint64_t)m->value[1]};
    if (s->halted || s->executing != 0 || m->word[0] <= s->height) {
        answer_snapshot(m->word[0], payload, m, false, out);
        return;
    }
    s->executing = m->word[0];
    s->executing_payload.lo = payload.lo;
    s->executing_payload.hi = payload.hi;
    s->executing_txs = ADOPTING;
    struct fl_effect *const e = fl_emit(out, FL_ADOPT);
    e->msg.word[0] = m->word[0];
    e->msg.value[0] = (int64_t)m->word[1];
    e->msg.value[1] = (int64_t)m->word[2];
    e->msg.version = m->version;
    e->msg.blob = m->blob;
}

/* The state hash covers height and time. What is not as proven changes nothing here. */
static void on_adopted(const struct fl_self *self, struct state *s, const struct fl_msg *m,
                       struct fl_outbox *out)
{
    const uint64_t height = s->executing;
    s->executing_txs = 0;
    if (m->version.i == 0 || m->word[1] != height) {
        s->executing = 0;
        answer_snapshot(height, s->executing_payload, m, false, out);
        return;
    }
    s->executing_time = (fl_time)m->word[2];
    advance(self, s, m, true, out);
    answer_snapshot(height, s->payload, m, true, out);
}

/* --- the model ---------------------------------------------------------------------------------- */

/* Clients missed what was announced while the node was down. */
static void on_recover(struct state *s, struct fl_outbox *out)
{
    if (s->height == 0 || s->announced == UINT16_MAX) return;
    s->announced++;
    announce(s, (uint16_t)s->announced, out);
}

static void on_call(const struct fl_self *self, struct state *s, const struct fl_event *in,
                    struct fl_outbox *out)
{
    if (in->msg.family != FL_CONSENSUS) return;
    if (in->msg.kind == FL_PROPOSE) on_propose(self, s, in, out);
    if (in->msg.kind == FL_VALIDATE) on_validate(self, s, in, out);
    if (in->msg.kind == FL_DECIDE) on_decide(self, s, in, out);
    if (in->msg.kind == FL_SNAPSHOT) on_snapshot(s, &in->msg, out);
}

static void on_message(const struct fl_self *self, struct state *s, const struct fl_event *in,
                       struct fl_outbox *out)
{
    const bool peer = in->msg.by.i - self->group_first < self->group_size;
    if (in->msg.kind == FL_SUBMIT || (in->msg.kind == FL_GOSSIP && peer)) on_tx(self, s, in, out);
}

static size_t state_bytes(const void *params, const struct fl_self *self)
{
    const size_t txs = (size_t)((const struct params *)params)->mempool_txs;
    (void)self;
    return sizeof(struct state) + txs * (sizeof(struct pooled) + 2 * sizeof(struct key)) +
           index_slots((int64_t)txs) * sizeof(uint32_t);
}

static void init(const struct fl_self *self, void *state)
{
    struct state *const s = state;
    s->version = 1; /* genesis */
    for (uint32_t slot = capacity(self); slot > 0; slot--) {
        pool_of(s)[slot - 1].after = s->free;
        s->free = slot;
    }
}

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    struct state *const s = state;
    (void)view;
    switch (in->kind) {
    case FL_MSG:
        on_message(self, s, in, out);
        return;
    case FL_CALL:
        on_call(self, s, in, out);
        return;
    case FL_EXECUTED:
        if (s->executing == 0 || in->msg.word[0] != s->executing) return;
        (s->executing_txs == ADOPTING ? on_adopted : on_executed)(self, s, &in->msg, out);
        return;
    case FL_RECOVER:
        on_recover(s, out);
        return;
    case FL_START:
    case FL_TIMER:
    case FL_OVERHEARD:
        return;
    }
    FL_UNREACHABLE("event kind");
}

static void observe(const struct fl_self *self, const void *state, int64_t *out)
{
    const struct state *const s = state;
    (void)self;
    out[0] = (int64_t)s->height;
    out[1] = s->pooled_count;
    out[2] = (int64_t)s->dropped;
    out[3] = (int64_t)s->txs;
    out[4] = (int64_t)s->halted;
}

static const struct fl_observable observables[] = {
    {"chain.height", "newest height applied by any replica", FL_COUNT, FL_MAX},
    {"chain.mempool", "transactions in the fullest mempool", FL_COUNT, FL_MAX},
    {"chain.dropped", "transactions refused because a mempool was full", FL_COUNT, FL_SUM},
    {"chain.txs", "transactions in applied blocks", FL_COUNT, FL_MAX},
    {"chain.halted", "replicas that could not execute what was decided", FL_COUNT, FL_SUM},
    {.name = NULL},
};

/* A block must fit an outbox. */
enum { BLOCK_TXS_MAX = (FL_OUTBOX_SCRATCH - 4096) / sizeof(struct fl_tx) };

static const struct fl_param rows[] = {
    {.key = "block_txs",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, block_txs),
     .min = 1,
     .max = BLOCK_TXS_MAX,
     .fallback = "200",
     .doc = "most transactions in a block, transactions"},
    {.key = "mempool_txs",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, mempool_txs),
     .min = 1,
     .max = 1 << 20,
     .fallback = "4096",
     .doc = "most transactions waiting in a replica, transactions"},
    {.key = NULL},
};

static const struct fl_node_model node = {
    .timer_count = 0,
    .state_bytes = state_bytes,
    .init = init,
    .step = step,
    .observe = observe,
};

const struct fl_model fl_model_replica = {
    .name = "replica",
    .family = FL_CHAIN,
    .doc = "mempool, first-in-first-out payloads and execution around a consensus that never forks",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .observables = observables,
    .node = &node,
};
