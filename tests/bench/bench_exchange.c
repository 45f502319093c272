/* The exchange on the ledger: orders executed a second, memory of an account with one position, and what a
 * price update costs whoever asks for the accounts below maintenance. Transactions are signed, checked and
 * executed as in any run; consensus and network are left out. */
#include "models/ledger/exchange.h"
#include "sim/ledger.h"
#include "tests/lib/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct fl_model fl_model_feed, fl_model_median, fl_model_perpetual,
    fl_model_oracle_price, fl_model_pseudo_random;

#define USD ((int64_t)1000000)
enum { BATCH = 512, BATCHES = 2000, UPDATES = 200, MAKER = 1 }; /* a maker for each market */

struct feed_params { /* laid out as the feed's */
    struct fl_submodel aggregator;
    struct fl_groups reporters;
    int64_t quorum, max_age;
};
struct shop {
    struct fl_config config;
    struct fl_group group[3];
    struct fl_part contract[1 + FL_MARKETS_MAX];
    struct fl_exchange exchange;
    struct fl_exchange_market market[FL_MARKETS_MAX];
    struct feed_params feed[FL_MARKETS_MAX];
    struct fl_keyring keys;
    uint32_t first; /* trader */
    uint64_t *nonce, *secret, name;
    uint32_t *owner;
    struct fl_records *records;
    struct fl_ledger *ledger;
    fl_version head;
    fl_time now;
    uint64_t refused;
    struct {
        struct fl_batch header;
        struct fl_tx tx[BATCH];
    } batch;
};
struct work {
    uint32_t markets, traders, positions;
};

static uint64_t next_random(uint64_t *state) /* SplitMix64 (Steele, Lea, Flood 2014) */
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* --- a ledger of its own ------------------------------------------------------------------------------ */

static void run_batch(struct shop *s)
{
    struct fl_execution done;
    const size_t bytes = sizeof s->batch.header + s->batch.header.tx_count * sizeof s->batch.tx[0];
    if (fl_ledger_execute(s->ledger, s->head, &s->batch, bytes, (struct fl_digest){++s->name, 3},
                          s->now, FL_NO_RECORD, &done) != FL_EXECUTE_OK)
        abort();
    for (uint32_t i = 0; i < done.receipt_count; i++)
        s->refused += done.receipts[i].status != FL_TX_OK;
    s->head = done.version;
    fl_ledger_advance(s->ledger, s->head);
    s->now += FL_SECOND;
    s->batch.header = (struct fl_batch){.height = s->name + 1, .time = s->now};
}

static void add(struct shop *s, uint32_t account, uint16_t contract, uint16_t kind,
                const int64_t arg[4])
{
    struct fl_tx *tx = &s->batch.tx[s->batch.header.tx_count++];
    *tx = (struct fl_tx){.account = account,
                         .contract = contract,
                         .kind = kind,
                         .nonce = ++s->nonce[account],
                         .arg = {arg[0], arg[1], arg[2], arg[3]}};
    tx->tag = fl_keyring_tag(&s->keys, (fl_identity){account}, fl_tx_digest(tx));
    if (s->batch.header.tx_count == BATCH) run_batch(s);
}

static void report(struct shop *s, uint32_t market, int64_t price)
{
    add(s, 0, (uint16_t)(1 + market), FL_TX_REPORT,
        (int64_t[4]){price, s->now, (int64_t)s->name * 64 + market + 1, 0});
}

static void quote(struct shop *s, uint32_t market, int64_t mid)
{
    add(s, MAKER + market, 0, FL_TX_QUOTE, (int64_t[4]){mid, 100, 1000000000000000, market});
}

static struct shop *open_shop(const struct work *work)
{
    static const uint32_t reporters[1] = {0}, makers[1] = {1};
    const uint32_t first = MAKER + work->markets, accounts = first + work->traders;
    struct shop *s = calloc(1, sizeof *s);
    s->first = first;
    s->group[0] = (struct fl_group){.first = 0, .count = 1, .accounts = 1};
    s->group[1] = (struct fl_group){
        .first = 1, .count = 1, .accounts = work->markets, .account_first = MAKER};
    s->group[2] = (struct fl_group){
        .first = 2, .count = 1, .accounts = work->traders, .account_first = first};
    s->exchange =
        (struct fl_exchange){.markets = {.count = work->markets, .at = s->market},
                             .makers = {.count = 1, .first = makers},
                             .mark = {&fl_model_oracle_price, NULL},
                             .deleveraging = {&fl_model_pseudo_random, NULL},
                             .trading_fee_ppm = 500,
                             .quote_max_age = 1000000 * FL_SECOND,
                             .positions_per_account = 5,
                             .liquidation = {15000, 1000000, 1500000, 1000 * USD, 1000000, 0, 0},
                             .account_notional = FL_MONEY_MAX,
                             .account_insurance = FL_MONEY_MAX,
                             .insurance_per_block = FL_MONEY_MAX,
                             .funding_sample = 60 * FL_SECOND,
                             .funding_votes = 1};
    s->contract[0] = (struct fl_part){.model = &fl_model_perpetual, .params = &s->exchange};
    for (uint32_t i = 0; i < work->markets; i++) {
        s->feed[i] = (struct feed_params){
            .aggregator = {&fl_model_median, NULL}, {1, 0, reporters}, 1, INT64_MAX / 2};
        s->market[i] = (struct fl_exchange_market){.oracle = 1 + i,
                                                   .initial_ppm = 50000,
                                                   .maintenance_fraction_ppm = 600000,
                                                   .tick = 1,
                                                   .lot = 1,
                                                   .impact_notional = 10000 * USD};
        s->contract[1 + i] = (struct fl_part){.model = &fl_model_feed, .params = &s->feed[i]};
    }
    s->config = (struct fl_config){
        .group = s->group,
        .group_count = 3,
        .contract = s->contract,
        .contract_count = 1 + work->markets,
        .facts = {.endpoints = 3, .accounts = accounts, .contracts = 1 + work->markets}};
    s->nonce = calloc(accounts, sizeof *s->nonce);
    s->secret = calloc(accounts, sizeof *s->secret);
    s->owner = calloc(accounts, sizeof *s->owner);
    for (uint32_t i = 0; i < accounts; i++) s->owner[i] = i;
    s->keys = (struct fl_keyring){.secret = s->secret,
                                  .identity_count = accounts,
                                  .account_owner = s->owner,
                                  .account_count = accounts};
    s->records = fl_records_new();
    s->ledger = fl_ledger_new(&s->config, &s->keys, s->records);
    s->head = fl_ledger_base(s->ledger);
    s->now = FL_SECOND;
    s->batch.header = (struct fl_batch){.height = 1, .time = s->now};
    for (uint32_t m = 0; m < work->markets; m++) {
        add(s, MAKER + m, 0, FL_TX_DEPOSIT, (int64_t[4]){1000000000 * USD, 0, 0, 0});
        report(s, m, 1000 * USD);
        quote(s, m, 1000 * USD);
    }
    run_batch(s);
    return s;
}

/* Everyone deposits, and opens the positions it is to have: leverage 2 to 20, half of them short. */
static void open_positions(struct shop *s, const struct work *work)
{
    uint64_t random = 9;
    for (uint32_t i = 0; i < work->traders; i++) {
        add(s, s->first + i, 0, FL_TX_DEPOSIT, (int64_t[4]){1000 * USD, 0, 0, 0});
        for (uint32_t k = 0; k < work->positions; k++) {
            const int64_t leverage = 2 + (int64_t)(next_random(&random) % 17);
            const int64_t size = leverage * UINT32_C(1000000) / work->positions;
            const int64_t market = (int64_t)((i + k * 7) % work->markets);
            add(s, s->first + i, 0, FL_TX_TRADE,
                (int64_t[4]){next_random(&random) % 2 ? size : -size, 0, market, 0});
        }
    }
    run_batch(s);
}

static void close_shop(struct shop *s)
{
    fl_ledger_free(s->ledger);
    fl_records_free(s->records);
    free(s->nonce);
    free(s->secret);
    free(s->owner);
    free(s);
}

/* --- what is measured --------------------------------------------------------------------------------- */

enum { ORDERS, REFUSED };

/* Orders of accounts that hold a position: up and down by a tenth of a unit. */
static struct fl_bench measure_orders(const void *what)
{
    const struct work *work = what;
    struct shop *s = open_shop(work);
    open_positions(s, work);
    uint64_t random = 5;
    s->refused = 0;
    double seconds = 0;
    for (uint32_t b = 0; b < BATCHES; b++) {
        for (uint32_t i = 0; i + 1 < BATCH; i++) {
            const uint32_t account = s->first + (uint32_t)(next_random(&random) % work->traders);
            const int64_t market = (int64_t)((account - s->first) % work->markets);
            add(s, account, 0, FL_TX_TRADE,
                (int64_t[4]){next_random(&random) % 2 ? 100000 : -100000, 0, market, 0});
        }
        const double start = fl_bench_now();
        run_batch(s);
        seconds += fl_bench_now() - start;
    }
    const struct fl_bench out = {
        .seconds = seconds,
        .count = {[ORDERS] = (uint64_t)BATCHES * (BATCH - 1), [REFUSED] = s->refused}};
    close_shop(s);
    return out;
}

enum { HITS, ASKED };

/* All prices move by up to 1 in 10,000; then somebody asks who is below maintenance. */
static struct fl_bench measure_updates(const void *what)
{
    const struct work *work = what;
    struct shop *s = open_shop(work);
    open_positions(s, work);
    uint64_t random = 3, hits = 0;
    int64_t price[FL_MARKETS_MAX];
    for (uint32_t m = 0; m < work->markets; m++) price[m] = 1000 * USD;
    double seconds = 0;
    for (uint32_t u = 0; u < UPDATES; u++) {
        for (uint32_t m = 0; m < work->markets; m++) {
            price[m] += (int64_t)(next_random(&random) % 200001) - 100000;
            report(s, m, price[m]);
        }
        run_batch(s);
        struct fl_liquidatable page;
        const struct fl_query ask = {.contract = 0, .kind = FL_ASK_LIQUIDATABLE};
        const double start = fl_bench_now();
        fl_ledger_query(s->ledger, s->head, &ask, &page, sizeof page);
        seconds += fl_bench_now() - start;
        hits += page.total;
    }
    const struct fl_bench out = {.seconds = seconds, .count = {[HITS] = hits, [ASKED] = UPDATES}};
    close_shop(s);
    return out;
}

static long resident(void)
{
    long pages = 0, all = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &all, &pages) != 2) abort();
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

enum { ALL, RECORDS };

/* All that grew while the accounts were opened; and what of that is the trace: two records of each account, with
 * their index. In whole MiB, since repetitions must agree. */
static struct fl_bench measure_bytes(const void *what)
{
    const struct work *work = what;
    struct shop *s = open_shop(work);
    memset(s->nonce + s->first, 1, work->traders * sizeof *s->nonce); /* ours, not the ledger's */
    memset(s->nonce + s->first, 0, work->traders * sizeof *s->nonce);
    const long before = resident();
    open_positions(s, work);
    const long after = resident();
    fl_records_free(s->records);
    s->records = NULL;
    const struct fl_bench out = {.seconds = 1,
                                 .count = {[ALL] = (uint64_t)(after - before) >> 20,
                                           [RECORDS] = (uint64_t)(after - resident()) >> 20}};
    close_shop(s);
    return out;
}

int main(void)
{
    fl_bench_title("the exchange on the ledger", "build/tests/bench/bench_exchange");
    static const struct work orders[] = {{1, 10000, 1}, {20, 10000, 1}, {20, 100000, 2}};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        const struct fl_bench b = fl_bench_median(measure_orders, &orders[i]);
        printf("%8u accounts, %2u markets: %.3f million orders/s (%.0f ns each, %lu refused)\n",
               orders[i].traders, orders[i].markets, (double)b.count[ORDERS] / b.seconds / 1e6,
               b.seconds / (double)b.count[ORDERS] * 1e9, (unsigned long)b.count[REFUSED]);
    }
    for (uint32_t n = 1000; n <= 1000000; n *= 10) {
        const struct work work = {20, n, 2};
        const struct fl_bench b = fl_bench_median(measure_updates, &work);
        printf("%8u accounts, 20 markets: %.1f us a price update, %.1f below maintenance\n", n,
               b.seconds / (double)b.count[ASKED] * 1e6,
               (double)b.count[HITS] / (double)b.count[ASKED]);
    }
    const struct work million = {20, 1000000, 1};
    const struct fl_bench b = fl_bench_median(measure_bytes, &million);
    const double mib = 1 << 20, each = (double)million.traders;
    printf("%8u accounts with one position: %.0f bytes each, beside %.0f of its records\n",
           million.traders, (double)(b.count[ALL] - b.count[RECORDS]) * mib / each,
           (double)b.count[RECORDS] * mib / each);
    return 0;
}
