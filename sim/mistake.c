/* Collects mistakes, prints them with the line they stand in, and guesses what was meant. */
#include "sim/mistake.h"
#include "sim/alloc.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------
 * Collecting
 * --------------------------------------------------------------------------------------------- */

/* Text that came from a file may hold anything; a message must not move the terminal's cursor. */
static void make_printable(char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        size_t bytes = fl_utf8_bytes(text, left);
        if (bytes == 0 || (unsigned char)*text < 0x20 || *text == 0x7f) {
            *text = '?';
            bytes = 1;
        }
        text += bytes;
        left -= bytes;
    }
}

static void add(struct fl_json *json, struct fl_mistake mistake)
{
    json->mistake =
        fl_grow(json->mistake, json->mistake_count, &json->mistake_room, sizeof mistake);
    make_printable(mistake.message);
    mistake.order = json->mistake_count;
    json->mistake[json->mistake_count++] = mistake;
}

/* "POINTER: sentence", or the sentence alone. */
static char *message_of(const char *pointer, const char *format, va_list arguments,
                        const char *after)
{
    char *message = NULL;
    size_t bytes = 0;
    FILE *out = fl_text_open(&message, &bytes);
    fprintf(out, "%s%s", pointer, *pointer ? ": " : "");
    vfprintf(out, format, arguments);
    fputs(after, out);
    fl_text_close(out);
    return message;
}

/* Mistakes in a default point at the object that lacks the key: nobody wrote the default. */
static void add_at(struct fl_json *json, const cJSON *item, enum fl_mistake_part part,
                   const char *format, va_list arguments)
{
    const struct fl_span *span = fl_json_span(json, item);
    const bool fallback = json->text[span->text].kind == FL_TEXT_DEFAULT;
    char *pointer = fl_json_pointer(json, item);
    char *message = message_of(pointer, format, arguments, fallback ? " (by default)" : "");
    free(pointer);
    while (json->text[span->text].kind == FL_TEXT_DEFAULT) {
        span = &json->span[json->text[span->text].anchor];
    }
    const char first = json->text[span->text].content[span->offset];
    struct fl_mistake mistake = {
        .text = span->text, .offset = span->offset, .bytes = span->bytes, .message = message};
    if (part == FL_AT_KEY && span->key_bytes > 0) {
        mistake.offset = span->key_offset;
        mistake.bytes = span->key_bytes;
    } else if (first == '{' || first == '[') {
        mistake.bytes = 1;
    }
    add(json, mistake);
}

void fl_mistake(struct fl_json *json, const cJSON *item, enum fl_mistake_part part,
                const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_at(json, item, part, format, arguments);
    va_end(arguments);
}

void fl_mistake_in(struct fl_json *json, uint32_t text, size_t offset, size_t bytes,
                   const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *message = message_of(json->text[text].prefix, format, arguments, "");
    va_end(arguments);
    add(json, (struct fl_mistake){.text = text,
                                  .offset = (uint32_t)offset,
                                  .bytes = (uint32_t)bytes,
                                  .message = message});
}

/* ------------------------------------------------------------------------------------------------
 * Printing
 * --------------------------------------------------------------------------------------------- */

static void find_lines(struct fl_text *text)
{
    uint32_t count = 1;
    for (uint32_t i = 0; i < text->bytes; i++) {
        count += text->content[i] == '\n';
    }
    text->line = fl_alloc((size_t)count + 1, sizeof *text->line);
    text->line_count = 1;
    for (uint32_t i = 0; i < text->bytes; i++) {
        if (text->content[i] == '\n') {
            text->line[text->line_count++] = i + 1;
        }
    }
    text->line[text->line_count] = text->bytes;
}

/* Index of the line that holds an offset. */
static uint32_t line_of(struct fl_text *text, uint32_t offset)
{
    if (!text->line) {
        find_lines(text);
    }
    uint32_t low = 0, high = text->line_count;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        *(text->line[middle] <= offset ? &low : &high) = middle;
    }
    return low;
}

/* One character of a source line: bytes taken, what is not printable becomes one byte wide. */
static size_t step(const char *at, const char *end)
{
    const size_t bytes = fl_utf8_bytes(at, (size_t)(end - at));
    return bytes > 0 ? bytes : 1;
}

static uint32_t characters(const char *from, const char *to)
{
    uint32_t count = 0;
    for (; from < to; from += step(from, to)) {
        count++;
    }
    return count;
}

/* Characters before a place in its line. Mistakes come in order, so counting goes on where it
 * stopped: a scenario in one long line would else take time with the square of its length. */
static uint32_t column_of(struct fl_text *text, uint32_t line, uint32_t offset)
{
    if (text->seen_line != line || text->seen_offset < text->line[line] ||
        text->seen_offset > offset) {
        text->seen_line = line;
        text->seen_offset = text->line[line];
        text->seen_column = 0;
    }
    text->seen_column += characters(text->content + text->seen_offset, text->content + offset);
    text->seen_offset = offset;
    return text->seen_column;
}

enum { EXCERPT_BEFORE = 80, EXCERPT_BYTES = 160 };

/* The part of a line that is shown: all of it unless it is very long. */
struct excerpt {
    const char *from, *to;
    bool cut_before, cut_after;
};

static struct excerpt excerpt_of(const char *line, const char *end, const char *at)
{
    struct excerpt shown = {line, end, false, false};
    if (end - line > EXCERPT_BYTES) {
        const char *from = at - line > EXCERPT_BEFORE ? at - EXCERPT_BEFORE : line;
        while (from > line && ((unsigned char)*from & 0xc0) == 0x80) {
            from--;
        }
        shown.from = from;
        shown.cut_before = from > line;
        for (shown.to = from; shown.to < end && shown.to - from < EXCERPT_BYTES;) {
            shown.to += step(shown.to, end);
        }
        shown.cut_after = shown.to < end;
    }
    return shown;
}

static void print_source(FILE *to, struct excerpt shown)
{
    fputs(shown.cut_before ? "..." : "", to);
    for (const char *at = shown.from; at < shown.to;) {
        const size_t bytes = step(at, shown.to);
        const bool plain = *at == '\t' || ((unsigned char)*at >= 0x20 && *at != 0x7f &&
                                           fl_utf8_bytes(at, bytes) == bytes);
        fprintf(to, "%.*s", plain ? (int)bytes : 1, plain ? at : "?");
        at += bytes;
    }
    fputs(shown.cut_after ? "...\n" : "\n", to);
}

/* Blanks up to `at`, tabs kept so that they take as much room as above, then ^~~~. */
static void print_caret(FILE *to, struct excerpt shown, const char *at, size_t bytes)
{
    fputs(shown.cut_before ? "   " : "", to);
    for (const char *blank = shown.from; blank < at; blank += step(blank, at)) {
        fputc(*blank == '\t' ? '\t' : ' ', to);
    }
    const size_t left = shown.to > at ? (size_t)(shown.to - at) : 0;
    uint32_t width = characters(at, at + (bytes < left ? bytes : left));
    fputc('^', to);
    while (width-- > 1) {
        fputc('~', to);
    }
    fputc('\n', to);
}

static void print_one(FILE *to, struct fl_text *text, const struct fl_mistake *mistake)
{
    if (text->kind != FL_TEXT_FILE) {
        fprintf(to, "%s: error: %s\n", text->name, mistake->message);
        return;
    }
    const uint32_t line = line_of(text, mistake->offset);
    const char *start = text->content + text->line[line], *at = text->content + mistake->offset;
    const char *end = text->content + text->line[line + 1];
    while (end > start && (end[-1] == '\n' || end[-1] == '\r')) {
        end--;
    }
    fprintf(to, "%s:%" PRIu32 ":%" PRIu32 ": error: %s\n", text->name, line + 1,
            column_of(text, line, mistake->offset) + 1, mistake->message);
    const struct excerpt shown = excerpt_of(start, end, at);
    fprintf(to, "%5" PRIu32 " | ", line + 1);
    print_source(to, shown);
    fputs("      | ", to);
    print_caret(to, shown, at, mistake->bytes);
}

static int by_place(const void *left, const void *right)
{
    const struct fl_mistake *a = left, *b = right;
    const uint32_t l[] = {a->text, a->offset, a->order}, r[] = {b->text, b->offset, b->order};
    for (int i = 0; i < 3; i++) {
        if (l[i] != r[i]) {
            return l[i] < r[i] ? -1 : 1;
        }
    }
    return 0;
}

/* Into memory first: a terminal that is written to letter by letter takes a second per page. */
void fl_mistake_print(struct fl_json *json, FILE *to)
{
    char *all = NULL;
    size_t bytes = 0;
    FILE *out = fl_text_open(&all, &bytes);
    if (json->mistake_count > 0) {
        qsort(json->mistake, json->mistake_count, sizeof *json->mistake, by_place);
    }
    for (uint32_t i = 0; i < json->mistake_count && i < FL_MISTAKES_SHOWN; i++) {
        print_one(out, &json->text[json->mistake[i].text], &json->mistake[i]);
    }
    if (json->mistake_count > FL_MISTAKES_SHOWN) {
        fprintf(out, "%s: error: and %" PRIu32 " more\n", json->text[0].name,
                json->mistake_count - FL_MISTAKES_SHOWN);
    }
    fl_text_close(out);
    fwrite(all, 1, bytes, to);
    free(all);
}

/* ------------------------------------------------------------------------------------------------
 * Guessing
 * --------------------------------------------------------------------------------------------- */

enum { GUESS_LETTERS = 63 };

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Restricted Damerau-Levenshtein distance; row i - 2 is kept for exchanges of neighbours. */
static uint32_t edit_distance(const char *a, size_t a_count, const char *b, size_t b_count)
{
    uint32_t rows[3][GUESS_LETTERS + 1];
    for (uint32_t j = 0; j <= b_count; j++) {
        rows[0][j] = j;
    }
    for (uint32_t i = 1; i <= a_count; i++) {
        uint32_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (uint32_t j = 1; j <= b_count; j++) {
            const uint32_t replace = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = least(replace, least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                now[j] = least(now[j], before[j - 2] + 1);
            }
        }
    }
    return rows[a_count % 3][b_count];
}

void fl_guess_offer(struct fl_guess *guess, const char *known)
{
    const size_t wanted = strlen(guess->wanted), count = strlen(known);
    if (wanted > GUESS_LETTERS || count > GUESS_LETTERS || wanted == 0) {
        return;
    }
    const size_t longer = wanted > count ? wanted : count;
    const uint32_t limit = longer < 3 ? 1 : (uint32_t)(longer / 3);
    /* Units come last in names, and are forgotten most: "delay" is near "delay_ms". */
    const bool unit = count > wanted && known[wanted] == '_' &&
                      !memcmp(known, guess->wanted, wanted);
    const uint32_t distance = unit ? 1 : edit_distance(guess->wanted, wanted, known, count);
    if (distance <= limit && distance < longer && (!guess->best || distance < guess->distance)) {
        guess->best = known;
        guess->distance = distance;
    }
}

struct fl_hint fl_guess_hint(const struct fl_guess *guess)
{
    struct fl_hint hint = {""};
    if (guess->best) {
        snprintf(hint.text, sizeof hint.text, " (did you mean \"%s\"?)", guess->best);
    }
    return hint;
}
