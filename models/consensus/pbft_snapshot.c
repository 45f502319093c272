/* PBFT, the state in place of blocks that nobody keeps any more (Castro and Liskov 1999, 4.3; 2002,
 * 6.2): a replica takes over the state of a stable checkpoint, proven by 2f + 1 CHECKPOINT messages,
 * with the commit certificate of the payload decided there, on which the next one builds.
 *
 * The paper fetches a tree of pages, each checked by its digest; here the state comes in one piece and
 * is checked by its hash, which takes its time on the sender's uplink and is lost or right as a whole.
 * One member is asked at a time. If what it sends is not as proven, if it has nothing (after a crash
 * the rows may be gone, although it does not know), or if nothing comes within snapshot_timeout_ms, the next request goes to the next member. The blocks after the
 * checkpoint are fetched as always. */
#include "models/consensus/pbft.h"

#include <string.h>

/* --- handing out ----------------------------------------------------------------------------------- */

/* The oldest version that is handed out, or may have to be. */
static void pin(const struct fl_pbft *c, uint64_t version)
{
    struct fl_pbft_transfer *const t = fl_pbft_transfer(c);
    if (t->pinned == version) return;
    t->pinned = version;
    fl_emit(c->out, FL_PIN)->msg.version.i = (uint32_t)version;
}

void fl_pbft_snapshot_reached(const struct fl_pbft *c, fl_version version)
{
    struct fl_pbft_transfer *const t = fl_pbft_transfer(c);
    if (!t) return;
    struct fl_pbft_held *const held = fl_pbft_held_at(c, c->s->applied);
    held->seq = c->s->applied;
    held->version = version.i;
    if (held->seq == c->s->stable) fl_pbft_snapshot_stable(c);
    if (t->pinned == 0) pin(c, version.i);
}

/* A replica that is behind learns of checkpoints that it has not executed: it has nothing then. */
void fl_pbft_snapshot_stable(const struct fl_pbft *c)
{
    struct fl_pbft_transfer *const t = fl_pbft_transfer(c);
    if (!t) return;
    const struct fl_pbft_held *const held = fl_pbft_held_at(c, c->s->stable);
    t->stable.seq = c->s->stable;
    t->stable.version = held->seq == c->s->stable ? held->version : 0;
    pin(c, t->stable.version);
}

uint64_t fl_pbft_snapshot_beyond(const struct fl_pbft *c, uint64_t seq)
{
    const struct fl_pbft_transfer *const t = fl_pbft_transfer(c);
    if (!t || t->stable.version == 0 || t->stable.seq < seq) return 0;
    const struct fl_pbft_slot *const slot = fl_pbft_find(c, t->stable.seq);
    return slot && (slot->flags & PBFT_COMMITTED) ? t->stable.seq : 0;
}

static fl_blob write_proof(const struct fl_pbft *c, uint64_t seq)
{
    const uint64_t *const stable = fl_pbft_stable_tags(c), *const commits = fl_pbft_commits(c, seq);
    const struct fl_pbft_proof header = {
        .payload = fl_pbft_find(c, seq)->digest,
        .checkpoints = fl_pbft_signatures(c, stable, NULL),
        .commits = fl_pbft_signatures(c, commits, NULL),
    };
    const size_t each = sizeof(struct fl_pbft_signature);
    const size_t bytes = sizeof header + (header.checkpoints + header.commits) * each;
    unsigned char *const at = fl_blob_begin(c->out, (uint32_t)bytes);
    memcpy(at, &header, sizeof header);
    fl_pbft_signatures(c, stable, at + sizeof header);
    fl_pbft_signatures(c, commits, at + sizeof header + header.checkpoints * each);
    return fl_blob_end(c->out, seq, NULL);
}

/* Requests of both kinds share their numbers. */
void fl_pbft_on_want(const struct fl_pbft *c)
{
    struct fl_pbft_transfer *const t = fl_pbft_transfer(c);
    const struct fl_msg *const m = &c->in->msg;
    struct fl_pbft_member *const member = &fl_pbft_members(c)[fl_pbft_from(c)];
    const uint64_t request = m->word[1];
    if (!t || request <= member->needed) return;
    member->needed = request;
    const uint64_t seq = fl_pbft_snapshot_beyond(c, m->word[0]);
    if (seq == 0) {
        fl_pbft_tell(c, m->from, PBFT_GONE, m->word[0], 1, request);
        return;
    }
    const fl_blob proof = write_proof(c, seq);
    struct fl_msg *const r =
        fl_pbft_tell(c, m->from, PBFT_SNAPSHOT, seq, fl_pbft_find(c, seq)->commit_view, request);
    r->value[0] = (int64_t)c->s->stable_digest.lo;
    r->value[1] = (int64_t)c->s->stable_digest.hi;
    r->version.i = (uint32_t)t->stable.version;
    r->rows = 1;
    r->blob = proof;
    t->sent++;
}

/* --- asking ---------------------------------------------------------------------------------------- */

/* Of no use: the next request goes to somebody else. */
static void ask_another(const struct fl_pbft *c)
{
    fl_pbft_transfer(c)->wanted = 0;
    fl_pbft_fetch(c);
}

/* Only the answer to the last request counts, and only of the member whose turn it was. */
void fl_pbft_want(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    struct fl_pbft_transfer *const t = fl_pbft_transfer(c);
    const struct fl_msg *const m = &c->in->msg;
    const uint32_t from = fl_pbft_from(c);
    if (!t) return;
    if (t->wanted != 0) {
        if (from == t->from && m->word[1] == 1 && m->word[2] == t->wanted) ask_another(c);
        return;
    }
    if (m->word[2] != s->fetches || !fl_pbft_serves(c, from, c->self->index, s->fetches)) return;
    if ((uint64_t)m->value[0] <= s->applied) return;
    t->wanted = ++s->needs;
    t->from = from;
    fl_pbft_tell(c, m->from, PBFT_WANT, s->applied + 1, t->wanted, 0);
    s->catching = 1;
    fl_set_timer(c->out, PBFT_CATCH_UP, c->params->snapshot_timeout);
}

void fl_pbft_snapshot_give_up(const struct fl_pbft *c)
{
    struct fl_pbft_transfer *const t = fl_pbft_transfer(c);
    if (t) t->wanted = 0;
}

/* --- taking over ----------------------------------------------------------------------------------- */

/* The lists of signatures; false if the bytes are no proof. */
static bool read_proof(const struct fl_pbft *c, struct fl_pbft_proof *proof,
                       const unsigned char **checkpoints, const unsigned char **commits)
{
    const size_t each = sizeof(struct fl_pbft_signature);
    if (c->in->data == NULL || c->in->data_bytes < sizeof *proof) return false;
    memcpy(proof, c->in->data, sizeof *proof);
    const size_t room = c->in->data_bytes - sizeof *proof;
    *checkpoints = (const unsigned char *)c->in->data + sizeof *proof;
    if (room != ((size_t)proof->checkpoints + proof->commits) * each) return false;
    *commits = *checkpoints + proof->checkpoints * each;
    return true;
}

static bool proof_right(const struct fl_pbft *c, struct fl_digest *payload)
{
    const struct fl_msg *const m = &c->in->msg;
    struct fl_pbft_proof proof;
    const unsigned char *checkpoints, *commits;
    if (m->word[0] % (uint64_t)c->params->checkpoint_every != 0) return false;
    if (!read_proof(c, &proof, &checkpoints, &commits)) return false;
    const struct fl_claim stable = fl_pbft_claim(PBFT_CHECKPOINT, m->word[0], 0, fl_pbft_value(m));
    const struct fl_claim commit =
        fl_pbft_claim(PBFT_COMMIT, m->word[0], m->word[1], proof.payload);
    *payload = proof.payload;
    return fl_pbft_proven(c, checkpoints, proof.checkpoints, &stable, NULL) &&
           fl_pbft_proven(c, commits, proof.commits, &commit, NULL);
}

/* What is decided here stays so, whatever a quorum beyond the budget signs. */
static bool contradicts(const struct fl_pbft *c, uint64_t seq, struct fl_digest payload)
{
    const struct fl_pbft_slot *const slot = fl_pbft_find(c, seq);
    return slot && (slot->flags & PBFT_COMMITTED) && !fl_digest_equal(slot->digest, payload);
}

void fl_pbft_on_snapshot(const struct fl_pbft *c)
{
    struct fl_pbft_transfer *const t = fl_pbft_transfer(c);
    const struct fl_msg *const m = &c->in->msg;
    struct fl_digest payload;
    if (!t || t->wanted == 0 || t->offered != 0) return;
    if (m->word[2] != t->wanted || fl_pbft_from(c) != t->from) return;
    if (m->word[0] <= c->s->applied || !m->rows || !proof_right(c, &payload) ||
        contradicts(c, m->word[0], payload)) {
        t->refused++;
        ask_another(c);
        return;
    }
    t->offered = m->word[0];
    t->offered_view = m->word[1];
    t->offered_state.lo = (uint64_t)m->value[0];
    t->offered_state.hi = (uint64_t)m->value[1];
    struct fl_msg *const offer = fl_local(c->out, FL_CHAIN, FL_SNAPSHOT);
    offer->word[0] = m->word[0];
    offer->word[1] = (uint64_t)m->value[0];
    offer->word[2] = (uint64_t)m->value[1];
    offer->value[0] = (int64_t)payload.lo;
    offer->value[1] = (int64_t)payload.hi;
    offer->version = m->version;
    offer->blob = m->blob;
}

/* Numbers that are passed over, and were not decided here, must not be taken for decided. */
static void pass_over(const struct fl_pbft *c, uint64_t seq)
{
    for (uint64_t i = 1; i <= fl_pbft_reach(c); i++) {
        struct fl_pbft_slot *const slot = fl_pbft_find(c, c->s->applied + i);
        if (slot && slot->seq < seq) memset(slot, 0, sizeof *slot);
    }
    c->s->height = c->s->applied = seq - 1;
}

static void take_over(const struct fl_pbft *c, uint64_t seq, const struct fl_pbft_proof *proof,
                      const unsigned char *checkpoints, const unsigned char *commits)
{
    struct fl_pbft_state *const s = c->s;
    const struct fl_pbft_transfer *const t = fl_pbft_transfer(c);
    pass_over(c, seq);
    struct fl_pbft_slot *const slot = fl_pbft_open(c, seq);
    fl_pbft_settle(c, slot, t->offered_view, proof->payload);
    fl_pbft_take_tags(c, commits, proof->commits, fl_pbft_commits(c, seq));
    s->height = s->applied = seq;
    int64_t *const v = fl_note(c->out, FL_RECORD_DECIDED, (int64_t)seq, c->self->key);
    v[2] = (int64_t)proof->payload.lo;
    v[3] = (int64_t)proof->payload.hi;
    fl_pbft_keep(c);
    fl_pbft_snapshot_reached(c, c->in->msg.version);
    if (seq <= s->stable) return;
    uint64_t *const row = fl_pbft_stable_tags(c);
    fl_pbft_take_tags(c, checkpoints, proof->checkpoints, row);
    fl_pbft_stabilise(c, seq, t->offered_state, row);
}

void fl_pbft_on_adopted(const struct fl_pbft *c)
{
    struct fl_pbft_state *const s = c->s;
    struct fl_pbft_transfer *const t = fl_pbft_transfer(c);
    const struct fl_msg *const m = &c->in->msg;
    if (!t || t->offered == 0 || m->word[0] != t->offered) return;
    const uint64_t seq = t->offered;
    t->offered = t->wanted = 0;
    struct fl_pbft_proof proof;
    const unsigned char *checkpoints, *commits;
    if (m->value[0] != 1 || !read_proof(c, &proof, &checkpoints, &commits)) {
        t->refused++;
        ask_another(c);
        return;
    }
    t->adopted++;
    take_over(c, seq, &proof, checkpoints, commits);
    if (s->active) {
        s->attempts = 0;
        fl_pbft_expect_block(c);
    }
    fl_pbft_decide(c);
    fl_pbft_propose(c);
    fl_pbft_fetch(c);
}
