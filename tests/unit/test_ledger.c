/* The ledger against a naive map of every version, and against answers worked out by hand. A toy
 * contract writes cells, refuses, notes and asks. */
#include "tests/lib/ledger_fixture.h"

enum { CELLS = 300, TOY_A = 40, TOY_B, TOY_C, TOY_END, TOY_END_2 };
enum toy_tx { TOY_NOOP = 1, TOY_SET, TOY_FAIL, TOY_STORY, TOY_AFTER };
enum toy_question { TOY_CELL = 1, TOY_TIME, TOY_OTHER, TOY_GROUP, TOY_ROWS };
enum { TOY_CODE = 9, TOY_GENESIS = 1000 };

static void toy_tables(const void *params, const struct fl_facts *facts, struct fl_table *out)
{
    (void)params;
    (void)facts;
    out[0] = (struct fl_table){"cells", sizeof(int64_t), CELLS};
    out[1] = (struct fl_table){"batches", 2 * sizeof(int64_t), 1};
}

static void toy_genesis(struct fl_exec *exec)
{
    *(int64_t *)fl_row_edit(exec, 0, 0) = TOY_GENESIS;
}

/* Two notes: the first descends from the batch's cause, the second from the first. */
static void toy_end_batch(struct fl_exec *exec)
{
    int64_t *row = fl_row_edit(exec, 1, 0);
    row[0]++;
    row[1] = fl_exec_batch(exec)->time;
    fl_exec_note(exec, TOY_END, (int64_t)fl_exec_batch(exec)->height, 0);
    fl_exec_note(exec, TOY_END_2, (int64_t)fl_exec_batch(exec)->height, 0);
}

static enum fl_tx_status toy_execute(struct fl_exec *exec, const struct fl_tx *tx, uint32_t *code)
{
    const struct fl_rows *rows = (const struct fl_rows *)exec;
    const int64_t key = tx->arg[0];
    switch ((enum toy_tx)tx->kind) {
    case TOY_NOOP:
        return FL_TX_OK;
    case TOY_SET:
        *(int64_t *)fl_row_edit(exec, 0, (uint32_t)key) = tx->arg[1];
        cr_assert_eq(*(const int64_t *)fl_row(rows, 0, (uint32_t)key), tx->arg[1]);
        return FL_TX_OK;
    case TOY_FAIL: /* edits twice, notes, and refuses */
        *(int64_t *)fl_row_edit(exec, 0, (uint32_t)key) = tx->arg[1];
        *(int64_t *)fl_row_edit(exec, 0, (uint32_t)key) = tx->arg[1] + 1;
        *(int64_t *)fl_row_edit(exec, 0, 0) = -1;
        fl_exec_note(exec, TOY_A, key, 99);
        *code = TOY_CODE;
        return FL_TX_REVERTED;
    case TOY_STORY: /* A, then B after it, then because A: C and D */
        fl_exec_note(exec, TOY_A, key, 1)[2] = 123;
        fl_exec_note(exec, TOY_B, key, 2);
        fl_exec_because(exec, TOY_A, key, 1);
        fl_exec_note(exec, TOY_C, key, 3);
        fl_exec_note(exec, TOY_C, key, 4);
        return FL_TX_OK;
    case TOY_AFTER: /* because of a record made by someone else */
        fl_exec_because(exec, TOY_B, key, 2);
        fl_exec_note(exec, TOY_C, key, 5);
        fl_exec_because(exec, TOY_B, key, 777); /* there is none: no change */
        fl_exec_note(exec, TOY_C, key, 6);
        return FL_TX_OK;
    }
    return FL_TX_REVERTED;
}

static enum fl_read_status toy_query(const struct fl_rows *rows, const struct fl_query *query,
                                     void *out, size_t bytes)
{
    const struct fl_query other = {
        .contract = (uint16_t)query->arg[0], .kind = TOY_CELL, .arg = {query->arg[1]}};
    int64_t answer = 0;
    switch ((enum toy_question)query->kind) {
    case TOY_CELL:
        answer = *(const int64_t *)fl_row(rows, 0, (uint32_t)query->arg[0]);
        break;
    case TOY_TIME:
        answer = fl_rows_time(rows);
        break;
    case TOY_OTHER:
        return fl_ask(rows, &other, out, bytes);
    case TOY_GROUP:
        answer = fl_account_group(rows, (uint32_t)query->arg[0]);
        break;
    case TOY_ROWS:
        answer = fl_row_count(rows, (uint32_t)query->arg[0]);
        break;
    }
    cr_assert_eq(bytes, sizeof answer);
    memcpy(out, &answer, sizeof answer);
    return FL_READ_OK;
}

static void toy_observe(const struct fl_rows *rows, int64_t *out)
{
    *out = *(const int64_t *)fl_row(rows, 1, 0);
}

static const struct fl_contract toy_contract = {
    2, toy_tables, toy_genesis, toy_execute, toy_end_batch, toy_query, toy_observe, NULL, NULL};
static const struct fl_model toy = {
    .name = "toy", .family = FL_CONTRACT, .contract = &toy_contract};

/* Groups of 3, 0 and 5 accounts; two toys. */
static struct lab *open_lab(void)
{
    struct lab *lab = calloc(1, sizeof *lab);
    lab_group(lab, 3);
    lab_group(lab, 0);
    lab_group(lab, 5);
    lab_contract(lab, &toy, NULL);
    lab_contract(lab, &toy, NULL);
    lab_open(lab);
    return lab;
}

static void close_lab(struct lab *lab)
{
    lab_close(lab);
    free(lab);
}

static int64_t cell_at(const struct lab *lab, fl_version version, uint16_t contract, int64_t row)
{
    const struct fl_query query = {.contract = contract, .kind = TOY_CELL, .arg = {row}};
    int64_t value;
    cr_assert_eq(fl_ledger_query(lab->ledger, version, &query, &value, sizeof value), FL_READ_OK);
    return value;
}

/* ------------------------------------------------------------------------------------------------
 * Versions against a naive map: every version's cells in full.
 * --------------------------------------------------------------------------------------------- */

enum { STEPS = 700, VERSIONS = STEPS + 2 };
struct naive {
    uint32_t parent[VERSIONS];
    bool alive[VERSIONS];
    int64_t cell[VERSIONS][CELLS];
    uint32_t count, base;
};

static void compare_all(const struct lab *lab, const struct naive *naive)
{
    for (uint32_t v = 1; v < naive->count; v++) {
        cr_assert_eq(fl_ledger_alive(lab->ledger, (fl_version){v}), naive->alive[v]);
        for (int64_t r = 0; naive->alive[v] && r < CELLS; r++) {
            cr_assert_eq(cell_at(lab, (fl_version){v}, 1, r), naive->cell[v][r]);
        }
    }
}

/* Exactly the cells that differ from the parent's, the sender's nonce, the batch row, and each toy's
 * count of batches. */
static void compare_changes(const struct lab *lab, const struct naive *naive, uint32_t v,
                            bool any_tx)
{
    uint32_t expected = 1 + 2 + any_tx, found = 0;
    for (uint32_t r = 0; r < CELLS; r++) {
        expected += naive->cell[v][r] != naive->cell[naive->parent[v]][r];
    }
    for (uint32_t i = 0; i < lab->done.change_count; i++) {
        const struct fl_change *change = &lab->done.changes[i];
        const bool cell = change->contract == 1 && change->table == 0;
        cr_assert(!cell ||
                  naive->cell[v][change->row] != naive->cell[naive->parent[v]][change->row]);
        found++;
    }
    cr_assert_eq(found, expected);
}

static uint32_t random_alive(const struct naive *naive, uint64_t *random)
{
    uint32_t v = 0;
    while (!naive->alive[v]) {
        v = (uint32_t)lab_between(random, 1, naive->count - 1);
    }
    return v;
}

static void naive_advance(struct naive *naive, uint32_t base)
{
    naive->base = base;
    for (uint32_t v = 1; v < naive->count; v++) {
        uint32_t up = v;
        while (up > base) {
            up = naive->parent[up];
        }
        naive->alive[v] = naive->alive[v] && up == base;
    }
}

static void grow_one(struct lab *lab, struct naive *naive, uint32_t parent, uint64_t *random)
{
    const uint32_t v = naive->count++, txs = (uint32_t)lab_between(random, 0, 6);
    naive->parent[v] = parent;
    naive->alive[v] = true;
    memcpy(naive->cell[v], naive->cell[parent], sizeof naive->cell[v]);
    lab->head = (fl_version){parent};
    lab_begin(lab, lab_between(random, 0, 5));
    for (uint32_t i = 0; i < txs; i++) {
        const int64_t row = lab_between(random, 0, CELLS - 1), value = lab_between(random, 0, 3);
        const bool fails = lab_between(random, 0, 3) == 0;
        lab_tx(lab, 2, 1, fails ? TOY_FAIL : TOY_SET, row, value, 0);
        naive->cell[v][row] = fails ? naive->cell[v][row] : value;
    }
    lab_run(lab);
    cr_assert_eq(lab->head.i, v);
    cr_assert_eq(fl_ledger_parent(lab->ledger, lab->head).i, parent);
    compare_changes(lab, naive, v, txs > 0);
}

Test(ledger, forks_and_deep_chains_read_as_a_naive_map)
{
    uint64_t random = 20240611;
    cr_log_info("seed %llu", (unsigned long long)random);
    struct lab *lab = open_lab();
    struct naive *naive = calloc(1, sizeof *naive);
    naive->count = 2;
    naive->alive[1] = true;
    naive->base = 1;
    naive->cell[1][0] = TOY_GENESIS;
    uint32_t deepest = 0;
    for (uint32_t step = 0; step < STEPS; step++) {
        const bool fork = lab_between(&random, 0, 29) == 0;
        const uint32_t newest = naive->count - 1;
        grow_one(lab, naive, fork || !naive->alive[newest] ? random_alive(naive, &random) : newest,
                 &random);
        const struct fl_digest state = fl_ledger_state(lab->ledger, lab->head);
        cr_assert(fl_digest_equal(state, fl_ledger_rehash(lab->ledger, lab->head)));
        uint32_t depth = 0;
        for (uint32_t v = naive->count - 1; v != naive->base; v = naive->parent[v]) {
            depth++;
        }
        deepest = depth > deepest ? depth : deepest;
        if (step % 200 == 199) { /* to somewhere in the tree: other branches die */
            compare_all(lab, naive);
            const uint32_t base = random_alive(naive, &random);
            fl_ledger_advance(lab->ledger, (fl_version){base});
            naive_advance(naive, base);
            cr_assert_eq(fl_ledger_base(lab->ledger).i, base);
            compare_all(lab, naive);
            cr_assert(fl_digest_equal(fl_ledger_state(lab->ledger, (fl_version){base}),
                                      fl_ledger_rehash(lab->ledger, (fl_version){base})));
        }
    }
    compare_all(lab, naive);
    cr_assert(deepest > 60, "deepest chain %u", deepest);
    free(naive);
    close_lab(lab);
}

Test(ledger, a_chain_of_100_versions_and_its_branches)
{
    struct lab *lab = open_lab();
    fl_version chain[101] = {lab->head};
    uint64_t random = 5;
    for (int64_t i = 1; i <= 100; i++) { /* cell i % 7 becomes 10 i */
        lab_do(lab, i, 0, 1, TOY_SET, i % 7, 10 * i, 0);
        chain[i] = lab->head;
        cr_assert_eq(fl_ledger_height(lab->ledger, lab->head), (uint64_t)i);
    }
    for (int64_t i = 0; i <= 100; i += 10) {
        for (int64_t row = 0; row < 7; row++) { /* the last j <= i with j % 7 == row */
            const int64_t last = i - (i - row + 7) % 7;
            const int64_t expected = last > 0 ? 10 * last : row == 0 ? TOY_GENESIS : 0;
            cr_assert_eq(cell_at(lab, chain[i], 1, row), expected);
            cr_assert_eq(cell_at(lab, chain[i], 0, row), row == 0 ? TOY_GENESIS : 0);
        }
    }
    /* Blocks are told apart by parent and name: a chain of blocks of few names. */
    for (int64_t i = 101; i <= 1000; i++) {
        lab->names = lab_random(&random) % 5;
        lab_begin(lab, i);
        lab_run(lab);
        cr_assert(lab->done.fresh && fl_ledger_height(lab->ledger, lab->head) == (uint64_t)i);
    }
    lab->names = 1000;
    /* Two children of one version do not see each other; advancing to one kills the other. */
    lab->head = chain[100];
    lab_do(lab, 101, 0, 1, TOY_SET, 200, 1, 0);
    const fl_version left = lab->head;
    lab->head = chain[100];
    lab_do(lab, 101, 0, 1, TOY_SET, 201, 1, 0);
    const fl_version right = lab->head;
    cr_assert(cell_at(lab, left, 1, 200) == 1 && cell_at(lab, left, 1, 201) == 0);
    cr_assert(cell_at(lab, right, 1, 200) == 0 && cell_at(lab, right, 1, 201) == 1);
    fl_ledger_advance(lab->ledger, chain[40]);
    cr_assert(!fl_ledger_alive(lab->ledger, chain[39]) && fl_ledger_alive(lab->ledger, chain[41]));
    fl_ledger_advance(lab->ledger, right);
    cr_assert(!fl_ledger_alive(lab->ledger, left) && fl_ledger_alive(lab->ledger, right));
    cr_assert(cell_at(lab, right, 1, 200) == 0 && cell_at(lab, right, 1, 201) == 1);
    fl_ledger_advance(lab->ledger, right); /* to itself: nothing */
    int64_t value;
    const struct fl_query dead = {.contract = 1, .kind = TOY_CELL};
    cr_assert_eq(fl_ledger_query(lab->ledger, left, &dead, &value, sizeof value),
                 FL_READ_UNAVAILABLE);
    cr_assert_eq(fl_ledger_query(lab->ledger, FL_NO_VERSION, &dead, &value, sizeof value),
                 FL_READ_UNAVAILABLE);
    cr_assert_eq(fl_ledger_query(lab->ledger, (fl_version){9999}, &dead, &value, sizeof value),
                 FL_READ_UNAVAILABLE);
    close_lab(lab);
}

/* ------------------------------------------------------------------------------------------------
 * Batches
 * --------------------------------------------------------------------------------------------- */

Test(ledger, a_batch_is_executed_once_and_remembered_for_ever)
{
    struct lab *lab = open_lab();
    const fl_version genesis = lab->head;
    const struct fl_digest name = {71, 72}, other = {72, 72};
    struct fl_execution first, again;
    lab_begin(lab, 5);
    lab_tx(lab, 1, 0, TOY_SET, 4, 44, 0);
    lab_tx(lab, 1, 0, TOY_FAIL, 4, 45, 0);
    const size_t bytes = lab_bytes(lab);
    cr_assert_eq(fl_ledger_execute(lab->ledger, genesis, &lab->batch, bytes, name, 5, 0, &first),
                 FL_EXECUTE_OK);
    cr_assert(first.fresh && first.receipt_count == 2 && first.change_count == 5);
    cr_assert_eq(first.receipts[0].status, FL_TX_OK);
    cr_assert_eq(first.receipts[1].status, FL_TX_REVERTED);
    cr_assert_eq(first.receipts[1].code, TOY_CODE);
    cr_assert(first.receipts[1].account == 1 && first.receipts[1].nonce == 2 &&
              first.receipts[1].contract == 0 && first.receipts[1].kind == TOY_FAIL);
    /* By table: nonce of account 1, the batch row, the cell, two end-of-batch rows. */
    cr_assert(first.changes[0].contract == FL_LEDGER && first.changes[0].table == 0 &&
              first.changes[0].row == 1);
    cr_assert(first.changes[1].contract == FL_LEDGER && first.changes[1].table == 1);
    cr_assert(first.changes[2].contract == 0 && first.changes[2].table == 0 &&
              first.changes[2].row == 4);
    cr_assert(first.changes[4].contract == 1 && first.changes[4].table == 1);
    const uint32_t records = fl_records_count(lab->records);

    cr_assert_eq(fl_ledger_execute(lab->ledger, genesis, &lab->batch, bytes, name, 6, 0, &again),
                 FL_EXECUTE_OK);
    cr_assert(!again.fresh && again.version.i == first.version.i && again.change_count == 5);
    cr_assert(fl_digest_equal(again.state, first.state) && again.receipt_count == 2);
    cr_assert_eq(fl_records_count(lab->records), records);
    cr_assert_eq(fl_ledger_tx_count(lab->ledger, FL_TX_OK), 1);
    cr_assert_eq(fl_ledger_tx_count(lab->ledger, FL_TX_REVERTED), 1);

    /* The same batch under another name, or on another parent, is another version. */
    cr_assert_eq(fl_ledger_execute(lab->ledger, genesis, &lab->batch, bytes, other, 5, 0, &again),
                 FL_EXECUTE_OK);
    cr_assert(again.fresh && again.version.i != first.version.i);
    cr_assert(fl_digest_equal(again.state, first.state));
    const fl_version sibling = again.version;

    fl_ledger_advance(lab->ledger, first.version);
    cr_assert_eq(fl_ledger_execute(lab->ledger, genesis, NULL, 0, name, 6, 0, &again),
                 FL_EXECUTE_OK, "answered although the parent is merged");
    cr_assert(!again.fresh && again.version.i == first.version.i);
    cr_assert(!again.receipts && !again.changes);
    cr_assert(fl_digest_equal(again.state, first.state));
    cr_assert_eq(fl_ledger_execute(lab->ledger, genesis, NULL, 0, other, 6, 0, &again),
                 FL_EXECUTE_OK, "and although the version itself died");
    cr_assert(again.version.i == sibling.i && !fl_ledger_alive(lab->ledger, sibling));
    const struct fl_digest third = {73, 72};
    cr_assert_eq(fl_ledger_execute(lab->ledger, genesis, &lab->batch, bytes, third, 6, 0, &again),
                 FL_EXECUTE_GONE);
    cr_assert_eq(fl_ledger_execute(lab->ledger, sibling, &lab->batch, bytes, third, 6, 0, &again),
                 FL_EXECUTE_GONE);
    cr_assert_eq(
        fl_ledger_execute(lab->ledger, FL_NO_VERSION, &lab->batch, bytes, third, 6, 0, &again),
        FL_EXECUTE_GONE);
    cr_assert_eq(fl_ledger_execute(lab->ledger, FL_NO_VERSION, &lab->batch, bytes,
                                   (struct fl_digest){0, 0}, 6, 0, &again),
                 FL_EXECUTE_GONE, "genesis is not a batch");
    close_lab(lab);
}

static enum fl_execute_status try_bytes(struct lab *lab, size_t bytes)
{
    struct fl_execution out;
    return fl_ledger_execute(lab->ledger, lab->head, &lab->batch, bytes,
                             (struct fl_digest){++lab->names, 9}, 0, 0, &out);
}

Test(ledger, what_is_not_a_batch_is_refused)
{
    struct lab *lab = open_lab();
    lab_begin(lab, 5);
    lab_tx(lab, 1, 0, TOY_NOOP, 0, 0, 0);
    lab_tx(lab, 1, 0, TOY_NOOP, 0, 0, 0);
    const size_t whole = lab_bytes(lab);
    const size_t wrong[] = {
        0,         sizeof(struct fl_batch) - 1,  sizeof(struct fl_batch),     whole - 1,
        whole + 1, whole - sizeof(struct fl_tx), whole + sizeof(struct fl_tx)};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_assert_eq(try_bytes(lab, wrong[i]), FL_EXECUTE_MALFORMED, "%zu", i);
    }
    lab->batch.header.zero = 1;
    cr_assert_eq(try_bytes(lab, whole), FL_EXECUTE_MALFORMED);
    lab->batch.header.zero = 0;
    lab->batch.header.time = -1;
    cr_assert_eq(try_bytes(lab, whole), FL_EXECUTE_MALFORMED);
    lab->batch.header.time = 0;
    lab->batch.header.tx_count = UINT32_MAX;
    cr_assert_eq(try_bytes(lab, whole), FL_EXECUTE_MALFORMED);
    lab->batch.header.tx_count = 2;
    cr_assert_eq(try_bytes(lab, whole), FL_EXECUTE_OK);

    /* A batch need not be aligned in its payload. */
    unsigned char *shifted = malloc(whole + 1);
    memcpy(shifted + 1, &lab->batch, whole);
    struct fl_execution out;
    cr_assert_eq(fl_ledger_execute(lab->ledger, lab->head, shifted + 1, whole,
                                   (struct fl_digest){1, 10}, 0, 0, &out),
                 FL_EXECUTE_OK);
    cr_assert_eq(out.receipts[1].status, FL_TX_OK);
    free(shifted);
    close_lab(lab);
}

/* ------------------------------------------------------------------------------------------------
 * Transactions
 * --------------------------------------------------------------------------------------------- */

Test(ledger, nonces_pass_a_window_of_64)
{
    static const struct {
        uint64_t nonce;
        bool good;
    } cases[] = {
        {0, true},
        {0, false},
        {5, true},
        {5, false},
        {4, true},
        {4, false},
        {1, true},
        {68, true}, /* the window is 5..68 now */
        {5, false},
        {6, true},
        {6, false},
        {4, false},
        {3, false},
        {67, true},
        {67, false},
        {68, false},
        {69, true}, /* 6..69 */
        {6, false},
        {5, false},
        {7, true},
        {200, true}, /* 137..200, all but 200 free */
        {136, false},
        {137, true},
        {137, false},
        {199, true},
        {264, true}, /* by exactly 64: 201..264 */
        {200, false},
        {201, true},
        {(uint64_t)INT64_MAX + 1, false},
        {UINT64_MAX, false},
        {INT64_MAX, true},
        {INT64_MAX - 63, true},
        {INT64_MAX - 64, false},
        {INT64_MAX, false},
    };
    enum { COUNT = sizeof cases / sizeof cases[0] };
    for (uint32_t split = 0; split <= COUNT; split += 7) { /* the window outlives the batch */
        struct lab *lab = open_lab();
        uint32_t at = 0;
        for (uint32_t part = 0; part < 2; part++) {
            const uint32_t from = at, to = part == 0 ? split : COUNT;
            lab_begin(lab, 1);
            for (; at < to; at++) {
                struct fl_tx *tx = lab_tx(lab, 3, 0, at % 3 ? TOY_NOOP : TOY_FAIL, 1, 1, 0);
                tx->nonce = cases[at].nonce;
                lab_sign(lab, tx);
            }
            lab_run(lab);
            for (uint32_t i = from; i < to; i++) { /* a reverted one uses up its nonce as well */
                cr_assert_eq(lab->done.receipts[i - from].status != FL_TX_INVALID, cases[i].good,
                             "case %u", i);
            }
        }
        int64_t highest;
        lab_ask(lab, FL_LEDGER, FL_ASK_NONCE, 3, &highest, sizeof highest);
        cr_assert_eq(highest, INT64_MAX);
        lab_ask(lab, FL_LEDGER, FL_ASK_NONCE, 2, &highest, sizeof highest);
        cr_assert_eq(highest, 0);
        close_lab(lab);
    }
}

/* State after a batch that holds one transaction, on genesis. */
static struct fl_digest state_after(struct lab *lab, const struct fl_tx *tx)
{
    lab->head = fl_ledger_base(lab->ledger);
    lab_begin(lab, 3);
    if (tx) {
        lab->batch.tx[lab->batch.header.tx_count++] = *tx;
    }
    lab_run(lab);
    return lab->done.state;
}

Test(ledger, refused_transactions_leave_the_nonce_and_invalid_ones_nothing)
{
    struct lab *lab = open_lab();
    const struct fl_digest empty = state_after(lab, NULL);
    lab_begin(lab, 3);
    const struct fl_tx good = *lab_tx(lab, 2, 0, TOY_SET, 0, -77, 0);
    struct fl_tx bad[7] = {good, good, good, good, good, good, good};
    bad[0].tag ^= 1;
    bad[1].arg[1]++;     /* tampered with after signing */
    bad[2].account = 1;  /* someone else's account */
    bad[3].account = 8;  /* there are 0..7 */
    bad[4].contract = 2; /* there are 0..1 */
    bad[5].contract = FL_LEDGER;
    bad[6].tag = 0;
    lab_sign(lab, &bad[4]);
    lab_sign(lab, &bad[5]);
    for (uint32_t i = 0; i < 7; i++) {
        cr_assert(fl_digest_equal(state_after(lab, &bad[i]), empty), "case %u", i);
        cr_assert(lab->done.receipts[0].status == FL_TX_INVALID && !lab->done.receipts[0].code);
    }
    cr_assert(!fl_digest_equal(state_after(lab, &good), empty));
    cr_assert_eq(cell_at(lab, lab->head, 0, 0), -77);

    /* Refused: as an accepted one that does nothing; its notes are forgotten. */
    struct fl_tx noop = good, fail = good;
    noop.kind = TOY_NOOP;
    fail.kind = TOY_FAIL;
    lab_sign(lab, &noop);
    lab_sign(lab, &fail);
    const struct fl_digest after_noop = state_after(lab, &noop);
    cr_assert(fl_digest_equal(state_after(lab, &fail), after_noop));
    cr_assert_eq(lab->done.receipts[0].status, FL_TX_REVERTED);
    cr_assert_eq(lab->done.change_count, 4); /* nonce, batch row, two counts of batches */
    cr_assert(!fl_digest_equal(after_noop, empty));
    cr_assert_eq(fl_records_find(lab->records, TOY_A, 0, 99), FL_NO_RECORD);
    cr_assert_eq(cell_at(lab, lab->head, 0, 0), TOY_GENESIS);

    /* A row that an accepted transaction wrote survives a later refusal in the same batch. */
    lab->head = fl_ledger_base(lab->ledger);
    lab_begin(lab, 3);
    lab_tx(lab, 2, 0, TOY_SET, 0, 5, 0);
    lab_tx(lab, 2, 0, TOY_FAIL, 0, 6, 0);
    lab_tx(lab, 2, 0, TOY_SET, 1, 7, 0);
    lab_run(lab);
    cr_assert(cell_at(lab, lab->head, 0, 0) == 5 && cell_at(lab, lab->head, 0, 1) == 7);
    close_lab(lab);
}

static uint32_t parent_of(const struct lab *lab, uint16_t kind, int64_t key0, int64_t key1)
{
    const uint32_t id = fl_records_find(lab->records, kind, key0, key1);
    cr_assert_neq(id, FL_NO_RECORD);
    cr_assert_eq(fl_records_get(lab->records, id)->endpoint, UINT32_MAX);
    return fl_records_get(lab->records, id)->parent;
}

Test(ledger, notes_descend_from_their_transaction)
{
    struct lab *lab = open_lab();
    const uint32_t cause =
        fl_records_add(lab->records, &(struct fl_record){.kind = 30, .endpoint = 4});
    const uint32_t noted =
        fl_records_add(/* the client's note of account 2, nonce 1 */
                       lab->records, &(struct fl_record){.kind = FL_RECORD_TX, .v = {2, 1}});
    struct fl_execution out;
    lab_begin(lab, 3);
    lab_tx(lab, 2, 0, TOY_STORY, 10, 0, 0);
    lab_tx(lab, 1, 0, TOY_STORY, 20, 0, 0); /* not noted by its client */
    lab_tx(lab, 1, 0, TOY_AFTER, 10, 0, 0); /* because of what the first one made */
    lab_tx(lab, 1, 0, TOY_AFTER, 30, 0, 0); /* because of what nobody made */
    cr_assert_eq(fl_ledger_execute(lab->ledger, lab->head, &lab->batch, lab_bytes(lab),
                                   (struct fl_digest){1, 1}, 1234, cause, &out),
                 FL_EXECUTE_OK);
    struct fl_records *records = lab->records;
    const uint32_t a = fl_records_find(records, TOY_A, 10, 1);
    cr_assert_eq(parent_of(lab, TOY_A, 10, 1), noted);
    cr_assert_eq(fl_records_get(records, a)->at, 1234);
    cr_assert_eq(fl_records_get(records, a)->v[2], 123);
    cr_assert_eq(parent_of(lab, TOY_B, 10, 2), a);
    cr_assert_eq(parent_of(lab, TOY_C, 10, 3), a);
    cr_assert_eq(parent_of(lab, TOY_C, 10, 4), fl_records_find(records, TOY_C, 10, 3));
    cr_assert_eq(parent_of(lab, TOY_A, 20, 1), cause);
    cr_assert_eq(parent_of(lab, TOY_C, 10, 5), fl_records_find(records, TOY_B, 10, 2));
    cr_assert_eq(parent_of(lab, TOY_C, 10, 6), fl_records_find(records, TOY_C, 10, 5));
    cr_assert_eq(parent_of(lab, TOY_C, 30, 5), cause);
    cr_assert_eq(parent_of(lab, TOY_END_2, 1, 0), fl_records_find(records, TOY_END, 1, 0));
    cr_assert_eq(parent_of(lab, TOY_END, 1, 0), cause);
    close_lab(lab);
}

Test(ledger, questions)
{
    struct lab *lab = open_lab();
    lab_do(lab, 17, 0, 1, TOY_SET, 6, 66, 0);
    int64_t value;
    lab_ask(lab, 1, TOY_TIME, 0, &value, sizeof value);
    cr_assert_eq(value, 17);
    lab_ask(lab, 0, TOY_ROWS, 0, &value, sizeof value);
    cr_assert_eq(value, CELLS);
    static const int64_t group[9] = {0, 0, 0, 2, 2, 2, 2, 2, UINT32_MAX};
    for (int64_t i = 0; i < 9; i++) { /* accounts 0..2 and 3..7; group 1 has none */
        lab_ask(lab, 0, TOY_GROUP, i, &value, sizeof value);
        cr_assert_eq(value, group[i]);
    }
    const struct fl_query through = {.contract = 0, .kind = TOY_OTHER, .arg = {1, 6}};
    cr_assert_eq(fl_ledger_query(lab->ledger, lab->head, &through, &value, sizeof value),
                 FL_READ_OK);
    cr_assert_eq(value, 66);
    const struct fl_query unknown[] = {
        {.contract = 2, .kind = TOY_CELL},
        {.contract = 0, .kind = TOY_OTHER, .arg = {2, 0}},
        {.contract = FL_LEDGER, .kind = 4},
        {.contract = FL_LEDGER, .kind = FL_ASK_SENDER},
        {.contract = FL_LEDGER, .kind = FL_ASK_SPACE},
        {.contract = FL_LEDGER, .kind = FL_ASK_NONCE, .arg = {8}},
        {.contract = FL_LEDGER, .kind = FL_ASK_NONCE, .arg = {-1}},
    };
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        cr_assert_eq(fl_ledger_query(lab->ledger, lab->head, &unknown[i], &value, sizeof value),
                     FL_READ_UNKNOWN, "%zu", i);
    }
    const struct fl_query nonce = {.contract = FL_LEDGER, .kind = FL_ASK_NONCE};
    cr_assert_eq(fl_ledger_query(lab->ledger, lab->head, &nonce, &value, 4), FL_READ_UNKNOWN);
    fl_ledger_observe(lab->ledger, lab->head, 1, &value);
    cr_assert_eq(value, 1);
    close_lab(lab);
}
