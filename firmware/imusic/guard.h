/* The hub's side of protocol version 1.1, docs/protocol.md, "With a key": who shows that it has the key is answered,
 * everybody else is refused. */
#ifndef IMUSIC_GUARD_H
#define IMUSIC_GUARD_H

#include "parser.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IMUSIC_KEY_BYTES 32U

/* Between two REFUSED to hosts that ask without the key. */
#define IMUSIC_REFUSE_US 400000ULL

/* Why an intact packet is dropped. */
typedef enum {
    IMUSIC_UNSEALED,
    IMUSIC_BAD_TAG,
    IMUSIC_REPLAYED,
    IMUSIC_NO_SESSION,
    IMUSIC_BAD_INNER, /* sealed by the host, and no packet of it */
    IMUSIC_SEAL_REASONS
} imusic_seal_reason;

typedef struct {
    uint8_t key[IMUSIC_KEY_BYTES];
    /* Counters; they wrap. */
    uint32_t rejects[IMUSIC_SEAL_REASONS];
    uint32_t sessions;
    /* The session. */
    bool begun;
    imusic_seal seal;
    uint8_t host_key[IMUSIC_HASH_BYTES];
    uint64_t newest; /* counter of the host */
    /* One that was asked for, and begins with the first envelope of the host. */
    bool asked;
    uint8_t host_nonce[IMUSIC_NONCE_BYTES];
    uint8_t hub_nonce[IMUSIC_NONCE_BYTES];
    uint8_t keys[3U * IMUSIC_HASH_BYTES]; /* for the challenge, of the hub, of the host */
    bool refused;
    uint64_t refused_us;
} imusic_guard;

void imusic_guard_init(imusic_guard *guard, const uint8_t key[IMUSIC_KEY_BYTES]);

/* A host asks for a session; `hub_nonce` is used where it does not ask with the same nonce again. */
void imusic_guard_ask(imusic_guard *guard, const uint8_t host_nonce[IMUSIC_NONCE_BYTES],
                      const uint8_t hub_nonce[IMUSIC_NONCE_BYTES]);

/* Whether an envelope is the host's; its packet is then in `inner`. Counts it where it is not. */
bool imusic_guard_open(imusic_guard *guard, const imusic_host_packet *sealed, imusic_host_packet *inner);

/* Whether a host without the key may be told so now. */
bool imusic_guard_may_refuse(imusic_guard *guard, uint64_t now_us);

/* Whole frames, as the others of packets.h. */
size_t imusic_encode_challenge(uint8_t *bytes, size_t capacity, const imusic_guard *guard);
size_t imusic_encode_refused(uint8_t *bytes, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
