/* Random transactions on random exchanges: anything a client may send, amounts up to the bounds and just
 * beyond them, every deleveraging policy. What must hold is recounted after every batch. */
#ifndef EXCHANGE_PLAY_H
#define EXCHANGE_PLAY_H
#include <stdint.h>

enum { EXCHANGE_CODES = 10, EXCHANGE_POLICIES = 5 };
struct exchange_tally {
    uint64_t worlds, transactions, batches;
    uint64_t code[EXCHANGE_CODES]; /* refusals; 0: accepted */
    uint64_t traceless;            /* reverted ones whose batch was looked through */
    uint64_t balanced;             /* liquidations whose books were followed to the unit */
    uint64_t liquidations, deleveragings, records, ticks;
    uint64_t paid, adl, socialised, outstanding; /* deficits with such a part */
    uint64_t adl_by_policy[EXCHANGE_POLICIES];
};
/* Worlds from `seed` on until `transactions` have been sent. */
void exchange_play(uint64_t seed, uint64_t transactions, struct exchange_tally *tally);
void exchange_tell(const struct exchange_tally *tally);

#endif
