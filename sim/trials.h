/* Does a scenario still fail, and in the same way? Asked many times by a search for the smallest one.
 *
 * Each answer is a run in a process of its own, so that what crashes there is an answer too. What has
 * been answered is remembered; text that is no scenario costs no run. */
#ifndef FL_TRIALS_H
#define FL_TRIALS_H
#include "sim/alloc.h"
#include "sim/archive.h"

#include <cjson/cJSON.h>

enum { FL_TRIAL_TEXT = 256 };

/* What "the same failure" means: the run crashes with these words, or it ends and this expectation is not
 * met. Of a number it is enough that it is not met; a word must be the same one, so that "broken" does
 * not become "not applicable". */
struct fl_failure {
    bool crash;
    char path[2 * FL_NAME_MAX], op[4], value[FL_NAME_MAX];
    char actual[FL_METRIC_TEXT]; /* as found first */
    char said[FL_TRIAL_TEXT];    /* of a crash: how it ended, and its first words */
};

enum fl_trial_end {
    FL_TRIAL_ENDED = 1,
    FL_TRIAL_CRASHED,
    FL_TRIAL_ABANDONED, /* far more events, or far more time, than the first run */
    FL_TRIAL_UNABLE     /* no process or no temporary file: fl_trials.problem */
};
/* How one run went. */
struct fl_trial {
    enum fl_trial_end end;
    char *summary; /* of one that ended; the caller's to free */
    char said[FL_TRIAL_TEXT];
};

enum fl_answer {
    FL_FAILS = 1,         /* in the same way */
    FL_FAILS_DIFFERENTLY, /* the word is another one */
    FL_CRASHES,           /* or crashes with other words: our own invariants broke */
    FL_PASSES,
    FL_INVALID, /* not a scenario */
    FL_TOO_LONG,
    FL_NOT_ASKED /* no runs are left */
};
struct fl_told {
    struct fl_digest text;
    enum fl_answer answer;
    char actual[FL_METRIC_TEXT];
};

struct fl_trials {
    const char *path;                 /* of the scenario, for messages */
    const struct fl_failure *failure; /* what fl_trials_ask compares with */
    uint64_t events_most;             /* of one run; UINT64_MAX: no limit */
    uint64_t seconds_most;            /* of processor time; 0: no limit */
    uint32_t runs, runs_most;
    uint32_t count[FL_NOT_ASKED + 1]; /* answers, each text once */
    struct fl_told *told;
    uint32_t told_count, told_room;
    char crash[FL_TRIAL_TEXT]; /* how the first of those ended that crashed; "" if none did */
    char *crash_text;          /* and its scenario */
    const char *problem;       /* NULL, or why no run can be made any more */
};
void fl_trials_free(struct fl_trials *trials);

/* Runs a configuration to its end, in a process of its own. */
struct fl_trial fl_trial_run(struct fl_trials *trials, const struct fl_config *config);
/* The configuration of a tree; NULL if it is none. */
struct fl_config *fl_trials_config(const struct fl_trials *trials, const cJSON *tree);
/* Does it fail as it should? `actual`, if not NULL, is what the failure's path has instead. The tree's
 * expectations must begin with the failure's. */
enum fl_answer fl_trials_ask(struct fl_trials *trials, const cJSON *tree,
                             char actual[FL_METRIC_TEXT]);

/* The text of a value of the summary, "" for none. True if it is a word. */
bool fl_summary_word(const cJSON *value, char text[FL_METRIC_TEXT]);

#endif
