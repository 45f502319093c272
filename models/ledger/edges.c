/* Adverse edges: see edges.h. Two 4-ary implicit heaps a market, in one block of memory.
 *
 * Both sides are one: a leg's coordinate is turned so that it rises against the leg (a long's is ~long_at,
 * which is -long_at - 1 and cannot overflow). Then each heap has its least key on top, and a key is
 * crossed where the coordinate has reached it.
 *
 * Why reaching is crossing. A key is the coordinate when put, rounded up, plus the room r = floor(share * 10^6 /
 * |size|). Not reached means that the coordinate, rounded up, has risen by at most r - 1; so the true one, which may
 * have been less by up to a unit when put, has risen by less than r, which costs less than the share. Shares add up
 * to no more than the slack.
 *
 * Saturation is on the safe side: a key or a slack too large for its type becomes less, so that it is reached too
 * early if at all. */
#include "models/ledger/edges.h"

#define UNITS 1000000 /* sizes and prices are in 10^-6: size * price / UNITS is money */

/* Four entries with one parent. Entry 0 is alone, in lane 3 of quad 0, so that the children of the entry in slot s
 * are the whole of quad s - 2: 48 bytes that follow one another. */
enum { LANES = 4, ROOT = LANES - 1 };
struct quad {
    int64_t key[LANES];
    uint32_t leg[LANES];
};
struct leg {
    uint32_t account;
    uint32_t next; /* leg of the same account, or in the free list; 0: none */
    uint32_t heap; /* 2 * market, + 1 for a short */
    uint32_t slot;
};
struct heap {
    int64_t top; /* key of the root, kept here so that a look at all heaps is a look at few lines */
    uint32_t count, zero;
};
struct edges {
    uint32_t accounts, legs_max, markets;
    uint32_t used, free; /* legs ever taken; the first that came back */
    uint32_t zero;
    /* Where things are: bytes from the start of the block. */
    uint64_t heaps, quads, quads_stride, legs, first, seen, found;
    uint64_t bytes;
};

/* --- places in the block --------------------------------------------------------------------------- */

static uint64_t take_bytes(uint64_t *end, uint64_t bytes)
{
    const uint64_t at = *end;
    *end += (bytes + 63) / 64 * 64;
    return at;
}

/* What fills comes before what may stay empty. An account has one leg in a heap at most. */
static struct edges lay_out(uint32_t accounts, uint32_t legs_max, uint32_t markets)
{
    struct edges e = {.accounts = accounts, .legs_max = legs_max, .markets = markets};
    const uint64_t heaps = 2 * (uint64_t)markets, most = accounts < legs_max ? accounts : legs_max;
    FL_ASSERT(markets <= UINT32_MAX / 2);
    FL_ASSERT(legs_max <= UINT32_MAX - LANES); /* a slot is a uint32_t */
    take_bytes(&e.bytes, sizeof e);
    e.heaps = take_bytes(&e.bytes, heaps * sizeof(struct heap));
    e.first = take_bytes(&e.bytes, accounts * sizeof(uint32_t));
    e.seen = take_bytes(&e.bytes, ((uint64_t)accounts + 63) / 64 * sizeof(uint64_t));
    e.legs = take_bytes(&e.bytes, ((uint64_t)legs_max + 1) * sizeof(struct leg));
    e.found = take_bytes(&e.bytes, accounts * sizeof(uint32_t));
    e.quads = e.bytes;
    e.quads_stride = take_bytes(&e.bytes, ((most + ROOT) / LANES + 1) * sizeof(struct quad));
    e.quads_stride = e.bytes - e.quads;
    e.bytes = e.quads + heaps * e.quads_stride;
    return e;
}

size_t fl_edges_bytes(uint32_t accounts, uint32_t legs_max, uint32_t markets)
{
    return lay_out(accounts, legs_max, markets).bytes;
}

static struct heap *heaps_of(const struct edges *e)
{
    return (struct heap *)((char *)e + e->heaps);
}
static struct quad *quads_of(const struct edges *e, uint32_t heap)
{
    return (struct quad *)((char *)e + e->quads + heap * e->quads_stride);
}
static struct leg *legs_of(const struct edges *e)
{
    return (struct leg *)((char *)e + e->legs);
}
static uint32_t *first_of(const struct edges *e)
{
    return (uint32_t *)((char *)e + e->first);
}

void fl_edges_init(void *edges, uint32_t accounts, uint32_t legs_max, uint32_t markets)
{
    struct edges *const e = edges;
    *e = lay_out(accounts, legs_max, markets);
    for (uint32_t h = 0; h < 2 * markets; h++) heaps_of(e)[h].top = INT64_MAX;
}

/* --- a heap ---------------------------------------------------------------------------------------- */

static uint64_t parent(uint64_t slot)
{
    return slot / LANES + ROOT - 1;
}
static uint64_t first_child(uint64_t slot)
{
    return (slot - (ROOT - 1)) * LANES;
}
static int64_t key_at(const struct quad *quads, uint64_t slot)
{
    return quads[slot / LANES].key[slot % LANES];
}
static uint32_t leg_at(const struct quad *quads, uint64_t slot)
{
    return quads[slot / LANES].leg[slot % LANES];
}

static void set(struct edges *e, struct quad *quads, uint32_t slot, int64_t key, uint32_t leg)
{
    quads[slot / LANES].key[slot % LANES] = key;
    quads[slot / LANES].leg[slot % LANES] = leg;
    legs_of(e)[leg].slot = slot;
}

/* Moves parents down until `key` may stand in the slot; that slot. */
static uint32_t rise(struct edges *e, struct quad *quads, uint32_t slot, int64_t key)
{
    while (slot != ROOT && key < key_at(quads, parent(slot))) {
        const uint32_t above = (uint32_t)parent(slot);
        set(e, quads, slot, key_at(quads, above), leg_at(quads, above));
        slot = above;
    }
    return slot;
}

/* Moves least children up until `key` may stand in the slot; that slot. `end` is past the last. */
static uint32_t sink(struct edges *e, struct quad *quads, uint32_t slot, uint32_t end, int64_t key)
{
    for (;;) {
        const uint64_t child = first_child(slot);
        if (child >= end) return slot;
        const uint32_t last = (uint32_t)(child + LANES < end ? child + LANES : end);
        uint32_t least = (uint32_t)child;
        for (uint32_t s = least + 1; s < last; s++)
            if (key_at(quads, s) < key_at(quads, least)) least = s;
        if (key <= key_at(quads, least)) return slot;
        set(e, quads, slot, key_at(quads, least), leg_at(quads, least));
        slot = least;
    }
}

/* The entry of `leg` goes to `slot`, which is free, or to where the heap is in order from there. */
static void settle(struct edges *e, uint32_t h, uint32_t slot, int64_t key, uint32_t leg)
{
    struct heap *const heap = &heaps_of(e)[h];
    struct quad *const quads = quads_of(e, h);
    const uint32_t risen = rise(e, quads, slot, key);
    const uint32_t to = risen != slot ? risen : sink(e, quads, slot, ROOT + heap->count, key);
    set(e, quads, to, key, leg);
    heap->top = key_at(quads, ROOT);
}

static void enter(struct edges *e, uint32_t leg, uint32_t h, int64_t key)
{
    struct heap *const heap = &heaps_of(e)[h];
    FL_ASSERT(heap->count < e->accounts); /* one leg a market */
    legs_of(e)[leg].heap = h;
    settle(e, h, ROOT + heap->count++, key, leg);
}

static void leave(struct edges *e, uint32_t leg)
{
    const struct leg *const l = &legs_of(e)[leg];
    struct heap *const heap = &heaps_of(e)[l->heap];
    struct quad *const quads = quads_of(e, l->heap);
    const uint32_t last = ROOT + --heap->count;
    if (l->slot != last) settle(e, l->heap, l->slot, key_at(quads, last), leg_at(quads, last));
    if (heap->count == 0) heap->top = INT64_MAX;
}

/* --- keys ------------------------------------------------------------------------------------------ */

static uint64_t magnitude(int64_t a)
{
    return a < 0 ? 0 - (uint64_t)a : (uint64_t)a;
}
static uint32_t heap_of(const struct fl_edge_leg *leg)
{
    return 2 * leg->market + (leg->size < 0);
}
/* Rises against the leg. */
static int64_t adverse(const struct fl_edge_market *at, bool is_short)
{
    return is_short ? at->short_at : ~at->long_at;
}

/* What a move of the leg's coordinate by a given part of itself costs. */
static fl_u128 exposure(const struct fl_edge_leg *leg, const struct fl_edge_market *at)
{
    const int64_t coordinate = leg->size < 0 ? at[leg->market].short_at : at[leg->market].long_at;
    return (fl_u128)magnitude(leg->size) * magnitude(coordinate);
}

/* Weights in which the slack is shared out: a leg's exposure, and for all alike a 32nd of the largest one.
 *
 * Exposure alone makes all legs allow the same relative move, which is best if markets move as one. If each moves by
 * itself, a small leg is crossed as often as a large one, and more room for it costs the large one next to nothing.
 * Tried in bench_edges, 100,000 accounts with one to five legs, rechecks for each account taken out
 *     markets                      independent  correlation 0.7  independent  correlation 0.7
 *     sizes                                                      heavy tails      heavy tails
 *     exposure and a 32nd                 13.7             10.3          9.4              7.1
 *     exposure and an 8th                 13.9             10.1          9.9              8.2
 *     exposure                            14.0             11.5         10.9              9.3
 *     exposure^0.75                       13.9              9.9          9.0              6.8
 *     square root of exposure             14.4             11.4          9.7              8.6
 *     all alike                           21.3             19.2         24.2             24.0
 * of which the power would cost two square roots a leg. */
struct split {
    fl_i128 slack;
    uint64_t alike, total;
    int shift;
};
enum { WEIGHT_BITS = 32, ALIKE_SHIFT = 5, SLACK_BITS = 88 };

/* Never 0, and at most 33 bits. */
static uint64_t weight(const struct split *split, fl_u128 exposed)
{
    return (uint64_t)(exposed >> split->shift) + split->alike;
}

/* a > 0 */
static int bits(fl_u128 a)
{
    const uint64_t high = (uint64_t)(a >> 64);
    return high != 0 ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)a);
}

static struct split split_of(const struct fl_edge_leg *legs, uint32_t count, fl_i128 slack,
                             const struct fl_edge_market *at)
{
    const fl_i128 most = (fl_i128)1 << SLACK_BITS;
    struct split split = {.slack = slack < most ? slack : most};
    fl_u128 largest = 0;
    for (uint32_t i = 0; i < count; i++) {
        const fl_u128 exposed = exposure(&legs[i], at);
        if (exposed > largest) largest = exposed;
    }
    if (largest >> WEIGHT_BITS != 0) split.shift = bits(largest) - WEIGHT_BITS;
    split.alike = (uint64_t)(largest >> split.shift >> ALIKE_SHIFT) + 1;
    for (uint32_t i = 0; i < count; i++) split.total += weight(&split, exposure(&legs[i], at));
    return split;
}

static int64_t key_of(const struct split *split, const struct fl_edge_leg *leg, uint32_t count,
                      const struct fl_edge_market *at)
{
    if (split->slack < 0) return INT64_MIN;
    const fl_i128 share = count == 1 ? split->slack
                                     : split->slack * (fl_i128)weight(split, exposure(leg, at)) /
                                           (fl_i128)split->total;
    const fl_i128 key = adverse(&at[leg->market], leg->size < 0) +
                        share * UNITS / (fl_i128)magnitude(leg->size);
    return key < INT64_MAX ? (int64_t)key : INT64_MAX;
}

/* --- accounts -------------------------------------------------------------------------------------- */

static uint32_t take_leg(struct edges *e, uint32_t account)
{
    uint32_t leg = e->free;
    if (leg != 0) {
        e->free = legs_of(e)[leg].next;
    } else {
        FL_ASSERT(e->used < e->legs_max);
        leg = ++e->used;
    }
    legs_of(e)[leg].account = account;
    legs_of(e)[leg].next = 0;
    return leg;
}

void fl_edges_put(void *edges, uint32_t account, const struct fl_edge_leg *legs, uint32_t count,
                  fl_i128 slack, const struct fl_edge_market *at)
{
    struct edges *const e = edges;
    FL_ASSERT(account < e->accounts);
    const struct split split = split_of(legs, count, slack, at);
    uint32_t *link = &first_of(e)[account];
    for (uint32_t i = 0; i < count; i++) {
        FL_ASSERT(legs[i].market < e->markets);
        FL_ASSERT(legs[i].size != 0);
        const uint32_t h = heap_of(&legs[i]);
        const int64_t key = key_of(&split, &legs[i], count, at);
        if (*link == 0) {
            *link = take_leg(e, account);
            enter(e, *link, h, key);
        } else if (legs_of(e)[*link].heap == h) {
            settle(e, h, legs_of(e)[*link].slot, key, *link);
        } else {
            leave(e, *link);
            enter(e, *link, h, key);
        }
        link = &legs_of(e)[*link].next;
    }
    for (uint32_t leg = *link, next; leg != 0; leg = next) {
        leave(e, leg);
        next = legs_of(e)[leg].next;
        legs_of(e)[leg].next = e->free;
        e->free = leg;
    }
    *link = 0;
}

/* --- what is crossed ------------------------------------------------------------------------------- */

/* Appends the account of a leg to `found`, once; how many there are then. */
static uint32_t note(struct edges *e, uint32_t leg, uint32_t count)
{
    uint64_t *const seen = (uint64_t *)((char *)e + e->seen);
    const uint32_t account = legs_of(e)[leg].account;
    const uint64_t bit = UINT64_C(1) << account % 64;
    if (seen[account / 64] & bit) return count;
    seen[account / 64] |= bit;
    ((uint32_t *)((char *)e + e->found))[count] = account;
    return count + 1;
}

/* Down from the root, into the children of crossed entries alone, without a stack: from the last of
 * four the way on is the one after their parent. */
static uint32_t walk(struct edges *e, uint32_t h, int64_t coordinate, uint32_t count)
{
    const struct quad *const quads = quads_of(e, h);
    const uint64_t end = (uint64_t)ROOT + heaps_of(e)[h].count;
    uint64_t slot = ROOT;
    for (;;) {
        if (slot < end && key_at(quads, slot) <= coordinate) {
            count = note(e, leg_at(quads, slot), count);
            slot = first_child(slot);
            continue;
        }
        while (slot % LANES == LANES - 1) {
            if (slot == ROOT) return count;
            slot = parent(slot);
        }
        slot++;
    }
}

const uint32_t *fl_edges_crossed(void *edges, const struct fl_edge_market *at, uint32_t *count)
{
    struct edges *const e = edges;
    const struct heap *const heaps = heaps_of(e);
    uint32_t *const found = (uint32_t *)((char *)e + e->found);
    *count = 0;
    for (uint32_t h = 0; h < 2 * e->markets; h++) {
        const int64_t coordinate = adverse(&at[h / 2], h % 2);
        if (heaps[h].top <= coordinate) *count = walk(e, h, coordinate, *count);
    }
    uint64_t *const seen = (uint64_t *)((char *)e + e->seen);
    for (uint32_t i = 0; i < *count; i++) seen[found[i] / 64] = 0;
    return found;
}

/* --- soundness ------------------------------------------------------------------------------------- */

static const char *unsound_heap(const struct edges *e, uint32_t h)
{
    const struct heap *const heap = &heaps_of(e)[h];
    const struct quad *const quads = quads_of(e, h);
    if (heap->top != (heap->count == 0 ? INT64_MAX : key_at(quads, ROOT)))
        return "the top of a heap is not its root's key";
    for (uint32_t slot = ROOT; slot < ROOT + heap->count; slot++) {
        const uint32_t leg = leg_at(quads, slot);
        if (leg == 0 || leg > e->used) return "an entry is of no leg";
        if (legs_of(e)[leg].heap != h || legs_of(e)[leg].slot != slot)
            return "a leg is not where it says";
        if (slot != ROOT && key_at(quads, slot) < key_at(quads, parent(slot)))
            return "an entry is less than its parent";
    }
    return NULL;
}

const char *fl_edges_unsound(const void *edges)
{
    const struct edges *const e = edges;
    uint64_t entries = 0, held = 0, free = 0;
    for (uint32_t h = 0; h < 2 * e->markets; h++) {
        const char *const why = unsound_heap(e, h);
        if (why != NULL) return why;
        entries += heaps_of(e)[h].count;
    }
    for (uint32_t a = 0; a < e->accounts; a++)
        for (uint32_t leg = first_of(e)[a]; leg != 0; leg = legs_of(e)[leg].next, held++)
            if (legs_of(e)[leg].account != a || held > entries)
                return "an account has a leg of another";
    for (uint32_t leg = e->free; leg != 0 && free <= e->used; leg = legs_of(e)[leg].next) free++;
    if (entries != held || held + free != e->used) return "legs are lost";
    const uint64_t *const seen = (const uint64_t *)((const char *)e + e->seen);
    for (uint32_t i = 0; i < (e->accounts + 63) / 64; i++)
        if (seen[i] != 0) return "an account is still marked";
    return NULL;
}
