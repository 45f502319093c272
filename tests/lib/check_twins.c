/* Broken models for the checks: real ones by a wrapper that does one thing otherwise. */
#include "tests/lib/check_twins.h"

#include "models/submit.h"
#include "models/wire.h"

#include <string.h>

extern const struct fl_model fl_model_pbft, fl_model_replica;

/* --- storage that is not stable --------------------------------------------------------------------- */

static void forgetful_step(const struct fl_model *model, const struct fl_self *self, void *state,
                           const struct fl_event *in, const struct fl_view *view,
                           struct fl_outbox *out)
{
    struct fl_event again = *in;
    if (in->kind == FL_RECOVER) {
        memset(state, 0, model->node->state_bytes(self->params, self));
        model->node->init(self, state);
        again.kind = FL_START;
    }
    model->node->step(self, state, &again, view, out);
}

static void forgetful_pbft(const struct fl_self *self, void *state, const struct fl_event *in,
                           const struct fl_view *view, struct fl_outbox *out)
{
    forgetful_step(&fl_model_pbft, self, state, in, view, out);
}

static void forgetful_replica(const struct fl_self *self, void *state, const struct fl_event *in,
                              const struct fl_view *view, struct fl_outbox *out)
{
    forgetful_step(&fl_model_replica, self, state, in, view, out);
}

/* --- decisions that nobody proposed ----------------------------------------------------------------- */

/* The same block, empty and a little later: all replicas make up the same, so that they agree. */
static void make_up(const struct fl_view *view, struct fl_outbox *out, uint32_t decide)
{
    struct fl_effect *const e = &out->at[decide], *const note = e - 1;
    uint32_t bytes;
    const void *const data = fl_blob_data(view, e->msg.blob, &bytes);
    struct fl_block block;
    FL_ASSERT(note->kind == FL_NOTE && note->record == FL_RECORD_DECIDED && data != NULL);
    memcpy(&block, data, sizeof block);
    block.batch.tx_count = 0;
    block.batch.time++;
    struct fl_digest digest;
    e->msg.blob = fl_blob_put(out, &block, sizeof block, e->msg.word[0], &digest);
    note->v[2] = e->msg.value[0] = (int64_t)digest.lo;
    note->v[3] = e->msg.value[1] = (int64_t)digest.hi;
}

static void self_willed(const struct fl_self *self, void *state, const struct fl_event *in,
                        const struct fl_view *view, struct fl_outbox *out)
{
    fl_model_pbft.node->step(self, state, in, view, out);
    for (uint32_t i = 0; i < out->count; i++) {
        const struct fl_effect *const e = &out->at[i];
        if (e->kind == FL_LOCAL && e->msg.family == FL_CHAIN && e->msg.kind == FL_DECIDE &&
            e->msg.word[0] % 7 == 0)
            make_up(view, out, i);
    }
}

/* --- a machine that is not deterministic ------------------------------------------------------------- */

static void astray(const struct fl_self *self, void *state, const struct fl_event *in,
                   const struct fl_view *view, struct fl_outbox *out)
{
    struct fl_event other = *in;
    if (in->kind == FL_EXECUTED && in->msg.word[0] >= 5 && self->index == 2)
        other.msg.value[0] ^= 1;
    fl_model_replica.node->step(self, state, &other, view, out);
}

/* --- the client --------------------------------------------------------------------------------------- */

struct teller_params {
    int64_t silent, stubborn;
};
struct teller {
    uint64_t nonce;
};
enum { EVERY = 200, REPEATS = 8 };

static void tell(const struct fl_self *self, uint64_t nonce, uint16_t copy, struct fl_outbox *out)
{
    const struct teller_params *const p = self->params;
    struct fl_tx tx = {.account = self->account_first,
                       .contract = 0,
                       .kind = FL_TX_REPORT,
                       .nonce = nonce,
                       .arg = {2385000000, (int64_t)nonce, (int64_t)nonce}};
    const uint32_t before = out->count;
    fl_submit(self, &tx, copy, out);
    if (!p->silent) return;
    FL_ASSERT(out->count == before + 2 && out->at[before].kind == FL_NOTE);
    out->at[before] = out->at[before + 1];
    out->count--;
}

static void teller_step(const struct fl_self *self, void *state, const struct fl_event *in,
                        const struct fl_view *view, struct fl_outbox *out)
{
    const struct teller_params *const p = self->params;
    struct teller *const s = state;
    (void)view;
    if (in->kind == FL_TIMER) {
        tell(self, ++s->nonce, 0, out);
        if (p->stubborn && s->nonce > REPEATS) tell(self, s->nonce - REPEATS, 1, out);
    }
    if (in->kind == FL_TIMER || in->kind == FL_START || in->kind == FL_RECOVER)
        fl_set_timer(out, 0, EVERY * FL_MILLISECOND);
}

static size_t teller_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return sizeof(struct teller);
}

static void teller_init(const struct fl_self *self, void *state)
{
    (void)self;
    (void)state;
}

static const struct fl_param teller_rows[] = {
    {.key = "silent",
     .type = FL_BOOLEAN,
     .offset = offsetof(struct teller_params, silent),
     .fallback = "false",
     .doc = "does not note what it hands in"},
    {.key = "stubborn",
     .type = FL_BOOLEAN,
     .offset = offsetof(struct teller_params, stubborn),
     .fallback = "false",
     .doc = "hands in each transaction once more, eight later"},
    {.key = NULL},
};
static const struct fl_node_model teller_node = {
    .timer_count = 1, .state_bytes = teller_bytes, .init = teller_init, .step = teller_step};
const struct fl_model fl_model_teller = {
    .name = "teller",
    .family = FL_AGENT,
    .doc = "hands in a transaction every 200 ms",
    .params = teller_rows,
    .params_bytes = sizeof(struct teller_params),
    .node = &teller_node,
};

/* --- an exchange -------------------------------------------------------------------------------------- */

struct clearing_params {
    int64_t wrong;
};
enum { BOOKS, CLIENTS, CLEARING_MARKETS = 2, STEPS = 6 };
struct books {
    struct fl_totals totals;
    int64_t steps, index; /* funding so far for each unit long in market 0 */
    int64_t interest[CLEARING_MARKETS];
};
struct client {
    int64_t quote, size[CLEARING_MARKETS];
    int64_t index; /* up to which funding is booked */
    int64_t owed;  /* socialised, not booked */
};
struct clearing {
    struct fl_exec *exec;
    struct books *books;
    enum clearing_wrong wrong;
};

static int64_t funding_due(const struct books *books, const struct client *client)
{
    return (books->index - client->index) * client->size[0];
}

/* The row for writing, with all that is due booked. */
static struct client *settled(const struct clearing *c, uint32_t account)
{
    struct client *const client = fl_row_edit(c->exec, CLIENTS, account);
    struct fl_totals *const t = &c->books->totals;
    const int64_t due = funding_due(c->books, client);
    client->quote -= due + client->owed;
    if (c->wrong != CLEARING_FREE_FUNDING) t->funding += due;
    t->funding += client->owed;
    client->index = c->books->index;
    client->owed = 0;
    return client;
}

static void exchange_sizes(const struct clearing *c, uint32_t market, struct client *buyer,
                           struct client *seller, int64_t size)
{
    const bool mixes = c->wrong == CLEARING_MIXES_MARKETS && market == 1;
    int64_t *const interest = &c->books->interest[market];
    *interest -= fl_max(buyer->size[market], 0) + fl_max(seller->size[market], 0);
    buyer->size[market] += size;
    seller->size[mixes ? 0 : market] -= size;
    *interest += fl_max(buyer->size[market], 0) + fl_max(seller->size[market], 0);
}

static void clear_deposit(const struct clearing *c, uint32_t a)
{
    settled(c, a)->quote += 1000 + (c->wrong == CLEARING_MINTS);
    c->books->totals.deposits += 1000;
    if (c->wrong == CLEARING_HIDES_DEPOSIT) return;
    fl_exec_note(c->exec, FL_RECORD_DEPOSIT, a, c->books->steps)[2] = 1000;
}

static void clear_withdrawal(const struct clearing *c, uint32_t a)
{
    settled(c, a)->quote -= 100;
    c->books->totals.withdrawals += 100;
    if (c->wrong == CLEARING_HIDES_WITHDRAWAL) return;
    fl_exec_note(c->exec, FL_RECORD_WITHDRAWAL, a, c->books->steps)[2] = 100;
}

static void clear_fill(const struct clearing *c, uint32_t a, uint32_t b, uint32_t market)
{
    struct client *const buyer = settled(c, a), *const seller = settled(c, b);
    exchange_sizes(c, market, buyer, seller, 5);
    buyer->quote -= 400 + 3;
    seller->quote += 400;
    c->books->totals.fees += 3;
    int64_t *const note = fl_exec_note(c->exec, FL_RECORD_FILL, a, b);
    note[2] = 5;
    note[3] = -400;
    note[4] = 3;
    note[5] = market;
}

/* Short of 20: the fund pays 4, `b` gives up 6 and owes 8, 2 stay outstanding. */
static void clear_fall(const struct clearing *c, uint32_t a, uint32_t b)
{
    struct fl_totals *const t = &c->books->totals;
    struct client *const fallen = settled(c, a), *const counter = settled(c, b);
    const int64_t interest = c->books->interest[0];
    exchange_sizes(c, 0, counter, fallen, 1);
    if (c->wrong == CLEARING_STALE_INTEREST) c->books->interest[0] = interest;
    t->fund -= 4;
    counter->quote -= 6;
    counter->owed += 8;
    t->funding -= 8;
    fallen->quote += 4 + 6 + 8;
    t->fund_paid += 4;
    t->adl += 6;
    t->socialised += 8;
    t->outstanding += 2;
    t->deficit += c->wrong == CLEARING_FORGETS_ADL ? 14 : 20;
    int64_t *const note = fl_exec_note(c->exec, FL_RECORD_DEFICIT, a, c->books->steps);
    note[2] = 4;
    note[3] = c->wrong == CLEARING_HIDES_ADL ? 0 : 6;
    note[4] = 8;
    note[5] = 2;
}

static enum fl_tx_status clear(struct fl_exec *exec, const struct fl_tx *tx, uint32_t *code)
{
    const struct fl_rows *const rows = (const struct fl_rows *)exec;
    const struct clearing_params *const p = fl_contract_params(rows);
    const struct clearing c = {exec, fl_row_edit(exec, BOOKS, 0), (enum clearing_wrong)p->wrong};
    const uint32_t a = tx->account, b = (a + 2) % fl_row_count(rows, CLIENTS);
    *code = 0;
    switch (c.books->steps++ % STEPS) {
    case 0:
        clear_deposit(&c, a);
        break;
    case 1:
        clear_fill(&c, a, b, 0);
        break;
    case 2:
        clear_fill(&c, a, b, 1);
        break;
    case 3: /* no client's row changes */
        c.books->index += 2;
        break;
    case 4:
        clear_fall(&c, a, b);
        break;
    default:
        clear_withdrawal(&c, a);
    }
    return FL_TX_OK;
}

static void clearing_tables(const void *params, const struct fl_facts *facts, struct fl_table *out)
{
    (void)params;
    out[BOOKS] = (struct fl_table){"books", sizeof(struct books), 1};
    out[CLIENTS] = (struct fl_table){"clients", sizeof(struct client), facts->accounts};
}

/* The fund is enough for the story, or not quite. */
static void clearing_genesis(struct fl_exec *exec)
{
    const struct clearing_params *const p = fl_contract_params((const struct fl_rows *)exec);
    struct books *const books = fl_row_edit(exec, BOOKS, 0);
    books->totals.fund = p->wrong == CLEARING_OVERDRAWS_FUND ? 10 : 1000000;
    books->totals.deposits = books->totals.fund;
}

static struct fl_positions client_positions(const struct fl_rows *rows, uint32_t account)
{
    const struct client *const client = fl_row(rows, CLIENTS, account);
    struct fl_positions held = {.count = 0};
    for (uint32_t m = 0; m < CLEARING_MARKETS; m++)
        if (client->size[m] != 0)
            held.at[held.count++] = (struct fl_holding){.market = m, .size = client->size[m]};
    return held;
}

/* Odd accounts are nobody's counterparty, and their owners do nothing: money creeps from one to the
 * other. */
static struct fl_account client_now(const struct fl_rows *rows, uint32_t account)
{
    const struct clearing_params *const p = fl_contract_params(rows);
    const struct books *const books = fl_row(rows, BOOKS, 0);
    const struct client *const client = fl_row(rows, CLIENTS, account);
    const int64_t due = funding_due(books, client) + client->owed;
    const int64_t creep = p->wrong == CLEARING_CREEPS ? books->steps / 50 : 0;
    return (struct fl_account){.quote = client->quote - due + (account == 5) * creep -
                                        (account == 7) * creep,
                               .unsettled = due,
                               .positions = client_positions(rows, account).count,
                               .priced = 1};
}

static enum fl_read_status clearing_query(const struct fl_rows *rows, const struct fl_query *query,
                                          void *out, size_t bytes)
{
    const struct books *const books = fl_row(rows, BOOKS, 0);
    const uint32_t arg = (uint32_t)query->arg[0];
    if (query->kind == FL_ASK_ACCOUNT && bytes == sizeof(struct fl_account)) {
        const struct fl_account now = client_now(rows, arg);
        memcpy(out, &now, bytes);
    } else if (query->kind == FL_ASK_POSITIONS && bytes == sizeof(struct fl_positions)) {
        const struct fl_positions held = client_positions(rows, arg);
        memcpy(out, &held, bytes);
    } else if (query->kind == FL_ASK_MARKET && bytes == sizeof(struct fl_market_terms)) {
        const struct fl_market_terms terms = {.markets = CLEARING_MARKETS,
                                              .open_interest = books->interest[arg]};
        memcpy(out, &terms, bytes);
    } else if (query->kind == FL_ASK_TOTALS && bytes == sizeof books->totals) {
        memcpy(out, &books->totals, bytes);
    } else {
        return FL_READ_UNKNOWN;
    }
    return FL_READ_OK;
}

static const struct fl_param clearing_rows[] = {
    {.key = "wrong",
     .type = FL_INTEGER,
     .offset = offsetof(struct clearing_params, wrong),
     .min = 0,
     .max = CLEARING_WRONGS - 1,
     .fallback = "0",
     .doc = "enum clearing_wrong"},
    {.key = NULL},
};
static const struct fl_contract clearing_contract = {.table_count = 2,
                                                     .tables = clearing_tables,
                                                     .genesis = clearing_genesis,
                                                     .execute = clear,
                                                     .query = clearing_query};
const struct fl_model fl_model_clearing = {
    .name = "clearing",
    .family = FL_CONTRACT,
    .doc = "an exchange whose transactions tell one story",
    .params = clearing_rows,
    .params_bytes = sizeof(struct clearing_params),
    .contract = &clearing_contract,
};

/* --- all of them -------------------------------------------------------------------------------------- */

struct fl_model fl_model_pbft_forgetful, fl_model_pbft_self_willed, fl_model_replica_forgetful,
    fl_model_replica_astray;
static struct fl_node_model node[4];

/* Everything but name and step is the original's. Before main, in every test's process. */
__attribute__((constructor)) static void make_twins(void)
{
    static const struct {
        struct fl_model *twin;
        const struct fl_model *original;
        const char *name;
        void (*step)(const struct fl_self *, void *, const struct fl_event *,
                     const struct fl_view *, struct fl_outbox *);
    } twins[] = {
        {&fl_model_pbft_forgetful, &fl_model_pbft, "pbft_forgetful", forgetful_pbft},
        {&fl_model_pbft_self_willed, &fl_model_pbft, "pbft_self_willed", self_willed},
        {&fl_model_replica_forgetful, &fl_model_replica, "replica_forgetful", forgetful_replica},
        {&fl_model_replica_astray, &fl_model_replica, "replica_astray", astray},
    };
    for (size_t i = 0; i < sizeof twins / sizeof *twins; i++) {
        node[i] = *twins[i].original->node;
        node[i].step = twins[i].step;
        *twins[i].twin = *twins[i].original;
        twins[i].twin->name = twins[i].name;
        twins[i].twin->node = &node[i];
    }
}
