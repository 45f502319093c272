/* Who in a crowd has a reason to look at a head (crowd.h). */
#include "models/agent/crowd.h"

/* --- layout ---------------------------------------------------------------------------------------- */

static size_t words_of(uint32_t traders)
{
    return traders / 64 + 1;
}

uint64_t *fl_crowd_awake(const struct fl_self *self, struct crowd *crowd)
{
    return (uint64_t *)&crowd->trader[self->account_count];
}
static uint64_t *watchers_of(const struct fl_self *self, struct crowd *crowd)
{
    return fl_crowd_awake(self, crowd) + words_of(self->account_count);
}
static uint32_t *by_nerve_of(const struct fl_self *self, struct crowd *crowd)
{
    return (uint32_t *)(watchers_of(self, crowd) + words_of(self->account_count));
}

size_t fl_crowd_bytes(const struct crowd_params *p, uint32_t traders)
{
    const bool nervous = p->panic_ppm + p->chase_ppm > 0;
    return sizeof(struct crowd) + traders * sizeof(struct trader) +
           2 * words_of(traders) * sizeof(uint64_t) + (nervous ? traders * sizeof(uint32_t) : 0);
}

static void set_bit(uint64_t *bits, uint32_t index)
{
    bits[index / 64] |= UINT64_C(1) << index % 64;
}

/* --- in the order of `until` ------------------------------------------------------------------------ */

/* Two chains in ascending order into one; of equals, those of `a` first. */
static uint32_t merged(struct trader *trader, uint32_t a, uint32_t b)
{
    uint32_t head = NOBODY, *end = &head;
    while (a != NOBODY && b != NOBODY) {
        uint32_t *least = trader[b].until < trader[a].until ? &b : &a;
        *end = *least;
        end = &trader[*least].next;
        *least = *end;
    }
    *end = a != NOBODY ? a : b;
    return head;
}

/* Chains those of all traders who have one of `traits` (0: everybody) by `until`, then by number.
 * Merge sort from below: bin k is empty or holds 2^k of them, earlier ones than bin k - 1. */
static uint32_t chained(struct trader *trader, uint32_t count, uint8_t traits)
{
    enum { BINS = 32 };
    uint32_t bin[BINS], all = NOBODY;
    for (uint32_t k = 0; k < BINS; k++) bin[k] = NOBODY;
    for (uint32_t i = 0; i < count; i++) {
        if (traits && !(trader[i].traits & traits)) continue;
        uint32_t carry = i, k = 0;
        trader[i].next = NOBODY;
        for (; bin[k] != NOBODY; k++) {
            carry = merged(trader, bin[k], carry);
            bin[k] = NOBODY;
        }
        bin[k] = carry;
    }
    for (uint32_t k = 0; k < BINS; k++) all = merged(trader, bin[k], all);
    return all;
}

void fl_crowd_init(const struct fl_self *self, struct crowd *crowd)
{
    struct trader *const trader = crowd->trader;
    const uint32_t count = self->account_count;
    for (uint32_t i = 0; i < count; i++) {
        trader[i].traits = fl_crowd_traits(self, i, &trader[i].nerve_ppm);
        trader[i].phase = WAITING;
        trader[i].until = trader[i].nerve_ppm;
        if (trader[i].traits & WATCHES) set_bit(watchers_of(self, crowd), i);
    }
    uint32_t *const by_nerve = by_nerve_of(self, crowd);
    for (uint32_t i = chained(trader, count, PANICS | CHASES); i != NOBODY; i = trader[i].next)
        by_nerve[crowd->nerves++] = i;
    for (uint32_t i = 0; i < count; i++) trader[i].until = fl_crowd_opening(self, i);
    crowd->opening = chained(trader, count, 0);
    for (uint32_t k = 0; k < RING_SLOTS; k++) crowd->ring[k] = NOBODY;
}

/* --- the ring: who counts its margin when the path is so long --------------------------------------- */

static uint32_t *slot_of(struct crowd *crowd, int64_t path)
{
    return &crowd->ring[path / RING_WIDTH % RING_SLOTS];
}

static void unlist(struct crowd *crowd, uint32_t index)
{
    struct trader *t = &crowd->trader[index];
    *(t->prev == NOBODY ? slot_of(crowd, t->until) : &crowd->trader[t->prev].next) = t->next;
    if (t->next != NOBODY) crowd->trader[t->next].prev = t->prev;
    t->traits &= (uint8_t)~LISTED;
}

/* To the beginning of a slot, and no farther than the ring goes round: so early rather than late. */
void fl_crowd_count_at(struct crowd *crowd, uint32_t index, int64_t path)
{
    struct trader *t = &crowd->trader[index];
    const int64_t here = crowd->path - crowd->path % RING_WIDTH;
    if (t->traits & LISTED) unlist(crowd, index);
    t->until = fl_min(path - path % RING_WIDTH, here + (RING_SLOTS - 1) * RING_WIDTH);
    if (t->until <= crowd->path) return;
    uint32_t *slot = slot_of(crowd, t->until);
    t->prev = NOBODY;
    t->next = *slot;
    if (*slot != NOBODY) crowd->trader[*slot].prev = index;
    *slot = index;
    t->traits |= LISTED;
}

/* The path goes on to `to`: all whose slot it reaches. */
static void go_on(struct crowd *crowd, uint64_t *awake, int64_t to)
{
    const int64_t from = crowd->path / RING_WIDTH + 1;
    const int64_t last = fl_min(to / RING_WIDTH, from + RING_SLOTS - 1);
    crowd->path = to;
    for (int64_t k = from; k <= last; k++)
        for (uint32_t *slot = slot_of(crowd, k * RING_WIDTH); *slot != NOBODY;) {
            set_bit(awake, *slot);
            unlist(crowd, *slot);
        }
}

/* --- moves within the window ------------------------------------------------------------------------- */

/* Forgets what has left the window, and takes the mark in. */
static void take_mark(struct tide *tide, fl_time width, int64_t mark, fl_time now)
{
    const int64_t slot = now / width;
    const int64_t first = tide->mark == 0 ? slot : fl_max(tide->slot + 1, slot - TIDE_SLOTS + 1);
    for (int64_t k = first; k <= slot; k++)
        tide->high[k % TIDE_SLOTS] = tide->low[k % TIDE_SLOTS] = 0;
    int64_t *high = &tide->high[slot % TIDE_SLOTS], *low = &tide->low[slot % TIDE_SLOTS];
    *high = fl_max(*high, mark);
    *low = *low == 0 ? mark : fl_min(*low, mark);
    tide->slot = slot;
    tide->mark = mark;
}

static void measure(struct tide *tide)
{
    int64_t high = tide->mark, low = tide->mark;
    for (uint32_t k = 0; k < TIDE_SLOTS; k++) {
        if (tide->high[k] == 0) continue;
        high = fl_max(high, tide->high[k]);
        low = fl_min(low, tide->low[k]);
    }
    tide->move_ppm[DOWN] = fl_mul_div_floor(high - tide->mark, FL_PPM_ONE, high);
    const fl_i128 up = (fl_i128)(tide->mark - low) * FL_PPM_ONE / low;
    tide->move_ppm[UP] = up > INT64_MAX ? INT64_MAX : (int64_t)up;
}

/* Those whom the move has come to unnerve, or no longer does. */
static void reach(struct glance *g, uint64_t *awake, struct tide *tide, enum direction d)
{
    struct crowd *crowd = g->crowd;
    const uint32_t *const by_nerve = by_nerve_of(g->self, crowd);
    const int64_t move = tide->move_ppm[d];
    uint32_t n = tide->reach[d];
    while (n < crowd->nerves && crowd->trader[by_nerve[n]].nerve_ppm <= move)
        set_bit(awake, by_nerve[n++]);
    while (n > 0 && crowd->trader[by_nerve[n - 1]].nerve_ppm > move) set_bit(awake, by_nerve[--n]);
    tide->reach[d] = n;
}

/* |to - from| / from, up; no more than once round the ring. */
static int64_t relative_step(int64_t from, int64_t to)
{
    if (from == 0) return 0;
    const fl_i128 step = ((fl_i128)fl_abs(to - from) * FL_PPM_ONE + from - 1) / from;
    return step > RING_SLOTS * RING_WIDTH ? RING_SLOTS * RING_WIDTH : (int64_t)step;
}

static void on_marks(struct glance *g, uint64_t *awake)
{
    struct crowd *crowd = g->crowd;
    const fl_time width = fl_max(g->p->window / TIDE_SLOTS, 1);
    int64_t longest = 0;
    for (uint32_t i = 0; i < fl_crowd_places(g->p); i++) {
        struct tide *tide = &crowd->tide[i];
        const int64_t mark = g->market[i].terms.mark;
        if (!fl_price_plausible(mark)) continue;
        longest = fl_max(longest, relative_step(tide->mark, mark));
        if (crowd->nerves == 0) {
            tide->mark = mark;
            continue;
        }
        take_mark(tide, width, mark, g->now);
        measure(tide);
        for (enum direction d = DOWN; d < DIRECTIONS; d++) reach(g, awake, tide, d);
    }
    go_on(crowd, awake, fl_add(crowd->path, longest));
}

/* --- a head ------------------------------------------------------------------------------------------ */

/* Somebody was liquidated: each trader who holds looks whether it was he, in turn. */
static void patrol(struct glance *g, uint64_t *awake)
{
    struct crowd *crowd = g->crowd;
    const uint32_t count = g->self->account_count;
    g->patrol_from = crowd->patrol_next;
    g->patrol_count = crowd->patrol_left < PATROL ? crowd->patrol_left : PATROL;
    for (uint32_t k = 0; k < g->patrol_count; k++) {
        const uint32_t index = (crowd->patrol_next + k) % count;
        if (crowd->trader[index].phase == HOLDING) set_bit(awake, index);
    }
    crowd->patrol_next = (crowd->patrol_next + g->patrol_count) % count;
    crowd->patrol_left -= g->patrol_count;
}

void fl_crowd_wake(struct glance *g)
{
    struct crowd *crowd = g->crowd;
    uint64_t *const awake = fl_crowd_awake(g->self, crowd);
    for (; crowd->opening != NOBODY && crowd->trader[crowd->opening].until <= g->now;
         crowd->opening = crowd->trader[crowd->opening].next)
        set_bit(awake, crowd->opening);
    on_marks(g, awake);
    patrol(g, awake);
    if (!g->torn) return;
    const uint64_t *const watchers = watchers_of(g->self, crowd);
    for (size_t i = 0; i < words_of(g->self->account_count); i++) awake[i] |= watchers[i];
}
