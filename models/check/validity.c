/* Nothing is decided that nobody proposed, and nothing executed that its owner did not hand in, once.
 *
 *   proposed:  the payload that an honest replica decides was built by somebody (FL_RECORD_BLOCK). What
 *              corrupted members propose they need not note: a payload without a note is excused if
 *              some corrupted member altered or invented a message about that height (the first word of
 *              what is said about a height is the height). The null request needs no proposal. This is
 *              integrity of atomic broadcast (Hadzilacos and Toueg 1994, section 3).
 *   handed in: a transaction that is executed was noted before by the endpoint that owns its account
 *              (FL_RECORD_TX), for the same contract and kind; a corrupted owner need not note it
 *   once:      no account and nonce is executed twice. A transaction that the ledger finds invalid is not
 *              executed; one that its contract reverts is.
 *
 * At each of the last 4096 heights up to 8 payloads are kept, and the newest 65,536 transactions; what
 * comes later is counted, not judged. Transactions are those of the chain that honest replicas execute
 * first: at a height where they disagree, of one of them. */
#include "models/check/book.h"
#include "models/check/heights.h"

enum { PROPOSALS = 8 };
enum wrong { UNPROPOSED = 1, FORGED, ALTERED, TWICE };

struct height {
    uint64_t height; /* 0: empty */
    uint32_t lied;   /* a corrupted member said something else about it */
    uint32_t count;  /* payloads proposed; of more than PROPOSALS the newest are kept */
    struct fl_digest payload[PROPOSALS];
};

struct state {
    int64_t decided, foreign; /* decisions; of them excused, for want of a note */
    int64_t executed, late;
    struct fl_first violation;
    struct height ring[FL_HEIGHTS];
    struct fl_book book;
    /* followed by owner[accounts]: endpoints */
};

static uint32_t *owners_of(struct state *s)
{
    return (void *)(s + 1);
}

/* --- proposals ------------------------------------------------------------------------------------ */

static struct height *height_at(struct state *s, int64_t number)
{
    return fl_height_at(s->ring, FL_HEIGHTS, sizeof(struct height), number, &s->late);
}

static void on_block(struct state *s, const struct fl_record *r)
{
    struct height *const h = height_at(s, r->v[0]);
    if (!h) return;
    const struct fl_digest payload = fl_record_digest(r, 3);
    struct fl_digest *const place = &h->payload[h->count++ % PROPOSALS];
    place->lo = payload.lo;
    place->hi = payload.hi;
}

static bool proposed(const struct height *h, struct fl_digest payload)
{
    for (uint32_t i = 0; i < h->count && i < PROPOSALS; i++)
        if (fl_digest_equal(h->payload[i], payload)) return true;
    return false;
}

static void on_decided(struct state *s, uint32_t id, const struct fl_record *r)
{
    const struct fl_digest payload = fl_record_digest(r, 2);
    const struct height *const h = height_at(s, r->v[0]);
    if (!h) return;
    s->decided++;
    if ((payload.lo == 0 && payload.hi == 0) || proposed(h, payload)) return;
    if (h->lied)
        s->foreign++;
    else if (h->count > PROPOSALS)
        s->late++;
    else
        fl_violation(&s->violation, UNPROPOSED, id, r);
}

/* v: fault, endpoint, family, kind, word 0, ... */
static void on_altered(const struct fl_watch *watch, struct state *s, const struct fl_record *r)
{
    if (r->v[2] != FL_CONSENSUS || fl_watch_honest(watch, (uint32_t)r->v[1])) return;
    struct height *const h = height_at(s, r->v[4]);
    if (h) h->lied = 1;
}

/* --- transactions --------------------------------------------------------------------------------- */

static void on_handed_in(const struct fl_watch *watch, struct state *s, uint32_t id,
                         const struct fl_record *r)
{
    if (r->v[0] < 0 || r->v[0] >= watch->facts->accounts) return;
    const uint32_t account = (uint32_t)r->v[0];
    const uint64_t nonce = (uint64_t)r->v[1];
    if (owners_of(s)[account] != r->endpoint || fl_book_find(&s->book, account, nonce)) return;
    struct fl_booked *const b = fl_book_add(&s->book, account, nonce);
    b->at = r->at;
    b->record = id;
    b->contract = (uint16_t)r->v[2];
    b->kind = (uint16_t)r->v[3];
}

/* The story of an execution begins with its account; a violation names its height. */
static void violation(const struct fl_watch *watch, struct state *s, enum wrong wrong,
                      uint32_t record)
{
    const struct fl_record r = {.at = watch->now, .v = {(int64_t)watch->height}};
    fl_violation(&s->violation, wrong, record, &r);
}

static void on_receipt(const struct fl_watch *watch, struct state *s, const struct fl_receipt *t)
{
    if (t->status == FL_TX_INVALID) return;
    s->executed++;
    struct fl_booked *b = fl_book_find(&s->book, t->account, t->nonce);
    const bool honest = fl_watch_honest(watch, owners_of(s)[t->account]);
    if (!b && honest && s->book.count > FL_BOOK_TXS) {
        s->late++;
        return;
    }
    if (!b) {
        if (honest) violation(watch, s, FORGED, FL_NO_RECORD);
        b = fl_book_add(&s->book, t->account, t->nonce);
        b->contract = t->contract;
        b->kind = t->kind;
    }
    if (b->height != 0)
        violation(watch, s, TWICE, b->record);
    else if (honest && (b->contract != t->contract || b->kind != t->kind))
        violation(watch, s, ALTERED, b->record);
    b->height = watch->height;
}

/* --- the model ------------------------------------------------------------------------------------ */

static void init(const struct fl_watch *watch, void *state)
{
    struct state *const s = state;
    for (uint32_t e = 0; e < watch->facts->endpoints; e++) {
        const struct fl_self *const self = fl_watch_self(watch, e);
        for (uint32_t i = 0; i < self->account_count; i++)
            owners_of(s)[self->account_first + i] = e;
    }
}

static void record(const struct fl_watch *watch, void *state, uint32_t id,
                   const struct fl_record *r)
{
    struct state *const s = state;
    if (r->kind == FL_RECORD_BLOCK) on_block(s, r);
    if (r->kind == FL_RECORD_SUPPRESSED) on_altered(watch, s, r);
    if (r->kind == FL_RECORD_TX) on_handed_in(watch, s, id, r);
    if (r->kind == FL_RECORD_DECIDED && fl_watch_honest(watch, r->endpoint)) on_decided(s, id, r);
}

static void executed(const struct fl_watch *watch, void *state, const struct fl_change *changes,
                     uint32_t count)
{
    (void)changes;
    (void)count;
    for (uint32_t i = 0; i < watch->receipt_count; i++)
        on_receipt(watch, state, &watch->receipts[i]);
}

static const char *clause(enum wrong wrong)
{
    switch (wrong) {
    case UNPROPOSED:
        return "nobody proposed what is decided at height {0}; {1} violations";
    case FORGED:
        return "a transaction that its owner did not hand in is executed at height {0}; {1} "
               "violations";
    case ALTERED:
        return "a transaction is executed otherwise than handed in at height {0}; {1} violations";
    case TWICE:
        return "a transaction is executed once more at height {0}; {1} violations";
    }
    FL_UNREACHABLE("violation of validity");
}

static struct fl_verdict verdict(const void *params, const void *state)
{
    const struct state *const s = state;
    (void)params;
    if (s->violation.count > 0)
        return fl_broken(&s->violation, clause((enum wrong)s->violation.what));
    return (struct fl_verdict){
        .kind = s->decided == 0 && s->executed == 0 ? FL_NOT_APPLICABLE : FL_HOLDS,
        .what = "{0} decisions were proposed, {1} transactions handed in by their owners, executed "
                "once",
        .value = {s->decided, s->executed},
        .unit = {FL_COUNT, FL_COUNT}};
}

static size_t state_bytes(const void *params, const struct fl_facts *facts)
{
    (void)params;
    return sizeof(struct state) + facts->accounts * sizeof(uint32_t);
}

static void observe(const void *params, const void *state, int64_t *out)
{
    const struct state *const s = state;
    (void)params;
    out[0] = s->violation.count;
    out[1] = s->foreign;
    out[2] = s->late;
}

static const struct fl_observable observables[] = {
    {"validity.violations", "decisions nobody proposed, transactions forged, altered or repeated",
     FL_COUNT, FL_SUM},
    {"validity.foreign", "decisions that only a corrupted member can have proposed", FL_COUNT,
     FL_SUM},
    {"validity.late", "decisions and transactions too late to judge", FL_COUNT, FL_SUM},
    {.name = NULL},
};

static const struct fl_check_model watch_model = {
    .state_bytes = state_bytes,
    .init = init,
    .record = record,
    .executed = executed,
    .verdict = verdict,
    .observe = observe,
};

const struct fl_model fl_model_validity = {
    .name = "validity",
    .family = FL_CHECK,
    .doc = "what is decided was proposed; what is executed was handed in by its owner, once",
    .observables = observables,
    .watch = &watch_model,
};
