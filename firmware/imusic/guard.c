#include "guard.h"

#include <string.h>

#define CHALLENGE_KEY 0U
#define HUB_KEY_AT    IMUSIC_HASH_BYTES
#define HOST_KEY_AT   (2U * IMUSIC_HASH_BYTES)

static const uint8_t info[] = {'i', 'm', 'u', 's', 'i', 'c', ' ', 'h', 'u', 'b', ' ', 'p',
                               'r', 'o', 't', 'o', 'c', 'o', 'l', ' ', '1', '.', '1'};

void imusic_guard_init(imusic_guard *guard, const uint8_t key[IMUSIC_KEY_BYTES])
{
    (void)memset(guard, 0, sizeof(*guard));
    (void)memcpy(guard->key, key, IMUSIC_KEY_BYTES);
}

void imusic_guard_ask(imusic_guard *guard, const uint8_t host_nonce[IMUSIC_NONCE_BYTES],
                      const uint8_t hub_nonce[IMUSIC_NONCE_BYTES])
{
    uint8_t nonces[2U * IMUSIC_NONCE_BYTES];
    if (guard->asked && imusic_equal(guard->host_nonce, host_nonce, IMUSIC_NONCE_BYTES)) {
        return; /* the same answer, however often it is asked for */
    }
    guard->asked = true;
    (void)memcpy(guard->host_nonce, host_nonce, IMUSIC_NONCE_BYTES);
    (void)memcpy(guard->hub_nonce, hub_nonce, IMUSIC_NONCE_BYTES);
    (void)memcpy(nonces, host_nonce, IMUSIC_NONCE_BYTES);
    (void)memcpy(&nonces[IMUSIC_NONCE_BYTES], hub_nonce, IMUSIC_NONCE_BYTES);
    imusic_hkdf(guard->key, IMUSIC_KEY_BYTES, nonces, sizeof(nonces), info, sizeof(info), guard->keys, 3U);
}

static bool fits(const uint8_t key[IMUSIC_HASH_BYTES], const imusic_host_packet *sealed)
{
    uint8_t head[10] = {IMUSIC_PROTOCOL_VERSION, IMUSIC_SEALED_BY_HOST};
    uint8_t tag[IMUSIC_HASH_BYTES];
    imusic_hmac mac;
    for (size_t i = 0U; i < 8U; i++) {
        head[2U + i] = (uint8_t)((sealed->counter >> (8U * i)) & 0xFFU);
    }
    imusic_hmac_begin(&mac, key, IMUSIC_HASH_BYTES);
    imusic_hmac_add(&mac, head, sizeof(head));
    imusic_hmac_add(&mac, sealed->inner, sealed->inner_length);
    imusic_hmac_end(&mac, tag);
    return imusic_equal(tag, sealed->tag, IMUSIC_TAG_BYTES);
}

bool imusic_guard_open(imusic_guard *guard, const imusic_host_packet *sealed, imusic_host_packet *inner)
{
    imusic_seal_reason reason = IMUSIC_SEAL_REASONS;
    if (guard->asked && (sealed->counter > 0U) && fits(&guard->keys[HOST_KEY_AT], sealed)) {
        /* The first envelope of the session that was asked for: the host has the key. */
        guard->asked = false;
        guard->begun = true;
        guard->sessions++;
        guard->newest = 0U;
        guard->seal.type = IMUSIC_SEALED_BY_HUB;
        guard->seal.sent = 0U;
        (void)memcpy(guard->seal.key, &guard->keys[HUB_KEY_AT], IMUSIC_HASH_BYTES);
        (void)memcpy(guard->host_key, &guard->keys[HOST_KEY_AT], IMUSIC_HASH_BYTES);
    }
    if (!guard->begun) {
        reason = IMUSIC_NO_SESSION;
    } else if (!fits(guard->host_key, sealed)) {
        reason = IMUSIC_BAD_TAG;
    } else if (sealed->counter <= guard->newest) {
        reason = IMUSIC_REPLAYED;
    } else {
        guard->newest = sealed->counter;
        if (!imusic_parser_read(sealed->inner, sealed->inner_length, inner)) {
            reason = IMUSIC_BAD_INNER;
        }
    }
    if (reason != IMUSIC_SEAL_REASONS) {
        guard->rejects[reason]++;
        return false;
    }
    return true;
}

bool imusic_guard_may_refuse(imusic_guard *guard, uint64_t now_us)
{
    const bool may = !guard->refused || ((now_us - guard->refused_us) >= IMUSIC_REFUSE_US);
    if (may) {
        guard->refused = true;
        guard->refused_us = now_us;
    }
    return may;
}

size_t imusic_encode_challenge(uint8_t *bytes, size_t capacity, const imusic_guard *guard)
{
    const uint8_t head[2] = {IMUSIC_PROTOCOL_VERSION, IMUSIC_AUTH_CHALLENGE};
    uint8_t tag[IMUSIC_HASH_BYTES];
    imusic_frame frame;
    imusic_hmac mac;
    if (!guard->asked) {
        return 0U; /* the session has begun meanwhile */
    }
    imusic_hmac_begin(&mac, &guard->keys[CHALLENGE_KEY], IMUSIC_HASH_BYTES);
    imusic_hmac_add(&mac, head, sizeof(head));
    imusic_hmac_add(&mac, guard->host_nonce, IMUSIC_NONCE_BYTES);
    imusic_hmac_add(&mac, guard->hub_nonce, IMUSIC_NONCE_BYTES);
    imusic_hmac_end(&mac, tag);
    imusic_frame_begin(&frame, bytes, capacity, IMUSIC_PROTOCOL_VERSION, IMUSIC_AUTH_CHALLENGE);
    imusic_frame_bytes(&frame, guard->host_nonce, IMUSIC_NONCE_BYTES);
    imusic_frame_bytes(&frame, guard->hub_nonce, IMUSIC_NONCE_BYTES);
    imusic_frame_bytes(&frame, tag, IMUSIC_TAG_BYTES);
    return imusic_frame_end(&frame);
}

size_t imusic_encode_refused(uint8_t *bytes, size_t capacity)
{
    static const imusic_text text = IMUSIC_TEXT(
        "this hub answers only to a driver with its key: "
        "set the driver's `key_file` to a file with the key of the hub");
    imusic_frame frame;
    imusic_frame_begin(&frame, bytes, capacity, IMUSIC_PROTOCOL_VERSION, IMUSIC_REFUSED);
    imusic_frame_text(&frame, text);
    return imusic_frame_end(&frame);
}
