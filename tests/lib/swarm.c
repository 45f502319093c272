/* Scenarios of PBFT from dice, run and judged. */
#include "tests/lib/swarm.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- text ------------------------------------------------------------------------------------------- */

enum { TEXT = 1 << 15, MEMBERS = 64 };
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

static bool likely(uint64_t percent)
{
    return roll(100) < percent;
}

static uint64_t one_of(const uint64_t *values, size_t count)
{
    return values[roll(count)];
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

/* --- windows ---------------------------------------------------------------------------------------- */

/* All heals before HEAL_MS, but for members that stay corrupted to the end. Timeouts are at most 60 ms. By
 * SETTLED_MS the others have recovered: what is handed in from then on is executed within WITHIN_MS. */
enum { HEAL_MS = 4000, SETTLED_MS = 6000, WITHIN_MS = 1000, END_MS = 7500, LAST_MS = 1000 };
enum { FAR_MS = 1000000, TIMEOUT_MS = 60 };
/* In a window of that length, if it is open all the time, every kind has occasion to bite. */
enum { LONG_MS = 300 };

static void say_seconds(const char *key, uint64_t ms)
{
    say(", \"%s\": %" PRIu64 ".%03" PRIu64, key, ms / 1000, ms % 1000);
}

static void say_window(bool to_the_end)
{
    const uint64_t from = likely(25) ? 0 : roll(HEAL_MS - 500);
    const uint64_t to = from + 20 + roll(HEAL_MS - 20 - from);
    say_seconds("from_s", from);
    say_seconds("to_s", to_the_end ? FAR_MS : to);
}

/* Struck and well by turns: each round draws again what it draws. */
static void say_spells(void)
{
    say(", \"mttr_s\": {\"law\": \"exponential\", \"mean\": 0.%03" PRIu64 "}", 10 + roll(90));
    say(", \"mtbf_s\": {\"law\": \"exponential\", \"mean\": 0.%03" PRIu64 "}", 5 + roll(60));
}

static void say_members(const uint32_t *member, uint32_t count)
{
    say(", \"group\": \"v\"");
    for (uint32_t i = 0; i < count; i++) say("%s%u", i ? ", " : ", \"members\": [", member[i]);
    say("]");
}

/* --- kinds ------------------------------------------------------------------------------------------ */

const char *const swarm_kinds[SWARM_KINDS] = {
    "crash",   "amnesia",    "slow",   "mute",  "omit",      "delay",     "withhold", "resend",
    "corrupt", "equivocate", "censor", "twins", "pbft_liar", "partition", "lie",      "stuck"};
enum kind {
    CRASH,
    AMNESIA,
    SLOW,
    MUTE,
    OMIT,
    DELAY,
    WITHHOLD,
    RESEND,
    CORRUPT,
    EQUIVOCATE,
    CENSOR,
    TWINS,
    LIAR,
    CORRUPTED, /* those before this one strike members and count against the budget */
    PARTITION = CORRUPTED,
    LIE,
    STUCK
};

static const char *boolean(bool b)
{
    return b ? "true" : "false";
}

/* Keys of the model. Who does not take up transactions to the end would be a censor: see below. */
static void say_keys(enum kind kind, bool to_the_end)
{
    if (kind == SLOW)
        say(", \"extra_ms\": {\"law\": \"exponential\", \"mean\": 0.%03" PRIu64 "}",
            20 + roll(500));
    if (kind == OMIT)
        say(", \"send\": 0.%02" PRIu64 ", \"receive\": 0.%02" PRIu64 ", \"consensus\": %s",
            10 + roll(60), roll(2) * (10 + roll(60)), boolean(to_the_end || likely(50)));
    if (kind == DELAY)
        say(", \"by_ms\": {\"law\": \"uniform\", \"min\": 1, \"max\": %" PRIu64
            "}, \"proposals\": %s",
            2 + roll(likely(50) ? 20 : 200), boolean(likely(25)));
    if (kind == WITHHOLD) say(", \"share\": %s", likely(50) ? "1" : "0.5");
    if (kind == RESEND) say(", \"every\": %" PRIu64, 1 + roll(8));
    if (kind == CORRUPT)
        say(", \"share\": 0.%02" PRIu64 ", \"receivers\": 0.%02" PRIu64
            ", \"any\": %s, \"consensus\": %s",
            5 + roll(60), 20 + roll(80), boolean(likely(30)), boolean(likely(70)));
}

static uint32_t named; /* faults so far: their names tell them apart */

static void say_fault(enum kind kind)
{
    say("%s\"%s-%u\": {\"model\": \"%s\"", named ? ",\n" : "", swarm_kinds[kind], named,
        swarm_kinds[kind]);
    named++;
}

/* --- who is corrupted ------------------------------------------------------------------------------- */

/* A memory can be lost again and again, not for ever; and PBFT without its clients' watch, which is how it
 * is built here, puts up with a primary that censors. What piled up before a slow member is not worked
 * off when it is slow no more. */
static void say_corruption(enum kind kind, const uint32_t *member, uint32_t count)
{
    const bool heals = kind == AMNESIA || kind == CENSOR;
    const bool to_the_end = kind == SLOW || (!heals && likely(60));
    say_fault(kind);
    say_members(member, count);
    say_keys(kind, to_the_end);
    say_window(to_the_end);
    if ((kind == AMNESIA && likely(50)) || (kind != TWINS && kind != SLOW && likely(15)))
        say_spells();
    say("}");
}

/* Every kind, but more often those that say what is false. */
static enum kind any_corrupt(void)
{
    static const enum kind lies[] = {CORRUPT, EQUIVOCATE, TWINS, LIAR, LIAR};
    return likely(70) ? lies[roll(sizeof lies / sizeof *lies)] : (enum kind)roll(CORRUPTED);
}

/* The coalition divided among the kinds; now and then one more kind strikes some that have another. Not a
 * liar that resends: each of them answers what the other makes of it, and the flood never ends. */
static void say_coalition(const uint32_t *member, uint32_t count)
{
    bool drawn[CORRUPTED] = {false};
    for (uint32_t left = count; left > 0;) {
        const uint32_t some = likely(50) ? 1 : 1 + (uint32_t)roll(left);
        const enum kind kind = any_corrupt();
        drawn[kind] = true;
        say_corruption(kind, member + (count - left), some);
        left -= some;
    }
    const enum kind more = any_corrupt();
    const bool floods = (more == LIAR && drawn[RESEND]) || (more == RESEND && drawn[LIAR]);
    if (likely(40) && more != TWINS && !floods)
        say_corruption(more, member, 1 + (uint32_t)roll(count));
}

/* --- who has bad luck ------------------------------------------------------------------------------- */

/* Kinds that say nothing false: beyond the budget they cost time, never agreement. */
static enum kind any_truthful(void)
{
    static const enum kind kinds[] = {CRASH, CRASH, CRASH, MUTE, OMIT, DELAY, WITHHOLD};
    return kinds[roll(sizeof kinds / sizeof *kinds)];
}

static void say_storm(const uint32_t *member, uint32_t n)
{
    const enum kind kind = any_truthful();
    say_fault(kind);
    say_members(member, 1 + (uint32_t)roll(n));
    say_keys(kind, false);
    say_window(false);
    if (likely(30)) say_spells();
    say("}");
}

/* Whoever leads is struck: with a look that comes early or late, so that it catches proposals, prepares
 * and commits on their way. */
static void say_follower(uint32_t f)
{
    const enum kind kind = any_truthful();
    say_fault(kind);
    say(", \"group\": \"v\", \"largest\": \"consensus.leads\", \"count\": %" PRIu64
        ", \"keep\": %s, \"look_ms\": %" PRIu64 ", \"latency_ms\": %" PRIu64,
        1 + roll(f), boolean(likely(25)), 1 + roll(30), roll(2) * roll(20));
    say_keys(kind, false);
    say_window(false);
    if (likely(30)) say_spells();
    say("}");
}

static void say_partition(const uint32_t *member, uint32_t n)
{
    say_fault(PARTITION);
    if (likely(70))
        say(", \"group\": \"v\", \"split\": %d", likely(80) ? 2 : 3);
    else
        say_members(member, 1 + (uint32_t)roll(n - 1));
    say(", \"oneway\": %s, \"hold\": %s", boolean(likely(20)), boolean(likely(30)));
    say_window(false);
    if (likely(70)) say_spells();
    say("}");
}

static void say_reporters(uint32_t n)
{
    const enum kind kind = likely(50) ? LIE : STUCK;
    say_fault(kind);
    say(", \"group\": \"r\", \"count\": %" PRIu64, 1 + roll(n));
    if (kind == LIE)
        say(", \"factor\": %" PRIu64 ".%02" PRIu64 ", \"together\": %s", roll(3), 1 + roll(99),
            boolean(likely(50)));
    say_window(false);
    say("}");
}

/* The attack of Bano et al. 2020: whoever has a twin is on both sides. */
static void say_divided_twins(const uint32_t *member, uint32_t count)
{
    say_fault(TWINS);
    say_members(member, count);
    say(", \"from_s\": 0, \"to_s\": %d}", FAR_MS / 1000);
    say_fault(PARTITION);
    say(", \"group\": \"v\", \"split\": 2");
    say_seconds("from_s", roll(1000));
    say_seconds("to_s", HEAL_MS);
    say(", \"mttr_s\": {\"law\": \"exponential\", \"mean\": 0.4}, \"mtbf_s\": {\"law\": "
        "\"exponential\", \"mean\": 0.2}}");
}

/* --- the scenario ----------------------------------------------------------------------------------- */

/* Times collide, or not. */
static void say_network(bool lossy, bool liars)
{
    static const char *const delays[] = {"{\"law\": \"empirical\", \"values\": [1, 1, 1, 1, 1, 1, "
                                         "1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, "
                                         "3, 3, 3, 3, 3]}",
                                         "{\"law\": \"uniform\", \"min\": 1, \"max\": 3}",
                                         "{\"law\": \"lognormal\", \"median\": 2, \"sigma\": 0.5}"};
    say("\"network\": {\"delay_ms\": %s", delays[roll(4) % 3]);
    if (!liars) {
        if (lossy) say(", \"loss\": 0.0%" PRIu64, 1 + roll(3));
        if (likely(20)) say(", \"duplicate\": 0.%02" PRIu64, 1 + roll(20));
        if (likely(20))
            say(", \"reorder\": 0.%02" PRIu64 ", \"reorder_ms\": %" PRIu64, 1 + roll(20),
                2 + roll(20));
        if (likely(20))
            say(", \"gst_s\": %d.%03d, \"delta_ms\": 10, \"before_gst_ms\": {\"law\": "
                "\"lognormal\", \"median\": 4, \"sigma\": 1}",
                HEAL_MS / 1000, HEAL_MS % 1000);
    }
    say("},\n");
}

static void say_members_of(const struct swarm *swarm, uint32_t n)
{
    static const uint64_t blocks[] = {0, 10, 20, 40}, timeouts[] = {8, 15, 15, 30, 60};
    const uint64_t every = 1 + roll(8), window = every + roll(2 * every);
    uint64_t block = one_of(blocks, 4);
    if (block == 0 && n > 4) block = 10; /* only for time's sake */
    say("\"nodes\": {\"v\": {\"count\": %u, \"faulty_max\": %u, \"consensus\": {\"model\": \"%s\", "
        "\"block_ms\": %" PRIu64 ", \"latency_ms\": %" PRIu64 ", \"timeout_ms\": %" PRIu64
        ", \"checkpoint_every\": %" PRIu64 ", \"window\": %" PRIu64 ", \"pipeline\": %" PRIu64 ", ",
        n, (n - 1) / 3, swarm->model, block, block > 0 ? roll(3) : 0, one_of(timeouts, 5), every,
        window, 1 + roll(window < 4 ? window : 4));
    if (!swarm->liars && swarm->twins == 0 && likely(25))
        say("\"snapshots\": true, \"snapshot_timeout_ms\": 50, \"history\": %" PRIu64,
            2 * (window > PBFT_FETCH_MAX ? window : PBFT_FETCH_MAX));
    else
        say("\"history\": %d", END_MS / 3);
    say("}, \"chain\": {\"model\": \"replica\", \"mempool_txs\": 1024}},\n");
}

/* A market that rises and falls, one reporter at each replica, and the feed. */
static void say_oracle(uint32_t n)
{
    say("\"m\": {\"source\": {\"model\": \"replay\", \"tick_ms\": 100, \"points_usd\": [[0, 100], "
        "[2, 140], [5, 90], [10, 120]]}, \"market\": {\"model\": \"spot\", \"depth\": 1000, "
        "\"subscribers\": [\"r\"]}},\n\"r\": {\"count\": %u, \"clients_of\": \"v\", \"oracle\": "
        "{\"model\": \"reporter\", \"contract\": \"feed\", \"deviation\": 0.001, "
        "\"heartbeat_s\": 0.2, \"lag_ms\": 1, \"resubmit_ms\": 100}}},\n",
        n);
}

static void say_faults(const struct swarm *swarm, uint32_t n)
{
    const uint32_t f = (n - 1) / 3;
    uint32_t member[MEMBERS];
    shuffle(member, n);
    if (swarm->liars || likely(50)) /* the first primary, more often than chance has it */
        for (uint32_t i = 1; i < n; i++)
            if (member[i] == 0) {
                member[i] = member[0];
                member[0] = 0;
            }
    named = 0;
    say("\"faults\": {\n");
    if (swarm->liars) {
        say_fault(LIAR);
        say_members(member, f);
        say(", \"from_s\": 0, \"to_s\": %d}", FAR_MS / 1000);
    } else if (swarm->twins > 0) {
        say_divided_twins(member, swarm->twins);
        for (uint64_t i = roll(3); i > 0; i--) say_storm(member, n);
        if (likely(50)) say_reporters(n);
    } else {
        say_coalition(member, 1 + (uint32_t)roll(f));
        for (uint64_t i = roll(3); i > 0; i--) say_storm(member + f, n - f);
        if (likely(60)) say_follower(f);
        if (likely(50)) say_partition(member, n);
        if (likely(30)) say_reporters(n);
    }
    say("},\n");
}

const char *swarm_scenario(const struct swarm *swarm, uint64_t seed)
{
    static const uint64_t sizes[] = {4, 4, 7, 10};
    dice_seed = seed;
    throws = 0;
    used = 0;
    const uint32_t n = swarm->n ? swarm->n : (uint32_t)one_of(sizes, 4);
    const bool lossy = !swarm->liars && likely(10);
    say("{\"name\": \"swarm-%" PRIu64 "\", \"seed\": %" PRIu64 ", \"duration_s\": %d.%03d,\n"
        "\"ties\": \"%s\", ",
        seed, seed, END_MS / 1000, END_MS % 1000, likely(50) ? "random" : "sequence");
    say_network(lossy, swarm->liars);
    say("\"contracts\": {\"feed\": {\"model\": \"feed\", \"reporters\": [\"r\"], \"quorum\": "
        "1}},\n");
    say_members_of(swarm, n);
    say_oracle(n);
    say_faults(swarm, n);
    say("\"checks\": {\"agreement\": \"agreement\", \"equal_states\": \"equal_states\", "
        "\"validity\": \"validity\", \"finality\": \"finality\", \"certified\": \"certified\", "
        "\"lock\": \"lock\"");
    if (!lossy && swarm->twins == 0)
        say(",\n\"liveness\": {\"model\": \"liveness\", \"group\": \"v\", \"healed_s\": %d.%03d, "
            "\"within_ms\": %d}",
            SETTLED_MS / 1000, SETTLED_MS % 1000, WITHIN_MS);
    say("}, \"trace\": {\"detail\": \"summary\"}}\n");
    return text;
}

/* --- judging ---------------------------------------------------------------------------------------- */

static bool says_false(const struct fl_fault_model *fault)
{
    return fault->forgets || !(fault->crash || fault->truthful || fault->carries);
}

/* Is it not to be counted on after all has healed? */
static bool struck(const struct fl_test_run *run, uint32_t endpoint)
{
    for (uint32_t i = 0; i < run->result->fault_count; i++) {
        const struct fl_fault_result *const f = &run->result->fault[i];
        const bool heals = f->spec->to <= HEAL_MS * FL_MILLISECOND;
        for (uint32_t m = 0; m < f->count; m++)
            if (f->member[m] == endpoint && (!heals || says_false(f->spec->model->fault)))
                return true;
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
        if (r->kind != FL_RECORD_DECIDED || r->endpoint >= n) continue;
        newest[r->endpoint] = r->v[0];
        late[r->endpoint] |= r->at > run->result->end - LAST_MS * FL_MILLISECOND;
        if (!struck(run, r->endpoint) && r->v[0] > highest) highest = r->v[0];
    }
    for (uint32_t i = 0; i < n; i++)
        if (!struck(run, i) && (!late[i] || highest - newest[i] > 100)) return false;
    return true;
}

/* Links that lose to the end never heal: only safety is claimed. */
static bool loses(const struct fl_test_run *run)
{
    const struct fl_link *const link = run->config->network.link;
    return link && link->loss_ppm > 0;
}

static uint32_t kind_of(const struct fl_model *model)
{
    for (uint32_t k = 0; k < SWARM_KINDS; k++)
        if (strcmp(swarm_kinds[k], model->name) == 0) return k;
    cr_assert_fail("no kind %s", model->name);
    return 0;
}

static void count_bites(const struct fl_test_run *run, struct swarm_outcome *o)
{
    for (uint32_t i = 0; i < run->result->fault_count; i++) {
        const struct fl_fault_result *const f = &run->result->fault[i];
        struct swarm_bites *const b = &o->kind[kind_of(f->spec->model)];
        const uint64_t bites = f->injected + f->suppressed;
        const bool opens = f->spec->to - f->spec->from >= LONG_MS * FL_MILLISECOND &&
                           f->spec->well.kind == 0 && f->record != FL_NO_RECORD;
        b->faults++;
        b->bites += bites;
        b->opened += opens;
        b->bitten += opens && bites > 0;
    }
}

/* `pbft_twins` is asked for here, and the registry that comes with it is the one that is linked. */
static void expect_model(const char *name)
{
    cr_assert_not_null(pbft_twins[0].model);
    cr_assert_not_null(fl_model_find(FL_CONSENSUS, name), "no model %s", name);
}

/* What came of a run, but for its faults. */
static struct swarm_outcome judge(const struct fl_test_run *run)
{
    struct swarm_outcome o = {
        .stuck = !loses(run) && !lives(run, run->config->group[0].count),
        .changed = fl_test_final(run, "consensus.view_changes") > 0,
        .height = fl_test_final(run, "consensus.height"),
        .snapshots = fl_test_final(run, "consensus.snapshots"),
        .digest = run->result->digest,
    };
    for (uint32_t i = 0; i < run->config->check_count; i++) {
        if (run->result->verdict[i].kind != FL_BROKEN) continue;
        const char *const name = run->config->check[i].name;
        if (strcmp(name, "liveness") == 0)
            o.stuck = true;
        else
            o.conflict = true;
        if (o.broken[0] == '\0') snprintf(o.broken, sizeof o.broken, "%s", name);
    }
    return o;
}

struct swarm_outcome swarm_run(const struct swarm *swarm, uint64_t seed)
{
    expect_model(swarm->model);
    struct fl_test_run run = fl_test_run(swarm_scenario(swarm, seed), NULL, 0, seed);
    struct swarm_outcome o = judge(&run);
    count_bites(&run, &o);
    fl_test_run_free(&run);
    return o;
}

/* A timer that runs when all heals has run, doubled, for no longer than all before it together: it is at
 * most HEAL_MS and the first timeout. Each further primary in a row that is corrupted doubles it once
 * more (Castro and Liskov 1999, 4.5.2), and there are f. */
struct swarm_outcome swarm_run_patiently(const struct swarm *swarm, uint64_t seed)
{
    struct fl_test_run run = fl_test_run(swarm_scenario(swarm, seed), NULL, 0, seed);
    const uint32_t f = run.config->group[0].faulty_max;
    fl_test_run_free(&run);
    const uint64_t settled = (uint64_t)(HEAL_MS + TIMEOUT_MS) * ((2u << f) - 1) + SETTLED_MS;
    char duration[64], healed[64];
    snprintf(healed, sizeof healed, "checks.liveness.healed_s=%" PRIu64 ".%03" PRIu64,
             settled / 1000, settled % 1000);
    const uint64_t end = settled + END_MS - SETTLED_MS;
    snprintf(duration, sizeof duration, "duration_s=%" PRIu64 ".%03" PRIu64, end / 1000,
             end % 1000);
    const char *const overrides[] = {duration, healed};
    run = fl_test_run(swarm_scenario(swarm, seed), overrides, 2, seed);
    const struct swarm_outcome o = judge(&run);
    fl_test_run_free(&run);
    return o;
}

/* --- many runs -------------------------------------------------------------------------------------- */

void swarm_count(struct swarm_tally *t, const struct swarm_outcome *o, uint64_t seed)
{
    const bool caught = o->conflict || o->stuck;
    if (caught && t->caught == 0) t->first_caught = seed;
    t->runs++;
    t->conflicts += o->conflict;
    t->stuck += o->stuck;
    t->caught += caught;
    t->changed += o->changed;
    t->snapshots += o->snapshots;
    for (uint32_t k = 0; k < SWARM_KINDS; k++) {
        t->present[k] += o->kind[k].faults > 0;
        t->kind[k].faults += o->kind[k].faults;
        t->kind[k].opened += o->kind[k].opened;
        t->kind[k].bitten += o->kind[k].bitten;
        t->kind[k].bites += o->kind[k].bites;
    }
}

void swarm_print(const struct swarm_tally *t)
{
    printf("%u runs: view changes in %u, %" PRId64 " states taken over, %u took longer\n", t->runs,
           t->changed, t->snapshots, t->patient);
    printf("%-12s %6s %7s %14s %9s %12s\n", "kind", "runs", "faults", "300 ms or more", "of these",
           "injected and");
    printf("%-12s %6s %7s %14s %9s %12s\n", "", "", "", "", "bit", "suppressed");
    for (uint32_t k = 0; k < SWARM_KINDS; k++) {
        const struct swarm_bites *const b = &t->kind[k];
        printf("%-12s %6u %7" PRIu64 " %14" PRIu64 " %7.1f %% %12" PRIu64 "\n", swarm_kinds[k],
               t->present[k], b->faults, b->opened,
               b->opened ? 100.0 * (double)b->bitten / (double)b->opened : 0.0, b->bites);
    }
}
