/* The network: what becomes of a message between its sender and its receiver.
 *
 * A message leaves its sender once the sender is done with its work, waits for the sender's uplink,
 * and crosses the link: it is lost, or it arrives after the distance between both regions plus a
 * draw of the link's law, perhaps late (reordered), perhaps twice. What arrives while a fault cuts
 * the link is lost there, or held until the fault's window closes. Then it waits for its receiver
 * to be free, and costs it its processing time.
 *
 * Every number is drawn by the key of the message (sim/rng.h): which other messages there are, what
 * is in them and when they are sent changes nothing. Waiting is added, not drawn. */
#ifndef FL_NETWORK_H
#define FL_NETWORK_H
#include "sim/state.h"

void fl_network_lay_out(struct fl_world *world); /* after nodes and faults */
void fl_network_release(struct fl_world *world);

/* Sends `msg` to whom the effect says, receivers in the order of their rank. It leaves at `leaves`.
 * Addresses nobody has are a stranger's nonsense: ignored. */
void fl_network_send(struct fl_world *world, const struct fl_effect *effect,
                     const struct fl_msg *msg, fl_time leaves);
/* A message held back by its sender leaves now. */
void fl_network_departs(struct fl_world *world, uint32_t body, uint32_t to);
/* A body for one delivery of `msg`, which whoever asks pushes or handles. */
uint32_t fl_network_brings(struct fl_world *world, const struct fl_msg *msg);
/* True if a fault stops what arrives now: then nothing is left to do. Only if world->net. */
bool fl_network_stops(struct fl_world *world, uint32_t body, uint32_t to);
/* The window of a fault of links has opened; has closed: what it held arrives. */
void fl_network_cut(struct fl_world *world);
void fl_network_healed(struct fl_world *world, uint32_t fault);
/* The receiver has taken the message up: false if gossip brings what it has already. Else its work
 * begins, and the node passes gossip on. Only if world->net. */
bool fl_network_hears(struct fl_world *world, uint32_t body, uint32_t endpoint);
/* One delivery of a body is over; the last one frees it. */
void fl_body_free(struct fl_world *world, uint32_t body);
static inline void fl_body_drop(struct fl_world *world, uint32_t body)
{
    FL_ASSERT(world->body[body].pending > 0);
    if (--world->body[body].pending == 0) fl_body_free(world, body);
}

/* What a node's clock shows now, and the instant at which it will have advanced by `delay`. */
fl_time fl_clock_shows(const struct fl_world *world, uint32_t endpoint);
static inline fl_time fl_clock_now(const struct fl_world *world, uint32_t endpoint)
{
    return world->net ? fl_clock_shows(world, endpoint) : world->now;
}
fl_time fl_clock_due(const struct fl_world *world, uint32_t endpoint, fl_time delay);

#endif
