/* A keeper that chooses: where an exchange leaves deleveraging to keepers ("keeper_chosen"), it names who takes over the
 * positions of bankrupt accounts, as GMX v2's ADL keepers do.
 *
 * At each head it looks for accounts below maintenance whose equity is below zero. For the position that the exchange
 * would close first it names the account on the other side with the greatest unrealised profit at the mark, one
 * that it has not named at this head; when there is none, the account itself, which has the exchange sell to its book at
 * any price. An account is tried again after `retry_blocks`.
 *
 * Assumption: it reads all accounts of the exchange, which is public there. */
#include "models/submit.h"

struct params {
    uint32_t exchange;
    int64_t max_per_block, retry_blocks;
    struct fl_law latency; /* ns */
};

/* Parties of one market and side, the most profitable first. */
enum { PARTIES_MAX = 32 };
struct party {
    int64_t profit; /* 10^-6 USD */
    uint32_t account, zero;
};

struct state {
    int64_t nonce, named, dumped;
    uint32_t heads, zero;
    uint32_t tried[]; /* by account: `heads` when last tried, 0 never */
};

struct look {
    const struct fl_self *self;
    struct state *state;
    const struct fl_view *view;
    struct fl_outbox *out;
    int64_t left;
};

static bool ask(const struct look *l, uint16_t kind, int64_t arg, void *out, size_t bytes)
{
    const struct params *p = l->self->params;
    const struct fl_query q = {.contract = (uint16_t)p->exchange, .kind = kind, .arg = {arg}};
    return fl_read(l->view, &q, out, bytes) == FL_READ_OK;
}

/* --- who could take over ------------------------------------------------------------------------- */

static void insert(struct party *list, uint32_t *count, struct party one)
{
    if (*count == PARTIES_MAX && list[PARTIES_MAX - 1].profit >= one.profit) return;
    uint32_t at = *count < PARTIES_MAX ? (*count)++ : PARTIES_MAX - 1;
    for (; at > 0 && list[at - 1].profit < one.profit; at--) list[at] = list[at - 1];
    list[at] = one;
}

/* Longs gain what their size is worth less what it cost; shorts the other way round. */
static int64_t profit_of(const struct fl_holding *held, int64_t mark)
{
    const fl_i128 worth = (fl_i128)held->size * mark / FL_PPM_ONE;
    const fl_i128 gain = held->size > 0 ? worth - held->entry : held->entry + worth;
    return (int64_t)(gain > FL_SIZE_MAX ? FL_SIZE_MAX : gain < -FL_SIZE_MAX ? -FL_SIZE_MAX : gain);
}

/* The accounts with a position in `market` on the side of `size`, the most profitable first. */
static uint32_t find_parties(const struct look *l, uint32_t market, bool longs, int64_t mark,
                             struct party *list)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < l->self->facts->accounts; i++) {
        struct fl_positions held;
        if (!ask(l, FL_ASK_POSITIONS, i, &held, sizeof held)) continue;
        for (uint32_t k = 0; k < held.count; k++)
            if (held.at[k].market == market && (held.at[k].size > 0) == longs)
                insert(list, &count,
                       (struct party){.profit = profit_of(&held.at[k], mark), .account = i});
    }
    return count;
}

/* --- what it sends ------------------------------------------------------------------------------- */

static void send(struct look *l, const struct fl_below *below, uint32_t counter)
{
    const struct fl_self *self = l->self;
    const struct params *p = self->params;
    struct fl_tx tx = {.account = self->account_first,
                       .contract = (uint16_t)p->exchange,
                       .kind = FL_TX_DELEVERAGE,
                       .nonce = (uint64_t)++l->state->nonce,
                       .arg = {below->account, 1 + (int64_t)below->market, counter}};
    const uint64_t u = fl_draw(self->seed, FL_RNG_AGENT, self->key, tx.nonce, 0);
    fl_submit(self, &tx, 0, l->out)->delay = fl_law_at(&p->latency, u);
    l->left--;
    if (counter == below->account)
        l->state->dumped++;
    else
        l->state->named++;
}

static int64_t size_in(const struct look *l, uint32_t account, uint32_t market)
{
    struct fl_positions held;
    if (!ask(l, FL_ASK_POSITIONS, account, &held, sizeof held)) return 0;
    for (uint32_t k = 0; k < held.count; k++)
        if (held.at[k].market == market) return held.at[k].size;
    return 0;
}

/* Names parties until their sizes are enough, or itself if there are none. */
static void resolve(struct look *l, const struct fl_below *below)
{
    struct party list[PARTIES_MAX];
    struct fl_market_terms terms;
    int64_t size = size_in(l, below->account, below->market);
    if (size == 0 || !ask(l, FL_ASK_MARKET, below->market, &terms, sizeof terms)) return;
    const uint32_t count = find_parties(l, below->market, size < 0, terms.mark, list);
    if (count == 0) send(l, below, below->account);
    for (uint32_t i = 0; i < count && size != 0 && l->left > 0; i++) {
        const int64_t other = size_in(l, list[i].account, below->market);
        send(l, below, list[i].account);
        size = fl_abs(other) >= fl_abs(size) ? 0 : fl_add(size, other);
    }
}

static bool tried_lately(const struct look *l, uint32_t account)
{
    const struct params *p = l->self->params;
    const uint32_t at = l->state->tried[account];
    return at != 0 && l->state->heads - at < (uint32_t)p->retry_blocks;
}

static void on_head(struct look *l)
{
    struct fl_liquidatable page;
    int64_t used;
    l->state->heads++;
    if (fl_read_nonce(l->view, l->self->account_first, &used))
        l->state->nonce = fl_max(l->state->nonce, used);
    if (!ask(l, FL_ASK_LIQUIDATABLE, 0, &page, sizeof page)) return;
    for (uint32_t i = 0; i < page.count && l->left > 0; i++) {
        const struct fl_below *below = &page.at[i];
        if (below->equity >= 0 || tried_lately(l, below->account)) continue;
        l->state->tried[below->account] = l->state->heads;
        resolve(l, below);
    }
}

/* --- the model ----------------------------------------------------------------------------------- */

static size_t state_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    return sizeof(struct state) + (self->facts->accounts + 1) / 2 * 2 * sizeof(uint32_t);
}

static void init(const struct fl_self *self, void *state)
{
    (void)self;
    (void)state; /* all zero: nothing tried */
}

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    const struct params *p = self->params;
    if (!fl_can_submit(self) || !fl_is_head(self, in)) return;
    struct look l = {
        .self = self, .state = state, .view = view, .out = out, .left = p->max_per_block};
    on_head(&l);
}

static void observe(const struct fl_self *self, const void *state, int64_t *out)
{
    (void)self;
    const struct state *s = state;
    out[0] = s->named;
    out[1] = s->dumped;
}

static const struct fl_param rows[] = {
    {.key = "exchange",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct params, exchange),
     .doc = "exchange contract, one whose deleveraging is \"keeper_chosen\""},
    {.key = "latency_ms",
     .type = FL_LAW,
     .digits = 6,
     .offset = offsetof(struct params, latency),
     .min = 0,
     .max = 86400 * FL_SECOND,
     .fallback = "{\"law\": \"lognormal\", \"median\": 400, \"sigma\": 0.5}",
     .doc = "time from seeing a block to sending, in milliseconds (assumption)"},
    {.key = "max_per_block",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, max_per_block),
     .min = 1,
     .max = 64,
     .fallback = "32",
     .doc = "counterparties it names at most at one block (count)"},
    {.key = "retry_blocks",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, retry_blocks),
     .min = 1,
     .max = 1000000,
     .fallback = "2",
     .doc = "blocks seen after which an account is tried again (count)"},
    {.key = NULL}};

static const struct fl_observable observables[] = {
    {"deleverager.named", "counterparties named so far", FL_COUNT, FL_SUM},
    {"deleverager.dumped", "times it named nobody, so that the position went to the book", FL_COUNT,
     FL_SUM},
    {.name = NULL}};

static const struct fl_node_model node = {
    .state_bytes = state_bytes, .init = init, .step = step, .observe = observe};

const struct fl_model fl_model_deleverager = {
    .name = "deleverager",
    .family = FL_AGENT,
    .doc = "keeper that names who takes over bankrupt positions (GMX v2's ADL keepers)",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .observables = observables,
    .node = &node};
