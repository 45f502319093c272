/* What a trader does who holds, when something has woken it (crowd.h). In this order:
 *
 *   panic    its market has moved against it, within the window, by what unnerves it, or its equity
 *            has come down to a ratio of its maintenance margin: it closes that position, or its
 *            largest, at any price;
 *   loot     the market, but not yet the oracle, has it below maintenance: it withdraws all that the
 *            initial margin leaves free;
 *   top up   its equity has come down to a ratio of its maintenance margin: it adds collateral, so
 *            often, from a wallet of so much;
 *   chase    a market of its own has moved by what makes it go along: it buys what has risen so far
 *            from its low, and sells what has fallen so far from its high, up to its leverage (the
 *            filter rule of Alexander, "Price movements in speculative markets: trends or random
 *            walks", Industrial Management Review 2, 1961). Once a move, until the move is over.
 *
 * One transaction at a time, and `retry_blocks` between two. What funding and socialised losses take
 * from a margin is noticed when prices have moved. */
#include "models/agent/crowd.h"

/* Nobody withdraws less than this share of its deposit. */
#define WORTHWHILE_SHARE 100
/* Roundings of notional and requirement on the exchange, of one position. */
#define ROUNDING_SLACK 2
#define USD_MAX INT64_C(1000000000000000)

/* What a trader looks at, and what it makes of that. */
struct look {
    struct fl_account row;
    struct fl_positions held;
    bool rested;    /* its newest transaction is old enough for another */
    bool loots;     /* its market is torn, and it watches */
    bool counts;    /* the path is so long that its margin may have come down */
    bool moved;     /* some market has moved by what unnerves it */
    bool undecided; /* it cannot tell, for want of a price */
};
struct choice {
    enum phase phase; /* 0: nothing to do */
    uint32_t place;   /* the market whose price is the cause */
    int64_t arg0, arg1;
};

static int64_t price_at(const struct glance *g, const struct fl_holding *at)
{
    const uint32_t place = fl_crowd_place(g->p, at->market);
    return place == NOBODY ? 0 : g->market[place].terms.mark;
}

/* |size * price| in 10^-12 USD. */
static fl_i128 notional(const struct fl_holding *at, int64_t price)
{
    const fl_i128 value = (fl_i128)at->size * price;
    return value < 0 ? -value : value;
}

/* --- margin ------------------------------------------------------------------------------------------ */

/* equity < ratio * maintenance, and there is something to maintain. */
static bool below(const struct fl_account *row, int64_t ratio_ppm)
{
    return row->maintenance > 0 &&
           (fl_i128)row->equity * FL_PPM_ONE < (fl_i128)row->maintenance * ratio_ppm;
}

/* The highest ratio it minds; 0: none. */
static int64_t minded(const struct crowd_params *p, const struct trader *t)
{
    const int64_t top_up = t->traits & TOPS_UP && t->top_ups < p->top_ups_max ? p->top_up_below_ppm
                                                                              : 0;
    return fl_max(top_up, t->traits & PANICS ? p->panic_below_ppm : 0);
}

/* How far all prices may go before equity E comes down to r times the maintenance margin M. A
 * relative move of x takes at most x times the gross notional G from the one and adds x M to the
 * other, so E - x G >= r M (1 + x) up to x = (E - r M) / (G + r M); a path of length v leads
 * no farther than e^v - 1, and v = x / (1 + x) suffices. */
static int64_t safe_path(const struct glance *g, const struct look *look, int64_t ratio_ppm)
{
    fl_i128 gross = 0;
    for (uint32_t i = 0; i < look->held.count; i++)
        gross += notional(&look->held.at[i], price_at(g, &look->held.at[i])) / FL_PPM_ONE + 1;
    const fl_i128 floor = (fl_i128)look->row.maintenance * ratio_ppm / FL_PPM_ONE + 1;
    const fl_i128 slack = ROUNDING_SLACK * (fl_i128)look->held.count * (2 + ratio_ppm / FL_PPM_ONE);
    const fl_i128 above = look->row.equity - floor - slack;
    if (above <= 0) return 0;
    /* x / (1 + x) for x = a / b is a / (a + b). */
    return (int64_t)(above * FL_PPM_ONE / (above + gross + floor));
}

/* False: it may sleep. */
static bool count_again(struct glance *g, uint32_t index, const struct look *look)
{
    const int64_t ratio = minded(g->p, &g->crowd->trader[index]);
    if (ratio == 0) return false;
    fl_crowd_count_at(g->crowd, index, g->crowd->path + safe_path(g, look, ratio));
    return g->crowd->trader[index].until <= g->crowd->path;
}

/* --- panic ------------------------------------------------------------------------------------------- */

static struct choice close_at(const struct glance *g, const struct fl_holding *at)
{
    return (struct choice){CLOSING, fl_crowd_place(g->p, at->market), -at->size, 0};
}

static struct choice panic(const struct glance *g, uint32_t index, const struct look *look)
{
    const struct trader *t = &g->crowd->trader[index];
    const struct choice nothing = {0};
    const struct fl_holding *largest = NULL;
    if (!(t->traits & PANICS)) return nothing;
    for (uint32_t i = 0; i < look->held.count; i++) {
        const struct fl_holding *at = &look->held.at[i];
        const uint32_t place = fl_crowd_place(g->p, at->market);
        if (place == NOBODY || at->size == 0) continue;
        const enum direction against = at->size > 0 ? DOWN : UP;
        if (g->crowd->tide[place].move_ppm[against] >= t->nerve_ppm) return close_at(g, at);
        if (!largest || notional(at, price_at(g, at)) > notional(largest, price_at(g, largest)))
            largest = at;
    }
    const bool thin = look->counts && look->row.priced && below(&look->row, g->p->panic_below_ppm);
    return thin && largest ? close_at(g, largest) : nothing;
}

/* --- loot -------------------------------------------------------------------------------------------- */

/* Equity less margin, in 10^-18 USD: exact. Sizes and prices are below 10^15 and there are 32 markets
 * at most, so all sums are below 2^126. */
static fl_i128 above_margin(const struct glance *g, const struct look *look, bool at_venue)
{
    fl_i128 above = (fl_i128)look->row.quote * FL_PPM_ONE * FL_PPM_ONE;
    for (uint32_t i = 0; i < look->held.count; i++) {
        const struct fl_holding *at = &look->held.at[i];
        const uint32_t place = fl_crowd_place(g->p, at->market);
        if (place == NOBODY || fl_abs(at->size) > FL_SIZE_MAX) return 0;
        const struct outlook *m = &g->market[place];
        const int64_t price = at_venue && m->mid != 0 ? m->mid : m->terms.mark;
        const int64_t ratio = at_venue ? m->terms.maintenance_ppm : m->terms.initial_ppm;
        above += (fl_i128)at->size * price * FL_PPM_ONE - notional(at, price) * ratio;
    }
    return above;
}

/* What a trader who sees the market can still take out of a ledger that does not. */
static struct choice loot(const struct glance *g, uint32_t index, const struct look *look)
{
    const struct choice nothing = {0};
    if (!look->loots || !look->row.priced || look->held.count == 0 ||
        above_margin(g, look, true) >= 0)
        return nothing;
    const fl_i128 one = (fl_i128)FL_PPM_ONE * FL_PPM_ONE;
    const fl_i128 free = above_margin(g, look, false) / one - ROUNDING_SLACK * look->held.count;
    const fl_i128 enough = fl_max(1, fl_crowd_collateral(g->self, index) / WORTHWHILE_SHARE);
    if (free < enough) return nothing;
    const uint32_t place = fl_crowd_place(g->p, look->held.at[0].market);
    return (struct choice){WITHDRAWING, place, free > USD_MAX ? USD_MAX : (int64_t)free, 0};
}

/* --- top up ------------------------------------------------------------------------------------------ */

static struct choice top_up(const struct glance *g, uint32_t index, const struct look *look)
{
    const struct crowd_params *p = g->p;
    const struct trader *t = &g->crowd->trader[index];
    if (!(t->traits & TOPS_UP) || t->top_ups >= p->top_ups_max || !look->counts ||
        !look->row.priced || look->held.count == 0 || !below(&look->row, p->top_up_below_ppm))
        return (struct choice){0};
    const int64_t amount = fl_mul_div_floor(fl_crowd_collateral(g->self, index), p->wallet_ppm,
                                            p->top_ups_max * FL_PPM_ONE);
    if (amount == 0) return (struct choice){0};
    return (struct choice){TOPPING_UP, fl_crowd_place(p, look->held.at[0].market), amount, 0};
}

/* --- chase ------------------------------------------------------------------------------------------- */

static uint16_t move_bit(uint32_t leg, enum direction d)
{
    return (uint16_t)(1U << (DIRECTIONS * leg + d));
}

/* Forgets the moves that are over; true if there is one that it has not gone with yet. */
static bool follows(const struct glance *g, uint32_t index)
{
    struct trader *t = &g->crowd->trader[index];
    uint32_t place[LEGS_MAX];
    bool any = false;
    const uint32_t legs = fl_crowd_legs(g->self, index, place);
    for (uint32_t leg = 0; leg < legs; leg++)
        for (enum direction d = DOWN; d < DIRECTIONS; d++) {
            const bool moves = g->crowd->tide[place[leg]].move_ppm[d] >= t->nerve_ppm;
            if (!moves) t->chased &= (uint16_t)~move_bit(leg, d);
            any = any || (moves && !(t->chased & move_bit(leg, d)));
        }
    return any;
}

/* What is missing to hold equity * leverage in that direction, as one of `legs`; 0 if nothing. */
static int64_t missing(const struct glance *g, uint32_t index, const struct look *look,
                       uint32_t place, uint32_t legs, enum direction d)
{
    const struct fl_market_terms *terms = &g->market[place].terms;
    if (look->row.equity <= 0) return 0;
    const fl_i128 exact = (fl_i128)look->row.equity * fl_crowd_leverage(g->self, index) /
                          ((fl_i128)terms->mark * legs);
    const int64_t most = exact > FL_SIZE_MAX ? FL_SIZE_MAX : (int64_t)exact;
    const int64_t held =
        fl_clamp(fl_size_in(&look->held, fl_crowd_market(g->p, place)), -FL_SIZE_MAX, FL_SIZE_MAX);
    const int64_t more = (d == UP ? most - held : held + most);
    const int64_t lot = fl_max(terms->lot, 1);
    const int64_t size = more <= 0 ? 0 : fl_min(more, FL_SIZE_MAX) / lot * lot;
    return d == UP ? size : -size;
}

static struct choice chase(struct glance *g, uint32_t index, struct look *look)
{
    struct trader *t = &g->crowd->trader[index];
    uint32_t place[LEGS_MAX];
    if (!(t->traits & CHASES) || !look->moved) return (struct choice){0};
    const uint32_t legs = fl_crowd_legs(g->self, index, place);
    for (uint32_t leg = 0; leg < legs; leg++)
        for (enum direction d = DOWN; d < DIRECTIONS; d++) {
            const bool moves = g->crowd->tide[place[leg]].move_ppm[d] >= t->nerve_ppm;
            if (!moves || t->chased & move_bit(leg, d)) continue;
            if (!look->row.priced || !fl_price_plausible(g->market[place[leg]].terms.mark)) {
                look->undecided = true;
                continue;
            }
            const int64_t size = missing(g, index, look, place[leg], legs, d);
            if (size != 0 && !(look->rested && fl_crowd_may_send(g, index))) {
                look->undecided = true;
                return (struct choice){0};
            }
            t->chased |= move_bit(leg, d);
            if (size == 0) continue;
            return (struct choice){CHASING, place[leg], size, fl_crowd_limit(g, place[leg], size)};
        }
    return (struct choice){0};
}

/* --- all of them --------------------------------------------------------------------------------------- */

static bool unnerved(const struct glance *g, uint32_t index)
{
    const struct trader *t = &g->crowd->trader[index];
    if (t->traits & CHASES) return follows(g, index);
    if (!(t->traits & PANICS)) return false;
    for (uint32_t i = 0; i < fl_crowd_places(g->p); i++)
        for (enum direction d = DOWN; d < DIRECTIONS; d++)
            if (g->crowd->tide[i].move_ppm[d] >= t->nerve_ppm) return true;
    return false;
}

static bool on_patrol(const struct glance *g, uint32_t index)
{
    const uint32_t count = g->self->account_count;
    return (index + count - g->patrol_from) % count < g->patrol_count;
}

static void tally(struct glance *g, uint32_t index, enum phase phase)
{
    struct crowd *crowd = g->crowd;
    crowd->withdrawals += phase == WITHDRAWING;
    crowd->panics += phase == CLOSING;
    crowd->chases += phase == CHASING;
    crowd->top_ups += phase == TOPPING_UP;
    crowd->trader[index].top_ups = (uint8_t)(crowd->trader[index].top_ups + (phase == TOPPING_UP));
}

static struct choice choose(struct glance *g, uint32_t index, struct look *look)
{
    struct choice choice = panic(g, index, look);
    if (!choice.phase) choice = loot(g, index, look);
    if (!choice.phase) choice = top_up(g, index, look);
    if (!choice.phase) choice = chase(g, index, look);
    return choice;
}

bool fl_crowd_hold(struct glance *g, uint32_t index)
{
    struct trader *t = &g->crowd->trader[index];
    struct look look = {.rested = fl_crowd_waited(g, t)};
    look.loots = g->torn && look.rested && t->traits & WATCHES;
    look.counts = minded(g->p, t) > 0 && g->crowd->path >= t->until;
    look.moved = unnerved(g, index);
    if (!look.loots && !look.counts && !look.moved && !on_patrol(g, index)) return false;
    if (!fl_crowd_read(g, index, &look.row)) return true;
    if (fl_crowd_saw(g, index, &look.row)) return false;
    if (!look.loots && !look.counts && !look.moved) return false;
    if (!fl_read_positions(g->view, g->p->exchange, g->self->account_first + index, &look.held))
        return true;
    const struct choice choice = choose(g, index, &look);
    if (choice.phase) {
        if (!look.rested || !fl_crowd_may_send(g, index)) return true;
        fl_crowd_because(g, choice.place);
        tally(g, index, choice.phase);
        t->market = (uint8_t)fl_crowd_market(g->p, choice.place);
        fl_crowd_act(g, index, choice.phase, choice.arg0, choice.arg1);
        return true;
    }
    if (look.counts && !look.row.priced) return true;
    const bool counts_on = look.counts && count_again(g, index, &look);
    return look.undecided || counts_on;
}
