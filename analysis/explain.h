/* Why something happened: the durable records of a trace, each with the one that caused it. */
#ifndef FL_EXPLAIN_H
#define FL_EXPLAIN_H
#include "analysis/trace.h"

struct fl_history;

enum { FL_NO_RECORD_ID = 0, FL_NO_FAULT = -1, FL_STORY_TEXT = 512 };

/* All records under /events; NULL and a sentence in fl_trace_error if they do not fit together. A
 * trace without events gives an empty history. The trace must outlive it. */
struct fl_history *fl_history_new(struct fl_trace *trace);
void fl_history_free(struct fl_history *history);

uint32_t fl_history_count(const struct fl_history *history); /* ids are 1 .. count */
const char *fl_history_kind(const struct fl_history *history,
                            uint32_t id); /* "deficit"; "" if none */
fl_time fl_history_time(const struct fl_history *history, uint32_t id);
/* Name of the node it happened at, "" if it is no node's. */
const char *fl_history_node(const struct fl_history *history, uint32_t id);
uint32_t fl_history_parent(const struct fl_history *history, uint32_t id);
/* A record's value by the name of its column. False if it has none. */
bool fl_history_value(struct fl_history *history, uint32_t id, const char *column, int64_t *out);

/* The record as one clause: its kind's `story` with {0} .. {5} filled in by unit. */
void fl_history_story(struct fl_history *history, uint32_t id, char out[FL_STORY_TEXT]);

/* Ids from the root to `id`; freed by the caller. */
uint32_t *fl_chain_new(const struct fl_history *history, uint32_t id, size_t *count);
/* Index of the fault whose edge the chain of `id` passes, FL_NO_FAULT if none. The nearest one, if
 * there are several. */
int64_t fl_chain_fault(struct fl_history *history, uint32_t id);

#endif
