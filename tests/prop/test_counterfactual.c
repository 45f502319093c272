/* Take one fault away: what the world draws stays what it was, and only consequences change.
 *
 * Two runs of the flagship's first twelve hours, with reporters stuck from 10:00 to 11:00 and
 * without. Exogenous, and therefore equal in both: the fundamental price, step by step; which
 * replica each client uses; each trader's collateral, opening (the block of its deposit) and side;
 * the propagation delay of every message that both runs send. */
#include "models/wire.h"
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FLAGSHIP "scenarios/eth-crash-2020-03-12.json"

static struct fl_test_run run(bool fault, uint64_t seed)
{
    const char *const overrides[] = {"duration_s=43200", "trace.detail=messages", "expect=[]",
                                     fault ? "faults.oracle-stuck.enabled=true"
                                           : "faults.oracle-stuck.enabled=false"};
    return fl_test_run_file(FLAGSHIP, overrides, 4, seed);
}

/* --- exogenous series --------------------------------------------------------------------------- */

/* Next record of a kind from `id` on; past the end if there is none. */
static uint32_t next_of(const struct fl_records *r, uint32_t id, uint16_t kind)
{
    while (id <= fl_records_count(r) && fl_records_get(r, id)->kind != kind) id++;
    return id;
}

/* Records of one kind are equal in time and in their first values, one after the other. */
static uint64_t equal_records(const struct fl_test_run *a, const struct fl_test_run *b,
                              uint16_t kind, int values)
{
    uint64_t count = 0;
    uint32_t i = 0, j = 0;
    for (;; count++) {
        i = next_of(a->result->records, i + 1, kind);
        j = next_of(b->result->records, j + 1, kind);
        const bool end_a = i > fl_records_count(a->result->records);
        cr_assert_eq(end_a, j > fl_records_count(b->result->records), "kind %d: different counts",
                     kind);
        if (end_a) return count;
        const struct fl_record *x = fl_records_get(a->result->records, i);
        const struct fl_record *y = fl_records_get(b->result->records, j);
        cr_assert_eq(x->at, y->at, "kind %d: record %" PRIu64 " at different times", kind, count);
        cr_assert_arr_eq(x->v, y->v, (size_t)values * sizeof x->v[0], "kind %d: record %" PRIu64,
                         kind, count);
    }
}

/* --- messages ------------------------------------------------------------------------------------- */

struct key {
    uint64_t word[3];
    uint32_t from, to;
    uint16_t kind, copy;
    uint8_t family, zero[3];
};

static struct key key_of(const struct fl_message_row *m)
{
    struct key k;
    memset(&k, 0, sizeof k);
    memcpy(k.word, m->word, sizeof k.word);
    k.from = m->from;
    k.to = m->to;
    k.kind = m->kind;
    k.copy = m->copy;
    k.family = m->family;
    return k;
}

static int by_key(const void *a, const void *b)
{
    const struct key x = key_of(a), y = key_of(b);
    return memcmp(&x, &y, sizeof x);
}

static struct fl_message_row *sorted(const struct fl_test_run *r)
{
    const size_t bytes = r->result->message_count * sizeof(struct fl_message_row);
    struct fl_message_row *rows = malloc(bytes);
    cr_assert(rows);
    memcpy(rows, r->result->message, bytes);
    qsort(rows, r->result->message_count, sizeof *rows, by_key);
    return rows;
}

struct shared {
    uint64_t common, only_a, only_b, moved;
};

/* Keys are unique (a conformance test), so one walk along both pairs them. */
static struct shared compare(const struct fl_test_run *a, const struct fl_test_run *b)
{
    struct fl_message_row *x = sorted(a), *y = sorted(b);
    struct shared s = {0};
    uint64_t i = 0, j = 0;
    while (i < a->result->message_count && j < b->result->message_count) {
        const int order = by_key(&x[i], &y[j]);
        s.only_a += order < 0;
        s.only_b += order > 0;
        s.common += order == 0;
        s.moved += order == 0 && x[i].arrives - x[i].sent != y[j].arrives - y[j].sent;
        i += order <= 0;
        j += order >= 0;
    }
    s.only_a += a->result->message_count - i;
    s.only_b += b->result->message_count - j;
    free(x);
    free(y);
    return s;
}

/* --- clients and traders ---------------------------------------------------------------------------- */

/* First receiver of each endpoint's submissions: the replica it was given. */
static void replicas(const struct fl_test_run *r, uint32_t *replica)
{
    for (uint32_t e = 0; e < r->config->facts.endpoints; e++) replica[e] = UINT32_MAX;
    for (uint64_t i = r->result->message_count; i > 0; i--) {
        const struct fl_message_row *m = &r->result->message[i - 1];
        if (m->kind == FL_SUBMIT && m->family == FL_CHAIN) replica[m->from] = m->to;
    }
}

/* Side of each account's first fill as taker: +1, -1, or 0 if it never traded. */
static void sides(const struct fl_test_run *r, int *side)
{
    for (uint32_t id = fl_records_count(r->result->records); id > 0; id--) {
        const struct fl_record *x = fl_records_get(r->result->records, id);
        if (x->kind == FL_RECORD_FILL) side[x->v[0]] = x->v[2] > 0 ? 1 : -1;
    }
}

Test(counterfactual, removing_a_fault_moves_no_draw, .timeout = 300)
{
    const uint64_t seed = 20200312;
    printf("counterfactual: seed %" PRIu64 "\n", seed);
    struct fl_test_run a = run(true, seed), b = run(false, seed);

    cr_assert_eq(equal_records(&a, &b, FL_RECORD_TICK, 3), 43201);    /* step, -, F; one a second */
    cr_assert_geq(equal_records(&a, &b, FL_RECORD_DEPOSIT, 3), 1000); /* account, nonce, amount */

    uint32_t replica_a[64], replica_b[64];
    cr_assert_leq(a.config->facts.endpoints, 64);
    replicas(&a, replica_a);
    replicas(&b, replica_b);
    cr_assert_arr_eq(replica_a, replica_b, a.config->facts.endpoints * sizeof *replica_a);

    static int side_a[4096], side_b[4096];
    sides(&a, side_a);
    sides(&b, side_b);
    uint64_t sided = 0;
    for (uint32_t i = 0; i < a.config->facts.accounts; i++) {
        cr_assert_eq(side_a[i], side_b[i], "account %u changed sides", i);
        sided += side_a[i] != 0;
    }
    cr_assert_geq(sided, 900);

    const struct shared s = compare(&a, &b);
    printf("counterfactual: %" PRIu64 " messages common, %" PRIu64 " only with the fault, %" PRIu64
           " only without; %" PRIu64 " of the common moved; deficit %.0f and %.0f USD\n",
           s.common, s.only_a, s.only_b, s.moved, (double)fl_test_final(&a, "ledger.deficit") / 1e6,
           (double)fl_test_final(&b, "ledger.deficit") / 1e6);
    cr_assert_eq(s.moved, 0);
    cr_assert_geq(2 * s.common, a.result->message_count);
    cr_assert_geq(2 * s.common, b.result->message_count);
    cr_assert_gt(fl_test_final(&a, "ledger.deficit"), fl_test_final(&b, "ledger.deficit"));
    fl_test_run_free(&a);
    fl_test_run_free(&b);
}
