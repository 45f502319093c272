/* One sentence for what a run showed: the title of its figure and report. */
#ifndef FL_HEADLINE_H
#define FL_HEADLINE_H
#include "sim/base.h"

struct fl_headline_fault {
    const char *name;      /* in the scenario */
    const char *model;     /* "stuck", "crash" */
    const char *group;     /* "reporter" */
    uint32_t struck, size; /* members struck, members of the group */
    fl_time from, to;      /* cut at the end of the run */
    bool in_turn;          /* not all of them at once */
};

enum { FL_NEVER = -1 };
struct fl_headline {
    uint32_t fault_count;
    const struct fl_headline_fault *fault;
    double move;             /* what the fundamental did: -0.34 for a fall by 34 %; 0 if unknown */
    int64_t bad_debt;        /* 10^-6 USD, at the end */
    int64_t bad_debt_before; /* of it, what was there when the first fault began */
    /* Of the difference, what deleveraged counterparties and all traders bore. */
    int64_t deleveraged, socialised;
    bool has_fund;
    int64_t fund_start, fund_lowest; /* 10^-6 USD */
    fl_time fund_empty;              /* first moment it was empty, or FL_NEVER */
};

enum { FL_HEADLINE_TEXT = 320, FL_FAULT_TEXT = 160 };

/* "60 minutes of stuck reporters turned a 34 % fall into $3.2 M of bad debt, $2.0 M of it taken from
 * deleveraged counterparties; the fund was empty after 12 minutes". */
void fl_headline_text(const struct fl_headline *facts, char out[FL_HEADLINE_TEXT]);

/* A label for the window: "3 of 5 reporters stuck", "sequencer down". */
void fl_fault_label(const struct fl_headline_fault *fault, char out[FL_FAULT_TEXT]);

#endif
