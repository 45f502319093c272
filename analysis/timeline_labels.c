/* Where the labels of a timeline go: each may stand in many spots, and takes the one that covers least
 * of the curves, arrows and labels before it. */
#include "analysis/timeline_figure.h"
#include "analysis/wording.h"

static const double LABEL_POINTS = 18;

/* ------------------------------------------------------------------------------------------------
 * What labels must not cover
 * --------------------------------------------------------------------------------------------- */

/* Layer 1 is for labels; each curve of a panel has its own. */
static uint8_t layer_of(enum fl_curve curve)
{
    return (uint8_t)(2u << curve);
}

static void draw_on_canvas(struct fl_figure *figure, enum fl_curve curve)
{
    struct fl_panel *panel = &figure->panel[fl_curve_panel(curve)];
    double before_x = NAN, before_y = NAN;
    for (size_t r = 0; r < figure->rows; r++) {
        const size_t i = figure->row[r];
        if (i < figure->first || i > figure->last) {
            continue;
        }
        const double x = fl_figure_pixel_x(figure, fl_figure_x(figure, figure->run->at[i]));
        const double y = fl_panel_pixel_y(panel, fl_figure_curve(figure, curve, i));
        fl_canvas_line(panel->canvas, (uint8_t)layer_of(curve), before_x, before_y, x, y);
        before_x = x;
        before_y = y;
    }
}

static void draw_arrow(struct fl_figure *figure, int which, const struct fl_arrow *arrow)
{
    struct fl_panel *panel = &figure->panel[which];
    if (arrow->drawn) {
        const double x = fl_figure_pixel_x(figure, arrow->x);
        fl_canvas_box(panel->canvas, FL_LAYER_LABELS, x - 6, fl_panel_pixel_y(panel, arrow->low),
                      x + 6, fl_panel_pixel_y(panel, arrow->high));
    }
}

/* ------------------------------------------------------------------------------------------------
 * Spots
 * --------------------------------------------------------------------------------------------- */

enum { SPOTS = 512 };
struct spots {
    struct fl_spot at[SPOTS];
    size_t count;
};

static void spot(struct spots *spots, double x, double y, double bias)
{
    if (spots->count < SPOTS && isfinite(x) && isfinite(y)) {
        spots->at[spots->count++] = (struct fl_spot){x, y, bias};
    }
}

/* With a little air on both sides: the font may be another one than was measured. */
static double label_width(const char *text)
{
    return 1.03 * fl_text_width(text, LABEL_POINTS, true) + 4;
}

static size_t sample_at_pixel(const struct fl_figure *figure, double pixel)
{
    return fl_figure_sample(figure, (fl_time)(fl_figure_x_of_pixel(figure, pixel) * figure->x_unit *
                                              (double)FL_SECOND));
}

static void put(struct fl_figure *figure, int which, enum fl_label_style style, uint8_t own,
                const char *text, const struct spots *spots)
{
    if (figure->label_count == FL_LABELS_MAX || spots->count == 0) {
        return;
    }
    struct fl_panel *panel = &figure->panel[which];
    const double width = label_width(text);
    const struct fl_spot best = fl_canvas_place(panel->canvas, width, fl_text_height(LABEL_POINTS),
                                                own, spots->at, spots->count);
    struct fl_label *label = &figure->label[figure->label_count++];
    label->panel = which + 1;
    label->style = style;
    label->x = fl_figure_x_of_pixel(figure, best.x - width / 2);
    label->y = fl_panel_y_of_pixel(panel, best.y);
    fl_say(label->text, sizeof label->text, "%s", text);
}

/* Spots above and below a curve, all along it. `from_end` is how much nearer the right end is better;
 * a negative one prefers the left. */
static void along(struct fl_figure *figure, enum fl_curve curve, const char *text, double above,
                  double below, double from_end, struct spots *spots)
{
    enum { PLACES = 80 };
    const struct fl_panel *panel = &figure->panel[fl_curve_panel(curve)];
    const double height = fl_text_height(LABEL_POINTS);
    const double half = label_width(text) / 2 + 10;
    const double room = fl_panel_width() - 2 * half;
    for (int k = 0; k <= PLACES; k++) {
        /* Labels stay inside the panel, so that their places are those where all of one fits. */
        const double x = half + room * k / PLACES;
        const size_t i = sample_at_pixel(figure, x);
        const double y = fl_panel_pixel_y(panel, fl_figure_curve(figure, curve, i));
        const double bias = from_end * (from_end > 0 ? PLACES - k : -k);
        spot(spots, x, y + 0.9 * height, bias + above);
        spot(spots, x, y - 0.9 * height, bias + below);
        /* Farther away, for steep places. */
        spot(spots, x, y + 1.6 * height, bias + above + 12);
        spot(spots, x, y - 1.6 * height, bias + below + 12);
        spot(spots, x + half, y, bias + fmin(above, below) + 6);
        spot(spots, x - half, y, bias + fmin(above, below) + 6);
    }
}

static void label_curve(struct fl_figure *figure, enum fl_curve curve, enum fl_label_style style,
                        const char *text, double above, double below, double from_end)
{
    struct spots spots = {.count = 0};
    along(figure, curve, text, above, below, from_end, &spots);
    put(figure, fl_curve_panel(curve), style, layer_of(curve), text, &spots);
}

/* Beside the highest point of a curve that is flat elsewhere. */
static void label_peak(struct fl_figure *figure, enum fl_curve curve, size_t peak,
                       enum fl_label_style style, const char *text)
{
    const struct fl_panel *panel = &figure->panel[fl_curve_panel(curve)];
    struct spots spots = {.count = 0};
    const double x = fl_figure_pixel_x(figure, fl_figure_x(figure, figure->run->at[peak]));
    const double y = fl_panel_pixel_y(panel, fl_figure_curve(figure, curve, peak));
    for (int side = -1; side <= 1; side += 2) {
        for (int k = 0; k < 12; k++) {
            for (int far = 0; far < 6; far++) {
                const double away = label_width(text) / 2 + 10 + 20 * far;
                spot(&spots, x + side * away, y + 12 - 0.06 * k * y, 8 * far + 4 * k + (side < 0));
            }
        }
    }
    put(figure, fl_curve_panel(curve), style, layer_of(curve), text, &spots);
}

/* `right` is how much worse the right side is. */
static void label_arrow(struct fl_figure *figure, int which, const struct fl_arrow *arrow,
                        double right, enum fl_label_style style, uint8_t own, const char *text)
{
    const struct fl_panel *panel = &figure->panel[which];
    struct spots spots = {.count = 0};
    const double width = label_width(text);
    const double x = fl_figure_pixel_x(figure, arrow->x);
    for (int k = 1; k < 20; k++) {
        const double y = fl_panel_pixel_y(panel, arrow->low + (arrow->high - arrow->low) * k / 20);
        const double off_middle = fabs(k - 10.0) * 2;
        spot(&spots, x + width / 2 + 14, y, off_middle + right);
        spot(&spots, x - width / 2 - 14, y, off_middle);
    }
    spot(&spots, x, fl_panel_pixel_y(panel, arrow->high) + 26, 60);
    put(figure, which, style, own, text, &spots);
}

/* ------------------------------------------------------------------------------------------------
 * Which labels there are
 * --------------------------------------------------------------------------------------------- */

/* Inside its window at the top if it fits, else beside it, else lower down. */
static void label_faults(struct fl_figure *figure)
{
    const int which = fl_figure_first_panel(figure);
    const struct fl_panel *panel = &figure->panel[which];
    for (uint32_t k = 0; k < figure->run->headline.fault_count && k < FL_LABELS_MAX / 2; k++) {
        char text[FL_FAULT_TEXT];
        fl_fault_label(&figure->run->fault[k], text);
        const double width = label_width(text);
        const double from = fl_figure_pixel_x(
            figure, fmax(figure->from, fl_figure_x(figure, figure->run->fault[k].from)));
        const double to = fl_figure_pixel_x(
            figure, fmin(figure->to, fl_figure_x(figure, figure->run->fault[k].to)));
        struct spots spots = {.count = 0};
        for (int line = 0; line < 24; line++) {
            const double y = fl_panel_height(panel) - 16 - 14 * line;
            if (width + 16 < to - from) {
                spot(&spots, from + 8 + width / 2, y, 3 * line);
                spot(&spots, (from + to) / 2, y, 3 * line + 2);
                spot(&spots, to - 8 - width / 2, y, 3 * line + 4);
            }
            spot(&spots, to + 8 + width / 2, y, 3 * line + 12);
            spot(&spots, from - 8 - width / 2, y, 3 * line + 16);
        }
        put(figure, which, (enum fl_label_style)(FL_STYLE_FAULT + k % 4), 0, text, &spots);
    }
}

static void label_prices(struct fl_figure *figure)
{
    if (figure->gap.drawn) {
        char text[FL_HEADLINE_TEXT], dollars[FL_WORDING], percent[FL_WORDING];
        const double gap = figure->gap.high - figure->gap.low;
        fl_price_short((int64_t)(gap * 1e6), dollars);
        fl_percent(gap / fl_figure_curve(figure, FL_CURVE_FUNDAMENTAL, figure->gap.sample),
                   percent);
        fl_say(text, sizeof text, "gap %s (%s)", dollars, percent);
        label_arrow(figure, 0, &figure->gap, -4, FL_STYLE_INK, 0, text);
    }
    label_faults(figure);
    if (fl_figure_has(figure, FL_LINE_ORACLE)) {
        label_curve(figure, FL_CURVE_ORACLE, FL_STYLE_RED, "oracle", 0, 30, 0);
    }
    if (fl_figure_has(figure, FL_LINE_FUNDAMENTAL)) {
        label_curve(figure, FL_CURVE_FUNDAMENTAL, FL_STYLE_BLUE, "fundamental", 30, 0, 0);
    }
}

static void label_liquidations(struct fl_figure *figure)
{
    char text[FL_HEADLINE_TEXT], dollars[FL_WORDING];
    if (fl_figure_has(figure, FL_LINE_DUE)) {
        const int64_t due = figure->run->line[FL_LINE_DUE][figure->backlog.sample];
        fl_money_short(due, dollars);
        if (figure->backlog.drawn) {
            fl_say(text, sizeof text, "due for liquidation: %s", dollars);
            /* On the left it stands in the band that it names. */
            label_arrow(figure, 1, &figure->backlog, 60, FL_STYLE_RED,
                        layer_of(FL_CURVE_DUE) | layer_of(FL_CURVE_LIQUIDATED), text);
        } else {
            fl_say(text, sizeof text,
                   due > 0 ? "due for liquidation: at most %s"
                           : "nothing was due for liquidation%.0s",
                   dollars);
            label_curve(figure, FL_CURVE_DUE, FL_STYLE_RED, text, 0, 60, 0);
        }
    }
    if (fl_figure_has(figure, FL_LINE_LIQUIDATED)) {
        const int64_t *done = figure->run->line[FL_LINE_LIQUIDATED];
        const int64_t total = done[figure->last] - (figure->zoomed ? done[figure->first] : 0);
        fl_money_short(total, dollars);
        fl_say(text, sizeof text, total > 0 ? "liquidated: %s" : "none liquidated%.0s", dollars);
        label_curve(figure, FL_CURVE_LIQUIDATED, FL_STYLE_GREEN, text, total > 0 ? 40 : 0, 0, 0.5);
    }
}

static void label_losses(struct fl_figure *figure)
{
    const struct fl_headline *headline = &figure->run->headline;
    char text[FL_HEADLINE_TEXT], dollars[FL_WORDING];
    if (figure->fund_emptied) {
        struct spots spots = {.count = 0};
        const char *words = "fund empty";
        const double width = label_width(words);
        const double x = fl_figure_pixel_x(figure, fl_figure_x(figure, headline->fund_empty));
        for (int k = 0; k < 8; k++) {
            spot(&spots, x - width / 2 - 12, 18 + 14 * k, 8 * k);
            spot(&spots, x + width / 2 + 12, 18 + 14 * k, 8 * k + 4);
        }
        put(figure, 2, FL_STYLE_BLUE, layer_of(FL_CURVE_FUND), words, &spots);
    }
    if (fl_figure_has(figure, FL_LINE_FUND)) {
        /* At the left edge; a fund that is paid in after the start counts from then. */
        const int64_t fund = figure->zoomed ? figure->run->line[FL_LINE_FUND][figure->first]
                                            : headline->fund_start;
        fl_money_short(fund, dollars);
        fl_say(text, sizeof text, fund > 0 ? "insurance fund: %s" : "insurance fund: empty%.0s",
               dollars);
        label_curve(figure, FL_CURVE_FUND, FL_STYLE_BLUE, text, 0, 2, -0.6);
    }
    if (fl_figure_has(figure, FL_LINE_BAD_DEBT)) {
        const int64_t debt = figure->run->line[FL_LINE_BAD_DEBT][figure->last];
        fl_money_short(debt, dollars);
        fl_say(text, sizeof text, debt > 0 ? "bad debt: %s" : "no bad debt%.0s", dollars);
        label_curve(figure, FL_CURVE_DEBT, FL_STYLE_RED, text, debt > 0 ? 12 : 0, 0, 0.8);
    }
    if (fl_figure_has(figure, FL_LINE_LATENT)) {
        size_t peak = figure->first;
        for (size_t i = figure->first; i <= figure->last; i++) {
            peak = fl_figure_value(figure, FL_LINE_LATENT, i) >
                           fl_figure_value(figure, FL_LINE_LATENT, peak)
                       ? i
                       : peak;
        }
        if (fl_figure_value(figure, FL_LINE_LATENT, peak) / figure->panel[2].unit >
            0.03 * figure->panel[2].high) {
            label_peak(figure, FL_CURVE_LATENT, peak, FL_STYLE_RED, "latent bad debt");
        }
    }
}

void fl_figure_place_labels(struct fl_figure *figure)
{
    for (int curve = 0; curve < FL_CURVES; curve++) {
        if (fl_figure_has_curve(figure, (enum fl_curve)curve)) {
            draw_on_canvas(figure, (enum fl_curve)curve);
        }
    }
    draw_arrow(figure, 0, &figure->gap);
    draw_arrow(figure, 1, &figure->backlog);
    label_prices(figure);
    label_liquidations(figure);
    label_losses(figure);
}
