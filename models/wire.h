/* What the families say to each other: messages, local calls, transactions, questions, records.
 * Families talk in these words and never include one another; the engine never includes this.
 *
 * Units: money and prices are int64 in 10^-6 USD (price: per unit of the base asset), sizes in
 * 10^-6 units of the base asset, positive for long; ratios in 10^-6 (ppm); time in nanoseconds. */
#ifndef FL_WIRE_H
#define FL_WIRE_H
#include "sim/model.h"

#define FL_PPM_ONE ((int64_t)1000000)

/* --- local calls between consensus and replica, in the order they happen (DESIGN 2) ------------- */
enum fl_chain_call {
    FL_PROPOSE = 1, /* consensus -> chain: word[0] height; answer FL_PAYLOAD */
    FL_PAYLOAD,  /* chain -> consensus: word[0] height, word[1] transactions in it, blob the payload
                          (none: nothing to propose), value[0..1] its digest */
    FL_VALIDATE, /* consensus -> chain: word[0] height, blob; answer FL_VALID */
    FL_VALID,    /* chain -> consensus: word[0] height, blob, value[0] 1 or 0 */
    FL_EXTEND_VOTE,      /* consensus -> oracle: word[0] height; answer FL_VOTE_EXTENSION */
    FL_VOTE_EXTENSION,   /* oracle -> consensus: word[0] height, blob */
    FL_VERIFY_EXTENSION, /* consensus -> oracle: word[0] height, word[1] voter, blob */
    FL_EXTENSION_VALID,  /* oracle -> consensus: as asked, value[0] 1 or 0 */
    FL_DECIDE,  /* consensus -> chain: word[0] height, blob the payload, value[0..1] its digest; no
                          blob, and digest zero: the height is empty (PBFT's null request). It is
                          applied like a payload without transactions, at the time of the block
                          before, and has its records, its head and its answer like any other */
    FL_APPLIED, /* chain -> consensus: word[0] height, version, value[0..1] state hash, word[1] hash
                          of the next validator set, word[2] its activation height */
    FL_SNAPSHOT, /* consensus -> chain: in place of all decisions up to word[0], the state after it.
                          version, word[1..2] its state hash, value[0..1] digest of the payload of
                          that height, all as the consensus has seen it proven; blob: whatever. Its
                          rows came with a message. Answer FL_ADOPTED */
    FL_ADOPTED   /* chain -> consensus: word[0] height, word[1..2] digest of its payload, blob as
                    asked, version, value[0] 1 or 0 */
};

/* A payload (block) is a header followed by its batch; FL_EXECUTE runs the batch at this offset. */
struct fl_block {
    struct fl_digest parent; /* digest of the parent payload; zero for height 1, and after an
                                  empty height */
    uint64_t zero;
    struct fl_batch batch; /* height, time, base fee, transaction count; the transactions follow */
};

/* --- claims --------------------------------------------------------------------------------------
 * What a member of a consensus signs when others will quote it: the kind, the first two words and
 * the values of a message. word[2], copy and blob belong to the delivery, not to the claim; a value
 * that is the digest of a blob covers the blob. The first word of what is said about a height is
 * the height. */
struct fl_claim {
    uint64_t kind, word[2];
    struct fl_digest digest; /* value[0], value[1] */
};
static inline struct fl_digest fl_claim_digest(const struct fl_claim *claim)
{
    return fl_digest_of(claim, sizeof *claim);
}

/* --- messages ---------------------------------------------------------------------------------- */
enum fl_chain_msg {
    FL_SUBMIT = 64, /* client -> replica, word: account, nonce; blob a struct fl_tx; copy counts
                        resubmissions */
    FL_GOSSIP,      /* replica -> replica: the same, word[2] = key of the forwarder */
    FL_NEW_HEAD /* replica -> clients, every layer: word[0] height; version to read; value[0] block time,
                   value[1] base fee of the next block */
};
enum fl_market_call {
    FL_FUNDAMENTAL = 1 /* source -> market: word[0] step, value[0] price F */
};
enum fl_market_msg {
    FL_QUOTE = 80, /* market -> subscribers, every layer: word[0] step; value[0] mid M */
    FL_ORDER,      /* client -> market: word: client key, number; value[0] signed size */
    FL_FILLED      /* market -> client: word: client key, number; value: signed size, price */
};

/* --- transactions ------------------------------------------------------------------------------ */
enum fl_feed_tx {
    FL_TX_REPORT = 1 /* arg: price, observed at (ns), round of the reporter */
};
enum fl_exchange_tx {
    FL_TX_DEPOSIT = 1, /* arg: amount */
    FL_TX_WITHDRAW,    /* arg: amount; refused if it would leave less than the initial margin */
    FL_TX_TRADE,       /* arg: signed size, worst acceptable price (0: any), market */
    FL_TX_QUOTE,     /* a maker's account only. arg: mid, half spread (ppm), depth (10^-6 base units
                          per 1 % of price impact, each side), market */
    FL_TX_LIQUIDATE, /* arg: account, 1 + market (0: the exchange chooses) */
    FL_TX_DELEVERAGE /* where keepers choose the counterparty. arg: account, 1 + market (0: the
                          exchange chooses), counter-account: the account itself if nobody is left */
};
/* Of no contract: it is refused, and pays for its place in the block. */
enum { FL_TX_NOTHING = UINT16_MAX };
/* Why a contract refused: receipt codes. */
enum fl_refusal {
    FL_REFUSED_NO_PRICE = 1, /* the oracle has no valid price */
    FL_REFUSED_NO_QUOTE,     /* no liquidity, or its quote is too old */
    FL_REFUSED_LIMIT,        /* fill worse than the limit price, or beyond the depth offered */
    FL_REFUSED_MARGIN,       /* would leave the account below its initial margin */
    FL_REFUSED_HEALTHY,      /* not liquidatable */
    FL_REFUSED_SENDER,       /* this account may not do this */
    FL_REFUSED_ARGUMENT,     /* out of range */
    FL_REFUSED_BLOCK_LIMIT,  /* this block has done what it may to the account */
    FL_REFUSED_FUND          /* the insurance fund does not bear the loss of that fill */
};

/* --- questions to contracts --------------------------------------------------------------------- */
enum fl_question {
    FL_ASK_PRICE = 1,    /* feed -> struct fl_price */
    FL_ASK_ACCOUNT,      /* exchange, arg: account -> struct fl_account */
    FL_ASK_MARKET,       /* exchange, arg: market -> struct fl_market_terms */
    FL_ASK_TOTALS,       /* exchange -> struct fl_totals */
    FL_ASK_LIQUIDATABLE, /* exchange, arg: how many to leave out -> struct fl_liquidatable */
    FL_ASK_POSITIONS     /* exchange, arg: account -> struct fl_positions */
};
struct fl_price {
    int64_t price; /* 0 if there is none */
    int64_t round; /* number of changes of `price` so far: key of its FL_RECORD_PRICE */
    fl_time at;    /* block time of the last change */
    int64_t valid; /* 1 if quorum and age allow its use now */
};
/* Of an account at this version's marks. Equity, initial and maintenance are 0 while a market it holds
 * has no valid price; `priced` says so. */
struct fl_account {
    int64_t quote; /* collateral and realised gains; funding and socialised losses that are due
                      settled; may be < 0 */
    int64_t
        unsettled; /* what is due in `quote` but not booked in the row: quote + unsettled is the row */
    int64_t equity;      /* net collateral: quote + notional of all positions */
    int64_t initial;     /* margin needed to open more, or to withdraw */
    int64_t maintenance; /* liquidatable iff it is above 0 and above equity */
    uint32_t positions;
    uint16_t priced; /* 1: all its markets have a valid price */
    uint16_t maker;  /* 1: it may quote, and nobody liquidates it */
};
enum { FL_EXCHANGE_MARKETS_MAX = 32 };
struct fl_positions {
    uint32_t count, zero;
    struct fl_holding {
        uint32_t market, zero; /* ascending */
        int64_t size;
        int64_t
            entry; /* what opening it cost, in 10^-6 USD: positive; its share goes as it shrinks */
    } at[FL_EXCHANGE_MARKETS_MAX];
};
struct fl_market_terms {
    /* initial_ppm with open interest as it is; maintenance_ppm rounded up from fraction * unscaled */
    int64_t initial_ppm, maintenance_ppm;
    int64_t unscaled_ppm, maintenance_fraction_ppm; /* what those two are made of */
    int64_t liquidation_fee_ppm, liquidator_share_ppm;
    uint32_t liquidity_account, accounts; /* the first maker's */
    uint16_t oracle;                      /* index of the feed contract */
    uint16_t markets;                     /* how many the exchange has */
    uint32_t zero;
    int64_t mark;          /* price that margin goes by; 0: none is valid */
    int64_t tick, lot;     /* of prices and sizes */
    int64_t bid, ask;      /* best prices on offer; 0: none */
    int64_t open_interest; /* sum of long sizes */
    int64_t funding_ppm;   /* newest rate, for eight hours */
};
struct fl_totals {
    /* Every block: sum over accounts of (quote + unsettled) + fund + fees + funding == deposits -
     * withdrawals. Funding and socialised losses are charged through indices and booked when an account is
     * next touched: `funding` is what has been taken in and not yet given out, negative while more has
     * been given out. Less what is still due to accounts it is never below 0: roundings are the
     * exchange's. */
    int64_t fund, fees, funding;
    int64_t deposits, withdrawals;
    /* Cumulative; deficit = the other four. `adl` is what counterparties gave up against the mark. */
    int64_t deficit, fund_paid, adl, socialised, outstanding;
    int64_t liquidations, liquidated_usd; /* cumulative; notional at the mark */
    int64_t deleveragings;                /* cumulative; positions taken over */
    int64_t open_interest;                /* sum of long sizes over all markets */
};
/* Accounts below maintenance in the order in which they are liquidated: lowest collateral over
 * maintenance first, then by account. None of the makers'. */
enum { FL_LIQUIDATABLE_MAX = 256 };
struct fl_liquidatable {
    uint32_t count, total; /* in this answer; in all */
    struct fl_below {
        uint32_t account, market; /* the market that the exchange would choose */
        int64_t equity, maintenance;
        int64_t notional; /* of that market's position, at the mark: what fees go by */
    } at[FL_LIQUIDATABLE_MAX];
};

/* --- records ----------------------------------------------------------------------------------- */
enum fl_model_record {
    FL_RECORD_TICK = FL_RECORD_MODELS, /* step, 0, F */
    FL_RECORD_REPORT,                  /* reporter key, round, price */
    /* height, proposer key, transactions, digest of the payload (low, high half); noted by the consensus
     * of whoever built it */
    FL_RECORD_BLOCK,
    FL_RECORD_DECIDED, /* height, replica key, digest of the payload; the null request: zero */
    /* height, replica key; low halves of the state hash, of the payload's digest, and of that of the
     * payload it was executed on; 1 if it was not executed but taken over as a snapshot, so that heights
     * before it may be missing */
    FL_RECORD_APPLIED,
    /* height, replica key, view, digest: from now on the replica defends this payload, for it holds a
     * certificate that a quorum prepared it in that view */
    FL_RECORD_LOCKED,
    /* height, replica key, view, digest: the replica holds a certificate that this payload is decided,
     * for the first time */
    FL_RECORD_CERTIFIED,
    FL_RECORD_PRICE,      /* contract, round, price, previous price */
    FL_RECORD_DEPOSIT,    /* account, nonce, amount */
    FL_RECORD_WITHDRAWAL, /* account, nonce, amount */
    /* account, number (1, 2, ...), market, size closed, quote received, insurance delta: what went to the
     * fund and the keeper, or, negative, came out of the fund */
    FL_RECORD_LIQUIDATION,
    /* account, number of the liquidation; the loss beyond its collateral: paid by the fund, borne by
     * deleveraged counterparties, socialised, outstanding */
    FL_RECORD_DEFICIT,
    /* account, number of the liquidation, counter-account, size taken over, quote received by the account, what
     * the counter-account gave up against the mark */
    FL_RECORD_DELEVERAGED,
    FL_RECORD_FUNDING, /* market, tick of that market (1, 2, ...), rate for eight hours (ppm), rise of the
                          index, index price */
    FL_RECORD_FILL =
        FL_RECORD_UNNAMED, /* account, counter-account, size, quote received (signed), fee, market */
    FL_RECORD_MODELS_END
};

#endif
