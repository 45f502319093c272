/* A node that sends a share of its messages with changed contents: the mutations of Winter, Buse, de
 * Graaf, von Gleissenthall and Kulahcioglu Ozkan 2023, "Randomized Testing of Byzantine Fault Tolerant
 * Algorithms" (ByzzFuzz). Of small scope: one field moves by one, takes a value seen before in a
 * message of the same kind, or the content changes a little and is named anew. Of any scope: fields
 * become random numbers, bytes of the content are flipped. Of a broadcast some receivers may get the
 * changed message and the others the true one.
 *
 * Kind, layer and receiver stay. What was signed as a claim is signed again with the node's own keys,
 * so that receivers have to find fault with what is said, not with who says it. */
#include "models/fault/words.h"

struct params {
    int64_t share_ppm, receivers_ppm, any, consensus;
};

enum { FIELDS = 5, SEEN = 32, FLIPS_MAX = 8 };

/* The fields of a message that say something: words, then values. */
struct fields {
    uint64_t at[FIELDS];
};
struct seen {
    struct fields fields;
    uint32_t kind, family; /* family 0: empty */
};
struct memory { /* of one member */
    uint64_t next;
    struct seen seen[SEEN];
};

static struct fields fields_of(const struct fl_msg *m)
{
    return (struct fields){
        {m->word[0], m->word[1], m->word[2], (uint64_t)m->value[0], (uint64_t)m->value[1]}};
}

static void set_field(struct fl_msg *m, uint32_t field, uint64_t value)
{
    if (field < 3)
        m->word[field] = value;
    else
        m->value[field - 3] = (int64_t)value;
}

static void remember(struct memory *memory, const struct fl_msg *m)
{
    struct seen *const seen = &memory->seen[memory->next++ % SEEN];
    seen->fields = fields_of(m);
    seen->kind = m->kind;
    seen->family = m->family;
}

/* What the field was in the newest message of that kind in which it was another; one more than now if
 * there is none. */
static uint64_t seen_before(const struct memory *memory, const struct fl_msg *m, uint32_t field)
{
    const uint64_t now = fields_of(m).at[field];
    for (uint64_t i = memory->next; i > 0 && i + SEEN > memory->next; i--) {
        const struct seen *const seen = &memory->seen[(i - 1) % SEEN];
        if (seen->kind == m->kind && seen->family == m->family && seen->fields.at[field] != now)
            return seen->fields.at[field];
    }
    return now + 1;
}

/* One corruption: what it is drawn from, and where it is written. */
struct corruption {
    const struct fl_self *self;
    const struct fl_outbox *honest;
    const struct fl_view *view;
    struct fl_outbox *out;
    struct fl_msg truth;
};

static uint64_t draw(const struct corruption *c, uint32_t number)
{
    return fl_fault_draw(c->self, &c->truth, c->self->endpoint,
                         (enum fl_fault_lane)(FL_LANE_HOW + number));
}

/* A copy of the content, changed; the message names it anew if it named it before. `flips` 0: as good
 * as the true one. False if there is none. */
static bool change_content(const struct corruption *c, struct fl_msg *m, uint32_t flips)
{
    uint32_t bytes = 0;
    const void *const data = fl_fault_content(c->honest, c->view, m->blob, &bytes);
    if (data == NULL || bytes == 0 || !fl_fault_room(c->honest, c->out, bytes)) return false;
    const bool named = fl_digest_equal(fl_digest_of(data, bytes), fl_fault_named(m));
    unsigned char *const copy = fl_blob_begin(c->out, bytes);
    memcpy(copy, data, bytes);
    if (flips == 0) fl_fault_change(copy, bytes);
    for (uint32_t i = 0; i < flips; i++) {
        const uint64_t where = draw(c, 8 + i);
        copy[fl_fault_below(where, bytes)] ^= (unsigned char)(1 + (where & 0xff) % 255);
    }
    struct fl_digest digest;
    m->blob = fl_blob_end(c->out, m->word[0], &digest);
    if (named) fl_fault_name(m, digest);
    return true;
}

/* True if the content is another one, false if it is still that of the honest outbox. */
static bool change_little(const struct corruption *c, const struct memory *memory, struct fl_msg *m)
{
    const uint32_t places = m->blob.i != 0 ? FIELDS + 1 : FIELDS;
    const uint32_t place = fl_fault_below(draw(c, 0), places);
    if (place == FIELDS && change_content(c, m, 0)) return true;
    const uint32_t field = place % FIELDS, how = fl_fault_below(draw(c, 1), 3);
    const uint64_t now = fields_of(m).at[field];
    set_field(m, field, how == 0 ? now + 1 : how == 1 ? now - 1 : seen_before(memory, m, field));
    return false;
}

/* Each field with probability 1/2, the content too; the last one in any case if nothing else is. */
static bool change_anyhow(const struct corruption *c, struct fl_msg *m)
{
    const uint64_t which = draw(c, 0) >> 32;
    const bool content = (which >> FIELDS & 1) && m->blob.i != 0 &&
                         change_content(c, m, 1 + fl_fault_below(draw(c, 1), FLIPS_MAX));
    const bool something = content || (which & ((1u << FIELDS) - 1)) != 0;
    for (uint32_t field = 0; field < FIELDS; field++)
        if ((which >> field & 1) || (!something && field + 1 == FIELDS))
            set_field(m, field, draw(c, 2 + field));
    return content;
}

static struct fl_effect *corrupt(const struct params *p, const struct memory *memory,
                                 const struct corruption *c, uint32_t i)
{
    const bool claim = fl_fault_claims(c->self, &c->truth, c->out);
    struct fl_msg m = c->truth;
    const bool other = p->any ? change_anyhow(c, &m) : change_little(c, memory, &m);
    if (claim) m.tag = fl_sign(c->self, fl_fault_claim(&m), c->out);
    struct fl_effect *e;
    if (other) {
        e = fl_emit(c->out, FL_SEND);
        *e = c->honest->at[i];
        e->origin = i + 1;
    } else {
        e = fl_repeat(c->honest, i, c->out);
        m.blob = e->msg.blob;
    }
    e->msg = m;
    return e;
}

static bool chosen(const struct params *p, const struct corruption *c, uint32_t peer)
{
    const fl_endpoint to = {c->self->group_first + peer};
    return peer != c->self->index &&
           fl_fault_chance(fl_fault_draw(c->self, &c->truth, to, FL_LANE_CORRUPT),
                           p->receivers_ppm);
}

/* A broadcast becomes single sends, unless it is the same for all. */
static void corrupt_for_some(const struct params *p, const struct memory *memory,
                             const struct corruption *c, uint32_t i)
{
    const uint32_t n = c->self->group_size;
    uint32_t count = 0;
    for (uint32_t peer = 0; peer < n; peer++) count += chosen(p, c, peer);
    if (count == 0) {
        fl_repeat(c->honest, i, c->out);
        return;
    }
    const struct fl_effect told = *corrupt(p, memory, c, i);
    if (count == n - 1) return;
    c->out->count--;
    for (uint32_t peer = 0; peer < n; peer++) {
        if (peer == c->self->index) continue;
        struct fl_effect *e;
        if (chosen(p, c, peer)) {
            e = fl_emit(c->out, FL_SEND);
            *e = told;
        } else {
            e = fl_repeat(c->honest, i, c->out);
        }
        e->reach = FL_TO_ONE;
        e->to.i = c->self->group_first + peer;
    }
}

static bool struck(const struct params *p, const struct fl_self *self, const struct fl_effect *e)
{
    if (e->kind != FL_SEND || (p->consensus && e->msg.family != FL_CONSENSUS)) return false;
    return fl_fault_chance(fl_fault_draw(self, &e->msg, self->endpoint, FL_LANE_CORRUPT),
                           p->share_ppm);
}

static void step(const struct fl_coalition *coalition, void *state, uint32_t who,
                 const struct fl_event *in, const struct fl_view *view,
                 const struct fl_outbox *honest, struct fl_outbox *out)
{
    const struct params *const p = coalition->params;
    const struct fl_self *const self = coalition->member[who];
    struct memory *const memory = (struct memory *)state + who;
    if (in->kind == FL_MSG) remember(memory, &in->msg);
    for (uint32_t i = 0; i < honest->count; i++) {
        const struct fl_effect *const e = &honest->at[i];
        const struct corruption c = {self, honest, view, out, e->msg};
        if (!struck(p, self, e))
            fl_repeat(honest, i, out);
        else if (e->reach == FL_TO_PEERS)
            corrupt_for_some(p, memory, &c, i);
        else
            corrupt(p, memory, &c, i);
        if (e->kind == FL_SEND) remember(memory, &e->msg);
    }
}

static size_t state_bytes(const void *params, uint32_t members)
{
    (void)params;
    return members * sizeof(struct memory);
}

static const struct fl_param keys[] = {
    {.key = "share",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, share_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0.5",
     .doc = "share of what it sends that is changed (ratio; assumption)"},
    {.key = "receivers",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, receivers_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "1",
     .doc = "share of the peers that get a broadcast changed; the others get it as it is (ratio)"},
    {.key = "any",
     .type = FL_BOOLEAN,
     .offset = offsetof(struct params, any),
     .fallback = "false",
     .doc = "of any scope: random numbers, flipped bytes; else one small change"},
    {.key = "consensus",
     .type = FL_BOOLEAN,
     .offset = offsetof(struct params, consensus),
     .fallback = "false",
     .doc = "only messages of the consensus layer"},
    {0}};

static const struct fl_fault_model fault = {.state_bytes = state_bytes, .step = step};

const struct fl_model fl_model_corrupt = {
    .name = "corrupt",
    .family = FL_FAULT,
    .doc = "the node changes fields and contents of what it sends, and signs again (ByzzFuzz)",
    .params = keys,
    .params_bytes = sizeof(struct params),
    .fault = &fault,
};
