/* The JSON reader: what it refuses, where values stand, what it prints, what it guesses. */
#include "sim/alloc.h"
#include "sim/json.h"
#include "sim/mistake.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static bool parses(const char *text, size_t bytes)
{
    struct fl_json json = {0};
    cJSON *tree =
        fl_json_parse(&json, fl_json_add(&json, FL_TEXT_FILE, "x", text, bytes, ""), false);
    const bool ok = tree && json.mistake_count == 0;
    cr_assert_eq(tree == NULL && json.mistake_count == 0, false, "refused without a word: %s",
                 text);
    cJSON_Delete(tree);
    fl_json_free(&json);
    return ok;
}

/* RFC 8259, by example. */
Test(json, accepts)
{
    static const char *const good[] = {
        "0",
        "-0",
        "-0.0",
        "1e5",
        "1E+5",
        "1e-05",
        "10.25",
        "true",
        "false",
        "null",
        "\"\"",
        "[]",
        "{}",
        " \t\r\n 1 \t\r\n ",
        "[1,[2,[3]]]",
        "{\"a\":{\"b\":[{}]}}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"",
        "\"\\ud83d\\ude00\"",
        "\"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80\"",
        "{\"\":1}",
        "\"\x7f\"",
        "123456789012345678901234567890123456789012345678901234567890123",
        "1e999",
        "\"\xef\xbb\xbf\"",
        "{\"a\":1,\"A\":2,\"a \":3}",
        "\"\xf4\x8f\xbf\xbf\"",
        "\"\xed\x9f\xbf\"",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cr_expect(parses(good[i], strlen(good[i])), "%s", good[i]);
    }
}

Test(json, refuses)
{
    static const char *const bad[] = {
        "",
        " ",
        "[",
        "]",
        "{",
        "}",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1,,2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\" 1}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{1:2}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1}}",
        "1 2",
        "\"",
        "\"\\",
        "\"\\\"",
        "\"\\u\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\\x41\"",
        "\"\\'\"",
        "\"a\nb\"",
        "\"a\tb\"",
        "\"\x1f\"",
        "\"\\u0000\"",
        "01",
        "-01",
        "1.",
        ".5",
        "-.5",
        "+1",
        "1e",
        "1e+",
        "1.e5",
        "0x1",
        "1_0",
        "--1",
        "-",
        "NaN",
        "Infinity",
        "-Infinity",
        "nul",
        "True",
        "nulll",
        "tru",
        "\xef\xbb\xbf{}",
        "\xff",
        "\"\xc0\x80\"",
        "\"\xc3\"",
        "\"\xc3(\"",
        "\"\xe0\x80\x80\"",
        "\"\xe2\x82\"",
        "\"\xf0\x80\x80\x80\"",
        "\"\xf5\x80\x80\x80\"",
        "\"\xed\xb0\x80\"",
        "\"\x80\"",
        "// x\n1",
        "/* */1",
        "1 # x",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "[{\"k\":1,\"b\":2,\"k\":3}]",
        "\xc2\xa0 1",
        "\f1",
        "\v1",
        "1234567890123456789012345678901234567890123456789012345678901234",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect_not(parses(bad[i], strlen(bad[i])), "%s", bad[i]);
    }
    cr_expect_not(parses("1\0", 2), "a zero byte is not white space");
    cr_expect_not(parses("\"a\0b\"", 5));
    cr_expect_not(parses("[1]", 2), "the count of bytes is what matters");
}

Test(json, nesting_is_bounded)
{
    for (size_t depth = 63; depth <= 66; depth++) {
        char text[160];
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        cr_expect_eq(parses(text, 2 * depth), depth <= FL_JSON_DEPTH, "%zu", depth);
    }
}

static void expect_place(const struct fl_json *json, const cJSON *item, const char *slice,
                         const char *pointer)
{
    size_t bytes;
    const char *text = fl_json_slice(json, item, &bytes);
    cr_expect(bytes == strlen(slice) && memcmp(text, slice, bytes) == 0, "%.*s", (int)bytes, text);
    char *found = fl_json_pointer(json, item);
    cr_expect_str_eq(found, pointer);
    free(found);
}

Test(json, every_value_knows_its_place)
{
    static const char text[] =
        " {\"a\": [10, {\"b/c\": 2.50}, \"\\u00e9\"],\n \"d~\": null , \"e\": {}, \"\": [ ] } ";
    struct fl_json json = {0};
    const uint32_t index = fl_json_add(&json, FL_TEXT_FILE, "x", text, strlen(text), "/root");
    cJSON *tree = fl_json_parse(&json, index, false);
    cr_assert(tree);
    const cJSON *list = tree->child, *object = list->child->next;
    expect_place(&json, list, "[10, {\"b/c\": 2.50}, \"\\u00e9\"]", "/root/a");
    expect_place(&json, list->child, "10", "/root/a/0");
    expect_place(&json, object, "{\"b/c\": 2.50}", "/root/a/1");
    expect_place(&json, object->child, "2.50", "/root/a/1/b~1c");
    expect_place(&json, object->next, "\"\\u00e9\"", "/root/a/2");
    expect_place(&json, list->next, "null", "/root/d~0");
    expect_place(&json, list->next->next, "{}", "/root/e");
    expect_place(&json, list->next->next->next, "[ ]", "/root/");
    const struct fl_span *span = fl_json_span(&json, object->child);
    cr_expect_eq(span->key_bytes, 5);
    cr_expect_eq(memcmp(text + span->key_offset, "\"b/c\"", 5), 0);
    cJSON_Delete(tree);
    fl_json_free(&json);
}

/* All but the first of equal keys are reported and dropped; the others keep their order. */
Test(json, duplicates)
{
    static const char text[] = "{\"b\": 1, \"a\": 2, \"b\": 3, \"c\": 4, \"b\": 5, \"a\": 6}";
    struct fl_json json = {0};
    cJSON *tree =
        fl_json_parse(&json, fl_json_add(&json, FL_TEXT_FILE, "x", text, strlen(text), ""), false);
    cr_assert(tree);
    cr_expect_eq(json.mistake_count, 3);
    char *printed = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&printed, &bytes);
    fl_mistake_print(&json, out);
    fclose(out);
    cr_expect_eq(strncmp(printed, "x:1:18: error: /b: duplicate key\n", 33), 0, "%s", printed);
    free(printed);
    const char *const keys[] = {"b", "a", "c"}, *const values[] = {"1", "2", "4"};
    const cJSON *item = tree->child;
    for (int i = 0; i < 3; i++, item = item->next) {
        cr_expect_str_eq(item->string, keys[i]);
        size_t length;
        cr_expect_eq(*fl_json_slice(&json, item, &length), *values[i]);
    }
    cr_expect_null(item);
    cJSON_Delete(tree);
    fl_json_free(&json);
}

/* An object with very many keys takes n log n, not n^2: this test would take minutes. */
Test(json, many_keys, .timeout = 60)
{
    enum { KEYS = 300000, KEY_BYTES = 14 };
    char *text = fl_alloc(KEYS * KEY_BYTES + 16, 1);
    size_t at = 0;
    text[at++] = '{';
    for (unsigned i = 0; i < KEYS; i++) {
        at += (size_t)sprintf(text + at, "%s\"%u\":0", i > 0 ? "," : "", i / 2);
    }
    text[at++] = '}';
    struct fl_json json = {0};
    cJSON *tree = fl_json_parse(&json, fl_json_add(&json, FL_TEXT_FILE, "x", text, at, ""), false);
    cr_assert(tree);
    cr_expect_eq(json.mistake_count, KEYS / 2);
    char *printed = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&printed, &bytes);
    fl_mistake_print(&json, out);
    fclose(out);
    cr_expect_str_eq(strrchr(printed, 'x'), "x: error: and 149000 more\n");
    free(printed);
    cJSON_Delete(tree);
    fl_json_free(&json);
    free(text);
}

static cJSON *raw(const char *number)
{
    return fl_json_made(cJSON_CreateRaw(number));
}

Test(json, pretty)
{
    cJSON *tree = fl_json_made(cJSON_CreateObject());
    cJSON *list = fl_json_made(cJSON_CreateArray()), *objects = fl_json_made(cJSON_CreateArray());
    fl_json_push(list, raw("1"));
    fl_json_push(list, raw("2.50"));
    cJSON *object = fl_json_made(cJSON_CreateObject());
    fl_json_put(object, "a", cJSON_CreateBool(1));
    fl_json_push(objects, object);
    fl_json_push(objects, cJSON_CreateObject());
    fl_json_put(tree, "list", list);
    fl_json_put(tree, "objects", objects);
    fl_json_put(tree, "q\"", cJSON_CreateString("\\ \" / \b\f\n\r\t \x01 \x7f \xc3\xa9"));
    fl_json_put(tree, "null", cJSON_CreateNull());
    char *text = fl_json_pretty(tree);
    static const char expected[] =
        "{\n"
        "  \"list\": [1, 2.50],\n"
        "  \"objects\": [\n"
        "    {\n"
        "      \"a\": true\n"
        "    },\n"
        "    {}\n"
        "  ],\n"
        "  \"q\\\"\": \"\\\\ \\\" / \\b\\f\\n\\r\\t \\u0001 \x7f \xc3\xa9\",\n"
        "  \"null\": null\n"
        "}\n";
    cr_expect_str_eq(text, expected);
    cr_expect(parses(text, strlen(text)));
    free(text);
    cJSON_Delete(tree);
}

Test(json, words_are_text)
{
    struct fl_json json = {0};
    cJSON *item = fl_json_word(
        &json, fl_json_add(&json, FL_TEXT_OVERRIDE, "--set a=b", "h\xc3\xa9", 3, "/a"));
    cr_assert(item);
    cr_expect_str_eq(item->valuestring, "h\xc3\xa9");
    expect_place(&json, item, "h\xc3\xa9", "/a");
    cJSON_Delete(item);
    cr_expect_null(
        fl_json_word(&json, fl_json_add(&json, FL_TEXT_OVERRIDE, "--set a=b", "\xc3", 1, "/a")));
    cr_expect_eq(json.mistake_count, 1);
    fl_json_free(&json);
}

/* Every code point, against the definition: Unicode 15, table 3-7. */
Test(json, utf8)
{
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        char c[4];
        const size_t bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
        for (size_t i = bytes; i-- > 1;) {
            c[i] = (char)(0x80 | (code >> (6 * (bytes - 1 - i)) & 0x3f));
        }
        c[0] = (char)(lead[bytes] | (code >> (6 * (bytes - 1))));
        const bool surrogate = code >= 0xd800 && code <= 0xdfff;
        if (fl_utf8_bytes(c, bytes) != (surrogate ? 0 : bytes) ||
            fl_utf8_bytes(c, bytes - 1) != 0) {
            cr_expect(false, "U+%04X", (unsigned)code);
        }
    }
    uint32_t pairs = 0;
    for (uint32_t pair = 0; pair < 0x10000; pair++) {
        const char c[2] = {(char)(pair >> 8), (char)(pair & 0xff)};
        pairs += fl_utf8_bytes(c, 2) == 2;
    }
    cr_expect_eq(pairs, 0x800 - 0x80, "two bytes: U+0080 to U+07FF");
}

/* ------------------------------------------------------------------------------------------------
 * Guesses
 * --------------------------------------------------------------------------------------------- */

Test(json, guesses)
{
    static const char *const known[] = {"delay_ms", "duration_s", "sign_us", "count",
                                        "to",       "members",    NULL};
    static const struct {
        const char *wanted, *best;
    } row[] = {
        {"delay_mss", "delay_ms"},
        {"dealy_ms", "delay_ms"},
        {"delay", "delay_ms"},
        {"duration", "duration_s"},
        {"conut", "count"},
        {"cuont", "count"},
        {"coun", "count"},
        {"cnt", NULL},
        {"xyz", NULL},
        {"", NULL},
        {"t", "to"},
        {"tp", "to"},
        {"ot", "to"},
        {"x", NULL},
        {"Count", "count"},
        {"member", "members"},
        {"sign", "sign_us"},
        {"delay_ms_delay_ms", NULL},
        {"averyveryveryveryveryveryveryveryveryveryveryveryveryveryverylongword", NULL},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct fl_guess guess = {.wanted = row[i].wanted};
        for (const char *const *word = known; *word; word++) {
            fl_guess_offer(&guess, *word);
        }
        if (row[i].best) {
            cr_expect_not_null(guess.best, "%s", row[i].wanted);
            cr_expect_str_eq(guess.best ? guess.best : "", row[i].best, "%s", row[i].wanted);
        } else {
            cr_expect_null(guess.best, "%s gave %s", row[i].wanted, guess.best);
        }
    }
    const struct fl_guess best = {.wanted = "x", .best = "y"}, none = {.wanted = "x"};
    cr_expect_str_eq(fl_guess_hint(&best).text, " (did you mean \"y\"?)");
    cr_expect_str_eq(fl_guess_hint(&none).text, "");
}

/* ------------------------------------------------------------------------------------------------
 * Swarm
 * --------------------------------------------------------------------------------------------- */

/* What the scanner accepts cJSON accepts, with the same number of values: asserted inside
 * fl_json_parse, for short random texts that are often JSON. */
Test(json, random_texts)
{
    static const char *const pieces[] = {
        "{",  "}",    "[",       "]",   ",",  ":",  "\"a\"", "\"\\u0062\"", "\"\xc3\xa9\"",
        "1",  "-",    "0",       ".",   "e",  "5",  "true",  "null",        " ",
        "\n", "\"\"", "{\"k\":", "[1,", "\\", "\"", "\xff",  "-0.5E-3"};
    uint64_t state = 71; /* the seed of this test */
    uint32_t accepted = 0;
    for (int round = 0; round < 200000; round++) {
        char text[128] = "";
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const uint64_t count = 1 + (state >> 40) % 9;
        for (uint64_t i = 0; i < count; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            strcat(text, pieces[(state >> 33) % (sizeof pieces / sizeof *pieces)]);
        }
        accepted += parses(text, strlen(text));
    }
    cr_expect_gt(accepted, 2000, "the pieces should often fit: %u", (unsigned)accepted);
}
