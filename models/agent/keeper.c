/* A keeper: liquidates whatever the exchange says is liquidatable, at the newest block it sees.
 *
 * It looks at each head of its replica, names every account below maintenance that it watches and has not
 * tried lately, in the exchange's order, and sends a liquidation for it after its own latency. Several of
 * them race. Where block space costs something they race by what they offer for it (bid.h): a fixed tip, or
 * a share of the reward they expect, raised while it is not executed. Who comes too late finds a healthy
 * account, is refused, and pays for its place all the same.
 *
 * How keepers fail. They are down (a fault); they go by an old base fee, and what they send waits while it
 * rises, as on 12 March 2020 when Maker's keepers bid fixed gas prices; they run out of money for gas; they do
 * not watch every account; it is not worth their while, for what an account below zero has left to pay
 * is nothing.
 *
 * Assumptions. Money for gas is another purse than the rewards, which stay on the exchange, but a keeper
 * stops when it has paid more than it has and earned; what is still on its way does not count. It
 * knows the base fee from its replica's heads, and nothing of what others bid.
 *
 * Latency is drawn by height and account, so that no other account's fate shifts it. */
#include "models/agent/bid.h"
#include "models/submit.h"

struct params {
    uint32_t exchange;
    int64_t max_per_block;
    int64_t retry_blocks;
    struct fl_law latency; /* ns */
    int64_t watched_ppm;
    int64_t capital;                  /* 10^-6 USD */
    int64_t min_profit;               /* 10^-6 USD */
    int64_t reward_share_ppm;         /* of the liquidation fee */
    int64_t tip_share_ppm, raise_ppm; /* 0: never raises */
    int64_t estimate_age;             /* heads */
};

struct target {
    int64_t
        round; /* of the price at which it was first seen liquidatable, at a stretch until now */
    int64_t nonce;     /* of the newest attempt */
    struct fl_bid bid; /* for it */
    uint32_t seen;     /* `heads` when last seen liquidatable, 0 never */
    uint32_t tried;    /* `heads` when last tried, 0 never */
    uint32_t copy;     /* resubmissions of the newest attempt */
    uint32_t zero;
};
enum { BASE_FEES = 256 }; /* heads that it remembers the base fee of */
struct state {
    int64_t nonce; /* highest used */
    int64_t raises,
        passed;     /* attempts raised; targets that were not worth it, or the money was gone */
    int64_t earned; /* what it has on the exchange */
    struct fl_sender paid; /* what the ledger says of it */
    uint32_t heads;        /* seen so far */
    uint32_t zero;
    int64_t base_fee[BASE_FEES]; /* as told by head number `i` modulo their number */
    struct target target[];      /* by account */
};

/* What this head shows, and what is left of this head's allowance. */
struct round {
    const struct fl_self *self;
    struct state *state;
    struct fl_outbox *out;
    uint64_t height;
    struct fl_market_terms terms;
    struct fl_price price;
    int64_t base_fee; /* what it takes for it */
    int64_t left;
    int64_t money; /* that it may still bid */
};

#define COPIES_MAX 65535 /* `copy` of a message has 16 bits */
#define WATCH_LANE UINT32_MAX

/* --- attempts ------------------------------------------------------------------------------------ */

static void send(struct round *round, uint32_t account)
{
    const struct fl_self *self = round->self;
    const struct params *p = self->params;
    struct target *t = &round->state->target[account];
    t->tried = round->state->heads;
    round->left--;
    round->money -= t->bid.cap;
    struct fl_tx tx = {.account = self->account_first,
                       .contract = (uint16_t)p->exchange,
                       .kind = FL_TX_LIQUIDATE,
                       .nonce = (uint64_t)t->nonce,
                       .arg = {account},
                       .fee_cap = t->bid.cap,
                       .tip = t->bid.tip};
    const uint64_t u = fl_draw(self->seed, FL_RNG_AGENT, self->key, round->height, account);
    fl_submit(self, &tx, (uint16_t)t->copy, round->out)->delay = fl_law_at(&p->latency, u);
}

/* Each attempt descends from the price that made it possible, not from the attempt before it, nor
 * from the newest price if the account had to wait its turn. */
static void attempt(struct round *round, uint32_t account, const struct fl_bid *bid)
{
    struct target *t = &round->state->target[account];
    fl_because(round->out, FL_RECORD_PRICE, round->terms.oracle, t->round);
    t->nonce = ++round->state->nonce;
    t->bid = *bid;
    t->copy = 0;
    send(round, account);
}

/* The same again, with a higher bid or because it may have been lost. */
static void send_again(struct round *round, uint32_t account)
{
    struct target *t = &round->state->target[account];
    if (t->copy == COPIES_MAX) return;
    t->copy++;
    fl_because(round->out, FL_RECORD_TX, round->self->account_first, t->nonce);
    send(round, account);
}

/* The fee of a liquidation comes out of what the account has left. */
static struct fl_auction auction_of(const struct round *round, const struct fl_below *below)
{
    const struct params *p = round->self->params;
    const int64_t left = fl_max(below->equity, 0);
    const int64_t notional = fl_max(below->notional, 0);
    const int64_t fee =
        fl_min(left, fl_mul_div_floor(notional, round->terms.liquidation_fee_ppm, FL_PPM_ONE));
    const int64_t reward = fl_mul_div_floor(fee, p->reward_share_ppm, FL_PPM_ONE);
    return (struct fl_auction){.base_fee = round->base_fee,
                               .limit = reward - p->min_profit,
                               .most = round->self->fee_cap,
                               .tip = round->self->tip,
                               .reward = reward,
                               .share_ppm = p->tip_share_ppm};
}

static bool tried_lately(const struct round *round, uint32_t account)
{
    const struct params *p = round->self->params;
    const uint32_t at = round->state->target[account].tried;
    return at != 0 && round->state->heads - at < (uint32_t)p->retry_blocks;
}

/* An attempt that waits in a mempool is raised at each head, if this keeper raises. */
static void work(struct round *round, const struct fl_below *below)
{
    const struct params *p = round->self->params;
    struct target *t = &round->state->target[below->account];
    const struct fl_auction auction = auction_of(round, below);
    const bool waits = p->raise_ppm > 0 && t->nonce != 0 &&
                       !fl_nonce_spent(&round->state->paid, (uint64_t)t->nonce);
    const bool lately = tried_lately(round, below->account);
    struct fl_bid bid = t->bid;
    if (waits && fl_bid_raise(&auction, p->raise_ppm, &bid) && bid.cap <= round->money) {
        t->bid = bid;
        round->state->raises++;
        send_again(round, below->account);
    } else if (waits && !lately) {
        send_again(round, below->account);
    } else if (!waits && !lately) {
        if (fl_bid_open(&auction, &bid) && bid.cap <= round->money)
            attempt(round, below->account, &bid);
        else
            round->state->passed++;
    }
}

static void sight(struct round *round, uint32_t account)
{
    struct target *t = &round->state->target[account];
    if (t->seen == 0 || t->seen + 1 < round->state->heads) t->round = round->price.round;
    t->seen = round->state->heads;
}

static bool watches(const struct fl_self *self, uint32_t account)
{
    const struct params *p = self->params;
    return p->watched_ppm == FL_PPM_ONE ||
           (int64_t)fl_draw_below(self->seed, FL_RNG_AGENT, self->key, account, WATCH_LANE,
                                  (uint64_t)FL_PPM_ONE) < p->watched_ppm;
}

static void work_page(struct round *round, const struct fl_liquidatable *page)
{
    const uint32_t accounts = round->self->facts->accounts;
    const uint32_t count = page->count < FL_LIQUIDATABLE_MAX ? page->count : FL_LIQUIDATABLE_MAX;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t account = page->at[i].account;
        if (account >= accounts || !watches(round->self, account)) continue;
        sight(round, account);
        if (round->left > 0) work(round, &page->at[i]);
    }
}

/* --- heads --------------------------------------------------------------------------------------- */

/* The base fee as it was `estimate_age` heads ago; as at the first, if it has not seen so many. */
static int64_t estimate(const struct params *p, struct state *s, int64_t told)
{
    s->base_fee[s->heads % BASE_FEES] = fl_clamp(told, 0, FL_FEE_MAX);
    const uint32_t age = (uint32_t)fl_min(p->estimate_age, s->heads - 1);
    return s->base_fee[(s->heads - age) % BASE_FEES];
}

/* What the ledger and the exchange say of its own account. */
static void read_own(const struct fl_self *self, struct state *s, const struct fl_view *view)
{
    const struct params *p = self->params;
    const struct fl_query query = {
        .contract = FL_LEDGER, .kind = FL_ASK_SENDER, .arg = {self->account_first, 0, 0}};
    fl_read(view, &query, &s->paid, sizeof s->paid);
    s->nonce = fl_max(s->nonce, s->paid.nonce); /* more than it knows of, if it has forgotten */
    struct fl_account row;
    if (fl_read_account(view, p->exchange, self->account_first, &row)) s->earned = row.quote;
}

static int64_t spent(const struct state *s)
{
    return fl_add(s->paid.burned, s->paid.tips);
}

static void on_head(const struct fl_self *self, struct state *s, const struct fl_event *in,
                    const struct fl_view *view, struct fl_outbox *out)
{
    const struct params *p = self->params;
    struct round round = {.self = self, .state = s, .out = out, .left = p->max_per_block};
    round.height = in->msg.word[0];
    s->heads++;
    round.base_fee = estimate(p, s, in->msg.value[1]);
    if (!fl_read_terms(view, p->exchange, &round.terms, &round.price)) return;
    read_own(self, s, view);
    round.money = fl_sub(fl_add(p->capital, s->earned), spent(s));
    struct fl_liquidatable page = {.total = 1};
    for (uint32_t seen = 0; seen < page.total; seen += page.count) {
        const struct fl_query query = {
            .contract = (uint16_t)p->exchange, .kind = FL_ASK_LIQUIDATABLE, .arg = {seen, 0, 0}};
        if (fl_read(view, &query, &page, sizeof page) != FL_READ_OK || page.count == 0) return;
        work_page(&round, &page);
    }
}

static size_t state_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    return sizeof(struct state) + self->facts->accounts * sizeof(struct target);
}

static void init(const struct fl_self *self, void *state)
{
    (void)self;
    (void)state; /* all zero: nothing tried */
}

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    if (fl_can_submit(self) && fl_is_head(self, in)) on_head(self, state, in, view, out);
}

static void observe(const struct fl_self *self, const void *state, int64_t *out)
{
    (void)self;
    const struct state *s = state;
    out[0] = s->nonce; /* each attempt takes one */
    out[1] = s->raises;
    out[2] = s->passed;
    out[3] = s->paid.paying - s->paid.refused;
    out[4] = s->paid.refused;
    out[5] = spent(s);
    out[6] = s->earned;
    out[7] = s->earned - spent(s);
}

/* Three effects and one blob each; the outbox holds 4096 and 2048. */
#define PER_BLOCK_MAX 1024
#define CAPITAL_MAX INT64_C(1000000000000000) /* a billion dollars */

static const struct fl_param rows[] = {
    {.key = "exchange",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct params, exchange),
     .doc = "exchange contract whose accounts it watches"},
    {.key = "latency_ms",
     .type = FL_LAW,
     .digits = 6,
     .offset = offsetof(struct params, latency),
     .min = 0,
     .max = 86400 * FL_SECOND,
     .fallback = "{\"law\": \"lognormal\", \"median\": 400, \"sigma\": 0.5}",
     .doc = "time from seeing a block to sending a liquidation, in milliseconds (assumption)"},
    {.key = "max_per_block",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, max_per_block),
     .min = 1,
     .max = PER_BLOCK_MAX,
     .fallback = "64",
     .doc =
         "liquidations it sends at most at one block (count); above 64, some nonces may come too "
         "late for the ledger's window"},
    {.key = "retry_blocks",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, retry_blocks),
     .min = 1,
     .max = 1000000,
     .fallback = "2",
     .doc = "blocks seen after which an account still liquidatable is tried again (count)"},
    {.key = "watched",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, watched_ppm),
     .max = FL_PPM_ONE,
     .fallback = "1",
     .doc = "share of the accounts that it watches, drawn by account"},
    {.key = "capital_usd",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, capital),
     .max = CAPITAL_MAX,
     .fallback = "1000000000",
     .doc =
         "what it has for gas at first, USD; it stops when it has paid more than that and what it "
         "earned"},
    {.key = "min_profit_usd",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, min_profit),
     .min = -FL_FEE_MAX,
     .max = FL_FEE_MAX,
     .fallback = "-100000",
     .doc =
         "what must be left of the expected reward when its bid is paid, USD; negative: the loss "
         "it takes on. By default it liquidates at any cost"},
    {.key = "reward_share",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, reward_share_ppm),
     .max = FL_PPM_ONE,
     .fallback = "0.5",
     .doc = "share of the liquidation fee that it expects for itself (the exchange's "
            "liquidator_share)"},
    {.key = "tip_share",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, tip_share_ppm),
     .max = FL_PPM_ONE,
     .fallback = "0",
     .doc =
         "share of what the base fee leaves of the expected reward that it offers as a tip, beside "
         "the tip_usd of its group"},
    {.key = "raise",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, raise_ppm),
     .max = 100 * FL_PPM_ONE,
     .fallback = "0",
     .doc = "share by which it raises its bid at each block that an attempt is not executed; a "
            "replica takes no less than its replacement_bump. 0: it waits, and tries anew"},
    {.key = "estimate_age_blocks",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, estimate_age),
     .max = BASE_FEES - 1,
     .fallback = "0",
     .doc = "how old the base fee is that it goes by, blocks"},
    {.key = NULL}};

static const struct fl_observable observables[] = {
    {"keeper.attempts", "liquidations sent so far", FL_COUNT, FL_SUM},
    {"keeper.raises", "bids raised so far", FL_COUNT, FL_SUM},
    {"keeper.passed",
     "times it left a target because it was not worth it, or money for gas was gone", FL_COUNT,
     FL_SUM},
    {"keeper.won", "liquidations executed that it paid a place for", FL_COUNT, FL_SUM},
    {"keeper.refused", "liquidations refused that it paid a place for", FL_COUNT, FL_SUM},
    {"keeper.gas_paid", "base fees and tips paid so far", FL_USD, FL_SUM},
    {"keeper.earned", "liquidation fees earned so far", FL_USD, FL_SUM},
    {"keeper.profit", "earned, less gas paid", FL_USD, FL_SUM},
    {.name = NULL}};

static const struct fl_node_model node = {
    .state_bytes = state_bytes, .init = init, .step = step, .observe = observe};

const struct fl_model fl_model_keeper = {
    .name = "keeper",
    .family = FL_AGENT,
    .doc = "liquidation keeper: sends a liquidation for every account below maintenance that its "
           "replica shows, and bids for its place in the block",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .observables = observables,
    .node = &node};
