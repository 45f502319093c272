/* Money and positions on an exchange are neither made nor lost.
 *
 * After every batch an honest replica executes:
 *   books:     sum of accounts + fund + fees + funding == deposits - withdrawals
 *   transfers: deposits and withdrawals, counted from their records, are what the exchange says
 *   positions: in each market the sizes of all accounts add up to zero
 *   signs:     fund and fees are not negative (an account's quote may be)
 *   deficit:   deficit == fund_paid + adl + socialised + outstanding
 *   waterfall: each of the four, added up from the records of deficits, is what the exchange says
 * and, whenever all accounts are counted,
 *   interest:  a market's open interest is the sum of its long sizes
 *   pool:      funding, with all that accounts still owe to it or have to come, is not negative
 *
 * The sum of accounts is kept up to date from the rows a batch changed, and recounted in full every
 * full_every batches and at the end; the two must agree. That works although funding and socialised
 * losses change the quote of every open account at once, without touching its row: what the exchange
 * answers as `quote` falls by just as much as `unsettled` rises, because both are charged through an
 * index and booked later. Their sum is what stands in the row, and changes only with it. A position
 * changes only with its account's row.
 *
 * Of an account's sizes one number is kept, their sum weighted by a fixed odd number for each market,
 * modulo 2^64: 16 bytes an account, whatever the number of markets. Over all accounts it is 0 if every
 * market adds up, and not 0 if one market does not; that two or more markets are off and it is 0 all
 * the same would take sizes chosen for it. The full count goes market by market.
 *
 * Assumes one exchange (records do not say which) and no forks (each record counts once). */
#include "models/wire.h"

struct params {
    uint32_t exchange, zero;
    int64_t full_every;
};

enum fault {
    NOTHING,
    BOOKS,
    DEPOSITS,
    WITHDRAWALS,
    POSITIONS,
    SIGNS,
    DEFICIT,
    FUND_PAID,
    ADL,
    SOCIALISED,
    OUTSTANDING,
    INTEREST,
    POOL,
    RECOUNT
};

struct row {
    int64_t money;  /* quote + unsettled */
    uint64_t sizes; /* weighted sum */
};
struct waterfall {
    int64_t fund_paid, adl, socialised, outstanding;
};

struct state {
    fl_i128 money; /* sum over the rows */
    uint64_t sizes;
    uint32_t accounts, markets, ready, zero;
    /* Counted from records; at first as the exchange says. */
    int64_t deposits, withdrawals;
    struct waterfall borne;
    int64_t batches; /* checked so far */
    int64_t recounts;
    int64_t broken;          /* enum fault */
    int64_t expected, found; /* of positions and interest: market, and what is wrong with it */
    fl_time at;
    int64_t newest_record; /* the newest record when it broke */
    int64_t first_record;
};
/* The state is followed by row[accounts]. */

static struct row *rows_of(struct state *s)
{
    return (void *)(s + 1);
}

static int64_t clipped(fl_i128 a)
{
    return a > INT64_MAX ? INT64_MAX : a < INT64_MIN ? INT64_MIN : (int64_t)a;
}

static void breaks(const struct fl_watch *watch, struct state *s, enum fault fault,
                   fl_i128 expected, fl_i128 found)
{
    if (s->broken) return;
    s->broken = (int64_t)fault;
    s->expected = clipped(expected);
    s->found = clipped(found);
    s->at = watch->now;
    s->first_record = s->newest_record;
}

static void expect(const struct fl_watch *watch, struct state *s, enum fault fault,
                   fl_i128 expected, fl_i128 found)
{
    if (expected != found) breaks(watch, s, fault, expected, found);
}

/* --- reading -------------------------------------------------------------------------------------- */

static bool ask(const struct fl_watch *watch, uint16_t kind, int64_t arg, void *out, size_t bytes)
{
    const struct params *const p = watch->params;
    const struct fl_query q = {.contract = (uint16_t)p->exchange, .kind = kind, .arg = {arg, 0, 0}};
    return fl_read(&watch->view, &q, out, bytes) == FL_READ_OK;
}

/* Odd, so that no size but 0 has a product of 0; the finaliser of splitmix64 (Steele, Lea, Flood 2014,
 * fig. 15) over the market's number. */
static uint64_t weight(uint32_t market)
{
    uint64_t x = ((uint64_t)market + 1) * UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return (x ^ x >> 31) | 1;
}

/* False, and nothing, if there is no such account. */
static bool read_row(const struct fl_watch *watch, uint32_t account, struct row *row,
                     struct fl_positions *held, int64_t *due)
{
    struct fl_account a;
    *due = 0;
    held->count = 0;
    if (!ask(watch, FL_ASK_ACCOUNT, account, &a, sizeof a)) return false;
    if (a.positions > 0 && !ask(watch, FL_ASK_POSITIONS, account, held, sizeof *held)) return false;
    *due = a.unsettled;
    *row = (struct row){.money = fl_add(a.quote, a.unsettled)};
    for (uint32_t i = 0; i < held->count; i++)
        row->sizes += weight(held->at[i].market) * (uint64_t)held->at[i].size;
    return true;
}

/* The row is read again, and the sums follow. True if it changed. */
static bool refresh(const struct fl_watch *watch, struct state *s, uint32_t account,
                    struct fl_positions *held, int64_t *due)
{
    struct row now, *const row = &rows_of(s)[account];
    if (!read_row(watch, account, &now, held, due)) return false;
    const bool changed = now.money != row->money || now.sizes != row->sizes;
    s->money += (fl_i128)now.money - row->money;
    s->sizes += now.sizes - row->sizes;
    *row = now;
    return changed;
}

/* --- checking ------------------------------------------------------------------------------------- */

/* Reads every account. A row that changed without being announced shows here. */
static void recount(const struct fl_watch *watch, struct state *s)
{
    fl_i128 size[FL_EXCHANGE_MARKETS_MAX] = {0}, longs[FL_EXCHANGE_MARKETS_MAX] = {0};
    fl_i128 pool = 0;
    int64_t unannounced = 0;
    struct fl_totals totals;
    for (uint32_t i = 0; i < s->accounts; i++) {
        struct fl_positions held;
        int64_t due;
        unannounced += refresh(watch, s, i, &held, &due);
        pool += due;
        for (uint32_t k = 0; k < held.count; k++) {
            FL_ASSERT(held.at[k].market < s->markets);
            size[held.at[k].market] += held.at[k].size;
            longs[held.at[k].market] += fl_max(held.at[k].size, 0);
        }
    }
    s->recounts++;
    expect(watch, s, RECOUNT, 0, unannounced);
    for (uint32_t m = 0; m < s->markets; m++) {
        struct fl_market_terms terms;
        if (size[m] != 0) breaks(watch, s, POSITIONS, m, size[m]);
        if (ask(watch, FL_ASK_MARKET, m, &terms, sizeof terms) && longs[m] != terms.open_interest)
            breaks(watch, s, INTEREST, m, (fl_i128)terms.open_interest - longs[m]);
    }
    if (ask(watch, FL_ASK_TOTALS, 0, &totals, sizeof totals)) pool += totals.funding;
    if (pool < 0) breaks(watch, s, POOL, 0, pool);
}

static void check_totals(const struct fl_watch *watch, struct state *s, const struct fl_totals *t)
{
    const fl_i128 held = s->money + t->fund + t->fees + t->funding;
    expect(watch, s, BOOKS, (fl_i128)t->deposits - t->withdrawals, held);
    expect(watch, s, DEPOSITS, s->deposits, t->deposits);
    expect(watch, s, WITHDRAWALS, s->withdrawals, t->withdrawals);
    if (s->sizes != 0 && !s->broken) recount(watch, s); /* says which market */
    const int64_t least = fl_min(t->fund, t->fees);
    expect(watch, s, SIGNS, 0, fl_min(least, 0));
    expect(watch, s, DEFICIT, t->deficit,
           (fl_i128)t->fund_paid + t->adl + t->socialised + t->outstanding);
    expect(watch, s, FUND_PAID, s->borne.fund_paid, t->fund_paid);
    expect(watch, s, ADL, s->borne.adl, t->adl);
    expect(watch, s, SOCIALISED, s->borne.socialised, t->socialised);
    expect(watch, s, OUTSTANDING, s->borne.outstanding, t->outstanding);
}

/* --- the model ------------------------------------------------------------------------------------ */

static void init(const struct fl_watch *watch, void *state)
{
    struct state *const s = state;
    struct fl_totals t;
    struct fl_market_terms terms;
    struct fl_positions held;
    int64_t due;
    s->accounts = watch->facts->accounts;
    if (!ask(watch, FL_ASK_TOTALS, 0, &t, sizeof t)) return; /* not an exchange */
    if (!ask(watch, FL_ASK_MARKET, 0, &terms, sizeof terms)) return;
    FL_ASSERT(terms.markets >= 1 && terms.markets <= FL_EXCHANGE_MARKETS_MAX);
    s->ready = 1;
    s->markets = terms.markets;
    s->deposits = t.deposits; /* genesis counts the insurance fund as one */
    s->withdrawals = t.withdrawals;
    s->borne = (struct waterfall){t.fund_paid, t.adl, t.socialised, t.outstanding};
    for (uint32_t i = 0; i < s->accounts; i++) refresh(watch, s, i, &held, &due);
    check_totals(watch, s, &t);
}

static void record(const struct fl_watch *watch, void *state, uint32_t id,
                   const struct fl_record *r)
{
    struct state *const s = state;
    (void)watch;
    s->newest_record = id;
    if (r->kind == FL_RECORD_DEPOSIT) s->deposits = fl_add(s->deposits, r->v[2]);
    if (r->kind == FL_RECORD_WITHDRAWAL) s->withdrawals = fl_add(s->withdrawals, r->v[2]);
    if (r->kind != FL_RECORD_DEFICIT) return;
    s->borne.fund_paid = fl_add(s->borne.fund_paid, r->v[2]);
    s->borne.adl = fl_add(s->borne.adl, r->v[3]);
    s->borne.socialised = fl_add(s->borne.socialised, r->v[4]);
    s->borne.outstanding = fl_add(s->borne.outstanding, r->v[5]);
}

/* Which table a row belongs to is the exchange's own affair: any number that could be an account's
 * is taken for one. Asking once too often changes nothing. */
static void executed(const struct fl_watch *watch, void *state, const struct fl_change *changes,
                     uint32_t count)
{
    const struct params *const p = watch->params;
    struct state *const s = state;
    struct fl_totals t;
    struct fl_positions held;
    int64_t due;
    if (!s->ready || !ask(watch, FL_ASK_TOTALS, 0, &t, sizeof t)) return;
    for (uint32_t i = 0; i < count; i++)
        if (changes[i].contract == p->exchange && changes[i].row < s->accounts)
            refresh(watch, s, changes[i].row, &held, &due);
    s->batches++;
    if (s->batches % p->full_every == 0) recount(watch, s);
    check_totals(watch, s, &t);
}

static void finish(const struct fl_watch *watch, void *state)
{
    struct state *const s = state;
    struct fl_totals t;
    if (!s->ready || !ask(watch, FL_ASK_TOTALS, 0, &t, sizeof t)) return;
    recount(watch, s);
    check_totals(watch, s, &t);
}

static const char *what(enum fault fault)
{
    switch (fault) {
    case NOTHING:
        return "money and positions add up";
    case BOOKS:
        return "the books hold {1}, deposits less withdrawals are {0}";
    case DEPOSITS:
        return "deposits were {0}, the exchange counts {1}";
    case WITHDRAWALS:
        return "withdrawals were {0}, the exchange counts {1}";
    case POSITIONS:
        return "positions in market {0} add up to {1}, not to zero";
    case SIGNS:
        return "the fund or the fees are {1}";
    case DEFICIT:
        return "the deficit is {0}, but its parts add up to {1}";
    case FUND_PAID:
        return "deficits say the fund paid {0}, the exchange counts {1}";
    case ADL:
        return "deficits say counterparties gave up {0}, the exchange counts {1}";
    case SOCIALISED:
        return "deficits say {0} was socialised, the exchange counts {1}";
    case OUTSTANDING:
        return "deficits left {0} outstanding, the exchange counts {1}";
    case POOL:
        return "more funding was given out than was taken in: {1}";
    case INTEREST:
        return "open interest of market {0} is {1} more than its long positions";
    case RECOUNT:
        return "{1} accounts changed and no batch said so";
    }
    FL_UNREACHABLE("fault of the books");
}

static bool is_of_market(enum fault fault)
{
    return fault == POSITIONS || fault == INTEREST;
}

static enum fl_unit first_unit(enum fault fault)
{
    return is_of_market(fault) ? FL_ID : fault == RECOUNT ? FL_COUNT : FL_USD;
}

static enum fl_unit second_unit(enum fault fault)
{
    return is_of_market(fault) ? FL_SIZE : fault == RECOUNT ? FL_COUNT : FL_USD;
}

static struct fl_verdict verdict(const void *params, const void *state)
{
    const struct state *const s = state;
    (void)params;
    struct fl_verdict v = {
        .kind = FL_HOLDS,
        .what = what((enum fault)s->broken),
        .unit = {first_unit((enum fault)s->broken), second_unit((enum fault)s->broken)}};
    if (!s->ready) v.kind = FL_NOT_APPLICABLE;
    if (!s->broken) return v;
    v.kind = FL_BROKEN;
    v.value[0] = s->expected;
    v.value[1] = s->found;
    v.record = (uint32_t)s->first_record;
    v.at = s->at;
    return v;
}

static size_t state_bytes(const void *params, const struct fl_facts *facts)
{
    (void)params;
    return sizeof(struct state) + facts->accounts * sizeof(struct row);
}

static void observe(const void *params, const void *state, int64_t *out)
{
    const struct state *const s = state;
    (void)params;
    out[0] = s->batches;
    out[1] = s->recounts;
}

static const struct fl_observable observables[] = {
    {"conservation.batches", "batches after which the books were checked", FL_COUNT, FL_SUM},
    {"conservation.recounts", "full counts of all accounts", FL_COUNT, FL_SUM},
    {.name = NULL},
};

static const struct fl_param param_rows[] = {
    {.key = "exchange",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct params, exchange),
     .doc = "the exchange whose books are checked"},
    {.key = "full_every",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, full_every),
     .min = 1,
     .max = 1 << 30,
     .fallback = "64",
     .doc = "batches between full counts of all accounts"},
    {.key = NULL},
};

static const struct fl_check_model watch_model = {
    .state_bytes = state_bytes,
    .init = init,
    .record = record,
    .executed = executed,
    .finish = finish,
    .verdict = verdict,
    .observe = observe,
};

const struct fl_model fl_model_conservation = {
    .name = "conservation",
    .family = FL_CHECK,
    .doc = "money and positions on an exchange are neither made nor lost",
    .params = param_rows,
    .params_bytes = sizeof(struct params),
    .observables = observables,
    .watch = &watch_model,
};
