/* Participants of the exchange under stress, driven by hand against an exchange of the tests' own
 * (tests/lib/board.h). */
#include "models/agent/crowd.h"
#include "tests/lib/board.h"
#include "tests/lib/run.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])
#define NORMAL_BOUND 4.9 /* standard deviations, for 1e-6 on both sides */

#define FL_MODEL(name) extern const struct fl_model fl_model_##name;
#include "models/registry.def"
#undef FL_MODEL
const struct fl_model *const fl_models[] = {
#define FL_MODEL(name) &fl_model_##name,
#include "models/registry.def"
#undef FL_MODEL
    &fl_model_board, NULL};

/* The price in a block, then what the actor makes of it; blocks until it has waited long enough. */
static void price_then(struct rig *r, struct fl_actor *a, int64_t price)
{
    rig_post(r, 0, price, 1);
    rig_turn(r, a);
}

/* One trader, at `price`, with its position, and `retry_blocks` since. */
static struct fl_actor *settled(struct rig *r, int64_t price)
{
    struct fl_actor *crowd = rig_actor(r, "trader", FL_AGENT);
    rig_post(r, 0, price, 1);
    for (int i = 0; i < 8; i++) rig_turn(r, crowd);
    cr_assert_eq(r->pooled, 0);
    return crowd;
}

/* ------------------------------------------------------------------------------------------------
 * Traders
 * --------------------------------------------------------------------------------------------- */

/* Long 25 units at 200 on 1000 dollars: equity E = 25 P - 4000, maintenance M = 0.75 P. E < 1.5 M below
 * 4000 / 23.875 = 167.5393; with 1000 * 0.6 / 2 = 300 more, below 3700 / 23.875 = 154.9738; with
 * 600 more the wallet is empty. */
Test(crowd, tops_up_from_a_finite_wallet)
{
    const char *const overrides[] = {"nodes.trader.agent.top_up=1", "nodes.trader.agent.wallet=0.6",
                                     "nodes.trader.agent.top_ups_max=2"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *crowd = settled(r, 200 * USD);
    const uint32_t account = crowd->self.account_first;
    cr_assert_eq(rig_balance(r, account).size[0], 25 * UNIT);
    for (int64_t price = 199; price > 167; price--) {
        price_then(r, crowd, price * USD + 600000);
        cr_assert_eq(r->pooled, 0, "at %lld", (long long)price);
    }
    price_then(r, crowd, 167540000);
    cr_assert_eq(r->pooled, 0);
    price_then(r, crowd, 167539000);
    cr_assert_eq(r->pooled, 1);
    cr_assert(rig_newest(r)->kind == FL_TX_DEPOSIT && rig_newest(r)->arg[0] == 300 * USD);
    for (int i = 0; i < 5; i++) rig_turn(r, crowd);
    cr_assert_eq(r->pooled, 0, "once is enough");
    price_then(r, crowd, 154980000);
    cr_assert_eq(r->pooled, 0);
    price_then(r, crowd, 154970000);
    cr_assert(rig_newest(r)->kind == FL_TX_DEPOSIT && rig_newest(r)->arg[0] == 300 * USD);
    for (int i = 0; i < 5; i++) rig_turn(r, crowd);
    price_then(r, crowd, 130 * USD);
    for (int i = 0; i < 5; i++) rig_turn(r, crowd);
    cr_assert_eq(r->pooled, 0, "the wallet is empty");
    cr_assert_eq(rig_observe(crowd, 3), 2);
    rig_close(r);
}

/* A jump takes it past both at once: one after the other, three blocks apart. */
Test(crowd, tops_up_twice_if_once_is_not_enough)
{
    const char *const overrides[] = {"nodes.trader.agent.top_up=1",
                                     "nodes.trader.agent.top_ups_max=2"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *crowd = settled(r, 200 * USD);
    price_then(r, crowd, 145 * USD);
    cr_assert_eq(r->pooled, 1);
    for (int i = 0; i < 10; i++) rig_turn(r, crowd);
    cr_assert_eq(rig_observe(crowd, 3), 2);
    cr_assert_eq(rig_balance(r, crowd->self.account_first).quote, 1500 * USD - 5000 * USD);
    rig_close(r);
}

/* Who does not top up does nothing. */
Test(crowd, rests_if_it_has_no_nerves)
{
    struct rig *r = rig_open(NULL, 0);
    struct fl_actor *crowd = settled(r, 200 * USD);
    for (int64_t price = 199; price > 100; price--) {
        price_then(r, crowd, price * USD);
        cr_assert_eq(r->pooled, 0);
    }
    rig_close(r);
}

/* A fall of 8 % from the highest within 160 seconds, of 16 parts of 10 seconds. */
Test(crowd, panics_when_the_price_moves_against_it)
{
    const char *const overrides[] = {"nodes.trader.agent.panic=1",
                                     "nodes.trader.agent.panic_move=0.08",
                                     "nodes.trader.agent.window_s=160"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *crowd = settled(r, 200 * USD);
    price_then(r, crowd, 240 * USD); /* for it */
    cr_assert_eq(r->pooled, 0);
    for (int64_t i = 0; i < 30; i++) { /* 36 %, in half an hour: 6 % in three minutes at most */
        r->now += 59 * FL_SECOND;
        price_then(r, crowd, (240 - 3 * i) * USD);
        cr_assert_eq(r->pooled, 0);
    }
    r->now += 200 * FL_SECOND;
    price_then(r, crowd, 150 * USD);
    price_then(r, crowd, 138000001);
    cr_assert_eq(r->pooled, 0, "not quite 8 %%");
    price_then(r, crowd, 138000000);
    cr_assert_eq(r->pooled, 1);
    cr_assert(rig_newest(r)->kind == FL_TX_TRADE && rig_newest(r)->arg[0] == -25 * UNIT);
    cr_assert(rig_newest(r)->arg[1] == 0 && rig_newest(r)->arg[2] == 0, "at any price");
    rig_turn(r, crowd);
    cr_assert_eq(rig_balance(r, crowd->self.account_first).size[0], 0);
    for (int i = 0; i < 9; i++) price_then(r, crowd, 100 * USD);
    cr_assert_eq(r->pooled, 0, "it is out");
    cr_assert(rig_observe(crowd, 4) == 1 && rig_observe(crowd, 1) == 0);
    rig_close(r);
}

/* Short 25 at 200: E = 6000 - 25 P, M = 0.75 P; E < 2 M above 6000 / 26.5 = 226.4151. */
Test(crowd, panics_when_its_margin_thins)
{
    const char *const overrides[] = {
        "nodes.trader.agent.panic=1", "nodes.trader.agent.long_share=0",
        "nodes.trader.agent.panic_move=1", "nodes.trader.agent.panic_below=2"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *crowd = settled(r, 200 * USD);
    for (int64_t price = 200; price < 227; price++) {
        price_then(r, crowd, price * USD);
        cr_assert_eq(r->pooled, 0);
    }
    price_then(r, crowd, 226415000);
    cr_assert_eq(r->pooled, 0);
    price_then(r, crowd, 226416000);
    cr_assert(rig_newest(r)->kind == FL_TX_TRADE && rig_newest(r)->arg[0] == 25 * UNIT);
    rig_close(r);
}

/* Nobody who would panic at once opens a position. */
Test(crowd, does_not_open_into_a_storm)
{
    const char *const overrides[] = {
        "nodes.trader.agent.panic=1", "nodes.trader.agent.panic_move=0.08",
        "nodes.trader.agent.open_from_s=20", "nodes.trader.agent.open_to_s=20",
        "nodes.trader.agent.window_s=160"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *crowd = rig_actor(r, "trader", FL_AGENT);
    price_then(r, crowd, 200 * USD);
    for (int i = 0; i < 40; i++) price_then(r, crowd, 180 * USD);
    cr_assert_eq(rig_balance(r, crowd->self.account_first).size[0], 0);
    r->now += 160 * FL_SECOND;
    for (int i = 0; i < 6; i++) price_then(r, crowd, 180 * USD);
    cr_assert_eq(rig_balance(r, crowd->self.account_first).size[0], 27777777);
    rig_close(r);
}

/* 3 % up: buys 1000 * 5 / 206 in lots of 0.001; on the way down from 230 by 3 %: turns. */
Test(crowd, chases_a_move_once)
{
    const char *const overrides[] = {"nodes.trader.agent.chase=1",
                                     "nodes.trader.agent.chase_move=0.03",
                                     "nodes.trader.agent.window_s=160"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *crowd = rig_actor(r, "trader", FL_AGENT);
    const uint32_t account = crowd->self.account_first;
    rig_post(r, 0, 200 * USD, 1000);
    for (int i = 0; i < 8; i++) rig_turn(r, crowd);
    cr_assert_eq(rig_balance(r, account).size[0], 0, "nothing moves");
    rig_post(r, 0, 205999999, 1000);
    rig_turn(r, crowd);
    cr_assert_eq(r->pooled, 0);
    rig_post(r, 0, 206000000, 1000);
    rig_turn(r, crowd);
    cr_assert_eq(r->pooled, 1);
    cr_assert(rig_newest(r)->kind == FL_TX_TRADE && rig_newest(r)->arg[0] == 24271000);
    cr_assert_eq(rig_newest(r)->arg[1], 210120000, "2 %% worse at most");
    for (int64_t price = 206; price <= 230; price++) {
        rig_post(r, 0, price * USD, 1000);
        rig_turn(r, crowd);
        cr_assert_eq(r->pooled, 0, "once a move");
    }
    cr_assert_eq(rig_balance(r, account).size[0], 24271000);
    rig_post(r, 0, 223101000, 1000); /* 3 % below 230 is 223.1 */
    rig_turn(r, crowd);
    cr_assert_eq(r->pooled, 0);
    rig_post(r, 0, 223100000, 1000);
    rig_turn(r, crowd);
    cr_assert_eq(r->pooled, 1);
    /* Equity 1000 + 24.271 * 17.1 = 1415.0341; 5 times that at 223.1 is 31.713 units short. */
    cr_assert_eq(rig_newest(r)->arg[0], -(31713000 + 24271000));
    rig_turn(r, crowd);
    cr_assert_eq(rig_balance(r, account).size[0], -31713000);
    cr_assert(rig_observe(crowd, 5) == 2 && rig_observe(crowd, 0) == 1 &&
              rig_observe(crowd, 1) == 1);

    /* The window passes, and the same move counts again. */
    r->now += 170 * FL_SECOND;
    for (int i = 0; i < 5; i++) rig_turn(r, crowd);
    cr_assert_eq(r->pooled, 0);
    rig_post(r, 0, 229800000, 1000); /* more than 3 % above 223.1 */
    rig_turn(r, crowd);
    cr_assert_gt(rig_newest(r)->arg[0], 31713000);
    rig_close(r);
}

/* ------------------------------------------------------------------------------------------------
 * Who is who
 * --------------------------------------------------------------------------------------------- */

static void binomial(uint32_t hits, uint32_t n, double p)
{
    cr_assert_float_eq(hits, n * p, NORMAL_BOUND * sqrt(n * p * (1 - p)), "%u of %u", hits, n);
}

/* Numbers of markets uniform over 1..2, each market alike, sides by themselves, shares as asked. */
Test(crowd, draws_who_is_who)
{
    enum { TRADERS = 20000 };
    const char *const overrides[] = {"nodes.trader.accounts=20000",
                                     "nodes.trader.agent.markets=[\"a\", \"b\", \"c\"]",
                                     "nodes.trader.agent.markets_per_account=2",
                                     "nodes.trader.agent.long_share=0.7",
                                     "nodes.trader.agent.panic=0.3",
                                     "nodes.trader.agent.chase=0.25",
                                     "nodes.trader.agent.top_up=0.2",
                                     "nodes.trader.agent.watchful=0.1"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    const struct fl_self *self = &rig_actor(r, "trader", FL_AGENT)->self;
    uint32_t two = 0, first[3] = {0}, pair[3][3] = {{0}}, longs[2] = {0}, both = 0;
    uint32_t traits[4] = {0}, early = 0;
    for (uint32_t i = 0; i < TRADERS; i++) {
        uint32_t place[LEGS_MAX], nerve;
        const uint32_t legs = fl_crowd_legs(self, i, place);
        two += legs == 2;
        first[place[0]]++;
        if (legs == 2) pair[place[0]][place[1]]++;
        const bool side[] = {fl_crowd_long(self, i, 0), fl_crowd_long(self, i, 1)};
        longs[0] += side[0];
        longs[1] += side[1];
        both += side[0] && side[1];
        const uint8_t has = fl_crowd_traits(self, i, &nerve);
        for (uint32_t k = 0; k < 4; k++) traits[k] += has >> k & 1;
        cr_assert_neq(has & (PANICS | CHASES), PANICS | CHASES);
        cr_assert_eq(nerve > 0, (has & (PANICS | CHASES)) != 0);
        early += has & PANICS && nerve < 75000; /* uniform from 0.05 to 0.15 */
    }
    binomial(two, TRADERS, 0.5);
    for (uint32_t a = 0; a < 3; a++) {
        binomial(first[a], TRADERS, 1.0 / 3);
        cr_assert_eq(pair[a][a], 0);
        for (uint32_t b = 0; b < 3; b++)
            if (a != b) binomial(pair[a][b], two, 1.0 / 6);
    }
    binomial(longs[0], TRADERS, 0.7);
    binomial(longs[1], TRADERS, 0.7);
    binomial(both, TRADERS, 0.49);
    binomial(traits[0], TRADERS, 0.1);
    binomial(traits[1], TRADERS, 0.2);
    binomial(traits[2], TRADERS, 0.3);
    binomial(traits[3], TRADERS, 0.25);
    binomial(early, traits[2], 0.25);
    rig_close(r);
}

/* Half the collateral each, in whole lots of every market's own; a lot that costs too much is none. */
Test(crowd, opens_in_several_markets)
{
    enum { TRADERS = 60 };
    const char *const overrides[] = {
        "nodes.trader.accounts=60", "nodes.trader.agent.markets=[\"c\", \"a\", \"b\"]",
        "nodes.trader.agent.markets_per_account=2", "nodes.trader.agent.long_share=0.5"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *crowd = rig_actor(r, "trader", FL_AGENT);
    static const int64_t price[] = {200 * USD, 7777777, 30000 * USD};
    static const int64_t lot[] = {1000, 300000, UNIT};
    for (int i = 0; i < 20; i++) {
        for (uint32_t m = 0; m < 3; m++) rig_post(r, m, price[m], lot[m]);
        rig_turn(r, crowd);
    }
    uint32_t holding = 0;
    for (uint32_t i = 0; i < TRADERS; i++) {
        const struct balance row = rig_balance(r, crowd->self.account_first + i);
        uint32_t place[LEGS_MAX], held = 0;
        const uint32_t legs = fl_crowd_legs(&crowd->self, i, place);
        int64_t wanted[3] = {0};
        for (uint32_t leg = 0; leg < legs; leg++) {
            const uint32_t m = fl_crowd_market(crowd->self.params, place[leg]);
            const int64_t most = 5000 * USD / legs * UNIT / price[m];
            wanted[m] = most / lot[m] * lot[m] * (fl_crowd_long(&crowd->self, i, leg) ? 1 : -1);
        }
        for (uint32_t m = 0; m < 3; m++) {
            cr_assert_eq(row.size[m], wanted[m], "trader %u, market %u", i, m);
            held += row.size[m] != 0;
        }
        holding += held > 0;
    }
    cr_assert(holding > 30 && holding < TRADERS);
    cr_assert_eq(rig_observe(crowd, 1), holding);
    cr_assert_eq(r->refused, 0);
    rig_close(r);
}

/* ------------------------------------------------------------------------------------------------
 * Asleep and awake
 * --------------------------------------------------------------------------------------------- */

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

enum twin { SLEEPS, WALKS, COUNTS };

/* WALKS: everybody is stepped at every head. COUNTS: and everybody counts its margin at every head. */
static void disturb(struct fl_actor *a, enum twin twin)
{
    struct crowd *crowd = (void *)a->state;
    if (twin == SLEEPS) return;
    const uint32_t count = a->self.account_count;
    memset(fl_crowd_awake(&a->self, crowd), 0xff, (count / 64 + 1) * sizeof(uint64_t));
    for (uint32_t i = 0; twin == COUNTS && i < count; i++)
        if (crowd->trader[i].phase == HOLDING) fl_crowd_count_at(crowd, i, 0);
}

/* One of 40 heads jumps, the rest tremble; now and then a market has no price, somebody is cleared,
 * the oracle lags behind the venue. All of it follows from the seed. Nobody is cleared at the end, so
 * that the patrol gets round. Digest of all transactions. */
static struct fl_digest live(const char *const *overrides, size_t count, int heads, enum twin twin,
                             int64_t observed[6])
{
    struct rig *r = rig_open(overrides, count);
    struct fl_actor *crowd = rig_actor(r, "trader", FL_AGENT);
    uint64_t random = 5;
    int64_t price[2] = {200 * USD, 30 * USD};
    static struct {
        struct fl_digest before;
        struct fl_tx tx[POOL];
    } all;
    memset(&all, 0, sizeof all);
    for (int h = 0; h < heads; h++) {
        for (uint32_t m = 0; m < 2; m++) {
            const int64_t range = splitmix(&random) % 40 == 0 ? 80000 : 1500;
            const int64_t move = (int64_t)(splitmix(&random) % (uint64_t)(2 * range + 1)) - range;
            price[m] += price[m] * move / FL_PPM_ONE;
            rig_post(r, m, splitmix(&random) % 50 == 0 ? 0 : price[m], m == 0 ? 1 : 1000);
            rig_clerk(r, BOARD_SLOPE, (int64_t[5]){0, 1, m, 0, 0});
        }
        const uint32_t victim = (uint32_t)(splitmix(&random) % crowd->self.account_count);
        if (h % 7 == 0 && h < heads - 50)
            rig_clerk(r, BOARD_CLEAR, (int64_t[5]){crowd->self.account_first + victim, 0, 0, 0, 0});
        rig_block(r);
        r->now += (fl_time)(splitmix(&random) % 8) * FL_SECOND;
        rig_quote(r, crowd, price[0] + price[0] * (h % 90 > 80 ? -40000 : 0) / FL_PPM_ONE);
        disturb(crowd, twin);
        rig_head(r, crowd);
        memcpy(all.tx, r->pool, r->pooled * sizeof *all.tx);
        all.before = fl_digest_of(&all, sizeof all.before + r->pooled * sizeof *all.tx);
    }
    for (uint32_t i = 0; i < 6; i++) observed[i] = rig_observe(crowd, i);
    rig_close(r);
    return all.before;
}

/* Whoever is asleep would have done nothing. */
static void twins(const char *const *overrides, size_t count, int heads, enum twin last)
{
    int64_t sleeper[6], other[6];
    const struct fl_digest asleep = live(overrides, count, heads, SLEEPS, sleeper);
    for (uint32_t i = 0; i < 6; i++) cr_assert_gt(sleeper[i], 0, "observable %u", i);
    for (enum twin twin = WALKS; twin <= last; twin++) {
        const struct fl_digest awake = live(overrides, count, heads, twin, other);
        cr_assert_eq(memcmp(sleeper, other, sizeof other), 0);
        cr_assert(fl_digest_equal(asleep, awake), "twin %d", (int)twin);
    }
}

#define BEHAVIOURS                                                                           \
    "nodes.trader.agent.markets=[\"a\", \"b\"]", "nodes.trader.agent.markets_per_account=2", \
        "nodes.trader.agent.venues=[\"venue\"]", "nodes.trader.agent.open_to_s=900",         \
        "nodes.trader.agent.long_share=0.6", "nodes.trader.agent.watchful=0.3",              \
        "nodes.trader.agent.top_up=0.4", "nodes.trader.agent.panic=0.3",                     \
        "nodes.trader.agent.panic_below=1.4", "nodes.trader.agent.chase=0.2",                \
        "nodes.trader.agent.panic_move={\"law\": \"uniform\", \"min\": 0.04, \"max\": 0.3}", \
        "nodes.trader.agent.leverage={\"law\": \"uniform\", \"min\": 2, \"max\": 15}",       \
        "nodes.trader.agent.window_s=300"

Test(crowd, sleep_changes_nothing)
{
    const char *const overrides[] = {"nodes.trader.accounts=2000", BEHAVIOURS};
    twins(overrides, LENGTH(overrides), 2500, COUNTS);
}

/* The same where there are more than a patrol, or a head's allowance, can reach at once. */
Test(crowd, sleep_changes_nothing_for_100000)
{
    const char *const overrides[] = {"nodes.trader.accounts=100000", BEHAVIOURS};
    twins(overrides, LENGTH(overrides), 600, WALKS);
}

/* A trader is at most 64 bytes, whatever they do. */
Test(crowd, a_trader_is_small)
{
    const char *const overrides[] = {"nodes.trader.accounts=100000", BEHAVIOURS};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    const struct fl_actor *crowd = rig_actor(r, "trader", FL_AGENT);
    const size_t each = (crowd->state_bytes - sizeof(struct crowd)) / 100000;
    cr_assert_leq(each, 64, "%zu", each);
    rig_close(r);
}

/* ------------------------------------------------------------------------------------------------
 * Makers and venues
 * --------------------------------------------------------------------------------------------- */

/* A funded maker that has quoted, at `mid`. */
static struct fl_actor *funded(struct rig *r, int64_t mid)
{
    struct fl_actor *maker = rig_actor(r, "maker", FL_AGENT);
    const struct fl_event start = rig_event(r, FL_START);
    rig_post(r, 0, 200 * USD, 1);
    rig_step(r, maker, &start);
    rig_turn(r, maker);
    rig_quote(r, maker, mid);
    return maker;
}

/* A position of `size` for the maker, at 200, without fees. */
static void give(struct rig *r, struct fl_actor *maker, int64_t size, uint64_t nonce)
{
    struct fl_tx tx = {.account = maker->self.account_first,
                       .contract = EXCHANGE,
                       .kind = FL_TX_TRADE,
                       .nonce = nonce,
                       .arg = {size, 0, 0}};
    tx.tag = fl_sign(&maker->self, fl_tx_digest(&tx), r->out);
    r->pool[r->pooled++] = tx;
}

/* Depth 1000, skew 2 %: long 150 unhedged moves its prices down by 0.3 %; at the bound, by 1 %. */
Test(crowd, a_maker_leans_against_what_it_holds)
{
    const char *const overrides[] = {"nodes.maker.agent.skew=0.02"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *maker = funded(r, 200 * USD);
    cr_assert(rig_newest(r)->kind == FL_TX_QUOTE && rig_newest(r)->arg[0] == 200 * USD);
    static const struct {
        int64_t trade, mid;
    } cases[] = {
        {150 * UNIT, 199400000}, {-450 * UNIT, 201200000}, {-9000 * UNIT, 202 * USD}, {0, 0}};
    for (uint64_t i = 0; i < LENGTH(cases); i++) {
        rig_turn(r, maker);
        if (cases[i].trade != 0) give(r, maker, cases[i].trade, 40 + i);
        r->now += 3 * FL_SECOND;
        rig_quote(r, maker, 200 * USD);
        rig_block(r);
        rig_head(r, maker);
        if (cases[i].trade == 0)
            cr_assert_eq(r->pooled, 0, "nothing has changed");
        else
            cr_assert_eq(rig_newest(r)->arg[0], cases[i].mid, "%zu", (size_t)i);
    }
    rig_close(r);
}

Test(crowd, a_maker_without_skew_does_not_lean)
{
    struct rig *r = rig_open(NULL, 0);
    struct fl_actor *maker = funded(r, 200 * USD);
    give(r, maker, 450 * UNIT, 40);
    rig_turn(r, maker);
    r->now += 3 * FL_SECOND;
    rig_quote(r, maker, 200 * USD);
    rig_turn(r, maker);
    cr_assert_eq(r->pooled, 0, "no reason to");
    rig_quote(r, maker, 201 * USD);
    cr_assert_eq(rig_newest(r)->arg[0], 201 * USD);
    rig_close(r);
}

Test(crowd, a_maker_keeps_to_the_grid)
{
    struct rig *r = rig_open(NULL, 0);
    rig_clerk(r, BOARD_SLOPE, (int64_t[5]){0, 50000, 0, 0, 0}); /* ticks of 5 cents */
    funded(r, 200024999);
    cr_assert_eq(rig_newest(r)->arg[0], 200 * USD);
    rig_close(r);
    r = rig_open(NULL, 0);
    rig_clerk(r, BOARD_SLOPE, (int64_t[5]){0, 50000, 0, 0, 0});
    funded(r, 200025000);
    cr_assert_eq(rig_newest(r)->arg[0], 200050000);
    rig_close(r);
}

/* Quotes every second, moves of +-0.2 %: squares add up to sum of 4e-6 * 2^(-k / 60), so that the
 * volatility found is 0.2 % times sqrt(ln 2 / 60 / (1 - 2^(-1/60))), 0.29 % above it. With calm
 * 0.05 % and `thins` 0.25 the depth falls to 1 - 0.25 * (4 * 1.0029 - 1). */
Test(crowd, a_maker_offers_less_in_unrest)
{
    const char *const overrides[] = {"nodes.maker.agent.thins=0.25",
                                     "nodes.maker.agent.thin_floor=0.1",
                                     "nodes.maker.agent.calm_volatility=0.0005"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *maker = funded(r, 200 * USD);
    cr_assert(rig_newest(r)->arg[1] == 500 && rig_newest(r)->arg[2] == 1000 * UNIT);
    rig_turn(r, maker);
    for (int i = 0; i < 2400; i++) {
        const int64_t mid = i % 2 ? 200 * USD : 200400000;
        r->now += FL_SECOND;
        rig_quote(r, maker, mid);
        if (r->pooled < 10) continue;
        r->now -= FL_SECOND; /* a block takes a second */
        rig_turn(r, maker);
    }
    rig_turn(r, maker);
    r->now += 2 * FL_SECOND;
    rig_quote(r, maker, 200800000);
    const double steps = (0.002 * 0.002 + 0.002 / 1.002 * (0.002 / 1.002)) / 2;
    const double volatility = sqrt(steps * log(2) / 60 / (1 - exp2(-1.0 / 60)));
    const double share = 1 - 0.25 * (volatility / 0.0005 - 1);
    const double depth = (double)rig_newest(r)->arg[2] / 1e9,
                 spread = (double)rig_newest(r)->arg[1];
    cr_assert_float_eq(depth, share, 0.02, "%g for %g", depth, share);
    cr_assert_float_eq(spread, ceil(500 / depth), 1.01);

    /* Calm comes back: half of the squares each minute. */
    for (int i = 0; i < 900; i++) {
        r->now += FL_SECOND;
        rig_quote(r, maker, 200800000);
        if (i % 20 == 0) {
            r->now -= FL_SECOND;
            rig_turn(r, maker);
        }
    }
    cr_assert(rig_newest(r)->arg[2] == 1000 * UNIT && rig_newest(r)->arg[1] == 500);
    rig_close(r);
}

/* It has bought 450 at 200 on a million: at 177 it has lost 10,350, with a limit of 10,000; the hedge
 * counts. */
Test(crowd, a_maker_leaves_when_it_has_lost_too_much)
{
    const char *const overrides[] = {"nodes.maker.agent.loss_limit_usd=10000"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *maker = funded(r, 200 * USD);
    give(r, maker, 450 * UNIT, 40);
    rig_turn(r, maker);
    for (int64_t price = 199; price >= 177; price--) {
        rig_post(r, 0, price * USD, 1);
        r->now += 4 * FL_SECOND;
        rig_quote(r, maker, price * USD);
        rig_turn(r, maker);
        const bool left = 450 * (200 - price) > 10000;
        cr_assert_eq(rig_observe(maker, 3), left, "at %lld", (long long)price);
        if (left) cr_assert(rig_newest(r)->kind == FL_TX_QUOTE && rig_newest(r)->arg[2] == 0);
    }
    rig_block(r); /* takes it */
    for (int i = 0; i < 50; i++) {
        r->now += 30 * FL_SECOND;
        rig_quote(r, maker, (178 + i) * USD);
        rig_turn(r, maker);
        cr_assert_eq(r->pooled, 0, "for good");
    }
    rig_close(r);
}

/* What sells half the depth moves the mid by 0.5 % in calm, by more in unrest, never by more than the
 * floor allows. */
Test(crowd, a_venue_thins)
{
    const char *const overrides[] = {"nodes.venue.market.thins=1",
                                     "nodes.venue.market.thin_floor=0.25",
                                     "nodes.venue.market.calm_volatility=0.001"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *venue = rig_actor(r, "venue", FL_MARKET);
    struct fl_event tick = rig_event(r, FL_CALL), order = rig_event(r, FL_MSG);
    tick.msg.family = FL_SOURCE;
    tick.msg.kind = FL_FUNDAMENTAL;
    order.msg.kind = FL_ORDER;
    order.msg.value[0] = -10000 * UNIT;
    for (int i = 0; i < 600; i++) {
        tick.now = order.now = r->now += FL_SECOND;
        tick.msg.word[0] = (uint64_t)i;
        tick.msg.value[0] = 200 * USD + i % 2 * 100000; /* 0.05 % */
        rig_step(r, venue, &tick);
    }
    cr_assert_eq(rig_observe(venue, 4), 20000 * UNIT);
    order.msg.word[1] = 1;
    rig_step(r, venue, &order);
    cr_assert_eq(rig_observe(venue, 2), -5000);
    tick.now = order.now = r->now += 3600 * FL_SECOND;
    for (int i = 600; i < 900; i++) {
        tick.now = order.now = r->now += FL_SECOND;
        tick.msg.word[0] = (uint64_t)i;
        tick.msg.value[0] = 200 * USD + i % 2 * 4000000; /* 2 % */
        rig_step(r, venue, &tick);
    }
    cr_assert_eq(rig_observe(venue, 4), 5000 * UNIT);
    order.msg.word[1] = 2;
    rig_step(r, venue, &order);
    cr_assert_float_eq((double)rig_observe(venue, 2), -20000, 1);
    cr_assert_float_eq((double)rig_observe(venue, 5), -20000, 1);
    rig_close(r);
}

/* ------------------------------------------------------------------------------------------------
 * Arbitrage
 * --------------------------------------------------------------------------------------------- */

/* A book on the exchange, and a mid price at the venue. */
static void places(struct rig *r, struct fl_actor *arb, int64_t bid, int64_t ask, int64_t mid)
{
    rig_clerk(r, BOARD_POST, (int64_t[5]){mid, bid, ask, 1000, 0});
    rig_block(r);
    rig_quote(r, arb, mid);
}

static void fill(struct rig *r, struct fl_actor *arb, int64_t price)
{
    struct fl_event in = rig_event(r, FL_MSG);
    in.msg.kind = FL_FILLED;
    in.msg.from = rig_actor(r, "venue", FL_MARKET)->self.endpoint;
    in.msg.word[0] = r->order.word[0];
    in.msg.word[1] = r->order.word[1];
    in.msg.value[0] = r->order.value[0];
    in.msg.value[1] = price;
    rig_step(r, arb, &in);
}

static struct fl_actor *arbitrageur(struct rig *r)
{
    struct fl_actor *arb = rig_actor(r, "arb", FL_AGENT);
    const struct fl_event start = rig_event(r, FL_START);
    rig_step(r, arb, &start);
    cr_assert(rig_newest(r)->kind == FL_TX_DEPOSIT && rig_newest(r)->arg[0] == 100000 * USD);
    places(r, arb, 199900000, 200100000, 200 * USD);
    rig_head(r, arb);
    cr_assert_eq(r->pooled, 0, "no gap");
    return arb;
}

/* 0.1 % of fees and 0.1 % of its own: it sells above 200.40, at most 20 at a time, 50 in all; buys
 * the same at the venue; and takes it back when the ask is at 200.10. */
Test(crowd, arbitrage_sells_dear_and_buys_cheap)
{
    struct rig *r = rig_open(NULL, 0);
    struct fl_actor *arb = arbitrageur(r);
    const uint32_t account = arb->self.account_first;
    places(r, arb, 200400000, 200600000, 200 * USD);
    rig_head(r, arb);
    cr_assert_eq(r->pooled, 0, "just no gain");
    static const int64_t sold[] = {20, 40, 50, 50};
    for (size_t i = 0; i < LENGTH(sold); i++) {
        places(r, arb, 200401000, 200600000, 200 * USD);
        rig_head(r, arb);
        if (i < 3)
            cr_assert(rig_newest(r)->kind == FL_TX_TRADE && rig_newest(r)->arg[1] == 200400000);
        else
            cr_assert_eq(r->pooled, 0, "that is all it may hold");
        rig_turn(r, arb);
        cr_assert_eq(rig_balance(r, account).size[0], -sold[i] * UNIT);
        if (i < 3) {
            cr_assert_eq(r->order.value[0], i < 2 ? 20 * UNIT : 10 * UNIT);
            cr_assert_eq(r->pooled, 0, "not before it is hedged");
            fill(r, arb, 200 * USD);
        }
    }
    cr_assert_eq(rig_observe(arb, 1), -50 * UNIT);
    cr_assert_eq(rig_observe(arb, 0), 50 * 401000, "50 at 200.401 less 200");
    cr_assert_eq(r->orders, 3);

    places(r, arb, 200050000, 200101000, 200 * USD);
    rig_head(r, arb);
    cr_assert_eq(r->pooled, 0, "not closed yet");
    places(r, arb, 200050000, 200100000, 200 * USD);
    rig_head(r, arb);
    cr_assert(rig_newest(r)->arg[0] == 20 * UNIT && rig_newest(r)->arg[1] == 200100000);
    rig_turn(r, arb);
    cr_assert_eq(r->order.value[0], -20 * UNIT);
    fill(r, arb, 200 * USD);
    cr_assert_eq(rig_observe(arb, 0), 50 * 401000 - 20 * 100000);

    /* The other way, through zero: buys below 199.60. */
    places(r, arb, 199300000, 199600000, 200 * USD);
    rig_head(r, arb);
    cr_assert_eq(rig_newest(r)->arg[0], 20 * UNIT, "only because the gap is closed");
    rig_turn(r, arb);
    fill(r, arb, 200 * USD);
    places(r, arb, 199300000, 199599000, 200 * USD);
    rig_head(r, arb);
    cr_assert(rig_newest(r)->arg[0] == 20 * UNIT && rig_newest(r)->arg[1] == 199600000);
    rig_close(r);
}

/* What it saw of the venue is old, or its collateral is used up: no trade. */
Test(crowd, arbitrage_is_limited)
{
    const char *const overrides[] = {"nodes.arb.agent.position_max=1000000",
                                     "nodes.arb.agent.size=1000000"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *arb = arbitrageur(r);
    places(r, arb, 210 * USD, 211 * USD, 200 * USD);
    r->now += FL_SECOND;
    rig_quote(r, arb, 200 * USD);
    r->now += 3600 * FL_SECOND;
    rig_head(r, arb);
    cr_assert_eq(r->pooled, 0);
    rig_quote(r, arb, 200 * USD);
    rig_quote(r, arb, 200 * USD);
    rig_head(r, arb);
    cr_assert_eq(rig_newest(r)->arg[0], -2500 * UNIT, "5 times 100,000 at 200");
    const struct fl_tx first = *rig_newest(r);
    r->pooled = 0; /* lost */
    for (int i = 1; i <= 6; i++) {
        rig_head(r, arb);
        cr_assert_eq(r->pooled, (uint32_t)i / 3);
    }
    cr_assert_eq(memcmp(rig_newest(r), &first, sizeof first), 0, "the same again");
    rig_close(r);
}

/* Traders push a book about, a percent for each 100 units; the venue stands. Mean distance of the
 * book's middle from the venue over 400 blocks, in 10^-6 USD. */
static double mean_gap(bool with)
{
    struct rig *r = rig_open(NULL, 0);
    struct fl_actor *arb = arbitrageur(r);
    rig_clerk(r, BOARD_SLOPE, (int64_t[5]){100 * UNIT, 1, 0, 0, 0});
    uint64_t random = 17, nonce = 0;
    const struct fl_self *noise = &rig_actor(r, "trader", FL_AGENT)->self;
    double sum = 0;
    for (int i = 0; i < 400; i++) {
        struct fl_tx tx = {.account = noise->account_first,
                           .contract = EXCHANGE,
                           .kind = FL_TX_TRADE,
                           .nonce = ++nonce,
                           .arg = {(int64_t)(splitmix(&random) % 21 - 10) * UNIT, 0, 0}};
        if (tx.arg[0] == 0) tx.arg[0] = UNIT;
        tx.tag = fl_sign(noise, fl_tx_digest(&tx), r->out);
        r->pool[r->pooled++] = tx;
        rig_block(r);
        rig_quote(r, arb, 200 * USD);
        const uint32_t orders = r->orders;
        if (with) rig_head(r, arb);
        if (r->orders > orders) fill(r, arb, 200 * USD);
        struct fl_market_terms terms;
        const struct fl_query ask = {.contract = EXCHANGE, .kind = FL_ASK_MARKET};
        cr_assert_eq(fl_ledger_query(r->world->ledger, r->head, &ask, &terms, sizeof terms),
                     FL_READ_OK);
        sum += fabs((double)(terms.bid + terms.ask) / 2 - 200e6);
    }
    if (with) cr_assert_gt(rig_observe(arb, 0), 0, "it gains by that");
    rig_close(r);
    return sum / 400;
}

Test(crowd, arbitrage_keeps_the_book_near_the_venue)
{
    const double without = mean_gap(false), with = mean_gap(true);
    cr_assert_lt(2 * with, without, "%g with, %g without", with, without);
}

/* The whole of it: makers who follow slowly, two markets, a crowd. Arbitrageurs who may hold next to
 * nothing only look on; their mean gap is that of a book left alone. */
Test(crowd, arbitrage_narrows_the_gap_of_a_whole_exchange)
{
    static const char *const idle[] = {"nodes.eth-arbitrageur.agent.position_max=0.000001",
                                       "nodes.btc-arbitrageur.agent.position_max=0.000001"};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct fl_test_run with = fl_test_run_file("scenarios/arbitrage.json", NULL, 0, seed);
        struct fl_test_run without =
            fl_test_run_file("scenarios/arbitrage.json", idle, LENGTH(idle), seed);
        cr_assert_eq(fl_test_final(&without, "arbitrage.trades"), 0);
        const int64_t narrow = fl_test_final(&with, "arbitrage.gap");
        const int64_t wide = fl_test_final(&without, "arbitrage.gap");
        cr_assert(narrow > 0 && 5 * narrow < 4 * wide, "seed %u: %lld, %lld ppm", (unsigned)seed,
                  (long long)narrow, (long long)wide);
        cr_assert_gt(fl_test_final(&with, "arbitrage.profit"), 0);
        fl_test_run_free(&with);
        fl_test_run_free(&without);
    }
}

/* The same shock sinks further, and liquidates more, where the venue is shallow; and at no depth does
 * the true price move. */
Test(crowd, a_cascade_feeds_on_a_shallow_venue)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct fl_test_run shallow =
            fl_test_run_file("scenarios/cascade-feedback.json", NULL, 0, seed);
        struct fl_test_run deep =
            fl_test_run_file("scenarios/cascade-feedback-deep.json", NULL, 0, seed);
        cr_assert_lt(fl_test_final(&shallow, "market.impact_lowest"),
                     fl_test_final(&deep, "market.impact_lowest") - 50000);
        cr_assert_gt(fl_test_final(&shallow, "ledger.liquidated"),
                     2 * fl_test_final(&deep, "ledger.liquidated"));
        cr_assert_gt(fl_test_final(&shallow, "traders.panics"),
                     2 * fl_test_final(&deep, "traders.panics"));
        cr_assert_eq(fl_test_final(&shallow, "market.fundamental"),
                     fl_test_final(&deep, "market.fundamental"));
        fl_test_run_free(&shallow);
        fl_test_run_free(&deep);
    }
}
