/* A replica that never includes certain transactions: they are left out of the payloads it builds, and it
 * does not pass them on. Payloads stay valid, and those of others are accepted whatever they hold, so
 * that nobody can prove anything: a censor delays until somebody else leads. With rotating leaders of
 * which a share q censors, drawn independently, a transaction waits for 1 / (1 - q) of them on the
 * average (the mean of the geometric law).
 *
 * A transaction is censored if it fits all that is named: the group that owns its account, its contract,
 * its kind. Nothing named: every transaction. */
#include "models/fault/words.h"

struct params {
    struct fl_groups groups;
    uint32_t contract, zero; /* UINT32_MAX: any */
    int64_t kind;            /* 0: any */
};

static bool of_group(const struct fl_groups *groups, uint32_t first)
{
    for (uint32_t i = 0; i < groups->count; i++)
        if (groups->first[i] == first) return true;
    return groups->count == 0;
}

static bool censored(const struct params *p, const struct fl_self *self, const struct fl_tx *tx)
{
    if (p->contract != UINT32_MAX && tx->contract != p->contract) return false;
    if (p->kind != 0 && tx->kind != p->kind) return false;
    return of_group(&p->groups, fl_account_owners(self, tx->account));
}

/* Copies a block without its censored transactions; returns how many are left. */
static uint32_t sift(const struct params *p, const struct fl_self *self, const unsigned char *from,
                     struct fl_block *block, unsigned char *to)
{
    uint32_t kept = 0;
    const uint32_t count = block->batch.tx_count;
    for (uint32_t i = 0; i < count; i++) {
        struct fl_tx tx;
        memcpy(&tx, from + sizeof *block + i * sizeof tx, sizeof tx);
        if (censored(p, self, &tx)) continue;
        if (to) memcpy(to + sizeof *block + kept * sizeof tx, &tx, sizeof tx);
        kept++;
    }
    block->batch.tx_count = kept;
    if (to) memcpy(to, block, sizeof *block);
    return kept;
}

/* The payload without them. It is written here, so it is never larger than the one it replaces. */
static void repeat_payload(const struct params *p, const struct fl_self *self,
                           const struct fl_outbox *honest, uint32_t i, const struct fl_view *view,
                           struct fl_outbox *out)
{
    const struct fl_effect *const was = &honest->at[i];
    uint32_t bytes = 0;
    const void *const data = fl_fault_content(honest, view, was->msg.blob, &bytes);
    struct fl_block block;
    if (!fl_fault_block(data, bytes, &block)) {
        fl_repeat(honest, i, out);
        return;
    }
    const uint32_t all = block.batch.tx_count;
    const uint32_t kept = sift(p, self, data, &block, NULL);
    if (kept == all) {
        fl_repeat(honest, i, out);
        return;
    }
    const size_t left = sizeof block + kept * sizeof(struct fl_tx);
    block.batch.tx_count = all;
    sift(p, self, data, &block, fl_blob_begin(out, (uint32_t)left));
    struct fl_digest digest;
    const fl_blob blob = fl_blob_end(out, was->msg.word[0], &digest);
    struct fl_effect *const e = fl_emit(out, FL_LOCAL);
    *e = *was;
    e->origin = i + 1;
    e->msg.word[1] = kept;
    e->msg.blob = blob;
    fl_fault_name(&e->msg, digest);
}

static void step(const struct fl_coalition *coalition, void *state, uint32_t who,
                 const struct fl_event *in, const struct fl_view *view,
                 const struct fl_outbox *honest, struct fl_outbox *out)
{
    const struct params *const p = coalition->params;
    const struct fl_self *const self = coalition->member[who];
    (void)state;
    (void)in;
    for (uint32_t i = 0; i < honest->count; i++) {
        const struct fl_effect *const e = &honest->at[i];
        struct fl_tx tx;
        const bool gossip = fl_fault_tx(honest, i, view, &tx) && e->msg.kind == FL_GOSSIP;
        if (gossip && censored(p, self, &tx)) continue;
        if (e->kind == FL_LOCAL && e->msg.family == FL_CONSENSUS && e->msg.kind == FL_PAYLOAD)
            repeat_payload(p, self, honest, i, view, out);
        else
            fl_repeat(honest, i, out);
    }
}

static const struct fl_param keys[] = {
    {.key = "groups",
     .type = FL_GROUP_NAMES,
     .offset = offsetof(struct params, groups),
     .fallback = "[]",
     .doc = "groups of nodes whose accounts are censored; none: all accounts"},
    {.key = "contract",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct params, contract),
     .fallback = "null",
     .doc = "only transactions to this contract; null: to any"},
    {.key = "kind",
     .type = FL_INTEGER,
     .offset = offsetof(struct params, kind),
     .min = 0,
     .max = UINT16_MAX,
     .fallback = "0",
     .doc = "only transactions of this kind, as the contract numbers them (feed: 1 report; "
            "perpetual: 1 deposit, 2 withdraw, 3 trade, 4 quote, 5 liquidate); 0: of any"},
    {0}};

static const struct fl_fault_model fault = {.step = step};

const struct fl_model fl_model_censor = {
    .name = "censor",
    .family = FL_FAULT,
    .doc = "a replica leaves certain transactions out of what it proposes and passes on",
    .params = keys,
    .params_bytes = sizeof(struct params),
    .fault = &fault,
};
