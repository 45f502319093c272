/* The page of a timeline: its title and subtitle, where its panels are, and which pixel a value is. */
#include "analysis/timeline_figure.h"
#include "analysis/wording.h"

#include <string.h>

/* The page in pixels; fractions of it are what gnuplot calls screen coordinates. */
static const double PAGE_WIDTH = 1600, PAGE_HEIGHT = 1500;
static const double BOTTOM = 0.072, TOP = 0.973;
static const double TITLE_POINTS = 27, TITLE_LEAST = 24, TITLE_LINE = 0.026;
static const double SUBTITLE_POINTS = 19, SUBTITLE_LEAST = 14, SUBTITLE_LINE = 0.029;
static const double PANEL_GAP = 0.030, STRIP_HEIGHT = 0.048, STRIP_GAP = 0.040;
static const double panel_share[FL_PANELS] = {0.42, 0.29, 0.29};

/* ------------------------------------------------------------------------------------------------
 * From values to pixels and back
 * --------------------------------------------------------------------------------------------- */

double fl_panel_width(void)
{
    return (FL_PAGE_RIGHT - FL_PAGE_LEFT) * PAGE_WIDTH;
}

double fl_panel_height(const struct fl_panel *panel)
{
    return (panel->top - panel->bottom) * PAGE_HEIGHT;
}

double fl_figure_pixel_x(const struct fl_figure *figure, double x)
{
    return (x - figure->from) / (figure->to - figure->from) * (FL_PAGE_RIGHT - FL_PAGE_LEFT) *
           PAGE_WIDTH;
}

double fl_panel_pixel_y(const struct fl_panel *panel, double y)
{
    return (y - panel->low) / (panel->high - panel->low) * (panel->top - panel->bottom) *
           PAGE_HEIGHT;
}

double fl_figure_x_of_pixel(const struct fl_figure *figure, double pixel)
{
    return figure->from +
           pixel / ((FL_PAGE_RIGHT - FL_PAGE_LEFT) * PAGE_WIDTH) * (figure->to - figure->from);
}

double fl_panel_y_of_pixel(const struct fl_panel *panel, double pixel)
{
    return panel->low +
           pixel / ((panel->top - panel->bottom) * PAGE_HEIGHT) * (panel->high - panel->low);
}

/* ------------------------------------------------------------------------------------------------
 * Words and places
 * --------------------------------------------------------------------------------------------- */

/* Breaks a title that would become too small at its semicolon, or at the space nearest the middle. */
static void set_title(struct fl_figure *figure)
{
    char sentence[FL_HEADLINE_TEXT];
    fl_headline_text(&figure->run->headline, sentence);
    const double room = fl_panel_width();
    const double points = TITLE_POINTS * room / fl_text_width(sentence, TITLE_POINTS, true);
    figure->title_points = fmin(TITLE_POINTS, points);
    fl_say(figure->title[0], FL_HEADLINE_TEXT, "%s", sentence);
    if (points >= TITLE_LEAST) {
        return;
    }
    char *cut = strstr(sentence, "; ");
    if (cut) {
        fl_say(figure->title[1], FL_HEADLINE_TEXT, "%s", cut + 2);
        cut[1] = '\0';
    } else {
        cut = sentence + strlen(sentence) / 2;
        while (*cut && *cut != ' ') {
            cut++;
        }
        fl_say(figure->title[1], FL_HEADLINE_TEXT, "%s", *cut ? cut + 1 : "");
        *cut = '\0';
    }
    fl_say(figure->title[0], FL_HEADLINE_TEXT, "%s", sentence);
    const double longest = fmax(fl_text_width(figure->title[0], TITLE_POINTS, true),
                                fl_text_width(figure->title[1], TITLE_POINTS, true));
    figure->title_points = fmin(TITLE_POINTS - 1, TITLE_POINTS * room / longest);
}

static void append_sizes(const struct fl_figure *figure, char *out, size_t bytes, uint32_t least)
{
    for (size_t i = 0; i < figure->run->group_count; i++) {
        const struct fl_outline_group *group = &figure->run->group[i];
        char many[FL_WORDING], number[FL_WORDING];
        fl_plural(group->name, many, sizeof many);
        fl_thousands(group->size, number);
        if (group->size >= least) {
            fl_say(out + strlen(out), bytes - strlen(out), " · %s %s", number,
                   group->size == 1 ? group->name : many);
        }
    }
}

/* Scenario, seed, sizes and digest; groups of one are left out if there is no room. */
static void set_subtitle(struct fl_figure *figure)
{
    const struct fl_outline *run = figure->run;
    const double room = fl_panel_width();
    int64_t open = 0;
    for (size_t i = 0; run->line[FL_LINE_OPEN_ACCOUNTS] && i < run->samples; i++) {
        const int64_t now = run->line[FL_LINE_OPEN_ACCOUNTS][i];
        open = now > open ? now : open;
    }
    for (uint32_t least = 1; least <= 3; least++) {
        char *out = figure->subtitle;
        const size_t bytes = sizeof figure->subtitle;
        fl_say(out, bytes, "%s · seed %s", run->name, run->seed);
        append_sizes(figure, out, bytes, least);
        if (open > 0) {
            char number[FL_WORDING];
            fl_thousands(open, number);
            fl_say(out + strlen(out), bytes - strlen(out), " · %s open positions", number);
        }
        fl_say(out + strlen(out), bytes - strlen(out), " · digest %.8s", run->digest);
        const double points = SUBTITLE_POINTS * room / fl_text_width(out, SUBTITLE_POINTS, false);
        figure->subtitle_points = fmin(SUBTITLE_POINTS, points);
        if (points >= SUBTITLE_LEAST) {
            return;
        }
    }
}

/* From top to bottom: title, subtitle, the strip of the whole run if zoomed, the panels that have
 * something to show. */
static void place_panels(struct fl_figure *figure)
{
    figure->title_y[0] = TOP;
    figure->title_y[1] = TOP - TITLE_LINE;
    figure->subtitle_y = TOP - (figure->title[1][0] ? TITLE_LINE : 0) - SUBTITLE_LINE;
    double top = figure->subtitle_y - SUBTITLE_LINE;
    figure->strip_top = top;
    figure->strip_bottom = top - STRIP_HEIGHT;
    if (figure->zoomed) {
        top = figure->strip_bottom - STRIP_GAP;
    }
    double shares = 0;
    int drawn = 0;
    for (int i = 0; i < FL_PANELS; i++) {
        shares += figure->panel[i].drawn ? panel_share[i] : 0;
        drawn += figure->panel[i].drawn;
    }
    const double room = top - BOTTOM - (drawn - 1) * PANEL_GAP;
    for (int i = 0; i < FL_PANELS; i++) {
        struct fl_panel *panel = &figure->panel[i];
        panel->top = top;
        panel->bottom = top - panel_share[i] / shares * room;
        top = panel->drawn ? panel->bottom - PANEL_GAP : top;
        panel->canvas = fl_canvas_new(fl_panel_width(), fl_panel_height(panel));
    }
}

void fl_figure_lay_out(struct fl_figure *figure)
{
    set_title(figure);
    set_subtitle(figure);
    place_panels(figure);
}

int fl_figure_first_panel(const struct fl_figure *figure)
{
    int i = 0;
    while (i < FL_PANELS - 1 && !figure->panel[i].drawn) {
        i++;
    }
    return i;
}

int fl_figure_last_panel(const struct fl_figure *figure)
{
    int i = FL_PANELS - 1;
    while (i > 0 && !figure->panel[i].drawn) {
        i--;
    }
    return i;
}
