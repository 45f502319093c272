/* Numbers as people read them. */
#include "analysis/wording.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const double MICRO = 1e-6;

void fl_say(char *out, size_t bytes, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out, bytes, format, args);
    va_end(args);
}

static uint64_t magnitude_of(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

/* One decimal below a hundred, none above: two or three digits that matter. */
static void scaled(double value, const char *sign, const char *unit, char out[FL_WORDING])
{
    fl_say(out, FL_WORDING, "%s$%.*f%s", sign, value < 99.95 ? 1 : 0, value, unit);
}

void fl_money_short(int64_t micro_usd, char out[FL_WORDING])
{
    const char *sign = micro_usd < 0 ? "-" : "";
    const double usd = (double)magnitude_of(micro_usd) * MICRO;
    if (usd < 999.5) {
        fl_say(out, FL_WORDING, "%s$%.*f", sign, usd < 9.995 && usd > 0 ? 2 : 0, usd);
    } else if (usd < 999.5e3) {
        scaled(usd / 1e3, sign, " k", out);
    } else if (usd < 999.5e6) {
        scaled(usd / 1e6, sign, " M", out);
    } else {
        scaled(usd / 1e9, sign, " B", out);
    }
}

static void group_digits(uint64_t value, char out[FL_WORDING])
{
    char digits[FL_WORDING];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    const size_t count = strlen(digits);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            out[used++] = ',';
        }
        out[used++] = digits[i];
    }
    out[used] = '\0';
}

void fl_thousands(int64_t count, char out[FL_WORDING])
{
    char digits[FL_WORDING];
    group_digits(magnitude_of(count), digits);
    fl_say(out, FL_WORDING, "%s%s", count < 0 ? "-" : "", digits);
}

void fl_money_full(int64_t micro_usd, char out[FL_WORDING])
{
    const uint64_t cents = magnitude_of(micro_usd) / 10000 +
                           (magnitude_of(micro_usd) % 10000 >= 5000);
    char digits[FL_WORDING];
    group_digits(cents / 100, digits);
    fl_say(out, FL_WORDING, "%s$%s.%02u", micro_usd < 0 && cents > 0 ? "-" : "", digits,
           (unsigned)(cents % 100));
}

void fl_money_exact(int64_t micro_usd, char out[FL_WORDING])
{
    char digits[FL_WORDING];
    group_digits(magnitude_of(micro_usd) / 1000000, digits);
    fl_say(out, FL_WORDING, "%s$%s.%06u", micro_usd < 0 ? "-" : "", digits,
           (unsigned)(magnitude_of(micro_usd) % 1000000));
}

void fl_price_short(int64_t micro_usd, char out[FL_WORDING])
{
    const char *sign = micro_usd < 0 ? "-" : "";
    const double usd = (double)magnitude_of(micro_usd) * MICRO;
    if (usd >= 999.5) {
        char digits[FL_WORDING];
        group_digits((uint64_t)llround(usd), digits);
        fl_say(out, FL_WORDING, "%s$%s", sign, digits);
        return;
    }
    const int before_point = usd > 0 ? (int)floor(log10(usd)) + 1 : 1;
    const int decimals = before_point >= 3 ? 0 : 3 - before_point;
    fl_say(out, FL_WORDING, "%s$%.*f", sign, decimals > 6 ? 6 : decimals, usd);
}

void fl_clock(fl_time at, char out[FL_WORDING])
{
    const int64_t ms = at / FL_MILLISECOND;
    fl_say(out, FL_WORDING, "%" PRId64 ":%02d:%02d.%03d", ms / 3600000, (int)(ms / 60000 % 60),
           (int)(ms / 1000 % 60), (int)(ms % 1000));
}

/* "1 minute", "60 minutes", "3.5 hours". */
static void counted(double amount, const char *noun, char out[FL_WORDING])
{
    const double rounded = amount < 9.95 ? round(amount * 10) / 10 : round(amount);
    const int decimals = fabs(rounded - round(rounded)) < 0.05 ? 0 : 1;
    fl_say(out, FL_WORDING, "%.*f %s%s", decimals, rounded, noun,
           fabs(rounded - 1) < 0.05 ? "" : "s");
}

void fl_duration(fl_time span, char out[FL_WORDING])
{
    const double seconds = (double)span / (double)FL_SECOND;
    if (seconds < 1) {
        counted(seconds * 1e3, "millisecond", out);
    } else if (seconds < 90) {
        counted(seconds, "second", out);
    } else if (seconds < 2 * 3600) {
        counted(seconds / 60, "minute", out);
    } else if (seconds < 48 * 3600) {
        counted(seconds / 3600, "hour", out);
    } else {
        counted(seconds / 86400, "day", out);
    }
}

void fl_percent(double ratio, char out[FL_WORDING])
{
    const double percent = ratio * 100;
    fl_say(out, FL_WORDING, "%.*f %%", fabs(percent) < 0.995 && percent != 0 ? 1 : 0, percent);
}

void fl_plural(const char *noun, char *out, size_t bytes)
{
    const size_t length = strlen(noun);
    const char last = length > 0 ? noun[length - 1] : '\0';
    const char before = length > 1 ? noun[length - 2] : 'a';
    if (last == 's') {
        fl_say(out, bytes, "%s", noun);
    } else if (last == 'y' && !strchr("aeiou", before)) {
        fl_say(out, bytes, "%.*sies", (int)length - 1, noun);
    } else {
        fl_say(out, bytes, "%ss", noun);
    }
}

/* value / 10^digits without trailing zeros. */
static void trimmed_decimal(int64_t value, int digits, const char *suffix, char out[FL_WORDING])
{
    uint64_t one = 1;
    for (int i = 0; i < digits; i++) {
        one *= 10;
    }
    char text[FL_WORDING];
    const uint64_t magnitude = magnitude_of(value);
    snprintf(text, sizeof text, "%s%" PRIu64 ".%0*" PRIu64, value < 0 ? "-" : "", magnitude / one,
             digits, magnitude % one);
    size_t end = strlen(text);
    while (text[end - 1] == '0') {
        text[--end] = '\0';
    }
    if (text[end - 1] == '.') {
        text[--end] = '\0';
    }
    fl_say(out, FL_WORDING, "%s%s", text, suffix);
}

void fl_value_text(int64_t value, const char *units, char out[FL_WORDING])
{
    if (strcmp(units, "1e-6 USD") == 0) {
        fl_money_full(value, out);
    } else if (strcmp(units, "ns") == 0) {
        trimmed_decimal(value, 9, " s", out);
    } else if (strcmp(units, "1e-6") == 0) {
        trimmed_decimal(value, 4, " %", out);
    } else if (strcmp(units, "1e-6 base units") == 0) {
        trimmed_decimal(value, 6, "", out);
    } else if (strcmp(units, "0 or 1") == 0) {
        fl_say(out, FL_WORDING, "%s", value ? "yes" : "no");
    } else if (strcmp(units, "id") == 0) {
        fl_say(out, FL_WORDING, "%" PRId64, value);
    } else {
        fl_thousands(value, out);
    }
}
