/* analysis/shapley: games whose values are known in closed form, the axioms on random games, and a slow
 * twin that goes through every order. */
#include "analysis/paired.h"
#include "analysis/shapley.h"
#include "sim/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 19530101, MOST = FL_SHAPLEY_EXACT, SETS = 1 << MOST };

/* All sets of so many players, with a value of each. */
struct whole {
    struct fl_game game;
    uint64_t set[SETS];
    int64_t value[SETS];
};

static void whole_of(struct whole *w, uint32_t players)
{
    w->game = (struct fl_game){players, (size_t)1 << players, w->set, w->value};
    for (uint64_t s = 0; s < SETS; s++) {
        w->set[s] = s;
        w->value[s] = 0;
    }
}

static int64_t total(const struct whole *w)
{
    return w->value[w->game.sets - 1] - w->value[0];
}

/* Values rounded to integers. */
static void values(const struct whole *w, int64_t out[MOST])
{
    fl_i128 part[MOST] = {0};
    cr_assert(fl_game_is_whole(&w->game));
    fl_shapley_add(&w->game, part);
    fl_share_out(part, w->game.players, fl_factorial(w->game.players), out);
}

static uint64_t draw(uint64_t step, uint64_t bound)
{
    return fl_draw_below(SEED, FL_RNG_ANALYSIS, 1, step, 0, bound);
}

/* Of any sign, below 2^60 in size. */
static void fill_at_random(struct whole *w, uint64_t game)
{
    for (uint64_t s = 0; s < w->game.sets; s++)
        w->value[s] = (int64_t)draw(game * SETS + s, UINT64_C(1) << 61) - (INT64_C(1) << 60);
}

/* --- closed forms ---------------------------------------------------------------------------------- */

Test(shapley, additive_game_gives_each_its_own)
{
    static const int64_t own[MOST] = {7, -3, 1000003, 0, 41, 5, -99, 2};
    struct whole w;
    int64_t out[MOST];
    whole_of(&w, MOST);
    for (uint64_t s = 0; s < w.game.sets; s++) {
        w.value[s] = 12345;
        for (uint32_t i = 0; i < MOST; i++) w.value[s] += s >> i & 1 ? own[i] : 0;
    }
    values(&w, out);
    for (uint32_t i = 0; i < MOST; i++) cr_expect_eq(out[i], own[i], "player %u: %ld", i, out[i]);
}

/* The carriers share alike: 1 / |T| (Shapley 1953, section 3); the interaction index of any two of them is
 * 1 / (|T| - 1) (Grabisch and Roubens 1999), of others 0. */
Test(shapley, unanimity_games)
{
    enum { WORTH = 840 }; /* divided by all that come up */
    struct whole w;
    int64_t out[MOST];
    for (uint32_t players = 1; players <= MOST; players++) {
        for (uint64_t carriers = 1; carriers < UINT64_C(1) << players; carriers++) {
            const int many = __builtin_popcountll(carriers);
            whole_of(&w, players);
            for (uint64_t s = 0; s < w.game.sets; s++)
                w.value[s] = (s & carriers) == carriers ? WORTH : 0;
            values(&w, out);
            for (uint32_t i = 0; i < players; i++)
                cr_expect_eq(out[i], carriers >> i & 1 ? WORTH / many : 0);
            for (uint32_t i = 1; i < players; i++) {
                const bool both = (carriers & 1) && carriers >> i & 1;
                const fl_i128 index = fl_shapley_interaction(&w.game, 0, i);
                cr_expect(index * (both ? many - 1 : 1) ==
                          (both ? (fl_i128)WORTH * fl_factorial(players - 1) : 0));
            }
        }
    }
}

/* The landing fee: the runway costs what the largest aeroplane needs; each piece is shared by those
 * that need it (Littlechild and Owen, A simple expression for the Shapley value in a special case,
 * Management Science 20, 1973). */
Test(shapley, airport_game)
{
    static const int64_t cost[5] = {60, 120, 120, 300, 1000};
    static const int64_t fee[5] = {12, 27, 27, 117, 817};
    struct whole w;
    int64_t out[MOST];
    whole_of(&w, 5);
    for (uint64_t s = 0; s < w.game.sets; s++)
        for (uint32_t i = 0; i < 5; i++)
            if (s >> i & 1 && cost[i] > w.value[s]) w.value[s] = cost[i];
    values(&w, out);
    for (uint32_t i = 0; i < 5; i++) cr_expect_eq(out[i], fee[i], "%u: %ld", i, out[i]);
}

/* One left glove and two right ones: 2/3 and 1/6 each (Shapley 1953's market of one and two). */
Test(shapley, glove_game)
{
    struct whole w;
    int64_t out[MOST];
    whole_of(&w, 3);
    for (uint64_t s = 0; s < w.game.sets; s++) w.value[s] = (s & 1) && (s & 6) ? 6 : 0;
    values(&w, out);
    cr_expect_eq(out[0], 4);
    cr_expect_eq(out[1], 1);
    cr_expect_eq(out[2], 1);
}

/* Weights 3, 2, 1, 1 and quota 4. Of the 24 orders the first is pivotal in 12: second or third, since one
 * before it is too few and two are never enough; the others share the rest alike, 4 each (Shapley and
 * Shubik, A method for evaluating the distribution of power in a committee system, American Political
 * Science Review 48, 1954, define the index so). */
Test(shapley, weighted_majority)
{
    static const int weight[4] = {3, 2, 1, 1};
    struct whole w;
    int64_t out[MOST];
    whole_of(&w, 4);
    for (uint64_t s = 0; s < w.game.sets; s++) {
        int sum = 0;
        for (uint32_t i = 0; i < 4; i++) sum += s >> i & 1 ? weight[i] : 0;
        w.value[s] = sum >= 4 ? 24 : 0;
    }
    values(&w, out);
    cr_expect_eq(out[0], 12);
    cr_expect_eq(out[1], 4);
    cr_expect_eq(out[2], 4);
    cr_expect_eq(out[3], 4);
}

/* --- twins and axioms ------------------------------------------------------------------------------ */

/* Every order, one after the other (Heap's would do as well). */
static bool next_order(uint8_t *order, uint32_t players)
{
    uint32_t i = players - 1;
    while (i > 0 && order[i - 1] > order[i]) i--;
    if (i == 0) return false;
    uint32_t j = players - 1;
    while (order[j] < order[i - 1]) j--;
    const uint8_t moved = order[i - 1];
    order[i - 1] = order[j];
    order[j] = moved;
    for (uint32_t a = i, b = players - 1; a < b; a++, b--) {
        const uint8_t other = order[a];
        order[a] = order[b];
        order[b] = other;
    }
    return true;
}

Test(shapley, equals_the_mean_over_every_order)
{
    static struct whole w;
    for (uint64_t game = 0; game < 24; game++) {
        const uint32_t players = 1 + (uint32_t)game % MOST;
        fl_i128 part[MOST] = {0}, walked[MOST] = {0};
        uint8_t order[MOST];
        uint64_t orders = 0;
        whole_of(&w, players);
        fill_at_random(&w, game);
        fl_shapley_add(&w.game, part);
        for (uint32_t i = 0; i < players; i++) order[i] = (uint8_t)i;
        do {
            fl_shapley_walk(&w.game, order, walked);
            orders++;
        } while (next_order(order, players));
        cr_assert_eq(orders, fl_factorial(players));
        for (uint32_t i = 0; i < players; i++) cr_expect(part[i] == walked[i]);
    }
}

Test(shapley, adds_up_to_the_last_unit)
{
    static struct whole w;
    int64_t out[MOST];
    for (uint64_t game = 0; game < 2000; game++) {
        whole_of(&w, 1 + (uint32_t)(game % MOST));
        fill_at_random(&w, 100 + game);
        values(&w, out);
        fl_i128 sum = 0, part[MOST] = {0};
        fl_shapley_add(&w.game, part);
        const fl_i128 whole = fl_factorial(w.game.players);
        for (uint32_t i = 0; i < w.game.players; i++) {
            sum += out[i];
            cr_expect(out[i] * whole < part[i] + whole && out[i] * whole > part[i] - whole);
        }
        cr_expect(sum == total(&w), "game %lu", game);
    }
}

/* Who adds the same to every set gets the same, and who adds nothing gets nothing; games that are added
 * up have values that are added up. */
Test(shapley, symmetry_dummy_and_linearity)
{
    static struct whole w, other;
    for (uint64_t game = 0; game < 200; game++) {
        fl_i128 part[MOST] = {0}, of_other[MOST] = {0}, of_both[MOST] = {0};
        whole_of(&w, 6);
        whole_of(&other, 6);
        fill_at_random(&w, 5000 + game);
        fill_at_random(&other, 9000 + game);
        for (uint64_t s = 0; s < w.game.sets; s++) {
            const uint64_t swapped = (s & ~UINT64_C(3)) | (s & 1) << 1 | (s >> 1 & 1);
            w.value[s] = swapped < s ? w.value[swapped] : w.value[s]; /* players 0 and 1 alike */
        }
        for (uint64_t s = 0; s < w.game.sets; s++)
            w.value[s] = s >> 5 & 1 ? w.value[s ^ 1 << 5] : w.value[s]; /* 5 adds nothing */
        fl_shapley_add(&w.game, part);
        fl_shapley_add(&other.game, of_other);
        cr_expect(part[0] == part[1] && part[5] == 0);
        for (uint64_t s = 0; s < w.game.sets; s++) w.value[s] += other.value[s];
        fl_shapley_add(&w.game, of_both);
        for (uint32_t i = 0; i < 6; i++) cr_expect(of_both[i] == part[i] + of_other[i]);
    }
}

Test(shapley, rounding_is_by_the_largest_remainder)
{
    static const struct {
        fl_i128 part[3], whole;
        int64_t out[3];
    } rows[] = {{{1, 1, 1}, 3, {1, 0, 0}},     /* ties: the first */
                {{5, 5, 2}, 6, {1, 1, 0}},     /* 0.83, 0.83, 0.33 */
                {{-1, -1, -1}, 3, {0, 0, -1}}, /* down, then up where most is left */
                {{-5, 4, 7}, 6, {-1, 1, 1}},   /* -0.83, 0.67, 1.17 */
                {{1, 0, 0}, 2, {1, 0, 0}},     /* the sum, 0.5, is rounded up */
                {{1, 1, 0}, 5, {0, 0, 0}},     /* 0.4 is rounded down */
                {{12, -6, 30}, 6, {2, -1, 5}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t out[3];
        fl_share_out(rows[i].part, 3, rows[i].whole, out);
        for (int k = 0; k < 3; k++) cr_expect_eq(out[k], rows[i].out[k], "%zu: %ld", i, out[k]);
    }
}

/* --- sampled orders -------------------------------------------------------------------------------- */

static void draw_order(uint64_t stream, uint32_t players, uint8_t *order)
{
    for (uint32_t i = 0; i < players; i++) order[i] = (uint8_t)i;
    for (uint32_t i = 0; i + 1 < players; i++) {
        const uint64_t j = i + fl_draw_below(SEED, FL_RNG_ANALYSIS, 2 + stream, i, 0, players - i);
        const uint8_t moved = order[i];
        order[i] = order[j];
        order[j] = moved;
    }
}

/* Pairs of an order and its reverse, as `attribute` draws them: each pair adds up to the total, and
 * Student's intervals over 24 pairs hold as often as they say. The game: four overlapping faults of a
 * chain, two that need each other, two that do nothing alone. The coverage is counted over all players
 * whose value varies from pair to pair. */
Test(shapley, sampled_orders_cover)
{
    enum { PAIRS = 24, REPETITIONS = 1000, PLAYERS = 8 };
    static struct whole w;
    int64_t exact[MOST];
    size_t held = 0, counted = 0;
    whole_of(&w, PLAYERS);
    for (uint64_t s = 0; s < w.game.sets; s++) {
        const int chain = __builtin_popcountll(s & 0x0f), pair = (s & 0x30) == 0x30;
        w.value[s] = (chain > 0 ? 900000 : 0) + 10007 * chain * chain +
                     (pair ? 700001 + 90001 * chain : 0) + (s >> 6 ? 50021 * pair : 0);
    }
    values(&w, exact);
    for (uint64_t repetition = 0; repetition < REPETITIONS; repetition++) {
        double value[PLAYERS][PAIRS];
        for (uint64_t n = 0; n < PAIRS; n++) {
            fl_i128 part[MOST] = {0}, sum = 0;
            uint8_t order[PLAYERS], backwards[PLAYERS];
            draw_order(repetition * PAIRS + n, PLAYERS, order);
            for (uint32_t i = 0; i < PLAYERS; i++) backwards[i] = order[PLAYERS - 1 - i];
            fl_shapley_walk(&w.game, order, part);
            fl_shapley_walk(&w.game, backwards, part);
            for (uint32_t i = 0; i < PLAYERS; i++) {
                value[i][n] = (double)part[i] / 2;
                sum += part[i];
            }
            cr_assert(sum == 2 * (fl_i128)total(&w));
        }
        for (uint32_t i = 0; i < PLAYERS; i++) {
            const struct fl_estimate e = fl_mean_estimate(value[i], PAIRS);
            held += e.low <= (double)exact[i] + 1 && e.high >= (double)exact[i] - 1;
            counted++;
        }
    }
    const double coverage = (double)held / (double)counted;
    cr_expect(fabs(coverage - 0.95) < 0.015, "coverage %.4f over %zu", coverage, counted);
}
