/* Ledger versions: one base image, sorted deltas on top, one working image while a batch executes.
 *
 * All rows of all tables are numbered consecutively; the ledger's own tables come first. Three byte
 * images share one layout. `base` is the newest version that everyone holds final. `work` holds the
 * rows that the batch being executed has touched, `undo` what they were when the transaction being
 * executed first touched them; both are reserved at their full size once (the system commits only
 * the pages that are written), so that execution never allocates and a row never moves under a
 * contract's pointer.
 *
 * `held` counts, for each row, the live deltas that hold it: a row that no unfinal block touched is
 * read from the base with one look. */
#include "sim/ledger.h"

#include "sim/alloc.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    NOTES_MAX = 64,    /* notes of one transaction, or of one contract's end of batch */
    NONCE_WINDOW = 64, /* how far behind the highest a nonce may arrive: bits of nonce_row.used */
    GENESIS = 1        /* the first version */
};

/* The ledger's own tables. */
enum { NONCES, BATCH, OWN_TABLES };
struct nonce_row {
    uint64_t highest;
    uint64_t used; /* bit i: nonce highest - i was used */
};
struct batch_row {
    int64_t time; /* of the batch that made the version: prices age although no row else moves */
    uint64_t height;
};

struct table {
    size_t offset;      /* of its first row in an image */
    uint32_t first_row; /* number of its first row */
    uint32_t rows, row_bytes;
    uint16_t contract, local; /* as contracts and checks name it */
};

/* A row by table and by number within the table. */
struct cell {
    uint32_t table, row;
};

struct delta {
    uint32_t count;
    struct cell *cell; /* ascending */
    size_t *offset;    /* of each row's content in `bytes` */
    unsigned char *bytes;
    struct fl_receipt *receipts;
    uint32_t receipt_count;
};

struct version {
    fl_version parent;
    uint64_t height;
    struct fl_digest state, name;
    struct delta *delta; /* NULL for the base and for the dead */
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
struct cause {
    bool is_note;
    uint32_t at; /* index of the note, or id of the record */
};
struct note {
    struct fl_record record;
    struct cause parent;
};

struct fl_exec {
    struct fl_rows rows;
    struct fl_ledger *ledger;
    struct fl_batch batch;
    fl_time now;
    struct cause because;
    uint32_t note_count;
    struct note note[NOTES_MAX];
};

enum { IN_WORK = 1, IN_UNDO = 2 }; /* bits of `touched` */

struct fl_ledger {
    const struct fl_config *config;
    const struct fl_keyring *keys;
    struct fl_records *records;

    uint32_t table_count, row_count;
    struct table *table;
    uint32_t *contract_table; /* number of each contract's first table, and the end */
    size_t image_bytes;

    unsigned char *base, *work, *undo;
    uint32_t *held;         /* by row number */
    unsigned char *touched; /* by row number */
    struct cell *work_list, *undo_list;
    uint32_t work_count, undo_count;
    uint32_t first_record;    /* of the batch being executed */
    struct fl_exec exec;

    fl_version base_version;
    uint32_t version_count, version_room; /* version[0] is none */
    struct version *version;
    uint32_t live_count, live_room;
    uint32_t *live;      /* versions that have a delta, ascending: parents before children */
    uint32_t slot_count; /* a power of two */
    uint32_t *slot;      /* (parent, name) -> version by open addressing; 0 is free */

    uint32_t receipt_room, change_room;
    struct fl_receipt *receipts;
    struct fl_change *changes;
    uint64_t tx_count[FL_TX_INVALID + 1];
};

/* ------------------------------------------------------------------------------------------------
 * Rows
 * --------------------------------------------------------------------------------------------- */

static size_t offset_of(const struct table *table, uint32_t row)
{
    return table->offset + (size_t)row * table->row_bytes;
}

static int cell_order(struct cell a, struct cell b)
{
    if (a.table != b.table) {
        return a.table < b.table ? -1 : 1;
    }
    return a.row < b.row ? -1 : a.row > b.row;
}

static int compare_cells(const void *a, const void *b)
{
    return cell_order(*(const struct cell *)a, *(const struct cell *)b);
}

/* The row's content in a delta; NULL if the delta does not hold it. */
static const unsigned char *delta_find(const struct delta *delta, struct cell cell)
{
    uint32_t low = 0, high = delta->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const int order = cell_order(delta->cell[middle], cell);
        if (order == 0) {
            return delta->bytes + delta->offset[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

/* A row at a living version: of the newest delta that holds it on the way down to the base. */
static const unsigned char *row_at(const struct fl_ledger *ledger, fl_version version,
                                   struct cell cell)
{
    const struct table *table = &ledger->table[cell.table];
    if (ledger->held[table->first_row + cell.row] > 0) {
        while (version.i != ledger->base_version.i) {
            const struct version *at = &ledger->version[version.i];
            const unsigned char *found = delta_find(at->delta, cell);
            if (found) {
                return found;
            }
            version = at->parent;
        }
    }
    return ledger->base + offset_of(table, cell.row);
}

static const void *read_cell(const struct fl_rows *rows, struct cell cell)
{
    const struct fl_ledger *ledger = rows->ledger;
    FL_ASSERT(cell.row < ledger->table[cell.table].rows);
    if (rows->working) {
        const struct table *table = &ledger->table[cell.table];
        if (ledger->touched[table->first_row + cell.row] & IN_WORK) {
            return ledger->work + offset_of(table, cell.row);
        }
    }
    return row_at(ledger, rows->version, cell);
}

/* The row in the working image, brought there at the batch's first touch. */
static void *touch(struct fl_ledger *ledger, struct cell cell)
{
    const struct table *table = &ledger->table[cell.table];
    FL_ASSERT(cell.row < table->rows);
    unsigned char *touched = &ledger->touched[table->first_row + cell.row];
    unsigned char *row = ledger->work + offset_of(table, cell.row);
    if (!(*touched & IN_WORK)) {
        memcpy(row, row_at(ledger, ledger->exec.rows.version, cell), table->row_bytes);
        *touched |= IN_WORK;
        ledger->work_list[ledger->work_count++] = cell;
    }
    return row;
}

static struct cell own_cell(const struct fl_rows *rows, uint32_t table, uint32_t row)
{
    const uint32_t *first = &rows->ledger->contract_table[rows->contract];
    FL_ASSERT(table < first[1] - first[0]);
    return (struct cell){first[0] + table, row};
}

const void *fl_row(const struct fl_rows *rows, uint32_t table, uint32_t row)
{
    return read_cell(rows, own_cell(rows, table, row));
}

void *fl_row_edit(struct fl_exec *exec, uint32_t table, uint32_t row)
{
    struct fl_ledger *ledger = exec->ledger;
    const struct cell cell = own_cell(&exec->rows, table, row);
    void *content = touch(ledger, cell);
    const struct table *in = &ledger->table[cell.table];
    unsigned char *touched = &ledger->touched[in->first_row + cell.row];
    if (!(*touched & IN_UNDO)) {
        memcpy(ledger->undo + offset_of(in, cell.row), content, in->row_bytes);
        *touched |= IN_UNDO;
        ledger->undo_list[ledger->undo_count++] = cell;
    }
    return content;
}

uint32_t fl_row_count(const struct fl_rows *rows, uint32_t table)
{
    return rows->ledger->table[own_cell(rows, table, 0).table].rows;
}

/* Ends the transaction's journal; `restore` puts back what it changed. */
static void close_journal(struct fl_ledger *ledger, bool restore)
{
    for (uint32_t i = 0; i < ledger->undo_count; i++) {
        const struct cell cell = ledger->undo_list[i];
        const struct table *table = &ledger->table[cell.table];
        const size_t offset = offset_of(table, cell.row);
        if (restore) {
            memcpy(ledger->work + offset, ledger->undo + offset, table->row_bytes);
        }
        ledger->touched[table->first_row + cell.row] &= (unsigned char)~IN_UNDO;
    }
    ledger->undo_count = 0;
}

/* ------------------------------------------------------------------------------------------------
 * What else contracts may call
 * --------------------------------------------------------------------------------------------- */

const void *fl_contract_params(const struct fl_rows *rows)
{
    return rows->ledger->config->contract[rows->contract].params;
}

uint32_t fl_account_group(const struct fl_rows *rows, uint32_t account)
{
    const struct fl_config *config = rows->ledger->config;
    for (uint32_t i = 0; i < config->group_count; i++) {
        const struct fl_group *group = &config->group[i];
        const uint64_t accounts = (uint64_t)group->accounts * group->count;
        if (account >= group->account_first && account - group->account_first < accounts) {
            return group->first;
        }
    }
    return UINT32_MAX;
}

fl_time fl_rows_time(const struct fl_rows *rows)
{
    const struct batch_row *batch = read_cell(rows, (struct cell){BATCH, 0});
    return batch->time;
}

/* What the ledger itself answers (FL_LEDGER). */
static enum fl_read_status ask_ledger(const struct fl_rows *rows, const struct fl_query *query,
                                      void *out, size_t bytes)
{
    const uint32_t accounts = rows->ledger->table[NONCES].rows;
    if (query->kind != FL_ASK_NONCE || bytes != sizeof(int64_t) || query->arg[0] < 0 ||
        query->arg[0] >= accounts) {
        return FL_READ_UNKNOWN;
    }
    const struct nonce_row *nonce = read_cell(rows, (struct cell){NONCES, (uint32_t)query->arg[0]});
    const int64_t answer = (int64_t)nonce->highest;
    memcpy(out, &answer, sizeof answer);
    return FL_READ_OK;
}

enum fl_read_status fl_ask(const struct fl_rows *rows, const struct fl_query *query, void *out,
                           size_t bytes)
{
    const struct fl_config *config = rows->ledger->config;
    if (query->contract == FL_LEDGER) {
        return ask_ledger(rows, query, out, bytes);
    }
    if (query->contract >= config->contract_count) {
        return FL_READ_UNKNOWN;
    }
    struct fl_rows other = *rows;
    other.contract = query->contract;
    return config->contract[query->contract].model->contract->query(&other, query, out, bytes);
}

const struct fl_batch *fl_exec_batch(const struct fl_exec *exec)
{
    return &exec->batch;
}

int64_t *fl_exec_note(struct fl_exec *exec, uint16_t record, int64_t key0, int64_t key1)
{
    FL_ASSERT(exec->note_count < NOTES_MAX);
    struct note *note = &exec->note[exec->note_count];
    *note = (struct note){
        .record = {.at = exec->now, .v = {key0, key1}, .endpoint = UINT32_MAX, .kind = record},
        .parent = exec->because};
    exec->because = (struct cause){.is_note = true, .at = exec->note_count++};
    return note->record.v;
}

void fl_exec_because(struct fl_exec *exec, uint16_t record, int64_t key0, int64_t key1)
{
    for (uint32_t i = exec->note_count; i-- > 0;) {
        const struct fl_record *made = &exec->note[i].record;
        if (made->kind == record && made->v[0] == key0 && made->v[1] == key1) {
            exec->because = (struct cause){.is_note = true, .at = i};
            return;
        }
    }
    const uint32_t id = fl_records_find(exec->ledger->records, record, key0, key1);
    if (id != FL_NO_RECORD) {
        exec->because = (struct cause){.at = id};
    }
}

static void start_notes(struct fl_exec *exec, uint32_t cause)
{
    exec->because = (struct cause){.at = cause};
    exec->note_count = 0;
}

/* Appends the notes to the records, each after its parent. */
static void keep_notes(struct fl_exec *exec)
{
    uint32_t id[NOTES_MAX];
    for (uint32_t i = 0; i < exec->note_count; i++) {
        struct note *note = &exec->note[i];
        note->record.parent = note->parent.is_note ? id[note->parent.at] : note->parent.at;
        id[i] = fl_records_add(exec->ledger->records, &note->record);
    }
    exec->note_count = 0;
}

/* ------------------------------------------------------------------------------------------------
 * State hash
 * --------------------------------------------------------------------------------------------- */

static bool all_zero(const unsigned char *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (bytes[i]) {
            return false;
        }
    }
    return true;
}

/* The row's part of the state hash. Table and row are the seed, so that equal contents in different
 * places differ. */
static fl_u128 row_hash(const struct fl_ledger *ledger, struct cell cell,
                        const unsigned char *content)
{
    const uint32_t bytes = ledger->table[cell.table].row_bytes;
    if (all_zero(content, bytes)) {
        return 0;
    }
    const uint64_t place = (uint64_t)cell.table << 32 | cell.row;
    const XXH128_hash_t hash = XXH3_128bits_withSeed(content, bytes, place);
    return (fl_u128)hash.high64 << 64 | hash.low64;
}

static fl_u128 number_of(struct fl_digest digest)
{
    return (fl_u128)digest.hi << 64 | digest.lo;
}

static struct fl_digest digest_of(fl_u128 number)
{
    return (struct fl_digest){.lo = (uint64_t)number, .hi = (uint64_t)(number >> 64)};
}

struct fl_digest fl_ledger_rehash(const struct fl_ledger *ledger, fl_version version)
{
    FL_ASSERT(fl_ledger_alive(ledger, version));
    fl_u128 sum = 0;
    for (uint32_t t = 0; t < ledger->table_count; t++) {
        for (uint32_t r = 0; r < ledger->table[t].rows; r++) {
            const struct cell cell = {t, r};
            sum += row_hash(ledger, cell, row_at(ledger, version, cell));
        }
    }
    return digest_of(sum);
}

/* ------------------------------------------------------------------------------------------------
 * Versions
 * --------------------------------------------------------------------------------------------- */

/* The slot of (parent, name), or the free slot where it belongs. Names are hashes already. */
static uint32_t *find_slot(const struct fl_ledger *ledger, fl_version parent, struct fl_digest name)
{
    const uint64_t mix = (name.lo ^ name.hi) + parent.i * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t at = (uint32_t)(mix >> 32) & (ledger->slot_count - 1);
    while (ledger->slot[at]) {
        const struct version *version = &ledger->version[ledger->slot[at]];
        if (version->parent.i == parent.i && fl_digest_equal(version->name, name)) {
            break;
        }
        at = (at + 1) & (ledger->slot_count - 1);
    }
    return &ledger->slot[at];
}

/* Keeps the slots at most half full, so that a search ends soon. */
static void grow_slots(struct fl_ledger *ledger)
{
    if (ledger->version_count * 2 < ledger->slot_count) {
        return;
    }
    free(ledger->slot);
    ledger->slot_count *= 2;
    ledger->slot = fl_alloc(ledger->slot_count, sizeof *ledger->slot);
    for (uint32_t i = 1; i < ledger->version_count; i++) {
        *find_slot(ledger, ledger->version[i].parent, ledger->version[i].name) = i;
    }
}

static fl_version add_version(struct fl_ledger *ledger, const struct version *version)
{
    if (ledger->version_count == ledger->version_room) {
        ledger->version_room *= 2;
        ledger->version =
            fl_realloc(ledger->version, ledger->version_room, sizeof *ledger->version);
    }
    if (ledger->live_count == ledger->live_room) {
        ledger->live_room *= 2;
        ledger->live = fl_realloc(ledger->live, ledger->live_room, sizeof *ledger->live);
    }
    grow_slots(ledger);
    const uint32_t id = ledger->version_count++;
    ledger->version[id] = *version;
    ledger->live[ledger->live_count++] = id;
    uint32_t *slot = find_slot(ledger, version->parent, version->name);
    FL_ASSERT(*slot == 0);
    *slot = id;
    return (fl_version){id};
}

/* A delta with room for `count` rows of `bytes` in all. */
static struct delta *new_delta(uint32_t count, size_t bytes, uint32_t receipt_count)
{
    struct delta *delta = fl_alloc(1, sizeof *delta);
    delta->count = count;
    delta->cell = fl_alloc(count, sizeof *delta->cell);
    delta->offset = fl_alloc(count, sizeof *delta->offset);
    delta->bytes = fl_alloc(1, bytes);
    delta->receipts = fl_alloc(receipt_count, sizeof *delta->receipts);
    delta->receipt_count = receipt_count;
    return delta;
}

static void free_delta(struct delta *delta)
{
    free(delta->cell);
    free(delta->offset);
    free(delta->bytes);
    free(delta->receipts);
    free(delta);
}

/* Takes a version's delta away; its rows were merged, or died with it. */
static void drop_delta(struct fl_ledger *ledger, struct version *version)
{
    const struct delta *delta = version->delta;
    for (uint32_t i = 0; i < delta->count; i++) {
        uint32_t *held =
            &ledger->held[ledger->table[delta->cell[i].table].first_row + delta->cell[i].row];
        FL_ASSERT(*held > 0);
        *held -= 1;
    }
    free_delta(version->delta);
    version->delta = NULL;
}

static void merge_delta(struct fl_ledger *ledger, struct version *version)
{
    const struct delta *delta = version->delta;
    for (uint32_t i = 0; i < delta->count; i++) {
        const struct table *table = &ledger->table[delta->cell[i].table];
        memcpy(ledger->base + offset_of(table, delta->cell[i].row), delta->bytes + delta->offset[i],
               table->row_bytes);
    }
    drop_delta(ledger, version);
}

/* Merges the deltas from the base up to `version`, the oldest first. */
static void merge_path(struct fl_ledger *ledger, fl_version version)
{
    uint32_t length = 0;
    for (fl_version v = version; v.i != ledger->base_version.i; length++) {
        FL_ASSERT(v.i != 0 && ledger->version[v.i].delta);
        v = ledger->version[v.i].parent;
    }
    uint32_t *path = fl_alloc(length, sizeof *path);
    uint32_t at = length;
    for (fl_version v = version; at > 0; v = ledger->version[v.i].parent) {
        path[--at] = v.i;
    }
    for (uint32_t i = 0; i < length; i++) {
        merge_delta(ledger, &ledger->version[path[i]]);
    }
    free(path);
}

void fl_ledger_advance(struct fl_ledger *ledger, fl_version version)
{
    merge_path(ledger, version);
    ledger->base_version = version;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ledger->live_count; i++) {
        struct version *live = &ledger->version[ledger->live[i]];
        if (!live->delta) {
            continue; /* merged just now */
        }
        if (fl_ledger_alive(ledger, live->parent)) {
            ledger->live[kept++] = ledger->live[i];
        } else {
            drop_delta(ledger, live);
        }
    }
    ledger->live_count = kept;
}

fl_version fl_ledger_base(const struct fl_ledger *ledger)
{
    return ledger->base_version;
}

bool fl_ledger_alive(const struct fl_ledger *ledger, fl_version version)
{
    return version.i != 0 && version.i < ledger->version_count &&
           (version.i == ledger->base_version.i || ledger->version[version.i].delta);
}

static const struct version *known(const struct fl_ledger *ledger, fl_version version)
{
    FL_ASSERT(version.i != 0 && version.i < ledger->version_count);
    return &ledger->version[version.i];
}

fl_version fl_ledger_parent(const struct fl_ledger *ledger, fl_version version)
{
    return known(ledger, version)->parent;
}

uint64_t fl_ledger_height(const struct fl_ledger *ledger, fl_version version)
{
    return known(ledger, version)->height;
}

struct fl_digest fl_ledger_state(const struct fl_ledger *ledger, fl_version version)
{
    return known(ledger, version)->state;
}

/* ------------------------------------------------------------------------------------------------
 * Execution
 * --------------------------------------------------------------------------------------------- */

/* Replay protection as in IPsec's anti-replay window (RFC 4303, 3.4.3): above the highest, or within
 * the window below it and not used yet. Unlike there, 0 may be used. Numbers beyond int64 are bad
 * because records and answers carry nonces as int64. */
static bool nonce_fresh(const struct nonce_row *row, uint64_t nonce)
{
    if (nonce > INT64_MAX) {
        return false;
    }
    if (nonce > row->highest) {
        return true;
    }
    const uint64_t behind = row->highest - nonce;
    return behind < NONCE_WINDOW && !(row->used >> behind & 1);
}

static void nonce_use(struct nonce_row *row, uint64_t nonce)
{
    if (nonce > row->highest) {
        const uint64_t step = nonce - row->highest;
        row->used = (step < NONCE_WINDOW ? row->used << step : 0) | 1;
        row->highest = nonce;
    } else {
        row->used |= UINT64_C(1) << (row->highest - nonce);
    }
}

static bool tx_signed(const struct fl_ledger *ledger, const struct fl_tx *tx)
{
    const fl_identity owner = fl_keyring_owner(ledger->keys, tx->account);
    return owner.i != UINT32_MAX &&
           tx->tag == fl_keyring_tag(ledger->keys, owner, fl_tx_digest(tx));
}

/* The checks before the contract. What fails them leaves no trace, not even its nonce: anyone can
 * put another's account number on a transaction. */
static bool tx_valid(const struct fl_exec *exec, const struct fl_tx *tx)
{
    const struct fl_ledger *ledger = exec->ledger;
    if (tx->account >= ledger->table[NONCES].rows ||
        tx->contract >= ledger->config->contract_count || !tx_signed(ledger, tx)) {
        return false;
    }
    return nonce_fresh(read_cell(&exec->rows, (struct cell){NONCES, tx->account}), tx->nonce);
}

static enum fl_tx_status run_tx(struct fl_exec *exec, const struct fl_tx *tx, uint32_t cause,
                                uint32_t *code)
{
    struct fl_ledger *ledger = exec->ledger;
    if (!tx_valid(exec, tx)) {
        return FL_TX_INVALID;
    }
    nonce_use(touch(ledger, (struct cell){NONCES, tx->account}), tx->nonce);
    const uint32_t noted =
        fl_records_find(ledger->records, FL_RECORD_TX, tx->account, (int64_t)tx->nonce);
    start_notes(exec, noted != FL_NO_RECORD ? noted : cause);
    exec->rows.contract = tx->contract;
    const struct fl_contract *contract = ledger->config->contract[tx->contract].model->contract;
    const enum fl_tx_status status = contract->execute(exec, tx, code);
    FL_ASSERT(status == FL_TX_OK || status == FL_TX_REVERTED);
    close_journal(ledger, status == FL_TX_REVERTED);
    if (status == FL_TX_OK) {
        keep_notes(exec);
    }
    return status;
}

static void run_txs(struct fl_exec *exec, const unsigned char *txs, uint32_t cause)
{
    struct fl_ledger *ledger = exec->ledger;
    for (uint32_t i = 0; i < exec->batch.tx_count; i++) {
        struct fl_tx tx; /* copied: a batch lies anywhere in its payload */
        memcpy(&tx, txs + (size_t)i * sizeof tx, sizeof tx);
        struct fl_receipt *receipt = &ledger->receipts[i];
        *receipt = (struct fl_receipt){
            .account = tx.account, .contract = tx.contract, .kind = tx.kind, .nonce = tx.nonce};
        const enum fl_tx_status status = run_tx(exec, &tx, cause, &receipt->code);
        receipt->status = status;
        ledger->tx_count[status]++;
    }
}

/* Runs one of the contracts' own hooks, whose notes descend from `cause`. */
static void run_hook(struct fl_exec *exec, uint32_t contract, void (*hook)(struct fl_exec *exec),
                     uint32_t cause)
{
    if (hook) {
        start_notes(exec, cause);
        exec->rows.contract = contract;
        hook(exec);
        close_journal(exec->ledger, false);
        keep_notes(exec);
    }
}

static void start_exec(struct fl_ledger *ledger, fl_version parent, const struct fl_batch *batch,
                       fl_time now)
{
    FL_ASSERT(ledger->work_count == 0 && ledger->undo_count == 0);
    struct fl_exec *exec = &ledger->exec;
    exec->rows = (struct fl_rows){.ledger = ledger, .version = parent, .working = true};
    exec->ledger = ledger;
    exec->batch = *batch;
    exec->now = now;
    ledger->first_record = fl_records_count(ledger->records) + 1;
    struct batch_row *row = touch(ledger, (struct cell){BATCH, 0});
    *row = (struct batch_row){.time = batch->time, .height = batch->height};
}

/* Sorts the rows the batch changed to the front of the work list and counts them. What was touched
 * but is as before (a reverted transaction's rows) is no change. */
static uint32_t sort_changes(struct fl_ledger *ledger, size_t *bytes)
{
    uint32_t changed = 0;
    *bytes = 0;
    for (uint32_t i = 0; i < ledger->work_count; i++) {
        const struct cell cell = ledger->work_list[i];
        const struct table *table = &ledger->table[cell.table];
        ledger->touched[table->first_row + cell.row] = 0;
        if (memcmp(ledger->work + offset_of(table, cell.row),
                   row_at(ledger, ledger->exec.rows.version, cell), table->row_bytes) != 0) {
            ledger->work_list[changed++] = cell;
            *bytes += table->row_bytes;
        }
    }
    if (changed > 0) {
        qsort(ledger->work_list, changed, sizeof *ledger->work_list, compare_cells);
    }
    ledger->work_count = 0;
    return changed;
}

/* Moves the changed rows from the working image into a new delta; returns the change of the state
 * hash. */
static fl_u128 fill_delta(struct fl_ledger *ledger, struct delta *delta)
{
    fl_u128 change = 0;
    size_t offset = 0;
    for (uint32_t i = 0; i < delta->count; i++) {
        const struct cell cell = ledger->work_list[i];
        const struct table *table = &ledger->table[cell.table];
        const unsigned char *now = ledger->work + offset_of(table, cell.row);
        const unsigned char *before = row_at(ledger, ledger->exec.rows.version, cell);
        change += row_hash(ledger, cell, now) - row_hash(ledger, cell, before);
        delta->cell[i] = cell;
        delta->offset[i] = offset;
        memcpy(delta->bytes + offset, now, table->row_bytes);
        offset += table->row_bytes;
    }
    for (uint32_t i = 0; i < delta->count; i++) {
        ledger->held[ledger->table[delta->cell[i].table].first_row + delta->cell[i].row] += 1;
    }
    return change;
}

/* The working image becomes a version of its own. */
static fl_version seal(struct fl_ledger *ledger, struct fl_digest name, uint32_t receipt_count)
{
    const fl_version parent = ledger->exec.rows.version;
    size_t bytes;
    const uint32_t changed = sort_changes(ledger, &bytes);
    struct delta *delta = new_delta(changed, bytes, receipt_count);
    const fl_u128 change = fill_delta(ledger, delta);
    if (receipt_count > 0) {
        memcpy(delta->receipts, ledger->receipts, receipt_count * sizeof *delta->receipts);
    }
    return add_version(
        ledger,
        &(struct version){.parent = parent,
                          .height = ledger->exec.batch.height,
                          .state = digest_of(number_of(ledger->version[parent.i].state) + change),
                          .name = name,
                          .delta = delta,
                          .first_record = ledger->first_record,
                          .record_count =
                              fl_records_count(ledger->records) + 1 - ledger->first_record});
}

/* Describes an executed version; receipts and changes as long as it lives above the base. */
static void describe(struct fl_ledger *ledger, fl_version version, bool fresh,
                     struct fl_execution *out)
{
    const struct version *at = &ledger->version[version.i];
    const struct delta *delta = at->delta;
    *out = (struct fl_execution){.version = version,
                                 .state = at->state,
                                 .fresh = fresh,
                                 .first_record = at->first_record,
                                 .record_count = at->record_count};
    if (!delta) {
        return;
    }
    out->receipts = delta->receipts;
    out->receipt_count = delta->receipt_count;
    if (delta->count > ledger->change_room) {
        ledger->change_room = delta->count * 2;
        ledger->changes = fl_realloc(ledger->changes, ledger->change_room, sizeof *ledger->changes);
    }
    for (uint32_t i = 0; i < delta->count; i++) {
        const struct table *table = &ledger->table[delta->cell[i].table];
        ledger->changes[i] = (struct fl_change){table->contract, table->local, delta->cell[i].row};
    }
    out->changes = ledger->changes;
    out->change_count = delta->count;
}

/* The header, if the bytes are it and as many transactions as it says. Time starts at 0: contracts
 * subtract times. */
static bool read_header(const void *bytes, size_t count, struct fl_batch *out)
{
    if (count < sizeof *out) {
        return false;
    }
    memcpy(out, bytes, sizeof *out);
    return out->zero == 0 && out->time >= 0 &&
           (count - sizeof *out) / sizeof(struct fl_tx) == out->tx_count &&
           (count - sizeof *out) % sizeof(struct fl_tx) == 0;
}

static void reserve_receipts(struct fl_ledger *ledger, uint32_t count)
{
    if (count > ledger->receipt_room) {
        ledger->receipt_room = count;
        ledger->receipts = fl_realloc(ledger->receipts, count, sizeof *ledger->receipts);
    }
}

enum fl_execute_status fl_ledger_execute(struct fl_ledger *ledger, fl_version parent,
                                         const void *batch, size_t bytes, struct fl_digest name,
                                         fl_time now, uint32_t cause, struct fl_execution *out)
{
    const uint32_t before = *find_slot(ledger, parent, name);
    if (before && parent.i != 0) {
        describe(ledger, (fl_version){before}, false, out);
        return FL_EXECUTE_OK;
    }
    struct fl_batch header;
    if (!read_header(batch, bytes, &header)) {
        return FL_EXECUTE_MALFORMED;
    }
    if (!fl_ledger_alive(ledger, parent)) {
        return FL_EXECUTE_GONE;
    }
    reserve_receipts(ledger, header.tx_count);
    start_exec(ledger, parent, &header, now);
    run_txs(&ledger->exec, (const unsigned char *)batch + sizeof header, cause);
    for (uint32_t i = 0; i < ledger->config->contract_count; i++) {
        run_hook(&ledger->exec, i, ledger->config->contract[i].model->contract->end_batch, cause);
    }
    describe(ledger, seal(ledger, name, header.tx_count), true, out);
    return FL_EXECUTE_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Reading from outside
 * --------------------------------------------------------------------------------------------- */

enum fl_read_status fl_ledger_query(const struct fl_ledger *ledger, fl_version version,
                                    const struct fl_query *query, void *out, size_t bytes)
{
    if (!fl_ledger_alive(ledger, version)) {
        return FL_READ_UNAVAILABLE;
    }
    const struct fl_rows rows = {.ledger = ledger, .version = version};
    return fl_ask(&rows, query, out, bytes);
}

void fl_ledger_observe(const struct fl_ledger *ledger, fl_version version, uint32_t contract,
                       int64_t *out)
{
    FL_ASSERT(fl_ledger_alive(ledger, version));
    FL_ASSERT(contract < ledger->config->contract_count);
    const struct fl_rows rows = {.ledger = ledger, .version = version, .contract = contract};
    ledger->config->contract[contract].model->contract->observe(&rows, out);
}

uint64_t fl_ledger_tx_count(const struct fl_ledger *ledger, enum fl_tx_status status)
{
    FL_ASSERT(status >= FL_TX_OK && status <= FL_TX_INVALID);
    return ledger->tx_count[status];
}

/* ------------------------------------------------------------------------------------------------
 * Layout and genesis
 * --------------------------------------------------------------------------------------------- */

static void add_table(struct fl_ledger *ledger, uint16_t contract, uint16_t local, uint32_t rows,
                      uint32_t row_bytes)
{
    FL_ASSERT(row_bytes > 0 && row_bytes % 8 == 0);
    FL_ASSERT(rows <= UINT32_MAX - ledger->row_count);
    ledger->table[ledger->table_count++] = (struct table){.offset = ledger->image_bytes,
                                                          .first_row = ledger->row_count,
                                                          .rows = rows,
                                                          .row_bytes = row_bytes,
                                                          .contract = contract,
                                                          .local = local};
    ledger->row_count += rows;
    ledger->image_bytes += (size_t)rows * row_bytes;
}

static void lay_out(struct fl_ledger *ledger)
{
    const struct fl_config *config = ledger->config;
    FL_ASSERT(config->contract_count < FL_LEDGER);
    ledger->table = fl_alloc(OWN_TABLES + (size_t)config->contract_count * FL_TABLES_MAX,
                             sizeof *ledger->table);
    ledger->contract_table =
        fl_alloc((size_t)config->contract_count + 1, sizeof *ledger->contract_table);
    add_table(ledger, FL_LEDGER, NONCES, config->facts.accounts, sizeof(struct nonce_row));
    add_table(ledger, FL_LEDGER, BATCH, 1, sizeof(struct batch_row));
    for (uint32_t c = 0; c < config->contract_count; c++) {
        const struct fl_contract *contract = config->contract[c].model->contract;
        struct fl_table tables[FL_TABLES_MAX] = {{0}};
        FL_ASSERT(contract->table_count <= FL_TABLES_MAX);
        contract->tables(config->contract[c].params, &config->facts, tables);
        ledger->contract_table[c] = ledger->table_count;
        for (uint16_t t = 0; t < contract->table_count; t++) {
            add_table(ledger, (uint16_t)c, t, tables[t].rows, tables[t].row_bytes);
        }
    }
    ledger->contract_table[config->contract_count] = ledger->table_count;
}

static void make_images(struct fl_ledger *ledger)
{
    ledger->base = fl_alloc(1, ledger->image_bytes);
    ledger->work = fl_alloc(1, ledger->image_bytes);
    ledger->undo = fl_alloc(1, ledger->image_bytes);
    ledger->held = fl_alloc(ledger->row_count, sizeof *ledger->held);
    ledger->touched = fl_alloc(ledger->row_count, sizeof *ledger->touched);
    ledger->work_list = fl_alloc(ledger->row_count, sizeof *ledger->work_list);
    ledger->undo_list = fl_alloc(ledger->row_count, sizeof *ledger->undo_list);
}

/* Version 0 is none; while genesis runs it stands for the empty ledger below it, and is the base. */
static void run_genesis(struct fl_ledger *ledger)
{
    ledger->version_count = 1;
    start_exec(ledger, FL_NO_VERSION, &(struct fl_batch){0}, 0);
    for (uint32_t i = 0; i < ledger->config->contract_count; i++) {
        run_hook(&ledger->exec, i, ledger->config->contract[i].model->contract->genesis,
                 FL_NO_RECORD);
    }
    const fl_version genesis = seal(ledger, (struct fl_digest){0, 0}, 0);
    FL_ASSERT(genesis.i == GENESIS);
    fl_ledger_advance(ledger, genesis);
}

struct fl_ledger *fl_ledger_new(const struct fl_config *config, const struct fl_keyring *keys,
                                struct fl_records *records)
{
    struct fl_ledger *ledger = fl_alloc(1, sizeof *ledger);
    ledger->config = config;
    ledger->keys = keys;
    ledger->records = records;
    ledger->version_room = ledger->live_room = 64;
    ledger->version = fl_alloc(ledger->version_room, sizeof *ledger->version);
    ledger->live = fl_alloc(ledger->live_room, sizeof *ledger->live);
    ledger->slot_count = 256;
    ledger->slot = fl_alloc(ledger->slot_count, sizeof *ledger->slot);
    lay_out(ledger);
    make_images(ledger);
    run_genesis(ledger);
    return ledger;
}

void fl_ledger_free(struct fl_ledger *ledger)
{
    if (!ledger) {
        return;
    }
    for (uint32_t i = 0; i < ledger->live_count; i++) {
        free_delta(ledger->version[ledger->live[i]].delta);
    }
    free(ledger->table);
    free(ledger->contract_table);
    free(ledger->base);
    free(ledger->work);
    free(ledger->undo);
    free(ledger->held);
    free(ledger->touched);
    free(ledger->work_list);
    free(ledger->undo_list);
    free(ledger->version);
    free(ledger->live);
    free(ledger->slot);
    free(ledger->receipts);
    free(ledger->changes);
    free(ledger);
}
