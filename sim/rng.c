/* Keyed draws: the layout of tuples in the key and counter of Philox4x64-10 (Salmon, Moraes, Dror,
 * Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11), from the Random123 library.
 *
 *              key[0]  key[1], from the top bit                              counter[0..3]
 *   draw       seed    purpose:8 0:24 lane:32                                owner, step, 0, 0
 *   message    seed    purpose:8 hop:7 1:1 family:8 lane:8 kind:16 copy:16     words, source:32
 *                                                                            destination/4:32
 *
 * The one-bit tag keeps the two apart even for the same purpose. A draw is word 0 of its block; a
 * message's receiver takes word destination mod 4, so that four neighbours share a block. Every
 * field has its own bits and Philox permutes counters for each key: no two tuples share a block
 * word. */
#include "sim/rng.h"
#include <Random123/philox.h>

#define PURPOSE_SHIFT 56
#define MESSAGE_TAG (UINT64_C(1) << 48)
#define HOP_SHIFT 49
#define FAMILY_SHIFT 40
#define LANE_SHIFT 32
#define KIND_SHIFT 16
#define SOURCE_SHIFT 32
#define WORDS_PER_BLOCK 4

uint64_t fl_draw(uint64_t seed, enum fl_purpose purpose, uint64_t owner, uint64_t step,
                 uint32_t lane)
{
    FL_ASSERT(purpose >= FL_RNG_NETWORK && purpose <= FL_RNG_PLAN);
    const philox4x64_key_t key = {{seed, (uint64_t)purpose << PURPOSE_SHIFT | lane}};
    const philox4x64_ctr_t counter = {{owner, step, 0, 0}};
    return philox4x64(counter, key).v[0];
}

uint64_t fl_draw_below(uint64_t seed, enum fl_purpose purpose, uint64_t owner, uint64_t step,
                       uint32_t lane, uint64_t bound)
{
    FL_ASSERT(bound > 0);
    return (uint64_t)(((fl_u128)fl_draw(seed, purpose, owner, step, lane) * bound) >> 64);
}

struct message_block {
    philox4x64_key_t key;
    uint64_t source; /* in its place beside the destination */
};

static struct message_block block_of(uint64_t seed, const struct fl_message_key *key)
{
    FL_ASSERT(key->hop <= FL_HOP_MAX);
    const uint64_t tuple = (uint64_t)FL_RNG_NETWORK << PURPOSE_SHIFT |
                           (uint64_t)key->hop << HOP_SHIFT | MESSAGE_TAG |
                           (uint64_t)key->family << FAMILY_SHIFT |
                           (uint64_t)key->lane << LANE_SHIFT | (uint64_t)key->kind << KIND_SHIFT |
                           key->copy;
    return (struct message_block){{{seed, tuple}}, (uint64_t)key->source << SOURCE_SHIFT};
}

/* Inlined into the loop below, which then does the rounds that all receivers share only once. */
static inline __attribute__((always_inline)) uint64_t
draw_from(const struct message_block *block, const uint64_t word[3], uint32_t destination)
{
    const uint64_t ends = block->source | destination / WORDS_PER_BLOCK;
    const philox4x64_ctr_t counter = {{word[0], word[1], word[2], ends}};
    return philox4x64(counter, block->key).v[destination % WORDS_PER_BLOCK];
}

uint64_t fl_draw_message(uint64_t seed, const struct fl_message_key *key, uint32_t destination)
{
    const struct message_block block = block_of(seed, key);
    return draw_from(&block, key->word, destination);
}

void fl_draw_messages(uint64_t seed, const struct fl_message_key *key, const uint32_t *destination,
                      uint32_t count, uint64_t *out)
{
    const struct message_block block = block_of(seed, key);
    const uint64_t word[3] = {key->word[0], key->word[1], key->word[2]}; /* no alias of `out` */
    for (uint32_t i = 0; i < count; i++) out[i] = draw_from(&block, word, destination[i]);
}
