/* Parser and hub on bytes that nobody sends: `fuzz INPUTS SEED`. Built with sanitizers, which end it at the first
 * mistake.
 *
 * Each input is garbage, a damaged or cut frame, or whole frames; a valid PING behind a delimiter ends it and must be
 * answered. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub.h"

#define UNITS 3U

static uint64_t state;

static uint32_t drawn(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 20) % below);
}

static uint32_t pongs;
static uint32_t expected_token;
static uint32_t refused; /* of 8 frames, so many are refused by the line */

static bool take(void *context, const uint8_t *frame, size_t length, bool is_answer)
{
    static uint8_t pong[IMUSIC_ANSWER_BYTES];
    (void)context;
    (void)is_answer;
    if (length == 0U || frame[length - 1U] != 0U || memchr(frame, 0, length - 1U) != NULL) {
        (void)printf("a frame with a zero in it, or none at its end\n");
        exit(1);
    }
    if (drawn(8U) < refused) {
        return false;
    }
    /* The frame's time is not known here: only its token, which follows COBS, version and type, is compared where it
     * has no zero. */
    (void)imusic_encode_pong(pong, sizeof(pong), NULL, expected_token, 0U);
    if (length > 7U && frame[2] == IMUSIC_PONG && memcmp(&frame[3], &pong[3], 4U) == 0) {
        pongs++;
    }
    return true;
}

/* With a key: nothing but REFUSED and AUTH_CHALLENGE goes out, as nobody here has it. */
static bool take_refusals(void *context, const uint8_t *frame, size_t length, bool is_answer)
{
    (void)context;
    (void)is_answer;
    if (length < 4U || frame[length - 1U] != 0U || (frame[2] != IMUSIC_REFUSED && frame[2] != IMUSIC_AUTH_CHALLENGE)) {
        (void)printf("a frame for a host without the key\n");
        exit(1);
    }
    return drawn(8U) >= refused;
}

static void draw_nonce(void *context, uint8_t *bytes, size_t length)
{
    (void)context;
    (void)memset(bytes, 7, length);
}

static uint64_t measure(void *context, uint64_t due_us, imusic_reading *readings)
{
    (void)context;
    for (size_t i = 0U; i < UNITS; i++) {
        readings[i].status = (uint8_t)drawn(256U);
        readings[i].gyro[0] = (int16_t)drawn(32768U);
    }
    return due_us - drawn(3U); /* a clock that goes back a little */
}

static void light(void *context, size_t unit, bool on)
{
    (void)context;
    (void)on;
    if (unit >= UNITS) {
        exit(1);
    }
}

static uint32_t boot_id(void *context)
{
    (void)context;
    return 1U;
}

static size_t host_frame(uint8_t *bytes, size_t capacity)
{
    /* Bytes of the payload of types from 0x7F on. */
    static const uint32_t usual[10] = {2U, 2U, 2U, 2U, 2U, 4U, 4U, 3U, 16U, 30U};
    imusic_frame frame;
    const uint32_t kind = drawn(10U);
    imusic_frame_begin(&frame, bytes, capacity, (uint8_t)(drawn(20U) == 0U ? drawn(256U) : 1U),
                       (uint8_t)(0x7FU + kind));
    for (uint32_t left = drawn(20U) == 0U ? drawn(12U) : usual[kind]; left > 0U; left--) {
        imusic_frame_u8(&frame, (uint8_t)(drawn(3U) == 0U ? drawn(256U) : drawn(4U)));
    }
    return imusic_frame_end(&frame);
}

static size_t fill(uint8_t *bytes, size_t capacity)
{
    size_t length = 0U;
    switch (drawn(5U)) {
    case 0: /* random */
        length = drawn(40U);
        for (size_t i = 0U; i < length; i++) {
            bytes[i] = (uint8_t)drawn(256U);
        }
        break;
    case 1: /* long, without or with few delimiters */
        if (drawn(100U) == 0U) {
            length = drawn((uint32_t)capacity);
            (void)memset(bytes, (int)(1U + drawn(255U)), length);
        }
        break;
    case 2: /* damaged */
        length = host_frame(bytes, capacity);
        bytes[drawn((uint32_t)length)] = (uint8_t)drawn(256U);
        break;
    case 3: /* cut */
        length = drawn((uint32_t)host_frame(bytes, capacity) + 1U);
        break;
    default:
        for (uint32_t left = drawn(3U); left > 0U; left--) {
            length += host_frame(&bytes[length], capacity - length);
        }
        break;
    }
    return length;
}

/* A hub with a key, and hosts that have none. */
static int fuzz_guarded(const imusic_hub_config *config, long inputs)
{
    static imusic_hub hub;
    static uint8_t input[9000];
    static const uint8_t key[IMUSIC_KEY_BYTES] = {1U};
    const imusic_platform platform = {NULL, take_refusals, measure, light, boot_id, draw_nonce, NULL};
    imusic_hub_config guarded = *config;
    uint64_t now_us = 0U;
    guarded.key = key;
    if (imusic_hub_init(&hub, &guarded, &platform, now_us) != IMUSIC_HUB_READY) {
        (void)printf("the hub with a key did not begin\n");
        return 1;
    }
    for (long n = 0; n < inputs; n++) {
        const size_t length = fill(input, sizeof(input));
        now_us += drawn(20000U);
        refused = drawn(4U) == 0U ? drawn(9U) : 0U;
        if (imusic_hub_receive(&hub, input, length, now_us) != 0U || hub.streaming || hub.guard.begun) {
            (void)printf("input %ld: taken for the host's\n", n);
            return 1;
        }
        imusic_hub_poll(&hub, now_us);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static imusic_unit units[UNITS] = {
        {0U, IMUSIC_PRESENT, 1024U, 8U, IMUSIC_TEXT("skull"), IMUSIC_TEXT("QMI8658")},
        {1U, IMUSIC_PRESENT, 500U, 8U, IMUSIC_TEXT("mentalis"), IMUSIC_TEXT("ICM-42688-P")},
        {200U, 0U, 500U, 8U, IMUSIC_TEXT(""), IMUSIC_TEXT("")},
    };
    static imusic_reading readings[UNITS];
    static uint8_t frame[IMUSIC_ANSWER_BYTES];
    static uint8_t waiting[200];
    static uint8_t input[9000];
    static imusic_hub hub;
    const imusic_platform platform = {NULL, take, measure, light, boot_id, NULL, NULL};
    const imusic_hub_config config = {IMUSIC_TEXT("fuzzed"),
                                      IMUSIC_TEXT("1"),
                                      100U,
                                      400U,
                                      IMUSIC_UDP_SILENCE_US,
                                      0U,
                                      units,
                                      UNITS,
                                      readings,
                                      frame,
                                      sizeof(frame),
                                      waiting,
                                      sizeof(waiting),
                                      NULL};
    const long inputs = argc > 1 ? strtol(argv[1], NULL, 10) : 1000L;
    uint64_t now_us = 0U;
    state = 88172645463325252ULL + (uint64_t)(argc > 2 ? strtol(argv[2], NULL, 10) : 0L);
    if (imusic_hub_init(&hub, &config, &platform, now_us) != IMUSIC_HUB_READY) {
        (void)printf("the hub did not begin\n");
        return 1;
    }
    for (long n = 0; n < inputs; n++) {
        static const uint8_t delimiter = 0U;
        uint8_t ping[IMUSIC_FRAME_BYTES(4U)];
        imusic_frame valid;
        size_t length = fill(input, sizeof(input));
        now_us += drawn(1000U) == 0U ? drawn(30000000U) : drawn(20000U);
        refused = drawn(4U) == 0U ? drawn(9U) : 0U;
        (void)imusic_hub_receive(&hub, input, length, now_us);
        imusic_hub_poll(&hub, now_us);
        (void)imusic_hub_receive(&hub, &delimiter, 1U, now_us);
        /* All that waits goes out, then the PING is answered. */
        refused = 0U;
        imusic_hub_poll(&hub, now_us);
        expected_token = (uint32_t)n | 0x01010101U;
        imusic_frame_begin(&valid, ping, sizeof(ping), IMUSIC_PROTOCOL_VERSION, IMUSIC_PING);
        imusic_frame_u32(&valid, expected_token);
        length = imusic_frame_end(&valid);
        pongs = 0U;
        if (imusic_hub_receive(&hub, ping, length, now_us) != 1U) {
            (void)printf("input %ld: a valid PING was not seen\n", n);
            return 1;
        }
        imusic_hub_poll(&hub, now_us);
        if (pongs != 1U) {
            (void)printf("input %ld: %" PRIu32 " PONGs instead of one\n", n, pongs);
            return 1;
        }
        if (imusic_hub_next_us(&hub, now_us) + 1U == 0U) {
            return 1;
        }
    }
    if (fuzz_guarded(&config, inputs / 4L) != 0) {
        return 1;
    }
    (void)printf("%ld inputs, %" PRIu32 " packets, %" PRIu32 " samples sent, %" PRIu32 " dropped, %" PRIu32 " missed\n",
                 inputs, hub.parser.packets, hub.sent, hub.dropped, hub.missed);
    return 0;
}
