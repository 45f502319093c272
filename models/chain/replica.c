/* A replica around a consensus: mempool, payload building, validation, execution, and what its
 * clients are told of it.
 *
 * Transactions enter from clients and are forwarded once to the peers; payloads take them in the
 * order of their arrival here, first in, first out, or by fee (mempool.h). With `base_fee`, the header
 * states the base fee of its block, which follows from the block before by EIP-1559 (base_fee.h): a block
 * that states another one, or holds a transaction that does not cover it, is invalid. What is paid is burned
 * or, the tip, goes to whoever built the block; neither is anybody's collateral. A decided payload is executed at once and final:
 * the consensus under it must not fork. What is final is for good: a decision or a snapshot that is
 * not about a later height is refused, whoever it comes from. The head survives a crash (stable
 * storage), and so does the mempool.
 *
 * A replica that missed blocks gets them, one by one, from its consensus; if nobody keeps them any
 * more, the state after some later one (FL_SNAPSHOT). What it then takes for its head is a ledger
 * version whose state hash is the one that the consensus has seen proven. Which of the transactions
 * that wait here are in the blocks it never saw, it does not know: by arrival some may be proposed again, and
 * come to nothing because their nonces are used; by fee, it looks at the nonces before it proposes.
 *
 * Assumptions: every transaction is one unit of block space; nonces do not order transactions, for they may
 * come out of order; the consensus decides heights in order. If a decided payload cannot be executed (malformed, or not on the head) the
 * replica halts, as CometBFT does: what the quorum has decided it cannot undo. */
#include "models/chain/base_fee.h"
#include "models/chain/mempool.h"
#include "models/wire.h"

#include <string.h>

struct params {
    int64_t block_txs, mempool_txs;
    int64_t fee_order;        /* 1: by fee; 0: by arrival */
    int64_t replacement_bump; /* ppm */
    fl_time mempool_lifetime; /* 0: for ever */
    int64_t base_fee;         /* of the first block; 0: none, ever */
    int64_t base_fee_min;
    int64_t elasticity, base_fee_denominator;
};

struct state {
    uint64_t height;          /* of the head */
    struct fl_digest payload; /* of the head; zero at genesis */
    fl_time time;             /* of the head's block */
    uint64_t txs;             /* transactions in blocks applied here */
    uint64_t replaced;        /* transactions that gave way to one with higher fees */
    uint64_t spent;           /* transactions whose nonce turned out to be used, or too old */
    uint64_t expired;         /* transactions that waited longer than their lifetime */
    uint64_t halted;          /* 1: decided something that cannot be executed */
    uint64_t announced;       /* times the head was announced again */
    /* the block being executed: height 0 if none */
    uint64_t executing;
    struct fl_digest executing_payload;
    fl_time executing_time;
    uint64_t executing_txs;
    int64_t base_fee, base_fee_highest; /* of the next block; of any so far */
    int64_t burned, tips;               /* paid in blocks up to the head */
    uint32_t version;                   /* of the head */
    uint32_t zero;
};
/* In place of executing_txs: not executed, but taken over with a snapshot. */
#define ADOPTING UINT64_MAX
/* The state is followed by the mempool. */

static struct fl_mempool *pool_of(const struct state *s)
{
    return (void *)(s + 1);
}

static fl_version head_version(const struct state *s)
{
    return (fl_version){s->version};
}

/* --- transactions ------------------------------------------------------------------------------- */

static bool tx_signed(const struct fl_self *self, const struct fl_tx *tx, struct fl_outbox *out)
{
    if (tx->account >= self->facts->accounts) return false;
    const fl_identity owner = fl_account_owner(self, tx->account);
    return owner.i != UINT32_MAX && fl_verify(self, owner, fl_tx_digest(tx), tx->tag, out);
}

/* Once for each copy that its client hands in, so that peers which were down get it too. */
static void forward(const struct fl_self *self, struct fl_pooled *p, const struct fl_msg *from,
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

/* The slot + 1 where `tx` waits from now on; 0 if it is refused. Another content under a name that waits
 * already takes its place only by higher fees. */
static uint32_t take(const struct fl_self *self, struct state *s, const struct fl_tx *tx,
                     fl_time now, struct fl_outbox *out)
{
    const struct params *const p = self->params;
    struct fl_mempool *const pool = pool_of(s);
    const uint32_t known = fl_mempool_find(pool, tx->account, tx->nonce);
    if (known > pool->capacity) return 0; /* applied */
    if (known == 0)
        return fl_fees_sound(tx) && tx_signed(self, tx, out) ? fl_mempool_add(pool, tx, now) : 0;
    const struct fl_tx *const old = &fl_mempool_at(pool, known)->tx;
    if (memcmp(old, tx, sizeof *tx) == 0) return known;
    if (!p->fee_order || !fl_mempool_outbids(old, tx, p->replacement_bump) || !fl_fees_sound(tx) ||
        !tx_signed(self, tx, out))
        return 0;
    fl_mempool_replace(pool, known, tx, now);
    s->replaced++;
    return known;
}

static void on_tx(const struct fl_self *self, struct state *s, const struct fl_event *in,
                  struct fl_outbox *out)
{
    struct fl_tx tx;
    if (in->data == NULL || in->data_bytes != sizeof tx) return;
    memcpy(&tx, in->data, sizeof tx);
    const uint32_t slot = take(self, s, &tx, in->now, out);
    if (slot != 0 && in->msg.kind == FL_SUBMIT)
        forward(self, fl_mempool_at(pool_of(s), slot), &in->msg, out);
}

static void expire(const struct params *p, struct state *s, fl_time now)
{
    if (p->mempool_lifetime > 0)
        s->expired += fl_mempool_expire(pool_of(s), now - p->mempool_lifetime);
}

/* --- payloads ----------------------------------------------------------------------------------- */

static void header_fill(const struct state *s, struct fl_block *header, fl_time now, uint32_t count)
{
    memset(header, 0, sizeof *header);
    header->parent.lo = s->payload.lo;
    header->parent.hi = s->payload.hi;
    header->batch.height = s->height + 1;
    header->batch.time = fl_max(now, s->time);
    header->batch.base_fee = s->base_fee;
    header->batch.tx_count = count;
}

/* The head shows that it would take its place for nothing, and pay nothing. */
static bool is_spent(const struct state *s, const struct fl_view *view, const struct fl_tx *tx)
{
    const struct fl_view head = {.reader = view->reader, .version = head_version(s)};
    const struct fl_query query = {
        .contract = FL_LEDGER, .kind = FL_ASK_SENDER, .arg = {tx->account, 0, 0}};
    struct fl_sender sender;
    return fl_read(&head, &query, &sender, sizeof sender) == FL_READ_OK &&
           fl_nonce_spent(&sender, tx->nonce);
}

/* Of what would go into the next block. Those that wait longer are looked at when their turn comes. */
static void drop_spent(const struct params *p, struct state *s, const struct fl_view *view)
{
    struct fl_mempool *const pool = pool_of(s);
    int64_t room = p->block_txs;
    for (uint32_t left = fl_mempool_rank(pool); left > 0 && room > 0; left--) {
        const uint32_t slot = fl_mempool_next(pool);
        if (is_spent(s, view, &fl_mempool_at(pool, slot)->tx)) {
            fl_mempool_drop(pool, slot);
            s->spent++;
        } else {
            room--;
        }
    }
}

static void on_propose(const struct fl_self *self, struct state *s, const struct fl_event *in,
                       const struct fl_view *view, struct fl_outbox *out)
{
    const struct params *const p = self->params;
    const uint64_t height = in->msg.word[0];
    if (s->halted || height != s->height + 1) {
        fl_local(out, FL_CONSENSUS, FL_PAYLOAD)->word[0] = height;
        return;
    }
    if (p->fee_order) drop_spent(p, s, view);
    const uint32_t count = (uint32_t)fl_min(fl_mempool_rank(pool_of(s)), p->block_txs);
    struct fl_block header;
    header_fill(s, &header, in->now, count);
    unsigned char *at =
        fl_blob_begin(out, (uint32_t)(sizeof header + count * sizeof(struct fl_tx)));
    memcpy(at, &header, sizeof header);
    at += sizeof header;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t slot = fl_mempool_next(pool_of(s));
        memcpy(at, &fl_mempool_at(pool_of(s), slot)->tx, sizeof(struct fl_tx));
        at += sizeof(struct fl_tx);
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
    return header->zero == 0 && header->batch.zero == 0 && header->batch.height == s->height + 1 &&
           header->batch.time >= s->time && header->batch.base_fee == s->base_fee &&
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
        if (!fl_fees_sound(&tx) || fl_effective_tip(&tx, s->base_fee) < 0) return false;
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

static void on_decide(struct state *s, const struct fl_event *in, struct fl_outbox *out)
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
        fl_mempool_apply(pool_of(s), &tx);
    }
    execute(s, in->msg.blob, out);
}

static void announce(const struct state *s, uint16_t copy, struct fl_outbox *out)
{
    struct fl_msg *const m =
        fl_send(out, FL_TO_CLIENTS, FL_NOWHERE, (enum fl_family)0, FL_NEW_HEAD);
    m->word[0] = s->height;
    m->value[0] = s->time;
    m->value[1] = s->base_fee;
    m->version = head_version(s);
    m->copy = copy;
}

/* What the next block costs. The new head says it, whether its block was executed here or not: all of this
 * is part of the proven state. */
static void price_space(const struct fl_self *self, struct state *s, const struct fl_view *view)
{
    const struct params *const p = self->params;
    const struct fl_view head = {.reader = view->reader, .version = head_version(s)};
    const struct fl_query query = {.contract = FL_LEDGER, .kind = FL_ASK_SPACE};
    struct fl_space space;
    if (!p->fee_order || fl_read(&head, &query, &space, sizeof space) != FL_READ_OK) return;
    s->burned = space.burned;
    s->tips = space.tips;
    if (p->base_fee == 0) return;
    const struct fl_fee_market market = {p->block_txs, p->elasticity, p->base_fee_denominator};
    const int64_t next = fl_next_base_fee(&market, space.base_fee, space.txs);
    s->base_fee = fl_max(next, p->base_fee_min);
    s->base_fee_highest = fl_max(s->base_fee_highest, s->base_fee);
    fl_mempool_set_base_fee(pool_of(s), s->base_fee);
}

/* The block at work becomes the head, or what was taken over in its place. */
static void advance(const struct fl_self *self, struct state *s, const struct fl_msg *m,
                    const struct fl_view *view, bool adopted, struct fl_outbox *out)
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
    price_space(self, s, view);
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
                        const struct fl_view *view, struct fl_outbox *out)
{
    if (m->version.i == 0) {
        s->executing = 0;
        s->halted = 1;
        return;
    }
    advance(self, s, m, view, false, out);
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
                       const struct fl_view *view, struct fl_outbox *out)
{
    const uint64_t height = s->executing;
    s->executing_txs = 0;
    if (m->version.i == 0 || m->word[1] != height) {
        s->executing = 0;
        answer_snapshot(height, s->executing_payload, m, false, out);
        return;
    }
    s->executing_time = (fl_time)m->word[2];
    advance(self, s, m, view, true, out);
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
                    const struct fl_view *view, struct fl_outbox *out)
{
    if (in->msg.family != FL_CONSENSUS) return;
    if (in->msg.kind == FL_PROPOSE) on_propose(self, s, in, view, out);
    if (in->msg.kind == FL_VALIDATE) on_validate(self, s, in, out);
    if (in->msg.kind == FL_DECIDE) on_decide(s, in, out);
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
    (void)self;
    return sizeof(struct state) +
           fl_mempool_bytes((uint32_t)((const struct params *)params)->mempool_txs);
}

static void init(const struct fl_self *self, void *state)
{
    const struct params *const p = self->params;
    struct state *const s = state;
    s->version = 1; /* genesis */
    s->base_fee = s->base_fee_highest = p->base_fee;
    fl_mempool_init(pool_of(s), (uint32_t)p->mempool_txs, p->fee_order != 0);
    if (p->fee_order) fl_mempool_set_base_fee(pool_of(s), p->base_fee);
}

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    struct state *const s = state;
    expire(self->params, s, in->now);
    switch (in->kind) {
    case FL_MSG:
        on_message(self, s, in, out);
        return;
    case FL_CALL:
        on_call(self, s, in, view, out);
        return;
    case FL_EXECUTED:
        if (s->executing == 0 || in->msg.word[0] != s->executing) return;
        (s->executing_txs == ADOPTING ? on_adopted : on_executed)(self, s, &in->msg, view, out);
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
    out[1] = pool_of(s)->count;
    out[2] = (int64_t)pool_of(s)->dropped;
    out[3] = (int64_t)s->txs;
    out[4] = (int64_t)s->halted;
    out[5] = (int64_t)s->replaced;
    out[6] = (int64_t)s->expired;
    out[7] = (int64_t)s->spent;
    out[8] = s->base_fee;
    out[9] = s->base_fee_highest;
    out[10] = s->burned;
    out[11] = s->tips;
}

static const struct fl_observable observables[] = {
    {"chain.height", "newest height applied by any replica", FL_COUNT, FL_MAX},
    {"chain.mempool", "transactions in the fullest mempool", FL_COUNT, FL_MAX},
    {"chain.dropped", "transactions refused, or dropped, because a mempool was full", FL_COUNT,
     FL_SUM},
    {"chain.txs", "transactions in applied blocks", FL_COUNT, FL_MAX},
    {"chain.halted", "replicas that could not execute what was decided", FL_COUNT, FL_SUM},
    {"chain.replaced", "transactions in mempools that gave way to one with higher fees", FL_COUNT,
     FL_SUM},
    {"chain.expired", "transactions that outlived mempool_lifetime_s in a mempool", FL_COUNT,
     FL_SUM},
    {"chain.spent",
     "transactions that a mempool dropped because their nonce was used or too old, with fee_order",
     FL_COUNT, FL_SUM},
    {"chain.base_fee", "base fee of the next block, for a transaction", FL_USD, FL_MAX},
    {"chain.base_fee_highest", "highest base fee so far, for a transaction", FL_USD, FL_MAX},
    {"chain.burned", "base fees paid so far, with fee_order", FL_USD, FL_MAX},
    {"chain.tips", "tips paid so far, with fee_order", FL_USD, FL_MAX},
    {.name = NULL},
};

static const char *check(const void *params)
{
    const struct params *const p = params;
    if (p->base_fee > 0 && !p->fee_order) return "base_fee_usd needs fee_order";
    if (p->base_fee > 0 && p->elasticity > p->block_txs)
        return "elasticity must not be above block_txs: the target would be no transaction at all";
    return p->base_fee_min > p->base_fee ? "base_fee_min_usd must not be above base_fee_usd" : NULL;
}

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
    {.key = "fee_order",
     .type = FL_BOOLEAN,
     .offset = offsetof(struct params, fee_order),
     .max = 1,
     .fallback = "false",
     .doc = "payloads take transactions by what they pay beyond the base fee, not by arrival; a "
            "transaction gives way to one of the same account and nonce with higher fees; a full "
            "mempool drops the cheapest, not the newest"},
    {.key = "replacement_bump",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, replacement_bump),
     .max = 100 * FL_PPM_ONE,
     .fallback = "0.1",
     .doc = "by how much both fees of a replacement must be higher, share (geth: 10 %)"},
    {.key = "mempool_lifetime_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, mempool_lifetime),
     .max = 365 * 86400 * FL_SECOND,
     .fallback = "0",
     .doc = "how long a transaction waits at most, seconds (geth: three hours); 0: for ever"},
    {.key = "base_fee_usd",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, base_fee),
     .max = FL_FEE_MAX,
     .fallback = "0",
     .doc = "base fee of the first block, USD for a transaction; it then follows how full blocks "
            "are (EIP-1559). 0: there is none"},
    {.key = "base_fee_min_usd",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, base_fee_min),
     .max = FL_FEE_MAX,
     .fallback = "0",
     .doc = "what the base fee does not fall below, USD (none on Ethereum; the OP stack has one)"},
    {.key = "elasticity",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, elasticity),
     .min = 1,
     .max = BLOCK_TXS_MAX,
     .fallback = "2",
     .doc = "block_txs over the number of transactions at which the base fee stays (EIP-1559: 2)"},
    {.key = "base_fee_denominator",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, base_fee_denominator),
     .min = 1,
     .max = 1000000,
     .fallback = "8",
     .doc = "the base fee changes by at most elasticity - 1 over this in a block (EIP-1559: 8)"},
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
    .doc =
        "mempool, payloads by arrival or by fee (EIP-1559) and execution around a consensus that "
        "never forks",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .check = check,
    .observables = observables,
    .node = &node,
};
