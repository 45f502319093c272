/* What is taken from a sweep: one metric, one axis of numbers. */
#include "analysis/rows.h"
#include "sim/alloc.h"
#include "sim/mistake.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *fl_rows_choose(struct fl_trace *trace, const char *directory,
                           const struct fl_rows *rows, const char *wanted)
{
    struct fl_guess guess = {.wanted = wanted};
    for (size_t i = 0; i < rows->metrics; i++) {
        const char *metric = rows->metric[i];
        const bool number = fl_rows_is_number(trace, metric);
        if (wanted ? strcmp(metric, wanted) == 0 : number) {
            if (!number) {
                fprintf(stderr, "faultline: --metric %s: words, not numbers\n", wanted);
            }
            return number ? metric : NULL;
        }
        if (wanted) {
            fl_guess_offer(&guess, metric);
        }
    }
    if (wanted) {
        fprintf(stderr, "faultline: --metric %s: not in %s%s\n", wanted, directory,
                fl_guess_hint(&guess).text);
    } else {
        fprintf(stderr, "faultline: %s: none of its metrics is a number\n", directory);
    }
    return NULL;
}

double *fl_rows_axis_numbers(const struct fl_rows *rows)
{
    double *x = rows->axes == 1 ? fl_alloc(rows->points, sizeof *x) : NULL;
    for (size_t i = 0; x && i < rows->points; i++) {
        const char *text = rows->value[0][i * rows->replicates];
        char *end;
        x[i] = strtod(text, &end);
        if (end == text || *end != '\0' || !isfinite(x[i])) {
            free(x);
            x = NULL;
        }
    }
    return x;
}
