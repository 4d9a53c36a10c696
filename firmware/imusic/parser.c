#include "parser.h"

#include <string.h>

#define CRC_BYTES  4U
#define FULL_BLOCK 0xFFU

static uint16_t u16_at(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | ((uint16_t)bytes[1] << 8));
}

static uint32_t u32_at(const uint8_t *bytes)
{
    return (uint32_t)u16_at(bytes) | ((uint32_t)u16_at(&bytes[2]) << 16);
}

void imusic_parser_init(imusic_parser *parser)
{
    (void)memset(parser, 0, sizeof(*parser));
    imusic_parser_reset(parser);
}

void imusic_parser_reset(imusic_parser *parser)
{
    parser->received = 0U;
    parser->decoded = 0U;
    parser->crc = IMUSIC_CRC_BEGIN;
    parser->left = 0U;
    parser->zero_due = false;
    parser->skipping = false;
}

/* One byte of the packet. The CRC lags behind by its own length: only at the end is it known which bytes are the CRC.
 */
static void take_decoded(imusic_parser *parser, uint8_t byte)
{
    const size_t slot = parser->decoded % CRC_BYTES;
    if (parser->decoded >= CRC_BYTES) {
        parser->crc = imusic_crc_add(parser->crc, parser->tail[slot]);
    }
    parser->tail[slot] = byte;
    if (parser->decoded < IMUSIC_HOST_PACKET_BYTES) {
        parser->head[parser->decoded] = byte;
    }
    parser->decoded++;
}

static void take_stuffed(imusic_parser *parser, uint8_t byte)
{
    if (parser->left == 0U) {
        if (parser->zero_due) {
            take_decoded(parser, 0U);
        }
        parser->left = (uint8_t)(byte - 1U);
        parser->zero_due = (byte != FULL_BLOCK);
    } else {
        take_decoded(parser, byte);
        parser->left--;
    }
}

static uint32_t sent_crc(const imusic_parser *parser)
{
    uint32_t crc = 0U;
    for (size_t i = 0U; i < CRC_BYTES; i++) {
        const size_t slot = (parser->decoded + i) % CRC_BYTES; /* the oldest first */
        crc |= (uint32_t)parser->tail[slot] << (8U * i);
    }
    return crc;
}

/* Counter, type and tag. */
#define LEAST_SEALED (8U + 1U + IMUSIC_TAG_BYTES)

/* Bytes of the payload of a host packet that has no envelope, or may be in one; 0: no such type. */
static size_t payload_bytes(uint8_t type)
{
    size_t bytes;
    switch (type) {
    case IMUSIC_HELLO_REQUEST:
    case IMUSIC_START:
    case IMUSIC_STOP:
        bytes = 2U;
        break;
    case IMUSIC_IDENTIFY:
        bytes = 3U;
        break;
    case IMUSIC_SET_RATE:
    case IMUSIC_PING:
        bytes = 4U;
        break;
    default:
        bytes = 0U;
        break;
    }
    return bytes;
}

static void read_payload(const uint8_t *head, imusic_host_packet *packet)
{
    const uint8_t *payload = &head[2];
    (void)memset(packet, 0, sizeof(*packet));
    packet->type = head[1];
    if (packet->type == IMUSIC_PING) {
        packet->token = u32_at(payload);
    } else {
        packet->request_id = u16_at(payload);
        if (packet->type == IMUSIC_SET_RATE) {
            packet->rate_hz = u16_at(&payload[2]);
        } else if (packet->type == IMUSIC_IDENTIFY) {
            packet->sensor_id = payload[2];
        } else {
            /* No more than the request. */
        }
    }
}

static void read_sealed(const uint8_t *payload, size_t length, imusic_host_packet *packet)
{
    (void)memset(packet, 0, sizeof(*packet));
    packet->type = IMUSIC_SEALED_BY_HOST;
    packet->counter = (uint64_t)u32_at(payload) | ((uint64_t)u32_at(&payload[4]) << 32);
    packet->inner_length = (uint8_t)(length - LEAST_SEALED + 1U);
    (void)memcpy(packet->inner, &payload[8], packet->inner_length);
    (void)memcpy(packet->tag, &payload[8U + packet->inner_length], IMUSIC_TAG_BYTES);
}

bool imusic_parser_read(const uint8_t *bytes, size_t length, imusic_host_packet *packet)
{
    uint8_t head[2U + IMUSIC_MOST_INNER] = {0};
    if ((length < 1U) || (length > IMUSIC_MOST_INNER) || (payload_bytes(bytes[0]) != (length - 1U)) || (length == 1U)) {
        return false;
    }
    (void)memcpy(&head[1], bytes, length);
    read_payload(head, packet);
    return true;
}

/* Whether a payload of this length can be one of this type. */
static bool length_fits(uint8_t type, size_t length)
{
    bool fits = payload_bytes(type) == length;
    if (type == IMUSIC_SEALED_BY_HOST) {
        fits = (length >= LEAST_SEALED) && (length <= (LEAST_SEALED - 1U + IMUSIC_MOST_INNER));
    } else if (type == IMUSIC_AUTH_REQUEST) {
        fits = length == IMUSIC_NONCE_BYTES;
    } else {
        /* As above. */
    }
    return fits;
}

static bool is_known(uint8_t type)
{
    return (payload_bytes(type) != 0U) || (type == IMUSIC_AUTH_REQUEST) || (type == IMUSIC_SEALED_BY_HOST);
}

/* The frame that the delimiter ended. Whether it is a packet of the host. */
static bool take_frame(imusic_parser *parser, imusic_host_packet *packet)
{
    const uint8_t type = parser->head[1];
    imusic_reason reason = IMUSIC_REASONS;
    bool accepted = false;
    if (parser->left != 0U) {
        reason = IMUSIC_BAD_COBS;
    } else if (parser->decoded < IMUSIC_PACKET_OVERHEAD) {
        reason = IMUSIC_SHORT;
    } else if (parser->decoded > IMUSIC_MAX_PACKET) {
        reason = IMUSIC_OVERSIZE;
    } else if (imusic_crc_end(parser->crc) != sent_crc(parser)) {
        reason = IMUSIC_BAD_CRC;
    } else if (parser->head[0] != IMUSIC_PROTOCOL_VERSION) {
        reason = IMUSIC_WRONG_VERSION;
    } else if ((type >= IMUSIC_HELLO) && (type <= IMUSIC_SEALED_BY_HUB)) {
        parser->echoes++;
    } else if (!is_known(type)) {
        reason = IMUSIC_UNKNOWN_TYPE;
    } else if (!length_fits(type, parser->decoded - IMUSIC_PACKET_OVERHEAD)) {
        reason = IMUSIC_MALFORMED;
    } else {
        if (type == IMUSIC_SEALED_BY_HOST) {
            read_sealed(&parser->head[2], parser->decoded - IMUSIC_PACKET_OVERHEAD, packet);
        } else if (type == IMUSIC_AUTH_REQUEST) {
            (void)memset(packet, 0, sizeof(*packet));
            packet->type = type;
            (void)memcpy(packet->nonce, &parser->head[2], IMUSIC_NONCE_BYTES);
        } else {
            read_payload(parser->head, packet);
        }
        parser->packets++;
        accepted = true;
    }
    if (reason != IMUSIC_REASONS) {
        parser->rejects[reason]++;
    }
    return accepted;
}

bool imusic_parser_push(imusic_parser *parser, uint8_t byte, imusic_host_packet *packet)
{
    bool accepted = false;
    if (byte == 0U) {
        /* An empty frame means nothing: a sender may begin with a delimiter to end what was on the line. */
        if (!parser->skipping && (parser->received > 0U)) {
            accepted = take_frame(parser, packet);
        }
        imusic_parser_reset(parser);
    } else if (!parser->skipping) {
        parser->received++;
        if (parser->received > IMUSIC_MAX_FRAME) {
            parser->rejects[IMUSIC_OVERSIZE]++;
            parser->skipping = true;
        } else {
            take_stuffed(parser, byte);
        }
    } else {
        /* Belongs to the frame that was dropped. */
    }
    return accepted;
}
