/* Frames of hub protocol version 1, docs/protocol.md: COBS, CRC-32 and the sizes of things.
 *
 * A frame is written in one pass, straight into the caller's buffer: COBS and CRC are computed while the fields go by,
 * so that no second buffer is needed. Nothing here allocates, keeps state of its own or uses floating point.
 */
#ifndef IMUSIC_WIRE_H
#define IMUSIC_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sha256.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IMUSIC_PROTOCOL_VERSION 1U
/* Most bytes of a packet before COBS, and of a frame without its delimiter. */
#define IMUSIC_MAX_PACKET 4096U
#define IMUSIC_MAX_FRAME  (IMUSIC_MAX_PACKET + ((IMUSIC_MAX_PACKET + 253U) / 254U))
/* Version, type and CRC-32: the least that a packet has. */
#define IMUSIC_PACKET_OVERHEAD 6U
/* Bytes of a frame, delimiter included, for a payload of this many bytes. */
#define IMUSIC_FRAME_BYTES(payload) \
    ((payload) + IMUSIC_PACKET_OVERHEAD + (((payload) + IMUSIC_PACKET_OVERHEAD + 253U) / 254U) + 1U)

/* CRC-32 (IEEE 802.3): begin with IMUSIC_CRC_BEGIN, add bytes, take imusic_crc_end. */
#define IMUSIC_CRC_BEGIN 0xFFFFFFFFUL
uint32_t imusic_crc_add(uint32_t crc, uint8_t byte);
uint32_t imusic_crc_end(uint32_t crc);

/* A string as the protocol has it: bytes of UTF-8, not ended by a zero. The caller answers for its being UTF-8. */
typedef struct {
    const char *bytes;
    size_t length; /* at most 255, else nothing is encoded */
} imusic_text;

/* Of a string literal. */
#define IMUSIC_TEXT(literal) {(literal), sizeof(literal) - 1U}

/* Of a string that ends with a zero; what is longer than 255 bytes cannot be encoded. */
imusic_text imusic_text_of(const char *string);

/* What the frames of one side of a session are sealed with, docs/protocol.md, "With a key". */
#define IMUSIC_TAG_BYTES 16U
typedef struct {
    uint8_t key[IMUSIC_HASH_BYTES];
    uint8_t type; /* of the envelope */
    uint64_t sent; /* the counter of the newest envelope */
    imusic_hmac mac;
} imusic_seal;
/* What an envelope adds to a packet: counter, type and tag. */
#define IMUSIC_ENVELOPE_BYTES (8U + 1U + IMUSIC_TAG_BYTES)

/* A frame while it is written. */
typedef struct {
    uint8_t *bytes;
    size_t capacity;
    size_t length;  /* bytes written, the open code byte among them */
    size_t code_at; /* of the open COBS block */
    size_t packet;  /* bytes of the packet so far */
    uint32_t crc;
    imusic_seal *seal; /* NULL: the packet stands as it is */
    bool open;   /* whether a COBS block is open */
    bool failed; /* whether something did not fit */
} imusic_frame;

/* Begin a frame in a buffer. `version` is IMUSIC_PROTOCOL_VERSION, except to try what a receiver makes of another. */
void imusic_frame_begin(imusic_frame *frame, uint8_t *bytes, size_t capacity, uint8_t version, uint8_t type);
/* The same in an envelope; `seal` NULL: without, version IMUSIC_PROTOCOL_VERSION. */
void imusic_frame_begin_sealed(imusic_frame *frame, uint8_t *bytes, size_t capacity, imusic_seal *seal, uint8_t type);
void imusic_frame_u8(imusic_frame *frame, uint8_t value);
void imusic_frame_u16(imusic_frame *frame, uint16_t value);
void imusic_frame_u32(imusic_frame *frame, uint32_t value);
void imusic_frame_u64(imusic_frame *frame, uint64_t value);
void imusic_frame_i16(imusic_frame *frame, int16_t value);
void imusic_frame_bytes(imusic_frame *frame, const uint8_t *bytes, size_t length);
void imusic_frame_text(imusic_frame *frame, imusic_text text);
/* Add CRC and delimiter. The frame's length; 0 where it did not fit the buffer, the protocol or a field. */
size_t imusic_frame_end(imusic_frame *frame);

#ifdef __cplusplus
}
#endif

#endif
