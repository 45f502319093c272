/* What each kind of record is called, what its values are, and how a report says it.
 *
 * v[0] and v[1] are the key of a record within its kind; a kind with one key leaves v[1] unnamed. */
#include "models/wire.h"

/* clang-format off */
const struct fl_record_kind fl_record_kinds[] = {
    /* --- the engine's own ------------------------------------------------------------------- */
    { FL_RECORD_FAULT, "fault", "fault {0} begins",
      { { "fault", FL_ID } } },
    { FL_RECORD_RECOVERY, "recovery", "fault {0} ends for endpoint {1}",
      { { "fault", FL_ID }, { "endpoint", FL_ID } } },
    { FL_RECORD_SUPPRESSED, "suppressed",
      "fault {0} drops or alters a message of endpoint {1} (family {2}, kind {3}, words {4}, {5})",
      { { "fault", FL_ID }, { "endpoint", FL_ID }, { "family", FL_ID }, { "message_kind", FL_ID },
        { "word_0", FL_ID }, { "word_1", FL_ID } } },
    { FL_RECORD_TX, "transaction",
      "account {0} hands in transaction {1} (kind {3}) for contract {2}",
      { { "account", FL_ID }, { "nonce", FL_ID }, { "contract", FL_ID }, { "tx_kind", FL_ID },
        { "copy", FL_COUNT } } },
    { FL_RECORD_STRUCK, "struck", "fault {0} takes endpoint {1} too",
      { { "fault", FL_ID }, { "endpoint", FL_ID } } },
    { FL_RECORD_ATTACHED, "attached", "endpoint {0} turns from replica {2} to replica {3} (turn {1})",
      { { "client", FL_ID }, { "turn", FL_COUNT }, { "before", FL_ID }, { "replica", FL_ID } } },

    /* --- sources, oracles, chain ------------------------------------------------------------- */
    { FL_RECORD_TICK, "tick", "the fundamental price is {2} at step {0}",
      { { "step", FL_ID }, { NULL, 0 }, { "fundamental", FL_USD } } },
    { FL_RECORD_REPORT, "report", "reporter {0} reports {2} in its round {1}",
      { { "reporter", FL_ID }, { "round", FL_ID }, { "price", FL_USD } } },
    { FL_RECORD_BLOCK, "block", "{1} proposes block {0} with {2} transactions",
      { { "height", FL_ID }, { "proposer", FL_ID }, { "transactions", FL_COUNT },
        { "digest_low", FL_ID }, { "digest_high", FL_ID } } },
    { FL_RECORD_DECIDED, "decided", "replica {1} decides block {0}",
      { { "height", FL_ID }, { "replica", FL_ID }, { "digest_low", FL_ID },
        { "digest_high", FL_ID } } },
    { FL_RECORD_APPLIED, "applied", "replica {1} applies block {0}",
      { { "height", FL_ID }, { "replica", FL_ID }, { "state_low", FL_ID },
        { "payload_low", FL_ID }, { "parent_low", FL_ID }, { "snapshot", FL_BOOL } } },
    { FL_RECORD_LOCKED, "locked", "replica {1} locks block {0} in view {2}",
      { { "height", FL_ID }, { "replica", FL_ID }, { "view", FL_ID }, { "digest_low", FL_ID },
        { "digest_high", FL_ID } } },
    { FL_RECORD_CERTIFIED, "certified", "replica {1} holds the certificate of block {0}, view {2}",
      { { "height", FL_ID }, { "replica", FL_ID }, { "view", FL_ID }, { "digest_low", FL_ID },
        { "digest_high", FL_ID } } },
    { FL_RECORD_PRICE, "price", "feed {0} moves from {3} to {2} (change {1})",
      { { "contract", FL_ID }, { "round", FL_ID }, { "price", FL_USD }, { "previous", FL_USD } } },

    /* --- the exchange ------------------------------------------------------------------------ */
    { FL_RECORD_DEPOSIT, "deposit", "account {0} deposits {2}",
      { { "account", FL_ID }, { "nonce", FL_ID }, { "amount", FL_USD } } },
    { FL_RECORD_WITHDRAWAL, "withdrawal", "account {0} withdraws {2}",
      { { "account", FL_ID }, { "nonce", FL_ID }, { "amount", FL_USD } } },
    { FL_RECORD_FILL, "fill", "account {0} trades {2} with account {1} for {3}, fee {4}",
      { { "account", FL_ID }, { "counter_account", FL_ID }, { "size", FL_SIZE },
        { "quote", FL_USD }, { "fee", FL_USD }, { "market", FL_ID } } },
    { FL_RECORD_LIQUIDATION, "liquidation",
      "account {0} is liquidated in market {2}: {3} closed for {4} (fund and keeper: {5})",
      { { "account", FL_ID }, { "number", FL_ID }, { "market", FL_ID }, { "size", FL_SIZE },
        { "quote_received", FL_USD }, { "insurance_delta", FL_USD } } },
    { FL_RECORD_DEFICIT, "deficit",
      "account {0} ends short: the fund pays {2}, counterparties give up {3}, {4} is socialised, {5} stays "
      "open",
      { { "account", FL_ID }, { "number", FL_ID }, { "fund_paid", FL_USD }, { "adl", FL_USD },
        { "socialised", FL_USD }, { "outstanding", FL_USD } } },
    { FL_RECORD_DELEVERAGED, "deleveraged",
      "account {2} takes over {3} of account {0} for {4}, {5} worse than the mark",
      { { "account", FL_ID }, { "number", FL_ID }, { "counter_account", FL_ID }, { "size", FL_SIZE },
        { "quote_received", FL_USD }, { "given_up", FL_USD } } },
    { FL_RECORD_FUNDING, "funding", "market {0} pays funding at a rate of {2} (tick {1})",
      { { "market", FL_ID }, { "tick", FL_ID }, { "rate", FL_PPM }, { "index_rise", FL_COUNT },
        { "index_price", FL_USD } } },
    { .kind = 0 },
};
/* clang-format on */
