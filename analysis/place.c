/* Where labels go. */
#include "analysis/place.h"

#include "sim/alloc.h"

#include <math.h>
#include <stdlib.h>

/* pngcairo draws at 96 pixels to the inch; checked against widths measured on a picture. */
static const double PIXELS_PER_POINT = 96.0 / 72.0;
/* Cells of the grid, and the distance a label keeps from the edge and from foreign curves. */
static const double CELL = 4, EDGE = 8, AIR = 12;
/* What it costs to cover a cell of something, and to come too close to a foreign curve. */
static const double COVER_COST = 40, CLOSE_COST = 2;

/* Advance widths of Lato 2.0 in thousandths of an em, from its hmtx table: space to tilde. */
static const uint16_t regular_width[95] = {
    256, 269, 370, 580, 580, 802, 712, 204, 267, 267, 425, 580, 227, 372, 236, 452, 580, 580,  580,
    580, 580, 580, 580, 580, 580, 580, 250, 262, 580, 580, 580, 448, 836, 677, 646, 668, 760,  578,
    566, 730, 764, 280, 422, 662, 514, 928, 764, 800, 600, 800, 626, 542, 590, 736, 677, 1036, 649,
    624, 602, 306, 452, 306, 580, 459, 400, 497, 560, 478, 560, 528, 350, 520, 558, 240, 240,  508,
    236, 822, 558, 567, 560, 560, 364, 433, 358, 558, 516, 786, 498, 516, 452, 301, 250, 301,  580};
static const uint16_t bold_width[95] = {
    243, 281, 396, 580, 580, 820, 724, 212, 274, 274, 425, 580, 234, 373, 238, 466, 580, 580,  580,
    580, 580, 580, 580, 580, 580, 580, 258, 270, 580, 580, 580, 460, 844, 694, 658, 662, 760,  575,
    566, 726, 770, 296, 430, 686, 520, 945, 770, 808, 619, 808, 643, 548, 600, 742, 694, 1051, 670,
    648, 606, 314, 466, 314, 580, 466, 400, 508, 568, 482, 568, 534, 358, 528, 564, 254, 254,  534,
    248, 838, 564, 574, 568, 568, 373, 440, 372, 564, 528, 802, 522, 528, 460, 306, 261, 306,  580};
enum { OTHER_WIDTH = 600 }; /* any other character */

double fl_text_width(const char *text, double points, bool bold)
{
    double thousandths = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at >= ' ' && *at <= '~') {
            thousandths += bold ? bold_width[*at - ' '] : regular_width[*at - ' '];
        } else if ((*at & 0xc0) != 0x80) { /* the first byte of a character in UTF-8 */
            thousandths += OTHER_WIDTH;
        }
    }
    return thousandths / 1000 * points * PIXELS_PER_POINT;
}

double fl_text_height(double points)
{
    return 1.2 * points * PIXELS_PER_POINT;
}

struct fl_canvas {
    double width, height;
    int columns, rows;
    uint8_t *cover; /* [row][column] bits of the layers */
};

struct fl_canvas *fl_canvas_new(double width, double height)
{
    struct fl_canvas *canvas = fl_alloc(1, sizeof *canvas);
    canvas->width = width;
    canvas->height = height;
    canvas->columns = (int)ceil(width / CELL);
    canvas->rows = (int)ceil(height / CELL);
    canvas->cover = fl_alloc((size_t)canvas->columns * (size_t)canvas->rows, 1);
    return canvas;
}

void fl_canvas_free(struct fl_canvas *canvas)
{
    free(canvas->cover);
    free(canvas);
}

static int clamp(int value, int end)
{
    return value < 0 ? 0 : value >= end ? end - 1 : value;
}

static uint8_t *cell(struct fl_canvas *canvas, int column, int row)
{
    return &canvas->cover[(size_t)row * (size_t)canvas->columns + (size_t)column];
}

void fl_canvas_line(struct fl_canvas *canvas, uint8_t layer, double x0, double y0, double x1,
                    double y1)
{
    const double longest = fmax(fabs(x1 - x0), fabs(y1 - y0));
    if (!(longest < 1e6)) { /* not a number, or far outside */
        return;
    }
    const int steps = (int)ceil(longest / CELL) + 1;
    for (int i = 0; i <= steps; i++) {
        const double share = (double)i / steps;
        const int column = (int)floor((x0 + share * (x1 - x0)) / CELL);
        const int row = (int)floor((y0 + share * (y1 - y0)) / CELL);
        if (column >= 0 && column < canvas->columns && row >= 0 && row < canvas->rows) {
            *cell(canvas, column, row) |= layer;
        }
    }
}

struct cells {
    int left, right, low, high;
};
static struct cells cells_of(const struct fl_canvas *canvas, double x0, double y0, double x1,
                             double y1)
{
    return (struct cells){clamp((int)floor(x0 / CELL), canvas->columns),
                          clamp((int)floor(x1 / CELL), canvas->columns),
                          clamp((int)floor(y0 / CELL), canvas->rows),
                          clamp((int)floor(y1 / CELL), canvas->rows)};
}

void fl_canvas_box(struct fl_canvas *canvas, uint8_t layer, double x0, double y0, double x1,
                   double y1)
{
    const struct cells box = cells_of(canvas, x0, y0, x1, y1);
    for (int row = box.low; row <= box.high; row++) {
        for (int column = box.left; column <= box.right; column++) {
            *cell(canvas, column, row) |= layer;
        }
    }
}

static int covered(struct fl_canvas *canvas, struct cells box, uint8_t layers)
{
    int count = 0;
    for (int row = box.low; row <= box.high; row++) {
        for (int column = box.left; column <= box.right; column++) {
            count += (*cell(canvas, column, row) & layers) != 0;
        }
    }
    return count;
}

static double inside(double centre, double size, double room)
{
    const double least = size / 2 + EDGE, most = room - size / 2 - EDGE;
    return centre < least ? least : centre > most && most > least ? most : centre;
}

struct fl_spot fl_canvas_place(struct fl_canvas *canvas, double width, double height, uint8_t own,
                               const struct fl_spot *spots, size_t count)
{
    struct fl_spot best = {0, 0, INFINITY};
    for (size_t i = 0; i < count; i++) {
        struct fl_spot spot = spots[i];
        spot.x = inside(spot.x, width, canvas->width);
        spot.y = inside(spot.y, height, canvas->height);
        const double x0 = spot.x - width / 2, x1 = spot.x + width / 2;
        const double y0 = spot.y - height / 2, y1 = spot.y + height / 2;
        /* A spot that had to be moved is no longer beside its curve. */
        spot.bias += hypot(spot.x - spots[i].x, spot.y - spots[i].y);
        spot.bias += COVER_COST * covered(canvas, cells_of(canvas, x0, y0, x1, y1), UINT8_MAX);
        spot.bias += CLOSE_COST * covered(canvas,
                                          cells_of(canvas, x0 - AIR, y0 - AIR, x1 + AIR, y1 + AIR),
                                          (uint8_t)~own);
        best = spot.bias < best.bias ? spot : best;
    }
    fl_canvas_box(canvas, FL_LAYER_LABELS, best.x - width / 2, best.y - height / 2,
                  best.x + width / 2, best.y + height / 2);
    return best;
}
