/* Hyperliquid's mark (its documentation, "Robust price indices"; mechanisms 2.2): the median of
 *   the oracle's price plus a 150 s moving average of how far the book's mid lies from it,
 *   the median of best bid, best ask and last trade,
 *   and a median of perpetual mids elsewhere;
 * if only two of these exist, a 30 s moving average of the book's mid joins them. There are no other exchanges' perpetuals
 * here, so that the third is always that average.
 *
 * A moving average over time is num / den with, after t seconds at sample x,
 *   num = num * e^(-t / T) + x * t,   den = den * e^(-t / T) + t.
 *
 * The book is looked at when a block ends; until the next one does, only the oracle moves the mark. Without a book
 * the first part stands alone. */
#include "models/ledger/mark.h"

struct params {
    fl_time basis_window, mid_window;
};

enum { BASIS, BASIS_WEIGHT, MID, MID_WEIGHT, BOOK, AT };

/* State: weights in milliseconds, sums in price times milliseconds, averaged over at most a few windows: with prices
 * below 10^15 and weights below 10^7 ms they would pass int64, so that the average itself is kept (price) beside its
 * weight. */
static void average(int64_t *value, int64_t *weight, int64_t sample, fl_time elapsed,
                    fl_time window)
{
    const int64_t part = elapsed / FL_MILLISECOND;
    if (*weight == 0) *value = sample; /* a first block that took no time is all there is */
    if (part <= 0) return;
    const fl_i128 scaled = -(fl_i128)elapsed * FL_Q32_ONE / window;
    const int64_t keep = scaled < -22 * FL_Q32_ONE ? 0 : fl_exp_q32((int64_t)scaled);
    const int64_t old = fl_mul_div_floor(*weight, keep, FL_Q32_ONE);
    const fl_i128 sum = (fl_i128)*value * old + (fl_i128)sample * part;
    *weight = old + part;
    *value = (int64_t)(sum / *weight);
}

static int64_t median3(int64_t a, int64_t b, int64_t c)
{
    return fl_max(fl_min(a, b), fl_min(fl_max(a, b), c));
}

static void update(const void *params, int64_t *state, const struct fl_mark_sight *sight)
{
    const struct params *p = params;
    const bool book = sight->bid > 0 && sight->ask > 0;
    const fl_time elapsed = state[AT] == 0 ? FL_SECOND : fl_sub(sight->now, state[AT]);
    state[AT] = sight->now;
    state[BOOK] = 0;
    if (!book) return;
    const int64_t mid = sight->bid + (sight->ask - sight->bid) / 2;
    average(&state[BASIS], &state[BASIS_WEIGHT], mid - sight->oracle, elapsed, p->basis_window);
    average(&state[MID], &state[MID_WEIGHT], mid, elapsed, p->mid_window);
    state[BOOK] = sight->last > 0 ? median3(sight->bid, sight->ask, sight->last) : mid;
}

static int64_t price(const void *params, const int64_t *state, int64_t oracle)
{
    (void)params;
    const int64_t fair = fl_max(oracle + state[BASIS], 1);
    return state[BOOK] == 0 ? fair : median3(fair, state[BOOK], state[MID]);
}

static const struct fl_param rows[] = {
    {.key = "basis_window_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, basis_window),
     .min = FL_SECOND,
     .max = 86400 * FL_SECOND,
     .fallback = "150",
     .doc =
         "time constant of the moving average of mid less oracle, in seconds (Hyperliquid: 150)"},
    {.key = "mid_window_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, mid_window),
     .min = FL_SECOND,
     .max = 86400 * FL_SECOND,
     .fallback = "30",
     .doc = "time constant of the moving average of the mid, in seconds (Hyperliquid: 30)"},
    {.key = NULL}};

static const struct fl_mark_rule rule = {.price = price, .update = update};

const struct fl_model fl_model_book_median = {
    .name = "book_median",
    .family = FL_MARK,
    .doc = "median of the oracle's price plus its average distance to the book, of the book, and "
           "of the book's "
           "moving average (Hyperliquid's documentation, robust price indices)",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .mark = &rule};
