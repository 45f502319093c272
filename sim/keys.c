/* Simulated signatures: XXH3 over (secret of the signer, digest). */
#include "sim/keys.h"

#define XXH_INLINE_ALL /* a few words at a time: a call would cost as much as the hash */
#include <xxhash.h>

struct fl_digest fl_digest_of(const void *bytes, size_t count)
{
    const XXH128_hash_t h = XXH3_128bits(bytes, count);
    return (struct fl_digest){.lo = h.low64, .hi = h.high64};
}

struct fl_digest fl_tx_digest(const struct fl_tx *tx)
{
    return fl_digest_of(tx, offsetof(struct fl_tx, tag));
}

uint64_t fl_keyring_tag(const struct fl_keyring *keys, fl_identity who, struct fl_digest digest)
{
    FL_ASSERT(who.i < keys->identity_count);
    const uint64_t words[3] = {keys->secret[who.i], digest.lo, digest.hi};
    const uint64_t tag = XXH3_64bits(words, sizeof words);
    return tag ? tag : 1;
}

fl_identity fl_keyring_owner(const struct fl_keyring *keys, uint32_t account)
{
    return (fl_identity){account < keys->account_count ? keys->account_owner[account] : UINT32_MAX};
}

uint64_t fl_sign(const struct fl_self *self, struct fl_digest digest, struct fl_outbox *out)
{
    out->signs++;
    return fl_keyring_tag(self->keys, self->identity, digest);
}

bool fl_verify(const struct fl_self *self, fl_identity who, struct fl_digest digest, uint64_t tag,
               struct fl_outbox *out)
{
    out->verifies++;
    return who.i < self->keys->identity_count && tag == fl_keyring_tag(self->keys, who, digest);
}

fl_identity fl_account_owner(const struct fl_self *self, uint32_t account)
{
    return fl_keyring_owner(self->keys, account);
}

uint32_t fl_account_owners(const struct fl_self *self, uint32_t account)
{
    const fl_identity owner = fl_account_owner(self, account);
    return owner.i < self->keys->identity_count ? self->keys->group_first[owner.i] : UINT32_MAX;
}
