/* A ledger from genesis to its end: tables are laid out, contracts write their first rows, and others
 * read from outside. */
#include "sim/ledger_state.h"

#include "sim/alloc.h"

#include <stdlib.h>

/* ------------------------------------------------------------------------------------------------
 * Layout and genesis
 * --------------------------------------------------------------------------------------------- */

static void add_table(struct fl_ledger *ledger, uint16_t contract, uint16_t local, uint32_t rows,
                      uint32_t row_bytes)
{
    FL_ASSERT(row_bytes > 0 && row_bytes % 8 == 0);
    FL_ASSERT(rows <= FL_IN_UNDO - 1 - ledger->row_count);
    ledger->table[ledger->table_count++] = (struct fl_ledger_table){.offset = ledger->image_bytes,
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
    ledger->table = fl_alloc(FL_OWN_TABLES + (size_t)config->contract_count * FL_TABLES_MAX,
                             sizeof *ledger->table);
    ledger->contract_table =
        fl_alloc((size_t)config->contract_count + 1, sizeof *ledger->contract_table);
    add_table(ledger, FL_LEDGER, FL_TABLE_NONCES, config->facts.accounts,
              sizeof(struct fl_nonce_row));
    add_table(ledger, FL_LEDGER, FL_TABLE_BATCH, 1, sizeof(struct fl_batch_row));
    add_table(ledger, FL_LEDGER, FL_TABLE_GAS, config->facts.accounts, sizeof(struct fl_gas_row));
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
    ledger->sort_list = fl_alloc(ledger->row_count, sizeof *ledger->sort_list);
}

static void make_indexes(struct fl_ledger *ledger)
{
    const struct fl_config *config = ledger->config;
    ledger->index = fl_alloc((size_t)config->contract_count + 1, sizeof *ledger->index);
    for (uint32_t c = 0; c < config->contract_count; c++) {
        const struct fl_contract *contract = config->contract[c].model->contract;
        if (contract->index_bytes) {
            ledger->index[c] =
                fl_alloc(1, contract->index_bytes(config->contract[c].params, &config->facts));
        }
    }
}

struct fl_ledger *fl_ledger_new(const struct fl_config *config, const struct fl_keyring *keys,
                                struct fl_records *records)
{
    struct fl_ledger *ledger = fl_alloc(1, sizeof *ledger);
    ledger->config = config;
    ledger->keys = keys;
    ledger->records = records;
    fl_versions_start(ledger);
    lay_out(ledger);
    make_images(ledger);
    make_indexes(ledger);
    fl_ledger_run_genesis(ledger);
    return ledger;
}

void fl_ledger_free(struct fl_ledger *ledger)
{
    if (!ledger) {
        return;
    }
    fl_versions_free(ledger);
    free(ledger->table);
    free(ledger->contract_table);
    for (uint32_t c = 0; c < ledger->config->contract_count; c++) {
        free(ledger->index[c]);
    }
    free(ledger->index);
    free(ledger->moved);
    free(ledger->base);
    free(ledger->work);
    free(ledger->undo);
    free(ledger->held);
    free(ledger->touched);
    free(ledger->work_list);
    free(ledger->undo_list);
    free(ledger->sort_list);
    free(ledger->receipts);
    free(ledger->changes);
    free(ledger);
}

/* ------------------------------------------------------------------------------------------------
 * Reading from outside
 * --------------------------------------------------------------------------------------------- */

fl_version fl_ledger_base(const struct fl_ledger *ledger)
{
    return ledger->base_version;
}

bool fl_ledger_alive(const struct fl_ledger *ledger, fl_version version)
{
    return version.i != 0 && version.i < ledger->version_count &&
           (version.i == ledger->base_version.i || ledger->version[version.i].delta);
}

bool fl_ledger_known(const struct fl_ledger *ledger, fl_version version)
{
    return version.i != 0 && version.i < ledger->version_count;
}

static const struct fl_ledger_version *known(const struct fl_ledger *ledger, fl_version version)
{
    FL_ASSERT(fl_ledger_known(ledger, version));
    return &ledger->version[version.i];
}

fl_time fl_ledger_time(const struct fl_ledger *ledger, fl_version version)
{
    FL_ASSERT(fl_ledger_alive(ledger, version));
    const struct fl_rows rows = {.ledger = ledger, .version = version};
    return fl_rows_time(&rows);
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
