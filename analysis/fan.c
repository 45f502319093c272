/* A fan chart: how far the seeds of one scenario drift apart, over time or along the axis of a sweep.
 * Bands hold the middle half and nine tenths of the seeds at each place, thin lines are the seeds that
 * end highest and lowest. With fewer seeds than a 5 % quantile can be seen in, every seed is a line and
 * there are no bands.
 *
 * A band is no path: who is in it changes along the axis. */
#include "analysis/fan_figure.h"
#include "analysis/place.h"
#include "analysis/sketch.h"
#include "sim/alloc.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char style[] = {
#include "analysis/fan.gp.inc"
};

enum {
    EXIT_USAGE = 2,
    LEVELS = 5,
    MIDDLE = 2,
    SEEDS_LEAST = 20, /* one of them beyond 5 %, and one beyond 95 % */
    EXTREMES = 3,
    ROWS_MOST = 1500,
    LABELS = LEVELS + EXTREMES,
    TEXT = FL_FAN_TEXT
};
static const double level[LEVELS] = {0.05, 0.25, 0.5, 0.75, 0.95};
static const char *const level_name[LEVELS] = {"5 %", "25 %", "median", "75 %", "95 %"};
/* Pixels: the script has the same as fractions of the page. */
static const double PAGE_WIDTH = 1700, PANEL_HEIGHT = 730, LABEL_APART = 25, TITLE_POINTS = 27;

struct label {
    double y, true_y;
    char text[2 * TEXT];
    double kind; /* 1 + level, or LEVELS + 1 for a seed */
};

struct page {
    const struct fl_fan *fan;
    bool bands;
    size_t first, last, head;   /* rows drawn; the one that the title is about */
    double *quantile[LEVELS];   /* [row] */
    struct fl_estimate *median; /* [row] */
    size_t extreme[EXTREMES], extremes;
    double x_unit, y_unit, y_low, y_high;
    const char *x_unit_name;
    char y_axis[FL_WORDING];
    struct label label[LABELS];
    size_t labels;
};

static double at(const struct fl_fan *fan, size_t path, size_t row)
{
    return fan->value[path * fan->rows + row];
}

/* --- what is drawn --------------------------------------------------------------------------------- */

/* The values of a row that are there. */
static size_t gather(const struct fl_fan *fan, size_t row, double *values)
{
    size_t count = 0;
    for (size_t p = 0; p < fan->paths; p++) {
        if (!isnan(at(fan, p, row))) {
            values[count++] = at(fan, p, row);
        }
    }
    return count;
}

static void find_quantiles(struct page *page)
{
    const struct fl_fan *fan = page->fan;
    double *values = fl_alloc(fan->paths, sizeof *values);
    for (size_t k = 0; k < LEVELS; k++) {
        page->quantile[k] = fl_alloc(fan->rows, sizeof *page->quantile[k]);
    }
    page->median = fl_alloc(fan->rows, sizeof *page->median);
    for (size_t row = 0; row < fan->rows; row++) {
        const size_t count = gather(fan, row, values);
        for (size_t k = 0; k < LEVELS; k++) {
            page->quantile[k][row] = count > 0 ? fl_quantile(values, count, level[k]) : NAN;
        }
        page->median[row] = count > 0 ? fl_quantile_at(values, count, 0.5, fan->alpha)
                                      : (struct fl_estimate){NAN, NAN, NAN};
    }
    free(values);
}

static bool changes(const struct fl_fan *fan, size_t row, size_t before)
{
    for (size_t p = 0; p < fan->paths; p++) {
        const double a = at(fan, p, row), b = at(fan, p, before);
        if (isnan(a) != isnan(b) || (!isnan(a) && a != b)) {
            return true;
        }
    }
    return false;
}

/* The time in which anything happens, and the beginning of a fault shortly before, with a margin; all of
 * it if that is most of the run. */
static void find_window(struct page *page)
{
    const struct fl_fan *fan = page->fan;
    page->first = 0;
    page->last = fan->rows - 1;
    if (!fan->over_time) {
        return;
    }
    size_t first = 1, last = fan->rows - 1;
    while (first < last && !changes(fan, first, first - 1)) {
        first++;
    }
    while (last > first && !changes(fan, last, last - 1)) {
        last--;
    }
    double from = fan->x[first - 1], to = fan->x[last];
    const double span = to - from;
    for (size_t i = 0; i < fan->faults; i++) {
        const double fault = fan->fault_from[i];
        from = fault < from && to - fault < 12 * span ? fault : from;
    }
    const double margin = 0.12 * (to - from);
    if (!(to - from < 0.6 * (fan->x[page->last] - fan->x[0]))) {
        return;
    }
    while (page->first + 1 < fan->rows && fan->x[page->first + 1] <= from - margin) {
        page->first++;
    }
    while (page->last > page->first + 1 && fan->x[page->last - 1] >= to + margin) {
        page->last--;
    }
}

/* The place with the most in the upper tail; of a run its end, unless little is left there. */
static void find_head(struct page *page)
{
    const double *upper = page->quantile[LEVELS - 1];
    page->head = page->first;
    for (size_t row = page->first; row <= page->last; row++) {
        page->head = isnan(upper[page->head]) || upper[row] > upper[page->head] ? row : page->head;
    }
    if (page->fan->over_time && !(upper[page->last] < upper[page->head] / 2)) {
        page->head = page->last;
    }
}

/* Two highest and the lowest there; the earlier path of those that are equal. */
static void find_extremes(struct page *page)
{
    const struct fl_fan *fan = page->fan;
    for (int which = 0; which < EXTREMES; which++) {
        size_t best = SIZE_MAX;
        for (size_t p = 0; p < fan->paths; p++) {
            const double value = at(fan, p, page->head);
            bool taken = isnan(value);
            for (size_t k = 0; k < page->extremes; k++) {
                taken = taken || page->extreme[k] == p;
            }
            const double other = best == SIZE_MAX ? 0 : at(fan, best, page->head);
            if (!taken && (best == SIZE_MAX || (which < 2 ? value > other : value < other))) {
                best = p;
            }
        }
        if (best != SIZE_MAX) {
            page->extreme[page->extremes++] = best;
        }
    }
}

/* --- scales ---------------------------------------------------------------------------------------- */

static void find_scales(struct page *page)
{
    const struct fl_fan *fan = page->fan;
    double low = INFINITY, high = -INFINITY;
    for (size_t row = page->first; row <= page->last; row++) {
        low = fmin(low, page->bands ? page->quantile[0][row] : INFINITY);
        high = fmax(high, page->bands ? page->quantile[LEVELS - 1][row] : -INFINITY);
        for (size_t p = 0; p < fan->paths; p++) {
            bool drawn = !page->bands;
            for (size_t k = 0; k < page->extremes; k++) {
                drawn = drawn || page->extreme[k] == p;
            }
            low = drawn ? fmin(low, at(fan, p, row)) : low;
            high = drawn ? fmax(high, at(fan, p, row)) : high;
        }
    }
    low = low > 0 && low < 0.6 * high ? 0 : low;
    const double margin = high > low ? 0.04 * (high - low) : fmax(1, 0.1 * fabs(high));
    page->y_unit = fl_quantity_axis(fmax(fabs(low), fabs(high)), fan->unit, page->y_axis);
    page->y_low = (low == 0 ? 0 : low - margin) / page->y_unit;
    page->y_high = (high + margin) / page->y_unit;
    const double span = fan->x[page->last] - fan->x[page->first];
    page->x_unit = !fan->over_time ? 1 : span > 3 * 3600 ? 3600 : span > 180 ? 60 : 1;
    page->x_unit_name = page->x_unit > 60 ? "h" : page->x_unit > 1 ? "min" : "s";
}

/* --- labels ---------------------------------------------------------------------------------------- */

static int by_height(const void *a, const void *b)
{
    const struct label *one = a, *other = b;
    if (one->true_y != other->true_y) {
        return one->true_y > other->true_y ? -1 : 1;
    }
    return (one->kind < other->kind) - (one->kind > other->kind);
}

/* From the top down, each at its curve's end or as near below as the one before leaves room; then, if
 * they stand below the panel, all up again. */
static void spread(struct page *page)
{
    const double apart = LABEL_APART / PANEL_HEIGHT * (page->y_high - page->y_low);
    qsort(page->label, page->labels, sizeof *page->label, by_height);
    for (size_t i = 0; i < page->labels; i++) {
        const double most = i > 0 ? page->label[i - 1].y - apart : page->y_high;
        page->label[i].y = fmin(page->label[i].true_y, most);
    }
    double least = page->y_low;
    for (size_t i = page->labels; i-- > 0;) {
        page->label[i].y = fmax(page->label[i].y, least);
        least = page->label[i].y + apart;
    }
}

static struct label *add_label(struct page *page, double value, double kind)
{
    struct label *label = &page->label[page->labels++];
    *label = (struct label){.true_y = value / page->y_unit, .kind = kind};
    return label;
}

static void find_labels(struct page *page)
{
    const struct fl_fan *fan = page->fan;
    char amount[FL_WORDING];
    for (size_t k = 0; k < LEVELS && page->bands; k++) {
        const double value = page->quantile[k][page->head];
        if (!isnan(value)) {
            struct label *label = add_label(page, value, (double)k + 1);
            fl_quantity_text(value, fan->unit, amount);
            fl_say(label->text, sizeof label->text, "%s  %s", level_name[k], amount);
        }
    }
    for (size_t k = 0; k < page->extremes; k++) {
        const double value = at(fan, page->extreme[k], page->head);
        if (!isnan(value)) {
            struct label *label = add_label(page, value, LEVELS + 1);
            fl_quantity_text(value, fan->unit, amount);
            fl_say(label->text, sizeof label->text, "%s %s  %s",
                   fan->over_time ? "seed" : "replicate", fan->seed[page->extreme[k]], amount);
        }
    }
    spread(page);
}

/* --- words ----------------------------------------------------------------------------------------- */

static void say_place(const struct page *page, char out[2 * TEXT])
{
    const struct fl_fan *fan = page->fan;
    char time[FL_WORDING];
    fl_duration((int64_t)llround(fan->x[fan->rows - 1] * (double)FL_SECOND), time);
    if (fan->over_time && page->head == page->last) {
        fl_say(out, 2 * TEXT, "after %s", time);
    } else if (fan->over_time) {
        fl_clock((int64_t)llround(fan->x[page->head] * (double)FL_SECOND), time);
        char *const whole = strstr(time, ".000");
        if (whole) {
            *whole = '\0';
        }
        fl_say(out, 2 * TEXT, "at %s, when its 95 %% quantile is highest", time);
    } else {
        fl_say(out, 2 * TEXT, "at %s = %.10g", fan->x_label, fan->x[page->head]);
    }
}

static void say_title(const struct page *page, char out[4 * TEXT])
{
    const struct fl_fan *fan = page->fan;
    char name[FL_WORDING], place[2 * TEXT], median[FL_QUANTITY_TEXT], low[FL_WORDING],
        high[FL_WORDING];
    double *values = fl_alloc(fan->paths, sizeof *values);
    const size_t count = gather(fan, page->head, values);
    fl_quantity_name(fan->metric, name);
    name[0] = (char)(name[0] >= 'a' && name[0] <= 'z' ? name[0] - 'a' + 'A' : name[0]);
    say_place(page, place);
    fl_quantity_estimate(page->median[page->head], fan->unit, median);
    fl_quantity_text(count > 0 ? fl_quantile(values, count, page->bands ? 0.05 : 0) : NAN,
                     fan->unit, low);
    fl_quantity_text(count > 0 ? fl_quantile(values, count, page->bands ? 0.95 : 1) : NAN,
                     fan->unit, high);
    if (count == 0) {
        fl_say(out, 4 * TEXT, "%s %s: no seed has a value", name, place);
    } else {
        fl_say(out, 4 * TEXT, "%s %s: median %s; %s %s to %s", name, place, median,
               page->bands ? "nine of ten seeds have" : "the seeds have", low, high);
    }
    free(values);
}

static void say_subtitle(const struct page *page, char out[4 * TEXT])
{
    const struct fl_fan *fan = page->fan;
    fl_say(out, 4 * TEXT, "%s %s · %s · %zu seeds · ", fan->over_time ? "runs of" : "sweep",
           fan->name, fan->metric, fan->paths);
    char *rest = out + strlen(out);
    const size_t bytes = 4 * TEXT - (size_t)(rest - out);
    if (page->bands) {
        fl_say(
            rest, bytes,
            "bands: middle half and nine tenths of the seeds at each place; thin: most and least; "
            "bar: 95 %% interval of the median");
    } else {
        fl_say(rest, bytes, "every seed is a line: bands at 5 and 95 %% need %d", SEEDS_LEAST);
    }
    if (fan->failed > 0) {
        fl_say(out + strlen(out), 4 * TEXT - strlen(out), " · %zu failed runs left out",
               fan->failed);
    }
    if (fan->other_faults > 0) {
        fl_say(out + strlen(out), 4 * TEXT - strlen(out),
               " · not shaded: %zu faults at times that differ", fan->other_faults);
    }
}

/* --- files ----------------------------------------------------------------------------------------- */

static void write_rows(struct fl_sketch *sketch, const struct page *page)
{
    const struct fl_fan *fan = page->fan;
    const size_t step = (page->last - page->first) / ROWS_MOST + 1;
    fputs("# place\t5 %\t25 %\tmedian\t75 %\t95 %\tmedian from\tto\tseeds\n", sketch->data);
    for (size_t row = page->first; row <= page->last;
         row = row + step <= page->last || row == page->last ? row + step : page->last) {
        fprintf(sketch->data, "%.9g", fan->x[row] / page->x_unit);
        for (size_t k = 0; k < LEVELS; k++) {
            fprintf(sketch->data, "\t%.9g", page->quantile[k][row] / page->y_unit);
        }
        const struct fl_estimate median = page->median[row];
        const bool ends = isfinite(median.low) && isfinite(median.high);
        fprintf(sketch->data, "\t%.9g\t%.9g", (ends ? median.low : NAN) / page->y_unit,
                (ends ? median.high : NAN) / page->y_unit);
        for (size_t p = 0; p < (page->bands ? page->extremes : fan->paths); p++) {
            const size_t path = page->bands ? page->extreme[p] : p;
            fprintf(sketch->data, "\t%.9g", at(fan, path, row) / page->y_unit);
        }
        fputc('\n', sketch->data);
    }
}

static void write_faults(struct fl_sketch *sketch, const struct page *page)
{
    const struct fl_fan *fan = page->fan;
    double from[FL_FAN_FAULTS], to[FL_FAN_FAULTS];
    const char *name[FL_FAN_FAULTS];
    for (size_t i = 0; i < fan->faults; i++) {
        from[i] = fmax(fan->fault_from[i], fan->x[page->first]) / page->x_unit;
        to[i] = fmin(fan->fault_to[i], fan->x[page->last]) / page->x_unit;
        name[i] = from[i] < to[i] ? fan->fault[i] : "";
    }
    fl_sketch_texts(sketch, "fault", name, fan->faults);
    fl_sketch_numbers(sketch, "fault_from", from, fan->faults);
    fl_sketch_numbers(sketch, "fault_to", to, fan->faults);
}

static void write_labels(struct fl_sketch *sketch, const struct page *page)
{
    const char *text[LABELS];
    double y[LABELS], true_y[LABELS], kind[LABELS];
    for (size_t i = 0; i < page->labels; i++) {
        text[i] = page->label[i].text;
        y[i] = page->label[i].y;
        true_y[i] = page->label[i].true_y;
        kind[i] = page->label[i].kind;
    }
    fl_sketch_texts(sketch, "label", text, page->labels);
    fl_sketch_numbers(sketch, "label_y", y, page->labels);
    fl_sketch_numbers(sketch, "label_true", true_y, page->labels);
    fl_sketch_numbers(sketch, "label_kind", kind, page->labels);
}

static void write_page(struct fl_sketch *sketch, const struct page *page)
{
    const struct fl_fan *fan = page->fan;
    char title[4 * TEXT], subtitle[4 * TEXT], x_label[2 * TEXT], y_label[2 * FL_WORDING + 8],
        name[FL_WORDING];
    say_title(page, title);
    say_subtitle(page, subtitle);
    fl_quantity_name(fan->metric, name);
    fl_say(y_label, sizeof y_label, *page->y_axis ? "%s [%s]" : "%s", name, page->y_axis);
    fl_say(x_label, sizeof x_label, fan->over_time ? "simulated time [%s]" : "%s",
           fan->over_time ? page->x_unit_name : fan->x_label);
    fl_sketch_title(sketch, title, TITLE_POINTS, 0.97 * PAGE_WIDTH);
    fl_sketch_text(sketch, "subtitle", subtitle);
    fl_sketch_text(sketch, "x_label", x_label);
    fl_sketch_text(sketch, "y_label", y_label);
    fl_sketch_number(sketch, "over_time", fan->over_time);
    fl_sketch_number(sketch, "bands", page->bands);
    fl_sketch_number(sketch, "lines", (double)(page->bands ? page->extremes : fan->paths));
    fl_sketch_number(sketch, "x_from", fan->x[page->first] / page->x_unit);
    fl_sketch_number(sketch, "x_to", fan->x[page->last] / page->x_unit);
    fl_sketch_number(sketch, "y_low", page->y_low);
    fl_sketch_number(sketch, "y_high", page->y_high);
    fl_sketch_number(sketch, "head", fan->x[page->head] / page->x_unit);
    const struct fl_estimate median = page->median[page->head];
    fl_sketch_number(sketch, "median_low", median.low / page->y_unit);
    fl_sketch_number(sketch, "median_high", median.high / page->y_unit);
    write_faults(sketch, page);
    write_labels(sketch, page);
    write_rows(sketch, page);
}

/* --- the whole ------------------------------------------------------------------------------------- */

static int draw(const struct fl_fan *fan, const struct fl_plot *plot, char *path_out, size_t bytes)
{
    if (fan->rows < 2 || fan->paths < 2) {
        fprintf(stderr,
                "faultline: %s: a fan chart needs two seeds and two samples, not %zu and "
                "%zu\n",
                plot->folder[0], fan->paths, fan->rows);
        return EXIT_USAGE;
    }
    struct page page = {.fan = fan, .bands = fan->paths >= SEEDS_LEAST};
    find_quantiles(&page);
    find_window(&page);
    find_head(&page);
    find_extremes(&page);
    find_scales(&page);
    int status = EXIT_USAGE;
    if (isfinite(page.y_low) && isfinite(page.y_high)) {
        find_labels(&page);
        struct fl_sketch sketch;
        fl_sketch_begin(&sketch, "fan");
        write_page(&sketch, &page);
        status = fl_sketch_draw(&sketch, style, sizeof style, plot, path_out, bytes);
    } else {
        fprintf(stderr, "faultline: %s: %s never has a value\n", plot->folder[0], fan->metric);
    }
    for (size_t k = 0; k < LEVELS; k++) {
        free(page.quantile[k]);
    }
    free(page.median);
    return status;
}

static bool is_sweep(const char *folder)
{
    char path[4096];
    fl_say(path, sizeof path, "%s/sweep.h5", folder);
    FILE *file = fopen(path, "rb");
    return file && fclose(file) == 0;
}

static int draw_fan(const struct fl_plot *plot, char *path_out, size_t bytes)
{
    struct fl_fan fan;
    int status = plot->count == 1 && is_sweep(plot->folder[0])
                     ? fl_fan_read_sweep(plot->folder[0], plot->metric, &fan)
                     : fl_fan_read_runs(plot->folder, plot->count, plot->metric, &fan);
    if (status == 0) {
        status = draw(&fan, plot, path_out, bytes);
    }
    fl_fan_free(&fan);
    return status;
}

const struct fl_figure_kind fl_figure_fan = {
    .name = "fan",
    .doc = "how far seeds drift apart: runs that differ in nothing else, or a sweep over one axis",
    .least = 1,
    .most = FL_FIGURE_FOLDERS,
    .takes = FL_TAKES_METRIC,
    .draw = draw_fan};
