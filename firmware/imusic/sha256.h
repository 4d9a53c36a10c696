/* SHA-256 (FIPS 180-4), HMAC-SHA-256 (RFC 2104) and HKDF (RFC 5869), for the seals of protocol version 1.1.
 *
 * Written for size and for any processor; a chip with hardware for SHA-256 may give its own in place of sha256.c.
 */
#ifndef IMUSIC_SHA256_H
#define IMUSIC_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IMUSIC_HASH_BYTES  32U
#define IMUSIC_BLOCK_BYTES 64U

typedef struct {
    uint32_t state[8];
    uint64_t length; /* bytes so far */
    uint8_t block[IMUSIC_BLOCK_BYTES];
} imusic_sha256;

void imusic_sha256_begin(imusic_sha256 *hash);
void imusic_sha256_add(imusic_sha256 *hash, const uint8_t *bytes, size_t length);
void imusic_sha256_end(imusic_sha256 *hash, uint8_t digest[IMUSIC_HASH_BYTES]);

typedef struct {
    imusic_sha256 inner;
    imusic_sha256 outer;
} imusic_hmac;

void imusic_hmac_begin(imusic_hmac *mac, const uint8_t *key, size_t length);
void imusic_hmac_add(imusic_hmac *mac, const uint8_t *bytes, size_t length);
void imusic_hmac_end(imusic_hmac *mac, uint8_t digest[IMUSIC_HASH_BYTES]);

/* Derive `blocks` (1 to 255) times IMUSIC_HASH_BYTES. */
void imusic_hkdf(const uint8_t *key, size_t key_length, const uint8_t *salt, size_t salt_length, const uint8_t *info,
                 size_t info_length, uint8_t *derived, uint8_t blocks);

/* Whether both are equal, in a time that does not tell where they differ. */
bool imusic_equal(const uint8_t *some, const uint8_t *others, size_t length);

#ifdef __cplusplus
}
#endif

#endif
