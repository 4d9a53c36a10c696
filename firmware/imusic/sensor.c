#include "sensor.h"

#include <string.h>

#define AXES 3U
/* Tries to read a burst that does not mix two measurements: at 1 kHz and 0.6 ms for a burst the second succeeds as a
 * rule. */
#define BURSTS 3U

int16_t imusic_i16(uint8_t low, uint8_t high)
{
    const int32_t bits = (int32_t)low + (256 * (int32_t)high);
    /* Without relying on how the compiler converts what does not fit. */
    return (int16_t)((bits < 32768) ? bits : (bits - 65536));
}

void imusic_sensor_init(imusic_sensor *sensor, const imusic_part *part, const imusic_bus *bus)
{
    (void)memset(sensor, 0, sizeof(*sensor));
    sensor->part = part;
    sensor->bus = *bus;
    sensor->state = IMUSIC_SENSOR_ABSENT;
    for (size_t i = 0U; i < AXES; i++) {
        sensor->axes[i] = (int8_t)(i + 1U);
    }
}

bool imusic_sensor_set_axes(imusic_sensor *sensor, const int8_t *axes)
{
    int place[AXES];
    bool is_negative = false;
    bool is_even;
    for (size_t i = 0U; i < AXES; i++) {
        place[i] = (axes[i] < 0) ? -axes[i] : axes[i];
        if ((place[i] < 1) || (place[i] > 3)) {
            return false;
        }
        is_negative = is_negative != (axes[i] < 0);
    }
    if ((place[0] == place[1]) || (place[1] == place[2]) || (place[0] == place[2])) {
        return false;
    }
    /* Right-handed: an even order of the axes with an even number of them turned around, or both odd. */
    is_even = (place[1] == ((place[0] % 3) + 1));
    if (is_even == is_negative) {
        return false;
    }
    (void)memcpy(sensor->axes, axes, sizeof(sensor->axes));
    return true;
}

void imusic_sensor_set_gyro_offset(imusic_sensor *sensor, const int16_t *counts)
{
    (void)memcpy(sensor->gyro_offset, counts, sizeof(sensor->gyro_offset));
}

static bool read_reg(const imusic_sensor *sensor, uint8_t reg, uint8_t *value)
{
    return sensor->bus.read(sensor->bus.context, reg, value, 1U);
}

static void give_up(imusic_sensor *sensor, bool answers, uint64_t now_us)
{
    sensor->state = IMUSIC_SENSOR_ABSENT;
    sensor->answers = answers;
    sensor->next_us = now_us + IMUSIC_SENSOR_RETRY_US;
}

/* Whether the registers hold what was written. */
static bool is_set_up(const imusic_sensor *sensor)
{
    bool same = true;
    for (size_t i = 0U; same && (i < sensor->part->step_count); i++) {
        const imusic_step *step = &sensor->part->steps[i];
        if (step->is_kept) {
            uint8_t found = 0U;
            same = read_reg(sensor, step->reg, &found) && (found == step->value);
        }
    }
    return same;
}

static void look_for(imusic_sensor *sensor, uint64_t now_us)
{
    const imusic_part *part = sensor->part;
    uint8_t who = 0U;
    const bool written = !part->has_banks || sensor->bus.write(sensor->bus.context, part->bank_reg, 0U);
    if (!written || !read_reg(sensor, part->who_am_i_reg, &who)) {
        give_up(sensor, false, now_us);
    } else if (who != part->who_am_i) {
        /* All zeros or ones are a bus without anybody; anything else is somebody else. */
        give_up(sensor, (who != 0x00U) && (who != 0xFFU), now_us);
    } else {
        sensor->answers = true;
        sensor->state = IMUSIC_SENSOR_STARTING;
        sensor->next_step = 0U;
        sensor->next_us = now_us;
        sensor->starts++;
    }
}

void imusic_sensor_step(imusic_sensor *sensor, uint64_t now_us)
{
    if ((sensor->state == IMUSIC_SENSOR_RUNNING) || (now_us < sensor->next_us)) {
        return;
    }
    if (sensor->state == IMUSIC_SENSOR_ABSENT) {
        look_for(sensor, now_us);
    }
    while ((sensor->state == IMUSIC_SENSOR_STARTING) && (now_us >= sensor->next_us)) {
        if (sensor->next_step < sensor->part->step_count) {
            const imusic_step *step = &sensor->part->steps[sensor->next_step];
            if (sensor->bus.write(sensor->bus.context, step->reg, step->value)) {
                sensor->next_step++;
                sensor->next_us = now_us + step->wait_us;
            } else {
                give_up(sensor, false, now_us);
            }
        } else if (is_set_up(sensor)) {
            sensor->state = IMUSIC_SENSOR_RUNNING;
            sensor->stale = 0U;
            sensor->unanswered = 0U;
        } else {
            give_up(sensor, true, now_us);
        }
    }
}

/* A burst of one measurement. */
static bool read_burst(imusic_sensor *sensor, uint8_t *burst)
{
    const imusic_part *part = sensor->part;
    uint8_t ready = 0U;
    for (size_t i = 0U; i < BURSTS; i++) {
        uint8_t after = 0U;
        if (!sensor->bus.read(sensor->bus.context, part->burst_reg, burst, part->burst_count)) {
            return false;
        }
        /* Reading clears the bits: what the first of several bursts said holds. */
        ready |= burst[part->status_at];
        burst[part->status_at] = ready;
        if (!part->has_counter) {
            return true;
        }
        if (!read_reg(sensor, part->counter_reg, &after)) {
            return false;
        }
        if (after == burst[part->counter_at]) {
            return true;
        }
        sensor->torn++;
    }
    burst[part->status_at] = 0U; /* not one measurement: not new */
    return true;
}

static int16_t count_at(const imusic_part *part, const uint8_t *bytes)
{
    return part->big_endian ? imusic_i16(bytes[1], bytes[0]) : imusic_i16(bytes[0], bytes[1]);
}

static bool all_are(const int16_t *counts, int16_t value)
{
    return (counts[0] == value) && (counts[1] == value) && (counts[2] == value);
}

static bool any_at_end(const int16_t *counts)
{
    bool found = false;
    for (size_t i = 0U; i < AXES; i++) {
        found = found || (counts[i] == INT16_MAX) || (counts[i] == INT16_MIN);
    }
    return found;
}

/* From the chip's axes to the unit's. The lowest count has no opposite: it stays at the end of the range. */
static void turn(const imusic_sensor *sensor, const int16_t *chip, int16_t *unit)
{
    for (size_t i = 0U; i < AXES; i++) {
        const int8_t axis = sensor->axes[i];
        const int16_t count = chip[((axis < 0) ? -axis : axis) - 1];
        unit[i] = (int16_t)((axis > 0) ? count : ((count == INT16_MIN) ? INT16_MAX : -count));
    }
}

/* Counts at the end of the range stay there: the host sees saturation by them. */
static void subtract_offset(const imusic_sensor *sensor, int16_t *gyro)
{
    for (size_t i = 0U; i < AXES; i++) {
        if ((gyro[i] != INT16_MAX) && (gyro[i] != INT16_MIN)) {
            const int32_t rest = (int32_t)gyro[i] - sensor->gyro_offset[i];
            gyro[i] = (int16_t)((rest > INT16_MAX) ? INT16_MAX : ((rest < INT16_MIN) ? INT16_MIN : rest));
        }
    }
}

static void take_values(const imusic_sensor *sensor, const uint8_t *burst, imusic_reading *reading)
{
    const imusic_part *part = sensor->part;
    int16_t gyro[AXES];
    int16_t accel[AXES];
    for (size_t i = 0U; i < AXES; i++) {
        gyro[i] = count_at(part, &burst[part->gyro_at + (2U * i)]);
        accel[i] = count_at(part, &burst[part->accel_at + (2U * i)]);
    }
    /* A bus that reads zeros or ones, and registers that hold no measurement yet, show alike on all axes. */
    if (sensor->failed_test || all_are(accel, 0) || (all_are(accel, -1) && all_are(gyro, -1)) ||
        all_are(accel, INT16_MIN) || all_are(gyro, INT16_MIN)) {
        reading->status = IMUSIC_FAULT;
    } else {
        reading->status = IMUSIC_OK;
        if (any_at_end(gyro)) {
            reading->status |= IMUSIC_GYRO_SATURATED;
        }
        if (any_at_end(accel)) {
            reading->status |= IMUSIC_ACCEL_SATURATED;
        }
        turn(sensor, gyro, reading->gyro);
        subtract_offset(sensor, reading->gyro);
        turn(sensor, accel, reading->accel);
    }
}

void imusic_sensor_measure(imusic_sensor *sensor, uint64_t now_us, imusic_reading *reading)
{
    uint8_t burst[IMUSIC_MAX_BURST] = {0U};
    const imusic_part *part = sensor->part;
    (void)memset(reading, 0, sizeof(*reading));
    if (sensor->state != IMUSIC_SENSOR_RUNNING) {
        imusic_sensor_step(sensor, now_us);
        reading->status = sensor->answers ? IMUSIC_FAULT : IMUSIC_MISSING;
    } else if (!read_burst(sensor, burst)) {
        reading->status = IMUSIC_MISSING;
        sensor->unanswered++;
        if (sensor->unanswered >= IMUSIC_SENSOR_PATIENCE) {
            give_up(sensor, false, now_us);
        }
    } else {
        sensor->unanswered = 0U;
        if ((burst[part->status_at] & part->ready) == part->ready) {
            sensor->stale = 0U;
            take_values(sensor, burst, reading);
        } else {
            /* Once may be chance; a part that lost its supply for a moment is back with its registers as after a reset.
             */
            sensor->stale++;
            reading->status = IMUSIC_FAULT;
            if (sensor->stale >= IMUSIC_SENSOR_PATIENCE) {
                sensor->state = IMUSIC_SENSOR_ABSENT;
                sensor->next_us = now_us;
            }
        }
    }
}

imusic_test_result imusic_sensor_self_test(imusic_sensor *sensor)
{
    const imusic_test_result result = sensor->part->self_test(&sensor->bus);
    sensor->failed_test = (result == IMUSIC_TEST_FAILED);
    sensor->state = IMUSIC_SENSOR_ABSENT;
    sensor->next_us = 0U;
    return result;
}
