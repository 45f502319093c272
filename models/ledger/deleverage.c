/* Auto-deleveraging: positions of bankrupt accounts go to accounts on the other side, at the bankruptcy price, in the
 * order of the exchange's policy (deleveraging.h). Makers stand in line like everybody. */
#include "models/ledger/fall.h"

static fl_i128 equity_of(struct fl_desk *desk, uint32_t number)
{
    struct fl_opened account;
    fl_account_open(desk, number, &account);
    return fl_opened_risk(desk, &account).collateral;
}

/* The accounts with a position on the other side. */
static uint32_t find_candidates(struct fl_fall *f, struct fl_candidate *out)
{
    struct fl_desk *desk = f->desk;
    const struct fl_deleveraging *policy = desk->p->deleveraging.model->deleveraging;
    const uint32_t high =
        ((const struct fl_exchange_row *)fl_row(desk->rows, FL_EXCHANGE_ROW, 0))->position_high;
    const uint32_t accounts = fl_row_count(desk->rows, FL_EXCHANGE_ACCOUNTS);
    const uint64_t key[3] = {fl_exec_batch(desk->exec)->height, f->account.number, f->market};
    const uint64_t start = fl_digest_of(key, sizeof key).lo % accounts;
    uint32_t count = 0;
    for (uint32_t i = 0; i < high; i++) {
        const struct fl_position_row *row = fl_row(desk->rows, FL_EXCHANGE_POSITIONS, i);
        if (row->market != f->market || row->size == 0 || (row->size > 0) != (f->rest > 0) ||
            row->account == f->account.number)
            continue;
        out[count++] =
            (struct fl_candidate){.account = row->account,
                                  .size = row->size,
                                  .entry = row->entry,
                                  .mark = desk->market[f->market].price,
                                  .notional = fl_magnitude(fl_fall_notional(f, row->size)),
                                  .equity = policy->by_equity ? equity_of(desk, row->account) : 0,
                                  .draw = (row->account + accounts - start) % accounts};
    }
    for (uint32_t i = 0; i < count; i++) out[i].rank = policy->rank(&out[i]);
    return count;
}

/* Takes over at most `most` (signed as f->rest); what the candidate took. */
int64_t fl_fall_take_over(struct fl_fall *f, uint32_t number, int64_t most)
{
    struct fl_desk *desk = f->desk;
    struct fl_opened other, loser = f->account;
    fl_account_open(desk, number, &other);
    if (!other.priced || !fl_opened_settle(desk, &other)) return 0;
    const int64_t before = fl_account_size(&loser.value, f->market);
    const int64_t before_other = fl_account_size(&other.value, f->market);
    fl_i128 quote;
    const int64_t moved = fl_deleverage_against(&loser.value, &other.value, desk->market, f->market,
                                                most, FL_DELEVERAGE_AT_BANKRUPTCY, &quote);
    if (moved == 0) return 0;
    const fl_i128 worth = fl_fall_notional(f, before) - fl_fall_notional(f, before + moved);
    if (fl_abs(other.value.quote) > FL_MONEY_MAX || fl_abs(loser.value.quote) > FL_MONEY_MAX ||
        !fl_fall_can_count(f, quote - worth))
        return 0;
    fl_account_follow(&loser, f->market, before, quote);
    fl_account_follow(&other, f->market, before_other, quote);
    const bool stored = fl_account_store(desk, &other);
    FL_ASSERT(stored); /* settled, and it shrinks */
    fl_fall_keep(f, &loser);
    fl_fall_count(f, moved, before, quote, 0);
    f->adl += quote - worth;
    f->taken_over = true;
    fl_fall_block(desk)->struck_deleveragings++;
    fl_desk_exchange(desk)->totals.deleveragings++;
    fl_exec_because(desk->exec, FL_RECORD_LIQUIDATION, f->account.number, f->number);
    int64_t *note = fl_exec_note(desk->exec, FL_RECORD_DELEVERAGED, f->account.number, f->number);
    note[2] = number;
    note[3] = -moved;
    note[4] = (int64_t)quote;
    note[5] = (int64_t)(quote - worth);
    return moved;
}

bool fl_fall_may_deleverage(struct fl_fall *f)
{
    return f->rest != 0 &&
           fl_fall_block(f->desk)->struck_deleveragings < f->desk->p->deleveragings_per_block;
}

/* Each takes its share of what is to be closed, rounded down to whole lots. */
static void deleverage_shared(struct fl_fall *f, const struct fl_candidate *all, uint32_t count)
{
    const int64_t lot = fl_market_terms(f->desk, f->market)->lot, wanted = f->rest;
    fl_i128 sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += fl_abs(all[i].size);
    for (uint32_t i = 0; i < count && fl_fall_may_deleverage(f); i++) {
        const fl_i128 share = (fl_i128)wanted * fl_abs(all[i].size) / sum;
        const int64_t part = (int64_t)(share / lot * lot);
        if (part != 0) fl_fall_take_over(f, all[i].account, part);
    }
}

static bool ranks_before(const struct fl_candidate *a, const struct fl_candidate *b)
{
    return a->rank != b->rank ? a->rank > b->rank : a->account < b->account;
}

/* The best of those not tried yet; UINT32_MAX if all were. */
static uint32_t best_candidate(const struct fl_candidate *all, uint32_t count)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++)
        if (all[i].size != 0 && (best == UINT32_MAX || ranks_before(&all[i], &all[best]))) best = i;
    return best;
}

void fl_fall_deleverage(struct fl_fall *f)
{
    const struct fl_deleveraging *policy = f->desk->p->deleveraging.model->deleveraging;
    if (policy->nobody || !fl_fall_may_deleverage(f)) return;
    struct fl_candidate *all = fl_watchlist_candidates(f->desk);
    const uint32_t count = find_candidates(f, all);
    if (policy->shared) deleverage_shared(f, all, count);
    while (fl_fall_may_deleverage(f)) {
        const uint32_t next = best_candidate(all, count);
        if (next == UINT32_MAX) return;
        fl_fall_take_over(f, all[next].account, f->rest);
        all[next].size = 0;
    }
}
