/* The archive of a run: results/NAME/trace.h5, summary.json, build.json.
 *
 * trace.h5 holds columns as 1-D datasets (shuffle + deflate 1, 64 Ki chunks, object times off), with
 * attributes `units` and `long_name` on each:
 *
 *   /                    attributes: format_version, faultline_version, scenario_json (raw),
 *                        scenario_resolved_json, overrides, seed (string), digest, content_hash,
 *                        name, why, summary_json
 *   /series/time         int64 ns; /series/t_s float64 s; /series/<section.name> int64, one for each
 *                        observable, on the sampling grid; /series/<part>/<section.name> of one group,
 *                        contract or check alone (struct fl_observable_ref)
 *   /events/<kind>/      id (uint32), time (int64 ns), endpoint, parent (uint32), and the kind's own
 *                        columns (int64); rows in id order; attribute `story`
 *   /faults/             name, model, group (strings), fault (index), from, to (int64 ns), record,
 *                        suppressed, injected, members (string: "reporter[0] reporter[3]")
 *   /checks/             name, verdict, evidence (strings), time, record
 *   /nodes/              name, group (strings), by endpoint
 *   /messages/           columns of struct fl_message_row; detail "messages" only. What their kinds are
 *                        called is attribute message_names of the file, a JSON list of
 *                        {"group": of the receiver, "family", "kind", "name"}
 *   /columns/            path, units, long_name of all these, for readers that show no attributes
 *
 * content_hash is XXH3-128 over every dataset's path, type and values in path order, and the resolved
 * scenario: the same everywhere. Files are written as *.tmp and renamed, trace.h5 last, so that a killed run never looks
 * finished. Compiler, flags, library versions and git state go to build.json only. */
#ifndef FL_ARCHIVE_H
#define FL_ARCHIVE_H
#include "sim/mistake.h"
#include "sim/world.h"

/* Hash of what the archive holds, as 32 hex digits and NUL. */
void fl_archive_content_hash(const struct fl_config *config, const struct fl_result *result,
                             char out[33]);

/* summary.json as text; the caller frees it. `content_hash` as above. Sections come from the names of
 * observables; money is a string with six decimals. *expect_failed counts expectations that do not
 * hold. */
char *fl_summary_text(const struct fl_config *config, const struct fl_result *result,
                      const char *content_hash, uint32_t *expect_failed);

/* A number or word of the summary by its path, such as "ledger.bad_debt"; false if there is none. The
 * content hash is not among them: it costs as much as an archive. */
enum { FL_METRIC_TEXT = 64 };
struct fl_metric {
    enum fl_unit unit; /* 0: a word, which has no value */
    int64_t value;
    char text[FL_METRIC_TEXT]; /* as the summary shows it */
};
bool fl_summary_metric(const struct fl_config *config, const struct fl_result *result,
                       const char *path, struct fl_metric *metric);
/* Whether runs of this configuration have it, and its unit; `hint` names one with a similar path. */
bool fl_summary_has(const struct fl_config *config, const char *path, struct fl_metric *metric,
                    struct fl_hint *hint);

/* Compiler, flags, library versions and git state, as the text of build.json; the caller frees it. */
char *fl_build_text(void);

/* Writes the archive into the folder `directory`, making it if need be. NULL if all went well, else a
 * sentence that says what failed (lent until the next call). */
const char *fl_archive_write(const struct fl_config *config, const struct fl_result *result,
                             const char *content_hash, const char *summary, const char *directory);

#endif
