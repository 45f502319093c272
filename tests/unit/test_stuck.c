/* The stuck reporter: what it says while it is stuck, spell by spell. */
#include "models/wire.h"
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <inttypes.h>

/* The feed's price when a spell begins is what every reporter repeats until it ends: of that spell,
 * not of the one before. Well for an hour, stuck for ten minutes, by constants. */
Test(stuck, each_spell_repeats_the_price_it_began_with)
{
    const char *const overrides[] = {"duration_s=43200",
                                     "expect=[]",
                                     "faults.oracle-stuck.from_s=30000",
                                     "faults.oracle-stuck.to_s=43200",
                                     "faults.oracle-stuck.mtbf_s=3600",
                                     "faults.oracle-stuck.mttr_s=600"};
    struct fl_test_run run =
        fl_test_run_file("scenarios/eth-crash-2020-03-12.json", overrides, 6, 2385);
    int64_t price = 0, began_with = 0;
    uint32_t spells = 0, repeated = 0, moved = 0, recovered = 5;
    for (uint32_t id = 1; id <= fl_records_count(run.result->records); id++) {
        const struct fl_record *r = fl_records_get(run.result->records, id);
        if (r->kind == FL_RECORD_PRICE) price = r->v[2];
        if (r->kind == FL_RECORD_RECOVERY) recovered++;
        if (r->kind == FL_RECORD_FAULT) {
            moved += began_with != 0 && price != began_with;
            began_with = price;
            recovered = 0;
            spells++;
        }
        if (r->kind != FL_RECORD_REPORT || recovered > 0) continue;
        cr_assert_eq(r->v[2], began_with, "spell %u: reports %" PRId64 ", began with %" PRId64,
                     spells, r->v[2], began_with);
        repeated++;
    }
    cr_assert_eq(spells, 3); /* 33600, 37800, 42000 s */
    cr_assert_eq(moved, 2, "the price was the same in two spells: the test shows little");
    cr_assert_geq(repeated, 30);
    fl_test_run_free(&run);
}
