/* Ledger versions: one base, immutable deltas on top, batches executed once.
 *
 * A version is the state after executing a batch on a parent version. The base is the newest version
 * that every live replica holds final; each later version is a delta (row -> new row) on its parent,
 * so that forks and lagging replicas share everything they have in common. As the base advances,
 * deltas are merged into it, and versions that do not descend from it die. Undo exists only inside a
 * transaction.
 *
 * A batch on a given parent is executed once and shared by all replicas that hold it; what an
 * execution came to (state hash, height) is remembered for ever, rows only while the version lives.
 *
 * The state hash is the sum modulo 2^128 of XXH3-128 over (table, row, content) of every row that is
 * not all zeroes, so that it can be kept up to date row by row. */
#ifndef FL_LEDGER_H
#define FL_LEDGER_H
#include "sim/config.h"
#include "sim/keys.h"
#include "sim/record.h"

struct fl_ledger;

/* Lays out the tables and runs every contract's genesis: version fl_ledger_base() == {1}. Notes made
 * in transactions go to `records`. Both must outlive the ledger. */
struct fl_ledger *fl_ledger_new(const struct fl_config *config, const struct fl_keyring *keys,
                                struct fl_records *records);
void fl_ledger_free(struct fl_ledger *ledger);

enum fl_execute_status {
    FL_EXECUTE_OK = 1,
    FL_EXECUTE_GONE,     /* the parent's rows are no longer (or not yet) there */
    FL_EXECUTE_MALFORMED /* the bytes are not a batch */
};
struct fl_execution {
    fl_version version;
    struct fl_digest state;
    bool fresh;                        /* false: this batch on this parent was executed before */
    const struct fl_receipt *receipts; /* NULL if no longer kept */
    uint32_t receipt_count;
    const struct fl_change *changes; /* rows this batch wrote, each once; NULL likewise */
    uint32_t change_count;
    uint32_t first_record; /* id of the first record this batch made, */
    uint32_t record_count; /* and how many; known for ever */
};
/* Runs `bytes` of batch on `parent`; `name` is the digest of the payload it came in. `cause` is the
 * record in force; a transaction whose client noted it (FL_RECORD_TX) descends from that note
 * instead. What *out points to is lent until the next call. A batch that was executed on a parent
 * since merged is still answered (fresh == false). */
enum fl_execute_status fl_ledger_execute(struct fl_ledger *ledger, fl_version parent,
                                         const void *batch, size_t bytes, struct fl_digest name,
                                         fl_time now, uint32_t cause, struct fl_execution *out);

/* The base moves to `version`, a living descendant of it. */
void fl_ledger_advance(struct fl_ledger *ledger, fl_version version);
fl_version fl_ledger_base(const struct fl_ledger *ledger);
bool fl_ledger_alive(const struct fl_ledger *ledger, fl_version version);
/* Known for ever. Height of genesis is 0, its parent none. */
fl_version fl_ledger_parent(const struct fl_ledger *ledger, fl_version version);
uint64_t fl_ledger_height(const struct fl_ledger *ledger, fl_version version);
struct fl_digest fl_ledger_state(const struct fl_ledger *ledger, fl_version version);
bool fl_ledger_known(const struct fl_ledger *ledger, fl_version version);
/* Of a living version: time of its batch, and the bytes of its rows (a row that is all zeroes is
 * none), by full scan. */
fl_time fl_ledger_time(const struct fl_ledger *ledger, fl_version version);
uint64_t fl_ledger_bytes(const struct fl_ledger *ledger, fl_version version);

enum fl_read_status fl_ledger_query(const struct fl_ledger *ledger, fl_version version,
                                    const struct fl_query *query, void *out, size_t bytes);
/* One contract's observables at a living version. */
void fl_ledger_observe(const struct fl_ledger *ledger, fl_version version, uint32_t contract,
                       int64_t *out);
/* State hash by full scan: the slow twin of fl_ledger_state, for tests and now and then a check. */
struct fl_digest fl_ledger_rehash(const struct fl_ledger *ledger, fl_version version);
/* Transactions executed so far by status (index: enum fl_tx_status), fresh executions only. */
uint64_t fl_ledger_tx_count(const struct fl_ledger *ledger, enum fl_tx_status status);

#endif
