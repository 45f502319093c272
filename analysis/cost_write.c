/* The files of a cost figure: its data, and the variables at the head of its gnuplot script. */
#include "analysis/cost_figure.h"
#include "sim/alloc.h"
#include "sim/disk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char script[] = {
#include "analysis/cost.gp.inc"
};
static const double MICRO = 1e-6, MILLION = 1e6;

/* --- data ------------------------------------------------------------------------------------------ */

/* A block for each run: hours, fundamental, oracle (NaN before the first price and while it is not
 * valid), liquidated and due in 10^6 USD. */
static void write_runs(FILE *file, const struct fl_cost *cost)
{
    for (size_t r = 0; r < cost->runs; r++) {
        const struct fl_outline *run = cost->run[r].outline;
        fprintf(file, "# %s\n# hours\tfundamental\toracle\tliquidated\tdue\n", run->name);
        for (size_t i = 0; i < run->samples; i++) {
            fprintf(file, "%.8g", (double)run->at[i] / (double)FL_SECOND / 3600);
            const int64_t fundamental = run->line[FL_LINE_FUNDAMENTAL][i];
            fprintf(file, "\t%.9g", fundamental > 0 ? (double)fundamental * MICRO : NAN);
            const bool valid = run->line[FL_LINE_ORACLE_VALID][i] > 0;
            fprintf(file, "\t%.9g", valid ? (double)run->line[FL_LINE_ORACLE][i] * MICRO : NAN);
            fprintf(file, "\t%.9g\t%.9g\n",
                    (double)run->line[FL_LINE_LIQUIDATED][i] * MICRO / MILLION,
                    (double)run->line[FL_LINE_DUE][i] * MICRO / MILLION);
        }
        fputs("\n\n", file);
    }
}

/* A block for each curve: minutes, mean loss, its interval, 5 % and 95 % of the seeds, 10^6 USD. */
static void write_minutes(FILE *file, const struct fl_cost_sweep *sweep)
{
    for (size_t a = 0; a < sweep->arms; a++) {
        const struct fl_cost_arm *arm = &sweep->arm[a];
        fprintf(file, "# %s %s\n# minutes\tmean\tlow\thigh\tleast\tmost\n", sweep->axis,
                arm->value);
        for (size_t i = 0; i < sweep->points; i++) {
            fprintf(file, "%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\n", sweep->minutes[i],
                    arm->loss[i].value / MILLION, arm->loss[i].low / MILLION,
                    arm->loss[i].high / MILLION, arm->least[i] / MILLION, arm->most[i] / MILLION);
        }
        fputs("\n\n", file);
    }
}

/* --- variables ------------------------------------------------------------------------------------- */

static void set_text(FILE *file, const char *name, const char *text)
{
    fprintf(file, "%s = '", name);
    for (; *text; text++) {
        fputs(*text == '\'' ? "''" : (char[2]){*text, '\0'}, file);
    }
    fputs("'\n", file);
}

/* gnuplot has no word for what is missing; it draws nothing outside its ranges. */
static void set_number(FILE *file, const char *name, double value)
{
    fprintf(file, "%s = %.9g\n", name, isfinite(value) ? value : -1e9);
}

static void write_run_variables(FILE *file, const struct fl_cost *cost)
{
    char name[64];
    fprintf(file, "runs = %zu\n", cost->runs);
    fprintf(file, "array run_label[%zu]\narray latent_most[%zu]\n", cost->runs, cost->runs);
    fprintf(file, "array loss[%zu]\n", cost->runs * FL_BEARERS);
    for (size_t r = 0; r < cost->runs; r++) {
        snprintf(name, sizeof name, "run_label[%zu]", r + 1);
        set_text(file, name, cost->run[r].label);
        snprintf(name, sizeof name, "latent_most[%zu]", r + 1);
        set_number(file, name, cost->run[r].latent_most / MILLION);
        for (size_t b = 0; b < FL_BEARERS; b++) {
            snprintf(name, sizeof name, "loss[%zu]", r * FL_BEARERS + b + 1);
            set_number(file, name, cost->run[r].loss[b] / MILLION);
        }
    }
}

/* From the first beginning to the last end, in hours; without faults outside of the run. */
static void write_fault(FILE *file, const struct fl_cost *cost)
{
    double from = INFINITY, to = -INFINITY;
    for (size_t r = 0; r < cost->runs; r++) {
        const struct fl_outline *run = cost->run[r].outline;
        for (uint32_t i = 0; i < run->headline.fault_count; i++) {
            from = fmin(from, (double)run->fault[i].from / (double)FL_SECOND / 3600);
            to = fmax(to, (double)run->fault[i].to / (double)FL_SECOND / 3600);
        }
    }
    set_number(file, "fault_from", from);
    set_number(file, "fault_to", to);
    const struct fl_outline *first = cost->run[0].outline;
    set_number(file, "x_to", (double)fl_outline_end(first) / (double)FL_SECOND / 3600);
}

static void write_sweep_variables(FILE *file, const struct fl_cost_sweep *sweep)
{
    static const char *const array[] = {"arm_value", "survives", "survives_low", "survives_high",
                                        "fund"};
    char name[64];
    fprintf(file, "arms = %zu\n", sweep->arms);
    set_text(file, "axis", sweep->axis);
    set_number(file, "headline_minutes", sweep->minutes[sweep->headline]);
    set_number(file, "longest", sweep->minutes[sweep->points - 1]);
    for (size_t i = 0; i < sizeof array / sizeof *array; i++) {
        fprintf(file, "array %s[%zu]\n", array[i], sweep->arms);
    }
    for (size_t a = 0; a < sweep->arms; a++) {
        const struct fl_cost_arm *arm = &sweep->arm[a];
        const double value[] = {arm->survives.value, arm->survives.low, arm->survives.high,
                                arm->fund / MILLION};
        snprintf(name, sizeof name, "arm_value[%zu]", a + 1);
        set_text(file, name, arm->value);
        for (size_t i = 0; i < sizeof value / sizeof *value; i++) {
            snprintf(name, sizeof name, "%s[%zu]", array[i + 1], a + 1);
            set_number(file, name, value[i]);
        }
    }
}

static void write_script(FILE *file, const struct fl_cost *cost)
{
    fputs("# Written by `faultline plot --sweep`.\n", file);
    set_text(file, "title_1", cost->title[0]);
    set_text(file, "title_2", cost->title[1]);
    set_text(file, "subtitle", cost->subtitle);
    set_text(file, "note", cost->note);
    write_run_variables(file, cost);
    write_fault(file, cost);
    write_sweep_variables(file, &cost->sweep);
    fputc('\n', file);
    fwrite(script, 1, sizeof script, file);
}

/* --- files ----------------------------------------------------------------------------------------- */

bool fl_cost_write(const struct fl_cost *cost, const char *directory)
{
    char *text[3];
    size_t bytes[3];
    FILE *file = fl_text_open(&text[0], &bytes[0]);
    write_runs(file, cost);
    fl_text_close(file);
    file = fl_text_open(&text[1], &bytes[1]);
    write_minutes(file, &cost->sweep);
    fl_text_close(file);
    file = fl_text_open(&text[2], &bytes[2]);
    write_script(file, cost);
    fl_text_close(file);
    const struct fl_file files[] = {{"cost-runs.tsv", text[0], bytes[0]},
                                    {"cost-minutes.tsv", text[1], bytes[1]},
                                    {"cost.gp", text[2], bytes[2]}};
    const char *problem = fl_folder_make(directory);
    problem = problem ? problem : fl_files_publish(directory, files, 3);
    for (int i = 0; i < 3; i++) {
        free(text[i]);
    }
    if (problem) {
        fprintf(stderr, "faultline: %s\n", problem);
    }
    return !problem;
}
