/* What is wrong with a scenario: collected while it is read, printed in the order of the text.
 *
 *   scenarios/x.json:14:5: error: /oracle/delay_mss: unknown key (did you mean "delay_ms"?)
 *      14 |     "delay_mss": 250,
 *         |     ^~~~~~~~~~~
 */
#ifndef FL_MISTAKE_H
#define FL_MISTAKE_H
#include "sim/json.h"

#include <stdio.h>

#define FL_PRINTF(text, first) __attribute__((format(printf, text, first)))

struct fl_mistake {
    uint32_t text, offset, bytes, order;
    char *message; /* with its pointer */
};

enum fl_mistake_part { FL_AT_VALUE = 1, FL_AT_KEY };

/* A mistake at a value (its first character if it is a container) or at its key. */
void fl_mistake(struct fl_json *json, const cJSON *item, enum fl_mistake_part part,
                const char *format, ...) FL_PRINTF(4, 5);
/* A mistake at bytes of a text: syntax, or a --set path that leads nowhere. */
void fl_mistake_in(struct fl_json *json, uint32_t text, size_t offset, size_t bytes,
                   const char *format, ...) FL_PRINTF(5, 6);

/* Prints them by (text, offset, order of report). What comes after so many that nobody reads on is
 * only counted. */
enum { FL_MISTAKES_SHOWN = 1000 };
void fl_mistake_print(struct fl_json *json, FILE *to);

/* The known word nearest to one that is not known: the fewest insertions, deletions, replacements
 * and exchanges of neighbours, at most a third of its letters; a forgotten unit ("delay" for
 * "delay_ms") counts as one. The first of equals. */
struct fl_guess {
    const char *wanted;
    const char *best; /* NULL if nothing is near */
    uint32_t distance;
};
void fl_guess_offer(struct fl_guess *guess, const char *known);
/* ` (did you mean "x"?)`, or "". */
enum { FL_HINT_BYTES = 96 };
struct fl_hint {
    char text[FL_HINT_BYTES];
};
struct fl_hint fl_guess_hint(const struct fl_guess *guess);

#endif
