/* World: everything one run owns, made from a checked configuration, run once, then read.
 *
 *     struct fl_world *w = fl_world_new(config);
 *     fl_world_run(w);
 *     const struct fl_result *r = fl_world_result(w);   ... archive, summary, checks
 *     fl_world_free(w);
 *
 * A run is a function of (configuration, seed, program version) and nothing else. */
#ifndef FL_WORLD_H
#define FL_WORLD_H
#include "sim/config.h"
#include "sim/record.h"

struct fl_world;

/* The configuration must outlive the world. */
struct fl_world *fl_world_new(const struct fl_config *config);
void fl_world_run(struct fl_world *world);
/* The same, but false, and then without a result, once more events than `most` were dispatched. */
bool fl_world_run_within(struct fl_world *world, uint64_t most);
void fl_world_free(struct fl_world *world);

enum fl_fate {
    FL_DELIVERED = 1,
    FL_DROPPED, /* the receiver was down, the link cut, or the network lost it */
    FL_PENDING  /* still on its way when the run ended */
};
/* One message to one receiver; kept with trace detail "messages" only. */
struct fl_message_row {
    fl_time sent,
        arrives; /* given to the network; at the receiver (of a lost one: would have been) */
    uint64_t word[3];
    uint32_t from, to;   /* endpoints; of gossip `from` is who passed it on */
    uint32_t parent;     /* durable ancestor */
    uint32_t raw_parent; /* the message (1 + row) whose delivery led to this one; 0 if none */
    uint32_t blob_bytes;
    uint16_t kind, copy;
    uint8_t family, fate; /* enum fl_family, enum fl_fate */
    uint8_t zero[2];
};

struct fl_fault_result {
    const struct fl_fault_spec *spec;
    uint32_t *member; /* endpoints struck, or to be struck; ascending, but for those that an
                           observable chose: in the order in which they were struck first */
    uint32_t count;
    fl_time from,
        to;          /* its window; of one that comes and goes, or waits for a trigger, from when it
                         first opened to when it last closed, both the end of the run if never */
    uint64_t opened; /* how often */
    uint32_t record; /* its FL_RECORD_FAULT; FL_NO_RECORD if the run ended before */
    uint64_t suppressed; /* events and effects it dropped */
    uint64_t injected;   /* effects it added or changed, events it prolonged, memories it took */
};

/* All arrays are owned by the world. */
struct fl_result {
    struct fl_digest digest;
    fl_time end;
    uint64_t events;   /* dispatched to a model */
    uint64_t messages; /* sent, one for each receiver; copies and relays too */
    uint64_t delivered, dropped;
    const struct fl_records *records;
    uint32_t sample_count;
    const fl_time *sample_at;
    int64_t *const *sample; /* [observable handle][sample] */
    const int64_t *final;   /* [observable handle] */
    uint32_t fault_count;
    const struct fl_fault_result *fault;
    const struct fl_verdict *verdict; /* [check] */
    uint64_t message_count;
    const struct fl_message_row *message;
};
const struct fl_result *fl_world_result(const struct fl_world *world);

/* Endpoint's group, for names: "validator[2]", its twin's "validator[2]~". */
void fl_endpoint_name(const struct fl_config *config, uint32_t endpoint, char *out, size_t bytes);

#endif
