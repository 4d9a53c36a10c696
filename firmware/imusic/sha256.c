#include "sha256.h"

#include <string.h>

#define LENGTH_BYTES 8U

/* The first 32 bits of what the cube roots of the first 64 primes have behind the point. */
static const uint32_t round_constants[64] = {
    0x428A2F98UL, 0x71374491UL, 0xB5C0FBCFUL, 0xE9B5DBA5UL, 0x3956C25BUL, 0x59F111F1UL, 0x923F82A4UL, 0xAB1C5ED5UL,
    0xD807AA98UL, 0x12835B01UL, 0x243185BEUL, 0x550C7DC3UL, 0x72BE5D74UL, 0x80DEB1FEUL, 0x9BDC06A7UL, 0xC19BF174UL,
    0xE49B69C1UL, 0xEFBE4786UL, 0x0FC19DC6UL, 0x240CA1CCUL, 0x2DE92C6FUL, 0x4A7484AAUL, 0x5CB0A9DCUL, 0x76F988DAUL,
    0x983E5152UL, 0xA831C66DUL, 0xB00327C8UL, 0xBF597FC7UL, 0xC6E00BF3UL, 0xD5A79147UL, 0x06CA6351UL, 0x14292967UL,
    0x27B70A85UL, 0x2E1B2138UL, 0x4D2C6DFCUL, 0x53380D13UL, 0x650A7354UL, 0x766A0ABBUL, 0x81C2C92EUL, 0x92722C85UL,
    0xA2BFE8A1UL, 0xA81A664BUL, 0xC24B8B70UL, 0xC76C51A3UL, 0xD192E819UL, 0xD6990624UL, 0xF40E3585UL, 0x106AA070UL,
    0x19A4C116UL, 0x1E376C08UL, 0x2748774CUL, 0x34B0BCB5UL, 0x391C0CB3UL, 0x4ED8AA4AUL, 0x5B9CCA4FUL, 0x682E6FF3UL,
    0x748F82EEUL, 0x78A5636FUL, 0x84C87814UL, 0x8CC70208UL, 0x90BEFFFAUL, 0xA4506CEBUL, 0xBEF9A3F7UL, 0xC67178F2UL,
};

/* The same of the square roots of the first 8. */
static const uint32_t first_state[8] = {
    0x6A09E667UL, 0xBB67AE85UL, 0x3C6EF372UL, 0xA54FF53AUL, 0x510E527FUL, 0x9B05688CUL, 0x1F83D9ABUL, 0x5BE0CD19UL,
};

static uint32_t turned(uint32_t word, unsigned int bits)
{
    return (word >> bits) | (word << (32U - bits));
}

static void take_block(imusic_sha256 *hash)
{
    uint32_t schedule[16];
    uint32_t s[8];
    (void)memcpy(s, hash->state, sizeof(s));
    for (size_t i = 0U; i < 16U; i++) {
        const uint8_t *at = &hash->block[4U * i];
        schedule[i] = ((uint32_t)at[0] << 24) | ((uint32_t)at[1] << 16) | ((uint32_t)at[2] << 8) | (uint32_t)at[3];
    }
    for (size_t i = 0U; i < 64U; i++) {
        uint32_t word = schedule[i % 16U];
        uint32_t first;
        uint32_t second;
        if (i >= 16U) {
            const uint32_t w15 = schedule[(i + 1U) % 16U];
            const uint32_t w2 = schedule[(i + 14U) % 16U];
            word += (turned(w15, 7U) ^ turned(w15, 18U) ^ (w15 >> 3)) + schedule[(i + 9U) % 16U] +
                    (turned(w2, 17U) ^ turned(w2, 19U) ^ (w2 >> 10));
            schedule[i % 16U] = word;
        }
        first = s[7] + (turned(s[4], 6U) ^ turned(s[4], 11U) ^ turned(s[4], 25U)) +
                ((s[4] & s[5]) ^ (~s[4] & s[6])) + round_constants[i] + word;
        second = (turned(s[0], 2U) ^ turned(s[0], 13U) ^ turned(s[0], 22U)) +
                 ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        s[7] = s[6];
        s[6] = s[5];
        s[5] = s[4];
        s[4] = s[3] + first;
        s[3] = s[2];
        s[2] = s[1];
        s[1] = s[0];
        s[0] = first + second;
    }
    for (size_t i = 0U; i < 8U; i++) {
        hash->state[i] += s[i];
    }
}

void imusic_sha256_begin(imusic_sha256 *hash)
{
    (void)memset(hash, 0, sizeof(*hash));
    (void)memcpy(hash->state, first_state, sizeof(first_state));
}

void imusic_sha256_add(imusic_sha256 *hash, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0U; i < length; i++) {
        const size_t at = (size_t)(hash->length % IMUSIC_BLOCK_BYTES);
        hash->block[at] = bytes[i];
        hash->length++;
        if (at == (IMUSIC_BLOCK_BYTES - 1U)) {
            take_block(hash);
        }
    }
}

void imusic_sha256_end(imusic_sha256 *hash, uint8_t digest[IMUSIC_HASH_BYTES])
{
    static const uint8_t end = 0x80U;
    static const uint8_t zero = 0U;
    const uint64_t bits = hash->length * 8U;
    uint8_t length[LENGTH_BYTES];
    for (size_t i = 0U; i < LENGTH_BYTES; i++) {
        length[i] = (uint8_t)((bits >> (8U * (LENGTH_BYTES - 1U - i))) & 0xFFU);
    }
    imusic_sha256_add(hash, &end, 1U);
    while ((hash->length % IMUSIC_BLOCK_BYTES) != (IMUSIC_BLOCK_BYTES - LENGTH_BYTES)) {
        imusic_sha256_add(hash, &zero, 1U);
    }
    imusic_sha256_add(hash, length, LENGTH_BYTES);
    for (size_t i = 0U; i < IMUSIC_HASH_BYTES; i++) {
        digest[i] = (uint8_t)((hash->state[i / 4U] >> (8U * (3U - (i % 4U)))) & 0xFFU);
    }
}

void imusic_hmac_begin(imusic_hmac *mac, const uint8_t *key, size_t length)
{
    uint8_t padded[IMUSIC_BLOCK_BYTES] = {0};
    if (length > IMUSIC_BLOCK_BYTES) {
        imusic_sha256_begin(&mac->inner);
        imusic_sha256_add(&mac->inner, key, length);
        imusic_sha256_end(&mac->inner, padded);
    } else if (length > 0U) {
        (void)memcpy(padded, key, length);
    } else {
        /* All zeros. */
    }
    for (size_t i = 0U; i < IMUSIC_BLOCK_BYTES; i++) {
        padded[i] ^= 0x36U;
    }
    imusic_sha256_begin(&mac->inner);
    imusic_sha256_add(&mac->inner, padded, IMUSIC_BLOCK_BYTES);
    for (size_t i = 0U; i < IMUSIC_BLOCK_BYTES; i++) {
        padded[i] ^= (uint8_t)(0x36U ^ 0x5CU);
    }
    imusic_sha256_begin(&mac->outer);
    imusic_sha256_add(&mac->outer, padded, IMUSIC_BLOCK_BYTES);
}

void imusic_hmac_add(imusic_hmac *mac, const uint8_t *bytes, size_t length)
{
    imusic_sha256_add(&mac->inner, bytes, length);
}

void imusic_hmac_end(imusic_hmac *mac, uint8_t digest[IMUSIC_HASH_BYTES])
{
    imusic_sha256_end(&mac->inner, digest);
    imusic_sha256_add(&mac->outer, digest, IMUSIC_HASH_BYTES);
    imusic_sha256_end(&mac->outer, digest);
}

void imusic_hkdf(const uint8_t *key, size_t key_length, const uint8_t *salt, size_t salt_length, const uint8_t *info,
                 size_t info_length, uint8_t *derived, uint8_t blocks)
{
    uint8_t extracted[IMUSIC_HASH_BYTES];
    imusic_hmac mac;
    imusic_hmac_begin(&mac, salt, salt_length);
    imusic_hmac_add(&mac, key, key_length);
    imusic_hmac_end(&mac, extracted);
    for (uint8_t number = 1U; number <= blocks; number++) {
        const size_t at = (size_t)(number - 1U) * IMUSIC_HASH_BYTES;
        imusic_hmac_begin(&mac, extracted, IMUSIC_HASH_BYTES);
        if (number > 1U) {
            imusic_hmac_add(&mac, &derived[at - IMUSIC_HASH_BYTES], IMUSIC_HASH_BYTES);
        }
        imusic_hmac_add(&mac, info, info_length);
        imusic_hmac_add(&mac, &number, 1U);
        imusic_hmac_end(&mac, &derived[at]);
        if (number == 255U) {
            break;
        }
    }
}

bool imusic_equal(const uint8_t *some, const uint8_t *others, size_t length)
{
    uint8_t different = 0U;
    for (size_t i = 0U; i < length; i++) {
        different |= (uint8_t)(some[i] ^ others[i]);
    }
    return different == 0U;
}
