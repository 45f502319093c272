/* Whole runs of an exchange with two markets, whose prices go their own ways, and traders with positions
 * in both: the checks hold beside a slow twin that looks at every account each second. */
#include "models/submit.h"
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

enum { MARKETS = 2 };

/* --- who trades ----------------------------------------------------------------------------------- */

struct dealer_params {
    uint32_t exchange, zero;
    struct fl_groups venues; /* by market */
    int64_t maker;
};
struct dealer {
    uint64_t nonce;
    int64_t mid[MARKETS];
};

static struct fl_tx next_tx(const struct fl_self *self, struct dealer *s, uint32_t account,
                            uint16_t kind)
{
    const struct dealer_params *p = self->params;
    return (struct fl_tx){.account = self->account_first + account,
                          .contract = (uint16_t)p->exchange,
                          .kind = kind,
                          .nonce = ++s->nonce};
}

static int64_t draw(const struct fl_self *self, const struct dealer *s, uint32_t lane, int64_t low,
                    int64_t high)
{
    const uint64_t span = (uint64_t)(high - low) + 1;
    return low + (int64_t)fl_draw_below(self->seed, FL_RNG_AGENT, self->key, s->nonce, lane, span);
}

/* A quote for one market after the other. */
static void make(const struct fl_self *self, struct dealer *s, struct fl_outbox *out)
{
    const uint32_t market = (uint32_t)(s->nonce % MARKETS);
    struct fl_tx tx = next_tx(self, s, 0, s->nonce == 0 ? FL_TX_DEPOSIT : FL_TX_QUOTE);
    tx.arg[0] = tx.kind == FL_TX_DEPOSIT ? INT64_C(100000000000000) : s->mid[market];
    tx.arg[1] = 500;
    tx.arg[2] = 100000000; /* 100 units move the price by 1 % */
    tx.arg[3] = market;
    fl_submit(self, &tx, 0, out);
}

/* Pays in, now and then out, and trades up to eight times what it pays in as a rule. */
static void dabble(const struct fl_self *self, struct dealer *s, struct fl_outbox *out)
{
    const uint32_t account = (uint32_t)draw(self, s, 1, 0, self->account_count - 1);
    const int64_t what = draw(self, s, 2, 0, 9), amount = draw(self, s, 3, 1000000, 500000000);
    const uint32_t market = (uint32_t)draw(self, s, 4, 0, MARKETS - 1);
    const int64_t most = 2000 * (1000000 * INT64_C(1000000) / s->mid[market]);
    struct fl_tx tx = next_tx(self, s, account,
                              what < 3    ? FL_TX_DEPOSIT
                              : what == 3 ? FL_TX_WITHDRAW
                                          : FL_TX_TRADE);
    tx.arg[0] = what <= 3 ? amount : draw(self, s, 5, -most, most);
    tx.arg[2] = what <= 3 ? 0 : market;
    fl_submit(self, &tx, 0, out);
}

static void dealer_step(const struct fl_self *self, void *state, const struct fl_event *in,
                        const struct fl_view *view, struct fl_outbox *out)
{
    const struct dealer_params *p = self->params;
    struct dealer *s = state;
    (void)view;
    for (uint32_t m = 0; m < p->venues.count && in->kind == FL_MSG; m++)
        if (in->msg.kind == FL_QUOTE && in->msg.from.i == p->venues.first[m])
            s->mid[m] = in->msg.value[0];
    const bool knows = s->mid[0] > 0 && s->mid[1] > 0;
    if (in->kind == FL_TIMER && knows) p->maker ? make(self, s, out) : dabble(self, s, out);
    if (in->kind == FL_TIMER || in->kind == FL_START) fl_set_timer(out, 0, 300 * FL_MILLISECOND);
}

static size_t dealer_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return sizeof(struct dealer);
}

static void dealer_init(const struct fl_self *self, void *state)
{
    (void)self;
    (void)state;
}

static const struct fl_param dealer_rows[] = {{.key = "exchange",
                                               .type = FL_CONTRACT_NAME,
                                               .offset = offsetof(struct dealer_params, exchange),
                                               .doc = "where it trades"},
                                              {.key = "venues",
                                               .type = FL_GROUP_NAMES,
                                               .offset = offsetof(struct dealer_params, venues),
                                               .doc = "whose quotes are the prices of the markets"},
                                              {.key = "maker",
                                               .type = FL_BOOLEAN,
                                               .offset = offsetof(struct dealer_params, maker),
                                               .fallback = "false",
                                               .doc = "quotes, and does not trade"},
                                              {.key = NULL}};
static const struct fl_node_model dealer_node = {
    .timer_count = 1, .state_bytes = dealer_bytes, .init = dealer_init, .step = dealer_step};
static const struct fl_model dealer_model = {.name = "dealer",
                                             .family = FL_AGENT,
                                             .doc = "trades at random in two markets",
                                             .params = dealer_rows,
                                             .params_bytes = sizeof(struct dealer_params),
                                             .node = &dealer_node};

/* --- the slow twin of solvency ------------------------------------------------------------------ */

struct twin_params {
    uint32_t exchange, due, due_accounts, latent;
    struct fl_observables fundamental;
};
struct twin {
    int64_t wrong, below, crossed; /* accounts, over all seconds; with two positions */
};

static void ask(const struct fl_watch *watch, uint16_t kind, int64_t arg, void *out, size_t bytes)
{
    const struct twin_params *p = watch->params;
    const struct fl_query q = {.contract = (uint16_t)p->exchange, .kind = kind, .arg = {arg}};
    FL_ASSERT(fl_read(&watch->view, &q, out, bytes) == FL_READ_OK);
}

static fl_i128 part_up(fl_i128 a, int64_t ppm)
{
    return a * ppm / 1000000 + (a * ppm % 1000000 != 0);
}

static void twin_tick(const struct fl_watch *watch, void *state)
{
    struct twin *s = state;
    const struct twin_params *p = watch->params;
    struct fl_market_terms terms[MARKETS];
    int64_t price[MARKETS], accounts = 0;
    fl_i128 due = 0, latent = 0;
    for (uint32_t m = 0; m < MARKETS; m++) {
        ask(watch, FL_ASK_MARKET, m, &terms[m], sizeof terms[m]);
        price[m] = fl_watch_observe(watch, p->fundamental.handle[m]);
        if (price[m] <= 0) return;
    }
    for (uint32_t a = 0; a < watch->facts->accounts; a++) {
        struct fl_account row;
        struct fl_positions held;
        ask(watch, FL_ASK_ACCOUNT, a, &row, sizeof row);
        ask(watch, FL_ASK_POSITIONS, a, &held, sizeof held);
        fl_i128 equity = row.quote, needed = 0, all = 0;
        for (uint32_t i = 0; i < held.count; i++) {
            const uint32_t m = held.at[i].market;
            const fl_i128 n = (fl_i128)fl_abs(held.at[i].size) * price[m] / 1000000;
            equity += held.at[i].size < 0 ? -n : n;
            needed += part_up(part_up(n, terms[m].unscaled_ppm), terms[m].maintenance_fraction_ppm);
            all += n;
        }
        s->crossed += held.count == 2;
        if (held.count == 0 || equity >= needed) continue;
        latent -= equity < 0 ? equity : 0;
        due += row.maker ? 0 : all;
        accounts += !row.maker;
    }
    s->below += accounts;
    s->wrong += fl_watch_observe(watch, p->due) != due;
    s->wrong += fl_watch_observe(watch, p->due_accounts) != accounts;
    s->wrong += fl_watch_observe(watch, p->latent) != latent;
}

static fl_time twin_period(const void *params)
{
    (void)params;
    return FL_SECOND;
}

static size_t twin_bytes(const void *params, const struct fl_facts *facts)
{
    (void)params;
    (void)facts;
    return sizeof(struct twin);
}

static struct fl_verdict twin_verdict(const void *params, const void *state)
{
    const struct twin *s = state;
    (void)params;
    return (struct fl_verdict){.kind = s->wrong ? FL_BROKEN : FL_HOLDS, .what = "it is the same"};
}

static void twin_observe(const void *params, const void *state, int64_t *out)
{
    const struct twin *s = state;
    (void)params;
    out[0] = s->wrong;
    out[1] = s->below;
    out[2] = s->crossed;
}

#define OBSERVED(FIELD, NAME)                                                             \
    {                                                                                     \
        .key = #FIELD, .type = FL_OBSERVABLE_NAME, .fallback = NAME, .doc = "observable", \
        .offset = offsetof(struct twin_params, FIELD)                                     \
    }
static const struct fl_param twin_rows[] = {{.key = "exchange",
                                             .type = FL_CONTRACT_NAME,
                                             .offset = offsetof(struct twin_params, exchange),
                                             .doc = "contract to look at"},
                                            {.key = "fundamental",
                                             .type = FL_OBSERVABLE_NAMES,
                                             .offset = offsetof(struct twin_params, fundamental),
                                             .doc = "by market"},
                                            OBSERVED(due, "\"ledger.due\""),
                                            OBSERVED(due_accounts, "\"ledger.due_accounts\""),
                                            OBSERVED(latent, "\"ledger.latent_bad_debt\""),
                                            {.key = NULL}};
static const struct fl_observable twin_observables[] = {
    {"twin.wrong", "differences", FL_COUNT, FL_SUM},
    {"twin.below", "accounts below maintenance, over all seconds", FL_COUNT, FL_SUM},
    {"twin.crossed", "accounts with two positions, over all seconds", FL_COUNT, FL_SUM},
    {.name = NULL}};
static const struct fl_check_model twin_watch = {.state_bytes = twin_bytes,
                                                 .period = twin_period,
                                                 .tick = twin_tick,
                                                 .verdict = twin_verdict,
                                                 .observe = twin_observe};
static const struct fl_model twin_model = {.name = "twin",
                                           .family = FL_CHECK,
                                           .doc = "looks at every account",
                                           .params = twin_rows,
                                           .params_bytes = sizeof(struct twin_params),
                                           .observables = twin_observables,
                                           .watch = &twin_watch};

#define FL_MODEL(id) extern const struct fl_model fl_model_##id;
#include "models/registry.def"
#undef FL_MODEL
const struct fl_model *const fl_models[] = {
#define FL_MODEL(id) &fl_model_##id,
#include "models/registry.def"
#undef FL_MODEL
    &dealer_model, &twin_model, NULL};

/* --- runs ----------------------------------------------------------------------------------------- */

#define VENUE(name, feed, volatility, points)                                                    \
    "\"" name "\": {\"source\": {\"model\": \"replay\", \"volatility\": " volatility             \
    ", \"points_usd\": " points "}, \"market\": {\"model\": \"spot\", \"subscribers\": [\"" feed \
    "\", \"maker\", \"trader\"], \"depth\": 1000}}, "                                            \
    "\"" feed "\": {\"count\": 3, \"clients_of\": \"v\", \"oracle\": {\"model\": \"reporter\", " \
    "\"contract\": \"" feed "\", \"deviation\": 0.002, \"heartbeat_s\": 60}}, "
#define FEED(name)                                                                       \
    "\"" name "\": {\"model\": \"feed\", \"reporters\": [\"" name "\"], \"quorum\": 2, " \
    "\"max_age_s\": 300}, "

static struct fl_test_run trade(const char *policy, uint64_t seed)
{
    char text[6000];
    const int n = snprintf(
        text, sizeof text,
        "{\"name\": \"two-markets\", \"duration_s\": 900, \"network\": {\"delay_ms\": "
        "40}, "
        "\"contracts\": {" FEED("one-feed")
            FEED("two-feed") "\"x\": {\"model\": \"perpetual\", \"liquidity\": "
                             "[\"maker\"], \"markets\": {\"one\": "
                             "{\"oracle\": \"one-feed\", \"initial_margin\": 0.05}, "
                             "\"two\": {\"oracle\": "
                             "\"two-feed\", \"initial_margin\": 0.1, "
                             "\"maintenance_fraction\": 0.5}}, "
                             "\"deleveraging\": \"%s\", \"liquidation_portion\": 0.5, "
                             "\"insurance_fund\": 300, "
                             "\"funding_tick_s\": 60, \"funding_sample_s\": 5}}, "
                             "\"nodes\": {" VENUE("one", "one-feed", "0.002",
                                                  "[[0, 100], [300, 80], [500, 120], [900, 70]]")
                                 VENUE("two", "two-feed", "0.003",
                                       "[[0, 2000], [400, 2600], [600, 1500], [900, "
                                       "2300]]") "\"v\": {\"consensus\": {\"model\": "
                                                 "\"ordered\", \"block_ms\": 1000}, "
                                                 "\"chain\": "
                                                 "\"replica\"}, \"maker\": "
                                                 "{\"clients_of\": \"v\", \"agent\": "
                                                 "{\"model\": \"dealer\", "
                                                 "\"exchange\": \"x\", \"venues\": "
                                                 "[\"one\", \"two\"], \"maker\": true}}, "
                                                 "\"keeper\": "
                                                 "{\"clients_of\": \"v\", \"agent\": "
                                                 "{\"model\": \"keeper\", \"exchange\": "
                                                 "\"x\"}}, "
                                                 "\"trader\": {\"accounts\": 30, "
                                                 "\"clients_of\": \"v\", \"agent\": "
                                                 "{\"model\": \"dealer\", "
                                                 "\"exchange\": \"x\", \"venues\": "
                                                 "[\"one\", \"two\"]}}}, \"faults\": "
                                                 "{\"stuck\": "
                                                 "{\"model\": \"stuck\", \"group\": "
                                                 "\"one-feed\", \"count\": 3, \"from_s\": "
                                                 "350, \"to_s\": "
                                                 "450}}, \"checks\": {\"conservation\": "
                                                 "{\"model\": \"conservation\", "
                                                 "\"exchange\": \"x\", "
                                                 "\"full_every\": 7}, \"solvency\": "
                                                 "{\"model\": \"solvency\", \"exchange\": "
                                                 "\"x\", "
                                                 "\"fundamental\": "
                                                 "[\"one/market.fundamental\", "
                                                 "\"two/market.fundamental\"]}, \"twin\": "
                                                 "{\"model\": \"twin\", \"exchange\": "
                                                 "\"x\", \"fundamental\": "
                                                 "[\"one/market.fundamental\", "
                                                 "\"two/market.fundamental\"]}}}",
        policy);
    cr_assert(n > 0 && (size_t)n < sizeof text);
    return fl_test_run(text, NULL, 0, seed);
}

Test(cross_margin, checks_agree_with_a_look_at_every_account, .timeout = 300)
{
    static const char *const policies[] = {"pseudo_random", "ranked", "pro_rata", "nobody"};
    int64_t below = 0, crossed = 0, liquidations = 0, fund = 0, adl = 0, socialised = 0;
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        for (uint64_t seed = 1; seed <= 4; seed++) {
            struct fl_test_run run = trade(policies[i], seed);
            const struct fl_verdict *const books = fl_test_verdict(&run, "conservation");
            cr_expect_eq(books->kind, FL_HOLDS, "%s %" PRIu64 ": %s, %" PRId64 " %" PRId64,
                         policies[i], seed, books->what, books->value[0], books->value[1]);
            cr_expect_eq(fl_test_final(&run, "twin.wrong"), 0, "%s %" PRIu64, policies[i], seed);
            below += fl_test_final(&run, "twin.below");
            crossed += fl_test_final(&run, "twin.crossed");
            liquidations += fl_test_final(&run, "ledger.liquidations");
            fund += fl_test_final(&run, "ledger.fund_paid");
            adl += fl_test_final(&run, "ledger.adl");
            socialised += fl_test_final(&run, "ledger.socialised");
            fl_test_run_free(&run);
        }
    }
    printf("two markets: %" PRId64 " accounts below maintenance and %" PRId64
           " with two positions, over all seconds; %" PRId64 " liquidations; fund %" PRId64
           ", counterparties %" PRId64 ", socialised %" PRId64 " USD\n",
           below, crossed, liquidations, fund / 1000000, adl / 1000000, socialised / 1000000);
    cr_expect_gt(below, 1000);
    cr_expect_gt(crossed, 10000);
    cr_expect(liquidations > 100 && fund > 0 && adl > 0 && socialised > 0);
}
