/* Runs of PBFT without dice. */
#include "tests/lib/pbft_runs.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* --- text ------------------------------------------------------------------------------------------- */

enum { TEXT = 1 << 14 };
static char text[TEXT];
static size_t used;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(text + used, TEXT - used, format, args);
    va_end(args);
    cr_assert(n >= 0 && (size_t)n < TEXT - used, "the scenario outgrows its text");
    used += (size_t)n;
}

/* --- plain runs ----------------------------------------------------------------------------------------- */

struct fl_test_run pbft_run_plain(const struct pbft_plain *p, uint64_t seed)
{
    used = 0;
    say("{\"name\": \"pbft\", \"seed\": %" PRIu64
        ", \"duration_s\": %s, \"network\": {\"delay_ms\": "
        "%s}, \"nodes\": {\"v\": {\"count\": %u, \"faulty_max\": %u, \"consensus\": {\"model\": "
        "\"pbft\"%s%s}, \"chain\": {\"model\": \"replica\", \"mempool_txs\": 4}}}, \"faults\": "
        "{%s}, "
        "\"checks\": {\"agreement\": \"agreement\"}, \"trace\": {\"detail\": \"messages\"}}",
        seed, p->seconds, p->delay, p->n, p->f, p->consensus[0] ? ", " : "", p->consensus,
        p->faults);
    return fl_test_run(text, NULL, 0, seed);
}

fl_time pbft_decided_after(const struct fl_test_run *run, int64_t height, uint32_t k)
{
    fl_time proposed = -1;
    for (uint32_t id = 1; id <= fl_records_count(run->result->records); id++) {
        const struct fl_record *const r = fl_records_get(run->result->records, id);
        if (r->v[0] != height) continue;
        if (r->kind == FL_RECORD_BLOCK && proposed < 0) proposed = r->at;
        if (r->kind == FL_RECORD_DECIDED && --k == 0) return r->at - proposed;
    }
    return -1;
}

uint32_t pbft_messages(const struct fl_test_run *run, enum fl_pbft_message kind)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < run->result->message_count; i++)
        count += run->result->message[i].family == FL_CONSENSUS &&
                 run->result->message[i].kind == (uint16_t)kind;
    return count;
}

const double pbft_theory_ms[6] = {793.7, 811.4, 833.6, 863.6, 909.7, 1010.3};

struct pbft_latency pbft_random_delay(uint32_t crashed, uint64_t seed)
{
    used = 0;
    say("{\"name\": \"pbft\", \"seed\": %" PRIu64
        ", \"duration_s\": 19, \"network\": {\"delay_ms\": "
        "{\"law\": \"normal\", \"mean\": 250, \"sd\": 50, \"at_least\": 0}}, \"nodes\": {\"v\": "
        "{\"count\": 16, \"faulty_max\": 5, \"consensus\": {\"model\": \"pbft\", \"block_ms\": "
        "10000, "
        "\"timeout_ms\": 60000, \"checkpoint_every\": 2, \"window\": 2, \"history\": 32}, "
        "\"chain\": "
        "{\"model\": \"replica\", \"mempool_txs\": 4}}}, \"trace\": {\"detail\": \"summary\"}",
        seed);
    uint32_t members[5];
    for (uint32_t i = 0; i < crashed; i++) members[i] = i + 1;
    if (crashed > 0) {
        say(", \"faults\": {\"c\": {\"model\": \"crash\", \"group\": \"v\", ");
        for (uint32_t i = 0; i < crashed; i++) say("%s%u", i ? ", " : "\"members\": [", members[i]);
        say("]");
        say(", \"from_s\": 0, \"to_s\": 19}}");
    }
    say("}");
    struct fl_test_run run = fl_test_run(text, NULL, 0, seed);
    const uint32_t alive = 16 - crashed;
    struct pbft_latency l = {
        .eleventh = (double)pbft_decided_after(&run, 1, 11) / 1e6,
        .last = (double)pbft_decided_after(&run, 1, alive) / 1e6,
    };
    for (uint32_t k = 1; k <= alive; k++)
        l.mean += (double)pbft_decided_after(&run, 1, k) / 1e6 / alive;
    fl_test_run_free(&run);
    return l;
}
