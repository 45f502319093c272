/* One pass over a JSON text: refuses what RFC 8259 does not allow, and says what to write instead;
 * records the span of every value. */
#include "sim/scan.h"
#include "sim/mistake.h"

#include <stdarg.h>
#include <string.h>

struct scanner {
    struct fl_json *json;
    const char *at, *end, *start;
    uint32_t text, depth;
    bool quiet;
};

/* What the scanner stands before, for a message. */
struct found {
    char text[32];
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static char peek(const struct scanner *s)
{
    return s->at < s->end ? *s->at : '\0';
}

static struct found found_at(const struct scanner *s, const char *at)
{
    struct found found;
    const size_t bytes = at < s->end ? fl_utf8_bytes(at, (size_t)(s->end - at)) : 0;
    if (at >= s->end) {
        snprintf(found.text, sizeof found.text, "the end of the file");
    } else if (bytes == 0 || (unsigned char)*at < 0x20 || *at == 0x7f) {
        snprintf(found.text, sizeof found.text, "byte 0x%02x", (unsigned)(unsigned char)*at);
    } else {
        snprintf(found.text, sizeof found.text, "'%.*s'", (int)bytes, at);
    }
    return found;
}

/* Reports a syntax error at [from, from + bytes). Always false, so that callers can return it. */
FL_PRINTF(4, 5)
static bool fail(const struct scanner *s, const char *from, size_t bytes, const char *format, ...)
{
    char sentence[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (!s->quiet) {
        fl_mistake_in(s->json, s->text, (size_t)(from - s->start), bytes, "%s", sentence);
    }
    return false;
}

static void skip_space(struct scanner *s)
{
    while (s->at < s->end && strchr(" \t\r\n", *s->at) && *s->at != '\0') {
        s->at++;
    }
}

static size_t word_bytes(const struct scanner *s, const char *at)
{
    const char *from = at;
    while (at < s->end && (is_letter(*at) || is_digit(*at))) {
        at++;
    }
    return (size_t)(at - from);
}

size_t fl_utf8_bytes(const char *at, size_t left)
{
    const unsigned char *c = (const unsigned char *)at;
    if (left == 0) {
        return 0;
    }
    const size_t bytes = c[0] < 0x80                    ? 1
                         : c[0] >= 0xc2 && c[0] <= 0xdf ? 2
                         : c[0] >= 0xe0 && c[0] <= 0xef ? 3
                         : c[0] >= 0xf0 && c[0] <= 0xf4 ? 4
                                                        : 0;
    if (bytes > left) {
        return 0;
    }
    for (size_t i = 1; i < bytes; i++) {
        if ((c[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    const bool overlong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
    const bool outside = (c[0] == 0xed && c[1] > 0x9f) || (c[0] == 0xf4 && c[1] > 0x8f);
    return overlong || outside ? 0 : bytes;
}

/* Four hexadecimal digits, or -1. */
static int32_t hex4(const struct scanner *s, const char *at)
{
    int32_t code = 0;
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *digit = at + i < s->end && at[i] != '\0' ? strchr(digits, at[i]) : NULL;
        if (!digit) {
            return -1;
        }
        code = code * 16 + (int32_t)((digit - digits) % 16);
    }
    return code;
}

/* After `\u`: s->at stands on the backslash. Surrogates come in pairs, or not at all. */
static bool scan_unicode(struct scanner *s)
{
    const int32_t code = hex4(s, s->at + 2);
    if (code < 0) {
        return fail(s, s->at, 2, "\\u needs four hexadecimal digits");
    }
    if (code == 0) {
        return fail(s, s->at, 6, "a string may not contain the zero character");
    }
    if (code < 0xd800 || code > 0xdfff) {
        s->at += 6;
        return true;
    }
    const bool pair = s->end - s->at >= 12 && s->at[6] == '\\' && s->at[7] == 'u';
    const int32_t low = pair ? hex4(s, s->at + 8) : -1;
    if (code > 0xdbff || low < 0xdc00 || low > 0xdfff) {
        return fail(s, s->at, 6, "half of a surrogate pair");
    }
    s->at += 12;
    return true;
}

static bool scan_escape(struct scanner *s)
{
    const char c = s->end - s->at > 1 ? s->at[1] : '\0';
    if (c == 'u') {
        return scan_unicode(s);
    }
    if (c == '\0' || !strchr("\"\\/bfnrt", c)) {
        return fail(s, s->at, 2, "unknown escape in a string (use \\\\ for a backslash)");
    }
    s->at += 2;
    return true;
}

/* One character of a string that is neither a quote nor a backslash. */
static bool scan_character(struct scanner *s, const char *opening)
{
    const unsigned char c = (unsigned char)*s->at;
    if (c == '\n' || c == '\r') {
        return fail(s, opening, (size_t)(s->at - opening), "this string is not closed on its line");
    }
    if (c < 0x20) {
        return fail(s, s->at, 1, "raw control character 0x%02x in a string (write \\u%04x)",
                    (unsigned)c, (unsigned)c);
    }
    const size_t bytes = fl_utf8_bytes(s->at, (size_t)(s->end - s->at));
    if (bytes == 0) {
        return fail(s, s->at, 1, "invalid UTF-8 (byte 0x%02x)", (unsigned)c);
    }
    s->at += bytes;
    return true;
}

static bool scan_string(struct scanner *s)
{
    const char *opening = s->at++;
    while (s->at < s->end && *s->at != '"') {
        if (!(*s->at == '\\' ? scan_escape(s) : scan_character(s, opening))) {
            return false;
        }
    }
    if (s->at >= s->end) {
        return fail(s, opening, (size_t)(s->end - opening), "this string is never closed");
    }
    s->at++;
    return true;
}

static void skip_digits(struct scanner *s)
{
    while (is_digit(peek(s))) {
        s->at++;
    }
}

static bool scan_fraction_and_exponent(struct scanner *s, const char *from)
{
    if (peek(s) == '.') {
        s->at++;
        if (!is_digit(peek(s))) {
            return fail(s, from, (size_t)(s->at - from), "a number needs a digit after its point");
        }
        skip_digits(s);
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        s->at++;
        s->at += peek(s) == '+' || peek(s) == '-';
        if (!is_digit(peek(s))) {
            return fail(s, from, (size_t)(s->at - from), "a number needs a digit after its 'e'");
        }
        skip_digits(s);
    }
    return true;
}

static bool scan_number(struct scanner *s)
{
    const char *from = s->at;
    s->at += peek(s) == '-';
    if (!is_digit(peek(s))) {
        return fail(s, from, 1, "a number needs a digit after its sign");
    }
    const bool zero = peek(s) == '0';
    s->at++;
    if (zero && (peek(s) == 'x' || peek(s) == 'X')) {
        return fail(s, from, word_bytes(s, s->at) + (size_t)(s->at - from),
                    "hexadecimal numbers are not JSON (put it in quotes if it is a seed)");
    }
    const char *second = s->at;
    skip_digits(s);
    if (zero && s->at > second) {
        return fail(s, from, (size_t)(s->at - from), "a number may not start with a zero");
    }
    if (!scan_fraction_and_exponent(s, from)) {
        return false;
    }
    const size_t bytes = (size_t)(s->at - from);
    if (bytes > FL_JSON_NUMBER_BYTES) {
        return fail(s, from, bytes, "a number may have at most %d characters",
                    (int)FL_JSON_NUMBER_BYTES);
    }
    return true;
}

/* Where a comment stands; scanners of other formats skip it. */
static bool is_comment(const struct scanner *s)
{
    const char next = s->end - s->at > 1 ? s->at[1] : '\0';
    return peek(s) == '#' || (peek(s) == '/' && (next == '/' || next == '*'));
}

static bool fail_expecting(const struct scanner *s, const char *what)
{
    if (is_comment(s)) {
        return fail(s, s->at, 1, "JSON has no comments (use a \"$comment\" key)");
    }
    return fail(s, s->at, 1, "expected %s, found %s", what, found_at(s, s->at).text);
}

/* What people write that is not a JSON value; the message says what to write instead. */
static bool scan_nonsense(struct scanner *s)
{
    const char c = peek(s);
    const char next = s->end - s->at > 1 ? s->at[1] : '\0';
    const size_t word = word_bytes(s, s->at);
    if (c == '\'') {
        return fail(s, s->at, 1, "strings need double quotes");
    }
    if (c == '+') {
        return fail(s, s->at, 1, "a number may not start with '+'");
    }
    if (c == '.' && is_digit(next)) {
        return fail(s, s->at, 1, "a number needs a digit before its point");
    }
    if (word > 0) {
        return fail(s, s->at, word, "%.*s is not a JSON value (strings need double quotes)",
                    (int)(word < 40 ? word : 40), s->at);
    }
    if ((unsigned char)c >= 0x80 && fl_utf8_bytes(s->at, (size_t)(s->end - s->at)) == 0) {
        return fail(s, s->at, 1, "invalid UTF-8 (byte 0x%02x)", (unsigned)(unsigned char)c);
    }
    return fail_expecting(s, "a value");
}

static bool scan_word(struct scanner *s)
{
    static const char *const words[] = {"true", "false", "null"};
    const size_t bytes = word_bytes(s, s->at);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (bytes == strlen(words[i]) && memcmp(s->at, words[i], bytes) == 0) {
            s->at += bytes;
            return true;
        }
    }
    return scan_nonsense(s);
}

static bool scan_value(struct scanner *s, struct fl_span span);

/* After an element: a comma goes on, `close` ends, anything else is a mistake. */
enum after { AFTER_FAIL = 1, AFTER_NEXT, AFTER_END };

static enum after scan_separator(struct scanner *s, const char *opening, char close)
{
    skip_space(s);
    if (peek(s) == close && s->at < s->end) {
        s->at++;
        return AFTER_END;
    }
    if (peek(s) != ',') {
        if (s->at >= s->end) {
            fail(s, opening, 1, "this '%c' is never closed", *opening);
        } else {
            fail_expecting(s, close == '}' ? "',' or '}'" : "',' or ']'");
        }
        return AFTER_FAIL;
    }
    const char *comma = s->at++;
    skip_space(s);
    if (peek(s) == close && s->at < s->end) {
        fail(s, comma, 1, "no comma is allowed before '%c'", close);
        return AFTER_FAIL;
    }
    return AFTER_NEXT;
}

/* A key and its colon; fills the key of `span`. */
static bool scan_key(struct scanner *s, struct fl_span *span)
{
    skip_space(s);
    if (peek(s) != '"') {
        const size_t word = word_bytes(s, s->at);
        return word > 0 || peek(s) == '\''
                   ? fail(s, s->at, word > 0 ? word : 1, "keys need double quotes")
                   : fail_expecting(s, "a key in double quotes");
    }
    const char *from = s->at;
    if (!scan_string(s)) {
        return false;
    }
    span->key_offset = (uint32_t)(from - s->start);
    span->key_bytes = (uint32_t)(s->at - from);
    skip_space(s);
    if (peek(s) != ':') {
        return fail_expecting(s, "':' after the key");
    }
    s->at++;
    return true;
}

static bool scan_container(struct scanner *s, uint32_t self)
{
    const char *opening = s->at++;
    const char close = *opening == '{' ? '}' : ']';
    if (++s->depth > FL_JSON_DEPTH) {
        return fail(s, opening, 1, "more than %d levels of nesting", (int)FL_JSON_DEPTH);
    }
    skip_space(s);
    enum after after = AFTER_NEXT;
    if (peek(s) == close && s->at < s->end) {
        s->at++;
        after = AFTER_END;
    }
    for (uint32_t index = 0; after == AFTER_NEXT; index++) {
        struct fl_span span = {.text = s->text, .parent = self, .index = index};
        if ((close == '}' && !scan_key(s, &span)) || !scan_value(s, span)) {
            return false;
        }
        after = scan_separator(s, opening, close);
    }
    s->depth--;
    return after == AFTER_END;
}

static bool scan_value(struct scanner *s, struct fl_span span)
{
    skip_space(s);
    const char *from = s->at;
    const char c = peek(s);
    span.offset = (uint32_t)(from - s->start);
    const uint32_t self = fl_json_add_span(s->json, span);
    const bool ok = c == '{' || c == '['      ? scan_container(s, self)
                    : c == '"'                ? scan_string(s)
                    : c == '-' || is_digit(c) ? scan_number(s)
                                              : scan_word(s);
    s->json->span[self].bytes = (uint32_t)(s->at - from);
    return ok;
}

static bool scan_text(struct scanner *s)
{
    if (s->end - s->start >= 3 && memcmp(s->start, "\xef\xbb\xbf", 3) == 0) {
        return fail(s, s->start, 1,
                    "the file starts with a byte order mark; save it as UTF-8 without one");
    }
    skip_space(s);
    if (s->at >= s->end) {
        return fail(s, s->start, 1, "the file is empty");
    }
    if (!scan_value(s, (struct fl_span){.text = s->text, .parent = UINT32_MAX})) {
        return false;
    }
    skip_space(s);
    if (s->at < s->end) {
        return fail_expecting(s, "the end of the file");
    }
    return true;
}

bool fl_json_scan(struct fl_json *json, uint32_t text, bool quiet)
{
    const char *content = json->text[text].content;
    struct scanner scanner = {.json = json,
                              .at = content,
                              .start = content,
                              .end = content + json->text[text].bytes,
                              .text = text,
                              .quiet = quiet};
    return scan_text(&scanner);
}
