/* What the adapters of test vectors share (vectors.c). A vector file is an object with a list `cases`; each case
 * has a `kind`, a `name`, inputs, and what it expects. An adapter reads a case, calls what the simulator
 * itself calls, and compares; it contains no formula.
 *
 * To add a protocol: a file beside dydx_v4.c, and its table in the list of tables in vectors.c. */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H
#include "sim/json.h"

/* One case. What a case lacks, or has in another form, fails it; the value read is 0 then. */
struct vector_case {
    const struct fl_json *json;
    const cJSON *at;
    const char *file, *kind, *name;
    bool failed;
};

struct vector_kind {
    const char *kind; /* NULL ends a table */
    void (*check)(struct vector_case *c);
};
extern const struct vector_kind vectors_dydx_v4[], vectors_eip1559[];

/* Prints `FILE: KIND: NAME: ` and the sentence, and fails the case. */
void vector_fail(struct vector_case *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

bool vector_has(const cJSON *in, const char *key);
const cJSON *vector_object(struct vector_case *c, const cJSON *in, const char *key);
const cJSON *vector_list(struct vector_case *c, const cJSON *in, const char *key);
/* Integers are numbers or strings; read from their text, so that no digit is lost. */
fl_i128 vector_integer(struct vector_case *c, const cJSON *value);
fl_i128 vector_i128(struct vector_case *c, const cJSON *in, const char *key);
int64_t vector_i64(struct vector_case *c, const cJSON *in, const char *key);
int32_t vector_i32(struct vector_case *c, const cJSON *in, const char *key);
uint64_t vector_u64(struct vector_case *c, const cJSON *in, const char *key);
bool vector_bool(struct vector_case *c, const cJSON *in, const char *key);
const char *vector_text(struct vector_case *c, const cJSON *in, const char *key);

/* Fails the case, with both values, unless what it expects is what was found. */
void vector_expect_i128(struct vector_case *c, const cJSON *in, const char *key, fl_i128 found);
void vector_expect_bool(struct vector_case *c, const cJSON *in, const char *key, bool found);
void vector_expect_text(struct vector_case *c, const cJSON *in, const char *key, const char *found);

/* An integer in decimal. */
struct vector_decimal {
    char text[44];
};
struct vector_decimal vector_decimal(fl_i128 value);

#endif
