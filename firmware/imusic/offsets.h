/* Gyroscope offsets, found once while the hub lies still, and subtracted from then on. docs/wearing.md says why: with
 * the offsets of a part as delivered the host may never see a wearer at rest.
 *
 * There is one decision on rest for all units: they lie on one table. A unit that decided for itself would take a slow
 * turn for its offset. On a wearer no offset is learned here: that is the host's, which knows all units and the skull.
 */
#ifndef IMUSIC_OFFSETS_H
#define IMUSIC_OFFSETS_H

#include "sensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Still means: within so many samples in a row (2 s at 100 Hz) no axis of any unit changes by more than this; a QMI8658
 * at rest changes by 0.7 (six times 0.11, docs/wearing.md). An offset beyond the most is a turntable, or a broken part.
 */
#define IMUSIC_STILL_SAMPLES 200U
#define IMUSIC_STILL_DPS     2
#define IMUSIC_MOST_DPS      20

typedef enum {
    IMUSIC_OFFSETS_LOOKING, /* give it the next sample */
    IMUSIC_OFFSETS_MOVED,   /* the same, but it began anew */
    IMUSIC_OFFSETS_FOUND
} imusic_offsets_state;

/* Of one unit. */
typedef struct {
    int32_t sum[3];
    int16_t least[3];
    int16_t greatest[3];
    uint16_t answered; /* samples in which the unit was OK */
} imusic_offset;

typedef struct {
    imusic_offset *units; /* the caller's, one for each unit */
    size_t unit_count;
    uint16_t samples;
} imusic_offsets;

void imusic_offsets_begin(imusic_offsets *offsets, imusic_offset *units, size_t unit_count);

/* Take one sample of all units, measured without an offset. `sensors` tells their ranges. */
imusic_offsets_state imusic_offsets_add(imusic_offsets *offsets, const imusic_sensor *sensors,
                                        const imusic_reading *readings);

/* After FOUND: the offset of a unit, counts in the unit's axes. false: it hardly answered; keep the old one. */
bool imusic_offsets_of(const imusic_offsets *offsets, size_t unit, int16_t *counts);

#ifdef __cplusplus
}
#endif

#endif
