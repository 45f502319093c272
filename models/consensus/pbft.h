/* PBFT: what its files share. pbft.c is the model and its step; pbft_order.c the normal case,
 * pbft_view.c view changes, pbft_sync.c checkpoints and blocks that were missed, pbft_snapshot.c the
 * state in place of blocks that nobody keeps. Nobody else includes this
 * but tests, which make broken twins of the protocol by other rules. */
#ifndef FL_PBFT_H
#define FL_PBFT_H
#include "models/wire.h"

/* Votes carry word: sequence number, view; value: digest of the payload, zero for the null request;
 * a signature over kind, words and value (fl_claim). */
enum fl_pbft_message {
    PBFT_PRE_PREPARE = 1, /* primary -> peers, with the payload */
    PBFT_PREPARE,
    PBFT_COMMIT,
    PBFT_CHECKPOINT,  /* word: sequence number; value: state hash; word[2]: request it answers */
    PBFT_VIEW_CHANGE, /* word: view; value: digest of the blob, a struct fl_pbft_change; word[2]:
                         request it answers */
    PBFT_NEW_VIEW, /* primary -> peers. word: view; value: digest of the blob, a fl_pbft_new_view */
    PBFT_ASK_CHANGE, /* -> primary of a new view. word: view, member whose VIEW-CHANGE is missing */
    PBFT_RELAY,      /* answer: that VIEW-CHANGE. word: view, member, number of the answer */
    PBFT_FETCH,      /* word: first sequence number wanted, number of the request; value: stable
                         checkpoint and view of the asker. All answer AT_VIEW, one of them the rest;
                         answers carry the number of the request in word[2] */
    PBFT_AT_VIEW,    /* word: view (0: between views); value: last number its new-view message
                         decided upon, height */
    PBFT_STABLE,     /* word: sequence number; value: state hash; blob: certificate */
    PBFT_DECIDED,    /* word: sequence number, view; value: digest; blob: certificate */
    PBFT_NEED,       /* word: sequence number, number of the request; value: digest of a payload */
    PBFT_PAYLOAD,    /* word: sequence number; value: digest; blob: payload */
    PBFT_GONE,       /* word: sequence number that is kept no longer; value: the stable checkpoint
                        whose state is to be had instead, 0: none */
    PBFT_WANT,       /* word: first sequence number missed, number of the request */
    PBFT_SNAPSHOT    /* word: sequence number, view; value: state hash; version and its rows; blob:
                        a fl_pbft_proof */
};
enum fl_pbft_timer {
    PBFT_SLOT,     /* time to propose */
    PBFT_PUBLISH,  /* the block is built */
    PBFT_PROGRESS, /* no progress: change the view */
    PBFT_RESEND,   /* overdue: say votes again, or VIEW-CHANGE between views */
    PBFT_CATCH_UP, /* still behind: ask */
    PBFT_TIMERS
};

/* Blocks sent in answer to one request; the log reaches at least that far beyond the head. */
enum { PBFT_WINDOW_MAX = 256, PBFT_FETCH_MAX = 16 };

struct fl_pbft_params {
    fl_time block, latency, timeout;
    int64_t checkpoint_every, window, pipeline, history;
    int64_t snapshots;
    fl_time snapshot_timeout;
};

/* What a broken twin does otherwise; the protocol is fl_pbft_rules. */
struct fl_pbft_rules {
    uint64_t quorum_less; /* power that a quorum may lack; 0 */
    bool shows_prepared;  /* VIEW-CHANGE reports what was prepared (the lock) */
    bool remembers_votes; /* votes once for a sequence number in a view */
    bool checks_proofs;   /* looks at the certificates inside VIEW-CHANGE messages */
    bool restarts_timer;  /* the timer starts again after progress */
    bool checks_signatures;
};
extern const struct fl_pbft_rules fl_pbft_rules;

enum fl_pbft_flag {
    PBFT_PROPOSED = 1, /* digest is known: a PRE-PREPARE, or the new-view message, said so */
    PBFT_FORCED = 2,   /* by the new-view message: a quorum has validated it before */
    PBFT_ASKED = 4,    /* the chain layer is looking at it */
    PBFT_VALID = 8,
    PBFT_INVALID = 16,
    PBFT_VOTED = 32,     /* PREPARE, or PRE-PREPARE by the primary, is sent */
    PBFT_PREPARED = 64,  /* and COMMIT is sent */
    PBFT_COMMITTED = 128 /* for good: digest never changes again */
};

/* One sequence number; first what every vote reads. */
struct fl_pbft_slot {
    uint64_t seq;  /* 0: empty */
    uint64_t view; /* of the votes collected */
    uint64_t flags;
    uint64_t prepare_power, commit_power;
    struct fl_digest digest;
    struct fl_digest prepare_claim, commit_claim; /* what all who vote for it sign, once proposed */
    fl_blob blob, cert_blob, stray_blob; /* contents, 0 while missing; stray: came before its name,
                                            or was proposed in an older view */
    uint64_t commit_view;                /* once committed, of the commits that prove it */
    uint64_t cert_view;                  /* 1 + newest view it was prepared in here; 0: never */
    struct fl_digest cert_digest, stray_digest;
};

/* A VIEW-CHANGE message. */
struct fl_pbft_said {
    uint64_t view; /* 0: none */
    struct fl_digest digest;
    fl_blob blob;
    uint64_t tag;
};

/* What a replica knows of each member. */
struct fl_pbft_member {
    struct fl_pbft_said change; /* its newest VIEW-CHANGE */
    struct fl_pbft_said listed; /* the one that the new-view message of this view lists */
    uint64_t at_view, at_base;  /* its last AT_VIEW */
    uint64_t fetched, needed;   /* its last requests that were answered */
};

/* A checkpoint that is not stable yet. Tags are unproven until the state hash is known here. */
struct fl_pbft_checkpoint {
    uint64_t seq; /* 0: empty */
    uint64_t power, reached;
    struct fl_digest digest;
};

/* First what every vote reads, which fits a cache line. */
struct fl_pbft_state {
    uint64_t view, active;  /* active 0: VIEW-CHANGE for `view` is sent, its NEW-VIEW is not here */
    uint64_t stable;        /* low watermark h */
    uint64_t applied;       /* executed by the chain layer */
    uint64_t top, top_view; /* what others seem to have reached */
    uint64_t catching;      /* up: the timer runs */
    uint64_t faulty_power;  /* F */
    uint64_t height;        /* decided here */
    uint64_t base;          /* last sequence number that the new-view message decided upon */
    uint64_t attempts;      /* view changes since the last progress */
    uint64_t waiting;       /* between views: a quorum left the old one, the timer runs */
    uint64_t resends;       /* of the current VIEW-CHANGE; of votes in this view */
    uint64_t overdue;       /* times that votes were repeated since the block that came last */
    struct fl_digest stable_digest;
    /* as primary */
    uint64_t proposed, due, asked; /* last proposed in this view; may propose; payload asked for */
    uint64_t building;             /* sequence number of the block being built; 0: none */
    struct fl_digest building_digest;
    fl_blob building_blob;
    /* the NEW-VIEW that still lacks VIEW-CHANGE messages; view 0: none */
    struct fl_pbft_said new_view;
    uint64_t new_view_asked;
    /* catching up */
    uint64_t fetch_to;               /* last number of the request on its way; 0: none */
    uint64_t fetches, needs, relays; /* so far */
    /* published */
    uint64_t blocks, view_changes, resent, gone;
};
/* The state is followed by slot[history], member[n] and rows of n tags: prepares[recent],
 * certificates[recent], commits[history], checkpoints, stable[1]; then checkpoint[checkpoints]. With
 * snapshots there follow a fl_pbft_transfer and held[checkpoints]. `recent` is the power of two from
 * twice the reach on: where a vote belongs takes no division by anything but `history`. */

/* The ledger version after a checkpoint that was executed here. */
struct fl_pbft_held {
    uint64_t seq, version; /* 0: none */
};
struct fl_pbft_transfer {
    struct fl_pbft_held stable; /* of the stable checkpoint: what is handed out */
    uint64_t pinned;            /* version that the engine was asked to keep; 0: none */
    uint64_t wanted, from;      /* request on its way, 0: none; member who was asked */
    uint64_t offered;           /* checkpoint that the chain layer is looking at; 0: none */
    uint64_t offered_view;      /* of the commits that prove its payload */
    struct fl_digest offered_state;
    uint64_t adopted, refused, sent;
};

/* One step: all that its parts need. */
struct fl_pbft {
    const struct fl_self *self;
    const struct fl_pbft_params *params;
    const struct fl_pbft_rules *rules;
    struct fl_pbft_state *s;
    const struct fl_event *in;
    const struct fl_view *view;
    struct fl_outbox *out;
};

/* --- contents of blobs --------------------------------------------------------------------------- */

/* A certificate: this header, then `count` signatures in ascending order of members. */
struct fl_pbft_certificate {
    uint64_t view;
    uint32_t count, zero;
};
struct fl_pbft_signature {
    uint32_t member, zero; /* index in the group */
    uint64_t tag;
};
/* SNAPSHOT: that the state is that of a stable checkpoint, and that this payload was decided there:
 * the header, the signatures of `checkpoints`, then those of `commits`. */
struct fl_pbft_proof {
    struct fl_digest payload; /* zero: the null request */
    uint32_t checkpoints, commits;
};
/* VIEW-CHANGE: this header, the signatures for the stable checkpoint, then `prepared` times a
 * fl_pbft_prepared and its signatures, ascending. */
struct fl_pbft_change {
    uint64_t view, stable;
    struct fl_digest stable_digest;
    uint32_t proofs, prepared;
};
struct fl_pbft_prepared {
    uint64_t seq, view;
    struct fl_digest digest;
    uint32_t count, zero;
};
/* NEW-VIEW: this header, `changes` times the name of a VIEW-CHANGE (V), then one proposal for each
 * sequence number after `low` up to `high` (O). */
struct fl_pbft_new_view {
    uint64_t view, low, high;
    uint32_t changes, zero;
};
struct fl_pbft_name {
    uint32_t member, zero;
    struct fl_digest digest;
};
struct fl_pbft_proposal {
    struct fl_digest digest; /* zero: the null request */
    uint64_t tag;            /* of the new primary's PRE-PREPARE */
};

/* --- pbft.c: the layout of the state, quorums, signatures ------------------------------------------ */

void fl_pbft_step(const struct fl_pbft_rules *rules, const struct fl_self *self, void *state,
                  const struct fl_event *in, const struct fl_view *view, struct fl_outbox *out);

/* How far the log goes beyond the head: the window, or what a request brings if that is more. */
static inline uint64_t fl_pbft_reach_by(const struct fl_pbft_params *p)
{
    return (uint64_t)(p->window > PBFT_FETCH_MAX ? p->window : PBFT_FETCH_MAX);
}
static inline uint64_t fl_pbft_reach(const struct fl_pbft *c)
{
    return fl_pbft_reach_by(c->params);
}
static inline uint64_t fl_pbft_recent(const struct fl_pbft_params *p)
{
    return (uint64_t)1 << (64 - __builtin_clzll(2 * fl_pbft_reach_by(p) - 1));
}

static inline struct fl_pbft_slot *fl_pbft_slots(const struct fl_pbft *c)
{
    return (void *)(c->s + 1);
}
static inline struct fl_pbft_member *fl_pbft_members(const struct fl_pbft *c)
{
    return (void *)(fl_pbft_slots(c) + c->params->history);
}
/* The checkpoint's place in the ring. */
struct fl_pbft_checkpoint *fl_pbft_checkpoint_at(const struct fl_pbft *c, uint64_t seq);
/* Rows of n tags. */
static inline uint64_t *fl_pbft_row(const struct fl_pbft *c, uint64_t index)
{
    const uint64_t n = c->self->group_size;
    return (uint64_t *)(void *)(fl_pbft_members(c) + n) + index * n;
}
static inline uint64_t *fl_pbft_prepares(const struct fl_pbft *c, uint64_t seq)
{
    return fl_pbft_row(c, seq & (fl_pbft_recent(c->params) - 1));
}
static inline uint64_t *fl_pbft_prepared_by(const struct fl_pbft *c, uint64_t seq)
{ /* of the certificate */
    const uint64_t recent = fl_pbft_recent(c->params);
    return fl_pbft_row(c, recent + (seq & (recent - 1)));
}
static inline uint64_t *fl_pbft_commits_of(const struct fl_pbft *c, const struct fl_pbft_slot *slot)
{
    const uint64_t index = (uint64_t)(slot - fl_pbft_slots(c));
    return fl_pbft_row(c, 2 * fl_pbft_recent(c->params) + index);
}
static inline uint64_t *fl_pbft_commits(const struct fl_pbft *c, uint64_t seq)
{
    return fl_pbft_commits_of(c, &fl_pbft_slots(c)[seq % (uint64_t)c->params->history]);
}
uint64_t *fl_pbft_checkpoint_tags(const struct fl_pbft *c, uint64_t seq);
uint64_t *fl_pbft_stable_tags(const struct fl_pbft *c);
/* NULL without snapshots. */
struct fl_pbft_transfer *fl_pbft_transfer(const struct fl_pbft *c);
struct fl_pbft_held *fl_pbft_held_at(const struct fl_pbft *c, uint64_t seq);
/* NULL if the number is not in the log. */
static inline struct fl_pbft_slot *fl_pbft_find(const struct fl_pbft *c, uint64_t seq)
{
    struct fl_pbft_slot *const slot = &fl_pbft_slots(c)[seq % (uint64_t)c->params->history];
    return seq != 0 && slot->seq == seq ? slot : NULL;
}
/* Puts an undecided number into the log: applied < seq <= applied + reach. */
struct fl_pbft_slot *fl_pbft_open(const struct fl_pbft *c, uint64_t seq);

static inline uint32_t fl_pbft_primary(const struct fl_pbft *c, uint64_t view) /* its index */
{
    const uint64_t n = c->self->group_size;
    return (uint32_t)(view < n ? view : view % n); /* most runs see few views */
}
/* Any two meet in an honest one. */
static inline bool fl_pbft_quorum(const struct fl_pbft *c, uint64_t power)
{
    return 2 * (power + c->rules->quorum_less) > c->self->power_total + c->s->faulty_power;
}
bool fl_pbft_some_honest(const struct fl_pbft *c, uint64_t power);
/* Index of the sender; group_size or more if it is no member. */
static inline uint32_t fl_pbft_from(const struct fl_pbft *c)
{
    return c->in->msg.by.i - c->self->group_first;
}
static inline struct fl_digest fl_pbft_value(const struct fl_msg *m)
{
    return (struct fl_digest){(uint64_t)m->value[0], (uint64_t)m->value[1]};
}
static inline bool fl_pbft_null(struct fl_digest d)
{
    return d.lo == 0 && d.hi == 0;
}
/* Does the event bring the content of that digest? */
bool fl_pbft_brings(const struct fl_pbft *c, struct fl_digest digest);

struct fl_claim fl_pbft_claim(enum fl_pbft_message kind, uint64_t word0, uint64_t word1,
                              struct fl_digest digest);
uint64_t fl_pbft_sign(const struct fl_pbft *c, const struct fl_claim *claim);
/* Is it the member's tag for the claim of that digest? The contract has no way from a member's index
 * to its identity: the engine numbers both alike. */
static inline bool fl_pbft_tagged(const struct fl_pbft *c, uint32_t member, struct fl_digest claim,
                                  uint64_t tag)
{
    if (!c->rules->checks_signatures) return true;
    return fl_verify(c->self, (fl_identity){c->self->group_first + member}, claim, tag, c->out);
}
bool fl_pbft_signed(const struct fl_pbft *c, uint32_t member, const struct fl_claim *claim,
                    uint64_t tag);
/* The claim that member's tag in a row of prepares is about: the primary's is its PRE-PREPARE. */
struct fl_claim fl_pbft_prepare_claim(const struct fl_pbft *c, uint32_t member, uint64_t seq,
                                      uint64_t view, struct fl_digest digest);

/* A message with the claim's kind, words, value and our tag. */
struct fl_msg *fl_pbft_say(const struct fl_pbft *c, const struct fl_claim *claim, uint64_t tag);
struct fl_msg *fl_pbft_tell(const struct fl_pbft *c, fl_endpoint to, enum fl_pbft_message kind,
                            uint64_t word0, uint64_t word1, uint64_t word2);

/* Signatures of a row, in order, until they make a quorum. NULL `out` only counts. */
uint32_t fl_pbft_signatures(const struct fl_pbft *c, const uint64_t *row, unsigned char *out);
/* Timers. */
void fl_pbft_expect_block(const struct fl_pbft *c); /* (re)starts the timers of an active view */
fl_time fl_pbft_patience(const struct fl_pbft *c);  /* timeout, doubled with each failed view */

/* --- pbft_order.c ------------------------------------------------------------------------------------ */

void fl_pbft_on_pre_prepare(const struct fl_pbft *c);
void fl_pbft_on_vote(const struct fl_pbft *c, enum fl_pbft_message kind);
void fl_pbft_on_payload_built(const struct fl_pbft *c);
void fl_pbft_on_valid(const struct fl_pbft *c);
void fl_pbft_on_applied(const struct fl_pbft *c);
void fl_pbft_publish(const struct fl_pbft *c);
void fl_pbft_propose(const struct fl_pbft *c); /* if it is time and the window allows */
void fl_pbft_slot_arm(const struct fl_pbft *c);
void fl_pbft_repeat_votes(const struct fl_pbft *c); /* for what is overdue */
/* Votes of older views are forgotten, certificates and contents are not. */
void fl_pbft_reset(const struct fl_pbft *c, struct fl_pbft_slot *slot);
/* The new-view message says what this number stands for. */
void fl_pbft_force(const struct fl_pbft *c, struct fl_pbft_slot *slot, struct fl_digest digest,
                   uint64_t primary_tag);
/* Whatever follows from what is in the slot now: PREPARE, COMMIT, decision. */
void fl_pbft_advance(const struct fl_pbft *c, struct fl_pbft_slot *slot);
void fl_pbft_advance_all(const struct fl_pbft *c);
/* Its certificate is here, of that view: 2f + 1 commits for what the slot holds. */
void fl_pbft_committed(const struct fl_pbft *c, struct fl_pbft_slot *slot, uint64_t view);
void fl_pbft_decide(const struct fl_pbft *c); /* the next number, if it is committed */
fl_blob fl_pbft_content(const struct fl_pbft_slot *slot, struct fl_digest digest);

/* --- pbft_view.c -------------------------------------------------------------------------------------- */

void fl_pbft_change_view(const struct fl_pbft *c, uint64_t view);
void fl_pbft_on_view_change(const struct fl_pbft *c, uint32_t member);
void fl_pbft_on_new_view(const struct fl_pbft *c);
void fl_pbft_on_ask_change(const struct fl_pbft *c);
void fl_pbft_on_relay(const struct fl_pbft *c);
void fl_pbft_resend_change(const struct fl_pbft *c);
/* The same to one who asks; nothing while the view is active. */
void fl_pbft_answer_change(const struct fl_pbft *c, fl_endpoint to, uint64_t request);
/* Enters a view in which nothing after the own height is decided upon. */
void fl_pbft_adopt_view(const struct fl_pbft *c, uint64_t view);

/* --- pbft_sync.c -------------------------------------------------------------------------------------- */

void fl_pbft_checkpoint(const struct fl_pbft *c, struct fl_digest digest); /* at `applied` */
void fl_pbft_on_checkpoint(const struct fl_pbft *c);
/* Takes over a proven stable checkpoint; `row` may be the row of the stable one itself. */
void fl_pbft_stabilise(const struct fl_pbft *c, uint64_t seq, struct fl_digest digest,
                       const uint64_t *row);
/* Others seem to have decided `seq`, and to be in `view`. */
void fl_pbft_hint(const struct fl_pbft *c, uint64_t seq, uint64_t view);
void fl_pbft_fetch(const struct fl_pbft *c);
void fl_pbft_fetched(const struct fl_pbft *c); /* a block more */
void fl_pbft_need(const struct fl_pbft *c, const struct fl_pbft_slot *slot);
void fl_pbft_catch_up(const struct fl_pbft *c); /* the timer */
void fl_pbft_on_fetch(const struct fl_pbft *c);
void fl_pbft_on_at_view(const struct fl_pbft *c);
void fl_pbft_on_stable(const struct fl_pbft *c);
void fl_pbft_on_decided(const struct fl_pbft *c);
void fl_pbft_on_need(const struct fl_pbft *c);
void fl_pbft_on_payload(const struct fl_pbft *c);
void fl_pbft_on_gone(const struct fl_pbft *c);
/* Reads `count` signatures at `bytes`; true if they are in order, all right, and make a quorum.
 * `row`, if not NULL, gets the tags. `base` is the claim; its kind PREPARE means a row of prepares. */
bool fl_pbft_proven(const struct fl_pbft *c, const unsigned char *bytes, uint32_t count,
                    const struct fl_claim *base, uint64_t *row);
/* A number is decided, as 2f + 1 commits of that view say. */
void fl_pbft_settle(const struct fl_pbft *c, struct fl_pbft_slot *slot, uint64_t view,
                    struct fl_digest digest);
/* The tags of a list of signatures that has been found right. */
void fl_pbft_take_tags(const struct fl_pbft *c, const unsigned char *bytes, uint32_t count,
                       uint64_t *row);
/* Each request of a member is answered in full by one other, the next request by another one. */
bool fl_pbft_serves(const struct fl_pbft *c, uint32_t member, uint32_t asker, uint64_t request);
/* Blobs of what has been executed long ago may go. */
void fl_pbft_keep(const struct fl_pbft *c);

/* --- pbft_snapshot.c; nothing happens here without snapshots -------------------------------------------- */

/* The checkpoint at `applied` is this version; another one has become stable. */
void fl_pbft_snapshot_reached(const struct fl_pbft *c, fl_version version);
void fl_pbft_snapshot_stable(const struct fl_pbft *c);
/* The stable checkpoint, if it can be had here by who misses `seq`; else 0. */
uint64_t fl_pbft_snapshot_beyond(const struct fl_pbft *c, uint64_t seq);
/* The block that would be next is GONE: asks for the state instead. */
void fl_pbft_want(const struct fl_pbft *c);
void fl_pbft_snapshot_give_up(const struct fl_pbft *c); /* waiting for it */
void fl_pbft_on_want(const struct fl_pbft *c);
void fl_pbft_on_snapshot(const struct fl_pbft *c);
void fl_pbft_on_adopted(const struct fl_pbft *c);

#endif
