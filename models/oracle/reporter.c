/* A price reporter: watches the market and reports to a feed contract when the price has moved, or
 * when it has been silent for long.
 *
 * When to report is the rule of Chainlink's off-chain reporting (libocr; mechanisms 1.2): if there
 * is no report yet, if |new - old| / |old| >= deviation, or if more than the heartbeat has passed.
 * Unlike OCR there is no round among the reporters: each sends its own reports, as with Pyth, and the
 * feed contract aggregates.
 *
 * An observation is M with a relative error, normal, drawn by the step of the quote. It is ready to
 * be sent one lag after the quote came in.
 *
 * A report that the chain has not taken for `resubmit_ms` when a block arrives is made anew with the
 * newest observation: so a chain that comes back gets fresh prices at once. Likewise when this
 * reporter recovers from a fault. If quotes have stopped to come (a crash), the next one is reported
 * instead. */
#include "models/submit.h"

struct params {
    uint32_t contract;
    int64_t deviation_ppm;
    fl_time heartbeat;
    int64_t noise_ppm;
    struct fl_law lag; /* ns */
    fl_time resubmit;
};

struct state {
    struct fl_sight sight;
    int64_t observed; /* the newest observation; 0: none yet */
    fl_time ready_at; /* when it may be sent */
    int64_t reported; /* the newest report; 0: none yet */
    fl_time reported_at;
    fl_time sent_at;      /* when the newest report leaves, or left */
    int64_t round, nonce; /* of the newest report */
    uint64_t overdue;     /* 1: report with the next quote, whatever it is */
};

enum lane { NOISE_LANE, LAG_LANE };

static uint64_t draw(const struct fl_self *self, uint64_t step, enum lane lane)
{
    return fl_draw(self->seed, FL_RNG_ORACLE, self->key, step, lane);
}

/* M * (1 + noise * z), toward M. */
static void observe_market(const struct fl_self *self, struct state *s, fl_time now)
{
    const struct params *p = self->params;
    const int64_t z = fl_normal_q32(draw(self, s->sight.step, NOISE_LANE));
    const int64_t error = fl_mul_div_trunc(s->sight.mid, p->noise_ppm * z, FL_PPM_ONE * FL_Q32_ONE);
    s->observed = fl_clamp(s->sight.mid + error, 1, FL_PRICE_MAX);
    s->ready_at = now + fl_law_at(&p->lag, draw(self, s->sight.step, LAG_LANE));
}

/* libocr: shouldReport. */
static bool report_is_due(const struct params *p, const struct state *s, fl_time now)
{
    if (s->reported == 0) return true;
    const fl_i128 moved = fl_abs(s->observed - s->reported);
    return moved * FL_PPM_ONE >= (fl_i128)p->deviation_ppm * s->reported ||
           now - s->reported_at > p->heartbeat;
}

/* What the chain has taken from this account is used, whether remembered or not. */
static void catch_up(const struct fl_self *self, struct state *s, const struct fl_view *view)
{
    int64_t used;
    if (!fl_read_nonce(view, self->account_first, &used) || used <= s->nonce) return;
    s->round = fl_max(s->round, used);
    s->nonce = used;
}

static void report(const struct fl_self *self, struct state *s, fl_time now,
                   const struct fl_view *view, struct fl_outbox *out)
{
    const struct params *p = self->params;
    catch_up(self, s, view);
    s->reported = s->observed;
    s->reported_at = now;
    s->sent_at = fl_max(now, s->ready_at);
    s->round++;
    s->nonce++;
    s->overdue = 0;
    fl_note(out, FL_RECORD_REPORT, self->key, s->round)[2] = s->observed;
    struct fl_tx tx = {.account = self->account_first,
                       .contract = (uint16_t)p->contract,
                       .kind = FL_TX_REPORT,
                       .nonce = (uint64_t)s->nonce,
                       .arg = {s->observed, s->sight.seen_at, s->round}};
    fl_submit(self, &tx, 0, out)->delay = s->sent_at - now;
}

/* At once, unless what it saw last is no longer the market. */
static void report_anew(const struct fl_self *self, struct state *s, fl_time now,
                        const struct fl_view *view, struct fl_outbox *out)
{
    if (fl_sight_current(&s->sight, now))
        report(self, s, now, view, out);
    else
        s->overdue = 1;
}

static void on_head(const struct fl_self *self, struct state *s, const struct fl_event *in,
                    const struct fl_view *view, struct fl_outbox *out)
{
    const struct params *p = self->params;
    const fl_time block_time = in->msg.value[0];
    if (s->nonce == 0 || block_time <= s->sent_at || block_time - s->sent_at <= p->resubmit) return;
    int64_t used;
    if (fl_read_nonce(view, self->account_first, &used) && used < s->nonce)
        report_anew(self, s, in->now, view, out);
}

static size_t state_bytes(const void *params, const struct fl_self *self)
{
    (void)params;
    (void)self;
    return sizeof(struct state);
}

static void init(const struct fl_self *self, void *state)
{
    (void)self;
    (void)state; /* all zero: nothing seen, nothing reported */
}

static void step(const struct fl_self *self, void *state, const struct fl_event *in,
                 const struct fl_view *view, struct fl_outbox *out)
{
    struct state *s = state;
    if (!fl_can_submit(self)) return;
    if (fl_sight_take(&s->sight, in)) {
        observe_market(self, s, in->now);
        if (s->overdue || report_is_due(self->params, s, in->now))
            report(self, s, in->now, view, out);
    } else if (fl_is_head(self, in)) {
        on_head(self, s, in, view, out);
    } else if (in->kind == FL_RECOVER) {
        report_anew(self, s, in->now, view, out);
    }
}

static void observe(const struct fl_self *self, const void *state, int64_t *out)
{
    (void)self;
    const struct state *s = state;
    out[0] = s->round;
}

#define DAY (86400 * FL_SECOND)

static const struct fl_param rows[] = {
    {.key = "contract",
     .type = FL_CONTRACT_NAME,
     .offset = offsetof(struct params, contract),
     .doc = "feed contract to report to"},
    {.key = "deviation",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, deviation_ppm),
     .min = 0,
     .max = FL_PPM_ONE,
     .fallback = "0.005",
     .doc = "relative change since the last report that calls for a new one (ratio; Chainlink "
            "majors 0.005)"},
    {.key = "heartbeat_s",
     .type = FL_DECIMAL,
     .digits = 9,
     .offset = offsetof(struct params, heartbeat),
     .min = FL_MILLISECOND,
     .max = 365 * DAY,
     .fallback = "3600",
     .doc = "seconds without a report that call for one (Chainlink 3600 or 86400); a feed's "
            "max_age_s should exceed it by the time a report takes"},
    {.key = "noise",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, noise_ppm),
     .min = 0,
     .max = FL_PPM_ONE / 20,
     .fallback = "0.0002",
     .doc = "standard deviation of an observation's relative error (ratio; assumption)"},
    {.key = "lag_ms",
     .type = FL_LAW,
     .digits = 6,
     .offset = offsetof(struct params, lag),
     .min = 0,
     .max = DAY,
     .fallback = "{\"law\": \"lognormal\", \"median\": 800, \"sigma\": 0.5}",
     .doc = "time from seeing a quote to sending a report on it, in milliseconds (assumption)"},
    {.key = "resubmit_ms",
     .type = FL_DECIMAL,
     .digits = 6,
     .offset = offsetof(struct params, resubmit),
     .min = 0,
     .max = DAY,
     .fallback = "2000",
     .doc =
         "age, in milliseconds, at which a report that the chain has not taken is made anew when "
         "a block arrives"},
    {.key = NULL}};

static const struct fl_observable observables[] = {
    {"oracle.reports", "reports made so far", FL_COUNT, FL_SUM}, {.name = NULL}};

static const struct fl_node_model node = {
    .state_bytes = state_bytes, .init = init, .step = step, .observe = observe};

const struct fl_model fl_model_reporter = {
    .name = "reporter",
    .family = FL_ORACLE,
    .doc = "price reporter: deviation and heartbeat rule of Chainlink OCR (libocr), own noise and "
           "lag",
    .params = rows,
    .params_bytes = sizeof(struct params),
    .observables = observables,
    .node = &node};
