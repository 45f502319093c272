/* Simulated signatures. A tag is a keyed hash under the signer's secret; the secrets come from the
 * seed and stay here, so that an actor can sign as itself only. */
#ifndef FL_KEYS_H
#define FL_KEYS_H
#include "sim/model.h"

struct fl_keyring {
    uint64_t *secret; /* by identity */
    uint32_t identity_count;
    uint32_t *account_owner; /* identity by account */
    uint32_t account_count;
    uint32_t *group_first; /* by identity: first endpoint of its group */
};

/* Never 0, so that 0 can mean "no tag". */
uint64_t fl_keyring_tag(const struct fl_keyring *keys, fl_identity who, struct fl_digest digest);
/* UINT32_MAX if nobody owns it. */
fl_identity fl_keyring_owner(const struct fl_keyring *keys, uint32_t account);

#endif
