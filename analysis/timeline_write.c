/* The files of a timeline: its data, and the variables at the head of its gnuplot script. */
#include "analysis/timeline_figure.h"
#include "analysis/wording.h"
#include "sim/disk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const unsigned char script[] = {
#include "analysis/timeline.gp.inc"
};

enum { PATH_BYTES = 4096 };

/* ------------------------------------------------------------------------------------------------
 * timeline.tsv
 * --------------------------------------------------------------------------------------------- */

static void print_value(FILE *file, const struct fl_figure *figure, enum fl_line line, size_t i)
{
    const double v = fl_figure_value(figure, line, i);
    /* What others are stacked on counts as none if it is missing. */
    if (!fl_figure_has(figure, line) && (line == FL_LINE_LIQUIDATED || line == FL_LINE_BAD_DEBT)) {
        fputs("\t0", file);
    } else if (isnan(v)) {
        fputs("\tNaN", file);
    } else {
        fprintf(file, "\t%.6f", v);
    }
}

static void write_data(FILE *file, const struct fl_figure *figure)
{
    fputs(
        "# t_s\tfundamental\toracle\toracle_valid\tdue\tliquidated\tinsurance_fund\tbad_debt\t"
        "latent_bad_debt\tfault_active\n# money and prices in USD; samples that a picture of this "
        "width cannot show are left out, trace.h5 has them all\n",
        file);
    for (size_t r = 0; r < figure->rows; r++) {
        const size_t i = figure->row[r];
        const int64_t *valid = figure->run->line[FL_LINE_ORACLE_VALID];
        fprintf(file, "%.9g", (double)figure->run->at[i] / (double)FL_SECOND);
        print_value(file, figure, FL_LINE_FUNDAMENTAL, i);
        print_value(file, figure, FL_LINE_ORACLE, i);
        fprintf(file, "\t%d", valid ? valid[i] != 0 : 1);
        print_value(file, figure, FL_LINE_DUE, i);
        print_value(file, figure, FL_LINE_LIQUIDATED, i);
        print_value(file, figure, FL_LINE_FUND, i);
        print_value(file, figure, FL_LINE_BAD_DEBT, i);
        print_value(file, figure, FL_LINE_LATENT, i);
        fprintf(file, "\t%d\n", fl_figure_in_fault(figure, i));
    }
}

/* ------------------------------------------------------------------------------------------------
 * Variables of gnuplot
 * --------------------------------------------------------------------------------------------- */

/* In single quotes gnuplot takes everything as it stands, but a quote is written twice. */
static void print_quoted(FILE *file, const char *text)
{
    fputc('\'', file);
    for (; *text; text++) {
        if (*text == '\'') {
            fputc('\'', file);
        }
        fputc((unsigned char)*text < ' ' ? ' ' : *text, file);
    }
    fputc('\'', file);
}

static void set_text(FILE *file, const char *name, const char *text)
{
    fprintf(file, "%s = ", name);
    print_quoted(file, text);
    fputc('\n', file);
}

static void set_number(FILE *file, const char *name, double number)
{
    /* A curve that is missing has no place; nothing is drawn there. */
    fprintf(file, "%s = %.10g\n", name, isfinite(number) ? number : 0);
}

static void set_flag(FILE *file, const char *name, bool flag)
{
    fprintf(file, "%s = %d\n", name, flag);
}

/* Arrays of gnuplot have at least one element. */
static void begin_array(FILE *file, const char *name, int count)
{
    fprintf(file, "array %s[%d] = [", name, count > 0 ? count : 1);
}

static void set_panel_array(FILE *file, const struct fl_figure *figure, const char *name,
                            size_t offset)
{
    begin_array(file, name, FL_PANELS);
    for (int i = 0; i < FL_PANELS; i++) {
        double number;
        memcpy(&number, (const char *)&figure->panel[i] + offset, sizeof number);
        fprintf(file, "%s%.10g", i > 0 ? ", " : "", number);
    }
    fputs("]\n", file);
}

/* ------------------------------------------------------------------------------------------------
 * timeline.gp
 * --------------------------------------------------------------------------------------------- */

static void write_faults(FILE *file, const struct fl_figure *figure)
{
    const int count = (int)figure->run->headline.fault_count;
    fprintf(file, "fault_count = %d\n", count);
    for (int end = 0; end < 2; end++) {
        begin_array(file, end ? "fault_to" : "fault_from", count);
        for (int i = 0; i < count; i++) {
            const fl_time at = end ? figure->run->fault[i].to : figure->run->fault[i].from;
            const double inside = fmin(figure->to, fmax(figure->from, fl_figure_x(figure, at)));
            fprintf(file, "%s%.10g", i > 0 ? ", " : "", inside);
        }
        fputs(count > 0 ? "]\n" : "0]\n", file);
    }
}

static void write_labels(FILE *file, const struct fl_figure *figure)
{
    const int count = figure->label_count;
    fprintf(file, "label_count = %d\n", count);
    begin_array(file, "label_panel", count);
    for (int i = 0; i < count; i++) {
        fprintf(file, "%s%d", i > 0 ? ", " : "", figure->label[i].panel);
    }
    fputs(count > 0 ? "]\n" : "0]\n", file);
    begin_array(file, "label_style", count);
    for (int i = 0; i < count; i++) {
        fprintf(file, "%s%d", i > 0 ? ", " : "", (int)figure->label[i].style);
    }
    fputs(count > 0 ? "]\n" : "0]\n", file);
    begin_array(file, "label_x", count);
    for (int i = 0; i < count; i++) {
        fprintf(file, "%s%.10g", i > 0 ? ", " : "", figure->label[i].x);
    }
    fputs(count > 0 ? "]\n" : "0]\n", file);
    begin_array(file, "label_y", count);
    for (int i = 0; i < count; i++) {
        fprintf(file, "%s%.10g", i > 0 ? ", " : "", figure->label[i].y);
    }
    fputs(count > 0 ? "]\n" : "0]\n", file);
    begin_array(file, "label_text", count);
    for (int i = 0; i < count; i++) {
        fputs(i > 0 ? ", " : "", file);
        print_quoted(file, figure->label[i].text);
    }
    fputs(count > 0 ? "]\n" : "0]\n", file);
}

static void write_page(FILE *file, const struct fl_figure *figure)
{
    set_text(file, "data", "timeline.tsv");
    set_text(file, "title_1", figure->title[0]);
    set_text(file, "title_2", figure->title[1]);
    set_number(file, "title_points", figure->title_points);
    set_number(file, "title_y_1", figure->title_y[0]);
    set_number(file, "title_y_2", figure->title_y[1]);
    set_text(file, "subtitle", figure->subtitle);
    set_number(file, "subtitle_points", figure->subtitle_points);
    set_number(file, "subtitle_y", figure->subtitle_y);
    set_number(file, "left_edge", FL_PAGE_LEFT);
    set_number(file, "right_edge", FL_PAGE_RIGHT);
    set_panel_array(file, figure, "panel_top", offsetof(struct fl_panel, top));
    set_panel_array(file, figure, "panel_bottom", offsetof(struct fl_panel, bottom));
    set_panel_array(file, figure, "panel_low", offsetof(struct fl_panel, low));
    set_panel_array(file, figure, "panel_high", offsetof(struct fl_panel, high));
    set_panel_array(file, figure, "panel_tics", offsetof(struct fl_panel, tics));
    set_panel_array(file, figure, "panel_unit", offsetof(struct fl_panel, unit));
    begin_array(file, "panel_drawn", FL_PANELS);
    for (int i = 0; i < FL_PANELS; i++) {
        fprintf(file, "%s%d", i > 0 ? ", " : "", figure->panel[i].drawn);
    }
    fputs("]\n", file);
    set_number(file, "panel_first", fl_figure_first_panel(figure) + 1);
    set_number(file, "panel_last", fl_figure_last_panel(figure) + 1);
    set_flag(file, "zoomed", figure->zoomed);
    set_number(file, "strip_top", figure->strip_top);
    set_number(file, "strip_bottom", figure->strip_bottom);
    set_number(file, "strip_low", figure->strip_low);
    set_number(file, "strip_high", figure->strip_high);
}

/* Parts of an hour are read as minutes: 10:15, not 10.25. */
static bool has_clock(const struct fl_figure *figure)
{
    return figure->x_unit > 60 && fl_figure_time_step(figure, figure->to - figure->from) < 1;
}

/* A list for `set xtics`: "'10:15' 10.25, '10:30' 10.5", or with empty names. */
static void write_time_tics(FILE *file, const struct fl_figure *figure, bool named)
{
    const double step = fl_figure_time_step(figure, figure->to - figure->from);
    fprintf(file, "%s = \"", named ? "x_tics_named" : "x_tics");
    const double last = floor(figure->to / step + 1e-9);
    for (double k = ceil(figure->from / step - 1e-9), first = k; k <= last; k++) {
        const double at = fabs(k) < 0.5 ? 0 : k * step; /* not -0 */
        const long minutes = lround(at * 60);
        fputs(k > first ? ", " : "", file);
        if (!named) {
            fprintf(file, "'' %.10g", at);
        } else if (has_clock(figure)) {
            fprintf(file, "'%ld:%02ld' %.10g", minutes / 60, minutes % 60, at);
        } else {
            fprintf(file, "'%g' %.10g", at, at);
        }
    }
    fputs("\"\n", file);
}

static void write_axes(FILE *file, const struct fl_figure *figure)
{
    char label[FL_WORDING];
    fl_say(label, sizeof label, "simulated time [%s]",
           has_clock(figure) ? "h:mm" : figure->x_unit_name);
    set_text(file, "x_label", label);
    set_text(file, "liquidation_axis", figure->panel[1].axis);
    set_text(file, "money_axis", figure->panel[2].axis);
    set_number(file, "x_unit", figure->x_unit);
    set_number(file, "x_from", figure->from);
    set_number(file, "x_to", figure->to);
    write_time_tics(file, figure, false);
    write_time_tics(file, figure, true);
    set_number(file, "run_from", figure->run_from);
    set_number(file, "run_to", figure->run_to);
    set_number(file, "run_tics", fl_figure_time_step(figure, figure->run_to - figure->run_from));
    set_number(file, "liquidated_before", figure->liquidated_before);
}

static void write_curves(FILE *file, const struct fl_figure *figure)
{
    set_flag(file, "has_fundamental", fl_figure_has(figure, FL_LINE_FUNDAMENTAL));
    set_flag(file, "has_oracle", fl_figure_has(figure, FL_LINE_ORACLE));
    set_flag(file, "has_due", fl_figure_has(figure, FL_LINE_DUE));
    set_flag(file, "has_liquidated", fl_figure_has(figure, FL_LINE_LIQUIDATED));
    set_flag(file, "has_fund", fl_figure_has(figure, FL_LINE_FUND));
    set_flag(file, "has_debt", fl_figure_has(figure, FL_LINE_BAD_DEBT));
    set_flag(file, "has_latent", fl_figure_has(figure, FL_LINE_LATENT));
    set_flag(file, "has_gap", figure->gap.drawn);
    set_number(file, "gap_x", figure->gap.x);
    set_number(file, "gap_low", figure->gap.low);
    set_number(file, "gap_high", figure->gap.high);
    set_flag(file, "has_backlog", figure->backlog.drawn);
    set_number(file, "backlog_x", figure->backlog.x);
    set_number(file, "backlog_low", figure->backlog.low);
    set_number(file, "backlog_high", figure->backlog.high);
    set_flag(file, "has_empty", figure->fund_emptied);
    set_number(file, "empty_x",
               figure->fund_emptied ? fl_figure_x(figure, figure->run->headline.fund_empty) : 0);
}

static void write_script(FILE *file, const struct fl_figure *figure)
{
    fputs("# Written by `faultline plot`.\n", file);
    write_page(file, figure);
    write_axes(file, figure);
    write_curves(file, figure);
    write_faults(file, figure);
    write_labels(file, figure);
    fputc('\n', file);
    fwrite(script, 1, sizeof script, file);
}

/* ------------------------------------------------------------------------------------------------
 * Files
 * --------------------------------------------------------------------------------------------- */

static bool write_file(const char *directory, const char *name, const struct fl_figure *figure,
                       void (*content)(FILE *, const struct fl_figure *))
{
    char path[PATH_BYTES], tmp[PATH_BYTES];
    fl_say(path, sizeof path, "%s/%s", directory, name);
    fl_say(tmp, sizeof tmp, "%s/%s.tmp", directory, name);
    FILE *file = fopen(tmp, "w");
    if (!file) {
        fprintf(stderr, "faultline: cannot write %s: %s\n", tmp, strerror(errno));
        return false;
    }
    content(file, figure);
    const bool failed = fflush(file) != 0 || ferror(file);
    const int reason = errno;
    if ((fclose(file) != 0) | failed || rename(tmp, path) != 0) {
        fprintf(stderr, "faultline: cannot write %s: %s\n", path,
                strerror(failed ? reason : errno));
        unlink(tmp);
        return false;
    }
    return true;
}

bool fl_figure_write(const struct fl_figure *figure, const char *directory)
{
    const char *problem = fl_folder_make(directory);
    if (problem) {
        fprintf(stderr, "faultline: %s\n", problem);
        return false;
    }
    return write_file(directory, "timeline.tsv", figure, write_data) &&
           write_file(directory, "timeline.gp", figure, write_script);
}
