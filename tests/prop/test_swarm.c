/* Swarm: 1,000 random scenarios, their parameters and the placement of faults drawn, times made to
 * collide. After every batch an observer recounts all money and all positions from the accounts up, and
 * every second it looks at each account for what solvency says of those it picked; every scenario is run
 * twice and must replay. */
#include "models/wire.h"
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* --- the recount: a check of the test's own ------------------------------------------------------- */

struct recount_params {
    uint32_t exchange, fundamental;
    uint32_t due, due_accounts, latent; /* what solvency says */
};
struct recount {
    int64_t batches, wrong, below;
    int64_t in, out;                            /* from records of deposits and withdrawals */
    int64_t paid, adl, socialised, outstanding; /* from records of deficits */
};

static void ask(const struct fl_watch *watch, uint16_t kind, int64_t arg, void *out, size_t bytes)
{
    const struct recount_params *p = watch->params;
    const struct fl_query q = {.contract = (uint16_t)p->exchange, .kind = kind, .arg = {arg}};
    FL_ASSERT(fl_read(&watch->view, &q, out, bytes) == FL_READ_OK);
}

static struct fl_totals totals_of(const struct fl_watch *watch)
{
    struct fl_totals t;
    ask(watch, FL_ASK_TOTALS, 0, &t, sizeof t);
    return t;
}

static void recount_init(const struct fl_watch *watch, void *state)
{
    ((struct recount *)state)->in = totals_of(watch).deposits; /* the fund's first money */
}

static void recount_record(const struct fl_watch *watch, void *state, uint32_t id,
                           const struct fl_record *r)
{
    struct recount *s = state;
    (void)watch;
    (void)id;
    if (r->kind == FL_RECORD_DEPOSIT) s->in += r->v[2];
    if (r->kind == FL_RECORD_WITHDRAWAL) s->out += r->v[2];
    if (r->kind != FL_RECORD_DEFICIT) return;
    s->paid += r->v[2];
    s->adl += r->v[3];
    s->socialised += r->v[4];
    s->outstanding += r->v[5];
}

static void expect_equal(struct recount *s, int64_t a, int64_t b)
{
    s->wrong += a != b;
}

static void recount_executed(const struct fl_watch *watch, void *state,
                             const struct fl_change *changes, uint32_t count)
{
    struct recount *s = state;
    const struct fl_totals t = totals_of(watch);
    int64_t money = 0, longs = 0, size[FL_EXCHANGE_MARKETS_MAX] = {0};
    (void)changes;
    (void)count;
    for (uint32_t a = 0; a < watch->facts->accounts; a++) {
        struct fl_account row;
        struct fl_positions held;
        ask(watch, FL_ASK_ACCOUNT, a, &row, sizeof row);
        ask(watch, FL_ASK_POSITIONS, a, &held, sizeof held);
        money += row.quote + row.unsettled;
        s->wrong += held.count != row.positions;
        for (uint32_t i = 0; i < held.count; i++) {
            size[held.at[i].market] += held.at[i].size;
            longs += held.at[i].size > 0 ? held.at[i].size : 0;
        }
    }
    s->batches++;
    expect_equal(s, money + t.fund + t.fees + t.funding, s->in - s->out);
    expect_equal(s, t.deposits, s->in);
    expect_equal(s, t.withdrawals, s->out);
    for (uint32_t m = 0; m < FL_EXCHANGE_MARKETS_MAX; m++) expect_equal(s, size[m], 0);
    expect_equal(s, longs, t.open_interest);
    expect_equal(s, t.deficit, s->paid + s->adl + s->socialised + s->outstanding);
    expect_equal(s, t.fund_paid, s->paid);
    expect_equal(s, t.adl, s->adl);
    expect_equal(s, t.socialised, s->socialised);
    expect_equal(s, t.outstanding, s->outstanding);
    s->wrong += t.fund < 0 || t.fees < 0;
}

/* ceil(a * ppm / 10^6), for a >= 0. */
static int64_t part_up(int64_t a, int64_t ppm)
{
    const fl_i128 product = (fl_i128)a * ppm;
    return (int64_t)(product / 1000000 + (product % 1000000 != 0));
}

/* After solvency has looked, at the same second: what is below maintenance at the fundamental price,
 * by the definition (DESIGN 6), account by account. */
static void recount_tick(const struct fl_watch *watch, void *state)
{
    struct recount *s = state;
    const struct recount_params *p = watch->params;
    const int64_t price = fl_watch_observe(watch, p->fundamental);
    struct fl_market_terms terms;
    int64_t due = 0, accounts = 0, latent = 0;
    if (price <= 0) return;
    ask(watch, FL_ASK_MARKET, 0, &terms, sizeof terms);
    for (uint32_t a = 0; a < watch->facts->accounts; a++) {
        struct fl_account row;
        struct fl_positions held;
        ask(watch, FL_ASK_ACCOUNT, a, &row, sizeof row);
        ask(watch, FL_ASK_POSITIONS, a, &held, sizeof held);
        const int64_t size = held.count == 0 ? 0 : held.at[0].size;
        const int64_t n = (int64_t)((fl_i128)fl_abs(size) * price / 1000000);
        const int64_t equity = size < 0 ? row.quote - n : row.quote + n;
        const int64_t needed =
            part_up(part_up(n, terms.unscaled_ppm), terms.maintenance_fraction_ppm);
        if (size == 0 || equity >= needed) continue;
        latent -= fl_min(equity, 0);
        due += row.maker ? 0 : n;
        accounts += !row.maker;
    }
    s->below += accounts;
    expect_equal(s, fl_watch_observe(watch, p->due), due);
    expect_equal(s, fl_watch_observe(watch, p->due_accounts), accounts);
    expect_equal(s, fl_watch_observe(watch, p->latent), latent);
}

static fl_time recount_period(const void *params)
{
    (void)params;
    return FL_SECOND;
}

static size_t recount_bytes(const void *params, const struct fl_facts *facts)
{
    (void)params;
    (void)facts;
    return sizeof(struct recount);
}

static struct fl_verdict recount_verdict(const void *params, const void *state)
{
    const struct recount *s = state;
    (void)params;
    return (struct fl_verdict){.kind = s->wrong ? FL_BROKEN : FL_HOLDS,
                               .what = "{0} identities broken in {1} batches",
                               .value = {s->wrong, s->batches},
                               .unit = {FL_COUNT, FL_COUNT}};
}

static void recount_observe(const void *params, const void *state, int64_t *out)
{
    (void)params;
    out[0] = ((const struct recount *)state)->wrong;
    out[1] = ((const struct recount *)state)->batches;
    out[2] = ((const struct recount *)state)->below;
}

#define RECOUNT_OF(KEY, FIELD, NAME)                                                              \
    {                                                                                             \
        .key = KEY, .type = FL_OBSERVABLE_NAME, .offset = offsetof(struct recount_params, FIELD), \
        .fallback = NAME, .doc = "observable"                                                     \
    }
static const struct fl_param recount_rows[] = {
    {.key = "exchange",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct recount_params, exchange),
     .doc = "contract to recount"},
    RECOUNT_OF("fundamental", fundamental, "\"market.fundamental\""),
    RECOUNT_OF("due", due, "\"ledger.due\""),
    RECOUNT_OF("due_accounts", due_accounts, "\"ledger.due_accounts\""),
    RECOUNT_OF("latent", latent, "\"ledger.latent_bad_debt\""),
    {.key = NULL}};
static const struct fl_observable recount_observables[] = {
    {"recount.wrong", "identities broken", FL_COUNT, FL_SUM},
    {"recount.batches", "batches recounted", FL_COUNT, FL_SUM},
    {"recount.below", "accounts below maintenance, over all seconds", FL_COUNT, FL_SUM},
    {.name = NULL}};
static const struct fl_check_model recount_watch = {.state_bytes = recount_bytes,
                                                    .period = recount_period,
                                                    .init = recount_init,
                                                    .tick = recount_tick,
                                                    .record = recount_record,
                                                    .executed = recount_executed,
                                                    .verdict = recount_verdict,
                                                    .observe = recount_observe};
static const struct fl_model recount_model = {.name = "recount",
                                              .family = FL_CHECK,
                                              .doc = "full recount after every batch",
                                              .params = recount_rows,
                                              .params_bytes = sizeof(struct recount_params),
                                              .observables = recount_observables,
                                              .watch = &recount_watch};

/* The real registry, and the recount. */
#define FL_MODEL(id) extern const struct fl_model fl_model_##id;
#include "models/registry.def"
#undef FL_MODEL
const struct fl_model *const fl_models[] = {
#define FL_MODEL(id) &fl_model_##id,
#include "models/registry.def"
#undef FL_MODEL
    &recount_model, NULL};

/* --- random scenarios --------------------------------------------------------------------------------- */

struct dice {
    uint64_t seed, throws;
};

static uint64_t roll(struct dice *d, uint64_t bound)
{
    return fl_draw_below(d->seed, FL_RNG_PLACEMENT, 0x5a7a, d->throws++, 0, bound);
}

static bool likely(struct dice *d, uint64_t percent)
{
    return roll(d, 100) < percent;
}

enum { TEXT = 1 << 14 };
struct text {
    char at[TEXT];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(t->at + t->used, TEXT - t->used, format, args);
    va_end(args);
    cr_assert(n >= 0 && (size_t)n < TEXT - t->used, "the scenario outgrows its text");
    t->used += (size_t)n;
}

/* Whole milliseconds from a few values, so that arrivals, timers and slots coincide; now and then a
 * law. */
static void say_delay(struct text *t, struct dice *d)
{
    if (likely(d, 70))
        say(t, "%" PRIu64, 1 + roll(d, 3));
    else
        say(t, "{\"law\": \"lognormal\", \"median\": %" PRIu64 ", \"sigma\": 0.5}",
            1 + roll(d, 200));
}

/* A walk with jumps: every minute up or down a little, sometimes a lot. */
static void say_path(struct text *t, struct dice *d, uint64_t minutes)
{
    uint64_t cents = 10000 + roll(d, 20000);
    const bool falling = likely(d, 60);
    for (uint64_t m = 0; m <= minutes; m++) {
        say(t, "%s[%" PRIu64 ", %" PRIu64 ".%02" PRIu64 "]", m ? ", " : "", 60 * m, cents / 100,
            cents % 100);
        const uint64_t move = likely(d, 30) ? roll(d, 35) : roll(d, 3);
        if (likely(d, falling ? 65 : 50))
            cents -= cents * move / 100;
        else
            cents += cents * move / 100;
        if (cents < 100) cents = 100;
    }
}

static void say_fault(struct text *t, struct dice *d, uint64_t seconds, const char *name,
                      const char *model, const char *group, uint64_t size)
{
    const uint64_t from = roll(d, seconds), to = from + 1 + roll(d, seconds);
    say(t,
        "\"%s\": {\"model\": \"%s\", \"group\": \"%s\", \"count\": %" PRIu64
        ", \"from_s\": %" PRIu64 ", \"to_s\": %" PRIu64 ", \"enabled\": %s},\n",
        name, model, group, 1 + roll(d, size), from, to, likely(d, 40) ? "true" : "false");
}

/* Every way to deal with a bankrupt account; liquidation in parts or whole, by keepers alone or by the
 * exchange as well; funding every half minute or never. */
static void say_exchange(struct text *t, struct dice *d)
{
    static const char *const policies[] = {"pseudo_random", "ranked", "pro_rata", "keeper_chosen",
                                           "nobody"};
    say(t,
        "\"exchange\": {\"model\": \"perpetual\", \"liquidity\": [\"liquidity\"], \"markets\": "
        "{\"eth\": {\"oracle\": \"feed\", \"initial_margin\": 0.%03" PRIu64
        ", \"maintenance_fraction\": 0.%03" PRIu64 "}}, ",
        20 + roll(d, 180), 50 + roll(d, 950));
    say(t,
        "\"trading_fee\": 0.000%" PRIu64 ", \"liquidation_fee\": 0.0%" PRIu64
        ", \"liquidator_share\": 0.%" PRIu64 ", \"insurance_fund\": %" PRIu64
        ", \"quote_max_age_s\": %" PRIu64 ", ",
        roll(d, 10), roll(d, 10), roll(d, 10), likely(d, 50) ? 0 : roll(d, 100000),
        10 + roll(d, 100));
    say(t,
        "\"deleveraging\": \"%s\", \"deleveragings_per_block\": %" PRIu64
        ", \"liquidation_portion\": %s, \"min_liquidation_usd\": %" PRIu64
        ", \"liquidations_per_block\": %" PRIu64 ", \"funding_tick_s\": %d, "
        "\"funding_sample_s\": 5}},\n",
        policies[roll(d, 5)], 1 + roll(d, 40), likely(d, 50) ? "1" : "0.25", roll(d, 5000),
        likely(d, 50) ? 0 : roll(d, 20), likely(d, 70) ? 30 : 0);
}

static void say_scenario(struct text *t, uint64_t seed)
{
    struct dice d = {.seed = seed};
    const uint64_t minutes = 4 + roll(&d, 12), seconds = 60 * minutes;
    const uint64_t validators = 1 + roll(&d, 4), reporters = 1 + roll(&d, 5);
    const uint64_t blocks[] = {500, 1000, 2000, 3000, 12000};
    t->used = 0;
    say(t, "{\"name\": \"swarm-%" PRIu64 "\", \"duration_s\": %" PRIu64 ", \"ties\": \"%s\",\n",
        seed, seconds, likely(&d, 50) ? "random" : "sequence");
    say(t, "\"network\": {\"delay_ms\": ");
    say_delay(t, &d);
    say(t, ", \"sign_us\": %" PRIu64 ", \"verify_us\": %" PRIu64 "},\n", roll(&d, 2) * 1000,
        roll(&d, 2) * 1000);
    say(t,
        "\"contracts\": {\"feed\": {\"model\": \"feed\", \"reporters\": [\"reporter\"], "
        "\"quorum\": %" PRIu64 ", \"max_age_s\": %" PRIu64 "},\n",
        1 + roll(&d, reporters), 20 + roll(&d, 2000));
    say_exchange(t, &d);
    say(t,
        "\"nodes\": {\"market\": {\"source\": {\"model\": \"replay\", \"tick_ms\": %" PRIu64
        ", \"volatility\": 0.000%" PRIu64 ", \"points_usd\": [",
        500 * (1 + roll(&d, 4)), roll(&d, 10));
    say_path(t, &d, minutes);
    say(t,
        "]}, \"market\": {\"model\": \"spot\", \"subscribers\": [\"reporter\", \"liquidity\", "
        "\"trader\"], "
        "\"depth\": %" PRIu64 ", \"impact_half_life_s\": %" PRIu64 "}},\n",
        100 + roll(&d, 100000), 10 + roll(&d, 600));
    say(t,
        "\"validator\": {\"count\": %" PRIu64
        ", \"consensus\": {\"model\": \"ordered\", \"block_ms\": %" PRIu64
        ", \"latency_ms\": %" PRIu64
        "}, \"chain\": {\"model\": \"replica\", \"block_txs\": %" PRIu64
        ", \"mempool_txs\": %" PRIu64 "}},\n",
        validators, blocks[roll(&d, 5)], roll(&d, 3), 1 + roll(&d, 60), 16 + roll(&d, 500));
    say(t,
        "\"reporter\": {\"count\": %" PRIu64
        ", \"clients_of\": \"validator\", \"oracle\": {\"model\": "
        "\"reporter\", \"contract\": \"feed\", \"deviation\": 0.00%" PRIu64
        ", \"heartbeat_s\": %" PRIu64 ", \"noise\": 0.000%" PRIu64 ", \"lag_ms\": ",
        reporters, 1 + roll(&d, 9), 10 + roll(&d, 600), roll(&d, 10));
    say_delay(t, &d);
    say(t,
        "}},\n\"liquidity\": {\"clients_of\": \"validator\", \"agent\": {\"model\": \"liquidity\", "
        "\"exchange\": \"exchange\", \"venue\": \"market\", \"deposit_usd\": %" PRIu64
        ", \"depth\": %" PRIu64 ", \"refresh_s\": %" PRIu64 ", \"hedge_threshold\": %" PRIu64
        "}},\n",
        100000 + roll(&d, 100000000), 10 + roll(&d, 100000), 5 + roll(&d, 40), 1 + roll(&d, 100));
    say(t,
        "\"keeper\": {\"count\": %" PRIu64
        ", \"clients_of\": \"validator\", \"agent\": {\"model\": \"keeper\", "
        "\"exchange\": \"exchange\", \"max_per_block\": %" PRIu64 ", \"latency_ms\": ",
        1 + roll(&d, 2), 1 + roll(&d, 64));
    say_delay(t, &d);
    say(t,
        "}},\n\"trader\": {\"accounts\": %" PRIu64
        ", \"clients_of\": \"validator\", \"agent\": {\"model\": "
        "\"population\", \"exchange\": \"exchange\", \"leverage\": {\"law\": \"lognormal\", "
        "\"median\": %" PRIu64 ", \"sigma\": 0.6, \"at_least\": 1, \"at_most\": 50}, "
        "\"collateral_usd\": {\"law\": \"lognormal\", "
        "\"median\": %" PRIu64 ", \"sigma\": 1.0}, \"long_share\": 0.%" PRIu64
        ", \"open_from_s\": 5, "
        "\"open_to_s\": %" PRIu64 ", \"watchful\": 0.%" PRIu64 "}}},\n",
        3 + roll(&d, 50), 2 + roll(&d, 20), 10 + roll(&d, 20000), roll(&d, 10),
        6 + roll(&d, seconds), roll(&d, 10));
    say(t, "\"faults\": {\n");
    say_fault(t, &d, seconds, "a", "stuck", "reporter", reporters);
    say_fault(t, &d, seconds, "b", "crash", "validator", validators);
    say_fault(t, &d, seconds, "c", "crash", "reporter", reporters);
    say_fault(t, &d, seconds, "d", "mute", "reporter", reporters);
    say_fault(t, &d, seconds, "e", "crash", "keeper", 1);
    say_fault(t, &d, seconds, "f", "mute", "liquidity", 1);
    say_fault(t, &d, seconds, "g", "crash", "market", 1);
    t->used -= 2; /* the last comma */
    say(t,
        "},\n\"checks\": {\"conservation\": {\"model\": \"conservation\", \"exchange\": "
        "\"exchange\", "
        "\"full_every\": %" PRIu64 "}, \"agreement\": \"agreement\", \"equal_states\": "
        "\"equal_states\", \"validity\": \"validity\", \"finality\": \"finality\", \"solvency\": "
        "{\"model\": "
        "\"solvency\", \"exchange\": \"exchange\"}, \"recount\": {\"model\": \"recount\", "
        "\"exchange\": \"exchange\"}},\n"
        "\"trace\": {\"detail\": \"summary\", \"sample_s\": %" PRIu64 "}}\n",
        1 + roll(&d, 100), 10 + roll(&d, 50));
}

/* --- the test -------------------------------------------------------------------------------------------- */

static void expect_holds(const struct fl_test_run *run, uint64_t seed)
{
    for (uint32_t i = 0; i < run->config->check_count; i++) {
        if (strcmp(run->config->check[i].name, "solvency") == 0)
            continue; /* bad debt is a result */
        cr_assert_eq(run->result->verdict[i].kind, FL_HOLDS,
                     "seed %" PRIu64 ": %s is broken: value %" PRId64 " of %" PRId64, seed,
                     run->config->check[i].name, run->result->verdict[i].value[0],
                     run->result->verdict[i].value[1]);
    }
}

struct tally {
    uint64_t runs, liquidate, deficit, deleverage, socialise;
    int64_t batches, below;
};

static void one(uint64_t seed, struct tally *tally)
{
    static struct text text;
    say_scenario(&text, seed);
    struct fl_test_run a = fl_test_run(text.at, NULL, 0, seed),
                       b = fl_test_run(text.at, NULL, 0, seed);
    cr_assert(fl_digest_equal(a.result->digest, b.result->digest),
              "seed %" PRIu64 " does not replay", seed);
    expect_holds(&a, seed);
    tally->runs++;
    tally->liquidate += fl_test_final(&a, "ledger.liquidations") > 0;
    tally->deficit += fl_test_final(&a, "ledger.deficit") > 0;
    tally->deleverage += fl_test_final(&a, "ledger.adl") > 0;
    tally->socialise += fl_test_final(&a, "ledger.socialised") > 0;
    tally->batches += fl_test_final(&a, "recount.batches");
    tally->below += fl_test_final(&a, "recount.below");
    fl_test_run_free(&a);
    fl_test_run_free(&b);
}

enum { RUNS = 1000 };

Test(swarm, money_is_conserved_and_runs_replay, .timeout = 900)
{
    const char *text = getenv("FL_SEED");
    const uint64_t first = text ? strtoull(text, NULL, 0) : 1;
    const char *runs_text = getenv("FL_SWARM_RUNS");
    const uint64_t runs = runs_text ? strtoull(runs_text, NULL, 0) : RUNS;
    printf("swarm: seeds %" PRIu64 " to %" PRIu64 " (FL_SEED, FL_SWARM_RUNS)\n", first,
           first + runs - 1);
    struct tally tally = {0};
    for (uint64_t seed = first; seed < first + runs; seed++) one(seed, &tally);
    printf("swarm: %" PRIu64 " runs, %" PRId64 " batches recounted; liquidations in %" PRIu64
           ", a deficit in %" PRIu64 ", deleveraging in %" PRIu64 ", socialised loss in %" PRIu64
           "\n",
           tally.runs, tally.batches, tally.liquidate, tally.deficit, tally.deleverage,
           tally.socialise);
    printf("swarm: %" PRId64
           " accounts below maintenance at the fundamental price, over all seconds\n",
           tally.below);
    cr_assert(tally.batches > 0);
    cr_assert(tally.below > 100 * (int64_t)tally.runs,
              "too few accounts below maintenance to compare");
    cr_assert(10 * tally.liquidate >= 3 * tally.runs,
              "too few runs liquidate for the test to mean much");
    cr_assert(10 * tally.deficit >= tally.runs, "too few runs end with a deficit");
}
