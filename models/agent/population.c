/* A crowd of traders on a perpetual exchange, one per ledger account.
 *
 * Each deposits its collateral at its opening time, takes one leveraged position at the oracle's
 * price, and holds it until it is liquidated. Collateral, leverage, side and opening time are drawn
 * by the number of the account within the crowd, so that no trader's fate shifts another's.
 *
 * Traders act when a block arrives, and know nothing of the ledger but their replica's view. A
 * transaction that the view does not show after `retry_blocks` blocks is sent again unchanged (same
 * nonce); one that was refused is followed by a new one.
 *
 * Assumptions. One position each, never reduced or added to. The "watchful" share of them also
 * follows the market: when one sees that at the mid price M it is below maintenance, while the
 * ledger, at its oracle's older price, still has it above its initial margin, it withdraws all that
 * the initial margin leaves free. That is what a stale oracle permits, and what a halted chain does
 * not. */
#include "models/submit.h"

struct params {
    uint32_t exchange;
    struct fl_law leverage;   /* ppm */
    struct fl_law collateral; /* 10^-6 USD */
    int64_t long_share_ppm;
    fl_time open_from, open_to;
    int64_t limit_ppm;
    int64_t retry_blocks;
    int64_t watchful_ppm;
};

enum phase {
    WAITING = 1, /* for its opening time */
    DEPOSITING,  /* the deposit is on its way */
    READY,       /* deposited; waits for a valid price */
    TRADING,     /* the trade is on its way */
    HOLDING,
    WITHDRAWING, /* holding, and a withdrawal is on its way */
    DONE
};

struct trader {
    fl_time opens_at;
    int64_t arg[2];     /* of its newest transaction */
    uint32_t nonce;     /* of its newest transaction; 0: none yet */
    uint32_t sent_head; /* number of the head at which that was sent last */
    uint32_t copy;      /* resubmissions of it */
    uint32_t phase;     /* enum phase */
};

struct crowd {
    struct fl_sight market;
    int64_t opened, holding, withdrawals;
    int64_t liquidations; /* on the exchange, when last looked */
    uint32_t heads;       /* seen so far */
    uint32_t first;       /* trader who comes first at the next head */
    struct trader trader[];
};

/* What one head shows, and how many transactions may still be sent at it. */
struct glance {
    const struct fl_self *self;
    const struct params *p;
    struct crowd *crowd;
    const struct fl_view *view;
    struct fl_outbox *out;
    fl_time now;
    struct fl_market_terms terms;
    struct fl_price price;
    bool someone_fell; /* liquidations happened since the last look */
    bool torn;         /* market and oracle are so far apart that a watchful trader looks closer */
    uint32_t budget;
};

/* Three effects and one blob each; the outbox holds 4096 and 2048. The rest act at the next head. */
#define PER_HEAD 512
#define COPIES_MAX 65535 /* `copy` of a message has 16 bits */
/* A trader without position whose money is below this share of its deposit was liquidated. */
#define RUINED_SHARE 2
/* Nobody withdraws less than this share of its deposit. */
#define WORTHWHILE_SHARE 100
/* Roundings of notional and requirement on the exchange. */
#define ROUNDING_SLACK 2
#define USD_MAX INT64_C(1000000000000000)

/* --- draws --------------------------------------------------------------------------------------- */

enum lane { LEVERAGE_LANE, COLLATERAL_LANE, SIDE_LANE, OPENING_LANE, WATCHFUL_LANE };

static uint64_t draw(const struct fl_self *self, uint32_t trader, enum lane lane)
{
    return fl_draw(self->seed, FL_RNG_AGENT, self->key, trader, lane);
}

static bool chance(const struct fl_self *self, uint32_t trader, enum lane lane, int64_t ppm)
{
    return (int64_t)fl_draw_below(self->seed, FL_RNG_AGENT, self->key, trader, lane,
                                  (uint64_t)FL_PPM_ONE) < ppm;
}

static int64_t collateral_of(const struct fl_self *self, uint32_t trader)
{
    const struct params *p = self->params;
    return fl_law_at(&p->collateral, draw(self, trader, COLLATERAL_LANE));
}

static fl_time opening_of(const struct fl_self *self, uint32_t trader)
{
    const struct params *p = self->params;
    if (p->open_to == p->open_from) return p->open_from;
    return p->open_from + (fl_time)fl_draw_below(self->seed, FL_RNG_AGENT, self->key, trader,
                                                 OPENING_LANE,
                                                 (uint64_t)(p->open_to - p->open_from));
}

/* Signed: collateral * leverage / price, toward zero. */
static int64_t size_of(const struct fl_self *self, uint32_t trader, int64_t price)
{
    const struct params *p = self->params;
    const int64_t leverage = fl_law_at(&p->leverage, draw(self, trader, LEVERAGE_LANE));
    const fl_i128 exact = (fl_i128)collateral_of(self, trader) * leverage / price;
    const int64_t size = exact > FL_SIZE_MAX ? FL_SIZE_MAX : (int64_t)exact;
    return chance(self, trader, SIDE_LANE, p->long_share_ppm) ? size : -size;
}

/* --- transactions -------------------------------------------------------------------------------- */

static uint16_t kind_in(uint32_t phase)
{
    switch ((enum phase)phase) {
    case DEPOSITING:
        return FL_TX_DEPOSIT;
    case TRADING:
        return FL_TX_TRADE;
    case WITHDRAWING:
        return FL_TX_WITHDRAW;
    case WAITING:
    case READY:
    case HOLDING:
    case DONE:
        break;
    }
    FL_UNREACHABLE("a trader sends a transaction in a phase that has none");
}

/* False if this head's allowance is used up; the trader who hears it first comes first next time. */
static bool may_send(struct glance *g, uint32_t index)
{
    if (g->budget > 0) return true;
    if (g->crowd->first == UINT32_MAX) g->crowd->first = index;
    return false;
}

static void send(struct glance *g, uint32_t index)
{
    struct trader *t = &g->crowd->trader[index];
    struct fl_tx tx = {.account = g->self->account_first + index,
                       .contract = (uint16_t)g->p->exchange,
                       .kind = kind_in(t->phase),
                       .nonce = t->nonce,
                       .arg = {t->arg[0], t->arg[1]}};
    fl_submit(g->self, &tx, (uint16_t)t->copy, g->out);
    t->sent_head = g->crowd->heads;
    g->budget--;
}

/* A new transaction; its kind follows from the phase. */
static void act(struct glance *g, uint32_t index, enum phase phase, int64_t arg0, int64_t arg1)
{
    struct trader *t = &g->crowd->trader[index];
    t->phase = phase;
    t->nonce++;
    t->copy = 0;
    t->arg[0] = arg0;
    t->arg[1] = arg1;
    send(g, index);
}

static bool waited(const struct glance *g, const struct trader *t)
{
    return g->crowd->heads - t->sent_head >= (uint32_t)g->p->retry_blocks;
}

/* Whether the newest transaction has been executed, for better or worse. If it is overdue, it is
 * sent again; that descends from the first sending. */
static bool executed(struct glance *g, uint32_t index)
{
    struct trader *t = &g->crowd->trader[index];
    const uint32_t account = g->self->account_first + index;
    int64_t used;
    if (!fl_read_nonce(g->view, account, &used)) return false;
    if (used >= t->nonce) return true;
    if (waited(g, t) && t->copy < COPIES_MAX && may_send(g, index)) {
        t->copy++;
        fl_because(g->out, FL_RECORD_TX, account, t->nonce);
        send(g, index);
    }
    return false;
}

static bool read_own(const struct glance *g, uint32_t index, struct fl_account *row)
{
    return fl_read_account(g->view, g->p->exchange, g->self->account_first + index, row);
}

/* What a trader decides, it decides at the oracle's price. */
static void because_of_price(const struct glance *g)
{
    fl_because(g->out, FL_RECORD_PRICE, g->terms.oracle, g->price.round);
}

/* --- phases -------------------------------------------------------------------------------------- */

/* Opening times come from nowhere, so a deposit has no cause. */
static void wait_for_opening(struct glance *g, uint32_t index)
{
    if (g->now < g->crowd->trader[index].opens_at || !may_send(g, index)) return;
    fl_because(g->out, 0, 0, 0);
    act(g, index, DEPOSITING, collateral_of(g->self, index), 0);
}

static void open_position(struct glance *g, uint32_t index)
{
    const int64_t price = g->price.price;
    if (!g->price.valid || !fl_price_plausible(price)) return;
    const int64_t size = size_of(g->self, index, price);
    if (size == 0 || !may_send(g, index)) return;
    const int64_t give = fl_mul_div_floor(price, g->p->limit_ppm, FL_PPM_ONE);
    const int64_t worst = size > 0 ? price + give : fl_max(price - give, 1);
    because_of_price(g);
    act(g, index, TRADING, size, worst);
}

static void await_deposit(struct glance *g, uint32_t index)
{
    struct fl_account row;
    if (!executed(g, index) || !read_own(g, index, &row)) return;
    struct trader *t = &g->crowd->trader[index];
    t->phase = row.quote > 0 ? READY : DONE; /* DONE: the exchange refused the deposit */
    if (t->phase == READY) open_position(g, index);
}

static void await_trade(struct glance *g, uint32_t index)
{
    struct fl_account row;
    if (!executed(g, index) || !read_own(g, index, &row)) return;
    struct trader *t = &g->crowd->trader[index];
    if (row.size != 0) {
        t->phase = HOLDING;
        g->crowd->opened++;
        g->crowd->holding++;
    } else if (row.quote < collateral_of(g->self, index) / RUINED_SHARE) {
        t->phase = DONE; /* filled, and liquidated before it could look */
    } else if (waited(g, t)) {
        t->phase = READY; /* refused */
        open_position(g, index);
    }
}

/* Equity less `ratio` of notional, in 10^-18 USD: exact. Sizes and prices are below 10^15, so all
 * terms are below 2^124. */
static fl_i128 above_margin(const struct fl_account *row, int64_t price, int64_t ratio_ppm)
{
    const fl_i128 notional = (fl_i128)row->size * price;
    const fl_i128 margin = (notional < 0 ? -notional : notional) * ratio_ppm;
    return (fl_i128)row->quote * FL_PPM_ONE * FL_PPM_ONE + notional * FL_PPM_ONE - margin;
}

/* What a trader who sees the market can still take out of a ledger that does not; 0 if nothing. */
static int64_t loot(const struct glance *g, const struct fl_account *row)
{
    if (fl_abs(row->size) > FL_SIZE_MAX ||
        above_margin(row, g->crowd->market.mid, g->terms.maintenance_ppm) >= 0)
        return 0;
    const fl_i128 one = (fl_i128)FL_PPM_ONE * FL_PPM_ONE;
    const fl_i128 free = above_margin(row, g->price.price, g->terms.initial_ppm);
    const fl_i128 usd = free / one - ROUNDING_SLACK;
    return usd < 0 ? 0 : usd > USD_MAX ? USD_MAX : (int64_t)usd;
}

/* The newest transaction has been executed and there was a position. */
static void hold(struct glance *g, uint32_t index)
{
    struct trader *t = &g->crowd->trader[index];
    const bool looks = g->torn && waited(g, t) &&
                       chance(g->self, index, WATCHFUL_LANE, g->p->watchful_ppm);
    struct fl_account row;
    if ((!looks && !g->someone_fell) || !read_own(g, index, &row)) return;
    if (row.size == 0) {
        t->phase = DONE;
        g->crowd->holding--;
        return;
    }
    const int64_t amount = looks ? loot(g, &row) : 0;
    const int64_t enough = fl_max(1, collateral_of(g->self, index) / WORTHWHILE_SHARE);
    if (amount < enough || !may_send(g, index)) return;
    because_of_price(g);
    g->crowd->withdrawals++;
    act(g, index, WITHDRAWING, amount, 0);
}

/* Liquidations of the last heads may have passed this trader by, so it looks for itself. */
static void await_withdrawal(struct glance *g, uint32_t index)
{
    struct fl_account row;
    if (!executed(g, index) || !read_own(g, index, &row)) return;
    struct trader *t = &g->crowd->trader[index];
    t->phase = row.size != 0 ? HOLDING : DONE;
    g->crowd->holding -= row.size == 0;
}

static void trader_step(struct glance *g, uint32_t index)
{
    switch ((enum phase)g->crowd->trader[index].phase) {
    case WAITING:
        wait_for_opening(g, index);
        return;
    case DEPOSITING:
        await_deposit(g, index);
        return;
    case READY:
        open_position(g, index);
        return;
    case TRADING:
        await_trade(g, index);
        return;
    case HOLDING:
        hold(g, index);
        return;
    case WITHDRAWING:
        await_withdrawal(g, index);
        return;
    case DONE:
        return;
    }
}

/* --- heads --------------------------------------------------------------------------------------- */

/* A trader above its initial margin i at P and below its maintenance m at M needs
 * P - M > (i - m) P if long, and (M - P) (1 + m) > (i - m) P if short: the weaker of the two, so
 * that nobody looks at a market that agrees with the oracle. */
static bool is_torn(const struct glance *g)
{
    const int64_t price = g->price.price, market = g->crowd->market.mid;
    if (g->p->watchful_ppm == 0 || market == 0 || !g->price.valid || !fl_price_plausible(price))
        return false;
    const fl_i128 apart = fl_abs(market - price);
    return apart * (FL_PPM_ONE + g->terms.maintenance_ppm) >
           (fl_i128)(g->terms.initial_ppm - g->terms.maintenance_ppm) * price;
}

/* False if the view cannot be read. */
static bool look(struct glance *g)
{
    const struct fl_query ask = {.contract = (uint16_t)g->p->exchange, .kind = FL_ASK_TOTALS};
    struct fl_totals totals;
    if (!fl_read_terms(g->view, g->p->exchange, &g->terms, &g->price) ||
        fl_read(g->view, &ask, &totals, sizeof totals) != FL_READ_OK)
        return false;
    g->someone_fell = totals.liquidations != g->crowd->liquidations;
    g->crowd->liquidations = totals.liquidations;
    g->torn = is_torn(g);
    return true;
}

static void on_head(struct glance *g)
{
    struct crowd *crowd = g->crowd;
    crowd->heads++;
    if (!look(g)) return;
    const uint32_t count = g->self->account_count, first = crowd->first;
    crowd->first = UINT32_MAX;
    for (uint32_t i = first; i < count; i++) trader_step(g, i);
    for (uint32_t i = 0; i < first; i++) trader_step(g, i);
    if (crowd->first == UINT32_MAX) crowd->first = 0;
}

/* --- the model ----------------------------------------------------------------------------------- */

static size_t state_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    return sizeof(struct crowd) + self->account_count * sizeof(struct trader);
}

static void init(const struct fl_self *self, void *state)
{
    struct crowd *crowd = state;
    for (uint32_t i = 0; i < self->account_count; i++) {
        crowd->trader[i].opens_at = opening_of(self, i);
        crowd->trader[i].phase = WAITING;
    }
}

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    struct crowd *crowd = state;
    if (fl_sight_take(&crowd->market, in) || !fl_can_submit(self) || !fl_is_head(self, in)) return;
    struct glance g = {.self = self,
                       .p = self->params,
                       .crowd = crowd,
                       .view = view,
                       .out = out,
                       .now = in->now,
                       .budget = PER_HEAD};
    on_head(&g);
}

static void observe(const struct fl_self *self, const void *state, int64_t *out)
{
    (void)self;
    const struct crowd *crowd = state;
    out[0] = crowd->opened;
    out[1] = crowd->holding;
    out[2] = crowd->withdrawals;
}

static const char *check(const void *params)
{
    const struct params *p = params;
    return p->open_to < p->open_from ? "open_to_s must not be below open_from_s" : NULL;
}

#define OPENING_MAX (INT64_C(1000000000) * FL_SECOND)

static const struct fl_param rows[] = {
    {.key = "exchange",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct params, exchange),
     .doc = "exchange contract to trade on"},
    {.key = "leverage",
     .type = FL_LAW,
     .digits = 6,
     .offset = offsetof(struct params, leverage),
     .min = 1,
     .max = 1000 * FL_PPM_ONE,
     .fallback = "{\"law\": \"lognormal\", \"median\": 5, \"sigma\": 0.6, \"at_least\": 1, "
                 "\"at_most\": 18}",
     .doc = "notional over collateral when a position is opened (ratio; assumption); keep it below "
            "the inverse of the exchange's initial margin, or trades are refused"},
    {.key = "collateral_usd",
     .type = FL_LAW,
     .digits = 6,
     .offset = offsetof(struct params, collateral),
     .min = 1,
     .max = USD_MAX,
     .doc = "what each trader deposits, in USD"},
    {.key = "long_share",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, long_share_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0.5",
     .doc = "probability that a trader is long (ratio)"},
    {.key = "open_from_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, open_from),
     .min = 0,
     .max = OPENING_MAX,
     .fallback = "0",
     .doc = "earliest opening time, in seconds; opening times are uniform"},
    {.key = "open_to_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, open_to),
     .min = 0,
     .max = OPENING_MAX,
     .fallback = "600",
     .doc = "end of the opening times, in seconds"},
    {.key = "limit",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, limit_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0.02",
     .doc = "worst price a trader accepts, as a relative distance from the oracle's (ratio)"},
    {.key = "retry_blocks",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, retry_blocks),
     .min = 1,
     .max = 1000000,
     .fallback = "3",
     .doc = "blocks seen after which a transaction is sent again, or a refused trade tried anew "
            "(count)"},
    {.key = "watchful",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, watchful_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0",
     .doc = "share of the traders who follow the market and withdraw all that the initial margin "
            "leaves free once the market, but not yet the oracle, has them below maintenance "
            "(ratio; assumption; the crowd must be among the market's subscribers)"},
    {.key = NULL}};

static const struct fl_observable observables[] = {
    {"traders.opened", "traders who got a position so far", FL_COUNT, FL_SUM},
    {"traders.holding", "traders who hold a position", FL_COUNT, FL_SUM},
    {"traders.withdrawals", "withdrawals of collateral sent so far", FL_COUNT, FL_SUM},
    {.name = NULL}};

static const struct fl_node_model node = {
    .state_bytes = state_bytes, .init = init, .step = step, .observe = observe};

const struct fl_model fl_model_population = {
    .name = "population",
    .family = FL_AGENT,
    .doc = "crowd of traders: each deposits, opens one leveraged position and holds it; some "
           "withdraw collateral while the oracle is stale",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .check = check,
    .observables = observables,
    .node = &node};
