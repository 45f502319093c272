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

/* "nodes": {"validator": {"count": 4, "accounts": 0, "clients_of": "...", "faulty_max": 1,
 *            "region": "london" | "regions": ["london", "tokyo"], "processing_us": 20,
 *            "clock": {"offset_ms": ..., "drift_ppm": ...}, "overlay": {"model": "gossip", "degree": 8},
 *            "consensus": {"model": "ordered", ...}, "chain": {"model": "replica", ...}}, ...}
 * Endpoints are numbered in the order of the groups in the file. A law of kind 0 is absent. */
struct fl_group {
    char name[FL_NAME_MAX];
    uint32_t first, count;
    uint32_t accounts;        /* ledger accounts per member; default 1 for clients, 0 for others */
    uint32_t account_first;   /* of member 0; members follow one another */
    uint32_t faulty_max;      /* f; default 0 */
    uint32_t replicas;        /* index of the group whose members serve this one ("clients_of"),
                               UINT32_MAX if it reads no ledger */
    uint64_t *power;          /* count entries; default 1 each */
    uint32_t region_count;    /* 0: nowhere in particular */
    uint32_t *region;         /* member i is in region[i % region_count] */
    struct fl_law processing; /* nanoseconds that a message costs its receiver */
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

/* "faults": {"NAME": {"model": "stuck", "group": "reporter", "members": [0, 2] | "count": 3,
 *            "from_s": 36000, "to_s": 39600, "enabled": true, ...model's keys}}.
 * With "count" the members are drawn from the seed (FL_RNG_PLACEMENT). Disabled ones are checked,
 * and left out. A fault of links may name "sides" instead of a group and its members:
 * [["validator[0]", "validator[1]"], ["validator[2]", "reporter"]].
 * With "mttr_s" and "mtbf_s" (laws) it comes and goes within its window: struck for a draw of the
 * first, well for a draw of the second, neither shorter than "stability_s" (default 1 ms). It begins
 * well. */
struct fl_fault_spec {
    char name[FL_NAME_MAX];
    const struct fl_model *model;
    const void *params;
    uint32_t group; /* index */
    uint32_t count;
    uint32_t *member; /* count entries, ascending; NULL: drawn from the seed, or sides */
    uint64_t *side;   /* by endpoint, bit i: it is on side i; NULL if no sides are given. Then
                           `count` endpoints are on any, and `group` is that of the first named */
    fl_time from, to; /* from < to; at the end of the run or later it never closes */
    struct fl_law struck, well; /* kind 0: open from `from` to `to` */
    fl_time stability;
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
enum fl_op { FL_OP_LT = 1, FL_OP_LE, FL_OP_EQ, FL_OP_NE, FL_OP_GE, FL_OP_GT };
struct fl_expect {
    char path[2 * FL_NAME_MAX];
    enum fl_op op;
    char value[FL_NAME_MAX]; /* as written: a decimal number, or a word such as holds */
};

enum fl_detail { FL_DETAIL_SUMMARY = 1, FL_DETAIL_EVENTS, FL_DETAIL_MESSAGES };

struct fl_observable_ref {
    const struct fl_model *model;
    uint32_t index; /* in model->observables */
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
                                             contracts, checks; index = handle */
    struct fl_facts facts;
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

/* Lookups by name; NULL or UINT32_MAX if absent. */
const struct fl_model *fl_model_find(enum fl_family family, const char *name);
const char *fl_family_name(enum fl_family family); /* "consensus", "chain", ... */
uint32_t fl_config_observable(const struct fl_config *config, const char *name);

/* Decimal text times 10^digits as an exact integer. False if it is not a plain decimal number, has
 * more fractional digits than that, or does not fit. */
bool fl_decimal(const char *text, size_t length, uint32_t digits, int64_t *out);

#endif
