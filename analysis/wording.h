/* Numbers as people read them: in reports, titles and labels. Exact text is in the summary. */
#ifndef FL_WORDING_H
#define FL_WORDING_H
#include "sim/base.h"

enum { FL_WORDING = 64 };

/* 10^-6 USD: "$940", "$12.3 k", "$3.2 M", "-$1.0 B". */
void fl_money_short(int64_t micro_usd, char out[FL_WORDING]);
/* To the cent, rounded half away from zero: "$1,234,567.89". */
void fl_money_full(int64_t micro_usd, char out[FL_WORDING]);
/* To the last unit: "$1,234,567.890123". */
void fl_money_exact(int64_t micro_usd, char out[FL_WORDING]);
/* 10^-6 USD, three significant digits or whole dollars: "$0.0521", "$34.1", "$1,234". */
void fl_price_short(int64_t micro_usd, char out[FL_WORDING]);
/* Time since the start: "11:02:03.250". */
void fl_clock(fl_time at, char out[FL_WORDING]);
/* "45 seconds", "60 minutes", "3.5 hours", "1 day". */
void fl_duration(fl_time span, char out[FL_WORDING]);
/* "34 %", "0.4 %". */
void fl_percent(double ratio, char out[FL_WORDING]);
/* "12,345". */
void fl_thousands(int64_t count, char out[FL_WORDING]);
/* "reporters", "keys"/"keepers", "agencies". */
void fl_plural(const char *noun, char *out, size_t bytes);

/* snprintf for text that may be cut where the room ends. */
__attribute__((format(printf, 3, 4))) void fl_say(char *out, size_t bytes, const char *format, ...);

/* A stored integer by its column's attribute `units`. */
void fl_value_text(int64_t value, const char *units, char out[FL_WORDING]);

#endif
