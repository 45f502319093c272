/* Runs with faults, and what they did, read off the records. */
#ifndef TESTS_FAULT_RUNS_H
#define TESTS_FAULT_RUNS_H
#include "models/wire.h"
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MS FL_MILLISECOND

/* Runs the members of a scenario's object. */
__attribute__((format(printf, 2, 3))) static inline struct fl_test_run
fault_run(uint64_t seed, const char *format, ...)
{
    enum { TEXT = 1 << 14 };
    static char text[TEXT];
    va_list args;
    const size_t used = (size_t)snprintf(text, TEXT, "{\"name\": \"faults\", ");
    va_start(args, format);
    const int n = vsnprintf(text + used, TEXT - used, format, args);
    va_end(args);
    cr_assert(n >= 0 && used + (size_t)n + 2 < TEXT);
    strcat(text, "}");
    return fl_test_run(text, NULL, 0, seed);
}

/* What a fault did, it did inside its window. Returns how often, by the records. */
static inline uint32_t fault_bites_in_window(const struct fl_test_run *r)
{
    uint32_t count = 0;
    for (uint32_t id = 1; id <= fl_records_count(r->result->records); id++) {
        const struct fl_record *const x = fl_records_get(r->result->records, id);
        if (x->kind != FL_RECORD_SUPPRESSED) continue;
        const struct fl_fault_spec *const spec = r->result->fault[x->v[0]].spec;
        cr_assert(x->at >= spec->from && x->at <= spec->to, "%s bites at %" PRId64 " ns",
                  spec->name, x->at);
        count++;
    }
    return count;
}

/* The next record of a kind after `id` (0: the first); 0 if there is none. */
static inline uint32_t fault_next_record(const struct fl_test_run *r, uint16_t kind, uint32_t id)
{
    while (++id <= fl_records_count(r->result->records))
        if (fl_records_get(r->result->records, id)->kind == kind) return id;
    return 0;
}

#endif
