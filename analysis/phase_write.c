/* The files of a phase diagram: its data, and the variables at the head of its gnuplot script. */
#include "analysis/phase_figure.h"
#include "analysis/place.h"
#include "sim/alloc.h"
#include "sim/disk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char script[] = {
#include "analysis/phase.gp.inc"
};

/* --- data ------------------------------------------------------------------------------------------ */

static void write_cell(FILE *file, const struct fl_phase *phase, size_t x, size_t y)
{
    const struct fl_phase_cell *cell = &phase->cell[x * phase->y.count + y];
    const struct fl_phase_axis *a = &phase->x, *b = &phase->y;
    fprintf(file, "%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g", a->value[x], b->value[y], a->edge[x],
            a->edge[x + 1], b->edge[y], b->edge[y + 1]);
    fprintf(file, "\t%.9g\t%.9g\t%.9g\t%zu\t%zu\n", cell->mean.value, cell->mean.low,
            cell->mean.high, cell->hits, cell->runs);
}

static void write_head(FILE *file, const struct fl_phase *phase)
{
    fprintf(file,
            "# x: %s; y: %s%s; mean %s [%s] with its interval, runs in which it is above 0, runs\n"
            "# x\ty\tx_low\tx_high\ty_low\ty_high\tmean\tlow\thigh\thits\truns\n",
            phase->x.label, phase->y.label, phase->y.time ? " [s]" : "", phase->metric,
            phase->unit);
}

/* A block for each column. */
static void write_cells(FILE *file, const struct fl_phase *phase)
{
    write_head(file, phase);
    for (size_t x = 0; x < phase->x.count; x++) {
        for (size_t y = 0; y < phase->y.count; y++) {
            write_cell(file, phase, x, y);
        }
        fputs("\n\n", file);
    }
}

/* A block for each row of the panel below. */
static void write_rows(FILE *file, const struct fl_phase *phase)
{
    write_head(file, phase);
    for (size_t r = 0; r < phase->rows; r++) {
        for (size_t x = 0; x < phase->x.count; x++) {
            write_cell(file, phase, x, phase->row[r].index);
        }
        fputs("\n\n", file);
    }
}

static double of(struct fl_estimate e, int which)
{
    return which == 0 ? e.value : which == 1 ? e.low : e.high;
}

/* Where half of the runs begin to end so, and the ends of its interval: a block each, steps along the cells. */
static void write_border(FILE *file, const struct fl_phase *phase)
{
    fprintf(file,
            "# three blocks, %s and %s: the border, the ends of its interval\n# then one for each "
            "column of the panel beside, %s [%s] and %s: around the intervals\n",
            phase->x.label, phase->y.label, phase->metric, phase->unit, phase->y.label);
    for (int which = 0; which < 3; which++) {
        for (size_t x = 0; x < phase->x.count; x++) {
            const double onset = of(phase->onset[x], which);
            const double y = isnan(onset) ? NAN : fl_phase_edge(&phase->y, onset, phase->down);
            fprintf(file, "%.9g\t%.9g\n%.9g\t%.9g\n", phase->x.edge[x], y, phase->x.edge[x + 1], y);
        }
        fputs("\n\n", file);
    }
}

/* The intervals of the panel beside as outlines: up along their lower ends, down along the upper ones. */
static void write_bands(FILE *file, const struct fl_phase *phase)
{
    for (size_t c = 0; c < phase->columns; c++) {
        const struct fl_phase_cell *cell = &phase->cell[phase->column[c].index * phase->y.count];
        for (size_t i = 0; i < phase->y.count; i++) {
            fprintf(file, "%.9g\t%.9g\n", cell[i].mean.low, phase->y.value[i]);
        }
        for (size_t i = phase->y.count; i-- > 0;) {
            fprintf(file, "%.9g\t%.9g\n", cell[i].mean.high, phase->y.value[i]);
        }
        fputs("\n\n", file);
    }
}

static void write_lines(FILE *file, const struct fl_phase *phase)
{
    write_border(file, phase);
    write_bands(file, phase);
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

static void set_number(FILE *file, const char *name, double value)
{
    fprintf(file, "%s = %.9g\n", name, value);
}

/* Left, right, top and bottom of a panel, as fractions of the page. */
static void write_panel(FILE *file, const char *name, const struct fl_phase_panel *panel)
{
    const double width = FL_PHASE_PAGE_WIDTH, height = FL_PHASE_PAGE_HEIGHT;
    fprintf(file, "%s_left = %.9g; %s_right = %.9g; %s_bottom = %.9g; %s_top = %.9g\n", name,
            panel->left / width, name, (panel->left + panel->width) / width, name,
            panel->bottom / height, name, (panel->bottom + panel->height) / height);
}

/* Round times, for an axis that is logarithmic; with their names, and without. */
static void write_ticks(FILE *file, const char *name, const struct fl_phase_axis *axis)
{
    static const struct {
        double at;
        const char *text;
    } round[] = {{1e-3, "1 ms"},  {5e-3, "5 ms"},  {1e-2, "10 ms"},   {5e-2, "50 ms"},
                 {0.1, "0.1 s"},  {0.5, "0.5 s"},  {1, "1 s"},        {5, "5 s"},
                 {10, "10 s"},    {30, "30 s"},    {60, "1 min"},     {120, "2 min"},
                 {300, "5 min"},  {600, "10 min"}, {1800, "30 min"},  {3600, "1 h"},
                 {7200, "2 h"},   {21600, "6 h"},  {43200, "12 h"},   {86400, "1 d"},
                 {172800, "2 d"}, {604800, "7 d"}, {2592000, "30 d"}, {31536000, "1 y"}};
    for (int with_text = 0; with_text < 2; with_text++) {
        const char *comma = "";
        fprintf(file, "%s_%s = '", name, with_text ? "ticks" : "marks");
        for (size_t i = 0; i < sizeof round / sizeof *round && axis->time && axis->logarithmic;
             i++) {
            if (round[i].at >= axis->edge[0] && round[i].at <= axis->edge[axis->count]) {
                fprintf(file, "%s\"%s\" %.9g", comma, with_text ? round[i].text : "", round[i].at);
                comma = ", ";
            }
        }
        fputs("'\n", file);
    }
}

static void write_axis(FILE *file, const char *name, const struct fl_phase_axis *axis)
{
    enum { EACH = 20 }; /* so many integers have a tick each */
    char variable[64], label[FL_PHASE_TEXT + 8];
    const bool plain = axis->time && !axis->logarithmic;
    snprintf(label, sizeof label, "%s%s", axis->label, plain ? " [s]" : "");
    snprintf(variable, sizeof variable, "%s_label", name);
    set_text(file, variable, label);
    fprintf(file, "%s_low = %.9g; %s_high = %.9g; %s_log = %d; %s_each = %d\n", name, axis->edge[0],
            name, axis->edge[axis->count], name, axis->logarithmic, name,
            axis->integers && !axis->logarithmic &&
                axis->value[axis->count - 1] - axis->value[0] <= EACH);
    write_ticks(file, name, axis);
}

static void write_cuts(FILE *file, const char *name, const struct fl_phase_cut *cuts, size_t count,
                       const struct fl_phase_axis *axis)
{
    fprintf(file, "%ss = %zu\narray %s_label[%d]\narray %s_label_x[%d]\narray %s_label_y[%d]\n",
            name, count, name, FL_PHASE_CUTS, name, FL_PHASE_CUTS, name, FL_PHASE_CUTS);
    fprintf(file, "array %s_index[%d]\narray %s_at[%d]\n", name, FL_PHASE_CUTS, name,
            FL_PHASE_CUTS);
    for (size_t c = 0; c < count; c++) {
        char variable[64];
        snprintf(variable, sizeof variable, "%s_label[%zu]", name, c + 1);
        set_text(file, variable, cuts[c].label);
        fprintf(file, "%s_label_x[%zu] = %.6g; %s_label_y[%zu] = %.6g\n", name, c + 1,
                cuts[c].label_x, name, c + 1, cuts[c].label_y);
        fprintf(file, "%s_index[%zu] = %zu; %s_at[%zu] = %.9g\n", name, c + 1, cuts[c].index, name,
                c + 1, axis->value[cuts[c].index]);
    }
}

/* The range of colours: from 0, or from the least mean if that is negative. */
static void write_colours(FILE *file, const struct fl_phase *phase)
{
    double least = 0, most = 0;
    for (size_t i = 0; i < phase->x.count * phase->y.count; i++) {
        least = fmin(least, phase->cell[i].mean.value);
        most = fmax(most, phase->cell[i].mean.value);
    }
    fprintf(file, "colour_low = %.9g; colour_high = %.9g\n", least,
            most > least ? most : least + 1);
}

/* As large as both lines fit the page. */
static double title_points(const struct fl_phase *phase)
{
    const double most = 28, room = FL_PHASE_PAGE_WIDTH - 50;
    const double widest = fmax(fl_text_width(phase->title[0], most, true),
                               fl_text_width(phase->title[1], most, true));
    return widest > room ? floor(most * room / widest * 10) / 10 : most;
}

/* Of the key: what its longest line leaves of the page. */
static double key_points(const struct fl_phase *phase)
{
    const double most = 18, room = FL_PHASE_PAGE_WIDTH - fl_phase_beside.left - 105;
    char text[2 * FL_PHASE_TEXT];
    snprintf(text, sizeof text, "above it half of the runs or more end with %s", phase->metric);
    const double width = fl_text_width(text, most, false);
    return width > room ? floor(most * room / width * 10) / 10 : most;
}

static void write_script(FILE *file, const struct fl_phase *phase)
{
    fputs("# Written by `faultline plot --as phase`.\n", file);
    set_text(file, "title_1", phase->title[0]);
    set_text(file, "title_2", phase->title[1]);
    set_number(file, "title_points", title_points(phase));
    set_number(file, "key_points", key_points(phase));
    set_text(file, "subtitle", phase->subtitle);
    char measure[3 * FL_PHASE_TEXT];
    snprintf(measure, sizeof measure, phase->unit[0] ? "mean %s [%s]" : "mean %s", phase->metric,
             phase->unit);
    set_text(file, "metric", phase->metric);
    set_text(file, "measure", measure);
    write_panel(file, "map", &fl_phase_map);
    write_panel(file, "beside", &fl_phase_beside);
    write_panel(file, "below", &fl_phase_below);
    write_axis(file, "x", &phase->x);
    write_axis(file, "y", &phase->y);
    fprintf(file, "members = %zu; third = %.9g; theory = %d\n", phase->members, phase->third,
            phase->third > phase->x.edge[0] && phase->third < phase->x.edge[phase->x.count]);
    set_number(file, "value_low", phase->least);
    set_number(file, "value_high", phase->most);
    fprintf(file, "down = %d; bordered = %d\n", phase->down, phase->bordered);
    set_text(file, "calm", phase->calm);
    fprintf(file, "calm_x = %.6g; calm_y = %.6g\n", phase->calm_x, phase->calm_y);
    set_number(file, "apart", fl_phase_apart);
    write_colours(file, phase);
    write_cuts(file, "column", phase->column, phase->columns, &phase->x);
    write_cuts(file, "row", phase->row, phase->rows, &phase->y);
    fputc('\n', file);
    fwrite(script, 1, sizeof script, file);
}

/* --- files ----------------------------------------------------------------------------------------- */

typedef void write_text(FILE *file, const struct fl_phase *phase);

bool fl_phase_write(const struct fl_phase *phase, const char *directory)
{
    static const struct {
        const char *name;
        write_text *write;
    } part[] = {{"phase-cells.tsv", write_cells},
                {"phase-rows.tsv", write_rows},
                {"phase-lines.tsv", write_lines},
                {"phase.gp", write_script}};
    enum { PARTS = sizeof part / sizeof *part };
    struct fl_file files[PARTS];
    char *text[PARTS];
    size_t bytes[PARTS];
    for (int i = 0; i < PARTS; i++) {
        FILE *file = fl_text_open(&text[i], &bytes[i]);
        part[i].write(file, phase);
        fl_text_close(file);
        files[i] = (struct fl_file){part[i].name, text[i], bytes[i]};
    }
    const char *problem = fl_folder_make(directory);
    problem = problem ? problem : fl_files_publish(directory, files, PARTS);
    for (int i = 0; i < PARTS; i++) {
        free(text[i]);
    }
    if (problem) {
        fprintf(stderr, "faultline: %s\n", problem);
    }
    return !problem;
}
