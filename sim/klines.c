/* Candles of an exchange, from a file to points: see klines.h. */
#include "sim/klines.h"
#include "sim/beside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *const fl_kline_prices[] = {"open", "high", "low", "close", NULL};

enum { OPEN }; /* its place in that list */
enum { NANOSECOND_DIGITS = 9, MICROSECOND = 1000, MILLISECOND = 1000 /* microseconds */ };

/* Twice as much, in nanoseconds, still fits: a time plus a candle. */
#define TIME_MAX_US (INT64_MAX / (2 * MICROSECOND))
#define MICROSECONDS_FROM INT64_C(100000000000000)

struct candle {
    int64_t at_us; /* since 1970, when it opens */
    int64_t open, price;
};

/* Which cell of a line holds what. */
struct columns {
    size_t time, open, price;
    bool utc; /* the time is a date, not a number */
};

/* A file while it is read. */
struct file {
    struct fl_reading *reading;
    const struct fl_param *row;
    const char *wanted; /* price */
    uint32_t text;
    struct columns columns;
    struct candle *candle;
    uint32_t count, room;
};

static const char *content_of(const struct file *f)
{
    return f->reading->json.text[f->text].content;
}

/* ------------------------------------------------------------------------------------------------
 * Lines
 * --------------------------------------------------------------------------------------------- */

/* The cell of that number; false if the line has fewer. */
static bool cell_at(const struct file *f, struct fl_line line, size_t index, struct fl_line *cell)
{
    const char *content = content_of(f);
    size_t from = line.from;
    const size_t end = line.from + line.bytes;
    for (;; index--) {
        const char *comma = memchr(content + from, ',', end - from);
        const size_t to = comma ? (size_t)(comma - content) : end;
        if (index == 0) {
            *cell = (struct fl_line){from, to - from};
            return true;
        }
        if (!comma) {
            return false;
        }
        from = to + 1;
    }
}

/* The number of the cell with that name in a heading; SIZE_MAX if there is none. */
static size_t column_of(const struct file *f, struct fl_line heading, const char *name)
{
    struct fl_line cell;
    for (size_t i = 0; cell_at(f, heading, i, &cell); i++) {
        if (cell.bytes == strlen(name) &&
            memcmp(content_of(f) + cell.from, name, cell.bytes) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static bool has_column(struct file *f, struct fl_line heading, const char *name, size_t index)
{
    if (index == SIZE_MAX) {
        fl_mistake_in(&f->reading->json, f->text, heading.from, heading.bytes,
                      "there is no column \"%s\"", name);
    }
    return index != SIZE_MAX;
}

/* The columns by name; false after a report. */
static bool read_heading(struct file *f, struct fl_line heading)
{
    static const char *const times[] = {"open_time", "unix_ms", "time_utc"};
    struct columns *c = &f->columns;
    c->time = SIZE_MAX;
    for (size_t i = 0; i < sizeof times / sizeof *times && c->time == SIZE_MAX; i++) {
        c->time = column_of(f, heading, times[i]);
        c->utc = strcmp(times[i], "time_utc") == 0;
    }
    c->open = column_of(f, heading, fl_kline_prices[OPEN]);
    c->price = column_of(f, heading, f->wanted);
    return has_column(f, heading, "open_time", c->time) &&
           has_column(f, heading, fl_kline_prices[OPEN], c->open) &&
           has_column(f, heading, f->wanted, c->price);
}

/* As many digits as are asked for; -1 if one of them is none. */
static int64_t digits_at(const char *text, size_t count)
{
    int64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* Days since 1970 of a date of the Gregorian calendar, which repeats every 400 years of 146097 days
 * (Richards, "Mapping Time", 1998, ch. 25): years that begin in March have their leap day at the end. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    const int64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* 2020-03-12T10:35:00Z in microseconds; -1 if it is no such time. */
static int64_t time_of_date(const char *text, size_t bytes)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    if (bytes != sizeof form - 1) {
        return -1;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (form[i] != '0' && text[i] != form[i]) {
            return -1;
        }
    }
    const int64_t year = digits_at(text, 4), month = digits_at(text + 5, 2);
    const int64_t day = digits_at(text + 8, 2), hour = digits_at(text + 11, 2);
    const int64_t minute = digits_at(text + 14, 2), second = digits_at(text + 17, 2);
    if (year < 1970 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 59) {
        return -1;
    }
    const int64_t next = month < 12 ? days_of(year, month + 1, 1) : days_of(year + 1, 1, 1);
    const int64_t date = days_of(year, month, day);
    if (date >= next) {
        return -1;
    }
    return (((date * 24 + hour) * 60 + minute) * 60 + second) * MILLISECOND * 1000;
}

static int64_t time_of_number(const char *text, size_t bytes)
{
    int64_t value;
    if (!fl_decimal(text, bytes, 0, &value) || value < 0) {
        return -1;
    }
    return value >= MICROSECONDS_FROM ? value : value * MILLISECOND;
}

static bool read_time(struct file *f, struct fl_line cell, struct candle *out)
{
    struct fl_json *json = &f->reading->json;
    const char *text = content_of(f) + cell.from;
    out->at_us = f->columns.utc ? time_of_date(text, cell.bytes) : time_of_number(text, cell.bytes);
    if (out->at_us < 0 || out->at_us > TIME_MAX_US) {
        fl_mistake_in(json, f->text, cell.from, cell.bytes,
                      f->columns.utc ? "expected a time like 2020-03-12T10:35:00Z"
                                     : "expected a time in milliseconds since 1970");
        return false;
    }
    if (f->count > 0 && out->at_us <= f->candle[f->count - 1].at_us) {
        fl_mistake_in(json, f->text, cell.from, cell.bytes,
                      "a candle must open after the one before");
        return false;
    }
    return true;
}

static bool read_price(struct file *f, struct fl_line cell, int64_t *out)
{
    struct fl_json *json = &f->reading->json;
    if (!fl_decimal(content_of(f) + cell.from, cell.bytes, f->row->digits_y, out)) {
        fl_mistake_in(json, f->text, cell.from, cell.bytes,
                      "expected a price with at most %" PRIu32 " decimals", f->row->digits_y);
        return false;
    }
    if (*out < f->row->min || *out > f->row->max) {
        fl_mistake_in(json, f->text, cell.from, cell.bytes, "out of range");
        return false;
    }
    return true;
}

static bool read_candle(struct file *f, struct fl_line line)
{
    const struct columns *c = &f->columns;
    struct fl_line time, open, price;
    if (!cell_at(f, line, c->time, &time) || !cell_at(f, line, c->open, &open) ||
        !cell_at(f, line, c->price, &price)) {
        fl_mistake_in(&f->reading->json, f->text, line.from, line.bytes,
                      "the line ends before its column \"%s\"", f->wanted);
        return false;
    }
    struct candle candle;
    if (!read_time(f, time, &candle) || !read_price(f, open, &candle.open) ||
        !read_price(f, price, &candle.price)) {
        return false;
    }
    if (f->count == FL_KLINES_MAX) {
        fl_mistake_in(&f->reading->json, f->text, line.from, line.bytes, "more than %d candles",
                      (int)FL_KLINES_MAX);
        return false;
    }
    f->candle = fl_grow(f->candle, f->count, &f->room, sizeof candle);
    f->candle[f->count++] = candle;
    return true;
}

/* The first mistake is enough: the others are often the same. */
static bool read_lines(struct file *f)
{
    struct fl_json *json = &f->reading->json;
    struct fl_line line;
    for (size_t at = 0; fl_next_line(&json->text[f->text], &at, &line);) {
        const bool heading = line.from == 0 && fl_is_heading(&json->text[f->text], line);
        if (line.bytes == 0) {
            continue;
        }
        if (!(heading ? read_heading(f, line) : read_candle(f, line))) {
            return false;
        }
    }
    if (f->count < 2) {
        fl_mistake_in(json, f->text, 0, 0, "expected at least two candles, found %" PRIu32,
                      f->count);
    }
    return f->count >= 2;
}

/* ------------------------------------------------------------------------------------------------
 * Points
 * --------------------------------------------------------------------------------------------- */

static int64_t length_us(const struct file *f)
{
    int64_t least = INT64_MAX;
    for (uint32_t i = 1; i < f->count; i++) {
        const int64_t length = f->candle[i].at_us - f->candle[i - 1].at_us;
        least = length < least ? length : least;
    }
    return least;
}

static cJSON *points_of(const struct file *f, struct fl_points *out)
{
    const bool opening = strcmp(f->wanted, fl_kline_prices[OPEN]) == 0;
    const int64_t length = opening ? 0 : length_us(f);
    int64_t(*at)[2] = fl_arena_alloc(f->reading->arena, (size_t)f->count + 1, sizeof *at);
    uint32_t count = 0;
    if (!opening) {
        at[count][0] = 0;
        at[count++][1] = f->candle[0].open;
    }
    for (uint32_t i = 0; i < f->count; i++) {
        at[count][0] = (f->candle[i].at_us - f->candle[0].at_us + length) * MICROSECOND;
        at[count++][1] = f->candle[i].price;
    }
    *out = (struct fl_points){.count = count, .at = (const int64_t(*)[2])at};

    cJSON *list = fl_json_made(cJSON_CreateArray());
    for (uint32_t i = 0; i < count; i++) {
        cJSON *point = fl_json_made(cJSON_CreateArray());
        fl_json_push(point, fl_number_item(at[i][0], f->row->digits));
        fl_json_push(point, fl_number_item(at[i][1], f->row->digits_y));
        fl_json_push(list, point);
    }
    return list;
}

cJSON *fl_read_klines(struct fl_reading *reading, const struct fl_param *row, const cJSON *item,
                      struct fl_points *out)
{
    static const char *const keys[] = {"kline_csv", "price", NULL};
    FL_ASSERT(row->candles && row->digits == NANOSECOND_DIGITS);
    fl_check_keys(reading, item, keys, NULL, NULL);
    const cJSON *csv = fl_member(item, "kline_csv"), *price = fl_member(item, "price");
    if (!csv || !price) {
        fl_missing(reading, item, csv ? "price" : "kline_csv");
        return NULL;
    }
    const uint32_t wanted = fl_read_choice(reading, price, fl_kline_prices);
    const uint32_t text = fl_read_beside(reading, csv);
    if (wanted == UINT32_MAX || text == UINT32_MAX) {
        return NULL;
    }
    struct file f = {.reading = reading,
                     .row = row,
                     .wanted = fl_kline_prices[wanted],
                     .text = text,
                     .columns = {.time = 0, .open = 1 + OPEN, .price = 1 + (size_t)wanted}};
    cJSON *list = read_lines(&f) ? points_of(&f, out) : NULL;
    free(f.candle);
    return list;
}
