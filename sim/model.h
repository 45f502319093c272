/* The whole contract between the engine and a model.
 *
 * A model is a value plus a pure step. `step` reads one event and a read-only view of what this
 * actor may observe, changes its own state, and writes effects into a bounded outbox. It never
 * calls the engine, allocates, reads a clock, or draws a number except by key. What a step may call
 * is declared in this header, sim/num.h, sim/law.h and sim/rng.h, and nothing else; the lint
 * checks that on the object files.
 *
 * The engine owns time, chance, the network, blobs, ledger versions and causes. It knows nothing of
 * blocks, prices or protocols: their vocabulary is in models/wire.h.
 *
 * Order. Events are totally ordered by (time, sequence number). A broadcast is delivered in the
 * order (time, send sequence, receiver's rank). Local calls are drained depth first, in the order
 * they were written, before the next event. */
#ifndef FL_MODEL_H
#define FL_MODEL_H
#include "sim/base.h"
#include "sim/law.h"
#include "sim/num.h"
#include "sim/rng.h"

/* ------------------------------------------------------------------------------------------------
 * Who takes part
 * --------------------------------------------------------------------------------------------- */

/* The part a model plays. The first group are layers of a node, at most one of each per node; a
 * message or a local call names the layer it is for by its family. */
enum fl_family {
    FL_CONSENSUS = 1,        /* decides the order of opaque payloads */
    FL_CHAIN,                /* mempool, payloads, execution: a replica around a consensus */
    FL_SOURCE,               /* true price processes */
    FL_MARKET,               /* a trading venue outside the ledger */
    FL_ORACLE,               /* reports prices */
    FL_AGENT,                /* traders, keepers, liquidity providers */
    FL_DEFENCE,              /* detectors, controllers */
    FL_LAYERS,               /* not a family: one past the last layer */
    FL_CONTRACT = FL_LAYERS, /* a ledger contract */
    FL_AGGREGATOR,           /* many reports to one price */
    FL_MARK,                 /* the price that an exchange's margin goes by */
    FL_DELEVERAGING,         /* who takes over a bankrupt position */
    FL_FAULT,                /* how corrupted nodes act */
    FL_CHECK,                /* what must hold */
    FL_FAMILIES
};

struct fl_keyring; /* the engine's secrets behind simulated signatures */
struct fl_reader;  /* the engine's side of a view */
struct fl_rows;    /* ledger rows at one version */
struct fl_exec;    /* one batch of transactions being executed; its first member is fl_rows */
struct fl_change;  /* a row that changed */

/* What every model may know of the size of the world. */
struct fl_facts {
    uint32_t endpoints, accounts, contracts;
};

/* Constant facts about the actor a step runs for. Lent for the step. */
struct fl_self {
    fl_endpoint endpoint; /* where it is reached */
    fl_identity
        identity;   /* who it is: what it signs by, and what quorums count. Member i of a group
                             has identity group_first + i. A twin is a second endpoint of a member, after
                             those of all groups; what is sent to either of the two reaches both */
    uint32_t key;   /* stable name for draws: a function of group and index */
    uint32_t index; /* within its group */
    uint32_t group_first, group_size; /* endpoints group_first .. group_first + group_size - 1 */
    uint32_t faulty_max;              /* f: how many of the group's members may be corrupted */
    const uint64_t *power;            /* voting power by index in the group, group_size entries */
    uint64_t power_total;
    fl_endpoint replica; /* the replica it reads and submits to, or FL_NOWHERE; may change between
                            steps ("failover_s") */
    uint32_t account_first, account_count; /* ledger accounts this identity owns */
    int64_t fee_cap, tip; /* what it bids for a transaction, unless its model knows better */
    uint64_t seed;        /* first part of every key of a draw */
    const struct fl_facts *facts;
    const void *params; /* the model's own parameter struct, checked */
    const struct fl_keyring *keys;
};

/* What an actor may observe of the ledger: the version its replica served it last. By value, valid
 * for one step. A client's view never goes back in height, whoever serves it: an older version that
 * comes late, or from a replica that lags, is not taken. A replica may also read the version that an
 * FL_EXECUTED has brought it, its head: {reader, that version}. */
struct fl_view {
    const struct fl_reader *reader;
    fl_version version;
};

/* ------------------------------------------------------------------------------------------------
 * Messages, blobs, signatures
 * --------------------------------------------------------------------------------------------- */

/* One flat message for every protocol, so that any fault can forge any of them.
 * (family, kind, word[0..2], copy) is the message key: propagation is drawn from it. An honest
 * model never sends the same key twice to one destination; a retransmission raises `copy`. */
struct fl_msg {
    uint64_t word[3]; /* semantic words: view/height/slot, owner/nonce, reporter/round */
    int64_t value[2]; /* contents that are not part of the key */
    fl_blob blob;     /* FL_NO_BLOB if none */
    uint64_t tag;     /* signature over what the protocol says it covers; 0 if none */
    fl_endpoint from; /* stamped by the engine: channels are authenticated. Where to answer */
    fl_identity by; /* identity of `from`, stamped likewise. Who says it: count this, not `from` */
    fl_version version; /* a ledger version the sender serves; a client's view moves to it */
    uint16_t kind, copy;
    uint8_t family; /* layer of the receiver this is for; 0: each of its layers in turn */
    uint8_t rows;   /* 1: a snapshot, with all rows of `version`, which take their time on the wire;
                        0 on arrival if those were no longer there */
    uint8_t zero[6]; /* padding, always 0 */
};

/* Digest of bytes (XXH3-128), the name of a blob with that content. */
struct fl_digest fl_digest_of(const void *bytes, size_t count);
static inline bool fl_digest_equal(struct fl_digest a, struct fl_digest b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

/* ------------------------------------------------------------------------------------------------
 * Events
 * --------------------------------------------------------------------------------------------- */

enum fl_event_kind {
    /* Once, when the node first runs, layers in family order: at time 0, after the fault windows that
     * open then; if it is down then, when it comes up. Again if it comes up and has forgotten all. */
    FL_START = 1,
    /* A message arrived. */
    FL_MSG,
    /* Timer slot `timer` expired; stale ones never get here. */
    FL_TIMER,
    /* A local call from another layer of this node: msg.family is the caller's. */
    FL_CALL,
    /* Answer to FL_EXECUTE: msg.word[0] echoes it, msg.version is the new version, msg.value the two
     * halves of the state hash, msg.blob the receipts. Answer to FL_ADOPT: likewise, but msg.blob
     * echoes it too, and msg.word[1] and [2] are height and time of the version's batch. */
    FL_EXECUTED,
    /* A fault window of this node ended, and it had started. After a crash its timers are gone, its
     * state is as it was (stable storage; without, it gets FL_START); otherwise timers still run. */
    FL_RECOVER,
    /* Adversaries only: instant copy of an honest send addressed to a member. */
    FL_OVERHEARD
};

struct fl_event {
    enum fl_event_kind kind;
    uint32_t timer;    /* FL_TIMER */
    fl_time now;       /* by the node's own clock, which also times its timers */
    struct fl_msg msg; /* FL_MSG, FL_CALL, FL_EXECUTED, FL_OVERHEARD */
    const void *data;  /* content of msg.blob; NULL if none, or GONE */
    uint32_t data_bytes;
};

/* ------------------------------------------------------------------------------------------------
 * Records: what happened, and why
 * --------------------------------------------------------------------------------------------- */

/* A durable fact: fault edge, price tick, report, transaction, block, liquidation, deficit, ...
 * Every event carries its nearest durable ancestor; a new record's parent is the one in force.
 * v[0] and v[1] are the record's semantic key within its kind (see fl_because). */
enum { FL_RECORD_VALUES = 6, FL_NO_RECORD = 0 };
struct fl_record {
    fl_time at;
    int64_t v[FL_RECORD_VALUES];
    /* Id of the durable ancestor, FL_NO_RECORD for a root. */
    uint32_t parent;
    /* Who made it, or whom a fault struck; UINT32_MAX for fault edges, contracts and checks. */
    uint32_t endpoint;
    /* enum fl_engine_record, or a kind of models/wire.h. */
    uint16_t kind;
    uint16_t zero[3];
};

/* Kinds the engine itself makes; kinds of models start at FL_RECORD_MODELS. */
enum fl_engine_record {
    FL_RECORD_FAULT = 1,  /* a fault window opens: v = fault, 0 */
    FL_RECORD_RECOVERY,   /* it closes for one node: v = fault, endpoint; child of the fault edge */
    FL_RECORD_SUPPRESSED, /* dropped or altered by a fault: v = fault, endpoint, message family,
                             kind, word 0, word 1; child of the fault edge */
    FL_RECORD_TX,         /* a transaction is handed in, noted by its client: v = account, nonce,
                             contract, kind, copy (0: the first time) */
    FL_RECORD_STRUCK,   /* a fault takes one more node after its window opened: v = fault, endpoint;
                             child of the fault edge */
    FL_RECORD_ATTACHED, /* a client hears nothing new and turns to another replica: v = client, how
                             often it did so, replica before, replica now; child of the crash that
                             took the one before down, if that is why */
    FL_RECORD_MODELS = 16,
    FL_RECORD_UNNAMED =
        128 /* from here on: so many, and never sought by their key, that no index has
                               them */
};

/* Unit of an integer in records and observables: how it is printed and stored. */
enum fl_unit {
    FL_COUNT = 1,  /* plain integer */
    FL_USD,        /* 10^-6 US dollars; printed as a decimal string with six digits */
    FL_NANOSECOND, /* printed as seconds */
    FL_PPM,        /* 10^-6; printed as a ratio */
    FL_SIZE,       /* 10^-6 units of the base asset */
    FL_ID,         /* a name without order: account, endpoint, height */
    FL_BOOL
};
struct fl_column {
    const char *name;
    enum fl_unit unit;
};
struct fl_record_kind {
    uint16_t kind;
    const char *name;  /* a dataset group in the trace: lower case, underscores */
    const char *story; /* one clause for reports; {0}..{5} stand for the values */
    struct fl_column column[FL_RECORD_VALUES]; /* unused ones have a NULL name */
};

/* A named int64 that a model publishes. Triggers, checks, the summary and the trace's series read
 * these and nothing else. A scenario that says "GROUP/section.name" means that group's alone. */
enum fl_combine { FL_SUM = 1, FL_MAX, FL_MIN, FL_FIRST };
struct fl_observable {
    const char *name; /* "section.name", unique in the program: "ledger.insurance_fund" */
    const char *doc;
    enum fl_unit unit;
    enum fl_combine combine; /* over the nodes that run the model */
};

/* ------------------------------------------------------------------------------------------------
 * Effects
 * --------------------------------------------------------------------------------------------- */

enum fl_effect_kind {
    /* msg over the network to `reach`. */
    FL_SEND = 1,
    /* Arm slot `timer` of this layer to fire after `delay`; replaces a pending one. */
    FL_SET_TIMER,
    FL_CANCEL_TIMER,
    /* msg to layer msg.family of the same node, zero delay. */
    FL_LOCAL,
    /* A new record, the cause of what follows in this outbox. */
    FL_NOTE,
    /* The cause of what follows is the newest record of (kind, v[0], v[1]); unchanged if there is
     * none; nothing, for kind 0: what a clock does by itself, such as arming its next tick, has no
     * cause. */
    FL_BECAUSE,
    /* This endpoint needs blobs of epoch >= `epoch` only; before it says so, none. */
    FL_KEEP_FROM,
    /* Run the batch in msg.blob at byte offset `offset` on msg.version (genesis is {1}). The answer is
     * FL_EXECUTED, in the place of a local call, with version 0 if the blob is gone, is no batch, or
     * the version's rows are not there. */
    FL_EXECUTE,
    /* The version this endpoint serves is now msg.version. */
    FL_HEAD,
    /* msg.version will never be undone, as far as this endpoint knows: it descends from what the
     * endpoint said so of before, or is an ancestor of it. */
    FL_FINALISE,
    /* Take msg.version, whose rows came with a message, for one's own, if its state hash is msg.value.
     * The answer is FL_EXECUTED, in the place of a local call, with version 0 if the hash is another
     * one, the rows are not there, or the version does not descend from what the endpoint holds
     * final. */
    FL_ADOPT,
    /* This endpoint hands out msg.version's rows: they and all that descends from them stay, as long
     * as it is up and not too far behind. Version 0: it hands out none. */
    FL_PIN
};

enum fl_reach {
    FL_TO_ONE = 1, /* `to` */
    FL_TO_PEERS,   /* the other members of the sender's group */
    FL_TO_CLIENTS, /* every endpoint whose replica is the sender */
    FL_TO_GROUP    /* the members of the group that `to` belongs to, less the sender */
};

struct fl_effect {
    enum fl_effect_kind kind;
    enum fl_reach reach; /* FL_SEND */
    fl_endpoint to;      /* FL_SEND */
    /* The acting endpoint. An adversary's FL_SEND may name any member, its other effects only the
     * event's own endpoint: the rest is left out. */
    fl_endpoint as;
    uint32_t origin; /* 1 + index of the honest effect that fl_repeat copied; 0 if none */
    uint32_t timer;
    uint32_t offset;
    uint64_t epoch; /* FL_KEEP_FROM */
    fl_time delay;  /* FL_SET_TIMER; FL_SEND: held back this long before it leaves */
    struct fl_msg msg;
    uint16_t record; /* FL_NOTE, FL_BECAUSE: record kind */
    int64_t v[FL_RECORD_VALUES];
};

/* Blobs a step has written, before the engine interns them. */
struct fl_outbox_blob {
    uint32_t offset, bytes;
    uint64_t epoch;
    struct fl_digest digest;
};

enum { FL_OUTBOX_EFFECTS = 4096, FL_OUTBOX_BLOBS = 2048, FL_OUTBOX_SCRATCH = 1 << 20 };
struct fl_outbox {
    fl_endpoint self;
    uint32_t count, blob_count, scratch_used;
    uint32_t signs, verifies; /* work done in this step; its time is a parameter of the network */
    struct fl_effect at[FL_OUTBOX_EFFECTS];
    struct fl_outbox_blob blob[FL_OUTBOX_BLOBS];
    _Alignas(16) unsigned char scratch[FL_OUTBOX_SCRATCH];
};

/* The next effect, zeroed but for kind and `as`. A full outbox is a broken invariant. */
struct fl_effect *fl_emit(struct fl_outbox *out, enum fl_effect_kind kind);

/* Room for a new blob of `bytes` in outbox scratch; write the content, then call fl_blob_end. */
void *fl_blob_begin(struct fl_outbox *out, uint32_t bytes);
/* Seals it. The id is good in effects of this outbox only; the engine interns by content, and the
 * id under which the blob arrives (in a message, or in a local call to oneself) is good for ever. `epoch` is opaque and orders lifetimes (FL_KEEP_FROM). */
fl_blob fl_blob_end(struct fl_outbox *out, uint64_t epoch, struct fl_digest *digest);
/* Both at once, copying `bytes` of `content`. `digest` may be NULL. */
fl_blob fl_blob_put(struct fl_outbox *out, const void *content, uint32_t bytes, uint64_t epoch,
                    struct fl_digest *digest);

/* Shorthands over fl_emit. */
void fl_set_timer(struct fl_outbox *out, uint32_t timer, fl_time delay);
void fl_cancel_timer(struct fl_outbox *out, uint32_t timer);
struct fl_msg *fl_send(struct fl_outbox *out, enum fl_reach reach, fl_endpoint to,
                       enum fl_family family, uint16_t kind);
struct fl_msg *fl_local(struct fl_outbox *out, enum fl_family family, uint16_t kind);
int64_t *fl_note(struct fl_outbox *out, uint16_t record, int64_t key0, int64_t key1); /* v[2..] */
void fl_because(struct fl_outbox *out, uint16_t record, int64_t key0, int64_t key1);

/* Tag of self's identity over a digest, and its check against any identity. A keyed hash stands
 * for the signature; only an identity's own actor can make its tags. */
uint64_t fl_sign(const struct fl_self *self, struct fl_digest digest, struct fl_outbox *out);
bool fl_verify(const struct fl_self *self, fl_identity who, struct fl_digest digest, uint64_t tag,
               struct fl_outbox *out);

/* ------------------------------------------------------------------------------------------------
 * Views
 * --------------------------------------------------------------------------------------------- */

enum fl_read_status {
    FL_READ_OK = 1,
    FL_READ_UNAVAILABLE, /* the replica is down, too far behind, or served nothing yet */
    FL_READ_UNKNOWN      /* no such contract, question or row */
};

/* A question to a contract. Kinds, arguments and the answer's struct are in models/wire.h. To the
 * ledger itself (contract FL_LEDGER) there are these. */
enum { FL_LEDGER = 0xffff };
enum fl_ledger_question {
    FL_ASK_NONCE = 1, /* arg: account -> int64_t, the highest nonce the account has used */
    FL_ASK_SENDER,    /* arg: account -> struct fl_sender */
    FL_ASK_SPACE      /* -> struct fl_space */
};
/* What the ledger knows of an account. */
struct fl_sender {
    int64_t nonce; /* the highest it has used */
    uint64_t used; /* bit i: nonce - i was used */
    /* Cumulative, over its transactions that paid for block space: how many, how many of them were
     * refused, and what they paid, in 10^-6 USD: the base fee, which nobody gets, and tips. */
    int64_t paying, refused, burned, tips;
};
/* Used, or too old to be used: a transaction under it would come to nothing. */
enum { FL_NONCE_WINDOW = 64 }; /* how far behind the highest a nonce may arrive: bits of `used` */
static inline bool fl_nonce_spent(const struct fl_sender *sender, uint64_t nonce)
{
    if (nonce > (uint64_t)sender->nonce) return false;
    const uint64_t behind = (uint64_t)sender->nonce - nonce;
    return behind >= FL_NONCE_WINDOW || (sender->used >> behind & 1);
}
/* What was sold of block space: in the newest batch, and cumulative, in 10^-6 USD. */
struct fl_space {
    int64_t base_fee;
    int64_t txs; /* in the batch, less the invalid ones */
    int64_t burned, tips;
};
struct fl_query {
    uint16_t contract; /* index in the scenario's contracts; a parameter of the asker */
    uint16_t kind;
    int64_t arg[3];
};

/* Answers into out[0 .. bytes). Reads the view's version and no other. */
enum fl_read_status fl_read(const struct fl_view *view, const struct fl_query *query, void *out,
                            size_t bytes);

/* Content of a blob, lent for the step; NULL if it is GONE. */
const void *fl_blob_data(const struct fl_view *view, fl_blob blob, uint32_t *bytes);

/* ------------------------------------------------------------------------------------------------
 * The ledger
 * --------------------------------------------------------------------------------------------- */

/* A transaction: signed by the identity that owns `account`. It takes one unit of block space,
 * whatever it does, for blocks are bounded by their number of transactions. */
struct fl_tx {
    uint32_t account;
    uint16_t contract, kind;
    uint64_t nonce; /* never used twice by an account; may arrive out of order */
    int64_t arg[5];
    int64_t fee_cap; /* most it pays for its unit of block space, 10^-6 USD */
    int64_t tip;     /* most of that beyond the base fee: whoever builds the block goes by it */
    uint64_t tag;    /* fl_sign over fl_tx_digest */
};
struct fl_digest fl_tx_digest(const struct fl_tx *tx); /* everything but the tag */
/* Fees (EIP-1559) are paid out of another purse than collateral: no contract sees them, and the ledger
 * counts what each account has paid. None is above this bound, in 10^-6 USD, so that the sum over 90
 * million transactions fits. */
#define FL_FEE_MAX INT64_C(100000000000)
static inline bool fl_fees_sound(const struct fl_tx *tx)
{
    return 0 <= tx->tip && tx->tip <= tx->fee_cap && tx->fee_cap <= FL_FEE_MAX;
}
/* What a transaction pays beyond the base fee; negative if it does not cover the base fee. */
static inline int64_t fl_effective_tip(const struct fl_tx *tx, int64_t base_fee)
{
    return fl_min(tx->tip, tx->fee_cap - base_fee);
}
/* Who owns an account. */
fl_identity fl_account_owner(const struct fl_self *self, uint32_t account);
/* First endpoint of the group its owner belongs to; UINT32_MAX if nobody owns it. */
uint32_t fl_account_owners(const struct fl_self *self, uint32_t account);

/* A batch as FL_EXECUTE reads it: this header, then tx_count transactions. */
struct fl_batch {
    uint64_t height;
    fl_time time;     /* what contracts see as the time */
    int64_t base_fee; /* what each transaction pays at least, 10^-6 USD; 0: block space is free */
    uint32_t tx_count, zero;
};

enum fl_tx_status {
    FL_TX_OK = 1,
    FL_TX_REVERTED, /* the contract refused; no trace but the nonce, and what it paid */
    FL_TX_INVALID   /* bad nonce, unknown contract or account, or it does not cover the base fee; no
                       trace at all */
};
/* One per transaction, in batch order; the content of the receipts blob. */
struct fl_receipt {
    uint32_t account;
    uint16_t contract, kind;
    uint64_t nonce;
    uint32_t status;
    uint32_t code; /* the contract's reason, 0 for none */
};

struct fl_table {
    const char *name;
    uint32_t row_bytes; /* a multiple of 8 */
    uint32_t rows;
};

/* Rows are read and written through these. A row never written is all zeroes. fl_row_edit journals
 * the row: a reverted transaction leaves no trace. */
const void *fl_row(const struct fl_rows *rows, uint32_t table, uint32_t row);
void *fl_row_edit(struct fl_exec *exec, uint32_t table, uint32_t row);
uint32_t fl_row_count(const struct fl_rows *rows, uint32_t table);
/* First endpoint of the group that owns a ledger account; UINT32_MAX if none does. */
uint32_t fl_account_group(const struct fl_rows *rows, uint32_t account);
/* Time of the batch that made these rows, or is making them; 0 at genesis. */
fl_time fl_rows_time(const struct fl_rows *rows);
const void *fl_contract_params(const struct fl_rows *rows);
/* Asks another contract, at the same rows. Contracts see prices only in this way. */
enum fl_read_status fl_ask(const struct fl_rows *rows, const struct fl_query *query, void *out,
                           size_t bytes);
/* Height and time of the batch. */
const struct fl_batch *fl_exec_batch(const struct fl_exec *exec);
/* A record whose parent is the transaction, or the newest record made in it, or the one named by
 * fl_exec_because. Forgotten if the transaction reverts. */
int64_t *fl_exec_note(struct fl_exec *exec, uint16_t record, int64_t key0, int64_t key1);
void fl_exec_because(struct fl_exec *exec, uint16_t record, int64_t key0, int64_t key1);

/* Rows of one of a contract's tables that may differ from the base's: what the batches between the base
 * and these rows wrote, and the batch being executed. Some may come twice. Starts zeroed. */
struct fl_fresh {
    fl_version at;
    uint32_t next;
    bool begun, deltas;
};
bool fl_fresh_row(const struct fl_rows *rows, uint32_t table, struct fl_fresh *walk, uint32_t *row);
/* The contract's index; NULL if it has none. */
void *fl_rows_index(const struct fl_rows *rows);
/* The version that these rows are, which never changes; none while a batch is at work on them. */
fl_version fl_rows_version(const struct fl_rows *rows);

struct fl_contract {
    uint32_t table_count; /* at most FL_TABLES_MAX */
    void (*tables)(const void *params, const struct fl_facts *facts, struct fl_table *out);
    void (*genesis)(struct fl_exec *exec); /* may be NULL */
    /* FL_TX_OK or FL_TX_REVERTED. A refusal says why in *code. */
    enum fl_tx_status (*execute)(struct fl_exec *exec, const struct fl_tx *tx, uint32_t *code);
    void (*end_batch)(struct fl_exec *exec); /* may be NULL */
    enum fl_read_status (*query)(const struct fl_rows *rows, const struct fl_query *query,
                                 void *out, size_t bytes);
    void (*observe)(const struct fl_rows *rows, int64_t *out); /* in the order of observables */
    /* A structure beside the rows that makes answers fast and changes none of them. It knows the rows of
     * the base, which all living versions share but for their fresh ones; `index_update` tells it which of
     * them have changed, once the base has moved to `rows`. Flat memory, zeroed, of a fixed size; what is
     * never touched costs nothing. May be NULL. */
    size_t (*index_bytes)(const void *params, const struct fl_facts *facts);
    void (*index_update)(void *index, const struct fl_rows *rows, uint32_t contract,
                         const struct fl_change *changes, uint32_t count);
};
enum { FL_TABLES_MAX = 8 };

/* ------------------------------------------------------------------------------------------------
 * Models of nodes, faults, checks, aggregators
 * --------------------------------------------------------------------------------------------- */

/* What a message is called where people read of it; a run knows the number only. */
struct fl_message_name {
    uint16_t kind;
    const char *name; /* as its paper writes it: "PRE-PREPARE" */
};

struct fl_node_model {
    uint32_t timer_count; /* slots 0 .. timer_count - 1 */
    /* Flat, pointer-free, hashable: no padding that a step leaves undefined. */
    size_t (*state_bytes)(const void *params, const struct fl_self *self);
    void (*init)(const struct fl_self *self, void *state); /* state is zeroed */
    void (*step)(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out);
    void (*observe)(const struct fl_self *self, const void *state,
                    int64_t *out); /* NULL: no observables */
    /* Messages to this layer, ends with a NULL name; NULL: they have none. */
    const struct fl_message_name *messages;
};

/* An adversary controls a set of endpoints. At each event of a member, the member's honest model
 * steps first; `honest` is what it would have said, `out` is what is said instead. It emits as any
 * member, with that member's keys, and as nobody else. A rewriter is a coalition of one.
 *
 *
 * Which members it holds may change while its window is open: it grows up to the fault's budget, and
 * when it moves on, a new member takes the rank of the one that is let go. */
struct fl_coalition {
    uint32_t count;
    const struct fl_self *const *member; /* by rank in the coalition */
    const void *params;                  /* of the fault model */
    uint32_t sight_count;                /* what the scenario lets it see ("sees") */
    const int64_t *sight; /* values of those observables, as of its last look, less its latency; 0
                              before it has seen any */
};
/* What a fault of links does to a message that arrives in its window. */
enum fl_carriage {
    FL_CARRIED = 1,
    FL_CUT, /* lost */
    FL_HELD /* arrives when the window closes */
};
struct fl_fault_model {
    bool crash;   /* members are down: no step, no delivery, no timer */
    bool forgets; /* a crash without stable storage: at the end of the window all layers of a member
                     are as init leaves them, what it served is gone, and FL_START comes again */
    bool rushing; /* gets FL_OVERHEARD */
    bool quiet;   /* members relay no gossip */
    /* Each member has a second endpoint of the same identity, which runs the same layers within the
     * window and knows nothing of the first. It has no step. */
    bool twins;
    /* Members say what the protocol says and nothing else, though late, not to everybody, or not at
     * all: they count as honest. */
    bool truthful;
    /* What it says follows from FL_START and FL_OVERHEARD alone: neither the members' own models nor
     * what arrives at them later changes it. */
    bool alone;
    /* A fault of links, not of nodes, which hear nothing of it; it has no step. `from` and `to` are
     * the sides that both ends of the link are on: bit i for side i of the scenario's "sides", or, if
     * a group and members are named, bit 0 for those and bit 1 for everybody else. NULL: none. */
    enum fl_carriage (*carries)(const void *params, uint64_t from, uint64_t to);
    /* Does the member take up a message that arrives? Does one that it sends, or passes on, leave it
     * for `to`? Asked once for each receiver; what does not is suppressed. NULL: always. */
    bool (*hears)(const struct fl_coalition *coalition, uint32_t who, const struct fl_msg *msg);
    bool (*says)(const struct fl_coalition *coalition, uint32_t who, const struct fl_msg *msg,
                 fl_endpoint to);
    /* Work that a message or a timer (FL_MSG, FL_TIMER) costs the member beside its own: what it says
     * leaves after that, and what comes meanwhile waits in line. Not negative; counted as injected
     * unless 0. NULL: none. */
    fl_time (*toil)(const struct fl_coalition *coalition, uint32_t who, const struct fl_event *in);
    /* Of the coalition's state, which is zeroed whenever the window opens; NULL if it has none. */
    size_t (*state_bytes)(const void *params, uint32_t members);
    /* `who` is the rank of the member the event is for. Every effect of `honest` that is not
     * copied to `out` is counted as suppressed, every changed or added one as injected. */
    void (*step)(const struct fl_coalition *coalition, void *state, uint32_t who,
                 const struct fl_event *in, const struct fl_view *view,
                 const struct fl_outbox *honest, struct fl_outbox *out);
};
/* Copies effect i of `honest`, with the blob it refers to, and returns the copy. */
struct fl_effect *fl_repeat(const struct fl_outbox *honest, uint32_t i, struct fl_outbox *out);
/* Content of a blob that an effect of this same outbox refers to; NULL if it was not written in
 * this step. */
const void *fl_outbox_data(const struct fl_outbox *out, fl_blob blob, uint32_t *bytes);

/* Checks look on, never touch. They read records, observables and the newest ledger version that an
 * honest replica executed. */
struct fl_change {
    uint16_t contract, table; /* contract FL_LEDGER: the ledger's own rows */
    uint32_t row;
};
enum fl_verdict_kind { FL_HOLDS = 1, FL_BROKEN, FL_NOT_APPLICABLE };
struct fl_verdict {
    enum fl_verdict_kind kind;
    const char *what; /* one clause; {0} and {1} stand for the values */
    int64_t value[2];
    enum fl_unit unit[2];
    uint32_t record; /* the first record that shows it, or FL_NO_RECORD */
    fl_time at;
};
struct fl_watch {
    const void *params;
    const struct fl_facts *facts;
    struct fl_view view; /* newest version executed by an honest replica */
    uint64_t height;     /* of that version; 0 at genesis */
    fl_time now;
    /* In `executed` only: what became of the batch's transactions, in its order. */
    const struct fl_receipt *receipts;
    uint32_t receipt_count;
};
int64_t fl_watch_observe(const struct fl_watch *watch, uint32_t observable);
/* False for endpoints that some fault strikes at any time of the run, other than a crash with stable
 * storage, a truthful fault or a fault of links. */
bool fl_watch_honest(const struct fl_watch *watch, uint32_t endpoint);
/* Does the window of any fault that strikes the endpoint, crashes and links too, reach beyond `from`?
 * By the windows of the scenario: of a fault that comes and goes, all of it counts. */
bool fl_watch_struck(const struct fl_watch *watch, uint32_t endpoint, fl_time from);
/* Constant facts about an endpoint, of no layer (params is NULL); NULL if there is none of that
 * number. */
const struct fl_self *fl_watch_self(const struct fl_watch *watch, uint32_t endpoint);
struct fl_check_model {
    size_t (*state_bytes)(const void *params, const struct fl_facts *facts);
    fl_time (*period)(const void *params); /* of `tick`; NULL if it has none */
    void (*init)(const struct fl_watch *watch, void *state);
    void (*tick)(const struct fl_watch *watch, void *state);
    void (*record)(const struct fl_watch *watch, void *state, uint32_t id,
                   const struct fl_record *record);
    void (*executed)(const struct fl_watch *watch, void *state, const struct fl_change *changes,
                     uint32_t count);
    void (*finish)(const struct fl_watch *watch, void *state); /* at the end of the run */
    struct fl_verdict (*verdict)(const void *params, const void *state);
    void (*observe)(const void *params, const void *state, int64_t *out);
};

struct fl_mark_rule;
struct fl_deleveraging;

/* One price from `count` >= 1 reports in ascending order. */
typedef int64_t fl_aggregate(const void *params, const int64_t *sorted, uint32_t count);

/* ------------------------------------------------------------------------------------------------
 * Parameters and the registry
 * --------------------------------------------------------------------------------------------- */

/* One key of a model's JSON object, described once: parsing, range check, default, help, schema
 * and the resolved scenario derive from the row. */
enum fl_param_type {
    FL_INTEGER = 1,     /* int64_t */
    FL_DECIMAL,         /* int64_t: the JSON number times 10^digits, exactly */
    FL_BOOLEAN,         /* int64_t 0 or 1 */
    FL_LAW,             /* struct fl_law, its values scaled by 10^digits: a number (constant) or
                          {"law": "lognormal", "median": 50, "sigma": 0.25} */
    FL_POINTS,          /* struct fl_points: [[x, y], ...], x and y scaled by 10^digits and
                          10^digits_y; x strictly ascending. If `candles`, x is in seconds with
                          nine digits, and the points may come from a file (sim/klines.h) */
    FL_GROUP_NAME,      /* uint32_t: first endpoint of a group of nodes, by name */
    FL_GROUP_NAMES,     /* struct fl_groups: a list of those */
    FL_CONTRACT_NAME,   /* uint32_t: index of a contract, by name */
    FL_OBSERVABLE_NAME, /* uint32_t: handle for fl_watch_observe; of one part: "eth/market.mid" */
    FL_SUBMODEL,        /* struct fl_submodel: "name" or {"model": "name", ...} of `family` */
    FL_ROWS,            /* struct fl_list: {"NAME": {...}, ...}, objects that the rows `of` read */
    FL_ENTRY_NAME,      /* uint32_t: place of an entry in the FL_ROWS of a contract, by name */
    FL_ENTRY_NAMES,     /* struct fl_places: a list of those, each at most once */
    /* struct fl_observables: a list of FL_OBSERVABLE_NAMEs */
    FL_OBSERVABLE_NAMES
};
struct fl_points {
    uint32_t count, zero;
    const int64_t (*at)[2]; /* owned by the configuration */
};
struct fl_groups {
    uint32_t count, zero;
    const uint32_t *first; /* first endpoint of each; owned by the configuration */
};
/* Objects with names that the scenario chose, in the order of the text: entry i is the struct at
 * (const unsigned char *)at + i * of_bytes. All of it is owned by the configuration. */
struct fl_list {
    uint32_t count, zero;
    const void *at;
    const char *const *name;
};
struct fl_places {
    uint32_t count, zero;
    const uint32_t *at; /* owned by the configuration */
};
struct fl_observables {
    uint32_t count, zero;
    const uint32_t *handle; /* owned by the configuration */
};
struct fl_model;
struct fl_submodel {
    const struct fl_model *model;
    const void *params; /* owned by the configuration */
};
struct fl_param {
    const char *key;
    enum fl_param_type type;
    uint32_t digits, digits_y;
    size_t offset;
    int64_t min, max;      /* after scaling; for laws and points they bound each value, of FL_ROWS
                              the number of entries */
    const char *fallback;  /* JSON text, or NULL if the key is required */
    enum fl_family family; /* FL_SUBMODEL */
    /* FL_ROWS: what reads one entry (ends with a NULL key), and the bytes of the struct it fills.
     * `of_check` is the same for one entry as fl_model.check for all parameters; may be NULL. */
    const struct fl_param *of;
    size_t of_bytes;
    const char *(*of_check)(const void *entry);
    /* FL_ENTRY_NAME, FL_ENTRY_NAMES: the key of a row beside this one, an FL_CONTRACT_NAME, that names
     * the contract; and the key of that contract's FL_ROWS. The names are settled before `check`. A
     * name whose fallback is "\"\"" may be left out, for the first entry; without a contract, or if it
     * is null by default, it is UINT32_MAX. */
    const char *within, *list;
    bool candles;    /* FL_POINTS */
    const char *doc; /* with the unit and, where it has one, the source of the default */
};

/* What a layer's parameters may have to agree with. */
struct fl_group_size {
    uint32_t members;    /* at least 1 */
    uint32_t faulty_max; /* at most members */
};

struct fl_model {
    const char *name;
    enum fl_family family;
    const char *doc;               /* what it is; paper and section, or protocol and version */
    const struct fl_param *params; /* ends with a NULL key; NULL if none */
    size_t params_bytes;
    /* NULL if the parameters agree with each other, else a sentence that names the key. */
    const char *(*check)(const void *params);
    /* Of a layer: the same for its parameters and the group it is in; the mistake is shown at the
     * value of *key, one of the rows'. May be NULL. */
    const char *(*fits)(const void *params, const struct fl_group_size *group, const char **key);
    const struct fl_observable *observables; /* ends with a NULL name; NULL if none */
    /* Exactly one of these, as the family says. */
    const struct fl_node_model *node;
    const struct fl_contract *contract;
    const struct fl_fault_model *fault;
    const struct fl_check_model *watch;
    fl_aggregate *aggregate;
    const struct fl_mark_rule *mark;            /* models/ledger/mark.h */
    const struct fl_deleveraging *deleveraging; /* models/ledger/deleveraging.h */
};

/* NULL-terminated, in the order of models/registry.def. */
extern const struct fl_model *const fl_models[];
/* Ends with kind 0. */
extern const struct fl_record_kind fl_record_kinds[];

#endif
