#include "wire.h"

#include <string.h>

/* Remainders of the reflected polynomial 0xEDB88320 for each value of four bits: 64 bytes instead of 1024, two steps
 * for a byte. */
static const uint32_t crc_of_nibble[16] = {
    0x00000000UL, 0x1DB71064UL, 0x3B6E20C8UL, 0x26D930ACUL, 0x76DC4190UL, 0x6B6B51F4UL, 0x4DB26158UL, 0x5005713CUL,
    0xEDB88320UL, 0xF00F9344UL, 0xD6D6A3E8UL, 0xCB61B38CUL, 0x9B64C2B0UL, 0x86D3D2D4UL, 0xA00AE278UL, 0xBDBDF21CUL,
};

#define LONGEST_TEXT 255U
#define FULL_BLOCK   0xFFU

uint32_t imusic_crc_add(uint32_t crc, uint8_t byte)
{
    uint32_t mixed = crc ^ (uint32_t)byte;
    mixed = (mixed >> 4) ^ crc_of_nibble[mixed & 0x0FU];
    return (mixed >> 4) ^ crc_of_nibble[mixed & 0x0FU];
}

uint32_t imusic_crc_end(uint32_t crc)
{
    return crc ^ 0xFFFFFFFFUL;
}

imusic_text imusic_text_of(const char *string)
{
    imusic_text text;
    text.bytes = string;
    text.length = strlen(string);
    return text;
}

static void write_byte(imusic_frame *frame, uint8_t byte)
{
    if (frame->length < frame->capacity) {
        frame->bytes[frame->length] = byte;
        frame->length++;
    } else {
        frame->failed = true;
    }
}

static void open_block(imusic_frame *frame)
{
    frame->code_at = frame->length;
    frame->open = true;
    write_byte(frame, 0U); /* its code follows when it is closed */
}

static void close_block(imusic_frame *frame)
{
    if (!frame->failed) {
        frame->bytes[frame->code_at] = (uint8_t)(frame->length - frame->code_at);
    }
    frame->open = false;
}

/* One byte of the packet through COBS. A block of 254 bytes without a zero ends by itself; the next begins only with
 * the next byte. */
static void stuff(imusic_frame *frame, uint8_t byte)
{
    if (!frame->open) {
        open_block(frame);
    }
    if (byte == 0U) {
        close_block(frame);
        open_block(frame);
    } else {
        write_byte(frame, byte);
        if ((frame->length - frame->code_at) == FULL_BLOCK) {
            close_block(frame);
        }
    }
    frame->packet++;
}

void imusic_frame_begin(imusic_frame *frame, uint8_t *bytes, size_t capacity, uint8_t version, uint8_t type)
{
    frame->bytes = bytes;
    frame->capacity = capacity;
    frame->length = 0U;
    frame->code_at = 0U;
    frame->packet = 0U;
    frame->crc = IMUSIC_CRC_BEGIN;
    frame->seal = NULL;
    frame->open = false;
    frame->failed = false;
    imusic_frame_u8(frame, version);
    imusic_frame_u8(frame, type);
}

void imusic_frame_begin_sealed(imusic_frame *frame, uint8_t *bytes, size_t capacity, imusic_seal *seal, uint8_t type)
{
    if (seal == NULL) {
        imusic_frame_begin(frame, bytes, capacity, IMUSIC_PROTOCOL_VERSION, type);
    } else {
        const uint8_t head[2] = {IMUSIC_PROTOCOL_VERSION, seal->type};
        imusic_frame_begin(frame, bytes, capacity, IMUSIC_PROTOCOL_VERSION, seal->type);
        seal->sent++;
        imusic_hmac_begin(&seal->mac, seal->key, sizeof(seal->key));
        imusic_hmac_add(&seal->mac, head, sizeof(head));
        frame->seal = seal; /* from here on all bytes are sealed */
        imusic_frame_u64(frame, seal->sent);
        imusic_frame_u8(frame, type);
    }
}

void imusic_frame_u8(imusic_frame *frame, uint8_t value)
{
    if (!frame->failed) {
        if (frame->seal != NULL) {
            imusic_hmac_add(&frame->seal->mac, &value, 1U);
        }
        frame->crc = imusic_crc_add(frame->crc, value);
        stuff(frame, value);
    }
}

void imusic_frame_u16(imusic_frame *frame, uint16_t value)
{
    imusic_frame_u8(frame, (uint8_t)(value & 0xFFU));
    imusic_frame_u8(frame, (uint8_t)(value >> 8));
}

void imusic_frame_u32(imusic_frame *frame, uint32_t value)
{
    imusic_frame_u16(frame, (uint16_t)(value & 0xFFFFU));
    imusic_frame_u16(frame, (uint16_t)(value >> 16));
}

void imusic_frame_u64(imusic_frame *frame, uint64_t value)
{
    imusic_frame_u32(frame, (uint32_t)(value & 0xFFFFFFFFU));
    imusic_frame_u32(frame, (uint32_t)(value >> 32));
}

void imusic_frame_i16(imusic_frame *frame, int16_t value)
{
    imusic_frame_u16(frame, (uint16_t)value);
}

void imusic_frame_bytes(imusic_frame *frame, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0U; i < length; i++) {
        imusic_frame_u8(frame, bytes[i]);
    }
}

void imusic_frame_text(imusic_frame *frame, imusic_text text)
{
    if (text.length > LONGEST_TEXT) {
        frame->failed = true;
    } else {
        imusic_frame_u8(frame, (uint8_t)text.length);
        for (size_t i = 0U; i < text.length; i++) {
            imusic_frame_u8(frame, (uint8_t)text.bytes[i]);
        }
    }
}

size_t imusic_frame_end(imusic_frame *frame)
{
    uint32_t crc;
    if (frame->seal != NULL) {
        uint8_t tag[IMUSIC_HASH_BYTES];
        imusic_hmac_end(&frame->seal->mac, tag);
        frame->seal = NULL;
        imusic_frame_bytes(frame, tag, IMUSIC_TAG_BYTES);
    }
    crc = imusic_crc_end(frame->crc);
    for (unsigned int shift = 0U; shift < 32U; shift += 8U) {
        if (!frame->failed) {
            stuff(frame, (uint8_t)((crc >> shift) & 0xFFU));
        }
    }
    if (frame->open) {
        close_block(frame);
    }
    write_byte(frame, 0U);
    return (frame->failed || (frame->packet > IMUSIC_MAX_PACKET)) ? 0U : frame->length;
}
