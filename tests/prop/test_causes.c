/* From a unit of bad debt back to the fault: the flagship's chains of causes, walked by hand. */
#include "models/wire.h"
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <inttypes.h>

static const char *const first_half_day[] = {"duration_s=43200", "expect=[]"};

/* Parents come before their children, so a chain is finite. */
static bool reaches(const struct fl_records *r, uint32_t id, uint16_t kind, uint32_t *links)
{
    for (*links = 0; id != FL_NO_RECORD; (*links)++) {
        const struct fl_record *x = fl_records_get(r, id);
        if (x->kind == kind) return true;
        cr_assert_lt(x->parent, id);
        id = x->parent;
    }
    return false;
}

struct share {
    int64_t dollars, from_fault; /* of deficits, 10^-6 USD */
    uint32_t longest;
};

static struct share share_of(const struct fl_test_run *run)
{
    const struct fl_records *r = run->result->records;
    struct share s = {0};
    for (uint32_t id = 1; id <= fl_records_count(r); id++) {
        const struct fl_record *x = fl_records_get(r, id);
        uint32_t links;
        if (x->kind != FL_RECORD_DEFICIT) continue;
        const int64_t deficit = x->v[2] + x->v[3] + x->v[4] + x->v[5];
        s.dollars += deficit;
        const uint16_t before = fl_records_get(r, x->parent)->kind;
        cr_assert(before == FL_RECORD_LIQUIDATION || before == FL_RECORD_DELEVERAGED);
        if (!reaches(r, id, FL_RECORD_FAULT, &links)) continue;
        s.from_fault += deficit;
        s.longest = links > s.longest ? links : s.longest;
    }
    return s;
}

/* Deficits before the price's next own move could have done it alone: within an hour of the window
 * nearly every dollar leads back to the fault, through recovery, report, price and keeper. */
static void expect_blamed(const char *path, uint64_t seed)
{
    struct fl_test_run run = fl_test_run_file(path, first_half_day, 2, seed);
    const struct share s = share_of(&run);
    printf("%s, seed %" PRIu64
           ": %.0f of %.0f USD of deficits lead to the fault, at most %u links\n",
           path, seed, (double)s.from_fault / 1e6, (double)s.dollars / 1e6, s.longest);
    cr_assert_eq(s.dollars, fl_test_final(&run, "ledger.deficit"));
    cr_assert_gt(s.dollars, 0);
    cr_assert_geq(10 * s.from_fault, 9 * s.dollars);
    cr_assert_leq(s.longest, 16, "a chain tells a story, not the clock's history");
    fl_test_run_free(&run);
}

Test(causes, deficits_lead_back_to_the_fault, .timeout = 300)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        expect_blamed("scenarios/eth-crash-2020-03-12.json", seed);
        expect_blamed("scenarios/eth-crash-2020-03-12-sequencer-down.json", seed);
    }
}

/* The check can fail: with the fault over an hour before the deficits, nothing leads to it. A crashed
 * keeper of no account at night is not to blame for the morning. */
Test(causes, an_unrelated_fault_is_not_blamed, .timeout = 300)
{
    const char *const overrides[] = {
        "duration_s=43200", "expect=[]", "faults.sequencer-down.enabled=true",
        "faults.sequencer-down.from_s=3600", "faults.sequencer-down.to_s=3660"};
    struct fl_test_run run =
        fl_test_run_file("scenarios/eth-crash-2020-03-12.json", overrides, 5, 1);
    const struct fl_records *r = run.result->records;
    uint64_t deficits = 0;
    for (uint32_t id = 1; id <= fl_records_count(r); id++) {
        if (fl_records_get(r, id)->kind != FL_RECORD_DEFICIT) continue;
        deficits++;
        for (uint32_t at = id; at != FL_NO_RECORD; at = fl_records_get(r, at)->parent)
            if (fl_records_get(r, at)->kind == FL_RECORD_FAULT)
                cr_assert_str_eq(run.config->fault[fl_records_get(r, at)->v[0]].name,
                                 "oracle-stuck");
    }
    cr_assert_gt(deficits, 0);
    fl_test_run_free(&run);
}
