/* Written by hand beside the reader (sim/config*.c), which has these limits in code. */
#include "sim/schema_keys.h"

#include "sim/config_parts.h"

/* No default, yet not required. */
#define OPTIONAL ""

const struct fl_schema_key fl_schema_scenario_keys[] = {
    {{.key = "$schema", .fallback = OPTIONAL, .doc = "path of this schema, for editors"},
     {{"type", "\"string\""}}},
    {{.key = "extends",
      .fallback = OPTIONAL,
      .doc = "path, relative to this file, of a scenario to start from: objects merge key by key, "
             "everything else replaces"},
     {{"type", "\"string\""}, {"pattern", "\"^[^/]\""}}},
    {{.key = "name", .doc = "name of the scenario, and of the folder of its results"},
     {{"type", "\"string\""}, {"pattern", "\"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,46}$\""}}},
    {{.key = "why", .fallback = "\"\"", .doc = "what the scenario is meant to show"},
     {{"type", "\"string\""}}},
    {{.key = "seed",
      .fallback = "1",
      .doc = "of every random draw; above 2^53 as a string, decimal or 0x"},
     {{"type", "[\"integer\", \"string\"]"},
      {"minimum", "0"},
      {"maximum", "9007199254740992"},
      {"pattern", "\"^([0-9]+|0[xX][0-9a-fA-F]+)$\""}}},
    {{.key = "duration_s",
      .type = FL_DECIMAL,
      .digits = 9,
      .min = 1,
      .max = FL_TIME_MAX,
      .doc = "simulated time, in seconds"},
     {{0}}},
    {{.key = "ties",
      .fallback = "\"sequence\"",
      .doc = "order of what happens at the same instant; random exposes code that leans on it"},
     {{"enum", "[\"sequence\", \"random\"]"}}},
    {{.key = "network", .fallback = OPTIONAL, .doc = "delays between groups of nodes"},
     {{"$ref", "\"#/definitions/network\""}}},
    {{.key = "nodes", .doc = "groups of nodes by name, numbered in this order"},
     {{"type", "\"object\""}}},
    {{.key = "contracts", .fallback = OPTIONAL, .doc = "ledger contracts by name"},
     {{"type", "\"object\""}}},
    {{.key = "faults", .fallback = OPTIONAL, .doc = "faults by name: what, who, when"},
     {{"type", "\"object\""}}},
    {{.key = "checks", .fallback = OPTIONAL, .doc = "what must hold, by name"},
     {{"type", "\"object\""}}},
    {{.key = "trace", .fallback = OPTIONAL, .doc = "what the archive keeps"},
     {{"$ref", "\"#/definitions/trace\""}}},
    {{.key = "expect",
      .fallback = "[]",
      .doc = "what the summary must say; a run that differs ends with status 1"},
     {{"type", "\"array\""}, {"items", "{\"$ref\": \"#/definitions/expectation\"}"}}},
    {{0}, {{0}}},
};

#define DELAY_MAX (1000000 * FL_SECOND)
#define COST_MAX (1000 * FL_SECOND)
#define CHANCE(KEY, DOC)       \
    {                          \
        {.key = KEY,           \
         .type = FL_DECIMAL,   \
         .digits = 6,          \
         .max = 1000000,       \
         .fallback = OPTIONAL, \
         .doc = DOC},          \
        {                      \
            {                  \
                0              \
            }                  \
        }                      \
    }

/* What the network has for all pairs of groups, and a link for one. */
#define LINK_KEYS                                                                             \
    CHANCE("loss", "share of the messages that are lost"),                                    \
        CHANCE("duplicate", "share of the messages that arrive twice"),                       \
        CHANCE("reorder", "share of the messages that are late by reorder_ms"),               \
        {{.key = "reorder_ms",                                                                \
          .type = FL_LAW,                                                                     \
          .digits = 6,                                                                        \
          .max = DELAY_MAX,                                                                   \
          .fallback = OPTIONAL,                                                               \
          .doc = "how much later a reordered message arrives, in milliseconds"},              \
         {{0}}},                                                                              \
    {                                                                                         \
        {.key = "bandwidth_mbps",                                                             \
         .type = FL_DECIMAL,                                                                  \
         .digits = 6,                                                                         \
         .min = 1000,                                                                         \
         .max = 1000000000000,                                                                \
         .fallback = OPTIONAL,                                                                \
         .doc = "of each sender to each receiver, in megabits per second; default no limit"}, \
        {                                                                                     \
            {                                                                                 \
                0                                                                             \
            }                                                                                 \
        }                                                                                     \
    }

const struct fl_schema_key fl_schema_network_keys[] = {
    {{.key = "delay_ms",
      .type = FL_LAW,
      .digits = 6,
      .max = DELAY_MAX,
      .fallback = OPTIONAL,
      .doc = "of a message between any two nodes, beside the distance of their regions, in "
             "milliseconds; default 50, or 0 with regions"},
     {{0}}},
    LINK_KEYS,
    {{.key = "regions",
      .fallback = OPTIONAL,
      .doc = "where nodes can be, and how far these places are apart: \"cloud\" for measured ones"},
     {{"$ref", "\"#/definitions/regions\""}}},
    {{.key = "header_bytes",
      .type = FL_INTEGER,
      .max = 65535,
      .fallback = "163",
      .doc = "what a message weighs beside its content, in bytes"},
     {{0}}},
    {{.key = "gst_s",
      .type = FL_DECIMAL,
      .digits = 9,
      .max = FL_TIME_MAX,
      .fallback = OPTIONAL,
      .doc = "partial synchrony: from when on delta_ms holds, in seconds"},
     {{0}}},
    {{.key = "delta_ms",
      .type = FL_DECIMAL,
      .digits = 6,
      .max = DELAY_MAX,
      .fallback = OPTIONAL,
      .doc = "partial synchrony: the longest delay, in milliseconds"},
     {{0}}},
    {{.key = "before_gst_ms",
      .type = FL_LAW,
      .digits = 6,
      .max = DELAY_MAX,
      .fallback = OPTIONAL,
      .doc = "partial synchrony: what is added before, in milliseconds"},
     {{0}}},
    {{.key = "links", .fallback = "[]", .doc = "delays of some pairs of groups; later ones win"},
     {{"type", "\"array\""}, {"items", "{\"$ref\": \"#/definitions/link\"}"}}},
    {{.key = "sign_us",
      .type = FL_DECIMAL,
      .digits = 3,
      .max = COST_MAX,
      .fallback = "0",
      .doc = "what one signature costs its node, in microseconds"},
     {{0}}},
    {{.key = "verify_us",
      .type = FL_DECIMAL,
      .digits = 3,
      .max = COST_MAX,
      .fallback = "0",
      .doc = "what checking one signature costs, in microseconds"},
     {{0}}},
    {{0}, {{0}}},
};

const struct fl_schema_key fl_schema_link_keys[] = {
    {{.key = "from", .type = FL_GROUP_NAME, .doc = "group of the senders"}, {{0}}},
    {{.key = "to", .type = FL_GROUP_NAME, .doc = "group of the receivers"}, {{0}}},
    {{.key = "delay_ms",
      .type = FL_LAW,
      .digits = 6,
      .max = DELAY_MAX,
      .fallback = OPTIONAL,
      .doc = "one way, in milliseconds; required if nothing else is said of the link"},
     {{0}}},
    LINK_KEYS,
    {{0}, {{0}}},
};

const struct fl_schema_key fl_schema_regions_keys[] = {
    {{.key = "names", .doc = "of the regions"},
     {{"type", "\"array\""},
      {"items", "{\"type\": \"string\", \"pattern\": \"" FL_SCHEMA_NAME "\"}"},
      {"minItems", "1"},
      {"maxItems", "256"}}},
    {{.key = "delay_ms", .doc = "one way, in milliseconds: a row for each region that sends"},
     {{"type", "\"array\""},
      {"items", "{\"type\": \"array\", \"items\": {\"type\": [\"number\", \"string\"], "
                "\"minimum\": 0, \"maximum\": 1000000000}}"}}},
    {{0}, {{0}}},
};

const struct fl_schema_key fl_schema_clock_keys[] = {
    {{.key = "offset_ms",
      .type = FL_LAW,
      .digits = 6,
      .min = -1000000 * FL_SECOND,
      .max = 1000000 * FL_SECOND,
      .fallback = OPTIONAL,
      .doc = "how far a clock is ahead at the start, in milliseconds"},
     {{0}}},
    {{.key = "drift_ppm",
      .type = FL_LAW,
      .digits = 3,
      .min = -FL_SECOND / 10,
      .max = FL_SECOND / 10,
      .fallback = OPTIONAL,
      .doc = "how much too fast it is, in millionths"},
     {{0}}},
    {{0}, {{0}}},
};

const struct fl_schema_key fl_schema_overlay_keys[] = {
    {{.key = "model", .doc = "full: everyone to everyone; gossip: relayed by neighbours"},
     {{"enum", "[\"full\", \"gossip\"]"}}},
    {{.key = "degree",
      .type = FL_INTEGER,
      .min = 2,
      .max = FL_HOP_MAX - 1,
      .fallback = OPTIONAL,
      .doc = "neighbours of a node, for gossip"},
     {{0}}},
    {{0}, {{0}}},
};

const struct fl_schema_key fl_schema_trace_keys[] = {
    {{.key = "detail", .fallback = "\"events\"", .doc = "what is kept beside the summary"},
     {{"enum", "[\"summary\", \"events\", \"messages\"]"}}},
    {{.key = "sample_s",
      .type = FL_DECIMAL,
      .digits = 9,
      .min = FL_MILLISECOND,
      .max = FL_TIME_MAX,
      .fallback = "10",
      .doc = "grid of the series, in seconds"},
     {{0}}},
    {{0}, {{0}}},
};

const struct fl_schema_key fl_schema_expectation_keys[] = {
    {{.key = "path", .doc = "of a number or word in summary.json, such as ledger.bad_debt"},
     {{"type", "\"string\""}, {"minLength", "1"}, {"maxLength", "95"}}},
    {{.key = "op", .doc = "between what the summary says and the value"},
     {{"enum", "[\"<\", \"<=\", \"==\", \"!=\", \">=\", \">\"]"}}},
    {{.key = "value", .doc = "a number (exactly, as a string), a word, true or false"},
     {{"type", "[\"number\", \"string\", \"boolean\"]"}, {"minLength", "1"}, {"maxLength", "47"}}},
    {{0}, {{0}}},
};

const struct fl_schema_key fl_schema_group_keys[] = {
    {{.key = "count",
      .type = FL_INTEGER,
      .min = 1,
      .max = 1000000,
      .fallback = "1",
      .doc = "nodes in the group"},
     {{0}}},
    {{.key = "accounts",
      .type = FL_INTEGER,
      .max = 100000000,
      .fallback = OPTIONAL,
      .doc = "ledger accounts of each member; default 1 for clients, 0 for others"},
     {{0}}},
    {{.key = "clients_of",
      .type = FL_GROUP_NAME,
      .fallback = OPTIONAL,
      .doc = "group whose members serve this one the ledger"},
     {{0}}},
    {{.key = "failover_s",
      .type = FL_DECIMAL,
      .digits = 9,
      .min = FL_MILLISECOND,
      .max = FL_TIME_MAX,
      .fallback = OPTIONAL,
      .doc = "seconds without a newer block from its replica after which a client turns to another "
             "member of that group; by default it stays where it is"},
     {{0}}},
    {{.key = "faulty_max",
      .type = FL_INTEGER,
      .max = 1000000,
      .fallback = "0",
      .doc = "f: how many members may be corrupted"},
     {{0}}},
    {{.key = "power",
      .fallback = OPTIONAL,
      .doc = "voting power of each member, default 1; the sum is at most 10^18"},
     {{"type", "\"array\""},
      {"items", "{\"type\": [\"integer\", \"string\"], \"minimum\": 1, \"maximum\": "
                "9007199254740992, \"pattern\": \"" FL_SCHEMA_NUMBER "\"}"}}},
    {{.key = "labels",
      .fallback = OPTIONAL,
      .doc =
          "what sets members apart, a word or words in turn: {\"client\": [\"geth\", \"reth\"]}"},
     {{"type", "\"object\""},
      {"additionalProperties", "{\"type\": [\"string\", \"array\"], \"items\": {\"type\": "
                               "\"string\"}, \"minItems\": 1}"}}},
    {{.key = "region", .fallback = OPTIONAL, .doc = "where the members are"},
     {{"type", "\"string\""}}},
    {{.key = "regions", .fallback = OPTIONAL, .doc = "where they are, in turn"},
     {{"type", "\"array\""}, {"items", "{\"type\": \"string\"}"}, {"minItems", "1"}}},
    {{.key = "processing_us",
      .type = FL_LAW,
      .digits = 3,
      .max = COST_MAX,
      .fallback = OPTIONAL,
      .doc = "what each message costs its receiver, in microseconds"},
     {{0}}},
    {{.key = "clock", .fallback = OPTIONAL, .doc = "how wrong the members' clocks are"},
     {{"$ref", "\"#/definitions/clock\""}}},
    {{.key = "overlay", .fallback = OPTIONAL, .doc = "how messages travel within the group"},
     {{"$ref", "\"#/definitions/overlay\""}}},
    {{0}, {{0}}},
};

/* A fault of links may have these in the place of who is struck. */
const struct fl_schema_key fl_schema_sides_keys[] = {
    {{.key = "sides",
      .fallback = OPTIONAL,
      .doc = "lists of groups and members, such as [[\"validator[0]\"], [\"client\"]]"},
     {{"type", "\"array\""},
      {"items", "{\"type\": \"array\", \"minItems\": 1, \"items\": {\"type\": \"string\"}}"},
      {"minItems", "2"},
      {"maxItems", "64"}}},
    {{.key = "split",
      .type = FL_INTEGER,
      .min = 2,
      .max = 64,
      .fallback = OPTIONAL,
      .doc = "number of sides to divide them into, drawn whenever it opens; twins are kept apart"},
     {{0}}},
    {{0}, {{0}}},
};

const struct fl_schema_key fl_schema_trigger_keys[] = {
    {{.key = "observable", .type = FL_OBSERVABLE_NAME, .doc = "what is looked at"}, {{0}}},
    {{.key = "op", .fallback = OPTIONAL, .doc = "how it compares with the value"},
     {{"enum", "[\"<\", \"<=\", \"==\", \"!=\", \">=\", \">\"]"}}},
    {{.key = "value", .fallback = OPTIONAL, .doc = "in the unit of the observable"},
     {{"type", "[\"number\", \"string\"]"}}},
    {{.key = "falls",
      .type = FL_DECIMAL,
      .digits = 6,
      .min = 1,
      .max = 1000000,
      .fallback = OPTIONAL,
      .doc = "by this fraction from its highest value seen"},
     {{0}}},
    {{.key = "rises",
      .type = FL_DECIMAL,
      .digits = 6,
      .min = 1,
      .max = 1000000000,
      .fallback = OPTIONAL,
      .doc = "by this fraction from its lowest value seen"},
     {{0}}},
    {{0}, {{0}}},
};

const struct fl_schema_key fl_schema_fault_keys[] = {
    {{.key = "group",
      .type = FL_GROUP_NAME,
      .fallback = OPTIONAL,
      .doc = "group of nodes it strikes"},
     {{0}}},
    {{.key = "role",
      .fallback = OPTIONAL,
      .doc = "nodes that have a layer of this family, of any group"},
     {{"enum", "[\"consensus\", \"chain\", \"source\", \"market\", \"oracle\", \"agent\", "
               "\"defence\"]"}}},
    {{.key = "region", .fallback = OPTIONAL, .doc = "nodes that are there"},
     {{"type", "\"string\""}}},
    {{.key = "labels",
      .fallback = OPTIONAL,
      .doc = "nodes that have these labels, such as {\"client\": \"geth\"}"},
     {{"type", "\"object\""}, {"additionalProperties", "{\"type\": \"string\"}"}}},
    {{.key = "members", .fallback = OPTIONAL, .doc = "which members, by index within the group"},
     {{"type", "\"array\""},
      {"items", "{\"type\": [\"integer\", \"string\"], \"minimum\": 0}"},
      {"minItems", "1"},
      {"uniqueItems", "true"}}},
    {{.key = "count",
      .type = FL_INTEGER,
      .min = 1,
      .max = 1000000,
      .fallback = OPTIONAL,
      .doc = "how many of them, drawn from the seed"},
     {{0}}},
    {{.key = "stake",
      .type = FL_DECIMAL,
      .digits = 6,
      .min = 1,
      .max = 1000000,
      .fallback = OPTIONAL,
      .doc = "as many as hold this share of their voting power, drawn from the seed"},
     {{0}}},
    {{.key = "largest",
      .type = FL_OBSERVABLE_NAME,
      .fallback = OPTIONAL,
      .doc = "at each look, those who publish the most of this; count (default 1) at once"},
     {{0}}},
    {{.key = "keep",
      .type = FL_BOOLEAN,
      .fallback = OPTIONAL,
      .doc = "with largest: who was struck stays struck, and count is for the whole window"},
     {{0}}},
    {{.key = "from_s",
      .type = FL_DECIMAL,
      .digits = 9,
      .max = FL_TIME_MAX,
      .fallback = "0",
      .doc = "when it begins, in seconds"},
     {{0}}},
    {{.key = "to_s",
      .type = FL_DECIMAL,
      .digits = 9,
      .max = FL_TIME_MAX,
      .fallback = OPTIONAL,
      .doc = "when it ends, in seconds; default the end of the run"},
     {{0}}},
    {{.key = "enabled",
      .type = FL_BOOLEAN,
      .fallback = "true",
      .doc = "false: checked, and left out"},
     {{0}}},
    {{.key = "stagger_s",
      .type = FL_DECIMAL,
      .digits = 9,
      .min = 1,
      .max = FL_TIME_MAX,
      .fallback = OPTIONAL,
      .doc = "each next one is struck so much later, in seconds: as a bad upgrade spreads"},
     {{0}}},
    {{.key = "when", .fallback = OPTIONAL, .doc = "it opens when a look finds this so"},
     {{"$ref", "\"#/definitions/trigger\""}}},
    {{.key = "for_s",
      .type = FL_DECIMAL,
      .digits = 9,
      .min = 1,
      .max = FL_TIME_MAX,
      .fallback = OPTIONAL,
      .doc = "how long it lasts after that, in seconds; default until to_s"},
     {{0}}},
    {{.key = "sees", .fallback = OPTIONAL, .doc = "observables that its model is told"},
     {{"type", "\"array\""}, {"items", "{\"type\": \"string\"}"}, {"maxItems", "16"}}},
    {{.key = "look_ms",
      .type = FL_DECIMAL,
      .digits = 6,
      .min = FL_MILLISECOND,
      .max = DELAY_MAX,
      .fallback = OPTIONAL,
      .doc = "time between looks, default 100, in milliseconds"},
     {{0}}},
    {{.key = "latency_ms",
      .type = FL_DECIMAL,
      .digits = 6,
      .max = DELAY_MAX,
      .fallback = OPTIONAL,
      .doc = "how old what it learns is, default 0, in milliseconds"},
     {{0}}},
    {{.key = "mttr_s",
      .type = FL_LAW,
      .digits = 9,
      .max = FL_TIME_MAX,
      .fallback = OPTIONAL,
      .doc = "within its time the fault comes and goes: how long it lasts, in seconds"},
     {{0}}},
    {{.key = "mtbf_s",
      .type = FL_LAW,
      .digits = 9,
      .max = FL_TIME_MAX,
      .fallback = OPTIONAL,
      .doc = "and how long it is away, in seconds"},
     {{0}}},
    {{.key = "stability_s",
      .type = FL_DECIMAL,
      .digits = 9,
      .min = FL_MILLISECOND,
      .max = FL_TIME_MAX,
      .fallback = OPTIONAL,
      .doc = "neither for less than this, in seconds"},
     {{0}}},
    {{0}, {{0}}},
};
