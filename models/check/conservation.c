/* Money and positions on an exchange are neither made nor lost.
 *
 * After every batch an honest replica executes:
 *   books:     sum of accounts + fund + fees + dust - receivable == deposits - withdrawals
 *   transfers: deposits and withdrawals, counted from their records, are what the exchange says
 *   positions: the sizes of all accounts add up to zero
 *   signs:     fund, fees, dust and receivable are not negative (an account's quote may be)
 *   deficit:   deficit == fund_paid + socialised + outstanding
 *
 * The sum of accounts is kept up to date from the rows a batch changed, and recounted in full every
 * full_every batches and at the end; the two must agree. That works although a socialised loss
 * changes the quote of every open account at once, without touching its row: what the exchange
 * answers as `quote` falls by just as much as `unsettled` rises, because the loss is charged through
 * an index and booked later. Their sum is what stands in the row, and changes only with it.
 *
 * Assumes one exchange (deposit records do not say which) and no forks (each record counts once). */
#include "models/wire.h"

struct params {
    uint32_t exchange, zero;
    int64_t full_every;
};

enum fault { NOTHING, BOOKS, DEPOSITS, WITHDRAWALS, POSITIONS, SIGNS, DEFICIT, RECOUNT };

struct row {
    int64_t money; /* quote + unsettled */
    int64_t size;
};

struct state {
    uint32_t accounts, ready;
    fl_i128 money, size;           /* sums over the rows */
    int64_t deposits, withdrawals; /* counted from records; at first as the exchange says */
    int64_t batches;               /* checked so far */
    int64_t recounts;
    int64_t broken; /* enum fault */
    int64_t expected, found;
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

static void expect(const struct fl_watch *watch, struct state *s, enum fault fault,
                   fl_i128 expected, fl_i128 found)
{
    if (expected == found || s->broken) return;
    s->broken = (int64_t)fault;
    s->expected = clipped(expected);
    s->found = clipped(found);
    s->at = watch->now;
    s->first_record = s->newest_record;
}

/* --- reading -------------------------------------------------------------------------------------- */

static bool ask(const struct fl_watch *watch, uint16_t kind, int64_t arg, void *out, size_t bytes)
{
    const struct params *const p = watch->params;
    const struct fl_query q = {.contract = (uint16_t)p->exchange, .kind = kind, .arg = {arg, 0, 0}};
    return fl_read(&watch->view, &q, out, bytes) == FL_READ_OK;
}

/* The row is read again, and the sums follow. True if it changed. */
static bool refresh(const struct fl_watch *watch, struct state *s, uint32_t account)
{
    struct fl_account a;
    if (!ask(watch, FL_ASK_ACCOUNT, account, &a, sizeof a)) return false;
    struct row *const row = &rows_of(s)[account];
    const int64_t money = fl_add(a.quote, a.unsettled);
    const bool changed = money != row->money || a.size != row->size;
    s->money += (fl_i128)money - row->money;
    s->size += (fl_i128)a.size - row->size;
    row->money = money;
    row->size = a.size;
    return changed;
}

/* --- checking ------------------------------------------------------------------------------------- */

static void check_totals(const struct fl_watch *watch, struct state *s, const struct fl_totals *t)
{
    const fl_i128 held = s->money + t->fund + t->fees + t->dust + t->funding - t->receivable;
    expect(watch, s, BOOKS, (fl_i128)t->deposits - t->withdrawals, held);
    expect(watch, s, DEPOSITS, s->deposits, t->deposits);
    expect(watch, s, WITHDRAWALS, s->withdrawals, t->withdrawals);
    expect(watch, s, POSITIONS, 0, s->size);
    const int64_t least = fl_min(fl_min(t->fund, t->fees), fl_min(t->dust, t->receivable));
    expect(watch, s, SIGNS, 0, fl_min(least, 0));
    expect(watch, s, DEFICIT, t->deficit, (fl_i128)t->fund_paid + t->adl + t->socialised + t->outstanding);
}

/* A row that changed without being announced shows here. */
static void recount(const struct fl_watch *watch, struct state *s)
{
    int64_t unannounced = 0;
    for (uint32_t i = 0; i < s->accounts; i++) unannounced += refresh(watch, s, i);
    s->recounts++;
    expect(watch, s, RECOUNT, 0, unannounced);
}

/* --- the model ------------------------------------------------------------------------------------ */

static void init(const struct fl_watch *watch, void *state)
{
    struct state *const s = state;
    struct fl_totals t;
    s->accounts = watch->facts->accounts;
    if (!ask(watch, FL_ASK_TOTALS, 0, &t, sizeof t)) return; /* not an exchange */
    s->ready = 1;
    s->deposits = t.deposits; /* genesis counts the insurance fund as one */
    s->withdrawals = t.withdrawals;
    for (uint32_t i = 0; i < s->accounts; i++) refresh(watch, s, i);
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
}

/* Which table a row belongs to is the exchange's own affair: any number that could be an account's
 * is taken for one. Asking once too often changes nothing. */
static void executed(const struct fl_watch *watch, void *state, const struct fl_change *changes,
                     uint32_t count)
{
    const struct params *const p = watch->params;
    struct state *const s = state;
    struct fl_totals t;
    if (!s->ready || !ask(watch, FL_ASK_TOTALS, 0, &t, sizeof t)) return;
    for (uint32_t i = 0; i < count; i++)
        if (changes[i].contract == p->exchange && changes[i].row < s->accounts)
            refresh(watch, s, changes[i].row);
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
        return "positions add up to {1}, not to zero";
    case SIGNS:
        return "the fund, fees, dust or receivable is {1}";
    case DEFICIT:
        return "the deficit is {0}, but its parts add up to {1}";
    case RECOUNT:
        return "{1} accounts changed and no batch said so";
    }
    FL_UNREACHABLE("fault of the books");
}

static struct fl_verdict verdict(const void *params, const void *state)
{
    const struct state *const s = state;
    (void)params;
    const enum fl_unit unit = s->broken == POSITIONS ? FL_SIZE
                              : s->broken == RECOUNT ? FL_COUNT
                                                     : FL_USD;
    struct fl_verdict v = {
        .kind = FL_HOLDS, .what = what((enum fault)s->broken), .unit = {unit, unit}};
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
