/* A ledger's versions: sealed from the working image as sorted deltas, found by name, merged into the
 * base as it advances; and the hash of their state. */
#include "sim/ledger_state.h"

#include "sim/alloc.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

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
static fl_u128 row_hash(const struct fl_ledger *ledger, struct fl_cell cell,
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
            const struct fl_cell cell = {t, r};
            sum += row_hash(ledger, cell, fl_cell_at(ledger, version, cell));
        }
    }
    return digest_of(sum);
}

uint64_t fl_ledger_bytes(const struct fl_ledger *ledger, fl_version version)
{
    FL_ASSERT(fl_ledger_alive(ledger, version));
    uint64_t bytes = 0;
    for (uint32_t t = 0; t < ledger->table_count; t++) {
        const uint32_t row_bytes = ledger->table[t].row_bytes;
        for (uint32_t r = 0; r < ledger->table[t].rows; r++) {
            const struct fl_cell cell = {t, r};
            bytes += all_zero(fl_cell_at(ledger, version, cell), row_bytes) ? 0 : row_bytes;
        }
    }
    return bytes;
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
        const struct fl_ledger_version *version = &ledger->version[ledger->slot[at]];
        if (version->parent.i == parent.i && fl_digest_equal(version->name, name)) {
            break;
        }
        at = (at + 1) & (ledger->slot_count - 1);
    }
    return &ledger->slot[at];
}

fl_version fl_version_find(const struct fl_ledger *ledger, fl_version parent, struct fl_digest name)
{
    return (fl_version){*find_slot(ledger, parent, name)};
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

static fl_version add_version(struct fl_ledger *ledger, const struct fl_ledger_version *version)
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

static uint32_t row_number(const struct fl_ledger *ledger, struct fl_cell cell)
{
    return ledger->table[cell.table].first_row + cell.row;
}

/* ------------------------------------------------------------------------------------------------
 * Deltas
 * --------------------------------------------------------------------------------------------- */

/* A delta with room for `count` rows of `bytes` in all. */
static struct fl_delta *new_delta(uint32_t count, size_t bytes, uint32_t receipt_count)
{
    struct fl_delta *delta = fl_alloc(1, sizeof *delta);
    delta->count = count;
    delta->cell = fl_alloc(count, sizeof *delta->cell);
    delta->offset = fl_alloc(count, sizeof *delta->offset);
    delta->bytes = fl_alloc(1, bytes);
    delta->receipts = fl_alloc(receipt_count, sizeof *delta->receipts);
    delta->receipt_count = receipt_count;
    return delta;
}

static void free_delta(struct fl_delta *delta)
{
    free(delta->cell);
    free(delta->offset);
    free(delta->bytes);
    free(delta->receipts);
    free(delta);
}

/* Least significant digit first (Knuth 5.2.5), over the numbers that rows have among all tables: these order
 * rows by table and then by row. */
static void sort_cells(const struct fl_ledger *ledger, uint32_t count)
{
    enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };
    struct fl_held_row *from = ledger->work_list, *to = ledger->sort_list;
    for (uint32_t shift = 0; shift < 32 && ledger->row_count >> shift != 0; shift += DIGIT_BITS) {
        uint32_t place[DIGITS + 1] = {0};
        for (uint32_t i = 0; i < count; i++) {
            place[1 + (row_number(ledger, from[i].cell) >> shift) % DIGITS]++;
        }
        for (uint32_t d = 0; d < DIGITS; d++) {
            place[d + 1] += place[d];
        }
        for (uint32_t i = 0; i < count; i++) {
            to[place[(row_number(ledger, from[i].cell) >> shift) % DIGITS]++] = from[i];
        }
        struct fl_held_row *swap = from;
        from = to;
        to = swap;
    }
    if (from != ledger->work_list) {
        memcpy(ledger->work_list, from, count * sizeof *from);
    }
}

/* Sorts the rows the batch changed to the front of the work list and counts them. What was touched
 * but is as before (a reverted transaction's rows) is no change. */
static uint32_t sort_changes(struct fl_ledger *ledger, size_t *bytes)
{
    uint32_t changed = 0;
    *bytes = 0;
    for (uint32_t i = 0; i < ledger->work_count; i++) {
        const struct fl_held_row held = ledger->work_list[i];
        const struct fl_ledger_table *table = &ledger->table[held.cell.table];
        ledger->touched[row_number(ledger, held.cell)] = 0;
        if (memcmp(ledger->work + held.offset,
                   fl_cell_at(ledger, ledger->exec.rows.version, held.cell),
                   table->row_bytes) != 0) {
            ledger->work_list[changed++] = held;
            *bytes += table->row_bytes;
        }
    }
    sort_cells(ledger, changed);
    ledger->work_count = 0;
    ledger->work_bytes = 0;
    return changed;
}

/* Moves the changed rows from the working image into a new delta; returns the change of the state
 * hash. */
static fl_u128 fill_delta(struct fl_ledger *ledger, struct fl_delta *delta)
{
    fl_u128 change = 0;
    size_t offset = 0;
    for (uint32_t i = 0; i < delta->count; i++) {
        const struct fl_cell cell = ledger->work_list[i].cell;
        const struct fl_ledger_table *table = &ledger->table[cell.table];
        const unsigned char *now = ledger->work + ledger->work_list[i].offset;
        const unsigned char *before = fl_cell_at(ledger, ledger->exec.rows.version, cell);
        change += row_hash(ledger, cell, now) - row_hash(ledger, cell, before);
        delta->cell[i] = cell;
        delta->offset[i] = offset;
        memcpy(delta->bytes + offset, now, table->row_bytes);
        offset += table->row_bytes;
    }
    for (uint32_t i = 0; i < delta->count; i++) {
        uint16_t *held = &ledger->held[row_number(ledger, delta->cell[i])];
        *held = (uint16_t)(*held + (*held < UINT16_MAX)); /* a count lost here costs time only */
    }
    return change;
}

fl_version fl_ledger_seal(struct fl_ledger *ledger, struct fl_digest name, uint32_t receipt_count)
{
    const fl_version parent = ledger->exec.rows.version;
    size_t bytes;
    const uint32_t changed = sort_changes(ledger, &bytes);
    struct fl_delta *delta = new_delta(changed, bytes, receipt_count);
    const fl_u128 change = fill_delta(ledger, delta);
    if (receipt_count > 0) {
        memcpy(delta->receipts, ledger->receipts, receipt_count * sizeof *delta->receipts);
    }
    return add_version(
        ledger, &(struct fl_ledger_version){
                    .parent = parent,
                    .height = ledger->exec.batch.height,
                    .state = digest_of(number_of(ledger->version[parent.i].state) + change),
                    .name = name,
                    .delta = delta,
                    .first_record = ledger->first_record,
                    .record_count = fl_records_count(ledger->records) + 1 - ledger->first_record});
}

/* ------------------------------------------------------------------------------------------------
 * The base advances
 * --------------------------------------------------------------------------------------------- */

/* Takes a version's delta away; its rows were merged, or died with it. */
static void drop_delta(struct fl_ledger *ledger, struct fl_ledger_version *version)
{
    const struct fl_delta *delta = version->delta;
    for (uint32_t i = 0; i < delta->count; i++) {
        uint16_t *held = &ledger->held[row_number(ledger, delta->cell[i])];
        FL_ASSERT(*held > 0);
        *held = (uint16_t)(*held - (*held < UINT16_MAX));
    }
    free_delta(version->delta);
    version->delta = NULL;
}

static void merge_delta(struct fl_ledger *ledger, struct fl_ledger_version *version)
{
    const struct fl_delta *delta = version->delta;
    for (uint32_t i = 0; i < delta->count; i++) {
        const struct fl_ledger_table *table = &ledger->table[delta->cell[i].table];
        memcpy(ledger->base + fl_row_offset(table, delta->cell[i].row),
               delta->bytes + delta->offset[i], table->row_bytes);
    }
    drop_delta(ledger, version);
}

/* Remembers which rows the base's move changes, for the contracts' indexes. */
static uint32_t note_moved(struct fl_ledger *ledger, const struct fl_delta *delta, uint32_t count)
{
    if (delta->count > ledger->moved_room - count) {
        ledger->moved_room = 2 * (count + delta->count);
        ledger->moved = fl_realloc(ledger->moved, ledger->moved_room, sizeof *ledger->moved);
    }
    for (uint32_t i = 0; i < delta->count; i++) {
        const struct fl_ledger_table *table = &ledger->table[delta->cell[i].table];
        ledger->moved[count++] =
            (struct fl_change){table->contract, table->local, delta->cell[i].row};
    }
    return count;
}

static void update_indexes(struct fl_ledger *ledger, uint32_t count)
{
    const struct fl_config *config = ledger->config;
    for (uint32_t c = 0; c < config->contract_count; c++) {
        const struct fl_contract *contract = config->contract[c].model->contract;
        if (contract->index_update) {
            const struct fl_rows rows = {
                .ledger = ledger, .version = ledger->base_version, .contract = c};
            contract->index_update(ledger->index[c], &rows, c, ledger->moved, count);
        }
    }
}

/* Merges the deltas from the base up to `version`, the oldest first; how many rows they changed. */
static uint32_t merge_path(struct fl_ledger *ledger, fl_version version)
{
    uint32_t moved = 0;
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
        moved = note_moved(ledger, ledger->version[path[i]].delta, moved);
        merge_delta(ledger, &ledger->version[path[i]]);
    }
    free(path);
    return moved;
}

void fl_ledger_advance(struct fl_ledger *ledger, fl_version version)
{
    const uint32_t moved = merge_path(ledger, version);
    ledger->base_version = version;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ledger->live_count; i++) {
        struct fl_ledger_version *live = &ledger->version[ledger->live[i]];
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
    update_indexes(ledger, moved);
}

/* ------------------------------------------------------------------------------------------------
 * Set-up and release
 * --------------------------------------------------------------------------------------------- */

void fl_versions_start(struct fl_ledger *ledger)
{
    ledger->version_room = ledger->live_room = 64;
    ledger->version = fl_alloc(ledger->version_room, sizeof *ledger->version);
    ledger->live = fl_alloc(ledger->live_room, sizeof *ledger->live);
    ledger->slot_count = 256;
    ledger->slot = fl_alloc(ledger->slot_count, sizeof *ledger->slot);
    ledger->version_count = 1; /* version[0] is none */
}

void fl_versions_free(struct fl_ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->live_count; i++) {
        free_delta(ledger->version[ledger->live[i]].delta);
    }
    free(ledger->version);
    free(ledger->live);
    free(ledger->slot);
}
