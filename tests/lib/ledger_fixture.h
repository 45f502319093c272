/* A ledger in a few lines, for tests: a configuration by hand, signed transactions, batches on any
 * version. Include it after the declarations of the models it is to run. */
#ifndef LEDGER_FIXTURE_H
#define LEDGER_FIXTURE_H
#include "models/wire.h"
#include "sim/ledger.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { LAB_TXS = 1024, LAB_ACCOUNTS = 640, LAB_GROUPS = 4, LAB_CONTRACTS = 34, LAB_SECRET = 77 };

struct lab {
    struct fl_config config;
    struct fl_group group[LAB_GROUPS];
    struct fl_part contract[LAB_CONTRACTS];
    struct fl_keyring keys;
    uint64_t secret[LAB_ACCOUNTS]; /* each account is its own identity */
    uint32_t owner[LAB_ACCOUNTS];
    uint64_t nonce[LAB_ACCOUNTS]; /* last one used by lab_tx */
    struct fl_records *records;
    struct fl_ledger *ledger;
    fl_version head;
    uint64_t names;           /* batches named so far */
    struct fl_execution done; /* of the last lab_run */
    struct {
        struct fl_batch header;
        struct fl_tx tx[LAB_TXS];
    } batch;
};

/* One node with `accounts` ledger accounts, as a group of its own. */
static inline uint32_t lab_group(struct lab *lab, uint32_t accounts)
{
    const uint32_t i = lab->config.group_count++;
    lab->group[i] = (struct fl_group){
        .first = i, .count = 1, .accounts = accounts, .account_first = lab->config.facts.accounts};
    lab->config.facts.accounts += accounts;
    return i;
}

static inline uint16_t lab_contract(struct lab *lab, const struct fl_model *model,
                                    const void *params)
{
    const uint32_t i = lab->config.contract_count++;
    lab->contract[i] = (struct fl_part){.model = model, .params = params};
    lab->config.facts.contracts++;
    return (uint16_t)i;
}

/* After the groups and contracts. */
static inline void lab_open(struct lab *lab)
{
    const uint32_t accounts = lab->config.facts.accounts;
    cr_assert(accounts <= LAB_ACCOUNTS);
    lab->config.group = lab->group;
    lab->config.contract = lab->contract;
    for (uint32_t i = 0; i < accounts; i++) {
        lab->secret[i] = LAB_SECRET + i;
        lab->owner[i] = i;
    }
    lab->keys = (struct fl_keyring){.secret = lab->secret,
                                    .identity_count = accounts,
                                    .account_owner = lab->owner,
                                    .account_count = accounts};
    lab->records = fl_records_new();
    lab->ledger = fl_ledger_new(&lab->config, &lab->keys, lab->records);
    lab->head = fl_ledger_base(lab->ledger);
}

static inline void lab_close(struct lab *lab)
{
    fl_ledger_free(lab->ledger);
    fl_records_free(lab->records);
}

/* Starts the next batch: one higher than `head`. */
static inline void lab_begin(struct lab *lab, fl_time time)
{
    lab->batch.header =
        (struct fl_batch){.height = fl_ledger_height(lab->ledger, lab->head) + 1, .time = time};
}

static inline void lab_sign(const struct lab *lab, struct fl_tx *tx)
{
    tx->tag = fl_keyring_tag(&lab->keys, (fl_identity){tx->account}, fl_tx_digest(tx));
}

/* Adds a signed transaction with the account's next nonce; the caller may still change it. */
static inline struct fl_tx *lab_tx(struct lab *lab, uint32_t account, uint16_t contract,
                                   uint16_t kind, int64_t a, int64_t b, int64_t c)
{
    cr_assert(lab->batch.header.tx_count < LAB_TXS);
    struct fl_tx *tx = &lab->batch.tx[lab->batch.header.tx_count++];
    *tx = (struct fl_tx){.account = account,
                         .contract = contract,
                         .kind = kind,
                         .nonce = ++lab->nonce[account],
                         .arg = {a, b, c}};
    lab_sign(lab, tx);
    return tx;
}

static inline size_t lab_bytes(const struct lab *lab)
{
    return sizeof lab->batch.header + lab->batch.header.tx_count * sizeof lab->batch.tx[0];
}

/* Executes the batch on `head` under a name of its own and moves `head` to it. */
static inline void lab_run(struct lab *lab)
{
    const struct fl_digest name = {++lab->names, 5};
    cr_assert_eq(fl_ledger_execute(lab->ledger, lab->head, &lab->batch, lab_bytes(lab), name,
                                   lab->batch.header.time, FL_NO_RECORD, &lab->done),
                 FL_EXECUTE_OK);
    lab->head = lab->done.version;
}

/* One transaction in a batch of its own; its refusal code, 0 if it was accepted. */
static inline uint32_t lab_do(struct lab *lab, fl_time time, uint32_t account, uint16_t contract,
                              uint16_t kind, int64_t a, int64_t b, int64_t c)
{
    lab_begin(lab, time);
    lab_tx(lab, account, contract, kind, a, b, c);
    lab_run(lab);
    const struct fl_receipt *receipt = &lab->done.receipts[0];
    cr_assert_eq(receipt->status, receipt->code ? FL_TX_REVERTED : FL_TX_OK);
    return receipt->code;
}

static inline void lab_ask(const struct lab *lab, uint16_t contract, uint16_t kind, int64_t arg,
                           void *out, size_t bytes)
{
    const struct fl_query query = {.contract = contract, .kind = kind, .arg = {arg}};
    cr_assert_eq(fl_ledger_query(lab->ledger, lab->head, &query, out, bytes), FL_READ_OK);
}

/* Random numbers for tests (splitmix64; Steele, Lea, Flood 2014). */
static inline uint64_t lab_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Uniform in low..high, both included. */
static inline int64_t lab_between(uint64_t *state, int64_t low, int64_t high)
{
    return low + (int64_t)(lab_random(state) % ((uint64_t)high - (uint64_t)low + 1));
}

#endif
