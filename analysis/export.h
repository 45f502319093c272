/* What the formats of an export share: its files, and the selected datasets. */
#ifndef FL_EXPORT_H
#define FL_EXPORT_H
#include "analysis/analysis.h"
#include "analysis/sheet.h"

#include <stdio.h>

/* --- files: written under temporary names, renamed together ---------------------------------------- */

struct fl_outputs;
struct fl_outputs *fl_outputs_new(void);
/* The next file; the one before is closed. NULL after a failure. Lent. */
FILE *fl_outputs_open(struct fl_outputs *outputs, const char *path);
/* Closes and renames. NULL if all went well since fl_outputs_new, else a sentence. */
const char *fl_outputs_publish(struct fl_outputs *outputs);
/* Removes what was not renamed. */
void fl_outputs_free(struct fl_outputs *outputs);

/* --- selection -------------------------------------------------------------------------------------- */

struct fl_exporting {
    struct fl_trace *trace;
    const char *output; /* a folder that exists, or a file */
    char **name;        /* all datasets of the archive */
    bool *wanted;
    size_t names;
    bool asked; /* the user named datasets */
    struct fl_outputs *outputs;
};
bool fl_export_wants(const struct fl_exporting *export, const char *dataset);

/* Each writes all its files. NULL, or a sentence that says what failed. */
const char *fl_export_csv(struct fl_exporting *export);
const char *fl_export_raw(struct fl_exporting *export);
const char *fl_export_jsonl(struct fl_exporting *export);
const char *fl_export_chrome(struct fl_exporting *export);

/* --- records in the order of time ------------------------------------------------------------------- */

struct fl_export_event {
    int64_t time, id;
    uint32_t kind, row; /* sheet, and its row */
};
struct fl_export_events {
    struct fl_sheet **kind; /* all kinds of the archive, loaded */
    bool *wanted;           /* [kind] */
    size_t kinds;
    struct fl_export_event *at; /* by time, then id */
    size_t count;
    char **node; /* [endpoint] name */
    size_t nodes;
};
/* NULL, and a sentence in *problem. */
struct fl_export_events *fl_export_events_new(const struct fl_exporting *export,
                                              const char **problem);
void fl_export_events_free(struct fl_export_events *events);
/* A value that all kinds have: "endpoint", "parent"; or one of its own, 0 if it has none. */
int64_t fl_export_value(const struct fl_export_events *events, const struct fl_export_event *event,
                        const char *column);

/* --- JSON ------------------------------------------------------------------------------------------- */

/* A string with its quotes. */
void fl_export_string(FILE *file, const char *text);
/* Amounts as strings, because readers take numbers as doubles; so are integers beyond 2^53. */
void fl_export_cell(FILE *file, const struct fl_sheet_column *column, size_t row);
/* The record's own values as an object. */
void fl_export_values(FILE *file, const struct fl_sheet *sheet, size_t row);

#endif
