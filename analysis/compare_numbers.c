/* The numbers of two summaries, exactly. */
#include "analysis/compare.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NANO = 9, PATH_BYTES = 1024, WHOLE_DIGITS = 19 };

/* --- exact decimals -------------------------------------------------------------------------------- */

/* [-]digits[.digits], at most 19 and 9 of them. */
bool fl_exact_read(const char *text, struct fl_exact *out)
{
    const char *at = text + (*text == '-');
    const size_t whole = strspn(at, "0123456789");
    fl_i128 value = 0;
    if (whole == 0 || whole > WHOLE_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < whole; i++) {
        value = 10 * value + (*at++ - '0');
    }
    const bool point = *at == '.';
    at += point;
    const size_t digits = point ? strspn(at, "0123456789") : 0;
    if (digits > NANO || at[digits] != '\0' || (point && digits == 0)) {
        return false;
    }
    for (size_t i = 0; i < NANO; i++) {
        value = 10 * value + (i < digits ? at[i] - '0' : 0);
    }
    *out = (struct fl_exact){*text == '-' ? -value : value, (int)digits};
    return true;
}

/* Whole dollars have at most 39 digits, and 12 commas. */
void fl_exact_text(struct fl_exact value, bool sign, char out[FL_EXACT_TEXT])
{
    const bool negative = value.nano < 0;
    fl_u128 rest = negative ? (fl_u128)0 - (fl_u128)value.nano : (fl_u128)value.nano;
    char reversed[FL_EXACT_TEXT];
    size_t used = 0;
    for (int i = 0; i < NANO; i++, rest /= 10) {
        if (i >= NANO - value.digits) {
            reversed[used++] = (char)('0' + (int)(rest % 10));
        }
    }
    if (value.digits > 0) {
        reversed[used++] = '.';
    }
    int whole = 0;
    do {
        if (whole > 0 && whole % 3 == 0) {
            reversed[used++] = ',';
        }
        reversed[used++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
        whole++;
    } while (rest > 0);
    FL_ASSERT(used + 2 <= FL_EXACT_TEXT);
    size_t at = 0;
    if (negative || (sign && value.nano > 0)) {
        out[at++] = negative ? '-' : '+';
    }
    while (used > 0) {
        out[at++] = reversed[--used];
    }
    out[at] = '\0';
}

/* --- leaves ---------------------------------------------------------------------------------------- */

/* A number of JSON has at most 15 digits that matter here: counts, seconds, ratios. More would not
 * have survived as a double. */
static void number_text(double number, char out[FL_EXACT_TEXT])
{
    enum { MATTER = 15 };
    const double size = fabs(number);
    const int whole = size >= 1 ? (int)floor(log10(size)) + 1 : 1;
    const int digits = whole >= MATTER ? 0 : MATTER - whole < NANO ? MATTER - whole : NANO;
    fl_say(out, FL_EXACT_TEXT, "%.*f", digits, number);
    char *end = out + strlen(out);
    while (strchr(out, '.') && end[-1] == '0') {
        *--end = '\0';
    }
    if (end[-1] == '.') {
        end[-1] = '\0';
    }
    if (strcmp(out, "-0") == 0) {
        strcpy(out, "0");
    }
}

static char *text_of(const cJSON *item)
{
    if (cJSON_IsString(item)) {
        return fl_strdup(item->valuestring);
    }
    if (cJSON_IsNumber(item)) {
        char number[FL_EXACT_TEXT];
        number_text(item->valuedouble, number);
        return fl_strdup(number);
    }
    char *printed = cJSON_PrintUnformatted(item);
    if (!printed) {
        fl_out_of_memory();
    }
    char *copy = fl_strdup(printed);
    cJSON_free(printed);
    return copy;
}

/* A few thousand at most, of which most are found at once: both summaries have the same order. */
static struct fl_said *find_or_add(struct fl_summaries *out, const char *path, size_t *hint)
{
    for (size_t k = 0; k < out->count; k++) {
        const size_t i = (*hint + k) % out->count;
        if (strcmp(out->at[i].path, path) == 0) {
            *hint = i + 1;
            return &out->at[i];
        }
    }
    out->at = fl_grow(out->at, (uint32_t)out->count, &out->room, sizeof *out->at);
    out->at[out->count] = (struct fl_said){.path = fl_strdup(path)};
    return &out->at[out->count++];
}

struct reader {
    struct fl_summaries *out;
    int side;
    size_t hint;
};

static void read_leaf(struct reader *reader, const char *path, const cJSON *item)
{
    const int s = reader->side;
    struct fl_said *said = item ? find_or_add(reader->out, path, &reader->hint) : NULL;
    if (!said || said->text[s]) { /* a name that stands twice: the first is it */
        return;
    }
    said->text[s] = text_of(item);
    said->number[s] = (cJSON_IsNumber(item) || cJSON_IsString(item)) &&
                      fl_exact_read(said->text[s], &said->value[s]);
}

static void read_object(struct reader *reader, const char *path, const cJSON *object);

static const char *word_of(const cJSON *item, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, key));
    return text ? text : "";
}

/* What is expected is met or not; the numbers themselves stand elsewhere. */
static void read_expectation(struct reader *reader, const cJSON *item)
{
    char path[PATH_BYTES];
    const cJSON *ok = cJSON_GetObjectItemCaseSensitive(item, "ok");
    fl_say(path, sizeof path, "expect.%s %s %s", word_of(item, "path"), word_of(item, "op"),
           word_of(item, "value"));
    cJSON *words = cJSON_CreateString(cJSON_IsTrue(ok) ? "met" : "not met");
    read_leaf(reader, path, words);
    cJSON_Delete(words);
}

/* Entries go by their names. Of a check its verdict, as sweeps and expectations call it. */
static void read_list(struct reader *reader, const char *path, const cJSON *list)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        char inner[PATH_BYTES];
        fl_say(inner, sizeof inner, "%s.%s", path, word_of(item, "name"));
        if (strcmp(path, "checks") == 0) {
            read_leaf(reader, inner, cJSON_GetObjectItemCaseSensitive(item, "verdict"));
        } else if (strcmp(path, "expect") == 0) {
            read_expectation(reader, item);
        } else if (cJSON_IsObject(item)) {
            read_object(reader, inner, item);
        }
    }
}

static bool is_about_the_run(const char *path)
{
    static const char *const names[] = {"scenario", "seed", "digest", "content_hash"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(path, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_named_list(const cJSON *item)
{
    return cJSON_IsArray(item) && (!item->child || cJSON_IsObject(item->child));
}

static void read_object(struct reader *reader, const char *path, const cJSON *object)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        char inner[PATH_BYTES];
        fl_say(inner, sizeof inner, "%s%s%s", path, *path ? "." : "", item->string);
        const bool is_its_name = *path && strcmp(item->string, "name") == 0;
        if (is_about_the_run(inner) || is_its_name) {
            continue;
        }
        if (cJSON_IsObject(item)) {
            read_object(reader, inner, item);
        } else if (is_named_list(item)) {
            read_list(reader, inner, item);
        } else {
            read_leaf(reader, inner, item);
        }
    }
}

void fl_summaries_read(const cJSON *a, const cJSON *b, struct fl_summaries *out)
{
    *out = (struct fl_summaries){0};
    read_object(&(struct reader){out, 0, 0}, "", a);
    read_object(&(struct reader){out, 1, 0}, "", b);
}

void fl_summaries_free(struct fl_summaries *summaries)
{
    for (size_t i = 0; i < summaries->count; i++) {
        free(summaries->at[i].path);
        free(summaries->at[i].text[0]);
        free(summaries->at[i].text[1]);
    }
    free(summaries->at);
}

const struct fl_said *fl_said_find(const struct fl_summaries *summaries, const char *path)
{
    for (size_t i = 0; i < summaries->count; i++) {
        if (strcmp(summaries->at[i].path, path) == 0) {
            return &summaries->at[i];
        }
    }
    return NULL;
}

bool fl_said_both_numbers(const struct fl_said *said)
{
    return said->number[0] && said->number[1];
}

bool fl_said_moved(const struct fl_said *said)
{
    if (fl_said_both_numbers(said)) {
        return said->value[0].nano != said->value[1].nano;
    }
    return !said->text[0] || !said->text[1] || strcmp(said->text[0], said->text[1]) != 0;
}

struct fl_exact fl_said_difference(const struct fl_said *said)
{
    FL_ASSERT(fl_said_both_numbers(said));
    const int a = said->value[0].digits, b = said->value[1].digits;
    return (struct fl_exact){said->value[1].nano - said->value[0].nano, a > b ? a : b};
}
