/* When funding is sampled and paid (dYdX v4, mechanisms 2.1): every block votes on the premium, votes make a sample,
 * samples a rate, the rate moves the index. On dYdX each proposer adds its own vote; here the block's book does. A
 * chain that stood still catches up one sample and one tick a block; samples it has missed count as zero. */
#include "models/ledger/exchange.h"
#include "models/ledger/funding.h"

#include <string.h>

/* Quote and size of taking the impact notional from one side, as a fraction of price. */
static void impact_of(const struct fl_desk *desk, uint32_t market, int64_t index, bool buy,
                      fl_i128 *numerator, fl_i128 *denominator)
{
    const struct fl_exchange_market *terms = fl_market_terms(desk, market);
    struct fl_offer offers[FL_MAKERS_MAX];
    fl_read_offers(desk, market, buy, offers);
    const fl_i128 wanted = (fl_i128)terms->impact_notional * FL_PPM_ONE / index;
    int64_t rest = (int64_t)(wanted > FL_SIZE_ASKED_MAX ? FL_SIZE_ASKED_MAX : wanted);
    *numerator = *denominator = 0;
    rest = fl_max(rest - rest % terms->lot, terms->lot);
    const struct fl_grid grid = fl_order_grid(terms->tick, terms->lot, rest);
    while (rest > 0) {
        const struct fl_slice slice = fl_book_slice(offers, FL_MAKERS_MAX, buy, rest, 0, &grid);
        if (slice.maker == UINT32_MAX) {
            *denominator = 0;
            return;
        }
        *numerator += (fl_i128)slice.size * slice.price;
        *denominator += slice.size;
        offers[slice.maker].taken += slice.size;
        rest -= slice.size;
    }
}

static void vote(struct fl_desk *desk, uint32_t market, int64_t index, struct fl_funding_row *row)
{
    struct fl_impact impact;
    impact_of(desk, market, index, false, &impact.bid_numerator, &impact.bid_denominator);
    impact_of(desk, market, index, true, &impact.ask_numerator, &impact.ask_denominator);
    const int64_t limit = desk->p->premium_limit_ppm;
    if (row->votes < FL_FUNDING_SLOTS)
        row->vote[row->votes++] = (int32_t)fl_premium_ppm(&impact, index, 1, limit);
}

static void sample(const struct fl_desk *desk, struct fl_funding_row *row)
{
    int64_t votes[FL_FUNDING_SLOTS];
    for (uint32_t i = 0; i < row->votes; i++) votes[i] = row->vote[i];
    const int64_t value = fl_premium_sample(votes, row->votes, (uint32_t)desk->p->funding_votes);
    if (row->samples < FL_FUNDING_SLOTS) row->sample[row->samples++] = (int32_t)value;
    row->votes = 0;
}

static void tick(struct fl_desk *desk, uint32_t market, int64_t index, struct fl_funding_row *row)
{
    const struct fl_exchange *p = desk->p;
    const struct fl_exchange_market *terms = fl_market_terms(desk, market);
    int64_t samples[FL_FUNDING_SLOTS];
    for (uint32_t i = 0; i < row->samples; i++) samples[i] = row->sample[i];
    const int64_t rate = fl_funding_rate(samples, row->samples,
                                         fl_samples_expected(p->funding_tick, p->funding_sample),
                                         terms->default_funding_ppm, p->funding_clamp_ppm,
                                         terms->initial_ppm, terms->maintenance_fraction_ppm);
    row->samples = 0;
    row->ticks++;
    const fl_i128 rise =
        fl_funding_rise(p->funding_tick / FL_SECOND, rate, index, FL_EXCHANGE_EXPONENT);
    struct fl_market_row *at = fl_desk_market_edit(desk, market);
    at->funding_ppm = rate;
    if (fl_magnitude(at->funding_long + rise) > FL_INDEX_MAX ||
        fl_magnitude(at->funding_short + rise) > FL_INDEX_MAX)
        return; /* an index at its bound stands still */
    at->funding_long += (int64_t)rise;
    at->funding_short += (int64_t)rise;
    fl_desk_forget(desk, market);
    int64_t *note = fl_exec_note(desk->exec, FL_RECORD_FUNDING, market, row->ticks);
    note[2] = rate;
    note[3] = (int64_t)rise;
    note[4] = index;
}

static void run_clock(struct fl_desk *desk, uint32_t market, int64_t index)
{
    const struct fl_exchange *p = desk->p;
    struct fl_funding_row *row = fl_row_edit(desk->exec, FL_EXCHANGE_FUNDING, market);
    if (row->next_sample == 0) {
        row->next_sample = desk->now + p->funding_sample;
        row->next_tick = desk->now + p->funding_tick;
    }
    vote(desk, market, index, row);
    if (desk->now >= row->next_sample) {
        sample(desk, row);
        row->next_sample += p->funding_sample;
    }
    if (desk->now >= row->next_tick) {
        tick(desk, market, index, row);
        row->next_tick += p->funding_tick;
    }
}

/* The index price of funding is the oracle's, whatever the mark: a mark that follows the book would have no premium.
 * Without a valid price the market's clock waits. */
void fl_funding_block(struct fl_desk *desk)
{
    if (desk->p->funding_tick == 0) return;
    for (uint32_t market = 0; market < desk->p->markets.count; market++) {
        const int64_t index = fl_exchange_oracle(desk, market);
        if (index != 0) run_clock(desk, market, index);
    }
}
