/* Who is who in a crowd: all that is drawn of a trader, by its number within the crowd, so that no
 * trader's fate shifts another's. */
#include "models/agent/crowd.h"

/* A trader's leg has lanes of its own: lane + leg * LEG_LANES. */
enum lane {
    LEVERAGE_LANE,
    COLLATERAL_LANE,
    SIDE_LANE,
    OPENING_LANE,
    WATCHFUL_LANE,
    TOP_UP_LANE,
    TEMPER_LANE,
    NERVE_LANE,
    COUNT_LANE,
    MARKET_LANE,
    LEG_LANES = 16
};

static uint64_t draw(const struct fl_self *self, uint32_t trader, uint32_t lane)
{
    return fl_draw(self->seed, FL_RNG_AGENT, self->key, trader, lane);
}

static uint64_t draw_below(const struct fl_self *self, uint32_t trader, uint32_t lane,
                           uint64_t bound)
{
    return fl_draw_below(self->seed, FL_RNG_AGENT, self->key, trader, lane, bound);
}

static bool chance(const struct fl_self *self, uint32_t trader, uint32_t lane, int64_t ppm)
{
    return (int64_t)draw_below(self, trader, lane, (uint64_t)FL_PPM_ONE) < ppm;
}

int64_t fl_crowd_collateral(const struct fl_self *self, uint32_t trader)
{
    const struct crowd_params *p = self->params;
    return fl_law_at(&p->collateral, draw(self, trader, COLLATERAL_LANE));
}

int64_t fl_crowd_leverage(const struct fl_self *self, uint32_t trader)
{
    const struct crowd_params *p = self->params;
    return fl_law_at(&p->leverage, draw(self, trader, LEVERAGE_LANE));
}

fl_time fl_crowd_opening(const struct fl_self *self, uint32_t trader)
{
    const struct crowd_params *p = self->params;
    if (p->open_to == p->open_from) return p->open_from;
    return p->open_from +
           (fl_time)draw_below(self, trader, OPENING_LANE, (uint64_t)(p->open_to - p->open_from));
}

/* The n-th place that is not among the `taken`. */
static uint32_t nth_free(uint32_t taken, uint32_t n)
{
    uint32_t place = 0;
    for (;; place++) {
        if (taken >> place & 1) continue;
        if (n-- == 0) return place;
    }
}

uint32_t fl_crowd_legs(const struct fl_self *self, uint32_t trader, uint32_t place[LEGS_MAX])
{
    const struct crowd_params *p = self->params;
    const uint32_t places = fl_crowd_places(p);
    place[0] = 0;
    if (places == 1) return 1;
    const uint64_t most = (uint64_t)fl_min(p->markets_per_account, places);
    const uint32_t legs = 1 + (uint32_t)draw_below(self, trader, COUNT_LANE, most);
    uint32_t taken = 0;
    for (uint32_t leg = 0; leg < legs; leg++) {
        const uint32_t n =
            (uint32_t)draw_below(self, trader, MARKET_LANE + leg * LEG_LANES, places - leg);
        place[leg] = nth_free(taken, n);
        taken |= UINT32_C(1) << place[leg];
    }
    return legs;
}

bool fl_crowd_long(const struct fl_self *self, uint32_t trader, uint32_t leg)
{
    const struct crowd_params *p = self->params;
    return chance(self, trader, SIDE_LANE + leg * LEG_LANES, p->long_share_ppm);
}

/* Nobody both panics and chases: one draw decides. */
uint8_t fl_crowd_traits(const struct fl_self *self, uint32_t trader, uint32_t *nerve_ppm)
{
    const struct crowd_params *p = self->params;
    uint8_t traits = 0;
    *nerve_ppm = 0;
    if (chance(self, trader, WATCHFUL_LANE, p->watchful_ppm)) traits |= WATCHES;
    if (chance(self, trader, TOP_UP_LANE, p->top_up_ppm)) traits |= TOPS_UP;
    const int64_t temper = (int64_t)draw_below(self, trader, TEMPER_LANE, (uint64_t)FL_PPM_ONE);
    if (temper >= p->panic_ppm + p->chase_ppm) return traits;
    const bool panics = temper < p->panic_ppm;
    *nerve_ppm = (uint32_t)fl_law_at(panics ? &p->panic_move : &p->chase_move,
                                     draw(self, trader, NERVE_LANE));
    return traits | (panics ? PANICS : CHASES);
}
