/* A ledger's rows: read at a version, written in the working image, put back when a transaction is
 * reverted; and whatever else contracts may read. */
#include "sim/ledger_state.h"

#include <string.h>

/* The row's content in a delta; NULL if the delta does not hold it. */
static const unsigned char *delta_find(const struct fl_delta *delta, struct fl_cell cell)
{
    uint32_t low = 0, high = delta->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const int order = fl_cell_order(delta->cell[middle], cell);
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

const unsigned char *fl_cell_at(const struct fl_ledger *ledger, fl_version version,
                                struct fl_cell cell)
{
    const struct fl_ledger_table *table = &ledger->table[cell.table];
    if (ledger->held[table->first_row + cell.row] > 0) {
        while (version.i != ledger->base_version.i) {
            const struct fl_ledger_version *at = &ledger->version[version.i];
            const unsigned char *found = delta_find(at->delta, cell);
            if (found) {
                return found;
            }
            version = at->parent;
        }
    }
    return ledger->base + fl_row_offset(table, cell.row);
}

static uint32_t row_number(const struct fl_ledger *ledger, struct fl_cell cell)
{
    return ledger->table[cell.table].first_row + cell.row;
}

/* Of a row that the batch being executed has touched. */
static unsigned char *working(const struct fl_ledger *ledger, uint32_t touched)
{
    return ledger->work + ledger->work_list[(touched & ~FL_IN_UNDO) - 1].offset;
}

const void *fl_cell_read(const struct fl_rows *rows, struct fl_cell cell)
{
    const struct fl_ledger *ledger = rows->ledger;
    FL_ASSERT(cell.row < ledger->table[cell.table].rows);
    if (rows->working) {
        const uint32_t touched = ledger->touched[row_number(ledger, cell)];
        if (touched) {
            return working(ledger, touched);
        }
    }
    return fl_cell_at(ledger, rows->version, cell);
}

void *fl_cell_touch(struct fl_ledger *ledger, struct fl_cell cell)
{
    const struct fl_ledger_table *table = &ledger->table[cell.table];
    FL_ASSERT(cell.row < table->rows);
    uint32_t *touched = &ledger->touched[row_number(ledger, cell)];
    if (!*touched) {
        const size_t offset = ledger->work_bytes;
        memcpy(ledger->work + offset, fl_cell_at(ledger, ledger->exec.rows.version, cell),
               table->row_bytes);
        ledger->work_list[ledger->work_count++] = (struct fl_held_row){cell, offset};
        ledger->work_bytes += table->row_bytes;
        *touched = ledger->work_count;
    }
    return working(ledger, *touched);
}

static struct fl_cell own_cell(const struct fl_rows *rows, uint32_t table, uint32_t row)
{
    const uint32_t *first = &rows->ledger->contract_table[rows->contract];
    FL_ASSERT(table < first[1] - first[0]);
    return (struct fl_cell){first[0] + table, row};
}

const void *fl_row(const struct fl_rows *rows, uint32_t table, uint32_t row)
{
    return fl_cell_read(rows, own_cell(rows, table, row));
}

void *fl_row_edit(struct fl_exec *exec, uint32_t table, uint32_t row)
{
    struct fl_ledger *ledger = exec->ledger;
    const struct fl_cell cell = own_cell(&exec->rows, table, row);
    void *content = fl_cell_touch(ledger, cell);
    uint32_t *touched = &ledger->touched[row_number(ledger, cell)];
    if (!(*touched & FL_IN_UNDO)) {
        const uint32_t bytes = ledger->table[cell.table].row_bytes;
        memcpy(ledger->undo + ledger->undo_bytes, content, bytes);
        ledger->undo_list[ledger->undo_count++] = (struct fl_held_row){cell, ledger->undo_bytes};
        ledger->undo_bytes += bytes;
        *touched |= FL_IN_UNDO;
    }
    return content;
}

uint32_t fl_row_count(const struct fl_rows *rows, uint32_t table)
{
    return rows->ledger->table[own_cell(rows, table, 0).table].rows;
}

/* Where a table's rows begin in a delta. */
static uint32_t delta_first(const struct fl_delta *delta, uint32_t table)
{
    uint32_t low = 0, high = delta->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (delta->cell[middle].table < table) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The next row in the working list; false at its end. */
static bool fresh_working(const struct fl_ledger *ledger, uint32_t table, struct fl_fresh *walk,
                          uint32_t *row)
{
    while (walk->next < ledger->work_count) {
        const struct fl_cell cell = ledger->work_list[walk->next++].cell;
        if (cell.table == table) {
            *row = cell.row;
            return true;
        }
    }
    return false;
}

bool fl_fresh_row(const struct fl_rows *rows, uint32_t table, struct fl_fresh *walk, uint32_t *row)
{
    const struct fl_ledger *ledger = rows->ledger;
    const uint32_t number = own_cell(rows, table, 0).table;
    if (!walk->deltas && rows->working && fresh_working(ledger, number, walk, row)) {
        return true;
    }
    if (!walk->deltas) {
        walk->deltas = true;
        walk->at = rows->version;
    }
    while (walk->at.i != ledger->base_version.i) {
        const struct fl_delta *delta = ledger->version[walk->at.i].delta;
        if (!walk->begun) {
            walk->begun = true;
            walk->next = delta_first(delta, number);
        }
        if (walk->next < delta->count && delta->cell[walk->next].table == number) {
            *row = delta->cell[walk->next++].row;
            return true;
        }
        walk->begun = false;
        walk->at = ledger->version[walk->at.i].parent;
    }
    return false;
}

void *fl_rows_index(const struct fl_rows *rows)
{
    return rows->ledger->index[rows->contract];
}

fl_version fl_rows_version(const struct fl_rows *rows)
{
    return rows->working ? FL_NO_VERSION : rows->version;
}

void fl_journal_close(struct fl_ledger *ledger, bool restore)
{
    for (uint32_t i = 0; i < ledger->undo_count; i++) {
        const struct fl_held_row *held = &ledger->undo_list[i];
        uint32_t *touched = &ledger->touched[row_number(ledger, held->cell)];
        if (restore) {
            memcpy(working(ledger, *touched), ledger->undo + held->offset,
                   ledger->table[held->cell.table].row_bytes);
        }
        *touched &= ~FL_IN_UNDO;
    }
    ledger->undo_count = 0;
    ledger->undo_bytes = 0;
}

/* ------------------------------------------------------------------------------------------------
 * What else contracts may read
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
    const struct fl_batch_row *batch = fl_cell_read(rows, (struct fl_cell){FL_TABLE_BATCH, 0});
    return batch->time;
}

static enum fl_read_status answer(const void *content, size_t content_bytes, void *out,
                                  size_t bytes)
{
    if (bytes != content_bytes) {
        return FL_READ_UNKNOWN;
    }
    memcpy(out, content, bytes);
    return FL_READ_OK;
}

static struct fl_sender sender_of(const struct fl_rows *rows, uint32_t account)
{
    const struct fl_nonce_row *nonce =
        fl_cell_read(rows, (struct fl_cell){FL_TABLE_NONCES, account});
    const struct fl_gas_row *gas = fl_cell_read(rows, (struct fl_cell){FL_TABLE_GAS, account});
    return (struct fl_sender){.nonce = (int64_t)nonce->highest,
                              .used = nonce->used,
                              .paying = gas->paying,
                              .refused = gas->refused,
                              .burned = gas->burned,
                              .tips = gas->tips};
}

/* What the ledger itself answers (FL_LEDGER). */
static enum fl_read_status ask_ledger(const struct fl_rows *rows, const struct fl_query *query,
                                      void *out, size_t bytes)
{
    if (query->kind == FL_ASK_SPACE) {
        const struct fl_batch_row *batch = fl_cell_read(rows, (struct fl_cell){FL_TABLE_BATCH, 0});
        return answer(&batch->space, sizeof batch->space, out, bytes);
    }
    if (query->arg[0] < 0 || query->arg[0] >= rows->ledger->table[FL_TABLE_NONCES].rows) {
        return FL_READ_UNKNOWN;
    }
    const struct fl_sender sender = sender_of(rows, (uint32_t)query->arg[0]);
    if (query->kind == FL_ASK_NONCE) {
        return answer(&sender.nonce, sizeof sender.nonce, out, bytes);
    }
    return query->kind == FL_ASK_SENDER ? answer(&sender, sizeof sender, out, bytes)
                                        : FL_READ_UNKNOWN;
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
