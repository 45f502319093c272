/* Numbers from their text, words, probability laws: what is wrong with them, what they are. */
#include "sim/values.h"
#include "sim/empirical.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------
 * Decimals
 * --------------------------------------------------------------------------------------------- */

/* Doubles hold every integer up to here. */
#define DOUBLE_EXACT ((uint64_t)1 << 53)
enum { INT64_DIGITS = 19, EXPONENT_MAX = 1000000 };

enum decimal { DECIMAL_OK = 1, DECIMAL_MALFORMED, DECIMAL_INEXACT, DECIMAL_TOO_LARGE };

/* A decimal number in pieces: sign, digits with a point among them, power of ten. */
struct parts {
    bool negative;
    const char *digit;    /* the first that counts */
    size_t bytes;         /* up to the last that counts, the point included */
    int64_t count, scale; /* digits that count; value = digits * 10^scale */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *after_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at)) {
        at++;
    }
    return at;
}

/* The power of ten after 'e'; NULL if it is malformed, else the end. */
static const char *exponent_of(const char *at, const char *end, int64_t *exponent)
{
    const bool negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    const char *last = after_digits(at, end);
    if (last == at) {
        return NULL;
    }
    for (; at < last; at++) {
        *exponent = *exponent >= EXPONENT_MAX ? EXPONENT_MAX : *exponent * 10 + (*at - '0');
    }
    *exponent = negative ? -*exponent : *exponent;
    return last;
}

/* Drops zeros at both ends, so that what is left decides whether the value fits. */
static void trim(struct parts *parts, const char *from, const char *point, const char *last)
{
    while (from < last && (*from == '0' || *from == '.')) {
        from++;
    }
    const char *end = last;
    while (end > from && (end[-1] == '0' || end[-1] == '.')) {
        end--;
    }
    parts->digit = from;
    parts->bytes = (size_t)(end - from);
    for (const char *c = from; c < end; c++) {
        parts->count += *c != '.';
    }
    /* Digits between the last that counts and the point, or from the point to it. */
    parts->scale += end <= point ? point - end : -(end - point - 1);
}

/* The grammar of JSON numbers. */
static bool split(const char *text, size_t length, bool exponents, struct parts *parts)
{
    const char *at = text, *end = text + length;
    parts->negative = at < end && *at == '-';
    at += parts->negative;
    const char *first = at;
    const char *point = after_digits(first, end);
    if (point == first || (*first == '0' && point - first > 1)) {
        return false;
    }
    const char *last = point;
    if (last < end && *last == '.') {
        last = after_digits(point + 1, end);
        if (last == point + 1) {
            return false;
        }
    }
    at = last;
    if (exponents && at < end && (*at == 'e' || *at == 'E')) {
        at = exponent_of(at + 1, end, &parts->scale);
    }
    if (at != end) {
        return false;
    }
    trim(parts, first, point, last);
    return true;
}

static enum decimal scaled(const char *text, size_t length, bool exponents, uint32_t digits,
                           int64_t *out)
{
    struct parts parts = {0};
    if (!split(text, length, exponents, &parts)) {
        return DECIMAL_MALFORMED;
    }
    int64_t zeros = parts.scale + (int64_t)digits;
    if (parts.count == 0) {
        *out = 0;
        return DECIMAL_OK;
    }
    if (zeros < 0) {
        return DECIMAL_INEXACT;
    }
    if (parts.count + zeros > INT64_DIGITS) {
        return DECIMAL_TOO_LARGE;
    }
    uint64_t magnitude = 0; /* at most 10^19 - 1: fits */
    for (size_t i = 0; i < parts.bytes; i++) {
        if (parts.digit[i] != '.') {
            magnitude = magnitude * 10 + (uint64_t)(parts.digit[i] - '0');
        }
    }
    for (; zeros > 0; zeros--) {
        magnitude *= 10;
    }
    if (magnitude > (uint64_t)INT64_MAX + parts.negative) {
        return DECIMAL_TOO_LARGE;
    }
    /* Not -(int64_t)magnitude: that would overflow for INT64_MIN. */
    *out = parts.negative ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
    return DECIMAL_OK;
}

bool fl_decimal(const char *text, size_t length, uint32_t digits, int64_t *out)
{
    return scaled(text, length, false, digits, out) == DECIMAL_OK;
}

static uint64_t magnitude_of(int64_t value)
{
    return value < 0 ? (uint64_t)(-(value + 1)) + 1 : (uint64_t)value;
}

enum { POWERS = 20, NUMBER_BYTES = 48 };

/* 10^digits. */
static uint64_t power_of_ten(uint32_t digits)
{
    FL_ASSERT(digits < POWERS);
    uint64_t power = 1;
    while (digits-- > 0) {
        power *= 10;
    }
    return power;
}

struct number_text {
    char text[NUMBER_BYTES];
};

/* The shortest decimal of a scaled integer. */
static struct number_text number_text(int64_t value, uint32_t digits)
{
    struct number_text out;
    const uint64_t unit = power_of_ten(digits), magnitude = magnitude_of(value);
    const char *sign = value < 0 ? "-" : "";
    const int length = snprintf(out.text, sizeof out.text, "%s%" PRIu64, sign, magnitude / unit);
    uint64_t fraction = magnitude % unit;
    if (fraction == 0) {
        return out;
    }
    while (fraction % 10 == 0) {
        fraction /= 10;
        digits--;
    }
    snprintf(out.text + length, sizeof out.text - (size_t)length, ".%0*" PRIu64, (int)digits,
             fraction);
    return out;
}

static bool needs_quotes(int64_t value, uint32_t digits)
{
    return magnitude_of(value) / power_of_ten(digits) > DOUBLE_EXACT;
}

cJSON *fl_number_item(int64_t value, uint32_t digits)
{
    const struct number_text number = number_text(value, digits);
    return fl_json_made(needs_quotes(value, digits) ? cJSON_CreateString(number.text)
                                                    : cJSON_CreateRaw(number.text));
}

/* ------------------------------------------------------------------------------------------------
 * Objects and their keys
 * --------------------------------------------------------------------------------------------- */

const cJSON *fl_member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

bool fl_is_object(struct fl_reading *reading, const cJSON *item)
{
    if (!cJSON_IsObject(item)) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "expected an object, found %s",
                   fl_json_type(item));
        return false;
    }
    return true;
}

bool fl_is_list(struct fl_reading *reading, const cJSON *item, const char *of)
{
    if (!cJSON_IsArray(item)) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "expected a list of %s, found %s", of,
                   fl_json_type(item));
        return false;
    }
    return true;
}

/* True if the guess's word is in the list; offers every word of it. */
static bool listed(struct fl_guess *guess, const char *const *list)
{
    for (; list && *list; list++) {
        if (strcmp(guess->wanted, *list) == 0) {
            return true;
        }
        fl_guess_offer(guess, *list);
    }
    return false;
}

static bool in_rows(struct fl_guess *guess, const struct fl_param *row)
{
    for (; row && row->key; row++) {
        if (strcmp(guess->wanted, row->key) == 0) {
            return true;
        }
        fl_guess_offer(guess, row->key);
    }
    return false;
}

void fl_check_keys(struct fl_reading *reading, const cJSON *object, const char *const *known,
                   const char *const *also, const struct fl_param *rows)
{
    for (const cJSON *item = object->child; item; item = item->next) {
        struct fl_guess guess = {.wanted = item->string};
        const bool comment = strcmp(item->string, "$comment") == 0;
        if (!comment && !listed(&guess, known) && !listed(&guess, also) && !in_rows(&guess, rows)) {
            fl_mistake(&reading->json, item, FL_AT_KEY, "unknown key%s",
                       fl_guess_hint(&guess).text);
        }
    }
}

void fl_missing(struct fl_reading *reading, const cJSON *object, const char *key)
{
    fl_mistake(&reading->json, object, FL_AT_VALUE, "missing required key \"%s\"", key);
}

/* ------------------------------------------------------------------------------------------------
 * Plain values
 * --------------------------------------------------------------------------------------------- */

/* Names the bound that is broken, or both: a bound at the end of int64 is no bound a user set. */
static void report_range(struct fl_reading *reading, const cJSON *item, struct fl_range range,
                         bool both)
{
    size_t bytes;
    const char *text = fl_json_slice(&reading->json, item, &bytes);
    const int shown = (int)(bytes < FL_QUOTED_BYTES ? bytes : FL_QUOTED_BYTES);
    const struct number_text min = number_text(range.min, range.digits);
    const struct number_text max = number_text(range.max, range.digits);
    char bounds[2 * NUMBER_BYTES + 16];
    if (!both && range.max == INT64_MAX) {
        snprintf(bounds, sizeof bounds, "at least %s", min.text);
    } else if (!both && range.min == INT64_MIN) {
        snprintf(bounds, sizeof bounds, "at most %s", max.text);
    } else {
        snprintf(bounds, sizeof bounds, "%s to %s", min.text, max.text);
    }
    fl_mistake(&reading->json, item, FL_AT_VALUE, "%.*s is out of range (%s)", shown, text, bounds);
}

static void report_decimal(struct fl_reading *reading, const cJSON *item, struct fl_range range,
                           enum decimal found)
{
    size_t bytes;
    const char *text = fl_json_slice(&reading->json, item, &bytes);
    const int shown = (int)(bytes < FL_QUOTED_BYTES ? bytes : FL_QUOTED_BYTES);
    if (found == DECIMAL_MALFORMED) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "expected a number, found the string %.*s",
                   shown, text);
    } else if (found == DECIMAL_INEXACT && range.digits == 0) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "expected an integer, found %.*s", shown,
                   text);
    } else if (found == DECIMAL_INEXACT) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "%.*s has more than %" PRIu32 " decimals",
                   shown, text, range.digits);
    } else {
        report_range(reading, item, range, true);
    }
}

cJSON *fl_read_number(struct fl_reading *reading, const cJSON *item, struct fl_range range,
                      int64_t *out)
{
    if (!cJSON_IsNumber(item) && !cJSON_IsString(item)) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "expected a number, found %s",
                   fl_json_type(item));
        return NULL;
    }
    size_t bytes;
    const char *text = fl_json_slice(&reading->json, item, &bytes);
    if (cJSON_IsString(item)) {
        text = item->valuestring;
        bytes = strlen(text);
    }
    int64_t value;
    const enum decimal found = scaled(text, bytes, true, range.digits, &value);
    if (found != DECIMAL_OK) {
        report_decimal(reading, item, range, found);
        return NULL;
    }
    if (value < range.min || value > range.max) {
        report_range(reading, item, range, false);
        return NULL;
    }
    if (cJSON_IsNumber(item) && needs_quotes(value, range.digits)) {
        fl_mistake(
            &reading->json, item, FL_AT_VALUE,
            "a number above 2^53 must be a string (\"%.*s\"): other readers of JSON round it",
            (int)bytes, text);
        return NULL;
    }
    *out = value;
    return fl_number_item(value, range.digits);
}

cJSON *fl_read_bool(struct fl_reading *reading, const cJSON *item, bool *out)
{
    if (!cJSON_IsBool(item)) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "expected true or false, found %s",
                   fl_json_type(item));
        return NULL;
    }
    *out = cJSON_IsTrue(item);
    return fl_json_made(cJSON_CreateBool(*out));
}

const char *fl_read_word(struct fl_reading *reading, const cJSON *item)
{
    if (!cJSON_IsString(item)) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "expected a string, found %s",
                   fl_json_type(item));
        return NULL;
    }
    return item->valuestring;
}

uint32_t fl_read_choice(struct fl_reading *reading, const cJSON *item, const char *const *words)
{
    struct fl_guess guess = {.wanted = fl_read_word(reading, item)};
    if (!guess.wanted) {
        return UINT32_MAX;
    }
    char known[FL_QUOTED_BYTES * 2] = "";
    for (uint32_t i = 0; words[i]; i++) {
        if (strcmp(guess.wanted, words[i]) == 0) {
            return i;
        }
        fl_guess_offer(&guess, words[i]);
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    fl_mistake(&reading->json, item, FL_AT_VALUE, "unknown word \"%.*s\"%s; known: %s",
               FL_QUOTED_BYTES, guess.wanted, fl_guess_hint(&guess).text, known);
    return UINT32_MAX;
}

/* Digits of one base, nothing else, below 2^64. */
static bool read_digits(const char *text, uint32_t base, uint64_t *value)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    *value = 0;
    const char *at = text;
    for (; *at; at++) {
        const char *found = strchr(digits, *at);
        const uint64_t digit = found ? (uint64_t)(found - digits) % 16 : 16;
        if (digit >= base || *value > (UINT64_MAX - digit) / base) {
            return false;
        }
        *value = *value * base + digit;
    }
    return at > text;
}

static bool seed_of(struct fl_reading *reading, const cJSON *item, uint64_t *seed)
{
    if (cJSON_IsString(item)) {
        const char *text = item->valuestring;
        const bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
        return read_digits(hexadecimal ? text + 2 : text, hexadecimal ? 16 : 10, seed);
    }
    size_t bytes;
    const char *text = fl_json_slice(&reading->json, item, &bytes);
    int64_t number;
    if (!cJSON_IsNumber(item) || !fl_decimal(text, bytes, 0, &number) || number < 0) {
        return false;
    }
    *seed = (uint64_t)number;
    return *seed <= FL_SEED_NUMBER_MAX;
}

void fl_read_seed(struct fl_reading *reading, const cJSON *item, uint64_t *seed)
{
    if (!seed_of(reading, item, seed)) {
        fl_mistake(&reading->json, item, FL_AT_VALUE,
                   "expected an integer from 0 to 2^53, or a string with a decimal or 0x number "
                   "below 2^64");
    }
}

int64_t fl_read_number_key(struct fl_reading *reading, const cJSON *object, const char *key,
                           struct fl_range range, int64_t fallback, cJSON *out)
{
    const cJSON *item = fl_member(object, key);
    int64_t value = fallback;
    cJSON *read = item ? fl_read_number(reading, item, range, &value) : NULL;
    fl_json_put(out, key, read ? read : fl_number_item(value, range.digits));
    return value;
}

/* ------------------------------------------------------------------------------------------------
 * Laws
 * --------------------------------------------------------------------------------------------- */

/* sigma and alpha: sim/law.h. */
enum { SHAPE_DIGITS = 6 };
#define SHAPE_MAX ((int64_t)1000000000000)

const struct fl_law_form fl_law_forms[] = {
    {"constant", FL_CONSTANT, "value", NULL, false},
    {"uniform", FL_UNIFORM, "min", "max", false},
    {"exponential", FL_EXPONENTIAL, "mean", NULL, false},
    {"normal", FL_NORMAL, "mean", "sd", false},
    {"lognormal", FL_LOGNORMAL, "median", "sigma", true},
    {"pareto", FL_PARETO, "min", "alpha", true},
    {.name = NULL},
};
enum { LAW_FORMS = sizeof fl_law_forms / sizeof *fl_law_forms - 1 };

static const struct fl_law_form *law_form(struct fl_reading *reading, const cJSON *object)
{
    const cJSON *item = fl_member(object, "law");
    if (!item) {
        fl_missing(reading, object, "law");
        return NULL;
    }
    const char *names[LAW_FORMS + 2];
    for (size_t i = 0; i < LAW_FORMS; i++) {
        names[i] = fl_law_forms[i].name;
    }
    names[LAW_FORMS] = "empirical"; /* of another form: sim/empirical.h */
    names[LAW_FORMS + 1] = NULL;
    const uint32_t form = fl_read_choice(reading, item, names);
    return form == UINT32_MAX ? NULL : &fl_law_forms[form];
}

/* One key of a law; `needed` says whether it may be absent. */
static bool law_key(struct fl_reading *reading, const cJSON *object, const char *key, bool needed,
                    struct fl_range range, int64_t *value, cJSON *out)
{
    const cJSON *item = fl_member(object, key);
    if (!item && needed) {
        fl_missing(reading, object, key);
        return false;
    }
    cJSON *read = item ? fl_read_number(reading, item, range, value)
                       : fl_number_item(*value, range.digits);
    if (read) {
        fl_json_put(out, key, read);
    }
    return read != NULL;
}

/* What bounds the first number of a law: some laws live above zero only. */
struct fl_range fl_law_first_range(const struct fl_law_form *form, struct fl_range range)
{
    const bool positive = form->shape || form->kind == FL_EXPONENTIAL;
    range.min = positive && range.min < 1 ? 1 : range.min;
    return range;
}

struct fl_range fl_law_second_range(const struct fl_law_form *form, struct fl_range range)
{
    if (form->shape) {
        return (struct fl_range){SHAPE_DIGITS, form->kind == FL_PARETO, SHAPE_MAX};
    }
    if (form->kind == FL_NORMAL) {
        range.min = 0; /* a standard deviation is not a value of the law */
    }
    return range;
}

/* What fl_law_check would say too, in the words of the scenario. */
static const char *law_order(const struct fl_law *law)
{
    if (law->kind == FL_UNIFORM && law->a > law->b) {
        return "min must not be above max";
    }
    return law->min > law->max ? "at_least must not be above at_most" : NULL;
}

static cJSON *read_law_object(struct fl_reading *reading, const cJSON *item, struct fl_range range,
                              struct fl_law *law)
{
    const struct fl_law_form *form = law_form(reading, item);
    if (!form) {
        return NULL;
    }
    const char *const keys[] = {"law", "at_least", "at_most", form->a, form->b, NULL};
    fl_check_keys(reading, item, keys, NULL, NULL);
    cJSON *out = fl_json_made(cJSON_CreateObject());
    fl_json_put(out, "law", cJSON_CreateString(form->name));
    *law = (struct fl_law){.kind = form->kind, .min = range.min, .max = range.max};
    bool ok = law_key(reading, item, form->a, true, fl_law_first_range(form, range), &law->a, out);
    if (form->b) {
        ok &= law_key(reading, item, form->b, true, fl_law_second_range(form, range), &law->b, out);
    }
    ok &= law_key(reading, item, "at_least", false, range, &law->min, out);
    ok &= law_key(reading, item, "at_most", false, range, &law->max, out);
    const char *wrong = !ok ? NULL : law_order(law);
    if (wrong) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "%s", wrong);
    }
    if (!ok || wrong) {
        cJSON_Delete(out);
        return NULL;
    }
    return out;
}

cJSON *fl_read_law(struct fl_reading *reading, const cJSON *item, struct fl_range range,
                   struct fl_law *out)
{
    cJSON *read;
    if (cJSON_IsObject(item) && fl_is_empirical(item)) {
        read = fl_read_empirical(reading, item, range, out);
    } else if (cJSON_IsObject(item)) {
        read = read_law_object(reading, item, range, out);
    } else if (cJSON_IsNumber(item) || cJSON_IsString(item)) {
        *out = (struct fl_law){.kind = FL_CONSTANT, .min = range.min, .max = range.max};
        read = fl_read_number(reading, item, range, &out->a);
    } else {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "expected a number or a law, found %s",
                   fl_json_type(item));
        return NULL;
    }
    const char *wrong = read ? fl_law_check(out) : NULL;
    if (wrong) {
        fl_mistake(&reading->json, item, FL_AT_VALUE, "%s", wrong); /* what ranges do not say */
        cJSON_Delete(read);
        return NULL;
    }
    return read;
}
