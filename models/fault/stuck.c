/* An oracle reporter that goes on reporting an old price: a stale data source behind a live node.
 * (On 12 May 2022 the LUNA feed that Venus read stood at 0.107 USD while the market fell below a
 * tenth of that within hours.)
 *
 * The old price is the one in force on the ledger, as the reporter sees it, at its first event inside
 * the window; if it cannot read one, the price of its own first report inside the window. Times and
 * rounds of its reports go on as before: the data looks fresh. It signs with its own keys. */
#include "models/fault/words.h"

/* Feeds are looked for among the first contracts of a scenario. */
enum { FEEDS_MAX = 16 };

struct memory {
    int64_t looked;           /* 0 before the first event inside the window */
    int64_t price[FEEDS_MAX]; /* by contract; 0: not known yet */
};

static bool read_price(const struct fl_view *view, uint32_t contract, struct fl_price *price)
{
    const struct fl_query query = {.contract = (uint16_t)contract, .kind = FL_ASK_PRICE};
    return fl_read(view, &query, price, sizeof *price) == FL_READ_OK;
}

static void look(const struct fl_self *self, const struct fl_view *view, struct memory *memory)
{
    memory->looked = 1;
    for (uint32_t i = 0; i < self->facts->contracts && i < FEEDS_MAX; i++) {
        struct fl_price price;
        if (read_price(view, i, &price) && price.price > 0) memory->price[i] = price.price;
    }
}

static bool report_in(const struct fl_outbox *honest, uint32_t i, const struct fl_view *view,
                      struct fl_tx *tx)
{
    return fl_fault_report(honest, i, view, tx) && tx->contract < FEEDS_MAX;
}

static int64_t stuck_price(struct memory *memory, const struct fl_tx *tx)
{
    int64_t *const price = &memory->price[tx->contract];
    if (*price == 0) *price = tx->arg[0];
    return *price;
}

/* The note of a report comes before the report: its price is that of the next one in the outbox. */
static void repeat_note(struct memory *memory, const struct fl_outbox *honest, uint32_t i,
                        const struct fl_view *view, struct fl_outbox *out)
{
    struct fl_effect *const e = fl_repeat(honest, i, out);
    struct fl_tx tx;
    for (uint32_t j = i + 1; j < honest->count; j++)
        if (report_in(honest, j, view, &tx)) {
            e->v[2] = stuck_price(memory, &tx);
            return;
        }
}

static void step(const struct fl_coalition *coalition, void *state, uint32_t who,
                 const struct fl_event *in, const struct fl_view *view,
                 const struct fl_outbox *honest, struct fl_outbox *out)
{
    const struct fl_self *const self = coalition->member[who];
    struct memory *const memory = (struct memory *)state + who;
    (void)in;
    if (!memory->looked) look(self, view, memory);
    for (uint32_t i = 0; i < honest->count; i++) {
        struct fl_tx tx;
        if (honest->at[i].kind == FL_NOTE && honest->at[i].record == FL_RECORD_REPORT)
            repeat_note(memory, honest, i, view, out);
        else if (report_in(honest, i, view, &tx))
            fl_fault_report_as(self, honest, i, &tx, stuck_price(memory, &tx), out);
        else
            fl_repeat(honest, i, out);
    }
}

static size_t state_bytes(const void *params, uint32_t members)
{
    (void)params;
    return members * sizeof(struct memory);
}

static const struct fl_fault_model fault = {.state_bytes = state_bytes, .step = step};

const struct fl_model fl_model_stuck = {
    .name = "stuck",
    .family = FL_FAULT,
    .doc = "an oracle reporter goes on reporting the price in force when the fault began",
    .fault = &fault,
};
