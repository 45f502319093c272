/* Exact text of integers by their unit, for summaries, evidence and dataset attributes. */
#ifndef FL_UNIT_TEXT_H
#define FL_UNIT_TEXT_H
#include "sim/model.h"

enum { FL_UNIT_TEXT = 48, FL_EVIDENCE_TEXT = 512 };

/* Decimals of a value as users write it. */
uint32_t fl_unit_digits(enum fl_unit unit);

/* Amounts with six digits ("-0.000001"), time as seconds and ratios without trailing zeros ("0.25"),
 * booleans as true and false, the rest as plain integers. */
void fl_unit_text(int64_t value, enum fl_unit unit, char out[FL_UNIT_TEXT]);

/* The inverse of fl_unit_text; false if it is no such text. */
bool fl_unit_value(const char *text, enum fl_unit unit, int64_t *value);

/* What the stored integers count: the attribute `units` of a column. */
const char *fl_unit_symbol(enum fl_unit unit);

/* The verdict's clause with {0} and {1} filled in. Cut off if it is longer than the room. */
void fl_evidence_text(const struct fl_verdict *verdict, char out[FL_EVIDENCE_TEXT]);

/* "holds", "broken", "not applicable". */
const char *fl_verdict_word(enum fl_verdict_kind kind);

/* 32 hex digits and NUL, the high half first: XXH3's canonical form. */
void fl_digest_text(struct fl_digest digest, char out[33]);

#endif
