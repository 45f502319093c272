/* Scenarios of PBFT from dice, run and judged. */
#include "tests/lib/pbft_runs.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- text ------------------------------------------------------------------------------------------- */

enum { TEXT = 1 << 14, MEMBERS = 64 };
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

/* --- dice ------------------------------------------------------------------------------------------- */

static uint64_t dice_seed, throws;

static uint64_t roll(uint64_t bound)
{
    return fl_draw_below(dice_seed, FL_RNG_PLACEMENT, 0x9bf7, throws++, 0, bound);
}

static void shuffle(uint32_t *member, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) member[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        const uint32_t j = (uint32_t)roll(i), swap = member[i - 1];
        member[i - 1] = member[j];
        member[j] = swap;
    }
}

/* --- the swarm -------------------------------------------------------------------------------------- */

/* All heals before HEAL_MS, but for members that stay corrupted to the end; by END_MS the others must
 * have recovered. Timeouts are at most 60 ms: doubled by five bad primaries, 2 s. */
enum { HEAL_MS = 2500, END_MS = 7500, LAST_MS = 1000 };

static void say_members(const uint32_t *member, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) say("%s%u", i ? ", " : "\"members\": [", member[i]);
    say("]");
}

static void say_window(bool to_the_end)
{
    const uint64_t from = roll(4) == 0 ? 0 : roll(HEAL_MS - 500),
                   to = from + 20 + roll(HEAL_MS - 20 - from);
    say(", \"from_s\": %" PRIu64 ".%03" PRIu64, from / 1000, from % 1000);
    if (to_the_end)
        say(", \"to_s\": %d},\n", END_MS / 1000 + 1);
    else
        say(", \"to_s\": %" PRIu64 ".%03" PRIu64 "},\n", to / 1000, to % 1000);
}

/* The budget divided among the kinds, at random. */
static void say_corrupted(const uint32_t *member, uint32_t f)
{
    static const char *const kinds[] = {"crash", "mute", "equivocate", "pbft_liar"};
    const uint64_t first = roll(4);
    uint32_t left = f;
    for (uint32_t i = 0; i < 4 && left > 0; i++) {
        const uint32_t count = i == 3 ? left : 1 + (uint32_t)roll(left);
        say("\"%s\": {\"model\": \"%s\", \"group\": \"v\", ", kinds[(first + i) % 4],
            kinds[(first + i) % 4]);
        say_members(member, count);
        say_window(roll(2) == 0);
        member += count;
        left -= count;
    }
}

/* Others crash for a while, all at once perhaps: with stable storage that may cost time, never
 * agreement. */
static void say_storm(const uint32_t *member, uint32_t n)
{
    for (uint64_t i = roll(4); i > 0; i--) {
        say("\"storm-%" PRIu64 "\": {\"model\": \"crash\", \"group\": \"v\", ", i);
        say_members(member, 1 + (uint32_t)roll(n));
        say_window(false);
    }
}

static uint64_t one_of(const uint64_t *values, size_t count)
{
    return values[roll(count)];
}

const char *pbft_scenario(const char *model, enum pbft_kind kind, uint64_t seed)
{
    static const uint64_t sizes[] = {4, 4, 7, 10}, blocks[] = {0, 10, 20, 40},
                          timeouts[] = {15, 30, 60};
    dice_seed = seed;
    throws = 0;
    used = 0;
    const uint32_t n = kind == PBFT_LARGE ? 16 : (uint32_t)one_of(sizes, 4), f = (n - 1) / 3;
    const uint64_t every = 1 + roll(8), window = every + roll(2 * every);
    uint64_t block = one_of(blocks, 4);
    if (block == 0 && n > 4) block = 10; /* only for time's sake */
    say("{\"name\": \"pbft-%" PRIu64 "\", \"seed\": %" PRIu64 ", \"duration_s\": %d.%03d,\n"
        "\"ties\": \"%s\", \"network\": {\"delay_ms\": {\"law\": \"empirical\", \"values\": "
        "[1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3]}},\n",
        seed, seed, END_MS / 1000, END_MS % 1000, roll(2) ? "random" : "sequence");
    say("\"nodes\": {\"v\": {\"count\": %u, \"faulty_max\": %u, \"consensus\": {\"model\": \"%s\", "
        "\"block_ms\": %" PRIu64 ", \"latency_ms\": %" PRIu64 ", \"timeout_ms\": %" PRIu64
        ", \"checkpoint_every\": %" PRIu64 ", \"window\": %" PRIu64 ", ",
        n, f, model, block, block > 0 ? roll(3) : 0, one_of(timeouts, 3), every, window);
    if (kind == PBFT_FORGETFUL)
        say("\"snapshots\": true, \"snapshot_timeout_ms\": 50, \"history\": %" PRIu64,
            2 * (window > PBFT_FETCH_MAX ? window : PBFT_FETCH_MAX));
    else
        say("\"history\": %d", END_MS / 3);
    say("}, \"chain\": {\"model\": \"replica\", \"mempool_txs\": 4}}},\n");
    uint32_t member[MEMBERS];
    shuffle(member, n);
    if (kind == PBFT_LIARS ||
        roll(2) == 0) /* the first primary is among the corrupted more often than chance has it */
        for (uint32_t i = 1; i < n; i++)
            if (member[i] == 0) {
                member[i] = member[0];
                member[0] = 0;
            }
    say("\"faults\": {\n");
    if (kind == PBFT_LIARS) {
        say("\"liars\": {\"model\": \"pbft_liar\", \"group\": \"v\", ");
        say_members(member, f);
        say(", \"from_s\": 0, \"to_s\": %d},\n", END_MS / 1000 + 1);
    } else {
        say_corrupted(member, 1 + (uint32_t)roll(f));
        if (roll(2)) say_storm(member + f, n - f);
    }
    used -= 2; /* the last comma */
    say("},\n\"checks\": {\"agreement\": \"agreement\", \"equal_states\": \"equal_states\", "
        "\"validity\": \"validity\", \"finality\": \"finality\", \"certified\": \"certified\", "
        "\"lock\": \"lock\"}, \"trace\": {\"detail\": \"summary\"}}\n");
    return text;
}

static bool struck(const struct fl_test_run *run, uint32_t endpoint)
{
    for (uint32_t i = 0; i < run->result->fault_count; i++) {
        const struct fl_fault_result *const f = &run->result->fault[i];
        const bool heals = f->spec->to <= run->result->end && f->spec->model->fault->crash;
        for (uint32_t m = 0; m < f->spec->count; m++)
            if (f->member[m] == endpoint && !heals) return true;
    }
    return false;
}

/* Has every honest replica decided something in the last second, and is none far behind? */
static bool lives(const struct fl_test_run *run, uint32_t n)
{
    int64_t newest[MEMBERS] = {0}, highest = 0;
    bool late[MEMBERS] = {false};
    for (uint32_t id = 1; id <= fl_records_count(run->result->records); id++) {
        const struct fl_record *const r = fl_records_get(run->result->records, id);
        if (r->kind != FL_RECORD_DECIDED) continue;
        newest[r->endpoint] = r->v[0];
        late[r->endpoint] |= r->at > run->result->end - LAST_MS * FL_MILLISECOND;
        if (!struck(run, r->endpoint) && r->v[0] > highest) highest = r->v[0];
    }
    for (uint32_t i = 0; i < n; i++)
        if (!struck(run, i) && (!late[i] || highest - newest[i] > 100)) return false;
    return true;
}

/* By name in the registry of the twins, which the linker takes because it is asked for here. */
static void expect_model(const char *name)
{
    for (uint32_t i = 0; fl_models[i]; i++)
        if (strcmp(fl_models[i]->name, name) == 0) return;
    cr_assert_fail("no model %s", name);
}

/* Some check is. */
static bool broken(const struct fl_test_run *run)
{
    for (uint32_t i = 0; i < run->config->check_count; i++)
        if (run->result->verdict[i].kind == FL_BROKEN) return true;
    return false;
}

struct pbft_outcome pbft_run(const char *model, enum pbft_kind kind, uint64_t seed)
{
    expect_model(model);
    struct fl_test_run run = fl_test_run(pbft_scenario(model, kind, seed), NULL, 0, seed);
    struct pbft_outcome o = {
        .conflict = broken(&run),
        .stuck = !lives(&run, run.config->group[0].count),
        .changed = fl_test_final(&run, "consensus.view_changes") > 0,
        .height = fl_test_final(&run, "consensus.height"),
        .snapshots = fl_test_final(&run, "consensus.snapshots"),
        .digest = run.result->digest,
    };
    for (uint32_t i = 0; i < run.result->fault_count; i++)
        o.bites += run.result->fault[i].injected + run.result->fault[i].suppressed;
    fl_test_run_free(&run);
    return o;
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
        say_members(members, crashed);
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
