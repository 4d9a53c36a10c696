/* An IMU on a bus: brought up without waiting, read in one burst, and brought up again when it fails.
 *
 * What differs between parts is data: registers and values from their datasheets, in qmi8658.c and icm42688.c. Another
 * part is another imusic_part. Nothing here waits, except the self-test, which is for boot or the bench: a unit that
 * fails never stops the others.
 */
#ifndef IMUSIC_SENSOR_H
#define IMUSIC_SENSOR_H

#include "packets.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One unit on I2C or SPI. Reading several bytes begins at a register and goes on to the next ones. */
typedef struct {
    void *context;
    /* false: nobody acknowledged (I2C), or the transfer failed. On SPI an absent unit reads as 0x00 or 0xFF. */
    bool (*write)(void *context, uint8_t reg, uint8_t value);
    bool (*read)(void *context, uint8_t reg, uint8_t *bytes, size_t count);
    void (*wait_us)(void *context, uint32_t us); /* for the self-test only */
} imusic_bus;

/* A register to write while a part is brought up. */
typedef struct {
    uint8_t reg;
    uint8_t value;
    bool is_kept;     /* reads back as written: it is checked at the end */
    uint32_t wait_us; /* before the next */
} imusic_step;

typedef enum {
    IMUSIC_TEST_PASSED,
    IMUSIC_TEST_FAILED,   /* an axis does not move as it should */
    IMUSIC_TEST_NO_ANSWER /* the bus failed, or the part never came to an end */
} imusic_test_result;

/* Longest burst of any part, bytes. */
#define IMUSIC_MAX_BURST 19U

typedef struct {
    imusic_text name;        /* as HELLO says it */
    uint16_t gyro_range_dps; /* as the steps set it */
    uint8_t accel_range_g;
    uint8_t who_am_i_reg;
    uint8_t who_am_i;
    bool has_banks; /* whether 0 must be written to bank_reg before anything else means what it says */
    uint8_t bank_reg;
    const imusic_step *steps;
    size_t step_count;
    /* One burst reads status and motion; places are bytes of it. */
    uint8_t burst_reg;
    uint8_t burst_count;
    uint8_t status_at;
    uint8_t ready; /* bits that are all set when the values are new */
    uint8_t accel_at;
    uint8_t gyro_at;
    bool big_endian;
    /* A counter of measurements that is among the burst and is read again after it: if it moved, the burst may mix two
     * of them. */
    bool has_counter;
    uint8_t counter_reg;
    uint8_t counter_at;
    /* The part's own test, at rest; it leaves the part to be brought up again. */
    imusic_test_result (*self_test)(const imusic_bus *bus);
} imusic_part;

/* QST QMI8658A and QMI8658C, TDK InvenSense ICM-42688-P. */
extern const imusic_part imusic_qmi8658;
extern const imusic_part imusic_icm42688;

typedef enum {
    IMUSIC_SENSOR_ABSENT, /* does not answer, or as another part */
    IMUSIC_SENSOR_STARTING,
    IMUSIC_SENSOR_RUNNING
} imusic_sensor_state;

/* Samples without new values, or without an answer, until the unit is brought up anew; how long after that failed it is
 * tried again. */
#define IMUSIC_SENSOR_PATIENCE 10U
#define IMUSIC_SENSOR_RETRY_US 1000000ULL

typedef struct {
    const imusic_part *part;
    imusic_bus bus;
    int8_t
        axes[3]; /* of the chip, 1 to 3 for x to z, negative where they point the other way, for the unit's x, y, z */
    int16_t gyro_offset[3]; /* subtracted from the gyroscope's counts, unit's axes */
    imusic_sensor_state state;
    bool answers;     /* whether the unit answered the last time, as itself or not */
    bool failed_test; /* its self-test failed: its values are reported as a fault for good */
    size_t next_step;
    uint64_t next_us;   /* of the next step */
    uint8_t stale;      /* samples in a row without new values */
    uint8_t unanswered; /* samples in a row without an answer */
    uint32_t starts;    /* times it was brought up; more than once: it lost its supply, or its bus */
    uint32_t torn;      /* bursts that mixed two measurements and were read again */
} imusic_sensor;

/* A number of two's complement from its bytes. */
int16_t imusic_i16(uint8_t low, uint8_t high);

void imusic_sensor_init(imusic_sensor *sensor, const imusic_part *part, const imusic_bus *bus);

/* How the chip sits on its board: {1, 2, 3} as it is; {2, -1, 3}: the unit's x is the chip's y, its y the chip's -x.
 * The unit's frame is x up along the skin and z out of it, docs/wearing.md. false, and nothing changed: no such
 * rotation. */
bool imusic_sensor_set_axes(imusic_sensor *sensor, const int8_t *axes);

/* Subtract an offset from the gyroscope's counts from now on, unit's axes; offsets.h finds it. */
void imusic_sensor_set_gyro_offset(imusic_sensor *sensor, const int16_t *counts);

/* Go on bringing the unit up, as far as its waits allow: call until the state is RUNNING, or go on without it. */
void imusic_sensor_step(imusic_sensor *sensor, uint64_t now_us);

/* The newest values with their status, or zeros with what is wrong. Takes a step where the unit does not run. */
void imusic_sensor_measure(imusic_sensor *sensor, uint64_t now_us, imusic_reading *reading);

/* Run the part's self-test; the wearer must be still. The unit is to be brought up after it. */
imusic_test_result imusic_sensor_self_test(imusic_sensor *sensor);

#ifdef __cplusplus
}
#endif

#endif
