/* Is the exchange solvent, and were the right accounts liquidated? Measured against the truth F, the
 * fundamental prices that fills do not move (DESIGN 6), by an implementation of margin of its own. An
 * account's positions share its collateral:
 *
 *   below at F:   quote + sum of N(F) < sum of MMR(F) over its positions,
 *                 N = trunc(size * F), MMR = ceil(ceil(|N| * unscaled initial margin) * fraction)
 *   wrongful:     an account was not below when it was liquidated; material if it would not have been
 *                 with each F moved against it by `tolerance`. Counted for each liquidation, in part
 *                 or whole, by what the account was just before it
 *   due:          sum of |N(F)| of the accounts below now; they fell due when a tick found them below
 *                 and the one before had not, or when they were liquidated before any tick did. What
 *                 of it is not liquidated is cured when a tick finds the account healthy
 *   missed:       an account stays below for longer than missed_after_s, a liquidation in part starting
 *                 the clock anew: counted once for each episode, with its sum of |N(F)| when it became
 *                 missed. An episode opens at a tick that finds the account below, and closes when
 *                 it is liquidated as a whole, or at a tick that finds it healthy, or with the run.
 *                 Halts are included: accounts are those of the newest state that an honest replica
 *                 executed
 *   latent:       negative equity at F of accounts that are still open
 *   lost:         the collateral of liquidated accounts: what each that ever was liquidated paid in, less
 *                 what it paid out and its equity at F at the end, if that is positive
 *
 * Nobody can liquidate a maker: it is never due or missed, but its equity counts. An account without a
 * position is never due; what it owes is bad debt already.
 *
 * "Just before" a liquidation is within a batch: what its records say (fills, deposits, positions
 * taken over) is followed account by account, until the rows are read again after the batch. Funding
 * and socialised losses do not say what they cost whom: those of the same batch count after it.
 *
 * An account that was healthy stays so while no price moves far against it. Its slack, equity less
 * maintenance, is shared out over its positions such that each bears the same relative move; the price
 * at the end of a share is the position's edge. A tick looks again at accounts with an edge crossed,
 * exactly, and shares out anew; what it does not look at is healthy for sure. Edges are gone through
 * by blocks of accounts that know their foremost ones, so that a tick costs little more than what is
 * below or close to it. */
#include "models/wire.h"

struct params {
    uint32_t exchange, zero;
    struct fl_observables fundamental; /* by market */
    int64_t tolerance_ppm;
    fl_time missed_after;
};

enum { BLOCK = 64 }; /* accounts, and bits of a word of a set */

struct market {
    int64_t unscaled_ppm, fraction_ppm;
    int64_t maintenance_ppm; /* their product rounded up: for edges only */
    int64_t truth;           /* F at the newest look */
};
struct account {
    int64_t quote;
    int64_t put_in;      /* deposits less withdrawals */
    fl_time below_since; /* the tick since which its clock runs, -1 if it does not */
    int64_t due;         /* dollars with which it fell due, less what was liquidated since */
    uint8_t is_due;      /* 1: a tick found it below, and none has found it healthy since */
    uint8_t missed;      /* 1: this episode has been counted */
    uint8_t maker;
    uint8_t liquidated; /* 1: ever */
    uint32_t zero;
};
struct leg {
    int64_t size;
    int64_t edge; /* long: look again if F < edge; short: if F >= edge. Without size: 0 */
};
/* The foremost edges of a block of accounts in one market. */
struct front {
    int64_t highest_long, lowest_short;
};
/* The liquidation of which records speak. */
struct liquidation {
    int64_t account, number, market;
};

struct state {
    uint32_t accounts, blocks, markets, ready;
    uint32_t short_of_names; /* 1: fewer fundamentals than markets */
    uint32_t all_quotes;     /* 1: quotes changed whose rows did not */
    int64_t judged;          /* 1: accounts have been measured at the truth */
    struct liquidation newest;
    int64_t socialised; /* when accounts were read last */
    int64_t due, due_accounts, latent, overdue;
    int64_t fell_due, liquidated, collateral_lost;
    int64_t wrongful, material, missed, missed_usd;
    int64_t bad_debt;
    int64_t first_deficit; /* record */
    fl_time first_deficit_at;
    struct market market[FL_EXCHANGE_MARKETS_MAX];
};
/* The state is followed by
 *   account[accounts]
 *   leg[M][accounts]     M: how many fundamentals are named
 *   front[M][blocks]
 *   uint64_t look[blocks]: the accounts to look at in the next tick, by bit: those below, those whose
 *                          rows or edges changed. They have no edges, all others with a position do */

static uint32_t blocks_of(uint32_t accounts)
{
    return (accounts + BLOCK - 1) / BLOCK;
}

static struct account *accounts_of(struct state *s)
{
    return (void *)(s + 1);
}

static struct leg *legs_of(struct state *s, uint32_t market)
{
    return (struct leg *)(void *)(accounts_of(s) + s->accounts) + (size_t)market * s->accounts;
}

static struct front *fronts_of(const struct params *p, struct state *s, uint32_t market)
{
    return (struct front *)(void *)legs_of(s, p->fundamental.count) + (size_t)market * s->blocks;
}

static uint64_t *looks_of(const struct params *p, struct state *s)
{
    return (void *)fronts_of(p, s, p->fundamental.count);
}

/* --- margin, second implementation ---------------------------------------------------------------- */

static fl_i128 magnitude(fl_i128 a)
{
    return a < 0 ? -a : a;
}

/* a / 10^6 for a >= 0, rounded down. Nearly all products fit 64 bits, where it costs a tenth. */
static fl_i128 millionth(fl_i128 a)
{
    return a <= UINT64_MAX ? (fl_i128)((uint64_t)a / 1000000) : a / 1000000;
}

static fl_i128 notional(int64_t size, int64_t price)
{
    const fl_i128 n = millionth(magnitude((fl_i128)size * price));
    return size < 0 ? -n : n; /* prices are not negative */
}

static fl_i128 share_up(fl_i128 a, int64_t ratio_ppm)
{
    return millionth(a * ratio_ppm + FL_PPM_ONE - 1);
}

static fl_i128 maintenance(const struct market *m, fl_i128 n)
{
    return share_up(share_up(magnitude(n), m->unscaled_ppm), m->fraction_ppm);
}

/* Of an account at the truth, or with each price moved against it. */
struct health {
    fl_i128 equity, needed, notional;
    uint32_t positions;
};

/* F moved against a position of this sign, rounded further against it. */
static int64_t against(int64_t price, int64_t size, int64_t tolerance_ppm)
{
    const int64_t ratio = size > 0 ? FL_PPM_ONE - tolerance_ppm : FL_PPM_ONE + tolerance_ppm;
    return size > 0 ? fl_mul_div_floor(price, ratio, FL_PPM_ONE)
                    : fl_mul_div_ceil(price, ratio, FL_PPM_ONE);
}

static struct health health_of(struct state *s, uint32_t account, int64_t tolerance_ppm)
{
    struct health h = {.equity = accounts_of(s)[account].quote};
    for (uint32_t m = 0; m < s->markets; m++) {
        const int64_t size = legs_of(s, m)[account].size;
        if (size == 0) continue;
        const struct market *const market = &s->market[m];
        const int64_t price = tolerance_ppm == 0 ? market->truth
                                                 : against(market->truth, size, tolerance_ppm);
        const fl_i128 n = notional(size, price);
        h.equity += n;
        h.needed += maintenance(market, n);
        h.notional += magnitude(n);
        h.positions++;
    }
    return h;
}

static bool is_below(const struct health *h)
{
    return h->positions > 0 && h->equity < h->needed;
}

static int64_t clipped(fl_i128 a)
{
    return a > INT64_MAX ? INT64_MAX : a < INT64_MIN ? INT64_MIN : (int64_t)a;
}

static void add_clipped(int64_t *sum, fl_i128 amount)
{
    *sum = clipped(*sum + amount);
}

/* --- edges ------------------------------------------------------------------------------------------ */

/* An upper bound of what equity less maintenance loses for each unit that the price moves against the
 * position, in 10^-6: |N| falls or grows by at most |size| a unit and 1, and MMR with it, by at least
 * (long) or at most (short) the maintenance ratio and ROUNDINGS less one. */
enum { ROUNDINGS = 4 };
static fl_i128 weight(const struct market *m, int64_t size)
{
    /* The rounded-up ratio is too high by less than 1 ppm. */
    const int64_t ratio = size > 0 ? FL_PPM_ONE - fl_max(m->maintenance_ppm - 1, 0)
                                   : FL_PPM_ONE + m->maintenance_ppm;
    return share_up(magnitude(size), ratio);
}

/* Relative move, in 2^-32 and at most 1, that all positions together may make before `slack` is used
 * up; rounded down. `whole`: what a move of 1 would cost. */
static int64_t bearable(fl_i128 slack, fl_i128 whole)
{
    if (slack <= 0) return 0;
    if (slack > whole) return INT64_C(1) << 32;
    while (whole >> 62 != 0) {
        slack >>= 1;
        whole = (whole >> 1) + 1;
    }
    return (int64_t)((slack << 32) / (whole + 1));
}

static void set_edge(const struct params *p, struct state *s, uint32_t m, uint32_t account,
                     int64_t move)
{
    struct leg *const leg = &legs_of(s, m)[account];
    struct front *const front = &fronts_of(p, s, m)[account / BLOCK];
    const int64_t price = s->market[m].truth;
    const fl_i128 way = (fl_i128)price * move >> 32;
    if (leg->size > 0) {
        leg->edge = (int64_t)(price - way);
        front->highest_long = fl_max(front->highest_long, leg->edge);
    } else if (leg->size < 0) {
        leg->edge = clipped(price + way + 1);
        front->lowest_short = fl_min(front->lowest_short, leg->edge);
    }
}

/* A healthy account at the truth: slack shared out, in proportion to what a relative move costs. */
static void set_edges(const struct params *p, struct state *s, uint32_t account,
                      const struct health *h)
{
    fl_i128 whole = 0;
    for (uint32_t m = 0; m < s->markets; m++)
        whole += weight(&s->market[m], legs_of(s, m)[account].size) * s->market[m].truth / 1000000;
    const fl_i128 slack = h->equity - h->needed - ROUNDINGS * (fl_i128)h->positions;
    const int64_t move = bearable(slack, whole + h->positions);
    for (uint32_t m = 0; m < s->markets; m++) set_edge(p, s, m, account, move);
    looks_of(p, s)[account / BLOCK] &= ~(UINT64_C(1) << account % BLOCK);
}

/* To be looked at in the next tick; edges say nothing until then. What the front of its block says may
 * be of an edge that is gone: that costs a look at the block, which sets it right. */
static void look_at(const struct params *p, struct state *s, uint32_t account)
{
    looks_of(p, s)[account / BLOCK] |= UINT64_C(1) << account % BLOCK;
}

static bool is_looked_at(const struct params *p, struct state *s, uint32_t account)
{
    return looks_of(p, s)[account / BLOCK] >> account % BLOCK & 1;
}

/* Accounts of the block whose edge is crossed will be looked at; the others make the new front. */
static void cross(const struct params *p, struct state *s, uint32_t m, uint32_t block)
{
    struct front *const front = &fronts_of(p, s, m)[block];
    const int64_t price = s->market[m].truth;
    const uint32_t end = (uint32_t)fl_min(s->accounts, (int64_t)(block + 1) * BLOCK);
    *front = (struct front){0, INT64_MAX};
    for (uint32_t i = block * BLOCK; i < end; i++) {
        const struct leg *const leg = &legs_of(s, m)[i];
        if (leg->size == 0 || is_looked_at(p, s, i)) continue;
        const bool is_long = leg->size > 0;
        if ((price < leg->edge) == is_long)
            look_at(p, s, i);
        else if (is_long)
            front->highest_long = fl_max(front->highest_long, leg->edge);
        else
            front->lowest_short = fl_min(front->lowest_short, leg->edge);
    }
}

static void cross_all(const struct params *p, struct state *s)
{
    for (uint32_t m = 0; m < s->markets; m++) {
        const struct front *const front = fronts_of(p, s, m);
        const int64_t price = s->market[m].truth;
        for (uint32_t b = 0; b < s->blocks; b++)
            if (price < front[b].highest_long || price >= front[b].lowest_short) cross(p, s, m, b);
    }
}

/* --- reading the exchange ------------------------------------------------------------------------- */

static bool ask(const struct fl_watch *watch, uint16_t kind, int64_t arg, void *out, size_t bytes)
{
    const struct params *const p = watch->params;
    const struct fl_query q = {.contract = (uint16_t)p->exchange, .kind = kind, .arg = {arg, 0, 0}};
    return fl_read(&watch->view, &q, out, bytes) == FL_READ_OK;
}

static bool set_size(struct state *s, uint32_t m, uint32_t account, int64_t size)
{
    struct leg *const leg = &legs_of(s, m)[account];
    const bool changed = leg->size != size;
    if (changed) *leg = (struct leg){.size = size};
    return changed;
}

/* Quote and, if `whole`, positions as they are now. */
static void refresh(const struct fl_watch *watch, struct state *s, uint32_t number, bool whole)
{
    struct fl_account now;
    struct fl_positions held = {.count = 0};
    struct account *const a = &accounts_of(s)[number];
    if (!ask(watch, FL_ASK_ACCOUNT, number, &now, sizeof now)) return;
    bool changed = now.quote != a->quote;
    a->quote = now.quote;
    a->maker = (uint8_t)now.maker;
    if (whole) {
        if (now.positions > 0 && !ask(watch, FL_ASK_POSITIONS, number, &held, sizeof held)) return;
        for (uint32_t m = 0, i = 0; m < s->markets; m++) {
            const bool holds = i < held.count && held.at[i].market == m;
            changed |= set_size(s, m, number, holds ? held.at[i].size : 0);
            i += holds;
        }
    }
    if (changed) look_at(watch->params, s, number);
}

static void read_totals(struct state *s, const struct fl_totals *t)
{
    s->socialised = t->socialised;
    s->bad_debt = fl_sub(t->deficit, t->fund_paid);
}

/* False while a market has none yet. */
static bool read_truth(const struct fl_watch *watch, struct state *s)
{
    const struct params *const p = watch->params;
    for (uint32_t m = 0; m < s->markets; m++) {
        s->market[m].truth = fl_watch_observe(watch, p->fundamental.handle[m]);
        if (s->market[m].truth <= 0) return false;
    }
    return true;
}

/* --- measuring ------------------------------------------------------------------------------------ */

static void miss(struct state *s, struct account *a, const struct health *h)
{
    a->missed = 1;
    s->missed++;
    add_clipped(&s->missed_usd, h->notional);
}

static bool overdue(const struct params *p, const struct account *a, fl_time now)
{
    return a->below_since >= 0 && !a->missed && now - a->below_since > p->missed_after;
}

static void falls_due(struct state *s, struct account *a, const struct health *h)
{
    if (a->is_due) return;
    a->is_due = 1;
    a->due = clipped(h->notional);
    add_clipped(&s->fell_due, h->notional);
}

static void is_cured(struct state *s, struct account *a)
{
    add_clipped(&s->fell_due, -(fl_i128)a->due);
    a->due = 0;
    a->is_due = a->missed = 0;
    a->below_since = -1;
}

static void follow_episode(const struct fl_watch *watch, struct state *s, struct account *a,
                           const struct health *h)
{
    if (a->below_since < 0) a->below_since = watch->now;
    falls_due(s, a, h);
    if (overdue(watch->params, a, watch->now)) miss(s, a, h);
    s->due_accounts++;
    add_clipped(&s->due, h->notional);
    if (a->missed) add_clipped(&s->overdue, h->notional);
}

static void look(const struct fl_watch *watch, struct state *s, uint32_t number)
{
    struct account *const a = &accounts_of(s)[number];
    const struct health h = health_of(s, number, 0);
    if (!is_below(&h)) {
        is_cured(s, a);
        set_edges(watch->params, s, number, &h);
        return;
    }
    if (h.equity < 0) add_clipped(&s->latent, -h.equity);
    if (!a->maker) follow_episode(watch, s, a, &h);
}

static void measure(const struct fl_watch *watch, struct state *s)
{
    const struct params *const p = watch->params;
    if (!s->ready || !read_truth(watch, s)) return;
    s->judged = 1;
    s->due = s->due_accounts = s->latent = s->overdue = 0;
    cross_all(p, s);
    for (uint32_t b = 0; b < s->blocks; b++)
        for (uint64_t set = looks_of(p, s)[b]; set != 0; set &= set - 1)
            look(watch, s, b * BLOCK + (uint32_t)__builtin_ctzll(set));
}

/* --- following records ------------------------------------------------------------------------------ */

/* NULL if there is no such account; it will be looked at. */
static struct account *touched(const struct fl_watch *watch, struct state *s, int64_t number)
{
    if (number < 0 || number >= s->accounts) return NULL;
    look_at(watch->params, s, (uint32_t)number);
    return &accounts_of(s)[number];
}

static bool is_market(const struct state *s, int64_t market)
{
    return market >= 0 && market < s->markets;
}

static void move(const struct fl_watch *watch, struct state *s, int64_t number, int64_t market,
                 int64_t size, int64_t quote)
{
    struct account *const a = touched(watch, s, number);
    if (!a) return;
    a->quote = fl_add(a->quote, quote);
    if (is_market(s, market)) {
        const uint32_t m = (uint32_t)market, i = (uint32_t)number;
        set_size(s, m, i, fl_add(legs_of(s, m)[i].size, size));
    }
}

static void pay(const struct fl_watch *watch, struct state *s, int64_t number, int64_t amount)
{
    struct account *const a = touched(watch, s, number);
    if (!a) return;
    a->quote = fl_add(a->quote, amount);
    a->put_in = fl_add(a->put_in, amount);
}

static void closes(struct state *s, struct account *a, fl_i128 dollars)
{
    add_clipped(&s->liquidated, dollars);
    a->due = dollars < a->due ? (int64_t)(a->due - dollars) : 0;
}

static void on_liquidation(const struct fl_watch *watch, struct state *s, const struct fl_record *r)
{
    const struct params *const p = watch->params;
    const int64_t number = r->v[0], market = r->v[2], size = r->v[3];
    struct account *const a = touched(watch, s, number);
    s->newest = (struct liquidation){number, r->v[1], market};
    if (a && is_market(s, market) && read_truth(watch, s)) {
        const struct health h = health_of(s, (uint32_t)number, 0);
        const struct health worse = health_of(s, (uint32_t)number, p->tolerance_ppm);
        s->wrongful += !is_below(&h);
        s->material += !is_below(&h) && !is_below(&worse);
        if (is_below(&h)) falls_due(s, a, &h);
        if (overdue(p, a, watch->now)) miss(s, a, &h);
        closes(s, a, magnitude(notional(size, s->market[market].truth)));
    }
    move(watch, s, number, market, -size, fl_sub(r->v[4], r->v[5]));
    if (!a) return;
    a->below_since = -1;
    a->liquidated = 1;
}

/* The account's side is in the record of its liquidation, and so is the market. */
static void on_deleveraging(const struct fl_watch *watch, struct state *s,
                            const struct fl_record *r)
{
    if (s->newest.account != r->v[0] || s->newest.number != r->v[1]) return; /* rows will say */
    move(watch, s, r->v[2], s->newest.market, r->v[3], -r->v[4]);
}

static void on_deficit(const struct fl_watch *watch, struct state *s, uint32_t id,
                       const struct fl_record *r)
{
    move(watch, s, r->v[0], -1, 0, r->v[4]); /* others bear it; what the fund paid is in already */
    if (s->first_deficit != 0 || (r->v[3] == 0 && r->v[4] == 0 && r->v[5] == 0))
        return; /* the fund paid it all */
    s->first_deficit = id;
    s->first_deficit_at = r->at;
}

/* --- the model ------------------------------------------------------------------------------------ */

static bool read_markets(const struct fl_watch *watch, struct state *s)
{
    const struct params *const p = watch->params;
    for (uint32_t m = 0, markets = 1; m < markets; m++) {
        struct fl_market_terms terms;
        if (!ask(watch, FL_ASK_MARKET, m, &terms, sizeof terms)) return false; /* no exchange */
        FL_ASSERT(terms.markets >= 1 && terms.markets <= FL_EXCHANGE_MARKETS_MAX);
        FL_ASSERT(terms.unscaled_ppm > 0 && terms.maintenance_fraction_ppm > 0);
        s->markets = markets = terms.markets;
        s->market[m] = (struct market){.unscaled_ppm = terms.unscaled_ppm,
                                       .fraction_ppm = terms.maintenance_fraction_ppm,
                                       .maintenance_ppm = (int64_t)share_up(
                                           terms.unscaled_ppm, terms.maintenance_fraction_ppm)};
    }
    s->short_of_names = s->markets > p->fundamental.count;
    return !s->short_of_names;
}

static void init(const struct fl_watch *watch, void *state)
{
    const struct params *const p = watch->params;
    struct state *const s = state;
    struct fl_totals totals;
    s->accounts = watch->facts->accounts;
    s->blocks = blocks_of(s->accounts);
    for (uint32_t i = 0; i < s->accounts; i++) accounts_of(s)[i].below_since = -1;
    for (uint32_t i = 0; i < s->blocks * p->fundamental.count; i++)
        fronts_of(p, s, 0)[i].lowest_short = INT64_MAX;
    if (!read_markets(watch, s) || !ask(watch, FL_ASK_TOTALS, 0, &totals, sizeof totals)) return;
    s->ready = 1;
    read_totals(s, &totals);
    for (uint32_t i = 0; i < s->accounts; i++) {
        refresh(watch, s, i, true);
        accounts_of(s)[i].put_in = accounts_of(s)[i].quote;
    }
}

static fl_time period(const void *params)
{
    (void)params;
    return FL_SECOND; /* DESIGN 6: on a one-second grid */
}

static void tick(const struct fl_watch *watch, void *state)
{
    measure(watch, state);
}

static void record(const struct fl_watch *watch, void *state, uint32_t id,
                   const struct fl_record *r)
{
    struct state *const s = state;
    if (!s->ready) return;
    if (r->kind == FL_RECORD_DEPOSIT) pay(watch, s, r->v[0], r->v[2]);
    if (r->kind == FL_RECORD_WITHDRAWAL) pay(watch, s, r->v[0], -r->v[2]);
    if (r->kind == FL_RECORD_FILL) {
        move(watch, s, r->v[0], r->v[5], r->v[2], fl_sub(r->v[3], r->v[4]));
        move(watch, s, r->v[1], r->v[5], -r->v[2], -r->v[3]);
    }
    if (r->kind == FL_RECORD_LIQUIDATION) on_liquidation(watch, s, r);
    if (r->kind == FL_RECORD_DELEVERAGED) on_deleveraging(watch, s, r);
    if (r->kind == FL_RECORD_DEFICIT) on_deficit(watch, s, id, r);
    if (r->kind == FL_RECORD_FUNDING) s->all_quotes = 1;
}

/* Funding and socialised losses change the quotes of open accounts without touching their rows. */
static void executed(const struct fl_watch *watch, void *state, const struct fl_change *changes,
                     uint32_t count)
{
    const struct params *const p = watch->params;
    struct state *const s = state;
    struct fl_totals t;
    if (!s->ready || !ask(watch, FL_ASK_TOTALS, 0, &t, sizeof t)) return;
    for (uint32_t i = 0; i < count; i++)
        if (changes[i].contract == p->exchange && changes[i].row < s->accounts)
            refresh(watch, s, changes[i].row, true);
    if (s->all_quotes || t.socialised != s->socialised)
        for (uint32_t i = 0; i < s->accounts; i++) refresh(watch, s, i, false);
    s->all_quotes = 0;
    read_totals(s, &t);
}

/* What liquidated accounts have less than they put in. */
static void finish(const struct fl_watch *watch, void *state)
{
    struct state *const s = state;
    measure(watch, s);
    if (!s->ready || !read_truth(watch, s)) return;
    s->collateral_lost = 0;
    for (uint32_t i = 0; i < s->accounts; i++) {
        const struct account *const a = &accounts_of(s)[i];
        if (!a->liquidated) continue;
        const struct health h = health_of(s, i, 0);
        const fl_i128 left = h.equity > 0 ? h.equity : 0;
        if (a->put_in > left) add_clipped(&s->collateral_lost, a->put_in - left);
    }
}

static struct fl_verdict verdict(const void *params, const void *state)
{
    const struct state *const s = state;
    const struct params *const p = params;
    struct fl_verdict v = {.kind = FL_HOLDS,
                           .what = "bad debt {0}, latent {1}",
                           .value = {s->bad_debt, s->latent},
                           .unit = {FL_USD, FL_USD}};
    if (!s->ready) v.kind = FL_NOT_APPLICABLE;
    if (s->short_of_names) {
        v = (struct fl_verdict){.kind = FL_NOT_APPLICABLE,
                                .what = "the exchange has {0} markets, `fundamental` names {1}",
                                .value = {s->markets, p->fundamental.count},
                                .unit = {FL_COUNT, FL_COUNT}};
    }
    if (s->bad_debt == 0 && s->latent == 0) return v;
    v.kind = FL_BROKEN;
    v.record = (uint32_t)s->first_deficit;
    v.at = s->first_deficit_at;
    return v;
}

static size_t state_bytes(const void *params, const struct fl_facts *facts)
{
    const struct params *const p = params;
    const size_t markets = p->fundamental.count, blocks = blocks_of(facts->accounts);
    return sizeof(struct state) + facts->accounts * sizeof(struct account) +
           markets * facts->accounts * sizeof(struct leg) +
           markets * blocks * sizeof(struct front) + blocks * sizeof(uint64_t);
}

static void observe(const void *params, const void *state, int64_t *out)
{
    const struct state *const s = state;
    (void)params;
    *out++ = s->judged;
    *out++ = s->due;
    *out++ = s->due_accounts;
    *out++ = s->fell_due;
    *out++ = s->liquidated;
    *out++ = s->overdue;
    *out++ = s->latent;
    *out++ = s->collateral_lost;
    *out++ = s->wrongful;
    *out++ = s->material;
    *out++ = s->missed;
    *out++ = s->missed_usd;
}

static const struct fl_observable observables[] = {
    {"ledger.judged", "whether accounts were measured at the fundamental prices", FL_BOOL, FL_MAX},
    {"ledger.due", "notional of accounts below maintenance at the fundamental prices", FL_USD,
     FL_SUM},
    {"ledger.due_accounts", "accounts below maintenance at the fundamental prices", FL_COUNT,
     FL_SUM},
    {"ledger.fell_due",
     "notional of accounts when they fell below maintenance, less what was cured, so far", FL_USD,
     FL_SUM},
    {"ledger.liquidated_fundamental",
     "notional liquidated or deleveraged so far, at the fundamental prices", FL_USD, FL_SUM},
    {"ledger.overdue", "of what is due, that of missed liquidations", FL_USD, FL_SUM},
    {"ledger.latent_bad_debt", "negative equity of open accounts at the fundamental prices", FL_USD,
     FL_SUM},
    {"ledger.collateral_lost",
     "what liquidated accounts paid in, less what they paid out and have left; at the end of the "
     "run only",
     FL_USD, FL_SUM},
    {"ledger.wrongful_liquidations", "liquidated while healthy at the fundamental prices", FL_COUNT,
     FL_SUM},
    {"ledger.material_wrongful_liquidations",
     "the same with the fundamental prices moved against the account by the tolerance", FL_COUNT,
     FL_SUM},
    {"ledger.missed_liquidations", "episodes below maintenance for longer than missed_after_s",
     FL_COUNT, FL_SUM},
    {"ledger.missed", "notional of missed liquidations when they became missed", FL_USD, FL_SUM},
    {.name = NULL},
};

static const struct fl_param param_rows[] = {
    {.key = "exchange",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct params, exchange),
     .doc = "the exchange that is watched"},
    {.key = "fundamental",
     .type = FL_OBSERVABLE_NAMES,
     .offset = offsetof(struct params, fundamental),
     .fallback = "[\"market.fundamental\"]",
     .doc = "observables that are the true prices, USD, in the order of the exchange's markets"},
    {.key = "tolerance",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, tolerance_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0.01",
     .doc =
         "error granted to the oracle before a wrongful liquidation is material, ratio of price"},
    {.key = "missed_after_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, missed_after),
     .min = 0,
     .max = 1000000 * FL_SECOND,
     .fallback = "60",
     .doc = "time below maintenance after which a liquidation is missed, seconds"},
    {.key = NULL},
};

static const char *check(const void *params)
{
    const struct params *const p = params;
    return p->fundamental.count == 0 ? "fundamental must name an observable for each market" : NULL;
}

static const struct fl_check_model watch_model = {
    .state_bytes = state_bytes,
    .period = period,
    .init = init,
    .tick = tick,
    .record = record,
    .executed = executed,
    .finish = finish,
    .verdict = verdict,
    .observe = observe,
};

const struct fl_model fl_model_solvency = {
    .name = "solvency",
    .family = FL_CHECK,
    .doc = "no bad debt; wrongful, due and missed liquidations against the fundamental prices",
    .params = param_rows,
    .params_bytes = sizeof(struct params),
    .check = check,
    .observables = observables,
    .watch = &watch_model,
};
