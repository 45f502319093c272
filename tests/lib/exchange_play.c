/* Random transactions on random exchanges (exchange_play.h). */
#include "tests/lib/exchange_play.h"
#include "tests/lib/exchange_lab.h"

#include <inttypes.h>
#include <stdio.h>

enum { BATCHES = 60, TXS = 24, MARKETS = 6, TRADERS = 40, KEEPER_CHOSEN = 4 /* of the policies */ };

/* Laid out as the parameters of book_median. */
static const struct {
    fl_time basis_window, mid_window;
} windows = {150 * FL_SECOND, 30 * FL_SECOND};

static const struct fl_model *const policies[EXCHANGE_POLICIES] = {
    &fl_model_nobody, &fl_model_pseudo_random, &fl_model_ranked, &fl_model_pro_rata,
    &fl_model_keeper_chosen};

struct play {
    struct xlab *x;
    struct exchange_tally *tally;
    uint64_t seed, random;
    uint32_t markets, policy;
    bool wild;  /* amounts of any magnitude; else such as traders use */
    bool still; /* the end of a block changes nothing */
    int64_t price[MARKETS];
    struct fl_totals totals; /* as the last batch left them */
};

/* --- numbers ---------------------------------------------------------------------------------------- */

static int64_t between(struct play *play, int64_t low, int64_t high)
{
    return lab_between(&play->random, low, high);
}

static bool chance(struct play *play, int64_t one_in)
{
    return between(play, 1, one_in) == 1;
}

/* Of any magnitude up to `most`, now and then the bound itself, just beyond it, or a bound of the type. */
static int64_t any_number(struct play *play, int64_t most)
{
    const int64_t edge[] = {0, 1, -1, most, -most, most + 1, -most - 1, INT64_MAX, INT64_MIN};
    if (chance(play, 12)) return edge[between(play, 0, sizeof edge / sizeof *edge - 1)];
    const int64_t value = between(play, 0, most) >> between(play, 0, 49);
    return chance(play, 4) ? -value : value;
}

static int64_t either(struct play *play, int64_t value)
{
    return chance(play, 2) ? value : -value;
}

/* Size worth so much, in whole lots. */
static int64_t size_worth(struct play *play, uint32_t market, int64_t money)
{
    const int64_t lot = play->x->market[market].lot;
    const fl_i128 size = (fl_i128)money * USD / play->price[market] / lot * lot;
    return size > FL_SIZE_ASKED_MAX ? FL_SIZE_ASKED_MAX : size < lot ? lot : (int64_t)size;
}

/* --- a world ---------------------------------------------------------------------------------------- */

static int64_t one_of(struct play *play, const int64_t *values, uint32_t count)
{
    return values[between(play, 0, count - 1)];
}
#define ONE_OF(play, ...)                          \
    one_of((play), (const int64_t[]){__VA_ARGS__}, \
           sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static void draw_market(struct play *play, uint32_t i)
{
    struct fl_exchange_market *m = &play->x->market[i];
    m->initial_ppm = ONE_OF(play, 20000, 50000, 50000, 100000, 100000, 333333, 1000000, 1);
    m->maintenance_fraction_ppm = ONE_OF(play, 600000, 500000, 600000, 1000000, 999999, 1);
    m->tick = ONE_OF(play, 1, 1, 1000, 100003);
    m->lot = ONE_OF(play, 1, 1, 1000, 10007);
    m->impact_notional = ONE_OF(play, 1, 10000 * USD, FL_AMOUNT_MAX);
    m->default_funding_ppm = ONE_OF(play, 0, 100, -100000, 1000000);
    if (chance(play, 3)) {
        m->oi_lower = ONE_OF(play, 0, 10000 * USD);
        m->oi_upper = ONE_OF(play, 200000 * USD, FL_MONEY_MAX);
    }
    play->price[i] = play->wild ? 1 + fl_abs(any_number(play, 1000000000000000) % 1000000000000000)
                                : ONE_OF(play, 100 * USD, 2385 * USD, USD / 50);
}

static void draw_limits(struct play *play)
{
    struct fl_exchange *e = &play->x->exchange;
    e->liquidation.max_fee_ppm = ONE_OF(play, 15000, 5000, 0, 1000000);
    e->liquidation.bankruptcy_adjustment_ppm = ONE_OF(play, 1000000, 0, 1000000000);
    e->liquidation.spread_to_maintenance_ppm = ONE_OF(play, 1500000, 100000, 0, 1000000000);
    e->liquidation.min_notional = ONE_OF(play, 1000 * USD, 0, 100 * USD, FL_MONEY_MAX);
    e->liquidation.portion_ppm = ONE_OF(play, 1000000, 100000, 0, 333333);
    e->account_notional = ONE_OF(play, FL_MONEY_MAX, 500 * USD, 1, 0);
    e->account_insurance = ONE_OF(play, FL_MONEY_MAX, FL_MONEY_MAX, 20 * USD, 0);
    e->insurance_per_block = ONE_OF(play, FL_MONEY_MAX, FL_MONEY_MAX, 50 * USD, 1);
    e->deleveragings_per_block = ONE_OF(play, 1000, 1000, 3, 0);
}

static void draw_exchange(struct play *play)
{
    struct fl_exchange *e = &play->x->exchange;
    play->policy = (uint32_t)between(play, 0, EXCHANGE_POLICIES - 1);
    e->deleveraging.model = policies[play->policy];
    e->trading_fee_ppm = ONE_OF(play, 0, 0, 0, 500, 500, 1000000);
    e->liquidator_share_ppm = ONE_OF(play, 500000, 0, 1000000, 333333);
    e->insurance_fund = ONE_OF(play, 0, 0, 1, 300 * USD, FL_MONEY_MAX);
    e->positions_per_account = ONE_OF(play, FL_MARKETS_MAX, 1, 2);
    if (chance(play, 2)) draw_limits(play);
    play->still = chance(play, 3);
    if (play->still) return;
    if (chance(play, 2)) e->mark = (struct fl_submodel){&fl_model_book_median, &windows};
    e->liquidations_per_block = ONE_OF(play, 0, 1, 5, 1000);
    e->funding_tick = ONE_OF(play, 0, 60 * FL_SECOND, 100 * FL_SECOND, 3600 * FL_SECOND);
    e->funding_sample = ONE_OF(play, 60 * FL_SECOND, 100 * FL_SECOND, 1500000000);
    e->funding_votes = ONE_OF(play, 1, 15, 64);
    e->funding_clamp_ppm = ONE_OF(play, 6000000, 0, 1000000000);
    e->premium_limit_ppm = ONE_OF(play, 60000000, 1000000000, 0);
    if (e->funding_tick / e->funding_sample > FL_FUNDING_SLOTS) e->funding_sample = 60 * FL_SECOND;
}

static void play_open(struct play *play)
{
    play->x = xlab_new();
    play->wild = chance(play, 3);
    play->markets = (uint32_t)between(play, 1, MARKETS);
    draw_exchange(play);
    for (uint32_t i = 0; i < play->markets; i++) draw_market(play, i);
    xlab_open(play->x, play->markets, (uint32_t)ONE_OF(play, 1, 2, 3, 10),
              (uint32_t)ONE_OF(play, 1, 2, 8, 8, TRADERS));
    play->totals = xlab_totals(play->x);
}

/* --- transactions ----------------------------------------------------------------------------------- */

static uint32_t anyone(struct play *play)
{
    return (uint32_t)between(play, chance(play, 6) ? XLAB_MAKER : play->x->first,
                             play->x->accounts - 1);
}

static uint32_t a_maker(struct play *play)
{
    return XLAB_MAKER + (uint32_t)between(play, 0, play->x->makers - 1);
}

static uint32_t a_market(struct play *play)
{
    return (uint32_t)between(play, 0, play->markets - 1);
}

static void add_report(struct play *play)
{
    const uint32_t i = a_market(play);
    const int64_t spread = chance(play, 6) ? 400000 : 40000;
    const fl_i128 moved = (fl_i128)play->price[i] * (1000000 + between(play, -spread, spread));
    play->price[i] = fl_clamp((int64_t)(moved / 1000000), 1, FL_ORACLE_PRICE_MAX);
    if (play->wild && chance(play, 6))
        play->price[i] = fl_clamp(fl_abs(any_number(play, FL_ORACLE_PRICE_MAX) / 2 * 2 + 1), 1,
                                  FL_ORACLE_PRICE_MAX);
    xlab_report(play->x, i, play->price[i]);
}

static void add_quote(struct play *play)
{
    const uint32_t i = a_market(play);
    const int64_t off = chance(play, 12) ? 300000 : 4000;
    const fl_i128 mid = (fl_i128)play->price[i] * (1000000 + between(play, -off, off)) / 1000000;
    const int64_t depth =
        play->wild ? any_number(play, FL_SIZE_ASKED_MAX)
                   : size_worth(play, i, between(play, 1, 3000) * ONE_OF(play, 1, 10, 1000) * USD);
    const bool astray = play->wild && chance(play, 8);
    xlab_tx(play->x, chance(play, 50) ? anyone(play) : a_maker(play), FL_TX_QUOTE,
            astray ? any_number(play, FL_QUOTE_MID_MAX) : (int64_t)mid,
            chance(play, 20) ? any_number(play, 500000) : ONE_OF(play, 0, 0, 300, 1000), depth,
            chance(play, 40) ? any_number(play, play->markets) : i);
}

/* Near what the account's collateral allows, either way. */
static int64_t bold_size(struct play *play, uint32_t who, uint32_t market)
{
    const fl_i128 most = (fl_i128)fl_max(xlab_account(play->x, who).equity, USD) * 1000000 /
                         play->x->market[market].initial_ppm;
    const int64_t money = most > FL_AMOUNT_MAX ? FL_AMOUNT_MAX : (int64_t)most;
    return size_worth(play, market, fl_mul_div_floor(money, between(play, 1, 110), 100));
}

static void add_trade(struct play *play, uint32_t who)
{
    const uint32_t i = a_market(play);
    const int64_t lot = play->x->market[i].lot;
    int64_t size = either(play, bold_size(play, who, i));
    if (play->wild && chance(play, 3)) size = any_number(play, FL_SIZE_ASKED_MAX) / lot * lot;
    if (play->wild && chance(play, 20)) size = any_number(play, FL_SIZE_ASKED_MAX);
    if (chance(play, 10)) size = -xlab_size(play->x, who, i);
    const int64_t limit = chance(play, 6)    ? play->price[i]
                          : chance(play, 40) ? any_number(play, FL_ORACLE_PRICE_MAX)
                                             : 0;
    xlab_tx(play->x, who, FL_TX_TRADE, size, limit,
            chance(play, 40) ? any_number(play, play->markets) : i, 0);
}

/* Whom to liquidate: the worst, somebody below maintenance, or just anyone. */
static int64_t victim(struct play *play)
{
    struct fl_liquidatable list;
    lab_ask(&play->x->lab, XLAB_EXCHANGE, FL_ASK_LIQUIDATABLE, 0, &list, sizeof list);
    if (list.count == 0 || chance(play, 8))
        return chance(play, 4) ? any_number(play, play->x->accounts) : anyone(play);
    return list.at[between(play, 0, list.count - 1)].account;
}

static int64_t which_market(struct play *play)
{
    return chance(play, 2)    ? 0
           : chance(play, 30) ? any_number(play, play->markets)
                              : 1 + (int64_t)a_market(play);
}

static void add_tx(struct play *play)
{
    struct xlab *x = play->x;
    const uint32_t who = anyone(play); /* never the reporter: it keeps no account */
    const int64_t roll = between(play, 0, 99);
    const int64_t most = FL_AMOUNT_MAX;
    if (roll < 16) {
        add_report(play);
    } else if (roll < 32) {
        add_quote(play);
    } else if (roll < 42) {
        const bool maker = chance(play, 3);
        xlab_tx(x, maker ? a_maker(play) : who, FL_TX_DEPOSIT,
                play->wild ? any_number(play, most)
                           : between(play, -1, maker ? 1000000 * USD : 300 * USD),
                0, 0, 0);
    } else if (roll < 46) {
        xlab_tx(x, who, FL_TX_WITHDRAW,
                play->wild ? any_number(play, most) : between(play, 0, 200 * USD), 0, 0, 0);
    } else if (roll < 74) {
        add_trade(play, who);
    } else if (roll < (play->policy == KEEPER_CHOSEN ? 84 : 97)) {
        xlab_tx(x, chance(play, 2) ? XLAB_REPORTER : who, FL_TX_LIQUIDATE, victim(play),
                which_market(play), 0, 0);
    } else if (roll < 99) {
        const int64_t one = victim(play);
        xlab_tx(x, who, FL_TX_DELEVERAGE, one, which_market(play),
                chance(play, 4)    ? one
                : chance(play, 20) ? any_number(play, x->accounts)
                                   : anyone(play),
                0);
    } else {
        xlab_tx(x, who, (uint16_t)between(play, 0, 9), any_number(play, INT64_MAX - 1),
                any_number(play, INT64_MAX - 1), any_number(play, INT64_MAX - 1),
                any_number(play, INT64_MAX - 1));
    }
}

/* --- what must hold ---------------------------------------------------------------------------------- */

/* The records of this batch add up to what the totals have gained. */
static void follow_records(struct play *play, const struct fl_totals *now)
{
    const struct fl_execution *done = &play->x->lab.done;
    fl_i128 part[4] = {0};
    int64_t liquidations = 0, taken_over = 0;
    for (uint32_t i = 0; i < done->record_count; i++) {
        const struct fl_record *r = fl_records_get(play->x->lab.records, done->first_record + i);
        liquidations += r->kind == FL_RECORD_LIQUIDATION;
        taken_over += r->kind == FL_RECORD_DELEVERAGED;
        play->tally->ticks += r->kind == FL_RECORD_FUNDING;
        if (r->kind == FL_RECORD_DELEVERAGED) cr_assert(r->v[3] != 0 && r->v[5] >= 0);
        if (r->kind != FL_RECORD_DEFICIT) continue;
        for (int k = 0; k < 4; k++) {
            cr_assert(r->v[2 + k] >= 0);
            part[k] += r->v[2 + k];
        }
        play->tally->paid += r->v[2] > 0;
        play->tally->adl += r->v[3] > 0;
        play->tally->adl_by_policy[play->policy] += r->v[3] > 0;
        play->tally->socialised += r->v[4] > 0;
        play->tally->outstanding += r->v[5] > 0;
    }
    const struct fl_totals *before = &play->totals;
    cr_assert(part[0] == now->fund_paid - before->fund_paid, "seed %" PRIu64, play->seed);
    cr_assert(part[1] == now->adl - before->adl, "seed %" PRIu64, play->seed);
    cr_assert(part[2] == now->socialised - before->socialised, "seed %" PRIu64, play->seed);
    cr_assert(part[3] == now->outstanding - before->outstanding, "seed %" PRIu64, play->seed);
    cr_assert(liquidations == now->liquidations - before->liquidations);
    cr_assert(taken_over == now->deleveragings - before->deleveragings);
    play->tally->liquidations += (uint64_t)liquidations;
    play->tally->deleveragings += (uint64_t)taken_over;
    play->tally->records += done->record_count;
}

static void recount(struct play *play)
{
    struct xlab *x = play->x;
    const struct fl_totals now = xlab_totals(x);
    xlab_recount(x);
    follow_records(play, &now);
    play->totals = now;
    if (chance(play, 16))
        cr_assert(fl_digest_equal(fl_ledger_state(x->lab.ledger, x->lab.head),
                                  fl_ledger_rehash(x->lab.ledger, x->lab.head)));
}

static bool touches_the_exchange(const struct fl_execution *done)
{
    for (uint32_t i = 0; i < done->change_count; i++)
        if (done->changes[i].contract == XLAB_EXCHANGE) return true;
    return false;
}

static void run(struct play *play)
{
    struct lab *lab = &play->x->lab;
    lab_run(lab);
    play->tally->batches++;
    play->tally->transactions += lab->done.receipt_count;
    for (uint32_t i = 0; i < lab->done.receipt_count; i++) {
        const struct fl_receipt *receipt = &lab->done.receipts[i];
        if (receipt->contract != XLAB_EXCHANGE) continue;
        cr_assert_lt(receipt->code, EXCHANGE_CODES);
        play->tally->code[receipt->code]++;
    }
    recount(play);
}

/* What everybody may ask is the same at two versions. */
static void expect_alike(struct play *play, fl_version one, fl_version other)
{
    struct xlab *x = play->x;
    struct fl_totals totals[2];
    x->lab.head = one;
    totals[0] = xlab_totals(x);
    x->lab.head = other;
    totals[1] = xlab_totals(x);
    cr_assert_eq(memcmp(&totals[0], &totals[1], sizeof *totals), 0, "seed %" PRIu64, play->seed);
    for (uint32_t i = 0; i < x->accounts; i++) {
        struct fl_account a;
        x->lab.head = one;
        a = xlab_account(x, i);
        x->lab.head = other;
        const struct fl_account b = xlab_account(x, i);
        cr_assert(a.quote == b.quote && a.unsettled == b.unsettled && a.equity == b.equity &&
                      a.positions == b.positions,
                  "seed %" PRIu64 ", account %u", play->seed, i);
    }
    x->lab.head = one;
}

/* A transaction alone in its batch: refused, it leaves no trace but its nonce, in the rows of the batch, or,
 * where the end of a block changes rows of its own, beside an empty batch on the same parent. */
static void play_alone(struct play *play)
{
    struct lab *lab = &play->x->lab;
    const fl_version parent = lab->head;
    lab_begin(lab, play->x->now);
    add_tx(play);
    run(play);
    if (lab->done.receipts[0].status != FL_TX_REVERTED) return;
    play->tally->traceless++;
    if (play->still) {
        cr_assert_not(touches_the_exchange(&lab->done), "seed %" PRIu64, play->seed);
        cr_assert_eq(lab->done.record_count, 0);
        return;
    }
    const fl_version refused = lab->head;
    lab->head = parent;
    lab_begin(lab, play->x->now);
    lab_run(lab);
    expect_alike(play, refused, lab->head);
}

/* A liquidation alone in its batch, sent by one who never trades: what the account gained is what the fill
 * brought, less what the fund took, plus what was socialised; the fund's and the sender's gains are the
 * fund's delta. */
static void play_liquidation(struct play *play)
{
    struct xlab *x = play->x;
    const int64_t who = victim(play);
    if (!play->still || who < x->first || who >= x->accounts) {
        play_alone(play);
        return;
    }
    const struct fl_account before = xlab_account(x, (uint32_t)who);
    const int64_t sender = xlab_account(x, XLAB_REPORTER).quote;
    const struct fl_totals totals = xlab_totals(x);
    lab_begin(&x->lab, x->now);
    xlab_tx(x, XLAB_REPORTER, FL_TX_LIQUIDATE, who, which_market(play), 0, 0);
    run(play);
    if (x->lab.done.receipts[0].status != FL_TX_OK) return;
    cr_assert(before.priced && !before.maker && before.maintenance > 0);
    cr_assert_leq(before.equity, before.maintenance); /* both may be cut short at int64 */
    const struct fl_account after = xlab_account(x, (uint32_t)who);
    const struct fl_totals now = xlab_totals(x);
    const struct fl_record *note = fl_records_get(
        x->lab.records,
        fl_records_find(x->lab.records, FL_RECORD_LIQUIDATION, who, now.liquidations));
    cr_assert(note->v[3] != 0);
    cr_assert((fl_i128)after.quote - before.quote ==
                  (fl_i128)note->v[4] - note->v[5] + now.socialised - totals.socialised,
              "seed %" PRIu64, play->seed);
    cr_assert((fl_i128)now.fund - totals.fund + xlab_account(x, XLAB_REPORTER).quote - sender ==
                  note->v[5],
              "seed %" PRIu64, play->seed);
    play->tally->balanced++;
}

static void play_batch(struct play *play)
{
    struct xlab *x = play->x;
    if (chance(play, 3)) x->now += FL_SECOND * ONE_OF(play, 1, 1, 4, 30);
    if (chance(play, 30)) x->now += FL_SECOND * ONE_OF(play, 61, 1001, 20000);
    if (chance(play, 3)) {
        play_alone(play);
    } else if (chance(play, play->still ? 2 : 4)) {
        play_liquidation(play);
    } else {
        lab_begin(&x->lab, x->now);
        for (int64_t i = between(play, 1, TXS); i > 0; i--) add_tx(play);
        run(play);
    }
    if (chance(play, 3)) fl_ledger_advance(x->lab.ledger, x->lab.head);
}

static void play_world(struct play *play)
{
    play_open(play);
    lab_begin(&play->x->lab, play->x->now);
    for (uint32_t i = 0; i < play->markets; i++) xlab_report(play->x, i, play->price[i]);
    for (uint32_t i = 1; i < play->x->accounts; i++)
        xlab_tx(play->x, i, FL_TX_DEPOSIT,
                play->wild ? fl_abs(any_number(play, FL_AMOUNT_MAX) / 2)
                           : between(play, 1, i < play->x->first ? 1000000 : 300) * USD,
                0, 0, 0);
    for (uint32_t i = 0; i < 4 * play->markets; i++) add_quote(play);
    run(play);
    for (int i = 0; i < BATCHES; i++) play_batch(play);
    xlab_free(play->x);
    play->tally->worlds++;
}

void exchange_play(uint64_t seed, uint64_t transactions, struct exchange_tally *tally)
{
    for (; tally->transactions < transactions; seed++) {
        struct play play = {.tally = tally, .seed = seed, .random = seed};
        if (getenv("FL_TELL")) fprintf(stderr, "seed %" PRIu64 "\n", seed);
        cr_log_info("seed %llu", (unsigned long long)seed);
        play_world(&play);
    }
}

void exchange_tell(const struct exchange_tally *t)
{
    static const char *const code[EXCHANGE_CODES] = {
        "accepted", "no price", "no quote", "limit",       "margin",
        "healthy",  "sender",   "argument", "block limit", "fund"};
    fprintf(stderr, "%" PRIu64 " exchanges, %" PRIu64 " batches, %" PRIu64 " transactions:\n",
            t->worlds, t->batches, t->transactions);
    for (int i = 0; i < EXCHANGE_CODES; i++)
        fprintf(stderr, "  %-12s %" PRIu64 "\n", code[i], t->code[i]);
    fprintf(stderr,
            "%" PRIu64 " alone and refused, %" PRIu64 " liquidations followed; %" PRIu64
            " liquidations, %" PRIu64 " deleveragings, %" PRIu64 " ticks of funding\n"
            "deficits: fund %" PRIu64 ", adl %" PRIu64 ", socialised %" PRIu64
            ", outstanding %" PRIu64 "\n",
            t->traceless, t->balanced, t->liquidations, t->deleveragings, t->ticks, t->paid, t->adl,
            t->socialised, t->outstanding);
}
