/* Is the exchange solvent, and were the right accounts liquidated? Measured against the truth F, the
 * fundamental price that fills do not move (DESIGN 6), by an implementation of margin of its own.
 *
 *   healthy at F: quote + N(F) >= MMR(F), N = trunc(size * F), MMR = ceil(|N| * maintenance)
 *   wrongful:     an account was healthy at F when it was liquidated; material if it still was with F
 *                 moved against it by `tolerance`
 *   due:          |N(F)| of the accounts below maintenance now
 *   missed:       an account stays below maintenance for longer than missed_after_s: counted once for
 *                 each such episode, with its |N(F)| when it became missed. An episode opens at a
 *                 tick that finds the account below, and closes when the account is liquidated, or
 *                 at a tick that finds it healthy, or with the run. Halts are included: accounts are
 *                 those of the newest state that an honest replica executed
 *   latent:       negative equity at F of accounts that are still open
 *
 * Nobody can liquidate the liquidity account: it is never due or missed, but its equity counts. An
 * account without a position is never due; what it owes is bad debt already.
 *
 * For each account the one price at which it changes between healthy and not is kept, so that a tick
 * costs one comparison an account. */
#include "models/wire.h"

struct params {
    uint32_t exchange, fundamental;
    int64_t tolerance_ppm;
    fl_time missed_after;
};

struct account {
    int64_t quote, size;
    int64_t edge;        /* long: below maintenance iff F < edge; short: iff F >= edge */
    fl_time below_since; /* the tick that opened its episode, -1 if there is none */
    int64_t missed;      /* 1: this episode has been counted */
};

struct state {
    uint32_t accounts, ready;
    uint32_t liquidity_account, zero;
    int64_t maintenance_ppm;
    int64_t socialised; /* when accounts were read last */
    int64_t due, due_accounts, latent;
    int64_t wrongful, material, missed, missed_usd;
    int64_t bad_debt;
    int64_t first_deficit; /* record */
    fl_time first_deficit_at;
};
/* The state is followed by account[accounts]. */

static struct account *accounts_of(struct state *s)
{
    return (void *)(s + 1);
}

/* --- margin, second implementation ---------------------------------------------------------------- */

static fl_i128 notional(int64_t size, int64_t price)
{
    return (fl_i128)size * price / 1000000; /* toward zero */
}

static fl_i128 magnitude(fl_i128 a)
{
    return a < 0 ? -a : a;
}

static bool healthy(int64_t quote, int64_t size, int64_t maintenance_ppm, int64_t price)
{
    const fl_i128 n = notional(size, price);
    const fl_i128 needed = (magnitude(n) * maintenance_ppm + FL_PPM_ONE - 1) / FL_PPM_ONE;
    return quote + n >= needed;
}

/* False below some price and true from it on: a long is healthy above, a short is not. (As |N| grows
 * by 1, MMR grows by at most 1, since maintenance <= 1: so equity - MMR is monotone in F.) */
static bool beyond(const struct account *a, int64_t maintenance_ppm, int64_t price)
{
    return healthy(a->quote, a->size, maintenance_ppm, price) == (a->size > 0);
}

/* Without roundings: quote + size * F = |size| * F * maintenance. */
static int64_t edge_guess(const struct account *a, int64_t maintenance_ppm)
{
    const fl_i128 slope = a->size * (fl_i128)FL_PPM_ONE -
                          magnitude(a->size) * (fl_i128)maintenance_ppm;
    if (slope == 0) return 0;
    const fl_i128 guess = (fl_i128)-a->quote * FL_PPM_ONE * FL_PPM_ONE / slope;
    return guess < 0 ? 0 : guess >= INT64_MAX ? INT64_MAX - 1 : (int64_t)guess;
}

/* The lowest price that is `beyond`, INT64_MAX if there is none: by bisection over the exact
 * predicate, so that the two agree always, between bounds found by doubling steps from the guess. */
static int64_t edge_of(const struct account *a, int64_t maintenance_ppm)
{
    const int64_t guess = edge_guess(a, maintenance_ppm);
    const bool down = beyond(a, maintenance_ppm, guess);
    int64_t low = down ? -1 : guess, high = down ? guess : INT64_MAX; /* low is not, high is */
    for (int64_t step = 1; down ? step <= guess : step < INT64_MAX - guess; step *= 2) {
        const int64_t at = down ? guess - step : guess + step;
        const bool found = beyond(a, maintenance_ppm, at);
        *(found ? &high : &low) = at;
        if (found != down || step > INT64_MAX / 2) break;
    }
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        *(beyond(a, maintenance_ppm, middle) ? &high : &low) = middle;
    }
    return high;
}

static bool below(const struct account *a, int64_t price)
{
    return a->size != 0 && (price < a->edge) == (a->size > 0);
}

/* --- reading the exchange ------------------------------------------------------------------------- */

static bool ask(const struct fl_watch *watch, uint16_t kind, int64_t arg, void *out, size_t bytes)
{
    const struct params *const p = watch->params;
    const struct fl_query q = {.contract = (uint16_t)p->exchange, .kind = kind, .arg = {arg, 0, 0}};
    return fl_read(&watch->view, &q, out, bytes) == FL_READ_OK;
}

static void refresh(const struct fl_watch *watch, struct state *s, uint32_t number)
{
    struct fl_account now;
    struct account *const a = &accounts_of(s)[number];
    if (!ask(watch, FL_ASK_ACCOUNT, number, &now, sizeof now)) return;
    if (now.quote == a->quote && now.size == a->size) return;
    a->quote = now.quote;
    a->size = now.size;
    if (a->size == 0)
        a->below_since = -1;
    else
        a->edge = edge_of(a, s->maintenance_ppm);
}

static void read_totals(struct state *s, const struct fl_totals *t)
{
    s->socialised = t->socialised;
    s->bad_debt = fl_sub(t->deficit, t->fund_paid);
}

/* --- measuring ------------------------------------------------------------------------------------ */

static int64_t clipped(fl_i128 a)
{
    return a > INT64_MAX ? INT64_MAX : (int64_t)a;
}

static void miss(struct state *s, struct account *a, int64_t size, int64_t price)
{
    a->missed = 1;
    s->missed++;
    s->missed_usd = clipped(s->missed_usd + magnitude(notional(size, price)));
}

static bool overdue(const struct params *p, const struct account *a, fl_time now)
{
    return a->below_since >= 0 && !a->missed && now - a->below_since > p->missed_after;
}

static void follow_episode(const struct fl_watch *watch, struct state *s, struct account *a,
                           int64_t price)
{
    if (a->below_since < 0) {
        a->below_since = watch->now;
        a->missed = 0;
    }
    if (overdue(watch->params, a, watch->now)) miss(s, a, a->size, price);
}

static void measure(const struct fl_watch *watch, struct state *s)
{
    const struct params *const p = watch->params;
    const int64_t price = fl_watch_observe(watch, p->fundamental);
    if (!s->ready || price <= 0) return; /* no truth yet */
    fl_i128 due = 0, latent = 0;
    s->due_accounts = 0;
    for (uint32_t i = 0; i < s->accounts; i++) {
        struct account *const a = &accounts_of(s)[i];
        if (!below(a, price)) {
            a->below_since = -1;
            continue;
        }
        const fl_i128 n = notional(a->size, price);
        if (a->quote + n < 0) latent -= a->quote + n;
        if (i == s->liquidity_account) continue;
        due += magnitude(n);
        s->due_accounts++;
        follow_episode(watch, s, a, price);
    }
    s->due = clipped(due);
    s->latent = clipped(latent);
}

/* F moved against a position of this sign, rounded further against it. */
static int64_t against(int64_t price, int64_t size, int64_t tolerance_ppm)
{
    const int64_t ratio = size > 0 ? FL_PPM_ONE - tolerance_ppm : FL_PPM_ONE + tolerance_ppm;
    return size > 0 ? fl_mul_div_floor(price, ratio, FL_PPM_ONE)
                    : fl_mul_div_ceil(price, ratio, FL_PPM_ONE);
}

/* Shown before `executed` is called for its batch: what the cache holds is the state before. */
static void on_liquidation(const struct fl_watch *watch, struct state *s, const struct fl_record *r)
{
    const struct params *const p = watch->params;
    const int64_t price = fl_watch_observe(watch, p->fundamental);
    const int64_t number = r->v[0], size = r->v[2], quote = r->v[3];
    if (number < 0 || number >= s->accounts || price <= 0) return;
    if (healthy(quote, size, s->maintenance_ppm, price)) {
        s->wrongful++;
        s->material +=
            healthy(quote, size, s->maintenance_ppm, against(price, size, p->tolerance_ppm));
    }
    struct account *const a = &accounts_of(s)[number];
    if (overdue(p, a, watch->now)) miss(s, a, size, price);
    a->below_since = -1;
}

static void on_deficit(struct state *s, uint32_t id, const struct fl_record *r)
{
    if (s->first_deficit != 0 || (r->v[4] == 0 && r->v[5] == 0)) return; /* the fund paid it all */
    s->first_deficit = id;
    s->first_deficit_at = r->at;
}

/* --- the model ------------------------------------------------------------------------------------ */

static void init(const struct fl_watch *watch, void *state)
{
    struct state *const s = state;
    struct fl_market_terms terms;
    struct fl_totals totals;
    s->accounts = watch->facts->accounts;
    for (uint32_t i = 0; i < s->accounts; i++) accounts_of(s)[i].below_since = -1;
    if (!ask(watch, FL_ASK_MARKET, 0, &terms, sizeof terms)) return; /* not an exchange */
    if (!ask(watch, FL_ASK_TOTALS, 0, &totals, sizeof totals)) return;
    s->ready = 1;
    s->maintenance_ppm = terms.maintenance_ppm;
    s->liquidity_account = terms.liquidity_account;
    read_totals(s, &totals);
    for (uint32_t i = 0; i < s->accounts; i++) refresh(watch, s, i);
}

static fl_time period(const void *params)
{
    (void)params;
    return FL_SECOND; /* DESIGN 6: on a one-second grid */
}

static void tick(const struct fl_watch *watch, void *state)
{
    measure(watch, state);
}

static void record(const struct fl_watch *watch, void *state, uint32_t id,
                   const struct fl_record *r)
{
    struct state *const s = state;
    if (!s->ready) return;
    if (r->kind == FL_RECORD_LIQUIDATION) on_liquidation(watch, s, r);
    if (r->kind == FL_RECORD_DEFICIT) on_deficit(s, id, r);
}

/* A socialised loss changes the quote of every open account without touching its row. */
static void executed(const struct fl_watch *watch, void *state, const struct fl_change *changes,
                     uint32_t count)
{
    const struct params *const p = watch->params;
    struct state *const s = state;
    struct fl_totals t;
    if (!s->ready || !ask(watch, FL_ASK_TOTALS, 0, &t, sizeof t)) return;
    if (t.socialised != s->socialised)
        for (uint32_t i = 0; i < s->accounts; i++) refresh(watch, s, i);
    else
        for (uint32_t i = 0; i < count; i++)
            if (changes[i].contract == p->exchange && changes[i].row < s->accounts)
                refresh(watch, s, changes[i].row);
    read_totals(s, &t);
}

static void finish(const struct fl_watch *watch, void *state)
{
    measure(watch, state);
}

static struct fl_verdict verdict(const void *params, const void *state)
{
    const struct state *const s = state;
    (void)params;
    struct fl_verdict v = {.kind = FL_HOLDS,
                           .what = "bad debt {0}, latent {1}",
                           .value = {s->bad_debt, s->latent},
                           .unit = {FL_USD, FL_USD}};
    if (!s->ready) v.kind = FL_NOT_APPLICABLE;
    if (s->bad_debt == 0 && s->latent == 0) return v;
    v.kind = FL_BROKEN;
    v.record = (uint32_t)s->first_deficit;
    v.at = s->first_deficit_at;
    return v;
}

static size_t state_bytes(const void *params, const struct fl_facts *facts)
{
    (void)params;
    return sizeof(struct state) + facts->accounts * sizeof(struct account);
}

static void observe(const void *params, const void *state, int64_t *out)
{
    const struct state *const s = state;
    (void)params;
    out[0] = s->due;
    out[1] = s->due_accounts;
    out[2] = s->latent;
    out[3] = s->wrongful;
    out[4] = s->material;
    out[5] = s->missed;
    out[6] = s->missed_usd;
}

static const struct fl_observable observables[] = {
    {"ledger.due", "notional of accounts below maintenance at the fundamental price", FL_USD,
     FL_SUM},
    {"ledger.due_accounts", "accounts below maintenance at the fundamental price", FL_COUNT,
     FL_SUM},
    {"ledger.latent_bad_debt", "negative equity of open accounts at the fundamental price", FL_USD,
     FL_SUM},
    {"ledger.wrongful_liquidations", "liquidated while healthy at the fundamental price", FL_COUNT,
     FL_SUM},
    {"ledger.material_wrongful_liquidations",
     "the same with the fundamental price moved against the account by the tolerance", FL_COUNT,
     FL_SUM},
    {"ledger.missed_liquidations", "episodes below maintenance for longer than missed_after_s",
     FL_COUNT, FL_SUM},
    {"ledger.missed", "notional of missed liquidations when they became missed", FL_USD, FL_SUM},
    {.name = NULL},
};

static const struct fl_param param_rows[] = {
    {.key = "exchange",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct params, exchange),
     .doc = "the exchange that is watched"},
    {.key = "fundamental",
     .type = FL_OBSERVABLE_NAME,
     .offset = offsetof(struct params, fundamental),
     .fallback = "\"market.fundamental\"",
     .doc = "observable that is the true price, USD"},
    {.key = "tolerance",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, tolerance_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0.01",
     .doc =
         "error granted to the oracle before a wrongful liquidation is material, ratio of price"},
    {.key = "missed_after_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, missed_after),
     .min = 0,
     .max = 1000000 * FL_SECOND,
     .fallback = "60",
     .doc = "time below maintenance after which a liquidation is missed, seconds"},
    {.key = NULL},
};

static const struct fl_check_model watch_model = {
    .state_bytes = state_bytes,
    .period = period,
    .init = init,
    .tick = tick,
    .record = record,
    .executed = executed,
    .finish = finish,
    .verdict = verdict,
    .observe = observe,
};

const struct fl_model fl_model_solvency = {
    .name = "solvency",
    .family = FL_CHECK,
    .doc = "no bad debt; wrongful, due and missed liquidations against the fundamental price",
    .params = param_rows,
    .params_bytes = sizeof(struct params),
    .observables = observables,
    .watch = &watch_model,
};
