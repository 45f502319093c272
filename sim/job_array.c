/* Scripts that a user can read, change, and submit to a cluster we know nothing of. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "sim/job_array.h"

#include "sim/disk.h"
#include "sim/sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_IO = 3, PATH_BYTES = 4096 };

/* What the scripts say. Full paths: Slurm runs a copy of a script, from a folder of its choice. */
struct scripts {
    const char *name;
    uint32_t points, tasks, jobs;
    char program[PATH_BYTES];
    char *plan, *directory;
};

/* ------------------------------------------------------------------------------------------------
 * Texts
 * --------------------------------------------------------------------------------------------- */

static void print_path(FILE *out, const char *before, const char *path, const char *after)
{
    fputs(before, out);
    fl_shell_word(out, path);
    fputs(after, out);
}

/* The file that the output of a job goes to. Slurm reads quotes as a shell does, and a % as the
 * beginning of a pattern unless there are two. */
static void print_log(FILE *out, const struct scripts *s, const char *file)
{
    char *path = fl_alloc(2 * strlen(s->directory) + strlen(file) + sizeof "/logs/", 1), *to = path;
    for (const char *at = s->directory; *at; at++) {
        *to++ = *at;
        if (*at == '%') {
            *to++ = '%';
        }
    }
    strcat(strcat(to, "/logs/"), file);
    print_path(out, "#SBATCH --output=", path, "\n");
    free(path);
}

static void print_array(FILE *out, const struct scripts *s)
{
    fprintf(out,
            "#!/bin/sh\n"
            "# Part I of the sweep: `sh array.sh I`, I from 1 to %" PRIu32
            "; in a job array I is the number of the task.\n"
            "#SBATCH --job-name=%s\n"
            "#SBATCH --array=1-%" PRIu32 "\n"
            "#SBATCH --ntasks=1\n"
            "#SBATCH --cpus-per-task=%" PRIu32 "\n",
            s->tasks, s->name, s->tasks, s->jobs);
    print_log(out, s, "%a.log");
    fputs("#SBATCH --open-mode=append\n"
          "#SBATCH --requeue\n",
          out);
    print_path(out, "", s->program, " sweep ");
    print_path(out, "", s->plan, " \\\n");
    fprintf(out,
            "    --shard \"${1:-$SLURM_ARRAY_TASK_ID}/%" PRIu32 "\" --jobs %" PRIu32 " --resume",
            s->tasks, s->jobs);
    print_path(out, " -o ", s->directory, "\n");
    fputs("status=$?\n"
          "# 1: some rows failed. The tables say which and why; the others are not lost for it.\n"
          "if [ \"$status\" = 1 ]; then status=0; fi\n"
          "exit \"$status\"\n",
          out);
}

static void print_merge(FILE *out, const struct scripts *s)
{
    fprintf(out,
            "#!/bin/sh\n"
            "# Joins what the tasks left into sweep.csv and sweep.h5.\n"
            "#SBATCH --job-name=%s-merge\n"
            "#SBATCH --ntasks=1\n",
            s->name);
    print_log(out, s, "merge.log");
    print_path(out, "exec ", s->program, " merge ");
    print_path(out, "", s->plan, " \\\n");
    print_path(out, "    -o ", s->directory, "\n");
}

/* A dependency that can no longer be met takes the merge out of the queue. */
static void print_submit(FILE *out, const struct scripts *s)
{
    fputs("#!/bin/sh\n"
          "# Submits the job array, and the merge for when all its tasks ended well. Options of "
          "your\n"
          "# own go to both: sh submit.sh --partition=short --time=60. To be repeated after a "
          "failure:\n"
          "# what is finished is not run again.\n"
          "set -e\n",
          out);
    print_path(out, "cd ", s->directory, "\n");
    fputs("array=$(sbatch --parsable \"$@\" array.sh)\n"
          "array=${array%%;*}\n"
          "merge=$(sbatch --parsable --dependency=\"afterok:$array\" --kill-on-invalid-dep=yes "
          "\"$@\" merge.sh)\n"
          "echo \"array $array, merge ${merge%%;*}\"\n",
          out);
}

static void print_parallel(FILE *out, const struct scripts *s)
{
    fputs("#!/bin/sh\n"
          "# The same without Slurm: GNU parallel keeps all cores of this machine busy, then the\n"
          "# merge. Options of your own go to parallel: sh parallel.sh --jobs 3. To be repeated "
          "after\n"
          "# a failure: parallel.log tells which parts are done.\n"
          "set -e\n",
          out);
    print_path(out, "cd ", s->directory, "\n");
    fprintf(out,
            "seq %" PRIu32 " | parallel --will-cite --jobs %" PRIu32
            "%% --joblog parallel.log --resume-failed \"$@\" sh array.sh\n"
            "exec sh merge.sh\n",
            s->tasks, s->jobs < 100 ? 100 / s->jobs : 1);
}

/* ------------------------------------------------------------------------------------------------
 * Files
 * --------------------------------------------------------------------------------------------- */

static const char *publish(const struct scripts *s)
{
    /* submit.sh comes last: whoever sees it sees the others. */
    static const struct {
        const char *name;
        void (*print)(FILE *out, const struct scripts *s);
    } all[] = {{"array.sh", print_array},
               {"merge.sh", print_merge},
               {"parallel.sh", print_parallel},
               {"submit.sh", print_submit}};
    enum { COUNT = sizeof all / sizeof *all };
    struct fl_file file[COUNT];
    char *text[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        FILE *out = fl_text_open(&text[i], &file[i].count);
        all[i].print(out, s);
        fl_text_close(out);
        file[i].name = all[i].name;
        file[i].bytes = text[i];
    }
    const char *problem = fl_files_publish(s->directory, file, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        free(text[i]);
    }
    return problem;
}

/* Parts that are done, by the word of an older division, are not done now. */
static const char *forget_parallel(const struct scripts *s)
{
    char path[PATH_BYTES + 16];
    snprintf(path, sizeof path, "%s/parallel.log", s->directory);
    return remove(path) == 0 || errno == ENOENT
               ? NULL
               : fl_disk_failure("cannot remove %s: %s", path, strerror(errno));
}

/* In an #SBATCH line a backslash quotes even within quotes, and a line end is the end. */
static const char cannot_be_told[] =
    "the name of the results folder has a backslash or a line end, which a job script cannot say";
static bool can_be_told(const char *path)
{
    for (; *path; path++) {
        if (*path == '\\' || (unsigned char)*path < 0x20) {
            return false;
        }
    }
    return true;
}

static const char *find_program(char program[PATH_BYTES])
{
    const ssize_t length = readlink("/proc/self/exe", program, PATH_BYTES);
    if (length <= 0 || length >= PATH_BYTES) {
        return "cannot find this program by /proc/self/exe";
    }
    program[length] = '\0';
    return access(program, X_OK) == 0
               ? NULL
               : fl_disk_failure("cannot find this program, which was %s: %s", program,
                                 strerror(errno));
}

/* Makes it, with a folder for what jobs say: Slurm makes none. */
static const char *find_folder(struct scripts *s, const char *directory)
{
    char logs[PATH_BYTES + 8];
    snprintf(logs, sizeof logs, "%s/logs", directory);
    const char *problem = fl_folder_make(logs);
    if (problem) {
        return problem;
    }
    s->directory = realpath(directory, NULL);
    return s->directory
               ? NULL
               : fl_disk_failure("cannot use the folder %s: %s", directory, strerror(errno));
}

static void print_done(const struct scripts *s)
{
    const uint32_t most = (s->points + s->tasks - 1) / s->tasks;
    printf("%s: %" PRIu32 " points in %" PRIu32 " task%s of %" PRIu32 " point%s at most, %" PRIu32
           " core%s each\n",
           s->name, s->points, s->tasks, s->tasks == 1 ? "" : "s", most, most == 1 ? "" : "s",
           s->jobs, s->jobs == 1 ? "" : "s");
    print_path(stdout, "  sh ", s->directory, "/submit.sh    Slurm: a job array, then the merge\n");
    print_path(stdout, "  sh ", s->directory, "/parallel.sh  this machine, by GNU parallel\n");
}

/* NULL or a sentence; *usage says whose fault it is. */
static const char *write_scripts(struct scripts *s, const char *plan, const char *directory,
                                 bool *usage)
{
    *usage = true;
    if (s->tasks > s->points) {
        return fl_disk_failure("--slurm %" PRIu32 ": %s has %" PRIu32
                               " points, and no point can be divided; at most %" PRIu32,
                               s->tasks, s->name, s->points, s->points);
    }
    if (!can_be_told(directory)) {
        return cannot_be_told;
    }
    *usage = false;
    const char *problem = find_program(s->program);
    problem = problem ? problem : find_folder(s, directory);
    if (!problem && !can_be_told(s->directory)) {
        *usage = true;
        return cannot_be_told;
    }
    s->plan = realpath(plan, NULL);
    if (!problem && !s->plan) {
        problem = fl_disk_failure("cannot find %s: %s", plan, strerror(errno));
    }
    problem = problem ? problem : forget_parallel(s);
    return problem ? problem : publish(s);
}

static int write_for(const struct fl_job_array *array, const struct fl_plan *plan)
{
    char room[FL_SWEEP_PATH];
    const char *directory = fl_sweep_directory(plan, array->directory, room);
    if (!directory) {
        return EXIT_IO;
    }
    struct scripts scripts = {.name = plan->name,
                              .points = plan->points,
                              .tasks = array->tasks,
                              .jobs = array->jobs > 0 ? array->jobs : 1};
    bool usage;
    const char *problem = write_scripts(&scripts, array->plan, directory, &usage);
    if (problem) {
        fprintf(stderr, "faultline: %s\n", problem);
    } else if (!array->quiet) {
        print_done(&scripts);
    }
    free(scripts.plan);
    free(scripts.directory);
    return problem ? (usage ? EXIT_USAGE : EXIT_IO) : 0;
}

int fl_job_array_write(const struct fl_job_array *array)
{
    FL_ASSERT(array->tasks > 0);
    struct fl_problems problems = {.to = stderr};
    fl_signals_end_run();
    struct fl_plan *plan = fl_plan_load(array->plan, &problems);
    if (!plan) {
        return problems.count > 0 ? EXIT_USAGE : EXIT_IO;
    }
    const int status = write_for(array, plan);
    fl_plan_free(plan);
    return status;
}
