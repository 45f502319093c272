/* The models around the ledger, driven by hand: price source, venue, reporter, traders, liquidity
 * provider, keeper. They stand in a laid-out world whose loop never runs; messages are carried by
 * this file, at once, and blocks are made when a test says so.
 *
 * Each step of each test is made twice, on copies of the state, and must give the same bytes; no
 * sender may use a message key twice for one destination (DESIGN 5). */
#include "models/wire.h"
#include "sim/state.h"

#include <criterion/criterion.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define USD INT64_C(1000000)  /* in 10^-6 USD */
#define UNIT INT64_C(1000000) /* in 10^-6 base units */
#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

/* Two-sided probability with which a sound draw fails a statistical test of this file. */
#define CHANCE 1e-6
/* Kolmogorov: P(sqrt(n) D > x) is about 2 exp(-2 x^2); 2.69 for CHANCE. */
#define KOLMOGOROV 2.7
#define NORMAL_BOUND 4.9 /* standard deviations, for CHANCE */

static const char scenario[] =
    "{\"name\": \"lab\", \"seed\": 71, \"duration_s\": 100000,"
    " \"contracts\": {"
    "  \"feed\": {\"model\": \"feed\", \"reporters\": [\"reporter\"], \"quorum\": 2,"
    "    \"max_age_s\": 7200},"
    "  \"exchange\": {\"model\": \"perpetual\", \"markets\": {\"eth\": {\"oracle\": \"feed\"}},"
    "    \"liquidity\": [\"liquidity\"],"
    "    \"insurance_fund\": 50000}},"
    " \"nodes\": {"
    "  \"market\": {"
    "    \"source\": {\"model\": \"replay\", \"points_usd\": [[0, 200], [1000, 200]],"
    "      \"volatility\": 0},"
    "    \"market\": {\"model\": \"spot\", \"depth\": 20000,"
    "      \"subscribers\": [\"reporter\", \"liquidity\", \"trader\"]}},"
    "  \"validator\": {\"consensus\": {\"model\": \"ordered\"}, \"chain\": \"replica\"},"
    "  \"reporter\": {\"count\": 3, \"clients_of\": \"validator\","
    "    \"oracle\": {\"model\": \"reporter\", \"contract\": \"feed\", \"noise\": 0, \"lag_ms\": "
    "0}},"
    "  \"liquidity\": {\"clients_of\": \"validator\","
    "    \"agent\": {\"model\": \"liquidity\", \"exchange\": \"exchange\", \"venue\": \"market\","
    "      \"deposit_usd\": 100000000, \"depth\": 20000, \"hedge_threshold\": 5}},"
    "  \"keeper\": {\"clients_of\": \"validator\","
    "    \"agent\": {\"model\": \"keeper\", \"exchange\": \"exchange\"}},"
    "  \"trader\": {\"accounts\": 20, \"clients_of\": \"validator\","
    "    \"agent\": {\"model\": \"population\", \"exchange\": \"exchange\","
    "      \"collateral_usd\": {\"law\": \"lognormal\", \"median\": 2000, \"sigma\": 1}}}}}";

/* ------------------------------------------------------------------------------------------------
 * The bench
 * --------------------------------------------------------------------------------------------- */

enum { FEED, EXCHANGE };
enum { POOL = 8192, POST = 8192, RECEIPT_KINDS = 6 };

struct key {
    uint64_t word[3];
    uint32_t from, to, reach;
    uint16_t kind, copy;
    uint32_t family, zero;
};

struct letter {
    struct fl_effect effect;
    uint32_t layer; /* of the sender */
};

struct rig {
    struct fl_config *config;
    struct fl_world *world;
    struct fl_outbox *out, *twin;
    fl_time now;
    uint64_t height;
    fl_version head;
    struct fl_tx pool[POOL]; /* handed in, not in a block yet */
    fl_time leaves[POOL];
    uint16_t copy[POOL];
    uint32_t pooled;
    struct letter post[POST];
    size_t posted;
    struct key *keys;
    size_t key_count, key_room;
    uint64_t accepted[RECEIPT_KINDS], refused[RECEIPT_KINDS], invalid; /* exchange, by kind */
};

static struct rig *rig_open(const char *const *overrides, size_t count)
{
    struct rig *r = calloc(1, sizeof *r);
    struct fl_problems problems = {.to = stderr};
    r->config =
        fl_config_parse(scenario, strlen(scenario), "lab.json", overrides, count, NULL, &problems);
    cr_assert(r->config);
    r->world = fl_world_new(r->config);
    r->out = calloc(1, sizeof *r->out);
    r->twin = calloc(1, sizeof *r->twin);
    r->head = fl_ledger_base(r->world->ledger);
    return r;
}

static int key_order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct key));
}

static void rig_close(struct rig *r)
{
    if (r->key_count > 0) qsort(r->keys, r->key_count, sizeof *r->keys, key_order);
    for (size_t i = 1; i < r->key_count; i++)
        cr_assert(key_order(&r->keys[i - 1], &r->keys[i]) != 0, "endpoint %u repeats kind %u",
                  r->keys[i].from, r->keys[i].kind);
    fl_world_free(r->world);
    fl_config_free(r->config);
    free(r->out);
    free(r->twin);
    free(r->keys);
    free(r);
}

static struct fl_actor *actor(const struct rig *r, const char *group, uint32_t index,
                              enum fl_family family)
{
    for (uint32_t g = 0; g < r->config->group_count; g++)
        if (strcmp(r->config->group[g].name, group) == 0) {
            struct fl_actor *a = fl_actor_at(r->world, r->config->group[g].first + index, family);
            cr_assert(a->model);
            return a;
        }
    cr_assert_fail("no such group: %s", group);
    return NULL;
}

static int64_t observe(const struct fl_actor *a, uint32_t index)
{
    int64_t value[16];
    a->model->node->observe(&a->self, a->state, value);
    return value[index];
}

static void clear(struct fl_outbox *out, fl_endpoint self)
{
    out->self = self;
    out->count = out->blob_count = out->scratch_used = out->signs = out->verifies = 0;
}

static void same_bytes(const struct fl_outbox *a, const struct fl_outbox *b)
{
    cr_assert(a->count == b->count && a->blob_count == b->blob_count &&
              a->scratch_used == b->scratch_used && a->signs == b->signs);
    cr_assert_eq(memcmp(a->at, b->at, a->count * sizeof a->at[0]), 0);
    cr_assert_eq(memcmp(a->scratch, b->scratch, a->scratch_used), 0);
}

static void remember_key(struct rig *r, const struct fl_effect *e)
{
    if (r->key_count == r->key_room) {
        r->key_room = 2 * r->key_room + 1024;
        r->keys = realloc(r->keys, r->key_room * sizeof *r->keys);
        cr_assert(r->keys);
    }
    struct key *k = &r->keys[r->key_count++];
    memset(k, 0, sizeof *k);
    memcpy(k->word, e->msg.word, sizeof k->word);
    k->from = e->as.i;
    k->to = e->to.i;
    k->reach = e->reach;
    k->kind = e->msg.kind;
    k->copy = e->msg.copy;
    k->family = e->msg.family;
}

static void hand_in(struct rig *r, const struct fl_effect *e)
{
    uint32_t bytes;
    const struct fl_tx *tx = fl_outbox_data(r->out, e->msg.blob, &bytes);
    cr_assert(tx && bytes == sizeof *tx && r->pooled < POOL);
    cr_assert(e->msg.word[0] == tx->account && e->msg.word[1] == tx->nonce);
    r->pool[r->pooled] = *tx;
    r->copy[r->pooled] = e->msg.copy;
    r->leaves[r->pooled++] = r->now + e->delay;
}

/* One step, made twice. Its effects stay in r->out; transactions are pooled, the rest is posted. */
static void step(struct rig *r, struct fl_actor *a, const struct fl_event *in)
{
    const struct fl_view view = {.reader = &r->world->reader, .version = r->head};
    unsigned char *copy = malloc(a->state_bytes);
    cr_assert(copy);
    memcpy(copy, a->state, a->state_bytes);
    clear(r->out, a->self.endpoint);
    clear(r->twin, a->self.endpoint);
    a->model->node->step(&a->self, copy, in, &view, r->twin);
    a->model->node->step(&a->self, a->state, in, &view, r->out);
    cr_assert_eq(memcmp(copy, a->state, a->state_bytes), 0);
    same_bytes(r->out, r->twin);
    free(copy);
    for (uint32_t i = 0; i < r->out->count; i++) {
        const struct fl_effect *e = &r->out->at[i];
        if (e->kind == FL_SEND) remember_key(r, e);
        if (e->kind == FL_SEND && e->msg.kind == FL_SUBMIT && e->msg.family == FL_CHAIN) {
            hand_in(r, e);
        } else if (e->kind == FL_SEND || e->kind == FL_LOCAL) {
            cr_assert(r->posted < POST);
            r->post[r->posted++] = (struct letter){*e, a->model->family};
        }
    }
}

static struct fl_event event(const struct rig *r, enum fl_event_kind kind)
{
    struct fl_event in;
    memset(&in, 0, sizeof in);
    in.kind = kind;
    in.now = r->now;
    return in;
}

static void deliver_to(struct rig *r, uint32_t endpoint, const struct fl_effect *e)
{
    struct fl_event in = event(r, FL_MSG);
    in.msg = e->msg;
    in.msg.from = e->as;
    for (uint32_t f = 1; f < FL_LAYERS; f++)
        if (fl_actor_at(r->world, endpoint, f)->model && (e->msg.family == 0 || e->msg.family == f))
            step(r, fl_actor_at(r->world, endpoint, f), &in);
}

static void deliver(struct rig *r, const struct letter *letter)
{
    const struct fl_effect *e = &letter->effect;
    if (e->kind == FL_LOCAL) {
        struct fl_event in = event(r, FL_CALL);
        in.msg = e->msg;
        in.msg.family = (uint8_t)letter->layer;
        step(r, fl_actor_at(r->world, e->as.i, e->msg.family), &in);
    } else if (e->reach == FL_TO_GROUP) {
        const struct fl_group *g = &r->config->group[r->world->node[e->to.i].group];
        for (uint32_t i = 0; i < g->count; i++) deliver_to(r, g->first + i, e);
    } else {
        cr_assert_eq(e->reach, FL_TO_ONE);
        deliver_to(r, e->to.i, e);
    }
}

static void carry(struct rig *r)
{
    for (size_t i = 0; i < r->posted; i++) deliver(r, &r->post[i]);
    r->posted = 0;
}

static void tell(struct rig *r, struct fl_actor *a, enum fl_event_kind kind)
{
    const struct fl_event in = event(r, kind);
    step(r, a, &in);
}

static void quote(struct rig *r, struct fl_actor *a, uint64_t number, int64_t mid)
{
    struct fl_event in = event(r, FL_MSG);
    in.msg.kind = FL_QUOTE;
    in.msg.word[0] = number;
    in.msg.value[0] = mid;
    step(r, a, &in);
}

static void fundamental(struct rig *r, struct fl_actor *venue, uint64_t number, int64_t price)
{
    struct fl_event in = event(r, FL_CALL);
    in.msg.family = FL_SOURCE;
    in.msg.kind = FL_FUNDAMENTAL;
    in.msg.word[0] = number;
    in.msg.value[0] = price;
    step(r, venue, &in);
}

/* A block of everything that has left, at r->now; nobody hears of it yet. */
static void block(struct rig *r)
{
    static struct {
        struct fl_batch header;
        struct fl_tx tx[POOL];
    } batch;
    uint32_t kept = 0;
    batch.header = (struct fl_batch){.height = ++r->height, .time = r->now};
    for (uint32_t i = 0; i < r->pooled; i++) {
        if (r->leaves[i] <= r->now) {
            batch.tx[batch.header.tx_count++] = r->pool[i];
            continue;
        }
        r->pool[kept] = r->pool[i];
        r->leaves[kept++] = r->leaves[i];
    }
    r->pooled = kept;
    const struct fl_digest name = {r->height, 7};
    struct fl_execution done;
    cr_assert_eq(fl_ledger_execute(r->world->ledger, r->head, &batch,
                                   sizeof batch.header + batch.header.tx_count * sizeof batch.tx[0],
                                   name, r->now, FL_NO_RECORD, &done),
                 FL_EXECUTE_OK);
    for (uint32_t i = 0; i < done.receipt_count; i++) {
        const struct fl_receipt *receipt = &done.receipts[i];
        r->invalid += receipt->status == FL_TX_INVALID;
        if (receipt->contract != EXCHANGE) continue;
        r->accepted[receipt->kind] += receipt->status == FL_TX_OK;
        r->refused[receipt->kind] += receipt->status == FL_TX_REVERTED;
    }
    r->head = done.version;
    fl_ledger_advance(r->world->ledger, r->head);
}

static void head(struct rig *r, struct fl_actor *a)
{
    struct fl_event in = event(r, FL_MSG);
    in.msg.kind = FL_NEW_HEAD;
    in.msg.from = a->self.replica;
    in.msg.word[0] = r->height;
    in.msg.value[0] = r->now;
    in.msg.version = r->head;
    step(r, a, &in);
}

static void head_for_all(struct rig *r)
{
    for (uint32_t e = 0; e < r->config->facts.endpoints; e++)
        for (uint32_t f = FL_ORACLE; f <= FL_AGENT; f++) {
            struct fl_actor *a = fl_actor_at(r->world, e, f);
            if (a->model && a->self.replica.i != FL_NOWHERE.i) head(r, a);
        }
    carry(r);
}

static void start(struct rig *r)
{
    for (uint32_t e = 0; e < r->config->facts.endpoints; e++)
        for (uint32_t f = FL_SOURCE; f <= FL_AGENT; f++)
            if (fl_actor_at(r->world, e, f)->model) tell(r, fl_actor_at(r->world, e, f), FL_START);
    carry(r);
}

/* Seconds of the whole: a tick each, a block every other one. */
static void run(struct rig *r, int seconds)
{
    struct fl_actor *source = actor(r, "market", 0, FL_SOURCE);
    for (int i = 0; i < seconds; i++) {
        r->now += FL_SECOND;
        tell(r, source, FL_TIMER);
        carry(r);
        if (r->now / FL_SECOND % 2 != 0) continue;
        block(r);
        head_for_all(r);
    }
}

static struct fl_account account(const struct rig *r, uint32_t number)
{
    struct fl_account row;
    const struct fl_query query = {
        .contract = EXCHANGE, .kind = FL_ASK_ACCOUNT, .arg = {number, 0, 0}};
    cr_assert_eq(fl_ledger_query(r->world->ledger, r->head, &query, &row, sizeof row), FL_READ_OK);
    return row;
}

static int64_t size_of(const struct rig *r, uint32_t number)
{
    struct fl_positions held;
    const struct fl_query query = {
        .contract = EXCHANGE, .kind = FL_ASK_POSITIONS, .arg = {number, 0, 0}};
    cr_assert_eq(fl_ledger_query(r->world->ledger, r->head, &query, &held, sizeof held),
                 FL_READ_OK);
    return held.count == 0 ? 0 : held.at[0].size;
}

static struct fl_totals totals(const struct rig *r)
{
    struct fl_totals sums;
    const struct fl_query query = {.contract = EXCHANGE, .kind = FL_ASK_TOTALS};
    cr_assert_eq(fl_ledger_query(r->world->ledger, r->head, &query, &sums, sizeof sums),
                 FL_READ_OK);
    return sums;
}

static const struct fl_tx *newest(const struct rig *r)
{
    cr_assert(r->pooled > 0);
    return &r->pool[r->pooled - 1];
}

/* ------------------------------------------------------------------------------------------------
 * Statistics
 * --------------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov-Smirnov, on the part of the sample within (low, high), where the law is not clipped. */
static void assert_law(double *sample, size_t count, double low, double high,
                       double (*cdf)(double, const double *), const double *law)
{
    double worst = 0;
    qsort(sample, count, sizeof *sample, ascending);
    for (size_t i = 0; i < count; i++) {
        if (sample[i] <= low || sample[i] >= high) continue;
        const double p = cdf(sample[i], law);
        worst =
            fmax(worst, fmax(p - (double)i / (double)count, (double)(i + 1) / (double)count - p));
    }
    cr_assert(worst > 0 && worst * sqrt((double)count) < KOLMOGOROV, "distance %g", worst);
}

/* Spearman's rank correlation of independent samples has variance 1 / (n - 1). */
static void assert_independent(const double *x, const double *y, size_t count)
{
    double *work = malloc(2 * count * sizeof *work);
    const double correlation = gsl_stats_spearman(x, 1, y, 1, count, work);
    free(work);
    cr_assert(fabs(correlation) * sqrt((double)count - 1) < NORMAL_BOUND, "%g", correlation);
}

static double lognormal(double x, const double *law)
{
    return gsl_cdf_lognormal_P(x, law[0], law[1]);
}
static double normal(double x, const double *law)
{
    return gsl_cdf_gaussian_P(x - law[0], law[1]);
}
static double uniform(double x, const double *law)
{
    return gsl_cdf_flat_P(x, law[0], law[1]);
}

static void assert_variance(double sum_of_squares, size_t count, double variance)
{
    const double statistic = sum_of_squares / variance, n = (double)count;
    cr_assert(statistic > gsl_cdf_chisq_Pinv(CHANCE / 2, n) &&
                  statistic < gsl_cdf_chisq_Qinv(CHANCE / 2, n),
              "%g of the variance expected", statistic / n);
}

/* ------------------------------------------------------------------------------------------------
 * The source
 * --------------------------------------------------------------------------------------------- */

/* The price told in r->out, -1 if none. */
static int64_t told(const struct fl_outbox *out)
{
    for (uint32_t i = 0; i < out->count; i++)
        if (out->at[i].kind == FL_LOCAL) {
            cr_assert_eq(out->at[i - 1].kind, FL_NOTE);
            cr_assert_eq(out->at[i - 1].record, FL_RECORD_TICK);
            cr_assert_eq(out->at[i - 1].v[2], out->at[i].msg.value[0]);
            return out->at[i].msg.value[0];
        }
    return -1;
}

/* Points on the grid, two between the same two ticks, and one between ticks before a stop. */
Test(agents, replay_hits_its_points)
{
    const char *const overrides[] = {
        "nodes.market.source.points_usd=[[0, 238.5], [7, 240.25], [20.25, 230], [20.75, 231.125],"
        " [29.5, 12.000001]]",
        "nodes.market.source.volatility=0.01"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *source = actor(r, "market", 0, FL_SOURCE);
    int64_t path[41];
    for (int i = 0; i <= 40; i++) {
        r->now = i * FL_SECOND;
        tell(r, source, i == 0 ? FL_START : FL_TIMER);
        r->posted = 0;
        path[i] = told(r->out);
        cr_assert(path[i] > 0);
        const struct fl_effect *last = &r->out->at[r->out->count - 1];
        cr_assert(last->kind == FL_SET_TIMER && last->delay == FL_SECOND);
    }
    cr_assert_eq(path[0], 238500000);
    cr_assert_eq(path[7], 240250000);
    cr_assert_eq(path[21], 231125000);
    for (int i = 30; i <= 40; i++) cr_assert_eq(path[i], 12000001);
    for (int i = 2; i < 29; i++) cr_assert_neq(path[i] - path[i - 1], path[i - 1] - path[i - 2]);
    rig_close(r);

    /* Down from second 4 to 17.3: the same path afterwards, and the grid kept. */
    r = rig_open(overrides, LENGTH(overrides));
    source = actor(r, "market", 0, FL_SOURCE);
    tell(r, source, FL_START);
    for (int i = 1; i <= 4; i++) {
        r->now = i * FL_SECOND;
        tell(r, source, FL_TIMER);
    }
    r->now = 17300 * FL_MILLISECOND;
    tell(r, source, FL_RECOVER);
    cr_assert_eq(told(r->out), path[17]);
    cr_assert_eq(r->out->at[r->out->count - 1].delay, 700 * FL_MILLISECOND);
    r->now = 18 * FL_SECOND;
    tell(r, source, FL_RECOVER); /* the tick of this very instant */
    cr_assert_eq(told(r->out), path[18]);
    tell(r, source, FL_RECOVER); /* nothing new */
    cr_assert_eq(told(r->out), -1);
    rig_close(r);
}

/* Brownian bridge of variance s^2 per second from 0 to T (Glasserman 2003, 3.1): E = line,
 * Cov(X_s, X_t) = F^2 s^2 s (T - t) / T. F moves by 0.3 % at most, which shifts the variance by less
 * than 10^-4 of it. */
Test(agents, replay_is_a_brownian_bridge)
{
    enum { PATHS = 20000, EARLY = 3, LATE = 7, END = 8, TICKS_PER_S = 4 };
    const char *const overrides[] = {"nodes.market.source.points_usd=[[0, 238.5], [2, 238.5]]",
                                     "nodes.market.source.tick_ms=250",
                                     "nodes.market.source.volatility=0.00031"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    const struct fl_actor *source = actor(r, "market", 0, FL_SOURCE);
    const double scale = 238.5e6 * 0.00031;
    double early2 = 0, late2 = 0, cross = 0, sum = 0;
    unsigned char *state = malloc(source->state_bytes);
    for (uint64_t path = 0; path < PATHS; path++) {
        struct fl_self self = source->self;
        self.seed = path;
        memset(state, 0, source->state_bytes);
        source->model->node->init(&self, state);
        double x[END + 1];
        for (int k = 1; k <= END; k++) {
            struct fl_event in = event(r, FL_TIMER);
            in.now = k * FL_SECOND / TICKS_PER_S;
            clear(r->out, self.endpoint);
            source->model->node->step(&self, state, &in, NULL, r->out);
            x[k] = ((double)told(r->out) - 238.5e6) / scale;
        }
        cr_assert_eq(x[END], 0);
        early2 += x[EARLY] * x[EARLY];
        late2 += x[LATE] * x[LATE];
        cross += x[EARLY] * x[LATE];
        sum += x[LATE];
    }
    const double per_tick = 1.0 / TICKS_PER_S;
    const double early = per_tick * EARLY * (END - EARLY) / END;
    const double late = per_tick * LATE * (END - LATE) / END;
    const double both = per_tick * EARLY * (END - LATE) / END;
    assert_variance(early2, PATHS, early);
    assert_variance(late2, PATHS, late);
    cr_assert_float_eq(sum / PATHS, 0, NORMAL_BOUND * sqrt(late / PATHS));
    cr_assert_float_eq(cross / PATHS, both,
                       NORMAL_BOUND * sqrt((early * late + both * both) / PATHS));
    free(state);
    rig_close(r);
}

/* ------------------------------------------------------------------------------------------------
 * The venue
 * --------------------------------------------------------------------------------------------- */

static const struct fl_msg *order(struct rig *r, struct fl_actor *venue, uint32_t from,
                                  uint64_t number, uint16_t copy, int64_t size)
{
    struct fl_event in = event(r, FL_MSG);
    in.msg.kind = FL_ORDER;
    in.msg.family = FL_MARKET;
    in.msg.from.i = from;
    in.msg.word[0] = 1000 + from;
    in.msg.word[1] = number;
    in.msg.copy = copy;
    in.msg.value[0] = size;
    r->posted = 0;
    step(r, venue, &in);
    return r->posted == 1 ? &r->post[0].effect.msg : NULL;
}

/* A large F, so that a micro-dollar is 10^-12 of it. */
Test(agents, spot_impact_decays_by_half)
{
    const char *const overrides[] = {"nodes.market.market.depth=23.85",
                                     "nodes.market.market.impact_half_life_s=257"};
    const int64_t price = 1000000 * USD;
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *venue = actor(r, "market", 0, FL_MARKET);
    cr_assert_null(order(r, venue, 3, 1, 0, UNIT), "no price yet");
    fundamental(r, venue, 0, price);
    cr_assert_eq(r->posted, 3);
    cr_assert_eq(r->post[0].effect.msg.value[0], price);

    /* Selling twice the depth moves M by 2 %; it is filled at the average. */
    const struct fl_msg *filled = order(r, venue, 3, 1, 0, -47700000);
    cr_assert(filled && filled->kind == FL_FILLED && filled->word[0] == 1003);
    cr_assert_eq(filled->word[1], 1);
    cr_assert_eq(filled->value[0], -47700000);
    cr_assert_float_eq((double)filled->value[1], 0.99e12, 1);
    cr_assert_eq(observe(venue, 2), -20000);

    /* Every second a tick, or one after 2.5 half lives: the same law. */
    double seconds = 0;
    for (uint64_t i = 1; i <= 643; i++) {
        seconds = i == 643 ? 2.5 * 257 : (double)i;
        r->now = (fl_time)(seconds * 1e9);
        fundamental(r, venue, i, price);
        const double impact = -0.02e12 * exp(-M_LN2 * seconds / 257);
        /* Each tick rounds the exponent by at most 1, the factor by 1/2, in 2^-32. */
        const double bound = 3 + 1.5 * ldexp((double)i * fabs(impact), -32);
        cr_assert_float_eq((double)r->post[r->posted - 1].effect.msg.value[0], 1e12 + impact,
                           bound);
    }
    r->now += 50 * 257 * FL_SECOND;
    fundamental(r, venue, 644, price);
    cr_assert_eq(observe(venue, 1), price);
    rig_close(r);

    r = rig_open(overrides, LENGTH(overrides));
    venue = actor(r, "market", 0, FL_MARKET);
    fundamental(r, venue, 0, price);
    order(r, venue, 3, 1, 0, -47700000);
    r->now = 642500 * FL_MILLISECOND;
    filled = order(r, venue, 4, 9, 0, 2385000); /* decays before it fills, at +0.05 % */
    const double left = 1 - 0.02 * exp(-M_LN2 * 2.5);
    cr_assert_float_eq((double)filled->value[1], 1e12 * (left + 0.0005), 3);
    rig_close(r);
}

Test(agents, spot_fills_an_order_once)
{
    const char *const overrides[] = {"nodes.market.market.fee=0.0011"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *venue = actor(r, "market", 0, FL_MARKET);
    fundamental(r, venue, 0, 200 * USD);
    const struct fl_msg first = *order(r, venue, 3, 5, 0, 10 * UNIT);
    /* 10 of 20000 for 1 %: 200 * (1 + 5e-6 / 2) * 1.0011 = 200.22050055, rounded up. */
    cr_assert_eq(first.value[1], 200220501);
    const struct fl_msg again = *order(r, venue, 3, 5, 1, 77 * UNIT);
    cr_assert(again.value[0] == first.value[0] && again.value[1] == first.value[1]);
    cr_assert_eq(again.copy, first.copy + 1);
    cr_assert_null(order(r, venue, 3, 4, 0, UNIT), "older");
    cr_assert_null(order(r, venue, 3, 6, 0, 0));
    cr_assert_null(order(r, venue, 3, 6, 0, INT64_MIN));
    cr_assert_null(order(r, venue, UINT32_MAX, 6, 0, UNIT));
    cr_assert_eq(observe(venue, 3), 1);
    cr_assert(order(r, venue, 4, 1, 0, -UNIT), "another client counts for itself");
    /* Beyond any reason: the price stays positive. */
    const struct fl_msg *wild = order(r, venue, 4, 2, 0, -1000000000 * UNIT);
    cr_assert(wild->value[1] > 0 && observe(venue, 1) > 0);
    rig_close(r);
}

/* ------------------------------------------------------------------------------------------------
 * The reporter
 * --------------------------------------------------------------------------------------------- */

Test(agents, reporter_obeys_deviation_and_heartbeat)
{
    const char *const overrides[] = {"nodes.reporter.oracle.deviation=0.005",
                                     "nodes.reporter.oracle.heartbeat_s=3600",
                                     "nodes.reporter.oracle.lag_ms=850"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *reporter = actor(r, "reporter", 1, FL_ORACLE);
    tell(r, reporter, FL_START);
    cr_assert_eq(r->out->count, 0);
    r->now = 5 * FL_SECOND;
    quote(r, reporter, 10, 194600000); /* the first */
    cr_assert_eq(r->pooled, 1);
    cr_assert_eq(r->leaves[0], r->now + 850 * FL_MILLISECOND);
    cr_assert(newest(r)->kind == FL_TX_REPORT && newest(r)->contract == FEED);
    cr_assert_eq(newest(r)->account, reporter->self.account_first);
    cr_assert_eq(newest(r)->arg[0], 194600000);
    cr_assert_eq(newest(r)->arg[1], r->now);
    cr_assert_eq(newest(r)->arg[2], 1);
    cr_assert_eq(r->out->at[0].record, FL_RECORD_REPORT);
    cr_assert_eq(r->out->at[1].record, FL_RECORD_TX);

    /* 0.5 % of 194.6 is 0.973 */
    quote(r, reporter, 11, 194600000 + 972999);
    quote(r, reporter, 12, 194600000 - 972999);
    cr_assert_eq(r->pooled, 1);
    quote(r, reporter, 13, 194600000 + 973000);
    cr_assert_eq(r->pooled, 2);
    quote(r, reporter, 12, 150000000); /* overtaken on its way */
    quote(r, reporter, 13, 150000000);
    quote(r, reporter, 14, -150000000);
    quote(r, reporter, 14, INT64_MAX);
    cr_assert_eq(r->pooled, 2);
    quote(r, reporter, 14, 195573000 - 977865); /* exactly 0.5 % down */
    cr_assert_eq(r->pooled, 3);
    cr_assert_eq(newest(r)->nonce, 3);

    const fl_time silent_since = r->now;
    r->now = silent_since + 3600 * FL_SECOND;
    quote(r, reporter, 15, 194595135);
    cr_assert_eq(r->pooled, 3);
    r->now++;
    quote(r, reporter, 16, 194595135);
    cr_assert_eq(r->pooled, 4);
    cr_assert_eq(observe(reporter, 0), 4);
    rig_close(r);
}

Test(agents, reporter_reports_anew_when_the_chain_or_it_comes_back)
{
    struct rig *r = rig_open(NULL, 0);
    struct fl_actor *reporter = actor(r, "reporter", 0, FL_ORACLE);
    for (uint64_t i = 0; i <= 60; i++) { /* 200 at second 0, then slowly to 200.6 */
        r->now = (fl_time)i * FL_SECOND;
        quote(r, reporter, i, 200 * USD + (int64_t)i * 10000);
    }
    cr_assert_eq(r->pooled, 1);

    /* A block without the report, two seconds and a bit after it was sent. */
    r->pooled = 0;
    r->now = 2 * FL_SECOND;
    block(r);
    r->now = 60 * FL_SECOND;
    struct fl_event in = event(r, FL_MSG);
    in.msg.kind = FL_NEW_HEAD;
    in.msg.from = reporter->self.replica;
    in.msg.value[0] = 2 * FL_SECOND;
    step(r, reporter, &in);
    cr_assert_eq(r->pooled, 0, "2000 ms are not more than 2000 ms");
    in.msg.value[0]++;
    struct fl_event forged = in;
    forged.msg.from = reporter->self.endpoint;
    step(r, reporter, &forged);
    cr_assert_eq(r->pooled, 0, "not its replica");
    step(r, reporter, &in);
    cr_assert_eq(r->pooled, 1);
    cr_assert(newest(r)->nonce == 2 && newest(r)->arg[2] == 2 && newest(r)->arg[0] == 200600000);
    block(r); /* takes it */
    r->now += 10 * FL_SECOND;
    head(r, reporter);
    cr_assert_eq(r->pooled, 0);

    quote(r, reporter, 61, 200600000);
    tell(r, reporter, FL_RECOVER); /* it saw all quotes */
    cr_assert_eq(r->pooled, 1);
    cr_assert_eq(newest(r)->arg[2], 3);
    r->now += 3600 * FL_SECOND;
    tell(r, reporter, FL_RECOVER); /* a crash: what it has seen is old */
    cr_assert_eq(r->pooled, 1);
    quote(r, reporter, 62, 200600001);
    cr_assert_eq(r->pooled, 2);
    cr_assert_eq(newest(r)->arg[0], 200600001);
    quote(r, reporter, 63, 200600002);
    cr_assert_eq(r->pooled, 2);
    rig_close(r);
}

/* With deviation 0 each quote is reported: the observation's error and lag are visible. */
Test(agents, reporter_draws_its_noise_and_lag)
{
    enum { QUOTES = 4000 };
    const char *const overrides[] = {
        "nodes.reporter.oracle.deviation=0", "nodes.reporter.oracle.noise=0.0007",
        "nodes.reporter.oracle.lag_ms={\"law\": \"lognormal\", \"median\": 800, \"sigma\": 0.5}"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *one = actor(r, "reporter", 0, FL_ORACLE);
    struct fl_actor *two = actor(r, "reporter", 1, FL_ORACLE);
    static double error[QUOTES], other[QUOTES], lag[QUOTES];
    for (uint64_t i = 0; i < QUOTES; i++) {
        r->pooled = 0;
        r->now += FL_SECOND;
        quote(r, one, i, 1000000 * USD);
        quote(r, two, i, 1000000 * USD);
        cr_assert_eq(r->pooled, 2);
        error[i] = ((double)r->pool[0].arg[0] - 1e12) / 1e12;
        lag[i] = (double)(r->leaves[0] - r->now);
        other[i] = (double)r->pool[1].arg[0];
    }
    const double noise = 0.0007;
    assert_independent(error, other, QUOTES);
    assert_independent(error, lag, QUOTES);
    assert_law(error, QUOTES, -1, 1, normal, (double[]){0, noise});
    assert_law(lag, QUOTES, 0, INFINITY, lognormal, (double[]){log(800e6), 0.5});
    rig_close(r);
}

/* ------------------------------------------------------------------------------------------------
 * The crowd
 * --------------------------------------------------------------------------------------------- */

/* 4000 traders open on a market that stands still. Fills need only be possible; what each asked for
 * is in its transactions. */
Test(agents, population_follows_its_laws)
{
    enum { TRADERS = 4000, FROM = 20, TO = 1020 };
    const char *const overrides[] = {"nodes.trader.accounts=4000",
                                     "nodes.trader.agent.long_share=0.7",
                                     "nodes.trader.agent.open_from_s=20",
                                     "nodes.trader.agent.open_to_s=1020",
                                     "nodes.liquidity.agent.depth=100000000",
                                     "nodes.market.market.depth=100000000",
                                     "contracts.exchange.trading_fee=0"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *crowd = actor(r, "trader", 0, FL_AGENT);
    static double collateral[TRADERS], leverage[TRADERS], opening[TRADERS], side[TRADERS];
    uint32_t longs = 0, trades = 0;
    start(r);
    for (int s = 0; s < TO + 20; s++) {
        const uint32_t before = r->pooled;
        run(r, 1);
        for (uint32_t i = r->now / FL_SECOND % 2 ? before : 0; i < r->pooled; i++) {
            const struct fl_tx *tx = &r->pool[i];
            const uint32_t trader = tx->account - crowd->self.account_first;
            if (tx->contract != EXCHANGE || trader >= TRADERS) continue;
            if (tx->kind == FL_TX_DEPOSIT) {
                collateral[trader] = (double)tx->arg[0];
                opening[trader] = (double)r->now / 1e9;
                continue;
            }
            cr_assert_eq(tx->kind, FL_TX_TRADE);
            cr_assert_eq(tx->arg[1], tx->arg[0] > 0 ? 204 * USD : 196 * USD);
            leverage[trader] = (double)llabs(tx->arg[0]) * 200 / collateral[trader];
            side[trader] = tx->arg[0] > 0;
            longs += tx->arg[0] > 0;
            trades++;
        }
    }
    cr_assert_eq(trades, TRADERS);
    cr_assert_eq(r->accepted[FL_TX_TRADE], TRADERS);
    cr_assert_eq(observe(crowd, 0), TRADERS);
    cr_assert_eq(observe(crowd, 1), TRADERS);
    cr_assert_float_eq(longs, 0.7 * TRADERS, NORMAL_BOUND * sqrt(0.21 * TRADERS));
    const double *const drawn[] = {collateral, leverage, opening, side};
    for (size_t i = 0; i < LENGTH(drawn); i++)
        for (size_t j = 0; j < i; j++) assert_independent(drawn[i], drawn[j], TRADERS);
    assert_law(collateral, TRADERS, 0, INFINITY, lognormal, (double[]){log(2000e6), 1});
    assert_law(leverage, TRADERS, 1.001, 17.999, lognormal, (double[]){log(5), 0.6});
    /* They wait for the next block, two seconds at most: uniform to 1/1000. */
    assert_law(opening, TRADERS, 0, INFINITY, uniform, (double[]){FROM + 1, TO + 1});
    cr_assert_eq(r->invalid, 0);
    rig_close(r);
}

/* Nothing is taken: the same transaction again and again, each time under another copy number. A
 * refusal: a new one. */
Test(agents, population_insists)
{
    const char *const overrides[] = {"nodes.trader.accounts=1", "nodes.trader.agent.open_to_s=0",
                                     "nodes.trader.agent.collateral_usd=2385.25",
                                     "nodes.trader.agent.leverage=4.5",
                                     "nodes.trader.agent.long_share=0"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *trader = actor(r, "trader", 0, FL_AGENT);
    struct fl_tx first = {0};
    for (int i = 0; i < 10; i++) {
        r->now += FL_SECOND;
        r->pooled = 0;
        block(r);
        head(r, trader);
        cr_assert_eq(r->pooled, i % 3 == 0);
        if (i == 0) first = *newest(r);
        if (i % 3 != 0) continue;
        cr_assert_eq(memcmp(newest(r), &first, sizeof first), 0);
        cr_assert_eq(r->copy[0], i / 3);
    }
    cr_assert(first.kind == FL_TX_DEPOSIT && first.nonce == 1 && first.arg[0] == 2385250000);
    block(r);
    head(r, trader);
    cr_assert_eq(r->pooled, 0, "no price, no trade");
    for (uint32_t i = 0; i < 2; i++) quote(r, actor(r, "reporter", i, FL_ORACLE), 0, 200 * USD);
    block(r);
    head(r, trader);
    const int64_t size = -53668125; /* 2385.25 * 4.5 / 200 */
    cr_assert(newest(r)->kind == FL_TX_TRADE && newest(r)->nonce == 2);
    cr_assert_eq(newest(r)->arg[0], size);
    for (int i = 1; i <= 9; i++) { /* nobody quotes: refused */
        block(r);
        head(r, trader);
        cr_assert_eq(r->pooled, i % 3 == 0);
        if (i % 3 == 0) cr_assert_eq(newest(r)->nonce, (uint64_t)(2 + i / 3));
    }
    cr_assert_eq(r->refused[FL_TX_TRADE], 3);
    cr_assert_eq(r->invalid, 0);
    cr_assert_eq(observe(trader, 0), 0);
    rig_close(r);
}

/* More than a head allows: the rest comes at the next ones, each once. */
Test(agents, population_rests)
{
    const char *const overrides[] = {"nodes.trader.accounts=1300",
                                     "nodes.trader.agent.open_to_s=0"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *crowd = actor(r, "trader", 0, FL_AGENT);
    static const uint32_t expected[] = {512, 512, 276, 0};
    for (size_t i = 0; i < LENGTH(expected); i++) {
        block(r);
        head(r, crowd);
        cr_assert_eq(r->pooled, expected[i]);
        if (i > 0) cr_assert_eq(r->accepted[FL_TX_DEPOSIT], 512 * i > 1300 ? 1300 : 512 * i);
    }
    rig_close(r);
}

/* Half of them watch. The oracle stands at 200 while the market falls: whoever is below its
 * maintenance margin at M takes what the initial margin at 200 leaves free, and the ledger lets it. */
Test(agents, population_withdraws_from_a_stale_oracle)
{
    const char *const overrides[] = {
        "nodes.trader.accounts=400",
        "nodes.trader.agent.open_to_s=0",
        "nodes.trader.agent.long_share=0.6",
        "nodes.trader.agent.watchful=0.5",
        "nodes.trader.agent.leverage={\"law\": \"uniform\", \"min\": 2, \"max\": 18}",
        "nodes.liquidity.agent.depth=100000000",
        "nodes.market.market.depth=100000000",
        "contracts.exchange.trading_fee=0"};
    enum { TRADERS = 400 };
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *crowd = actor(r, "trader", 0, FL_AGENT);
    start(r);
    run(r, 20);
    cr_assert_eq(observe(crowd, 1), TRADERS);
    quote(r, crowd, 1000, 196 * USD); /* 2 % are not enough for anybody */
    head(r, crowd);
    cr_assert_eq(observe(crowd, 2), 0);

    static struct fl_account before[TRADERS];
    static int64_t held[TRADERS];
    const int64_t market = 191 * USD;
    uint32_t losers = 0;
    for (uint32_t i = 0; i < TRADERS; i++) {
        before[i] = account(r, crowd->self.account_first + i);
        held[i] = size_of(r, crowd->self.account_first + i);
        const double size = (double)held[i], money = (double)before[i].quote;
        losers += size > 0 && money + size * 191 < 0.03 * size * 191;
    }
    r->pooled = 0;
    quote(r, crowd, 1001, market);
    head(r, crowd);
    const uint32_t sent = r->pooled;
    cr_assert_eq(observe(crowd, 2), sent);
    cr_assert_float_eq(sent, 0.5 * losers, NORMAL_BOUND * sqrt(0.25 * losers));
    for (uint32_t i = 0; i < sent; i++) {
        const struct fl_tx *tx = &r->pool[i];
        const uint32_t trader = tx->account - crowd->self.account_first;
        const struct fl_account *row = &before[trader];
        const double size = (double)held[trader];
        cr_assert(tx->kind == FL_TX_WITHDRAW && size > 0);
        cr_assert((double)row->quote + size * 191 < 0.03 * size * 191);
        cr_assert_float_eq((double)tx->arg[0], (double)row->quote + size * 200 * 0.95, 4);
    }
    block(r);
    cr_assert_eq(r->accepted[FL_TX_WITHDRAW], sent);
    for (int i = 0; i < 10; i++) { /* nothing more to take */
        head(r, crowd);
        cr_assert_eq(r->pooled, 0);
    }
    cr_assert_eq(observe(crowd, 1), TRADERS);
    rig_close(r);
}

/* ------------------------------------------------------------------------------------------------
 * The liquidity provider
 * --------------------------------------------------------------------------------------------- */

Test(agents, liquidity_quotes_when_it_must)
{
    const char *const overrides[] = {"nodes.liquidity.agent.half_spread=0.0007",
                                     "nodes.liquidity.agent.depth=1234.5"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *maker = actor(r, "liquidity", 0, FL_AGENT);
    tell(r, maker, FL_START);
    cr_assert(newest(r)->kind == FL_TX_DEPOSIT && newest(r)->arg[0] == 100000000 * USD);
    quote(r, maker, 1, 199800000);
    cr_assert_eq(r->pooled, 1, "not before it is funded");
    r->pooled = 0; /* lost */
    for (int i = 1; i <= 3; i++) {
        block(r);
        head(r, maker);
        cr_assert_eq(r->pooled, i == 3);
    }
    cr_assert(newest(r)->nonce == 1 && r->copy[0] == 1);
    block(r);
    head(r, maker); /* in: it quotes at once */
    const struct fl_tx *tx = newest(r);
    cr_assert(tx->kind == FL_TX_QUOTE && tx->nonce == 2);
    cr_assert(tx->arg[0] == 199800000 && tx->arg[1] == 700 && tx->arg[2] == 1234500000);
    block(r);

    /* 0.1 % of the new mid: at 200 just not more. */
    r->now += 3 * FL_SECOND;
    head(r, maker);
    quote(r, maker, 2, 200000000);
    cr_assert_eq(r->pooled, 0);
    quote(r, maker, 3, 200000001);
    cr_assert_eq(r->pooled, 1);
    block(r);
    r->now += 3 * FL_SECOND - 1;
    head(r, maker);
    quote(r, maker, 4, 150 * USD);
    cr_assert_eq(r->pooled, 0, "too soon");
    r->now++;
    quote(r, maker, 5, 150 * USD);
    cr_assert_eq(r->pooled, 1);
    block(r);

    /* Refresh: more than 24 s old, while heads come. */
    for (int i = 1; i <= 25; i++) {
        r->now += FL_SECOND;
        quote(r, maker, 5 + (uint64_t)i, 150 * USD);
        head(r, maker);
        cr_assert_eq(r->pooled, i == 25);
    }
    cr_assert_eq(r->accepted[FL_TX_QUOTE], 3);

    /* The chain stops: 15 more at most, however the market moves; then a fresh one at once. */
    for (uint64_t i = 0; i < 100; i++) {
        r->now += 4 * FL_SECOND;
        quote(r, maker, 100 + i, (151 + (int64_t)i) * USD);
    }
    cr_assert_eq(r->pooled, 16);
    r->pooled = 0;
    block(r);
    head(r, maker);
    cr_assert_eq(r->pooled, 1);
    cr_assert_eq(newest(r)->arg[0], 250 * USD);

    tell(r, maker, FL_RECOVER);
    cr_assert_eq(r->pooled, 2);
    r->now += 3600 * FL_SECOND;
    tell(r, maker, FL_RECOVER); /* saw nothing for an hour */
    cr_assert_eq(r->pooled, 2);
    quote(r, maker, 4000, 251 * USD);
    cr_assert_eq(r->pooled, 3);
    cr_assert_eq(newest(r)->arg[0], 251 * USD);
    rig_close(r);
}

static void fill(struct rig *r, struct fl_actor *maker, const struct fl_msg *order, int64_t size,
                 int64_t price)
{
    struct fl_event in = event(r, FL_MSG);
    in.msg.kind = FL_FILLED;
    in.msg.from = actor(r, "market", 0, FL_MARKET)->self.endpoint;
    in.msg.word[0] = order->word[0];
    in.msg.word[1] = order->word[1];
    in.msg.value[0] = size;
    in.msg.value[1] = price;
    step(r, maker, &in);
}

Test(agents, liquidity_hedges_with_one_order_at_a_time)
{
    const char *const overrides[] = {"nodes.trader.accounts=1",
                                     "nodes.trader.agent.open_to_s=0",
                                     "nodes.trader.agent.collateral_usd=2000.00046",
                                     "nodes.trader.agent.leverage=5",
                                     "nodes.trader.agent.long_share=1",
                                     "nodes.liquidity.agent.hedge_threshold=49.999999"};
    const int64_t size = 50000011; /* 2000.00046 * 5 / 200 */
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *maker = actor(r, "liquidity", 0, FL_AGENT);
    struct fl_actor *trader = actor(r, "trader", 0, FL_AGENT);
    tell(r, maker, FL_START);
    for (uint32_t i = 0; i < 2; i++) quote(r, actor(r, "reporter", i, FL_ORACLE), 0, 200 * USD);
    quote(r, maker, 0, 200 * USD);
    for (int i = 0; i < 20 && r->accepted[FL_TX_TRADE] == 0; i++) {
        head(r, trader);
        head(r, maker);
        cr_assert_eq(r->posted, 0);
        block(r);
    }
    cr_assert_eq(size_of(r, maker->self.account_first), -size);
    head(r, maker);
    cr_assert_eq(r->posted, 1);
    const struct fl_msg order = r->post[0].effect.msg;
    cr_assert(order.kind == FL_ORDER && order.value[0] == size && order.word[1] == 1);
    r->now += 5 * FL_SECOND;
    head(r, maker);
    cr_assert_eq(r->posted, 1, "still in time");
    r->now++;
    head(r, maker);
    cr_assert_eq(r->posted, 2);
    cr_assert(r->post[1].effect.msg.word[1] == 1 && r->post[1].effect.msg.copy == 1);

    fill(r, maker, &order, size - UNIT, 200 * USD); /* not what it ordered */
    fill(r, maker, &order, size, -1);
    cr_assert_eq(observe(maker, 0), 0);
    fill(r, maker, &order, size, 200000001);
    fill(r, maker, &order, size, 200000001); /* the second answer */
    cr_assert_eq(observe(maker, 0), size);
    cr_assert_eq(observe(maker, 1), -10000002251); /* 10000.002250000011, rounded up */
    head(r, maker);
    cr_assert_eq(r->posted, 2);
    rig_close(r);
}

/* ------------------------------------------------------------------------------------------------
 * The keeper
 * --------------------------------------------------------------------------------------------- */

/* 400 longs at leverage 10, the price falls by 12 %: all may be liquidated, in pages of 256, at most
 * 300 a head; each is tried again after two heads, since no block takes the attempts. */
Test(agents, keeper_tries_every_account)
{
    const char *const overrides[] = {"nodes.trader.accounts=400",
                                     "nodes.trader.agent.open_to_s=0",
                                     "nodes.trader.agent.leverage=10",
                                     "nodes.trader.agent.long_share=1",
                                     "nodes.keeper.agent.max_per_block=300",
                                     "nodes.keeper.agent.latency_ms=1",
                                     "nodes.liquidity.agent.depth=100000000",
                                     "nodes.market.market.depth=100000000"};
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *keeper = actor(r, "keeper", 0, FL_AGENT);
    start(r);
    run(r, 20);
    cr_assert_eq(totals(r).open_interest > 0, true);
    cr_assert_eq(observe(keeper, 0), 0);
    for (uint32_t i = 0; i < 3; i++) quote(r, actor(r, "reporter", i, FL_ORACLE), 999, 176 * USD);
    block(r);
    static const uint32_t expected[] = {300, 100, 300, 100};
    for (size_t round = 0; round < LENGTH(expected); round++) {
        r->pooled = 0;
        head(r, keeper);
        cr_assert_eq(r->pooled, expected[round], "%zu", round);
        for (uint32_t i = 0; i < r->pooled; i++) {
            const struct fl_effect *e = &r->out->at[3 * i];
            cr_assert(e[0].kind == FL_BECAUSE && e[0].record == FL_RECORD_PRICE);
            cr_assert(e[0].v[0] == FEED && e[0].v[1] == 2);
            cr_assert(e[1].kind == FL_NOTE && e[1].record == FL_RECORD_TX);
            cr_assert_eq(e[2].delay, FL_MILLISECOND);
            cr_assert(r->pool[i].kind == FL_TX_LIQUIDATE && r->pool[i].contract == EXCHANGE);
        }
    }
    cr_assert_eq(observe(keeper, 0), 800);
    rig_close(r);
}

/* ------------------------------------------------------------------------------------------------
 * All of them
 * --------------------------------------------------------------------------------------------- */

/* A fall of 30 % in five minutes with a rebound: traders open, are liquidated, the provider hedges. */
Test(agents, live_together)
{
    const char *const overrides[] = {
        "nodes.market.source.points_usd=[[0, 200], [200, 201], [500, 140], [700, 170]]",
        "nodes.market.source.volatility=0.0005",
        "nodes.reporter.oracle.noise=0.0002",
        "nodes.reporter.oracle.lag_ms={\"law\": \"lognormal\", \"median\": 800, \"sigma\": 0.5}",
        "nodes.trader.accounts=300",
        "nodes.trader.agent.open_to_s=150",
        "nodes.trader.agent.watchful=0.2"};
    enum { TRADERS = 300 };
    struct rig *r = rig_open(overrides, LENGTH(overrides));
    struct fl_actor *crowd = actor(r, "trader", 0, FL_AGENT);
    struct fl_actor *maker = actor(r, "liquidity", 0, FL_AGENT);
    start(r);
    run(r, 800);
    const struct fl_totals sums = totals(r);
    int64_t holding = 0;
    for (uint32_t i = 0; i < TRADERS; i++)
        holding += size_of(r, crowd->self.account_first + i) != 0;
    cr_assert_eq(observe(crowd, 0), TRADERS);
    cr_assert_eq(observe(crowd, 1), holding);
    cr_assert(sums.liquidations > 20 && holding + sums.liquidations == TRADERS);
    cr_assert(observe(actor(r, "keeper", 0, FL_AGENT), 0) >= sums.liquidations);
    const int64_t open = size_of(r, maker->self.account_first) + observe(maker, 0);
    cr_assert(llabs(open) <= 5 * UNIT, "unhedged %lld", (long long)open);
    cr_assert(observe(actor(r, "market", 0, FL_MARKET), 3) > 10);
    cr_assert_eq(r->invalid, 0);
    cr_assert_eq(r->refused[FL_TX_QUOTE] + r->refused[FL_TX_DEPOSIT], 0);
    rig_close(r);
}

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* A corrupted node may say anything. Unknown kinds leave no trace; known ones with mad contents stop
 * nobody. */
Test(agents, garbage_is_ignored)
{
    const uint64_t seed = 20261122;
    uint64_t random = seed;
    cr_log_info("seed %llu", (unsigned long long)seed);
    struct rig *r = rig_open(NULL, 0);
    start(r);
    run(r, 100);
    static const uint16_t known[] = {FL_NEW_HEAD, FL_QUOTE, FL_ORDER, FL_FILLED, FL_FUNDAMENTAL};
    static const int64_t mad[] = {0, 1, -1, INT64_MAX, INT64_MIN, 200 * USD, 1 << 30};
    for (int i = 0; i < 20000; i++) {
        r->pooled = 0;
        r->posted = 0;
        r->now += (fl_time)(splitmix(&random) % (uint64_t)FL_SECOND);
        const uint32_t e = (uint32_t)(splitmix(&random) % r->config->facts.endpoints);
        const uint32_t f = (uint32_t)(FL_SOURCE + splitmix(&random) % 4);
        struct fl_actor *a = fl_actor_at(r->world, e, f);
        if (!a->model) continue;
        static const enum fl_event_kind kinds[] = {FL_MSG, FL_CALL, FL_EXECUTED, FL_OVERHEARD};
        struct fl_event in = event(r, kinds[splitmix(&random) % LENGTH(kinds)]);
        const bool sense = splitmix(&random) % 2;
        in.msg.kind = sense ? known[splitmix(&random) % LENGTH(known)]
                            : (uint16_t)(100 + splitmix(&random) % 1000);
        in.msg.family = (uint8_t)(splitmix(&random) % FL_LAYERS);
        in.msg.from.i = (uint32_t)(splitmix(&random) % (r->config->facts.endpoints + 1));
        for (int k = 0; k < 3; k++) in.msg.word[k] = splitmix(&random) >> splitmix(&random) % 64;
        for (int k = 0; k < 2; k++) in.msg.value[k] = mad[splitmix(&random) % LENGTH(mad)];
        unsigned char *before = malloc(a->state_bytes);
        memcpy(before, a->state, a->state_bytes);
        step(r, a, &in);
        if (!sense) {
            cr_assert_eq(r->out->count, 0);
            cr_assert_eq(memcmp(before, a->state, a->state_bytes), 0);
        }
        free(before);
    }
    /* The market's quotes carry whatever number F was given; those keys are the garbage's. */
    size_t kept = 0;
    for (size_t i = 0; i < r->key_count; i++)
        if (r->keys[i].kind != FL_QUOTE) r->keys[kept++] = r->keys[i];
    r->key_count = kept;
    rig_close(r);
}

/* Parameters that contradict themselves are named. */
Test(agents, parameters_are_checked)
{
    static const struct {
        const char *override, *complaint;
    } cases[] = {
        {"nodes.market.source.points_usd=[[1, 200]]", "the first of points must be at second 0"},
        {"nodes.market.source.points_usd=[]", "points"},
        {"nodes.market.source.points_usd=[[0, 0]]", "the prices of points must be above 0"},
        {"nodes.market.market.subscribers=[\"trader\", \"trader\"]",
         "subscribers names a group twice"},
        {"nodes.trader.agent.open_from_s=601", "open_to_s must not be below open_from_s"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char text[4096] = {0};
        struct fl_problems problems = {.to = fmemopen(text, sizeof text - 1, "w")};
        cr_assert_null(fl_config_parse(scenario, strlen(scenario), "lab.json", &cases[i].override,
                                       1, NULL, &problems));
        fclose(problems.to);
        cr_assert(strstr(text, cases[i].complaint), "%s", text);
    }
}
