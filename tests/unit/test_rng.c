/* sim/rng.c: published answers of Philox, a plain second implementation, the documented layout of
 * tuples, and uniformity. */
#include "sim/rng.h"
#include <Random123/philox.h>
#include <criterion/criterion.h>
#include <gsl/gsl_cdf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED UINT64_C(0x71f3b02385c6a94d)

struct block {
    uint64_t word[4];
};

/* Philox4x64-10 as the paper writes it (Salmon et al., SC'11, 3.3 and table 2), slow and plain. */
static struct block plain_philox(struct block x, uint64_t key0, uint64_t key1)
{
    for (int round = 0; round < 10; round++) {
        const fl_u128 p = (fl_u128)UINT64_C(0xD2E7470EE14C6C93) * x.word[0];
        const fl_u128 q = (fl_u128)UINT64_C(0xCA5A826395121157) * x.word[2];
        x = (struct block){{(uint64_t)(q >> 64) ^ x.word[1] ^ key0, (uint64_t)q,
                            (uint64_t)(p >> 64) ^ x.word[3] ^ key1, (uint64_t)p}};
        key0 += UINT64_C(0x9E3779B97F4A7C15); /* golden ratio */
        key1 += UINT64_C(0xBB67AE8584CAA73B); /* sqrt 3 - 1 */
    }
    return x;
}

/* Random123 1.09, tests/kat_vectors, the three lines "philox4x64 10". */
static const struct {
    uint64_t counter[4], key[2], answer[4];
} published[] = {
    {{0, 0, 0, 0},
     {0, 0},
     {0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}},
    {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
     {UINT64_MAX, UINT64_MAX},
     {0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0}},
    {{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
     {0x452821e638d01377, 0xbe5466cf34e90c6c},
     {0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6}},
};

Test(rng, philox_gives_the_published_answers)
{
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        philox4x64_ctr_t counter;
        philox4x64_key_t key;
        struct block plain;
        memcpy(counter.v, published[i].counter, sizeof counter.v);
        memcpy(key.v, published[i].key, sizeof key.v);
        memcpy(plain.word, published[i].counter, sizeof plain.word);
        const philox4x64_ctr_t library = philox4x64(counter, key);
        plain = plain_philox(plain, key.v[0], key.v[1]);
        cr_assert_arr_eq(library.v, published[i].answer, sizeof library.v);
        cr_assert_arr_eq(plain.word, published[i].answer, sizeof plain.word);
    }
}

/* The layout that rng.c documents, restated. */
static uint64_t plain_draw(uint64_t seed, enum fl_purpose purpose, uint64_t owner, uint64_t step,
                           uint32_t lane)
{
    const struct block counter = {{owner, step, 0, 0}};
    return plain_philox(counter, seed, (uint64_t)purpose * (UINT64_C(1) << 56) + lane).word[0];
}

static uint64_t plain_message(uint64_t seed, const struct fl_message_key *key, uint32_t receiver)
{
    const uint64_t tuple = UINT64_C(0x0101000000000000) + key->hop * UINT64_C(0x2000000000000) +
                           key->family * UINT64_C(0x10000000000) +
                           key->lane * UINT64_C(0x100000000) + key->kind * UINT64_C(0x10000) +
                           key->copy;
    const struct block counter = {{key->word[0], key->word[1], key->word[2],
                                   key->source * UINT64_C(0x100000000) + receiver / 4}};
    return plain_philox(counter, seed, tuple).word[receiver % 4];
}

/* SplitMix64, to choose arguments. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

Test(rng, tuples_sit_where_documented)
{
    uint64_t state = SEED;
    fprintf(stderr, "layout: seed %#llx\n", (unsigned long long)SEED);
    for (int i = 0; i < 5000; i++) {
        const uint64_t seed = next_random(&state), owner = next_random(&state);
        const uint64_t step = next_random(&state), bits = next_random(&state);
        const enum fl_purpose purpose = FL_RNG_NETWORK + bits % FL_RNG_WINDOW;
        const uint32_t lane = (uint32_t)(bits >> 32);
        cr_assert_eq(fl_draw(seed, purpose, owner, step, lane),
                     plain_draw(seed, purpose, owner, step, lane));

        const struct fl_message_key key = {.word = {owner, step, bits},
                                           .source = (uint32_t)(bits >> 7),
                                           .kind = (uint16_t)(bits >> 13),
                                           .copy = (uint16_t)(bits >> 40),
                                           .family = (uint8_t)(bits >> 3),
                                           .lane = (uint8_t)(bits >> 21),
                                           .hop = (uint8_t)(bits >> 50) & FL_HOP_MAX};
        cr_assert_eq(fl_draw_message(seed, &key, lane), plain_message(seed, &key, lane));
        const uint32_t many[] = {lane, 0, (uint32_t)step, lane + 1, UINT32_MAX, lane};
        uint64_t out[6];
        const uint32_t count = (uint32_t)(bits % 7);
        fl_draw_messages(seed, &key, many, count, out);
        for (uint32_t k = 0; k < count; k++)
            cr_assert_eq(out[k], plain_message(seed, &key, many[k]));
    }
}

static int compare_words(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static size_t repeats(uint64_t *draws, size_t count)
{
    qsort(draws, count, sizeof *draws, compare_words);
    size_t equal = 0;
    for (size_t i = 1; i < count; i++) equal += draws[i] == draws[i - 1];
    return equal;
}

/* Sets one bit of one field at a time on top of a common tuple: 64 + 8 + 64 + 64 + 32 for a draw
 * and 64 + 3 * 64 + 32 + 16 + 16 + 8 + 8 + 7 + 32 for a message. If a bit were lost, or two fields met,
 * two draws would agree; by chance they do with probability 10^-14. */
Test(rng, every_bit_of_every_field_counts)
{
    uint64_t draws[1024];
    size_t count = 0;
    draws[count++] = fl_draw(0, FL_RNG_NETWORK, 0, 0, 0);
    for (int purpose = FL_RNG_NETWORK + 1; purpose <= FL_RNG_WINDOW; purpose++)
        draws[count++] = fl_draw(0, (enum fl_purpose)purpose, 0, 0, 0);
    struct fl_message_key key = {.word = {0}};
    draws[count++] = fl_draw_message(0, &key, 0);
    for (int bit = 0; bit < 64; bit++) {
        const uint64_t one = UINT64_C(1) << bit;
        draws[count++] = fl_draw(one, FL_RNG_NETWORK, 0, 0, 0);
        draws[count++] = fl_draw(0, FL_RNG_NETWORK, one, 0, 0);
        draws[count++] = fl_draw(0, FL_RNG_NETWORK, 0, one, 0);
        draws[count++] = fl_draw_message(one, &key, 0);
        for (int word = 0; word < 3; word++) {
            key.word[word] = one;
            draws[count++] = fl_draw_message(0, &key, 0);
            key.word[word] = 0;
        }
        if (bit < 32) {
            draws[count++] = fl_draw(0, FL_RNG_NETWORK, 0, 0, (uint32_t)one);
            draws[count++] = fl_draw_message(0, &key, (uint32_t)one);
            key.source = (uint32_t)one;
            draws[count++] = fl_draw_message(0, &key, 0);
            key.source = 0;
        }
        if (bit < 16) {
            key.kind = (uint16_t)one;
            draws[count++] = fl_draw_message(0, &key, 0);
            key.kind = 0;
            key.copy = (uint16_t)one;
            draws[count++] = fl_draw_message(0, &key, 0);
            key.copy = 0;
        }
        if (bit < 8) {
            key.family = (uint8_t)one;
            draws[count++] = fl_draw_message(0, &key, 0);
            key.family = 0;
            key.lane = (uint8_t)one;
            draws[count++] = fl_draw_message(0, &key, 0);
            key.lane = 0;
        }
        if (bit < 7) {
            key.hop = (uint8_t)one;
            draws[count++] = fl_draw_message(0, &key, 0);
            key.hop = 0;
        }
    }
    cr_assert_eq(count, FL_RNG_WINDOW + 1 + 64 * 7 + 32 * 3 + 16 * 2 + 8 * 2 + 7);
    cr_assert_eq(repeats(draws, count), 0);
}

Test(rng, order_of_drawing_does_not_matter)
{
    enum { DRAWS = 500 };
    uint64_t forward[DRAWS];
    for (int i = 0; i < DRAWS; i++)
        forward[i] = fl_draw(SEED, FL_RNG_AGENT, (uint64_t)i % 7, (uint64_t)i / 7, 3);
    for (int i = DRAWS - 1; i >= 0; i--) {
        fl_draw(SEED, FL_RNG_FAULT, (uint64_t)i, 17, 0); /* another stream in between */
        cr_assert_eq(forward[i], fl_draw(SEED, FL_RNG_AGENT, (uint64_t)i % 7, (uint64_t)i / 7, 3));
    }
}

Test(rng, below_stays_below)
{
    const uint64_t bounds[] = {1,         2, 3, 8, 1000003, UINT64_C(1) << 40, UINT64_C(1) << 63,
                               UINT64_MAX};
    for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++) {
        for (uint64_t step = 0; step < 500; step++) {
            const uint64_t raw = fl_draw(SEED, FL_RNG_PLACEMENT, 11, step, 2);
            const uint64_t below = fl_draw_below(SEED, FL_RNG_PLACEMENT, 11, step, 2, bounds[b]);
            cr_assert(below < bounds[b]);
            /* A power of two takes the top bits, exactly. */
            if ((bounds[b] & (bounds[b] - 1)) == 0 && bounds[b] > 1)
                cr_assert_eq(below, raw >> (64 - __builtin_ctzll(bounds[b])));
        }
    }
}

Test(rng, below_zero_panics, .signal = SIGABRT)
{
    fl_draw_below(SEED, FL_RNG_AGENT, 1, 2, 3, 0);
}

Test(rng, purpose_zero_panics, .signal = SIGABRT)
{
    fl_draw(SEED, (enum fl_purpose)0, 1, 2, 3);
}

enum { BINS = 97, PER_BIN = 300, SAMPLES = BINS * PER_BIN };

/* Upper tail probability of Pearson's statistic. With fixed seeds the test is deterministic; the
 * limits of 10^-3 and 1 - 10^-3 leave room for an honest generator. */
static double chi_square_p(const int *counts)
{
    double statistic = 0;
    for (int i = 0; i < BINS; i++)
        statistic += (double)(counts[i] - PER_BIN) * (counts[i] - PER_BIN) / PER_BIN;
    return gsl_cdf_chisq_Q(statistic, BINS - 1);
}

static void check_uniform(const int *counts, const char *what)
{
    const double p = chi_square_p(counts);
    fprintf(stderr, "chi-square of %s: seed %#llx, p = %.4f\n", what, (unsigned long long)SEED, p);
    cr_assert(p > 1e-3 && p < 1 - 1e-3);
}

static int bin_of(uint64_t draw)
{
    return (int)(((fl_u128)draw * BINS) >> 64);
}

Test(rng, draws_are_uniform_along_every_field)
{
    int steps[BINS] = {0}, owners[BINS] = {0}, lanes[BINS] = {0}, seeds[BINS] = {0};
    int receivers[BINS] = {0}, copies[BINS] = {0}, serial[BINS] = {0};
    struct fl_message_key key = {.word = {23, 85, 17}, .source = 4, .kind = 2, .family = 1};
    uint64_t last = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const uint64_t draw = fl_draw(SEED, FL_RNG_ORACLE, 5, i, 0);
        steps[bin_of(draw)]++;
        owners[fl_draw_below(SEED, FL_RNG_ORACLE, i, 5, 0, BINS)]++;
        lanes[fl_draw_below(SEED, FL_RNG_ORACLE, 5, 5, i, BINS)]++;
        seeds[fl_draw_below(i, FL_RNG_ORACLE, 5, 5, 0, BINS)]++;
        const uint64_t received = fl_draw_message(SEED, &key, i);
        receivers[bin_of(received)]++;
        serial[bin_of(received - last)]++; /* neighbours share a block: are they independent? */
        last = received;
        key.copy = (uint16_t)i;
        copies[bin_of(fl_draw_message(SEED, &key, 3))]++;
        key.copy = 0;
    }
    check_uniform(steps, "steps");
    check_uniform(owners, "owners");
    check_uniform(lanes, "lanes");
    check_uniform(seeds, "seeds");
    check_uniform(receivers, "receivers");
    check_uniform(serial, "differences of neighbours");
    check_uniform(copies, "copies");
}
