/* After healing, what clients hand in is executed by every honest replica within a stated time.
 *
 * Liveness under partial synchrony (Dwork, Lynch and Stockmeyer 1988; Castro and Liskov 1999, section 2:
 * clients eventually receive replies) as a bound that can fail. `healed_s` is the scenario's claim: from
 * then on the network is past GST, and no fault is open but those of the members that the budget grants.
 *
 *   counts as failed:  a member of the group that is not honest (fl_watch_honest), or that any fault,
 *                      crashes and cut links too, strikes in a window that reaches beyond healed_s
 *   judged:            transactions handed in for the first time from healed_s on, by clients that are
 *                      honest, whom no fault strikes from then on, to a replica that has not failed
 *   in time:           every member that has not failed has executed the transaction's block, or taken
 *                      over a later state, within_ms after the client's note. What a client holds back
 *                      before it sends counts as well. Reverted is executed; dropped is not.
 *
 * Says nothing if more members fail than the group's faulty_max, or nothing was to be judged. What is
 * handed in less than within_ms before the end and not executed by then is left open. At most 65,536
 * transactions are followed at a time; one that is given up for newer ones before its time is over is
 * counted as untracked. */
#include "models/check/book.h"

struct params {
    uint32_t group, zero;
    fl_time healed, within;
};

/* A transaction that waits for the last replica, and the height of its block. */
struct waiting {
    uint64_t height;
    uint32_t place, zero;
};

struct state {
    uint32_t first, size; /* the group */
    uint32_t failed, faulty_max;
    uint64_t least;      /* height that every live member has executed */
    uint64_t head, tail; /* of the line */
    int64_t applied, late, open, untracked;
    fl_time worst;       /* from the note to the last replica; of late ones as much as is known */
    uint32_t first_late; /* record */
    uint32_t zero;
    fl_time first_late_at;
    struct fl_book book;
    struct waiting line[FL_BOOK_TXS]; /* by height */
    /* followed by uint64_t executed[endpoints], then bytes live[endpoints], client[endpoints] */
};

static uint64_t *heights_of(struct state *s)
{
    return (void *)(s + 1);
}

static unsigned char *live_of(const struct fl_watch *watch, struct state *s)
{
    return (void *)(heights_of(s) + watch->facts->endpoints);
}

static unsigned char *clients_of(const struct fl_watch *watch, struct state *s)
{
    return live_of(watch, s) + watch->facts->endpoints;
}

/* --- judging -------------------------------------------------------------------------------------- */

static void judge(const struct params *p, struct state *s, const struct fl_booked *b, fl_time now)
{
    const fl_time took = now - b->at;
    s->worst = fl_max(s->worst, took);
    if (took <= p->within) {
        s->applied++;
        return;
    }
    s->late++;
    if (s->first_late != FL_NO_RECORD && s->first_late < b->record) return;
    s->first_late = b->record;
    s->first_late_at = b->at + p->within;
}

/* Makes room for newer ones. */
static void give_up(const struct fl_watch *watch, struct state *s, struct fl_booked *b)
{
    const struct params *const p = watch->params;
    if (watch->now - b->at > p->within)
        judge(p, s, b, watch->now);
    else
        s->untracked++;
    fl_book_forget(&s->book, b);
}

/* What waits in line; NULL if it has been given up meanwhile. */
static struct fl_booked *waiting_at(struct state *s, uint64_t at)
{
    const struct waiting *const w = &s->line[at % FL_BOOK_TXS];
    struct fl_booked *const b = &s->book.at[w->place];
    return b->used && b->height == w->height ? b : NULL;
}

static void shorten_line(const struct fl_watch *watch, struct state *s)
{
    struct fl_booked *const b = waiting_at(s, s->head++);
    if (b) give_up(watch, s, b);
}

/* All that every live member has executed now. */
static void settle(const struct fl_watch *watch, struct state *s)
{
    while (s->head < s->tail) {
        if (s->line[s->head % FL_BOOK_TXS].height > s->least) return;
        struct fl_booked *const b = waiting_at(s, s->head++);
        if (!b) continue;
        judge(watch->params, s, b, watch->now);
        fl_book_forget(&s->book, b);
    }
}

/* --- what happens --------------------------------------------------------------------------------- */

static void on_handed_in(const struct fl_watch *watch, struct state *s, uint32_t id,
                         const struct fl_record *r)
{
    const struct params *const p = watch->params;
    if (r->at < p->healed || r->v[4] != 0 || r->endpoint >= watch->facts->endpoints) return;
    const uint32_t replica = fl_watch_self(watch, r->endpoint)->replica.i; /* of now */
    if (replica >= watch->facts->endpoints || !live_of(watch, s)[replica]) return;
    if (s->failed > s->faulty_max || !clients_of(watch, s)[r->endpoint]) return;
    const uint32_t account = (uint32_t)r->v[0];
    const uint64_t nonce = (uint64_t)r->v[1];
    if (fl_book_find(&s->book, account, nonce)) return;
    struct fl_booked *const oldest = fl_book_oldest(&s->book);
    if (oldest) give_up(watch, s, oldest);
    struct fl_booked *const b = fl_book_add(&s->book, account, nonce);
    b->at = r->at;
    b->record = id;
}

static void on_applied(const struct fl_watch *watch, struct state *s, const struct fl_record *r)
{
    const unsigned char *const live = live_of(watch, s);
    uint64_t *const height = heights_of(s);
    if (r->endpoint >= watch->facts->endpoints || !live[r->endpoint] || r->v[0] < 0) return;
    if ((uint64_t)r->v[0] <= height[r->endpoint]) return;
    const bool last = height[r->endpoint] == s->least;
    height[r->endpoint] = (uint64_t)r->v[0];
    if (!last) return;
    s->least = UINT64_MAX;
    for (uint32_t i = 0; i < s->size; i++)
        if (live[s->first + i] && height[s->first + i] < s->least) s->least = height[s->first + i];
    settle(watch, s);
}

static void on_receipt(const struct fl_watch *watch, struct state *s, const struct fl_receipt *t)
{
    struct fl_booked *const b = fl_book_find(&s->book, t->account, t->nonce);
    if (!b || b->height != 0 || t->status == FL_TX_INVALID) return;
    if (s->tail - s->head == FL_BOOK_TXS) shorten_line(watch, s);
    b->height = watch->height;
    struct waiting *const w = &s->line[s->tail++ % FL_BOOK_TXS];
    w->height = b->height;
    w->place = (uint32_t)(b - s->book.at);
}

/* --- the model ------------------------------------------------------------------------------------ */

static bool fails(const struct fl_watch *watch, uint32_t endpoint)
{
    const struct params *const p = watch->params;
    return !fl_watch_honest(watch, endpoint) || fl_watch_struck(watch, endpoint, p->healed);
}

static void init(const struct fl_watch *watch, void *state)
{
    const struct params *const p = watch->params;
    struct state *const s = state;
    const struct fl_self *const group = fl_watch_self(watch, p->group);
    s->first = group->group_first;
    s->size = group->group_size;
    s->faulty_max = group->faulty_max;
    unsigned char *const live = live_of(watch, s), *const client = clients_of(watch, s);
    for (uint32_t i = 0; i < s->size; i++) {
        live[s->first + i] = !fails(watch, s->first + i);
        s->failed += !live[s->first + i];
    }
    for (uint32_t e = 0; e < watch->facts->endpoints; e++) client[e] = !fails(watch, e);
}

static void record(const struct fl_watch *watch, void *state, uint32_t id,
                   const struct fl_record *r)
{
    if (r->kind == FL_RECORD_TX) on_handed_in(watch, state, id, r);
    if (r->kind == FL_RECORD_APPLIED) on_applied(watch, state, r);
}

static void executed(const struct fl_watch *watch, void *state, const struct fl_change *changes,
                     uint32_t count)
{
    (void)changes;
    (void)count;
    for (uint32_t i = 0; i < watch->receipt_count; i++)
        on_receipt(watch, state, &watch->receipts[i]);
}

static void finish(const struct fl_watch *watch, void *state)
{
    const struct params *const p = watch->params;
    struct state *const s = state;
    for (uint32_t i = 0; i < FL_BOOK_TXS; i++) {
        const struct fl_booked *const b = &s->book.at[i];
        if (b->used && watch->now - b->at > p->within)
            judge(p, s, b, watch->now);
        else
            s->open += b->used;
    }
}

static struct fl_verdict verdict(const void *params, const void *state)
{
    const struct params *const p = params;
    const struct state *const s = state;
    struct fl_verdict v = {.kind = FL_HOLDS, .unit = {FL_COUNT, FL_NANOSECOND}};
    if (s->failed > s->faulty_max) {
        v.kind = FL_NOT_APPLICABLE;
        v.what = "{0} members fail, the budget is {1}";
        v.value[0] = s->failed;
        v.value[1] = s->faulty_max;
        v.unit[1] = FL_COUNT;
    } else if (s->late > 0) {
        v.kind = FL_BROKEN;
        v.what =
            "{0} transactions handed in after healing are not executed by every honest replica "
            "within {1} s";
        v.value[0] = s->late;
        v.value[1] = p->within;
        v.record = s->first_late;
        v.at = s->first_late_at;
    } else {
        if (s->applied == 0) v.kind = FL_NOT_APPLICABLE;
        v.what =
            "{0} transactions handed in after healing are executed by every honest replica, the "
            "slowest after {1} s";
        v.value[0] = s->applied;
        v.value[1] = s->worst;
    }
    return v;
}

static size_t state_bytes(const void *params, const struct fl_facts *facts)
{
    (void)params;
    return sizeof(struct state) + facts->endpoints * (sizeof(uint64_t) + 2);
}

static void observe(const void *params, const void *state, int64_t *out)
{
    const struct state *const s = state;
    (void)params;
    out[0] = s->applied;
    out[1] = s->late;
    out[2] = s->open;
    out[3] = s->untracked;
    out[4] = s->worst;
}

static const struct fl_observable observables[] = {
    {"liveness.applied", "transactions handed in after healing, executed everywhere in time",
     FL_COUNT, FL_SUM},
    {"liveness.late", "transactions handed in after healing, not executed everywhere in time",
     FL_COUNT, FL_SUM},
    {"liveness.open", "transactions handed in too close to the end to judge", FL_COUNT, FL_SUM},
    {"liveness.untracked", "transactions given up for newer ones, unjudged", FL_COUNT, FL_SUM},
    {"liveness.worst", "longest time from a client's note to the last replica's execution",
     FL_NANOSECOND, FL_MAX},
    {.name = NULL},
};

static const struct fl_param param_rows[] = {
    {.key = "group",
     .type = FL_GROUP_NAME,
     .offset = offsetof(struct params, group),
     .doc = "the replicas"},
    {.key = "healed_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, healed),
     .min = 0,
     .max = INT64_MAX / 2,
     .fallback = "0",
     .doc = "transactions handed in from then on are judged: no fault is open any more but what "
            "faulty_max grants, and the network is past GST; seconds"},
    {.key = "within_ms",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, within),
     .min = 1,
     .max = INT64_MAX / 2,
     .doc = "longest time from a client's handing in to the execution by the last replica, "
            "milliseconds"},
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

const struct fl_model fl_model_liveness = {
    .name = "liveness",
    .family = FL_CHECK,
    .doc = "transactions handed in after healing are executed by every honest replica in time",
    .params = param_rows,
    .params_bytes = sizeof(struct params),
    .observables = observables,
    .watch = &watch_model,
};
