#include "tests/lib/exact.h"

void fl_exact_set(mpz_t to, fl_i128 from)
{
    const fl_u128 magnitude = from < 0 ? -(fl_u128)from : (fl_u128)from;
    mpz_import(to, 1, -1, sizeof magnitude, 0, 0, &magnitude);
    if (from < 0) mpz_neg(to, to);
}

void fl_exact_set_wide(mpz_t to, const struct fl_wide *from)
{
    mpz_import(to, FL_WIDE_LIMBS, -1, sizeof from->limb[0], 0, 0, from->limb);
}

fl_i128 fl_exact_get(const mpz_t from)
{
    FL_ASSERT(mpz_sizeinbase(from, 2) <= 127);
    fl_u128 magnitude = 0;
    mpz_export(&magnitude, NULL, -1, sizeof magnitude, 0, 0, from);
    return mpz_sgn(from) < 0 ? -(fl_i128)magnitude : (fl_i128)magnitude;
}

fl_i128 fl_exact(enum fl_exact_way way, fl_i128 a, fl_i128 b, fl_i128 c, fl_i128 d)
{
    mpz_t product, factor;
    mpz_inits(product, factor, NULL);
    fl_exact_set(product, a);
    fl_exact_set(factor, b);
    mpz_mul(product, product, factor);
    fl_exact_set(factor, c);
    mpz_mul(product, product, factor);
    fl_exact_set(factor, d);
    switch (way) {
    case FL_EXACT_FLOOR:
        mpz_fdiv_q(product, product, factor);
        break;
    case FL_EXACT_CEIL:
        mpz_cdiv_q(product, product, factor);
        break;
    case FL_EXACT_TRUNC:
        mpz_tdiv_q(product, product, factor);
        break;
    }
    const fl_i128 quotient = fl_exact_get(product);
    mpz_clears(product, factor, NULL);
    return quotient;
}

uint64_t fl_exact_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

int64_t fl_exact_random_up_to(uint64_t *state, int64_t most)
{
    const uint64_t bits = fl_exact_random(state) % ((uint64_t)most + 1);
    int width = 0;
    while (most >> width != 0) width++;
    return (int64_t)(bits >> fl_exact_random(state) % (uint64_t)(width + 1));
}

int64_t fl_exact_random_signed(uint64_t *state, int64_t most)
{
    const int64_t value = fl_exact_random_up_to(state, most);
    return fl_exact_random(state) % 2 == 0 ? value : -value;
}

fl_i128 fl_exact_random_i128(uint64_t *state)
{
    const uint64_t high = fl_exact_random(state), low = fl_exact_random(state);
    const fl_u128 magnitude = ((fl_u128)high << 64 | low) >> (1 + fl_exact_random(state) % 127);
    return fl_exact_random(state) % 2 == 0 ? (fl_i128)magnitude : -(fl_i128)magnitude;
}
