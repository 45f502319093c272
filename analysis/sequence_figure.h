/* A message sequence chart being made: shared by analysis/sequence*.c and by nobody else. Times are
 * nanoseconds of the run. */
#ifndef FL_SEQUENCE_FIGURE_H
#define FL_SEQUENCE_FIGURE_H
#include "analysis/sketch.h"
#include "analysis/trace.h"

#include <cjson/cJSON.h>

enum { FL_SEQUENCE_DELIVERED = 1, FL_SEQUENCE_LOST }; /* fates; others were still on their way */

/* One column of /messages each, in the order of sending. */
struct fl_sequence_messages {
    size_t count;
    int64_t *sent, *arrives, *from, *to, *family, *kind, *fate;
};

/* Records of one kind; no row if the run has none. */
struct fl_sequence_records {
    size_t count;
    int64_t *time, *endpoint, *value; /* value: of the column that was asked for */
};

/* A fault at work on one node. */
struct fl_sequence_spell {
    uint32_t node, fault;
    int64_t from, to;
};

struct fl_sequence_run {
    char *name, *seed;
    char **node, **group; /* [endpoint]; of twins without a group */
    size_t nodes;
    char **cells[2], *twin; /* owners of these texts */
    int64_t end;
    struct fl_sequence_messages messages;
    cJSON *message_names;
    char **fault, **fault_model;
    size_t faults;
    struct fl_sequence_spell *spell;
    size_t spells;
    struct fl_sequence_records edges, blocks, locked, decided, deficits; /* value: fault, height */
    char *broken; /* the check that was broken first, and when; NULL without one */
    int64_t broken_at;
};

/* sequence_read.c. 0, or after a line on stderr 2 (no messages in it) or 3. Freed even then. */
int fl_sequence_read(const char *directory, struct fl_sequence_run *run);
void fl_sequence_free(struct fl_sequence_run *run);

/* "PRE-PREPARE", or "kind 66" where the receiver's model gives no name. */
enum { FL_SEQUENCE_NAME = 48 };
void fl_sequence_kind(const struct fl_sequence_run *run, size_t message,
                      char out[FL_SEQUENCE_NAME]);

/* --- what is drawn of it: sequence.c --------------------------------------------------------------- */

enum {
    FL_SEQUENCE_LANES = 12, /* at most */
    FL_SEQUENCE_KINDS = 8,  /* with a colour each; the last one is for all others */
    FL_SEQUENCE_TEXT = 512
};

struct fl_sequence_chart {
    const struct fl_sequence_run *run;
    bool one_family; /* only messages of the consensus are drawn */
    int64_t moment, from, to;
    char about[FL_SEQUENCE_TEXT];    /* "fault \"chase\" begins", or a time of day */
    char when[2 * FL_SEQUENCE_TEXT]; /* "the moment when fault \"chase\" begins", or the same */
    int32_t *lane;                   /* [endpoint] -1: not shown */
    uint32_t lanes, hidden, busy;    /* busy: nodes that take part */
    size_t *arrow;                   /* messages, by sending */
    size_t arrows, others;           /* others: in the window, but of other layers */
    size_t every;                    /* one broadcast of so many is drawn */
    int64_t kind[FL_SEQUENCE_KINDS];
    size_t kinds, kinds_all;
};

/* Whether a message is of the layer that is drawn; whether it is sent between two lanes within the
 * window. */
bool fl_sequence_is_drawn(const struct fl_sequence_chart *c, size_t message);
bool fl_sequence_is_shown(const struct fl_sequence_chart *c, size_t message);
bool fl_sequence_in_window(const struct fl_sequence_chart *c, int64_t at);
/* 1 for the first kind; FL_SEQUENCE_KINDS for all that have no colour of their own. */
size_t fl_sequence_colour(const struct fl_sequence_chart *c, size_t message);

/* sequence_write.c: variables and data. */
void fl_sequence_write(struct fl_sketch *sketch, const struct fl_sequence_chart *c);

#endif
