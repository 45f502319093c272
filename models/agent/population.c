/* A crowd of traders on a perpetual exchange, one per ledger account.
 *
 * Each deposits its collateral at its opening time, takes one leveraged position at the oracle's
 * price in each of its markets, and holds them until it is liquidated. Collateral, leverage, side,
 * markets and opening time are drawn by the number of the account within the crowd
 * (crowd_draws.c). Some react to what they see (crowd_react.c): those who watch, top up, panic, and
 * those who chase prices, who open nothing before a price has moved.
 *
 * Traders act when a block arrives, and know nothing of the ledger but their replica's view, nothing
 * of venues but the quotes that reached them. A transaction that the view does not show after
 * `retry_blocks` blocks is sent again unchanged (same nonce); one that was refused is followed by a
 * new one.
 *
 * Assumptions. A position is an equal share of collateral * leverage, rounded down to the market's
 * lot; who cannot pay for a lot in any of its markets does not trade. Nobody opens a position against
 * a move that would make it panic at once. Who has been liquidated, or has panicked out of its last
 * position, does not come back. */
#include "models/agent/crowd.h"

#define COPIES_MAX 65535 /* `copy` of a message has 16 bits */
/* A trader without position whose money is below this share of its deposit was liquidated. */
#define RUINED_SHARE 2
#define USD_MAX INT64_C(1000000000000000)

/* --- transactions -------------------------------------------------------------------------------- */

static uint16_t kind_in(uint32_t phase)
{
    switch ((enum phase)phase) {
    case DEPOSITING:
    case TOPPING_UP:
        return FL_TX_DEPOSIT;
    case TRADING:
    case CLOSING:
    case CHASING:
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

bool fl_crowd_may_send(struct glance *g, uint32_t index)
{
    if (g->budget > 0) return true;
    if (g->crowd->first == UINT32_MAX) g->crowd->first = index;
    return false;
}

static void send(struct glance *g, uint32_t index)
{
    struct trader *t = &g->crowd->trader[index];
    const uint16_t kind = kind_in(t->phase);
    struct fl_tx tx = {
        .account = g->self->account_first + index,
        .contract = (uint16_t)g->p->exchange,
        .kind = kind,
        .nonce = t->nonce,
        .arg = {t->arg[0], t->arg[1], kind == FL_TX_TRADE ? t->market : 0},
    };
    fl_submit(g->self, &tx, t->copy, g->out);
    t->sent_head = g->crowd->heads;
    g->budget--;
}

void fl_crowd_act(struct glance *g, uint32_t index, enum phase phase, int64_t arg0, int64_t arg1)
{
    struct trader *t = &g->crowd->trader[index];
    t->phase = (uint8_t)phase;
    t->nonce++;
    t->copy = 0;
    t->arg[0] = arg0;
    t->arg[1] = arg1;
    send(g, index);
}

bool fl_crowd_waited(const struct glance *g, const struct trader *t)
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
    if (fl_crowd_waited(g, t) && t->copy < COPIES_MAX && fl_crowd_may_send(g, index)) {
        t->copy++;
        fl_because(g->out, FL_RECORD_TX, account, t->nonce);
        send(g, index);
    }
    return false;
}

bool fl_crowd_read(const struct glance *g, uint32_t index, struct fl_account *row)
{
    return fl_read_account(g->view, g->p->exchange, g->self->account_first + index, row);
}

void fl_crowd_because(const struct glance *g, uint32_t place)
{
    const struct outlook *m = &g->market[place];
    fl_because(g->out, FL_RECORD_PRICE, m->terms.oracle, m->price.round);
}

int64_t fl_crowd_limit(const struct glance *g, uint32_t place, int64_t size)
{
    const int64_t price = g->market[place].terms.mark;
    const int64_t give = fl_mul_div_floor(price, g->p->limit_ppm, FL_PPM_ONE);
    return size > 0 ? price + give : fl_max(price - give, 1);
}

/* --- what it has ----------------------------------------------------------------------------------- */

static bool is_ruined(const struct glance *g, uint32_t index, const struct fl_account *row)
{
    return row->positions == 0 && row->quote < fl_crowd_collateral(g->self, index) / RUINED_SHARE;
}

bool fl_crowd_saw(struct glance *g, uint32_t index, const struct fl_account *row)
{
    struct crowd *crowd = g->crowd;
    struct trader *t = &crowd->trader[index];
    const bool holds = row->positions != 0;
    crowd->opened += holds && !(t->traits & HELD);
    crowd->holding += holds - !!(t->traits & HOLDS);
    t->traits = (uint8_t)(holds ? t->traits | HELD | HOLDS : t->traits & ~HOLDS);
    const bool over = !holds && (!(t->traits & CHASES) || is_ruined(g, index, row));
    if (over) t->phase = DONE;
    return over;
}

/* It has what it wanted, and counts what that is worth at the next head. */
static void settle(struct glance *g, uint32_t index)
{
    g->crowd->trader[index].phase = HOLDING;
    fl_crowd_count_at(g->crowd, index, g->crowd->path);
}

/* --- phases: false if it may sleep ------------------------------------------------------------------ */

/* Opening times come from nowhere, so a deposit has no cause. */
static bool wait_for_opening(struct glance *g, uint32_t index)
{
    if (g->now < g->crowd->trader[index].until) return false;
    if (!fl_crowd_may_send(g, index)) return true;
    fl_because(g->out, 0, 0, 0);
    fl_crowd_act(g, index, DEPOSITING, fl_crowd_collateral(g->self, index), 0);
    return true;
}

/* Signed: collateral * leverage / legs / price, toward zero, in whole lots. */
static int64_t size_of(const struct glance *g, uint32_t index, uint32_t legs, uint32_t place)
{
    const struct fl_market_terms *terms = &g->market[place].terms;
    const fl_i128 exact = (fl_i128)fl_crowd_collateral(g->self, index) *
                          fl_crowd_leverage(g->self, index) / ((fl_i128)terms->mark * legs);
    const int64_t most = exact > FL_SIZE_MAX ? FL_SIZE_MAX : (int64_t)exact;
    const int64_t size = most - most % fl_max(terms->lot, 1);
    return fl_crowd_long(g->self, index, g->crowd->trader[index].leg) ? size : -size;
}

static bool would_panic(const struct glance *g, const struct trader *t, uint32_t place,
                        int64_t size)
{
    return t->traits & PANICS &&
           g->crowd->tide[place].move_ppm[size > 0 ? DOWN : UP] >= t->nerve_ppm;
}

/* All its markets are open, or too dear. */
static bool end_opening(struct glance *g, uint32_t index)
{
    struct trader *t = &g->crowd->trader[index];
    if (t->traits & (HOLDS | CHASES))
        settle(g, index);
    else
        t->phase = DONE;
    return true;
}

static bool open_position(struct glance *g, uint32_t index)
{
    struct trader *t = &g->crowd->trader[index];
    uint32_t place[LEGS_MAX];
    const uint32_t legs = fl_crowd_legs(g->self, index, place);
    for (; t->leg < legs; t->leg++) {
        const uint32_t here = place[t->leg];
        if (!fl_price_plausible(g->market[here].terms.mark)) return true;
        const int64_t size = size_of(g, index, legs, here);
        if (size == 0) continue;
        if (would_panic(g, t, here, size) || !fl_crowd_may_send(g, index)) return true;
        fl_crowd_because(g, here);
        t->market = (uint8_t)fl_crowd_market(g->p, here);
        fl_crowd_act(g, index, TRADING, size, fl_crowd_limit(g, here, size));
        return true;
    }
    return end_opening(g, index);
}

static bool await_deposit(struct glance *g, uint32_t index)
{
    struct fl_account row;
    if (!executed(g, index) || !fl_crowd_read(g, index, &row)) return true;
    struct trader *t = &g->crowd->trader[index];
    t->phase = row.quote > 0 ? READY : DONE; /* DONE: the exchange refused the deposit */
    if (t->phase == DONE) return false;
    return t->traits & CHASES ? end_opening(g, index) : open_position(g, index);
}

static bool await_trade(struct glance *g, uint32_t index)
{
    struct trader *t = &g->crowd->trader[index];
    struct fl_account row;
    struct fl_positions held;
    if (!executed(g, index) || !fl_crowd_read(g, index, &row) ||
        !fl_read_positions(g->view, g->p->exchange, g->self->account_first + index, &held))
        return true;
    if (fl_size_in(&held, t->market) != 0) {
        fl_crowd_saw(g, index, &row);
        t->leg++;
        uint32_t place[LEGS_MAX];
        if (t->leg >= fl_crowd_legs(g->self, index, place)) return end_opening(g, index);
        t->phase = READY;
        return true;
    }
    if (is_ruined(g, index, &row)) { /* filled, and liquidated before it could look */
        fl_crowd_saw(g, index, &row);
        t->phase = DONE;
        return false;
    }
    if (!fl_crowd_waited(g, t)) return true;
    t->phase = READY; /* refused */
    return open_position(g, index);
}

/* Liquidations of the last heads may have passed this trader by, so it looks for itself. */
static bool await_reaction(struct glance *g, uint32_t index)
{
    struct fl_account row;
    if (!executed(g, index) || !fl_crowd_read(g, index, &row)) return true;
    if (fl_crowd_saw(g, index, &row)) return false;
    settle(g, index);
    return true;
}

static bool trader_step(struct glance *g, uint32_t index)
{
    switch ((enum phase)g->crowd->trader[index].phase) {
    case WAITING:
        return wait_for_opening(g, index);
    case DEPOSITING:
        return await_deposit(g, index);
    case READY:
        return open_position(g, index);
    case TRADING:
        return await_trade(g, index);
    case HOLDING:
        return fl_crowd_hold(g, index);
    case WITHDRAWING:
    case TOPPING_UP:
    case CLOSING:
    case CHASING:
        return await_reaction(g, index);
    case DONE:
        return false;
    }
    FL_UNREACHABLE("a trader is in no phase");
}

/* --- heads --------------------------------------------------------------------------------------- */

/* A trader above its initial margin i at P and below its maintenance m at M needs
 * P - M > (i - m) P if long, and (M - P) (1 + m) > (i - m) P if short: the weaker of the two, so
 * that nobody looks at a market that agrees with the oracle. */
static bool is_torn(const struct crowd_params *p, const struct outlook *m)
{
    const int64_t price = m->terms.mark;
    if (p->watchful_ppm == 0 || m->mid == 0 || !fl_price_plausible(price)) return false;
    const fl_i128 apart = fl_abs(m->mid - price);
    return apart * (FL_PPM_ONE + m->terms.maintenance_ppm) >
           (fl_i128)(m->terms.initial_ppm - m->terms.maintenance_ppm) * price;
}

/* False if the view cannot be read. */
static bool look(struct glance *g)
{
    const struct fl_query ask = {.contract = (uint16_t)g->p->exchange, .kind = FL_ASK_TOTALS};
    struct crowd *crowd = g->crowd;
    struct fl_totals totals;
    for (uint32_t i = 0; i < fl_crowd_places(g->p); i++) {
        struct outlook *m = &g->market[i];
        if (!fl_read_market(g->view, g->p->exchange, fl_crowd_market(g->p, i), &m->terms,
                            &m->price))
            return false;
        m->mid = crowd->sight[i].mid;
        g->torn = is_torn(g->p, m) || g->torn;
    }
    if (fl_read(g->view, &ask, &totals, sizeof totals) != FL_READ_OK) return false;
    if (totals.liquidations != crowd->liquidations) crowd->patrol_left = g->self->account_count;
    crowd->liquidations = totals.liquidations;
    return true;
}

/* Those awake among from .. to - 1, in order. Stepping one may keep that one awake, and wakes nobody
 * else. */
static void step_awake(struct glance *g, uint64_t *awake, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to;) {
        const uint64_t rest = awake[i / 64] >> i % 64;
        if (rest == 0) {
            i += 64 - i % 64;
            continue;
        }
        i += (uint32_t)__builtin_ctzll(rest);
        if (i >= to) return;
        const uint64_t bit = UINT64_C(1) << i % 64;
        awake[i / 64] = trader_step(g, i) ? awake[i / 64] | bit : awake[i / 64] & ~bit;
        i++;
    }
}

static void on_head(struct glance *g)
{
    struct crowd *crowd = g->crowd;
    crowd->heads++;
    if (!look(g)) return;
    fl_crowd_wake(g);
    uint64_t *const awake = fl_crowd_awake(g->self, crowd);
    const uint32_t first = crowd->first;
    crowd->first = UINT32_MAX;
    step_awake(g, awake, first, g->self->account_count);
    step_awake(g, awake, 0, first);
    if (crowd->first == UINT32_MAX) crowd->first = 0;
}

/* A quote of a venue it knows, or of any if it was told of none: then of the first market. */
static bool take_quote(const struct crowd_params *p, struct crowd *crowd, const struct fl_event *in)
{
    if (p->venues.count == 0) return fl_sight_take(&crowd->sight[0], in);
    bool taken = false;
    for (uint32_t i = 0; i < p->venues.count && i < fl_crowd_places(p); i++)
        if (p->venues.first[i] == in->msg.from.i)
            taken = fl_sight_take(&crowd->sight[i], in) || taken;
    return taken;
}

/* --- the model ----------------------------------------------------------------------------------- */

static size_t state_bytes(const void *params, const struct fl_self *self)
{
    return fl_crowd_bytes(params, self->account_count);
}

static void init(const struct fl_self *self, void *state)
{
    fl_crowd_init(self, state);
}

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    struct crowd *crowd = state;
    const struct crowd_params *p = self->params;
    if (take_quote(p, crowd, in) || !fl_can_submit(self) || !fl_is_head(self, in)) return;
    struct glance g = {.self = self,
                       .p = p,
                       .crowd = crowd,
                       .view = view,
                       .out = out,
                       .now = in->now,
                       .budget = CROWD_PER_HEAD};
    on_head(&g);
}

static void observe(const struct fl_self *self, const void *state, int64_t *out)
{
    (void)self;
    const struct crowd *crowd = state;
    out[0] = crowd->opened;
    out[1] = crowd->holding;
    out[2] = crowd->withdrawals;
    out[3] = crowd->top_ups;
    out[4] = crowd->panics;
    out[5] = crowd->chases;
}

static const char *check(const void *params)
{
    const struct crowd_params *p = params;
    if (p->open_to < p->open_from) return "open_to_s must not be below open_from_s";
    if (p->panic_ppm + p->chase_ppm > FL_PPM_ONE)
        return "panic and chase must not exceed 1 together: nobody does both";
    if (p->venues.count > fl_crowd_places(p))
        return "venues must not name more than one for each market";
    return NULL;
}

#define OPENING_MAX (INT64_C(1000000000) * FL_SECOND)

static const struct fl_param rows[] = {
    {.key = "exchange",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct crowd_params, exchange),
     .doc = "exchange contract to trade on"},
    {.key = "markets",
     .type = FL_ENTRY_NAMES,
     .offset = offsetof(struct crowd_params, markets),
     .within = "exchange",
     .list = "markets",
     .fallback = "[]",
     .doc = "which of the exchange's markets it trades (none: the first)"},
    {.key = "markets_per_account",
     .type = FL_INTEGER,
     .offset = offsetof(struct crowd_params, markets_per_account),
     .min = 1,
     .max = LEGS_MAX,
     .fallback = "1",
     .doc = "in how many of them one trader has a position at most: the number is uniform from 1, "
            "the markets are drawn without preference, the collateral is shared equally (count)"},
    {.key = "venues",
     .type = FL_GROUP_NAMES,
     .offset = offsetof(struct crowd_params, venues),
     .fallback = "[]",
     .doc = "groups of the venues whose quotes stand for its markets, in their order (none: any "
            "quote stands for the first market)"},
    {.key = "leverage",
     .type = FL_LAW,
     .digits = 6,
     .offset = offsetof(struct crowd_params, leverage),
     .min = 1,
     .max = 1000 * FL_PPM_ONE,
     .fallback = "{\"law\": \"lognormal\", \"median\": 5, \"sigma\": 0.6, \"at_least\": 1, "
                 "\"at_most\": 18}",
     .doc = "notional over collateral when a position is opened (ratio; assumption); keep it below "
            "the inverse of the exchange's initial margin, or trades are refused"},
    {.key = "collateral_usd",
     .type = FL_LAW,
     .digits = 6,
     .offset = offsetof(struct crowd_params, collateral),
     .min = 1,
     .max = USD_MAX,
     .doc = "what each trader deposits, in USD"},
    {.key = "long_share",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct crowd_params, long_share_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0.5",
     .doc = "probability that a trader is long, in each of its markets by itself (ratio)"},
    {.key = "open_from_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct crowd_params, open_from),
     .min = 0,
     .max = OPENING_MAX,
     .fallback = "0",
     .doc = "earliest opening time, in seconds; opening times are uniform"},
    {.key = "open_to_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct crowd_params, open_to),
     .min = 0,
     .max = OPENING_MAX,
     .fallback = "600",
     .doc = "end of the opening times, in seconds"},
    {.key = "limit",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct crowd_params, limit_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0.02",
     .doc = "worst price a trader accepts, as a relative distance from the oracle's (ratio)"},
    {.key = "retry_blocks",
     .type = FL_INTEGER,
     .offset = offsetof(struct crowd_params, retry_blocks),
     .min = 1,
     .max = 1000000,
     .fallback = "3",
     .doc = "blocks seen after which a transaction is sent again, or a refused trade tried anew "
            "(count)"},
    {.key = "watchful",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct crowd_params, watchful_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0",
     .doc = "share of the traders who follow the market and withdraw all that the initial margin "
            "leaves free once the market, but not yet the oracle, has them below maintenance "
            "(ratio; assumption; the crowd must be among the market's subscribers)"},
    {.key = "top_up",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct crowd_params, top_up_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0",
     .doc = "share of the traders who add collateral when their equity has come down to "
            "top_up_below times the maintenance margin (ratio; assumption)"},
    {.key = "top_up_below",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct crowd_params, top_up_below_ppm),
     .min = 1,
     .max = 1000 * FL_PPM_ONE,
     .fallback = "1.5",
     .doc = "equity over maintenance margin below which they do (ratio; assumption)"},
    {.key = "wallet",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct crowd_params, wallet_ppm),
     .min = 0,
     .max = 1000 * FL_PPM_ONE,
     .fallback = "0.5",
     .doc = "what such a trader has outside the exchange, as a share of its collateral; each time "
            "it adds an equal part (ratio; assumption)"},
    {.key = "top_ups_max",
     .type = FL_INTEGER,
     .offset = offsetof(struct crowd_params, top_ups_max),
     .min = 1,
     .max = 255,
     .fallback = "3",
     .doc = "how often it adds collateral, until the wallet is empty (count; assumption)"},
    {.key = "panic",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct crowd_params, panic_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0",
     .doc =
         "share of the traders who close a position at any price when the mark has moved against "
         "it by panic_move within window_s, or their largest when their equity has come down to "
         "panic_below times the maintenance margin (ratio; assumption)"},
    {.key = "panic_move",
     .type = FL_LAW,
     .digits = 6,
     .offset = offsetof(struct crowd_params, panic_move),
     .min = 1,
     .max = FL_PPM_ONE,
     .fallback = "{\"law\": \"uniform\", \"min\": 0.05, \"max\": 0.15}",
     .doc = "move that makes one of them panic, by trader (ratio; assumption)"},
    {.key = "panic_below",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct crowd_params, panic_below_ppm),
     .min = 0,
     .max = 1000 * FL_PPM_ONE,
     .fallback = "0",
     .doc = "equity over maintenance margin that makes them panic (ratio; 0: none does)"},
    {.key = "chase",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct crowd_params, chase_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0",
     .doc = "share of the traders who open nothing by themselves, but buy what has risen by "
            "chase_move from its lowest within window_s, and sell what has fallen so far from its "
            "highest, up to their leverage, once a move (ratio; filter rule of Alexander 1961)"},
    {.key = "chase_move",
     .type = FL_LAW,
     .digits = 6,
     .offset = offsetof(struct crowd_params, chase_move),
     .min = 1,
     .max = FL_PPM_ONE,
     .fallback = "{\"law\": \"uniform\", \"min\": 0.01, \"max\": 0.05}",
     .doc = "move that makes one of them go along, by trader (ratio; assumption)"},
    {.key = "window_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct crowd_params, window),
     .min = FL_MILLISECOND,
     .max = 365 * 86400 * FL_SECOND,
     .fallback = "600",
     .doc = "seconds that moves of the mark are measured over, kept in 16 parts (assumption)"},
    {.key = NULL}};

static const struct fl_observable observables[] = {
    {"traders.opened", "traders who got a position so far", FL_COUNT, FL_SUM},
    {"traders.holding", "traders who hold a position", FL_COUNT, FL_SUM},
    {"traders.withdrawals", "withdrawals of collateral sent so far", FL_COUNT, FL_SUM},
    {"traders.top_ups", "times that a trader added collateral", FL_COUNT, FL_SUM},
    {"traders.panics", "positions closed in panic, orders sent so far", FL_COUNT, FL_SUM},
    {"traders.chases", "orders that go with a move, sent so far", FL_COUNT, FL_SUM},
    {.name = NULL}};

static const struct fl_node_model node = {
    .state_bytes = state_bytes, .init = init, .step = step, .observe = observe};

const struct fl_model fl_model_population = {
    .name = "population",
    .family = FL_AGENT,
    .doc = "crowd of traders: each deposits, opens leveraged positions and holds them; some "
           "withdraw collateral while the oracle is stale, some add it, some panic, some chase "
           "prices",
    .params = rows,
    .params_bytes = sizeof(struct crowd_params),
    .check = check,
    .observables = observables,
    .node = &node};
