/* How long it takes to encode a sample of 12 units on this computer. */
#define _XOPEN_SOURCE 700

#include <stdio.h>
#include <time.h>

#include "packets.h"

#define UNITS  12U
#define ROUNDS 200000U

static void measure(imusic_seal *seal)
{
    static imusic_reading readings[UNITS];
    static uint8_t frame[IMUSIC_SAMPLE_BYTES(UNITS)];
    struct timespec begin;
    struct timespec end;
    size_t length = 0U;
    for (size_t i = 0U; i < UNITS; i++) {
        for (size_t k = 0U; k < 3U; k++) {
            readings[i].gyro[k] = (int16_t)(37 * (int)(i + k + 1U));
            readings[i].accel[k] = (int16_t)(-411 * (int)(i + k + 1U));
        }
        readings[i].status = IMUSIC_OK;
    }
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    for (uint32_t n = 0U; n < ROUNDS; n++) {
        length = imusic_encode_sample(frame, sizeof(frame), seal, n, n, readings, UNITS, NULL);
    }
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    (void)printf("%u units%s: %zu bytes, %.2f us\n", UNITS, (seal != NULL) ? ", sealed" : "", length,
                 ((1e6 * (double)(end.tv_sec - begin.tv_sec)) + (1e-3 * (double)(end.tv_nsec - begin.tv_nsec))) /
                     (double)ROUNDS);
}

int main(void)
{
    static imusic_seal seal;
    seal.type = IMUSIC_SEALED_BY_HUB;
    measure(NULL);
    measure(&seal);
    return 0;
}
