/* The datasets of an archive as tables: the columns of a group side by side, under one name. */
#ifndef FL_SHEET_H
#define FL_SHEET_H
#include "analysis/trace.h"
#include "sim/model.h"

struct fl_sheet_column {
    char *name;      /* "price"; of one part's series "eth/market.mid" */
    char *units;     /* as stored: "1e-6 USD" */
    char *long_name; /* "" if it has none */
    bool is_text, is_unsigned;
    bool own;          /* one of the values that only this kind of record has */
    enum fl_unit unit; /* of integers; FL_COUNT for units that are no decimals */
    int64_t *number;   /* [row], NULL before fl_sheet_load; an unsigned one keeps its bits */
    char **text;
};
struct fl_sheet {
    char *name; /* "series", "block" */
    bool is_event;
    size_t rows, columns;
    struct fl_sheet_column *column; /* who and when first, then in the order of the story */
};

/* Names of all datasets of an archive: series, faults, checks, nodes, the kinds of records in the order
 * of strcmp, messages. Freed by the caller with one free(). */
char **fl_sheet_names(struct fl_trace *trace, size_t *count);

/* The columns of one dataset, without values. NULL and a sentence in fl_trace_error if there is no
 * such dataset. Float columns are left out: they repeat what an integer says exactly. */
struct fl_sheet *fl_sheet_new(struct fl_trace *trace, const char *name);
/* Reads all values. NULL, or a sentence (lent until the next call) if they do not fit together. */
const char *fl_sheet_load(struct fl_sheet *sheet, struct fl_trace *trace);
void fl_sheet_free(struct fl_sheet *sheet);

/* NULL if there is no such column. */
const struct fl_sheet_column *fl_sheet_find(const struct fl_sheet *sheet, const char *column);

/* A number exactly: amounts with six digits, times in seconds and ratios as decimals, the rest
 * (booleans too) as plain integers. */
enum { FL_CELL_TEXT = 48 };
void fl_cell_text(const struct fl_sheet_column *column, size_t row, char out[FL_CELL_TEXT]);
/* Unit of that text: "USD", "base units", "s", "byte"; "" for ids, counts, ratios, booleans, text. */
const char *fl_cell_unit(const struct fl_sheet_column *column);

#endif
