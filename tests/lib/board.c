/* The board of prices and the bench around it (board.h). */
#include "tests/lib/board.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------
 * The board
 * --------------------------------------------------------------------------------------------- */

enum { BOARD_INITIAL = 50000, BOARD_MAINTENANCE = 30000 };
enum { PRICES, BALANCES, SUMS, BOARD_TABLES };

struct board_price {
    int64_t mark, bid, ask, lot, tick, depth, round;
};

static void board_tables(const void *params, const struct fl_facts *facts, struct fl_table *out)
{
    (void)params;
    out[PRICES] = (struct fl_table){"prices", sizeof(struct board_price), BOARD_MARKETS};
    out[BALANCES] = (struct fl_table){"balances", sizeof(struct balance), facts->accounts};
    out[SUMS] = (struct fl_table){"sums", sizeof(int64_t), 1};
}

static void board_trade(struct fl_exec *exec, const struct fl_tx *tx, uint32_t *code)
{
    struct board_price *at = fl_row_edit(exec, PRICES, (uint32_t)tx->arg[2]);
    struct balance *row = fl_row_edit(exec, BALANCES, tx->account);
    const int64_t size = tx->arg[0], price = size > 0 ? at->ask : at->bid, limit = tx->arg[1];
    if (price == 0 || (limit != 0 && (size > 0 ? price > limit : price < limit))) {
        *code = FL_REFUSED_LIMIT;
        return;
    }
    row->size[tx->arg[2]] += size;
    row->quote -= (int64_t)((fl_i128)size * price / UNIT);
    if (at->depth == 0) return;
    const int64_t shift = (int64_t)((fl_i128)at->mark * size / at->depth / 100);
    at->bid += shift;
    at->ask += shift;
}

static enum fl_tx_status board_execute(struct fl_exec *exec, const struct fl_tx *tx, uint32_t *code)
{
    *code = 0;
    if (tx->kind == FL_TX_DEPOSIT) {
        ((struct balance *)fl_row_edit(exec, BALANCES, tx->account))->quote += tx->arg[0];
    } else if (tx->kind == FL_TX_WITHDRAW) {
        ((struct balance *)fl_row_edit(exec, BALANCES, tx->account))->quote -= tx->arg[0];
    } else if (tx->kind == FL_TX_TRADE) {
        board_trade(exec, tx, code);
    } else if (tx->kind == BOARD_POST) {
        struct board_price *at = fl_row_edit(exec, PRICES, (uint32_t)tx->arg[4]);
        at->round += at->mark != tx->arg[0];
        at->mark = tx->arg[0];
        at->bid = tx->arg[1];
        at->ask = tx->arg[2];
        at->lot = tx->arg[3];
        at->tick = at->tick == 0 ? 1 : at->tick;
    } else if (tx->kind == BOARD_SLOPE) {
        struct board_price *at = fl_row_edit(exec, PRICES, (uint32_t)tx->arg[2]);
        at->depth = tx->arg[0];
        at->tick = tx->arg[1];
    } else if (tx->kind == BOARD_CLEAR) {
        memset(fl_row_edit(exec, BALANCES, (uint32_t)tx->arg[0]), 0, sizeof(struct balance));
        ++*(int64_t *)fl_row_edit(exec, SUMS, 0);
    }
    return *code ? FL_TX_REVERTED : FL_TX_OK;
}

static struct fl_account board_account(const struct fl_rows *rows, uint32_t account)
{
    const struct balance *row = fl_row(rows, BALANCES, account);
    struct fl_account out = {.quote = row->quote, .equity = row->quote, .priced = 1};
    for (uint32_t m = 0; m < BOARD_MARKETS; m++) {
        const struct board_price *at = fl_row(rows, PRICES, m);
        const int64_t value = (int64_t)((fl_i128)row->size[m] * at->mark / UNIT);
        out.positions += row->size[m] != 0;
        out.equity += value;
        out.initial += fl_mul_div_ceil(fl_abs(value), BOARD_INITIAL, FL_PPM_ONE);
        out.maintenance += fl_mul_div_ceil(fl_abs(value), BOARD_MAINTENANCE, FL_PPM_ONE);
        if (row->size[m] != 0 && at->mark == 0) out.priced = 0;
    }
    if (!out.priced) out.equity = out.initial = out.maintenance = 0;
    return out;
}

static struct fl_positions board_positions(const struct fl_rows *rows, uint32_t account)
{
    const struct balance *row = fl_row(rows, BALANCES, account);
    struct fl_positions out = {.count = 0};
    for (uint32_t m = 0; m < BOARD_MARKETS; m++)
        if (row->size[m] != 0)
            out.at[out.count++] = (struct fl_holding){.market = m, .size = row->size[m]};
    return out;
}

static enum fl_read_status board_query(const struct fl_rows *rows, const struct fl_query *query,
                                       void *out, size_t bytes)
{
    const uint32_t which = (uint32_t)query->arg[0];
    if (query->kind == FL_ASK_ACCOUNT) {
        const struct fl_account answer = board_account(rows, which);
        memcpy(out, &answer, bytes);
    } else if (query->kind == FL_ASK_POSITIONS) {
        const struct fl_positions answer = board_positions(rows, which);
        memcpy(out, &answer, bytes);
    } else if (query->kind == FL_ASK_MARKET) {
        const struct board_price *at = fl_row(rows, PRICES, which);
        const struct fl_market_terms answer = {.initial_ppm = BOARD_INITIAL,
                                               .maintenance_ppm = BOARD_MAINTENANCE,
                                               .markets = BOARD_MARKETS,
                                               .mark = at->mark,
                                               .tick = at->tick,
                                               .lot = at->lot,
                                               .bid = at->bid,
                                               .ask = at->ask};
        memcpy(out, &answer, bytes);
    } else if (query->kind == FL_ASK_PRICE) {
        const struct fl_price answer = {.price = 1, .round = 1, .valid = 1};
        memcpy(out, &answer, bytes);
    } else if (query->kind == FL_ASK_TOTALS) {
        const struct fl_totals answer = {.liquidations = *(const int64_t *)fl_row(rows, SUMS, 0)};
        memcpy(out, &answer, bytes);
    } else {
        return FL_READ_UNKNOWN;
    }
    return FL_READ_OK;
}

static const struct fl_contract board_contract = {.table_count = BOARD_TABLES,
                                                  .tables = board_tables,
                                                  .execute = board_execute,
                                                  .query = board_query};
struct board_params {
    struct fl_list markets;
};
static const struct fl_param no_rows[] = {{.key = NULL}};
static const struct fl_param board_rows[] = {{.key = "markets",
                                              .type = FL_ROWS,
                                              .offset = offsetof(struct board_params, markets),
                                              .min = BOARD_MARKETS,
                                              .max = BOARD_MARKETS,
                                              .of = no_rows,
                                              .of_bytes = sizeof(int64_t),
                                              .doc = "names"},
                                             {.key = NULL}};
const struct fl_model fl_model_board = {.name = "board",
                                        .family = FL_CONTRACT,
                                        .doc = "prices that a clerk writes",
                                        .params = board_rows,
                                        .params_bytes = sizeof(struct board_params),
                                        .contract = &board_contract};

/* ------------------------------------------------------------------------------------------------
 * The bench
 * --------------------------------------------------------------------------------------------- */

static const char scenario[] =
    "{\"name\": \"lab\", \"seed\": 71, \"duration_s\": 1000000,"
    " \"contracts\": {\"exchange\": {\"model\": \"board\","
    "   \"markets\": {\"a\": {}, \"b\": {}, \"c\": {}}}},"
    " \"nodes\": {"
    "  \"venue\": {"
    "    \"source\": {\"model\": \"replay\", \"points_usd\": [[0, 200]], \"volatility\": 0},"
    "    \"market\": {\"model\": \"spot\", \"depth\": 20000, \"subscribers\": [\"maker\", "
    "\"arb\"]}},"
    "  \"validator\": {\"consensus\": {\"model\": \"ordered\"}, \"chain\": \"replica\"},"
    "  \"clerk\": {\"clients_of\": \"validator\","
    "    \"agent\": {\"model\": \"keeper\", \"exchange\": \"exchange\"}},"
    "  \"maker\": {\"clients_of\": \"validator\","
    "    \"agent\": {\"model\": \"liquidity\", \"exchange\": \"exchange\", \"venue\": \"venue\","
    "      \"deposit_usd\": 1000000, \"depth\": 1000, \"hedge_threshold\": 1000000}},"
    "  \"arb\": {\"clients_of\": \"validator\","
    "    \"agent\": {\"model\": \"arbitrageur\", \"exchange\": \"exchange\", \"venue\": \"venue\","
    "      \"deposit_usd\": 100000, \"size\": 20, \"position_max\": 50}},"
    "  \"trader\": {\"accounts\": 1, \"clients_of\": \"validator\","
    "    \"agent\": {\"model\": \"population\", \"exchange\": \"exchange\", \"open_to_s\": 0,"
    "      \"collateral_usd\": 1000, \"leverage\": 5, \"long_share\": 1}}}}";

struct rig *rig_open(const char *const *overrides, size_t count)
{
    struct rig *r = calloc(1, sizeof *r);
    struct fl_problems problems = {.to = stderr};
    r->config =
        fl_config_parse(scenario, strlen(scenario), "lab.json", overrides, count, NULL, &problems);
    cr_assert(r->config);
    r->world = fl_world_new(r->config);
    r->out = calloc(1, sizeof *r->out);
    r->head = fl_ledger_base(r->world->ledger);
    r->now = FL_SECOND;
    return r;
}

void rig_close(struct rig *r)
{
    fl_world_free(r->world);
    fl_config_free(r->config);
    free(r->out);
    free(r);
}

struct fl_actor *rig_actor(const struct rig *r, const char *group, enum fl_family family)
{
    for (uint32_t g = 0; g < r->config->group_count; g++)
        if (strcmp(r->config->group[g].name, group) == 0)
            return fl_actor_at(r->world, r->config->group[g].first, family);
    cr_assert_fail("no such group: %s", group);
    return NULL;
}

int64_t rig_observe(const struct fl_actor *a, uint32_t index)
{
    int64_t value[8];
    a->model->node->observe(&a->self, a->state, value);
    return value[index];
}

static void take_effects(struct rig *r)
{
    for (uint32_t i = 0; i < r->out->count; i++) {
        const struct fl_effect *e = &r->out->at[i];
        if (e->kind != FL_SEND) continue;
        if (e->msg.kind == FL_ORDER) {
            r->order = e->msg;
            r->orders++;
        } else if (e->msg.kind == FL_SUBMIT) {
            uint32_t bytes;
            cr_assert_lt(r->pooled, POOL);
            r->pool[r->pooled++] =
                *(const struct fl_tx *)fl_outbox_data(r->out, e->msg.blob, &bytes);
        }
    }
}

void rig_step(struct rig *r, struct fl_actor *a, const struct fl_event *in)
{
    const struct fl_view view = {.reader = &r->world->reader, .version = r->head};
    struct fl_outbox *out = r->out;
    out->self = a->self.endpoint;
    out->count = out->blob_count = out->scratch_used = out->signs = out->verifies = 0;
    a->model->node->step(&a->self, a->state, in, &view, out);
    take_effects(r);
}

struct fl_event rig_event(const struct rig *r, enum fl_event_kind kind)
{
    struct fl_event in;
    memset(&in, 0, sizeof in);
    in.kind = kind;
    in.now = r->now;
    return in;
}

void rig_quote(struct rig *r, struct fl_actor *a, int64_t mid)
{
    struct fl_event in = rig_event(r, FL_MSG);
    in.msg.kind = FL_QUOTE;
    in.msg.from = rig_actor(r, "venue", FL_MARKET)->self.endpoint;
    in.msg.word[0] = ++r->quotes;
    in.msg.value[0] = mid;
    rig_step(r, a, &in);
}

void rig_head(struct rig *r, struct fl_actor *a)
{
    struct fl_event in = rig_event(r, FL_MSG);
    in.msg.kind = FL_NEW_HEAD;
    in.msg.from = a->self.replica;
    in.msg.word[0] = r->height;
    in.msg.value[0] = r->now;
    in.msg.version = r->head;
    rig_step(r, a, &in);
}

void rig_clerk(struct rig *r, enum board_tx kind, const int64_t arg[5])
{
    const struct fl_self *self = &rig_actor(r, "clerk", FL_AGENT)->self;
    struct fl_tx tx = {.account = self->account_first,
                       .contract = EXCHANGE,
                       .kind = (uint16_t)kind,
                       .nonce = ++r->clerk_nonce};
    memcpy(tx.arg, arg, sizeof tx.arg);
    tx.tag = fl_sign(self, fl_tx_digest(&tx), r->out);
    cr_assert_lt(r->pooled, POOL);
    r->pool[r->pooled++] = tx;
}

/* Bid, ask and mark are one price. */
void rig_post(struct rig *r, int64_t market, int64_t price, int64_t lot)
{
    rig_clerk(r, BOARD_POST, (int64_t[5]){price, price, price, lot, market});
}

void rig_block(struct rig *r)
{
    static struct {
        struct fl_batch header;
        struct fl_tx tx[POOL];
    } batch;
    r->now += FL_SECOND;
    batch.header = (struct fl_batch){.height = ++r->height, .time = r->now, .tx_count = r->pooled};
    memcpy(batch.tx, r->pool, r->pooled * sizeof *r->pool);
    r->pooled = 0;
    const struct fl_digest name = {r->height, 7};
    struct fl_execution done;
    cr_assert_eq(fl_ledger_execute(r->world->ledger, r->head, &batch,
                                   sizeof batch.header + batch.header.tx_count * sizeof batch.tx[0],
                                   name, r->now, FL_NO_RECORD, &done),
                 FL_EXECUTE_OK);
    for (uint32_t i = 0; i < done.receipt_count; i++) {
        cr_assert_neq(done.receipts[i].status, FL_TX_INVALID);
        r->refused += done.receipts[i].status == FL_TX_REVERTED;
    }
    r->head = done.version;
    fl_ledger_advance(r->world->ledger, r->head);
}

/* A block, and what the actor makes of it. */
void rig_turn(struct rig *r, struct fl_actor *a)
{
    rig_block(r);
    rig_head(r, a);
}

struct balance rig_balance(const struct rig *r, uint32_t account)
{
    struct fl_account row;
    struct fl_positions held;
    const struct fl_query about = {
        .contract = EXCHANGE, .kind = FL_ASK_ACCOUNT, .arg = {account, 0, 0}};
    struct fl_query of = about;
    of.kind = FL_ASK_POSITIONS;
    cr_assert_eq(fl_ledger_query(r->world->ledger, r->head, &about, &row, sizeof row), FL_READ_OK);
    cr_assert_eq(fl_ledger_query(r->world->ledger, r->head, &of, &held, sizeof held), FL_READ_OK);
    struct balance out = {.quote = row.quote};
    for (uint32_t i = 0; i < held.count; i++) out.size[held.at[i].market] = held.at[i].size;
    return out;
}

const struct fl_tx *rig_newest(const struct rig *r)
{
    cr_assert_gt(r->pooled, 0);
    return &r->pool[r->pooled - 1];
}
