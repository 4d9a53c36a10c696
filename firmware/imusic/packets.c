#include "packets.h"

static bool can_be_counted(size_t unit_count)
{
    return (unit_count >= 1U) && (unit_count <= IMUSIC_MAX_UNITS);
}

size_t imusic_encode_hello(uint8_t *bytes, size_t capacity, imusic_seal *seal, const imusic_hello *hello)
{
    imusic_frame frame;
    if (!can_be_counted(hello->unit_count)) {
        return 0U;
    }
    imusic_frame_begin_sealed(&frame, bytes, capacity, seal, IMUSIC_HELLO);
    imusic_frame_u32(&frame, hello->boot_id);
    imusic_frame_u16(&frame, hello->rate_hz);
    imusic_frame_u16(&frame, hello->max_rate_hz);
    imusic_frame_u8(&frame, hello->flags);
    imusic_frame_u8(&frame, hello->fields);
    imusic_frame_u8(&frame, (uint8_t)hello->unit_count);
    imusic_frame_text(&frame, hello->hub);
    imusic_frame_text(&frame, hello->firmware);
    for (size_t i = 0U; i < hello->unit_count; i++) {
        const imusic_unit *unit = &hello->units[i];
        imusic_frame_u8(&frame, unit->id);
        imusic_frame_u8(&frame, unit->flags);
        imusic_frame_u16(&frame, unit->gyro_range_dps);
        imusic_frame_u8(&frame, unit->accel_range_g);
        imusic_frame_text(&frame, unit->place);
        imusic_frame_text(&frame, unit->part);
    }
    return imusic_frame_end(&frame);
}

size_t imusic_encode_sample(uint8_t *bytes, size_t capacity, imusic_seal *seal, uint32_t sequence, uint64_t hub_time_us,
                            const imusic_reading *readings, size_t unit_count, const imusic_quaternion *quaternions)
{
    imusic_frame frame;
    uint8_t fields = IMUSIC_FIELD_GYRO | IMUSIC_FIELD_ACCEL;
    if (!can_be_counted(unit_count)) {
        return 0U;
    }
    if (quaternions != NULL) {
        fields |= IMUSIC_FIELD_QUATERNION;
    }
    imusic_frame_begin_sealed(&frame, bytes, capacity, seal, IMUSIC_SAMPLE);
    imusic_frame_u32(&frame, sequence);
    imusic_frame_u64(&frame, hub_time_us);
    imusic_frame_u8(&frame, fields);
    imusic_frame_u8(&frame, (uint8_t)unit_count);
    for (size_t i = 0U; i < unit_count; i++) {
        imusic_frame_u8(&frame, readings[i].status);
    }
    if (quaternions != NULL) {
        for (size_t i = 0U; i < unit_count; i++) {
            for (size_t k = 0U; k < 4U; k++) {
                imusic_frame_i16(&frame, quaternions[i][k]);
            }
        }
    }
    for (size_t i = 0U; i < unit_count; i++) {
        for (size_t k = 0U; k < 3U; k++) {
            imusic_frame_i16(&frame, readings[i].gyro[k]);
        }
    }
    for (size_t i = 0U; i < unit_count; i++) {
        for (size_t k = 0U; k < 3U; k++) {
            imusic_frame_i16(&frame, readings[i].accel[k]);
        }
    }
    return imusic_frame_end(&frame);
}

size_t imusic_encode_pong(uint8_t *bytes, size_t capacity, imusic_seal *seal, uint32_t token, uint64_t hub_time_us)
{
    imusic_frame frame;
    imusic_frame_begin_sealed(&frame, bytes, capacity, seal, IMUSIC_PONG);
    imusic_frame_u32(&frame, token);
    imusic_frame_u64(&frame, hub_time_us);
    return imusic_frame_end(&frame);
}

size_t imusic_encode_ack(uint8_t *bytes, size_t capacity, imusic_seal *seal, uint16_t request_id, uint8_t command,
                         uint8_t result, imusic_text message)
{
    imusic_frame frame;
    imusic_frame_begin_sealed(&frame, bytes, capacity, seal, IMUSIC_ACK);
    imusic_frame_u16(&frame, request_id);
    imusic_frame_u8(&frame, command);
    imusic_frame_u8(&frame, result);
    imusic_frame_text(&frame, message);
    return imusic_frame_end(&frame);
}
