/* Reads plain values of a scenario, and writes each one back as it is in force.
 *
 * Every reader reports what is wrong and returns the canonical JSON of what it read, or NULL after
 * a mistake. Decimals become scaled integers from their text; no float is involved. */
#ifndef FL_VALUES_H
#define FL_VALUES_H
#include "sim/alloc.h"
#include "sim/config.h"
#include "sim/mistake.h"

/* At most this much of a wrong value is quoted in a message. */
enum { FL_QUOTED_BYTES = 40 };

/* What can only be settled when all models in use are known. */
struct fl_pending {
    const cJSON *item;
    uint32_t *observable;                     /* to be set to a handle, or NULL */
    struct fl_entry_name *name;               /* of an entry, or NULL */
    const char *(*check)(const void *params); /* without either, a cross-check of `params` */
    const void *params;
};

/* One reading of a scenario, until its configuration is complete. */
struct fl_reading {
    struct fl_json json;
    struct fl_arena *arena;   /* of the configuration */
    struct fl_config *config; /* groups and contracts have their names before models are read */
    struct fl_pending *pending;
    uint32_t pending_count, pending_room, depth, observable_room;
    bool *sized;  /* by group: its count was read without a mistake */
    bool crowded; /* too many endpoints: nothing is laid out by endpoint */
};

/* A number's scale, and its bounds after scaling. */
struct fl_range {
    uint32_t digits;
    int64_t min, max;
};

/* Member of an object, NULL if absent. */
const cJSON *fl_member(const cJSON *object, const char *key);
/* True if the item is an object, else a report. */
bool fl_is_object(struct fl_reading *reading, const cJSON *item);
/* True if the item is a list, else a report that names what it should be a list `of`. */
bool fl_is_list(struct fl_reading *reading, const cJSON *item, const char *of);
/* Reports the keys of an object that are neither in one of two lists (each ends with NULL) nor
 * a row's. */
void fl_check_keys(struct fl_reading *reading, const cJSON *object, const char *const *known,
                   const char *const *also, const struct fl_param *rows);
/* Reports that an object lacks a key. */
void fl_missing(struct fl_reading *reading, const cJSON *object, const char *key);

cJSON *fl_read_number(struct fl_reading *reading, const cJSON *item, struct fl_range range,
                      int64_t *out);
cJSON *fl_read_bool(struct fl_reading *reading, const cJSON *item, bool *out);
cJSON *fl_read_law(struct fl_reading *reading, const cJSON *item, struct fl_range range,
                   struct fl_law *out);

/* How laws are written: {"law": NAME, A: number, B: number, "at_least": number, "at_most": number},
 * the last two may be absent. The list ends with a NULL name. */
struct fl_law_form {
    const char *name;
    enum fl_law_kind kind;
    const char *a, *b; /* keys; b may be NULL */
    bool shape;        /* b is a shape, not a value of the law's unit */
};
extern const struct fl_law_form fl_law_forms[];
/* What bounds the two numbers of a law whose values are in `range`. */
struct fl_range fl_law_first_range(const struct fl_law_form *form, struct fl_range range);
struct fl_range fl_law_second_range(const struct fl_law_form *form, struct fl_range range);
/* The index of a string in a list that ends with NULL; UINT32_MAX, after a report. */
uint32_t fl_read_choice(struct fl_reading *reading, const cJSON *item, const char *const *words);
/* The text of a string item; NULL, after a report, if it is none. */
const char *fl_read_word(struct fl_reading *reading, const cJSON *item);
/* A seed: a number as far as doubles are exact, beyond that a string. */
#define FL_SEED_NUMBER_MAX ((uint64_t)1 << 53)
void fl_read_seed(struct fl_reading *reading, const cJSON *item, uint64_t *seed);
/* A member that may be absent: what it holds, or `fallback`. Adds what is in force to `out`. */
int64_t fl_read_number_key(struct fl_reading *reading, const cJSON *object, const char *key,
                           struct fl_range range, int64_t fallback, cJSON *out);

/* A scaled integer as JSON: a string if a reader with doubles would change it. */
cJSON *fl_number_item(int64_t value, uint32_t digits);

#endif
