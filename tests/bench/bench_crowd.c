/* What a crowd costs at a head of its replica: when nothing concerns anybody, when prices tremble, and
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

enum { OPENINGS_PER_S = 200, IDLE_HEADS = 200, HEADS = 200, WALKS = 10 };
enum { IDLE_NS, TREMBLING_NS, WALK_NS, STATE_BYTES };

static uint64_t ns_since(double start, uint32_t heads)
{
    return (uint64_t)((fl_bench_now() - start) / heads * 1e9);
}

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

static struct fl_bench run(const void *what)
{
    struct rig *r = opened(*(const uint32_t *)what);
    struct fl_actor *crowd = rig_actor(r, "trader", FL_AGENT);
    struct fl_bench m = {.count[STATE_BYTES] = crowd->state_bytes};
    double start = fl_bench_now();
    for (uint32_t i = 0; i < IDLE_HEADS; i++) rig_head(r, crowd);
    m.count[IDLE_NS] = ns_since(start, IDLE_HEADS);
    m.seconds = fl_bench_now() - start;

    double spent = 0;
    for (uint32_t i = 0; i < HEADS; i++) { /* within 0.5 % */
        rig_post(r, 0, 200 * USD + (int64_t)(i * 7919 % 2001 - 1000) * 1000, 1);
        rig_block(r);
        start = fl_bench_now();
        rig_head(r, crowd);
        spent += fl_bench_now() - start;
    }
    m.count[TREMBLING_NS] = (uint64_t)(spent / HEADS * 1e9);

    const size_t words = crowd->self.account_count / 64 + 1;
    start = fl_bench_now();
    for (uint32_t i = 0; i < WALKS; i++) {
        memset(fl_crowd_awake(&crowd->self, (void *)crowd->state), 0xff, words * sizeof(uint64_t));
        rig_head(r, crowd);
    }
    m.count[WALK_NS] = ns_since(start, WALKS);
    rig_close(r);
    return m;
}

int main(void)
{
    static const uint32_t sizes[] = {1000, 10000, 100000, 1000000};
    fl_bench_title("A crowd at a head", "build/tests/bench/bench_crowd");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct fl_bench m = fl_bench_median(run, &sizes[i]);
        printf("%7" PRIu32 " traders  %5.1f bytes each  %9" PRIu64 " ns idle  %9" PRIu64
               " ns in a trembling market  %9" PRIu64 " ns if all are awake  %6.1f MiB\n",
               sizes[i], (double)m.count[STATE_BYTES] / sizes[i], m.count[IDLE_NS],
               m.count[TREMBLING_NS], m.count[WALK_NS], m.peak_mib);
    }
    return 0;
}
