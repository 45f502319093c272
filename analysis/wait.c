/* Ticks of each market's fundamental price, looked back through from a liquidation. */
#include "analysis/wait.h"

#include "sim/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PPM = 1000000 };

struct tick {
    fl_time at;
    int64_t price; /* 10^-6 USD */
};
struct market {
    int64_t maintenance_ppm;
    struct tick *tick;
    uint32_t count, room;
};
struct fl_waits {
    struct fl_history *history;
    struct market *market;
    size_t markets;
};

/* --- which market has which price ------------------------------------------------------------------ */

static const char *word_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "";
}

static double number_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

/* The check that says which observable is the true price of which market; NULL if there is none. */
static const cJSON *solvency_of(const cJSON *resolved)
{
    const cJSON *check;
    cJSON_ArrayForEach(check, cJSON_GetObjectItemCaseSensitive(resolved, "checks"))
    {
        if (strcmp(word_of(check, "model"), "solvency") == 0) {
            return check;
        }
    }
    return NULL;
}

static void read_terms(struct fl_waits *waits, const cJSON *terms)
{
    waits->markets = (size_t)cJSON_GetArraySize(terms);
    waits->market = fl_alloc(waits->markets, sizeof *waits->market);
    size_t m = 0;
    const cJSON *market;
    cJSON_ArrayForEach(market, terms)
    {
        waits->market[m++].maintenance_ppm = (int64_t)ceil(
            number_of(market, "initial_margin") * number_of(market, "maintenance_fraction") * PPM -
            1e-3);
    }
}

/* "eth/market.fundamental" is published in the part "eth" alone, "market.fundamental" in the only
 * one there is: its node is called so, or so with an index. */
static bool is_source(const char *observable, const char *node)
{
    const char *slash = strchr(observable, '/');
    const size_t length = slash ? (size_t)(slash - observable) : 0;
    return !slash || (strncmp(observable, node, length) == 0 &&
                      (node[length] == '\0' || node[length] == '['));
}

static void add_tick(struct fl_waits *waits, const cJSON *names, uint32_t id)
{
    int64_t price;
    if (!fl_history_value(waits->history, id, "fundamental", &price)) {
        return;
    }
    const char *node = fl_history_node(waits->history, id);
    for (size_t m = 0; m < waits->markets; m++) {
        const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(names, (int)m));
        struct market *market = &waits->market[m];
        if (name && is_source(name, node)) {
            market->tick =
                fl_grow(market->tick, market->count, &market->room, sizeof *market->tick);
            market->tick[market->count++] =
                (struct tick){fl_history_time(waits->history, id), price};
        }
    }
}

struct fl_waits *fl_waits_new(struct fl_history *history, const cJSON *resolved)
{
    struct fl_waits *waits = fl_alloc(1, sizeof *waits);
    waits->history = history;
    const cJSON *check = solvency_of(resolved);
    const cJSON *contract = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(resolved, "contracts"), word_of(check, "exchange"));
    read_terms(waits, cJSON_GetObjectItemCaseSensitive(contract, "markets"));
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(check, "fundamental");
    for (uint32_t id = 1; id <= fl_history_count(history) && waits->markets > 0; id++) {
        if (strcmp(fl_history_kind(history, id), "tick") == 0) {
            add_tick(waits, names, id);
        }
    }
    return waits;
}

void fl_waits_free(struct fl_waits *waits)
{
    for (size_t m = 0; m < waits->markets; m++) {
        free(waits->market[m].tick);
    }
    free(waits->market);
    free(waits);
}

/* --- looking back ---------------------------------------------------------------------------------- */

/* What was closed, and what its account had beside it. */
struct position {
    int64_t size, quote;
};

/* Below maintenance: quote + N < maintenance * |N|, N = size * price. */
static bool is_due(const struct market *market, const struct position *p, int64_t price)
{
    const fl_i128 kept = p->size > 0 ? PPM - market->maintenance_ppm
                                     : PPM + market->maintenance_ppm;
    return (fl_i128)p->quote * PPM * PPM + (fl_i128)p->size * price * kept < 0;
}

static int64_t value_of(const struct fl_waits *waits, uint32_t id, const char *column)
{
    int64_t value = 0;
    fl_history_value(waits->history, id, column, &value);
    return value;
}

/* Closing brought in the quote less what the fund took, or plus what it paid; what then was missing was
 * socialised or is outstanding. */
static struct position position_of(const struct fl_waits *waits, uint32_t liquidation,
                                   const struct fl_deficit *deficit)
{
    const int64_t received = value_of(waits, liquidation, "quote_received") -
                             value_of(waits, liquidation, "insurance_delta");
    return (struct position){.size = value_of(waits, liquidation, "size"),
                             .quote = -received - deficit->by.traders - deficit->by.nobody};
}

static size_t ticks_until(const struct market *market, fl_time at)
{
    size_t low = 0, high = market->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (market->tick[middle].at <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool fl_wait_from(const struct fl_waits *waits, const struct fl_deficit *deficit, fl_time *from)
{
    const uint32_t liquidation = fl_first_stage(waits->history, deficit);
    const int64_t number = value_of(waits, liquidation, "market");
    *from = fl_history_time(waits->history, deficit->id);
    if (liquidation == deficit->id || number < 0 || (uint64_t)number >= waits->markets ||
        waits->market[number].count == 0) {
        return false;
    }
    const struct market *market = &waits->market[number];
    const struct position p = position_of(waits, liquidation, deficit);
    for (size_t i = ticks_until(market, *from);
         i > 0 && is_due(market, &p, market->tick[i - 1].price); i--) {
        *from = market->tick[i - 1].at;
    }
    return true;
}
