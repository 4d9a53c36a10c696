/* Packets that a hub sends, docs/protocol.md: HELLO, SAMPLE, PONG, ACK. */
#ifndef IMUSIC_PACKETS_H
#define IMUSIC_PACKETS_H

#include "wire.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IMUSIC_MAX_UNITS 64U

/* Types of packets. */
#define IMUSIC_HELLO         0x01U
#define IMUSIC_SAMPLE        0x02U
#define IMUSIC_PONG          0x03U
#define IMUSIC_ACK           0x04U
/* With a key. */
#define IMUSIC_REFUSED        0x05U
#define IMUSIC_AUTH_CHALLENGE 0x06U
#define IMUSIC_SEALED_BY_HUB  0x07U
#define IMUSIC_HELLO_REQUEST 0x81U
#define IMUSIC_START         0x82U
#define IMUSIC_STOP          0x83U
#define IMUSIC_SET_RATE      0x84U
#define IMUSIC_PING          0x85U
#define IMUSIC_IDENTIFY      0x86U
/* With a key. */
#define IMUSIC_AUTH_REQUEST   0x87U
#define IMUSIC_SEALED_BY_HOST 0x88U

/* Bits of `fields`. */
#define IMUSIC_FIELD_QUATERNION 0x01U
#define IMUSIC_FIELD_GYRO       0x02U
#define IMUSIC_FIELD_ACCEL      0x04U

/* Bits of a hub's and of a unit's flags in HELLO. */
#define IMUSIC_STREAMING 0x01U
#define IMUSIC_CAN_SEAL  0x02U
#define IMUSIC_PRESENT   0x01U

/* Bits of a unit's status in SAMPLE. */
#define IMUSIC_OK              0x01U
#define IMUSIC_GYRO_SATURATED  0x02U
#define IMUSIC_ACCEL_SATURATED 0x04U
#define IMUSIC_FAULT           0x08U
#define IMUSIC_MISSING         0x10U

/* Results in ACK. */
#define IMUSIC_RESULT_OK          0U
#define IMUSIC_RESULT_UNSUPPORTED 1U
#define IMUSIC_RESULT_INVALID     2U
#define IMUSIC_RESULT_BUSY        3U
#define IMUSIC_RESULT_FAILED      4U

/* One unit as HELLO describes it. */
typedef struct {
    uint8_t id;              /* number on the hub; each once */
    uint8_t flags;           /* IMUSIC_PRESENT or 0 */
    uint16_t gyro_range_dps; /* full scale, degrees per second; at least 1 */
    uint8_t accel_range_g;   /* full scale, standard gravities; at least 1 */
    imusic_text place;       /* name in the host's sensor layout, such as frontalis_left */
    imusic_text part;        /* such as QMI8658 */
} imusic_unit;

/* Who the hub is. */
typedef struct {
    uint32_t boot_id;
    uint16_t rate_hz;
    uint16_t max_rate_hz;
    uint8_t flags;  /* IMUSIC_STREAMING or 0 */
    uint8_t fields; /* of every SAMPLE */
    imusic_text hub;
    imusic_text firmware;
    const imusic_unit *units;
    size_t unit_count;
} imusic_hello;

/* What one unit measured. Zeros, unless `status` has IMUSIC_OK. */
typedef struct {
    int16_t gyro[3];  /* sensor axes, units of gyro_range_dps / 32768 degrees per second */
    int16_t accel[3]; /* sensor axes, units of accel_range_g / 32768 g; specific force: +1 g on the axis that points up
                         at rest */
    uint8_t status;
} imusic_reading;

/* x, y, z, w in units of 1/32767. */
typedef int16_t imusic_quaternion[4];

/* Most bytes of a SAMPLE frame without quaternions, envelope and delimiter included. */
#define IMUSIC_SAMPLE_BYTES(units) IMUSIC_FRAME_BYTES(14U + (13U * (units)) + IMUSIC_ENVELOPE_BYTES)
/* Enough for PONG, ACK, REFUSED and AUTH_CHALLENGE. */
#define IMUSIC_ANSWER_BYTES IMUSIC_FRAME_BYTES(4U + 256U + IMUSIC_ENVELOPE_BYTES)

#define IMUSIC_NONCE_BYTES 16U

/* Each writes a whole frame with its delimiter and returns its length; 0: buffer or protocol cannot hold it. `seal`:
 * what it is sealed with, NULL: nothing. */
size_t imusic_encode_hello(uint8_t *bytes, size_t capacity, imusic_seal *seal, const imusic_hello *hello);

/* `quaternions` is NULL where the host shall fuse the orientation, as for all hubs of this folder. */
size_t imusic_encode_sample(uint8_t *bytes, size_t capacity, imusic_seal *seal, uint32_t sequence, uint64_t hub_time_us,
                            const imusic_reading *readings, size_t unit_count, const imusic_quaternion *quaternions);
size_t imusic_encode_pong(uint8_t *bytes, size_t capacity, imusic_seal *seal, uint32_t token, uint64_t hub_time_us);
size_t imusic_encode_ack(uint8_t *bytes, size_t capacity, imusic_seal *seal, uint16_t request_id, uint8_t command,
                         uint8_t result, imusic_text message);

#ifdef __cplusplus
}
#endif

#endif
