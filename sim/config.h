/* From a scenario file to a checked configuration: plain values, no JSON below here.
 *
 * A scenario is a JSON object. Every model's keys come from its parameter rows (sim/model.h), so
 * that a new model needs no line here. All mistakes of a scenario are reported at once. */
#ifndef FL_CONFIG_H
#define FL_CONFIG_H
#include "sim/model.h"

#include <stdio.h>

enum { FL_NAME_MAX = 48 };

struct fl_layer {
    const struct fl_model *model; /* NULL if the group has no layer of this family */
    const void *params;
};

/* What sets members of a group apart beside their place: an operator, a client program, a version.
 * Member i has value[i % count]. */
struct fl_label {
    const char *key;
    uint32_t count;
    const char **value;
};

/* "nodes": {"validator": {"count": 4, "accounts": 0, "clients_of": "...", "faulty_max": 1,
 *            "region": "london" | "regions": ["london", "tokyo"], "processing_us": 20,
 *            "clock": {"offset_ms": ..., "drift_ppm": ...}, "overlay": {"model": "gossip", "degree": 8},
 *            "labels": {"operator": ["alpha", "beta"]},
 *            "consensus": {"model": "ordered", ...}, "chain": {"model": "replica", ...}}, ...}
 * Endpoints are numbered in the order of the groups in the file. A law of kind 0 is absent. */
struct fl_group {
    char name[FL_NAME_MAX];
    uint32_t first, count;
    uint32_t accounts;      /* ledger accounts per member; default 1 for clients, 0 for others */
    uint32_t account_first; /* of member 0; members follow one another */
    uint32_t faulty_max;    /* f; default 0 */
    uint32_t replicas;      /* index of the group whose members serve this one ("clients_of"),
                               UINT32_MAX if it reads no ledger */
    fl_time failover;       /* a member that its replica tells nothing new for so long turns to
                               another one ("failover_s", nanoseconds); 0: never */
    int64_t fee_cap, tip;   /* what its members bid for a transaction, 10^-6 USD */
    uint64_t *power;        /* count entries; default 1 each */
    uint32_t label_count;   /* "labels": {"client": ["geth", "reth"], ...} */
    struct fl_label *label;
    uint32_t region_count;                   /* 0: nowhere in particular */
    uint32_t *region;                        /* member i is in region[i % region_count] */
    struct fl_law processing;                /* nanoseconds that a message costs its receiver */
    struct fl_law clock_offset, clock_drift; /* nanoseconds at time 0; 10^-9 */
    uint32_t gossip_degree;                  /* 0: broadcasts go straight to every member */
    struct fl_layer layer[FL_LAYERS];        /* by family */
};

/* "contracts": {"feed": {"model": "feed", ...}, ...}; "checks": likewise. */
struct fl_part {
    char name[FL_NAME_MAX];
    const struct fl_model *model;
    const void *params;
};

/* "faults": {"NAME": {"model": "stuck", ...who, ...when, "enabled": true, ...model's keys}}.
 *
 * Who. The pool is the members of a "group", of every group with a layer of a "role", in a "region", with
 * "labels" ({"client": "geth"}); what stands there must hold together. Of the pool: "members" (of the
 * group, by index), "count" of them or as many as hold "stake" (a share of its voting power), drawn
 * from the seed (FL_RNG_PLACEMENT); without any of these, all; a count of 0 is as good as "enabled": false,
 * so that a sweep over it can begin without the fault. With "largest" (an observable that
 * nodes publish) it is those who hold the most of it at each look, not the seed, that choose: at most
 * `count` at once, negative ones never; with "keep" who was struck stays so until the window closes.
 * A fault of links may name "sides" instead: [["validator[0]", "validator[1]"], ["reporter"]]; or
 * "split": whom it strikes are divided into so many sides, drawn anew whenever it opens. A twin is where its
 * original is, unless it is named itself ("validator[0]~"); a split keeps the two apart.
 *
 * When. From "from_s" to "to_s". With "mttr_s" and "mtbf_s" (laws) it comes and goes within that time:
 * struck for a draw of the first, well for a draw of the second, neither shorter than "stability_s"
 * (default 1 ms); it begins well. With "when" ({"observable": O, "op": ">", "value": 5}, or "falls" or
 * "rises": a fraction of its highest or lowest value seen) it opens when a look finds that so, for
 * "for_s", then looks again. Each next victim is struck "stagger_s" later.
 *
 * Looks happen every "look_ms" and tell the adversary of "latency_ms" ago; the values of "sees" are what
 * its model is told (struct fl_coalition). Disabled faults are checked, and left out. */
enum fl_op { FL_OP_LT = 1, FL_OP_LE, FL_OP_EQ, FL_OP_NE, FL_OP_GE, FL_OP_GT };
struct fl_trigger {
    uint32_t observable; /* UINT32_MAX: no trigger */
    enum fl_trigger_kind { FL_TRIGGER_VALUE = 1, FL_TRIGGER_FALLS, FL_TRIGGER_RISES } kind;
    enum fl_op op; /* FL_TRIGGER_VALUE */
    int64_t value; /* in the observable's unit; a fraction in ppm */
    fl_time lasts; /* FL_FOREVER: until `to` */
};
struct fl_fault_spec {
    char name[FL_NAME_MAX];
    const struct fl_model *model;
    const void *params;
    uint32_t group;         /* index; UINT32_MAX: no single one */
    uint32_t pool_count;    /* 0 with sides */
    const uint32_t *pool;   /* endpoints, ascending */
    uint32_t count;         /* how many at once; with sides, how many stand on any */
    const uint32_t *member; /* count endpoints, ascending; NULL if `largest` chooses */
    uint32_t twin_first; /* a fault that doubles: endpoint of the first member's twin, and so on */
    uint32_t largest;    /* observable; UINT32_MAX: none */
    bool keep;
    bool drawn;       /* `member` is the seed's choice of `count` of the pool */
    uint64_t *side;   /* by endpoint, bit i: it is on side i; NULL if no sides are given */
    uint32_t split;   /* number of sides to draw; 0: none */
    fl_time from, to; /* from < to; at the end of the run or later it never closes */
    struct fl_law struck, well; /* kind 0: open from `from` to `to` */
    fl_time stability, stagger;
    struct fl_trigger when;
    uint32_t see_count;
    const uint32_t *sees;  /* observables */
    fl_time look, latency; /* look 0: it never looks */
};

/* What a message meets between two groups, beside its delay. */
struct fl_link {
    int64_t loss_ppm, duplicate_ppm, reorder_ppm;
    struct fl_law reorder;   /* nanoseconds added to a message that is reordered */
    int64_t bits_per_second; /* 0: no limit */
};

/* "network": {"delay_ms": ..., "links": [{"from": "market", "to": "reporter", "delay_ms": ...}], ...}:
 * what stands in the network holds for every pair of groups, what stands in a link for its pair;
 * later ones win. */
struct fl_network {
    struct fl_law *delay; /* group_count x group_count, row = sender's group; nanoseconds, >= 0 */
    fl_time sign, verify; /* time one signature or one check costs its node; default 0 */
    bool more;            /* the scenario uses some of what follows, or of what groups have of it */
    struct fl_link *link; /* like delay; NULL if no link does more than delay */
    uint32_t header_bytes;
    uint32_t region_count;
    char (*region)[FL_NAME_MAX];
    fl_time *distance; /* region_count x region_count, row = sender's: added to the delay */
    bool bounded;      /* partial synchrony: gst and delta are in force */
    fl_time gst, delta;
    struct fl_law before_gst; /* delay of what leaves before gst; kind 0: as after */
};

/* {"path": "ledger.bad_debt", "op": "<", "value": "250000.00"}, on the summary. */
struct fl_expect {
    char path[2 * FL_NAME_MAX];
    enum fl_op op;
    char value[FL_NAME_MAX]; /* as written: a decimal number, or a word such as holds */
};

enum fl_detail { FL_DETAIL_SUMMARY = 1, FL_DETAIL_EVENTS, FL_DETAIL_MESSAGES };

/* What a model publishes, over all that run it or over one of them. A scenario has each of its models'
 * over all; of one part, "eth/market.fundamental", what is FL_FIRST if several parts run the model, and
 * what the scenario names. */
struct fl_observable_ref {
    const struct fl_model *model;
    uint32_t index;   /* in model->observables */
    uint32_t part;    /* group, contract or check, as the model's family says; UINT32_MAX: all */
    const char *name; /* "market.fundamental", "eth/market.fundamental" */
};

struct fl_config {
    char name[FL_NAME_MAX];
    char *why; /* "" if absent */
    uint64_t seed;
    fl_time end;      /* "duration_s" */
    bool random_ties; /* "ties": "random"; default "sequence" */
    struct fl_network network;
    uint32_t group_count, contract_count, fault_count, check_count, expect_count;
    struct fl_group *group;
    struct fl_part *contract, *check;
    struct fl_fault_spec *fault;
    struct fl_expect *expect;
    enum fl_detail detail; /* "trace": {"detail": "events", "sample_s": 10} */
    fl_time sample;        /* grid of the series */
    uint32_t observable_count;
    struct fl_observable_ref *observable; /* of each distinct model in use: layers in group order,
                                             contracts, checks; then of parts; index = handle */
    struct fl_facts facts;
    uint32_t twin_count; /* the last endpoints: facts.endpoints - twin_count, and so on */
    uint32_t *twin_of;   /* their originals */
    char *raw;       /* the scenario's text as read (of the file named, not of what it extends) */
    char *resolved;  /* every key with its value in force, as JSON text */
    char *overrides; /* the --set arguments, one a line, "" if none */
};

/* Where the mistakes of a scenario are collected. */
struct fl_problems {
    FILE *to; /* each is written here as it is found, as
                           file:line:column: error: /json/pointer: sentence
                           followed by the source line and a caret */
    uint32_t count;
};

/* Reads a scenario. `overrides` are "path=value" (value: JSON, or a bare word for a string);
 * `seed` if not NULL replaces the scenario's. Order: extended file, file, overrides in order, seed.
 * NULL if there were problems or the file could not be read (problems->count tells). */
struct fl_config *fl_config_load(const char *path, const char *const *overrides,
                                 size_t override_count, const uint64_t *seed,
                                 struct fl_problems *problems);
/* The same from text; `path` names it in messages, and is where "extends" is relative to. */
struct fl_config *fl_config_parse(const char *text, size_t bytes, const char *path,
                                  const char *const *overrides, size_t override_count,
                                  const uint64_t *seed, struct fl_problems *problems);
void fl_config_free(struct fl_config *config);

/* A fault's, or a group's, place in the keys of draws. */
uint64_t fl_name_key(const char *name);

/* Lookups by name; NULL or UINT32_MAX if absent. */
const struct fl_model *fl_model_find(enum fl_family family, const char *name);
const char *fl_family_name(enum fl_family family); /* "consensus", "chain", ... */
uint32_t fl_config_observable(const struct fl_config *config, const char *name);

/* Decimal text times 10^digits as an exact integer. False if it is not a plain decimal number, has
 * more fractional digits than that, or does not fit. */
bool fl_decimal(const char *text, size_t length, uint32_t digits, int64_t *out);

#endif
