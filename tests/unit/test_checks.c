/* The checks, each against a clean story and against broken twins: worlds that are wrong in exactly
 * one way, of which the check must speak.
 *
 * The engine is replaced: fl_read and its like are answered here, by an exchange in a few lines. */
#include "models/wire.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

extern const struct fl_model fl_model_agreement, fl_model_conservation, fl_model_solvency;

/* ------------------------------------------------------------------------------------------------
 * An engine of our own
 * --------------------------------------------------------------------------------------------- */

enum { ACCOUNTS = 12, EXCHANGE = 3, FUNDAMENTAL = 5, LIQUIDITY = 11, CORRUPTED = 2 };
enum { MARKETS = 3, MAINTENANCE = 30000 };

/* What an account holds in market 0; `more` has the other markets'. */
struct client {
    int64_t quote, unsettled, size;
};
struct fl_reader {
    struct client account[ACCOUNTS];
    int64_t more[ACCOUNTS][MARKETS]; /* [..][0] is not used */
    struct fl_totals totals;
    int64_t fundamental[MARKETS]; /* of observables FUNDAMENTAL and the next */
    int64_t unscaled_ppm[MARKETS], fraction_ppm[MARKETS];
    uint16_t markets;
    bool absent; /* no such exchange */
    int64_t interest_off;
};

static int64_t size_of(const struct fl_reader *r, uint32_t account, uint32_t market)
{
    return market == 0 ? r->account[account].size : r->more[account][market];
}

static struct fl_positions positions_of(const struct fl_reader *r, uint32_t account)
{
    struct fl_positions held = {.count = 0};
    for (uint32_t m = 0; m < r->markets; m++) {
        const int64_t size = size_of(r, account, m);
        if (size != 0) held.at[held.count++] = (struct fl_holding){.market = m, .size = size};
    }
    return held;
}

static struct fl_market_terms terms_of(const struct fl_reader *r, uint32_t market)
{
    int64_t longs = 0;
    for (uint32_t i = 0; i < ACCOUNTS; i++) longs += fl_max(size_of(r, i, market), 0);
    return (struct fl_market_terms){.unscaled_ppm = r->unscaled_ppm[market],
                                    .maintenance_fraction_ppm = r->fraction_ppm[market],
                                    .liquidity_account = LIQUIDITY,
                                    .accounts = ACCOUNTS,
                                    .markets = r->markets,
                                    .open_interest = longs + (market == 1 ? r->interest_off : 0)};
}

enum fl_read_status fl_read(const struct fl_view *view, const struct fl_query *query, void *out,
                            size_t bytes)
{
    const struct fl_reader *const r = view->reader;
    cr_assert_eq(query->contract, EXCHANGE);
    if (r->absent) return FL_READ_UNKNOWN;
    const uint32_t arg = (uint32_t)query->arg[0];
    struct fl_account account;
    struct fl_positions held;
    struct fl_market_terms terms;
    switch ((enum fl_question)query->kind) {
    case FL_ASK_ACCOUNT:
        account = (struct fl_account){.quote = r->account[arg].quote,
                                      .unsettled = r->account[arg].unsettled,
                                      .positions = positions_of(r, arg).count,
                                      .priced = 1,
                                      .maker = arg == LIQUIDITY};
        memcpy(out, &account, bytes);
        return FL_READ_OK;
    case FL_ASK_POSITIONS:
        held = positions_of(r, arg);
        memcpy(out, &held, bytes);
        return FL_READ_OK;
    case FL_ASK_MARKET:
        if (arg >= r->markets) return FL_READ_UNKNOWN;
        terms = terms_of(r, arg);
        memcpy(out, &terms, bytes);
        return FL_READ_OK;
    case FL_ASK_TOTALS:
        memcpy(out, &r->totals, bytes);
        return FL_READ_OK;
    case FL_ASK_PRICE:
    case FL_ASK_LIQUIDATABLE:
        break;
    }
    return FL_READ_UNKNOWN;
}

const void *fl_blob_data(const struct fl_view *view, fl_blob blob, uint32_t *bytes)
{
    (void)view;
    (void)blob;
    (void)bytes;
    return NULL;
}

int64_t fl_watch_observe(const struct fl_watch *watch, uint32_t observable)
{
    cr_assert_lt(observable - FUNDAMENTAL, MARKETS);
    return watch->view.reader->fundamental[observable - FUNDAMENTAL];
}

bool fl_watch_honest(const struct fl_watch *watch, uint32_t endpoint)
{
    (void)watch;
    return endpoint != CORRUPTED;
}

/* ------------------------------------------------------------------------------------------------
 * Looking on
 * --------------------------------------------------------------------------------------------- */

struct conservation_params {
    uint32_t exchange, zero;
    int64_t full_every;
};
struct solvency_params {
    uint32_t exchange, zero;
    struct fl_observables fundamental;
    int64_t tolerance_ppm;
    fl_time missed_after;
};
static const struct conservation_params books = {.exchange = EXCHANGE, .full_every = 1000000};
static const uint32_t fundamentals[] = {FUNDAMENTAL, FUNDAMENTAL + 1, FUNDAMENTAL + 2};
static const struct solvency_params
    truth = {EXCHANGE, 0, {1, 0, fundamentals}, 10000, 60 * FL_SECOND},
    truths = {EXCHANGE, 0, {MARKETS, 0, fundamentals}, 10000, 60 * FL_SECOND};

struct look {
    const struct fl_model *model;
    struct fl_reader world;
    struct fl_facts facts;
    struct fl_watch watch;
    void *state;
    uint32_t records;
};

static void look_open(struct look *l, const struct fl_model *model, const void *params)
{
    memset(l, 0, sizeof *l);
    l->model = model;
    l->facts = (struct fl_facts){.endpoints = 4, .accounts = ACCOUNTS, .contracts = EXCHANGE + 1};
    l->watch = (struct fl_watch){
        .params = params, .facts = &l->facts, .view = {.reader = &l->world, .version = {1}}};
    l->world.markets = 1;
    for (uint32_t m = 0; m < MARKETS; m++) {
        l->world.unscaled_ppm[m] = MAINTENANCE;
        l->world.fraction_ppm[m] = FL_PPM_ONE;
    }
    l->state = calloc(1, model->watch->state_bytes(params, &l->facts));
}

static void look_init(struct look *l)
{
    if (l->model->watch->init) l->model->watch->init(&l->watch, l->state);
}

static void look_close(struct look *l)
{
    free(l->state);
}

static uint32_t see(struct look *l, uint16_t kind, uint32_t endpoint, int64_t a, int64_t b,
                    int64_t c, int64_t d, int64_t e, int64_t f)
{
    const struct fl_record r = {
        .at = l->watch.now, .v = {a, b, c, d, e, f}, .endpoint = endpoint, .kind = kind};
    l->model->watch->record(&l->watch, l->state, ++l->records, &r);
    return l->records;
}

static struct fl_verdict verdict_of(struct look *l)
{
    return l->model->watch->verdict(l->watch.params, l->state);
}

static int64_t observed(const struct look *l, const char *name)
{
    int64_t out[16];
    l->model->watch->observe(l->watch.params, l->state, out);
    for (uint32_t i = 0; l->model->observables[i].name; i++)
        if (strcmp(l->model->observables[i].name, name) == 0) return out[i];
    cr_assert_fail("%s", name);
    return 0;
}

/* A batch that says these accounts changed, and row 0 of the market table. */
static void batch(struct look *l, const uint32_t *account, uint32_t count)
{
    struct fl_change changes[ACCOUNTS + 2] = {{EXCHANGE, 0, 0}, {EXCHANGE - 1, 1, 7}};
    for (uint32_t i = 0; i < count; i++)
        changes[2 + i] = (struct fl_change){EXCHANGE, 1, account[i]};
    l->model->watch->executed(&l->watch, l->state, changes, 2 + count);
}

static void batch_one(struct look *l, uint32_t account)
{
    batch(l, &account, 1);
}

/* ------------------------------------------------------------------------------------------------
 * Agreement
 * --------------------------------------------------------------------------------------------- */

static void decided(struct look *l, uint32_t endpoint, int64_t height, int64_t payload)
{
    see(l, FL_RECORD_DECIDED, endpoint, height, endpoint, payload, -payload, 0, 0);
}

Test(agreement, holds_when_all_say_the_same)
{
    struct look l;
    look_open(&l, &fl_model_agreement, NULL);
    look_init(&l);
    cr_expect_eq(verdict_of(&l).kind, FL_NOT_APPLICABLE);
    for (int64_t h = 1; h <= 5000; h++)
        for (uint32_t e = 0; e < 4; e++)
            decided(&l, e, h, e == CORRUPTED ? 666 : 1000 + h); /* a liar does not count */
    const struct fl_verdict v = verdict_of(&l);
    cr_expect_eq(v.kind, FL_HOLDS);
    cr_expect_eq(v.value[0], 5000);
    look_close(&l);
}

Test(agreement, twin_two_payloads_at_one_height)
{
    struct look l;
    look_open(&l, &fl_model_agreement, NULL);
    look_init(&l);
    l.watch.now = 2385;
    decided(&l, 0, 7, 70);
    decided(&l, 1, 7, 70);
    decided(&l, 3, 7, 71);
    decided(&l, 3, 8, 80);
    decided(&l, 0, 8, 81);
    const struct fl_verdict v = verdict_of(&l);
    cr_expect_eq(v.kind, FL_BROKEN);
    cr_expect_eq(v.value[0], 7);
    cr_expect_eq(v.value[1], 2);
    cr_expect_eq(v.record, 3);
    cr_expect_eq(v.at, 2385);
    look_close(&l);
}

/* Halves of the digest count, both of them. */
Test(agreement, twin_digests_differ_in_one_half)
{
    for (int half = 2; half < 4; half++) {
        struct look l;
        look_open(&l, &fl_model_agreement, NULL);
        look_init(&l);
        see(&l, FL_RECORD_DECIDED, 0, 1, 0, 5, 6, 0, 0);
        see(&l, FL_RECORD_DECIDED, 1, 1, 1, 5 + (half == 2), 6 + (half == 3), 0, 0);
        cr_expect_eq(verdict_of(&l).kind, FL_BROKEN);
        look_close(&l);
    }
}

Test(agreement, what_is_too_old_is_counted)
{
    struct look l;
    look_open(&l, &fl_model_agreement, NULL);
    look_init(&l);
    for (int64_t h = 1; h <= 4097; h++) decided(&l, 0, h, h);
    decided(&l, 1, 2, 2); /* still kept */
    decided(&l, 1, 1, 99);
    decided(&l, 1, -5, 99); /* no height at all */
    cr_expect_eq(verdict_of(&l).kind, FL_HOLDS);
    cr_expect_eq(observed(&l, "agreement.late"), 1);
    look_close(&l);
}

/* ------------------------------------------------------------------------------------------------
 * Conservation
 * --------------------------------------------------------------------------------------------- */

static void deposit(struct look *l, uint32_t account, int64_t amount)
{
    l->world.account[account].quote += amount;
    l->world.totals.deposits += amount;
    see(l, FL_RECORD_DEPOSIT, UINT32_MAX, account, 1, amount, 0, 0, 0);
}

static void withdraw(struct look *l, uint32_t account, int64_t amount)
{
    l->world.account[account].quote -= amount;
    l->world.totals.withdrawals += amount;
    see(l, FL_RECORD_WITHDRAWAL, UINT32_MAX, account, 2, amount, 0, 0, 0);
}

/* `a` buys from `b`, and pays a fee. */
static void trade(struct look *l, uint32_t a, uint32_t b, int64_t size, int64_t quote, int64_t fee)
{
    l->world.account[a].size += size;
    l->world.account[b].size -= size;
    l->world.account[a].quote -= quote + fee;
    l->world.account[b].quote += quote;
    l->world.totals.fees += fee;
}

/* What a deficit of `a` says of one who bears it, and the exchange's count of it. */
static void bears(struct look *l, uint32_t a, int64_t *count, int64_t amount)
{
    const struct fl_totals *const t = &l->world.totals;
    *count += amount;
    l->world.totals.deficit += amount;
    see(l, FL_RECORD_DEFICIT, UINT32_MAX, a, 1, count == &t->fund_paid ? amount : 0,
        count == &t->adl ? amount : 0, count == &t->socialised ? amount : 0,
        count == &t->outstanding ? amount : 0);
}

static int64_t *size_at(struct look *l, uint32_t account, uint32_t market)
{
    return market == 0 ? &l->world.account[account].size : &l->world.more[account][market];
}

/* A deficit of `a` is charged to all with a position: no row but that of `a` changes. */
static void socialise(struct look *l, uint32_t a, int64_t share)
{
    int64_t charged = 0;
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        if (l->world.account[i].size == 0) continue;
        l->world.account[i].quote -= share;
        l->world.account[i].unsettled += share;
        charged += share;
    }
    l->world.account[a].quote += charged;
    l->world.totals.funding -= charged;
    bears(l, a, &l->world.totals.socialised, charged);
}

/* Counterparty `b` takes over a position of `a` for more than it is worth, and `a` has nothing less. */
static void deleverage(struct look *l, uint32_t a, uint32_t b, uint32_t market, int64_t size,
                       int64_t quote, int64_t given_up)
{
    *size_at(l, a, market) -= size;
    *size_at(l, b, market) += size;
    l->world.account[a].quote += quote;
    l->world.account[b].quote -= quote;
    see(l, FL_RECORD_DELEVERAGED, UINT32_MAX, a, 1, b, size, quote, given_up);
    bears(l, a, &l->world.totals.adl, given_up);
}

/* Funding is due of every account with a position, in proportion to nothing: rows do not change. */
static void fund(struct look *l, int64_t share)
{
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        if (l->world.account[i].size == 0) continue;
        const int64_t due = l->world.account[i].size > 0 ? share : -share;
        l->world.account[i].quote -= due;
        l->world.account[i].unsettled += due;
    }
    see(l, FL_RECORD_FUNDING, UINT32_MAX, 0, 1, 100, 7, 0, 0);
}

static void settle_funding(struct look *l, uint32_t a)
{
    l->world.totals.funding += l->world.account[a].unsettled;
    l->world.account[a].unsettled = 0;
}

static void settle(struct look *l, uint32_t a)
{
    l->world.totals.funding += l->world.account[a].unsettled;
    l->world.account[a].unsettled = 0;
}

/* A story in seven batches, the books right after each: everything that may happen to money, in three
 * markets. */
static void honest_story(struct look *l)
{
    l->world.markets = MARKETS;
    l->world.totals.fund = l->world.totals.deposits = 5000; /* genesis */
    look_init(l);
    const uint32_t first[] = {1, 2, 4}, second[] = {1, 2}, third[] = {4}, fourth[] = {2, 4};
    deposit(l, 1, 1000);
    deposit(l, 2, 2385);
    deposit(l, 4, 777);
    batch(l, first, 3);
    trade(l, 1, 2, 40, 900, 3);
    batch(l, second, 2);
    socialise(l, 4, 11);
    batch(l, third, 1);
    settle(l, 2);
    withdraw(l, 4, 100);
    batch(l, fourth, 2);
    settle(l, 1);
    fund(l, 5);
    batch(l, second, 2);
    settle_funding(l, 2); /* 2 is short and gets its funding, which 1 has not paid yet */
    cr_assert_eq(l->world.totals.funding, -5);
    l->world.more[1][2] = 70; /* 1 buys from 4 in market 2, without money for once */
    l->world.more[4][2] = -70;
    batch(l, first, 3);
    l->world.totals.fund -= 13; /* the fund pays into 4, then 1 takes over what 4 has */
    l->world.account[4].quote += 13;
    bears(l, 4, &l->world.totals.fund_paid, 13);
    deleverage(l, 4, 1, 2, -30, -210, 17);
    bears(l, 4, &l->world.totals.outstanding, 2);
    batch(l, first, 3);
}

static struct fl_verdict after_story(struct look *l)
{
    l->model->watch->finish(&l->watch, l->state);
    const struct fl_verdict v = verdict_of(l);
    look_close(l);
    return v;
}

Test(conservation, holds_when_the_books_are_right)
{
    const struct conservation_params often = {.exchange = EXCHANGE, .full_every = 2};
    struct look l;
    look_open(&l, &fl_model_conservation, &often);
    honest_story(&l);
    cr_expect_eq(observed(&l, "conservation.batches"), 7);
    cr_expect_eq(observed(&l, "conservation.recounts"), 3);
    const struct fl_verdict v = after_story(&l);
    cr_expect_eq(v.kind, FL_HOLDS, "%s %" PRId64 " %" PRId64, v.what, v.value[0], v.value[1]);
}

Test(conservation, does_not_apply_without_an_exchange)
{
    struct look l;
    look_open(&l, &fl_model_conservation, &books);
    l.world.absent = true;
    look_init(&l);
    batch_one(&l, 1);
    cr_expect_eq(after_story(&l).kind, FL_NOT_APPLICABLE);
}

/* Each twin does one thing wrong after the honest story. */
enum twin {
    MINTS,
    BURNS,
    HIDES_DEPOSIT,
    INVENTS_DEPOSIT,
    HIDES_WITHDRAWAL,
    LOSES_A_SIDE,
    OWES_FUND,
    NEGATIVE_FEES,
    POOL_OVERDRAWN,
    DEFICIT_WITHOUT_PARTS,
    DEFICIT_WITHOUT_ADL,
    FUNDING_FROM_NOWHERE,
    MARKETS_MIXED,
    HIDES_FUND_PAID,
    HIDES_ADL,
    HIDES_SOCIALISED,
    HIDES_OUTSTANDING,
    INTEREST_OFF,
    MOVES_UNANNOUNCED,
    TWINS
};

static void go_wrong(struct look *l, enum twin twin)
{
    struct fl_reader *const w = &l->world;
    switch (twin) {
    case MINTS:
        w->account[1].quote += 1;
        break;
    case BURNS:
        w->account[1].quote -= 1;
        break;
    case HIDES_DEPOSIT: /* books right, record missing */
        w->account[1].quote += 9;
        w->totals.deposits += 9;
        break;
    case INVENTS_DEPOSIT:
        see(l, FL_RECORD_DEPOSIT, UINT32_MAX, 1, 1, 9, 0, 0, 0);
        break;
    case HIDES_WITHDRAWAL:
        w->account[1].quote -= 9;
        w->totals.withdrawals += 9;
        break;
    case LOSES_A_SIDE:
        w->account[1].size += 1;
        break;
    case OWES_FUND:
        w->account[1].quote += 5001;
        w->totals.fund -= 5001;
        break;
    case NEGATIVE_FEES:
        w->account[1].quote += 4;
        w->totals.fees -= 4;
        break;
    case POOL_OVERDRAWN: /* given out, and due from nobody */
        w->account[1].quote += 4000;
        w->totals.funding -= 4000;
        break;
    case DEFICIT_WITHOUT_PARTS:
        w->totals.deficit += 1;
        break;
    case DEFICIT_WITHOUT_ADL:
        w->totals.deficit -= w->totals.adl;
        break;
    case FUNDING_FROM_NOWHERE: /* booked for 1, which pays it, but taken in by nobody */
        w->account[1].unsettled = 0;
        break;
    case MARKETS_MIXED: /* over all markets the sizes still add up to zero */
        w->account[1].size += 9;
        w->more[1][1] -= 9;
        break;
    case HIDES_FUND_PAID:
        w->totals.fund_paid += 4;
        w->totals.deficit += 4;
        break;
    case HIDES_ADL:
        w->totals.adl += 4;
        w->totals.deficit += 4;
        break;
    case HIDES_SOCIALISED:
        w->totals.socialised += 4;
        w->totals.deficit += 4;
        break;
    case HIDES_OUTSTANDING:
        w->totals.outstanding += 4;
        w->totals.deficit += 4;
        break;
    case INTEREST_OFF:
        w->interest_off = 2;
        break;
    case MOVES_UNANNOUNCED: /* from 7 to 8, the batch says 1 */
        w->account[7].quote -= 50;
        w->account[8].quote += 50;
        break;
    case TWINS:
        break;
    }
}

/* By the words of the verdict, as tests of several clauses are easily caught by another. */
static const char *const caught[TWINS] = {
    [MINTS] = "the books",
    [BURNS] = "the books",
    [HIDES_DEPOSIT] = "deposits were",
    [INVENTS_DEPOSIT] = "deposits were",
    [HIDES_WITHDRAWAL] = "withdrawals were",
    [LOSES_A_SIDE] = "positions in market",
    [OWES_FUND] = "the fund or the fees",
    [NEGATIVE_FEES] = "the fund or the fees",
    [POOL_OVERDRAWN] = "more funding was given out",
    [DEFICIT_WITHOUT_PARTS] = "the deficit is",
    [DEFICIT_WITHOUT_ADL] = "the deficit is",
    [FUNDING_FROM_NOWHERE] = "the books",
    [MARKETS_MIXED] = "positions in market",
    [HIDES_FUND_PAID] = "deficits say the fund",
    [HIDES_ADL] = "deficits say counterparties",
    [HIDES_SOCIALISED] = "was socialised",
    [HIDES_OUTSTANDING] = "outstanding",
    [INTEREST_OFF] = "open interest of market",
    [MOVES_UNANNOUNCED] = "no batch said so",
};

Test(conservation, twins)
{
    for (enum twin twin = 0; twin < TWINS; twin++) {
        struct look l;
        look_open(&l, &fl_model_conservation, &books);
        honest_story(&l);
        go_wrong(&l, twin);
        l.watch.now = 100 + (fl_time)twin;
        batch_one(&l, 1);
        const bool at_once = verdict_of(&l).kind == FL_BROKEN;
        cr_expect_eq(at_once,
                     twin != MOVES_UNANNOUNCED && twin != INTEREST_OFF && twin != POOL_OVERDRAWN,
                     "twin %d", twin);
        const struct fl_verdict v = after_story(&l);
        cr_expect_eq(v.kind, FL_BROKEN, "twin %d", twin);
        cr_expect_eq(v.at, 100 + (fl_time)twin);
        cr_expect_neq(v.value[0], v.value[1], "twin %d", twin);
        cr_expect_not_null(strstr(v.what, caught[twin]), "twin %d: %s", twin, v.what);
    }
}

/* Which market, and by how much. */
Test(conservation, twin_says_which_market)
{
    struct look l;
    look_open(&l, &fl_model_conservation, &books);
    honest_story(&l);
    l.world.more[1][2] += 23;
    batch_one(&l, 1);
    const struct fl_verdict v = verdict_of(&l);
    cr_expect_eq(v.kind, FL_BROKEN);
    cr_expect_eq(v.value[0], 2);
    cr_expect_eq(v.value[1], 23);
    look_close(&l);
}

/* A row that changed without notice is found by the full count inside the run, too. */
Test(conservation, twin_found_by_the_periodic_count)
{
    const struct conservation_params often = {.exchange = EXCHANGE, .full_every = 8};
    struct look l;
    look_open(&l, &fl_model_conservation, &often);
    honest_story(&l);
    go_wrong(&l, MOVES_UNANNOUNCED);
    batch_one(&l, 1);
    const struct fl_verdict v = verdict_of(&l);
    cr_expect_eq(v.kind, FL_BROKEN);
    cr_expect_eq(v.value[1], 2);
    look_close(&l);
}

/* ------------------------------------------------------------------------------------------------
 * Solvency
 * --------------------------------------------------------------------------------------------- */

static void tick(struct look *l, int64_t second, int64_t price)
{
    l->watch.now = second * FL_SECOND;
    l->world.fundamental[0] = price;
    l->model->watch->tick(&l->watch, l->state);
}

/* Below maintenance by the definition: quote + trunc(N) < ceil(|N| * maintenance). The third
 * implementation of margin here, with divisions done on magnitudes and remainders by hand. */
static bool below(const struct client *a, int64_t maintenance, int64_t price)
{
    const fl_i128 size = a->size < 0 ? -(fl_i128)a->size : a->size;
    const fl_i128 n = size * price / 1000000;
    fl_i128 needed = n * maintenance / 1000000;
    if (needed * 1000000 != n * maintenance) needed++;
    const fl_i128 equity = a->size < 0 ? a->quote - n : a->quote + n;
    return a->size != 0 && equity < needed;
}

/* Hand values. Long of 2.5 at a maintenance of 3 %, quote -200: at F = 82.474227 the notional is
 * 206.185567, needed 6.185568 (6.18556701 up), equity 6.185567: below by a millionth. One more
 * millionth: 206.185570 (206.18557 exactly), needed 6.185568 (6.1855671 up), equity 6.185570: well. */
Test(solvency, hand_values_at_the_edge)
{
    struct look l;
    look_open(&l, &fl_model_solvency, &truth);
    l.world.account[2] = (struct client){.quote = -200000000, .size = 2500000};
    look_init(&l);
    tick(&l, 1, 82474227);
    cr_expect_eq(observed(&l, "ledger.due_accounts"), 1);
    cr_expect_eq(observed(&l, "ledger.due"), 206185567);
    tick(&l, 2, 82474228);
    cr_expect_eq(observed(&l, "ledger.due_accounts"), 0);
    cr_expect_eq(observed(&l, "ledger.due"), 0);
    look_close(&l);
}

static int64_t draw(uint64_t step, uint32_t lane, int64_t low, int64_t high)
{
    return low + (int64_t)fl_draw_below(1, FL_RNG_AGENT, 9, step, lane, (uint64_t)(high - low) + 1);
}

/* The kept edge against the definition: at the edge, beside it, and far away, for sizes from dust to
 * a billion units and any maintenance. */
Test(solvency, edges_agree_with_the_definition)
{
    static const int64_t far[] = {
        1, 1000, 1000000, 2385000000, INT64_C(1000000000000000), INT64_C(1000000000000000000)};
    uint64_t below_count = 0, above_count = 0;
    for (uint64_t i = 0; i < 3000; i++) {
        struct look l;
        look_open(&l, &fl_model_solvency, &truth);
        l.world.unscaled_ppm[0] = i % 7 == 0 ? 1000000 : draw(i, 0, 1, 200000);
        const int64_t scale = INT64_C(1) << draw(i, 1, 0, 50);
        struct client *const a = &l.world.account[0];
        a->size = draw(i, 2, -scale, scale);
        const int64_t bound = INT64_C(1) << draw(i, 3, 0, 59);
        a->quote = draw(i, 4, -bound, bound);
        look_init(&l);
        /* The price where it turns, by bisection over the definition. */
        int64_t low = 1, high = INT64_C(4000000000000000000);
        const bool at_low = below(a, l.world.unscaled_ppm[0], low);
        while (high - low > 1) {
            const int64_t middle = low + (high - low) / 2;
            if (below(a, l.world.unscaled_ppm[0], middle) == at_low)
                low = middle;
            else
                high = middle;
        }
        int64_t price[16];
        uint32_t count = 0;
        for (int64_t d = -4; d <= 4; d++) price[count++] = fl_max(1, low + d);
        for (size_t k = 0; k < sizeof far / sizeof *far; k++) price[count++] = far[k];
        for (uint32_t k = 0; k < count; k++) {
            tick(&l, k, price[k]);
            const bool expected = below(a, l.world.unscaled_ppm[0], price[k]);
            cr_assert_eq(observed(&l, "ledger.due_accounts"), expected,
                         "case %" PRIu64 ": quote %" PRId64 " size %" PRId64 " price %" PRId64, i,
                         a->quote, a->size, price[k]);
            below_count += expected;
            above_count += !expected;
        }
        look_close(&l);
    }
    cr_expect_gt(below_count, 10000);
    cr_expect_gt(above_count, 5000);
}

/* One long of 10 at 100 with quote -950, others flat; maintenance 3 %: healthy at F when
 * 10 F - 950 >= 0.3 F, F >= 97.938144. */
static void one_long(struct look *l)
{
    look_open(l, &fl_model_solvency, &truth);
    l->world.account[2] = (struct client){.quote = -950000000, .size = 10000000};
    look_init(l);
}

Test(solvency, nothing_to_say_of_a_healthy_exchange)
{
    struct look l;
    one_long(&l);
    for (int64_t t = 0; t < 200; t++) tick(&l, t, t == 0 ? 0 : 98000000); /* no truth at 0 */
    cr_expect_eq(observed(&l, "ledger.due"), 0);
    cr_expect_eq(observed(&l, "ledger.missed_liquidations"), 0);
    cr_expect_eq(after_story(&l).kind, FL_HOLDS);
}

Test(solvency, an_episode_is_missed_once_and_with_its_dollars)
{
    struct look l;
    one_long(&l);
    for (int64_t t = 1; t <= 70; t++)
        tick(&l, t, 97000000); /* opens at 1, 60 s are over after 61 */
    cr_expect_eq(observed(&l, "ledger.missed_liquidations"), 0 + 1);
    cr_expect_eq(observed(&l, "ledger.missed"), 970000000);
    tick(&l, 71, 99000000); /* cured */
    cr_expect_eq(observed(&l, "ledger.due_accounts"), 0);
    for (int64_t t = 72; t <= 132; t++) tick(&l, t, 97500000); /* exactly 60 s: not longer */
    cr_expect_eq(observed(&l, "ledger.missed_liquidations"), 1);
    tick(&l, 133, 96000000);
    cr_expect_eq(observed(&l, "ledger.missed_liquidations"), 2);
    cr_expect_eq(observed(&l, "ledger.missed"), 970000000 + 960000000);
    look_close(&l);
}

/* Liquidated between two ticks: the length counts to that moment. */
Test(solvency, a_liquidation_closes_an_episode)
{
    for (int64_t late = 0; late < 2; late++) {
        struct look l;
        one_long(&l);
        for (int64_t t = 1; t <= 61; t++) tick(&l, t, 97000000);
        l.watch.now = 61 * FL_SECOND + late;
        see(&l, FL_RECORD_LIQUIDATION, UINT32_MAX, 2, 1, 0, 10000000, 970000000, 0);
        cr_expect_eq(observed(&l, "ledger.missed_liquidations"), late);
        cr_expect_eq(observed(&l, "ledger.wrongful_liquidations"), 0);
        l.world.account[2] = (struct client){.quote = 20000000};
        batch_one(&l, 2);
        tick(&l, 130, 97000000);
        cr_expect_eq(observed(&l, "ledger.missed_liquidations"), late);
        cr_expect_eq(observed(&l, "ledger.due_accounts"), 0);
        look_close(&l);
    }
}

/* At F = 98 it is healthy, at 98 less 1 % = 97.02 it is not: wrongful, not material. At 99 it is
 * material (98.01). The mirror for a short of 10 with quote 1050: healthy up to F = 101.941747. */
Test(solvency, twin_liquidations_that_should_not_have_been)
{
    static const struct {
        int64_t size, quote, price, wrongful, material;
    } cases[] = {
        {10000000, -950000000, 97900000, 0, 0},   {10000000, -950000000, 98000000, 1, 0},
        {10000000, -950000000, 99000000, 1, 1},   {-10000000, 1050000000, 102000000, 0, 0},
        {-10000000, 1050000000, 101900000, 1, 0}, {-10000000, 1050000000, 100000000, 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct look l;
        one_long(&l);
        l.world.account[3] = (struct client){.quote = cases[i].quote, .size = cases[i].size};
        batch_one(&l, 3);
        tick(&l, 1, cases[i].price);
        see(&l, FL_RECORD_LIQUIDATION, UINT32_MAX, 3, 1, 0, cases[i].size, 0, 0);
        cr_expect_eq(observed(&l, "ledger.wrongful_liquidations"), cases[i].wrongful, "%zu", i);
        cr_expect_eq(observed(&l, "ledger.material_wrongful_liquidations"), cases[i].material,
                     "%zu", i);
        look_close(&l);
    }
}

/* The liquidity account cannot be liquidated: never due, but its equity counts. */
Test(solvency, twin_latent_bad_debt)
{
    struct look l;
    one_long(&l);
    l.world.account[LIQUIDITY] = (struct client){.quote = 900000000, .size = -10000000};
    l.world.account[5] = (struct client){.quote = -7000000}; /* closed: bad debt already */
    const uint32_t changed[] = {5, LIQUIDITY};
    batch(&l, changed, 2);
    tick(&l, 1, 94000000); /* long: -950 + 940 = -10; liquidity: 900 - 940 = -40 */
    cr_expect_eq(observed(&l, "ledger.latent_bad_debt"), 50000000);
    cr_expect_eq(observed(&l, "ledger.due_accounts"), 1);
    cr_expect_eq(observed(&l, "ledger.due"), 940000000);
    const struct fl_verdict v = after_story(&l);
    cr_expect_eq(v.kind, FL_BROKEN);
    cr_expect_eq(v.value[0], 0);
    cr_expect_eq(v.value[1], 50000000);
}

Test(solvency, twin_bad_debt)
{
    struct look l;
    one_long(&l);
    tick(&l, 1, 99000000);
    /* What the fund pays is no bad debt. */
    l.world.totals.deficit = l.world.totals.fund_paid = 100;
    see(&l, FL_RECORD_DEFICIT, UINT32_MAX, 3, 1, 100, 0, 0, 0);
    batch_one(&l, 3);
    cr_expect_eq(verdict_of(&l).kind, FL_HOLDS);
    /* 30 more, socialised: every quote moves, although only row 3 did. */
    l.watch.now = 77;
    const uint32_t record = see(&l, FL_RECORD_DEFICIT, UINT32_MAX, 3, 2, 0, 0, 30, 0);
    l.world.totals.deficit = 130;
    l.world.totals.socialised = 30;
    l.world.account[2].quote -= 30000000;
    batch_one(&l, 3);
    tick(&l, 2, 99000000);
    cr_expect_eq(observed(&l, "ledger.due_accounts"), 1);
    const struct fl_verdict v = after_story(&l);
    cr_expect_eq(v.kind, FL_BROKEN);
    cr_expect_eq(v.value[0], 30);
    cr_expect_eq(v.record, record);
    cr_expect_eq(v.at, 77);
}

Test(solvency, does_not_apply_without_an_exchange)
{
    struct look l;
    look_open(&l, &fl_model_solvency, &truth);
    l.world.absent = true;
    look_init(&l);
    tick(&l, 1, 99000000);
    see(&l, FL_RECORD_LIQUIDATION, UINT32_MAX, 3, 1, 0, 5, 5, 0);
    cr_expect_eq(after_story(&l).kind, FL_NOT_APPLICABLE);
}

/* ------------------------------------------------------------------------------------------------
 * Solvency, cross-margin
 * --------------------------------------------------------------------------------------------- */

static void three_markets(struct look *l)
{
    static const int64_t unscaled[] = {50000, 100000, 20000}, fraction[] = {600000, 500000, 333333};
    look_open(l, &fl_model_solvency, &truths);
    l->world.markets = MARKETS;
    for (uint32_t m = 0; m < MARKETS; m++) {
        l->world.unscaled_ppm[m] = unscaled[m];
        l->world.fraction_ppm[m] = fraction[m];
        l->world.fundamental[m] = 100000000;
    }
}

/* Hand values, 10^-6 USD: long 2.000001 at 99.999999: N = 200.000097 (200.000097999999 down), initial
 * 10.000005 (10.00000485 up), maintenance 6.000003; short 3 at 50.5: N = -151.5, initial 15.15,
 * maintenance 7.575; long 1 at 7: initial 0.14, maintenance 0.046667 (0.04666662 up). Together N is
 * 55.500097 and maintenance 13.621670: below iff quote < -41.878427. */
Test(solvency, hand_values_of_a_cross_margin_account)
{
    for (int64_t less = 0; less < 2; less++) {
        struct look l;
        three_markets(&l);
        l.world.account[3] = (struct client){.quote = -41878427 - less, .size = 2000001};
        l.world.more[3][1] = -3000000;
        l.world.more[3][2] = 1000000;
        look_init(&l);
        l.world.fundamental[1] = 50500000;
        l.world.fundamental[2] = 7000000;
        tick(&l, 1, 99999999);
        cr_expect_eq(observed(&l, "ledger.due_accounts"), less);
        cr_expect_eq(observed(&l, "ledger.due"), less * (200000097 + 151500000 + 7000000));
        look_close(&l);
    }
}

/* The definition, with divisions on magnitudes by hand. */
static fl_i128 up(fl_i128 a, int64_t ppm)
{
    return a * ppm / 1000000 + (a * ppm % 1000000 != 0);
}

struct brute {
    int64_t accounts, due, latent;
};

static struct brute brute_force(const struct fl_reader *w)
{
    struct brute b = {0, 0, 0};
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        fl_i128 equity = w->account[i].quote, needed = 0, all = 0;
        for (uint32_t m = 0; m < w->markets; m++) {
            const int64_t size = size_of(w, i, m);
            const fl_i128 n = (fl_i128)fl_abs(size) * w->fundamental[m] / 1000000;
            equity += size < 0 ? -n : n;
            needed += up(up(n, w->unscaled_ppm[m]), w->fraction_ppm[m]);
            all += n;
        }
        if (positions_of(w, i).count == 0 || equity >= needed) continue;
        if (equity < 0) b.latent -= (int64_t)equity;
        if (i == LIQUIDITY) continue;
        b.accounts++;
        b.due += (int64_t)all;
    }
    return b;
}

static void draw_account(struct look *l, uint64_t step, uint32_t account)
{
    struct fl_reader *const w = &l->world;
    fl_i128 n = 0, all = 0;
    for (uint32_t m = 0; m < MARKETS; m++) {
        *size_at(l, account, m) =
            draw(step, 1 + m, 0, 2) == 0 ? 0 : draw(step, 4 + m, -9000000, 9000000);
        n += (fl_i128)size_of(w, account, m) * w->fundamental[m] / 1000000;
        all += (fl_i128)fl_abs(size_of(w, account, m)) * w->fundamental[m] / 1000000;
    }
    /* Collateral of 1 % to 9 % of its notional: near maintenance. */
    w->account[account].quote = (int64_t)(all * draw(step, 7, 10000, 90000) / 1000000 - n);
}

/* Edges against the definition on random paths: prices that oscillate, jump and stand still, accounts
 * that change now and then, quotes that change without their rows. */
Test(solvency, edges_of_many_positions_agree_with_the_definition)
{
    int64_t below_count = 0, above_count = 0;
    for (uint64_t run = 0; run < 40; run++) {
        struct look l;
        three_markets(&l);
        for (uint32_t i = 0; i < ACCOUNTS; i++) draw_account(&l, run << 40 | i, i);
        look_init(&l);
        for (uint64_t t = 1; t <= 500; t++) {
            const uint64_t step = run << 40 | t << 8;
            const int64_t bound = draw(step, 0, 0, 20) == 0 ? 50000000 : 300000;
            for (uint32_t m = 0; m < MARKETS; m++)
                l.world.fundamental[m] =
                    fl_max(1, l.world.fundamental[m] + draw(step, 10 + m, -bound, bound));
            if (draw(step, 20, 0, 9) == 0) {
                const uint32_t who = (uint32_t)draw(step, 21, 0, ACCOUNTS - 1);
                draw_account(&l, step, who);
                batch_one(&l, who);
            }
            if (draw(step, 22, 0, 19) == 0) {
                for (uint32_t i = 0; i < ACCOUNTS; i++)
                    l.world.account[i].quote += draw(step, 23 + i, -900000, 900000);
                see(&l, FL_RECORD_FUNDING, UINT32_MAX, 1, 1, 5, 5, 0, 0);
                batch(&l, NULL, 0);
            }
            tick(&l, (int64_t)t, l.world.fundamental[0]);
            const struct brute b = brute_force(&l.world);
            cr_assert_eq(observed(&l, "ledger.due_accounts"), b.accounts,
                         "run %" PRIu64 ", %" PRIu64, run, t);
            cr_assert_eq(observed(&l, "ledger.due"), b.due);
            cr_assert_eq(observed(&l, "ledger.latent_bad_debt"), b.latent);
            below_count += b.accounts;
            above_count += ACCOUNTS - b.accounts;
        }
        look_close(&l);
    }
    cr_expect_gt(below_count, 20000);
    cr_expect_gt(above_count, 20000);
}

Test(solvency, needs_a_fundamental_for_each_market)
{
    struct look l;
    look_open(&l, &fl_model_solvency, &truth);
    l.world.markets = 2;
    l.world.account[2] = (struct client){.quote = -950000000, .size = 10000000};
    look_init(&l);
    tick(&l, 1, 90000000);
    cr_expect_eq(observed(&l, "ledger.due"), 0);
    const struct fl_verdict v = after_story(&l);
    cr_expect_eq(v.kind, FL_NOT_APPLICABLE);
    cr_expect_eq(v.value[0], 2);
    cr_expect_eq(v.value[1], 1);
    const struct solvency_params none = {.exchange = EXCHANGE};
    cr_expect_not_null(fl_model_solvency.check(&none));
    cr_expect_null(fl_model_solvency.check(&truth));
}

/* One long of 10 with quote -950 (below under F = 97.938144), and the records of one batch at F = 97
 * before the liquidation: each of them makes it healthy, or leaves it below. */
Test(solvency, follows_an_account_through_a_batch)
{
    static const struct {
        uint16_t kind;
        int64_t v[6];
        int64_t wrongful;
    } cases[] = {
        {FL_RECORD_DEPOSIT, {2, 1, 9099999}, 0}, /* -940.900001 + 970 = 29.099999 < 29.1 */
        {FL_RECORD_DEPOSIT, {2, 1, 9100000}, 1},
        {FL_RECORD_DEPOSIT, {3, 1, 9100000}, 0}, /* another's */
        {FL_RECORD_WITHDRAWAL, {2, 1, 9100000}, 0},
        {FL_RECORD_FILL, {2, 11, -5000000, 485000000, 0, 0}, 1},       /* half of it: 20 >= 14.55 */
        {FL_RECORD_FILL, {2, 11, -5000000, 485000000, 5500000, 0}, 0}, /* with a fee: 14.5 */
        {FL_RECORD_FILL, {11, 2, 5000000, -485000000, 5500000, 0}, 1}, /* the maker pays it */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct look l;
        one_long(&l);
        tick(&l, 1, 97000000);
        const int64_t *const v = cases[i].v;
        see(&l, cases[i].kind, UINT32_MAX, v[0], v[1], v[2], v[3], v[4], v[5]);
        see(&l, FL_RECORD_LIQUIDATION, UINT32_MAX, 2, 1, 0, 1000000, 97000000, 0);
        cr_expect_eq(observed(&l, "ledger.wrongful_liquidations"), cases[i].wrongful, "%zu", i);
        look_close(&l);
    }
}

/* Ten at F = 97: 4 are liquidated at 97, less 1 to the fund (quote -563, six left: 19 >= 17.46), so
 * that the second of the batch is wrongful. If 2 more are taken over at 90 in the first (quote -383,
 * four left: 5 < 11.64), it is not. The counterparty, short 2 with quote 200, is healthy with its
 * position (6 >= 5.82) and without it. */
Test(solvency, parts_of_a_liquidation_count_each)
{
    for (int deleveraged = 0; deleveraged < 2; deleveraged++) {
        struct look l;
        one_long(&l);
        l.world.account[6] = (struct client){.quote = 200000000, .size = -2000000};
        batch_one(&l, 6);
        tick(&l, 1, 97000000);
        cr_expect_eq(observed(&l, "ledger.fell_due"), 970000000);
        const int64_t more = deleveraged ? 2000000 : 0;
        see(&l, FL_RECORD_LIQUIDATION, UINT32_MAX, 2, 1, 0, 4000000 + more, 388000000 + 90 * more,
            1000000);
        cr_expect_eq(observed(&l, "ledger.liquidated_fundamental"), 388000000 + 97 * more);
        if (deleveraged) see(&l, FL_RECORD_DELEVERAGED, UINT32_MAX, 2, 1, 6, 2000000, 180000000, 0);
        see(&l, FL_RECORD_LIQUIDATION, UINT32_MAX, 2, 2, 0, 1000000, 97000000, 0);
        see(&l, FL_RECORD_LIQUIDATION, UINT32_MAX, 6, 3, 0, -2000000, -194000000, 0);
        cr_expect_eq(observed(&l, "ledger.wrongful_liquidations"), 1 + !deleveraged);
        cr_expect_eq(observed(&l, "ledger.liquidated_fundamental"),
                     (388 + 97 + 194 + (deleveraged ? 194 : 0)) * INT64_C(1000000));
        cr_expect_eq(observed(&l, "ledger.fell_due"), 970000000);
        look_close(&l);
    }
}

/* Dollars that fell due: once for each fall, at the tick that sees it, or at the liquidation if that is
 * first, and not if it is cured; and those that are overdue as long as they are. */
Test(solvency, dollars_fall_due_once)
{
    struct look l;
    one_long(&l);
    for (int64_t t = 1; t <= 61; t++) tick(&l, t, 97000000);
    cr_expect_eq(observed(&l, "ledger.fell_due"), 970000000);
    cr_expect_eq(observed(&l, "ledger.overdue"), 0);
    tick(&l, 62, 96000000);
    cr_expect_eq(observed(&l, "ledger.fell_due"), 970000000);
    cr_expect_eq(observed(&l, "ledger.overdue"), 960000000);
    /* In part: what is left was due before, and was missed before. */
    see(&l, FL_RECORD_LIQUIDATION, UINT32_MAX, 2, 1, 0, 1000000, 96000000, 0);
    l.world.account[2] = (struct client){.quote = -854000000, .size = 9000000};
    batch_one(&l, 2);
    for (int64_t t = 63; t <= 130; t++) tick(&l, t, 96000000);
    cr_expect_eq(observed(&l, "ledger.due"), 864000000);
    cr_expect_eq(observed(&l, "ledger.overdue"), 864000000);
    cr_expect_eq(observed(&l, "ledger.fell_due"), 970000000);
    cr_expect_eq(observed(&l, "ledger.missed_liquidations"), 1);
    tick(&l, 131, 99000000); /* cured: what is left of the 970 are the 96 that were liquidated */
    cr_expect_eq(observed(&l, "ledger.fell_due"), 96000000);
    l.world.fundamental[0] = 95000000;
    see(&l, FL_RECORD_LIQUIDATION, UINT32_MAX, 2, 2, 0, 9000000, 855000000, 0);
    cr_expect_eq(observed(&l, "ledger.fell_due"), 96000000 + 855000000);
    l.world.account[2] = (struct client){.quote = 1000000};
    batch_one(&l, 2);
    tick(&l, 132, 95000000);
    cr_expect_eq(observed(&l, "ledger.fell_due"), 96000000 + 855000000); /* all of it liquidated */
    /* A new fall is a new episode. */
    l.world.account[2] = (struct client){.quote = -950000000, .size = 10000000};
    batch_one(&l, 2);
    for (int64_t t = 133; t <= 194; t++) tick(&l, t, 97000000);
    cr_expect_eq(observed(&l, "ledger.missed_liquidations"), 2);
    look_close(&l);
}

/* A liquidation in part starts the clock anew: 40 s, and 59 s after it, are not 60. */
Test(solvency, who_is_being_liquidated_is_not_missed)
{
    struct look l;
    one_long(&l);
    for (int64_t t = 1; t <= 41; t++) tick(&l, t, 97000000);
    see(&l, FL_RECORD_LIQUIDATION, UINT32_MAX, 2, 1, 0, 1000000, 97000000, 0);
    l.world.account[2] = (struct client){.quote = -864000000, .size = 9000000};
    batch_one(&l, 2);
    for (int64_t t = 42; t <= 102; t++) tick(&l, t, 97000000);
    cr_expect_eq(observed(&l, "ledger.missed_liquidations"), 0);
    tick(&l, 103, 97000000);
    cr_expect_eq(observed(&l, "ledger.missed_liquidations"), 1);
    cr_expect_eq(observed(&l, "ledger.missed"), 873000000);
    look_close(&l);
}

/* Account 4 pays in 1,000, takes out 100, is liquidated and left with 250: 650 lost. Account 2 of
 * one_long pays in nothing; what it owes is not its collateral. Account 6 was never liquidated. */
Test(solvency, collateral_of_the_liquidated)
{
    struct look l;
    one_long(&l);
    tick(&l, 1, 97000000);
    see(&l, FL_RECORD_DEPOSIT, UINT32_MAX, 4, 1, 1000000000, 0, 0, 0);
    see(&l, FL_RECORD_WITHDRAWAL, UINT32_MAX, 4, 2, 100000000, 0, 0, 0);
    see(&l, FL_RECORD_DEPOSIT, UINT32_MAX, 6, 1, 1000000000, 0, 0, 0);
    see(&l, FL_RECORD_LIQUIDATION, UINT32_MAX, 4, 1, 0, 10000000, 970000000, 0);
    see(&l, FL_RECORD_LIQUIDATION, UINT32_MAX, 2, 2, 0, 10000000, 940000000, -10000000);
    l.world.account[4] = (struct client){.quote = 250000000};
    l.world.account[2] = (struct client){.quote = 0};
    const uint32_t changed[] = {2, 4, 6};
    batch(&l, changed, 3);
    cr_expect_eq(observed(&l, "ledger.collateral_lost"), 0);
    l.model->watch->finish(&l.watch, l.state);
    cr_expect_eq(observed(&l, "ledger.collateral_lost"), 650000000);
    look_close(&l);
}

/* Short 4 at F = 97 with quote 410: 22 >= 11.64. It takes over 2 for 230: 180 - 194 < 0. */
Test(solvency, follows_a_counterparty_through_a_batch)
{
    for (int deleveraged = 0; deleveraged < 2; deleveraged++) {
        struct look l;
        one_long(&l);
        l.world.account[6] = (struct client){.quote = 410000000, .size = -4000000};
        batch_one(&l, 6);
        tick(&l, 1, 97000000);
        see(&l, FL_RECORD_LIQUIDATION, UINT32_MAX, 2, 1, 0, 2000000, 230000000, 0);
        if (deleveraged)
            see(&l, FL_RECORD_DELEVERAGED, UINT32_MAX, 2, 1, 6, 2000000, 230000000, 36000000);
        see(&l, FL_RECORD_LIQUIDATION, UINT32_MAX, 6, 2, 0, -1000000, -97000000, 0);
        cr_expect_eq(observed(&l, "ledger.wrongful_liquidations"), !deleveraged);
        look_close(&l);
    }
}
