/* The perpetual exchange from inside: its parameters and rows, and what its files do for each other.
 *
 *   perpetual.c    transactions, questions, layout and parameters
 *   accounts.c     rows of accounts to values that margin.h computes with, and back
 *   trading.c      marks, quotes and fills
 *   liquidation.c  the waterfall of a liquidation (fall.h); deleverage.c: who takes positions over;
 *                  liquidation_order.c: the exchange's own liquidations
 *   funding_clock.c  premium votes, samples and ticks of funding
 *   watchlist.c    the index: which accounts may be below maintenance
 */
#ifndef FL_LEDGER_EXCHANGE_H
#define FL_LEDGER_EXCHANGE_H
#include "models/ledger/book.h"
#include "models/ledger/deleveraging.h"
#include "models/ledger/edges.h"
#include "models/ledger/margin.h"
#include "models/ledger/mark.h"
#include "models/wire.h"

/* Bounds of what a transaction may ask for, and of any balance it may lead to; a transaction that would
 * leave the bounds is refused, so that no input can overflow. */
#define FL_SIZE_ASKED_MAX ((int64_t)1000000000000000)   /* 10^9 units of the base asset */
#define FL_AMOUNT_MAX ((int64_t)1000000000000000)       /* 10^9 USD */
#define FL_QUOTE_MID_MAX ((int64_t)10000000000000)      /* 10^7 USD */
#define FL_ORACLE_PRICE_MAX ((int64_t)1000000000000000) /* 10^9 USD: an oracle may lie */
#define FL_MONEY_MAX ((int64_t)1000000000000000000)     /* 10^12 USD */
#define FL_INTEREST_MAX ((int64_t)100000000000000000)   /* open interest of a market: 10^11 units */
#define FL_INDEX_MAX ((int64_t)1000000000000000000)     /* of funding and socialised losses */
#define FL_EXCHANGE_EXPONENT (-6)                       /* sizes and prices are both in 10^-6 */
enum {
    FL_FUNDING_SLOTS = 64, /* votes of a sample, samples of a tick */
    FL_ATTEMPTS_MAX = 1000 /* liquidations that the exchange itself tries in a block */
};

/* --- parameters ---------------------------------------------------------------------------------- */

struct fl_exchange_market {
    uint32_t oracle; /* contract */
    uint32_t zero;
    int64_t initial_ppm, maintenance_fraction_ppm;
    int64_t oi_lower, oi_upper; /* 10^-6 USD */
    int64_t tick, lot;
    int64_t impact_notional; /* 10^-6 USD */
    int64_t default_funding_ppm;
};
struct fl_exchange {
    struct fl_list markets; /* struct fl_exchange_market */
    struct fl_groups makers;
    struct fl_submodel mark, deleveraging;
    int64_t trading_fee_ppm, liquidator_share_ppm;
    int64_t insurance_fund;
    fl_time quote_max_age;
    int64_t positions_per_account; /* room for them, on average */
    struct fl_liquidation_terms liquidation;
    int64_t account_notional, account_insurance; /* 10^-6 USD, for `liquidation` */
    int64_t insurance_per_block;
    int64_t liquidations_per_block, deleveragings_per_block;
    fl_time funding_sample, funding_tick; /* tick 0: no funding */
    int64_t funding_votes, funding_clamp_ppm, premium_limit_ppm;
};

/* --- rows ---------------------------------------------------------------------------------------- */

enum {
    FL_EXCHANGE_ROW,
    FL_EXCHANGE_MARKETS,
    FL_EXCHANGE_MAKERS, /* FL_MAKERS_MAX for each market */
    FL_EXCHANGE_ACCOUNTS,
    FL_EXCHANGE_POSITIONS,
    FL_EXCHANGE_STRUCK,  /* what was liquidated in the newest block */
    FL_EXCHANGE_FUNDING, /* by market */
    FL_EXCHANGE_TABLES
};

struct fl_exchange_row {
    struct fl_totals totals;
    int64_t open_accounts, trades;
    uint32_t maker;                        /* the first one's account; UINT32_MAX: none */
    uint32_t free_position, position_high; /* slots + 1: first free one; how many were ever used */
    uint32_t struck;                       /* rows of FL_EXCHANGE_STRUCK in use */
    uint64_t struck_height;                /* at this height */
    int64_t struck_insurance;              /* what the fund lost in that block */
    int64_t struck_deleveragings;
};
struct fl_market_row {
    int64_t funding_long, funding_short; /* indices: 10^-6 USD per 10^-6 base units, times 10^6 */
    int64_t open_interest, trades;
    int64_t last; /* price of the newest trade */
    int64_t funding_ppm;
    int64_t mark_state[FL_MARK_STATE];
};
struct fl_maker_row {
    int64_t mid, half_spread, depth;
    fl_time quoted_at;
    int64_t taken_buy, taken_sell;
    uint32_t account; /* + 1; 0: a free place */
    uint32_t zero;
};
struct fl_account_row {
    int64_t quote;
    uint32_t first;   /* slot + 1 of its first position */
    uint32_t changes; /* of the account or its positions, so that the row changes with them */
};
struct fl_position_row {
    int64_t size, entry;
    int64_t funding; /* index of its side up to which it is settled */
    uint32_t account, market;
    /* Slot + 1, of the account's next position by market, or of the next free slot. */
    uint32_t next, zero;
};
struct fl_struck_row {
    uint32_t account, market;
    int64_t notional, lost;
};
struct fl_funding_row {
    fl_time next_sample, next_tick; /* 0: not begun */
    int64_t ticks;
    uint32_t votes, samples;
    int32_t vote[FL_FUNDING_SLOTS], sample[FL_FUNDING_SLOTS];
};

/* --- a transaction at work: what its steps share --------------------------------------------------- */

struct fl_marks;
struct fl_desk {
    struct fl_exec *exec; /* NULL: only reads */
    const struct fl_rows *rows;
    const struct fl_exchange *p;
    fl_time now;
    struct fl_marks *marks;
    uint32_t known; /* bit i: market[i] has been read */
    struct fl_margin_market market[FL_MARKETS_MAX];
};
/* `exec` or, to read only, `rows`. */
void fl_desk_open(struct fl_desk *desk, struct fl_exec *exec, const struct fl_rows *rows);
const struct fl_exchange_market *fl_market_terms(const struct fl_desk *desk, uint32_t market);
/* Its mark, terms and open interest; price 0: there is no valid one. */
const struct fl_margin_market *fl_desk_market(struct fl_desk *desk, uint32_t market);
/* After a change of the market's row. */
void fl_desk_forget(struct fl_desk *desk, uint32_t market);
struct fl_exchange_row *fl_desk_exchange(struct fl_desk *desk);
struct fl_market_row *fl_desk_market_edit(struct fl_desk *desk, uint32_t market);

/* Adds to a balance or a sum. False, and no change, if it would leave the bounds. */
bool fl_move(int64_t *balance, fl_i128 amount);
static inline fl_i128 fl_magnitude(fl_i128 a)
{
    return a < 0 ? -a : a;
}

/* --- accounts.c ------------------------------------------------------------------------------------ */

/* An account as values. What funding and socialised losses are due is in `value.quote` already; `due` says how
 * much that was. */
struct fl_opened {
    uint32_t number;
    bool priced;  /* all its markets have a valid price */
    bool bounded; /* its balance is within bounds: else it cannot be stored */
    fl_i128 due;
    struct fl_margin_account value;
    int64_t entry[FL_MARKETS_MAX];
    uint32_t slot[FL_MARKETS_MAX]; /* + 1, of the row it was read from */
    uint32_t stored; /* positions in the rows; market and size of each as they stand there */
    uint32_t stored_market[FL_MARKETS_MAX];
    int64_t stored_size[FL_MARKETS_MAX];
};
void fl_account_open(struct fl_desk *desk, uint32_t number, struct fl_opened *account);
/* Writes it back, with the sums over positions. False if a sum would leave its bounds, or there is no
 * room for another position. */
bool fl_account_store(struct fl_desk *desk, struct fl_opened *account);
/* Books what is due, if anything is; after that a change that needs no more room can always be stored. */
bool fl_opened_settle(struct fl_desk *desk, struct fl_opened *account);
/* What the market's index has risen by since is not charged to this account. */
void fl_account_absolve(struct fl_desk *desk, struct fl_opened *account, uint32_t market);
/* Adds a fill: size and quote received; entry costs follow. The market must be known to the desk. False if a
 * bound would be passed. */
bool fl_account_trade(struct fl_desk *desk, struct fl_opened *account, uint32_t market,
                      int64_t size, fl_i128 quote);
/* After margin.h has changed its position in a market, which was `before`: entry costs and slots follow. */
void fl_account_follow(struct fl_opened *account, uint32_t market, int64_t before, fl_i128 quote);
struct fl_risk fl_opened_risk(const struct fl_desk *desk, const struct fl_opened *account);
bool fl_is_maker(const struct fl_desk *desk, uint32_t account);

/* --- trading.c ------------------------------------------------------------------------------------- */

/* What the market's oracle says; 0 if it has no valid price. */
int64_t fl_exchange_oracle(const struct fl_desk *desk, uint32_t market);
/* The market's mark; 0 if its oracle has no valid price. */
int64_t fl_exchange_mark(const struct fl_desk *desk, uint32_t market);
/* Brings what the mark rule remembers up to the end of the block. */
void fl_mark_block(struct fl_desk *desk);
/* Living offers of one side of a market, by place. */
void fl_read_offers(const struct fl_desk *desk, uint32_t market, bool buy,
                    struct fl_offer offers[FL_MAKERS_MAX]);
/* Best price on offer to a taker who buys or sells; 0: none. */
int64_t fl_best_price(const struct fl_desk *desk, uint32_t market, bool buy);
/* What the taker of `size` gets: -ceil(size * price) for a buy, floor(|size| * price) for a sell. */
fl_i128 fl_quote_flow(int64_t size, int64_t price);
/* The next part of what is left, signed `size`, of an order of `whole`, that the book would fill at `limit` or
 * better (0: any), places in `skip` left out. Size 0 if there is none. */
struct fl_match {
    uint32_t place, maker; /* of the maker in the market; its account */
    int64_t size;          /* signed, of the taker */
    int64_t price;
    fl_i128 quote; /* the taker's flow */
};
struct fl_match fl_book_look(const struct fl_desk *desk, uint32_t market, int64_t whole,
                             int64_t size, int64_t limit, uint32_t skip);
/* The maker's side of it, stored. False, and nothing changed, if the maker cannot back it; `taker_open`: what the
 * taker's side adds to the open interest. */
bool fl_book_take(struct fl_desk *desk, uint32_t market, const struct fl_match *part,
                  int64_t taker_open);
uint32_t fl_trade(struct fl_desk *desk, const struct fl_tx *tx);
uint32_t fl_quote_tx(struct fl_desk *desk, const struct fl_tx *tx);

/* --- liquidation.c --------------------------------------------------------------------------------- */

uint32_t fl_liquidate_tx(struct fl_desk *desk, const struct fl_tx *tx);
uint32_t fl_deleverage_tx(struct fl_desk *desk, const struct fl_tx *tx);
/* The exchange's own liquidations at the end of a block. */
void fl_liquidate_block(struct fl_desk *desk);
/* The market whose position the exchange would close first: the greatest maintenance margin. */
uint32_t fl_worst_market(const struct fl_desk *desk, const struct fl_opened *account);

/* --- funding_clock.c ------------------------------------------------------------------------------- */

void fl_funding_block(struct fl_desk *desk);

/* --- watchlist.c ----------------------------------------------------------------------------------- */

/* An account below maintenance. */
struct fl_fallen {
    uint32_t account;
    uint32_t struck; /* 1: not to be tried again in this block */
    fl_i128 collateral, maintenance;
};
/* Positions that all accounts together may hold. */
uint32_t fl_positions_room(const struct fl_exchange *p, uint32_t accounts);
size_t fl_watchlist_bytes(const void *params, const struct fl_facts *facts);
void fl_watchlist_update(void *index, const struct fl_rows *rows, uint32_t contract,
                         const struct fl_change *changes, uint32_t count);
/* Marks of the desk's version, as far as they have been asked for: NULL while a batch is at work. */
struct fl_marks {
    fl_version version;
    uint32_t known; /* bit i: price[i] has been found */
    int64_t price[FL_MARKETS_MAX];
};
struct fl_marks *fl_watchlist_marks(const struct fl_desk *desk);
/* All accounts below maintenance at the desk's rows, makers left out, in no order. Lent until the next
 * call. */
struct fl_fallen *fl_watchlist_fallen(struct fl_desk *desk, uint32_t *count);
/* Room for one candidate for each position; lent until the next call. */
struct fl_candidate *fl_watchlist_candidates(const struct fl_desk *desk);
/* Lowest collateral over maintenance first, by cross-multiplication, then the lower account. */
bool fl_falls_before(const struct fl_fallen *a, const struct fl_fallen *b);
/* Sorts into that order (heap sort, in place). */
void fl_fallen_sort(struct fl_fallen *all, uint32_t count);

#endif
