/* summary.json: the final numbers of a run, and whether they are what the scenario expects.
 *
 * All of it is first a flat list of facts, {path, exact text}; the JSON's sections and the
 * expectations both read that list, so that an expectation can name whatever the summary shows.
 * Numbers stay decimal text throughout and are compared as such. */
#include "sim/alloc.h"
#include "sim/archive.h"
#include "sim/unit_text.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum fact_form {
    FORM_NUMBER = 1, /* a JSON number, written exactly */
    FORM_AMOUNT,     /* a decimal in a JSON string, because readers take numbers as doubles */
    FORM_WORD,       /* a JSON string */
    FORM_BOOLEAN
};
enum { FACT_PATH = 4 * FL_NAME_MAX, FACT_TEXT = 64 };
struct fact {
    char path[FACT_PATH]; /* "ledger.bad_debt", "events" */
    char text[FACT_TEXT];
    enum fact_form form;
    int64_t value;     /* of a number, in `unit` */
    enum fl_unit unit; /* 0: a word, or more than int64 */
    bool listed;       /* shown under its path; facts of faults and checks are in arrays instead */
};
struct facts {
    struct fact *at;
    size_t count, room;
};

/* --- gathering ---------------------------------------------------------------------------------------- */

static struct fact *add(struct facts *facts, enum fact_form form, const char *text, bool listed)
{
    if (facts->count == facts->room) {
        facts->room = facts->room ? 2 * facts->room : 64;
        facts->at = fl_realloc(facts->at, facts->room, sizeof *facts->at);
    }
    struct fact *fact = &facts->at[facts->count++];
    memset(fact, 0, sizeof *fact);
    fact->form = form;
    fact->listed = listed;
    snprintf(fact->text, sizeof fact->text, "%s", text);
    return fact;
}

static void add_text(struct facts *facts, const char *path, enum fact_form form, const char *text)
{
    snprintf(add(facts, form, text, true)->path, FACT_PATH, "%s", path);
}

/* A number with its unit, under a path that may still be written. */
static struct fact *add_number(struct facts *facts, enum fact_form form, int64_t value,
                               enum fl_unit unit, bool listed)
{
    char text[FL_UNIT_TEXT];
    fl_unit_text(value, unit, text);
    struct fact *fact = add(facts, form, text, listed);
    fact->value = value;
    fact->unit = unit;
    return fact;
}

static void add_count(struct facts *facts, const char *path, uint64_t count)
{
    FL_ASSERT(count <= INT64_MAX);
    struct fact *fact = add_number(facts, FORM_NUMBER, (int64_t)count, FL_COUNT, true);
    snprintf(fact->path, FACT_PATH, "%s", path);
}

static enum fact_form form_of(enum fl_unit unit)
{
    switch (unit) {
    case FL_USD:
    case FL_SIZE:
        return FORM_AMOUNT;
    case FL_BOOL:
        return FORM_BOOLEAN;
    case FL_COUNT:
    case FL_NANOSECOND:
    case FL_PPM:
    case FL_ID:
        return FORM_NUMBER;
    }
    FL_UNREACHABLE("unit of an observable");
}

static void add_run(struct facts *facts, const struct fl_config *config,
                    const struct fl_result *result, const char *content_hash)
{
    /* Above 2^53 a reader's double would be another seed. */
    const bool safe_as_number = config->seed <= (uint64_t)1 << 53;
    char text[FACT_TEXT];
    add_text(facts, "scenario", FORM_WORD, config->name);
    snprintf(text, sizeof text, "%" PRIu64, config->seed);
    add_text(facts, "seed", safe_as_number ? FORM_NUMBER : FORM_AMOUNT, text);
    fl_digest_text(result->digest, text);
    add_text(facts, "digest", FORM_WORD, text);
    add_text(facts, "content_hash", FORM_WORD, content_hash);
    snprintf(add_number(facts, FORM_NUMBER, result->end, FL_NANOSECOND, true)->path, FACT_PATH,
             "end_time_s");
    add_count(facts, "events", result->events);
    add_count(facts, "messages", result->messages);
    add_count(facts, "delivered", result->delivered);
    add_count(facts, "dropped", result->dropped);
}

static void add_observables(struct facts *facts, const struct fl_config *config,
                            const struct fl_result *result)
{
    for (uint32_t i = 0; i < config->observable_count; i++) {
        const struct fl_observable_ref *ref = &config->observable[i];
        const struct fl_observable *seen = &ref->model->observables[ref->index];
        struct fact *fact =
            add_number(facts, form_of(seen->unit), result->final[i], seen->unit, true);
        snprintf(fact->path, FACT_PATH, "%s", ref->name);
    }
}

static void add_unlisted(struct facts *facts, const struct fl_config *config,
                         const struct fl_result *result)
{
    for (uint32_t i = 0; i < config->check_count; i++) {
        struct fact *fact = add(facts, FORM_WORD, fl_verdict_word(result->verdict[i].kind), false);
        snprintf(fact->path, FACT_PATH, "checks.%s", config->check[i].name);
    }
    for (uint32_t i = 0; i < result->fault_count; i++) {
        const struct fl_fault_result *fault = &result->fault[i];
        snprintf(add_number(facts, FORM_NUMBER, (int64_t)fault->suppressed, FL_COUNT, false)->path,
                 FACT_PATH, "faults.%s.suppressed", fault->spec->name);
        snprintf(add_number(facts, FORM_NUMBER, (int64_t)fault->injected, FL_COUNT, false)->path,
                 FACT_PATH, "faults.%s.injected", fault->spec->name);
        snprintf(add_number(facts, FORM_NUMBER, (int64_t)fault->opened, FL_COUNT, false)->path,
                 FACT_PATH, "faults.%s.opened", fault->spec->name);
    }
}

static void gather(struct facts *facts, const struct fl_config *config,
                   const struct fl_result *result, const char *content_hash)
{
    add_run(facts, config, result, content_hash);
    add_observables(facts, config, result);
    add_unlisted(facts, config, result);
}

static const struct fact *find(const struct facts *facts, const char *path)
{
    for (size_t i = 0; i < facts->count; i++) {
        if (strcmp(facts->at[i].path, path) == 0) {
            return &facts->at[i];
        }
    }
    return NULL;
}

/* --- decimals of any length --------------------------------------------------------------------------- */

struct decimal {
    bool negative;
    const char *whole, *fraction; /* digits, without leading or trailing zeros */
    size_t whole_count, fraction_count;
};

/* False if the text is not a plain decimal number. */
static bool parse_decimal(const char *text, struct decimal *out)
{
    static const char digits[] = "0123456789";
    *out = (struct decimal){.negative = *text == '-'};
    text += *text == '-' || *text == '+';
    out->whole = text;
    out->whole_count = strspn(text, digits);
    text += out->whole_count;
    size_t digit_count = out->whole_count;
    if (*text == '.') {
        out->fraction = text + 1;
        out->fraction_count = strspn(text + 1, digits);
        digit_count += out->fraction_count;
        text += 1 + out->fraction_count;
    }
    for (; out->whole_count > 0 && *out->whole == '0'; out->whole_count--) {
        out->whole++;
    }
    while (out->fraction_count > 0 && out->fraction[out->fraction_count - 1] == '0') {
        out->fraction_count--;
    }
    out->negative = out->negative && out->whole_count + out->fraction_count > 0;
    return digit_count > 0 && *text == '\0';
}

static int compare_magnitudes(const struct decimal *a, const struct decimal *b)
{
    if (a->whole_count != b->whole_count) {
        return a->whole_count < b->whole_count ? -1 : 1;
    }
    const int whole = memcmp(a->whole, b->whole, a->whole_count);
    if (whole != 0) {
        return whole;
    }
    const size_t common = a->fraction_count < b->fraction_count ? a->fraction_count
                                                                : b->fraction_count;
    const int fraction = common > 0 ? memcmp(a->fraction, b->fraction, common) : 0;
    if (fraction != 0 || a->fraction_count == b->fraction_count) {
        return fraction;
    }
    return a->fraction_count < b->fraction_count ? -1 : 1;
}

static int compare_decimals(const struct decimal *a, const struct decimal *b)
{
    if (a->negative != b->negative) {
        return a->negative ? -1 : 1;
    }
    return a->negative ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}

/* --- expectations --------------------------------------------------------------------------------------- */

static const char *op_text(enum fl_op op)
{
    switch (op) {
    case FL_OP_LT:
        return "<";
    case FL_OP_LE:
        return "<=";
    case FL_OP_EQ:
        return "==";
    case FL_OP_NE:
        return "!=";
    case FL_OP_GE:
        return ">=";
    case FL_OP_GT:
        return ">";
    }
    FL_UNREACHABLE("operator of an expectation");
}

static bool order_satisfies(int order, enum fl_op op)
{
    switch (op) {
    case FL_OP_LT:
        return order < 0;
    case FL_OP_LE:
        return order <= 0;
    case FL_OP_EQ:
        return order == 0;
    case FL_OP_NE:
        return order != 0;
    case FL_OP_GE:
        return order >= 0;
    case FL_OP_GT:
        return order > 0;
    }
    FL_UNREACHABLE("operator of an expectation");
}

/* Words have no order: only == and != can hold between them. A digest may consist of digits and is
 * a word all the same. */
static bool words_satisfy(const char *actual, enum fl_op op, const char *expected)
{
    const bool same = strcmp(actual, expected) == 0;
    return op == FL_OP_EQ ? same : op == FL_OP_NE && !same;
}

static bool is_met(const struct fact *fact, const struct fl_expect *expect)
{
    struct decimal actual, expected;
    if (!fact) {
        return false;
    }
    if ((fact->form == FORM_NUMBER || fact->form == FORM_AMOUNT) &&
        parse_decimal(fact->text, &actual) && parse_decimal(expect->value, &expected)) {
        return order_satisfies(compare_decimals(&actual, &expected), expect->op);
    }
    return words_satisfy(fact->text, expect->op, expect->value);
}

/* --- JSON ----------------------------------------------------------------------------------------------- */

static cJSON *value_of(const struct fact *fact)
{
    switch (fact->form) {
    case FORM_NUMBER: /* raw, because cJSON's own numbers are doubles */
        return cJSON_CreateRaw(fact->text);
    case FORM_AMOUNT:
    case FORM_WORD:
        return cJSON_CreateString(fact->text);
    case FORM_BOOLEAN:
        return cJSON_CreateBool(strcmp(fact->text, "true") == 0);
    }
    FL_UNREACHABLE("form of a fact");
}

/* "ledger.bad_debt" goes into the object "ledger", made when it is first needed. */
static void show(cJSON *root, const struct fact *fact)
{
    const char *dot = strchr(fact->path, '.');
    if (!dot) {
        cJSON_AddItemToObject(root, fact->path, value_of(fact));
        return;
    }
    char section[FACT_PATH];
    const size_t length = (size_t)(dot - fact->path);
    memcpy(section, fact->path, length);
    section[length] = '\0';
    cJSON *object = cJSON_GetObjectItemCaseSensitive(root, section);
    if (!object) {
        object = cJSON_AddObjectToObject(root, section);
    }
    FL_ASSERT(
        cJSON_IsObject(object)); /* no observable's section has the name of a fact of the run */
    cJSON_AddItemToObject(object, dot + 1, value_of(fact));
}

static void add_raw(cJSON *object, const char *key, int64_t value, enum fl_unit unit)
{
    char text[FL_UNIT_TEXT];
    fl_unit_text(value, unit, text);
    cJSON_AddRawToObject(object, key, text);
}

static cJSON *faults_json(const struct fl_config *config, const struct fl_result *result)
{
    cJSON *array = cJSON_CreateArray();
    for (uint32_t i = 0; i < result->fault_count; i++) {
        const struct fl_fault_result *fault = &result->fault[i];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "name", fault->spec->name);
        cJSON_AddStringToObject(object, "model", fault->spec->model->name);
        cJSON *members = cJSON_AddArrayToObject(object, "members");
        for (uint32_t j = 0; j < fault->count; j++) {
            char name[2 * FL_NAME_MAX];
            fl_endpoint_name(config, fault->member[j], name, sizeof name);
            cJSON_AddItemToArray(members, cJSON_CreateString(name));
        }
        add_raw(object, "from_s", fault->from, FL_NANOSECOND);
        add_raw(object, "to_s", fault->to, FL_NANOSECOND);
        add_raw(object, "opened", (int64_t)fault->opened, FL_COUNT);
        add_raw(object, "suppressed", (int64_t)fault->suppressed, FL_COUNT);
        add_raw(object, "injected", (int64_t)fault->injected, FL_COUNT);
        cJSON_AddItemToArray(array, object);
    }
    return array;
}

static cJSON *checks_json(const struct fl_config *config, const struct fl_result *result)
{
    cJSON *array = cJSON_CreateArray();
    for (uint32_t i = 0; i < config->check_count; i++) {
        char evidence[FL_EVIDENCE_TEXT];
        fl_evidence_text(&result->verdict[i], evidence);
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "name", config->check[i].name);
        cJSON_AddStringToObject(object, "verdict", fl_verdict_word(result->verdict[i].kind));
        cJSON_AddStringToObject(object, "evidence", evidence);
        cJSON_AddItemToArray(array, object);
    }
    return array;
}

static cJSON *expect_json(const struct fl_config *config, const struct facts *facts,
                          uint32_t *expect_failed)
{
    cJSON *array = cJSON_CreateArray();
    *expect_failed = 0;
    for (uint32_t i = 0; i < config->expect_count; i++) {
        const struct fl_expect *expect = &config->expect[i];
        const struct fact *fact = find(facts, expect->path);
        const bool met = is_met(fact, expect);
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "path", expect->path);
        cJSON_AddStringToObject(object, "op", op_text(expect->op));
        cJSON_AddStringToObject(object, "value", expect->value);
        cJSON_AddItemToObject(object, "actual", fact ? value_of(fact) : cJSON_CreateNull());
        cJSON_AddBoolToObject(object, "ok", met);
        cJSON_AddItemToArray(array, object);
        *expect_failed += !met;
    }
    return array;
}

/* The text with a final newline, in memory of ours. */
static char *print_and_delete(cJSON *root)
{
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (!text) {
        fl_out_of_memory();
    }
    const size_t length = strlen(text);
    char *line = fl_alloc(length + 2, 1);
    memcpy(line, text, length);
    line[length] = '\n';
    cJSON_free(text);
    return line;
}

char *fl_summary_text(const struct fl_config *config, const struct fl_result *result,
                      const char *content_hash, uint32_t *expect_failed)
{
    struct facts facts = {NULL, 0, 0};
    gather(&facts, config, result, content_hash);
    cJSON *root = cJSON_CreateObject();
    for (size_t i = 0; i < facts.count; i++) {
        if (facts.at[i].listed) {
            show(root, &facts.at[i]);
        }
    }
    FL_ASSERT(!cJSON_GetObjectItemCaseSensitive(root, "faults") &&
              !cJSON_GetObjectItemCaseSensitive(root, "checks") &&
              !cJSON_GetObjectItemCaseSensitive(root, "expect"));
    cJSON_AddItemToObject(root, "faults", faults_json(config, result));
    cJSON_AddItemToObject(root, "checks", checks_json(config, result));
    cJSON_AddItemToObject(root, "expect", expect_json(config, &facts, expect_failed));
    free(facts.at);
    return print_and_delete(root);
}

/* --- one number at a time ------------------------------------------------------------------------------- */

bool fl_summary_metric(const struct fl_config *config, const struct fl_result *result,
                       const char *path, struct fl_metric *metric)
{
    struct facts facts = {NULL, 0, 0};
    gather(&facts, config, result, "");
    const struct fact *fact = strcmp(path, "content_hash") == 0 ? NULL : find(&facts, path);
    if (fact) {
        *metric = (struct fl_metric){.unit = fact->unit, .value = fact->value};
        snprintf(metric->text, sizeof metric->text, "%s", fact->text);
    }
    free(facts.at);
    return fact != NULL;
}

/* What a result of this configuration will have, all zero. */
static struct fl_result blank_result(const struct fl_config *config, struct fl_arena *arena)
{
    int64_t *final = fl_arena_alloc(arena, config->observable_count, sizeof *final);
    struct fl_verdict *verdict = fl_arena_alloc(arena, config->check_count, sizeof *verdict);
    struct fl_fault_result *fault = fl_arena_alloc(arena, config->fault_count, sizeof *fault);
    for (uint32_t i = 0; i < config->check_count; i++) {
        verdict[i].kind = FL_NOT_APPLICABLE;
    }
    for (uint32_t i = 0; i < config->fault_count; i++) {
        fault[i].spec = &config->fault[i];
    }
    return (struct fl_result){
        .final = final, .verdict = verdict, .fault_count = config->fault_count, .fault = fault};
}

bool fl_summary_has(const struct fl_config *config, const char *path, struct fl_metric *metric,
                    struct fl_hint *hint)
{
    struct fl_arena arena = {NULL};
    const struct fl_result result = blank_result(config, &arena);
    const bool found = fl_summary_metric(config, &result, path, metric);
    struct facts facts = {NULL, 0, 0};
    gather(&facts, config, &result, "");
    struct fl_guess guess = {.wanted = path};
    for (size_t i = 0; i < facts.count; i++) {
        if (strcmp(facts.at[i].path, "content_hash") != 0) {
            fl_guess_offer(&guess, facts.at[i].path);
        }
    }
    *hint = fl_guess_hint(&guess); /* holds the word itself */
    free(facts.at);
    fl_arena_free(&arena);
    return found;
}
