/* A path from candles: {"kline_csv": path, "price": "close"} in place of a list of points.
 *
 * The file has a candle a line, in the order of time, in the format in which exchanges publish them:
 * without a heading the columns are open_time, open, high, low, close, and whatever follows; with one,
 * they go by name, and the time may also be called unix_ms, or time_utc (2020-03-12T10:35:00Z). Times
 * are in milliseconds since 1970, or, from 10^14 on, in microseconds. Gaps are allowed.
 *
 * Second 0 is when the first candle opens. "open" is a price of the candle's first moment; the others
 * are known when it ends, and stand there: so no price is told before it was made, and at second 0
 * stands the first opening price. A candle lasts as long as the least time between two of them.
 *
 * What is in force holds the points themselves, so that a resolved scenario needs no other file. */
#ifndef FL_KLINES_H
#define FL_KLINES_H
#include "sim/values.h"

enum { FL_KLINES_MAX = 1 << 18 }; /* candles: half a year of minutes; resolved, below 16 MiB */

/* Reads into a row of points whose x is in 10^-9 seconds. */
cJSON *fl_read_klines(struct fl_reading *reading, const struct fl_param *row, const cJSON *item,
                      struct fl_points *out);
/* The words for "price"; ends with NULL. */
extern const char *const fl_kline_prices[];

#endif
