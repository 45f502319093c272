/* Execution of batches: each transaction is checked, run by its contract, and undone if the contract
 * reverts it; its notes become records. */
#include "sim/ledger_state.h"

#include "sim/alloc.h"

#include <string.h>

enum { GENESIS = 1 }; /* the first version */

/* ------------------------------------------------------------------------------------------------
 * What contracts may call as they execute
 * --------------------------------------------------------------------------------------------- */

const struct fl_batch *fl_exec_batch(const struct fl_exec *exec)
{
    return &exec->batch;
}

int64_t *fl_exec_note(struct fl_exec *exec, uint16_t record, int64_t key0, int64_t key1)
{
    FL_ASSERT(exec->note_count < FL_NOTES_MAX);
    struct fl_note *note = &exec->note[exec->note_count];
    *note = (struct fl_note){
        .record = {.at = exec->now, .v = {key0, key1}, .endpoint = UINT32_MAX, .kind = record},
        .parent = exec->because};
    exec->because = (struct fl_cause){.is_note = true, .at = exec->note_count++};
    return note->record.v;
}

void fl_exec_because(struct fl_exec *exec, uint16_t record, int64_t key0, int64_t key1)
{
    for (uint32_t i = exec->note_count; i-- > 0;) {
        const struct fl_record *made = &exec->note[i].record;
        if (made->kind == record && made->v[0] == key0 && made->v[1] == key1) {
            exec->because = (struct fl_cause){.is_note = true, .at = i};
            return;
        }
    }
    const uint32_t id = fl_records_find(exec->ledger->records, record, key0, key1);
    if (id != FL_NO_RECORD) {
        exec->because = (struct fl_cause){.at = id};
    }
}

static void start_notes(struct fl_exec *exec, uint32_t cause)
{
    exec->because = (struct fl_cause){.at = cause};
    exec->note_count = 0;
}

/* Appends the notes to the records, each after its parent. */
static void keep_notes(struct fl_exec *exec)
{
    uint32_t id[FL_NOTES_MAX];
    for (uint32_t i = 0; i < exec->note_count; i++) {
        struct fl_note *note = &exec->note[i];
        note->record.parent = note->parent.is_note ? id[note->parent.at] : note->parent.at;
        id[i] = fl_records_add(exec->ledger->records, &note->record);
    }
    exec->note_count = 0;
}

/* ------------------------------------------------------------------------------------------------
 * Execution
 * --------------------------------------------------------------------------------------------- */

/* Replay protection as in IPsec's anti-replay window (RFC 4303, 3.4.3): above the highest, or within
 * the window below it and not used yet. Unlike there, 0 may be used. Numbers beyond int64 are bad
 * because records and answers carry nonces as int64. */
static bool nonce_fresh(const struct fl_nonce_row *row, uint64_t nonce)
{
    if (nonce > INT64_MAX) {
        return false;
    }
    if (nonce > row->highest) {
        return true;
    }
    const uint64_t behind = row->highest - nonce;
    return behind < FL_NONCE_WINDOW && !(row->used >> behind & 1);
}

static void nonce_use(struct fl_nonce_row *row, uint64_t nonce)
{
    if (nonce > row->highest) {
        const uint64_t step = nonce - row->highest;
        row->used = (step < FL_NONCE_WINDOW ? row->used << step : 0) | 1;
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
    if (tx->account >= ledger->table[FL_TABLE_NONCES].rows ||
        tx->contract >= ledger->config->contract_count || !fl_fees_sound(tx) ||
        fl_effective_tip(tx, exec->batch.base_fee) < 0 || !tx_signed(ledger, tx)) {
        return false;
    }
    return nonce_fresh(fl_cell_read(&exec->rows, (struct fl_cell){FL_TABLE_NONCES, tx->account}),
                       tx->nonce);
}

/* A transaction pays for its place in the block, whatever its contract makes of it. The journal knows
 * nothing of this: what a refusal undoes, it does not pay back. */
static void charge(struct fl_exec *exec, const struct fl_tx *tx, enum fl_tx_status status)
{
    struct fl_batch_row *batch = fl_cell_touch(exec->ledger, (struct fl_cell){FL_TABLE_BATCH, 0});
    const int64_t base_fee = exec->batch.base_fee, tip = fl_effective_tip(tx, base_fee);
    batch->space.txs++;
    if (base_fee == 0 && tip == 0) {
        return;
    }
    struct fl_gas_row *gas =
        fl_cell_touch(exec->ledger, (struct fl_cell){FL_TABLE_GAS, tx->account});
    gas->paying++;
    gas->refused += status == FL_TX_REVERTED;
    gas->burned = fl_add(gas->burned, base_fee);
    gas->tips = fl_add(gas->tips, tip);
    batch->space.burned = fl_add(batch->space.burned, base_fee);
    batch->space.tips = fl_add(batch->space.tips, tip);
}

static enum fl_tx_status run_tx(struct fl_exec *exec, const struct fl_tx *tx, uint32_t cause,
                                uint32_t *code)
{
    struct fl_ledger *ledger = exec->ledger;
    if (!tx_valid(exec, tx)) {
        return FL_TX_INVALID;
    }
    nonce_use(fl_cell_touch(ledger, (struct fl_cell){FL_TABLE_NONCES, tx->account}), tx->nonce);
    const uint32_t noted =
        fl_records_find(ledger->records, FL_RECORD_TX, tx->account, (int64_t)tx->nonce);
    start_notes(exec, noted != FL_NO_RECORD ? noted : cause);
    exec->rows.contract = tx->contract;
    const struct fl_contract *contract = ledger->config->contract[tx->contract].model->contract;
    const enum fl_tx_status status = contract->execute(exec, tx, code);
    FL_ASSERT(status == FL_TX_OK || status == FL_TX_REVERTED);
    fl_journal_close(ledger, status == FL_TX_REVERTED);
    charge(exec, tx, status);
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
        fl_journal_close(exec->ledger, false);
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
    struct fl_batch_row *row = fl_cell_touch(ledger, (struct fl_cell){FL_TABLE_BATCH, 0});
    row->time = batch->time;
    row->height = batch->height;
    row->space.base_fee = batch->base_fee;
    row->space.txs = 0;
}

/* Describes an executed version; receipts and changes as long as it lives above the base. */
static void describe(struct fl_ledger *ledger, fl_version version, bool fresh,
                     struct fl_execution *out)
{
    const struct fl_ledger_version *at = &ledger->version[version.i];
    const struct fl_delta *delta = at->delta;
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
        const struct fl_ledger_table *table = &ledger->table[delta->cell[i].table];
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
    return out->zero == 0 && out->time >= 0 && out->base_fee >= 0 &&
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
    const fl_version before = fl_version_find(ledger, parent, name);
    if (before.i != 0 && parent.i != 0) {
        describe(ledger, before, false, out);
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
    describe(ledger, fl_ledger_seal(ledger, name, header.tx_count), true, out);
    return FL_EXECUTE_OK;
}

/* Version 0 is none; while genesis runs it stands for the empty ledger below it, and is the base. */
void fl_ledger_run_genesis(struct fl_ledger *ledger)
{
    start_exec(ledger, FL_NO_VERSION, &(struct fl_batch){0}, 0);
    for (uint32_t i = 0; i < ledger->config->contract_count; i++) {
        run_hook(&ledger->exec, i, ledger->config->contract[i].model->contract->genesis,
                 FL_NO_RECORD);
    }
    const fl_version genesis = fl_ledger_seal(ledger, (struct fl_digest){0, 0}, 0);
    FL_ASSERT(genesis.i == GENESIS);
    fl_ledger_advance(ledger, genesis);
}
