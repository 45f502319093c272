/* Contingencies as bars: what each part costs when it is lost, worst first; on the right, if the folder
 * has them, the worst pairs of those that cost more than their two parts, with that excess hatched.
 * What changes nothing is counted in a sentence and not drawn.
 *
 * C decides what depends on the numbers (which bars, ranges, sentences); how it looks is in
 * analysis/contingency.gp. */
#include "analysis/contingency.h"
#include "analysis/figure.h"
#include "analysis/gnuplot.h"
#include "analysis/place.h"
#include "analysis/wording.h"
#include "sim/alloc.h"
#include "sim/disk.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FAILED = 3, PANELS = 2, ROWS = 14, ROWS_LEAST = 4, PAIRS_LEAST = 8 };
static const double ALPHA = 0.05;

static const unsigned char script[] = {
#include "analysis/contingency.gp.inc"
};

/* Pixels of the page, and points of its fonts. */
static const double WIDTH_ONE = 1400, WIDTH_TWO = 2000, HEAD = 262, FOOT = 95, ROW = 44;
static const double EDGE = 24, GAP = 50, AIR = 16, NAME_MOST = 560;
static const double NAME_POINTS = 17, VALUE_POINTS = 16, TITLE_POINTS = 27;
static const double NOTE_POINTS = 18, SUBTITLE_POINTS = 16;
/* Measured widths are of Lato; DejaVu, its fallback, is wider. */
static const double SAFE = 1.06;

/* Colours of the script: a kind of part, or what two parts lose beyond the sum of each. */
enum colour {
    COLOUR_REGION = 1,
    COLOUR_LABEL,
    COLOUR_GROUP,
    COLOUR_NODE,
    COLOUR_BEYOND,
    COLOUR_TWO
};

struct bar {
    const struct fl_contingency *contingency;
    char name[FL_RANKING_TEXT], value[FL_QUANTITY_TEXT];
    enum colour colour; /* of the name */
    bool sure;          /* the interval does not hold 0 */
    double edge[4]; /* the bar's pieces lie between these; of one part only the first two count */
    enum colour piece[3];
    int pieces;
};

struct panel {
    struct bar bar[ROWS];
    size_t bars;
    double left, right; /* pixels */
    double low, high;   /* of the axis */
    char heading[FL_RANKING_TEXT];
};

struct page {
    const struct fl_ranking *ranking;
    struct panel panel[PANELS];
    size_t panels, rows;
    double width, height, title_points, note_points, subtitle_points;
    double scale; /* dollars on the axis: in units of this */
    char axis[FL_RANKING_TEXT];
    char title[2][FL_RANKING_TEXT], subtitle[FL_RANKING_TEXT], note[FL_RANKING_TEXT];
};

/* --- which bars -------------------------------------------------------------------------------------- */

static enum colour colour_of(const struct fl_ranking *ranking, size_t part)
{
    static const char *const kind[] = {"region", "label", "group"};
    int i = 0;
    while (i < 3 && strcmp(ranking->part[part].kind, kind[i]) != 0) {
        i++;
    }
    return (enum colour)(COLOUR_REGION + i);
}

static bool is_known(const struct fl_contingency *c)
{
    return c->pairs > 0;
}

static struct bar *add_bar(struct page *page, struct panel *panel, const struct fl_contingency *c)
{
    FL_ASSERT(panel->bars < ROWS);
    struct bar *bar = &panel->bar[panel->bars++];
    bar->contingency = c;
    bar->sure = c->verdict == FL_LOSES || c->verdict == FL_SAVES;
    fl_loss_text((struct fl_estimate){c->loss.value, NAN, NAN}, page->ranking->unit, bar->value);
    return bar;
}

/* A name that would leave no room for its bar ends in dots. */
static void shorten(char name[FL_RANKING_TEXT])
{
    size_t length = strlen(name);
    const bool long_one = SAFE * fl_text_width(name, NAME_POINTS, true) > NAME_MOST;
    while (length > 0 && SAFE * fl_text_width(name, NAME_POINTS, true) > NAME_MOST) {
        do { /* not within a character of UTF-8 */
            length--;
        } while (length > 0 && (name[length] & 0xc0) == 0x80);
        name[length] = '\0';
    }
    fl_say(name + length, FL_RANKING_TEXT - length, "%s", long_one ? "..." : "");
}

static void add_single(struct page *page, const struct fl_contingency *c)
{
    struct bar *bar = add_bar(page, &page->panel[0], c);
    fl_lost_text(page->ranking, c, "", bar->name);
    shorten(bar->name);
    bar->colour = bar->piece[0] = colour_of(page->ranking, c->part[0]);
    bar->edge[1] = c->loss.value;
    bar->pieces = 1;
}

static double loss_alone(const struct fl_ranking *ranking, size_t part)
{
    for (size_t i = 0; i < ranking->singles; i++) {
        if (ranking->single[i].part[0] == part) {
            return is_known(&ranking->single[i]) ? ranking->single[i].loss.value : 0;
        }
    }
    FL_UNREACHABLE("every part is ranked alone");
}

/* "operators alder, birch"; "client red + region london". */
static void name_pair(const struct fl_ranking *ranking, const struct fl_contingency *c,
                      char out[FL_RANKING_TEXT])
{
    const struct fl_part_lost *one = &ranking->part[c->part[0]];
    const struct fl_part_lost *other = &ranking->part[c->part[1]];
    if (strcmp(one->noun, other->noun) == 0 && strcmp(one->kind, "node") != 0) {
        char nouns[FL_WORDING];
        fl_plural(one->noun, nouns, sizeof nouns);
        fl_say(out, FL_RANKING_TEXT, "%s %s, %s", nouns, one->name, other->name);
    } else {
        fl_lost_text(ranking, c, " + ", out);
    }
}

/* Stacked: the first part alone, the second alone, the rest. Where one of them alone saves, or both
 * together lose less than the sum, the pieces would overlap: then it is one piece. */
static void add_pair(struct page *page, const struct fl_contingency *c)
{
    const struct fl_ranking *ranking = page->ranking;
    struct bar *bar = add_bar(page, &page->panel[1], c);
    name_pair(ranking, c, bar->name);
    shorten(bar->name);
    const enum colour one = colour_of(ranking, c->part[0]), other = colour_of(ranking, c->part[1]);
    bar->colour = one == other ? one : COLOUR_TWO;
    const double first = loss_alone(ranking, c->part[0]);
    const double second = loss_alone(ranking, c->part[1]);
    if (first >= 0 && second >= 0 && first + second <= c->loss.value) {
        bar->edge[1] = first;
        bar->edge[2] = first + second;
        bar->edge[3] = c->loss.value;
        bar->piece[0] = one;
        bar->piece[1] = other;
        bar->piece[2] = COLOUR_BEYOND;
        bar->pieces = 3;
    } else {
        bar->edge[1] = c->loss.value;
        bar->piece[0] = COLOUR_TWO;
        bar->pieces = 1;
    }
}

static void choose_bars(struct page *page)
{
    const struct fl_ranking *ranking = page->ranking;
    for (size_t i = 0; i < ranking->singles && page->panel[0].bars < ROWS; i++) {
        if (is_known(&ranking->single[i]) && ranking->single[i].verdict != FL_NOTHING) {
            add_single(page, &ranking->single[i]);
        }
    }
    size_t more = 0;
    for (size_t i = 0; i < ranking->pairs; i++) {
        more += fl_costs_more(&ranking->pair[i]);
    }
    /* As many as on the left, so that neither side is empty. */
    const size_t room = page->panel[0].bars > PAIRS_LEAST ? page->panel[0].bars : PAIRS_LEAST;
    for (size_t i = 0; i < ranking->pairs && page->panel[1].bars < room; i++) {
        const struct fl_contingency *c = &ranking->pair[i];
        if (more > 0 ? fl_costs_more(c) : is_known(c) && c->verdict != FL_NOTHING) {
            add_pair(page, c);
        }
    }
    fl_say(page->panel[0].heading, FL_RANKING_TEXT, "one part lost");
    const char *worst = more > room ? "; the worst" : "";
    fl_say(page->panel[1].heading, FL_RANKING_TEXT,
           "two parts lost: %zu of %zu pairs cost%s more than %s%s", more, ranking->pairs,
           more == 1 ? "s" : "", more == 1 ? "its parts" : "their parts", worst);
}

/* --- where ------------------------------------------------------------------------------------------- */

static double name_width(const struct panel *panel)
{
    double most = 0;
    for (size_t i = 0; i < panel->bars; i++) {
        most = fmax(most, SAFE * fl_text_width(panel->bar[i].name, NAME_POINTS, true));
    }
    return most + AIR;
}

/* The bar's end or its interval's, whichever is further to the right. */
static double end_of(const struct bar *bar)
{
    const struct fl_estimate *e = &bar->contingency->loss;
    return fmax(0, fmax(e->value, isfinite(e->high) ? e->high : e->value));
}

/* So that the text behind each bar is within the panel. */
static void choose_range(struct panel *panel, double low, double width)
{
    panel->low = low;
    panel->high = low;
    for (size_t i = 0; i < panel->bars; i++) {
        const struct bar *bar = &panel->bar[i];
        const double text = SAFE * fl_text_width(bar->value, VALUE_POINTS, false) + 2 * AIR;
        panel->high = fmax(panel->high, low + (end_of(bar) - low) * width / (width - text));
    }
    panel->high = panel->high > low ? panel->high : low + 1;
}

static double lowest(const struct page *page)
{
    double low = 0;
    for (size_t p = 0; p < page->panels; p++) {
        for (size_t i = 0; i < page->panel[p].bars; i++) {
            const struct fl_estimate *e = &page->panel[p].bar[i].contingency->loss;
            low = fmin(low, fmin(e->value, isfinite(e->low) ? e->low : e->value));
        }
    }
    return low;
}

/* Both panels have the same number of pixels to the dollar. */
static void lay_out(struct page *page)
{
    page->panels = page->ranking->pairs > 0 ? 2 : 1;
    page->width = page->panels == 2 ? WIDTH_TWO : WIDTH_ONE;
    page->rows = page->panel[0].bars > page->panel[1].bars ? page->panel[0].bars
                                                           : page->panel[1].bars;
    page->rows = page->rows > ROWS_LEAST ? page->rows : ROWS_LEAST;
    page->height = HEAD + FOOT + ROW * (double)page->rows;
    double names = 0;
    for (size_t p = 0; p < page->panels; p++) {
        names += name_width(&page->panel[p]);
    }
    const double each = (page->width - 2 * EDGE - names - GAP * (double)(page->panels - 1)) /
                        (double)page->panels;
    double at = EDGE, low = lowest(page), high = 0;
    for (size_t p = 0; p < page->panels; p++) {
        struct panel *panel = &page->panel[p];
        panel->left = at + name_width(panel);
        panel->right = panel->left + each;
        at = panel->right + GAP;
        choose_range(panel, low, each);
        high = fmax(high, panel->high);
    }
    for (size_t p = 0; p < page->panels; p++) {
        page->panel[p].high = high;
    }
}

/* --- words ------------------------------------------------------------------------------------------- */

static void choose_unit(struct page *page)
{
    const double most = fmax(page->panel[0].high, -page->panel[0].low);
    char unit[FL_WORDING], name[FL_WORDING];
    page->scale = fl_quantity_axis(most, page->ranking->unit, unit);
    fl_quantity_name(page->ranking->metric, name);
    fl_say(page->axis, sizeof page->axis, "%s%s%s%s", name, *unit ? " [" : "", unit,
           *unit ? "]" : "");
}

/* "Losing client red costs $282 k beyond the insurance fund". */
static void say_worst(const struct fl_ranking *ranking, const struct fl_contingency *c,
                      const char *losing, char out[FL_RANKING_TEXT])
{
    char name[FL_RANKING_TEXT], amount[FL_QUANTITY_TEXT];
    const bool debt = strcmp(ranking->metric, "ledger.bad_debt") == 0;
    fl_lost_text(ranking, c, " and ", name);
    fl_total_text(c->loss, ranking->unit, amount);
    fl_say(out, FL_RANKING_TEXT, "%s %.200s %s %s%s%s", losing, name, debt ? "costs" : "adds",
           amount, debt ? " beyond the insurance fund" : " to ", debt ? "" : ranking->metric);
}

/* Smaller than usual if the text would not be within the page. */
static double fitting(const struct page *page, const char *text, double points, bool bold)
{
    const double width = SAFE * fl_text_width(text, points, bold);
    return fmin(points, points * (page->width - 2 * EDGE) / fmax(width, 1));
}

static void say_titles(struct page *page)
{
    const struct fl_ranking *ranking = page->ranking;
    const bool any = fl_verdicts(ranking->single, ranking->singles, FL_LOSES) > 0;
    fl_ranking_sentence(ranking, page->title[0]);
    size_t hidden = 0, worst = ranking->pairs;
    for (size_t i = 0; i < ranking->pairs; i++) {
        if (fl_is_hidden(ranking, &ranking->pair[i])) {
            worst = hidden++ == 0 ? i : worst;
        }
    }
    size_t first = 0;
    while (any && ranking->single[first].verdict != FL_LOSES) {
        first++;
    }
    if (any) {
        say_worst(ranking, &ranking->single[first], "losing", page->title[1]);
    } else if (hidden > 0) {
        say_worst(ranking, &ranking->pair[worst], "but losing", page->title[1]);
    }
    const size_t length = strlen(page->title[1]);
    if (any && hidden > 0) {
        fl_say(page->title[1] + length, FL_RANKING_TEXT - length,
               "; %zu pair%s harmless one by one do%s harm together", hidden,
               hidden == 1 ? " that is" : "s that are", hidden == 1 ? "es" : "");
    }
    fl_say(page->title[0] + strlen(page->title[0]), 2, *page->title[1] ? ":" : ".");
    page->title_points = fmin(fitting(page, page->title[0], TITLE_POINTS, true),
                              fitting(page, page->title[1], TITLE_POINTS, true));
}

static void say_notes(struct page *page)
{
    const struct fl_ranking *ranking = page->ranking;
    const size_t nothing = fl_verdicts(ranking->single, ranking->singles, FL_NOTHING);
    char base[FL_QUANTITY_TEXT], window[FL_RANKING_TEXT];
    fl_total_text(ranking->base, ranking->unit, base);
    fl_window_text(ranking, window);
    size_t drawn = page->panel[0].bars, known = 0;
    for (size_t i = 0; i < ranking->singles; i++) {
        known += is_known(&ranking->single[i]);
    }
    fl_say(page->note, sizeof page->note,
           "%zu of %zu parts change%s nothing at all, with any seed, and %s not drawn", nothing,
           known, nothing == 1 ? "s" : "", nothing == 1 ? "is" : "are");
    size_t length = strlen(page->note);
    if (known > nothing + drawn) {
        fl_say(page->note + length, sizeof page->note - length, ", nor are %zu more that cost less",
               known - nothing - drawn);
        length = strlen(page->note);
    }
    fl_say(page->note + length, sizeof page->note - length, ". As it is, the scenario loses %s.",
           base);
    fl_say(page->subtitle, sizeof page->subtitle,
           "%.100s, each part down %.200s; %zu seeds; 95 %% intervals of the difference to the "
           "same seed with nothing lost; pale where they hold 0",
           ranking->scenario, window, ranking->replicates);
    page->note_points = fitting(page, page->note, NOTE_POINTS, false);
    page->subtitle_points = fitting(page, page->subtitle, SUBTITLE_POINTS, false);
}

/* --- files ------------------------------------------------------------------------------------------- */

/* Two blocks: pieces of bars; values with their intervals. On the axis' scale. */
static void write_data(FILE *file, const struct page *page)
{
    fputs("# panel\trow\tfrom\tto\tcolour\tsure\n", file);
    for (size_t p = 0; p < page->panels; p++) {
        for (size_t i = 0; i < page->panel[p].bars; i++) {
            const struct bar *bar = &page->panel[p].bar[i];
            for (int k = 0; k < bar->pieces; k++) {
                fprintf(file, "%zu\t%zu\t%.9g\t%.9g\t%d\t%d\n", p + 1, i + 1,
                        bar->edge[k] / page->scale, bar->edge[k + 1] / page->scale,
                        (int)bar->piece[k], bar->sure);
            }
        }
    }
    fputs("\n\n# panel\trow\tvalue\tlow\thigh\n", file);
    for (size_t p = 0; p < page->panels; p++) {
        for (size_t i = 0; i < page->panel[p].bars; i++) {
            const struct fl_estimate *e = &page->panel[p].bar[i].contingency->loss;
            fprintf(file, "%zu\t%zu\t%.9g\t%.9g\t%.9g\n", p + 1, i + 1, e->value / page->scale,
                    e->low / page->scale, e->high / page->scale);
        }
    }
}

static void set_text(FILE *file, const char *name, const char *text)
{
    fprintf(file, "%s = '", name);
    for (; *text; text++) {
        fputs(*text == '\'' ? "''" : (char[2]){*text, '\0'}, file);
    }
    fputs("'\n", file);
}

static void write_panel(FILE *file, const struct page *page, size_t p)
{
    const struct panel *panel = &page->panel[p];
    char name[64];
    for (size_t i = 0; i < panel->bars; i++) {
        const struct bar *bar = &panel->bar[i];
        const size_t at = p * ROWS + i + 1;
        snprintf(name, sizeof name, "bar_name[%zu]", at);
        set_text(file, name, bar->name);
        snprintf(name, sizeof name, "bar_value[%zu]", at);
        set_text(file, name, bar->value);
        fprintf(file, "bar_ink[%zu] = %d\nbar_bold[%zu] = %d\nbar_end[%zu] = %.9g\n", at,
                (int)bar->colour, at, bar->contingency->verdict == FL_LOSES, at,
                end_of(bar) / page->scale);
    }
    fprintf(file,
            "panel_bars[%zu] = %zu\npanel_left[%zu] = %.6f\npanel_right[%zu] = %.6f\n"
            "panel_low[%zu] = %.9g\npanel_high[%zu] = %.9g\n",
            p + 1, panel->bars, p + 1, panel->left / page->width, p + 1, panel->right / page->width,
            p + 1, panel->low / page->scale, p + 1, panel->high / page->scale);
    snprintf(name, sizeof name, "panel_heading[%zu]", p + 1);
    set_text(file, name, panel->heading);
    fprintf(file, "panel_name_left[%zu] = %.6f\n", p + 1,
            (panel->left - name_width(panel)) / page->width);
}

static void write_script(FILE *file, const struct page *page)
{
    fputs("# Written by `faultline plot --as contingency`.\n", file);
    fprintf(file, "page_width = %.0f\npage_height = %.0f\npanels = %zu\nrows = %zu\nmost = %d\n",
            page->width, page->height, page->panels, page->rows, (int)ROWS);
    fprintf(file, "title_points = %.4g\nnote_points = %.4g\nsubtitle_points = %.4g\n",
            page->title_points, page->note_points, page->subtitle_points);
    fputs("array bar_name[2*most]\narray bar_value[2*most]\narray bar_ink[2*most]\n"
          "array bar_bold[2*most]\narray bar_end[2*most]\narray panel_bars[2]\n"
          "array panel_left[2]\narray panel_right[2]\narray panel_low[2]\narray panel_high[2]\n"
          "array panel_heading[2]\narray panel_name_left[2]\n",
          file);
    fprintf(file, "panel_top = %.6f\npanel_bottom = %.6f\n", 1 - HEAD / page->height,
            FOOT / page->height);
    set_text(file, "title_1", page->title[0]);
    set_text(file, "title_2", page->title[1]);
    set_text(file, "note", page->note);
    set_text(file, "subtitle", page->subtitle);
    set_text(file, "axis", page->axis);
    for (size_t p = 0; p < page->panels; p++) {
        write_panel(file, page, p);
    }
    fputc('\n', file);
    fwrite(script, 1, sizeof script, file);
}

static bool write_files(const struct page *page, const char *directory)
{
    char *data, *text;
    size_t data_bytes, text_bytes;
    FILE *file = fl_text_open(&data, &data_bytes);
    write_data(file, page);
    fl_text_close(file);
    file = fl_text_open(&text, &text_bytes);
    write_script(file, page);
    fl_text_close(file);
    const struct fl_file files[] = {{"contingency.tsv", data, data_bytes},
                                    {"contingency.gp", text, text_bytes}};
    const char *problem = fl_folder_make(directory);
    problem = problem ? problem : fl_files_publish(directory, files, 2);
    free(data);
    free(text);
    if (problem) {
        fprintf(stderr, "faultline: %s\n", problem);
    }
    return !problem;
}

/* --- the whole --------------------------------------------------------------------------------------- */

static bool draw(const struct fl_ranking *ranking, const struct fl_plot *plot)
{
    struct page *page = fl_alloc(1, sizeof *page);
    page->ranking = ranking;
    choose_bars(page);
    lay_out(page);
    choose_unit(page);
    say_titles(page);
    say_notes(page);
    const bool ok = write_files(page, plot->directory) &&
                    fl_gnuplot(plot->directory, "contingency", plot->format);
    free(page);
    return ok;
}

static int draw_contingency(const struct fl_plot *plot, char *path_out, size_t bytes)
{
    struct fl_ranking ranking;
    int status = fl_ranking_read(plot->folder[0], plot->metric, ALPHA, &ranking);
    if (status == 0) {
        status = draw(&ranking, plot) ? 0 : FAILED;
        snprintf(path_out, bytes, "%s/contingency.%s", plot->directory, plot->format);
    }
    fl_ranking_free(&ranking);
    return status;
}

const struct fl_figure_kind fl_figure_contingency = {
    .name = "contingency",
    .doc = "what each part, and each pair, costs when it is lost, from a `faultline rank`",
    .least = 1,
    .most = 1,
    .takes = FL_TAKES_METRIC,
    .draw = draw_contingency};
