/* Members of a consensus that keep back their votes: they propose, listen and decide as ever, but do not
 * help others to. One silent voter more than f and nothing is decided any more (Bracha and Toueg 1985);
 * up to f of them cost nothing but the slack that a crash would then want.
 *
 * A vote is a broadcast that stands for content known already, under the voter's own signature or, in a
 * protocol without signatures, in answer to a message about the same content: PREPARE, COMMIT and
 * CHECKPOINT of `pbft`, echo and ready of `bracha`. Proposals, view changes, requests and answers to one
 * peer pass; `ordered` has no votes. Repetitions of a vote are votes with a draw of their own. */
#include "models/fault/words.h"

struct params {
    int64_t share_ppm;
};

static void step(const struct fl_coalition *coalition, void *state, uint32_t who,
                 const struct fl_event *in, const struct fl_view *view,
                 const struct fl_outbox *honest, struct fl_outbox *out)
{
    const struct params *const p = coalition->params;
    const struct fl_self *const self = coalition->member[who];
    (void)state;
    (void)view;
    for (uint32_t i = 0; i < honest->count; i++) {
        const struct fl_effect *const e = &honest->at[i];
        const bool kept =
            fl_fault_votes(self, in, e, out) &&
            fl_fault_chance(fl_fault_draw(self, &e->msg, self->endpoint, FL_LANE_WITHHOLD),
                            p->share_ppm);
        if (!kept) fl_repeat(honest, i, out);
    }
}

static const struct fl_param keys[] = {{.key = "share",
                                        .type = FL_DECIMAL,
                                        .digits = 6,
                                        .offset = offsetof(struct params, share_ppm),
                                        .min = 0,
                                        .max = FL_PPM_ONE,
                                        .fallback = "1",
                                        .doc = "share of the votes that is kept back (ratio)"},
                                       {0}};

static const struct fl_fault_model fault = {.truthful = true, .step = step};

const struct fl_model fl_model_withhold = {
    .name = "withhold",
    .family = FL_FAULT,
    .doc = "members of a consensus keep back their votes",
    .params = keys,
    .params_bytes = sizeof(struct params),
    .fault = &fault,
};
