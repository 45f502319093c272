/* Who is answerable for what several did together: Shapley values (A value for n-person games, in
 * Contributions to the Theory of Games II, 1953), in integers and exactly.
 *
 * A game gives every set of players a value. Bit i of a set says that player i is in it. */
#ifndef FL_SHAPLEY_H
#define FL_SHAPLEY_H
#include "sim/base.h"

/* `exact`: of so few players all sets are looked at. */
enum { FL_SHAPLEY_EXACT = 8, FL_PLAYERS_MAX = 63 };

struct fl_game {
    uint32_t players;
    size_t sets;
    const uint64_t *set;  /* ascending */
    const int64_t *value; /* of each; below 2^62 in size */
};
/* The set must be there. */
int64_t fl_game_value(const struct fl_game *game, uint64_t set);
uint64_t fl_game_everybody(const struct fl_game *game);
/* Whether all 2^players sets are there. */
bool fl_game_is_whole(const struct fl_game *game);

uint64_t fl_factorial(uint32_t n); /* n <= 20 */

/* Adds players! times the value of each player to part[players]: the sum over all sets S without
 * it of |S|! (players - |S| - 1)! times what it adds to S. All sets are needed, and at most
 * FL_SHAPLEY_EXACT players. Sums over games that are added up stay exact. */
void fl_shapley_add(const struct fl_game *game, fl_i128 *part);

/* Adds what each player adds to those before it when they come in this order. The mean over orders
 * drawn with equal probability estimates the values without bias (Castro, Gomez, Tejada, Polynomial
 * calculation of the Shapley value based on sampling, Computers & Operations Research 36, 2009).
 * Each order, and so each mean, adds up to what everybody adds to nobody. */
void fl_shapley_walk(const struct fl_game *game, const uint8_t *order, fl_i128 *part);

/* (players - 1)! times the interaction index of two players: what both together add beyond what each
 * adds alone, the mean over all sets of others (Grabisch and Roubens, An axiomatic approach to the
 * concept of interaction among players, Int. J. Game Theory 28, 1999). Negative where they overlap. */
fl_i128 fl_shapley_interaction(const struct fl_game *game, uint32_t one, uint32_t other);

/* Rounds part[i] / whole to out[i] such that they add up to their sum, itself rounded to the nearest,
 * halves up: each down, and what then is missing by one unit to those with the largest remainders,
 * of equals the first. whole > 0. */
void fl_share_out(const fl_i128 *part, uint32_t count, fl_i128 whole, int64_t *out);

#endif
