/* Where labels go: text is measured, curves are drawn on a coarse grid, and of several candidate
 * places the one that covers least is taken. Coordinates are pixels from the lower left corner of a
 * panel. */
#ifndef FL_PLACE_H
#define FL_PLACE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Width in pixels of one line of Lato. */
double fl_text_width(const char *text, double points, bool bold);
/* Height of a line, ascent and descent. */
double fl_text_height(double points);

struct fl_canvas;
struct fl_canvas *fl_canvas_new(double width, double height);
void fl_canvas_free(struct fl_canvas *canvas);

/* Up to 8 layers, one bit each; FL_LAYER_LABELS is for what has been placed. */
enum { FL_LAYER_LABELS = 1 };
void fl_canvas_line(struct fl_canvas *canvas, uint8_t layer, double x0, double y0, double x1,
                    double y1);
void fl_canvas_box(struct fl_canvas *canvas, uint8_t layer, double x0, double y0, double x1,
                   double y1);

struct fl_spot {
    double x, y; /* centre of the label */
    double bias; /* pixels covered that this place is worth less than another */
};
/* The best of the spots for a label of that size, moved inside the panel; it is then taken. `own`
 * is the layer the label belongs to: it may come close to that one, not to others. */
struct fl_spot fl_canvas_place(struct fl_canvas *canvas, double width, double height, uint8_t own,
                               const struct fl_spot *spots, size_t count);

#endif
