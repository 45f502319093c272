/* build/vectors FILE...: runs protocols' own test cases on the functions the simulator runs.
 *
 * One line per kind, then the sum; failures go to stderr. Exit status: 0 all passed; 1 a case failed, or is
 * of a kind that no adapter knows; 2 no file was named; 3 a file could not be read. */
#include "tests/vectors/vectors.h"
#include "sim/alloc.h"
#include "sim/extends.h"
#include "sim/mistake.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct vector_kind *const tables[] = {vectors_dydx_v4, vectors_eip1559};

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_UNREADABLE = 3, KINDS_MAX = 512 };

struct tally {
    const char *kind;
    uint32_t passed, failed;
};
struct totals {
    struct tally of[KINDS_MAX]; /* in the order of the files */
    uint32_t kinds;
    uint32_t passed, failed;
};

/* --- reading a case ------------------------------------------------------------------------------ */

void vector_fail(struct vector_case *c, const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    fprintf(stderr, "%s: %s: %s: ", c->file, c->kind, c->name);
    vfprintf(stderr, format, rest);
    fputc('\n', stderr);
    va_end(rest);
    c->failed = true;
}

static const cJSON *member(struct vector_case *c, const cJSON *in, const char *key)
{
    const cJSON *const found = cJSON_GetObjectItemCaseSensitive(in, key);
    if (!found) vector_fail(c, "%s is missing", key);
    return found;
}

bool vector_has(const cJSON *in, const char *key)
{
    const cJSON *const found = cJSON_GetObjectItemCaseSensitive(in, key);
    return found && !cJSON_IsNull(found);
}

const cJSON *vector_object(struct vector_case *c, const cJSON *in, const char *key)
{
    const cJSON *const found = member(c, in, key);
    if (found && !cJSON_IsObject(found)) vector_fail(c, "%s is not an object", key);
    return found;
}

const cJSON *vector_list(struct vector_case *c, const cJSON *in, const char *key)
{
    const cJSON *const found = member(c, in, key);
    if (found && !cJSON_IsArray(found)) vector_fail(c, "%s is not a list", key);
    return found;
}

enum { DIGITS_MAX = 38 }; /* 10^38 < 2^127 */

static bool parse(const char *text, size_t bytes, fl_i128 *value)
{
    const bool minus = bytes > 0 && text[0] == '-';
    fl_i128 sum = 0;
    if (bytes == minus) return false;
    for (size_t i = minus; i < bytes; i++) {
        const int digit = text[i] - '0';
        if (digit < 0 || digit > 9) return false;
        sum = 10 * sum + digit;
    }
    *value = minus ? -sum : sum;
    return true;
}

fl_i128 vector_integer(struct vector_case *c, const cJSON *value)
{
    size_t bytes = 0;
    const char *text = "";
    if (cJSON_IsString(value)) {
        text = value->valuestring;
        bytes = strlen(text);
    } else if (cJSON_IsNumber(value)) {
        text = fl_json_slice(c->json, value, &bytes);
    }
    fl_i128 read = 0;
    if (bytes > DIGITS_MAX || !parse(text, bytes, &read))
        vector_fail(c, "%.*s is no integer, or too great", (int)bytes, text);
    return read;
}

fl_i128 vector_i128(struct vector_case *c, const cJSON *in, const char *key)
{
    const cJSON *const found = member(c, in, key);
    return found ? vector_integer(c, found) : 0;
}

static fl_i128 ranged(struct vector_case *c, const cJSON *in, const char *key, fl_i128 least,
                      fl_i128 most)
{
    const fl_i128 value = vector_i128(c, in, key);
    if (value >= least && value <= most) return value;
    vector_fail(c, "%s = %s is out of range", key, vector_decimal(value).text);
    return 0;
}

int64_t vector_i64(struct vector_case *c, const cJSON *in, const char *key)
{
    return (int64_t)ranged(c, in, key, INT64_MIN, INT64_MAX);
}

int32_t vector_i32(struct vector_case *c, const cJSON *in, const char *key)
{
    return (int32_t)ranged(c, in, key, INT32_MIN, INT32_MAX);
}

uint64_t vector_u64(struct vector_case *c, const cJSON *in, const char *key)
{
    return (uint64_t)ranged(c, in, key, 0, UINT64_MAX);
}

bool vector_bool(struct vector_case *c, const cJSON *in, const char *key)
{
    const cJSON *const found = member(c, in, key);
    if (found && !cJSON_IsBool(found)) vector_fail(c, "%s is neither true nor false", key);
    return cJSON_IsTrue(found);
}

const char *vector_text(struct vector_case *c, const cJSON *in, const char *key)
{
    const cJSON *const found = member(c, in, key);
    if (found && !cJSON_IsString(found)) vector_fail(c, "%s is no text", key);
    return cJSON_IsString(found) ? found->valuestring : "";
}

/* --- comparing ----------------------------------------------------------------------------------- */

struct vector_decimal vector_decimal(fl_i128 value)
{
    struct vector_decimal decimal;
    fl_u128 rest = value < 0 ? -(fl_u128)value : (fl_u128)value;
    char *at = decimal.text + sizeof decimal.text;
    *--at = '\0';
    do {
        *--at = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest != 0);
    if (value < 0) *--at = '-';
    memmove(decimal.text, at, (size_t)(decimal.text + sizeof decimal.text - at));
    return decimal;
}

void vector_expect_i128(struct vector_case *c, const cJSON *in, const char *key, fl_i128 found)
{
    const fl_i128 expected = vector_i128(c, in, key);
    if (expected != found)
        vector_fail(c, "%s: expected %s, found %s", key, vector_decimal(expected).text,
                    vector_decimal(found).text);
}

void vector_expect_bool(struct vector_case *c, const cJSON *in, const char *key, bool found)
{
    const bool expected = vector_bool(c, in, key);
    if (expected != found)
        vector_fail(c, "%s: expected %s, found %s", key, expected ? "true" : "false",
                    found ? "true" : "false");
}

void vector_expect_text(struct vector_case *c, const cJSON *in, const char *key, const char *found)
{
    const char *const expected = vector_text(c, in, key);
    if (strcmp(expected, found) != 0)
        vector_fail(c, "%s: expected %s, found %s", key, expected, found);
}

/* --- running ------------------------------------------------------------------------------------- */

static struct tally *tally_of(struct totals *totals, const char *kind)
{
    for (uint32_t i = 0; i < totals->kinds; i++)
        if (strcmp(totals->of[i].kind, kind) == 0) return &totals->of[i];
    FL_ASSERT(totals->kinds < KINDS_MAX);
    totals->of[totals->kinds].kind = kind;
    return &totals->of[totals->kinds++];
}

static const struct vector_kind *adapter_of(const char *kind)
{
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct vector_kind *k = tables[t]; k->kind; k++)
            if (strcmp(k->kind, kind) == 0) return k;
    return NULL;
}

static const char *word(const cJSON *in, const char *key, const char *otherwise)
{
    const cJSON *const found = cJSON_GetObjectItemCaseSensitive(in, key);
    return cJSON_IsString(found) ? found->valuestring : otherwise;
}

static void run_case(struct totals *totals, struct vector_case c)
{
    const struct vector_kind *const adapter = adapter_of(c.kind);
    if (adapter)
        adapter->check(&c);
    else
        vector_fail(&c, "no adapter knows this kind");
    struct tally *const tally = tally_of(totals, c.kind);
    tally->passed += !c.failed;
    tally->failed += c.failed;
    totals->passed += !c.failed;
    totals->failed += c.failed;
}

static bool run_file(struct totals *totals, struct fl_json *json, const char *path)
{
    size_t bytes;
    char *const content = fl_file_read(path, &bytes);
    if (!content) {
        fprintf(stderr, "vectors: cannot read %s: %s\n", path, strerror(errno));
        return false;
    }
    if (bytes > FL_JSON_FILE_BYTES) {
        fprintf(stderr, "vectors: cannot read %s: it is longer than 16 MiB\n", path);
        free(content);
        return false;
    }
    const uint32_t text = fl_json_add(json, FL_TEXT_FILE, path, content, bytes, "");
    free(content);
    cJSON *const tree = fl_json_parse(json, text, false);
    if (!tree || json->mistake_count > 0) {
        fl_mistake_print(json, stderr);
        fprintf(stderr, "vectors: cannot read %s: it is not JSON\n", path);
        cJSON_Delete(tree);
        return false;
    }
    fl_json_keep(json, tree);
    const cJSON *const cases = cJSON_GetObjectItemCaseSensitive(tree, "cases");
    if (!cJSON_IsArray(cases) || cJSON_GetArraySize(cases) == 0) {
        fprintf(stderr, "vectors: cannot read %s: it has no list `cases`, or an empty one\n", path);
        return false;
    }
    const cJSON *at;
    cJSON_ArrayForEach(at, cases)
    {
        run_case(totals, (struct vector_case){.json = json,
                                              .at = at,
                                              .file = path,
                                              .kind = word(at, "kind", "(no kind)"),
                                              .name = word(at, "name", "(no name)")});
    }
    return true;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: vectors FILE...\n");
        return EXIT_USAGE;
    }
    struct totals totals = {0};
    struct fl_json json = {0};
    bool readable = true;
    for (int i = 1; i < argc; i++) readable = run_file(&totals, &json, argv[i]) && readable;
    for (uint32_t i = 0; i < totals.kinds; i++)
        printf("%s: %u passed, %u failed\n", totals.of[i].kind, totals.of[i].passed,
               totals.of[i].failed);
    printf("%u passed, %u failed\n", totals.passed, totals.failed);
    fl_json_free(&json);
    if (!readable) return EXIT_UNREADABLE;
    return totals.failed == 0 ? EXIT_SUCCESS : EXIT_FAILED;
}
