/* The parts of a ledger, shared by sim/ledger*.c and by nobody else.
 *
 * All rows of all tables are numbered consecutively; the ledger's own tables come first. `base` is an image of all
 * of them: the newest version that everyone holds final. `work` holds the rows that the batch being executed has
 * touched, one after the other as they were touched, `undo` what they were when the transaction being executed first
 * touched them; both are reserved for all rows once (the system commits only the pages that are written, as many as
 * the largest batch needs), so that execution never allocates and a row never moves under a contract's pointer.
 *
 * `held` counts, for each row, the live deltas that hold it: a row that no unfinal block touched is
 * read from the base with one look. */
#ifndef FL_LEDGER_STATE_H
#define FL_LEDGER_STATE_H
#include "sim/ledger.h"

#define FL_IN_UNDO (UINT32_C(1) << 31) /* a row of `touched` is in `undo` too */
enum { FL_NOTES_MAX = 4096 }; /* notes of one transaction, or of one contract's end of batch */

/* The ledger's own tables. */
enum { FL_TABLE_NONCES, FL_TABLE_BATCH, FL_TABLE_GAS, FL_OWN_TABLES };
struct fl_nonce_row {
    uint64_t highest;
    uint64_t used; /* bit i: nonce highest - i was used */
};
struct fl_batch_row {
    int64_t time; /* of the batch that made the version: prices age although no row else moves */
    uint64_t height;
    struct fl_space space;
};
/* By account, as in fl_sender. A table of its own: where block space is free no row is ever written. */
struct fl_gas_row {
    int64_t paying, refused, burned, tips;
};

struct fl_ledger_table {
    size_t offset;      /* of its first row in an image */
    uint32_t first_row; /* number of its first row */
    uint32_t rows, row_bytes;
    uint16_t contract, local; /* as contracts and checks name it */
};

/* A row by table and by number within the table. */
struct fl_cell {
    uint32_t table, row;
};

/* A row and where its content stands in `work` or `undo`. */
struct fl_held_row {
    struct fl_cell cell;
    size_t offset;
};

struct fl_delta {
    uint32_t count;
    struct fl_cell *cell; /* ascending */
    size_t *offset;       /* of each row's content in `bytes` */
    unsigned char *bytes;
    struct fl_receipt *receipts;
    uint32_t receipt_count;
};

struct fl_ledger_version {
    fl_version parent;
    uint64_t height;
    struct fl_digest state, name;
    struct fl_delta *delta;              /* NULL for the base and for the dead */
    uint32_t first_record, record_count; /* made by its batch */
};

struct fl_rows {
    const struct fl_ledger *ledger;
    fl_version version;
    uint32_t contract;
    bool working; /* rows touched by the batch being executed come from the working image */
};

/* A record that waits for its transaction to end well. Its parent is a record's id, or one of the
 * notes before it. */
struct fl_cause {
    bool is_note;
    uint32_t at; /* index of the note, or id of the record */
};
struct fl_note {
    struct fl_record record;
    struct fl_cause parent;
};

struct fl_exec {
    struct fl_rows rows;
    struct fl_ledger *ledger;
    struct fl_batch batch;
    fl_time now;
    struct fl_cause because;
    uint32_t note_count;
    struct fl_note note[FL_NOTES_MAX];
};

struct fl_ledger {
    const struct fl_config *config;
    const struct fl_keyring *keys;
    struct fl_records *records;

    uint32_t table_count, row_count;
    struct fl_ledger_table *table;
    uint32_t *contract_table; /* number of each contract's first table, and the end */
    void **index;             /* by contract; NULL if it has none */
    size_t image_bytes;

    unsigned char *base, *work, *undo;
    uint16_t *held;    /* by row number; at its greatest it stays */
    uint32_t *touched; /* by row number: 1 + its place in work_list, FL_IN_UNDO; 0: not touched */
    struct fl_held_row *work_list, *undo_list, *sort_list;
    uint32_t work_count, undo_count;
    size_t work_bytes, undo_bytes;
    uint32_t first_record; /* of the batch being executed */
    struct fl_exec exec;

    fl_version base_version;
    uint32_t version_count, version_room; /* version[0] is none */
    struct fl_ledger_version *version;
    uint32_t live_count, live_room;
    uint32_t *live;      /* versions that have a delta, ascending: parents before children */
    uint32_t slot_count; /* a power of two */
    uint32_t *slot;      /* (parent, name) -> version by open addressing; 0 is free */

    uint32_t receipt_room, change_room, moved_room;
    struct fl_receipt *receipts;
    struct fl_change *changes;
    struct fl_change *moved; /* rows that the base's last move changed */
    uint64_t tx_count[FL_TX_INVALID + 1];
};

static inline int fl_cell_order(struct fl_cell a, struct fl_cell b)
{
    if (a.table != b.table) {
        return a.table < b.table ? -1 : 1;
    }
    return a.row < b.row ? -1 : a.row > b.row;
}

/* Where a row begins in an image. */
static inline size_t fl_row_offset(const struct fl_ledger_table *table, uint32_t row)
{
    return table->offset + (size_t)row * table->row_bytes;
}

/* ledger_rows.c: rows at a version, and while a batch executes.
 * A row at a living version, lent: of the newest delta that holds it on the way down to the base. */
const unsigned char *fl_cell_at(const struct fl_ledger *ledger, fl_version version,
                                struct fl_cell cell);
/* The same for contracts: with `working` set, what the batch being executed wrote comes first. */
const void *fl_cell_read(const struct fl_rows *rows, struct fl_cell cell);
/* The row in the working image, brought there at the batch's first touch. */
void *fl_cell_touch(struct fl_ledger *ledger, struct fl_cell cell);
/* Ends the transaction's journal; `restore` puts back what it changed. */
void fl_journal_close(struct fl_ledger *ledger, bool restore);

/* ledger_versions.c: how versions are made, found, merged and freed. */
void fl_versions_start(struct fl_ledger *ledger);
void fl_versions_free(struct fl_ledger *ledger);
/* The version that the batch called `name` made of `parent`; none if it did not. */
fl_version fl_version_find(const struct fl_ledger *ledger, fl_version parent,
                           struct fl_digest name);
/* The working image becomes a version of its own. */
fl_version fl_ledger_seal(struct fl_ledger *ledger, struct fl_digest name, uint32_t receipt_count);

/* ledger_execute.c: every contract's genesis, in the working image of a batch of its own. */
void fl_ledger_run_genesis(struct fl_ledger *ledger);

#endif
