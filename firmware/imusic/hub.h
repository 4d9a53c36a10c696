/* A hub as docs/protocol.md has it, "What a hub does": what it answers, when it samples, what waits for the line.
 *
 * The platform gives time, bytes that arrived and callbacks; the hub gives frames. A loop is
 *
 *     n = read the line;            imusic_hub_receive(&hub, bytes, n, time at which the last of them arrived);
 *     imusic_hub_poll(&hub, now);   wait until imusic_hub_next_us(&hub, now) or until bytes arrive;
 *
 * in one task: nothing here locks. No memory is allocated: the caller's buffers are used for as long as the hub lives.
 *
 * A hub sends gyroscope and accelerometer. It sends no quaternion: the host fuses one for all units, and takes one
 * decision on rest for them all, which a protocol without such a field could not carry anyway.
 */
#ifndef IMUSIC_HUB_H
#define IMUSIC_HUB_H

#include "guard.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Between two HELLOs while nothing streams; how long IDENTIFY blinks; how long streaming outlives the host on UDP. */
#define IMUSIC_HELLO_PERIOD_US 1000000ULL
#define IMUSIC_IDENTIFY_US     5000000ULL
#define IMUSIC_UDP_SILENCE_US  10000000ULL

/* Answers that can wait for the line; a host that asks faster asks again. */
#define IMUSIC_WAITING_ANSWERS 16U

/* What the platform does. `context` is given back to each. */
typedef struct {
    void *context;
    /* Put a whole frame on the line without waiting; false: there is no room for it now, it is offered again.
     * `is_answer`: it may overtake what waits; a transport with a queue of its own keeps room for answers and takes a
     * SAMPLE only when it can begin it soon, so that a PONG goes out before SAMPLEs that wait. A transport without a
     * host yet drops the frame and says true. */
    bool (*send)(void *context, const uint8_t *frame, size_t length, bool is_answer);
    /* Measure all units together, now. `due_us`: when the sample was due. Fills one reading for each unit, all of them,
     * at once and without waiting for units that do not answer. Returns the time of the measurement, hub's clock. */
    uint64_t (*measure)(void *context, uint64_t due_us, imusic_reading *readings);
    /* Light of the unit at this place in the list on or off; NULL: the hub has no lights. */
    void (*light)(void *context, size_t unit, bool on);
    /* A random number, drawn once when the hub begins. */
    uint32_t (*draw_boot_id)(void *context);
    /* Random bytes that nobody can guess; NULL only where there is no key. */
    void (*draw_nonce)(void *context, uint8_t *bytes, size_t length);
    /* Send a frame to whoever sent the bytes that imusic_hub_receive is taking, who may be nobody's host yet; it may be
     * lost. NULL: there is one host only, and `send` leads to it. */
    void (*reply)(void *context, const uint8_t *frame, size_t length);
} imusic_platform;

typedef struct {
    imusic_text name;
    imusic_text firmware;
    uint16_t rate_hz;     /* until SET_RATE; at least 1 */
    uint16_t max_rate_hz; /* at least rate_hz */
    uint64_t silence_us;  /* stop streaming when nothing intact arrived for this long; 0: never, on a serial line */
    uint64_t catch_up_us; /* a due sample this old is still measured, though its successor is due too; 0: none, as with
                             real units */
    const imusic_unit *units; /* the platform may change their flags while the hub runs */
    size_t unit_count;
    /* Buffers, which the hub uses from now on. */
    imusic_reading *readings; /* one for each unit */
    uint8_t *frame;           /* for one frame: HELLO is the longest; imusic_hub_init says if it is too short */
    size_t frame_capacity;
    uint8_t *waiting; /* for SAMPLE frames that the line has no room for; the oldest are dropped when it is full */
    size_t waiting_capacity; /* at least IMUSIC_SAMPLE_BYTES(unit_count) + 2 */
    const uint8_t *key;      /* IMUSIC_KEY_BYTES that the host has to have, too; NULL: everybody is answered */
} imusic_hub_config;

typedef enum {
    IMUSIC_HUB_READY,
    IMUSIC_HUB_BAD_UNITS,  /* 1 to 64 units expected, each id once, ranges of at least 1 */
    IMUSIC_HUB_BAD_RATE,   /* 1 <= rate_hz <= max_rate_hz expected */
    IMUSIC_HUB_BAD_BUFFER, /* too short for HELLO or for one SAMPLE, or a string over 255 bytes */
    IMUSIC_HUB_NO_CALLBACK /* send, measure or draw_boot_id is missing; with a key, draw_nonce */
} imusic_hub_problem;

/* An answer that waits for the line. */
typedef struct {
    uint8_t type;    /* IMUSIC_HELLO, IMUSIC_PONG, IMUSIC_ACK; IMUSIC_REFUSED, IMUSIC_AUTH_CHALLENGE */
    uint8_t command; /* of ACK */
    uint8_t result;  /* of ACK */
    uint16_t request_id;
    uint32_t token;
    uint64_t time_us;
} imusic_answer;

typedef struct {
    imusic_hub_config config;
    imusic_platform platform;
    imusic_parser parser;
    imusic_guard guard; /* of config.key */
    uint32_t boot_id;
    uint16_t rate_hz;
    bool streaming;
    uint32_t sequence;      /* of the next sample */
    uint64_t paced_from_us; /* sample k of this rate is due at paced_from_us + k / rate_hz */
    uint64_t paced;         /* samples of this rate so far */
    uint64_t last_time_us;  /* of the newest sample: time never goes back */
    uint64_t next_hello_us;
    uint64_t heard_us;
    bool lit;
    size_t lit_unit;
    uint64_t lit_until_us;
    imusic_answer answers[IMUSIC_WAITING_ANSWERS];
    size_t first_answer;
    size_t answer_count;
    size_t waiting_length; /* bytes used of config.waiting: a length as u16 before each frame */
    /* Counters; they wrap. */
    uint32_t sent;    /* SAMPLE frames that the line took */
    uint32_t dropped; /* SAMPLE frames dropped while they waited */
    uint32_t missed;  /* samples that were due and not measured */
    uint32_t dropped_answers;
} imusic_hub;

/* Begin, as at boot: IDLE, with a HELLO due now. */
imusic_hub_problem imusic_hub_init(imusic_hub *hub, const imusic_hub_config *config, const imusic_platform *platform,
                                   uint64_t now_us);

/* Take bytes of the host; answers wait until imusic_hub_poll. `now_us`: when the last of them arrived, for PONG. How
 * many intact packets of the host they completed, of a host with the key where there is one: a UDP transport sends to
 * the sender of the last datagram for which this was not 0. */
size_t imusic_hub_receive(imusic_hub *hub, const uint8_t *bytes, size_t length, uint64_t now_us);

/* Do what is due: answers first, then HELLO or samples. */
void imusic_hub_poll(imusic_hub *hub, uint64_t now_us);

/* When imusic_hub_poll has something to do, if no bytes arrive before. */
uint64_t imusic_hub_next_us(const imusic_hub *hub, uint64_t now_us);

#ifdef __cplusplus
}
#endif

#endif
