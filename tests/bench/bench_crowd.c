/* What a crowd costs at a head of its replica: when nothing concerns anybody, when prices move, and
 * beside that if all were awake (the plain walk of tests/unit/test_crowd.c). All traders hold a position;
 * they top up, panic and chase. */
#include "models/agent/crowd.h"
#include "tests/lib/bench.h"
#include "tests/lib/board.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FL_MODEL(name) extern const struct fl_model fl_model_##name;
#include "models/registry.def"
#undef FL_MODEL
const struct fl_model *const fl_models[] = {
#define FL_MODEL(name) &fl_model_##name,
#include "models/registry.def"
#undef FL_MODEL
    &fl_model_board, NULL};

enum { OPENINGS_PER_S = 200, HEADS = 100 };
enum kind { IDLE = 1, MOVING, ALL_AWAKE };
enum { STATE_BYTES, HOLDING_NOW };
struct measurement {
    uint32_t traders;
    enum kind kind;
};

static struct rig *opened(uint32_t traders)
{
    char accounts[80], until[80];
    snprintf(accounts, sizeof accounts, "nodes.trader.accounts=%" PRIu32, traders);
    snprintf(until, sizeof until, "nodes.trader.agent.open_to_s=%" PRIu32,
             traders / OPENINGS_PER_S);
    const char *const overrides[] = {
        accounts,
        until,
        "nodes.trader.agent.long_share=0.6",
        "nodes.trader.agent.leverage={\"law\": \"uniform\", \"min\": 2, \"max\": 15}",
        "nodes.trader.agent.top_up=0.4",
        "nodes.trader.agent.panic=0.3",
        "nodes.trader.agent.panic_below=1.4",
        "nodes.trader.agent.chase=0.2"};
    struct rig *r = rig_open(overrides, sizeof overrides / sizeof *overrides);
    struct fl_actor *crowd = rig_actor(r, "trader", FL_AGENT);
    rig_post(r, 0, 200 * USD, 1);
    for (uint32_t i = 0; i < traders / OPENINGS_PER_S + 20; i++) rig_turn(r, crowd);
    return r;
}

/* What precedes a head, outside the measured time: prices that move by 0.0114 % from second to second, as
 * at a volatility of 80 % a year, or a call for everybody. */
static void prepare(struct rig *r, struct fl_actor *crowd, enum kind kind, uint32_t i)
{
    const size_t words = crowd->self.account_count / 64 + 1;
    switch (kind) {
    case IDLE:
        return;
    case MOVING:
        rig_post(r, 0, 200 * USD + ((int64_t)(fl_draw(1, FL_RNG_TIE, 0, i, 0) % 2001) - 1000) * 34,
                 1);
        rig_block(r);
        return;
    case ALL_AWAKE:
        memset(fl_crowd_awake(&crowd->self, (void *)crowd->state), 0xff, words * sizeof(uint64_t));
        return;
    }
}

/* Seconds of one head. */
static struct fl_bench run(const void *what)
{
    const struct measurement *const of = what;
    struct rig *r = opened(of->traders);
    struct fl_actor *crowd = rig_actor(r, "trader", FL_AGENT);
    struct fl_bench m = {.count = {crowd->state_bytes, (uint64_t)rig_observe(crowd, 1)}};
    for (uint32_t i = 0; i < HEADS; i++) {
        prepare(r, crowd, of->kind, i);
        const double start = fl_bench_now();
        rig_head(r, crowd);
        m.seconds += (fl_bench_now() - start) / HEADS;
    }
    rig_close(r);
    return m;
}

int main(void)
{
    static const uint32_t sizes[] = {1000, 10000, 100000, 1000000};
    fl_bench_title("A crowd at a head of its replica", "build/tests/bench/bench_crowd");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct fl_bench m[ALL_AWAKE + 1];
        for (enum kind kind = IDLE; kind <= ALL_AWAKE; kind++)
            m[kind] = fl_bench_median(run, &(struct measurement){sizes[i], kind});
        printf("%7" PRIu32 " traders, %7" PRIu64
               " hold  %6.1f bytes each  %8.2f us idle  %8.2f us in "
               "a market at 80 %%  %9.2f us if all are awake  %6.1f MiB\n",
               sizes[i], m[IDLE].count[HOLDING_NOW], (double)m[IDLE].count[STATE_BYTES] / sizes[i],
               m[IDLE].seconds * 1e6, m[MOVING].seconds * 1e6, m[ALL_AWAKE].seconds * 1e6,
               m[IDLE].peak_mib);
    }
    return 0;
}
