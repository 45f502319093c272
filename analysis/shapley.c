/* Shapley values over sets of bits. Values are below 2^62, factorials of 8 below 2^16, and games that
 * are added up fewer than 2^40: all sums stay below 2^127. */
#include "analysis/shapley.h"

#include "sim/alloc.h"

#include <stdlib.h>

static fl_i128 floor_of(fl_i128 a, fl_i128 b)
{
    return a / b - (a % b < 0);
}

/* --- games ------------------------------------------------------------------------------------------ */

int64_t fl_game_value(const struct fl_game *game, uint64_t set)
{
    size_t low = 0, high = game->sets;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (game->set[middle] < set) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    FL_ASSERT(low < game->sets && game->set[low] == set);
    FL_ASSERT(llabs(game->value[low]) < INT64_C(1) << 62);
    return game->value[low];
}

uint64_t fl_game_everybody(const struct fl_game *game)
{
    FL_ASSERT(game->players <= FL_PLAYERS_MAX);
    return (UINT64_C(1) << game->players) - 1;
}

bool fl_game_is_whole(const struct fl_game *game)
{
    bool whole = game->sets == fl_game_everybody(game) + 1;
    for (size_t i = 0; i < game->sets; i++) {
        whole = whole && game->set[i] == i;
    }
    return whole;
}

uint64_t fl_factorial(uint32_t n)
{
    FL_ASSERT(n <= 20);
    return n < 2 ? 1 : n * fl_factorial(n - 1);
}

/* --- values ----------------------------------------------------------------------------------------- */

static uint32_t size_of(uint64_t set)
{
    return (uint32_t)__builtin_popcountll(set);
}

/* What player `i` adds to a set. */
static fl_i128 added(const struct fl_game *game, uint64_t set, uint32_t i)
{
    return (fl_i128)fl_game_value(game, set | UINT64_C(1) << i) - fl_game_value(game, set);
}

void fl_shapley_add(const struct fl_game *game, fl_i128 *part)
{
    const uint32_t players = game->players;
    FL_ASSERT(players <= FL_SHAPLEY_EXACT);
    for (uint64_t set = 0; set < fl_game_everybody(game); set++) {
        const uint32_t before = size_of(set);
        const uint64_t orders = fl_factorial(before) * fl_factorial(players - before - 1);
        for (uint32_t i = 0; i < players; i++) {
            if (!(set >> i & 1)) {
                part[i] += (fl_i128)orders * added(game, set, i);
            }
        }
    }
}

void fl_shapley_walk(const struct fl_game *game, const uint8_t *order, fl_i128 *part)
{
    uint64_t before = 0;
    for (uint32_t i = 0; i < game->players; i++) {
        FL_ASSERT(order[i] < game->players && !(before >> order[i] & 1));
        part[order[i]] += added(game, before, order[i]);
        before |= UINT64_C(1) << order[i];
    }
}

fl_i128 fl_shapley_interaction(const struct fl_game *game, uint32_t one, uint32_t other)
{
    const uint64_t pair = UINT64_C(1) << one | UINT64_C(1) << other;
    FL_ASSERT(one != other && game->players <= FL_SHAPLEY_EXACT);
    fl_i128 sum = 0;
    for (uint64_t set = 0; set <= fl_game_everybody(game); set++) {
        if (set & pair) {
            continue;
        }
        const uint32_t before = size_of(set);
        const uint64_t orders = fl_factorial(before) * fl_factorial(game->players - before - 2);
        const fl_i128 beyond = added(game, set | UINT64_C(1) << other, one) - added(game, set, one);
        sum += (fl_i128)orders * beyond;
    }
    return sum;
}

/* --- rounding --------------------------------------------------------------------------------------- */

/* The largest remainder that has got nothing yet, the first of equals. */
static uint32_t next_in_turn(const fl_i128 *remainder, uint32_t count)
{
    uint32_t next = 0;
    for (uint32_t i = 1; i < count; i++) {
        next = remainder[i] > remainder[next] ? i : next;
    }
    FL_ASSERT(remainder[next] >= 0);
    return next;
}

void fl_share_out(const fl_i128 *part, uint32_t count, fl_i128 whole, int64_t *out)
{
    FL_ASSERT(whole > 0);
    fl_i128 *remainder = fl_alloc(count, sizeof *remainder);
    fl_i128 sum = 0, given = 0;
    for (uint32_t i = 0; i < count; i++) {
        const fl_i128 down = floor_of(part[i], whole);
        FL_ASSERT(down >= INT64_MIN && down < INT64_MAX);
        out[i] = (int64_t)down;
        remainder[i] = part[i] - down * whole;
        sum += part[i];
        given += down;
    }
    for (fl_i128 left = floor_of(2 * sum + whole, 2 * whole) - given; left > 0; left--) {
        const uint32_t next = next_in_turn(remainder, count);
        remainder[next] = -1;
        out[next]++;
    }
    free(remainder);
}
