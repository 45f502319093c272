/* A keeper: liquidates whatever the exchange says is liquidatable, at the newest block it sees.
 *
 * It looks at each head of its replica, names every account below maintenance that it has not tried
 * lately, and sends a liquidation for it after its own latency. No gas auction, no choice by profit:
 * one honest keeper is the liveness of liquidation, and several race.
 *
 * Latency is drawn by height and account, so that no other account's fate shifts it. */
#include "models/submit.h"

struct params {
    uint32_t exchange;
    int64_t max_per_block;
    int64_t retry_blocks;
    struct fl_law latency; /* ns */
};

struct target {
    int64_t
        round; /* of the price at which it was first seen liquidatable, at a stretch until now */
    uint32_t seen;  /* `heads` when last seen liquidatable, 0 never */
    uint32_t tried; /* `heads` when last tried, 0 never */
};
struct state {
    int64_t nonce;  /* highest used */
    uint32_t heads; /* seen so far */
    uint32_t zero;
    struct target target[]; /* by account */
};

/* What this head shows, and what is left of this head's allowance. */
struct round {
    const struct fl_self *self;
    struct state *state;
    struct fl_outbox *out;
    uint64_t height;
    struct fl_market_terms terms;
    struct fl_price price;
    int64_t left;
};

/* Each attempt descends from the price that made it possible, not from the attempt before it, nor
 * from the newest price if the account had to wait its turn. */
static void attempt(struct round *round, uint32_t account)
{
    const struct fl_self *self = round->self;
    const struct params *p = self->params;
    struct target *t = &round->state->target[account];
    t->tried = round->state->heads;
    round->left--;
    fl_because(round->out, FL_RECORD_PRICE, round->terms.oracle, t->round);
    struct fl_tx tx = {.account = self->account_first,
                       .contract = (uint16_t)p->exchange,
                       .kind = FL_TX_LIQUIDATE,
                       .nonce = (uint64_t)++round->state->nonce,
                       .arg = {account}};
    const uint64_t u = fl_draw(self->seed, FL_RNG_AGENT, self->key, round->height, account);
    fl_submit(self, &tx, 0, round->out)->delay = fl_law_at(&p->latency, u);
}

static void sight(struct round *round, uint32_t account)
{
    struct target *t = &round->state->target[account];
    if (t->seen == 0 || t->seen + 1 < round->state->heads) t->round = round->price.round;
    t->seen = round->state->heads;
}

static bool tried_lately(const struct round *round, uint32_t account)
{
    const struct params *p = round->self->params;
    const uint32_t at = round->state->target[account].tried;
    return at != 0 && round->state->heads - at < (uint32_t)p->retry_blocks;
}

static void work_page(struct round *round, const struct fl_liquidatable *page)
{
    const uint32_t accounts = round->self->facts->accounts;
    const uint32_t count = page->count < FL_LIQUIDATABLE_MAX ? page->count : FL_LIQUIDATABLE_MAX;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t account = page->at[i].account;
        if (account >= accounts) continue;
        sight(round, account);
        if (round->left > 0 && !tried_lately(round, account)) attempt(round, account);
    }
}

static void on_head(const struct fl_self *self, struct state *s, const struct fl_event *in,
                    const struct fl_view *view, struct fl_outbox *out)
{
    const struct params *p = self->params;
    struct round round = {.self = self, .state = s, .out = out, .left = p->max_per_block};
    round.height = in->msg.word[0];
    s->heads++;
    if (!fl_read_terms(view, p->exchange, &round.terms, &round.price)) return;
    int64_t used; /* more than it knows of, if it has forgotten */
    if (fl_read_nonce(view, self->account_first, &used)) s->nonce = fl_max(s->nonce, used);
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
}

/* Three effects and one blob each; the outbox holds 4096 and 2048. */
#define PER_BLOCK_MAX 1024

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
    {.key = NULL}};

static const struct fl_observable observables[] = {
    {"keeper.attempts", "liquidations sent so far", FL_COUNT, FL_SUM}, {.name = NULL}};

static const struct fl_node_model node = {
    .state_bytes = state_bytes, .init = init, .step = step, .observe = observe};

const struct fl_model fl_model_keeper = {
    .name = "keeper",
    .family = FL_AGENT,
    .doc = "liquidation keeper: sends a liquidation for every account below maintenance that its "
           "replica shows",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .observables = observables,
    .node = &node};
