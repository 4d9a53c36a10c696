#include "offsets.h"

#include <string.h>

#define AXES       3U
#define FULL_SCALE ((int32_t)32768)

void imusic_offsets_begin(imusic_offsets *offsets, imusic_offset *units, size_t unit_count)
{
    offsets->units = units;
    offsets->unit_count = unit_count;
    offsets->samples = 0U;
    (void)memset(units, 0, unit_count * sizeof(*units));
}

/* Counts of an angular velocity. */
static int32_t counts_of(int32_t dps, const imusic_sensor *sensor)
{
    return (dps * FULL_SCALE) / (int32_t)sensor->part->gyro_range_dps;
}

/* Whether the unit still lies still. */
static bool add(imusic_offset *unit, const imusic_sensor *sensor, const imusic_reading *reading)
{
    const int32_t most = counts_of(IMUSIC_MOST_DPS, sensor);
    bool is_still = true;
    for (size_t i = 0U; i < AXES; i++) {
        const int16_t count = reading->gyro[i];
        if ((unit->answered == 0U) || (count < unit->least[i])) {
            unit->least[i] = count;
        }
        if ((unit->answered == 0U) || (count > unit->greatest[i])) {
            unit->greatest[i] = count;
        }
        unit->sum[i] += count;
        is_still = is_still && (((int32_t)unit->greatest[i] - unit->least[i]) <= counts_of(IMUSIC_STILL_DPS, sensor)) &&
                   (unit->greatest[i] <= most) && (unit->least[i] >= -most);
    }
    unit->answered++;
    return is_still;
}

imusic_offsets_state imusic_offsets_add(imusic_offsets *offsets, const imusic_sensor *sensors,
                                        const imusic_reading *readings)
{
    bool is_still = true;
    bool anybody = false;
    for (size_t i = 0U; i < offsets->unit_count; i++) {
        if ((readings[i].status & IMUSIC_OK) != 0U) {
            anybody = true;
            if (!add(&offsets->units[i], &sensors[i], &readings[i])) {
                is_still = false;
            }
        }
    }
    offsets->samples++;
    if (!is_still || !anybody) {
        imusic_offsets_begin(offsets, offsets->units, offsets->unit_count);
        return IMUSIC_OFFSETS_MOVED;
    }
    return (offsets->samples < IMUSIC_STILL_SAMPLES) ? IMUSIC_OFFSETS_LOOKING : IMUSIC_OFFSETS_FOUND;
}

bool imusic_offsets_of(const imusic_offsets *offsets, size_t unit, int16_t *counts)
{
    const imusic_offset *found = &offsets->units[unit];
    /* A sample or two may be missing; most of them may not. */
    const bool enough = (2U * (uint32_t)found->answered) > offsets->samples;
    for (size_t i = 0U; enough && (i < AXES); i++) {
        const int32_t half = (int32_t)found->answered / 2;
        counts[i] = (int16_t)((found->sum[i] + ((found->sum[i] < 0) ? -half : half)) / (int32_t)found->answered);
    }
    return enough;
}
