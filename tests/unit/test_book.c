/* Order matching against depth: values by hand, and a slow twin that walks lot by lot. */
#include "models/ledger/book.h"
#include "tests/lib/exact.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct fl_offer offer(int64_t mid, int64_t half_spread, int64_t depth, int64_t taken)
{
    return (struct fl_offer){
        .mid = mid, .half_spread = half_spread, .depth = depth, .taken = taken};
}

/* Mid 2000, half spread 385 ppm, 50 units for 1 %, so 200 ppm a unit. */
Test(book, prices_by_hand)
{
    static const struct {
        int64_t taken, size, tick;
        bool buy;
        int64_t price;
    } cases[] = {
        /* 6.25 * 200 + 385 = 1635 ppm: 2003.27 */
        {0, 12500000, 1, true, 2003270000},
        /* (12.5 + 3.65) * 200 + 385 = 3615 ppm: 2007.23 */
        {12500000, 7300000, 1, true, 2007230000},
        /* 1.55 * 200 + 385 = 695 ppm below: 1998.61 */
        {0, 3100000, 1, false, 1998610000},
        /* (19.8 + 0.6172835) * 200 + 385 = 4468.4567 ppm: 2008.9369134, up */
        {19800000, 1234567, 1, true, 2008936914},
        /* (3.1 + 0.6172835) * 200 + 385 = 1128.4567 ppm: 1997.7430866, down */
        {3100000, 1234567, 1, false, 1997743086},
        /* the same two on a tick of 0.25 USD */
        {19800000, 1234567, 250000, true, 2009000000},
        {3100000, 1234567, 250000, false, 1997500000},
        /* the offer ends 50 % away: 2500 units; a middle at 1250 units is 25 % away, and 385 ppm */
        {0, 2500000000, 1, true, 2500770000},
        {0, 2500000000, 1, false, 1499230000},
        {0, 2500000001, 1, true, 0},
        {1, 2500000000, 1, false, 0},
        {2500000000, 1, 1, true, 0},
        /* a tick above the price: nothing to sell at */
        {0, 1000000, 2000000000, false, 0},
        {0, 1000000, 3000000000, true, 3000000000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fl_offer o = offer(2000000000, 385, 50000000, cases[i].taken);
        cr_assert_eq(fl_offer_price(&o, cases[i].size, cases[i].buy, cases[i].tick), cases[i].price,
                     "%zu", i);
    }
    const struct fl_offer none = offer(0, 385, 50000000, 0);
    cr_assert_eq(fl_offer_price(&none, 1, true, 1), 0);
}

/* A: 100 USD, 10 ppm a lot of 1000 (depth 10^6 for 10^4 ppm); B: 100.01 USD, as deep; C like B. An order to buy takes
 * A until it costs 100.01: 100 ppm, 10 lots at 50 ppm on average, 100.005; then B, who comes first of two
 * equals, at least a 256th of the order. */
Test(book, priority_is_price_then_place)
{
    struct fl_offer o[3] = {offer(100000000, 0, 1000000, 0), offer(100010000, 0, 1000000, 0),
                            offer(100010000, 0, 1000000, 0)};
    struct fl_grid grid = fl_order_grid(1, 1000, 100000);
    cr_assert_eq(grid.least, 1000);
    /* the next lot of B costs 100.01 * (1 + 5 ppm) = 100.01050005 up: A until 105.0005 ppm, 10 lots */
    struct fl_slice s = fl_book_slice(o, 3, true, 100000, 0, &grid);
    cr_assert(s.maker == 0 && s.size == 10000 && s.price == 100005000);
    o[0].taken = 10000;
    s = fl_book_slice(o, 3, true, 90000, 0, &grid);
    /* A's next lot: 100 + 105 ppm = 100.0105 exactly, and is the best by 10^-6 */
    cr_assert(s.maker == 0 && s.size == 1000 && s.price == 100010500);
    o[0].taken = 11000;
    s = fl_book_slice(o, 3, true, 89000, 0, &grid);
    cr_assert(s.maker == 1 && s.size == 1000 && s.price == 100010501);
    /* an order of 2560 lots is cut into parts of 10 at least */
    grid = fl_order_grid(1, 1000, 2560000);
    cr_assert_eq(grid.least, 10000);
    s = fl_book_slice(o, 3, true, 2000000, 0, &grid);
    cr_assert(s.maker == 1 && s.size == 10000);
    cr_assert_eq(fl_order_grid(1, 1000, 2815999).least, 10000, "whole lots, rounded down");
    /* selling: B and C are the better ones, and the first lot costs 5 ppm */
    s = fl_book_slice(o, 3, false, 1000, 0, &grid);
    cr_assert(s.maker == 1 && s.size == 1000 && s.price == 100009499);
    cr_assert_eq(fl_book_best(o, 3, false, &grid), 100009499);
    cr_assert_eq(fl_book_best(o, 3, true, &grid), 100010501);
    cr_assert_eq(fl_book_best(o, 0, true, &grid), 0);
}

/* Alone, A sells 100 lots at 100.05 on average (500 ppm at the middle); a limit of 100.02 is met by 40 lots, whose
 * middle is 200 ppm away; 100.019999 by 39; 100.000005 by none: one lot costs 5 ppm. */
Test(book, limits_by_hand)
{
    const struct fl_offer a = offer(100000000, 0, 1000000, 0);
    const struct fl_grid grid = fl_order_grid(1, 1000, 100000);
    static const struct {
        int64_t limit, size, price;
    } cases[] = {{0, 100000, 100050000},        {100050000, 100000, 100050000},
                 {100020000, 40000, 100020000}, {100019999, 39000, 100019500},
                 {100000500, 1000, 100000500},  {100000499, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fl_slice s = fl_book_slice(&a, 1, true, 100000, cases[i].limit, &grid);
        cr_assert_eq(s.size, cases[i].size, "%zu", i);
        cr_assert_eq(s.price, cases[i].price, "%zu", i);
        cr_assert_eq(s.maker, cases[i].size ? 0 : UINT32_MAX);
    }
}

/* A maker whose depth does not fill one lot is none: it does not stand in the way of the others. */
Test(book, too_shallow_a_maker_is_passed_over)
{
    const struct fl_grid grid = fl_order_grid(1, 1000, 5000);
    /* 50 * 19 = 950 of a lot of 1000 */
    const struct fl_offer o[2] = {offer(100000000, 0, 19, 0), offer(101000000, 0, 1000000000, 0)};
    const struct fl_slice s = fl_book_slice(o, 2, true, 5000, 0, &grid);
    cr_assert_eq(s.maker, 1);
    cr_assert_eq(s.size, 5000);
    cr_assert_eq(fl_book_best(o, 2, true, &grid), 101000001);
}

/* Two makers who quote alike fill an order of 10^9 lots in some hundred parts. */
Test(book, equal_makers_do_not_share_an_order_lot_by_lot)
{
    struct fl_offer o[2] = {offer(100000000, 0, 1000000000, 0), offer(100000000, 0, 1000000000, 0)};
    const int64_t whole = 1000000000;
    const struct fl_grid grid = fl_order_grid(1, 1, whole);
    int64_t rest = whole;
    uint32_t parts = 0;
    for (; rest > 0; parts++) {
        const struct fl_slice s = fl_book_slice(o, 2, true, rest, 0, &grid);
        cr_assert_neq(s.maker, UINT32_MAX);
        cr_assert(s.size >= grid.least || s.size == rest);
        o[s.maker].taken += s.size;
        rest -= s.size;
    }
    cr_assert_leq(parts, 2 * FL_PARTS_MAX);
    cr_assert_leq(llabs(o[0].taken - o[1].taken), 2 * grid.least, "and share it evenly");
}

/* --- the twin: lot by lot ----------------------------------------------------------------------------- */

/* Marginal price after `taken`, times `unit` = 10^6 * depth. */
static fl_i128 twin_marginal(const struct fl_offer *o, fl_i128 taken, bool buy, fl_i128 *unit)
{
    const fl_i128 away = (fl_i128)o->half_spread * o->depth + taken * 10000;
    *unit = (fl_i128)1000000 * o->depth;
    return o->mid * (buy ? *unit + away : *unit - away);
}

/* Average of `lots` whole lots: each at the mean of its two ends, all summed before the one rounding. */
static int64_t twin_average(const struct fl_offer *o, int64_t lots, const struct fl_grid *grid,
                            bool buy)
{
    fl_i128 sum = 0, unit;
    if (o->mid == 0 || ((fl_i128)o->taken + lots * grid->lot) > 50 * (fl_i128)o->depth) return 0;
    for (int64_t k = 0; k < lots; k++)
        sum += twin_marginal(o, o->taken + k * grid->lot, buy, &unit) +
               twin_marginal(o, o->taken + (k + 1) * grid->lot, buy, &unit);
    if (sum <= 0) return 0;
    return (int64_t)fl_exact(buy ? FL_EXACT_CEIL : FL_EXACT_FLOOR, sum, 1, 1,
                             2 * lots * unit * grid->tick) *
           grid->tick;
}

static bool twin_better(int64_t a, int64_t b, bool buy)
{
    return a != 0 && (b == 0 || (buy ? a < b : a > b));
}

static struct fl_slice twin_slice(const struct fl_offer *o, uint32_t count, bool buy, int64_t lots,
                                  int64_t limit, const struct fl_grid *grid)
{
    struct fl_slice s = {.maker = UINT32_MAX};
    int64_t best = 0, next = 0;
    for (uint32_t i = 0; i < count; i++)
        if (twin_better(twin_average(&o[i], 1, grid, buy), best, buy)) {
            best = twin_average(&o[i], 1, grid, buy);
            s.maker = i;
        }
    if (best == 0) return s;
    for (uint32_t i = 0; i < count; i++)
        if (i != s.maker && twin_better(twin_average(&o[i], 1, grid, buy), next, buy))
            next = twin_average(&o[i], 1, grid, buy);
    const struct fl_offer *maker = &o[s.maker];
    int64_t taken = 0;
    while (taken < lots) {
        fl_i128 unit;
        const fl_i128 end =
            twin_marginal(maker, maker->taken + (taken + 1) * grid->lot, buy, &unit);
        const bool passed = next != 0 && (buy ? end > next * unit : end < next * unit);
        if (passed && (taken + 1) * grid->lot > grid->least) break;
        const int64_t price = twin_average(maker, taken + 1, grid, buy);
        if (price == 0 || (limit != 0 && (buy ? price > limit : price < limit))) break;
        taken++;
    }
    if (taken == 0) return (struct fl_slice){.maker = UINT32_MAX};
    s.size = taken * grid->lot;
    s.price = twin_average(maker, taken, grid, buy);
    return s;
}

static int64_t draw(uint64_t *random, int64_t low, int64_t high)
{
    return low + (int64_t)(fl_exact_random(random) % (uint64_t)(high - low + 1));
}

static struct fl_offer draw_offer(uint64_t *random, bool coarse, int64_t lot)
{
    const int64_t depth = draw(random, 1, 30) * lot;
    if (draw(random, 0, 5) == 0) return offer(0, 0, depth, 0);
    return offer(coarse ? draw(random, 5, 9) : draw(random, 9000, 9400),
                 draw(random, 0, 3) == 0 ? draw(random, 0, 499999) : draw(random, 0, 3) * 1000,
                 depth, draw(random, 0, 1) ? 0 : draw(random, 0, 52 * depth));
}

Test(book, agrees_with_a_walk_over_lots)
{
    uint64_t random = 2385, filled = 0, cut = 0, several = 0;
    for (int round = 0; round < 30000; round++) {
        struct fl_offer o[4];
        const int64_t lot = draw(&random, 1, 3) * draw(&random, 1, 7);
        const int64_t lots = draw(&random, 1, 60);
        const bool coarse = draw(&random, 0, 2) == 0, buy = draw(&random, 0, 1) != 0;
        const uint32_t count = (uint32_t)draw(&random, 1, 4);
        const int64_t tick = draw(&random, 0, 1) ? 1 : draw(&random, 1, 20);
        struct fl_grid grid = fl_order_grid(tick, lot, lots * lot);
        grid.least = draw(&random, 1, 5) * lot;
        for (uint32_t i = 0; i < count; i++) o[i] = draw_offer(&random, coarse, lot);
        const int64_t around = fl_book_best(o, count, buy, &grid);
        const int64_t limit = draw(&random, 0, 1) || around == 0
                                  ? 0
                                  : fl_max(around + draw(&random, -3, coarse ? 3 : 300), 1);
        for (int64_t rest = lots, parts = 0; rest > 0; parts++) {
            const struct fl_slice want = twin_slice(o, count, buy, rest, limit, &grid);
            const struct fl_slice got = fl_book_slice(o, count, buy, rest * lot, limit, &grid);
            cr_assert_eq(got.maker, want.maker, "round %d", round);
            cr_assert_eq(got.size, want.size, "round %d: %ld, %ld", round, (long)got.size,
                         (long)want.size);
            if (want.maker == UINT32_MAX) break;
            cr_assert_eq(got.price, want.price, "round %d", round);
            cut += want.size < rest * lot;
            several += parts > 1;
            o[want.maker].taken += want.size;
            rest -= want.size / lot;
            filled++;
        }
    }
    cr_assert(filled > 20000 && cut > 10000 && several > 5000);
}

/* Plain bounds: the greatest quote, the deepest book and the greatest order do not overflow. */
Test(book, bounds)
{
    const int64_t most = 1000000000000000;
    const struct fl_offer o[2] = {offer(10000000000000, 499999, most, 0),
                                  offer(10000000000000, 499999, most, most)};
    const struct fl_grid grid = fl_order_grid(1, 1, most);
    const struct fl_slice s = fl_book_slice(o, 2, true, most, INT64_MAX, &grid);
    /* 10^7 * (1 + 0.499999 + 0.005) to the middle; until the price of the second, 1 % on: all of it */
    cr_assert(s.maker == 0 && s.size == most && s.price == 15049990000000);
    const struct fl_grid coarse = fl_order_grid(1000000000000, 1000000000000, most);
    cr_assert_eq(fl_book_slice(o, 2, false, most, 1, &coarse).price, 4000000000000);
}
