/* Bytes of the host as they arrive to packets, whatever arrives.
 *
 * COBS and CRC are undone byte by byte: what is kept of a frame are the few bytes that a host packet has, however long
 * the frame is. A damaged frame is counted and dropped; the parser is back in step at the next delimiter.
 */
#ifndef IMUSIC_PARSER_H
#define IMUSIC_PARSER_H

#include "packets.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Why a frame was dropped, in the order of the checks of docs/protocol.md. */
typedef enum {
    IMUSIC_BAD_COBS,
    IMUSIC_SHORT,
    IMUSIC_OVERSIZE,
    IMUSIC_BAD_CRC,
    IMUSIC_WRONG_VERSION,
    IMUSIC_UNKNOWN_TYPE,
    IMUSIC_MALFORMED,
    IMUSIC_REASONS
} imusic_reason;

/* A packet of the host. */
typedef struct {
    uint8_t type;
    uint16_t request_id; /* of all but PING */
    uint16_t rate_hz;    /* of SET_RATE */
    uint8_t sensor_id;   /* of IDENTIFY */
    uint32_t token;      /* of PING */
    uint64_t counter;    /* of SEALED_BY_HOST, as all below */
    uint8_t inner_length;
    uint8_t inner[16];                /* type and payload of the packet in the envelope */
    uint8_t tag[IMUSIC_TAG_BYTES];    /* of the envelope */
    uint8_t nonce[IMUSIC_NONCE_BYTES]; /* of AUTH_REQUEST */
} imusic_host_packet;

/* Most bytes of a packet in an envelope of the host. */
#define IMUSIC_MOST_INNER 16U
/* Version, type, the longest payload (SEALED_BY_HOST) and the CRC. */
#define IMUSIC_HOST_PACKET_BYTES (2U + 8U + IMUSIC_MOST_INNER + IMUSIC_TAG_BYTES + 4U)

typedef struct {
    /* Counters; they wrap. */
    uint32_t packets;                 /* accepted */
    uint32_t rejects[IMUSIC_REASONS]; /* dropped, for each reason */
    uint32_t echoes;                  /* intact packets of a hub, such as our own come back; ignored */
    /* The frame that is arriving. */
    uint8_t head[IMUSIC_HOST_PACKET_BYTES]; /* its first bytes after COBS */
    uint8_t tail[4];                        /* its last, in a ring: they are no part of the CRC */
    size_t received;                        /* bytes of the frame, before COBS is undone */
    size_t decoded;                         /* bytes of the packet */
    uint32_t crc;
    uint8_t left;  /* bytes of the COBS block that are still to come */
    bool zero_due; /* whether the block is followed by a zero, if by anything */
    bool skipping; /* whether the rest, up to the delimiter, belongs to a frame that was dropped */
} imusic_parser;

void imusic_parser_init(imusic_parser *parser);

/* Take one byte. Whether it completed a packet of the host, which is then in `packet`. */
bool imusic_parser_push(imusic_parser *parser, uint8_t byte, imusic_host_packet *packet);

/* Read type and payload of a packet of the host that was in an envelope. Whether it is one. */
bool imusic_parser_read(const uint8_t *bytes, size_t length, imusic_host_packet *packet);

/* Forget a half-received frame, after the line was opened anew; counters stay. */
void imusic_parser_reset(imusic_parser *parser);

#ifdef __cplusplus
}
#endif

#endif
