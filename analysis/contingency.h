/* A ranking of contingencies: what each part of a system costs when it is lost, and each two of them.
 * From the folder of `faultline rank` (sim/rank.h says what is in it). */
#ifndef FL_CONTINGENCY_H
#define FL_CONTINGENCY_H
#include "analysis/quantity.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Something that can be lost. */
struct fl_part_lost {
    char *kind;    /* "region", "label", "group", "node" */
    char *noun;    /* the same, but of a label its key: "client" */
    char *name;    /* "frankfurt" */
    char *also;    /* other names of the same nodes, "" if none */
    char *members; /* "validator 4 of 31, reporter 1 of 9" */
};

/* Each interval holds by itself: of forty parts that change something by chance alone, one is taken for a
 * point of failure. What changes nothing is not among them. */
enum fl_contingency_verdict {
    FL_LOSES =
        1,     /* the interval lies above 0: one part is a single point of failure, two are a double
                     one */
    FL_SAVES,  /* it lies below 0 */
    FL_UNTOLD, /* it holds 0 */
    FL_NOTHING /* exactly what the scenario loses without, with every seed */
};

/* What is beside the metric, if the scenario has it. */
enum fl_beside { FL_BESIDE_FUND, FL_BESIDE_MISSED, FL_BESIDE_LATENT, FL_BESIDES };

/* All estimates are of differences to the scenario as it is, between runs of the same seed. */
struct fl_contingency {
    size_t point, parts, part[2];
    size_t pairs; /* of runs that ended well; 0: nothing is known */
    enum fl_contingency_verdict verdict;
    struct fl_estimate loss;
    struct fl_estimate beside[FL_BESIDES]; /* NAN where there is none */
    struct fl_estimate synergy; /* of two parts: what is lost beyond the sum of each alone */
};

struct fl_ranking {
    const char *metric, *unit;
    char *scenario;
    double alpha, from, to;     /* seconds; `to` infinite: the end of the run */
    size_t replicates, missing; /* missing: runs that did not end well */
    size_t parts, singles, pairs, nested;
    struct fl_part_lost *part;
    struct fl_estimate base;       /* the scenario as it is */
    struct fl_contingency *single; /* worst first; what is not known last */
    struct fl_contingency *pair;
    struct fl_ranking_files *files;
};

/* `metric`: one of the sweep's, NULL for the one that was asked for. 0; 2: there is no such metric; 3: a
 * file is missing or does not fit, after a line on stderr. Freed in any case. */
int fl_ranking_read(const char *directory, const char *metric, double alpha,
                    struct fl_ranking *ranking);
void fl_ranking_free(struct fl_ranking *ranking);

/* How many of them have this verdict. */
size_t fl_verdicts(const struct fl_contingency *list, size_t count,
                   enum fl_contingency_verdict verdict);

/* Of a pair: it loses more than the scenario as it is, and more than its two parts together; and it loses,
 * though neither part does alone. */
bool fl_costs_more(const struct fl_contingency *pair);
bool fl_is_hidden(const struct fl_ranking *ranking, const struct fl_contingency *pair);

/* contingency_words.c. "$232 k [144, 320]", or what is more than without: "+$232 k [144, 320]". No brackets
 * where the interval is no longer than a point, or is not finite. */
enum { FL_RANKING_TEXT = 512 };
void fl_total_text(struct fl_estimate total, const char *unit, char out[FL_QUANTITY_TEXT]);
void fl_loss_text(struct fl_estimate loss, const char *unit, char out[FL_QUANTITY_TEXT]);
/* "region frankfurt", "client red", "group reporter", "validator[3]"; two with "and" between. */
void fl_lost_text(const struct fl_ranking *ranking, const struct fl_contingency *contingency,
                  const char *between, char out[FL_RANKING_TEXT]);
/* "Region frankfurt, 2 clients and 1 node are single points of failure". */
void fl_ranking_sentence(const struct fl_ranking *ranking, char out[FL_RANKING_TEXT]);
/* "From second 8,700 to 12,300". */
void fl_window_text(const struct fl_ranking *ranking, char out[FL_RANKING_TEXT]);

#endif
