/* The few lines every client of a chain needs: to sign a transaction and hand it in, to know a head
 * of its own replica, and to keep the newest quote of the market.
 *
 * Bounds. Prices and sizes come from other nodes, some of them corrupted. What lies beyond a
 * billion dollars, or a billion units, is noise and is ignored: so no product here leaves 128 bits. */
#ifndef FL_SUBMIT_H
#define FL_SUBMIT_H
#include "models/wire.h"

#define FL_PRICE_MAX INT64_C(1000000000000000)
#define FL_SIZE_MAX INT64_C(1000000000000000)

static inline bool fl_price_plausible(int64_t price)
{
    return price > 0 && price <= FL_PRICE_MAX;
}

/* --- transactions ------------------------------------------------------------------------------ */

static inline bool fl_can_submit(const struct fl_self *self)
{
    return self->replica.i != FL_NOWHERE.i && self->account_count > 0;
}

/* Signs `tx`, notes it and hands it to the sender's replica. The effect is returned so that the
 * caller can hold it back. `copy` counts resubmissions of the same account and nonce. A transaction
 * that names no fee bids what its sender's group does.
 *
 * The replica may be another one than last time ("failover_s"). Whether it knows what the one before
 * was told nobody says: who misses a transaction in its heads hands it in again, and the nonce sees to
 * it that it is executed once. */
static inline struct fl_effect *fl_submit(const struct fl_self *self, struct fl_tx *tx,
                                          uint16_t copy, struct fl_outbox *out)
{
    FL_ASSERT(fl_can_submit(self));
    if (tx->fee_cap == 0) {
        tx->fee_cap = self->fee_cap;
        tx->tip = self->tip;
    }
    tx->tag = fl_sign(self, fl_tx_digest(tx), out);
    int64_t *note = fl_note(out, FL_RECORD_TX, tx->account, (int64_t)tx->nonce);
    note[2] = tx->contract;
    note[3] = tx->kind;
    note[4] = copy;
    const fl_blob blob = fl_blob_put(out, tx, sizeof *tx, 0, NULL);

    struct fl_effect *send = fl_emit(out, FL_SEND);
    send->reach = FL_TO_ONE;
    send->to = self->replica;
    send->msg.family = FL_CHAIN;
    send->msg.kind = FL_SUBMIT;
    send->msg.copy = copy;
    send->msg.word[0] = tx->account;
    send->msg.word[1] = tx->nonce;
    send->msg.blob = blob;
    return send;
}

/* --- what a client sees of the ledger ------------------------------------------------------------ */

/* A block of the replica it is attached to; nobody else's word counts. It may be an older one than was
 * seen before, if the replica lags; the view stays where it was. */
static inline bool fl_is_head(const struct fl_self *self, const struct fl_event *in)
{
    return in->kind == FL_MSG && in->msg.kind == FL_NEW_HEAD && in->msg.from.i == self->replica.i;
}

/* The highest nonce `account` has used; false if the view cannot be read. */
static inline bool fl_read_nonce(const struct fl_view *view, uint32_t account, int64_t *used)
{
    const struct fl_query query = {
        .contract = FL_LEDGER, .kind = FL_ASK_NONCE, .arg = {account, 0, 0}};
    return fl_read(view, &query, used, sizeof *used) == FL_READ_OK;
}

static inline bool fl_read_account(const struct fl_view *view, uint32_t exchange, uint32_t account,
                                   struct fl_account *row)
{
    const struct fl_query query = {
        .contract = (uint16_t)exchange, .kind = FL_ASK_ACCOUNT, .arg = {account, 0, 0}};
    return fl_read(view, &query, row, sizeof *row) == FL_READ_OK;
}

static inline bool fl_read_positions(const struct fl_view *view, uint32_t exchange,
                                     uint32_t account, struct fl_positions *held)
{
    const struct fl_query query = {
        .contract = (uint16_t)exchange, .kind = FL_ASK_POSITIONS, .arg = {account, 0, 0}};
    return fl_read(view, &query, held, sizeof *held) == FL_READ_OK;
}

/* 0 if there is no position. */
static inline int64_t fl_size_in(const struct fl_positions *held, uint32_t market)
{
    const uint32_t count = held->count < FL_EXCHANGE_MARKETS_MAX ? held->count
                                                                 : FL_EXCHANGE_MARKETS_MAX;
    for (uint32_t i = 0; i < count; i++)
        if (held->at[i].market == market) return held->at[i].size;
    return 0;
}

/* The terms of one of an exchange's markets and the price of its oracle. */
static inline bool fl_read_market(const struct fl_view *view, uint32_t exchange, uint32_t market,
                                  struct fl_market_terms *terms, struct fl_price *price)
{
    const struct fl_query about = {
        .contract = (uint16_t)exchange, .kind = FL_ASK_MARKET, .arg = {market, 0, 0}};
    if (fl_read(view, &about, terms, sizeof *terms) != FL_READ_OK) return false;
    const struct fl_query oracle = {.contract = terms->oracle, .kind = FL_ASK_PRICE};
    return fl_read(view, &oracle, price, sizeof *price) == FL_READ_OK;
}

/* The same of the first market. */
static inline bool fl_read_terms(const struct fl_view *view, uint32_t exchange,
                                 struct fl_market_terms *terms, struct fl_price *price)
{
    return fl_read_market(view, exchange, 0, terms, price);
}

/* --- what a client sees of the market ------------------------------------------------------------ */

/* The newest quote that reached this actor. */
struct fl_sight {
    uint64_t step;
    int64_t mid; /* 0: none yet */
    fl_time seen_at;
    fl_time interval; /* between the last two; 0: only one so far */
};

/* Takes a quote newer than what it has. False for everything else, so also for an older one that
 * was overtaken on its way. */
static inline bool fl_sight_take(struct fl_sight *sight, const struct fl_event *in)
{
    if (in->kind != FL_MSG || in->msg.kind != FL_QUOTE || !fl_price_plausible(in->msg.value[0]))
        return false;
    if (sight->mid != 0 && in->msg.word[0] <= sight->step) return false;
    sight->interval = sight->mid == 0 ? 0 : in->now - sight->seen_at;
    sight->step = in->msg.word[0];
    sight->mid = in->msg.value[0];
    sight->seen_at = in->now;
    return true;
}

/* False if quotes have stopped to come: after a crash, what it saw last is no longer the market. */
static inline bool fl_sight_current(const struct fl_sight *sight, fl_time now)
{
    if (sight->mid == 0) return false;
    return sight->interval == 0 || now - sight->seen_at <= 2 * sight->interval;
}

/* --- liquidity that thins under stress ----------------------------------------------------------- */

/* What whoever offers depth thinks of the price's unrest: its realised volatility, from squares of
 * relative changes of which those of one half life ago count half, against a calm level. Depth is
 * offered in full up to that level; beyond, each multiple of it takes a share `thins` away, down to
 * a floor. (That depth falls as volatility rises: Nagel, "Evaporating liquidity", Review of Financial
 * Studies 25, 2012. The linear form is an assumption.) */
struct fl_thinning {
    int64_t thins_ppm; /* 0: not at all */
    int64_t floor_ppm;
    int64_t calm_ppb; /* volatility per square root of a second, 10^-9 */
    fl_time half_life;
};
struct fl_unrest {
    int64_t price;   /* seen last; 0: none yet */
    int64_t squares; /* 10^-18 */
    fl_time at;
};
#define FL_PPB_ONE INT64_C(1000000000)
#define FL_UNREST_MAX INT64_C(1000000000000000000) /* of `squares`: 1 */

static inline void fl_unrest_take(struct fl_unrest *unrest, const struct fl_thinning *thinning,
                                  int64_t price, fl_time now)
{
    if (unrest->price != 0) {
        const fl_time elapsed = now - unrest->at;
        const bool gone = elapsed / thinning->half_life >= 31; /* below one unit of Q32 */
        const int64_t exponent = gone ? 0
                                      : fl_mul_div_floor(elapsed, -FL_LN2_Q32, thinning->half_life);
        const int64_t kept =
            gone ? 0 : fl_mul_div_trunc(unrest->squares, fl_exp_q32(exponent), FL_Q32_ONE);
        const fl_i128 change = (fl_i128)(price - unrest->price) * FL_PPB_ONE / unrest->price;
        const int64_t step = change > FL_PPB_ONE    ? FL_PPB_ONE
                             : change < -FL_PPB_ONE ? -FL_PPB_ONE
                                                    : (int64_t)change;
        unrest->squares = fl_min(kept + step * step, FL_UNREST_MAX);
    }
    unrest->price = price;
    unrest->at = now;
}

/* Share of the full depth that is offered, in ppm. A volatility s leaves squares of s^2 half_life / ln 2
 * on average. */
static inline int64_t fl_depth_share(const struct fl_unrest *unrest,
                                     const struct fl_thinning *thinning)
{
    if (thinning->thins_ppm == 0) return FL_PPM_ONE;
    const fl_i128 squares = (fl_i128)unrest->squares * FL_LN2_Q32 / FL_Q32_ONE;
    const fl_i128 variance = squares * FL_SECOND / thinning->half_life;
    const int64_t volatility =
        (int64_t)fl_isqrt((uint64_t)(variance > INT64_MAX ? INT64_MAX : (int64_t)variance));
    const int64_t ratio = fl_mul_div_floor(volatility, FL_PPM_ONE, thinning->calm_ppb);
    const int64_t excess = fl_clamp(ratio - FL_PPM_ONE, 0, FL_PPM_ONE * FL_PPM_ONE);
    const int64_t lost = fl_mul_div_ceil(excess, thinning->thins_ppm, FL_PPM_ONE);
    return fl_max(thinning->floor_ppm, FL_PPM_ONE - lost);
}

#endif
