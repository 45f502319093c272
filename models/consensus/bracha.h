/* Bracha's broadcast: what its broken twins, made by tests, do otherwise. Nobody else includes this. */
#ifndef FL_BRACHA_H
#define FL_BRACHA_H
#include "models/wire.h"

/* The protocol is fl_bracha_rules. */
struct fl_bracha_rules {
    /* Power that may be lacking: of the echoes that make a member ready, of the readies that do, of
     * the readies that make it deliver. 0. */
    uint64_t echoes_less, support_less, readies_less;
    uint64_t votes;     /* how often one member's echo or ready may count; 1 */
    uint64_t initials;  /* different payloads of the sender that are echoed; 1 */
    bool checks_sender; /* echoes the sender's payload only */
};
extern const struct fl_bracha_rules fl_bracha_rules;

void fl_bracha_step(const struct fl_bracha_rules *rules, const struct fl_self *self, void *state,
                    const struct fl_event *in, struct fl_outbox *out);

#endif
