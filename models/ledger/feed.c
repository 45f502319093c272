/* Price feed contract: whitelisted reporters, the newest report of each, an aggregate over the fresh
 * ones, and a price that becomes invalid by age alone.
 *
 * The shape is that of the deployed feeds (mechanisms 1.1 to 1.4): a quorum of reports, each with an
 * age limit, before the price moves (Pyth: fewer than min_pub valid quotes keep the previous price,
 * and the consumer must look at the status); a whitelist (Maker's medianizer); replays and reports
 * from the future refused (Perp v2's feed). The price is computed anew when a report arrives, and at
 * no other time: a report that grows too old leaves the price as it is until then, but not valid.
 *
 * Nothing here is signed beyond the transaction itself, which the ledger has checked. */
#include "models/wire.h"

#include <string.h>

enum { REPORTERS_MAX = 64 };                  /* as many as Pyth has publishers */
#define PRICE_MAX ((int64_t)1000000000000000) /* 10^9 USD */

struct params {
    struct fl_submodel aggregator;
    struct fl_groups reporters;
    int64_t quorum;
    int64_t max_age; /* nanoseconds */
};

enum { FEED, REPORTS, TABLES };
struct feed {
    int64_t price, round;
    int64_t changed_at;
    int64_t reporters; /* rows of REPORTS in use, in the order of their first reports */
};
struct report {
    int64_t account;
    int64_t price;
    int64_t at; /* when it was observed */
    int64_t round;
};

static void tables(const void *params, const struct fl_facts *facts, struct fl_table *out)
{
    (void)params;
    (void)facts;
    out[FEED] = (struct fl_table){"feed", sizeof(struct feed), 1};
    out[REPORTS] = (struct fl_table){"reports", sizeof(struct report), REPORTERS_MAX};
}

static bool whitelisted(const struct fl_rows *rows, uint32_t account)
{
    const struct params *p = fl_contract_params(rows);
    const uint32_t group = fl_account_group(rows, account);
    for (uint32_t i = 0; i < p->reporters.count; i++) {
        if (group == p->reporters.first[i]) {
            return true;
        }
    }
    return false;
}

/* The reporter's row of REPORTS; the first unused one if it has not reported yet. */
static uint32_t row_of(const struct fl_rows *rows, uint32_t account)
{
    const struct feed *feed = fl_row(rows, FEED, 0);
    const uint32_t used = (uint32_t)feed->reporters;
    for (uint32_t i = 0; i < used; i++) {
        const struct report *report = fl_row(rows, REPORTS, i);
        if (report->account == account) {
            return i;
        }
    }
    return used;
}

/* Copies the prices that are fresh at the rows' time to `out`, ascending, and counts them. `out` may
 * be NULL. */
static uint32_t fresh_prices(const struct fl_rows *rows, int64_t *out)
{
    const struct params *p = fl_contract_params(rows);
    const struct feed *feed = fl_row(rows, FEED, 0);
    const fl_time now = fl_rows_time(rows);
    uint32_t count = 0;
    for (uint32_t i = 0; i < (uint32_t)feed->reporters; i++) {
        const struct report *report = fl_row(rows, REPORTS, i);
        if (fl_sub(now, report->at) > p->max_age) {
            continue; /* exactly max_age is still fresh, as with Pyth's 25 slots */
        }
        if (out) { /* insertion sort: at most 64, and mostly in order already */
            uint32_t at = count;
            for (; at > 0 && out[at - 1] > report->price; at--) {
                out[at] = out[at - 1];
            }
            out[at] = report->price;
        }
        count++;
    }
    return count;
}

static void update_price(struct fl_exec *exec, const struct fl_rows *rows, uint16_t contract)
{
    const struct params *p = fl_contract_params(rows);
    int64_t sorted[REPORTERS_MAX];
    const uint32_t count = fresh_prices(rows, sorted);
    if (count < p->quorum) {
        return;
    }
    const struct fl_submodel *by = &p->aggregator;
    const int64_t price = by->model->aggregate(by->params, sorted, count);
    struct feed *feed = fl_row_edit(exec, FEED, 0);
    if (price == feed->price) {
        return;
    }
    int64_t *note = fl_exec_note(exec, FL_RECORD_PRICE, contract, feed->round + 1);
    note[2] = price;
    note[3] = feed->price;
    feed->price = price;
    feed->round++;
    feed->changed_at = fl_rows_time(rows);
}

static enum fl_tx_status refuse(uint32_t *code, enum fl_refusal why)
{
    *code = why;
    return FL_TX_REVERTED;
}

static enum fl_tx_status execute(struct fl_exec *exec, const struct fl_tx *tx, uint32_t *code)
{
    const struct fl_rows *rows = (const struct fl_rows *)exec;
    const int64_t price = tx->arg[0], at = tx->arg[1], round = tx->arg[2];
    if (tx->kind != FL_TX_REPORT || price <= 0 || price > PRICE_MAX || at < 0 ||
        at > fl_rows_time(rows) || round < 0) {
        return refuse(code, FL_REFUSED_ARGUMENT);
    }
    const uint32_t row = row_of(rows, tx->account);
    if (!whitelisted(rows, tx->account) || row == REPORTERS_MAX) {
        return refuse(code, FL_REFUSED_SENDER);
    }
    struct feed *feed = fl_row_edit(exec, FEED, 0);
    struct report *report = fl_row_edit(exec, REPORTS, row);
    if (row == feed->reporters) {
        feed->reporters++;
    } else if (round <= report->round) {
        return refuse(code, FL_REFUSED_ARGUMENT); /* late or repeated: a newer one is here */
    }
    *report = (struct report){tx->account, price, at, round};
    update_price(exec, rows, tx->contract);
    return FL_TX_OK;
}

static bool is_valid(const struct fl_rows *rows)
{
    const struct params *p = fl_contract_params(rows);
    const struct feed *feed = fl_row(rows, FEED, 0);
    return feed->price > 0 && fresh_prices(rows, NULL) >= p->quorum;
}

static enum fl_read_status query(const struct fl_rows *rows, const struct fl_query *query,
                                 void *out, size_t bytes)
{
    if (query->kind != FL_ASK_PRICE || bytes != sizeof(struct fl_price)) {
        return FL_READ_UNKNOWN;
    }
    const struct feed *feed = fl_row(rows, FEED, 0);
    const struct fl_price answer = {.price = feed->price,
                                    .round = feed->round,
                                    .at = feed->changed_at,
                                    .valid = is_valid(rows)};
    memcpy(out, &answer, sizeof answer);
    return FL_READ_OK;
}

static void observe(const struct fl_rows *rows, int64_t *out)
{
    const struct feed *feed = fl_row(rows, FEED, 0);
    *out++ = feed->price;
    *out++ = feed->round;
    *out++ = fresh_prices(rows, NULL);
    *out++ = is_valid(rows);
}

static const struct fl_param keys[] = {
    {.key = "aggregator",
     .type = FL_SUBMODEL,
     .offset = offsetof(struct params, aggregator),
     .fallback = "\"median\"",
     .family = FL_AGGREGATOR,
     .doc = "how the fresh reports become one price"},
    {.key = "reporters",
     .type = FL_GROUP_NAMES,
     .offset = offsetof(struct params, reporters),
     .doc = "groups of nodes whose accounts may report; the first 64 accounts that do are heard"},
    {.key = "quorum",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, quorum),
     .min = 1,
     .max = REPORTERS_MAX,
     .fallback = "3",
     .doc = "fresh reports needed to move the price, and for it to be valid (Pyth: min_pub, 3)"},
    {.key = "max_age_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, max_age),
     .min = 1,
     .max = 1000000 * FL_SECOND,
     .fallback = "3600",
     .doc = "seconds of block time after its observation that a report counts; when fewer than the "
            "quorum are left the price is invalid, by age alone (Chainlink's usual heartbeat)"},
    {0},
};

static const struct fl_observable observables[] = {
    {"oracle.price", "price of the feed contract", FL_USD, FL_FIRST},
    {"oracle.round", "changes of the price so far", FL_COUNT, FL_FIRST},
    {"oracle.reports_fresh", "reporters whose newest report is within its age limit", FL_COUNT,
     FL_MIN},
    {"oracle.valid", "whether quorum and age allow the price's use", FL_BOOL, FL_MIN},
    {0},
};

static const struct fl_contract contract = {
    .table_count = TABLES,
    .tables = tables,
    .execute = execute,
    .query = query,
    .observe = observe,
};

const struct fl_model fl_model_feed = {
    .name = "feed",
    .family = FL_CONTRACT,
    .doc = "Price feed: newest report of each whitelisted reporter, an aggregate over those within "
           "their age limit, moved and valid only with a quorum of them (Pyth aggregation; Maker "
           "medianizer's whitelist; Perp v2's refusal of replayed and future reports).",
    .params = keys,
    .params_bytes = sizeof(struct params),
    .observables = observables,
    .contract = &contract,
};
