/* Oracle reporters that report a wrong price. What they tell, in this order: a price of their choice or
 * the true one, times a factor, times 1 plus a drift for each report so far, times 1 plus a random
 * error. Times and rounds go on as before, and each signs with its own keys: nothing but the number is
 * wrong.
 *
 * Against an aggregate over n reports with breakdown point 1/2, such as the median, fewer than half of
 * them can move it no further than among the honest reports, and more than half move it anywhere
 * (Huber 1981, "Robust Statistics").
 *
 * Liars that act together tell one number: that of the first of them (by rank), renewed whenever this
 * one reports; before it has, each tells its own. */
#include "models/fault/words.h"
#include "models/submit.h"

struct params {
    int64_t price, factor_ppm, drift_ppm;
    struct fl_law error; /* ppm */
    int64_t together;
};

/* Feeds are told apart among the first contracts of a scenario. */
enum { FEEDS_MAX = 16 };

/* What one member told each feed. */
struct memory {
    int64_t told[FEEDS_MAX]; /* 0: nothing yet */
    int64_t reports[FEEDS_MAX];
};

static int64_t times(int64_t price, int64_t ppm)
{
    return fl_clamp(fl_mul_div_floor(price, fl_clamp(ppm, 0, 1000 * FL_PPM_ONE), FL_PPM_ONE), 1,
                    FL_PRICE_MAX);
}

/* The lie about `truth`, the member's own price of its report number `count` (0, 1, ...). */
static int64_t lie_about(const struct params *p, const struct fl_self *self, uint32_t feed,
                         int64_t truth, int64_t count)
{
    const uint64_t draw = fl_draw(self->seed, FL_RNG_FAULT, self->key,
                                  (uint64_t)count * FEEDS_MAX + feed, FL_LANE_LIE);
    const int64_t drift = fl_clamp(count, 0, FL_PPM_ONE) * p->drift_ppm;
    int64_t price =
        times(p->price > 0 ? p->price : fl_clamp(truth, 1, FL_PRICE_MAX), p->factor_ppm);
    price = times(price, FL_PPM_ONE + drift);
    return times(price, fl_add(FL_PPM_ONE, fl_law_at(&p->error, draw)));
}

static int64_t tell(const struct fl_coalition *coalition, struct memory *memory, uint32_t who,
                    const struct fl_tx *tx)
{
    const struct params *const p = coalition->params;
    const uint32_t feed = tx->contract;
    struct memory *const own = &memory[who];
    if (p->together && who > 0 && memory[0].told[feed] != 0) return memory[0].told[feed];
    own->told[feed] = lie_about(p, coalition->member[who], feed, tx->arg[0], own->reports[feed]++);
    return own->told[feed];
}

static bool report_in(const struct fl_outbox *honest, uint32_t i, const struct fl_view *view,
                      struct fl_tx *tx)
{
    return fl_fault_report(honest, i, view, tx) && tx->contract < FEEDS_MAX;
}

/* The note of a report comes before the report: it is told with the number of the next one, which is
 * decided upon here. */
static void step(const struct fl_coalition *coalition, void *state, uint32_t who,
                 const struct fl_event *in, const struct fl_view *view,
                 const struct fl_outbox *honest, struct fl_outbox *out)
{
    const struct fl_self *const self = coalition->member[who];
    struct fl_tx tx;
    struct fl_effect *note = NULL;
    (void)in;
    for (uint32_t i = 0; i < honest->count; i++) {
        if (!report_in(honest, i, view, &tx)) {
            struct fl_effect *const e = fl_repeat(honest, i, out);
            if (e->kind == FL_NOTE && e->record == FL_RECORD_REPORT) note = e;
            continue;
        }
        const int64_t price = tell(coalition, state, who, &tx);
        if (note) note->v[2] = price;
        note = NULL;
        fl_fault_report_as(self, honest, i, &tx, price, out);
    }
}

static size_t state_bytes(const void *params, uint32_t members)
{
    (void)params;
    return members * sizeof(struct memory);
}

static const struct fl_param keys[] = {
    {.key = "price_usd",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, price),
     .min = 0,
     .max = FL_PRICE_MAX,
     .fallback = "0",
     .doc = "what it takes for the price, US dollars per unit; 0: the true price"},
    {.key = "factor",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, factor_ppm),
     .min = 0,
     .max = 1000 * FL_PPM_ONE,
     .fallback = "1.1",
     .doc = "times this (ratio; assumption)"},
    {.key = "drift",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, drift_ppm),
     .min = -FL_PPM_ONE,
     .max = FL_PPM_ONE,
     .fallback = "0",
     .doc = "times 1 plus this for each report so far (ratio); never below 0"},
    {.key = "error",
     .type = FL_LAW,
     .digits = 6,
     .offset = offsetof(struct params, error),
     .min = -FL_PPM_ONE,
     .max = 999 * FL_PPM_ONE,
     .fallback = "0",
     .doc = "times 1 plus this, drawn for each report (ratio)"},
    {.key = "together",
     .type = FL_BOOLEAN,
     .offset = offsetof(struct params, together),
     .fallback = "true",
     .doc = "all tell the number of the first of them; else each its own"},
    {0}};

static const struct fl_fault_model fault = {.state_bytes = state_bytes, .step = step};

const struct fl_model fl_model_lie = {
    .name = "lie",
    .family = FL_FAULT,
    .doc = "oracle reporters report a wrong price: fixed, scaled, drifting or random",
    .params = keys,
    .params_bytes = sizeof(struct params),
    .fault = &fault,
};
