/* The side panels of a phase diagram: three columns of its cells beside it, three rows below it. */
#include "analysis/phase_figure.h"
#include "analysis/place.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct fl_phase_panel fl_phase_map = {160, 570, 1130, 680};
const struct fl_phase_panel fl_phase_beside = {1350, 570, 590, 680};
const struct fl_phase_panel fl_phase_below = {160, 105, 1130, 325};

const double fl_phase_apart = 0.12;
static const double LABEL_POINTS = 18;
static const double AIR = 14;    /* pixels between a curve and its label */
static const double ROOM = 1.06; /* above the highest interval */

/* --- which ones ------------------------------------------------------------------------------------ */

static void add(struct fl_phase_cut *cuts, size_t *count, size_t index)
{
    for (size_t i = 0; i < *count; i++) {
        if (cuts[i].index == index) {
            return;
        }
    }
    cuts[(*count)++].index = index;
}

/* The first, the last below n/3 and the first that is not; without a theory first, middle, last. */
static void choose_columns(struct fl_phase *phase)
{
    const size_t last = phase->x.count - 1;
    size_t beyond = 0;
    add(phase->column, &phase->columns, 0);
    if (phase->members == 0) {
        add(phase->column, &phase->columns, last / 2);
        add(phase->column, &phase->columns, last);
        return;
    }
    while (beyond <= last && 3 * phase->x.value[beyond] < (double)phase->members) {
        beyond++;
    }
    add(phase->column, &phase->columns, beyond > 0 ? beyond - 1 : 0);
    add(phase->column, &phase->columns, beyond <= last ? beyond : last);
}

/* The first, the last; between them that at which the first column's onset lies, or the middle. */
static void choose_rows(struct fl_phase *phase)
{
    const size_t last = phase->y.count - 1;
    const double onset = phase->onset[0].value;
    size_t between = 0;
    while (between < last && phase->y.value[between + 1] <= onset) {
        between++;
    }
    add(phase->row, &phase->rows, 0);
    add(phase->row, &phase->rows, between > 0 && between < last ? between : last / 2);
    add(phase->row, &phase->rows, last);
}

/* --- where their labels go ------------------------------------------------------------------------- */

static double share_of(const struct fl_phase_axis *axis, double value)
{
    const double low = axis->edge[0], high = axis->edge[axis->count];
    return axis->logarithmic ? log(value / low) / log(high / low) : (value - low) / (high - low);
}

struct curve {
    const struct fl_phase *phase;
    const struct fl_phase_panel *panel;
    bool beside; /* values go along the page, the axis up */
    size_t cut, count;
};

static struct fl_phase_cell *cell_of(const struct curve *curve, size_t i)
{
    const struct fl_phase *phase = curve->phase;
    const size_t x = curve->beside ? phase->column[curve->cut].index : i;
    const size_t y = curve->beside ? i : phase->row[curve->cut].index;
    return &phase->cell[x * phase->y.count + y];
}

/* In pixels of the panel. */
static struct fl_spot point_of(const struct curve *curve, size_t i, double value)
{
    const struct fl_phase *phase = curve->phase;
    const struct fl_phase_axis *axis = curve->beside ? &phase->y : &phase->x;
    const double up = (fmax(value, phase->least) - phase->least) / (phase->most - phase->least);
    double along = share_of(axis, axis->value[i]);
    if (curve->beside) {
        return (struct fl_spot){up * curve->panel->width, along * curve->panel->height, 0};
    }
    const double cell = share_of(axis, axis->edge[i + 1]) - share_of(axis, axis->edge[i]);
    along += fl_phase_apart * cell * ((double)curve->cut - 0.5 * (double)(phase->rows - 1));
    return (struct fl_spot){along * curve->panel->width, up * curve->panel->height, 0};
}

static void draw_line(struct fl_canvas *canvas, uint8_t layer, struct fl_spot a, struct fl_spot b)
{
    fl_canvas_line(canvas, layer, a.x, a.y, b.x, b.y);
}

/* Beside the map the intervals are a band, below it bars. */
static void draw(struct fl_canvas *canvas, const struct curve *curve)
{
    const uint8_t layer = (uint8_t)(2U << curve->cut);
    for (size_t i = 0; i < curve->count; i++) {
        const struct fl_estimate now = cell_of(curve, i)->mean;
        const size_t j = i > 0 ? i - 1 : 0;
        const struct fl_estimate before = cell_of(curve, j)->mean;
        draw_line(canvas, layer, point_of(curve, j, before.value), point_of(curve, i, now.value));
        if (curve->beside) {
            draw_line(canvas, layer, point_of(curve, j, before.low), point_of(curve, i, now.low));
            draw_line(canvas, layer, point_of(curve, j, before.high), point_of(curve, i, now.high));
        } else {
            draw_line(canvas, layer, point_of(curve, i, now.low), point_of(curve, i, now.high));
        }
    }
}

/* Either side of a point of the curve, or of the middle between two. */
static size_t offer(const struct curve *curve, size_t i, size_t j, struct fl_spot half,
                    struct fl_spot out[2])
{
    const struct fl_estimate a = cell_of(curve, i)->mean, b = cell_of(curve, j)->mean;
    const struct fl_spot p = point_of(curve, i, a.value), q = point_of(curve, j, b.value);
    struct fl_spot high = {(p.x + q.x) / 2, (p.y + q.y) / 2, 0}, low = high;
    if (isnan(high.x) || isnan(high.y)) {
        return 0;
    }
    if (i == j) { /* clear of the interval */
        high = point_of(curve, i, fmax(a.value, a.high));
        low = point_of(curve, i, fmin(a.value, a.low));
    }
    const double dx = curve->beside ? half.x : 0, dy = curve->beside ? 0 : half.y;
    out[0] = (struct fl_spot){high.x + dx, high.y + dy, 0};
    out[1] = (struct fl_spot){low.x - dx, low.y - dy, 0};
    return 2;
}

static void place(struct fl_canvas *canvas, const struct curve *curve, struct fl_phase_cut *cut)
{
    const double width = fl_text_width(cut->label, LABEL_POINTS, true);
    const double height = fl_text_height(LABEL_POINTS);
    const struct fl_spot half = {width / 2 + AIR, height / 2 + AIR, 0};
    struct fl_spot *spots = fl_alloc(4 * curve->count, sizeof *spots);
    size_t count = 0;
    for (size_t i = 0; i < curve->count; i++) {
        count += offer(curve, i, i, half, spots + count);
        count += i > 0 ? offer(curve, i - 1, i, half, spots + count) : 0;
    }
    const uint8_t layer = (uint8_t)(2U << curve->cut);
    const struct fl_spot spot = fl_canvas_place(canvas, width, height, layer, spots, count);
    cut->label_x = count > 0 ? spot.x / curve->panel->width : -1;
    cut->label_y = count > 0 ? spot.y / curve->panel->height : -1;
    free(spots);
}

static void place_all(const struct fl_phase *phase, bool beside, struct fl_phase_cut *cuts,
                      size_t count)
{
    const struct fl_phase_panel *panel = beside ? &fl_phase_beside : &fl_phase_below;
    struct fl_canvas *canvas = fl_canvas_new(panel->width, panel->height);
    struct curve curve = {phase, panel, beside, 0, beside ? phase->y.count : phase->x.count};
    for (curve.cut = 0; curve.cut < count; curve.cut++) {
        draw(canvas, &curve);
    }
    if (!beside && phase->members > 0) {
        const double x = share_of(&phase->x, phase->third) * panel->width;
        fl_canvas_line(canvas, (uint8_t)(2U << FL_PHASE_CUTS), x, 0, x, panel->height);
    }
    for (curve.cut = 0; curve.cut < count; curve.cut++) {
        place(canvas, &curve, &cuts[curve.cut]);
    }
    fl_canvas_free(canvas);
}

/* --- where nothing happens ------------------------------------------------------------------------- */

struct rectangle {
    size_t left, right, low, high; /* edges of cells */
};

static struct fl_spot size_of(const struct fl_phase *phase, struct rectangle r)
{
    const struct fl_phase_axis *x = &phase->x, *y = &phase->y;
    return (struct fl_spot){
        (share_of(x, x->edge[r.right]) - share_of(x, x->edge[r.left])) * fl_phase_map.width,
        (share_of(y, y->edge[r.high]) - share_of(y, y->edge[r.low])) * fl_phase_map.height, 0};
}

/* How many cells of a column, from `low` up, have no hit; `most` of them are asked for. */
static size_t calm_cells(const struct fl_phase *phase, size_t column, size_t low, size_t most)
{
    const struct fl_phase_cell *cell = &phase->cell[column * phase->y.count];
    size_t count = 0;
    while (count < most && cell[low + count].hits == 0 && cell[low + count].runs > 0) {
        count++;
    }
    return count;
}

/* The largest area without a hit. */
static struct rectangle find_calm(const struct fl_phase *phase)
{
    struct rectangle best = {0};
    double area = 0;
    for (size_t left = 0; left < phase->x.count; left++) {
        for (size_t low = 0; low < phase->y.count; low++) {
            size_t high = phase->y.count;
            for (size_t right = left; right < phase->x.count && high > low; right++) {
                high = low + calm_cells(phase, right, low, high - low);
                const struct rectangle r = {left, right + 1, low, high};
                const struct fl_spot size = size_of(phase, r);
                if (size.x * size.y > area) {
                    area = size.x * size.y;
                    best = r;
                }
            }
        }
    }
    return best;
}

static void say_calm(struct fl_phase *phase)
{
    const struct rectangle r = find_calm(phase);
    const struct fl_spot size = size_of(phase, r);
    fl_say(phase->calm, FL_PHASE_TEXT, "no %.200s in any run", phase->metric);
    if (size.x < fl_text_width(phase->calm, LABEL_POINTS, false) + 2 * AIR ||
        size.y < fl_text_height(LABEL_POINTS) + 2 * AIR) {
        phase->calm[0] = '\0';
        return;
    }
    const struct fl_phase_axis *x = &phase->x, *y = &phase->y;
    phase->calm_x = (share_of(x, x->edge[r.left]) + share_of(x, x->edge[r.right])) / 2;
    phase->calm_y = (share_of(y, y->edge[r.low]) + share_of(y, y->edge[r.high])) / 2;
}

/* --- the whole ------------------------------------------------------------------------------------- */

/* The lower end of an interval may be below 0 where nothing is; there it is cut off. */
static void span(struct fl_phase *phase, struct fl_estimate mean)
{
    phase->least = fmin(phase->least, mean.value);
    phase->most = fmax(phase->most, fmax(mean.value, mean.high));
}

static void find_span(struct fl_phase *phase)
{
    for (size_t c = 0; c < phase->columns; c++) {
        for (size_t i = 0; i < phase->y.count; i++) {
            span(phase, phase->cell[phase->column[c].index * phase->y.count + i].mean);
        }
    }
    for (size_t c = 0; c < phase->rows; c++) {
        for (size_t i = 0; i < phase->x.count; i++) {
            span(phase, phase->cell[i * phase->y.count + phase->row[c].index].mean);
        }
    }
    phase->most = phase->most > phase->least ? phase->least + (phase->most - phase->least) * ROOM
                                             : phase->least + 1;
}

void fl_phase_cut(struct fl_phase *phase)
{
    char value[FL_PHASE_TEXT];
    choose_columns(phase);
    choose_rows(phase);
    for (size_t c = 0; c < phase->columns; c++) {
        fl_phase_value(&phase->x, phase->x.value[phase->column[c].index], value);
        fl_say(phase->column[c].label, FL_PHASE_TEXT, "%s%s", phase->members > 0 ? "f = " : "",
               value);
    }
    for (size_t c = 0; c < phase->rows; c++) {
        fl_phase_value(&phase->y, phase->y.value[phase->row[c].index], phase->row[c].label);
    }
    find_span(phase);
    say_calm(phase);
    place_all(phase, true, phase->column, phase->columns);
    place_all(phase, false, phase->row, phase->rows);
}
