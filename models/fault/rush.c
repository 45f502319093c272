/* A rushing coalition in a consensus (Canetti 2000, "Security and Composition of Multiparty Cryptographic
 * Protocols": the adversary of a round hears the honest messages before it sends its own). As soon as an
 * honest member sends a signed vote to one of them, each of them votes likewise before any of it has
 * arrived: to half of the others the same, to the rest, for the same place, something that nobody
 * proposed. What comes first from a member is what counts; what it says later, as the honest protocol
 * would, finds its place taken. */
#include "models/fault/words.h"

enum { VOTES = 256 };
struct state {
    uint64_t next; /* votes so far */
    struct fl_digest vote[VOTES];
};

static bool is_new(struct state *s, struct fl_digest claim)
{
    for (uint32_t i = 0; i < VOTES && i < s->next; i++)
        if (fl_digest_equal(s->vote[i], claim)) return false;
    struct fl_digest *const vote = &s->vote[s->next++ % VOTES];
    vote->lo = claim.lo;
    vote->hi = claim.hi;
    return true;
}

static bool is_ours(const struct fl_coalition *coalition, uint32_t index)
{
    for (uint32_t i = 0; i < coalition->count; i++)
        if (coalition->member[i]->index == index) return true;
    return false;
}

/* Everybody outside the coalition is on one of two sides, the same for all members and votes. */
static bool deceived(const struct fl_coalition *coalition, const struct fl_self *self,
                     uint32_t peer)
{
    return fl_draw_below(self->seed, FL_RNG_FAULT, coalition->member[0]->key, peer, FL_LANE_RUSH,
                         2) == 1;
}

static void vote(const struct fl_coalition *coalition, const struct fl_self *self,
                 const struct fl_msg *heard, uint32_t peer, struct fl_outbox *out)
{
    const fl_endpoint to = {self->group_first + peer};
    struct fl_msg *const m = fl_send(out, FL_TO_ONE, to, FL_CONSENSUS, heard->kind);
    out->at[out->count - 1].as = self->endpoint;
    memcpy(m->word, heard->word, sizeof m->word);
    memcpy(m->value, heard->value, sizeof m->value);
    if (deceived(coalition, self, peer)) m->value[0] ^= 1;
    m->tag = fl_sign(self, fl_fault_claim(m), out);
}

static void vote_first(const struct fl_coalition *coalition, const struct fl_msg *heard,
                       struct fl_outbox *out)
{
    for (uint32_t i = 0; i < coalition->count; i++) {
        const struct fl_self *const self = coalition->member[i];
        for (uint32_t peer = 0; peer < self->group_size; peer++)
            if (!is_ours(coalition, peer)) vote(coalition, self, heard, peer, out);
    }
}

static void step(const struct fl_coalition *coalition, void *state, uint32_t who,
                 const struct fl_event *in, const struct fl_view *view,
                 const struct fl_outbox *honest, struct fl_outbox *out)
{
    const struct fl_self *const self = coalition->member[who];
    const struct fl_msg *const m = &in->msg;
    (void)view;
    for (uint32_t i = 0; i < honest->count; i++) fl_repeat(honest, i, out);
    if (in->kind != FL_OVERHEARD || m->family != FL_CONSENSUS || m->blob.i != 0 || m->tag == 0)
        return;
    const struct fl_digest claim = fl_fault_claim(m);
    if (!fl_verify(self, m->by, claim, m->tag, out) || !is_new(state, claim)) return;
    const uint64_t room = (uint64_t)coalition->count * self->group_size;
    if (out->count + room <= FL_OUTBOX_EFFECTS) vote_first(coalition, m, out);
}

static size_t state_bytes(const void *params, uint32_t members)
{
    (void)params;
    (void)members;
    return sizeof(struct state);
}

static const struct fl_fault_model fault = {
    .rushing = true, .state_bytes = state_bytes, .step = step};

const struct fl_model fl_model_rush = {
    .name = "rush",
    .family = FL_FAULT,
    .doc = "members of a consensus hear honest votes at once, and vote before those arrive: to "
           "half of "
           "the peers the same, to the others something else",
    .fault = &fault,
};
