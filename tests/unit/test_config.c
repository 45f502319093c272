/* Scenarios to configurations, with a registry of fake models that cover every parameter type. */
#include "sim/alloc.h"
#include "sim/config.h"
#include "sim/describe.h"
#include "sim/json.h"
#include "sim/schema.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------
 * A registry of its own
 * --------------------------------------------------------------------------------------------- */

struct ordered {
    int64_t delay, quorum, strict, leader, followers;
};
static const char *check_ordered(const void *params)
{
    const struct ordered *p = params;
    return p->strict && p->quorum < 3 ? "quorum must be at least 3 if strict is true" : NULL;
}
/* One row is held against the members of the group, one against its faulty_max. */
static const char *fits_ordered(const void *params, const struct fl_group_size *group,
                                const char **key)
{
    const struct ordered *p = params;
    *key = p->leader < group->members ? "followers" : "leader";
    if (p->leader >= group->members) return "leader must be less than the count of its group";
    return p->followers < group->faulty_max ? "followers must not be less than faulty_max" : NULL;
}
static const struct fl_param ordered_rows[] = {
    {.key = "delay_ms",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct ordered, delay),
     .min = 0,
     .max = 60000 * FL_MILLISECOND,
     .fallback = "250"},
    {.key = "quorum",
     .type = FL_INTEGER,
     .offset = offsetof(struct ordered, quorum),
     .min = 1,
     .max = 1000,
     .fallback = "3"},
    {.key = "strict",
     .type = FL_BOOLEAN,
     .offset = offsetof(struct ordered, strict),
     .fallback = "false"},
    {.key = "leader",
     .type = FL_INTEGER,
     .offset = offsetof(struct ordered, leader),
     .min = 0,
     .max = 1000,
     .fallback = "0"},
    {.key = "followers",
     .type = FL_INTEGER,
     .offset = offsetof(struct ordered, followers),
     .min = 0,
     .max = 1000,
     .fallback = "1000"},
    {.key = NULL},
};
static const struct fl_observable ordered_observables[] = {
    {.name = "consensus.height", .unit = FL_COUNT, .combine = FL_MAX},
    {.name = "consensus.view", .unit = FL_COUNT, .combine = FL_MAX},
    {.name = NULL},
};
static const struct fl_model ordered = {.name = "ordered",
                                        .family = FL_CONSENSUS,
                                        .params = ordered_rows,
                                        .params_bytes = sizeof(struct ordered),
                                        .check = check_ordered,
                                        .fits = fits_ordered,
                                        .observables = ordered_observables};

static const struct fl_model pbft = {.name = "pbft", .family = FL_CONSENSUS};

struct replica {
    int64_t block_bytes;
};
static const struct fl_param replica_rows[] = {
    {.key = "block_bytes",
     .type = FL_INTEGER,
     .offset = offsetof(struct replica, block_bytes),
     .min = 1,
     .max = INT64_MAX},
    {.key = NULL},
};
static const struct fl_model replica = {.name = "replica",
                                        .family = FL_CHAIN,
                                        .params = replica_rows,
                                        .params_bytes = sizeof(struct replica)};

struct walk {
    struct fl_law step;
    struct fl_points path;
};
static const struct fl_param walk_rows[] = {
    {.key = "step_usd",
     .type = FL_LAW,
     .digits = 6,
     .offset = offsetof(struct walk, step),
     .min = -INT64_C(1000000000),
     .max = INT64_C(1000000000),
     .fallback = "{\"law\": \"normal\", \"mean\": 0, \"sd\": 1.5}"},
    {.key = "path_usd",
     .type = FL_POINTS,
     .digits = 9,
     .digits_y = 6,
     .offset = offsetof(struct walk, path),
     .min = 1,
     .max = INT64_MAX,
     .fallback = "[]"},
    {.key = NULL},
};
static const struct fl_model walk = {
    .name = "walk", .family = FL_SOURCE, .params = walk_rows, .params_bytes = sizeof(struct walk)};

struct tape {
    struct fl_points path;
};
static const struct fl_param tape_rows[] = {
    {.key = "candles_usd",
     .type = FL_POINTS,
     .digits = 9,
     .digits_y = 6,
     .offset = offsetof(struct tape, path),
     .min = 1,
     .max = INT64_MAX,
     .candles = true},
    {.key = NULL},
};
static const struct fl_model tape = {
    .name = "tape", .family = FL_SOURCE, .params = tape_rows, .params_bytes = sizeof(struct tape)};

struct reporter {
    uint32_t market, feed, trigger, zero;
    struct fl_groups peers;
};
static const struct fl_param reporter_rows[] = {
    {.key = "market", .type = FL_GROUP_NAME, .offset = offsetof(struct reporter, market)},
    {.key = "feed",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct reporter, feed),
     .fallback = "\"feed\""},
    {.key = "trigger",
     .type = FL_OBSERVABLE_NAME,
     .offset = offsetof(struct reporter, trigger),
     .fallback = "null"},
    {.key = "peers",
     .type = FL_GROUP_NAMES,
     .offset = offsetof(struct reporter, peers),
     .fallback = "[]"},
    {.key = NULL},
};
static const struct fl_model reporter = {.name = "reporter",
                                         .family = FL_ORACLE,
                                         .params = reporter_rows,
                                         .params_bytes = sizeof(struct reporter)};

static const struct fl_model trader = {.name = "trader", .family = FL_AGENT};

/* Names of entries: one that must be given, one that need not, one that may be null, and a list. The
 * contract's row comes after those that need it. */
struct mover {
    uint32_t leg, home, hedge, exchange, spare, zero;
    struct fl_places markets;
};
static const struct fl_param mover_rows[] = {
    {.key = "leg",
     .doc = "where it trades",
     .type = FL_ENTRY_NAME,
     .offset = offsetof(struct mover, leg),
     .within = "exchange",
     .list = "markets"},
    {.key = "home",
     .doc = "where it began",
     .type = FL_ENTRY_NAME,
     .offset = offsetof(struct mover, home),
     .fallback = "\"\"",
     .within = "spare",
     .list = "markets"},
    {.key = "hedge",
     .doc = "where it hedges",
     .type = FL_ENTRY_NAME,
     .offset = offsetof(struct mover, hedge),
     .fallback = "null",
     .within = "exchange",
     .list = "markets"},
    {.key = "markets",
     .doc = "where it looks",
     .type = FL_ENTRY_NAMES,
     .offset = offsetof(struct mover, markets),
     .fallback = "[]",
     .within = "exchange",
     .list = "markets"},
    {.key = "exchange",
     .doc = "of leg, hedge and markets",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct mover, exchange)},
    {.key = "spare",
     .doc = "of home",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct mover, spare),
     .fallback = "null"},
    {.key = NULL},
};
static const char *check_mover(const void *params)
{
    const struct mover *p = params;
    return p->leg == p->hedge ? "hedge must not be leg" : NULL;
}
static const struct fl_model mover = {.name = "mover",
                                      .doc = "moves",
                                      .family = FL_AGENT,
                                      .params = mover_rows,
                                      .params_bytes = sizeof(struct mover),
                                      .check = check_mover};

struct feed {
    struct fl_submodel aggregator;
    int64_t stake;
};
static const struct fl_param feed_rows[] = {
    {.key = "aggregator",
     .type = FL_SUBMODEL,
     .family = FL_AGGREGATOR,
     .offset = offsetof(struct feed, aggregator),
     .fallback = "\"median\""},
    {.key = "stake_usd",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct feed, stake),
     .min = INT64_MIN,
     .max = INT64_MAX,
     .fallback = "0"},
    {.key = NULL},
};
static const struct fl_observable feed_observables[] = {
    {.name = "oracle.price", .unit = FL_USD, .combine = FL_FIRST},
    {.name = NULL},
};
static const struct fl_model feed = {.name = "feed",
                                     .family = FL_CONTRACT,
                                     .params = feed_rows,
                                     .params_bytes = sizeof(struct feed),
                                     .observables = feed_observables};

/* Rows within rows, with a default at each level. */
struct tier {
    int64_t size;
    struct fl_submodel aggregator;
};
static const struct fl_param tier_rows[] = {
    {.key = "size",
     .doc = "up to what",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct tier, size),
     .min = 1,
     .max = INT64_MAX},
    {.key = "aggregator",
     .doc = "of it",
     .type = FL_SUBMODEL,
     .family = FL_AGGREGATOR,
     .offset = offsetof(struct tier, aggregator),
     .fallback = "\"median\""},
    {.key = NULL},
};
struct listed {
    int64_t initial, maintenance;
    struct fl_law fee;
    struct fl_list tiers;
    uint32_t oracle, watched, group, zero;
};
static const struct fl_param listed_rows[] = {
    {.key = "oracle",
     .doc = "where its price is from",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct listed, oracle)},
    {.key = "initial_margin",
     .doc = "to open",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct listed, initial),
     .min = 1,
     .max = 1000000,
     .fallback = "0.05"},
    {.key = "maintenance_margin",
     .doc = "to stay",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct listed, maintenance),
     .min = 1,
     .max = 1000000,
     .fallback = "0.03"},
    {.key = "fee_ms",
     .doc = "in milliseconds",
     .type = FL_LAW,
     .digits = 6,
     .offset = offsetof(struct listed, fee),
     .min = 0,
     .max = FL_SECOND,
     .fallback = "2.385"},
    {.key = "tiers",
     .doc = "by size",
     .type = FL_ROWS,
     .offset = offsetof(struct listed, tiers),
     .of = tier_rows,
     .of_bytes = sizeof(struct tier),
     .min = 0,
     .max = 2,
     .fallback = "{\"small\": {\"size\": 7}}"},
    {.key = "watches",
     .doc = "looked at",
     .type = FL_OBSERVABLE_NAME,
     .offset = offsetof(struct listed, watched),
     .fallback = "null"},
    {.key = "venue",
     .doc = "where it trades",
     .type = FL_GROUP_NAME,
     .offset = offsetof(struct listed, group),
     .fallback = "null"},
    {.key = NULL},
};
static const char *check_listed(const void *params)
{
    const struct listed *p = params;
    return p->initial < p->maintenance ? "initial_margin must not be below maintenance_margin"
                                       : NULL;
}
struct exchange {
    struct fl_list markets;
    int64_t fund;
};
static const struct fl_param exchange_rows[] = {
    {.key = "markets",
     .doc = "what is traded",
     .type = FL_ROWS,
     .offset = offsetof(struct exchange, markets),
     .of = listed_rows,
     .of_bytes = sizeof(struct listed),
     .of_check = check_listed,
     .min = 1,
     .max = 3},
    {.key = "fund",
     .doc = "in dollars",
     .type = FL_INTEGER,
     .offset = offsetof(struct exchange, fund),
     .min = 0,
     .max = INT64_MAX,
     .fallback = "0"},
    {.key = NULL},
};
/* It asks more of the fund than each market says by itself. */
static const char *check_exchange(const void *params)
{
    const struct exchange *p = params;
    return p->fund < p->markets.count ? "fund must be at least the number of markets" : NULL;
}
static const struct fl_model exchange = {.name = "exchange",
                                         .doc = "several markets",
                                         .family = FL_CONTRACT,
                                         .params = exchange_rows,
                                         .params_bytes = sizeof(struct exchange),
                                         .check = check_exchange};

static const struct fl_model median = {.name = "median", .family = FL_AGGREGATOR};
struct trimmed {
    int64_t share;
};
static const struct fl_param trimmed_rows[] = {
    {.key = "share",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct trimmed, share),
     .min = 0,
     .max = 499999},
    {.key = NULL},
};
static const struct fl_model trimmed = {.name = "trimmed",
                                        .family = FL_AGGREGATOR,
                                        .params = trimmed_rows,
                                        .params_bytes = sizeof(struct trimmed)};

struct stuck {
    int64_t price;
};
static const struct fl_param stuck_rows[] = {
    {.key = "price_usd",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct stuck, price),
     .min = 0,
     .max = INT64_MAX,
     .fallback = "100"},
    {.key = NULL},
};
static const struct fl_fault_model nothing_new = {.quiet = true};
static const struct fl_model stuck = {.name = "stuck",
                                      .family = FL_FAULT,
                                      .fault = &nothing_new,
                                      .params = stuck_rows,
                                      .params_bytes = sizeof(struct stuck)};

struct bounded {
    uint32_t watched, zero;
    int64_t most;
    struct fl_observables also;
};
static const struct fl_param bounded_rows[] = {
    {.key = "of", .type = FL_OBSERVABLE_NAME, .offset = offsetof(struct bounded, watched)},
    {.key = "most",
     .type = FL_INTEGER,
     .offset = offsetof(struct bounded, most),
     .min = INT64_MIN,
     .max = INT64_MAX,
     .fallback = "0"},
    {.key = "also",
     .type = FL_OBSERVABLE_NAMES,
     .offset = offsetof(struct bounded, also),
     .fallback = "[\"check.worst\"]"},
    {.key = NULL},
};
static const struct fl_observable bounded_observables[] = {
    {.name = "check.worst", .unit = FL_COUNT, .combine = FL_MAX},
    {.name = NULL},
};
static const struct fl_model bounded = {.name = "bounded",
                                        .family = FL_CHECK,
                                        .params = bounded_rows,
                                        .params_bytes = sizeof(struct bounded),
                                        .observables = bounded_observables};

const struct fl_model *const fl_models[] = {
    &ordered, &pbft,     &replica, &walk,    &tape,  &reporter, &trader, &mover,
    &feed,    &exchange, &median,  &trimmed, &stuck, &bounded,  NULL,
};

/* ------------------------------------------------------------------------------------------------
 * Helpers
 * --------------------------------------------------------------------------------------------- */

/* A reading and what was said about it. */
struct outcome {
    struct fl_config *config;
    char *said;
    size_t said_bytes;
    struct fl_problems problems;
};

static struct outcome read_with(const char *text, const char *const *overrides, size_t count,
                                const uint64_t *seed)
{
    struct outcome o = {0};
    o.problems.to = open_memstream(&o.said, &o.said_bytes);
    o.config = fl_config_parse(text, strlen(text), "x.json", overrides, count, seed, &o.problems);
    fclose(o.problems.to);
    cr_expect_eq(o.config == NULL, o.problems.count > 0, "%s", o.said);
    return o;
}

static struct outcome read_text(const char *text)
{
    return read_with(text, NULL, 0, NULL);
}

static void forget(struct outcome *o)
{
    fl_config_free(o->config);
    free(o->said);
}

/* The mistake that is expected first, without its excerpt. */
static void expect_said(struct outcome *o, const char *first_line)
{
    cr_expect_null(o->config);
    o->said[strcspn(o->said, "\n")] = '\0';
    cr_expect_str_eq(o->said, first_line, "\n  said     %s\n  expected %s", o->said, first_line);
}

/* What is in force must mean the same when it is read again. */
static void expect_stable(const struct fl_config *config)
{
    struct outcome again = read_text(config->resolved);
    cr_assert(again.config, "resolved text was refused:\n%s%s", again.said, config->resolved);
    cr_expect_str_eq(again.config->resolved, config->resolved);
    cr_expect_eq(again.config->end, config->end);
    cr_expect_eq(again.config->seed, config->seed);
    cr_expect_eq(again.config->facts.endpoints, config->facts.endpoints);
    cr_expect_eq(again.config->facts.accounts, config->facts.accounts);
    cr_expect_eq(again.config->fault_count, config->fault_count);
    forget(&again);
}

static const char minimal[] =
    "{\"name\": \"m\", \"duration_s\": 60, \"nodes\": {\"v\": {\"consensus\": \"ordered\"}}}";

/* Every section, every parameter type. */
static const char full[] =
    "{\n"
    "  \"$schema\": \"faultline.schema.json\",\n"
    "  \"$comment\": [1, {\"anything\": 1e999}],\n"
    "  \"name\": \"full-1.0_a\", \"why\": \"h\\u00e9t\\u00e9rog\\u00e8ne \\\"x\\\"\\n\\u0001\",\n"
    "  \"seed\": \"0xFFFFFFFFFFFFFFFF\", \"duration_s\": \"86400.000000001\", \"ties\": "
    "\"random\",\n"
    "  \"network\": {\"delay_ms\": {\"law\": \"lognormal\", \"median\": 50, \"sigma\": 0.25},\n"
    "    \"links\": [{\"from\": \"val\", \"to\": \"mkt\", \"delay_ms\": 1.5e1},\n"
    "              {\"$comment\": \"wins\", \"from\": \"val\", \"to\": \"mkt\", \"delay_ms\":\n"
    "               {\"law\": \"uniform\", \"min\": 1, \"max\": 2.5, \"at_most\": 2}}],\n"
    "    \"sign_us\": 12.5, \"verify_us\": 40},\n"
    "  \"nodes\": {\n"
    "    \"$comment\": \"order matters\",\n"
    "    \"val\": {\"count\": 4, \"faulty_max\": 1, \"power\": [1, 2, 3, \"1e3\"],\n"
    "      \"chain\": {\"model\": \"replica\", \"block_bytes\": \"9007199254740993\"},\n"
    "      \"consensus\": {\"model\": \"ordered\", \"delay_ms\": 0.000001, \"strict\": true}},\n"
    "    \"mkt\": {\"source\": {\"model\": \"walk\", \"step_usd\": {\"law\": \"pareto\", \"min\": "
    "0.5,\n"
    "        \"alpha\": 1.5, \"at_most\": 10}, \"path_usd\": [[0, 2385.25], [3600, \"2200\"]]}},\n"
    "    \"rep\": {\"count\": 3, \"clients_of\": \"val\", \"oracle\": {\"model\": \"reporter\",\n"
    "      \"market\": \"mkt\", \"peers\": [\"rep\", \"val\"], \"trigger\": \"oracle.price\"}},\n"
    "    \"pop\": {\"count\": 2, \"accounts\": 500, \"clients_of\": \"val\", \"agent\": "
    "\"trader\",\n"
    "      \"consensus\": \"pbft\"}},\n"
    "  \"contracts\": {\"spare\": \"feed\", \"feed\": {\"model\": \"feed\", \"stake_usd\": "
    "\"-9223372036854.775808\",\n"
    "      \"aggregator\": {\"model\": \"trimmed\", \"share\": 0.25}}},\n"
    "  \"faults\": {\n"
    "    \"pinned\": {\"model\": \"stuck\", \"group\": \"rep\", \"members\": [2, 0], \"from_s\": "
    "3600,\n"
    "               \"to_s\": 1000000, \"price_usd\": 123.456789},\n"
    "    \"off\": {\"model\": \"stuck\", \"group\": \"rep\", \"count\": 1, \"enabled\": false},\n"
    "    \"drawn\": {\"model\": \"stuck\", \"group\": \"val\", \"count\": 3}},\n"
    "  \"checks\": {\"worst\": {\"model\": \"bounded\", \"of\": \"check.worst\", \"most\": -5, "
    "\"also\": [\"oracle.price\", \"check.worst\"]}},\n"
    "  \"trace\": {\"detail\": \"messages\", \"sample_s\": 0.5},\n"
    "  \"expect\": [{\"path\": \"ledger.bad_debt\", \"op\": \"<\", \"value\": \"250000.00\"},\n"
    "             {\"path\": \"checks.worst\", \"op\": \"==\", \"value\": \"holds\"},\n"
    "             {\"path\": \"n\", \"op\": \">=\", \"value\": -3.50},\n"
    "             {\"path\": \"b\", \"op\": \"!=\", \"value\": true}]\n"
    "}\n";

/* ------------------------------------------------------------------------------------------------
 * Values
 * --------------------------------------------------------------------------------------------- */

Test(config, minimal_has_every_default)
{
    struct outcome o = read_text(minimal);
    cr_assert(o.config, "%s", o.said);
    const struct fl_config *c = o.config;
    cr_expect_str_eq(c->name, "m");
    cr_expect_str_eq(c->why, "");
    cr_expect_str_eq(c->overrides, "");
    cr_expect_str_eq(c->raw, minimal);
    cr_expect_eq(c->seed, 1);
    cr_expect_eq(c->end, 60 * FL_SECOND);
    cr_expect_not(c->random_ties);
    cr_expect_eq(c->detail, FL_DETAIL_EVENTS);
    cr_expect_eq(c->sample, 10 * FL_SECOND);
    cr_expect_eq(c->network.delay[0].kind, FL_CONSTANT);
    cr_expect_eq(c->network.delay[0].a, 50 * FL_MILLISECOND);
    cr_expect_eq(c->network.delay[0].min, 0);
    cr_expect_eq(c->network.sign, 0);
    cr_expect_eq(c->network.verify, 0);
    cr_expect_eq(c->group_count, 1);
    const struct fl_group *v = &c->group[0];
    cr_expect_eq(v->count, 1);
    cr_expect_eq(v->accounts, 0);
    cr_expect_eq(v->replicas, UINT32_MAX);
    cr_expect_eq(v->power[0], 1);
    const struct ordered *p = v->layer[FL_CONSENSUS].params;
    cr_expect_eq(v->layer[FL_CONSENSUS].model, &ordered);
    cr_expect_eq(p->delay, 250 * FL_MILLISECOND);
    cr_expect_eq(p->quorum, 3);
    cr_expect_eq(p->strict, 0);
    cr_expect_null(v->layer[FL_CHAIN].model);
    cr_expect_eq(c->contract_count + c->fault_count + c->check_count + c->expect_count, 0);
    expect_stable(c);
    forget(&o);
}

Test(config, resolved_text_of_the_minimal_scenario)
{
    static const char expected[] = "{\n"
                                   "  \"name\": \"m\",\n"
                                   "  \"why\": \"\",\n"
                                   "  \"seed\": 1,\n"
                                   "  \"duration_s\": 60,\n"
                                   "  \"ties\": \"sequence\",\n"
                                   "  \"network\": {\n"
                                   "    \"delay_ms\": 50,\n"
                                   "    \"links\": [],\n"
                                   "    \"sign_us\": 0,\n"
                                   "    \"verify_us\": 0\n"
                                   "  },\n"
                                   "  \"contracts\": {},\n"
                                   "  \"nodes\": {\n"
                                   "    \"v\": {\n"
                                   "      \"count\": 1,\n"
                                   "      \"accounts\": 0,\n"
                                   "      \"faulty_max\": 0,\n"
                                   "      \"consensus\": {\n"
                                   "        \"model\": \"ordered\",\n"
                                   "        \"delay_ms\": 250,\n"
                                   "        \"quorum\": 3,\n"
                                   "        \"strict\": false,\n"
                                   "        \"leader\": 0,\n"
                                   "        \"followers\": 1000\n"
                                   "      }\n"
                                   "    }\n"
                                   "  },\n"
                                   "  \"faults\": {},\n"
                                   "  \"checks\": {},\n"
                                   "  \"trace\": {\n"
                                   "    \"detail\": \"events\",\n"
                                   "    \"sample_s\": 10\n"
                                   "  },\n"
                                   "  \"expect\": []\n"
                                   "}\n";
    struct outcome o = read_text(minimal);
    cr_assert(o.config);
    cr_expect_str_eq(o.config->resolved, expected);
    forget(&o);
}

static void expect_law(const struct fl_law *law, enum fl_law_kind kind, int64_t a, int64_t b,
                       int64_t min, int64_t max)
{
    cr_expect_eq(law->kind, kind);
    cr_expect_eq(law->a, a, "%" PRId64, law->a);
    cr_expect_eq(law->b, b, "%" PRId64, law->b);
    cr_expect_eq(law->min, min, "%" PRId64, law->min);
    cr_expect_eq(law->max, max, "%" PRId64, law->max);
}

static void expect_full_models(const struct fl_config *c)
{
    const struct ordered *o = c->group[0].layer[FL_CONSENSUS].params;
    cr_expect_eq(o->delay, 1);
    cr_expect_eq(o->strict, 1);
    const struct replica *b = c->group[0].layer[FL_CHAIN].params;
    cr_expect_eq(b->block_bytes, INT64_C(9007199254740993));
    const struct walk *w = c->group[1].layer[FL_SOURCE].params;
    expect_law(&w->step, FL_PARETO, 500000, 1500000, -1000000000, 10000000);
    cr_expect_eq(w->path.count, 2);
    cr_expect_eq(w->path.at[0][1], 2385250000);
    cr_expect_eq(w->path.at[1][0], 3600 * FL_SECOND);
    cr_expect_eq(w->path.at[1][1], 2200000000);
    const struct reporter *r = c->group[2].layer[FL_ORACLE].params;
    cr_expect_eq(r->market, 4);
    cr_expect_eq(r->feed, 1, "by default the contract called feed");
    cr_expect_eq(r->peers.count, 2);
    cr_expect_eq(r->peers.first[0], 5);
    cr_expect_eq(r->peers.first[1], 0);
    cr_expect_eq(r->trigger, fl_config_observable(c, "oracle.price"));
    const struct feed *f = c->contract[1].params;
    cr_expect_eq(f->stake, INT64_MIN);
    cr_expect_eq(f->aggregator.model, &trimmed);
    cr_expect_eq(((const struct trimmed *)f->aggregator.params)->share, 250000);
    const struct feed *spare = c->contract[0].params;
    cr_expect_eq(spare->aggregator.model, &median);
    const struct bounded *worst = c->check[0].params;
    cr_expect_eq(worst->most, -5);
    cr_expect_eq(worst->watched, fl_config_observable(c, "check.worst"));
    cr_assert_eq(worst->also.count, 2);
    cr_expect_eq(worst->also.handle[0], fl_config_observable(c, "oracle.price"));
    cr_expect_eq(worst->also.handle[1], fl_config_observable(c, "check.worst"));
}

static void expect_full_groups(const struct fl_config *c)
{
    static const uint32_t first[] = {0, 4, 5, 8}, accounts[] = {0, 0, 1, 500},
                          account_first[] = {0, 0, 0, 3};
    cr_assert_eq(c->group_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        cr_expect_eq(c->group[i].first, first[i]);
        cr_expect_eq(c->group[i].accounts, accounts[i]);
        cr_expect_eq(c->group[i].account_first, account_first[i]);
        cr_expect_eq(c->group[i].replicas, i < 2 ? UINT32_MAX : 0);
    }
    cr_expect_eq(c->group[0].faulty_max, 1);
    cr_expect_eq(c->group[0].power[2], 3);
    cr_expect_eq(c->group[0].power[3], 1000);
    cr_expect_eq(c->facts.endpoints, 10);
    cr_expect_eq(c->facts.accounts, 1003);
    cr_expect_eq(c->facts.contracts, 2);
}

static void expect_full_faults(const struct fl_config *c)
{
    cr_assert_eq(c->fault_count, 2, "the disabled one is left out");
    const struct fl_fault_spec *pinned = &c->fault[0], *drawn = &c->fault[1];
    cr_expect_str_eq(pinned->name, "pinned");
    cr_expect_eq(pinned->group, 2);
    cr_expect_eq(pinned->count, 2);
    cr_expect(pinned->member[0] == c->group[2].first && pinned->member[1] == c->group[2].first + 2);
    cr_expect_eq(pinned->from, 3600 * FL_SECOND);
    cr_expect_eq(pinned->to, 1000000 * FL_SECOND);
    cr_expect_eq(((const struct stuck *)pinned->params)->price, 123456789);
    cr_expect_str_eq(drawn->name, "drawn");
    cr_expect_eq(drawn->count, 3);
    for (uint32_t i = 1; i < 3; i++) cr_expect_lt(drawn->member[i - 1], drawn->member[i]);
    cr_expect_eq(drawn->from, 0);
    cr_expect_eq(drawn->to, c->end, "by default to the end");
}

static void expect_full_rest(const struct fl_config *c)
{
    cr_expect_str_eq(c->why, "h\xc3\xa9t\xc3\xa9rog\xc3\xa8ne \"x\"\n\x01");
    cr_expect_eq(c->seed, UINT64_MAX);
    cr_expect_eq(c->end, 86400 * FL_SECOND + 1);
    cr_expect(c->random_ties);
    cr_expect_eq(c->network.sign, 12500);
    cr_expect_eq(c->network.verify, 40000);
    const fl_time most = 1000000 * FL_SECOND;
    expect_law(&c->network.delay[0], FL_LOGNORMAL, 50 * FL_MILLISECOND, 250000, 0, most);
    expect_law(&c->network.delay[1], FL_UNIFORM, FL_MILLISECOND, 2500000, 0, 2 * FL_MILLISECOND);
    expect_law(&c->network.delay[4], FL_LOGNORMAL, 50 * FL_MILLISECOND, 250000, 0, most);
    cr_expect_eq(c->detail, FL_DETAIL_MESSAGES);
    cr_expect_eq(c->sample, FL_SECOND / 2);
    static const char *const values[] = {"250000.00", "holds", "-3.5", "true"};
    static const enum fl_op ops[] = {FL_OP_LT, FL_OP_EQ, FL_OP_GE, FL_OP_NE};
    cr_assert_eq(c->expect_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        cr_expect_str_eq(c->expect[i].value, values[i]);
        cr_expect_eq(c->expect[i].op, ops[i]);
    }
    cr_expect_str_eq(c->expect[0].path, "ledger.bad_debt");
}

Test(config, every_section_and_every_type)
{
    struct outcome o = read_text(full);
    cr_assert(o.config, "%s", o.said);
    expect_full_groups(o.config);
    expect_full_models(o.config);
    expect_full_faults(o.config);
    expect_full_rest(o.config);
    expect_stable(o.config);
    forget(&o);
}

/* ------------------------------------------------------------------------------------------------
 * Named objects with rows of their own, and names of them
 * --------------------------------------------------------------------------------------------- */

#define EXCHANGE(MARKETS, AGENT)                                                             \
    "{\"name\": \"m\", \"duration_s\": 60, \"nodes\": {\n"                                   \
    "\"mkt\": {\"source\": \"walk\"},\n"                                                     \
    "\"mov\": {\"agent\": {\"model\": \"mover\", " AGENT "}}},\n"                            \
    "\"contracts\": {\"perp\": {\"model\": \"exchange\", \"fund\": 5, \"markets\": " MARKETS \
    "},\n"                                                                                   \
    "\"feed\": \"feed\"}}"
#define TWO                                                                                        \
    "{\"$comment\": 1, \"eth\": {\"oracle\": \"feed\", \"watches\": \"oracle.price\", \"venue\": " \
    "\"mkt\", \"tiers\": {\"a\": {\"size\": 0.5, \"aggregator\": {\"model\": \"trimmed\", "        \
    "\"share\": 0.125}}, \"b\": {\"size\": 2}}}, "                                                 \
    "\"btc\": {\"oracle\": \"feed\", \"initial_margin\": 0.1, \"fee_ms\": {\"law\": \"uniform\", " \
    "\"min\": 1, \"max\": 3}}}"

static const struct exchange *exchange_of(const struct fl_config *config)
{
    return config->contract[0].params;
}

static const struct mover *mover_of(const struct fl_config *config)
{
    return config->group[1].layer[FL_AGENT].params;
}

Test(config, named_objects_are_read_by_rows_of_their_own)
{
    struct outcome o = read_text(EXCHANGE(TWO, "\"exchange\": \"perp\", \"leg\": \"btc\""));
    cr_assert(o.config, "%s", o.said);
    const struct fl_list *list = &exchange_of(o.config)->markets;
    cr_assert_eq(list->count, 2);
    cr_expect_str_eq(list->name[0], "eth");
    cr_expect_str_eq(list->name[1], "btc");
    const struct listed *market = list->at;
    cr_expect_eq(market[0].oracle, 1);
    cr_expect_eq(market[0].watched, fl_config_observable(o.config, "oracle.price"));
    cr_expect_eq(market[0].group, 0);
    cr_expect_eq(market[0].initial, 50000);
    expect_law(&market[0].fee, FL_CONSTANT, 2385000, 0, 0, FL_SECOND);
    cr_assert_eq(market[0].tiers.count, 2);
    const struct tier *tier = market[0].tiers.at;
    cr_expect_eq(tier[0].size, 500000);
    cr_expect_eq(tier[0].aggregator.model, &trimmed);
    cr_expect_eq(((const struct trimmed *)tier[0].aggregator.params)->share, 125000);
    cr_expect_eq(tier[1].size, 2000000);
    cr_expect_eq(tier[1].aggregator.model, &median);
    cr_expect_eq(market[1].watched, UINT32_MAX);
    cr_expect_eq(market[1].group, UINT32_MAX);
    cr_expect_eq(market[1].initial, 100000);
    expect_law(&market[1].fee, FL_UNIFORM, FL_MILLISECOND, 3 * FL_MILLISECOND, 0, FL_SECOND);
    cr_assert_eq(market[1].tiers.count, 1, "by default one");
    cr_expect_str_eq(market[1].tiers.name[0], "small");
    cr_expect_eq(((const struct tier *)market[1].tiers.at)->size, 7000000);
    expect_stable(o.config);
    forget(&o);
}

Test(config, entries_are_named_before_the_list_is_read)
{
    struct outcome o = read_text(EXCHANGE(
        TWO,
        "\"exchange\": \"perp\", \"leg\": \"eth\", \"markets\": [\"btc\", \"eth\"], \"hedge\": "
        "\"btc\", \"spare\": \"perp\""));
    cr_assert(o.config, "%s", o.said);
    const struct mover *p = mover_of(o.config);
    cr_expect_eq(p->leg, 0);
    cr_expect_eq(p->hedge, 1);
    cr_expect_eq(p->home, 0, "the first, as it is not named");
    cr_assert_eq(p->markets.count, 2);
    cr_expect_eq(p->markets.at[0], 1);
    cr_expect_eq(p->markets.at[1], 0);
    cr_expect_not_null(strstr(o.config->resolved, "\"home\": \"eth\""), "%s", o.config->resolved);
    expect_stable(o.config);
    forget(&o);
}

Test(config, no_contract_has_no_entries)
{
    struct outcome o = read_text(EXCHANGE(TWO, "\"exchange\": \"perp\", \"leg\": \"btc\""));
    cr_assert(o.config, "%s", o.said);
    const struct mover *p = mover_of(o.config);
    cr_expect_eq(p->leg, 1);
    cr_expect_eq(p->home, UINT32_MAX, "spare is null");
    cr_expect_eq(p->hedge, UINT32_MAX);
    cr_expect_eq(p->markets.count, 0);
    forget(&o);
}

Test(config, overrides_reach_into_named_objects)
{
    static const char *const overrides[] = {
        "contracts.perp.markets.eth.initial_margin=0.25",
        "contracts.perp.markets.sol={\"oracle\": \"feed\"}",
        "contracts.perp.markets.btc.tiers={\"big\": {\"size\": 9}}", "nodes.mov.agent.leg=sol"};
    struct outcome o = read_with(EXCHANGE(TWO, "\"exchange\": \"perp\", \"leg\": \"btc\""),
                                 overrides, sizeof overrides / sizeof *overrides, NULL);
    cr_assert(o.config, "%s", o.said);
    const struct fl_list *list = &exchange_of(o.config)->markets;
    const struct listed *market = list->at;
    cr_assert_eq(list->count, 3);
    cr_expect_str_eq(list->name[2], "sol");
    cr_expect_eq(market[0].initial, 250000);
    cr_assert_eq(market[1].tiers.count, 1, "who names one has no default");
    cr_expect_str_eq(market[1].tiers.name[0], "big");
    cr_expect_eq(mover_of(o.config)->leg, 2);
    expect_stable(o.config);
    forget(&o);
}

Test(config, what_is_wrong_with_named_objects)
{
    static const struct {
        const char *text, *said;
    } row[] = {
#define LEG "\"exchange\": \"perp\", \"leg\": \"btc\""
        {EXCHANGE("[]", LEG),
         "x.json:4:67: error: /contracts/perp/markets: expected an object, found a list"},
        {EXCHANGE("{}", LEG),
         "x.json:4:67: error: /contracts/perp/markets: expected 1 to 3 entries, found 0"},
        {EXCHANGE("{\"a\": {\"oracle\": \"feed\"}, \"b\": {\"oracle\": \"feed\"}, "
                  "\"c\": {\"oracle\": \"feed\"}, \"btc\": {\"oracle\": \"feed\"}}",
                  LEG),
         "x.json:4:67: error: /contracts/perp/markets: expected 1 to 3 entries, found 4"},
        {EXCHANGE("{\"btc\": \"feed\"}", LEG),
         "x.json:4:75: error: /contracts/perp/markets/btc: expected an object, found a string"},
        {EXCHANGE("{\"btc\": {}}", LEG),
         "x.json:4:75: error: /contracts/perp/markets/btc: missing required key \"oracle\""},
        {EXCHANGE("{\"btc\": {\"oracle\": \"fed\"}}", LEG),
         "x.json:4:86: error: /contracts/perp/markets/btc/oracle: no contract is called \"fed\" "
         "(did you mean \"feed\"?)"},
        {EXCHANGE("{\"btc\": {\"oracle\": \"feed\", \"initial_margn\": 1}}", LEG),
         "x.json:4:94: error: /contracts/perp/markets/btc/initial_margn: unknown key (did you mean "
         "\"initial_margin\"?)"},
        {EXCHANGE("{\"btc\": {\"oracle\": \"feed\", \"initial_margin\": 0.02}}", LEG),
         "x.json:4:75: error: /contracts/perp/markets/btc: initial_margin must not be below "
         "maintenance_margin"},
        {EXCHANGE("{\"btc\": {\"oracle\": \"feed\", \"watches\": \"oracle.prise\"}}", LEG),
         "x.json:4:105: error: /contracts/perp/markets/btc/watches: no model in use has an "
         "observable \"oracle.prise\" (did you mean \"oracle.price\"?)"},
        {EXCHANGE("{\"btc\": {\"oracle\": \"feed\", \"tiers\": {\"a\": {\"size\": 0}}}}", LEG),
         "x.json:4:118: error: /contracts/perp/markets/btc/tiers/a/size: 0 is out of range (at "
         "least 0.000001)"},
        {EXCHANGE("{\"btc\": {\"oracle\": \"feed\", \"tiers\": {\"a\": {\"size\": 1}, \"b\": "
                  "{\"size\": 1}, \"c\": {\"size\": 1}}}}",
                  LEG),
         "x.json:4:103: error: /contracts/perp/markets/btc/tiers: expected 0 to 2 entries, found "
         "3"},
        {EXCHANGE("{\"btc\": {\"oracle\": \"feed\"}, \"a.b\": {\"oracle\": \"feed\"}}", LEG),
         "x.json:4:95: error: /contracts/perp/markets/a.b: a name is 1 to 47 letters, digits, '-' "
         "and '_'"},
        {EXCHANGE("{\"btc\": {\"oracle\": \"feed\"}, \"btc\": {\"oracle\": \"feed\"}}", LEG),
         "x.json:4:95: error: /contracts/perp/markets/btc: duplicate key"},
        {EXCHANGE(TWO, "\"exchange\": \"perp\", \"leg\": \"bct\""),
         "x.json:3:64: error: /nodes/mov/agent/leg: contract \"perp\" has no \"bct\" in its "
         "markets (did you mean \"btc\"?)"},
        {EXCHANGE(TWO, "\"exchange\": \"perp\", \"leg\": \"\""),
         "x.json:3:64: error: /nodes/mov/agent/leg: contract \"perp\" has no \"\" in its markets"},
        {EXCHANGE(TWO, "\"exchange\": \"perp\", \"leg\": 0"),
         "x.json:3:64: error: /nodes/mov/agent/leg: expected a string, found a number"},
        {EXCHANGE(TWO, "\"exchange\": \"perp\""),
         "x.json:3:18: error: /nodes/mov/agent: missing required key \"leg\""},
        {EXCHANGE(TWO, "\"exchange\": \"feed\", \"leg\": \"btc\""),
         "x.json:3:49: error: /nodes/mov/agent/exchange: contract \"feed\" (feed) has no markets"},
        {EXCHANGE(TWO, "\"exchange\": \"prep\", \"leg\": \"btc\""),
         "x.json:3:49: error: /nodes/mov/agent/exchange: no contract is called \"prep\" (did you "
         "mean \"perp\"?)"},
        {EXCHANGE(TWO, "\"leg\": \"btc\""),
         "x.json:3:18: error: /nodes/mov/agent: missing required key \"exchange\""},
        {EXCHANGE(TWO, LEG ", \"home\": \"eth\""),
         "x.json:3:79: error: /nodes/mov/agent/home: needs \"spare\": the contract whose markets "
         "are meant"},
        {EXCHANGE(TWO, LEG ", \"spare\": \"perp\", \"home\": \"eht\""),
         "x.json:3:96: error: /nodes/mov/agent/home: contract \"perp\" has no \"eht\" in its "
         "markets (did you mean \"eth\"?)"},
        {EXCHANGE(TWO, LEG ", \"hedge\": \"btc\""),
         "x.json:3:18: error: /nodes/mov/agent: hedge must not be leg"},
        {EXCHANGE(TWO, LEG ", \"hedge\": \"ethh\""),
         "x.json:3:80: error: /nodes/mov/agent/hedge: contract \"perp\" has no \"ethh\" in its "
         "markets (did you mean \"eth\"?)"},
        {EXCHANGE(TWO, LEG ", \"markets\": \"eth\""),
         "x.json:3:82: error: /nodes/mov/agent/markets: expected a list of names, found a string"},
        {EXCHANGE(TWO, LEG ", \"markets\": [\"eth\", \"eth\"]"),
         "x.json:3:90: error: /nodes/mov/agent/markets/1: \"eth\" is there twice"},
        {EXCHANGE(TWO, LEG ", \"markets\": [\"eth\", \"et\"]"),
         "x.json:3:90: error: /nodes/mov/agent/markets/1: contract \"perp\" has no \"et\" in its "
         "markets (did you mean \"eth\"?)"},
        {EXCHANGE(TWO, LEG ", \"markets\": [\"eth\", 1]"),
         "x.json:3:90: error: /nodes/mov/agent/markets/1: expected a string, found a number"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct outcome o = read_text(row[i].text);
        cr_expect_eq(o.problems.count, 1, "no mistake follows from another:\n%s", o.said);
        expect_said(&o, row[i].said);
        forget(&o);
    }
}

/* Two feeds: of the price, which is the first one's, each has its own as well. */
Test(config, observables_come_in_order_of_first_use)
{
    static const char *const names[] = {"consensus.height",   "consensus.view",
                                        "oracle.price",       "check.worst",
                                        "spare/oracle.price", "feed/oracle.price"};
    static const uint32_t parts[] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0, 1};
    struct outcome o = read_text(full);
    cr_assert(o.config);
    cr_assert_eq(o.config->observable_count, 6);
    for (uint32_t i = 0; i < 6; i++) {
        cr_expect_str_eq(o.config->observable[i].name, names[i]);
        cr_expect_eq(o.config->observable[i].part, parts[i]);
        cr_expect_eq(fl_config_observable(o.config, names[i]), i);
    }
    cr_expect_eq(fl_config_observable(o.config, "nothing"), UINT32_MAX);
    forget(&o);
}

Test(config, lookups)
{
    cr_expect_eq(fl_model_find(FL_CONSENSUS, "ordered"), &ordered);
    cr_expect_null(fl_model_find(FL_CHAIN, "ordered"));
    cr_expect_null(fl_model_find(FL_CONSENSUS, "Ordered"));
    static const char *const families[] = {
        "consensus", "chain",      "source", "market",       "oracle", "agent", "defence",
        "contract",  "aggregator", "mark",   "deleveraging", "fault",  "check"};
    for (int i = FL_CONSENSUS; i < FL_FAMILIES; i++) {
        cr_expect_str_eq(fl_family_name((enum fl_family)i), families[i - 1]);
    }
}

Test(config, decimals_are_exact)
{
    static const struct {
        const char *text;
        uint32_t digits;
        bool ok;
        int64_t value;
    } row[] = {
        {"0", 0, true, 0},
        {"-0", 6, true, 0},
        {"2.385", 6, true, 2385000},
        {"2.385", 3, true, 2385},
        {"2.385", 2, false, 0},
        {"2.3850000", 3, true, 2385},
        {"0.000001", 6, true, 1},
        {"-0.000001", 6, true, -1},
        {"0.0000010", 6, true, 1},
        {"0.0000001", 6, false, 0},
        {"9223372036854775807", 0, true, INT64_MAX},
        {"-9223372036854775808", 0, true, INT64_MIN},
        {"9223372036854775808", 0, false, 0},
        {"-9223372036854775809", 0, false, 0},
        {"9223372036854.775807", 6, true, INT64_MAX},
        {"9223372036854.775808", 6, false, 0},
        {"99999999999999999999", 0, false, 0},
        {"0000", 0, false, 0},
        {"007", 0, false, 0},
        {"1.", 6, false, 0},
        {".5", 6, false, 0},
        {"+1", 0, false, 0},
        {"1e3", 0, false, 0},
        {"", 0, false, 0},
        {"-", 0, false, 0},
        {" 1", 0, false, 0},
        {"1 ", 0, false, 0},
        {"0x10", 0, false, 0},
        {"1_000", 0, false, 0},
        {"100", 9, true, 100 * FL_SECOND},
        {"1000000000000000000", 18, false, 0},
        {"1.000000000000000001", 18, true, INT64_C(1000000000000000001)},
        {"0.00000000000000000000000000000", 0, true, 0},
        {"500.00", 0, true, 500},
        {"10.10", 1, true, 101},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        int64_t value = -77;
        const bool ok = fl_decimal(row[i].text, strlen(row[i].text), row[i].digits, &value);
        cr_expect_eq(ok, row[i].ok, "%s", row[i].text);
        cr_expect(!ok || value == row[i].value, "%s gave %" PRId64, row[i].text, value);
    }
}

/* The same value in other words. */
Test(config, numbers_may_be_written_in_many_ways)
{
    static const struct {
        const char *text;
        int64_t value;
    } row[] = {
        {"1000", 1000},
        {"1e3", 1000},
        {"1E+3", 1000},
        {"10000e-1", 1000},
        {"\"1000\"", 1000},
        {"\"1e3\"", 1000},
        {"1000.000", 1000},
        {"0.001e6", 1000},
        {"1.000e3", 1000},
        {"9007199254740992", INT64_C(1) << 53},
        {"\"9007199254740993\"", (INT64_C(1) << 53) + 1},
        {"\"9223372036854775807\"", INT64_MAX},
        {"1000e0000", 1000},
        {"1000e-000", 1000},
        {"100000000000000000000000000000e-26", 1000},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "{\"name\": \"m\", \"duration_s\": 60, \"nodes\": {\"v\": {\"chain\": {\"model\": "
                 "\"replica\", \"block_bytes\": %s}}}}",
                 row[i].text);
        struct outcome o = read_text(text);
        cr_assert(o.config, "%s", o.said);
        const struct replica *p = o.config->group[0].layer[FL_CHAIN].params;
        cr_expect_eq(p->block_bytes, row[i].value, "%s gave %" PRId64, row[i].text, p->block_bytes);
        expect_stable(o.config);
        forget(&o);
    }
}

Test(config, seeds)
{
    static const struct {
        const char *text;
        uint64_t seed;
    } row[] = {
        {"0", 0},
        {"71", 71},
        {"9007199254740992", UINT64_C(1) << 53},
        {"\"71\"", 71},
        {"\"18446744073709551615\"", UINT64_MAX},
        {"\"0xffffFFFFffffffff\"", UINT64_MAX},
        {"\"0X1f\"", 31},
        {"\"9007199254740993\"", (UINT64_C(1) << 53) + 1},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char set[64];
        snprintf(set, sizeof set, "seed=%s", row[i].text);
        const char *overrides[] = {set};
        struct outcome o = read_with(minimal, overrides, 1, NULL);
        cr_assert(o.config, "%s", o.said);
        cr_expect_eq(o.config->seed, row[i].seed, "%s", row[i].text);
        expect_stable(o.config);
        forget(&o);
        const uint64_t last = 2385;
        o = read_with(minimal, overrides, 1, &last);
        cr_assert(o.config);
        cr_expect_eq(o.config->seed, 2385, "the argument wins");
        forget(&o);
    }
}

static const char *const laws[] = {
    "50",
    "\"50.5\"",
    "{\"law\": \"constant\", \"value\": 5}",
    "{\"law\": \"constant\", \"value\": 5, \"at_most\": 7}",
    "{\"law\": \"uniform\", \"min\": 1, \"max\": 1}",
    "{\"law\": \"exponential\", \"mean\": 0.000001, \"at_least\": 0.5}",
    "{\"law\": \"normal\", \"mean\": 0, \"sd\": 0}",
    "{\"law\": \"lognormal\", \"median\": 50, \"sigma\": 0, \"$comment\": \"no spread\"}",
    "{\"law\": \"pareto\", \"min\": 2.385, \"alpha\": 1.000001}",
};

Test(config, laws)
{
    for (size_t i = 0; i < sizeof laws / sizeof *laws; i++) {
        char set[160];
        snprintf(set, sizeof set, "network={\"delay_ms\": %s}", laws[i]);
        const char *overrides[] = {set};
        struct outcome o = read_with(minimal, overrides, 1, NULL);
        cr_assert(o.config, "%s", o.said);
        cr_expect_null(fl_law_check(&o.config->network.delay[0]));
        expect_stable(o.config);
        forget(&o);
    }
}

/* ------------------------------------------------------------------------------------------------
 * Messages
 * --------------------------------------------------------------------------------------------- */

Test(config, all_mistakes_in_the_order_of_the_text)
{
    static const char text[] =
        "{\n"
        "  \"faults\": {\"f\": {\"model\": \"stuck\", \"group\": \"w\", \"count\": 1}},\n"
        "\t\"nodes\":\t{\"v\": {\"count\": 0, \"consensus\": {\"model\": \"ordered\",\n"
        "    \"delay_mss\": 250,\n"
        "    \"quorum\": \"many\"}}},\n"
        "  \"checks\": {\"c\": {\"model\": \"bounded\", \"of\": \"consensus.hight\"}},\n"
        "  \"why\": \"\xc3\xa9\xc3\xa9\", \"tis\": 1\n"
        "}\n";
    static const char expected[] =
        "x.json:1:1: error: missing required key \"name\"\n"
        "    1 | {\n"
        "      | ^\n"
        "x.json:1:1: error: missing required key \"duration_s\"\n"
        "    1 | {\n"
        "      | ^\n"
        "x.json:2:47: error: /faults/f/group: no group of nodes is called \"w\"\n"
        "    2 |   \"faults\": {\"f\": {\"model\": \"stuck\", \"group\": \"w\", \"count\": 1}},\n"
        "      |                                               ^~~\n"
        "x.json:3:27: error: /nodes/v/count: 0 is out of range (1 to 1000000)\n"
        "    3 | \t\"nodes\":\t{\"v\": {\"count\": 0, \"consensus\": {\"model\": \"ordered\",\n"
        "      | \t        \t                ^\n"
        "x.json:4:5: error: /nodes/v/consensus/delay_mss: unknown key (did you mean "
        "\"delay_ms\"?)\n"
        "    4 |     \"delay_mss\": 250,\n"
        "      |     ^~~~~~~~~~~\n"
        "x.json:5:15: error: /nodes/v/consensus/quorum: expected a number, found the string "
        "\"many\"\n"
        "    5 |     \"quorum\": \"many\"}}},\n"
        "      |               ^~~~~~\n"
        "x.json:6:46: error: /checks/c/of: no model in use has an observable \"consensus.hight\" "
        "(did you mean \"consensus.height\"?)\n"
        "    6 |   \"checks\": {\"c\": {\"model\": \"bounded\", \"of\": \"consensus.hight\"}},\n"
        "      |                                              ^~~~~~~~~~~~~~~~~\n"
        "x.json:7:16: error: /tis: unknown key (did you mean \"ties\"?)\n"
        "    7 |   \"why\": \"\xc3\xa9\xc3\xa9\", \"tis\": 1\n"
        "      |                ^~~~~\n";
    struct outcome o = read_text(text);
    cr_expect_str_eq(o.said, expected, "\n%s\n%s", o.said, expected);
    cr_expect_eq(o.problems.count, 8);
    forget(&o);
}

/* A long line is cut around the place, and control characters never reach the terminal. */
Test(config, excerpts_of_hostile_lines)
{
    char *text = fl_alloc(5000, 1);
    memset(text, ' ', 4000);
    memcpy(text, "{\"\\u001b\\u0007\": 1,", 19);
    text[50] = '\x1b';
    struct outcome o = read_text(text);
    cr_expect_eq(strchr(o.said, '\x1b'), NULL);
    forget(&o);
    text[50] = ' ';
    strcpy(text + 3000, "\"name\": 7}");
    o = read_text(text);
    cr_expect_null(o.config);
    cr_expect_lt(o.said_bytes, 2500);
    cr_expect_not_null(strstr(o.said,
                              "x.json:1:3009: error: /name: expected a string, found a number\n"
                              "    1 | ..."));
    forget(&o);
    free(text);
}

/* ------------------------------------------------------------------------------------------------
 * --set
 * --------------------------------------------------------------------------------------------- */

Test(config, overrides_that_work)
{
    static const char *const overrides[] = {
        "name=other",
        "duration_s=1e2",
        "nodes.val.consensus=pbft",
        "nodes.val.power[3]=7",
        "faults.off.enabled=true",
        "expect[0].value=3",
        "nodes.val.count=4",
        "why=",
        "network={\"delay_ms\": 5}",
        "faults.drawn.count=1",
        "faults.drawn.count=2",
        "nodes.rep.oracle.peers[1]=rep",
        "faults.pinned.members=[1]",
        "trace.sample_s=\"1\"",
    };
    const size_t count = sizeof overrides / sizeof *overrides;
    struct outcome o = read_with(full, overrides, count, NULL);
    cr_assert(o.config, "%s", o.said);
    const struct fl_config *c = o.config;
    cr_expect_str_eq(c->name, "other");
    cr_expect_str_eq(c->why, "");
    cr_expect_eq(c->end, 100 * FL_SECOND);
    cr_expect_eq(c->group[0].layer[FL_CONSENSUS].model, &pbft);
    cr_expect_eq(c->group[0].power[3], 7);
    cr_expect_eq(c->fault_count, 3);
    cr_expect_eq(c->fault[2].count, 2, "the last one wins");
    cr_expect_eq(c->fault[0].member[0], c->group[2].first + 1);
    cr_expect_str_eq(c->expect[0].value, "3");
    cr_expect_eq(c->network.delay[0].a, 5 * FL_MILLISECOND);
    cr_expect_eq(((const struct reporter *)c->group[2].layer[FL_ORACLE].params)->peers.first[1], 5);
    cr_expect_eq(strncmp(c->overrides, "name=other\nduration_s=1e2\n", 26), 0);
    cr_expect_str_eq(c->raw, full, "what was read, not what is in force");
    expect_stable(c);
    forget(&o);
}

Test(config, overrides_that_do_not)
{
    static const struct {
        const char *argument, *says;
    } row[] = {
        {"duration_s", "expected path=value"},
        {"=3", "/: expected a path such as nodes.validator.power[2]"},
        {"nodes..count=3", "/nodes//count: expected a path such as nodes.validator.power[2]"},
        {"expect[x]=3", "/expect/x: expected a path such as nodes.validator.power[2]"},
        {"expect[0=3", "/expect/0: expected a path such as nodes.validator.power[2]"},
        {"expect[1234567890]=3",
         "/expect/1234567890: expected a path such as nodes.validator.power[2]"},
        {"[0]=3", "//0: expected a path such as nodes.validator.power[2]"},
        {"nodes]=3", "/nodes: expected a path such as nodes.validator.power[2]"},
        {"nodes.vall.count=3",
         "/nodes/vall/count: there is no \"vall\" in an object (did you mean \"val\"?)"},
        {"expect[4].value=3", "/expect/4/value: there is no element [4] in a list"},
        {"expect[4]=3", "/expect/4: there is no element [4] in a list"},
        {"name.first=x", "/name/first: there is no \"first\" in a string"},
        {"nodes[0]=3", "/nodes/0: there is no element [0] in an object"},
        {"extends=x.json", "/extends: this cannot be set"},
        {"nodes.val.count=0", "/nodes/val/count: 0 is out of range (1 to 1000000)"},
        {"nodes.val.count=007", "/nodes/val/count: expected a number, found the string 007"},
        {"nodes.val.cont=4", "/nodes/val/cont: unknown key (did you mean \"count\"?)"},
        {"network={\"sign_us\": 1, \"sign_us\": 2}", "/network/sign_us: duplicate key"},
        {"network={\"delay_ms\": {\"law\": \"normal\"}}",
         "/network/delay_ms: missing required key \"mean\""},
        {"why=\xff", "/why: invalid UTF-8"},
        {"a/b~c=1", "/a~1b~0c: unknown key"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char line[512];
        snprintf(line, sizeof line, "--set %s: error: %s", row[i].argument, row[i].says);
        for (char *c = line; *c; c++) {
            *c = *c == '\xff' ? '?' : *c;
        }
        struct outcome o = read_with(full, &row[i].argument, 1, NULL);
        for (char *c = o.said; *c; c++) {
            *c = *c == '\xff' ? '?' : *c;
        }
        expect_said(&o, line);
        forget(&o);
    }
}

/* ------------------------------------------------------------------------------------------------
 * Files
 * --------------------------------------------------------------------------------------------- */

struct folder {
    char path[64];
};

static struct folder make_folder(void)
{
    struct folder folder = {"/tmp/faultline-config-XXXXXX"};
    cr_assert_not_null(mkdtemp(folder.path));
    return folder;
}

static void put_file(const struct folder *folder, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    FILE *out = fopen(path, "w");
    cr_assert_not_null(out);
    fputs(text, out);
    fclose(out);
}

static struct outcome load_file(const struct folder *folder, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    struct outcome o = {0};
    o.problems.to = open_memstream(&o.said, &o.said_bytes);
    o.config = fl_config_load(path, NULL, 0, NULL, &o.problems);
    fclose(o.problems.to);
    return o;
}

static void remove_folder(const struct folder *folder)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder->path);
    cr_assert_eq(system(command), 0);
}

/* `says` follows the folder's path and a slash. */
static void expect_load_said(const struct folder *folder, const char *name, const char *says)
{
    char line[512];
    snprintf(line, sizeof line, "%s/%s", folder->path, says);
    struct outcome o = load_file(folder, name);
    expect_said(&o, line);
    forget(&o);
}

Test(config, extends_merges_key_by_key)
{
    const struct folder folder = make_folder();
    put_file(&folder, "root.json",
             "{\"duration_s\": 60, \"seed\": 7, \"nodes\": {\"a\": {\"count\": 2, \"consensus\": "
             "{\"model\": \"ordered\", \"quorum\": 9, \"delay_ms\": 1}}, \"b\": {\"agent\": "
             "\"trader\"}},"
             " \"expect\": [{\"path\": \"p\", \"op\": \"<\", \"value\": 1}]}");
    put_file(&folder, "base.json",
             "{\"extends\": \"root.json\", \"seed\": 8, \"nodes\": {\"a\": "
             "{\"consensus\": {\"delay_ms\": 2}}}}");
    put_file(&folder, "top.json",
             "{\"name\": \"t\", \"extends\": \"./base.json\", \"nodes\": {\"c\": "
             "{\"agent\": \"trader\"}, \"a\": {\"count\": 3}}, \"expect\": []}");
    struct outcome o = load_file(&folder, "top.json");
    cr_assert(o.config, "%s", o.said);
    const struct fl_config *c = o.config;
    cr_expect_eq(c->seed, 8);
    cr_assert_eq(c->group_count, 3);
    cr_expect_str_eq(c->group[0].name, "a", "old keys keep their place");
    cr_expect_str_eq(c->group[2].name, "c", "new keys come last");
    cr_expect_eq(c->group[0].count, 3);
    const struct ordered *p = c->group[0].layer[FL_CONSENSUS].params;
    cr_expect_eq(p->quorum, 9);
    cr_expect_eq(p->delay, 2 * FL_MILLISECOND);
    cr_expect_eq(c->expect_count, 0, "lists replace");
    cr_expect_null(strstr(c->resolved, "extends"));
    expect_stable(c);
    forget(&o);
    remove_folder(&folder);
}

Test(config, extends_names_the_file_that_is_wrong)
{
    const struct folder folder = make_folder();
    put_file(&folder, "base.json",
             "{\"duration_s\": 60,\n \"nodes\": {\"a\": {\"count\": 0, \"agent\": \"trader\"}}}");
    put_file(&folder, "top.json", "{\"name\": \"t\", \"extends\": \"base.json\"}");
    expect_load_said(&folder, "top.json",
                     "base.json:2:27: error: /nodes/a/count: 0 is out of range (1 to 1000000)");
    put_file(&folder, "base.json", "{\"duration_s\": 60,\n}");
    expect_load_said(&folder, "top.json", "base.json:1:18: error: no comma is allowed before '}'");
    put_file(&folder, "base.json", "[]");
    expect_load_said(&folder, "top.json", "base.json:1:1: error: expected an object, found a list");
    put_file(&folder, "base.json", "{\"extends\": \"top.json\"}");
    char says[256];
    snprintf(says, sizeof says, "base.json:1:13: error: /extends: %s/top.json extends itself",
             folder.path);
    expect_load_said(&folder, "top.json", says);
    remove_folder(&folder);
}

Test(config, extends_is_bounded)
{
    const struct folder folder = make_folder();
    for (int i = 0; i < 10; i++) {
        char name[32], text[64];
        snprintf(name, sizeof name, "%d.json", i);
        snprintf(text, sizeof text, "{\"name\": \"n%d\", \"extends\": \"%d.json\"}", i, i + 1);
        put_file(&folder, name, text);
    }
    put_file(&folder, "10.json", minimal);
    struct outcome o = load_file(&folder, "2.json");
    cr_assert(o.config, "%s", o.said);
    cr_expect_str_eq(o.config->name, "n2");
    forget(&o);
    expect_load_said(&folder, "1.json",
                     "9.json:1:27: error: /extends: more than 8 files extend one another");
    remove_folder(&folder);
}

Test(config, files_that_cannot_be_read)
{
    const struct folder folder = make_folder();
    struct outcome o = load_file(&folder, "none.json");
    cr_expect_eq(o.problems.count, 0, "not a mistake of the scenario");
    cr_expect_not_null(
        strstr(o.said, "none.json: error: cannot read it: No such file or directory\n"));
    cr_expect_null(o.config);
    forget(&o);
    o = load_file(&folder, ".");
    cr_expect_eq(o.problems.count, 0);
    cr_expect_not_null(strstr(o.said, "Is a directory"));
    forget(&o);
    char *large = fl_alloc((16 << 20) + 2, 1);
    memset(large, ' ', (16 << 20) + 1);
    put_file(&folder, "large.json", large);
    expect_load_said(&folder, "large.json",
                     "large.json:1:1: error: the file is larger than 16 MiB");
    large[16 << 20] = '\0';
    put_file(&folder, "large.json", large);
    expect_load_said(&folder, "large.json", "large.json:1:1: error: the file is empty");
    free(large);
    remove_folder(&folder);
}

/* ------------------------------------------------------------------------------------------------
 * Swarm
 * --------------------------------------------------------------------------------------------- */

/* Whatever is read: a configuration that is stable, or a mistake; never a crash. */
static void check_any(const char *text, size_t bytes)
{
    struct outcome o = {0};
    o.problems.to = open_memstream(&o.said, &o.said_bytes);
    o.config = fl_config_parse(text, bytes, "x.json", NULL, 0, NULL, &o.problems);
    fclose(o.problems.to);
    cr_assert_eq(o.config == NULL, o.problems.count > 0);
    cr_assert_eq(o.said_bytes > 0, o.problems.count > 0);
    if (o.config) {
        expect_stable(o.config);
    }
    forget(&o);
}

Test(config, every_prefix_is_refused)
{
    for (size_t i = 0; i + 2 < sizeof full; i++) {
        struct outcome o = {0};
        o.config = fl_config_parse(full, i, "x.json", NULL, 0, NULL, &o.problems);
        cr_assert_null(o.config);
        cr_assert_eq(o.problems.count, 1, "syntax stops at the first mistake");
    }
}

static void try_mutants(const char *of, uint64_t state)
{
    static const char *const pieces[] = {
        "{",  "}",  "[",    "]",    ",",    ":",         "\"", "\\", "1",    "-",
        "e9", ".5", "null", "true", "\xc3", "\"a\": 1,", "0",  "\n", "\"\"", "99999999999"};
    char *text = fl_alloc(2 * strlen(of), 1);
    for (int round = 0; round < 4000; round++) {
        strcpy(text, of);
        for (int edits = 0; edits < 1 + round % 3; edits++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            const size_t length = strlen(text), at = (size_t)(state >> 33) % length;
            const char *piece = pieces[(state >> 20) % (sizeof pieces / sizeof *pieces)];
            const size_t cut = (size_t)(state >> 12) % 4,
                         gap = cut < length - at ? cut : length - at;
            memmove(text + at + strlen(piece), text + at + gap, length - at - gap + 1);
            memcpy(text + at, piece, strlen(piece));
        }
        check_any(text, strlen(text));
    }
    free(text);
}

Test(config, mutants)
{
    try_mutants(full, 2385); /* the seeds of this test */
    try_mutants(EXCHANGE(TWO, "\"exchange\": \"perp\", \"leg\": \"eth\", \"markets\": "
                              "[\"btc\", \"eth\"], \"spare\": \"perp\""),
                2386);
}

/* ------------------------------------------------------------------------------------------------
 * The corpus: one idea a file
 * --------------------------------------------------------------------------------------------- */

static const char corpus[] = "tests/malformed/";

/* Reads one file of the corpus; its first message must be the line that was expected. */
static void check_malformed(const char *expected)
{
    char path[256], line[640];
    snprintf(path, sizeof path, "%s%.*s", corpus, (int)strcspn(expected, ":"), expected);
    snprintf(line, sizeof line, "%s%s", corpus, expected);
    struct outcome o = {0};
    o.problems.to = open_memstream(&o.said, &o.said_bytes);
    o.config = fl_config_load(path, NULL, 0, NULL, &o.problems);
    fclose(o.problems.to);
    cr_expect_null(o.config, "%s was accepted", path);
    cr_expect_gt(o.problems.count, 0);
    o.said[strcspn(o.said, "\n")] = '\0';
    cr_expect_str_eq(o.said, line, "\n  said     %s\n  expected %s", o.said, line);
    forget(&o);
}

Test(config, malformed_files_say_what_is_wrong)
{
    char line[512], path[256];
    snprintf(path, sizeof path, "%sexpected.txt", corpus);
    FILE *list = fopen(path, "r");
    cr_assert(list, "run me from the root of the tree");
    uint32_t count = 0;
    while (fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = '\0';
        check_malformed(line);
        count++;
    }
    fclose(list);
    cr_expect_geq(count, 60);
}

/* ------------------------------------------------------------------------------------------------
 * What is said of named objects elsewhere
 * --------------------------------------------------------------------------------------------- */

static const cJSON *inside(const cJSON *object, const char *const *keys)
{
    for (; object && *keys; keys++) {
        object = cJSON_IsArray(object) ? cJSON_GetArrayItem(object, atoi(*keys))
                                       : cJSON_GetObjectItemCaseSensitive(object, *keys);
    }
    return object;
}

#define INSIDE(OBJECT, ...) inside(OBJECT, (const char *const[]){__VA_ARGS__, NULL})
#define NAMES "patternProperties", "^[A-Za-z0-9_-]{1,47}$"

/* A validator that is not ours has the last word on a schema, in test_schema.c, with real models. */
Test(config, the_schema_goes_into_named_objects)
{
    char *text = fl_schema_text();
    cJSON *schema = cJSON_Parse(text);
    const cJSON *model = INSIDE(schema, "definitions", "contract.exchange", "properties"),
                *market = INSIDE(model, "markets", NAMES, "properties"),
                *tier = INSIDE(market, "tiers", NAMES, "properties");
    cr_assert_not_null(tier);
    cr_expect(cJSON_IsFalse(INSIDE(model, "markets", "additionalProperties")));
    cr_expect(cJSON_IsFalse(INSIDE(model, "markets", NAMES, "additionalProperties")));
    cr_expect_eq(INSIDE(market, "initial_margin", "maximum")->valuedouble, 1);
    cr_expect_eq(INSIDE(tier, "size", "minimum")->valuedouble, 1e-6);
    cr_expect_not_null(INSIDE(market, "oracle"));
    cr_expect_null(INSIDE(model, "markets", "minProperties"), "a part may have fewer");
    const cJSON *mover_keys = INSIDE(schema, "definitions", "agent.mover", "properties");
    cr_expect_str_eq(INSIDE(mover_keys, "leg", "type")->valuestring, "string");
    cr_expect_str_eq(INSIDE(mover_keys, "hedge", "type", "1")->valuestring, "null");
    cr_expect_str_eq(INSIDE(mover_keys, "markets", "items", "type")->valuestring, "string");
    cJSON_Delete(schema);
    free(text);
}

/* Of a whole contract: "then" of the choice of the model, in the order of the registry. */
Test(config, the_schema_requires_what_an_entry_needs)
{
    char *text = fl_schema_text();
    cJSON *schema = cJSON_Parse(text);
    const cJSON *then =
        INSIDE(schema, "definitions", "contract", "else", "allOf", "1", "then", "allOf");
    cr_expect_str_eq(INSIDE(then, "1", "required", "0")->valuestring, "markets");
    const cJSON *list = INSIDE(then, "2", "properties", "markets");
    cr_assert_not_null(list);
    cr_expect_eq(INSIDE(list, "minProperties")->valuedouble, 1);
    cr_expect_str_eq(INSIDE(list, NAMES, "allOf", "0", "required", "0")->valuestring, "oracle");
    const cJSON *tiers = INSIDE(list, NAMES, "allOf", "1", "properties", "tiers");
    cr_expect_str_eq(INSIDE(tiers, NAMES, "allOf", "0", "required", "0")->valuestring, "size");
    cJSON_Delete(schema);
    free(text);
}

Test(config, a_description_indents_the_keys_of_named_objects)
{
    static const char expected[] = "exchange (contract)\n"
                                   "  several markets\n"
                                   "\n"
                                   "keys\n"
                                   "  markets (objects by name, 1 to 3, required)\n"
                                   "      what is traded\n"
                                   "      oracle (name of a contract, required)\n"
                                   "          where its price is from\n";
    char *said = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&said, &bytes);
    fl_describe(to, &exchange);
    fclose(to);
    said[strlen(expected) < bytes ? strlen(expected) : bytes] = '\0';
    cr_expect_str_eq(said, expected);
    free(said);
    to = open_memstream(&said, &bytes);
    fl_describe(to, &mover);
    fclose(to);
    cr_expect_not_null(strstr(said, "  leg (name in markets of the exchange, required)\n"), "%s",
                       said);
    cr_expect_not_null(strstr(said, "  home (name in markets of the spare, default the first)\n"));
    cr_expect_not_null(
        strstr(said, "  markets (list of names in markets of the exchange, default [])\n"));
    free(said);
}
