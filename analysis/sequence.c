/* A message sequence chart around a moment of one run, after figure 1 of Castro and Liskov, Practical
 * Byzantine Fault Tolerance (OSDI 1999): a lane for each member, an arrow for each message of the
 * consensus from its sending to its arrival.
 *
 * An arrow can be read if it is not too steep, and if there are not too many. So the chart shows forty
 * usual flights of a message, fewer if that are too many arrows; over longer times, which only the user
 * can ask for, one broadcast of several, and it says so. */
#include "analysis/sequence_figure.h"
#include "analysis/sketch.h"
#include "analysis/wording.h"
#include "sim/alloc.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static const unsigned char style[] = {
#include "analysis/sequence.gp.inc"
};

enum {
    EXIT_USAGE = 2,
    CONSENSUS = 1,      /* enum fl_family */
    LANES_WELL = 8,     /* of these for nodes that no fault strikes, if there are so many */
    ARROWS_USUAL = 260, /* of a chart whose length is ours to choose */
    ARROWS_MOST = 600,
    FLIGHTS = 40,
    FLIGHTS_LEAST = 6
};
bool fl_sequence_is_drawn(const struct fl_sequence_chart *c, size_t message)
{
    return !c->one_family || c->run->messages.family[message] == CONSENSUS;
}

bool fl_sequence_in_window(const struct fl_sequence_chart *c, int64_t at)
{
    return at >= c->from && at < c->to;
}

/* --- the moment ------------------------------------------------------------------------------------ */

static void find_moment(struct fl_sequence_chart *c, const double *at_s)
{
    const struct fl_sequence_run *run = c->run;
    char clock[FL_WORDING];
    if (at_s) {
        c->moment = (int64_t)llround(*at_s * (double)FL_SECOND);
        fl_clock(c->moment, clock);
        fl_say(c->about, FL_SEQUENCE_TEXT, "%s", clock);
        fl_say(c->when, sizeof c->when, "%s", clock);
        return;
    }
    if (run->edges.count > 0) {
        const int64_t fault = run->edges.value[0];
        c->moment = run->edges.time[0];
        fl_say(c->about, FL_SEQUENCE_TEXT, "fault \"%s\" begins",
               (uint64_t)fault < run->faults ? run->fault[fault] : "?");
    } else if (run->broken) {
        c->moment = run->broken_at;
        fl_say(c->about, FL_SEQUENCE_TEXT, "check \"%s\" is broken", run->broken);
    } else if (run->deficits.count > 0) {
        c->moment = run->deficits.time[0];
        fl_say(c->about, FL_SEQUENCE_TEXT, "the first account ends short");
    } else {
        fl_say(c->about, FL_SEQUENCE_TEXT, "the run begins");
    }
    fl_say(c->when, sizeof c->when, "the moment when %s", c->about);
}

/* --- the window ------------------------------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
    const int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

/* Median time that a message is under way; a millisecond if they take none. */
static int64_t usual_flight(const struct fl_sequence_chart *c)
{
    const struct fl_sequence_messages *m = &c->run->messages;
    int64_t *flight = fl_alloc(m->count, sizeof *flight);
    size_t flights = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (fl_sequence_is_drawn(c, i) && m->fate[i] == FL_SEQUENCE_DELIVERED) {
            flight[flights++] = m->arrives[i] - m->sent[i];
        }
    }
    if (flights > 0) {
        qsort(flight, flights, sizeof *flight, by_number);
    }
    const int64_t usual = flights > 0 ? flight[flights / 2] : 0;
    free(flight);
    return usual > 0 ? usual : FL_MILLISECOND;
}

/* A fifth of it lies before the moment, unless the run has no more. */
static void set_window(struct fl_sequence_chart *c, int64_t span)
{
    c->from = c->moment > span / 5 ? c->moment - span / 5 : 0;
    c->to = c->from + span;
}

/* To the next message, where nobody says anything around the moment. */
static void move_window(struct fl_sequence_chart *c)
{
    const struct fl_sequence_messages *m = &c->run->messages;
    const int64_t span = c->to - c->from;
    for (size_t i = 0; i < m->count; i++) {
        if (fl_sequence_is_drawn(c, i) && m->sent[i] >= c->from) {
            const bool later = m->sent[i] >= c->to;
            c->from = later ? m->sent[i] - span / 20 : c->from;
            c->to = c->from + span;
            return;
        }
    }
}

/* --- the lanes ------------------------------------------------------------------------------------- */

struct candidate {
    uint32_t node;
    bool struck;
    size_t said;
};

static int by_interest(const void *a, const void *b)
{
    const struct candidate *one = a, *other = b;
    if (one->struck != other->struck) {
        return one->struck ? -1 : 1;
    }
    if (one->said != other->said) {
        return one->said > other->said ? -1 : 1;
    }
    return (one->node > other->node) - (one->node < other->node);
}

static bool is_struck(const struct fl_sequence_chart *c, uint32_t node)
{
    for (size_t i = 0; i < c->run->spells; i++) {
        const struct fl_sequence_spell *spell = &c->run->spell[i];
        if (spell->node == node && spell->from < c->to && spell->to > c->from) {
            return true;
        }
    }
    return false;
}

/* Those who take part; of too many some that a fault strikes, and those who say most. */
static void choose_lanes(struct fl_sequence_chart *c)
{
    const struct fl_sequence_run *run = c->run;
    const struct fl_sequence_messages *m = &run->messages;
    size_t *said = fl_alloc(run->nodes, sizeof *said);
    bool *heard = fl_alloc(run->nodes, sizeof *heard);
    for (size_t i = 0; i < m->count; i++) {
        if (fl_sequence_is_drawn(c, i) && fl_sequence_in_window(c, m->sent[i])) {
            said[m->from[i]]++;
            heard[m->to[i]] = true;
        }
    }
    struct candidate *candidate = fl_alloc(run->nodes, sizeof *candidate);
    c->busy = 0;
    for (uint32_t node = 0; node < run->nodes; node++) {
        c->lane[node] = -1;
        if (said[node] > 0 || heard[node]) {
            candidate[c->busy++] = (struct candidate){node, is_struck(c, node), said[node]};
        }
    }
    if (c->busy > 0) {
        qsort(candidate, c->busy, sizeof *candidate, by_interest);
    }
    uint32_t struck = 0; /* they come first */
    while (struck < c->busy && candidate[struck].struck) {
        struck++;
    }
    uint32_t room = FL_SEQUENCE_LANES;
    const uint32_t well = c->busy - struck;
    const uint32_t left = well < LANES_WELL ? FL_SEQUENCE_LANES - well
                                            : FL_SEQUENCE_LANES - LANES_WELL;
    for (uint32_t i = 0; i < c->busy && room > 0; i++) {
        if (i < left || i >= struck) {
            c->lane[candidate[i].node] = 0;
            room--;
        }
    }
    c->lanes = 0;
    for (uint32_t node = 0; node < run->nodes; node++) {
        if (c->lane[node] == 0) {
            c->lane[node] = (int32_t)c->lanes++;
        }
    }
    c->hidden = c->busy - c->lanes;
    free(candidate);
    free(heard);
    free(said);
}

/* --- the arrows ------------------------------------------------------------------------------------ */

bool fl_sequence_is_shown(const struct fl_sequence_chart *c, size_t message)
{
    const struct fl_sequence_messages *m = &c->run->messages;
    return fl_sequence_is_drawn(c, message) && fl_sequence_in_window(c, m->sent[message]) &&
           c->lane[m->from[message]] >= 0 && c->lane[m->to[message]] >= 0;
}

static void find_arrows(struct fl_sequence_chart *c)
{
    const struct fl_sequence_messages *m = &c->run->messages;
    c->arrow = fl_realloc(c->arrow, m->count, sizeof *c->arrow);
    c->arrows = c->others = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (fl_sequence_is_shown(c, i)) {
            c->arrow[c->arrows++] = i;
        }
        c->others += fl_sequence_in_window(c, m->sent[i]) && !fl_sequence_is_drawn(c, i);
    }
}

/* Shortens the window until its arrows can be told apart. */
static void shorten(struct fl_sequence_chart *c, int64_t flight)
{
    const struct fl_sequence_messages *m = &c->run->messages;
    if (c->arrows <= ARROWS_USUAL) {
        return;
    }
    const int64_t first = m->sent[c->arrow[0]];
    const int64_t least = (first > c->moment ? first : c->moment) + FLIGHTS_LEAST * flight;
    const int64_t full = m->sent[c->arrow[ARROWS_USUAL]];
    c->to = full > least ? full : least < c->to ? least : c->to;
    find_arrows(c);
}

static bool same_broadcast(const struct fl_sequence_chart *c, size_t a, size_t b)
{
    const struct fl_sequence_messages *m = &c->run->messages;
    return m->from[a] == m->from[b] && m->sent[a] == m->sent[b] && m->kind[a] == m->kind[b] &&
           m->family[a] == m->family[b];
}

/* Leaves one broadcast of `every` of each kind. */
static void thin_out(struct fl_sequence_chart *c)
{
    const struct fl_sequence_messages *m = &c->run->messages;
    c->every = (c->arrows + ARROWS_MOST - 1) / ARROWS_MOST;
    if (c->every <= 1) {
        return;
    }
    size_t *seen = fl_alloc(UINT16_MAX + 1, sizeof *seen), kept = 0;
    bool keep = true;
    for (size_t i = 0; i < c->arrows; i++) {
        const size_t message = c->arrow[i];
        if (i == 0 || !same_broadcast(c, c->arrow[i - 1], message)) {
            keep = seen[m->kind[message] & UINT16_MAX]++ % c->every == 0;
        }
        c->arrow[kept] = message;
        kept += keep;
    }
    c->arrows = kept;
    free(seen);
}

/* --- their kinds ----------------------------------------------------------------------------------- */

/* A kind of one family as one number, in the order of both. */
static int64_t kind_of(const struct fl_sequence_chart *c, size_t message)
{
    return c->run->messages.family[message] * (UINT16_MAX + 1) + c->run->messages.kind[message];
}

/* The first ones by number: a protocol numbers what it says most often first. */
static void choose_kinds(struct fl_sequence_chart *c)
{
    int64_t *all = fl_alloc(c->arrows, sizeof *all);
    for (size_t i = 0; i < c->arrows; i++) {
        all[i] = kind_of(c, c->arrow[i]);
    }
    if (c->arrows > 0) {
        qsort(all, c->arrows, sizeof *all, by_number);
    }
    for (size_t i = 0; i < c->arrows; i++) {
        if (i == 0 || all[i] != all[i - 1]) {
            c->kind[c->kinds] = all[i];
            c->kinds += c->kinds < FL_SEQUENCE_KINDS - 1;
            c->kinds_all++;
        }
    }
    free(all);
}

size_t fl_sequence_colour(const struct fl_sequence_chart *c, size_t message)
{
    for (size_t k = 0; k < c->kinds; k++) {
        if (c->kind[k] == kind_of(c, message)) {
            return k + 1;
        }
    }
    return FL_SEQUENCE_KINDS;
}
/* --- the whole ------------------------------------------------------------------------------------- */

/* 0, or 2 after a line on stderr. */
static int compose(struct fl_sequence_chart *c, const struct fl_plot *plot)
{
    const struct fl_sequence_messages *m = &c->run->messages;
    for (size_t i = 0; i < m->count; i++) {
        c->one_family |= m->family[i] == CONSENSUS;
    }
    find_moment(c, plot->at);
    const int64_t flight = usual_flight(c);
    const bool own_span = !plot->span;
    set_window(c, own_span ? FLIGHTS * flight : (int64_t)llround(*plot->span * (double)FL_SECOND));
    if (!plot->at) {
        move_window(c);
    }
    choose_lanes(c);
    find_arrows(c);
    if (own_span) {
        shorten(c, flight);
    }
    thin_out(c);
    choose_kinds(c);
    if (c->arrows == 0) {
        fprintf(
            stderr,
            "faultline: %s: no message%s is sent from %.9g to %.9g s; its %zu messages are sent "
            "from %.9g to %.9g s: choose with --at and --for\n",
            plot->folder[0], c->one_family ? " of the consensus" : "",
            (double)c->from / (double)FL_SECOND, (double)c->to / (double)FL_SECOND, m->count,
            m->count > 0 ? (double)m->sent[0] / (double)FL_SECOND : 0,
            m->count > 0 ? (double)m->sent[m->count - 1] / (double)FL_SECOND : 0);
        return EXIT_USAGE;
    }
    return 0;
}

static int draw(const struct fl_sequence_run *run, const struct fl_plot *plot, char *path_out,
                size_t bytes)
{
    struct fl_sequence_chart c = {.run = run, .lane = fl_alloc(run->nodes, sizeof(int32_t))};
    int status = compose(&c, plot);
    if (status == 0) {
        struct fl_sketch sketch;
        fl_sketch_begin(&sketch, "sequence");
        fl_sequence_write(&sketch, &c);
        status = fl_sketch_draw(&sketch, style, sizeof style, plot, path_out, bytes);
    }
    free(c.lane);
    free(c.arrow);
    return status;
}

static int draw_sequence(const struct fl_plot *plot, char *path_out, size_t bytes)
{
    if (plot->span && *plot->span <= 0) {
        fprintf(stderr, "faultline: --for %g: expected seconds above 0\n", *plot->span);
        return EXIT_USAGE;
    }
    struct fl_sequence_run run;
    int status = fl_sequence_read(plot->folder[0], &run);
    if (status == 0) {
        status = draw(&run, plot, path_out, bytes);
    }
    fl_sequence_free(&run);
    return status;
}

const struct fl_figure_kind fl_figure_sequence = {
    .name = "sequence",
    .doc = "the messages of one run around a moment, from lane to lane (trace detail messages)",
    .least = 1,
    .most = 1,
    .takes = FL_TAKES_MOMENT,
    .draw = draw_sequence};
