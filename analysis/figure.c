/* The table of all kinds of figures, from figures.def. */
#include "analysis/figure.h"

#include "sim/mistake.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

#define FL_FIGURE(name) extern const struct fl_figure_kind fl_figure_##name;
#include "analysis/figures.def"
#undef FL_FIGURE

const struct fl_figure_kind *const fl_figure_kinds[] = {
#define FL_FIGURE(name) &fl_figure_##name,
#include "analysis/figures.def"
#undef FL_FIGURE
    NULL,
};

static const struct fl_figure_kind *kind_named(const char *name)
{
    struct fl_guess guess = {.wanted = name};
    for (size_t i = 0; fl_figure_kinds[i]; i++) {
        if (!name || strcmp(fl_figure_kinds[i]->name, name) == 0) {
            return fl_figure_kinds[i];
        }
        fl_guess_offer(&guess, fl_figure_kinds[i]->name);
    }
    fprintf(stderr, "faultline: --as %s: no such figure%s; there are", name,
            fl_guess_hint(&guess).text);
    for (size_t i = 0; fl_figure_kinds[i]; i++) {
        fprintf(stderr, "%s %s", i > 0 ? "," : "", fl_figure_kinds[i]->name);
    }
    fputc('\n', stderr);
    return NULL;
}

/* The option that is there and should not be, or is not there and should; NULL: all is well. */
static const char *wrong_option(const struct fl_figure_kind *figure, const struct fl_plot *plot)
{
    const bool sweep = plot->sweep != NULL;
    return sweep != ((figure->takes & FL_TAKES_SWEEP) != 0)     ? "--sweep"
           : plot->metric && !(figure->takes & FL_TAKES_METRIC) ? "--metric"
           : plot->at && !(figure->takes & FL_TAKES_MOMENT)     ? "--at"
           : plot->span && !(figure->takes & FL_TAKES_MOMENT)   ? "--for"
                                                                : NULL;
}

/* Folders and options that the kind does not take. */
static bool fits(const struct fl_figure_kind *figure, const struct fl_plot *plot)
{
    const char *option = wrong_option(figure, plot);
    if (option) {
        fprintf(stderr, "faultline: --as %s %s %s: %s\n", figure->name,
                figure->takes & FL_TAKES_SWEEP && !plot->sweep ? "needs" : "takes no", option,
                figure->doc);
    } else if (plot->count < figure->least || plot->count > figure->most) {
        fprintf(stderr, "faultline: --as %s takes ", figure->name);
        if (figure->least < figure->most) {
            fprintf(stderr, "%zu to ", figure->least);
        }
        fprintf(stderr, "%zu results folder%s, not %zu: %s\n", figure->most,
                figure->most > 1 ? "s" : "", plot->count, figure->doc);
    } else {
        return true;
    }
    return false;
}

int fl_plot(const struct fl_plot *plot, const char *kind, char *path_out, size_t bytes)
{
    const struct fl_figure_kind *figure = kind_named(kind);
    if (!figure) {
        return EXIT_USAGE;
    }
    const char *format = plot->format;
    if (strcmp(format, "png") != 0 && strcmp(format, "svg") != 0 && strcmp(format, "pdf") != 0) {
        fprintf(stderr, "faultline: --format %s: expected png, svg or pdf\n", format);
        return EXIT_USAGE;
    }
    if (!fits(figure, plot)) {
        return EXIT_USAGE;
    }
    struct fl_plot job = *plot;
    job.directory = plot->directory ? plot->directory : plot->folder[0];
    return figure->draw(&job, path_out, bytes);
}
