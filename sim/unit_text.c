/* Exact text of integers by their unit. Never through a double. */
#include "sim/unit_text.h"

#include "sim/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void trim_zeros(char *decimal)
{
    char *end = decimal + strlen(decimal);
    while (end[-1] == '0') {
        *--end = '\0';
    }
    if (end[-1] == '.') {
        end[-1] = '\0';
    }
}

/* value / 10^digits, exactly. */
static void decimal_text(int64_t value, int digits, char out[FL_UNIT_TEXT])
{
    /* Unsigned negation, because -INT64_MIN does not exist. */
    const uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t one = 1;
    for (int i = 0; i < digits; i++) {
        one *= 10;
    }
    snprintf(out, FL_UNIT_TEXT, "%s%" PRIu64 ".%0*" PRIu64, value < 0 ? "-" : "", magnitude / one,
             digits, magnitude % one);
}

uint32_t fl_unit_digits(enum fl_unit unit)
{
    switch (unit) {
    case FL_COUNT:
    case FL_ID:
    case FL_BOOL:
        return 0;
    case FL_USD:
    case FL_SIZE:
    case FL_PPM:
        return 6;
    case FL_NANOSECOND:
        return 9;
    }
    FL_UNREACHABLE("unit of a value");
}

void fl_unit_text(int64_t value, enum fl_unit unit, char out[FL_UNIT_TEXT])
{
    switch (unit) {
    case FL_COUNT:
    case FL_ID:
        snprintf(out, FL_UNIT_TEXT, "%" PRId64, value);
        return;
    case FL_USD:
    case FL_SIZE:
        decimal_text(value, 6, out);
        return;
    case FL_NANOSECOND:
        decimal_text(value, 9, out);
        trim_zeros(out);
        return;
    case FL_PPM:
        decimal_text(value, 6, out);
        trim_zeros(out);
        return;
    case FL_BOOL:
        snprintf(out, FL_UNIT_TEXT, "%s", value ? "true" : "false");
        return;
    }
    FL_UNREACHABLE("unit of a value");
}

bool fl_unit_value(const char *text, enum fl_unit unit, int64_t *value)
{
    if (unit == FL_BOOL) {
        *value = strcmp(text, "true") == 0;
        return *value || strcmp(text, "false") == 0;
    }
    return fl_decimal(text, strlen(text), fl_unit_digits(unit), value);
}

const char *fl_unit_symbol(enum fl_unit unit)
{
    switch (unit) {
    case FL_COUNT:
        return "1";
    case FL_USD:
        return "1e-6 USD";
    case FL_NANOSECOND:
        return "ns";
    case FL_PPM:
        return "1e-6";
    case FL_SIZE:
        return "1e-6 base units";
    case FL_ID:
        return "id";
    case FL_BOOL:
        return "0 or 1";
    }
    FL_UNREACHABLE("unit of a column");
}

void fl_evidence_text(const struct fl_verdict *verdict, char out[FL_EVIDENCE_TEXT])
{
    size_t used = 0;
    for (const char *at = verdict->what ? verdict->what : ""; *at && used + 1 < FL_EVIDENCE_TEXT;) {
        if (at[0] == '{' && (at[1] == '0' || at[1] == '1') && at[2] == '}') {
            char value[FL_UNIT_TEXT];
            fl_unit_text(verdict->value[at[1] - '0'], verdict->unit[at[1] - '0'], value);
            const size_t length = strlen(value);
            if (used + length + 1 > FL_EVIDENCE_TEXT) {
                break;
            }
            memcpy(out + used, value, length);
            used += length;
            at += 3;
        } else {
            out[used++] = *at++;
        }
    }
    out[used] = '\0';
}

const char *fl_verdict_word(enum fl_verdict_kind kind)
{
    switch (kind) {
    case FL_HOLDS:
        return "holds";
    case FL_BROKEN:
        return "broken";
    case FL_NOT_APPLICABLE:
        return "not applicable";
    }
    FL_UNREACHABLE("kind of a verdict");
}

void fl_digest_text(struct fl_digest digest, char out[33])
{
    snprintf(out, 33, "%016" PRIx64 "%016" PRIx64, digest.hi, digest.lo);
}
