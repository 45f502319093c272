/* What a message sequence chart says, and the data that its script draws. */
#include "analysis/headline.h"
#include "analysis/place.h"
#include "analysis/sequence_figure.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Pixels; the script has the same in its fractions of the page. */
static const double PAGE_WIDTH = 1800, LEFT = 0.1, RIGHT = 0.975;
static const double TITLE_POINTS = 27, HEADING_POINTS = 15, HEADING_SLOPE = 0.8, HEADING_APART = 23,
                    SAME_APART = 95, HEIGHT_APART = 46;

/* --- words ----------------------------------------------------------------------------------------- */

/* "630 ms", "1.2 s". */
static void say_span(int64_t ns, char out[FL_WORDING])
{
    static const struct {
        int64_t ns;
        const char *name;
    } unit[] = {{FL_SECOND, "s"}, {FL_MILLISECOND, "ms"}, {FL_MICROSECOND, "µs"}, {1, "ns"}};
    size_t u = 0;
    while (u < 3 && (double)ns < 0.9995 * (double)unit[u].ns) { /* 999.6 ms is 1 s */
        u++;
    }
    fl_say(out, FL_WORDING, "%.3g %s", (double)ns / (double)unit[u].ns, unit[u].name);
}

/* The first message after the moment of a kind that nobody has said before in this run; SIZE_MAX if
 * there is none. */
static size_t first_of_its_kind(const struct fl_sequence_chart *c)
{
    const struct fl_sequence_messages *m = &c->run->messages;
    bool *said = fl_alloc(UINT16_MAX + 1, sizeof *said);
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < m->count && m->sent[i] < c->to && found == SIZE_MAX; i++) {
        if (fl_sequence_is_drawn(c, i)) {
            bool *const known = &said[m->kind[i] & UINT16_MAX];
            found = !*known && m->sent[i] >= c->moment && c->moment > 0 &&
                            fl_sequence_is_shown(c, i)
                        ? i
                        : SIZE_MAX;
            *known = true;
        }
    }
    free(said);
    return found;
}

/* Heights that the first replica decides within the window, ascending by time. */
static size_t find_heights(const struct fl_sequence_chart *c, int64_t *height, int64_t *at)
{
    const struct fl_sequence_records *decided = &c->run->decided;
    size_t count = 0;
    for (size_t i = 0; i < decided->count && decided->time[i] < c->to; i++) {
        bool before = !fl_sequence_in_window(c, decided->time[i]);
        for (size_t k = 0; k < i && !before; k++) {
            before = decided->value[k] == decided->value[i];
        }
        if (!before) {
            height[count] = decided->value[i];
            at[count++] = decided->time[i];
        }
    }
    return count;
}

static void say_counts(const struct fl_sequence_chart *c, size_t blocks, char out[FL_SEQUENCE_TEXT])
{
    const struct fl_sequence_messages *m = &c->run->messages;
    char span[FL_WORDING], sent[FL_WORDING];
    size_t all = 0, lost = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (fl_sequence_is_drawn(c, i) && fl_sequence_in_window(c, m->sent[i])) {
            all++;
            lost += m->fate[i] == FL_SEQUENCE_LOST;
        }
    }
    say_span(c->to - c->from, span);
    fl_thousands((int64_t)all, sent);
    fl_say(out, FL_SEQUENCE_TEXT, "%zu block%s decided in %s, %zu of %s messages lost", blocks,
           blocks == 1 ? "" : "s", span, lost, sent);
}

static void say_title(const struct fl_sequence_chart *c, size_t blocks,
                      char out[2 * FL_SEQUENCE_TEXT])
{
    char counts[FL_SEQUENCE_TEXT], name[FL_SEQUENCE_NAME], after[FL_WORDING];
    say_counts(c, blocks, counts);
    const size_t first = first_of_its_kind(c);
    if (first == SIZE_MAX) {
        fl_say(out, 2 * FL_SEQUENCE_TEXT, "Around %s: %s", c->when, counts);
        return;
    }
    const int64_t delay = c->run->messages.sent[first] - c->moment;
    fl_sequence_kind(c->run, first, name);
    say_span(delay, after);
    fl_say(out, 2 * FL_SEQUENCE_TEXT, "%s after %s the first %s is sent; %s", after, c->about, name,
           counts);
}

static void say_subtitle(const struct fl_sequence_chart *c, char out[2 * FL_SEQUENCE_TEXT])
{
    const struct fl_sequence_run *run = c->run;
    char clock[FL_WORDING], number[FL_WORDING];
    fl_clock(c->moment, clock);
    fl_say(out, 2 * FL_SEQUENCE_TEXT,
           "%s, seed %s · time 0 is %s · an arrow is a message%s, from sending to "
           "arrival",
           run->name, run->seed, clock, c->one_family ? " of the consensus" : "");
    if (c->hidden > 0) {
        fl_say(out + strlen(out), 2 * FL_SEQUENCE_TEXT - strlen(out),
               " · %" PRIu32 " of %" PRIu32 " nodes shown", c->lanes, c->busy);
    }
    if (c->every > 1) {
        fl_say(out + strlen(out), 2 * FL_SEQUENCE_TEXT - strlen(out),
               " · of each kind one broadcast of %zu is drawn", c->every);
    }
    if (c->others > 0) {
        fl_thousands((int64_t)c->others, number);
        fl_say(out + strlen(out), 2 * FL_SEQUENCE_TEXT - strlen(out),
               " · not drawn: %s of other layers", number);
    }
}

static double subtitle_points(const char *subtitle)
{
    const double most = 15, room = (RIGHT - 0.01) * PAGE_WIDTH;
    const double width = fl_text_width(subtitle, most, false);
    return width > room ? most * room / width : most;
}

/* --- the page -------------------------------------------------------------------------------------- */

struct scale {
    double unit; /* ns to one on the axis */
    const char *name;
};
static struct scale scale_of(const struct fl_sequence_chart *c)
{
    const int64_t span = c->to - c->from;
    return span > 20 * FL_SECOND       ? (struct scale){(double)FL_SECOND, "s"}
           : span > 5 * FL_MILLISECOND ? (struct scale){(double)FL_MILLISECOND, "ms"}
                                       : (struct scale){(double)FL_MICROSECOND, "µs"};
}

static double x_of(const struct fl_sequence_chart *c, int64_t at)
{
    return (double)(at - c->moment) / scale_of(c).unit;
}

static double pixel_of(const struct fl_sequence_chart *c, int64_t at)
{
    return (double)(at - c->from) / (double)(c->to - c->from) * (RIGHT - LEFT) * PAGE_WIDTH;
}

/* Block 0: arrows; 1: where one was lost. */
static void write_arrows(struct fl_sketch *sketch, const struct fl_sequence_chart *c)
{
    const struct fl_sequence_messages *m = &c->run->messages;
    fputs("# sent\tlane\tunder way\tlanes\tcolour\tlost\n", sketch->data);
    for (size_t i = 0; i < c->arrows; i++) {
        const size_t message = c->arrow[i];
        const int32_t from = c->lane[m->from[message]], to = c->lane[m->to[message]];
        fprintf(sketch->data, "%.9g\t%d\t%.9g\t%d\t%zu\t%d\n", x_of(c, m->sent[message]), from,
                x_of(c, m->arrives[message]) - x_of(c, m->sent[message]), to - from,
                fl_sequence_colour(c, message), m->fate[message] == FL_SEQUENCE_LOST);
    }
    fputs("\n\n", sketch->data);
}

/* A block of marks: time, lane. */
static void write_marks(struct fl_sketch *sketch, const struct fl_sequence_chart *c,
                        const char *name, const struct fl_sequence_records *records)
{
    fprintf(sketch->data, "# %s: time\tlane\theight\n", name);
    for (size_t i = 0; i < records->count; i++) {
        const int64_t node = records->endpoint[i];
        if (fl_sequence_in_window(c, records->time[i]) && (uint64_t)node < c->run->nodes &&
            c->lane[node] >= 0) {
            fprintf(sketch->data, "%.9g\t%d\t%" PRId64 "\n", x_of(c, records->time[i]),
                    c->lane[node], records->value[i]);
        }
    }
    fputs("NaN\tNaN\tNaN\n\n\n", sketch->data); /* gnuplot warns of a block without a line */
}

static void write_lanes(struct fl_sketch *sketch, const struct fl_sequence_chart *c)
{
    const char *name[FL_SEQUENCE_LANES];
    for (uint32_t node = 0; node < c->run->nodes; node++) {
        if (c->lane[node] >= 0) {
            name[c->lane[node]] = c->run->node[node];
        }
    }
    fl_sketch_texts(sketch, "lane", name, c->lanes);
}

/* Shades of the lanes, each with its fault's name where it has room. */
static void write_spells(struct fl_sketch *sketch, const struct fl_sequence_chart *c)
{
    const struct fl_sequence_run *run = c->run;
    double *from = fl_alloc(run->spells, sizeof *from), *to = fl_alloc(run->spells, sizeof *to);
    double *lane = fl_alloc(run->spells, sizeof *lane), *at = fl_alloc(run->spells, sizeof *at);
    const char **name = fl_alloc(run->spells, sizeof *name);
    char(*text)[FL_FAULT_TEXT] = fl_alloc(run->spells, sizeof *text);
    size_t count = 0;
    for (size_t i = 0; i < run->spells; i++) {
        const struct fl_sequence_spell *spell = &run->spell[i];
        if (spell->from < c->to && spell->to > c->from && c->lane[spell->node] >= 0) {
            const int64_t begin = spell->from > c->from ? spell->from : c->from;
            const int64_t end = spell->to < c->to ? spell->to : c->to;
            from[count] = x_of(c, begin);
            to[count] = x_of(c, end);
            lane[count] = c->lane[spell->node];
            size_t before = 0; /* on the same lane */
            for (size_t k = 0; k < count; k++) {
                before += lane[k] == lane[count];
            }
            at[count] = x_of(c, begin + (end - begin) / 4 *
                                            (before % 3 == 0   ? 2
                                             : before % 3 == 1 ? 1
                                                               : 3));
            const double room = pixel_of(c, end) - pixel_of(c, begin);
            fl_say(text[count], FL_FAULT_TEXT, "%s: %s", run->fault[spell->fault],
                   run->fault_model[spell->fault]);
            name[count] = fl_text_width(text[count], HEADING_POINTS, false) < room - 8 ? text[count]
                                                                                       : "";
            count++;
        }
    }
    fl_sketch_numbers(sketch, "spell_from", from, count);
    fl_sketch_numbers(sketch, "spell_to", to, count);
    fl_sketch_numbers(sketch, "spell_lane", lane, count);
    fl_sketch_numbers(sketch, "spell_x", at, count);
    fl_sketch_texts(sketch, "spell", name, count);
    free(from);
    free(to);
    free(lane);
    free(at);
    free(name);
    free(text);
}

/* Names above the first arrow of a kind at a time, where the one before leaves room. */
static void write_headings(struct fl_sketch *sketch, const struct fl_sequence_chart *c)
{
    const struct fl_sequence_messages *m = &c->run->messages;
    char(*text)[FL_SEQUENCE_NAME] = fl_alloc(c->arrows, sizeof *text);
    const char **name = fl_alloc(c->arrows, sizeof *name);
    double *at = fl_alloc(c->arrows, sizeof *at), *colour = fl_alloc(c->arrows, sizeof *colour);
    double last = -INFINITY;
    size_t count = 0;
    for (size_t i = 0; i < c->arrows; i++) {
        const size_t message = c->arrow[i];
        const int64_t middle = (m->sent[message] + m->arrives[message]) / 2;
        fl_sequence_kind(c->run, message, text[count]);
        const double end = pixel_of(c, middle) +
                           HEADING_SLOPE * fl_text_width(text[count], HEADING_POINTS, false);
        const bool same = count > 0 && strcmp(text[count - 1], text[count]) == 0;
        const double apart = same ? SAME_APART : HEADING_APART;
        if (end < (1 - LEFT) * PAGE_WIDTH && pixel_of(c, middle) >= last + apart) {
            last = pixel_of(c, middle);
            name[count] = text[count];
            at[count] = x_of(c, middle);
            colour[count++] = (double)fl_sequence_colour(c, message);
        }
    }
    fl_sketch_texts(sketch, "heading", name, count);
    fl_sketch_numbers(sketch, "heading_x", at, count);
    fl_sketch_numbers(sketch, "heading_colour", colour, count);
    free(text);
    free(name);
    free(at);
    free(colour);
}

/* Which block is decided, below the lanes, where the one before leaves room. */
static void write_heights(struct fl_sketch *sketch, const struct fl_sequence_chart *c,
                          const int64_t *height, const int64_t *at, size_t count)
{
    double *x = fl_alloc(count, sizeof *x), *number = fl_alloc(count, sizeof *number);
    double last = -INFINITY;
    size_t shown = 0;
    for (size_t i = 0; i < count; i++) {
        if (pixel_of(c, at[i]) >= last + HEIGHT_APART) {
            last = pixel_of(c, at[i]);
            x[shown] = x_of(c, at[i]);
            number[shown++] = (double)height[i];
        }
    }
    fl_sketch_numbers(sketch, "height_x", x, shown);
    fl_sketch_numbers(sketch, "height", number, shown);
    free(x);
    free(number);
}

/* The kinds' names in their colours, and where each begins on the page. */
static void write_kinds(struct fl_sketch *sketch, const struct fl_sequence_chart *c)
{
    char text[FL_SEQUENCE_KINDS][FL_SEQUENCE_NAME];
    const char *name[FL_SEQUENCE_KINDS];
    double x[FL_SEQUENCE_KINDS], colour[FL_SEQUENCE_KINDS], at = LEFT * PAGE_WIDTH;
    size_t count = 0;
    for (size_t k = 0; k <= c->kinds && k < FL_SEQUENCE_KINDS; k++) {
        size_t i = 0;
        while (i < c->arrows &&
               fl_sequence_colour(c, c->arrow[i]) != (k < c->kinds ? k + 1 : FL_SEQUENCE_KINDS)) {
            i++;
        }
        if (i == c->arrows) {
            continue;
        }
        if (k < c->kinds) {
            fl_sequence_kind(c->run, c->arrow[i], text[count]);
        } else {
            fl_say(text[count], FL_SEQUENCE_NAME, "%zu other kinds", c->kinds_all - c->kinds);
        }
        name[count] = text[count];
        colour[count] = k < c->kinds ? (double)k + 1 : FL_SEQUENCE_KINDS;
        x[count] = at / PAGE_WIDTH;
        at += fl_text_width(text[count++], HEADING_POINTS + 1, true) + 26;
    }
    fl_sketch_texts(sketch, "kind", name, count);
    fl_sketch_numbers(sketch, "kind_x", x, count);
    fl_sketch_numbers(sketch, "kind_colour", colour, count);
}

void fl_sequence_write(struct fl_sketch *sketch, const struct fl_sequence_chart *c)
{
    const size_t most = c->run->decided.count;
    int64_t *height = fl_alloc(most, sizeof *height), *at = fl_alloc(most, sizeof *at);
    const size_t blocks = find_heights(c, height, at);
    char title[2 * FL_SEQUENCE_TEXT], subtitle[2 * FL_SEQUENCE_TEXT], label[2 * FL_SEQUENCE_TEXT];
    say_title(c, blocks, title);
    say_subtitle(c, subtitle);
    fl_say(label, sizeof label, "time from %s [%s]", c->when, scale_of(c).name);
    fl_sketch_title(sketch, title, TITLE_POINTS, (RIGHT - 0.01) * PAGE_WIDTH);
    fl_sketch_text(sketch, "subtitle", subtitle);
    fl_sketch_number(sketch, "subtitle_points", subtitle_points(subtitle));
    fl_sketch_text(sketch, "x_label", label);
    fl_sketch_number(sketch, "x_from", x_of(c, c->from));
    fl_sketch_number(sketch, "x_to", x_of(c, c->to));
    write_lanes(sketch, c);
    write_spells(sketch, c);
    write_kinds(sketch, c);
    write_headings(sketch, c);
    write_heights(sketch, c, height, at, blocks);
    write_arrows(sketch, c);
    write_marks(sketch, c, "proposes", &c->run->blocks);
    write_marks(sketch, c, "locks", &c->run->locked);
    write_marks(sketch, c, "decides", &c->run->decided);
    free(height);
    free(at);
}
