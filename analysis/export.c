/* From an archive to other formats: which format, which datasets, where to. */
#include "analysis/export.h"

#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/disk.h"
#include "sim/mistake.h"

#include <stdlib.h>
#include <string.h>

enum { WRONG_USE = 2, FAILED = 3, PATH_BYTES = 4096 };

/* Datasets that a format has a place for, beside records. */
static const struct format {
    const char *name, *output; /* within the results folder */
    bool is_folder;
    const char *const *besides;
    const char *(*write)(struct fl_exporting *);
} formats[] = {
    {"csv", "csv", true,
     (const char *const[]){"series", "faults", "checks", "nodes", "messages", NULL}, fl_export_csv},
    {"raw", "raw", true,
     (const char *const[]){"series", "faults", "checks", "nodes", "messages", NULL}, fl_export_raw},
    {"jsonl", "events.jsonl", false, (const char *const[]){NULL}, fl_export_jsonl},
    {"chrome", "chrome.json", false, (const char *const[]){"faults", "messages", NULL},
     fl_export_chrome},
};
enum { FORMATS = sizeof formats / sizeof *formats };
/* What an export must not replace. */
static const char *const results[] = {"trace.h5", "summary.json", "build.json", "report.md"};

static int complain(int status, const char *sentence)
{
    fprintf(stderr, "faultline: %s\n", sentence);
    return status;
}

static const struct format *format_named(const char *name)
{
    for (size_t i = 0; i < FORMATS; i++) {
        if (strcmp(formats[i].name, name) == 0) {
            return &formats[i];
        }
    }
    return NULL;
}

/* --- which datasets ---------------------------------------------------------------------------------- */

static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list; list++) {
        if (strcmp(name, *list) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_kind(const struct fl_exporting *export, const char *name)
{
    char path[PATH_BYTES];
    fl_say(path, sizeof path, "/events/%s", name);
    return fl_trace_has(export->trace, path);
}

bool fl_export_wants(const struct fl_exporting *export, const char *dataset)
{
    for (size_t i = 0; i < export->names; i++) {
        if (strcmp(export->name[i], dataset) == 0) {
            return export->wanted[i];
        }
    }
    return false;
}

/* Says what there is instead. */
static int no_such_dataset(const struct fl_exporting *export, const struct fl_export *job,
                           const struct format *format, const char *wanted)
{
    struct fl_guess guess = {.wanted = wanted};
    fl_guess_offer(&guess, "events");
    for (size_t i = 0; i < export->names; i++) {
        if (is_kind(export, export->name[i]) || is_one_of(export->name[i], format->besides)) {
            fl_guess_offer(&guess, export->name[i]);
        }
    }
    fprintf(stderr, "faultline: %s/trace.h5 has no dataset \"%s\" for %s%s; it has events",
            job->directory, wanted, format->name, fl_guess_hint(&guess).text);
    for (size_t i = 0; i < export->names; i++) {
        if (is_kind(export, export->name[i]) || is_one_of(export->name[i], format->besides)) {
            fprintf(stderr, ", %s", export->name[i]);
        }
    }
    fputc('\n', stderr);
    return WRONG_USE;
}

static int select_one(struct fl_exporting *export, const struct fl_export *job,
                      const struct format *format, const char *wanted)
{
    bool found = strcmp(wanted, "events") == 0;
    for (size_t i = 0; i < export->names; i++) {
        const bool kind = is_kind(export, export->name[i]);
        const bool fits = strcmp(wanted, "events") == 0
                              ? kind
                              : strcmp(wanted, export->name[i]) == 0 &&
                                    (kind || is_one_of(export->name[i], format->besides));
        export->wanted[i] |= fits;
        found |= fits;
    }
    return found ? 0 : no_such_dataset(export, job, format, wanted);
}

static int select_datasets(struct fl_exporting *export, const struct fl_export *job,
                           const struct format *format)
{
    export->name = fl_sheet_names(export->trace, &export->names);
    export->wanted = fl_alloc(export->names, sizeof *export->wanted);
    export->asked = job->count > 0;
    for (size_t i = 0; !export->asked && i < export->names; i++) {
        export->wanted[i] = true;
    }
    int status = 0;
    for (size_t i = 0; status == 0 && i < job->count; i++) {
        status = select_one(export, job, format, job->dataset[i]);
    }
    return status;
}

/* --- where to ---------------------------------------------------------------------------------------- */

/* Makes the folder that the output is, or is in. */
static const char *make_folder(const struct format *format, const char *output)
{
    if (format->is_folder) {
        return fl_folder_make(output);
    }
    const char *slash = strrchr(output, '/');
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        if (strcmp(slash ? slash + 1 : output, results[i]) == 0) {
            return fl_disk_failure("%s would replace what a run leaves; name another file with -o",
                                   output);
        }
    }
    if (!slash || slash == output) {
        return NULL;
    }
    char *folder = fl_strndup(output, (size_t)(slash - output));
    const char *problem = fl_folder_make(folder);
    free(folder);
    return problem;
}

static int write_all(struct fl_exporting *export, const struct format *format)
{
    const char *problem = make_folder(format, export->output);
    if (problem) {
        return complain(FAILED, problem);
    }
    export->outputs = fl_outputs_new();
    problem = format->write(export);
    problem = problem ? problem : fl_outputs_publish(export->outputs);
    if (problem) {
        complain(FAILED, problem);
    }
    fl_outputs_free(export->outputs);
    return problem ? FAILED : 0;
}

int fl_export(const struct fl_export *job, char *path_out, size_t bytes)
{
    const struct format *format = format_named(job->format);
    if (!format) {
        struct fl_guess guess = {.wanted = job->format};
        for (size_t i = 0; i < FORMATS; i++) {
            fl_guess_offer(&guess, formats[i].name);
        }
        fprintf(stderr, "faultline: --as %s: expected csv, raw, jsonl or chrome%s\n", job->format,
                fl_guess_hint(&guess).text);
        return WRONG_USE;
    }
    if (job->output) {
        fl_say(path_out, bytes, "%s", job->output);
    } else {
        fl_say(path_out, bytes, "%s/%s", job->directory, format->output);
    }
    char error[PATH_BYTES + 512];
    struct fl_exporting export = {.output = path_out};
    export.trace = fl_trace_open(job->directory, error, sizeof error);
    if (!export.trace) {
        return complain(FAILED, error);
    }
    int status = select_datasets(&export, job, format);
    status = status ? status : write_all(&export, format);
    free(export.name);
    free(export.wanted);
    fl_trace_close(export.trace);
    return status;
}
