/* Numbers of an archive in the units that people use, and their words. */
#ifndef FL_QUANTITY_H
#define FL_QUANTITY_H
#include "analysis/paired.h"
#include "analysis/wording.h"

/* How people write a unit (the attribute `units`), and what one stored is in it; lent for ever, "" for
 * counts. False if there is no such unit. */
bool fl_quantity_unit(const char *stored_unit, const char **unit, double *scale);

/* Stored integers in USD, base units, seconds, fractions; NAN for what an archive has no value of.
 * The caller frees *values, unless it is false as above. */
bool fl_quantity_values(const int64_t *stored, size_t count, const char *stored_unit,
                        double **values, const char **unit);

/* "$2.45 M", "12.5 s", "3,200"; "no end" if it is not finite. */
void fl_quantity_text(double value, const char *unit, char out[FL_WORDING]);
/* "$2.45 M [2.11, 2.74]", the ends in the unit of the value; without brackets where an end is not
 * finite. */
enum { FL_QUANTITY_TEXT = 3 * FL_WORDING };
void fl_quantity_estimate(struct fl_estimate estimate, const char *unit,
                          char out[FL_QUANTITY_TEXT]);

/* What one on an axis stands for, so that numbers up to `most` are short, and how the axis says it:
 * 1e6 and "$ million". */
double fl_quantity_axis(double most, const char *unit, char out[FL_WORDING]);

/* "ledger.bad_debt": "bad debt". */
void fl_quantity_name(const char *metric, char out[FL_WORDING]);

#endif
