/* Keyed randomness: a draw is a function of its key, never of how many draws came before it.
 *
 * Philox4x64-10 (Salmon, Moraes, Dror, Shaw, SC'11; Random123). The 128-bit key and the 256-bit
 * counter hold the whole tuple, so that no two tuples share a block by construction. */
#ifndef FL_RNG_H
#define FL_RNG_H
#include "sim/base.h"

/* What a number is for. Part of every key: two purposes never share a draw. */
enum fl_purpose {
    FL_RNG_NETWORK = 1, /* propagation of a message */
    FL_RNG_SOURCE,      /* fundamental price */
    FL_RNG_ORACLE,      /* a reporter's noise and lag */
    FL_RNG_AGENT,       /* traders, keepers, liquidity */
    FL_RNG_FAULT,       /* what a corrupted node says */
    FL_RNG_PLACEMENT,   /* which nodes a fault strikes, which replica a client uses */
    FL_RNG_KEYS,        /* secrets behind simulated signatures */
    FL_RNG_TIE,         /* order of simultaneous events, when a scenario asks for it */
    FL_RNG_CLOCK,       /* how wrong a node's clock is */
    FL_RNG_WINDOW,      /* when a fault that comes and goes does so */
    FL_RNG_ANALYSIS,    /* resampling of what runs have left; nothing in a run */
    FL_RNG_PLAN         /* points of a plan; nothing in a run */
};

/* 64 uniform bits of the exogenous key (seed, purpose, owner, step, lane). `owner` is
 * `fl_self.key` or another stable name, `step` counts the owner's own draws in a way that faults
 * cannot shift (a slot, a round, an account), `lane` tells apart several draws of one step. */
uint64_t fl_draw(uint64_t seed, enum fl_purpose purpose, uint64_t owner, uint64_t step,
                 uint32_t lane);

/* Uniform in [0, bound), bound > 0; the bias is below bound / 2^64. */
uint64_t fl_draw_below(uint64_t seed, enum fl_purpose purpose, uint64_t owner, uint64_t step,
                       uint32_t lane, uint64_t bound);

/* The key of a message (DESIGN 5): never contents, digests or send times. */
struct fl_message_key {
    uint64_t word[3];
    uint32_t source; /* fl_self.key of the sender */
    uint16_t kind, copy;
    uint8_t family;
    uint8_t lane; /* what the number is for; 0: propagation */
    uint8_t hop;  /* below 128. 0: straight from its sender; else the message is relayed, the
                        `destination` is who relays it, and this is 1 + the link it takes from there */
};
enum { FL_HOP_MAX = 127 };

/* 64 uniform bits for one receiver (`destination` is its fl_self.key) of the message. */
uint64_t fl_draw_message(uint64_t seed, const struct fl_message_key *key, uint32_t destination);
/* The same for many: out[i] is for destination[i]. */
void fl_draw_messages(uint64_t seed, const struct fl_message_key *key, const uint32_t *destination,
                      uint32_t count, uint64_t *out);

#endif
