/* Which accounts may be below maintenance: the index over the accounts of the base (edges.h), and those that
 * unfinal batches have touched, looked at one by one. What it says is always exact at the rows asked: a hint is
 * rechecked there, and if the account is sound, and as in the base, it gets new edges. */
#include "models/ledger/exchange.h"
#include "sim/wide.h"

#include <string.h>

/* Versions of which marks are kept: replicas and their clients ask of a few at a time. */
enum { MARKS_KEPT = 16 };

/* The index block: this, then bits[accounts], the list of the fallen, candidates, and the edges. */
struct watchlist {
    uint32_t accounts, markets, begun, zero;
    struct fl_marks marks[MARKS_KEPT]; /* by version modulo their number */
    /* Newest valid marks at the base: coordinates to split slack at. */
    int64_t price[FL_MARKETS_MAX];
};

struct layout {
    size_t bits, fallen, candidates, edges, end;
};

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

uint32_t fl_positions_room(const struct fl_exchange *p, uint32_t accounts)
{
    const uint64_t wanted = (uint64_t)accounts * (uint64_t)p->positions_per_account;
    const uint64_t all = (uint64_t)accounts * p->markets.count;
    return (uint32_t)(wanted < all ? wanted : all);
}

static struct layout layout_of(const struct fl_exchange *p, uint32_t accounts)
{
    struct layout at;
    const uint32_t positions = fl_positions_room(p, accounts);
    at.bits = aligned(sizeof(struct watchlist));
    at.fallen = at.bits + aligned(accounts / 8 + 1);
    at.candidates = at.fallen + aligned((size_t)accounts * sizeof(struct fl_fallen));
    at.edges = at.candidates + aligned((size_t)positions * sizeof(struct fl_candidate));
    at.end = at.edges + aligned(fl_edges_bytes(accounts, positions, p->markets.count));
    return at;
}

static void *part(struct watchlist *list, size_t offset)
{
    return (unsigned char *)list + offset;
}

size_t fl_watchlist_bytes(const void *params, const struct fl_facts *facts)
{
    return layout_of(params, facts->accounts).end;
}

struct fl_candidate *fl_watchlist_candidates(const struct fl_desk *desk)
{
    struct watchlist *list = fl_rows_index(desk->rows);
    return part(list,
                layout_of(desk->p, fl_row_count(desk->rows, FL_EXCHANGE_ACCOUNTS)).candidates);
}

struct fl_marks *fl_watchlist_marks(const struct fl_desk *desk)
{
    struct watchlist *list = fl_rows_index(desk->rows);
    const fl_version version = fl_rows_version(desk->rows);
    if (version.i == 0) return NULL;
    struct fl_marks *marks = &list->marks[version.i % MARKS_KEPT];
    if (marks->version.i != version.i) {
        marks->version = version;
        marks->known = 0;
    }
    return marks;
}

/* --- coordinates ---------------------------------------------------------------------------------- */

#define SQUARE ((fl_i128)FL_PPM_ONE * FL_PPM_ONE)

/* Both coordinates of a market where the desk sees it. A market without a price crosses no edge: nobody in it can be
 * liquidated. */
static struct fl_edge_market coordinates(struct fl_desk *desk, uint32_t market)
{
    const struct fl_margin_market *at = fl_desk_market(desk, market);
    const struct fl_market_row *row = fl_row(desk->rows, FL_EXCHANGE_MARKETS, market);
    if (at->price == 0) return (struct fl_edge_market){INT64_MAX, INT64_MIN};
    const fl_i128 margin = (fl_i128)at->terms.initial_ppm * at->terms.maintenance_fraction_ppm;
    const fl_i128 down = at->price * (SQUARE - margin), up = at->price * (SQUARE + margin);
    return (struct fl_edge_market){.long_at = (int64_t)(down / SQUARE) - row->funding_long,
                                   .short_at = (int64_t)((up + SQUARE - 1) / SQUARE) -
                                               row->funding_short};
}

static void all_coordinates(struct fl_desk *desk, struct fl_edge_market *at)
{
    for (uint32_t i = 0; i < desk->p->markets.count; i++) at[i] = coordinates(desk, i);
}

enum { LEG_ROUNDINGS = 4 }; /* edges.h says why */

/* Slack, less what the roundings of positions may hide. */
static fl_i128 slack_of(const struct fl_opened *account, const struct fl_risk *risk)
{
    return risk->collateral - risk->maintenance - LEG_ROUNDINGS * (fl_i128)account->value.count;
}

static void put(void *edges, const struct fl_opened *account, const struct fl_risk *risk,
                const struct fl_edge_market *at)
{
    struct fl_edge_leg legs[FL_MARKETS_MAX];
    for (uint32_t i = 0; i < account->value.count; i++)
        legs[i] = (struct fl_edge_leg){.market = account->value.at[i].market,
                                       .size = account->value.at[i].size};
    fl_edges_put(edges, account->number, legs, account->value.count, slack_of(account, risk), at);
}

/* --- the base moves --------------------------------------------------------------------------------- */

static void begin(struct watchlist *list, const struct fl_desk *desk, void *edges)
{
    list->begun = 1;
    list->accounts = fl_row_count(desk->rows, FL_EXCHANGE_ACCOUNTS);
    list->markets = desk->p->markets.count;
    fl_edges_init(edges, list->accounts, fl_positions_room(desk->p, list->accounts), list->markets);
}

/* A market whose price is not valid now stands where it stood last. */
static void stand(struct watchlist *list, struct fl_desk *desk, struct fl_edge_market *at)
{
    for (uint32_t i = 0; i < list->markets; i++) {
        const int64_t price = fl_desk_market(desk, i)->price;
        if (price != 0) list->price[i] = price;
        desk->market[i].price = list->price[i];
        at[i] = coordinates(desk, i);
        if (list->price[i] == 0) at[i] = (struct fl_edge_market){0, 0};
    }
}

void fl_watchlist_update(void *index, const struct fl_rows *rows, uint32_t contract,
                         const struct fl_change *changes, uint32_t count)
{
    struct watchlist *list = index;
    struct fl_desk desk;
    struct fl_edge_market at[FL_MARKETS_MAX];
    fl_desk_open(&desk, NULL, rows);
    void *edges = part(list, layout_of(desk.p, fl_row_count(rows, FL_EXCHANGE_ACCOUNTS)).edges);
    if (!list->begun) begin(list, &desk, edges);
    stand(list, &desk, at);
    for (uint32_t i = 0; i < count; i++) {
        if (changes[i].contract != contract || changes[i].table != FL_EXCHANGE_ACCOUNTS) continue;
        struct fl_opened account;
        fl_account_open(&desk, changes[i].row, &account);
        if (fl_is_maker(&desk, account.number)) continue; /* nobody liquidates a maker */
        const struct fl_risk risk = fl_opened_risk(&desk, &account);
        put(edges, &account, &risk, at);
    }
}

/* --- who has fallen --------------------------------------------------------------------------------- */

/* Looks at one account; adds it to the list if it is below maintenance. */
static bool look(struct fl_desk *desk, uint32_t number, struct fl_opened *account,
                 struct fl_risk *risk, struct fl_fallen *list, uint32_t *count)
{
    fl_account_open(desk, number, account);
    if (!account->priced) return false;
    *risk = fl_opened_risk(desk, account);
    if (!fl_liquidatable(risk)) return true;
    list[(*count)++] = (struct fl_fallen){
        .account = number, .collateral = risk->collateral, .maintenance = risk->maintenance};
    return false;
}

static bool marked(const unsigned char *bits, uint32_t i)
{
    return bits[i / 8] >> i % 8 & 1;
}

/* Accounts that batches above the base have touched, each once; their bits stay set. */
static void look_at_fresh(struct fl_desk *desk, unsigned char *bits, struct fl_fallen *list,
                          uint32_t *count)
{
    struct fl_fresh walk = {.next = 0};
    uint32_t row;
    while (fl_fresh_row(desk->rows, FL_EXCHANGE_ACCOUNTS, &walk, &row)) {
        struct fl_opened account;
        struct fl_risk risk;
        if (marked(bits, row)) continue;
        bits[row / 8] |= (unsigned char)(1 << row % 8);
        if (!fl_is_maker(desk, row)) look(desk, row, &account, &risk, list, count);
    }
}

static void forget_fresh(struct fl_desk *desk, unsigned char *bits)
{
    struct fl_fresh walk = {.next = 0};
    uint32_t row;
    while (fl_fresh_row(desk->rows, FL_EXCHANGE_ACCOUNTS, &walk, &row)) bits[row / 8] = 0;
}

struct fl_fallen *fl_watchlist_fallen(struct fl_desk *desk, uint32_t *count)
{
    struct watchlist *list = fl_rows_index(desk->rows);
    const struct layout layout = layout_of(desk->p, fl_row_count(desk->rows, FL_EXCHANGE_ACCOUNTS));
    struct fl_fallen *fallen = part(list, layout.fallen);
    unsigned char *bits = part(list, layout.bits);
    void *edges = part(list, layout.edges);
    struct fl_edge_market at[FL_MARKETS_MAX];
    *count = 0;
    if (!list->begun) return fallen; /* genesis: nobody has a position */
    all_coordinates(desk, at);
    look_at_fresh(desk, bits, fallen, count);
    uint32_t hints;
    const uint32_t *hint = fl_edges_crossed(edges, at, &hints);
    for (uint32_t i = 0; i < hints; i++) {
        struct fl_opened account;
        struct fl_risk risk;
        if (marked(bits, hint[i])) continue;
        if (look(desk, hint[i], &account, &risk, fallen, count)) put(edges, &account, &risk, at);
    }
    forget_fresh(desk, bits);
    return fallen;
}

/* --- order ------------------------------------------------------------------------------------------ */

bool fl_falls_before(const struct fl_fallen *a, const struct fl_fallen *b)
{
    const int order =
        fl_i128_compare_products(a->collateral, b->maintenance, b->collateral, a->maintenance);
    return order != 0 ? order < 0 : a->account < b->account;
}

static void sift_down(struct fl_fallen *all, uint32_t at, uint32_t count)
{
    for (;;) {
        uint32_t last = at; /* the one that comes last of the three stands on top */
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
            if (fl_falls_before(&all[last], &all[child])) last = child;
        if (last == at) return;
        const struct fl_fallen moved = all[at];
        all[at] = all[last];
        all[last] = moved;
        at = last;
    }
}

void fl_fallen_sort(struct fl_fallen *all, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;) sift_down(all, i, count);
    for (uint32_t end = count; end > 1; end--) {
        const struct fl_fallen last = all[0];
        all[0] = all[end - 1];
        all[end - 1] = last;
        sift_down(all, 0, end - 1);
    }
}
